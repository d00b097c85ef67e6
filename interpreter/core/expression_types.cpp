// The types of expressions, as far as they are certain without running. One walk over the nodes, whose
// operands stand before them; the parser asks without names, the checks of a scenario with what they
// know of its variables.
#include "interpreter/core/expression_evaluator.h"
#include "interpreter/core/expression_tree.h"
#include "interpreter/core/expression_vocabulary.h"

namespace sufler {
namespace {

using T = ValueType;

constexpr T kAllTypes[] = {T::Boolean, T::Number, T::Text, T::Moment, T::Date,
                           T::Time,    T::Duration, T::List, T::Map,  T::File};

/// `list, text`.
std::string names_of(TypeSet set) {
  std::string names;
  for (const T type : kAllTypes) {
    if ((set & type_bit(type)) == 0) continue;
    if (!names.empty()) names += ", ";
    names += type_name(type);
  }
  return names;
}

/// Which types have the member.
TypeSet owners_of(MemberWord word) {
  switch (word) {
    case MemberWord::None:
      return 0;
    case MemberWord::Name:
    case MemberWord::Size:
    case MemberWord::Kind:
    case MemberWord::Caption:
    case MemberWord::Mime:
      return types(T::File);
    case MemberWord::Year:
    case MemberWord::Month:
    case MemberWord::Day:
      return types(T::Date, T::Moment);
    case MemberWord::Hour:
    case MemberWord::Minute:
      return types(T::Time, T::Moment);
  }
  return 0;
}

T type_of_member(MemberWord word) {
  if (word == MemberWord::None) return T::Null;
  return word >= MemberWord::Year || word == MemberWord::Size ? T::Number : T::Text;
}

class Inference {
 public:
  Inference(const ExpressionTree& tree, const NameTypes* names,
            std::vector<ExpressionError>* errors)
      : tree_(tree), names_(names), errors_(errors) {}

  std::vector<T> run(std::uint32_t root) {
    types_.assign(root + 1, T::Null);
    for (std::uint32_t at = tree_.nodes[root].first; at <= root; ++at)
      types_[at] = type_of(tree_.nodes[at]);
    return std::move(types_);
  }

 private:
  bool is_null(std::uint32_t at) const { return constant(at) && constant(at)->is_null(); }
  const Value* constant(std::uint32_t at) const {
    const ExpressionNode& node = tree_.nodes[at];
    return node.op == Op::Constant ? &tree_.constants[node.data] : nullptr;
  }
  /// For messages: `null`, `text`, or `…` when only the run will tell.
  std::string shown(std::uint32_t at) const {
    if (is_null(at)) return "null";
    return types_[at] == T::Null ? "…" : std::string(type_name(types_[at]));
  }

  T report(ExpressionProblem problem, const ExpressionNode& node, std::string found,
           std::string expected = {}) {
    if (errors_)
      errors_->push_back({problem, node.offset, node.length, std::move(found), std::move(expected)});
    return T::Null;
  }

  T type_of(const ExpressionNode& node) {
    switch (node.op) {
      case Op::Constant:
        return tree_.constants[node.data].type();
      case Op::Name:
        return type_of_name(node);
      case Op::NamedText:
      case Op::TextsIndex:
        return T::Text;
      case Op::List:
        return T::List;
      case Op::Map:
        return T::Map;
      case Op::Not:
        return T::Boolean;
      case Op::Negate:
        return type_of_sign(node);
      case Op::If:
        return joined(node.left, node.data);
      case Op::Member:
        return member(node, types_[node.left], tree_.words[node.data]);
      case Op::Index:
        return type_of_index(node);
      case Op::Function:
      case Op::Filter:
        return type_of_call(node);
      default:
        return type_of_operation(node);
    }
  }

  /// Of a value that is one or the other; null may be either.
  T joined(std::uint32_t a, std::uint32_t b) const {
    if (is_null(a)) return types_[b];
    if (is_null(b)) return types_[a];
    return types_[a] == types_[b] ? types_[a] : T::Null;
  }

  T type_of_name(const ExpressionNode& node) {
    if (!names_) return T::Null;
    const NameUse& use = tree_.names[node.data];
    std::size_t parts = use.path.size();
    T type = names_->type_of(use, parts);
    for (; parts < use.path.size() && type != T::Null; ++parts)
      type = member(node, type, use.path[parts]);
    return type;
  }

  T member(const ExpressionNode& node, T owner, const std::string& name) {
    if (owner == T::Null || owner == T::Map) return T::Null;
    const MemberWord word = find_member(name);
    if ((owners_of(word) & type_bit(owner)) != 0) return type_of_member(word);
    return report(ExpressionProblem::TypeMismatch, node,
                  std::string(type_name(owner)) + "." + name, names_of(owners_of(word)));
  }

  T type_of_sign(const ExpressionNode& node) {
    const T type = types_[node.right];
    if (!is_null(node.right) && (type == T::Null || type == T::Number || type == T::Duration))
      return type;
    return report(ExpressionProblem::TypeMismatch, node,
                  (node.data == 1 ? "-" : "+") + shown(node.right), "number, duration");
  }

  T type_of_index(const ExpressionNode& node) {
    const T of = types_[node.left];
    const T key = types_[node.right];
    const bool whole = of == T::Null || of == T::List || of == T::Map || of == T::Text;
    const bool by = key == T::Null || key == T::Number || key == T::Text;
    if (!whole || !by || ((of == T::List || of == T::Text) && key == T::Text)) {
      return report(ExpressionProblem::TypeMismatch, node,
                    shown(node.left) + "[" + shown(node.right) + "]");
    }
    return of == T::Text ? T::Text : T::Null;
  }

  T type_of_call(const ExpressionNode& node) {
    if (!node.call) return T::Null;
    const ExpressionCall& call = *node.call;
    const std::string& name = tree_.words[node.data];
    const bool filter = node.op == Op::Filter;
    const T input = filter ? types_[node.left] : T::Null;
    bool good = true;
    if (filter && !is_null(node.left) && input != T::Null && (call.input & type_bit(input)) == 0) {
      good = false;
      report(ExpressionProblem::TypeMismatch, node,
             std::string(type_name(input)) + " | " + name, names_of(call.input));
    }
    const std::uint32_t count = std::min<std::uint32_t>(node.child_count, call.max_args);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t at = tree_.children[node.child_begin + i];
      if (i == 0 && call.quoted_name) continue;
      const Value* value = constant(at);
      const bool null_argument = value && value->is_null();
      if (null_argument ? !call.null_arguments
                        : types_[at] != T::Null &&
                              (call.argument[i] & type_bit(types_[at])) == 0) {
        good = false;
        report(ExpressionProblem::TypeMismatch, tree_.nodes[at], name + "(" + shown(at) + ")",
               names_of(call.argument[i]));
      } else if (value && !null_argument && !is_readable_argument(call, i, *value)) {
        good = false;
        const ExpressionNode& wrong = tree_.nodes[at];
        report(ExpressionProblem::BadPattern, wrong, tree_.source.substr(wrong.offset, wrong.length),
               std::string(call.usage));
      }
    }
    if (!good && call.result == T::Null) return T::Null;
    if (call.english == "default" && node.child_count > 0) {
      const T other = types_[tree_.children[node.child_begin]];
      return other == input ? input : T::Null;
    }
    if (call.english == "days" || call.english == "hours" || call.english == "minutes") {
      if (input == T::Number) return T::Duration;
      if (input == T::Duration) return T::Number;
    }
    if (!filter && call.english == "date" && node.child_count == 1) {
      // A day alone was folded to a constant.
      const Value* only = constant(tree_.children[node.child_begin]);
      if (only && only->text()) return T::Moment;
    }
    return call.result;
  }

  T type_of_operation(const ExpressionNode& node) {
    const T left = types_[node.left];
    const T right = types_[node.right];
    const bool null_operand = is_null(node.left) || is_null(node.right);
    T result = T::Null;
    bool fits = true;
    if (is_arithmetic(node.op)) {
      fits = !null_operand && operation_type(node.op, left, right, result);
    } else if (node.op == Op::And || node.op == Op::Or) {
      return joined(node.left, node.right);
    } else {
      fits = null_operand || operation_type(node.op, left, right, result);
      result = T::Boolean;
    }
    if (!fits) {
      report(ExpressionProblem::TypeMismatch, node,
             shown(node.left) + " " + std::string(sign_of(node.op)) + " " + shown(node.right));
    } else if (node.op >= Op::Equal && node.op <= Op::GreaterEqual) {
      check_beside(node.left, right);
      check_beside(node.right, left);
    }
    return result;
  }

  /// `now() > 'tomorrow'`: a text beside a time has to read as one.
  void check_beside(std::uint32_t at, T other) {
    const Value* value = constant(at);
    if (!value || !value->text() || can_stand_beside(other, *value->text())) return;
    const ExpressionNode& node = tree_.nodes[at];
    report(ExpressionProblem::BadPattern, node, tree_.source.substr(node.offset, node.length),
           std::string(type_name(other)));
  }

  const ExpressionTree& tree_;
  const NameTypes* names_;
  std::vector<ExpressionError>* errors_;
  std::vector<T> types_;
};

}  // namespace

std::vector<ValueType> infer_types(const ExpressionTree& tree, std::uint32_t root,
                                   const NameTypes* names, std::vector<ExpressionError>* errors) {
  return Inference(tree, names, errors).run(root);
}

}  // namespace sufler

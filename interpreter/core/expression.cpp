#include "interpreter/core/expression.h"

#include <algorithm>

#include "interpreter/core/expression_evaluator.h"
#include "interpreter/core/expression_tree.h"
#include "interpreter/core/reading/phone.h"

namespace sufler {

/// A part of a compiled source; parts of one source share the tree.
struct Expression::Data {
  std::shared_ptr<const ExpressionTree> tree;
  std::uint32_t root = 0;
  std::vector<NameUse> names;
};

Expression Expression::part(std::shared_ptr<const ExpressionTree> tree, std::uint32_t root) {
  auto data = std::make_shared<Data>();
  const auto& at = tree->name_nodes;  // ascending
  const auto begin = std::lower_bound(at.begin(), at.end(), tree->nodes[root].first) - at.begin();
  const auto end = std::upper_bound(at.begin(), at.end(), root) - at.begin();
  data->names.assign(tree->names.begin() + begin, tree->names.begin() + end);
  data->tree = std::move(tree);
  data->root = root;
  Expression made;
  made.data_ = std::move(data);
  return made;
}

Result<Expression, ExpressionError> Expression::parse(std::string_view source) {
  ParsedExpression parsed = parse_expression(source);
  if (!parsed.tree) return Error{std::move(parsed.errors.front())};
  const std::uint32_t root = parsed.tree->root;
  return part(std::move(parsed.tree), root);
}

ExpressionFindings Expression::findings(std::string_view source) {
  ParsedExpression parsed = parse_expression(source);
  if (parsed.tree) return {{}, parsed.tree->names};
  return {std::move(parsed.errors), std::move(parsed.names)};
}

Result<Value, EvaluationError> Expression::evaluate(const Scope& scope) const {
  if (!data_) return Value();
  Evaluator evaluator(scope);
  Value slot;
  const Value* value = evaluator.evaluate(*data_->tree, data_->root, slot);
  if (!value) return Error{evaluator.take_error()};
  if (value == &slot) return slot;
  return *value;
}

bool Expression::append_to(Evaluator& evaluator, RichText& out) const {
  return !data_ || evaluator.append(*data_->tree, data_->root, out);
}

const std::vector<NameUse>& Expression::names() const {
  static const std::vector<NameUse> none;
  return data_ ? data_->names : none;
}

const std::string& Expression::source() const {
  static const std::string empty;
  return data_ ? data_->tree->source : empty;
}

std::optional<Value> Expression::constant() const {
  if (!data_) return std::nullopt;
  const ExpressionNode& node = data_->tree->nodes[data_->root];
  if (node.op != Op::Constant) return std::nullopt;
  return data_->tree->constants[node.data];
}

ValueType Expression::known_type() const {
  return data_ ? data_->tree->nodes[data_->root].type : ValueType::Null;
}

ValueType Expression::known_type(const NameTypes& names,
                                 std::vector<ExpressionError>* errors) const {
  if (!data_) return ValueType::Null;
  return infer_types(*data_->tree, data_->root, &names, errors)[data_->root];
}

std::vector<Expression> Expression::conjuncts() const {
  std::vector<Expression> parts;
  if (!data_) return parts;
  std::vector<std::uint32_t> pending{data_->root};
  while (!pending.empty()) {
    const std::uint32_t at = pending.back();
    pending.pop_back();
    const ExpressionNode& node = data_->tree->nodes[at];
    if (node.op == Op::And) {
      pending.push_back(node.right);
      pending.push_back(node.left);
    } else {
      parts.push_back(part(data_->tree, at));
    }
  }
  return parts;
}

namespace {

/// The name's side of a comparison and the other one; kNoNode when no side is a name.
struct Sides {
  std::uint32_t name = kNoNode;
  std::uint32_t value = kNoNode;
  bool turned = false;
};

Sides sides_of(const ExpressionTree& tree, const ExpressionNode& node) {
  if (node.op < Op::Equal || node.op > Op::GreaterEqual) return {};
  const auto path_length = [&](std::uint32_t at) -> std::size_t {
    const ExpressionNode& side = tree.nodes[at];
    return side.op == Op::Name ? tree.names[side.data].path.size() : 0;
  };
  const std::size_t left = path_length(node.left);
  const std::size_t right = path_length(node.right);
  // Of `vars.most >= price` the lone name is what the comparison is about.
  if (left == 1 || (left > 1 && right != 1)) return {node.left, node.right, false};
  if (right >= 1) return {node.right, node.left, true};
  return {};
}

}  // namespace

std::optional<Expression::Comparison> Expression::as_comparison() const {
  if (!data_) return std::nullopt;
  const ExpressionTree& tree = *data_->tree;
  const ExpressionNode& node = tree.nodes[data_->root];
  const Sides sides = sides_of(tree, node);
  if (sides.name == kNoNode) return std::nullopt;
  std::string op(sign_of(node.op));
  if (sides.turned && op[0] == '<') {
    op[0] = '>';
  } else if (sides.turned && op[0] == '>') {
    op[0] = '<';
  }
  return Comparison{tree.names[tree.nodes[sides.name].data].path, std::move(op)};
}

std::optional<Expression> Expression::comparison_value() const {
  if (!data_) return std::nullopt;
  const Sides sides = sides_of(*data_->tree, data_->tree->nodes[data_->root]);
  if (sides.name == kNoNode) return std::nullopt;
  return part(data_->tree, sides.value);
}

std::optional<Expression::Choice> Expression::as_choice() const {
  if (!data_) return std::nullopt;
  const ExpressionTree& tree = *data_->tree;
  const ExpressionNode& node = tree.nodes[data_->root];
  if (node.op != Op::In && node.op != Op::Like) return std::nullopt;
  const ExpressionNode& left = tree.nodes[node.left];
  if (left.op != Op::Name || tree.names[left.data].path.size() != 1) return std::nullopt;
  return Choice{tree.names[left.data].path.front(), std::string(sign_of(node.op))};
}

std::optional<Expression> Expression::choice_value() const {
  if (!as_choice()) return std::nullopt;
  return part(data_->tree, data_->tree->nodes[data_->root].right);
}

std::string format_phone_display(std::string_view e164) { return format_phone(e164); }

}  // namespace sufler

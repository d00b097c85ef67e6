// One walk over the nodes, whose operands stand before them, as for types. What an operation is not known to keep is not known any
// more: only what is certain is said.
#include "interpreter/core/expression_shapes.h"

#include <algorithm>

#include "interpreter/core/expression_tree.h"
#include "interpreter/core/expression_vocabulary.h"

namespace sufler {
namespace {

class Walk {
 public:
  Walk(const ExpressionTree& tree, const ShapeOfName& names, std::vector<MissingMember>* missing)
      : tree_(tree), names_(names), missing_(missing) {}

  ShapeRef run() {
    shapes_.assign(tree_.root + 1, nullptr);
    for (std::uint32_t at = 0; at <= tree_.root; ++at) shapes_[at] = shape(tree_.nodes[at]);
    return shapes_[tree_.root];
  }

 private:
  const Value* constant(std::uint32_t at) const {
    const ExpressionNode& node = tree_.nodes[at];
    return node.op == Op::Constant ? &tree_.constants[node.data] : nullptr;
  }
  std::string written(std::uint32_t from, std::uint32_t to) const {
    return from < to && to <= tree_.source.size() ? tree_.source.substr(from, to - from) : std::string();
  }

  /// What stands in a member is not known, so a chain ends here.
  void look(const ShapeRef& of, const std::string& member, std::string owner, std::uint32_t offset, std::uint32_t length) {
    if (!of || of->item || of->has(member) || !missing_) return;
    missing_->push_back({std::move(owner), member, of, offset, length});
  }

  ShapeRef shape(const ExpressionNode& node) {
    switch (node.op) {
      case Op::Name: return of_name(node);
      case Op::Member: {
        const std::string& member = tree_.words[node.data];
        const std::uint32_t end = node.offset + node.length;
        const std::uint32_t begin = end - std::min<std::uint32_t>(node.length, static_cast<std::uint32_t>(member.size()));
        const bool exact = written(begin, end) == member;
        look(shapes_[node.left], member, owner_of(node.left), exact ? begin : node.offset, exact ? end - begin : node.length);
        return nullptr;
      }
      case Op::Index: {
        const ShapeRef& of = shapes_[node.left];
        const Value* key = constant(node.right);
        if (!of || (key && key->is_null())) return nullptr;
        if (of->item) return key && key->text() ? nullptr : of->item;
        if (key && key->text()) look(of, *key->text(), owner_of(node.left), tree_.nodes[node.right].offset, tree_.nodes[node.right].length);
        return nullptr;
      }
      case Op::If: return joined(node.left, node.data);
      case Op::Filter: return of_filter(node);
      default: return nullptr;
    }
  }

  std::string owner_of(std::uint32_t at) const {
    const ExpressionNode& node = tree_.nodes[at];
    return written(node.offset, node.offset + node.length);
  }

  ShapeRef of_name(const ExpressionNode& node) {
    const NameUse& use = tree_.names[node.data];
    std::size_t parts = 1;
    ShapeRef of = names_(use, parts);
    if (!of || parts >= use.path.size()) return of;
    std::string owner;
    std::size_t length = 0;
    for (std::size_t i = 0; i < use.path.size(); ++i) {
      length += use.path[i].size() + (i > 0 ? 1 : 0);
      if (i < parts) owner += (i > 0 ? "." : "") + use.path[i];
    }
    const std::string& member = use.path[parts];
    const bool exact = length == use.length;
    look(of, member, owner, exact ? use.offset + static_cast<std::uint32_t>(owner.size()) + 1 : use.offset,
         exact ? static_cast<std::uint32_t>(member.size()) : use.length);
    return nullptr;
  }

  ShapeRef joined(std::uint32_t a, std::uint32_t b) const {
    if (constant(a) && constant(a)->is_null()) return shapes_[b];
    if (constant(b) && constant(b)->is_null()) return shapes_[a];
    return shapes_[a] == shapes_[b] ? shapes_[a] : nullptr;
  }

  ShapeRef of_filter(const ExpressionNode& node) {
    const ShapeRef& of = shapes_[node.left];
    if (!node.call || !of || !of->item) return nullptr;
    const std::string_view name = node.call->english;
    if (node.call->quoted_name && node.child_count > 0) {
      const std::uint32_t at = tree_.children[node.child_begin];
      const ExpressionNode& column = tree_.nodes[at];
      // `sort('-price')` begins with the largest.
      std::string member = constant(at) && constant(at)->text() ? *constant(at)->text() : std::string();
      if (name == "sort" && member.starts_with('-')) member.erase(0, 1);
      if (!member.empty()) look(of->item, member, owner_of(node.left), column.offset, column.length);
    }
    if (name == "first" || name == "last") return of->item;
    if (name == "where" || name == "sort" || name == "unique") return of;
    return nullptr;
  }

  const ExpressionTree& tree_;
  const ShapeOfName& names_;
  std::vector<MissingMember>* missing_;
  std::vector<ShapeRef> shapes_;
};

}  // namespace

bool Shape::has(std::string_view member) const { return std::find(members.begin(), members.end(), member) != members.end(); }

ShapeRef shape_of(const Expression& expression, const ShapeOfName& names, std::vector<MissingMember>* missing) {
  if (expression.constant()) return nullptr;
  // Most expressions read nothing of which the inside is known: those are not taken apart again.
  const bool worth = std::any_of(expression.names().begin(), expression.names().end(), [&](const NameUse& use) {
    std::size_t parts = 1;
    return names(use, parts) != nullptr;
  });
  if (!worth) return nullptr;
  const ParsedExpression parsed = parse_expression(expression.source());
  return parsed.tree ? Walk(*parsed.tree, names, missing).run() : nullptr;
}

}  // namespace sufler

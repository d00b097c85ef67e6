#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "interpreter/core/expression.h"
#include "interpreter/core/expression_tree.h"
#include "interpreter/core/rich_text.h"
#include "interpreter/core/value.h"

namespace sufler {

/// Evaluates trees for one call of `evaluate` or `render`, with what that call may still spend.
class Evaluator {
 public:
  explicit Evaluator(const Scope& scope) : scope_(scope) {}

  /// The value, null after a failure. It lies in `slot`, in the tree or in the scope.
  const Value* evaluate(const ExpressionTree& tree, std::uint32_t node, Value& slot);
  /// Appends what `{{ }}` shows: a named text with its marks, any other value as plain text.
  bool append(const ExpressionTree& tree, std::uint32_t node, RichText& out);

  const Scope& scope() const { return scope_; }
  Language language() const { return scope_.locale().language; }

  bool fail(EvaluationProblem problem, std::string detail);
  bool wrong_type(std::string detail) {
    return fail(EvaluationProblem::WrongType, std::move(detail));
  }
  const EvaluationError& error() const { return error_; }
  EvaluationError take_error() { return std::move(error_); }

  /// Takes `amount` off the work that one evaluation may do, in items and bytes touched.
  bool spend(std::size_t amount);
  /// Fails when a list or map is too large or too deep to be kept.
  bool check_size(const Value& value);
  bool check_text(const std::string& text);
  /// How a value is shown, or a failure when that is too long.
  bool display(const Value& value, std::string& out);

  /// `of.name`, in `slot` or inside `of`; null after a failure.
  const Value* member(const Value& of, const std::string& name, Value& slot);

  Moment midnight(Date date) const { return scope_.locale().zone.to_moment({date, {}}); }

  struct NestedText {
    explicit NestedText(Evaluator& at) : at_(at) {}
    ~NestedText() { --at_.text_depth_; }
    NestedText(const NestedText&) = delete;
    NestedText& operator=(const NestedText&) = delete;
    bool enter();

   private:
    Evaluator& at_;
  };

 private:
  /// An item of a list or map that is written out; `bytes` counts the texts of all. False after a failure.
  bool child(const ExpressionTree& tree, const ExpressionNode& node, std::uint32_t position,
             Value& item, std::size_t& bytes, const char* too_large);
  const Value* leaf(const ExpressionTree& tree, const ExpressionNode& node, Value& slot);
  const Value* apply(const ExpressionTree& tree, const ExpressionNode& node, const Value* left,
                     Value& slot);
  bool arithmetic(Op op, const Value& a, const Value& b, Value& out);
  bool compare_values(Op op, const Value& a, const Value& b, bool& out);
  bool contains(const Value& item, const Value& in, bool& out);
  bool like(const Value& a, const Value& b, bool& out);
  const Value* index(const Value& of, const Value& key, Value& slot);
  const Value* name(const NameUse& use, Value& slot);
  const Value* plain_text(const Template* text, Value& slot);
  void locate(const ExpressionTree& tree, const ExpressionNode& node);
  bool call(const ExpressionTree& tree, const ExpressionNode& node, const Value& input, Value& out);

  const Scope& scope_;
  EvaluationError error_;
  bool failed_ = false;
  int text_depth_ = 0;
  std::size_t texts_left_ = 1000;
  std::size_t work_left_ = 10'000'000;
};

/// Renders a text within an evaluation that goes on (template.cpp).
bool render_template(const Template& text, Evaluator& at, RichText& out);

/// What `left op right` gives, by types alone; Null when that is not known. False: never anything.
bool operation_type(Op op, ValueType left, ValueType right, ValueType& result);
/// Whether a text may be compared with a value of the type: of a time, a date or a moment only what
/// reads as one.
bool can_stand_beside(ValueType type, std::string_view text);
std::string_view sign_of(Op op);

}  // namespace sufler

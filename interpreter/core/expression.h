#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/result.h"
#include "interpreter/core/rich_text.h"
#include "interpreter/core/value.h"

/// Expressions of the scenario language (LANGUAGE, sections 3 and 14).
namespace sufler {

/// Why an expression cannot work, known without running it. `schema` words it for the author.
enum class ExpressionProblem : std::uint8_t {
  Unexpected,        ///< `found` where something else must stand; `expected` says what
  UnclosedText,      ///< a quote without its pair
  UnclosedBracket,
  BadNumber,
  AssignmentSign,    ///< `=` where `==` was meant
  UnknownFilter,     ///< `found`
  UnknownFunction,   ///< `found`
  ArgumentCount,     ///< `found` takes `expected`
  TypeMismatch,      ///< `found`: what does not go together, as `text - number`
  BadPattern,        ///< an argument that can never be read: a date, a duration, a zone
  TooDeep,           ///< nested deeper than kMaxExpressionDepth
  Empty,
  TooLong,           ///< longer than kMaxExpressionBytes, or a template than kMaxTextBytes
};
struct ExpressionError {
  ExpressionProblem problem = ExpressionProblem::Unexpected;
  std::uint32_t offset = 0;  ///< bytes from the beginning of the source
  std::uint32_t length = 0;
  std::string found;     ///< empty at the end of the source
  /// Signs and words of the language as an author writes them (`)`, `==`, `else`, `'name'`), or one
  /// of the classes `value`, `operator`, `name`, `filter`. ArgumentCount: `1`, `1-2`. BadPattern: the
  /// call's `usage`, or the type that a text is compared with. TypeMismatch of a filter, a function or
  /// a member: the types that it takes, as `list, text`. UnknownFilter: `function` when it is one, and
  /// UnknownFunction: `filter`.
  std::string expected;
};
inline constexpr int kMaxExpressionDepth = 100;
inline constexpr std::size_t kMaxExpressionBytes = 64 * 1024;
/// Results that would be larger fail with TooLarge.
inline constexpr std::size_t kMaxTextBytes = 256 * 1024;
inline constexpr std::size_t kMaxListItems = 10'000;

/// Why an evaluation failed: goes to `on_error` (LANGUAGE 14).
enum class EvaluationProblem : std::uint8_t {
  NullArithmetic, DivisionByZero, WrongType, Overflow, TooLarge, TooDeep, BadArgument
};
struct EvaluationError {
  EvaluationProblem problem = EvaluationProblem::WrongType;
  std::string detail;  ///< in English, for the operator's log: "text - number"
};

class Template;
class Evaluator;
struct ExpressionTree;

/// What an expression sees. Implemented by step() and by tests. What `find` and `named_text` point to
/// must stay until the evaluation ends, whatever else is looked up meanwhile.
class Scope {
 public:
  virtual ~Scope() = default;
  /// The value of a name, or null when nothing has it (an unset variable reads as null).
  virtual const Value* find(std::string_view name) const = 0;
  /// `texts.NAME` in the user's language; null when there is none.
  virtual const Template* named_text(std::string_view name) const = 0;
  virtual Moment now() const = 0;
  virtual const Locale& locale() const = 0;
  /// Uniform in [0, bound); part of the turn's seeded chance. `bound` > 0.
  virtual std::uint64_t random(std::uint64_t bound) const = 0;
  /// `is_working_time()`, of the named handoff rule or, when empty, of the first with hours.
  virtual bool is_working_time(std::string_view rule) const = 0;
  /// Currency of `money` without an argument: RUB for Russian, USD for English.
  virtual std::string_view default_currency() const = 0;
};

/// A name that an expression reads, with its place: `user.vip` has path {user, vip}.
struct NameUse {
  std::vector<std::string> path;  ///< as long as members are plain `.name`
  std::uint32_t offset = 0;       ///< bytes from the beginning of the source
  std::uint32_t length = 0;
  bool guarded = false;  ///< stands under `default(…)` or is compared with null: may be unset
};

/// What is known of names before anything runs.
class NameTypes {
 public:
  virtual ~NameTypes() = default;
  /// The type of the first `parts` parts of the path; Null when it is not certain. At first `parts` is
  /// the whole path; an answer for fewer leaves the rest to be looked up as members.
  virtual ValueType type_of(const NameUse& use, std::size_t& parts) const = 0;
};

/// All that is wrong with a source, and the names that could be read all the same.
struct ExpressionFindings {
  std::vector<ExpressionError> errors;
  std::vector<NameUse> names;
};

/// A compiled expression; immutable and cheap to copy. Names are NFC. All words, filters and functions
/// are known in their English and Russian forms; names of the scope (`user`) are as the author wrote
/// them, only `texts` and `тексты` are known here.
class Expression {
 public:
  /// Fails with the first error; `findings` has them all.
  static Result<Expression, ExpressionError> parse(std::string_view source);
  static ExpressionFindings findings(std::string_view source);

  Result<Value, EvaluationError> evaluate(const Scope& scope) const;
  const std::vector<NameUse>& names() const;
  const std::string& source() const;
  /// The value when the expression is a literal.
  std::optional<Value> constant() const;
  /// The type when it is certain without running; `Null` means unknown.
  ValueType known_type() const;
  /// The same when types of names are known; adds what then turns out not to work.
  ValueType known_type(const NameTypes& names, std::vector<ExpressionError>* errors) const;
  /// What tells a compiled expression from all others; copies have the same.
  const void* identity() const { return data_.get(); }

  /// `a and b and c` as its parts; one part when there is no `and` on top. For `where`.
  std::vector<Expression> conjuncts() const;
  /// `name OP expr` (or reversed) with OP one of == != < <= > >=: the parts; nothing otherwise.
  struct Comparison {
    std::vector<std::string> path;
    std::string op;  ///< as if the name stood on the left
  };
  std::optional<Comparison> as_comparison() const;
  /// The other side of `as_comparison`.
  std::optional<Expression> comparison_value() const;
  /// `name in expr`, `name like expr`: the parts; nothing otherwise.
  struct Choice {
    std::string name;
    std::string op;
  };
  std::optional<Choice> as_choice() const;
  /// The other side of `as_choice`.
  std::optional<Expression> choice_value() const;

 private:
  friend bool render_template(const Template& text, Evaluator& evaluator, RichText& out);
  struct Data;
  static Expression part(std::shared_ptr<const ExpressionTree> tree, std::uint32_t root);
  bool append_to(Evaluator& evaluator, RichText& out) const;
  std::shared_ptr<const Data> data_;
};

/// Names of all filters and functions, English and Russian, for suggestions and the reference page.
std::vector<std::string> filter_names();
std::vector<std::string> function_names();

/// One word of expressions in both forms, in the order of the reference page.
struct ExpressionWord {
  enum class Kind : std::uint8_t { Operator, Filter, Function, Member };
  Kind kind = Kind::Operator;
  std::string_view english;
  std::string_view russian;
  std::string_view usage;  ///< with its arguments, as `round(n)`, or as it stands, as `a and b`
  std::string_view about;  ///< what it gives, in English, one line
};
const std::vector<ExpressionWord>& expression_words();
/// Whether a name is one of the words that can name nothing else: `and`, `или`, `null` …
bool is_expression_keyword(std::string_view word);
/// `number`, `text` … as `ExpressionError::found` spells types.
std::string_view type_name(ValueType type);

/// What the filter `phone` shows: `+79123456789` → `+7 912 345-67-89`; no phone stays as it is.
std::string format_phone_display(std::string_view e164);

/// A text with `{{ … }}` and light markup, read once at load. What `{{ }}` inserts is never read as
/// markup; `{{ texts.name }}` inserts that text with its own markup.
class Template {
 public:
  struct ParseError {
    ExpressionError error;  ///< offset from the beginning of the text
    bool unclosed = false;  ///< `{{` without `}}`
  };
  /// Fails with the first error; `findings` has those of all expressions, offsets from the beginning
  /// of the text; a `{{` that is not closed is an UnclosedBracket and the last.
  static Result<Template, ParseError> parse(std::string_view source);
  static ExpressionFindings findings(std::string_view source);
  /// A text taken as it is: no expressions, no markup.
  static Template plain(std::string_view text);

  Result<RichText, EvaluationError> render(const Scope& scope) const;
  /// A template that is one `{{ … }}` and nothing else keeps the value's type; others give text.
  Result<Value, EvaluationError> evaluate(const Scope& scope) const;
  /// Every name read by the expressions inside, offsets from the beginning of the text.
  std::vector<NameUse> names() const;
  bool is_constant() const;   ///< no `{{ }}` inside
  const std::vector<Expression>& expressions() const;
  /// Where the source of an expression begins, in bytes from the beginning of the text.
  std::uint32_t offset_of(std::size_t expression) const;
  const std::string& source() const;

 private:
  friend bool render_template(const Template& text, Evaluator& evaluator, RichText& out);
  struct Data;
  std::shared_ptr<const Data> data_;
};

}  // namespace sufler

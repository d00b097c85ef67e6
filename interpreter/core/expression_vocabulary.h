#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "interpreter/core/expression.h"
#include "interpreter/core/value.h"

/// Filters and functions of expressions: one table feeds the parser, the evaluation, suggestions
/// and the reference page.
namespace sufler {

class Evaluator;

using TypeSet = std::uint16_t;
constexpr TypeSet type_bit(ValueType type) {
  return static_cast<TypeSet>(1U << static_cast<unsigned>(type));
}
template <class... Types>
constexpr TypeSet types(Types... of) {
  return static_cast<TypeSet>((type_bit(of) | ...));
}

/// One filter or function.
struct ExpressionCall {
  /// Gives false after `Evaluator::fail`. `input` is null for functions. Arguments have the types
  /// that the table asks for; one that is null, or left out, never gets here unless `nulls` says
  /// so.
  using Apply = bool (*)(Evaluator& at, const Value& input, std::span<const Value> args,
                         Value& out);

  std::string_view english, russian;
  std::string_view usage, about;
  std::uint8_t min_args = 0, max_args = 0;
  TypeSet input = 0;  ///< of a filter; 0 for a function
  TypeSet argument[4] = {0, 0, 0, 0};
  ValueType result = ValueType::Null;  ///< Null: depends
  Apply apply = nullptr;
  bool null_passes = true;  ///< a filter: null gives null, without a call
  bool null_arguments = false;
  bool quoted_name = false;  ///< the first argument is a quoted name
};

inline constexpr std::size_t kMaxCallArguments = 4;

const ExpressionCall* find_filter(std::string_view name);
const ExpressionCall* find_function(std::string_view name);

enum class Keyword : std::uint8_t { None, And, Or, Not, In, If, Else, True, False, Null };
Keyword find_keyword(std::string_view word);
/// `like`, `похоже`: an operator where one may stand, a name elsewhere.
bool is_like(std::string_view word);

/// Members of files, dates and times.
enum class MemberWord : std::uint8_t {
  None,
  Name,
  Size,
  Kind,
  Caption,
  Mime,
  Year,
  Month,
  Day,
  Hour,
  Minute
};
MemberWord find_member(std::string_view word);

/// Whether a constant argument can be read at all: a date, a duration, a currency, a pattern.
bool is_readable_argument(const ExpressionCall& call, std::size_t index, const Value& argument);

}  // namespace sufler

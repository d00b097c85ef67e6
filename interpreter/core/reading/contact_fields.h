#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/result.h"

/// Names and addresses that people leave.
namespace sufler {

enum class FieldProblem : std::uint8_t {
  Empty,
  NotFound,    ///< no e-mail, address or name in the text
  Malformed,   ///< it looks like one and is broken: `anna@mail`, `anna@@mail.ru`
  Several,     ///< two different ones
  TooLong,     ///< a name of more than 5 words or 100 letters
  NotLetters,  ///< a name with digits, signs or emoji alone
  Doubtful,    ///< a name is in it, yet in a strange form or beside another: name_readings
};

/// Lower-cased domain, the rest as written; taken out of a sentence when it is the only one there.
Result<std::string, FieldProblem> read_email(std::string_view text);
/// Adds `https://` where the person left it out; http and https only.
Result<std::string, FieldProblem> read_url(std::string_view text);
/// 1 to 5 words of letters, hyphens, apostrophes and dots, without `меня зовут` and `my name is`. A refusal, a greeting,
/// an answer to some other question is no name.
Result<std::string, FieldProblem> read_name(std::string_view text);
/// What a doubtful name may be, for the person to choose: `зовите меня Аней`, `Анна Петровна, можно просто Анна`.
std::vector<std::string> name_readings(std::string_view text);

}  // namespace sufler

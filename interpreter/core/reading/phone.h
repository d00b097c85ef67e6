#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Phone numbers through libphonenumber, whose tables are loaded at the first call.
namespace sufler {

/// The one valid phone of an answer, as E.164 (`+79123456789`): alone, inside a sentence, in words,
/// or as platforms send contacts, without `+`. `region` (ISO 3166, `RU`) reads national numbers.
/// Nothing for numbers that are merely possible, for sums of money, for `ИНН 7712345678`, for two different phones, and for
/// one that needs a guess: `+7 8 912 …`, `заказ 9123456789`.
std::optional<std::string> read_phone(std::string_view text, std::string_view region = "RU");

/// The different valid phones of an answer, in its order, guessed ones too: for the person to choose.
std::vector<std::string> read_phones(std::string_view text, std::string_view region = "RU");

/// For display: `+7 912 345-67-89`. A text that is no phone comes back as it is.
std::string format_phone(std::string_view e164);

}  // namespace sufler

#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/decimal.h"
#include "interpreter/core/result.h"
#include "interpreter/core/text.h"

/// Numbers as people write them in a chat: `2,5 млн`, `полтора миллиона`, `сто двадцать`, `two and
/// a half thousand`. Words of both languages are read whatever the bot speaks; `language` decides
/// only what `1,250` means. Total: any bytes in, no more than `kMaxReading` of them looked at.
namespace sufler {

inline constexpr std::size_t kMaxReading = 4096;

enum class NumberKind : std::uint8_t { Cardinal, Ordinal, Fraction };

struct FoundNumber {
  Decimal value;
  NumberKind kind = NumberKind::Cardinal;
  bool approximate = false;            ///< `около ста`, `рублей двести`
  std::optional<Decimal> alternative;  ///< the other reading of `1,250` or `3/4`
  std::string currency;                ///< ISO 4217 when a currency stands beside it, else empty
  std::size_t begin = 0;               ///< bytes of the text in NFC
  std::size_t end = 0;
  friend bool operator==(const FoundNumber&, const FoundNumber&) = default;
};

/// All numbers of the text in its order, ordinals included.
std::vector<FoundNumber> find_numbers(std::string_view text, Language language);

enum class NumberProblem : std::uint8_t {
  NoNumber,
  Several,    ///< `пять или шесть`, `тринадцать двести`
  Ambiguous,  ///< one number with two readings: `1,250`, `3/4`
};

/// The one number of an answer; words around it do not matter (`нас будет четверо`).
Result<FoundNumber, NumberProblem> read_number(std::string_view text, Language language);

/// The number of an ordinal answer: `двадцать первого`, `3-я`, `21st`; a plain cardinal will do.
std::optional<Decimal> read_ordinal(std::string_view text, Language language);

struct Money {
  Decimal amount;
  std::string currency;  ///< ISO 4217; empty when the answer names none
  bool approximate = false;
};
/// `1 000 р 50 коп`, `2,2 млн.руб.`, `20,000 руб`. Three digits behind one separator are thousands; `полтора` without a
/// unit is ambiguous.
Result<Money, NumberProblem> read_money(std::string_view text, Language language);

/// What an answer that `read_number` or `read_money` refused may mean, to be asked about: at most 4 different values.
struct NumberReadings {
  std::vector<Decimal> values;
  std::string currency;  ///< ISO 4217, when one is named
  bool of_many = false;  ///< several numbers were said (`5-7 млн`, `2 и 3`), rather than one with several readings
};
NumberReadings number_readings(std::string_view text, Language language);
NumberReadings money_readings(std::string_view text, Language language);

struct NumberRange {
  std::optional<Decimal> low;  ///< no value: open
  std::optional<Decimal> high;
  std::string currency;
};
/// `от 5 до 7 млн`, `5-7`, `два-три дня`, `не более 7 евро`.
std::optional<NumberRange> read_range(std::string_view text, Language language);

/// A dictated code or phone: `восемь девятьсот двенадцать` → `8912`. Empty when other words stand
/// between the numbers.
std::string read_digits(std::string_view text, Language language);

}  // namespace sufler

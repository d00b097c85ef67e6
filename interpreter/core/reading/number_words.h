#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace sufler::reading {

enum class NumberClass : std::uint8_t {
  Card,        ///< один … девятьсот
  Fixed,       ///< полсотни, полмиллиона: complete by itself
  Scale,       ///< тысяча and above
  Hundred,     ///< English `hundred`, which multiplies
  Half,        ///< полтора
  Fraction,    ///< половина, треть, четверть
  Collective,  ///< двое, вдвоём; трёхкомнатная
  Noun,        ///< пара, десяток, сотня
  DigitNoun,   ///< двойка, семёрка: a digit when a code is dictated, else a thing
  Ordinal,
};

struct NumberWord {
  NumberClass kind = NumberClass::Card;
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;
  bool fraction_form = false;  ///< an ordinal that may be a denominator: `десятых`
};

/// What a normalised word counts, in Russian or English.
std::optional<NumberWord> find_number_word(std::string_view word);
/// The same for a word written by ear (`читыре`, `дивять`). Surer than an edit distance, which
/// takes `повтора` for `полтора`.
std::optional<NumberWord> guess_number_word(std::string_view word);

}  // namespace sufler::reading

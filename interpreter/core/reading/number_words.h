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


/// A word that is no number word as it stands, beside one that is.
struct RepairedWord {
  NumberWord word;
  bool sure = true;  ///< else it is to be asked about: `двадцать пят`, `2 мил`
};
/// What a misspelt, shortened or glued word is likeliest to count: `тыщщ`, `мулиона`, `двадцатьпять`, `полмильона`,
/// `milion`. Dear, so only for words that nobody knows. `after` says what the word follows.
enum class After : std::uint8_t { Nothing, Digits, Words };
std::optional<RepairedWord> repair_number_word(std::string_view word, After after);

/// Slang scales: `лям`, `косарь`, `тыр`. Of things that are money only where money is asked (`штука`, `сотка`), and of
/// which some need a count before them.
struct SlangScale {
  std::int64_t value = 1;
  bool needs_count = false;
};
std::optional<SlangScale> slang_scale(std::string_view word, bool money);

}  // namespace sufler::reading

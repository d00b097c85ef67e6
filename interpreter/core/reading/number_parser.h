#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/reading/numbers.h"
#include "interpreter/core/reading/words.h"

namespace sufler::reading {

/// One number among the tokens [begin, end).
struct ParsedNumber {
  Decimal value;
  NumberKind kind = NumberKind::Cardinal;
  bool approximate = false;
  std::optional<Decimal> alternative;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string digits;        ///< of a plain run of digits: `007`
  Decimal scale = 1;         ///< the scale that the number ends with: 1000 of `пять тысяч`
  bool scale_first = false;  ///< `тысяч десять`
  bool roubles = false;      ///< `10 т.р.`
  bool collective = false;
  bool joins_words = false;  ///< of more than one token
  bool unsure = false;       ///< slang, or a misspelling that is only guessed at: to be asked about
  std::optional<Decimal> dropped;  ///< the value without the guessed word
};

/// How the three digits of `1,250` are taken.
enum class Grouping : std::uint8_t { Ask, Thousands };
/// Which slang of scales is read: none, what is always money (`лям`), or in an answer about money things, too (`штука`).
enum class Slang : std::uint8_t { None, Scales, Money };

class NumberParser {
 public:
  NumberParser(const std::vector<Token>& tokens, Language language, Grouping grouping)
      : tokens_(tokens), language_(language), grouping_(grouping) {}

  /// The longest number that begins at token `at`.
  std::optional<ParsedNumber> parse(std::size_t at) const;
  std::vector<ParsedNumber> find_all() const;
  /// For dates and codes: digits are taken token by token, never joined into thousands or decimals.
  void keep_digits_apart() { apart_ = true; }
  void read_slang(Slang slang) { slang_ = slang; }

 private:
  struct Literal {
    Decimal value;
    std::optional<Decimal> alternative;
    std::optional<Decimal> decimal;  ///< of `4,999`, whichever of the two it was taken for
    std::size_t end = 0;
    bool grouped = false;
  };
  bool glued(std::size_t at) const { return at < tokens_.size() && !tokens_[at].space_before; }
  std::optional<Literal> literal(std::size_t at) const;
  std::optional<ParsedNumber> unsigned_number(std::size_t at) const;
  std::optional<ParsedNumber> words(std::size_t at) const;
  /// A scale glued or put behind digits: `15к`, `2 тыс.`; moves `at` behind it.
  std::optional<Decimal> suffix(std::size_t& at, ParsedNumber& number) const;
  bool ordinal_suffix(std::size_t at) const;
  bool ends_amount(std::size_t at) const;
  /// The 2 of `м2`, `ft^2`: it belongs to the unit.
  bool power_of_unit(std::size_t at) const;
  bool power_behind(std::size_t at) const;
  /// Behind `с лишним`, `с чем-то` that stands between a number and its scale; `at` where it does not.
  std::size_t behind_surplus(std::size_t at) const;
  /// The scale that a word names, slang with `unsure`.
  std::optional<Decimal> scale_word(std::size_t at, bool& unsure) const;

  const std::vector<Token>& tokens_;
  Language language_;
  Grouping grouping_;
  bool apart_ = false;
  Slang slang_ = Slang::None;
  bool nested_ = false;  ///< reads a fraction behind `целых` or `и`; goes no deeper
};

/// ISO code of a word or sign that names a currency; empty for anything else.
std::string_view currency_of(const Token& token);
/// Kopecks, cents.
bool is_small_coin(const Token& token);

}  // namespace sufler::reading

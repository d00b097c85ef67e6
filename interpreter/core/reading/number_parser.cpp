#include "interpreter/core/reading/number_parser.h"

#include <array>

#include "interpreter/core/reading/number_words.h"

// The accumulator of russian.md 2.2: words are added to a group below a thousand as long as their
// rank falls, a scale moves the group to the total, and whatever fits nowhere begins the next
// number.
namespace sufler::reading {
namespace {

Decimal sum(const Decimal& a, const Decimal& b) {
  const auto result = add(a, b);
  return result ? *result : a;
}

Decimal product(const Decimal& a, const Decimal& b) {
  const auto result = multiply(a, b);
  return result ? *result : Decimal(0);
}

Decimal quotient(const Decimal& a, const Decimal& b) {
  const auto result = divide(a, b);
  return result ? *result : Decimal(0);
}

std::optional<Decimal> to_decimal(const std::string& digits) { return Decimal::parse(digits); }

int rank_of(std::int64_t value) { return value >= 100 ? 3 : value >= 10 ? 2 : 1; }
/// What may still follow: after 11 … 19 and 10 no unit fits.
int rank_after(std::int64_t value) { return value >= 10 && value < 20 ? 1 : rank_of(value); }

/// Forms that no number begins with, so a count must follow: `тысяч десять`, `миллиона два`.
bool is_inverted_scale(std::string_view word) {
  return one_of(word, "тысяч тыщ миллионов миллиардов тысячи тыщи миллиона миллиарда");
}

/// `сотни две`, `десятка два`
bool is_inverted_noun(std::string_view word) { return one_of(word, "сотни сотен десятка десятков"); }

bool is_inverted_slang(std::string_view word) {
  return one_of(word, "ляма лямов лямика лямиков лимона лимонов косаря косарей тыр мульта мультов");
}

constexpr WordList kUnitsOfArea = "м m км km см cm дм dm мм mm ft кв sq yd";

/// ½ and its like.
std::optional<Decimal> vulgar_fraction(const Token& token) {
  struct Sign {
    std::string_view text;
    std::int64_t above;
    std::int64_t below;
  };
  static constexpr std::array<Sign, 8> kSigns = {{{"½", 1, 2}, {"¼", 1, 4}, {"¾", 3, 4}, {"⅓", 1, 3},
                                                  {"⅔", 2, 3}, {"⅕", 1, 5}, {"⅛", 1, 8}, {"⅒", 1, 10}}};
  if (token.kind != Token::Kind::Mark || token.text.size() < 2) return std::nullopt;
  for (const Sign& sign : kSigns) {
    if (token.text == sign.text) return quotient(sign.above, sign.below);
  }
  return std::nullopt;
}

bool is_kept_for_things(std::string_view word) {
  return one_of(word, "пара пары паре пару парой pair");
}

constexpr WordList kOrdinalSuffixes =
    "й ый ий ой я ая ья е ое ье го ого его му ому м ым х ю ую ми st nd rd th";

}  // namespace

std::string_view currency_of(const Token& token) {
  struct Currency {
    std::string_view code;
    WordList words;
  };
  static constexpr std::array<Currency, 8> kCurrencies = {{
      {"RUB",
       "₽ р руб рубль рубля рублю рублем рубле рубли рублей рублям рублями рублях рубликов rub "
       "rur "
       "ruble rubles rouble roubles"},
      {"USD",
       "$ usd доллар доллара доллару долларом долларе доллары долларов долларам долларами долларах "
       "дол "
       "долл бакс бакса баксы баксов баксами dollar dollars bucks"},
      {"EUR", "€ eur евро euro euros"},
      {"UAH", "₴ uah грн гривна гривны гривну гривне гривной гривен гривнами"},
      {"KZT", "₸ kzt тенге tenge"},
      {"BYN", "byn"},
      {"GBP", "£ gbp фунт фунта фунтов pound pounds"},
      {"CNY", "¥ cny юань юаня юаней yuan"},
  }};
  if (token.is_digits()) return {};
  for (const Currency& currency : kCurrencies) {
    if (one_of(token.text, currency.words)) return currency.code;
  }
  return {};
}

bool is_small_coin(const Token& token) {
  return token.is_word() &&
         one_of(token.text,
                "коп копейка копейки копейку копеек копейками копейкой цент цента "
                "центов центы центами cent cents");
}

bool NumberParser::ordinal_suffix(std::size_t at) const {
  // `1го` and `1-го`; the `м` of `15 м` stands apart and is no suffix.
  if (!glued(at)) return false;
  if (tokens_[at].is_mark("-")) ++at;
  return glued(at) && tokens_[at].is_word() && one_of(tokens_[at].text, kOrdinalSuffixes) &&
         !(tokens_[at].text == "м" && tokens_[at].upper);
}

/// Whether an amount may end before token `at`: the end, a mark or a currency.
bool NumberParser::ends_amount(std::size_t at) const {
  return at >= tokens_.size() || tokens_[at].kind == Token::Kind::Mark ||
         !currency_of(tokens_[at]).empty();
}

bool NumberParser::power_behind(std::size_t at) const {
  if (!glued(at)) return false;
  if (tokens_[at].is_mark("^")) ++at;
  return glued(at) && tokens_[at].is_digits() && (tokens_[at].text == "2" || tokens_[at].text == "3") &&
         !(glued(at + 1) && tokens_[at + 1].kind != Token::Kind::Mark);
}

bool NumberParser::power_of_unit(std::size_t at) const {
  if (apart_ || at == 0 || !tokens_[at].is_digits() || tokens_[at].text.size() != 1) return false;
  const std::size_t unit = tokens_[at - 1].is_mark("^") && at > 1 ? at - 2 : at - 1;
  return tokens_[unit].is_word() && one_of(tokens_[unit].text, kUnitsOfArea) && power_behind(unit + 1);
}

std::optional<Decimal> NumberParser::scale_word(std::size_t at, bool& unsure) const {
  if (at >= tokens_.size() || !tokens_[at].is_word()) return std::nullopt;
  if (const auto known = find_number_word(tokens_[at].text)) {
    if (known->kind != NumberClass::Scale) return std::nullopt;
    return Decimal(known->numerator);
  }
  if (slang_ == Slang::None) return std::nullopt;
  const auto slang = slang_scale(tokens_[at].text, slang_ == Slang::Money);
  if (!slang) return std::nullopt;
  unsure = true;
  return Decimal(slang->value);
}

std::size_t NumberParser::behind_surplus(std::size_t at) const {
  if (at + 1 >= tokens_.size() || !one_of(tokens_[at].text, "с со")) return at;
  std::size_t end = at + 1;
  if (one_of(tokens_[end].text, "лишним небольшим хвостиком хвостом гаком копейками мелочью чем-то")) {
    ++end;
  } else if (tokens_[end].is_word("чем")) {
    ++end;
    if (end < tokens_.size() && tokens_[end].is_mark("-")) ++end;
    if (end >= tokens_.size() || !tokens_[end].is_word("то")) return at;
    ++end;
  } else {
    return at;
  }
  bool unsure = false;
  return scale_word(end, unsure) ? end : at;
}

std::optional<NumberParser::Literal> NumberParser::literal(std::size_t at) const {
  if (at >= tokens_.size() || !tokens_[at].is_digits() || tokens_[at].text.size() > 30)
    return std::nullopt;
  Literal result;
  std::string whole = tokens_[at].text;
  result.end = at + 1;
  if (apart_) {
    const auto value = to_decimal(whole);
    if (!value) return std::nullopt;
    result.value = *value;
    return result;
  }
  const auto is_group = [&](std::size_t i) {
    return i < tokens_.size() && tokens_[i].is_digits() && tokens_[i].text.size() == 3;
  };
  const auto is_separator = [&](std::size_t i) {
    return glued(i) && tokens_[i].kind == Token::Kind::Mark && one_of(tokens_[i].text, "' . , _");
  };
  const bool may_group = whole.size() <= 3 && whole[0] != '0';
  std::string separator;
  if (may_group && is_group(at + 1) && tokens_[at + 1].space_before) {
    separator = " ";
    while (is_group(result.end) && tokens_[result.end].space_before && whole.size() < 24) {
      whole += tokens_[result.end++].text;
    }
  } else if (may_group && is_separator(at + 1) && is_group(at + 2) && glued(at + 2)) {
    const std::string& mark = tokens_[at + 1].text;
    std::size_t groups = 0;
    std::size_t end = at + 1;
    while (is_separator(end) && tokens_[end].text == mark && is_group(end + 1) && glued(end + 1) &&
           groups < 8) {
      end += 2;
      ++groups;
    }
    const bool another = is_separator(end) && tokens_[end].text != mark &&
                         end + 1 < tokens_.size() && tokens_[end + 1].is_digits() && glued(end + 1);
    const bool decimal_mark = mark == "." || mark == ",";
    if (groups == 1 && !another && decimal_mark && language_ != Language::English)
      result.decimal = to_decimal(whole + "." + tokens_[at + 2].text);
    if (groups > 1 || another || !decimal_mark || grouping_ == Grouping::Thousands ||
        (language_ == Language::English && mark == ",")) {
      separator = mark;
      for (std::size_t i = at + 2; i < end; i += 2) whole += tokens_[i].text;
      result.end = end;
    } else if (language_ != Language::English) {
      // 1,250: a thousand and more, or one and a quarter.
      const auto thousands = to_decimal(whole + tokens_[at + 2].text);
      if (!thousands || !result.decimal) return std::nullopt;
      result.value = *thousands;
      result.alternative = result.decimal;
      result.end = at + 3;
      return result;
    }
  }
  result.grouped = !separator.empty();
  // The last single separator followed by digits is the decimal one.
  const std::size_t mark = result.end;
  if (is_separator(mark) && (tokens_[mark].text == "." || tokens_[mark].text == ",") &&
      tokens_[mark].text != separator && mark + 1 < tokens_.size() &&
      tokens_[mark + 1].is_digits() && glued(mark + 1)) {
    // 27.05.99 and 1.2.3 are no decimals.
    const bool more = is_separator(mark + 2) && mark + 3 < tokens_.size() &&
                      tokens_[mark + 3].is_digits() && glued(mark + 3) &&
                      tokens_[mark + 2].text == tokens_[mark].text;
    const auto value =
        more ? std::nullopt : to_decimal(whole + "." + tokens_[mark + 1].text.substr(0, 17));
    if (value) {
      result.value = *value;
      result.end = mark + 2;
      return result;
    }
  }
  const auto value = to_decimal(whole);
  if (!value) return std::nullopt;
  result.value = *value;
  return result;
}

std::optional<Decimal> NumberParser::suffix(std::size_t& at, ParsedNumber& number) const {
  if (at >= tokens_.size() || !tokens_[at].is_word()) return std::nullopt;
  const Token& token = tokens_[at];
  const bool is_glued = !token.space_before;
  const auto skip_dot = [&] {
    if (glued(at) && tokens_[at].is_mark(".") && at + 1 < tokens_.size()) ++at;
  };
  if (one_of(token.text, "тыс млн млрд трлн mln bln")) {
    const auto word = find_number_word(token.text);
    ++at;
    skip_dot();
    return word ? Decimal(word->numerator) : Decimal(1);
  }
  if (token.text == "тр" || (token.text == "т" && glued(at + 1) && tokens_[at + 1].is_mark(".") &&
                             at + 2 < tokens_.size() && one_of(tokens_[at + 2].text, "р руб"))) {
    at += token.text == "тр" ? 1 : 3;
    skip_dot();
    number.roubles = true;
    return Decimal(1000);
  }
  if (one_of(token.text, "к k") && (is_glued || ends_amount(at + 1))) {
    ++at;
    return Decimal(1000);
  }
  if (one_of(token.text, "кк kk") && is_glued) {
    ++at;
    return Decimal(1'000'000);
  }
  if (is_glued && !power_behind(at + 1) &&
      ((one_of(token.text, "м m") && token.upper) || (token.text == "m" && language_ == Language::English))) {
    ++at;
    return Decimal(1'000'000);
  }
  if (is_glued && token.text == "г" && token.upper && !number.value.is_zero() && !number.value.is_integer()) {
    ++at;
    return Decimal(1'000'000'000);  // 1.2Г; 5Г are grams
  }
  if (is_glued && (token.text == "b" || token.text == "bn") && language_ == Language::English) {
    ++at;
    return Decimal(1'000'000'000);
  }
  return std::nullopt;
}

std::optional<ParsedNumber> NumberParser::words(std::size_t at) const {
  ParsedNumber number;
  number.begin = at;
  Decimal total;
  Decimal group;
  bool has_total = false;
  bool has_group = false;
  bool literal_group = false;
  int rank = 4;
  Decimal last_scale;
  std::size_t group_start = at;
  std::size_t i = at;
  bool done = false;
  std::optional<Decimal> decimal;  // of a group `4,999`
  // 4,999 млн is less than five millions; of 12,500 тыс. nobody knows.
  const auto settle_alternative = [&](const Decimal& scale) {
    if (decimal && has_group && !(scale < Decimal(1'000'000))) group = *decimal;
    number.alternative.reset();
    if (decimal && has_group && group != *decimal) number.alternative = product(*decimal, scale);
    decimal.reset();
  };

  const auto in_progress = [&] { return has_total || has_group; };
  const auto value = [&] { return sum(total, group); };
  const auto fits_below_scale = [&](const Decimal& v) { return !has_total || v < last_scale; };
  const auto finish_at = [&](std::size_t end) {
    i = end;
    done = true;
  };

  while (!done && i < tokens_.size()) {
    const Token& token = tokens_[i];
    std::size_t word_at = i;
    if (token.kind == Token::Kind::Mark) {
      if (const auto part = vulgar_fraction(token)) {
        if (has_total || (has_group && (!literal_group || !group.is_integer()))) break;
        group = sum(group, *part);
        has_group = true;
        literal_group = true;
        number.digits.clear();
        rank = 0;
        ++i;
        continue;
      }
      // one million, two hundred thousand
      if (token.is_mark(",") && has_total && !has_group && i + 1 < tokens_.size() &&
          tokens_[i + 1].is_word() && static_cast<signed char>(tokens_[i + 1].text[0]) > 0) {
        const auto next = find_number_word(tokens_[i + 1].text);
        if (!next || next->kind != NumberClass::Card || next->numerator == 0) break;
        ++i;
        continue;
      }
      // 20+ млн
      bool unsure = false;
      if (token.is_mark("+") && has_group && !token.space_before && scale_word(i + 1, unsure)) {
        number.approximate = true;
        ++i;
        continue;
      }
      // двадцать-пять, twenty-five: the hyphen parts nothing where the next word fits.
      if (!token.is_mark("-") || !in_progress() || token.space_before || !glued(i + 1) ||
          !tokens_[i + 1].is_word()) {
        break;
      }
      if (has_total && !has_group) break;  // `миллион-два` is a range
      word_at = i + 1;
    }
    const Token& word = tokens_[word_at];
    if (word.is_digits()) {
      const auto found = literal(word_at);
      if (!found) break;
      if (in_progress()) {
        // две тысячи 300, but never `15 20`
        if (has_group || found->alternative || !found->value.is_integer() ||
            !fits_below_scale(found->value))
          break;
        // 2млн500тыс, but never `2к2`
        if (!word.space_before && !(has_total && one_of(tokens_[i - 1].text, "млн тыс млрд тыщ миллиона миллион"))) break;
      } else {
        number.alternative = found->alternative;
        number.digits = found->grouped || found->end != word_at + 1 ? std::string() : word.text;
      }
      group = found->value;
      decimal = found->decimal;
      group_start = word_at;
      has_group = true;
      literal_group = true;
      rank = 0;
      i = found->end;
      if (apart_) continue;
      const bool hyphen_scale = glued(i) && tokens_[i].is_mark("-");
      if (!hyphen_scale) {
        number.value = group;
        if (const auto scale = suffix(i, number)) {
          if (has_total && !(*scale < last_scale)) {
            finish_at(group_start);
            has_group = false;
            group = Decimal();
            break;
          }
          settle_alternative(*scale);
          total = sum(total, product(group, *scale));
          number.scale = *scale;
          last_scale = *scale;
          has_total = true;
          has_group = false;
          group = Decimal();
          rank = 4;
          continue;
        }
      }
      if (!has_total && group.is_integer() && ordinal_suffix(i)) {
        number.kind = NumberKind::Ordinal;
        finish_at(tokens_[i].is_mark("-") ? i + 2 : i + 1);
      }
      continue;
    }

    // Words that join parts of a number.
    if (in_progress() && word_at == i) {
      if (const std::size_t past = behind_surplus(i); past != i && has_group) {
        number.approximate = true;
        i = past;
        continue;
      }
      if (one_of(word.text, "с со") && i + 1 < tokens_.size() && tokens_[i + 1].is_word()) {
        auto part = find_number_word(tokens_[i + 1].text);
        static const std::string kHalfHeard = sound_of("половиной");
        const bool heard = !part && sound_of(tokens_[i + 1].text) == kHalfHeard;
        if (heard) part = NumberWord{NumberClass::Fraction, 1, 2, false};
        if (part && part->kind == NumberClass::Fraction &&
            (heard || one_of(tokens_[i + 1].text, "половиной четвертью третью")) && value().is_integer()) {
          const Decimal fraction = quotient(part->numerator, part->denominator);
          if (has_group) {
            group = sum(group, fraction);
          } else {
            total = sum(total, product(fraction, last_scale));
          }
          rank = 0;
          i += 2;
          continue;
        }
        break;
      }
      if (word.text == "and" && i + 1 < tokens_.size()) {
        if (tokens_[i + 1].is_word() && one_of(tokens_[i + 1].text, "a one") &&
            i + 2 < tokens_.size() && one_of(tokens_[i + 2].text, "half quarter")) {
          const Decimal part = quotient(1, tokens_[i + 2].text == "half" ? 2 : 4);
          if (has_total && !has_group) {  // a million and a half
            total = sum(total, product(part, last_scale));
            i += 3;
            continue;
          }
          group = sum(group, part);
          has_group = true;
          rank = 0;
          i += 3;
          continue;
        }
        const auto next =
            tokens_[i + 1].is_word() ? find_number_word(tokens_[i + 1].text) : std::nullopt;
        // two and three quarters
        if (next && next->kind == NumberClass::Card && next->numerator < 4 && has_group && value().is_integer() && i + 2 < tokens_.size() &&
            one_of(tokens_[i + 2].text, "third thirds quarter quarters")) {
          group = sum(group, quotient(static_cast<std::int64_t>(next->numerator), tokens_[i + 2].text.starts_with("third") ? 3 : 4));
          rank = 0;
          i += 3;
          continue;
        }
        if (next && next->kind == NumberClass::Card && next->numerator < 100 && !literal_group &&
            ((has_group && rank == 3) || (has_total && !has_group))) {
          ++i;
          continue;
        }
        break;
      }
      if (!nested_ && one_of(word.text, "целая целой целых целые целую целыми") &&
          value().is_integer()) {
        NumberParser inner(tokens_, language_, grouping_);
        inner.nested_ = true;
        std::size_t next = i + 1;
        if (next < tokens_.size() && tokens_[next].is_word("и")) ++next;
        const auto part = inner.words(next);
        if (part && part->kind == NumberKind::Fraction) {
          group = sum(group, part->value);
          has_group = true;
          number.kind = NumberKind::Fraction;
          finish_at(part->end);
        } else {
          finish_at(i + 1);
        }
        continue;
      }
      if (one_of(word.text, "точка запятая point dot") && value().is_integer() &&
          i + 1 < tokens_.size()) {
        std::string digits;
        std::size_t next = i + 1;
        if (tokens_[next].is_digits()) {
          digits = tokens_[next++].text;
        } else {
          while (next < tokens_.size() && tokens_[next].is_word() && digits.size() < 12) {
            const auto digit = find_number_word(tokens_[next].text);
            if (!digit || digit->kind != NumberClass::Card) break;
            std::int64_t shown = digit->numerator;
            ++next;
            if (shown >= 20 && shown < 100 && shown % 10 == 0 && next < tokens_.size() &&
                tokens_[next].is_word()) {
              const auto unit = find_number_word(tokens_[next].text);
              if (unit && unit->kind == NumberClass::Card && unit->numerator > 0 &&
                  unit->numerator < 10) {
                shown += unit->numerator;
                ++next;
              }
            }
            digits += std::to_string(shown);
          }
        }
        const auto decimal = digits.empty() || digits.size() > 15
                                 ? std::nullopt
                                 : to_decimal(value().to_string() + "." + digits);
        if (!decimal) break;
        total = Decimal();
        has_total = false;
        group = *decimal;
        has_group = true;
        literal_group = true;
        rank = 0;
        number.digits.clear();
        i = next;
        if (const auto scale = suffix(i, number)) {
          group = product(group, *scale);
          number.scale = *scale;
          finish_at(i);
        }
        continue;
      }
      if (!nested_ && word.text == "и" && has_group && value().is_integer()) {
        // пять и две десятых
        NumberParser inner(tokens_, language_, grouping_);
        inner.nested_ = true;
        const auto part = inner.words(i + 1);
        if (part && part->kind == NumberKind::Fraction && part->joins_words &&
            part->value < Decimal(1)) {
          group = sum(group, part->value);
          number.kind = NumberKind::Fraction;
          finish_at(part->end);
          continue;
        }
        break;
      }
    }
    if (!in_progress()) {
      const std::size_t whole_at = glued(i + 1) && tokens_[i + 1].is_mark("-") && glued(i + 2) ? i + 2 : i + 1;
      if (word.text == "пол" && whole_at < tokens_.size() && tokens_[whole_at].is_word()) {
        auto next = find_number_word(tokens_[whole_at].text);
        if (const auto scale = next ? std::nullopt : scale_word(whole_at, number.unsure)) {
          next = NumberWord{NumberClass::Scale, scale->to_int64().value_or(1), 1, false};
        } else if (!next && !apart_) {
          const auto repaired = repair_number_word(tokens_[whole_at].text, After::Digits);
          if (repaired) next = repaired->word;
        }
        if (!next || (next->kind != NumberClass::Scale &&
                      (next->kind != NumberClass::Noun || next->numerator < 10) &&
                      !(next->kind == NumberClass::Card && next->numerator == 100))) {
          return std::nullopt;
        }
        total = quotient(next->numerator, 2);
        has_total = true;
        number.scale = next->numerator;
        finish_at(whole_at + 1);
        continue;
      }
      if (one_of(word.text, "a an") && i + 1 < tokens_.size() && tokens_[i + 1].is_word()) {
        const auto next = find_number_word(tokens_[i + 1].text);
        if (!next || (next->kind != NumberClass::Hundred && next->kind != NumberClass::Scale &&
                      next->kind != NumberClass::Noun && next->kind != NumberClass::Fraction)) {
          return std::nullopt;
        }
        ++i;
        continue;
      }
    }

    auto known = find_number_word(word.text);
    if (!known) known = guess_number_word(word.text);
    bool doubted = false;
    const std::optional<Decimal> before = in_progress() ? std::optional(value()) : std::nullopt;
    if (!known && slang_ != Slang::None) {
      const auto slang = slang_scale(word.text, slang_ == Slang::Money);
      if (slang && (has_group || !slang->needs_count)) {
        known = NumberWord{NumberClass::Scale, slang->value, 1, false};
        doubted = true;
      }
    }
    bool guessed = false;
    if (!known && slang_ != Slang::None) {
      // Alone, or before a number that it joins: only then is an unknown word looked at more closely.
      const bool beside = in_progress() || tokens_.size() == 1 ||
                          (word_at + 1 < tokens_.size() && tokens_[word_at + 1].is_word() &&
                           word.text.size() >= 10 && find_number_word(tokens_[word_at + 1].text));
      if (beside) {
        const After after = !in_progress() ? After::Nothing : literal_group && has_group ? After::Digits : After::Words;
        if (const auto repaired = repair_number_word(word.text, after)) {
          known = repaired->word;
          guessed = doubted = !repaired->sure;
        }
      }
    }
    if (!known) break;
    const Decimal amount = quotient(known->numerator, known->denominator);
    const std::size_t next = word_at + 1;
    switch (known->kind) {
      case NumberClass::Card: {
        const int word_rank = known->numerator == 0 ? 5 : rank_of(known->numerator);
        if (in_progress() && (word_rank >= rank || literal_group || !fits_below_scale(amount))) {
          finish_at(i);
          break;
        }
        if (!has_group) group_start = word_at;
        group = sum(group, amount);
        has_group = true;
        rank = known->numerator == 0 ? 0 : rank_after(known->numerator);
        i = next;
        break;
      }
      case NumberClass::Hundred:
        // `пять сот`; alone these are honeycombs
        if (word.text == "сот" && (!has_group || !(group < Decimal(10)) || !group.is_integer())) {
          finish_at(i);
          break;
        }
        if (has_group && (rank == 3 || !group.is_integer() || Decimal(99) < group)) {
          finish_at(i);
          break;
        }
        if (!has_group) group_start = word_at;
        group = has_group ? product(group, 100) : Decimal(100);
        has_group = true;
        literal_group = false;
        rank = 3;
        i = next;
        break;
      case NumberClass::Scale: {
        if (has_total && !(amount < last_scale)) {
          // миллион два миллиона: the group belongs to the next number
          if (has_group) {
            finish_at(group_start);
            has_group = false;
            group = Decimal();
          } else {
            finish_at(i);
          }
          break;
        }
        settle_alternative(amount);
        total = sum(total, product(has_group ? group : Decimal(1), amount));
        has_total = true;
        has_group = false;
        literal_group = false;
        group = Decimal();
        last_scale = amount;
        number.scale = amount;
        rank = 4;
        i = next;
        if (one_of(word.text, "тыс млн млрд трлн") && glued(i) && tokens_[i].is_mark(".") &&
            i + 1 < tokens_.size())
          ++i;
        break;
      }
      case NumberClass::Half:
        if (in_progress()) {
          finish_at(i);
          break;
        }
        group = amount;
        has_group = true;
        rank = 0;
        i = next;
        break;
      case NumberClass::Fixed:
      case NumberClass::Collective:
        if (!in_progress()) {
          group = amount;
          has_group = true;
          number.collective = known->kind == NumberClass::Collective;
          bool unsure = false;
          if (known->kind == NumberClass::Fixed && amount < Decimal(1000) && scale_word(next, unsure)) {
            i = next;  // полсотни тысяч
            rank = 0;
          } else {
            finish_at(next);
          }
        } else {
          finish_at(i);
        }
        break;
      case NumberClass::Noun:
        if (!in_progress()) {
          group_start = word_at;
          group = amount;
          number.approximate = known->numerator == 2;
          has_group = true;
          rank = known->numerator == 100 ? 3 : 0;
          i = next;
          // пару-тройку
          if (known->numerator == 2 && next + 1 < tokens_.size() && tokens_[next].is_mark("-") &&
              one_of(tokens_[next + 1].text, "тройка тройку тройки")) {
            number.alternative = Decimal(3);
            finish_at(next + 2);
            break;
          }
          if (next < tokens_.size() && tokens_[next].is_word("of")) ++i;
        } else if (has_group && known->numerator >= 10 && group < Decimal(100)) {
          group = product(group, amount);
          rank = known->numerator == 100 ? 3 : 0;
          literal_group = false;
          i = next;
        } else if (has_group && is_kept_for_things(word.text)) {
          finish_at(next);  // `две пары`: two
        } else {
          finish_at(i);
        }
        break;
      case NumberClass::DigitNoun:
        finish_at(i);
        break;
      case NumberClass::Fraction:
        if (has_group && !has_total && group.is_integer() && !literal_group) {
          group = product(group, known->numerator);
          group = quotient(group, known->denominator);
          number.kind = NumberKind::Fraction;
          finish_at(next);
          if (const auto scale = scale_word(next, number.unsure)) {  // три четверти миллиона
            group = product(group, *scale);
            number.kind = NumberKind::Cardinal;
            finish_at(next + 1);
          }
        } else if (!in_progress()) {
          group = amount;
          has_group = true;
          number.kind = NumberKind::Fraction;
          rank = 0;
          i = next;
          // half a million
          if (next + 1 < tokens_.size() && one_of(tokens_[next].text, "a of") &&
              tokens_[next + 1].is_word()) {
            const auto scale = find_number_word(tokens_[next + 1].text);
            if (scale && (scale->kind == NumberClass::Scale || scale->kind == NumberClass::Noun)) {
              group = product(group, scale->numerator);
              number.kind = NumberKind::Cardinal;
              finish_at(next + 2);
            }
          }
          if (const auto of_scale = done ? std::nullopt : scale_word(next, number.unsure)) {
            group = product(group, *of_scale);
            number.kind = NumberKind::Cardinal;
            finish_at(next + 1);
          }
          if (!done) finish_at(next);
        } else {
          finish_at(i);
        }
        break;
      case NumberClass::Ordinal: {
        const int word_rank = known->numerator == 0 ? 5 : rank_of(known->numerator);
        const bool scaled = known->numerator >= 1000;
        if (!in_progress()) {
          group = amount;
          has_group = true;
          number.kind = NumberKind::Ordinal;
          finish_at(next);
        } else if (group_start == at && has_group && !has_total && group == Decimal(1) && known->numerator > 2 && known->numerator < 100 &&
                   tokens_[at].is_word("one")) {
          group = quotient(1, amount);  // one third
          number.kind = NumberKind::Fraction;
          finish_at(next);
        } else if (known->fraction_form && value().is_integer() && known->numerator > 1 &&
                   (scaled || literal_group || word_rank >= rank) &&
                   (has_group || known->numerator >= 10) && !(literal_group && has_total)) {
          group = quotient(value(), amount);
          total = Decimal();
          has_total = false;
          has_group = true;
          number.kind = NumberKind::Fraction;
          finish_at(next);
        } else if (!literal_group && has_group && fits_below_scale(amount) &&
                   (scaled || (known->numerator == 100 && word.text == "hundredth" &&
                               group < Decimal(100)))) {
          group = product(group, amount);
          number.kind = NumberKind::Ordinal;
          finish_at(next);
        } else if (!literal_group && !scaled && word_rank < rank && fits_below_scale(amount)) {
          group = sum(group, amount);
          has_group = true;
          number.kind = NumberKind::Ordinal;
          finish_at(next);
        } else {
          finish_at(i);
        }
        break;
      }
    }
    if (doubted && i >= next) {
      number.unsure = true;
      if (guessed && before && !number.dropped) number.dropped = before;
    }
  }
  if (!in_progress() || i <= at) return std::nullopt;
  number.value = value();
  number.end = i;
  number.joins_words = i - at > 1;
  if (number.joins_words && number.kind != NumberKind::Ordinal)
    number.digits = i == at + 1 ? number.digits : "";
  return number;
}

std::optional<ParsedNumber> NumberParser::unsigned_number(std::size_t at) const {
  if (at >= tokens_.size()) return std::nullopt;
  const Token& token = tokens_[at];
  if (token.kind == Token::Kind::Mark) return apart_ || !vulgar_fraction(token) ? std::nullopt : words(at);
  if (power_of_unit(at)) return std::nullopt;
  if (token.is_digits() && !apart_) {
    // 3/4: a fraction, or two numbers
    const auto digits = [&](std::size_t i) {
      return i < tokens_.size() && tokens_[i].is_digits() && glued(i);
    };
    if (glued(at + 1) && tokens_[at + 1].is_mark("/") && digits(at + 2) && token.text.size() <= 2 &&
        tokens_[at + 2].text.size() <= 2 &&
        !(glued(at + 3) && tokens_[at + 3].is_mark("/") && digits(at + 4)) &&
        !(at > 0 && tokens_[at - 1].is_mark("/"))) {
      const auto above = to_decimal(token.text);
      const auto below = to_decimal(tokens_[at + 2].text);
      if (above && below && !below->is_zero() && *above < *below) {
        ParsedNumber number;
        number.value = quotient(*above, *below);
        number.alternative = above;
        number.kind = NumberKind::Fraction;
        number.begin = at;
        number.end = at + 3;
        return number;
      }
    }
  }
  if (token.is_word()) {
    const bool previous_is_numeric =
        at > 0 && (tokens_[at - 1].is_digits() ||
                   (tokens_[at - 1].is_word() && find_number_word(tokens_[at - 1].text)));
    const auto next_word = at + 1 < tokens_.size() && tokens_[at + 1].is_word()
                               ? find_number_word(tokens_[at + 1].text)
                               : std::nullopt;
    // `пригласил семью` is a family, `между пятью и семью` is not.
    const bool joined = at > 1 && tokens_[at - 1].is_word("и") && tokens_[at - 2].is_word() &&
                        find_number_word(tokens_[at - 2].text).has_value();
    if (token.text == "семью" && !previous_is_numeric && !joined && tokens_.size() > 1 &&
        !(next_word && next_word->kind == NumberClass::Scale)) {
      return std::nullopt;
    }
    // СТО-1 is a garage; `ни один`, `ни одного` count nothing.
    if (token.text == "сто" && glued(at + 1) && tokens_[at + 1].is_mark("-") &&
        !(glued(at + 2) && tokens_[at + 2].is_word() && find_number_word(tokens_[at + 2].text)))
      return std::nullopt;
    if (at > 0 && tokens_[at - 1].is_word("ни") && token.text.substr(0, 4) == "од")
      return std::nullopt;
    // тысяч десять, тысяч 10-15: about so many thousands
    const bool noun = !apart_ && is_inverted_noun(token.text);
    const bool slang = slang_ != Slang::None && is_inverted_slang(token.text);
    if ((noun || slang || is_inverted_scale(token.text)) && !previous_is_numeric && at + 1 < tokens_.size() &&
        !tokens_[at + 1].is_word("пол")) {
      const auto count = words(at + 1);
      if (count && count->value < Decimal(noun ? 10 : 1000) && count->kind == NumberKind::Cardinal) {
        ParsedNumber number = *count;
        std::optional<NumberWord> scale = find_number_word(token.text);
        if (!scale) {
          const auto named = scale_word(at, number.unsure);
          if (!named) return words(at);
          scale = NumberWord{NumberClass::Scale, named->to_int64().value_or(1), 1, false};
        }
        number.begin = at;
        number.scale = scale->numerator;
        number.scale_first = true;
        number.value = product(count->value, scale->numerator);
        number.approximate = true;
        number.digits.clear();
        return number;
      }
    }
  }
  return words(at);
}

std::optional<ParsedNumber> NumberParser::parse(std::size_t at) const {
  if (at >= tokens_.size()) return std::nullopt;
  const Token& token = tokens_[at];
  bool negative = false;
  std::size_t start = at;
  if (token.is_word() && one_of(token.text, "минус minus negative")) {
    negative = true;
    ++start;
  } else if (token.kind == Token::Kind::Mark && (token.text == "-" || token.text == "+") &&
             !apart_) {
    const bool behind_word =
        at > 0 && !token.space_before && tokens_[at - 1].kind != Token::Kind::Mark;
    const bool point = glued(at + 1) && tokens_[at + 1].is_mark(".") && glued(at + 2) && tokens_[at + 2].is_digits();
    if (behind_word || !glued(at + 1) || !(tokens_[at + 1].is_digits() || point)) return std::nullopt;
    negative = token.text == "-";
    ++start;
  } else if ((token.is_mark(".") ? token.space_before || at == 0 : token.is_mark(",") && at == 0) && glued(at + 1) &&
             tokens_[at + 1].is_digits() && !apart_) {
    // .5
    const auto value =
        tokens_[at + 1].text.size() > 15 ? std::nullopt : to_decimal("0." + tokens_[at + 1].text);
    if (!value) return std::nullopt;
    ParsedNumber number;
    number.value = *value;
    number.begin = at;
    std::size_t end = at + 2;
    if (const auto scale = suffix(end, number)) number.value = product(number.value, *scale);
    number.end = end;
    return number;
  }
  // -.5
  if (start > at && start < tokens_.size() && tokens_[start].is_mark(".") && glued(start) && glued(start + 1) &&
      tokens_[start + 1].is_digits() && tokens_[start + 1].text.size() <= 15 && !apart_) {
    const auto value = to_decimal("0." + tokens_[start + 1].text);
    if (!value) return std::nullopt;
    ParsedNumber number;
    number.value = *value;
    number.begin = at;
    std::size_t end = start + 2;
    if (const auto scale = suffix(end, number)) number.value = product(number.value, *scale);
    if (negative) number.value = number.value.negated();
    number.end = end;
    return number;
  }
  auto number = unsigned_number(start);
  if (!number) return std::nullopt;
  number->begin = at;
  if (negative) {
    number->value = number->value.negated();
    if (number->alternative) number->alternative = number->alternative->negated();
  }
  if (at > 0 && tokens_[at - 1].is_word() &&
      (one_of(tokens_[at - 1].text,
              "около примерно почти приблизительно порядка плюс-минус about around nearly almost "
              "roughly approximately") ||
       (tokens_[at - 1].text == "то" && at > 1 && one_of(tokens_[at - 2].text, "- где")))) {
    number->approximate = true;
  }
  return number;
}

std::vector<ParsedNumber> NumberParser::find_all() const {
  std::vector<ParsedNumber> found;
  for (std::size_t i = 0; i < tokens_.size();) {
    auto number = parse(i);
    if (number && number->end > i) {
      i = number->end;
      // the second one
      if (number->kind == NumberKind::Ordinal && i < tokens_.size() && tokens_[i].is_word("one"))
        ++i;
      found.push_back(std::move(*number));
    } else {
      ++i;
    }
  }
  return found;
}

}  // namespace sufler::reading

#include "interpreter/core/reading/date_scanner.h"
#include "interpreter/core/reading/number_words.h"

namespace sufler::reading {

std::optional<DateScanner::Count> DateScanner::count(std::size_t i) const {
  if (!has(i) || tokens_[i].kind == Token::Kind::Mark) return std::nullopt;
  if (counts_.empty()) counts_.resize(tokens_.size());
  if (!counts_[i]) counts_[i].emplace(counted(i));
  return *counts_[i];
}

std::optional<DateScanner::Count> DateScanner::counted(std::size_t i) const {
  const auto number = numbers_.parse(i);
  if (!number || number->kind == NumberKind::Fraction || number->collective) return std::nullopt;
  const auto value = number->value.to_int64();
  if (!value || *value < 0 || *value > 9999) return std::nullopt;
  Count result{static_cast<int>(*value), number->kind == NumberKind::Ordinal, number->end};
  if (tokens_[i].is_digits()) {
    // 18-го, 3-его, 21st
    std::size_t suffix = result.end;
    if (mark(suffix, "-") && glued(suffix)) ++suffix;
    if (glued(suffix) && word(suffix, "го ого его е ое ье й ый ий му ому ым я ая st nd rd th")) {
      result.ordinal = true;
      result.end = suffix + 1;
    }
  }
  return result;
}

bool DateScanner::amount(std::size_t i, Element& out, std::size_t& end) const {
  if (!has(i)) return false;
  const auto set = [&](const Unit& unit, const Decimal& times) {
    const auto scaled = [&](std::int64_t of) {
      const auto product = multiply(Decimal(of), times);
      return product ? product->rounded(0).to_int64().value_or(0) : 0;
    };
    if (times < Decimal(0) || Decimal(1'000'000) < times) return false;
    if (unit.months != 0) {
      const auto product = multiply(Decimal(unit.months), times);
      const std::int64_t halves =
          product ? multiply(*product, Decimal(2))->rounded(0).to_int64().value_or(0) : 0;
      out.months += halves / 2;
      out.days += halves % 2 * 15;
    } else if (unit.days != 0) {
      const auto product = multiply(Decimal(unit.days), times);
      if (product && product->is_integer()) {
        out.days += scaled(unit.days);
      } else {
        out.ms += scaled(unit.days * 24 * kHour);
      }
    } else {
      out.ms += scaled(unit.ms);
    }
    return true;
  };
  const Token& token = tokens_[i];
  if (token.is_word()) {
    if (const auto unit = unit_of(token.text)) {
      end = i + 1;
      return token.text != "ч" && token.text != "h" && set(*unit, 1);
    }
    static const std::string kHalf = "пол";
    if (token.text == kHalf && has(i + 1) && tokens_[i + 1].is_word()) {
      if (const auto unit = unit_of(tokens_[i + 1].text)) {
        end = i + 2;
        return set(*unit, *Decimal::parse("0.5"));
      }
    }
    if (token.text.size() > kHalf.size() && token.text.substr(0, kHalf.size()) == kHalf) {
      if (const auto unit = unit_of(std::string_view(token.text).substr(kHalf.size()))) {
        end = i + 1;
        return set(*unit, *Decimal::parse("0.5"));
      }
    }
    if (one_of(token.text, "a an one") && has(i + 1) && tokens_[i + 1].is_word()) {
      std::size_t unit_at = i + 1;
      if (const auto unit = unit_of(tokens_[unit_at].text)) {
        end = unit_at + 1;
        return set(*unit, 1);
      }
    }
  }
  if (token.kind == Token::Kind::Mark) return false;
  // 1,5 часа
  if (token.is_digits() && glued(i + 1) && (mark(i + 1, ",") || mark(i + 1, ".")) && glued(i + 2) &&
      digits(i + 2, 1, 2) && has(i + 3) && tokens_[i + 3].is_word()) {
    const auto unit = unit_of(tokens_[i + 3].text);
    const auto value = Decimal::parse(token.text + "." + tokens_[i + 2].text);
    if (unit && value) {
      end = i + 4;
      return set(*unit, *value);
    }
  }
  const auto number = numbers_.parse(i);
  if (!number || number->kind == NumberKind::Ordinal) return false;
  std::size_t unit_at = number->end;
  if (number->collective && !word(unit_at, "суток сутки")) return false;  // двое суток
  if (word(unit_at, "of a an")) ++unit_at;
  if (word(unit_at, "a an")) ++unit_at;
  if (!has(unit_at) || !tokens_[unit_at].is_word()) return false;
  const auto unit = unit_of(tokens_[unit_at].text);
  if (!unit) return false;
  end = unit_at + 1;
  return set(*unit, number->value);
}

bool DateScanner::amounts(std::size_t i, Element& out, std::size_t& end) const {
  if (!amount(i, out, end)) return false;
  // час с половиной
  if (end == i + 1 && word(end, "с") && word(end + 1, "половиной")) {
    out.ms += out.ms / 2;
    if (out.months % 2 == 0) out.months += out.months / 2;
    end += 2;
  }
  if (word(end, "and") && word(end + 1, "a") && word(end + 2, "half") && out.ms > 0 && out.ms <= kHour) {
    out.ms += out.ms / 2;  // an hour and a half
    end += 3;
  }
  for (int more = 0; more < 4; ++more) {
    std::size_t next = end;
    if (word(next, "и and")) ++next;
    if (!has(next) || tokens_[next].kind == Token::Kind::Mark) break;
    const bool counted = tokens_[next].is_digits() || find_number_word(tokens_[next].text);
    std::size_t after = 0;
    if (!counted || !amount(next, out, after)) break;
    end = after;
  }
  return true;
}

}  // namespace sufler::reading

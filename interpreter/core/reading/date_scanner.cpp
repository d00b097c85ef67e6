#include "interpreter/core/reading/date_scanner.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "interpreter/core/reading/number_words.h"

namespace sufler::reading {

DateScanner::DateScanner(std::string_view text, std::optional<LocalTime> now, Language language,
                         Direction direction)
    : tokens_(split_tokens(text)),
      numbers_(tokens_, language, Grouping::Ask),
      now_(now.value_or(LocalTime{})),
      english_(language == Language::English),
      past_(direction == Direction::Past) {
  numbers_.keep_digits_apart();
}

FoundElements DateScanner::scan() {
  bool negated = false;
  bool day_denied = false;  // `не завтра в 12, а …`: its hour goes with the day
  for (std::size_t i = 0; i < tokens_.size() && found_.elements.size() < 32;) {
    // улица 8 Марта, проспект 60-летия Октября
    if (word(i, "улица улице улицу ул проспект проспекте пр переулок street")) {
      ++i;
      if (mark(i, ".")) ++i;
      while (has(i) && !tokens_[i].is_mark(",") && !(tokens_[i].is_word() && month_of(tokens_[i].text) != 0)) ++i;
      if (has(i)) ++i;
      continue;
    }
    const std::size_t behind_junk = skip_junk(i);
    if (behind_junk != i) {
      i = behind_junk;
      continue;
    }
    const Token& token = tokens_[i];
    // `не завтра` takes away what follows, `сегодня не могу` what came before.
    if (word(i, "не not кроме except")) {
      if (word(i + 1, "могу можем получится получается подходит смогу сможем работает буду") &&
          !found_.elements.empty()) {
        found_.elements.clear();
        i += 2;
      } else if (word(i + 1, "раньше ранее earlier")) {
        found_.elements.emplace_back().kind = Kind::After;
        i += 2;
      } else if (word(i + 1, "позже позднее later")) {
        found_.elements.emplace_back().kind = Kind::Until;
        i += 2;
      } else {
        negated = true;
        ++i;
      }
      day_just_found_ = false;
      continue;
    }
    if (no_time(i)) {
      found_.impossible = true;
      return std::move(found_);
    }
    Element found;
    if (element(i, found)) {
      if (found_.impossible) return std::move(found_);
      if (!negated && !(day_denied && found.kind == Kind::Time)) found_.elements.push_back(found);
      day_denied = negated && is_day_like(found.kind);
      negated = false;
      day_just_found_ = is_day_like(found.kind);
      i = std::max(found.end, i + 1);
      continue;
    }
    if (!word(i, "в во на к ко at on by the")) day_denied = false;
    const auto join = [&](Kind kind) {
      Element joint;
      joint.kind = kind;
      found_.elements.push_back(joint);
    };
    if (word(i, "с со между from between")) {
      if (!word(i + 1, "утра")) {
        join(Kind::From);
        found_.elements.back().number = word(i, "между between") ? 1 : 0;
      }
    } else if (word(i, "по through")) {
      join(Kind::To);
    } else if (word(i, "до until till before to")) {
      join(Kind::Until);
    } else if (word(i, "после позже after later")) {
      join(Kind::After);
    } else if (word(i, "раньше earlier")) {
      join(Kind::Until);
    } else if (word(i, "или либо or")) {
      join(Kind::Or);
    } else if (word(i, "и and")) {
      join(Kind::And);
    } else if (token.is_mark("-")) {
      join(Kind::Dash);
    } else if (token.kind == Token::Kind::Word &&
               !one_of(token.text, "в во на к ко at on by the")) {
      negated = false;
      day_just_found_ = false;
    }
    ++i;
  }
  return std::move(found_);
}

bool DateScanner::word(std::size_t i, const WordList& list) const {
  return has(i) && tokens_[i].is_word() && one_of(tokens_[i].text, list);
}

bool DateScanner::mark(std::size_t i, std::string_view text) const {
  return has(i) && tokens_[i].is_mark(text);
}

bool DateScanner::digits(std::size_t i, std::size_t least, std::size_t most) const {
  return has(i) && tokens_[i].is_digits() && tokens_[i].text.size() >= least &&
         tokens_[i].text.size() <= most;
}

int DateScanner::digit_value(std::size_t i) const {
  return has(i) && tokens_[i].text.size() <= 6 ? std::stoi(tokens_[i].text) : -1;
}

bool DateScanner::no_time(std::size_t i) const {
  if (!digits(i, 1, 2) || !glued(i + 1) || !glued(i + 2) || !tokens_[i + 2].is_digits()) return false;
  const int second = digit_value(i + 2);
  const bool is_minute = digits(i + 2, 2, 2) && second <= 59;
  if (mark(i + 1, ":")) return !is_minute || digit_value(i) > 24;
  // `в 10,12` may be two hours or one; 13,30 can only be one
  return mark(i + 1, ",") && (time_word_before(i) || day_just_found_) && i + 3 == tokens_.size() &&
         (!is_minute || (second <= 24 && tokens_[i + 2].text != "00"));
}

bool DateScanner::time_word_before(std::size_t i) const {
  return i > 0 && word(i - 1, "в во к ко около на ровно at by around exactly @");
}

bool DateScanner::join_before(std::size_t i) const {
  return i > 0 && (word(i - 1,
                        "с со и между до по от после раньше ранее позже позднее from to until "
                        "till before after between and earlier later than") ||
                   (mark(i - 1, "-") && i > 1));
}

bool DateScanner::element(std::size_t i, Element& out) {
  const Token& token = tokens_[i];
  const auto simple = [&](Kind kind, std::size_t end) {
    out.kind = kind;
    out.end = end;
    return true;
  };
  std::size_t end = 0;
  // a week from friday
  if (english_ || (token.is_word() && token.text[0] > 0)) {
    const auto number = word(i, "a") ? std::optional(Count{1, false, i + 1}) : count(i);
    if (number && !number->ordinal && number->value <= 52 && word(number->end, "week weeks") && word(number->end + 1, "from on") &&
        has(number->end + 2) && tokens_[number->end + 2].is_word()) {
      const std::string& from = tokens_[number->end + 2].text;
      const int weekday = weekday_of(from);
      const auto days = relative_day(from);
      if (weekday != 0 || days) {
        const int nearest = days ? *days : (weekday - now_.date.weekday() + 6) % 7 + 1;
        out.date = plus_days(now_.date, nearest + 7 * number->value);
        return simple(Kind::Day, number->end + 3);
      }
    }
  }
  if (token.is_word()) {
    // offsets: через два дня, спустя неделю, минут через десять, in two weeks
    if (word(i, "через спустя in within")) {
      if (amounts(i + 1, out, end)) {
        out.end = end;
        out.kind = Kind::Offset;
        if (word(i, "in within") && out.months + out.days == 0 && out.ms == 0) return false;
        return true;
      }
    }
    if (const auto unit = unit_of(token.text); unit && word(i + 1, "через")) {
      if (const auto number = numbers_.parse(i + 2); number && number->kind == NumberKind::Cardinal &&
                                                     !number->value.is_integer() && unit->months != 0 &&
                                                     !(number->value.is_negative())) {
        // месяца через полтора
        const auto doubled = multiply(number->value, Decimal(2 * unit->months));
        const std::int64_t halves = doubled ? doubled->rounded(0).to_int64().value_or(0) : 0;
        out.kind = Kind::Offset;
        out.months = halves / 2;
        out.days = halves % 2 * 15;
        out.end = number->end;
        return true;
      }
      if (const auto number = count(i + 2); number && !number->ordinal) {
        out.kind = Kind::Offset;
        out.months = unit->months * number->value;
        out.days = unit->days * number->value;
        out.ms = unit->ms * number->value;
        out.end = number->end;
        return true;
      }
    }
    if (word(i, "сейчас now немедленно щас")) return simple(Kind::Now, i + 1);
    if (word(i, "после") && word(i + 1, "завтра")) {
      out.date = plus_days(now_.date, 2);
      return simple(Kind::Day, i + 2);
    }
    if (word(i, "поза") && word(i + 1, "вчера завтра")) {
      out.date = plus_days(now_.date, word(i + 1, "вчера") ? -2 : 2);
      return simple(Kind::Day, i + 2);
    }
    if (word(i, "после") && word(i + 1, "обеда")) {
      out.part = DayPart::Day;
      return simple(Kind::Part, i + 2);
    }
    if (word(i, "второй первой") && word(i + 1, "половине") && word(i + 2, "дня")) {
      out.part = token.text == "второй" ? DayPart::Day : DayPart::Morning;
      return simple(Kind::Part, i + 3);
    }
    if (word(i, "day") && word(i + 1, "after") && word(i + 2, "tomorrow")) {
      out.date = plus_days(now_.date, 2);
      return simple(Kind::Day, i + 3);
    }
    if (word(i, "day") && word(i + 1, "before") && word(i + 2, "yesterday")) {
      out.date = plus_days(now_.date, -2);
      return simple(Kind::Day, i + 3);
    }
    // friday week
    if (word(i + 1, "week") && weekday_of(token.text) != 0 && token.text[0] > 0) {
      out.date = plus_days(now_.date, (weekday_of(token.text) - now_.date.weekday() + 6) % 7 + 8);
      return simple(Kind::Day, i + 2);
    }
    if (word(i, "той ту") && word(i + 1, "неделе неделю")) {
      out.which = past_ ? Which::Last : Which::Next;
      return simple(Kind::WeekRef, i + 2);
    }
    if (const auto days = relative_day(token.text)) {
      out.date = plus_days(now_.date, *days);
      return simple(Kind::Day, i + 1);
    }
    if (token.text == "tonight") {
      found_.part_today = true;
      out.part = DayPart::Evening;
      return simple(Kind::Part, i + 1);
    }
    if (word(i, "выходные выходных выходным weekend weekends")) return simple(Kind::Weekend, i + 1);
    if (nth_weekday(i, out) || holiday(i, out)) return true;
    const Which which = which_of(token.text);
    if (which != Which::None && word(i + 1, "квартал квартале квартала quarter")) {
      int year = 0;
      unsigned month = 0;
      unsigned day = 0;
      const int shift = which == Which::Next ? 3 : which == Which::Last ? -3 : 0;
      plus_months(now_.date, shift).to_ymd(year, month, day);
      out.number = static_cast<int>(month - 1) / 3 + 1;
      out.year = year;
      found_.quarter = true;
      return simple(Kind::Month, i + 2);
    }
    if (which != Which::None && has(i + 1)) {
      std::size_t at = i + 1;
      if (mark(at, ".") && glued(at)) ++at;
      if (has(at) && tokens_[at].is_word()) {
        out.which = which;
        if (const int weekday = weekday_of(tokens_[at].text)) {
          out.number = weekday;
          return simple(Kind::Weekday, at + 1);
        }
        if (word(at, "выходные выходных выходным weekend")) return simple(Kind::Weekend, at + 1);
        if (word(at, "неделя неделю неделе недели недель week"))
          return simple(Kind::WeekRef, at + 1);
        if (word(at, "месяц месяце месяца month")) return simple(Kind::MonthRef, at + 1);
        if (word(at, "год году года year")) return simple(Kind::YearRef, at + 1);
        if (word(at, "день дня day") && which == Which::Next) {
          out.date = plus_days(now_.date, 1);
          return simple(Kind::Day, at + 1);
        }
        if (which == Which::This || which == Which::Last) {
          if (const auto part = part_of(tokens_[at].text);
              part && !word(at, "дня ночи утра вечера")) {
            if (which == Which::This) found_.part_today = true;
            if (which == Which::Last) {
              out.date = plus_days(now_.date, -1);
              return simple(Kind::Day, at);
            }
            out.part = part;
            return simple(Kind::Part, at + 1);
          }
        }
      }
      Element length;
      if (which != Which::Last && amount(i + 1, length, end) &&
          (length.days > 0 || length.months > 0) &&
          (tokens_[i + 1].is_digits() || find_number_word(tokens_[i + 1].text))) {
        out = length;
        return simple(Kind::NextDays, end);
      }
    }
    if (const int weekday = weekday_of(token.text)) {
      out.number = weekday;
      end = i + 1;
      if (mark(end, ".") && glued(end)) ++end;
      return simple(Kind::Weekday, end);
    }
  }
  // a length of time behind which `назад` may stand
  {
    Element length;
    if (amounts(i, length, end)) {
      std::size_t after = end;
      if (word(after, "тому")) ++after;
      if (word(after, "назад ago")) {
        out.kind = Kind::Offset;
        out.months = -length.months;
        out.days = -length.days;
        out.ms = -length.ms;
        out.end = after + 1;
        return true;
      }
      if (word(after, "спустя") || (word(after, "from") && word(after + 1, "now"))) {
        out = length;
        out.kind = Kind::Offset;
        out.end = word(after, "from") ? after + 2 : after + 1;
        return true;
      }
    }
  }
  if (dictated_date(i, out) || numeric_date(i, out)) return true;
  if (found_.impossible) return true;
  if (loose_day(i, out)) return true;
  if (found_.impossible) return true;
  // девятое мая, 15 марта, 15th of March; March 15
  if (const auto number = count(i)) {
    std::size_t at = number->end;
    if (word(at, "of")) ++at;
    if (has(at) && tokens_[at].is_word()) {
      const int month = month_of(tokens_[at].text);
      if (month != 0 && number->value <= 99)
        return day_and_month(number->value, month, at + 1, out);
      if (word(at, "числа число числу") && number->value >= 1) {
        if (number->value > 31) found_.impossible = true;
        out.number = number->value;
        return simple(Kind::DayNumber, at + 1);
      }
    }
  }
  if (clock(i, out)) {
    // 18 утра
    if (out.kind == Kind::Time && out.part && out.hour > 12 &&
        (*out.part == DayPart::Morning || (*out.part == DayPart::Night && out.hour < 20) ||
         (*out.part == DayPart::Evening && out.hour < 16)))
      found_.impossible = true;
    return true;
  }
  out = Element();
  if (token.is_word()) {
    if (const int month = month_of(token.text)) {
      std::size_t at = i + 1;
      if (mark(at, ".") && glued(at)) ++at;
      std::size_t year_end = at;
      const int year = year_at(at, year_end);
      if (year == 0) {
        if (word(at, "the")) ++at;
        if (const auto number = count(at); number && number->value >= 1 && number->value <= 31 &&
                                           token.text[0] > 0 &&
                                           !(mark(number->end, ":") && glued(number->end))) {
          return day_and_month(number->value, month, number->end, out);
        }
      }
      // `may` and `march` are also verbs; a capital letter or a preposition tells
      if (one_of(token.text, "may march mar") && !token.upper &&
          !(i > 0 && word(i - 1, "in this next")))
        return false;
      out.number = month;
      out.year = year;
      return simple(Kind::Month, year != 0 ? year_end : i + 1);
    }
    if (stands_alone(token.text) || (word(i, "дня") && i > 0 && word(i - 1, "середине"))) {
      if (word(i, "обеда") || (word(i, "обед") && i > 0 && word(i - 1, "после"))) return false;
      out.part = part_of(token.text);
      if (word(i, "утра") && !(i > 0 && word(i - 1, "с"))) return false;
      return simple(Kind::Part, i + 1);
    }
  }
  // 2014 г, в 2025 году
  if (const auto number = count(i)) {
    if (number->value >= 1900 && number->value <= 2199 &&
        (word(number->end, "г год года году year") ||
         (i > 0 && word(i - 1, "in") && (!has(number->end) || tokens_[number->end].kind == Token::Kind::Mark)))) {
      out.number = number->value;
      return simple(Kind::Year, word(number->end, "г год года году year") ? number->end + 1 : number->end);
    }
    // тридцать первого, 21-го
    if (number->ordinal && number->value >= 1 && number->value <= 31 &&
        day_ordinal(i, number->end)) {
      out.number = number->value;
      return simple(Kind::DayNumber, number->end);
    }
    if (number->ordinal && number->value <= 4 &&
        word(number->end, "квартал квартале квартала quarter")) {
      int year = 0;
      unsigned month = 0;
      unsigned day = 0;
      now_.date.to_ymd(year, month, day);
      out.number = number->value;
      std::size_t end_of_year = number->end + 1;
      const int said = year_at(number->end + 1, end_of_year);
      out.year = said != 0 ? said : year;
      found_.quarter = true;
      return simple(Kind::Month, end_of_year);
    }
  }
  {
    Element length;
    if (amounts(i, length, end) &&
        (tokens_[i].is_digits() || !unit_of(tokens_[i].text) || tokens_.size() <= 2 || end > i + 1)) {
      out = length;
      return simple(Kind::Span, end);
    }
  }
  // A number that `с` and `до` around it may explain.
  if (const auto number = count(i);
      number && number->value <= 31 &&
      (join_before(i) || time_word_before(i) || next_joins(number->end)) &&
      !(has(number->end) && tokens_[number->end].is_word() &&
        is_counted_thing(tokens_[number->end].text))) {
    out.number = number->value;
    return simple(Kind::Number, number->end);
  }
  return false;
}

std::size_t DateScanner::skip_junk(std::size_t i) const {
  if (!tokens_[i].is_digits()) return i;
  if (tokens_[i].text.size() > 4) return i + 1;
  std::size_t groups = 1;
  std::size_t at = i + 1;
  while (has(at + 1) && (mark(at, "-") || mark(at, "(") || mark(at, ")")) &&
         (tokens_[at + 1].is_digits() || tokens_[at + 1].kind == Token::Kind::Mark)) {
    if (tokens_[at + 1].is_digits()) ++groups;
    ++at;
    if (tokens_[at].is_digits()) ++at;
  }
  return groups > 3 ? at : i;
}

}  // namespace sufler::reading

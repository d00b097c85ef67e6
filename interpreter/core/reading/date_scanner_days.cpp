#include <array>

#include "interpreter/core/reading/date_scanner.h"

namespace sufler::reading {

std::optional<Date> DateScanner::place_day(int day, int month) const {
  int year = 0;
  unsigned this_month = 0;
  unsigned this_day = 0;
  now_.date.to_ymd(year, this_month, this_day);
  for (int step = 0; step < 9; ++step) {
    const int candidate_year = past_ ? year - step : year + step;
    const auto date =
        Date::from_ymd(candidate_year, static_cast<unsigned>(month), static_cast<unsigned>(day));
    if (date && (past_ ? *date <= now_.date : *date >= now_.date)) return date;
  }
  return std::nullopt;
}

int DateScanner::full_year(const std::string& digits) {
  const int value = std::stoi(digits);
  if (digits.size() > 2) return value;
  return value <= 68 ? 2000 + value : 1900 + value;
}

int DateScanner::year_at(std::size_t i, std::size_t& end) const {
  std::size_t at = i;
  if (mark(at, ",")) ++at;
  if (word(at, "в of")) ++at;
  const auto number = count(at);
  if (!number) return 0;
  const bool named = word(number->end, "г год года году г.г");
  if (number->value >= 1900 && number->value <= 2199) {
    // `2014 7 часов`: digits stay apart, so the year is the whole token
    if (mark(number->end, ":") && glued(number->end)) return 0;
    end = named ? number->end + 1 : number->end;
    return number->value;
  }
  // восемьдесят пятого года
  if (!tokens_[at].is_digits() && number->ordinal && number->value < 100 && (named || number->value > 31)) {
    end = named ? number->end + 1 : number->end;
    return full_year(std::to_string(number->value));
  }
  if (digits(at, 2, 2) && (named || number->value > 31)) {  // 12 мая 90 г.
    end = named ? number->end + 1 : number->end;
    return full_year(tokens_[at].text);
  }
  return 0;
}

bool DateScanner::day_and_month(int day, int month, std::size_t after, Element& out) {
  std::size_t end = after;
  if (mark(end, ".") && glued(end)) ++end;
  std::size_t year_end = end;
  const int year = year_at(end, year_end);
  if (year != 0) end = year_end;
  std::optional<Date> date;
  if (day >= 1 && day <= 31) {
    date = year != 0
               ? Date::from_ymd(year, static_cast<unsigned>(month), static_cast<unsigned>(day))
               : place_day(day, month);
  }
  if (!date) found_.impossible = true;
  out.kind = Kind::Day;
  out.date = date.value_or(Date{});
  out.number = month;
  out.year_open = year == 0;
  out.end = end;
  return true;
}

int DateScanner::month_of_list(std::size_t i, std::size_t& number_end, int& day) const {
  if (time_word_before(i) && !word(i - 1, "на")) return 0;
  std::size_t at = i;
  for (int length = 1; length < 6; ++length) {
    const auto number = count(at);
    if (!number || number->value < 1 || number->value > 31) return 0;
    if (length == 1) {
      number_end = number->end;
      day = number->value;
    }
    at = number->end;
    if (length > 1 && has(at) && tokens_[at].is_word()) {
      if (word(at, "числа число")) return 13;
      if (const int month = month_of(tokens_[at].text)) return month;
    }
    if (mark(at, ",") || word(at, "или либо or и and")) {
      ++at;
      if (word(at, "или либо or и and")) ++at;
      continue;
    }
    return 0;
  }
  return 0;
}

bool DateScanner::loose_day(std::size_t i, Element& out) {
  const auto day_number = [&](int day, std::size_t end) {
    out.kind = Kind::DayNumber;
    out.number = day;
    out.end = end;
    return true;
  };
  const auto ends = [&](std::size_t at) {
    return !has(at) || (tokens_[at].kind == Token::Kind::Mark && !(mark(at, ":") && glued(at)) && !mark(at, "-")) ||
           word(at, "в во к на или at");
  };
  if (tokens_[i].is_word()) {
    if (word(i, "числа числу")) {  // числа 25
      if (const auto number = count(i + 1); number && number->value >= 1 && number->value <= 31 && ends(number->end))
        return day_number(number->value, number->end);
      return false;
    }
    // июня 1, июнь 1
    if (static_cast<unsigned char>(tokens_[i].text[0]) >= 0x80) {
      if (const int month = month_of(tokens_[i].text)) {
        const std::size_t at = mark(i + 1, ".") && glued(i + 1) ? i + 2 : i + 1;
        if (const auto number = count(at); number && number->value >= 1 && number->value <= 31 && ends(number->end) &&
                                           !mark(number->end, "."))
          return day_and_month(number->value, month, number->end, out);
        return false;
      }
    }
  }
  const auto number = count(i);
  if (!number || number->value < 1 || number->value > 31) return false;
  std::size_t end = 0;
  int day = 0;
  if (const int month = month_of_list(i, end, day)) {
    if (month == 13) return day_number(day, end);
    const auto date = place_day(day, month);
    if (!date) return false;
    out.kind = Kind::Day;
    out.date = *date;
    out.number = month;
    out.year_open = true;
    out.end = end;
    return true;
  }
  // 20 мая или 25
  const auto& found = found_.elements;
  if (found.size() > 1 && found.back().kind == Kind::Or && found[found.size() - 2].kind == Kind::Day &&
      found[found.size() - 2].year_open && i > 0 && word(i - 1, "или либо or") && ends(number->end)) {
    return day_and_month(number->value, found[found.size() - 2].number, number->end, out);
  }
  // завтра в 5 или 6
  if (found.size() > 1 && found.back().kind == Kind::Or && found[found.size() - 2].kind == Kind::Time && i > 0 &&
      word(i - 1, "или либо or") && number->value <= 24 && !number->ordinal && (!has(number->end) || mark(number->end, "?"))) {
    set_time(out, number->value % 24, 0, number->end);
    out.part = found[found.size() - 2].part;
    return true;
  }
  std::size_t at = number->end;
  // 1-июня, 15 го июля
  if (mark(at, "-") && glued(at) && glued(at + 1) && !number->ordinal) ++at;
  if (word(at, "го ого е")) ++at;
  if (at > number->end && has(at) && tokens_[at].is_word()) {
    const int month = month_of(tokens_[at].text);
    if (month != 0) return day_and_month(number->value, month, at + 1, out);
  }
  // 25 следующего месяца
  at = number->end;
  if (has(at) && tokens_[at].is_word() && which_of(tokens_[at].text) != Which::None && word(at + 1, "месяца month"))
    return day_number(number->value, at);
  // в пятницу 29
  if (day_just_found_ && !found.empty() && found.back().kind == Kind::Weekday && number->value > 24 && digits(i, 2, 2) &&
      ends(at))
    return day_number(number->value, at);
  // 20 в 10
  if (i == 0 && digits(i, 1, 2) && !number->ordinal && word(at, "в at") && has(at + 1)) {
    const auto hour = count(at + 1);
    const bool only = hour && hour->value <= 24 && !hour->ordinal &&
                      (!has(hour->end) || tokens_[hour->end].kind == Token::Kind::Mark ||
                       word(hour->end, "утра дня вечера ночи часов часа час am pm"));
    if (only) return day_number(number->value, at);
  }
  return false;
}

bool DateScanner::dictated_date(std::size_t i, Element& out) {
  const auto finish = [&](int day, int month, int year, std::size_t end) {
    const auto date = day < 1 || month < 1                ? std::nullopt
                      : year == 0                         ? place_day(day, month)
                                                          : Date::from_ymd(year, static_cast<unsigned>(month),
                                                                           static_cast<unsigned>(day));
    if (!date) return false;
    out.kind = Kind::Day;
    out.date = *date;
    out.end = end;
    return true;
  };
  // 20 05 2026; 20,05,2026
  if (digits(i, 1, 2)) {
    const std::size_t second = mark(i + 1, ",") ? i + 2 : i + 1;
    const std::size_t third = mark(second + 1, ",") ? second + 2 : second + 1;
    return (second - i == third - second) && digits(second, 1, 2) && digits(third, 4, 4) && digit_value(second) <= 12 &&
           digit_value(third) >= 1900 && digit_value(third) <= 2199 &&
           finish(digit_value(i), digit_value(second), digit_value(third), third + 1);
  }
  // двадцатого ноль пятого две тысячи двадцать шестого
  if (!has(i) || !tokens_[i].is_word()) return false;
  const auto day = count(i);
  if (!day || day->value < 1 || day->value > 31) return false;
  // `три пятого`, but `в три пятого` is an hour and a day
  if (!day->ordinal && (time_word_before(i) || join_before(i) || tokens_.size() > 4)) return false;
  std::size_t at = day->end;
  if (word(at, "ноль")) ++at;
  const auto month = has(at) && tokens_[at].is_word() ? count(at) : std::nullopt;
  if (!month || !month->ordinal || month->value < 1 || month->value > 12) return false;
  std::size_t end = month->end;
  const int year = year_at(month->end, end);
  return finish(day->value, month->value, year, end);
}

bool DateScanner::numeric_date(std::size_t i, Element& out) {
  if (!digits(i, 1, 4)) return false;
  const auto separator = [&](std::size_t at) {
    return has(at) && glued(at) && (mark(at, ".") || mark(at, "/") || mark(at, "-"));
  };
  if (!separator(i + 1)) return false;
  const std::string& mark_text = tokens_[i + 1].text;
  const bool spaced = mark_text == ".";  // 27. 05.99
  if (!has(i + 2) || !tokens_[i + 2].is_digits() || (!glued(i + 2) && !spaced)) return false;
  const bool third = separator(i + 3) && tokens_[i + 3].text == mark_text && has(i + 4) &&
                     tokens_[i + 4].is_digits() &&
                     (glued(i + 4) || (spaced && tokens_[i + 4].text.size() >= 2));
  if (tokens_[i].text.size() == 4) {
    if (!third || !digits(i + 2, 1, 2) || !digits(i + 4, 1, 2)) return false;
    const auto date = Date::from_ymd(digit_value(i), static_cast<unsigned>(digit_value(i + 2)),
                                     static_cast<unsigned>(digit_value(i + 4)));
    if (!date) found_.impossible = true;
    out.kind = Kind::Day;
    out.date = date.value_or(Date{});
    out.end = i + 5;
    return true;
  }
  if (!digits(i, 1, 2) || !digits(i + 2, 1, 2)) return false;
  int day = digit_value(i);
  int month = digit_value(i + 2);
  // 3/15/2027 in English
  if (english_ && mark_text == "/" && day <= 12 && month <= 31) std::swap(day, month);
  if (third && (digits(i + 4, 2, 2) || digits(i + 4, 4, 4))) {
    // More groups make a phone or an address.
    if (separator(i + 5) && glued(i + 6) && has(i + 6) && tokens_[i + 6].is_digits() &&
        mark_text == tokens_[i + 5].text)
      return false;
    const int year = full_year(tokens_[i + 4].text);
    auto date = month >= 1 && month <= 12 && day >= 1
                    ? Date::from_ymd(year, static_cast<unsigned>(month), static_cast<unsigned>(day))
                    : std::nullopt;
    if (!date) found_.impossible = true;
    out.kind = Kind::Day;
    out.date = date.value_or(Date{});
    out.end = i + 5;
    return true;
  }
  if (third) return false;
  if (mark_text == "-" || month < 1 || month > 12 || day < 1 || day > 31) return false;
  if (!glued(i + 2)) return false;
  std::size_t end = i + 3;
  const bool closed = mark(end, ".") && glued(end) && mark_text == ".";
  if (mark_text == ".") {
    // `в 9.30`, `до 18.30` are times; `15.2 метра` and `1.5` are decimals.
    const bool as_time =
        (time_word_before(i) && !word(i - 1, "на")) && digits(i + 2, 2, 2) && day <= 23;
    if (as_time) return false;
    if (!closed && (tokens_[i + 2].text.size() < 2 ||
                    (has(end) && tokens_[end].is_word() && is_counted_thing(tokens_[end].text)))) {
      return false;
    }
  }
  if (closed) ++end;
  return day_and_month(day, month, end, out) && (out.end = std::max(out.end, end), true);
}

bool DateScanner::nth_weekday(std::size_t i, Element& out) const {
  const bool last = word(i, "последний последняя последнее последнюю последнего последней last");
  int nth = 0;
  std::size_t at = i + 1;
  if (!last) {
    const auto number = count(i);
    if (!number || !number->ordinal || number->value < 1 || number->value > 31) return false;
    nth = number->value;
    at = number->end;
  }
  if (!has(at) || !tokens_[at].is_word()) return false;
  const int weekday = weekday_of(tokens_[at].text);
  const bool day = word(at, "день дня day");
  if (weekday == 0 && !day) return false;
  if (weekday != 0 && nth > 5) return false;
  ++at;
  if (word(at, "в in of")) ++at;
  if (word(at, "the")) ++at;
  int year = 0;
  unsigned month = 0;
  unsigned today = 0;
  now_.date.to_ymd(year, month, today);
  Which which = Which::None;
  if (has(at) && tokens_[at].is_word()) which = which_of(tokens_[at].text);
  if (which != Which::None) ++at;
  bool exact = true;
  if (word(at, "месяца месяце month")) {
    const Date first = plus_months(*Date::from_ymd(year, month, 1), which == Which::Next ? 1 : which == Which::Last ? -1 : 0);
    first.to_ymd(year, month, today);
    ++at;
  } else {
    const int named = has(at) && tokens_[at].is_word() && which == Which::None ? month_of(tokens_[at].text) : 0;
    if (named == 0) return false;
    month = static_cast<unsigned>(named);
    std::size_t end = at + 1;
    const int said = year_at(at + 1, end);
    at = end;
    exact = said != 0;
    if (said != 0) year = said;
  }
  for (int step = 0; step < 2; ++step) {
    const auto first = Date::from_ymd(year + (past_ ? -step : step), month, 1);
    if (!first) return false;
    const Date next = plus_months(*first, 1);
    Date date = last ? plus_days(next, -1) : plus_days(*first, nth - 1);
    if (weekday != 0) {
      date = last ? plus_days(next, -1 - (next.weekday() - 1 - weekday + 14) % 7)
                  : plus_days(*first, (weekday - first->weekday() + 7) % 7 + 7 * (nth - 1));
    }
    if (!(date < next)) return false;  // the fifth Monday of a month that has four
    if (!exact && step == 0 && (past_ ? now_.date < date : date < now_.date)) continue;
    out.kind = Kind::Day;
    out.date = date;
    out.end = at;
    return true;
  }
  return false;
}

bool DateScanner::holiday(std::size_t i, Element& out) const {
  int day = 1;
  int month = 1;
  std::size_t end = i + 2;
  if (word(i, "старый старого старому") && word(i + 1, "новый нового новому") && word(i + 2, "год года году")) {
    day = 14;
    end = i + 3;
  } else if ((word(i, "новый нового новому новым") && word(i + 1, "год года году годом")) ||
      (word(i, "new") && mark(i + 1, "'") == false && word(i + 1, "year years"))) {
    if (word(end, "в")) return false;
  } else if (word(i, "рождество рождества рождеству christmas xmas")) {
    day = word(i, "christmas xmas") ? 25 : 7;
    month = word(i, "christmas xmas") ? 12 : 1;
    end = i + 1;
  } else {
    return false;
  }
  const auto date = place_day(day, month);
  if (!date) return false;
  out.kind = Kind::Day;
  out.date = *date;
  out.end = end;
  return true;
}

bool DateScanner::day_ordinal(std::size_t i, std::size_t end) const {
  if (i > 0 && word(i - 1, "начале конце середине половине")) return false;  // the hour of `в начале седьмого`
  if (tokens_[i].is_digits()) {
    const Token& suffix = tokens_[end - 1];
    if (!one_of(suffix.text, "го ого его е ое му st nd rd th")) return false;
  } else {
    const std::string& last = tokens_[end - 1].text;
    const bool genitive =
        last.size() > 6 && one_of(std::string_view(last).substr(last.size() - 6), "ого его");
    const bool neuter = last.size() > 4 &&
                        one_of(std::string_view(last).substr(last.size() - 4), "ое ье") &&
                        !has(end);
    const bool english = static_cast<unsigned char>(last[0]) < 0x80 && i > 0 && word(i - 1, "the");
    if (!genitive && !neuter && !english) return false;
  }
  return !has(end) || tokens_[end].kind == Token::Kind::Mark ||
         word(end, "в во на к с до по и или утром днем вечером ночью at on or to числа");
}

}  // namespace sufler::reading

#include <algorithm>

#include "interpreter/core/reading/date_scanner.h"
#include "interpreter/core/reading/number_words.h"

namespace sufler::reading {

void DateScanner::set_time(Element& out, int hour, int minute, std::size_t end) const {
  out.kind = Kind::Time;
  out.hour = hour;
  out.minute = minute;
  out.end = end;
  out.half_known = out.half_known || hour > 12 || hour == 0;
}

/// `8 вечера 30 минут`: those behind the part of the day.
void DateScanner::take_minutes(Element& out) const {
  if (!out.part || out.minute != 0) return;
  const auto minute = count(out.end);
  if (!minute || minute->ordinal || minute->value > 59 || !word(minute->end, "минут минуты минута минуту мин")) return;
  out.minute = minute->value;
  out.end = minute->end + 1;
}

void DateScanner::take_part(Element& out) const {
  std::size_t i = out.end;
  if (word(i, "в in") && has(i + 1) && word(i + 1, "the") && has(i + 2)) i += 2;
  if (word(i, "утра дня вечера ночи утром вечером ночью morning afternoon evening night")) {
    out.part = part_of(tokens_[i].text);
    out.end = i + 1;
    return;
  }
  const auto half = [&](const WordList& one, const WordList& letter) {
    if (word(i, one)) {
      out.end = i + 1;
      return true;
    }
    if (word(i, letter) && mark(i + 1, ".") && word(i + 2, "m")) {
      out.end = mark(i + 3, ".") ? i + 4 : i + 3;
      return true;
    }
    return false;
  };
  if (half("am", "a")) {
    out.half_known = true;
    if (out.hour == 12) out.hour = 0;
  } else if (half("pm", "p")) {
    out.half_known = true;
    if (out.hour < 12) out.hour += 12;
  }
}

std::optional<int> DateScanner::hour_name(std::size_t i, bool ordinal, std::size_t& end) const {
  if (word(i, "часа час") && !ordinal) {
    end = i + 1;
    return 1;
  }
  const auto number = count(i);
  if (!number || number->value < 1 || number->value > 24 || (ordinal && !number->ordinal))
    return std::nullopt;
  end = number->end;
  if (word(end, "часа часов час")) ++end;
  return number->value;
}

bool DateScanner::spoken_clock(std::size_t i, Element& out) const {
  std::size_t end = 0;
  const auto finish = [&](int hour, int minute) {
    if (hour < 0) hour = hour == -1 ? 11 : 23;
    if (hour == 0) hour = 12;
    set_time(out, hour, minute, end);
    out.spoken = hour <= 12;
    take_part(out);
    return true;
  };
  // половина пятого, пол пятого, пол-пятого, полпятого
  if (word(i, "пол") && mark(i + 1, "-") && glued(i + 1) && glued(i + 2)) {
    if (const auto hour = hour_name(i + 2, true, end)) return finish(*hour - 1, 30);
  }
  if (word(i, "половина половине половину половины пол")) {
    if (const auto hour = hour_name(i + 1, true, end)) return finish(*hour - 1, 30);
  }
  static const std::string kHalf = "пол";
  if (has(i) && tokens_[i].is_word() && tokens_[i].text.size() > 6 &&
      tokens_[i].text.substr(0, 6) == kHalf) {
    const auto hour = find_number_word(std::string_view(tokens_[i].text).substr(6));
    if (hour && hour->kind == NumberClass::Ordinal && hour->numerator >= 1 &&
        hour->numerator <= 12) {
      end = i + 1;
      return finish(static_cast<int>(hour->numerator) - 1, 30);
    }
  }
  if (word(i, "четверть четверти")) {
    if (const auto hour = hour_name(i + 1, true, end)) return finish(*hour - 1, 15);
  }
  if (word(i, "без")) {
    int minutes = 0;
    std::size_t next = i + 1;
    if (word(next, "четверти")) {
      minutes = 15;
      ++next;
    } else if (const auto number = count(next)) {
      minutes = number->value;
      next = number->end;
      if (word(next, "минут минуты минуту мин")) ++next;
    }
    if (minutes < 1 || minutes > 59) return false;
    if (const auto hour = hour_name(next, false, end)) return finish(*hour - 1, 60 - minutes);
    // `без двадцати девять` is heard as 29: twenty to nine
    if (minutes > 20 && minutes % 10 != 0 && !tokens_[i + 1].is_digits()) {
      end = next;
      if (word(end, "часа часов")) ++end;
      return finish(minutes % 10 - 1, 60 - minutes / 10 * 10);
    }
    return false;
  }
  // half past three, quarter to four, ten past five
  int minutes = -1;
  std::size_t next = i;
  if (word(i, "a")) ++next;
  if (word(next, "half")) {
    minutes = 30;
    ++next;
  } else if (word(next, "quarter")) {
    minutes = 15;
    ++next;
  } else if (const auto number = count(next);
             number && !number->ordinal && number->value >= 1 && number->value <= 59) {
    minutes = number->value;
    next = number->end;
    if (word(next, "минут минуты минута мин")) {
      // десять минут четвертого
      if (const auto hour = hour_name(next + 1, true, end)) return finish(*hour - 1, minutes);
    }
    if (word(next, "minutes minute mins")) ++next;
  }
  if (minutes < 0) return false;
  if (word(next, "past after")) {
    if (const auto hour = hour_name(next + 1, false, end)) return finish(*hour, minutes);
  }
  if (word(next, "to till before") && !word(i, "half")) {
    if (const auto hour = hour_name(next + 1, false, end);
        hour && *hour <= 12 && (minutes % 5 == 0)) {
      // `from 5 to 7` is an interval
      if (i > 0 && word(i - 1, "from between")) return false;
      if (tokens_[i].is_digits()) return false;
      return finish(*hour - 1, 60 - minutes);
    }
  }
  return false;
}

bool DateScanner::zeros(std::size_t i, std::size_t& end) const {
  if (!word(i, "ноль нуль")) return false;
  const std::size_t second = mark(i + 1, "-") ? i + 2 : i + 1;
  if (!word(second, "ноль нуль")) return false;
  end = second + 1;
  return true;
}

bool DateScanner::clock(std::size_t i, Element& out) const {
  if (word(i, "полдень полдня noon midday")) {
    out.half_known = true;
    set_time(out, 12, 0, i + 1);
    return tokens_[i].text != "полдня";
  }
  if (word(i, "полночь midnight")) {
    out.half_known = true;
    set_time(out, 0, 0, i + 1);
    return true;
  }
  if (spoken_clock(i, out)) return true;
  // 15:15, 15:15:30, 9.30, 17-30 behind `в`
  if (digits(i, 1, 2) && glued(i + 1) && glued(i + 2) && digits(i + 2, 2, 2) &&
      digit_value(i) <= 24 && digit_value(i + 2) <= 59) {
    const bool colon = mark(i + 1, ":");
    const bool dot = mark(i + 1, ".") &&
                     !(mark(i + 3, ".") && glued(i + 3) && glued(i + 4) && digits(i + 4, 1, 4));
    const bool led = time_word_before(i) || day_just_found_;
    // `завтра в 10-12` are two hours; nobody rounds to twelve minutes.
    const bool two_hours = digit_value(i + 2) <= 24 && digit_value(i + 2) % 5 != 0 && digit_value(i + 2) > digit_value(i);
    const bool dash = mark(i + 1, "-") && ((led && !two_hours) || tokens_[i + 2].text == "00") && !mark(i + 3, "-");
    // 13,30: minutes that are no hours
    const bool other = led && (mark(i + 1, ",") || mark(i + 1, ";") || mark(i + 1, "=")) &&
                       (digit_value(i + 2) > 24 || tokens_[i + 2].text == "00") && !mark(i + 3, ",");
    if (colon || dot || dash || other) {
      if (dot && has(i + 3) && tokens_[i + 3].is_word() && is_counted_thing(tokens_[i + 3].text))
        return false;
      if (digit_value(i) == 24 && digit_value(i + 2) != 0) return false;
      std::size_t end = i + 3;
      if (colon && mark(end, ":") && glued(end) && digits(end + 1, 2, 2)) end += 2;
      set_time(out, digit_value(i) % 24, digit_value(i + 2), end);
      const bool twelve = out.hour == 12;
      out.half_known = true;
      take_part(out);
      if (out.part && out.hour <= 12) out.half_known = false;
      (void)twelve;
      return true;
    }
  }
  // в 10, 30
  if (digits(i, 1, 2) && digit_value(i) <= 24 && mark(i + 1, ",") && i + 3 == tokens_.size() && digits(i + 2, 2, 2) &&
      time_word_before(i) && (digit_value(i + 2) > 24 || tokens_[i + 2].text == "00") && digit_value(i + 2) <= 59) {
    out.half_known = true;
    set_time(out, digit_value(i) % 24, digit_value(i + 2), i + 3);
    return true;
  }
  // завтра 11 30
  if (day_just_found_ && digits(i, 1, 2) && digits(i + 1, 2, 2) && digit_value(i) <= 23 && digit_value(i + 1) <= 59 &&
      i + 2 == tokens_.size()) {
    out.half_known = true;
    set_time(out, digit_value(i), digit_value(i + 1), i + 2);
    return true;
  }
  // пятнадцать ноль-ноль
  if (const auto full = count(i); full && !full->ordinal && full->value <= 24) {
    std::size_t end = 0;
    if (zeros(full->end, end) && !(full->value == 0 && has(end) && count(end))) {
      set_time(out, full->value % 24, 0, end);
      take_part(out);
      return true;
    }
    // ноль ноль тридцать
    if (full->value == 0 && has(full->end) && tokens_[i].is_word() && word(full->end, "ноль нуль")) {
      const auto minute = count(full->end + 1);
      if (minute && !minute->ordinal && minute->value <= 59 && !has(minute->end)) {
        set_time(out, 0, minute->value, minute->end);
        return true;
      }
    }
  }
  // 16 0 0: speech
  if (i == 0 && tokens_.size() == 3 && digits(0, 1, 2) && digits(1, 1, 2) && digits(2, 1, 2) && digit_value(0) <= 23 &&
      digit_value(1) <= 59 && digit_value(2) == 0) {
    set_time(out, digit_value(0), digit_value(1), 3);
    return true;
  }
  // 17ч10, 15ч, в 9 часов 15 минут, 7 часов вечера, 3 o'clock, 3pm
  const auto hour = count(i);
  if (!hour || hour->value > 24) {
    if (word(i, "час часу")) {
      set_time(out, 1, 0, i + 1);
      // час тридцать
      if (const auto minute = count(i + 1); minute && !minute->ordinal && minute->value >= 5 && minute->value <= 59 &&
                                            (!has(minute->end) || take_part_ahead(minute->end))) {
        out.minute = minute->value;
        out.end = minute->end;
        take_part(out);
        return true;
      }
      take_part(out);
      return out.part.has_value() || time_word_before(i) || join_before(i);
    }
    return false;
  }
  std::size_t at = hour->end;
  // Hours of a clock, unless a length of time is meant; `combine` decides about a bare `8 часов`.
  if (!hour->ordinal && word(at, "ч час часа часов часам часах hours h oclock")) {
    set_time(out, hour->value % 24, 0, at + 1);
    std::size_t minute_at = at + 1;
    if (mark(minute_at, ".") && glued(minute_at) && digits(minute_at + 1, 1, 2)) ++minute_at;
    if (const auto minute = count(minute_at);
        minute && !minute->ordinal && minute->value <= 59 &&
        (word(minute->end, "минут минуты минута минуту мин м") ||
         (glued(minute_at) && one_of(tokens_[at].text, "ч h")))) {
      out.minute = minute->value;
      out.end =
          word(minute->end, "минут минуты минута минуту мин м") ? minute->end + 1 : minute->end;
    }
    take_part(out);
    take_minutes(out);
    if (out.part || time_word_before(i) || join_before(i) || (glued(at) && hour->value <= 24))
      return true;
    if (day_just_found_ && (out.end > at + 1 || hour->value > 12)) return true;  // 20 мая 18 ч 30 мин
    return false;  // a Span so far
  }
  if (hour->ordinal) return false;
  if (word(at, "o") && mark(at + 1, "'") && word(at + 2, "clock")) {
    set_time(out, hour->value % 24, 0, at + 3);
    take_part(out);
    return true;
  }
  Element probe = out;
  probe.hour = hour->value % 24;
  probe.end = at;
  take_part(probe);
  if (probe.end != at) {
    // `в 3 дня` is an hour, `через 3 дня` and `3 дня` are not.
    const bool length =
        probe.part == DayPart::Day && word(at, "дня") && hour->value != 12 && !time_word_before(i) && !join_before(i);
    if (length) return false;
    const Element kept = probe;
    set_time(probe, kept.hour, 0, kept.end);
    probe.half_known = kept.half_known || kept.hour > 12;
    out = probe;
    take_minutes(out);
    return true;
  }
  // в 3, в двадцать три тридцать, в 16 0 0, к пяти
  const bool free_standing = !has(at) || tokens_[at].kind == Token::Kind::Mark || word(at, "или либо or");
  const bool after_day = i > 0 && day_just_found_ && free_standing && !tokens_[i].is_digits();
  const bool after_day_digits = i > 0 && day_just_found_ && free_standing && digits(i, 1, 2);
  if (!time_word_before(i) && !after_day && !after_day_digits) return false;
  if (word(i - 1, "на") && !free_standing && !known_time_neighbour(at)) return false;
  if (has(at) && tokens_[at].is_word() && is_counted_thing(tokens_[at].text)) return false;
  if (has(at) && tokens_[at].is_word() &&
      (month_of(tokens_[at].text) != 0 || word(at, "числа год году г")))
    return false;
  if (has(at) && tokens_[at].is_word() && unit_of(tokens_[at].text)) return false;
  if (mark(at, "-") && glued(at) && has(at + 1) && tokens_[at + 1].is_word() && glued(at + 1))
    return false;
  set_time(out, hour->value % 24, 0, at);
  out.bare = after_day_digits && !time_word_before(i) && !found_.elements.empty() &&
             found_.elements.back().kind == Kind::Weekday;
  if (const auto minute = count(at); minute && !minute->ordinal && minute->value <= 59 && has(at) &&
                                     tokens_[at].space_before &&
                                     !(has(minute->end) && tokens_[minute->end].is_word() &&
                                       (is_counted_thing(tokens_[minute->end].text) ||
                                        month_of(tokens_[minute->end].text) != 0))) {
    int value = minute->value;
    std::size_t end = minute->end;
    if (value == 0) {  // десять ноль пять, 16 0 0
      if (const auto unit = count(end); unit && unit->value < 10 && !unit->ordinal) {
        value = unit->value;
        end = unit->end;
      }
    }
    out.minute = value;
    out.half_known = out.half_known || hour->value > 12;
    out.end = word(end, "минут минуты мин") ? end + 1 : end;
  }
  take_part(out);
  return true;
}

bool DateScanner::known_time_neighbour(std::size_t i) const {
  return word(i, "в на до по и или вечера утра дня ночи завтра сегодня послезавтра") ||
         (has(i) && (tokens_[i].is_digits() || weekday_of(tokens_[i].text) != 0));
}

}  // namespace sufler::reading

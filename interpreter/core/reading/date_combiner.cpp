#include "interpreter/core/reading/date_combiner.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace sufler::reading {

DateCombiner::DateCombiner(FoundElements found, std::optional<LocalTime> now, Direction direction)
    : found_(std::move(found)),
      now_(now.value_or(LocalTime{})),
      has_now_(now.has_value()),
      past_(direction == Direction::Past) {}

std::vector<WhenReading> DateCombiner::combine() {
  // Alternatives: each side is read by itself.
  for (std::size_t i = 1; i + 1 < found_.elements.size(); ++i) {
    if (found_.elements[i].kind != Kind::Or) continue;
    const auto all = found_.elements;
    std::vector<WhenReading> readings;
    found_.elements.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i));
    auto left = combine_one();
    found_.elements.assign(all.begin() + static_cast<std::ptrdiff_t>(i) + 1, all.end());
    // `завтра в 3 или в 4`: the day is for both
    const auto is_day = [](const Element& element) { return is_day_like(element.kind); };
    if (std::none_of(found_.elements.begin(), found_.elements.end(), is_day)) {
      std::vector<Element> days;
      std::copy_if(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i),
                   std::back_inserter(days), is_day);
      found_.elements.insert(found_.elements.begin(), days.begin(), days.end());
    }
    auto right = combine();
    if (left.empty()) return right;
    // `в среду или в четверг в 15:00`: the hour is for both
    if (right.size() == 1 && right[0].kind == WhenReading::Kind::Minute) {
      for (WhenReading& reading : left) {
        if (reading.kind != WhenReading::Kind::Day) continue;
        reading.kind = WhenReading::Kind::Minute;
        reading.has_time = true;
        reading.start.time = right[0].start.time;
      }
    }
    for (WhenReading& reading : right) {
      if (std::find(left.begin(), left.end(), reading) == left.end()) left.push_back(reading);
    }
    return left;
  }
  return combine_one();
}

std::optional<Date> DateCombiner::place_day_number(int day) const {
  int year = 0;
  unsigned month = 0;
  unsigned today = 0;
  now_.date.to_ymd(year, month, today);
  for (int step = 0; step < 14; ++step) {
    const int index = year * 12 + static_cast<int>(month) - 1 + (past_ ? -step : step);
    const auto date = Date::from_ymd(index / 12, static_cast<unsigned>(index % 12) + 1,
                                     static_cast<unsigned>(day));
    if (date && (past_ ? *date <= now_.date : *date >= now_.date)) return date;
  }
  return std::nullopt;
}

bool DateCombiner::is_join(Kind kind) {
  return kind == Kind::From || kind == Kind::To || kind == Kind::Until || kind == Kind::Dash ||
         kind == Kind::Or || kind == Kind::And || kind == Kind::After;
}

int DateCombiner::hour_with_part(int hour, DayPart part) {
  switch (part) {
    case DayPart::Morning:
      return hour == 12 ? 0 : hour;
    case DayPart::Day:
      return hour <= 6 ? hour + 12 : hour;
    case DayPart::Lunch:
      return hour <= 4 ? hour + 12 : hour;
    case DayPart::Evening:
      return hour == 12 ? 0 : hour < 12 ? hour + 12 : hour;
    case DayPart::Night:
      return hour == 12 ? 0 : hour >= 7 && hour < 12 ? hour + 12 : hour;
  }
  return hour;
}

DateCombiner::Placed DateCombiner::place_time(const Element& time,
                                              std::optional<DayPart> part) const {
  Placed placed;
  int hour = time.hour;
  const std::optional<DayPart> said = time.part ? time.part : part;
  if (said && hour <= 12 && (!time.half_known || time.part)) {
    placed.next_night = (*said == DayPart::Night || *said == DayPart::Evening) && hour == 12;
    hour = hour_with_part(hour, *said);
  } else if (!time.half_known) {
    placed.known = false;
    if (hour >= 1 && hour <= 6) hour += 12;
  }
  placed.time = TimeOfDay{(hour % 24) * 3600 + time.minute * 60};
  return placed;
}

std::vector<Date> DateCombiner::dates_of(const Element& element, const Element* week,
                                         const Element* month) const {
  switch (element.kind) {
    case Kind::Day:
      if ((year_ref_ || years_ahead_ != 0) && element.year_open) {  // 20 мая следующего года, 20 мая через год
        int year = 0;
        unsigned m = 0;
        unsigned day = 0;
        now_.date.to_ymd(year, m, day);
        const int wanted = year + (year_ref_ ? shift_of(year_ref_->which) : years_ahead_);
        element.date.to_ymd(year, m, day);
        const auto date = Date::from_ymd(wanted, m, day);
        return date ? std::vector<Date>{*date} : std::vector<Date>{};
      }
      return {element.date};
    case Kind::DayNumber: {
      if (month && month->kind == Kind::MonthRef) {
        const Date first = first_of_month(month->which);
        int year = 0;
        unsigned m = 0;
        unsigned day = 0;
        first.to_ymd(year, m, day);
        const auto date = Date::from_ymd(year, m, static_cast<unsigned>(element.number));
        return date ? std::vector<Date>{*date} : std::vector<Date>{};
      }
      const auto date = place_day_number(element.number);
      return date ? std::vector<Date>{*date} : std::vector<Date>{};
    }
    case Kind::Weekday: {
      const int today = now_.date.weekday();
      const Date monday = plus_days(now_.date, 1 - today);
      if (week) return {plus_days(monday, shift_of(week->which) * 7 + element.number - 1)};
      if (weeks_ahead_ != 0) {
        // The day of that week, or so many weeks after the nearest such day.
        const Date of_week = plus_days(monday, weeks_ahead_ + element.number - 1);
        const Date after = plus_days(now_.date, weeks_ahead_ + (element.number - today + 7) % 7);
        if (weeks_ahead_ < 0 || of_week == after) return {of_week};
        return {of_week, after};
      }
      if (month) {
        const Date first = month->kind == Kind::MonthRef ? first_of_month(month->which) : now_.date;
        return {plus_days(first, (element.number - first.weekday() + 7) % 7)};
      }
      int ahead = (element.number - today + 7) % 7;
      if (ahead == 0) ahead = 7;
      const int behind = ahead == 7 ? 7 : 7 - ahead;
      if (element.which == Which::Last || (past_ && element.which == Which::None)) {
        return {plus_days(now_.date, -behind)};
      }
      if (element.which == Which::Next) {
        const Date nearest = plus_days(now_.date, ahead);
        const Date in_next_week = plus_days(monday, 7 + element.number - 1);
        // On a Sunday tomorrow's week is the next to some, and to others the one behind it.
        if (nearest == in_next_week && today == 7 && element.number != 7) return {nearest, plus_days(nearest, 7)};
        if (nearest == in_next_week) return {nearest};
        return {nearest, in_next_week};
      }
      return {plus_days(now_.date, ahead)};
    }
    default:
      return {};
  }
}

int DateCombiner::shift_of(Which which) {
  return which == Which::Next ? 1 : which == Which::Last ? -1 : 0;
}

Date DateCombiner::first_of_month(Which which) const {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  now_.date.to_ymd(year, month, day);
  return plus_months(*Date::from_ymd(year, month, 1), shift_of(which));
}

std::vector<WhenReading> DateCombiner::combine_one() {
  year_ref_ = nullptr;
  const Element* week = nullptr;
  const Element* month = nullptr;
  const Element* weekend = nullptr;
  const Element* offset = nullptr;
  const Element* span = nullptr;
  const Element* month_only = nullptr;
  const Element* year_only = nullptr;
  const Element* next_days = nullptr;
  const Element* year_ref = nullptr;
  std::optional<DayPart> part;
  bool now_said = false;
  std::vector<std::size_t> days;
  std::vector<std::size_t> times;
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < found_.elements.size(); ++i) {
    const Element& element = found_.elements[i];
    switch (element.kind) {
      case Kind::Day:
      case Kind::DayNumber:
      case Kind::Weekday:
        days.push_back(i);
        break;
      case Kind::Time:
        times.push_back(i);
        break;
      case Kind::Number:
        numbers.push_back(i);
        break;
      case Kind::WeekRef:
        week = &element;
        break;
      case Kind::MonthRef:
        month = &element;
        break;
      case Kind::YearRef:
        year_ref = year_ref_ = &element;
        break;
      case Kind::Weekend:
        weekend = &element;
        break;
      case Kind::Offset:
        offset = &element;
        years_ahead_ = element.months % 12 == 0 && element.days == 0 && element.ms == 0
                           ? static_cast<int>(std::clamp<std::int64_t>(element.months / 12, -200, 200))
                           : 0;
        // `через две недели в среду`
        weeks_ahead_ =
            element.days % 7 == 0 && element.months == 0 && element.ms == 0 ? element.days : 0;
        break;
      case Kind::Span:
        span = &element;
        break;
      case Kind::Month:
        month_only = &element;
        break;
      case Kind::Year:
        year_only = &element;
        break;
      case Kind::NextDays:
        next_days = &element;
        break;
      case Kind::Part:
        part = element.part;
        break;
      case Kind::Now:
        now_said = true;
        break;
      default:
        break;
    }
  }
  const auto joined = [&](std::size_t a, std::size_t b) {
    // The joint between two elements; And stands for none, but for `между двумя и тремя`.
    const bool between =
        a > 0 && found_.elements[a - 1].kind == Kind::From && found_.elements[a - 1].number == 1;
    for (std::size_t i = a + 1; i < b; ++i) {
      if (is_join(found_.elements[i].kind) && found_.elements[i].kind != Kind::And &&
          found_.elements[i].kind != Kind::From)
        return found_.elements[i].kind;
      if (between && found_.elements[i].kind == Kind::And) return Kind::Until;
    }
    return Kind::And;
  };
  const auto opened = [&](std::size_t a) {
    return a > 0 ? found_.elements[a - 1].kind : Kind::And;
  };

  // Bare numbers take the meaning of what they are joined with: `с 11 по 15 сентября`, `с 5 до
  // 7`.
  if (numbers.size() == 1 && (days.size() == 1 || times.size() == 1)) {
    const std::size_t bare = numbers[0];
    const bool with_day = days.size() == 1 && days[0] > bare &&
                          joined(bare, days[0]) != Kind::And && times.empty() &&
                          found_.elements[days[0]].kind != Kind::Weekday;
    const bool with_time =
        times.size() == 1 && ((times[0] > bare && joined(bare, times[0]) != Kind::And) ||
                              (times[0] < bare && joined(times[0], bare) != Kind::And));
    if (with_time && found_.elements[bare].number <= 24) {
      Element& time = found_.elements[bare];
      const Element& other = found_.elements[times[0]];
      time.kind = Kind::Time;
      time.hour = time.number % 24;
      time.half_known = time.hour > 12 || time.hour == 0;
      if (!time.half_known && other.part) {
        // с 5 до 7 вечера, but с 9 до 6 вечера begins in the morning
        const bool same_half = bare < times[0] ? time.hour < other.hour : true;
        if (same_half) time.part = other.part;
      }
      times.push_back(bare);
      std::sort(times.begin(), times.end());
    } else if (with_day) {
      found_.elements[bare].kind = Kind::DayNumber;
      days.insert(days.begin(), bare);
    }
  } else if (numbers.size() == 2 && times.empty() && joined(numbers[0], numbers[1]) != Kind::And &&
             found_.elements[numbers[0]].number <= 24 && found_.elements[numbers[1]].number <= 24) {
    for (const std::size_t i : numbers) {
      found_.elements[i].kind = Kind::Time;
      found_.elements[i].hour = found_.elements[i].number % 24;
      found_.elements[i].half_known = found_.elements[i].hour > 12 || found_.elements[i].hour == 0;
      times.push_back(i);
    }
    // `с 10 до 13`: the end tells that the beginning is no evening
    if (found_.elements[times[1]].half_known)
      found_.elements[times[0]].half_known = found_.elements[times[0]].hour >= 7;
  } else if (numbers.size() == 1 && times.empty() && days.empty() &&
             (opened(numbers[0]) == Kind::Until || opened(numbers[0]) == Kind::After ||
              opened(numbers[0]) == Kind::From)) {
    Element& time = found_.elements[numbers[0]];
    if (time.number <= 24) {
      time.kind = Kind::Time;
      time.hour = time.number % 24;
      time.half_known = time.hour > 12 || time.hour == 0;
      times.push_back(numbers[0]);
    }
  }

  WhenReading reading;
  if (!has_now_) return without_now(times, part, span);

  // ---- the day or days
  std::vector<Date> dates;
  bool day_range = false;
  Date range_end;
  bool day_said = true;
  if (days.size() >= 2 &&
      (joined(days[0], days[1]) == Kind::To || joined(days[0], days[1]) == Kind::Until ||
       joined(days[0], days[1]) == Kind::Dash)) {
    const auto last = dates_of(found_.elements[days[1]], week, month);
    if (last.empty()) return {};
    range_end = last[0];
    Element& first_element = found_.elements[days[0]];
    std::vector<Date> first;
    if (first_element.kind == Kind::DayNumber) {
      int year = 0;
      unsigned m = 0;
      unsigned d = 0;
      range_end.to_ymd(year, m, d);
      const auto same_month = Date::from_ymd(year, m, static_cast<unsigned>(first_element.number));
      if (same_month) first.push_back(*same_month);
    } else {
      first = dates_of(first_element, week, month);
    }
    if (first.empty()) return {};
    if (range_end < first[0] && found_.elements[days[1]].kind == Kind::Weekday)
      range_end = plus_days(range_end, 7);
    if (first[0] <= range_end) {
      day_range = true;
      dates = {first[0]};
    } else {
      dates = {first[0]};
    }
  } else if (!days.empty() && !(offset && offset->ms != 0 && days.size() == 1 && times.empty() &&
                               found_.elements[days[0]].kind == Kind::Day && found_.elements[days[0]].date == now_.date)) {
    // A date says more than the weekday beside it.
    std::size_t chosen = days[0];
    for (const std::size_t i : days) {
      if (found_.elements[i].kind != Kind::Weekday && found_.elements[chosen].kind == Kind::Weekday)
        chosen = i;
    }
    dates = dates_of(found_.elements[chosen], week, month);
    if (dates.empty()) return {};
    if (found_.elements[chosen].kind == Kind::Weekday &&
        found_.elements[chosen].which == Which::None && !week && !month && !past_ &&
        found_.elements[chosen].number == now_.date.weekday() && !times.empty()) {
      const Placed placed = place_time(found_.elements[times[0]], part);
      if (now_.time < placed.time) dates = {now_.date};
    }
    // `вторник, 20 мая` of a Wednesday: one of them is a mistake
    if (found_.elements[chosen].kind != Kind::Weekday) {
      for (const std::size_t i : days) {
        const Element& weekday = found_.elements[i];
        if (weekday.kind != Kind::Weekday || dates.size() != 1 || dates[0].weekday() == weekday.number) continue;
        const auto others = dates_of(weekday, week, month);
        dates.insert(dates.end(), others.begin(), others.end());
        break;
      }
    }
    // Two different days without a joint: `в понедельник, во вторник`
    for (const std::size_t i : days) {
      if (i == chosen || found_.elements[i].kind != found_.elements[chosen].kind) continue;
      for (const Date other : dates_of(found_.elements[i], week, month)) {
        if (std::find(dates.begin(), dates.end(), other) == dates.end()) dates.push_back(other);
      }
    }
  } else if (offset) {
    Date date = plus_days(plus_months(now_.date, offset->months), offset->days);
    if (offset->ms != 0) {
      const std::int64_t seconds = now_.time.seconds + offset->ms / 1000;
      std::int64_t day_shift = seconds / 86400;
      std::int64_t rest = seconds % 86400;
      if (rest < 0) {
        rest += 86400;
        --day_shift;
      }
      reading.kind = WhenReading::Kind::Minute;
      reading.has_time = true;
      reading.start = {plus_days(date, day_shift),
                       TimeOfDay{static_cast<std::int32_t>(rest - rest % 60)}};
      return {reading};
    }
    dates = {date};
  } else if (weekend) {
    const int today = now_.date.weekday();
    const Date monday = plus_days(now_.date, 1 - today);
    const int shift = weekend->which == Which::Next && today >= 6 ? 1 : shift_of(weekend->which);
    reading.kind = WhenReading::Kind::DayRange;
    std::vector<WhenReading> readings;
    if (today == 7 && weekend->which != Which::Last && weekend->which != Which::Next) {
      WhenReading day;
      day.start.date = now_.date;
      readings.push_back(day);
      reading.start.date = plus_days(monday, 12);
    } else {
      reading.start.date = plus_days(monday, 5 + 7 * shift);
      if (weekend->which == Which::Next && today < 6) {
        WhenReading nearest = reading;
        nearest.start.date = plus_days(monday, 5);
        nearest.end.date = plus_days(monday, 6);
        readings.push_back(nearest);
      }
    }
    reading.end.date = plus_days(reading.start.date, 1);
    readings.push_back(reading);
    return readings;
  } else if (week) {
    const Date monday = plus_days(now_.date, 1 - now_.date.weekday() + 7 * shift_of(week->which));
    reading.kind = WhenReading::Kind::DayRange;
    reading.start.date = monday;
    reading.end.date = plus_days(monday, 6);
    return {reading};
  } else if (next_days) {
    reading.kind = WhenReading::Kind::DayRange;
    reading.start.date = plus_days(now_.date, 1);
    reading.end.date = plus_days(plus_months(now_.date, next_days->months), next_days->days);
    return {reading};
  } else if (month) {
    reading.kind = WhenReading::Kind::Month;
    reading.start.date = first_of_month(month->which);
    return {reading};
  } else if (month_only) {
    Element ref;
    if (!year_only && year_ref) {  // в мае следующего года
      unsigned m = 0;
      unsigned d = 0;
      now_.date.to_ymd(ref.number, m, d);
      ref.number += shift_of(year_ref->which);
      return month_reading(*month_only, &ref);
    }
    return month_reading(*month_only, year_only);
  } else if (year_only || year_ref) {
    int year = 0;
    unsigned m = 0;
    unsigned d = 0;
    now_.date.to_ymd(year, m, d);
    year = year_only ? year_only->number : year + shift_of(year_ref->which);
    const auto first = Date::from_ymd(year, 1, 1);
    if (!first) return {};
    reading.kind = WhenReading::Kind::Year;
    reading.start.date = *first;
    return {reading};
  } else {
    day_said = false;
  }

  // ---- the time or times
  if (times.size() >= 2 &&
      (joined(times[0], times[1]) == Kind::Until || joined(times[0], times[1]) == Kind::Dash ||
       joined(times[0], times[1]) == Kind::To)) {
    const Element& first = found_.elements[times[0]];
    const Element& second = found_.elements[times[1]];
    Placed begin = place_time(first, part);
    Placed end = place_time(second, part);
    if (!first.part && second.part && first.hour < second.hour && !first.half_known && !part)
      begin = place_time(first, second.part);
    if (end.time <= begin.time && !end.known && end.time.seconds < 12 * 3600)
      end.time.seconds += 12 * 3600;
    std::vector<WhenReading> readings;
    if (!day_said) {
      Date date = now_.date;
      if (end.time <= now_.time && begin.time < end.time) date = plus_days(date, 1);
      dates = {date};
    }
    for (const Date date : dates) {
      reading.kind = WhenReading::Kind::TimeRange;
      reading.has_time = true;
      reading.start = {date, begin.time};
      reading.end = {end.time <= begin.time ? plus_days(date, 1) : date, end.time};
      reading.guessed_half = !begin.known || !end.known;
      reading.guessed_day = !day_said;
      readings.push_back(reading);
    }
    return readings;
  }
  if (day_range) {
    reading.kind = WhenReading::Kind::DayRange;
    reading.start.date = dates[0];
    reading.end.date = range_end;
    return {reading};
  }
  if (!times.empty()) {
    std::vector<WhenReading> readings;
    for (const std::size_t i : times) {
      if (i != times[0] && found_.elements[i].hour == found_.elements[times[0]].hour &&
          found_.elements[i].minute == found_.elements[times[0]].minute)
        continue;
      add_times(found_.elements[i], part, day_said, dates, opened(i), readings);
      if (readings.size() > 8) break;
    }
    return readings;
  }
  if (now_said && !day_said) {
    reading.kind = WhenReading::Kind::Minute;
    reading.has_time = true;
    reading.start = now_;
    return {reading};
  }
  if (part) {
    if (!day_said) return part_alone(*part);
    std::vector<WhenReading> readings;
    for (const Date date : dates) {
      reading.kind = WhenReading::Kind::Part;
      reading.part = *part;
      reading.start.date = date;
      readings.push_back(reading);
    }
    return readings;
  }
  if (day_said) {
    std::vector<WhenReading> readings;
    const Kind opening = days.empty() ? Kind::And : opened(days[0]);
    for (const Date date : dates) {
      reading.kind = opening == Kind::Until   ? WhenReading::Kind::Before
                     : opening == Kind::After ? WhenReading::Kind::After
                                              : WhenReading::Kind::Day;
      reading.start.date = date;
      readings.push_back(reading);
    }
    return readings;
  }
  if (span) return {span_reading(*span)};
  return {};
}

std::vector<WhenReading> DateCombiner::month_reading(const Element& month,
                                                     const Element* year_only) const {
  int year = 0;
  unsigned this_month = 0;
  unsigned day = 0;
  now_.date.to_ymd(year, this_month, day);
  WhenReading reading;
  if (found_.quarter) {
    const auto first = Date::from_ymd(month.year != 0 ? month.year : year,
                                      static_cast<unsigned>(std::clamp(month.number, 1, 4) * 3 - 2), 1);
    if (!first) return {};
    reading.kind = WhenReading::Kind::DayRange;
    reading.start.date = *first;
    reading.end.date = plus_days(plus_months(*first, 3), -1);
    return {reading};
  }
  if (month.year != 0) {
    year = month.year;
  } else if (year_only) {
    year = year_only->number;
  } else if (past_ ? month.number > static_cast<int>(this_month)
                   : month.number < static_cast<int>(this_month)) {
    year += past_ ? -1 : 1;
  }
  const auto first = Date::from_ymd(year, static_cast<unsigned>(month.number), 1);
  if (!first) return {};
  reading.kind = WhenReading::Kind::Month;
  reading.start.date = *first;
  return {reading};
}

std::vector<WhenReading> DateCombiner::part_alone(DayPart part) const {
  struct Bounds {
    int from;
    int to;
  };
  static constexpr std::array<Bounds, 5> kBounds = {
      {{6, 12}, {12, 18}, {12, 14}, {18, 24}, {0, 6}}};
  const Bounds bounds = kBounds[static_cast<std::size_t>(part)];
  const int hour = now_.time.seconds / 3600;
  WhenReading today;
  today.kind = WhenReading::Kind::Part;
  today.part = part;
  today.start.date = now_.date;
  WhenReading tomorrow = today;
  tomorrow.start.date = plus_days(now_.date, 1);
  if (found_.part_today) return {today};
  if (part == DayPart::Night) return {today, tomorrow};  // which night, only the person knows
  if (hour < bounds.from) return {today};
  if (hour >= bounds.to) return {tomorrow};
  if (part == DayPart::Evening) return {today};
  return {today, tomorrow};
}

void DateCombiner::add_times(const Element& time, std::optional<DayPart> part, bool day_said,
                             const std::vector<Date>& dates, Kind opening,
                             std::vector<WhenReading>& readings) const {
  const Placed placed = place_time(time, part);
  WhenReading reading;
  reading.kind = opening == Kind::Until   ? WhenReading::Kind::Before
                 : opening == Kind::After ? WhenReading::Kind::After
                                          : WhenReading::Kind::Minute;
  reading.has_time = true;
  reading.guessed_half = !placed.known;
  reading.guessed_day = !day_said;
  reading.doubtful = time.bare;
  const auto add_reading = [&](Date date, TimeOfDay at) {
    reading.start = {date, at};
    readings.push_back(reading);
  };
  const TimeOfDay later{placed.time.seconds + 12 * 3600};
  const bool may_shift = !placed.known && placed.time.seconds < 12 * 3600 && time.hour != 0;
  if (day_said) {
    for (const Date date : dates) {
      if (date == now_.date && placed.time < now_.time && may_shift && now_.time < later) {
        add_reading(date, later);
      } else if (date == now_.date && !past_ && placed.time.seconds == 0 && !placed.next_night && now_.time.seconds > 0) {
        add_reading(plus_days(date, 1), placed.time);  // сегодня в полночь
      } else if (date == now_.date && !past_ && placed.time < now_.time && placed.time.seconds < 6 * 3600 &&
                 (time.part ? time.part : part) == DayPart::Night) {
        add_reading(plus_days(date, 1), placed.time);  // сегодня ночью в час
      } else {
        // `сегодня в 4` at a quarter to five
        if (date == now_.date && !placed.known && !past_ && placed.time < now_.time) reading.doubtful = true;
        add_reading(placed.next_night ? plus_days(date, 1) : date, placed.time);
      }
    }
    return;
  }
  if (past_) {
    add_reading(placed.time <= now_.time ? now_.date : plus_days(now_.date, -1), placed.time);
  } else if (now_.time < placed.time || (placed.time == now_.time && !placed.next_night)) {
    add_reading(now_.date, placed.time);
  } else if (may_shift && now_.time < later) {
    add_reading(now_.date, later);
    // `в половине девятого` at ten may well be tomorrow's morning
    if (time.spoken) add_reading(plus_days(now_.date, 1), placed.time);
  } else {
    add_reading(plus_days(now_.date, 1), placed.time);
  }
}

std::vector<WhenReading> DateCombiner::without_now(const std::vector<std::size_t>& times,
                                                   std::optional<DayPart> part,
                                                   const Element* span) const {
  std::vector<WhenReading> readings;
  if (span && times.empty()) return {span_reading(*span)};
  for (const std::size_t i : times) {
    const Element& time = found_.elements[i];
    WhenReading reading;
    reading.kind = WhenReading::Kind::Clock;
    reading.has_time = true;
    const bool known = time.half_known || time.part || part;
    reading.guessed_half = !known;
    const Placed placed = place_time(time, part);
    if (known) {
      reading.start.time = placed.time;
      readings.push_back(reading);
    } else {
      const int morning = (time.hour % 12) * 3600 + time.minute * 60;
      reading.start.time = TimeOfDay{morning};
      readings.push_back(reading);
      reading.start.time = TimeOfDay{morning + 12 * 3600};
      readings.push_back(reading);
    }
  }
  return readings;
}

WhenReading DateCombiner::span_reading(const Element& span) {
  WhenReading reading;
  reading.kind = WhenReading::Kind::Span;
  reading.span_months =
      static_cast<std::int32_t>(std::clamp<std::int64_t>(span.months, 0, 1'000'000));
  reading.span = Duration{span.days * 24 * kHour + span.ms};
  return reading;
}

}  // namespace sufler::reading

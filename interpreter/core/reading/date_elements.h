#pragma once
// What dates.cpp's first pass hands to its second.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "interpreter/core/moment.h"
#include "interpreter/core/reading/date_words.h"

namespace sufler::reading {

/// What the first pass finds: a day, a weekday, a clock time, a part of the day, an offset, and the
/// small words that join them (с, по, до, или).
struct Element {
  enum class Kind {
    Day,        // a date
    DayNumber,  // `девятого`: the month is to be found
    Weekday,
    Month,
    Year,
    WeekRef,  // this, next, last week
    MonthRef,
    YearRef,
    Weekend,
    NextDays,  // следующие 3 дня
    Time,
    Part,
    Offset,  // через …, … назад
    Span,    // a length of time
    Number,  // a bare number that only its neighbours explain
    Now,
    From,
    To,
    Until,
    Dash,
    Or,
    And,
    After,
  };
  Kind kind = Kind::Day;
  Date date;
  int number = 0;  // day, weekday, month, year, count
  int year = 0;    // of a Month, 0 when not said
  Which which = Which::None;
  int hour = 0;
  int minute = 0;
  bool half_known = false;  // the hour is of 24
  bool spoken = false;      // половина пятого: either half of the day
  bool bare = false;        // of a Time: digits behind a weekday, that may be a day as well
  bool year_open = false;   // of a Day: a day and a month, and the year is only supposed
  std::optional<DayPart> part;
  std::int64_t months = 0;  // of Offset and Span
  std::int64_t days = 0;
  std::int64_t ms = 0;
  std::size_t end = 0;
};

struct FoundElements {
  std::vector<Element> elements;  ///< in the order of the text
  bool impossible = false;        ///< `32 мая`: nothing of it is to be believed
  bool part_today = false;  ///< a part of the day that is today's: `сегодня вечером`
  bool quarter = false;     ///< the Month is a quarter of a year
};

/// An element that says which day by itself.
bool is_day_like(Element::Kind kind);
Date plus_days(Date date, std::int64_t days);
/// The same day of another month, or that month's last.
Date plus_months(Date date, std::int64_t months);

}  // namespace sufler::reading

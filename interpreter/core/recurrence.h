#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/moment.h"

/// When something happens again and again by the clock on the wall of a zone (LANGUAGE 9, `schedules`).
namespace sufler {

/// Times are what a clock shows. One that daylight saving skips is the first moment behind the gap, one that comes twice
/// is the first of the two. A length of time is counted from midnight, and goes on through both.
struct Recurrence {
  enum class Kind : std::uint8_t {
    Interval,  ///< every `interval` from midnight on; what is left of a day at its end is cut short
    Days,      ///< at `times` of the days that `months`, `days_of_month` and `weekdays` allow
    Cron,      ///< at `minutes` of `hours` of such days
  } kind = Kind::Days;
  Duration interval;                ///< Interval: a second to a day
  std::vector<TimeOfDay> times;     ///< Days: sorted
  std::uint8_t weekdays = 0x7f;     ///< bit 0 Monday … bit 6 Sunday
  std::uint32_t days_of_month = ~1u;  ///< bit 1 the first … bit 31
  std::uint16_t months = 0x1ffe;    ///< bit 1 January … bit 12
  /// Cron: both kinds of days are named, and either will do.
  bool either_day = false;
  std::uint32_t hours = 0;          ///< bit 0 … bit 23
  std::uint64_t minutes = 0;        ///< bit 0 … bit 59
  std::string source;               ///< in English, as lists show it: `every day at 09:00`

  bool operator==(const Recurrence&) const = default;
};

/// The first time behind `after`; nothing when there is none within the next nine years (the 30th of February).
std::optional<Moment> next_time(const Recurrence& recurrence, const Zone& zone, Moment after);
/// The last time behind `after` and not behind `until`.
std::optional<Moment> last_time(const Recurrence& recurrence, const Zone& zone, Moment after, Moment until);

/// `30 9 * * 1-5`: minute, hour, day of the month, month, weekday (0 and 7 Sunday), with `*`, lists, ranges, steps and
/// English names of months and weekdays. Nothing when it cannot be read.
std::optional<Recurrence> parse_cron(std::string_view text);

}  // namespace sufler

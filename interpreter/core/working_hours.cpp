#include "interpreter/core/working_hours.h"

#include <algorithm>

namespace sufler {
namespace {

constexpr int kYear = 366;

bool works_on(const HandoffRule::Hours& hours, Date date) {
  if ((hours.days >> (date.weekday() - 1) & 1) == 0) return false;
  int year = 0;
  unsigned month = 0, day = 0;
  date.to_ymd(year, month, day);
  return std::none_of(hours.holidays.begin(), hours.holidays.end(), [&](const HandoffRule::Hours::Holiday& one) {
    return one.month == month && one.day == day && (one.year == 0 || one.year == year);
  });
}

bool is_open_at(const HandoffRule::Hours& hours, const LocalTime& local) {
  const bool today = works_on(hours, local.date);
  if (hours.from <= hours.to) return today && hours.from <= local.time && local.time < hours.to;
  // Over midnight: the small hours belong to the day before.
  return (today && hours.from <= local.time) ||
         (local.time < hours.to && works_on(hours, Date{local.date.days_since_epoch - 1}));
}

}  // namespace

bool is_open(const HandoffRule::Hours& hours, const Zone& scenario_zone, Moment at) {
  return is_open_at(hours, hours.zone.value_or(scenario_zone).to_local(at));
}

Moment opens_next(const HandoffRule::Hours& hours, const Zone& scenario_zone, Moment at) {
  const Zone zone = hours.zone.value_or(scenario_zone);
  const LocalTime local = zone.to_local(at);
  if (is_open_at(hours, local)) return at;
  for (int day = 0; day <= kYear; ++day) {
    const Date date{local.date.days_since_epoch + day};
    if (!works_on(hours, date) || (day == 0 && hours.from <= local.time)) continue;
    Moment opens = zone.to_moment({date, hours.from});
    if (opens < at) {
      // The clock has been put back, and this hour comes a second time.
      const std::int64_t second = at.unix_ms - at.unix_ms % 1000;
      opens = Moment{second + std::int64_t{hours.from.seconds - local.time.seconds} * 1000};
    }
    // An hour that the clock skips may be all there was of the day.
    if (is_open_at(hours, zone.to_local(opens))) return opens;
  }
  return Moment{at.unix_ms + std::int64_t{kYear - 1} * 86'400'000};
}

}  // namespace sufler

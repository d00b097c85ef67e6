#include "interpreter/core/reading/date_elements.h"

#include <algorithm>

namespace sufler::reading {
namespace {

unsigned last_day(int year, unsigned month) {
  for (unsigned day = 31; day > 28; --day) {
    if (Date::from_ymd(year, month, day)) return day;
  }
  return 28;
}

}  // namespace

bool is_day_like(Element::Kind kind) {
  switch (kind) {
    case Element::Kind::Day:
    case Element::Kind::DayNumber:
    case Element::Kind::Weekday:
      return true;
    default:
      return false;
  }
}

Date plus_days(Date date, std::int64_t days) {
  return Date{static_cast<std::int32_t>(date.days_since_epoch +
                                        std::clamp<std::int64_t>(days, -400'000, 400'000))};
}

Date plus_months(Date date, std::int64_t months) {
  int year = 0;
  unsigned month = 1;
  unsigned day = 1;
  date.to_ymd(year, month, day);
  const std::int64_t index =
      year * 12LL + month - 1 + std::clamp<std::int64_t>(months, -12'000, 12'000);
  const int new_year = std::clamp(static_cast<int>(index / 12), 1, 9999);
  const unsigned new_month =
      static_cast<unsigned>(index % 12 < 0 ? index % 12 + 12 : index % 12) + 1;
  return *Date::from_ymd(new_year, new_month, std::min(day, last_day(new_year, new_month)));
}

}  // namespace sufler::reading

#pragma once
// The words of dates and times: for dates.cpp's two passes only.
#include <cstdint>
#include <optional>
#include <string_view>

#include "interpreter/core/reading/dates.h"

namespace sufler::reading {

constexpr std::int64_t kMinute = 60'000;  // milliseconds
constexpr std::int64_t kHour = 60 * kMinute;

/// `этот`, `следующий`, `прошлый`.
enum class Which { None, This, Next, Last };

/// A unit of time, in the parts that it has: months are of no fixed length.
struct Unit {
  std::int64_t months = 0;
  std::int64_t days = 0;
  std::int64_t ms = 0;
};

int month_of(std::string_view word);                     ///< 1 to 12; 0: none
int weekday_of(std::string_view word);                   ///< 1 is Monday; 0: none
std::optional<int> relative_day(std::string_view word);  ///< days from today
std::optional<Unit> unit_of(std::string_view word);
std::optional<DayPart> part_of(std::string_view word);
/// Parts that say "at this part of the day" by themselves; `дня` and `ночи` need an hour.
bool stands_alone(std::string_view word);
Which which_of(std::string_view word);
/// A number before it counts something and is no date: `три человека`.
bool is_counted_thing(std::string_view word);

}  // namespace sufler::reading

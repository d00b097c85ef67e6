#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "interpreter/core/moment.h"
#include "interpreter/core/result.h"
#include "interpreter/core/text.h"

/// Dates and times as people write them in a chat: `завтра в три`, `через неделю`, `15 марта`,
/// `next friday at noon`. Total, as numbers.h.
namespace sufler {

/// Where a date without a year, or a weekday, is looked for.
enum class Direction : std::uint8_t { Future, Past };

enum class DayPart : std::uint8_t { Morning, Day, Lunch, Evening, Night };

struct WhenReading {
  enum class Kind : std::uint8_t {
    Year,
    Month,      ///< only that much was said: `date` is the first day
    Day,        ///< a date
    Minute,     ///< a date and a time
    Part,       ///< a date and a part of the day
    DayRange,   ///< from `date` to `end.date`, both included
    TimeRange,  ///< from `date`, `time` to `end`
    Before,
    After,  ///< `до 11 утра`, `после 14ч`
    Clock,  ///< a time of day alone, when there is no "now" to place it
    Span,   ///< a length of time: `полтора часа`
  };
  Kind kind = Kind::Day;
  LocalTime start;               ///< its time is midnight unless the kind has one
  LocalTime end;                 ///< of ranges
  DayPart part = DayPart::Day;   ///< of Part
  std::int32_t span_months = 0;  ///< of Span: years and months
  Duration span;                 ///< of Span: the rest
  bool has_time = false;         ///< for Before and After
  bool guessed_half = false;     ///< nobody said whether morning or evening
  bool guessed_day = false;      ///< a time alone, put on the next day that it fits
  bool doubtful = false;         ///< read so for want of a better: `в пятницу 13`, an hour of today that has passed
  friend bool operator==(const WhenReading&, const WhenReading&) = default;
};

/// Every reading of the text that a sensible person could mean: none, one, or several to ask about.
/// Without `now` only clocks and spans are read.
std::vector<WhenReading> read_when(std::string_view text, std::optional<LocalTime> now,
                                   Language language, Direction direction = Direction::Future);

enum class WhenProblem : std::uint8_t {
  Nothing,    ///< no date or time in it, or an impossible one: `32 мая`
  Ambiguous,  ///< `в следующую среду`, `утром`, `в понедельник или вторник`
  TooVague,   ///< a month, a week, a part of the day where a day or a time is needed
};

Result<Date, WhenProblem> read_date(std::string_view text, LocalTime now, Language language,
                                    Direction direction = Direction::Future);
/// A time of day. `8` and `half past three` alone take the half of the day that people mean in a
/// shop: 1 to 6 are afternoon, 7 to 12 as said.
Result<TimeOfDay, WhenProblem> read_time(std::string_view text, LocalTime now, Language language);
/// The different readings that a refused answer may have, to be asked about; none when there are more than 4, or only
/// vague ones. Of a weekend, its days.
std::vector<Date> date_readings(std::string_view text, LocalTime now, Language language,
                                Direction direction = Direction::Future);
std::vector<TimeOfDay> time_readings(std::string_view text, LocalTime now, Language language);
std::vector<LocalTime> datetime_readings(std::string_view text, LocalTime now, Language language,
                                         Direction direction = Direction::Future);

/// Needs both the day and the time; a time alone is its next occurrence.
Result<LocalTime, WhenProblem> read_datetime(std::string_view text, LocalTime now,
                                             Language language,
                                             Direction direction = Direction::Future);

}  // namespace sufler

#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "interpreter/core/text.h"

/// Time as values. The core has no clock: "now" always comes with an event.
namespace sufler {

/// An instant, UTC.
struct Moment {
  std::int64_t unix_ms = 0;
  auto operator<=>(const Moment&) const = default;
};

struct Duration {
  std::int64_t ms = 0;
  auto operator<=>(const Duration&) const = default;
  /// `90s 5m 2h 3d 1w`, also `с м ч д н` and sums such as `1h 30m` (LANGUAGE 3, 13).
  static std::optional<Duration> parse(std::string_view text);
  /// The shortest form with one unit: `90s`, `2h`; `1.5s` for parts of a second.
  std::string to_string() const;
};

/// A day of the calendar, without a zone.
struct Date {
  std::int32_t days_since_epoch = 0;
  auto operator<=>(const Date&) const = default;
  static std::optional<Date> from_ymd(int year, unsigned month, unsigned day);
  void to_ymd(int& year, unsigned& month, unsigned& day) const;
  /// 1 Monday … 7 Sunday.
  int weekday() const;
  /// `2026-03-15` only.
  static std::optional<Date> parse_iso(std::string_view text);
  std::string to_iso() const;
};

/// A time of day, without a zone.
struct TimeOfDay {
  std::int32_t seconds = 0;  ///< since midnight, 0 … 86399
  auto operator<=>(const TimeOfDay&) const = default;
  /// `09:00`, `9:00`, `09:00:30`.
  static std::optional<TimeOfDay> parse(std::string_view text);
  std::string to_string() const;  ///< `09:00`, with seconds when there are any
};

/// Date and time as a clock on the wall shows them.
struct LocalTime {
  Date date;
  TimeOfDay time;
  auto operator<=>(const LocalTime&) const = default;
  /// `2026-03-15 12:00`, `2026-03-15T12:00:00`.
  static std::optional<LocalTime> parse_iso(std::string_view text);
  std::string to_iso() const;  ///< `2026-03-15T12:00`, with seconds when there are any
};

/// A time zone of the IANA database; cheap to copy.
class Zone {
 public:
  Zone();  ///< UTC
  static std::optional<Zone> find(std::string_view iana_name);
  LocalTime to_local(Moment moment) const;
  /// A time skipped by daylight saving moves forward, a doubled one is the first.
  Moment to_moment(const LocalTime& local) const;
  std::string name() const;

 private:
  const void* zone_ = nullptr;  ///< date::time_zone, null for UTC
};

/// `15 марта 2026` / `March 15, 2026`; with an ICU pattern, or `short` / `long` (LANGUAGE 14).
std::string format_date(Date date, Language language, std::string_view pattern = {});
/// `15 марта 2026, 15:00` / `March 15, 2026, 15:00`; or an ICU pattern, `short`, `long`.
std::string format_local(const LocalTime& local, Language language, std::string_view pattern = {});
std::string format_time(TimeOfDay time);

}  // namespace sufler

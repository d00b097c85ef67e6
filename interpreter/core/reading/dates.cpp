#include "interpreter/core/reading/dates.h"

#include <algorithm>
#include <string>
#include <utility>

#include "interpreter/core/reading/date_combiner.h"
#include "interpreter/core/reading/date_scanner.h"
#include "interpreter/core/reading/words.h"
#include "interpreter/core/text.h"

// Two passes. The first (date_scanner.h) finds elements anywhere in the text: a day, a weekday, a clock time, a part
// of the day, an offset, and the small words that join them (с, по, до, или). The second (date_combiner.h) puts
// together what was found.
namespace sufler {

std::vector<WhenReading> read_when(std::string_view text, std::optional<LocalTime> now,
                                   Language language, Direction direction) {
  // A date is a short answer; nobody hides one behind a thousand bytes.
  reading::FoundElements found =
      reading::DateScanner(text.substr(0, 1024), now, language, direction).scan();
  if (found.impossible) return {};
  return reading::DateCombiner(std::move(found), now, direction).combine();
}

namespace {

/// `25`, `7,11`, `1-6` and `5.6` where a date was asked for: written so that the reader takes them for one; empty for
/// anything else. `sure` when only a date looks like that.
std::string short_date(std::string_view text, bool& sure) {
  const std::string_view bare = trim(text);
  if (bare.empty() || bare.size() > 5 || bare.find_first_not_of("0123456789.,-") != std::string_view::npos) return {};
  const std::size_t mark = bare.find_first_of(".,-");
  if (mark == std::string_view::npos) return bare.size() <= 2 ? "числа " + std::string(bare) : std::string();
  const std::string_view month = bare.substr(mark + 1);
  if (mark == 0 || mark > 2 || month.empty() || month.size() > 2 || month.find_first_of(".,-") != std::string_view::npos)
    return {};
  sure = bare[mark] == '.';
  return std::string(bare.substr(0, mark)) + "." + std::string(month) + ".";
}

}  // namespace

Result<Date, WhenProblem> read_date(std::string_view text, LocalTime now, Language language,
                                    Direction direction) {
  const auto readings = read_when(text, now, language, direction);
  std::optional<Date> date;
  bool vague = false;
  for (const WhenReading& reading : readings) {
    // `в 5` names no day.
    if (reading.guessed_day || reading.doubtful) {
      vague = true;
      continue;
    }
    switch (reading.kind) {
      case WhenReading::Kind::Day:
      case WhenReading::Kind::Minute:
      case WhenReading::Kind::Part:
      case WhenReading::Kind::TimeRange:
        break;
      case WhenReading::Kind::Clock:
      case WhenReading::Kind::Span:
        return Error{WhenProblem::Nothing};
      default:
        vague = true;
        continue;
    }
    if (date && *date != reading.start.date) return Error{WhenProblem::Ambiguous};
    date = reading.start.date;
  }
  if (!date) {
    // A date was asked for, so `5.6` is one, as is `15.2`: closed with a dot it is no decimal.
    bool sure = false;
    if (const std::string closed = short_date(text, sure); !closed.empty()) {
      if (sure) return vague ? Error{WhenProblem::TooVague} : read_date(closed, now, language, direction);
      return Error{WhenProblem::Ambiguous};
    }
  }
  if (!date) return Error{vague ? WhenProblem::TooVague : WhenProblem::Nothing};
  if (vague) return Error{WhenProblem::Ambiguous};
  return *date;
}

Result<TimeOfDay, WhenProblem> read_time(std::string_view text, LocalTime now, Language language) {
  const auto time_of =
      [](const std::vector<WhenReading>& readings) -> Result<TimeOfDay, WhenProblem> {
    std::optional<TimeOfDay> time;
    bool vague = false;
    for (const WhenReading& reading : readings) {
      if (!reading.has_time || reading.kind == WhenReading::Kind::TimeRange) {
        vague = vague || reading.kind == WhenReading::Kind::Part ||
                reading.kind == WhenReading::Kind::TimeRange;
        continue;
      }
      // `после 6` is no hour, though it may be meant.
      if (reading.kind == WhenReading::Kind::Before || reading.kind == WhenReading::Kind::After) return Error{WhenProblem::Ambiguous};
      if (time && *time != reading.start.time) return Error{WhenProblem::Ambiguous};
      time = reading.start.time;
    }
    if (!time) return Error{vague ? WhenProblem::TooVague : WhenProblem::Nothing};
    return *time;
  };
  // At midnight no hour has passed, so that an hour is what it says.
  const LocalTime midnight{now.date, TimeOfDay{0}};
  const auto tokens = reading::split_tokens(text);
  const bool counted_from_now = std::any_of(tokens.begin(), tokens.end(), [](const reading::Token& token) {
    return reading::one_of(token.text, "через спустя назад сейчас щас in ago now within");
  });
  if (counted_from_now) {
    auto time = time_of(read_when(text, now, language));
    if (time) return time;
  }
  auto time = time_of(read_when(text, midnight, language));
  if (time || time.error() != WhenProblem::Nothing) return time;
  // A time was asked for, so a bare `8` or `20 часов` is one.
  auto bare = time_of(read_when("в " + std::string(text.substr(0, 200)), midnight, language));
  return bare;
}

Result<LocalTime, WhenProblem> read_datetime(std::string_view text, LocalTime now,
                                             Language language, Direction direction) {
  std::optional<LocalTime> found;
  bool vague = false;
  for (const WhenReading& reading : read_when(text, now, language, direction)) {
    if (reading.kind == WhenReading::Kind::Span || reading.kind == WhenReading::Kind::Clock)
      continue;
    if (reading.kind != WhenReading::Kind::Minute) {
      vague = true;
      continue;
    }
    if ((found && *found != reading.start) || (reading.doubtful && reading.start < now)) return Error{WhenProblem::Ambiguous};
    found = reading.start;
  }
  if (!found) return Error{vague ? WhenProblem::TooVague : WhenProblem::Nothing};
  if (vague) return Error{WhenProblem::Ambiguous};
  return *found;
}

namespace {

template <class T>
void add_new(std::vector<T>& list, const T& one) {
  if (std::find(list.begin(), list.end(), one) == list.end()) list.push_back(one);
}

template <class T>
std::vector<T> few(std::vector<T> list) {
  return list.size() > 4 ? std::vector<T>{} : list;
}

}  // namespace

std::vector<Date> date_readings(std::string_view text, LocalTime now, Language language, Direction direction) {
  std::vector<Date> dates;
  bool sure = false;
  const std::string closed = short_date(text, sure);
  if (!closed.empty()) text = closed;
  for (const WhenReading& reading : read_when(text, now, language, direction)) {
    if (!closed.empty() && reading.guessed_day) continue;  // of 13.13 a date was meant
    switch (reading.kind) {
      case WhenReading::Kind::Day:
      case WhenReading::Kind::Minute:
      case WhenReading::Kind::Part:
      case WhenReading::Kind::TimeRange:
      case WhenReading::Kind::Before: add_new(dates, reading.start.date); break;  // до 25 мая
      case WhenReading::Kind::DayRange:
        if (reading.end.date.days_since_epoch - reading.start.date.days_since_epoch > 3) return {};
        for (Date date = reading.start.date; date <= reading.end.date; date = Date{date.days_since_epoch + 1})
          add_new(dates, date);
        break;
      default: return {};
    }
  }
  return few(std::move(dates));
}

/// `1845`, `945`
static std::optional<TimeOfDay> hour_in_digits(std::string_view text) {
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || text.size() < 3 || text.size() > 4) return std::nullopt;
  return TimeOfDay::parse(std::string(text.substr(0, text.size() - 2)) + ":" + std::string(text.substr(text.size() - 2)));
}

std::vector<TimeOfDay> time_readings(std::string_view text, LocalTime now, Language language) {
  const LocalTime midnight{now.date, TimeOfDay{0}};
  std::vector<TimeOfDay> times;
  auto readings = read_when(text, midnight, language);
  if (readings.empty()) readings = read_when("в " + std::string(text.substr(0, 200)), midnight, language);
  if (readings.empty()) {
    if (const auto time = hour_in_digits(trim(text))) return {*time};
  }
  for (const WhenReading& reading : readings) {
    if (!reading.has_time) return {};
    add_new(times, reading.start.time);
    if (reading.kind == WhenReading::Kind::TimeRange) add_new(times, reading.end.time);
  }
  return few(std::move(times));
}

std::vector<LocalTime> datetime_readings(std::string_view text, LocalTime now, Language language, Direction direction) {
  std::vector<LocalTime> moments;
  for (const WhenReading& reading : read_when(text, now, language, direction)) {
    if (reading.kind != WhenReading::Kind::Minute) return {};
    add_new(moments, reading.start);
  }
  return few(std::move(moments));
}

}  // namespace sufler

#include "interpreter/core/recurrence.h"

#include <algorithm>
#include <array>

namespace sufler {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kMinuteMs = 60'000;
/// Between two 29ths of February lie eight years where a century is no leap year.
constexpr int kFarthest = 9 * 366;
constexpr std::uint32_t kAllHours = (1u << 24) - 1;

Moment plus(Moment moment, std::int64_t ms) { return Moment{moment.unix_ms + ms}; }

/// The first moment at which the clock shows `local`, or has passed it.
Moment first_at(const Zone& zone, const LocalTime& local) {
  const Moment shifted = zone.to_moment(local);
  if (zone.to_local(shifted) == local) return shifted;
  // In a gap, which lies before this moment: where does the clock jump?
  std::int64_t before = shifted.unix_ms / 1000 - 2 * 86'400, behind = shifted.unix_ms / 1000;
  while (behind - before > 1) {
    const std::int64_t middle = before + (behind - before) / 2;
    (zone.to_local(Moment{middle * 1000}) < local ? before : behind) = middle;
  }
  return Moment{behind * 1000};
}

Moment midnight(const Zone& zone, Date date) { return first_at(zone, {date, {}}); }

bool is_day(const Recurrence& recurrence, Date date) {
  int year = 0;
  unsigned month = 1, day = 1;
  date.to_ymd(year, month, day);
  if ((recurrence.months >> month & 1) == 0) return false;
  const bool weekday = (recurrence.weekdays >> (date.weekday() - 1) & 1) != 0;
  const bool of_month = (recurrence.days_of_month >> day & 1) != 0;
  return recurrence.either_day ? weekday || of_month : weekday && of_month;
}

std::optional<Moment> next_interval(const Recurrence& recurrence, const Zone& zone, Moment after) {
  const std::int64_t step = std::clamp<std::int64_t>(recurrence.interval.ms, 1000, kDayMs);
  const Date today = zone.to_local(after).date;
  const Moment from = midnight(zone, today);
  const Moment to = midnight(zone, Date{today.days_since_epoch + 1});
  if (after < from) return from;
  const Moment next = plus(from, ((after.unix_ms - from.unix_ms) / step + 1) * step);
  // Between two midnights there is always one, and never a moment that is past.
  return next < to || to <= after ? next : to;
}

/// The first of the day's times behind `after`.
std::optional<Moment> next_of_day(const Recurrence& recurrence, const Zone& zone, Date date, Moment after) {
  std::optional<Moment> best;
  const auto offer = [&](Moment moment) {
    if (after < moment && (!best || moment < *best)) best = moment;
  };
  if (recurrence.kind == Recurrence::Kind::Days) {
    for (const TimeOfDay time : recurrence.times) offer(first_at(zone, {date, time}));
    return best;
  }
  if (recurrence.hours == kAllHours) {
    // Minutes of every hour, whether the clock shows the hour once, twice or not at all.
    const Moment end = midnight(zone, Date{date.days_since_epoch + 1});
    Moment at = std::max(midnight(zone, date), Moment{after.unix_ms - ((after.unix_ms % kMinuteMs) + kMinuteMs) % kMinuteMs + kMinuteMs});
    for (; at < end; at = plus(at, kMinuteMs)) {
      const std::int32_t minute = zone.to_local(at).time.seconds / 60 % 60;
      if ((recurrence.minutes >> minute & 1) != 0 && after < at) return at;
    }
    return std::nullopt;
  }
  for (std::int32_t hour = 0; hour < 24; ++hour) {
    if ((recurrence.hours >> hour & 1) == 0) continue;
    if (best && *best < first_at(zone, {date, TimeOfDay{hour * 3600}})) break;
    for (std::int32_t minute = 0; minute < 60; ++minute)
      if ((recurrence.minutes >> minute & 1) != 0) offer(first_at(zone, {date, TimeOfDay{hour * 3600 + minute * 60}}));
  }
  return best;
}

std::string_view next_word(std::string_view& text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  std::size_t length = 0;
  while (length < text.size() && !blank(text[length])) ++length;
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

template <std::size_t N>
std::optional<int> named(const std::array<std::string_view, N>& names, std::string_view word, int first) {
  const auto found = std::find(names.begin(), names.end(), to_lower(word));
  if (found == names.end()) return std::nullopt;
  return static_cast<int>(found - names.begin()) + first;
}

struct Field {
  int least, most;
  enum class Names : std::uint8_t { None, Months, Weekdays } names = Names::None;
};

std::optional<int> read_value(const Field& field, std::string_view word) {
  if (field.names == Field::Names::Months)
    if (const auto month = named(kMonths, word, 1)) return month;
  if (field.names == Field::Names::Weekdays)
    if (const auto day = named(kWeekdays, word, 0)) return day;
  if (word.empty() || word.size() > 3) return std::nullopt;
  int value = 0;
  for (const char c : word) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  if (value < field.least || value > field.most) return std::nullopt;
  return value;
}

/// Bits of what the field names; nothing when it cannot be read.
std::optional<std::uint64_t> read_field(const Field& field, std::string_view text) {
  std::uint64_t bits = 0;
  if (text.empty()) return std::nullopt;
  for (;;) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view part = text.substr(0, comma);
    int step = 1;
    bool has_step = false;
    if (const std::size_t slash = part.find('/'); slash != part.npos) {
      const auto given = read_value({1, field.most, Field::Names::None}, part.substr(slash + 1));
      if (!given) return std::nullopt;
      step = *given;
      has_step = true;
      part = part.substr(0, slash);
    }
    int first = field.least, last = field.most;
    if (part != "*") {
      const std::size_t dash = part.find('-');
      const auto from = read_value(field, part.substr(0, dash));
      if (!from) return std::nullopt;
      first = *from;
      last = has_step && dash == part.npos ? field.most : first;
      if (dash != part.npos) {
        const auto to = read_value(field, part.substr(dash + 1));
        if (!to) return std::nullopt;
        last = *to;
      }
      if (last < first) return std::nullopt;
    }
    for (int value = first; value <= last; value += step) bits |= 1ull << value;
    if (comma == text.size()) return bits;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

std::optional<Moment> next_time(const Recurrence& recurrence, const Zone& zone, Moment after) {
  if (recurrence.kind == Recurrence::Kind::Interval) return next_interval(recurrence, zone, after);
  // A gap at midnight moves a time of the day before into this one.
  const std::int32_t today = zone.to_local(after).date.days_since_epoch;
  for (int day = -1; day <= kFarthest; ++day) {
    const Date date{today + day};
    if (!is_day(recurrence, date)) continue;
    if (const auto next = next_of_day(recurrence, zone, date, after)) return next;
  }
  return std::nullopt;
}

std::optional<Moment> last_time(const Recurrence& recurrence, const Zone& zone, Moment after, Moment until) {
  // From behind, in windows that grow: a row of many times is not gone through from its beginning.
  std::optional<Moment> last;
  for (std::int64_t window = kMinuteMs;; window *= 4) {
    const Moment from = std::max(after, plus(until, -window));
    auto next = next_time(recurrence, zone, from);
    while (next && *next <= until) {
      last = next;
      next = next_time(recurrence, zone, *next);
    }
    if (last || from <= after) return last;
  }
}

std::optional<Recurrence> parse_cron(std::string_view text) {
  const std::string source(trim(text));
  std::array<std::string_view, 5> words;
  std::string_view rest = source;
  for (std::string_view& word : words) word = next_word(rest);
  if (words[4].empty() || !next_word(rest).empty()) return std::nullopt;
  const auto minutes = read_field({0, 59}, words[0]);
  const auto hours = read_field({0, 23}, words[1]);
  const auto days = read_field({1, 31}, words[2]);
  const auto months = read_field({1, 12, Field::Names::Months}, words[3]);
  const auto weekdays = read_field({0, 7, Field::Names::Weekdays}, words[4]);
  if (!minutes || !hours || !days || !months || !weekdays) return std::nullopt;
  Recurrence cron;
  cron.kind = Recurrence::Kind::Cron;
  cron.minutes = *minutes;
  cron.hours = static_cast<std::uint32_t>(*hours);
  cron.days_of_month = static_cast<std::uint32_t>(*days);
  cron.months = static_cast<std::uint16_t>(*months);
  cron.weekdays = 0;
  for (int day = 0; day <= 7; ++day)
    if ((*weekdays >> day & 1) != 0) cron.weekdays = static_cast<std::uint8_t>(cron.weekdays | 1u << ((day + 6) % 7));
  cron.either_day = words[2].front() != '*' && words[4].front() != '*';
  cron.source = "cron " + source;
  return cron;
}

}  // namespace sufler

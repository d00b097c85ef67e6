#include "interpreter/core/moment.h"

#include <date/tz.h>
#include <unicode/gregocal.h>
#include <unicode/smpdtfmt.h>
#include <unicode/timezone.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <list>
#include <memory>

#include "interpreter/core/decimal.h"

namespace sufler {
namespace {

constexpr std::int64_t kDaySeconds = 86400;
// The years that four digits can write; what lies outside is clamped, for an instant may come from
// anywhere and the calendar functions must stay total.
constexpr std::int64_t kFirstDay = -719162;  // 0001-01-01
constexpr std::int64_t kLastDay = 2932896;   // 9999-12-31

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

LocalTime from_seconds(std::int64_t seconds) {
  seconds = std::clamp(seconds, kFirstDay * kDaySeconds, kLastDay * kDaySeconds + kDaySeconds - 1);
  const std::int64_t day = floor_divide(seconds, kDaySeconds);
  return {Date{static_cast<std::int32_t>(day)},
          TimeOfDay{static_cast<std::int32_t>(seconds - day * kDaySeconds)}};
}

std::int64_t to_seconds(const LocalTime& local) {
  return std::clamp<std::int64_t>(local.date.days_since_epoch, kFirstDay, kLastDay) * kDaySeconds +
         local.time.seconds;
}

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

int to_int(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

void append_padded(std::string& out, int value, int width) {
  std::array<char, 12> buffer{};
  std::size_t at = buffer.size();
  for (; width > 0 || value > 0; --width, value /= 10) {
    buffer[--at] = static_cast<char>('0' + value % 10);
  }
  out.append(buffer.data() + at, buffer.size() - at);
}

constexpr std::array<const char*, 12> kRussianMonths = {"января",   "февраля", "марта",  "апреля",
                                                        "мая",      "июня",    "июля",   "августа",
                                                        "сентября", "октября", "ноября", "декабря"};
constexpr std::array<const char*, 12> kEnglishMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

std::string plain_date(Date date, Language language) {
  int year = 0;
  unsigned month = 1;
  unsigned day = 1;
  date.to_ymd(year, month, day);
  std::string out;
  if (language == Language::Russian) {
    append_padded(out, static_cast<int>(day), 1);
    out.append(" ").append(kRussianMonths[month - 1]).append(" ");
  } else {
    out.append(kEnglishMonths[month - 1]).append(" ");
    append_padded(out, static_cast<int>(day), 1);
    out.append(", ");
  }
  append_padded(out, year, 4);
  return out;
}

std::string short_date(Date date, Language language) {
  int year = 0;
  unsigned month = 1;
  unsigned day = 1;
  date.to_ymd(year, month, day);
  std::string out;
  if (language == Language::Russian) {
    append_padded(out, static_cast<int>(day), 2);
    out += '.';
    append_padded(out, static_cast<int>(month), 2);
    out += '.';
  } else {
    append_padded(out, static_cast<int>(month), 1);
    out += '/';
    append_padded(out, static_cast<int>(day), 1);
    out += '/';
  }
  append_padded(out, year, 4);
  return out;
}

// A SimpleDateFormat costs some 50 µs and 20 KB, so each thread keeps the few that its scenarios
// use.
class PatternFormatter {
 public:
  std::string format(std::int64_t local_seconds, Language language, std::string_view pattern) {
    icu::SimpleDateFormat* format = find(language, pattern);
    if (!format) return {};
    icu::UnicodeString formatted;
    UErrorCode status = U_ZERO_ERROR;
    format->format(static_cast<UDate>(local_seconds) * 1000.0, formatted, nullptr, status);
    if (U_FAILURE(status)) return {};
    std::string out;
    formatted.toUTF8String(out);
    return out;
  }

 private:
  struct Entry {
    Language language;
    std::string pattern;
    std::unique_ptr<icu::SimpleDateFormat> format;  ///< null for a pattern that ICU refuses
  };
  static constexpr std::size_t kKept = 16;

  icu::SimpleDateFormat* find(Language language, std::string_view pattern) {
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->language != language || entry->pattern != pattern) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return entry->format.get();
    }
    UErrorCode status = U_ZERO_ERROR;
    const icu::Locale locale(language == Language::Russian ? "ru" : "en");
    auto format = std::make_unique<icu::SimpleDateFormat>(
        icu::UnicodeString::fromUTF8(
            icu::StringPiece(pattern.data(), static_cast<int>(pattern.size()))),
        locale, status);
    if (U_SUCCESS(status)) {
      auto calendar =
          std::make_unique<icu::GregorianCalendar>(*icu::TimeZone::getGMT(), locale, status);
      if (U_SUCCESS(status)) {
        // Gregorian for all time, as Date is.
        calendar->setGregorianChange(-std::numeric_limits<double>::max(), status);
        format->adoptCalendar(calendar.release());
      }
    }
    if (U_FAILURE(status)) format.reset();
    entries_.push_front({language, std::string(pattern), std::move(format)});
    if (entries_.size() > kKept) entries_.pop_back();
    return entries_.front().format.get();
  }

  std::list<Entry> entries_;
};

std::string by_pattern(const LocalTime& local, Language language, std::string_view pattern) {
  if (pattern.size() > 200) return {};
  thread_local PatternFormatter formatter;
  return formatter.format(to_seconds(local), language, pattern);
}

}  // namespace

std::optional<Duration> Duration::parse(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t ms;
  };
  static constexpr std::array<Unit, 12> kUnits = {{{"ms", 1},
                                                   {"мс", 1},
                                                   {"s", 1000},
                                                   {"с", 1000},
                                                   {"m", 60'000},
                                                   {"м", 60'000},
                                                   {"h", 3'600'000},
                                                   {"ч", 3'600'000},
                                                   {"d", 86'400'000},
                                                   {"д", 86'400'000},
                                                   {"w", 604'800'000},
                                                   {"н", 604'800'000}}};
  Decimal total;
  bool any = false;
  text = trim(text);
  while (!text.empty()) {
    std::size_t end = 0;
    while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == '.')) ++end;
    const std::optional<Decimal> amount = Decimal::parse(text.substr(0, end));
    if (!amount) return std::nullopt;
    text = text.substr(end);
    const Unit* unit = nullptr;
    for (const Unit& candidate : kUnits) {
      if (text.substr(0, candidate.name.size()) == candidate.name) {
        unit = &candidate;
        break;
      }
    }
    if (!unit) return std::nullopt;
    text = text.substr(unit->name.size());
    const auto part = multiply(*amount, Decimal(unit->ms));
    if (!part) return std::nullopt;
    const auto sum = add(total, *part);
    if (!sum) return std::nullopt;
    total = *sum;
    any = true;
    // The next number may follow at once (`1h30m`), a letter may not (`5min` is no duration).
    const std::string_view rest = trim(text);
    if (!rest.empty() && (rest[0] < '0' || rest[0] > '9')) return std::nullopt;
    text = rest;
  }
  const std::optional<std::int64_t> ms = total.to_int64();
  if (!any || !ms) return std::nullopt;
  return Duration{*ms};
}

std::string Duration::to_string() const {
  if (ms % 1000 != 0) {
    const auto seconds = Decimal::make(ms, 3);
    return (seconds ? seconds->to_string() : std::string("0")) + "s";
  }
  const std::int64_t seconds = ms / 1000;
  struct Unit {
    std::int64_t seconds;
    char name;
  };
  for (const Unit unit : {Unit{604800, 'w'}, Unit{86400, 'd'}, Unit{3600, 'h'}, Unit{60, 'm'}}) {
    if (seconds != 0 && seconds % unit.seconds == 0)
      return std::to_string(seconds / unit.seconds) + unit.name;
  }
  return std::to_string(seconds) + "s";
}

std::optional<Date> Date::from_ymd(int year, unsigned month, unsigned day) {
  if (year < 1 || year > 9999) return std::nullopt;
  const date::year_month_day ymd{date::year{year}, date::month{month}, date::day{day}};
  if (month > 12 || day > 31 || !ymd.ok()) return std::nullopt;
  return Date{static_cast<std::int32_t>(date::sys_days(ymd).time_since_epoch().count())};
}

void Date::to_ymd(int& year, unsigned& month, unsigned& day) const {
  const std::int64_t clamped = std::clamp<std::int64_t>(days_since_epoch, kFirstDay, kLastDay);
  const date::year_month_day ymd{date::sys_days{date::days{static_cast<int>(clamped)}}};
  year = static_cast<int>(ymd.year());
  month = static_cast<unsigned>(ymd.month());
  day = static_cast<unsigned>(ymd.day());
}

int Date::weekday() const {
  // 1970-01-01 was a Thursday.
  const int shifted = static_cast<int>((static_cast<std::int64_t>(days_since_epoch) + 3) % 7);
  return (shifted < 0 ? shifted + 7 : shifted) + 1;
}

std::optional<Date> Date::parse_iso(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const std::string_view year = text.substr(0, 4);
  const std::string_view month = text.substr(5, 2);
  const std::string_view day = text.substr(8, 2);
  if (!all_digits(year) || !all_digits(month) || !all_digits(day)) return std::nullopt;
  return from_ymd(to_int(year), static_cast<unsigned>(to_int(month)),
                  static_cast<unsigned>(to_int(day)));
}

std::string Date::to_iso() const {
  int year = 0;
  unsigned month = 1;
  unsigned day = 1;
  to_ymd(year, month, day);
  std::string out;
  append_padded(out, year, 4);
  out += '-';
  append_padded(out, static_cast<int>(month), 2);
  out += '-';
  append_padded(out, static_cast<int>(day), 2);
  return out;
}

std::optional<TimeOfDay> TimeOfDay::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon > 2) return std::nullopt;
  const std::string_view hour = text.substr(0, colon);
  const std::string_view rest = text.substr(colon + 1);
  const std::string_view minute = rest.substr(0, 2);
  if (rest.size() != 2 && (rest.size() != 5 || rest[2] != ':')) return std::nullopt;
  const std::string_view second = rest.size() == 5 ? rest.substr(3) : std::string_view("00");
  if (!all_digits(hour) || !all_digits(minute) || !all_digits(second)) return std::nullopt;
  if (to_int(hour) > 23 || to_int(minute) > 59 || to_int(second) > 59) return std::nullopt;
  return TimeOfDay{to_int(hour) * 3600 + to_int(minute) * 60 + to_int(second)};
}

std::string TimeOfDay::to_string() const {
  const int clamped = std::clamp(seconds, 0, 86399);
  std::string out;
  append_padded(out, clamped / 3600, 2);
  out += ':';
  append_padded(out, clamped / 60 % 60, 2);
  if (clamped % 60 != 0) {
    out += ':';
    append_padded(out, clamped % 60, 2);
  }
  return out;
}

std::optional<LocalTime> LocalTime::parse_iso(std::string_view text) {
  if (text.size() < 11 || (text[10] != ' ' && text[10] != 'T')) return std::nullopt;
  const std::optional<Date> date = Date::parse_iso(text.substr(0, 10));
  const std::optional<TimeOfDay> time = TimeOfDay::parse(text.substr(11));
  if (!date || !time) return std::nullopt;
  return LocalTime{*date, *time};
}

std::string LocalTime::to_iso() const { return date.to_iso() + "T" + time.to_string(); }

Zone::Zone() = default;

std::optional<Zone> Zone::find(std::string_view iana_name) {
  for (const std::string_view utc : {"UTC", "Etc/UTC", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu"}) {
    if (iana_name == utc) return Zone();
  }
  try {
    Zone zone;
    zone.zone_ = date::locate_zone(iana_name);
    return zone;
  } catch (const std::exception&) {  // no such zone, or no tzdata on this machine
    return std::nullopt;
  }
}

LocalTime Zone::to_local(Moment moment) const {
  const std::int64_t seconds = std::clamp(floor_divide(moment.unix_ms, 1000),
                                          kFirstDay * kDaySeconds, kLastDay * kDaySeconds);
  if (!zone_) return from_seconds(seconds);
  // The offset holds for months; a bot asks again and again about the same ones.
  struct Known {
    const void* zone = nullptr;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::int64_t offset = 0;
  };
  thread_local Known known;
  if (known.zone != zone_ || seconds < known.begin || seconds >= known.end) {
    try {
      const auto info = static_cast<const date::time_zone*>(zone_)->get_info(
          date::sys_seconds(std::chrono::seconds(seconds)));
      known = {zone_, info.begin.time_since_epoch().count(), info.end.time_since_epoch().count(),
               info.offset.count()};
    } catch (const std::exception&) {  // the zone's file has gone since it was found
      return from_seconds(seconds);
    }
  }
  return from_seconds(seconds + known.offset);
}

Moment Zone::to_moment(const LocalTime& local) const {
  std::int64_t seconds = to_seconds(local);
  if (zone_) {
    try {
      // In a gap `first` is the offset before it, which moves the time forward by the gap's length.
      const auto info = static_cast<const date::time_zone*>(zone_)->get_info(
          date::local_seconds(std::chrono::seconds(seconds)));
      seconds -= info.first.offset.count();
    } catch (const std::exception&) {
    }
  }
  return Moment{seconds * 1000};
}

std::string Zone::name() const {
  return zone_ ? static_cast<const date::time_zone*>(zone_)->name() : std::string("UTC");
}

std::string format_time(TimeOfDay time) { return time.to_string(); }

std::string format_date(Date date, Language language, std::string_view pattern) {
  if (pattern == "short") return short_date(date, language);
  if (pattern == "long")
    return plain_date(date, language) + (language == Language::Russian ? " г." : "");
  if (!pattern.empty()) {
    std::string formatted = by_pattern({date, {}}, language, pattern);
    if (!formatted.empty()) return formatted;
  }
  return plain_date(date, language);
}

// A moment is told to the minute: the seconds of `now()` would only stand in the way.
std::string format_local(const LocalTime& local, Language language, std::string_view pattern) {
  if (!pattern.empty() && pattern != "short" && pattern != "long") {
    std::string formatted = by_pattern(local, language, pattern);
    if (!formatted.empty()) return formatted;
    pattern = {};
  }
  const int seconds = std::clamp(local.time.seconds, 0, 86399);
  return format_date(local.date, language, pattern) + ", " + format_time(TimeOfDay{seconds - seconds % 60});
}

}  // namespace sufler

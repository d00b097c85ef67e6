// `period` of a report: words as people say them, in either language, or two ends.
#include <algorithm>
#include <charconv>
#include <utility>

#include "schema/loading.h"

namespace sufler {
namespace {

using Kind = Period::Kind;

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kLongestMs = std::int64_t{10} * 366 * 24 * kHourMs;

constexpr std::pair<std::string_view, Kind> kNamed[] = {
    {"today", Kind::Today},           {"сегодня", Kind::Today},
    {"yesterday", Kind::Yesterday},   {"вчера", Kind::Yesterday},
    {"this week", Kind::ThisWeek},    {"эта неделя", Kind::ThisWeek},       {"эту неделю", Kind::ThisWeek},
    {"last week", Kind::LastWeek},    {"прошлая неделя", Kind::LastWeek},   {"прошлую неделю", Kind::LastWeek},
    {"this month", Kind::ThisMonth},  {"этот месяц", Kind::ThisMonth},
    {"last month", Kind::LastMonth},  {"прошлый месяц", Kind::LastMonth},
    {"all time", Kind::All},          {"всё время", Kind::All},             {"все время", Kind::All},
};

/// `hours`, `дней`; 0 when it is no unit.
std::int64_t unit_ms(std::string_view word) {
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"hour", kHourMs},      {"hours", kHourMs},      {"час", kHourMs},         {"часа", kHourMs},        {"часов", kHourMs},
      {"day", 24 * kHourMs},  {"days", 24 * kHourMs},  {"день", 24 * kHourMs},   {"дня", 24 * kHourMs},    {"дней", 24 * kHourMs},
      {"сутки", 24 * kHourMs}, {"суток", 24 * kHourMs}, {"week", 168 * kHourMs},  {"weeks", 168 * kHourMs}, {"неделю", 168 * kHourMs},
      {"недели", 168 * kHourMs}, {"недель", 168 * kHourMs}};
  for (const auto& [name, ms] : kUnits)
    if (name == word) return ms;
  return 0;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) words.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

/// `last 24 hours`, `последние сутки`, `24h`.
std::optional<Duration> length_of(std::string_view text) {
  if (const auto plain = Duration::parse(text)) return plain;
  std::vector<std::string> words = words_of(text);
  if (words.empty()) return std::nullopt;
  const bool last = words.front() == "last" || words.front().starts_with("последн");
  if (!last) return std::nullopt;
  words.erase(words.begin());
  if (words.size() == 1) {
    const std::int64_t ms = unit_ms(words[0]);
    return ms > 0 ? std::optional(Duration{ms}) : std::nullopt;
  }
  std::int64_t number = 0;
  const auto read = words.size() == 2 ? std::from_chars(words[0].data(), words[0].data() + words[0].size(), number)
                                      : std::from_chars_result{nullptr, std::errc::invalid_argument};
  if (read.ec != std::errc() || read.ptr != words[0].data() + words[0].size() || number < 1 || number > 100'000) return std::nullopt;
  const std::int64_t ms = unit_ms(words[1]);
  return ms > 0 ? std::optional(Duration{number * ms}) : std::nullopt;
}

/// A day, as it is written in tables, is no subtraction.
std::optional<Expression> read_end(Loading& loading, const Node& node, std::string_view what) {
  if (node.is_scalar() && (Date::parse_iso(trim(node.scalar)) || LocalTime::parse_iso(trim(node.scalar)))) {
    auto text = Expression::parse("'" + std::string(trim(node.scalar)) + "'");
    if (text) return std::move(*text);
  }
  return read_expression(loading, node, what);
}

void report_bad(Loading& loading, const Node& node, std::string_view what) {
  hint(loading, loading.report(DiagnosticId::BadPeriod, node.span, {std::string(what), std::string(node.scalar)}),
       "for example `last 24 hours`, `yesterday`, `this week`, `last month`, or two days: `{from: 2026-03-01, to: 2026-03-31}`",
       "например `последние 24 часа`, `вчера`, `эта неделя`, `прошлый месяц` или два дня: `{с: 2026-03-01, до: 2026-03-31}`");
}

}  // namespace

Period read_period(Loading& loading, const Node& node, std::string_view what) {
  Period period;
  if (node.is_map()) {
    period.kind = Kind::Between;
    Fields fields(loading, node, in::ReportWord, std::string(what));
    if (const Node* from = fields.require(Word::HoursFrom)) period.from = read_end(loading, *from, fields.spelled(Word::HoursFrom));
    if (const Node* to = fields.take(Word::HoursTo)) period.to = read_end(loading, *to, fields.spelled(Word::HoursTo));
    fields.finish();
    return period;
  }
  const auto text = read_scalar(loading, node, what);
  if (!text) return period;
  std::string said = to_lower(trim(nfc(loading, *text)));
  if (said.starts_with("за ")) said.erase(0, std::string_view("за ").size());
  for (const auto& [name, kind] : kNamed) {
    if (said != name) continue;
    period.kind = kind;
    return period;
  }
  const auto length = length_of(said);
  if (!length || length->ms <= 0 || length->ms > kLongestMs) {
    report_bad(loading, node, what);
    return period;
  }
  period.kind = Kind::Last;
  period.last = *length;
  return period;
}

}  // namespace sufler

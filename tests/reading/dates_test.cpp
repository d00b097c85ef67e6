#include "interpreter/core/reading/dates.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <iostream>

#include "reading/table.h"

namespace sufler {
namespace {

std::string iso_span(const WhenReading& reading) {
  std::string out = "P";
  const std::int64_t days = reading.span.ms / 86'400'000;
  const std::int64_t rest = reading.span.ms % 86'400'000;
  if (reading.span_months % 12 == 0 && reading.span_months > 0) {
    out += std::to_string(reading.span_months / 12) + "Y";
  } else if (reading.span_months > 0) {
    out += std::to_string(reading.span_months) + "M";
  }
  if (days > 0 && days % 7 == 0 && rest == 0) {
    out += std::to_string(days / 7) + "W";
  } else if (days > 0) {
    out += std::to_string(days) + "D";
  }
  if (rest > 0) out += "T";
  if (rest / 3'600'000 > 0) out += std::to_string(rest / 3'600'000) + "H";
  if (rest / 60'000 % 60 > 0) out += std::to_string(rest / 60'000 % 60) + "M";
  if (rest / 1000 % 60 > 0) out += std::to_string(rest / 1000 % 60) + "S";
  return out;
}

std::string shown(const WhenReading& reading) {
  static const char* const kParts[] = {"morning", "day", "lunch", "evening", "night"};
  switch (reading.kind) {
    case WhenReading::Kind::Year:
      return reading.start.date.to_iso().substr(0, 4);
    case WhenReading::Kind::Month:
      return reading.start.date.to_iso().substr(0, 7);
    case WhenReading::Kind::Day:
      return reading.start.date.to_iso();
    case WhenReading::Kind::Minute:
      return reading.start.to_iso();
    case WhenReading::Kind::Part:
      return reading.start.date.to_iso() + " " + kParts[static_cast<int>(reading.part)];
    case WhenReading::Kind::DayRange:
      return reading.start.date.to_iso() + "/" + reading.end.date.to_iso();
    case WhenReading::Kind::TimeRange:
      return reading.start.to_iso() + "/" + reading.end.to_iso();
    case WhenReading::Kind::Before:
    case WhenReading::Kind::After:
      return reading.has_time ? reading.start.to_iso() : reading.start.date.to_iso();
    case WhenReading::Kind::Clock:
      return reading.start.time.to_string();
    case WhenReading::Kind::Span:
      return iso_span(reading);
  }
  return {};
}

std::vector<std::string> alternatives(const std::string& expected) {
  std::vector<std::string> all;
  std::string rest = expected;
  while (!rest.empty()) {
    const std::size_t bar = rest.find(" | ");
    all.push_back(rest.substr(0, bar));
    rest = bar == std::string::npos ? "" : rest.substr(bar + 3);
  }
  return all;
}

std::string all_shown(const std::vector<WhenReading>& readings) {
  std::string out;
  for (const WhenReading& reading : readings) out += (out.empty() ? "" : " | ") + shown(reading);
  return out;
}

bool matches(const std::string& kind, const std::string& expected,
             const std::vector<WhenReading>& readings) {
  if (kind == "none") return readings.empty();
  if (readings.empty()) return false;
  if (kind == "ambiguous" || kind == "clock") {
    const auto accepted = alternatives(expected);
    for (const WhenReading& reading : readings) {
      if (std::find(accepted.begin(), accepted.end(), shown(reading)) == accepted.end())
        return false;
    }
    return true;
  }
  if (readings.size() != 1) return false;
  const WhenReading& reading = readings[0];
  if (kind == "before" && reading.kind != WhenReading::Kind::Before) return false;
  if (kind == "after" && reading.kind != WhenReading::Kind::After) return false;
  // A whole month may be written as its days.
  if (reading.kind == WhenReading::Kind::Month && expected.size() == 21) {
    return expected.substr(0, 8) == reading.start.date.to_iso().substr(0, 8) &&
           expected.substr(8, 2) == "01" &&
           Date{Date::parse_iso(expected.substr(11))->days_since_epoch + 1}.to_iso().substr(8) ==
               "01";
  }
  return shown(reading) == expected;
}

Score score_of(const std::string& level, const char* table = "russian-dates.tsv",
               Language language = Language::Russian) {
  Score score;
  for (const TableRow& cells : read_table(table)) {
    if (cells[5] != level) continue;
    const auto now = LocalTime::parse_iso(cells[2]);
    const auto readings = read_when(cells[3], now, language);
    score.count(matches(cells[1], cells[4], readings),
                cells[0] + " " + cells[1] + " «" + cells[3] + "» at " + cells[2] + ": " +
                    all_shown(readings) + ", not " + cells[4]);
  }
  return score;
}

TEST(DatesTableTest, ReadsTheCoreRows) {
  const Score score = score_of("core");
  EXPECT_GE(score.percent(), 95.0) << score.report();
  std::cout << "dates, core: " << score.report();
}

// Rows of our own, from the rules of russian.md, and fewer of English by the same ones.
TEST(DatesTableTest, ReadsFurtherRows) {
  const Score score = score_of("core", "russian-more-dates.tsv");
  EXPECT_GE(score.percent(), 99.0) << score.report();
  std::cout << "further dates: " << score.report();
  const Score english = score_of("core", "english-dates.tsv", Language::English);
  EXPECT_GE(english.percent(), 99.0) << english.report();
  std::cout << "English dates: " << english.report();
}

TEST(DatesTableTest, ReportsTheOptionalRows) {
  std::cout << "dates, optional: " << score_of("optional").report();
}

}  // namespace
}  // namespace sufler

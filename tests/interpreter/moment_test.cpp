#include "interpreter/core/moment.h"

#include <gtest/gtest.h>

namespace sufler {
namespace {

TEST(DurationTest, ReadsEveryUnitInBothLanguages) {
  EXPECT_EQ(Duration::parse("90s")->ms, 90'000);
  EXPECT_EQ(Duration::parse("5м")->ms, 300'000);
  EXPECT_EQ(Duration::parse("2ч")->ms, 7'200'000);
  EXPECT_EQ(Duration::parse("3d")->ms, 259'200'000);
  EXPECT_EQ(Duration::parse("1н")->ms, 604'800'000);
  EXPECT_EQ(Duration::parse("1h 30m")->ms, 5'400'000);
  EXPECT_EQ(Duration::parse("1h30m")->ms, 5'400'000);
  EXPECT_EQ(Duration::parse("1.5s")->ms, 1500);
}

TEST(DurationTest, RefusesTheRest) {
  for (const char* text : {"", "5", "m", "5min", "-5m", "5 m", "1h,30m", "99999999999999999w"}) {
    EXPECT_FALSE(Duration::parse(text)) << text;
  }
}

TEST(DurationTest, WritesTheShortestForm) {
  EXPECT_EQ(Duration{90'000}.to_string(), "90s");
  EXPECT_EQ(Duration{7'200'000}.to_string(), "2h");
  EXPECT_EQ(Duration{1500}.to_string(), "1.5s");
  EXPECT_EQ(Duration{0}.to_string(), "0s");
  EXPECT_EQ(Duration{1'209'600'000}.to_string(), "2w");
}

TEST(DateTest, KnowsTheCalendar) {
  EXPECT_EQ(Date::from_ymd(1970, 1, 1)->days_since_epoch, 0);
  EXPECT_EQ(Date::from_ymd(2026, 5, 17)->weekday(), 7);
  EXPECT_EQ(Date::from_ymd(2013, 2, 12)->weekday(), 2);
  EXPECT_EQ(Date::from_ymd(1969, 12, 31)->weekday(), 3);
  EXPECT_TRUE(Date::from_ymd(2024, 2, 29));
  EXPECT_FALSE(Date::from_ymd(2026, 2, 29));
  EXPECT_FALSE(Date::from_ymd(2026, 13, 1));
  EXPECT_EQ(Date::parse_iso("2026-03-15")->to_iso(), "2026-03-15");
  EXPECT_FALSE(Date::parse_iso("2026-3-15"));
  EXPECT_FALSE(Date::parse_iso("2026-06-31"));
}

TEST(TimeTest, ReadsAndWritesTheClock) {
  EXPECT_EQ(TimeOfDay::parse("9:00")->to_string(), "09:00");
  EXPECT_EQ(TimeOfDay::parse("23:59:59")->to_string(), "23:59:59");
  for (const char* text : {"24:00", "9:60", "9", "9:0", ":30", "009:00", "9:00:60"}) {
    EXPECT_FALSE(TimeOfDay::parse(text)) << text;
  }
  EXPECT_EQ(LocalTime::parse_iso("2026-03-15 12:00")->to_iso(), "2026-03-15T12:00");
  EXPECT_EQ(LocalTime::parse_iso("2026-03-15T12:00:30")->to_iso(), "2026-03-15T12:00:30");
}

TEST(ZoneTest, TurnsInstantsIntoLocalTimeAndBack) {
  const auto moscow = Zone::find("Europe/Moscow");
  ASSERT_TRUE(moscow);
  EXPECT_EQ(moscow->name(), "Europe/Moscow");
  const LocalTime noon = *LocalTime::parse_iso("2026-03-15 12:00");
  EXPECT_EQ(moscow->to_moment(noon).unix_ms, 1773565200000);
  EXPECT_EQ(moscow->to_local(Moment{1773565200000}), noon);
  EXPECT_EQ(Zone().to_local(Moment{0}).to_iso(), "1970-01-01T00:00");
  EXPECT_EQ(Zone().to_local(Moment{-1}).to_iso(), "1969-12-31T23:59:59");
  EXPECT_EQ(Zone().name(), "UTC");
  EXPECT_FALSE(Zone::find("Europe/Moskva"));
  EXPECT_FALSE(Zone::find("../../etc/passwd"));
}

TEST(ZoneTest, SkippedTimesMoveForwardAndDoubledOnesAreTheFirst) {
  const auto berlin = Zone::find("Europe/Berlin");
  ASSERT_TRUE(berlin);
  const Moment skipped = berlin->to_moment(*LocalTime::parse_iso("2026-03-29 02:30"));
  EXPECT_EQ(berlin->to_local(skipped).to_iso(), "2026-03-29T03:30");
  const Moment doubled = berlin->to_moment(*LocalTime::parse_iso("2026-10-25 02:30"));
  EXPECT_EQ(doubled.unix_ms, 1792888200000);  // 00:30 UTC, still summer time
}

TEST(ZoneTest, StaysTotalAtTheEndsOfTime) {
  const auto moscow = Zone::find("Europe/Moscow");
  ASSERT_TRUE(moscow);
  for (const std::int64_t ms : {INT64_MIN, INT64_MAX}) {
    EXPECT_FALSE(moscow->to_local(Moment{ms}).to_iso().empty());
    EXPECT_FALSE(format_local(moscow->to_local(Moment{ms}), Language::Russian, "d MMMM y").empty());
  }
}

TEST(FormatTest, ShowsDatesToPeople) {
  const Date date = *Date::from_ymd(2026, 3, 15);
  const LocalTime local{date, *TimeOfDay::parse("15:00")};
  EXPECT_EQ(format_date(date, Language::Russian), "15 марта 2026");
  EXPECT_EQ(format_date(date, Language::English), "March 15, 2026");
  EXPECT_EQ(format_local(local, Language::Russian), "15 марта 2026, 15:00");
  EXPECT_EQ(format_local(local, Language::English), "March 15, 2026, 15:00");
  EXPECT_EQ(format_date(date, Language::Russian, "short"), "15.03.2026");
  EXPECT_EQ(format_date(date, Language::Russian, "long"), "15 марта 2026 г.");
}

TEST(FormatTest, TakesIcuPatterns) {
  const LocalTime local = *LocalTime::parse_iso("2026-03-15 15:05");
  EXPECT_EQ(format_local(local, Language::Russian, "dd.MM.yyyy HH:mm"), "15.03.2026 15:05");
  EXPECT_EQ(format_date(local.date, Language::Russian, "EEEE"), "воскресенье");
  EXPECT_EQ(format_date(local.date, Language::English, "EEE d"), "Sun 15");
  EXPECT_EQ(format_date(*Date::from_ymd(1500, 1, 1), Language::English, "yyyy-MM-dd"),
            "1500-01-01");
}

}  // namespace
}  // namespace sufler

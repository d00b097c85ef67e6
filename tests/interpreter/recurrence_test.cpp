#include "interpreter/core/recurrence.h"

#include <gtest/gtest.h>

namespace sufler {
namespace {

/// The clock goes forward on 29 March 2026 at 02:00, and back on 25 October at 03:00.
class RecurrenceTest : public ::testing::Test {
 protected:
  Moment at(const char* local) const { return zone_.to_moment(*LocalTime::parse_iso(local)); }
  /// The next times behind a moment, as the clock shows them.
  std::vector<std::string> next(const Recurrence& recurrence, Moment after, int count = 1) const {
    std::vector<std::string> shown;
    for (int i = 0; i < count; ++i) {
      const auto time = next_time(recurrence, zone_, after);
      if (!time) break;
      shown.push_back(zone_.to_local(*time).to_iso());
      after = *time;
    }
    return shown;
  }
  std::vector<std::string> next(const Recurrence& recurrence, const char* after, int count = 1) const {
    return next(recurrence, at(after), count);
  }
  static Recurrence daily(std::initializer_list<const char*> times, std::uint8_t weekdays = 0x7f) {
    Recurrence made;
    for (const char* time : times) made.times.push_back(*TimeOfDay::parse(time));
    made.weekdays = weekdays;
    return made;
  }
  static Recurrence every(const char* interval) {
    Recurrence made;
    made.kind = Recurrence::Kind::Interval;
    made.interval = *Duration::parse(interval);
    return made;
  }
  static Recurrence cron(const char* text) {
    const auto made = parse_cron(text);
    EXPECT_TRUE(made) << text;
    return made.value_or(Recurrence{});
  }
  using Times = std::vector<std::string>;

  Zone zone_ = *Zone::find("Europe/Berlin");
};

TEST_F(RecurrenceTest, ComesEveryDayAtItsTimes) {
  EXPECT_EQ(next(daily({"09:00", "18:30"}), "2026-03-15 09:00", 3),
            (Times{"2026-03-15T18:30", "2026-03-16T09:00", "2026-03-16T18:30"}));
}

TEST_F(RecurrenceTest, ComesOnItsDaysOfTheWeek) {
  EXPECT_EQ(next(daily({"09:00"}, 0x1f), "2026-03-13 09:00", 2), (Times{"2026-03-16T09:00", "2026-03-17T09:00"}));
}

TEST_F(RecurrenceTest, ATimeThatTheClockSkipsIsTheFirstMomentBehindTheGap) {
  EXPECT_EQ(next(daily({"02:30"}), "2026-03-28 02:30", 2), (Times{"2026-03-29T03:00", "2026-03-30T02:30"}));
  // Two times that fall together come once.
  EXPECT_EQ(next(daily({"02:30", "03:00"}), "2026-03-28 12:00", 2), (Times{"2026-03-29T03:00", "2026-03-30T02:30"}));
  EXPECT_EQ(next(cron("30 2 * * *"), "2026-03-28 02:30", 2), (Times{"2026-03-29T03:00", "2026-03-30T02:30"}));
}

TEST_F(RecurrenceTest, ATimeThatTheClockShowsTwiceComesOnce) {
  const auto first = next_time(daily({"02:30"}), zone_, at("2026-10-25 00:00"));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->unix_ms, Zone().to_moment(*LocalTime::parse_iso("2026-10-25 00:30")).unix_ms) << "in summer time";
  EXPECT_EQ(next(daily({"02:30"}), *first), Times{"2026-10-26T02:30"});
  EXPECT_EQ(next(cron("30 2 * * *"), *first), Times{"2026-10-26T02:30"});
}

TEST_F(RecurrenceTest, ALengthOfTimeGoesOnThroughBoth) {
  EXPECT_EQ(next(every("1h"), "2026-03-29 00:30", 4),
            (Times{"2026-03-29T01:00", "2026-03-29T03:00", "2026-03-29T04:00", "2026-03-29T05:00"}));
  EXPECT_EQ(next(every("1h"), "2026-10-25 01:30", 3), (Times{"2026-10-25T02:00", "2026-10-25T02:00", "2026-10-25T03:00"}));
  EXPECT_EQ(next(cron("*/20 * * * *"), "2026-10-25 02:30", 5),
            (Times{"2026-10-25T02:40", "2026-10-25T02:00", "2026-10-25T02:20", "2026-10-25T02:40", "2026-10-25T03:00"}));
}

TEST_F(RecurrenceTest, ALengthOfTimeIsCountedFromMidnight) {
  EXPECT_EQ(next(every("10m"), "2026-03-15 12:03"), Times{"2026-03-15T12:10"});
  EXPECT_EQ(next(every("10m"), "2026-03-15 12:10"), Times{"2026-03-15T12:20"});
  EXPECT_EQ(next(every("7h"), "2026-03-15 14:00", 3), (Times{"2026-03-15T21:00", "2026-03-16T00:00", "2026-03-16T07:00"}));
}

TEST_F(RecurrenceTest, AZoneWhoseMidnightIsSkippedHasItsDayAllTheSame) {
  zone_ = *Zone::find("Africa/Cairo");  // 24 April 2026 begins at 01:00
  EXPECT_EQ(next(daily({"00:00"}), "2026-04-23 12:00", 2), (Times{"2026-04-24T01:00", "2026-04-25T00:00"}));
  EXPECT_EQ(next(every("12h"), "2026-04-23 12:00", 3), (Times{"2026-04-24T01:00", "2026-04-24T13:00", "2026-04-25T00:00"}));
}

TEST_F(RecurrenceTest, CronHasItsFields) {
  EXPECT_EQ(next(cron("30 9 * * 1-5"), "2026-03-13 10:00"), Times{"2026-03-16T09:30"});
  EXPECT_EQ(next(cron("0 9 5 * *"), "2026-03-05 09:00", 2), (Times{"2026-04-05T09:00", "2026-05-05T09:00"}));
  EXPECT_EQ(next(cron("0 0 29 2 *"), "2026-03-01 00:00"), Times{"2028-02-29T00:00"});
  EXPECT_EQ(next(cron("*/15 8-9 * * sun"), "2026-03-15 08:20", 3),
            (Times{"2026-03-15T08:30", "2026-03-15T08:45", "2026-03-15T09:00"}));
  EXPECT_EQ(next(cron("5,10 0 1 jan,jul *"), "2026-01-01 00:05", 2), (Times{"2026-01-01T00:10", "2026-07-01T00:05"}));
  EXPECT_EQ(next(cron("0 12 * * 7"), "2026-03-14 12:00"), Times{"2026-03-15T12:00"}) << "Sunday is 0 and 7";
  // Both kinds of days named: either.
  EXPECT_EQ(next(cron("0 12 1 * mon"), "2026-03-30 13:00", 2), (Times{"2026-04-01T12:00", "2026-04-06T12:00"}));
  EXPECT_EQ(next(cron("0 0 30 2 *"), "2026-03-01 00:00"), Times{});
}

TEST_F(RecurrenceTest, WhatIsNoCronIsRefused) {
  for (const char* text : {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *",
                           "* * * * 8", "5-1 * * * *", "*/0 * * * *", "a * * * *", "1- * * * *", ", * * * *", "1,, * * * *"})
    EXPECT_FALSE(parse_cron(text)) << text;
}

TEST_F(RecurrenceTest, TheLastTimeIsFoundFromBehind) {
  const Recurrence second = every("1s");
  EXPECT_EQ(last_time(second, zone_, at("2020-01-01 00:00"), at("2026-03-15 12:00:30")), at("2026-03-15 12:00:30"));
  const Recurrence day = daily({"09:00"});
  EXPECT_EQ(last_time(day, zone_, at("2020-01-01 00:00"), at("2026-03-15 08:59")), at("2026-03-14 09:00"));
  EXPECT_EQ(last_time(day, zone_, at("2026-03-14 09:00"), at("2026-03-15 08:59")), std::nullopt);
}

}  // namespace
}  // namespace sufler

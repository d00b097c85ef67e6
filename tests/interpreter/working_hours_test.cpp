#include "interpreter/core/working_hours.h"

#include <gtest/gtest.h>

namespace sufler {
namespace {

using Hours = HandoffRule::Hours;

constexpr std::uint8_t kWeekdays = 0x1f;

class WorkingHoursTest : public ::testing::Test {
 protected:
  static Hours hours(const char* from, const char* to, std::uint8_t days = 0x7f) {
    Hours made;
    made.days = days;
    made.from = *TimeOfDay::parse(from);
    made.to = std::string_view(to) == "24:00" ? TimeOfDay{86'400} : *TimeOfDay::parse(to);
    return made;
  }
  Moment at(const char* local) const { return zone_.to_moment(*LocalTime::parse_iso(local)); }
  bool open(const Hours& hours, const char* local) const { return is_open(hours, zone_, at(local)); }
  std::string next(const Hours& hours, const char* local) const {
    return zone_.to_local(opens_next(hours, zone_, at(local))).to_iso();
  }

  Zone zone_ = *Zone::find("Europe/Moscow");
};

TEST_F(WorkingHoursTest, AreOpenFromTheFirstMinuteToTheLast) {
  const Hours day = hours("09:00", "18:00");
  EXPECT_FALSE(open(day, "2026-03-16 08:59:59"));
  EXPECT_TRUE(open(day, "2026-03-16 09:00"));
  EXPECT_TRUE(open(day, "2026-03-16 17:59:59"));
  EXPECT_FALSE(open(day, "2026-03-16 18:00"));
}

TEST_F(WorkingHoursTest, AreClosedOnOtherDaysOfTheWeek) {
  const Hours week = hours("09:00", "18:00", kWeekdays);
  EXPECT_TRUE(open(week, "2026-03-20 12:00"));   // Friday
  EXPECT_FALSE(open(week, "2026-03-21 12:00"));  // Saturday
  EXPECT_EQ(next(week, "2026-03-20 18:00"), "2026-03-23T09:00");
}

TEST_F(WorkingHoursTest, UntilMidnightIsTheWholeEvening) {
  const Hours day = hours("00:00", "24:00", kWeekdays);
  EXPECT_TRUE(open(day, "2026-03-20 23:59:59"));
  EXPECT_FALSE(open(day, "2026-03-21 00:00"));
  EXPECT_TRUE(open(day, "2026-03-23 00:00"));
}

TEST_F(WorkingHoursTest, OverMidnightBelongToTheDayOnWhichTheyBegin) {
  const Hours night = hours("22:00", "06:00", kWeekdays);
  EXPECT_TRUE(open(night, "2026-03-20 23:00"));   // Friday's night
  EXPECT_TRUE(open(night, "2026-03-21 05:59"));   // still Friday's
  EXPECT_FALSE(open(night, "2026-03-21 22:00"));  // Saturday has none
  EXPECT_FALSE(open(night, "2026-03-23 05:00"));  // the night before Monday is Sunday's
  EXPECT_EQ(next(night, "2026-03-21 06:00"), "2026-03-23T22:00");
  EXPECT_EQ(next(night, "2026-03-21 03:00"), "2026-03-21T03:00");
}

TEST_F(WorkingHoursTest, AHolidayClosesItsDayEveryYearOrOnce) {
  Hours day = hours("09:00", "18:00");
  day.holidays = {{0, 1, 1}, {2026, 5, 9}};
  EXPECT_FALSE(open(day, "2026-01-01 12:00"));
  EXPECT_FALSE(open(day, "2027-01-01 12:00"));
  EXPECT_FALSE(open(day, "2026-05-09 12:00"));
  EXPECT_TRUE(open(day, "2027-05-09 12:00"));
  EXPECT_EQ(next(day, "2025-12-31 18:00"), "2026-01-02T09:00");
}

TEST_F(WorkingHoursTest, TheNightOfAHolidayIsClosedAndTheNightThatLeadsIntoItIsNot) {
  Hours night = hours("22:00", "06:00");
  night.holidays = {{0, 1, 1}};
  EXPECT_TRUE(open(night, "2026-01-01 05:00"));
  EXPECT_FALSE(open(night, "2026-01-01 23:00"));
  EXPECT_FALSE(open(night, "2026-01-02 05:00"));
  EXPECT_TRUE(open(night, "2026-01-02 22:00"));
}

TEST_F(WorkingHoursTest, AreThoseOfTheRulesOwnZone) {
  Hours day = hours("09:00", "18:00");
  day.zone = Zone::find("Asia/Omsk");  // three hours ahead of Moscow
  EXPECT_TRUE(open(day, "2026-03-16 06:00"));
  EXPECT_FALSE(open(day, "2026-03-16 15:00"));
  EXPECT_EQ(next(day, "2026-03-16 15:00"), "2026-03-17T06:00");
  // The day of the week, and the holiday, are of that zone too.
  day.holidays = {{2026, 3, 17}};
  EXPECT_EQ(next(day, "2026-03-16 22:00"), "2026-03-18T06:00");
}

TEST_F(WorkingHoursTest, TheNextOpeningIsNowWhenItIsOpen) {
  const Hours day = hours("09:00", "18:00");
  EXPECT_EQ(next(day, "2026-03-16 12:34:56"), "2026-03-16T12:34:56");
  EXPECT_EQ(next(day, "2026-03-16 03:00"), "2026-03-16T09:00");
  EXPECT_EQ(next(day, "2026-03-16 18:00"), "2026-03-17T09:00");
}

TEST_F(WorkingHoursTest, HoursThatNeverComeAreAYearAway) {
  Hours day = hours("09:00", "18:00");
  for (unsigned month = 1; month <= 12; ++month)
    for (unsigned date = 1; date <= 31; ++date) day.holidays.push_back({0, month, date});
  EXPECT_EQ(next(day, "2026-03-16 12:00"), "2027-03-16T12:00");
}

// 29 March 2026: 02:00 becomes 03:00. 25 October 2026: 03:00 becomes 02:00.
TEST_F(WorkingHoursTest, FollowAClockThatIsPutForwardAndBack) {
  zone_ = *Zone::find("Europe/Berlin");
  EXPECT_EQ(next(hours("02:30", "09:00"), "2026-03-29 01:00"), "2026-03-29T03:30");
  EXPECT_EQ(next(hours("02:15", "02:45"), "2026-03-29 01:00"), "2026-03-30T02:15");
  // 02:10 for the second time, an hour behind the first.
  const Hours early = hours("02:30", "09:00");
  const Moment second{at("2026-10-25 02:10").unix_ms + 3'600'000};
  EXPECT_FALSE(is_open(early, zone_, second));
  EXPECT_EQ(opens_next(early, zone_, second).unix_ms, second.unix_ms + 20 * 60'000);
}

}  // namespace
}  // namespace sufler

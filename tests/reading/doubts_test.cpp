// Answers that are not stored as they stand: what is offered instead. A wrong value without a word is the worst that a
// reader can do.
#include <gtest/gtest.h>

#include "interpreter/core/reading/dates.h"
#include "interpreter/core/reading/numbers.h"

namespace sufler {
namespace {

const LocalTime kSunday = *LocalTime::parse_iso("2026-05-17T10:00");

std::string offered(const NumberReadings& readings) {
  std::string out;
  for (const Decimal& value : readings.values) out += (out.empty() ? "" : " ") + value.to_string();
  return out;
}

std::string number_of(std::string_view text, Language language = Language::Russian) {
  const auto read = read_number(text, language);
  return read ? "stored " + read->value.to_string() : offered(number_readings(text, language));
}

std::string money_of(std::string_view text, Language language = Language::Russian) {
  const auto read = read_money(text, language);
  return read ? "stored " + read->amount.to_string() : offered(money_readings(text, language));
}

std::string date_of(std::string_view text) {
  if (const auto date = read_date(text, kSunday, Language::Russian)) return "stored " + date->to_iso();
  std::string out;
  for (const Date date : date_readings(text, kSunday, Language::Russian)) out += (out.empty() ? "" : " ") + date.to_iso();
  return out;
}

std::string time_of(std::string_view text) {
  if (const auto time = read_time(text, kSunday, Language::Russian)) return "stored " + time->to_string();
  std::string out;
  for (const TimeOfDay time : time_readings(text, kSunday, Language::Russian)) out += (out.empty() ? "" : " ") + time.to_string();
  return out;
}

TEST(DoubtsTest, AGuessedWordBesideANumberIsOfferedWithAndWithoutIt) {
  EXPECT_EQ(number_of("3 мил"), "3000000 3");
  EXPECT_EQ(number_of("тридцать пят"), "35 30");
  EXPECT_EQ(number_of("thirty fiv", Language::English), "35 30");
  EXPECT_EQ(money_of("5 mil", Language::English), "5000000 5");
}

TEST(DoubtsTest, SlangIsReadBack) {
  EXPECT_EQ(number_of("три косаря"), "3000");
  EXPECT_EQ(money_of("20 тыр"), "20000");
  EXPECT_EQ(money_of("20тыр"), "20000");
  EXPECT_EQ(money_of("3 ляма двести тысяч"), "3200000");
  EXPECT_EQ(money_of("3 ляма 200"), "3200000 3000200");
  EXPECT_EQ(money_of("лям двести"), "1200000 1000200");
  EXPECT_EQ(money_of("лямов семь"), "7000000");
  EXPECT_EQ(money_of("пол-ляма"), "500000");
  EXPECT_EQ(money_of("лям"), "1000000");
  EXPECT_EQ(money_of("четыре сотки"), "400");
  EXPECT_EQ(money_of("две пятихатки"), "1000");
  EXPECT_EQ(money_of("стольник"), "100");
  EXPECT_EQ(money_of("1.5т"), "1500");
  EXPECT_EQ(money_of("six grand", Language::English), "6000");
  // Pieces and plots are things where no money is asked.
  EXPECT_EQ(number_of("пять штук"), "stored 5");
  EXPECT_EQ(number_of("6 соток"), "stored 6");
  EXPECT_EQ(money_of("500 рублей штука"), "stored 500");
}

TEST(DoubtsTest, AnUnknownWordBehindASumIsReadBack) {
  EXPECT_EQ(money_of("700 зюзиков"), "700");
  EXPECT_EQ(money_of("700 хватит"), "stored 700");
  EXPECT_EQ(money_of("700 в месяц"), "stored 700");
  EXPECT_EQ(money_of("700 рублей"), "stored 700");
  EXPECT_EQ(money_of("700 российских рублей"), "stored 700");
  EXPECT_EQ(money_of("7м руб"), "7000000");
}

TEST(DoubtsTest, WhatADenialTakesAwayIsNotTheAnswer) {
  EXPECT_EQ(number_of("не 7"), "");
  EXPECT_EQ(number_of("точно не семь"), "");
  EXPECT_EQ(number_of("ни 7 ни 8"), "");
  EXPECT_EQ(number_of("не 7, а 8"), "8");
  EXPECT_EQ(number_of("not 7", Language::English), "");
  EXPECT_EQ(number_of("не менее 7"), "stored 7");
}

TEST(DoubtsTest, LettersForDigitsAndOtherSums) {
  EXPECT_EQ(number_of("2О"), "20");
  EXPECT_EQ(number_of("l5"), "15");
  EXPECT_EQ(number_of("трижды два"), "6");
  EXPECT_EQ(number_of("без трех сто"), "97");
  EXPECT_EQ(number_of("двое взрослых и ребенок"), "3 2");
  EXPECT_EQ(number_of("сто-сто пятьдесят"), "100 150");
  EXPECT_EQ(number_of("два и три миллиона"), "2000000 3000000");
}

TEST(DoubtsTest, SumsThatNobodyKnowsHowToAdd) {
  EXPECT_EQ(money_of("15%"), "");
  EXPECT_EQ(money_of("2 000 руб и 15%"), "2000");
  EXPECT_EQ(money_of("рубль тридцать"), "1.3");
  EXPECT_EQ(money_of("200р30к"), "200.3 200");
  EXPECT_EQ(money_of("4 рубля сотня"), "4");
  EXPECT_EQ(money_of("999 р. 50 к."), "999.5 999");
  EXPECT_EQ(money_of("500 рублей, дом 5 7"), "stored 500");
  EXPECT_EQ(money_of("1000 000"), "1000000");
  EXPECT_EQ(number_of("2 1/2"), "2.5");
  EXPECT_EQ(number_of("пару-тройку"), "2 3");
  EXPECT_EQ(number_of("two and three quarters", Language::English), "stored 2.75");
  EXPECT_EQ(number_of("five and one third", Language::English), "stored 5.333333333333");
}

TEST(DoubtsTest, WordsInBracketsRepeatASumOrContradictIt) {
  EXPECT_EQ(money_of("3 000 000 (три миллиона)"), "stored 3000000");
  EXPECT_EQ(money_of("3 000 000 (два миллиона) рублей"), "3000000");
  EXPECT_EQ(money_of("7 (семь) тысяч"), "stored 7000");
  EXPECT_EQ(money_of("4000 (2500)"), "4000 2500");
}

TEST(DoubtsTest, OneSeparatorBeforeAScaleIsADecimalOneOrUnclear) {
  EXPECT_EQ(money_of("3,250 млн"), "stored 3250000");
  EXPECT_EQ(money_of("30.500 тыс. руб."), "30500000 30500");
  EXPECT_EQ(money_of("30,500 руб."), "stored 30500");
}

TEST(DoubtsTest, ATimeIsNoDate) {
  EXPECT_EQ(date_of("в 6"), "2026-05-17");
  EXPECT_EQ(date_of("полшестого"), "2026-05-17");
  EXPECT_EQ(date_of("в пятницу 13"), "2026-05-22");
  EXPECT_EQ(date_of("завтра в 6"), "stored 2026-05-18");
  EXPECT_EQ(date_of("26"), "2026-05-26");
  EXPECT_EQ(date_of("2-6"), "2026-06-02");
  EXPECT_EQ(date_of("7,10"), "2026-10-07");
  EXPECT_EQ(date_of("13.13"), "");
  EXPECT_EQ(date_of("до 26 мая"), "2026-05-26");
}

TEST(DoubtsTest, TimesOfOneHourAndOfTwo) {
  EXPECT_EQ(time_of("12:70"), "");
  EXPECT_EQ(time_of("10:4"), "");
  EXPECT_EQ(time_of("19 утра"), "");
  EXPECT_EQ(time_of("10,12"), "");
  EXPECT_EQ(time_of("13;45"), "stored 13:45");
  EXPECT_EQ(time_of("14=45"), "stored 14:45");
  EXPECT_EQ(time_of("в 10, 45"), "stored 10:45");
  EXPECT_EQ(time_of("8-00"), "stored 08:00");
  EXPECT_EQ(time_of("10-12"), "10:00 12:00");
  EXPECT_EQ(time_of("девять ноль-ноль"), "stored 09:00");
  EXPECT_EQ(time_of("ноль ноль сорок"), "stored 00:40");
  EXPECT_EQ(time_of("5 или 6"), "17:00 18:00");
  EXPECT_EQ(time_of("до 18"), "18:00");
  EXPECT_EQ(time_of("1845"), "18:45");
  EXPECT_EQ(time_of("945"), "09:45");
  EXPECT_EQ(time_of("2575"), "");
  EXPECT_EQ(time_of("после 6"), "18:00");
}

TEST(DoubtsTest, AnHourOfTodayThatHasPassedIsReadBack) {
  const LocalTime evening = *LocalTime::parse_iso("2026-12-30T16:45");
  EXPECT_FALSE(read_datetime("сегодня в 3", evening, Language::Russian));
  EXPECT_TRUE(read_datetime("сегодня в 6", evening, Language::Russian));
  EXPECT_EQ(read_datetime("сегодня в полночь", evening, Language::Russian)->to_iso(), "2026-12-31T00:00");
}

}  // namespace
}  // namespace sufler

#include <gtest/gtest.h>

#include <chrono>

#include "interpreter/core/reading/choice.h"
#include "interpreter/core/reading/contact_fields.h"
#include "interpreter/core/reading/dates.h"
#include "interpreter/core/reading/intents.h"
#include "interpreter/core/reading/numbers.h"
#include "interpreter/core/reading/phone.h"
#include "reading/table.h"

// What the tables do not say: English, spoken corners, and that no input hurts.
namespace sufler {
namespace {

const LocalTime kSunday = *LocalTime::parse_iso("2026-05-17T10:00");

std::string when(std::string_view text, Language language = Language::Russian) {
  const auto read = read_datetime(text, kSunday, language);
  if (read) return read->to_iso();
  const auto date = read_date(text, kSunday, language);
  return date ? date->to_iso() : "-";
}

std::string number(std::string_view text, Language language = Language::Russian) {
  const auto read = read_number(text, language);
  return read ? read->value.to_string() : "-" + std::to_string(static_cast<int>(read.error()));
}

TEST(EnglishTest, ReadsNumbers) {
  const auto english = [](std::string_view text) { return number(text, Language::English); };
  EXPECT_EQ(english("one"), "1");
  EXPECT_EQ(english("two hundred and five"), "205");
  EXPECT_EQ(english("twenty-five thousand three hundred"), "25300");
  EXPECT_EQ(english("two and a half million"), "2500000");
  EXPECT_EQ(english("half a million"), "500000");
  EXPECT_EQ(english("1,250"), "1250");
  EXPECT_EQ(english("2.5k"), "2500");
  EXPECT_EQ(english("a dozen"), "12");
  EXPECT_EQ(english("three quarters"), "0.75");
  EXPECT_EQ(english("five or six"), "-1");
  EXPECT_EQ(read_ordinal("the twenty-first", Language::English), Decimal(21));
}

TEST(EnglishTest, ReadsDates) {
  const auto english = [](std::string_view text) { return when(text, Language::English); };
  EXPECT_EQ(english("tomorrow at three"), "2026-05-18T15:00");
  EXPECT_EQ(english("in two weeks"), "2026-05-31");
  EXPECT_EQ(english("friday at noon"), "2026-05-22T12:00");
  EXPECT_EQ(english("next friday at noon"), "-");  // on a Sunday: of this week, or of the one behind it
  EXPECT_EQ(english("March 15"), "2027-03-15");
  EXPECT_EQ(english("the 15th of March at 5pm"), "2027-03-15T17:00");
  EXPECT_EQ(english("in half an hour"), "2026-05-17T10:30");
  EXPECT_EQ(english("not tomorrow"), "-");
  EXPECT_EQ(english("I may come"), "-");
}

TEST(EnglishTest, ReadsIntents) {
  for (const char* text :
       {"yes", "Yes please!", "sure", "of course", "yes, go ahead", "no problem", "why not"}) {
    EXPECT_EQ(read_yes_no(text), true) << text;
  }
  for (const char* text : {"no", "no thanks", "not now", "nope", "I don't want", "no, thank you"}) {
    EXPECT_EQ(read_yes_no(text), false) << text;
  }
  for (const char* text : {"maybe", "not sure", "yes, but later", "yesterday", "nothing", "know"}) {
    EXPECT_EQ(read_yes_no(text), std::nullopt) << text;
  }
  EXPECT_EQ(read_intent("go back"), Intent::Back);
  EXPECT_EQ(read_intent("start over"), Intent::Restart);
  EXPECT_EQ(read_intent("talk to a human"), Intent::Operator);
}

TEST(NumberCornersTest, AreReadAsPeopleMeanThem) {
  EXPECT_EQ(number("пять сот"), "500");
  EXPECT_EQ(number(".5"), "0.5");
  EXPECT_EQ(number("через несколько дней"), "-0");
  EXPECT_EQ(number("ни одного"), "-0");
  EXPECT_EQ(number("тысяч двадцать пять"), "25000");
  EXPECT_EQ(number("где-то сто"), "100");
  EXPECT_EQ(number("20 (двадцать) штук"), "20");
  EXPECT_EQ(number("дивятьсот"), "900");
  EXPECT_EQ(number("наша семья"), "-0");
  EXPECT_TRUE(read_number("около пятидесяти", Language::Russian)->approximate);
}

TEST(DateCornersTest, AreReadAsPeopleMeanThem) {
  EXPECT_EQ(when("без двадцати девять утра"), "2026-05-18T08:40");
  // Of a Sunday, the Wednesday of that week or two weeks after the nearest one.
  EXPECT_EQ(read_date("через 2 недели в среду", kSunday, Language::Russian).error(), WhenProblem::Ambiguous);
  EXPECT_EQ(when("сегодня не могу, давайте в пятницу"), "2026-05-22");
  EXPECT_EQ(when("12 мая 90 г."), "1990-05-12");
  EXPECT_EQ(when("на 5 человек завтра в 8 вечера"), "2026-05-18T20:00");
  EXPECT_EQ(when("25.05 в 15.00"), "2026-05-25T15:00");
  EXPECT_EQ(read_date("12 мая", kSunday, Language::Russian, Direction::Past)->to_iso(),
            "2026-05-12");
  EXPECT_EQ(read_date("20 мая", kSunday, Language::Russian, Direction::Past)->to_iso(),
            "2025-05-20");
  EXPECT_EQ(read_date("32 мая", kSunday, Language::Russian).error(), WhenProblem::Nothing);
  EXPECT_EQ(read_date("в июне", kSunday, Language::Russian).error(), WhenProblem::TooVague);
  EXPECT_EQ(read_date("завтра или послезавтра", kSunday, Language::Russian).error(),
            WhenProblem::Ambiguous);
  EXPECT_EQ(read_datetime("завтра", kSunday, Language::Russian).error(), WhenProblem::TooVague);
  EXPECT_EQ(read_datetime("завтра в 3 или в 4", kSunday, Language::Russian).error(),
            WhenProblem::Ambiguous);
}

TEST(DateCornersTest, ATimeIsReadByItself) {
  const auto time = [](std::string_view text) {
    const auto read = read_time(text, kSunday, Language::Russian);
    return read ? read->to_string() : std::string("-");
  };
  EXPECT_EQ(time("8"), "08:00");
  EXPECT_EQ(time("3"), "15:00");
  EXPECT_EQ(time("в 9"), "09:00");
  EXPECT_EQ(time("полпятого"), "16:30");
  EXPECT_EQ(time("20 часов"), "20:00");
  EXPECT_EQ(time("15 30"), "15:30");
  EXPECT_EQ(time("через час"), "11:00");
  EXPECT_EQ(time("25:00"), "-");
  EXPECT_EQ(time("утром"), "-");
}

/// Hands a text to every reader.
void read_all(const std::string& text) {
  const std::vector<std::string> labels = {"Латте", "Раф", "2 кг", "👍", text.substr(0, 40)};
  for (const Language language : {Language::Russian, Language::English}) {
    (void)find_numbers(text, language);
    (void)read_number(text, language);
    (void)read_ordinal(text, language);
    (void)read_money(text, language);
    (void)read_range(text, language);
    (void)read_digits(text, language);
    (void)read_when(text, kSunday, language);
    (void)read_when(text, kSunday, language, Direction::Past);
    (void)read_when(text, std::nullopt, language);
    (void)read_time(text, kSunday, language);
  }
  (void)read_intent(text);
  (void)read_email(text);
  (void)read_url(text);
  (void)read_name(text);
  (void)match_choice(text, labels);
  (void)match_choices(text, labels);
}

TEST(ReadersTest, StayTotalOnAnyBytes) {
  std::uint64_t seed = 1;
  const auto random = [&seed] {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<std::size_t>(seed >> 33);
  };
  std::vector<std::string> seeds;
  for (const char* table : {"russian-numbers.tsv", "russian-dates.tsv", "russian-intents.tsv"}) {
    for (const TableRow& cells : read_table(table)) {
      for (const std::size_t column : {2u, 3u}) seeds.push_back(cells[column]);
    }
  }
  for (int round = 0; round < 600; ++round) {
    std::string text = seeds[random() % seeds.size()];
    for (std::size_t change = random() % 4; change > 0; --change) {
      switch (random() % 4) {
        case 0:
          text += " " + seeds[random() % seeds.size()];
          break;
        case 1:
          if (!text.empty()) text[random() % text.size()] = static_cast<char>(random());
          break;
        case 2:
          if (!text.empty()) text.erase(random() % text.size(), 1 + random() % 5);
          break;
        default:
          text.insert(random() % (text.size() + 1), seeds[random() % seeds.size()]);
          break;
      }
    }
    read_all(text);
    if (round % 20 == 0) (void)read_phone(text);
  }
}

TEST(ReadersTest, AreNotSlowedDownByLongTexts) {
  const auto start = std::chrono::steady_clock::now();
  for (const char* piece :
       {"пять и ", "сто ",   "1 ",       "1.",   "1-",   "в 3 ",       "через ", "или ",
        "с 1 по ", "да ",    "нет, ",    "@",    "a@b.", "http://",    "\xFF",   "е\u0301",
        "👍",       "тысяч ", "миллион ", "пол ", "без ", "две целых ", "не ",    "9 "}) {
    std::string text;
    while (text.size() < 10'000) text += piece;
    read_all(text);
    (void)read_phone(text);
  }
  // Half a second a text is far above what is needed, even without optimisation.
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
            24 * 0.5 * 4);
}

}  // namespace
}  // namespace sufler

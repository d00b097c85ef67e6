// Rests that wait for a job, and what happens meanwhile (ARCHITECTURE, invariant 6). Talks cannot say it: there a job is
// done at once.
#include "play/scenario.h"

namespace sufler::testing {
namespace {

const std::string kScenario = R"(
start: welcome
on_error: sorry
branches:
  welcome:
    - choose: Что?
      options: {Оценка: estimate}
  estimate:
    - ask: area
    - run: estimate
      with: {area: area, who: user.first_name}
      into: price
      on_error:
        - say: "Не вышло: {{ price.error }}"
        - go: contacts
    - say: "Цена {{ price.total }}"
    - go: contacts
  contacts:
    - ask: [phone, comment]
    - say: "{{ phone }}, {{ comment }}"
  about:
    - say: О нас.
  quiz:
    - ask: colour
    - say: "Цвет {{ colour }}"
  broken:
    - set: {x: 1 / (area - area)}
  sorry:
    - say: Неполадка.
questions:
  area: {text: Площадь?, type: number}
  phone: {text: Телефон?}
  comment: {text: Комментарий?}
  colour: {text: Цвет?}
commands:
  menu: {on: [/menu, меню], go: welcome}
  about: {on: /about, call: about}
  quiz: {on: /quiz, call: quiz}
  broken: {on: /broken, call: broken}
  back: {on: [/back, назад], back: true}
)";

class JobsTest : public ::testing::Test {
 protected:
  JobsTest() {
    talk.says("/start");
    talk.press("Оценка");
    talk.says("54,5");
  }
  static Value price(int total) {
    ValueMap map;
    map.set("total", total);
    return Value(std::move(map));
  }

  Dialog talk{load(kScenario)};
};

TEST_F(JobsTest, AStepAsksForAJobAndTheDialogRestsAtItsPlace) {
  ASSERT_EQ(talk.started.size(), 1u);
  EXPECT_EQ(talk.started[0].service, "run");
  EXPECT_EQ(talk.started[0].name, "estimate");
  EXPECT_EQ(talk.started[0].request, R"({"area":54.5,"who":"Анна"})");
  EXPECT_EQ(talk.at(), "estimate/estimate");
}

TEST_F(JobsTest, TheResultIsTheVariableAndTheDialogGoesOn) {
  EXPECT_THAT(talk.done(price(7)), ElementsAre("Цена 7", "Телефон?"));
  EXPECT_TRUE(talk.cancelled.empty());
  EXPECT_TRUE(talk.timers.empty());
}

TEST_F(JobsTest, AnErrorPlaysItsStepsAndTellsThemWhy) {
  EXPECT_THAT(talk.done({}, "exit code 3"), ElementsAre("Не вышло: exit code 3", "Телефон?"));
}

TEST_F(JobsTest, WhatIsWrittenMeanwhileIsHeardBehindTheResultInOrder) {
  EXPECT_THAT(talk.says("89123456789"), IsEmpty());
  EXPECT_THAT(talk.says("после шести"), IsEmpty());
  EXPECT_THAT(talk.done(price(7)),
              ElementsAre("Цена 7", "Телефон?", "Комментарий?", "89123456789, после шести"));
}

TEST_F(JobsTest, MessagesThatWaitAreKeptInTheState) {
  talk.says("раз");
  ASSERT_TRUE(talk.reload(load(kScenario)));
  EXPECT_THAT(talk.done(price(1)), ElementsAre("Цена 1", "Телефон?", "Комментарий?"));
}

TEST_F(JobsTest, PartsOfAnAlbumWaitToo) {
  const auto picture = [](const char* name) {
    Attachment file;
    file.kind = AttachmentKind::Photo;
    file.name = name;
    return file;
  };
  talk.sends({picture("a.jpg")}, "", "17");
  talk.sends({picture("b.jpg")}, "", "17");
  EXPECT_EQ(talk.state.kept.size(), 2u);
}

TEST_F(JobsTest, ACommandThatLeadsElsewhereTakesTheJobBack) {
  talk.says("/menu");
  EXPECT_THAT(talk.cancelled, ElementsAre(talk.started[0].serial));
  EXPECT_EQ(talk.at(), "welcome/что");
  EXPECT_THAT(talk.done(price(7)), IsEmpty());
  ASSERT_EQ(talk.logs.size(), 1u);
  EXPECT_THAT(talk.logs[0], HasSubstr("late"));
  EXPECT_EQ(talk.at(), "welcome/что");
}

TEST_F(JobsTest, ACommandThatComesBackLeavesTheJobAlone) {
  EXPECT_THAT(talk.says("/about"), ElementsAre("О нас."));
  EXPECT_TRUE(talk.cancelled.empty());
  EXPECT_EQ(talk.at(), "estimate/estimate");
  EXPECT_THAT(talk.done(price(7)), ElementsAre("Цена 7", "Телефон?"));
}

TEST_F(JobsTest, AResultThatComesInTheMiddleOfACommandWaitsForItsEnd) {
  EXPECT_THAT(talk.says("/quiz"), ElementsAre("Цвет?"));
  EXPECT_THAT(talk.done(price(7)), IsEmpty());
  EXPECT_THAT(talk.says("синий"), ElementsAre("Цвет синий", "Цена 7", "Телефон?"));
  EXPECT_TRUE(talk.cancelled.empty());
  EXPECT_TRUE(talk.timers.empty());
}

TEST_F(JobsTest, ARepeatedResultChangesNothing) {
  talk.done(price(7));
  EXPECT_THAT(talk.done(price(8)), IsEmpty());
  EXPECT_EQ(talk.at(), "contacts/phone");
}

TEST_F(JobsTest, BackGoesToTheQuestionBeforeAndTakesTheJobBack) {
  EXPECT_THAT(talk.says("назад"), ElementsAre("Площадь?\nБыло: 54,5"));
  EXPECT_THAT(talk.cancelled, ElementsAre(talk.started[0].serial));
}

TEST_F(JobsTest, AJobThatNobodyFinishesIsGivenUp) {
  EXPECT_THAT(talk.after("9m"), IsEmpty());
  EXPECT_THAT(talk.after("1m"), ElementsAre("Не вышло: no result in time", "Телефон?"));
  EXPECT_THAT(talk.cancelled, ElementsAre(talk.started[0].serial));
}

TEST_F(JobsTest, OneThatIsGivenUpInTheMiddleOfACommandWaitsForItsEnd) {
  talk.says("/quiz");
  EXPECT_THAT(talk.after("10m"), IsEmpty());
  EXPECT_THAT(talk.says("синий"), ElementsAre("Цвет синий", "Не вышло: no result in time", "Телефон?"));
}

TEST_F(JobsTest, AResultThatCouldNotBePlayedDoesNotHoldTheDialog) {
  EXPECT_THAT(talk.happens(TurnFailed{"три раза", talk.started[0].serial}), ElementsAre("Неполадка."));
  EXPECT_EQ(talk.at(), "none");
}

TEST_F(JobsTest, AnotherTurnThatFailedLeavesTheJobAlone) {
  EXPECT_THAT(talk.happens(TurnFailed{"три раза"}), ElementsAre("Неполадка."));
  EXPECT_EQ(talk.at(), "estimate/estimate");
  EXPECT_THAT(talk.done(price(7)), ElementsAre("Цена 7", "Телефон?"));
}

TEST_F(JobsTest, AFaultInACommandLeavesTheJobAlone) {
  EXPECT_THAT(talk.says("/broken"), ElementsAre("Неполадка."));
  EXPECT_THAT(talk.done(price(7)), ElementsAre("Цена 7", "Телефон?"));
}

TEST_F(JobsTest, WhoeverWritesOnAndOnIsAskedToWait) {
  for (int i = 0; i < 20; ++i) EXPECT_THAT(talk.says("ну"), IsEmpty());
  EXPECT_EQ(talk.says("ну").size(), 1u);
  EXPECT_EQ(talk.state.kept.size(), 20u);
}

TEST_F(JobsTest, APlaceThatIsGoneInANewVersionIgnoresTheResult) {
  std::string changed = kScenario;
  const std::size_t begin = changed.find("    - run: estimate");
  changed.replace(begin, changed.find("    - say: \"Цена") - begin, "");
  changed.replace(changed.find("Цена {{ price.total }}"), std::string("Цена {{ price.total }}").size(), "Цену скажем.");
  ASSERT_TRUE(talk.reload(load(changed)));
  EXPECT_TRUE(talk.relocation.moved);
  EXPECT_EQ(talk.relocation.from, "estimate/estimate");
  EXPECT_THAT(talk.done(price(7)), IsEmpty());
  ASSERT_EQ(talk.logs.size(), 1u);
  EXPECT_THAT(talk.says("да"), ElementsAre("Что?\n[Оценка]"));
}

TEST_F(JobsTest, APlaceThatStaysTakesTheResult) {
  std::string changed = kScenario;
  changed.replace(changed.find("Цена {{"), std::string("Цена {{").size(), "Оценка {{");
  ASSERT_TRUE(talk.reload(load(changed)));
  EXPECT_THAT(talk.done(price(7)), ElementsAre("Оценка 7", "Телефон?"));
}

TEST_F(JobsTest, AJobThatBecameAQuestionIsNotWaitedFor) {
  const std::size_t begin = kScenario.find("    - run: estimate");
  const std::size_t end = kScenario.find("    - go: contacts\n  contacts:");
  ASSERT_TRUE(talk.reload(load(kScenario.substr(0, begin) +
                               "    - ask: estimate\n      text: Сколько не жалко?\n    - say: \"{{ estimate }}\"\n" +
                               kScenario.substr(end))));
  EXPECT_TRUE(talk.relocation.moved);
  EXPECT_THAT(talk.says("да"), ElementsAre("Что?\n[Оценка]"));
}

TEST(JobSteps, WithoutStepsOfItsOwnAnErrorIsTheScenarios) {
  Dialog talk(load("start: a\non_error: sorry\nbranches:\n  a:\n    - run: p\n      into: x\n    - say: \"{{ x }}\"\n"
                   "  sorry:\n    - say: Неполадка."));
  talk.says("/start");
  EXPECT_THAT(talk.done({}, "signal 9"), ElementsAre("Неполадка."));
  ASSERT_EQ(talk.faults.size(), 1u);
  EXPECT_THAT(talk.faults[0], HasSubstr("signal 9"));
  EXPECT_EQ(talk.at(), "none");
}

/// Asks for the job with words that waited so long for their turn.
void ask_late(Dialog& talk, Duration late) {
  talk.says("/start");
  talk.press("Оценка");
  talk.around.now = Moment{talk.now.unix_ms + late.ms};
  talk.says("54,5");
  talk.around.now = {};
}

TEST(JobSteps, TheTimeOfAJobCountsFromTheTurnThatAsksForIt) {
  // No process was there for half an hour.
  Dialog talk{load(kScenario)};
  ask_late(talk, Duration{30 * 60'000});
  EXPECT_THAT(talk.after("39m"), IsEmpty());
  EXPECT_THAT(talk.after("1m"), ElementsAre("Не вышло: no result in time", "Телефон?"));
}

TEST(JobSteps, AClockBehindThePlatformsTakesNothingOfTheTime) {
  Dialog talk{load(kScenario)};
  ask_late(talk, Duration{-5 * 60'000});
  EXPECT_THAT(talk.after("9m"), IsEmpty());
  EXPECT_THAT(talk.after("1m"), ElementsAre("Не вышло: no result in time", "Телефон?"));
}

TEST(JobSteps, TheResultMayBeAnyValue) {
  Dialog talk(load("start: a\nbranches:\n  a:\n    - run: p\n      into: x\n    - say: \"{{ x }}\""));
  talk.says("/start");
  EXPECT_EQ(talk.started.at(0).request, "{}");
  EXPECT_THAT(talk.done(Value("**{{ user.id }}**")), ElementsAre("**{{ user.id }}**"));
  EXPECT_TRUE(talk.sent.back().text.spans.empty()) << "data, and no markup";
}

// ---- jobs without end

const std::string kCircle = R"(
start: ask
on_error: sorry
branches:
  ask:
    - ask: area
    - go: price
  price:
    - run: p
      on_error:
        - say: Ещё раз.
        - go: price
  sorry:
    - say: Неполадка.
questions:
  area: {text: Площадь?}
)";

/// How many jobs fail, one behind the other, until the dialog asks for no more.
int fails_until_it_stops(Dialog& talk) {
  int failed = 0;
  for (std::size_t known = 0; known < talk.started.size() && failed < 1000; ++failed) {
    known = talk.started.size();
    talk.done({}, "down");
  }
  return failed;
}

TEST(JobsInARow, ACircleOfFailuresEndsWithOnError) {
  Dialog talk{load(kCircle)};
  talk.says("/start");
  talk.says("54");
  EXPECT_EQ(fails_until_it_stops(talk), 21);
  EXPECT_EQ(talk.sent.back().text.text, "Неполадка.");
  EXPECT_EQ(talk.at(), "none");
}

TEST(JobsInARow, ThePersonsWordsCountAnew) {
  Dialog talk{load("start: a\nbranches:\n  a:\n    - run: p\n    - ask: more\n    - go: a\nquestions:\n  more: Ещё?\n")};
  talk.says("/start");
  for (int i = 0; i < 50; ++i) {
    talk.done(Value(1));
    EXPECT_EQ(talk.at(), "a/more");
    talk.says("да");
  }
}

TEST(JobsInARow, OnErrorThatFailsAsWellEndsTheDialog) {
  Dialog talk{load("start: a\non_error: a\nbranches:\n  a:\n    - run: p\n      on_error: a\n")};
  talk.says("/start");
  EXPECT_EQ(fails_until_it_stops(talk), 41);
  EXPECT_EQ(talk.at(), "none");
}

TEST(JobsInARow, AForOverManyRowsIsNoCircle) {
  std::string rows = "0";
  for (int i = 1; i < 200; ++i) rows += ", " + std::to_string(i);
  Dialog talk{load("start: a\nbranches:\n  a:\n    - for: n\n      in: [" + rows + "]\n      do:\n        - run: p\n    - say: Всё.\n")};
  talk.says("/start");
  for (int i = 0; i < 200 && talk.sent.empty(); ++i) talk.done(Value(1));
  ASSERT_FALSE(talk.sent.empty());
  EXPECT_EQ(talk.sent.back().text.text, "Всё.");
}

}  // namespace
}  // namespace sufler::testing

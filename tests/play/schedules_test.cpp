// What is scheduled in a dialog, in corners that a talk does not reach, and a schedule's own dialog.
#include "interpreter/core/report/order.h"
#include "play/scenario.h"

namespace sufler::testing {
namespace {

const std::string kScenario = R"yaml(
start: welcome
on_error: sorry
branches:
  welcome:
    - ask: phone
    - say: "Записал {{ phone }}"
  plan:
    - schedule: later
      in: 10m
  again:
    - schedule: later
      at: "null"
  past:
    - schedule: later
      at: "date('2020-01-01')"
  far:
    - schedule: later
      in: 900w
  row:
    - ask: phone
    - schedule: later
      in: 10m
    - ask: comment
    - say: Готово
  job:
    - run: estimate
      into: price
    - say: "Цена {{ price }}"
  rest:
    - wait: 20m
    - say: Отдохнул
  quiet:
    - handoff: people
  later:
    - say: Позже
  quiz:
    - ask: colour
    - say: "Цвет {{ colour }}"
  quiz_later:
    - schedule: quiz
      in: 10m
  broken_later:
    - schedule: broken
      in: 10m
  broken:
    - notify: admins
      text: Сейчас сломается
    - set: {x: "1 / (2 - 2)"}
  nightly:
    - set: {runs: "(runs | default(0)) + 1"}
    - log: "run {{ runs }}"
    - wait: 1h
    - log: done
  sorry:
    - say: Неполадка
questions:
  phone: {text: Телефон?}
  comment: {text: Комментарий?}
  colour: {text: Цвет?}
commands:
  plan: {on: /plan, call: plan}
  again: {on: /again, call: again}
  past: {on: /past, call: past}
  far: {on: /far, call: far}
  row: {on: /row, go: row}
  job: {on: /job, go: job}
  rest: {on: /rest, go: rest}
  quiet: {on: /quiet, go: quiet}
  quiz: {on: /quiz, call: quiz_later}
  broken: {on: /broken, call: broken_later}
  back: {on: /back, back: true}
  end: {on: /end, end: true}
handoff:
  people: {to: admins, mode: silent, resume: {words: [бот], after: 12h, go: welcome}}
schedules:
  nightly: {every: day, at: "03:00", branch: nightly}
)yaml";

class SchedulesTest : public ::testing::Test {
 protected:
  Dialog talk{load(kScenario)};
};

TEST_F(SchedulesTest, ComesWhenNothingWaitsAndTheAnswersAreThere) {
  talk.says("/start");
  talk.says("7");
  talk.says("/plan");
  EXPECT_EQ(talk.at(), "none");
  EXPECT_THAT(talk.after("10m"), ElementsAre("Позже"));
  EXPECT_EQ(talk.at(), "none");
  EXPECT_EQ(talk.var("phone"), Value("7"));
}

TEST_F(SchedulesTest, TheEndOfTheDialogLeavesIt) {
  talk.says("/start");
  talk.says("/plan");
  talk.says("/end");
  EXPECT_THAT(talk.after("10m"), ElementsAre("Позже"));
}

TEST_F(SchedulesTest, AQuestionInItStandsBeforeTheOneThatWaits) {
  talk.says("/start");
  talk.says("/quiz");
  EXPECT_THAT(talk.after("10m"), ElementsAre("Цвет?"));
  EXPECT_THAT(talk.says("синий"), ElementsAre("Цвет синий", "Телефон?"));
}

TEST_F(SchedulesTest, NoMomentIsAFaultAPastOneIsAtOnce) {
  talk.says("/start");
  EXPECT_THAT(talk.says("/again"), ElementsAre("Неполадка", "Телефон?"));
  EXPECT_THAT(talk.faults, ElementsAre("`null` gives no moment to schedule `later` for"));
  EXPECT_THAT(talk.says("/past"), ElementsAre("Телефон?"));
  EXPECT_THAT(talk.after("0s"), ElementsAre("Позже", "Телефон?"));
}

TEST_F(SchedulesTest, TenYearsAheadIsAsFarAsItGoes) {
  talk.says("/far");
  ASSERT_EQ(talk.state.timers.size(), 1u);
  EXPECT_LE(talk.state.timers.begin()->second.due.unix_ms - talk.now.unix_ms, 10LL * 366 * 24 * 3600 * 1000);
}

TEST_F(SchedulesTest, BackDoesNotCrossIt) {
  talk.says("/row");
  talk.says("7");
  EXPECT_THAT(talk.says("/back"), ElementsAre(HasSubstr("назад")));
  EXPECT_EQ(talk.at(), "row/comment");
}

TEST_F(SchedulesTest, RunsBeforeTheResultOfAJobAndTheJobGoesOn) {
  talk.says("/plan");
  talk.after("5m");
  talk.says("/job");
  EXPECT_THAT(talk.after("5m"), ElementsAre("Позже"));
  EXPECT_THAT(talk.done(Value(5)), ElementsAre("Цена 5"));
}

TEST_F(SchedulesTest, RunsInTheMiddleOfAWait) {
  talk.says("/plan");
  talk.says("/rest");
  EXPECT_THAT(talk.after("19m"), ElementsAre("Позже"));
  EXPECT_THAT(talk.after("1m"), ElementsAre("Отдохнул"));
}

TEST_F(SchedulesTest, IsDroppedWithALineWhilePeopleTalk) {
  talk.says("/plan");
  talk.says("/quiet");
  EXPECT_THAT(talk.after("10m"), IsEmpty());
  EXPECT_TRUE(talk.state.scheduled.empty());
  EXPECT_THAT(talk.logs, ElementsAre(HasSubstr("`later` came due while people have the dialog")));
}

TEST_F(SchedulesTest, AFaultInItIsToldAndTheQuestionStays) {
  talk.says("/start");
  talk.says("/broken");
  EXPECT_THAT(talk.after("10m"), ElementsAre("Неполадка", "Телефон?"));
  EXPECT_EQ(talk.at(), "welcome/phone");
}

TEST_F(SchedulesTest, OneThatFailedForGoodComesNoMore) {
  talk.says("/start");
  talk.says("/plan");
  const std::uint64_t serial = talk.state.timers.at("schedule:later").serial;
  EXPECT_THAT(talk.happens(TurnFailed{"it crashed", serial}), ElementsAre("Неполадка", "Телефон?"));
  EXPECT_TRUE(talk.state.scheduled.empty());
  EXPECT_TRUE(talk.state.timers.empty());
}

TEST_F(SchedulesTest, AnOldTimerOfTheSameNameDoesNothing) {
  talk.says("/start");
  talk.says("/plan");
  const std::uint64_t old = talk.state.timers.at("schedule:later").serial;
  talk.says("/plan");
  talk.now = Moment{talk.now.unix_ms + 600'000};
  EXPECT_THAT(talk.happens(TimerDue{"schedule:later", old}), IsEmpty());
  EXPECT_EQ(talk.state.scheduled.size(), 1u);
}

TEST_F(SchedulesTest, ADialogOfItsOwnBeginsWithNothingAndNotBeforeTheRunBeforeIsOver) {
  Dialog own(load(kScenario));
  own.around.chat = {std::string(kScheduleTransport), "nightly"};
  ScheduleDue due{"nightly", "nightly", true, {}, {}};
  own.happens(due);
  EXPECT_EQ(own.var("runs"), Value(1));
  own.happens(due);
  EXPECT_THAT(own.logs, ElementsAre("run 1", HasSubstr("while its run before is under way")));
  own.after("1h");
  own.happens(due);
  EXPECT_EQ(own.var("runs"), Value(1)) << "each run begins anew";
}

TEST_F(SchedulesTest, PeriodsAreCountedFromTheTimeThatTheRunIsFor) {
  Dialog own(load(R"yaml(
timezone: UTC
start: welcome
branches:
  welcome:
    - say: hi
  daily:
    - report: day
      talks: all
      period: last 24 hours
      into: file
    - report: today
      talks: all
      period: today
      into: file
    - wait: 2h
    - report: behind
      talks: all
      period: last 1 hour
      into: file
)yaml"));
  own.around.chat = {std::string(kScheduleTransport), "daily"};
  const auto asked = [&] {
    ReportOrder order;
    EXPECT_TRUE(!own.started.empty() && from_json(own.started.back().request, order));
    return order;
  };
  const auto file = [] {
    Attachment made;
    made.origin = "stored";
    ValueMap result;
    result.set("file", made);
    return Value(std::move(result));
  };
  constexpr std::int64_t kHour = 3'600'000, kDay = 24 * kHour;
  const Moment midnight{own.now.unix_ms / kDay * kDay};
  const Moment due{midnight.unix_ms - kHour};  // 23:00
  own.now = Moment{midnight.unix_ms + kHour};  // the process was away for two hours
  ScheduleDue event{"daily", "daily", true, {}, {}, due};
  own.happens(event);
  EXPECT_EQ(asked().to, (Moment{due.unix_ms + 1}));
  EXPECT_EQ(asked().from, (Moment{due.unix_ms + 1 - kDay}));
  EXPECT_EQ(asked().at, own.now) << "made when it is made";
  own.done(file());
  EXPECT_EQ(asked().from, (Moment{midnight.unix_ms - kDay})) << "today is the day it was due on";
  EXPECT_EQ(asked().to, midnight) << "and no more than that";
  own.done(file());
  own.after("2h");
  EXPECT_EQ(asked().to, (Moment{due.unix_ms + 2 * kHour + 1})) << "a wait moves it on";
  own.done(file());
  EXPECT_THAT(own.faults, IsEmpty());

  Event read;
  ASSERT_TRUE(from_json(to_json(Event{own.now, 0, event}), read));
  EXPECT_EQ(std::get<ScheduleDue>(read.what).due, due);
}

TEST_F(SchedulesTest, OnlyWhoRestsInTheBranchIsReached) {
  talk.says("/start");
  ScheduleDue due{"abandoned", "later", false, "row", {}};
  EXPECT_THAT(talk.happens(due), IsEmpty());
  due.resting_in = "welcome";
  EXPECT_THAT(talk.happens(due), ElementsAre("Позже", "Телефон?"));
  talk.state.unreachable = true;
  EXPECT_THAT(talk.happens(due), IsEmpty());
  EXPECT_EQ(talk.at(), "welcome/phone");
}

TEST_F(SchedulesTest, OnlyWhoWasAskedSomethingHasStoppedAnswering) {
  talk.says("/rest");
  EXPECT_EQ(talk.at().substr(0, 5), "rest/");
  EXPECT_THAT(talk.happens(ScheduleDue{"abandoned", "later", false, "rest", {}}), IsEmpty());
  EXPECT_THAT(talk.after("20m"), ElementsAre("Отдохнул"));
}

TEST_F(SchedulesTest, APollThatWasNotAnsweredIsNotAskedTwiceTheNextDay) {
  const ScheduleDue poll{"poll", "quiz", false, {}, {}};
  talk.says("/start");
  talk.says("7");
  EXPECT_THAT(talk.happens(poll), ElementsAre("Цвет?"));
  EXPECT_THAT(talk.happens(poll), ElementsAre("Цвет?"));
  EXPECT_THAT(talk.says("синий"), ElementsAre("Цвет синий"));
  EXPECT_EQ(talk.at(), "none");
}

TEST_F(SchedulesTest, ComesAgainWhenTheSilenceForPeopleIsOver) {
  talk.says("/quiet");
  talk.now = Moment{talk.now.unix_ms + 11 * 3'600'000};
  const ScheduleDue due{"news", "later", false, {}, {}};
  EXPECT_THAT(talk.happens(due), IsEmpty());
  talk.now = Moment{talk.now.unix_ms + 2 * 3'600'000};
  EXPECT_THAT(talk.happens(due), ElementsAre("Позже"));
}

TEST_F(SchedulesTest, ARunThatWaitsForWordsThatNobodyCanSayIsEndedByTheNext) {
  Dialog own(load(kScenario));
  own.around.chat = {std::string(kScheduleTransport), "nightly"};
  own.happens(ScheduleDue{"nightly", "quiz", true, {}, {}});
  EXPECT_EQ(own.at(), "quiz/colour");
  own.happens(ScheduleDue{"nightly", "nightly", true, {}, {}});
  EXPECT_EQ(own.var("runs"), Value(1));
  EXPECT_THAT(own.logs, ElementsAre(HasSubstr("waits at `quiz/colour` for an answer that nobody can give"), "run 1"));
}

TEST_F(SchedulesTest, MoreThanAHundredAtOnceAreAFault) {
  std::string many = "start: welcome\nbranches:\n  welcome:\n";
  for (int i = 0; i < 101; ++i) many += "    - schedule: later\n      in: 1h\n      as: n" + std::to_string(i) + "\n";
  many += "  later: [{say: later}]\n";
  Dialog crowd(load(many));
  crowd.says("/start");
  EXPECT_EQ(crowd.faults.size(), 1u);
}

}  // namespace
}  // namespace sufler::testing

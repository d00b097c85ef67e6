// The runner on both databases, several of them as processes would be; then the engine, driven by its caller.
#include "interpreter/runtime/schedules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "databases/test_database.h"
#include "interpreter/runtime/engine.h"
#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/operations.h"
#include "runtime/plain_renderer.h"
#include "schema/loader.h"
#include "storage/housekeeping.h"
#include "storage/schedule_store.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A Sunday, 12:00 in UTC.
constexpr Moment kSunday{1'773'576'000'000};
constexpr std::int64_t kHour = 3'600'000, kDay = 24 * kHour;

std::shared_ptr<const Program> load(const std::string& yaml) {
  Loaded loaded = load_scenario_text({{"scenario.yaml", yaml}});
  EXPECT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
  return loaded.program;
}

std::string scenario(const std::string& schedules) {
  return R"(scenario: shop
language: en
start: hello
branches:
  hello: [{say: hi}]
  order:
    - ask: phone
  nightly: [{notify: admins, text: "report"}]
  reminded: [{say: "still there?"}]
  vip: [{set: {user.vip: true}}]
  lister: [{log: listed}]
  slow:
    - notify: admins
      text: "begins"
    - wait: 150m
    - notify: admins
      text: "ends"
questions:
  phone: {text: "phone?"}
commands:
  order: {on: /order, go: order}
  vip: {on: /vip, call: vip}
schedules:
)" + schedules;
}

class ScheduleRunnerTest : public ::testing::TestWithParam<DatabaseUnderTest> {
 protected:
  struct Process {
    Process(const std::string& url, std::shared_ptr<const Program> program, std::int64_t generation = 0)
        : storage(open(url)), player(storage, setup(std::move(program), generation)), runner(player) {}
    static Storage open(const std::string& url) {
      auto opened = Storage::open(url, Durability::Normal);
      EXPECT_TRUE(opened) << opened.error().message;
      return std::move(*opened);
    }
    static BotSetup setup(std::shared_ptr<const Program> program, std::int64_t generation) {
      BotSetup made;
      made.name = "shop";
      made.program = std::move(program);
      made.serving.generation = generation;
      return made;
    }
    ScheduleRunner::Round round(Moment now) {
      auto done = runner.round(storage, now);
      EXPECT_TRUE(done) << done.error().message;
      return done ? *done : ScheduleRunner::Round{};
    }
    /// Until nothing is left to do at this moment.
    std::vector<std::string> all(Moment now) {
      std::vector<std::string> notes;
      for (int i = 0; i < 1000; ++i) {
        const ScheduleRunner::Round done = round(now);
        for (const TurnNote& note : done.notes) notes.push_back(note.text);
        if (!done.next || now < *done.next) return notes;
      }
      ADD_FAILURE() << "it never ends";
      return notes;
    }
    Storage storage;
    Player player;
    ScheduleRunner runner;
  };

  std::unique_ptr<Process> process(const std::string& schedules) {
    return std::make_unique<Process>(database_.url(), load(scenario(schedules)));
  }
  /// Ids of the events in the inbox.
  std::vector<std::string> inbox(Storage& storage) {
    std::vector<std::string> ids;
    EXPECT_TRUE(storage.transact([&](Transaction& tx) -> Stored<Done> {
      auto rows = tx.inbox("shop", 10'000);
      if (!rows) return Error{rows.error()};
      for (const InboxRow& row : *rows) ids.push_back(row.event_id);
      return Done{};
    }));
    return ids;
  }
  void person(Storage& storage, const std::string& id, const std::string& place, Moment changed, bool vip = false) {
    EXPECT_TRUE(storage.transact([&](Transaction& tx) -> Stored<Done> {
      const DialogKey key{"shop", {"telegram", id}, id};
      auto row = tx.load_dialog(key);
      if (!row) return Error{row.error()};
      row->state = "{}";
      row->place = place;
      UserRecord user;
      user.id = id;
      if (vip) user.values.set("vip", true);
      row->user = to_json(user);
      return tx.save_dialog(key, *row, true, changed);
    }));
  }
  static std::string due(const std::string& name, std::int64_t ms) {
    return "schedule:" + name + ":" + std::to_string(kSunday.unix_ms + ms);
  }
  static Moment at(std::int64_t ms) { return Moment{kSunday.unix_ms + ms}; }

  TestDatabase database_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Databases, ScheduleRunnerTest, ::testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(ScheduleRunnerTest, ComesAtItsTimeAndOnce) {
  auto one = process("  report: {every: day, at: \"13:00\", branch: nightly}\n");
  EXPECT_EQ(one->round(at(0)).next, at(kHour)) << "what was before the first start is not missed";
  EXPECT_FALSE(one->round(at(kHour - 1)).stored);
  EXPECT_TRUE(one->round(at(kHour)).stored);
  EXPECT_FALSE(one->round(at(kHour)).stored);
  EXPECT_THAT(inbox(one->storage), ElementsAre(due("report", kHour)));
  EXPECT_EQ(one->round(at(kHour)).next, at(kHour + kDay));
}

TEST_P(ScheduleRunnerTest, ManyProcessesDoItOnce) {
  const std::string when = "  report: {every: 1m, branch: nightly}\n";
  std::vector<std::unique_ptr<Process>> processes;
  const std::size_t count = GetParam() == DatabaseUnderTest::Postgres ? 3 : 1;
  for (std::size_t i = 0; i < count; ++i) processes.push_back(process(when));
  std::vector<std::string> expected;
  for (const auto& one : processes) one->round(at(0));
  for (int minute = 1; minute <= 20; ++minute) {
    for (std::size_t i = 0; i < count; ++i) processes[(i + static_cast<std::size_t>(minute)) % count]->round(at(minute * 60'000));
    expected.push_back(due("report", minute * 60'000));
  }
  EXPECT_EQ(inbox(processes[0]->storage), expected);
}

TEST_P(ScheduleRunnerTest, ARunThatWasNotStoredIsDoneByTheNext) {
  auto one = process("  report: {every: 1m, branch: nightly}\n");
  one->round(at(0));
  one->storage.fail_by([](Storage::Place place) -> std::optional<StorageError> {
    if (place != Storage::Place::Commit) return std::nullopt;
    return StorageError{StorageError::Kind::Lost, "the process died"};
  });
  EXPECT_FALSE(one->runner.round(one->storage, at(60'000)));
  one.reset();
  auto two = process("  report: {every: 1m, branch: nightly}\n");
  EXPECT_TRUE(two->round(at(61'000)).stored);
  EXPECT_FALSE(two->round(at(61'000)).stored);
  EXPECT_THAT(inbox(two->storage), ElementsAre(due("report", 60'000)));
}

TEST_P(ScheduleRunnerTest, WhatWasMissedIsMadeUpForOnceUnlessSaidOtherwise) {
  const std::string schedules =
      "  once: {every: hour, branch: nightly}\n"
      "  skip: {every: hour, missed: skip, branch: nightly}\n"
      "  all: {every: hour, missed: all, branch: nightly}\n";
  process(schedules)->round(at(1));
  auto back = process(schedules);
  std::vector<std::string> notes, ids;
  // One run waits for the one before it, which is still to be played.
  for (std::int64_t second = 0; second < 3; ++second) {
    for (std::string& note : back->all(at(3 * kHour + 300'000 + second * 1000))) notes.push_back(std::move(note));
    for (std::string& id : inbox(back->storage)) ids.push_back(std::move(id));
    EXPECT_TRUE(back->player.go_on());
  }
  std::sort(ids.begin(), ids.end());
  EXPECT_THAT(ids, ElementsAre(due("all", kHour), due("all", 2 * kHour), due("all", 3 * kHour), due("once", 3 * kHour)));
  EXPECT_THAT(notes, ::testing::Contains(HasSubstr("`skip` was due at 2026-03-15T15:00 (UTC), when nothing ran: it is skipped")));
  EXPECT_THAT(notes, ::testing::Contains(HasSubstr("`once` was due at 2026-03-15T13:00 (UTC)")));
}

TEST_P(ScheduleRunnerTest, OfAllEachWaitsForTheOneBeforeWhateverThatWaitsFor) {
  auto one = process("  all: {every: 10m, missed: all, branch: nightly}\n  once: {every: 10m, branch: nightly}\n");
  one->round(at(0));
  const auto rests_for = [&](Waiting::For what, std::optional<Moment> due) {
    State state;
    state.waiting.what = what;
    if (due) state.timers["pause"] = Timer{*due, 1};
    EXPECT_TRUE(one->storage.transact([&](Transaction& tx) -> Stored<Done> {
      const DialogKey key{"shop", {std::string(kScheduleTransport), "all"}, "all"};
      auto row = tx.load_dialog(key);
      if (!row) return Error{row.error()};
      row->state = to_json(state, *one->player.setup().program);
      if (row->user.empty()) row->user = to_json(UserRecord{});
      return tx.save_dialog(key, *row, true, kSunday);
    }));
  };
  constexpr std::int64_t kTen = 600'000;
  rests_for(Waiting::For::Job, {});
  EXPECT_THAT(one->all(at(kTen)), ElementsAre("the schedule `all` was due at 2026-03-15T12:10 (UTC); it runs when its run before is over"));
  EXPECT_THAT(inbox(one->storage), ElementsAre(due("once", kTen))) << "others do not wait";
  EXPECT_EQ(one->round(at(kTen)).next, at(kTen + 1000));
  EXPECT_THAT(one->all(at(kTen + 1000)), ::testing::IsEmpty()) << "it is said once";
  rests_for(Waiting::For::Pause, at(3 * kTen - 1));
  one->all(at(kTen + 2000));
  EXPECT_EQ(one->round(at(kTen + 2000)).next, at(2 * kTen)) << "of the other one";
  one->all(at(2 * kTen));
  EXPECT_EQ(one->round(at(2 * kTen)).next, at(3 * kTen - 1)) << "nobody looks before";
  rests_for(Waiting::For::Answer, {});
  one->all(at(3 * kTen - 1));
  EXPECT_THAT(inbox(one->storage), ::testing::Contains(due("all", kTen))) << "for an answer nobody waits";
}

TEST_P(ScheduleRunnerTest, WhatARunWroteDownOfTheErasedGoesWhenItIsOver) {
  const std::string schedules = "  all: {every: hour, branch: lister}\n  idle: {every: hour, branch: lister}\n";
  auto one = process(schedules);
  one->round(at(0));
  person(one->storage, "4711", "none", at(0));
  const auto run = [&](const std::string& name, Waiting::For what) {
    State state;
    state.waiting.what = what;
    if (what == Waiting::For::Pause) state.timers["pause"] = Timer{at(kHour / 2), 1};
    state.variables.set("rows", "Anna of 4711");
    EXPECT_TRUE(one->storage.transact([&](Transaction& tx) -> Stored<Done> {
      const DialogKey key{"shop", {std::string(kScheduleTransport), name}, name};
      auto row = tx.load_dialog(key);
      if (!row) return Error{row.error()};
      row->state = to_json(state, *one->player.setup().program);
      if (row->user.empty()) row->user = to_json(UserRecord{});
      if (auto saved = tx.save_dialog(key, *row, true, kSunday); !saved) return saved;
      JournalRow line;
      line.dialog_id = row->id;
      line.turn = "Anna of 4711";
      return tx.append_journal(line);
    }));
  };
  run("all", Waiting::For::Pause);
  run("idle", Waiting::For::Nothing);
  const auto texts = [&](const std::string& from) { return database_.ask("SELECT count(*) FROM " + from + " LIKE '%4711%'"); };
  EXPECT_EQ(texts("journal WHERE turn"), "2");
  EXPECT_TRUE(one->storage.transact([&](Transaction& tx) -> Stored<Done> {
    auto erased = tx.housekeeping().erase({"telegram", "4711", {}});
    if (!erased) return Error{erased.error()};
    EXPECT_THAT(erased->counts, ::testing::Contains(std::pair<std::string, std::int64_t>("journal lines of schedules", 2)));
    EXPECT_THAT(erased->counts, ::testing::Contains(std::pair<std::string, std::int64_t>("values of schedules", 1)));
    return Done{};
  }));
  EXPECT_EQ(texts("journal WHERE turn"), "0");
  EXPECT_EQ(texts("dialogs WHERE state"), "1") << "what goes on needs its values";
  EXPECT_EQ(one->round(at(1)).next, at(kHour / 2));
  run("all", Waiting::For::Nothing);
  one->round(at(kHour / 2));
  EXPECT_EQ(texts("journal WHERE turn"), "0");
  EXPECT_EQ(texts("dialogs WHERE state"), "0");
  EXPECT_EQ(one->round(at(kHour / 2)).next, at(kHour));
}

TEST_P(ScheduleRunnerTest, ALittleLateIsNotMissed) {
  const std::string schedules = "  skip: {every: hour, missed: skip, branch: nightly}\n";
  process(schedules)->round(at(1));
  auto back = process(schedules);
  EXPECT_TRUE(back->all(at(kHour + 60'000)).empty());
  EXPECT_THAT(inbox(back->storage), ElementsAre(due("skip", kHour)));
}

TEST_P(ScheduleRunnerTest, AClockThatJumpsBackRunsNothingTwice) {
  auto one = process("  report: {every: hour, branch: nightly}\n");
  one->round(at(1));
  EXPECT_TRUE(one->round(at(kHour)).stored);
  for (std::int64_t minute = 0; minute <= 60; ++minute) EXPECT_FALSE(one->round(at(minute * 60'000)).stored);
  EXPECT_TRUE(one->round(at(2 * kHour)).stored);
}

TEST_P(ScheduleRunnerTest, ANewTimeBeginsAnewTheSameGoesOn) {
  process("  report: {every: day, at: \"13:00\", branch: nightly}\n")->round(at(0));
  // Restarted behind its time: it is made up for.
  auto same = process("  report: {every: day, at: \"13:00\", branch: nightly}\n");
  EXPECT_TRUE(same->round(at(2 * kHour)).stored);
  // With another time there is nothing to make up for.
  auto other = process("  report: {every: day, at: \"13:30\", branch: nightly}\n");
  EXPECT_EQ(other->round(at(2 * kHour)).next, at(kDay + kHour + kHour / 2));
  // And gone.
  auto none = process("  other: {every: day, at: \"13:00\", branch: nightly}\n");
  none->round(at(3 * kHour));
  EXPECT_EQ(inbox(none->storage).size(), 1u);
}

TEST_P(ScheduleRunnerTest, IdleDialogsGetTheBranchEachOnceInPortions) {
  auto one = process("  abandoned: {every: 10m, branch: reminded, for: dialogs in order idle 1h}\n");
  one->round(at(0));
  for (int i = 0; i < 250; ++i) person(one->storage, "idle" + std::to_string(i), "order/phone", at(-kHour));
  person(one->storage, "busy", "order/phone", at(-kHour + 700'000));
  person(one->storage, "elsewhere", "hello/name", at(-kHour));
  int portions = 0;
  for (ScheduleRunner::Round round; portions < 20; ++portions) {
    round = one->round(at(600'000));
    if (!round.stored) break;
    // Each portion by another process, as if the one before had died behind its commit.
    one = process("  abandoned: {every: 10m, branch: reminded, for: dialogs in order idle 1h}\n");
  }
  EXPECT_EQ(portions, 3);
  auto ids = inbox(one->storage);
  EXPECT_EQ(ids.size(), 250u);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
}

TEST_P(ScheduleRunnerTest, PeopleForWhomItHoldsGetTheBranch) {
  auto one = process("  holiday: {every: day, at: \"13:00\", branch: reminded, for: users where user.vip}\n");
  one->round(at(0));
  person(one->storage, "anna", "none", at(0), true);
  person(one->storage, "boris", "none", at(0));
  one->all(at(kHour));
  ASSERT_EQ(inbox(one->storage).size(), 1u);
  EXPECT_TRUE(one->storage.transact([&](Transaction& tx) -> Stored<Done> {
    const ScheduleRow row = tx.schedules().all("shop")->at(0);
    EXPECT_EQ(row.people_told, 1);
    EXPECT_EQ(row.last_at, at(kHour));
    EXPECT_EQ(row.run_due, Moment{});
    return Done{};
  }));
}

TEST_P(ScheduleRunnerTest, WhatCannotBeToldOfOnePersonKeepsNobodyElse) {
  // `user.created_at` of a person is known, a number divided by nothing is none.
  auto one = process("  holiday: {every: day, at: \"13:00\", branch: reminded, for: users where 1 / (user.vip | default(0)) > 0 or true}\n");
  one->round(at(0));
  person(one->storage, "anna", "none", at(0));
  const auto notes = one->all(at(kHour));
  EXPECT_TRUE(inbox(one->storage).empty());
  EXPECT_THAT(notes, ElementsAre(HasSubstr("passes somebody over: division by zero")));
}

TEST_P(ScheduleRunnerTest, OperatorsPauseResumeAndRun) {
  auto one = process("  report: {every: hour, branch: nightly}\n");
  one->round(at(1));
  const auto order = [&](const std::string& op, Moment now) {
    return operate(one->storage, R"({"op":")" + op + R"(","name":"report"})", now).answer;
  };
  EXPECT_THAT(order("pause_schedule", at(2)), HasSubstr("shop"));
  EXPECT_FALSE(one->round(at(5 * kHour)).stored);
  EXPECT_THAT(operate(one->storage, R"({"op":"schedules"})", at(2)).answer, HasSubstr("paused_at_unix_ms"));
  order("resume_schedule", at(5 * kHour + 1));
  EXPECT_TRUE(one->all(at(5 * kHour + 1)).empty());
  EXPECT_TRUE(inbox(one->storage).empty()) << "what came due while it was paused is not made up for";
  order("run_schedule", at(5 * kHour + 2));
  EXPECT_TRUE(one->round(at(5 * kHour + 2)).stored);
  EXPECT_EQ(one->round(at(5 * kHour + 3)).next, at(6 * kHour));
  EXPECT_THAT(operate(one->storage, R"({"op":"run_schedule","name":"reports"})", at(2)).answer,
              HasSubstr("there is no schedule `reports`"));
}

TEST_P(ScheduleRunnerTest, WhoeverPausesARunDoesNotWantItsRest) {
  const std::string schedules = "  holiday: {every: day, at: \"13:00\", branch: reminded, for: users}\n";
  auto one = process(schedules);
  one->round(at(0));
  for (int i = 0; i < 150; ++i) person(one->storage, std::to_string(i), "none", at(0));
  EXPECT_TRUE(one->round(at(kHour)).stored);
  EXPECT_EQ(inbox(one->storage).size(), 100u);
  operate(one->storage, R"({"op":"pause_schedule","name":"holiday"})", at(kHour + 1));
  one->all(at(kHour + 2));
  operate(one->storage, R"({"op":"resume_schedule","name":"holiday"})", at(kHour + 3));
  one->all(at(kHour + 4));
  EXPECT_EQ(inbox(one->storage).size(), 100u);
  EXPECT_EQ(one->round(at(kHour + 5)).next, at(kHour + kDay));
}

TEST_P(ScheduleRunnerTest, OneThatIsPausedRunsToItsEndWhenItIsAskedFor) {
  auto one = process("  holiday: {every: day, at: \"13:00\", branch: reminded, for: users}\n");
  one->round(at(0));
  for (int i = 0; i < 250; ++i) person(one->storage, std::to_string(i), "none", at(0));
  operate(one->storage, R"({"op":"pause_schedule","name":"holiday"})", at(1));
  operate(one->storage, R"({"op":"run_schedule","name":"holiday"})", at(2));
  one->all(at(3));
  EXPECT_EQ(inbox(one->storage).size(), 250u);
  one->all(at(2 * kDay));
  EXPECT_EQ(inbox(one->storage).size(), 250u) << "it is paused still";
}

TEST_P(ScheduleRunnerTest, ARunForSomeEndsWhenTheScheduleIsForOthers) {
  auto one = process("  holiday: {every: day, at: \"13:00\", branch: nightly, for: users}\n");
  one->round(at(0));
  for (int i = 0; i < 150; ++i) person(one->storage, std::to_string(i), "none", at(0));
  EXPECT_TRUE(one->round(at(kHour)).stored);
  one = process("  holiday: {every: day, at: \"13:00\", branch: nightly}\n");
  one->all(at(kHour + 1));
  EXPECT_EQ(inbox(one->storage).size(), 100u);
}

TEST_P(ScheduleRunnerTest, AClockThatWasFarAheadOnceKeepsNothingWaiting) {
  const std::string schedules = "  report: {every: day, at: \"13:00\", branch: nightly}\n";
  auto one = process(schedules);
  one->round(at(0));
  one->all(at(1000 * kDay));
  EXPECT_EQ(inbox(one->storage).size(), 1u);
  one = process(schedules);
  EXPECT_EQ(one->round(at(0)).next, at(kHour));
}

// ---- the engine

class TestClock : public Clock {
 public:
  Moment now() const override { return Moment{kSunday.unix_ms + passed.count()}; }
  milliseconds monotonic() const override { return passed; }
  milliseconds passed{1};
};

class TestCourier : public Courier {
 public:
  void deliver(std::string_view, const ChatAddress& chat, const ApiCall& call, std::function<void(Outcome)> done) override {
    sent.push_back(chat.chat_id + ": " + call.body);
    done(Outcome{});
  }
  void later(Duration, std::function<void()>) override {}
  std::vector<std::string> sent;
};

class EngineWithSchedules : public ::testing::Test {
 protected:
  void begin(const std::string& schedules) {
    setup_ = BotSetup{};
    setup_.name = "shop";
    setup_.program = load(scenario(schedules));
    setup_.renderers["telegram"] = &renderer_;
    setup_.roles["admins"] = {{"telegram", "owner"}};
    engine_.reset();
    engine_ = std::make_unique<Engine>(open_storage(), std::vector<BotSetup>{setup_}, courier_, clock_);
    ASSERT_TRUE(engine_->start({}, Engine::Drive::Caller));
    rounds();
  }
  Storage open_storage() {
    auto opened = Storage::open(database_.url(), Durability::Normal);
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }
  void say(const std::string& person, const std::string& text) {
    Incoming update;
    update.id = std::to_string(++last_);
    update.chat = {"telegram", person};
    update.person.id = person;
    UserMessage message;
    message.text = text;
    update.event = Event{clock_.now(), 0, std::move(message)};
    engine_->take("shop", "telegram", {update}, update.id, false, [](bool) {});
    rounds();
  }
  void rounds() {
    for (int i = 0; i < 6; ++i) engine_->round();
  }
  void pass(std::int64_t ms) {
    clock_.passed += milliseconds(ms);
    rounds();
  }
  std::vector<std::string> said() { return std::exchange(courier_.sent, {}); }

  TestDatabase database_{DatabaseUnderTest::Sqlite};
  TestClock clock_;
  TestCourier courier_;
  PlainRenderer renderer_;
  BotSetup setup_;
  std::unique_ptr<Engine> engine_;
  int last_ = 0;
};

TEST_F(EngineWithSchedules, ARunWithoutAPersonTellsTheRole) {
  begin("  report: {every: day, at: \"13:00\", branch: nightly}\n");
  pass(kHour - 10);
  EXPECT_TRUE(said().empty());
  pass(10);
  EXPECT_THAT(said(), ElementsAre("owner: report"));
  pass(kDay);
  EXPECT_THAT(said(), ElementsAre("owner: report"));
}

TEST_F(EngineWithSchedules, OfAllNoRunIsLostWhileTheOneBeforeGoesOn) {
  begin("  report: {every: hour, missed: all, branch: slow}\n");
  pass(kHour - 1);
  EXPECT_THAT(said(), ElementsAre("owner: begins"));
  pass(kHour);
  pass(kHour);
  EXPECT_TRUE(said().empty());
  pass(kHour / 2);
  EXPECT_THAT(said(), ElementsAre("owner: ends", "owner: begins"));
  begin("  report: {every: hour, missed: all, branch: slow}\n");  // a restart loses none either
  for (int run = 0; run < 3; ++run) {
    pass(kHour);
    pass(kHour);
    EXPECT_TRUE(said().empty());
    pass(kHour / 2);
    EXPECT_THAT(said(), ElementsAre("owner: ends", "owner: begins"));
  }
}

TEST_F(EngineWithSchedules, TheEngineSleepsUntilTheNextTime) {
  begin("  report: {every: day, at: \"13:00\", branch: nightly}\n");
  clock_.passed = milliseconds(kHour - 100);
  const auto rest = engine_->round();
  ASSERT_TRUE(rest);
  EXPECT_EQ(*rest, milliseconds(100));
}

TEST_F(EngineWithSchedules, AnIdleDialogIsReachedAndItsQuestionRepeated) {
  begin("  abandoned: {every: 10m, branch: reminded, for: dialogs in order idle 1h}\n");
  say("anna", "/order");
  EXPECT_THAT(said(), ElementsAre("anna: phone?"));
  pass(kHour - 60'000);
  EXPECT_TRUE(said().empty());
  pass(11 * 60'000);
  EXPECT_THAT(said(), ElementsAre("anna: still there?", "anna: phone?"));
  pass(kHour - 60'000);
  EXPECT_TRUE(said().empty()) << "the silence begins anew";
}

TEST_F(EngineWithSchedules, WhatEverybodyIsToldIsNoSignOfLife) {
  begin("  holiday: {every: hour, branch: reminded, for: users}\n  abandoned: {every: 10m, branch: nightly, for: dialogs in order idle 90m}\n");
  say("anna", "/order");
  said();
  int told = 0;
  for (int i = 0; i < 20; ++i) {
    pass(10 * 60'000);
    for (const std::string& line : said()) told += line == "owner: report";
  }
  EXPECT_GT(told, 0) << "silent for hours, whatever the bot said meanwhile";
}

TEST_F(EngineWithSchedules, WhoWritesJustBeforeIsIdleNoMore) {
  begin("  abandoned: {every: 10m, branch: reminded, for: dialogs in order idle 1h}\n");
  say("anna", "/order");
  said();
  // The event is in the inbox already when the person writes, and is played behind that.
  {
    Storage storage = open_storage();
    Player player(storage, setup_);
    ScheduleRunner runner(player);
    ASSERT_TRUE(runner.round(storage, clock_.now()));
    clock_.passed += milliseconds(2 * kHour);
    auto round = runner.round(storage, clock_.now());
    ASSERT_TRUE(round);
    EXPECT_TRUE(round->stored);
  }
  Incoming update;
  update.id = "late";
  update.chat = {"telegram", "anna"};
  update.person.id = "anna";
  UserMessage message;
  message.text = "hm";
  update.event = Event{clock_.now(), 0, std::move(message)};
  engine_->take("shop", "telegram", {update}, "late", false, [](bool) {});
  engine_->round();
  engine_->play_inbox();
  rounds();
  for (const std::string& line : said()) EXPECT_THAT(line, ::testing::Not(HasSubstr("still there?")));
}

TEST_F(EngineWithSchedules, EverybodyIsReachedAndNobodyTwiceAfterARestart) {
  begin("  holiday: {every: day, at: \"13:00\", branch: reminded, for: users where user.vip}\n");
  for (int i = 0; i < 130; ++i) say("p" + std::to_string(i), i % 2 == 0 ? "/vip" : "hello");
  said();
  clock_.passed = milliseconds(kHour);
  engine_->round();  // the first portion
  begin("  holiday: {every: day, at: \"13:00\", branch: reminded, for: users where user.vip}\n");
  for (int i = 0; i < 20; ++i) rounds();
  auto all = said();
  EXPECT_EQ(all.size(), 65u);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
}

TEST_F(EngineWithSchedules, ANewVersionHasItsOwnTimes) {
  begin("  report: {every: day, at: \"13:00\", branch: nightly}\n");
  Serving serving;
  serving.program = load(scenario("  later: {every: day, at: \"14:00\", branch: nightly}\n"));
  serving.generation = 1;
  engine_->ask([&](Storage&) { engine_->serve("shop", std::move(serving)); });
  rounds();
  pass(kHour);
  EXPECT_TRUE(said().empty());
  pass(kHour);
  EXPECT_THAT(said(), ElementsAre("owner: report"));
}

}  // namespace
}  // namespace sufler

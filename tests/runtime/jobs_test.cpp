// The runner on both databases, two of them as two processes would be; then the engine, driven by its caller.
#include "interpreter/runtime/jobs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>
#include <thread>

#include "databases/test_database.h"
#include "interpreter/runtime/engine.h"
#include "interpreter/runtime/errands.h"
#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/replay.h"
#include "runtime/plain_renderer.h"
#include "schema/loader.h"
#include "storage/housekeeping.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;

class TestClock : public Clock {
 public:
  Moment now() const override { return Moment{1'800'000'000'000 + passed.count()}; }
  milliseconds monotonic() const override { return passed; }
  milliseconds passed{1};
};

/// Does nothing until the test says what comes of a job.
class TestCrew : public Crew {
 public:
  std::vector<ServiceTerms> terms() const override { return {{"run", 2, 3, Duration{1'000}, buries, buries}}; }
  void begin(const Job& job, JobDoneCall done) override {
    begun.push_back(job);
    calls.push_back(std::move(done));
  }
  void abandon(std::int64_t id) override {
    abandoned.push_back(id);
    if (!handed_over) return;
    // On another thread, as those do who were at work.
    for (std::size_t i = 0; i < begun.size(); ++i)
      if (begun[i].id == id)
        threads.emplace_back([this, done = calls[i], what = *handed_over] {
          if (last_errand) last_became = work.run(last_errand);
          done(what);
        });
  }
  Errands* errands() override { return &work; }
  ~TestCrew() override {
    for (std::thread& one : threads) one.join();
  }
  /// Of the job begun as the n-th.
  void give(std::size_t which, JobResult result) { calls.at(which)(std::move(result)); }

  bool buries = false;  ///< before the runner is made
  std::vector<Job> begun;
  std::vector<JobDoneCall> calls;
  std::vector<std::int64_t> abandoned;
  std::optional<JobResult> handed_over;  ///< what `abandon` makes of a job
  Errands work;
  Errands::Body last_errand;  ///< before it is handed over
  Stored<Done> last_became = Done{};
  std::vector<std::thread> threads;
};

JobResult result(const std::string& text) { return {JobResult::Kind::Done, Value(text), {}, {}, {}}; }
JobResult again(Duration wait = {}) { return {JobResult::Kind::Again, {}, "busy", {}, wait}; }

class JobRunnerTest : public ::testing::TestWithParam<DatabaseUnderTest> {
 protected:
  /// One of those that share the database.
  struct Process {
    Process(const std::string& url, const Clock& clock, bool buries = false)
        : storage(open(url)), crew(), runner((crew.buries = buries, crew), {"shop"}, clock, [] {}) {}
    static Storage open(const std::string& url) {
      auto opened = Storage::open(url, Durability::Normal);
      EXPECT_TRUE(opened) << opened.error().message;
      return std::move(*opened);
    }
    JobRunner::Round round(bool look = true, bool claim = true) {
      auto done = runner.round(storage, look, claim);
      EXPECT_TRUE(done) << done.error().message;
      return done ? *done : JobRunner::Round{};
    }
    JobRunner::Figures figures() const { return runner.figures().empty() ? JobRunner::Figures{} : runner.figures()[0]; }
    Storage storage;
    TestCrew crew;
    JobRunner runner;
  };

  std::int64_t put(const std::string& user, std::uint64_t serial) {
    std::int64_t id = 0;
    const auto done = one_.storage.transact([&](Transaction& tx) -> Stored<Done> {
      const DialogKey key{"shop", {"telegram", user}, user};
      auto dialog = tx.load_dialog(key);
      if (!dialog) return Error{dialog.error()};
      if (dialog->id == 0) {
        dialog->state = "{}";
        if (auto saved = tx.save_dialog(key, *dialog, false, clock_.now()); !saved) return saved;
      }
      JobRow row{0, "shop", dialog->id, serial, "run", "estimate", "{}", clock_.now(), 0, 0};
      if (auto stored = tx.jobs().put(row); !stored) return stored;
      id = row.id;
      return Done{};
    });
    EXPECT_TRUE(done) << done.error().message;
    return id;
  }

  /// What the inbox holds: person, and the result or the error.
  std::vector<std::string> inbox() {
    std::vector<std::string> all;
    const auto done = one_.storage.transact([&](Transaction& tx) -> Stored<Done> {
      auto rows = tx.inbox("shop", 100);
      if (!rows) return Error{rows.error()};
      for (const InboxRow& row : *rows) {
        Incoming update;
        EXPECT_TRUE(from_json(row.incoming, update));
        const auto* job = std::get_if<JobDone>(&update.event.what);
        if (!job) continue;
        all.push_back(update.person.id + " " + std::to_string(job->serial) + " " +
                      (job->error.empty() ? to_json(job->result) : "error: " + job->error));
      }
      return Done{};
    });
    EXPECT_TRUE(done);
    return all;
  }
  std::size_t letters() {
    std::size_t count = 0;
    (void)one_.storage.transact([&](Transaction& tx) -> Stored<Done> {
      auto found = tx.dead_letters("shop", 10);
      if (!found) return Error{found.error()};
      count = found->size();
      return Done{};
    });
    return count;
  }
  void pass(milliseconds time) { clock_.passed += time; }

  using Texts = std::vector<std::string>;
  TestDatabase database_{GetParam()};
  TestClock clock_;
  Process one_{database_.url(), clock_};
};
INSTANTIATE_TEST_SUITE_P(Databases, JobRunnerTest, ::testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(JobRunnerTest, AResultBecomesAnEventOfItsDialogAndTheJobIsGone) {
  const std::int64_t id = put("anna", 5);
  one_.round();
  ASSERT_EQ(one_.crew.begun.size(), 1u);
  EXPECT_EQ(one_.crew.begun[0].id, id);
  EXPECT_EQ(one_.crew.begun[0].name, "estimate");
  EXPECT_EQ(one_.runner.running(), 1u);
  EXPECT_EQ(inbox(), Texts{});
  one_.crew.give(0, result("7"));
  EXPECT_TRUE(one_.runner.has_results());
  EXPECT_TRUE(one_.round(false).stored);
  EXPECT_EQ(inbox(), Texts{R"(anna 5 "7")"});
  EXPECT_EQ(one_.runner.running(), 0u);
  pass(milliseconds(60'000));
  one_.round();
  EXPECT_EQ(one_.crew.begun.size(), 1u);
  EXPECT_EQ(one_.figures().done, 1u);
}

TEST_P(JobRunnerTest, NoMoreAreBegunThanTheServiceTakesAtOnce) {
  for (std::uint64_t i = 1; i <= 3; ++i) put("anna", i);
  one_.round();
  EXPECT_EQ(one_.crew.begun.size(), 2u);
  one_.crew.give(0, result("a"));
  one_.round(false);
  EXPECT_EQ(one_.crew.begun.size(), 3u) << "a result makes room";
}

TEST_P(JobRunnerTest, AFailureForGoodIsTheDialogsAndLeavesNoLetter) {
  put("anna", 1);
  one_.round();
  one_.crew.give(0, {JobResult::Kind::Failed, {}, "exit code 3", {}, {}});
  one_.round();
  EXPECT_EQ(inbox(), Texts{"anna 1 error: exit code 3"});
  EXPECT_EQ(letters(), 0u);
  EXPECT_EQ(one_.figures().failed, 1u);
}

TEST_P(JobRunnerTest, AServiceThatBuriesLeavesALetterAndTheDialogHearsOfItAllTheSame) {
  Process mailer(database_.url(), clock_, true);
  put("anna", 1);
  put("anna", 0);
  mailer.round();
  ASSERT_EQ(mailer.crew.begun.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) mailer.crew.give(i, {JobResult::Kind::Failed, {}, "550 no such user", {}, {}});
  mailer.round();
  EXPECT_EQ(inbox(), Texts{"anna 1 error: 550 no such user"}) << "nobody waits for the second";
  EXPECT_EQ(letters(), 2u);
}

TEST_P(JobRunnerTest, WhatNobodyWaitsForEndsWithoutAnEvent) {
  put("anna", 0);
  put("anna", 0);
  one_.round();
  ASSERT_EQ(one_.crew.begun.size(), 2u);
  one_.crew.give(0, result("sent"));
  one_.crew.give(1, {JobResult::Kind::Failed, {}, "no", {}, {}});
  one_.round();
  EXPECT_EQ(inbox(), Texts{});
  EXPECT_EQ(one_.runner.running(), 0u);
  pass(milliseconds(60'000));
  one_.round();
  EXPECT_EQ(one_.crew.begun.size(), 2u);
}

TEST_P(JobRunnerTest, OfAJobThatIsPartlyDoneTheRestIsTriedAgain) {
  put("anna", 1);
  one_.round();
  JobResult partly = again();
  partly.rest = R"({"left":["boris"]})";
  one_.crew.give(0, partly);
  one_.round();
  pass(milliseconds(1'000));
  one_.round();
  ASSERT_EQ(one_.crew.begun.size(), 2u);
  EXPECT_EQ(one_.crew.begun[1].request, R"({"left":["boris"]})");
}

TEST_P(JobRunnerTest, AFailureForNowIsTriedAgainLaterAndLater) {
  put("anna", 1);
  one_.round();
  one_.crew.give(0, again());
  one_.round();
  pass(milliseconds(999));
  one_.round();
  EXPECT_EQ(one_.crew.begun.size(), 1u);
  pass(milliseconds(1));
  one_.round();
  ASSERT_EQ(one_.crew.begun.size(), 2u);
  EXPECT_EQ(one_.crew.begun[1].attempt, 2u);
  one_.crew.give(1, again());
  one_.round();
  pass(milliseconds(1'999));
  one_.round();
  EXPECT_EQ(one_.crew.begun.size(), 2u);
  pass(milliseconds(1));
  one_.round();
  EXPECT_EQ(one_.crew.begun.size(), 3u);
}

TEST_P(JobRunnerTest, TheLastAttemptThatFailsIsALetterAndTheDialogHearsOfIt) {
  put("anna", 1);
  for (std::size_t i = 0; i < 3; ++i) {
    one_.round();
    ASSERT_EQ(one_.crew.begun.size(), i + 1);
    one_.crew.give(i, again());
    one_.round();
    pass(milliseconds(10'000));
  }
  EXPECT_EQ(inbox(), Texts{"anna 1 error: busy"});
  EXPECT_EQ(letters(), 1u);
  one_.round();
  EXPECT_EQ(one_.crew.begun.size(), 3u);
}

TEST_P(JobRunnerTest, ALeaseIsRenewedAsLongAsTheWorkGoesOn) {
  Process two(database_.url(), clock_);
  put("anna", 1);
  one_.round();
  for (int i = 0; i < 20; ++i) {
    pass(milliseconds(10'000));
    one_.round(false);
    two.round();
  }
  EXPECT_TRUE(two.crew.begun.empty());
  one_.crew.give(0, result("late, and in time"));
  EXPECT_TRUE(one_.round(false).stored);
}

TEST_P(JobRunnerTest, TheResultOfALostLeaseIsIgnored) {
  Process two(database_.url(), clock_);
  put("anna", 1);
  one_.round();
  // It stands still for longer than its lease, and goes on.
  pass(milliseconds(JobRunner::kLease.ms));
  two.round();
  ASSERT_EQ(two.crew.begun.size(), 1u);
  one_.crew.give(0, result("old"));
  EXPECT_FALSE(one_.round(false).stored);
  EXPECT_EQ(inbox(), Texts{});
  EXPECT_EQ(one_.figures().ignored, 1u);
  two.crew.give(0, result("new"));
  EXPECT_TRUE(two.round(false).stored);
  EXPECT_EQ(inbox(), Texts{R"(anna 1 "new")"});
}

TEST_P(JobRunnerTest, WhoLosesALeaseStopsTheWorkWhenItWouldRenewIt) {
  Process two(database_.url(), clock_);
  const std::int64_t id = put("anna", 1);
  one_.round();
  pass(milliseconds(JobRunner::kLease.ms));
  two.round();
  one_.round(false);
  EXPECT_EQ(one_.crew.abandoned, std::vector<std::int64_t>{id});
  EXPECT_EQ(one_.runner.running(), 0u);
  one_.crew.give(0, result("old"));
  EXPECT_FALSE(one_.round(false).stored);
}

TEST_P(JobRunnerTest, AJobThatNobodyWaitsForAnyMoreIsStopped) {
  put("anna", 1);
  one_.round();
  ASSERT_TRUE(one_.storage.transact([&](Transaction& tx) {
    return tx.jobs().cancel(tx.load_dialog({"shop", {"telegram", "anna"}, "anna"})->id, 1);
  }));
  pass(milliseconds(10'000));
  one_.round(false);
  EXPECT_EQ(one_.crew.abandoned.size(), 1u);
}

TEST_P(JobRunnerTest, AJobThatKillsItsProcessEachTimeIsGivenUp) {
  put("anna", 1);
  for (int i = 0; i < 3; ++i) {
    Process killed(database_.url(), clock_);  // goes without a word
    killed.round();
    EXPECT_EQ(killed.crew.begun.size(), 1u);
    pass(milliseconds(JobRunner::kLease.ms));
  }
  EXPECT_TRUE(one_.round().stored);
  EXPECT_TRUE(one_.crew.begun.empty());
  EXPECT_EQ(inbox(), Texts{"anna 1 error: the process died while working on it"});
  EXPECT_EQ(letters(), 1u);
}

TEST_P(JobRunnerTest, StoppingGivesBackWhatIsUnderWayAndStoresWhatIsDone) {
  put("anna", 1);
  put("boris", 1);
  one_.round();
  ASSERT_EQ(one_.crew.begun.size(), 2u);
  one_.crew.give(0, result("done"));
  ASSERT_TRUE(one_.runner.stop(one_.storage));
  EXPECT_EQ(inbox(), Texts{R"(anna 1 "done")"});
  EXPECT_EQ(one_.crew.abandoned, std::vector<std::int64_t>{one_.crew.begun[1].id});
  one_.crew.give(1, result("late"));
  Process two(database_.url(), clock_);
  two.round();
  ASSERT_EQ(two.crew.begun.size(), 1u) << "at once, without waiting for the lease";
  EXPECT_EQ(two.crew.begun[0].attempt, 1u) << "a stop is no failure";
  EXPECT_FALSE(one_.round(false).stored);
}

TEST_P(JobRunnerTest, AnErrandIsDoneWithTheNextRound) {
  ASSERT_TRUE(one_.crew.work.is_served());
  Stored<Done> became = Done{};
  const auto want = [&](const char* position) {
    return std::thread([&, position] { became = one_.crew.work.run([this, position](Transaction& tx) { return tx.set_position("shop", "errand", position, clock_.now()); }); });
  };
  const auto kept = [&] {
    std::string position;
    EXPECT_TRUE(one_.storage.transact([&](Transaction& tx) -> Stored<Done> {
      auto found = tx.position("shop", "errand");
      if (!found) return Error{found.error()};
      position = *found;
      return Done{};
    }));
    return position;
  };
  const auto wait = [&] {
    while (!one_.runner.has_results()) std::this_thread::yield();
  };
  std::thread worker = want("1");
  wait();
  one_.round(false);
  worker.join();
  EXPECT_TRUE(became);
  EXPECT_EQ(kept(), "1");

  one_.storage.fail_by([number = 0](Storage::Place place) mutable -> std::optional<StorageError> {
    if (place != Storage::Place::Commit || ++number != 1) return std::nullopt;
    return StorageError{StorageError::Kind::Busy, "busy"};
  });
  worker = want("2");
  wait();
  EXPECT_FALSE(one_.runner.round(one_.storage, false, true));
  worker.join();
  ASSERT_FALSE(became);
  EXPECT_EQ(became.error().message, "busy");
  EXPECT_EQ(kept(), "1");
}

TEST_P(JobRunnerTest, WhoStopsDoesTheLastErrandsAndNoFurtherOnes) {
  Process mailer(database_.url(), clock_, true);
  put("anna", 1);
  mailer.round();
  ASSERT_EQ(mailer.crew.begun.size(), 1u);
  mailer.crew.handed_over = result("sent");
  mailer.crew.last_errand = [this](Transaction& tx) { return tx.set_position("shop", "errand", "last", clock_.now()); };
  ASSERT_TRUE(mailer.runner.stop(mailer.storage));
  EXPECT_EQ(inbox(), Texts{R"(anna 1 "sent")"});
  for (std::thread& one : mailer.crew.threads) one.join();
  mailer.crew.threads.clear();
  EXPECT_TRUE(mailer.crew.last_became);
  EXPECT_FALSE(mailer.crew.work.is_served());
  EXPECT_FALSE(mailer.crew.work.run(mailer.crew.last_errand));
}

TEST_P(JobRunnerTest, OneThatWaitsForItsNextTryIsNotForgottenForOneThatHangs) {
  put("anna", 1);
  one_.round();
  one_.crew.give(0, again());
  one_.round();
  put("boris", 1);
  one_.round();
  ASSERT_EQ(one_.crew.begun.size(), 2u);
  one_.round(false);
  pass(milliseconds(1'000));
  one_.round(false);
  ASSERT_EQ(one_.crew.begun.size(), 3u) << "though what was begun for boris never ends";
  EXPECT_EQ(one_.crew.begun[2].id, one_.crew.begun[0].id);
}

TEST_P(JobRunnerTest, WhoStopsWaitsForWhatIsDoneByThen) {
  Process mailer(database_.url(), clock_, true);
  put("anna", 1);
  mailer.round();
  ASSERT_EQ(mailer.crew.begun.size(), 1u);
  JobResult half = again();
  half.rest = R"({"left":["boris"]})";
  mailer.crew.handed_over = half;
  ASSERT_TRUE(mailer.runner.stop(mailer.storage));
  Process two(database_.url(), clock_, true);
  pass(milliseconds(1'000));
  two.round();
  ASSERT_EQ(two.crew.begun.size(), 1u);
  EXPECT_EQ(two.crew.begun[0].request, half.rest) << "who has the letter does not get it again";
}

TEST_P(JobRunnerTest, AJobThatIsWorthItCanBeTriedAgainWithWhatIsLeft) {
  Process mailer(database_.url(), clock_, true);
  put("anna", 1);
  mailer.round();
  ASSERT_EQ(mailer.crew.begun.size(), 1u);
  JobResult refused{JobResult::Kind::Failed, {}, "550", {}, {}, {}};
  refused.rest = R"({"left":["boris"]})";
  mailer.crew.give(0, refused);
  mailer.round();
  ASSERT_TRUE(mailer.storage.transact([&](Transaction& tx) -> Stored<Done> {
    auto found = tx.housekeeping().letters("shop", 10);
    if (!found) return Error{found.error()};
    EXPECT_EQ(found->size(), 1u);
    EXPECT_TRUE(found->at(0).retryable) << found->at(0).subject;
    auto put = tx.housekeeping().put_back(found->at(0), clock_.now());
    if (!put) return Error{put.error()};
    return Done{};
  }));
  mailer.round();
  ASSERT_EQ(mailer.crew.begun.size(), 2u);
  EXPECT_EQ(mailer.crew.begun[1].request, refused.rest);
  EXPECT_EQ(mailer.crew.begun[1].attempt, 1u);
  mailer.crew.give(1, result("true"));
  mailer.round();
  EXPECT_EQ(inbox(), Texts{"anna 1 error: 550"}) << "nobody waits for the second try";
}

TEST_P(JobRunnerTest, ARestartedProcessOfADatabaseOfItsOwnTakesItsJobsUpAtOnce) {
  if (GetParam() == DatabaseUnderTest::Postgres) GTEST_SKIP() << "others may be working on them";
  put("anna", 1);
  one_.round();
  Process two(database_.url(), clock_);
  ASSERT_TRUE(two.runner.start(two.storage));
  two.round();
  ASSERT_EQ(two.crew.begun.size(), 1u);
  EXPECT_EQ(two.crew.begun[0].attempt, 2u);
}

TEST_P(JobRunnerTest, AResultThatCouldNotBeStoredIsStoredLater) {
  put("anna", 1);
  one_.round();
  one_.crew.give(0, result("7"));
  one_.storage.fail_by([](Storage::Place place) -> std::optional<StorageError> {
    if (place != Storage::Place::Commit) return std::nullopt;
    return StorageError{StorageError::Kind::Busy, "busy"};
  });
  EXPECT_FALSE(one_.runner.round(one_.storage, false, true));
  one_.storage.fail_by({});
  EXPECT_TRUE(one_.round(false).stored);
  EXPECT_EQ(inbox(), Texts{R"(anna 1 "7")"});
}

TEST_P(JobRunnerTest, AResultAndTheClaimOfTheNextAreStoredTogetherOrNeither) {
  put("anna", 1);
  one_.round();
  one_.crew.give(0, result("7"));
  put("boris", 2);
  const std::size_t begun = one_.crew.begun.size();
  one_.storage.fail_by([number = 0](Storage::Place place) mutable -> std::optional<StorageError> {
    if (place != Storage::Place::Commit || ++number != 1) return std::nullopt;
    return StorageError{StorageError::Kind::Busy, "busy"};
  });
  EXPECT_FALSE(one_.runner.round(one_.storage, true, true));
  EXPECT_TRUE(inbox().empty());
  EXPECT_EQ(one_.crew.begun.size(), begun);
  EXPECT_TRUE(one_.round(false).stored) << "or nobody would play it";
  EXPECT_EQ(inbox(), Texts{R"(anna 1 "7")"});
  EXPECT_EQ(one_.crew.begun.size(), begun + 1);
}

TEST_P(JobRunnerTest, AJobIsBegunOnlyWhenItsClaimIsStored) {
  put("anna", 1);
  one_.storage.fail_by([](Storage::Place place) -> std::optional<StorageError> {
    if (place != Storage::Place::Commit) return std::nullopt;
    return StorageError{StorageError::Kind::Busy, "busy"};
  });
  EXPECT_FALSE(one_.runner.round(one_.storage, true, true));
  EXPECT_TRUE(one_.crew.begun.empty());
  one_.storage.fail_by({});
  one_.round(false);
  EXPECT_EQ(one_.crew.begun.size(), 1u);
}

// ---- the engine

constexpr const char* kScenario = R"(
scenario: jobs
language: en
start: welcome
branches:
  welcome:
    - ask: area
    - run: estimate
      with: {area: area}
      into: price
      on_error:
        - say: "no price: {{ price.error }}"
        - go: welcome
    - say: "price {{ price }}"
    - ask: phone
    - say: "thanks {{ phone }}"
questions:
  area: {text: "area?"}
  phone: {text: "phone?"}
)";

class TestCourier : public Courier {
 public:
  void deliver(std::string_view, const ChatAddress&, const ApiCall& call, std::function<void(Outcome)> done) override {
    sent.push_back(call.body);
    done(Outcome{});
  }
  void later(Duration, std::function<void()>) override {}
  std::vector<std::string> sent;
};

class EngineWithJobs : public ::testing::Test {
 protected:
  EngineWithJobs() {
    Loaded loaded = load_scenario_text({{"scenario.yaml", kScenario}});
    EXPECT_TRUE(loaded.program);
    setup_.name = "bot";
    setup_.program = loaded.program;
    setup_.renderers["telegram"] = &renderer_;
    engine_ = make();
  }
  std::unique_ptr<Engine> make() {
    auto opened = Storage::open(database_.url(), Durability::Normal);
    EXPECT_TRUE(opened);
    auto engine = std::make_unique<Engine>(std::move(*opened), std::vector<BotSetup>{setup_}, courier_, clock_);
    engine->work(crew_);
    EXPECT_TRUE(engine->start({}, Engine::Drive::Caller));
    return engine;
  }
  /// `ago`: how long it has waited for a process.
  void say(const std::string& text, Duration ago = {}) {
    Incoming update;
    update.id = std::to_string(++last_);
    update.chat = {"telegram", "a"};
    update.person.id = "a";
    UserMessage message;
    message.text = text;
    update.event = Event{Moment{clock_.now().unix_ms - ago.ms}, 0, std::move(message)};
    engine_->take("bot", "telegram", {update}, update.id, false, [](bool) {});
    rounds();
  }
  void rounds() {
    for (int i = 0; i < 4; ++i) {
      clock_.passed += milliseconds(1);
      engine_->round();
    }
  }
  void give(std::size_t which, JobResult result) {
    crew_.give(which, std::move(result));
    rounds();
  }
  std::vector<std::string> said() { return std::exchange(courier_.sent, {}); }
  /// What the journal has of the one dialog; the engine ends.
  RecordedDialog recorded() {
    engine_.reset();
    RecordedDialog dialog;
    auto storage = Storage::open(database_.url(), Durability::Normal);
    EXPECT_TRUE(storage);
    const auto done = storage->transact([&](Transaction& tx) -> Stored<Done> {
      dialog.id = 1;
      dialog.key = {"bot", {"telegram", "a"}, "a"};
      auto row = tx.load_dialog(dialog.key);
      auto rows = tx.journal(dialog.id, 1000);
      if (!row || !rows) return Error{row ? rows.error() : row.error()};
      dialog.user = row->user;
      dialog.rows = std::move(*rows);
      return Done{};
    });
    EXPECT_TRUE(done);
    return dialog;
  }

  using Texts = std::vector<std::string>;
  TestDatabase database_{DatabaseUnderTest::Sqlite};
  TestClock clock_;
  TestCrew crew_;
  PlainRenderer renderer_;
  TestCourier courier_;
  BotSetup setup_;
  std::unique_ptr<Engine> engine_;
  int last_ = 0;
};

TEST_F(EngineWithJobs, AStepIsDoneOutsideOfItsTurnAndTheDialogGoesOnWithTheResult) {
  say("hello");
  say("54");
  EXPECT_EQ(said(), (Texts{"area?"}));
  ASSERT_EQ(crew_.begun.size(), 1u);
  EXPECT_EQ(crew_.begun[0].request, R"({"area":"54"})");
  give(0, result("7"));
  EXPECT_EQ(said(), (Texts{"price 7", "phone?"}));
  EXPECT_EQ(engine_->working(), 0u);
}

TEST_F(EngineWithJobs, WhatIsWrittenMeanwhileIsHeardBehindTheResult) {
  say("hello");
  say("54");
  say("123");
  said();
  give(0, result("7"));
  EXPECT_EQ(said(), (Texts{"price 7", "phone?", "thanks 123"}));
}

/// What a program cannot bear.
class SoreRenderer : public PlainRenderer {
 public:
  std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const override {
    if (message.text.text.find("poison") != std::string::npos) {
      ++met;
      throw std::runtime_error("poison");
    }
    return PlainRenderer::render(chat, message);
  }
  mutable int met = 0;
};

TEST_F(EngineWithJobs, WhatIsWrittenMeanwhileAndCannotBeHeardHoldsUpNothing) {
  const SoreRenderer sore;
  setup_.renderers["telegram"] = &sore;
  engine_.reset();
  engine_ = make();
  say("hello");
  say("54");
  for (const char* text : {"poison", "123"}) say(text);
  said();
  give(0, result("7"));
  rounds();
  // The result is heard once, the message fails for itself, and the one behind it is heard.
  const Texts all = said();
  EXPECT_EQ(std::count(all.begin(), all.end(), "price 7"), 1);
  EXPECT_EQ(std::count(all.begin(), all.end(), "thanks 123"), 1);
  EXPECT_EQ(all.front(), "price 7");
  say("/start");
  EXPECT_EQ(said(), (Texts{"area?"}));
  say("60");
  give(1, result("8"));
  EXPECT_EQ(said(), (Texts{"price 8", "phone?"}));
  engine_.reset();
  EXPECT_EQ(database_.ask("SELECT count(*) FROM inbox"), "0");
  EXPECT_EQ(database_.ask("SELECT count(*) FROM dead_letters"), "1");
}

TEST_F(EngineWithJobs, HoweverManyWereWrittenBeforeOneThatCannotBeHeardItIsTriedNoMoreOften) {
  const SoreRenderer sore;
  setup_.renderers["telegram"] = &sore;
  Loaded loaded = load_scenario_text({{"scenario.yaml", R"(
scenario: jobs
language: en
start: welcome
branches:
  welcome:
    - ask: area
    - run: estimate
      with: {area: area}
      into: price
    - go: talk
  talk:
    - ask: word
    - say: "heard {{ word }}"
    - go: talk
questions:
  area: {text: "area?"}
  word: {text: "word?"}
)"}});
  ASSERT_TRUE(loaded.program);
  setup_.program = loaded.program;
  engine_.reset();
  engine_ = make();
  say("hello");
  say("54");
  const Texts words{"one", "two", "three", "four", "poison", "five"};
  for (const std::string& word : words) say(word);
  said();
  give(0, result("7"));
  rounds();
  Texts heard;
  for (std::string& text : said())
    if (text.starts_with("heard ")) heard.push_back(text.substr(6));
  EXPECT_EQ(heard, (Texts{"one", "two", "three", "four", "five"}));
  // Once in one turn with all of them, in a transaction with other events and then without, and as often as any event for
  // itself.
  EXPECT_EQ(sore.met, 2 + static_cast<int>(Player::kMaxAttempts));
  engine_.reset();
  EXPECT_EQ(database_.ask("SELECT count(*) FROM dead_letters"), "1");
}

TEST_F(EngineWithJobs, AJobThatWordsOfLongAgoAskForHasItsWholeTime) {
  say("hello");
  // Nobody was there to hear it.
  say("54", Duration{30 * 60'000});
  rounds();
  EXPECT_EQ(said(), (Texts{"area?"}));
  give(0, result("7"));
  EXPECT_EQ(said(), (Texts{"price 7", "phone?"}));
  const Replayed again = replay(recorded(), {setup_.program, false, false, {}});
  EXPECT_EQ(again.end, Replayed::End::Same) << words_of(again.why, Language::English);
  EXPECT_EQ(again.turns.size(), 3u);
}

TEST_F(EngineWithJobs, AProcessThatStopsLeavesTheJobToTheNext) {
  say("hello");
  say("54");
  said();
  engine_->stop(Duration{0});
  engine_ = make();
  rounds();
  ASSERT_EQ(crew_.begun.size(), 2u);
  give(0, result("old"));
  EXPECT_EQ(said(), Texts{});
  give(1, result("new"));
  EXPECT_EQ(said(), (Texts{"price new", "phone?"}));
}

TEST_F(EngineWithJobs, AFailureIsTheSteps) {
  say("hello");
  say("54");
  said();
  give(0, {JobResult::Kind::Failed, {}, "exit code 1", {}, {}});
  EXPECT_EQ(said(), (Texts{"no price: exit code 1", "area?"}));
  EXPECT_EQ(engine_->job_figures().at(0).failed, 1u);
}

TEST_F(EngineWithJobs, AStoppingEngineBeginsNoJob) {
  say("hello");
  engine_->stop(Duration{0});
  EXPECT_TRUE(crew_.begun.empty());
}

}  // namespace
}  // namespace sufler

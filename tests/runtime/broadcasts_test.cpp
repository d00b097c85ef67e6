// Whole broadcasts by an engine that its caller drives, with a clock that nobody waits for and a platform that answers as
// told; processes die by a database that lets nothing more through.
#include "interpreter/runtime/broadcasts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "databases/test_database.h"
#include "interpreter/core/broadcast.h"
#include "interpreter/runtime/engine.h"
#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/operations.h"
#include "runtime/plain_renderer.h"
#include "schema/loader.h"
#include "storage/broadcast_store.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

/// A Sunday, 12:00 in UTC.
constexpr Moment kSunday{1'773'576'000'000};
constexpr std::int64_t kHour = 3'600'000;

std::shared_ptr<const Program> load(const std::string& yaml) {
  Loaded loaded = load_scenario_text({{"scenario.yaml", yaml}});
  EXPECT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
  return loaded.program;
}

std::string scenario(const std::string& broadcast, const std::string& rest = {}) {
  return "scenario: shop\nlanguage: en\nstart: hello\nbranches:\n  hello: [{say: hi}]\n  news:\n    - broadcast: " + broadcast +
         "\n  people: [{handoff: staff}]\n" + rest +
         "commands:\n  news: {on: /news, go: news}\n  people: {on: /people, go: people}\n"
         "handoff:\n  staff: {to: admins, mode: silent, resume: {words: [/bot]}}\n";
}

class TestClock : public Clock {
 public:
  Moment now() const override { return Moment{start.unix_ms + passed.count()}; }
  milliseconds monotonic() const override { return passed; }
  Moment start = kSunday;
  milliseconds passed{1};
};

/// A platform: what each person got, and when.
class TestCourier : public Courier {
 public:
  explicit TestCourier(TestClock& clock) : clock_(clock) {}
  void deliver(std::string_view, const ChatAddress& chat, const ApiCall& call, std::function<void(Outcome)> done) override {
    if (hold && hold(chat, done)) return;
    if (answer) {
      Outcome outcome = answer(chat.chat_id);
      if (outcome.kind != Outcome::Kind::Sent) return done(std::move(outcome));
    }
    got[chat.chat_id].push_back(call.body);
    times.push_back(clock_.passed.count());
    done(Outcome{});
  }
  void later(Duration delay, std::function<void()> job) override { jobs.emplace(clock_.passed.count() + delay.ms, std::move(job)); }
  void run_due() {
    while (!jobs.empty() && jobs.begin()->first <= clock_.passed.count()) {
      auto job = std::move(jobs.begin()->second);
      jobs.erase(jobs.begin());
      job();
    }
  }
  std::size_t people_with(const std::string& text) const {
    std::size_t count = 0;
    for (const auto& [chat, texts] : got) count += std::count(texts.begin(), texts.end(), text) > 0 ? 1 : 0;
    return count;
  }
  /// The most within any second.
  std::size_t most_in_a_second() const {
    std::size_t most = 0;
    for (std::size_t i = 0, first = 0; i < times.size(); ++i) {
      while (times[i] - times[first] >= 1000) ++first;
      most = std::max(most, i - first + 1);
    }
    return most;
  }

  std::map<std::string, std::vector<std::string>> got;
  std::vector<std::int64_t> times;
  std::multimap<std::int64_t, std::function<void()>> jobs;
  std::function<Outcome(const std::string&)> answer;
  std::function<bool(const ChatAddress&, std::function<void(Outcome)>&)> hold;  ///< true: it answers later

 private:
  TestClock& clock_;
};

class BroadcastTest : public ::testing::Test {
 protected:
  ~BroadcastTest() override { engine_.reset(); }

  void begin(const std::string& yaml) {
    setup_ = BotSetup{};
    setup_.name = "shop";
    setup_.program = load(yaml);
    setup_.renderers["telegram"] = setup_.renderers["vk"] = &renderer_;
    setup_.roles["admins"] = {{"telegram", "owner"}};
    start();
  }
  void start() {
    auto opened = Storage::open(database_.url(), Durability::Normal);
    ASSERT_TRUE(opened) << opened.error().message;
    opened->fail_by([this](Storage::Place place) -> std::optional<StorageError> {
      if (left_ == 0) return StorageError{StorageError::Kind::Lost, "the process died"};
      if (left_ > 0 && place == dies_at_ && --left_ == 0) return StorageError{StorageError::Kind::Lost, "the process died"};
      return std::nullopt;
    });
    engine_ = std::make_unique<Engine>(std::move(*opened), std::vector<BotSetup>{setup_}, courier_, clock_);
    if (paced_) {
      SendingLimits limits;
      limits.bot = {30, Duration{1000}};
      engine_->keep_to("shop", "telegram", limits);
    }
    ASSERT_TRUE(engine_->start({}, Engine::Drive::Caller));
  }
  /// Nothing of what it does from now on is stored, and what it had in memory is gone.
  void die() {
    left_ = 0;
    engine_.reset();
    courier_.jobs.clear();
    left_ = -1;
  }
  void say(const std::string& person, const std::string& text) {
    Incoming update;
    update.id = std::to_string(++last_);
    update.chat = {"telegram", person};
    update.person.id = person;
    update.person.first_name = person;
    UserMessage message;
    message.text = text;
    update.event = Event{clock_.now(), 0, std::move(message)};
    engine_->take("shop", "telegram", {update}, update.id, false, [](bool) {});
    rounds();
  }
  void rounds() {
    for (int i = 0; i < 4; ++i) engine_->round(), courier_.run_due();
  }
  /// As the engine's thread and the network's would, until `time` has passed or `until` says so.
  void pass(std::int64_t time, const std::function<bool()>& until = {}) {
    const milliseconds end = clock_.passed + milliseconds(time);
    while (clock_.passed < end && !(until && until())) {
      const auto rest = engine_->round();
      milliseconds next = rest ? clock_.passed + std::max(milliseconds(1), *rest) : end;
      if (!courier_.jobs.empty()) next = std::min(next, milliseconds(courier_.jobs.begin()->first));
      clock_.passed = std::min(end, std::max(next, clock_.passed + milliseconds(1)));
      courier_.run_due();
    }
  }
  /// People who have written to the bot before.
  void people(int count, const std::string& transport = "telegram", int first = 1000) {
    auto opened = Storage::open(database_.url(), Durability::Normal);
    ASSERT_TRUE(opened);
    ASSERT_TRUE(opened->transact([&](Transaction& tx) -> Stored<Done> {
      for (int i = 0; i < count; ++i) {
        const std::string id = std::to_string(first + i);
        const DialogKey key{"shop", {transport, id}, id};
        auto row = tx.load_dialog(key);
        if (!row) return Error{row.error()};
        UserRecord user;
        user.id = user.first_name = id;
        row->user = to_json(user);
        if (auto saved = tx.save_dialog(key, *row, true, kSunday); !saved) return saved;
      }
      return Done{};
    }));
  }
  nlohmann::json ask(const std::string& request) {
    nlohmann::json answer;
    engine_->ask([&](Storage& storage) { answer = nlohmann::json::parse(operate(storage, request, clock_.now()).answer); });
    rounds();
    return answer;
  }
  nlohmann::json newest() { return ask(R"({"op":"broadcasts"})")["broadcasts"].at(0); }
  std::string state() { return newest()["state"]; }

  TestDatabase database_{DatabaseUnderTest::Sqlite};
  TestClock clock_;
  TestCourier courier_{clock_};
  PlainRenderer renderer_;
  BotSetup setup_;
  bool paced_ = true;
  int left_ = -1;  ///< transactions until the process dies; below 0: it lives
  Storage::Place dies_at_ = Storage::Place::Begin;
  std::unique_ptr<Engine> engine_;
  int last_ = 0;
};

TEST_F(BroadcastTest, KeepsToThePlatformsLimitAndUsesAllOfIt) {
  people(600);
  begin(scenario("\"{{ user.first_name }}, hello\""));
  const std::int64_t began = clock_.passed.count();
  say("owner", "/news");
  pass(kHour, [&] { return courier_.got.size() == 601; });
  EXPECT_EQ(courier_.got.at("1007"), std::vector<std::string>{"1007, hello"});
  EXPECT_EQ(courier_.most_in_a_second(), 30u);
  EXPECT_NEAR(static_cast<double>(courier_.times.back() - began), 20'000.0, 200.0) << "601 people at 30 a second";
  pass(1000);
  EXPECT_EQ(state(), "done");
  EXPECT_EQ(courier_.got.at("owner"), (std::vector<std::string>{"owner, hello", "The broadcast is over. Sent: 601, not delivered: 0, left out: 0."}));
}

TEST_F(BroadcastTest, TenKillsRepeatNothingAndEverybodyIsAccountedFor) {
  constexpr int kPeople = 3000;
  people(kPeople);
  begin(scenario("hello"));
  say("owner", "/news");
  std::mt19937 chance(8);
  for (int kill = 0; kill < 10; ++kill) {
    dies_at_ = std::array{Storage::Place::Begin, Storage::Place::Commit, Storage::Place::Answer}[static_cast<std::size_t>(kill) % 3];
    left_ = static_cast<int>(3 + chance() % 200);
    pass(kHour, [&] { return left_ == 0; });
    ASSERT_EQ(left_, 0) << "it died at " << kill;
    die();
    start();
  }
  pass(kHour, [&] { return false; });
  std::size_t got = 0;
  for (const auto& [chat, texts] : courier_.got) {
    const auto hellos = std::count(texts.begin(), texts.end(), "hello");
    EXPECT_LE(hellos, 1) << chat;
    got += static_cast<std::size_t>(hellos);
  }
  const auto row = newest();
  EXPECT_EQ(row["state"], "done");
  EXPECT_EQ(row["people"], kPeople + 1);
  EXPECT_EQ(row["given"], kPeople + 1);
  // Whether a message left whose process died with it nobody can know on Telegram; no more than a few can be such.
  EXPECT_EQ(row["sent"].get<int>() + row["unknown"].get<int>(), kPeople + 1);
  EXPECT_LE(row["unknown"].get<int>(), 10 * 3);
  EXPECT_GE(got, row["sent"].get<std::size_t>());
  EXPECT_LE(got, static_cast<std::size_t>(kPeople + 1));
  // A process that has just begun does not know what the one before it sent in this second.
  EXPECT_LE(courier_.most_in_a_second(), 60u);
}

TEST_F(BroadcastTest, WherePlatformsSeeRepeatsTenKillsLoseNobody) {
  class KnowsRepeats : public PlainRenderer {
   public:
    bool tells_repeats() const override { return true; }
  } renderer;
  constexpr int kPeople = 600;
  people(kPeople);
  setup_ = BotSetup{};
  setup_.name = "shop";
  setup_.program = load(scenario("hello"));
  setup_.renderers["telegram"] = &renderer;
  start();
  say("owner", "/news");
  std::mt19937 chance(7);
  for (int kill = 0; kill < 10; ++kill) {
    left_ = static_cast<int>(3 + chance() % 40);
    pass(kHour, [&] { return left_ == 0; });
    ASSERT_EQ(left_, 0);
    die();
    start();
  }
  pass(kHour);
  EXPECT_EQ(courier_.people_with("hello"), static_cast<std::size_t>(kPeople + 1));
  EXPECT_EQ(newest()["sent"], kPeople + 1);
  engine_.reset();
}

TEST_F(BroadcastTest, CustomersAreAnsweredBetweenTwoOfIt) {
  people(600);
  begin(scenario("hello"));
  say("owner", "/news");
  pass(5000);
  const std::int64_t wrote = clock_.passed.count();
  say("customer", "hi there");
  pass(2000, [&] { return courier_.got.contains("customer"); });
  EXPECT_LE(clock_.passed.count() - wrote, 150);
}

TEST_F(BroadcastTest, GoesAtItsOwnRate) {
  people(50);
  begin(scenario("hello\n      rate: 5"));
  say("owner", "/news");
  pass(kHour, [&] { return courier_.got.size() == 51; });
  EXPECT_NEAR(static_cast<double>(courier_.times.back() - courier_.times.front()), 10'000.0, 300.0);
  EXPECT_LE(courier_.most_in_a_second(), 6u);
}

TEST_F(BroadcastTest, WhereNoLimitIsKnownItGoesAtThirtyASecond) {
  paced_ = false;
  people(300);
  begin(scenario("hello"));
  say("owner", "/news");
  pass(kHour, [&] { return courier_.got.size() == 301; });
  EXPECT_NEAR(static_cast<double>(courier_.times.back() - courier_.times.front()), 10'000.0, 300.0);
}

TEST_F(BroadcastTest, WhoBlockedTheBotIsCountedAndLeavesNoLetter) {
  people(10);
  begin(scenario("hello"));
  courier_.answer = [](const std::string& chat) {
    Outcome outcome;
    if (chat == "1003") outcome.kind = Outcome::Kind::Failed, outcome.unreachable = true, outcome.reason = "blocked";
    if (chat == "1004") outcome.kind = Outcome::Kind::Failed, outcome.reason = "no such chat";
    return outcome;
  };
  say("owner", "/news");
  pass(10'000);
  auto row = newest();
  EXPECT_EQ(row["sent"], 9);
  EXPECT_EQ(row["failed"], 2);
  EXPECT_EQ(row["failed_blocked"], 1);
  EXPECT_EQ(ask(R"({"op":"letters"})")["letters"].size(), 1u) << "of the one that is no everyday thing";
  // The next one knows.
  say("owner", "/news");
  pass(10'000);
  row = newest();
  EXPECT_EQ(row["people"], 10);
  EXPECT_EQ(row["left_out"]["blocked"], 1);
}

TEST_F(BroadcastTest, ARefusalForNowOfTheWholeBotIsWaitedFor) {
  people(60);
  begin(scenario("hello"));
  int refused = 0;
  courier_.answer = [&](const std::string& chat) {
    Outcome outcome;
    if (chat == "1020" && refused++ == 0)
      outcome.kind = Outcome::Kind::Retry, outcome.after = Duration{30'000}, outcome.whole_bot = true;
    return outcome;
  };
  say("owner", "/news");
  pass(5000);
  EXPECT_LE(courier_.got.size(), 24u) << "no more are given their turn";
  EXPECT_EQ(state(), "sending");
  pass(40'000);
  EXPECT_EQ(courier_.people_with("hello"), 61u);
  EXPECT_EQ(newest()["sent"], 61);
}

TEST_F(BroadcastTest, APlatformThatDoesNotAnswerSwallowsFewOfIt) {
  people(2000);
  begin(scenario("hello"));
  bool silent = true;
  courier_.answer = [&](const std::string&) {
    Outcome outcome;
    if (silent) outcome.kind = Outcome::Kind::Unknown, outcome.reason = "no answer";
    return outcome;
  };
  say("owner", "/news");
  pass(60'000);
  const std::int64_t lost = newest()["unknown"].get<std::int64_t>();
  EXPECT_GT(lost, 0);
  EXPECT_LT(lost, 100) << "a minute without an answer, of eighteen hundred people who would have had their turn";
  EXPECT_EQ(state(), "sending");
  silent = false;
  pass(90'000);
  EXPECT_EQ(state(), "done");
  EXPECT_EQ(newest()["sent"].get<std::int64_t>() + newest()["unknown"].get<std::int64_t>(), 2001);
}

TEST_F(BroadcastTest, WhoIsOnAnotherPlatformDoesNotWaitForAFullOne) {
  people(200);
  people(50, "vk", 5000);
  begin(scenario("hello"));
  std::vector<std::function<void(Outcome)>> waiting;
  courier_.hold = [&](const ChatAddress& chat, std::function<void(Outcome)>& done) {
    if (chat.transport != "telegram") return false;
    waiting.push_back(std::move(done));
    return true;
  };
  say("owner", "/news");
  pass(10'000);
  EXPECT_EQ(courier_.people_with("hello"), 50u) << "all of VK";
  EXPECT_LT(waiting.size(), 200u) << "what is on its way and not answered is no more than so many";
  EXPECT_EQ(state(), "sending");
  courier_.hold = {};
  for (auto& done : waiting) done(Outcome{});
  pass(20'000);
  EXPECT_EQ(state(), "done");
  EXPECT_EQ(newest()["sent"], 251);
}

TEST_F(BroadcastTest, ItsOwnRateIsSharedByThePlatforms) {
  people(40);
  people(40, "vk", 5000);
  begin(scenario("{branch: hello}\n      rate: 2"));
  say("owner", "/news");
  pass(10'000);
  std::size_t on_vk = 0;
  for (const auto& [chat, texts] : courier_.got) on_vk += chat.starts_with("50") ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(on_vk), static_cast<double>(courier_.got.size()) / 2, 2);
  EXPECT_NEAR(static_cast<double>(courier_.got.size()), 20, 2);
}

TEST_F(BroadcastTest, NothingIsWrittenWhileNothingMoves) {
  people(100);
  begin(scenario("hello"));
  courier_.hold = [](const ChatAddress&, std::function<void(Outcome)>&) { return true; };
  say("owner", "/news");
  pass(5000);
  const std::string log = database_.url().substr(std::string("sqlite:").size()) + "-wal";
  const auto size = [&] { return std::filesystem::file_size(log); };
  ASSERT_GT(size(), 0u);
  // The log of the database is begun anew when all of it is in the database; no commit leaves it as it is.
  const auto before = std::filesystem::last_write_time(log);
  const auto bytes = size();
  pass(20'000);
  EXPECT_EQ(size(), bytes);
  EXPECT_EQ(std::filesystem::last_write_time(log), before);
  EXPECT_EQ(state(), "sending");
}

TEST_F(BroadcastTest, WhoseSilenceHasLapsedGetsIt) {
  begin("scenario: shop\nlanguage: en\nstart: hello\nbranches:\n  hello: [{say: hi}]\n  news:\n    - broadcast: hello\n  people: [{handoff: staff}]\n"
        "commands:\n  news: {on: /news, go: news}\n  people: {on: /people, go: people}\n"
        "handoff:\n  staff: {to: admins, mode: silent, resume: {words: [/bot], after: 2h}}\n");
  say("anna", "/start");
  say("anna", "/people");
  say("boris", "/start");
  pass(kHour);
  say("boris", "/people");
  pass(kHour + 60'000);
  say("owner", "/news");
  pass(5'000);
  EXPECT_EQ(newest()["left_out"]["with_staff"], 1) << "boris";
  EXPECT_EQ(newest()["people"], 2) << "anna and the owner";
  EXPECT_THAT(courier_.got["anna"], Contains("hello"));
  EXPECT_THAT(courier_.got["boris"], Not(Contains("hello")));
}

TEST_F(BroadcastTest, OneWhoseAuthorIsErasedGoesOnAndIsGoneWhenItIsOver) {
  people(100);
  begin(scenario("hello"));
  say("owner", "/news");
  pass(1000);
  ask(R"({"op":"erase","user":"telegram:owner","really":true})");
  EXPECT_EQ(newest()["begun_by"], "erased");
  pass(20'000);
  EXPECT_TRUE(ask(R"({"op":"broadcasts"})")["broadcasts"].empty());
  EXPECT_EQ(courier_.people_with("hello"), 100u) << "all but the owner";
}

TEST_F(BroadcastTest, IsPausedResumedAndStopped) {
  people(300);
  begin(scenario("hello"));
  say("owner", "/news");
  pass(2000);
  const std::string id = newest()["id"].dump();
  EXPECT_EQ(ask(R"({"op":"pause_broadcast","id":)" + id + "}")["broadcast"]["state"], "paused");
  pass(1000);
  const std::size_t then = courier_.got.size();
  pass(60'000);
  EXPECT_EQ(courier_.got.size(), then);
  EXPECT_GT(then, 50u);
  EXPECT_LT(then, 80u);
  EXPECT_EQ(ask(R"({"op":"resume_broadcast","id":)" + id + "}")["broadcast"]["state"], "sending");
  pass(2000);
  EXPECT_GT(courier_.got.size(), then + 50);
  ask(R"({"op":"stop_broadcast","id":)" + id + "}");
  pass(5000);
  const auto row = newest();
  EXPECT_EQ(row["state"], "stopped");
  EXPECT_EQ(row["sent"], courier_.people_with("hello"));
  EXPECT_EQ(row["left_out"]["late"].get<int>(), 301 - row["sent"].get<int>());
  EXPECT_THAT(courier_.got["owner"].back(), HasSubstr("was stopped. Sent: " + row["sent"].dump()));
  EXPECT_THAT(ask(R"({"op":"stop_broadcast","id":)" + id + "}").dump(), HasSubstr("is over"));
  EXPECT_THAT(ask(R"({"op":"stop_broadcast","id":77})").dump(), HasSubstr("there is no broadcast 77"));
}

TEST_F(BroadcastTest, QuietHoursGoOverMidnightAndTheChangeOfClocks) {
  people(3);
  // In the night of 2026-03-29 Berlin's clocks go from 02:00 to 03:00.
  clock_.start = Moment{1'774'733'400'000};  // 2026-03-28 21:30 UTC: 22:30 there
  std::string yaml = scenario("hello\n      quiet: {from: \"22:00\", to: \"09:00\"}");
  yaml.insert(yaml.find("start:"), "timezone: Europe/Berlin\n");
  begin(yaml);
  say("owner", "/news");
  pass(9 * kHour + kHour / 2 - 1000);  // 08:59:59, for the night is an hour shorter
  EXPECT_EQ(courier_.people_with("hello"), 0u);
  pass(3000);
  EXPECT_EQ(courier_.people_with("hello"), 4u);
}

TEST_F(BroadcastTest, ABranchThatIsRenamedMeanwhileIsFoundByMoved) {
  people(90);
  begin(scenario("{branch: offer}", "  offer: [{say: old}]\n"));
  say("owner", "/news");
  pass(1000);
  ASSERT_GT(courier_.people_with("old"), 10u);
  Serving serving;
  serving.program = load(scenario("{branch: deal}", "  deal: [{say: new}]\n") + "moved: {offer: deal}\n");
  serving.generation = 1;
  engine_->ask([&](Storage&) { engine_->serve("shop", std::move(serving)); });
  pass(20'000);
  EXPECT_EQ(courier_.people_with("old") + courier_.people_with("new"), 91u);
  EXPECT_GT(courier_.people_with("new"), 10u);
  EXPECT_EQ(newest()["sent"], 91);
}

TEST_F(BroadcastTest, ATextGoesOutAsItWasThoughTheStepIsGone) {
  people(90);
  begin(scenario("hello"));
  say("owner", "/news");
  pass(1000);
  Serving serving;
  serving.program = load("scenario: shop\nlanguage: en\nstart: hello\nbranches:\n  hello: [{say: hi}]\n");
  serving.generation = 1;
  engine_->ask([&](Storage&) { engine_->serve("shop", std::move(serving)); });
  pass(20'000);
  EXPECT_EQ(courier_.people_with("hello"), 91u);
}

TEST_F(BroadcastTest, AnOperatorLooksAtItCountsAndSendsIt) {
  people(20);
  begin(scenario("unused"));
  say("anna", "/people");
  auto counted = ask(R"({"op":"begin_broadcast","bot":"shop","text":"x","where":"user.id != '1000'","only_counts":true})");
  ASSERT_TRUE(counted.contains("broadcast")) << counted;
  pass(1000);
  auto row = newest();
  EXPECT_EQ(row["state"], "counted");
  EXPECT_EQ(row["people"], 19);
  EXPECT_EQ(row["left_out"]["where"], 1);
  EXPECT_EQ(row["left_out"]["with_staff"], 1);
  EXPECT_EQ(courier_.people_with("x"), 0u);

  ask(R"({"op":"begin_broadcast","bot":"shop","text":"look, {{ user.first_name }}","only":"telegram:1005"})");
  pass(1000);
  EXPECT_EQ(courier_.got["1005"].back(), "look, 1005");
  EXPECT_EQ(courier_.got.count("1006"), 0u);

  ask(R"({"op":"begin_broadcast","bot":"shop","text":"all","name":"n"})");
  pass(5000);
  EXPECT_EQ(courier_.people_with("all"), 20u);
  for (const auto& [request, why] : std::map<std::string, std::string>{
           {R"("text":"{{ user.first_name")", "cannot be read"},
           {R"("text":"{{ price }}")", "`price` is not known here"},
           {R"("text":"x","where":"user.vip ==")", "cannot be read"},
           {R"("text":"x","only":"telegram:nobody")", "has never written"}})
    EXPECT_THAT(ask(R"({"op":"begin_broadcast","bot":"shop",)" + request + "}").dump(), HasSubstr(why));
}

TEST_F(BroadcastTest, OnePersonsOddValueKeepsNobodyElse) {
  people(5);
  begin(scenario("hello\n      where: user.level + 1 > 2", "  vip: [{set: {user.level: 2}}]\n"));
  say("owner", "/news");
  pass(5000);
  EXPECT_EQ(newest()["state"], "done");
  EXPECT_EQ(newest()["left_out"]["where"], 6);
}

TEST_F(BroadcastTest, TheOutboxNeverHoldsMuchOfIt) {
  people(600);
  begin(scenario("hello"));
  std::size_t most = 0;
  courier_.answer = [&](const std::string&) {
    most = std::max(most, engine_->sending());
    return Outcome{};
  };
  say("owner", "/news");
  pass(10'000);
  EXPECT_GT(most, 0u);
  EXPECT_LE(most, 10u);
}

}  // namespace
}  // namespace sufler

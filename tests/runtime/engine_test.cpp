// The engine driven by its caller: no thread, a clock of the test.
#include "interpreter/runtime/engine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "runtime/plain_renderer.h"
#include "schema/loader.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;

constexpr const char* kScenario = R"(
scenario: engine
language: en
start: welcome
branches:
  welcome:
    - ask: word
    - say: "you said {{ word }}"
    - go: welcome
questions:
  word:
    text: "?"
    remind: {after: 5m, text: "still there?"}
)";

class TestClock : public Clock {
 public:
  Moment now() const override { return Moment{1'000'000 + passed.count()}; }
  milliseconds monotonic() const override { return passed; }
  milliseconds passed{1};
};

class TestCourier : public Courier {
 public:
  void deliver(std::string_view, const ChatAddress&, const ApiCall& call, std::function<void(Outcome)> done) override {
    sent.push_back(call.body);
    done(Outcome{});
  }
  void later(Duration, std::function<void()>) override {}
  std::vector<std::string> sent;
};

class EngineTest : public ::testing::Test {
 protected:
  EngineTest()
      : path_((std::filesystem::temp_directory_path() / ("sufler-engine-" + std::to_string(getpid()) + ".db")).string()) {
    remove_files();
    Loaded loaded = load_scenario_text({{"scenario.yaml", kScenario}});
    EXPECT_TRUE(loaded.program);
    setup_.name = "bot";
    setup_.program = loaded.program;
    setup_.renderers["telegram"] = &renderer_;
  }
  ~EngineTest() override { remove_files(); }

  void remove_files() const {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
  }
  Storage open() {
    auto opened = Storage::open("sqlite:" + path_, Durability::Normal);
    EXPECT_TRUE(opened);
    EXPECT_TRUE(opened->prepare_tables(*setup_.program));
    // While `busy_from` transactions have begun, the next `busy_for` find the database busy.
    opened->fail_by([this](Storage::Place place) -> std::optional<StorageError> {
      if (place != Storage::Place::Begin || busy_for_ == 0) return std::nullopt;
      if (busy_from_ > 0) {
        --busy_from_;
        return std::nullopt;
      }
      --busy_for_;
      return StorageError{StorageError::Kind::Busy, "busy"};
    });
    return std::move(*opened);
  }
  std::unique_ptr<Engine> make() {
    return std::make_unique<Engine>(open(), std::vector<BotSetup>{setup_}, courier_, clock_);
  }
  void say(Engine& engine, const std::string& id, const std::string& text) {
    Incoming update;
    update.id = id;
    update.chat = {"telegram", "a"};
    update.person.id = "a";
    UserMessage message;
    message.text = text;
    update.event = Event{clock_.now(), 0, std::move(message)};
    engine.take("bot", "telegram", {update}, id, false, [this](bool stored) { stored_.push_back(stored); });
  }
  /// What the engine's thread would do in that time.
  void pass(Engine& engine, milliseconds time) {
    const milliseconds end = clock_.passed + time;
    while (clock_.passed < end) {
      const auto rest = engine.round();
      clock_.passed = rest ? std::min(end, clock_.passed + std::max(milliseconds(1), *rest)) : end;
    }
    engine.round();
  }

  std::string path_;
  TestClock clock_;
  PlainRenderer renderer_;
  TestCourier courier_;
  BotSetup setup_;
  std::vector<bool> stored_;
  int busy_from_ = 0, busy_for_ = 0;
};

using Texts = std::vector<std::string>;

TEST_F(EngineTest, EventsThatMetABusyDatabaseAfterTheyWereStoredAreNotAskedForAgain) {
  {
    auto crashed = make();
    ASSERT_TRUE(crashed->start({}, Engine::Drive::Caller));
    busy_for_ = 1000;  // it dies without a word
  }
  busy_for_ = 0;
  auto engine = make();
  ASSERT_TRUE(engine->start({}, Engine::Drive::Caller));
  // Stored by the first transaction; the second reads the inbox, the third counts, the fourth plays.
  busy_from_ = 3;
  busy_for_ = 1;
  say(*engine, "1", "hello");
  engine->round();
  EXPECT_EQ(stored_, std::vector<bool>{true});
  EXPECT_TRUE(courier_.sent.empty());
  EXPECT_FALSE(engine->storage_well());
  pass(*engine, milliseconds(1000));
  EXPECT_EQ(courier_.sent, Texts{"?"});
  EXPECT_TRUE(engine->storage_well());
}

TEST_F(EngineTest, ATimerComesThoughItsTimeCouldNotBeReadAtFirst) {
  auto engine = make();
  ASSERT_TRUE(engine->start({}, Engine::Drive::Caller));
  busy_from_ = 1;  // the turn is stored; then it is asked when the next timer is due
  busy_for_ = 1;
  say(*engine, "1", "hello");
  engine->round();
  EXPECT_EQ(busy_for_, 0);
  pass(*engine, std::chrono::minutes(6));
  EXPECT_EQ(courier_.sent, (Texts{"?", "still there?"}));
}

TEST_F(EngineTest, AFloodCostsTheOthersNoTransaction) {
  auto engine = make();
  engine->limit_floods({30, Duration{10'000}});
  ASSERT_TRUE(engine->start({}, Engine::Drive::Caller));
  // As a platform's queue brings them: a hundred at a time, somebody else's word among the last.
  for (int answer = 0; answer < 100; ++answer) {
    std::vector<Incoming> updates;
    for (int i = 0; i < 100; ++i) {
      Incoming update;
      update.id = std::to_string(answer * 100 + i);
      update.person.id = answer == 99 && i == 50 ? "other" : "flooder";
      update.chat = {"telegram", update.person.id};
      UserMessage message;
      message.text = "word";
      update.event = Event{clock_.now(), 0, std::move(message)};
      updates.push_back(std::move(update));
    }
    engine->take("bot", "telegram", std::move(updates), std::to_string(answer), false,
                 [this](bool stored) { stored_.push_back(stored); });
    if (answer == 0) engine->round();
    if (answer < 99) {
      EXPECT_EQ(stored_.size(), static_cast<std::size_t>(answer) + 1) << "what is passed over waits for no round";
    }
  }
  engine->round();
  EXPECT_EQ(stored_, std::vector<bool>(100, true));
  const Engine::Figures figures = engine->figures()[0];
  EXPECT_EQ(figures.batches, 1u + 2u) << "of the start, of the first answer, and of the one that holds another's word";
  EXPECT_EQ(figures.turns, 30u + 1u + 1u) << "the limit, the notice, and the other's word";
  EXPECT_EQ(figures.passed_over, 10'000u - 32u);
}

TEST_F(EngineTest, WhatWaitsForThePaceOfItsPlatformIsSeen) {
  auto engine = make();
  SendingLimits limits;
  limits.chat_burst = 1;
  limits.chat_interval = Duration{1'000};
  engine->keep_to("bot", "telegram", limits);
  ASSERT_TRUE(engine->start({}, Engine::Drive::Caller));
  say(*engine, "1", "hello");
  say(*engine, "2", "word");
  engine->round();
  EXPECT_EQ(courier_.sent, Texts{"?"});
  EXPECT_EQ(engine->figures()[0].waiting.for_chats, 1u);
  EXPECT_EQ(engine->sending(), 2u) << "what was said to the word, and the question again";
}

TEST_F(EngineTest, ADatabaseThatWasTroubledIsFoundWellThoughNothingComes) {
  auto engine = make();
  ASSERT_TRUE(engine->start({}, Engine::Drive::Caller));
  EXPECT_TRUE(engine->storage_well());
  busy_for_ = 3;
  say(*engine, "1", "/start");
  pass(*engine, milliseconds(0));
  EXPECT_EQ(stored_, std::vector<bool>{false});
  EXPECT_FALSE(engine->storage_well());
  pass(*engine, milliseconds(900));
  EXPECT_FALSE(engine->storage_well()) << "it was looked at, and is busy still";
  pass(*engine, milliseconds(1'000));
  EXPECT_TRUE(engine->storage_well());
  EXPECT_EQ(engine->round(), std::nullopt) << "and then it is left alone";
}

TEST_F(EngineTest, AStartThatFailedIsNoOrderlyStop) {
  {
    auto crashed = make();
    ASSERT_TRUE(crashed->start({}, Engine::Drive::Caller));
    busy_for_ = 1000;
  }
  busy_for_ = 0;
  {
    auto failed = make();
    busy_from_ = 1;  // that somebody runs is stored; the outbox cannot be read
    busy_for_ = 1;
    ASSERT_FALSE(failed->start({}, Engine::Drive::Caller));
  }
  Storage storage = open();
  auto orderly = storage.begin_running();
  ASSERT_TRUE(orderly);
  EXPECT_FALSE(*orderly);
}

}  // namespace
}  // namespace sufler

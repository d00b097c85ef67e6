// The engine driven by its caller: no thread, a clock of the test.
#include "interpreter/runtime/engine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

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

class TestRenderer : public Renderer {
 public:
  std::vector<ApiCall> render(const ChatAddress&, const Message& message) const override {
    ApiCall call;
    call.body = message.text.text;
    return {call};
  }
  ApiCall render_press_answer(const ChatAddress&, const std::string&, const std::string&) const override { return {}; }
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
  TestRenderer renderer_;
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

// The wall clock jumps, the monotonic one does not.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>

#include "interpreter/runtime/engine.h"
#include "runtime/plain_renderer.h"
#include "schema/loader.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;

constexpr const char* kScenario = R"(
scenario: later
language: en
start: welcome
branches:
  welcome:
    - say: Wait
    - wait: 2h
    - say: Done
    - end:
)";
constexpr std::int64_t kHour = 3'600'000;

class TestClock : public Clock {
 public:
  Moment now() const override { return Moment{wall}; }
  milliseconds monotonic() const override { return milliseconds(steady); }
  void pass(std::int64_t ms) {
    wall += ms;
    steady += ms;
  }
  std::int64_t wall = 1'773'565'200'000;
  std::int64_t steady = 1'000;
};

class PromptCourier : public Courier {
 public:
  void deliver(std::string_view, const ChatAddress&, const ApiCall& call, std::function<void(Outcome)> done) override {
    said.push_back(call.body);
    done(Outcome{});
  }
  void later(Duration, std::function<void()> job) override { jobs.push_back(std::move(job)); }
  std::vector<std::string> said;
  std::deque<std::function<void()>> jobs;
};

class ClockJumpsTest : public ::testing::Test {
 protected:
  ClockJumpsTest() {
    auto storage = Storage::open("sqlite::memory:", Durability::Normal);
    Loaded loaded = load_scenario_text({{"scenario.yaml", kScenario}});
    EXPECT_TRUE(loaded.program);
    BotSetup setup;
    setup.name = "later";
    setup.program = loaded.program;
    setup.renderers["test"] = &renderer;
    setup.seed = 1;
    std::vector<BotSetup> bots;
    bots.push_back(std::move(setup));
    engine.emplace(std::move(*storage), std::move(bots), courier, clock);
    EXPECT_TRUE(engine->start({}, Engine::Drive::Caller));
    Incoming update;
    update.id = "1";
    update.chat = {"test", "7"};
    update.person.id = "7";
    UserMessage message;
    message.text = "hello";
    update.event = Event{clock.now(), 0, message};
    engine->take("later", "test", {update}, {}, false, [](bool) {});
    play();
  }
  ~ClockJumpsTest() override { engine->stop(Duration{0}); }

  void play() {
    for (int i = 0; i < 10; ++i) (void)engine->round();
  }
  int done() const { return static_cast<int>(std::count(courier.said.begin(), courier.said.end(), "Done")); }

  TestClock clock;
  PlainRenderer renderer;
  PromptCourier courier;
  std::optional<Engine> engine;
};

TEST_F(ClockJumpsTest, AJumpForwardFiresATimerOnce) {
  clock.wall += 24 * kHour;
  play();
  EXPECT_EQ(done(), 1);
  clock.wall -= 24 * kHour;
  play();
  clock.pass(3 * kHour);
  play();
  EXPECT_EQ(done(), 1);
}

TEST_F(ClockJumpsTest, AJumpBackMakesATimerWaitForItsTimeAndFireOnce) {
  for (const std::int64_t jump : {kHour, 24 * kHour}) {
    clock.wall -= jump;
    play();
    EXPECT_EQ(done(), 0);
  }
  clock.wall += 25 * kHour;
  clock.pass(2 * kHour - 1);
  play();
  EXPECT_EQ(done(), 0);
  clock.pass(1);
  play();
  EXPECT_EQ(done(), 1);
}

TEST_F(ClockJumpsTest, WhateverTheClockSaysItIsLookedAtSoon) {
  // With two hours to wait it looks again in seconds: the clock may jump meanwhile.
  const auto rest = engine->round();
  ASSERT_TRUE(rest);
  EXPECT_LE(*rest, milliseconds(5'000));
  clock.wall -= 24 * kHour;
  const auto after = engine->round();
  ASSERT_TRUE(after);
  EXPECT_LE(*after, milliseconds(5'000));
}

TEST_F(ClockJumpsTest, WhatWasSentIsRecordedWhateverTheClockDoes) {
  clock.wall -= 24 * kHour;
  clock.steady += 1'000;
  play();
  std::size_t left = 1;
  engine->ask([&](Storage& storage) {
    (void)storage.transact([&](Transaction& tx) -> Stored<Done> {
      auto rows = tx.outbox("later", 0, 10);
      if (!rows) return Error{rows.error()};
      left = rows->size();
      return Done{};
    });
  });
  play();
  EXPECT_EQ(left, 0u);
}

}  // namespace
}  // namespace sufler

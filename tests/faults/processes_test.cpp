// Several processes on one PostgreSQL: killed, stopped, standing still, under load. Environment:
//   SUFLER_KILL_SEEDS=N, SUFLER_KILL_SEED=S, SUFLER_KILLS=N   as for kill_test.cpp
//   SUFLER_ROLLING_S=N   how long rolling restarts go on (10)
//   SUFLER_STANDSTILL_S=N   how long a leader stands still at least (60)
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <iostream>
#include <random>

#include "faults/audit.h"
#include "faults/crowd.h"
#include "faults/customers.h"
#include "faults/deployment.h"

namespace sufler::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ProcessesTest : public testing::Test {
 protected:
  /// The process whose log says last that it serves the bot.
  static std::size_t leader(Deployment& deployment, std::size_t count) {
    for (;;) {
      for (std::size_t i = 0; i < count; ++i) {
        const std::string log = deployment.output(i);
        const std::size_t last_start = log.rfind("this process serves the bot");
        const std::size_t last_end = log.rfind("another process may serve the bot");
        if (deployment.runs(i) && last_start != std::string::npos &&
            (last_end == std::string::npos || last_end < last_start))
          return i;
      }
      deployment.process(0).wait(milliseconds(5));
    }
  }

  static Deployment::Settings postgres(const char* log_level = "warning") {
    Deployment::Settings settings;
    settings.database = DatabaseUnderTest::Postgres;
    settings.log_level = log_level;
    return settings;
  }

  void kill_either_or_both(std::uint64_t seed) {
    Deployment deployment(postgres());
    std::mt19937_64 chance(seed);
    const auto up_to = [&](int most) { return std::uniform_int_distribution<int>(0, most)(chance); };
    deployment.start(0);
    deployment.start(1);
    Crowd crowd(deployment, 40);
    const std::uint64_t kills = setting("SUFLER_KILLS", 12);
    for (std::uint64_t i = 0; i < kills; ++i) {
      // The wait is the fault itself: how long these lives last.
      deployment.process(0).wait(milliseconds(100 + up_to(900)));
      const int which = up_to(5);  // either: five times of six
      // Both may die over one message, one after the other.
      let_through_what_met_deaths(deployment.database_url(), which < 5 ? 2 : 1);
      for (std::size_t victim : {0u, 1u}) {
        if (which < 5 && static_cast<std::size_t>(which % 2) != victim) continue;
        SuflerProcess& process = deployment.process(victim);
        const auto ended = process.wait(milliseconds(0));
        EXPECT_FALSE(ended) << "it ended by itself with " << *ended << "\n" << deployment.output(victim);
        std::optional<int> stopped;
        if (up_to(3) == 0) {
          process.signal(SIGTERM);
          const int patience_ms = up_to(200);
          stopped = process.wait(patience_ms < 100 ? milliseconds(patience_ms) : milliseconds(kPatience));
          EXPECT_TRUE(!stopped || *stopped == 0 || *stopped == 128 + SIGTERM) << *stopped;
        }
        if (stopped != 0) deployment.kill(victim);
      }
      for (std::size_t victim : {0u, 1u})
        if (!deployment.runs(victim)) deployment.start(victim);
    }
    finish(deployment, crowd);
    std::cout << "figure: seed " << seed << ": " << deployment.deaths.size() << " kills, " << total(crowd->orders())
              << " orders, " << repeated_messages(deployment.evidence(crowd->orders())) << " messages came twice\n";
  }
};

TEST_F(ProcessesTest, KilledAtRandomTheyLoseNothingAndRepeatOnlyWhatWasUnderWay) {
  const std::uint64_t first = setting("SUFLER_KILL_SEED", std::random_device{}());
  const std::uint64_t count = setting("SUFLER_KILL_SEEDS", 1, 200);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("repeat with SUFLER_KILL_SEED=" + std::to_string(seed));
    kill_either_or_both(seed);
    if (HasFailure()) return;
  }
}

TEST_F(ProcessesTest, RollingRestartsUnderLoadLoseNothingAndRepeatNothing) {
  Deployment deployment(postgres());
  deployment.start(0);
  deployment.start(1);
  Crowd crowd(deployment, 40);
  const auto until = std::chrono::steady_clock::now() + seconds(setting("SUFLER_ROLLING_S", 10, 120));
  std::size_t restarts = 0;
  for (std::size_t which = 0; std::chrono::steady_clock::now() < until; which = 1 - which) {
    deployment.process(which).wait(milliseconds(3000));
    deployment.process(which).signal(SIGTERM);
    EXPECT_EQ(deployment.process(which).wait(seconds(10)), 0) << deployment.output();
    deployment.start(which);
    ++restarts;
  }
  finish(deployment, crowd);
  EXPECT_EQ(repeated_messages(deployment.evidence(crowd->orders())), 0u);
  const std::int64_t p99 = percentile(crowd->waits(), 99);
  EXPECT_LT(p99, 3000);
  std::cout << "figure: " << restarts << " restarts, " << total(crowd->orders()) << " orders, 0 lost, 0 repeated, p50 "
            << percentile(crowd->waits(), 50) << " ms, p99 " << p99 << " ms, longest "
            << percentile(crowd->waits(), 100) << " ms\n";
}

TEST_F(ProcessesTest, AnotherTakesOverWhenTheLeaderIsKilled) {
  Deployment deployment(postgres("info"));
  deployment.start(0);
  deployment.start(1);
  Crowd crowd(deployment, 20);
  const std::size_t first = leader(deployment, 2);
  ASSERT_TRUE(deployment.telegram.wait_for_calls("sendMessage", 100, kPatience)) << deployment.output();
  deployment.kill(first);
  const std::int64_t began = unix_ms();
  const std::size_t second = leader(deployment, 2);
  ASSERT_TRUE(deployment.telegram.wait_until_polling(true, seconds(15))) << deployment.output();
  const std::int64_t took = unix_ms() - began;
  EXPECT_NE(first, second);
  EXPECT_LE(took, 15'000);
  std::cout << "figure: takeover after kill -9 in " << took << " ms\n";
  finish(deployment, crowd);
  // Whoever stands by asks the platform for nothing.
  for (const auto& call : deployment.telegram.calls("getUpdates")) EXPECT_NE(call.error_code, 409);
}

TEST_F(ProcessesTest, ALeaderThatStandsStillIsReplacedAndItsLateWorkIsFencedOff) {
  Deployment deployment(postgres("info"));
  deployment.start(0);
  deployment.start(1);
  Crowd crowd(deployment, 20);
  const std::size_t first = leader(deployment, 2);
  ASSERT_TRUE(deployment.telegram.wait_for_calls("sendMessage", 100, kPatience)) << deployment.output();
  deployment.process(first).signal(SIGSTOP);
  const std::int64_t began = unix_ms();
  deployment.note_death();  // what was under way may come again
  std::size_t second = first;
  while (second == first && unix_ms() - began < 20'000) {
    deployment.process(1 - first).wait(milliseconds(20));
    const std::string log = deployment.output(1 - first);
    if (log.find("this process serves the bot") != std::string::npos) second = 1 - first;
  }
  const std::int64_t took = unix_ms() - began;
  ASSERT_NE(second, first) << "nobody took over in 20 s\n" << deployment.output();
  EXPECT_LE(took, 15'000);
  const std::size_t before = deployment.telegram.calls("sendMessage").size();
  ASSERT_TRUE(deployment.telegram.wait_for_calls("sendMessage", before + 100, kPatience)) << deployment.output();
  // The wait is the fault itself: past all leases.
  const auto still = milliseconds(1000 * setting("SUFLER_STANDSTILL_S", 60)) - milliseconds(unix_ms() - began);
  deployment.process(1 - first).wait(std::max(still, milliseconds(0)));
  const std::int64_t stood = (unix_ms() - began) / 1000;
  deployment.standstills.push_back({began, unix_ms()});
  deployment.process(first).signal(SIGCONT);
  ASSERT_TRUE(deployment.telegram.wait_for_calls("sendMessage", before + 300, kPatience)) << deployment.output();
  std::cout << "figure: takeover after SIGSTOP in " << took << " ms, SIGCONT after " << stood << " s\n";
  finish(deployment, crowd);
}

TEST_F(ProcessesTest, ASecondSignalStopsAtOnceAndLosesNothing) {
  for (const int second : {SIGTERM, SIGINT}) {
    Deployment deployment(postgres());
    deployment.start(0);
    deployment.start(1);
    Crowd crowd(deployment, 20);
    ASSERT_TRUE(deployment.telegram.wait_for_calls("sendMessage", 100, kPatience)) << deployment.output();
    for (std::size_t which : {0u, 1u}) deployment.process(which).signal(SIGTERM);
    const std::int64_t began = unix_ms();
    for (std::size_t which : {0u, 1u}) {
      // Two of a kind are one for as long as the first was not heard.
      while (!deployment.process(which).wait(milliseconds(10))) {
        ASSERT_LT(unix_ms() - began, 60'000) << deployment.output();
        deployment.process(which).signal(second);
      }
    }
    deployment.note_death();
    // Less than the grace for what is being sent.
    EXPECT_LT(unix_ms() - began, 4000);
    deployment.start(0);
    finish(deployment, crowd);
  }
}

}  // namespace
}  // namespace sufler::tests

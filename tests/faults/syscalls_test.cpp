// Killed at the Nth write, sync or send of a small talk, for N = 1 and on until the talk ends before the Nth: strace
// delivers the signal before the call is made. strace counts in each thread alone, so the first thread that comes to
// its Nth call is the one. Environment:
//   SUFLER_EVERY_SYSCALL=1   every N (a few of each call otherwise)
//   SUFLER_SYSCALL_SEED=S    which few
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <random>
#include <sstream>

#include "faults/audit.h"
#include "faults/customers.h"
#include "faults/deployment.h"

namespace sufler::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kStrace = "/usr/bin/strace";
/// Whatever of these a database makes; others change nothing outside the process.
const std::vector<std::string> kCalls = {"write", "writev", "pwrite64", "fdatasync", "fsync", "sendto", "sendmsg", "ftruncate"};

/// The shop without its pause: a round ends with the menu at once.
std::string quick_shop() {
  std::string scenario = kShopScenario;
  const std::string pause = "    - wait: 1s\n";
  return scenario.erase(scenario.find(pause), pause.size());
}

class SyscallsTest : public testing::TestWithParam<DatabaseUnderTest> {
 protected:
  static Deployment::Settings settings() {
    Deployment::Settings settings;
    settings.database = GetParam();
    settings.scenario = quick_shop();
    return settings;
  }

  static std::vector<std::string> strace(const std::vector<std::string>& more) {
    // -D: the program stays our own child, and strace is its grandchild.
    // With --seccomp-bpf nothing is injected. What is written stays out of the log: it holds the token.
    std::vector<std::string> words = {kStrace, "-D", "-f", "-q", "-q", "-s", "0"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  /// Until the next life confirms what the last one had taken in and records what it had sent: the person may have heard all
  /// of it, so that nothing else tells that it can be ended. The poll of the dead is no sign of that.
  static void live_again(Deployment& deployment) {
    deployment.note_death();
    EXPECT_TRUE(deployment.telegram.wait_until_polling(false, kPatience));
    deployment.start();
    EXPECT_TRUE(deployment.telegram.wait_until_polling(true, kPatience)) << deployment.output();
  }

  /// One person orders once, whatever happens to the process; then the auditor looks. False when the process
  /// outlived the talk.
  bool talk(const std::vector<std::string>& wrapper) {
    Deployment deployment(settings());
    Customers customers(*deployment.shop, 1);
    customers.finish();
    deployment.start(0, wrapper);
    auto played = std::async(std::launch::async, [&] { return customers.play(kPatience); });
    bool died = false;
    while (!died && played.wait_for(milliseconds(0)) != std::future_status::ready)
      died = deployment.process().wait(milliseconds(5)).has_value();
    if (died) {
      EXPECT_EQ(deployment.process().wait(milliseconds(0)), 128 + SIGKILL) << deployment.output();
      live_again(deployment);
    }
    EXPECT_TRUE(played.get()) << customers.stuck() << deployment.output();
    // It may be killed while it confirms.
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (!deployment.shop->settle(1, milliseconds(100)) && deployment.runs(0) && std::chrono::steady_clock::now() < until) {
    }
    // The end of a life is a part of it: the signal may come while it stops.
    deployment.process().signal(SIGTERM);
    const auto ended = deployment.process().wait(kPatience);
    if (!died && ended == 128 + SIGKILL) {
      died = true;
      live_again(deployment);
      deployment.stop_all();
    } else {
      EXPECT_EQ(ended, 0) << deployment.output();
    }
    EXPECT_THAT(deployment.audited(customers.orders()), testing::IsEmpty()) << deployment.output();
    return died;
  }

  /// How often the busiest thread makes each call in a life without a fault.
  std::map<std::string, int> counted() {
    TempFolder folder;
    const std::string log = folder.path() + "/calls";
    std::string all;
    for (const std::string& call : kCalls) all += (all.empty() ? "" : ",") + call;
    EXPECT_FALSE(talk(strace({"-o", log, "-e", "trace=" + all})));
    std::map<std::string, std::map<std::string, int>> of_thread;
    std::ifstream lines(log);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string thread, call;
      words >> thread >> call;
      if (const std::size_t bracket = call.find('('); bracket != std::string::npos)
        ++of_thread[call.substr(0, bracket)][thread];
    }
    std::map<std::string, int> most;
    for (const auto& [call, threads] : of_thread)
      for (const auto& [thread, count] : threads) most[call] = std::max(most[call], count);
    return most;
  }
};

TEST_P(SyscallsTest, KilledAtAnyCallItLosesNothingAndRepeatsOnlyWhatWasUnderWay) {
  if (access(kStrace, X_OK) != 0) GTEST_SKIP() << "strace is not installed";
  const bool every = setting("SUFLER_EVERY_SYSCALL", 0, 1) != 0;
  const std::uint64_t seed = setting("SUFLER_SYSCALL_SEED", std::random_device{}());
  SCOPED_TRACE("repeat with SUFLER_SYSCALL_SEED=" + std::to_string(seed));
  std::mt19937_64 chance(seed);
  const std::map<std::string, int> most = counted();
  if (HasFailure()) return;
  // Few of the calls that are made rarely, most of those that are made often.
  constexpr int kSamples = 12;
  int total = 0;
  for (const auto& [call, count] : most) total += count;
  int lives = 0;
  std::string figures;
  for (const auto& [call, count] : most) {
    const int samples = every ? count + 3 : std::max(1, kSamples * count / std::max(1, total));
    int tried = 0;
    for (int i = 0; i < samples; ++i) {
      const int n = every ? i + 1 : std::uniform_int_distribution<int>(1 + count * i / samples, std::max(1 + count * i / samples, count * (i + 1) / samples))(chance);
      SCOPED_TRACE("killed at " + call + " number " + std::to_string(n));
      const bool died = talk(strace({"-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=" + call + ":signal=KILL:when=" + std::to_string(n)}));
      if (HasFailure()) return;
      ++tried;
      lives += died ? 1 : 0;
    }
    figures += (figures.empty() ? "" : ", ") + call + " " + std::to_string(tried) + " of " + std::to_string(count);
  }
  std::cout << "figure: killed " << lives << " times: " << figures << "\n";
}

INSTANTIATE_TEST_SUITE_P(Databases, SyscallsTest,
                         testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres),
                         [](const auto& each) { return name_of(each.param); });

}  // namespace
}  // namespace sufler::tests

// Hours of ordinary trouble: two processes on a PostgreSQL that crashes, one of them killed again and again, a platform that asks
// to wait. The process that nobody kills may not grow. Environment:
//   SUFLER_SOAK_S=N        how long (15; with SUFLER_DEEP an hour); 86400 is what RELIABILITY asks for
//   SUFLER_KILL_SEED=S     repeats the same troubles
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <random>
#include <thread>

#include "faults/audit.h"
#include "faults/crowd.h"
#include "faults/deployment.h"
#include "faults/own_postgres.h"
#include "faults/rows.h"

namespace sufler::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::int64_t resident_kb(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmRSS:", 0) == 0) return std::stoll(line.substr(6));
  return 0;
}

/// How old the oldest message is that waits to be sent, in milliseconds; 0 when none waits, or the server is away.
std::int64_t oldest_waiting(const std::string& database) {
  try {
    const auto rows = rows_of(database, "SELECT coalesce(min(created_at_unix_ms), 0) FROM outbox WHERE state IN (0, 1)");
    const std::int64_t since = std::stoll(rows.at(0).at(0));
    return since == 0 ? 0 : std::max<std::int64_t>(0, unix_ms() - since);
  } catch (const std::exception&) {
    return 0;
  }
}

std::int64_t middle(std::vector<std::int64_t> values) { return percentile(std::move(values), 50); }

TEST(SoakTest, HoursOfTroubleLoseNothingAndLetNothingGrow) {
  OwnPostgres server;
  Deployment::Settings settings;
  settings.database = DatabaseUnderTest::Postgres;
  settings.database_url = server.url();
  Deployment deployment(settings);
  const std::uint64_t seed = setting("SUFLER_KILL_SEED", std::random_device{}());
  SCOPED_TRACE("repeat with SUFLER_KILL_SEED=" + std::to_string(seed));
  std::mt19937_64 chance(seed);
  const auto up_to = [&](int most) { return std::uniform_int_distribution<int>(0, most)(chance); };
  deployment.start(0);
  Crowd crowd(deployment, 20, std::chrono::minutes(2));
  // A database that is away while a program starts ends it, and this one is to outlive all that follows.
  ASSERT_TRUE(deployment.telegram.wait_for_calls("sendMessage", 20, kPatience)) << deployment.output();
  deployment.start(1);
  const auto began = std::chrono::steady_clock::now();
  const seconds lasts(setting("SUFLER_SOAK_S", 15, 3600));
  std::vector<std::int64_t> resident;
  std::size_t kills = 0, crashes = 0, refusals = 0;
  std::int64_t oldest = 0;
  while (std::chrono::steady_clock::now() - began < lasts) {
    // The wait is part of the fault: how long things go well.
    deployment.process(0).wait(milliseconds(500 + up_to(1500)));
    ASSERT_TRUE(deployment.runs(0)) << deployment.output();
    resident.push_back(resident_kb(deployment.process(0).pid()));
    oldest = std::max(oldest, oldest_waiting(server.url()));
    const int trouble = up_to(9);
    if (trouble < 4) {
      deployment.kill(1);
      deployment.start(1);
      ++kills;
    } else if (trouble < 5) {
      const std::int64_t crash = unix_ms();
      server.restart();
      deployment.note_death(crash);  // the leader's connection went with it
      ++crashes;
    } else if (trouble < 8) {
      fakes::Fault wait;
      wait.kind = "rate_limit";
      wait.method = "sendMessage";
      deployment.telegram.fail_next(wait);
      ++refusals;
    }
  }
  finish(deployment, crowd);
  const std::size_t part = std::max<std::size_t>(1, resident.size() / 4);
  const auto from = [&](std::size_t first) {
    const auto begin = resident.begin() + static_cast<std::ptrdiff_t>(first);
    return middle({begin, begin + static_cast<std::ptrdiff_t>(part)});
  };
  // The first quarter is for what grows once: caches, connections, buffers.
  const std::int64_t early = from(std::min(part, resident.size() - part));
  const std::int64_t late = from(resident.size() - part);
  EXPECT_LT(late - early, 16 * 1024) << "kB";
  // Longer than any of the troubles: what waits longer is forgotten.
  EXPECT_LT(oldest, 60'000) << "ms that a message waited in the outbox";
  std::cout << "figure: " << lasts.count() << " s, " << kills << " kills, " << crashes << " crashes of the server, " << refusals
            << " refusals, " << total(crowd->orders()) << " orders, a message waited at most " << oldest << " ms, p99 " << percentile(crowd->waits(), 99)
            << " ms, memory of the process that lived " << early << " → " << late << " kB\n";
}

}  // namespace
}  // namespace sufler::tests

// What runs by the clock in real processes: once for each time, whoever is killed when; and the operator's command.
#include "databases/test_database.h"
#include "serve/serve_test.h"

#include <thread>

namespace sufler::tests {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kTicks = R"(scenario: ticks
language: en
start: hello
branches:
  hello:
    - say: hi
  tick:
    - set: {shared.ticks: (shared.ticks | default(0)) + 1}
schedules:
  tick: {every: 1s, missed: all, branch: tick}
)";

class ScheduleServeTest : public ServeTest {
 protected:
  void write_shared_config() {
    folder.write("ticks.yaml", kTicks);
    folder.write("sufler.yaml", "database: \"" + database.url() + "\"\nbots:\n  shop:\n    scenario: ticks.yaml\n    telegram: {token: "
                 "\"${TELEGRAM_TOKEN}\", api: \"" + telegram.url() + "\", " + fakes::kNoLimits + "}\n");
  }
  std::unique_ptr<SuflerProcess> process(const std::string& name) {
    SuflerOptions options;
    options.arguments = {"run", "sufler.yaml"};
    options.environment = environment;
    options.folder = folder.path();
    options.output = folder.path() + "/" + name + ".log";
    return std::make_unique<SuflerProcess>(options);
  }
  std::int64_t runs() const { return std::stoll(database.ask("SELECT count(*) FROM journal WHERE event_id LIKE 'schedule:tick:%'")); }
  /// Until so many more runs are in the journal.
  bool wait_for_runs(std::int64_t more) {
    const std::int64_t wanted = runs() + more;
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < until) {
      if (runs() >= wanted) return true;
      std::this_thread::sleep_for(milliseconds(20));
    }
    return false;
  }

  TestDatabase database{DatabaseUnderTest::Postgres};
};

TEST_F(ScheduleServeTest, NoRunIsLostAndNoneDoubledWhenProcessesAreKilled) {
  write_shared_config();
  std::unique_ptr<SuflerProcess> both[2] = {process("first"), process("second")};
  ASSERT_TRUE([&] {
    for (int i = 0; i < 3000; ++i) {
      if (database.ask("SELECT to_regclass('schedule_times') IS NOT NULL AND to_regclass('journal') IS NOT NULL") == "t") return true;
      std::this_thread::sleep_for(milliseconds(20));
    }
    return false;
  }()) << both[0]->output();
  ASSERT_TRUE(wait_for_runs(2)) << both[0]->output() << both[1]->output();
  for (int kill = 0; kill < 6; ++kill) {
    const std::size_t which = static_cast<std::size_t>(kill) % 2;
    both[which]->kill();
    both[which] = process("after" + std::to_string(kill));
    ASSERT_TRUE(wait_for_runs(2)) << "after kill " << kill << "\n" << both[0]->output() << both[1]->output();
  }
  for (auto& one : both) {
    one->signal(SIGTERM);
    EXPECT_EQ(one->wait(kPatience), 0) << one->output();
  }
  // Each second once, from the first to the last.
  EXPECT_EQ(database.ask("SELECT count(*) FROM (SELECT event_id FROM journal WHERE event_id LIKE 'schedule:tick:%' GROUP BY event_id "
                         "HAVING count(*) > 1) AS twice"), "0");
  EXPECT_EQ(database.ask("SELECT (max(due) - min(due)) / 1000 + 1 - count(*) FROM (SELECT split_part(event_id, ':', 3)::bigint AS due "
                         "FROM journal WHERE event_id LIKE 'schedule:tick:%') AS runs"), "0");
  EXPECT_EQ(database.ask("SELECT count(*) FROM inbox"), "0");
}

TEST_F(ScheduleServeTest, OperatorsListPauseAndRun) {
  folder.write("shop.yaml", R"(scenario: shop
language: en
start: hello
branches:
  hello:
    - say: hi
  report:
    - notify: admins
      text: the report
schedules:
  yearly: {cron: "0 9 1 1 *", branch: report}
)");
  write_config("shop.yaml");
  start();
  EXPECT_THAT(command({"schedules"}).output, HasSubstr("shop  yearly  cron 0 9 1 1 * (UTC)  next: "));
  EXPECT_EQ(command({"schedules", "run", "yearly"}).output, "shop: `yearly` runs now\n");
  EXPECT_EQ(messages(kAdmin, 1)[0].text, "the report");
  EXPECT_EQ(command({"schedules", "pause", "yearly"}).output, "shop: `yearly` paused\n");
  EXPECT_THAT(command({"schedules"}).output, HasSubstr("next: paused since "));
  EXPECT_EQ(command({"schedules", "resume", "yearly"}).output, "shop: `yearly` goes on\n");
  const json all = command_json({"schedules", "shop"});
  ASSERT_EQ(all["schedules"].size(), 1u);
  EXPECT_EQ(all["schedules"][0]["name"], "yearly");
  EXPECT_TRUE(all["schedules"][0].contains("last_at_unix_ms"));
  EXPECT_FALSE(all["schedules"][0].contains("paused_at_unix_ms"));
  const Ran wrong = command({"schedules", "pause", "weekly"});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_THAT(wrong.output, HasSubstr("there is no schedule `weekly`"));
  stop();
  // Without a process it is written into the database, for the next start.
  EXPECT_THAT(command({"schedules", "run", "yearly"}).output, HasSubstr("with the next start"));
  start();
  EXPECT_EQ(messages(kAdmin, 2)[1].text, "the report");
}

}  // namespace
}  // namespace sufler::tests

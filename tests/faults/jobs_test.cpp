// Jobs under faults: the process dies where a job was claimed and where its result was stored; a process that stands
// still longer than its lease. Environment: SUFLER_STANDSTILL_S=N   how long it stands still at least (until another works)
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <iterator>

#include "faults/deployment.h"
#include "faults/rows.h"

namespace sufler::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

constexpr const char* kScenario = R"(
scenario: jobs
language: ru
start: welcome
branches:
  welcome:
    - ask: area
    - run: estimate
      with: {area: area}
      into: price
    - say: "Цена {{ price }}"
    - go: welcome
questions:
  area: {text: Площадь?, type: number}
)";

class JobFaultsTest : public testing::TestWithParam<DatabaseUnderTest> {
 protected:
  Deployment::Settings settings(const std::string& failpoints, const std::string& script) {
    Deployment::Settings settings;
    settings.database = GetParam();
    settings.scenario = kScenario;
    settings.environment = {{"SUFLER_FAILPOINTS", failpoints}, {"PATH", "/usr/bin:/bin"}};
    folder_.write("calc.sh", script);
    settings.more = "programs:\n  estimate: {command: [sh, " + folder_.path() + "/calc.sh, " + folder_.path() + "], timeout: 5m}\n";
    return settings;
  }
  std::string file(const std::string& name) const {
    std::ifstream in(folder_.path() + "/" + name);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  /// Starts it again and again, as a service manager does, until the person has heard so many messages.
  static int live_through(Deployment& deployment, std::size_t count) {
    int deaths = 0;
    for (int i = 0; i < 10'000 && deployment.telegram.messages(7).size() < count; ++i) {
      if (!deployment.runs(0)) {
        deployment.note_death();
        ++deaths;
        deployment.start();
      }
      deployment.process().wait(milliseconds(10));
    }
    EXPECT_GE(deployment.telegram.messages(7).size(), count) << deployment.output();
    return deaths;
  }
  static std::vector<std::string> texts(Deployment& deployment) {
    std::vector<std::string> all;
    for (const auto& message : deployment.telegram.messages(7)) all.push_back(message.text);
    return all;
  }

  TempFolder folder_;
};

class JobCrashTest : public JobFaultsTest {
 protected:
  void SetUp() override {
#ifndef SUFLER_FAILPOINTS
    GTEST_SKIP() << "built without failpoints";
#endif
  }

  void crashes_at(const std::string& point) {
    // Each life ends at its second job.
    Deployment deployment(settings(point + ":kill:2", R"(echo run >> $1/runs; read request; echo '"ok"')"));
    deployment.start();
    deployment.telegram.say(7, "/start");
    int deaths = live_through(deployment, 1);
    for (std::size_t i = 1; i <= 3; ++i) {
      deployment.telegram.say(7, std::to_string(i));
      deaths += live_through(deployment, 1 + 2 * i);
    }
    EXPECT_GE(deaths, 1);
    deployment.stop_all();
    EXPECT_THAT(texts(deployment), ElementsAre("Площадь?", "Цена ok", "Площадь?", "Цена ok", "Площадь?", "Цена ok", "Площадь?"));
    EXPECT_EQ(rows_of(deployment.database_url(), "SELECT count(*) FROM jobs")[0][0], "0");
    EXPECT_EQ(rows_of(deployment.database_url(), "SELECT count(*) FROM dead_letters")[0][0], "0");
  }
};

// On PostgreSQL the next process waits for the end of the lease: half a minute each time.
TEST_P(JobCrashTest, ACrashBehindAClaimLeavesTheJobToTheNextProcess) { crashes_at("job_claimed"); }
TEST_P(JobCrashTest, ACrashBehindAStoredResultAnswersOnce) { crashes_at("job_stored"); }

INSTANTIATE_TEST_SUITE_P(Databases, JobCrashTest, testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres),
                         [](const auto& info) { return name_of(info.param); });

class JobLeaseTest : public JobFaultsTest {};

TEST_P(JobLeaseTest, AWorkerThatStandsStillLongerThanItsLeaseIsFencedOff) {
  // Who works first waits; whoever comes later does not.
  Deployment deployment(settings("", R"(if mkdir $1/first 2>/dev/null; then echo $PPID > $1/worker; while [ ! -e $1/go ]; do sleep 0.05; done; fi
echo run >> $1/runs; echo '"ok"')"));
  deployment.start(0);
  deployment.start(1);
  deployment.telegram.say(7, "/start");
  ASSERT_EQ(deployment.telegram.wait_for_messages(7, 1, kPatience).size(), 1u) << deployment.output();
  deployment.telegram.say(7, "54");
  while (file("worker").empty()) deployment.process().wait(milliseconds(10));
  const auto worker = static_cast<pid_t>(std::stol(file("worker")));
  ::kill(worker, SIGSTOP);
  // Another takes the bot over, if need be, and the job when its lease has ended.
  const auto answered = deployment.telegram.wait_for_messages(7, 3, kPatience);
  folder_.write("go", "");
  ::kill(worker, SIGCONT);
  ASSERT_EQ(answered.size(), 3u) << deployment.output();
  deployment.telegram.say(7, "55");
  EXPECT_EQ(deployment.telegram.wait_for_messages(7, 5, kPatience).size(), 5u) << deployment.output();
  deployment.stop_all();
  EXPECT_THAT(texts(deployment), ElementsAre("Площадь?", "Цена ok", "Площадь?", "Цена ok", "Площадь?"));
}

INSTANTIATE_TEST_SUITE_P(Databases, JobLeaseTest, testing::Values(DatabaseUnderTest::Postgres),
                         [](const auto& info) { return name_of(info.param); });

}  // namespace
}  // namespace sufler::tests

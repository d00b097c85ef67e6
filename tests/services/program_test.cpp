#include "interpreter/services/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

#include "interpreter/core/value.h"
#include "interpreter/services/registry.h"

namespace sufler {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using How = ProgramEnd::How;
using Time = std::chrono::steady_clock;

ProgramCall shell(const std::string& script, const std::string& input = {}) {
  ProgramCall call;
  call.command = {"sh", "-c", script};
  call.input = input;
  call.timeout = Duration{20'000};
  return call;
}
ProgramEnd run(const ProgramCall& call) { return run_program(call, -1); }

TEST(ProgramTest, ReadsItsInputAndItsOutputIsReadToTheEnd) {
  const ProgramEnd end = run(shell("cat; echo; cat; echo end", R"({"area":54})"));
  EXPECT_EQ(end.how, How::Exited);
  EXPECT_EQ(end.code, 0);
  EXPECT_EQ(end.output, "{\"area\":54}\nend\n");
}

TEST(ProgramTest, OneThatReadsNothingIsNoTrouble) {
  EXPECT_EQ(run(shell("echo 1", std::string(200'000, 'x'))).output, "1\n");
}

TEST(ProgramTest, TheExitCodeAndWhatItComplainsOfAreKnown) {
  const ProgramEnd end = run(shell("echo why >&2; exit 3"));
  EXPECT_EQ(end.how, How::Exited);
  EXPECT_EQ(end.code, 3);
  EXPECT_EQ(end.errors, "why\n");
}

TEST(ProgramTest, ASignalThatEndsItIsKnown) {
  const ProgramEnd end = run(shell("kill -SEGV $$"));
  EXPECT_EQ(end.how, How::Killed);
  EXPECT_EQ(end.code, SIGSEGV);
}

TEST(ProgramTest, WhatIsNowhereCannotStart) {
  ProgramCall call;
  call.command = {"/no/such/program"};
  EXPECT_EQ(run(call).how, How::CannotStart);
  EXPECT_EQ(run(call).code, ENOENT);
  call.command = {"no-such-program-anywhere"};
  EXPECT_EQ(run(call).how, How::CannotStart);
  call.command = {"/etc/passwd"};
  EXPECT_EQ(run(call).code, EACCES);
}

TEST(ProgramTest, AnArgumentIsAnArgumentWhateverStandsInIt) {
  ProgramCall call;
  call.command = {"printf", "%s|%s", "a; rm -rf $HOME `id`", "*"};
  EXPECT_EQ(run(call).output, "a; rm -rf $HOME `id`|*");
}

TEST(ProgramTest, WithinItsTimeItIsToldToEndAndThenKilled) {
  ProgramCall call = shell("trap '' TERM; while :; do sleep 0.05; done");
  call.timeout = Duration{100};
  const auto begun = Time::now();
  EXPECT_EQ(run(call).how, How::TimedOut);
  EXPECT_LT(Time::now() - begun, std::chrono::seconds(10));
}

TEST(ProgramTest, WhatItStartedGoesWithIt) {
  // The child holds the output open and would write for ever.
  ProgramCall call = shell("sleep 1000 & echo $!; exit 0");
  const ProgramEnd end = run(call);
  EXPECT_EQ(end.how, How::Exited);
  const pid_t child = static_cast<pid_t>(std::stol(end.output));
  for (int i = 0; i < 500 && ::kill(child, 0) == 0; ++i) {
    // Whoever reaps it may be slow; a zombie is dead.
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    std::string line;
    std::getline(stat, line);
    if (line.find(") Z ") != std::string::npos) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_LT(i, 499) << "it lives on";
  }
}

/// Whoever reaps it may be slow; a zombie is dead.
bool lives(pid_t process) {
  if (::kill(process, 0) != 0) return false;
  std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  std::getline(stat, line);
  return line.find(") Z ") == std::string::npos;
}

TEST(ProgramTest, ADaemonOfASessionOfItsOwnGoesWithIt) {
  for (const char* end : {"exit 0", "sleep 1000"}) {
    // A new session whose leader is gone: neither its group nor its parents lead to it.
    ProgramCall call = shell("setsid sh -c 'sleep 1000 & echo $!'; " + std::string(end));
    call.timeout = Duration{2'000};
    const ProgramEnd ended = run(call);
    ASSERT_FALSE(ended.output.empty()) << ended.errors;
    EXPECT_FALSE(lives(static_cast<pid_t>(std::stol(ended.output)))) << end;
  }
}

TEST(ProgramTest, TooMuchOutputEndsIt) {
  ProgramCall call = shell("yes");
  call.most_output = 10'000;
  const ProgramEnd end = run(call);
  EXPECT_EQ(end.how, How::TooMuchOutput);
  EXPECT_LE(end.output.size(), 10'000u);
}

TEST(ProgramTest, OfEndlessComplaintsTheBeginningIsKept) {
  const ProgramEnd end = run(shell("head -c 1000000 /dev/zero | tr '\\0' e >&2; echo ok"));
  EXPECT_EQ(end.output, "ok\n");
  EXPECT_LE(end.errors.size(), 8u * 1024);
}

TEST(ProgramTest, AnUnwantedOneIsKilled) {
  const int fd = ::eventfd(1, 0);
  EXPECT_EQ(run_program(shell("sleep 1000"), fd).how, How::Abandoned);
  ::close(fd);
}

TEST(ProgramTest, NoVariableOfOursReachesIt) {
  ::setenv("TELEGRAM_TOKEN", "123:secret", 1);
  ProgramCall call = shell("env");
  call.environment["KEY"] = "given";
  const ProgramEnd end = run(call);
  ::unsetenv("TELEGRAM_TOKEN");
  EXPECT_THAT(end.output, Not(HasSubstr("secret")));
  EXPECT_THAT(end.output, HasSubstr("KEY=given"));
  EXPECT_THAT(end.output, HasSubstr("PATH="));
}

TEST(ProgramTest, NoDescriptorOfOursReachesIt) {
  const int open_for_all = ::dup(1);  // without O_CLOEXEC, as a library would leave it
  EXPECT_EQ(run(shell("ls /proc/self/fd | wc -l")).output, "4\n") << "three, and the folder that ls reads";
  ::close(open_for_all);
}

TEST(ProgramTest, ItRunsInItsFolder) {
  ProgramCall call = shell("pwd");
  call.folder = "/usr";
  EXPECT_EQ(run(call).output, "/usr\n");
  call.folder = "/no/such/folder";
  EXPECT_EQ(run(call).how, How::CannotStart);
}

TEST(ProgramTest, ItsMemoryAndItsFilesAreLimited) {
  ProgramCall call = shell("ulimit -v; ulimit -n; ulimit -c; ulimit -t");
  call.memory_bytes = std::size_t{64} << 20;
  EXPECT_EQ(run(call).output, "65536\n64\n0\n22\n");
}

TEST(ProgramTest, SignalsThatWeIgnoreOrBlockAreItsOwn) {
  ::signal(SIGPIPE, SIG_IGN);
  const ProgramEnd end = run(shell("kill -PIPE $$; echo alive"));
  ::signal(SIGPIPE, SIG_DFL);
  EXPECT_EQ(end.how, How::Killed);
  EXPECT_EQ(end.code, SIGPIPE);
}

// ---- the service

class RunServiceTest : public ::testing::Test {
 protected:
  RunServiceTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sufler_run_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~RunServiceTest() override { std::filesystem::remove_all(folder_); }

  JobResult ask(const std::string& script, const std::string& request = "{}", Duration timeout = {20'000}) {
    ServiceSettings settings;
    settings.programs.push_back({"estimate", {"sh", "-c", script}, folder_, timeout, std::size_t{512} << 20, {}});
    const auto service = make_run_service(settings);
    std::promise<JobResult> promise;
    service->begin({1, "shop", "run", "estimate", request, 1}, [&](JobResult result) { promise.set_value(std::move(result)); });
    return promise.get_future().get();
  }

  std::string folder_;
};

TEST_F(RunServiceTest, JsonGoesInAndComesOut) {
  const JobResult result = ask("cat", R"({"area":54.5,"rooms":["кухня",2],"sea":null})");
  ASSERT_EQ(result.kind, JobResult::Kind::Done) << result.error;
  const ValueMap* map = result.result.map();
  ASSERT_TRUE(map);
  EXPECT_EQ(*map->find("area"), Value(*Decimal::parse("54.5")));
  EXPECT_EQ(map->find("rooms")->list()->size(), 2u);
}

TEST_F(RunServiceTest, WhatIsNoJsonIsAFailure) {
  for (const char* script : {"echo hello", "true", "printf '{\"a\":1} x'", "printf '\"\\377\\376\"'", "printf '[1,2'"}) {
    const JobResult result = ask(script);
    EXPECT_EQ(result.kind, JobResult::Kind::Failed) << script;
    EXPECT_THAT(result.error, HasSubstr("no JSON")) << script;
  }
}

TEST_F(RunServiceTest, AResultNestedWithoutEndIsAFailure) {
  EXPECT_EQ(ask("head -c 100000 /dev/zero | tr '\\0' '['").kind, JobResult::Kind::Failed);
}

TEST_F(RunServiceTest, AProgramMaySayItselfThatItCannot) {
  const JobResult result = ask(R"(echo '{"error": "нет такого дома"}')");
  EXPECT_EQ(result.kind, JobResult::Kind::Failed);
  EXPECT_EQ(result.error, "нет такого дома");
}

TEST_F(RunServiceTest, OneThatFailsIsNotTriedAgainAndTheOperatorReadsWhy) {
  const JobResult result = ask("echo Traceback >&2; exit 1");
  EXPECT_EQ(result.kind, JobResult::Kind::Failed);
  EXPECT_EQ(result.error, "exit code 1");
  EXPECT_EQ(result.log, "Traceback\n");
}

TEST_F(RunServiceTest, OneThatIsSlowFails) {
  EXPECT_THAT(ask("sleep 1000", "{}", Duration{50}).error, HasSubstr("no result within"));
}

TEST_F(RunServiceTest, AServiceThatGoesTakesItsProgramsAlong) {
  ServiceSettings settings;
  settings.programs.push_back({"estimate", {"sleep", "1000"}, folder_, Duration{20'000}, std::size_t{512} << 20, {}});
  const auto begun = Time::now();
  {
    const auto service = make_run_service(settings);
    for (int i = 1; i <= 6; ++i) service->begin({i, "shop", "run", "estimate", "{}", 1}, [](JobResult) {});
  }
  EXPECT_LT(Time::now() - begun, std::chrono::seconds(10));
}

}  // namespace
}  // namespace sufler

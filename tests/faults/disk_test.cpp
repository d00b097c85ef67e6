// What happens below SQLite and around the process: a lock of another, a full or failing disk, a power cut, a log that
// nobody takes, too little memory.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

#include "faults/crowd.h"
#include "faults/rows.h"
#include "faults/small_shop.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SUFLER_SANITIZED
#endif

namespace sufler::tests {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr const char* kStrace = "/usr/bin/strace";

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// A small disk of memory; nothing when only the superuser may have one.
class SmallDisk {
 public:
  explicit SmallDisk(const char* size) : mounted_(mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, size) == 0) {}
  ~SmallDisk() {
    if (mounted_) umount2(folder_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  const std::string& path() const { return folder_.path(); }
  /// Until nothing more fits.
  void fill() {
    const int fd = open(ballast().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const std::string block(4096, 'b');
    while (write(fd, block.data(), block.size()) > 0) {
    }
    close(fd);
  }
  void free() { fs::remove(ballast()); }

 private:
  std::string ballast() const { return folder_.path() + "/ballast"; }
  TempFolder folder_;
  bool mounted_;
};

TEST(DiskFaultsTest, ALockOfAnotherProgramIsWaitedFor) {
  Deployment deployment({});
  deployment.start();
  Crowd crowd(deployment, 10);
  ASSERT_TRUE(deployment.telegram.wait_for_calls("sendMessage", 50, kPatience)) << deployment.output();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(deployment.database_url().substr(7).c_str(), &other), SQLITE_OK);
  sqlite3_busy_timeout(other, 10'000);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const std::size_t before = deployment.telegram.calls("sendMessage").size();
  // The wait is the fault itself.
  deployment.process().wait(seconds(setting("SUFLER_LOCK_S", 10)));
  EXPECT_LE(deployment.telegram.calls("sendMessage").size(), before + 10) << "something was said without being stored";
  ASSERT_EQ(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  finish(deployment, crowd);
  // The log may tell of a lock that was held longer than the program waits at a time; people may not hear of it, and the
  // auditor knows every word that they do.
  EXPECT_EQ(repeated_messages(deployment.evidence(crowd->orders())), 0u);
}

TEST(DiskFaultsTest, AFullDiskConfirmsNothingShowsInReadinessAndIsRecoveredFrom) {
  SmallDisk disk("size=4m");
  if (!disk.mounted()) GTEST_SKIP() << "only the superuser may mount a small disk";
  Deployment::Settings settings;
  settings.data_folder = disk.path();
  settings.pages = true;
  Deployment deployment(settings);
  deployment.start();
  Crowd crowd(deployment, 5);
  ASSERT_TRUE(deployment.becomes_ready(true, kPatience)) << deployment.output();
  ASSERT_TRUE(deployment.telegram.wait_for_calls("sendMessage", 50, kPatience)) << deployment.output();
  disk.fill();
  ASSERT_TRUE(deployment.becomes_ready(false, kPatience)) << deployment.output();
  const std::int64_t unheard = deployment.telegram.say(900, "/start");
  EXPECT_FALSE(deployment.telegram.wait_until_confirmed(unheard, seconds(1)));
  EXPECT_THAT(deployment.telegram.messages(900), testing::IsEmpty());
  EXPECT_TRUE(deployment.runs(0));
  disk.free();
  EXPECT_TRUE(deployment.becomes_ready(true, kPatience)) << deployment.output();
  EXPECT_TRUE(deployment.telegram.wait_until_confirmed(unheard, kPatience)) << deployment.output();
  deployment.telegram.wait_for_messages(900, 1, kPatience);
  finish(deployment, crowd);
}

TEST(DiskFaultsTest, ASyncThatFailsIsNoCommit) {
  if (access(kStrace, X_OK) != 0) GTEST_SKIP() << "strace is not installed";
  Deployment deployment({});
  deployment.start(0, {kStrace, "-D", "-f", "-q", "-q", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
                       "inject=fdatasync:error=EIO:when=30+9"});
  Crowd crowd(deployment, 5);
  ASSERT_TRUE(deployment.telegram.wait_for_calls("sendMessage", 150, kPatience)) << deployment.output();
  finish(deployment, crowd);
  EXPECT_THAT(deployment.output(), HasSubstr("the disk failed"));
}

TEST(DiskFaultsTest, ADatabaseThatCannotBeUsedIsRefusedWithItsOwnExitCode) {
  Deployment deployment({});
  const std::string path = deployment.database_url().substr(7);
  deployment.start();
  ASSERT_TRUE(deployment.telegram.wait_until_polling(true, kPatience)) << deployment.output();
  deployment.stop_all();
  const std::string good = read_file(path);
  std::string damaged = good;
  for (std::size_t i = 100; i < 4096; ++i) damaged[i] = static_cast<char>(i * 37);
  rows_of(deployment.database_url(), "INSERT INTO schema_version (version) VALUES (999)");
  const std::string newer = read_file(path);
  for (const std::string& bytes : {damaged, newer}) {
    for (const char* more : {"-wal", "-shm"}) fs::remove(path + more);
    write_file(path, bytes);
    const std::size_t said = deployment.output(0).size();
    deployment.start();
    EXPECT_EQ(deployment.process().wait(kPatience), 78);
    const std::string output = deployment.output(0).substr(said);
    EXPECT_EQ(std::count(output.begin(), output.end(), '\n'), 1) << output;
    EXPECT_EQ(read_file(path), bytes) << "the file was touched";
  }
}

TEST(DiskFaultsTest, ALogThatNobodyTakesIsCountedAndServingGoesOn) {
  for (const bool full : {true, false}) {
    SCOPED_TRACE(full ? "the disk is full" : "the pipe is closed");
    TempFolder folder;
    Deployment::Settings settings;
    settings.scenario = kEchoScenario;
    settings.pages = true;
    settings.log_level = "info";
    settings.output = full ? "/dev/full" : folder.path() + "/pipe";
    int reader = -1;
    if (!full) {
      ASSERT_EQ(mkfifo(settings.output.c_str(), 0600), 0);
      reader = open(settings.output.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    }
    Deployment deployment(settings);
    deployment.start();
    close(reader);
    deployment.telegram.say(7, "/start");
    EXPECT_EQ(deployment.telegram.wait_for_messages(7, 2, kPatience).size(), 2u);
    deployment.process().signal(SIGHUP);  // one more line
    deployment.telegram.say(7, "слово");
    EXPECT_EQ(deployment.telegram.wait_for_messages(7, 3, kPatience).size(), 3u);
    // The line comes when the files have been read.
    const auto lost = [&] {
      const std::string metrics = deployment.page("/metrics");
      const std::size_t at = metrics.find("\nsufler_log_lines_lost_total ");
      return at == std::string::npos ? -1 : std::atoi(metrics.c_str() + at + 29);
    };
    for (const auto until = std::chrono::steady_clock::now() + kPatience; lost() == 0 && std::chrono::steady_clock::now() < until;)
      deployment.process().wait(milliseconds(20));
    EXPECT_GT(lost(), 0);
    deployment.process().signal(SIGTERM);
    EXPECT_EQ(deployment.process().wait(kPatience), 0);
  }
}

TEST(DiskFaultsTest, TooLittleMemoryLosesNothing) {
#ifdef SUFLER_SANITIZED
  GTEST_SKIP() << "sanitizers need the whole address space";
#endif
  Deployment deployment({});
  Crowd crowd(deployment, 10);
  // From too little for the program to begin to enough for a while.
  int ended = 0;
  for (const int megabytes : {40, 80, 120, 160, 240, 320}) {
    deployment.start(0, {"/usr/bin/prlimit", "--as=" + std::to_string(megabytes << 20), "--"});
    ended += deployment.process().wait(milliseconds(700)).has_value() ? 1 : 0;
    deployment.kill();
  }
  deployment.start();
  finish(deployment, crowd);
  std::cout << "figure: " << ended << " of 6 lives ended for lack of memory\n";
}

/// Whether every thread of the process stands still.
bool stands_still(pid_t pid) {
  std::error_code gone;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone)) {
    const std::string stat = read_file(task.path().string() + "/stat");
    const std::size_t at = stat.rfind(')');
    if (at == std::string::npos || (stat[at + 2] != 'T' && stat[at + 2] != 't')) return false;
  }
  return !gone;
}

/// How many syncs have ended; `log` is what strace writes.
int syncs_in(const std::string& log) {
  const std::string text = read_file(log);
  int syncs = 0;
  // `fdatasync(13) = 0`, or `<... fdatasync resumed>) = 0` when another thread was told of in between.
  for (std::size_t at = text.find("fdatasync"); at != std::string::npos; at = text.find("fdatasync", at + 1)) {
    const std::string_view line = std::string_view(text).substr(at, text.find('\n', at) - at);
    if (line.find(" = ") != line.npos) ++syncs;
  }
  return syncs;
}

/// Under strace everything stands still for a blink at times, and for long when the machine does other work. Whether
/// it is the end of a sync, at least the `sync`th, strace's own notes tell.
bool comes_to_rest(SuflerProcess& process, const std::string& log, int sync, std::int64_t patience_ms = 40'000) {
  constexpr int kBlink = 15;
  const std::int64_t until = unix_ms() + patience_ms;
  for (int still = 0; unix_ms() < until; process.wait(milliseconds(2))) {
    still = stands_still(process.pid()) ? still + 1 : 0;
    if (still >= kBlink && syncs_in(log) >= sync) return true;
  }
  return false;
}

TEST(DiskFaultsTest, APowerCutLosesNothingThatWasAcknowledged) {
  if (access(kStrace, X_OK) != 0) GTEST_SKIP() << "strace is not installed";
  const std::uint64_t seed = setting("SUFLER_KILL_SEED", std::random_device{}());
  SCOPED_TRACE("repeat with SUFLER_KILL_SEED=" + std::to_string(seed));
  std::mt19937_64 chance(seed);
  Deployment deployment({});
  const std::string path = deployment.database_url().substr(7);
  Crowd crowd(deployment, 5);
  const std::uint64_t cuts = setting("SUFLER_POWER_CUTS", 6, 60);
  for (std::uint64_t i = 0; i < cuts; ++i) {
    // It stands still after each sync from the Nth on. What was written between two syncs may be lost.
    const TempFolder notes;
    const std::string log = notes.path() + "/strace.log";
    const int first = 8 + std::uniform_int_distribution<int>(0, 60)(chance);
    deployment.start(0, {kStrace, "-D", "-f", "-q", "-q", "-o", log, "-e", "trace=fdatasync", "-e",
                         "inject=fdatasync:signal=STOP:when=" + std::to_string(first) + "+"});
    if (!comes_to_rest(deployment.process(), log, first, 15'000)) {
      // People had said all they had to say before that many syncs.
      ASSERT_GE(i, 1u) << deployment.output();
      deployment.kill();
      break;
    }
    TempFolder copy;
    for (const char* part : {"", "-wal"})
      if (fs::exists(path + part)) fs::copy_file(path + part, copy.path() + "/shop.db" + part);
    const int syncs = syncs_in(log);
    deployment.process().signal(SIGCONT);
    ASSERT_TRUE(comes_to_rest(deployment.process(), log, syncs + 1)) << deployment.output();
    deployment.kill();
    fs::remove(path + "-shm");
    for (const char* part : {"", "-wal"}) {
      fs::remove(path + part);
      if (fs::exists(copy.path() + "/shop.db" + part)) fs::copy_file(copy.path() + "/shop.db" + part, path + part);
    }
  }
  deployment.start();
  finish(deployment, crowd);
  std::cout << "figure: " << cuts << " power cuts between two syncs, " << total(crowd->orders()) << " orders\n";
}

class TimersTest : public testing::TestWithParam<DatabaseUnderTest> {};

TEST_P(TimersTest, TimersThatCameDueDuringDowntimeAllFireOnceOldestFirst) {
  Deployment::Settings settings;
  settings.database = GetParam();
  const int people = static_cast<int>(setting("SUFLER_TIMERS", 150, 1000));
  // All must have been asked before the first comes due.
  settings.scenario = "scenario: later\nlanguage: ru\nstart: hello\nbranches:\n  hello:\n    - say: Жду\n    - wait: " +
                      std::to_string(15 + (people > 150 ? people / 20 : 0)) + "s\n    - say: Готово\n";
  Deployment deployment(settings);
  deployment.start();
  for (int person = 1; person <= people; ++person) deployment.telegram.say(person, "/start");
  for (int person = 1; person <= people; ++person)
    ASSERT_EQ(deployment.telegram.wait_for_messages(person, 1, kPatience).size(), 1u) << deployment.output();
  deployment.stop_all();
  std::map<std::string, std::int64_t> due;
  for (const Row& row : rows_of(deployment.database_url(),
                                "SELECT d.user_id, t.due_at_unix_ms FROM timers t JOIN dialogs d ON d.id = t.dialog_id"))
    due[row[0]] = std::stoll(row[1]);
  ASSERT_EQ(due.size(), static_cast<std::size_t>(people)) << "some came due before it stopped";
  // The downtime itself.
  deployment.process().wait(milliseconds(0));
  while (std::any_of(due.begin(), due.end(), [](const auto& one) { return one.second > unix_ms(); })) usleep(20'000);
  deployment.start();
  for (int person = 1; person <= people; ++person)
    ASSERT_EQ(deployment.telegram.wait_for_messages(person, 2, kPatience).size(), 2u) << deployment.output();
  deployment.stop_all();
  for (int person = 1; person <= people; ++person) EXPECT_EQ(deployment.telegram.messages(person).size(), 2u);
  EXPECT_THAT(rows_of(deployment.database_url(), "SELECT name FROM timers"), testing::IsEmpty());
  const auto played = rows_of(deployment.database_url(),
                              "SELECT d.user_id FROM journal j JOIN dialogs d ON d.id = j.dialog_id WHERE j.event LIKE "
                              "'%timer%' ORDER BY j.id");
  ASSERT_EQ(played.size(), due.size());
  for (std::size_t i = 1; i < played.size(); ++i)
    EXPECT_LE(due[played[i - 1][0]], due[played[i][0]]) << "not the oldest first";
}

INSTANTIATE_TEST_SUITE_P(Databases, TimersTest, testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres),
                         [](const auto& each) { return name_of(each.param); });

class FloodTest : public testing::TestWithParam<DatabaseUnderTest> {
 protected:
  static int figure(const std::string& metrics, const std::string& name) {
    const std::size_t at = metrics.find("\n" + name);
    return at == std::string::npos ? -1 : std::atoi(metrics.c_str() + at + 1 + name.size());
  }
  enum class Flooded { ThisBot, AnotherBot };
  /// How long people wait at most for 99 answers of a hundred. The bot that nobody serves is flooded for comparison:
  /// what the flood costs the platform of this test, on the same processors, is no business of the program's.
  std::int64_t p99(int floods, Flooded flooded) {
    const std::size_t bot = flooded == Flooded::ThisBot ? 0 : 1;
    Deployment::Settings settings;
    settings.database = GetParam();
    settings.flood = 30;
    settings.pages = true;
    settings.telegram.bots = {{std::string(fakes::kTestToken)},
                              {"7000000002:AACANARY-token-that-nobody-serves-0000", "another_bot"}};
    Deployment deployment(settings);
    deployment.start();
    EXPECT_TRUE(deployment.telegram.wait_until_polling(true, kPatience)) << deployment.output();
    Crowd crowd(deployment, 40);
    constexpr std::int64_t kFlooder = 5000;
    for (int i = 0; i < floods; ++i) deployment.telegram.say(kFlooder, "слово " + std::to_string(i), {0, bot});
    EXPECT_TRUE(deployment.telegram.wait_for_calls("sendMessage", 600, kPatience)) << deployment.output();
    EXPECT_TRUE(crowd.finish()) << crowd->stuck() << deployment.output();
    if (flooded == Flooded::ThisBot) {
      const auto notices = [&] {
        int count = 0;
        for (const auto& message : deployment.telegram.messages(kFlooder))
          count += message.text.find("Слишком много сообщений") != std::string::npos ? 1 : 0;
        return count;
      };
      while (deployment.telegram.pending_updates() > 0) deployment.process().wait(milliseconds(10));
      // What came before the first full batch may have been answered in time.
      EXPECT_LE(deployment.telegram.wait_for_messages(kFlooder, 31, kPatience).size(), 90u);
      EXPECT_EQ(notices(), 1);
      // What was not answered in time was passed over, without a turn.
      EXPECT_GE(figure(deployment.page("/metrics"), "sufler_passed_over_total{bot=\"shop\"} "), floods - 90);
    }
    deployment.stop_all();
    return percentile(crowd->waits(), 99);
  }
};

TEST_P(FloodTest, OneWhoWritesWithoutEndIsToldOnceAndSlowsNobody) {
  const int floods = static_cast<int>(setting("SUFLER_FLOOD", 10'000));
  const std::int64_t calm = p99(floods, Flooded::AnotherBot);
  const std::int64_t flooded = p99(floods, Flooded::ThisBot);
  // How much longer is a figure, and no test's to judge on a busy machine; nobody is left waiting. That a flood costs
  // the others no transaction is counted by EngineTest.
  std::cout << "figure: p99 " << flooded << " ms with " << floods << " messages of one person, " << calm
            << " ms when another bot gets them\n";
}

INSTANTIATE_TEST_SUITE_P(Databases, FloodTest, testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres),
                         [](const auto& each) { return name_of(each.param); });

}  // namespace
}  // namespace sufler::tests

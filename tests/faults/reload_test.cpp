// New versions of the scenario under load: many, broken ones among them, and a process that dies while it takes one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "faults/deployment.h"

namespace sufler::tests {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kPeople = 8;
constexpr std::int64_t kAnna = 501;

/// Each turn says the version's number twice, and which word it answers.
std::string scenario(int number) {
  const std::string n = std::to_string(number);
  // What differs besides: where everything stands in the program.
  const std::string other = number % 2 == 0 ? "  other:\n    - ask: word\n    - say: nobody comes here\n" : "";
  return "scenario: storm\nlanguage: ru\nstart: hello\nbranches:\n" + other +
         "  hello:\n    - go: talk\n"
         "  talk:\n    - ask: word\n    - say: \"A" + n + " {{ word }}\"\n    - say: \"B" + n + " {{ word }}\"\n    - go: talk\n"
         "questions:\n  word: {text: \"?\"}\n";
}

/// Memory of the process, in kilobytes.
std::int64_t resident_kb(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("VmRSS:")) return std::atoll(line.c_str() + 6);
  return 0;
}

/// The versions' numbers never fall: only the process 0 is told of them, others find them in the database.
class Storm {
 public:
  explicit Storm(DatabaseUnderTest database, const std::string& failpoints = {}) : deployment(settings(database, failpoints)) {}

  /// As an editor saves, or as one that writes over the old file.
  void save(const std::string& text, bool at_once = true) {
    const std::string path = deployment.folder.path() + "/shop.yaml";
    if (!at_once) return void(std::ofstream(path) << text);
    std::ofstream(path + ".draft") << text;
    fs::rename(path + ".draft", path);
  }
  void say(std::int64_t person, const std::string& text, std::size_t messages) {
    deployment.telegram.say(person, text);
    EXPECT_GE(deployment.telegram.wait_for_messages(person, messages, kPatience).size(), messages)
        << deployment.output();
  }

  /// Version and word of each turn that the person saw, in order; fails when a turn is of two versions.
  std::vector<std::pair<int, std::string>> turns_of(std::int64_t person) {
    std::vector<std::pair<int, std::string>> turns;
    std::string waits;  // the other half of a turn
    for (const fakes::SentMessage& message : deployment.telegram.messages(person)) {
      if (message.text == "?") continue;
      const std::string rest = message.text.substr(1);
      if (message.text[0] == 'A') {
        EXPECT_EQ(waits, "") << "half a turn was said";
        waits = rest;
        continue;
      }
      EXPECT_EQ(message.text[0], 'B') << message.text;
      EXPECT_EQ(waits, rest) << "a turn of two versions";
      waits.clear();
      std::istringstream in(rest);
      int number = 0;
      std::string word;
      in >> number >> word;
      turns.emplace_back(number, word);
    }
    return turns;
  }

  /// What a request over the socket calls the database.
  std::string mark() const {
    std::string name = deployment.database_url();
    if (name.starts_with("sqlite:")) name = fs::weakly_canonical(fs::path(deployment.folder.path()) / name.substr(7)).string();
    std::uint64_t mark = 0xcbf29ce484222325ULL;
    for (const char c : name) mark = (mark ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return std::to_string(mark);
  }

  Deployment deployment;

 private:
  static Deployment::Settings settings(DatabaseUnderTest database, const std::string& failpoints) {
    Deployment::Settings settings;
    settings.database = database;
    settings.scenario = scenario(1);
    settings.log_level = "error";
    if (!failpoints.empty()) settings.environment = {{"SUFLER_FAILPOINTS", failpoints}};
    return settings;
  }
};

class ReloadFaultsTest : public testing::TestWithParam<DatabaseUnderTest> {};
INSTANTIATE_TEST_SUITE_P(Databases, ReloadFaultsTest, testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres),
                         [](const auto& one) { return name_of(one.param); });

/// Operators who ask at a fixed pace, each for an answer of their own, as `sufler reload` does: one line over the
/// process's socket.
class Operators {
 public:
  Operators(Storm& storm, std::string socket) : storm_(storm), socket_(std::move(socket)) {
    for (int i = 0; i < kOperators; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Operators() { stop(); }
  void stop() {
    over_ = true;
    for (std::thread& one : threads_)
      if (one.joinable()) one.join();
  }

  std::atomic<int> asked{0}, switched{0}, refused{0}, as_it_was{0};
  std::mutex mutex;
  std::set<std::string> versions;        ///< that an answer named as switched to
  std::vector<std::string> unanswered;   ///< what came instead of an answer
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();

 private:
  static constexpr int kOperators = 12;
  static constexpr milliseconds kPace{20};

  void work() {
    while (!over_) {
      {
        std::lock_guard lock(save_);
        // The pace is the fault itself.
        std::this_thread::sleep_until(began + kPace * asked.load());
        if (over_) return;
        save(2 + asked++);
      }
      hear(ask());
    }
  }

  /// Half of them are broken. As a deploy brings files: whole, and older than this moment, so that nobody takes a
  /// broken one for half-written. Every fourth is written over, as an editor may do it.
  void save(int number) {
    const std::string text = scenario(number);
    if (number % 2 == 0) return storm_.save(text, number % 4 == 0);
    const std::string draft = storm_.deployment.folder.path() + "/shop.yaml.draft";
    std::ofstream(draft) << text.substr(0, text.size() / 2) << "\n  [";
    fs::last_write_time(draft, fs::file_time_type::clock::now() - std::chrono::hours(1));
    fs::rename(draft, storm_.deployment.folder.path() + "/shop.yaml");
  }

  /// The answer; empty when none came.
  std::string ask() const {
    std::string answer;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_.copy(address.sun_path, sizeof address.sun_path - 1);
    const std::string request = R"({"op":"reload","bot":"shop","database":")" + storm_.mark() + "\"}\n";
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
      char part[4096];
      for (ssize_t got = 0; !answer.ends_with('\n') && (got = recv(fd, part, sizeof part, 0)) > 0;)
        answer.append(part, static_cast<std::size_t>(got));
    }
    close(fd);
    return answer;
  }

  void hear(const std::string& text) {
    const auto answer = nlohmann::json::parse(text, nullptr, false);
    if (!answer.is_object() || !answer.contains("bots")) {
      std::lock_guard lock(mutex);
      unanswered.push_back(text.substr(0, 300));
      return;
    }
    const auto& bot = answer["bots"][0];
    if (bot.contains("error")) {
      ++refused;
    } else if (!bot.value("changed", false)) {
      ++as_it_was;
    } else {
      ++switched;
      std::lock_guard lock(mutex);
      versions.insert(bot.value("version", ""));
    }
  }

  Storm& storm_;
  const std::string socket_;
  std::atomic<bool> over_{false};
  std::mutex save_;
  std::vector<std::thread> threads_;
};

TEST_P(ReloadFaultsTest, AStormOfReloadsMixesNoTurnTakesNoDialogBackAndNoMemory) {
  Storm storm(GetParam());
  Deployment& deployment = storm.deployment;
  const std::string run = deployment.folder.path() + "/run";
  fs::create_directories(run);
  deployment.start(0, {"/usr/bin/env", "RUNTIME_DIRECTORY=" + run});
  for (int i = 0; i < kPeople; ++i) storm.say(600 + i, "/start", 1);
  if (GetParam() == DatabaseUnderTest::Postgres) deployment.start(1);

  Operators operators(storm, run + "/sufler.sock");
  // In a closed loop: whoever has been answered says the next word.
  constexpr int kWords = 60;
  std::vector<std::thread> people;
  for (int i = 0; i < kPeople; ++i) {
    people.emplace_back([&storm, i] {
      for (int word = 1; word <= kWords; ++word)
        storm.say(600 + i, "w" + std::to_string(word), static_cast<std::size_t>(1 + 3 * word));
    });
  }
  deployment.process(0).wait(seconds(1));
  const std::int64_t early_kb = resident_kb(deployment.process(0).pid());
  for (std::thread& person : people) person.join();
  const std::int64_t late_kb = resident_kb(deployment.process(0).pid());
  const double time = std::chrono::duration<double>(std::chrono::steady_clock::now() - operators.began).count();
  operators.stop();
  EXPECT_TRUE(deployment.runs(0)) << deployment.output();

  std::set<int> seen;
  for (int i = 0; i < kPeople; ++i) {
    const auto turns = storm.turns_of(600 + i);
    EXPECT_EQ(turns.size(), static_cast<std::size_t>(kWords));
    int before = 0;
    for (std::size_t turn = 0; turn < turns.size(); ++turn) {
      EXPECT_EQ(turns[turn].second, "w" + std::to_string(turn + 1));
      EXPECT_GE(turns[turn].first, before) << "an older version than before";
      before = turns[turn].first;
      seen.insert(before);
    }
  }
  std::cout << "figure: " << operators.asked << " reloads asked for in " << time << " s, "
            << static_cast<double>(operators.asked) / time << " a second; answered: " << operators.switched
            << " switched (" << operators.versions.size() << " versions, for who asks while another's waits is answered with it), "
            << operators.refused << " refused, " << operators.as_it_was << " nothing new; " << seen.size()
            << " versions spoke; memory " << early_kb << " KB, then " << late_kb << " KB\n";
  EXPECT_TRUE(operators.unanswered.empty()) << operators.unanswered.size() << ": " << operators.unanswered.front();
  EXPECT_EQ(operators.switched + operators.refused + operators.as_it_was, operators.asked);
  EXPECT_GT(operators.refused, 2);
  EXPECT_GT(operators.versions.size(), 2U);
  EXPECT_GT(seen.size(), 2U) << deployment.output();
  EXPECT_LT(late_kb, early_kb + 32 * 1024);
}

class ReloadCrashTest : public testing::TestWithParam<std::tuple<DatabaseUnderTest, const char*>> {
 protected:
  void SetUp() override {
#ifndef SUFLER_FAILPOINTS
    GTEST_SKIP() << "built without failpoints";
#endif
  }
};
INSTANTIATE_TEST_SUITE_P(
    Places, ReloadCrashTest,
    testing::Combine(testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres),
                     testing::Values("store_part", "tables_ready", "deploy", "deployed")),
    [](const auto& one) { return name_of(std::get<0>(one.param)) + "_" + std::get<1>(one.param); });

TEST_P(ReloadCrashTest, AProcessThatDiesAmidAReloadLeavesOneVersionWhole) {
  // Each place is passed once by the first start.
  Storm storm(std::get<0>(GetParam()), std::string(std::get<1>(GetParam())) + ":kill:2");
  Deployment& deployment = storm.deployment;
  deployment.start();
  storm.say(kAnna, "/start", 1);
  storm.say(kAnna, "w1", 4);
  storm.save(scenario(2));
  deployment.process().signal(SIGHUP);
  ASSERT_EQ(deployment.process().wait(kPatience), 128 + SIGKILL) << deployment.output();
  deployment.note_death();
  // Whatever was stored: a start takes what is on disk.
  deployment.start(0, {"/usr/bin/env", "-u", "SUFLER_FAILPOINTS"});
  storm.say(kAnna, "w2", 7);
  // And the version before can be read again from the database.
  storm.save("scenario: [");
  deployment.stop_all();
  deployment.start(0, {"/usr/bin/env", "-u", "SUFLER_FAILPOINTS"});
  storm.say(kAnna, "w3", 10);
  const auto turns = storm.turns_of(kAnna);
  ASSERT_EQ(turns.size(), 3U);
  EXPECT_EQ(turns[0].first, 1);
  EXPECT_EQ(turns[1].first, 2);
  EXPECT_EQ(turns[2].first, 2);
}

}  // namespace
}  // namespace sufler::tests

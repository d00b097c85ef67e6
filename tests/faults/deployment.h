#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "databases/test_database.h"
#include "fakes/telegram/fake_telegram.h"
#include "faults/audit.h"
#include "faults/shopfront.h"
#include "serve/sufler_process.h"

namespace sufler::tests {

/// How long a test waits for what must come; nobody waits so long when all is well. With nothing sent for so long,
/// while a process lives longer than it takes to start, somebody is stuck.
constexpr std::chrono::seconds kPatience{100};  // under strace beside a whole suite
constexpr std::int64_t kAdmin = 900'001;

/// A number of the environment.
std::uint64_t setting(const char* name, std::uint64_t otherwise);
/// The same; `deep` where SUFLER_DEEP is set: what RELIABILITY asks for, and what takes too long for every day.
std::uint64_t setting(const char* name, std::uint64_t otherwise, std::uint64_t deep);

/// A Telegram, a database, a configuration, and the processes that serve one bot with them.
class Deployment {
 public:
  struct Settings {
    DatabaseUnderTest database = DatabaseUnderTest::Sqlite;
    std::string scenario = {};           ///< of the bot; empty: kShopScenario
    std::string durability = "full";
    int flood = 0;                       ///< messages that a person may write in 10 s; 0: any number
    std::map<std::string, std::string> environment = {};
    std::string more = {};               ///< further lines of the configuration
    std::string log_level = "warning";
    std::string database_url = {};       ///< in the place of a new database
    std::string way_to_database = {};    ///< what the processes are told instead: the way through a proxy
    std::string way_to_telegram = {};    ///< what the processes are told of its address: the way through a front
    std::vector<std::string> wrapper = {};
    unsigned long most_memory = 0;
    std::string output = {};             ///< where the outputs go; empty: a file of the folder
    std::string data_folder = {};        ///< of the SQLite file; empty: the folder
    std::string webhook = {};            ///< the secret, when updates come so; with `pages`
    bool pages = false;                  ///< /readyz and the others, of the process 0
    fakes::FakeTelegramOptions telegram = {};
  };
  explicit Deployment(Settings settings);

  /// The process `index` begins anew; one that runs is killed. `wrapper` instead of that of the settings.
  SuflerProcess& start(std::size_t index = 0);
  SuflerProcess& start(std::size_t index, const std::vector<std::string>& wrapper);
  SuflerProcess& process(std::size_t index = 0) { return *processes_[index]; }
  bool runs(std::size_t index);
  /// kill -9, with its moment among `deaths`. What it still sent has arrived when this returns.
  void kill(std::size_t index = 0);
  /// As `kill`, of a process that has ended by itself as if killed; or of a database that was away, or about to go,
  /// since that moment (unix ms).
  void note_death(std::int64_t since = 0);
  /// SIGTERM to all that run; expects that they end well.
  void stop_all();

  /// The output of all processes, of each alone, with headings.
  std::string output() const;
  std::string output(std::size_t index) const;
  /// The first line of the answer, and the body, of a page of the process; empty when nobody answers.
  std::string page(const std::string& path) const;
  int port() const { return port_; }  ///< of the pages
  bool is_ready() const { return page("/readyz").find(" 200 ") != std::string::npos; }
  /// Whether /readyz said so within the time.
  bool becomes_ready(bool ready, std::chrono::milliseconds patience);

  /// The one line of the sqlite database or the address on the server.
  std::string database_url() const;
  std::vector<std::string> audited(const std::map<std::int64_t, int>& orders);
  Evidence evidence(const std::map<std::int64_t, int>& orders);

  fakes::FakeTelegram telegram;
  const std::unique_ptr<Shopfront> shop;  ///< on `telegram`
  TempFolder folder;
  std::vector<Evidence::Death> deaths, standstills;

 private:
  Settings settings_;
  std::optional<TestDatabase> postgres_;
  int port_ = 0;
  std::vector<std::unique_ptr<SuflerProcess>> processes_;
};

}  // namespace sufler::tests

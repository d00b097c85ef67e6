#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "interpreter/core/text.h"

/// The subcommands of `sufler`: one file each, registered in main.cpp. Each gives the process's exit code.
namespace sufler {

inline constexpr int kExitClean = 0;
inline constexpr int kExitErrors = 1;
inline constexpr int kExitMisuse = 2;
/// The database cannot be used by this program: starting anew does not help (EX_CONFIG).
inline constexpr int kExitUnusable = 78;

/// `ru` or `en` of the option, else of LC_ALL, LC_MESSAGES or LANG, else English.
Language tool_language(const std::string& option);

struct CheckOptions {
  std::vector<std::string> paths;
  std::string format = "text";
  std::string language;
  std::vector<std::string> transports;
  bool fix = false;
  bool strict = false;
};
int run_check(const CheckOptions& options);

struct TestOptions {
  std::vector<std::string> paths;
  std::string format = "text";
  std::string language;
  bool coverage = false;
  double coverage_min = 0;  ///< percent of steps; less fails the run
  bool update = false;
};
int run_test(const TestOptions& options);

struct ChatOptions {
  std::string path;
  std::string language;
  std::optional<std::string> name;  ///< the person's first name; a usual one of the scenario's language unless given
  std::uint64_t seed = 0;
};
int run_chat(const ChatOptions& options);

struct RunOptions {
  std::string config = "sufler.yaml";
};
int run_bots(const RunOptions& options);

struct DbOptions {
  enum class What : std::uint8_t { Migrate, Status, Copy } what = What::Status;
  std::string config = "sufler.yaml";
  std::string grant;  ///< a role of PostgreSQL that may use the tables then
  std::string from, to;
  bool even_if_running = false;
  std::string format = "text";
};
int run_db(const DbOptions& options);

// What operators ask of the process that serves, or of the database when there is none.

struct DeadLettersOptions {
  enum class What : std::uint8_t { List, Show, Retry, Drop } what = What::List;
  std::vector<std::string> words;  ///< ids, and the configuration where one is named
  std::string bot;
  std::size_t limit = 100;
  bool all = false;
  std::string format = "text";
};
int run_dead_letters(const DeadLettersOptions& options);

struct StatusOptions {
  std::string config = "sufler.yaml";
  std::string format = "text";
};
int run_status(const StatusOptions& options);

struct DialogsOptions {
  std::string config = "sufler.yaml";
  std::string bot;
  std::size_t limit = 20;
  std::string format = "text";
};
int run_dialogs(const DialogsOptions& options);

struct EraseOptions {
  std::string user;
  std::string config = "sufler.yaml";
  std::string bot;
  bool yes = false;
};
int run_erase(const EraseOptions& options);

}  // namespace sufler

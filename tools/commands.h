#pragma once
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

}  // namespace sufler

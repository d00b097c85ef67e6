#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "interpreter/core/moment.h"
#include "interpreter/core/text.h"

/// The subcommands of `sufler`: one file each, registered in main.cpp. Each gives the process's exit code.
namespace sufler {

inline constexpr int kExitClean = 0;
inline constexpr int kExitErrors = 1;
inline constexpr int kExitMisuse = 2;
/// Of `plan`: some dialog would land in the fall-back.
inline constexpr int kExitFallBack = 3;
/// The database cannot be used by this program: starting anew does not help (EX_CONFIG).
inline constexpr int kExitUnusable = 78;

/// `ru` or `en` of the option, else of LC_ALL, LC_MESSAGES or LANG, else English.
Language tool_language(const std::string& option);

struct CheckOptions {
  std::vector<std::string> paths;
  std::string format = "text";
  std::string language;
  std::vector<std::string> transports;
  std::string config;  ///< whose roles and programs the scenarios are held against; may be empty
  bool fix = false;
  bool strict = false;
  std::string live;  ///< a configuration: remarks tell how many dialogs wait at their place
};
int run_check(const CheckOptions& options);

struct DiffOptions {
  std::string before, after;
  std::string format = "text";
  std::string language;
};
/// Exit codes as `diff` has them: 0 the same, 1 different, 2 trouble.
int run_diff(const DiffOptions& options);

struct PlanOptions {
  std::string path;
  std::string config = "sufler.yaml";
  std::string bot;
  std::string from;  ///< the version that serves, on disk; unless given, as the database knows it
  std::string format = "text";
  std::string language;
};
int run_plan(const PlanOptions& options);

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
  std::string config;  ///< whose programs are run; may be empty
};
int run_chat(const ChatOptions& options);

struct RunOptions {
  std::string config = "sufler.yaml";
  bool watch = false;  ///< reload when a file of a scenario is saved
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

struct SchedulesOptions {
  enum class What : std::uint8_t { List, Pause, Resume, Run } what = What::List;
  std::string name;
  std::string bot;
  std::string config = "sufler.yaml";
  std::string format = "text";
};
int run_schedules(const SchedulesOptions& options);

struct BroadcastsOptions {
  enum class What : std::uint8_t { List, Show, Pause, Resume, Stop, Begin } what = What::List;
  std::int64_t id = 0;
  std::string bot;
  bool follow = false;
  // Of a new one:
  std::string text, where, name, to_me;
  std::uint32_t rate = 0;
  bool dry_run = false;
  std::string config = "sufler.yaml";
  std::string format = "text";
};
int run_broadcasts(const BroadcastsOptions& options);

struct StatusOptions {
  std::string config = "sufler.yaml";
  std::string format = "text";
};
int run_status(const StatusOptions& options);

/// What models have answered, and the tokens that it took.
struct UsageOptions {
  std::string bot;
  std::string by = "day";  ///< or `person`, `model`
  std::int64_t days = 30;  ///< today and those before it, UTC
  std::size_t limit = 100;
  std::string config = "sufler.yaml";
  std::string format = "text";
};
int run_usage(const UsageOptions& options);

/// How many talks came to each question, and how many left there.
struct FunnelOptions {
  std::string bot;
  std::string branch;        ///< empty: all
  std::string since = "30d";
  std::string idle = "1d";   ///< whoever has waited so long has left
  Moment now = {};           ///< 0: the clock's
  std::string config = "sufler.yaml";
  std::string format = "text";
};
int run_funnel(const FunnelOptions& options);

struct CrmOptions {
  std::string bot;  ///< empty: all
  std::string config = "sufler.yaml";
  std::string format = "text";
};
/// What the accounts of the configuration have, as amoCRM tells it.
int run_crm(const CrmOptions& options);

/// Versions of scenarios: `bot` empty means all.
struct ReloadOptions {
  std::string bot;
  std::string note;
  std::string config = "sufler.yaml";
  std::string format = "text";
};
int run_reload(const ReloadOptions& options);

struct VersionsOptions {
  std::string bot;
  std::string config = "sufler.yaml";
  std::string format = "text";
};
int run_versions(const VersionsOptions& options);

struct RollbackOptions {
  std::string bot, version;
  std::string config = "sufler.yaml";
  std::string format = "text";
};
int run_rollback(const RollbackOptions& options);

struct RehearseOptions {
  std::string bot, path, user;
  bool stop = false;
  std::string config = "sufler.yaml";
  std::string format = "text";
};
int run_rehearse(const RehearseOptions& options);

struct DialogsOptions {
  std::string config = "sufler.yaml";
  std::string bot;
  std::size_t limit = 20;
  std::string format = "text";
};
int run_dialogs(const DialogsOptions& options);

struct AgentsOptions {
  enum class What : std::uint8_t { List, Remove, Restore } what = What::List;
  std::string bot;
  std::string desk, person;
  std::string config = "sufler.yaml";
  std::string format = "text";
};
int run_agents(const AgentsOptions& options);

struct InviteOptions {
  std::string desk;
  std::string bot;  ///< may be empty where one bot alone has the desk
  std::string config = "sufler.yaml";
  std::string format = "text";
};
int run_invite(const InviteOptions& options);

struct TicketsOptions {
  enum class What : std::uint8_t { List, Export } what = What::List;
  std::string bot;
  std::string desk;
  std::int64_t number = 0;
  std::string config = "sufler.yaml";
  std::string format = "text";
  std::string file_format = "txt";  ///< of Export
  std::size_t limit = 100;          ///< of each desk
  bool closed = false;
};
int run_tickets(const TicketsOptions& options);

struct EraseOptions {
  std::string user;
  std::string config = "sufler.yaml";
  std::string bot;
  bool yes = false;
};
int run_erase(const EraseOptions& options);

struct ReplayToolOptions {
  std::string path;  ///< the version to play
  std::string config = "sufler.yaml";
  std::string since = "7d";
  std::string dialog;  ///< only this one: its number or its person
  std::string bot;
  std::size_t limit = 10'000;  ///< dialogs, those that changed last
  std::string format = "text";
  std::string language;
};
/// 0: the talks are the same; 1: some differ; 2: misuse, or nothing to play.
int run_replay(const ReplayToolOptions& options);

struct RecordOptions {
  std::string dialog;
  std::string config = "sufler.yaml";
  std::string bot;
  std::string language;
  bool versions = false;  ///< the versions that the dialog went through are in the test
};
int run_record(const RecordOptions& options);

struct ExplainOptions {
  std::string dialog;
  std::string config = "sufler.yaml";
  std::string bot;
  std::string path;         ///< another version of the scenario than the configuration's
  std::size_t turns = 0;    ///< the last so many; 0: all
  std::string format = "text";
  std::string language;
};
int run_explain(const ExplainOptions& options);

struct AskOptions {
  std::string scenario;  ///< a scenario on disk, or a bot of the configuration
  std::string assistant, question;
  std::string config = "sufler.yaml";
  std::size_t pieces = 5;
  bool send = false;  ///< the model is asked, too
  std::string format = "text";
  std::string language;
};
/// 0: answered, be it that nothing was found; 1: trouble; 2: there is no such scenario, bot or assistant.
int run_ask(const AskOptions& options);

struct GraphOptions {
  std::string path;
  std::string format = "mermaid";  ///< or `dot`, `svg`
  std::string live;                ///< a configuration: its database tells who waits where
  std::string bot;
  std::string branch;              ///< only this one and its neighbours
  std::string language;
};
int run_graph(const GraphOptions& options);

}  // namespace sufler

#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "interpreter/core/event.h"
#include "interpreter/core/model_connection.h"
#include "interpreter/runtime/config_hosts.h"
#include "interpreter/runtime/config_crm.h"
#include "interpreter/runtime/config_mail.h"
#include "interpreter/runtime/flood.h"
#include "interpreter/runtime/log.h"
#include "interpreter/runtime/retention.h"
#include "schema/diagnostic.h"
#include "schema/source_map.h"
#include "storage/storage.h"

namespace sufler {

/// Transports and the keys that each understands below its name.
using KnownTransports = std::map<std::string, std::vector<std::string>, std::less<>>;

/// A platform that a bot is served on: `telegram:` with its keys.
struct TransportConfig {
  std::string name;
  std::map<std::string, std::string, std::less<>> options;
};

struct BotConfig {
  std::string name;
  std::string scenario;  ///< path, absolute
  std::vector<TransportConfig> transports;
  std::map<std::string, std::vector<ChatAddress>> roles;
  std::optional<CrmAccount> crm;  ///< its own; none: that of the configuration
  SourceSpan span;
};

/// A program that `run` may start: `programs:`.
struct ProgramConfig {
  std::string name;
  std::vector<std::string> command;
  Duration timeout{10'000};
  std::int64_t memory_bytes = std::int64_t{512} << 20;  ///< of address space
  std::map<std::string, std::string> environment;
};

/// Where the process listens: webhooks, health and metrics.
struct HttpConfig {
  std::string host;        ///< as written: a name or an address
  int port = 0;            ///< 0: a free one
  std::string public_url;  ///< how platforms reach it from outside, without a slash at the end; may be empty
};

/// Who may call `/api/v1`.
struct ApiToken {
  std::string name;   ///< for limits and logs
  std::string token;  ///< hidden from the log
  bool may_write = true;
  std::vector<std::string> bots;  ///< empty: all

  bool may_see(std::string_view bot) const;
};
struct ApiConfig {
  static constexpr std::size_t kShortestToken = 16;
  std::vector<ApiToken> tokens;
  std::uint32_t limit = 600;  ///< calls a minute of one token
};

/// `sufler.yaml` (ARCHITECTURE, "The `sufler` program"). Relative paths are relative to its folder.
struct Config {
  std::string database = "sqlite:sufler.db";
  Durability durability = Durability::Full;
  /// Where the running process hears the operator's commands: absolute; empty: a usual place.
  std::string socket;
  Retention retention;
  std::string proxy;
  FloodSettings flood;
  std::optional<HttpConfig> http;
  std::optional<ApiConfig> api;
  std::string reload_notify;  ///< a role of the bots that is told when a reload is refused; empty: nobody
  bool reload_watch = false;  ///< reload when a file of a scenario is saved
  std::vector<BotConfig> bots;
  std::vector<ProgramConfig> programs;
  std::vector<ModelConnection> models;
  std::vector<HostConfig> hosts;   ///< that `http` may reach
  std::optional<MailConfig> mail;  ///< of `load_place` empty, but there
  std::optional<CrmAccount> crm;   ///< the same
  std::string folder;  ///< of the file, absolute: where programs run
  LogLevel log_level = LogLevel::Info;
  LogFormat log_format = LogFormat::Text;
  int log_turns = 0;  ///< of a hundred dialogs, those whose turns have a line in the log
};

struct LoadedConfig {
  SourceMap sources;
  Diagnostics diagnostics;
  std::optional<Config> config;  ///< nothing when there is any error
};

/// What the configuration says of a bot's account: its own, or that of all. Null when it says nothing. It may be off.
inline const CrmAccount* crm_of(const Config& config, const BotConfig& bot) {
  return bot.crm ? &*bot.crm : config.crm ? &*config.crm : nullptr;
}

/// The account that a bot works with. Null when there is none, or it is off.
inline const CrmAccount* crm_in_use(const Config& config, const BotConfig& bot) {
  const CrmAccount* const account = crm_of(config, bot);
  return account && !account->off ? account : nullptr;
}

/// Reads the configuration, with `${NAME}` from the environment and `file:PATH` for tokens. Every token read
/// is hidden from the log at once.
LoadedConfig load_config(const std::string& path, const KnownTransports& transports);

/// The same for whoever only checks it: what is not set in this environment and secrets that cannot be read here are taken to
/// be right. `config` is there whenever the file is a configuration, also beside errors.
LoadedConfig load_to_check(const std::string& path, const KnownTransports& transports);

/// The same for commands that only look for the database and the process, so that whoever types the command needs no
/// token: of the bots their names, the names of their roles, and the paths of their scenarios where those are known.
LoadedConfig load_place(const std::string& path);
/// The same with the programs, the models, the mail and the CRM, for a talk in the terminal. Of their variables and keys those that are set.
LoadedConfig load_programs(const std::string& path);

}  // namespace sufler

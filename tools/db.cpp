#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "interpreter/runtime/config.h"
#include "interpreter/runtime/log.h"
#include "schema/loader.h"
#include "storage/database_tools.h"
#include "tools/commands.h"

namespace sufler {
namespace {

int complain(const std::string& line) {
  std::cerr << "sufler: " << redact(line) << "\n";
  return kExitErrors;
}

std::optional<Config> read_config(const std::string& path) {
  LoadedConfig loaded = load_place(path);
  if (!loaded.config)
    std::cerr << redact(render_text(loaded.diagnostics.sorted(), loaded.sources, tool_language({})));
  return std::move(loaded.config);
}

void print_sizes(const std::vector<TableSize>& tables) {
  std::size_t width = 0;
  for (const TableSize& table : tables) width = std::max(width, table.name.size());
  for (const TableSize& table : tables)
    std::cout << "  " << std::left << std::setw(static_cast<int>(width)) << table.name << "  " << table.rows << "\n";
}

int migrate(const DbOptions& options) {
  const std::optional<Config> config = read_config(options.config);
  if (!config) return kExitErrors;
  auto storage = Storage::open(config->database, config->durability);
  if (!storage) return complain(storage.error().message);
  // The tables of the scenarios too: the role that serves may not make them.
  bool well = true;
  for (const BotConfig& bot : config->bots) {
    if (bot.scenario.empty()) {
      complain("bot `" + bot.name + "`: its tables are as they were: the path of its scenario is not known here");
      well = false;
      continue;
    }
    LoadOptions load;
    for (const auto& [role, _] : bot.roles) load.roles.push_back(role);
    Loaded scenario = load_scenario(bot.scenario, load);
    if (!scenario.program) {
      std::cerr << render_text(scenario.diagnostics.sorted(), scenario.sources, tool_language({}));
      well = false;
      continue;
    }
    if (auto prepared = storage->prepare_tables(*scenario.program); !prepared) {
      complain("bot `" + bot.name + "`: " + prepared.error().message);
      well = false;
    }
  }
  if (!options.grant.empty()) {
    if (auto granted = grant_use(config->database, options.grant); !granted) return complain(granted.error().message);
  }
  const auto state = look_at_database(config->database);
  if (!state) return complain(state.error().message);
  std::cout << "The tables are of version " << state->version << ".\n";
  return well ? kExitClean : kExitErrors;
}

int status(const DbOptions& options) {
  const std::optional<Config> config = read_config(options.config);
  if (!config) return kExitErrors;
  const auto state = look_at_database(config->database);
  if (!state) return complain(state.error().message);
  if (options.format == "json") {
    nlohmann::json tables = nlohmann::json::object();
    for (const TableSize& table : state->tables) tables[table.name] = table.rows;
    std::cout << nlohmann::json{{"version", state->version}, {"needed", state->needed}, {"tables", tables}}.dump()
              << "\n";
    return kExitClean;
  }
  if (state->version == 0) {
    std::cout << "The database is empty; `sufler db migrate` or `sufler run` makes the tables.\n";
  } else if (state->version < state->needed) {
    std::cout << "The tables are of version " << state->version << ", this program needs " << state->needed
              << ": run `sufler db migrate`.\n";
  } else {
    std::cout << "The tables are of version " << state->version << ", as this program needs.\n";
  }
  print_sizes(state->tables);
  return kExitClean;
}

/// `${NAME}` in an address, so that a password stands in no list of processes.
std::optional<std::string> expanded(std::string address) {
  for (std::size_t at = address.find("${"); at != std::string::npos; at = address.find("${", at)) {
    const std::size_t end = address.find('}', at);
    if (end == std::string::npos) break;
    const std::string name = address.substr(at + 2, end - at - 2);
    const char* const value = std::getenv(name.c_str());
    if (!value) {
      complain("the environment has no variable " + name);
      return std::nullopt;
    }
    hide_secret(value);
    address.replace(at, end - at + 1, value);
    at += std::string_view(value).size();
  }
  return address;
}

int copy(const DbOptions& options) {
  const auto from = expanded(options.from);
  const auto to = expanded(options.to);
  if (!from || !to) return kExitMisuse;
  const auto copied = copy_database(*from, *to, options.even_if_running);
  if (!copied) return complain(copied.error().message);
  std::cout << "Copied:\n";
  print_sizes(*copied);
  std::cout << "Now name the new database in sufler.yaml and start `sufler run`. The old one is as it was.\n";
  return kExitClean;
}

}  // namespace

int run_db(const DbOptions& options) {
  switch (options.what) {
    case DbOptions::What::Migrate: return migrate(options);
    case DbOptions::What::Status: return status(options);
    case DbOptions::What::Copy: return copy(options);
  }
  return kExitMisuse;
}

}  // namespace sufler

#include "tools/version_orders.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "interpreter/core/comparison.h"
#include "interpreter/runtime/clock.h"
#include "tools/changes.h"
#include "tools/commands.h"
#include "tools/desk_tokens.h"
#include "tools/services.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

/// How often a broken scenario whose files are just being written is read again, and how long is waited before.
constexpr int kReadings = 8;
constexpr milliseconds kBetweenReadings{150};
/// Of what differs so many lines are told; `sufler diff` tells all.
constexpr std::size_t kLines = 20;
constexpr std::string_view kSqlite = "sqlite:";

bool same_files(const ReadVersion& a, const ReadVersion& b) {
  if (a.row.files.size() != b.row.files.size()) return false;
  for (std::size_t i = 0; i < a.row.files.size(); ++i)
    if (a.row.files[i].path != b.row.files[i].path || a.row.files[i].hash != b.row.files[i].hash) return false;
  return true;
}

bool same(const std::vector<Rehearsal>& a, const std::vector<Rehearsal>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Rehearsal& x, const Rehearsal& y) {
    return x.transport == y.transport && x.user_id == y.user_id && x.version == y.version;
  });
}

}  // namespace

LoadOptions load_options_of(const BotConfig& bot, const Config& config) {
  LoadOptions load;
  load.programs = program_names(config);
  load.models = model_names(config);
  load.hosts = host_places(config);
  load.mail = config.mail.has_value();
  load.crm = crm_of(config, bot) != nullptr;
  load.environment_must_be_set = true;
  for (const auto& [role, members] : bot.roles) load.roles.push_back(role);
  return load;
}

std::string shown_path(const std::string& path) {
  std::error_code error;
  const std::string relative = fs::proximate(path, error).string();
  return error || relative.size() >= path.size() ? path : relative;
}

std::string version_cache(const Config& config) {
  if (const char* given = std::getenv("CACHE_DIRECTORY"); given && *given) {
    const std::string folders(given);
    return folders.substr(0, folders.find(':')) + "/versions";
  }
  if (config.database.starts_with(kSqlite) && config.database != "sqlite::memory:")
    return config.database.substr(kSqlite.size()) + ".versions";
  std::error_code failed;
  return (fs::temp_directory_path(failed) / ("sufler-versions-" + std::to_string(::getuid()))).string();
}

VersionOrders::VersionOrders(OnStorage on_storage, const Config& config, Adopt adopt,
                             std::function<bool(milliseconds)> wait)
    : on_storage_(std::move(on_storage)), config_(config), cache_(version_cache(config)), adopt_(std::move(adopt)), wait_(std::move(wait)) {}

ReadVersion VersionOrders::read(const std::string& path, const BotConfig& bot) {
  ReadVersion version = read_version(shown_path(path), load_options_of(bot, config_), tool_language({}));
  for (int reading = 1; reading < kReadings && !version.settled; ++reading) {
    if (!wait_(kBetweenReadings)) break;
    ReadVersion again = read_version(shown_path(path), load_options_of(bot, config_), tool_language({}));
    const bool still = same_files(version, again);
    version = std::move(again);
    // Nobody writes any more: it is what it is.
    if (still) break;
  }
  return version;
}

std::optional<Deployment> VersionOrders::deployment_of(const BotConfig& bot, Outcome& outcome) {
  Deployment deployment;
  auto asked = on_storage_([&](Storage& storage) {
    return storage.transact([&](Transaction& tx) -> Stored<Done> {
      auto found = tx.versions().deployment(bot.name);
      if (!found) return Error{found.error()};
      deployment = std::move(*found);
      return Done{};
    });
  });
  outcome.before = outcome.version = deployment.version;
  if (asked) return deployment;
  outcome.error = asked.error().message;
  return std::nullopt;
}

std::shared_ptr<const Program> VersionOrders::stored(const BotConfig& bot, const std::string& version, Outcome& outcome,
                                                     bool* gone) {
  std::string why;
  auto program = load_stored(on_storage_, bot.name, version, why);
  if (!program) {
    outcome.error = program.error().message;
    return nullptr;
  }
  if (!*program) outcome.error = why;
  if (gone) *gone = !*program;
  return *program;
}

void VersionOrders::deploy(const BotConfig& bot, Deployment expected, std::shared_ptr<const Program> program,
                           const Switch& change, Outcome& outcome) {
  Serving serving;
  if (adopt_) {
    auto tokens = desk_tokens_to_serve(*program, bot.name);
    if (!tokens) return void(outcome.error = tokens.error());
    if (auto secrets = event_secrets_to_serve(*program, bot.name); !secrets) return void(outcome.error = secrets.error());
    expected.version = program->version;
    auto loaded = serving_by(on_storage_, expected, program);
    if (!loaded) return void(outcome.error = loaded.error().message);
    serving = std::move(*loaded);
    serving.secrets = std::move(*tokens);
  }
  Deployment stored;
  auto done = on_storage_([&](Storage& storage) -> Stored<Done> {
    auto switched = change(storage);
    if (!switched) return Error{switched.error()};
    stored = std::move(*switched);
    if (!adopt_) return Done{};
    // Another process may have deployed meanwhile: then this one finds out by the generation, and looks again.
    serving.generation = stored.version == expected.version && same(stored.rehearsals, expected.rehearsals)
                             ? stored.generation
                             : std::max<std::int64_t>(expected.generation, 1);
    serving.swept = stored.swept;
    adopt_(bot, std::move(serving), stored);
    return Done{};
  });
  if (!done) return void(outcome.error = done.error().message);
  outcome.done = true;
  outcome.changed = true;
  outcome.version = stored.version;
  outcome.program = std::move(program);
}

VersionOrders::Outcome VersionOrders::reload(const BotConfig& bot, const std::string& note,
                                             std::shared_ptr<const Program> before) {
  Outcome outcome;
  outcome.bot = bot.name;
  const ReadVersion version = read(bot.scenario, bot);
  auto deployment = deployment_of(bot, outcome);
  if (!deployment) return outcome;
  // In the process that serves: a bot that was left out is served now, whatever the database says.
  const bool left_out = adopt_ && !before;
  if (!version.program) {
    outcome.error = left_out ? "the scenario has errors; the bot is left out still"
                             : "the scenario has errors; the version before serves on";
    outcome.problems = version.problems;
    outcome.errors = version.errors;
    return outcome;
  }
  if (deployment->version == version.program->version && !deployment->rolled_back && !left_out) {
    outcome.done = true;
    return outcome;
  }
  const Moment now = system_clock().now();
  if (auto kept = store_version(on_storage_, bot.name, version, note, now, cache_); !kept) {
    outcome.error = kept.error().message;
    return outcome;
  }
  Deployment expected = *deployment;
  std::erase_if(expected.rehearsals, [&](const Rehearsal& one) { return one.version == version.program->version; });
  deploy(bot, std::move(expected), version.program,
         [&](Storage& storage) { return make_live(storage, bot.name, *version.program, now); }, outcome);
  if (!outcome.done || deployment->version.empty()) return outcome;
  Outcome unknown;  // what differs is told where it can be known
  if (!before || before->version != deployment->version) before = stored(bot, deployment->version, unknown);
  if (before) outcome.lines = change_lines(compare_programs(*before, *version.program), tool_language({}));
  if (outcome.lines.size() > kLines) {
    const std::size_t more = outcome.lines.size() - kLines;
    outcome.lines.resize(kLines);
    outcome.lines.push_back("… +" + std::to_string(more));
  }
  return outcome;
}

VersionOrders::Outcome VersionOrders::roll_back(const BotConfig& bot, const std::string& wanted) {
  Outcome outcome;
  outcome.bot = bot.name;
  auto deployment = deployment_of(bot, outcome);
  if (!deployment) return outcome;
  std::vector<VersionRow> rows;
  auto asked = on_storage_([&](Storage& storage) {
    return storage.transact([&](Transaction& tx) -> Stored<Done> {
      auto found = tx.versions().versions(bot.name);
      if (!found) return Error{found.error()};
      rows = std::move(*found);
      return Done{};
    });
  });
  if (!asked) {
    outcome.error = asked.error().message;
    return outcome;
  }
  std::string version;
  if (wanted.empty()) {
    version = version_before(rows, deployment->version).value_or("");
    if (version.empty()) outcome.error = "there is no version before " + deployment->version;
  } else if (const VersionRow* row = find_version(rows, wanted)) {
    version = row->version;
  } else {
    outcome.error = "the bot `" + bot.name + "` has no version " + wanted + ", or several that begin so; `sufler versions` lists them";
  }
  if (version.empty()) return outcome;
  if (version == deployment->version) {
    outcome.done = true;
    return outcome;
  }
  auto program = stored(bot, version, outcome);
  if (!program) return outcome;
  const Moment now = system_clock().now();
  Deployment expected = *deployment;
  std::erase_if(expected.rehearsals, [&](const Rehearsal& one) { return one.version == version; });
  deploy(bot, std::move(expected), program,
         [&](Storage& storage) { return sufler::roll_back(storage, bot.name, *program, now); }, outcome);
  return outcome;
}

VersionOrders::Outcome VersionOrders::rehearse(const BotConfig& bot, const std::string& path,
                                               const std::string& transport, const std::string& user_id) {
  Outcome outcome;
  outcome.bot = bot.name;
  auto deployment = deployment_of(bot, outcome);
  if (!deployment) return outcome;
  if (deployment->version.empty()) {
    outcome.error = "the bot `" + bot.name + "` has never been served on this database";
    return outcome;
  }
  Deployment expected = *deployment;
  const auto theirs = [&](const Rehearsal& one) { return one.transport == transport && one.user_id == user_id; };
  const bool rehearsed = std::erase_if(expected.rehearsals, theirs) != 0;
  const Moment now = system_clock().now();
  ReadVersion version;
  if (path.empty()) {
    if (!rehearsed) {
      outcome.error = transport + ":" + user_id + " rehearses nothing with the bot `" + bot.name + "`";
      return outcome;
    }
  } else {
    version = read(path, bot);
    if (!version.program) {
      outcome.error = "the scenario has errors; nothing is rehearsed";
      outcome.problems = version.problems;
      outcome.errors = version.errors;
      return outcome;
    }
    if (auto kept = store_version(on_storage_, bot.name, version, {}, now, cache_); !kept) {
      outcome.error = kept.error().message;
      return outcome;
    }
    expected.rehearsals.push_back({transport, user_id, version.program->version, now});
  }
  auto live = stored(bot, deployment->version, outcome);
  if (!live) return outcome;
  deploy(bot, std::move(expected), std::move(live),
         [&](Storage& storage) {
           return sufler::rehearse(storage, bot.name, version.program.get(), transport, user_id, now);
         },
         outcome);
  if (outcome.done) outcome.version = version.program ? version.program->version : deployment->version;
  return outcome;
}

VersionOrders::Outcome VersionOrders::catch_up(const BotConfig& bot, const std::string& playing,
                                               std::int64_t generation) {
  Outcome outcome;
  outcome.bot = bot.name;
  auto deployment = deployment_of(bot, outcome);
  if (!deployment) return outcome;
  outcome.before = playing;
  if (deployment->generation <= generation) {
    outcome.done = true;
    return outcome;
  }
  auto program = stored(bot, deployment->version, outcome);
  if (!program) return outcome;
  deploy(bot, *deployment, std::move(program),
         [&](Storage&) -> Stored<Deployment> { return *deployment; }, outcome);
  return outcome;
}

}  // namespace sufler

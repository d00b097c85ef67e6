// The commands about versions of scenarios: `reload`, `versions`, `rollback`, `rehearse`.
#include <filesystem>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "interpreter/runtime/log.h"
#include "tools/commands.h"
#include "tools/operator_link.h"
#include "tools/version_orders.h"

namespace sufler {
namespace {

using json = nlohmann::ordered_json;
using Became = VersionOrders::Outcome;

constexpr const char* kStopped = "the process has stopped meanwhile; try again";

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string text(const json& from, const char* name) {
  const auto found = from.find(name);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

json shown(const Became& outcome) {
  json one = {{"bot", outcome.bot},       {"done", outcome.done},       {"changed", outcome.changed},
              {"before", outcome.before}, {"version", outcome.version}};
  if (!outcome.error.empty()) one["error"] = outcome.error;
  if (!outcome.problems.empty()) one["problems"] = outcome.problems;
  if (!outcome.lines.empty()) one["changes"] = outcome.lines;
  return one;
}

/// The same orders where no process serves: on the database itself, for the next start.
VersionOrders orders_on(Storage& storage, const Config& config) {
  return {[&storage](const auto& job) { return job(storage); }, config, nullptr,
          [](std::chrono::milliseconds time) {
            std::this_thread::sleep_for(time);
            return true;
          }};
}

/// What became of each bot: from the process, or by `beside` where none serves.
template <class Beside>
std::optional<json> ask_or_do(OperatorLink& link, const json& request, const std::string& bot, Beside beside) {
  if (link.live()) {
    const auto answer = link.ask(dump(request));
    if (answer) return json::parse(*answer, nullptr, false)["bots"];
    complain(answer.error().empty() ? kStopped : answer.error());
    return std::nullopt;
  }
  json all = json::array();
  VersionOrders orders = orders_on(*link.storage(), link.config());
  for (const BotConfig& one : link.config().bots)
    if (bot.empty() || one.name == bot) all.push_back(shown(beside(orders, one)));
  if (all.empty()) {
    complain("the configuration has no bot `" + bot + "`");
    return std::nullopt;
  }
  return all;
}

/// `said`: what a change is called.
int tell(const json& bots, const std::string& format, bool live, const std::function<std::string(const json&)>& said) {
  bool failed = false;
  for (const json& one : bots) failed = failed || one["done"] != true;
  if (format == "json") {
    std::cout << redact(dump({{"bots", bots}})) << "\n";
    return failed ? kExitErrors : kExitClean;
  }
  for (const json& one : bots) {
    const std::string bot = printable(text(one, "bot"));
    if (one["done"] != true) {
      std::cerr << redact(text(one, "problems"));
      complain(bot + ": " + text(one, "error"));
    } else if (one["changed"] != true) {
      std::cout << bot << ": nothing has changed (version " << printable(text(one, "version")) << ")\n";
    } else {
      std::cout << bot << ": " << printable(said(one)) << (live ? "" : ", from the next start on") << "\n";
      for (const json& line : one.value("changes", json::array())) std::cout << "  " << printable(line.get<std::string>()) << "\n";
    }
  }
  return failed ? kExitErrors : kExitClean;
}

std::string is_served(const json& one) {
  const std::string before = text(one, "before");
  return "version " + text(one, "version") + " is served" + (before.empty() ? "" : "; before it was " + before);
}

}  // namespace

int run_reload(const ReloadOptions& options) {
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitErrors;
  const json request = {{"op", "reload"}, {"bot", options.bot}, {"note", options.note}};
  const auto bots = ask_or_do(*link, request, options.bot, [&](VersionOrders& orders, const BotConfig& bot) {
    if (!bot.scenario.empty()) return orders.reload(bot, options.note, nullptr);
    Became outcome;
    outcome.bot = bot.name;
    outcome.error = "the path of the scenario stands in the environment of the process that serves";
    return outcome;
  });
  return bots ? tell(*bots, options.format, link->live(), is_served) : kExitErrors;
}

int run_rollback(const RollbackOptions& options) {
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitErrors;
  const json request = {{"op", "rollback"}, {"bot", options.bot}, {"version", options.version}};
  const auto bots = ask_or_do(*link, request, options.bot, [&](VersionOrders& orders, const BotConfig& bot) {
    return orders.roll_back(bot, options.version);
  });
  return bots ? tell(*bots, options.format, link->live(), is_served) : kExitErrors;
}

int run_rehearse(const RehearseOptions& options) {
  const std::size_t colon = options.user.find(':');
  if (colon == 0 || colon == std::string::npos || colon + 1 == options.user.size()) {
    complain("a person is written `telegram:123` or `vk:5`");
    return kExitMisuse;
  }
  if (options.stop != options.path.empty()) {
    complain(options.stop ? "`--stop` wants no path" : "name the scenario to rehearse, or `--stop`");
    return kExitMisuse;
  }
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitErrors;
  std::error_code failed;
  const std::string path =
      options.path.empty() ? std::string() : std::filesystem::absolute(options.path, failed).lexically_normal().string();
  const json request = {{"op", "rehearse"}, {"bot", options.bot}, {"path", path}, {"user", options.user}};
  const auto bots = ask_or_do(*link, request, options.bot, [&](VersionOrders& orders, const BotConfig& bot) {
    return orders.rehearse(bot, path, options.user.substr(0, colon), options.user.substr(colon + 1));
  });
  if (!bots) return kExitErrors;
  return tell(*bots, options.format, link->live(), [&](const json& one) {
    return options.user + (options.stop ? " runs the live version again" : " rehearses version " + text(one, "version"));
  });
}

int run_versions(const VersionsOptions& options) {
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitErrors;
  const auto answer = link->ask(dump({{"op", "versions"}, {"bot", options.bot}}));
  if (!answer) return complain(answer.error().empty() ? kStopped : answer.error());
  if (options.format == "json") {
    std::cout << redact(*answer) << "\n";
    return kExitClean;
  }
  const json all = json::parse(*answer, nullptr, false)["versions"];
  std::string bot;
  for (const json& one : all) {
    if (text(one, "bot") != bot) {
      std::cout << (bot.empty() ? "" : "\n") << printable(text(one, "bot")) << "\n";
      bot = text(one, "bot");
    }
    std::cout << (one["live"] == true ? "* " : "  ") << printable(text(one, "version")) << "  "
              << shown_time(one["at_unix_ms"].get<std::int64_t>());
    if (one["live"] == true) std::cout << (one.value("rolled_back", false) ? "  live, rolled back" : "  live");
    if (one["live_at_unix_ms"] == 0) std::cout << "  never live";
    for (const json& rehearsal : one.value("rehearsals", json::array()))
      std::cout << "  rehearsed by " << printable(text(rehearsal, "user"));
    if (one["pinned"] != 0) std::cout << "  dialogs pinned to it: " << one["pinned"].dump();
    if (!text(one, "note").empty()) std::cout << "  " << printable(text(one, "note"));
    std::cout << "\n";
  }
  if (all.empty()) std::cout << "no versions are kept yet\n";
  return kExitClean;
}

}  // namespace sufler

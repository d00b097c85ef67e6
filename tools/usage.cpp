#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "interpreter/runtime/log.h"
#include "tools/commands.h"
#include "tools/operator_link.h"

namespace sufler {
namespace {

using json = nlohmann::ordered_json;

void print(const json& lines, const std::string& by) {
  std::string bot;
  for (const json& line : lines) {
    if (const auto name = line["bot"].get<std::string>(); name != bot) {
      std::cout << (bot.empty() ? "" : "\n") << printable(name) << "\n";
      bot = name;
    }
    std::cout << "  " << printable(line[by].get<std::string>()) << ": " << line["answers"] << (line["answers"] == 1 ? " answer" : " answers")
              << ", tokens " << line["tokens_in"] << " in, " << line["tokens_out"] << " out\n";
  }
  if (lines.empty()) std::cout << "no model has answered\n";
}

}  // namespace

int run_usage(const UsageOptions& options) {
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitErrors;
  const auto& bots = link->config().bots;
  if (!options.bot.empty() && std::none_of(bots.begin(), bots.end(), [&](const BotConfig& bot) { return bot.name == options.bot; }))
    return complain("the configuration has no bot `" + options.bot + "`");
  const json request = {{"op", "usage"}, {"bot", options.bot}, {"by", options.by}, {"days", options.days}, {"limit", options.limit}};
  const auto answer = link->ask(request.dump(-1, ' ', false, json::error_handler_t::replace));
  if (!answer) return complain(answer.error().empty() ? "the process has stopped meanwhile; try again" : answer.error());
  const json usage = json::parse(*answer, nullptr, false);
  if (options.format == "json") {
    std::cout << redact(usage.dump(-1, ' ', false, json::error_handler_t::replace)) << "\n";
  } else {
    print(usage["usage"], options.by);
  }
  return kExitClean;
}

}  // namespace sufler

#include <iostream>
#include <nlohmann/json.hpp>

#include "tools/commands.h"
#include "tools/operator_link.h"

namespace sufler {

using json = nlohmann::ordered_json;

int run_dialogs(const DialogsOptions& options) {
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitErrors;
  const json request = {{"op", "dialogs"}, {"bot", options.bot}, {"limit", options.limit}};
  const auto answer = link->ask(request.dump(-1, ' ', false, json::error_handler_t::replace));
  if (!answer) return complain(answer.error().empty() ? "the process has stopped meanwhile; try again" : answer.error());
  if (options.format == "json") {
    std::cout << redact(*answer) << "\n";
    return kExitClean;
  }
  const json dialogs = json::parse(*answer, nullptr, false);
  const auto text = [](const json& line, const char* name) { return printable(line[name].get<std::string>()); };
  for (const json& line : dialogs["dialogs"]) {
    std::cout << line["id"].dump() << "  " << shown_time(line["changed_at_unix_ms"].get<std::int64_t>()) << "  "
              << text(line, "bot") << "  " << text(line, "user");
    if (line["chat"] != line["user"]) std::cout << " in " << text(line, "chat");
    if (line["name"] != "") std::cout << "  " << text(line, "name");
    std::cout << "  " << text(line, "place") << "\n";
  }
  if (dialogs["dialogs"].empty()) std::cout << "no dialogs\n";
  return kExitClean;
}

}  // namespace sufler

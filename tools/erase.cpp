#include <iostream>
#include <nlohmann/json.hpp>

#include "tools/commands.h"
#include "tools/operator_link.h"

namespace sufler {
namespace {

using json = nlohmann::ordered_json;

void print_counts(const json& answer) {
  for (const auto& [what, count] : answer["counts"].items()) {
    if (count == 0) continue;
    std::cout << "  " << printable(what) << ": " << count.dump() << "\n";
  }
}

}  // namespace

int run_erase(const EraseOptions& options) {
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitErrors;
  const auto ask = [&](bool really) -> std::optional<json> {
    const json request = {{"op", "erase"}, {"user", options.user}, {"bot", options.bot}, {"really", really}};
    const auto answer = link->ask(request.dump(-1, ' ', false, json::error_handler_t::replace));
    if (answer) return json::parse(*answer, nullptr, false);
    complain(answer.error().empty() ? "the process has stopped meanwhile; try again" : answer.error());
    return std::nullopt;
  };
  const auto counted = ask(false);
  if (!counted) return kExitErrors;
  const std::string whose = options.bot.empty() ? "by any bot" : "by the bot " + options.bot;
  if ((*counted)["total"] == 0) {
    std::cout << "nothing is kept about " << printable(options.user) << " " << printable(whose) << "\n";
    return kExitClean;
  }
  if (!options.yes) {
    std::cout << "Kept about " << printable(options.user) << " " << printable(whose) << ":\n";
    print_counts(*counted);
    std::cout << "This cannot be undone. Type ERASE to remove it: " << std::flush;
    std::string word;
    std::getline(std::cin, word);
    if (word != "ERASE") return complain("nothing was erased");
  }
  const auto erased = ask(true);
  if (!erased) return kExitErrors;
  std::cout << "ACT OF ERASURE\n"
            << "time: " << shown_time((*erased)["at_unix_ms"].get<std::int64_t>()) << "\n"
            << "person: " << printable(options.user) << "\n"
            << "kept " << printable(whose) << ", removed:\n";
  print_counts(*erased);
  std::cout << "records in all: " << (*erased)["total"].dump() << "\n";
  const auto left = erased->find("left");
  if (left == erased->end()) {
    std::cout << (erased->value("overwritten", false)
                      ? "what the database's files held of it was overwritten\n"
                      : "PostgreSQL clears its files of it by itself in time (autovacuum); `VACUUM FULL` does it at once\n");
  } else {
    std::cout << "what the database's files held of it was NOT overwritten yet: " << printable(left->get<std::string>())
              << "\n";
  }
  std::cout << "not reached by this: copies of the database made before, the chats themselves on the platform, and "
               "values that the scenario shares between people\n";
  return left == erased->end() ? kExitClean : kExitErrors;
}

}  // namespace sufler

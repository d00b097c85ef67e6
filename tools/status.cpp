#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "tools/commands.h"
#include "tools/operator_link.h"

namespace sufler {
namespace {

using json = nlohmann::ordered_json;

std::string shown(const json& from, const char* name) {
  const auto found = from.find(name);
  if (found == from.end()) return "0";
  return printable(found->is_string() ? found->get<std::string>() : found->dump());
}

void print_queues(const json& queues) {
  std::cout << "  waiting: inbox " << shown(queues, "inbox") << ", outbox " << shown(queues, "outbox") << ", timers "
            << shown(queues, "timers") << ", jobs " << shown(queues, "jobs") << "; dead letters " << shown(queues, "dead_letters");
  if (shown(queues, "unknown") != "0") std::cout << " (of unknown arrival " << shown(queues, "unknown") << ")";
  std::cout << "; dialogs " << shown(queues, "dialogs") << "\n";
}

void print_desks(const json& desks, const std::string& bot) {
  for (const json& desk : desks) {
    if (desk["bot"] != bot) continue;
    std::cout << "  desk " << shown(desk, "desk") << ": queue " << shown(desk, "queued");
    if (desk["queued"] != 0) std::cout << " (the first waits " << desk["waits_ms"].get<std::int64_t>() / 60'000 << " min)";
    std::cout << ", open " << shown(desk, "open") << ", on duty " << shown(desk, "on_duty") << " of "
              << shown(desk, "agents") << "\n";
  }
}

/// Which version of its scenario a bot is played with, and who runs another.
void print_deployment(const json& status, const std::string& bot) {
  const auto all = status.find("deployments");
  if (all == status.end()) return;
  for (const json& one : *all) {
    if (one["bot"] != bot) continue;
    std::cout << "  scenario " << shown(one, "version") << " since "
              << shown_time(one["since_unix_ms"].get<std::int64_t>());
    if (one["rolled_back"] == true) std::cout << ", ROLLED BACK: `sufler reload` takes what is in the files";
    if (one["taking_over"] == true) std::cout << "; dialogs of older versions are being taken over";
    std::cout << "\n";
    for (const json& pin : one["pinned"])
      std::cout << "  pinned to version " << shown(pin, "version") << ": " << shown(pin, "dialogs")
                << " dialogs, the oldest since " << shown_time(pin["since_unix_ms"].get<std::int64_t>()) << "\n";
    for (const json& rehearsal : one["rehearsals"])
      std::cout << "  " << shown(rehearsal, "user") << " rehearses version " << shown(rehearsal, "version") << " since "
                << shown_time(rehearsal["since_unix_ms"].get<std::int64_t>()) << "\n";
  }
}

void print(const json& status) {
  const json& database = status["database"];
  std::map<std::string, json> queues;
  for (const json& one : status["queues"]) queues[one["bot"].get<std::string>()] = one;
  if (const auto process = status.find("process"); process != status.end()) {
    std::cout << "sufler " << shown(*process, "version") << ", process " << shown(*process, "pid") << ", serves since "
              << shown_time((*process)["started_at_unix_ms"].get<std::int64_t>()) << "\n";
    std::cout << "database: " << shown(database, "kind") << ", tables of version " << shown(database, "tables_version")
              << ", " << ((*process)["database_well"] == true ? "well" : "the last transaction failed") << "\n";
    std::cout << "sending: " << shown(*process, "sending") << "\n";
    for (const json& bot : status["bots"]) {
      std::cout << "\n" << shown(bot, "bot") << " (scenario " << shown(bot, "scenario_version") << ")\n";
      for (const json& transport : bot["transports"])
        std::cout << "  " << shown(transport, "name") << ": " << shown(transport, "health") << "\n";
      std::cout << "  since the start: updates " << shown(bot, "updates") << ", turns " << shown(bot, "turns")
                << ", sent " << shown(bot, "sent") << ", given up " << shown(bot, "given_up") << ", faults "
                << shown(bot, "faults") << ", database errors " << shown(bot, "storage_errors") << "\n";
      if (shown(bot, "waiting_for_pace") != "0")
        std::cout << "  messages that wait because the platform takes no more at once: " << shown(bot, "waiting_for_pace")
                  << "\n";
      const std::string name = bot["bot"].get<std::string>();
      print_deployment(status, name);
      print_queues(queues.contains(name) ? queues[name] : json::object());
      print_desks(status["desks"], name);
      queues.erase(name);
    }
  } else {
    std::cout << "no process serves\ndatabase: " << shown(database, "kind") << ", tables of version "
              << shown(database, "tables_version") << "\n";
  }
  // Bots of the database that are not served (now).
  for (const auto& [name, of_bot] : queues) {
    std::cout << "\n" << printable(name) << " (not served)\n";
    print_deployment(status, name);
    print_queues(of_bot);
    print_desks(status["desks"], name);
  }
}

}  // namespace

int run_status(const StatusOptions& options) {
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitErrors;
  const auto answer = link->ask(R"({"op":"status"})");
  if (!answer) return complain(answer.error().empty() ? "the process has stopped meanwhile; try again" : answer.error());
  json status = json::parse(*answer, nullptr, false);
  if (!link->live()) status["database"]["kind"] = link->database_kind();
  if (options.format == "json") {
    std::cout << redact(status.dump(-1, ' ', false, json::error_handler_t::replace)) << "\n";
  } else {
    print(status);
  }
  return kExitClean;
}

}  // namespace sufler

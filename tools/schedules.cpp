#include <iostream>
#include <nlohmann/json.hpp>

#include "tools/commands.h"
#include "interpreter/runtime/log.h"
#include "tools/operator_link.h"

namespace sufler {
namespace {

using json = nlohmann::ordered_json;
using What = SchedulesOptions::What;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string text(const json& from, const char* name) {
  const auto found = from.find(name);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string time_of(const json& from, const char* name) {
  const auto found = from.find(name);
  return found != from.end() && found->is_number_integer() ? shown_time(found->get<std::int64_t>()) : std::string("-");
}

void print(const json& one) {
  std::string next = time_of(one, "next_at_unix_ms");
  if (one.contains("paused_at_unix_ms")) next = "paused since " + time_of(one, "paused_at_unix_ms");
  if (one.value("forced", false)) next = "at once";
  std::cout << printable(text(one, "bot")) << "  " << printable(text(one, "name")) << "  " << printable(text(one, "timing"))
            << "  next: " << next << "  last: " << time_of(one, "last_at_unix_ms");
  if (const std::string people = text(one, "for"); !people.empty()) {
    std::cout << "  for: " << printable(people);
    if (one.contains("last_at_unix_ms")) std::cout << " (" << one.value("people", std::int64_t{0}) << ")";
  }
  if (one.value("under_way", false)) std::cout << "  under way";
  std::cout << "\n";
}

}  // namespace

int run_schedules(const SchedulesOptions& options) {
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitErrors;
  constexpr const char* kOps[] = {"schedules", "pause_schedule", "resume_schedule", "run_schedule"};
  json request = {{"op", kOps[static_cast<std::size_t>(options.what)]}, {"bot", options.bot}};
  if (options.what != What::List) request["name"] = options.name;
  const auto answer = link->ask(dump(request));
  if (!answer) return complain(answer.error().empty() ? "the process has stopped meanwhile; try again" : answer.error());
  const json told = json::parse(*answer, nullptr, false);
  if (options.format == "json") {
    std::cout << redact(dump(told)) << "\n";
    return kExitClean;
  }
  if (options.what != What::List) {
    constexpr const char* kDone[] = {"", "paused", "goes on", "runs now"};
    std::cout << printable(text(told, "bot")) << ": `" << printable(text(told, "name")) << "` "
              << kDone[static_cast<std::size_t>(options.what)] << (link->live() ? "" : ", with the next start") << "\n";
    return kExitClean;
  }
  const json schedules = told.value("schedules", json::array());
  for (const json& one : schedules) print(one);
  if (schedules.empty()) std::cout << "no schedules: a scenario's come in with the first start of its bot\n";
  return kExitClean;
}

}  // namespace sufler

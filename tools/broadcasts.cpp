#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "interpreter/runtime/log.h"
#include "tools/commands.h"
#include "tools/operator_link.h"

namespace sufler {
namespace {

using json = nlohmann::ordered_json;
using What = BroadcastsOptions::What;

constexpr std::chrono::milliseconds kLookAgain{500};
constexpr int kBarCells = 30;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string text(const json& from, const char* name) {
  const auto found = from.find(name);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}
std::int64_t number(const json& from, const char* name) { return from.value(name, std::int64_t{0}); }

bool is_over(const json& one) {
  const std::string state = text(one, "state");
  return state == "done" || state == "stopped" || state == "counted";
}

/// `[#####.....] 50%`, of those who get it.
std::string bar(const json& one) {
  const std::int64_t people = number(one, "people");
  const std::int64_t done = std::min(people, number(one, "sent") + number(one, "failed") + number(one, "unknown"));
  const int cells = people > 0 ? static_cast<int>(done * kBarCells / people) : 0;
  return "[" + std::string(static_cast<std::size_t>(cells), '#') + std::string(static_cast<std::size_t>(kBarCells - cells), '.') + "] " +
         std::to_string(people > 0 ? done * 100 / people : 0) + "%";
}

std::string line_of(const json& one) {
  const std::string name = text(one, "name");
  std::string line = std::to_string(number(one, "id")) + "  " + printable(text(one, "bot")) + "  " +
                     (name.empty() ? "-" : printable(name)) + "  " + text(one, "state");
  if (text(one, "state") != "counted") line += "  " + bar(one);
  line += "  people: " + std::to_string(number(one, "people")) + "  sent: " + std::to_string(number(one, "sent")) +
          "  failed: " + std::to_string(number(one, "failed"));
  if (number(one, "unknown") > 0) line += "  unknown: " + std::to_string(number(one, "unknown"));
  return line;
}

void print_left_out(const json& one) {
  const json left = one.value("left_out", json::object());
  std::cout << "left out: blocked the bot " << number(left, "blocked") << ", unsubscribed " << number(left, "unsubscribed")
            << ", with staff " << number(left, "with_staff") << ", `where` does not hold " << number(left, "where");
  if (left.contains("late")) std::cout << ", while it went " << number(left, "late");
  std::cout << "\n";
}

void print_whole(const json& one) {
  std::cout << line_of(one) << "\n";
  print_left_out(one);
  if (number(one, "failed_blocked") > 0) std::cout << "of those that failed, blocked the bot: " << number(one, "failed_blocked") << "\n";
  std::cout << "begun by " << printable(text(one, "begun_by")) << " at " << shown_time(number(one, "begun_at_unix_ms"));
  if (one.contains("ended_at_unix_ms")) std::cout << ", ended at " << shown_time(number(one, "ended_at_unix_ms"));
  std::cout << "\n";
  if (one.contains("only")) std::cout << "only to " << printable(text(one, "only")) << "\n";
  if (one.contains("branch")) std::cout << "branch: " << printable(text(one, "branch")) << "\n";
  for (const json& said : one.value("texts", json::array())) std::cout << "text: " << printable(said.get<std::string>()) << "\n";
  if (one.contains("where")) std::cout << "where: " << printable(text(one, "where")) << "\n";
  if (one.contains("rate")) std::cout << "rate: " << number(one, "rate") << " a second\n";
  if (one.contains("quiet")) std::cout << "quiet from " << text(one["quiet"], "from") << " to " << text(one["quiet"], "to") << "\n";
}

class BroadcastsCommand {
 public:
  BroadcastsCommand(OperatorLink& link, const BroadcastsOptions& options) : link_(link), options_(options) {}

  int run() {
    if (options_.what == What::List) return options_.follow ? follow() : list();
    json request = {{"op", op()}};
    if (options_.what == What::Begin) {
      if (const int bad = fill(request); bad != kExitClean) return bad;
    } else {
      request["id"] = options_.id;
    }
    json told;
    if (!ask(request, told)) return kExitErrors;
    const json one = told.value("broadcast", json::object());
    id_ = number(one, "id");
    if (options_.what == What::Begin && options_.dry_run) return follow_one(false);
    if (options_.follow && !is_over(one)) return follow_one(true);
    if (options_.format == "json") {
      std::cout << redact(dump(told)) << "\n";
    } else if (options_.what == What::Show) {
      print_whole(one);
    } else {
      std::cout << "broadcast " << id_ << said() << (link_.live() ? "" : ", with the next start") << "\n";
    }
    return kExitClean;
  }

 private:
  const char* op() const {
    switch (options_.what) {
      case What::Pause: return "pause_broadcast";
      case What::Resume: return "resume_broadcast";
      case What::Stop: return "stop_broadcast";
      case What::Begin: return "begin_broadcast";
      default: return "broadcast";
    }
  }
  const char* said() const {
    switch (options_.what) {
      case What::Pause: return " is paused";
      case What::Resume: return " goes on";
      case What::Stop: return " is stopped: what is on its way still arrives";
      default: return options_.to_me.empty() ? " begins; `sufler broadcasts --follow` shows how far it is" : " goes to this person alone";
    }
  }

  int fill(json& request) {
    const auto& bots = link_.config().bots;
    if (std::none_of(bots.begin(), bots.end(), [&](const auto& bot) { return bot.name == options_.bot; }))
      return complain("the configuration has no bot `" + options_.bot + "`");
    if ((options_.dry_run || options_.follow) && !link_.live())
      return complain("no process serves, so nobody would do it: start `sufler run` first");
    request["bot"] = options_.bot;
    request["text"] = options_.text;
    request["where"] = options_.where;
    request["name"] = options_.name;
    request["only"] = options_.to_me;
    request["only_counts"] = options_.dry_run;
    if (options_.rate > 0) request["rate"] = options_.rate;
    return kExitClean;
  }

  bool ask(const json& request, json& told) {
    const auto answer = link_.ask(dump(request));
    if (!answer) {
      complain(answer.error().empty() ? "the process has stopped meanwhile; try again" : answer.error());
      return false;
    }
    told = json::parse(*answer, nullptr, false);
    return told.is_object();
  }

  bool ask_for_all(json& told) { return ask({{"op", "broadcasts"}, {"bot", options_.bot}}, told); }

  int list() {
    json told;
    if (!ask_for_all(told)) return kExitErrors;
    if (options_.format == "json") {
      std::cout << redact(dump(told)) << "\n";
      return kExitClean;
    }
    const json all = told.value("broadcasts", json::array());
    for (const json& one : all) std::cout << line_of(one) << "\n";
    if (all.empty()) std::cout << "no broadcasts yet\n";
    return kExitClean;
  }

  /// A terminal shows one line that grows; a pipe gets a line whenever something changed.
  void show(const std::string& line, bool last) {
    if (line == shown_ && !last) return;
    const bool terminal = isatty(STDOUT_FILENO) != 0;
    const std::size_t gone = shown_.size() > line.size() ? shown_.size() - line.size() : 0;
    if (terminal) {
      std::cout << '\r' << line << std::string(gone, ' ') << (last ? "\n" : "") << std::flush;
    } else if (line != shown_) {
      std::cout << line << std::endl;
    }
    shown_ = line;
  }

  int follow_one(bool with_bar) {
    for (;;) {
      json told;
      if (!ask({{"op", "broadcast"}, {"id", id_}}, told)) return kExitErrors;
      const json one = told.value("broadcast", json::object());
      const bool over = is_over(one);
      if (options_.format == "json") {
        if (over) std::cout << redact(dump(told)) << "\n";
      } else if (with_bar) {
        show(line_of(one), over);
        if (over) print_left_out(one);
      } else if (over) {
        std::cout << "people: " << number(one, "people") << "\n";
        print_left_out(one);
      }
      if (over) return kExitClean;
      std::this_thread::sleep_for(kLookAgain);
    }
  }

  int follow() {
    for (;;) {
      json told;
      if (!ask_for_all(told)) return kExitErrors;
      std::string line;
      for (const json& one : told.value("broadcasts", json::array()))
        if (!is_over(one)) line += (line.empty() ? "" : "  |  ") + line_of(one);
      if (line.empty()) {
        if (!shown_.empty() && isatty(STDOUT_FILENO) != 0) std::cout << "\n";
        return list();
      }
      if (options_.format != "json") show(line, false);
      std::this_thread::sleep_for(kLookAgain);
    }
  }

  OperatorLink& link_;
  const BroadcastsOptions& options_;
  std::int64_t id_ = 0;
  std::string shown_;
};

}  // namespace

int run_broadcasts(const BroadcastsOptions& options) {
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitErrors;
  return BroadcastsCommand(*link, options).run();
}

}  // namespace sufler

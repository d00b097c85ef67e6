// Where people come and go: the journal of all talks, question by question.
#include "tools/funnel.h"

#include <algorithm>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "interpreter/core/event.h"
#include "interpreter/core/play.h"
#include "interpreter/core/questions/questions.h"
#include "interpreter/core/text.h"
#include "interpreter/runtime/clock.h"
#include "interpreter/runtime/log.h"
#include "interpreter/runtime/turn_record.h"
#include "tools/commands.h"
#include "tools/live_version.h"
#include "tools/operator_link.h"

namespace sufler {
namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view kNowhere = "none";
/// Of a terminal.
constexpr std::int64_t kBarWidth = 24;

std::string_view branch_of(std::string_view place) { return place.substr(0, place.find('/')); }

const Question* question_at(const Program& program, const std::string& place) {
  const auto found = program.places.find(place);
  if (found == program.places.end()) return nullptr;
  const auto* ask = std::get_if<Ask>(&program.step(found->second.step).verb);
  return ask && found->second.question < ask->questions.size() ? &program.question(ask->questions[found->second.question]) : nullptr;
}

}  // namespace

void Funnel::add(const LiveDialogs::Passage& passage) {
  const TurnGiven given = read_given(passage.turn);
  if (!given.known) return;
  Talk& talk = talks_[passage.dialog_id];
  const std::string to = given.place.empty() ? std::string(kNowhere) : given.place;
  ++talk.turns;
  if (to == talk.place) {
    const auto visit = talk.visits.find(to);
    Event event;
    if (visit == talk.visits.end() || !from_json(passage.event, event) || !std::holds_alternative<UserMessage>(event.what)) return;
    visit->second.since = passage.at;
    // A part of an answer is taken without a word, and files come one by one.
    const sufler::Question* question = question_at(program_, to);
    const bool in_parts = question && (question->type == QuestionType::Files || question->gather);
    const bool said = passage.turn.find("{\"say\":") != std::string::npos;
    if (said && !in_parts && fate_of(passage.event, to) == Fate::WentOn) ++asked_again_[to];
    return;
  }
  if (const auto before = talk.visits.find(talk.place); before != talk.visits.end()) {
    before->second.fate = fate_of(passage.event, talk.place);
    before->second.outside = branch_of(to) != branch_of(talk.place);
  }
  talk.place = to;
  if (to != kNowhere && !is_no_question(to)) talk.visits[to] = Visit{passage.at, Fate::There, false, talk.turns};
}

/// `wait`, `run`, a handoff: nobody is asked there.
bool Funnel::is_no_question(const std::string& place) const {
  const auto found = program_.places.find(place);
  if (found == program_.places.end()) return false;  // of a version that served before
  const Step& step = program_.step(found->second.step);
  return !std::holds_alternative<Ask>(step.verb) && !std::holds_alternative<Choose>(step.verb);
}

Funnel::Fate Funnel::fate_of(std::string_view event_json, const std::string& place) const {
  Event event;
  if (!from_json(event_json, event)) return Fate::WentOn;
  // The clock took it away: the time given to an answer was over, or a schedule came. Other timers end an answer that
  // came in parts.
  if (const auto* timer = std::get_if<TimerDue>(&event.what))
    return timer->name.starts_with("timeout") || is_schedule_timer(timer->name) ? Fate::Silent : Fate::WentOn;
  if (std::holds_alternative<ScheduleDue>(event.what) || std::holds_alternative<Happened>(event.what)) return Fate::Silent;
  const auto* message = std::get_if<UserMessage>(&event.what);
  if (!message) return Fate::WentOn;
  const sufler::Question* question = question_at(program_, place);
  const bool free_words = !question || question->free_words_are_commands;
  const bool as_answer = question && kind_of(*question).takes_any_text && question->type != QuestionType::Name;
  const bool by_command =
      find_command(program_, message->text, fold(message->text), free_words, nullptr).command ||
      (free_words && find_meant(program_, message->text, as_answer, nullptr));
  return by_command ? Fate::ByCommand : Fate::WentOn;
}

std::vector<Funnel::Branch> Funnel::branches(Moment silent_since) const {
  std::vector<Branch> all;
  std::map<std::string, std::size_t, std::less<>> index;
  std::map<std::string, Question*> lines;
  for (const sufler::Branch& branch : program_.branches) {
    index.emplace(branch.name, all.size());
    all.push_back({branch.name, 0, 0, {}, {}});
  }
  const auto branch_at = [&](std::string_view name) -> Branch& {
    const auto found = index.find(name);
    if (found != index.end()) return all[found->second];
    index.emplace(std::string(name), all.size());
    all.push_back({std::string(name), 0, 0, {}, {}});
    return all.back();
  };
  const auto add_place = [&](const std::string& place) {
    auto& questions = branch_at(branch_of(place)).questions;
    const bool known = std::any_of(questions.begin(), questions.end(), [&](const Question& one) { return one.place == place; });
    if (known) return;
    Question line;
    line.place = place;
    questions.push_back(std::move(line));
  };
  for (const Step& step : program_.steps) {
    if (const auto* ask = std::get_if<Ask>(&step.verb)) {
      for (const std::string& place : ask->places) add_place(place);
    } else if (!step.place.empty() && std::holds_alternative<Choose>(step.verb)) {
      add_place(step.place);
    }
    if (const auto* track = std::get_if<Track>(&step.verb)) {
      std::vector<std::string>& events = branch_at(program_.branch(program_.block(step.block).branch).name).events;
      if (std::find(events.begin(), events.end(), track->event) == events.end()) events.push_back(track->event);
    }
  }
  // Those of versions that served before.
  for (const auto& [id, talk] : talks_)
    for (const auto& [place, visit] : talk.visits) add_place(place);
  for (Branch& branch : all)
    for (Question& line : branch.questions) {
      lines[line.place] = &line;
      if (const auto again = asked_again_.find(line.place); again != asked_again_.end()) line.asked_again = again->second;
    }

  for (const auto& [id, talk] : talks_) {
    std::map<std::string_view, const Visit*> last;  // of each branch
    for (const auto& [place, visit] : talk.visits) {
      Question& line = *lines[place];
      ++line.came;
      const bool silent = visit.fate == Fate::Silent || (visit.fate == Fate::There && visit.since < silent_since);
      ++(silent                            ? line.silent
         : visit.fate == Fate::ByCommand   ? line.by_command
         : visit.fate == Fate::WentOn      ? line.went_on
                                           : line.there);
      const Visit*& latest = last[branch_of(place)];
      if (!latest || latest->turn < visit.turn) latest = &visit;
    }
    for (const auto& [name, visit] : last) {
      Branch& branch = branch_at(name);
      ++branch.came;
      branch.went_through += visit->fate == Fate::WentOn && visit->outside;
    }
  }
  std::erase_if(all, [](const Branch& branch) { return branch.questions.empty() && branch.events.empty(); });
  return all;
}

namespace {

std::string share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? std::string() : " (" + std::to_string((part * 100 + whole / 2) / whole) + " %)";
}

std::string bar(std::int64_t part, std::int64_t whole) {
  std::string out;
  const std::int64_t filled = whole == 0 ? 0 : (part * kBarWidth + whole / 2) / whole;
  for (std::int64_t i = 0; i < kBarWidth; ++i) out += i < filled ? "█" : "·";
  return out;
}

std::string padded(std::string text, std::size_t width) {
  const std::size_t shown = count_code_points(text);
  if (shown < width) text.append(width - shown, ' ');
  return text;
}

void print_branch(const Funnel::Branch& branch, const std::map<std::string, LiveDialogs::Tracked>& tracked) {
  std::cout << printable(branch.name) << ": " << branch.came << (branch.came == 1 ? " talk came, " : " talks came, ") << branch.went_through
            << " went through" << share(branch.went_through, branch.came) << "\n";
  std::size_t width = 0;
  for (const Funnel::Question& line : branch.questions) width = std::max(width, count_code_points(line.place));
  for (const Funnel::Question& line : branch.questions) {
    std::cout << "  " << padded(printable(line.place), width) << "  " << bar(line.came, branch.came) << " " << line.came << " came, "
              << line.left() << " left" << share(line.left(), line.came);
    std::string more;
    const auto tell = [&](std::int64_t number, const char* what) {
      if (number > 0) more += (more.empty() ? "" : ", ") + std::to_string(number) + " " + what;
    };
    tell(line.silent, "without a word");
    tell(line.by_command, "by a command");
    tell(line.there, "there now");
    tell(line.asked_again, line.asked_again == 1 ? "answer not understood" : "answers not understood");
    std::cout << (more.empty() ? "" : ": " + more) << "\n";
  }
  for (const std::string& event : branch.events) {
    const auto found = tracked.find(event);
    const std::int64_t talks = found == tracked.end() ? 0 : found->second.dialogs, times = found == tracked.end() ? 0 : found->second.times;
    std::cout << "  event " << printable(event) << ": " << talks << (talks == 1 ? " talk" : " talks") << share(talks, branch.came) << ", "
              << times << (times == 1 ? " time" : " times") << "\n";
  }
}

json to_json(const Funnel::Branch& branch, const std::map<std::string, LiveDialogs::Tracked>& tracked) {
  json questions = json::array(), events = json::array();
  for (const Funnel::Question& line : branch.questions)
    questions.push_back({{"place", line.place}, {"came", line.came}, {"went_on", line.went_on}, {"left", line.left()},
                         {"silent", line.silent}, {"by_command", line.by_command}, {"there", line.there},
                         {"asked_again", line.asked_again}});
  for (const std::string& event : branch.events) {
    const auto found = tracked.find(event);
    events.push_back({{"event", event}, {"talks", found == tracked.end() ? 0 : found->second.dialogs},
                      {"times", found == tracked.end() ? 0 : found->second.times}});
  }
  return {{"branch", branch.name}, {"came", branch.came}, {"went_through", branch.went_through}, {"questions", questions},
          {"events", events}};
}

std::optional<Duration> length_of(const std::string& text, const char* option) {
  const auto length = Duration::parse(text);
  if (!length || length->ms <= 0) {
    complain(std::string(option) + " takes a length of time: 30d, 12h");
    return std::nullopt;
  }
  return length;
}

}  // namespace

int run_funnel(const FunnelOptions& options) {
  const auto since = length_of(options.since, "--since"), idle = length_of(options.idle, "--idle");
  if (!since || !idle) return kExitMisuse;
  LoadedConfig loaded = load_place(options.config);
  if (!loaded.config) {
    std::cerr << render_text(loaded.diagnostics.sorted(), loaded.sources, tool_language({}));
    return kExitErrors;
  }
  const auto& bots = loaded.config->bots;
  const auto bot = std::find_if(bots.begin(), bots.end(), [&](const BotConfig& one) { return one.name == options.bot; });
  if (bot == bots.end()) return complain("the configuration has no bot `" + options.bot + "`");
  auto dialogs = LiveDialogs::open(loaded.config->database);
  if (!dialogs) return complain(dialogs.error().message);
  auto live = live_version(*dialogs, *bot, {}, tool_language({}));
  if (!live) return kExitErrors;
  if (!live->program) {
    // Of a bot that was never deployed through the process: as it is on disk.
    live = live_version(*dialogs, *bot, bot->scenario, tool_language({}));
    if (!live || !live->program) return kExitErrors;
  }

  const Moment now = options.now.unix_ms != 0 ? options.now : system_clock().now();
  const Moment from{now.unix_ms - since->ms};
  Funnel funnel(*live->program);
  if (auto read = dialogs->each_passage(bot->name, from, [&](const LiveDialogs::Passage& passage) { funnel.add(passage); }); !read)
    return complain(read.error().message);
  const auto counted = dialogs->tracked(bot->name, from);
  if (!counted) return complain(counted.error().message);
  std::map<std::string, LiveDialogs::Tracked> tracked;
  for (const LiveDialogs::Tracked& one : *counted) tracked.emplace(one.name, one);

  std::vector<Funnel::Branch> branches = funnel.branches(Moment{now.unix_ms - idle->ms});
  if (!options.branch.empty()) {
    std::erase_if(branches, [&](const Funnel::Branch& one) { return one.name != options.branch; });
    if (branches.empty()) {
      const auto& all = live->program->branches;
      const bool there = std::any_of(all.begin(), all.end(), [&](const Branch& one) { return one.name == options.branch; });
      return complain(there ? "the branch `" + options.branch + "` asks nothing, and nobody was asked in it"
                            : "the bot `" + options.bot + "` has no branch `" + options.branch + "`");
    }
  }
  if (options.format == "json") {
    json out = json::array();
    for (const Funnel::Branch& branch : branches) out.push_back(to_json(branch, tracked));
    std::cout << redact(json{{"bot", bot->name}, {"since_unix_ms", from.unix_ms}, {"branches", out}}.dump(
                     -1, ' ', false, json::error_handler_t::replace))
              << "\n";
    return kExitClean;
  }
  std::cout << printable(bot->name) << ", since " << shown_time(from.unix_ms) << "\n";
  for (const Funnel::Branch& branch : branches) {
    std::cout << "\n";
    print_branch(branch, tracked);
  }
  if (branches.empty()) std::cout << "nothing is asked in this scenario\n";
  return kExitClean;
}

}  // namespace sufler

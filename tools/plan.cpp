// What a version on disk would do to the dialogs that are live. Places are counted by the database; states are read
// only where answers have to be held against stricter questions.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "interpreter/core/expects.h"
#include "interpreter/runtime/clock.h"
#include "interpreter/runtime/config.h"
#include "schema/change_text.h"
#include "schema/loader.h"
#include "storage/live_dialogs.h"
#include "tools/changes.h"
#include "tools/commands.h"
#include "tools/live_version.h"
#include "tools/operator_link.h"

namespace sufler {
namespace {

using json = nlohmann::ordered_json;
using What = Change::What;

struct PlaceLine {
  LiveDialogs::AtPlace at;
  PlaceFate fate;
  bool with_people = false;  ///< a handoff: people decide, and the rule is still there
};
struct StricterLine {
  std::string question;
  std::int64_t answers = 0, fail = 0;
  std::int64_t asked_again = 0;  ///< of `fail`: in the row of questions that the dialog rests in
};
struct TableLine {
  std::string table, column, before, after;
  std::int64_t rows = 0;  ///< with a value: the reload would be refused
};
/// What is scheduled in dialogs and would not begin any more, or by another name.
struct ScheduledLine {
  std::string name, branch;
  std::int64_t dialogs = 0;
  std::string to;  ///< where `moved` leads; empty: dropped
};
struct Plan {
  std::string bot, path, version, live;
  bool compared = false;  ///< the version that serves is known
  std::vector<PlaceLine> places;
  std::int64_t resting = 0, waiting = 0;  ///< dialogs at `none`, and at places
  std::vector<Change> changes;
  std::vector<StricterLine> stricter;
  std::vector<TableLine> tables;
  std::vector<VersionStore::Pinned> pinned;
  std::vector<MovedGuess> moved;
  std::vector<ScheduledLine> scheduled;

  std::int64_t falling() const {
    std::int64_t dialogs = 0;
    for (const PlaceLine& one : places)
      if (one.fate.kind == PlaceFate::Kind::FallBack) dialogs += one.at.dialogs;
    return dialogs;
  }
};

// ---- what comes of it

bool keeps_people(const Program& before, const Program& after, const std::string& place) {
  const auto here = before.places.find(place);
  if (here == before.places.end()) return false;
  const auto* handoff = std::get_if<HandoffStep>(&before.step(here->second.step).verb);
  if (!handoff || !handoff->rule) return false;
  const std::string& rule = before.handoffs[handoff->rule.value].name;
  return std::any_of(after.handoffs.begin(), after.handoffs.end(),
                     [&](const HandoffRule& one) { return one.name == rule; });
}

void find_fates(Plan& plan, const Program* before, const Program& after,
                const std::vector<LiveDialogs::AtPlace>& places) {
  std::vector<std::string> gone;
  for (const LiveDialogs::AtPlace& at : places) {
    if (at.place == "none" || at.place.empty()) {
      plan.resting += at.dialogs;
      continue;
    }
    plan.waiting += at.dialogs;
    std::uint64_t expected = 0;
    if (before) {
      if (const auto here = before->places.find(at.place); here != before->places.end())
        expected = expects_of(*before, here->second.step, here->second.question).number();
    }
    PlaceLine line{at, fate_of(after, at.place, expected), before && keeps_people(*before, after, at.place)};
    if (line.with_people) line.fate = {PlaceFate::Kind::Stays, at.place};
    if (line.fate.kind == PlaceFate::Kind::FallBack) gone.push_back(at.place);
    plan.places.push_back(std::move(line));
  }
  std::stable_sort(plan.places.begin(), plan.places.end(),
                   [](const PlaceLine& a, const PlaceLine& b) { return a.at.dialogs > b.at.dialogs; });
  if (before) {
    // Only what somebody waits at is worth a line.
    const std::set<std::string> waited(gone.begin(), gone.end());
    for (MovedGuess& guess : guess_moved(*before, after)) {
      const bool helps = std::any_of(waited.begin(), waited.end(), [&](const std::string& place) {
        return place == guess.from || place.starts_with(guess.from + "/");
      });
      if (helps) plan.moved.push_back(std::move(guess));
    }
  } else {
    plan.moved = guess_moved(gone, after);
  }
}

/// Questions whose checks an earlier answer may fail.
std::map<std::string, QuestionId> stricter_questions(const std::vector<Change>& changes, const Program& after) {
  std::map<std::string, QuestionId> questions;
  for (const Change& change : changes) {
    const bool may_fail = change.what == What::Stricter || change.what == What::CheckChanged ||
                          change.what == What::TypeChanged || change.what == What::OptionsRemoved;
    const auto id = may_fail ? after.question_names.find(change.name) : after.question_names.end();
    if (id != after.question_names.end()) questions.emplace(change.name, id->second);
  }
  return questions;
}

/// Whether the question stands before the place in one row: then its answer is asked again.
bool stands_before(const Program& after, const std::string& place, QuestionId question) {
  const auto here = after.places.find(place);
  if (here == after.places.end()) return false;
  const Ask* ask = std::get_if<Ask>(&after.step(here->second.step).verb);
  if (!ask) return false;
  const auto end = ask->questions.begin() + here->second.question;
  return std::find(ask->questions.begin(), end, question) != end;
}

Stored<Done> count_failing(Plan& plan, const Program& after, LiveDialogs& dialogs) {
  const std::map<std::string, QuestionId> questions = stricter_questions(plan.changes, after);
  if (questions.empty()) return Done{};
  std::map<std::string, StricterLine> lines;
  for (const auto& [name, id] : questions) lines[name].question = name;
  std::map<std::string, std::string> goes_to;
  for (const PlaceLine& one : plan.places) goes_to[one.at.place] = one.fate.to;
  const Moment now = system_clock().now();
  auto read = dialogs.each_state(plan.bot, {}, [&](const std::string& place, const std::string& state) {
    StoredAnswers answers;
    if (!read_answers(state, answers)) return;
    // A dialog has few answers where a scenario may have thousands of stricter questions.
    for (const auto& [name, answer] : answers.variables) {
      const auto question = questions.find(name);
      if (question == questions.end() || answer.is_null()) continue;
      StricterLine& line = lines[name];
      ++line.answers;
      if (passes_now(after, question->second, answer, answers.variables, now)) continue;
      ++line.fail;
      if (stands_before(after, goes_to[place], question->second)) ++line.asked_again;
    }
  });
  if (!read) return read;
  for (auto& [name, line] : lines) plan.stricter.push_back(std::move(line));
  return Done{};
}

Stored<Done> look_at_tables(Plan& plan, LiveDialogs& dialogs) {
  for (const Change& change : plan.changes) {
    if (change.what != What::ColumnChanged) continue;
    auto rows = dialogs.filled(change.name, change.names.front());
    if (!rows) return Error{rows.error()};
    plan.tables.push_back({change.name, change.names.front(), change.before, change.after, *rows});
  }
  return Done{};
}

Stored<Done> look_at_scheduled(Plan& plan, const Program* before, const Program& after, LiveDialogs& dialogs) {
  auto pending = dialogs.scheduled(plan.bot);
  if (!pending) return Error{pending.error()};
  for (const LiveDialogs::Scheduled& one : *pending) {
    ScheduledLine line{one.name, one.name, one.dialogs, {}};
    for (std::size_t i = 0; before && i < before->steps.size(); ++i)
      if (const auto* step = std::get_if<ScheduleStep>(&before->steps[i].verb); step && step->name == one.name)
        line.branch = before->branch(step->branch).name;
    if (after.find_branch(line.branch)) continue;
    if (const auto moved = after.moved.find(line.branch); moved != after.moved.end())
      line.to = moved->second.substr(0, moved->second.find('/'));
    plan.scheduled.push_back(std::move(line));
  }
  return Done{};
}

// ---- how it is shown

std::string age(Moment since, Moment now, Language language) {
  const std::int64_t minutes = std::max<std::int64_t>(0, (now.unix_ms - since.unix_ms) / 60'000);
  const bool russian = language == Language::Russian;
  if (minutes < 120) return std::to_string(minutes) + (russian ? " мин" : " min");
  if (minutes < 48 * 60) return std::to_string(minutes / 60) + (russian ? " ч" : " h");
  return std::to_string(minutes / (24 * 60)) + (russian ? " дн" : " d");
}

const char* fate_code(PlaceFate::Kind kind) {
  switch (kind) {
    case PlaceFate::Kind::Stays: return "stays";
    case PlaceFate::Kind::Changed: return "changed";
    case PlaceFate::Kind::Moved: return "moved";
    case PlaceFate::Kind::Branch: return "branch";
    case PlaceFate::Kind::FallBack: return "fall_back";
  }
  return "stays";
}

void print_json(const Plan& plan, Language language) {
  json places = json::array();
  for (const PlaceLine& one : plan.places) {
    json line = {{"place", one.at.place}, {"dialogs", one.at.dialogs}, {"oldest_unix_ms", one.at.oldest.unix_ms},
                 {"timers", one.at.timers}, {"fate", fate_code(one.fate.kind)}};
    if (!one.fate.to.empty()) line["to"] = one.fate.to;
    places.push_back(std::move(line));
  }
  json pinned = json::array();
  for (const VersionStore::Pinned& one : plan.pinned)
    pinned.push_back({{"version", one.version}, {"dialogs", one.dialogs}, {"since_unix_ms", one.since.unix_ms}});
  json changes = json::array(), stricter = json::array(), tables = json::array(), moved = json::array();
  for (const Change& change : plan.changes) changes.push_back(change_json(change, language));
  for (const StricterLine& one : plan.stricter)
    stricter.push_back({{"question", one.question}, {"answers", one.answers}, {"fail", one.fail}, {"asked_again", one.asked_again}});
  for (const TableLine& one : plan.tables)
    tables.push_back({{"table", one.table}, {"column", one.column}, {"before", one.before}, {"after", one.after},
                      {"rows", one.rows}, {"refused", one.rows > 0}});
  for (const MovedGuess& one : plan.moved)
    moved.push_back({{"from", one.from}, {"to", one.to}, {"likeness", one.likeness}});
  json scheduled = json::array();
  for (const ScheduledLine& one : plan.scheduled) {
    json line = {{"name", one.name}, {"branch", one.branch}, {"dialogs", one.dialogs}, {"dropped", one.to.empty()}};
    if (!one.to.empty()) line["to"] = one.to;
    scheduled.push_back(std::move(line));
  }
  const json whole = {{"bot", plan.bot}, {"path", plan.path}, {"version", plan.version}, {"live_version", plan.live},
                      {"compared", plan.compared}, {"waiting", plan.waiting}, {"resting", plan.resting},
                      {"falling_back", plan.falling()}, {"places", std::move(places)}, {"changes", std::move(changes)},
                      {"stricter", std::move(stricter)}, {"tables", std::move(tables)},
                      {"pinned", std::move(pinned)}, {"moved", std::move(moved)}, {"scheduled", std::move(scheduled)}};
  std::cout << whole.dump(2, ' ', false, json::error_handler_t::replace) << "\n";
}

/// Lines of a group that people read; JSON has all.
constexpr std::size_t kShown = 50;

class Printer {
 public:
  Printer(const Plan& plan, const Program& after, Language language)
      : plan_(plan), after_(after), language_(language), now_(system_clock().now()) {}

  void print() {
    head();
    places(PlaceFate::Kind::FallBack, say("gone; these talks begin anew, with their answers", "нет больше; эти разговоры начнутся заново, ответы останутся"));
    places(PlaceFate::Kind::Branch, say("gone; `moved` leads to a branch", "нет больше; `перенесено` ведёт в ветку"));
    places(PlaceFate::Kind::Moved, say("moved", "перенесены"));
    places(PlaceFate::Kind::Changed, say("the question changed; the talk waits on", "вопрос изменён, разговор ждёт дальше"));
    scheduled();
    stricter();
    tables();
    changes();
    moved();
  }

 private:
  std::string say(const char* english, const char* russian) const { return language_ == Language::Russian ? russian : english; }
  static void line(const std::string& text) { std::cout << printable(text) << "\n"; }

  void head() const {
    line(plan_.bot + ": " + counted_dialogs(plan_.waiting, language_) + say(" wait", " ждут") + ", " +
         std::to_string(plan_.resting) + say(" rest nowhere", " ни на чём не остановились"));
    if (!plan_.compared)
      line(say("What serves now is not known, so only places are compared; `--from OLD` names it.",
               "Какая версия работает сейчас, неизвестно, поэтому сравнены только места; её называет `--from СТАРАЯ`."));
    for (const VersionStore::Pinned& one : plan_.pinned)
      line(counted_dialogs(one.dialogs, language_) +
           say(" finish a branch on version ", " заканчивают ветку на версии ") + one.version.substr(0, 12) +
           say(" and are not moved", " и не переносятся"));
  }

  void places(PlaceFate::Kind kind, const std::string& title) const {
    bool first = true;
    std::size_t shown = 0;
    std::int64_t more = 0, dialogs = 0;
    for (const PlaceLine& one : plan_.places) {
      if (one.fate.kind != kind) continue;
      if (++shown > kShown) {
        ++more;
        dialogs += one.at.dialogs;
        continue;
      }
      if (std::exchange(first, false)) line(""), line(say("Places: ", "Места: ") + title);
      std::string text = "  " + one.at.place + "  " + counted_dialogs(one.at.dialogs, language_) +
                         say(", the oldest ", ", самый давний ") + age(one.at.oldest, now_, language_);
      if (one.at.timers > 0 && kind != PlaceFate::Kind::Changed && kind != PlaceFate::Kind::Moved)
        text += ", " + counted(one.at.timers, language_, "timer is cancelled", "timers are cancelled", "таймер отменится",
                               "таймера отменятся", "таймеров отменятся");
      if (kind == PlaceFate::Kind::FallBack) {
        text += " → " + (after_.start ? after_.branch(after_.start).name : std::string("none"));
      } else if (one.fate.to != one.at.place) {
        text += " → " + one.fate.to;
      }
      line(text);
    }
    if (more > 0)
      line("  " + counted(more, language_, "more place", "more places", "место ещё", "места ещё", "мест ещё") + ", " +
           counted_dialogs(dialogs, language_));
  }

  void scheduled() const {
    bool first = true;
    for (const ScheduledLine& one : plan_.scheduled) {
      if (std::exchange(first, false)) line(""), line(say("Scheduled: the branch is gone", "Запланировано: ветки больше нет"));
      line("  " + one.name + (one.name == one.branch ? "" : " (" + one.branch + ")") + "  " + counted_dialogs(one.dialogs, language_) +
           (one.to.empty() ? say(", will not begin", ", не начнётся") : " → " + one.to));
    }
  }

  void stricter() const {
    bool first = true;
    for (const StricterLine& one : plan_.stricter) {
      if (std::exchange(first, false)) line(""), line(say("Answers against the new checks", "Ответы и новые проверки"));
      std::string text = "  " + one.question + "  " + std::to_string(one.fail) + say(" of ", " из ") +
                         std::to_string(one.answers) + say(" fail", " не проходят");
      if (one.asked_again > 0) text += ", " + std::to_string(one.asked_again) + say(" are asked again", " спросим снова");
      line(text);
    }
  }

  void tables() const {
    for (const TableLine& one : plan_.tables) {
      if (one.rows == 0) continue;
      line("");
      line(say("Refused: ", "Нельзя: ") + one.table + "." + one.column + ", " +
           counted(one.rows, language_, "row has a value", "rows have a value", "строка со значением",
                   "строки со значением", "строк со значением") +
           say("; give the new column another name", "; назовите новый столбец иначе"));
    }
  }

  void changes() const {
    if (plan_.changes.empty()) return;
    line("");
    line(say("Changes", "Изменения"));
    for (const std::string& one : change_lines(plan_.changes, language_)) line("  " + one);
  }

  void moved() const {
    if (plan_.moved.empty()) return;
    line("");
    line(say("If these are the same places, paste this into the scenario:", "Если это те же места, вставьте в сценарий:"));
    line(say("moved:", "перенесено:"));
    for (const MovedGuess& one : plan_.moved) line("  " + one.from + ": " + one.to);
  }

  const Plan& plan_;
  const Program& after_;
  Language language_;
  Moment now_;
};

/// The bot that is meant; null after a complaint.
const BotConfig* choose_bot(const Config& config, const PlanOptions& options) {
  if (options.bot.empty() && config.bots.size() == 1) return &config.bots.front();
  std::string names;
  for (const BotConfig& bot : config.bots) {
    if (bot.name == options.bot) return &bot;
    names += (names.empty() ? "" : ", ") + bot.name;
  }
  complain(options.bot.empty() ? "several bots: name one with --bot: " + names
                               : "no bot `" + options.bot + "`: the configuration has " + names);
  return nullptr;
}

}  // namespace

int run_plan(const PlanOptions& options) {
  const Language language = tool_language(options.language);
  LoadedConfig loaded = load_place(options.config);
  if (!loaded.config) {
    std::cerr << redact(render_text(loaded.diagnostics.sorted(), loaded.sources, language));
    return kExitMisuse;
  }
  const BotConfig* const bot = choose_bot(*loaded.config, options);
  if (!bot) return kExitMisuse;
  LoadOptions load;
  for (const auto& [role, _] : bot->roles) load.roles.push_back(role);
  std::error_code unknown;
  for (const std::string& path : {options.path, options.from}) {
    if (path.empty() || std::filesystem::exists(path, unknown)) continue;
    complain((language == Language::Russian ? "нет такого файла или папки: " : "no such file or folder: ") + path);
    return kExitMisuse;
  }
  Loaded after = load_scenario(options.path, load);
  if (!after.program) {
    std::cerr << render_text(after.diagnostics.sorted(), after.sources, language);
    return kExitErrors;
  }
  auto dialogs = LiveDialogs::open(loaded.config->database);
  if (!dialogs) return complain(dialogs.error().message), kExitMisuse;
  auto before = live_version(*dialogs, *bot, options.from, language);
  if (!before) return kExitMisuse;

  Plan plan;
  plan.bot = bot->name;
  plan.path = options.path;
  plan.version = after.program->version;
  plan.compared = before->program != nullptr;
  plan.live = before->version;
  auto places = dialogs->places(bot->name);
  if (!places) return complain(places.error().message), kExitMisuse;
  auto pinned = dialogs->pinned(bot->name);
  if (!pinned) return complain(pinned.error().message), kExitMisuse;
  plan.pinned = std::move(*pinned);
  if (before->program) plan.changes = compare_programs(*before->program, *after.program);
  find_fates(plan, before->program.get(), *after.program, *places);
  if (auto counted = count_failing(plan, *after.program, *dialogs); !counted)
    return complain(counted.error().message), kExitMisuse;
  if (auto looked = look_at_tables(plan, *dialogs); !looked) return complain(looked.error().message), kExitMisuse;
  if (auto looked = look_at_scheduled(plan, before->program.get(), *after.program, *dialogs); !looked)
    return complain(looked.error().message), kExitMisuse;
  if (options.format == "json") {
    print_json(plan, language);
  } else {
    Printer(plan, *after.program, language).print();
  }
  return plan.falling() > 0 ? kExitFallBack : kExitClean;
}

}  // namespace sufler

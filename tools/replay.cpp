// `sufler replay`: what a version would have said in talks that people had.
#include "interpreter/runtime/replay.h"

#include <algorithm>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "interpreter/runtime/clock.h"
#include "tools/commands.h"
#include "tools/recorded.h"

namespace sufler {
namespace {

using Json = nlohmann::ordered_json;
using End = Replayed::End;

constexpr std::size_t kIdsShown = 10;
/// What was said before the difference.
constexpr std::size_t kTurnsBefore = 2;

/// Dialogs whose talk changes at the same place in the same way.
struct Group {
  std::string branch, place;
  bool parted = false;
  Replayed::Why why;
  std::vector<std::int64_t> dialogs;
  std::vector<ReplayedTurn> example;  ///< of the first of them; the last one differs
  std::string older;  ///< the version that spoke there, where the talk came to another one behind it
};

struct Comparison {
  std::size_t dialogs = 0, turns = 0, same = 0, differ = 0, old_lines = 0, skipped = 0, empty = 0;
  std::map<End, std::size_t> not_replayed;
  std::vector<Group> groups;

  void add(const RecordedDialog& dialog, const ReplayOptions& options);

 private:
  void add_difference(const RecordedDialog& dialog, const Replayed& replayed, std::size_t turn, const Replayed::Why* parted);
  std::map<std::tuple<std::string, bool, Replayed::Why>, std::size_t> known_;
};

/// `parted`: why the talk goes another way; null: only words are others.
void Comparison::add_difference(const RecordedDialog& dialog, const Replayed& replayed, std::size_t turn,
                                const Replayed::Why* parted) {
  const ReplayedTurn& differs = replayed.turns[turn];
  const Replayed::Why why = parted ? *parted : Replayed::Why{};
  // What is said at the beginning of a talk belongs to where the talk comes.
  const std::string place = differs.place_before == "none" ? differs.place_after : differs.place_before;
  const auto [at, is_new] = known_.try_emplace({place, parted != nullptr, why}, groups.size());
  if (is_new) {
    Group group;
    group.place = place;
    group.branch = place.substr(0, place.find('/'));
    group.parted = parted != nullptr;
    if (!differs.version.empty() && differs.version != dialog.rows.back().version) group.older = differs.version;
    group.why = why;
    const std::size_t from = turn > kTurnsBefore ? turn - kTurnsBefore : 0;
    group.example.assign(replayed.turns.begin() + static_cast<std::ptrdiff_t>(from),
                         replayed.turns.begin() + static_cast<std::ptrdiff_t>(turn) + 1);
    groups.push_back(std::move(group));
  }
  std::vector<std::int64_t>& ids = groups[at->second].dialogs;
  if (ids.empty() || ids.back() != dialog.id) ids.push_back(dialog.id);
}

void Comparison::add(const RecordedDialog& dialog, const ReplayOptions& options) {
  if (dialog.rows.empty()) {
    ++empty;
    return;
  }
  ++dialogs;
  const Replayed replayed = replay(dialog, options);
  turns += replayed.turns.size();
  old_lines += replayed.old_lines;
  skipped += replayed.skipped;
  for (const std::size_t turn : replayed.reworded) add_difference(dialog, replayed, turn, nullptr);
  for (const Replayed::Parting& parting : replayed.partings)
    if (parting.why.what != Replayed::Why::What::Earlier) add_difference(dialog, replayed, parting.turn, &parting.why);
  switch (replayed.end) {
    case End::Same: ++same; break;
    case End::Differs: ++differ; break;
    default:
      // What differs before the end counts, too.
      if (!replayed.reworded.empty()) ++differ;
      ++not_replayed[replayed.end];
  }
}

struct Words {
  bool russian;
  const char* operator()(const char* english, const char* in_russian) const { return russian ? in_russian : english; }
};

std::string shown(const ToldLine& line) {
  std::string text = one_line(line.text);
  for (const std::string& button : line.buttons) text += " [" + one_line(button, 40) + "]";
  for (const std::string& file : line.files) text += " @" + one_line(file, 60);
  return text;
}

std::string shown(const HeardLine& heard, Words words) {
  std::string text = one_line(heard.text);
  for (const std::string& file : heard.files) text += (text.empty() ? "@" : " @") + one_line(file, 60);
  switch (heard.by) {
    case HeardLine::By::Person: return std::string(words("person: ", "клиент: ")) + text;
    case HeardLine::By::Press: return std::string(words("person: [", "клиент: [")) + text + "]";
    case HeardLine::By::Timer: return std::string(words("timer: ", "таймер: ")) + text;
    case HeardLine::By::Staff: return std::string(words("staff: ", "сотрудник: ")) + text;
    case HeardLine::By::Program: return std::string(words("result of: ", "результат: ")) + text;
    case HeardLine::By::Desk: return std::string(words("desk: ", "линия: ")) + text;
    case HeardLine::By::Version: return std::string(words("new version: ", "новая версия: ")) + text;
    case HeardLine::By::Other: break;
  }
  return words("(something else)", "(другое событие)");
}

void print_told(const ReplayedTurn& turn, bool differs, Words words) {
  const auto who = [&](const ToldLine& line) { return line.to.empty() ? std::string(words("bot", "бот")) : one_line(line.to, 40); };
  std::size_t common = 0;
  while (common < turn.then.size() && common < turn.now.size() && turn.then[common] == turn.now[common]) ++common;
  if (!differs) common = turn.now.size();
  for (std::size_t i = 0; i < common; ++i) std::cout << "        " << who(turn.now[i]) << ": " << shown(turn.now[i]) << "\n";
  if (!differs) return;
  for (std::size_t i = common; i < turn.then.size(); ++i)
    std::cout << "      - " << who(turn.then[i]) << ": " << shown(turn.then[i]) << "\n";
  for (std::size_t i = common; i < turn.now.size(); ++i)
    std::cout << "      + " << who(turn.now[i]) << ": " << shown(turn.now[i]) << "\n";
  for (const std::string& fault : turn.faults)
    std::cout << "      + " << words("fault", "ошибка") << ": " << one_line(fault) << "\n";
}

void print_text(const Comparison& all, Language language) {
  const Words words{language == Language::Russian};
  std::vector<const Group*> sorted;
  for (const Group& group : all.groups) sorted.push_back(&group);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Group* a, const Group* b) {
    return a->branch != b->branch ? a->branch < b->branch : a->dialogs.size() > b->dialogs.size();
  });
  std::string branch;
  for (const Group* group : sorted) {
    if (group->branch != branch || group == sorted.front()) {
      branch = group->branch;
      std::cout << (branch == "none" ? words("outside of branches", "вне веток")
                                     : (words("branch `", "ветка `") + branch + "`"))
                << "\n";
    }
    std::cout << "  " << group->place << ", " << words("dialogs: ", "диалогов: ") << group->dialogs.size() << ": "
              << (group->parted ? words_of(group->why, language) : words("other words", "другие слова")) << "\n";
    std::cout << "    " << words("for example dialog ", "например, диалог ") << group->dialogs.front() << ", "
              << shown_time(group->example.back().at.unix_ms)
              << (group->older.empty() ? "" : words(", then by the version ", ", тогда по версии ") + group->older) << "\n";
    for (const ReplayedTurn& turn : group->example) {
      std::cout << "        " << shown(turn.heard, words) << "\n";
      print_told(turn, &turn == &group->example.back(), words);
    }
  }
  if (!sorted.empty()) std::cout << "\n";
  std::cout << words("dialogs: ", "диалогов: ") << all.dialogs << words(", turns: ", ", ходов: ") << all.turns
            << words("; the same: ", "; без изменений: ") << all.same << words(", different: ", ", с изменениями: ")
            << all.differ << "\n";
  const auto note = [&](End end, const char* english, const char* in_russian) {
    const auto found = all.not_replayed.find(end);
    if (found != all.not_replayed.end()) std::cout << words(english, in_russian) << found->second << "\n";
  };
  note(End::NoBeginning, "not replayable, the journal's beginning is gone: ", "не воспроизвести, начало журнала удалено: ");
  note(End::NoResults, "replayed in part, the journal does not have what tables answered: ",
       "воспроизведены частично, в журнале нет ответов таблиц: ");
  note(End::Secret, "replayed in part, up to an answer that is secret: ", "воспроизведены частично, до секретного ответа: ");
  note(End::Unreadable, "replayed in part, up to a line that cannot be read: ",
       "воспроизведены частично, до нечитаемой строки: ");
  if (all.old_lines > 0)
    std::cout << words("lines of an older program, replayed as far as they go: ",
                       "строк прежней программы, воспроизведены насколько возможно: ")
              << all.old_lines << "\n";
}

Json json_of(const ReplayedTurn& turn) {
  const auto told = [](const std::vector<ToldLine>& lines) {
    Json all = Json::array();
    for (const ToldLine& line : lines)
      all.push_back({{"to", line.to}, {"text", redact(line.text)}, {"buttons", line.buttons}, {"files", line.files}});
    return all;
  };
  constexpr const char* kBy[] = {"person", "press", "timer", "staff", "program", "desk", "version", "other"};
  return {{"at_unix_ms", turn.at.unix_ms},
          {"version", turn.version},
          {"heard", {{"by", kBy[static_cast<std::size_t>(turn.heard.by)]}, {"text", redact(turn.heard.text)}, {"files", turn.heard.files}}},
          {"then", told(turn.then)},
          {"now", told(turn.now)},
          {"faults", turn.faults}};
}

void print_json(const Comparison& all) {
  const auto count = [&](End end) {
    const auto found = all.not_replayed.find(end);
    return found == all.not_replayed.end() ? std::size_t{0} : found->second;
  };
  Json differences = Json::array();
  for (const Group& group : all.groups) {
    Json talk = Json::array();
    for (const ReplayedTurn& turn : group.example) talk.push_back(json_of(turn));
    std::vector<std::int64_t> ids = group.dialogs;
    if (ids.size() > kIdsShown) ids.resize(kIdsShown);
    differences.push_back({{"branch", group.branch},
                           {"place", group.place},
                           {"kind", group.parted ? "parted" : "reworded"},
                           {"why", words_of(group.why, Language::English)},
                           {"older_version", group.older},
                           {"dialogs", group.dialogs.size()},
                           {"ids", ids},
                           {"example", {{"dialog", group.dialogs.front()}, {"talk", std::move(talk)}}}});
  }
  const Json out = {{"dialogs", all.dialogs},
                    {"turns", all.turns},
                    {"same", all.same},
                    {"differ", all.differ},
                    {"not_replayable", {{"no_beginning", count(End::NoBeginning)},
                                        {"no_results", count(End::NoResults)},
                                        {"secret", count(End::Secret)},
                                        {"unreadable", count(End::Unreadable)}}},
                    {"old_lines", all.old_lines},
                    {"differences", std::move(differences)}};
  std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

/// The bot whose talks are played; nothing after a complaint.
std::optional<std::string> bot_of(const OperatorLink& link, const ReplayToolOptions& options) {
  const auto& bots = link.config().bots;
  if (!options.bot.empty() || !options.dialog.empty()) return options.bot;
  if (bots.size() == 1) return bots[0].name;
  complain("the configuration has several bots: name one with --bot");
  return std::nullopt;
}

}  // namespace

int run_replay(const ReplayToolOptions& options) {
  const Language language = tool_language(options.language);
  ReplayOptions replaying;
  std::optional<Duration> since;
  if (!options.since.empty()) {
    since = Duration::parse(options.since);
    if (!since) {
      complain("--since takes a length of time: 7d, 12h");
      return kExitMisuse;
    }
  }
  SourceMap sources;
  replaying.program = program_at(options.path, language, sources);
  if (!replaying.program) return kExitMisuse;
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitMisuse;
  const auto bot = bot_of(*link, options);
  if (!bot) return kExitMisuse;
  const Moment now = system_clock().now();
  if (since) replaying.since = Moment{now.unix_ms - since->ms};

  Comparison all;
  if (!options.dialog.empty()) {
    const auto dialog = read_dialog(*link, options.dialog, *bot);
    if (!dialog) return kExitMisuse;
    all.add(*dialog, replaying);
  } else {
    const auto recent = recent_dialogs(*link, *bot, options.limit);
    if (!recent) return kExitMisuse;
    std::vector<std::int64_t> ids;
    for (const DialogSummary& one : *recent)
      if (!replaying.since || one.changed_at >= *replaying.since) ids.push_back(one.id);
    if (!read_dialogs(*link, ids, [&](const RecordedDialog& dialog) { all.add(dialog, replaying); })) return kExitMisuse;
  }
  if (options.format == "json") {
    print_json(all);
  } else {
    print_text(all, language);
  }
  return all.differ == 0 ? kExitClean : kExitErrors;
}

}  // namespace sufler

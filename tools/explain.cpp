// `sufler explain`: the way one person took through the scenario, told from the journal by playing it again.
#include <iostream>
#include <nlohmann/json.hpp>

#include "tools/commands.h"
#include "tools/coverage.h"
#include "tools/recorded.h"

namespace sufler {
namespace {

using Json = nlohmann::ordered_json;
using What = Way::What;

constexpr const char* kWhat[] = {"step",     "passed_over", "option",   "data_option", "then",    "else",
                                 "case",     "otherwise",   "timeout",  "reminder",    "outcome", "answered",
                                 "skipped",  "wrong",       "default",  "declined",    "command", "done", "failed", "start",
                                 "fallback", "resumed",     "repeated", "fault"};
constexpr const char* kOutcomes[][5] = {{"closed", "timeout", "no_agents", "client_left", "rejected"},
                                        {"закрыто", "срок вышел", "нет операторов", "клиент ушёл", "отклонено"}};

class Narrator {
 public:
  Narrator(const Program& program, const SourceMap& sources, Language language)
      : program_(program), sources_(sources), russian_(language == Language::Russian),
        locale_{program.language, program.zone} {}

  const char* words(const char* english, const char* in_russian) const { return russian_ ? in_russian : english; }

  std::string time(Moment at) const {
    std::string iso = program_.zone.to_local(Moment{at.unix_ms / 1000 * 1000}).to_iso();
    for (char& c : iso)
      if (c == 'T') c = ' ';
    return iso;
  }

  std::string heard(const ReplayedTurn& turn) const {
    std::string text = one_line(turn.heard.text);
    for (const std::string& file : turn.heard.files) text += (text.empty() ? "@" : " @") + one_line(file, 60);
    switch (turn.heard.by) {
      case HeardLine::By::Person: return words("the person wrote: ", "человек написал: ") + text;
      case HeardLine::By::Press: return words("the person pressed [", "человек нажал [") + text + "]";
      case HeardLine::By::Timer:
        return words("time passed: ", "прошло время: ") + timer_words(turn.heard.text);
      case HeardLine::By::Staff: return words("a person of the staff wrote: ", "сотрудник написал: ") + text;
      case HeardLine::By::Program: return words("a result came: ", "пришёл результат: ") + text;
      case HeardLine::By::Desk: return words("news of the ticket ", "новости об обращении ") + text;
      case HeardLine::By::Version: return words("a new version of the scenario: ", "новая версия сценария: ") + text;
      case HeardLine::By::Other: break;
    }
    return words("something else happened", "произошло другое событие");
  }

  /// One line of what the turn did, without its place; empty for what the line before says already.
  std::string told(const TraceEntry& entry) const {
    const Way& way = entry.way;
    const std::string value = one_line(to_display(entry.value, locale_), 80);
    switch (way.what) {
      case What::Step: return first_words_at(sources_, program_.step(way.step).span) + because(entry);
      case What::PassedOver:
        return (way.question ? question(way) + words("is not asked", "не задаётся")
                             : words("passed over: ", "пропущено: ") +
                                   first_words_at(sources_, program_.step(way.step).span)) +
               because(entry);
      case What::Option:
      case What::DataOption: return words("chose [", "выбрано [") + value + "]";
      case What::Then: return words("→ then", "→ то") + because(entry);
      case What::Else: return words("→ else", "→ иначе") + because(entry);
      case What::Case: {
        const Match& match = std::get<Match>(program_.step(way.step).verb);
        return words("→ the case ", "→ случай ") + one_line(to_display(match.cases[way.index].value, locale_), 60) +
               because(entry);
      }
      case What::Otherwise: return (way.question ? question(way) : "") + words("→ otherwise", "→ иначе") + because(entry);
      case What::Timeout: return words("nobody answered in ", "ответа не было ") + value + words(": the timeout", ": срок вышел");
      case What::Reminder:
        return words("nobody answered in ", "ответа не было ") + value + words(": reminder ", ": напоминание ") +
               std::to_string(way.index + 1);
      case What::Outcome: return words("people's part is over: ", "люди закончили: ") + std::string(kOutcomes[russian_ ? 1 : 0][way.index]);
      case What::Answered: return question(way) + words("answered: ", "ответ: ") + value;
      case What::Skipped: return question(way) + words("skipped", "пропущен");
      case What::Wrong: return question(way) + words("the answer will not do: ", "ответ не подходит: ") + value;
      case What::Default: return question(way) + words("takes its default: ", "взято значение по умолчанию: ") + value;
      case What::Declined: return question(way) + words("not confirmed: ", "не подтверждено: ") + value;
      case What::Command: return words("the command `", "команда `") + value + "`";
      case What::Done: return words("the program gave: ", "программа дала: ") + value;
      case What::Failed: return words("the program gave nothing: ", "программа ничего не дала: ") + value;
      case What::Start: return {};  // what the person wrote says it
      case What::Fallback: return words("nobody waits for these words: `fallback`", "этих слов никто не ждёт: `не_понял`");
      case What::Resumed: return words("the pause is over", "пауза кончилась");
      case What::Repeated: return words("the question is shown again", "вопрос показан снова");
      case What::Fault: return words("it could not go on: ", "дальше не получилось: ") + value;
    }
    return {};
  }

  /// The branch that an entry stands in; empty where it stands in none.
  std::string branch(const Way& way) const {
    if (!way.step || way.step.value >= program_.steps.size()) return {};
    const Step& step = program_.step(way.step);
    return step.block ? program_.branch(program_.block(step.block).branch).name : std::string();
  }

  SourceSpan span(const Way& way) const {
    if (way.what == What::Command) return program_.commands[way.index].span;
    if (way.question) return program_.question(way.question).span;
    return way.step ? program_.step(way.step).span : SourceSpan{};
  }
  bool has_place(const Way& way) const { return way.what == What::Command || way.question || way.step; }

  Json json(const TraceEntry& entry) const {
    const Way& way = entry.way;
    Json one = {{"what", kWhat[static_cast<std::size_t>(way.what)]}};
    if (const std::string name = branch(way); !name.empty()) one["branch"] = name;
    if (has_place(way)) {
      const SourceSpan at = span(way);
      one["file"] = sources_.path(at.file);
      one["line"] = sources_.locate(at.file, at.offset).line;
    }
    if (way.question) one["question"] = program_.question(way.question).name;
    if (!entry.source.empty()) {
      Json values = Json::object();
      for (const auto& [name, value] : entry.values) values[name] = redact(to_display(value, locale_));
      one["condition"] = {{"source", entry.source}, {"values", std::move(values)}};
    }
    if (!entry.value.is_null()) one["value"] = redact(to_display(entry.value, locale_));
    one["text"] = redact(told(entry));
    return one;
  }

 private:
  std::string timer_words(const std::string& name) const {
    if (name.starts_with("remind")) return words("a reminder was due", "подошло напоминание");
    if (name.starts_with("timeout")) return words("the time to answer was over", "вышел срок ответа");
    if (name.starts_with("pause")) return words("a pause was over", "кончилась пауза");
    if (name.starts_with("gather") || name.starts_with("files"))
      return words("no more parts of the answer came", "частей ответа больше не было");
    return "`" + one_line(name, 40) + "`";
  }

  std::string question(const Way& way) const {
    return words("the question `", "вопрос `") + program_.question(way.question).name + "`: ";
  }

  /// The condition with what it saw: ` (total > 100: total = 150)`.
  std::string because(const TraceEntry& entry) const {
    if (entry.source.empty()) return {};
    std::string out = "  (" + one_line(entry.source, 100);
    bool first = true;
    for (const auto& [name, value] : entry.values) {
      const std::string shown = value.is_null() ? words("unset", "не задано") : one_line(to_display(value, locale_), 60);
      out += (first ? ": " : ", ") + name + " = " + shown;
      first = false;
    }
    return out + ")";
  }

  const Program& program_;
  const SourceMap& sources_;
  bool russian_;
  Locale locale_;
};

void print_told(const Narrator& narrator, const std::vector<ToldLine>& lines) {
  for (const ToldLine& line : lines) {
    std::cout << "    " << (line.to.empty() ? std::string(narrator.words("the bot said", "бот сказал")) : one_line(line.to, 40))
              << ": " << one_line(line.text, 120);
    for (const std::string& button : line.buttons) std::cout << " [" << one_line(button, 40) << "]";
    for (const std::string& file : line.files) std::cout << " @" << one_line(file, 60);
    std::cout << "\n";
  }
}

void print_turn(const Narrator& narrator, const SourceMap& sources, const ReplayedTurn& turn) {
  std::cout << narrator.time(turn.at) << "  " << narrator.heard(turn) << "\n";
  std::string branch;
  for (const TraceEntry& entry : turn.trace) {
    const std::string in = narrator.branch(entry.way);
    if (!in.empty() && in != branch) {
      branch = in;
      std::cout << "  " << narrator.words("branch `", "ветка `") << branch << "`\n";
    }
    const std::string text = narrator.told(entry);
    if (text.empty()) continue;
    std::string place;
    if (narrator.has_place(entry.way)) {
      const SourceSpan at = narrator.span(entry.way);
      place = std::to_string(sources.locate(at.file, at.offset).line);
    }
    std::cout << "  " << std::string(place.size() < 5 ? 5 - place.size() : 0, ' ') << place << "  " << printable(text) << "\n";
  }
  print_told(narrator, turn.then);
  if (!turn.recorded) {
    std::cout << "    " << narrator.words("(only in this version)", "(только в этой версии)") << "\n";
  } else if (!turn.same) {
    std::cout << "    "
              << narrator.words("this version of the scenario would have said otherwise:",
                                "эта версия сценария сказала бы иначе:")
              << "\n";
    print_told(narrator, turn.now);
  }
  if (turn.place_after != turn.place_before)
    std::cout << "    "
              << (turn.place_after == "none" ? narrator.words("waits for nothing", "ничего не ждёт")
                                             : narrator.words("waits at ", "ждёт в ") + turn.place_after)
              << "\n";
}

std::string ending(const Narrator& narrator, const Replayed& replayed, Language language) {
  switch (replayed.end) {
    case Replayed::End::NoBeginning:
      return narrator.words("the journal's beginning is gone: there is nothing to tell the way from",
                            "начало журнала удалено: путь рассказать не по чему");
    case Replayed::End::NoResults:
      return narrator.words("the rest cannot be told: ", "дальше рассказать нельзя: ") + words_of(replayed.why, language);
    case Replayed::End::Secret:
      return narrator.words("the rest hangs on an answer that is secret", "дальше всё зависит от секретного ответа");
    case Replayed::End::Unreadable:
      return narrator.words("a line of the journal cannot be read", "строка журнала не читается");
    default: break;
  }
  if (!replayed.partings.empty())
    return narrator.words("the talk was played by another version: ", "разговор шёл по другой версии: ") +
           words_of(replayed.why, language);
  return {};
}

}  // namespace

int run_explain(const ExplainOptions& options) {
  const Language language = tool_language(options.language);
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitErrors;
  const auto dialog = read_dialog(*link, options.dialog, options.bot);
  if (!dialog) return kExitErrors;
  SourceMap sources;
  ReplayOptions replaying;
  replaying.program = options.path.empty() ? program_of(*link, dialog->key.bot, language, sources)
                                           : program_at(options.path, language, sources);
  if (!replaying.program) return kExitErrors;
  replaying.trace = true;
  replaying.follow_journal = true;
  const Replayed replayed = replay(*dialog, replaying);
  const Narrator narrator(*replaying.program, sources, language);
  const std::size_t count = replayed.turns.size();
  const std::size_t first = options.turns > 0 && options.turns < count ? count - options.turns : 0;
  const std::string end = ending(narrator, replayed, language);

  if (options.format == "json") {
    Json turns = Json::array();
    for (std::size_t i = first; i < count; ++i) {
      const ReplayedTurn& turn = replayed.turns[i];
      Json path = Json::array(), said = Json::array();
      for (const TraceEntry& entry : turn.trace) path.push_back(narrator.json(entry));
      for (const ToldLine& line : turn.then)
        said.push_back({{"to", line.to}, {"text", redact(line.text)}, {"buttons", line.buttons}, {"files", line.files}});
      turns.push_back({{"at_unix_ms", turn.at.unix_ms},
                       {"heard", redact(narrator.heard(turn))},
                       {"version", turn.version},
                       {"path", std::move(path)},
                       {"said", std::move(said)},
                       {"as_recorded", turn.recorded && turn.same},
                       {"from", turn.place_before},
                       {"to", turn.place_after}});
    }
    const Json out = {{"dialog", dialog->id},
                      {"bot", dialog->key.bot},
                      {"user", dialog->key.chat.transport + ":" + dialog->key.user_id},
                      {"skipped", replayed.skipped},
                      {"note", end},
                      {"turns", std::move(turns)}};
    std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    return kExitClean;
  }
  std::cout << narrator.words("dialog ", "диалог ") << dialog->id << ", " << printable(dialog->key.bot) << ", "
            << printable(dialog->key.chat.transport + ":" + dialog->key.user_id) << "\n";
  if (replayed.skipped > 0)
    std::cout << narrator.words("lines whose beginning is gone, left out: ", "строк, начало которых удалено, пропущено: ")
              << replayed.skipped << "\n";
  for (std::size_t i = first; i < count; ++i) {
    std::cout << "\n";
    print_turn(narrator, sources, replayed.turns[i]);
  }
  if (!end.empty()) std::cout << "\n" << end << "\n";
  return kExitClean;
}

}  // namespace sufler

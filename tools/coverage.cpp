#include "tools/coverage.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

using Json = nlohmann::ordered_json;
using What = Way::What;

constexpr const char* kOutcomes[] = {"closed", "timeout", "no_agents", "client_left", "rejected"};

std::string short_text(const Text& text) {
  return text.empty() ? std::string() : std::string(first_code_points(text.any_of.front().source(), 40));
}

class Words {
 public:
  Words(const Program& program, const SourceMap& sources, Language language)
      : program_(program), sources_(sources), russian_(language == Language::Russian) {}

  SourceSpan span_of(const Way& way) const {
    if (way.what == What::Command) return program_.commands[way.index].span;
    if (way.what == What::Option) {
      const Option& option = buttons_of(way).options[way.index];
      if (option.span.length > 0) return option.span;
    }
    return way.question ? program_.question(way.question).span : program_.step(way.step).span;
  }

  std::string say(const Way& way) const {
    if (way.what == What::Step) return first_words_at(sources_, span_of(way));
    if (way.what == What::Command)
      return (russian_ ? "команда `" : "the command `") + program_.commands[way.index].name + "`";
    const std::string of = way.question
                               ? (russian_ ? "вопрос `" : "the question `") + program_.question(way.question).name + "`: "
                               : step_words(way.step) + ": ";
    return of + way_on(way);
  }

 private:
  const Buttons& buttons_of(const Way& way) const {
    if (way.question) return program_.question(way.question).buttons;
    const auto& verb = program_.step(way.step).verb;
    if (const Choose* choose = std::get_if<Choose>(&verb)) return choose->buttons;
    if (const Say* say = std::get_if<Say>(&verb)) return *say->buttons;
    return *std::get<Notify>(verb).buttons;
  }

  std::string step_words(StepId id) const {
    const Step& step = program_.step(id);
    // The text of a choice often stands in lines of its own.
    if (const Choose* choose = std::get_if<Choose>(&step.verb); choose && !choose->text.empty()) {
      const std::string text = short_text(choose->text);
      return "`" + text.substr(0, text.find('\n')) + "`";
    }
    return first_words_at(sources_, step.span);
  }

  std::string way_on(const Way& way) const {
    const auto number = [&] { return std::to_string(way.index + 1); };
    switch (way.what) {
      case What::Option: {
        const std::string label = short_text(buttons_of(way).options[way.index].label);
        return (russian_ ? "кнопка «" : "the button “") + label + (russian_ ? "»" : "”");
      }
      case What::DataOption: return russian_ ? "кнопка из данных" : "a button made of data";
      case What::Then: return russian_ ? "условие ни разу не верно" : "the condition is never true";
      case What::Else: return russian_ ? "условие ни разу не ложно" : "the condition is never false";
      case What::Case: {
        const Match& match = std::get<Match>(program_.step(way.step).verb);
        const Locale locale{program_.language, program_.zone};
        return (russian_ ? "случай `" : "the case `") + to_display(match.cases[way.index].value, locale) + "`";
      }
      case What::Otherwise: return russian_ ? "иначе" : "otherwise";
      case What::Timeout: return russian_ ? "срок" : "the timeout";
      case What::Reminder: return (russian_ ? "напоминание " : "reminder ") + number();
      case What::Outcome: return (russian_ ? "исход " : "the outcome ") + std::string(kOutcomes[way.index]);
      case What::Answered: return russian_ ? "ни одного ответа" : "no answer";
      case What::Skipped: return russian_ ? "ни разу не пропущен" : "never skipped";
      case What::Wrong: return russian_ ? "ни одного неверного ответа" : "no wrong answer";
      case What::Done: return russian_ ? "ни одного результата" : "no result";
      case What::Failed: return russian_ ? "ни одной ошибки" : "no failure";
      case What::PassedOver:
        if (!way.question) return russian_ ? "условие `когда` ни разу не ложно" : "`when` is never false";
        return russian_ ? "условие `спрашивать_если` ни разу не ложно" : "`ask_when` is never false";
      case What::Declined: return russian_ ? "ни одного «Нет» на подтверждение" : "nobody declines to confirm";
      default: return {};
    }
  }

  const Program& program_;
  const SourceMap& sources_;
  bool russian_;
};

void count(Coverage::Share& share, bool hit) {
  ++share.total;
  if (hit) ++share.hit;
}

}  // namespace

std::string first_words_at(const SourceMap& sources, const SourceSpan& span) {
  const SourceMap::Place place = sources.locate(span.file, span.offset);
  std::string line(trim(sources.line_text(span.file, place.line)));
  if (line.starts_with("- ")) line.erase(0, 2);
  return std::string(first_code_points(line, 60));
}

void measure(const Program& program, const SourceMap& sources, const Visits& visits, Language language,
             Coverage& coverage) {
  const Words words(program, sources, language);
  std::vector<bool> branches(program.branches.size(), false), asked(program.questions.size(), false);
  for (std::uint32_t i = 0; i < program.steps.size(); ++i) {
    if (!visits.contains(Way{What::Step, StepId{i}, {}, 0})) continue;
    const Step& step = program.steps[i];
    if (step.block) branches[program.block(step.block).branch.value] = true;
    if (const Ask* ask = std::get_if<Ask>(&step.verb))
      for (const QuestionId question : ask->questions) asked[question.value] = true;
  }
  for (const bool visited : branches) count(coverage.branches, visited);

  struct Missed {
    SourceSpan span;
    Unvisited line;
  };
  std::vector<Missed> missed;
  for (const Way& way : ways_of(program)) {
    const WayKind kind = kind_of(way);
    const bool hit = visits.contains(way);
    count(kind == WayKind::Step ? coverage.steps : kind == WayKind::Option ? coverage.options : coverage.outcomes, hit);
    if (hit) continue;
    if (way.question ? !asked[way.question.value]
                     : kind != WayKind::Step && way.step && !visits.contains(Way{What::Step, way.step, {}, 0}))
      continue;
    const SourceSpan span = words.span_of(way);
    missed.push_back({span, {sources.path(span.file), sources.locate(span.file, span.offset).line, kind, words.say(way)}});
  }
  std::stable_sort(missed.begin(), missed.end(), [](const Missed& a, const Missed& b) {
    return std::tie(a.span.file, a.span.offset) < std::tie(b.span.file, b.span.offset);
  });
  for (Missed& one : missed) coverage.unvisited.push_back(std::move(one.line));
}

std::string shown(const Coverage& coverage, Language language) {
  const bool russian = language == Language::Russian;
  std::string out;
  const auto line = [&](const char* what, const Coverage::Share& share) {
    const std::size_t percent = share.total == 0 ? 100 : share.hit * 100 / share.total;
    out += std::string(what) + ": " + std::to_string(share.hit) + "/" + std::to_string(share.total) + " (" +
           std::to_string(percent) + " %)\n";
  };
  line(russian ? "шаги" : "steps", coverage.steps);
  line(russian ? "ветки" : "branches", coverage.branches);
  line(russian ? "кнопки" : "options", coverage.options);
  line(russian ? "исходы" : "outcomes", coverage.outcomes);
  for (const Unvisited& one : coverage.unvisited)
    out += "  " + one.file + ":" + std::to_string(one.line) + ": " + (russian ? "не проверено: " : "never visited: ") +
           one.what + "\n";
  return out;
}

std::string json_of(const Coverage& coverage) {
  const auto share = [](const Coverage::Share& one) { return Json{{"hit", one.hit}, {"total", one.total}}; };
  constexpr const char* kKinds[] = {"step", "option", "outcome"};
  Json unvisited = Json::array();
  for (const Unvisited& one : coverage.unvisited)
    unvisited.push_back({{"file", one.file},
                         {"line", one.line},
                         {"kind", kKinds[static_cast<std::size_t>(one.kind)]},
                         {"what", one.what}});
  Json out;
  out["steps"] = share(coverage.steps);
  out["branches"] = share(coverage.branches);
  out["options"] = share(coverage.options);
  out["outcomes"] = share(coverage.outcomes);
  out["unvisited"] = std::move(unvisited);
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sufler

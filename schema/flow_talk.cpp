#include "schema/flow_talk.h"

#include <numeric>
#include <vector>

#include "interpreter/core/happenings.h"
#include "schema/render_common.h"

namespace sufler {
namespace {

constexpr std::size_t kShownLabel = 40;

class Words {
 public:
  Words(const FlowGraph& graph, Language language) : graph_(graph), russian_(language == Language::Russian) {}

  std::string of(FlowNodeId from, const FlowEdge& edge) const {
    switch (edge.via) {
      case FlowVia::Start:
        return from == graph_.outside() ? say("the person writes to the bot", "человек пишет боту")
                                        : say("the person writes again", "человек пишет снова");
      case FlowVia::Command: return command(program().commands[edge.index]);
      case FlowVia::Fallback: return say("the person writes something else", "человек пишет что-то другое");
      case FlowVia::Scheduled:
        return from == graph_.outside()
                   ? say("the schedule ", "по расписанию ") + code(program().schedules[edge.index].name) + say(" comes due", "")
                   : say("later", "позже");
      case FlowVia::Happened:
        return say("the event ", "происходит событие ") + code(program().events->all[edge.index].name) + say(" happens", "");
      case FlowVia::OnError: return say("something fails", "происходит сбой");
      case FlowVia::Restart: return say("the dialog begins anew", "диалог начинается заново");
      case FlowVia::Resume: return say("people are done", "люди закончили");
      case FlowVia::Behind: return say("people are done", "люди закончили");
      case FlowVia::Closed: return say("outside the hours", "нерабочее время");
      case FlowVia::Outcome: return outcome(static_cast<HandoffOutcome>(edge.index));
      case FlowVia::Option:
      case FlowVia::Button: return pressed(*graph_.option_of(from, edge));
      case FlowVia::OptionOfData: return say("presses a button", "нажимает кнопку");
      default: break;
    }
    if (graph_.node(from).kind != FlowNode::Kind::Step) return {};
    if (const Question* question = graph_.question_of(from)) {
      const std::string said = of_question(*question, edge);
      if (!said.empty()) return said;
    }
    return of_step(program().step(graph_.node(from).step), edge);
  }

 private:
  const Program& program() const { return graph_.program(); }
  std::string say(const char* en, const char* ru) const { return russian_ ? ru : en; }
  static std::string code(std::string_view text) { return "`" + printable(trim(text), kShownLabel) + "`"; }

  std::string command(const Command& command) const {
    return say("the person writes ", "человек пишет ") + code(word_of(command, russian_ ? Language::Russian : Language::English));
  }
  std::string pressed(const Option& option) const {
    const std::string label = option.label.empty() ? std::string() : option.label.any_of[0].source();
    return say("presses «", "нажимает «") + printable(label, kShownLabel) + "»";
  }
  std::string holds(const Expression& condition, bool yes) const {
    const std::string shown = code(condition.source());
    if (russian_) return (yes ? "выполнено " : "не выполнено ") + shown;
    return shown + (yes ? " holds" : " does not hold");
  }
  std::string silent(Duration after) const {
    return say("is silent for ", "молчит ") + duration(after);
  }
  std::string duration(Duration time) const {
    std::string text = time.to_string();
    if (!russian_ || text.empty()) return text;
    const std::string_view latin = "smhdw";
    const char* const units[] = {"с", "м", "ч", "д", "н"};
    const std::size_t unit = latin.find(text.back());
    if (unit != latin.npos) text.replace(text.size() - 1, 1, units[unit]);
    return text;
  }
  std::string outcome(HandoffOutcome outcome) const {
    switch (outcome) {
      case HandoffOutcome::Closed: return say("people close the talk", "люди закрывают разговор");
      case HandoffOutcome::Timeout: return say("nobody answers in time", "никто не ответил вовремя");
      case HandoffOutcome::NoAgents: return say("nobody is there to answer", "отвечать некому");
      case HandoffOutcome::ClientLeft: return say("the person leaves the talk", "человек уходит из разговора");
      case HandoffOutcome::Rejected: return say("people decline the talk", "люди отклоняют разговор");
    }
    return {};
  }

  std::string of_question(const Question& question, const FlowEdge& edge) const {
    const std::string name = code(question.name);
    switch (edge.via) {
      case FlowVia::Answer: return say("answers ", "отвечает на ") + name;
      case FlowVia::Skip: return say("skips ", "пропускает ") + name;
      case FlowVia::NotAsked:
        return (question.ask_when ? holds(*question.ask_when, false) : std::string()) +
               (russian_ ? ", " + name + " не спрашивается" : ", " + name + " is not asked");
      case FlowVia::NoOptions: return say("there is nothing to choose from for ", "не из чего выбирать: ") + name;
      case FlowVia::Otherwise: {
        const std::string times = std::to_string(question.attempts);
        return russian_ ? "ошибается в " + name + " (попыток: " + times + ")"
                        : "gets " + name + " wrong (attempts: " + times + ")";
      }
      case FlowVia::Timeout:
        return question.timeout ? say("at ", "на ") + name + " " + silent(question.timeout->after) : std::string();
      default: return {};
    }
  }

  std::string of_assistant(const AssistantStep& step, const FlowEdge& edge) const {
    const Assistant& assistant = program().assistant(step.assistant);
    switch (edge.via) {
      case FlowVia::Tool: return say("the assistant calls ", "ассистент вызывает ") + code(assistant.tools[edge.index].name);
      case FlowVia::Until: return step.until ? holds(*step.until, true) : std::string();
      case FlowVia::Otherwise: return say("the assistant cannot answer", "ассистент не может ответить");
      default: return {};
    }
  }

  std::string of_step(const Step& step, const FlowEdge& edge) const {
    if (edge.via == FlowVia::WhenFails) return step.when ? holds(*step.when, false) : std::string();
    const auto* match = std::get_if<Match>(&step.verb);
    if (const auto* assistant = std::get_if<AssistantStep>(&step.verb)) return of_assistant(*assistant, edge);
    if (std::holds_alternative<Run>(step.verb))
      return edge.via == FlowVia::Otherwise ? say("the program fails", "программа не справляется") : std::string();
    if (std::holds_alternative<ReportStep>(step.verb))
      return edge.via == FlowVia::Otherwise ? say("the report cannot be made", "отчёт не составить") : std::string();
    if (std::holds_alternative<HttpStep>(step.verb))
      return edge.via == FlowVia::Otherwise ? say("the server does not answer", "сервер не отвечает") : std::string();
    if (std::holds_alternative<CrmStep>(step.verb))
      return edge.via == FlowVia::Otherwise ? say("amoCRM does not take it", "amoCRM не принимает") : std::string();
    if (std::holds_alternative<Mail>(step.verb))
      return edge.via == FlowVia::Otherwise ? say("the letter cannot be delivered", "письмо не доставить") : std::string();
    switch (edge.via) {
      case FlowVia::Then: return holds(std::get<If>(step.verb).condition, true);
      case FlowVia::Else: return holds(std::get<If>(step.verb).condition, false);
      case FlowVia::Case: {
        const Locale locale{program().language, program().zone};
        return code(match->subject.source()) + " = " + code(to_display(match->cases[edge.index].value, locale));
      }
      case FlowVia::NoCase:
        return code(match->subject.source()) + say(" is none of the cases", " не подходит ни под один случай");
      case FlowVia::Timeout: return silent(std::get<Choose>(step.verb).timeout->after);
      case FlowVia::Otherwise: return say("writes something else", "пишет что-то другое");
      case FlowVia::NoOptions: return say("there is nothing to choose from", "не из чего выбирать");
      case FlowVia::Next: break;
      default: return {};
    }
    if (const auto* wait = std::get_if<Wait>(&step.verb)) {
      return wait->duration ? say("after ", "через ") + duration(*wait->duration) : say("time passes", "проходит время");
    }
    return {};
  }

  const FlowGraph& graph_;
  bool russian_;
};

}  // namespace

std::string words_of(const FlowGraph& graph, FlowNodeId from, const FlowEdge& edge, Language language) {
  return Words(graph, language).of(from, edge);
}

std::string word_of(const Command& command, Language language) {
  if (!command.words.empty()) return command.words.front();
  if (command.means.empty()) return command.name;
  const bool russian = language == Language::Russian;
  switch (command.means.front()) {
    case Intent::Back: return russian ? "назад" : "back";
    case Intent::Restart: return russian ? "сначала" : "start over";
    case Intent::Stop: return russian ? "стоп" : "stop";
    default: return russian ? "оператор" : "operator";
  }
}

std::string talk_of(const FlowGraph& graph, std::span<const FlowMove> moves, Language language, std::size_t limit) {
  std::vector<std::string> pieces;
  bool branch_is_last = false;
  for (const FlowMove& move : moves) {
    const std::string said = words_of(graph, move.from, move.edge, language);
    if (!said.empty()) pieces.push_back(said);
    branch_is_last = branch_is_last && said.empty();
    const FlowNode& to = graph.node(move.edge.to);
    if (to.kind != FlowNode::Kind::Entry) continue;
    const BranchId branch = graph.routines()[to.routine].branch;
    if (!branch) continue;
    // Of branches that only lead on the last is told.
    if (branch_is_last) pieces.pop_back();
    pieces.push_back("`" + graph.program().branch(branch).name + "`");
    branch_is_last = true;
  }
  std::vector<std::size_t> lengths;
  for (const std::string& piece : pieces) lengths.push_back(count_code_points(piece) + 3);
  std::size_t total = std::accumulate(lengths.begin(), lengths.end(), std::size_t{0});
  // What comes first says where the person is, what comes last what went wrong: the middle can go.
  const std::size_t kept_first = 2;
  std::size_t skipped = 0;
  while (total > limit && kept_first + skipped + 2 < pieces.size()) total -= lengths[kept_first + skipped++];
  std::string talk;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (skipped > 0 && i == kept_first) {
      talk += " → …";
      i += skipped;
      if (i >= pieces.size()) break;
    }
    if (!talk.empty()) talk += " → ";
    talk += pieces[i];
  }
  return talk;
}

}  // namespace sufler

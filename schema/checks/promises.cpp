// Promises (LANGUAGE 12): each is proven, or refuted by a way that people can take.
//
// What counts as a way is told to authors in docs/*/guide.md: buttons, answers and time limits are followed, each
// condition both ways unless something before decides it. For `before … answered` commands are ways too, since a command
// leads past the questions; for `reaches` they are not, or no branch of a scenario with a menu could promise anything.
#include <algorithm>

#include "schema/checks/flow_analysis.h"
#include "schema/flow_talk.h"

namespace sufler {

void show_way(Diagnostic& problem, const FlowGraph& graph, std::span<const FlowMove> way, SourceSpan place,
              const std::string& end_en, const std::string& end_ru) {
  const auto add = [&](std::string& hint, Language language, const char* intro, const std::string& end) {
    const std::string talk = talk_of(graph, way, language);
    hint += hint.empty() ? "" : intro;
    hint += talk + (talk.empty() || end.empty() ? "" : " → ") + end + " ({" + std::to_string(problem.related.size()) + "})";
  };
  add(problem.hint_en, Language::English, "; for example: ", end_en);
  add(problem.hint_ru, Language::Russian, "; например: ", end_ru);
  problem.related.push_back({"", place});
}

namespace {

constexpr FlowNodeId kPending{1}, kNone{2}, kEnd{3}, kBack{4};

class PromiseCheck {
 public:
  explicit PromiseCheck(Loading& loading)
      : loading_(loading), program_(loading.program), flow_(flow_of(loading)), graph_(flow_.graph) {}

  void check(const Promise& promise) {
    if (promise.is_before) {
      check_before(promise);
    } else {
      check_reaches(promise);
    }
  }

 private:
  // ---- points

  /// As the step has it: `shop@example.com`, `"{{ email }}"`.
  static bool is_address(const Template& written, const std::string& name) {
    return to_lower(trim(written.source())) == to_lower(name);
  }

  bool is_meant(const Step& step, const PromisePoint& point) const {
    const auto table = [&](TableId id) { return id && program_.tables[id.value].name == point.name; };
    switch (point.verb) {
      case Word::Handoff: {
        const auto* handoff = std::get_if<HandoffStep>(&step.verb);
        return handoff && handoff->rule && program_.handoffs[handoff->rule.value].name == point.name;
      }
      case Word::Notify: {
        const auto* notify = std::get_if<Notify>(&step.verb);
        return notify && notify->role == point.name;
      }
      case Word::Mail: {
        const auto* mail = std::get_if<Mail>(&step.verb);
        return mail && std::any_of(mail->to.begin(), mail->to.end(), [&](const Template& one) { return is_address(one, point.name); });
      }
      case Word::Run: {
        const auto* run = std::get_if<Run>(&step.verb);
        return run && run->program == point.name;
      }
      case Word::Save: return std::holds_alternative<Save>(step.verb) && table(std::get<Save>(step.verb).table);
      case Word::Update: return std::holds_alternative<Update>(step.verb) && table(std::get<Update>(step.verb).table);
      case Word::Delete: return std::holds_alternative<Delete>(step.verb) && table(std::get<Delete>(step.verb).table);
      case Word::Find: return std::holds_alternative<Find>(step.verb) && table(std::get<Find>(step.verb).table);
      case Word::Count: return std::holds_alternative<Count>(step.verb) && table(std::get<Count>(step.verb).table);
      case Word::Track: {
        const auto* track = std::get_if<Track>(&step.verb);
        return track && track->event == point.name;
      }
      default: return false;
    }
  }

  /// Marks the nodes of a point; says so when there are none.
  bool mark(const PromisePoint& point, FlowMarks& marks) {
    bool any = false;
    const auto add = [&](FlowNodeId id) {
      marks[FlowGraph::value(id)] = 1;
      any = true;
    };
    if (point.kind == PromisePoint::Kind::Branch) {
      add(graph_.entry_of(point.branch));
      return true;
    }
    if (point.verb == Word::End) {
      add(kEnd);
      return true;
    }
    for (std::uint32_t i = 0; i < graph_.size(); ++i) {
      const FlowNodeId id{i};
      const FlowNode& node = graph_.node(id);
      if (node.kind != FlowNode::Kind::Step || node.routine == UINT32_MAX) continue;
      if (point.verb == Word::Ask) {
        const Question* question = graph_.question_of(id);
        if (question && question->name == point.name) add(id);
      } else if (is_meant(program_.step(node.step), point)) {
        add(id);
      }
    }
    if (!any) loading_.report(DiagnosticId::PromiseOfNothing, point.span, {point.written});
    return any;
  }

  /// Where the bot is at the end of a way: the last step on it.
  SourceSpan place_of(const FlowWay& way, SourceSpan otherwise) const {
    const auto step_of = [&](FlowNodeId id) {
      const FlowNode& node = graph_.node(id);
      return node.kind == FlowNode::Kind::Step ? program_.step(node.step).span : SourceSpan{0, 0, 0};
    };
    SourceSpan span = step_of(way.end);
    for (std::size_t i = way.moves.size(); i-- > 0 && span.length == 0;) span = step_of(way.moves[i].from);
    return span.length > 0 ? span : otherwise;
  }

  void unproven(const Promise& promise) { loading_.report(DiagnosticId::EnsureNotProven, promise.span); }

  // ---- before: …, answered: …

  void check_before(const Promise& promise) {
    FlowMarks ends(graph_.size());
    if (!mark(promise.before, ends)) return;
    for (const Located<std::string>& name : promise.answered) {
      FlowQuery query;
      query.ends = &ends;
      query.watched = name.value;
      query.only_answers = true;
      const FlowWay way = flow_.paths().find_real(query);
      if (way.verdict == FlowWay::Verdict::TooLarge) return unproven(promise);
      if (way.verdict == FlowWay::Verdict::None) continue;
      Diagnostic& problem =
          loading_.report(DiagnosticId::PromiseAnswered, name.span, {promise.before.written, name.value});
      const std::string end = "`" + promise.before.written + "`";
      show_way(problem, graph_, way.shown(), place_of(way, promise.before.span), end, end);
    }
  }

  // ---- branch: …, reaches: …

  void check_reaches(const Promise& promise) {
    FlowMarks goals(graph_.size());
    bool any = false;
    for (const PromisePoint& point : promise.reaches) any = mark(point, goals) || any;
    if (!any) return;
    const FlowNodeId begin = graph_.entry_of(promise.branch);
    if (goals[FlowGraph::value(begin)]) return;

    FlowMarks ends(graph_.size());
    ends[FlowGraph::value(kNone)] = 1;
    ends[FlowGraph::value(kEnd)] = !goals[FlowGraph::value(kEnd)];
    const FlowMarks departures = departures_of(begin, goals);
    mark_traps(begin, goals, departures, ends);

    FlowQuery query;
    query.ends = &ends;
    query.ends_outside_calls = &departures;
    query.begin = begin;
    query.stops = &goals;
    const FlowWay way = flow_.paths().find_real(query);
    if (way.verdict == FlowWay::Verdict::TooLarge) return unproven(promise);
    if (way.verdict == FlowWay::Verdict::None) return;
    report(promise, way);
  }

  void report(const Promise& promise, const FlowWay& way) {
    std::string list;
    for (const PromisePoint& point : promise.reaches) list += (list.empty() ? "" : "`, `") + point.written;
    const std::string& branch = program_.branch(promise.branch).name;
    Diagnostic& problem = loading_.report(DiagnosticId::PromiseReaches, promise.branch_span, {branch, list});
    const FlowNode& end = graph_.node(way.end);
    std::string en = "the talk is over", ru = "разговор окончен";
    if (end.kind == FlowNode::Kind::Step) {
      const bool departed = end.routine < program_.branches.size();
      const std::string place = departed ? program_.branches[end.routine].name : program_.step(end.step).place;
      en = "the bot waits in `" + place + "`";
      ru = "бот ждёт в `" + place + "`";
    }
    show_way(problem, graph_, way.shown(), place_of(way, promise.branch_span), en, ru);
  }

  /// Places outside of the branch to which a person comes back without having got anywhere: where one could have rested
  /// before the branch, and from where one may come to it again. Not those from which every way leads there.
  FlowMarks departures_of(FlowNodeId begin, const FlowMarks& goals) const {
    FlowMarks departures(graph_.size()), entry(graph_.size());
    if (!program_.start) return departures;
    entry[FlowGraph::value(begin)] = 1;
    const FlowMarks earlier = flow_.reach.behind({graph_.entry_of(program_.start)}, &entry);
    const FlowMarks leading = flow_.reach.before(entry, false, &goals);
    FlowMarks good = goals;
    good[FlowGraph::value(begin)] = 1;
    const FlowMarks certain = flow_.reach.always(good);
    for (std::uint32_t i = 0; i < departures.size(); ++i)
      departures[i] = earlier[i] && leading[i] && !certain[i] && !goals[i] && graph_.rests(FlowNodeId{i});
    return departures;
  }

  /// Rests from which neither a goal nor any end of a way can be reached: circles that nobody leaves.
  void mark_traps(FlowNodeId begin, const FlowMarks& goals, const FlowMarks& departures, FlowMarks& ends) const {
    FlowMarks led = ends;
    for (std::uint32_t i = 0; i < led.size(); ++i) led[i] = led[i] || goals[i] || departures[i];
    for (const FlowNodeId neutral : {kPending, kBack}) led[FlowGraph::value(neutral)] = 1;
    // To begin anew helps where the branch can get anywhere at all.
    led[FlowGraph::value(begin)] = flow_.reach.before(led)[FlowGraph::value(begin)];
    const FlowMarks leads_on = flow_.reach.before(led);
    for (std::uint32_t i = 0; i < ends.size(); ++i)
      if (!leads_on[i] && graph_.rests(FlowNodeId{i})) ends[i] = 1;
  }

  Loading& loading_;
  const Program& program_;
  FlowAnalysis& flow_;
  const FlowGraph& graph_;
};

}  // namespace

void check_promises(Loading& loading) {
  if (loading.promises.empty() || !loading.flow_is_known || !loading.questions_are_known ||
      loading.diagnostics.has_errors()) {
    return;
  }
  PromiseCheck check(loading);
  for (const Promise& promise : loading.promises) check.check(promise);
}

}  // namespace sufler

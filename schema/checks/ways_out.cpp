// Where people and the bot get stuck: silence that nothing ends, menus that nobody comes back from, and circles without a
// wait that a condition leads into.
#include <algorithm>
#include <deque>
#include <utility>

#include "schema/checks/flow_analysis.h"

namespace sufler {
namespace {

constexpr FlowNodeId kPending{1}, kNone{2}, kEnd{3}, kBack{4};

class WaysOutCheck {
 public:
  explicit WaysOutCheck(Loading& loading)
      : loading_(loading), program_(loading.program), flow_(flow_of(loading)), graph_(flow_.graph) {}

  void check() {
    check_silence();
    check_menus();
    check_circles();
  }

 private:
  const Step* step_of(FlowNodeId id) const {
    const FlowNode& node = graph_.node(id);
    return node.kind == FlowNode::Kind::Step ? &program_.step(node.step) : nullptr;
  }
  template <class Verb>
  const Verb* verb_of(FlowNodeId id) const {
    const Step* step = step_of(id);
    return step ? std::get_if<Verb>(&step->verb) : nullptr;
  }

  // ---- silence

  void check_silence() {
    std::vector<std::uint8_t> told(program_.handoffs.size());
    for (std::uint32_t i = 0; i < graph_.size(); ++i) {
      const auto* handoff = verb_of<HandoffStep>(FlowNodeId{i});
      if (!handoff || !handoff->rule || told[handoff->rule.value]) continue;
      const HandoffRule& rule = program_.handoffs[handoff->rule.value];
      if (rule.mode != HandoffRule::Mode::Silent) continue;
      const auto edges = graph_.edges(FlowNodeId{i});
      const bool ends = std::any_of(edges.begin(), edges.end(), [](const FlowEdge& edge) {
        return edge.via == FlowVia::Resume;
      });
      if (ends) continue;
      told[handoff->rule.value] = 1;
      hint(loading_, loading_.report(DiagnosticId::EndlessSilence, rule.span, {rule.name}),
           "say what ends it, for example `%resume%: {%words%: [/bot], %after%: 12h}`",
           "напишите, что его вернёт, например `%resume%: {%words%: [/bot], %after%: 12ч}`");
    }
  }

  // ---- menus without a way back

  /// Whether some command, that everybody has, takes a person out of the circle.
  bool command_leads_out(const FlowMarks& circle) const {
    return std::any_of(program_.commands.begin(), program_.commands.end(), [&](const Command& command) {
      if (!command.role.empty()) return false;
      if (command.action != Command::Action::Target) return command.action != Command::Action::Resume;
      return command.target.go && !circle[FlowGraph::value(graph_.entry_of(command.target.go))];
    });
  }

  void check_menus() {
    FlowMarks out(graph_.size());
    for (const FlowNodeId id : {kPending, kNone, kEnd, kBack}) out[FlowGraph::value(id)] = 1;
    const FlowMarks leads_out = flow_.reach.before(out);
    if (std::find(leads_out.begin(), leads_out.end(), std::uint8_t{0}) == leads_out.end()) return;
    const std::vector<std::uint32_t> component = flow_.reach.components();
    FlowMarks told(graph_.size());
    int looked_at = 0;
    // A button that leads from where people come and go to where they only go round.
    for (std::uint32_t i = 0; i < graph_.size(); ++i) {
      const FlowNodeId menu{i};
      if (!verb_of<Choose>(menu)) continue;
      const auto edges = graph_.edges(menu);
      const bool comes_back = std::any_of(edges.begin(), edges.end(), [&](const FlowEdge& edge) {
        return edge.via == FlowVia::Option && component[FlowGraph::value(edge.to)] == component[i];
      });
      for (const FlowEdge& edge : edges) {
        const std::uint32_t to = FlowGraph::value(edge.to);
        if (!comes_back || edge.via != FlowVia::Option || leads_out[to] || told[to] || component[to] == component[i])
          continue;
        if (++looked_at > 50) return;
        report_circle(flow_.reach.behind({edge.to}), told);
      }
    }
  }

  void report_circle(const FlowMarks& circle, FlowMarks& told) {
    const bool fresh = std::none_of(told.begin(), told.end(), [](std::uint8_t one) { return one != 0; });
    bool known = false;
    for (std::uint32_t i = 0; i < circle.size() && !fresh; ++i) known = known || (circle[i] && told[i]);
    for (std::uint32_t i = 0; i < circle.size(); ++i) told[i] = told[i] || circle[i];
    if (known || command_leads_out(circle)) return;
    for (std::uint32_t i = 0; i < circle.size(); ++i) {
      if (!circle[i] || !verb_of<Choose>(FlowNodeId{i})) continue;
      const FlowNode& node = graph_.node(FlowNodeId{i});
      const bool in_branch = node.routine < program_.branches.size();
      const std::string where = in_branch ? program_.branches[node.routine].name : program_.step(node.step).place;
      hint(loading_, loading_.report(DiagnosticId::NoWayBack, program_.step(node.step).span, {where}),
           "add a button that leads back, or a command for everybody: `menu: {%on%: [/menu, menu], %go%: …}`",
           "добавьте кнопку, которая ведёт назад, или команду для всех: `menu: {%on%: [/menu, меню], %go%: …}`");
      return;
    }
  }

  // ---- circles without a wait

  bool changes_a_condition(const Step& step) const {
    const auto* set = std::get_if<Set>(&step.verb);
    return set && std::any_of(set->assignments.begin(), set->assignments.end(), [&](const Assignment& one) {
             return one.path.size() != 1 || flow_.facts().may_ask_about(one.path[0]);
           });
  }

  // What has chance in it may come out otherwise the next time.
  static bool is_fixed(const Expression& condition) { return condition.source().find('(') == std::string::npos; }
  static bool is_fixed(const std::optional<Expression>& condition) { return !condition || is_fixed(*condition); }

  /// Whether some way through the node goes on at once and changes nothing that a condition could ask about. Of steps that
  /// wait for a person it is the way on which nobody is asked, of jobs the one on which they fail: a result may be
  /// another each time.
  bool passes_unchanged(FlowNodeId id) const {
    const FlowNode& node = graph_.node(id);
    if (node.kind == FlowNode::Kind::Entry || node.kind == FlowNode::Kind::Call) return true;
    const Step* step = step_of(id);
    if (!step || node.routine == UINT32_MAX || !is_fixed(step->when)) return false;
    if (changes_a_condition(*step)) return false;
    return std::visit(
        [&](const auto& verb) {
          using V = std::decay_t<decltype(verb)>;
          if constexpr (std::is_same_v<V, If>) {
            return is_fixed(verb.condition);
          } else if constexpr (std::is_same_v<V, Match>) {
            return is_fixed(verb.subject);
          } else if constexpr (std::is_same_v<V, Find> || std::is_same_v<V, Count>) {
            return is_fixed(verb.where);  // nobody changes the table meanwhile
          } else if constexpr (std::is_same_v<V, Wait>) {
            return verb.duration && verb.duration->ms == 0;
          } else if constexpr (std::is_same_v<V, Ask>) {
            const Question* question = graph_.question_of(id);
            return question && is_fixed(question->ask_when);
          } else if constexpr (std::is_same_v<V, AssistantStep>) {
            return verb.task != AssistantStep::Task::Talk;
          } else {
            return !std::is_same_v<V, Save> && !std::is_same_v<V, Update> && !std::is_same_v<V, Delete> &&
                   !std::is_same_v<V, For> && !std::is_same_v<V, Restart> && !std::is_same_v<V, HandoffStep>;
          }
        },
        step->verb);
  }

  /// Behind steps that only say things; nothing when there are others among them.
  std::optional<FlowNodeId> behind_plain(BlockId block, FlowNodeId behind) const {
    if (!block) return behind;
    for (const StepId id : program_.block(block).steps) {
      const Step& step = program_.step(id);
      if (step.when) return std::nullopt;
      if (const auto* go = std::get_if<Go>(&step.verb)) {
        if (!go->branch) return std::nullopt;
        return graph_.entry_of(go->branch);
      }
      if (!std::holds_alternative<Say>(step.verb) && !std::holds_alternative<Notify>(step.verb) &&
          !std::holds_alternative<Log>(step.verb) && !std::holds_alternative<Track>(step.verb))
        return std::nullopt;
    }
    return behind;
  }

  /// Whether the edge is a way on that waits for nothing, and which one it becomes.
  std::optional<FlowEdge> at_once(FlowNodeId from, FlowEdge edge) const {
    if (edge.via == FlowVia::WhenFails) return edge;
    if (!FlowGraph::is_flow(edge.via) || edge.via == FlowVia::Call) return std::nullopt;
    const auto through = [&](BlockId block) -> std::optional<FlowEdge> {
      const auto to = behind_plain(block, edge.to);
      if (to) edge.to = *to;
      return to ? std::optional(edge) : std::nullopt;
    };
    if (edge.via == FlowVia::Called) {
      const FlowRoutine* called = graph_.called_by(from);
      return called ? through(called->block) : std::nullopt;
    }
    if (const auto* choose = verb_of<Choose>(from)) {
      // Of options that each have a `when` it is not known whether all of them can fail.
      if (edge.via != FlowVia::NoOptions || !choose->buttons.from) return std::nullopt;
      if (!choose->otherwise.steps) return edge;
      // In the graph these steps lead back to the choice, which is the way of wrong words.
      const auto edges = graph_.edges(from);
      const auto on = std::find_if(edges.begin(), edges.end(), [](const FlowEdge& one) { return one.via == FlowVia::OptionOfData; });
      if (on == edges.end()) return std::nullopt;
      edge.to = on->to;
      return through(choose->otherwise.steps);
    }
    if (const Question* question = graph_.question_of(from)) {
      const bool unasked = edge.via == FlowVia::NotAsked || (edge.via == FlowVia::NoOptions && question->buttons.from);
      return unasked ? std::optional(edge) : std::nullopt;
    }
    if (verb_of<Run>(from) || verb_of<HttpStep>(from) || verb_of<CrmStep>(from) || verb_of<AssistantStep>(from))
      return edge.via == FlowVia::Otherwise ? std::optional(edge) : std::nullopt;
    return edge;
  }

  void check_circles() {
    // Nodes that nothing leads to within the rest are taken away until only circles, and what is behind them, remain.
    const std::size_t count = graph_.size();
    FlowMarks inside(count);
    std::vector<std::uint32_t> incoming(count), open;
    for (std::uint32_t i = 0; i < count; ++i) inside[i] = passes_unchanged(FlowNodeId{i});
    const auto each_next = [&](std::uint32_t node, auto visit) {
      for (const FlowEdge& one : graph_.edges(FlowNodeId{node}))
        if (const auto edge = at_once(FlowNodeId{node}, one); edge && inside[FlowGraph::value(edge->to)])
          visit(FlowGraph::value(edge->to));
    };
    for (std::uint32_t i = 0; i < count; ++i)
      if (inside[i]) each_next(i, [&](std::uint32_t to) { ++incoming[to]; });
    for (std::uint32_t i = 0; i < count; ++i)
      if (inside[i] && incoming[i] == 0) open.push_back(i);
    while (!open.empty()) {
      const std::uint32_t node = open.back();
      open.pop_back();
      each_next(node, [&](std::uint32_t to) {
        if (--incoming[to] == 0) open.push_back(to);
      });
      inside[node] = 0;
    }
    std::size_t budget = 50'000;
    FlowMarks told(count);
    for (std::uint32_t i = 0; i < count && budget > 0; ++i)
      if (inside[i] && !told[i]) look_for_circle(FlowNodeId{i}, inside, told, budget);
  }

  struct Looked {
    FlowNodeId node{};
    FlowFacts::Id facts = 0;
    std::size_t parent = 0;
    FlowVia via = FlowVia::Next;  ///< that led here
  };

  /// A way from the node to itself whose conditions do not contradict each other.
  void look_for_circle(FlowNodeId begin, const FlowMarks& inside, FlowMarks& told, std::size_t& budget) {
    std::vector<Looked> looked{{begin, flow_.facts().nothing(), 0}};
    std::unordered_set<std::uint64_t> seen;
    for (std::size_t at = 0; at < looked.size() && budget > 0; ++at, --budget) {
      const Looked from = looked[at];
      for (const FlowEdge& one : graph_.edges(from.node)) {
        const auto edge = at_once(from.node, one);
        if (!edge) continue;
        const std::uint32_t to = FlowGraph::value(edge->to);
        if (!inside[to] || told[to]) continue;
        const auto facts = flow_.facts().follow(from.facts, from.node, *edge);
        if (!facts) continue;
        if (edge->to == begin) return report_endless(looked, at, edge->via, told);
        if (seen.insert(std::uint64_t{*facts} << 32 | to).second) looked.push_back({edge->to, *facts, at, edge->via});
      }
    }
    told[FlowGraph::value(begin)] = 1;  // on no circle that can be
  }

  void report_endless(const std::vector<Looked>& looked, std::size_t at, FlowVia last, FlowMarks& told) {
    std::vector<std::pair<FlowNodeId, FlowVia>> circle;  // with the way on
    for (FlowVia on = last;; on = looked[at].via, at = looked[at].parent) {
      circle.push_back({looked[at].node, on});
      if (at == 0) break;
    }
    std::reverse(circle.begin(), circle.end());
    std::string branches, first;
    const Step *condition = nullptr, *unsure = nullptr, *fails = nullptr;
    bool sets = false, looks_up = false;
    for (const auto& [id, on] : circle) {
      told[FlowGraph::value(id)] = 1;
      const FlowNode& node = graph_.node(id);
      if (node.kind == FlowNode::Kind::Entry && node.routine < program_.branches.size()) {
        const std::string name = "`" + program_.branches[node.routine].name + "`";
        if (first.empty()) first = name;
        branches += name + " → ";
      }
      const Step* step = step_of(id);
      if (!step) continue;
      const bool asks = step->when || std::holds_alternative<If>(step->verb) || std::holds_alternative<Match>(step->verb);
      if (asks && !condition) condition = step;
      if (on == FlowVia::WhenFails) continue;
      sets = sets || std::holds_alternative<Set>(step->verb);
      looks_up = looks_up || on == FlowVia::NoOptions || std::holds_alternative<Find>(step->verb) || std::holds_alternative<Count>(step->verb);
      const bool waits = std::holds_alternative<Choose>(step->verb) || std::holds_alternative<Ask>(step->verb) ||
                         std::holds_alternative<Wait>(step->verb);
      if (waits && !unsure) unsure = step;
      if (on == FlowVia::Otherwise && !fails) fails = step;
    }
    // What is set may be what is looked for, and the next time something is found.
    if (first.empty() || (sets && looks_up)) return;
    if (fails) {
      hint(loading_, loading_.report(DiagnosticId::FailingCircle, fails->span, {branches + first}),
           "let it wait before it tries again: a `%choose%`, an `%ask%` or a `%wait%`; or lead elsewhere",
           "пусть перед новой попыткой он подождёт: `%choose%`, `%ask%` или `%wait%`; или ведите в другое место");
    } else if (unsure) {
      hint(loading_, loading_.report(DiagnosticId::MayNotWait, unsure->span, {branches + first}),
           "lead elsewhere when there is nothing to ask, or let it wait on the way: a `%choose%` or an `%ask%` that is always shown, a `%wait%`",
           "ведите в другое место, когда спрашивать не о чем, или пусть бот подождёт по пути: `%choose%` или `%ask%`, которые видны всегда, `%wait%`");
    } else if (condition) {
      hint(loading_, loading_.report(DiagnosticId::PerhapsEndless, condition->span, {branches + first}),
           "let it wait somewhere, with `%choose%`, `%ask%` or `%wait%`, or change what it asks about",
           "дайте ему где-то подождать, `%choose%`, `%ask%` или `%wait%`, или измените то, о чём он спрашивает");
    }
  }

  Loading& loading_;
  const Program& program_;
  FlowAnalysis& flow_;
  const FlowGraph& graph_;
};

}  // namespace

void check_ways_out(Loading& loading) {
  if (!loading.flow_is_known || !loading.questions_are_known || loading.diagnostics.has_errors()) return;
  if (!loading.program.branches.empty()) WaysOutCheck(loading).check();
}

}  // namespace sufler

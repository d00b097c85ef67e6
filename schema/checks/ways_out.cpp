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

  /// Whether a way through the node goes on at once and changes nothing that a condition could ask about.
  bool passes_unchanged(FlowNodeId id) const {
    const FlowNode& node = graph_.node(id);
    if (node.kind == FlowNode::Kind::Entry) return true;
    const Step* step = step_of(id);
    if (!step || node.routine == UINT32_MAX || graph_.rests(id)) return false;
    // A program may give another result each time.
    const bool changes = changes_a_condition(*step) || std::holds_alternative<Save>(step->verb) ||
                         std::holds_alternative<Find>(step->verb) || std::holds_alternative<Count>(step->verb) ||
                         std::holds_alternative<Call>(step->verb) || std::holds_alternative<For>(step->verb) ||
                         std::holds_alternative<Run>(step->verb) || std::holds_alternative<ReportStep>(step->verb) ||
                         std::holds_alternative<Restart>(step->verb);
    // What has chance in it may come out otherwise the next time.
    const auto is_fixed = [](const Expression& condition) { return condition.source().find('(') == std::string::npos; };
    if (changes || (step->when && !is_fixed(*step->when))) return false;
    if (const auto* condition = std::get_if<If>(&step->verb)) return is_fixed(condition->condition);
    if (const auto* match = std::get_if<Match>(&step->verb)) return is_fixed(match->subject);
    return true;
  }

  static bool goes_at_once(FlowVia via) { return FlowGraph::is_flow(via) && via != FlowVia::Call; }

  void check_circles() {
    // Nodes that nothing leads to within the rest are taken away until only circles, and what is behind them, remain.
    const std::size_t count = graph_.size();
    FlowMarks inside(count);
    std::vector<std::uint32_t> incoming(count), open;
    for (std::uint32_t i = 0; i < count; ++i) inside[i] = passes_unchanged(FlowNodeId{i});
    const auto each_next = [&](std::uint32_t node, auto visit) {
      for (const FlowEdge& edge : graph_.edges(FlowNodeId{node}))
        if (goes_at_once(edge.via) && inside[FlowGraph::value(edge.to)]) visit(FlowGraph::value(edge.to));
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
  };

  /// A way from the node to itself whose conditions do not contradict each other.
  void look_for_circle(FlowNodeId begin, const FlowMarks& inside, FlowMarks& told, std::size_t& budget) {
    std::vector<Looked> looked{{begin, flow_.facts().nothing(), 0}};
    std::unordered_set<std::uint64_t> seen;
    for (std::size_t at = 0; at < looked.size() && budget > 0; ++at, --budget) {
      const Looked from = looked[at];
      for (const FlowEdge& edge : graph_.edges(from.node)) {
        const std::uint32_t to = FlowGraph::value(edge.to);
        if (!goes_at_once(edge.via) || !inside[to] || told[to]) continue;
        const auto facts = flow_.facts().follow(from.facts, from.node, edge);
        if (!facts) continue;
        if (edge.to == begin) return report_endless(looked, at, told);
        if (seen.insert(std::uint64_t{*facts} << 32 | to).second) looked.push_back({edge.to, *facts, at});
      }
    }
    told[FlowGraph::value(begin)] = 1;  // on no circle that can be
  }

  void report_endless(const std::vector<Looked>& looked, std::size_t at, FlowMarks& told) {
    std::vector<FlowNodeId> circle;
    for (;; at = looked[at].parent) {
      circle.push_back(looked[at].node);
      if (at == 0) break;
    }
    std::reverse(circle.begin(), circle.end());
    std::string branches, first;
    const Step* condition = nullptr;
    for (const FlowNodeId id : circle) {
      told[FlowGraph::value(id)] = 1;
      const FlowNode& node = graph_.node(id);
      if (node.kind == FlowNode::Kind::Entry && node.routine < program_.branches.size()) {
        const std::string name = "`" + program_.branches[node.routine].name + "`";
        if (first.empty()) first = name;
        branches += name + " → ";
      }
      const Step* step = step_of(id);
      const bool asks = step && (step->when || std::holds_alternative<If>(step->verb) || std::holds_alternative<Match>(step->verb));
      if (asks && !condition) condition = step;
    }
    if (!condition || first.empty()) return;
    hint(loading_, loading_.report(DiagnosticId::PerhapsEndless, condition->span, {branches + first}),
         "let it wait somewhere, with `%choose%`, `%ask%` or `%wait%`, or change what it asks about",
         "дайте ему где-то подождать, `%choose%`, `%ask%` или `%wait%`, или измените то, о чём он спрашивает");
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

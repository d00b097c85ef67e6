// The search goes breadth first over states: a node, the calls that it stands in, the facts that hold, whether the
// watched variable has a value, and whether the node to begin behind was passed. What cannot lead to an end is left out,
// and so are calls that neither can nor change anything that matters.
#include "schema/flow_paths.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace sufler {
namespace {

constexpr FlowNodeId kNone{2};
constexpr std::uint32_t kMaxDepth = 50;  // LANGUAGE 14
/// With facts a state costs more, and whatever can be decided mostly is by then.
constexpr std::size_t kMostFacts = 200'000;

bool names(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

/// Calls `visit(name)` for each variable that leaving the node by the edge sets.
template <class Visit>
void each_set(const FlowGraph& graph, FlowNodeId from, Visit visit) {
  const FlowNode& node = graph.node(from);
  if (node.kind != FlowNode::Kind::Step) return;
  const auto options = [&](const Buttons& buttons) {
    for (const Option& option : buttons.options)
      for (const Assignment& one : option.set) visit(one.path);
  };
  const auto name = [&](const std::string& one) {
    if (!one.empty()) visit(std::vector<std::string>{one});
  };
  if (const Question* question = graph.question_of(from)) {
    name(question->name);
    options(question->buttons);
    return;
  }
  const auto& verb = graph.program().step(node.step).verb;
  if (const auto* set = std::get_if<Set>(&verb))
    for (const Assignment& one : set->assignments) visit(one.path);
  if (const auto* choose = std::get_if<Choose>(&verb)) {
    name(choose->into);
    options(choose->buttons);
  }
  if (const auto* save = std::get_if<Save>(&verb)) name(save->into);
  if (const auto* find = std::get_if<Find>(&verb)) name(find->into);
  if (const auto* count = std::get_if<Count>(&verb)) name(count->into);
  if (const ServiceStep* service = service_of(graph.program().step(node.step))) name(service->into);
  if (const auto* assistant = std::get_if<AssistantStep>(&verb)) {
    name(assistant->into);
    for (const QuestionId field : assistant->fields) name(graph.program().question(field).name);
  }
  if (const auto* call = std::get_if<Call>(&verb)) name(call->into);
}

}  // namespace

// ---- FlowReach

FlowReach::FlowReach(const FlowGraph& graph) : graph_(graph) {
  const std::size_t count = graph.size();
  callers_.resize(graph.routines().size());
  top_.assign(graph.routines().size(), 0);
  std::vector<std::pair<std::uint32_t, Backward>> all;
  const auto add = [&](FlowNodeId from, FlowNodeId to, FlowVia via) {
    all.push_back({FlowGraph::value(to), {from, via}});
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    const FlowNodeId from{i};
    std::optional<FlowNodeId> behind, leave;
    for (const FlowEdge& edge : graph.edges(from)) {
      add(from, edge.to, edge.via);
      const FlowNode& to = graph.node(edge.to);
      if (edge.via == FlowVia::Called) behind = edge.to;
      if (edge.via == FlowVia::Call) {
        callers_[to.routine].push_back(from);
        leave = graph.routines()[to.routine].leave;
      } else if (to.kind == FlowNode::Kind::Entry) {
        top_[to.routine] = 1;
      }
    }
    // Out of the routine and behind its call; a `Called` of its own, to be told apart.
    if (behind && leave) add(*leave, *behind, FlowVia::Done);
  }
  for (const FlowRoutine& routine : graph.routines()) add(routine.leave, kNone, FlowVia::Done);
  if (graph.program().start) add(kNone, graph.entry_of(graph.program().start), FlowVia::Start);
  first_.assign(count + 1, 0);
  for (const auto& [to, edge] : all) ++first_[to + 1];
  for (std::size_t i = 0; i < count; ++i) first_[i + 1] += first_[i];
  backward_.resize(all.size());
  std::vector<std::uint32_t> at(first_.begin(), first_.end() - 1);
  for (const auto& [to, edge] : all) backward_[at[to]++] = edge;
  find_leaving();
}

FlowMarks FlowReach::before(const FlowMarks& marked, bool within, const FlowMarks* stop) const {
  FlowMarks seen = marked;
  std::vector<std::uint32_t> open;
  for (std::uint32_t i = 0; i < seen.size(); ++i)
    if (seen[i]) open.push_back(i);
  while (!open.empty()) {
    const std::uint32_t to = open.back();
    open.pop_back();
    for (std::uint32_t i = first_[to]; i < first_[to + 1]; ++i) {
      const Backward& edge = backward_[i];
      const std::uint32_t from = FlowGraph::value(edge.from);
      const bool leaves = graph_.node(edge.from).kind == FlowNode::Kind::Leave;
      if (seen[from] || (within && leaves) || (stop && (*stop)[from])) continue;
      if (edge.via == FlowVia::Called) {
        const FlowRoutine* called = graph_.called_by(edge.from);
        const bool comes_back = !called || leaves_[graph_.node(called->entry).routine];
        if (!comes_back) continue;
      }
      seen[from] = 1;
      open.push_back(from);
    }
  }
  return seen;
}

template <class Visit>
void FlowReach::each_behind(FlowNodeId at, Visit visit) const {
  const FlowNode& node = graph_.node(at);
  if (node.kind == FlowNode::Kind::Leave && top_[node.routine]) visit(kNone);
  if (at == kNone && graph_.program().start) visit(graph_.entry_of(graph_.program().start));
  for (const FlowEdge& edge : graph_.edges(at)) {
    if (edge.via == FlowVia::Called) {
      const FlowRoutine* called = graph_.called_by(at);
      if (called && !leaves_[graph_.node(called->entry).routine]) continue;
    }
    visit(edge.to);
  }
}

FlowMarks FlowReach::behind(const std::vector<FlowNodeId>& from, const FlowMarks* stop) const {
  FlowMarks seen(graph_.size());
  std::vector<FlowNodeId> open;
  const auto reach = [&](FlowNodeId id) {
    if (!std::exchange(seen[FlowGraph::value(id)], std::uint8_t{1})) open.push_back(id);
  };
  for (const FlowNodeId id : from) reach(id);
  while (!open.empty()) {
    const FlowNodeId at = open.back();
    open.pop_back();
    if (!stop || !(*stop)[FlowGraph::value(at)]) each_behind(at, reach);
  }
  return seen;
}

// Tarjan's algorithm, with a stack of its own: a chain of branches may be as long as the scenario.
std::vector<std::uint32_t> FlowReach::components() const {
  constexpr std::uint32_t kNew = UINT32_MAX;
  const std::size_t count = graph_.size();
  std::vector<std::uint32_t> component(count, kNew), order(count, kNew), low(count);
  std::vector<std::uint32_t> path, trail, next, next_first;  // what is still to be visited from each node of `path`
  std::uint32_t numbered = 0, components = 0;
  const auto enter = [&](std::uint32_t node) {
    order[node] = low[node] = numbered++;
    path.push_back(node);
    trail.push_back(node);
    next_first.push_back(static_cast<std::uint32_t>(next.size()));
    each_behind(FlowNodeId{node}, [&](FlowNodeId to) { next.push_back(FlowGraph::value(to)); });
  };
  for (std::uint32_t root = 0; root < count; ++root) {
    if (order[root] != kNew) continue;
    enter(root);
    while (!path.empty()) {
      const std::uint32_t node = path.back();
      if (next.size() > next_first.back()) {
        const std::uint32_t to = next.back();
        next.pop_back();
        if (order[to] == kNew) {
          enter(to);
        } else if (component[to] == kNew) {
          low[node] = std::min(low[node], order[to]);
        }
        continue;
      }
      path.pop_back();
      next_first.pop_back();
      if (!path.empty()) low[path.back()] = std::min(low[path.back()], low[node]);
      if (low[node] != order[node]) continue;
      for (;;) {
        const std::uint32_t one = trail.back();
        trail.pop_back();
        component[one] = components;
        if (one == node) break;
      }
      ++components;
    }
  }
  return component;
}

FlowMarks FlowReach::always(const FlowMarks& goals) const {
  FlowMarks certain = goals;
  std::vector<std::uint32_t> missing(graph_.size()), open;
  const auto counts = [&](const FlowNode& node, FlowVia via, FlowNodeId from) {
    if (node.kind == FlowNode::Kind::Leave || node.kind == FlowNode::Kind::None || !FlowGraph::is_flow(via)) return false;
    if (via != FlowVia::Called) return true;
    const FlowRoutine* called = graph_.called_by(from);
    return !called || leaves_[graph_.node(called->entry).routine] != 0;
  };
  for (std::uint32_t i = 0; i < graph_.size(); ++i) {
    const FlowNodeId id{i};
    const FlowNode& node = graph_.node(id);
    for (const FlowEdge& edge : graph_.edges(id)) missing[i] += counts(node, edge.via, id);
    using Kind = FlowNode::Kind;
    const bool neutral = node.kind == Kind::Back || node.kind == Kind::Pending ||
                         (node.kind == Kind::Leave && !top_[node.routine]);
    if (neutral) certain[i] = 1;
    if (certain[i]) open.push_back(i);
  }
  while (!open.empty()) {
    const std::uint32_t to = open.back();
    open.pop_back();
    for (std::uint32_t i = first_[to]; i < first_[to + 1]; ++i) {
      const Backward& edge = backward_[i];
      const std::uint32_t from = FlowGraph::value(edge.from);
      if (certain[from] || !counts(graph_.node(edge.from), edge.via, edge.from)) continue;
      if (--missing[from] > 0) continue;
      certain[from] = 1;
      open.push_back(from);
    }
  }
  return certain;
}

void FlowReach::find_leaving() {
  leaves_.assign(graph_.routines().size(), 0);
  FlowMarks seen(graph_.size());
  std::vector<FlowNodeId> open;
  const auto reach = [&](FlowNodeId id) {
    if (!std::exchange(seen[FlowGraph::value(id)], std::uint8_t{1})) open.push_back(id);
  };
  for (const FlowRoutine& routine : graph_.routines()) reach(routine.leave);
  while (!open.empty()) {
    const FlowNodeId to = open.back();
    open.pop_back();
    const FlowNode& node = graph_.node(to);
    if (node.kind == FlowNode::Kind::Entry) {
      // Whoever calls it comes back if what is behind the call leads out.
      leaves_[node.routine] = 1;
      for (const FlowNodeId caller : callers_[node.routine])
        for (const FlowEdge& edge : graph_.edges(caller))
          if (edge.via == FlowVia::Called && seen[FlowGraph::value(edge.to)]) reach(caller);
      continue;  // a jump to it leads out of nothing
    }
    for (std::uint32_t i = first_[FlowGraph::value(to)]; i < first_[FlowGraph::value(to) + 1]; ++i) {
      const Backward& edge = backward_[i];
      if (graph_.node(edge.from).kind == FlowNode::Kind::Leave || !FlowGraph::is_flow(edge.via)) continue;
      if (edge.via == FlowVia::Called) {
        const FlowRoutine* called = graph_.called_by(edge.from);
        if (called && !leaves_[graph_.node(called->entry).routine]) continue;
      }
      reach(edge.from);
    }
  }
}

// ---- the search

class FlowSearch {
 public:
  FlowSearch(FlowPaths& paths, const FlowQuery& query)
      : paths_(paths), graph_(paths.graph_), program_(graph_.program()), facts_(paths.facts_), query_(query) {}

  FlowWay run() {
    prepare();
    FlowWay way;
    State first;
    first.node = graph_.outside();
    first.facts = query_.with_facts ? facts_.fresh() : facts_.nothing();
    first.unset = !query_.watched.empty();
    first.passed = !query_.begin;
    visit(first, kNobody, {});
    for (std::uint32_t at = 0; at < records_.size(); ++at) {
      if (records_.size() + facts_seen_ > query_.limit) {
        way.verdict = FlowWay::Verdict::TooLarge;
        return way;
      }
      if (is_end(records_[at].state)) return found(at);
      expand(at);
    }
    return way;
  }

 private:
  static constexpr std::uint32_t kNobody = UINT32_MAX;

  struct State {
    FlowNodeId node{};
    std::uint32_t stack = 0;
    FlowFacts::Id facts = 0;
    bool unset = false, passed = false;
    bool operator==(const State&) const = default;
  };
  struct HashState {
    std::size_t operator()(const State& state) const {
      std::uint64_t hash = FlowGraph::value(state.node);
      hash = hash * 0x9e3779b97f4a7c15ull + state.stack;
      hash = hash * 0x9e3779b97f4a7c15ull + state.facts * 4ull + state.unset * 2ull + state.passed;
      return static_cast<std::size_t>(hash ^ (hash >> 29));
    }
  };
  struct Record {
    State state;
    std::uint32_t parent = kNobody;
    FlowEdge edge;
  };
  /// A call that was entered: where it comes back to.
  struct Cell {
    std::uint32_t below = 0, depth = 0;
    FlowNodeId call{}, behind{};
  };

  void prepare() {
    FlowMarks ends = *query_.ends;
    for (std::size_t i = 0; query_.ends_outside_calls && i < ends.size(); ++i)
      ends[i] = ends[i] || (*query_.ends_outside_calls)[i];
    // What is a goal, too, can be left when its `when` does not hold.
    useful_ = paths_.reach_.before(ends, false);
    inner_ = paths_.reach_.before(ends, true);
    if (query_.begin) {
      FlowMarks begin(graph_.size());
      begin[FlowGraph::value(*query_.begin)] = 1;
      useful_first_ = paths_.reach_.before(begin);
      inner_first_ = paths_.reach_.before(begin, true);
    }
    matters_ = query_.with_facts ? paths_.changes_facts_ : FlowMarks(graph_.routines().size());
    if (const auto found = paths_.setters_.find(query_.watched); found != paths_.setters_.end()) {
      const FlowMarks setting = paths_.with_callers(found->second);
      for (std::size_t i = 0; i < matters_.size(); ++i) matters_[i] = matters_[i] || setting[i];
    }
    if (query_.with_facts) paths_.find_live();
    if (query_.with_facts || !query_.watched.empty()) find_commands();
  }

  /// What commands do while something waits. Without facts a jump is the same as one from outside.
  void find_commands() {
    for (std::uint32_t i = 0; i < program_.commands.size(); ++i) {
      const Command& command = program_.commands[i];
      if (command.action == Command::Action::Restart && program_.start)
        commands_.push_back({graph_.entry_of(program_.start), i, true, FlowVia::Restart});
      if (command.action != Command::Action::Target) continue;
      if (command.target.go) commands_.push_back({graph_.entry_of(command.target.go), i, true, FlowVia::Command});
      if (command.target.call) commands_.push_back({graph_.entry_of(command.target.call), i, false, FlowVia::Command});
    }
    if (program_.fallback) commands_.push_back({graph_.entry_of(program_.fallback), 0, false, FlowVia::Fallback});
    if (!query_.with_facts) {
      std::erase_if(commands_, [&](const Interruption& one) {
        return one.jumps || !matters_[graph_.node(one.entry).routine];
      });
    }
    const FlowMarks& marks = query_.begin ? useful_first_ : useful_;
    commands_lead_on_ = std::any_of(commands_.begin(), commands_.end(), [&](const Interruption& one) {
      return marks[FlowGraph::value(one.entry)] || (!one.jumps && matters_[graph_.node(one.entry).routine]);
    });
  }

  bool is_useful(FlowNodeId node, bool passed) const {
    if (passed) return useful_[FlowGraph::value(node)] || (commands_lead_on_ && !query_.begin);
    return useful_first_[FlowGraph::value(node)] || commands_lead_on_;
  }
  bool must_enter(const FlowNode& entry, FlowNodeId id, bool passed) const {
    return (passed ? inner_ : inner_first_)[FlowGraph::value(id)] || matters_[entry.routine];
  }

  bool is_end(const State& state) {
    if (!state.passed) return false;
    const bool outside = query_.ends_outside_calls && (*query_.ends_outside_calls)[FlowGraph::value(state.node)];
    if (!(*query_.ends)[FlowGraph::value(state.node)] && !(outside && state.stack == 0)) return false;
    if (!query_.watched.empty() && !state.unset) return false;
    return !query_.with_facts || facts_.played(state.facts, state.node);
  }

  FlowWay found(std::uint32_t at) const {
    FlowWay way;
    way.verdict = FlowWay::Verdict::Found;
    way.end = records_[at].state.node;
    std::size_t shown = 0;
    while (records_[at].parent != kNobody) {
      const std::uint32_t parent = records_[at].parent;
      way.moves.push_back({records_[parent].state.node, records_[at].edge});
      shown += records_[parent].state.passed;
      at = parent;
    }
    std::reverse(way.moves.begin(), way.moves.end());
    way.first = way.moves.size() - shown;
    return way;
  }

  void visit(State state, std::uint32_t parent, const FlowEdge& edge) {
    const bool begins = query_.begin && state.node == *query_.begin;
    if (begins && state.passed) return;  // entered anew: that is a way of its own
    if (begins) state.passed = true;
    if (parent != kNobody && !is_useful(state.node, state.passed)) return;
    if (query_.with_facts) {
      state.facts = facts_.keep(state.facts, [&](std::uint32_t subject) { return paths_.is_live(subject, state.node); });
    }
    if (!seen_.emplace(state, static_cast<std::uint32_t>(records_.size())).second) return;
    records_.push_back({state, parent, edge});
    if (query_.with_facts) facts_seen_ += 2 * facts_.size_of(state.facts) + 4;
  }

  std::uint32_t push(std::uint32_t below, FlowNodeId call, FlowNodeId behind) {
    const auto [found, fresh] = cell_ids_.emplace(
        std::tuple(below, FlowGraph::value(call), FlowGraph::value(behind)), static_cast<std::uint32_t>(cells_.size()));
    if (fresh) cells_.push_back({below, cells_[below].depth + 1, call, behind});
    return found->second;
  }

  // ---- the watched variable

  bool sets_watched(const std::vector<Assignment>& assignments, bool& unset) const {
    for (const Assignment& one : assignments) {
      if (one.path.size() != 1 || one.path[0] != query_.watched) continue;
      const auto constant = one.value.constant();
      unset = constant && constant->is_null();
      return true;
    }
    return false;
  }

  bool unset_behind(const State& state, const FlowEdge& edge) const {
    bool unset = state.unset;
    if (query_.watched.empty()) return unset;
    if (edge.via == FlowVia::Restart) return true;
    if (edge.via == FlowVia::WhenFails) return unset;
    const FlowNode& node = graph_.node(state.node);
    if (node.kind != FlowNode::Kind::Step) return unset;
    if (const Question* question = graph_.question_of(state.node)) {
      if (edge.via == FlowVia::Option && sets_watched(graph_.option_of(state.node, edge)->set, unset)) return unset;
      if (question->name != query_.watched) return unset;
      switch (edge.via) {
        case FlowVia::Answer: return false;
        case FlowVia::Skip: return query_.only_answers && !question->default_value;
        case FlowVia::NotAsked:
        case FlowVia::NoOptions: return !question->default_value;
        case FlowVia::Otherwise:
        case FlowVia::Timeout: return true;
        case FlowVia::Option: {
          const Option& option = *graph_.option_of(state.node, edge);
          return question->type == QuestionType::Choice || option.value ? false : unset;
        }
        default: return unset;
      }
    }
    const auto& verb = program_.step(node.step).verb;
    if (const auto* set = std::get_if<Set>(&verb)) sets_watched(set->assignments, unset);
    if (const auto* choose = std::get_if<Choose>(&verb)) {
      if (edge.via == FlowVia::OptionOfData && choose->into == query_.watched) return false;
      if (edge.via == FlowVia::Option) {
        if (choose->into == query_.watched) return false;
        sets_watched(choose->buttons.options[edge.index].set, unset);
      }
    }
    const auto into = [&](const auto* one) { unset = unset && !(one && one->into == query_.watched); };
    into(std::get_if<Save>(&verb));
    into(std::get_if<Find>(&verb));
    into(std::get_if<Count>(&verb));
    into(service_of(program_.step(node.step)));
    into(std::get_if<AssistantStep>(&verb));
    if (query_.only_answers && paths_.may_give_nothing(state.node, edge, query_.watched)) return true;
    if (const auto* assistant = std::get_if<AssistantStep>(&verb))
      for (const QuestionId field : assistant->fields) unset = unset && program_.question(field).name != query_.watched;
    return unset;
  }

  // ---- moves

  void expand(std::uint32_t at) {
    const State state = records_[at].state;
    const FlowNode& node = graph_.node(state.node);
    if (state.passed && query_.stops && (*query_.stops)[FlowGraph::value(state.node)]) {
      pass_over(at);
      return;
    }
    switch (node.kind) {
      case FlowNode::Kind::Pending:
      case FlowNode::Kind::End:
      case FlowNode::Kind::Back: return;
      case FlowNode::Kind::Outside: return begin(at);
      case FlowNode::Kind::None: return say_something(at);
      case FlowNode::Kind::Leave: return leave(at);
      default: break;
    }
    const bool silent = ends_calls(node);
    for (const FlowEdge& edge : graph_.edges(state.node)) move(at, edge, silent);
    if (!commands_.empty() && !(query_.begin && state.passed) && graph_.rests(state.node) && !silent) command(at);
  }

  /// A goal with a `when` that does not hold.
  void pass_over(std::uint32_t at) {
    for (const FlowEdge& edge : graph_.edges(records_[at].state.node))
      if (edge.via == FlowVia::WhenFails) move(at, edge, false);
  }

  bool ends_calls(const FlowNode& node) const {
    if (node.kind != FlowNode::Kind::Step) return false;
    const auto* handoff = std::get_if<HandoffStep>(&program_.step(node.step).verb);
    return handoff && handoff->rule && program_.handoffs[handoff->rule.value].mode == HandoffRule::Mode::Silent;
  }

  void begin(std::uint32_t at) {
    for (const FlowEdge& edge : graph_.edges(graph_.outside())) {
      if (edge.via == FlowVia::Moved) continue;  // dialogs of another version
      State next = records_[at].state;
      next.node = edge.to;
      if (edge.via == FlowVia::OnError || edge.via == FlowVia::Woken || edge.via == FlowVia::Scheduled ||
          edge.via == FlowVia::Happened) {
        next.facts = facts_.nothing();
        if (query_.with_facts && next.unset) next.facts = facts_.without(next.facts, query_.watched);
      }
      std::optional<State> without;
      if (edge.via == FlowVia::Command) take_arguments(program_.commands[edge.index], next, without);
      visit(next, at, edge);
      if (without) visit(*without, at, edge);
    }
  }

  /// The state when all of them are given; `without` is the one when the person left the watched one out.
  void take_arguments(const Command& command, State& state, std::optional<State>& without) {
    if (query_.with_facts) state.facts = facts_.command(state.facts, command);
    if (!names(command.args, query_.watched)) return;
    if (query_.only_answers) {
      without = state;
      without->unset = true;
      if (query_.with_facts) without->facts = facts_.without(state.facts, query_.watched);
    }
    state.unset = false;
  }

  /// At `none` any message begins anew, with the answers kept.
  void say_something(std::uint32_t at) {
    if (!program_.start) return;
    State next = records_[at].state;
    const FlowEdge edge{graph_.entry_of(program_.start), FlowVia::Start, 0};
    next.node = edge.to;
    visit(next, at, edge);
  }

  void leave(std::uint32_t at) {
    State next = records_[at].state;
    FlowEdge edge{kNone, FlowVia::Done, 0};
    if (next.stack != 0) {
      const Cell& cell = cells_[next.stack];
      edge.to = cell.behind;
      next.stack = cell.below;
      come_back(next, cell.call);
    }
    next.node = edge.to;
    visit(next, at, edge);
  }

  /// What a call keeps `into`.
  void come_back(State& state, FlowNodeId id) {
    if (query_.with_facts) state.facts = facts_.called(state.facts, id);
    const FlowNode& call = graph_.node(id);
    if (call.kind != FlowNode::Kind::Step) return;
    const auto* verb = std::get_if<Call>(&program_.step(call.step).verb);
    if (!verb || verb->into != query_.watched || query_.watched.empty()) return;
    state.unset = query_.only_answers && paths_.may_return_nothing(id, query_.watched);
    if (state.unset && query_.with_facts) state.facts = facts_.without(state.facts, query_.watched);
  }

  void move(std::uint32_t at, const FlowEdge& edge, bool ends_calls) {
    State next = records_[at].state;
    const FlowNodeId from = next.node;
    const FlowNode& to = graph_.node(edge.to);
    if (query_.with_facts) {
      const auto facts = facts_.follow(next.facts, from, edge);
      if (!facts) return;
      next.facts = *facts;
    }
    next.unset = unset_behind(next, edge);
    if (query_.with_facts && query_.only_answers && edge.via != FlowVia::Called && paths_.may_give_nothing(from, edge, query_.watched))
      next.facts = facts_.without(next.facts, query_.watched);
    if (edge.via == FlowVia::Called) {
      // Entered and left, unless nothing in there matters.
      const FlowRoutine* called = graph_.called_by(from);
      const FlowNode& entry = graph_.node(called->entry);
      if (must_enter(entry, called->entry, next.passed) || !paths_.reach_.leaves(entry.routine)) return;
      come_back(next, from);
    }
    if (edge.via == FlowVia::Call) {
      if (cells_[next.stack].depth >= kMaxDepth || !must_enter(to, edge.to, next.passed)) return;
      next.stack = push(next.stack, from, behind_call(from));
    } else if (to.kind == FlowNode::Kind::Entry || ends_calls || !FlowGraph::is_flow(edge.via)) {
      next.stack = 0;
    }
    if (edge.via == FlowVia::Button && std::holds_alternative<Notify>(program_.step(graph_.node(from).step).verb)) {
      // Pressed by others, in dialogs of their own.
      next.facts = query_.with_facts ? facts_.fresh() : facts_.nothing();
      next.unset = !query_.watched.empty();
    }
    next.node = edge.to;
    visit(next, at, edge);
  }

  FlowNodeId behind_call(FlowNodeId call) const {
    for (const FlowEdge& edge : graph_.edges(call))
      if (edge.via == FlowVia::Called) return edge.to;
    return kNone;
  }

  struct Interruption {
    FlowNodeId entry{};
    std::uint32_t command = 0;
    bool jumps = false;
    FlowVia via = FlowVia::Command;
  };

  void command(std::uint32_t at) {
    for (const Interruption& one : commands_) {
      State next = records_[at].state;
      const FlowNodeId rest = next.node;
      const FlowEdge edge{one.entry, one.via == FlowVia::Restart ? FlowVia::Command : one.via, one.command};
      std::optional<State> without;
      if (one.via == FlowVia::Restart) {
        next.facts = facts_.fresh();
        next.unset = !query_.watched.empty();
      } else if (one.via == FlowVia::Command) {
        take_arguments(program_.commands[one.command], next, without);
      }
      if (one.jumps) {
        next.stack = 0;
      } else {
        const FlowNode& entry = graph_.node(one.entry);
        if (cells_[next.stack].depth >= kMaxDepth || !must_enter(entry, one.entry, next.passed)) continue;
        next.stack = push(next.stack, rest, rest);
      }
      next.node = one.entry;
      visit(next, at, edge);
      if (!without) continue;
      without->node = next.node;
      without->stack = next.stack;
      visit(*without, at, edge);
    }
  }

  FlowPaths& paths_;
  const FlowGraph& graph_;
  const Program& program_;
  FlowFacts& facts_;
  const FlowQuery& query_;
  FlowMarks useful_, inner_;              ///< behind `begin`: what can lead to an end, without leaving its routine
  FlowMarks useful_first_, inner_first_;  ///< before it: what can lead to it
  FlowMarks matters_;                     ///< by routine
  std::vector<Interruption> commands_;
  bool commands_lead_on_ = false;         ///< from wherever the dialog rests
  std::vector<Record> records_;
  std::size_t facts_seen_ = 0;
  std::unordered_map<State, std::uint32_t, HashState> seen_;
  std::vector<Cell> cells_{Cell{}};
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::uint32_t> cell_ids_;
};

// ---- FlowPaths

FlowPaths::FlowPaths(const FlowGraph& graph, const FlowReach& reach, FlowFacts& facts)
    : graph_(graph), reach_(reach), facts_(facts) {
  collect_setters();
}

void FlowPaths::collect_setters() {
  std::vector<std::uint32_t> asked_about;
  for (std::uint32_t i = 0; i < graph_.size(); ++i) {
    const std::uint32_t routine = graph_.node(FlowNodeId{i}).routine;
    if (routine == UINT32_MAX) continue;
    each_set(graph_, FlowNodeId{i}, [&](const std::vector<std::string>& path) {
      std::vector<std::uint32_t>& of = setters_[path[0]];
      if (of.empty() || of.back() != routine) of.push_back(routine);
      const std::string variable = path.size() > 1 && path[0] == "user" ? path[0] + "." + path[1] : path[0];
      if (facts_.asks_about(variable)) asked_about.push_back(routine);
    });
  }
  changes_facts_ = with_callers(asked_about);
}

FlowMarks FlowPaths::with_callers(const std::vector<std::uint32_t>& routines) const {
  FlowMarks seen(graph_.routines().size());
  std::vector<std::uint32_t> open;
  const auto reach = [&](std::uint32_t routine) {
    if (!std::exchange(seen[routine], std::uint8_t{1})) open.push_back(routine);
  };
  for (const std::uint32_t routine : routines) reach(routine);
  while (!open.empty()) {
    const std::uint32_t routine = open.back();
    open.pop_back();
    for (const FlowNodeId caller : reach_.callers()[routine])
      if (graph_.node(caller).routine != UINT32_MAX) reach(graph_.node(caller).routine);
  }
  return seen;
}

void FlowPaths::find_live() {
  const std::size_t count = graph_.size();
  if (std::exchange(live_is_found_, true) || facts_.subjects() * count > 200'000'000) return;
  std::vector<std::vector<std::uint32_t>> asked(facts_.subjects()), set(facts_.subjects());
  std::vector<std::uint32_t> rests;
  for (std::uint32_t i = 0; i < count; ++i) {
    for (const std::uint32_t subject : facts_.asked_at(FlowNodeId{i})) asked[subject].push_back(i);
    for (const std::uint32_t subject : facts_.set_at(FlowNodeId{i})) set[subject].push_back(i);
    if (graph_.rests(FlowNodeId{i})) rests.push_back(i);
  }
  live_.assign(facts_.subjects() * count, false);
  FlowMarks seen(count), sets(count);
  for (std::uint32_t subject = 0; subject < facts_.subjects(); ++subject) {
    std::fill(seen.begin(), seen.end(), std::uint8_t{0});
    for (const std::uint32_t node : set[subject]) sets[node] = 1;
    std::vector<std::uint32_t> open;
    const auto reach = [&](std::uint32_t node) {
      if (!std::exchange(seen[node], std::uint8_t{1})) open.push_back(node);
    };
    for (const std::uint32_t node : asked[subject]) reach(node);
    bool by_command = false;
    while (!open.empty()) {
      const std::uint32_t to = open.back();
      open.pop_back();
      reach_.each_before(FlowNodeId{to}, [&](FlowNodeId from, FlowVia via) {
        by_command = by_command || via == FlowVia::Command || via == FlowVia::Fallback;
        if (!sets[FlowGraph::value(from)] || via == FlowVia::WhenFails) reach(FlowGraph::value(from));
      });
      // A command may come in wherever the dialog rests.
      if (open.empty() && by_command)
        for (const std::uint32_t rest : rests) reach(rest);
    }
    for (std::uint32_t i = 0; i < count; ++i)
      if (seen[i]) live_[std::size_t{subject} * count + i] = true;
    for (const std::uint32_t node : set[subject]) sets[node] = 0;
  }
}

FlowWay FlowPaths::find(const FlowQuery& query) { return FlowSearch(*this, query).run(); }

FlowWay FlowPaths::find_real(FlowQuery query) {
  query.with_facts = false;
  FlowWay way = find(query);
  if (way.verdict != FlowWay::Verdict::Found || holds_together(way, query)) return way;
  query.with_facts = true;
  query.limit = std::min(query.limit, kMostFacts);
  return find(query);
}

bool FlowPaths::may_return_nothing(FlowNodeId call, std::string_view name) const {
  const FlowNode& node = graph_.node(call);
  if (name.empty() || node.kind != FlowNode::Kind::Step) return false;
  const auto* verb = std::get_if<Call>(&graph_.program().step(node.step).verb);
  if (!verb || verb->into != name || !verb->branch) return false;
  const FlowMarks reached = reach_.behind({graph_.entry_of(verb->branch)});
  bool nothing = false;
  reach_.each_before(graph_.leave_of(verb->branch), [&](FlowNodeId from, FlowVia via) {
    const FlowNode& last = graph_.node(from);
    if (last.kind != FlowNode::Kind::Step && last.kind != FlowNode::Kind::Entry && last.kind != FlowNode::Kind::Call) return;
    if (!reached[FlowGraph::value(from)]) return;
    const auto* step = last.kind == FlowNode::Kind::Step ? &graph_.program().step(last.step) : nullptr;
    const auto* back = step && via != FlowVia::WhenFails ? std::get_if<Return>(&step->verb) : nullptr;
    const auto constant = back && back->value ? back->value->constant() : std::nullopt;
    nothing = nothing || !back || !back->value || (constant && constant->is_null());
  });
  return nothing;
}

bool FlowPaths::may_give_nothing(FlowNodeId from, const FlowEdge& edge, std::string_view name) const {
  if (name.empty() || edge.via == FlowVia::WhenFails) return false;
  if (edge.via == FlowVia::Called) return may_return_nothing(from, name);
  const FlowNode& node = graph_.node(from);
  if (node.kind != FlowNode::Kind::Step) return false;
  const Program& program = graph_.program();
  const auto* assistant = std::get_if<AssistantStep>(&program.step(node.step).verb);
  if (!assistant) return false;
  const bool field = std::any_of(assistant->fields.begin(), assistant->fields.end(),
                                 [&](QuestionId id) { return program.question(id).name == name; });
  // Without `otherwise` it goes on with nothing.
  const bool fails_on = edge.via == FlowVia::Otherwise || !(assistant->otherwise || program.assistant(assistant->assistant).otherwise);
  return field || (assistant->into == name && !name.empty() && fails_on);
}

/// Whether the facts along a way do not contradict each other. Says no when it cannot tell.
bool FlowPaths::holds_together(const FlowWay& way, const FlowQuery& query) {
  const std::string& watched = query.watched;
  FlowFacts::Id facts = facts_.fresh();
  std::vector<FlowNodeId> calls;
  for (const FlowMove& move : way.moves) {
    if (move.from == graph_.outside()) {
      if (move.edge.via == FlowVia::OnError || move.edge.via == FlowVia::Woken || move.edge.via == FlowVia::Scheduled ||
          move.edge.via == FlowVia::Happened)
        facts = watched.empty() ? facts_.nothing() : facts_.without(facts_.nothing(), watched);
      if (move.edge.via == FlowVia::Command) {
        const Command& command = graph_.program().commands[move.edge.index];
        facts = facts_.command(facts, command);
        if (query.only_answers && names(command.args, watched)) facts = facts_.without(facts, watched);
      }
      continue;
    }
    if (move.edge.via == FlowVia::Call || move.edge.via == FlowVia::Command || move.edge.via == FlowVia::Fallback) {
      calls.push_back(move.from);
    } else if (graph_.node(move.edge.to).kind == FlowNode::Kind::Entry) {
      calls.clear();
    }
    if (graph_.node(move.from).kind == FlowNode::Kind::Leave && !calls.empty()) {
      if (query.only_answers && may_return_nothing(calls.back(), watched)) facts = facts_.without(facts, watched);
      calls.pop_back();
      continue;
    }
    if (move.edge.via == FlowVia::Called) {
      const FlowRoutine* called = graph_.called_by(move.from);
      if (called && changes_facts_[graph_.node(called->entry).routine]) return false;
    }
    const FlowNode& node = graph_.node(move.from);
    const bool of_others = move.edge.via == FlowVia::Button && node.kind == FlowNode::Kind::Step &&
                           std::holds_alternative<Notify>(graph_.program().step(node.step).verb);
    const auto next = facts_.follow(facts, move.from, move.edge);
    if (!next) return false;
    facts = of_others ? facts_.fresh() : *next;
    if (query.only_answers && may_give_nothing(move.from, move.edge, watched)) facts = facts_.without(facts, watched);
  }
  return facts_.played(facts, way.end).has_value();
}

}  // namespace sufler

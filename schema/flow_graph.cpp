// One pass over the steps of each routine, from its beginning; what a step leads on to is handed down to the lists
// inside it. Edges are noted in the order of discovery and sorted by node at the end.
#include "schema/flow_graph.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "interpreter/core/crm_handoff.h"
#include "interpreter/core/happenings.h"

namespace sufler {

namespace {
constexpr FlowNodeId kOutside{0}, kPending{1}, kNone{2}, kEnd{3}, kBack{4};
}  // namespace

class FlowGraphBuilder {
 public:
  FlowGraphBuilder(FlowGraph& graph, const Program& program) : graph_(graph), program_(program) {}

  void build() {
    make_nodes();
    for (std::uint32_t i = 0; i < graph_.routines_.size(); ++i) walk_routine(i);
    come_from_outside();
    sort_edges();
  }

 private:
  // ---- nodes

  FlowNodeId add(FlowNode::Kind kind, std::uint32_t routine = UINT32_MAX, StepId step = {}, std::uint32_t question = 0) {
    graph_.nodes_.push_back({kind, routine, step, question});
    return FlowNodeId{static_cast<std::uint32_t>(graph_.nodes_.size() - 1)};
  }

  void make_nodes() {
    using Kind = FlowNode::Kind;
    for (const Kind kind : {Kind::Outside, Kind::Pending, Kind::None, Kind::End, Kind::Back}) add(kind);
    graph_.routines_.reserve(program_.branches.size());
    for (std::uint32_t i = 0; i < program_.branches.size(); ++i)
      add_routine({BranchId{i}, {}, program_.branches[i].block});
    graph_.step_node_.reserve(program_.steps.size());
    graph_.nodes_.reserve(graph_.nodes_.size() + program_.steps.size() * 2);
    for (std::uint32_t i = 0; i < program_.steps.size(); ++i) {
      graph_.step_node_.push_back(static_cast<std::uint32_t>(graph_.nodes_.size()));
      std::size_t rows = 1;
      if (const auto* ask = std::get_if<Ask>(&program_.steps[i].verb)) rows = std::max(rows, ask->questions.size());
      for (std::uint32_t row = 0; row < rows; ++row) add(Kind::Step, UINT32_MAX, StepId{i}, row);
    }
    routine_of_block_.assign(program_.blocks.size(), UINT32_MAX);
    for (std::uint32_t i = 0; i < program_.questions.size(); ++i) {
      const Question& question = program_.questions[i];
      const auto own = [&](const Target& target) {
        if (target.steps && routine_of_block_[target.steps.value] == UINT32_MAX)
          routine_of_block_[target.steps.value] = add_routine({{}, QuestionId{i}, target.steps});
      };
      own(question.otherwise);
      if (question.timeout) own(question.timeout->target);
      for (const Option& option : question.buttons.options) own(option.target);
    }
    for (const Assistant& assistant : program_.assistants) {
      const BlockId steps = assistant.otherwise.steps;
      if (steps && routine_of_block_[steps.value] == UINT32_MAX) routine_of_block_[steps.value] = add_routine({{}, {}, steps});
    }
  }

  std::uint32_t add_routine(FlowRoutine routine) {
    const auto index = static_cast<std::uint32_t>(graph_.routines_.size());
    routine.entry = add(FlowNode::Kind::Entry, index);
    routine.leave = add(FlowNode::Kind::Leave, index);
    graph_.routines_.push_back(routine);
    return index;
  }

  // ---- edges

  void link(FlowNodeId from, FlowNodeId to, FlowVia via, std::uint32_t index = 0) {
    from_.push_back(FlowGraph::value(from));
    graph_.edges_.push_back({to, via, index});
  }

  FlowNodeId first_of(BlockId block, FlowNodeId behind) const {
    if (!block) return behind;
    const std::vector<StepId>& steps = program_.block(block).steps;
    return steps.empty() ? behind : graph_.node_of(steps[0]);
  }

  /// A node that calls a routine and goes on `behind`.
  FlowNodeId call(StepId step, std::uint32_t routine, FlowNodeId behind) {
    const FlowNodeId node = add(FlowNode::Kind::Call, routine_, step);
    link(node, graph_.routines_[routine].entry, FlowVia::Call);
    link(node, behind, FlowVia::Called);
    return node;
  }

  /// Where a target leads, when what is behind it is `behind`.
  FlowNodeId aim(const Target& target, StepId step, FlowNodeId behind) {
    if (target.go) return graph_.entry_of(target.go);
    if (target.call) return call(step, target.call.value, behind);
    if (!target.steps) return behind;
    const std::uint32_t routine = routine_of_block_[target.steps.value];
    if (routine != UINT32_MAX) return call(step, routine, behind);
    walk_block(target.steps, behind);
    return first_of(target.steps, behind);
  }

  void walk_routine(std::uint32_t index) {
    routine_ = index;
    const FlowRoutine routine = graph_.routines_[index];
    leave_ = routine.leave;
    link(routine.entry, first_of(routine.block, routine.leave), FlowVia::Next);
    walk_block(routine.block, routine.leave);
  }

  void walk_block(BlockId block, FlowNodeId behind) {
    if (!block) return;
    const std::vector<StepId>& steps = program_.block(block).steps;
    for (std::size_t i = 0; i < steps.size(); ++i)
      walk_step(steps[i], i + 1 < steps.size() ? graph_.node_of(steps[i + 1]) : behind);
  }

  void walk_step(StepId id, FlowNodeId behind) {
    const Step& step = program_.step(id);
    const FlowNodeId node = graph_.node_of(id);
    graph_.nodes_[FlowGraph::value(node)].routine = routine_;
    std::visit([&](const auto& verb) { walk_verb(verb, id, node, behind); }, step.verb);
    if (step.when) link(node, behind, FlowVia::WhenFails);
  }

  template <class Verb>
  void walk_verb(const Verb& verb, StepId id, FlowNodeId node, FlowNodeId behind) {
    link(node, behind, FlowVia::Next);
    if constexpr (std::is_base_of_v<ServiceStep, Verb>)
      if (verb.on_error) link(node, aim(verb.on_error, id, behind), FlowVia::Otherwise);
  }
  void walk_verb(const Say& say, StepId id, FlowNodeId node, FlowNodeId behind) {
    if (say.buttons) offer(say.buttons->options, id, node);
    link(node, behind, FlowVia::Next);
  }
  void walk_verb(const Notify& notify, StepId id, FlowNodeId node, FlowNodeId behind) {
    if (notify.buttons) offer(notify.buttons->options, id, node);
    link(node, behind, FlowVia::Next);
  }
  void offer(const std::vector<Option>& options, StepId id, FlowNodeId node) {
    for (std::uint32_t i = 0; i < options.size(); ++i)
      if (options[i].target) link(node, aim(options[i].target, id, kPending), FlowVia::Button, i);
  }

  void walk_verb(const ScheduleStep& schedule, StepId id, FlowNodeId node, FlowNodeId behind) {
    if (schedule.branch) link(node, call(id, schedule.branch.value, kPending), FlowVia::Scheduled);
    link(node, behind, FlowVia::Next);
  }

  void walk_verb(const BroadcastStep& broadcast, StepId id, FlowNodeId node, FlowNodeId behind) {
    if (broadcast.branch) link(node, call(id, broadcast.branch.value, kPending), FlowVia::Scheduled);
    link(node, behind, FlowVia::Next);
  }

  void walk_verb(const Choose& choose, StepId id, FlowNodeId node, FlowNodeId behind) {
    const std::vector<Option>& options = choose.buttons.options;
    bool always = false;
    for (std::uint32_t i = 0; i < options.size(); ++i) {
      always = always || !options[i].when;
      if (!options[i].url) link(node, aim(options[i].target, id, behind), FlowVia::Option, i);
    }
    if (choose.buttons.from) link(node, behind, FlowVia::OptionOfData);
    if (choose.otherwise) link(node, aim(choose.otherwise, id, node), FlowVia::Otherwise);
    if (!always) {
      // The same steps, which then go on behind the choice; steps of its own are said once, with their way back.
      link(node, choose.otherwise.steps ? first_of(choose.otherwise.steps, behind) : aim(choose.otherwise, id, behind),
           FlowVia::NoOptions);
    }
    if (choose.timeout) link(node, aim(choose.timeout->target, id, behind), FlowVia::Timeout);
  }

  void walk_verb(const Ask& ask, StepId id, FlowNodeId first, FlowNodeId behind) {
    if (ask.questions.empty()) link(first, behind, FlowVia::Next);
    for (std::uint32_t row = 0; row < ask.questions.size(); ++row) {
      const FlowNodeId node = graph_.node_of(id, row);
      graph_.nodes_[FlowGraph::value(node)].routine = routine_;
      const FlowNodeId next = row + 1 < ask.questions.size() ? graph_.node_of(id, row + 1) : behind;
      if (!ask.questions[row]) {
        link(node, next, FlowVia::Answer);
        continue;
      }
      walk_question(program_.question(ask.questions[row]), id, node, next);
    }
  }

  void walk_question(const Question& question, StepId id, FlowNodeId node, FlowNodeId next) {
    const std::vector<Option>& options = question.buttons.options;
    const bool choice = question.type == QuestionType::Choice;
    bool others = !choice || question.buttons.from, always = false;
    for (std::uint32_t i = 0; i < options.size(); ++i) {
      always = always || !options[i].when;
      if (options[i].url) continue;
      if (options[i].target || !options[i].set.empty()) {
        link(node, aim(options[i].target, id, next), FlowVia::Option, i);
      } else {
        others = true;
      }
    }
    if (others || options.empty()) link(node, next, FlowVia::Answer);
    if (question.optional) link(node, next, FlowVia::Skip);
    if (question.ask_when) link(node, next, FlowVia::NotAsked);
    if (question.otherwise && question.attempts > 0) link(node, aim(question.otherwise, id, next), FlowVia::Otherwise);
    if ((choice || question.type == QuestionType::Choices) && !always)
      link(node, aim(question.otherwise, id, next), FlowVia::NoOptions);
    if (question.timeout) link(node, aim(question.timeout->target, id, next), FlowVia::Timeout);
  }

  void walk_verb(const If& verb, StepId id, FlowNodeId node, FlowNodeId behind) {
    link(node, aim(verb.then_target, id, behind), FlowVia::Then);
    link(node, aim(verb.else_target, id, behind), FlowVia::Else);
  }
  void walk_verb(const Match& verb, StepId id, FlowNodeId node, FlowNodeId behind) {
    for (std::uint32_t i = 0; i < verb.cases.size(); ++i)
      link(node, aim(verb.cases[i].target, id, behind), FlowVia::Case, i);
    link(node, aim(verb.otherwise, id, behind), FlowVia::NoCase);
  }
  void walk_verb(const For& verb, StepId, FlowNodeId node, FlowNodeId behind) {
    if (verb.body && !program_.block(verb.body).steps.empty()) {
      walk_block(verb.body, node);
      link(node, first_of(verb.body, node), FlowVia::Each);
    }
    link(node, behind, FlowVia::Done);
  }
  void walk_verb(const Go& verb, StepId, FlowNodeId node, FlowNodeId behind) {
    link(node, verb.branch ? graph_.entry_of(verb.branch) : behind, FlowVia::Go);
  }
  void walk_verb(const Call& verb, StepId, FlowNodeId node, FlowNodeId behind) {
    if (verb.branch) link(node, graph_.entry_of(verb.branch), FlowVia::Call);
    link(node, behind, verb.branch ? FlowVia::Called : FlowVia::Next);
  }
  void walk_verb(const Return&, StepId, FlowNodeId node, FlowNodeId) { link(node, leave_, FlowVia::Next); }
  void walk_verb(const Back&, StepId, FlowNodeId node, FlowNodeId) { link(node, kBack, FlowVia::Next); }
  void walk_verb(const End&, StepId, FlowNodeId node, FlowNodeId) { link(node, kEnd, FlowVia::Next); }
  void walk_verb(const Restart&, StepId, FlowNodeId node, FlowNodeId) {
    if (program_.start) link(node, graph_.entry_of(program_.start), FlowVia::Restart);
  }

  void walk_verb(const Mail& verb, StepId id, FlowNodeId node, FlowNodeId behind) {
    link(node, behind, FlowVia::Next);
    if (verb.on_error) link(node, aim(verb.on_error, id, behind), FlowVia::Otherwise);
  }
  void walk_verb(const AssistantStep& verb, StepId id, FlowNodeId node, FlowNodeId behind) {
    const Assistant& assistant = program_.assistant(verb.assistant);
    if (verb.task == AssistantStep::Task::Talk) {
      for (std::uint32_t i = 0; i < assistant.tools.size(); ++i)
        if (assistant.tools[i].branch) link(node, call(id, assistant.tools[i].branch.value, node), FlowVia::Tool, i);
      if (verb.until) link(node, behind, FlowVia::Until);
    } else {
      link(node, behind, FlowVia::Next);
    }
    const Target& otherwise = verb.otherwise ? verb.otherwise : assistant.otherwise;
    if (otherwise && verb.task != AssistantStep::Task::Forget) link(node, aim(otherwise, id, behind), FlowVia::Otherwise);
  }

  void walk_verb(const HandoffStep& verb, StepId id, FlowNodeId node, FlowNodeId behind) {
    if (!verb.rule) {
      link(node, behind, FlowVia::Next);
      return;
    }
    const HandoffRule& rule = program_.handoffs[verb.rule.value];
    const bool relays = rule.mode == HandoffRule::Mode::Relay;
    bool goes_behind = false;
    for (std::uint32_t i = 0; i < kHandoffOutcomes; ++i) {
      const bool timeout = static_cast<HandoffOutcome>(i) == HandoffOutcome::Timeout;
      if (relays && timeout && !rule.queue_timeout && !rule.close_idle) continue;
      if (verb.outcomes[i]) {
        link(node, aim(verb.outcomes[i], id, relays ? behind : kNone), FlowVia::Outcome, i);
      } else {
        goes_behind = goes_behind || relays;
      }
    }
    if (goes_behind) link(node, behind, FlowVia::Behind);
    if (relays && rule.hours && rule.hours->otherwise)
      link(node, graph_.entry_of(rule.hours->otherwise), FlowVia::Closed);
    if (!relays) link_resume(node, rule, FlowVia::Resume);
  }
  void link_resume(FlowNodeId node, const HandoffRule& rule, FlowVia via) {
    if (rule.mode != HandoffRule::Mode::Silent) return;
    const bool ends = !rule.user_words.empty() || !rule.staff_words.empty() || rule.resume_after || command_resumes_ ||
                      (rule.crm && (!rule.crm->wakes_at.empty() || rule.crm->wakes_when_closed));
    const BranchId to = rule.resume_go ? rule.resume_go : program_.start;
    if (ends && to) link(node, graph_.entry_of(to), via);
  }

  // ---- outside

  void come_from_outside() {
    routine_ = UINT32_MAX;
    if (program_.start) link(kOutside, graph_.entry_of(program_.start), FlowVia::Start);
    for (std::uint32_t i = 0; i < program_.commands.size(); ++i) {
      const Command& command = program_.commands[i];
      switch (command.action) {
        case Command::Action::Back: link(kOutside, kBack, FlowVia::Command, i); break;
        case Command::Action::End: link(kOutside, kEnd, FlowVia::Command, i); break;
        case Command::Action::Restart:
          if (program_.start) link(kOutside, graph_.entry_of(program_.start), FlowVia::Command, i);
          break;
        case Command::Action::Resume:
        case Command::Action::Target: link(kOutside, aim(command.target, {}, kPending), FlowVia::Command, i); break;
      }
    }
    if (program_.fallback) link(kOutside, call({}, program_.fallback.value, kPending), FlowVia::Fallback);
    if (program_.on_error) link(kOutside, call({}, program_.on_error.value, kPending), FlowVia::OnError);
    for (std::uint32_t i = 0; i < program_.schedules.size(); ++i)
      if (program_.schedules[i].branch)
        link(kOutside, call({}, program_.schedules[i].branch.value, kPending), FlowVia::Scheduled, i);
    for (std::uint32_t i = 0; program_.events && i < program_.events->all.size(); ++i)
      if (program_.events->all[i].branch)
        link(kOutside, call({}, program_.events->all[i].branch.value, kPending), FlowVia::Happened, i);
    std::unordered_map<std::string_view, std::uint32_t> branches;
    for (std::uint32_t i = 0; i < program_.branches.size() && !program_.moved.empty(); ++i)
      branches.emplace(program_.branches[i].name, i);
    for (const auto& [from, to] : program_.moved) {
      if (const auto branch = branches.find(to); branch != branches.end()) {
        link(kOutside, graph_.entry_of(BranchId{branch->second}), FlowVia::Moved);
      } else if (const auto place = program_.places.find(to); place != program_.places.end()) {
        link(kOutside, graph_.node_of(place->second), FlowVia::Moved);
      }
    }
    for (const HandoffRule& rule : program_.handoffs)
      if (rule.on_staff_message || (rule.crm && !rule.crm->silent_at.empty())) link_resume(kOutside, rule, FlowVia::Woken);
  }

  void sort_edges() {
    const std::size_t count = graph_.nodes_.size();
    std::vector<std::uint32_t>& first = graph_.first_edge_;
    first.assign(count + 1, 0);
    for (const std::uint32_t from : from_) ++first[from + 1];
    for (std::size_t i = 0; i < count; ++i) first[i + 1] += first[i];
    std::vector<FlowEdge> sorted(from_.size());
    std::vector<std::uint32_t> at(first.begin(), first.end() - 1);
    for (std::size_t i = 0; i < from_.size(); ++i) sorted[at[from_[i]]++] = graph_.edges_[i];
    graph_.edges_ = std::move(sorted);
  }

  FlowGraph& graph_;
  const Program& program_;
  std::vector<std::uint32_t> from_;              ///< by edge, until they are sorted
  std::vector<std::uint32_t> routine_of_block_;  ///< of questions' steps
  std::uint32_t routine_ = UINT32_MAX;
  FlowNodeId leave_{};
  /// Whether some command ends a silence.
  const bool command_resumes_ = std::any_of(program_.commands.begin(), program_.commands.end(), [](const Command& one) {
    return one.during_handoff && (one.action != Command::Action::Target || one.target.go) &&
           one.action != Command::Action::Back;
  });
};

FlowGraph::FlowGraph(const Program& program) : program_(&program) { FlowGraphBuilder(*this, program).build(); }

const Question* FlowGraph::question_of(FlowNodeId id) const {
  const FlowNode& node = nodes_[value(id)];
  if (node.kind != FlowNode::Kind::Step) return nullptr;
  const auto* ask = std::get_if<Ask>(&program_->step(node.step).verb);
  if (!ask || node.question >= ask->questions.size() || !ask->questions[node.question]) return nullptr;
  return &program_->question(ask->questions[node.question]);
}

const Option* FlowGraph::option_of(FlowNodeId from, const FlowEdge& edge) const {
  if (edge.via != FlowVia::Option && edge.via != FlowVia::Button) return nullptr;
  if (const Question* question = question_of(from)) return &question->buttons.options[edge.index];
  const auto& verb = program_->step(nodes_[value(from)].step).verb;
  if (const auto* choose = std::get_if<Choose>(&verb)) return &choose->buttons.options[edge.index];
  if (const auto* say = std::get_if<Say>(&verb)) return &say->buttons->options[edge.index];
  if (const auto* notify = std::get_if<Notify>(&verb)) return &notify->buttons->options[edge.index];
  return nullptr;
}

const FlowRoutine* FlowGraph::called_by(FlowNodeId id) const {
  for (const FlowEdge& edge : edges(id))
    if (edge.via == FlowVia::Call) return &routines_[nodes_[value(edge.to)].routine];
  return nullptr;
}

bool FlowGraph::rests(FlowNodeId id) const {
  const FlowNode& node = nodes_[value(id)];
  if (node.kind != FlowNode::Kind::Step) return false;
  const auto& verb = program_->step(node.step).verb;
  const auto* assistant = std::get_if<AssistantStep>(&verb);
  if (assistant) return assistant->task == AssistantStep::Task::Talk;
  return std::holds_alternative<Choose>(verb) || std::holds_alternative<Ask>(verb) ||
         std::holds_alternative<Wait>(verb) || std::holds_alternative<HandoffStep>(verb);
}

bool FlowGraph::is_event(FlowVia via) {
  switch (via) {
    case FlowVia::Answer:
    case FlowVia::Skip:
    case FlowVia::Option:
    case FlowVia::OptionOfData:
    case FlowVia::Otherwise:
    case FlowVia::Timeout:
    case FlowVia::Tool:
    case FlowVia::Until:
    case FlowVia::Outcome:
    case FlowVia::Behind:
    case FlowVia::Resume:
    case FlowVia::Button:
    case FlowVia::Scheduled:
    case FlowVia::Happened:
    case FlowVia::Start:
    case FlowVia::Command: return true;
    default: return false;
  }
}

}  // namespace sufler

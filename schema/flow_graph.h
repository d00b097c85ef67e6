#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "interpreter/core/program.h"

/// What leads where in a scenario: one graph for the checks of flow (checks/), for `sufler graph` and for coverage.
/// It follows the runtime: `go` leaves everything behind, also the calls it stands in; `call` comes back; `otherwise` of
/// a `choose` returns to it; silence ends what was played before.
///
/// Steps that lie in a question (its `otherwise`, `timeout` and options) are one list for every `ask` of it, so they
/// are a routine of their own, called from each.
namespace sufler {

enum class FlowNodeId : std::uint32_t {};

struct FlowNode {
  enum class Kind : std::uint8_t {
    Outside,  ///< where talks come from: `start`, commands, `fallback` … One in a graph, and so are the next four
    Pending,  ///< back at whatever waited when something came in between
    None,     ///< the dialog waits for nothing, its answers are kept: behind the silence of people
    End,      ///< `end`: nothing waits, the answers are forgotten
    Back,     ///< `back`: the question before, whichever it was
    Entry,    ///< where a routine begins: a branch, or the steps of a question
    Leave,    ///< where it ends, also by `return`: behind its call; `none` when nobody called it
    Step,     ///< a step; of an `ask` each question is a node
    Call,     ///< a call that is no step: of an option, a command, or of a question's steps
  };
  Kind kind = Kind::Outside;
  std::uint32_t routine = UINT32_MAX;  ///< that it stands in; none for the first five and for what calls from outside
  StepId step;                         ///< Step; Call: the step it belongs to, none for a command's
  std::uint32_t question = 0;          ///< of an `ask`: the position in its row
};

/// How one comes along an edge.
enum class FlowVia : std::uint8_t {
  Next,         ///< nothing to do: the step is done
  WhenFails,    ///< `when` does not hold, the step is passed over
  Answer,       ///< the person answers the question
  Skip,         ///< … presses Skip (`optional`)
  NotAsked,     ///< `ask_when` does not hold, or there is nothing to choose from
  Option,       ///< presses option `index` of a `choose` or a question
  OptionOfData, ///< … or one of those made by `from`
  NoOptions,    ///< no option is shown: each `when` fails, or the list of `from` is empty
  Otherwise,    ///< writes something else (`choose`), or has used up the attempts (a question)
  Timeout,      ///< keeps silent for too long
  Then, Else,   ///< of an `if`
  Case,         ///< `index` of a `match`
  NoCase,       ///< its `else`, or past it
  Each, Done,   ///< of a `for`: another item, no more
  Call,         ///< into the routine that is called
  Called,       ///< behind the call; only when some way through the routine leaves it
  Go,           ///< a jump
  Restart,      ///< to `start` with the answers forgotten
  Tool,         ///< an assistant calls its tool `index`, which comes back to the conversation
  Until,        ///< the `until` of a conversation holds
  Outcome,      ///< people's part is over: HandoffOutcome `index`
  Behind,       ///< … with an outcome that leads nowhere of its own
  Closed,       ///< outside the hours of the rule
  Resume,       ///< silence ends: the rule's `resume`
  Button,       ///< option `index` of a `say` or a `notify`, which nobody waits for: pressed at any time later
  Start, Command, Fallback, OnError,  ///< from outside; a command by `index`
  Scheduled,    ///< the clock begins it at any time later; from outside: by schedule `index`
  Happened,     ///< from outside: event `index` of `events`
  Moved,        ///< from outside: where `moved` takes old dialogs
  Woken,        ///< from outside: a rule that falls silent by itself ends
};

struct FlowEdge {
  FlowNodeId to{};
  FlowVia via = FlowVia::Next;
  std::uint32_t index = 0;  ///< of the option, case, outcome or command
};

/// A list of steps that begins at `entry` and ends at `leave`.
struct FlowRoutine {
  BranchId branch;      ///< none: the steps of a question or an assistant
  QuestionId question;  ///< whose steps they are; none: an assistant's
  BlockId block;
  FlowNodeId entry{}, leave{};
};

class FlowGraph {
 public:
  /// Linear in the program, which must outlive it. A program of a broken scenario will do: what has no index leads on.
  explicit FlowGraph(const Program& program);

  const Program& program() const { return *program_; }
  std::size_t size() const { return nodes_.size(); }
  const FlowNode& node(FlowNodeId id) const { return nodes_[value(id)]; }
  std::span<const FlowEdge> edges(FlowNodeId from) const {
    return {edges_.data() + first_edge_[value(from)], edges_.data() + first_edge_[value(from) + 1]};
  }
  const std::vector<FlowRoutine>& routines() const { return routines_; }  ///< branches first, by BranchId

  FlowNodeId outside() const { return FlowNodeId{0}; }
  FlowNodeId entry_of(BranchId branch) const { return routines_[branch.value].entry; }
  FlowNodeId leave_of(BranchId branch) const { return routines_[branch.value].leave; }
  /// The node of a step (of a question of its row). Every step has one, also those that nothing leads to.
  FlowNodeId node_of(StepId step, std::uint32_t question = 0) const {
    return FlowNodeId{step_node_[step.value] + question};
  }
  /// The node of a place (LANGUAGE 11).
  FlowNodeId node_of(const Program::Place& place) const { return node_of(place.step, place.question); }

  /// The question that a node asks.
  const Question* question_of(FlowNodeId id) const;
  /// The option that an edge of Via::Option or Button presses.
  const Option* option_of(FlowNodeId from, const FlowEdge& edge) const;
  /// The routine that a node calls.
  const FlowRoutine* called_by(FlowNodeId id) const;
  /// Whether the dialog rests there for a person, for people or for time to pass.
  bool rests(FlowNodeId id) const;
  /// Whether the edge is what the person, other people or the clock do, and not the bot's own way on.
  static bool is_event(FlowVia via);
  /// Whether it leads on from its node at once or out of its rest; not so buttons that nobody waits for and what is scheduled.
  static bool is_flow(FlowVia via) { return via != FlowVia::Button && via != FlowVia::Scheduled; }

  static constexpr std::uint32_t value(FlowNodeId id) { return static_cast<std::uint32_t>(id); }

 private:
  friend class FlowGraphBuilder;
  const Program* program_;
  std::vector<FlowNode> nodes_;
  std::vector<FlowEdge> edges_;
  std::vector<std::uint32_t> first_edge_;  ///< by node, and the end
  std::vector<std::uint32_t> step_node_;   ///< by StepId
  std::vector<FlowRoutine> routines_;
};

}  // namespace sufler

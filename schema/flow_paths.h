#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schema/flow_facts.h"
#include "schema/flow_graph.h"

/// Ways through a scenario: what can be reached from where, and the shortest way that people can really take.
namespace sufler {

/// By FlowNodeId.
using FlowMarks = std::vector<std::uint8_t>;

/// The graph seen from its ends. Over all calls at once: a way that comes back to another call than it came from counts.
class FlowReach {
 public:
  explicit FlowReach(const FlowGraph& graph);

  /// Nodes from which a marked one can be reached. With `within` not by leaving the routine that the node stands in. A
  /// node of `stop` is reached and not passed.
  FlowMarks before(const FlowMarks& marked, bool within = false, const FlowMarks* stop = nullptr) const;
  /// Nodes that can be reached from some; nodes of `stop` are not passed.
  FlowMarks behind(const std::vector<FlowNodeId>& from, const FlowMarks* stop = nullptr) const;
  /// Nodes from which every way comes to one of `goals`. Time limits count as ways, circles as ways that do not come there;
  /// `back` and the end of what was called are none.
  FlowMarks always(const FlowMarks& goals) const;
  /// Which nodes lie on circles together: two have the same number when each can be reached from the other.
  std::vector<std::uint32_t> components() const;
  /// What `before` goes back along: the nodes before one.
  template <class Visit>
  void each_before(FlowNodeId to, Visit visit) const {
    for (std::uint32_t i = first_[FlowGraph::value(to)]; i < first_[FlowGraph::value(to) + 1]; ++i)
      visit(backward_[i].from, backward_[i].via);
  }
  /// Whether some way through a routine comes to its end.
  bool leaves(std::uint32_t routine) const { return leaves_[routine] != 0; }
  /// Routines that are entered by a jump or from outside, and so may end with nobody to come back to.
  bool is_top(std::uint32_t routine) const { return top_[routine] != 0; }
  /// Nodes that call a routine.
  const std::vector<std::vector<FlowNodeId>>& callers() const { return callers_; }

 private:
  void find_leaving();
  /// Calls `visit(to)` for each node that `behind` reaches from one in a move.
  template <class Visit>
  void each_behind(FlowNodeId at, Visit visit) const;
  const FlowGraph& graph_;
  std::vector<std::uint32_t> first_;  ///< of the edges backwards, by node
  struct Backward {
    FlowNodeId from{};
    FlowVia via = FlowVia::Next;
  };
  std::vector<Backward> backward_;
  std::vector<std::vector<FlowNodeId>> callers_;
  std::vector<std::uint8_t> leaves_, top_;
};

/// One edge of a way. `from` rests when a command comes in between.
struct FlowMove {
  FlowNodeId from{};
  FlowEdge edge;
};

struct FlowQuery {
  /// Where it may end; a step counts when it is played. None and End can be marked too.
  const FlowMarks* ends = nullptr;
  /// Only the part behind this node counts: a way begins outside, and `ends` and `stops` hold from here on.
  std::optional<FlowNodeId> begin;
  const FlowMarks* stops = nullptr;  ///< not passed
  /// More ends, which count only where no call is open: a helper that many branches call is no place of its own.
  const FlowMarks* ends_outside_calls = nullptr;
  /// Only ways on which this variable has no value at the end.
  std::string watched;
  /// A question that the person skips leaves `watched` without a value, unless it has a default. One that is not asked does so
  /// in any case.
  bool only_answers = false;
  bool with_facts = false;  ///< ways that contradict themselves do not count; commands are followed at each rest
  std::size_t limit = 1'000'000;  ///< states looked at, and facts in them
};

struct FlowWay {
  enum class Verdict : std::uint8_t { None, Found, TooLarge } verdict = Verdict::None;
  std::vector<FlowMove> moves;
  std::size_t first = 0;  ///< the first move behind `begin`
  FlowNodeId end{};
  std::span<const FlowMove> shown() const { return std::span(moves).subspan(first); }
};

class FlowPaths {
 public:
  FlowPaths(const FlowGraph& graph, const FlowReach& reach, FlowFacts& facts);

  /// The shortest way. Calls come back to where they came from.
  FlowWay find(const FlowQuery& query);
  /// The same, and the way is one that people can really take: first without the facts, which is quick and mostly enough.
  FlowWay find_real(FlowQuery query);

 private:
  friend class FlowSearch;
  const FlowGraph& graph_;
  const FlowReach& reach_;
  FlowFacts& facts_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> setters_;  ///< routines that set a variable, by name
  /// Whether a condition may still ask about a subject behind a node, before it is set anew.
  bool is_live(std::uint32_t subject, FlowNodeId node) const {
    return live_.empty() || live_[std::size_t{subject} * graph_.size() + FlowGraph::value(node)];
  }
  void find_live();
  std::vector<bool> live_;   ///< by subject and node; empty before it is needed, or when it would be too large
  bool live_is_found_ = false;
  FlowMarks changes_facts_;  ///< by routine: whether it, or one that it calls, sets what conditions ask about

  void collect_setters();
  bool holds_together(const FlowWay& way, const FlowQuery& query);
  /// Whether the step behind an edge may leave the variable that it is to set at null: a field that was not in the text, an
  /// assistant that failed, a call that comes back with nothing.
  bool may_give_nothing(FlowNodeId from, const FlowEdge& edge, std::string_view name) const;
  bool may_return_nothing(FlowNodeId call, std::string_view name) const;
  FlowMarks with_callers(const std::vector<std::uint32_t>& routines) const;
};

}  // namespace sufler

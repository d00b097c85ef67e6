#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "schema/flow_graph.h"

/// What is known of variables on one way through a scenario, so that a way that contradicts itself is told from one that
/// people can take: behind `if: delivery == 'Courier'` the answer is that one until it is given anew.
///
/// Only variables that conditions ask about are followed, and of the conditions comparisons with a constant (`==`, `!=`),
/// names alone, `not`, `and`; any other condition is known as a whole by its text. What others may change in between
/// (`shared`, `message`, `handoff` …), what has a moment or chance in it, and what a button of a `say` sets is not followed.
namespace sufler {

class FlowFacts {
 public:
  /// A set of facts; equal sets have equal ids.
  using Id = std::uint32_t;

  explicit FlowFacts(const FlowGraph& graph);

  Id nothing() const { return 0; }  ///< anything may hold
  Id fresh() const { return 1; }    ///< a dialog that begins: no variable is set

  /// What is known behind an edge; nothing when what is known before it rules the edge out.
  std::optional<Id> follow(Id before, FlowNodeId from, const FlowEdge& edge);
  /// The variable has no value.
  Id without(Id before, std::string_view name) {
    const Value null;
    return set(before, name, &null);
  }
  /// What holds when the step of this node is played and not passed over.
  std::optional<Id> played(Id before, FlowNodeId node);
  /// The arguments of a command are set.
  Id command(Id before, const Command& command);
  /// `into` of a call that has come back.
  Id called(Id before, FlowNodeId call);

  /// Whether any condition asks about a variable of this name.
  bool asks_about(std::string_view name) const { return by_variable_.count(std::string(name)) != 0; }
  /// Whether one may: also by a condition that is not followed.
  bool may_ask_about(std::string_view name) const {
    return asks_about(name) || not_followed_.count(std::string(name)) != 0;
  }

  // What is followed are subjects: variables, and conditions as a whole.
  std::uint32_t subjects() const { return static_cast<std::uint32_t>(subjects_.size()); }
  /// Those that a condition at a node asks about.
  std::vector<std::uint32_t> asked_at(FlowNodeId node) const;
  /// Those of which nothing is known any more behind every edge of a node, but perhaps the one of `when`.
  std::vector<std::uint32_t> set_at(FlowNodeId node) const;
  /// Forgets all but the subjects that `wanted` holds for.
  template <class Wanted>
  Id keep(Id before, Wanted wanted) {
    const Set& set = sets_[before];
    if (std::all_of(set.facts.begin(), set.facts.end(), [&](const Fact& fact) { return wanted(fact.subject); })) return before;
    Set kept = set;
    std::erase_if(kept.facts, [&](const Fact& fact) { return !wanted(fact.subject); });
    return intern(std::move(kept));
  }
  std::size_t size_of(Id set) const { return sets_[set].facts.size(); }

 private:
  enum class Kind : std::uint8_t { Assigned, Known, Equal, Truthy, Holds };
  /// Assigned: set on this way, so no longer null for being new. Known: an answer to question `value`.
  struct Fact {
    std::uint32_t subject = 0;
    Kind kind = Kind::Assigned;
    bool yes = true;
    std::uint32_t value = 0;
    auto operator<=>(const Fact&) const = default;
  };
  struct Set {
    bool fresh = false;
    std::vector<Fact> facts;  ///< sorted
    bool operator==(const Set&) const = default;
  };
  struct HashSet {
    std::size_t operator()(const Set& set) const;
  };
  struct Subject {
    std::vector<std::string> variables;  ///< whose change makes the facts of it void
    bool is_name = false;                ///< `a` or `a.b`, no longer condition
    std::string name;
  };
  using Literals = std::vector<Fact>;

  void collect();
  void note(const Expression& condition);
  void literals_of(std::string_view source, bool holds, Literals& out);
  std::optional<std::uint32_t> subject_of(const Expression& expression, bool is_name);
  std::uint32_t value_of(const Value& value);
  const Literals& literals(const Expression& condition, bool holds);
  std::optional<Id> assume(Id before, const Literals& literals);
  bool assume(Set& set, const Fact& fact) const;
  bool options_left(const Set& set, std::uint32_t subject) const;
  Id set(Id before, std::string_view name, const Value* constant, const Question* answered = nullptr);
  Id set(Id before, const std::vector<Assignment>& assignments);
  Id intern(Set set);
  std::optional<Id> follow_match(Id before, const Match& match, const FlowEdge& edge);
  std::optional<Id> follow_question(Id before, const Question& question, FlowNodeId from, const FlowEdge& edge);

  const FlowGraph& graph_;
  const Program& program_;
  Locale locale_;
  std::unordered_set<std::string> not_followed_;  ///< names that stand for several things, or change aside
  std::vector<Subject> subjects_;
  std::unordered_map<std::string, std::uint32_t> subject_ids_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> by_variable_;  ///< subjects
  std::vector<Value> values_;
  std::map<std::pair<int, std::string>, std::uint32_t> value_ids_;
  std::unordered_map<const void*, std::pair<Literals, Literals>> known_;  ///< by condition: holding, failing
  std::unordered_map<const void*, std::uint32_t> match_subjects_;         ///< of a `match` by its subject
  std::vector<Set> sets_;
  std::unordered_map<Set, Id, HashSet> set_ids_;
};

}  // namespace sufler

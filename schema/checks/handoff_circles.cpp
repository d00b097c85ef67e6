// Handoffs that give the client back at once, to a way that hands over again: outside the hours (`otherwise`), or while
// nobody is registered at the desk (`no_agents`).
//
// As in flow.cpp a branch has Stops when some way through it comes to rest, and Returns when some way comes to its
// end; here a handoff that cannot take the client is a jump, or nothing, instead of a rest. A branch that is left with
// neither goes round until the desk opens.
#include <algorithm>

#include "schema/loading.h"

namespace sufler {
namespace {

enum Flags : std::uint8_t { kStops = 1, kReturns = 2 };

/// Desks are empty; by night those with hours that lead elsewhere are closed as well, which is asked first.
enum class Time : std::uint8_t { Day, Night };

class HandoffCircles {
 public:
  explicit HandoffCircles(Loading& loading) : loading_(loading), program_(loading.program) {}

  void check() {
    const bool relays = std::any_of(program_.handoffs.begin(), program_.handoffs.end(), [](const HandoffRule& rule) {
      return rule.mode == HandoffRule::Mode::Relay;
    });
    if (!relays) return;
    for (const Time time : {Time::Night, Time::Day}) {
      time_ = time;
      find_flags();
      report_circles();
    }
  }

 private:
  struct Exit {
    BranchId to;
    const HandoffStep* through = nullptr;  ///< gave the client back on this way
    SourceSpan span;                       ///< of that handoff
    bool closed = false;                   ///< it did so because of the hours
  };

  bool is_closed(const HandoffRule& rule) const {
    return time_ == Time::Night && rule.hours && rule.hours->otherwise;
  }

  bool go(BranchId to) {
    if (!to) {
      acc_ |= kStops;
      return false;
    }
    acc_ = static_cast<std::uint8_t>(acc_ | flags_[to.value]);
    note_exit(to);
    return false;
  }

  bool call(BranchId to) {
    if (!to) return true;
    if (flags_[to.value] & kStops) acc_ |= kStops;
    note_exit(to);
    return (flags_[to.value] & kReturns) != 0;
  }

  void note_exit(BranchId to) {
    if (exit_ || flags_[to.value] != 0) return;
    exit_ = through_;
    exit_->to = to;
  }

  bool play(const Target& target) {
    if (target.go) return go(target.go);
    if (target.call) return call(target.call);
    if (target.steps) return play(target.steps);
    return true;
  }

  bool play(const HandoffStep& handoff, SourceSpan span) {
    const HandoffRule* const rule = handoff.rule ? &program_.handoffs[handoff.rule.value] : nullptr;
    const bool relays = rule && rule->mode == HandoffRule::Mode::Relay && rule->desk;
    const bool closed = relays && is_closed(*rule);
    // In a group somebody is there always.
    if (!relays || (!closed && !program_.desks[rule->desk.value].topics.empty())) {
      acc_ |= kStops;
      return false;
    }
    through_.through = &handoff;
    through_.span = span;
    through_.closed = closed;
    if (closed) return go(rule->hours->otherwise);
    return play(handoff.outcomes[static_cast<std::size_t>(HandoffOutcome::NoAgents)]);
  }

  /// Whether some way leads behind the step without a rest.
  bool play(const Step& step) {
    return std::visit(
        [&](const auto& verb) -> bool {
          using V = std::decay_t<decltype(verb)>;
          if constexpr (std::is_same_v<V, Choose> || std::is_same_v<V, Wait> || std::is_same_v<V, End> ||
                        std::is_same_v<V, Back>) {
            acc_ |= kStops;
            return false;
          } else if constexpr (std::is_same_v<V, AssistantStep>) {
            if (verb.task != AssistantStep::Task::Talk) return true;
            acc_ |= kStops;
            return false;
          } else if constexpr (std::is_same_v<V, HandoffStep>) {
            return play(verb, step.span);
          } else if constexpr (std::is_same_v<V, Ask>) {
            // A question that was answered is asked again, so each is a rest; one with `ask_when` may be none.
            acc_ |= kStops;
            return std::all_of(verb.questions.begin(), verb.questions.end(), [&](QuestionId id) {
              return id && program_.question(id).ask_when.has_value();
            });
          } else if constexpr (std::is_same_v<V, Go>) {
            return go(verb.branch);
          } else if constexpr (std::is_same_v<V, Call>) {
            return call(verb.branch);
          } else if constexpr (std::is_same_v<V, Restart>) {
            return go(program_.start);
          } else if constexpr (std::is_same_v<V, Return>) {
            acc_ |= kReturns;
            return false;
          } else if constexpr (std::is_same_v<V, If>) {
            const bool then_falls = play(verb.then_target);
            const bool else_falls = play(verb.else_target);
            return then_falls || else_falls;
          } else if constexpr (std::is_same_v<V, Match>) {
            bool falls = play(verb.otherwise);
            for (const Match::Case& one : verb.cases) falls = play(one.target) || falls;
            return falls;
          } else if constexpr (std::is_same_v<V, For>) {
            if (verb.body) play(verb.body);
            return true;
          } else {
            return true;
          }
        },
        step.verb);
  }

  bool play(BlockId block) {
    for (const StepId id : program_.block(block).steps) {
      const Step& step = program_.step(id);
      if (!play(step) && !step.when) return false;
    }
    return true;
  }

  std::uint8_t flags_of(std::size_t branch) {
    acc_ = 0;
    exit_.reset();
    through_ = Exit{};
    if (play(program_.branches[branch].block)) acc_ |= kReturns;
    return acc_;
  }

  /// Flags only grow, so this ends.
  void find_flags() {
    flags_.assign(program_.branches.size(), 0);
    for (bool grew = true; grew;) {
      grew = false;
      for (std::size_t i = 0; i < flags_.size(); ++i) {
        const std::uint8_t now = static_cast<std::uint8_t>(flags_[i] | flags_of(i));
        grew = grew || now != flags_[i];
        flags_[i] = now;
      }
    }
  }

  void report_circles() {
    std::vector<std::uint32_t> visited(flags_.size(), 0);
    std::uint32_t round = 0;
    for (std::size_t i = 0; i < flags_.size(); ++i) {
      if (flags_[i] != 0 || visited[i]) continue;
      ++round;
      std::vector<std::pair<std::size_t, Exit>> path;
      for (std::size_t at = i; visited[at] == 0;) {
        visited[at] = round;
        flags_of(at);
        if (!exit_) break;
        path.push_back({at, *exit_});
        at = exit_->to.value;
        if (visited[at] != round) continue;
        const auto begin = std::find_if(path.begin(), path.end(), [&](const auto& one) { return one.first == at; });
        report({begin, path.end()});
        break;
      }
    }
  }

  void report(const std::vector<std::pair<std::size_t, Exit>>& circle) {
    const Exit* found = nullptr;
    std::string names;
    for (const auto& [branch, exit] : circle) {
      names += "`" + program_.branches[branch].name + "` → ";
      if (exit.through && (!found || (exit.closed && !found->closed))) found = &exit;
    }
    // Without a handoff it is a circle whatever the hour, which flow.cpp tells.
    if (!found || std::find(told_.begin(), told_.end(), found->through) != told_.end()) return;
    told_.push_back(found->through);
    names += "`" + program_.branches[circle.front().first].name + "`";
    const DiagnosticId id = found->closed ? DiagnosticId::ClosedCircle : DiagnosticId::NobodyCircle;
    hint(loading_, loading_.report(id, found->span, {names}),
         "let it wait on the way: a `%choose%` or an `%ask%`, for example for a phone number",
         "дайте боту по дороге подождать ответа: `%choose%` или `%ask%`, например про номер телефона");
  }

  Loading& loading_;
  const Program& program_;
  Time time_ = Time::Day;
  std::vector<std::uint8_t> flags_;  ///< by branch
  std::uint8_t acc_ = 0;
  std::optional<Exit> exit_;
  Exit through_;
  std::vector<const HandoffStep*> told_;
};

}  // namespace

void check_handoff_circles(Loading& loading) {
  if (!loading.program.branches.empty()) HandoffCircles(loading).check();
}

}  // namespace sufler

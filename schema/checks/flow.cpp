// What leads where: branches nothing reaches, steps behind a jump, circles without a wait.
//
// The circles are found over flags of branches. A branch has Stops when some way through it comes to rest (a
// question, a pause, the end of the dialog) before anything leads out of it, and Returns when some way
// comes to its end; both also through the branches it jumps to. The flags grow until nothing
// changes; a branch that is left with neither goes round for ever, whatever the answers are.
#include <algorithm>

#include "schema/loading.h"

namespace sufler {
namespace {

enum Flags : std::uint8_t { kStops = 1, kReturns = 2 };

class Flow {
 public:
  explicit Flow(Loading& loading) : loading_(loading), program_(loading.program) {}

  void check() {
    check_dead_steps();
    if (loading_.flow_is_known) check_reachable();
    check_loops();
    check_recursion();
  }

 private:
  // ---- dead steps

  bool target_ends(const Target& target) {
    if (target.go) return true;
    return target.steps && !falls_through(target.steps);
  }

  /// After a relay the step behind is played unless an outcome leads elsewhere. Behind silence nothing is, but what an
  /// outcome's own steps come to.
  bool handoff_ends(const HandoffStep& handoff) {
    if (!handoff.rule) return true;
    const HandoffRule& rule = program_.handoffs[handoff.rule.value];
    const bool relays = rule.mode == HandoffRule::Mode::Relay;
    for (std::size_t i = 0; i < kHandoffOutcomes; ++i) {
      const Target& target = handoff.outcomes[i];
      const bool never = static_cast<HandoffOutcome>(i) == HandoffOutcome::Timeout && !rule.queue_timeout && !rule.close_idle;
      if (relays && never) continue;
      if (target ? !target_ends(target) : relays) return false;
    }
    return true;
  }

  const Target& otherwise_of(const AssistantStep& step) const {
    return step.otherwise ? step.otherwise : program_.assistant(step.assistant).otherwise;
  }

  /// A conversation without `until` goes on until a command or a tool leads elsewhere.
  bool talk_ends(const AssistantStep& step) {
    if (step.task != AssistantStep::Task::Talk || step.until) return false;
    const Target& otherwise = otherwise_of(step);
    return !otherwise || target_ends(otherwise);
  }

  /// Whether no way leads from this step to the one behind it.
  bool ends(const Step& step) {
    if (step.when) return false;
    if (std::holds_alternative<Go>(step.verb) || std::holds_alternative<Return>(step.verb) ||
        std::holds_alternative<Back>(step.verb) || std::holds_alternative<Restart>(step.verb) ||
        std::holds_alternative<End>(step.verb)) {
      return true;
    }
    if (const auto* handoff = std::get_if<HandoffStep>(&step.verb)) return handoff_ends(*handoff);
    if (const auto* assistant = std::get_if<AssistantStep>(&step.verb)) return talk_ends(*assistant);
    if (const auto* condition = std::get_if<If>(&step.verb)) {
      return target_ends(condition->then_target) && target_ends(condition->else_target);
    }
    if (const auto* match = std::get_if<Match>(&step.verb)) {
      return target_ends(match->otherwise) &&
             std::all_of(match->cases.begin(), match->cases.end(),
                         [this](const Match::Case& one) { return target_ends(one.target); });
    }
    if (const auto* choose = std::get_if<Choose>(&step.verb)) {
      const std::vector<Option>& options = choose->buttons.options;
      // With nothing but links the way out is missing altogether, which is said of the step itself.
      const bool leads = std::any_of(options.begin(), options.end(),
                                     [](const Option& option) { return !option.url; });
      return leads && !choose->buttons.from && (!choose->timeout || target_ends(choose->timeout->target)) &&
             std::all_of(options.begin(), options.end(),
                         [this](const Option& option) {
                           return target_ends(option.target) || option.url;
                         });
    }
    return false;
  }

  bool falls_through(BlockId id) {
    std::uint8_t& known = falls_[id.value];
    if (known) return known == 1;
    bool falls = true;
    for (const StepId step : program_.block(id).steps) falls = falls && !ends(program_.step(step));
    falls_[id.value] = falls ? 1 : 2;
    return falls;
  }

  void check_dead_steps() {
    falls_.assign(program_.blocks.size(), 0);
    for (const Block& block : program_.blocks) {
      for (std::size_t i = 0; i + 1 < block.steps.size(); ++i) {
        const Step& step = program_.step(block.steps[i]);
        if (!ends(step)) continue;
        Diagnostic& problem =
            loading_.report(DiagnosticId::DeadStep, program_.step(block.steps[i + 1]).span,
                            {std::string(loading_.sources.slice(step.span))});
        const auto* handoff = std::get_if<HandoffStep>(&step.verb);
        const bool silent = handoff && handoff->rule &&
                            program_.handoffs[handoff->rule.value].mode == HandoffRule::Mode::Silent;
        if (std::holds_alternative<AssistantStep>(step.verb)) {
          hint(loading_, problem, "say when the talk is over: `%until%: …`", "скажите, когда разговор закончен: `%until%: …`");
        }
        if (silent) {
          hint(loading_, problem,
               "put it before, or into the branch that the rule's `%resume%` leads to",
               "поставьте его раньше или в ветку, куда ведёт `%resume%` этого правила");
        }
        break;
      }
    }
  }

  // ---- reachability

  void check_reachable() {
    const std::size_t count = program_.branches.size();
    std::vector<std::vector<std::uint32_t>> next(count);
    std::vector<std::uint8_t> seen(count);
    std::vector<std::uint32_t> open;
    auto reach = [&](std::uint32_t branch) {
      if (!std::exchange(seen[branch], std::uint8_t{1})) open.push_back(branch);
    };
    for (const BranchUse& use : loading_.branch_uses) {
      if (use.from) {
        next[use.from.value].push_back(use.to.value);
      } else {
        reach(use.to.value);
      }
    }
    while (!open.empty()) {
      const std::uint32_t branch = open.back();
      open.pop_back();
      for (const std::uint32_t to : next[branch]) reach(to);
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      if (seen[i]) continue;
      const std::string go = loading_.say(Word::Go, program_.branches[i].span);
      hint(loading_, loading_.report(DiagnosticId::UnreachableBranch, program_.branches[i].span,
                           {program_.branches[i].name}),
           "lead there with `" + go + ": " + program_.branches[i].name + "`, or leave it out",
           "приведите в неё шагом `" + go + ": " + program_.branches[i].name + "` или уберите её");
    }
  }

  // ---- loops

  void depends(BranchId on) {
    if (on.value != current_) dependents_[on.value].push_back(current_);
  }

  bool go(BranchId to, SourceSpan span) {
    if (!to) {  // an unknown branch: said already
      acc_ |= kStops;
      return false;
    }
    depends(to);
    acc_ = static_cast<std::uint8_t>(acc_ | flags_[to.value]);
    if (!exit_ && flags_[to.value] == 0) exit_ = Exit{to, span};
    return false;
  }

  bool call(BranchId to, SourceSpan span) {
    if (!to) return true;
    depends(to);
    if (flags_[to.value] & kStops) acc_ |= kStops;
    if (!exit_ && flags_[to.value] == 0) exit_ = Exit{to, span};
    return (flags_[to.value] & kReturns) != 0;
  }

  bool play(const Target& target, SourceSpan span) {
    if (target.go) return go(target.go, span);
    if (target.call) return call(target.call, span);
    if (target.steps) return play(target.steps);
    return true;
  }

  /// Whether some way leads behind the step without a rest.
  bool play(const Step& step) {
    return std::visit(
        [&](const auto& verb) -> bool {
          using V = std::decay_t<decltype(verb)>;
          if constexpr (std::is_same_v<V, Choose> || std::is_same_v<V, Wait> ||
                        std::is_same_v<V, HandoffStep> || std::is_same_v<V, End> ||
                        std::is_same_v<V, Back>) {
            acc_ |= kStops;
            return false;
          } else if constexpr (std::is_same_v<V, Ask>) {
            acc_ |= kStops;
            return std::all_of(verb.questions.begin(), verb.questions.end(), [&](QuestionId id) {
              return id && program_.question(id).ask_when.has_value();
            });
          } else if constexpr (std::is_same_v<V, Go>) {
            return go(verb.branch, step.span);
          } else if constexpr (std::is_same_v<V, Call>) {
            return call(verb.branch, step.span);
          } else if constexpr (std::is_same_v<V, Restart>) {
            return go(program_.start, step.span);
          } else if constexpr (std::is_same_v<V, Return>) {
            acc_ |= kReturns;
            return false;
          } else if constexpr (std::is_same_v<V, If>) {
            const bool then_falls = play(verb.then_target, step.span);
            const bool else_falls = play(verb.else_target, step.span);
            return then_falls || else_falls;
          } else if constexpr (std::is_same_v<V, Match>) {
            bool falls = play(verb.otherwise, step.span);
            for (const Match::Case& one : verb.cases) falls = play(one.target, step.span) || falls;
            return falls;
          } else if constexpr (std::is_base_of_v<ServiceStep, V>) {
            // Nobody is asked anything: a circle of services would go round for ever, too.
            play(verb.on_error, step.span);
            return true;
          } else if constexpr (std::is_same_v<V, Mail>) {
            play(verb.on_error, step.span);
            return true;
          } else if constexpr (std::is_same_v<V, AssistantStep>) {
            if (verb.task == AssistantStep::Task::Talk) {
              acc_ |= kStops;
              return false;
            }
            if (verb.task != AssistantStep::Task::Forget) play(otherwise_of(verb), step.span);
            return true;
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
      const bool falls = play(step);
      if (!falls && !step.when) return false;
    }
    return true;
  }

  std::uint8_t flags_of(std::uint32_t branch) {
    current_ = branch;
    acc_ = 0;
    exit_.reset();
    if (play(program_.branches[branch].block)) acc_ |= kReturns;
    return acc_;
  }

  void check_loops() {
    const auto count = static_cast<std::uint32_t>(program_.branches.size());
    flags_.assign(count, 0);
    dependents_.assign(count, {});
    std::vector<std::uint32_t> open(count);
    std::vector<std::uint8_t> queued(count, 1);
    for (std::uint32_t i = 0; i < count; ++i) open[i] = count - 1 - i;
    while (!open.empty()) {
      const std::uint32_t branch = open.back();
      open.pop_back();
      queued[branch] = 0;
      const std::uint8_t now = flags_of(branch);
      if (now == flags_[branch]) continue;
      flags_[branch] = now;
      std::vector<std::uint32_t> again = std::move(dependents_[branch]);
      dependents_[branch].clear();
      for (const std::uint32_t one : again) {
        if (!std::exchange(queued[one], std::uint8_t{1})) open.push_back(one);
      }
    }
    // Every branch without flags leads to another such, so following them ends in a circle.
    std::vector<std::uint32_t> visited(count, 0);
    std::uint32_t round = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (flags_[i] != 0 || visited[i]) continue;
      ++round;
      std::vector<std::uint32_t> path;
      std::uint32_t at = i;
      for (;;) {
        visited[at] = round;
        path.push_back(at);
        flags_of(at);
        if (!exit_) break;
        const std::uint32_t to = exit_->to.value;
        if (visited[to] == 0) {
          at = to;
          continue;
        }
        if (visited[to] == round) {
          std::string circle;
          bool inside = false;
          for (const std::uint32_t one : path) {
            inside = inside || one == to;
            if (inside) circle += "`" + program_.branches[one].name + "` → ";
          }
          circle += "`" + program_.branches[to].name + "`";
          hint(loading_, loading_.report(DiagnosticId::EndlessLoop, exit_->span, {circle}),
               "let it wait somewhere: a `%choose%`, an `%ask%` or a `%wait%`",
               "дайте ему где-то подождать: `%choose%`, `%ask%` или `%wait%`");
        }
        break;
      }
    }
  }

  // ---- calls that call themselves

  void check_recursion() {
    const std::size_t count = program_.branches.size();
    std::vector<std::vector<const BranchUse*>> calls(count);
    for (const BranchUse& use : loading_.branch_uses) {
      if (use.is_call && use.from) calls[use.from.value].push_back(&use);
    }
    std::vector<std::uint8_t> color(count, 0);
    std::vector<std::pair<std::uint32_t, std::size_t>> path;
    for (std::uint32_t root = 0; root < count; ++root) {
      if (color[root] || calls[root].empty()) continue;
      path.push_back({root, 0});
      color[root] = 1;
      while (!path.empty()) {
        auto& [at, next] = path.back();
        if (next == calls[at].size()) {
          color[at] = 2;
          path.pop_back();
          continue;
        }
        const BranchUse& use = *calls[at][next++];
        const std::uint32_t to = use.to.value;
        if (color[to] == 0) {
          color[to] = 1;
          path.push_back({to, 0});
        } else if (color[to] == 1) {
          std::string circle;
          bool inside = false;
          for (const auto& [one, unused] : path) {
            inside = inside || one == to;
            if (inside) circle += "`" + program_.branches[one].name + "` → ";
          }
          circle += "`" + program_.branches[to].name + "`";
          hint(loading_, loading_.report(DiagnosticId::CallRecursion, use.span,
                               {program_.branches[to].name, circle}),
               "if it need not come back, write `%go%`", "если возвращаться не нужно, напишите `%go%`");
        }
      }
    }
  }

  struct Exit {
    BranchId to;
    SourceSpan span;
  };

  Loading& loading_;
  const Program& program_;
  std::vector<std::uint8_t> falls_;  ///< by block: 0 unknown, 1 yes, 2 no
  std::vector<std::uint8_t> flags_;  ///< by branch
  std::vector<std::vector<std::uint32_t>> dependents_;
  std::uint32_t current_ = 0;
  std::uint8_t acc_ = 0;
  std::optional<Exit> exit_;
};

}  // namespace

void check_flow(Loading& loading) {
  if (loading.program.branches.empty()) return;
  Flow(loading).check();
}

}  // namespace sufler

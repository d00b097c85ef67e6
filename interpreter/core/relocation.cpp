// The stack is cut into groups: a branch that was entered, with the lists inside it. The innermost group rests
// at a place with a name; the group below either rests at one too (a command interrupted it) or stands behind
// the step that called. From the step found, the inner lists are rebuilt outwards along the blocks' parents.
#include "interpreter/core/relocation.h"

#include <algorithm>
#include <iterator>

#include "interpreter/core/expects.h"

namespace sufler {
namespace {

struct Group {
  Frame root;
  std::string branch;
  std::vector<Frame> loops;  ///< outermost first
};

bool begins_group(const StoredFrame& frame) {
  return frame.frame.kind != Frame::Kind::Steps && frame.frame.kind != Frame::Kind::Loop;
}

struct Found {
  bool is_place = false;
  Program::Place place;
  BranchId branch;
  std::string name;  ///< where `moved` leads; empty when the place is still there
};

Found find_target(const Program& program, std::string_view name) {
  Found found;
  found.name = std::string(name);
  if (const auto place = program.places.find(found.name); place != program.places.end()) {
    found.is_place = true;
    found.place = place->second;
  } else {
    found.branch = program.find_branch(name);
  }
  return found;
}

Found find_place(const Program& program, const std::string& name) {
  Found found;
  if (const auto place = program.places.find(name); place != program.places.end()) {
    found.is_place = true;
    found.place = place->second;
    return found;
  }
  if (const auto moved = program.moved.find(name); moved != program.moved.end())
    return find_target(program, moved->second);
  const std::size_t slash = name.find('/');
  const auto moved = program.moved.find(std::string_view(name).substr(0, slash));
  if (moved == program.moved.end()) return found;
  if (slash != std::string::npos) {
    // A branch that was renamed keeps its questions.
    Found same = find_target(program, moved->second + name.substr(slash));
    if (same.is_place) return same;
  }
  return find_target(program, moved->second);
}

BranchId branch_of(const Program& program, StepId step) {
  return program.block(program.step(step).block).branch;
}

/// A branch by the name it had, or the one that `moved` gives it.
BranchId branch_now(const Program& program, const std::string& name) {
  if (const BranchId branch = program.find_branch(name)) return branch;
  const auto moved = program.moved.find(name);
  return moved == program.moved.end() ? BranchId{} : program.find_branch(moved->second);
}

bool calls(const Target& target, BranchId branch) { return target.call == branch; }

/// Whether a branch is a tool of the conversation that the step holds: it returns to the step, not behind it.
bool calls_tool(const Program& program, const Step& step, BranchId branch) {
  const auto* talk = std::get_if<AssistantStep>(&step.verb);
  if (!talk || talk->task != AssistantStep::Task::Talk) return false;
  const std::vector<Assistant::Tool>& tools = program.assistant(talk->assistant).tools;
  return std::any_of(tools.begin(), tools.end(), [&](const Assistant::Tool& tool) { return tool.branch == branch; });
}

/// Whether a step is a way into a branch that comes back behind the step.
bool calls(const Program& program, const Step& step, BranchId branch) {
  if (const auto* talk = std::get_if<AssistantStep>(&step.verb)) {
    const Assistant& assistant = program.assistant(talk->assistant);
    return calls_tool(program, step, branch) || calls(talk->otherwise, branch) || calls(assistant.otherwise, branch);
  }
  if (const ServiceStep* service = service_of(step)) return calls(service->on_error, branch);
  if (const auto* mail = std::get_if<Mail>(&step.verb)) return calls(mail->on_error, branch);
  if (const auto* call = std::get_if<Call>(&step.verb)) return call->branch == branch;
  if (const auto* condition = std::get_if<If>(&step.verb))
    return calls(condition->then_target, branch) || calls(condition->else_target, branch);
  if (const auto* match = std::get_if<Match>(&step.verb)) {
    return calls(match->otherwise, branch) ||
           std::any_of(match->cases.begin(), match->cases.end(),
                       [&](const Match::Case& one) { return calls(one.target, branch); });
  }
  if (const auto* choose = std::get_if<Choose>(&step.verb)) {
    return (choose->timeout && calls(choose->timeout->target, branch)) ||
           std::any_of(choose->buttons.options.begin(), choose->buttons.options.end(),
                       [&](const Option& option) { return calls(option.target, branch); });
  }
  if (const auto* ask = std::get_if<Ask>(&step.verb)) {
    return std::any_of(ask->questions.begin(), ask->questions.end(), [&](QuestionId id) {
      const Question& question = program.question(id);
      return calls(question.otherwise, branch) || (question.timeout && calls(question.timeout->target, branch));
    });
  }
  return false;
}

StepId find_caller(const Program& program, BranchId caller, BranchId called, const Group& group) {
  StepId first;
  for (std::uint32_t i = 0; i < program.steps.size(); ++i) {
    const StepId id{i};
    if (branch_of(program, id) != caller || !calls(program, program.step(id), called)) continue;
    // Several such calls: the one at the old position, else the first.
    const Step& step = program.step(id);
    if (step.block == group.root.block && step.index + 1 == group.root.next) return id;
    if (!first) first = id;
  }
  return first;
}

/// The frames of a branch down to the list that `step` stands in; `next` of the innermost is behind it.
std::vector<Frame> rebuild(const Program& program, StepId step, const Group& group) {
  std::vector<Frame> frames;
  StepId at = step;
  for (std::size_t depth = 0; depth <= program.blocks.size(); ++depth) {
    Frame frame;
    frame.kind = Frame::Kind::Steps;
    frame.block = program.step(at).block;
    frame.next = program.step(at).index + 1;
    frames.push_back(std::move(frame));
    const StepId parent = program.block(frames.back().block).parent;
    if (!parent) break;
    at = parent;
  }
  std::reverse(frames.begin(), frames.end());
  Frame& root = frames.front();
  root.kind = group.root.kind;
  root.locals = group.root.locals;
  root.into = group.root.into;
  root.repeats_wait = group.root.repeats_wait;
  root.border = group.root.border;
  std::size_t loops = 0;
  for (Frame& frame : frames) {
    const StepId parent = program.block(frame.block).parent;
    const For* loop = parent ? std::get_if<For>(&program.step(parent).verb) : nullptr;
    if (!loop) continue;
    frame.kind = Frame::Kind::Loop;
    frame.into = loop->name;
    if (loops < group.loops.size()) {
      frame.items = group.loops[loops].items;
      frame.item = group.loops[loops].item;
      ++loops;
    } else {
      frame.items.emplace_back();  // a loop that was not there: its body is finished once
    }
    frame.locals.set(loop->name, frame.items[frame.item]);
  }
  return frames;
}

/// When what `frames` play is over, the branch begins.
void begin_behind(const Program& program, BranchId branch, std::vector<Frame>& frames) {
  if (!branch) return;
  Frame& root = frames.front();
  root.kind = Frame::Kind::Call;  // `return` inside it leads there, too
  root.into.clear();
  root.repeats_wait = root.border = false;
  Frame base;
  base.kind = Frame::Kind::Branch;
  base.block = program.branch(branch).block;
  frames.insert(frames.begin(), std::move(base));
}

/// Puts a rest at its place in this version; false when its kind is another there.
bool settle(const Program& program, const Program::Place& place, std::uint64_t expected, Waiting& waiting) {
  waiting.step = place.step;
  waiting.question = place.question;
  if (place.step.value >= program.steps.size()) return false;
  const Expects now = expects_of(program, waiting.step, waiting.question);
  // Where nothing changed, what was shown stands for the same options.
  if (!now || now.number() != expected) waiting.remade = true;
  if (fits_program(program, waiting)) return true;
  const auto& now_verb = program.step(place.step).verb;
  // Whoever waits for a program has been asked nothing. Who was talking goes on where there is still a talk, and an
  // answer that a model was to understand is given anew.
  const auto* talk = std::get_if<AssistantStep>(&now_verb);
  const bool talks = talk && talk->task == AssistantStep::Task::Talk;
  const bool answers = std::holds_alternative<Ask>(now_verb) && !waiting.collected.empty();
  if (waiting.what == Waiting::For::Job && !talks && !answers) return false;
  if (talks) {
    Waiting next;
    next.what = Waiting::For::Talk;
    next.step = place.step;
    next.serial = waiting.serial;
    next.since = waiting.since;
    waiting = std::move(next);
    return true;
  }
  // A choice that became a question, or the other way round: it still waits, and begins anew.
  Waiting fresh;
  fresh.step = place.step;
  fresh.question = place.question;
  fresh.serial = waiting.serial;
  fresh.since = waiting.since;
  fresh.remade = true;
  fresh.news = Waiting::News::Other;
  const auto& verb = program.step(place.step).verb;
  fresh.what = std::holds_alternative<Choose>(verb) ? Waiting::For::Choice
               : std::holds_alternative<Ask>(verb)  ? Waiting::For::Answer
                                                    : Waiting::For::Pause;
  waiting = std::move(fresh);
  return waiting.what != Waiting::For::Pause && fits_program(program, waiting);
}

/// Timers belong to rests by their serial; the depth in their name is that of the stack as it is now.
void keep_timers(State& state) {
  std::map<std::string, Timer> kept;
  for (const auto& [name, timer] : state.takeover->timers) {
    if (is_schedule_timer(name)) {
      kept.emplace(name, timer);
      continue;
    }
    if (name.starts_with("desk_")) {
      if (state.relay) kept.emplace(name, timer);
      continue;
    }
    const std::string base = name.substr(0, name.find('.'));
    if (state.waiting.what != Waiting::For::Nothing && state.waiting.serial == timer.serial) {
      const std::size_t depth = state.interrupted.size();
      kept.emplace(depth ? base + "." + std::to_string(depth) : base, timer);
      continue;
    }
    for (std::size_t depth = 0; depth < state.interrupted.size(); ++depth) {
      if (state.interrupted[depth].serial != timer.serial) continue;
      kept.emplace(depth ? base + "." + std::to_string(depth) : base, timer);
      break;
    }
  }
  state.timers = std::move(kept);
}

/// A rest at which people, not the scenario, decide: its step only says how it goes on behind it.
void rest_with_people(const Program& program, const StoredWaiting& stored, State& state) {
  const Waiting& rest = stored.waiting;
  state.waiting.what = Waiting::For::People;
  state.waiting.serial = rest.serial;
  state.waiting.since = rest.since;
  const Found found = find_place(program, stored.place);
  if (found.is_place && std::holds_alternative<HandoffStep>(program.step(found.place.step).verb))
    state.waiting.step = found.place.step;
}

/// The stack below a rest, built anew from the rest outwards.
class Stack {
 public:
  Stack(const Program& program, StoredRests& stored, StepId rest, Takeover& takeover)
      : program_(program), takeover_(takeover) {
    cut(stored);
    frames_ = rebuild(program_, rest, groups_.back());
    called_ = branch_of(program_, rest);
    while (groups_.size() > 1) {
      groups_.pop_back();
      StepId step;
      const Below below = frames_.front().repeats_wait ? below_interruption(step) : below_call(step);
      if (below == Below::Nothing) return;
      if (below != Below::Step) continue;
      const bool tool = !frames_.front().repeats_wait && calls_tool(program_, program_.step(step), called_);
      std::vector<Frame> lower = rebuild(program_, step, groups_.back());
      if (tool) {  // it returns to the conversation, not behind it
        lower.back().next = program_.step(step).index;
        lower.back().row = 1;
      }
      put_below(std::move(lower), branch_of(program_, step));
    }
    // Nothing is left to come back to, and the end would be silence.
    if (!caller_is_gone_ || frames_.front().repeats_wait || !program_.start) return;
    takeover_.goes_on_at = program_.branch(program_.start).name;
    begin_behind(program_, program_.start, frames_);
  }

  void give_to(State& state) {
    const auto interruptions = std::count_if(frames_.begin(), frames_.end(), [](const Frame& frame) { return frame.repeats_wait; });
    if (frames_.front().repeats_wait && waits_.size() < static_cast<std::size_t>(interruptions))
      waits_.push_back(Waiting{});  // a command at `none`
    marks_.resize(waits_.size());
    std::reverse(waits_.begin(), waits_.end());
    std::reverse(marks_.begin(), marks_.end());
    state.frames = std::move(frames_);
    state.interrupted = std::move(waits_);
    takeover_.interrupted = std::move(marks_);
  }

 private:
  /// What stands below: the step that goes on there; a group that is passed over; or all that is needed is there.
  enum class Below : std::uint8_t { Step, Passed, Nothing };

  /// Groups, outermost first. Steps of a choice's `otherwise` go on as part of their branch.
  void cut(StoredRests& stored) {
    std::size_t rests = 0;
    for (StoredFrame& frame : stored.frames) {
      const bool repeats = frame.frame.repeats_wait;
      if (repeats && rests < stored.interrupted.size()) {
        if (begins_group(frame)) interrupted_.push_back(std::move(stored.interrupted[rests]));
        ++rests;
      }
      if (begins_group(frame) || groups_.empty()) {
        frame.frame.repeats_wait = repeats && begins_group(frame);
        if (!begins_group(frame)) frame.frame.kind = Frame::Kind::Branch;
        groups_.push_back({std::move(frame.frame), std::move(frame.branch), {}});
      } else if (frame.frame.kind == Frame::Kind::Loop && frame.frame.item < frame.frame.items.size()) {
        groups_.back().loops.push_back(std::move(frame.frame));
      }
    }
    if (groups_.empty()) groups_.emplace_back();
  }

  Below below_interruption(StepId& step) {
    Waiting lower;
    Takeover::Below mark;
    if (!interrupted_.empty()) {
      StoredWaiting stored = std::move(interrupted_.back());
      interrupted_.pop_back();
      const Found found = find_place(program_, stored.place);
      const bool rested = stored.waiting.what != Waiting::For::Nothing;
      if (rested && found.is_place && settle(program_, found.place, stored.expected, stored.waiting)) {
        lower = std::move(stored.waiting);
        mark = {stored.expected, stored.row};
      } else if (const BranchId branch = found.branch ? found.branch : program_.start; rested && branch) {
        takeover_.lost_rests.push_back({stored.place, program_.branch(branch).name});
        begin_behind(program_, branch, frames_);
        return Below::Nothing;
      }
    }
    step = lower.step;
    const bool rests = lower.what != Waiting::For::Nothing;
    waits_.push_back(std::move(lower));
    marks_.push_back(mark);
    return rests ? Below::Step : Below::Nothing;
  }

  Below below_call(StepId& step) {
    const Group& below = groups_.back();
    const BranchId caller = branch_now(program_, below.branch);
    if (below.root.next == 0 && below.root.row == 0) {  // nothing of it was played: an earlier version sent the dialog there
      begin_behind(program_, caller ? caller : program_.start, frames_);
      return Below::Nothing;
    }
    if (caller) step = find_caller(program_, caller, called_, below);
    if (step) return Below::Step;
    // The caller is gone: what it would have come back to is the next below.
    ++takeover_.lost_callers;
    Frame& root = frames_.front();
    root.kind = below.root.kind;
    root.into = below.root.into;
    root.repeats_wait = below.root.repeats_wait;
    called_ = caller ? caller : called_;
    caller_is_gone_ = true;
    return Below::Passed;
  }

  void put_below(std::vector<Frame> lower, BranchId branch) {
    called_ = branch;
    lower.insert(lower.end(), std::make_move_iterator(frames_.begin()), std::make_move_iterator(frames_.end()));
    frames_ = std::move(lower);
    caller_is_gone_ = false;
  }

  const Program& program_;
  Takeover& takeover_;
  std::vector<Group> groups_;
  std::vector<StoredWaiting> interrupted_;
  std::vector<Frame> frames_;
  std::vector<Waiting> waits_;           ///< innermost first
  std::vector<Takeover::Below> marks_;   ///< by `waits_`
  BranchId called_;
  bool caller_is_gone_ = false;          ///< of what was built last
};

}  // namespace

void relocate(const Program& program, StoredRests& stored, StoredWaiting waiting, State& state,
              Relocation* relocated) {
  // What refers to steps of the other version and has no name is let go.
  state.past.clear();
  state.frames.clear();
  state.interrupted.clear();
  Takeover& takeover = *state.takeover;
  takeover.timers = std::move(state.timers);
  state.timers.clear();
  for (const auto& [name, timer] : takeover.timers)
    if (is_schedule_timer(name)) state.timers.emplace(name, timer);
  Waiting& rest = waiting.waiting;
  if (state.silence || !takeover.silence.empty() || rest.what == Waiting::For::People) {
    rest_with_people(program, waiting, state);
    return;
  }
  if (rest.what == Waiting::For::Nothing) return;

  takeover.expected = waiting.expected;
  takeover.row = waiting.row;
  const Found found = find_place(program, waiting.place);
  const bool stays = found.is_place && settle(program, found.place, waiting.expected, rest);
  const bool with_desk = rest.what == Waiting::For::Desk && state.relay;
  if (!stays && with_desk) {  // keep_relay has it rest there without a step
    keep_timers(state);
    return;
  }
  if (!stays || !found.name.empty()) {
    const BranchId branch = found.branch ? found.branch : program.start;
    takeover.from = waiting.place;
    takeover.to = stays ? found.name : branch ? program.branch(branch).name : "none";
    if (relocated) {
      relocated->moved = true;
      relocated->from = takeover.from;
      relocated->to = takeover.to;
    }
    if (!stays) {
      keep_timers(state);
      state.resume_at = branch;
      return;
    }
  }

  Stack stack(program, stored, rest.step, takeover);
  stack.give_to(state);
  state.waiting = std::move(rest);
  keep_timers(state);
}

}  // namespace sufler

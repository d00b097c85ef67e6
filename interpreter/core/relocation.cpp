// The stack is cut into groups: a branch that was entered, with the lists inside it. The innermost group rests
// at a place with a name; the group below either rests at one too (a command interrupted it) or stands behind
// the step that called. From the step found, the inner lists are rebuilt outwards along the blocks' parents.
#include "interpreter/core/relocation.h"

#include <algorithm>
#include <iterator>

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

bool calls(const Target& target, BranchId branch) { return target.call == branch; }

/// Whether a step is a way into a branch that comes back behind the step.
bool calls(const Program& program, const Step& step, BranchId branch) {
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

/// Puts a rest at its place in this version; false when its kind is another there.
bool settle(const Program& program, const Program::Place& place, Waiting& waiting) {
  waiting.step = place.step;
  waiting.question = place.question;
  waiting.remade = true;
  if (place.step.value >= program.steps.size()) return false;
  if (!fits_program(program, waiting)) {
    // A choice that became a question, or the other way round: it still waits, and begins anew.
    Waiting fresh;
    fresh.step = place.step;
    fresh.question = place.question;
    fresh.serial = waiting.serial;
    fresh.since = waiting.since;
    fresh.remade = true;
    const auto& verb = program.step(place.step).verb;
    fresh.what = std::holds_alternative<Choose>(verb) ? Waiting::For::Choice
                 : std::holds_alternative<Ask>(verb)  ? Waiting::For::Answer
                                                      : Waiting::For::Pause;
    waiting = std::move(fresh);
    return waiting.what != Waiting::For::Pause && fits_program(program, waiting);
  }
  if (waiting.what != Waiting::For::Answer && waiting.what != Waiting::For::Confirmation) return true;
  const Ask& ask = std::get<Ask>(program.step(waiting.step).verb);
  const Question& question = program.question(ask.questions[waiting.question]);
  if (waiting.what == Waiting::For::Confirmation && !question.confirm) waiting.what = Waiting::For::Answer;
  if (question.type != QuestionType::Files && question.type != QuestionType::Choices && !question.gather)
    waiting.collected.clear();
  return true;
}

}  // namespace

void relocate(const Program& program, StoredRests& stored, StoredWaiting waiting, State& state,
              Relocation* relocated) {
  // What refers to steps of the other version and has no name is let go.
  state.past.clear();
  state.offer.reset();
  state.inner_offer.reset();
  state.frames.clear();
  state.interrupted.clear();
  Waiting& rest = waiting.waiting;
  if (state.silence || rest.what == Waiting::For::Nothing || rest.what == Waiting::For::People) {
    state.timers.clear();
    if (state.silence) {
      state.waiting.what = Waiting::For::People;
      state.waiting.serial = rest.serial;
      state.waiting.since = rest.since;
    }
    return;
  }

  const Found found = find_place(program, waiting.place);
  const bool stays = found.is_place && settle(program, found.place, rest);
  if (!stays || !found.name.empty()) {
    const BranchId branch = found.branch ? found.branch : program.start;
    if (relocated) {
      relocated->moved = true;
      relocated->from = waiting.place;
      relocated->to = stays ? found.name : branch ? program.branch(branch).name : "none";
    }
    if (!stays) {
      state.timers.clear();
      state.resume_at = branch;
      return;
    }
  }

  // Groups, outermost first. Steps of a choice's `otherwise` go on as part of their branch.
  std::vector<Group> groups;
  std::vector<StoredWaiting> interrupted;
  std::size_t rests = 0;
  for (StoredFrame& frame : stored.frames) {
    const bool repeats = frame.frame.repeats_wait;
    if (repeats && rests < stored.interrupted.size()) {
      if (begins_group(frame)) interrupted.push_back(std::move(stored.interrupted[rests]));
      ++rests;
    }
    if (begins_group(frame) || groups.empty()) {
      frame.frame.repeats_wait = repeats && begins_group(frame);
      if (!begins_group(frame)) frame.frame.kind = Frame::Kind::Branch;
      groups.push_back({std::move(frame.frame), std::move(frame.branch), {}});
    } else if (frame.frame.kind == Frame::Kind::Loop &&
               frame.frame.item < frame.frame.items.size()) {
      groups.back().loops.push_back(std::move(frame.frame));
    }
  }
  if (groups.empty()) groups.emplace_back();

  // Innermost first from here on.
  std::vector<Frame> frames = rebuild(program, rest.step, groups.back());
  std::vector<Waiting> waits;
  BranchId called = branch_of(program, rest.step);
  while (groups.size() > 1) {
    const Group above = std::move(groups.back());
    groups.pop_back();
    Group& below = groups.back();
    Frame& root = frames.front();
    StepId step;
    if (root.repeats_wait) {
      Waiting lower;
      if (!interrupted.empty()) {
        const Found place = find_place(program, interrupted.back().place);
        lower = std::move(interrupted.back().waiting);
        interrupted.pop_back();
        const bool kept = place.is_place && lower.what != Waiting::For::Nothing &&
                          settle(program, place.place, lower);
        if (!kept) lower = Waiting{};
      }
      if (lower.what == Waiting::For::Nothing) {
        waits.push_back(Waiting{});
        break;  // nothing to come back to
      }
      step = lower.step;
      waits.push_back(std::move(lower));
    } else {
      const BranchId caller = program.find_branch(below.branch);
      if (caller) step = find_caller(program, caller, called, below);
      if (!step) {
        // The caller is gone: what it would have come back to is the next below.
        root.kind = below.root.kind;
        root.into = below.root.into;
        root.repeats_wait = below.root.repeats_wait;
        called = caller ? caller : called;
        continue;
      }
    }
    std::vector<Frame> lower_frames = rebuild(program, step, below);
    called = branch_of(program, step);
    lower_frames.insert(lower_frames.end(), std::make_move_iterator(frames.begin()),
                        std::make_move_iterator(frames.end()));
    frames = std::move(lower_frames);
  }
  if (frames.front().repeats_wait && waits.size() < static_cast<std::size_t>(std::count_if(
                                         frames.begin(), frames.end(), [](const Frame& frame) { return frame.repeats_wait; }))) {
    waits.push_back(Waiting{});  // a command at `none`
  }
  std::reverse(waits.begin(), waits.end());
  state.frames = std::move(frames);
  state.interrupted = std::move(waits);
  state.waiting = std::move(rest);
}

}  // namespace sufler

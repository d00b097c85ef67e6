// The stack of lists of steps. What holds of it: as many frames have `repeats_wait` as there are interrupted
// rests, outermost first.
#include <algorithm>

#include "interpreter/core/play.h"
#include "interpreter/core/questions/questions.h"

namespace sufler {
namespace {

std::size_t count_calls(const std::vector<Frame>& frames) {
  return static_cast<std::size_t>(std::count_if(frames.begin(), frames.end(), [](const Frame& frame) {
    return frame.kind == Frame::Kind::Call || frame.kind == Frame::Kind::Command;
  }));
}

std::size_t count_interruptions(const std::vector<Frame>& frames) {
  return static_cast<std::size_t>(
      std::count_if(frames.begin(), frames.end(), [](const Frame& frame) { return frame.repeats_wait; }));
}

Frame frame_of(BlockId block, Frame::Kind kind) {
  Frame frame;
  frame.kind = kind;
  frame.block = block;
  return frame;
}

/// Forgets questions that were asked inside frames that are gone; what was set since them counts for the
/// question before.
void drop_past_within(State& state) {
  while (!state.past.empty() && count_interruptions(state.past.back().frames) > state.interrupted.size()) {
    std::vector<Undo> undo = std::move(state.past.back().undo);
    state.past.pop_back();
    if (state.past.empty()) return;
    std::vector<Undo>& before = state.past.back().undo;
    for (Undo& one : undo) {
      const bool noted = std::any_of(before.begin(), before.end(),
                                     [&](const Undo& known) { return known.name == one.name; });
      if (!noted) before.push_back(std::move(one));
    }
  }
}

}  // namespace

void Play::jump(BranchId branch) {
  abandon_relay(*this);
  leave_rest();
  // What happened outside is known wherever its branch goes on.
  const Value* const known = event_of(state.frames);
  std::optional<Value> happened = known ? std::optional(*known) : std::nullopt;
  state.frames.clear();
  state.interrupted.clear();
  clear_timers();
  state.frames.push_back(frame_of(program.branch(branch).block, Frame::Kind::Branch));
  if (happened) state.frames.back().locals.set("event", std::move(*happened));
}

bool Play::call(BranchId branch, ValueMap locals, std::string into) {
  if (count_calls(state.frames) >= program.limits.call_depth) {
    return fail("calls nested deeper than " + std::to_string(program.limits.call_depth));
  }
  Frame frame = frame_of(program.branch(branch).block, Frame::Kind::Call);
  frame.locals = std::move(locals);
  frame.into = std::move(into);
  state.frames.push_back(std::move(frame));
  return true;
}

void Play::push_steps(BlockId block) { state.frames.push_back(frame_of(block, Frame::Kind::Steps)); }

bool Play::enter(const Target& target) {
  if (target.go) {
    jump(target.go);
  } else if (target.call) {
    return call(target.call, {}, {});
  } else if (target.steps) {
    push_steps(target.steps);
  }
  return true;
}

bool Play::interrupt(BlockId block, Frame::Kind kind) {
  // The same thing asked for again begins anew instead of piling up: `help` within `help`.
  std::size_t depth = 0;
  for (std::size_t i = 0; i < state.frames.size(); ++i) {
    if (!state.frames[i].repeats_wait) continue;
    if (state.frames[i].block == block && state.frames[i].kind == kind) {
      leave_rest();
      state.frames.resize(i);
      state.waiting = std::move(state.interrupted[depth]);
      state.interrupted.resize(depth);
      drop_past_within(state);
      break;
    }
    ++depth;
  }
  if (count_calls(state.frames) + state.interrupted.size() >= 2 * program.limits.call_depth) {
    return fail("calls nested deeper than " + std::to_string(program.limits.call_depth));
  }
  remember_stand();
  // Fragments of an answer that was being typed are no answer any more; files are kept.
  if (const Question* question = question_of(program, state.waiting); question && question->gather) {
    state.waiting.collected.clear();
    state.waiting.candidate = state.waiting.what == Waiting::For::Confirmation ? state.waiting.candidate
                                                                               : Value();
  }
  for (std::string_view base : {"remind", "gather", "files"})
    state.timers.erase(timer_name(base, state.interrupted.size()));
  state.interrupted.push_back(std::move(state.waiting));
  state.waiting = Waiting{};
  Frame frame = frame_of(block, kind);
  frame.repeats_wait = true;
  state.frames.push_back(std::move(frame));
  return true;
}

bool Play::interrupt(const Target& target) {
  if (target.go) {
    jump(target.go);
    return true;
  }
  if (target.call) return interrupt(program.branch(target.call).block, Frame::Kind::Command);
  if (target.steps) return interrupt(target.steps, Frame::Kind::Steps);
  return true;
}

Flow Play::end_frame() {
  Frame& frame = state.frames.back();
  if (frame.kind == Frame::Kind::Loop && frame.item + 1 < frame.items.size()) {
    ++frame.item;
    frame.next = 0;
    // An empty body would spin without a step being counted.
    if (program.block(frame.block).steps.empty()) frame.item = static_cast<std::uint32_t>(frame.items.size());
    else if (!frame.into.empty()) frame.locals.set(frame.into, frame.items[frame.item]);
    return Flow::Next;
  }
  if (frame.kind == Frame::Kind::Call) return leave_call(Value());
  const bool repeats = frame.repeats_wait;
  state.frames.pop_back();
  if (!repeats || state.interrupted.empty()) return Flow::Next;
  Waiting waiting = std::move(state.interrupted.back());
  state.interrupted.pop_back();
  drop_past_within(state);
  if (waiting.what == Waiting::For::Nothing) return Flow::Next;
  return show(std::move(waiting));
}

Flow Play::leave_call(Value result) {
  while (!state.frames.empty()) {
    Frame& frame = state.frames.back();
    if (frame.kind == Frame::Kind::Call) {
      const std::string into = std::move(frame.into);
      state.frames.pop_back();
      if (!into.empty()) set_variable(into, std::move(result));
      return Flow::Next;
    }
    if (frame.repeats_wait) {
      frame.next = static_cast<std::uint32_t>(program.block(frame.block).steps.size());
      return Flow::Next;  // its end is played like any other
    }
    state.frames.pop_back();
  }
  return Flow::Next;
}

void Play::end_dialog() {
  abandon_relay(*this);
  leave_rest();
  state.frames.clear();
  state.interrupted.clear();
  state.past.clear();
  clear_timers();
  state.waiting = Waiting{};
}

void Play::forget_answers() {
  state.variables.clear();
  state.past.clear();
  state.secrets.clear();
  variable_bytes_.reset();
  scope.forget_variables();
}

/// The newest question, with what was set since it was asked taken back.
PastQuestion Play::take_back_last() {
  PastQuestion past = std::move(state.past.back());
  state.past.pop_back();
  for (auto undo = past.undo.rbegin(); undo != past.undo.rend(); ++undo) {
    if (undo->old_value) {
      state.variables.set(undo->name, std::move(*undo->old_value));
    } else {
      state.variables.erase(undo->name);
    }
  }
  variable_bytes_.reset();
  scope.forget_variables();
  return past;
}

bool Play::return_to(PastQuestion past, bool with_old_answer) {
  Waiting waiting;
  waiting.step = past.step;
  waiting.question = past.question;
  waiting.what = std::holds_alternative<Ask>(program.step(past.step).verb) ? Waiting::For::Answer
                                                                           : Waiting::For::Choice;
  state.frames = std::move(past.frames);
  const std::size_t interruptions = count_interruptions(state.frames);
  for (std::size_t depth = interruptions; depth < state.interrupted.size(); ++depth)
    for (std::string_view base : {"timeout", "pause", "job"}) state.timers.erase(timer_name(base, depth));
  state.interrupted.resize(interruptions);
  RichText was;
  if (with_old_answer) was.append(past.label);
  show(std::move(waiting), was.text.empty() ? nullptr : &was);
  return !fault;
}

bool Play::return_to_interrupted() {
  std::size_t at = state.frames.size();
  while (at > 0 && !state.frames[at - 1].repeats_wait) --at;
  if (at == 0 || state.frames[at - 1].border || state.interrupted.empty()) return false;
  const Waiting::For what = state.interrupted.back().what;
  if (what == Waiting::For::Nothing || what == Waiting::For::Pause || what == Waiting::For::Job) return false;
  remember_stand();
  leave_rest();
  state.frames.resize(at - 1);
  Waiting waiting = std::move(state.interrupted.back());
  state.interrupted.pop_back();
  drop_past_within(state);
  show(std::move(waiting));
  return !fault;
}

bool Play::go_back() {
  const bool inside = !state.past.empty() &&
                      count_interruptions(state.past.back().frames) >= state.interrupted.size();
  // The first question of a branch that a command called: before it stands the question that was interrupted.
  if (!inside && !state.interrupted.empty()) return return_to_interrupted();
  return go_back_to_last();
}

bool Play::go_back_to_last() {
  if (state.past.empty()) return false;
  remember_stand();
  leave_rest();
  Waiting waiting;
  waiting.step = state.past.back().step;
  waiting.question = state.past.back().question;
  waiting.what = Waiting::For::Answer;
  RichText was;
  if (const Question* question = question_of(program, waiting)) {
    const Value* old = scope.find(question->name);
    if (old && !old->is_null() && !question->secret) {
      const auto shown = kind_of(*question).shown;
      was.append(shown ? shown(*this, *old) : to_display(*old, scope.locale()));
    }
  }
  PastQuestion past = take_back_last();
  if (past.label.empty()) past.label = std::move(was.text);
  return return_to(std::move(past), true);
}

bool Play::go_back_from_step() {
  const std::size_t level = state.past.empty() ? 0 : state.past.back().frames.size();
  bool of_option = false;
  if (level > 0 && level < state.frames.size() && state.frames[level].kind == Frame::Kind::Steps) {
    const auto leads_here = [&](const Buttons& buttons) {
      return std::any_of(buttons.options.begin(), buttons.options.end(), [&](const Option& option) {
        return option.target.steps && option.target.steps == state.frames[level].block;
      });
    };
    const auto& verb = program.step(state.past.back().step).verb;
    if (const Choose* choose = std::get_if<Choose>(&verb)) of_option = leads_here(choose->buttons);
    if (const Ask* ask = std::get_if<Ask>(&verb); ask && state.past.back().question < ask->questions.size())
      of_option = leads_here(program.question(ask->questions[state.past.back().question]).buttons);
  }
  if (!of_option) return go_back_to_last();
  remember_stand();
  PastQuestion own = take_back_last();
  state.frames = own.frames;
  if (go_back() || fault) return !fault;
  // Nothing stands before: the phrase, and the question stays.
  say_phrase(Phrase::NoWayBack);
  if (fault) return false;
  return return_to(std::move(own), false);
}

}  // namespace sufler

// if, match, for, set: the steps that only move the run on.
#include "interpreter/core/steps/steps.h"

namespace sufler {

Flow play_verb(Play& play, StepId, const Step&, const If& condition) {
  Value value;
  if (!play.evaluate(condition.condition, value)) return Flow::Next;
  play.enter(value.truthy() ? condition.then_target : condition.else_target);
  return Flow::Next;
}

Flow play_verb(Play& play, StepId, const Step&, const Match& match) {
  Value subject;
  if (!play.evaluate(match.subject, subject)) return Flow::Next;
  for (const Match::Case& one : match.cases) {
    if (!(one.value == subject)) continue;
    play.enter(one.target);
    return Flow::Next;
  }
  play.enter(match.otherwise);
  return Flow::Next;
}

Flow play_verb(Play& play, StepId, const Step&, const For& loop) {
  Value items;
  if (!play.evaluate(loop.in, items)) return Flow::Next;
  if (items.is_null()) return Flow::Next;
  if (!items.list()) {
    play.fail("`" + loop.in.source() + "` gives no list to go through");
    return Flow::Next;
  }
  if (items.list()->empty() || play.program.block(loop.body).steps.empty()) return Flow::Next;
  if (stored_size(items) > play.program.limits.state_bytes / 4) {
    play.fail("the list to go through is too large");
    return Flow::Next;
  }
  Frame frame;
  frame.kind = Frame::Kind::Loop;
  frame.block = loop.body;
  frame.items = *items.list();
  frame.into = loop.name;
  frame.locals.set(loop.name, frame.items.front());
  play.state.frames.push_back(std::move(frame));
  return Flow::Next;
}

Flow play_verb(Play& play, StepId, const Step&, const Set& set) {
  for (const Assignment& assignment : set.assignments) {
    if (!play.assign(assignment)) break;
  }
  return Flow::Next;
}

}  // namespace sufler

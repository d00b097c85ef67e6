// go, call, return, back, restart, end.
#include "interpreter/core/steps/steps.h"

namespace sufler {

Flow play_verb(Play& play, StepId, const Step&, const Go& go) {
  play.jump(go.branch);
  return Flow::Next;
}

Flow play_verb(Play& play, StepId, const Step&, const Call& call) {
  ValueMap locals;
  for (const Assignment& assignment : call.with) {
    Value value;
    if (assignment.path.empty() || !play.evaluate(assignment.value, value)) return Flow::Next;
    locals.set(assignment.path.front(), std::move(value));
  }
  play.call(call.branch, std::move(locals), call.into);
  return Flow::Next;
}

Flow play_verb(Play& play, StepId, const Step&, const Return& result) {
  Value value;
  if (result.value && !play.evaluate(*result.value, value)) return Flow::Next;
  return play.leave_call(std::move(value));
}

Flow play_verb(Play& play, StepId, const Step&, const Back&) {
  if (play.go_back_from_step())
    return play.state.waiting.what == Waiting::For::Nothing ? Flow::Next : Flow::Rest;
  if (!play.fault) play.say_phrase(Phrase::NoWayBack);
  return Flow::Next;
}

Flow play_verb(Play& play, StepId, const Step&, const Restart&) {
  play.forget_answers();
  play.jump(play.program.start);
  return Flow::Next;
}

Flow play_verb(Play& play, StepId, const Step&, const End&) {
  play.end_dialog();
  play.forget_answers();
  // `Stop: end` on a button: whoever pressed it must see that it worked.
  const bool pressed = play.said || std::holds_alternative<ButtonPress>(play.event.what);
  if (pressed && play.messages == 0 && !play.border) play.say_phrase(Phrase::Ended);
  return Flow::Rest;
}

}  // namespace sufler

#include "interpreter/core/assistants/asking.h"
#include "interpreter/core/jobs.h"
#include "interpreter/core/play.h"
#include "interpreter/core/questions/questions.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {

Flow Play::show(Waiting waiting, const RichText* was) {
  switch (waiting.what) {
    case Waiting::For::Choice: return show_choice(*this, std::move(waiting), was);
    case Waiting::For::Answer: return show_question(*this, std::move(waiting), was);
    case Waiting::For::Confirmation: return show_confirmation(*this, std::move(waiting));
    case Waiting::For::Pause:
      // A pause has nothing to show; it goes on, or is over by now.
      if (waiting.candidate.truthy()) return Flow::Next;
      state.waiting = std::move(waiting);
      return Flow::Rest;
    case Waiting::For::Job:
      // Nothing is shown; what came of it while something else was on is dealt with now.
      if (!waiting.candidate.is_null()) return go_on_behind_job(*this, waiting);
      state.waiting = std::move(waiting);
      return Flow::Rest;
    case Waiting::For::Desk:
      if (!state.relay) return Flow::Next;
      state.waiting = std::move(waiting);
      return Flow::Rest;
    case Waiting::For::Talk: return show_talk(*this, std::move(waiting));
    case Waiting::For::Nothing:
    case Waiting::For::Table:
    case Waiting::For::People: break;
  }
  return Flow::Next;
}

Flow Play::rest(Waiting waiting) {
  drop_timers();
  waiting.since = event.at;
  waiting.reminded = 0;
  waiting.remade = false;
  waiting.news = Waiting::News::None;
  state.waiting = std::move(waiting);
  arm_timers();
  return Flow::Rest;
}

void Play::leave_rest() {
  if (state.waiting.what == Waiting::For::Nothing) return;
  remember_stand();
  drop_timers();
  state.waiting = Waiting{};
}

}  // namespace sufler

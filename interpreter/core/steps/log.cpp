#include "interpreter/core/steps/steps.h"

namespace sufler {

Flow play_verb(Play& play, StepId, const Step&, const Log& log) {
  RichText text;
  if (!play.render(log.text, text)) return Flow::Next;
  if (++play.messages > play.program.limits.messages_per_turn) {
    play.fail("more than " + std::to_string(play.program.limits.messages_per_turn) + " messages in one turn");
    return Flow::Next;
  }
  play.effect(WriteLog{std::move(text.text)});
  return Flow::Next;
}

Flow play_verb(Play& play, StepId, const Step&, const Track& track) {
  play.effect(TrackEvent{track.event});
  return Flow::Next;
}

}  // namespace sufler

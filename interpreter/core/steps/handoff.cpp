#include "interpreter/core/steps/steps.h"

namespace sufler {

Flow play_verb(Play& play, StepId id, const Step&, const HandoffStep& handoff) {
  const HandoffRule& rule = play.program.handoffs[handoff.rule.value];
  if (rule.mode == HandoffRule::Mode::Relay) return begin_relay(play, handoff.rule, id);
  fall_silent(play, handoff.rule, id);
  return Flow::Rest;
}

}  // namespace sufler

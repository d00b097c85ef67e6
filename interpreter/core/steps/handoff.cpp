#include "interpreter/core/steps/steps.h"

namespace sufler {

Flow play_verb(Play& play, StepId id, const Step&, const HandoffStep& handoff) {
  fall_silent(play, handoff.rule, id);
  return Flow::Rest;
}

}  // namespace sufler

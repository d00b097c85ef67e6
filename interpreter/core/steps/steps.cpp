#include "interpreter/core/steps/steps.h"

namespace sufler {

Flow play_step(Play& play, StepId id, const Step& step) {
  return std::visit([&](const auto& verb) { return play_verb(play, id, step, verb); }, step.verb);
}

}  // namespace sufler

#include <utility>

#include "interpreter/core/questions/questions.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {

Flow play_verb(Play& play, StepId id, const Step&, const Ask& ask) {
  const std::uint32_t row = std::exchange(play.state.frames.back().row, 0);
  return ask_from(play, id, ask, row);
}

}  // namespace sufler

// crm: something in amoCRM. A border: what it did there is not taken back.
#include "interpreter/core/jobs.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {

Flow play_verb(Play& play, StepId, const Step&, const CrmStep&) {
  play.fail("no `crm` yet");
  return Flow::Next;
}

Flow take_result(Play&, const Waiting&, const CrmStep&, const Value&, const std::string&) { return Flow::Next; }

}  // namespace sufler

// http: a request to a server. A border: what it did there is not taken back.
#include "interpreter/core/jobs.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {

Flow play_verb(Play& play, StepId, const Step&, const HttpStep&) {
  play.fail("no `http` yet");
  return Flow::Next;
}

Flow take_result(Play&, const Waiting&, const HttpStep&, const Value&, const std::string&) { return Flow::Next; }

}  // namespace sufler

// What happens outside and the scenario's `events` name (LANGUAGE 9).
#include "interpreter/core/play.h"

namespace sufler {

void hear_happening(Play&, const Happened&) {}

}  // namespace sufler

#pragma once
#include "interpreter/services/registry.h"
#include "tools/scenario_files.h"
#include "tools/serving.h"

namespace sufler {

/// Files of letters: a scenario's out of its version, a person's from the platform that holds it. Both must outlive it.
FetchFile fetch_of(ScenarioFiles& files, Couriers& couriers);

}  // namespace sufler

#pragma once
#include <string>
#include <vector>

#include "simulation/evidence.h"

namespace sufler::simulation {

/// Everything that is wrong, a line each: ARCHITECTURE's invariants 1–5, RELIABILITY's I1–I5.
std::vector<std::string> audit(const Evidence& evidence);

}  // namespace sufler::simulation

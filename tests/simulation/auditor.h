#pragma once
#include <string>
#include <vector>

#include "simulation/evidence.h"

namespace sufler::simulation {

/// Everything that is wrong, a line each: ARCHITECTURE's invariants 1–6, RELIABILITY's I1–I5; I6 is of jobs.
std::vector<std::string> audit(const Evidence& evidence);
/// Of jobs alone: added to what is wrong.
void audit_jobs(const Evidence& evidence, std::vector<std::string>& wrong);

}  // namespace sufler::simulation

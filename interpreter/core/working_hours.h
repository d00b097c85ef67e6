#pragma once
#include "interpreter/core/program.h"

/// When people work: days, hours, holidays, in the rule's own zone or the scenario's.
namespace sufler {

/// Whether somebody works at this moment. Hours over midnight belong to the day on which they begin, so that the
/// small hours after a holiday are closed, and those of its own morning end the evening before. `to` may be 24:00.
bool is_open(const HandoffRule::Hours& hours, const Zone& scenario_zone, Moment at);

/// `at` when it is open then, else the first moment after it that is, to the second. Hours that never come within
/// a year (every day a holiday) give the moment a year later.
Moment opens_next(const HandoffRule::Hours& hours, const Zone& scenario_zone, Moment at);

}  // namespace sufler

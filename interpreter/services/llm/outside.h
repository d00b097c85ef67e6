#pragma once
#include <cstdint>

#include "interpreter/services/llm/connection.h"

namespace sufler::llm {

/// The clocks of this machine, and chance from a seed; 0: the machine's own. The chance is for one thread.
Outside outside_of(HttpClient& http, std::uint64_t seed);

}  // namespace sufler::llm

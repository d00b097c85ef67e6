// That a seed says everything, and that the auditor is no yes-man.
#include <gtest/gtest.h>

#include "simulation/auditor.h"
#include "simulation/world.h"

namespace sufler::simulation {
namespace {

TEST(SimulationTest, TheSameSeedPlaysTheSameByteForByte) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Verdict once = simulate({seed});
    const Verdict again = simulate({seed});
    EXPECT_EQ(once.trace_hash, again.trace_hash) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sufler::simulation

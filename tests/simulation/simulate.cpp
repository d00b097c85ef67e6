// Plays seeds and says which of them break an invariant: see README.md.
#include <algorithm>
#include <cinttypes>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "simulation/auditor.h"
#include "simulation/world.h"

namespace {

using sufler::simulation::Run;
using sufler::simulation::Verdict;

constexpr int kFailed = 1, kMisuse = 2;
/// So many broken seeds tell enough.
constexpr int kMostComplaints = 10;

int misuse() {
  std::cerr << "usage: simulate FIRST [COUNT] [--trace]\n"
               "  plays the seeds FIRST, FIRST + 1 …; --trace prints what happened in each\n"
               "  SUFLER_SIMULATION_FACTOR=N plays N times COUNT\n";
  return kMisuse;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 0, count = 1;
  bool trace = false;
  int numbers = 0;
  for (int i = 1; i < argc; ++i) {
    char* end = nullptr;
    const std::uint64_t number = std::strtoull(argv[i], &end, 10);
    if (std::strcmp(argv[i], "--trace") == 0) {
      trace = true;
    } else if (*end != '\0' || end == argv[i] || numbers == 2) {
      return misuse();
    } else {
      (numbers++ == 0 ? first : count) = number;
    }
  }
  if (numbers == 0) return misuse();
  if (const char* factor = std::getenv("SUFLER_SIMULATION_FACTOR")) {
    // The ranges of different tests must not overlap.
    const std::uint64_t times = std::max<std::uint64_t>(1, std::strtoull(factor, nullptr, 10));
    first *= times;
    count *= times;
  }

  int broken = 0;
  Verdict all;
  const auto began = std::chrono::steady_clock::now();
  std::uint64_t played = 0;
  for (std::uint64_t seed = first; seed < first + count && broken < kMostComplaints; ++seed) {
    Verdict verdict = sufler::simulation::simulate({seed, sufler::simulation::Defect::None, trace});
    std::vector<std::string> wrong = std::move(verdict.wrong);
    for (std::string& line : sufler::simulation::audit(verdict.evidence)) wrong.push_back(std::move(line));
    ++played;
    all.events += verdict.events;
    all.turns += verdict.turns;
    all.sends += verdict.sends;
    all.kills += verdict.kills;
    all.stops += verdict.stops;
    all.storage_faults += verdict.storage_faults;
    all.dead_letters += verdict.dead_letters;
    all.simulated_ms += verdict.simulated_ms;
    if (trace) std::printf("seed %" PRIu64 " has the trace %016" PRIx64 "\n", seed, verdict.trace_hash);
    if (wrong.empty()) continue;
    ++broken;
    std::printf("seed %" PRIu64 " breaks invariants (%s %" PRIu64 " --trace shows how):\n", seed, argv[0], seed);
    for (const std::string& line : wrong) std::printf("  %s\n", line.c_str());
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf("%" PRIu64 " seeds from %" PRIu64 ", %d broken: %" PRIu64 " turns, %" PRIu64 " calls, %" PRIu64
              " kills, %" PRIu64 " stops, %" PRIu64 " faults of the database, %" PRIu64 " dead letters, %.0f days; "
              "%.1f s, %.0f seeds/s\n",
              played, first, broken, all.turns, all.sends, all.kills, all.stops, all.storage_faults, all.dead_letters,
              static_cast<double>(all.simulated_ms) / 86'400'000.0, seconds, static_cast<double>(played) / seconds);
  return broken == 0 ? 0 : kFailed;
}

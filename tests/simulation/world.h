#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "simulation/evidence.h"

/// One seed, one world: customers, platforms, a network, a disk, a clock and a process that dies, all on one
/// thread. Nothing in it but the seed decides what happens.
namespace sufler::simulation {

/// What is broken on purpose, to see that the auditor notices.
enum class Defect : std::uint8_t {
  None,
  ConfirmsBeforeCommit,  ///< the platform forgets updates before they are stored
  LosesCommits,          ///< a start finds an older database than was left
  RepeatsSends,          ///< now and then a call is made twice
  SwapsSends,            ///< now and then two calls to a chat change places
  SwallowsSends,         ///< a call is answered and not made
  TakesRepeats,          ///< repeated webhooks are played again
  KnowsNoLimits,         ///< nobody tells the process how fast it may speak
  TakesLateResults,      ///< what an earlier worker found counts, though another has the job by now
  LosesResults,          ///< what a worker found is told to nobody
  LosesJobs,             ///< now and then a job that is worked on is gone
  WorksTwice,            ///< now and then a job is given to a second worker beside the first
};

struct Run {
  std::uint64_t seed = 0;
  Defect defect = Defect::None;
  bool print = false;  ///< every line of the trace to standard output
};

struct Verdict {
  std::vector<std::string> wrong;  ///< empty: all invariants hold
  std::uint64_t trace_hash = 0;    ///< of all that happened, in order
  std::uint64_t events = 0;        ///< of the simulation
  std::uint64_t turns = 0;
  std::uint64_t sends = 0;   ///< attempts
  std::uint64_t kills = 0;
  std::uint64_t stops = 0;
  std::uint64_t storage_faults = 0;
  std::uint64_t dead_letters = 0;
  std::int64_t simulated_ms = 0;
  Evidence evidence;
};

Verdict simulate(const Run& run);

}  // namespace sufler::simulation

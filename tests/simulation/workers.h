#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "interpreter/core/job.h"
#include "simulation/chance.h"
#include "simulation/evidence.h"

namespace sufler::simulation {

/// What may become of an attempt at a job, of 100 attempts each.
struct WorkTroubles {
  std::int64_t again = 0, fails = 0, slow = 0, hangs = 0;
};

/// The service behind `run`: how long an attempt takes and what comes of it. Each attempt gives something else, so that
/// whose result a dialog got can be seen.
class Workers {
 public:
  /// Both must outlive it.
  Workers(Chance& chance, std::vector<Work>& evidence) : chance_(chance), evidence_(evidence) {}

  static ServiceTerms terms();

  struct Shift {
    std::size_t work = 0, attempt = 0;  ///< in the evidence
    std::int64_t takes = 0;             ///< milliseconds
    bool hangs = false;                 ///< it never ends
    JobResult result;
  };
  Shift begin(const Job& job, int life, std::int64_t now, const WorkTroubles& troubles);
  /// Its process hears what came of it.
  void told(const Shift& shift, std::int64_t now) { evidence_[shift.work].attempts[shift.attempt].told_at = now; }
  /// What another attempt at the same job gave.
  static JobResult done(const std::string& outcome) { return {JobResult::Kind::Done, Value(outcome), {}, {}, {}}; }

 private:
  Chance& chance_;
  std::vector<Work>& evidence_;
  std::map<std::pair<std::string, std::int64_t>, std::size_t> works_;  // by bot and job
};

}  // namespace sufler::simulation

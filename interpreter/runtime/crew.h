#pragma once
#include <cstdint>
#include <vector>

#include "interpreter/core/job.h"

namespace sufler {

class Errands;

/// Those who do jobs. The services are above this layer's sight.
class Crew {
 public:
  virtual ~Crew() = default;
  virtual std::vector<ServiceTerms> terms() const = 0;
  /// Returns soon; `done` may be called before it does.
  virtual void begin(const Job& job, JobDoneCall done) = 0;
  /// The result is not wanted any more: whoever works on it stops. `done` may still be called.
  virtual void abandon(std::int64_t job_id) = 0;
  /// Before the first job: whom to tell of results that grow.
  virtual void when_growing(JobGrewCall grew) { (void)grew; }
  /// What they want of the database while they work; null: nothing.
  virtual Errands* errands() { return nullptr; }
};

}  // namespace sufler

#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "interpreter/core/job.h"

namespace sufler {

/// A figure of a service for whoever watches the process. No label holds a person's data or a secret.
struct ServiceFigure {
  std::string name;  ///< `sufler_model_requests_total`; figures of one name come one after the other
  std::string kind;  ///< `counter` or `gauge`
  std::string help;
  std::vector<std::pair<std::string, std::string>> labels;
  std::uint64_t value = 0;
};

/// Does jobs of one kind: one job in, one result out.
class Service {
 public:
  virtual ~Service() = default;
  virtual ServiceTerms terms() const = 0;
  /// Returns soon. `done` is called once, on any thread, unless the service is destroyed before.
  virtual void begin(const Job& job, JobDoneCall done) = 0;
  /// The result is not wanted any more: what works on it ends soon. `done` may still be called.
  virtual void abandon(std::int64_t job_id) = 0;
  /// Before the first job. Told of jobs that a person waits for; a service without words has nothing to tell.
  virtual void when_growing(JobGrewCall grew) { (void)grew; }
  /// Thread-safe.
  virtual std::vector<ServiceFigure> figures() const { return {}; }
};

}  // namespace sufler

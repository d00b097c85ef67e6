#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "interpreter/core/job.h"

namespace sufler {

/// Tells work that its result is not wanted any more.
class Abandonment {
 public:
  Abandonment() = default;
  ~Abandonment();
  Abandonment(const Abandonment&) = delete;
  Abandonment& operator=(const Abandonment&) = delete;
  void ask();  ///< thread-safe
  bool asked() const { return asked_; }
  /// Readable once it was asked: for `poll`. Made when first wanted, for few services wait for a file descriptor.
  int fd() const;

 private:
  void tell() const;

  std::atomic<bool> asked_ = false;
  mutable std::mutex mutex_;
  mutable int fd_ = -1;
};

/// A bounded number of threads for services that block. Jobs beyond them wait; the runner hands out no more than the
/// service's `at_once`.
class Pool {
 public:
  using Work = std::function<JobResult(const Job&, const Abandonment&)>;
  /// `work` is called on the threads, which are started when they are needed.
  Pool(std::size_t threads, Work work);
  /// Abandons what is under way and waits for its end.
  ~Pool();
  void begin(const Job& job, JobDoneCall done);
  void abandon(std::int64_t job_id);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler

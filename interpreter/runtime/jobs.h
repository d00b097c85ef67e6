#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/runtime/clock.h"
#include "interpreter/runtime/crew.h"
#include "storage/job_store.h"
#include "storage/storage.h"

namespace sufler {

class GrowingAnswers;

/// Stores the result of a claimed job as an event of its dialog, for the inbox, and takes the job away: both or neither.
/// False when somebody else has the job by now, or its dialog has gone elsewhere: the result is ignored.
Stored<bool> accept_result(Transaction& tx, const JobRow& job, const JobResult& result, Moment now);

/// Claims jobs of its bots, hands them to the crew, keeps their leases and stores what came of them. No thread of its
/// own: the engine calls `round`.
class JobRunner {
 public:
  /// How long a job is a process's that says nothing. Whoever stands still longer finds its result ignored.
  static constexpr Duration kLease{30'000};

  /// `wake` is called on any thread when there is a result to take. `growing` may be null. All must outlive it.
  JobRunner(Crew& crew, std::vector<std::string> bots, const Clock& clock, std::function<void()> wake,
            GrowingAnswers* growing = nullptr);
  ~JobRunner();

  /// Before the first round. What an earlier process on a database of one process worked on is free at once.
  Stored<Done> start(Storage& storage);

  struct Round {
    bool stored = false;  ///< events wait in the inbox
    std::optional<std::chrono::milliseconds> rest;  ///< until the next round is due; none: when a result comes
  };
  /// `look`: there may be new jobs. `claim`: whether new ones are begun.
  Stored<Round> round(Storage& storage, bool look, bool claim);
  /// Stores the results that have come, and gives back what is under way. Late results of that are ignored.
  Stored<Done> stop(Storage& storage);

  bool has_results() const;     ///< thread-safe
  std::size_t running() const;  ///< thread-safe

  struct Figures {
    std::string bot, service;
    std::uint64_t done = 0, failed = 0, retried = 0;
    std::uint64_t ignored = 0;  ///< results of a lost lease
    std::uint64_t waiting = 0;  ///< stored and not done, at the last look, of all processes
  };
  std::vector<Figures> figures() const;  ///< thread-safe

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler

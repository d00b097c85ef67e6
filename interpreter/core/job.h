#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "interpreter/core/moment.h"
#include "interpreter/core/value.h"

/// Work that is done outside of every transaction (ARCHITECTURE, invariant 6): what the runner hands to a service, and
/// what the service hands back.
namespace sufler {

struct Job {
  std::int64_t id = 0;  ///< of the job; the same in each attempt
  std::string bot;
  std::string service;  ///< `run`
  std::string name;     ///< what of it: the program
  std::string request;  ///< JSON
  std::uint32_t attempt = 1;
};

struct JobResult {
  enum class Kind : std::uint8_t {
    Done,    ///< `result` is what came of it
    Failed,  ///< for good, with `error`
    Again,   ///< failed for now, with `error`: another attempt may succeed
  } kind = Kind::Done;
  Value result = {};
  std::string error = {};  ///< short, in English: scenarios see it
  std::string log = {};    ///< for the operator; may be long, of several lines and hold anything
  Duration wait = {};      ///< Again: at least so long
  std::string rest = {};   ///< Again, Failed: the request of attempts to come, when a part is done; empty: the same
  bool meant = false;      ///< Failed: the operator wants it so; it is nothing to try again
};

/// Called once, on any thread.
using JobDoneCall = std::function<void(JobResult)>;

/// What there is of a result before it is there, for whoever waits: the words so far, or none when work has only begun.
/// Nothing of it lasts. On any thread; must return soon.
using JobGrewCall = std::function<void(std::int64_t job_id, const std::string& text)>;

/// What the runner must know of a service.
struct ServiceTerms {
  std::string name;
  std::size_t at_once = 4;      ///< jobs of one process
  std::uint32_t attempts = 3;   ///< a process that died of it counts
  Duration backoff{1'000};      ///< before the second attempt; doubled for each further one
  bool buries = false;          ///< what failed for good is a dead letter, whoever waits for it; it can be tried again later
  bool hands_over = false;      ///< soon after `abandon` it tells what is done by then: whoever stops waits for that
  bool in_order = false;        ///< one of a dialog's jobs after the other
};

}  // namespace sufler

#include "simulation/workers.h"

#include <utility>

namespace sufler::simulation {
namespace {

constexpr std::int64_t kSecond = 1000;

/// The word of `{"word": "r17"}`.
std::string word_in(const std::string& request) {
  static const std::string kName = "\"word\":";
  std::size_t at = request.find(kName);
  if (at == std::string::npos) return {};
  at = request.find('"', at + kName.size());
  return at == std::string::npos ? std::string() : request.substr(at + 1, request.find('"', at + 1) - at - 1);
}

}  // namespace

ServiceTerms Workers::terms() { return {"run", 2, 3, Duration{1'000}}; }

Workers::Shift Workers::begin(const Job& job, int life, std::int64_t now, const WorkTroubles& troubles) {
  const auto [found, fresh] = works_.try_emplace({job.bot, job.id}, evidence_.size());
  if (fresh) evidence_.push_back({job.bot, job.id, word_in(job.request), {}});
  Work& work = evidence_[found->second];
  Shift shift;
  shift.work = found->second;
  shift.attempt = work.attempts.size();
  Work::Attempt attempt;
  attempt.life = life;
  attempt.begun = now;
  attempt.outcome = work.word + "." + std::to_string(shift.attempt + 1);
  attempt.hangs = shift.hangs = chance_.percent(troubles.hangs);
  shift.takes = chance_.percent(troubles.slow) ? chance_.between(5, 40) * kSecond : chance_.between(5, kSecond);
  if (chance_.percent(troubles.again)) {
    attempt.kind = JobResult::Kind::Again;
    shift.result = {attempt.kind, {}, "busy " + attempt.outcome, {}, {}};
  } else if (chance_.percent(troubles.fails)) {
    attempt.kind = JobResult::Kind::Failed;
    shift.result = {attempt.kind, {}, "refused " + attempt.outcome, {}, {}};
  } else {
    shift.result = done(attempt.outcome);
  }
  work.attempts.push_back(std::move(attempt));
  return shift;
}

}  // namespace sufler::simulation

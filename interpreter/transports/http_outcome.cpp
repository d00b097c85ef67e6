#include "interpreter/transports/http_outcome.h"

#include <algorithm>

namespace sufler {

Outcome outcome_of(const HttpAnswer& answer, bool repeats_are_known) {
  Outcome outcome;
  const bool answered = answer.kind == HttpAnswer::Kind::Answered;
  if (answered && answer.status >= 200 && answer.status < 300) return outcome;
  const bool perhaps_done = answer.kind == HttpAnswer::Kind::Lost || (answered && answer.status == 504);
  const bool for_now = !answered || answer.status == 429 || answer.status >= 500;
  outcome.kind = perhaps_done && !repeats_are_known ? Outcome::Kind::Unknown
                 : for_now                          ? Outcome::Kind::Retry
                                                    : Outcome::Kind::Failed;
  outcome.after = Duration{std::max<std::int64_t>(1, answer.retry_after.count()) * 1000};
  if (answer.cancelled) outcome.after = Duration{0};
  outcome.reason = answered ? "HTTP " + std::to_string(answer.status) : answer.error;
  return outcome;
}

}  // namespace sufler

#include "interpreter/transports/http_outcome.h"

#include <gtest/gtest.h>

namespace sufler {
namespace {

HttpAnswer answered(int status, int retry_after = 0) {
  HttpAnswer answer;
  answer.kind = HttpAnswer::Kind::Answered;
  answer.status = status;
  answer.retry_after = std::chrono::seconds(retry_after);
  return answer;
}
HttpAnswer unanswered(HttpAnswer::Kind kind) {
  HttpAnswer answer;
  answer.kind = kind;
  answer.error = "why";
  return answer;
}

TEST(HttpOutcomeTest, TellsWhatPassesFromWhatIsRefusedForGood) {
  EXPECT_EQ(outcome_of(answered(200), false).kind, Outcome::Kind::Sent);
  EXPECT_EQ(outcome_of(answered(204), false).kind, Outcome::Kind::Sent);
  EXPECT_EQ(outcome_of(answered(403), false).kind, Outcome::Kind::Failed);
  EXPECT_EQ(outcome_of(answered(403), false).reason, "HTTP 403");
  EXPECT_EQ(outcome_of(answered(302), false).kind, Outcome::Kind::Failed);
  EXPECT_EQ(outcome_of(answered(500), false).kind, Outcome::Kind::Retry);
  const Outcome later = outcome_of(answered(429, 7), false);
  EXPECT_EQ(later.kind, Outcome::Kind::Retry);
  EXPECT_EQ(later.after, Duration{7'000});
  EXPECT_EQ(outcome_of(unanswered(HttpAnswer::Kind::NotSent), false).kind, Outcome::Kind::Retry);
}

TEST(HttpOutcomeTest, WhatMayHaveHappenedIsRepeatedOnlyWhereRepeatsAreKnown) {
  for (const HttpAnswer& unclear : {unanswered(HttpAnswer::Kind::Lost), answered(504)}) {
    EXPECT_EQ(outcome_of(unclear, false).kind, Outcome::Kind::Unknown);
    EXPECT_EQ(outcome_of(unclear, true).kind, Outcome::Kind::Retry);
  }
}

}  // namespace
}  // namespace sufler

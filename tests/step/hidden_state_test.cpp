// Answers to secret questions are nowhere in a state that the journal keeps, and all else of it is as it was.
#include "interpreter/core/hidden_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interpreter/core/expects.h"
#include "interpreter/core/state.h"

namespace sufler {
namespace {

using testing::HasSubstr;
using testing::Not;

const Locale kLocale{Language::English, {}};

std::string rest(Waiting::For what, bool secret, const std::string& more) {
  return R"({"w":)" + std::to_string(static_cast<int>(what)) + R"(,"n":2,"at":"order/pin","e":)" +
         std::to_string(Expects(1, false, secret, 77).number()) + more + "}";
}

TEST(HiddenState, SecretsAreGoneWhereverAStateHasThem) {
  const std::string state =
      R"({"v":"1","n":3,"vars":{"pin":{"$number":"4711"},"note":"my pin is 4711","same":{"$number":"4711"},"none":null},)"
      R"("f":[{"b":1,"br":"order","l":{"x":"4711!"}}],"w":)" +
      rest(Waiting::For::Confirmation, true, R"(,"x":{"$number":"8822"})") + R"(,"i":[)" +
      rest(Waiting::For::Answer, true, R"(,"c":["3355"])") + R"(],"p":[{"f":[{"l":{"y":"4711"}}],"s":4,)"
      R"("u":[["pin",{"$number":"9900"}],["other"],["copy","4711"]]}],"t":{"remind":[5,6]},"sec":["pin"],"kb":true})";
  const auto hidden = blot_state(state, kLocale, false);
  ASSERT_TRUE(hidden);
  for (const char* secret : {"4711", "8822", "3355", "9900"}) EXPECT_THAT(*hidden, Not(HasSubstr(secret)));
  for (const char* kept : {R"({"v":"1","n":3,)", R"("pin":"•••")", R"("note":"my pin is •••")", R"("none":null)", R"("br":"order")",
                           R"("at":"order/pin")", R"("x":"•••")", R"("c":[])", R"(["other"])", R"("t":{"remind":[5,6]},"sec":["pin"],"kb":true})"})
    EXPECT_THAT(*hidden, HasSubstr(kept));
}

TEST(HiddenState, WhatIsNoSecretStays) {
  const std::string state = R"({"v":"1","vars":{"size":"M"},"w":)" +
                            rest(Waiting::For::Confirmation, false, R"(,"x":"L","m":true)") + "}";
  EXPECT_EQ(blot_state(state, kLocale, false), state);
  // Where the question has become a secret, what was gathered for it counts as one.
  EXPECT_THAT(*blot_state(state, kLocale, true), HasSubstr(R"("x":"•••")"));
  // What a program gave waits in a rest of another kind.
  const std::string job = R"({"v":"1","w":)" + rest(Waiting::For::Job, true, R"(,"x":"500")") + "}";
  EXPECT_EQ(blot_state(job, kLocale, true), job);
}

TEST(HiddenState, WhatIsNoStateGivesNothing) {
  for (const char* bad : {"", "{", "[]", R"({"vars":7})", R"({"sec":[7]})", R"({"w":{"w":"x"}})", R"({"p":[{"u":[[]]}]})", "{} x"})
    EXPECT_FALSE(blot_state(bad, kLocale, false)) << bad;
}

}  // namespace
}  // namespace sufler

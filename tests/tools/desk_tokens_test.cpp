#include "tools/desk_tokens.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "interpreter/runtime/log.h"

namespace sufler {
namespace {

using Tokens = std::map<std::string, std::string>;

class DeskTokensTest : public ::testing::Test {
 protected:
  DeskTokensTest() {
    Desk support, sales, group;
    support.name = "support";
    support.token_variable = "SUFLER_TEST_SUPPORT";
    sales.name = "sales";
    sales.token_variable = "SUFLER_TEST_SALES";
    group.name = "group";  // its agents are members of a group, and need no token
    program_.desks = {support, sales, group};
    for (const Desk& desk : program_.desks) unsetenv(desk.token_variable.c_str());
  }

  Program program_;
};

TEST_F(DeskTokensTest, ATalkHasOnlyTheTokensItGives) {
  setenv("SUFLER_TEST_SALES", "of the machine, not of the talk", 1);
  EXPECT_EQ(desk_tokens(program_, {{"SUFLER_TEST_SUPPORT", "given"}, {"OTHER", "x"}}),
            (Tokens{{"SUFLER_TEST_SUPPORT", "given"}}));
  EXPECT_EQ(desk_tokens(program_, {{"SUFLER_TEST_SUPPORT", ""}}), Tokens());
}

TEST_F(DeskTokensTest, TokensOfTheEnvironmentAreHiddenFromTheLog) {
  setenv("SUFLER_TEST_SUPPORT", "open sesame and more", 1);
  EXPECT_EQ(desk_tokens(program_), (Tokens{{"SUFLER_TEST_SUPPORT", "open sesame and more"}}));
  EXPECT_EQ(redact("wrote /register open sesame and more"), "wrote /register ***");
}

TEST_F(DeskTokensTest, ABotIsNotServedWithoutTheTokenOfADesk) {
  setenv("SUFLER_TEST_SUPPORT", "a token that is long enough", 1);
  const auto unset = desk_tokens_to_serve(program_, "shop");
  ASSERT_FALSE(unset);
  EXPECT_EQ(unset.error(),
            "bot `shop`: the desk `sales` takes its token from the environment, and SUFLER_TEST_SALES is not set there");
  // By an empty token anybody would become an agent.
  setenv("SUFLER_TEST_SALES", "", 1);
  EXPECT_FALSE(desk_tokens_to_serve(program_, "shop"));
  setenv("SUFLER_TEST_SALES", "another token that is long", 1);
  const auto all = desk_tokens_to_serve(program_, "shop");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 2u);
}

TEST_F(DeskTokensTest, ATokenThatCanBeGuessedIsServedWithAWarning) {
  program_.desks.resize(1);
  setenv("SUFLER_TEST_SUPPORT", "let-me-in", 1);
  start_log(LogLevel::Info, LogFormat::Text);
  testing::internal::CaptureStderr();
  const auto tokens = desk_tokens_to_serve(program_, "shop");
  const std::string log = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(tokens);
  EXPECT_EQ(tokens->at("SUFLER_TEST_SUPPORT"), "let-me-in");
  EXPECT_NE(log.find("short enough to be guessed"), std::string::npos) << log;
  EXPECT_NE(log.find("SUFLER_TEST_SUPPORT"), std::string::npos) << log;
  EXPECT_EQ(log.find("let-me-in"), std::string::npos) << log;
}

}  // namespace
}  // namespace sufler

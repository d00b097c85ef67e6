// Signals, ends and new beginnings.
#include <fcntl.h>

#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// What is promised of SIGTERM (RELIABILITY, row 10).
constexpr seconds kStopWithin{10};

class StoppingTest : public ServeTest {
 protected:
  StoppingTest() { serve_echo(); }

  /// Brings a message to the point where Telegram does not answer its sending.
  void hang_a_message() {
    telegram.fail_next(
        {.kind = "delay", .method = "sendMessage", .times = -1, .delay = seconds(60)});
    telegram.say(kAnna, "/start");
    ASSERT_TRUE(telegram.wait_for_calls("sendMessage", 1, kPatience));
    ASSERT_TRUE(telegram.wait_until_polling(true, kPatience));
  }
};

TEST_F(StoppingTest, TerminationEndsItCleanlyAndInTime) {
  sufler->signal(SIGTERM);
  EXPECT_EQ(sufler->wait(kStopWithin), 0) << sufler->output();
}

TEST_F(StoppingTest, InterruptionEndsItCleanlyAndInTime) {
  sufler->signal(SIGINT);
  EXPECT_EQ(sufler->wait(kStopWithin), 0) << sufler->output();
}

TEST_F(StoppingTest, WhatIsSaidWhileItStopsIsAnsweredOnceAndInOrder) {
  constexpr int kPeople = 20;
  for (std::int64_t person = 1; person <= kPeople; ++person) telegram.say(person, "/start");
  for (std::int64_t person = 1; person <= kPeople; ++person) messages(person, 2);
  for (std::int64_t person = 1; person <= kPeople; ++person) {
    telegram.say(person, "один");
    telegram.say(person, "два");
    if (person == kPeople / 2) sufler->signal(SIGTERM);
  }
  EXPECT_EQ(sufler->wait(kStopWithin), 0) << sufler->output();
  start();
  for (std::int64_t person = 1; person <= kPeople; ++person) {
    EXPECT_THAT(texts(person, 4),
                ElementsAre("Привет", "Вы сказали: ничего", "Вы сказали: один", "Вы сказали: два"));
  }
  stop();
  for (std::int64_t person = 1; person <= kPeople; ++person) {
    EXPECT_EQ(telegram.messages(person).size(), 4u);
  }
}

TEST_F(StoppingTest, ATelegramThatDoesNotAnswerDoesNotHoldItBack) {
  hang_a_message();
  sufler->signal(SIGTERM);
  // The grace of 4 s (tools/run.cpp) is used up, for the answer may come any moment.
  EXPECT_EQ(sufler->wait(kStopWithin), 0) << sufler->output();
  telegram.clear_faults();
  start();
  // Nobody knows whether the first message was shown, so it comes again; then the rest.
  EXPECT_THAT(texts(kAnna, 3), ElementsAre("Привет", "Привет", "Вы сказали: ничего"));
}

TEST_F(StoppingTest, ASecondTerminationEndsItAtOnce) {
  hang_a_message();
  sufler->signal(SIGTERM);
  ASSERT_TRUE(telegram.wait_until_polling(false, kPatience)) << "the first one was heard";
  sufler->signal(SIGTERM);
  // Whoever waits for the answer, or for the end of the grace, ends with 0.
  EXPECT_EQ(sufler->wait(kPatience), 1) << sufler->output();
  telegram.clear_faults();
  start();
  EXPECT_THAT(texts(kAnna, 3), ElementsAre("Привет", "Привет", "Вы сказали: ничего"));
}

TEST_F(StoppingTest, AHangupDoesNotEndIt) {
  sufler->signal(SIGHUP);
  EXPECT_THAT(say(kAnna, "/start", 2).text, HasSubstr("Вы сказали"));
  sufler->signal(SIGHUP);
  EXPECT_THAT(say(kAnna, "раз", 3).text, HasSubstr("раз"));
  EXPECT_EQ(sufler->wait(milliseconds(0)), std::nullopt);
  stop();
}

TEST_F(StoppingTest, AFullDiskUnderTheLogDoesNotEndIt) {
  stop();
  SuflerOptions options;
  options.arguments = {"run", "sufler.yaml"};
  options.environment = environment;
  options.folder = folder.path();
  options.output = "/dev/full";
  sufler = std::make_unique<SuflerProcess>(options);
  ASSERT_TRUE(telegram.wait_until_polling(true, kPatience));
  EXPECT_THAT(say(kAnna, "/start", 2).text, HasSubstr("Вы сказали"));
  sufler->signal(SIGTERM);
  EXPECT_EQ(sufler->wait(kStopWithin), 0);
}

}  // namespace
}  // namespace sufler::tests

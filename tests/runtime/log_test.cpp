#include "interpreter/runtime/log.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sufler {
namespace {

TEST(RedactTest, HidesWhatItWasTold) {
  hide_secret("correct horse");
  hide_secret("correct horse battery");
  EXPECT_EQ(redact("it is correct horse battery"), "it is ***") << "what begins with another one is blotted out to its end";
  EXPECT_EQ(redact("the password is correct horse, again correct horse"), "the password is ***, again ***");
}

TEST(RedactTest, KnowsASecretOnceHoweverOftenItIsTold) {
  // The second of two would find what the first has left.
  for (int i = 0; i < 3; ++i) hide_secret("y***");
  EXPECT_EQ(redact("yyyy***"), "yyy***");
}

TEST(RedactTest, HidesWhatLooksLikeATokenOfTelegram) {
  EXPECT_EQ(redact("https://api.telegram.org/bot123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11/getMe"),
            "https://api.telegram.org/bot***/getMe");
}

TEST(RedactTest, LeavesTimesAndAddressesAlone) {
  EXPECT_EQ(redact("at 12:30:45 from 127.0.0.1:8080, order 12345:67"), "at 12:30:45 from 127.0.0.1:8080, order 12345:67");
}

TEST(LogTest, OneEventIsOneLineWhateverItHolds) {
  ::testing::internal::CaptureStderr();
  start_log(LogLevel::Info, LogFormat::Text);
  write_log(LogLevel::Info, "a\nb\x1b[31m", {{"chat", "x\ny"}});
  const std::string line = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_NE(line.find("a\\nb\\x1b[31m chat=x\\ny"), std::string::npos);
}

TEST(LogTest, JsonLinesKeepTheirFieldsApart) {
  ::testing::internal::CaptureStderr();
  start_log(LogLevel::Info, LogFormat::Json);
  write_log(LogLevel::Warning, "quote \" and { brace", {{"bot", "shop"}});
  const std::string line = ::testing::internal::GetCapturedStderr();
  const std::string begin = "{\"time\":\"";
  ASSERT_EQ(line.substr(0, begin.size()), begin);
  EXPECT_EQ(line[begin.size() + 10], 'T');
  const std::size_t end = begin.size() + std::string_view("2026-03-15T09:00:00.123").size();
  ASSERT_GT(line.size(), end);
  EXPECT_EQ(line.substr(end), "Z\",\"level\":\"warning\",\"message\":\"quote \\\" and { brace\",\"bot\":\"shop\"}\n");
}

}  // namespace
}  // namespace sufler

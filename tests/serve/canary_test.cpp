// That a leak is told: the last of all tests reads it.
#include <filesystem>
#include <fstream>

#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

TEST(CanaryTest, WhatAProgramWroteIsSearchedAndWhatTheTestWroteIsNot) {
  TempFolder reports;
  const char* before = std::getenv("SUFLER_CANARIES");
  ASSERT_EQ(before, nullptr);
  setenv("SUFLER_CANARIES", (reports.path() + "/told").c_str(), 1);
  {
    TempFolder folder;
    folder.write("token", "123:CANARY");
  }
  EXPECT_FALSE(std::filesystem::exists(reports.path() + "/told"));
  std::string path;
  {
    TempFolder folder;
    path = folder.path();
    folder.write("output.log", "");
    std::ofstream(path + "/output.log") << "a url with /bot123:CANARY/getMe";
  }
  unsetenv("SUFLER_CANARIES");
  const std::string told = reports.path() + "/told/" + std::to_string(getpid()) + ".txt";
  EXPECT_THAT(read_file(told), testing::HasSubstr(path + "/output.log"));
  std::filesystem::remove(told);
}

}  // namespace
}  // namespace sufler::tests

#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "tools/commands.h"

namespace sufler {

/// What a subcommand printed and gave back.
struct ToolRun {
  int code = 0;
  std::string out, err;
};

template <typename Tool>
ToolRun run_tool(const Tool& tool) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  ToolRun run;
  run.code = tool();
  run.out = testing::internal::GetCapturedStdout();
  run.err = testing::internal::GetCapturedStderr();
  return run;
}

/// A folder of the test's own, gone with it.
class ToolTest : public testing::Test {
 protected:
  ToolTest() {
    std::string name = (std::filesystem::temp_directory_path() / "sufler-tools-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~ToolTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
};

}  // namespace sufler

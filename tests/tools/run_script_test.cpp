// tools/run in a copy of the project whose program only says how it was called.
#include <array>
#include <cstdio>

#include "tools/tool_run.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

class RunScriptTest : public ToolTest {
 protected:
  RunScriptTest() {
    for (const char* name : {"project/tools", "project/build/release", "project/scenarios/orders", "bin", "user"})
      fs::create_directories(path(name));
    fs::copy_file(fs::path(SUFLER_SOURCE_DIR) / "tools/run", path("project/tools/run"));
    program("project/tools/setup", "exit 0");
    program("bin/cmake", "exit 0");
    program("project/build/release/sufler", "echo \"$* ${SUFLER_SCENARIO:-} ${SUFLER_DATABASE:-}\"");
    write("project/build/release/build.ninja", "");
    write("user/my.yaml", "scenario: my\n");
  }

  void program(const std::string& name, const std::string& body) const {
    write(name, "#!/bin/sh\n" + body + "\n");
    fs::permissions(path(name), fs::perms::owner_all);
  }

  /// What the script prints when it is called from the user's folder.
  std::string run(const std::string& environment, const std::string& arguments) const {
    const std::string command = "cd '" + path("user") + "' && env -u TELEGRAM_TOKEN -u VK_TOKEN -u SUFLER_DATABASE PATH='" +
                                path("bin") + "':\"$PATH\" " + environment + " ../project/tools/run " + arguments +
                                " 2>&1";
    std::string out;
    FILE* pipe = ::popen(command.c_str(), "r");
    if (!pipe) return out;
    std::array<char, 512> chunk{};
    while (std::fgets(chunk.data(), static_cast<int>(chunk.size()), pipe)) out += chunk.data();
    ::pclose(pipe);
    return out;
  }
};

TEST_F(RunScriptTest, AScenarioIsFoundFromWhereTheUserStands) {
  const std::string mine = fs::canonical(path("user/my.yaml")).string();
  EXPECT_EQ(run("", "my.yaml"), "chat " + mine + "  \n");
  EXPECT_EQ(run("", ""), "chat " + fs::canonical(path("project/scenarios/orders")).string() + "  \n");
  EXPECT_EQ(run("", "absent.yaml"), "tools/run: no such file or folder: absent.yaml\n");
}

TEST_F(RunScriptTest, WithATokenTheScenarioOfTheUserIsServed) {
  const std::string project = fs::canonical(path("project")).string(), user = fs::canonical(path("user")).string();
  EXPECT_EQ(run("TELEGRAM_TOKEN=1:a", "my.yaml"),
            "run " + project + "/tools/run_on/telegram.yaml " + user + "/my.yaml " + user + "/my.db\n");
  const std::string orders = " " + project + "/scenarios/orders " + project + "/sufler.db\n";
  EXPECT_EQ(run("TELEGRAM_TOKEN=1:a", ""), "run " + project + "/tools/run_on/telegram.yaml" + orders);
  EXPECT_EQ(run("VK_TOKEN=a VK_GROUP=1", ""), "run " + project + "/tools/run_on/vk.yaml" + orders);
  EXPECT_EQ(run("VK_TOKEN=a VK_GROUP=1 TELEGRAM_TOKEN=1:a", ""), "run " + project + "/tools/run_on/both.yaml" + orders);
}

}  // namespace
}  // namespace sufler

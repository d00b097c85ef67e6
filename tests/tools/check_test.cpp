// What `sufler check` prints and gives back; what it says of a scenario is tests/diagnostics.
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tools/tool_run.h"

namespace sufler {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class CheckTest : public ToolTest {
 protected:
  CheckTest() {
    write("a.yaml", "scenario: a\nbranches:\n  start:\n    - sya: hello\n");
    write("b.yaml", "scenario: b\nbranches:\n  start:\n    - go: nowhere\n");
  }
  ToolRun check(std::vector<std::string> paths, const std::string& format) const {
    CheckOptions options;
    options.paths = std::move(paths);
    options.format = format;
    options.language = "en";
    return run_tool([&] { return run_check(options); });
  }
};

TEST_F(CheckTest, SeveralScenariosAreOneDocument) {
  const ToolRun run = check({path("a.yaml"), path("b.yaml")}, "json");
  EXPECT_EQ(run.code, kExitErrors);
  const auto json = nlohmann::json::parse(run.out, nullptr, false);
  ASSERT_FALSE(json.is_discarded()) << run.out;
  ASSERT_EQ(json["problems"].size(), 2u);
  EXPECT_EQ(json["problems"][0]["file"], path("a.yaml"));
  EXPECT_EQ(json["problems"][0]["code"], "S101");
  EXPECT_EQ(json["problems"][1]["file"], path("b.yaml"));
  EXPECT_EQ(json["problems"][1]["code"], "S201");
  EXPECT_EQ(json["errors"], 2);
  const ToolRun sarif = check({path("a.yaml"), path("b.yaml")}, "sarif");
  EXPECT_FALSE(nlohmann::json::parse(sarif.out, nullptr, false).is_discarded()) << sarif.out;
}

TEST_F(CheckTest, ANoteIsNotNothing) {
  write("c.yaml", "scenario: c\nsettings: {token: \"${SUFLER_TEST_UNSET}\"}\nbranches: {start: [say: hi]}\n");
  const ToolRun run = check({path("c.yaml")}, "text");
  EXPECT_EQ(run.code, kExitClean);
  EXPECT_THAT(run.out, HasSubstr("S140"));
  EXPECT_EQ(run.err, "1 note\n");
  write("d.yaml", "scenario: d\nbranches: {start: [say: hi]}\n");
  EXPECT_EQ(check({path("d.yaml")}, "text").err, "no problems\n");
}

TEST_F(CheckTest, APathThatIsNotThereIsMisuse) {
  const ToolRun run = check({path("absent")}, "json");
  EXPECT_EQ(run.code, kExitMisuse);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_EQ(run.err, "sufler: no such file or folder: " + path("absent") + "\n");
}

TEST_F(CheckTest, AConfigurationIsSaid) {
  write("sufler.yaml", "bots:\n  shop: {scenario: a.yaml}\n");
  const ToolRun run = check({path("sufler.yaml")}, "text");
  EXPECT_EQ(run.code, kExitErrors);
  EXPECT_THAT(run.out, HasSubstr("S145"));
  EXPECT_THAT(run.out, Not(HasSubstr("S111")));
}

TEST_F(CheckTest, ATalkIsCheckedAgainstItsScenario) {
  write("shop.yaml", "scenario: shop\nbranches: {start: [say: hi]}\n");
  const std::string talk = "tests:\n  - name: greets\n    talk:\n      - user: /start\n      - bot: hi\n";
  for (const char* name : {"shop.test.yaml", "shop_greeting.test.yaml"}) {
    write(name, talk);
    const ToolRun run = check({path(name)}, "text");
    EXPECT_EQ(run.code, kExitClean) << run.out;
    EXPECT_EQ(run.err, "no problems\n");
  }
  write("shop.test.yaml", "tests:\n  - name: greets\n    talk:\n      - usr: /start\n");
  const ToolRun run = check({path("shop.test.yaml")}, "text");
  EXPECT_EQ(run.code, kExitErrors);
  EXPECT_THAT(run.out, HasSubstr("shop.test.yaml:4:9: error[S602]: unknown word `usr`"));
}

TEST_F(CheckTest, ATalkOfABrokenScenarioSaysSoAndLeavesItAlone) {
  const std::string broken = "scenario: shop\nbranches:\n  start:\n    - sya: hi\n";
  write("shop.yaml", broken);
  write("shop.test.yaml", "tests: []\n");
  CheckOptions options;
  options.paths = {path("shop.test.yaml")};
  options.fix = true;
  options.language = "en";
  const ToolRun run = run_tool([&] { return run_check(options); });
  EXPECT_EQ(run.code, kExitErrors);
  EXPECT_THAT(run.out, HasSubstr("shop.yaml:4:7: error[S101]"));
  EXPECT_EQ(read("shop.yaml"), broken);
  write("alone.test.yaml", "tests: []\n");  // no talk about `a.yaml`
  const ToolRun alone = check({path("alone.test.yaml")}, "text");
  EXPECT_EQ(alone.code, kExitErrors);
  EXPECT_THAT(alone.out, HasSubstr("beside its scenario"));
}

TEST_F(CheckTest, FixLeavesTheWordsOfATalkAlone) {
  write("shop.yaml", "scenario: shop\nlanguage: ru\nbranches: {start: [say: hi]}\n");
  const std::string talk =
      "тесты:\n  - name: greets\n    разговор:\n      - человек: /start\n      - бот: hi\n";
  for (const char* name : {"shop.test.yaml", "shop_test.yaml"}) {
    write(name, talk);
    CheckOptions options;
    options.paths = {path(name)};
    options.fix = true;
    options.language = "en";
    run_tool([&] { return run_check(options); });
    EXPECT_EQ(read(name), talk);
  }
  const ToolRun run = check({path("shop_test.yaml")}, "text");
  EXPECT_EQ(run.code, kExitErrors);
  EXPECT_THAT(run.out, HasSubstr("S146"));
  EXPECT_THAT(run.out, HasSubstr("`shop.test.yaml`"));
  EXPECT_THAT(run.out, Not(HasSubstr("S111")));
}

TEST_F(CheckTest, TheConfigurationSaysWhichPlatformsCount) {
  write("shop.yaml",
        "scenario: shop\nlanguage: en\nbranches: {start: [{say: \"`a` or `b`\"}, {ask: phone}, {say: \"{{ phone }}\"}]}\n"
        "questions: {phone: {text: \"Phone?\", type: contact}}\n");
  const auto with = [&](const std::string& bot) {
    write("sufler.yaml", "bots:\n  shop: {scenario: shop.yaml, " + bot + "}\n");
    CheckOptions options;
    options.paths = {path("shop.yaml")};
    options.config = path("sufler.yaml");
    options.language = "en";
    return run_tool([&] { return run_check(options); });
  };
  const ToolRun telegram = with("telegram: {token: \"${SUFLER_TEST_UNSET}\"}");
  EXPECT_EQ(telegram.err, "no problems\n") << telegram.out;
  const ToolRun vk = with("vk: {token: \"${SUFLER_TEST_UNSET}\", group: 1}");
  EXPECT_THAT(vk.out, HasSubstr("S506"));
  EXPECT_THAT(vk.out, HasSubstr("S508"));
}

TEST_F(CheckTest, TheConfigurationsOwnProblemsAreSaid) {
  write("shop.yaml", "scenario: shop\nbranches: {start: [say: hi]}\n");
  const std::string bots = "bots:\n  shop: {scenario: shop.yaml, telegram: {token: \"${SUFLER_TEST_UNSET}\"}}\n";
  const auto with = [&](const std::string& config) {
    write("sufler.yaml", config);
    CheckOptions options;
    options.paths = {path("shop.yaml")};
    options.config = path("sufler.yaml");
    options.language = "en";
    return run_tool([&] { return run_check(options); });
  };
  EXPECT_EQ(with(bots + "http: {listen: \"${SUFLER_TEST_UNSET}:8080\"}\n").err, "no problems\n") << "what is not set here may be right";
  for (const char* part : {"http: {listen: x}\n", "flood: {messages: -1}\n", "models: {main: {url: \"ftp://x\", model: m}}\n", "log: {level: loud}\n"}) {
    const ToolRun run = with(bots + part);
    EXPECT_EQ(run.code, kExitErrors) << part;
    EXPECT_THAT(run.out, HasSubstr("S703")) << part;
  }
  EXPECT_EQ(with("bots: {}\n").code, kExitErrors);
  const ToolRun vk = with("bots:\n  shop: {scenario: shop.yaml, vk: {token: \"${SUFLER_TEST_UNSET}\", group: 0}}\n");
  EXPECT_EQ(vk.code, kExitErrors);
  EXPECT_THAT(vk.out, HasSubstr("the number of the community"));
}

TEST_F(CheckTest, WhatIsNoFileIsSaid) {
  namespace fs = std::filesystem;
  fs::create_directories(path("bot/_parts"));
  write("bot/scenario.yaml", "scenario: bot\nbranches: {start: [go: other]}\n");
  write("bot/_parts/other.txt", "branches: {other: [say: hi]}\n");
  write("outside.yaml", "branches: {more: [say: hi]}\n");
  fs::create_symlink("_parts/other.txt", path("bot/other.yaml"));
  EXPECT_EQ(check({path("bot")}, "text").err, "no problems\n") << "a link inside the folder is read";
  fs::create_symlink("../outside.yaml", path("bot/outside.yaml"));
  ASSERT_EQ(mkfifo(path("bot/pipe.yaml").c_str(), 0600), 0);
  const ToolRun run = check({path("bot")}, "text");
  EXPECT_THAT(run.out, HasSubstr("bot/outside.yaml` is not read: it is a link that leads out"));
  EXPECT_THAT(run.out, HasSubstr("bot/pipe.yaml` is not read: it is not a file"));
  EXPECT_EQ(run.err, "2 warnings\n");
  const ToolRun endless = check({"/dev/zero"}, "text");
  EXPECT_EQ(endless.code, kExitErrors);
  EXPECT_THAT(endless.out, HasSubstr("it is not a file"));
}

TEST_F(CheckTest, ATextThatCannotBeSentIsAnError) {
  for (const std::size_t bytes : {70'000u, 300'000u}) {
    write("long.yaml", "scenario: long\nlanguage: en\nbranches: {start: [say: " + std::string(bytes, 'a') + "]}\n");
    const ToolRun run = check({path("long.yaml")}, "json");
    EXPECT_EQ(run.code, kExitErrors);
    EXPECT_THAT(run.out, HasSubstr("the text takes " + std::to_string(bytes) + " bytes, and cannot be sent: 65536 is the most"));
    EXPECT_THAT(run.out, Not(HasSubstr("in parts")));
  }
}

TEST_F(CheckTest, AHostThatTheConfigurationDoesNotAllowIsNamed) {
  write("shop.yaml", "scenario: shop\nlanguage: en\nbranches: {start: [{http: \"GET https://api.example.com/price\", into: price}, {say: \"{{ price.text }}\"}]}\n");
  const auto with = [&](const std::string& hosts) {
    write("sufler.yaml", hosts + "bots: {shop: {scenario: shop.yaml, telegram: {token: \"${SUFLER_TEST_UNSET}\"}}}\n");
    CheckOptions options;
    options.paths = {path("shop.yaml")};
    options.config = path("sufler.yaml");
    options.format = "text";
    options.language = "en";
    return run_tool([&] { return run_check(options); });
  };
  EXPECT_THAT(with("").out, HasSubstr("S788"));
  EXPECT_THAT(with("allow_hosts: [other.example.com]\n").out, HasSubstr("`api.example.com`"));
  const ToolRun good = with("allow_hosts: [{host: api.example.com, headers: {Authorization: \"Bearer ${SUFLER_TEST_UNSET}\"}}]\n");
  EXPECT_THAT(good.out, IsEmpty());
  EXPECT_EQ(good.code, kExitClean);
}

}  // namespace
}  // namespace sufler

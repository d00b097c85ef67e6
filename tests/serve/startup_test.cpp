// What an operator gets wrong: the program says it in a line, and its exit code says it to the
// service manager.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class StartupTest : public ServeTest {
 protected:
  StartupTest() { folder.write("echo.yaml", kEcho); }

  /// Runs to the end and gives what it printed; it must not have served anybody.
  std::string refusal() {
    launch();
    const auto ended = sufler->wait(kPatience);
    EXPECT_TRUE(ended) << "it still runs: " << sufler->output();
    EXPECT_TRUE(ended && *ended != 0 && *ended < 128) << "it ended with " << ended.value_or(-1);
    const std::string output = sufler->output();
    EXPECT_THAT(output, Not(IsEmpty()));
    return output;
  }
  std::string refusal_before_serving() {
    std::string output = refusal();
    EXPECT_THAT(telegram.calls("getUpdates"), IsEmpty());
    EXPECT_THAT(telegram.calls(), IsEmpty());
    return output;
  }
  /// Once the program has written it.
  bool says(const std::string& words) const {
    for (const auto until = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < until;) {
      if (sufler->output().find(words) != std::string::npos) return true;
      if (sufler->wait(milliseconds(10))) return false;
    }
    return false;
  }
  void expect_no_busy_loop() const {
    const double before = sufler->cpu_seconds();
    EXPECT_EQ(sufler->wait(seconds(3)), std::nullopt) << sufler->output();
    EXPECT_LT(sufler->cpu_seconds() - before, 1.0) << "a busy loop takes all of these seconds";
  }
  void replace_in_config(const std::string& what, const std::string& with) {
    std::string text = read_file(folder.path() + "/sufler.yaml");
    const std::size_t at = text.find(what);
    ASSERT_NE(at, std::string::npos);
    folder.write("sufler.yaml", text.replace(at, what.size(), with));
  }
};

TEST_F(StartupTest, NoConfiguration) {
  EXPECT_THAT(refusal_before_serving(), HasSubstr("sufler.yaml"));
}

TEST_F(StartupTest, AFolderInThePlaceOfTheConfiguration) {
  std::filesystem::create_directory(folder.path() + "/sufler.yaml");
  EXPECT_THAT(refusal_before_serving(), HasSubstr("sufler.yaml"));
}

TEST_F(StartupTest, AnEmptyConfiguration) {
  folder.write("sufler.yaml", "");
  refusal_before_serving();
}

TEST_F(StartupTest, AConfigurationThatIsNoYaml) {
  folder.write("sufler.yaml", "bots: [\n  shop: {");
  EXPECT_THAT(refusal_before_serving(), HasSubstr("sufler.yaml:"));
}

TEST_F(StartupTest, AWrongKeyIsNamedWithTheRightOne) {
  write_config("echo.yaml");
  replace_in_config("scenario:", "scenarios:");
  EXPECT_THAT(refusal_before_serving(), AllOf(HasSubstr("sufler.yaml:4:"), HasSubstr("`scenarios`"),
                                              HasSubstr("`scenario`")));
}

TEST_F(StartupTest, AVariableThatIsNotSetIsNamed) {
  write_config("echo.yaml");
  environment.erase("TELEGRAM_TOKEN");
  EXPECT_THAT(refusal_before_serving(), HasSubstr("TELEGRAM_TOKEN"));
}

TEST_F(StartupTest, AnEmptyToken) {
  write_config("echo.yaml");
  environment["TELEGRAM_TOKEN"] = "";
  EXPECT_THAT(refusal_before_serving(), HasSubstr("token"));
}

TEST_F(StartupTest, ATokenOfNoShapeIsNotShown) {
  write_config("echo.yaml");
  for (const std::string token :
       {"CANARY-no-token", "123456:CANARY with spaces", "7000000001:CANARY/../getMe?x=1",
        "7000000001:CANARY\nsecond line", "канарейка-CANARY"}) {
    environment["TELEGRAM_TOKEN"] = token;
    const std::string output = refusal();
    EXPECT_THAT(output, HasSubstr("token")) << token;
    EXPECT_THAT(output, Not(HasSubstr("CANARY"))) << token;
    folder.write("output.log", "");
  }
}

TEST_F(StartupTest, ATokenThatTelegramDoesNotKnowIsNotShown) {
  write_config("echo.yaml");
  environment["TELEGRAM_TOKEN"] = "7000000002:AACANARY-token-of-nobody-000000000000";
  const std::string output = refusal();
  EXPECT_THAT(output, AllOf(HasSubstr("token"), HasSubstr("shop"), Not(HasSubstr("CANARY"))));
}

TEST_F(StartupTest, ATokenThatWasRevoked) {
  write_config("echo.yaml");
  telegram.revoke_token();
  EXPECT_THAT(refusal(), AllOf(HasSubstr("token"), HasSubstr("shop"), HasSubstr("Unauthorized")));
}

TEST_F(StartupTest, ATokenFileThatIsNotThere) {
  write_config("echo.yaml");
  replace_in_config("${TELEGRAM_TOKEN}", "file:secrets/token");
  EXPECT_THAT(refusal_before_serving(), HasSubstr("secrets/token"));
}

TEST_F(StartupTest, AFolderInThePlaceOfTheTokenFile) {
  write_config("echo.yaml");
  std::filesystem::create_directory(folder.path() + "/secrets");
  replace_in_config("${TELEGRAM_TOKEN}", "file:secrets");
  EXPECT_THAT(refusal_before_serving(), AllOf(HasSubstr("sufler.yaml:5:"), HasSubstr("secrets")));
}

TEST_F(StartupTest, ATokenFromAFileMayEndWithANewLine) {
  folder.write("echo.yaml", kEcho);
  write_config("echo.yaml");
  TempFolder secrets;  // apart from what must not hold the token
  secrets.write("token", telegram.token() + "\n");
  replace_in_config("${TELEGRAM_TOKEN}", "file:" + secrets.path() + "/token");
  environment.erase("TELEGRAM_TOKEN");
  start();
  EXPECT_EQ(say(kAnna, "/start", 2).text, "Вы сказали: ничего");
}

TEST_F(StartupTest, ATransportThatIsNotThere) {
  write_config("echo.yaml");
  replace_in_config("telegram:", "telegramm:");
  EXPECT_THAT(refusal_before_serving(), AllOf(HasSubstr("`telegramm`"), HasSubstr("`telegram`")));
}

TEST_F(StartupTest, AScenarioThatIsNotThere) {
  write_config("nowhere.yaml");
  EXPECT_THAT(refusal_before_serving(), HasSubstr("nowhere.yaml"));
}

TEST_F(StartupTest, AScenarioWithErrorsIsNeverStarted) {
  std::string broken = kEcho;
  broken.replace(broken.find("go: loop"), 8, "go: loup");
  folder.write("echo.yaml", broken);
  write_config("echo.yaml");
  EXPECT_THAT(refusal_before_serving(),
              AllOf(HasSubstr("echo.yaml:7:"), HasSubstr("error"), HasSubstr("`loup`"),
                    HasSubstr("`loop`"), HasSubstr("shop")));
}

TEST_F(StartupTest, ADatabaseInAFolderThatIsNotThere) {
  write_config("echo.yaml");
  replace_in_config("sqlite:data.db", "sqlite:no/such/folder/data.db");
  EXPECT_THAT(refusal_before_serving(), HasSubstr("no/such/folder"));
}

TEST_F(StartupTest, ADatabaseWhereNobodyMayWrite) {
  write_config("echo.yaml");
  replace_in_config("sqlite:data.db", "sqlite:/proc/sufler.db");  // not even the superuser may
  EXPECT_THAT(refusal_before_serving(), HasSubstr("/proc/sufler.db"));
}

TEST_F(StartupTest, AFolderInThePlaceOfTheDatabase) {
  std::filesystem::create_directory(folder.path() + "/data.db");
  write_config("echo.yaml");
  EXPECT_THAT(refusal_before_serving(), HasSubstr("data.db"));
}

TEST_F(StartupTest, AFileThatIsNoDatabaseIsLeftAsItIs) {
  const std::string text(10'000, 'x');
  folder.write("data.db", text);
  write_config("echo.yaml");
  EXPECT_THAT(refusal_before_serving(), HasSubstr("data.db"));
  EXPECT_EQ(read_file(folder.path() + "/data.db"), text);
}

TEST_F(StartupTest, ADatabaseWithBrokenPages) {
  write_config("echo.yaml");
  start();
  say(kAnna, "/start", 2);
  stop();
  const std::string path = folder.path() + "/data.db";
  std::string bytes = read_file(path);
  ASSERT_GT(bytes.size(), 4096u);
  // Page 1 with the schema: all but the header.
  for (std::size_t i = 100; i < 4096; ++i) bytes[i] = static_cast<char>(i * 37);
  folder.write("data.db", bytes);
  EXPECT_THAT(refusal(), HasSubstr("data.db"));
}

TEST_F(StartupTest, ATelegramThatIsNotThereIsWaitedForWithoutHaste) {
  const int port = free_port();
  write_config("echo.yaml");
  replace_in_config(telegram.url(), "http://127.0.0.1:" + std::to_string(port));
  launch();
  ASSERT_TRUE(says("cannot be reached")) << sufler->output();
  expect_no_busy_loop();

  fakes::FakeTelegramOptions options;
  options.port = port;
  fakes::FakeTelegram there(options);
  EXPECT_TRUE(there.wait_until_polling(true, kPatience));
  there.say(kAnna, "/start");
  EXPECT_EQ(there.wait_for_messages(kAnna, 2, kPatience).size(), 2u);
  sufler->signal(SIGTERM);
  EXPECT_EQ(sufler->wait(kPatience), 0);
}

TEST_F(StartupTest, ANameOfAServerThatIsNotThereIsToldOnceAndTriedWithoutHaste) {
  write_config("echo.yaml");
  // No name has a label of more than 63 letters, so nobody is asked for it.
  replace_in_config(telegram.url(), "http://" + std::string(64, 'a') + ".test");
  launch();
  ASSERT_TRUE(says("Telegram cannot be reached: ")) << sufler->output();
  expect_no_busy_loop();
  const std::string output = sufler->output();
  const std::size_t told = output.find("Telegram cannot be reached: ");
  EXPECT_EQ(output.find("Telegram cannot be reached: ", told + 1), std::string::npos) << output;
  sufler->signal(SIGTERM);
  EXPECT_EQ(sufler->wait(kPatience), 0);
}

TEST_F(StartupTest, AnIdleBotTakesNoTimeOfTheProcessor) {
  write_config("echo.yaml");
  start();
  say(kAnna, "/start", 2);
  const double before = sufler->cpu_seconds();
  EXPECT_EQ(sufler->wait(seconds(2)), std::nullopt);
  EXPECT_LT(sufler->cpu_seconds() - before, 0.1);
}

TEST_F(StartupTest, TheDatabaseIsOnlyForItsOwner) {
  write_config("echo.yaml");
  start();
  struct stat status {};
  ASSERT_EQ(stat((folder.path() + "/data.db").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 077, 0u) << "it holds what people wrote";
}

}  // namespace
}  // namespace sufler::tests

// Scenarios that change while the process serves.
#include <filesystem>
#include <fstream>

#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Speaks of its number.
std::string shop(int number, const std::string& more = {}) {
  const std::string n = std::to_string(number);
  return "scenario: shop\nlanguage: ru\nstart: hello\nbranches:\n"
         "  hello:\n    - say: \"Привет " + n + "\"\n    - go: talk\n"
         "  talk:\n    - ask: word\n    - say: \"" + n + ": {{ word }}\"\n    - go: talk\n" + more +
         "questions:\n  word: {text: \"?\"}\n";
}

class ReloadTest : public ServeTest {
 protected:
  void save(const std::string& text) { folder.write("shop.yaml", text); }
  void serve(const std::string& more = {}) {
    save(shop(1));
    write_config("shop.yaml", more);
    start();
  }
  /// Until the process has written this, so many times.
  bool says_soon(const std::string& expected, int times = 1) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < until) {
      const std::string output = sufler->output();
      int found = 0;
      for (std::size_t at = output.find(expected); at != std::string::npos; at = output.find(expected, at + 1)) ++found;
      if (found >= times) return true;
      std::this_thread::sleep_for(milliseconds(20));
    }
    return false;
  }
};

TEST_F(ReloadTest, ANewVersionSpeaksFromTheNextMessageOn) {
  serve();
  say(kAnna, "/start", 2);
  save(shop(2));
  const Ran reload = command({"reload", "shop", "--note", "двойка"});
  EXPECT_EQ(reload.code, 0) << reload.output;
  EXPECT_THAT(reload.output, AllOf(HasSubstr("shop: version "), HasSubstr("is served; before it was")));
  telegram.say(kAnna, "роза");
  EXPECT_EQ(texts(kAnna, 4)[2], "2: роза");
  const Ran again = command({"reload"});
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.output, HasSubstr("nothing has changed"));
  const json versions = command_json({"versions", "shop"})["versions"];
  ASSERT_EQ(versions.size(), 2U);
  EXPECT_EQ(versions[0]["note"], "двойка");
  EXPECT_EQ(versions[0]["live"], true);
  EXPECT_EQ(versions[1]["live"], false);
}

TEST_F(ReloadTest, ABrokenScenarioIsRefusedAndTheOldOneServesOn) {
  serve("reload: {notify: admins}\n");
  say(kAnna, "/start", 2);
  save(shop(2) + "nonsense: [\n");
  const Ran reload = command({"reload"});
  EXPECT_EQ(reload.code, 1);
  EXPECT_THAT(reload.output, AllOf(HasSubstr("shop.yaml:"), HasSubstr("the version before serves on")));
  EXPECT_THAT(sufler->output(), HasSubstr("reload refused"));
  EXPECT_THAT(messages(kAdmin, 1)[0].text, AllOf(HasSubstr("не принята"), HasSubstr("shop.yaml:")));
  telegram.say(kAnna, "роза");
  EXPECT_EQ(texts(kAnna, 4)[2], "1: роза");
}

TEST_F(ReloadTest, SighupReloadsAll) {
  serve();
  say(kAnna, "/start", 2);
  save(shop(2));
  sufler->signal(SIGHUP);
  EXPECT_TRUE(says_soon("reload done")) << sufler->output();
  telegram.say(kAnna, "роза");
  EXPECT_EQ(texts(kAnna, 4)[2], "2: роза");
}

TEST_F(ReloadTest, WatchedFilesAreTakenWhenTheyAreSavedHoweverAnEditorDoesIt) {
  serve("reload: {watch: true}\n");
  say(kAnna, "/start", 2);
  // Written over; what becomes of a half that is read before the rest is DeployingTest's.
  save(shop(2));
  EXPECT_TRUE(says_soon("reload done")) << sufler->output();
  say(kAnna, "роза", 4);
  folder.write("shop.yaml.draft", shop(3));
  fs::rename(folder.path() + "/shop.yaml.draft", folder.path() + "/shop.yaml");
  // A version is in the list before it is live, so the list is not what to wait for.
  EXPECT_TRUE(says_soon("reload done", 2)) << sufler->output();
  telegram.say(kAnna, "мак");
  EXPECT_EQ(texts(kAnna, 6)[4], "3: мак") << sufler->output();
}

TEST_F(ReloadTest, ARollbackStaysOverARestartUntilAReload) {
  serve();
  say(kAnna, "/start", 2);
  save(shop(2));
  EXPECT_EQ(command({"reload"}).code, 0);
  const Ran back = command({"rollback", "shop"});
  EXPECT_EQ(back.code, 0) << back.output;
  telegram.say(kAnna, "роза");
  EXPECT_EQ(texts(kAnna, 4)[2], "1: роза");
  EXPECT_THAT(command({"status"}).output, HasSubstr("ROLLED BACK"));
  stop();
  start();
  EXPECT_THAT(sufler->output(), HasSubstr("to which it was rolled back"));
  telegram.say(kAnna, "мак");
  EXPECT_EQ(texts(kAnna, 6)[4], "1: мак");
  EXPECT_EQ(command({"reload"}).code, 0);
  telegram.say(kAnna, "лён");
  EXPECT_EQ(texts(kAnna, 8)[6], "2: лён");
}

TEST_F(ReloadTest, WithoutAProcessTheNextStartServesWhatTheCommandsSaid) {
  serve();
  say(kAnna, "/start", 2);
  stop();
  save(shop(2));
  const Ran reload = command({"reload"});
  EXPECT_EQ(reload.code, 0) << reload.output;
  EXPECT_THAT(reload.output, HasSubstr("from the next start on"));
  EXPECT_EQ(command({"rollback", "shop"}).code, 0);
  start();
  telegram.say(kAnna, "роза");
  EXPECT_EQ(texts(kAnna, 4)[2], "1: роза");
}

TEST_F(ReloadTest, ABrokenFileAtTheStartDoesNotTakeTheBotOutOfService) {
  serve();
  say(kAnna, "/start", 2);
  stop();
  save("scenario: shop\nbranches: [\n");
  start();
  EXPECT_THAT(sufler->output(), HasSubstr("which was live before, is served"));
  telegram.say(kAnna, "роза");
  EXPECT_EQ(texts(kAnna, 4)[2], "1: роза");
}

TEST_F(ReloadTest, OnePersonRehearsesOverARestartUntilItIsStopped) {
  serve();
  say(kAnna, "/start", 2);
  say(kBoris, "/start", 2);
  folder.write("next.yaml", shop(2));
  const Ran rehearse = command({"rehearse", "shop", "next.yaml", "--user", "telegram:" + std::to_string(kAnna)});
  EXPECT_EQ(rehearse.code, 0) << rehearse.output;
  telegram.say(kAnna, "роза");
  EXPECT_EQ(texts(kAnna, 4)[2], "2: роза");
  telegram.say(kBoris, "роза");
  EXPECT_EQ(texts(kBoris, 4)[2], "1: роза");
  EXPECT_THAT(command({"status"}).output, HasSubstr("telegram:501 rehearses version"));
  stop();
  start();
  telegram.say(kAnna, "мак");
  EXPECT_EQ(texts(kAnna, 6)[4], "2: мак");
  EXPECT_EQ(command({"rehearse", "shop", "--user", "telegram:" + std::to_string(kAnna), "--stop"}).code, 0);
  telegram.say(kAnna, "лён");
  EXPECT_EQ(texts(kAnna, 8)[6], "1: лён");
}

/// Sends `price.txt` for any word, and at the end of a branch that is finished as it was begun.
std::string with_file(int number) {
  const std::string n = std::to_string(number);
  return "scenario: shop\nlanguage: ru\nstart: talk\nbranches:\n"
         "  talk:\n    - ask: word\n    - if: word == 'продажа'\n      then: [{call: sale}]\n"
         "      else: [{say: \"Цены " + n + "\", attach: price.txt}]\n    - go: talk\n"
         "  sale:\n    pin: true\n    steps:\n      - ask: sum\n      - say: \"Продано " + n + "\"\n        attach: price.txt\n"
         "questions:\n  word: {text: \"?\"}\n  sum: {text: \"Сумма?\"}\n";
}

class FileReloadTest : public ReloadTest {
 protected:
  void serve_files() {
    save_version(1);
    write_config("shop.yaml");
    start();
    say(kAnna, "/start", 1);
  }
  void save_version(int number) {
    folder.write("price.txt", file_of(number));
    save(with_file(number));
  }
  static std::string file_of(int number) { return "цены версии " + std::to_string(number); }
  /// What the file of the message holds.
  std::string sent_file(const fakes::SentMessage& message) {
    return message.files.empty() ? "no file" : telegram.file_bytes(message.files[0].file_id);
  }
  void remove_file(const std::string& name) { fs::remove_all(folder.path() + "/" + name); }
};

TEST_F(FileReloadTest, AMessageThatWaitsGoesOutWithTheFileItWasWrittenWith) {
  serve_files();
  fakes::Fault fault;
  fault.kind = "rate_limit";
  fault.method = "sendDocument";
  fault.times = -1;
  telegram.fail_next(fault);
  telegram.say(kAnna, "цены");
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (telegram.calls("sendDocument").empty() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(milliseconds(10));  // a refused call is no call that could be waited for
  ASSERT_FALSE(telegram.calls("sendDocument").empty());
  save(shop(2));
  remove_file("price.txt");
  EXPECT_EQ(command({"reload"}).code, 0);
  telegram.clear_faults();
  EXPECT_EQ(sent_file(messages(kAnna, 3)[1]), file_of(1));
}

TEST_F(FileReloadTest, APinnedVersionAndOneThatWasGoneBackToSendTheirOwnFiles) {
  serve_files();
  say(kAnna, "продажа", 2);
  save_version(2);
  EXPECT_EQ(command({"reload"}).code, 0);
  telegram.say(kAnna, "5");
  auto sent = messages(kAnna, 4);
  EXPECT_EQ(sent[2].text, "Продано 1");
  EXPECT_EQ(sent_file(sent[2]), file_of(1));
  telegram.say(kAnna, "цены");
  sent = messages(kAnna, 6);
  EXPECT_EQ(sent[4].text, "Цены 2");
  EXPECT_EQ(sent_file(sent[4]), file_of(2));
  EXPECT_EQ(command({"rollback", "shop"}).code, 0);
  telegram.say(kAnna, "цены");
  EXPECT_EQ(sent_file(messages(kAnna, 8)[6]), file_of(1));
  // Nothing of it is on the disk any more, not even a copy.
  stop();
  remove_file("price.txt");
  remove_file("data.db.versions");
  start();
  telegram.say(kAnna, "цены");
  EXPECT_EQ(sent_file(messages(kAnna, 10)[8]), file_of(1));
}

TEST_F(FileReloadTest, ARehearsalSendsTheFilesOfItsFolder) {
  serve_files();
  folder.write("next/scenario.yaml", with_file(2));
  folder.write("next/price.txt", file_of(2));
  EXPECT_EQ(command({"rehearse", "shop", "next", "--user", "telegram:" + std::to_string(kAnna)}).code, 0);
  remove_file("next");
  telegram.say(kAnna, "цены");
  EXPECT_EQ(sent_file(messages(kAnna, 3)[1]), file_of(2));
  say(kBoris, "/start", 1);
  telegram.say(kBoris, "цены");
  EXPECT_EQ(sent_file(messages(kBoris, 3)[1]), file_of(1));
}

TEST_F(FileReloadTest, MoreVersionsThanAreKeptInMemoryAreReadWhenSomebodyComes) {
  serve_files();
  constexpr int kVersions = 10;
  const auto person = [](int number) { return 600 + number; };
  for (int number = 1; number <= kVersions; ++number) {
    if (number > 1) {
      save_version(number);
      ASSERT_EQ(command({"reload"}).code, 0);
    }
    say(person(number), "/start", 1);
    say(person(number), "продажа", 2);
  }
  stop();
  start();
  for (int number = 1; number <= kVersions; ++number) telegram.say(person(number), "5");
  for (int number = 1; number <= kVersions; ++number) {
    const auto sold = messages(person(number), 4)[2];
    EXPECT_EQ(sold.text, "Продано " + std::to_string(number));
    EXPECT_EQ(sent_file(sold), file_of(number));
  }
}

/// Two bots on one process, `shop` with a scenario that cannot be read.
class LeftOutTest : public ReloadTest {
 protected:
  void serve_one_of_two(const std::string& more = {}) {
    environment["OTHER_TOKEN"] = other.token();
    folder.write("other.yaml", shop(7));
    save("scenario: shop\nbranches: [\n");
    write_config("shop.yaml", more);
    std::ofstream(folder.path() + "/sufler.yaml", std::ios::app)
        << "  other:\n    scenario: other.yaml\n    telegram: {token: \"${OTHER_TOKEN}\", api: \"" << other.url() << "\", "
        << fakes::kNoLimits << "}\n";
    launch();
    ASSERT_TRUE(other.wait_until_polling(true, kPatience)) << sufler->output();
  }
  void expect_served() {
    ASSERT_TRUE(telegram.wait_until_polling(true, kPatience)) << sufler->output();
    telegram.say(kAnna, "/start");
    EXPECT_EQ(texts(kAnna, 2)[0], "Привет 1");
  }

  fakes::FakeTelegram other;
};

/// Copies of one folder, whose owner changed the prices in one of them.
TEST_F(LeftOutTest, TwoBotsDoNotPutTheRowsOfTheirFilesIntoOneTable) {
  environment["OTHER_TOKEN"] = other.token();
  const auto with_prices = [](const std::string& file) {
    return "scenario: shop\nlanguage: en\nstart: prices\ntables:\n  products: {data: " + file +
           ", key: code, code: text, price: number}\nbranches:\n  prices:\n    - find: products\n      into: found\n    - say: \"{{ found[0].price }}\"\n";
  };
  folder.write("a.csv", "code;price\nA;1\n");
  folder.write("b.csv", "code;price\nA;2\n");
  folder.write("shop.yaml", with_prices("a.csv"));
  folder.write("other.yaml", with_prices("b.csv"));
  write_config("shop.yaml");
  std::ofstream(folder.path() + "/sufler.yaml", std::ios::app)
      << "  other:\n    scenario: other.yaml\n    telegram: {token: \"${OTHER_TOKEN}\", api: \"" << other.url() << "\", " << fakes::kNoLimits << "}\n";
  start();
  EXPECT_THAT(sufler->output(), HasSubstr("bot `other`: the table `products` is read from a file, and the bot `shop` has a table of this name in the same database"));
  telegram.say(kAnna, "/start");
  EXPECT_EQ(texts(kAnna, 1)[0], "1");
}

TEST_F(LeftOutTest, ABotThatWasLeftOutIsServedWhenItsScenarioIsWell) {
  serve_one_of_two();
  EXPECT_THAT(sufler->output(), HasSubstr("left out"));
  const Ran refused = command({"reload", "shop"});
  EXPECT_EQ(refused.code, 1) << refused.output;
  EXPECT_THAT(refused.output, HasSubstr("left out still"));
  EXPECT_THAT(command({"status"}).output, HasSubstr("left out"));
  save(shop(1));
  const Ran reload = command({"reload", "shop"});
  EXPECT_EQ(reload.code, 0) << reload.output;
  expect_served();
  other.say(kBoris, "/start");
  EXPECT_EQ(other.wait_for_messages(kBoris, 1, kPatience).at(0).text, "Привет 7");
  EXPECT_THAT(command({"status"}).output, Not(HasSubstr("left out")));
  // And it is reloaded like any other.
  save(shop(2));
  EXPECT_EQ(command({"reload", "shop"}).code, 0);
  telegram.say(kAnna, "роза");
  EXPECT_EQ(texts(kAnna, 4)[2], "2: роза");
}

TEST_F(LeftOutTest, ASavedFileIsEnoughWhereFilesAreWatched) {
  serve_one_of_two("reload: {watch: true}\n");
  save(shop(1));
  expect_served();
}

TEST_F(LeftOutTest, SighupTakesItToo) {
  serve_one_of_two();
  save(shop(1));
  sufler->signal(SIGHUP);
  expect_served();
}

TEST_F(ReloadTest, TheMenuOfCommandsFollows) {
  serve();
  save(shop(2, "") + "commands:\n  menu: {on: /menu, about: Меню, go: hello}\n");
  const Ran reload = command({"reload"});
  EXPECT_EQ(reload.code, 0) << reload.output;
  ASSERT_TRUE(telegram.wait_for_calls("setMyCommands", 1, kPatience));
  EXPECT_THAT(telegram.control("commands"), HasSubstr("menu"));
}

}  // namespace
}  // namespace sufler::tests

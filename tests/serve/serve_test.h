#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fakes/telegram/fake_telegram.h"
#include "serve/echo_scenario.h"
#include "serve/sufler_process.h"

namespace sufler::tests {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// How long a test waits for what must come; nobody waits so long when all is well.
constexpr seconds kPatience{60};
constexpr std::int64_t kAnna = 501;
constexpr std::int64_t kBoris = 502;
constexpr std::int64_t kAdmin = 900'001;

/// A Telegram, a folder with a configuration, and the program that serves it.
class ServeTest : public testing::Test {
 protected:
  ServeTest() { telegram.add_user({kAdmin, "Ольга", {}, {}, "ru"}); }

  /// Whatever else happens: the token stands nowhere, neither in the output nor in a file.
  void TearDown() override {
    sufler.reset();
    const std::string secret = telegram.token().substr(telegram.token().find(':') + 1);
    EXPECT_THAT(folder.files_that_hold(secret), testing::IsEmpty());
  }

  static std::string orders_scenario() {
    return std::string(SUFLER_SOURCE_DIR) + "/scenarios/orders";
  }

  void write_config(const std::string& scenario, const std::string& more = {}) {
    folder.write("sufler.yaml", "database: \"sqlite:data.db\"\n" + more +
                                    "bots:\n"
                                    "  shop:\n"
                                    "    scenario: " +
                                    scenario +
                                    "\n"
                                    "    telegram: {token: \"${TELEGRAM_TOKEN}\", api: \"" +
                                    telegram.url() +
                                    "\", " + fakes::kNoLimits + "}\n"
                                    "    roles: {admins: [\"telegram:" +
                                    std::to_string(kAdmin) + "\"]}\n");
  }

  void serve_echo() {
    folder.write("echo.yaml", kEcho);
    write_config("echo.yaml");
    start();
  }

  /// Starts the program and waits until it asks for updates.
  void start() {
    launch();
    ASSERT_TRUE(telegram.wait_until_polling(true, kPatience)) << sufler->output();
  }

  void launch() {
    SuflerOptions options;
    options.arguments = {"run", "sufler.yaml"};
    options.environment = environment;
    options.folder = folder.path();
    options.output = folder.path() + "/output.log";
    options.most_descriptors = most_descriptors;
    sufler.reset();
    // The poll of a process that was killed is no sign of life of the next one.
    EXPECT_TRUE(telegram.wait_until_polling(false, kPatience));
    sufler = std::make_unique<SuflerProcess>(options);
  }

  /// Stops it as an operator does.
  void stop() {
    sufler->signal(SIGTERM);
    EXPECT_EQ(sufler->wait(kPatience), 0) << sufler->output();
    // The connections of a process that has gone are closed; a poll of its time does not stay open.
    EXPECT_TRUE(telegram.wait_until_polling(false, kPatience));
  }

  /// All messages of the bot to the chat, once there are `count`.
  std::vector<fakes::SentMessage> messages(std::int64_t chat, std::size_t count) {
    auto sent = telegram.wait_for_messages(chat, count, kPatience);
    EXPECT_EQ(sent.size(), count) << "in the chat " << chat << "\n" << sufler->output();
    sent.resize(std::max(sent.size(), count));
    return sent;
  }
  std::vector<std::string> texts(std::int64_t chat, std::size_t count) {
    std::vector<std::string> all;
    for (const auto& one : messages(chat, count)) all.push_back(one.text);
    return all;
  }
  /// What the bot says to it, as the `count`-th message.
  fakes::SentMessage say(std::int64_t person, const std::string& text, std::size_t count) {
    telegram.say(person, text);
    return messages(person, count).back();
  }

  struct Ran {
    int code = -1;
    std::string output;
  };
  /// A command of an operator, with what is typed into it.
  Ran command(std::vector<std::string> words, const std::string& typed = {}) {
    SuflerOptions options;
    options.arguments = std::move(words);
    // Whoever types a command has no token.
    options.environment = {{"LC_ALL", "C.UTF-8"}};
    options.folder = folder.path();
    options.output = folder.path() + "/command-" + std::to_string(++commands_) + ".log";
    if (!typed.empty()) {
      folder.write("typed", typed);
      options.input = folder.path() + "/typed";
    }
    SuflerProcess process(options);
    Ran ran;
    ran.code = process.wait(kPatience).value_or(-1);
    ran.output = process.output();
    std::filesystem::remove(options.output);
    return ran;
  }
  json command_json(std::vector<std::string> words) {
    words.insert(words.end(), {"--format", "json"});
    const Ran ran = command(words);
    EXPECT_EQ(ran.code, 0) << ran.output;
    const json answer = json::parse(ran.output, nullptr, false);
    EXPECT_TRUE(answer.is_object()) << ran.output;
    return answer;
  }

  fakes::FakeTelegram telegram;
  TempFolder folder;
  std::map<std::string, std::string> environment = {{"TELEGRAM_TOKEN", telegram.token()},
                                                    {"LC_ALL", "C.UTF-8"}};
  unsigned long most_descriptors = 0;
  std::unique_ptr<SuflerProcess> sufler;

 private:
  int commands_ = 0;
};

}  // namespace sufler::tests

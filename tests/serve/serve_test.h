#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fakes/telegram/fake_telegram.h"
#include "serve/sufler_process.h"

namespace sufler::tests {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// How long a test waits for what must come; nobody waits so long when all is well.
constexpr seconds kPatience{30};
constexpr std::int64_t kAnna = 501;
constexpr std::int64_t kBoris = 502;
constexpr std::int64_t kAdmin = 900'001;

/// Answers every message with its own words; nothing else happens in it.
constexpr const char* kEcho = R"(scenario: echo
language: ru
start: hello
branches:
  hello:
    - say: Привет
    - go: loop
  loop:
    - ask: word
    - go: loop
questions:
  word: {text: "Вы сказали: {{ word | default('ничего') }}"}
)";

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
                                    "\"}\n"
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

  fakes::FakeTelegram telegram;
  TempFolder folder;
  std::map<std::string, std::string> environment = {{"TELEGRAM_TOKEN", telegram.token()},
                                                    {"LC_ALL", "C.UTF-8"}};
  unsigned long most_descriptors = 0;
  std::unique_ptr<SuflerProcess> sufler;
};

}  // namespace sufler::tests

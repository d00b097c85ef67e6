// Ends and breaks at named places of the program (interpreter/runtime/failpoint.h), and what a platform does to one
// request: answers that are lost, updates that come twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <iostream>
#include <optional>
#include <random>
#include <thread>

#include "fakes/telegram/test_client.h"
#include "faults/crowd.h"
#include "faults/rows.h"
#include "faults/small_shop.h"

namespace sufler::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

class CrashPointsTest : public testing::TestWithParam<DatabaseUnderTest> {
 protected:
  void SetUp() override {
#ifndef SUFLER_FAILPOINTS
    GTEST_SKIP() << "built without failpoints";
#endif
  }

  static Deployment::Settings shop(const std::string& failpoints) {
    Deployment::Settings settings;
    settings.database = GetParam();
    settings.environment = {{"SUFLER_FAILPOINTS", failpoints}};
    return settings;
  }
  static Deployment::Settings echo(const std::string& failpoints) {
    Deployment::Settings settings = shop(failpoints);
    settings.scenario = kEchoScenario;
    return settings;
  }

  /// Starts it again and again, as a service manager does, until the chat has heard the words; how often it died.
  static int live_through(Deployment& deployment, const std::string& words, std::int64_t chat) {
    int deaths = 0;
    for (const auto until = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < until;) {
      if (!deployment.runs(0)) {
        deployment.note_death();
        ++deaths;
        deployment.start();
      }
      for (const auto& message : deployment.telegram.messages(chat))
        if (message.text.find(words) != std::string::npos) return deaths;
      deployment.process().wait(milliseconds(10));
    }
    ADD_FAILURE() << "nobody heard: " << words << "\n" << deployment.output();
    return deaths;
  }
};

TEST_P(CrashPointsTest, ACrashBetweenSendingAndRecordingRepeatsThatMessageAtMost) {
  Deployment deployment(shop("sent:kill:25"));
  deployment.start();
  Crowd crowd(deployment, 5);
  ASSERT_EQ(deployment.process().wait(kPatience), 128 + SIGKILL) << deployment.output();
  deployment.note_death();
  deployment.start(0, {"/usr/bin/env", "-u", "SUFLER_FAILPOINTS"});
  finish(deployment, crowd);
}

TEST_P(CrashPointsTest, ACrashBetweenCommitAndAcknowledgementMakesNoSecondAnswer) {
  Deployment deployment(echo("stored:kill:3"));
  deployment.start();
  deployment.telegram.say(7, "/start");
  int deaths = 0;
  for (int i = 1; i <= 3; ++i) {
    deaths += live_through(deployment, i == 1 ? "ничего" : "слово " + std::to_string(i - 1), 7);
    deployment.telegram.say(7, "слово " + std::to_string(i));
  }
  deaths += live_through(deployment, "слово 3", 7);
  EXPECT_GE(deaths, 1);
  deployment.stop_all();
  std::vector<std::string> texts;
  for (const auto& message : deployment.telegram.messages(7))
    if (texts.empty() || texts.back() != message.text) texts.push_back(message.text);
  EXPECT_THAT(texts, testing::ElementsAre("Привет", "Вы сказали: ничего", "Вы сказали: слово 1", "Вы сказали: слово 2",
                                          "Вы сказали: слово 3"));
  EXPECT_EQ(rows_of(deployment.database_url(), "SELECT count(*) FROM journal WHERE event_id <> ''")[0][0], "4");
}

TEST_P(CrashPointsTest, AStepThatCrashesTheProcessIsADeadLetterAfterThreeAttempts) {
  Deployment deployment(echo("turn@яд:segv"));
  deployment.start();
  deployment.telegram.say(7, "/start");
  live_through(deployment, "ничего", 7);
  deployment.telegram.say(7, "яд");
  deployment.telegram.say(8, "/start");
  const int deaths = live_through(deployment, "Что-то пошло не так", 7);
  EXPECT_GE(deaths, 3);
  // Before the event is known to be a bad one, it may crash a whole batch once more.
  EXPECT_LE(deaths, 5);
  live_through(deployment, "ничего", 8);
  EXPECT_EQ(rows_of(deployment.database_url(), "SELECT kind, reason FROM dead_letters"),
            (std::vector<Row>{{"event", "the process died while playing it"}}));
  const std::size_t before = deployment.telegram.messages(7).size();
  deployment.telegram.say(7, "снова я");
  const auto answered = deployment.telegram.wait_for_messages(7, before + 1, kPatience);
  ASSERT_GT(answered.size(), before) << deployment.output();
  EXPECT_THAT(answered.back().text, HasSubstr("снова я"));
  deployment.stop_all();
  std::cout << "figure: " << deaths << " crashes, then a dead letter\n";
}

TEST_P(CrashPointsTest, MemoryThatRunsOutInATurnIsAFailedTurn) {
  Deployment deployment(echo("turn@много:memory"));
  deployment.start();
  deployment.telegram.say(7, "/start");
  ASSERT_EQ(deployment.telegram.wait_for_messages(7, 2, kPatience).size(), 2u);
  deployment.telegram.say(7, "много");
  deployment.telegram.say(8, "/start");
  EXPECT_EQ(deployment.telegram.wait_for_messages(8, 2, kPatience).size(), 2u) << deployment.output();
  EXPECT_GE(deployment.telegram.wait_for_messages(7, 3, kPatience).size(), 3u) << deployment.output();
  deployment.stop_all();
  EXPECT_EQ(rows_of(deployment.database_url(), "SELECT count(*) FROM dead_letters")[0][0], "1");
}

TEST_P(CrashPointsTest, ALostAnswerRepeatsTheMessageAtMostOnce) {
  Deployment deployment(shop(""));
  deployment.start();
  for (int i = 0; i < 5; ++i) deployment.telegram.fail_next({.kind = "lost_answer", .method = "sendMessage", .skip = 7 * i});
  Crowd crowd(deployment, 5);
  ASSERT_TRUE(crowd.finish()) << crowd->stuck() << deployment.output();
  deployment.stop_all();
  EXPECT_LE(repeated_messages(deployment.evidence(crowd->orders())), 5u);
}

INSTANTIATE_TEST_SUITE_P(Databases, CrashPointsTest,
                         testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres),
                         [](const auto& each) { return name_of(each.param); });

class WebhookFaultsTest : public testing::TestWithParam<DatabaseUnderTest> {
 protected:
  void SetUp() override {
    Deployment::Settings settings;
    settings.database = GetParam();
    settings.scenario = kEchoScenario;
    settings.pages = true;
    settings.webhook = "the-secret-of-the-webhook";
    deployment.emplace(settings);
    deployment->start();
    ASSERT_TRUE(deployment->becomes_ready(true, kPatience)) << deployment->output();
    ASSERT_TRUE(deployment->telegram.wait_for_calls("setWebhook", 1, kPatience)) << deployment->output();
  }

  int post(std::int64_t update, std::int64_t person, const std::string& text) {
    const std::string body = R"({"update_id":)" + std::to_string(update) + R"(,"message":{"message_id":)" +
                             std::to_string(update) + R"(,"date":)" + std::to_string(unix_ms() / 1000) +
                             R"(,"chat":{"id":)" + std::to_string(person) +
                             R"(,"type":"private","first_name":"Анна"},"from":{"id":)" + std::to_string(person) +
                             R"(,"is_bot":false,"first_name":"Анна"},"text":")" + text + R"("}})";
    const std::string request =
        "POST /telegram/shop HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
        "X-Telegram-Bot-Api-Secret-Token: the-secret-of-the-webhook\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    return fakes::converse(deployment->port(), request).status;
  }

  std::optional<Deployment> deployment;
};

TEST_P(WebhookFaultsTest, TheSameUpdateTwiceAtOnceIsPlayedOnce) {
  const int count = static_cast<int>(setting("SUFLER_WEBHOOK_TWINS", 1000));
  std::atomic<int> refused{0};
  for (std::int64_t person = 1; person <= 5; ++person) deployment->telegram.add_user({person});
  const auto bring = [&] {
    for (int i = 0; i < count; ++i) refused += post(1000 + i, 1 + i % 5, "слово " + std::to_string(i)) == 200 ? 0 : 1;
  };
  std::thread twin(bring);
  bring();
  twin.join();
  EXPECT_EQ(refused, 0);
  deployment->stop_all();
  EXPECT_EQ(rows_of(deployment->database_url(), "SELECT count(*), count(DISTINCT event_id) FROM journal WHERE event_id <> ''"),
            (std::vector<Row>{{std::to_string(count), std::to_string(count)}}));
  std::cout << "figure: " << count << " updates, each twice at once\n";
}

TEST_P(WebhookFaultsTest, UpdatesOutOfOrderWithGapsAndOldIdsKeepTheOrderOfEachChat) {
  constexpr int kPeople = 10, kWords = 8;
  std::mt19937_64 chance(setting("SUFLER_KILL_SEED", std::random_device{}()));
  std::vector<int> next(kPeople, 0);
  for (std::int64_t person = 1; person <= kPeople; ++person) deployment->telegram.add_user({person});
  // Ids grow within a chat alone, and have holes.
  const auto id_of = [](int person, int word) { return 5000 + 1000 * ((person * 7) % kPeople) + 3 * word; };
  for (int left = kPeople * kWords; left > 0;) {
    const int person = std::uniform_int_distribution<int>(0, kPeople - 1)(chance);
    int& word = next[static_cast<std::size_t>(person)];
    if (word > 0 && std::uniform_int_distribution<int>(0, 3)(chance) == 0) {
      const int old = std::uniform_int_distribution<int>(0, word - 1)(chance);
      EXPECT_EQ(post(id_of(person, old), person + 1, "слово " + std::to_string(old)), 200);
    }
    if (word == kWords) continue;
    EXPECT_EQ(post(id_of(person, word), person + 1, word == 0 ? "/start" : "слово " + std::to_string(word)), 200);
    ++word;
    --left;
  }
  for (int person = 1; person <= kPeople; ++person) {
    const auto sent = deployment->telegram.wait_for_messages(person, kWords + 1, kPatience);
    ASSERT_EQ(sent.size(), static_cast<std::size_t>(kWords + 1)) << deployment->output();
    for (int word = 1; word < kWords; ++word)
      EXPECT_EQ(sent[static_cast<std::size_t>(word) + 1].text, "Вы сказали: слово " + std::to_string(word));
  }
  deployment->stop_all();
}

INSTANTIATE_TEST_SUITE_P(Databases, WebhookFaultsTest,
                         testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres),
                         [](const auto& each) { return name_of(each.param); });

}  // namespace
}  // namespace sufler::tests

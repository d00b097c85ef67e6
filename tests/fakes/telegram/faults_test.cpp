#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "fakes/telegram/test_client.h"

namespace sufler::fakes {
namespace {

using std::chrono::milliseconds;

class FaultsTest : public ::testing::Test {
 protected:
  FaultsTest() {
    fake.add_user({.id = 5});
    fake.add_user({.id = 6});
  }
  Answer send(std::int64_t chat = 5) {
    return call(fake, "sendMessage", {{"chat_id", chat}, {"text", "x"}});
  }
  FakeTelegram fake;
};

TEST_F(FaultsTest, LimitsOneChatAndNamesTheWait) {
  fake.fail_next({.kind = "rate_limit", .method = "sendMessage", .chat = 5, .retry_after_s = 3});
  EXPECT_EQ(send(6).status, 200);
  const Answer limited = send(5);
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(verdict(limited), "Too Many Requests: retry after 3");
  EXPECT_EQ(limited.json()["parameters"]["retry_after"], 3);
  EXPECT_NE(limited.head.find("Retry-After: 3"), std::string::npos);
  EXPECT_EQ(send(5).status, 200);
  EXPECT_EQ(fake.messages(5).size(), 1u);
}

TEST_F(FaultsTest, AnswersWithServerErrorsOfBothKinds) {
  fake.fail_next({.kind = "server_error"});
  fake.fail_next({.kind = "bad_gateway"});
  EXPECT_EQ(verdict(send()), "Internal Server Error: restart");
  const Answer html = send();
  EXPECT_EQ(html.status, 502);
  EXPECT_TRUE(html.json().is_discarded());
  EXPECT_TRUE(fake.messages(5).empty());
}

TEST_F(FaultsTest, DropsTheConnectionBeforeOrAfterTheCall) {
  fake.fail_next({.kind = "drop", .method = "sendMessage"});
  EXPECT_EQ(send().status, 0);
  EXPECT_TRUE(fake.messages(5).empty());
  fake.fail_next({.kind = "lost_answer", .method = "sendMessage"});
  EXPECT_EQ(send().status, 0);
  EXPECT_EQ(fake.messages(5).size(), 1u) << "the call was applied, its answer is lost";
}

TEST_F(FaultsTest, SpoilsAnswers) {
  fake.fail_next({.kind = "garbage"});
  fake.fail_next({.kind = "truncated"});
  EXPECT_TRUE(send().json().is_discarded());
  EXPECT_TRUE(send().json().is_discarded());
  EXPECT_EQ(fake.messages(5).size(), 2u);
  const auto begin = std::chrono::steady_clock::now();
  fake.fail_next({.kind = "delay", .delay = milliseconds(200)});
  EXPECT_EQ(send().status, 200);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(200));
  fake.fail_next({.kind = "slow_body", .delay = milliseconds(5)});
  EXPECT_EQ(verdict(send()), "ok");
}

TEST_F(FaultsTest, RefusesAsToldAndAsOftenAsTold) {
  fake.fail_next({.kind = "migrated", .times = 2, .skip = 1, .migrate_to = -1009});
  EXPECT_EQ(send().status, 200);
  EXPECT_EQ(send().json()["parameters"]["migrate_to_chat_id"], -1009);
  EXPECT_EQ(send().status, 400);
  EXPECT_EQ(send().status, 200);
  fake.fail_next(
      {.kind = "custom", .status = 403, .description = "Forbidden: user is deactivated"});
  EXPECT_EQ(verdict(send()), "Forbidden: user is deactivated");
  EXPECT_THROW(fake.fail_next({.kind = "earthquake"}), std::runtime_error);
}

TEST_F(FaultsTest, SpoilsAPollWithoutLosingItsUpdates) {
  fake.say(5, "раз");
  fake.fail_next({.kind = "truncated", .method = "getUpdates"});
  EXPECT_TRUE(call(fake, "getUpdates").json().is_discarded());
  fake.fail_next({.kind = "server_error", .method = "getUpdates"});
  EXPECT_EQ(call(fake, "getUpdates").status, 500);
  EXPECT_EQ(updates(fake, Json::object()).size(), 1u);
}

TEST(RateLimitTest, AllowsOneASecondInAChat) {
  FakeTelegramOptions options;
  options.rate_limit = true;
  FakeTelegram fake(options);
  fake.say(5, "/start");
  fake.say(6, "/start");
  const auto send = [&](std::int64_t chat) {
    return call(fake, "sendMessage", {{"chat_id", chat}, {"text", "x"}}).status;
  };
  EXPECT_EQ(send(5), 200);
  EXPECT_EQ(send(5), 429);
  EXPECT_EQ(send(6), 200);
  fake.advance_clock(milliseconds(1100));
  EXPECT_EQ(send(5), 200);
}

TEST_F(FaultsTest, WritesDownEveryCall) {
  send();
  call(fake, "sendMessage", {{"chat_id", 5}});
  const auto calls = fake.calls("sendMessage");
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_TRUE(calls[0].ok);
  EXPECT_EQ(Json::parse(calls[0].params)["text"], "x");
  EXPECT_EQ(calls[1].error_code, 400);
  EXPECT_EQ(calls[1].description, "Bad Request: message text is empty");
}

TEST_F(FaultsTest, AnswersControlOverHttpAndWaits) {
  const auto control = [&](const std::string& path, const Json& body) {
    return request(fake.port(), "POST", "/control/" + path, "application/json", body.dump());
  };
  auto waiting = std::async(std::launch::async, [&] {
    return request(fake.port(), "GET", "/control/wait?chat=5&count=1&timeout_ms=5000").json();
  });
  send();
  const Json met = waiting.get();
  EXPECT_EQ(met["satisfied"], true);
  EXPECT_EQ(met["messages"][0]["text"], "x");
  EXPECT_EQ(
      request(fake.port(), "GET", "/control/wait?chat=5&count=9&timeout_ms=20").json()["satisfied"],
      false);
  EXPECT_EQ(control("say", {{"user", 5}, {"text", "/start"}}).status, 200);
  EXPECT_EQ(control("tap", {{"user", 5}, {"label", "нет"}}).status, 400);
  EXPECT_EQ(control("nonsense", Json::object()).status, 404);
  EXPECT_EQ(control("say", {{"user", "five"}, {"text", "x"}}).status, 400);
}

TEST(LoadTest, ServesAThousandChatsOverManyConnections) {
  FakeTelegram fake;
  constexpr int kChats = 1000;
  for (int i = 1; i <= kChats; ++i) fake.say(i, "/start");
  std::vector<std::future<int>> workers;
  for (int w = 0; w < 8; ++w) {
    workers.push_back(std::async(std::launch::async, [&fake, w] {
      int good = 0;
      for (int i = 1 + w; i <= kChats; i += 8) {
        good += call(fake, "sendMessage", {{"chat_id", i}, {"text", "x"}}).status == 200;
      }
      return good;
    }));
  }
  int good = 0;
  for (auto& worker : workers) good += worker.get();
  EXPECT_EQ(good, kChats);
  EXPECT_TRUE(fake.wait_for_calls("sendMessage", kChats));
}

TEST(WebhookTest, DeliversInOrderAndRetriesWithTheSecret) {
  FakeTelegramOptions options;
  options.webhook_time_scale = 0.01;
  FakeTelegram fake(options);
  fake.say(5, "раз");
  fake.say(5, "два");
  // A bot that refuses the first delivery and answers the second with a method call.
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  auto bot = std::async(std::launch::async, [&] {
    std::vector<std::string> seen;
    for (int i = 0; i < 3; ++i) {
      const int fd = accept(listener, nullptr, nullptr);
      std::string got;
      char buffer[8192];
      while (got.find("\"update_id\"") == std::string::npos || !got.ends_with("}")) {
        const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
        if (n <= 0) break;
        got.append(buffer, static_cast<std::size_t>(n));
      }
      seen.push_back(got);
      const std::string body =
          i == 1 ? R"({"method":"sendMessage","chat_id":5,"text":"из ответа"})" : "";
      const std::string answer =
          std::string("HTTP/1.1 ") + (i == 0 ? "500 No" : "200 OK") +
          "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
          "\r\n\r\n" + body;
      send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
      ::close(fd);
    }
    return seen;
  });
  const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/hook";
  EXPECT_EQ(verdict(call(fake, "setWebhook", {{"url", url}, {"secret_token", "s3cret"}})), "ok");
  const auto seen = bot.get();
  ::close(listener);
  EXPECT_NE(seen[0].find("X-Telegram-Bot-Api-Secret-Token: s3cret"), std::string::npos);
  EXPECT_NE(seen[0].find("раз"), std::string::npos);
  EXPECT_NE(seen[1].find("раз"), std::string::npos) << "a failed update comes again";
  EXPECT_NE(seen[2].find("два"), std::string::npos);
  EXPECT_EQ(fake.wait_for_messages(5, 1)[0].text, "из ответа");
}

}  // namespace
}  // namespace sufler::fakes

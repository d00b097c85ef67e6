// Calls of other systems to a real process: what was answered with 200 is played, once, whoever is killed when.
#include <httplib.h>
#include <sqlite3.h>

#include <set>
#include <thread>

#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kShop = R"(scenario: shop
language: en
start: hello
branches:
  hello:
    - say: hi
  paid:
    - save: payments
      values: {number: event.json.payment}
    - say: "{{ event.json.payment }} came"
  alone:
    - notify: admins
      text: "{{ event.json.payment }} is nobody's"
tables:
  payments: {number: text}
events:
  pay: {webhook: pay, secret: "${PAY_SECRET}", find_user: user.id == event.json.person, id: event.json.payment, limit: 1000/minute, branch: paid}
  stock: {webhook: stock, secret: "${PAY_SECRET}", limit: 3/hour, branch: alone}
)";

class EventServeTest : public ServeTest {
 protected:
  EventServeTest() {
    environment["PAY_SECRET"] = kSecret;
    folder.write("shop.yaml", kShop);
    write_config("shop.yaml", "http: {listen: \"127.0.0.1:" + std::to_string(port) + "\"}\n");
  }
  struct Answer {
    int status = 0;  ///< 0: none came
    std::string body;
  };
  Answer post(const std::string& name, const std::string& body, const std::string& secret = kSecret) const {
    httplib::Client client("127.0.0.1", port);
    client.set_read_timeout(kPatience);
    const auto answer = client.Post(("/hooks/shop/" + name).c_str(), {{"X-Webhook-Secret", secret}}, body, "application/json");
    return answer ? Answer{answer->status, answer->body} : Answer{};
  }
  Answer pay(const std::string& number) const {
    return post("pay", R"({"person": "501", "payment": ")" + number + R"("})");
  }

  /// Telegram may show a message twice that was on its way when a process died.
  std::set<std::string> heard(std::size_t at_least) {
    std::set<std::string> all;
    for (const auto& one : telegram.wait_for_messages(kAnna, at_least, kPatience)) all.insert(one.text);
    return all;
  }
  /// Of the stopped process.
  std::string asked(const std::string& query) const {
    sqlite3* db = nullptr;
    std::string answer;
    sqlite3_open_v2((folder.path() + "/data.db").c_str(), &db, SQLITE_OPEN_READONLY, nullptr);
    sqlite3_exec(db, query.c_str(), [](void* to, int, char** values, char**) {
      *static_cast<std::string*>(to) = values[0] ? values[0] : "";
      return 0;
    }, &answer, nullptr);
    sqlite3_close(db);
    return answer;
  }

  static constexpr const char* kSecret = "CANARY-secret-of-the-payments-4711";
  int port = free_port();
};

TEST_F(EventServeTest, ACallIsPlayedInTheDialogOfWhomItIsAbout) {
  start();
  EXPECT_EQ(pay("p1").status, 404);
  say(kAnna, "/start", 1);
  const Answer answer = pay("p1");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body, "{\"ok\":true}\n");
  EXPECT_EQ(messages(kAnna, 2)[1].text, "p1 came");
  EXPECT_EQ(pay("p1").body, "{\"ok\":true,\"repeated\":true}\n");
  EXPECT_EQ(post("pay", "{}", "CANARY-another-secret").status, 401);
  EXPECT_EQ(post("pay", "{}", "").status, 401);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(post("stock", R"({"payment": "p2"})").status, 200);
  EXPECT_EQ(post("stock", R"({"payment": "p2"})").status, 429);
  EXPECT_EQ(messages(kAdmin, 3)[2].text, "p2 is nobody's");
  stop();
  EXPECT_EQ(texts(kAnna, 2).size(), 2u);
}

TEST_F(EventServeTest, ABotWhoseSecretIsUnsetIsNotServed) {
  environment.erase("PAY_SECRET");
  launch();
  EXPECT_EQ(sufler->wait(kPatience), 1);
  EXPECT_THAT(sufler->output(), HasSubstr("PAY_SECRET"));
}

#ifdef SUFLER_FAILPOINTS
TEST_F(EventServeTest, WhatWasStoredIsPlayedByTheNextProcessThoughNobodyWasTold) {
  environment["SUFLER_FAILPOINTS"] = "hook_stored:kill";
  start();
  say(kAnna, "/start", 1);
  EXPECT_EQ(pay("p1").status, 0) << "the process dies between the commit and the answer";
  EXPECT_NE(sufler->wait(kPatience), 0);
  environment.erase("SUFLER_FAILPOINTS");
  start();
  EXPECT_EQ(messages(kAnna, 2)[1].text, "p1 came");
  // The caller heard nothing, and calls again.
  EXPECT_EQ(pay("p1").body, "{\"ok\":true,\"repeated\":true}\n");
  EXPECT_EQ(pay("p2").status, 200);
  EXPECT_EQ(messages(kAnna, 3)[2].text, "p2 came");
  stop();
}
#endif

TEST_F(EventServeTest, OfManyCallsNoneIsLostAndNoneDoubledWhenTheProcessIsKilled) {
  constexpr int kCalls = 40, kKills = 4;
  start();
  say(kAnna, "/start", 1);
  std::thread caller([&] {
    for (int call = 0; call < kCalls; ++call)
      // As payment systems do: again until it was heard.
      for (const auto until = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < until;) {
        if (pay("p" + std::to_string(call)).status == 200) break;
        std::this_thread::sleep_for(milliseconds(5));
      }
  });
  for (int kill = 0; kill < kKills; ++kill) {
    heard(static_cast<std::size_t>(2 + kill * 5));
    sufler->kill();
    start();
  }
  caller.join();
  // The last is behind all others.
  for (const auto until = std::chrono::steady_clock::now() + kPatience;
       heard(1 + kCalls).size() < 1 + kCalls && std::chrono::steady_clock::now() < until;)
    std::this_thread::sleep_for(milliseconds(5));
  stop();
  EXPECT_EQ(heard(1).size(), 1u + kCalls);
  EXPECT_EQ(asked("SELECT count(*) FROM payments"), std::to_string(kCalls));
  EXPECT_EQ(asked("SELECT count(DISTINCT number) FROM payments"), std::to_string(kCalls));
  EXPECT_EQ(asked("SELECT count(*) FROM inbox"), "0");
}

}  // namespace
}  // namespace sufler::tests

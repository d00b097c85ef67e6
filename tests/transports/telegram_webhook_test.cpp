#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "fakes/telegram/fake_telegram.h"
#include "interpreter/transports/listener.h"
#include "interpreter/transports/registry.h"
#include "interpreter/transports/telegram/telegram.h"
#include "transports/raw_client.h"
#include "transports/receiving.h"
#include "transports/telegram_calls.h"

namespace sufler {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kAnna = 5;
constexpr const char* kSecret = "canary-Secret_42";

/// A transport in webhook mode behind a listener, and the fake that delivers to it.
class TelegramWebhookTest : public testing::Test, protected Receiving {
 protected:
  TelegramWebhookTest() {
    Listener::Settings listening;
    listening.port = 0;
    listening.answer_time = seconds(5);
    listener = std::make_unique<Listener>(listening);
    const auto started = listener->start();
    EXPECT_TRUE(started);
    settings.token = fake.token();
    settings.api = fake.url();
    settings.backoff_first = milliseconds(2);
    settings.backoff_most = milliseconds(20);
    settings.webhook_url = "http://127.0.0.1:" + std::to_string(listener->port()) + "/telegram/shop";
    settings.webhook_secret = kSecret;
    fake.add_user({kAnna, "Анна", {}, {}, "ru"});
  }
  ~TelegramWebhookTest() override {
    for (const auto& done : std::exchange(held, {})) done(false);
    EXPECT_EQ(position, "") << "a webhook has none";
    listener.reset();
    transport.reset();
    client.stop(milliseconds(200));
  }

  static fakes::FakeTelegramOptions options() {
    fakes::FakeTelegramOptions chosen;
    chosen.webhook_time_scale = 0.01;
    return chosen;
  }

  void start(std::vector<BotCommandHint> menu = {}) {
    transport = make_telegram_transport(client, settings);
    listener->add_webhook("/telegram/shop", *transport);
    transport->start("100 1", std::move(menu), handlers());
  }
  void start_well() {
    start();
    ASSERT_TRUE(wait([&] { return !health.empty() && health.back() == "well"; }));
  }
  static std::string text_of(const Incoming& incoming) {
    const auto* said = std::get_if<UserMessage>(&incoming.event.what);
    return said == nullptr ? "no message" : said->text;
  }
  std::set<std::string> ids() {
    std::lock_guard lock(mutex);
    std::set<std::string> out;
    for (const Incoming& one : got) out.insert(one.id);
    return out;
  }
  void fail(const std::string& kind, const std::string& method, int times = 1) {
    fakes::Fault fault;
    fault.kind = kind;
    fault.method = method;
    fault.times = times;
    fault.retry_after_s = 0;
    fake.fail_next(fault);
  }
  json webhook_info() { return call("getWebhookInfo", "{}")["result"]; }
  json call(const std::string& method, const std::string& body) {
    std::promise<std::string> answer;
    HttpRequest request;
    request.url = fake.url() + "/bot" + fake.token() + "/" + method;
    request.body = body;
    client.submit(request, [&](HttpAnswer came) { answer.set_value(came.body); });
    return json::parse(answer.get_future().get());
  }
  RawAnswer bring(const std::string& body, const std::string& secret = kSecret) {
    const std::string header =
        secret.empty() ? std::string() : "X-Telegram-Bot-Api-Secret-Token: " + secret + "\r\n";
    return RawClient(listener->port()).ask(post("/telegram/shop", body, header));
  }
  static std::string update(int id, const std::string& text) {
    return json{{"update_id", id},
                {"message",
                 {{"message_id", id},
                  {"date", 1},
                  {"chat", {{"id", kAnna}, {"type", "private"}}},
                  {"from", {{"id", kAnna}, {"is_bot", false}, {"first_name", "Анна"}}},
                  {"text", text}}}}
        .dump();
  }

  fakes::FakeTelegram fake{options()};
  HttpClient client;
  std::unique_ptr<Listener> listener;
  TelegramSettings settings;
  std::unique_ptr<Transport> transport;
};

// ------------------------------------------------------------------- the address

TEST_F(TelegramWebhookTest, TellsTelegramWhereAndWhatItWants) {
  settings.webhook_connections = 7;
  start({{"menu", "Меню"}});
  ASSERT_TRUE(fake.wait_for_calls("setWebhook", 1));
  const json params = params_of(fake.calls("setWebhook").at(0));
  EXPECT_EQ(params["url"], settings.webhook_url);
  EXPECT_EQ(params["secret_token"], kSecret);
  EXPECT_EQ(params["max_connections"], 7);
  EXPECT_EQ(params["allowed_updates"], (json{"message", "edited_message", "callback_query", "my_chat_member"}));
  EXPECT_FALSE(params.contains("drop_pending_updates"));
  ASSERT_TRUE(wait([&] { return !health.empty(); }));
  EXPECT_EQ(health, std::vector<std::string>{"well"});
  EXPECT_TRUE(fake.wait_for_calls("setMyCommands", 1));
  EXPECT_TRUE(fake.calls("getUpdates").empty());
  EXPECT_TRUE(transport->repeats_events());
}

TEST_F(TelegramWebhookTest, GoesOnUntilTheAddressIsTaken) {
  for (const char* kind : {"server_error", "bad_gateway", "drop", "truncated", "garbage", "rate_limit", "conflict"}) {
    fail(kind, "setWebhook");
  }
  start();
  ASSERT_TRUE(wait([&] { return !health.empty() && health.back() == "well"; }));
  ASSERT_EQ(health.size(), 2U);
  EXPECT_THAT(health[0], HasSubstr("ill: Telegram"));
  for (const std::string& hidden : {std::string(kSecret), fake.token()}) EXPECT_THAT(health[0], Not(HasSubstr(hidden)));
  EXPECT_EQ(failure, "");
}

TEST_F(TelegramWebhookTest, WaitsAsLongAsItIsTold) {
  fakes::Fault fault;
  fault.kind = "rate_limit";
  fault.method = "setWebhook";
  fault.retry_after_s = 1;
  fake.fail_next(fault);
  const auto began = std::chrono::steady_clock::now();
  start_well();
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds(990));
  EXPECT_EQ(fake.calls("setWebhook").size(), 2U);
}

TEST_F(TelegramWebhookTest, AnAddressThatTelegramRefusesIsToldWithItsReason) {
  settings.webhook_url = "http://example.com/telegram/shop";
  start();
  // And asked again: it may be in order later.
  for (int i = 0; i < 2000 && fake.calls("setWebhook").size() < 2; ++i) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_GE(fake.calls("setWebhook").size(), 2U);
  ASSERT_TRUE(wait([&] { return !health.empty(); }));
  EXPECT_THAT(health[0], HasSubstr("ill: Telegram does not take the webhook: 400 Bad Request: bad webhook"));
  EXPECT_EQ(health.size(), 1U);
}

TEST_F(TelegramWebhookTest, ARevokedTokenIsToldAndEndsTheAttempts) {
  fake.revoke_token();
  start();
  ASSERT_TRUE(wait([&] { return !failure.empty(); }));
  EXPECT_THAT(failure, HasSubstr("does not accept the token"));
  EXPECT_THAT(failure, Not(HasSubstr(fake.token())));
}

TEST_F(TelegramWebhookTest, StaysAtTheStopUnlessItIsToBeRemoved) {
  start_well();
  transport->stop_receiving();
  transport->stop_receiving();
  client.stop(seconds(5));
  EXPECT_TRUE(fake.calls("deleteWebhook").empty());
}

TEST_F(TelegramWebhookTest, IsRemovedAtTheStopWhenConfigured) {
  settings.remove_webhook = true;
  start_well();
  transport->stop_receiving();
  transport->stop_receiving();
  client.stop(seconds(5));
  ASSERT_EQ(fake.calls("deleteWebhook").size(), 1U);
  EXPECT_EQ(params_of(fake.calls("deleteWebhook").at(0))["drop_pending_updates"], "false");
}

TEST_F(TelegramWebhookTest, ARemovalComesAfterTheSettingThatIsUnderWay) {
  settings.remove_webhook = true;
  fakes::Fault fault;
  fault.kind = "delay";
  fault.method = "setWebhook";
  fault.delay = milliseconds(100);
  fake.fail_next(fault);
  start();
  ASSERT_TRUE(fake.wait_for_calls("setWebhook", 1));
  transport->stop_receiving();
  client.stop(seconds(5));
  EXPECT_EQ(fake.calls("deleteWebhook").size(), 1U);
}

TEST_F(TelegramWebhookTest, IsSetAgainWhenAnotherProgramTookItAway) {
  settings.webhook_check = milliseconds(20);
  start_well();
  fake.advance_clock(seconds(2));  // two settings within a second are refused
  ASSERT_EQ(call("deleteWebhook", "{}")["ok"], true);
  ASSERT_TRUE(fake.wait_for_calls("setWebhook", 2));
  ASSERT_TRUE(wait([&] { return health.size() >= 3; }));
  EXPECT_EQ(health, (std::vector<std::string>{
                        "well", "ill: the webhook was removed or changed by another program", "well"}));
  EXPECT_EQ(webhook_info()["url"], settings.webhook_url);
}

TEST_F(TelegramWebhookTest, WhatTelegramCannotDeliverIsToldOnceForEachTrouble) {
  settings.webhook_check = milliseconds(20);
  start_well();
  const auto answer_with = [&](int status) {
    listener->add_webhook("/telegram/shop", [status](WebhookRequest, auto answer) { answer({status, {}, {}}); });
  };
  const auto checks = [&](std::size_t more) {
    return fake.wait_for_calls("getWebhookInfo", fake.calls("getWebhookInfo").size() + more);
  };
  fake.advance_clock(seconds(5));
  answer_with(500);
  const std::int64_t id = fake.say(kAnna, "привет");
  ASSERT_TRUE(wait([&] { return !warnings.empty(); }));
  EXPECT_THAT(warnings[0], AllOf(HasSubstr("Telegram cannot deliver updates: "), HasSubstr("500"), HasSubstr("1 waiting")));
  EXPECT_THAT(warnings[0], AllOf(Not(HasSubstr(kSecret)), Not(HasSubstr(fake.token()))));
  ASSERT_TRUE(checks(5));
  EXPECT_EQ(warnings.size(), 1U);
  // Another reason is another trouble.
  fake.advance_clock(seconds(60));
  answer_with(403);
  ASSERT_TRUE(wait([&] { return warnings.size() >= 2; }));
  EXPECT_THAT(warnings[1], HasSubstr("403"));
  listener->add_webhook("/telegram/shop", *transport);
  fake.advance_clock(seconds(60));
  EXPECT_TRUE(fake.wait_until_confirmed(id));
  ASSERT_TRUE(checks(3));
  EXPECT_EQ(warnings.size(), 2U);
  EXPECT_EQ(health, std::vector<std::string>{"well"});  // serving went on
}

TEST_F(TelegramWebhookTest, ATroubleOfTheTimeBeforeTheStartIsNotTold) {
  settings.webhook_check = milliseconds(20);
  listener->add_webhook("/telegram/shop", [](WebhookRequest, auto answer) { answer({500, {}, {}}); });
  ASSERT_EQ(call("setWebhook", json{{"url", settings.webhook_url}, {"secret_token", kSecret}}.dump())["ok"], true);
  fake.say(kAnna, "привет");
  for (int i = 0; i < 2000 && !webhook_info().contains("last_error_date"); ++i) std::this_thread::sleep_for(milliseconds(5));
  ASSERT_TRUE(webhook_info().contains("last_error_date"));
  const std::int64_t failed_at = webhook_info()["last_error_date"];
  settings.now = [failed_at] { return (failed_at + 1) * 1000; };
  start();
  ASSERT_TRUE(wait_for_updates(1));
  const std::size_t before = fake.calls("getWebhookInfo").size();
  ASSERT_TRUE(fake.wait_for_calls("getWebhookInfo", before + 3));
  EXPECT_TRUE(warnings.empty());
}

// ------------------------------------------------------------------- what comes

TEST_F(TelegramWebhookTest, UpdatesArriveAndAreConfirmedOnceStored) {
  hold = true;
  start_well();
  const std::int64_t id = fake.say(kAnna, "привет");
  ASSERT_TRUE(wait([&] { return held.size() == 1; }));
  EXPECT_EQ(text_of(got[0]), "привет");
  EXPECT_EQ(got[0].id, std::to_string(id));
  EXPECT_EQ(fake.pending_updates(), 1U);
  std::exchange(held, {})[0](true);
  EXPECT_TRUE(fake.wait_until_confirmed(id));
  EXPECT_EQ(got.size(), 1U);
}

TEST_F(TelegramWebhookTest, WhatWasNotStoredIsDeliveredAgain) {
  refusals = 2;
  start_well();
  const std::int64_t id = fake.say(kAnna, "привет");
  EXPECT_TRUE(fake.wait_until_confirmed(id));
  EXPECT_EQ(got.size(), 3U);
  EXPECT_EQ(ids().size(), 1U);
  ASSERT_TRUE(wait([&] { return health.size() >= 3; }));
  EXPECT_EQ(health, (std::vector<std::string>{"well", "ill: updates could not be stored", "well"}));
}

TEST_F(TelegramWebhookTest, AForgedRequestIsRefusedBeforeItIsRead) {
  start_well();
  const std::string secret = kSecret;
  for (const std::string& wrong : {std::string(), std::string("x"), secret.substr(1), secret + "x", secret + secret,
                                   std::string("CANARY-secret_42"), std::string(256, 'a'), "Bearer " + secret}) {
    for (const std::string& body : {update(1, "forged"), std::string("{"), std::string()}) {
      const RawAnswer answer = bring(body, wrong);
      EXPECT_EQ(answer.status, 401) << wrong;
      EXPECT_EQ(answer.body, "");
    }
  }
  EXPECT_EQ(bring(update(2, "true")).status, 200);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(text_of(got[0]), "true");
  EXPECT_EQ(listener->counts().webhooks.at("/telegram/shop").at(401), 24U);
}

TEST_F(TelegramWebhookTest, WhatMakesNoSenseIsTakenLestItComeAgain) {
  start_well();
  const std::string deep = std::string(10'000, '[') + std::string(10'000, ']');
  std::string nested = R"({"update_id":1,"message":)";
  for (int i = 0; i < 10'000; ++i) nested += R"({"a":)";
  nested += "1" + std::string(10'001, '}');
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("null"), std::string("[]"), std::string("\xff\xfe"),
        std::string("{\"update_id\":\"x\"}"), deep, nested, std::string(1 << 20, '['),
        std::string(R"({"update_id":7,"new_kind":{"a":1}})"), std::string(R"({"update_id":8})"),
        std::string(R"({"update_id":9,"message":{"message_id":1}})")}) {
    const RawAnswer answer = bring(body);
    EXPECT_EQ(answer.status, 200) << body.substr(0, 60);
    EXPECT_EQ(answer.body, "");
  }
  EXPECT_TRUE(got.empty());
  EXPECT_EQ(bring(std::string(10 << 20, '[')).status, 413);
  EXPECT_EQ(bring(update(10, "все на месте")).status, 200);
  EXPECT_EQ(got.size(), 1U);
}

TEST_F(TelegramWebhookTest, TheSameUpdateTwiceAtOnceIsAnsweredTwice) {
  start_well();
  std::vector<std::future<int>> answers;
  for (int i = 0; i < 4; ++i) {
    answers.push_back(std::async(std::launch::async, [this] {
      RawClient one(listener->port());
      int well = 0;
      for (int id = 1; id <= 100; ++id) {
        const std::string header = std::string("X-Telegram-Bot-Api-Secret-Token: ") + kSecret + "\r\n";
        well += one.ask(post("/telegram/shop", update(id, "a"), header)).status == 200 ? 1 : 0;
      }
      return well;
    }));
  }
  for (auto& one : answers) EXPECT_EQ(one.get(), 100);
  EXPECT_EQ(ids().size(), 100U);
}

TEST_F(TelegramWebhookTest, ACommandOfAGroupWaitsForTheName) {
  fail("server_error", "getMe");
  fake.add_group(-1001, "Команда");
  start();
  fake.say(kAnna, "/menu@other_bot", {-1001});
  const std::int64_t id = fake.say(kAnna, "/menu@sufler_test_bot", {-1001});
  EXPECT_TRUE(fake.wait_until_confirmed(id));
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(text_of(got[0]), "/menu");
}

TEST_F(TelegramWebhookTest, WithoutANameACommandIsTakenForOurs) {
  fail("server_error", "getMe", -1);
  fake.add_group(-1001, "Команда");
  start();
  const std::int64_t id = fake.say(kAnna, "/menu@sufler_test_bot", {-1001});
  EXPECT_TRUE(fake.wait_until_confirmed(id));
  ASSERT_EQ(got.size(), 1U);
}

TEST_F(TelegramWebhookTest, AfterTheStopUpdatesAreLeftToTelegram) {
  start_well();
  EXPECT_EQ(bring(update(1, "a")).status, 200);
  transport->stop_receiving();
  const RawAnswer answer = bring(update(2, "b"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.head, HasSubstr("Retry-After: 1"));
  EXPECT_EQ(bring(update(2, "b"), "wrong").status, 401);
  EXPECT_EQ(got.size(), 1U);
}

TEST_F(TelegramWebhookTest, BeforeTheStartUpdatesAreLeftToTelegram) {
  transport = make_telegram_transport(client, settings);
  listener->add_webhook("/telegram/shop", *transport);
  EXPECT_EQ(bring(update(1, "a")).status, 503);
}

TEST_F(TelegramWebhookTest, PollingTakesNoWebhooks) {
  settings.webhook_url.clear();
  transport = make_telegram_transport(client, settings);
  EXPECT_FALSE(transport->repeats_events());
  listener->add_webhook("/telegram/shop", *transport);
  EXPECT_EQ(bring(update(1, "a")).status, 404);
}

TEST_F(TelegramWebhookTest, ASendWorksAsWithPolls) {
  start_well();
  Message message;
  message.text.text = "Здравствуйте";
  std::promise<Outcome> sent;
  transport->deliver({"telegram", "5"}, transport->render({"telegram", "5"}, message).at(0),
                     [&](Outcome outcome) { sent.set_value(std::move(outcome)); });
  EXPECT_EQ(sent.get_future().get().kind, Outcome::Kind::Sent);
}

// ------------------------------------------------------------------- registration

TEST(TelegramWebhookOptionsTest, AWebhookWithoutAnAddressOrASecretIsRefusedWithTheWayOut) {
  HttpClient client;
  const TransportKind* kind = find_transport("telegram");
  const auto refusal = [&](std::map<std::string, std::string, std::less<>> more,
                           const std::string& url = "https://bot.example.com/telegram/shop") {
    TransportSettings settings;
    settings.options = {{"token", "123:abc"}, {"mode", "webhook"}, {"secret", "s3cret"}};
    for (auto& [key, value] : more) settings.options[key] = value;
    settings.webhook_url = url;
    auto made = kind->make(client, settings);
    return made ? std::string() : made.error();
  };
  EXPECT_EQ(refusal({}), "");
  EXPECT_THAT(refusal({}, ""), HasSubstr("add `public_url` under `http`"));
  EXPECT_THAT(refusal({}, "http://bot.example.com/telegram/shop"), HasSubstr("https"));
  EXPECT_EQ(refusal({{"api", "http://127.0.0.1:1"}}, "http://127.0.0.1/telegram/shop"), "");
  EXPECT_THAT(refusal({{"secret", ""}}), HasSubstr("add `secret:"));
  for (const std::string& secret :
       {std::string("canary secret"), std::string("canary\xD1\x8F"), std::string(257, 'c')}) {
    EXPECT_THAT(refusal({{"secret", secret}}), HasSubstr("1 to 256"));
    EXPECT_THAT(refusal({{"secret", secret}}), Not(HasSubstr("canary")));
  }
  EXPECT_EQ(refusal({{"secret", std::string(256, 'c')}}), "");
  for (const char* connections : {"0", "101", "-1", "ten", "4 "}) {
    EXPECT_THAT(refusal({{"max_connections", connections}}), HasSubstr("from 1 to 100")) << connections;
  }
  EXPECT_EQ(refusal({{"max_connections", "100"}}), "");
  EXPECT_THAT(refusal({{"remove_webhook", "maybe"}}), HasSubstr("`true` or `false`"));
  EXPECT_THAT(refusal({{"mode", "carrier"}}), HasSubstr("`polling` or `webhook`"));
}

}  // namespace
}  // namespace sufler

// Several bots in one process, webhooks, and the pages for operators.
#include <httplib.h>

#include <fstream>
#include <thread>

#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kNames = R"(scenario: names
language: ru
start: hello
branches:
  hello:
    - ask: name
    - save: people
    - count: people
      into: n
    - say: "{{ name }}: {{ n }}"
questions:
  name: {text: "Как вас зовут?"}
tables:
  people: {name: text}
)";

class ManyBotsTest : public testing::Test {
 protected:
  static fakes::FakeTelegramOptions two_bots() {
    fakes::FakeTelegramOptions options;
    options.bots = {{"7000000001:AAfirst-CANARY-of-the-fake-telegram", "first_bot"},
                    {"7000000002:AAsecond-CANARY-of-the-fake-telegr", "second_bot"}};
    options.webhook_time_scale = 0.01;
    return options;
  }

  void TearDown() override {
    sufler.reset();
    for (const std::size_t bot : {0, 1}) {
      const std::string token = telegram.token(bot);
      EXPECT_THAT(folder.files_that_hold(token.substr(token.find(':') + 1)), IsEmpty());
    }
    EXPECT_THAT(folder.files_that_hold(kSecret), IsEmpty());
  }

  std::string bot(const std::string& name, const std::string& scenario, const std::string& token,
                  const std::string& more = {}) const {
    return "  " + name + ":\n    scenario: " + scenario + "\n    telegram: {token: \"" + token + "\", api: \"" +
           telegram.url() + "\", " + fakes::kNoLimits + more + "}\n";
  }
  void launch(const std::string& bots, const std::string& more = {}) {
    folder.write("echo.yaml", kEcho);
    folder.write("names.yaml", kNames);
    folder.write("sufler.yaml", "database: \"sqlite:data.db\"\n" + more + "bots:\n" + bots);
    SuflerOptions options;
    options.arguments = {"run", "sufler.yaml"};
    options.environment = environment;
    options.folder = folder.path();
    options.output = folder.path() + "/output.log";
    sufler.reset();
    sufler = std::make_unique<SuflerProcess>(options);
  }
  void stop() {
    sufler->signal(SIGTERM);
    EXPECT_EQ(sufler->wait(kPatience), 0) << sufler->output();
  }
  std::vector<std::string> texts(std::int64_t chat, std::size_t count, std::size_t bot = 0) {
    std::vector<std::string> all;
    for (const auto& one : telegram.wait_for_messages(chat, count, kPatience, bot)) all.push_back(one.text);
    EXPECT_EQ(all.size(), count) << sufler->output();
    return all;
  }

  /// The configuration of a listener and the webhook of the first bot.
  void launch_with_webhook(const std::string& more = {}) {
    port = free_port();
    const std::string address = "127.0.0.1:" + std::to_string(port);
    launch(bot("shop", "names.yaml", "${FIRST}", ", mode: webhook, secret: \"${SECRET}\"" + more),
           "http: {listen: \"" + address + "\", public_url: \"http://" + address + "\"}\n");
    ASSERT_TRUE(telegram.wait_for_calls("setWebhook", 1, kPatience)) << sufler->output();
    wait_until_ready();
  }
  void wait_until_ready() {
    httplib::Client client("127.0.0.1", port);
    for (const auto until = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < until;) {
      const auto answer = client.Get("/readyz");
      if (answer && answer->status == 200) return;
      std::this_thread::sleep_for(milliseconds(10));
    }
    FAIL() << sufler->output();
  }
  int post(const std::string& path, const std::string& body, const httplib::Headers& headers) const {
    httplib::Client client("127.0.0.1", port);
    client.set_read_timeout(kPatience);
    const auto answer = client.Post(path.c_str(), headers, body, "application/json");
    return answer ? answer->status : 0;
  }
  std::string page(const char* path) const {
    httplib::Client client("127.0.0.1", port);
    const auto answer = client.Get(path);
    // Kept, so that it is searched for secrets with all else.
    std::ofstream(folder.path() + "/pages.log", std::ios::app) << (answer ? answer->body : std::string());
    return answer ? answer->body : "no answer";
  }

  static constexpr const char* kSecret = "CANARY-secret-of-the-webhook-4711";
  fakes::FakeTelegram telegram{two_bots()};
  TempFolder folder;
  std::map<std::string, std::string> environment = {{"FIRST", telegram.token(0)},
                                                    {"SECOND", telegram.token(1)},
                                                    {"SECRET", kSecret},
                                                    {"LC_ALL", "C.UTF-8"}};
  std::unique_ptr<SuflerProcess> sufler;
  int port = 0;
};

TEST_F(ManyBotsTest, EachHasItsScenarioAndItsPeople) {
  launch(bot("echo", "echo.yaml", "${FIRST}") + bot("names", "names.yaml", "${SECOND}"));
  telegram.say(kAnna, "/start", {0, 0});
  telegram.say(kAnna, "/start", {0, 1});
  EXPECT_THAT(texts(kAnna, 2, 0), ElementsAre("Привет", "Вы сказали: ничего"));
  EXPECT_THAT(texts(kAnna, 1, 1), ElementsAre("Как вас зовут?"));
  telegram.say(kAnna, "Анна", {0, 1});
  EXPECT_THAT(texts(kAnna, 2, 1), ElementsAre("Как вас зовут?", "Анна: 1"));
  stop();
}

TEST_F(ManyBotsTest, ABrokenScenarioDoesNotKeepTheOthersFromServing) {
  folder.write("broken.yaml", "scenario: broken\nbranches:\n  main:\n    - go: nowhere\n");
  launch(bot("broken", "broken.yaml", "${FIRST}") + bot("names", "names.yaml", "${SECOND}"));
  telegram.say(kAnna, "/start", {0, 1});
  texts(kAnna, 1, 1);
  EXPECT_THAT(sufler->output(), AllOf(HasSubstr("broken.yaml:4:"), HasSubstr("`broken`")));
  EXPECT_THAT(telegram.calls("getUpdates"), Not(IsEmpty()));
  stop();
}

TEST_F(ManyBotsTest, ATokenOfNoShapeDoesNotKeepTheOthersFromServing) {
  environment["FIRST"] = "CANARY";
  launch(bot("first", "echo.yaml", "${FIRST}") + bot("names", "names.yaml", "${SECOND}"));
  telegram.say(kAnna, "/start", {0, 1});
  texts(kAnna, 1, 1);
  EXPECT_THAT(sufler->output(), AllOf(HasSubstr("`first`"), Not(HasSubstr("CANARY"))));
  stop();
}

TEST_F(ManyBotsTest, ATokenRevokedWhileServingStopsOnlyItsBot) {
  launch(bot("echo", "echo.yaml", "${FIRST}") + bot("names", "names.yaml", "${SECOND}"));
  telegram.say(kAnna, "/start", {0, 0});
  texts(kAnna, 2, 0);
  telegram.revoke_token(true, 0);
  telegram.say(kAnna, "/start", {0, 1});
  texts(kAnna, 1, 1);
  EXPECT_TRUE(telegram.wait_until_polling(true, kPatience, 1));
  telegram.say(kAnna, "Анна", {0, 1});
  EXPECT_THAT(texts(kAnna, 2, 1), ElementsAre("Как вас зовут?", "Анна: 1"));
  stop();
}

TEST_F(ManyBotsTest, WithNoBotLeftTheProgramEnds) {
  folder.write("broken.yaml", "scenario: broken\n");
  environment["SECOND"] = "CANARY";
  launch(bot("broken", "broken.yaml", "${FIRST}") + bot("names", "names.yaml", "${SECOND}"));
  EXPECT_EQ(sufler->wait(kPatience), 1) << sufler->output();
  EXPECT_THAT(telegram.calls(), IsEmpty());
}

TEST_F(ManyBotsTest, AWebhookBringsUpdatesAndPagesTellOfThem) {
  launch_with_webhook();
  telegram.say(kAnna, "/start");
  telegram.say(kBoris, "/start");
  texts(kAnna, 1);
  telegram.say(kAnna, "Анна");
  EXPECT_THAT(texts(kAnna, 2), ElementsAre("Как вас зовут?", "Анна: 1"));
  EXPECT_THAT(telegram.calls("getUpdates"), IsEmpty());
  EXPECT_EQ(page("/healthz"), "ok\n");
  const std::string metrics = page("/metrics");
  EXPECT_THAT(metrics, AllOf(HasSubstr("sufler_updates_total{bot=\"shop\"} 3\n"),
                             HasSubstr("sufler_turns_total{bot=\"shop\"} 3\n"),
                             HasSubstr("sufler_transport_up{bot=\"shop\",transport=\"telegram\"} 1\n"),
                             HasSubstr("sufler_waiting_for_pace{bot=\"shop\",limit=\"chat\"} 0\n"),
                             HasSubstr("sufler_storage_up 1\n")));
  stop();
}

TEST_F(ManyBotsTest, WhatIsForgedChangesNothing) {
  launch_with_webhook();
  const auto update = [](int id, const std::string& text) {
    return R"({"update_id":)" + std::to_string(id) + R"(,"message":{"message_id":1,"date":)" +
           std::to_string(unix_ms() / 1000) + R"(,"text":")" + text +
           R"(","chat":{"id":501,"type":"private"},"from":{"id":501,"is_bot":false,"first_name":"A"}}})";
  };
  const char* header = "X-Telegram-Bot-Api-Secret-Token";
  telegram.add_user({kAnna, "Анна", {}, {}, "ru"});
  EXPECT_EQ(post("/telegram/shop", update(900, "/start"), {}), 401);
  EXPECT_EQ(post("/telegram/shop", update(900, "/start"), {{header, "wrong"}}), 401);
  EXPECT_EQ(post("/telegram/shop", update(900, "/start"), {{header, std::string(kSecret) + "x"}}), 401);
  EXPECT_THAT(page("/metrics"), HasSubstr("sufler_forged_total{bot=\"shop\",transport=\"telegram\"} 3\n"));
  EXPECT_THAT(sufler->output(), AllOf(HasSubstr("wrong secret so far: 1"), Not(HasSubstr("wrong secret so far: 2"))));
  EXPECT_THAT(sufler->output(), Not(HasSubstr("whoever reaches this address"))) << "it is a loopback address";
  EXPECT_EQ(post("/telegram/other", update(900, "/start"), {{header, kSecret}}), 404);
  EXPECT_EQ(post("/telegram/shop", std::string(10'000'000, ' '), {{header, kSecret}}), 413);
  EXPECT_EQ(post("/telegram/shop", std::string(10'000, '['), {{header, kSecret}}), 200);
  EXPECT_EQ(post("/telegram/shop", "not json", {{header, kSecret}}), 200);
  EXPECT_EQ(post("/telegram/shop", R"({"update_id":901,"something_new":{}})", {{header, kSecret}}), 200);
  // The true one is played once, however often and however parallel it comes.
  std::vector<std::thread> threads;
  std::atomic<int> accepted{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 25; ++k) accepted += post("/telegram/shop", update(902, "/start"), {{header, kSecret}}) == 200;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(accepted, 200);
  EXPECT_EQ(post("/telegram/shop", update(903, "Анна"), {{header, kSecret}}), 200);
  EXPECT_THAT(texts(kAnna, 2), ElementsAre("Как вас зовут?", "Анна: 1"));
  stop();
}

TEST_F(ManyBotsTest, TheWebhookIsRemovedAtTheEndWhenAsked) {
  launch_with_webhook(", remove_webhook: true");
  stop();
  EXPECT_EQ(telegram.calls("deleteWebhook").size(), 1U);
}

TEST_F(ManyBotsTest, TheWebhookStaysByItselfAndWhatCameMeanwhileIsPlayed) {
  launch_with_webhook();
  stop();
  EXPECT_THAT(telegram.calls("deleteWebhook"), IsEmpty());
  telegram.say(kAnna, "/start");
  const int before = port;
  launch_with_webhook();  // on another port: the webhook is set anew
  EXPECT_NE(port, before);
  EXPECT_THAT(texts(kAnna, 1), ElementsAre("Как вас зовут?"));
  stop();
}

TEST_F(ManyBotsTest, AnAddressInUseIsOneClearLine) {
  launch_with_webhook();
  auto first = std::move(sufler);
  const std::string address = "127.0.0.1:" + std::to_string(port);
  folder.write("second.yaml", "database: \"sqlite:second.db\"\nhttp: {listen: \"" + address + "\"}\nbots:\n" +
                                  bot("second", "echo.yaml", "${SECOND}"));
  SuflerOptions options;
  options.arguments = {"run", "second.yaml"};
  options.environment = environment;
  options.folder = folder.path();
  options.output = folder.path() + "/second.log";
  SuflerProcess second(options);
  EXPECT_EQ(second.wait(kPatience), 1);
  EXPECT_THAT(second.output(), HasSubstr(address));
  sufler = std::move(first);
  stop();
}

}  // namespace
}  // namespace sufler::tests

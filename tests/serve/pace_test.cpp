// A bot that has much to say at once says it as fast as its platform allows, and is never told that it is too fast.
#include "fakes/vk/fake_vk.h"
#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

constexpr std::int64_t kPeople = 60, kFirst = 2'001;
constexpr std::int64_t kGroup = -100'500;
constexpr std::int64_t kOrders = 10;

/// Three messages to whoever begins, so that sixty people are sent 180 at once; then one to them and one to the admins.
constexpr const char* kTalkative = R"(scenario: talkative
language: ru
start: hello
branches:
  hello:
    - say: Здравствуйте!
    - say: Мы работаем с 9 до 18
    - ask: word
    - notify: admins
      text: "Заказ: {{ word }}"
    - say: Записано
questions:
  word: {text: Что вам нужно?}
)";

class PaceServeTest : public ServeTest {
 protected:
  static std::vector<std::int64_t> people() {
    std::vector<std::int64_t> all;
    for (std::int64_t i = 0; i < kPeople; ++i) all.push_back(kFirst + i);
    return all;
  }
  void serve(const std::string& platform, const std::string& admins) {
    folder.write("talkative.yaml", kTalkative);
    folder.write("sufler.yaml",
                 "database: \"sqlite:data.db\"\nhttp: {listen: \"127.0.0.1:0\"}\nbots:\n  shop:\n    scenario: "
                 "talkative.yaml\n    " + platform + "\n    roles: {admins: [\"" + admins + "\"]}\n");
    launch();
  }
};

TEST_F(PaceServeTest, ABurstOverManyChatsIsWithinTelegramsLimits) {
  // The pace itself is DispatcherTest's and the simulation's, whose time is exact. Here a starved machine may bring a
  // second's messages late, and the next second's right behind them.
  telegram.control("options", R"({"rate_limit": true, "bot_burst": 60, "chat_burst": 5, "chat_messages_per_second": 1,
                                  "messages_per_second": 30, "group_messages_per_minute": 20})");
  telegram.add_group(kGroup, "Заказы");
  serve("telegram: {token: \"${TELEGRAM_TOKEN}\", api: \"" + telegram.url() + "\"}",
        "telegram:" + std::to_string(kGroup));
  ASSERT_TRUE(telegram.wait_until_polling(true, kPatience)) << sufler->output();
  for (const std::int64_t person : people()) telegram.say(person, "/start");
  for (std::int64_t i = 0; i < kOrders; ++i) telegram.say(kFirst + i, "торт");
  ASSERT_TRUE(telegram.wait_for_calls("sendMessage", kPeople * 3 + kOrders * 2, kPatience)) << sufler->output();
  EXPECT_EQ(telegram.messages(kGroup).size(), static_cast<std::size_t>(kOrders));
  for (const std::int64_t person : people()) {
    const auto heard = telegram.messages(person);
    ASSERT_EQ(heard.size(), person < kFirst + kOrders ? 4u : 3u);
    EXPECT_EQ(heard[0].text, "Здравствуйте!");
    EXPECT_EQ(heard[1].text, "Мы работаем с 9 до 18");
    EXPECT_EQ(heard[2].text, "Что вам нужно?");
  }
  for (const fakes::CallRecord& call : telegram.calls()) EXPECT_NE(call.error_code, 429) << call.method << " " << call.chat;
}

TEST_F(PaceServeTest, ABurstOverManyDialogsIsWithinVksLimits) {
  fakes::FakeVk vk;
  environment["VK_TOKEN"] = vk.token();
  vk.control("options", R"({"rate_limit": true, "calls_per_second": 20, "calls_slack": 20})");
  vk.add_user({kAdmin, "Ольга", "Иванова"}, true);
  for (const std::int64_t person : people()) vk.add_user({person, "Анна", "Петрова"}, true);
  serve("vk: {group: " + std::to_string(vk.group_id()) + ", token: \"${VK_TOKEN}\", api: \"" + vk.url() + "\"}",
        "vk:" + std::to_string(kAdmin));
  ASSERT_TRUE(vk.wait_until_polling(true, kPatience)) << sufler->output();
  for (const std::int64_t person : people()) vk.say(person, "начать");
  for (std::int64_t i = 0; i < kOrders; ++i) vk.say(kFirst + i, "торт");
  for (const std::int64_t person : people()) {
    const std::size_t count = person < kFirst + kOrders ? 4 : 3;
    EXPECT_EQ(vk.wait_for_messages(person, count, kPatience).size(), count) << sufler->output();
  }
  EXPECT_EQ(vk.wait_for_messages(kAdmin, kOrders, kPatience).size(), static_cast<std::size_t>(kOrders));
  for (const fakes::VkCall& call : vk.calls()) EXPECT_NE(call.error_code, 6) << call.method;
}

}  // namespace
}  // namespace sufler::tests

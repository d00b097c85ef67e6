// What platforms do to the whole program: limits, storms, losses, being thrown out; and descriptors that run out.
#include <arpa/inet.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "fakes/vk/fake_vk.h"
#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr std::int64_t kVera = 503;
constexpr std::int64_t kGroup = -100'500;

constexpr const char* kNotices = R"(scenario: notices
language: ru
start: hello
branches:
  hello:
    - ask: name
    - notify: admins
      text: "Пришёл {{ name }}"
    - say: Записано.
    - go: hello
questions:
  name: {text: "Как вас зовут?"}
)";

/// A socket that is connected to a port of this machine.
int connect_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

class PlatformsTest : public ServeTest {
 protected:
  PlatformsTest() { environment["VK_TOKEN"] = vk.token(); }

  void TearDown() override {
    ServeTest::TearDown();
    EXPECT_THAT(folder.files_that_hold(vk.token()), testing::IsEmpty());
  }

  /// Serves on both platforms, with pages on a free port.
  void serve(const char* scenario, const std::string& admins = "telegram:" + std::to_string(kAdmin)) {
    folder.write("bot.yaml", scenario);
    folder.write("sufler.yaml",
                 "database: \"sqlite:data.db\"\nhttp: {listen: \"127.0.0.1:0\"}\nbots:\n  shop:\n    scenario: bot.yaml\n"
                 "    telegram: {token: \"${TELEGRAM_TOKEN}\", api: \"" + telegram.url() + "\", " + fakes::kNoLimits + "}\n    vk: {group: " +
                     std::to_string(vk.group_id()) + ", token: \"${VK_TOKEN}\", api: \"" + vk.url() + "\"}\n" +
                     "    roles: {admins: [\"" + admins + "\"]}\n");
    start();
    ASSERT_TRUE(vk.wait_until_polling(true, kPatience)) << sufler->output();
    const std::string output = sufler->output();
    const std::size_t at = output.find("127.0.0.1:");
    ASSERT_NE(at, std::string::npos) << output;
    port = std::stoi(output.substr(at + 10));
  }

  std::string page(const char* path) const {
    httplib::Client client("127.0.0.1", port);
    const auto answer = client.Get(path);
    return answer ? std::to_string(answer->status) + "\n" + answer->body : "no answer";
  }
  bool page_will_say(const char* path, const std::string& words) const {
    for (const auto until = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < until;) {
      if (page(path).find(words) != std::string::npos) return true;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return false;
  }
  std::vector<std::string> vk_texts(std::int64_t peer, std::size_t count) {
    std::vector<std::string> all;
    for (const auto& one : vk.wait_for_messages(peer, count, kPatience)) all.push_back(one.text);
    EXPECT_EQ(all.size(), count) << sufler->output();
    return all;
  }

  fakes::FakeVk vk;
  int port = 0;
};

TEST_F(PlatformsTest, ALimitOfTheWholeBotHoldsItsChatsThereInOrderAndLeavesTheOtherPlatformAlone) {
  serve(kEcho);
  for (const std::int64_t person : {kAnna, kBoris, kVera}) {
    telegram.say(person, "/start");
    messages(person, 2);
  }
  vk.say(kAnna, "начать");
  vk_texts(kAnna, 2);
  telegram.fail_next({.kind = "rate_limit", .method = "sendMessage", .times = 3, .retry_after_s = 6});
  for (const std::int64_t person : {kAnna, kBoris, kVera}) telegram.say(person, "раз");
  for (const std::int64_t person : {kAnna, kBoris, kVera}) telegram.say(person, "два");
  vk.say(kAnna, "в вк");
  EXPECT_EQ(vk_texts(kAnna, 3).back(), "Вы сказали: в вк");
  const std::int64_t vk_at = unix_ms();
  for (const std::int64_t person : {kAnna, kBoris, kVera}) {
    EXPECT_THAT(texts(person, 4), ElementsAre("Привет", testing::_, "Вы сказали: раз", "Вы сказали: два"));
  }
  std::int64_t refused_at = 0, next_at = 0;
  for (const auto& call : telegram.calls("sendMessage")) {
    if (call.error_code == 429) {
      refused_at = call.at_unix_ms;
    } else if (refused_at != 0 && next_at == 0) {
      next_at = call.at_unix_ms;
    }
  }
  EXPECT_GE(next_at - refused_at, 5'900) << "every chat waits as long as the bot was told";
  EXPECT_LT(vk_at, next_at);
  stop();
}

TEST_F(PlatformsTest, AStormOfErrorsShowsInTheFiguresAndGoesByItself) {
  serve(kEcho);
  EXPECT_TRUE(page_will_say("/readyz", "200\n"));
  const auto up = [](const std::string& transport, int is) {
    return "sufler_transport_up{bot=\"shop\",transport=\"" + transport + "\"} " + std::to_string(is) + "\n";
  };
  telegram.fail_next({.kind = "bad_gateway", .method = "getUpdates", .times = -1});
  telegram.close_connections();
  vk.fail_next({.kind = "bad_gateway", .method = "longpoll", .times = -1});
  vk.fail_next({.kind = "server_error", .method = "groups.getLongPollServer", .times = -1});
  vk.close_connections();
  EXPECT_TRUE(page_will_say("/metrics", up("telegram", 0)));
  EXPECT_TRUE(page_will_say("/metrics", up("vk", 0)));
  EXPECT_THAT(page("/readyz"), HasSubstr("503"));
  const double before = sufler->cpu_seconds();
  EXPECT_EQ(sufler->wait(seconds(2)), std::nullopt);
  EXPECT_LT(sufler->cpu_seconds() - before, 0.5) << "a busy loop";
  telegram.clear_faults();
  vk.clear_faults();
  EXPECT_TRUE(page_will_say("/metrics", up("telegram", 1)));
  EXPECT_TRUE(page_will_say("/metrics", up("vk", 1)));
  EXPECT_TRUE(page_will_say("/readyz", "200\n"));
  const std::string output = sufler->output();
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = output.find("Telegram answered 502", at)) != std::string::npos; ++at) ++lines;
  EXPECT_EQ(lines, 1U) << output;
  stop();
}

TEST_F(PlatformsTest, WhatVkLosesShowsInTheFiguresAndIsPlayed) {
  serve(kEcho);
  vk.say(kAnna, "начать");
  vk_texts(kAnna, 2);
  const std::string none = "sufler_transport_warnings_total{bot=\"shop\",transport=\"vk\"} 0\n";
  EXPECT_THAT(page("/metrics"), HasSubstr(none));
  vk.lose_next_events(1);
  vk.say(kAnna, "раз");
  EXPECT_EQ(vk_texts(kAnna, 3).back(), "Вы сказали: раз");
  EXPECT_TRUE(page_will_say("/metrics", "sufler_transport_warnings_total{bot=\"shop\",transport=\"vk\"} 1\n"));
  vk.lose_long_poll();
  vk.say(kAnna, "два");
  EXPECT_EQ(vk_texts(kAnna, 4).back(), "Вы сказали: два");
  EXPECT_TRUE(page_will_say("/metrics", "sufler_transport_warnings_total{bot=\"shop\",transport=\"vk\"} 2\n"));
  vk.expire_long_poll_key();  // loses nothing
  vk.say(kAnna, "три");
  EXPECT_EQ(vk_texts(kAnna, 5).back(), "Вы сказали: три");
  EXPECT_THAT(page("/metrics"), HasSubstr("sufler_transport_warnings_total{bot=\"shop\",transport=\"vk\"} 2\n"));
  EXPECT_THAT(sufler->output(), HasSubstr("VK lost events of its queue"));
  stop();
}

TEST_F(PlatformsTest, ANoticeToAGroupThatThrewTheBotOutIsKeptAndTheNextOneArrives) {
  telegram.add_group(kGroup, "Смена");
  serve(kNotices, "telegram:" + std::to_string(kGroup));
  telegram.fail_next({.kind = "custom",
                      .method = "sendMessage",
                      .chat = kGroup,
                      .status = 403,
                      .description = "Forbidden: bot was kicked from the supergroup chat"});
  telegram.say(kAnna, "/start");
  messages(kAnna, 1);
  telegram.say(kAnna, "Анна");
  EXPECT_THAT(texts(kAnna, 3), ElementsAre(testing::_, "Записано.", testing::_));
  telegram.say(kAnna, "Анна снова");
  EXPECT_THAT(texts(kGroup, 1), ElementsAre("Пришёл Анна снова"));
  EXPECT_THAT(sufler->output(), AllOf(HasSubstr("a message cannot be delivered"), HasSubstr("bot was kicked")));
  std::size_t tries = 0;
  for (const auto& call : telegram.calls("sendMessage")) tries += call.chat == kGroup ? 1U : 0U;
  EXPECT_EQ(tries, 2U) << "who threw the bot out is not asked again and again";
  EXPECT_THAT(page("/metrics"), HasSubstr("sufler_given_up_total{bot=\"shop\"} 1\n"));
  stop();
}

TEST_F(PlatformsTest, ANoticeToAConversationOfVkThatTheCommunityLeftIsKept) {
  constexpr std::int64_t kRoom = 2'000'000'007;
  serve(kNotices, "vk:" + std::to_string(kRoom));  // no such conversation: 917
  vk.say(kAnna, "начать");
  vk_texts(kAnna, 1);
  vk.say(kAnna, "Анна");
  EXPECT_EQ(vk_texts(kAnna, 3)[1], "Записано.");
  EXPECT_TRUE(page_will_say("/metrics", "sufler_given_up_total{bot=\"shop\"} 1\n"));
  EXPECT_THAT(sufler->output(), AllOf(HasSubstr("a message cannot be delivered"), HasSubstr("917")));
  vk.add_chat(kRoom, "Приёмщики");
  vk.say(kAnna, "Анна снова");
  EXPECT_THAT(vk_texts(kRoom, 1), ElementsAre("Пришёл Анна снова"));
  stop();
}

TEST_F(PlatformsTest, WithoutDescriptorsItNeitherSpinsNorStopsServing) {
  most_descriptors = 64;
  serve(kEcho);
  telegram.say(kAnna, "/start");
  messages(kAnna, 2);
  std::vector<int> crowd;
  for (int i = 0; i < 200; ++i) {
    const int fd = connect_to(port);
    if (fd < 0) continue;
    static_cast<void>(::send(fd, "GET /healthz HTTP/1.1\r\n", 23, MSG_NOSIGNAL));
    crowd.push_back(fd);
  }
  EXPECT_GE(crowd.size(), 100U);
  const double before = sufler->cpu_seconds();
  EXPECT_EQ(sufler->wait(seconds(2)), std::nullopt) << sufler->output();
  EXPECT_LT(sufler->cpu_seconds() - before, 0.5) << "it spins";
  // The crowd has not taken what the platforms need, new connections to them included.
  telegram.close_connections();
  vk.close_connections();
  EXPECT_EQ(say(kAnna, "раз", 3).text, "Вы сказали: раз");
  vk.say(kAnna, "начать");
  vk_texts(kAnna, 2);
  for (const int fd : crowd) close(fd);
  EXPECT_TRUE(page_will_say("/healthz", "200\nok"));
  EXPECT_TRUE(page_will_say("/readyz", "200\n"));
  stop();
}

}  // namespace
}  // namespace sufler::tests

// Each connection goes through the proxy that is named for it, and never around it.
#include "fakes/vk/fake_vk.h"
#include "mail/mail_server.h"
#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kPassword = "CANARY-of-the-proxy";
/// Nobody listens there.
constexpr const char* kDead = "socks5h://127.0.0.1:9";

class ProxiesTest : public ServeTest {
 protected:
  ProxiesTest() {
    environment["PROXY_PASSWORD"] = kPassword;
    environment["VK_TOKEN"] = vk.token();
    folder.write("echo.yaml", kEcho);
    vk.add_user({kBoris, "Борис", "Иванов"}, true);
  }
  void TearDown() override {
    ServeTest::TearDown();
    EXPECT_THAT(folder.files_that_hold(kPassword), IsEmpty());
  }

  /// By name: whoever looks it up is seen in the proxy's output.
  static std::string by_name(std::string url) { return url.replace(url.find("127.0.0.1"), 9, "localhost"); }
  static std::string place_of(const std::string& url) { return url.substr(url.find("//") + 2); }
  std::string telegram_by(const std::string& proxy) const {
    return "    telegram: {token: \"${TELEGRAM_TOKEN}\", api: \"" + by_name(telegram.url()) + "\", " + fakes::kNoLimits + ", proxy: \"" +
           proxy + "\"}\n";
  }
  std::string vk_by(const std::string& proxy) const {
    return "    vk: {group: " + std::to_string(vk.group_id()) + ", token: \"${VK_TOKEN}\", api: \"" + by_name(vk.url()) + "\", proxy: \"" +
           proxy + "\"}\n";
  }
  void serve(const std::string& transports, const std::string& more = {}) {
    folder.write("sufler.yaml", "database: \"sqlite:data.db\"\n" + more + "bots:\n  shop:\n    scenario: echo.yaml\n" + transports);
    launch();
  }
  static std::string at(const std::string& scheme, int port, const std::string& who = {}) {
    return scheme + "://" + (who.empty() ? "" : who + "@") + "127.0.0.1:" + std::to_string(port);
  }

  fakes::FakeVk vk;
};

TEST_F(ProxiesTest, EachPlatformOfABotHasItsOwnWithALogin) {
  const SocksProxy socks("anna", kPassword);
  const HttpProxy http("anna", kPassword);
  serve(telegram_by(at("socks5h", socks.port(), "anna:${PROXY_PASSWORD}")) + vk_by(at("http", http.port(), "anna:${PROXY_PASSWORD}")),
        std::string("proxy: ") + kDead + "\n");
  ASSERT_TRUE(telegram.wait_until_polling(true, kPatience)) << sufler->output();
  ASSERT_TRUE(vk.wait_until_polling(true, kPatience)) << sufler->output();
  say(kAnna, "/start", 2);
  EXPECT_EQ(say(kAnna, "по сокету", 3).text, "Вы сказали: по сокету");
  vk.say(kBoris, "по хттп");
  EXPECT_EQ(vk.wait_for_messages(kBoris, 2, kPatience).size(), 2u) << sufler->output();
  EXPECT_THAT(socks.output(), HasSubstr(place_of(by_name(telegram.url())))) << "the proxy looks the name up";
  EXPECT_THAT(http.output(), HasSubstr(place_of(by_name(vk.url()))));
  EXPECT_THAT(http.output(), Not(HasSubstr(place_of(by_name(telegram.url())))));
  stop();
}

TEST_F(ProxiesTest, TheOneOfAllIsForWhoeverNamesNone) {
  const SocksProxy socks;
  serve(telegram_by("direct") + vk_by(""), "proxy: \"" + at("socks5h", socks.port()) + "\"\n");
  ASSERT_TRUE(telegram.wait_until_polling(true, kPatience)) << sufler->output();
  ASSERT_TRUE(vk.wait_until_polling(true, kPatience)) << sufler->output();
  EXPECT_THAT(socks.output(), HasSubstr(place_of(by_name(vk.url()))));
  EXPECT_THAT(socks.output(), Not(HasSubstr(place_of(by_name(telegram.url())))));
  stop();
}

TEST_F(ProxiesTest, OneThatRefusesTheLoginIsNeverPassedBy) {
  const HttpProxy http("anna", "another");
  serve(telegram_by(at("http", http.port(), "anna:${PROXY_PASSWORD}")) + vk_by("direct"));
  ASSERT_TRUE(vk.wait_until_polling(true, kPatience)) << sufler->output();
  vk.say(kBoris, "здесь служат");
  EXPECT_EQ(vk.wait_for_messages(kBoris, 2, kPatience).size(), 2u) << sufler->output();
  EXPECT_TRUE(telegram.calls().empty());
  EXPECT_THAT(sufler->output(), HasSubstr("the proxy http://127.0.0.1:" + std::to_string(http.port()))) << "the log says who refuses";
  stop();
}

TEST_F(ProxiesTest, WhatIsNoProxyIsToldBeforeAnythingIsServed) {
  for (const char* wrong : {"127.0.0.1:1080", "ftp://127.0.0.1", "socks5h://", "http://proxy:99999", "http://a b:1"}) {
    serve(telegram_by(wrong));
    EXPECT_EQ(sufler->wait(kPatience), 1);
    EXPECT_THAT(sufler->output(), HasSubstr("socks5h://127.0.0.1:1080")) << wrong;
    std::filesystem::remove(folder.path() + "/output.log");
  }
}

}  // namespace
}  // namespace sufler::tests

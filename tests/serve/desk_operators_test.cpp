// The operator's commands about desks, over the socket of the process that serves, and the desk's figures.
// httplib comes first: it is compiled as the other files compile it.
#include <httplib.h>

#include <thread>

#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr std::int64_t kOlga = 601, kIvan = 602;

constexpr const char* kScenario = R"(
scenario: desk
language: en
start: home
branches:
  home:
    - handoff: support
    - say: Back.
handoff:
  support: {mode: relay, desk: support, assign: [available], queue: "Place {{ handoff.position }}.", closed_text: Closed.}
desks:
  support: {register: {command: /join, token: "${DESK_TOKEN}"}}
)";

class DeskOperatorsTest : public ServeTest {
 protected:
  DeskOperatorsTest() {
    environment["DESK_TOKEN"] = "a-token-of-the-desk";
    telegram.add_user({kOlga, "Olga", {}, {}, "en"});
    telegram.add_user({kIvan, "Ivan", {}, {}, "en"});
    telegram.add_user({kAnna, "Anna", {}, {}, "en"});
    telegram.add_user({kBoris, "Boris", {}, {}, "en"});
    folder.write("desk.yaml", kScenario);
    write_config("desk.yaml", "http: {listen: \"127.0.0.1:0\"}\n");
    start();
  }
  void register_olga() { EXPECT_THAT(say(kOlga, "/join a-token-of-the-desk", 1).text, HasSubstr("You are an agent")); }
  /// Anna is with Olga, Boris waits.
  void two_clients() {
    register_olga();
    telegram.say(kAnna, "Help");
    EXPECT_THAT(texts(kOlga, 3).back(), "Anna: Help");
    EXPECT_EQ(say(kBoris, "Me too", 1).text, "Place 1.");
  }

  /// As soon as the page says so; the figures of desks are read anew every few seconds.
  bool metrics_will_say(const std::string& line) {
    const std::string output = sufler->output();
    const std::string mark = "127.0.0.1:";
    const std::size_t at = output.find(mark);
    if (at == std::string::npos) return false;
    httplib::Client client("127.0.0.1", std::atoi(output.c_str() + at + mark.size()));
    for (const auto until = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < until;) {
      const auto answer = client.Get("/metrics");
      if (answer && answer->body.find(line + "\n") != std::string::npos) return true;
      std::this_thread::sleep_for(milliseconds(20));
    }
    return false;
  }
};

TEST_F(DeskOperatorsTest, AgentsAreListedRemovedAndRestoredWhileTheyTalk) {
  two_clients();
  const json listed = command_json({"agents"})["agents"];
  ASSERT_THAT(listed, SizeIs(1));
  EXPECT_EQ(listed[0]["user"], "telegram:601");
  EXPECT_EQ(listed[0]["open"], 1);
  EXPECT_THAT(command({"agents"}).output, AllOf(HasSubstr("Olga"), HasSubstr("telegram:601"), HasSubstr("on")));

  const Ran removed = command({"agents", "remove", "shop", "support", "telegram:601"});
  EXPECT_EQ(removed.code, 0) << removed.output;
  EXPECT_THAT(removed.output, HasSubstr("Olga is no agent any more; tickets that go to others: 1"));
  EXPECT_THAT(texts(kOlga, 5)[3], "You are no agent of support any more.");
  EXPECT_THAT(command({"agents"}).output, HasSubstr("no agents"));
  EXPECT_EQ(command({"agents", "remove", "shop", "support", "telegram:601"}).code, 1);

  const Ran restored = command({"agents", "restore", "shop", "support", "telegram:601"});
  EXPECT_EQ(restored.code, 0) << restored.output;
  EXPECT_THAT(command_json({"agents"})["agents"], SizeIs(1));
}

TEST_F(DeskOperatorsTest, AnInvitationLetsOnePersonInWithoutTheToken) {
  const json invited = command_json({"invite", "support"});
  const std::string words = invited["text"];
  ASSERT_THAT(words, testing::StartsWith("/join "));
  EXPECT_THAT(folder.files_that_hold(words.substr(6)), testing::Each(HasSubstr("command-")));
  EXPECT_THAT(say(kIvan, words, 1).text, HasSubstr("You are an agent of support"));
  EXPECT_EQ(say(kOlga, words, 1).text, "The code is wrong.");
  EXPECT_THAT(command_json({"agents"})["agents"], SizeIs(1));

  const Ran nobody = command({"invite", "sales"});
  EXPECT_EQ(nobody.code, 1);
  EXPECT_THAT(nobody.output, HasSubstr("no bot has a desk `sales`"));
}

TEST_F(DeskOperatorsTest, TicketsAreListedAndExported) {
  two_clients();
  EXPECT_EQ(say(kOlga, "Good day", 0 + 3).text, "Anna: Help");
  EXPECT_EQ(texts(kAnna, 1).back(), "Good day");
  const json both = command_json({"tickets"})["tickets"];
  ASSERT_THAT(both, SizeIs(2));
  EXPECT_EQ(both[0]["number"], 1);
  EXPECT_EQ(both[0]["state"], "open");
  EXPECT_EQ(both[0]["agent"], "Olga");
  EXPECT_EQ(both[1]["state"], "queued");
  EXPECT_GT(both[1]["waits_ms"].get<std::int64_t>(), 0);
  const Ran listed = command({"tickets", "shop"});
  EXPECT_THAT(listed.output, AllOf(HasSubstr("Anna"), HasSubstr("Boris"), HasSubstr("queued")));

  const Ran exported = command({"tickets", "export", "shop", "support", "1"});
  EXPECT_EQ(exported.code, 0);
  EXPECT_THAT(exported.output, AllOf(HasSubstr("Help"), HasSubstr("Good day"), Not(HasSubstr("Me too"))));
  EXPECT_THAT(command({"tickets", "export", "shop", "support", "1", "--format", "html"}).output, HasSubstr("<html"));
  EXPECT_EQ(command({"tickets", "export", "shop", "support", "77"}).code, 1);

  telegram.say(kOlga, "/end_chat");
  EXPECT_THAT(texts(kOlga, 6).back(), "Boris: Me too");
  EXPECT_THAT(command_json({"tickets"})["tickets"], SizeIs(1));
  EXPECT_THAT(command_json({"tickets", "--closed"})["tickets"], SizeIs(2));
}

TEST_F(DeskOperatorsTest, TheSameIsAnsweredWithoutAProcess) {
  two_clients();
  stop();
  EXPECT_THAT(command_json({"agents"})["agents"], SizeIs(1));
  EXPECT_THAT(command_json({"tickets"})["tickets"], SizeIs(2));
  const Ran removed = command({"agents", "remove", "shop", "support", "telegram:601"});
  EXPECT_EQ(removed.code, 0);
  EXPECT_THAT(removed.output, HasSubstr("the tickets go on with the next start"));
  const std::string words = command_json({"invite", "support"})["text"];
  start();
  EXPECT_EQ(texts(kOlga, 5)[3], "You are no agent of support any more.");
  // Anna has waited longest; what she said to Olga comes as a file.
  telegram.say(kIvan, words);
  const auto ivans = messages(kIvan, 2);
  EXPECT_THAT(ivans.back().text, HasSubstr("Ticket #1: Anna"));
  EXPECT_THAT(ivans.back().files, SizeIs(1));
}

TEST_F(DeskOperatorsTest, StatusAndMetricsTellOfTheDesk) {
  EXPECT_TRUE(metrics_will_say("sufler_desk_queue{bot=\"shop\",desk=\"support\"} 0")) << sufler->output();
  two_clients();
  EXPECT_TRUE(metrics_will_say("sufler_desk_queue{bot=\"shop\",desk=\"support\"} 1"));
  EXPECT_TRUE(metrics_will_say("sufler_desk_open_tickets{bot=\"shop\",desk=\"support\"} 1"));
  EXPECT_TRUE(metrics_will_say("sufler_desk_agents_on_duty{bot=\"shop\",desk=\"support\"} 1"));
  EXPECT_THAT(command({"status"}).output, HasSubstr("support"));
  telegram.say(kOlga, "/available");
  EXPECT_TRUE(metrics_will_say("sufler_desk_agents_on_duty{bot=\"shop\",desk=\"support\"} 0"));
  EXPECT_TRUE(metrics_will_say("sufler_desk_queue{bot=\"shop\",desk=\"support\"} 2"));
}

}  // namespace
}  // namespace sufler::tests

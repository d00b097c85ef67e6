// A desk in the topics of a group: clients write to the bot, and agents answer in a topic for each of them.
#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr std::int64_t kGroup = -1'001'234'567'890;
constexpr std::int64_t kOlga = 601;
constexpr std::int64_t kStranger = 666;

constexpr const char* kScenario = R"(
scenario: desk
language: en
start: home
branches:
  home:
    - handoff: support
handoff:
  support: {mode: relay, desk: support, greeting: A person will answer here., closed_text: Closed.}
desks:
  support: {register: {command: /join, token: "${DESK_TOKEN}"}, topics: support_group}
)";

class TopicsTest : public ServeTest {
 protected:
  TopicsTest() {
    environment["DESK_TOKEN"] = "a-token-of-the-desk";
    telegram.add_user({kOlga, "Olga", {}, {}, "en"});
    telegram.add_user({kAnna, "Anna", {}, {}, "en"});
    telegram.add_user({kBoris, "Boris", {}, {}, "en"});
    telegram.add_forum(kGroup, "Support");
    folder.write("desk.yaml", kScenario);
    folder.write("sufler.yaml", "database: \"sqlite:data.db\"\nbots:\n  shop:\n    scenario: desk.yaml\n    telegram: {token: \"${TELEGRAM_TOKEN}\", api: \"" +
                                    telegram.url() + "\"}\n    roles: {support_group: [\"telegram:" + std::to_string(kGroup) + "\"]}\n");
    start();
  }

  void register_olga() { EXPECT_THAT(say(kOlga, "/join a-token-of-the-desk", 1).text, HasSubstr("You are an agent")); }
  /// The client's first words; gives their topic. `already`: messages that the group has.
  std::int64_t begin(std::int64_t client, const std::string& text, std::size_t already = 0) {
    EXPECT_EQ(say(client, text, 1).text, "A person will answer here.");
    return messages(kGroup, already + 2).back().topic;
  }
  void say_in(std::int64_t topic, std::int64_t person, const std::string& text) {
    telegram.say(person, text, {kGroup, 0, topic});
  }
  void group_is_now(const std::string& rights) {
    telegram.control("groups", R"({"id":)" + std::to_string(kGroup) + R"(,"title":"Support","is_forum":true,)" + rights + "}");
  }
  void wait_for_line(const std::string& words) {
    for (const auto until = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < until;
         sufler->wait(milliseconds(10)))
      if (sufler->output().find(words) != std::string::npos) return;
    ADD_FAILURE() << "the log does not say: " << words << "\n" << sufler->output();
  }
  /// Of the group's topic, in order.
  std::vector<std::string> in_topic(std::int64_t topic) {
    std::vector<std::string> all;
    for (const auto& one : telegram.messages(kGroup))
      if (one.topic == topic) all.push_back(one.text);
    return all;
  }
};

TEST_F(TopicsTest, ClientsAndAgentsTalkThroughThem) {
  register_olga();
  const std::int64_t topic = begin(kAnna, "The till is broken");
  EXPECT_THAT(in_topic(topic), ElementsAre("Ticket #1: Anna", "Anna: The till is broken"));
  say_in(topic, kOlga, "What does it show?");
  EXPECT_EQ(texts(kAnna, 2).back(), "What does it show?");
  telegram.send_file(kAnna, {.caption = "This"});
  EXPECT_THAT(messages(kGroup, 3).back().files, SizeIs(1));
  EXPECT_EQ(messages(kGroup, 3).back().text, "Anna: This");

  const std::int64_t others = begin(kBoris, "Me too", 3);
  EXPECT_NE(others, topic);
  say_in(others, kOlga, "Wait a moment");
  EXPECT_EQ(texts(kBoris, 2).back(), "Wait a moment");
  say_in(topic, kOlga, "/end_chat");
  EXPECT_EQ(texts(kAnna, 3).back(), "Closed.");
  ASSERT_TRUE(telegram.wait_for_calls("closeForumTopic", 1, kPatience)) << sufler->output();

  // The next question comes to the same topic.
  say(kAnna, "Again", 4);
  messages(kGroup, 8);
  EXPECT_THAT(in_topic(topic), ElementsAre("Ticket #1: Anna", "Anna: The till is broken", "Anna: This", "Ticket #1 is closed.",
                                           "Ticket #3: Anna", "Anna: Again"));
  EXPECT_THAT(telegram.calls("reopenForumTopic"), SizeIs(1));
  EXPECT_THAT(telegram.calls("createForumTopic"), SizeIs(2));
}

TEST_F(TopicsTest, AnAlbumComesAsOneInBothDirections) {
  register_olga();
  const std::int64_t topic = begin(kAnna, "The till is broken");
  telegram.send_album(kAnna, {{.caption = "Front and back"}, {}});
  const auto group = messages(kGroup, 4);
  EXPECT_EQ(group[2].method, "sendMediaGroup");
  EXPECT_FALSE(group[2].media_group_id.empty());
  EXPECT_EQ(group[2].media_group_id, group[3].media_group_id);
  EXPECT_EQ(group[2].text, "Anna: Front and back");
  EXPECT_EQ(group[3].text, "");
  // Any part of it can be answered: the client sees what is meant.
  telegram.control("say", json{{"user", kOlga}, {"chat", kGroup}, {"topic", topic}, {"text", "Turn it off"}, {"reply_to", group[3].message_id}}.dump());
  EXPECT_NE(messages(kAnna, 2).back().reply_to, 0);
  telegram.send_album(kOlga, {{.caption = "Left"}, {.caption = "Right"}}, {kGroup, 0, topic});
  const auto annas = messages(kAnna, 4);
  EXPECT_EQ(annas[2].text, "Left");
  EXPECT_EQ(annas[3].text, "Right");
  EXPECT_FALSE(annas[2].media_group_id.empty());
  EXPECT_EQ(annas[2].media_group_id, annas[3].media_group_id);
}

TEST_F(TopicsTest, OnlyAgentsSpeakToClients) {
  register_olga();
  const std::int64_t topic = begin(kAnna, "Hello");
  say_in(topic, kStranger, "Send me your card number");
  say_in(topic, kStranger, "/end_chat");
  const std::int64_t canteen = telegram.add_topic(kOlga, kGroup, "Canteen");
  say_in(canteen, kOlga, "Lunch?");
  say_in(topic, kOlga, "Good day");
  EXPECT_THAT(texts(kAnna, 2), ElementsAre("A person will answer here.", "Good day"));
  EXPECT_THAT(in_topic(canteen), testing::IsEmpty());
}

TEST_F(TopicsTest, ADeletedTopicIsMadeAnewAndEverythingComesInOrder) {
  register_olga();
  const std::int64_t topic = begin(kAnna, "1");
  telegram.delete_topic(kGroup, topic);
  for (const char* text : {"2", "3", "4"}) telegram.say(kAnna, text);
  const std::int64_t fresh = messages(kGroup, 6).back().topic;
  EXPECT_NE(fresh, topic);
  EXPECT_THAT(in_topic(fresh), ElementsAre("Ticket #1: Anna", "Anna: 2", "Anna: 3", "Anna: 4"));
  EXPECT_THAT(telegram.calls("createForumTopic"), SizeIs(2));
  say_in(fresh, kOlga, "Here I am");
  EXPECT_EQ(texts(kAnna, 2).back(), "Here I am");
}

TEST_F(TopicsTest, AGroupThatTakesNoTopicLeavesClientsToAgentsInTheirOwnChats) {
  register_olga();
  group_is_now(R"("manages_topics":false)");
  telegram.say(kAnna, "Help");
  EXPECT_THAT(texts(kOlga, 3), ElementsAre(HasSubstr("You are an agent"), "Ticket #1: Anna", "Anna: Help"));
  telegram.say(kOlga, "I am here");
  EXPECT_THAT(texts(kAnna, 2), ElementsAre("A person will answer here.", "I am here"));
  wait_for_line("ALARM: ticket 1 of the desk");
  EXPECT_THAT(sufler->output(), HasSubstr("administrator of the group who may manage topics"));
}

TEST_F(TopicsTest, ABotThatIsThrownOutTakesItsTicketsToAgentsAndBackWithTheNextClient) {
  const std::int64_t topic = begin(kAnna, "1");
  EXPECT_THAT(in_topic(topic), SizeIs(2));
  group_is_now(R"("kicked":true)");
  telegram.say(kAnna, "2");
  telegram.say(kAnna, "3");
  // Nobody is registered: the client waits, and is not lost.
  wait_for_line("ALARM: ticket 1 of the desk `support` has no topic in its group (403 Forbidden: bot was kicked");
  EXPECT_THAT(sufler->output(), HasSubstr("unless somebody registers: `/join TOKEN`"));
  telegram.say(kOlga, "/join a-token-of-the-desk");
  EXPECT_THAT(texts(kOlga, 4), ElementsAre(HasSubstr("You are an agent"), "Ticket #1: Anna", "Anna: 2", "Anna: 3"));
  say(kBoris, "4", 1);
  wait_for_line("ALARM: ticket 2");

  group_is_now(R"("kicked":false)");
  constexpr std::int64_t kVera = 503;
  say(kVera, "5", 1);
  // Vera's topic, and Boris's.
  messages(kGroup, 6);
  std::vector<std::string> all;
  for (const auto& one : telegram.messages(kGroup)) all.push_back(one.text);
  EXPECT_THAT(all, testing::IsSupersetOf({HasSubstr(": 4"), HasSubstr(": 5")}));
}

TEST_F(TopicsTest, ALimitOfTheGroupHoldsAllOfItsTopicsAndNobodyElse) {
  register_olga();
  const std::int64_t annas = begin(kAnna, "a1");
  const std::int64_t boris = begin(kBoris, "b1", 2);
  telegram.fail_next({.kind = "rate_limit", .method = "sendMessage", .chat = kGroup, .retry_after_s = 5});
  for (const char* text : {"a2", "a3"}) telegram.say(kAnna, text);
  for (const char* text : {"b2", "b3"}) telegram.say(kBoris, text);
  say_in(annas, kOlga, "At once");
  EXPECT_EQ(texts(kAnna, 2).back(), "At once");
  messages(kGroup, 8);
  EXPECT_THAT(in_topic(annas), ElementsAre("Ticket #1: Anna", "Anna: a1", "Anna: a2", "Anna: a3"));
  EXPECT_THAT(in_topic(boris), ElementsAre("Ticket #2: Boris", "Boris: b1", "Boris: b2", "Boris: b3"));
  std::size_t refused = 0;
  std::int64_t refused_at = 0, next_at = 0, annas_at = 0;
  for (const auto& call : telegram.calls("sendMessage")) {
    if (call.error_code == 429) {
      ++refused;
      refused_at = call.at_unix_ms;
    } else if (refused > 0 && call.chat == kGroup && next_at == 0) {
      next_at = call.at_unix_ms;
    } else if (call.chat == kAnna) {
      annas_at = call.at_unix_ms;
    }
  }
  EXPECT_EQ(refused, 1U);
  EXPECT_GE(next_at - refused_at, 5000);
  EXPECT_LT(annas_at, next_at) << "nobody else waited";
}

}  // namespace
}  // namespace sufler::tests

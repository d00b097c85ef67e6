// Who answers in the topics of a group (RELIABILITY 4, 13 and 15): to be there gives no rights by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/desk_fixture.h"

namespace sufler {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// `agents`: the role of those who may answer.
std::string scenario(const std::string& agents) {
  return R"(
scenario: desk
language: en
start: home
branches:
  home:
    - handoff: support
    - say: Done.
  shift:
    - say: On duty.
  call:
    - notify: agents of support
      text: Somebody rings
handoff:
  support: {mode: relay, desk: support, closed_text: Closed., greeting: "{{ handoff.agent }} is here."}
commands:
  shift: {on: /shift, for: agents of support, call: shift}
  ring: {on: /ring, call: call}
desks:
  support: {replies: {hello: Good day}, topics: group, agents: )" + agents + "}\n";
}

class DeskGroupsTest : public DeskTest {
 protected:
  void client_with_topic(const std::string& agents) {
    open(scenario(agents));
    say("ann", "Help");
    ASSERT_THAT(texts("-100#101"), ElementsAre("Ticket #1: Name of ann", "Name of ann: Help"));
    texts("ann");
  }
};

TEST_F(DeskGroupsTest, TheRoleThatIsTheGroupLetsEverybodyThereAnswer) {
  client_with_topic("group");
  say_in_topic("olga", "101", "Here");
  EXPECT_THAT(texts("ann"), ElementsAre("Here"));
  say_in_topic("eve", "101", "And I");
  EXPECT_THAT(texts("ann"), ElementsAre("And I"));
}

TEST_F(DeskGroupsTest, ARoleOfPeopleLetsThemAnswerAndNobodyElse) {
  roles_["staff"] = {{"telegram", "olga"}};
  client_with_topic("staff");
  say_in_topic("eve", "101", "Your card number?");
  EXPECT_THAT(texts("ann"), IsEmpty());
  EXPECT_THAT(notes_, Contains(HasSubstr("somebody who is no agent wrote")));
  say_in_topic("eve", "101", "/end_chat");
  say_in_topic("olga", "101", "Here");
  EXPECT_THAT(texts("ann"), ElementsAre("Here"));
}

TEST_F(DeskGroupsTest, WhoeverLosesTheRoleLosesItAtOnce) {
  roles_["staff"] = {{"telegram", "olga"}};
  client_with_topic("staff");
  say_in_topic("olga", "101", "Here");
  roles_["staff"] = {{"telegram", "ivan"}};
  open_again(scenario("staff"));
  texts("ann");
  say_in_topic("olga", "101", "Still me");
  EXPECT_THAT(texts("ann"), IsEmpty());
  say("olga", "/tickets");
  for (const std::string& text : texts("olga")) EXPECT_EQ(text.find("№"), std::string::npos) << text;
}

TEST_F(DeskGroupsTest, OutsideTheGroupItsMembersHaveNoRights) {
  client_with_topic("group");
  say_in_topic("olga", "101", "Here");
  texts("ann");
  // She may have left the group since: in a chat of her own she is a client.
  say("olga", "/shift");
  EXPECT_THAT(texts("olga"), testing::Not(Contains("On duty.")));
  say("olga", "/history");
  for (const std::string& text : texts("olga")) EXPECT_EQ(text.find("ann"), std::string::npos) << text;
}

TEST_F(DeskGroupsTest, WhenTheGroupIsGoneNobodyGetsTicketsWhomOnlyTheGroupVouchedFor) {
  client_with_topic("group");
  say_in_topic("olga", "101", "Here");
  refuse_["-100#101"] = refuse_["-100"] = "out";
  say("ann", "Secret");
  EXPECT_THAT(texts("olga"), IsEmpty());
  EXPECT_THAT(alarms_, ElementsAre(HasSubstr("clients wait, for the desk has no agents")));
}

TEST_F(DeskGroupsTest, WhoeverTheRoleNamesGetsThem) {
  roles_["staff"] = {{"telegram", "olga"}};
  client_with_topic("staff");
  say_in_topic("olga", "101", "Here");
  texts("ann");
  refuse_["-100#101"] = refuse_["-100"] = "out";
  say("ann", "Again?");
  EXPECT_THAT(texts("olga"), ElementsAre(HasSubstr("Ticket #1"), "Name of ann: Again?"));
  // The client was greeted already, by the group.
  EXPECT_THAT(texts("ann"), IsEmpty());
}

TEST_F(DeskGroupsTest, WhoeverIsRemovedByTheOperatorStaysRemoved) {
  client_with_topic("group");
  say_in_topic("olga", "101", "Here");
  operate(R"({"op":"remove_agent","bot":"bot","desk":"support","user":"telegram:olga"})");
  texts("ann");
  say_in_topic("olga", "101", "Back again");
  EXPECT_THAT(texts("ann"), IsEmpty());
}

TEST_F(DeskGroupsTest, WhoeverWritesAsTheGroupIsHeardWhereTheGroupAnswers) {
  client_with_topic("group");
  say_in_topic("-100", "101", "From us all");
  EXPECT_THAT(texts("ann"), ElementsAre("From us all"));
}

TEST_F(DeskGroupsTest, ElsewhereTheyAreToldThatNobodyReadsIt) {
  roles_["staff"] = {{"telegram", "olga"}};
  client_with_topic("staff");
  say_in_topic("-100", "101", "From us all");
  EXPECT_THAT(texts("ann"), IsEmpty());
  EXPECT_THAT(texts("-100#101"), ElementsAre(HasSubstr("you write as the group")));
  say_in_topic("-100", "77", "/start");
  EXPECT_THAT(texts("-100"), IsEmpty()) << "the group has no dialog of its own";
}

TEST_F(DeskGroupsTest, AgentsOfADeskInAGroupAreToldThere) {
  open(scenario("group"));
  say("bob", "/ring");
  EXPECT_THAT(texts("-100"), ElementsAre("Somebody rings"));
}

TEST_F(DeskGroupsTest, WhatIsSaidBetweenTwoTopicsGoesToTheNewOneThoughSomebodyHadAnswered) {
  client_with_topic("group");
  say_in_topic("olga", "101", "Here");
  texts("ann");
  refuse_["-100#101"] = "topic";
  holds_ = true;
  say("ann", "1");
  holds_ = false;
  auto first = std::exchange(held_, {});
  holds_ = true;  // the new topic is asked for, and not yet there
  Played refused;
  refused.outbox = std::move(first);
  settle(refused);
  say("ann", "2");
  let_go();
  EXPECT_THAT(texts("-100#102"), ElementsAre("Ticket #1: Name of ann", "Name of ann: 1", "Name of ann: 2"));
  EXPECT_THAT(texts("olga"), IsEmpty());
}

TEST_F(DeskGroupsTest, InTheTopicOfAClosedTicketCommandsReachNoClient) {
  client_with_topic("group");
  say_in_topic("olga", "101", "/end_chat");
  texts("ann");
  texts("-100#101");
  for (const char* command : {"/end_chat", "/reject", "/transfer ivan", "/hello"}) {
    say_in_topic("olga", "101", command);
    EXPECT_THAT(texts("-100#101"), ElementsAre("Ticket #1 is closed.")) << command;
    EXPECT_THAT(texts("ann"), IsEmpty()) << command;
  }
  const std::string answer = operate(R"({"op":"tickets","bot":"bot","closed":true})");
  EXPECT_THAT(answer, HasSubstr(R"("outcome":"closed")"));
}

}  // namespace
}  // namespace sufler

// What passes between agents and clients beyond words: answers to messages, corrections, files, failures. Talks that
// people can read are in tests/scenarios.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/desk_fixture.h"

namespace sufler {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kOfTwo = desk_scenario(", assign: [available], queue: Wait.", ", capacity: 2");
const std::string kByClaim = desk_scenario(", assign: [claim], queue: Wait.");

TEST_F(DeskTest, AnswersToMessagesStayAnswersInBothDirections) {
  open(kDeskScenario);
  client_with_agent();
  const std::string asked = say("ann", "What about this?");
  const auto got = read("olga");
  ASSERT_EQ(got.size(), 1u);
  // The agent answers the bot's copy: the client sees it as an answer to what they wrote.
  const std::string told = say("olga", "That is fine", got.front().id);
  const auto back = read("ann");
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back.front().message.reply_to, asked);
  say("ann", "Thanks", back.front().id);
  const auto again = read("olga");
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again.front().message.reply_to, told);
}

TEST_F(DeskTest, CorrectionsComeAsNewVersionsThatAnswerTheOldOnes) {
  open(kDeskScenario);
  client_with_agent();
  const std::string asked = say("ann", "Room 12");
  const std::string copy = read("olga").front().id;
  correct("ann", asked, "Room 13");
  auto got = read("olga");
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got.front().message.reply_to, copy);
  EXPECT_THAT(got.front().message.text.text, HasSubstr("Room 13"));
  // Once more: it still answers the first one, which people know.
  correct("ann", asked, "Room 14");
  got = read("olga");
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got.front().message.reply_to, copy);

  const std::string told = say("olga", "At one");
  const std::string seen = read("ann").front().id;
  correct("olga", told, "At two");
  got = read("ann");
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got.front().message.reply_to, seen);
  EXPECT_THAT(got.front().message.text.text, HasSubstr("At two"));
}

TEST_F(DeskTest, ACommandOfTheAgentThatIsCorrectedGoesToNobody) {
  open(kDeskScenario);
  client_with_agent();
  const std::string command = say("olga", "/note secret");
  texts("olga");
  correct("olga", command, "/note more of it");
  EXPECT_THAT(texts("ann"), IsEmpty());
}

TEST_F(DeskTest, AnAnswerToAMessageOfAClosedTicketGoesToNobodyElse) {
  open(kDeskScenario);
  client_with_agent();
  say("ann", "First client");
  const std::string old = read("olga").back().id;
  say("olga", "/end_chat");
  say("bob", "Second client");
  texts("olga");
  texts("bob");
  say("olga", "This is for Ann", old);
  EXPECT_THAT(texts("bob"), IsEmpty());
  EXPECT_THAT(texts("olga"), ElementsAre(HasSubstr("Ticket #1 is closed")));
}

TEST_F(DeskTest, AnAnswerToWhatTheDeskSaidOfATicketGoesToItsClient) {
  open(kOfTwo);
  say("olga", "/join right");
  say("ann", "Help Ann");
  say("bob", "Help Bob");
  const std::vector<Read> got = read("olga");
  ASSERT_EQ(got.size(), 5u);
  ASSERT_THAT(got[3].message.text.text, HasSubstr("Ticket #2"));
  texts("ann");
  texts("bob");
  say("olga", "For Bob", got[3].id);
  say("olga", "For Ann", got[1].id);
  EXPECT_THAT(texts("bob"), ElementsAre("For Bob"));
  EXPECT_THAT(texts("ann"), ElementsAre("For Ann"));
  say("olga", "/end_chat");
  texts("ann");
  say("olga", "Late, for Ann", got[1].id);
  EXPECT_THAT(texts("olga"), ElementsAre(HasSubstr("Ticket #1 is closed"), HasSubstr("Ticket #1 is closed")));
  EXPECT_THAT(texts("ann"), IsEmpty());
  EXPECT_THAT(texts("bob"), IsEmpty());
}

TEST_F(DeskTest, AnAnswerToAMessageOfATicketThatIsAnothersNowSaysWhoseItIs) {
  open(kDeskScenario);
  client_with_agent();
  say("ann", "First");
  const std::string old = read("olga").back().id;
  say("ivan", "/join right");
  say("olga", "/available");  // Ivan has the ticket now
  for (const char* who : {"olga", "ivan", "ann"}) texts(who);
  const std::string late = say("olga", "From Olga", old);
  std::vector<Read> told = read("olga");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].message.text.text, "Ticket #1 is with Name of ivan now.");
  EXPECT_EQ(told[0].message.reply_to, late);
  say("ivan", "/available");  // and now nobody
  texts("olga");
  say("olga", "Once more", old);
  told = read("olga");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].message.text.text, "Ticket #1 is back in the queue.");
  EXPECT_THAT(texts("ann"), testing::Not(testing::Contains(testing::AnyOf("From Olga", "Once more"))));
}

TEST_F(DeskTest, AnAnswerToAMessageThatNobodyRemembersGoesToNobody) {
  open(kOfTwo);
  say("olga", "/join right");
  say("ann", "Help Ann");
  say("bob", "Help Bob");
  for (const char* who : {"olga", "ann", "bob"}) texts(who);
  // As a message that went out just before a crash, and was not recorded as sent.
  const std::string answer = say("olga", "For whom is this?", "b999");
  const std::vector<Read> asked = read("olga");
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_THAT(asked[0].message.text.text, HasSubstr("It is unclear whom this is for"));
  EXPECT_EQ(asked[0].message.reply_to, answer);
  EXPECT_THAT(texts("ann"), IsEmpty());
  EXPECT_THAT(texts("bob"), IsEmpty());
}

TEST_F(DeskTest, ATicketThatNobodyHadRoomForIsOfferedOnceSomebodyHas) {
  open(kByClaim);
  say("olga", "/join right");
  say("ann", "Help Ann");
  say("olga", "/take");
  texts("olga");
  say("bob", "Help Bob");
  EXPECT_THAT(texts("olga"), IsEmpty());
  say("olga", "/end_chat");
  EXPECT_THAT(texts("olga"), ElementsAre(HasSubstr("Ticket #1 is closed"), HasSubstr("New ticket #2")));
}

TEST_F(DeskTest, EverythingThatCanBePassedOnIs) {
  open(kDeskScenario);
  client_with_agent();
  Incoming update = from("ann");
  UserMessage message;
  message.message_id = "x";
  message.attachments.push_back({AttachmentKind::Voice, "telegram", "voice-id", "", "audio/ogg", 10, ""});
  message.attachments.push_back({AttachmentKind::Document, "telegram", "doc-id", "plan.pdf", "", 10, "The plan"});
  update.event.what = message;
  play(update);
  auto got = read("olga");
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got.front().message.text.text, "Name of ann: The plan");
  ASSERT_EQ(got.front().message.attachments.size(), 2u);
  EXPECT_EQ(got.front().message.attachments[0].kind, AttachmentKind::Voice);
  EXPECT_EQ(got.front().message.attachments[1].name, "plan.pdf");
  EXPECT_EQ(got.front().message.attachments[1].caption, "");  // it stands in the text

  Incoming place = from("ann");
  UserMessage where;
  where.message_id = "y";
  where.location = Location{*Decimal::parse("55.75"), *Decimal::parse("37.61")};
  place.event.what = where;
  play(place);
  EXPECT_THAT(texts("olga"), ElementsAre("Name of ann: 55.75, 37.61"));

  Incoming poll = from("ann");
  UserMessage nothing;
  nothing.message_id = "z";
  poll.event.what = nothing;
  play(poll);
  EXPECT_THAT(texts("olga"), IsEmpty());
  EXPECT_THAT(texts("ann"), ElementsAre(HasSubstr("cannot be passed on")));
}

TEST_F(DeskTest, AMessageThatDoesNotArriveIsToldToWhoeverWroteIt) {
  open(kDeskScenario);
  client_with_agent();
  refuse_["ann"] = "too large";
  say("olga", "Hello");
  EXPECT_THAT(texts("olga"), ElementsAre("Ticket #1: a message was not delivered."));
}

TEST_F(DeskTest, AnAgentWhoBlocksTheBotGivesTheirTicketsToOthers) {
  open(kDeskScenario);
  client_with_agent();
  say("ivan", "/join right");
  texts("ivan");
  refuse_["olga"] = "blocked";
  say("ann", "Are you there?");
  EXPECT_THAT(texts("ivan"), ElementsAre(HasSubstr("Ticket #1"), "Name of ann: Are you there?"));
  refuse_.clear();
  say("ann", "Anyone?");
  EXPECT_THAT(texts("ivan"), ElementsAre("Name of ann: Anyone?"));
}

TEST_F(DeskTest, AClientWhoBlocksTheBotLeaves) {
  open(kDeskScenario);
  client_with_agent();
  Incoming gone = from("ann");
  gone.event.what = Reachability{false};
  play(gone);
  EXPECT_THAT(texts("olga"), ElementsAre("Ticket #1: the client has left."));
}

TEST_F(DeskTest, AnAgentWhoIsRemovedKeepsNoRights) {
  open(kDeskScenario);
  client_with_agent();
  ASSERT_TRUE(storage_->transact([](Transaction& tx) -> Stored<Done> {
    auto agents = tx.desk().agents("bot", "support");
    if (!agents) return Error{agents.error()};
    AgentRow olga = agents->front();
    olga.removed = true;
    return tx.desk().save_agent(olga);
  }));
  say("olga", "Secret plans");
  EXPECT_THAT(texts("ann"), IsEmpty());
  say("olga", "/stats");
  EXPECT_THAT(texts("ann"), IsEmpty());
}

TEST_F(DeskTest, ManyWrongTokensOfOnePersonLockThemOutAndOfManyPeopleEverybody) {
  open(kDeskScenario);
  for (int i = 0; i < 10; ++i) {
    say("eve", "/join wrong");
    now_ += 3 * 3600 * 1000;  // whatever pause there is
  }
  texts("eve");
  now_ -= 2 * 3600 * 1000;
  say("eve", "/join right");
  EXPECT_THAT(texts("eve"), ElementsAre(HasSubstr("Too many attempts")));
  for (int i = 0; i < 50; ++i) say("x" + std::to_string(i), "/join wrong");
  say("olga", "/join right");
  EXPECT_THAT(texts("olga"), ElementsAre(HasSubstr("Too many attempts")));
  now_ += 11 * 60 * 1000;
  say("olga", "/join right");
  EXPECT_THAT(texts("olga"), ElementsAre(HasSubstr("You are an agent")));
}

TEST_F(DeskTest, TheTokenIsInNoJournal) {
  open(kDeskScenario);
  say("olga", "/join right");
  say("ann", "Help");
  ASSERT_TRUE(storage_->transact([](Transaction& tx) -> Stored<Done> {
    for (std::int64_t dialog = 1; dialog < 10; ++dialog) {
      auto rows = tx.journal(dialog, 100);
      if (!rows) return Error{rows.error()};
      for (const JournalRow& row : *rows) EXPECT_EQ(row.event.find("right"), std::string::npos) << row.event;
    }
    return Done{};
  }));
}

TEST_F(DeskTest, ClientsHaveTopicsAndAgentsAnswerInThem) {
  open(kDeskInTopics);
  say("olga", "/join right");
  say("ann", "Help");
  EXPECT_THAT(texts("-100#101"), ElementsAre("Ticket #1: Name of ann", "Name of ann: Help"));
  say("ann", "Please");
  EXPECT_THAT(texts("-100#101"), ElementsAre("Name of ann: Please"));
  say_in_topic("olga", "101", "With pleasure");
  EXPECT_THAT(texts("ann"), ElementsAre("With pleasure"));
  say_in_topic("eve", "101", "I am no agent");
  EXPECT_THAT(texts("ann"), IsEmpty());
  say_in_topic("olga", "101", "/end_chat");
  EXPECT_THAT(texts("ann"), ElementsAre("Closed.", "Done."));
  EXPECT_THAT(texts("-100#101"), ElementsAre("Ticket #1 is closed."));
  // The next talk goes on in the client's topic.
  say("ann", "Again");
  EXPECT_THAT(texts("-100#101"), ElementsAre("Ticket #2: Name of ann", "Name of ann: Again"));
}

TEST_F(DeskTest, ATopicThatWasRemovedIsMadeAnewAndNothingIsLost) {
  open(kDeskInTopics);
  say("olga", "/join right");
  say("ann", "Help");
  texts("-100#101");
  refuse_["-100#101"] = "topic";
  say("ann", "Lost?");
  EXPECT_THAT(texts("-100#102"), ElementsAre("Ticket #1: Name of ann", "Name of ann: Lost?"));
  say("ann", "Found");
  EXPECT_THAT(texts("-100#102"), ElementsAre("Name of ann: Found"));
}

TEST_F(DeskTest, WhatWasOnItsWayToARemovedTopicComesToTheNewOneOnceAndInOrder) {
  open(kDeskInTopics);
  say("olga", "/join right");
  say("ann", "Help");
  texts("-100#101");
  refuse_["-100#101"] = "topic";
  holds_ = true;  // all are under way when the first is refused
  for (const char* text : {"1", "2", "3"}) say("ann", text);
  let_go();
  say("ann", "4");
  EXPECT_THAT(texts("-100#102"),
              ElementsAre("Ticket #1: Name of ann", "Name of ann: 1", "Name of ann: 2", "Name of ann: 3", "Name of ann: 4"));
}

TEST_F(DeskTest, WithoutRightsToMakeATopicAgentsGetTheTicketInTheirOwnChats) {
  open(kDeskInTopics);
  say("olga", "/join right");
  texts("olga");
  refuse_["-100"] = "not enough rights to create a topic";
  say("ann", "Help");
  EXPECT_THAT(texts("olga"), ElementsAre(HasSubstr("Ticket #1"), "Name of ann: Help"));
  EXPECT_THAT(alarms_, ElementsAre(AllOf(HasSubstr("ticket 1"), HasSubstr("not enough rights"), HasSubstr("administrator"),
                                         HasSubstr("agents get tickets in their own chats"))));
  say("olga", "I am here");
  EXPECT_THAT(texts("ann"), ElementsAre("I am here"));
}

TEST_F(DeskTest, WhenTheGroupIsGoneTicketsWaitForAgentsAndComeBackWithIt) {
  open(kDeskInTopics);
  say("ann", "Help");
  texts("-100#101");
  refuse_["-100#101"] = refuse_["-100"] = "out";
  say("ann", "Anyone?");
  say("bob", "Me too");
  EXPECT_THAT(alarms_, ElementsAre(HasSubstr("unless somebody registers: `/join TOKEN`"), HasSubstr("ticket 2")));
  say("olga", "/join right");
  // Olga has room for one; the other goes on waiting.
  EXPECT_THAT(texts("olga"), ElementsAre(HasSubstr("You are an agent"), HasSubstr("Ticket #1"), "Name of ann: Anyone?"));
  refuse_.clear();
  say("eve", "And me");
  EXPECT_THAT(texts("-100#102"), ElementsAre("Ticket #3: Name of eve", "Name of eve: And me"));
  EXPECT_THAT(texts("-100#103"), ElementsAre("Ticket #2: Name of bob", "Name of bob: Me too"));
  say("ann", "Still here");
  EXPECT_THAT(texts("olga"), ElementsAre("Name of ann: Still here"));
}

TEST_F(DeskTest, WhatPeopleOfTheGroupSayInTopicsOfTheirOwnIsNotTheBots) {
  open(kDeskInTopics);
  say("olga", "/join right");
  texts("olga");
  say_in_topic("olga", "77", "Lunch?");
  say_in_topic("eve", "77", "At one");
  for (const auto& [chat, messages] : inbox_) EXPECT_THAT(messages, IsEmpty()) << chat;
}

// ---- figures, conditions, texts

TEST_F(DeskTest, ATicketThatWasReopenedDoesNotCountTheTimeWhenItWasClosed) {
  open(desk_scenario(", assign: [available], reopen: 3d"));
  client_with_agent();
  now_ += 10 * 60'000;
  say("olga", "Hello");
  now_ += 10 * 60'000;
  say("olga", "/end_chat");
  now_ += 24 * 3600'000;
  say("ann", "Again");
  now_ += 10 * 60'000;
  say("olga", "/end_chat");
  texts("olga");
  say("olga", "/stats");
  const std::string stats = texts("olga").at(0);
  EXPECT_THAT(stats, HasSubstr("first answer 10 min"));
  EXPECT_THAT(stats, HasSubstr("lasts 30 min"));
}

TEST_F(DeskTest, ATicketThatNobodyAnsweredBeginsAnewWhenItIsReopened) {
  open(desk_scenario(", assign: [available], reopen: 3d"));
  client_with_agent();
  say("olga", "/end_chat");
  now_ += 24 * 3600'000;
  say("ann", "Again");
  now_ += 5 * 60'000;
  say("olga", "Hello");
  say("olga", "/end_chat");
  texts("olga");
  say("olga", "/stats");
  EXPECT_THAT(texts("olga").at(0), AllOf(HasSubstr("first answer 5 min"), HasSubstr("lasts 5 min")));
}

TEST_F(DeskTest, TheWaitIsGuessedFromHowLongAgentsHadTheirLastTickets) {
  open(desk_scenario(", assign: [available], queue: \"{{ handoff.wait | default('?') }}\""));
  client_with_agent();
  say("bob", "Me too");
  EXPECT_THAT(texts("bob"), ElementsAre("?"));
  now_ += 10 * 60'000 - 2000;
  say("olga", "/end_chat");  // ten minutes with her
  say("ann", "Once more");
  const auto waits = texts("ann");
  EXPECT_EQ(waits.back(), "10 minutes") << testing::PrintToString(waits);
}

TEST_F(DeskTest, AConditionThatCannotBeToldLeavesANote) {
  open(desk_scenario(", assign: [open / (open - open) > 1, available]"));
  client_with_agent();
  EXPECT_THAT(notes_, testing::Contains(AllOf(HasSubstr("condition 1 of `assign` in `support`"), HasSubstr("taken for false"))));
}

TEST_F(DeskTest, AGreetingThatCannotBeMadeIsReportedAndNothingElseIsSaid) {
  open(desk_scenario(", assign: [available], greeting: \"{{ 1 / (handoff.number - handoff.number) }}\""));
  say("olga", "/join right");
  say("ann", "Help");
  EXPECT_THAT(texts("ann"), IsEmpty());
  EXPECT_THAT(notes_, testing::Contains(HasSubstr("zero")));
}

TEST_F(DeskTest, TheClientIsGreetedOnceThoughAgentsChange) {
  open(desk_scenario(", assign: [available], greeting: \"{{ handoff.agent }} is here.\""));
  say("olga", "/join right");
  say("ann", "Help");
  EXPECT_THAT(texts("ann"), ElementsAre("Name of olga is here."));
  say("olga", "/available");
  say("ivan", "/join right");
  EXPECT_THAT(texts("ann"), IsEmpty());
}

TEST_F(DeskTest, ATicketThatWentToADeskInAGroupHasATopicThere) {
  open(R"(
scenario: desk
language: en
start: home
branches:
  home:
    - handoff: support
handoff:
  support: {desk: support, assign: [available]}
desks:
  support: {register: {command: /join, token: "${DESK_TOKEN}"}}
  repair: {topics: group, agents: group}
)");
  client_with_agent();
  say("olga", "/transfer repair");
  EXPECT_THAT(texts("-100#101"), ElementsAre("Ticket #1: Name of ann"));
  EXPECT_THAT(texts("olga"), ElementsAre("Ticket #1 is with repair now."));
  say("ann", "Hello?");
  EXPECT_THAT(texts("-100#101"), ElementsAre("Name of ann: Hello?"));
  say_in_topic("ivan", "101", "Here");
  EXPECT_THAT(texts("ann"), testing::Contains("Here"));
}

}  // namespace
}  // namespace sufler

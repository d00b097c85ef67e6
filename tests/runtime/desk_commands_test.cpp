// What operators' commands do to a desk where people talk: agents who are removed or erased, invitations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "databases/test_database.h"
#include "interpreter/core/sha256.h"
#include "runtime/desk_fixture.h"

namespace sufler {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr std::int64_t kMinute = 60'000;

class DeskCommandsTest : public DeskTest {
 protected:
  json ask(const json& request) { return json::parse(operate(request.dump())); }
  json remove(const std::string& who) {
    return ask({{"op", "remove_agent"}, {"bot", "bot"}, {"desk", "support"}, {"user", "telegram:" + who}});
  }
  void invite(const std::string& code) {
    const json answer =
        ask({{"op", "invite"}, {"bot", "bot"}, {"desk", "support"}, {"hash", sha256_hex(code)}});
    EXPECT_EQ(answer["until_unix_ms"], now_ + 15 * kMinute);
  }
  json tickets() { return ask({{"op", "tickets"}, {"bot", "bot"}})["tickets"]; }
};

// ---- agents who are removed

TEST_F(DeskCommandsTest, TicketsOfAnAgentWhoIsRemovedWhileTalkingGoToAnother) {
  open(kDeskScenario);
  client_with_agent();
  say("ivan", "/join right");
  texts("ivan");
  EXPECT_EQ(remove("olga"), (json{{"name", "Name of olga"}, {"open", 1}}));
  EXPECT_THAT(texts("olga"), ElementsAre("You are no agent of support any more.", "Ticket #1 is with Name of ivan now."));
  EXPECT_THAT(texts("ivan"), ElementsAre(HasSubstr("#1")));
  say("ann", "Are you there?");
  EXPECT_THAT(texts("ivan"), ElementsAre("Name of ann: Are you there?"));
  say("ivan", "Yes");
  EXPECT_THAT(texts("ann"), ElementsAre("Yes"));
  say("olga", "Secret plans");
  EXPECT_THAT(texts("ann"), IsEmpty());
}

TEST_F(DeskCommandsTest, WithNobodyElseTheyWait) {
  open(kDeskScenario);
  client_with_agent();
  remove("olga");
  EXPECT_THAT(texts("olga"), ElementsAre("You are no agent of support any more.", "Ticket #1 is back in the queue."));
  EXPECT_EQ(tickets()[0]["state"], "queued");
  say("ann", "Hello?");
  // What was said meanwhile comes with the ticket.
  say("ivan", "/join right");
  EXPECT_THAT(texts("ivan"), Contains("Name of ann: Hello?"));
}

TEST_F(DeskCommandsTest, TheClientsDialogIsInTheQueueAgainWithItsTimeout) {
  open(R"(
scenario: desk
language: en
start: home
branches:
  home:
    - handoff: support
      outcomes:
        timeout:
          - say: Nobody came.
handoff:
  support: {mode: relay, desk: support, assign: [available], timeout: 15m}
desks:
  support: {register: {command: /join, token: "${DESK_TOKEN}"}}
)");
  client_with_agent();
  now_ += 60 * kMinute;
  remove("olga");
  auto played = player_->play_timers(Moment{now_ += 16 * kMinute}, 10);
  ASSERT_TRUE(played);
  keep(*played);
  EXPECT_THAT(texts("ann"), ElementsAre("Nobody came."));
  EXPECT_THAT(tickets(), IsEmpty());
}

TEST_F(DeskCommandsTest, ATransferThatWasOfferedToThemFallsBack) {
  open(desk_scenario(", assign: [available], queue: Wait.", ", accept: 2m"));
  client_with_agent();
  say("ivan", "/join right");
  say("olga", "/transfer Name of ivan");
  texts("olga");
  remove("ivan");
  EXPECT_THAT(texts("olga"), ElementsAre(AllOf(HasSubstr("Name of ivan"), HasSubstr("#1"))));
  say("olga", "Still me");
  EXPECT_THAT(texts("ann"), Contains("Still me"));
}

TEST_F(DeskCommandsTest, OfADeskWithTopicsTheTicketStaysInItsTopic) {
  open(kDeskInTopics);
  say("olga", "/join right");
  say("ivan", "/join right");
  say("ann", "Help");
  say_in_topic("olga", "101", "I help");
  texts("ann");
  remove("olga");
  say_in_topic("olga", "101", "I am removed");
  EXPECT_THAT(texts("ann"), IsEmpty());
  say_in_topic("ivan", "101", "Now me");
  EXPECT_THAT(texts("ann"), ElementsAre("Now me"));
}

TEST_F(DeskCommandsTest, TheTokenDoesNotLetThemBackButAnInvitationOrTheOperatorDoes) {
  open(kDeskScenario);
  say("olga", "/join right");
  remove("olga");
  texts("olga");
  say("olga", "/join right");
  EXPECT_THAT(texts("olga"), ElementsAre("The code is wrong."));
  EXPECT_THAT(notes_, Contains(HasSubstr("needs an invitation")));
  invite("a code");
  say("olga", "/join a code");
  EXPECT_THAT(texts("olga"), ElementsAre(HasSubstr("You are an agent of support")));
  remove("olga");
  texts("olga");
  ask({{"op", "restore_agent"}, {"bot", "bot"}, {"desk", "support"}, {"user", "telegram:olga"}});
  say("olga", "/stats");
  EXPECT_THAT(texts("olga"), ElementsAre(HasSubstr("Name of olga")));
}

TEST_F(DeskCommandsTest, WhoeverIsNoAgentCannotBeRemoved) {
  open(kDeskScenario);
  say("olga", "/join right");
  EXPECT_THAT(remove("eve")["error"].get<std::string>(), HasSubstr("is no agent"));
  EXPECT_THAT(ask({{"op", "remove_agent"}, {"bot", "bot"}, {"desk", "support"}, {"user", "olga"}})["error"]
                  .get<std::string>(),
              HasSubstr("telegram:123"));
  remove("olga");
  EXPECT_THAT(remove("olga")["error"].get<std::string>(), HasSubstr("is no agent"));
}

TEST_F(DeskCommandsTest, TicketsOfAnErasedAgentGoToAnother) {
  open(kDeskScenario);
  client_with_agent();
  say("ivan", "/join right");
  texts("ivan");
  ask({{"op", "erase"}, {"user", "telegram:olga"}, {"really", true}});
  EXPECT_THAT(texts("ivan"), Contains(HasSubstr("#1")));
  say("ann", "Hello?");
  EXPECT_THAT(texts("ivan"), ElementsAre("Name of ann: Hello?"));
  EXPECT_EQ(tickets()[0]["agent"], "Name of ivan");
}

TEST_F(DeskCommandsTest, AnErasedClientLeavesTheAgentFreeForTheNext) {
  open(kDeskScenario);
  client_with_agent();
  say("bob", "Me too");
  EXPECT_THAT(texts("bob"), ElementsAre("Wait."));
  ask({{"op", "erase"}, {"user", "telegram:ann"}, {"really", true}});
  EXPECT_THAT(texts("olga"), ElementsAre("Ticket #1: the client has left.", HasSubstr("#2"), "Name of bob: Me too"));
}

TEST_F(DeskCommandsTest, CountingWhatWouldBeErasedMovesNoTicket) {
  open(kDeskScenario);
  client_with_agent();
  ask({{"op", "erase"}, {"user", "telegram:olga"}, {"really", false}});
  EXPECT_EQ(tickets()[0]["state"], "open");
  EXPECT_THAT(texts("ann"), IsEmpty());
}

// ---- invitations

TEST_F(DeskCommandsTest, AnInvitationIsGoodForOnePersonOnce) {
  open(kDeskScenario);
  invite("the code");
  say("olga", "/join the code");
  EXPECT_THAT(texts("olga"), ElementsAre(HasSubstr("You are an agent of support")));
  say("eve", "/join the code");
  EXPECT_THAT(texts("eve"), ElementsAre("The code is wrong."));
  EXPECT_THAT(notes_, Contains(HasSubstr("a wrong token for the desk `support` from telegram:eve")));
  remove("olga");
  texts("olga");
  say("olga", "/join the code");
  EXPECT_THAT(texts("olga"), ElementsAre("The code is wrong."));
}

TEST_F(DeskCommandsTest, AnAgentDoesNotUseItUp) {
  open(kDeskScenario);
  say("olga", "/join right");
  invite("a code");
  texts("olga");
  say("olga", "/join a code");
  EXPECT_THAT(texts("olga"), ElementsAre("You are an agent of support already."));
  say("ivan", "/join a code");
  EXPECT_THAT(texts("ivan"), ElementsAre(HasSubstr("You are an agent of support")));
}

TEST_F(DeskCommandsTest, AnInvitationExpiresAfterFifteenMinutes) {
  open(kDeskScenario);
  invite("early");
  invite("late");
  now_ += 14 * kMinute;
  say("olga", "/join early");
  EXPECT_THAT(texts("olga"), ElementsAre(HasSubstr("You are an agent")));
  now_ += 2 * kMinute;
  say("ivan", "/join late");
  EXPECT_THAT(texts("ivan"), ElementsAre("The code is wrong."));
}

TEST_F(DeskCommandsTest, AnInvitationIsForItsDeskAndBotAlone) {
  open(kDeskScenario);
  ask({{"op", "invite"}, {"bot", "bot"}, {"desk", "sales"}, {"hash", sha256_hex("of sales")}});
  ask({{"op", "invite"}, {"bot", "other"}, {"desk", "support"}, {"hash", sha256_hex("of another")}});
  say("olga", "/join of sales");
  say("olga", "/join of another");
  EXPECT_THAT(texts("olga"), Each("The code is wrong."));
}

TEST_F(DeskCommandsTest, ItsHashIsNoInvitation) {
  open(kDeskScenario);
  invite("the code");
  say("eve", "/join " + sha256_hex("the code"));
  EXPECT_THAT(texts("eve"), ElementsAre("The code is wrong."));
}

TEST_F(DeskCommandsTest, WhoeverGuessesIsLockedOutOfInvitationsToo) {
  open(kDeskScenario);
  for (int i = 0; i < 4; ++i) say("eve", "/join " + std::to_string(i));
  texts("eve");
  invite("the code");
  say("eve", "/join the code");
  EXPECT_THAT(texts("eve"), ElementsAre(HasSubstr("Too many attempts")));
}

// ---- why nothing happened

TEST_F(DeskCommandsTest, TheLogTellsWhatTheDeskPassedOver) {
  open(kDeskScenario);
  say("ann", "Help");
  EXPECT_THAT(notes_, Contains("nobody is registered at the desk `support`"));
  Incoming press = from("eve");
  press.event.what = ButtonPress{"p", "m", "desk:take:1"};
  play(press);
  EXPECT_THAT(notes_, Contains(HasSubstr("pressed by somebody who is no agent")));
}

// ---- what the commands give, on each database

class DeskListsTest : public testing::TestWithParam<DatabaseUnderTest> {
 protected:
  DeskListsTest() {
    auto opened = Storage::open(database_.url(), Durability::Normal);
    EXPECT_TRUE(opened);
    storage_ = std::make_unique<Storage>(std::move(*opened));
    const auto done = storage_->transact([&](Transaction& tx) -> Stored<Done> {
      AgentRow olga;
      olga.bot = "shop";
      olga.desk = "support";
      olga.chat = {"telegram", "21"};
      olga.user_id = "21";
      olga.name = "Olga";
      olga.registered_at = olga.seen_at = Moment{1000};
      if (auto saved = tx.desk().save_agent(olga); !saved) return saved;
      agent_ = olga.id;
      DialogRow dialog;
      const DialogKey key{"shop", {"telegram", "7"}, "7"};
      auto loaded = tx.load_dialog(key);
      if (!loaded) return Error{loaded.error()};
      dialog = std::move(*loaded);
      dialog.state = "{}";
      if (auto saved = tx.save_dialog(key, dialog, false, Moment{1000}); !saved) return saved;
      for (const TicketRow::State state : {TicketRow::State::Closed, TicketRow::State::Open, TicketRow::State::Queued}) {
        TicketRow ticket;
        ticket.bot = "shop";
        ticket.desk = "support";
        ticket.rule = "support";
        ticket.state = state;
        ticket.dialog_id = dialog.id;
        ticket.client_name = "Anna";
        ticket.agent_id = state == TicketRow::State::Queued ? 0 : olga.id;
        ticket.opened_at = ticket.queued_at = Moment{2000};
        ticket.client_at = Moment{3000};
        if (state == TicketRow::State::Closed) ticket.closed_at = Moment{4000}, ticket.outcome = "closed";
        if (auto stored = tx.desk().open_ticket(ticket); !stored) return stored;
        TicketMessage line;
        line.ticket_id = ticket.id;
        line.author = "Anna";
        line.at = Moment{3000};
        line.event = to_json(Event{Moment{3000}, 0, UserMessage{"1", "Help", {}, {}, {}, {}}});
        for (int i = 0; i < 3; ++i)
          if (auto added = tx.desk().add_message(line); !added) return added;
      }
      return Done{};
    });
    EXPECT_TRUE(done);
  }
  json ask(const json& request) { return json::parse(operate(*storage_, request.dump(), Moment{10'000}).answer); }

  TestDatabase database_{GetParam()};
  std::unique_ptr<Storage> storage_;
  std::int64_t agent_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Databases, DeskListsTest,
                         testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(DeskListsTest, AgentsComeWithTheirFigures) {
  const json agents = ask({{"op", "agents"}})["agents"];
  ASSERT_THAT(agents, SizeIs(1));
  EXPECT_EQ(agents[0]["user"], "telegram:21");
  EXPECT_EQ(agents[0]["on_duty"], true);
  EXPECT_EQ(agents[0]["open"], 1);
  EXPECT_EQ(agents[0]["taken"], 2);
  EXPECT_EQ(agents[0]["closed"], 1);
  EXPECT_THAT(ask({{"op", "agents"}, {"bot", "other"}})["agents"], IsEmpty());
}

TEST_P(DeskListsTest, TicketsComeWithWhatTheirClientsWaitFor) {
  const json tickets = ask({{"op", "tickets"}})["tickets"];
  ASSERT_THAT(tickets, SizeIs(2));
  EXPECT_EQ(tickets[0]["state"], "open");
  EXPECT_EQ(tickets[0]["agent"], "Olga");
  EXPECT_EQ(tickets[0]["waits_ms"], 7000);  // for an answer
  EXPECT_EQ(tickets[1]["state"], "queued");
  EXPECT_EQ(tickets[1]["waits_ms"], 8000);  // for an agent
  EXPECT_THAT(ask({{"op", "tickets"}, {"closed", true}})["tickets"], SizeIs(3));
  const json one = ask({{"op", "tickets"}, {"limit", 1u}});
  EXPECT_THAT(one["tickets"], SizeIs(1));
  EXPECT_EQ(one["more"], true);
}

TEST_P(DeskListsTest, ATicketComesWithItsMessages) {
  const json whole = ask({{"op", "ticket"}, {"bot", "shop"}, {"desk", "support"}, {"number", 2}});
  ASSERT_THAT(whole["messages"], SizeIs(3));
  EXPECT_EQ(whole["more"], false);
  const json behind = ask({{"op", "ticket"}, {"bot", "shop"}, {"desk", "support"}, {"number", 2},
                           {"after", whole["messages"][0]["id"]}});
  EXPECT_THAT(behind["messages"], SizeIs(2));
  EXPECT_TRUE(ask({{"op", "ticket"}, {"bot", "shop"}, {"desk", "support"}, {"number", 9}}).contains("error"));
}

TEST_P(DeskListsTest, TheStatusTellsOfEachDesk) {
  const json desks = ask({{"op", "status"}})["desks"];
  ASSERT_THAT(desks, SizeIs(1));
  EXPECT_EQ(desks[0], (json{{"bot", "shop"}, {"desk", "support"}, {"agents", 1}, {"on_duty", 1}, {"queued", 1},
                            {"open", 1}, {"waits_ms", 8000}}));
}

TEST_P(DeskListsTest, ARemovedAgentLeavesWhatIsToBeDoneInTheInbox) {
  const json request = {{"op", "remove_agent"}, {"bot", "shop"}, {"desk", "support"}, {"user", "telegram:21"}};
  const Operated operated = operate(*storage_, request.dump(), Moment{10'000});
  EXPECT_TRUE(operated.inbox_filled);
  EXPECT_EQ(database_.ask("SELECT count(*) FROM inbox"), "1");
  EXPECT_EQ(ask({{"op", "status"}})["desks"][0]["on_duty"], 0);
}

TEST_P(DeskListsTest, AnErasedAgentsTicketsAreLeftInTheInbox) {
  const json request = {{"op", "erase"}, {"user", "telegram:21"}, {"really", true}};
  EXPECT_TRUE(operate(*storage_, request.dump(), Moment{10'000}).inbox_filled);
  EXPECT_EQ(database_.ask("SELECT count(*) FROM inbox"), "1");
}

TEST_P(DeskListsTest, InvitationsAreForgottenWhenUsedOrExpired) {
  const auto invite = [&](const std::string& code) {
    ask({{"op", "invite"}, {"bot", "shop"}, {"desk", "support"}, {"hash", sha256_hex(code)}});
  };
  invite("one");
  invite("two");
  const auto open_at = [&](std::int64_t ms) {
    std::size_t count = 0;
    EXPECT_TRUE(storage_->transact([&](Transaction& tx) -> Stored<Done> {
      auto found = tx.desk().invitations("shop", "support", Moment{ms});
      if (!found) return Error{found.error()};
      count = found->size();
      return Done{};
    }));
    return count;
  };
  EXPECT_EQ(open_at(10'000), 2u);
  EXPECT_EQ(open_at(10'000 + 15 * kMinute), 0u);
  EXPECT_TRUE(storage_->transact([&](Transaction& tx) { return tx.desk().drop_invitation(sha256_hex("one")); }));
  EXPECT_EQ(open_at(10'000), 1u);
  EXPECT_EQ(ask({{"op", "invite"}, {"bot", "shop"}, {"desk", "support"}, {"hash", "short"}}).contains("error"), true);
}

}  // namespace
}  // namespace sufler

// Agents, tickets and what was said in them, on every database. What a desk does with it: interpreter/runtime/desk.*.
#include "storage/desk_store.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "storage/database_tools.h"
#include "storage/housekeeping.h"
#include "storage/outbox_json.h"
#include "storage_fixture.h"

namespace sufler {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using From = TicketMessage::From;
using State = TicketRow::State;

AgentRow agent_named(const std::string& name, const std::string& user, const std::string& desk = "support",
                     const std::string& bot = "shop") {
  AgentRow row;
  row.bot = bot;
  row.desk = desk;
  row.chat = {"telegram", user};
  row.user_id = user;
  row.name = name;
  row.registered_at = Moment{100};
  return row;
}

TicketRow ticket_of(std::int64_t dialog, std::int64_t at, const std::string& desk = "support",
                    const std::string& bot = "shop") {
  TicketRow row;
  row.bot = bot;
  row.desk = desk;
  row.rule = "support";
  row.dialog_id = dialog;
  row.client_name = "Client " + std::to_string(dialog);
  row.opened_at = row.queued_at = Moment{at};
  return row;
}

TicketMessage said(std::int64_t ticket, From from, const std::string& text, std::int64_t at = 1) {
  TicketMessage message;
  message.ticket_id = ticket;
  message.from = from;
  message.author = from == From::Client ? "Client" : "Agent";
  message.at = Moment{at};
  message.event = "\"" + text + "\"";
  message.chat = {"telegram", "7"};
  return message;
}

std::vector<std::string> events_of(const std::vector<TicketMessage>& messages) {
  std::vector<std::string> events;
  for (const TicketMessage& one : messages) events.push_back(one.event);
  return events;
}

std::vector<std::int64_t> numbers_of(const std::vector<TicketRow>& tickets) {
  std::vector<std::int64_t> numbers;
  for (const TicketRow& one : tickets) numbers.push_back(one.number);
  return numbers;
}

std::vector<std::string> names_of(const std::vector<AgentRow>& agents) {
  std::vector<std::string> names;
  for (const AgentRow& one : agents) names.push_back(one.name);
  return names;
}

class DeskStoreTest : public OnEveryDatabase {
 protected:
  std::int64_t count(const std::string& table) { return std::stoll(database_.ask("SELECT count(*) FROM " + table)); }

  /// Opens a ticket and gives it as stored.
  static TicketRow opened(DeskStore& desk, TicketRow row) {
    unwrap(desk.open_ticket(row));
    EXPECT_GT(row.id, 0);
    return row;
  }
  static std::int64_t added(DeskStore& desk, TicketMessage message) {
    unwrap(desk.add_message(message));
    return message.id;
  }
};
SUFLER_ON_EVERY_DATABASE(DeskStoreTest);

// ---- agents

TEST_P(DeskStoreTest, AnAgentComesBackAsSaved) {
  AgentRow row = agent_named("Анна", "21");
  row.on_duty = false;
  row.seen_at = Moment{200};
  row.freed_at = Moment{300};
  row.current_ticket = 9;
  must(storage_, [&](Transaction& tx) {
    unwrap(tx.desk().save_agent(row));
    EXPECT_GT(row.id, 0);
  });
  reopen();
  must(storage_, [&](Transaction& tx) {
    const auto found = unwrap(tx.desk().agent(row.id));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->bot, "shop");
    EXPECT_EQ(found->desk, "support");
    EXPECT_EQ(found->chat, (ChatAddress{"telegram", "21"}));
    EXPECT_EQ(found->user_id, "21");
    EXPECT_EQ(found->name, "Анна");
    EXPECT_FALSE(found->on_duty);
    EXPECT_FALSE(found->removed);
    EXPECT_EQ(found->registered_at, Moment{100});
    EXPECT_EQ(found->seen_at, Moment{200});
    EXPECT_EQ(found->freed_at, Moment{300});
    EXPECT_EQ(found->current_ticket, 9);
    EXPECT_EQ(found->open, 0);
    EXPECT_FALSE(unwrap(tx.desk().agent(row.id + 1)));
    row.name = "Anna";
    row.on_duty = true;
    unwrap(tx.desk().save_agent(row));
    EXPECT_EQ(unwrap(tx.desk().agent(row.id))->name, "Anna");
    EXPECT_TRUE(unwrap(tx.desk().agent(row.id))->on_duty);
  });
}

TEST_P(DeskStoreTest, APersonIsAnAgentAtSeveralDesksAndOfSeveralBots) {
  must(storage_, [](Transaction& tx) {
    DeskStore& desk = tx.desk();
    for (AgentRow row : {agent_named("support", "21"), agent_named("sales", "21", "sales"),
                         agent_named("school", "21", "support", "school"), agent_named("other", "22")}) {
      unwrap(desk.save_agent(row));
    }
    AgentRow elsewhere = agent_named("vk", "21");
    elsewhere.chat.transport = "vk";
    unwrap(desk.save_agent(elsewhere));
    EXPECT_THAT(names_of(unwrap(desk.agents_of("shop", "telegram", "21"))), ElementsAre("support", "sales"));
    EXPECT_THAT(names_of(unwrap(desk.agents_of("school", "telegram", "21"))), ElementsAre("school"));
    EXPECT_THAT(names_of(unwrap(desk.agents_of("shop", "vk", "21"))), ElementsAre("vk"));
    EXPECT_THAT(unwrap(desk.agents_of("shop", "telegram", "23")), IsEmpty());
    EXPECT_THAT(names_of(unwrap(desk.agents("shop", "support"))), ElementsAre("support", "other", "vk"));
    EXPECT_THAT(names_of(unwrap(desk.agents("shop", "sales"))), ElementsAre("sales"));
    EXPECT_THAT(unwrap(desk.agents("shop", "none")), IsEmpty());
  });
}

TEST_P(DeskStoreTest, ARemovedAgentIsListedNoMoreAndComesBackAsThemselves) {
  must(storage_, [](Transaction& tx) {
    DeskStore& desk = tx.desk();
    AgentRow row = agent_named("Anna", "21");
    unwrap(desk.save_agent(row));
    const std::int64_t id = row.id;
    row.removed = true;
    unwrap(desk.save_agent(row));
    EXPECT_THAT(unwrap(desk.agents("shop", "support")), IsEmpty());
    EXPECT_THAT(unwrap(desk.agents_of("shop", "telegram", "21")), IsEmpty());
    EXPECT_TRUE(unwrap(desk.agent(id))->removed);

    AgentRow again = agent_named("Anna again", "21");
    again.registered_at = Moment{900};
    unwrap(desk.save_agent(again));
    EXPECT_EQ(again.id, id);
    const auto found = unwrap(desk.agents("shop", "support"));
    ASSERT_THAT(names_of(found), ElementsAre("Anna again"));
    EXPECT_EQ(found[0].registered_at, Moment{900});
    EXPECT_FALSE(found[0].removed);
  });
}

TEST_P(DeskStoreTest, OpenTicketsOfAnAgentAreCountedAndListedTheOldestFirst) {
  must(storage_, [](Transaction& tx) {
    DeskStore& desk = tx.desk();
    AgentRow anna = agent_named("Anna", "21");
    AgentRow boris = agent_named("Boris", "22");
    unwrap(desk.save_agent(anna));
    unwrap(desk.save_agent(boris));
    for (const std::int64_t at : {30, 10, 20, 40}) {
      TicketRow ticket = opened(desk, ticket_of(at, at));
      ticket.agent_id = at == 40 ? boris.id : anna.id;
      ticket.state = at == 20 ? State::Closed : State::Open;
      unwrap(desk.save_ticket(ticket));
    }
    opened(desk, ticket_of(50, 50));
    EXPECT_EQ(unwrap(desk.agent(anna.id))->open, 2);
    EXPECT_EQ(unwrap(desk.agents("shop", "support"))[1].open, 1);
    EXPECT_EQ(unwrap(desk.agents_of("shop", "telegram", "21"))[0].open, 2);
    EXPECT_THAT(numbers_of(unwrap(desk.tickets_of_agent(anna.id))), ElementsAre(2, 1));
    EXPECT_THAT(numbers_of(unwrap(desk.tickets_of_agent(boris.id))), ElementsAre(4));
    EXPECT_THAT(unwrap(desk.tickets_of_agent(99)), IsEmpty());
  });
}

// ---- tickets

TEST_P(DeskStoreTest, ATicketComesBackAsSaved) {
  TicketRow row = ticket_of(7, 1000);
  must(storage_, [&](Transaction& tx) { row = opened(tx.desk(), row); });
  EXPECT_EQ(row.number, 1);
  row.state = State::Closed;
  row.client_name = "Ольга";
  row.agent_id = 3;
  row.offered_to = 4;
  row.offered_at = Moment{1010};
  row.queued_at = Moment{1001};
  row.assigned_at = Moment{1020};
  row.answered_at = Moment{1030};
  row.client_at = Moment{1040};
  row.agent_at = Moment{1050};
  row.closed_at = Moment{1060};
  row.outcome = "closed";
  row.rating = 5;
  row.topic = "-100:42";
  row.paused_ms = 15;
  row.album = "a-1";
  must(storage_, [&](Transaction& tx) { unwrap(tx.desk().save_ticket(row)); });
  reopen();
  must(storage_, [&](Transaction& tx) {
    const auto found = unwrap(tx.desk().ticket(row.id));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->state, State::Closed);
    EXPECT_EQ(found->bot, "shop");
    EXPECT_EQ(found->desk, "support");
    EXPECT_EQ(found->rule, "support");
    EXPECT_EQ(found->number, 1);
    EXPECT_EQ(found->dialog_id, 7);
    EXPECT_EQ(found->client_name, "Ольга");
    EXPECT_EQ(found->agent_id, 3);
    EXPECT_EQ(found->offered_to, 4);
    EXPECT_EQ(found->offered_at, Moment{1010});
    EXPECT_EQ(found->opened_at, Moment{1000});
    EXPECT_EQ(found->queued_at, Moment{1001});
    EXPECT_EQ(found->assigned_at, Moment{1020});
    EXPECT_EQ(found->answered_at, Moment{1030});
    EXPECT_EQ(found->client_at, Moment{1040});
    EXPECT_EQ(found->agent_at, Moment{1050});
    EXPECT_EQ(found->closed_at, Moment{1060});
    EXPECT_EQ(found->outcome, "closed");
    EXPECT_EQ(found->rating, 5);
    EXPECT_EQ(found->topic, "-100:42");
    EXPECT_EQ(found->paused_ms, 15);
    EXPECT_EQ(found->album, "a-1");
    EXPECT_FALSE(unwrap(tx.desk().ticket(row.id + 1)));
  });
}

TEST_P(DeskStoreTest, NumbersAreOfADeskOfABotAndNeverReturn) {
  must(storage_, [](Transaction& tx) {
    DeskStore& desk = tx.desk();
    EXPECT_EQ(opened(desk, ticket_of(1, 1)).number, 1);
    EXPECT_EQ(opened(desk, ticket_of(2, 2)).number, 2);
    EXPECT_EQ(opened(desk, ticket_of(3, 3, "sales")).number, 1);
    EXPECT_EQ(opened(desk, ticket_of(4, 4, "support", "school")).number, 1);
    EXPECT_EQ(opened(desk, ticket_of(5, 5)).number, 3);
    EXPECT_EQ(unwrap(desk.ticket_by_number("shop", "support", 2))->dialog_id, 2);
    EXPECT_EQ(unwrap(desk.ticket_by_number("shop", "sales", 1))->dialog_id, 3);
    EXPECT_EQ(unwrap(desk.ticket_by_number("school", "support", 1))->dialog_id, 4);
    EXPECT_FALSE(unwrap(desk.ticket_by_number("shop", "support", 4)));
  });
  database_.ask("DELETE FROM tickets");
  reopen();
  must(storage_, [](Transaction& tx) { EXPECT_EQ(opened(tx.desk(), ticket_of(6, 6)).number, 4); });
}

TEST_P(DeskStoreTest, ATransactionThatIsUndoneTakesNoNumber) {
  const auto failed = storage_.transact([](Transaction& tx) -> Stored<Done> {
    EXPECT_EQ(opened(tx.desk(), ticket_of(1, 1)).number, 1);
    return Error{StorageError{StorageError::Kind::Busy, "no"}};
  });
  EXPECT_FALSE(failed);
  must(storage_, [](Transaction& tx) { EXPECT_EQ(opened(tx.desk(), ticket_of(1, 1)).number, 1); });
}

TEST_P(DeskStoreTest, ATicketThatGoesToAnotherDeskTakesANumberThere) {
  must(storage_, [](Transaction& tx) {
    DeskStore& desk = tx.desk();
    opened(desk, ticket_of(1, 1));
    TicketRow moving = opened(desk, ticket_of(2, 2));
    opened(desk, ticket_of(3, 3, "sales"));
    opened(desk, ticket_of(4, 4, "sales"));
    moving.desk = "sales";
    moving.agent_id = 12;
    unwrap(desk.save_ticket(moving));
    const auto moved = unwrap(desk.ticket(moving.id));
    EXPECT_EQ(moved->desk, "sales");
    EXPECT_EQ(moved->number, 3);
    EXPECT_EQ(moved->agent_id, 12);
    EXPECT_FALSE(unwrap(desk.ticket_by_number("shop", "support", 2)));
    EXPECT_THAT(numbers_of(unwrap(desk.queue("shop", "support", 9))), ElementsAre(1));
    EXPECT_THAT(numbers_of(unwrap(desk.queue("shop", "sales", 9))), ElementsAre(3, 1, 2)) << "by when they were queued";
  });
}

TEST_P(DeskStoreTest, TheNewestTicketOfADialogIsFoundAtItsDesk) {
  must(storage_, [](Transaction& tx) {
    DeskStore& desk = tx.desk();
    opened(desk, ticket_of(7, 10));
    opened(desk, ticket_of(8, 20));
    const TicketRow newest = opened(desk, ticket_of(7, 5));
    const TicketRow of_sales = opened(desk, ticket_of(7, 30, "sales"));
    EXPECT_EQ(unwrap(desk.last_ticket(7, "support"))->id, newest.id);
    EXPECT_EQ(unwrap(desk.last_ticket(7, "sales"))->id, of_sales.id);
    EXPECT_FALSE(unwrap(desk.last_ticket(9, "support")));
    EXPECT_THAT(numbers_of(unwrap(desk.tickets("shop", "support", 10))), ElementsAre(3, 2, 1));
    EXPECT_THAT(numbers_of(unwrap(desk.tickets("shop", "support", 2))), ElementsAre(3, 2));
  });
}

TEST_P(DeskStoreTest, ATopicIsOfTheNewestTicketThatHasIt) {
  must(storage_, [](Transaction& tx) {
    DeskStore& desk = tx.desk();
    TicketRow first = ticket_of(7, 10);
    first.topic = "-100:42";
    opened(desk, first);
    TicketRow second = opened(desk, ticket_of(7, 20));
    second.topic = "-100:42";
    unwrap(desk.save_ticket(second));
    opened(desk, ticket_of(8, 30));
    EXPECT_EQ(unwrap(desk.ticket_of_topic("shop", {"telegram", "-100:42"}))->id, second.id);
    EXPECT_FALSE(unwrap(desk.ticket_of_topic("shop", {"telegram", "-100:43"})));
    EXPECT_FALSE(unwrap(desk.ticket_of_topic("school", {"telegram", "-100:42"})));
    EXPECT_FALSE(unwrap(desk.ticket_of_topic("shop", {"telegram", ""})));
  });
}

// ---- the queue

TEST_P(DeskStoreTest, WhoeverWaitsLongestIsFirstInTheQueue) {
  std::map<std::int64_t, TicketRow> by_number;
  must(storage_, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    for (const std::int64_t at : {30, 10, 20, 20, 5}) {
      TicketRow row = opened(desk, ticket_of(at, at));
      if (at == 5) {
        row.state = State::Open;
        unwrap(desk.save_ticket(row));
      }
      by_number[row.number] = row;
    }
    opened(desk, ticket_of(1, 1, "sales"));
    opened(desk, ticket_of(1, 1, "support", "school"));
  });
  reopen();
  must(storage_, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    EXPECT_THAT(numbers_of(unwrap(desk.queue("shop", "support", 10))), ElementsAre(2, 3, 4, 1));
    EXPECT_THAT(numbers_of(unwrap(desk.queue("shop", "support", 2))), ElementsAre(2, 3));
    EXPECT_EQ(unwrap(desk.position(by_number[2])), 1);
    EXPECT_EQ(unwrap(desk.position(by_number[3])), 2);
    EXPECT_EQ(unwrap(desk.position(by_number[4])), 3) << "of those of one moment the first to come is the first";
    EXPECT_EQ(unwrap(desk.position(by_number[1])), 4);
    by_number[2].state = State::Open;
    unwrap(desk.save_ticket(by_number[2]));
    EXPECT_EQ(unwrap(desk.position(by_number[1])), 3);
    EXPECT_THAT(numbers_of(unwrap(desk.queue("shop", "support", 10))), ElementsAre(3, 4, 1));
    // Back into the queue, where it was.
    by_number[2].state = State::Queued;
    unwrap(desk.save_ticket(by_number[2]));
    EXPECT_THAT(numbers_of(unwrap(desk.queue("shop", "support", 10))), ElementsAre(2, 3, 4, 1));
  });
}

TEST_P(DeskStoreTest, TenThousandInTheQueueKeepTheirPlaces) {
  constexpr std::int64_t kAll = 10'000;
  must(storage_, [](Transaction& tx) { opened(tx.desk(), ticket_of(1, 1)); });
  // The others as the first.
  database_.ask(
      "INSERT INTO tickets (state, bot, desk, rule, number, dialog_id, client_name, agent_id, offered_to, "
      "offered_at_unix_ms, opened_at_unix_ms, queued_at_unix_ms, assigned_at_unix_ms, answered_at_unix_ms, "
      "client_at_unix_ms, agent_at_unix_ms, closed_at_unix_ms, outcome, rating, topic) WITH RECURSIVE n (i) AS (SELECT 2 "
      "UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT 0, bot, desk, rule, i, i, '', 0, 0, 0, i, i, 0, 0, 0, 0, 0, "
      "'', 0, '' FROM tickets, n");
  must(storage_, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    const auto last = unwrap(desk.ticket_by_number("shop", "support", kAll));
    ASSERT_TRUE(last);
    EXPECT_EQ(unwrap(desk.position(*last)), kAll);
    EXPECT_EQ(unwrap(desk.position(*unwrap(desk.ticket_by_number("shop", "support", 5000)))), 5000);
    EXPECT_THAT(numbers_of(unwrap(desk.queue("shop", "support", 3))), ElementsAre(1, 2, 3));
  });
}

// ---- what was said

TEST_P(DeskStoreTest, MessagesComeBackInTheirOrder) {
  std::int64_t ticket = 0;
  must(storage_, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    ticket = opened(desk, ticket_of(7, 1)).id;
    const std::int64_t other = opened(desk, ticket_of(8, 1)).id;
    std::int64_t last = 0;
    for (int i = 1; i <= 5; ++i) {
      const std::int64_t id = added(desk, said(ticket, From::Client, std::to_string(i)));
      EXPECT_GT(id, last);
      last = id;
      added(desk, said(other, From::Client, "other"));
    }
    TicketMessage note = said(ticket, From::Note, "заметка", 77);
    note.agent_id = 4;
    note.author = "Анна";
    note.chat = {"telegram", "21"};
    note.message_id = "601";
    note.carried = true;
    unwrap(desk.add_message(note));
    const auto found = unwrap(desk.message(note.id));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->ticket_id, ticket);
    EXPECT_EQ(found->from, From::Note);
    EXPECT_EQ(found->agent_id, 4);
    EXPECT_EQ(found->author, "Анна");
    EXPECT_EQ(found->at, Moment{77});
    EXPECT_EQ(found->event, "\"заметка\"");
    EXPECT_EQ(found->chat, (ChatAddress{"telegram", "21"}));
    EXPECT_EQ(found->message_id, "601");
    EXPECT_TRUE(found->carried);
    EXPECT_FALSE(unwrap(desk.message(note.id + 1)));
  });
  reopen();
  must(storage_, [&](Transaction& tx) {
    EXPECT_THAT(events_of(unwrap(tx.desk().messages(ticket, 3))), ElementsAre("\"4\"", "\"5\"", "\"заметка\""));
    EXPECT_THAT(unwrap(tx.desk().messages(ticket, 100)), SizeIs(6));
    EXPECT_THAT(unwrap(tx.desk().messages(99, 100)), IsEmpty());
  });
}

TEST_P(DeskStoreTest, WhatWasSaidBeforeThereWasAnAgentWaitsToBeCarried) {
  must(storage_, [](Transaction& tx) {
    DeskStore& desk = tx.desk();
    const std::int64_t ticket = opened(desk, ticket_of(7, 1)).id;
    const std::int64_t first = added(desk, said(ticket, From::Client, "one"));
    added(desk, said(ticket, From::Note, "note"));
    added(desk, said(ticket, From::Bot, "bot"));
    added(desk, said(ticket, From::Client, "two"));
    TicketMessage gone = said(ticket, From::Client, "carried");
    gone.carried = true;
    added(desk, gone);
    added(desk, said(ticket, From::Agent, "three"));
    added(desk, said(opened(desk, ticket_of(8, 1)).id, From::Client, "other"));
    EXPECT_THAT(events_of(unwrap(desk.to_carry(ticket))), ElementsAre("\"one\"", "\"two\"", "\"three\""));
    unwrap(desk.mark_carried(first));
    EXPECT_THAT(events_of(unwrap(desk.to_carry(ticket))), ElementsAre("\"two\"", "\"three\""));
    EXPECT_TRUE(unwrap(desk.message(first))->carried);
  });
}

TEST_P(DeskStoreTest, AReplyFindsTheMessageBehindItsTwinInTheOtherChat) {
  const ChatAddress client{"vk", "7"};
  const ChatAddress agent{"telegram", "21"};
  must(storage_, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    const std::int64_t ticket = opened(desk, ticket_of(7, 1)).id;
    TicketMessage message = said(ticket, From::Client, "Where is it?");
    message.chat = client;
    message.message_id = "15";
    unwrap(desk.add_message(message));
    EXPECT_EQ(unwrap(desk.copy_in("shop", message.id, agent)), "") << "not carried yet";
    unwrap(tx.map_message("shop", agent, "900", 7, Moment{5}, message.id));

    // The agent replies to the copy: that means the client's own message, by its number in the client's chat.
    const auto copy = unwrap(desk.find_message("shop", agent, "900"));
    ASSERT_TRUE(copy);
    EXPECT_TRUE(copy->copy);
    EXPECT_EQ(copy->ticket, ticket);
    EXPECT_EQ(copy->message, message.id);
    EXPECT_EQ(unwrap(desk.message(copy->message))->message_id, "15");

    // The client replies to their own: the agent has it as 900.
    const auto own = unwrap(desk.find_message("shop", client, "15"));
    ASSERT_TRUE(own);
    EXPECT_FALSE(own->copy);
    EXPECT_EQ(own->message, message.id);
    EXPECT_EQ(unwrap(desk.copy_in("shop", own->message, agent)), "900");

    EXPECT_FALSE(unwrap(desk.find_message("shop", agent, "15")));
    EXPECT_FALSE(unwrap(desk.find_message("shop", {"telegram", "7"}, "15")));
    EXPECT_FALSE(unwrap(desk.find_message("school", client, "15")));
    EXPECT_FALSE(unwrap(desk.find_message("school", agent, "900")));
    EXPECT_EQ(unwrap(desk.copy_in("school", message.id, agent)), "");
    EXPECT_EQ(unwrap(desk.copy_in("shop", message.id, client)), "");
    EXPECT_FALSE(unwrap(desk.find_message("shop", client, "")));
    EXPECT_EQ(unwrap(desk.copy_in("shop", 0, client)), "");
  });
}

TEST_P(DeskStoreTest, AMessageThatOnlyTellsOfADialogIsNoTicketsMessage) {
  must(storage_, [](Transaction& tx) {
    unwrap(tx.map_message("shop", {"telegram", "21"}, "900", 7, Moment{5}));
    EXPECT_FALSE(unwrap(tx.desk().find_message("shop", {"telegram", "21"}, "900")));
    EXPECT_EQ(unwrap(tx.dialog_of_message("shop", {"telegram", "21"}, "900")), 7);
  });
}

TEST_P(DeskStoreTest, OfSeveralPartsTheNewestIsTheCopy) {
  const ChatAddress agent{"telegram", "21"};
  must(storage_, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    const std::int64_t ticket = opened(desk, ticket_of(7, 1)).id;
    const std::int64_t album = added(desk, said(ticket, From::Client, "album"));
    for (const char* part : {"998", "1000", "999"}) unwrap(tx.map_message("shop", agent, part, 7, Moment{5}, album));
    EXPECT_EQ(unwrap(desk.copy_in("shop", album, agent)), "1000");
    // Another agent had it before.
    unwrap(tx.map_message("shop", {"telegram", "22"}, "5000", 7, Moment{9}, album));
    EXPECT_EQ(unwrap(desk.copy_in("shop", album, agent)), "1000");
    unwrap(tx.map_message("shop", agent, "40", 7, Moment{6}, album));
    EXPECT_EQ(unwrap(desk.copy_in("shop", album, agent)), "40") << "the last to go";
    for (const char* part : {"998", "999", "1000", "40"})
      EXPECT_EQ(unwrap(desk.find_message("shop", agent, part))->message, album) << part;
  });
}

TEST_P(DeskStoreTest, OfAnEditedMessageTheLastWordsAreFound) {
  must(storage_, [](Transaction& tx) {
    DeskStore& desk = tx.desk();
    TicketMessage message = said(opened(desk, ticket_of(7, 1)).id, From::Client, "tea");
    message.message_id = "15";
    unwrap(desk.add_message(message));
    message.event = "\"coffee\"";
    unwrap(desk.add_message(message));
    EXPECT_EQ(unwrap(desk.find_message("shop", message.chat, "15"))->message, message.id);
  });
}

TEST_P(DeskStoreTest, TheOutboxKnowsWhichMessageARowCarries) {
  must(storage_, [](Transaction& tx) {
    OutboxRow row = message_to("21", "Where is it?");
    row.ticket_message = 12;
    unwrap(tx.enqueue(row, Moment{1}));
    unwrap(tx.enqueue(message_to("21", "other"), Moment{1}));
  });
  reopen();
  must(storage_, [](Transaction& tx) {
    const auto rows = unwrap(tx.outbox("shop", 0, 10));
    ASSERT_THAT(rows, SizeIs(2));
    EXPECT_EQ(rows[0].ticket_message, 12);
    EXPECT_EQ(rows[1].ticket_message, 0);
    // A dead letter that is put back carries it still.
    OutboxRow read;
    ASSERT_TRUE(from_json(to_json(rows[0]), read));
    EXPECT_EQ(read.ticket_message, 12);
    unwrap(tx.mark_outbox(rows[0].id, OutboxRow::State::Unknown, 5, "no answer"));
    const auto letters = unwrap(tx.housekeeping().letters({}, 10));
    ASSERT_THAT(letters, SizeIs(1));
    const auto back = unwrap(tx.housekeeping().put_back(letters[0], Moment{2}));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->ticket_message, 12);
  });
}

// ---- figures

TEST_P(DeskStoreTest, TheUsualWorkIsThatOfTheLastTicketsThatSomebodyHad) {
  const auto closed = [](DeskStore& desk, std::int64_t dialog, std::int64_t assigned, std::int64_t at) {
    TicketRow row = opened(desk, ticket_of(dialog, 1));
    row.state = State::Closed;
    row.assigned_at = Moment{assigned};
    row.closed_at = Moment{at};
    unwrap(desk.save_ticket(row));
  };
  must(storage_, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    EXPECT_FALSE(unwrap(desk.usual_work("shop", "support", Moment{0}, 3)));
    closed(desk, 1, 100, 9'100);   // long ago
    closed(desk, 2, 9'000, 10'000);
    closed(desk, 3, 9'000, 12'000);
    closed(desk, 4, 0, 12'500);    // nobody had it
    EXPECT_EQ(unwrap(desk.usual_work("shop", "support", Moment{0}, 3)), Duration{2'000});
    EXPECT_EQ(unwrap(desk.usual_work("shop", "support", Moment{0}, 2)), Duration{3'000});
    EXPECT_FALSE(unwrap(desk.usual_work("shop", "support", Moment{12'001}, 3)));
    EXPECT_FALSE(unwrap(desk.usual_work("shop", "sales", Moment{0}, 3)));
  });
}

TEST_P(DeskStoreTest, PausesAreNoPartOfADuration) {
  must(storage_, [&](Transaction& tx) {
    TicketRow row = opened(tx.desk(), ticket_of(1, 1'000));
    row.state = State::Closed;
    row.paused_ms = 5'000;
    row.closed_at = Moment{8'000};
    unwrap(tx.desk().save_ticket(row));
    EXPECT_EQ(unwrap(tx.desk().figures("shop", "support", Moment{0}, Moment{9'000}))[0].duration_ms, 2'000);
  });
}

TEST_P(DeskStoreTest, FiguresAreThoseWorkedOutByHand) {
  struct Case {
    std::int64_t opened, answered, closed, rating;
    int agent;  // 0 nobody, 1 Anna, 2 Boris, 3 Vera
    State state;
  };
  // Of the time [1000, 2000).
  const std::vector<Case> cases = {
      {1000, 1010, 1100, 5, 1, State::Closed},  // Anna: 10 until the answer, 100 long
      {1200, 1225, 1900, 4, 1, State::Closed},  // 25, 700
      {1300, 0, 2000, 1, 1, State::Closed},     // began then, closed at the very end of it: not then
      {900, 950, 1500, 4, 1, State::Closed},    // began before: 600 long
      {1999, 2400, 0, 0, 2, State::Open},       // Boris: 401
      {500, 600, 0, 0, 2, State::Open},         // open now, of no figure else
      {1400, 0, 1450, 0, 0, State::Closed},     // nobody had it: 50 long
      {1500, 0, 0, 0, 0, State::Queued},
      {2000, 2001, 2002, 1, 1, State::Closed},  // after it
      {1600, 1601, 1610, 3, 3, State::Closed},  // Vera, removed since: 1, 10
  };
  std::vector<std::int64_t> agents(5, 0);
  must(storage_, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    int at = 0;
    for (const char* name : {"Anna", "Boris", "Vera", "Gleb"}) {
      AgentRow row = agent_named(name, "2" + std::to_string(++at));
      row.removed = at >= 3;
      unwrap(desk.save_agent(row));
      agents[static_cast<std::size_t>(at)] = row.id;
    }
    AgentRow idle = agent_named("Aaron", "30");
    unwrap(desk.save_agent(idle));
    for (const Case& one : cases) {
      TicketRow row = opened(desk, ticket_of(1, one.opened));
      row.state = one.state;
      row.answered_at = Moment{one.answered};
      row.closed_at = Moment{one.closed};
      row.rating = one.rating;
      row.agent_id = agents[static_cast<std::size_t>(one.agent)];
      unwrap(desk.save_ticket(row));
    }
    for (const auto& [name, bot] : {std::pair("sales", "shop"), std::pair("support", "school")}) {
      TicketRow row = opened(desk, ticket_of(1, 1100, name, bot));
      row.state = State::Open;
      unwrap(desk.save_ticket(row));
    }
  });
  must(storage_, [&](Transaction& tx) {
    const auto found = unwrap(tx.desk().figures("shop", "support", Moment{1000}, Moment{2000}));
    ASSERT_THAT(found, SizeIs(5));
    const DeskFigures& all = found[0];
    EXPECT_EQ(all.agent, 0);
    EXPECT_EQ(all.name, "");
    EXPECT_EQ(all.taken, 7);
    EXPECT_EQ(all.answered, 4);
    EXPECT_EQ(all.first_answer_ms, 109);  // (10 + 25 + 401 + 1) / 4 = 109.25
    EXPECT_EQ(all.closed, 5);
    EXPECT_EQ(all.duration_ms, 292);  // (100 + 700 + 600 + 50 + 10) / 5
    EXPECT_EQ(all.open, 2);
    EXPECT_EQ(all.rated, 4);
    EXPECT_EQ(all.rating.to_string(), "4");  // (5 + 4 + 4 + 3) / 4

    EXPECT_EQ(found[1].name, "Aaron");
    EXPECT_EQ(found[1].taken, 0);
    EXPECT_EQ(found[1].rating.to_string(), "0");

    EXPECT_EQ(found[2].name, "Anna");
    EXPECT_EQ(found[2].agent, agents[1]);
    EXPECT_EQ(found[2].taken, 3);
    EXPECT_EQ(found[2].answered, 2);
    EXPECT_EQ(found[2].first_answer_ms, 18);  // 17.5
    EXPECT_EQ(found[2].closed, 3);
    EXPECT_EQ(found[2].duration_ms, 467);  // 1400 / 3 = 466.67
    EXPECT_EQ(found[2].open, 0);
    EXPECT_EQ(found[2].rated, 3);
    EXPECT_EQ(found[2].rating.to_string(), "4.33");

    EXPECT_EQ(found[3].name, "Boris");
    EXPECT_EQ(found[3].taken, 1);
    EXPECT_EQ(found[3].first_answer_ms, 401);
    EXPECT_EQ(found[3].closed, 0);
    EXPECT_EQ(found[3].duration_ms, 0);
    EXPECT_EQ(found[3].open, 2);
    EXPECT_EQ(found[3].rated, 0);

    EXPECT_EQ(found[4].name, "Vera") << "and Gleb, removed without a ticket, is not there";
    EXPECT_EQ(found[4].taken, 1);
  });
  must(storage_, [&](Transaction& tx) {
    const auto none = unwrap(tx.desk().figures("shop", "none", Moment{0}, Moment{5000}));
    ASSERT_THAT(none, SizeIs(1));
    EXPECT_EQ(none[0].taken, 0);
  });
}

TEST_P(DeskStoreTest, AMeanRatingIsRoundedToTwoDigitsHalvesUp) {
  // 1 × 5 and 7 × 4 of 8: 4.125.
  must(storage_, [](Transaction& tx) {
    for (const std::int64_t rating : {5, 4, 4, 4, 4, 4, 4, 4}) {
      TicketRow row = opened(tx.desk(), ticket_of(1, 10));
      row.state = State::Closed;
      row.closed_at = Moment{20};
      row.rating = rating;
      unwrap(tx.desk().save_ticket(row));
    }
    EXPECT_EQ(unwrap(tx.desk().figures("shop", "support", Moment{0}, Moment{99}))[0].rating.to_string(), "4.13");
  });
}

// ---- wrong tokens

TEST_P(DeskStoreTest, WrongTokensAreCountedOfAPersonAndOfAll) {
  must(storage_, [](Transaction& tx) {
    DeskStore& desk = tx.desk();
    EXPECT_EQ(unwrap(desk.token_failures("shop", "telegram", "66")).count, 0);
    unwrap(desk.set_token_failures("shop", "telegram", "66", {2, Moment{10}, Moment{50}}));
    unwrap(desk.set_token_failures("shop", "telegram", "66", {3, Moment{20}, Moment{90}}));
    unwrap(desk.set_token_failures("shop", "telegram", "", {7, Moment{20}, {}}));
    unwrap(desk.set_token_failures("school", "telegram", "66", {1, Moment{5}, {}}));
  });
  reopen();
  must(storage_, [](Transaction& tx) {
    DeskStore& desk = tx.desk();
    const TokenFailures found = unwrap(desk.token_failures("shop", "telegram", "66"));
    EXPECT_EQ(found.count, 3);
    EXPECT_EQ(found.last_at, Moment{20});
    EXPECT_EQ(found.locked_until, Moment{90});
    EXPECT_EQ(unwrap(desk.token_failures("shop", "telegram", "")).count, 7);
    EXPECT_EQ(unwrap(desk.token_failures("shop", "vk", "66")).count, 0);
    unwrap(desk.set_token_failures("shop", "telegram", "66", {}));
    EXPECT_EQ(unwrap(desk.token_failures("shop", "telegram", "66")).count, 0);
    EXPECT_EQ(unwrap(desk.token_failures("school", "telegram", "66")).count, 1);
  });
  EXPECT_EQ(count("token_failures"), 2) << "who has failed at nothing is not kept";
}

// ---- erasing and clearing away

TEST_P(DeskStoreTest, OfAnErasedClientFiguresAreLeftAndNotAWord) {
  std::int64_t ticket = 0;
  std::int64_t other = 0;
  AgentRow anna = agent_named("Anna", "21");
  must(storage_, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    unwrap(desk.save_agent(anna));
    for (const char* user : {"7", "8"}) {
      const std::int64_t dialog = add_dialog(tx, user);
      TicketRow row = ticket_of(dialog, 100);
      row.state = State::Open;
      row.agent_id = anna.id;
      row.client_at = Moment{400};
      row.topic = std::string("-100:") + user;
      row = opened(desk, row);
      (user == std::string("7") ? ticket : other) = row.id;
      const std::int64_t message = added(desk, said(row.id, From::Client, std::string("secret of ") + user));
      added(desk, said(row.id, From::Agent, "Hello"));
      OutboxRow carrying = message_to("21", "secret");
      carrying.ticket_message = message;
      unwrap(tx.enqueue(carrying, Moment{1}));
      OutboxRow topic = message_to("-100", "Client 7");
      topic.ticket_message = -message;
      unwrap(tx.enqueue(topic, Moment{1}));
      unwrap(tx.map_message("shop", anna.chat, std::string("m") + user, 0, Moment{1}, message));
      unwrap(tx.bury({0, "shop", "outbox", to_json(carrying), "blocked", Moment{2}}));
      unwrap(desk.set_token_failures("shop", "telegram", user, {1, Moment{1}, {}}));
    }
    anna.current_ticket = ticket;
    unwrap(desk.save_agent(anna));
  });
  Erased erased;
  must(storage_, [&](Transaction& tx) { erased = unwrap(tx.housekeeping().erase({"telegram", "7", {}})); });
  const std::map<std::string, std::int64_t> counts(erased.counts.begin(), erased.counts.end());
  EXPECT_EQ(counts.at("tickets"), 1);
  EXPECT_EQ(counts.at("messages of tickets"), 2);
  EXPECT_EQ(counts.at("agents"), 0);
  EXPECT_EQ(counts.at("wrong tokens"), 1);
  EXPECT_EQ(counts.at("messages to be sent"), 2) << "the one that makes a topic of their name too";
  EXPECT_EQ(counts.at("message links"), 1);
  EXPECT_EQ(counts.at("dead letters"), 1);
  EXPECT_THAT(erased.outbox_ids, SizeIs(2));
  EXPECT_EQ(count("outbox"), 2);
  for (const char* table : {"messages_map", "dead_letters", "token_failures"}) EXPECT_EQ(count(table), 1) << table;
  must(storage_, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    const auto gone = unwrap(desk.ticket(ticket));
    ASSERT_TRUE(gone);
    EXPECT_EQ(gone->state, State::Closed);
    EXPECT_EQ(gone->outcome, "client_left");
    EXPECT_EQ(gone->closed_at, Moment{400}) << "when they were last heard of";
    EXPECT_EQ(gone->client_name, "");
    EXPECT_EQ(gone->topic, "");
    EXPECT_EQ(gone->dialog_id, 0);
    EXPECT_THAT(unwrap(desk.messages(ticket, 10)), IsEmpty());
    EXPECT_THAT(unwrap(desk.messages(other, 10)), SizeIs(2));
    EXPECT_EQ(unwrap(desk.ticket(other))->state, State::Open);
    EXPECT_EQ(unwrap(desk.agent(anna.id))->current_ticket, 0);
    EXPECT_EQ(unwrap(desk.agent(anna.id))->open, 1);
  });
}

TEST_P(DeskStoreTest, AnErasedAgentIsNobodyAndTheirClientsWaitForAnother) {
  std::int64_t ticket = 0;
  std::int64_t closed = 0;
  AgentRow anna = agent_named("Anna", "21");
  must(storage_, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    unwrap(desk.save_agent(anna));
    AgentRow boris = agent_named("Boris", "22");
    unwrap(desk.save_agent(boris));
    for (const State state : {State::Open, State::Closed}) {
      TicketRow row = ticket_of(state == State::Open ? 7 : 8, 100);
      row.state = state;
      row.agent_id = anna.id;
      row.assigned_at = Moment{110};
      row.offered_to = anna.id;
      row = opened(desk, row);
      (state == State::Open ? ticket : closed) = row.id;
    }
    TicketMessage answer = said(closed, From::Agent, "Hello");
    answer.agent_id = anna.id;
    answer.author = "Anna";
    answer.chat = anna.chat;
    answer.message_id = "601";
    unwrap(desk.add_message(answer));
    answer.agent_id = boris.id;
    answer.author = "Boris";
    answer.message_id = "602";
    unwrap(desk.add_message(answer));
  });
  Erased erased;
  must(storage_, [&](Transaction& tx) { erased = unwrap(tx.housekeeping().erase({"telegram", "21", "shop"})); });
  const std::map<std::string, std::int64_t> counts(erased.counts.begin(), erased.counts.end());
  EXPECT_EQ(counts.at("agents"), 1);
  EXPECT_EQ(counts.at("signatures of agents"), 1);
  must(storage_, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    EXPECT_FALSE(unwrap(desk.agent(anna.id)));
    EXPECT_THAT(names_of(unwrap(desk.agents("shop", "support"))), ElementsAre("Boris"));
    const auto waiting = unwrap(desk.queue("shop", "support", 9));
    ASSERT_THAT(waiting, SizeIs(1));
    EXPECT_EQ(waiting[0].id, ticket);
    EXPECT_EQ(waiting[0].agent_id, 0);
    EXPECT_EQ(waiting[0].offered_to, 0);
    EXPECT_EQ(waiting[0].assigned_at, Moment{});
    const auto messages = unwrap(desk.messages(closed, 9));
    ASSERT_THAT(messages, SizeIs(2));
    EXPECT_EQ(messages[0].author, "");
    EXPECT_EQ(messages[0].chat, ChatAddress{});
    EXPECT_EQ(messages[0].message_id, "");
    EXPECT_EQ(messages[1].author, "Boris");
    AgentRow late = anna;
    unwrap(desk.save_agent(late));
    EXPECT_FALSE(unwrap(desk.agent(anna.id))) << "a row of before does not bring them back";
  });
}

TEST_P(DeskStoreTest, WhatWasSaidInTicketsClosedLongAgoIsClearedAwayInBites) {
  std::int64_t old = 0;
  std::int64_t fresh = 0;
  std::int64_t open = 0;
  must(storage_, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    for (std::int64_t* id : {&old, &open, &fresh}) {
      TicketRow row = ticket_of(7, 100);
      row.state = id == &open ? State::Open : State::Closed;
      row.closed_at = Moment{id == &old ? 4000 : id == &fresh ? 6000 : 0};
      *id = opened(desk, row).id;
    }
    for (int i = 0; i < 3; ++i)
      for (const std::int64_t id : {open, old, fresh}) added(desk, said(id, From::Client, "word", 3000 + i));
    added(desk, said(fresh, From::Client, "last", 5900));
    unwrap(desk.set_token_failures("shop", "telegram", "66", {3, Moment{20}, Moment{90}}));
    unwrap(desk.set_token_failures("shop", "telegram", "67", {3, Moment{20}, Moment{9000}}));
    unwrap(desk.set_token_failures("shop", "telegram", "", {3, Moment{20}, {}}));
  });
  Housekeeping::Bite bite;
  std::int64_t removed = 0;
  int bites = 0;
  do {
    must(storage_, [&](Transaction& tx) {
      bite = unwrap(tx.housekeeping().clear(Housekeeping::Kept::Tickets, Moment{5000}, bite, 2));
    });
    removed += bite.removed;
  } while (!bite.last && ++bites < 20);
  EXPECT_LT(bites, 20);
  EXPECT_EQ(removed, 4);
  must(storage_, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    EXPECT_THAT(unwrap(desk.messages(old, 9)), IsEmpty());
    EXPECT_THAT(unwrap(desk.messages(open, 9)), SizeIs(3));
    EXPECT_THAT(unwrap(desk.messages(fresh, 9)), SizeIs(4));
    EXPECT_TRUE(unwrap(desk.ticket(old)));
    EXPECT_EQ(unwrap(desk.token_failures("shop", "telegram", "66")).count, 0);
    EXPECT_EQ(unwrap(desk.token_failures("shop", "telegram", "67")).count, 3) << "is locked";
    EXPECT_EQ(unwrap(desk.token_failures("shop", "telegram", "")).count, 3);
  });
}

TEST_P(DeskStoreTest, ADialogWithAnOpenTicketIsNotIdle) {
  std::int64_t ticket = 0;
  must(storage_, [&](Transaction& tx) {
    TicketRow row = ticket_of(add_dialog(tx, "7"), 100);
    row.state = State::Open;
    ticket = opened(tx.desk(), row).id;
  });
  const auto clear = [&] {
    must(storage_, [](Transaction& tx) {
      unwrap(tx.housekeeping().clear(Housekeeping::Kept::Dialogs, Moment{1'000'000}, {}, 100));
    });
  };
  clear();
  EXPECT_EQ(count("dialogs WHERE state <> ''"), 1);
  must(storage_, [&](Transaction& tx) {
    auto row = unwrap(tx.desk().ticket(ticket));
    row->state = State::Closed;
    unwrap(tx.desk().save_ticket(*row));
  });
  clear();
  EXPECT_EQ(count("dialogs WHERE state <> ''"), 0);
  EXPECT_EQ(count("tickets WHERE client_name <> ''"), 0);
}

// ---- the database of before

TEST_P(DeskStoreTest, ADatabaseOfBeforeTheDesksKeepsWhatItHolds) {
  std::int64_t dialog = 0;
  must(storage_, [&](Transaction& tx) {
    dialog = add_dialog(tx, "7");
    unwrap(tx.enqueue(message_to("7", "hello"), Moment{1}));
    unwrap(tx.map_message("shop", {"telegram", "21"}, "900", dialog, Moment{5}));
  });
  const int newest = std::stoi(database_.ask("SELECT max(version) FROM schema_version"));
  const int before = 3;  // the desks came with the fourth
  for (const char* undone :
       {"DROP TABLE agents", "DROP TABLE tickets", "DROP TABLE ticket_messages", "DROP TABLE token_failures", "DROP TABLE agent_invitations",
        "DROP INDEX messages_map_copies", "ALTER TABLE messages_map DROP COLUMN ticket_message",
        "ALTER TABLE outbox DROP COLUMN ticket_message"})
    database_.ask(undone);
  for (const std::string& undone : undoing_steps_behind_desks()) database_.ask(undone);
  database_.ask("DELETE FROM schema_version WHERE version > " + std::to_string(before));
  reopen();
  must(storage_, [&](Transaction& tx) {
    EXPECT_EQ(unwrap(tx.housekeeping().schema()), newest);
    const auto rows = unwrap(tx.outbox("shop", 0, 10));
    ASSERT_THAT(rows, SizeIs(1));
    EXPECT_EQ(rows[0].call.body, "hello");
    EXPECT_EQ(rows[0].ticket_message, 0);
    EXPECT_EQ(unwrap(tx.dialog_of_message("shop", {"telegram", "21"}, "900")), dialog);
    EXPECT_FALSE(unwrap(tx.desk().find_message("shop", {"telegram", "21"}, "900")));
    EXPECT_EQ(opened(tx.desk(), ticket_of(dialog, 1)).number, 1);
  });
}

TEST(DeskStoreCopyTest, ACopiedDatabaseGoesOnWithItsDesks) {
  const TestDatabase from(DatabaseUnderTest::Sqlite);
  const TestDatabase to(DatabaseUnderTest::Postgres);
  AgentRow anna = agent_named("Анна", "21");
  TicketRow ticket = ticket_of(7, 100);
  TicketMessage message;
  {
    Storage source = open_database(from.url());
    must(source, [&](Transaction& tx) {
      DeskStore& desk = tx.desk();
      unwrap(desk.save_agent(anna));
      TicketRow gone = ticket_of(6, 50);
      unwrap(desk.open_ticket(gone));
      unwrap(desk.open_ticket(ticket));
      message = said(ticket.id, From::Client, "слово");
      unwrap(desk.add_message(message));
      unwrap(tx.map_message("shop", anna.chat, "900", 7, Moment{1}, message.id));
      unwrap(desk.set_token_failures("shop", "telegram", "66", {3, Moment{20}, Moment{90}}));
    });
  }
  const auto copied = copy_database(from.url(), to.url(), false);
  ASSERT_TRUE(copied) << copied.error().message;
  Storage target = open_database(to.url());
  must(target, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    EXPECT_EQ(unwrap(desk.agent(anna.id))->name, "Анна");
    EXPECT_EQ(unwrap(desk.ticket(ticket.id))->number, 2);
    EXPECT_EQ(unwrap(desk.message(message.id))->event, "\"слово\"");
    EXPECT_EQ(unwrap(desk.copy_in("shop", message.id, anna.chat)), "900");
    EXPECT_EQ(unwrap(desk.token_failures("shop", "telegram", "66")).count, 3);
    TicketRow next = ticket_of(8, 200);
    unwrap(desk.open_ticket(next));
    EXPECT_EQ(next.number, 3);
    EXPECT_GT(next.id, ticket.id);
    TicketMessage more = message;
    unwrap(desk.add_message(more));
    EXPECT_GT(more.id, message.id);
    AgentRow boris = agent_named("Boris", "22");
    unwrap(desk.save_agent(boris));
    EXPECT_GT(boris.id, anna.id);
  });
  const auto state = look_at_database(to.url());
  ASSERT_TRUE(state);
  std::map<std::string, std::int64_t> rows;
  for (const TableSize& one : state->tables) rows[one.name] = one.rows;
  EXPECT_EQ(rows.at("tickets"), 3);
  EXPECT_EQ(rows.at("ticket_messages"), 2);
  EXPECT_EQ(rows.at("agents"), 2);
  EXPECT_EQ(rows.at("token_failures"), 1);
}

// ---- several processes at one desk

// ---- what operators ask

TEST_P(DeskStoreTest, WhoWasRemovedIsFoundByTheirNameAlone) {
  must(storage_, [](Transaction& tx) {
    DeskStore& desk = tx.desk();
    AgentRow row = agent_named("Olga", "21");
    row.removed = true;
    unwrap(desk.save_agent(row));
    EXPECT_THAT(unwrap(desk.agents("shop", "support")), IsEmpty());
    const auto found = unwrap(desk.agent_of("shop", "support", "telegram", "21"));
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->removed);
    EXPECT_FALSE(unwrap(desk.agent_of("shop", "sales", "telegram", "21")));
    EXPECT_FALSE(unwrap(desk.agent_of("other", "support", "telegram", "21")));
    EXPECT_FALSE(unwrap(desk.agent_of("shop", "support", "vk", "21")));
  });
}

TEST_P(DeskStoreTest, AnInvitationIsThereUntilItIsUsedOrTooOld) {
  must(storage_, [](Transaction& tx) {
    DeskStore& desk = tx.desk();
    unwrap(desk.invite({"shop", "support", "aa", Moment{100}}, Moment{10}));
    unwrap(desk.invite({"shop", "support", "bb", Moment{200}}, Moment{10}));
    unwrap(desk.invite({"shop", "sales", "cc", Moment{200}}, Moment{10}));
    EXPECT_THAT(unwrap(desk.invitations("shop", "support", Moment{99})), SizeIs(2));
    EXPECT_THAT(unwrap(desk.invitations("shop", "support", Moment{100})), SizeIs(1));
    EXPECT_THAT(unwrap(desk.invitations("other", "support", Moment{10})), IsEmpty());
    unwrap(desk.drop_invitation("bb"));
    EXPECT_THAT(unwrap(desk.invitations("shop", "support", Moment{150})), IsEmpty());
  });
  EXPECT_EQ(count("agent_invitations"), 2);
  // The next one takes the expired along.
  must(storage_, [](Transaction& tx) {
    unwrap(tx.desk().invite({"shop", "support", "dd", Moment{900}}, Moment{500}));
  });
  EXPECT_EQ(count("agent_invitations"), 1);
}

class DeskLockTest : public ::testing::Test {
 protected:
  /// Until somebody waits for a lock of a desk.
  void await_waiting() const {
    while (database_.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7829 AND NOT granted "
                         "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") ==
           "0") {
      std::this_thread::yield();
    }
  }
  TestDatabase database_{DatabaseUnderTest::Postgres};
  Storage storage_ = open_database(database_.url());
};

TEST_F(DeskLockTest, WhoeverComesSecondSeesWhatTheFirstDid) {
  must(storage_, [](Transaction& tx) {
    TicketRow row = ticket_of(7, 1);
    unwrap(tx.desk().open_ticket(row));
  });
  Storage other = open_database(database_.url());
  std::thread second;
  bool empty = false;
  must(storage_, [&](Transaction& tx) {
    DeskStore& desk = tx.desk();
    unwrap(desk.lock("shop", "support"));
    unwrap(desk.lock("shop", "support"));
    auto waiting = unwrap(desk.queue("shop", "support", 1));
    ASSERT_THAT(waiting, SizeIs(1));
    second = std::thread([&] {
      must(other, [&](Transaction& theirs) {
        unwrap(theirs.desk().lock("shop", "support"));
        empty = unwrap(theirs.desk().queue("shop", "support", 1)).empty();
      });
    });
    await_waiting();
    waiting[0].state = State::Open;
    unwrap(desk.save_ticket(waiting[0]));
  });
  second.join();
  EXPECT_TRUE(empty);
}

TEST_F(DeskLockTest, AnotherDeskAndTheSameDeskOfAnotherBotAreFree) {
  Storage other = open_database(database_.url());
  auto impatient = Storage::open(database_.url(), Durability::Normal, std::chrono::milliseconds(50));
  ASSERT_TRUE(impatient);
  must(storage_, [&](Transaction& tx) {
    unwrap(tx.desk().lock("shop", "support"));
    must(other, [](Transaction& theirs) {
      unwrap(theirs.desk().lock("shop", "sales"));
      unwrap(theirs.desk().lock("school", "support"));
    });
    const auto refused = impatient->transact([](Transaction& theirs) { return theirs.desk().lock("shop", "support"); });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, StorageError::Kind::Busy);
  });
}

TEST_F(DeskLockTest, WhoNeedsDesksInOppositeOrdersIsNotWaitedForInACircle) {
  Storage other = open_database(database_.url());
  std::promise<void> has_one;
  std::thread second;
  std::atomic<int> refused{0};
  must(storage_, [&](Transaction& tx) {
    unwrap(tx.desk().lock("shop", "sales"));
    second = std::thread([&] {
      for (bool done = false; !done;) {
        const auto tried = other.transact([&](Transaction& theirs) -> Stored<Done> {
          if (auto locked = theirs.desk().lock("shop", "support"); !locked) return locked;
          if (refused == 0) has_one.set_value();
          return theirs.desk().lock("shop", "sales");
        });
        done = static_cast<bool>(tried);
        if (done) break;
        EXPECT_EQ(tried.error().kind, StorageError::Kind::Busy);
        EXPECT_EQ(tried.error().message.find("deadlock"), std::string::npos) << tried.error().message;
        ++refused;
      }
    });
    has_one.get_future().wait();
    // The other one holds it, and comes back for what is held here: it has to begin anew.
    unwrap(tx.desk().lock("shop", "support"));
  });
  second.join();
  EXPECT_GE(refused, 1);
}

TEST_F(DeskLockTest, WhoComesBackToAnEarlierDeskGetsItWhenItIsFree) {
  Storage other = open_database(database_.url());
  must(storage_, [&](Transaction& tx) {
    unwrap(tx.desk().lock("shop", "support"));
    unwrap(tx.desk().lock("shop", "sales"));
    unwrap(tx.desk().lock("shop", "archive"));
    unwrap(tx.desk().lock("shop", "support"));
    const auto refused = other.transact([](Transaction& theirs) -> Stored<Done> {
      if (auto later = theirs.desk().lock("shop", "zoo"); !later) return later;
      return theirs.desk().lock("shop", "sales");
    });
    ASSERT_FALSE(refused) << "it waits for a moment only";
    EXPECT_EQ(refused.error().kind, StorageError::Kind::Busy);
  });
}

TEST_F(DeskLockTest, ErasingAClientWaitsForWhoeverWorksAtTheirDesk) {
  TicketRow row;
  must(storage_, [&](Transaction& tx) {
    row = ticket_of(add_dialog(tx, "7"), 1);
    unwrap(tx.desk().open_ticket(row));
  });
  Storage other = open_database(database_.url());
  std::thread eraser;
  must(storage_, [&](Transaction& tx) {
    unwrap(tx.desk().lock("shop", "support"));
    eraser = std::thread([&] {
      must(other, [](Transaction& theirs) { unwrap(theirs.housekeeping().erase({"telegram", "7", {}})); });
    });
    await_waiting();
    row.client_at = Moment{50};
    unwrap(tx.desk().save_ticket(row));
  });
  eraser.join();
  must(storage_, [&](Transaction& tx) {
    const auto found = unwrap(tx.desk().ticket(row.id));
    EXPECT_EQ(found->client_name, "");
    EXPECT_EQ(found->state, State::Closed);
    EXPECT_EQ(found->closed_at, Moment{50});
  });
}

TEST_F(DeskLockTest, OfManyWhoClaimOneTicketOneHasIt) {
  constexpr int kProcesses = 5;
  constexpr std::int64_t kRounds = 20;
  must(storage_, [](Transaction& tx) {
    for (std::int64_t i = 0; i < kRounds; ++i) {
      TicketRow row = ticket_of(i, i);
      unwrap(tx.desk().open_ticket(row));
    }
  });
  std::atomic<int> taken{0};
  std::vector<std::thread> processes;
  for (int me = 1; me <= kProcesses; ++me) {
    processes.emplace_back([&, me] {
      Storage storage = open_database(database_.url());
      for (std::int64_t number = 1; number <= kRounds; ++number) {
        bool mine = false;
        must(storage, [&](Transaction& tx) {
          unwrap(tx.desk().lock("shop", "support"));
          auto row = unwrap(tx.desk().ticket_by_number("shop", "support", number));
          ASSERT_TRUE(row);
          mine = row->state == State::Queued;
          if (!mine) return;
          row->state = State::Open;
          row->agent_id = me;
          unwrap(tx.desk().save_ticket(*row));
        });
        if (mine) ++taken;
      }
    });
  }
  for (std::thread& one : processes) one.join();
  EXPECT_EQ(taken, kRounds);
}

TEST_F(DeskLockTest, NumbersTakenAtOnceAreAllDifferent) {
  std::set<std::int64_t> numbers;
  std::mutex mutex;
  std::vector<std::thread> processes;
  for (int me = 0; me < 4; ++me) {
    processes.emplace_back([&] {
      Storage storage = open_database(database_.url());
      for (int i = 0; i < 10; ++i) {
        must(storage, [&](Transaction& tx) {
          TicketRow row = ticket_of(i, i);
          unwrap(tx.desk().lock("shop", "support"));
          unwrap(tx.desk().open_ticket(row));
          const std::lock_guard lock(mutex);
          numbers.insert(row.number);
        });
      }
    });
  }
  for (std::thread& one : processes) one.join();
  EXPECT_EQ(numbers.size(), 40U);
  EXPECT_EQ(*numbers.rbegin(), 40);
}

}  // namespace
}  // namespace sufler

// What operators ask, on every database. What comes of it in a process: tests/runtime/operations_test.cpp.
#include "storage/housekeeping.h"

#include <gtest/gtest.h>

#include "storage/outbox_json.h"
#include "storage_fixture.h"

namespace sufler {
namespace {

using Kept = Housekeeping::Kept;

constexpr const char* kEvent =
    R"({"id":"update-1","transport":"telegram","chat":"7","private":true,"user":"7","event":"{}"})";

class HousekeepingTest : public OnEveryDatabase {
 protected:
  std::int64_t count(const std::string& table) {
    return std::stoll(database_.ask("SELECT count(*) FROM " + table));
  }
};
SUFLER_ON_EVERY_DATABASE(HousekeepingTest);

TEST_P(HousekeepingTest, LettersAreFoundPutBackAndDropped) {
  must(storage_, [](Transaction& tx) {
    unwrap(tx.bury({0, "shop", "event", kEvent, "failed", Moment{1}}));
    unwrap(tx.bury({0, "shop", "outbox", to_json(message_to("7", "hello")), "blocked", Moment{2}}));
    unwrap(tx.bury({0, "school", "outbox", "telegram:8 sendMessage {}", "old", Moment{3}}));
    const std::int64_t lost = unwrap(tx.enqueue(message_to("9", "lost"), Moment{4}));
    unwrap(tx.mark_outbox(lost, OutboxRow::State::Unknown, 5, "no answer"));
  });
  must(storage_, [](Transaction& tx) {
    Housekeeping& house = tx.housekeeping();
    const std::vector<Letter> all = unwrap(house.letters({}, 10));
    ASSERT_EQ(all.size(), 4U);
    EXPECT_EQ(all[0].chat, (ChatAddress{"telegram", "7"}));
    EXPECT_EQ(all[3].kind, "unknown");
    EXPECT_FALSE(all[2].retryable);
    EXPECT_EQ(unwrap(house.letters("school", 10)).size(), 1U);
    EXPECT_EQ(unwrap(house.letters({}, 2)).front().reason, "old");
    EXPECT_EQ(unwrap(house.letter_ids("shop")).size(), 3U);
    EXPECT_EQ(unwrap(house.letter("o99")), std::nullopt);
    for (const Letter& one : all) {
      if (one.retryable)
        unwrap(house.put_back(one, Moment{9}));
      else
        unwrap(house.drop(one));
    }
  });
  must(storage_, [](Transaction& tx) {
    EXPECT_TRUE(unwrap(tx.housekeeping().letters({}, 10)).empty());
    const std::vector<InboxRow> inbox = unwrap(tx.inbox("shop", 10));
    ASSERT_EQ(inbox.size(), 1U);
    EXPECT_EQ(inbox[0].incoming, kEvent);
    EXPECT_EQ(inbox[0].attempts, 0U);
    const std::vector<OutboxRow> outbox = unwrap(tx.outbox("shop", 0, 10));
    ASSERT_EQ(outbox.size(), 2U);
    EXPECT_EQ(outbox[0].call.body, "hello");
    EXPECT_EQ(outbox[1].call.body, "lost");
    EXPECT_EQ(outbox[1].state, OutboxRow::State::New);
  });
}

TEST_P(HousekeepingTest, QueuesAndDialogsAreCountedAndListed) {
  must(storage_, [](Transaction& tx) {
    const std::int64_t id = add_dialog(tx, "7");
    unwrap(tx.set_timer(id, SetTimer{"remind", Moment{99}, 1}));
    unwrap(tx.enqueue(message_to("7", "hello"), Moment{1}));
  });
  must(storage_, [](Transaction& tx) {
    const auto queues = unwrap(tx.housekeeping().queues());
    ASSERT_EQ(queues.size(), 1U);
    EXPECT_EQ(queues[0].bot, "shop");
    EXPECT_EQ(queues[0].dialogs, 1);
    EXPECT_EQ(queues[0].outbox, 1);
    EXPECT_EQ(queues[0].timers, 1);
    const auto dialogs = unwrap(tx.housekeeping().dialogs("shop", 10));
    ASSERT_EQ(dialogs.size(), 1U);
    EXPECT_EQ(dialogs[0].key, key_of("7"));
    EXPECT_GT(unwrap(tx.housekeeping().schema()), 0);
  });
}

TEST_P(HousekeepingTest, APersonIsErasedAndNobodyElse) {
  must(storage_, [](Transaction& tx) {
    for (const char* user : {"7", "8"}) {
      const std::int64_t id = add_dialog(tx, user);
      JournalRow line;
      line.dialog_id = id;
      line.event_id = std::string("update-") + user;
      unwrap(tx.append_journal(line));
      unwrap(tx.claim_event("shop", "telegram", line.event_id, Moment{1}));
      unwrap(tx.set_timer(id, SetTimer{"remind", Moment{99}, 1}));
      OutboxRow row = message_to("admin", std::string("about ") + user);
      row.dialog_id = id;
      unwrap(tx.enqueue(row, Moment{1}));
      unwrap(tx.map_message("shop", {"telegram", "admin"}, std::string("m") + user, id, Moment{1}));
      unwrap(tx.count_track("shop", id, "paid", Moment{1}));
      unwrap(tx.bury({0, "shop", "outbox", to_json(row), "blocked", Moment{2}}));
    }
  });
  Erased erased;
  const auto left = storage_.transact_without_trace([&](Transaction& tx) -> Stored<Done> {
    erased = unwrap(tx.housekeeping().erase({"telegram", "7", {}}));
    return Done{};
  });
  ASSERT_TRUE(left) << left.error().message;
  EXPECT_EQ(*left, "");
  EXPECT_EQ(erased.total(), 9);
  for (const char* table : {"dialogs", "users", "journal", "seen_events", "timers", "outbox", "messages_map", "track_events",
                            "dead_letters"})
    EXPECT_EQ(count(table), 1) << table;
}

class SharedHousekeepingTest : public ::testing::Test {
 protected:
  SharedHousekeepingTest() {
    must(storage_, [](Transaction& tx) {
      add_dialog(tx, "7");
      InboxRow event{0, "shop", "telegram", "update-1", "7", kEvent, 0, 0};
      unwrap(tx.put_inbox(event));
    });
  }
  /// Another process, which does not wait for long.
  Storage impatient() {
    Storage::Options options;
    options.busy_timeout = std::chrono::milliseconds(100);
    return std::move(*Storage::open(database_.url(), options));
  }
  Stored<Done> erase(Storage& storage, Erased& erased) {
    return storage.transact([&](Transaction& tx) -> Stored<Done> {
      auto gone = tx.housekeeping().erase({"telegram", "7", {}});
      if (!gone) return Error{gone.error()};
      erased = *gone;
      return Done{};
    });
  }
  /// Plays the event, and calls `meanwhile` when all is done but the commit.
  void play(const std::function<void()>& meanwhile) {
    must(storage_, [&](Transaction& tx) {
      const std::vector<InboxRow> rows = unwrap(tx.claim_inbox({"shop"}, 10, 10, 10));
      ASSERT_EQ(rows.size(), 1U);
      DialogRow dialog = unwrap(tx.load_dialog(key_of("7")));
      dialog.state = "{\"said\":1}";
      unwrap(tx.save_dialog(key_of("7"), dialog, true, Moment{2000}));
      JournalRow line;
      line.dialog_id = dialog.id;
      unwrap(tx.append_journal(line));
      unwrap(tx.drop_inbox(rows[0].id));
      meanwhile();
    });
  }
  std::string count(const std::string& table) { return database_.ask("SELECT count(*) FROM " + table); }

  TestDatabase database_{DatabaseUnderTest::Postgres};
  Storage storage_ = open_database(database_.url());
};

TEST_F(SharedHousekeepingTest, AnErasureWaitsForTheProcessThatPlaysThePerson) {
  Storage other = impatient();
  Erased erased;
  play([&] {
    const Stored<Done> refused = erase(other, erased);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, StorageError::Kind::Busy);
  });
  // What was played is there by now, and goes too.
  ASSERT_TRUE(erase(other, erased));
  EXPECT_EQ(erased.total(), 3);
  for (const char* table : {"dialogs", "users", "journal", "inbox"}) EXPECT_EQ(count(table), "0") << table;
}

TEST_F(SharedHousekeepingTest, WhomAnErasureHoldsNobodyPlays) {
  Storage other = impatient();
  must(other, [&](Transaction& tx) {
    unwrap(tx.housekeeping().erase({"telegram", "7", "shop"}));
    must(storage_, [](Transaction& playing) {
      EXPECT_TRUE(unwrap(playing.claim_inbox({"shop"}, 10, 10, 10)).empty());
    });
  });
  must(storage_, [](Transaction& tx) { EXPECT_TRUE(unwrap(tx.claim_inbox({"shop"}, 10, 10, 10)).empty()); });
}

TEST_F(SharedHousekeepingTest, ADialogThatIsBeingPlayedIsNotClearedAway) {
  Storage other = impatient();
  const auto clear = [&](Moment before) {
    Housekeeping::Bite bite;
    must(other, [&](Transaction& tx) { bite = unwrap(tx.housekeeping().clear(Kept::Dialogs, before, {}, 10)); });
    return bite.removed;
  };
  play([&] { EXPECT_EQ(clear(Moment{1500}), 0); });
  EXPECT_EQ(clear(Moment{1500}), 0) << "it was played meanwhile";
  EXPECT_EQ(database_.ask("SELECT state FROM dialogs"), R"({"said":1})");
  EXPECT_EQ(clear(Moment{2500}), 1);
  EXPECT_EQ(count("users"), "0");
}

TEST_P(HousekeepingTest, WhatIsOldIsClearedAwayInBites) {
  must(storage_, [](Transaction& tx) {
    const std::int64_t id = add_dialog(tx, "7");
    for (int i = 0; i < 7; ++i) {
      JournalRow line;
      line.dialog_id = id;
      line.at = Moment{i < 5 ? 1000 : 9000};
      unwrap(tx.append_journal(line));
      unwrap(tx.map_message("shop", {"telegram", "1"}, std::to_string(i), id, line.at));
      unwrap(tx.count_track("shop", id, "paid", line.at));
      unwrap(tx.bury({0, "shop", "event", kEvent, "failed", line.at}));
    }
  });
  for (const Kept what : {Kept::Journal, Kept::DeadLetters, Kept::Messages, Kept::Track, Kept::Dialogs}) {
    Housekeeping::Bite bite;
    int bites = 0;
    do {
      must(storage_, [&](Transaction& tx) { bite = unwrap(tx.housekeeping().clear(what, Moment{5000}, bite, 2)); });
      EXPECT_LE(bite.removed, 2);
    } while (!bite.last && ++bites < 20);
    EXPECT_LT(bites, 20);
  }
  for (const char* table : {"journal", "dead_letters", "messages_map", "track_events"}) EXPECT_EQ(count(table), 2) << table;
  EXPECT_EQ(count("dialogs WHERE state <> ''"), 0);
  EXPECT_EQ(count("users"), 0);
  EXPECT_EQ(count("dialogs"), 1) << "whose it was stays";
}

}  // namespace
}  // namespace sufler

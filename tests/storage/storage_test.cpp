#include <sys/stat.h>

#include <vector>

#include "storage_fixture.h"

namespace sufler {
namespace {

using OutboxState = OutboxRow::State;

class StorageTest : public OnEveryDatabase {};
SUFLER_ON_EVERY_DATABASE(StorageTest);

class SqliteStorageTest : public ::testing::Test {
 protected:
  Folder folder_;
  Storage storage_ = open_or_die(folder_.file());
};

TEST_P(StorageTest, ANewDialogIsEmpty) {
  must(storage_, [](Transaction& tx) {
    const DialogRow row = unwrap(tx.load_dialog(key_of("7")));
    EXPECT_EQ(row.id, 0);
    EXPECT_EQ(row.user_row, 0);
    EXPECT_EQ(row.state, "");
    EXPECT_EQ(row.user, "");
  });
}

TEST_P(StorageTest, ADialogComesBackAfterARestart) {
  std::int64_t id = 0;
  must(storage_, [&](Transaction& tx) {
    DialogRow row;
    row.state = R"({"name":"Ольга"})";
    row.user = R"({"id":"7"})";
    row.place = "order/phone";
    unwrap(tx.save_dialog(key_of("7"), row, true, Moment{5}));
    EXPECT_GT(row.id, 0);
    EXPECT_GT(row.user_row, 0);
    id = row.id;
  });
  reopen();
  must(storage_, [&](Transaction& tx) {
    const DialogRow row = unwrap(tx.load_dialog(key_of("7")));
    EXPECT_EQ(row.id, id);
    EXPECT_EQ(row.state, R"({"name":"Ольга"})");
    EXPECT_EQ(row.user, R"({"id":"7"})");
    EXPECT_EQ(row.place, "order/phone");
    EXPECT_EQ(unwrap(tx.find_dialog(id)), key_of("7"));
    EXPECT_EQ(unwrap(tx.find_dialog(id + 1)), std::nullopt);
  });
}

TEST_P(StorageTest, SavingAgainKeepsTheIdAndAnUnchangedUser) {
  must(storage_, [&](Transaction& tx) {
    const std::int64_t id = add_dialog(tx, "7", "one");
    DialogRow row = unwrap(tx.load_dialog(key_of("7")));
    row.state = "two";
    row.place = "menu";
    row.user = "not to be written";
    unwrap(tx.save_dialog(key_of("7"), row, false, Moment{6}));
    EXPECT_EQ(row.id, id);
    row = unwrap(tx.load_dialog(key_of("7")));
    EXPECT_EQ(row.id, id);
    EXPECT_EQ(row.state, "two");
    EXPECT_EQ(row.place, "menu");
    EXPECT_EQ(row.user, R"({"id":"7"})");
    row.user = "written";
    unwrap(tx.save_dialog(key_of("7"), row, true, Moment{7}));
    EXPECT_EQ(unwrap(tx.load_dialog(key_of("7"))).user, "written");
  });
}

TEST_P(StorageTest, APersonIsOneInAllTheirChatsOfOneBot) {
  DialogKey group = key_of("7");
  group.chat.chat_id = "-100";
  DialogKey other_bot = key_of("7");
  other_bot.bot = "school";
  DialogKey other_platform = key_of("7");
  other_platform.chat.transport = "vk";
  must(storage_, [&](Transaction& tx) {
    // The first dialog is stored before anything is known of the person.
    DialogRow row;
    row.state = "{}";
    unwrap(tx.save_dialog(group, row, false, Moment{1}));
    EXPECT_EQ(row.user_row, 0);
    add_dialog(tx, "7");
    const DialogRow in_group = unwrap(tx.load_dialog(group));
    EXPECT_EQ(in_group.user, R"({"id":"7"})");
    EXPECT_NE(in_group.id, unwrap(tx.load_dialog(key_of("7"))).id);
    EXPECT_EQ(in_group.user_row, unwrap(tx.load_dialog(key_of("7"))).user_row);
    EXPECT_EQ(unwrap(tx.load_dialog(other_bot)).user, "");
    EXPECT_EQ(unwrap(tx.load_dialog(other_platform)).user, "");
  });
}

TEST_P(StorageTest, ManyDialogsDoNotMix) {
  must(storage_, [&](Transaction& tx) {
    for (int i = 0; i < 300; ++i) add_dialog(tx, std::to_string(i), "state " + std::to_string(i));
  });
  must(storage_, [&](Transaction& tx) {
    for (int i = 299; i >= 0; --i) {
      const DialogRow row = unwrap(tx.load_dialog(key_of(std::to_string(i))));
      EXPECT_EQ(row.state, "state " + std::to_string(i));
      EXPECT_EQ(row.user, "{\"id\":\"" + std::to_string(i) + "\"}");
    }
  });
}

TEST_P(StorageTest, AClaimIsGivenOnce) {
  must(storage_, [&](Transaction& tx) {
    EXPECT_TRUE(unwrap(tx.claim_event("shop", "vk", "e1", Moment{1})));
    EXPECT_FALSE(unwrap(tx.claim_event("shop", "vk", "e1", Moment{2})));
    EXPECT_TRUE(unwrap(tx.claim_event("shop", "telegram", "e1", Moment{2})));
    EXPECT_TRUE(unwrap(tx.claim_event("school", "vk", "e1", Moment{2})));
  });
  reopen();
  must(storage_, [&](Transaction& tx) {
    EXPECT_FALSE(unwrap(tx.claim_event("shop", "vk", "e1", Moment{3})));
  });
}

TEST_P(StorageTest, OldClaimsAreForgottenAndFreshOnesAreNot) {
  const std::int64_t month_ms = std::int64_t{30} * 24 * 3600 * 1000;
  must(storage_, [&](Transaction& tx) {
    unwrap(tx.claim_event("shop", "vk", "old", Moment{1}));
    for (int i = 0; i < 1200; ++i) {
      EXPECT_TRUE(unwrap(tx.claim_event("shop", "vk", std::to_string(i), Moment{month_ms})));
    }
    EXPECT_FALSE(unwrap(tx.claim_event("shop", "vk", "0", Moment{month_ms})));
    EXPECT_TRUE(unwrap(tx.claim_event("shop", "vk", "old", Moment{month_ms})));
  });
}

TEST_P(StorageTest, PositionsAreOfOneBotAndTransport) {
  must(storage_, [&](Transaction& tx) {
    EXPECT_EQ(unwrap(tx.position("shop", "telegram")), "");
    unwrap(tx.set_position("shop", "telegram", "41", Moment{1}));
    unwrap(tx.set_position("shop", "telegram", "42", Moment{2}));
    unwrap(tx.set_position("shop", "vk", "7", Moment{2}));
  });
  reopen();
  must(storage_, [&](Transaction& tx) {
    EXPECT_EQ(unwrap(tx.position("shop", "telegram")), "42");
    EXPECT_EQ(unwrap(tx.position("shop", "vk")), "7");
    EXPECT_EQ(unwrap(tx.position("school", "vk")), "");
  });
}

TEST_P(StorageTest, TheInboxGivesEventsInTheOrderTheyCame) {
  must(storage_, [&](Transaction& tx) {
    for (const char* event : {"b", "a", "c", "a"}) {
      InboxRow row;
      row.bot = "shop";
      row.transport = "vk";
      row.event_id = event;
      row.incoming = std::string("{\"id\":\"") + event + "\"}";
      unwrap(tx.put_inbox(row));
    }
    InboxRow elsewhere;
    elsewhere.bot = "school";
    elsewhere.transport = "vk";
    elsewhere.event_id = "a";
    unwrap(tx.put_inbox(elsewhere));
    EXPECT_GT(elsewhere.id, 0);
  });
  reopen();
  must(storage_, [&](Transaction& tx) {
    std::vector<InboxRow> rows = unwrap(tx.inbox("shop", 10));
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(rows[0].event_id, "b");
    EXPECT_EQ(rows[1].event_id, "a");
    EXPECT_EQ(rows[2].event_id, "c");
    EXPECT_EQ(rows[1].incoming, R"({"id":"a"})");
    EXPECT_EQ(rows[0].attempts, 0U);
    EXPECT_EQ(unwrap(tx.count_attempt(rows[0].id)), 1U);
    EXPECT_EQ(unwrap(tx.count_attempt(rows[0].id)), 2U);
    unwrap(tx.drop_inbox(rows[1].id));
    rows = unwrap(tx.inbox("shop", 10));
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].attempts, 2U);
    EXPECT_EQ(rows[1].event_id, "c");
    EXPECT_EQ(unwrap(tx.inbox("shop", 1)).size(), 1U);
  });
}

TEST_P(StorageTest, ARepeatedEventHasNoIdOfItsOwn) {
  must(storage_, [&](Transaction& tx) {
    InboxRow row;
    row.bot = "shop";
    row.transport = "vk";
    row.event_id = "e";
    unwrap(tx.put_inbox(row));
    EXPECT_GT(row.id, 0);
    unwrap(tx.put_inbox(row));
    EXPECT_EQ(row.id, 0);
  });
}

TEST_P(StorageTest, AnOutboxRowComesBackWhole) {
  OutboxRow row = message_to("7", R"({"text":"Здравствуйте"})");
  row.dialog_id = 5;
  row.resend = ResendPolicy::Never;
  row.call.ordered = false;
  row.call.expendable = true;
  row.call.hold = Duration{1500};
  row.call.files.push_back({"photo",
                            {.kind = AttachmentKind::Photo,
                             .origin = "scenario",
                             .reference = "files/price.jpg",
                             .name = "прайс.jpg",
                             .mime = "image/jpeg",
                             .size = 12,
                             .caption = "вот"}});
  row.call.repeat_key = 2'147'483'647;
  must(storage_, [&](Transaction& tx) { row.id = unwrap(tx.enqueue(row, Moment{9})); });
  reopen();
  must(storage_, [&](Transaction& tx) {
    const std::vector<OutboxRow> rows = unwrap(tx.outbox("shop", 0, 10));
    ASSERT_EQ(rows.size(), 1U);
    const OutboxRow& read = rows[0];
    EXPECT_EQ(read.id, row.id);
    EXPECT_EQ(read.bot, "shop");
    EXPECT_EQ(read.chat, row.chat);
    EXPECT_EQ(read.dialog_id, 5);
    EXPECT_EQ(read.resend, ResendPolicy::Never);
    EXPECT_EQ(read.state, OutboxState::New);
    EXPECT_EQ(read.attempts, 0U);
    EXPECT_EQ(read.call.method, "sendMessage");
    EXPECT_EQ(read.call.body, row.call.body);
    EXPECT_FALSE(read.call.ordered);
    EXPECT_TRUE(read.call.expendable);
    EXPECT_EQ(read.call.hold, Duration{1500});
    EXPECT_EQ(read.call.repeat_key, 2'147'483'647);
    ASSERT_EQ(read.call.files.size(), 1U);
    EXPECT_EQ(read.call.files[0].field, "photo");
    EXPECT_EQ(read.call.files[0].file, row.call.files[0].file);
  });
}

TEST_P(StorageTest, AMessageIsKnownToBeAboutADialog) {
  const ChatAddress admin{"telegram", "900"};
  must(storage_, [&](Transaction& tx) { unwrap(tx.map_message("shop", admin, "17", 5, Moment{9})); });
  reopen();
  must(storage_, [&](Transaction& tx) {
    EXPECT_EQ(unwrap(tx.dialog_of_message("shop", admin, "17")), 5);
    EXPECT_FALSE(unwrap(tx.dialog_of_message("shop", admin, "18")));
    EXPECT_FALSE(unwrap(tx.dialog_of_message("school", admin, "17")));
    EXPECT_FALSE(unwrap(tx.dialog_of_message("shop", {"vk", "900"}, "17")));
    unwrap(tx.map_message("shop", admin, "17", 6, Moment{10}));
    EXPECT_EQ(unwrap(tx.dialog_of_message("shop", admin, "17")), 6);
  });
}

TEST_P(StorageTest, TheOutboxKeepsItsOrderAndSkipsTheDead) {
  std::vector<std::int64_t> ids;
  must(storage_, [&](Transaction& tx) {
    for (int i = 0; i < 6; ++i) {
      OutboxRow row = message_to("7", std::to_string(i));
      if (i == 3) row.bot = "school";
      ids.push_back(unwrap(tx.enqueue(row, Moment{9})));
    }
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
    unwrap(tx.mark_outbox(ids[1], OutboxState::Sending, 1, ""));
    unwrap(tx.mark_outbox(ids[2], OutboxState::Dead, 3, "blocked by the user"));
    unwrap(tx.drop_outbox(ids[4]));
  });
  reopen();
  must(storage_, [&](Transaction& tx) {
    std::vector<OutboxRow> rows = unwrap(tx.outbox("shop", 0, 10));
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(rows[0].id, ids[0]);
    EXPECT_EQ(rows[1].id, ids[1]);
    EXPECT_EQ(rows[1].state, OutboxState::Sending);
    EXPECT_EQ(rows[1].attempts, 1U);
    EXPECT_EQ(rows[2].id, ids[5]);
    EXPECT_EQ(rows[2].call.body, "5");
    rows = unwrap(tx.outbox("shop", ids[0], 1));
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].id, ids[1]);
  });
}

TEST_P(StorageTest, OutboxIdsGrowEvenWhenTheOutboxWasEmptied) {
  // Outcomes are told by id, so one that was used must not come again.
  std::int64_t last = 0;
  for (int round = 0; round < 5; ++round) {
    must(storage_, [&](Transaction& tx) {
      for (int i = 0; i < 700; ++i) {
        const std::int64_t id = unwrap(tx.enqueue(message_to("7", "text"), Moment{1}));
        EXPECT_GT(id, last);
        last = id;
        unwrap(tx.drop_outbox(id));
      }
    });
    if (round % 2 == 1) reopen();
  }
}

TEST_P(StorageTest, OutboxIdsSurviveARollBack) {
  std::int64_t committed = 0;
  must(storage_,
       [&](Transaction& tx) { committed = unwrap(tx.enqueue(message_to("7", "a"), Moment{1})); });
  const Stored<Done> lost = storage_.transact([&](Transaction& tx) -> Stored<Done> {
    for (int i = 0; i < 3000; ++i) (void)tx.enqueue(message_to("7", "lost"), Moment{1});
    return Error{StorageError{StorageError::Kind::Other, "changed its mind"}};
  });
  EXPECT_FALSE(lost);
  must(storage_, [&](Transaction& tx) {
    EXPECT_GT(unwrap(tx.enqueue(message_to("7", "b"), Moment{1})), committed);
    EXPECT_EQ(unwrap(tx.outbox("shop", 0, 10)).size(), 2U);
  });
}

TEST_P(StorageTest, TimersComeDueOldestFirst) {
  std::int64_t first = 0;
  std::int64_t second = 0;
  must(storage_, [&](Transaction& tx) {
    EXPECT_EQ(unwrap(tx.next_timer("shop")), std::nullopt);
    first = add_dialog(tx, "1");
    second = add_dialog(tx, "2");
    unwrap(tx.set_timer(first, {.name = "remind", .due = Moment{300}, .serial = 1}));
    unwrap(tx.set_timer(first, {.name = "timeout", .due = Moment{500}, .serial = 2}));
    unwrap(tx.set_timer(second, {.name = "remind", .due = Moment{200}, .serial = 3}));
    unwrap(tx.set_timer(first, {.name = "remind", .due = Moment{100}, .serial = 4}));
  });
  reopen();
  must(storage_, [&](Transaction& tx) {
    EXPECT_EQ(unwrap(tx.next_timer("shop")), Moment{100});
    EXPECT_EQ(unwrap(tx.next_timer("school")), std::nullopt);
    EXPECT_TRUE(unwrap(tx.due_timers("shop", Moment{99}, 10)).empty());
    EXPECT_TRUE(unwrap(tx.due_timers("school", Moment{1000}, 10)).empty());
    const std::vector<TimerRow> due = unwrap(tx.due_timers("shop", Moment{200}, 10));
    ASSERT_EQ(due.size(), 2U);
    EXPECT_EQ(due[0].dialog_id, first);
    EXPECT_EQ(due[0].name, "remind");
    EXPECT_EQ(due[0].serial, 4U);
    EXPECT_EQ(due[0].due, Moment{100});
    EXPECT_EQ(due[0].key, key_of("1"));
    EXPECT_EQ(due[1].dialog_id, second);
    EXPECT_EQ(due[1].key, key_of("2"));
    EXPECT_EQ(unwrap(tx.due_timers("shop", Moment{1000}, 1)).size(), 1U);
    unwrap(tx.cancel_timer(first, "remind"));
    unwrap(tx.cancel_timer(first, "no such timer"));
    EXPECT_EQ(unwrap(tx.next_timer("shop")), Moment{200});
  });
}

TEST_P(StorageTest, TheJournalGivesTheNewestOfOneDialogInOrder) {
  must(storage_, [&](Transaction& tx) {
    const std::int64_t one = add_dialog(tx, "1");
    const std::int64_t two = add_dialog(tx, "2");
    for (int i = 0; i < 5; ++i) {
      for (const std::int64_t dialog : {one, two}) {
        JournalRow row;
        row.dialog_id = dialog;
        row.at = Moment{i};
        row.event_id = "e" + std::to_string(i);
        row.event = "event " + std::to_string(i);
        row.turn = "turn of " + std::to_string(dialog);
        row.version = "v1";
        unwrap(tx.append_journal(row));
      }
    }
    const std::vector<JournalRow> rows = unwrap(tx.journal(two, 3));
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(rows[0].event, "event 2");
    EXPECT_EQ(rows[2].event, "event 4");
    EXPECT_EQ(rows[2].event_id, "e4");
    EXPECT_EQ(rows[2].at, Moment{4});
    EXPECT_EQ(rows[2].turn, "turn of " + std::to_string(two));
    EXPECT_EQ(rows[2].version, "v1");
    EXPECT_EQ(rows[2].dialog_id, two);
    EXPECT_EQ(unwrap(tx.journal(one, 100)).size(), 5U);
    EXPECT_TRUE(unwrap(tx.journal(999, 100)).empty());
  });
}

TEST_P(StorageTest, TheJournalGoesOnOverTurnsBatchesAndRestarts) {
  int written = 0;
  for (int restart = 0; restart < 3; ++restart) {
    for (int batch = 0; batch < 3; ++batch) {
      must(storage_, [&](Transaction& tx) {
        for (int turn = 0; turn < 3; ++turn) {  // of the same dialog, in one transaction
          DialogRow row = unwrap(tx.load_dialog(key_of("1")));
          unwrap(tx.save_dialog(key_of("1"), row, row.user_row == 0, Moment{written}));
          JournalRow line;
          line.dialog_id = row.id;
          line.event = std::to_string(written++);
          unwrap(tx.append_journal(line));
          if (turn == 2) {  // a turn may also write two lines, or none after a save
            line.event = std::to_string(written++);
            unwrap(tx.append_journal(line));
            unwrap(tx.save_dialog(key_of("1"), row, false, Moment{written}));
          }
        }
      });
      (void)storage_.transact([&](Transaction& tx) -> Stored<Done> {
        DialogRow row = unwrap(tx.load_dialog(key_of("1")));
        unwrap(tx.save_dialog(key_of("1"), row, false, Moment{written}));
        JournalRow line;
        line.dialog_id = row.id;
        line.event = "lost";
        unwrap(tx.append_journal(line));
        return Error{StorageError{StorageError::Kind::Other, "changed its mind"}};
      });
    }
    reopen();
  }
  must(storage_, [&](Transaction& tx) {
    const std::int64_t id = unwrap(tx.load_dialog(key_of("1"))).id;
    const std::vector<JournalRow> rows = unwrap(tx.journal(id, 1000));
    ASSERT_EQ(rows.size(), static_cast<std::size_t>(written));
    for (int i = 0; i < written; ++i)
      EXPECT_EQ(rows[static_cast<std::size_t>(i)].event, std::to_string(i));
  });
}

TEST_P(StorageTest, DeadLettersKeepTheirReason) {
  must(storage_, [&](Transaction& tx) {
    unwrap(tx.bury({0, "shop", "event", "{}", "failed three times", Moment{1}}));
    unwrap(tx.bury({0, "shop", "outbox", "{\"a\":1}", "blocked", Moment{2}}));
    unwrap(tx.bury({0, "school", "event", "{}", "other", Moment{3}}));
    unwrap(tx.count_track("shop", 1, "paid", Moment{4}));
    const std::vector<DeadLetter> letters = unwrap(tx.dead_letters("shop", 10));
    ASSERT_EQ(letters.size(), 2U);
    EXPECT_EQ(letters[0].kind, "outbox");
    EXPECT_EQ(letters[0].subject, "{\"a\":1}");
    EXPECT_EQ(letters[0].reason, "blocked");
    EXPECT_EQ(letters[0].at, Moment{2});
    EXPECT_EQ(letters[1].reason, "failed three times");
  });
}

TEST_P(StorageTest, SharedValuesAreOfTheWholeBot) {
  must(storage_, [&](Transaction& tx) {
    unwrap(tx.set_shared("shop", "sold", Value(3)));
    unwrap(tx.set_shared("shop", "motto", Value("дёшево")));
    unwrap(tx.set_shared("shop", "gone", Value(true)));
    unwrap(tx.set_shared("shop", "sold", Value(*Decimal::parse("4.50"))));
    unwrap(tx.set_shared("shop", "gone", Value()));
  });
  reopen();
  must(storage_, [&](Transaction& tx) {
    const ValueMap shared = unwrap(tx.load_shared("shop"));
    EXPECT_EQ(shared.size(), 2U);
    ASSERT_TRUE(shared.find("sold"));
    EXPECT_EQ(*shared.find("sold"), Value(*Decimal::parse("4.5")));
    EXPECT_EQ(*shared.find("motto"), Value("дёшево"));
    EXPECT_TRUE(unwrap(tx.load_shared("school")).empty());
  });
}

TEST_P(StorageTest, ATransactionIsAllOrNothing) {
  const Stored<Done> lost = storage_.transact([&](Transaction& tx) -> Stored<Done> {
    add_dialog(tx, "7");
    (void)tx.enqueue(message_to("7", "text"), Moment{1});
    (void)tx.claim_event("shop", "vk", "e", Moment{1});
    (void)tx.set_position("shop", "vk", "1", Moment{1});
    return Error{StorageError{StorageError::Kind::Other, "changed its mind"}};
  });
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().message, "changed its mind");
  must(storage_, [&](Transaction& tx) {
    EXPECT_EQ(unwrap(tx.load_dialog(key_of("7"))).id, 0);
    EXPECT_TRUE(unwrap(tx.outbox("shop", 0, 10)).empty());
    EXPECT_TRUE(unwrap(tx.claim_event("shop", "vk", "e", Moment{1})));
    EXPECT_EQ(unwrap(tx.position("shop", "vk")), "");
  });
}

TEST_P(StorageTest, AFailedOperationLosesTheTransactionEvenWhenNobodyLooks) {
  Table orders;
  orders.name = "no_such_table";
  const Stored<Done> lost = storage_.transact([&](Transaction& tx) -> Stored<Done> {
    add_dialog(tx, "7");
    EXPECT_FALSE(tx.count_rows(orders, {}));
    EXPECT_FALSE(tx.set_position("shop", "vk", "1", Moment{1}));
    return Done{};
  });
  ASSERT_FALSE(lost);
  must(storage_, [&](Transaction& tx) { EXPECT_EQ(unwrap(tx.load_dialog(key_of("7"))).id, 0); });
}

TEST_P(StorageTest, WhatTheBodyThrowsRollsBackAndTheStorageGoesOn) {
  EXPECT_THROW((void)storage_.transact([&](Transaction& tx) -> Stored<Done> {
    add_dialog(tx, "7");
    throw std::bad_alloc();
  }),
               std::bad_alloc);
  must(storage_, [&](Transaction& tx) { EXPECT_EQ(unwrap(tx.load_dialog(key_of("7"))).id, 0); });
}

TEST_F(SqliteStorageTest, AStopWithoutAWordIsNoticed) {
  const auto reopen = [&] { storage_ = open_or_die(folder_.file()); };
  EXPECT_TRUE(unwrap(storage_.begin_running()));
  reopen();
  EXPECT_FALSE(unwrap(storage_.begin_running()));
  unwrap(storage_.end_running());
  reopen();
  EXPECT_TRUE(unwrap(storage_.begin_running()));
}

TEST_F(SqliteStorageTest, TheFileIsNobodyElses) {
  must(storage_, [](Transaction& tx) { add_dialog(tx, "7"); });
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat status {};
    ASSERT_EQ(::stat((folder_.file() + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << suffix;
  }
}

TEST_P(StorageTest, TextsWithQuotesAndSmilesComeBack) {
  const std::string odd("'; DROP TABLE dialogs; -- \" \\ ? $1 :name {1,\"2\"} \x01 😀");
  must(storage_, [&](Transaction& tx) {
    DialogKey key = key_of("7");
    key.user_id = "'; drop";
    DialogRow row;
    row.state = odd;
    unwrap(tx.save_dialog(key, row, false, Moment{1}));
    EXPECT_EQ(unwrap(tx.load_dialog(key)).state, odd);
    EXPECT_EQ(unwrap(tx.enqueue(message_to("7", odd), Moment{1})) > 0, true);
    EXPECT_EQ(unwrap(tx.outbox("shop", 0, 10))[0].call.body, odd);
  });
}

TEST_P(StorageTest, WhatADatabaseCannotHoldDoesNotLoseTheRest) {
  const std::string odd("a\0b\xff\xd0" "c", 6);
  must(storage_, [&](Transaction& tx) { unwrap(tx.enqueue(message_to("7", odd), Moment{1})); });
  must(storage_, [&](Transaction& tx) {
    const std::string kept = unwrap(tx.outbox("shop", 0, 10)).at(0).call.body;
    EXPECT_EQ(kept, GetParam() == DatabaseUnderTest::Sqlite ? odd : "ab\uFFFD\uFFFD" "c");
  });
}

TEST_F(SqliteStorageTest, ADatabaseInMemoryWorks) {
  Storage memory = open_or_die(":memory:");
  must(memory, [](Transaction& tx) { add_dialog(tx, "7"); });
  must(memory, [](Transaction& tx) { EXPECT_GT(unwrap(tx.load_dialog(key_of("7"))).id, 0); });
}

TEST_F(SqliteStorageTest, APathMayHoldSpacesAndEqualSigns) {
  for (const char* name : {"my shop.db", "a=b.db", "a = b  c.db", "магазин.db"}) {
    Storage storage = open_or_die(folder_.file(name));
    must(storage, [](Transaction& tx) { add_dialog(tx, "7"); });
    EXPECT_GT(std::filesystem::file_size(folder_.file(name)) +
                  std::filesystem::file_size(folder_.file(name) + "-wal"),
              4096U)
        << name;
  }
}

}  // namespace
}  // namespace sufler

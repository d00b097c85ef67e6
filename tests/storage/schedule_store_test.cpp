#include "storage/schedule_store.h"

#include "storage_fixture.h"

namespace sufler {
namespace {

constexpr Moment kNow{1'800'000'000'000};
Moment after(std::int64_t ms) { return {kNow.unix_ms + ms}; }

class ScheduleStoreTest : public OnEveryDatabase {
 protected:
  static ScheduleRow row(const std::string& name, Moment next, std::int64_t generation = 1,
                         const std::string& timing = "every day at 09:00 (UTC)") {
    ScheduleRow made;
    made.bot = "shop";
    made.name = name;
    made.timing = timing;
    made.generation = generation;
    made.next_at = next;
    return made;
  }
  template <class Body>
  auto ask(Body body) {
    decltype(body(std::declval<ScheduleStore&>())) result{};
    must(storage_, [&](Transaction& tx) { result = body(tx.schedules()); });
    return result;
  }
  void put(const ScheduleRow& made) { ask([&](ScheduleStore& store) { return unwrap(store.put(made)), 0; }); }
  std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const ScheduleRow& one : ask([](ScheduleStore& store) { return unwrap(store.all("shop")); })) all.push_back(one.name);
    return all;
  }
  std::optional<ScheduleRow> due(Moment now) {
    return ask([&](ScheduleStore& store) { return unwrap(store.claim_due("shop", now)); });
  }
  ScheduleRow only() { return ask([](ScheduleStore& store) { return unwrap(store.all("")); }).at(0); }
  std::optional<Moment> next() {
    return ask([](ScheduleStore& store) { return unwrap(store.next("shop")); });
  }
  std::int64_t dialog(const std::string& user, const std::string& place, Moment changed, const std::string& transport = "telegram",
                      const std::string& chat = {}) {
    DialogRow made;
    must(storage_, [&](Transaction& tx) {
      const DialogKey key{"shop", {transport, chat.empty() ? user : chat}, user};
      made = unwrap(tx.load_dialog(key));
      made.state = "{}";
      made.place = place;
      made.user = "{\"of\":\"" + user + "\"}";
      (void)unwrap(tx.save_dialog(key, made, true, changed));
    });
    return made.id;
  }
  using Names = std::vector<std::string>;
};
SUFLER_ON_EVERY_DATABASE(ScheduleStoreTest);

TEST_P(ScheduleStoreTest, WhatIsDueIsFoundAndTheRowSaysWhatIsNext) {
  put(row("report", after(1'000)));
  EXPECT_EQ(next(), after(1'000));
  EXPECT_FALSE(due(after(999)));
  auto found = due(after(1'000));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "report");
  found->next_at = after(5'000);
  found->last_at = after(1'000);
  found->people_told = 7;
  ask([&](ScheduleStore& store) { return unwrap(store.save(*found)), 0; });
  EXPECT_FALSE(due(after(1'000)));
  EXPECT_EQ(only().last_at, after(1'000));
  EXPECT_EQ(only().people_told, 7);
  EXPECT_EQ(next(), after(5'000));
}

TEST_P(ScheduleStoreTest, ASecondProcessPassesOverWhatOneHasTaken) {
  if (GetParam() == DatabaseUnderTest::Sqlite) GTEST_SKIP() << "there is one process";
  put(row("report", kNow));
  Storage other = open_database(database_.url());
  must(storage_, [&](Transaction& tx) {
    EXPECT_TRUE(unwrap(tx.schedules().claim_due("shop", kNow)));
    must(other, [&](Transaction& second) { EXPECT_FALSE(unwrap(second.schedules().claim_due("shop", kNow))); });
  });
  must(other, [&](Transaction& tx) { EXPECT_TRUE(unwrap(tx.schedules().claim_due("shop", kNow))); });
}

TEST_P(ScheduleStoreTest, TheSameTimingKeepsItsNextTimeAnotherBeginsAnew) {
  put(row("report", after(1'000)));
  put(row("report", after(9'000), 2));
  EXPECT_EQ(only().next_at, after(1'000));
  EXPECT_EQ(only().generation, 2);
  put(row("report", after(9'000), 3, "every hour (UTC)"));
  EXPECT_EQ(only().next_at, after(9'000));
  // What an older version would write comes too late.
  put(row("report", after(4'000), 2, "every 10m (UTC)"));
  EXPECT_EQ(only().timing, "every hour (UTC)");
}

TEST_P(ScheduleStoreTest, WhatTheScenarioHasNoMoreIsDroppedButNotWhatANewerOneHas) {
  put(row("old", kNow, 1));
  put(row("kept", kNow, 1));
  put(row("newer", kNow, 3));
  ask([](ScheduleStore& store) { return unwrap(store.drop_others("shop", 2, {"kept"})), 0; });
  EXPECT_EQ(names(), (Names{"kept", "newer"}));
}

TEST_P(ScheduleStoreTest, APausedOneRestsUntilItIsResumedAndMakesUpForNothing) {
  put(row("report", after(1'000)));
  EXPECT_TRUE(ask([](ScheduleStore& store) { return unwrap(store.pause("shop", "report", kNow)); }));
  EXPECT_FALSE(due(after(5'000)));
  EXPECT_EQ(next(), std::nullopt);
  EXPECT_EQ(only().paused_at, kNow);
  EXPECT_TRUE(ask([](ScheduleStore& store) { return unwrap(store.resume("shop", "report", after(5'000))); }));
  EXPECT_EQ(only().next_at, Moment{}) << "to be worked out anew";
  EXPECT_FALSE(ask([](ScheduleStore& store) { return unwrap(store.pause("shop", "reports", kNow)); }));
}

TEST_P(ScheduleStoreTest, ARunAnOperatorWantsComesAtOnceEvenOfAPausedOne) {
  put(row("report", after(1'000'000)));
  (void)ask([](ScheduleStore& store) { return unwrap(store.pause("shop", "report", kNow)); });
  EXPECT_TRUE(ask([](ScheduleStore& store) { return unwrap(store.force("shop", "report", kNow)); }));
  EXPECT_EQ(next(), Moment{});
  ASSERT_TRUE(due(kNow));
}

TEST_P(ScheduleStoreTest, DialogsAreFoundByTheirBranchAndTheirSilence) {
  dialog("anna", "order/phone", kNow);
  dialog("boris", "order/phone", after(2'000));     // somebody wrote a moment ago
  dialog("vera", "orders/phone", kNow);             // another branch
  dialog("gleb", "none", kNow);
  dialog("nightly", "order/phone", kNow, "schedule");  // nobody's
  const std::int64_t dana = dialog("dana", "order/name", kNow);
  const auto look = ask([](ScheduleStore& store) { return unwrap(store.resting("shop", "order", after(1'000), 0, 100, 100)); });
  ASSERT_EQ(look.found.size(), 2u);
  EXPECT_EQ(look.found[0].key.user_id, "anna");
  EXPECT_EQ(look.found[0].changed_at, kNow);
  EXPECT_EQ(look.found[1].dialog_id, dana);
  EXPECT_EQ(ask([&](ScheduleStore& store) { return unwrap(store.changed_at(dana)); }), kNow);
  EXPECT_EQ(ask([](ScheduleStore& store) { return unwrap(store.changed_at(1'000'000)); }), Moment{});
}

TEST_P(ScheduleStoreTest, ABranchOfAnyAlphabetIsFound) {
  dialog("anna", "заказ/телефон", kNow);
  const auto look = ask([](ScheduleStore& store) { return unwrap(store.resting("shop", "заказ", kNow, 0, 100, 100)); });
  EXPECT_EQ(look.found.size(), 1u);
}

TEST_P(ScheduleStoreTest, PeopleAreGoneThroughInPortionsEachOnce) {
  std::vector<std::string> all;
  for (int i = 0; i < 7; ++i) dialog("user" + std::to_string(i), "none", kNow);
  dialog("user0", "none", kNow, "telegram", "-100500");  // a group that the first is in
  std::int64_t after_id = 0;
  for (int portions = 0;; ++portions) {
    ASSERT_LT(portions, 20);
    const auto look = ask([&](ScheduleStore& store) { return unwrap(store.people("shop", after_id, 3, 2)); });
    if (look.last_id == 0) break;
    EXPECT_LE(look.found.size(), 2u);
    for (const auto& one : look.found) all.push_back(one.user);
    EXPECT_GT(look.last_id, after_id);
    after_id = look.last_id;
  }
  EXPECT_EQ(all.size(), 7u);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
}

TEST_P(ScheduleStoreTest, PeopleAreFoundByWhatTheirRecordHoldsAndByTheirId) {
  dialog("7", "none", kNow);
  dialog("77", "none", kNow);
  dialog("7", "none", kNow, "vk");
  dialog("7", "none", kNow, "telegram", "-100");
  dialog("odd%_!", "none", kNow);
  const auto with = [&](const std::string& text) {
    Names found;
    for (const auto& one : ask([&](ScheduleStore& store) { return unwrap(store.people_with("shop", text, 0, 100, 100)); }).found)
      found.push_back(one.key.chat.transport + ":" + one.key.chat.chat_id);
    return found;
  };
  EXPECT_EQ(with("77"), (Names{"telegram:77"}));
  EXPECT_EQ(with("%_"), (Names{"telegram:odd%_!"}));
  EXPECT_EQ(with("_"), (Names{"telegram:odd%_!"}));
  EXPECT_EQ(with("nobody"), Names());
  const auto called = [&](const std::string& id) {
    Names found;
    for (const auto& one : ask([&](ScheduleStore& store) { return unwrap(store.people_called("shop", id)); }))
      found.push_back(one.key.chat.transport + ":" + one.key.chat.chat_id);
    return found;
  };
  EXPECT_EQ(called("7"), (Names{"telegram:7", "vk:7"})) << "their private dialogs";
  EXPECT_EQ(called("8"), Names());
}

TEST_P(ScheduleStoreTest, ADialogWithoutAPersonIsFreeWhenItRestsNowhereAndHasNothingToHear) {
  const auto free_one = [&] { return ask([](ScheduleStore& store) { return unwrap(store.free_dialog("shop", "event:pay:")); }); };
  EXPECT_EQ(free_one(), "");
  dialog("event:pay:1", "paid/service", kNow, std::string(kScheduleTransport));
  dialog("event:other:1", "none", kNow, std::string(kScheduleTransport));
  EXPECT_EQ(free_one(), "");
  dialog("event:pay:2", "none", kNow, std::string(kScheduleTransport));
  EXPECT_EQ(free_one(), "event:pay:2");
  must(storage_, [&](Transaction& tx) {
    InboxRow row;
    row.bot = "shop";
    row.transport = kScheduleTransport;
    row.user_id = "event:pay:2";
    row.event_id = "hook:pay:9";
    row.incoming = "{}";
    (void)unwrap(tx.put_inbox(row));
  });
  EXPECT_EQ(free_one(), "");
}

TEST_P(ScheduleStoreTest, NumbersOfCallsGrow) {
  const auto number = [&](const char* bot) { return ask([&](ScheduleStore& store) { return unwrap(store.next_number(bot, "hook")); }); };
  EXPECT_EQ(number("shop"), 1);
  EXPECT_EQ(number("shop"), 2);
  EXPECT_EQ(number("other"), 1);
}

}  // namespace
}  // namespace sufler

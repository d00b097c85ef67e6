#include "storage/broadcast_store.h"

#include <thread>

#include "interpreter/core/event.h"
#include "storage/housekeeping.h"
#include "storage_fixture.h"

namespace sufler {
namespace {

constexpr Moment kNow{1'800'000'000'000};

class BroadcastStoreTest : public OnEveryDatabase {
 protected:
  static BroadcastRow row(const std::string& name) {
    BroadcastRow made;
    made.bot = "shop";
    made.name = name;
    made.order = "{}";
    made.begun_by = "operator";
    made.created_at = kNow;
    return made;
  }
  template <class Body>
  auto ask(Body body) {
    decltype(body(std::declval<BroadcastStore&>())) result{};
    must(storage_, [&](Transaction& tx) { result = body(tx.broadcasts()); });
    return result;
  }
  std::int64_t begin(const std::string& name) {
    BroadcastRow made = row(name);
    return ask([&](BroadcastStore& store) { return unwrap(store.begin(made)) ? made.id : 0; });
  }
  BroadcastRow find(std::int64_t id) {
    return ask([&](BroadcastStore& store) { return unwrap(store.find(id)); }).value();
  }
  std::vector<std::int64_t> active() {
    return ask([](BroadcastStore& store) { return unwrap(store.active("shop")); });
  }
  std::int64_t dialog(const std::string& user, const std::string& transport = "telegram", const std::string& chat = {}) {
    DialogRow made;
    must(storage_, [&](Transaction& tx) {
      const DialogKey key{"shop", {transport, chat.empty() ? user : chat}, user};
      made = unwrap(tx.load_dialog(key));
      made.state = "{\"of\":\"" + user + "\"}";
      made.user = "{\"id\":\"" + user + "\"}";
      (void)unwrap(tx.save_dialog(key, made, true, kNow));
    });
    return made.id;
  }
};
SUFLER_ON_EVERY_DATABASE(BroadcastStoreTest);

TEST_P(BroadcastStoreTest, OneOfANameGoesAtATime) {
  const std::int64_t first = begin("news");
  ASSERT_NE(first, 0);
  EXPECT_EQ(begin("news"), 0);
  EXPECT_NE(begin(""), 0);
  EXPECT_NE(begin(""), 0) << "those without a name are all different";
  ask([&](BroadcastStore& store) {
    BroadcastRow claimed = *unwrap(store.claim(first));
    claimed.state = BroadcastRow::State::Done;
    claimed.ended_at = kNow;
    return unwrap(store.save(claimed)), 0;
  });
  EXPECT_NE(begin("news"), 0);
  EXPECT_EQ(ask([](BroadcastStore& store) { return unwrap(store.all("shop", 10)); }).size(), 4u);
  EXPECT_TRUE(ask([](BroadcastStore& store) { return unwrap(store.all("other", 10)); }).empty());
}

TEST_P(BroadcastStoreTest, OfTwoProcessesThatBeginOneOfANameOneDoes) {
  if (GetParam() == DatabaseUnderTest::Sqlite) GTEST_SKIP() << "one process";
  Storage other = open_database(database_.url());
  bool theirs = false;
  std::thread second;
  must(storage_, [&](Transaction& tx) {
    BroadcastRow row;
    row.bot = "shop";
    row.name = "news";
    EXPECT_TRUE(unwrap(tx.broadcasts().begin(row)));
    second = std::thread([&] {  // it waits for what becomes of ours
      must(other, [&](Transaction& beside) {
        BroadcastRow same;
        same.bot = "shop";
        same.name = "news";
        theirs = unwrap(beside.broadcasts().begin(same));
      });
    });
  });
  second.join();
  EXPECT_FALSE(theirs);
}

TEST_P(BroadcastStoreTest, PeopleAreTakenInOrderAndOnce) {
  const std::int64_t id = begin("news");
  std::vector<std::int64_t> dialogs;
  for (const char* user : {"a", "b", "c"}) dialogs.push_back(dialog(user));
  ask([&](BroadcastStore& store) { return unwrap(store.add_people(id, "telegram", dialogs)), 0; });
  ask([&](BroadcastStore& store) { return unwrap(store.add_people(id, "telegram", {})), 0; });
  const auto next = [&] { return ask([&](BroadcastStore& store) { return unwrap(store.next_people(id, "telegram", 2)); }); };
  ASSERT_EQ(next().size(), 2u);
  EXPECT_EQ(next()[0].key, (DialogKey{"shop", {"telegram", "a"}, "a"}));
  EXPECT_EQ(next()[1].dialog_id, dialogs[1]);
  ask([&](BroadcastStore& store) { return unwrap(store.drop_people(id, "telegram", dialogs[1])), 0; });
  ASSERT_EQ(next().size(), 1u);
  EXPECT_EQ(next()[0].key.user_id, "c");
  ask([&](BroadcastStore& store) { return unwrap(store.drop_all_people(id)), 0; });
  EXPECT_TRUE(next().empty());
}

TEST_P(BroadcastStoreTest, EachPlatformHasItsOwnPeople) {
  const std::int64_t id = begin("news"), other = begin("other");
  const auto platforms = [&] { return ask([&](BroadcastStore& store) { return unwrap(store.platforms(id)); }); };
  EXPECT_TRUE(platforms().empty());
  const std::int64_t anna = dialog("a"), boris = dialog("b", "vk"), clara = dialog("c");
  ask([&](BroadcastStore& store) { return unwrap(store.add_people(id, "telegram", {anna, clara})), 0; });
  ask([&](BroadcastStore& store) { return unwrap(store.add_people(id, "vk", {boris})), 0; });
  ask([&](BroadcastStore& store) { return unwrap(store.add_people(other, "web", {boris})), 0; });
  EXPECT_EQ(platforms(), (std::vector<std::string>{"telegram", "vk"}));
  const auto next = [&](const char* of) { return ask([&](BroadcastStore& store) { return unwrap(store.next_people(id, of, 10)); }); };
  ASSERT_EQ(next("vk").size(), 1u);
  EXPECT_EQ(next("vk")[0].dialog_id, boris);
  ask([&](BroadcastStore& store) { return unwrap(store.drop_people(id, "telegram", clara)), 0; });
  EXPECT_TRUE(next("telegram").empty());
  EXPECT_EQ(next("vk").size(), 1u) << "who come earlier on another platform are theirs";
  EXPECT_EQ(platforms(), (std::vector<std::string>{"vk"}));
}

TEST_P(BroadcastStoreTest, LooksAtPrivateDialogsOfPeopleInPortions) {
  dialog("a");
  dialog("b", "telegram", "-100");  // in a group
  dialog("daily", std::string(kScheduleTransport));
  dialog("d", "vk");
  std::vector<std::string> found;
  std::int64_t after = 0;
  for (int portions = 0;; ++portions) {
    ASSERT_LT(portions, 10);
    const auto look = ask([&](BroadcastStore& store) { return unwrap(store.look("shop", after, 2)); });
    if (look.last_id == 0) break;
    after = look.last_id;
    for (const auto& one : look.found) found.push_back(one.key.chat.transport + ":" + one.key.user_id + one.user + one.state);
  }
  EXPECT_EQ(found, (std::vector<std::string>{"telegram:a{\"id\":\"a\"}{\"of\":\"a\"}", "vk:d{\"id\":\"d\"}{\"of\":\"d\"}"}));
}

TEST_P(BroadcastStoreTest, OperatorsPauseResumeAndStop) {
  const std::int64_t id = begin("news");
  const auto pause = [&] { return ask([&](BroadcastStore& store) { return unwrap(store.pause(id, kNow)); }); };
  const auto resume = [&] { return ask([&](BroadcastStore& store) { return unwrap(store.resume(id)); }); };
  const auto stop = [&] { return ask([&](BroadcastStore& store) { return unwrap(store.stop(id)); }); };
  EXPECT_EQ(active(), std::vector<std::int64_t>{id});
  EXPECT_FALSE(resume()) << "it goes";
  EXPECT_TRUE(pause());
  EXPECT_FALSE(pause());
  EXPECT_TRUE(active().empty());
  EXPECT_FALSE(ask([&](BroadcastStore& store) { return unwrap(store.claim(id)); }));
  EXPECT_TRUE(resume());
  EXPECT_TRUE(pause());
  EXPECT_TRUE(stop()) << "also one that is paused";
  EXPECT_EQ(active(), std::vector<std::int64_t>{id}) << "somebody has to end it";
  EXPECT_FALSE(stop());
  EXPECT_FALSE(pause());
  EXPECT_EQ(find(id).state, BroadcastRow::State::Stopping);
  EXPECT_FALSE(ask([&](BroadcastStore& store) { return unwrap(store.stop(id + 1'000'000)); }));
}

TEST_P(BroadcastStoreTest, WhatBecameOfItIsCountedBesideHowFarItIs) {
  const std::int64_t id = begin("news");
  BroadcastRow claimed = *ask([&](BroadcastStore& store) { return unwrap(store.claim(id)); });
  BroadcastStore::Outcomes outcomes;
  outcomes.sent = 3, outcomes.failed = 2, outcomes.gone = 1, outcomes.unknown = 1;
  ask([&](BroadcastStore& store) { return unwrap(store.count(id, outcomes)), 0; });
  claimed.given = 6;
  claimed.people = 7;
  claimed.unsubscribed = 4;
  ask([&](BroadcastStore& store) { return unwrap(store.save(claimed)), 0; });
  const BroadcastRow now = find(id);
  EXPECT_EQ(now.sent, 3);
  EXPECT_EQ(now.failed, 2);
  EXPECT_EQ(now.gone, 1);
  EXPECT_EQ(now.unknown, 1);
  EXPECT_EQ(now.given, 6);
  EXPECT_EQ(now.people, 7);
  EXPECT_EQ(now.unsubscribed, 4);
}

TEST_P(BroadcastStoreTest, IsUnderWayWhileAnEventOrAMessageOfItIsThere) {
  const std::int64_t id = begin("news");
  const auto under_way = [&] { return ask([&](BroadcastStore& store) { return unwrap(store.is_under_way("shop", id)); }); };
  EXPECT_FALSE(under_way());
  InboxRow event;
  event.bot = "shop";
  event.transport = "telegram";
  event.event_id = "broadcast:" + std::to_string(id) + ":5";
  event.user_id = "a";
  event.incoming = "{}";
  must(storage_, [&](Transaction& tx) { (void)unwrap(tx.put_inbox(event)); });
  EXPECT_TRUE(under_way());
  must(storage_, [&](Transaction& tx) { (void)unwrap(tx.drop_inbox(event.id)); });
  EXPECT_FALSE(under_way());
  for (const std::int64_t broadcast : {id, -id}) {
    OutboxRow message;
    message.bot = "shop";
    message.chat = {"telegram", "a"};
    message.broadcast = broadcast;
    std::int64_t outbox = 0;
    must(storage_, [&](Transaction& tx) { outbox = unwrap(tx.enqueue(message, kNow)); });
    EXPECT_TRUE(under_way());
    must(storage_, [&](Transaction& tx) {
      const auto rows = unwrap(tx.outbox("shop", 0, 10));
      ASSERT_EQ(rows.size(), 1u);
      EXPECT_EQ(rows[0].broadcast, broadcast);
      (void)unwrap(tx.mark_outbox(outbox, OutboxRow::State::Unknown, 1, "the process died"));
    });
    EXPECT_FALSE(under_way()) << "nobody waits for what is unknown for good";
    must(storage_, [&](Transaction& tx) { (void)unwrap(tx.drop_outbox(outbox)); });
  }
}

TEST_P(BroadcastStoreTest, WhoIsErasedGetsNothing) {
  const std::int64_t id = begin("news");
  const std::int64_t anna = dialog("a"), boris = dialog("b");
  ask([&](BroadcastStore& store) { return unwrap(store.add_people(id, "telegram", {anna, boris})), 0; });
  must(storage_, [&](Transaction& tx) { (void)unwrap(tx.housekeeping().erase({"telegram", "a", "shop"})); });
  const auto left = ask([&](BroadcastStore& store) { return unwrap(store.next_people(id, "telegram", 10)); });
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].key.user_id, "b");
}

}  // namespace
}  // namespace sufler

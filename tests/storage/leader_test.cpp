// Rows of the outbox among processes that have joined on one PostgreSQL.
#include <gtest/gtest.h>

#include <future>

#include "storage/storage_fixture.h"

namespace sufler {
namespace {

std::vector<std::int64_t> ids_of(const std::vector<OutboxRow>& rows) {
  std::vector<std::int64_t> ids;
  for (const OutboxRow& row : rows) ids.push_back(row.id);
  return ids;
}

TEST(LeaderTest, WhatAnotherProcessPlayedIsInTheLeadersOutboxOnceItHasClaimedIt) {
  TestDatabase database(DatabaseUnderTest::Postgres);
  Storage leader = open_database(database.url());
  Storage helper = open_database(database.url());
  std::promise<void> leads;
  Storage::PresenceHandlers handlers;
  handlers.leads = [&](std::string_view, bool leads_now) {
    if (leads_now) leads.set_value();
  };
  unwrap(leader.join({"shop"}, handlers));
  ASSERT_EQ(leads.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  leader.send_for({"shop"});
  unwrap(helper.join({"shop"}, {}));

  std::int64_t id = 0;
  must(helper, [&](Transaction& tx) { id = unwrap(tx.enqueue(message_to("7", "{}"), Moment{9})); });
  // Otherwise it is sent now, and once more when it is claimed.
  must(leader, [](Transaction& tx) { EXPECT_TRUE(unwrap(tx.outbox("shop", 0, 10)).empty()); });
  must(leader, [&](Transaction& tx) {
    const auto claimed = unwrap(tx.claim_outbox("shop", false, 10));
    ASSERT_EQ(claimed.size(), 1U);
    EXPECT_EQ(claimed[0].row.id, id);
    EXPECT_FALSE(claimed[0].had_sender);
  });
  must(leader, [&](Transaction& tx) {
    EXPECT_EQ(ids_of(unwrap(tx.outbox("shop", 0, 10))), std::vector<std::int64_t>{id});
    EXPECT_TRUE(unwrap(tx.claim_outbox("shop", false, 10)).empty());
  });
  must(helper, [](Transaction& tx) { EXPECT_TRUE(unwrap(tx.outbox("shop", 0, 10)).empty()); });
  helper.leave();
  leader.leave();
}

}  // namespace
}  // namespace sufler

#include "storage/crm_store.h"

#include <gmock/gmock.h>

#include "storage/housekeeping.h"
#include "storage/job_store.h"
#include "storage_fixture.h"

namespace sufler {
namespace {

constexpr Moment kNow{1'800'000'000'000};
const CrmStore::Person kAnna{"shop", "telegram", "anna"}, kBoris{"shop", "telegram", "boris"};
constexpr const char* kAccount = "https://example.amocrm.ru";

class CrmStoreTest : public OnEveryDatabase {
 protected:
  template <class Body>
  auto ask(Body body) {
    decltype(body(std::declval<CrmStore&>())) result;
    must(storage_, [&](Transaction& tx) {
      CrmStore store(tx);
      result = body(store);
    });
    return result;
  }
  CrmStore::Links links(const CrmStore::Person& person, const char* account = kAccount) {
    return ask([&](CrmStore& store) { return unwrap(store.links(account, person)); });
  }
  void link(const CrmStore::Person& person, const CrmStore::Links& links, Moment at = kNow) {
    must(storage_, [&](Transaction& tx) { (void)unwrap(CrmStore(tx).link(kAccount, person, links, at)); });
  }
  std::int64_t wait(std::int64_t most = 10'000, const char* account = kAccount) {
    return ask([&](CrmStore& store) { return unwrap(store.next_request(account, {150}, {most})); }).ms;
  }
};
SUFLER_ON_EVERY_DATABASE(CrmStoreTest);

TEST_P(CrmStoreTest, ALinkKeepsWhatALaterOneDoesNotSay) {
  EXPECT_EQ(links(kAnna).contact_id, 0);
  link(kAnna, {5, 0});
  link(kAnna, {0, 7});
  EXPECT_EQ(links(kAnna).contact_id, 5);
  EXPECT_EQ(links(kAnna).lead_id, 7);
  EXPECT_EQ(links(kAnna, "https://other.amocrm.ru").contact_id, 0);
  EXPECT_EQ(links(kBoris).contact_id, 0);
}

TEST_P(CrmStoreTest, ALeadLeadsToThePersonAlsoWhenItIsNotTheirLast) {
  must(storage_, [&](Transaction& tx) {
    CrmStore store(tx);
    for (const auto& [mark, id] : {std::pair("a", 7), std::pair("b", 8)}) {
      (void)unwrap(store.begin(kAccount, mark, "lead", kAnna, 100));
      (void)unwrap(store.set_made(mark, "lead", {100, id, 5}));
      (void)unwrap(store.link(kAccount, kAnna, {5, id}, kNow));
    }
  });
  const auto who = [&](std::int64_t lead) { return ask([&](CrmStore& store) { return unwrap(store.person_of_lead(kAccount, lead)); }); };
  ASSERT_TRUE(who(7));
  EXPECT_EQ(who(7)->user_id, "anna");
  EXPECT_TRUE(who(8));
  EXPECT_FALSE(who(9));
  link(kBoris, {5, 0}, {kNow.unix_ms + 1});
  EXPECT_EQ(ask([&](CrmStore& store) { return unwrap(store.person_of_contact(kAccount, 5)); })->user_id, "boris");
}

TEST_P(CrmStoreTest, WhatWasBegunIsInDoubtUntilItIsMadeOrRefused) {
  const auto made = [&] { return ask([&](CrmStore& store) { return unwrap(store.made("a", "lead")); }); };
  EXPECT_FALSE(made());
  must(storage_, [&](Transaction& tx) { (void)unwrap(CrmStore(tx).begin(kAccount, "a", "lead", kAnna, 100)); });
  ASSERT_TRUE(made());
  EXPECT_EQ(made()->made_id, 0);
  EXPECT_EQ(made()->begun_unix_s, 100);
  must(storage_, [&](Transaction& tx) { (void)unwrap(CrmStore(tx).not_made("a", "lead")); });
  EXPECT_FALSE(made());
  must(storage_, [&](Transaction& tx) {
    CrmStore store(tx);
    (void)unwrap(store.begin(kAccount, "a", "lead", kAnna, 200));
    (void)unwrap(store.set_made("a", "lead", {200, 7, 5}));
    (void)unwrap(store.not_made("a", "lead"));  // too late
  });
  EXPECT_EQ(made()->made_id, 7);
  EXPECT_TRUE(ask([&](CrmStore& store) { return unwrap(store.is_made(kAccount, "lead", 7)); }));
  EXPECT_FALSE(ask([&](CrmStore& store) { return unwrap(store.is_made(kAccount, "note", 7)); }));
}

TEST_P(CrmStoreTest, RequestsOfAnAccountStandInOneRow) {
  std::int64_t before = wait();
  EXPECT_LE(before, 10);
  for (int i = 0; i < 20; ++i) {
    const std::int64_t next = wait();
    EXPECT_LE(next, before + 150) << "the clock goes on";
    before = next;
  }
  EXPECT_GT(before, 20 * 150 - 2'500) << "twenty places take three seconds, of which the test took a part";
  // Whoever does not want to wait so long takes no place.
  const std::int64_t left = wait(0);
  EXPECT_LE(wait(0), left);
  EXPECT_EQ(wait(10'000, "another"), 0);
}

TEST_P(CrmStoreTest, APauseIsForAllAndIsNotMadeShorter) {
  must(storage_, [&](Transaction& tx) {
    CrmStore store(tx);
    (void)unwrap(store.pause(kAccount, {60'000}));
    (void)unwrap(store.pause(kAccount, {1'000}));
  });
  EXPECT_GT(wait(0), 50'000);
}

TEST_P(CrmStoreTest, OnePairAtATimeAndOneWhoFetchesIt) {
  const auto begin = [&](std::int64_t generation) { return ask([&](CrmStore& store) { return unwrap(store.begin_refresh(kAccount, generation, {60'000})); }); };
  EXPECT_TRUE(begin(0));
  EXPECT_FALSE(begin(0));
  EXPECT_EQ(ask([&](CrmStore& store) { return unwrap(store.keep_tokens(kAccount, {"access", "refresh", "code", kNow, 0})); }), 1);
  EXPECT_FALSE(begin(0)) << "there is a newer pair";
  EXPECT_TRUE(begin(1));
  // Whoever comes too late neither takes the newer pair away nor ends the lease of who fetches the next.
  EXPECT_EQ(ask([&](CrmStore& store) { return unwrap(store.keep_tokens(kAccount, {"late", "late", "code", kNow, 0})); }), 0);
  must(storage_, [&](Transaction& tx) { (void)unwrap(CrmStore(tx).end_refresh(kAccount, 0)); });
  EXPECT_FALSE(begin(1));
  must(storage_, [&](Transaction& tx) { (void)unwrap(CrmStore(tx).end_refresh(kAccount, 1)); });
  EXPECT_TRUE(begin(1));
  const CrmStore::Tokens tokens = ask([&](CrmStore& store) { return unwrap(store.tokens(kAccount)); });
  EXPECT_EQ(tokens.access, "access");
  EXPECT_EQ(tokens.refresh, "refresh");
  EXPECT_EQ(tokens.begun_with, "code");
  EXPECT_EQ(tokens.expires, kNow);
}

TEST_P(CrmStoreTest, OfOnePersonsJobsTheOldestIsFirst) {
  std::vector<JobRow> rows;
  must(storage_, [&](Transaction& tx) {
    for (const char* user : {"anna", "anna", "boris"}) {
      DialogRow dialog = unwrap(tx.load_dialog(key_of(user)));
      if (dialog.id == 0) {
        dialog.state = "{}";
        (void)unwrap(tx.save_dialog(key_of(user), dialog, false, kNow));
      }
      rows.push_back({0, "shop", dialog.id, 0, "crm", "lead", "{}", kNow, 0, 0});
      (void)unwrap(tx.jobs().put(rows.back()));
    }
  });
  const auto first = [&](std::size_t i) { return ask([&](CrmStore& store) { return unwrap(store.is_first_job(rows[i].id)); }); };
  EXPECT_TRUE(first(0));
  EXPECT_FALSE(first(1));
  EXPECT_TRUE(first(2));
  must(storage_, [&](Transaction& tx) {
    const auto claimed = unwrap(tx.jobs().claim("shop", "crm", kNow, {kNow.unix_ms + 1}, 7, 1));
    (void)unwrap(tx.jobs().finish(claimed.at(0).id, claimed.at(0).token));
  });
  EXPECT_TRUE(first(1));
}

TEST_P(CrmStoreTest, AnErasedPersonIsLinkedToNothing) {
  link(kAnna, {5, 7});
  link(kBoris, {6, 0});
  must(storage_, [&](Transaction& tx) { (void)unwrap(CrmStore(tx).begin(kAccount, "a", "lead", kAnna, 100)); });
  must(storage_, [&](Transaction& tx) { (void)unwrap(tx.housekeeping().erase({"telegram", "anna", {}})); });
  EXPECT_EQ(links(kAnna).contact_id, 0);
  EXPECT_EQ(links(kBoris).contact_id, 6);
  EXPECT_FALSE(ask([&](CrmStore& store) { return unwrap(store.made("a", "lead")); }));
}

}  // namespace
}  // namespace sufler

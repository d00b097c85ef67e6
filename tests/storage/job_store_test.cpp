#include "storage/job_store.h"

#include <gmock/gmock.h>

#include "storage/housekeeping.h"
#include "storage_fixture.h"

namespace sufler {
namespace {

constexpr Moment kNow{1'800'000'000'000};
Moment after(std::int64_t ms) { return {kNow.unix_ms + ms}; }

class JobStoreTest : public OnEveryDatabase {
 protected:
  /// A job of the person's dialog, which is made when it is not there.
  JobRow put(const std::string& user, std::uint64_t serial, const std::string& service = "run", Moment at = kNow) {
    JobRow row;
    must(storage_, [&](Transaction& tx) {
      DialogRow dialog = unwrap(tx.load_dialog(key_of(user)));
      if (dialog.id == 0) {
        dialog.state = "{}";
        (void)unwrap(tx.save_dialog(key_of(user), dialog, false, at));
      }
      row = {0, "shop", dialog.id, serial, service, "estimate", R"({"area":54.5})", at, 0, 0};
      (void)unwrap(tx.jobs().put(row));
    });
    return row;
  }
  std::vector<JobRow> claim(Moment now, std::size_t limit = 10, const std::string& service = "run",
                            std::int64_t owner = 7) {
    std::vector<JobRow> rows;
    must(storage_, [&](Transaction& tx) {
      rows = unwrap(tx.jobs().claim("shop", service, now, {now.unix_ms + 30'000}, owner, limit));
    });
    return rows;
  }
  template <class Body>
  auto ask(Body body) {
    decltype(body(std::declval<JobStore&>())) result;
    must(storage_, [&](Transaction& tx) { result = body(tx.jobs()); });
    return result;
  }
  std::optional<DialogKey> finish(const JobRow& row) {
    return ask([&](JobStore& jobs) { return unwrap(jobs.finish(row.id, row.token)); });
  }
};
SUFLER_ON_EVERY_DATABASE(JobStoreTest);

TEST_P(JobStoreTest, AJobIsClaimedOnceAndWithAllThatItsTurnAskedFor) {
  const JobRow put_row = put("anna", 5);
  const std::vector<JobRow> rows = claim(kNow);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].id, put_row.id);
  EXPECT_EQ(rows[0].serial, 5u);
  EXPECT_EQ(rows[0].service, "run");
  EXPECT_EQ(rows[0].name, "estimate");
  EXPECT_EQ(rows[0].request, R"({"area":54.5})");
  EXPECT_EQ(rows[0].created_at, kNow);
  EXPECT_EQ(rows[0].attempts, 1u);
  EXPECT_TRUE(claim(after(1)).empty());
}

TEST_P(JobStoreTest, TheOldestAreClaimedFirstAndNoMoreThanAskedFor) {
  const JobRow second = put("boris", 1, "run", after(10));
  const JobRow first = put("anna", 1, "run", kNow);
  put("vera", 1, "run", after(20));
  const std::vector<JobRow> rows = claim(after(30), 2);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].id, first.id);
  EXPECT_EQ(rows[1].id, second.id);
}

TEST_P(JobStoreTest, EachServiceHasItsOwnQueue) {
  put("anna", 1, "mail");
  EXPECT_TRUE(claim(kNow, 10, "run").empty());
  EXPECT_EQ(claim(kNow, 10, "mail").size(), 1u);
}

TEST_P(JobStoreTest, TheResultTakesTheJobAwayAndTellsWhoseItWas) {
  put("anna", 1);
  const JobRow mine = claim(kNow).at(0);
  EXPECT_EQ(finish(mine), key_of("anna"));
  EXPECT_EQ(finish(mine), std::nullopt) << "once";
  EXPECT_TRUE(claim(after(3'600'000)).empty());
}

TEST_P(JobStoreTest, AnEndedLeaseIsTakenByAnotherAndTheLateResultIsFencedOff) {
  put("anna", 1);
  const JobRow lost = claim(kNow).at(0);
  EXPECT_TRUE(claim(after(29'999)).empty());
  const JobRow taken = claim(after(30'000), 10, "run", 8).at(0);
  EXPECT_EQ(taken.id, lost.id);
  EXPECT_GT(taken.token, lost.token);
  EXPECT_EQ(taken.attempts, 2u);
  EXPECT_EQ(finish(lost), std::nullopt);
  EXPECT_FALSE(ask([&](JobStore& jobs) { return unwrap(jobs.renew(lost.id, lost.token, after(90'000))); }));
  EXPECT_FALSE(ask([&](JobStore& jobs) { return unwrap(jobs.put_off(lost.id, lost.token, kNow)); }));
  EXPECT_FALSE(ask([&](JobStore& jobs) { return unwrap(jobs.give_back(lost.id, lost.token, kNow)); }));
  EXPECT_EQ(finish(taken), key_of("anna"));
}

TEST_P(JobStoreTest, AnEndedLeaseThatNobodyTookIsStillItsHolders) {
  put("anna", 1);
  const JobRow mine = claim(kNow).at(0);
  EXPECT_TRUE(ask([&](JobStore& jobs) { return unwrap(jobs.renew(mine.id, mine.token, after(90'000))); }));
  EXPECT_EQ(finish(mine), key_of("anna"));
}

TEST_P(JobStoreTest, ARenewedLeaseKeepsOthersAway) {
  put("anna", 1);
  const JobRow mine = claim(kNow).at(0);
  EXPECT_TRUE(ask([&](JobStore& jobs) { return unwrap(jobs.renew(mine.id, mine.token, after(60'000))); }));
  EXPECT_TRUE(claim(after(30'000)).empty());
  EXPECT_EQ(claim(after(60'000)).size(), 1u);
}

TEST_P(JobStoreTest, AFailedJobWaitsForItsNextTry) {
  put("anna", 1);
  const JobRow mine = claim(kNow).at(0);
  EXPECT_TRUE(ask([&](JobStore& jobs) { return unwrap(jobs.put_off(mine.id, mine.token, after(5'000))); }));
  EXPECT_EQ(finish(mine), std::nullopt) << "nobody has it now";
  EXPECT_TRUE(claim(after(4'999)).empty());
  EXPECT_EQ(claim(after(5'000)).at(0).attempts, 2u);
}

TEST_P(JobStoreTest, AJobGivenBackIsFreeAtOnceAndItsAttemptDoesNotCount) {
  put("anna", 1);
  const JobRow mine = claim(kNow).at(0);
  EXPECT_TRUE(ask([&](JobStore& jobs) { return unwrap(jobs.give_back(mine.id, mine.token, after(5))); }));
  EXPECT_EQ(finish(mine), std::nullopt) << "its token is spent";
  const JobRow again = claim(after(5)).at(0);
  EXPECT_EQ(again.attempts, 1u);
  EXPECT_GT(again.token, mine.token);
}

TEST_P(JobStoreTest, ADialogThatGoesElsewhereTakesItsJobBack) {
  const JobRow one = put("anna", 1);
  put("anna", 2);
  put("boris", 1);
  const std::vector<JobRow> all = claim(kNow);
  (void)ask([&](JobStore& jobs) { return unwrap(jobs.cancel(one.dialog_id, 1)); });
  for (const JobRow& row : all) EXPECT_EQ(finish(row).has_value(), row.id != one.id);
}

TEST_P(JobStoreTest, ARestartedProcessFreesWhatTheDeadOneHad) {
  put("anna", 1);
  const JobRow lost = claim(kNow).at(0);
  EXPECT_EQ(ask([&](JobStore& jobs) { return unwrap(jobs.release_all(after(3))); }), 1);
  const JobRow again = claim(after(3)).at(0);
  EXPECT_EQ(again.attempts, 2u) << "a crash counts";
  EXPECT_EQ(finish(lost), std::nullopt);
}

TEST_P(JobStoreTest, TheNextLookIsWhenSomethingMayBeClaimed) {
  const auto waiting = [&] { return ask([](JobStore& jobs) { return unwrap(jobs.waiting()); }); };
  const auto next = [&](const std::string& service) { return ask([&](JobStore& jobs) { return unwrap(jobs.next_ready("shop", service, kNow)); }); };
  EXPECT_TRUE(waiting().empty());
  put("anna", 1);
  ASSERT_EQ(waiting().size(), 1u);
  EXPECT_EQ(waiting()[0].service, "run");
  EXPECT_EQ(waiting()[0].bot, "shop");
  EXPECT_EQ(next("run"), std::nullopt) << "it is ready now";
  claim(kNow);
  EXPECT_EQ(next("run"), after(30'000)) << "the end of the lease";
  EXPECT_EQ(next("mail"), std::nullopt);
  put("boris", 2);
  EXPECT_EQ(next("run"), after(30'000)) << "of the first one, though another is ready";
  EXPECT_EQ(waiting()[0].count, 2);
}

TEST_P(JobStoreTest, InOrderADialogHasOneJobAfterTheOther) {
  const JobRow first = put("anna", 1);
  const JobRow second = put("anna", 2);
  const JobRow other = put("boris", 3);
  const auto next = [&](Moment now) {
    std::vector<std::int64_t> ids;
    for (const JobRow& one : ask([&](JobStore& jobs) { return unwrap(jobs.claim("shop", "run", now, {now.unix_ms + 30'000}, 1, 10, true)); })) ids.push_back(one.id);
    return ids;
  };
  EXPECT_EQ(next(kNow), (std::vector{first.id, other.id}));
  EXPECT_TRUE(next(kNow).empty()) << "the first is worked on";
  EXPECT_EQ(next(after(40'000)), (std::vector{first.id, other.id})) << "the first was not done, so the second is not the first";
  const std::optional<DialogKey> done = ask([&](JobStore& jobs) { return unwrap(jobs.finish(first.id, 2)); });
  EXPECT_TRUE(done);
  EXPECT_EQ(next(after(40'000)), std::vector{second.id});
}

TEST_P(JobStoreTest, ATurnThatIsRolledBackAsksForNothing) {
  (void)put("anna", 1);
  const Stored<Done> failed = storage_.transact([&](Transaction& tx) -> Stored<Done> {
    JobRow row{0, "shop", 1, 9, "run", "estimate", "{}", kNow, 0, 0};
    (void)unwrap(tx.jobs().put(row));
    return Error{StorageError{StorageError::Kind::Other, "no"}};
  });
  EXPECT_FALSE(failed);
  EXPECT_EQ(claim(kNow).size(), 1u);
}

TEST_P(JobStoreTest, ErasingAPersonTakesTheirJobsAndTheLettersOfThem) {
  put("anna", 1);
  put("boris", 1);
  const std::vector<JobRow> all = claim(kNow);
  must(storage_, [&](Transaction& tx) {
    (void)unwrap(tx.bury({0, "shop", "job", R"({"transport":"telegram","chat":"anna","user":"anna","id":"job:1"})",
                          "no", kNow}));
    const Erased erased = unwrap(tx.housekeeping().erase({"telegram", "anna", {}}));
    for (const auto& [what, count] : erased.counts)
      EXPECT_TRUE((what != "jobs" && what != "dead letters") || count == 1) << what << ": " << count;
  });
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(finish(all[0]), std::nullopt);
  EXPECT_EQ(finish(all[1]), key_of("boris"));
}

TEST_P(JobStoreTest, ALetterOfAJobIsShownAndNotRetried) {
  must(storage_, [&](Transaction& tx) {
    (void)unwrap(tx.bury({0, "shop", "job", R"({"transport":"telegram","chat":"anna","user":"anna","id":"job:1"})",
                          "no", kNow}));
    const std::vector<Letter> letters = unwrap(tx.housekeeping().letters("shop", 10));
    ASSERT_EQ(letters.size(), 1u);
    EXPECT_EQ(letters[0].chat.chat_id, "anna");
    EXPECT_FALSE(letters[0].retryable);
  });
}

TEST_P(JobStoreTest, ALetterThatHasWhatWasAskedIsAJobAgainThatNobodyWaitsFor) {
  put("anna", 1);
  const std::vector<JobRow> first = claim(kNow);
  must(storage_, [&](Transaction& tx) {
    EXPECT_EQ(unwrap(tx.jobs().request(first.at(0).id)), first[0].request);
    (void)unwrap(tx.jobs().finish(first[0].id, first[0].token));
    EXPECT_EQ(unwrap(tx.jobs().request(first[0].id)), "");
    (void)unwrap(tx.bury({0, "shop", "job",
                          R"({"transport":"telegram","chat":"anna","user":"anna","id":"job:1","service":"run","name":"estimate","attempts":3,"request":"{\"a\":1}"})",
                          "no", kNow}));
    const std::vector<Letter> letters = unwrap(tx.housekeeping().letters("shop", 10));
    ASSERT_EQ(letters.size(), 1u);
    EXPECT_TRUE(letters[0].retryable);
    (void)unwrap(tx.housekeeping().put_back(letters[0], kNow));
    EXPECT_EQ(unwrap(tx.housekeeping().letters("shop", 10)).size(), 0u);
  });
  const std::vector<JobRow> again = claim(kNow);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].request, R"({"a":1})");
  EXPECT_EQ(again[0].name, "estimate");
  EXPECT_EQ(again[0].serial, 0u);
  EXPECT_EQ(finish(again[0]), key_of("anna"));
}

TEST_P(JobStoreTest, TwoProcessesNeverClaimTheSameJob) {
  if (GetParam() == DatabaseUnderTest::Sqlite) GTEST_SKIP() << "one process";
  for (std::uint64_t i = 1; i <= 6; ++i) put("anna", i);
  Storage other = open_database(database_.url());
  std::vector<JobRow> theirs;
  std::vector<JobRow> ours;
  must(storage_, [&](Transaction& tx) {
    ours = unwrap(tx.jobs().claim("shop", "run", kNow, after(1'000), 1, 4));
    must(other, [&](Transaction& theirs_tx) {
      theirs = unwrap(theirs_tx.jobs().claim("shop", "run", kNow, after(1'000), 2, 4));
    });
  });
  EXPECT_EQ(ours.size(), 4u);
  EXPECT_EQ(theirs.size(), 2u);
  for (const JobRow& mine : ours)
    for (const JobRow& one : theirs) EXPECT_NE(mine.id, one.id);
}

// ---- what models have cost

class ModelUsageTest : public JobStoreTest {
 protected:
  using By = Housekeeping::UsageBy;
  static constexpr std::int64_t kDay = 24 * 3600 * 1000;

  void add(const std::string& user, const std::string& model, std::int64_t in, std::int64_t out, Moment at) {
    JobRow job;
    job.bot = "shop";
    job.name = model;
    must(storage_, [&](Transaction& tx) { (void)unwrap(tx.jobs().add_cost(job, key_of(user), {in, out}, at)); });
  }
  /// `what answers in out`, a line each.
  std::vector<std::string> usage(Moment since, By by, std::size_t limit = 10, const std::string& bot = {}) {
    std::vector<std::string> lines;
    must(storage_, [&](Transaction& tx) {
      for (const auto& one : unwrap(tx.housekeeping().usage(bot, since, by, limit)))
        lines.push_back(one.bot + " " + one.what + " " + std::to_string(one.answers) + " " + std::to_string(one.tokens_in) + " " +
                        std::to_string(one.tokens_out));
    });
    return lines;
  }
};
SUFLER_ON_EVERY_DATABASE(ModelUsageTest);

using testing::ElementsAre;
using testing::IsEmpty;

TEST_P(ModelUsageTest, IsSummedUpByDaysPeopleAndConnections) {
  const Moment today{kDay * 20'000 + 5}, yesterday{kDay * 20'000 - 1};  // 2024-10-04, 00:00 UTC between them
  add("anna", "fast", 100, 10, yesterday);
  add("anna", "fast", 200, 20, today);
  add("anna", "good", 300, 30, today);
  add("boris", "fast", 5, 1, today);
  EXPECT_THAT(usage(yesterday, By::Day), ElementsAre("shop 2024-10-04 3 505 51", "shop 2024-10-03 1 100 10"));
  EXPECT_THAT(usage(today, By::Day), ElementsAre("shop 2024-10-04 3 505 51"));
  const std::string transport = key_of("anna").chat.transport;
  EXPECT_THAT(usage(yesterday, By::Person), ElementsAre("shop " + transport + ":anna 3 600 60", "shop " + transport + ":boris 1 5 1"));
  EXPECT_THAT(usage(yesterday, By::Model), ElementsAre("shop fast 3 305 31", "shop good 1 300 30"));
  EXPECT_THAT(usage(yesterday, By::Model, 1), ElementsAre("shop fast 3 305 31"));
  EXPECT_THAT(usage(yesterday, By::Model, 10, "another"), IsEmpty());
}

TEST_P(ModelUsageTest, GoesWithThePersonAndWithItsTime) {
  const Moment now{kDay * 20'000};
  add("anna", "fast", 100, 10, now);
  add("boris", "fast", 5, 1, now);
  must(storage_, [&](Transaction& tx) {
    const Erased erased = unwrap(tx.housekeeping().erase({key_of("anna").chat.transport, "anna", {}}));
    EXPECT_EQ(erased.total(), 1);
  });
  EXPECT_THAT(usage(now, By::Day), ElementsAre("shop 2024-10-04 1 5 1"));
  const auto clear = [&](Moment before) {
    must(storage_, [&](Transaction& tx) { (void)unwrap(tx.housekeeping().clear(Housekeeping::Kept::Track, before, {}, 100)); });
  };
  clear(now);
  EXPECT_THAT(usage(now, By::Day), ElementsAre("shop 2024-10-04 1 5 1"));
  clear({now.unix_ms + kDay});
  EXPECT_THAT(usage(now, By::Day), IsEmpty());
}

}  // namespace
}  // namespace sufler

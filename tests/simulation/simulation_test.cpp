// That a seed says everything, and that the auditor is no yes-man: what is broken on purpose is reported.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "simulation/auditor.h"
#include "simulation/world.h"

namespace sufler::simulation {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// How many of these seeds break the invariant in a world with the defect.
int broken_seeds(Defect defect, int count, const std::string& invariant) {
  int broken = 0;
  for (int seed = 0; seed < count; ++seed) {
    const Verdict verdict = simulate({static_cast<std::uint64_t>(seed), defect});
    const std::vector<std::string> wrong = audit(verdict.evidence);
    broken += std::any_of(wrong.begin(), wrong.end(),
                          [&](const std::string& line) { return line.starts_with(invariant + ":"); });
  }
  return broken;
}

/// A world in which something was saved and nothing went wrong.
const Verdict& sound() {
  static const Verdict verdict = [] {
    for (std::uint64_t seed = 0;; ++seed) {
      Verdict one = simulate({seed});
      if (one.evidence.things.size() > 1 && one.evidence.updates.size() > 10) return one;
    }
  }();
  return verdict;
}

/// The dialog with the longest journal.
DialogEvidence& longest(Evidence& evidence) {
  return *std::max_element(evidence.dialogs.begin(), evidence.dialogs.end(),
                           [](const auto& a, const auto& b) { return a.journal.size() < b.journal.size(); });
}

/// The places of two turns of the dialog that people's messages led to.
std::pair<std::size_t, std::size_t> two_events(const DialogEvidence& dialog) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < dialog.journal.size(); ++i)
    if (!dialog.journal[i].event_id.empty() && dialog.journal[i].event_id.size() < 6) found.push_back(i);
  return {found.at(0), found.at(1)};
}

TEST(SimulationTest, TheSameSeedPlaysTheSameByteForByte) {
  for (std::uint64_t seed = 0; seed < 25; ++seed) {
    const std::uint64_t once = simulate({seed}).trace_hash;
    EXPECT_EQ(once, simulate({seed}).trace_hash) << "seed " << seed;
    EXPECT_NE(once, simulate({seed + 1}).trace_hash) << "seed " << seed;
  }
}

TEST(SimulationTest, SeesEveryTroubleItPromises) {
  Verdict all;
  std::uint64_t repeated = 0, unknown = 0, refused = 0, cut = 0, works = 0, again = 0, handed_on = 0, standstills = 0;
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    const Verdict one = simulate({seed});
    all.kills += one.kills;
    all.stops += one.stops;
    all.storage_faults += one.storage_faults;
    all.dead_letters += one.dead_letters;
    standstills += one.evidence.standstills.size();
    for (const Work& work : one.evidence.work) {
      ++works;
      for (std::size_t i = 0; i + 1 < work.attempts.size(); ++i) {
        again += work.attempts[i].kind == JobResult::Kind::Again && work.attempts[i].told_at >= 0;
        handed_on += work.attempts[i].life != work.attempts[i + 1].life;
      }
    }
    for (const Send& send : one.evidence.sends) {
      repeated += send.attempts.size() > 1;
      for (const Send::Attempt& attempt : send.attempts) {
        unknown += attempt.told_at >= 0 && attempt.outcome == Outcome::Kind::Unknown;
        refused += attempt.told_at >= 0 && attempt.outcome == Outcome::Kind::Retry;
        cut += attempt.told_at < 0;
      }
    }
  }
  EXPECT_GT(all.kills, 50u);
  EXPECT_GT(all.stops, 10u);
  EXPECT_GT(all.storage_faults, 50u);
  EXPECT_GT(all.dead_letters, 10u);
  EXPECT_GT(repeated, 100u);
  EXPECT_GT(unknown, 100u);
  EXPECT_GT(refused, 50u);
  EXPECT_GT(cut, 20u);
  EXPECT_GT(works, 50u);
  EXPECT_GT(again, 4u);
  EXPECT_GT(handed_on, 5u);
  EXPECT_GT(standstills, 10u);
}

struct Broken {
  const char* name;
  Defect defect;
  const char* invariant;
};
class DefectTest : public ::testing::TestWithParam<Broken> {};

TEST_P(DefectTest, IsReported) {
  EXPECT_GT(broken_seeds(GetParam().defect, 100, GetParam().invariant), 2);
}
INSTANTIATE_TEST_SUITE_P(Simulation, DefectTest,
                         ::testing::Values(Broken{"ConfirmsBeforeCommit", Defect::ConfirmsBeforeCommit, "I1"},
                                           Broken{"LosesCommits", Defect::LosesCommits, "I1"},
                                           Broken{"RepeatsSends", Defect::RepeatsSends, "I4"},
                                           Broken{"SwapsSends", Defect::SwapsSends, "I2"},
                                           Broken{"SwallowsSends", Defect::SwallowsSends, "I1"},
                                           Broken{"TakesRepeats", Defect::TakesRepeats, "I3"},
                                           Broken{"KnowsNoLimits", Defect::KnowsNoLimits, "pace"},
                                           Broken{"TakesLateResults", Defect::TakesLateResults, "I6"},
                                           Broken{"LosesResults", Defect::LosesResults, "I6"},
                                           Broken{"LosesJobs", Defect::LosesJobs, "I6"},
                                           Broken{"WorksTwice", Defect::WorksTwice, "I6"}),
                         [](const auto& info) { return info.param.name; });

TEST(SimulationTest, OneProcessThatLivesIsNeverToldThatItSpeaksTooFast) {
  std::uint64_t sends = 0, of_new_lives = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Verdict one = simulate({seed});
    // Only one that has just begun may meet what another has spent.
    if (one.evidence.lives.size() == 1) {
      EXPECT_EQ(one.evidence.over_the_limit, 0u) << "seed " << seed;
    }
    sends += one.sends;
    of_new_lives += one.evidence.over_the_limit;
  }
  EXPECT_LT(of_new_lives * 20, sends);
}

TEST(AuditorTest, FindsNothingWrongInASoundWorld) { EXPECT_THAT(audit(sound().evidence), IsEmpty()); }

TEST(AuditorTest, MissesALostEvent) {
  Evidence evidence = sound().evidence;
  DialogEvidence& dialog = longest(evidence);
  dialog.journal.erase(dialog.journal.begin() + static_cast<std::ptrdiff_t>(two_events(dialog).first));
  EXPECT_THAT(audit(evidence), Contains(HasSubstr("I1: lost")));
}

TEST(AuditorTest, NoticesATurnThatWasPlayedTwice) {
  Evidence evidence = sound().evidence;
  DialogEvidence& dialog = longest(evidence);
  const auto turn = dialog.journal.begin() + static_cast<std::ptrdiff_t>(two_events(dialog).first);
  dialog.journal.insert(turn, JournalRow(*turn));
  EXPECT_THAT(audit(evidence), Contains(HasSubstr("I3: played 2 times")));
}

TEST(AuditorTest, NoticesTurnsInTheWrongOrder) {
  Evidence evidence = sound().evidence;
  DialogEvidence& dialog = longest(evidence);
  const auto [first, second] = two_events(dialog);
  std::swap(dialog.journal[first], dialog.journal[second]);
  EXPECT_THAT(audit(evidence), Contains(HasSubstr("came too late")));
}

TEST(AuditorTest, NoticesARowWithoutItsTurnAndATurnWithoutItsRow) {
  Evidence less = sound().evidence;
  less.things.pop_back();
  EXPECT_THAT(audit(less), Contains(HasSubstr("rows where the journal has")));
  Evidence more = sound().evidence;
  more.things.push_back(more.things.back());
  EXPECT_THAT(audit(more), Contains(HasSubstr("saved twice")));
}

TEST(AuditorTest, NoticesAMessageThatWasNeverSentAndOneThatWasMadeUp) {
  Evidence less = sound().evidence;
  less.sends.erase(std::find_if(less.sends.begin(), less.sends.end(),
                                [](const Send& send) { return send.call.body.starts_with('#'); }));
  EXPECT_THAT(audit(less), Contains(HasSubstr("where the journal has")));
  Evidence more = sound().evidence;
  Send made_up = *std::find_if(more.sends.begin(), more.sends.end(),
                               [](const Send& send) { return send.call.body.starts_with('#'); });
  more.sends.push_back(made_up);
  EXPECT_THAT(audit(more), Contains(HasSubstr("where the journal has")));
}

TEST(AuditorTest, NoticesASendThatNobodySawAndOneThatWasMadeAgain) {
  Evidence unseen = sound().evidence;
  Send& lost = *std::find_if(unseen.sends.begin(), unseen.sends.end(), [](const Send& send) {
    return send.attempts.size() == 1 && send.attempts[0].seen_at >= 0 && !send.call.expendable;
  });
  lost.attempts[0].seen_at = -1;
  EXPECT_THAT(audit(unseen), Contains(HasSubstr("never seen")));
  Evidence again = sound().evidence;
  Send& twice = *std::find_if(again.sends.begin(), again.sends.end(), [](const Send& send) {
    return send.attempts.size() == 1 && send.attempts[0].told_at >= 0 &&
           send.attempts[0].outcome == Outcome::Kind::Sent;
  });
  twice.attempts.push_back(twice.attempts.back());
  EXPECT_THAT(audit(again), Contains(HasSubstr("made again")));
}

TEST(AuditorTest, NoticesWhatIsLeftInTheQueues) {
  Evidence evidence = sound().evidence;
  evidence.inbox.emplace_back();
  evidence.outbox.emplace_back();
  evidence.due_timers.emplace_back();
  evidence.dead_letters.push_back({1, "one", "outbox", "", "", {}});
  evidence.without_answer.emplace_back("somebody");
  const std::vector<std::string> wrong = audit(evidence);
  for (const char* what : {"left in the inbox", "left in the outbox", "a timer that never came", "dead letters",
                           "has no answer"})
    EXPECT_THAT(wrong, Contains(HasSubstr(what)));
}

TEST(AuditorTest, NoticesASharedValueThatMissesATurn) {
  Evidence evidence = sound().evidence;
  evidence.shared.front().second.set("total", Value(Decimal(1000)));
  EXPECT_THAT(audit(evidence), Contains(HasSubstr("shared.total")));
}

}  // namespace
}  // namespace sufler::simulation

// Jobs (ARCHITECTURE, invariant 6): each that a dialog asked for ends once, with what the last worker found, and none is
// worked on again without a reason.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

#include "simulation/auditor.h"
#include "simulation/journal_lines.h"
#include "simulation/workers.h"

namespace sufler::simulation {
namespace {

constexpr std::int64_t kMinute = 60'000;
/// A dialog waits for a job no longer than ten minutes; with nobody there to work on it for almost as long it may end so.
constexpr std::int64_t kLongRest = 9 * kMinute;
constexpr std::string_view kSum = "sum of ", kNoSum = "no sum of ";

class JobAuditor {
 public:
  JobAuditor(const Evidence& evidence, std::vector<std::string>& wrong) : evidence_(evidence), wrong_(wrong) {}

  void check() {
    for (const Work& work : evidence_.work) {
      by_word_[{work.bot, work.word}] = &work;
      check_attempts(work);
    }
    for (const DialogEvidence& dialog : evidence_.dialogs) check_dialog(dialog);
    for (const auto& [result, count] : results_)
      if (count > 1) wrong(result.first + " " + result.second + " was heard " + std::to_string(count) + " times");
    if (evidence_.jobs_left != 0) wrong("left of the jobs: " + std::to_string(evidence_.jobs_left));
  }

 private:
  void wrong(const std::string& line) { wrong_.push_back("I6: " + line); }

  void check_dialog(const DialogEvidence& dialog) {
    const std::string name = dialog.key.bot + " " + dialog.key.chat.transport + ":" + dialog.key.chat.chat_id;
    std::string asked;  // the word whose job the dialog waits for
    for (const JournalRow& row : dialog.journal) {
      if (row.event_id.starts_with("job:")) ++results_[{dialog.key.bot, row.event_id}];
      std::string word;
      for (const Said& said : said_in(row.turn)) {
        if (!said.to.empty()) continue;
        if (said.text.starts_with('#')) word = said.text.substr(said.text.find(' ') + 1);
        const bool found = said.text.starts_with(kSum);
        if (!found && !said.text.starts_with(kNoSum)) continue;
        const std::size_t begin = (found ? kSum : kNoSum).size(), colon = said.text.find(": ", begin);
        const std::string of = said.text.substr(begin, colon - begin);
        if (of != asked) wrong(name + " hears what it does not wait for: " + said.text);
        check_end(dialog.key.bot, of, found, said.text.substr(colon + 2));
        asked.clear();
      }
      // Of what somebody who cannot be written to would be told, the journal has nothing.
      if (row.event_id.starts_with("job:") && word_of(dialog.key.bot, row.event_id) == asked) asked.clear();
      if (row.turn.find("{\"job_cancelled\":") != std::string::npos) asked.clear();
      if (row.turn.find("{\"job\":\"") == std::string::npos) continue;
      if (!asked.empty()) wrong(name + " asks for a second job while it waits for that of " + asked);
      asked = word;
    }
    if (!asked.empty()) wrong("lost: the job of " + name + " for " + asked + " has no end");
  }

  /// Of `job:7`; empty when nobody has worked on it.
  std::string word_of(const std::string& bot, const std::string& event_id) const {
    const std::int64_t job = std::atoll(event_id.c_str() + 4);
    for (const Work& work : evidence_.work)
      if (work.bot == bot && work.job == job) return work.word;
    return {};
  }

  /// Of all who worked on it only the last held the lease when the job ended.
  void check_end(const std::string& bot, const std::string& word, bool found, const std::string& what) {
    const auto known = by_word_.find({bot, word});
    const std::vector<Work::Attempt> none;
    const std::vector<Work::Attempt>& attempts = known == by_word_.end() ? none : known->second->attempts;
    const Work::Attempt* const last = attempts.empty() ? nullptr : &attempts.back();
    const std::string job = bot + " " + word;
    using Kind = JobResult::Kind;
    const auto given = [&](Kind kind, const std::string& text) {
      if (!last || last->told_at < 0 || last->kind != kind || what != text + last->outcome)
        wrong("a late result was taken: " + job + " has `" + what + "`, the last of " + std::to_string(attempts.size()) +
              " to work on it gave `" + (last ? last->outcome : "nothing") + "`");
    };
    if (found) return given(Kind::Done, "");
    if (what.starts_with("refused ")) return given(Kind::Failed, "refused ");
    if (what.starts_with("busy ")) {
      given(Kind::Again, "busy ");
      if (failures(attempts) < Workers::terms().attempts) wrong("given up too soon: " + job);
    } else if (what == "the process died while working on it") {
      if (failures(attempts) < Workers::terms().attempts) wrong("given up too soon: " + job);
    } else if (what != "no result in time") {
      wrong("an end of no known kind: " + job + ": " + what);
    } else if (!may_be_late(attempts)) {
      wrong("lost: " + job + " was not worked on to its end, or what came of it is lost");
    }
  }

  /// What may have cost attempts.
  std::size_t failures(const std::vector<Work::Attempt>& attempts) const {
    const auto again = std::count_if(attempts.begin(), attempts.end(), [](const Work::Attempt& one) {
      return one.kind == JobResult::Kind::Again && one.told_at >= 0;
    });
    const auto killed = std::count_if(evidence_.lives.begin(), evidence_.lives.end(), [](const Life& life) { return life.killed; });
    return static_cast<std::size_t>(again + killed) + evidence_.standstills.size() + evidence_.jumps.size() + evidence_.storage_faults.size();
  }

  /// Leases and timers go by the wall clock.
  bool may_be_late(const std::vector<Work::Attempt>& attempts) const {
    if (!evidence_.jumps.empty() || without_a_process() > kLongRest) return true;
    if (std::any_of(attempts.begin(), attempts.end(), [](const Work::Attempt& one) { return one.hangs; })) return true;
    return !attempts.empty() && (attempts.back().told_at < 0 || attempts.back().told_at >= evidence_.leap);
  }

  /// How long there was no process, all in all: what a dialog waits for is counted from the words that asked for it.
  std::int64_t without_a_process() const {
    std::vector<Life> lives = evidence_.lives;
    std::sort(lives.begin(), lives.end(), [](const Life& a, const Life& b) { return a.born < b.born; });
    std::int64_t all = 0, until = lives.empty() ? 0 : lives.front().born;
    for (const Life& life : lives) {
      all += std::max<std::int64_t>(0, life.born - until);
      until = std::max(until, life.died < 0 ? life.born : life.died);
    }
    return all;
  }

  void check_attempts(const Work& work) {
    for (std::size_t i = 1; i < work.attempts.size(); ++i)
      if (!may_repeat(work.attempts[i - 1], work.attempts[i].begun))
        wrong("worked on again: " + work.bot + " " + work.word + " at " + std::to_string(work.attempts[i].begun));
  }

  bool may_repeat(const Work::Attempt& before, std::int64_t now) const {
    if (before.kind == JobResult::Kind::Again && before.told_at >= 0) return true;
    const auto meanwhile = [&](std::int64_t at) { return at >= before.begun && at <= now; };
    const Life& life = evidence_.lives[static_cast<std::size_t>(before.life)];
    if ((life.died >= 0 && life.died <= now) || meanwhile(evidence_.leap)) return true;
    return std::any_of(evidence_.storage_faults.begin(), evidence_.storage_faults.end(), meanwhile) ||
           std::any_of(evidence_.jumps.begin(), evidence_.jumps.end(), meanwhile) ||
           std::any_of(evidence_.standstills.begin(), evidence_.standstills.end(),
                       [&](const auto& span) { return span.first <= now && span.second >= before.begun; });
  }

  const Evidence& evidence_;
  std::vector<std::string>& wrong_;
  std::map<std::pair<std::string, std::string>, const Work*> by_word_;
  std::map<std::pair<std::string, std::string>, int> results_;
};

}  // namespace

void audit_jobs(const Evidence& evidence, std::vector<std::string>& wrong) { JobAuditor(evidence, wrong).check(); }

}  // namespace sufler::simulation

#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "interpreter/core/api_call.h"
#include "interpreter/core/job.h"
#include "storage/storage.h"

/// What a simulated run leaves to be judged. All times are milliseconds of the simulation.
namespace sufler::simulation {

/// What a platform had to tell the bot.
struct Update {
  std::string bot;
  Incoming incoming;
  bool accepted = false;  ///< the platform was told that it may forget it
  bool is_staff = false;  ///< of somebody with a role
};

/// A call of the outbox: however often it was made, it is one by its repeat key.
struct Send {
  struct Attempt {
    int life = 0;
    std::int64_t at = 0;
    std::int64_t seen_at = -1;  ///< when the person saw it; -1: never
    std::int64_t told_at = -1;  ///< when the process heard what became of it; -1: it died before
    Outcome::Kind outcome = Outcome::Kind::Sent;
  };
  std::string bot;
  ChatAddress chat;
  ApiCall call;
  bool once = false;  ///< the platform tells repeats by the key, and shows a call once
  std::vector<Attempt> attempts;
};

/// Work outside of transactions: a job, and each time that somebody worked on it.
struct Work {
  struct Attempt {
    int life = 0;
    std::int64_t begun = 0;
    std::int64_t told_at = -1;  ///< when its process heard what came of it; -1: never
    JobResult::Kind kind = JobResult::Kind::Done;
    std::string outcome;        ///< what it gives, or gives as its reason
    bool hangs = false;         ///< it never ends
  };
  std::string bot;
  std::int64_t job = 0;
  std::string word;  ///< that asked for it
  std::vector<Attempt> attempts;
};

/// From a start of the process to its end.
struct Life {
  std::int64_t born = 0;
  std::int64_t died = -1;
  bool killed = false;
};

/// What the database holds of a dialog.
struct DialogEvidence {
  DialogKey key;
  std::int64_t id = 0;
  std::vector<JournalRow> journal;
};

struct Evidence {
  std::vector<Update> updates;  ///< those of a chat in the order in which they happened
  std::vector<Send> sends;      ///< in the order of their first attempts
  std::vector<Work> work;       ///< in the order of their first attempts
  std::vector<Life> lives;
  std::vector<std::pair<std::int64_t, std::int64_t>> standstills;  ///< of a process, from and until
  std::vector<std::int64_t> jumps;  ///< of the wall clock
  std::int64_t leap = -1;           ///< when many hours passed at once
  std::vector<std::int64_t> storage_faults;
  unsigned lost_answers = 0;  ///< commits of which nobody was told
  std::vector<DialogEvidence> dialogs;
  std::vector<InboxRow> inbox;
  std::vector<OutboxRow> outbox;
  std::vector<DeadLetter> dead_letters;
  std::vector<TimerRow> due_timers;
  std::int64_t jobs_left = 0;
  List things;  ///< rows of the scenario's table
  std::vector<std::pair<std::string, ValueMap>> shared;  ///< of each bot
  unsigned failed_starts = 0;
  unsigned troubled_turns = 0;  ///< turns that chance, not their event, made fail or die
  /// Whose last message, written when all faults had ceased, got no answer.
  std::vector<std::string> without_answer;
  unsigned over_the_limit = 0;  ///< calls refused because a platform's limit was passed
  /// What the platforms saw amiss while it ran: a chat that was to be left alone, two calls at once, too much at once
  /// (`pace: …`).
  std::vector<std::string> seen_amiss;
};

}  // namespace sufler::simulation

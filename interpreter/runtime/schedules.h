#pragma once
#include <optional>
#include <string>
#include <vector>

#include "interpreter/runtime/player.h"
#include "storage/storage.h"

namespace sufler {

struct ScheduleRow;

/// Begins what a bot's `schedules` say (LANGUAGE 9): puts events into the inbox at their time. No thread and no clock
/// of its own: the engine, or a talk, calls `round`. On a shared database every process may call it: a time is taken by
/// locking its row, and the events are stored in the same transaction, so each is done once, whoever dies when.
class ScheduleRunner {
 public:
  /// A time found later than this has been missed: nothing ran when it came.
  static constexpr Duration kOnTime{60'000};
  /// Of a run for many people: dialogs that one transaction looks at, and events that it stores. What people write
  /// meanwhile is played between two.
  static constexpr std::int64_t kLookedAt = 2000;
  static constexpr std::int64_t kAtOnce = 100;
  /// How often a run is looked at that others wait for.
  static constexpr Duration kLookAgain{1'000};

  /// The player must outlive it.
  explicit ScheduleRunner(Player& player) : player_(player) {}

  struct Round {
    bool stored = false;           ///< events wait in the inbox
    std::vector<TurnNote> notes = {};
    std::optional<Moment> next = {};  ///< when the next round is due; may be past: then there is more to do at once
  };
  /// Does one thing that is due, if there is one.
  Stored<Round> round(Storage& storage, Moment now);
  /// Whether the bot has schedules, or may have had some.
  bool is_idle() const;

 private:
  Stored<Done> bring_up_to_date(Transaction& tx, Moment now);
  Stored<Done> work_on(Transaction& tx, ScheduleRow& row, Moment now, Round& round);
  Stored<Done> begin(Transaction& tx, ScheduleRow& row, const Schedule& schedule, Moment due, Moment now, Round& round);
  /// Whether the run before goes on by itself, in the schedule's own dialog, or with `pending` will; when to look again.
  Stored<std::optional<Moment>> run_before(Transaction& tx, const std::string& schedule, Moment now, bool pending = false);
  Stored<Done> forget_for_the_erased(Transaction& tx, Moment now, Round& round);
  Stored<Done> go_on(Transaction& tx, ScheduleRow& row, const Schedule& schedule, Moment now, Round& round);
  bool is_meant(const ValueMap& shared, const Schedule& schedule, const std::string& user, const ChatAddress& chat, Moment now,
                Round& round);
  void note(Round& round, const std::string& name, std::string text, TurnNote::Kind kind = TurnNote::Kind::Log) const;

  Player& player_;
  const Program* known_ = nullptr;  ///< whose schedules the database has
  std::int64_t generation_ = -1;
  bool told_fault_ = false;
};

}  // namespace sufler

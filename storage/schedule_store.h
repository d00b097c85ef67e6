#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/storage.h"

/// When each of a scenario's `schedules` runs next, and how far a run for many people has come (LANGUAGE 9);
/// `Transaction::schedules` gives it.
namespace sufler {

struct ScheduleRow {
  std::string bot, name;
  std::string timing;          ///< rhythm and zone: when it differs, the next time is worked out anew
  std::string people;          ///< for whom, as the scenario says it; for lists
  std::int64_t generation = 0; ///< of the deployment that wrote this (storage/version_store.h)
  Moment next_at;              ///< 0: to be worked out from now; kNeverAt: never again
  Moment last_at;              ///< the time that the last run was for; 0: none yet
  Moment paused_at;            ///< 0: it runs
  Moment forced_at;            ///< an operator wants a run, whenever its time is; 0: nobody does
  // A run for many people, done in portions:
  Moment run_due;              ///< the time it is for; 0: none is under way
  std::int64_t run_after = 0;  ///< dialogs up to this id have been looked at
  std::int64_t people_told = 0;  ///< dialogs that the last run, or the one under way, went to
  /// The run before, without a person, is under way, and none may be left out: it is looked at again then; 0: it is not.
  Moment held_until;
  bool forgets = false;  ///< somebody was erased while a run was under way: what it wrote down goes when it is over
};
inline constexpr Moment kNeverAt{INT64_MAX};

class ScheduleStore {
 public:
  virtual ~ScheduleStore() = default;

  /// Of one bot, or of all when it is empty; sorted.
  virtual Stored<std::vector<ScheduleRow>> all(std::string_view bot) = 0;
  /// Inserts, or writes timing, people and generation of one that is there; its next time only when the timing
  /// differs. Nothing happens to one that a newer deployment wrote.
  virtual Stored<Done> put(const ScheduleRow& row) = 0;
  /// Those of this generation or an older one that are not among `names`.
  virtual Stored<Done> drop_others(std::string_view bot, std::int64_t generation, const std::vector<std::string>& names) = 0;
  virtual Stored<Done> drop(std::string_view bot, std::string_view name) = 0;

  /// One that has something to do at `now`, which nobody else can take until the transaction ends; what another has
  /// taken is passed over.
  virtual Stored<std::optional<ScheduleRow>> claim_due(std::string_view bot, Moment now) = 0;
  /// Where it is now; of a claimed row.
  virtual Stored<Done> save(const ScheduleRow& row) = 0;
  /// When there is something to do next; of those that are paused nothing is.
  virtual Stored<std::optional<Moment>> next(std::string_view bot) = 0;
  /// What an operator wants. False when there is no such schedule.
  virtual Stored<bool> pause(std::string_view bot, std::string_view name, Moment now) = 0;
  virtual Stored<bool> resume(std::string_view bot, std::string_view name, Moment now) = 0;
  virtual Stored<bool> force(std::string_view bot, std::string_view name, Moment now) = 0;

  /// Somebody's dialog that a run may go to.
  struct Listener {
    std::int64_t dialog_id = 0;
    DialogKey key;
    Moment changed_at;
    std::string user;  ///< JSON of UserRecord; only of `people`
  };
  /// Looks at `rows` dialogs behind `after_id` at most, in the order of ids, until it has found `most`; `last_id` is the
  /// last it looked at, 0 when there was none.
  struct Look {
    std::vector<Listener> found;
    std::int64_t last_id = 0;
  };
  /// Dialogs that rest in a branch and in which nothing has happened since `changed_before`.
  virtual Stored<Look> resting(std::string_view bot, std::string_view branch, Moment changed_before, std::int64_t after_id,
                               std::int64_t rows, std::int64_t most) = 0;
  /// Private dialogs of all people.
  virtual Stored<Look> people(std::string_view bot, std::int64_t after_id, std::int64_t rows, std::int64_t most) = 0;
  /// Of these, those whose record as JSON has this text in it (as `append_json_string` writes it, without quotes): they may
  /// be meant, and nobody else is.
  virtual Stored<Look> people_with(std::string_view bot, std::string_view text, std::int64_t after_id, std::int64_t rows,
                                   std::int64_t most) = 0;
  /// The private dialogs of whoever has this id, one a platform.
  virtual Stored<std::vector<Listener>> people_called(std::string_view bot, std::string_view user_id) = 0;
  /// The chat of a dialog without a person that begins with `beginning`, rests nowhere and has nothing to hear; empty when
  /// there is none.
  virtual Stored<std::string> free_dialog(std::string_view bot, std::string_view beginning) = 0;
  /// A number that no call of a bot had before; from 1.
  virtual Stored<std::int64_t> next_number(std::string_view bot, std::string_view of_what) = 0;
  /// Whether an event that begins a schedule's run waits to be played.
  virtual Stored<bool> is_to_begin(std::string_view bot, std::string_view name) = 0;
  /// Schedules of which `forgets` is set.
  virtual Stored<std::vector<std::string>> forgetful(std::string_view bot) = 0;
  /// What a schedule's own dialog has written down goes, and what it remembers. No longer `forgets`.
  virtual Stored<Done> forget(std::string_view bot, std::string_view name) = 0;
  /// When something happened last in a dialog; 0 when it is gone.
  virtual Stored<Moment> changed_at(std::int64_t dialog_id) = 0;
};

}  // namespace sufler

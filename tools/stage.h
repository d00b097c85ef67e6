#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "interpreter/core/program.h"
#include "interpreter/runtime/outside.h"
#include "interpreter/runtime/player.h"
#include "interpreter/runtime/replay.h"
#include "storage/broadcast_store.h"
#include "storage/storage.h"
#include "tools/audience.h"

namespace sufler {

/// One bot played for a test or in a terminal: the real engine on an in-memory database, with a clock that
/// the caller moves.
class Stage {
 public:
  /// `audience`: null for the plain one.
  static Stored<std::unique_ptr<Stage>> open(std::shared_ptr<const Program> program, StageOptions options,
                                             std::unique_ptr<Audience> audience = nullptr);
  ~Stage();

  /// People are called by their names; a name of nobody known is an id as well.
  /// Each plays at once and keeps what arrived; timers due by then are played first.
  Stored<Done> say(const std::string& person, UserMessage message);
  Stored<Done> staff(const std::string& text);
  /// amoCRM tells of the talk's person: a manager wrote, the lead came to a stage, the talk was closed there.
  Stored<Done> crm(CrmNews news);
  Stored<Done> reach(const std::string& person, bool reachable);
  /// Another system calls a webhook of the scenario. The event waits for nothing here.
  Stored<EventIntake::Outcome> happen(const std::string& webhook, Value json);
  /// Presses the button with this label: the newest message is looked at first. False when no message shows it.
  Stored<bool> press(const std::string& person, std::string_view label);
  /// From now on another version of the scenario is played; every dialog is taken over at once (LANGUAGE 11). Fails
  /// when its tables would lose data.
  Stored<Done> reload(std::shared_ptr<const Program> program);
  /// Moves the clock and plays every timer that comes due on the way, each at its time.
  Stored<Done> advance(Duration by);
  Stored<Done> advance_to(Moment moment);
  /// The same while nothing runs, as when the process is stopped: what came due meanwhile is found all at once.
  Stored<Done> stand_still(Duration by);

  /// What arrived since the last call, oldest first.
  std::vector<Arrival> take_arrivals();
  /// Labels on the messages a person can still press, newest first.
  std::vector<std::string> visible_labels(const std::string& person) const;

  Moment now() const;
  Stored<std::optional<Moment>> next_timer();
  Stored<std::string> place();
  /// Of the talk's own person, while people of a desk have the dialog.
  Stored<std::optional<Relay>> relay();
  /// Files in rows and variables have the names that the talk gave them.
  Stored<List> rows(const std::string& table);
  /// The newest first.
  Stored<std::vector<BroadcastRow>> broadcasts();
  Stored<Done> add_row(const std::string& table, const ValueMap& values);
  Stored<Done> set_variables(const ValueMap& variables);
  Stored<ValueMap> variables();
  /// A report that a step made, with what is in it.
  struct Report {
    Attachment file;
    std::string bytes;
  };
  /// Those made since the last call, oldest first.
  std::vector<Report> take_reports();
  const Visits& visits() const;                             ///< what of the scenario was visited so far, of the first version
  /// Every dialog with its journal, so that it can be played again.
  Stored<std::vector<RecordedDialog>> recorded();
  const std::vector<TurnNote>& notes() const;               ///< log lines and faults so far
  const Program& program() const;

 private:
  struct Impl;
  explicit Stage(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler

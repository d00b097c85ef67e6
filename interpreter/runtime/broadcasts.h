#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "interpreter/runtime/player.h"
#include "storage/broadcast_store.h"
#include "storage/storage.h"

namespace sufler {

struct BroadcastOrder;

/// Looks for those who get a bot's broadcasts, and gives them out: an event for each person's dialog, as fast as their
/// platform takes it. No thread and no clock of its own: the engine, or a talk, calls `round`. On a shared database the
/// bot's leader does; the row is locked all the same, so whoever dies when, each person's turn comes once.
class BroadcastRunner {
 public:
  using Time = std::chrono::milliseconds;  ///< monotonic
  /// People are given their turn this often, so that what customers are answered finds a gap between them.
  static constexpr Time kTick{100};
  /// Dialogs that one transaction looks at.
  static constexpr std::int64_t kLookedAt = 500;

  /// What a platform takes at this moment.
  struct Room {
    std::size_t free = 0;       ///< messages; less while others wait to be sent
    std::uint32_t per_second = 0;
  };
  using FindRoom = std::function<Room(std::string_view transport)>;

  /// The player must outlive it. Without `room` nobody waits for a pace, as in talks.
  explicit BroadcastRunner(Player& player, FindRoom room = {}) : player_(player), room_(std::move(room)) {}

  struct Round {
    bool stored = false;               ///< events wait in the inbox
    std::size_t given = 0;             ///< people
    std::vector<TurnNote> notes = {};
    std::optional<Time> rest = {};     ///< when to come again; nothing: when one begins, or an operator wants something
  };
  /// Does one bite of what there is to do.
  Stored<Round> round(Storage& storage, Moment now, Time monotonic);

 private:
  struct Pace {
    Time next{0};        ///< nobody before
    Time since{0};       ///< of the rate
    std::int64_t given = 0;  ///< since then
  };
  Stored<Done> work_on(Transaction& tx, BroadcastRow& row, Moment now, Time monotonic, Round& round);
  Stored<Done> prepare(Transaction& tx, BroadcastRow& row, const BroadcastOrder& order, Moment now, Round& round);
  Stored<Done> prepare_one(Transaction& tx, BroadcastRow& row);
  Stored<Done> give(Transaction& tx, BroadcastRow& row, const BroadcastOrder& order, Moment now, Time monotonic, Round& round);
  std::int64_t room_on(const std::string& transport, const BroadcastOrder& order) const;
  InboxRow event_for(const BroadcastStore::Person& one, const BroadcastRow& row, const BroadcastOrder& order, Moment now) const;
  Stored<Done> end(Transaction& tx, BroadcastRow& row, Moment now, Round& round);
  Stored<Done> end_when_sent(Transaction& tx, BroadcastRow& row, Moment now, Round& round);
  std::int64_t allowed(Pace& pace, std::uint32_t rate, Time monotonic) const;
  void note(Round& round, const BroadcastRow& row, const std::string& text, TurnNote::Kind kind = TurnNote::Kind::Log) const;

  Player& player_;
  FindRoom room_;
  std::map<std::int64_t, Pace> paces_;  ///< by broadcast
  std::int64_t told_fault_of_ = 0;
};

/// People who did not get it and never will, of one that is over: blocked, unsubscribed, with staff, or not reached when
/// it was stopped.
std::int64_t left_out_of(const BroadcastRow& row);
/// `news` or, without a name, `number 12`.
std::string shown_name(const BroadcastRow& row);

}  // namespace sufler

#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "interpreter/runtime/clock.h"
#include "interpreter/runtime/player.h"

namespace sufler {

/// Dialogs of older versions are taken over between the turns, a bite at a time, until none of a bot is left. On the
/// engine's thread, but for `under_way`.
class Takeovers {
 public:
  using Time = std::chrono::milliseconds;  ///< monotonic, or a span of it

  struct Handlers {
    std::function<bool(std::size_t bot)> is_ours;  ///< of several processes one does it
    /// `moved`: some dialogs were, and until now nobody else could play their people.
    std::function<void(std::size_t bot, Played& played, bool moved)> played;
    std::function<void(std::size_t bot, const StorageError& error)> trouble;
  };

  Takeovers(const std::vector<std::unique_ptr<Player>>& players, const Clock& clock, Handlers handlers);

  /// Begins anew for a bot; nothing to do when no dialog can be of an older version.
  void begin(std::size_t bot);
  /// A bite of each bot's. When to come again; nothing: when something begins.
  std::optional<Time> round();
  /// Very many dialogs move at once: a line each would be a log that nobody reads. Counts.
  bool is_told_already(std::size_t bot);
  bool under_way() const { return under_way_ > 0; }

 private:
  struct Takeover {
    Player::Sweep sweep;
    std::size_t told = 0;
    Time next{0};
  };
  /// When to come again for this bot.
  std::optional<Time> bite(std::size_t bot, Time now, Time until);
  /// How many dialogs the next bite looks at.
  static void fit(std::size_t& at_once, Time took);
  void end(std::size_t bot);

  const std::vector<std::unique_ptr<Player>>& players_;
  const Clock& clock_;
  const Handlers handlers_;
  std::vector<std::optional<Takeover>> takeovers_;  ///< by bot
  std::atomic<std::size_t> under_way_{0};           ///< bots
  std::size_t next_ = 0;
};

}  // namespace sufler

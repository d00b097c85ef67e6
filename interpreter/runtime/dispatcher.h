#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "interpreter/core/sending_limits.h"
#include "interpreter/runtime/clock.h"
#include "interpreter/runtime/courier.h"
#include "interpreter/runtime/player.h"

namespace sufler {

/// Sends what the outbox holds: what one dialog says to one chat in order, everything else in parallel. What
/// became of a row is told to `settled`, and recorded by the engine with its next transaction.
///
/// A refusal for now (429) holds the chat, or the bot when the platform says so. A lost answer is repeated
/// or not by the row's policy. A refusal for good makes a dead letter, and the chat goes on.
///
/// Where a platform's limits are known (`keep_to`), calls wait until they are sure to be within them; expendable
/// ones (answers to presses, "typing") do not wait and do not count, as those of Telegram do not. Of several
/// processes only the bot's leader sends, so its count is the whole count.
class Dispatcher {
 public:
  struct Handlers {
    std::function<void(std::string_view bot, Settled)> settled;
    /// The person behind the chat blocked the bot.
    std::function<void(std::string_view bot, const ChatAddress&)> unreachable;
    std::function<void(std::string_view bot, const ChatAddress&, const std::string& line)> log;
    /// Whether this process sends what the bot says; may be empty. While it does not, rows wait for `forget`.
    std::function<bool(std::string_view bot)> may_send = {};
  };
  /// `courier` and `clock` must outlive it.
  Dispatcher(Courier& courier, Handlers handlers, const Clock& clock = system_clock());
  ~Dispatcher();

  /// What a bot says on a platform keeps to these from now on; before the first row.
  void keep_to(std::string_view bot, std::string_view transport, const SendingLimits& limits);

  /// Rows in the order of their ids; thread-safe.
  void add(std::vector<OutboxRow> rows);
  /// Another process sends for the bot now: whatever is not under way is dropped from memory; what is under way
  /// stays known until it is over, and is not repeated.
  void forget(std::string_view bot);
  /// Whether the row was taken and is not yet settled. One that was under way when its bot was forgotten is this
  /// process's again.
  bool take_back(std::int64_t outbox_id);
  /// Rows of these ids are not sent, unless they are under way already.
  void withdraw(const std::vector<std::int64_t>& ids);
  /// Rows taken and not yet settled.
  std::size_t pending() const;
  /// Rows whose calls are under way at this moment.
  std::size_t in_flight() const;
  /// Rows that wait because of a limit known beforehand; what waits behind them in their dialogs is not counted.
  struct Waiting {
    std::size_t for_chats = 0;  ///< their own chat was spoken to often enough
    std::size_t for_bot = 0;    ///< the bot has spoken often enough
  };
  Waiting waiting(std::string_view bot) const;
  Waiting waiting() const;
  /// How many more rows would leave at once, within the limits of the bot as a whole; none while others wait for these.
  struct Room {
    std::size_t free = 0;
    std::uint32_t per_second = 0;  ///< 0: no limit is known
  };
  Room room(std::string_view bot, std::string_view transport) const;
  /// Where all that is left waits for a limit known beforehand: when the first of it goes, by the monotonic clock.
  std::optional<std::chrono::milliseconds> rests_until() const;
  /// Sends nothing more; rows not yet sent stay in the outbox.
  void stop();

  /// How often a call with a lost answer is repeated before it is given up as `unknown`.
  static constexpr std::uint32_t kMaxUnknown = 5;
  /// How long calls refused for now are tried before they are given up, in attempts.
  static constexpr std::uint32_t kMaxAttempts = 100;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace sufler

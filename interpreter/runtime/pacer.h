#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "interpreter/core/sending_limits.h"
#include "storage/storage.h"

namespace sufler {

/// Keeps what one bot says on one platform within the platform's limits. A chat that has to wait delays no other;
/// when the bot as a whole has to wait, chats take turns. Times are milliseconds of any clock that never goes
/// back. Not thread-safe.
///
/// What was sent before the process began is not known here: a restart may exceed a limit once, and then the
/// platform's answer holds the chat.
class Pacer {
 public:
  using Row = std::shared_ptr<OutboxRow>;
  explicit Pacer(const SendingLimits& limits) : limits_(limits) {}

  /// The row waits for its turn, behind what waits for the same chat already.
  void enter(Row row, std::int64_t now);
  struct Turn {
    Row row;
    bool goes = true;  ///< false: `pointless` said so, and nothing was spent on it
  };
  /// Whose turn it is now. Rows that are `pointless` to send need no turn.
  std::vector<Turn> take(std::int64_t now, const std::function<bool(const OutboxRow&)>& pointless);
  /// When `take` will next have something; nothing: when something has entered.
  std::optional<std::int64_t> next_at(std::int64_t now) const;
  /// Those that wait and of which `which` is true leave.
  std::vector<Row> leave(const std::function<bool(const OutboxRow&)>& which);

  /// Rows that wait because of their chat's own limit, and those that wait for the bot's.
  std::size_t waiting_for_chats() const { return waiting_ - waiting_for_bot_; }
  std::size_t waiting_for_bot() const { return waiting_for_bot_; }
  /// Calls that the bot's limit leaves now, when nothing waits for it.
  std::size_t room(std::int64_t now) const;
  const Window& bot_limit() const { return limits_.bot; }
  /// Chats it remembers: those that have spoken lately.
  std::size_t chats() const { return chats_.size(); }

 private:
  /// Times of the last calls, of which at most `most` may lie in any period.
  struct Log {
    std::deque<std::int64_t> sent;
    std::int64_t free_at(const Window& window) const;
    void spend(const Window& window, std::int64_t now);
  };
  enum class Place : std::uint8_t { Nowhere, Ready, Resting };
  struct Chat {
    std::int64_t full_at = 0;  ///< when its burst may begin anew
    Log group;
    bool is_group = false;
    Place place = Place::Nowhere;
    std::deque<Row> waiting;
  };
  std::int64_t free_at(const Chat& chat) const;
  void spend(Chat& chat, std::int64_t now);
  void line_up(const std::string& id, Chat& chat, std::int64_t now);
  void forget_the_quiet(std::int64_t now);

  const SendingLimits limits_;
  Log bot_;
  std::unordered_map<std::string, Chat> chats_;
  std::deque<std::string> ready_;  ///< chats that wait for nothing but the bot's limit, in turn
  std::set<std::pair<std::int64_t, std::string>> resting_;  ///< the others that wait, by when they may go on
  std::size_t waiting_ = 0, waiting_for_bot_ = 0;
  std::size_t sweep_at_ = kFewestBeforeSweep;
  static constexpr std::size_t kFewestBeforeSweep = 1024;
};

}  // namespace sufler

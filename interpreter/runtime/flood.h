#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "interpreter/core/api_call.h"

namespace sufler {

/// How much one person may say at once, without waiting for an answer, before the rest is passed over.
struct FloodSettings {
  std::size_t messages = 30;  ///< in `within`; 0: no limit
  Duration within{10'000};
};

/// Counts what people write and press, by the time at which it happened. Whoever passes the limit is told once, and
/// heard again when they have been calm for a while. Not thread-safe; forgets whoever is quiet.
class FloodGate {
 public:
  explicit FloodGate(FloodSettings settings = {}) : settings_(settings) {}

  const FloodSettings& settings() const { return settings_; }

  /// Takes out what is too much; the first of it stays, as `TooMany`. How many are passed over for good. Updates
  /// that come again after a failure are judged as they were the first time.
  std::size_t hold_back(std::string_view bot, std::vector<Incoming>& updates);
  /// Something is said to the chat: whoever writes there waits for answers, unless they are being passed over.
  void answered(std::string_view bot, const ChatAddress& chat);

 private:
  struct Said {
    std::int64_t at_unix_ms = 0;
    std::size_t id = 0;  ///< hash of the update's id
    bool heard = true;
  };
  struct Talker {
    std::deque<Said> last;  ///< at most `messages`
    std::string album;      ///< the newest: its parts are one message
    std::size_t told = 0;   ///< the update that was turned into the notice; 0: none in this flood
  };
  enum class Verdict : std::uint8_t { Heard, Told, PassedOver };
  Verdict judge(Talker& talker, const Incoming& update) const;
  void forget_the_quiet(std::int64_t now_unix_ms);

  FloodSettings settings_;
  std::unordered_map<std::string, Talker> talkers_;
  std::size_t sweep_at_ = 4096;
};

}  // namespace sufler

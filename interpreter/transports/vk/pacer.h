#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>

namespace sufler::vk {

/// At most `most` requests in any `window`. The first ones of a burst go at once, which an even beat would
/// only delay.
class Pacer {
 public:
  using Clock = std::chrono::steady_clock;
  using Milliseconds = std::chrono::milliseconds;
  Pacer(std::size_t most, Milliseconds window) : most_(std::max<std::size_t>(most, 1)), window_(window) {}

  /// How long the next request must wait; 0: not at all. `spare`: so many of a window are left to others.
  Milliseconds wait(Clock::time_point now, std::size_t spare = 0) const {
    Clock::time_point free = rest_until_;
    const std::size_t most = most_ - std::min(spare, most_ - 1);
    if (sent_.size() >= most) free = std::max(free, sent_[sent_.size() - most] + window_);
    return free <= now ? Milliseconds(0) : std::chrono::ceil<Milliseconds>(free - now);
  }
  void note(Clock::time_point now) {
    sent_.push_back(now);
    if (sent_.size() > most_) sent_.pop_front();
  }
  /// Nothing goes for so long: the platform said that it was too much.
  void rest(Clock::time_point now, Milliseconds pause) { rest_until_ = std::max(rest_until_, now + pause); }

 private:
  std::size_t most_;
  Milliseconds window_;
  std::deque<Clock::time_point> sent_;
  Clock::time_point rest_until_{};
};

}  // namespace sufler::vk

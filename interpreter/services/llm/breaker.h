#pragma once
#include <chrono>
#include <cstdint>

namespace sufler::llm {

/// Stops asking a server that fails: after so many failures in a row nobody asks for a while; then one may try, and its
/// success lets the others ask again. The clock is an input.
class Breaker {
 public:
  using Time = std::chrono::steady_clock::time_point;
  Breaker(std::uint32_t failures, std::chrono::milliseconds rest) : most_(failures), rest_(rest) {}

  /// Whether to ask now. Who was allowed tells of the outcome, or gives the try back.
  bool allows(Time now) {
    if (failures_ < most_) return true;
    if (trying_ || now < open_until_) return false;
    trying_ = true;
    return true;
  }
  void succeeded() {
    failures_ = 0;
    trying_ = false;
  }
  void failed(Time now) {
    if (failures_ < most_) ++failures_;
    trying_ = false;
    if (failures_ == most_) open_until_ = now + rest_;
  }
  void gave_back() { trying_ = false; }  ///< it was never asked to the end
  bool open(Time now) const { return failures_ >= most_ && now < open_until_; }

 private:
  const std::uint32_t most_;
  const std::chrono::milliseconds rest_;
  std::uint32_t failures_ = 0;
  bool trying_ = false;
  Time open_until_{};
};

}  // namespace sufler::llm

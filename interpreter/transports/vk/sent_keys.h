#pragma once
#include <cstdint>
#include <deque>
#include <mutex>
#include <unordered_set>

namespace sufler::vk {

/// The `random_id`s of our own messages, the newest of them. VK echoes what we send as `message_reply`,
/// sometimes before it answers the call, so a key is added before the call is made. Thread-safe.
class SentKeys {
 public:
  explicit SentKeys(std::size_t most = 50'000) : most_(most) {}

  void add(std::int32_t key) {
    std::lock_guard lock(mutex_);
    if (!keys_.insert(key).second) return;
    order_.push_back(key);
    if (order_.size() <= most_) return;
    keys_.erase(order_.front());
    order_.pop_front();
  }
  bool has(std::int64_t key) const {
    if (key <= 0 || key > INT32_MAX) return false;
    std::lock_guard lock(mutex_);
    return keys_.count(static_cast<std::int32_t>(key)) != 0;
  }

 private:
  std::size_t most_;
  mutable std::mutex mutex_;
  std::unordered_set<std::int32_t> keys_;
  std::deque<std::int32_t> order_;
};

}  // namespace sufler::vk

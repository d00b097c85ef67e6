#pragma once
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace sufler::vk {

/// The `random_id`s of our own messages, the newest of them. VK echoes what we send as `message_reply`,
/// sometimes before it answers the call, so a key is added before the call is made. Thread-safe.
///
/// Two tables of open addressing: when the young one has `most` keys it becomes the old one, and the old one is
/// forgotten. Every message passes here twice, and a node for each would be a miss of the cache for each.
class SentKeys {
 public:
  explicit SentKeys(std::size_t most = 25'000) : most_(most) {}

  void add(std::int32_t key) {
    if (key <= 0) return;
    std::lock_guard lock(mutex_);
    if (young_.has(key)) return;
    if (young_.size >= most_) {
      std::swap(young_, old_);
      young_ = {};
    }
    young_.add(key);
  }
  bool has(std::int64_t key) const {
    if (key <= 0 || key > INT32_MAX) return false;
    std::lock_guard lock(mutex_);
    return young_.has(static_cast<std::int32_t>(key)) || old_.has(static_cast<std::int32_t>(key));
  }

 private:
  struct Table {
    std::vector<std::int32_t> slots = {};  // 0 is free; a power of two, at most half full
    std::size_t size = 0;

    std::size_t slot_of(std::int32_t key) const {
      // Keys are random already; the factor is for those who count them up.
      std::size_t at = (static_cast<std::uint32_t>(key) * 2654435761U) & (slots.size() - 1);
      while (slots[at] != 0 && slots[at] != key) at = (at + 1) & (slots.size() - 1);
      return at;
    }
    bool has(std::int32_t key) const { return !slots.empty() && slots[slot_of(key)] == key; }
    void add(std::int32_t key) {
      if (2 * (size + 1) > slots.size()) {
        const std::vector<std::int32_t> before = std::exchange(slots, {});
        slots.resize(before.empty() ? 64 : 2 * before.size());
        for (const std::int32_t one : before)
          if (one != 0) slots[slot_of(one)] = one;
      }
      slots[slot_of(key)] = key;
      ++size;
    }
  };

  std::size_t most_;
  mutable std::mutex mutex_;
  Table young_;
  Table old_;
};

}  // namespace sufler::vk

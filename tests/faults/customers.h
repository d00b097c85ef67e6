#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "faults/shopfront.h"

namespace sufler::tests {

/// The dialog that the customers play; it counts its rounds, so that every message of a chat
/// differs from all the others.
extern const char* const kShopScenario;

/// What a customer answers in one round.
struct Answers {
  std::string name, phone, service, comment;
};
Answers answers_of(std::int64_t customer, int round);

/// Messages of a round, in the order of the dialog.
enum class Stage { Menu, Name, Phone, Service, Comment, Check, Accepted };
constexpr int kStages = 7;

/// The value that no more than `percent` of the values pass; 0 when there are none.
std::int64_t percentile(std::vector<std::int64_t> values, int percent);

/// Which message of the dialog a text is: `round` counts from 1. False for any other text.
bool read_message(const std::string& text, std::int64_t customer, int& round, Stage& stage);

/// People who order again and again, each waiting for the answer before going on (a closed loop).
/// Messages that come a second time are passed over.
class Customers {
 public:
  Customers(Shopfront& shop, int count);

  /// Plays until everybody has ended a round after `finish`, or nothing moved for `patience`.
  /// Returns whether all have ended. On a thread of its own.
  bool play(std::chrono::seconds patience);
  /// From now on everybody stops at the menu, once they have ordered.
  void finish() { finishing_ = true; }

  /// Customers and how many orders each has confirmed; once `play` is done.
  const std::map<std::int64_t, int>& orders() const { return orders_; }
  /// How long people waited for each answer, in milliseconds; once `play` is done. Without the pause of the dialog.
  const std::vector<std::int64_t>& waits() const { return waits_; }
  /// Where those stand who have not ended.
  std::string stuck() const;

 private:
  struct Customer {
    int round = 1;
    Stage waits_for = Stage::Menu;
    bool ended = false;
    std::int64_t said_ms = 0;  ///< 0: nothing that waits for an answer
  };
  void hear(std::int64_t id, Customer& customer, const std::string& text, std::int64_t at_ms);

  Shopfront& shop_;
  std::map<std::int64_t, Customer> customers_;
  std::map<std::int64_t, int> orders_;
  std::vector<std::int64_t> waits_;
  std::atomic<bool> finishing_{false};
};

}  // namespace sufler::tests

#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace sufler::fakes {
class FakeTelegram;
}

namespace sufler::tests {

/// The platform with the shop's bot, as its customers and the auditor see it.
class Shopfront {
 public:
  struct Heard {
    std::int64_t chat = 0;
    std::string text;
    std::int64_t at_ms = 0;
  };
  struct Update {
    std::string id;  ///< as the journal calls it
    bool confirmed = false;
  };
  /// A moment worth a kill: updates have just left for the program, or a message has come from it.
  enum class Traffic { Updates, Messages };

  virtual ~Shopfront() = default;

  // What customers do.
  virtual void begin(std::int64_t customer) = 0;
  virtual void say(std::int64_t customer, const std::string& text) = 0;
  virtual void tap(std::int64_t customer, const std::string& label) = 0;    ///< under the input field
  virtual void press(std::int64_t customer, const std::string& label) = 0;  ///< under a message
  /// What the bot has said since the last call of this, repeats too, once it is something; nothing after
  /// `patience`.
  virtual std::vector<Heard> next_messages(std::chrono::milliseconds patience) = 0;

  // How the program is served, and killed.
  virtual std::string name() const = 0;
  /// `telegram: {…}` of the bot, and what else stands at the top of the configuration.
  virtual std::string bot_options() const = 0;
  virtual std::string more_options() const { return {}; }
  virtual std::string token() const = 0;
  /// Called once, when the program has been started for the first time.
  virtual void open() {}
  virtual void wait_for_next(Traffic traffic, std::chrono::milliseconds timeout) = 0;
  /// Comes back when all that a killed program still sent has been read.
  virtual void read_all() = 0;
  /// Fails in ways that show nobody anything, and that lose nothing for good.
  virtual void trouble(std::mt19937_64& chance) = 0;
  virtual void clear_trouble() = 0;
  /// Waits until what is under way has been taken, and the program has confirmed it; false: not within `patience`.
  virtual bool settle(std::size_t notices, std::chrono::milliseconds patience) = 0;

  // What the auditor sees.
  virtual std::vector<Heard> messages(std::int64_t chat) = 0;
  virtual std::vector<Update> updates() = 0;
  virtual std::vector<std::string> unanswered_presses() = 0;
  /// Whether the platform shows a repeated send once, so that no message may ever be seen twice.
  virtual bool knows_repeats() const { return false; }
  /// What is wrong with the requests themselves, a line each.
  virtual std::vector<std::string> odd_requests() { return {}; }
  virtual std::size_t repeated_requests() { return 0; }
};

std::unique_ptr<Shopfront> make_telegram_shopfront(std::int64_t admin);
/// On a platform that the caller has, and that outlives it.
std::unique_ptr<Shopfront> make_telegram_shopfront(std::int64_t admin, fakes::FakeTelegram& telegram);

enum class VkReceiving {
  LongPoll,
  /// Now and then VK loses events, and people type what stands on the buttons: a press that is lost is nowhere.
  LossyLongPoll,
  Callback,
};
std::unique_ptr<Shopfront> make_vk_shopfront(std::int64_t admin, VkReceiving receiving);

}  // namespace sufler::tests

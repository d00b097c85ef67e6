#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/runtime/config.h"
#include "interpreter/runtime/courier.h"
#include "interpreter/runtime/engine.h"
#include "interpreter/transports/registry.h"

/// The bots of a configuration on their platforms.
namespace sufler {

/// A bot on one platform.
struct ServedTransport {
  /// Standby: another process serves the bot on this database.
  enum class Health : std::uint8_t { Starting, Well, Troubled, Failed, Standby };

  std::string bot;
  std::unique_ptr<Transport> transport;
  std::unique_ptr<Renderer> renderer;
  std::vector<BotCommandHint> menu;
  std::atomic<Health> health{Health::Standby};
  std::atomic<std::uint64_t> warnings{0};
  std::atomic<std::uint64_t> forged{0};  ///< requests of its webhook that did not know the secret
};

/// The way from the runtime to the transports.
class Couriers : public Courier {
 public:
  explicit Couriers(HttpClient& client) : client_(client) {}
  void add(const std::string& bot, Transport& transport);
  /// Any transport of the bot, by name; null when it is not served there.
  Transport* find(std::string_view bot, std::string_view transport) const;

  void deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call,
               std::function<void(Outcome)> done) override;
  void later(Duration delay, std::function<void()> job) override;

 private:
  HttpClient& client_;
  std::map<std::string, Transport*, std::less<>> by_bot_;
};

/// What could be made of a configuration. A bot that cannot be served is left out: the others are served.
struct Bots {
  std::vector<std::unique_ptr<ServedTransport>> served;
  std::vector<BotSetup> setups;
  std::size_t left_out = 0;  ///< bots
};

/// Reads the scenarios and makes the transports. Bots with the same scenario share it in memory. `complain` gets
/// one line for each that is left out, and the diagnostics of a broken scenario before it.
Bots make_bots(const Config& config, HttpClient& client, Couriers& couriers, Storage& storage,
               const std::function<void(const std::string&)>& complain);

/// The path under which a platform reaches a bot: `/telegram/shop`.
std::string webhook_path(std::string_view transport, std::string_view bot);

/// Hands a request to the transport, and counts it when the transport refuses it as forged.
void take_webhook(ServedTransport& one, WebhookRequest request, std::function<void(WebhookAnswer)> answer);

/// Whether only this machine reaches what listens there; a name that is not known for sure counts as public.
bool is_loopback(std::string_view host);

/// The answer of `/metrics`.
std::string metrics_page(const Engine& engine, const std::vector<std::unique_ptr<ServedTransport>>& served);

}  // namespace sufler

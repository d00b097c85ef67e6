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
#include "interpreter/services/amocrm/chat_client.h"
#include "interpreter/services/service.h"
#include "interpreter/transports/registry.h"
#include "storage/housekeeping.h"
#include "tools/scenario_files.h"

/// The bots of a configuration on their platforms.
namespace sufler {

/// A bot on one platform.
struct ServedTransport {
  /// Standby: another process serves the bot on this database. LeftOut: its scenario could not be read yet.
  enum class Health : std::uint8_t { Starting, Well, Troubled, Failed, Standby, LeftOut };

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

  /// The chats of the bot in amoCRM, which outlive this.
  void add_crm(const std::string& bot, amocrm::ChatClient& chats) { crm_[bot] = &chats; }
  amocrm::ChatClient* crm(std::string_view bot) const;

  void deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call,
               std::function<void(Outcome)> done) override;
  void later(Duration delay, std::function<void()> job) override;

 private:
  HttpClient& client_;
  std::map<std::string, Transport*, std::less<>> by_bot_;
  std::map<std::string, amocrm::ChatClient*, std::less<>> crm_;
};

/// Where the files of the scenario lie that was read last; asked on the network thread.
class LiveFolder {
 public:
  explicit LiveFolder(std::string folder) : folder_(std::move(folder)) {}
  std::string get() const {
    std::lock_guard lock(mutex_);
    return folder_;
  }
  void set(std::string folder) {
    std::lock_guard lock(mutex_);
    folder_ = std::move(folder);
  }

 private:
  mutable std::mutex mutex_;
  std::string folder_;
};

/// A bot as it is served now.
struct LiveBot {
  BotConfig config;
  std::shared_ptr<const Program> program;  ///< null while it is left out: a reload may bring it
  std::shared_ptr<LiveFolder> folder;
};

/// What could be made of a configuration. A bot that cannot be served is left out: the others are served. When only
/// its scenario is to blame, it stands here without a program, and a later version brings it to life.
struct Bots {
  std::vector<LiveBot> live;
  std::vector<std::unique_ptr<ServedTransport>> served;
  std::vector<BotSetup> setups;
};

/// Reads the scenarios and makes the transports. Bots with the same scenario share it in memory. `complain` gets
/// one line for each that is left out, and the diagnostics of a broken scenario before it.
Bots make_bots(const Config& config, HttpClient& client, Couriers& couriers, ScenarioFiles& files, Storage& storage,
               const std::function<void(const std::string&)>& complain);

/// Tells the platforms of a bot that another version is to be served. On the engine's thread, before it is.
void tell_platforms(Bots& bots, LiveBot& live, std::shared_ptr<const Program> program);

/// Groups on that platform in which the desks of a scenario keep a topic for each client.
std::vector<std::string> topic_groups(const Program& program, const std::map<std::string, std::vector<ChatAddress>>& roles,
                                      std::string_view transport);

/// The path under which a platform reaches a bot: `/telegram/shop`.
std::string webhook_path(std::string_view transport, std::string_view bot);

/// Hands a request to the transport, and counts it when the transport refuses it as forged.
void take_webhook(ServedTransport& one, WebhookRequest request, std::function<void(WebhookAnswer)> answer);

/// Whether only this machine reaches what listens there; a name that is not known for sure counts as public.
bool is_loopback(std::string_view host);

/// The desks of all bots that are to be served, empty.
std::vector<Housekeeping::DeskLine> desks_of(const std::vector<BotSetup>& setups);
/// As they stand in the database. Nothing when the engine is busy with something long: whoever asks for figures does
/// not wait for it. Not after its `stop`.
std::vector<Housekeeping::DeskLine> desks_now(Engine& engine, std::vector<Housekeeping::DeskLine> desks);

/// The answer of `/metrics`.
std::string metrics_page(const Engine& engine, const std::vector<std::unique_ptr<ServedTransport>>& served,
                         const std::vector<Housekeeping::DeskLine>& desks = {},
                         const std::vector<ServiceFigure>& services = {});

}  // namespace sufler

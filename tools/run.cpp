#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>

#include "interpreter/runtime/config.h"
#include "interpreter/runtime/engine.h"
#include "interpreter/runtime/log.h"
#include "interpreter/transports/listener.h"
#include "interpreter/transports/registry.h"
#include "tools/commands.h"
#include "tools/operator_desk.h"
#include "tools/operator_link.h"
#include "tools/serving.h"

namespace sufler {
namespace {

/// How long SIGTERM may take: what is under way is finished, the rest stays in the outbox.
constexpr Duration kGrace{3'000};
constexpr std::chrono::milliseconds kListenerGrace{1'000};
/// For what the transports tell their platforms last: that a webhook is gone.
constexpr std::chrono::milliseconds kFarewellGrace{1'000};

/// Blocks the signals that stop or reload the process, so that every thread started later has them blocked
/// and only the wait below hears them.
int stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &set, SFD_CLOEXEC);
}

int next_signal(int fd) {
  signalfd_siginfo info{};
  while (read(fd, &info, sizeof info) < 0 && errno == EINTR) {
  }
  return static_cast<int>(info.ssi_signo);
}

TransportHandlers handlers_of(ServedTransport& one, Engine& engine, std::atomic<std::size_t>& failed,
                              std::size_t all) {
  using Health = ServedTransport::Health;
  TransportHandlers handlers;
  handlers.updates = [&engine, &one](std::vector<Incoming> updates, std::string position,
                                     std::function<void(bool)> stored) {
    engine.take(one.bot, one.transport->name(), std::move(updates), std::move(position),
                one.transport->repeats_events(), std::move(stored));
  };
  handlers.failed = [&one, &failed, all](std::string reason) {
    one.health = Health::Failed;
    write_log(LogLevel::Error, "the bot cannot be served: " + reason,
              {{"bot", one.bot}, {"transport", one.transport->name()}});
    // With no bot left there is nothing to serve.
    if (++failed == all) kill(getpid(), SIGTERM);
  };
  handlers.health = [&one](bool well, std::string reason) {
    if (one.health != Health::Failed) one.health = well ? Health::Well : Health::Troubled;
    write_log(well ? LogLevel::Info : LogLevel::Warning, well ? "serving" : reason,
              {{"bot", one.bot}, {"transport", one.transport->name()}});
  };
  handlers.warning = [&one](std::string line) {
    ++one.warnings;
    write_log(LogLevel::Warning, line, {{"bot", one.bot}, {"transport", one.transport->name()}});
  };
  return handlers;
}

/// Receiving for the bots that this process leads.
class Receivers {
 public:
  Receivers(Engine& engine, const std::vector<std::unique_ptr<ServedTransport>>& served, HttpClient& client,
            std::atomic<std::size_t>& failed)
      : engine_(engine), served_(served), client_(client), failed_(failed) {}

  /// On the engine's thread.
  void lead(const std::string& bot, bool leads) {
    for (const auto& one : served_) {
      if (one->bot != bot || !one->transport->receives_alone()) continue;
      if (leads) {
        begin(*one);
      } else if (one->health != ServedTransport::Health::Failed) {
        one->transport->stop_receiving();
        one->health = ServedTransport::Health::Standby;
      }
    }
  }

  /// On the engine's thread, or before it has begun.
  void begin(ServedTransport& one) {
    if (one.health == ServedTransport::Health::Failed) return;
    auto position = engine_.position(one.bot, one.transport->name());
    if (!position) {
      write_log(LogLevel::Error, position.error().message, {{"bot", one.bot}});
      client_.after(kAskAgain, [this, &one] { engine_.ask([this, &one](Storage&) { begin(one); }); });
      return;
    }
    one.health = ServedTransport::Health::Starting;
    one.transport->start(*position, one.menu, handlers_of(one, engine_, failed_, served_.size()));
  }

 private:
  static constexpr std::chrono::milliseconds kAskAgain{500};

  Engine& engine_;
  const std::vector<std::unique_ptr<ServedTransport>>& served_;
  HttpClient& client_;
  std::atomic<std::size_t>& failed_;
};

Listener::Settings listen_on(const HttpConfig& http) {
  Listener::Settings settings;
  settings.host = http.host;
  settings.port = http.port;
  // Whoever opens connections to us must leave descriptors for the platforms and the database.
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY) {
    settings.most_connections =
        std::clamp<std::size_t>(static_cast<std::size_t>(files.rlim_cur) / 3, 8, settings.most_connections);
  }
  return settings;
}

void add_pages(Listener& listener, const Engine& engine, const std::vector<std::unique_ptr<ServedTransport>>& served) {
  using Health = ServedTransport::Health;
  listener.add_page("/healthz", [] { return PageAnswer{200, "ok\n"}; });
  // A bot whose token was revoked is told in the log and the metrics; it must not take the others out of service.
  listener.add_page("/readyz", [&engine, &served] {
    const bool ready = engine.storage_well() &&
                       std::all_of(served.begin(), served.end(), [](const auto& one) {
                         return one->health == Health::Well || one->health == Health::Failed ||
                                one->health == Health::Standby;
                       });
    return ready ? PageAnswer{200, "ready\n"} : PageAnswer{503, "not ready\n"};
  });
  listener.add_page("/metrics", [&engine, &served] {
    return PageAnswer{200, metrics_page(engine, served), "text/plain; version=0.0.4; charset=utf-8"};
  });
  for (const auto& one : served) {
    listener.add_webhook(webhook_path(one->transport->name(), one->bot),
                         [&one = *one](WebhookRequest request, std::function<void(WebhookAnswer)> answer) {
                           take_webhook(one, std::move(request), std::move(answer));
                         });
  }
}

}  // namespace

int run_bots(const RunOptions& options) {
  const Language language = tool_language({});
  KnownTransports transports;
  for (const TransportKind& kind : transport_kinds())
    transports[std::string(kind.name)].assign(kind.options.begin(), kind.options.end());
  LoadedConfig loaded = load_config(options.config, transports);
  if (!loaded.config) {
    std::cerr << redact(render_text(loaded.diagnostics.sorted(), loaded.sources, language));
    return kExitErrors;
  }
  const Config& config = *loaded.config;
  start_log(config.log_level, config.log_format);
  const int signals = stop_signals();

  HttpClient::Settings http;
  http.proxy = config.proxy;
  HttpClient client(http);
  Couriers couriers(client);

  auto desk = OperatorDesk::open(config);
  if (!desk) return complain(desk.error());
  auto storage = Storage::open(config.database, config.durability);
  if (!storage) {
    const bool for_good = storage.error().kind == StorageError::Kind::Corrupt ||
                          storage.error().kind == StorageError::Kind::NewerSchema;
    complain(storage.error().message);
    return for_good ? kExitUnusable : kExitErrors;
  }

  Bots bots = make_bots(config, client, couriers, *storage, [](const std::string& line) {
    std::cerr << redact(line.ends_with('\n') ? line : "sufler: " + line + "\n");
  });
  // Every refusal has been told by now.
  if (bots.served.empty()) return kExitErrors;
  const std::vector<std::unique_ptr<ServedTransport>>& served = bots.served;

  std::map<std::string, std::string> versions;
  for (const BotSetup& bot : bots.setups) versions[bot.name] = bot.program->version;
  Engine engine(std::move(*storage), std::move(bots.setups), couriers);
  engine.limit_floods(config.flood);
  std::atomic<std::size_t> failed{0};
  Receivers receivers(engine, served, client, failed);
  std::optional<Listener> listener;
  if (config.http) {
    listener.emplace(listen_on(*config.http));
    add_pages(*listener, engine, served);
    if (auto listening = listener->start(); !listening) return complain(listening.error());
    if (!is_loopback(config.http->host)) {
      write_log(LogLevel::Warning,
                "whoever reaches this address can read /metrics and /readyz, too: listen on 127.0.0.1 behind a proxy "
                "that passes the webhooks only, or close these pages there",
                {{"address", config.http->host}});
    }
    write_log(LogLevel::Info, "listening", {{"address", config.http->host + ":" + std::to_string(listener->port())}});
  }

  engine.keep(config.retention);
  // Webhooks come to whichever process the platform or a proxy chooses.
  for (const auto& one : served)
    if (!one->transport->receives_alone()) receivers.begin(*one);
  auto started = engine.start([&](std::string_view bot, bool leads) { receivers.lead(std::string(bot), leads); });
  if (!started) return complain(started.error().message);
  // Behind everything that may end this function early: the engine must not go before the desk.
  (*desk)->serve(engine, served, std::move(versions));

  for (;;) {
    const int number = next_signal(signals);
    if (number != SIGHUP) break;
    write_log(LogLevel::Info, "SIGHUP: reloading is not available yet; restart to serve the new version");
  }
  // A second signal stops at once; what was stored is safe, what was not will come again.
  std::thread([signals] {
    next_signal(signals);
    _exit(kExitErrors);
  }).detach();
  for (const auto& one : served) one->transport->stop_receiving();
  if (listener) listener->stop(kListenerGrace);
  (*desk)->stop();
  engine.stop(kGrace);
  client.stop(kFarewellGrace);
  write_log(LogLevel::Info, "stopped");
  return failed == served.size() ? kExitErrors : kExitClean;
}

}  // namespace sufler

#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>

#include "interpreter/runtime/config.h"
#include "interpreter/runtime/engine.h"
#include "interpreter/runtime/growing.h"
#include "interpreter/runtime/log.h"
#include "interpreter/transports/listener.h"
#include "interpreter/transports/registry.h"
#include "tools/api.h"
#include "tools/commands.h"
#include "tools/hooks.h"
#include "tools/crm_memory.h"
#include "tools/crm_outside.h"
#include "tools/knowledge.h"
#include "tools/operator_desk.h"
#include "tools/operator_link.h"
#include "tools/receivers.h"
#include "tools/reloader.h"
#include "tools/scenario_watch.h"
#include "tools/letter_files.h"
#include "tools/reports.h"
#include "tools/services.h"
#include "tools/serving.h"
#include "tools/version_orders.h"

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

void add_pages(Listener& listener, Engine& engine, const Services& services, Hooks& hooks, Api* api,
               const std::vector<std::unique_ptr<ServedTransport>>& served, std::vector<Housekeeping::DeskLine> desks) {
  using Health = ServedTransport::Health;
  listener.add_page("/healthz", [] { return PageAnswer{200, "ok\n"}; });
  // A bot whose token was revoked is told in the log and the metrics; it must not take the others out of service.
  listener.add_page("/readyz", [&engine, &served] {
    const bool ready = engine.storage_well() &&
                       std::all_of(served.begin(), served.end(), [](const auto& one) {
                         return one->health == Health::Well || one->health == Health::Failed ||
                                one->health == Health::Standby || one->health == Health::LeftOut;
                       });
    return ready ? PageAnswer{200, "ready\n"} : PageAnswer{503, "not ready\n"};
  });
  listener.add_page("/metrics", [&engine, &services, &served, &hooks, api, desks = std::move(desks)] {
    MetricsText further;
    hooks.add_metrics(further);
    if (api) api->add_metrics(further);
    return PageAnswer{200, metrics_page(engine, served, desks_now(engine, desks), services.figures()) + further.take(),
                      "text/plain; version=0.0.4; charset=utf-8"};
  });
  listener.add_service(std::string(Hooks::kPrefix), [&hooks](WebhookRequest request, std::function<void(WebhookAnswer)> answer) {
    hooks.take(std::move(request), std::move(answer));
  });
  if (api)
    listener.add_service(std::string(Api::kPrefix), [api](WebhookRequest request, std::function<void(WebhookAnswer)> answer) {
      api->take(std::move(request), std::move(answer));
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
  const std::unique_ptr<amocrm::Memory> crm_memory_of_chats = crm_memory(config.database, config.durability);
  CrmOutside crm(config, client, *crm_memory_of_chats);
  for (const BotConfig& bot : config.bots)
    if (amocrm::ChatClient* const chats = crm.chats_of(bot.name)) couriers.add_crm(bot.name, *chats);

  auto desk = OperatorDesk::open(config);
  if (!desk) return complain(desk.error());
  auto storage = Storage::open(config.database, config.durability);
  if (!storage) {
    const bool for_good = storage.error().kind == StorageError::Kind::Corrupt ||
                          storage.error().kind == StorageError::Kind::NewerSchema;
    complain(storage.error().message);
    return for_good ? kExitUnusable : kExitErrors;
  }

  std::optional<ScenarioWatch> watch;
  if (options.watch || config.reload_watch) {
    std::map<std::string, std::string> scenarios;
    for (const BotConfig& bot : config.bots) scenarios[bot.name] = bot.scenario;
    watch.emplace(std::move(scenarios));
  }
  ScenarioFiles files(version_cache(config), client);
  Bots bots = make_bots(config, client, couriers, files, *storage, [](const std::string& line) {
    std::cerr << redact(line.ends_with('\n') ? line : "sufler: " + line + "\n");
  });
  // Every refusal has been told by now.
  if (std::none_of(bots.live.begin(), bots.live.end(), [](const LiveBot& bot) { return bot.program != nullptr; }))
    return kExitErrors;
  for (const LiveBot& bot : bots.live)
    if (!bot.program)
      write_log(LogLevel::Warning, "the bot is left out until its scenario is well: `sufler reload` takes it then",
                {{"bot", bot.config.name}});
  const std::vector<std::unique_ptr<ServedTransport>>& served = bots.served;

  std::vector<Housekeeping::DeskLine> desks = desks_of(bots.setups);
  // Before the services, which tell it of answers that grow until they end.
  GrowingAnswers growing(couriers, [&served](std::string_view bot, std::string_view transport) -> const Renderer* {
    for (const auto& one : served)
      if (one->bot == bot && one->transport->name() == transport) return one->renderer.get();
    return nullptr;
  });
  ServedKnowledge knowledge(config);
  ServedReports reports(config);
  Services services(config, knowledge.search(), fetch_of(files, couriers), reports.maker());
  Engine engine(std::move(*storage), std::move(bots.setups), growing);
  const ScenarioFiles::Reading reading(files, engine);
  engine.work(services, &growing);
  reports.start(engine);
  engine.limit_floods(config.flood);
  for (const auto& one : served) {
    engine.keep_to(one->bot, one->transport->name(), one->transport->sending_limits());
    // The network ends before the engine goes.
    one->transport->send_only_while([&engine, bot = one->bot] { return engine.may_send(bot); });
  }
  Receivers receivers(engine, served, client);
  Hooks hooks(engine, system_clock());
  std::optional<Api> api;
  if (config.api) {
    std::vector<std::string> names;
    for (const LiveBot& bot : bots.live) names.push_back(bot.config.name);
    api.emplace(*config.api, std::move(names), engine, system_clock());
  }
  // Its last jobs call them, and they ask it.
  struct StopsFirst {
    Engine& engine;
    ~StopsFirst() { engine.stop(Duration{0}); }
  } const stops_first{engine};
  Reloader reloader(config, engine, bots, [&](const std::string& bot, const Program& program, bool was_left_out) {
    knowledge.serve(bot, program);
    hooks.serve(bot, program);
    if (was_left_out) receivers.awake(bot);
  });
  engine.when_stale([&](std::string_view bot) { reloader.catch_up(std::string(bot)); });
  engine.when_wanted([&](std::string_view bot, const std::string& version) { reloader.fetch(std::string(bot), version); });
  const bool called = std::any_of(bots.live.begin(), bots.live.end(), [](const LiveBot& bot) {
    return bot.program && bot.program->events && bot.program->events->first(Happening::Kind::Webhook);
  });
  if (called && !config.http)
    write_log(LogLevel::Warning, "a scenario waits for calls of other systems (`webhook` in `events`), and the configuration has no `http:`: "
                                 "nobody can call it");
  std::optional<Listener> listener;
  if (config.http) {
    listener.emplace(listen_on(*config.http));
    for (const LiveBot& bot : bots.live)
      if (bot.program) hooks.serve(bot.config.name, *bot.program);
    add_pages(*listener, engine, services, hooks, api ? &*api : nullptr, served, std::move(desks));
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
    if (!one->transport->receives_alone() && one->health != ServedTransport::Health::LeftOut) receivers.begin(*one);
  for (const LiveBot& bot : bots.live)
    if (bot.program) knowledge.serve(bot.config.name, *bot.program);
  auto started = engine.start([&](std::string_view bot, bool leads) {
    knowledge.lead(std::string(bot), leads);
    growing.lead(bot, leads);
    receivers.lead(std::string(bot), leads);
  });
  if (!started) return complain(started.error().message);
  // Behind everything that may end this function early: the engine must not go before these.
  knowledge.start(engine);
  crm.start(engine, listener ? &*listener : nullptr);
  (*desk)->serve(engine, served, reloader);
  if (watch) {
    const auto is_live = [&](const std::string& name) {
      return std::any_of(bots.live.begin(), bots.live.end(), [&](const LiveBot& bot) { return bot.config.name == name; });
    };
    watch->begin([&, is_live](const std::string& bot) {
      if (is_live(bot)) reloader.reload(bot, {}, "a file was saved");
    });
    if (!watch->trouble().empty()) write_log(LogLevel::Warning, watch->trouble());
  }

  for (;;) {
    const int number = next_signal(signals);
    if (number != SIGHUP) break;
    reloader.reload({}, {}, "SIGHUP");
  }
  // A second signal stops at once; what was stored is safe, what was not will come again.
  std::thread([signals] {
    next_signal(signals);
    _exit(kExitErrors);
  }).detach();
  watch.reset();
  for (const auto& one : served) one->transport->stop_receiving();
  if (listener) listener->stop(kListenerGrace);
  (*desk)->stop();
  reloader.stop();
  knowledge.stop();
  reports.stop();
  engine.stop(kGrace);
  crm.stop();
  growing.stop();
  client.stop(kFarewellGrace);
  write_log(LogLevel::Info, "stopped");
  return nobody_is_served(served) ? kExitErrors : kExitClean;
}

}  // namespace sufler

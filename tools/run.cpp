#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <thread>

#include "interpreter/runtime/config.h"
#include "interpreter/runtime/engine.h"
#include "interpreter/runtime/log.h"
#include "interpreter/transports/registry.h"
#include "schema/loader.h"
#include "tools/commands.h"
#include "tools/menu.h"

namespace sufler {
namespace {

/// How long SIGTERM may take: what is under way is finished, the rest stays in the outbox.
constexpr Duration kGrace{4'000};

/// Messages become calls of the bot's transport.
class TransportRenderer : public Renderer {
 public:
  explicit TransportRenderer(const Transport& transport) : transport_(transport) {}
  std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const override {
    return transport_.render(chat, message);
  }
  ApiCall render_press_answer(const ChatAddress& chat, const std::string& press_id,
                              const std::string& text) const override {
    return transport_.render_press_answer(chat, press_id, text);
  }

 private:
  const Transport& transport_;
};

struct Served {
  std::string bot;
  std::unique_ptr<Transport> transport;
  std::unique_ptr<TransportRenderer> renderer;
  std::vector<BotCommandHint> menu;
};

/// The way from the runtime to the transports.
class Couriers : public Courier {
 public:
  explicit Couriers(HttpClient& client) : client_(client) {}
  void add(const std::string& bot, Transport& transport) {
    by_bot_[bot + "\n" + std::string(transport.name())] = &transport;
  }
  void deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call,
               std::function<void(Outcome)> done) override {
    std::string key(bot);
    key.append("\n").append(chat.transport);
    auto found = by_bot_.find(key);
    if (found == by_bot_.end()) {
      Outcome outcome;
      outcome.kind = Outcome::Kind::Failed;
      outcome.reason = "the bot is not served on " + chat.transport;
      return done(outcome);
    }
    found->second->deliver(chat, call, std::move(done));
  }
  void later(Duration delay, std::function<void()> job) override {
    client_.after(std::chrono::milliseconds(delay.ms), std::move(job));
  }

 private:
  HttpClient& client_;
  std::map<std::string, Transport*> by_bot_;
};

/// A path as a person in the working folder would write it, where that is shorter.
std::string shown_path(const std::string& path) {
  std::error_code error;
  const std::string relative = std::filesystem::proximate(path, error).string();
  return error || relative.size() >= path.size() ? path : relative;
}

int complain(const std::string& line) {
  std::cerr << "sufler: " << redact(line) << "\n";
  return kExitErrors;
}

std::uint64_t fresh_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

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

  auto storage = Storage::open(config.database, config.durability);
  if (!storage) return complain(storage.error().message);

  std::vector<std::unique_ptr<Served>> served;
  std::vector<BotSetup> setups;
  for (const BotConfig& bot : config.bots) {
    LoadOptions load;
    load.environment_must_be_set = true;
    for (const auto& [role, members] : bot.roles) load.roles.push_back(role);
    Loaded scenario = load_scenario(shown_path(bot.scenario), load);
    if (!scenario.program) {
      std::cerr << redact(render_text(scenario.diagnostics.sorted(), scenario.sources, language));
      return complain("the scenario of the bot `" + bot.name + "` has errors and was not started");
    }
    auto prepared = storage->prepare_tables(*scenario.program);
    if (!prepared) return complain(prepared.error().message);

    BotSetup setup;
    setup.name = bot.name;
    setup.program = scenario.program;
    setup.roles = bot.roles;
    setup.seed = fresh_seed();
    for (const TransportConfig& transport : bot.transports) {
      TransportSettings settings;
      settings.bot_name = bot.name;
      settings.options = transport.options;
      settings.scenario_folder = [program = scenario.program] { return program->folder; };
      auto made = find_transport(transport.name)->make(client, std::move(settings));
      if (!made) return complain("bot `" + bot.name + "`: " + made.error());

      auto one = std::make_unique<Served>();
      one->bot = bot.name;
      one->menu = menu_of(*scenario.program);
      one->transport = std::move(*made);
      one->renderer = std::make_unique<TransportRenderer>(*one->transport);
      couriers.add(bot.name, *one->transport);
      setup.renderers[transport.name] = one->renderer.get();
      served.push_back(std::move(one));
    }
    setups.push_back(std::move(setup));
  }

  Engine engine(std::move(*storage), std::move(setups), couriers);
  std::vector<std::string> positions;
  for (const auto& one : served) {
    auto position = engine.position(one->bot, one->transport->name());
    if (!position) return complain(position.error().message);
    positions.push_back(*position);
  }
  auto started = engine.start();
  if (!started) return complain(started.error().message);

  std::atomic<std::size_t> failed{0};
  const pid_t self = getpid();
  for (std::size_t i = 0; i < served.size(); ++i) {
    Served* one = served[i].get();
    TransportHandlers handlers;
    handlers.updates = [&engine, one](std::vector<Incoming> updates, std::string position,
                                      std::function<void(bool)> stored) {
      engine.take(one->bot, one->transport->name(), std::move(updates), std::move(position),
                  one->transport->repeats_events(), std::move(stored));
    };
    handlers.failed = [one, &failed, &served, self](std::string reason) {
      write_log(LogLevel::Error, "the bot cannot be served: " + reason, {{"bot", one->bot}});
      // With no bot left there is nothing to serve.
      if (++failed == served.size()) kill(self, SIGTERM);
    };
    handlers.health = [one](bool well, std::string reason) {
      if (well) {
        write_log(LogLevel::Info, "serving", {{"bot", one->bot}, {"transport", one->transport->name()}});
      } else {
        write_log(LogLevel::Warning, reason, {{"bot", one->bot}, {"transport", one->transport->name()}});
      }
    };
    one->transport->start(positions[i], one->menu, std::move(handlers));
  }

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
  engine.stop(kGrace);
  client.stop(std::chrono::milliseconds(0));
  write_log(LogLevel::Info, "stopped");
  return failed == served.size() && !served.empty() ? kExitErrors : kExitClean;
}

}  // namespace sufler

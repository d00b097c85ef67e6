#include "tools/serving.h"

#include <chrono>
#include <filesystem>
#include <random>
#include <utility>

#include "interpreter/runtime/log.h"
#include "interpreter/runtime/metrics.h"
#include "interpreter/transports/url.h"
#include "schema/loader.h"
#include "tools/commands.h"
#include "tools/menu.h"

namespace sufler {
namespace {

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

std::string key_of(std::string_view bot, std::string_view transport) {
  std::string key(bot);
  return key.append("\n").append(transport);
}

/// A path as a person in the working folder would write it, where that is shorter.
std::string shown_path(const std::string& path) {
  std::error_code error;
  const std::string relative = std::filesystem::proximate(path, error).string();
  return error || relative.size() >= path.size() ? path : relative;
}

std::uint64_t fresh_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

class Maker {
 public:
  Maker(const Config& config, HttpClient& client, Couriers& couriers, Storage& storage,
        const std::function<void(const std::string&)>& complain)
      : config_(config), client_(client), couriers_(couriers), storage_(storage), complain_(complain) {}

  Bots make() {
    for (const BotConfig& bot : config_.bots) add(bot);
    return std::move(bots_);
  }

 private:
  void leave_out(const std::string& line) {
    ++bots_.left_out;
    complain_(line);
  }

  void add(const BotConfig& bot) {
    const std::shared_ptr<const Program> program = scenario_of(bot);
    if (!program) return leave_out("the scenario of the bot `" + bot.name + "` has errors and was not started");
    if (auto prepared = storage_.prepare_tables(*program); !prepared)
      return leave_out("bot `" + bot.name + "`: " + prepared.error().message);

    BotSetup setup;
    setup.name = bot.name;
    setup.program = program;
    setup.roles = bot.roles;
    setup.seed = fresh_seed();
    // All platforms or none: what is due to people of a platform that is not served would be lost.
    std::vector<std::unique_ptr<ServedTransport>> made_here;
    for (const TransportConfig& transport : bot.transports) {
      auto made = find_transport(transport.name)->make(client_, settings_of(bot, transport, program));
      if (!made) return leave_out("bot `" + bot.name + "`: " + made.error());
      auto one = std::make_unique<ServedTransport>();
      one->bot = bot.name;
      one->menu = menu_of(*program);
      one->transport = std::move(*made);
      one->renderer = std::make_unique<TransportRenderer>(*one->transport);
      setup.renderers[transport.name] = one->renderer.get();
      made_here.push_back(std::move(one));
    }
    for (auto& one : made_here) {
      couriers_.add(bot.name, *one->transport);
      bots_.served.push_back(std::move(one));
    }
    bots_.setups.push_back(std::move(setup));
  }

  TransportSettings settings_of(const BotConfig& bot, const TransportConfig& transport,
                                const std::shared_ptr<const Program>& program) const {
    TransportSettings settings;
    settings.bot_name = bot.name;
    settings.options = transport.options;
    if (config_.http && !config_.http->public_url.empty())
      settings.webhook_url = config_.http->public_url + webhook_path(transport.name, bot.name);
    settings.scenario_folder = [program] { return program->folder; };
    // A photo from VK goes on to an admin in Telegram: whoever holds the file brings its bytes.
    settings.fetch_elsewhere = [&couriers = couriers_, name = bot.name](
                                   const Attachment& file, std::size_t limit,
                                   std::function<void(std::string, std::string)> done) {
      Transport* holder = couriers.find(name, file.origin);
      if (!holder) return done({}, "the bot is not served on " + file.origin + " that holds the file");
      holder->fetch_file(file, limit, std::move(done));
    };
    return settings;
  }

  /// Null when it has errors, which are told then.
  std::shared_ptr<const Program> scenario_of(const BotConfig& bot) {
    LoadOptions load;
    load.environment_must_be_set = true;
    std::string key = bot.scenario;
    for (const auto& [role, members] : bot.roles) {
      load.roles.push_back(role);
      key.append("\n").append(role);
    }
    if (const auto known = programs_.find(key); known != programs_.end()) return known->second;
    Loaded scenario = load_scenario(shown_path(bot.scenario), load);
    if (!scenario.program) complain_(render_text(scenario.diagnostics.sorted(), scenario.sources, tool_language({})));
    return programs_[key] = scenario.program;
  }

  const Config& config_;
  HttpClient& client_;
  Couriers& couriers_;
  Storage& storage_;
  const std::function<void(const std::string&)>& complain_;
  std::map<std::string, std::shared_ptr<const Program>> programs_;
  Bots bots_;
};

}  // namespace

void Couriers::add(const std::string& bot, Transport& transport) {
  by_bot_[key_of(bot, transport.name())] = &transport;
}

Transport* Couriers::find(std::string_view bot, std::string_view transport) const {
  const auto found = by_bot_.find(key_of(bot, transport));
  return found == by_bot_.end() ? nullptr : found->second;
}

void Couriers::deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call,
                       std::function<void(Outcome)> done) {
  if (Transport* transport = find(bot, chat.transport)) return transport->deliver(chat, call, std::move(done));
  Outcome outcome;
  outcome.kind = Outcome::Kind::Failed;
  outcome.reason = "the bot is not served on " + chat.transport;
  done(outcome);
}

void Couriers::later(Duration delay, std::function<void()> job) {
  client_.after(std::chrono::milliseconds(delay.ms), std::move(job));
}

Bots make_bots(const Config& config, HttpClient& client, Couriers& couriers, Storage& storage,
               const std::function<void(const std::string&)>& complain) {
  return Maker(config, client, couriers, storage, complain).make();
}

std::string webhook_path(std::string_view transport, std::string_view bot) {
  return "/" + std::string(transport) + "/" + percent_encoded(bot);
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  // A name may begin with these digits, too: `127.example.com` is anybody's.
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

void take_webhook(ServedTransport& one, WebhookRequest request, std::function<void(WebhookAnswer)> answer) {
  one.transport->take_webhook(std::move(request), [&one, answer = std::move(answer)](WebhookAnswer given) {
    if (given.status == 401 || given.status == 403) {
      const std::uint64_t count = ++one.forged;
      // At 1, 10, 100…: whoever tries secrets is seen, and does not fill the log.
      std::uint64_t power = 1;
      while (power < count && power <= count / 10) power *= 10;
      if (power == count) {
        write_log(LogLevel::Warning, "requests to the webhook with a wrong secret so far: " + std::to_string(count),
                  {{"bot", one.bot}, {"transport", one.transport->name()}});
      }
    }
    answer(std::move(given));
  });
}

std::string metrics_page(const Engine& engine, const std::vector<std::unique_ptr<ServedTransport>>& served) {
  MetricsText text;
  const std::vector<Engine::Figures> bots = engine.figures();
  const auto of_bots = [&](std::string_view name, std::string_view help, std::uint64_t Engine::Figures::*figure) {
    text.metric(name, "counter", help);
    for (const Engine::Figures& bot : bots) text.sample({{"bot", bot.bot}}, bot.*figure);
  };
  of_bots("sufler_updates_total", "Updates taken from platforms.", &Engine::Figures::updates);
  of_bots("sufler_turns_total", "Turns played, those of timers too.", &Engine::Figures::turns);
  of_bots("sufler_batches_total", "Transactions that played them.", &Engine::Figures::batches);
  of_bots("sufler_faults_total", "Turns that went to on_error, and events given up.", &Engine::Figures::faults);
  of_bots("sufler_storage_errors_total", "Transactions that failed.", &Engine::Figures::storage_errors);
  of_bots("sufler_sent_total", "Calls carried out by the platforms.", &Engine::Figures::sent);
  of_bots("sufler_passed_over_total", "Updates of people who wrote too much at once.", &Engine::Figures::passed_over);
  of_bots("sufler_given_up_total", "Calls refused or lost for good.", &Engine::Figures::given_up);
  text.metric("sufler_sending", "gauge", "Calls stored and not yet sent.");
  text.sample({}, static_cast<std::uint64_t>(engine.sending()));
  text.metric("sufler_transport_up", "gauge", "Whether the bot is served on the platform.");
  for (const auto& one : served) {
    const bool up = one->health == ServedTransport::Health::Well;
    text.sample({{"bot", one->bot}, {"transport", one->transport->name()}}, std::uint64_t{up ? 1u : 0u});
  }
  text.metric("sufler_transport_warnings_total", "counter", "Troubles of a platform that do not stop serving.");
  for (const auto& one : served)
    text.sample({{"bot", one->bot}, {"transport", one->transport->name()}}, one->warnings.load());
  text.metric("sufler_forged_total", "counter", "Requests to the webhook that did not know its secret.");
  for (const auto& one : served)
    text.sample({{"bot", one->bot}, {"transport", one->transport->name()}}, one->forged.load());
  text.metric("sufler_log_lines_lost_total", "counter", "Lines of the log that could not be written.");
  text.sample({}, lost_log_lines());
  text.metric("sufler_storage_up", "gauge", "Whether the last transaction was stored.");
  text.sample({}, std::uint64_t{engine.storage_well() ? 1u : 0u});
  add_process_metrics(text);
  return text.take();
}

}  // namespace sufler

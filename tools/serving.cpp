#include "tools/serving.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>
#include <random>
#include <utility>

#include "interpreter/core/crm_chat.h"
#include "interpreter/runtime/clock.h"
#include "interpreter/runtime/deploying.h"
#include "interpreter/runtime/log.h"
#include "interpreter/runtime/metrics.h"
#include "interpreter/transports/url.h"
#include "tools/commands.h"
#include "tools/desk_tokens.h"
#include "tools/menu.h"
#include "tools/operator_link.h"
#include "tools/services.h"
#include "tools/version_orders.h"

namespace sufler {
namespace {

/// How long whoever asks for metrics waits for the database.
constexpr std::chrono::milliseconds kDeskPatience{1000};

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
  ApiCall render_topic(const ChatAddress& group, const std::string& title) const override {
    return transport_.render_topic(group, title);
  }
  ApiCall render_topic_state(const ChatAddress& topic, bool open) const override {
    return transport_.render_topic_state(topic, open);
  }
  bool tells_repeats() const override { return transport_.tells_repeats(); }
  ApiCall render_typing(const ChatAddress& chat) const override { return transport_.render_typing(chat); }
  ApiCall render_growing(const ChatAddress& chat, const std::string& text, const std::string& message_id) const override {
    return transport_.render_growing(chat, text, message_id);
  }
  ApiCall render_grown(const ApiCall& call, const std::string& text, const std::string& message_id) const override {
    return transport_.render_grown(call, text, message_id);
  }
  ApiCall render_removal(const ChatAddress& chat, const std::string& message_id) const override {
    return transport_.render_removal(chat, message_id);
  }

 private:
  const Transport& transport_;
};

std::string key_of(std::string_view bot, std::string_view transport) {
  std::string key(bot);
  return key.append("\n").append(transport);
}

std::uint64_t fresh_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

}  // namespace

std::vector<std::string> topic_groups(const Program& program, const std::map<std::string, std::vector<ChatAddress>>& roles,
                                      std::string_view transport) {
  std::vector<std::string> groups;
  for (const Desk& desk : program.desks) {
    const auto role = roles.find(desk.topics);
    if (desk.topics.empty() || role == roles.end()) continue;
    for (const ChatAddress& group : role->second)
      if (group.transport == transport) groups.push_back(group.chat_id);
  }
  return groups;
}

namespace {

class Maker {
 public:
  Maker(const Config& config, HttpClient& client, Couriers& couriers, ScenarioFiles& files, Storage& storage,
        const std::function<void(const std::string&)>& complain)
      : config_(config), client_(client), couriers_(couriers), files_(files), storage_(storage), complain_(complain) {}

  Bots make() {
    for (const BotConfig& bot : config_.bots) add(bot);
    return std::move(bots_);
  }

 private:
  void add(const BotConfig& bot) {
    BotSetup setup;
    setup.name = bot.name;
    setup.roles = bot.roles;
    setup.seed = fresh_seed();
    setup.log_turns = config_.log_turns;
    if (const CrmAccount* const crm = crm_in_use(config_, bot)) setup.crm_account = crm->key();
    if (const CrmAccount* const crm = crm_in_use(config_, bot); crm && crm->chats)
      setup.crm_chat = CrmChatSettings{crm->chats->bot_id, crm->chats->bot_name, crm->chats->by_status_code};
    if (auto ready = choose_version(bot, setup); !ready) {
      complain_(ready.error());
      setup.left_out = true;
      setup.program = std::make_shared<const Program>();
      setup.serving = Serving{};
    }
    serve(bot, std::move(setup));
  }

  Result<Done, std::string> choose_version(const BotConfig& bot, BotSetup& setup) {
    auto deployment = choose(bot);
    if (!deployment) return Error{deployment.error()};
    setup.program = chosen_;
    auto serving = serving_by(at_once_, *deployment, chosen_);
    if (!serving) return Error{"bot `" + bot.name + "`: " + serving.error().message};
    setup.serving = std::move(*serving);
    auto tokens = desk_tokens_to_serve(*chosen_, bot.name);
    if (!tokens) return Error{tokens.error()};
    if (auto secrets = event_secrets_to_serve(*chosen_, bot.name); !secrets) return Error{secrets.error()};
    setup.secrets = std::move(*tokens);
    return Done{};
  }

  void serve(const BotConfig& bot, BotSetup setup) {
    const std::shared_ptr<const Program> program = setup.program;
    const auto folder = std::make_shared<LiveFolder>(program->folder);
    // All platforms or none: what is due to people of a platform that is not served would be lost.
    std::vector<std::unique_ptr<ServedTransport>> made_here;
    for (const TransportConfig& transport : bot.transports) {
      auto made = find_transport(transport.name)->make(client_, settings_of(bot, transport, *program, folder));
      if (!made) return complain_("bot `" + bot.name + "`: " + made.error());
      auto one = std::make_unique<ServedTransport>();
      one->bot = bot.name;
      one->menu = menu_of(*program);
      if (setup.left_out) one->health = ServedTransport::Health::LeftOut;
      one->transport = std::move(*made);
      one->renderer = std::make_unique<TransportRenderer>(*one->transport);
      setup.renderers[transport.name] = one->renderer.get();
      made_here.push_back(std::move(one));
    }
    for (auto& one : made_here) {
      couriers_.add(bot.name, *one->transport);
      bots_.served.push_back(std::move(one));
    }
    bots_.live.push_back({bot, setup.left_out ? nullptr : program, folder});
    bots_.setups.push_back(std::move(setup));
  }

  // ---- which version

  /// What the bot is to be played with: `chosen_` is its program then.
  Result<Deployment, std::string> choose(const BotConfig& bot) {
    const auto failed = [&](const std::string& why) { return Error{"bot `" + bot.name + "`: " + why}; };
    const ReadVersion& disk = scenario_of(bot);
    Deployment deployment;
    bool others = false;
    auto asked = storage_.transact([&](Transaction& tx) -> Stored<Done> {
      auto found = tx.versions().deployment(bot.name);
      if (!found) return Error{found.error()};
      deployment = std::move(*found);
      auto served = tx.versions().others_serve();
      if (!served) return Error{served.error()};
      others = *served;
      return Done{};
    });
    if (!asked) return failed(asked.error().message);
    std::string refused = disk.program ? "" : "the scenario has errors";
    const bool same = disk.program && disk.program->version == deployment.version;
    if (disk.program && !same && !deployment.rolled_back && (!others || deployment.version.empty())) {
      auto live = take(bot, disk);
      if (live) return std::move(*live);
      if (live.error().kind != StorageError::Kind::Refused) return failed(live.error().message);
      refused = live.error().message;
    } else if (same) {
      if (auto prepared = prepare(bot, *disk.program); !prepared) return failed(prepared.error().message);
      chosen_ = disk.program;
      return deployment;
    }
    if (deployment.version.empty()) {
      if (disk.program) return failed(refused);
      return Error{"the scenario of the bot `" + bot.name + "` has errors and was not started"};
    }
    std::string why;
    auto program = load_stored(at_once_, bot.name, deployment.version, why);
    if (!program) return failed(program.error().message);
    if (!*program) return failed((refused.empty() ? "" : refused + "; ") + why);
    chosen_ = std::move(*program);
    if (auto prepared = prepare(bot, *chosen_); !prepared) return failed(prepared.error().message);
    tell_other_version(bot, deployment, refused);
    return deployment;
  }

  /// Rows of a file are one scenario's: two files would put theirs in turns into one table.
  Stored<Done> prepare(const BotConfig& bot, const Program& program) {
    std::error_code error;
    const auto folder = [&](const BotConfig& one) { return std::filesystem::weakly_canonical(one.scenario, error); };
    for (const LiveBot& other : bots_.live) {
      if (!other.program || folder(other.config) == folder(bot)) continue;
      for (const Table& table : program.tables) {
        for (const Table& same : other.program->tables) {
          if ((!table.data && !same.data) || to_lower(table.name) != to_lower(same.name)) continue;
          return Error{StorageError{StorageError::Kind::Refused,
                                    "the table `" + table.name + "` is read from a file, and the bot `" + other.config.name +
                                        "` has a table of this name in the same database: give one of them another name, or one of the bots a database of its own"}};
        }
      }
    }
    return storage_.prepare_tables(program);
  }

  Stored<Deployment> take(const BotConfig& bot, const ReadVersion& disk) {
    const Moment now = system_clock().now();
    // Refused tables must not leave a version behind that nobody can serve.
    if (auto prepared = prepare(bot, *disk.program); !prepared) return Error{prepared.error()};
    if (auto kept = store_version(at_once_, bot.name, disk, {}, now, files_.cache()); !kept) return Error{kept.error()};
    auto live = make_live(storage_, bot.name, *disk.program, now);
    if (live) chosen_ = disk.program;
    return live;
  }

  static void tell_other_version(const BotConfig& bot, const Deployment& deployment, const std::string& refused) {
    const std::string version = "version " + deployment.version + " of " + shown_time(deployment.at.unix_ms);
    if (!refused.empty()) {
      write_log(LogLevel::Error, refused + "; " + version + ", which was live before, is served", {{"bot", bot.name}});
    } else if (deployment.rolled_back) {
      write_log(LogLevel::Warning,
                version + " is served, to which it was rolled back; `sufler reload` takes what is in the files",
                {{"bot", bot.name}});
    } else {
      write_log(LogLevel::Warning,
                version + " is served, as by the other processes; the files here are of another, and `sufler reload` "
                "takes them",
                {{"bot", bot.name}});
    }
  }

  TransportSettings settings_of(const BotConfig& bot, const TransportConfig& transport, const Program& program,
                                const std::shared_ptr<LiveFolder>& folder) const {
    TransportSettings settings;
    settings.bot_name = bot.name;
    settings.options = transport.options;
    if (config_.http && !config_.http->public_url.empty())
      settings.webhook_url = config_.http->public_url + webhook_path(transport.name, bot.name);
    settings.topic_groups = topic_groups(program, bot.roles, transport.name);
    settings.scenario_folder = [folder] { return folder->get(); };
    settings.find_file = [&files = files_](const Attachment& file, std::function<void(FoundFile)> done) {
      files.find(file, std::move(done));
    };
    // A photo from VK goes on to an admin in Telegram: whoever holds the file brings its bytes.
    settings.fetch_elsewhere = [&couriers = couriers_, name = bot.name](
                                   const Attachment& file, std::size_t limit,
                                   std::function<void(std::string, std::string)> done) {
      if (amocrm::ChatClient* const chats = file.origin == kCrmTransport ? couriers.crm(name) : nullptr)
        return chats->fetch(file.reference, limit, std::move(done));
      Transport* holder = couriers.find(name, file.origin);
      if (!holder) return done({}, "the bot is not served on " + file.origin + " that holds the file");
      holder->fetch_file(file, limit, std::move(done));
    };
    return settings;
  }

  /// Without a program when it has errors, which are told then.
  const ReadVersion& scenario_of(const BotConfig& bot) {
    std::string key = bot.scenario;
    for (const auto& [role, members] : bot.roles) key.append("\n").append(role);
    if (const auto known = read_.find(key); known != read_.end()) return known->second;
    ReadVersion version = read_version(shown_path(bot.scenario), load_options_of(bot, config_), tool_language({}));
    if (!version.program) complain_(version.problems);
    return read_.emplace(std::move(key), std::move(version)).first->second;
  }

  const Config& config_;
  HttpClient& client_;
  Couriers& couriers_;
  ScenarioFiles& files_;
  Storage& storage_;
  const std::function<void(const std::string&)>& complain_;
  const OnStorage at_once_ = [this](const std::function<Stored<Done>(Storage&)>& job) { return job(storage_); };
  std::map<std::string, ReadVersion> read_;
  std::shared_ptr<const Program> chosen_;
  Bots bots_;
};

}  // namespace

void tell_platforms(Bots& bots, LiveBot& live, std::shared_ptr<const Program> program) {
  live.program = std::move(program);
  // A version from the database has none, and knows its files by their content.
  if (!live.program->folder.empty()) live.folder->set(live.program->folder);
  for (const auto& one : bots.served) {
    if (one->bot != live.config.name) continue;
    one->menu = menu_of(*live.program);
    one->transport->scenario_changed(
        one->menu, topic_groups(*live.program, live.config.roles, one->transport->name()));
  }
}

void Couriers::add(const std::string& bot, Transport& transport) {
  by_bot_[key_of(bot, transport.name())] = &transport;
}

Transport* Couriers::find(std::string_view bot, std::string_view transport) const {
  const auto found = by_bot_.find(key_of(bot, transport));
  return found == by_bot_.end() ? nullptr : found->second;
}

amocrm::ChatClient* Couriers::crm(std::string_view bot) const {
  const auto found = crm_.find(bot);
  return found == crm_.end() ? nullptr : found->second;
}

void Couriers::deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call,
                       std::function<void(Outcome)> done) {
  if (chat.transport == kCrmTransport) {
    if (amocrm::ChatClient* const chats = crm(bot)) return chats->deliver(call, std::move(done));
  } else if (Transport* transport = find(bot, chat.transport)) {
    if (crm_mark(call).empty()) return transport->deliver(chat, call, std::move(done));
    return transport->deliver(chat, without_crm_mark(call), std::move(done));
  }
  Outcome outcome;
  outcome.kind = Outcome::Kind::Failed;
  outcome.reason = "the bot is not served on " + chat.transport;
  done(outcome);
}

void Couriers::later(Duration delay, std::function<void()> job) {
  client_.after(std::chrono::milliseconds(delay.ms), std::move(job));
}

Bots make_bots(const Config& config, HttpClient& client, Couriers& couriers, ScenarioFiles& files, Storage& storage,
               const std::function<void(const std::string&)>& complain) {
  return Maker(config, client, couriers, files, storage, complain).make();
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
  // The platform keeps it, and brings it again.
  if (one.health == ServedTransport::Health::LeftOut) return answer({503, {}, {}});
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

std::vector<Housekeeping::DeskLine> desks_of(const std::vector<BotSetup>& setups) {
  std::vector<Housekeeping::DeskLine> lines;
  for (const BotSetup& bot : setups) {
    for (const Desk& desk : bot.program->desks) {
      lines.emplace_back();
      lines.back().bot = bot.name;
      lines.back().desk = desk.name;
    }
  }
  return lines;
}

std::vector<Housekeeping::DeskLine> desks_now(Engine& engine, std::vector<Housekeeping::DeskLine> desks) {
  using Lines = std::vector<Housekeeping::DeskLine>;
  if (desks.empty()) return desks;
  const auto found = std::make_shared<std::promise<std::optional<Lines>>>();
  auto answer = found->get_future();
  engine.ask([found](Storage& storage) {
    Lines lines;
    const auto done = storage.transact([&](Transaction& tx) -> Stored<Done> {
      auto read = tx.housekeeping().desks({});
      if (!read) return Error{read.error()};
      lines = std::move(*read);
      return Done{};
    });
    found->set_value(done ? std::optional(std::move(lines)) : std::nullopt);
  });
  if (answer.wait_for(kDeskPatience) != std::future_status::ready) return {};
  const std::optional<Lines> lines = answer.get();
  if (!lines) return {};
  for (const Housekeeping::DeskLine& line : *lines)
    for (Housekeeping::DeskLine& desk : desks)
      if (desk.bot == line.bot && desk.desk == line.desk) desk = line;
  return desks;
}

namespace {

void add_job_metrics(MetricsText& text, const Engine& engine) {
  const std::vector<JobRunner::Figures> jobs = engine.job_figures();
  using Figure = std::uint64_t JobRunner::Figures::*;
  const std::pair<const char*, Figure> outcomes[] = {{"done", &JobRunner::Figures::done},
                                                     {"failed", &JobRunner::Figures::failed},
                                                     {"retried", &JobRunner::Figures::retried},
                                                     {"ignored", &JobRunner::Figures::ignored}};
  text.metric("sufler_jobs_total", "counter", "What became of jobs; ignored: results of a lost lease, or that nobody waits for.");
  for (const JobRunner::Figures& one : jobs)
    for (const auto& [name, figure] : outcomes)
      text.sample({{"bot", one.bot}, {"service", one.service}, {"outcome", name}}, one.*figure);
  text.metric("sufler_jobs_waiting", "gauge", "Jobs stored and not done, at the last look.");
  for (const JobRunner::Figures& one : jobs) text.sample({{"bot", one.bot}, {"service", one.service}}, one.waiting);
  text.metric("sufler_jobs_running", "gauge", "Jobs that this process works on.");
  text.sample({}, static_cast<std::uint64_t>(engine.working()));
}

void add_service_metrics(MetricsText& text, const std::vector<ServiceFigure>& figures) {
  std::string_view name;
  for (const ServiceFigure& one : figures) {
    if (one.name != name) text.metric(one.name, one.kind, one.help);
    name = one.name;
    text.sample(MetricsText::Labels(one.labels.begin(), one.labels.end()), one.value);
  }
}

}  // namespace

std::string metrics_page(const Engine& engine, const std::vector<std::unique_ptr<ServedTransport>>& served,
                         const std::vector<Housekeeping::DeskLine>& desks, const std::vector<ServiceFigure>& services) {
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
  of_bots("sufler_broadcast_given_total", "People whose turn in a broadcast came.", &Engine::Figures::broadcast_given);
  of_bots("sufler_broadcast_sent_total", "People to whom a broadcast was sent.", &Engine::Figures::broadcast_sent);
  of_bots("sufler_broadcast_failed_total", "People to whom it could not be sent, or nobody knows.",
          &Engine::Figures::broadcast_failed);
  text.metric("sufler_sending", "gauge", "Calls stored and not yet sent.");
  text.sample({}, static_cast<std::uint64_t>(engine.sending()));
  text.metric("sufler_waiting_for_pace", "gauge",
              "Of these, calls that wait because a limit of their platform (of one chat, of the whole bot) is reached.");
  for (const Engine::Figures& bot : bots) {
    text.sample({{"bot", bot.bot}, {"limit", "chat"}}, std::uint64_t{bot.waiting.for_chats});
    text.sample({{"bot", bot.bot}, {"limit", "bot"}}, std::uint64_t{bot.waiting.for_bot});
  }
  add_job_metrics(text, engine);
  add_service_metrics(text, services);
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
  const auto of_desks = [&](std::string_view name, std::string_view help, std::int64_t Housekeeping::DeskLine::*figure) {
    if (desks.empty()) return;
    text.metric(name, "gauge", help);
    for (const Housekeeping::DeskLine& one : desks)
      text.sample({{"bot", one.bot}, {"desk", one.desk}}, static_cast<std::uint64_t>(std::max<std::int64_t>(0, one.*figure)));
  };
  of_desks("sufler_desk_queue", "Tickets that wait for an agent.", &Housekeeping::DeskLine::queued);
  of_desks("sufler_desk_open_tickets", "Tickets that an agent has.", &Housekeeping::DeskLine::open);
  of_desks("sufler_desk_agents_on_duty", "Agents who are on duty.", &Housekeeping::DeskLine::on_duty);
  text.metric("sufler_log_lines_lost_total", "counter", "Lines of the log that could not be written.");
  text.sample({}, lost_log_lines());
  text.metric("sufler_storage_up", "gauge", "Whether the last transaction was stored.");
  text.sample({}, std::uint64_t{engine.storage_well() ? 1u : 0u});
  add_process_metrics(text);
  return text.take();
}

}  // namespace sufler

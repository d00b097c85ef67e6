#include "faults/desk_load.h"

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>

#include "fakes/telegram/fake_telegram.h"
#include "fakes/telegram/test_client.h"
#include "fakes/vk/fake_vk.h"
#include "faults/rows.h"
#include "serve/sufler_process.h"

namespace sufler::tests {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr const char* kToken = "CANARY-word-of-the-desk";
constexpr std::int64_t kFirstAgent = 700'000, kFirstClient = 100'000;
/// With nothing that comes for so long somebody is stuck.
constexpr std::chrono::seconds kPatience{40};
/// How long before a kill a message may have left and still not be recorded as sent (audit.cpp).
constexpr std::int64_t kUnrecordedMs = 3000;
constexpr std::int64_t kAfterStartMs = 5000;
constexpr milliseconds kTick{10};

const std::string kScenario = R"yaml(scenario: support
language: ru
start: welcome
branches:
  welcome:
    - handoff: support
handoff:
  support:
    mode: relay
    desk: support
    assign: [last_agent, available and seen < 5m, available]
    greeting: "На связи {{ handoff.agent }}."
    queue: "Вы {{ handoff.position }}-й в очереди."
    idle: {remind: 10m, reassign: 20m, close: 24h}
desks:
  support:
    register: {command: /register_support, token: "${SUPPORT_TOKEN}"}
    capacity: )yaml";

/// A text that somebody wrote: `k17-3` of the client 17, `a17-3` to them.
struct Line {
  int client = 0;
  int number = 0;
  bool to_agent = false;
  int agent = -1;                        ///< who wrote it, of those to clients
  std::vector<std::string> updates;      ///< several when its author had to say it again
};


class Run {
 public:
  explicit Run(const DeskLoad& load) : load_(load), telegram_(telegram_options()), chance_(load.seed) {
    if (load_.clients_in_vk) vk_ = std::make_unique<fakes::FakeVk>(vk_options());
    clients_.resize(static_cast<std::size_t>(load_.clients));
    on_duty_.assign(static_cast<std::size_t>(load_.agents), true);
    write_files();
  }

  DeskLoadReport run() {
    start();
    if (vk_ && !vk_->wait_until_polling(true, kPatience)) fail("VK is not polled");
    register_agents();
    for (int client = 0; client < load_.clients; ++client) {
      client_says(client);
      pause();
    }
    settle();
    report_.said = 0;
    const double cpu_before = cpu();
    const auto began = Steady::now();
    talk();
    recover_all();
    settle();
    report_.cpu_seconds = cpu() - cpu_before;
    report_.seconds = std::chrono::duration<double>(Steady::now() - began).count();
    note_memory();
    play_out();
    sufler_->signal(SIGTERM);
    if (sufler_->wait(kPatience) != 0) report_.wrong.push_back("it did not end well");
    read_calls();
    audit();
    measure();
    report_.output = sufler_->output();
    if (report_.output.size() > 4000) report_.output.erase(0, report_.output.size() - 4000);
    return std::move(report_);
  }

 private:
  struct Client {
    int said = 0, answered = 0;
    int owner = -1;                ///< the agent who has seen their last text, or got their ticket since
    std::int64_t last_there = 0;   ///< its message in the agent's chat; the first, when it was shown twice
    std::int64_t newest_there = 0;
    std::map<int, std::int64_t> headers;     ///< what says that the ticket is theirs now: by agent
    std::vector<std::string> unplaced;       ///< answers that went to nobody, to be said again by whoever has the ticket
  };

  static fakes::FakeTelegramOptions telegram_options() {
    fakes::FakeTelegramOptions options;
    options.kept_calls = 1'000'000;
    return options;
  }
  static fakes::FakeVkOptions vk_options() {
    fakes::FakeVkOptions options;
    fakes::VkCommunity community;
    community.group_id = fakes::kVkTestGroup;
    community.token = fakes::kVkTestToken;
    community.long_poll = true;
    options.communities = {community};
    options.kept_calls = 1'000'000;
    return options;
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw std::runtime_error(why + "\n" + (sufler_ ? sufler_->output() : std::string()));
  }

  // ---- the process

  void write_files() {
    database_ = load_.database.empty() ? "sqlite:" + folder_.path() + "/desk.db" : load_.database;
    folder_.write("desk.yaml", kScenario + std::to_string(load_.capacity) + "\n");
    // What is measured is the desk, not the pace that platforms allow.
    std::string bot = "    telegram: {token: \"${TOKEN}\", messages_per_second: 0, chat_messages_per_second: 0, api: \"" +
                      telegram_.url() + "\"}\n";
    if (vk_)
      bot += "    vk: {group: " + std::to_string(vk_->group_id()) + ", token: \"${VK_TOKEN}\", requests_per_second: 10000, api: \"" +
             vk_->url() + "\"}\n";
    folder_.write("sufler.yaml", "database: \"" + database_ + "\"\ndurability: " + load_.durability +
                                     "\nlog: {level: warning}\nflood: {messages: 0}\n"
                                     "bots:\n  support:\n    scenario: desk.yaml\n" + bot);
  }

  void start() {
    SuflerOptions options;
    options.arguments = {"run", "sufler.yaml"};
    options.environment = {{"TOKEN", telegram_.token()}, {"SUPPORT_TOKEN", kToken}, {"LC_ALL", "C.UTF-8"}};
    if (vk_) options.environment["VK_TOKEN"] = vk_->token();
    options.folder = folder_.path();
    options.output = folder_.path() + "/output.log";
    sufler_ = std::make_unique<SuflerProcess>(options);
  }

  void kill() {
    note_memory();
    sufler_->kill();
    sufler_->wait(kPatience);
    cpu_of_the_dead_ += sufler_->cpu_seconds();
    // What it still sent lies in the sockets, which are read in turn: a new request is behind it.
    fakes::request(telegram_.port(), "GET", "/control/faults");
    if (vk_) fakes::request(vk_->port(), "GET", "/control/options");
    kills_.push_back(unix_ms());
    ++report_.kills;
    start();
  }

  double cpu() const { return cpu_of_the_dead_ + sufler_->cpu_seconds(); }

  void note_memory() {
    const std::string status = read_file("/proc/" + std::to_string(sufler_->pid()) + "/status");
    if (const std::size_t at = status.find("VmHWM:"); at != std::string::npos)
      report_.most_memory_kb = std::max(report_.most_memory_kb, std::atol(status.c_str() + at + 6));
  }

  // ---- people

  static std::int64_t agent_id(int agent) { return kFirstAgent + agent; }
  static std::int64_t client_id(int client) { return kFirstClient + client; }
  static std::string key(const Line& line) {
    return (line.to_agent ? "k" : "a") + std::to_string(line.client) + "-" + std::to_string(line.number);
  }

  json agent_does(int agent, const std::string& text, std::int64_t reply_to = 0) {
    json act = {{"user", agent_id(agent)}, {"text", text}};
    if (reply_to != 0) act["reply_to"] = reply_to;
    return json::parse(telegram_.control("say", act.dump()));
  }

  void register_agents() {
    for (int agent = 0; agent < load_.agents; ++agent) {
      telegram_.add_user({agent_id(agent), "Оператор" + std::to_string(agent), {}, {}, "ru"});
      agent_does(agent, "/register_support " + std::string(kToken));
    }
    for (int agent = 0; agent < load_.agents; ++agent)
      if (telegram_.wait_for_messages(agent_id(agent), 1, kPatience).empty()) fail("an agent was not registered");
    for (int client = 0; client < load_.clients; ++client) {
      const std::string name = "Клиент" + std::to_string(client);
      if (vk_) {
        vk_->add_user({client_id(client), name, "К"}, true);
      } else {
        telegram_.add_user({client_id(client), name, {}, {}, "ru"});
      }
    }
  }

  void client_says(int client) {
    Line line{client, clients_[static_cast<std::size_t>(client)].said++, true, -1, {}};
    const std::string text = key(line);
    if (vk_) {
      line.updates = {vk_->say(client_id(client), text).event_id};
    } else {
      line.updates = {std::to_string(telegram_.say(client_id(client), text))};
    }
    lines_[text] = std::move(line);
    missing_.insert(text);
    ++report_.said;
  }

  bool agent_answers(int client) {
    Client& talk = clients_[static_cast<std::size_t>(client)];
    if (talk.owner < 0) return false;
    Line line{client, talk.answered++, false, talk.owner, {}};
    const std::string text = key(line);
    lines_[text] = std::move(line);
    missing_.insert(text);
    say_answer(text);
    ++report_.said;
    return true;
  }

  void say_answer(const std::string& text) {
    Line& line = lines_[text];
    const Client& talk = clients_[static_cast<std::size_t>(line.client)];
    const json done = agent_does(line.agent, text, talk.last_there);
    line.updates.push_back(std::to_string(done["update_id"].get<std::int64_t>()));
    answers_[{agent_id(line.agent), done["message_id"]}] = text;
  }

  void toggle(int agent) {
    agent_does(agent, "/available");
    const bool now = on_duty_[static_cast<std::size_t>(agent)] = !on_duty_[static_cast<std::size_t>(agent)];
    if (now) return;
    for (Client& client : clients_)
      if (client.owner == agent) client.owner = -1;
  }

  int up_to(int most) { return std::uniform_int_distribution<int>(0, most)(chance_); }

  void pause() {
    std::this_thread::sleep_for(std::chrono::duration<double>(1 / load_.messages_per_second));
  }

  /// Everybody writes; now and then something goes wrong.
  void talk() {
    const auto began = Steady::now();
    double written = 0;
    const auto next = [&](milliseconds every) { return every.count() > 0 ? began + every : Steady::time_point::max(); };
    auto kill_at = next(load_.kill_every), refuse_at = next(load_.refusal_every), leave_at = next(load_.leave_every);
    auto back_at = Steady::time_point::max();
    int away = -1;
    for (auto now = began; now < began + load_.duration; now = Steady::now()) {
      const double due = std::chrono::duration<double>(now - began).count() * load_.messages_per_second;
      for (; written < due; ++written) {
        const int client = up_to(load_.clients - 1);
        if (up_to(1) == 0 || !agent_answers(client)) client_says(client);
      }
      read_calls();
      if (now >= refuse_at) {
        refuse();
        refuse_at += load_.refusal_every;
      }
      if (now >= leave_at) {
        if (load_.stall_while_away) sufler_->signal(SIGSTOP);
        toggle(away = up_to(load_.agents - 1));
        ++report_.leaves;
        leave_at += load_.leave_every;
        back_at = now + load_.leave_every / 2;
      }
      if (now >= back_at) {
        toggle(away);
        back_at = Steady::time_point::max();
        if (load_.stall_while_away) sufler_->signal(SIGCONT);
      }
      if (now >= kill_at) {
        kill();
        kill_at += load_.kill_every;
      }
      std::this_thread::sleep_for(kTick);
    }
  }

  void refuse() {
    ++report_.refusals;
    const int skip = up_to(20);
    if (vk_ && up_to(1) == 0) {
      vk_->fail_next({.kind = "rate_limit", .method = "messages.send", .skip = skip});
    } else {
      telegram_.fail_next({.kind = "rate_limit", .method = "sendMessage", .skip = skip});
    }
  }

  void recover_all() {
    sufler_->signal(SIGCONT);
    telegram_.clear_faults();
    if (vk_) vk_->clear_faults();
    for (int agent = 0; agent < load_.agents; ++agent)
      if (!on_duty_[static_cast<std::size_t>(agent)]) toggle(agent);
  }

  /// Until everything said has come, or nothing comes any more.
  void settle() {
    auto until = Steady::now() + kPatience;
    std::size_t before = missing_.size();
    while (!missing_.empty() && Steady::now() < until) {
      read_calls();
      if (missing_.size() < before) until = Steady::now() + kPatience;
      before = missing_.size();
      std::this_thread::sleep_for(kTick);
    }
  }

  /// An agent who came back last has just been given tickets. A stop would leave the news of them to the next start, so
  /// what is found in the inbox behind this was forgotten.
  void play_out() {
    const auto until = Steady::now() + kPatience;
    while (!rows_of(database_, "SELECT 1 FROM inbox LIMIT 1").empty() && Steady::now() < until)
      std::this_thread::sleep_for(kTick);
  }

  // ---- what came

  static std::optional<int> number_behind(const std::string& text, const std::string& word) {
    const std::size_t at = text.find(word);
    if (at == std::string::npos) return std::nullopt;
    return std::atoi(text.c_str() + at + word.size());
  }

  /// The text of a person that a message carries: the last word.
  Line* line_in(const std::string& text) {
    const std::size_t space = text.rfind(' ');
    const auto found = lines_.find(space == std::string::npos ? text : text.substr(space + 1));
    return found == lines_.end() ? nullptr : &found->second;
  }

  void read_calls() {
    for (const json& call : json::parse(telegram_.control("calls", json{{"since", last_telegram_}}.dump()))) {
      last_telegram_ = call["number"];
      if (call["method"] == "sendMessage") heard(call, "text", call["chat"], true);
      if (call["method"] == "sendDocument") heard(call, "caption", call["chat"], true);
    }
    if (vk_) {
      for (const json& call : json::parse(vk_->control("calls", json{{"since", last_vk_}}.dump()))) {
        last_vk_ = call["number"];
        if (call["method"] == "messages.send") heard(call, "message", call["peer"], false);
      }
    }
    say_unplaced();
  }

  void heard(const json& call, const char* field, std::int64_t chat, bool in_telegram) {
    const json& params = call["params"];
    if (!params.is_object() || !params.contains(field)) return;
    const std::string text = params[field];
    const bool came = call["ok"].get<bool>() && call["applied"].get<bool>();
    const std::int64_t at = call["at_ms"];
    // VK holds back the whole bot, Telegram a chat.
    sends_[in_telegram ? chat : 0].push_back({at, came, text});
    const int agent = in_telegram && chat >= kFirstAgent ? static_cast<int>(chat - kFirstAgent) : -1;
    Line* const line = line_in(text);
    const bool first = line && came && missing_.erase(key(*line)) > 0;
    if (agent < 0 || !came) return;
    if (!line) {
      if (const auto client = number_behind(text, ": Клиент"); client && text.starts_with("Обращение №")) {
        handed_[*client].push_back(at);
        take_on(*client, agent, call["result"]["message_id"]);
      }
      if (params.contains("reply_parameters")) ask_again(chat, params["reply_parameters"], text);
      return;
    }
    if (!line->to_agent || !on_duty_[static_cast<std::size_t>(agent)]) return;
    Client& talk = clients_[static_cast<std::size_t>(line->client)];
    // A second copy may come to an agent whose client went to another meanwhile.
    if (first || agent == talk.owner) talk.newest_there = call["result"]["message_id"];
    // Of what was shown twice the first may be answered, although only the second is known to have been sent.
    if (!first) return;
    talk.owner = agent;
    talk.last_there = call["result"]["message_id"];
  }

  /// The desk gave the client's ticket to the agent.
  void take_on(int number, int agent, std::int64_t header) {
    Client& talk = clients_[static_cast<std::size_t>(number)];
    talk.headers[agent] = header;
    if (!on_duty_[static_cast<std::size_t>(agent)]) return;
    talk.owner = agent;
    talk.last_there = talk.newest_there = header;
  }

  /// The desk said beneath an agent's message that it went to nobody: it does not know whom that answers, or the ticket
  /// is another's by now. Whoever has it says it again, in answer to the newest message.
  void ask_again(std::int64_t chat, const json& reply, const std::string& why) {
    const json read = reply.is_string() ? json::parse(reply.get<std::string>()) : reply;
    const auto found = answers_.find({chat, read.value("message_id", std::int64_t{0})});
    if (found == answers_.end()) return;
    const std::string text = found->second;
    answers_.erase(found);
    ++report_.asked_again;
    said_late_.insert(text);
    Client& talk = clients_[static_cast<std::size_t>(lines_[text].client)];
    if (talk.owner == chat - kFirstAgent) {
      const auto holder = number_behind(why, "теперь у Оператор");
      const auto header = holder ? talk.headers.find(*holder) : talk.headers.end();
      if (header != talk.headers.end()) {
        take_on(lines_[text].client, *holder, header->second);
      }
      if ((holder && *holder != talk.owner) || why.ends_with("вернулось в очередь.")) talk.owner = -1;
    }
    talk.unplaced.push_back(text);
  }

  void say_unplaced() {
    for (Client& talk : clients_) {
      if (talk.owner < 0) continue;
      for (const std::string& text : std::exchange(talk.unplaced, {})) {
        talk.last_there = talk.newest_there;
        lines_[text].agent = talk.owner;
        say_answer(text);
      }
    }
  }

  // ---- afterwards

  struct Shown {
    std::string text;
    std::int64_t at_ms = 0;
  };
  std::vector<Shown> shown(std::int64_t chat, bool in_vk) const {
    std::vector<Shown> all;
    const json messages = json::parse(in_vk ? vk_->control("messages", json{{"peer", chat}}.dump())
                                            : telegram_.control("messages", json{{"chat", chat}}.dump()));
    for (const json& message : messages) all.push_back({message["text"], in_vk ? 0 : message["at_ms"].get<std::int64_t>()});
    return all;
  }

  void audit() {
    std::set<std::string> found;
    for (int agent = 0; agent < load_.agents; ++agent)
      audit_chat("agent " + std::to_string(agent), shown(agent_id(agent), false), true, -1, false, found);
    for (int client = 0; client < load_.clients; ++client)
      audit_chat("client " + std::to_string(client), shown(client_id(client), vk_ != nullptr), false, client,
                 vk_ != nullptr, found);
    for (const auto& [text, line] : lines_)
      if (!found.contains(text)) report_.wrong.push_back("lost: " + text + where_it_is(line));
    for (const Row& row : rows_of(database_, "SELECT state, chat, method, attempts, reason FROM outbox"))
      (row[0] == "2" ? report_.unknown : report_.wrong).push_back("in the outbox: " + joined(row));
    for (const Row& row : rows_of(database_, "SELECT kind, reason, subject FROM dead_letters"))
      report_.wrong.push_back("a dead letter: " + joined(row));
    for (const Row& row : rows_of(database_, "SELECT id, event_id, attempts FROM inbox"))
      report_.wrong.push_back("in the inbox: " + joined(row));
  }

  /// Of a text that nobody got: how far it came.
  std::string where_it_is(const Line& line) const {
    const Client& talk = clients_[static_cast<std::size_t>(line.client)];
    const std::string text = key(line);
    std::string where;
    const auto handed_out = hand_outs();
    for (const std::string& update : line.updates) {
      const auto times = handed_out.find(update);
      where += "; update " + update +
               (times == handed_out.end() ? " was never fetched" : " was fetched " + std::to_string(times->second.size()) + " times");
    }
    if (!line.to_agent) where += "; said by agent " + std::to_string(line.agent);
    where += "; the client's agent is " + std::to_string(talk.owner);
    if (std::find(talk.unplaced.begin(), talk.unplaced.end(), text) != talk.unplaced.end())
      where += "; it went to nobody, and nobody has the ticket who could say it again";
    for (const Row& row : rows_of(database_, "SELECT m.carried, t.state, a.name FROM ticket_messages AS m JOIN tickets AS t ON "
                                             "t.id = m.ticket_id LEFT JOIN agents AS a ON a.id = t.agent_id WHERE m.event LIKE '%\"" +
                                                 text + "\"%'"))
      where += "; in a ticket (carried, state, agent): " + joined(row);
    int sends = 0;
    for (const auto& [chat, all] : sends_)
      for (const Send& send : all) sends += send.text.ends_with(text);
    return where + "; requests with it: " + std::to_string(sends);
  }

  void audit_chat(const std::string& whose, const std::vector<Shown>& messages, bool of_agent, int client, bool never_twice,
                  std::set<std::string>& found) {
    std::map<int, int> last;                   // by client
    std::map<std::string, std::int64_t> first;  // what was shown, and when
    for (const Shown& message : messages) {
      const Line* const line = line_in(message.text);
      if (!line) continue;
      const std::string text = key(*line);
      if (line->to_agent != of_agent || (!of_agent && line->client != client)) {
        report_.wrong.push_back(whose + " got what was for another: " + text);
        continue;
      }
      if (const auto before = first.find(text); before != first.end()) {
        const auto killed = std::find_if(kills_.begin(), kills_.end(), [&](std::int64_t kill) {
          return before->second <= kill && kill - before->second <= kUnrecordedMs && kill <= message.at_ms;
        });
        if (never_twice || killed == kills_.end()) {
          report_.wrong.push_back(whose + " got twice: " + text);
        } else {
          report_.repeated.push_back(whose + ": " + text + ", " + std::to_string(*killed - before->second) + " ms before a kill and " +
                                     std::to_string(message.at_ms - *killed) + " ms behind it");
        }
        continue;
      }
      first[text] = message.at_ms;
      if (!found.insert(text).second) report_.wrong.push_back("two people got " + text);
      const auto place = last.find(line->client);
      // What an agent had to say again stands where it was said again.
      if (place != last.end() && place->second > line->number && !said_late_.contains(text))
        report_.wrong.push_back(whose + " got " + text + " behind number " + std::to_string(place->second));
      int& newest = last[line->client];
      newest = std::max(newest, line->number);
    }
  }

  struct Send {
    std::int64_t at_ms;
    bool came;
    std::string text;
  };

  /// When the platforms handed out each update.
  std::map<std::string, std::vector<std::int64_t>> hand_outs() const {
    std::map<std::string, std::vector<std::int64_t>> all;
    const auto add = [&](const json& polls) {
      for (const json& poll : polls)
        for (const json& id : poll["result"])
          all[id.is_string() ? id.get<std::string>() : id.dump()].push_back(poll["at_ms"]);
    };
    add(json::parse(telegram_.control("calls", R"({"method":"getUpdates","ok":true})")));
    if (vk_) add(json::parse(vk_->control("calls", R"({"method":"longpoll","ok":true})")));
    return all;
  }

  void measure() {
    const auto handed_out = hand_outs();
    // A process that was killed takes up again with its first poll.
    std::vector<std::pair<std::int64_t, std::int64_t>> down;
    const json polls = json::parse(telegram_.control("calls", R"({"method":"getUpdates"})"));
    for (const std::int64_t kill : kills_) {
      const auto first = std::find_if(polls.begin(), polls.end(), [&](const json& poll) { return poll["at_ms"] > kill; });
      down.emplace_back(kill, first == polls.end() ? kill : (*first)["at_ms"].get<std::int64_t>());
    }
    std::set<std::string> measured;
    for (const auto& [chat, sends] : sends_) {
      std::vector<std::pair<std::int64_t, std::int64_t>> held;  // by the platform
      for (std::size_t i = 0; i < sends.size(); ++i)
        if (!sends[i].came) held.emplace_back(sends[i].at_ms, i + 1 < sends.size() ? sends[i + 1].at_ms : sends[i].at_ms + 1000);
      std::int64_t disturbed_at = 0;  // the last one that waited for others went then
      for (const Send& send : sends) {
        const Line* const line = line_in(send.text);
        if (!line || line->number == 0 || !measured.insert(key(*line)).second) continue;
        std::int64_t from = 0;
        for (const std::string& update : line->updates)
          if (const auto times = handed_out.find(update); times != handed_out.end())
            for (const std::int64_t at : times->second)
              if (at <= send.at_ms) from = std::max(from, at);
        if (from == 0) continue;
        const auto crosses = [&](const auto& spans) {
          return std::any_of(spans.begin(), spans.end(),
                             [&](const auto& span) { return from <= span.second && span.first < send.at_ms; });
        };
        const auto handed = handed_.find(line->client);
        const bool waited_for_agent =
            line->to_agent && handed != handed_.end() &&
            std::any_of(handed->second.begin(), handed->second.end(),
                        [&](std::int64_t at) { return from <= at && at <= send.at_ms; });
        report_.whole_latency_ms.push_back(send.at_ms - from);
        if (crosses(down) || crosses(held) || waited_for_agent || from <= disturbed_at) {
          disturbed_at = send.at_ms;
          continue;
        }
        const bool after_start = std::any_of(down.begin(), down.end(), [&](const auto& span) {
          return span.second <= from && from - span.second < kAfterStartMs;
        });
        (after_start ? report_.latency_after_start_ms : report_.latency_ms).push_back(send.at_ms - from);
      }
    }
  }

  const DeskLoad load_;
  TempFolder folder_;
  fakes::FakeTelegram telegram_;
  std::unique_ptr<fakes::FakeVk> vk_;
  std::string database_;
  std::unique_ptr<SuflerProcess> sufler_;
  std::mt19937_64 chance_;
  DeskLoadReport report_;

  std::vector<Client> clients_;
  std::vector<bool> on_duty_;
  std::map<std::string, Line> lines_;  ///< by their texts
  std::set<std::string> missing_;
  std::set<std::string> said_late_;
  std::map<std::pair<std::int64_t, std::int64_t>, std::string> answers_;  ///< by chat and message
  std::map<std::int64_t, std::vector<Send>> sends_;                       ///< by chat; 0: VK
  std::map<int, std::vector<std::int64_t>> handed_;  ///< when a client's ticket went to an agent
  std::int64_t last_telegram_ = 0, last_vk_ = 0;
  std::vector<std::int64_t> kills_;
  double cpu_of_the_dead_ = 0;
};

}  // namespace

DeskLoadReport run_desk_load(const DeskLoad& load) { return Run(load).run(); }

}  // namespace sufler::tests

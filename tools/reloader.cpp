#include "tools/reloader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "interpreter/runtime/log.h"
#include "tools/between_turns.h"
#include "tools/commands.h"
#include "tools/version_orders.h"

namespace sufler {
namespace {

using json = nlohmann::ordered_json;
using std::chrono::milliseconds;

/// Of a refused scenario so many problems stand in the log, and so many in the notice to a role.
constexpr std::size_t kLogged = 20, kNoticed = 3;

std::string text_of(const json& from, const char* name) {
  const auto found = from.find(name);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

json shown(const VersionOrders::Outcome& outcome) {
  json one = {{"bot", outcome.bot},       {"done", outcome.done},       {"changed", outcome.changed},
              {"before", outcome.before}, {"version", outcome.version}};
  if (!outcome.error.empty()) one["error"] = outcome.error;
  if (!outcome.problems.empty()) one["problems"] = outcome.problems;
  if (!outcome.lines.empty()) one["changes"] = outcome.lines;
  return one;
}

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

struct Order {
  enum class What : std::uint8_t { Reload, CatchUp, Fetch, Command } what = What::Reload;
  std::string bot;  ///< empty: all
  std::string note, because;
  std::string version = {};  ///< of a Fetch
  json request = {};  ///< of a Command that is no reload
  std::vector<std::function<void(std::string)>> answers = {};
};

}  // namespace

struct Reloader::Impl {
  const Config& config;
  Engine& engine;
  Bots& bots;

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Order> orders;
  std::map<std::string, std::string> live;  ///< versions, by bot
  std::map<std::string, std::int64_t> generations;
  std::map<std::string, std::shared_ptr<const Program>> programs;
  bool stopping = false;
  std::vector<Serving> freed;  // by the reloader's thread; what the engine's thread does not want to wait for
  std::map<std::string, std::string> refused;  // what was told last, by bot; the reloader's thread
  Adopted adopted;
  BetweenTurns turns;
  VersionOrders versions;
  std::thread thread;

  Impl(const Config& configuration, Engine& running, Bots& served, Adopted handler)
      : config(configuration),
        engine(running),
        bots(served),
        adopted(std::move(handler)),
        turns(running),
        versions([this](const auto& job) { return turns(job); }, configuration,
                 [this](const BotConfig& bot, Serving serving, const Deployment&) { adopt(bot, std::move(serving)); },
                 [this](milliseconds time) { return wait(time); }) {
    for (const LiveBot& bot : bots.live) {
      if (!bot.program) continue;
      live[bot.config.name] = bot.program->version;
      programs[bot.config.name] = bot.program;
    }
    thread = std::thread([this] { run(); });
  }

  void stop() {
    {
      std::lock_guard lock(mutex);
      stopping = true;
      turns.stop();
      wake.notify_all();
    }
    if (thread.joinable()) thread.join();
    std::deque<Order> left;
    {
      std::lock_guard lock(mutex);
      left.swap(orders);
    }
    for (const Order& order : left) give(order, {{"error", "the process is stopping"}});
  }

  void put(Order order) {
    std::unique_lock lock(mutex);
    if (stopping) {
      lock.unlock();
      return give(order, {{"error", "the process is stopping"}});
    }
    // Whoever asks for the same before it has begun is answered by the same reading.
    for (Order& waiting : orders) {
      if (order.what == Order::What::Command || waiting.what != order.what || waiting.bot != order.bot ||
          waiting.note != order.note || waiting.version != order.version)
        continue;
      std::move(order.answers.begin(), order.answers.end(), std::back_inserter(waiting.answers));
      return;
    }
    orders.push_back(std::move(order));
    wake.notify_all();
  }

  static void give(const Order& order, const json& answer) {
    for (const auto& take : order.answers) take(dump(answer));
  }

  bool wait(milliseconds time) {
    std::unique_lock lock(mutex);
    return !wake.wait_for(lock, time, [&] { return stopping; });
  }

  /// On the engine's thread.
  void adopt(const BotConfig& bot, Serving serving) {
    const std::shared_ptr<const Program> program = serving.program;
    const std::int64_t generation = serving.generation;
    for (LiveBot& one : bots.live) {
      if (one.config.name != bot.name) continue;
      const bool left_out = !one.program;
      tell_platforms(bots, one, program);
      if (adopted) adopted(bot.name, *program, left_out);
    }
    Serving before = engine.serve(bot.name, std::move(serving));
    std::lock_guard lock(mutex);
    live[bot.name] = program->version;
    programs[bot.name] = program;
    generations[bot.name] = generation;
    freed.push_back(std::move(before));
  }

  void run() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      if (orders.empty()) {
        wake.wait(lock);
        continue;
      }
      const Order order = std::move(orders.front());
      orders.pop_front();
      lock.unlock();
      carry_out(order);
      std::vector<Serving> old;
      lock.lock();
      old.swap(freed);
      lock.unlock();
      old.clear();
      lock.lock();
    }
  }

  std::vector<BotConfig> meant(const std::string& bot) const {
    std::vector<BotConfig> all;
    for (const LiveBot& one : bots.live)
      if (bot.empty() || one.config.name == bot) all.push_back(one.config);
    return all;
  }

  void carry_out(const Order& order) {
    const std::vector<BotConfig> some = meant(order.bot);
    if (some.empty()) return give(order, {{"error", "no bot `" + order.bot + "` is served"}});
    json all = json::array();
    for (const BotConfig& bot : some) {
      if (order.what == Order::What::Reload) {
        const VersionOrders::Outcome outcome = versions.reload(bot, order.note, playing(bot.name));
        tell(outcome, "reload", order.because);
        all.push_back(shown(outcome));
      } else if (order.what == Order::What::CatchUp) {
        std::string playing;
        std::int64_t generation = 0;
        {
          std::lock_guard lock(mutex);
          playing = live[bot.name];
          generation = generations[bot.name];
        }
        const VersionOrders::Outcome outcome = versions.catch_up(bot, playing, generation);
        if (outcome.changed || !outcome.error.empty()) tell(outcome, "taking over what another process has deployed", {});
      } else if (order.what == Order::What::Fetch) {
        fetch(bot, order.version);
      } else {
        all.push_back(shown(command(bot, order.request)));
      }
    }
    give(order, {{"bots", std::move(all)}});
  }

  /// What a dialog is pinned to. When the database gives none the engine asks again.
  void fetch(const BotConfig& bot, const std::string& version) {
    VersionOrders::Outcome outcome;
    bool gone = false;
    const auto program = versions.stored(bot, version, outcome, &gone);
    if (!program && !gone) return write_log(LogLevel::Warning, outcome.error, {{"bot", bot.name}, {"version", version}});
    if (gone) write_log(LogLevel::Error, outcome.error, {{"bot", bot.name}, {"version", version}});
    (void)turns([&](Storage&) -> Stored<Done> {
      engine.keep(bot.name, version, program);
      return Done{};
    });
  }

  VersionOrders::Outcome command(const BotConfig& bot, const json& request) {
    if (text_of(request, "op") == "rollback") {
      VersionOrders::Outcome outcome = versions.roll_back(bot, text_of(request, "version"));
      tell(outcome, "rollback", "an operator's command");
      return outcome;
    }
    const std::string user = text_of(request, "user");
    const std::size_t colon = user.find(':');
    VersionOrders::Outcome outcome =
        versions.rehearse(bot, text_of(request, "path"), user.substr(0, colon), user.substr(colon + 1));
    tell(outcome, "rehearsal", "an operator's command");
    return outcome;
  }

  /// On the reloader's thread.
  void tell(const VersionOrders::Outcome& outcome, const std::string& what, const std::string& because) {
    if (!outcome.error.empty()) {
      write_log(LogLevel::Error, what + " refused: " + outcome.error, {{"bot", outcome.bot}, {"because", because}});
      // A watched file and whoever asks besides find the same: it is told once.
      std::string whole = what + "\n" + outcome.error;
      for (const std::string& line : outcome.errors) whole += "\n" + line;
      if (std::exchange(refused[outcome.bot], whole) == whole) return;
      for (std::size_t i = 0; i < std::min(outcome.errors.size(), kLogged); ++i)
        write_log(LogLevel::Error, outcome.errors[i], {{"bot", outcome.bot}});
      if (outcome.errors.size() > kLogged)
        write_log(LogLevel::Error, "and " + std::to_string(outcome.errors.size() - kLogged) + " more; `sufler check` shows all",
                  {{"bot", outcome.bot}});
      if (what == "reload") notice(outcome);
      return;
    }
    refused.erase(outcome.bot);
    if (!outcome.changed) {
      write_log(LogLevel::Info, what + ": nothing has changed",
                {{"bot", outcome.bot}, {"version", outcome.version}, {"because", because}});
      return;
    }
    write_log(LogLevel::Info, what + " done: a new version is served",
              {{"bot", outcome.bot}, {"version", outcome.version}, {"before", outcome.before}, {"because", because}});
    for (const std::string& line : outcome.lines) write_log(LogLevel::Info, line, {{"bot", outcome.bot}});
  }

  std::shared_ptr<const Program> playing(const std::string& bot) {
    std::lock_guard lock(mutex);
    return programs[bot];
  }

  /// In words of the bot's own language: whoever has the role reads the bot.
  void notice(const VersionOrders::Outcome& outcome) {
    if (config.reload_notify.empty()) return;
    (void)turns([&](Storage&) -> Stored<Done> {
      for (const LiveBot& bot : bots.live) {
        if (bot.config.name != outcome.bot) continue;
        const bool russian = (bot.program ? bot.program->language : tool_language({})) == Language::Russian;
        std::string text = russian ? "Новая версия сценария не принята, работает прежняя."
                                   : "The new version of the scenario was refused; the one before serves on.";
        if (outcome.errors.empty()) text += "\n" + outcome.error;
        for (std::size_t i = 0; i < std::min(outcome.errors.size(), kNoticed); ++i) text += "\n" + outcome.errors[i];
        if (outcome.errors.size() > kNoticed) {
          const std::string more = std::to_string(outcome.errors.size() - kNoticed);
          text += russian ? "\nи ещё ошибок: " + more : "\nand errors more: " + more;
        }
        engine.notify(outcome.bot, config.reload_notify, redact(text));
      }
      return Done{};
    });
  }
};

Reloader::Reloader(const Config& config, Engine& engine, Bots& bots, Adopted adopted)
    : impl_(std::make_unique<Impl>(config, engine, bots, std::move(adopted))) {}
Reloader::~Reloader() { stop(); }

void Reloader::reload(const std::string& bot, const std::string& note, const std::string& because) {
  impl_->put({Order::What::Reload, bot, note, because});
}

void Reloader::catch_up(const std::string& bot) { impl_->put({Order::What::CatchUp, bot, {}, {}}); }

void Reloader::fetch(const std::string& bot, const std::string& version) {
  impl_->put({Order::What::Fetch, bot, {}, {}, version});
}

void Reloader::command(const std::string& request, std::function<void(std::string)> answer) {
  json asked = json::parse(request, nullptr, false);
  const std::string op = text_of(asked, "op");
  Order order;
  order.bot = text_of(asked, "bot");
  order.note = text_of(asked, "note");
  order.because = "an operator's command";
  order.answers.push_back(std::move(answer));
  if (op != "reload") {
    order.what = Order::What::Command;
    if (order.bot.empty()) return Impl::give(order, {{"error", "name the bot"}});
    order.request = std::move(asked);
  }
  impl_->put(std::move(order));
}

std::map<std::string, std::string> Reloader::versions() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->live;
}

void Reloader::stop() { impl_->stop(); }

bool is_for_reloader(std::string_view op) { return op == "reload" || op == "rollback" || op == "rehearse"; }

}  // namespace sufler

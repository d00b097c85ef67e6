// How long a turn waits while a big scenario is reloaded under many live dialogs: the engine, the scenario and the
// database, without a platform; the new version is read, stored and made live as the program itself does it.
//   reload_bench --folder FOLDER [--database URL] [--branches N] [--dialogs N] [--people N]
// FOLDER gets the scenario (`bot`), a further version (`next`) and `sufler.yaml`, so that `sufler plan` can be measured
// on the same; the database is there, too, unless another is named. Prints how long turns took before the reload, while
// the version is read, from then until the last dialog was taken over, and behind it.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "interpreter/runtime/deploying.h"
#include "interpreter/runtime/engine.h"
#include "schema/loader.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Options {
  std::string folder, database;
  int branches = 20'000;
  int dialogs = 100'000;
  int people = 50;
};

/// People come to every so many-th branch by a command of its own.
constexpr int kCommandEvery = 20;

/// What an editor does in a day: `variant` moves everything that stands behind it and changes texts; in every tenth
/// branch a button has another label, so that the question is shown once more; every hundredth is gone, and whoever
/// waits there begins anew.
std::string scenario(int branches, int variant) {
  std::string text = "scenario: big\nlanguage: en\nstart: talk\nbranches:\n";
  for (int i = 0; i < variant; ++i) text += "  more" + std::to_string(i) + ":\n    - say: nobody comes here\n    - go: talk\n";
  text += "  talk:\n    - ask: word\n    - say: \"" + std::to_string(variant) + " {{ word }}\"\n    - go: talk\n";
  const auto is_there = [&](int i) { return variant == 0 || i % (100 * variant) != 40; };
  std::string commands;
  for (int i = 0; i < branches; ++i) {
    if (!is_there(i)) continue;
    const std::string n = std::to_string(i);
    int next = (i + 1) % branches;
    if (!is_there(next)) next = (next + 1) % branches;
    const std::string label = i % 10 == 0 && variant > 0 ? "On" + std::to_string(variant) : "Next";
    text += "  b" + n + ":\n    - say: \"branch " + n + " of version " + std::to_string(variant) +
            ", {{ user.first_name }}\"\n    - choose: Where?\n      options: {" + label + ": b" + std::to_string(next) + ", Talk: talk}\n";
    if (i % kCommandEvery == 0) commands += "  c" + n + ": {on: /c" + n + ", go: b" + n + "}\n";
  }
  return text + "questions:\n  word: {text: \"?\"}\ncommands:\n" + commands;
}

void write_scenario(const Options& options, const std::string& name, int variant) {
  std::filesystem::create_directories(options.folder + "/" + name);
  std::ofstream(options.folder + "/" + name + "/scenario.yaml") << scenario(options.branches, variant);
}

ReadVersion read(const Options& options) {
  ReadVersion version = read_version(options.folder + "/bot", {}, Language::English);
  if (version.program) return version;
  std::fputs(version.problems.c_str(), stderr);
  std::exit(1);
}

class Renders : public Renderer {
 public:
  std::vector<ApiCall> render(const ChatAddress&, const Message& message) const override {
    ApiCall call;
    call.method = "say";
    call.body = message.text.text;
    return {call};
  }
  ApiCall render_press_answer(const ChatAddress&, const std::string&, const std::string&) const override { return {}; }
};

/// People who say the next word when the question came again.
class People : public Courier {
 public:
  void deliver(std::string_view, const ChatAddress& chat, const ApiCall& call, std::function<void(Outcome)> done) override {
    if (call.body == "?" && chat.chat_id.starts_with('p')) {
      std::lock_guard lock(mutex_);
      if (const auto asked = asked_.find(chat.chat_id); asked != asked_.end()) {
        waits_.push_back(steady_clock::now() - asked->second);
        asked_.erase(asked);
        ready_.push_back(chat.chat_id);
      }
    }
    done(Outcome{});
  }
  void later(Duration, std::function<void()>) override {}

  void asks(const std::string& chat) {
    std::lock_guard lock(mutex_);
    asked_[chat] = steady_clock::now();
  }
  std::vector<std::string> ready() {
    std::lock_guard lock(mutex_);
    return std::exchange(ready_, {});
  }
  bool quiet() {
    std::lock_guard lock(mutex_);
    return asked_.empty();
  }
  /// How long turns waited since it was asked last; whoever waits now counts, too.
  std::vector<steady_clock::duration> waits() {
    std::lock_guard lock(mutex_);
    for (const auto& [chat, since] : asked_) waits_.push_back(steady_clock::now() - since);
    return std::exchange(waits_, {});
  }

 private:
  std::mutex mutex_;
  std::map<std::string, steady_clock::time_point> asked_;
  std::vector<std::string> ready_;
  std::vector<steady_clock::duration> waits_;
};

Incoming says(const std::string& chat, const std::string& id, const std::string& text) {
  Incoming update;
  update.id = id;
  update.chat = {"telegram", chat};
  update.person.id = chat;
  UserMessage message;
  message.text = text;
  update.event = Event{system_clock().now(), 0, message};
  return update;
}

double seconds_since(steady_clock::time_point from) {
  return std::chrono::duration<double>(steady_clock::now() - from).count();
}

/// A job between two turns, and what it gave.
Stored<Done> on_engine(Engine& engine, const std::function<Stored<Done>(Storage&)>& job) {
  std::promise<Stored<Done>> promise;
  auto done = promise.get_future();
  engine.ask([&](Storage& storage) { promise.set_value(job(storage)); });
  return done.get();
}

Stored<Done> make_dialogs(const Options& options, Storage& storage, const BotSetup& setup) {
  Player player(storage, setup);
  for (int i = 0; i < options.dialogs;) {
    std::vector<Incoming> updates;
    for (int batch = 0; batch < 1000 && i < options.dialogs; ++batch, ++i) {
      const int branch = (i / 2 * kCommandEvery) % options.branches / kCommandEvery * kCommandEvery;
      updates.push_back(says("idle" + std::to_string(i), "i" + std::to_string(i),
                             i % 2 == 0 ? "/c" + std::to_string(branch) : "/start"));
    }
    auto played = player.play(updates, "telegram", {});
    if (!played) return Error{played.error()};
    std::vector<Settled> sent;
    for (const OutboxRow& row : played->outbox) sent.push_back({row.id, true, OutboxRow::State::New, 1, {}, {}});
    if (auto settled = player.settle(sent); !settled) return settled;
  }
  return Done{};
}

/// As the program's reloader does it. The old version is freed elsewhere.
Stored<Done> reload(const Options& options, Engine& engine, const std::function<void(const char*)>& figure) {
  auto began = steady_clock::now();
  const ReadVersion next = read(options);
  std::printf("the new version was read in %.1f s\n", seconds_since(began));
  figure("while it was read");
  began = steady_clock::now();
  const OnStorage on_storage = [&](const auto& job) { return on_engine(engine, job); };
  if (auto stored = store_version(on_storage, "bot", next, {}, system_clock().now(), FileCache(options.folder + "/cache")); !stored) return stored;
  std::printf("it was stored in %.1f s\n", seconds_since(began));
  figure("while it was stored");
  began = steady_clock::now();
  auto served = on_engine(engine, [&](Storage& storage) -> Stored<Done> {
    auto deployed = make_live(storage, "bot", *next.program, system_clock().now());
    if (!deployed) return Error{deployed.error()};
    Serving serving;
    serving.program = next.program;
    serving.generation = deployed->generation;
    serving.swept = deployed->swept;
    auto* old = new Serving(engine.serve("bot", std::move(serving)));
    std::thread([old] { delete old; }).detach();
    return Done{};
  });
  if (!served) return served;
  do {
    std::this_thread::sleep_for(milliseconds(20));
  } while (engine.sweeping() || seconds_since(began) < 0.5);
  std::printf("all dialogs were taken over in %.1f s\n", seconds_since(began));
  figure("from the reload until all were taken over");
  return Done{};
}

int bench(const Options& options) {
  const auto complain = [](const StorageError& error) { return std::fprintf(stderr, "%s\n", error.message.c_str()), 1; };
  write_scenario(options, "bot", 0);
  auto storage = Storage::open(options.database, Durability::Full);
  if (!storage) return complain(storage.error());
  auto began = steady_clock::now();
  const ReadVersion first = read(options);
  std::printf("%d branches, %.1f MB: read in %.1f s\n", options.branches,
              static_cast<double>(first.yaml.front().size()) / 1e6, seconds_since(began));
  const auto directly = [&](const std::function<Stored<Done>(Storage&)>& job) { return job(*storage); };
  if (auto stored = store_version(directly, "bot", first, {}, system_clock().now(), FileCache(options.folder + "/cache")); !stored) return complain(stored.error());
  auto deployed = make_live(*storage, "bot", *first.program, system_clock().now());
  if (!deployed) return complain(deployed.error());
  Renders renderer;
  People people;
  BotSetup setup;
  setup.name = "bot";
  setup.program = first.program;
  setup.renderers["telegram"] = &renderer;
  setup.serving.generation = setup.serving.swept = deployed->generation;
  began = steady_clock::now();
  if (auto made = make_dialogs(options, *storage, setup); !made) return complain(made.error());
  std::printf("%d dialogs: made in %.1f s\n", options.dialogs, seconds_since(began));
  std::fflush(stdout);

  std::vector<BotSetup> bots;
  bots.push_back(std::move(setup));
  Engine engine(std::move(*storage), std::move(bots), people);
  if (!engine.start()) return 1;
  std::atomic<bool> over{false};
  std::thread talk([&] {
    int number = 0;
    const auto say = [&](const std::string& chat) {
      people.asks(chat);
      engine.take("bot", "telegram", {says(chat, "t" + std::to_string(++number), "word")}, {}, false, [](bool) {});
    };
    for (int i = 0; i < options.people; ++i) say("p" + std::to_string(i));
    while (!over) {
      for (const std::string& chat : people.ready()) say(chat);
      std::this_thread::sleep_for(milliseconds(1));
    }
  });
  const auto figure = [&](const char* when) {
    std::vector<steady_clock::duration> waits = people.waits();
    if (waits.empty()) return;
    std::sort(waits.begin(), waits.end());
    const auto at = [&](std::size_t share) {  // in ten thousand
      return std::chrono::duration<double, std::milli>(waits[(waits.size() - 1) * share / 10'000]).count();
    };
    std::printf("%-42s %7zu turns, half within %.1f, 99 of 100 within %.1f, the longest %.1f ms\n", when, waits.size(), at(5'000),
                at(9'900), at(10'000));
    std::fflush(stdout);
  };
  std::this_thread::sleep_for(std::chrono::seconds(2));
  (void)people.waits();
  std::this_thread::sleep_for(std::chrono::seconds(3));
  figure("before");
  write_scenario(options, "bot", 1);
  const auto reloaded = reload(options, engine, figure);
  if (reloaded) {
    std::this_thread::sleep_for(std::chrono::seconds(2));
    figure("behind it");
  }
  over = true;
  talk.join();
  engine.stop(Duration{2000});
  write_scenario(options, "next", 2);
  return reloaded ? 0 : complain(reloaded.error());
}

}  // namespace
}  // namespace sufler

int main(int argc, char** argv) {
  sufler::Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--folder") == 0) options.folder = argv[i + 1];
    if (std::strcmp(argv[i], "--database") == 0) options.database = argv[i + 1];
    if (std::strcmp(argv[i], "--branches") == 0) options.branches = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--dialogs") == 0) options.dialogs = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--people") == 0) options.people = std::atoi(argv[i + 1]);
  }
  if (options.folder.empty()) return std::fputs("--folder FOLDER\n", stderr), 2;
  std::filesystem::create_directories(options.folder);
  if (options.database.empty()) options.database = "sqlite:" + options.folder + "/bench.db";
  std::ofstream(options.folder + "/sufler.yaml")
      << "bots: {bot: {scenario: bot, telegram: {token: \"${BENCH_TOKEN}\"}}}\ndatabase: \"" << options.database << "\"\n";
  return sufler::bench(options);
}

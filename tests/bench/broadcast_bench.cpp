// broadcast_bench DATABASE [PEOPLE [KILLS | prepare]]: makes that many people, looks for those who get a broadcast, then sends
// it at 30 a second by a clock that nobody waits for, with processes that die on the way; with `prepare` nothing is sent.
// Prints what it took.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "interpreter/core/broadcast.h"
#include "interpreter/runtime/engine.h"
#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/operations.h"
#include "schema/loader.h"
#include "storage/broadcast_store.h"

namespace {

using namespace sufler;
using std::chrono::milliseconds;

constexpr const char* kScenario = R"(scenario: shop
language: en
start: hello
branches:
  hello: [{say: hi}]
  news: [{broadcast: "hello", where: user.level >= 1}]
  vip: [{set: {user.level: 1}}]
commands:
  news: {on: /news, go: news}
  vip: {on: /vip, go: vip}
)";

class BenchRenderer : public Renderer {
 public:
  std::vector<ApiCall> render(const ChatAddress&, const Message& message) const override {
    ApiCall call;
    call.method = "sendMessage";
    call.body = message.text.text;
    return {call};
  }
  ApiCall render_press_answer(const ChatAddress&, const std::string&, const std::string&) const override { return {}; }
};

class BenchClock : public Clock {
 public:
  Moment now() const override { return Moment{1'773'576'000'000 + passed.count()}; }
  milliseconds monotonic() const override { return passed; }
  milliseconds passed{1};
};

class BenchPlatform : public Courier {
 public:
  explicit BenchPlatform(const BenchClock& clock) : clock_(clock) {}
  void deliver(std::string_view, const ChatAddress& chat, const ApiCall&, std::function<void(Outcome)> done) override {
    ++got[chat.chat_id];
    last = clock_.passed.count();
    if (first == 0) first = last;
    done(Outcome{});
  }
  void later(Duration delay, std::function<void()> job) override { jobs.emplace(clock_.passed.count() + delay.ms, std::move(job)); }
  void run_due() {
    while (!jobs.empty() && jobs.begin()->first <= clock_.passed.count()) {
      auto job = std::move(jobs.begin()->second);
      jobs.erase(jobs.begin());
      job();
    }
  }
  std::unordered_map<std::string, int> got;
  std::int64_t first = 0, last = 0;
  std::multimap<std::int64_t, std::function<void()>> jobs;

 private:
  const BenchClock& clock_;
};

double seconds_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

long resident_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
  return 0;
}

Storage open(const std::string& url) {
  auto opened = Storage::open(url, Durability::Full);
  if (!opened) std::fprintf(stderr, "%s\n", opened.error().message.c_str()), std::exit(1);
  return std::move(*opened);
}

void make_people(Storage& storage, int people) {
  for (int made = 0; made < people; made += 1000) {
    auto done = storage.transact([&](Transaction& tx) -> Stored<Done> {
      for (int i = made; i < std::min(people, made + 1000); ++i) {
        const std::string id = std::to_string(100'000'000 + i);
        const DialogKey key{"shop", {"telegram", id}, id};
        auto row = tx.load_dialog(key);
        if (!row) return Error{row.error()};
        UserRecord user;
        user.id = id;
        user.first_name = "Anna";
        user.last_name = "Karenina";
        user.language = "ru";
        user.platform = "telegram";
        user.values.set("level", Value(1));
        row->user = to_json(user);
        row->state = R"({"v":"1","n":7,"vars":{"name":"Anna","phone":"+79123456789","drink":"latte"},"w":{"k":0}})";
        row->place = "none";
        if (auto saved = tx.save_dialog(key, *row, true, Moment{1'773'576'000'000}); !saved) return saved;
      }
      return Done{};
    });
    if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str()), std::exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: broadcast_bench DATABASE [PEOPLE [KILLS | prepare]]\n"), 2;
  const std::string url = argv[1];
  const int people = argc > 2 ? std::stoi(argv[2]) : 100'000;
  const bool only_prepares = argc > 3 && std::string(argv[3]) == "prepare";
  const int kills = only_prepares ? 0 : argc > 3 ? std::stoi(argv[3]) : 10;
  Loaded loaded = load_scenario_text({{"scenario.yaml", kScenario}});
  if (!loaded.program) return std::fprintf(stderr, "the scenario is broken\n"), 1;
  {
    Storage storage = open(url);
    make_people(storage, people);
  }

  BenchClock clock;
  BenchPlatform platform(clock);
  BenchRenderer renderer;
  BotSetup setup;
  setup.name = "shop";
  setup.program = loaded.program;
  setup.renderers["telegram"] = &renderer;
  int left = -1;  // transactions until the process dies
  std::unique_ptr<Engine> engine;
  const auto start = [&] {
    Storage storage = open(url);
    storage.fail_by([&](Storage::Place) -> std::optional<StorageError> {
      if (left == 0 || (left > 0 && --left == 0)) return StorageError{StorageError::Kind::Lost, "the process died"};
      return std::nullopt;
    });
    engine = std::make_unique<Engine>(std::move(storage), std::vector<BotSetup>{setup}, platform, clock);
    SendingLimits limits;
    limits.bot = {30, Duration{1000}};
    engine->keep_to("shop", "telegram", limits);
    if (auto begun = engine->start({}, Engine::Drive::Caller); !begun)
      std::fprintf(stderr, "%s\n", begun.error().message.c_str()), std::exit(1);
  };
  start();

  const long before = resident_kb();
  std::string order;
  {
    BroadcastOrder wanted;
    wanted.texts = {"hello"};
    wanted.where = "user.level >= 1";
    order = to_json(wanted);
  }
  std::string state;
  BroadcastRow row;
  const auto look = [&] {
    engine->ask([&](Storage& storage) {
      (void)storage.look([&](Transaction& tx) -> Stored<Done> {
        auto all = tx.broadcasts().all("shop", 1);
        if (all && !all->empty()) row = all->front();
        return Done{};
      });
    });
    engine->round();
  };
  engine->ask([&](Storage& storage) {
    (void)storage.transact([&](Transaction& tx) -> Stored<Done> {
      BroadcastRow made;
      made.bot = "shop";
      made.order = order;
      made.begun_by = "operator";
      made.created_at = clock.now();
      auto begun = tx.broadcasts().begin(made);
      if (!begun) return Error{begun.error()};
      row = made;
      return Done{};
    });
  });
  // The clock goes as the wall's does while people are looked for, so rests are real.
  const auto began = std::chrono::steady_clock::now();
  double longest = 0, busy = 0;
  long most_kb = before;
  for (int rounds = 0; row.state == BroadcastRow::State::Preparing; ++rounds) {
    const auto round_began = std::chrono::steady_clock::now();
    engine->round();
    const double took = seconds_since(round_began);
    longest = std::max(longest, took);
    busy += took;
    clock.passed = milliseconds(1 + static_cast<std::int64_t>(seconds_since(began) * 1000));
    if (rounds % 50 == 0) most_kb = std::max(most_kb, resident_kb()), look();
    if (!platform.got.empty()) break;
  }
  std::printf("people: %d, looked for in %.2f s (work %.2f s, the longest bite %.1f ms), memory %ld kB more\n", people, seconds_since(began),
              busy, longest * 1000, most_kb - before);
  if (only_prepares) return engine.reset(), 0;

  std::mt19937 chance(1);
  const auto sending = std::chrono::steady_clock::now();
  int died = 0;
  bool over = false;
  left = kills > 0 ? 100 + static_cast<int>(chance() % 20'000) : -1;
  while (!over) {
    const auto rest = engine->round();
    platform.run_due();
    milliseconds next = clock.passed + std::max(milliseconds(1), rest.value_or(milliseconds(1000)));
    if (!platform.jobs.empty()) next = std::min(next, milliseconds(platform.jobs.begin()->first));
    clock.passed = std::max(next, clock.passed + milliseconds(1));
    platform.run_due();
    if (left == 0) {
      ++died;
      engine.reset();
      platform.jobs.clear();
      left = died < kills ? 100 + static_cast<int>(chance() % 20'000) : -1;
      start();
    }
    if (static_cast<int>(platform.got.size()) >= people - 100) {
      look();
      over = row.is_over();
    }
  }
  look();
  int twice = 0;
  for (const auto& [chat, times] : platform.got) twice += times > 1 ? 1 : 0;
  std::printf("sent %lld, unknown %lld, failed %lld; people who got it %zu, twice %d; died %d times; %.1f s of the clock (%.2f a second), %.1f s of ours, "
              "memory %ld kB\n",
              static_cast<long long>(row.sent), static_cast<long long>(row.unknown), static_cast<long long>(row.failed),
              platform.got.size(), twice, died, static_cast<double>(platform.last - platform.first) / 1000,
              static_cast<double>(platform.got.size()) * 1000 / static_cast<double>(platform.last - platform.first), seconds_since(sending),
              resident_kb());
  engine.reset();
  return twice == 0 ? 0 : 1;
}

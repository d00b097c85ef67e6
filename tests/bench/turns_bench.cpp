// How many turns a second the runtime plays, and what one costs: the engine, the scenario and the database, without a
// platform. Each person says the next word when the answer to the last one was sent.
//   turns_bench --database URL [--processes N] [--people N] [--turns N] [--durability full|normal]
//               [--server PID] [--idle-dialogs N]
// Prints one line of JSON. `--server` is PostgreSQL's first process: its CPU and its children's is then counted too.
// `--idle-dialogs` puts so many dialogs into the database before, which nobody touches.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "interpreter/runtime/engine.h"
#include "schema/loader.h"

namespace sufler {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr const char* kScenario = R"(
scenario: turns
language: en
start: talk
branches:
  talk:
    - set: {said: said + 1 if said else 1}
    - ask: word
    - go: talk
questions:
  word: {text: "{{ said }}"}
)";

struct Options {
  std::string database;
  std::string durability = "full";
  int processes = 1;
  int people = 1000;
  int turns = 60'000;
  int idle_dialogs = 0;
  int server = 0;
};

std::int64_t now_us() {
  return std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// What the processes share: for each person how many answers were sent, and how long each took.
struct Shared {
  std::atomic<std::int64_t> turns{0};
  std::atomic<std::int64_t> ready{0};
  std::atomic<bool> over{false};
  std::atomic<std::int64_t> began_us{0};
  std::atomic<std::int64_t> people_cpu_us{0};  ///< of those who play the people, which is not the engine's
  static constexpr int kPeople = 100'000;
  static constexpr int kSlots = 2'000'000;
  std::atomic<std::int32_t> answered[kPeople];
  std::atomic<std::int64_t> asked_us[kPeople];
  std::atomic<std::int32_t> latency_us[kSlots];
};

class Renders : public Renderer {
 public:
  std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const override {
    ApiCall call;
    call.method = "sendMessage";
    call.body = "{\"chat_id\":" + chat.chat_id + ",\"text\":\"" + message.text.text + "\"}";
    return {call};
  }
  ApiCall render_press_answer(const ChatAddress&, const std::string&, const std::string&) const override { return {}; }
};

/// Everything arrives at once.
class Arrives : public Courier {
 public:
  explicit Arrives(Shared& shared) : shared_(shared), thread_([this] { run(); }) {}
  ~Arrives() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  void deliver(std::string_view, const ChatAddress& chat, const ApiCall&, std::function<void(Outcome)> done) override {
    std::lock_guard lock(mutex_);
    if (calls_.empty()) wake_.notify_one();
    calls_.emplace_back(std::atoi(chat.chat_id.c_str()), std::move(done));
  }
  void later(Duration, std::function<void()>) override {}

 private:
  void run() {
    std::deque<std::pair<int, std::function<void(Outcome)>>> work;
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return stopping_ || !calls_.empty(); });
      if (stopping_) return;
      work.swap(calls_);
      lock.unlock();
      const std::int64_t now = now_us();
      for (auto& [person, done] : work) {
        const auto at = static_cast<std::size_t>(person);
        const std::int64_t turn = shared_.turns++;
        if (turn < Shared::kSlots)
          shared_.latency_us[turn] = static_cast<std::int32_t>(now - shared_.asked_us[at]);
        ++shared_.answered[at];
        Outcome sent;
        sent.message_id = "1";
        done(std::move(sent));
      }
      work.clear();
      lock.lock();
    }
  }
  Shared& shared_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::pair<int, std::function<void(Outcome)>>> calls_;
  bool stopping_ = false;
  std::thread thread_;
};

Incoming says(int person, int number) {
  Incoming update;
  update.id = std::to_string(person) + ":" + std::to_string(number);
  update.chat = {"telegram", std::to_string(person)};
  update.person.id = update.chat.chat_id;
  UserMessage message;
  message.text = number == 0 ? "/start" : "a word";
  update.event = Event{system_clock().now(), 0, std::move(message)};
  return update;
}

int serve(const Options& options, int index, Shared& shared) {
  const auto opened = load_scenario_text({{"scenario.yaml", kScenario}});
  if (!opened.program) return std::fprintf(stderr, "the scenario is broken\n"), 1;
  auto storage = Storage::open(options.database,
                               options.durability == "full" ? Durability::Full : Durability::Normal);
  if (!storage) return std::fprintf(stderr, "%s\n", storage.error().message.c_str()), 1;
  Renders renderer;
  BotSetup setup;
  setup.name = "bench";
  setup.program = opened.program;
  setup.renderers["telegram"] = &renderer;
  setup.seed = static_cast<std::uint64_t>(index) + 1;
  std::vector<BotSetup> bots;
  bots.push_back(std::move(setup));
  Arrives courier(shared);
  Engine engine(std::move(*storage), std::move(bots), courier);
  if (auto started = engine.start(); !started)
    return std::fprintf(stderr, "%s\n", started.error().message.c_str()), 1;
  ++shared.ready;
  while (shared.ready < options.processes) std::this_thread::sleep_for(milliseconds(1));
  // Until somebody leads: beats come every two seconds.
  std::this_thread::sleep_for(milliseconds(index == 0 && options.processes == 1 ? 100 : 2500));
  std::int64_t none = 0;
  shared.began_us.compare_exchange_strong(none, now_us());

  // The people of this process; a batch is what a poll would bring.
  std::vector<int> asked(static_cast<std::size_t>(options.people), 0);
  std::atomic<int> storing{0};
  while (!shared.over) {
    std::vector<Incoming> batch;
    for (int person = index; person < options.people; person += options.processes) {
      const auto at = static_cast<std::size_t>(person);
      if (asked[at] > shared.answered[at]) continue;
      shared.asked_us[at] = now_us();
      batch.push_back(says(person, asked[at]++));
      if (batch.size() == 100) break;
    }
    if (batch.empty() || storing > 8) {
      std::this_thread::sleep_for(microseconds(300));
      if (batch.empty()) continue;
    }
    ++storing;
    engine.take("bench", "telegram", std::move(batch), {}, false, [&](bool) { --storing; });
    if (shared.turns >= options.turns) shared.over = true;
  }
  rusage own{};
  getrusage(RUSAGE_THREAD, &own);
  shared.people_cpu_us += (own.ru_utime.tv_sec + own.ru_stime.tv_sec) * 1'000'000 + own.ru_utime.tv_usec +
                          own.ru_stime.tv_usec;
  engine.stop(Duration{3000});
  return 0;
}

double cpu_of(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t end = text.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream fields(text.substr(end + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  double user_of_ended = 0;
  double system_of_ended = 0;
  fields >> user >> system >> user_of_ended >> system_of_ended;
  return (user + system + user_of_ended + system_of_ended) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// Of PostgreSQL: its first process, those that ended, and its children.
double server_cpu(int first) {
  if (first == 0) return 0;
  double all = cpu_of(first);
  std::ifstream children("/proc/" + std::to_string(first) + "/task/" + std::to_string(first) + "/children");
  for (int child = 0; children >> child;) all += cpu_of(child);
  return all;
}

int put_idle_dialogs(const Options& options) {
  auto storage = Storage::open(options.database, Durability::Normal);
  if (!storage) return std::fprintf(stderr, "%s\n", storage.error().message.c_str()), 1;
  for (int first = 0; first < options.idle_dialogs; first += 1000) {
    auto done = storage->transact([&](Transaction& tx) -> Stored<Done> {
      for (int i = first; i < std::min(first + 1000, options.idle_dialogs); ++i) {
        const std::string name = "idle" + std::to_string(i);
        const DialogKey key{"bench", {"telegram", name}, name};
        DialogRow row;
        row.state = R"({"version":"1","variables":{"said":{"$number":"1"}}})";
        row.user = "{\"id\":\"" + name + "\"}";
        if (auto saved = tx.save_dialog(key, row, true, Moment{1}); !saved) return saved;
      }
      return Done{};
    });
    if (!done) return std::fprintf(stderr, "%s\n", done.error().message.c_str()), 1;
  }
  return 0;
}

int run(const Options& options) {
  auto* const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  auto& shared = *new (memory) Shared;
  if (options.idle_dialogs > 0 && put_idle_dialogs(options) != 0) return 1;
  const double server_before = server_cpu(options.server);
  std::vector<pid_t> children;
  for (int i = 0; i < options.processes; ++i) {
    const pid_t child = fork();
    if (child == 0) _exit(serve(options, i, shared));
    children.push_back(child);
  }
  bool well = true;
  double cpu = 0;
  long peak_kb = 0;
  std::int64_t ended_us = 0;
  while (!shared.over) {
    std::this_thread::sleep_for(milliseconds(1));
    if (waitpid(-1, nullptr, WNOHANG) > 0) return std::fprintf(stderr, "a process died\n"), 1;
  }
  ended_us = now_us();
  const std::int64_t turns = shared.turns;
  for (const pid_t child : children) {
    int status = 0;
    rusage usage{};
    wait4(child, &status, 0, &usage);
    well = well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    const auto seconds = [](timeval time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
    cpu += seconds(usage.ru_utime) + seconds(usage.ru_stime);
    peak_kb = std::max(peak_kb, usage.ru_maxrss);
  }
  cpu -= static_cast<double>(shared.people_cpu_us) / 1e6;
  const double server = server_cpu(options.server) - server_before;
  std::vector<std::int32_t> latencies;
  for (std::int64_t i = 0; i < std::min<std::int64_t>(turns, Shared::kSlots); ++i)
    latencies.push_back(shared.latency_us[i]);
  std::sort(latencies.begin(), latencies.end());
  const auto at = [&](double part) {
    return latencies.empty() ? 0.0
                             : latencies[static_cast<std::size_t>(part * static_cast<double>(latencies.size() - 1))] / 1000.0;
  };
  const double wall = static_cast<double>(ended_us - shared.began_us) / 1e6;
  std::printf(
      "{\"valid\":%s,\"processes\":%d,\"people\":%d,\"turns\":%lld,\"turns_per_s\":%.0f,\"cpu_ms_per_turn\":%.4f,"
      "\"server_cpu_ms_per_turn\":%.4f,\"p50_ms\":%.1f,\"p99_ms\":%.1f,\"peak_rss_kb\":%ld}\n",
      well ? "true" : "false", options.processes, options.people, static_cast<long long>(turns),
      static_cast<double>(turns) / wall, cpu * 1000 / static_cast<double>(turns),
      server * 1000 / static_cast<double>(turns), at(0.5), at(0.99), peak_kb);
  return well ? 0 : 1;
}

}  // namespace
}  // namespace sufler

int main(int argc, char** argv) {
  sufler::Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--database") options.database = value;
    else if (name == "--durability") options.durability = value;
    else if (name == "--processes") options.processes = std::atoi(value.c_str());
    else if (name == "--people") options.people = std::min(std::atoi(value.c_str()), sufler::Shared::kPeople);
    else if (name == "--turns") options.turns = std::atoi(value.c_str());
    else if (name == "--idle-dialogs") options.idle_dialogs = std::atoi(value.c_str());
    else if (name == "--server") options.server = std::atoi(value.c_str());
    else return std::fprintf(stderr, "unknown option %s\n", name.c_str()), 2;
  }
  if (options.database.empty()) return std::fprintf(stderr, "--database is needed\n"), 2;
  return sufler::run(options);
}

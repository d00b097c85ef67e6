// Many people wait for a slow model while others order: what the others feel of it, and what it takes.
//   waiting_bench [--database sqlite|postgres] [--waiting 1000] [--customers 40] [--seconds 30] [--model-ms 5000]
// First the customers alone, then beside those who wait: they ask without end, each again when the answer has
// come, evenly over the time that an answer takes.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <future>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>

#include "fakes/llm/fake_llm.h"
#include "faults/customers.h"
#include "faults/deployment.h"

namespace sufler::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Settings {
  DatabaseUnderTest database = DatabaseUnderTest::Sqlite;
  int waiting = 1000;
  int customers = 40;
  seconds duration{30};
  milliseconds model{5000};
};

std::string scenario() {
  std::string text = kShopScenario;
  text.insert(text.find("questions:"), "  advice:\n    - say: Спрашивайте\n    - assistant: helper\n");
  return text + "assistants:\n  helper: {instructions: \"Ты помощник.\", gather: off, otherwise: menu}\n"
                "commands:\n  advice: {on: /advice, go: advice}\n";
}

/// `VmRSS` or `VmHWM` of a process, in MB.
double memory_mb(pid_t pid, const std::string& what) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(what + ":")) return std::strtod(line.c_str() + what.size() + 1, nullptr) / 1024;
  throw std::runtime_error("no " + what);
}

/// People who ask, wait for the answer and ask again, on a thread of their own.
class Askers {
 public:
  /// They begin spread over `over`, so that their questions are, too.
  Askers(fakes::FakeTelegram& telegram, int count, milliseconds over)
      : shop_(make_telegram_shopfront(kAdmin, telegram)), count_(count), over_(over) {
    thread_ = std::thread([this] { run(); });
  }
  ~Askers() {
    stopping_ = true;
    thread_.join();
  }
  std::size_t answers() const { return answers_; }

 private:
  static constexpr std::int64_t kFirst = 10'000;

  void run() {
    const auto began = std::chrono::steady_clock::now();
    for (int begun = 0; !stopping_;) {
      const auto passed = std::chrono::steady_clock::now() - began;
      for (; begun < count_ && over_ * begun <= passed * count_; ++begun) shop_->begin(kFirst + begun);
      for (const Shopfront::Heard& message : shop_->next_messages(milliseconds(begun < count_ ? 2 : 200))) {
        if (message.chat < kFirst || message.chat >= kFirst + count_) continue;
        if (message.text.starts_with("Чем помочь?")) {
          shop_->say(message.chat, "/advice");
          continue;
        }
        if (message.text == "Ответ") ++answers_;
        shop_->say(message.chat, "Вопрос");
      }
    }
  }

  const std::unique_ptr<Shopfront> shop_;
  const int count_;
  const milliseconds over_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> answers_{0};
  std::thread thread_;
};

std::int64_t measure(const Settings& settings, int waiting) {
  fakes::FakeLlm llm;
  llm.answer({.text = "Ответ", .times = -1, .delay = settings.model});
  Deployment::Settings setup;
  setup.database = settings.database;
  setup.scenario = scenario();
  setup.environment = {{"LLM_KEY", llm.key()}};
  setup.more = "models:\n  default: {url: \"" + llm.url() + "\", key: \"${LLM_KEY}\", model: fake-model, kind: openai, at_once: 1000}\n";
  Deployment deployment(setup);
  deployment.start();
  std::optional<Askers> askers;
  if (waiting > 0) {
    askers.emplace(deployment.telegram, waiting, settings.model);
    const auto until = std::chrono::steady_clock::now() + seconds(120);
    while (llm.most_at_once() < static_cast<std::size_t>(waiting) * 9 / 10) {
      if (std::chrono::steady_clock::now() > until)
        throw std::runtime_error("only " + std::to_string(llm.most_at_once()) + " wait at a time\n" + deployment.output());
      std::this_thread::sleep_for(milliseconds(100));
    }
  }
  const double cpu = deployment.process().cpu_seconds();
  const std::size_t answered = askers ? askers->answers() : 0;
  Customers customers(*deployment.shop, settings.customers);
  auto played = std::async(std::launch::async, [&] { return customers.play(kPatience); });
  std::this_thread::sleep_for(settings.duration);
  const double used = deployment.process().cpu_seconds() - cpu;
  const double memory = memory_mb(deployment.process().pid(), "VmRSS");
  const std::size_t answers = (askers ? askers->answers() : 0) - answered;
  customers.finish();
  if (!played.get()) throw std::runtime_error(customers.stuck() + deployment.output());
  const double most = memory_mb(deployment.process().pid(), "VmHWM");
  askers.reset();
  deployment.kill();
  const auto& waits = customers.waits();
  const std::int64_t p99 = percentile(waits, 99);
  std::cout << waiting << " wait (at most " << llm.most_at_once() << " calls at a time, " << answers << " answers): customers' " << waits.size()
            << " answers p50 " << percentile(waits, 50) << " ms, p99 " << p99 << " ms, longest " << percentile(waits, 100) << " ms; memory "
            << memory << " MB, at most " << most << " MB; CPU " << 100 * used / static_cast<double>(settings.duration.count()) << " % of one core\n";
  return p99;
}

int run(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    const char* const value = argv[i + 1];
    if (option == "--database") {
      settings.database = std::string(value) == "postgres" ? DatabaseUnderTest::Postgres : DatabaseUnderTest::Sqlite;
    } else if (option == "--waiting") {
      settings.waiting = std::atoi(value);
    } else if (option == "--customers") {
      settings.customers = std::atoi(value);
    } else if (option == "--seconds") {
      settings.duration = seconds(std::atoi(value));
    } else if (option == "--model-ms") {
      settings.model = milliseconds(std::atoi(value));
    } else {
      std::cerr << "unknown option " << option << "\n";
      return 2;
    }
  }
  const std::int64_t alone = measure(settings, 0);
  const std::int64_t beside = measure(settings, settings.waiting);
  std::cout << "p99 beside those who wait, to p99 alone: " << static_cast<double>(beside) / static_cast<double>(std::max<std::int64_t>(1, alone))
            << "\n";
  return 0;
}

}  // namespace
}  // namespace sufler::tests

int main(int argc, char** argv) {
  try {
    return sufler::tests::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}

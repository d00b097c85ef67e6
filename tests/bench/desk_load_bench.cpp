// People and agents who write to each other through a desk, under faults; tests/bench/desk_load runs it.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "faults/desk_load.h"

namespace sufler::tests {
namespace {

std::int64_t share(std::vector<std::int64_t> values, double part) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(static_cast<double>(values.size()) * part))];
}

void show(const char* name, const std::vector<std::int64_t>& values) {
  std::cout << name << ": " << values.size() << " texts, p50 " << share(values, 0.5) << " ms, p99 " << share(values, 0.99) << " ms, max "
            << share(values, 1) << " ms\n";
}

void show(const char* name, const std::vector<std::string>& lines, std::size_t most) {
  if (lines.empty()) return;
  std::cout << name << ":\n";
  for (std::size_t i = 0; i < std::min(lines.size(), most); ++i) std::cout << "  " << lines[i] << "\n";
  if (lines.size() > most) std::cout << "  … " << lines.size() - most << " more\n";
}

int run(int argc, char** argv) {
  DeskLoad load;
  const auto milliseconds = [](const char* seconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(std::strtod(seconds, nullptr) * 1000));
  };
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    const char* const value = argv[i + 1];
    if (option == "--clients-in") {
      load.clients_in_vk = std::strcmp(value, "vk") == 0;
    } else if (option == "--database") {
      load.database = value;
    } else if (option == "--durability") {
      load.durability = value;
    } else if (option == "--clients") {
      load.clients = std::atoi(value);
    } else if (option == "--agents") {
      load.agents = std::atoi(value);
    } else if (option == "--capacity") {
      load.capacity = std::atoi(value);
    } else if (option == "--rate") {
      load.messages_per_second = std::strtod(value, nullptr);
    } else if (option == "--seconds") {
      load.duration = milliseconds(value);
    } else if (option == "--kill-every") {
      load.kill_every = milliseconds(value);
    } else if (option == "--refuse-every") {
      load.refusal_every = milliseconds(value);
    } else if (option == "--leave-every") {
      load.leave_every = milliseconds(value);
    } else if (option == "--seed") {
      load.seed = std::strtoull(value, nullptr, 10);
    } else {
      std::cerr << "unknown option " << option << "\n";
      return 2;
    }
  }
  const DeskLoadReport report = run_desk_load(load);
  std::cout << report.said << " texts in " << report.seconds << " s; " << report.kills << " kills, " << report.refusals << " refusals, "
            << report.leaves << " times off duty; " << report.asked_again << " answers said again\n";
  show("inside Sufler", report.latency_ms);
  show("within 5 s of a start", report.latency_after_start_ms);
  show("with waits for platforms, agents and restarts", report.whole_latency_ms);
  std::cout << "CPU " << report.cpu_seconds * 1000 / static_cast<double>(std::max<std::size_t>(1, report.said)) << " ms a text, memory "
            << report.most_memory_kb / 1024 << " MB at most\n"
            << "wrong " << report.wrong.size() << ", shown twice in Telegram " << report.repeated.size() << ", unknown " << report.unknown.size()
            << "\n";
  show("wrong", report.wrong, 30);
  show("shown twice", report.repeated, 10);
  show("unknown", report.unknown, 10);
  if (!report.wrong.empty()) std::cout << report.output;
  return report.wrong.empty() ? 0 : 1;
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

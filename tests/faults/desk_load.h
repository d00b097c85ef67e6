#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace sufler::tests {

/// A support desk under load and faults: agents in Telegram, clients in Telegram or VK, and `sufler run` between them.
struct DeskLoad {
  bool clients_in_vk = false;
  std::string database = {};  ///< as the configuration names it; empty: SQLite in a folder of its own
  std::string durability = "full";
  int clients = 200;
  int agents = 20;
  int capacity = 10;
  double messages_per_second = 100;  ///< of all people together
  std::chrono::milliseconds duration{20'000};
  // Faults, each once in such a time; 0: never.
  std::chrono::milliseconds kill_every{0};
  std::chrono::milliseconds refusal_every{0};  ///< a 429 of Telegram, error 6 of VK
  std::chrono::milliseconds leave_every{0};    ///< an agent goes off duty, and comes back before the next one goes
  /// As on a machine with no time for it: the process stands still from an agent's leaving to their return.
  bool stall_while_away = false;
  std::uint64_t seed = 1;
};

struct DeskLoadReport {
  /// Everything that is wrong, a line each: lost, out of order, at the wrong person, twice where it may not be.
  std::vector<std::string> wrong;
  /// What Telegram showed twice, each with the kill between its sends.
  std::vector<std::string> repeated;
  /// Rows of the outbox of which nobody knows whether they arrived.
  std::vector<std::string> unknown;

  std::size_t said = 0;   ///< by people, between the opening of the tickets and the end
  std::size_t asked_again = 0;  ///< agents whose message the desk could not place
  int kills = 0, refusals = 0, leaves = 0;
  /// Milliseconds from the platform's handing out a text to the first request that carries it on. Of texts that waited
  /// for nobody but Sufler: in quiet, and within five seconds of a start after a kill, when what had gathered is played,
  /// and SQLite's next events one by one (ARCHITECTURE, invariant 5). Then of all texts.
  std::vector<std::int64_t> latency_ms, latency_after_start_ms, whole_latency_ms;
  double cpu_seconds = 0;     ///< of Sufler, for what was said; not of a database server
  long most_memory_kb = 0;    ///< of Sufler, resident
  double seconds = 0;
  std::string output;         ///< the end of Sufler's log
};

/// Blocks for the duration and the time until everything said has come.
DeskLoadReport run_desk_load(const DeskLoad& load);

}  // namespace sufler::tests

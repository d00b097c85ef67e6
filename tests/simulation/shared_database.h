#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/storage.h"

namespace sufler::simulation {

/// What PostgreSQL knows of the processes that share a database, apart from what transactions write: locks and
/// what is being played. It outlives them.
struct Processes {
  std::map<std::int64_t, std::vector<std::int64_t>> playing;  ///< rows of the inbox by process
};

/// How the world reaches a process that has joined.
struct Member {
  std::int64_t process = 0;
  std::set<std::string, std::less<>> leads;
  Storage::PresenceHandlers handlers;
  std::function<void()> tell_news;
};

/// The database of a simulation as one that several processes share: SQLite's, with what PostgreSQL adds to it.
/// Transactions of a simulation never overlap, so nothing needs to be locked. `member` must outlive the storage.
Stored<Storage> open_shared(const std::string& path, Processes& processes, Member& member);

/// Whoever died of them: that counts as an attempt at each of these events.
Stored<Done> count_attempts(Transaction& tx, const std::vector<std::int64_t>& inbox_ids);

}  // namespace sufler::simulation

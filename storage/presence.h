#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/storage.h"

namespace sufler {

/// This process among those that share a database. One of them leads each bot: it asks the platform for updates
/// and sends what the bot says, so that order and the platform's limits have one keeper. When the leader dies,
/// stops or loses the database, another takes over within 15 s.
class Presence {
 public:
  /// How long without an answer of the database a leader still counts itself one. The database counts it out
  /// later than that, so there are never two.
  static constexpr std::chrono::milliseconds kLease{6'000};

  virtual ~Presence() = default;
  virtual std::int64_t process() const = 0;
  /// Whether this process leads the bot at this moment; thread-safe, cheap.
  virtual bool leads(std::string_view bot) const = 0;
  /// This process may lead the bot, too, from now on.
  virtual void serve(std::string_view bot) = 0;
  /// That these rows of the inbox are being played: when the process dies of one of them, the others know. By the
  /// owner of the storage; the transaction that plays them ends it.
  virtual Stored<Done> playing(const std::vector<std::int64_t>& inbox_ids) = 0;
  /// What this process leads may be led by another at once. Once, by the owner of the storage.
  virtual void leave() = 0;
  /// Tells the others that there is something to look at. A hint: it may get lost.
  virtual void tell_news() = 0;
};

}  // namespace sufler

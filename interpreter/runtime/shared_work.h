#pragma once
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "interpreter/runtime/player.h"

namespace sufler {

/// What an engine does with a database that other processes share. Events are stored first, and then played by
/// whichever process claims their people; what a bot says is sent by the process that leads it. No thread and no
/// clock of its own.
class SharedWork {
 public:
  SharedWork(Storage& storage, std::vector<std::unique_ptr<Player>>& players);

  struct Intake {
    std::size_t bot = 0;  ///< index of its player
    std::string_view transport;
    const std::vector<Incoming>* updates = nullptr;
    std::string_view position;
  };
  /// Stores events, and what became of sends (by bot), in one transaction.
  Stored<Done> store(const std::vector<Intake>& intakes, const std::vector<std::vector<Settled>>& settled);

  struct Round {
    std::vector<Played> played;  ///< by bot
    bool more = false;           ///< there may be more to play
    /// What kept it from playing all: what was played until then is stored nonetheless.
    std::optional<StorageError> trouble = {};
  };
  /// Plays what it can claim, as one transaction.
  Stored<Round> play();
  /// Makes due timers events; how many.
  Stored<std::size_t> take_timers(Moment now);

  /// This process leads the bot now, or no more.
  void lead(std::size_t bot, bool leads);
  bool leads(std::size_t bot) const { return led_.contains(bot); }
  /// Rows that wait for the bot's leader; `all`: those too that an earlier leader took along.
  Stored<std::vector<OutboxRow>> claim_sends(std::size_t bot, bool all);

  /// People of one transaction, and events.
  static constexpr std::size_t kPeople = 256;
  static constexpr std::size_t kEvents = 1024;
  static constexpr std::size_t kTimersAtOnce = 200;

 private:
  Stored<Done> play_together(const std::vector<InboxRow>& rows, Transaction& tx, Round& round);
  Stored<Done> play_apart(const std::vector<InboxRow>& rows, Round& round);
  Stored<Done> claim_into(Transaction& tx, std::size_t bot, bool all, std::vector<OutboxRow>& to);
  std::size_t index_of(const std::string& bot) const;

  Storage& storage_;
  std::vector<std::unique_ptr<Player>>& players_;
  std::vector<std::string> bots_;
  std::set<std::size_t> led_;
};

}  // namespace sufler

#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "interpreter/runtime/flood.h"
#include "interpreter/runtime/player.h"

namespace sufler {

/// What an engine does with a database that other processes share. Events are stored first, and then played by
/// whichever process claims their people; what a bot says is sent by the process that leads it. No thread and no
/// clock of its own.
class SharedWork {
 public:
  SharedWork(Storage& storage, std::vector<std::unique_ptr<Player>>& players);

  /// What of one person waits in the database is more than these allow: the rest is passed over, whichever processes
  /// took it in. Unless called, whatever was stored is played.
  void limit_floods(const FloodSettings& settings) { flood_ = settings; }

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
    std::vector<std::size_t> passed_over;  ///< by bot: events of people who wrote too much at once
    bool more = false;           ///< there may be more to play
    /// What kept it from playing all: what was played until then is stored nonetheless.
    std::optional<StorageError> trouble = {};
  };
  /// Plays what it can claim: as one transaction, and one more for people at desks.
  Stored<Round> play();
  /// Versions that dialogs waited for have come: their events are claimed again.
  void versions_came() { waiting_.clear(); }
  /// Makes due timers events; how many.
  Stored<std::size_t> take_timers(Moment now);

  /// This process leads the bot now, or no more.
  void lead(std::size_t bot, bool leads);
  bool leads(std::size_t bot) const { return led_.contains(bot); }
  struct Sends {
    std::vector<OutboxRow> rows;
    std::vector<std::int64_t> withdrawn;  ///< claimed before, and not to be sent any more
  };
  /// What waits for the bot's leader; `all`: that too which an earlier leader took along.
  Stored<Sends> claim_sends(std::size_t bot, bool all);

  /// People of one transaction, and events.
  static constexpr std::size_t kPeople = 256;
  static constexpr std::size_t kEvents = 1024;
  /// Of one person, so that nobody fills a transaction that others wait for. With a limit of floods there are more, of
  /// which few are played.
  static constexpr std::size_t kEventsOfOne = 64;
  static constexpr std::size_t kTimersAtOnce = 200;

 private:
  using Claim = std::function<Stored<std::vector<InboxRow>>(Transaction&, Round&)>;
  Round empty_round() const;
  static void add(Round& to, Round from);
  void leave_desks(std::vector<InboxRow>& rows, std::vector<std::int64_t>& at_desks) const;
  Stored<Done> play_claimed(Round& round, std::vector<InboxRow>& alone, const Claim& claim);
  void note_desk(std::int64_t person, bool needed);
  Stored<Done> play_together(std::vector<InboxRow>& rows, Transaction& tx, Round& round);
  std::size_t events_of_one() const;
  Stored<Done> pass_over(std::vector<InboxRow>& rows, std::vector<Incoming>& updates, Transaction& tx, Round& round);
  Stored<Done> play_apart(const std::vector<InboxRow>& rows, Round& round);
  Stored<Done> claim_into(Transaction& tx, std::size_t bot, bool all, std::vector<OutboxRow>& to);
  std::size_t index_of(const std::string& bot) const;

  Storage& storage_;
  std::vector<std::unique_ptr<Player>>& players_;
  /// Whether what this process plays is what is deployed: looked at in every transaction.
  Stored<Done> look_at_deployments(Transaction& tx);
  std::int64_t newest_deployment_ = 0;
  /// Bots whose live version this process knows.
  std::vector<std::string> playable() const;
  std::vector<std::string> bots_;
  std::set<std::size_t> led_;
  std::set<std::int64_t> waiting_;  ///< people with a dialog whose version is not at hand: they wait, nobody else does
  FloodSettings flood_{0, {}};
  std::unordered_set<std::int64_t> at_desks_;  ///< people whose last turn needed a desk
};

}  // namespace sufler

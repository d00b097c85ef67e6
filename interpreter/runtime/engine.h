#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/runtime/clock.h"
#include "interpreter/runtime/dispatcher.h"
#include "interpreter/runtime/flood.h"
#include "interpreter/runtime/jobs.h"
#include "interpreter/runtime/player.h"
#include "interpreter/runtime/retention.h"

namespace sufler {

/// The shell around the players of a process: one thread that owns the storage, takes everything that waits
/// (updates, timers, what became of sends) and commits it in as few transactions as it can.
class Engine {
 public:
  /// `courier` and `clock` must outlive it.
  Engine(Storage storage, std::vector<BotSetup> bots, Courier& courier, const Clock& clock = system_clock());
  ~Engine();

  /// How much one person may write at once. Before `start`; unless called, whatever comes is heard.
  void limit_floods(FloodSettings settings);

  /// What the bot says on the platform keeps to these; before `start`. Unless called, only what the platform answers
  /// holds it.
  void keep_to(std::string_view bot, std::string_view transport, const SendingLimits& limits);

  /// Who does the jobs that turns ask for; before `start`, and must outlive it. Unless called, they wait for a process
  /// that has somebody. `growing`: shows people results that grow; may be null, and must outlive it, too.
  void work(Crew& crew, GrowingAnswers* growing = nullptr);

  /// Called on the engine's thread when this process begins or ceases to lead a bot: to ask its platform for updates
  /// and to send what it says. Where the database has one process, it leads all bots from the start.
  using Leads = std::function<void(std::string_view bot, bool leads)>;
  enum class Drive : std::uint8_t { OwnThread, Caller };
  /// Plays what an earlier process left: the inbox, then the outbox, then due timers. Fails when the
  /// storage does. Driven by its caller it has no thread: it works when `round` is called.
  Stored<Done> start(Leads leads = {}, Drive drive = Drive::OwnThread);
  /// Only when the caller drives: does all that waits. When the next round is due at the latest; nothing: when
  /// something new has come.
  std::optional<std::chrono::milliseconds> round();

  /// New updates of a bot. `stored` is called after the commit, with false when nothing was stored; by then
  /// either every event is durable and the platform may forget it, or none is. With `claim`, an event whose id
  /// was seen before changes nothing: for platforms that bring an event twice.
  void take(std::string_view bot, std::string_view transport, std::vector<Incoming> updates,
            std::string position, bool claim, std::function<void(bool)> stored);
  /// The position stored last; empty when none. Only before `start`, or on the engine's thread.
  Stored<std::string> position(std::string_view bot, std::string_view transport);

  /// Runs `job` on the engine's thread, between two transactions: for what operators ask. Never after `stop`.
  void ask(std::function<void(Storage&)> job);
  /// For jobs of `ask`: from the next turn on the bot is played with this. One that was left out is served from now on,
  /// like those that were there at the start. Dialogs of older versions are taken over in the background. Gives what was served before: freeing a big scenario takes its time, and turns shall not wait.
  Serving serve(std::string_view bot, Serving serving);
  /// Called on the engine's thread when another process has deployed something newer for the bot, which is not played
  /// here until `serve`; again from time to time. Before `start`.
  void when_stale(std::function<void(std::string_view bot)> handler);
  /// The same when a dialog is pinned to a version that is not at hand: it waits until `keep` brings that.
  void when_wanted(std::function<void(std::string_view bot, const std::string& version)> handler);
  /// For jobs of `ask`: brings such a version; null when it is gone.
  void keep(std::string_view bot, const std::string& version, std::shared_ptr<const Program> program);
  /// For jobs of `ask`: what the bot is played with; null when there is no such bot, or it is left out.
  const Program* program(std::string_view bot) const;
  /// For jobs of `ask`: tells all members of a role of the configuration.
  void notify(std::string_view bot, const std::string& role, const std::string& text);
  /// Dialogs of older versions that are still to be looked at, of any bot.
  bool sweeping() const;
  /// Sends rows that are in the outbox already; thread-safe.
  void send(std::vector<OutboxRow> rows);
  /// For jobs of `ask`: what they put into the inbox is played at the end of the round.
  void play_inbox();
  /// For jobs of `ask`: they put work into the database.
  void look_for_jobs();
  /// For jobs of `ask`: these rows have left the outbox. They are not sent, and leave no letter.
  void forget(const std::vector<std::int64_t>& outbox_ids);
  /// What is kept for how long; before `start`. Nothing is cleared away unless called.
  void keep(const Retention& retention);

  /// Takes nothing new, finishes what it took and what is being sent, at most `grace`; then stops. What is
  /// left in the outbox goes out with the next start.
  void stop(Duration grace);

  /// Of one bot, since the start.
  struct Figures {
    std::string bot;
    std::uint64_t updates = 0;  ///< taken from platforms
    std::uint64_t turns = 0;    ///< played, those of timers too
    std::uint64_t batches = 0;  ///< transactions that played them
    std::uint64_t faults = 0;   ///< turns that went to `on_error`, and dead letters of events
    std::uint64_t storage_errors = 0;
    std::uint64_t sent = 0;
    std::uint64_t passed_over = 0;  ///< updates of people who wrote too much at once
    std::uint64_t given_up = 0;  ///< sends refused for good, or lost for good
    std::uint64_t broadcast_given = 0;   ///< people whose turn in a broadcast came
    std::uint64_t broadcast_sent = 0;    ///< of these: it was sent to them
    std::uint64_t broadcast_failed = 0;  ///< refused, or nobody knows
    Dispatcher::Waiting waiting = {};  ///< at this moment
  };
  std::vector<Figures> figures() const;
  /// Of jobs, by bot and service; those of no bot yet are left out.
  std::vector<JobRunner::Figures> job_figures() const;
  /// Jobs that this process works on.
  std::size_t working() const;
  /// Whether this process sends what the bot says, at this very moment; thread-safe.
  bool may_send(std::string_view bot) const;
  /// Calls stored and not yet settled, of all bots.
  std::size_t sending() const;
  /// Whether the last transaction was stored.
  bool storage_well() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler

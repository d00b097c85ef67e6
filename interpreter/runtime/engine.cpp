#include "interpreter/runtime/engine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_set>

#include "interpreter/runtime/broadcasts.h"
#include "interpreter/runtime/failpoint.h"
#include "interpreter/runtime/log.h"
#include "interpreter/runtime/schedules.h"
#include "interpreter/runtime/shared_work.h"
#include "interpreter/runtime/takeovers.h"
#include "interpreter/runtime/version_needs.h"
#include "schema/source_map.h"
#include "storage/presence.h"
#include "storage/schedule_store.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;

/// What became of sends is recorded with the next batch; when none comes, alone after this time. Within it a
/// kill -9 repeats a message, which at worst is seen twice.
constexpr milliseconds kSettleAfter{20};
/// With more rows than this waiting to be sent, the platforms are asked for no more updates. Rows that wait for their
/// own chat's limit delay nobody else, until they are too many to be kept in memory.
constexpr std::size_t kMaxSending = 20'000;
constexpr std::size_t kMaxWaitingForChats = 100'000;
constexpr milliseconds kLookAgain{5};
/// A schedule's run for many begins the next portion when so many messages at most are still to leave.
constexpr std::size_t kScheduledAhead = 30;
constexpr milliseconds kLookWhetherSent{50};
constexpr std::size_t kTimersAtOnce = 200;
/// So many updates that came one by one are played in one transaction at most.
constexpr std::size_t kJoinedUpdates = 256;
constexpr milliseconds kStorageRetry{500};
/// So many jobs at work are looked at no more often than this.
constexpr std::size_t kManyJobs = 8;
constexpr milliseconds kGatherJobs{3};
/// Of a shared database: how often it is looked at for due timers and for what the hints did not tell, and for rows
/// that an earlier leader left.
constexpr milliseconds kLookAtTheDatabase{500};
constexpr milliseconds kLookForLeftRows{5'000};
/// After so many full transactions in a row more comes in than is played: whoever brings it waits.
constexpr int kFullRounds = 16;
/// Others who work on the database are no trouble, unless it is never our turn.
constexpr milliseconds kBusyForLong{5'000};
/// The wall clock may jump while a timer is waited for, so it is looked at this often.
constexpr milliseconds kLookAtTheClock{5'000};
constexpr milliseconds kLongestBroadcastRest{50};
constexpr milliseconds kNever = milliseconds::max();

}  // namespace

struct Engine::Impl {
  struct Batch {
    std::size_t bot = 0;
    std::string transport;
    std::vector<Incoming> updates;
    std::string position;
    bool claim = false;
    std::vector<std::function<void(bool)>> stored;
  };
  struct Counters {
    std::atomic<std::uint64_t> updates{0}, turns{0}, batches{0}, faults{0}, storage_errors{0}, sent{0}, passed_over{0},
        given_up{0}, broadcast_given{0}, broadcast_sent{0}, broadcast_failed{0};
  };

  const Clock& clock;
  Storage storage;
  std::vector<std::unique_ptr<Player>> players;
  std::map<std::string, std::size_t, std::less<>> bot_index;
  std::vector<std::optional<Moment>> next_timers;
  std::vector<ScheduleRunner> schedules;                // by bot; only the engine's thread
  std::vector<std::optional<Moment>> next_schedules;    // by bot; nothing: to be looked at
  milliseconds schedules_again{0};                      // of a shared database, or after a trouble
  std::vector<BroadcastRunner> broadcasts;              // by bot; only the engine's thread
  std::vector<std::optional<milliseconds>> next_broadcasts;  // by bot, monotonic; nothing: to be looked at
  std::vector<std::optional<milliseconds>> inbox_due;  // by bot: when stored events that met a trouble are tried again
  std::vector<Counters> counters;  // by bot
  std::atomic<bool> storage_well{true};
  Dispatcher dispatcher;

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Batch> batches;
  std::vector<std::vector<Settled>> settled;  // by bot
  std::vector<std::function<void(Storage&)>> asked;
  std::optional<milliseconds> settle_by;  // by the monotonic clock
  FloodGate flood{FloodSettings{0, {}}};
  bool stopping = false;
  bool started = false;
  bool draining = false;
  bool idle = true;
  std::thread thread;
  bool inbox_waits = false;             // only the engine's thread
  std::optional<Sweeper> sweeper;       // only the engine's thread
  std::unique_ptr<JobRunner> jobs;      // its rounds: only the engine's thread
  bool look_for_jobs = true;            // only the engine's thread
  milliseconds jobs_again{0};           // after a trouble of the database
  std::optional<Takeovers> takeovers;
  VersionNeeds needs;
  bool clean_stop = true;  // of the process before
  std::map<std::size_t, std::int64_t> beginning;  // bots that were left out: how much of their outbox is handed out
  milliseconds next_beginning{0};
  std::set<std::int64_t> forgotten;     // rows that left the outbox by an operator's word
  std::vector<std::function<void(bool)>> unconfirmed;  // stored; whoever brought them is told later

  milliseconds next_look{0};  // at the database, when nothing calls for it

  // Of a shared database.
  std::unique_ptr<SharedWork> common;
  Leads leads;
  std::deque<std::pair<std::size_t, bool>> lead_changes;  // with the mutex
  bool news = true;                                       // with the mutex
  bool look_for_sends = false;
  bool look_for_events = false;
  bool has_news = false;  // the others have not been told of yet
  bool unsure = false;  // whether the dispatcher has all that the outbox holds for this process
  int full_rounds = 0;
  std::optional<milliseconds> busy_since;  // since when nothing could be played because others hold the database
  milliseconds next_left_rows{0}, next_tell{0};

  Impl(Storage used, std::vector<BotSetup> bots, Courier& courier, const Clock& time)
      : clock(time), storage(std::move(used)), counters(bots.size()), dispatcher(courier, handlers(), time) {
    for (BotSetup& bot : bots) {
      bot_index.emplace(bot.name, players.size());
      bot.clock = &clock;
      players.push_back(std::make_unique<Player>(storage, std::move(bot)));
    }
    next_timers.resize(players.size());
    for (const auto& player : players) {
      schedules.emplace_back(*player);
      broadcasts.emplace_back(*player, [this, bot = player->setup().name](std::string_view transport) {
        const Dispatcher::Room room = dispatcher.room(bot, transport);
        return BroadcastRunner::Room{room.free, room.per_second};
      });
    }
    next_broadcasts.resize(players.size());
    next_schedules.resize(players.size());
    inbox_due.resize(players.size());
    settled.resize(players.size());
    takeovers.emplace(players, clock, takeover_handlers());
  }

  Dispatcher::Handlers handlers() {
    return {[this](std::string_view bot, Settled one) { note_settled(bot, std::move(one)); },
            [this](std::string_view bot, const ChatAddress& chat) { note_unreachable(bot, chat); },
            [](std::string_view bot, const ChatAddress& chat, const std::string& line) {
              write_log(LogLevel::Warning, line,
                        {{"bot", bot}, {"chat", chat.transport + ":" + chat.chat_id}});
            },
            [this](std::string_view bot) { return may_send(bot); }};
  }

  bool may_send(std::string_view bot) const {
    const Presence* const presence = storage.presence();
    return presence == nullptr || presence->leads(bot);
  }

  void note_settled(std::string_view bot, Settled one) {
    auto found = bot_index.find(bot);
    if (found == bot_index.end()) return;
    if (one.letter) one.letter->at = clock.now();
    if (one.notice) one.notice->at = clock.now();
    Counters& counted = counters[found->second];
    ++(one.state == OutboxRow::State::New ? counted.sent : counted.given_up);
    if (one.broadcast > 0) ++(one.state == OutboxRow::State::New ? counted.broadcast_sent : counted.broadcast_failed);
    std::lock_guard lock(mutex);
    disown(one);
    settled[found->second].push_back(std::move(one));
    // The engine's thread wakes by itself when it has a batch; otherwise it must learn when to record.
    if (!settle_by) {
      settle_by = clock.monotonic() + kSettleAfter;
      if (idle) wake.notify_one();
    }
  }

  /// With the mutex held. Of a row that was erased with its person nothing is written down.
  void disown(Settled& one) const {
    if (!forgotten.contains(one.outbox_id)) return;
    one.letter.reset();
    one.notice.reset();
    one.ticket_message = 0;
  }

  void forget(const std::vector<std::int64_t>& outbox_ids) {
    if (outbox_ids.empty()) return;
    dispatcher.withdraw(outbox_ids);
    std::lock_guard lock(mutex);
    forgotten.insert(outbox_ids.begin(), outbox_ids.end());
    for (std::vector<Settled>& of_bot : settled)
      for (Settled& one : of_bot) disown(one);
  }

  /// Rows that another process took back. Their empty rest goes with what was settled.
  void withdraw(std::size_t bot, const std::vector<std::int64_t>& outbox_ids) {
    if (outbox_ids.empty()) return;
    forget(outbox_ids);
    std::lock_guard lock(mutex);
    for (const std::int64_t id : outbox_ids) settled[bot].push_back({id, true, OutboxRow::State::Dead, 0, {}, {}});
    if (!settle_by) settle_by = clock.monotonic() + kSettleAfter;
  }

  void note_unreachable(std::string_view bot, const ChatAddress& chat) {
    Incoming update;
    update.id = "unreachable:" + chat.chat_id + ":" + std::to_string(clock.now().unix_ms);
    update.chat = chat;
    update.person.id = chat.chat_id;
    update.event = Event{clock.now(), 0, Reachability{false}};
    std::vector<Incoming> updates;
    updates.push_back(std::move(update));
    take(bot, chat.transport, std::move(updates), {}, false, [](bool) {});
  }

  void take(std::string_view bot, std::string_view transport, std::vector<Incoming> updates,
            std::string position, bool claim, std::function<void(bool)> stored) {
    auto found = bot_index.find(bot);
    if (found == bot_index.end()) return stored(false);
    bool nothing_heard = false;
    {
      std::lock_guard lock(mutex);
      if (!draining) {
        Counters& counted = counters[found->second];
        counted.updates += updates.size();
        const bool some = !updates.empty();
        counted.passed_over += flood.hold_back(players[found->second]->setup().name, updates);
        nothing_heard = some && updates.empty();
        if (!nothing_heard) {
          add_batch(found->second, transport, std::move(updates), std::move(position), claim, std::move(stored));
          wake.notify_one();
          return;
        }
      }
    }
    // Of a flood nothing is left to be stored, not even how far it has come: the platform forgets it at once, and
    // those behind it wait for no transaction.
    stored(nothing_heard);
  }

  /// With the mutex held. Webhooks bring updates one by one: those that wait for their turn commit together.
  void add_batch(std::size_t bot, std::string_view transport, std::vector<Incoming> updates,
                 std::string position, bool claim, std::function<void(bool)> stored) {
    const auto joins = [&](const Batch& waiting) {
      return waiting.bot == bot && waiting.transport == transport && waiting.claim == claim &&
             waiting.position.empty() && position.empty() && waiting.updates.size() < kJoinedUpdates;
    };
    // Only the newest batch of the bot may be joined: a dialog's events keep their order.
    const auto last = std::find_if(batches.rbegin(), batches.rend(),
                                   [&](const Batch& waiting) { return waiting.bot == bot; });
    if (last != batches.rend() && joins(*last)) {
      std::move(updates.begin(), updates.end(), std::back_inserter(last->updates));
      last->stored.push_back(std::move(stored));
      return;
    }
    Batch batch{bot, std::string(transport), std::move(updates), std::move(position), claim, {}};
    batch.stored.push_back(std::move(stored));
    batches.push_back(std::move(batch));
  }

  void hand_out(std::vector<OutboxRow> rows) {
    {
      std::lock_guard lock(mutex);
      for (const OutboxRow& row : rows) flood.answered(row.bot, row.chat);
    }
    dispatcher.add(std::move(rows));
  }

  void tell(std::size_t bot, Played& played) {
    const BotSetup& setup = players[bot]->setup();
    for (const TurnNote& note : played.notes) {
      const bool bad = note.kind == TurnNote::Kind::Fault || note.kind == TurnNote::Kind::Buried;
      if (bad) ++counters[bot].faults;
      if (note.kind == TurnNote::Kind::Relocated && takeovers->is_told_already(bot)) continue;
      const bool alarm = note.kind == TurnNote::Kind::Alarm;
      write_log(alarm ? LogLevel::Error : bad ? LogLevel::Warning : LogLevel::Info,
                (alarm ? "ALARM: " : "") + note.text,
                {{"bot", setup.name}, {"chat", note.chat.transport + ":" + note.chat.chat_id}, {"file", note.file}});
    }
    for (const TurnLine& line : played.lines)
      write_log(LogLevel::Info, "turn",
                {{"bot", setup.name},
                 {"dialog", std::to_string(line.dialog_id)},
                 {"chat", line.chat.transport + ":" + line.chat.chat_id},
                 {"event", line.event},
                 {"from", line.from},
                 {"to", line.to},
                 {"messages", std::to_string(line.messages)},
                 {"lag_ms", std::to_string(line.lag_ms)},
                 {"version", line.version}});
    counters[bot].turns += played.turns;
    ++counters[bot].batches;
    storage_well = true;
    look_for_jobs |= played.jobs_started;
    if (played.broadcasts_begun) next_broadcasts[bot].reset();
    inbox_due[bot].reset();
    if (played.trouble) {
      complain(bot, *played.trouble);
      if (!common) inbox_due[bot] = clock.monotonic() + kStorageRetry;
    }
    hand_out(std::move(played.outbox));
  }

  void complain(std::size_t bot, const StorageError& error) {
    ++counters[bot].storage_errors;
    if (storage_well.exchange(false) && !common) next_look = clock.monotonic() + kStorageRetry;
    write_log(LogLevel::Error, error.message, {{"bot", players[bot]->setup().name}});
  }

  void refresh_timer(std::size_t bot) {
    // Where timers are shared, each look at the database takes what is due.
    if (common) return;
    auto next = players[bot]->next_timer();
    // Not knowing is no reason to forget: it is looked at again soon.
    next_timers[bot] = next ? *next : Moment{clock.now().unix_ms + kStorageRetry.count()};
  }

  // ---- the engine's thread

  void run() {
    {
      std::lock_guard lock(mutex);
      idle = false;
    }
    for (;;) {
      const std::optional<milliseconds> rest = round();
      std::unique_lock lock(mutex);
      if (stopping && batches.empty() && asked.empty()) return;
      if (!batches.empty() || !asked.empty() || (jobs && jobs->has_results() && clock.monotonic() >= jobs_again)) continue;
      idle = true;
      // What was settled during the round has set a time of its own.
      const std::optional<milliseconds> until = earlier(rest, until_settling());
      if (!until) {
        wake.wait(lock);
      } else if (until->count() > 0) {
        wake.wait_for(lock, *until);
      }
      idle = false;
    }
  }

  std::optional<milliseconds> round() {
    std::deque<Batch> work;
    std::vector<std::vector<Settled>> outcomes(players.size());
    std::vector<std::function<void(Storage&)>> questions;
    {
      std::lock_guard lock(mutex);
      work.swap(batches);
      questions.swap(asked);
      // A round for a batch takes along what was settled; one that came too early leaves it to gather.
      if (!work.empty() || !questions.empty() || (settle_by && *settle_by <= clock.monotonic())) {
        outcomes.swap(settled);
        settled.resize(players.size());
        settle_by.reset();
      }
    }
    if (common) {
      round_in_common(work, outcomes);
      tell_news();
    } else {
      for (Batch& batch : work) play(batch, outcomes[batch.bot]);
      for (std::size_t bot = 0; bot < players.size(); ++bot) {
        if (!outcomes[bot].empty()) record(bot, outcomes[bot]);
        play_left(bot);
        play_due(bot);
      }
      if (!storage_well && clock.monotonic() >= next_look) look_whether_well();
    }
    for (const auto& question : questions) question(storage);
    if (!questions.empty()) look_at_schedules();
    const std::optional<milliseconds> schedules_rest = earlier(run_schedules(), run_broadcasts());
    const std::optional<milliseconds> jobs_rest = do_jobs();
    tell_needs();
    begin_late();
    const std::optional<milliseconds> takes_over = take_over();
    if (inbox_waits && common) {
      std::lock_guard lock(mutex);
      inbox_waits = false;
      news = has_news = true;
    } else if (inbox_waits) {
      play_stored();
    }
    confirm();
    std::optional<milliseconds> sweep;
    // Of several processes one is enough.
    if (sweeper && (!common || (!players.empty() && common->leads(0)))) sweep = sweeper->round(storage, clock);

    std::lock_guard lock(mutex);
    std::optional<milliseconds> rest = earlier(earlier(until_settling(), sweep), takes_over);
    rest = earlier(earlier(rest, jobs_rest), schedules_rest);
    // What was played last asks for some.
    if (jobs && look_for_jobs && !draining) rest = earlier(rest, std::max(milliseconds(0), jobs_again - clock.monotonic()));
    if (!beginning.empty()) rest = earlier(rest, std::max(milliseconds(0), next_beginning - clock.monotonic()));
    rest = earlier(rest, needs.rest());
    if (!unconfirmed.empty()) rest = earlier(rest, kLookAgain);
    if (common && has_news) rest = earlier(rest, kLookAgain);
    if (!common && !storage_well) rest = earlier(rest, std::max(milliseconds(0), next_look - clock.monotonic()));
    if (common) rest = earlier(rest, full_rounds > 0 || news || look_for_events ? milliseconds(0) : next_look - clock.monotonic());
    for (const auto& due : inbox_due)
      if (due) rest = earlier(rest, std::max(milliseconds(0), *due - clock.monotonic()));
    for (const auto& timer : next_timers) {
      if (!timer) continue;
      const milliseconds due(std::max<std::int64_t>(0, timer->unix_ms - clock.now().unix_ms));
      rest = earlier(rest, std::min(due, kLookAtTheClock));
    }
    return rest;
  }

  // ---- what the scenarios begin by the clock

  /// Somebody may have changed them: a new version, or an operator.
  void look_at_schedules() {
    std::fill(next_schedules.begin(), next_schedules.end(), std::nullopt);
    std::fill(next_broadcasts.begin(), next_broadcasts.end(), std::nullopt);
  }

  /// One thing for each bot that is due; when there is something again.
  std::optional<milliseconds> run_schedules() {
    {
      std::lock_guard lock(mutex);
      if (draining) return std::nullopt;
    }
    const milliseconds now = clock.monotonic();
    if (now < schedules_again) return schedules_again - now;
    std::optional<milliseconds> rest;
    for (std::size_t bot = 0; bot < players.size(); ++bot) {
      if (schedules[bot].is_idle()) continue;
      // The row is locked all the same: who lost the lead may not know it yet.
      if (common && !common->leads(bot)) continue;
      if (!common && next_schedules[bot] && clock.now() < *next_schedules[bot]) continue;
      // A run for everybody goes on when what it said so far is on its way.
      // Who writes meanwhile waits for no more than this.
      if (dispatcher.pending() >= kScheduledAhead) {
        rest = earlier(rest, kLookWhetherSent);
        continue;
      }
      auto round = schedules[bot].round(storage, clock.now());
      if (!round) {
        if (round.error().kind != StorageError::Kind::Busy) complain(bot, round.error());
        schedules_again = now + kStorageRetry;
        return kStorageRetry;
      }
      inbox_waits |= round->stored;
      if (!round->notes.empty()) {
        Played played;
        played.notes = std::move(round->notes);
        tell(bot, played);
      }
      next_schedules[bot] = round->next.value_or(kNeverAt);
      if (*next_schedules[bot] <= clock.now()) rest = milliseconds(0);
    }
    if (common) {
      // Operators may write into the database from anywhere.
      if (!rest || rest->count() > 0) schedules_again = now + kLookAtTheDatabase;
      const bool any = std::any_of(schedules.begin(), schedules.end(), [](const ScheduleRunner& one) { return !one.is_idle(); });
      return any ? earlier(rest, kLookAtTheDatabase) : rest;
    }
    for (std::size_t bot = 0; bot < players.size(); ++bot) {
      if (!next_schedules[bot] || *next_schedules[bot] == kNeverAt) continue;
      const milliseconds ahead(std::max<std::int64_t>(0, next_schedules[bot]->unix_ms - clock.now().unix_ms));
      rest = earlier(rest, std::min(ahead, kLookAtTheClock));
    }
    return rest;
  }

  /// A bite for each bot; when the next is due.
  std::optional<milliseconds> run_broadcasts() {
    {
      std::lock_guard lock(mutex);
      if (draining) return std::nullopt;
    }
    std::optional<milliseconds> rest;
    // It is looked whether the database is well again; until then there is nothing to do.
    if (!common && !storage_well) return rest;
    for (std::size_t bot = 0; bot < players.size(); ++bot) {
      if (players[bot]->left_out() || (common && !common->leads(bot))) continue;
      const milliseconds began = clock.monotonic();
      std::optional<milliseconds>& next = next_broadcasts[bot];
      if (next && *next > began) {
        if (*next != kNever) rest = earlier(rest, *next - began);
        continue;
      }
      auto round = broadcasts[bot].round(storage, clock.now(), began);
      if (!round) {
        if (round.error().kind != StorageError::Kind::Busy) complain(bot, round.error());
        next = began + kStorageRetry;
        rest = earlier(rest, kStorageRetry);
        continue;
      }
      counters[bot].broadcast_given += round->given;
      inbox_waits |= round->stored;
      if (!round->notes.empty()) {
        Played played;
        played.notes = std::move(round->notes);
        tell(bot, played);
      }
      // People are looked for no longer than half of the time: the database is wanted by turns, too.
      std::optional<milliseconds> again = round->rest;
      if (again && again->count() == 0) again = std::min(clock.monotonic() - began, kLongestBroadcastRest);
      // Another process, or an operator, may begin one.
      if (common) again = earlier(again, players[bot]->setup().program->broadcasts ? kLookAtTheDatabase : kLookForLeftRows);
      next = again ? clock.monotonic() + std::min(*again, kLookAtTheClock) : kNever;
      if (again) rest = earlier(rest, std::min(*again, kLookAtTheClock));
    }
    return rest;
  }

  std::optional<milliseconds> do_jobs() {
    if (!jobs) return std::nullopt;
    if (clock.monotonic() < jobs_again) return jobs_again - clock.monotonic();
    bool claim = false;
    {
      std::lock_guard lock(mutex);
      claim = !draining;
    }
    const auto done = jobs->round(storage, std::exchange(look_for_jobs, false), claim);
    if (!done) {
      jobs_again = clock.monotonic() + kStorageRetry;
      look_for_jobs = true;
      if (done.error().kind != StorageError::Kind::Busy && !players.empty()) complain(0, done.error());
      return kStorageRetry;
    }
    inbox_waits |= done->stored;
    // Many at work end one by one: what ends meanwhile shares a commit.
    if (jobs->running() >= kManyJobs) {
      jobs_again = clock.monotonic() + kGatherJobs;
      if (look_for_jobs || jobs->has_results()) return earlier(done->rest, kGatherJobs);
    }
    return done->rest;
  }

  // ---- other versions of the scenarios

  Takeovers::Handlers takeover_handlers() {
    return {[this](std::size_t bot) { return !common || common->leads(bot); },
            [this](std::size_t bot, Played& played, bool moved) {
              // Another process passed over the people whose dialogs were moved.
              look_for_events |= common && moved;
              if (!played.notes.empty() || !played.outbox.empty()) {
                if (common) has_news = true;
                tell(bot, played);
              }
              if (played.timers_changed) refresh_timer(bot);
            },
            [this](std::size_t bot, const StorageError& error) { complain(bot, error); }};
  }

  std::optional<milliseconds> take_over() {
    {
      std::lock_guard lock(mutex);
      if (draining) return std::nullopt;
    }
    return takeovers->round();
  }

  void tell_needs() {
    {
      std::lock_guard lock(mutex);
      if (draining) return;
    }
    // A newer version is loaded elsewhere; until then the others are played.
    if (common) needs.tell_stale(players, clock.monotonic());
    needs.tell_wanted(players, clock.monotonic());
  }

  void bring(std::size_t bot, const std::string& version, std::shared_ptr<const Program> program) {
    needs.came(players[bot]->setup().name, version);
    players[bot]->keep(version, std::move(program));
    play_again();
  }

  /// What waited for a version is played at once.
  void play_again() {
    inbox_waits = true;
    if (common) common->versions_came();
  }

  /// A bot is served that was left out at the start.
  void begin_now(std::size_t bot) {
    if (Presence* const presence = storage.presence()) return presence->serve(players[bot]->setup().name);
    beginning.emplace(bot, 0);
    next_beginning = milliseconds(0);
  }

  void begin_late() {
    if (beginning.empty() || clock.monotonic() < next_beginning) return;
    for (auto one = beginning.begin(); one != beginning.end();) {
      const std::size_t bot = one->first;
      if (auto begun = begin_bot(bot, one->second); !begun) {
        complain(bot, begun.error());
        next_beginning = clock.monotonic() + kStorageRetry;
        ++one;
        continue;
      }
      one = beginning.erase(one);
      if (leads) leads(players[bot]->setup().name, true);
    }
  }

  /// A process that says it is not ready may be given nothing to do, and so would never find out.
  void look_whether_well() {
    // The smallest thing that is written: that we run, which is so.
    const auto written = storage.begin_running();
    if (written) storage_well = true;
    next_look = clock.monotonic() + kStorageRetry;
  }

  void play_stored() {
    inbox_waits = false;
    for (std::size_t bot = 0; bot < players.size(); ++bot) inbox_due[bot] = milliseconds(0);
    for (std::size_t bot = 0; bot < players.size(); ++bot) play_left(bot);
  }

  static std::optional<milliseconds> earlier(std::optional<milliseconds> a, std::optional<milliseconds> b) {
    if (!a || !b) return a ? a : b;
    return std::min(*a, *b);
  }

  /// With the mutex held.
  std::optional<milliseconds> until_settling() const {
    if (!settle_by) return std::nullopt;
    return std::max(milliseconds(0), *settle_by - clock.monotonic());
  }

  void play(Batch& batch, std::vector<Settled>& outcomes) {
    Player& player = *players[batch.bot];
    auto played = player.play(batch.updates, batch.transport, batch.position, outcomes, batch.claim);
    if (!played) {
      complain(batch.bot, played.error());
      for (const auto& stored : batch.stored) stored(false);
      return;
    }
    outcomes.clear();
    if (played->timers_changed) refresh_timer(batch.bot);
    tell(batch.bot, *played);
    if (player.has_reports()) inbox_waits = true;
    std::move(batch.stored.begin(), batch.stored.end(), std::back_inserter(unconfirmed));
    confirm();
  }

  /// Back-pressure: while we cannot send as fast as people write, whoever brought their words is not told yet
  /// that they are stored, and so brings no more.
  void confirm() {
    if (unconfirmed.empty()) return;
    if (sends_too_much() || full_rounds > kFullRounds) {
      std::lock_guard lock(mutex);
      if (!stopping && !draining) return;
    }
    failpoint("stored");
    for (const auto& tell_stored : std::exchange(unconfirmed, {})) tell_stored(true);
  }

  bool sends_too_much() const {
    const std::size_t pending = dispatcher.pending();
    return pending > kMaxSending && (pending > kMaxWaitingForChats || pending - std::min(pending, dispatcher.waiting().for_chats) > kMaxSending);
  }

  void record(std::size_t bot, std::vector<Settled>& outcomes) {
    auto done = players[bot]->settle(outcomes);
    if (done) {
      storage_well = true;
      if (players[bot]->has_reports()) inbox_waits = true;
      return;
    }
    complain(bot, done.error());
    std::lock_guard lock(mutex);
    settled[bot].insert(settled[bot].end(), std::make_move_iterator(outcomes.begin()),
                        std::make_move_iterator(outcomes.end()));
    settle_by = clock.monotonic() + kStorageRetry;
  }

  /// Events that were taken, and could not be played then.
  void play_left(std::size_t bot) {
    if (!inbox_due[bot] || *inbox_due[bot] > clock.monotonic()) return;
    auto played = players[bot]->go_on();
    if (!played) return complain(bot, played.error());
    if (played->timers_changed) refresh_timer(bot);
    tell(bot, *played);
  }

  void play_due(std::size_t bot) {
    if (!next_timers[bot] || *next_timers[bot] > clock.now()) return;
    auto played = players[bot]->play_timers(clock.now(), kTimersAtOnce);
    if (!played) {
      complain(bot, played.error());
      next_timers[bot] = Moment{clock.now().unix_ms + kStorageRetry.count()};
      return;
    }
    tell(bot, *played);
    refresh_timer(bot);
  }

  // ---- a database that several processes share

  Stored<Done> join() {
    common = std::make_unique<SharedWork>(storage, players);
    common->limit_floods(flood.settings());
    std::vector<std::string> bots;
    for (const auto& player : players)
      if (!player->left_out()) bots.push_back(player->setup().name);
    Storage::PresenceHandlers handlers;
    handlers.news = [this] {
      std::lock_guard lock(mutex);
      news = true;
      wake.notify_one();
    };
    handlers.leads = [this](std::string_view bot, bool leads_now) {
      std::lock_guard lock(mutex);
      lead_changes.emplace_back(bot_index.find(bot)->second, leads_now);
      news = true;
      wake.notify_one();
    };
    handlers.trouble = [this](const std::string& line) {
      storage_well = false;
      write_log(LogLevel::Error, line);
    };
    return storage.join(std::move(bots), std::move(handlers));
  }

  void round_in_common(std::deque<Batch>& work, std::vector<std::vector<Settled>>& outcomes) {
    const milliseconds now = clock.monotonic();
    bool look = now >= next_look || full_rounds > 0 || !work.empty();
    look |= std::exchange(look_for_events, false);
    {
      std::lock_guard lock(mutex);
      if (std::exchange(news, false)) look = look_for_sends = true;
    }
    change_leads();
    if (!store_in_common(work, outcomes)) return rest_after_failure();
    if (unsure && !send_what_is_left()) return rest_after_failure();
    if (!look) return;
    if (now >= next_look) {
      look_for_sends = true;
      next_look = now + kLookAtTheDatabase;
      auto timers = common->take_timers(clock.now());
      if (!timers) return complain_in_common(timers.error());
    }
    if (!send_for_others(now)) return;
    {
      std::lock_guard lock(mutex);
      if (draining) return;
    }
    auto round = common->play();
    if (!round) return complain_in_common(round.error());
    if (!round->trouble) {
      storage_well = true;
      busy_since.reset();
    }
    full_rounds = round->more ? full_rounds + 1 : 0;
    bool others_send = false;
    for (std::size_t bot = 0; bot < players.size(); ++bot) {
      Played& played = round->played[bot];
      counters[bot].passed_over += round->passed_over[bot];
      if (!common->leads(bot)) {
        others_send |= !played.outbox.empty();
        played.outbox.clear();
      }
      if (played.turns > 0 || !played.outbox.empty() || !played.notes.empty()) tell(bot, played);
    }
    has_news |= others_send || full_rounds > 0;
    if (round->trouble) complain_in_common(*round->trouble);
  }

  /// Hints cost the database something, and one says as much as many.
  void tell_news() {
    if (!has_news || clock.monotonic() < next_tell) return;
    has_news = false;
    next_tell = clock.monotonic() + kLookAgain;
    storage.presence()->tell_news();
  }

  /// Whether it was stored; what was not is kept, or its bringer told.
  bool store_in_common(std::deque<Batch>& work, std::vector<std::vector<Settled>>& outcomes) {
    const bool settles = std::any_of(outcomes.begin(), outcomes.end(), [](const auto& one) { return !one.empty(); });
    if (work.empty() && !settles) return true;
    std::vector<SharedWork::Intake> intakes;
    for (const Batch& batch : work) intakes.push_back({batch.bot, batch.transport, &batch.updates, batch.position});
    auto done = common->store(intakes, outcomes);
    if (!done) {
      complain_in_common(done.error());
      for (Batch& batch : work)
        for (const auto& stored : batch.stored) stored(false);
      std::lock_guard lock(mutex);
      for (std::size_t bot = 0; bot < players.size(); ++bot) {
        settled[bot].insert(settled[bot].begin(), std::make_move_iterator(outcomes[bot].begin()),
                            std::make_move_iterator(outcomes[bot].end()));
      }
      if (settles) settle_by = clock.monotonic() + kStorageRetry;
      return false;
    }
    if (!busy_for_long()) storage_well = true;  // else what is stored cannot be played
    for (Batch& batch : work)
      std::move(batch.stored.begin(), batch.stored.end(), std::back_inserter(unconfirmed));
    confirm();
    return true;
  }

  void change_leads() {
    std::deque<std::pair<std::size_t, bool>> changes;
    {
      std::lock_guard lock(mutex);
      changes.swap(lead_changes);
    }
    for (const auto& [bot, leads_now] : changes) {
      const std::string& name = players[bot]->setup().name;
      write_log(LogLevel::Info, leads_now ? "this process serves the bot" : "another process may serve the bot",
                {{"bot", name}});
      common->lead(bot, leads_now);
      if (!leads_now) dispatcher.forget(name);
      // What it sent for the bot before, it may have forgotten.
      unsure |= leads_now;
      if (leads) leads(name, leads_now);
    }
  }

  /// What other processes have played, and what an earlier leader did not send.
  bool send_for_others(milliseconds now) {
    const bool all = now >= next_left_rows;
    if (!look_for_sends && !all) return true;
    for (std::size_t bot = 0; bot < players.size(); ++bot) {
      if (!common->leads(bot)) continue;
      auto sends = common->claim_sends(bot, all);
      if (!sends) {
        complain_in_common(sends.error());
        return false;
      }
      withdraw(bot, sends->withdrawn);
      hand_out(std::move(sends->rows));
    }
    look_for_sends = false;
    if (all) next_left_rows = now + kLookForLeftRows;
    return true;
  }

  /// Takes out what this process sends already, or has sent.
  void drop_known(std::vector<OutboxRow>& rows) {
    // In this order: what the dispatcher no longer knows has been noted as settled before.
    std::erase_if(rows, [&](const OutboxRow& row) { return dispatcher.take_back(row.id); });
    std::unordered_set<std::int64_t> being_recorded;
    {
      std::lock_guard lock(mutex);
      for (const auto& of_bot : settled)
        for (const Settled& one : of_bot) being_recorded.insert(one.outbox_id);
    }
    std::erase_if(rows, [&](const OutboxRow& row) { return being_recorded.contains(row.id); });
  }

  /// A lost connection leaves open whether its transaction was stored, and then its rows are nowhere but in the outbox.
  bool send_what_is_left() {
    for (std::size_t bot = 0; bot < players.size(); ++bot) {
      if (!common->leads(bot)) continue;
      auto sends = common->claim_sends(bot, true);
      if (!sends) {
        complain_in_common(sends.error());
        return false;
      }
      withdraw(bot, sends->withdrawn);
      std::vector<OutboxRow>& left = sends->rows;
      for (std::int64_t after = 0;;) {
        auto rows = players[bot]->outbox(after, 1000);
        if (!rows) {
          complain_in_common(rows.error());
          return false;
        }
        if (rows->empty()) break;
        after = rows->back().id;
        std::move(rows->begin(), rows->end(), std::back_inserter(left));
      }
      std::erase_if(left, [&](const OutboxRow& row) { return row.state == OutboxRow::State::Unknown; });
      drop_known(left);
      // In the order of the dialogs.
      std::sort(left.begin(), left.end(), [](const OutboxRow& x, const OutboxRow& y) { return x.id < y.id; });
      hand_out(std::move(left));
    }
    unsure = false;
    return true;
  }

  void complain_in_common(const StorageError& error) {
    // Two processes at one row: that is no trouble, and the transaction is played again.
    if (error.kind == StorageError::Kind::Busy) {
      if (!busy_since) busy_since = clock.monotonic();
      if (busy_for_long() && storage_well && !players.empty()) {
        complain(0, error);
      } else {
        write_log(LogLevel::Debug, error.message);
      }
      full_rounds = 0;
      next_look = clock.monotonic() + kLookAgain;
      return;
    }
    if (!players.empty()) complain(0, error);
    if (error.kind == StorageError::Kind::Lost) unsure = true;
    rest_after_failure();
  }

  bool busy_for_long() const { return busy_since && clock.monotonic() - *busy_since >= kBusyForLong; }

  void rest_after_failure() {
    full_rounds = 0;
    next_look = clock.monotonic() + kStorageRetry;
  }

  /// Plays what an earlier process left of the bot. `handed_out`: up to this id its outbox is on its way.
  Stored<Done> begin_bot(std::size_t bot, std::int64_t& handed_out) {
    // What waited in the outbox goes out before what the inbox adds to it.
    for (bool more = true; more;) {
      auto rows = players[bot]->left_in_outbox(handed_out, more);
      if (!rows) return Error{rows.error()};
      if (started) drop_known(*rows);
      hand_out(std::move(*rows));
    }
    auto played = players[bot]->recover(clean_stop);
    if (!played) return Error{played.error()};
    tell(bot, *played);
    refresh_timer(bot);
    return Done{};
  }

  Stored<Done> start(Leads handler, Drive drive) {
    leads = std::move(handler);
    if (storage.shared()) {
      if (auto joined = join(); !joined) return joined;
      started = true;
      if (drive == Drive::OwnThread) thread = std::thread([this] { run(); });
      return Done{};
    }
    auto clean = storage.begin_running();
    if (!clean) return Error{clean.error()};
    clean_stop = *clean;
    for (std::size_t bot = 0; bot < players.size(); ++bot) {
      if (players[bot]->left_out()) continue;
      std::int64_t handed_out = 0;
      if (auto begun = begin_bot(bot, handed_out); !begun) return begun;
    }
    if (jobs) {
      if (auto begun = jobs->start(storage); !begun) return begun;
    }
    started = true;
    for (const auto& player : players)
      if (leads && !player->left_out()) leads(player->setup().name, true);
    if (drive == Drive::OwnThread) thread = std::thread([this] { run(); });
    return Done{};
  }

  void stop(Duration grace) {
    {
      std::lock_guard lock(mutex);
      if (stopping) return;
      draining = true;
      wake.notify_all();
    }
    const bool threaded = thread.joinable();
    if (!threaded) round();
    const auto until = clock.monotonic() + milliseconds(grace.ms);
    while (thread.joinable() && clock.monotonic() < until) {
      bool quiet = false;
      {
        std::lock_guard lock(mutex);
        quiet = batches.empty() && idle && (!jobs || jobs->running() == 0);
      }
      if (quiet && (dispatcher.pending() == 0 || dispatcher.rests_until() > until)) break;
      std::this_thread::sleep_for(milliseconds(2));
    }
    dispatcher.stop();
    {
      std::lock_guard lock(mutex);
      stopping = true;
      wake.notify_all();
    }
    if (thread.joinable()) thread.join();
    confirm();
    // No later round tries these again, and a disk may fail for a moment. Whoever drives by hand has no such moments.
    const auto insist = [tries = threaded ? 5 : 0](const auto& write) {
      Stored<Done> done = write();
      for (int more = 0; more < tries && !done && may_pass(done.error().kind); ++more) {
        std::this_thread::sleep_for(milliseconds(100));
        done = write();
      }
      return done;
    };
    for (std::size_t bot = 0; bot < players.size(); ++bot) {
      auto done = insist([&] { return players[bot]->settle(settled[bot]); });
      if (!done) complain(bot, done.error());
    }
    if (jobs && started) {
      if (auto given = jobs->stop(storage); !given) write_log(LogLevel::Error, given.error().message);
    }
    storage.leave();
    // A start that failed leaves it open what killed the process before it.
    if (!started) return;
    auto ended = insist([&] { return storage.end_running(); });
    if (!ended) write_log(LogLevel::Error, ended.error().message);
  }
};

Engine::Engine(Storage storage, std::vector<BotSetup> bots, Courier& courier, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(storage), std::move(bots), courier, clock)) {}
Engine::~Engine() { impl_->stop(Duration{0}); }

void Engine::limit_floods(FloodSettings settings) { impl_->flood = FloodGate(settings); }
void Engine::keep_to(std::string_view bot, std::string_view transport, const SendingLimits& limits) {
  impl_->dispatcher.keep_to(bot, transport, limits);
}
Stored<Done> Engine::start(Leads leads, Drive drive) { return impl_->start(std::move(leads), drive); }
std::optional<milliseconds> Engine::round() { return impl_->round(); }
void Engine::ask(std::function<void(Storage&)> job) {
  std::lock_guard lock(impl_->mutex);
  impl_->asked.push_back(std::move(job));
  impl_->wake.notify_one();
}
void Engine::work(Crew& crew, GrowingAnswers* growing) {
  std::vector<std::string> bots;
  for (const auto& player : impl_->players) bots.push_back(player->setup().name);
  impl_->jobs = std::make_unique<JobRunner>(crew, std::move(bots), impl_->clock, [impl = impl_.get()] {
    std::lock_guard lock(impl->mutex);
    impl->wake.notify_one();
  }, growing);
}
std::vector<JobRunner::Figures> Engine::job_figures() const {
  return impl_->jobs ? impl_->jobs->figures() : std::vector<JobRunner::Figures>();
}
std::size_t Engine::working() const { return impl_->jobs ? impl_->jobs->running() : 0; }
void Engine::send(std::vector<OutboxRow> rows) {
  // The leader of a bot finds them in the outbox.
  if (const Presence* const presence = impl_->storage.presence())
    std::erase_if(rows, [&](const OutboxRow& row) { return !presence->leads(row.bot); });
  impl_->hand_out(std::move(rows));
}
Serving Engine::serve(std::string_view bot, Serving serving) {
  const std::size_t index = impl_->bot_index.find(bot)->second;
  const bool left_out = impl_->players[index]->left_out();
  Serving before = impl_->players[index]->serve(std::move(serving));
  impl_->takeovers->begin(index);
  impl_->look_at_schedules();
  if (left_out) impl_->begin_now(index);
  // Of those that waited for a version some may wait no more.
  impl_->play_again();
  // What waits for the new version is played at once.
  std::lock_guard lock(impl_->mutex);
  impl_->news = true;
  return before;
}
void Engine::when_stale(std::function<void(std::string_view)> handler) { impl_->needs.stale = std::move(handler); }
void Engine::when_wanted(std::function<void(std::string_view, const std::string&)> handler) {
  impl_->needs.wanted = std::move(handler);
}
void Engine::keep(std::string_view bot, const std::string& version, std::shared_ptr<const Program> program) {
  impl_->bring(impl_->bot_index.find(bot)->second, version, std::move(program));
}
void Engine::notify(std::string_view bot, const std::string& role, const std::string& text) {
  const std::size_t index = impl_->bot_index.find(bot)->second;
  auto played = impl_->players[index]->notify(role, text, impl_->clock.now());
  if (!played) return impl_->complain(index, played.error());
  if (impl_->common && !impl_->common->leads(index)) {
    impl_->has_news = true;
    played->outbox.clear();
  }
  impl_->tell(index, *played);
}
const Program* Engine::program(std::string_view bot) const {
  const auto found = impl_->bot_index.find(bot);
  if (found == impl_->bot_index.end() || impl_->players[found->second]->left_out()) return nullptr;
  return impl_->players[found->second]->setup().program.get();
}
bool Engine::sweeping() const { return impl_->takeovers->under_way(); }
void Engine::play_inbox() { impl_->inbox_waits = true; }
void Engine::look_for_jobs() { impl_->look_for_jobs = true; }
void Engine::forget(const std::vector<std::int64_t>& outbox_ids) { impl_->forget(outbox_ids); }
void Engine::keep(const Retention& retention) { impl_->sweeper.emplace(retention); }
void Engine::take(std::string_view bot, std::string_view transport, std::vector<Incoming> updates,
                  std::string position, bool claim, std::function<void(bool)> stored) {
  impl_->take(bot, transport, std::move(updates), std::move(position), claim, std::move(stored));
}
Stored<std::string> Engine::position(std::string_view bot, std::string_view transport) {
  auto found = impl_->bot_index.find(bot);
  if (found == impl_->bot_index.end()) return std::string();
  return impl_->players[found->second]->position(transport);
}
void Engine::stop(Duration grace) { impl_->stop(grace); }

std::vector<Engine::Figures> Engine::figures() const {
  std::vector<Figures> all;
  for (std::size_t bot = 0; bot < impl_->players.size(); ++bot) {
    const Impl::Counters& counted = impl_->counters[bot];
    all.push_back({impl_->players[bot]->setup().name, counted.updates, counted.turns, counted.batches,
                   counted.faults, counted.storage_errors, counted.sent, counted.passed_over, counted.given_up,
                   counted.broadcast_given, counted.broadcast_sent, counted.broadcast_failed,
                   impl_->dispatcher.waiting(impl_->players[bot]->setup().name)});
  }
  return all;
}
std::size_t Engine::sending() const { return impl_->dispatcher.pending(); }
bool Engine::may_send(std::string_view bot) const { return impl_->may_send(bot); }
bool Engine::storage_well() const { return impl_->storage_well; }

}  // namespace sufler

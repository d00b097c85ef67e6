// A batch is tried as one transaction of many turns. Only when that fails for a reason that lies in
// an event itself are the events stored in the inbox and played one by one, so the usual turn pays
// nothing for the rare one.
#include "interpreter/runtime/player.h"

#include <exception>
#include <set>

#include "interpreter/core/failed_turn.h"
#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/turn_player.h"
#include "storage/broadcast_store.h"
#include "storage/version_store.h"

namespace sufler {
namespace {

/// How many events after an unclean stop go through the inbox.
constexpr std::size_t kCarefulEvents = 200;
/// Stored events that are played in one transaction.
constexpr std::size_t kStoredAtOnce = 100;
/// So many dialogs are held and loaded together: where a database is far away, one by one is slow.
constexpr std::size_t kMovedTogether = 50;

/// The serial of the rest that the event was to end, and that nothing else would; 0 when there is none.
std::uint64_t rest_ended_by(const Event& event) {
  if (std::holds_alternative<HearKept>(event.what)) return kKeptMessage;
  if (const auto* job = std::get_if<JobDone>(&event.what)) return job->serial;
  const auto* timer = std::get_if<TimerDue>(&event.what);
  const std::string_view name = timer ? std::string_view(timer->name).substr(0, timer->name.find('.')) : "";
  return timer && (name == "pause" || name == "job" || is_schedule_timer(timer->name)) ? timer->serial : 0;
}

/// For as long as it lives, what was written during a job is heard apart.
class Apart {
 public:
  Apart(TurnPlayer& turns, bool apart) : turns_(turns) { turns_.hear_kept_apart(apart); }
  Apart(const Apart&) = delete;
  Apart& operator=(const Apart&) = delete;
  ~Apart() { turns_.hear_kept_apart(false); }

 private:
  TurnPlayer& turns_;
};

}  // namespace

struct Player::Impl {
  Storage& storage;
  TurnPlayer turns;
  std::size_t careful_left = 0;
  bool inbox_left = false;  // events that are stored could not be played yet
  bool reported = false;    // what became of a message waits in the inbox for the desk
  std::map<std::int64_t, std::uint32_t>
      counted;  // events whose attempt was counted and not made, with that count

  Impl(Storage& used, BotSetup given) : storage(used), turns(used, std::move(given)) {}

  const std::string& bot() const { return turns.setup().name; }

  // ---- transactions

  /// Runs `body`; an exception inside it counts as a failure of the event, never of the process.
  Stored<Done> attempt(const std::function<Stored<Done>(Transaction&)>& body) {
    turns.begin_attempt();
    const std::optional<ValueMap> shared_before = turns.shared();
    Stored<Done> done = Done{};
    try {
      done = storage.transact(body);
    } catch (const std::exception& error) {
      done = Error{
          StorageError{StorageError::Kind::Other, std::string("the turn failed: ") + error.what()}};
    }
    if (!done) turns.set_shared(shared_before);
    return done;
  }

  /// The desk hears of what was given up, and of topics that were made: as an event, so that it
  /// happens once.
  Stored<Done> report_delivery(Transaction& tx, const Settled& settled) {
    Delivery delivery;
    delivery.ticket_message = std::abs(settled.ticket_message);
    if (settled.letter) {
      delivery.unreachable = settled.unreachable;
      delivery.topic_gone = settled.topic_gone;
      delivery.reason = settled.reason;
    } else if (settled.ticket_message < 0 && settled.notice) {
      delivery.topic = settled.notice->message_id;
    } else {
      return Done{};
    }
    auto line = tx.desk().message(delivery.ticket_message);
    if (!line) return Error{line.error()};
    if (!*line) return Done{};
    auto ticket = tx.desk().ticket((*line)->ticket_id);
    if (!ticket) return Error{ticket.error()};
    auto client = *ticket ? tx.find_dialog((*ticket)->dialog_id)
                          : Stored<std::optional<DialogKey>>(std::nullopt);
    if (!client) return Error{client.error()};
    if (!*client) return Done{};
    delivery.chat = settled.chat;
    const Moment at = settled.letter ? settled.letter->at : settled.notice->at;
    reported = true;
    return turns.pass_on(tx, **client, "delivery:" + std::to_string(settled.outbox_id),
                         Event{at, 0, std::move(delivery)});
  }

  /// A manager hears what became of their message: as an event, so that it happens once. Of one that may have arrived
  /// nothing is said.
  Stored<Done> report_to_crm(Transaction& tx, const Settled& settled) {
    if (settled.state == OutboxRow::State::Unknown) return Done{};
    auto client = tx.find_dialog(settled.dialog_id);
    if (!client) return Error{client.error()};
    if (!*client) return Done{};
    Delivery delivery;
    delivery.topic = settled.crm_message;
    delivery.unreachable = settled.unreachable;
    if (settled.letter) delivery.reason = settled.reason.empty() ? "not delivered" : settled.reason;
    delivery.chat = (*client)->chat;
    reported = true;
    return turns.pass_on(tx, **client, "delivery:" + std::to_string(settled.outbox_id),
                         Event{settled.letter ? settled.letter->at : Moment{}, 0, std::move(delivery)});
  }

  Stored<Done> map_sent(Transaction& tx, const SentNotice& sent) {
    if (sent.chat.transport == kCrmTransport)
      return tx.map_message(bot(), crm_chats(), sent.message_id, sent.dialog_id, kCrmForEver);
    auto done = tx.map_message(bot(), sent.chat, sent.message_id, sent.dialog_id, sent.at, sent.ticket_message);
    for (std::size_t i = 0; i < sent.further_ids.size() && done; ++i)
      done = tx.map_message(bot(), sent.chat, sent.further_ids[i], sent.dialog_id, sent.at, sent.ticket_message);
    return done;
  }

  static void count(const Settled& one, BroadcastStore::Outcomes& outcomes) {
    switch (one.state) {
      case OutboxRow::State::New: ++outcomes.sent; break;
      case OutboxRow::State::Unknown: ++outcomes.unknown; break;
      default:
        ++outcomes.failed;
        outcomes.gone += one.unreachable ? 1 : 0;
    }
  }

  Stored<Done> record(Transaction& tx, const std::vector<Settled>& settled) {
    // What is written down of a row is written once, with the row's end: it comes again when nobody
    // knows whether the transaction was stored. And of a row that was erased with its person
    // nothing is written.
    const auto leaves_a_trace = [](const Settled& one) {
      return one.letter || one.notice || !one.drop || one.broadcast > 0 || !one.crm_message.empty();
    };
    std::vector<std::int64_t> ids;
    for (const Settled& one : settled)
      if (leaves_a_trace(one)) ids.push_back(one.outbox_id);
    std::set<std::int64_t> there;
    if (!ids.empty()) {
      auto found = tx.still_in_outbox(ids);
      if (!found) return Error{found.error()};
      there = std::move(*found);
    }
    std::map<std::int64_t, BroadcastStore::Outcomes> broadcasts;
    for (const Settled& one : settled) {
      if (leaves_a_trace(one) && !there.contains(one.outbox_id)) continue;
      if (one.broadcast > 0) count(one, broadcasts[one.broadcast]);
      Stored<Done> done = Done{};
      if (one.ticket_message != 0) done = report_delivery(tx, one);
      if (!done) return done;
      if (!one.crm_message.empty()) done = report_to_crm(tx, one);
      if (!done) return done;
      if (one.letter) done = tx.bury(*one.letter);
      if (done && one.notice && one.ticket_message >= 0) done = map_sent(tx, *one.notice);
      if (!done) return done;
      done = one.drop ? tx.drop_outbox(one.outbox_id)
                      : tx.mark_outbox(one.outbox_id, one.state, one.attempts, one.reason);
      if (!done) return done;
    }
    for (const auto& [id, outcomes] : broadcasts)
      if (auto counted = tx.broadcasts().count(id, outcomes); !counted) return counted;
    return Done{};
  }

  /// Stores the updates and their position without playing them, and what was settled: all or
  /// nothing.
  Stored<Done> take_in(const std::vector<Incoming>& updates, std::string_view transport,
                       std::string_view position, bool claim, const std::vector<Settled>& settled) {
    return attempt([&](Transaction& tx) -> Stored<Done> {
      auto recorded = record(tx, settled);
      if (!recorded) return recorded;
      Moment at;
      for (const Incoming& update : updates) {
        if (claim) {
          auto is_new = tx.claim_event(bot(), transport, update.id, update.event.at);
          if (!is_new) return Error{is_new.error()};
          if (!*is_new) continue;
        }
        InboxRow row = turns.inbox_row(update);
        auto put = tx.put_inbox(row);
        if (!put) return put;
        at = update.event.at;
      }
      if (position.empty()) return Done{};
      return tx.set_position(bot(), transport, position, at);
    });
  }

  /// Plays the inbox. What is in it was taken, so a trouble on the way is no reason to bring it
  /// again.
  void drain_taken(Played& played) {
    reported = false;
    auto drained = drain(played);
    if (!drained) {
      inbox_left = true;
      played.trouble = std::move(drained.error());
    }
  }

  /// Plays the oldest of the inbox in one transaction; how many.
  Stored<std::size_t> play_together(Played& played) {
    std::size_t count = 0;
    Played all;
    auto done = attempt([&](Transaction& tx) -> Stored<Done> {
      all = Played{};
      auto rows = tx.inbox(bot(), kStoredAtOnce);
      if (!rows) return Error{rows.error()};
      count = rows->size();
      for (const InboxRow& row : *rows) {
        Incoming update;
        if (!from_json(row.incoming, update))
          return Error{StorageError{StorageError::Kind::Other, "the stored event cannot be read"}};
        if (auto result = turns.play_update(tx, update, all); !result) return result;
        if (auto dropped = tx.drop_inbox(row.id); !dropped) return dropped;
      }
      return Done{};
    });
    if (!done) return Error{done.error()};
    played.add(std::move(all));
    return count;
  }

  /// Plays the inbox, oldest first: together while nothing is known to be wrong with any of them, else one event a
  /// transaction. Whoever waits for a version is passed over, with all that they said since.
  Stored<Done> drain(Played& played) {
    bool together = careful_left == 0 && !inbox_left && counted.empty() && !storage.shared();
    inbox_left = turns.left_out();
    while (together && !turns.left_out()) {
      const auto count = play_together(played);
      if (!count && may_pass(count.error().kind) && !turns.waits_for_version()) return Error{count.error()};
      together = count && *count == kStoredAtOnce;
      if (count && *count < kStoredAtOnce) return Done{};
    }
    std::set<std::int64_t> waiting, people;  // rows that stay, and whose they are
    while (!turns.left_out()) {
      std::vector<InboxRow> rows;
      auto read = attempt([&](Transaction& tx) -> Stored<Done> {
        auto found = tx.inbox(bot(), 100 + waiting.size());
        if (!found) return Error{found.error()};
        rows = std::move(*found);
        return Done{};
      });
      if (!read) return read;
      std::erase_if(rows, [&](const InboxRow& row) {
        if (people.contains(row.person)) waiting.insert(row.id);
        return waiting.contains(row.id);
      });
      if (rows.empty()) break;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (people.contains(rows[i].person)) continue;
        auto done = play_stored(rows[i], played, {}, i + 1 < rows.size() ? &rows[i + 1] : nullptr);
        if (done) continue;
        if (!turns.waits_for_version()) return done;
        people.insert(rows[i].person);
      }
    }
    inbox_left = inbox_left || !waiting.empty();
    return Done{};
  }

  /// The attempt at `next` is counted in the transaction that plays `row`: one sync to the disk for
  /// an event, not two.
  Stored<Done> play_stored(const InboxRow& row, Played& played, const First& first = {},
                           const InboxRow* next = nullptr) {
    if (storage.shared()) next = nullptr;  // somebody else may have it by then
    std::string reason = "the process died while playing it";
    for (;;) {
      std::uint32_t attempts = 0;
      bool ours = true;
      // Whether the event is still there and nobody else plays this person now.
      const auto claim = [&](Transaction& tx) -> Stored<Done> {
        if (!storage.shared()) return Done{};
        if (auto current = is_up_to_date(tx); !current || !*current) return newer(current);
        turns.set_shared(std::nullopt);
        auto oldest = tx.claim_person(row.person);
        if (!oldest) return Error{oldest.error()};
        ours = *oldest && (*oldest)->id == row.id;
        return Done{};
      };
      if (auto known = counted.find(row.id); known != counted.end()) {
        attempts = known->second;
        counted.erase(known);
      } else {
        auto count = attempt([&](Transaction& tx) -> Stored<Done> {
          if (auto claimed = claim(tx); !claimed || !ours) return claimed;
          auto number = tx.count_attempt(row.id);
          if (!number) return Error{number.error()};
          attempts = *number;
          return Done{};
        });
        if (!count || !ours) return count;
      }
      if (attempts > kMaxAttempts) return bury(row, reason, played, first);

      Played turn;
      std::uint32_t attempts_at_next = 0;
      const Apart apart(turns, attempts > 1);
      auto done = attempt([&](Transaction& tx) -> Stored<Done> {
        turn = Played{};
        attempts_at_next = 0;
        if (auto claimed = claim(tx); !claimed || !ours) return claimed;
        if (first) {
          if (auto ready = first(tx, turn); !ready) return ready;
        }
        Incoming update;
        if (!from_json(row.incoming, update))
          return Error{StorageError{StorageError::Kind::Other, "the stored event cannot be read"}};
        auto result = turns.play_update(tx, update, turn);
        if (!result) return result;
        auto dropped = tx.drop_inbox(row.id);
        if (!dropped || !next || counted.contains(next->id)) return dropped;
        auto number = tx.count_attempt(next->id);
        if (!number) return Error{number.error()};
        attempts_at_next = *number;
        return Done{};
      });
      if (done) {
        if (attempts_at_next != 0) counted[next->id] = attempts_at_next;
        played.add(std::move(turn));
        return Done{};
      }
      if (may_pass(done.error().kind)) {
        // Three troubles of the world must not make a dead letter of what was never played.
        counted[row.id] = attempts;
        return done;
      }
      reason = done.error().message;
    }
  }

  Stored<Done> bury(const InboxRow& row, const std::string& reason, Played& played,
                    const First& first) {
    Incoming update;
    const bool readable = from_json(row.incoming, update);
    DeadLetter letter;
    letter.bot = bot();
    letter.kind = "event";
    letter.subject = row.incoming;
    letter.reason = reason;
    letter.at = update.event.at;
    Played told;  // goes to `played` only when it is stored
    const Apart apart(turns, true);
    const auto bury_and_tell = [&](bool tell) {
      told = Played{};
      return attempt([&](Transaction& tx) -> Stored<Done> {
        if (storage.shared()) {
          if (auto current = is_up_to_date(tx); !current || !*current) return newer(current);
          turns.set_shared(std::nullopt);
          auto oldest = tx.claim_person(row.person);
          if (!oldest) return Error{oldest.error()};
          if (!*oldest || (*oldest)->id != row.id) return Done{};
        }
        if (first) {
          if (auto ready = first(tx, told); !ready) return ready;
        }
        auto buried = tx.bury(letter);
        if (!buried) return buried;
        auto dropped = tx.drop_inbox(row.id);
        if (!dropped || !tell) return dropped;
        Event event{update.event.at, 0, TurnFailed{reason, rest_ended_by(update.event)}};
        return turns.play_turn(tx, turns.key_of(update), &update.person, event, row.event_id, told);
      });
    };
    Stored<Done> done = readable ? bury_and_tell(true) : bury_and_tell(false);
    if (!done && readable && !may_pass(done.error().kind)) done = bury_and_tell(false);
    if (!done) return done;
    played.add(std::move(told));
    played.notes.push_back({TurnNote::Kind::Buried,
                            update.chat,
                            "an event failed " + std::to_string(kMaxAttempts) +
                                " times and is a dead letter now: " + reason,
                            {}});
    return done;
  }

  // ---- other versions

  Stored<bool> is_up_to_date(Transaction& tx) {
    if (!storage.shared()) return true;
    auto all = tx.versions().generations();
    if (!all) return Error{all.error()};
    for (const auto& one : *all)
      if (one.bot == bot()) turns.note_newest(one.generation);
    return !turns.stale();
  }

  static Stored<Done> newer(const Stored<bool>& current) {
    if (!current) return Error{current.error()};
    return Error{StorageError{StorageError::Kind::Busy, "a newer version of the scenario is live"}};
  }

  /// One transaction of a sweep; `look`: what it looked at.
  Stored<Played> bite(Player::Sweep& sweep, Moment now, const std::function<bool()>& go_on, VersionStore::Look& look) {
    Played played;
    Player::Sweep next;
    const std::size_t rows =
        sweep.after_id < sweep.alone_until ? 1 : std::clamp<std::size_t>(sweep.at_once, 1, Player::Sweep::kMost);
    const std::int64_t generation = turns.versions().generation();
    auto done = attempt([&](Transaction& tx) -> Stored<Done> {
      played = Played{};
      next = sweep;
      auto found = tx.versions().behind(bot(), generation, sweep.after_id, static_cast<std::int64_t>(rows));
      if (!found) return Error{found.error()};
      look = std::move(*found);
      if (look.last_id == 0) {
        next.done = next.left == 0;
        next.after_id = next.alone_until = 0;
        next.left = 0;
        return next.done ? tx.versions().set_swept(bot(), generation) : Stored<Done>(Done{});
      }
      auto moved = move(tx, look.behind, now, go_on, next, played);
      if (moved && (look.behind.empty() || next.after_id >= look.behind.back().id)) next.after_id = look.last_id;
      return moved;
    });
    if (!done) return Error{done.error()};
    sweep = next;
    return played;
  }

  /// Takes over `some` within the transaction; what another process plays is left.
  Stored<Done> move(Transaction& tx, const std::vector<VersionStore::Behind>& some, Moment now,
                    const std::function<bool()>& go_on, Player::Sweep& sweep, Played& played) {
    if (auto current = is_up_to_date(tx); !current || !*current) return newer(current);
    if (storage.shared()) turns.set_shared(std::nullopt);
    std::vector<const VersionStore::Behind*> moving;
    for (const auto& one : some)
      if (turns.versions().has_moved_on(one.key, one.version, one.pinned)) moving.push_back(&one);
    for (std::size_t from = 0; from < moving.size(); from += kMovedTogether) {
      const std::vector<const VersionStore::Behind*> together(
          moving.begin() + static_cast<std::ptrdiff_t>(from),
          moving.begin() + static_cast<std::ptrdiff_t>(std::min(from + kMovedTogether, moving.size())));
      auto gone_on = move_together(tx, together, now, go_on, sweep, played);
      if (!gone_on) return Error{gone_on.error()};
      if (!*gone_on) return Done{};
    }
    if (!some.empty()) sweep.after_id = some.back().id;
    return Done{};
  }

  /// Whether all of them were dealt with.
  Stored<bool> move_together(Transaction& tx, const std::vector<const VersionStore::Behind*>& some, Moment now,
                             const std::function<bool()>& go_on, Player::Sweep& sweep, Played& played) {
    std::vector<DialogKey> keys;
    for (const auto* one : some) keys.push_back(one->key);
    auto held = tx.versions().hold_if_free(keys);
    if (!held) return Error{held.error()};
    for (std::size_t i = some.size(); i-- > 0;)
      if (!(*held)[i]) keys.erase(keys.begin() + static_cast<std::ptrdiff_t>(i));
    if (auto expected = tx.expect_dialogs(keys); !expected) return Error{expected.error()};
    for (std::size_t i = 0; i < some.size(); ++i) {
      sweep.after_id = some[i]->id;
      if (!(*held)[i]) {
        ++sweep.left;
        continue;
      }
      auto moved = turns.move_dialog(tx, some[i]->key, some[i]->changed_at, now, played);
      if (!moved && turns.waits_for_version()) {
        ++sweep.left;
        continue;
      }
      if (!moved) return Error{moved.error()};
      ++sweep.moved;
      if (*moved) ++sweep.changed;
      if (!go_on()) return false;
    }
    return true;
  }
};

void Played::add(Played behind) {
  std::move(behind.outbox.begin(), behind.outbox.end(), std::back_inserter(outbox));
  std::move(behind.notes.begin(), behind.notes.end(), std::back_inserter(notes));
  std::move(behind.lines.begin(), behind.lines.end(), std::back_inserter(lines));
  std::move(behind.trace.begin(), behind.trace.end(), std::back_inserter(trace));
  timers_changed |= behind.timers_changed;
  jobs_started |= behind.jobs_started;
  broadcasts_begun |= behind.broadcasts_begun;
  turns += behind.turns;
}

Player::Player(Storage& storage, BotSetup setup)
    : impl_(std::make_unique<Impl>(storage, std::move(setup))) {}
Player::~Player() = default;
Player::Player(Player&&) noexcept = default;

const BotSetup& Player::setup() const { return impl_->turns.setup(); }

Stored<Played> Player::recover(bool clean_stop) {
  impl_->careful_left = clean_stop ? 0 : kCarefulEvents;
  return play_inbox();
}

Stored<Played> Player::play_inbox() {
  Played played;
  auto done = impl_->drain(played);
  if (!done) return Error{done.error()};
  return played;
}

Stored<Played> Player::play(const std::vector<Incoming>& updates, std::string_view transport,
                            std::string_view position, const std::vector<Settled>& settled,
                            bool claim) {
  Impl& own = *impl_;
  Played played;
  // What is left in the inbox is older: newer events line up behind it.
  if (own.careful_left == 0 && !own.inbox_left && !own.turns.left_out()) {
    auto done = own.attempt([&](Transaction& tx) -> Stored<Done> {
      played = Played{};
      auto recorded = own.record(tx, settled);
      if (!recorded) return recorded;
      Moment at;
      for (const Incoming& update : updates) {
        at = update.event.at;
        if (claim) {
          auto is_new = tx.claim_event(own.bot(), transport, update.id, at);
          if (!is_new) return Error{is_new.error()};
          if (!*is_new) continue;
        }
        auto turn = own.turns.play_update(tx, update, played);
        if (!turn) return turn;
      }
      if (position.empty()) return Done{};
      return tx.set_position(own.bot(), transport, position, at);
    });
    if (done) return played;
    if (may_pass(done.error().kind) && !own.turns.waits_for_version()) return Error{done.error()};
    played = Played{};
  }

  auto taken = own.take_in(updates, transport, position, claim, settled);
  if (!taken) return Error{taken.error()};
  own.drain_taken(played);
  own.careful_left -= std::min(own.careful_left, updates.size());
  return played;
}

bool Player::has_reports() const { return impl_->reported; }

Stored<Played> Player::go_on() {
  Played played;
  impl_->drain_taken(played);
  return played;
}

Stored<Played> Player::play_timers(Moment now, std::size_t limit) {
  Impl& own = *impl_;
  Played played;
  if (own.turns.left_out()) return played;
  std::vector<TimerRow> due;
  const auto read = [&](Transaction& tx) -> Stored<Done> {
    auto found = tx.due_timers(own.bot(), now, limit);
    if (!found) return Error{found.error()};
    due = std::move(*found);
    return Done{};
  };
  const auto timer_event = [&](const TimerRow& timer) {
    return Event{now, 0, TimerDue{timer.name, timer.serial}};
  };
  if (own.careful_left == 0 && !own.inbox_left) {
    auto done = own.attempt([&](Transaction& tx) -> Stored<Done> {
      played = Played{};
      auto found = read(tx);
      if (!found) return found;
      for (const TimerRow& timer : due) {
        auto gone = tx.cancel_timer(timer.dialog_id, timer.name);
        if (!gone) return gone;
        auto turn = own.turns.play_turn(tx, timer.key, nullptr, timer_event(timer), {}, played);
        if (!turn) return turn;
      }
      played.timers_changed |= !due.empty();
      return Done{};
    });
    if (done) return played;
    if (may_pass(done.error().kind) && !own.turns.waits_for_version()) return Error{done.error()};
    played = Played{};
  }

  auto taken = own.attempt([&](Transaction& tx) -> Stored<Done> {
    auto found = read(tx);
    if (!found) return found;
    for (const TimerRow& timer : due) {
      InboxRow row = own.turns.inbox_row(own.turns.timer_update(timer, now));
      auto put = tx.put_inbox(row);
      if (!put) return put;
      auto gone = tx.cancel_timer(timer.dialog_id, timer.name);
      if (!gone) return gone;
    }
    return Done{};
  });
  if (!taken) return Error{taken.error()};
  own.drain_taken(played);
  played.timers_changed |= !due.empty();
  return played;
}

InboxRow Player::inbox_row(const Incoming& update) const { return impl_->turns.inbox_row(update); }

InboxRow Player::timer_row(const TimerRow& timer, Moment now) const {
  return impl_->turns.inbox_row(impl_->turns.timer_update(timer, now));
}

std::optional<Incoming> Player::read(const InboxRow& row) {
  Incoming update;
  if (!from_json(row.incoming, update)) return std::nullopt;
  return update;
}

DialogKey Player::dialog_of(const Incoming& update) const { return impl_->turns.key_of(update); }

void Player::begin_batch() {
  impl_->turns.begin_attempt();
  impl_->turns.set_shared(std::nullopt);
}

Stored<Done> Player::play_claimed(Transaction& tx, const InboxRow& row, const Incoming& update,
                                  Played& played) {
  try {
    auto done = impl_->turns.play_update(tx, update, played);
    if (!done) return done;
    return tx.drop_inbox(row.id);
  } catch (const std::exception& error) {
    return Error{
        StorageError{StorageError::Kind::Other, std::string("the turn failed: ") + error.what()}};
  }
}

Stored<Done> Player::play_alone(const InboxRow& row, Played& played, const First& first) {
  return impl_->play_stored(row, played, first);
}

Stored<Done> Player::record(Transaction& tx, const std::vector<Settled>& settled) const {
  return impl_->record(tx, settled);
}

Stored<std::optional<Moment>> Player::next_timer() {
  std::optional<Moment> next;
  if (impl_->turns.left_out()) return next;
  auto done = impl_->attempt([&](Transaction& tx) -> Stored<Done> {
    auto found = tx.next_timer(impl_->bot());
    if (!found) return Error{found.error()};
    next = *found;
    return Done{};
  });
  if (!done) return Error{done.error()};
  return next;
}

Stored<Done> Player::settle(const std::vector<Settled>& settled) {
  if (settled.empty()) return Done{};
  return impl_->attempt([&](Transaction& tx) { return impl_->record(tx, settled); });
}

Serving Player::serve(Serving serving) { return impl_->turns.serve(std::move(serving)); }
std::int64_t Player::generation() const { return impl_->turns.versions().generation(); }
void Player::note_newest(std::int64_t generation) { impl_->turns.note_newest(generation); }
std::int64_t Player::swept() const { return impl_->turns.versions().swept(); }
bool Player::outdated() const { return impl_->turns.outdated(); }
bool Player::left_out() const { return impl_->turns.left_out(); }
bool Player::waits_for_version() const { return impl_->turns.waits_for_version(); }
void Player::keep(const std::string& version, std::shared_ptr<const Program> program) {
  impl_->turns.versions().keep(version, std::move(program));
}
std::vector<std::string> Player::wanted() const {
  const std::set<std::string>& all = impl_->turns.versions().wanted();
  return {all.begin(), all.end()};
}

Stored<Played> Player::sweep(Sweep& sweep, Moment now, const std::function<bool()>& go_on) {
  Played all;
  for (bool got_on = false;; got_on = true) {
    VersionStore::Look look;
    auto bite = impl_->bite(sweep, now, go_on, look);
    if (bite) {
      all.add(std::move(*bite));
    } else if (may_pass(bite.error().kind) || look.behind.empty()) {
      // What was moved before is stored, and must be told.
      if (!got_on) return Error{bite.error()};
      return all;
    } else if (look.behind.size() > 1) {
      sweep.alone_until = look.last_id;
    } else {
      // It is left to its own next turn, where a failure has its ways. The others go on.
      sweep.after_id = look.last_id;
      all.notes.push_back({TurnNote::Kind::Fault,
                           look.behind[0].key.chat,
                           "the dialog could not be taken over by the new version: " + bite.error().message,
                           {}});
    }
    if (look.last_id == 0 || sweep.after_id >= sweep.alone_until || !go_on()) return all;
  }
}

Stored<Played> Player::notify(const std::string& role, const std::string& text, Moment now) {
  Impl& own = *impl_;
  Played played;
  const auto members = own.turns.setup().roles.find(role);
  if (members == own.turns.setup().roles.end()) return played;
  Message message;
  message.text.text = text;
  auto done = own.attempt([&](Transaction& tx) -> Stored<Done> {
    played = Played{};
    for (const ChatAddress& member : members->second)
      if (auto sent = own.turns.send(tx, member, message, 0, 0, now, played); !sent) return sent;
    return Done{};
  });
  if (!done) return Error{done.error()};
  return played;
}

Stored<std::string> Player::position(std::string_view transport) {
  std::string position;
  auto done = impl_->attempt([&](Transaction& tx) -> Stored<Done> {
    auto found = tx.position(impl_->bot(), transport);
    if (!found) return Error{found.error()};
    position = *found;
    return Done{};
  });
  if (!done) return Error{done.error()};
  return position;
}

Stored<std::vector<OutboxRow>> Player::left_in_outbox(std::int64_t& after_id, bool& more) {
  auto rows = outbox(after_id, 1000);
  if (!rows) return rows;
  std::vector<OutboxRow> ready;
  std::vector<Settled> unknown;
  more = !rows->empty();
  const std::int64_t last = more ? rows->back().id : after_id;
  for (OutboxRow& row : *rows) {
    if (row.state == OutboxRow::State::Unknown || row.state == OutboxRow::State::Dead) continue;
    if (row.state == OutboxRow::State::Sending && row.resend == ResendPolicy::Never) {
      unknown.push_back({row.id, false, OutboxRow::State::Unknown, row.attempts, "the process died while sending", {}});
      unknown.back().broadcast = row.broadcast;
      continue;
    }
    ready.push_back(std::move(row));
  }
  if (auto marked = settle(unknown); !marked) return Error{marked.error()};
  after_id = last;
  return ready;
}

Stored<std::vector<OutboxRow>> Player::outbox(std::int64_t after_id, std::size_t limit) {
  std::vector<OutboxRow> rows;
  auto done = impl_->attempt([&](Transaction& tx) -> Stored<Done> {
    auto found = tx.outbox(impl_->bot(), after_id, limit);
    if (!found) return Error{found.error()};
    rows = std::move(*found);
    return Done{};
  });
  if (!done) return Error{done.error()};
  return rows;
}

}  // namespace sufler

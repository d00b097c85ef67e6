#include "interpreter/runtime/shared_work.h"

#include <algorithm>
#include <exception>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "storage/broadcast_store.h"
#include "storage/desk_store.h"
#include "storage/presence.h"
#include "storage/version_store.h"

namespace sufler {
namespace {

/// Rows of an outbox that are claimed at once.
constexpr std::size_t kSends = 1000;
/// So many processes may each have let one person's limit through before it is seen here.
constexpr std::size_t kProcesses = 8;
/// After so many turns of a transaction that holds a desk it is asked whether somebody waits for the desk.
constexpr std::size_t kTurnsWithADesk = 8;
/// Of so many people it is remembered that they work at a desk, or talk to it.
constexpr std::size_t kMostAtDesks = 100'000;

/// Whether of somebody as many events were claimed as may be.
bool has_all_of_one(const std::vector<InboxRow>& rows, std::size_t of_one) {
  if (rows.size() < of_one) return false;
  std::unordered_map<std::int64_t, std::size_t> counts;
  return std::any_of(rows.begin(), rows.end(), [&](const InboxRow& row) { return ++counts[row.person] >= of_one; });
}

}  // namespace

SharedWork::SharedWork(Storage& storage, std::vector<std::unique_ptr<Player>>& players)
    : storage_(storage), players_(players) {
  for (const auto& player : players_) bots_.push_back(player->setup().name);
}

Stored<Done> SharedWork::look_at_deployments(Transaction& tx) {
  auto newest = tx.versions().newest_generation();
  if (!newest) return Error{newest.error()};
  if (*newest <= newest_deployment_) return Done{};
  auto all = tx.versions().generations();
  if (!all) return Error{all.error()};
  for (const auto& one : *all)
    if (const std::size_t bot = index_of(one.bot); bot < players_.size()) players_[bot]->note_newest(one.generation);
  newest_deployment_ = *newest;
  return Done{};
}

std::vector<std::string> SharedWork::playable() const {
  std::vector<std::string> names;
  for (const auto& player : players_)
    if (!player->stale()) names.push_back(player->setup().name);
  return names;
}

std::size_t SharedWork::index_of(const std::string& bot) const {
  return static_cast<std::size_t>(std::find(bots_.begin(), bots_.end(), bot) - bots_.begin());
}

Stored<Done> SharedWork::store(const std::vector<Intake>& intakes,
                               const std::vector<std::vector<Settled>>& settled) {
  return storage_.transact([&](Transaction& tx) -> Stored<Done> {
    for (std::size_t bot = 0; bot < settled.size(); ++bot) {
      if (settled[bot].empty()) continue;
      if (auto done = players_[bot]->record(tx, settled[bot]); !done) return done;
    }
    std::vector<InboxRow> rows;
    Moment at;
    for (const Intake& intake : intakes) {
      for (const Incoming& update : *intake.updates) {
        rows.push_back(players_[intake.bot]->inbox_row(update));
        at = std::max(at, update.event.at, [](Moment a, Moment b) { return a.unix_ms < b.unix_ms; });
      }
      if (intake.position.empty()) continue;
      auto done = tx.set_position(bots_[intake.bot], intake.transport, intake.position, at);
      if (!done) return done;
    }
    // Always claimed by id: a leader that lost the lead without knowing may bring what another has brought.
    return tx.put_inbox(std::move(rows), true, at);
  });
}

SharedWork::Round SharedWork::empty_round() const {
  Round round;
  round.played.resize(players_.size());
  round.passed_over.resize(players_.size());
  return round;
}

void SharedWork::add(Round& to, Round from) {
  for (std::size_t bot = 0; bot < to.played.size(); ++bot) {
    to.played[bot].add(std::move(from.played[bot]));
    to.passed_over[bot] += from.passed_over[bot];
  }
  to.more |= from.more;
}

Stored<SharedWork::Round> SharedWork::play() {
  Round round = empty_round();
  std::vector<InboxRow> alone;
  std::vector<std::int64_t> at_desks;
  const std::size_t of_one = events_of_one();
  auto done = play_claimed(round, alone, [&](Transaction& tx, Round& now) -> Stored<std::vector<InboxRow>> {
    at_desks.clear();
    auto claimed = tx.claim_inbox(playable(), kPeople + waiting_.size(), of_one, kEvents + waiting_.size() * of_one);
    if (!claimed) return claimed;
    std::erase_if(*claimed, [&](const InboxRow& row) { return waiting_.contains(row.person); });
    now.more = claimed->size() >= kPeople || has_all_of_one(*claimed, of_one);
    leave_desks(*claimed, at_desks);
    return claimed;
  });
  if (!done) return Error{done.error()};
  if (!at_desks.empty()) {
    auto relayed = play_claimed(round, alone, [&](Transaction& tx, Round&) { return tx.claim_people(at_desks, of_one, kEvents); });
    // What was played before is stored, and must be told.
    if (!relayed) round.trouble = std::move(relayed.error());
  }
  if (!alone.empty() && !round.trouble) {
    round.more = true;
    if (auto played = play_apart(alone, round); !played) round.trouble = std::move(played.error());
  }
  return round;
}

/// A desk is held until the commit, and who waits for it holds up those that they have claimed. So people who work at
/// one get a transaction of their own, behind the others'.
void SharedWork::leave_desks(std::vector<InboxRow>& rows, std::vector<std::int64_t>& at_desks) const {
  const auto at_desk = [&](const InboxRow& row) { return at_desks_.contains(row.person); };
  if (at_desks_.empty() || std::all_of(rows.begin(), rows.end(), at_desk)) return;
  for (const InboxRow& row : rows)
    if (at_desk(row) && (at_desks.empty() || at_desks.back() != row.person)) at_desks.push_back(row.person);
  std::sort(at_desks.begin(), at_desks.end());
  at_desks.erase(std::unique(at_desks.begin(), at_desks.end()), at_desks.end());
  std::erase_if(rows, at_desk);
}

/// Plays what `claim` gives, as one transaction. Whoever has an event that failed, or fails now, goes to `alone`.
Stored<Done> SharedWork::play_claimed(Round& round, std::vector<InboxRow>& alone, const Claim& claim) {
  Round now;
  std::vector<InboxRow> rows, failed;
  const std::size_t waited = waiting_.size();
  Stored<Done> done = Done{};
  try {
    done = storage_.transact([&](Transaction& tx) -> Stored<Done> {
      now = empty_round();
      rows.clear();
      failed.clear();
      if (auto looked = look_at_deployments(tx); !looked) return looked;
      auto claimed = claim(tx, now);
      if (!claimed) return Error{claimed.error()};
      // Whoever has an event that failed before gets a transaction of their own.
      std::unordered_set<std::int64_t> careful;
      for (const InboxRow& row : *claimed)
        if (row.attempts > 0) careful.insert(row.person);
      for (InboxRow& row : *claimed) (careful.contains(row.person) ? failed : rows).push_back(std::move(row));
      return play_together(rows, tx, now);
    });
  } catch (const std::exception& error) {
    done = Error{StorageError{StorageError::Kind::Other, std::string("a turn failed: ") + error.what()}};
  }
  if (done) {
    add(round, std::move(now));
  } else {
    // Nobody else may claim what is told to be played here.
    if (Presence* const presence = storage_.presence(); presence && !rows.empty()) (void)presence->playing({});
    if (waiting_.size() > waited) {
      round.more = true;  // the others are played without them
      return Done{};
    }
    if (may_pass(done.error().kind)) return done;
    failed.insert(failed.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
    round.more = true;
  }
  alone.insert(alone.end(), std::make_move_iterator(failed.begin()), std::make_move_iterator(failed.end()));
  return Done{};
}

std::size_t SharedWork::events_of_one() const {
  if (flood_.messages == 0) return kEventsOfOne;
  return std::clamp((flood_.messages + 1) * kProcesses, kEventsOfOne, kEvents);
}

/// Each process that takes events in counts for itself; what none has answered yet is seen together only here.
Stored<Done> SharedWork::pass_over(std::vector<InboxRow>& rows, std::vector<Incoming>& updates, Transaction& tx,
                                   Round& round) {
  if (rows.size() <= flood_.messages || flood_.messages == 0) return Done{};
  std::unordered_map<std::int64_t, std::size_t> waiting;
  for (const InboxRow& row : rows) ++waiting[row.person];
  FloodGate gate(flood_);
  std::unordered_set<std::int64_t> told;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    bool heard = true;
    if (waiting[rows[i].person] > flood_.messages) {
      std::vector<Incoming> one;
      one.push_back(std::move(updates[i]));
      gate.hold_back(rows[i].bot, one);
      heard = !one.empty() &&
              (!std::holds_alternative<TooMany>(one[0].event.what) || told.insert(rows[i].person).second);
      if (heard) updates[i] = std::move(one[0]);
    }
    if (!heard) {
      ++round.passed_over[index_of(rows[i].bot)];
      if (auto dropped = tx.drop_inbox(rows[i].id); !dropped) return dropped;
      continue;
    }
    if (kept != i) {
      rows[kept] = std::move(rows[i]);
      updates[kept] = std::move(updates[i]);
    }
    ++kept;
  }
  rows.resize(kept);
  updates.resize(kept);
  return Done{};
}

Stored<Done> SharedWork::play_together(std::vector<InboxRow>& rows, Transaction& tx, Round& round) {
  if (rows.empty()) return Done{};
  if (Presence* const presence = storage_.presence()) {
    std::vector<std::int64_t> ids;
    ids.reserve(rows.size());
    for (const InboxRow& row : rows) ids.push_back(row.id);
    if (auto told = presence->playing(ids); !told) return told;
  }
  std::vector<DialogKey> keys;
  std::vector<Incoming> updates;
  std::set<std::size_t> bots;
  for (const InboxRow& row : rows) {
    const std::size_t bot = index_of(row.bot);
    auto update = Player::read(row);
    if (!update) return Error{StorageError{StorageError::Kind::Other, "a stored event cannot be read"}};
    keys.push_back(players_[bot]->dialog_of(*update));
    updates.push_back(std::move(*update));
    bots.insert(bot);
  }
  if (auto done = pass_over(rows, updates, tx, round); !done) return done;
  if (auto expected = tx.expect_dialogs(keys); !expected) return expected;
  for (const std::size_t bot : bots) {
    players_[bot]->begin_batch();
    // What another process said in these dialogs goes out before what is said now.
    if (!leads(bot)) continue;
    if (auto claimed = claim_into(tx, bot, false, round.played[bot].outbox); !claimed) return claimed;
  }
  std::size_t locks = 0, turns_with_a_desk = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t bot = index_of(rows[i].bot);
    auto played = players_[bot]->play_claimed(tx, rows[i], updates[i], round.played[bot]);
    if (!played && players_[bot]->waits_for_version()) waiting_.insert(rows[i].person);
    if (!played) return played;
    note_desk(rows[i].person, tx.desk().locks() != std::exchange(locks, tx.desk().locks()));
    if (locks == 0 || ++turns_with_a_desk % kTurnsWithADesk != 0) continue;
    auto awaited = tx.desk().awaited();
    if (!awaited) return Error{awaited.error()};
    if (!*awaited) continue;
    // The others stay in the inbox.
    round.more |= i + 1 < rows.size();
    return Done{};
  }
  return Done{};
}

void SharedWork::note_desk(std::int64_t person, bool needed) {
  if (!needed) {
    at_desks_.erase(person);
    return;
  }
  if (at_desks_.size() >= kMostAtDesks) at_desks_.clear();
  at_desks_.insert(person);
}

Stored<Done> SharedWork::play_apart(const std::vector<InboxRow>& rows, Round& round) {
  std::unordered_set<std::int64_t> seen;
  for (const InboxRow& row : rows) {
    if (!seen.insert(row.person).second) continue;  // the others of this person come with the next rounds
    const std::size_t bot = index_of(row.bot);
    // What another process said in this dialog goes out before what is said now.
    const auto first = [&](Transaction& tx, Played& turn) -> Stored<Done> {
      return leads(bot) ? claim_into(tx, bot, false, turn.outbox) : Stored<Done>(Done{});
    };
    auto played = players_[bot]->play_alone(row, round.played[bot], first);
    if (played) continue;
    if (!players_[bot]->waits_for_version()) return played;
    waiting_.insert(row.person);
  }
  return Done{};
}

Stored<std::size_t> SharedWork::take_timers(Moment now) {
  std::size_t count = 0;
  auto done = storage_.transact([&](Transaction& tx) -> Stored<Done> {
    auto taken = tx.claim_timers(bots_, now, kTimersAtOnce, [&](const TimerRow& timer) {
      return players_[index_of(timer.key.bot)]->timer_row(timer, now);
    });
    if (!taken) return Error{taken.error()};
    count = *taken;
    return Done{};
  });
  if (!done) return Error{done.error()};
  return count;
}

void SharedWork::lead(std::size_t bot, bool leads) {
  if (leads) {
    led_.insert(bot);
  } else {
    led_.erase(bot);
  }
  std::vector<std::string> names;
  for (const std::size_t one : led_) names.push_back(bots_[one]);
  storage_.send_for(names);
}

Stored<Done> SharedWork::claim_into(Transaction& tx, std::size_t bot, bool all, std::vector<OutboxRow>& to) {
  auto claimed = tx.claim_outbox(bots_[bot], all, kSends);
  if (!claimed) return Error{claimed.error()};
  for (auto& [row, had_sender] : *claimed) {
    // It may have gone out, and must not go out twice: that is for people to decide.
    if (row.state == OutboxRow::State::Sending && row.resend == ResendPolicy::Never && had_sender) {
      auto marked = tx.mark_outbox(row.id, OutboxRow::State::Unknown, row.attempts, "the process died while sending");
      if (!marked) return marked;
      if (row.broadcast > 0) {
        BroadcastStore::Outcomes outcomes;
        outcomes.unknown = 1;
        if (auto counted = tx.broadcasts().count(row.broadcast, outcomes); !counted) return counted;
      }
      continue;
    }
    if (row.state == OutboxRow::State::Unknown || row.state == OutboxRow::State::Dead) continue;
    to.push_back(std::move(row));
  }
  return Done{};
}

Stored<SharedWork::Sends> SharedWork::claim_sends(std::size_t bot, bool all) {
  Sends sends;
  for (;;) {
    std::vector<OutboxRow> some;
    std::vector<std::int64_t> withdrawn;
    auto done = storage_.transact([&](Transaction& tx) -> Stored<Done> {
      some.clear();
      auto found = tx.withdrawn(bots_[bot]);
      if (!found) return Error{found.error()};
      withdrawn = std::move(*found);
      return claim_into(tx, bot, all, some);
    });
    if (!done) return Error{done.error()};
    const bool last = some.size() < kSends;
    std::move(some.begin(), some.end(), std::back_inserter(sends.rows));
    sends.withdrawn.insert(sends.withdrawn.end(), withdrawn.begin(), withdrawn.end());
    if (last) return sends;
  }
}

}  // namespace sufler

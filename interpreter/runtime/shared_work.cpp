#include "interpreter/runtime/shared_work.h"

#include <algorithm>
#include <exception>
#include <unordered_set>

#include "storage/presence.h"

namespace sufler {
namespace {

/// Rows of an outbox that are claimed at once.
constexpr std::size_t kSends = 1000;

bool is_of_the_world(StorageError::Kind kind) {
  using Kind = StorageError::Kind;
  return kind != Kind::Constraint && kind != Kind::Refused && kind != Kind::Other;
}

}  // namespace

SharedWork::SharedWork(Storage& storage, std::vector<std::unique_ptr<Player>>& players)
    : storage_(storage), players_(players) {
  for (const auto& player : players_) bots_.push_back(player->setup().name);
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

Stored<SharedWork::Round> SharedWork::play() {
  Round round;
  std::vector<InboxRow> rows;
  std::vector<InboxRow> alone;
  Stored<Done> done = Done{};
  try {
    done = storage_.transact([&](Transaction& tx) -> Stored<Done> {
      round = Round{};
      round.played.resize(players_.size());
      auto claimed = tx.claim_inbox(bots_, kPeople, kEvents);
      if (!claimed) return Error{claimed.error()};
      round.more = claimed->size() >= kPeople;
      rows.clear();
      alone.clear();
      // Whoever has an event that failed before gets a transaction of their own.
      std::unordered_set<std::int64_t> careful;
      for (const InboxRow& row : *claimed)
        if (row.attempts > 0) careful.insert(row.person);
      for (InboxRow& row : *claimed) (careful.contains(row.person) ? alone : rows).push_back(std::move(row));
      return play_together(rows, tx, round);
    });
  } catch (const std::exception& error) {
    done = Error{StorageError{StorageError::Kind::Other, std::string("a turn failed: ") + error.what()}};
  }
  if (!done) {
    round = Round{};
    round.played.resize(players_.size());
    // Nobody else may claim what is told to be played here.
    if (Presence* const presence = storage_.presence(); presence && !rows.empty()) (void)presence->playing({});
    if (is_of_the_world(done.error().kind)) return Error{done.error()};
    alone.insert(alone.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
    round.more = true;
  }
  if (!alone.empty()) {
    round.more = true;
    if (auto played = play_apart(alone, round); !played) round.trouble = std::move(played.error());
  }
  return round;
}

Stored<Done> SharedWork::play_together(const std::vector<InboxRow>& rows, Transaction& tx, Round& round) {
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
  if (auto expected = tx.expect_dialogs(keys); !expected) return expected;
  for (const std::size_t bot : bots) {
    players_[bot]->begin_batch();
    // What another process said in these dialogs goes out before what is said now.
    if (!leads(bot)) continue;
    if (auto claimed = claim_into(tx, bot, false, round.played[bot].outbox); !claimed) return claimed;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t bot = index_of(rows[i].bot);
    auto played = players_[bot]->play_claimed(tx, rows[i], updates[i], round.played[bot]);
    if (!played) return played;
  }
  return Done{};
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
    if (auto played = players_[bot]->play_alone(row, round.played[bot], first); !played) return played;
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
      continue;
    }
    if (row.state == OutboxRow::State::Unknown || row.state == OutboxRow::State::Dead) continue;
    to.push_back(std::move(row));
  }
  return Done{};
}

Stored<std::vector<OutboxRow>> SharedWork::claim_sends(std::size_t bot, bool all) {
  std::vector<OutboxRow> rows;
  for (;;) {
    std::vector<OutboxRow> some;
    auto done = storage_.transact([&](Transaction& tx) -> Stored<Done> {
      some.clear();
      return claim_into(tx, bot, all, some);
    });
    if (!done) return Error{done.error()};
    const bool last = some.size() < kSends;
    std::move(some.begin(), some.end(), std::back_inserter(rows));
    if (last) return rows;
  }
}

}  // namespace sufler

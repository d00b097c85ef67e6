// Two ways of cutting the work small. Who gets a broadcast is looked for in bites of dialogs, with a cursor in the row. Then
// people are given their turn a few at a time: as many as each platform has room for at this moment, so that the outbox
// never holds more of a broadcast than is about to leave, and what customers are answered does not stand behind it. An
// event in the inbox and the person's row going away are one transaction: that is what makes it once.
#include "interpreter/runtime/broadcasts.h"

#include <algorithm>

#include "interpreter/core/broadcast.h"
#include "interpreter/core/step.h"
#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/turn_player.h"

namespace sufler {
namespace {

using Time = BroadcastRunner::Time;

/// What is on its way is looked at so often.
constexpr Time kLookForEnd{250};
/// Without a pace, as in talks.
constexpr std::int64_t kAllAtOnce = 100;
/// A platform without known limits.
constexpr std::uint32_t kDefaultRate = 30;
constexpr Time kLookInQuiet{5'000};

Time earlier(std::optional<Time> a, Time b) { return a ? std::min(*a, b) : b; }

ChatAddress own_chat(const BroadcastRow& row) { return {"broadcast", shown_name(row)}; }

}  // namespace

std::string shown_name(const BroadcastRow& row) { return row.name.empty() ? "number " + std::to_string(row.id) : row.name; }

std::int64_t left_out_of(const BroadcastRow& row) {
  const std::int64_t reached = row.sent + row.failed + row.unknown;
  return row.unreachable + row.unsubscribed + row.with_staff + std::max<std::int64_t>(0, row.people - reached);
}

void BroadcastRunner::note(Round& round, const BroadcastRow& row, const std::string& text, TurnNote::Kind kind) const {
  round.notes.push_back({kind, own_chat(row), "the broadcast `" + shown_name(row) + "` " + text, {}});
}

Stored<BroadcastRunner::Round> BroadcastRunner::round(Storage& storage, Moment now, Time monotonic) {
  Round round;
  if (player_.stale()) return round;
  // Mostly there is none, and then nothing is locked.
  std::vector<std::int64_t> ids;
  auto looked = storage.look([&](Transaction& tx) -> Stored<Done> {
    auto found = tx.broadcasts().active(player_.setup().name);
    if (!found) return Error{found.error()};
    ids = std::move(*found);
    return Done{};
  });
  if (!looked) return Error{looked.error()};
  std::erase_if(paces_, [&](const auto& one) { return std::find(ids.begin(), ids.end(), one.first) == ids.end(); });
  if (ids.empty()) return round;
  const std::map<std::int64_t, Pace> before = paces_;
  auto done = storage.transact([&](Transaction& tx) -> Stored<Done> {
    round = Round{};
    paces_ = before;
    for (const std::int64_t id : ids) {
      if (const Pace& pace = paces_[id]; pace.next > monotonic) {
        round.rest = earlier(round.rest, pace.next - monotonic);
        continue;
      }
      auto row = tx.broadcasts().claim(id);
      if (!row) return Error{row.error()};
      if (!*row) continue;
      const BroadcastRow as_it_was = **row;
      if (auto worked = work_on(tx, **row, now, monotonic, round); !worked) return worked;
      // Ten times a second there is mostly nothing to do.
      if (**row == as_it_was) continue;
      if (auto saved = tx.broadcasts().save(**row); !saved) return saved;
    }
    return Done{};
  });
  if (!done) {
    paces_ = before;
    return Error{done.error()};
  }
  return round;
}

Stored<Done> BroadcastRunner::work_on(Transaction& tx, BroadcastRow& row, Moment now, Time monotonic, Round& round) {
  using State = BroadcastRow::State;
  BroadcastOrder order;
  if (!from_json(row.order, order)) {
    note(round, row, "cannot be read: it is stopped", TurnNote::Kind::Fault);
    row.state = State::Stopped;
    row.ended_at = now;
    return Done{};
  }
  switch (row.state) {
    case State::Preparing:
      round.rest = Time(0);
      return prepare(tx, row, order, now, round);
    case State::Sending: return give(tx, row, order, now, monotonic, round);
    case State::Stopping:
      if (auto dropped = tx.broadcasts().drop_all_people(row.id); !dropped) return dropped;
      return end_when_sent(tx, row, now, round);
    default: return Done{};
  }
}

Stored<Done> BroadcastRunner::prepare_one(Transaction& tx, BroadcastRow& row) {
  const std::size_t colon = row.only.find(':');
  const std::string transport = row.only.substr(0, colon);
  const std::string id = colon == row.only.npos ? std::string() : row.only.substr(colon + 1);
  auto dialog = tx.load_dialog({row.bot, {transport, id}, id});
  if (!dialog) return Error{dialog.error()};
  row.state = BroadcastRow::State::Sending;
  if (dialog->id == 0) return Done{};
  row.people = 1;
  return tx.broadcasts().add_people(row.id, transport, {dialog->id});
}

Stored<Done> BroadcastRunner::prepare(Transaction& tx, BroadcastRow& row, const BroadcastOrder& order, Moment now, Round& round) {
  if (row.looked_at == 0) note(round, row, row.only_counts ? "is counted" : "begins");
  if (!row.only.empty()) return prepare_one(tx, row);
  std::optional<Expression> where;
  if (!order.where.empty()) {
    auto parsed = Expression::parse(order.where);
    if (!parsed) {
      note(round, row, "has a condition that cannot be read: it is stopped", TurnNote::Kind::Fault);
      row.state = BroadcastRow::State::Stopping;
      return Done{};
    }
    where = std::move(*parsed);
  }
  auto look = tx.broadcasts().look(row.bot, row.looked_at, kLookedAt);
  if (!look) return Error{look.error()};
  if (look->last_id == 0) {
    row.state = row.only_counts ? BroadcastRow::State::Counted : BroadcastRow::State::Sending;
    if (row.only_counts) row.ended_at = now;
    const auto number = [](std::int64_t count) { return std::to_string(count); };
    note(round, row,
         "is for " + number(row.people) + " people; left out: blocked " + number(row.unreachable) + ", unsubscribed " +
             number(row.unsubscribed) + ", with staff " + number(row.with_staff) + ", `where` does not hold " +
             number(row.not_meant));
    return Done{};
  }
  row.looked_at = look->last_id;
  auto shared = tx.load_shared(row.bot);
  if (!shared) return Error{shared.error()};
  std::map<std::string, std::vector<std::int64_t>> people;  // by platform
  for (const BroadcastStore::Person& one : look->found) {
    UserRecord user;
    Standing standing;
    if (!from_json(one.user, user) || (!one.state.empty() && !read_standing(one.state, standing))) continue;
    const bool unsubscribed = is_unsubscribed(user);
    if (where) {
      Surroundings around;
      around.chat = one.key.chat;
      around.shared = &*shared;
      const auto holds = holds_for(*player_.setup().program, std::move(user), around, now, *where, &order.values);
      // One person's odd value keeps nobody else from theirs.
      if (!holds && std::exchange(told_fault_of_, row.id) != row.id)
        note(round, row, "passes somebody over: " + holds.error(), TurnNote::Kind::Fault);
      if (!holds || !*holds) {
        ++row.not_meant;
        continue;
      }
    }
    if (standing.unreachable) {
      ++row.unreachable;
    } else if (unsubscribed) {
      ++row.unsubscribed;
    } else if (with_people(standing, *player_.setup().program, now)) {
      ++row.with_staff;
    } else {
      ++row.people;
      people[one.key.chat.transport].push_back(one.dialog_id);
    }
  }
  if (row.only_counts) return Done{};
  for (const auto& [transport, dialogs] : people)
    if (auto added = tx.broadcasts().add_people(row.id, transport, dialogs); !added) return added;
  return Done{};
}

/// How many the rate allows by now. What could not be given in time is not made up for all at once.
std::int64_t BroadcastRunner::allowed(Pace& pace, std::uint32_t rate, Time monotonic) const {
  const std::int64_t tick = kTick.count();
  const auto due = [&] { return ((monotonic - pace.since).count() + tick) * rate / 1000 - pace.given; };
  const std::int64_t at_once = std::max<std::int64_t>(1, tick * rate / 1000);
  if (pace.since.count() == 0 || due() > 2 * at_once) {
    pace.since = monotonic;
    pace.given = rate * tick < 1000 ? -1 : 0;  // the first goes now
  }
  return std::clamp<std::int64_t>(due(), 0, 2 * at_once);
}

Stored<Done> BroadcastRunner::give(Transaction& tx, BroadcastRow& row, const BroadcastOrder& order, Moment now, Time monotonic,
                                   Round& round) {
  const Program& program = *player_.setup().program;
  Pace& pace = paces_[row.id];
  const auto rest_for = [&](Time time) {
    pace.next = monotonic + time;
    round.rest = earlier(round.rest, time);
  };
  if (row.only.empty() && is_quiet(order, program.zone, now)) {
    const std::int64_t ahead = end_of_quiet(order, program.zone, now).unix_ms - now.unix_ms;
    // It is looked at meanwhile: somebody may stop it, or change the zone.
    rest_for(Time(std::clamp<std::int64_t>(ahead, 1, room_ ? kLookInQuiet.count() : INT64_MAX)));
    return Done{};
  }
  std::int64_t most = kAllAtOnce;
  if (room_ && order.rate > 0) most = allowed(pace, order.rate, monotonic);
  // Whoever comes a little late is not later from then on.
  if (room_) rest_for(pace.next.count() > 0 && pace.next + kTick > monotonic ? pace.next + kTick - monotonic : kTick);
  if (most == 0) return Done{};
  auto platforms = tx.broadcasts().platforms(row.id);
  if (!platforms) return Error{platforms.error()};
  if (platforms->empty()) return end_when_sent(tx, row, now, round);
  if (!room_) round.rest = Time(0);
  // With a rate of its own each platform comes first in turn.
  const std::int64_t first = std::max<std::int64_t>(0, pace.given) % static_cast<std::int64_t>(platforms->size());
  std::rotate(platforms->begin(), platforms->begin() + first, platforms->end());
  std::vector<InboxRow> events;
  for (const std::string& transport : *platforms) {
    // Who are on another platform do not wait for this one.
    const std::int64_t some = std::min(most - static_cast<std::int64_t>(events.size()), room_on(transport, order));
    if (some <= 0) continue;
    auto people = tx.broadcasts().next_people(row.id, transport, some);
    if (!people) return Error{people.error()};
    std::int64_t through = INT64_MAX;  // nobody: dialogs that are no more
    for (const BroadcastStore::Person& one : *people) {
      through = one.dialog_id;
      events.push_back(event_for(one, row, order, now));
    }
    if (auto dropped = tx.broadcasts().drop_people(row.id, transport, through); !dropped) return dropped;
  }
  if (events.empty()) return Done{};
  const auto count = static_cast<std::int64_t>(events.size());
  pace.given += count;
  row.given += count;
  round.given += events.size();
  round.stored = true;
  return tx.put_inbox(std::move(events), false, now);
}

/// People that a platform takes at this moment.
std::int64_t BroadcastRunner::room_on(const std::string& transport, const BroadcastOrder& order) const {
  if (!room_) return kAllAtOnce;
  const Room room = room_(transport);
  const std::uint32_t rate = room.per_second > 0 ? room.per_second : order.rate > 0 ? order.rate : kDefaultRate;
  const std::int64_t tick = std::max<std::int64_t>(1, (kTick.count() * rate + 999) / 1000);
  return std::min(static_cast<std::int64_t>(std::min<std::size_t>(room.free, 100'000)), tick);
}

InboxRow BroadcastRunner::event_for(const BroadcastStore::Person& one, const BroadcastRow& row, const BroadcastOrder& order,
                                    Moment now) const {
  Incoming update;
  update.id = "broadcast:" + std::to_string(row.id) + ":" + std::to_string(one.dialog_id);
  update.chat = one.key.chat;
  update.person.id = one.key.user_id;
  BroadcastDue due;
  due.id = row.id;
  due.name = order.name;
  due.branch = order.branch;
  due.with = order.with;
  if (!order.texts.empty())
    due.text = order.texts[static_cast<std::size_t>(mix(static_cast<std::uint64_t>(one.dialog_id)) % order.texts.size())];
  due.values = order.values;
  due.files = order.files;
  update.event = Event{now, 0, std::move(due)};
  return player_.inbox_row(update);
}

Stored<Done> BroadcastRunner::end_when_sent(Transaction& tx, BroadcastRow& row, Moment now, Round& round) {
  auto under_way = tx.broadcasts().is_under_way(row.bot, row.id);
  if (!under_way) return Error{under_way.error()};
  if (!*under_way) return end(tx, row, now, round);
  round.rest = earlier(round.rest, kLookForEnd);
  return Done{};
}

Stored<Done> BroadcastRunner::end(Transaction& tx, BroadcastRow& row, Moment now, Round& round) {
  const bool stopped = row.state == BroadcastRow::State::Stopping;
  row.state = stopped ? BroadcastRow::State::Stopped : BroadcastRow::State::Done;
  row.ended_at = now;
  const auto number = [](std::int64_t count) { return std::to_string(count); };
  note(round, row,
       std::string(stopped ? "is stopped" : "is over") + ": sent " + number(row.sent) + ", failed " + number(row.failed) +
           ", unknown " + number(row.unknown) + ", left out " + number(left_out_of(row)));
  if (row.begun_by == kBegunByErased) return tx.broadcasts().drop(row.id);
  if (row.dialog_id == 0) return Done{};
  auto key = tx.find_dialog(row.dialog_id);
  if (!key) return Error{key.error()};
  if (!*key || (*key)->chat.transport == kScheduleTransport) return Done{};
  Incoming update;
  update.id = "broadcast_ended:" + std::to_string(row.id);
  update.chat = (*key)->chat;
  update.person.id = (*key)->user_id;
  BroadcastEnded ended;
  ended.name = row.name;
  ended.people = row.people;
  ended.sent = row.sent;
  ended.failed = row.failed + row.unknown;
  ended.left_out = left_out_of(row);
  ended.stopped = stopped;
  update.event = Event{now, 0, std::move(ended)};
  InboxRow inbox = player_.inbox_row(update);
  round.stored = true;
  return tx.put_inbox(inbox);
}

}  // namespace sufler

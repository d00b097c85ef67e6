#include "interpreter/runtime/schedules.h"

#include <algorithm>

#include "interpreter/core/recurrence.h"
#include "interpreter/core/state.h"
#include "interpreter/runtime/incoming_json.h"
#include "storage/schedule_store.h"
#include "storage/version_store.h"

namespace sufler {
namespace {

constexpr Duration kClockWasWrong{24 * 3'600'000};

const Schedule* find(const Program& program, const std::string& name) {
  const auto found = std::find_if(program.schedules.begin(), program.schedules.end(),
                                  [&](const Schedule& one) { return one.name == name; });
  return found == program.schedules.end() ? nullptr : &*found;
}

Moment next_of(const Program& program, const Schedule& schedule, Moment after) {
  return next_time(schedule.when, program.zone, after).value_or(kNeverAt);
}

std::string shown(Moment moment, const Program& program) {
  return program.zone.to_local(moment).to_iso() + " (" + program.zone.name() + ")";
}

}  // namespace

bool ScheduleRunner::is_idle() const {
  return player_.left_out() || (known_ == player_.setup().program.get() && generation_ == player_.generation() &&
                                known_ && known_->schedules.empty());
}

void ScheduleRunner::note(Round& round, const std::string& name, std::string text, TurnNote::Kind kind) const {
  round.notes.push_back({kind, {std::string(kScheduleTransport), name}, std::move(text), {}});
}

Stored<ScheduleRunner::Round> ScheduleRunner::round(Storage& storage, Moment now) {
  Round round;
  if (player_.stale()) return round;
  bool stale = false;
  auto done = storage.transact([&](Transaction& tx) -> Stored<Done> {
    round = Round{};
    stale = false;
    if (storage.shared()) {
      auto all = tx.versions().generations();
      if (!all) return Error{all.error()};
      for (const auto& one : *all)
        if (one.bot == player_.setup().name) player_.note_newest(one.generation);
      stale = player_.stale();
      if (stale) return Done{};
    }
    if (auto ready = bring_up_to_date(tx, now); !ready) return ready;
    auto due = tx.schedules().claim_due(player_.setup().name, now);
    if (!due) return Error{due.error()};
    if (*due) {
      if (auto worked = work_on(tx, **due, now, round); !worked) return worked;
    }
    auto next = tx.schedules().next(player_.setup().name);
    if (!next) return Error{next.error()};
    round.next = *next;
    if (auto forgotten = forget_for_the_erased(tx, now, round); !forgotten) return forgotten;
    return Done{};
  });
  if (!done) return Error{done.error()};
  if (!stale) {
    known_ = player_.setup().program.get();
    generation_ = player_.generation();
  }
  return round;
}

/// The database has what the scenario says. A new schedule, or one whose time is another now, runs from now on.
Stored<Done> ScheduleRunner::bring_up_to_date(Transaction& tx, Moment now) {
  const Program& program = *player_.setup().program;
  if (known_ == &program && generation_ == player_.generation()) return Done{};
  std::vector<std::string> names;
  for (const Schedule& schedule : program.schedules) {
    ScheduleRow row;
    row.bot = player_.setup().name;
    row.name = schedule.name;
    row.timing = schedule.when.source + " (" + program.zone.name() + ")";
    row.people = schedule.people;
    row.generation = player_.generation();
    row.next_at = next_of(program, schedule, now);
    if (auto put = tx.schedules().put(row); !put) return put;
    names.push_back(schedule.name);
  }
  auto rows = tx.schedules().all(player_.setup().name);
  if (!rows) return Error{rows.error()};
  for (ScheduleRow& row : *rows) {
    if (row.last_at.unix_ms <= now.unix_ms + kClockWasWrong.ms) continue;
    // The clock was far ahead once: whoever waits for it to come there waits for years.
    row.last_at = now;
    row.next_at = Moment{};
    if (auto saved = tx.schedules().save(row); !saved) return saved;
  }
  return tx.schedules().drop_others(player_.setup().name, player_.generation(), names);
}

Stored<Done> ScheduleRunner::work_on(Transaction& tx, ScheduleRow& row, Moment now, Round& round) {
  const Program& program = *player_.setup().program;
  const Schedule* schedule = find(program, row.name);
  if (!schedule) return tx.schedules().drop(row.bot, row.name);
  const bool for_somebody = schedule->whom != Schedule::For::Nobody;
  if (row.run_due.unix_ms != 0 && for_somebody) {
    if (auto gone_on = go_on(tx, row, *schedule, now, round); !gone_on) return gone_on;
    return tx.schedules().save(row);
  }
  row.run_due = Moment{};
  const bool was_held = row.held_until.unix_ms != 0;
  row.held_until = Moment{};
  if (!for_somebody && schedule->missed == Schedule::Missed::All && (row.next_at.unix_ms != 0 || row.forced_at.unix_ms != 0)) {
    auto rests = run_before(tx, row.name, now);
    if (!rests) return Error{rests.error()};
    if (*rests) {
      if (!was_held)
        note(round, row.name, "the schedule `" + row.name + "` was due at " + shown(row.forced_at.unix_ms != 0 ? now : row.next_at, program) +
                                  "; it runs when its run before is over");
      row.held_until = **rests;
      return tx.schedules().save(row);
    }
  }
  if (row.forced_at.unix_ms != 0) {
    // For many it takes a while, and goes on though the schedule is paused.
    if (!for_somebody) row.forced_at = Moment{};
    if (auto begun = begin(tx, row, *schedule, now, now, round); !begun) return begun;
    return tx.schedules().save(row);
  }
  if (row.next_at.unix_ms == 0) {
    row.next_at = next_of(program, *schedule, now);
    return tx.schedules().save(row);
  }
  const Moment first = row.next_at;
  const Moment last = last_time(schedule->when, program.zone, first, now).value_or(first);
  Moment due = last;
  if (schedule->missed == Schedule::Missed::All) due = first;
  row.next_at = next_of(program, *schedule, due);
  const bool late = now.unix_ms - due.unix_ms > kOnTime.ms;
  if (schedule->missed == Schedule::Missed::Skip && late) {
    note(round, row.name, "the schedule `" + row.name + "` was due at " + shown(due, program) + ", when nothing ran: it is skipped");
    return tx.schedules().save(row);
  }
  if ((first < due || late) && !was_held)
    note(round, row.name, "the schedule `" + row.name + "` was due at " + shown(first, program) + ", when nothing ran: it runs now");
  if (auto begun = begin(tx, row, *schedule, due, now, round); !begun) return begun;
  return tx.schedules().save(row);
}

Stored<Done> ScheduleRunner::begin(Transaction& tx, ScheduleRow& row, const Schedule& schedule, Moment due, Moment now,
                                   Round& round) {
  row.last_at = due;
  row.people_told = 0;
  told_fault_ = false;
  if (schedule.whom != Schedule::For::Nobody) {
    row.run_due = due;
    row.run_after = 0;
    return go_on(tx, row, schedule, now, round);
  }
  Incoming update;
  update.id = "schedule:" + row.name + ":" + std::to_string(due.unix_ms);
  update.chat = {std::string(kScheduleTransport), row.name};
  update.person.id = row.name;
  ScheduleDue event;
  event.schedule = row.name;
  event.branch = player_.setup().program->branch(schedule.branch).name;
  event.alone = true;
  event.due = due;
  update.event = Event{now, 0, std::move(event)};
  InboxRow inbox = player_.inbox_row(update);
  round.stored = true;
  return tx.put_inbox(inbox);
}

Stored<std::optional<Moment>> ScheduleRunner::run_before(Transaction& tx, const std::string& schedule, Moment now, bool pending) {
  const std::string& bot = player_.setup().name;
  auto begins = tx.schedules().is_to_begin(bot, schedule);
  if (!begins) return Error{begins.error()};
  const Moment again{now.unix_ms + kLookAgain.ms};
  if (*begins) return std::optional(again);
  auto dialog = tx.load_dialog({bot, {std::string(kScheduleTransport), schedule}, schedule});
  if (!dialog) return Error{dialog.error()};
  RunRest rest;
  if (dialog->state.empty() || !read_run_rest(dialog->state, rest)) return std::optional<Moment>();
  if (!rest.under_way && !(pending && rest.pending)) return std::optional<Moment>();
  return std::optional(rest.due ? std::max(again, *rest.due) : again);
}

/// What runs were at while somebody was erased (storage/housekeeping.h) goes as soon as they are over.
Stored<Done> ScheduleRunner::forget_for_the_erased(Transaction& tx, Moment now, Round& round) {
  auto names = tx.schedules().forgetful(player_.setup().name);
  if (!names) return Error{names.error()};
  for (const std::string& name : *names) {
    auto rests = run_before(tx, name, now, true);
    if (!rests) return Error{rests.error()};
    if (*rests) {
      round.next = round.next ? std::min(*round.next, **rests) : **rests;
    } else if (auto forgotten = tx.schedules().forget(player_.setup().name, name); !forgotten) {
      return forgotten;
    }
  }
  return Done{};
}

Stored<Done> ScheduleRunner::go_on(Transaction& tx, ScheduleRow& row, const Schedule& schedule, Moment now, Round& round) {
  const Program& program = *player_.setup().program;
  const bool resting = schedule.whom == Schedule::For::Dialogs;
  auto look = resting ? tx.schedules().resting(row.bot, program.branch(schedule.resting_in).name,
                                               Moment{row.run_due.unix_ms - schedule.idle.ms}, row.run_after,
                                               kLookedAt, kAtOnce)
                      : tx.schedules().people(row.bot, row.run_after, kLookedAt, kAtOnce);
  if (!look) return Error{look.error()};
  Stored<ValueMap> shared = !resting && schedule.where ? tx.load_shared(row.bot) : Stored<ValueMap>(ValueMap());
  if (!shared) return Error{shared.error()};
  std::vector<InboxRow> events;
  for (const ScheduleStore::Listener& one : look->found) {
    if (!resting && schedule.where) {
      if (!is_meant(*shared, schedule, one.user, one.key.chat, now, round)) continue;
    }
    Incoming update;
    update.id = "schedule:" + row.name + ":" + std::to_string(row.run_due.unix_ms) + ":" + std::to_string(one.dialog_id);
    update.chat = one.key.chat;
    update.person.id = one.key.user_id;
    ScheduleDue event;
    event.schedule = row.name;
    event.branch = program.branch(schedule.branch).name;
    event.due = row.run_due;
    if (resting) {
      event.resting_in = program.branch(schedule.resting_in).name;
      event.unchanged_since = one.changed_at;
    }
    update.event = Event{now, 0, std::move(event)};
    events.push_back(player_.inbox_row(update));
  }
  row.people_told += static_cast<std::int64_t>(events.size());
  row.run_after = look->last_id;
  if (look->last_id == 0) {
    row.run_due = row.forced_at = Moment{};
    row.run_after = 0;
  }
  if (events.empty()) return Done{};
  round.stored = true;
  return tx.put_inbox(std::move(events), false, now);
}

bool ScheduleRunner::is_meant(const ValueMap& shared, const Schedule& schedule, const std::string& user,
                              const ChatAddress& chat, Moment now, Round& round) {
  UserRecord record;
  if (!from_json(user, record)) return false;
  Surroundings around;
  around.chat = chat;
  around.shared = &shared;
  const auto holds = holds_for(*player_.setup().program, std::move(record), around, now, *schedule.where);
  if (holds) return *holds;
  // One person's odd value keeps nobody else from their turn.
  if (!std::exchange(told_fault_, true))
    note(round, schedule.name, "the schedule `" + schedule.name + "` passes somebody over: " + holds.error(), TurnNote::Kind::Fault);
  return false;
}

}  // namespace sufler

// One row a schedule says what is to be done, so a run is claimed by locking it: whoever has the lock puts the events
// into the inbox and moves the row on in one transaction, and so each time is done once, whatever dies when.
#include "storage/sql_schedules.h"

#include <algorithm>
#include <utility>

#include "interpreter/core/event.h"
#include "interpreter/core/text.h"

namespace sufler::storage {
namespace {

#define SUFLER_SCHEDULE_COLUMNS                                                                                    \
  "SELECT bot, name, timing, people, generation, next_at_unix_ms, last_at_unix_ms, paused_at_unix_ms, "            \
  "forced_at_unix_ms, run_due_unix_ms, run_after, people_told, held_until_unix_ms, forgets FROM schedule_times "
#define SUFLER_DUE_SCHEDULES                                                                                       \
  SUFLER_SCHEDULE_COLUMNS                                                                                          \
  "WHERE bot = ? AND held_until_unix_ms <= ? AND (forced_at_unix_ms <> 0 OR (paused_at_unix_ms = 0 AND (run_due_unix_ms <> 0 OR "              \
  "next_at_unix_ms <= ?))) ORDER BY next_at_unix_ms, name LIMIT 1"

auto columns(ScheduleRow& row) {
  return std::tie(row.bot, row.name, row.timing, row.people, row.generation, row.next_at.unix_ms, row.last_at.unix_ms,
                  row.paused_at.unix_ms, row.forced_at.unix_ms, row.run_due.unix_ms, row.run_after, row.people_told,
                  row.held_until.unix_ms, row.forgets);
}

std::string beginning_of(std::string_view name) { return "schedule:" + std::string(name) + ":"; }
std::int64_t beginning_length(std::string_view name) { return static_cast<std::int64_t>(count_code_points(beginning_of(name))); }

}  // namespace

Stored<std::vector<ScheduleRow>> SqlSchedules::all(std::string_view bot) {
  return tx_.operation([&]() -> Stored<std::vector<ScheduleRow>> {
    std::vector<ScheduleRow> rows;
    ScheduleRow row;
    tx_.statements_.each(SUFLER_SCHEDULE_COLUMNS "WHERE CAST(? AS TEXT) = '' OR bot = ? ORDER BY bot, name", columns(row),
                         [&] { rows.push_back(row); }, bot, bot);
    return rows;
  });
}

Stored<Done> SqlSchedules::put(const ScheduleRow& row) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run(
        R"(INSERT INTO schedule_times (bot, name, timing, people, generation, next_at_unix_ms, last_at_unix_ms,
           paused_at_unix_ms, forced_at_unix_ms, run_due_unix_ms, run_after, people_told)
           VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0)
           ON CONFLICT (bot, name) DO UPDATE SET
             next_at_unix_ms = CASE WHEN schedule_times.timing = excluded.timing THEN schedule_times.next_at_unix_ms
                                    ELSE excluded.next_at_unix_ms END,
             run_due_unix_ms = CASE WHEN schedule_times.people = excluded.people THEN schedule_times.run_due_unix_ms ELSE 0 END,
             timing = excluded.timing, people = excluded.people, generation = excluded.generation, held_until_unix_ms = 0
           WHERE schedule_times.generation <= excluded.generation)",
        row.bot, row.name, row.timing, row.people, row.generation, row.next_at.unix_ms);
    return Done{};
  });
}

Stored<Done> SqlSchedules::drop_others(std::string_view bot, std::int64_t generation,
                                       const std::vector<std::string>& names) {
  auto rows = all(bot);
  if (!rows) return Error{rows.error()};
  for (const ScheduleRow& row : *rows) {
    if (row.generation > generation || std::find(names.begin(), names.end(), row.name) != names.end()) continue;
    if (auto done = drop(bot, row.name); !done) return done;
  }
  return Done{};
}

Stored<Done> SqlSchedules::drop(std::string_view bot, std::string_view name) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run("DELETE FROM schedule_times WHERE bot = ? AND name = ?", bot, name);
    return Done{};
  });
}

Stored<std::optional<ScheduleRow>> SqlSchedules::claim_due(std::string_view bot, Moment now) {
  return tx_.operation([&]() -> Stored<std::optional<ScheduleRow>> {
    ScheduleRow row;
    const bool found = tx_.statements_.one(
        tx_.dialect_.locks_rows ? SUFLER_DUE_SCHEDULES " FOR UPDATE SKIP LOCKED" : SUFLER_DUE_SCHEDULES, columns(row), bot,
        now.unix_ms, now.unix_ms);
    return found ? std::optional(std::move(row)) : std::nullopt;
  });
}

Stored<Done> SqlSchedules::save(const ScheduleRow& row) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run(
        R"(UPDATE schedule_times SET next_at_unix_ms = ?, last_at_unix_ms = ?, forced_at_unix_ms = ?, run_due_unix_ms = ?,
           run_after = ?, people_told = ?, held_until_unix_ms = ? WHERE bot = ? AND name = ?)",
        row.next_at.unix_ms, row.last_at.unix_ms, row.forced_at.unix_ms, row.run_due.unix_ms, row.run_after,
        row.people_told, row.held_until.unix_ms, row.bot, row.name);
    return Done{};
  });
}

Stored<std::optional<Moment>> SqlSchedules::next(std::string_view bot) {
  return tx_.operation([&]() -> Stored<std::optional<Moment>> {
    std::int64_t count = 0, next = 0;
    tx_.statements_.one(
        R"(SELECT count(*), COALESCE(min(CASE WHEN forced_at_unix_ms <> 0 OR run_due_unix_ms <> 0 OR
           next_at_unix_ms < held_until_unix_ms THEN held_until_unix_ms ELSE next_at_unix_ms END), 0) FROM schedule_times WHERE bot = ? AND (paused_at_unix_ms = 0 OR forced_at_unix_ms <> 0))",
        std::tie(count, next), bot);
    return count == 0 ? std::nullopt : std::optional(Moment{next});
  });
}

Stored<bool> SqlSchedules::pause(std::string_view bot, std::string_view name, Moment now) {
  return tx_.operation([&]() -> Stored<bool> {
    // A run under way ends: whoever pauses does not want the rest of it, at whatever time.
    return tx_.statements_.run(
               R"(UPDATE schedule_times SET paused_at_unix_ms = CASE WHEN paused_at_unix_ms = 0 THEN CAST(? AS BIGINT) ELSE
                  paused_at_unix_ms END, forced_at_unix_ms = 0, run_due_unix_ms = 0, run_after = 0, held_until_unix_ms = 0 WHERE bot = ? AND name = ?)",
               now.unix_ms, bot, name) != 0;
  });
}

Stored<bool> SqlSchedules::resume(std::string_view bot, std::string_view name, Moment now) {
  return tx_.operation([&]() -> Stored<bool> {
    // What came due meanwhile is not made up for; and the next time is worked out anew, whatever the clock once was.
    static_cast<void>(now);
    return tx_.statements_.run(
               R"(UPDATE schedule_times SET next_at_unix_ms = CASE WHEN paused_at_unix_ms <> 0 THEN 0 ELSE next_at_unix_ms END,
                  paused_at_unix_ms = 0 WHERE bot = ? AND name = ?)",
               bot, name) != 0;
  });
}

Stored<bool> SqlSchedules::force(std::string_view bot, std::string_view name, Moment now) {
  return tx_.operation([&]() -> Stored<bool> {
    return tx_.statements_.run("UPDATE schedule_times SET forced_at_unix_ms = ? WHERE bot = ? AND name = ?", now.unix_ms, bot,
                               name) != 0;
  });
}

std::int64_t SqlSchedules::last_of(std::int64_t after_id, std::int64_t rows) {
  std::int64_t last = 0;
  tx_.statements_.one(
      "SELECT COALESCE(max(id), 0) FROM (SELECT id FROM dialogs WHERE id > ? ORDER BY id LIMIT ?) AS portion", std::tie(last),
      after_id, rows);
  return last;
}

/// What is behind the last that was found has not been looked at.
void SqlSchedules::cut(Look& look, std::int64_t most) {
  if (static_cast<std::int64_t>(look.found.size()) >= most) look.last_id = look.found.back().dialog_id;
}

Stored<ScheduleStore::Look> SqlSchedules::resting(std::string_view bot, std::string_view branch, Moment changed_before,
                                                  std::int64_t after_id, std::int64_t rows,
                                                  std::int64_t most) {
  return tx_.operation([&]() -> Stored<Look> {
    Look look;
    look.last_id = last_of(after_id, rows);
    const std::string beginning = std::string(branch) + "/";
    const auto length = static_cast<std::int64_t>(count_code_points(beginning));
    Listener one;
    tx_.statements_.each(
        R"(SELECT id, transport, chat, user_id, changed_at_unix_ms FROM dialogs WHERE id > ? AND id <= ? AND bot = ? AND
           transport <> ? AND changed_at_unix_ms <= ? AND substr(place, 1, CAST(? AS INTEGER)) = ? ORDER BY id LIMIT ?)",
        std::tie(one.dialog_id, one.key.chat.transport, one.key.chat.chat_id, one.key.user_id, one.changed_at.unix_ms),
        [&] {
          one.key.bot = std::string(bot);
          look.found.push_back(one);
        },
        after_id, look.last_id, bot, kScheduleTransport, changed_before.unix_ms, length, beginning, most);
    cut(look, most);
    return look;
  });
}

Stored<ScheduleStore::Look> SqlSchedules::people(std::string_view bot, std::int64_t after_id, std::int64_t rows,
                                                  std::int64_t most) {
  return tx_.operation([&]() -> Stored<Look> {
    Look look;
    look.last_id = last_of(after_id, rows);
    Listener one;
    tx_.statements_.each(
        R"(SELECT d.id, d.transport, d.chat, d.user_id, d.changed_at_unix_ms, u.record FROM dialogs AS d JOIN users AS u ON
           u.id = d.user_row WHERE d.id > ? AND d.id <= ? AND d.bot = ? AND d.transport <> ? AND d.chat = d.user_id ORDER BY
           d.id LIMIT ?)",
        std::tie(one.dialog_id, one.key.chat.transport, one.key.chat.chat_id, one.key.user_id, one.changed_at.unix_ms,
                 one.user),
        [&] {
          one.key.bot = std::string(bot);
          look.found.push_back(one);
        },
        after_id, look.last_id, bot, kScheduleTransport, most);
    cut(look, most);
    return look;
  });
}

Stored<ScheduleStore::Look> SqlSchedules::people_with(std::string_view bot, std::string_view text, std::int64_t after_id,
                                                      std::int64_t rows, std::int64_t most) {
  return tx_.operation([&]() -> Stored<Look> {
    tx_.write_out();
    std::string pattern = "%";
    for (const char c : text) {
      if (c == '%' || c == '_' || c == '!') pattern.push_back('!');
      pattern.push_back(c);
    }
    pattern.push_back('%');
    Look look;
    look.last_id = last_of(after_id, rows);
    Listener one;
    tx_.statements_.each(
        R"(SELECT d.id, d.transport, d.chat, d.user_id, d.changed_at_unix_ms, u.record FROM dialogs AS d JOIN users AS u ON
           u.id = d.user_row WHERE d.id > ? AND d.id <= ? AND d.bot = ? AND d.transport <> ? AND d.chat = d.user_id AND
           u.record LIKE ? ESCAPE '!' ORDER BY d.id LIMIT ?)",
        std::tie(one.dialog_id, one.key.chat.transport, one.key.chat.chat_id, one.key.user_id, one.changed_at.unix_ms,
                 one.user),
        [&] {
          one.key.bot = std::string(bot);
          look.found.push_back(one);
        },
        after_id, look.last_id, bot, kScheduleTransport, pattern, most);
    cut(look, most);
    return look;
  });
}

Stored<std::vector<ScheduleStore::Listener>> SqlSchedules::people_called(std::string_view bot, std::string_view user_id) {
  return tx_.operation([&]() -> Stored<std::vector<Listener>> {
    tx_.write_out();
    std::vector<Listener> found;
    Listener one;
    tx_.statements_.each(
        R"(SELECT d.id, d.transport, d.chat, d.user_id, d.changed_at_unix_ms, u.record FROM dialogs AS d JOIN users AS u ON
           u.id = d.user_row WHERE d.user_id = ? AND d.chat = ? AND d.bot = ? AND d.transport <> ? ORDER BY d.id)",
        std::tie(one.dialog_id, one.key.chat.transport, one.key.chat.chat_id, one.key.user_id, one.changed_at.unix_ms,
                 one.user),
        [&] {
          one.key.bot = std::string(bot);
          found.push_back(one);
        },
        user_id, user_id, bot, kScheduleTransport);
    return found;
  });
}

Stored<std::string> SqlSchedules::free_dialog(std::string_view bot, std::string_view beginning) {
  return tx_.operation([&]() -> Stored<std::string> {
    tx_.write_out();
    constexpr std::int64_t kLookedAt = 16;
    const auto length = static_cast<std::int64_t>(count_code_points(beginning));
    std::vector<std::string> resting;
    std::string chat;
    tx_.statements_.each(
        R"(SELECT chat FROM dialogs WHERE bot = ? AND transport = ? AND substr(chat, 1, CAST(? AS INTEGER)) = ? AND
           place = 'none' ORDER BY id LIMIT ?)",
        std::tie(chat), [&] { resting.push_back(chat); }, bot, kScheduleTransport, length, beginning, kLookedAt);
    for (const std::string& one : resting) {
      std::int64_t waiting = 0;
      tx_.statements_.one("SELECT count(*) FROM inbox WHERE person = ?", std::tie(waiting),
                          person_number(bot, kScheduleTransport, one));
      if (waiting == 0) return one;
    }
    return std::string();
  });
}

Stored<std::int64_t> SqlSchedules::next_number(std::string_view bot, std::string_view of_what) {
  return tx_.operation([&]() -> Stored<std::int64_t> {
    std::int64_t number = 0;
    tx_.statements_.one(
        R"(INSERT INTO counters (name, next) VALUES (?, 2) ON CONFLICT (name) DO UPDATE SET
           next = counters.next + 1 RETURNING next - 1)",
        std::tie(number), std::string(of_what) + "\n" + std::string(bot));
    return number;
  });
}

Stored<bool> SqlSchedules::is_to_begin(std::string_view bot, std::string_view name) {
  return tx_.operation([&]() -> Stored<bool> {
    tx_.write_out();
    std::int64_t events = 0;
    // Its events have ids of their own (interpreter/runtime/schedules.cpp).
    tx_.statements_.one("SELECT count(*) FROM inbox WHERE bot = ? AND transport = ? AND substr(event_id, 1, CAST(? AS INTEGER)) = ?",
                        std::tie(events), bot, kScheduleTransport, beginning_length(name), beginning_of(name));
    return events > 0;
  });
}

Stored<std::vector<std::string>> SqlSchedules::forgetful(std::string_view bot) {
  return tx_.operation([&]() -> Stored<std::vector<std::string>> {
    std::vector<std::string> names;
    std::string name;
    tx_.statements_.each("SELECT name FROM schedule_times WHERE bot = ? AND forgets <> 0 ORDER BY name", std::tie(name),
                         [&] { names.push_back(name); }, bot);
    return names;
  });
}

Stored<Done> SqlSchedules::forget(std::string_view bot, std::string_view name) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.write_out();
    std::vector<std::int64_t> dialogs;
    std::int64_t id = 0;
    tx_.statements_.each("SELECT id FROM dialogs WHERE bot = ? AND transport = ? AND chat = ? AND user_id = ?", std::tie(id),
                         [&] { dialogs.push_back(id); }, bot, kScheduleTransport, name, name);
    for (const std::int64_t one : dialogs) {
      tx_.statements_.run("DELETE FROM journal WHERE dialog_id = ?", one);
      tx_.statements_.run("DELETE FROM timers WHERE dialog_id = ?", one);
      tx_.statements_.run("UPDATE dialogs SET state = '', place = '', pinned = '' WHERE id = ?", one);
    }
    tx_.statements_.run("UPDATE schedule_times SET forgets = 0 WHERE bot = ? AND name = ?", bot, name);
    return Done{};
  });
}

Stored<Moment> SqlSchedules::changed_at(std::int64_t dialog_id) {
  return tx_.operation([&]() -> Stored<Moment> {
    // A turn before in this transaction may not be written yet.
    tx_.write_out();
    Moment at;
    tx_.statements_.one("SELECT changed_at_unix_ms FROM dialogs WHERE id = ?", std::tie(at.unix_ms), dialog_id);
    return at;
  });
}

}  // namespace sufler::storage

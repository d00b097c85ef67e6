// A broadcast is one row, and a row for each person who is still to get it. Whoever feeds it takes people's rows away and
// puts their events into the inbox in one transaction, so each gets it once, whatever dies when.
#include "storage/sql_broadcasts.h"

#include <algorithm>
#include <utility>

#include "interpreter/core/event.h"

namespace sufler::storage {
namespace {

#define SUFLER_BROADCAST_COLUMNS                                                                                     \
  "SELECT id, bot, name, what, begun_by, dialog_id, state, only_counts, only_person, created_at_unix_ms, "           \
  "ended_at_unix_ms, paused_at_unix_ms, looked_at, people, not_meant, unreachable, unsubscribed, with_staff, given, " \
  "sent, failed, gone, unknown FROM broadcasts "
#define SUFLER_ACTIVE_BROADCAST SUFLER_BROADCAST_COLUMNS "WHERE id = ? AND state < ? AND paused_at_unix_ms = 0"

auto columns(BroadcastRow& row) {
  return std::tie(row.id, row.bot, row.name, row.order, row.begun_by, row.dialog_id, row.state, row.only_counts, row.only,
                  row.created_at.unix_ms, row.ended_at.unix_ms, row.paused_at.unix_ms, row.looked_at, row.people,
                  row.not_meant, row.unreachable, row.unsubscribed, row.with_staff, row.given, row.sent, row.failed,
                  row.gone, row.unknown);
}

constexpr auto kOver = BroadcastRow::State::Done;

}  // namespace

Stored<bool> SqlBroadcasts::begin(BroadcastRow& row) {
  return tx_.operation([&]() -> Stored<bool> {
    // The index of names knows which are under way, also those of a transaction beside this one.
    return tx_.statements_.one(
        R"(INSERT INTO broadcasts (bot, name, what, begun_by, dialog_id, state, only_counts, only_person,
           created_at_unix_ms, ended_at_unix_ms, paused_at_unix_ms, looked_at, people, not_meant, unreachable, unsubscribed,
           with_staff, given, sent, failed, gone, unknown)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
           ON CONFLICT DO NOTHING RETURNING id)",
        std::tie(row.id), row.bot, row.name, row.order, row.begun_by, row.dialog_id, row.state, row.only_counts, row.only,
        row.created_at.unix_ms);
  });
}

Stored<std::vector<BroadcastRow>> SqlBroadcasts::all(std::string_view bot, std::size_t limit) {
  return tx_.operation([&]() -> Stored<std::vector<BroadcastRow>> {
    std::vector<BroadcastRow> rows;
    BroadcastRow row;
    const auto most = static_cast<std::int64_t>(std::min<std::size_t>(limit, 1'000'000));
    tx_.statements_.each(SUFLER_BROADCAST_COLUMNS "WHERE CAST(? AS TEXT) = '' OR bot = ? ORDER BY id DESC LIMIT ?",
                         columns(row), [&] { rows.push_back(row); }, bot, bot, most);
    return rows;
  });
}

Stored<std::optional<BroadcastRow>> SqlBroadcasts::find(std::int64_t id) {
  return tx_.operation([&]() -> Stored<std::optional<BroadcastRow>> {
    BroadcastRow row;
    if (!tx_.statements_.one(SUFLER_BROADCAST_COLUMNS "WHERE id = ?", columns(row), id)) return std::optional<BroadcastRow>();
    return std::optional(std::move(row));
  });
}

Stored<std::vector<std::int64_t>> SqlBroadcasts::active(std::string_view bot) {
  return tx_.operation([&]() -> Stored<std::vector<std::int64_t>> {
    std::vector<std::int64_t> ids;
    std::int64_t id = 0;
    tx_.statements_.each("SELECT id FROM broadcasts WHERE bot = ? AND state < ? AND paused_at_unix_ms = 0 ORDER BY id",
                         std::tie(id), [&] { ids.push_back(id); }, bot, kOver);
    return ids;
  });
}

Stored<std::optional<BroadcastRow>> SqlBroadcasts::claim(std::int64_t id) {
  return tx_.operation([&]() -> Stored<std::optional<BroadcastRow>> {
    BroadcastRow row;
    const bool found =
        tx_.statements_.one(tx_.dialect_.locks_rows ? SUFLER_ACTIVE_BROADCAST " FOR UPDATE SKIP LOCKED" : SUFLER_ACTIVE_BROADCAST,
                            columns(row), id, kOver);
    return found ? std::optional(std::move(row)) : std::nullopt;
  });
}

Stored<Done> SqlBroadcasts::save(const BroadcastRow& row) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run(
        R"(UPDATE broadcasts SET state = ?, ended_at_unix_ms = ?, looked_at = ?, people = ?, not_meant = ?, unreachable = ?,
           unsubscribed = ?, with_staff = ?, given = ? WHERE id = ?)",
        row.state, row.ended_at.unix_ms, row.looked_at, row.people, row.not_meant, row.unreachable, row.unsubscribed,
        row.with_staff, row.given, row.id);
    return Done{};
  });
}

Stored<Done> SqlBroadcasts::count(std::int64_t id, const Outcomes& outcomes) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run(
        "UPDATE broadcasts SET sent = sent + ?, failed = failed + ?, gone = gone + ?, unknown = unknown + ? WHERE id = ?",
        outcomes.sent, outcomes.failed, outcomes.gone, outcomes.unknown, id);
    return Done{};
  });
}

Stored<bool> SqlBroadcasts::pause(std::int64_t id, Moment now) {
  return tx_.operation([&]() -> Stored<bool> {
    return tx_.statements_.run("UPDATE broadcasts SET paused_at_unix_ms = ? WHERE id = ? AND state < ? AND paused_at_unix_ms = 0",
                               now.unix_ms, id, BroadcastRow::State::Stopping) != 0;
  });
}

Stored<bool> SqlBroadcasts::resume(std::int64_t id) {
  return tx_.operation([&]() -> Stored<bool> {
    return tx_.statements_.run("UPDATE broadcasts SET paused_at_unix_ms = 0 WHERE id = ? AND state < ? AND paused_at_unix_ms <> 0",
                               id, kOver) != 0;
  });
}

Stored<bool> SqlBroadcasts::stop(std::int64_t id) {
  return tx_.operation([&]() -> Stored<bool> {
    return tx_.statements_.run("UPDATE broadcasts SET state = ?, paused_at_unix_ms = 0 WHERE id = ? AND state < ?",
                               BroadcastRow::State::Stopping, id, BroadcastRow::State::Stopping) != 0;
  });
}

Stored<Done> SqlBroadcasts::drop(std::int64_t id) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run("DELETE FROM broadcast_people WHERE broadcast = ?", id);
    tx_.statements_.run("DELETE FROM broadcasts WHERE id = ?", id);
    return Done{};
  });
}

Stored<BroadcastStore::Look> SqlBroadcasts::look(std::string_view bot, std::int64_t after_id, std::int64_t rows) {
  return tx_.operation([&]() -> Stored<Look> {
    tx_.write_out();
    Look look;
    tx_.statements_.one(
        "SELECT COALESCE(max(id), 0) FROM (SELECT id FROM dialogs WHERE id > ? ORDER BY id LIMIT ?) AS portion",
        std::tie(look.last_id), after_id, rows);
    if (look.last_id == 0) return look;
    Person one;
    tx_.statements_.each(
        R"(SELECT d.id, d.transport, d.chat, d.user_id, u.record, d.state FROM dialogs AS d JOIN users AS u ON
           u.id = d.user_row WHERE d.id > ? AND d.id <= ? AND d.bot = ? AND d.transport <> ? AND d.chat = d.user_id ORDER BY
           d.id)",
        std::tie(one.dialog_id, one.key.chat.transport, one.key.chat.chat_id, one.key.user_id, one.user, one.state),
        [&] {
          one.key.bot = std::string(bot);
          look.found.push_back(one);
        },
        after_id, look.last_id, bot, kScheduleTransport);
    return look;
  });
}

Stored<Done> SqlBroadcasts::add_people(std::int64_t id, std::string_view transport, const std::vector<std::int64_t>& dialogs) {
  return tx_.operation([&]() -> Stored<Done> {
    if (dialogs.empty()) return Done{};
    if (!tx_.dialect_.locks_rows) {
      for (const std::int64_t dialog : dialogs)
        tx_.statements_.run("INSERT INTO broadcast_people (broadcast, transport, dialog) VALUES (?, ?, ?)", id, transport, dialog);
      return Done{};
    }
    // A statement is a way there and back.
    std::string list = "[";
    for (const std::int64_t dialog : dialogs) list += (list.size() > 1 ? "," : "") + std::to_string(dialog);
    list += "]";
    tx_.statements_.run(
        R"(INSERT INTO broadcast_people (broadcast, transport, dialog) SELECT CAST(? AS BIGINT), CAST(? AS TEXT),
           CAST(one AS BIGINT) FROM json_array_elements_text(CAST(CAST(? AS TEXT) AS JSON)) AS one)",
        id, transport, list);
    return Done{};
  });
}

Stored<std::vector<std::string>> SqlBroadcasts::platforms(std::int64_t id) {
  return tx_.operation([&]() -> Stored<std::vector<std::string>> {
    // From one to the next, by the key: people are many, platforms few.
    std::vector<std::string> all;
    std::string last;
    for (;;) {
      std::string next;
      tx_.statements_.one("SELECT COALESCE(min(transport), '') FROM broadcast_people WHERE broadcast = ? AND transport > ?",
                          std::tie(next), id, last);
      if (next.empty()) return all;
      all.push_back(next);
      last = next;
    }
  });
}

Stored<std::vector<BroadcastStore::Person>> SqlBroadcasts::next_people(std::int64_t id, std::string_view transport,
                                                                       std::int64_t most) {
  return tx_.operation([&]() -> Stored<std::vector<Person>> {
    std::vector<Person> people;
    Person one;
    tx_.statements_.each(
        R"(SELECT d.id, d.bot, d.transport, d.chat, d.user_id FROM broadcast_people AS p JOIN dialogs AS d ON d.id = p.dialog
           WHERE p.broadcast = ? AND p.transport = ? ORDER BY p.dialog LIMIT ?)",
        std::tie(one.dialog_id, one.key.bot, one.key.chat.transport, one.key.chat.chat_id, one.key.user_id),
        [&] { people.push_back(one); }, id, transport, most);
    return people;
  });
}

Stored<Done> SqlBroadcasts::drop_people(std::int64_t id, std::string_view transport, std::int64_t through_dialog) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run("DELETE FROM broadcast_people WHERE broadcast = ? AND transport = ? AND dialog <= ?", id, transport,
                        through_dialog);
    return Done{};
  });
}

Stored<Done> SqlBroadcasts::drop_all_people(std::int64_t id) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run("DELETE FROM broadcast_people WHERE broadcast = ?", id);
    return Done{};
  });
}

Stored<bool> SqlBroadcasts::is_under_way(std::string_view bot, std::int64_t id) {
  return tx_.operation([&]() -> Stored<bool> {
    tx_.write_out();
    std::int64_t events = 0, messages = 0;
    const std::string beginning = "broadcast:" + std::to_string(id) + ":";
    const auto length = static_cast<std::int64_t>(beginning.size());
    tx_.statements_.one("SELECT count(*) FROM inbox WHERE bot = ? AND substr(event_id, 1, CAST(? AS INTEGER)) = ?",
                        std::tie(events), bot, length, beginning);
    if (events > 0) return true;
    tx_.statements_.one("SELECT count(*) FROM outbox WHERE bot = ? AND broadcast IN (?, ?) AND state NOT IN (?, ?)",
                        std::tie(messages), bot, id, -id, OutboxRow::State::Unknown, OutboxRow::State::Dead);
    return messages > 0;
  });
}

}  // namespace sufler::storage

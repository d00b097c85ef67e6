#include "storage/portable_transaction.h"

#include <utility>

#include "storage/scenario_tables.h"

namespace sufler::storage {
namespace {

using soci::into;
using soci::use;

// How long a claimed event is remembered: platforms repeat theirs for a day at most.
constexpr std::int64_t kRememberMs = std::int64_t{7} * 24 * 3600 * 1000;
// The old ones go in small bites, so that no turn waits for them.
constexpr std::int64_t kClaimsBetweenBites = 500;
constexpr std::int64_t kBite = 1000;

/// SOCI binds std::string only, and by reference: a prepared statement needs one that outlives it.
std::string text(std::string_view view) { return std::string(view); }
std::int64_t at_most(std::size_t limit) {
  return static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX));
}

}  // namespace

std::string files_to_text(const std::vector<FilePart>& files) {
  if (files.empty()) return {};
  List parts;
  for (const FilePart& part : files) {
    ValueMap map;
    map.set("field", part.field);
    map.set("file", part.file);
    parts.emplace_back(std::move(map));
  }
  return to_json(Value(std::move(parts)));
}

bool files_from_text(std::string_view text, std::vector<FilePart>& files) {
  if (text.empty()) return true;
  Value value;
  if (!from_json(text, value) || !value.list()) return false;
  for (const Value& part : *value.list()) {
    const ValueMap* const map = part.map();
    const Value* const field = map ? map->find("field") : nullptr;
    const Value* const file = map ? map->find("file") : nullptr;
    if (!field || !field->text() || !file || !file->file()) return false;
    files.push_back({*field->text(), *file->file()});
  }
  return true;
}

PortableTransaction::PortableTransaction(soci::session& sql, const Dialect& dialect)
    : sql_(sql),
      dialect_(dialect),
      inbox_ids_("inbox", dialect.id_block),
      outbox_ids_("outbox", dialect.id_block),
      journal_ids_("journal", dialect.id_block) {}

void PortableTransaction::begin() {
  failure_.reset();
  (void)operation([&]() -> Stored<Done> {
    sql_ << text(dialect_.begin_write);
    return Done{};
  });
}

Stored<Done> PortableTransaction::commit() {
  return operation([&]() -> Stored<Done> {
    sql_ << "COMMIT";
    return Done{};
  });
}

void PortableTransaction::roll_back() {
  // Some failures have ended the transaction already, then there is nothing to roll back.
  (void)guarded(&sql_, [&]() -> Stored<Done> {
    sql_ << "ROLLBACK";
    return Done{};
  });
  inbox_ids_.roll_back();
  outbox_ids_.roll_back();
  journal_ids_.roll_back();
}

// ---- dialogs

Stored<DialogRow> PortableTransaction::load_dialog(const DialogKey& key) {
  return operation([&]() -> Stored<DialogRow> {
    DialogRow row;
    sql_ << "SELECT id, user_row, place, state FROM dialogs WHERE user_id = :user AND chat = :chat "
            "AND "
            "transport = :transport AND bot = :bot",
        use(key.user_id), use(key.chat.chat_id), use(key.chat.transport), use(key.bot),
        into(row.id), into(row.user_row), into(row.place), into(row.state);
    sql_ << "SELECT id, record FROM users WHERE user_id = :user AND transport = :transport AND bot "
            "= :bot",
        use(key.user_id), use(key.chat.transport), use(key.bot), into(row.user_row), into(row.user);
    return row;
  });
}

Stored<std::optional<DialogKey>> PortableTransaction::find_dialog(std::int64_t dialog_id) {
  return operation([&]() -> Stored<std::optional<DialogKey>> {
    DialogKey key;
    sql_ << "SELECT bot, transport, chat, user_id FROM dialogs WHERE id = :id", use(dialog_id),
        into(key.bot), into(key.chat.transport), into(key.chat.chat_id), into(key.user_id);
    if (!sql_.got_data()) return std::optional<DialogKey>();
    return std::optional(std::move(key));
  });
}

Stored<Done> PortableTransaction::save_dialog(const DialogKey& key, DialogRow& row,
                                              bool user_changed, Moment at) {
  return operation([&]() -> Stored<Done> {
    if (user_changed) {
      sql_
          << "INSERT INTO users (bot, transport, user_id, record) VALUES (:bot, :transport, :user, "
             ":record) ON CONFLICT (user_id, transport, bot) DO UPDATE SET record = "
             "excluded.record "
             "RETURNING id",
          use(key.bot), use(key.chat.transport), use(key.user_id), use(row.user),
          into(row.user_row);
    }
    sql_ << "INSERT INTO dialogs (bot, transport, chat, user_id, user_row, changed_at_unix_ms, "
            "place, "
            "state) VALUES (:bot, :transport, :chat, :user, :user_row, :at, :place, :state) "
            "ON CONFLICT (user_id, chat, transport, bot) DO UPDATE SET user_row = "
            "excluded.user_row, "
            "changed_at_unix_ms = excluded.changed_at_unix_ms, place = excluded.place, "
            "state = excluded.state RETURNING id",
        use(key.bot), use(key.chat.transport), use(key.chat.chat_id), use(key.user_id),
        use(row.user_row), use(at.unix_ms), use(row.place), use(row.state), into(row.id);
    return Done{};
  });
}

// ---- events that came

Stored<bool> PortableTransaction::claim_event(std::string_view bot, std::string_view transport,
                                              std::string_view event_id, Moment at) {
  return operation([&]() -> Stored<bool> {
    std::int64_t id = 0;
    sql_ << "INSERT INTO seen_events (bot, transport, event_id, at_unix_ms) VALUES (:bot, "
            ":transport, "
            ":event, :at) ON CONFLICT (event_id, transport, bot) DO NOTHING RETURNING id",
        use(text(bot)), use(text(transport)), use(text(event_id)), use(at.unix_ms), into(id);
    if (++claims_ % kClaimsBetweenBites == 0) {
      sql_ << "DELETE FROM seen_events WHERE id IN (SELECT id FROM (SELECT id, at_unix_ms FROM "
              "seen_events ORDER BY id LIMIT :bite) AS oldest WHERE at_unix_ms < :before)",
          use(kBite), use(at.unix_ms - kRememberMs);
    }
    return id != 0;
  });
}

Stored<std::string> PortableTransaction::position(std::string_view bot,
                                                  std::string_view transport) {
  return operation([&]() -> Stored<std::string> {
    std::string position;
    sql_ << "SELECT position FROM positions WHERE bot = :bot AND transport = :transport",
        use(text(bot)), use(text(transport)), into(position);
    return position;
  });
}

Stored<Done> PortableTransaction::set_position(std::string_view bot, std::string_view transport,
                                               std::string_view position, Moment at) {
  return operation([&]() -> Stored<Done> {
    sql_
        << "INSERT INTO positions (bot, transport, position, at_unix_ms) VALUES (:bot, :transport, "
           ":position, :at) ON CONFLICT (bot, transport) DO UPDATE SET position = "
           "excluded.position, "
           "at_unix_ms = excluded.at_unix_ms",
        use(text(bot)), use(text(transport)), use(text(position)), use(at.unix_ms);
    return Done{};
  });
}

Stored<Done> PortableTransaction::put_inbox(InboxRow& row) {
  return operation([&]() -> Stored<Done> {
    const std::int64_t id = inbox_ids_.take(sql_);
    std::int64_t stored = 0;
    sql_ << "INSERT INTO inbox (id, bot, transport, event_id, attempts, incoming) VALUES (:id, "
            ":bot, "
            ":transport, :event, :attempts, :incoming) ON CONFLICT (event_id, transport, bot) DO "
            "NOTHING "
            "RETURNING id",
        use(id), use(row.bot), use(row.transport), use(row.event_id),
        use(std::int64_t{row.attempts}), use(row.incoming), into(stored);
    row.id = stored;
    return Done{};
  });
}

Stored<std::vector<InboxRow>> PortableTransaction::inbox(std::string_view bot, std::size_t limit) {
  return operation([&]() -> Stored<std::vector<InboxRow>> {
    std::vector<InboxRow> rows;
    InboxRow row;
    std::int64_t attempts = 0;
    const std::string bot_name(bot);
    const std::int64_t most = at_most(limit);
    soci::statement query =
        (sql_.prepare << "SELECT id, bot, transport, event_id, attempts, incoming FROM inbox WHERE "
                         "bot = :bot ORDER BY id LIMIT :limit",
         use(bot_name), use(most), into(row.id), into(row.bot), into(row.transport),
         into(row.event_id), into(attempts), into(row.incoming));
    query.execute();
    while (query.fetch()) {
      row.attempts = static_cast<std::uint32_t>(attempts);
      rows.push_back(row);
    }
    return rows;
  });
}

Stored<std::uint32_t> PortableTransaction::count_attempt(std::int64_t inbox_id) {
  return operation([&]() -> Stored<std::uint32_t> {
    std::int64_t attempts = 0;
    sql_ << "UPDATE inbox SET attempts = attempts + 1 WHERE id = :id RETURNING attempts",
        use(inbox_id), into(attempts);
    return static_cast<std::uint32_t>(attempts);
  });
}

Stored<Done> PortableTransaction::drop_inbox(std::int64_t inbox_id) {
  return operation([&]() -> Stored<Done> {
    sql_ << "DELETE FROM inbox WHERE id = :id", use(inbox_id);
    return Done{};
  });
}

// ---- what is to be sent

Stored<std::int64_t> PortableTransaction::enqueue(const OutboxRow& row, Moment at) {
  return operation([&]() -> Stored<std::int64_t> {
    const std::int64_t id = outbox_ids_.take(sql_);
    sql_ << "INSERT INTO outbox (id, bot, transport, chat, dialog_id, created_at_unix_ms, state, "
            "attempts, "
            "resend, ordered, expendable, hold_ms, method, body, files, reason) VALUES (:id, :bot, "
            ":transport, :chat, :dialog, :at, :state, :attempts, :resend, :ordered, :expendable, "
            ":hold, "
            ":method, :body, :files, '')",
        use(id), use(row.bot), use(row.chat.transport), use(row.chat.chat_id), use(row.dialog_id),
        use(at.unix_ms), use(static_cast<int>(row.state)), use(std::int64_t{row.attempts}),
        use(static_cast<int>(row.resend)), use(static_cast<int>(row.call.ordered)),
        use(static_cast<int>(row.call.expendable)), use(row.call.hold.ms), use(row.call.method),
        use(row.call.body), use(files_to_text(row.call.files));
    return id;
  });
}

Stored<std::vector<OutboxRow>> PortableTransaction::outbox(std::string_view bot,
                                                           std::int64_t after_id,
                                                           std::size_t limit) {
  return operation([&]() -> Stored<std::vector<OutboxRow>> {
    std::vector<OutboxRow> rows;
    OutboxRow row;
    std::int64_t attempts = 0;
    int state = 0;
    int resend = 0;
    int ordered = 0;
    int expendable = 0;
    std::string files;
    const std::string bot_name(bot);
    const int dead = static_cast<int>(OutboxRow::State::Dead);
    const std::int64_t most = at_most(limit);
    soci::statement query =
        (sql_.prepare
             << "SELECT id, bot, transport, chat, dialog_id, state, attempts, resend, ordered, "
                "expendable, hold_ms, method, body, files FROM outbox WHERE id > :after AND "
                "bot = :bot AND state <> :dead ORDER BY id LIMIT :limit",
         use(after_id), use(bot_name), use(dead), use(most), into(row.id), into(row.bot),
         into(row.chat.transport), into(row.chat.chat_id), into(row.dialog_id), into(state),
         into(attempts), into(resend), into(ordered), into(expendable), into(row.call.hold.ms),
         into(row.call.method), into(row.call.body), into(files));
    query.execute();
    while (query.fetch()) {
      row.state = static_cast<OutboxRow::State>(state);
      row.attempts = static_cast<std::uint32_t>(attempts);
      row.resend = static_cast<ResendPolicy>(resend);
      row.call.ordered = ordered != 0;
      row.call.expendable = expendable != 0;
      row.call.files.clear();
      if (!files_from_text(files, row.call.files)) {
        return Error{
            StorageError{StorageError::Kind::Corrupt,
                         "outbox row " + std::to_string(row.id) + " has unreadable files"}};
      }
      rows.push_back(row);
    }
    return rows;
  });
}

Stored<Done> PortableTransaction::mark_outbox(std::int64_t id, OutboxRow::State state,
                                              std::uint32_t attempts, std::string_view reason) {
  return operation([&]() -> Stored<Done> {
    sql_ << "UPDATE outbox SET state = :state, attempts = :attempts, reason = :reason WHERE id = "
            ":id",
        use(static_cast<int>(state)), use(std::int64_t{attempts}), use(text(reason)), use(id);
    return Done{};
  });
}

Stored<Done> PortableTransaction::drop_outbox(std::int64_t id) {
  return operation([&]() -> Stored<Done> {
    sql_ << "DELETE FROM outbox WHERE id = :id", use(id);
    return Done{};
  });
}

// ---- timers

Stored<Done> PortableTransaction::set_timer(std::int64_t dialog_id, const SetTimer& timer) {
  return operation([&]() -> Stored<Done> {
    sql_ << "INSERT INTO timers (dialog_id, name, bot, due_at_unix_ms, serial) SELECT id, :name, "
            "bot, "
            ":due, :serial FROM dialogs WHERE id = :dialog ON CONFLICT (dialog_id, name) DO UPDATE "
            "SET "
            "due_at_unix_ms = excluded.due_at_unix_ms, serial = excluded.serial",
        use(timer.name), use(timer.due.unix_ms), use(static_cast<std::int64_t>(timer.serial)),
        use(dialog_id);
    return Done{};
  });
}

Stored<Done> PortableTransaction::cancel_timer(std::int64_t dialog_id, std::string_view name) {
  return operation([&]() -> Stored<Done> {
    sql_ << "DELETE FROM timers WHERE dialog_id = :dialog AND name = :name", use(dialog_id),
        use(text(name));
    return Done{};
  });
}

Stored<std::vector<TimerRow>> PortableTransaction::due_timers(std::string_view bot, Moment now,
                                                              std::size_t limit) {
  return operation([&]() -> Stored<std::vector<TimerRow>> {
    std::vector<TimerRow> rows;
    TimerRow row;
    std::int64_t serial = 0;
    const std::string bot_name(bot);
    const std::int64_t most = at_most(limit);
    soci::statement query =
        (sql_.prepare
             << "SELECT t.dialog_id, t.name, t.due_at_unix_ms, t.serial, d.bot, d.transport, "
                "d.chat, d.user_id FROM timers AS t JOIN dialogs AS d ON d.id = t.dialog_id "
                "WHERE t.bot = :bot AND t.due_at_unix_ms <= :now "
                "ORDER BY t.due_at_unix_ms, t.dialog_id, t.name LIMIT :limit",
         use(bot_name), use(now.unix_ms), use(most), into(row.dialog_id), into(row.name),
         into(row.due.unix_ms), into(serial), into(row.key.bot), into(row.key.chat.transport),
         into(row.key.chat.chat_id), into(row.key.user_id));
    query.execute();
    while (query.fetch()) {
      row.serial = static_cast<std::uint64_t>(serial);
      rows.push_back(row);
    }
    return rows;
  });
}

Stored<std::optional<Moment>> PortableTransaction::next_timer(std::string_view bot) {
  return operation([&]() -> Stored<std::optional<Moment>> {
    Moment due;
    soci::indicator found = soci::i_null;
    sql_ << "SELECT min(due_at_unix_ms) FROM timers WHERE bot = :bot", use(text(bot)),
        into(due.unix_ms, found);
    if (found != soci::i_ok) return std::optional<Moment>();
    return std::optional(due);
  });
}

// ---- what is kept for people

Stored<Done> PortableTransaction::append_journal(const JournalRow& row) {
  return operation([&]() -> Stored<Done> {
    const std::int64_t id = journal_ids_.take(sql_);
    sql_ << "INSERT INTO journal (id, dialog_id, at_unix_ms, event_id, version, event, turn) "
            "VALUES (:id, "
            ":dialog, :at, :event_id, :version, :event, :turn)",
        use(id), use(row.dialog_id), use(row.at.unix_ms), use(row.event_id),
        use(row.version), use(row.event), use(row.turn);
    return Done{};
  });
}

Stored<std::vector<JournalRow>> PortableTransaction::journal(std::int64_t dialog_id,
                                                             std::size_t limit) {
  return operation([&]() -> Stored<std::vector<JournalRow>> {
    std::vector<JournalRow> rows;
    JournalRow row;
    row.dialog_id = dialog_id;
    const std::int64_t most = at_most(limit);
    soci::statement query =
        (sql_.prepare
             << "SELECT at_unix_ms, event_id, version, event, turn FROM (SELECT * FROM journal "
                "WHERE dialog_id = :dialog ORDER BY id DESC LIMIT :limit) AS newest ORDER BY id",
         use(dialog_id), use(most), into(row.at.unix_ms), into(row.event_id), into(row.version),
         into(row.event), into(row.turn));
    query.execute();
    while (query.fetch()) rows.push_back(row);
    return rows;
  });
}

Stored<Done> PortableTransaction::count_track(std::string_view bot, std::int64_t dialog_id,
                                              std::string_view name, Moment at) {
  return operation([&]() -> Stored<Done> {
    sql_ << "INSERT INTO track_events (bot, dialog_id, name, at_unix_ms) VALUES (:bot, :dialog, "
            ":name, :at)",
        use(text(bot)), use(dialog_id), use(text(name)), use(at.unix_ms);
    return Done{};
  });
}

Stored<Done> PortableTransaction::bury(const DeadLetter& letter) {
  return operation([&]() -> Stored<Done> {
    sql_ << "INSERT INTO dead_letters (bot, kind, at_unix_ms, reason, subject) VALUES (:bot, "
            ":kind, :at, "
            ":reason, :subject)",
        use(letter.bot), use(letter.kind), use(letter.at.unix_ms), use(letter.reason),
        use(letter.subject);
    return Done{};
  });
}

Stored<std::vector<DeadLetter>> PortableTransaction::dead_letters(std::string_view bot,
                                                                  std::size_t limit) {
  return operation([&]() -> Stored<std::vector<DeadLetter>> {
    std::vector<DeadLetter> letters;
    DeadLetter letter;
    const std::string bot_name(bot);
    const std::int64_t most = at_most(limit);
    soci::statement query =
        (sql_.prepare
             << "SELECT id, bot, kind, at_unix_ms, reason, subject FROM dead_letters WHERE "
                "bot = :bot ORDER BY id DESC LIMIT :limit",
         use(bot_name), use(most), into(letter.id), into(letter.bot), into(letter.kind),
         into(letter.at.unix_ms), into(letter.reason), into(letter.subject));
    query.execute();
    while (query.fetch()) letters.push_back(letter);
    return letters;
  });
}

Stored<ValueMap> PortableTransaction::load_shared(std::string_view bot) {
  return operation([&]() -> Stored<ValueMap> {
    ValueMap shared;
    std::string name;
    std::string json;
    const std::string bot_name(bot);
    soci::statement query =
        (sql_.prepare << "SELECT name, value FROM shared_values WHERE bot = :bot ORDER BY name",
         use(bot_name), into(name), into(json));
    query.execute();
    while (query.fetch()) {
      Value value;
      if (!from_json(json, value)) {
        return Error{
            StorageError{StorageError::Kind::Corrupt, "`shared." + name + "` is unreadable"}};
      }
      shared.set(name, std::move(value));
    }
    return shared;
  });
}

Stored<Done> PortableTransaction::set_shared(std::string_view bot, std::string_view name,
                                             const Value& value) {
  return operation([&]() -> Stored<Done> {
    if (value.is_null()) {
      sql_ << "DELETE FROM shared_values WHERE bot = :bot AND name = :name", use(text(bot)),
          use(text(name));
    } else {
      sql_ << "INSERT INTO shared_values (bot, name, value) VALUES (:bot, :name, :value) ON "
              "CONFLICT "
              "(bot, name) DO UPDATE SET value = excluded.value",
          use(text(bot)), use(text(name)), use(to_json(value));
    }
    return Done{};
  });
}

Stored<Done> PortableTransaction::add_version(std::string_view bot, std::string_view version,
                                              std::string_view scenario, Moment at) {
  return operation([&]() -> Stored<Done> {
    sql_ << "INSERT INTO scenario_versions (bot, version, at_unix_ms, scenario) VALUES (:bot, "
            ":version, "
            ":at, :scenario) ON CONFLICT (bot, version) DO NOTHING",
        use(text(bot)), use(text(version)), use(at.unix_ms), use(text(scenario));
    return Done{};
  });
}

// ---- the scenario's tables

Stored<ValueMap> PortableTransaction::insert_row(const Table& table, const ValueMap& values,
                                                 const Owner& owner, Moment at) {
  return operation([&] { return ScenarioTables(sql_, dialect_).insert(table, values, owner, at); });
}
Stored<List> PortableTransaction::find_rows(const Table& table, const FindRows& find) {
  return operation([&] { return ScenarioTables(sql_, dialect_).find(table, find); });
}
Stored<std::int64_t> PortableTransaction::count_rows(const Table& table,
                                                     const std::vector<Condition>& conditions) {
  return operation([&] { return ScenarioTables(sql_, dialect_).count(table, conditions); });
}
Stored<std::int64_t> PortableTransaction::update_row(const Table& table, std::int64_t id,
                                                     const ValueMap& values) {
  return operation([&] { return ScenarioTables(sql_, dialect_).update(table, id, values); });
}
Stored<std::int64_t> PortableTransaction::delete_row(const Table& table, std::int64_t id) {
  return operation([&] { return ScenarioTables(sql_, dialect_).remove(table, id); });
}

}  // namespace sufler::storage

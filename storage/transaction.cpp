#include "storage/transaction.h"

#include <soci/soci.h>

#include <algorithm>
#include <array>
#include <utility>

#include "interpreter/core/fnv.h"
#include "storage/scenario_tables.h"
#include "storage/sql_desk.h"
#include "storage/sql_housekeeping.h"
#include "storage/sql_jobs.h"
#include "storage/sql_broadcasts.h"
#include "storage/sql_reports.h"
#include "storage/sql_schedules.h"
#include "storage/sql_knowledge.h"
#include "storage/sql_versions.h"

namespace sufler::storage {
namespace {

// How long a claimed event is remembered: platforms repeat theirs for a day at most.
constexpr std::int64_t kRememberMs = std::int64_t{7} * 24 * 3600 * 1000;
// The old ones go in small bites, so that no turn waits for them.
constexpr std::int64_t kClaimsBetweenBites = 500;
constexpr std::int64_t kBite = 2000;

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

std::int64_t person_number(std::string_view bot, std::string_view transport, std::string_view user_id) {
  Fnv1a hash;  // it is in databases
  for (const std::string_view part : {bot, transport, user_id}) hash.bytes(part).number(0);
  return static_cast<std::int64_t>(hash.value());
}

SqlTransaction::SqlTransaction(soci::session& sql, const Dialect& dialect, Statements::Prepare prepare)
    : sql_(sql),
      dialect_(dialect),
      statements_(prepare),
      kept_(std::move(prepare)),
      inbox_ids_("inbox", dialect),
      outbox_ids_("outbox", dialect),
      journal_ids_("journal", dialect),
      housekeeping_(std::make_unique<SqlHousekeeping>(*this)),
      desk_(std::make_unique<SqlDesk>(*this)),
      jobs_(std::make_unique<SqlJobs>(*this)),
      reports_(std::make_unique<SqlReports>(*this)),
      schedules_(std::make_unique<SqlSchedules>(*this)),
      broadcasts_(std::make_unique<SqlBroadcasts>(*this)),
      versions_(std::make_unique<SqlVersions>(*this)),
      knowledge_(std::make_unique<SqlKnowledge>(*this)) {}
SqlTransaction::~SqlTransaction() = default;

DeskStore& SqlTransaction::desk() { return *desk_; }
JobStore& SqlTransaction::jobs() { return *jobs_; }
ReportStore& SqlTransaction::reports() { return *reports_; }
ScheduleStore& SqlTransaction::schedules() { return *schedules_; }
BroadcastStore& SqlTransaction::broadcasts() { return *broadcasts_; }
KnowledgeStore& SqlTransaction::knowledge() { return *knowledge_; }
VersionStore& SqlTransaction::versions() { return *versions_; }
Housekeeping& SqlTransaction::housekeeping() { return *housekeeping_; }

Stored<Done> SqlTransaction::begin() {
  failure_.reset();
  lines_.clear();
  dropped_.clear();
  desk_->begin();
  return operation([&]() -> Stored<Done> {
    statements_.run(only_reads ? "BEGIN" : dialect_.begin_write);
    return Done{};
  });
}

Stored<Done> SqlTransaction::commit() {
  return operation([&]() -> Stored<Done> {
    write_out();
    correct_lines();
    statements_.run("COMMIT");
    inbox_ids_.drop_rest();
    outbox_ids_.drop_rest();
    journal_ids_.drop_rest();
    return Done{};
  });
}

void SqlTransaction::write_out() { delete_dropped(); }

void SqlTransaction::lock_desk(std::string_view, std::string_view) {}

void SqlTransaction::roll_back() {
  // Some failures have ended the transaction already, then there is nothing to roll back.
  (void)guarded(&sql_, [&]() -> Stored<Done> {
    statements_.run("ROLLBACK");
    return Done{};
  });
  inbox_ids_.roll_back();
  outbox_ids_.roll_back();
  journal_ids_.roll_back();
}

// ---- dialogs

Stored<DialogRow> SqlTransaction::load_dialog(const DialogKey& key) {
  return operation([&]() -> Stored<DialogRow> {
    DialogRow row;
    Lines lines;
    const bool whole = statements_.one(
        R"(SELECT d.id, d.last_line, d.place, d.state, d.generation, d.pinned, d.pinned_at_unix_ms, u.id, u.record
           FROM dialogs AS d JOIN users AS u ON u.id = d.user_row
           WHERE d.user_id = ? AND d.chat = ? AND d.transport = ? AND d.bot = ?)",
        std::tie(row.id, lines.newest, row.place, row.state, row.generation, row.pinned, row.pinned_at.unix_ms,
                 row.user_row, row.user),
        key.user_id, key.chat.chat_id, key.chat.transport, key.bot);
    if (!whole) {  // a dialog that knows of no person yet, or a person who comes into a new chat
      statements_.one(
          R"(SELECT id, last_line, place, state, generation, pinned, pinned_at_unix_ms FROM dialogs
             WHERE user_id = ? AND chat = ? AND transport = ? AND bot = ?)",
          std::tie(row.id, lines.newest, row.place, row.state, row.generation, row.pinned, row.pinned_at.unix_ms),
          key.user_id, key.chat.chat_id,
          key.chat.transport, key.bot);
      statements_.one(
          "SELECT id, record FROM users WHERE user_id = ? AND transport = ? AND bot = ?",
          std::tie(row.user_row, row.user), key.user_id, key.chat.transport, key.bot);
    }
    if (row.id != 0) lines_.try_emplace(row.id, lines);
    return row;
  });
}

Stored<std::optional<DialogKey>> SqlTransaction::find_dialog(std::int64_t dialog_id) {
  return operation([&]() -> Stored<std::optional<DialogKey>> {
    DialogKey key;
    if (!statements_.one("SELECT bot, transport, chat, user_id FROM dialogs WHERE id = ?",
                         std::tie(key.bot, key.chat.transport, key.chat.chat_id, key.user_id),
                         dialog_id)) {
      return std::optional<DialogKey>();
    }
    return std::optional(std::move(key));
  });
}

Stored<Done> SqlTransaction::save_dialog(const DialogKey& key, DialogRow& row, bool user_changed,
                                         Moment at) {
  return operation([&]() -> Stored<Done> {
    if (user_changed &&
        (row.user_row == 0 || statements_.run("UPDATE users SET record = ? WHERE id = ?", row.user,
                                              row.user_row) == 0)) {
      statements_.one(
          R"(INSERT INTO users (bot, transport, user_id, record) VALUES (?, ?, ?, ?) ON CONFLICT
             (user_id, transport, bot) DO UPDATE SET record = excluded.record RETURNING id)",
          std::tie(row.user_row), key.bot, key.chat.transport, key.user_id, row.user);
    }
    if (row.id != 0) {
      Lines& lines = lines_of(row.id);
      if (lines.promised == 0) lines.promised = journal_ids_.take(statements_);
      if (statements_.run(R"(UPDATE dialogs SET user_row = ?, last_line = ?, changed_at_unix_ms = ?,
                             place = ?, state = ?, generation = ?, pinned = ?, pinned_at_unix_ms = ?
                             WHERE id = ?)",
                          row.user_row, lines.promised, at.unix_ms, row.place, row.state, row.generation,
                          row.pinned, row.pinned_at.unix_ms, row.id) != 0) {
        return Done{};
      }
      lines_.erase(row.id);  // the dialog was erased meanwhile: begin anew
    }
    const std::int64_t promised = journal_ids_.take(statements_);
    std::int64_t last_line = 0;
    statements_.one(
        R"(INSERT INTO dialogs (bot, transport, chat, user_id, user_row, last_line, changed_at_unix_ms,
                                place, state, generation, pinned, pinned_at_unix_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (user_id, chat, transport, bot) DO UPDATE SET
             user_row = excluded.user_row, changed_at_unix_ms = excluded.changed_at_unix_ms,
             place = excluded.place, state = excluded.state, generation = excluded.generation,
             pinned = excluded.pinned, pinned_at_unix_ms = excluded.pinned_at_unix_ms
           RETURNING id, last_line)",
        std::tie(row.id, last_line), key.bot, key.chat.transport, key.chat.chat_id, key.user_id,
        row.user_row, promised, at.unix_ms, row.place, row.state, row.generation, row.pinned,
        row.pinned_at.unix_ms);
    if (last_line == promised) lines_[row.id] = {.newest = 0, .promised = promised};
    return Done{};
  });
}

// ---- events that came

Stored<bool> SqlTransaction::claim_event(std::string_view bot, std::string_view transport,
                                         std::string_view event_id, Moment at) {
  return operation([&]() -> Stored<bool> {
    const bool fresh = statements_.run(
                           R"(INSERT INTO seen_events (bot, transport, event_id, at_unix_ms)
                              VALUES (?, ?, ?, ?) ON CONFLICT (event_id, transport, bot) DO
                              NOTHING)",
                           bot, transport, event_id, at.unix_ms) != 0;
    ++claims_;
    forget_old_claims(at);
    return fresh;
  });
}

void SqlTransaction::forget_old_claims(Moment at) {
  if (claims_ < kClaimsBetweenBites) return;
  claims_ = 0;
  // The table has no order by age: it is gone through by its key, a bite at a time, again and again.
  std::vector<std::array<std::string, 3>> old;
  std::array<std::string, 3> key;
  std::int64_t seen_at = 0;
  std::int64_t count = 0;
  statements_.each(
      R"(SELECT event_id, transport, bot, at_unix_ms FROM seen_events WHERE (event_id, transport, bot) >
         (?, ?, ?) ORDER BY event_id, transport, bot LIMIT ?)",
      std::tie(key[0], key[1], key[2], seen_at),
      [&] {
        ++count;
        if (seen_at < at.unix_ms - kRememberMs) old.push_back(key);
      },
      looked_at_[0], looked_at_[1], looked_at_[2], kBite);
  looked_at_ = count < kBite ? std::array<std::string, 3>() : key;
  for (const auto& one : old) {
    statements_.run("DELETE FROM seen_events WHERE event_id = ? AND transport = ? AND bot = ?", one[0], one[1],
                    one[2]);
  }
}

Stored<std::string> SqlTransaction::position(std::string_view bot, std::string_view transport) {
  return operation([&]() -> Stored<std::string> {
    std::string position;
    statements_.one("SELECT position FROM positions WHERE bot = ? AND transport = ?",
                    std::tie(position), bot, transport);
    return position;
  });
}

Stored<Done> SqlTransaction::set_position(std::string_view bot, std::string_view transport,
                                          std::string_view position, Moment at) {
  return operation([&]() -> Stored<Done> {
    statements_.run(
        R"(INSERT INTO positions (bot, transport, position, at_unix_ms) VALUES (?, ?, ?, ?) ON
           CONFLICT (bot, transport) DO UPDATE SET position = excluded.position, at_unix_ms =
           excluded.at_unix_ms)",
        bot, transport, position, at.unix_ms);
    return Done{};
  });
}

Stored<Done> SqlTransaction::put_inbox(InboxRow& row) {
  return operation([&]() -> Stored<Done> {
    const std::int64_t id = inbox_ids_.take(statements_);
    const bool fresh =
        statements_.run(
            R"(INSERT INTO inbox (id, bot, transport, event_id, attempts, person, incoming) VALUES (?,
               ?, ?, ?, ?, ?, ?) ON CONFLICT (event_id, transport, bot) DO NOTHING)",
            id, row.bot, row.transport, row.event_id, row.attempts,
            person_number(row.bot, row.transport, row.user_id), row.incoming) != 0;
    row.id = fresh ? id : 0;
    return Done{};
  });
}

Stored<Done> SqlTransaction::put_inbox(std::vector<InboxRow> rows, bool claim, Moment at) {
  for (InboxRow& row : rows) {
    if (claim) {
      const Stored<bool> fresh = claim_event(row.bot, row.transport, row.event_id, at);
      if (!fresh) return Error{fresh.error()};
      if (!*fresh) continue;
    }
    if (auto put = put_inbox(row); !put) return put;
  }
  return Done{};
}

Stored<std::vector<InboxRow>> SqlTransaction::claim_inbox(const std::vector<std::string>& bots,
                                                          std::size_t persons, std::size_t of_each,
                                                          std::size_t events) {
  return operation([&]() -> Stored<std::vector<InboxRow>> {
    std::vector<InboxRow> rows;
    InboxRow row;
    std::unordered_map<std::int64_t, std::size_t> taken;
    // One process has the database to itself: there is nobody to keep away.
    for (const std::string& bot : bots) {
      statements_.each(
          R"(SELECT id, bot, transport, event_id, attempts, person, incoming FROM inbox WHERE bot = ?
             ORDER BY id)",
          std::tie(row.id, row.bot, row.transport, row.event_id, row.attempts, row.person, row.incoming),
          [&] {
            if (rows.size() >= events) return;
            if (taken.size() >= persons && !taken.contains(row.person)) return;
            if (taken[row.person]++ < of_each) rows.push_back(row);
          },
          bot);
    }
    std::sort(rows.begin(), rows.end(),
              [](const InboxRow& a, const InboxRow& b) { return a.id < b.id; });
    return rows;
  });
}

Stored<std::vector<InboxRow>> SqlTransaction::claim_people(const std::vector<std::int64_t>& persons,
                                                           std::size_t of_each, std::size_t events) {
  return operation([&]() -> Stored<std::vector<InboxRow>> {
    std::vector<InboxRow> rows;
    InboxRow row;
    for (const std::int64_t person : persons) {
      statements_.each(
          R"(SELECT id, bot, transport, event_id, attempts, person, incoming FROM inbox WHERE person = ?
             ORDER BY id LIMIT ?)",
          std::tie(row.id, row.bot, row.transport, row.event_id, row.attempts, row.person, row.incoming),
          [&] { rows.push_back(row); }, person, static_cast<std::int64_t>(of_each));
    }
    std::sort(rows.begin(), rows.end(),
              [](const InboxRow& a, const InboxRow& b) { return a.id < b.id; });
    if (rows.size() > events) rows.resize(events);
    return rows;
  });
}

Stored<std::optional<InboxRow>> SqlTransaction::claim_person(std::int64_t person) {
  return operation([&]() -> Stored<std::optional<InboxRow>> {
    InboxRow row;
    if (!statements_.one(
            R"(SELECT id, bot, transport, event_id, attempts, person, incoming FROM inbox WHERE person = ?
               ORDER BY id LIMIT 1)",
            std::tie(row.id, row.bot, row.transport, row.event_id, row.attempts, row.person, row.incoming),
            person)) {
      return std::optional<InboxRow>();
    }
    return std::optional(std::move(row));
  });
}

// One process has the database to itself.
Stored<Done> SqlTransaction::hold_person(std::string_view, std::string_view, std::string_view) { return Done{}; }
std::vector<bool> SqlTransaction::hold_if_free(const std::vector<DialogKey>& people) {
  return std::vector<bool>(people.size(), true);
}

Stored<Done> SqlTransaction::expect_dialogs(const std::vector<DialogKey>&) { return Done{}; }

Stored<std::vector<InboxRow>> SqlTransaction::inbox(std::string_view bot, std::size_t limit) {
  return operation([&]() -> Stored<std::vector<InboxRow>> {
    write_out();
    std::vector<InboxRow> rows;
    InboxRow row;
    statements_.each(
        R"(SELECT id, bot, transport, event_id, attempts, person, incoming FROM inbox WHERE bot = ?
           ORDER BY id LIMIT ?)",
        std::tie(row.id, row.bot, row.transport, row.event_id, row.attempts, row.person, row.incoming),
        [&] { rows.push_back(row); }, bot, at_most(limit));
    return rows;
  });
}

Stored<std::uint32_t> SqlTransaction::count_attempt(std::int64_t inbox_id) {
  return operation([&]() -> Stored<std::uint32_t> {
    std::uint32_t attempts = 0;
    statements_.one("UPDATE inbox SET attempts = attempts + 1 WHERE id = ? RETURNING attempts",
                    std::tie(attempts), inbox_id);
    return attempts;
  });
}

Stored<Done> SqlTransaction::drop_inbox(std::int64_t inbox_id) {
  return operation([&]() -> Stored<Done> {
    statements_.run("DELETE FROM inbox WHERE id = ?", inbox_id);
    return Done{};
  });
}

// ---- what is to be sent

Stored<std::int64_t> SqlTransaction::enqueue(const OutboxRow& row, Moment at) {
  return operation([&]() -> Stored<std::int64_t> {
    const std::int64_t id = outbox_ids_.take(statements_);
    const std::string files = files_to_text(row.call.files);
    statements_.run(
        R"(INSERT INTO outbox (id, bot, transport, chat, dialog_id, created_at_unix_ms, state,
           attempts, resend, ordered, expendable, hold_ms, method, body, files, repeat_key, notice,
           ticket_message, broadcast, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ''))",
        id, row.bot, row.chat.transport, row.chat.chat_id, row.dialog_id, at.unix_ms, row.state,
        row.attempts, row.resend, row.call.ordered, row.call.expendable, row.call.hold.ms,
        row.call.method, row.call.body, files, row.call.repeat_key, row.notice, row.ticket_message, row.broadcast);
    return id;
  });
}

Stored<std::vector<OutboxRow>> SqlTransaction::outbox(std::string_view bot, std::int64_t after_id,
                                                      std::size_t limit) {
  return operation([&]() -> Stored<std::vector<OutboxRow>> {
    write_out();
    std::vector<OutboxRow> rows;
    OutboxRow row;
    std::string files;
    statements_.each(
        R"(SELECT id, bot, transport, chat, dialog_id, state, attempts, resend, ordered,
           expendable, hold_ms, method, body, files, repeat_key, notice, ticket_message, broadcast FROM outbox WHERE id > ? AND
           bot = ? AND state <> ? ORDER BY id LIMIT ?)",
        std::tie(row.id, row.bot, row.chat.transport, row.chat.chat_id, row.dialog_id, row.state,
                 row.attempts, row.resend, row.call.ordered, row.call.expendable, row.call.hold.ms,
                 row.call.method, row.call.body, files, row.call.repeat_key,
                 row.notice, row.ticket_message, row.broadcast),
        [&] {
          row.call.files.clear();
          if (!files_from_text(files, row.call.files)) {
            throw Failure({StorageError::Kind::Corrupt,
                           "outbox row " + std::to_string(row.id) + " has unreadable files"});
          }
          rows.push_back(row);
        },
        after_id, bot, OutboxRow::State::Dead, at_most(limit));
    return rows;
  });
}

Stored<std::vector<Transaction::ClaimedRow>> SqlTransaction::claim_outbox(std::string_view bot, bool,
                                                                          std::size_t limit) {
  std::vector<ClaimedRow> claimed;
  Stored<std::vector<OutboxRow>> rows = outbox(bot, 0, limit);
  if (!rows) return Error{rows.error()};
  for (OutboxRow& row : *rows) claimed.push_back({std::move(row), true});
  return claimed;
}

Stored<std::vector<std::int64_t>> SqlTransaction::withdrawn(std::string_view) {
  return std::vector<std::int64_t>();
}

void SqlTransaction::withdraw(const std::vector<std::int64_t>& outbox_ids) {
  for (const std::int64_t id : outbox_ids) statements_.run("DELETE FROM outbox WHERE id = ?", id);
}

Stored<Done> SqlTransaction::mark_outbox(std::int64_t id, OutboxRow::State state,
                                         std::uint32_t attempts, std::string_view reason) {
  return operation([&]() -> Stored<Done> {
    write_out();
    statements_.run("UPDATE outbox SET state = ?, attempts = ?, reason = ? WHERE id = ?", state,
                    attempts, reason, id);
    return Done{};
  });
}

Stored<Done> SqlTransaction::drop_outbox(std::int64_t id) {
  dropped_.push_back(id);
  return Done{};
}

Stored<std::set<std::int64_t>> SqlTransaction::still_in_outbox(const std::vector<std::int64_t>& ids) {
  return operation([&]() -> Stored<std::set<std::int64_t>> {
    write_out();
    std::set<std::int64_t> found;
    std::int64_t id = 0;
    for (const std::int64_t one : ids)
      if (statements_.one("SELECT id FROM outbox WHERE id = ?", std::tie(id), one)) found.insert(id);
    return found;
  });
}

void SqlTransaction::delete_dropped() {
  std::sort(dropped_.begin(), dropped_.end());
  for (std::size_t first = 0; first < dropped_.size();) {
    std::size_t last = first;
    while (last + 1 < dropped_.size() && dropped_[last + 1] <= dropped_[last] + 1) ++last;
    statements_.run("DELETE FROM outbox WHERE id BETWEEN ? AND ?", dropped_[first], dropped_[last]);
    first = last + 1;
  }
  dropped_.clear();
}

Stored<Done> SqlTransaction::map_message(std::string_view bot, const ChatAddress& chat,
                                         std::string_view message_id, std::int64_t dialog_id,
                                         Moment at, std::int64_t ticket_message) {
  return operation([&]() -> Stored<Done> {
    statements_.run(
        R"(INSERT INTO messages_map (message_id, chat, transport, bot, dialog_id, at_unix_ms, ticket_message) VALUES
           (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message_id, chat, transport, bot) DO UPDATE SET
           dialog_id = excluded.dialog_id, at_unix_ms = excluded.at_unix_ms,
           ticket_message = excluded.ticket_message)",
        message_id, chat.chat_id, chat.transport, bot, dialog_id, at.unix_ms, ticket_message);
    return Done{};
  });
}

Stored<std::optional<std::int64_t>> SqlTransaction::dialog_of_message(std::string_view bot,
                                                                      const ChatAddress& chat,
                                                                      std::string_view message_id) {
  return operation([&]() -> Stored<std::optional<std::int64_t>> {
    std::int64_t dialog_id = 0;
    statements_.one(
        "SELECT dialog_id FROM messages_map WHERE message_id = ? AND chat = ? AND transport = ? AND bot = ?",
        std::tie(dialog_id), message_id, chat.chat_id, chat.transport, bot);
    return dialog_id == 0 ? std::optional<std::int64_t>() : dialog_id;
  });
}

// ---- timers

Stored<Done> SqlTransaction::set_timer(std::int64_t dialog_id, const SetTimer& timer) {
  return operation([&]() -> Stored<Done> {
    statements_.run(
        R"(INSERT INTO timers (dialog_id, name, bot, due_at_unix_ms, serial) SELECT id, ?, bot,
           ?, ? FROM dialogs WHERE id = ? ON CONFLICT (dialog_id, name) DO UPDATE SET
           due_at_unix_ms = excluded.due_at_unix_ms, serial = excluded.serial)",
        timer.name, timer.due.unix_ms, timer.serial, dialog_id);
    return Done{};
  });
}

Stored<Done> SqlTransaction::cancel_timer(std::int64_t dialog_id, std::string_view name) {
  return operation([&]() -> Stored<Done> {
    statements_.run("DELETE FROM timers WHERE dialog_id = ? AND name = ?", dialog_id, name);
    return Done{};
  });
}

Stored<std::vector<TimerRow>> SqlTransaction::due_timers(std::string_view bot, Moment now,
                                                         std::size_t limit) {
  return operation([&]() -> Stored<std::vector<TimerRow>> {
    std::vector<TimerRow> rows;
    TimerRow row;
    statements_.each(
        R"(SELECT t.dialog_id, t.name, t.due_at_unix_ms, t.serial, d.bot, d.transport, d.chat,
           d.user_id FROM timers AS t JOIN dialogs AS d ON d.id = t.dialog_id WHERE t.bot = ?
           AND t.due_at_unix_ms <= ? ORDER BY t.due_at_unix_ms, t.dialog_id, t.name LIMIT ?)",
        std::tie(row.dialog_id, row.name, row.due.unix_ms, row.serial, row.key.bot,
                 row.key.chat.transport, row.key.chat.chat_id, row.key.user_id),
        [&] { rows.push_back(row); }, bot, now.unix_ms, at_most(limit));
    return rows;
  });
}

Stored<std::optional<Moment>> SqlTransaction::next_timer(std::string_view bot) {
  return operation([&]() -> Stored<std::optional<Moment>> {
    std::optional<std::int64_t> due;
    statements_.one("SELECT min(due_at_unix_ms) FROM timers WHERE bot = ?", std::tie(due), bot);
    if (!due) return std::optional<Moment>();
    return std::optional(Moment{*due});
  });
}

Stored<std::size_t> SqlTransaction::claim_timers(
    const std::vector<std::string>& bots, Moment now, std::size_t limit,
    const std::function<InboxRow(const TimerRow&)>& event) {
  std::size_t count = 0;
  for (const std::string& bot : bots) {
    Stored<std::vector<TimerRow>> due = due_timers(bot, now, limit);
    if (!due) return Error{due.error()};
    for (const TimerRow& timer : *due) {
      InboxRow row = event(timer);
      if (auto put = put_inbox(row); !put) return Error{put.error()};
      if (auto gone = cancel_timer(timer.dialog_id, timer.name); !gone) return Error{gone.error()};
      ++count;
    }
  }
  return count;
}

// ---- what is kept for people

SqlTransaction::Lines& SqlTransaction::lines_of(std::int64_t dialog_id) {
  const auto [found, unknown] = lines_.try_emplace(dialog_id);
  if (unknown) {
    statements_.one("SELECT last_line FROM dialogs WHERE id = ?", std::tie(found->second.newest),
                    dialog_id);
  }
  return found->second;
}

void SqlTransaction::correct_lines() {
  for (const auto& [dialog_id, lines] : lines_) {
    if (lines.promised == 0 && !lines.behind) continue;
    statements_.run("UPDATE dialogs SET last_line = ? WHERE id = ?", lines.newest, dialog_id);
  }
}

Stored<Done> SqlTransaction::append_journal(const JournalRow& row) {
  return operation([&]() -> Stored<Done> {
    Lines& lines = lines_of(row.dialog_id);
    lines.behind = lines.promised == 0;
    const std::int64_t id = lines.behind ? journal_ids_.take(statements_) : lines.promised;
    statements_.run(
        R"(INSERT INTO journal (id, dialog_id, previous, at_unix_ms, event_id, version, event, turn)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?))",
        id, row.dialog_id, lines.newest, row.at.unix_ms, row.event_id, row.version, row.event,
        row.turn);
    lines.newest = id;
    lines.promised = 0;
    return Done{};
  });
}

Stored<std::vector<JournalRow>> SqlTransaction::journal(std::int64_t dialog_id, std::size_t limit) {
  return operation([&]() -> Stored<std::vector<JournalRow>> {
    std::vector<JournalRow> rows;
    JournalRow row;
    row.dialog_id = dialog_id;
    std::int64_t next = lines_of(dialog_id).newest;
    while (next != 0 && rows.size() < limit) {
      const std::int64_t id = std::exchange(next, 0);
      const bool kept = statements_.one(
          "SELECT previous, at_unix_ms, event_id, version, event, turn FROM journal WHERE id = ?",
          std::tie(next, row.at.unix_ms, row.event_id, row.version, row.event, row.turn), id);
      if (!kept) break;  // older lines have been cleared away
      rows.push_back(row);
      if (next >= id) break;
    }
    std::reverse(rows.begin(), rows.end());
    return rows;
  });
}

Stored<Done> SqlTransaction::count_track(std::string_view bot, std::int64_t dialog_id,
                                         std::string_view name, Moment at) {
  return operation([&]() -> Stored<Done> {
    statements_.run(
        "INSERT INTO track_events (bot, dialog_id, name, at_unix_ms) VALUES (?, ?, ?, ?)", bot,
        dialog_id, name, at.unix_ms);
    return Done{};
  });
}

Stored<Done> SqlTransaction::bury(const DeadLetter& letter) {
  return operation([&]() -> Stored<Done> {
    statements_.run(
        "INSERT INTO dead_letters (bot, kind, at_unix_ms, reason, subject) VALUES (?, ?, ?, ?, ?)",
        letter.bot, letter.kind, letter.at.unix_ms, letter.reason, letter.subject);
    return Done{};
  });
}

Stored<std::vector<DeadLetter>> SqlTransaction::dead_letters(std::string_view bot,
                                                             std::size_t limit) {
  return operation([&]() -> Stored<std::vector<DeadLetter>> {
    std::vector<DeadLetter> letters;
    DeadLetter letter;
    statements_.each(
        R"(SELECT id, bot, kind, at_unix_ms, reason, subject FROM dead_letters WHERE bot = ?
           ORDER BY id DESC LIMIT ?)",
        std::tie(letter.id, letter.bot, letter.kind, letter.at.unix_ms, letter.reason,
                 letter.subject),
        [&] { letters.push_back(letter); }, bot, at_most(limit));
    return letters;
  });
}

Stored<ValueMap> SqlTransaction::load_shared(std::string_view bot) {
  return operation([&]() -> Stored<ValueMap> {
    ValueMap shared;
    std::string name;
    std::string json;
    statements_.each(
        "SELECT name, value FROM shared_values WHERE bot = ? ORDER BY name", std::tie(name, json),
        [&] {
          Value value;
          if (!from_json(json, value)) {
            throw Failure({StorageError::Kind::Corrupt, "`shared." + name + "` is unreadable"});
          }
          shared.set(name, std::move(value));
        },
        bot);
    return shared;
  });
}

Stored<Done> SqlTransaction::set_shared(std::string_view bot, std::string_view name,
                                        const Value& value) {
  return operation([&]() -> Stored<Done> {
    if (value.is_null()) {
      statements_.run("DELETE FROM shared_values WHERE bot = ? AND name = ?", bot, name);
    } else {
      statements_.run(
          R"(INSERT INTO shared_values (bot, name, value) VALUES (?, ?, ?) ON CONFLICT (bot,
             name) DO UPDATE SET value = excluded.value)",
          bot, name, to_json(value));
    }
    return Done{};
  });
}

// ---- the scenario's tables

Stored<ValueMap> SqlTransaction::insert_row(const Table& table, const ValueMap& values,
                                            const Owner& owner, Moment at) {
  return operation([&] { return ScenarioTables(sql_, dialect_, dialect_.shared ? nullptr : &kept_).insert(table, values, owner, at); });
}
Stored<List> SqlTransaction::find_rows(const Table& table, const FindRows& find) {
  return operation([&] { return ScenarioTables(sql_, dialect_, dialect_.shared ? nullptr : &kept_).find(table, find); });
}
Stored<std::int64_t> SqlTransaction::count_rows(const Table& table,
                                                const std::vector<Condition>& conditions) {
  return operation([&] { return ScenarioTables(sql_, dialect_, dialect_.shared ? nullptr : &kept_).count(table, conditions); });
}
Stored<std::int64_t> SqlTransaction::update_row(const Table& table, std::int64_t id,
                                                const ValueMap& values) {
  return operation([&] { return ScenarioTables(sql_, dialect_, dialect_.shared ? nullptr : &kept_).update(table, id, values); });
}
Stored<std::int64_t> SqlTransaction::delete_row(const Table& table, std::int64_t id) {
  return operation([&] { return ScenarioTables(sql_, dialect_, dialect_.shared ? nullptr : &kept_).remove(table, id); });
}

}  // namespace sufler::storage

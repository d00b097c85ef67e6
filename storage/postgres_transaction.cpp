#include "storage/postgres_transaction.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "interpreter/core/fnv.h"
#include "storage/dialect.h"

namespace sufler::storage {
namespace {

using Array = PostgresArray;
constexpr auto kBigint = Array::Of::Bigint;
constexpr auto kText = Array::Of::Text;

std::string text_key(const DialogKey& key) {
  std::string out;
  out.reserve(key.bot.size() + key.chat.transport.size() + key.chat.chat_id.size() + key.user_id.size() + 3);
  return out.append(key.user_id).append(1, '\n').append(key.chat.chat_id).append(1, '\n')
      .append(key.chat.transport).append(1, '\n').append(key.bot);
}

std::int64_t limit_of(std::size_t limit) {
  return static_cast<std::int64_t>(std::min<std::size_t>(limit, INT32_MAX));
}

Array texts(const std::vector<std::string>& all) {
  Array array(kText);
  for (const std::string& one : all) array.add(one);
  return array;
}

InboxRow read_inbox(const PostgresRows& rows, int i) {
  InboxRow row;
  row.id = rows.integer(i, 0);
  row.bot = rows.text(i, 1);
  row.transport = rows.text(i, 2);
  row.event_id = rows.text(i, 3);
  row.attempts = static_cast<std::uint32_t>(rows.integer(i, 4));
  row.incoming = rows.text(i, 5);
  row.person = rows.integer(i, 6);
  return row;
}

// The oldest event of each person stands for the person. Its row is locked, and the person too: an event with a lower id
// may be committed a moment later. What a process that died was playing waits until that is known, see `processes`.
#define SUFLER_HEADS(WHOSE, HOW_MANY)                                                              \
  "WITH heads AS (SELECT i.id, i.person FROM inbox AS i WHERE " WHOSE                              \
  " AND NOT EXISTS (SELECT 1 FROM inbox AS o WHERE o.person = i.person AND o.id < i.id) "          \
  "AND i.id NOT IN (SELECT unnest(playing) FROM processes WHERE id <> ?) "                         \
  "ORDER BY i.id " HOW_MANY " FOR UPDATE OF i SKIP LOCKED) "                                       \
  "SELECT person FROM heads WHERE pg_try_advisory_xact_lock(person)"

// The columns of a row of the outbox, in the order of `read_outbox`.
#define SUFLER_OUTBOX_COLUMNS                                                                     \
  "o.id, o.bot, o.transport, o.chat, o.dialog_id, o.state, o.attempts, o.resend, o.ordered, "     \
  "o.expendable, o.hold_ms, o.method, o.body, o.files, o.repeat_key, o.notice, o.ticket_message, o.broadcast"

OutboxRow read_outbox(const PostgresRows& rows, int i) {
  OutboxRow row;
  row.id = rows.integer(i, 0);
  row.bot = rows.text(i, 1);
  row.chat = {std::string(rows.text(i, 2)), std::string(rows.text(i, 3))};
  row.dialog_id = rows.integer(i, 4);
  row.state = static_cast<OutboxRow::State>(rows.integer(i, 5));
  row.attempts = static_cast<std::uint32_t>(rows.integer(i, 6));
  row.resend = static_cast<ResendPolicy>(rows.integer(i, 7));
  row.call.ordered = rows.integer(i, 8) != 0;
  row.call.expendable = rows.integer(i, 9) != 0;
  row.call.hold.ms = rows.integer(i, 10);
  row.call.method = rows.text(i, 11);
  row.call.body = rows.text(i, 12);
  if (!files_from_text(rows.text(i, 13), row.call.files)) {
    throw Failure({StorageError::Kind::Corrupt,
                   "outbox row " + std::to_string(row.id) + " has unreadable files"});
  }
  row.call.repeat_key = static_cast<std::int32_t>(rows.integer(i, 14));
  row.notice = rows.integer(i, 15) != 0;
  row.ticket_message = rows.integer(i, 16);
  row.broadcast = rows.integer(i, 17);
  return row;
}

}  // namespace

PostgresTransaction::PostgresTransaction(soci::session& sql)
    : SqlTransaction(sql, postgres_dialect(),
                     [this](const char* text) { return prepare_postgres(postgres_, text); }),
      postgres_(connection_of(sql)),
      dialog_ids_("dialogs", postgres_dialect()),
      user_ids_("users", postgres_dialect()) {}

Stored<Done> PostgresTransaction::begin() {
  dialogs_.clear();
  by_id_.clear();
  lines_moved_.clear();
  timers_.clear();
  queued_.clear();
  mapped_.clear();
  journal_.clear();
  played_.clear();
  claimed_ = false;
  locked_.clear();
  locked_desks_.clear();
  read_shared_.clear();
  return SqlTransaction::begin();
}

Stored<Done> PostgresTransaction::commit() {
  auto ended = operation([&]() -> Stored<Done> {
    if (!claimed_ || sender.process == 0) return Done{};
    const PostgresValue process(sender.process);
    postgres_.run("UPDATE processes SET playing = '{}' WHERE id = ?", {&process});
    return Done{};
  });
  if (!ended) return ended;
  return SqlTransaction::commit();
}

void PostgresTransaction::roll_back() {
  SqlTransaction::roll_back();
  dialog_ids_.roll_back();
  user_ids_.roll_back();
}

// ---- dialogs

Stored<Done> PostgresTransaction::expect_dialogs(const std::vector<DialogKey>& keys) {
  return operation([&]() -> Stored<Done> {
    Array users(kText);
    Array chats(kText);
    Array transports(kText);
    Array bots(kText);
    std::vector<Dialog*> wanted;
    for (const DialogKey& key : keys) {
      const auto [place, fresh] = dialogs_.try_emplace(text_key(key));
      if (!fresh) continue;
      place->second.key = key;
      wanted.push_back(&place->second);
      users.add(key.user_id);
      chats.add(key.chat.chat_id);
      transports.add(key.chat.transport);
      bots.add(key.bot);
    }
    if (wanted.empty()) return Done{};
    const PostgresRows rows = postgres_.run(
        R"(SELECT k.n, d.id, d.last_line, d.place, d.state, u.id, u.record, d.generation, d.pinned,
             d.pinned_at_unix_ms
           FROM unnest(?, ?, ?, ?) WITH ORDINALITY AS k (user_id, chat, transport, bot, n)
           LEFT JOIN dialogs AS d ON d.user_id = k.user_id AND d.chat = k.chat AND
             d.transport = k.transport AND d.bot = k.bot
           LEFT JOIN users AS u ON u.user_id = k.user_id AND u.transport = k.transport AND u.bot = k.bot)",
        {&users, &chats, &transports, &bots});
    for (int i = 0; i < rows.count(); ++i) {
      Dialog& dialog = *wanted[static_cast<std::size_t>(rows.integer(i, 0) - 1)];
      if (!rows.is_null(i, 1)) {
        dialog.row.id = rows.integer(i, 1);
        lines_[dialog.row.id] = {.newest = rows.integer(i, 2)};
        dialog.row.place = rows.text(i, 3);
        dialog.row.state = rows.text(i, 4);
        dialog.row.generation = rows.integer(i, 7);
        dialog.row.pinned = rows.text(i, 8);
        dialog.row.pinned_at.unix_ms = rows.integer(i, 9);
        by_id_[dialog.row.id] = &dialog;
      }
      if (!rows.is_null(i, 5)) {
        dialog.row.user_row = rows.integer(i, 5);
        dialog.row.user = rows.text(i, 6);
      }
    }
    return Done{};
  });
}

PostgresTransaction::Dialog& PostgresTransaction::dialog_of(const DialogKey& key) {
  const auto found = dialogs_.find(text_key(key));
  if (found != dialogs_.end()) return found->second;
  if (auto loaded = expect_dialogs({key}); !loaded) throw Failure(loaded.error());
  return dialogs_.at(text_key(key));
}

Stored<DialogRow> PostgresTransaction::load_dialog(const DialogKey& key) {
  return operation([&]() -> Stored<DialogRow> { return dialog_of(key).row; });
}

Stored<Done> PostgresTransaction::save_dialog(const DialogKey& key, DialogRow& row, bool user_changed,
                                              Moment at) {
  return operation([&]() -> Stored<Done> {
    Dialog& dialog = dialog_of(key);
    if (user_changed && row.user_row == 0) row.user_row = dialog.row.user_row;
    if (user_changed) {
      if (row.user_row == 0) {
        row.user_row = user_ids_.take(statements_);
        dialog.user_inserted = true;
      }
      dialog.user_dirty = true;
      // A person has one record and maybe several dialogs: the next turn sees it in each.
      for (auto& [_, other] : dialogs_) {
        if (&other == &dialog || other.key.user_id != key.user_id || other.key.bot != key.bot ||
            other.key.chat.transport != key.chat.transport) {
          continue;
        }
        other.row.user_row = row.user_row;
        other.row.user = row.user;
      }
    }
    if (row.id == 0) row.id = dialog.row.id;
    if (row.id == 0) {
      row.id = dialog_ids_.take(statements_);
      lines_[row.id] = {};
      dialog.inserted = true;
    }
    dialog.dirty = true;
    dialog.changed = at;
    if (user_changed) {
      dialog.row = row;
    } else {
      std::string user = std::move(dialog.row.user);
      dialog.row = row;
      dialog.row.user = std::move(user);
    }
    by_id_[row.id] = &dialog;
    return Done{};
  });
}

void PostgresTransaction::write_users() {
  for (const bool inserts : {true, false}) {
    Array ids(kBigint);
    Array bots(kText);
    Array transports(kText);
    Array users(kText);
    Array records(kText);
    for (auto& [_, dialog] : dialogs_) {
      if (!dialog.user_dirty || dialog.user_inserted != inserts) continue;
      ids.add(dialog.row.user_row);
      bots.add(dialog.key.bot);
      transports.add(dialog.key.chat.transport);
      users.add(dialog.key.user_id);
      records.add(dialog.row.user);
    }
    if (ids.count() == 0) continue;
    if (inserts) {
      postgres_.run(
          R"(INSERT INTO users (id, bot, transport, user_id, record)
             SELECT * FROM unnest(?, ?, ?, ?, ?))",
          {&ids, &bots, &transports, &users, &records});
    } else {
      postgres_.run(
          R"(UPDATE users AS u SET record = n.record FROM unnest(?, ?) AS n (id, record)
             WHERE u.id = n.id)",
          {&ids, &records});
    }
  }
  for (auto& [_, dialog] : dialogs_) dialog.user_dirty = dialog.user_inserted = false;
}

void PostgresTransaction::write_dialogs() {
  for (const bool inserts : {true, false}) {
    Array ids(kBigint);
    Array bots(kText);
    Array transports(kText);
    Array chats(kText);
    Array users(kText);
    Array user_rows(kBigint);
    Array lines(kBigint);
    Array changed(kBigint);
    Array places(kText);
    Array states(kText);
    Array generations(kBigint);
    Array pins(kText);
    Array pinned_at(kBigint);
    for (auto& [_, dialog] : dialogs_) {
      if (!dialog.dirty || dialog.inserted != inserts) continue;
      ids.add(dialog.row.id);
      bots.add(dialog.key.bot);
      transports.add(dialog.key.chat.transport);
      chats.add(dialog.key.chat.chat_id);
      users.add(dialog.key.user_id);
      user_rows.add(dialog.row.user_row);
      lines.add(lines_of(dialog.row.id).newest);
      changed.add(dialog.changed.unix_ms);
      places.add(dialog.row.place);
      states.add(dialog.row.state);
      generations.add(dialog.row.generation);
      pins.add(dialog.row.pinned);
      pinned_at.add(dialog.row.pinned_at.unix_ms);
      lines_moved_.erase(dialog.row.id);
    }
    if (ids.count() == 0) continue;
    if (inserts) {
      postgres_.run(
          R"(INSERT INTO dialogs (id, bot, transport, chat, user_id, user_row, last_line,
               changed_at_unix_ms, place, state, generation, pinned, pinned_at_unix_ms)
             SELECT * FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?))",
          {&ids, &bots, &transports, &chats, &users, &user_rows, &lines, &changed, &places, &states, &generations,
           &pins, &pinned_at});
    } else {
      postgres_.run(
          R"(UPDATE dialogs AS d SET user_row = n.user_row, last_line = n.last_line,
               changed_at_unix_ms = n.changed, place = n.place, state = n.state, generation = n.generation,
               pinned = n.pinned, pinned_at_unix_ms = n.pinned_at
             FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?) AS n (id, user_row, last_line, changed, place, state, generation,
               pinned, pinned_at)
             WHERE d.id = n.id)",
          {&ids, &user_rows, &lines, &changed, &places, &states, &generations, &pins, &pinned_at});
    }
  }
  for (auto& [_, dialog] : dialogs_) dialog.dirty = dialog.inserted = false;
  if (lines_moved_.empty()) return;
  Array ids(kBigint);
  Array lines(kBigint);
  for (const std::int64_t id : lines_moved_) {
    ids.add(id);
    lines.add(lines_of(id).newest);
  }
  lines_moved_.clear();
  postgres_.run(
      R"(UPDATE dialogs AS d SET last_line = n.line FROM unnest(?, ?) AS n (id, line)
         WHERE d.id = n.id)",
      {&ids, &lines});
}

// ---- events that came

Stored<Done> PostgresTransaction::put_inbox(std::vector<InboxRow> rows, bool claim, Moment at) {
  return operation([&]() -> Stored<Done> {
    if (claim) keep_fresh(rows, at);
    if (rows.empty()) return Done{};
    Array ids(kBigint);
    Array bots(kText);
    Array transports(kText);
    Array events(kText);
    Array persons(kBigint);
    Array attempts(kBigint);
    Array incoming(kText);
    for (const InboxRow& row : rows) {
      ids.add(inbox_ids_.take(statements_));
      bots.add(row.bot);
      transports.add(row.transport);
      events.add(row.event_id);
      attempts.add(row.attempts);
      persons.add(person_number(row.bot, row.transport, row.user_id));
      incoming.add(row.incoming);
    }
    postgres_.run(
        R"(INSERT INTO inbox (id, bot, transport, event_id, attempts, person, incoming)
           SELECT * FROM unnest(?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (event_id, transport, bot) DO NOTHING)",
        {&ids, &bots, &transports, &events, &attempts, &persons, &incoming});
    return Done{};
  });
}

void PostgresTransaction::keep_fresh(std::vector<InboxRow>& rows, Moment at) {
  if (rows.empty()) return;
  Array bots(kText);
  Array transports(kText);
  Array events(kText);
  for (const InboxRow& row : rows) {
    bots.add(row.bot);
    transports.add(row.transport);
    events.add(row.event_id);
  }
  const PostgresValue seen_at(at.unix_ms);
  // In one order, or two processes with the same events would wait for each other.
  const PostgresRows fresh = postgres_.run(
      R"(INSERT INTO seen_events (bot, transport, event_id, at_unix_ms)
         SELECT bot, transport, event_id, ? FROM unnest(?, ?, ?) AS n (bot, transport, event_id)
         ORDER BY event_id, transport, bot
         ON CONFLICT (event_id, transport, bot) DO NOTHING RETURNING bot, transport, event_id)",
      {&seen_at, &bots, &transports, &events});
  claims_ += static_cast<std::int64_t>(rows.size());
  const auto key = [](std::string_view bot, std::string_view transport, std::string_view event) {
    std::string out(bot);
    return out.append(1, '\n').append(transport).append(1, '\n').append(event);
  };
  std::unordered_set<std::string> kept;
  for (int i = 0; i < fresh.count(); ++i)
    kept.insert(key(fresh.text(i, 0), fresh.text(i, 1), fresh.text(i, 2)));
  // Of an event that came twice at once, the first.
  std::erase_if(rows, [&](const InboxRow& row) { return kept.erase(key(row.bot, row.transport, row.event_id)) == 0; });
  forget_old_claims(at);
}

Stored<std::vector<InboxRow>> PostgresTransaction::claim_inbox(const std::vector<std::string>& bots,
                                                               std::size_t persons, std::size_t of_each,
                                                               std::size_t events) {
  return operation([&]() -> Stored<std::vector<InboxRow>> {
    const Array of_bots = texts(bots);
    const PostgresValue most(limit_of(persons));
    const PostgresValue process(sender.process);
    const PostgresRows heads = postgres_.run(SUFLER_HEADS("i.bot = ANY(?)", "LIMIT ?"),
                                              {&of_bots, &process, &most});
    return claim_behind(heads, of_each, events);
  });
}

Stored<std::vector<InboxRow>> PostgresTransaction::claim_people(const std::vector<std::int64_t>& persons,
                                                                std::size_t of_each, std::size_t events) {
  return operation([&]() -> Stored<std::vector<InboxRow>> {
    Array wanted(kBigint);
    for (const std::int64_t person : persons) wanted.add(person);
    const PostgresValue process(sender.process);
    const PostgresRows heads = postgres_.run(SUFLER_HEADS("i.person = ANY(?)", ""), {&wanted, &process});
    return claim_behind(heads, of_each, events);
  });
}

std::vector<InboxRow> PostgresTransaction::claim_behind(const PostgresRows& heads, std::size_t of_each,
                                                        std::size_t events) {
  std::vector<InboxRow> claimed;
  if (heads.count() == 0) return claimed;
  claimed_ = true;
  Array people(kBigint);
  for (int i = 0; i < heads.count(); ++i) people.add(heads.integer(i, 0));
  const PostgresValue each(limit_of(of_each)), all(limit_of(events));
  const PostgresRows rows = postgres_.run(
      R"(SELECT i.id, i.bot, i.transport, i.event_id, i.attempts, i.incoming, i.person
         FROM unnest(?) AS p(person) CROSS JOIN LATERAL (
           SELECT id, bot, transport, event_id, attempts, incoming, person FROM inbox
           WHERE inbox.person = p.person ORDER BY id LIMIT ?) AS i
         ORDER BY i.id LIMIT ?)",
      {&people, &each, &all});
  claimed.reserve(static_cast<std::size_t>(rows.count()));
  for (int i = 0; i < rows.count(); ++i) claimed.push_back(read_inbox(rows, i));
  return claimed;
}

Stored<std::optional<InboxRow>> PostgresTransaction::claim_person(std::int64_t person) {
  return operation([&]() -> Stored<std::optional<InboxRow>> {
    if (!try_hold(person)) return std::optional<InboxRow>();
    const PostgresValue who(person);
    const PostgresRows rows = postgres_.run(
        R"(SELECT id, bot, transport, event_id, attempts, incoming, person FROM inbox
           WHERE person = ? ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)",
        {&who});
    if (rows.count() == 0) return std::optional<InboxRow>();
    return std::optional(read_inbox(rows, 0));
  });
}

bool PostgresTransaction::try_hold(std::int64_t person) {
  const PostgresValue who(person);
  return postgres_.run("SELECT pg_try_advisory_xact_lock(?)", {&who}).text(0, 0) == "t";
}

std::vector<bool> PostgresTransaction::hold_if_free(const std::vector<DialogKey>& people) {
  std::vector<bool> held(people.size(), false);
  if (people.empty()) return held;
  Array numbers(kBigint);
  for (const DialogKey& one : people) numbers.add(person_number(one.bot, one.chat.transport, one.user_id));
  const PostgresRows rows = postgres_.run(
      "SELECT p.n FROM unnest(?) WITH ORDINALITY AS p (person, n) WHERE pg_try_advisory_xact_lock(p.person)", {&numbers});
  for (int i = 0; i < rows.count(); ++i) held[static_cast<std::size_t>(rows.integer(i, 0) - 1)] = true;
  return held;
}

Stored<Done> PostgresTransaction::hold_person(std::string_view bot, std::string_view transport,
                                              std::string_view user_id) {
  return operation([&]() -> Stored<Done> {
    const PostgresValue who(person_number(bot, transport, user_id));
    postgres_.run("SELECT pg_advisory_xact_lock(?)", {&who});
    return Done{};
  });
}

Stored<Done> PostgresTransaction::drop_inbox(std::int64_t inbox_id) {
  played_.push_back(inbox_id);
  return Done{};
}

// ---- what is to be sent

Stored<std::int64_t> PostgresTransaction::enqueue(const OutboxRow& row, Moment at) {
  return operation([&]() -> Stored<std::int64_t> {
    Queued queued{row, at};
    queued.row.id = outbox_ids_.take(statements_);
    queued_.push_back(std::move(queued));
    return queued_.back().row.id;
  });
}

// A row of another's turn that nobody has claimed yet comes with its claim, and must not come twice.
Stored<std::vector<OutboxRow>> PostgresTransaction::outbox(std::string_view bot, std::int64_t after_id,
                                                           std::size_t limit) {
  return operation([&]() -> Stored<std::vector<OutboxRow>> {
    write_out();
    const PostgresValue process(sender.process);
    const PostgresValue of_bot(bot);
    const PostgresValue after(after_id);
    const PostgresValue dead(static_cast<std::int64_t>(OutboxRow::State::Dead));
    const PostgresValue most(limit_of(limit));
    const PostgresRows rows =
        postgres_.run("SELECT " SUFLER_OUTBOX_COLUMNS " FROM outbox AS o WHERE id > ? AND bot = ? AND state <> ? AND "
                      "(sender = ? OR ? = 0) ORDER BY id LIMIT ?",
                      {&after, &of_bot, &dead, &process, &process, &most});
    std::vector<OutboxRow> found;
    for (int i = 0; i < rows.count(); ++i) found.push_back(read_outbox(rows, i));
    return found;
  });
}

Stored<std::set<std::int64_t>> PostgresTransaction::still_in_outbox(const std::vector<std::int64_t>& ids) {
  return operation([&]() -> Stored<std::set<std::int64_t>> {
    write_out();
    Array wanted(kBigint);
    for (const std::int64_t id : ids) wanted.add(id);
    const PostgresValue dead(static_cast<std::int64_t>(OutboxRow::State::Dead));
    const PostgresRows rows = postgres_.run(
        "SELECT id FROM outbox WHERE id = ANY(?) AND state <> ? ORDER BY id FOR UPDATE", {&wanted, &dead});
    std::set<std::int64_t> found;
    for (int i = 0; i < rows.count(); ++i) found.insert(rows.integer(i, 0));
    return found;
  });
}

std::set<std::string, std::less<>> PostgresTransaction::led_bots() {
  Array bots(kText);
  std::set<std::string_view> seen;
  for (const auto& [row, _] : queued_)
    if (sender.bots.contains(row.bot) && seen.insert(row.bot).second) bots.add(row.bot);
  std::set<std::string, std::less<>> led;
  if (bots.count() == 0) return led;
  const PostgresValue process(sender.process);
  const PostgresRows rows =
      postgres_.run("SELECT bot FROM leaders WHERE bot = ANY(?) AND process = ? FOR SHARE", {&bots, &process});
  for (int i = 0; i < rows.count(); ++i) led.emplace(rows.text(i, 0));
  return led;
}

void PostgresTransaction::write_outbox() {
  if (queued_.empty()) return;
  Array ids(kBigint);
  Array bots(kText);
  Array transports(kText);
  Array chats(kText);
  Array dialogs(kBigint);
  Array created(kBigint);
  Array states(kBigint);
  Array attempts(kBigint);
  Array resends(kBigint);
  Array ordered(kBigint);
  Array expendable(kBigint);
  Array holds(kBigint);
  Array methods(kText);
  Array bodies(kText);
  Array files(kText);
  Array repeat_keys(kBigint);
  Array notices(kBigint);
  Array ticket_messages(kBigint);
  Array broadcasts(kBigint);
  Array senders(kBigint);
  const std::set<std::string, std::less<>> led = led_bots();
  for (const auto& [row, at] : queued_) {
    const bool ours = led.contains(row.bot);
    ids.add(row.id);
    bots.add(row.bot);
    transports.add(row.chat.transport);
    chats.add(row.chat.chat_id);
    dialogs.add(row.dialog_id);
    created.add(at.unix_ms);
    states.add(static_cast<std::int64_t>(row.state));
    attempts.add(std::int64_t{row.attempts});
    resends.add(static_cast<std::int64_t>(row.resend));
    ordered.add(std::int64_t{row.call.ordered});
    expendable.add(std::int64_t{row.call.expendable});
    holds.add(row.call.hold.ms);
    methods.add(row.call.method);
    bodies.add(row.call.body);
    files.add(files_to_text(row.call.files));
    repeat_keys.add(std::int64_t{row.call.repeat_key});
    notices.add(std::int64_t{row.notice});
    ticket_messages.add(row.ticket_message);
    broadcasts.add(row.broadcast);
    senders.add(ours ? sender.process : 0);
  }
  queued_.clear();
  postgres_.run(
      R"(INSERT INTO outbox (id, bot, transport, chat, dialog_id, created_at_unix_ms, state, attempts,
           resend, ordered, expendable, hold_ms, method, body, files, repeat_key, notice, ticket_message, broadcast, sender, reason)
         SELECT n.*, '' FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) AS n)",
      {&ids, &bots, &transports, &chats, &dialogs, &created, &states, &attempts, &resends, &ordered,
       &expendable, &holds, &methods, &bodies, &files, &repeat_keys, &notices, &ticket_messages, &broadcasts, &senders});
}

// A process that stood still may take itself for the leader: what it asks for it does not get.
#define SUFLER_WHILE_LEADING \
  "WITH leader AS MATERIALIZED (SELECT FROM leaders WHERE bot = ? AND process = ? FOR SHARE), "

Stored<std::vector<Transaction::ClaimedRow>> PostgresTransaction::claim_outbox(std::string_view bot, bool all,
                                                                               std::size_t limit) {
  return operation([&]() -> Stored<std::vector<ClaimedRow>> {
    write_out();
    const PostgresValue process(sender.process);
    const PostgresValue of_bot(bot);
    const PostgresValue dead(static_cast<std::int64_t>(OutboxRow::State::Dead));
    const PostgresValue most(limit_of(limit));
    std::vector<ClaimedRow> claimed;
    const auto take = [&](const PostgresRows& rows) {
      for (int i = 0; i < rows.count(); ++i)
        claimed.push_back({read_outbox(rows, i), rows.integer(i, 17) != 0});
    };
    if (all) {
      take(postgres_.run(SUFLER_WHILE_LEADING
                         "old AS MATERIALIZED (SELECT * FROM outbox WHERE EXISTS (SELECT FROM leader) AND bot = ? AND "
                         "sender <> ? AND state <> ? ORDER BY id LIMIT ? FOR UPDATE), taken AS (UPDATE outbox SET sender = ? "
                         "WHERE id IN (SELECT id FROM old)) "
                         "SELECT " SUFLER_OUTBOX_COLUMNS ", o.sender FROM old AS o ORDER BY o.id",
                         {&of_bot, &process, &of_bot, &process, &dead, &most, &process}));
    } else {
      take(postgres_.run(SUFLER_WHILE_LEADING
                         "old AS MATERIALIZED (SELECT * FROM outbox WHERE EXISTS (SELECT FROM leader) AND bot = ? AND "
                         "sender = 0 AND state <> ? ORDER BY id LIMIT ? FOR UPDATE), taken AS (UPDATE outbox SET sender = ? "
                         "WHERE id IN (SELECT id FROM old)) "
                         "SELECT " SUFLER_OUTBOX_COLUMNS ", o.sender FROM old AS o ORDER BY o.id",
                         {&of_bot, &process, &of_bot, &dead, &most, &process}));
    }
    return claimed;
  });
}

// A leader that has claimed a row holds it in memory, maybe for minutes. So the row stays, with nothing in it, until the
// leader has seen that.
void PostgresTransaction::lock_deployments() { postgres_.run(std::string("SELECT pg_advisory_xact_lock(7830, 0)")); }

bool PostgresTransaction::others_serve() {
  // Who lives holds the lock of their row; of the dead the rows may still be there.
  return postgres_.run(std::string("SELECT count(*) FROM processes WHERE NOT pg_try_advisory_xact_lock(7826, CAST(id AS INTEGER))"))
             .integer(0, 0) != 0;
}

void PostgresTransaction::withdraw(const std::vector<std::int64_t>& outbox_ids) {
  if (outbox_ids.empty()) return;
  Array ids(kBigint);
  for (const std::int64_t id : outbox_ids) ids.add(id);
  const PostgresValue process(sender.process);
  const PostgresValue dead(static_cast<std::int64_t>(OutboxRow::State::Dead));
  postgres_.run("DELETE FROM outbox WHERE id = ANY(?) AND (sender = 0 OR sender = ?)", {&ids, &process});
  const PostgresRows others = postgres_.run(
      R"(UPDATE outbox SET state = ?, sender = 0, transport = '', chat = '', dialog_id = 0, method = '', body = '',
         files = '', reason = '', notice = 0 WHERE id = ANY(?) RETURNING id)",
      {&dead, &ids});
  if (others.count() != 0) postgres_.run(std::string("NOTIFY sufler"));
}

Stored<std::vector<std::int64_t>> PostgresTransaction::withdrawn(std::string_view bot) {
  return operation([&]() -> Stored<std::vector<std::int64_t>> {
    const PostgresValue of_bot(bot);
    const PostgresValue dead(static_cast<std::int64_t>(OutboxRow::State::Dead));
    const PostgresRows rows =
        postgres_.run("SELECT id FROM outbox WHERE bot = ? AND sender = 0 AND state = ?", {&of_bot, &dead});
    std::vector<std::int64_t> ids;
    for (int i = 0; i < rows.count(); ++i) ids.push_back(rows.integer(i, 0));
    return ids;
  });
}

// ---- what was sent

Stored<Done> PostgresTransaction::map_message(std::string_view bot, const ChatAddress& chat,
                                              std::string_view message_id, std::int64_t dialog_id, Moment at,
                                              std::int64_t ticket_message) {
  mapped_[{std::string(message_id), chat.chat_id, chat.transport, std::string(bot)}] = {dialog_id, at.unix_ms,
                                                                                        ticket_message};
  return Done{};
}

Stored<std::optional<std::int64_t>> PostgresTransaction::dialog_of_message(std::string_view bot,
                                                                           const ChatAddress& chat,
                                                                           std::string_view message_id) {
  auto written = operation([&]() -> Stored<Done> {
    write_mapped();
    return Done{};
  });
  if (!written) return Error{written.error()};
  return SqlTransaction::dialog_of_message(bot, chat, message_id);
}

void PostgresTransaction::write_mapped() {
  if (mapped_.empty()) return;
  Array ids(kText);
  Array chats(kText);
  Array transports(kText);
  Array bots(kText);
  Array dialogs(kBigint);
  Array moments(kBigint);
  Array messages(kBigint);
  for (const auto& [key, mapped] : mapped_) {
    ids.add(key[0]);
    chats.add(key[1]);
    transports.add(key[2]);
    bots.add(key[3]);
    dialogs.add(mapped.dialog_id);
    moments.add(mapped.at_unix_ms);
    messages.add(mapped.ticket_message);
  }
  mapped_.clear();
  postgres_.run(
      R"(INSERT INTO messages_map (message_id, chat, transport, bot, dialog_id, at_unix_ms, ticket_message)
         SELECT * FROM unnest(?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (message_id, chat, transport, bot) DO UPDATE SET dialog_id = excluded.dialog_id,
           at_unix_ms = excluded.at_unix_ms, ticket_message = excluded.ticket_message)",
      {&ids, &chats, &transports, &bots, &dialogs, &moments, &messages});
}

// ---- timers

Stored<Done> PostgresTransaction::set_timer(std::int64_t dialog_id, const SetTimer& timer) {
  const auto dialog = by_id_.find(dialog_id);
  if (dialog == by_id_.end()) return SqlTransaction::set_timer(dialog_id, timer);
  timers_[{dialog_id, timer.name}] = {dialog->second->key.bot, timer};
  return Done{};
}

Stored<Done> PostgresTransaction::cancel_timer(std::int64_t dialog_id, std::string_view name) {
  timers_[{dialog_id, std::string(name)}] = {};
  return Done{};
}

void PostgresTransaction::write_timers() {
  Array gone(kBigint);
  Array gone_names(kText);
  Array ids(kBigint);
  Array names(kText);
  Array bots(kText);
  Array due(kBigint);
  Array serials(kBigint);
  for (const auto& [key, change] : timers_) {
    if (!change.set) {
      gone.add(key.first);
      gone_names.add(key.second);
      continue;
    }
    ids.add(key.first);
    names.add(key.second);
    bots.add(change.bot);
    due.add(change.set->due.unix_ms);
    serials.add(static_cast<std::int64_t>(change.set->serial));
  }
  timers_.clear();
  if (gone.count() != 0) {
    postgres_.run(
        R"(DELETE FROM timers AS t USING unnest(?, ?) AS g (dialog_id, name)
           WHERE t.dialog_id = g.dialog_id AND t.name = g.name)",
        {&gone, &gone_names});
  }
  if (ids.count() != 0) {
    postgres_.run(
        R"(INSERT INTO timers (dialog_id, name, bot, due_at_unix_ms, serial)
           SELECT * FROM unnest(?, ?, ?, ?, ?) ON CONFLICT (dialog_id, name) DO UPDATE SET
             due_at_unix_ms = excluded.due_at_unix_ms, serial = excluded.serial)",
        {&ids, &names, &bots, &due, &serials});
  }
}

Stored<std::vector<TimerRow>> PostgresTransaction::due_timers(std::string_view bot, Moment now,
                                                              std::size_t limit) {
  auto written = operation([&]() -> Stored<Done> {
    write_out();
    return Done{};
  });
  if (!written) return Error{written.error()};
  return SqlTransaction::due_timers(bot, now, limit);
}

Stored<std::optional<Moment>> PostgresTransaction::next_timer(std::string_view bot) {
  auto written = operation([&]() -> Stored<Done> {
    write_out();
    return Done{};
  });
  if (!written) return Error{written.error()};
  return SqlTransaction::next_timer(bot);
}

Stored<std::size_t> PostgresTransaction::claim_timers(
    const std::vector<std::string>& bots, Moment now, std::size_t limit,
    const std::function<InboxRow(const TimerRow&)>& event) {
  std::vector<InboxRow> events;
  auto claimed = operation([&]() -> Stored<Done> {
    write_out();
    const Array of_bots = texts(bots);
    const PostgresValue until(now.unix_ms);
    const PostgresValue most(limit_of(limit));
    const PostgresRows rows = postgres_.run(
        R"(WITH due AS (
             SELECT dialog_id, name FROM timers WHERE bot = ANY(?) AND due_at_unix_ms <= ?
             ORDER BY due_at_unix_ms, dialog_id, name LIMIT ? FOR UPDATE SKIP LOCKED),
           gone AS (
             DELETE FROM timers AS t USING due WHERE t.dialog_id = due.dialog_id AND t.name = due.name
             RETURNING t.dialog_id, t.name, t.due_at_unix_ms, t.serial)
           SELECT g.dialog_id, g.name, g.due_at_unix_ms, g.serial, d.bot, d.transport, d.chat, d.user_id
           FROM gone AS g JOIN dialogs AS d ON d.id = g.dialog_id
           ORDER BY g.due_at_unix_ms, g.dialog_id, g.name)",
        {&of_bots, &until, &most});
    for (int i = 0; i < rows.count(); ++i) {
      TimerRow timer;
      timer.dialog_id = rows.integer(i, 0);
      timer.name = rows.text(i, 1);
      timer.due.unix_ms = rows.integer(i, 2);
      timer.serial = static_cast<std::uint64_t>(rows.integer(i, 3));
      timer.key = {std::string(rows.text(i, 4)),
                   {std::string(rows.text(i, 5)), std::string(rows.text(i, 6))},
                   std::string(rows.text(i, 7))};
      events.push_back(event(timer));
    }
    return Done{};
  });
  if (!claimed) return Error{claimed.error()};
  const std::size_t count = events.size();
  if (auto put = put_inbox(std::move(events), false, now); !put) return Error{put.error()};
  return count;
}

// ---- what is kept for people

Stored<Done> PostgresTransaction::append_journal(const JournalRow& row) {
  return operation([&]() -> Stored<Done> {
    Lines& lines = lines_of(row.dialog_id);
    Line line{journal_ids_.take(statements_), lines.newest, row};
    lines.newest = line.id;
    lines_moved_.insert(row.dialog_id);
    journal_.push_back(std::move(line));
    return Done{};
  });
}

void PostgresTransaction::write_journal() {
  if (journal_.empty()) return;
  Array ids(kBigint);
  Array dialogs(kBigint);
  Array previous(kBigint);
  Array at(kBigint);
  Array event_ids(kText);
  Array versions(kText);
  Array events(kText);
  Array turns(kText);
  for (const Line& line : journal_) {
    ids.add(line.id);
    dialogs.add(line.row.dialog_id);
    previous.add(line.previous);
    at.add(line.row.at.unix_ms);
    event_ids.add(line.row.event_id);
    versions.add(line.row.version);
    events.add(line.row.event);
    turns.add(line.row.turn);
  }
  journal_.clear();
  postgres_.run(
      R"(INSERT INTO journal (id, dialog_id, previous, at_unix_ms, event_id, version, event, turn)
         SELECT * FROM unnest(?, ?, ?, ?, ?, ?, ?, ?))",
      {&ids, &dialogs, &previous, &at, &event_ids, &versions, &events, &turns});
}

Stored<std::vector<JournalRow>> PostgresTransaction::journal(std::int64_t dialog_id, std::size_t limit) {
  auto written = operation([&]() -> Stored<Done> {
    write_out();
    return Done{};
  });
  if (!written) return Error{written.error()};
  return SqlTransaction::journal(dialog_id, limit);
}

void PostgresTransaction::write_drops() {
  if (played_.empty()) return;
  Array ids(kBigint);
  for (const std::int64_t id : played_) ids.add(id);
  played_.clear();
  postgres_.run("DELETE FROM inbox WHERE id = ANY(?)", {&ids});
}

void PostgresTransaction::write_out() {
  write_users();
  write_dialogs();
  write_timers();
  write_outbox();
  write_mapped();
  write_journal();
  write_drops();
  SqlTransaction::write_out();
}

// ---- values and tables that all dialogs share

void PostgresTransaction::lock_shared(std::string_view bot) {
  const PostgresValue name(bot);
  postgres_.run("SELECT pg_advisory_xact_lock(7827, hashtext(?))", {&name});
}

Stored<ValueMap> PostgresTransaction::load_shared(std::string_view bot) {
  auto locked = operation([&]() -> Stored<Done> {
    if (writes_shared_.contains(bot)) {
      lock_shared(bot);
    } else {
      read_shared_.emplace(bot);
    }
    return Done{};
  });
  if (!locked) return Error{locked.error()};
  return SqlTransaction::load_shared(bot);
}

Stored<Done> PostgresTransaction::set_shared(std::string_view bot, std::string_view name, const Value& value) {
  auto locked = operation([&]() -> Stored<Done> {
    if (!writes_shared_.emplace(bot).second) return Done{};
    // Another process may have changed meanwhile what this turn has read.
    if (read_shared_.contains(bot)) {
      return Error{StorageError{StorageError::Kind::Busy, "a turn writes `shared` and is played again"}};
    }
    lock_shared(bot);
    return Done{};
  });
  if (!locked) return locked;
  return SqlTransaction::set_shared(bot, name, value);
}

void PostgresTransaction::lock_table(const Table& table) {
  if (!table.written || !locked_.insert(table.name).second) return;
  const PostgresValue name(table.name);
  postgres_.run("SELECT pg_advisory_xact_lock(7828, hashtext(?))", {&name});
}

// A transaction plays many turns, and each may need another desk. Who needs them in the order of their names waits.
// Who comes back to an earlier one could wait for somebody who waits for them: it does so for a moment only, and not at
// all when somebody waits already. Its transaction is played again then.
void PostgresTransaction::lock_desk(std::string_view bot, std::string_view desk) {
  const std::uint64_t mark = Fnv1a().bytes(bot).number(0).bytes(desk).value();
  const auto folded = static_cast<std::int32_t>(static_cast<std::uint32_t>(mark ^ (mark >> 32)));
  const PostgresValue number(std::int64_t{folded});
  std::pair<std::string, std::string> name(bot, desk);
  if (locked_desks_.contains(name)) return;
  const auto wait = [&] {
    postgres_.run("SELECT pg_advisory_xact_lock(7829, CAST(CAST(? AS BIGINT) AS INTEGER))", {&number});
  };
  if (locked_desks_.empty() || locked_desks_.rbegin()->first < name) {
    wait();
  } else if (postgres_.run("SELECT pg_try_advisory_xact_lock(7829, CAST(CAST(? AS BIGINT) AS INTEGER))", {&number}).text(0, 0) != "t") {
    if (desk_awaited()) throw Failure({StorageError::Kind::Busy, "a desk is held by a turn that waits for this one"});
    const std::string patience(postgres_.run(std::string("SHOW lock_timeout")).text(0, 0));
    postgres_.run(std::string("SET LOCAL lock_timeout = '200ms'"));
    wait();
    postgres_.run("SET LOCAL lock_timeout = '" + patience + "'");
  }
  locked_desks_.emplace(std::move(name), folded);
}

bool PostgresTransaction::desk_awaited() {
  Array desks(kBigint);
  for (const auto& [_, desk] : locked_desks_) desks.add(std::int64_t{static_cast<std::uint32_t>(desk)});
  return postgres_.run(R"(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7829 AND objsubid = 2 AND NOT granted
                            AND CAST(objid AS BIGINT) = ANY(?))",
                       {&desks})
             .integer(0, 0) != 0;
}

Stored<List> PostgresTransaction::find_rows(const Table& table, const FindRows& find) {
  auto locked = operation([&]() -> Stored<Done> {
    lock_table(table);
    return Done{};
  });
  if (!locked) return Error{locked.error()};
  return SqlTransaction::find_rows(table, find);
}

Stored<std::int64_t> PostgresTransaction::count_rows(const Table& table,
                                                     const std::vector<Condition>& conditions) {
  auto locked = operation([&]() -> Stored<Done> {
    lock_table(table);
    return Done{};
  });
  if (!locked) return Error{locked.error()};
  return SqlTransaction::count_rows(table, conditions);
}

}  // namespace sufler::storage

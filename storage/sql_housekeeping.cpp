#include "storage/sql_housekeeping.h"

#include <soci/soci.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "interpreter/core/json_text.h"
#include "interpreter/core/state.h"
#include "interpreter/core/text.h"
#include "storage/broadcast_store.h"
#include "storage/job_store.h"
#include "storage/outbox_json.h"
#include "storage/sql_reports.h"
#include "storage/version_store.h"

namespace sufler {

std::int64_t Erased::total() const {
  std::int64_t sum = 0;
  for (const auto& [what, count] : counts) sum += count;
  return sum;
}

}  // namespace sufler

namespace sufler::storage {
namespace {

constexpr std::string_view kEvent = "event";
constexpr std::string_view kOutbox = "outbox";
constexpr std::string_view kUnknown = "unknown";
constexpr std::string_view kJob = "job";
/// A shorter word may mean anything.
constexpr std::size_t kTellingName = 4;
constexpr char kOfOutbox = 'o';

std::string text_of(const ValueMap& map, std::string_view name) {
  const Value* const value = map.find(name);
  return value && value->text() ? *value->text() : std::string();
}

/// Whom an event of the inbox is of.
struct Sender {
  ChatAddress chat;
  std::string user_id;
  std::string event_id;
};
std::optional<Sender> sender_of(std::string_view incoming) {
  Value value;
  if (!from_json(incoming, value) || !value.map()) return std::nullopt;
  const ValueMap& map = *value.map();
  Sender sender{{text_of(map, "transport"), text_of(map, "chat")}, text_of(map, "user"), text_of(map, "id")};
  if (sender.user_id.empty()) sender.user_id = sender.chat.chat_id;
  if (sender.chat.transport.empty() || sender.event_id.empty()) return std::nullopt;
  return sender;
}

struct DeadJob {
  Sender sender;
  std::string service, name, request;
};
std::optional<DeadJob> job_of(std::string_view subject) {
  DeadJob job;
  JsonReader json(subject);
  const bool read = json.read_object([&](const std::string& name) {
    std::string* const text = name == "transport" ? &job.sender.chat.transport
                              : name == "chat"    ? &job.sender.chat.chat_id
                              : name == "user"    ? &job.sender.user_id
                              : name == "id"      ? &job.sender.event_id
                              : name == "service" ? &job.service
                              : name == "name"    ? &job.name
                              : name == "request" ? &job.request
                                                  : nullptr;
    return text ? json.read_string(*text) : pass_over(json);
  });
  return read && !job.sender.chat.transport.empty() ? std::optional(std::move(job)) : std::nullopt;
}

/// `12` or `o12`; 0 where it is neither.
std::int64_t number_of(std::string_view id, bool& of_outbox) {
  of_outbox = !id.empty() && id.front() == kOfOutbox;
  if (of_outbox) id.remove_prefix(1);
  std::int64_t number = 0;
  const auto read = std::from_chars(id.data(), id.data() + id.size(), number);
  if (read.ec != std::errc() || read.ptr != id.data() + id.size() || number < 0) return 0;
  return number;
}

void describe(Letter& letter) {
  if (letter.kind == kEvent) {
    if (const auto sender = sender_of(letter.subject)) {
      letter.chat = sender->chat;
      letter.retryable = true;
    }
    return;
  }
  if (letter.kind == kJob) {  // its dialog has gone on without it; some work is worth doing all the same
    if (const auto job = job_of(letter.subject)) {
      letter.chat = job->sender.chat;
      letter.retryable = !job->request.empty();
    }
    return;
  }
  OutboxRow row;
  if (from_json(letter.subject, row)) {
    letter.chat = row.chat;
    letter.retryable = true;
    return;
  }
  // Letters of the first versions: `telegram:123 sendMessage {…}`.
  const std::size_t colon = letter.subject.find(':');
  const std::size_t space = letter.subject.find(' ');
  if (colon == std::string::npos || space == std::string::npos || space < colon) return;
  letter.chat = {letter.subject.substr(0, colon), letter.subject.substr(colon + 1, space - colon - 1)};
}

std::int64_t at_most(std::size_t limit) {
  return static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX));
}

}  // namespace

// ---- letters

std::vector<Letter> SqlHousekeeping::read_dead(std::string_view bot, std::int64_t only, std::int64_t limit) {
  std::vector<Letter> found;
  std::int64_t id = 0;
  Letter letter;
  const auto row = [&] {
    Letter one = letter;
    one.id = std::to_string(id);
    describe(one);
    found.push_back(std::move(one));
  };
  const auto outs = std::tie(id, letter.bot, letter.kind, letter.at.unix_ms, letter.reason, letter.subject);
  if (only != 0) {
    tx_.statements_.each("SELECT id, bot, kind, at_unix_ms, reason, subject FROM dead_letters WHERE id = ?", outs,
                         row, only);
  } else {
    tx_.statements_.each(
        R"(SELECT id, bot, kind, at_unix_ms, reason, subject FROM dead_letters WHERE
           (CAST(? AS TEXT) = '' OR bot = ?) ORDER BY id DESC LIMIT ?)",
        outs, row, bot, bot, limit);
  }
  return found;
}

std::vector<Letter> SqlHousekeeping::read_unknown(std::string_view bot, std::int64_t only, std::int64_t limit) {
  std::vector<Letter> found;
  OutboxRow row;
  std::string files;
  std::string reason;
  Moment at;
  const auto add = [&] {
    row.call.files.clear();
    const bool readable = files_from_text(files, row.call.files);
    Letter letter;
    letter.id = kOfOutbox + std::to_string(row.id);
    letter.bot = row.bot;
    letter.kind = kUnknown;
    letter.chat = row.chat;
    letter.subject = to_json(row);
    letter.reason = reason;
    letter.at = at;
    letter.retryable = readable;
    found.push_back(std::move(letter));
  };
  const auto outs = std::tie(row.id, row.bot, row.chat.transport, row.chat.chat_id, row.dialog_id, at.unix_ms,
                             row.resend, row.call.ordered, row.call.expendable, row.call.hold.ms, row.call.method,
                             row.call.body, files, row.call.repeat_key, row.notice, row.ticket_message,
                             reason);
  if (only != 0) {
    tx_.statements_.each(
        R"(SELECT id, bot, transport, chat, dialog_id, created_at_unix_ms, resend, ordered, expendable,
           hold_ms, method, body, files, repeat_key, notice, ticket_message, reason FROM outbox WHERE id = ? AND state = ?)",
        outs, add, only, OutboxRow::State::Unknown);
  } else {
    tx_.statements_.each(
        R"(SELECT id, bot, transport, chat, dialog_id, created_at_unix_ms, resend, ordered, expendable,
           hold_ms, method, body, files, repeat_key, notice, ticket_message, reason FROM outbox WHERE state = ? AND
           (CAST(? AS TEXT) = '' OR bot = ?) ORDER BY id DESC LIMIT ?)",
        outs, add, OutboxRow::State::Unknown, bot, bot, limit);
  }
  return found;
}

Stored<std::vector<Letter>> SqlHousekeeping::letters(std::string_view bot, std::size_t limit) {
  return tx_.operation([&]() -> Stored<std::vector<Letter>> {
    tx_.write_out();
    std::vector<Letter> found = read_dead(bot, 0, at_most(limit));
    std::vector<Letter> unknown = read_unknown(bot, 0, at_most(limit));
    std::move(unknown.begin(), unknown.end(), std::back_inserter(found));
    std::reverse(found.begin(), found.end());
    std::stable_sort(found.begin(), found.end(), [](const Letter& a, const Letter& b) { return a.at < b.at; });
    if (found.size() > limit) found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(limit));
    return found;
  });
}

Stored<std::optional<Letter>> SqlHousekeeping::letter(std::string_view id) {
  return tx_.operation([&]() -> Stored<std::optional<Letter>> {
    bool of_outbox = false;
    const std::int64_t number = number_of(id, of_outbox);
    if (number == 0) return std::optional<Letter>();
    std::vector<Letter> found = of_outbox ? read_unknown({}, number, 1) : read_dead({}, number, 1);
    if (found.empty()) return std::optional<Letter>();
    return std::optional(std::move(found.front()));
  });
}

Stored<std::vector<std::string>> SqlHousekeeping::letter_ids(std::string_view bot) {
  return tx_.operation([&]() -> Stored<std::vector<std::string>> {
    std::vector<std::string> ids;
    std::int64_t id = 0;
    tx_.statements_.each(
        "SELECT id FROM dead_letters WHERE (CAST(? AS TEXT) = '' OR bot = ?) ORDER BY id", std::tie(id),
        [&] { ids.push_back(std::to_string(id)); }, bot, bot);
    tx_.statements_.each(
        "SELECT id FROM outbox WHERE state = ? AND (CAST(? AS TEXT) = '' OR bot = ?) ORDER BY id", std::tie(id),
        [&] { ids.push_back(kOfOutbox + std::to_string(id)); }, OutboxRow::State::Unknown, bot, bot);
    return ids;
  });
}

Stored<std::optional<OutboxRow>> SqlHousekeeping::put_back(const Letter& letter, Moment at) {
  const auto gone = drop(letter);
  if (!gone) return Error{gone.error()};
  if (letter.kind == kEvent) {
    const auto sender = sender_of(letter.subject);
    if (!sender) {
      return Error{StorageError{StorageError::Kind::Other, "letter " + letter.id + " holds no event that can be read"}};
    }
    InboxRow row;
    row.bot = letter.bot;
    row.transport = sender->chat.transport;
    row.user_id = sender->user_id;
    row.event_id = sender->event_id;
    row.incoming = letter.subject;
    if (auto put = tx_.put_inbox(row); !put) return Error{put.error()};
    return std::optional<OutboxRow>();
  }
  if (letter.kind == kJob) {
    const auto dead = job_of(letter.subject);
    if (!dead || dead->request.empty()) {
      return Error{StorageError{StorageError::Kind::Other, "letter " + letter.id + " holds no job that can be read"}};
    }
    auto dialog = tx_.load_dialog({letter.bot, dead->sender.chat, dead->sender.user_id});
    if (!dialog) return Error{dialog.error()};
    // Nobody waits for it any more.
    JobRow job{0, letter.bot, dialog->id, 0, dead->service, dead->name, dead->request, at, 0, 0};
    if (auto put = tx_.jobs().put(job); !put) return Error{put.error()};
    return std::optional<OutboxRow>();
  }
  OutboxRow row;
  if (!from_json(letter.subject, row)) {
    return Error{StorageError{StorageError::Kind::Other, "letter " + letter.id + " holds no message that can be read"}};
  }
  row.bot = letter.bot;
  // As the player stores such a row: a crash before its sending is then the same as one after it.
  row.state = row.resend == ResendPolicy::Never ? OutboxRow::State::Sending : OutboxRow::State::New;
  auto id = tx_.enqueue(row, at);
  if (!id) return Error{id.error()};
  row.id = *id;
  return std::optional(std::move(row));
}

Stored<Done> SqlHousekeeping::drop(const Letter& letter) {
  return tx_.operation([&]() -> Stored<Done> {
    bool of_outbox = false;
    const std::int64_t number = number_of(letter.id, of_outbox);
    tx_.statements_.run(of_outbox ? "DELETE FROM outbox WHERE id = ?" : "DELETE FROM dead_letters WHERE id = ?",
                        number);
    return Done{};
  });
}

// ---- figures

Stored<std::vector<Housekeeping::UsageLine>> SqlHousekeeping::usage(std::string_view bot, Moment since, UsageBy by,
                                                                    std::size_t limit) {
  return tx_.operation([&]() -> Stored<std::vector<UsageLine>> {
    std::vector<UsageLine> all;
    UsageLine one;
    std::int64_t day = 0;
    std::string of_bot;
    std::size_t of_this = 0;
    const auto add = [&] {
      of_this = one.bot == of_bot ? of_this + 1 : 1;
      of_bot = one.bot;
      if (of_this > limit) return;
      if (by == UsageBy::Day) one.what = Date{static_cast<std::int32_t>(day)}.to_iso();
      all.push_back(one);
    };
    Statements& statements = tx_.statements_;
    const std::int64_t first = utc_day(since);
    switch (by) {
      case UsageBy::Day:
        statements.each(
            R"(SELECT bot, day, CAST(sum(answers) AS BIGINT), CAST(sum(tokens_in) AS BIGINT),
                 CAST(sum(tokens_out) AS BIGINT) FROM model_usage
               WHERE day >= ? AND (CAST(? AS TEXT) = '' OR bot = ?) GROUP BY bot, day ORDER BY bot, day DESC)",
            std::tie(one.bot, day, one.answers, one.tokens_in, one.tokens_out), add, first, bot, bot);
        break;
      case UsageBy::Person:
        statements.each(
            R"(SELECT bot, transport || ':' || user_id, CAST(sum(answers) AS BIGINT), CAST(sum(tokens_in) AS BIGINT),
                 CAST(sum(tokens_out) AS BIGINT) FROM model_usage
               WHERE day >= ? AND (CAST(? AS TEXT) = '' OR bot = ?) GROUP BY bot, transport, user_id
               ORDER BY bot, sum(tokens_in + tokens_out) DESC, transport, user_id)",
            std::tie(one.bot, one.what, one.answers, one.tokens_in, one.tokens_out), add, first, bot, bot);
        break;
      case UsageBy::Model:
        statements.each(
            R"(SELECT bot, model, CAST(sum(answers) AS BIGINT), CAST(sum(tokens_in) AS BIGINT),
                 CAST(sum(tokens_out) AS BIGINT) FROM model_usage
               WHERE day >= ? AND (CAST(? AS TEXT) = '' OR bot = ?) GROUP BY bot, model
               ORDER BY bot, sum(tokens_in + tokens_out) DESC, model)",
            std::tie(one.bot, one.what, one.answers, one.tokens_in, one.tokens_out), add, first, bot, bot);
        break;
    }
    return all;
  });
}

Stored<std::vector<Housekeeping::Queues>> SqlHousekeeping::queues() {
  return tx_.operation([&]() -> Stored<std::vector<Queues>> {
    tx_.write_out();
    std::map<std::string, Queues> by_bot;
    std::string bot;
    std::int64_t count = 0;
    const auto outs = std::tie(bot, count);
    const auto into = [&](std::int64_t Queues::*figure) {
      return [&by_bot, &bot, &count, figure] { by_bot[bot].*figure += count; };
    };
    Statements& statements = tx_.statements_;
    statements.each("SELECT bot, count(*) FROM dialogs GROUP BY bot", outs, into(&Queues::dialogs));
    statements.each("SELECT bot, count(*) FROM inbox GROUP BY bot", outs, into(&Queues::inbox));
    statements.each("SELECT bot, count(*) FROM outbox WHERE state <> ? AND state <> ? GROUP BY bot", outs,
                    into(&Queues::outbox), OutboxRow::State::Unknown, OutboxRow::State::Dead);
    statements.each("SELECT bot, count(*) FROM outbox WHERE state = ? GROUP BY bot", outs, into(&Queues::unknown),
                    OutboxRow::State::Unknown);
    statements.each("SELECT bot, count(*) FROM timers GROUP BY bot", outs, into(&Queues::timers));
    statements.each("SELECT bot, count(*) FROM jobs GROUP BY bot", outs, into(&Queues::jobs));
    statements.each("SELECT bot, count(*) FROM dead_letters GROUP BY bot", outs, into(&Queues::letters));
    std::vector<Queues> all;
    for (auto& [name, queues] : by_bot) {
      queues.bot = name;
      queues.letters += queues.unknown;
      all.push_back(std::move(queues));
    }
    return all;
  });
}

Stored<std::vector<Housekeeping::DeskLine>> SqlHousekeeping::desks(std::string_view bot) {
  return tx_.operation([&]() -> Stored<std::vector<DeskLine>> {
    std::map<std::pair<std::string, std::string>, DeskLine> by_name;
    std::string of_bot;
    std::string desk;
    std::int64_t first = 0;
    std::int64_t second = 0;
    const auto outs = std::tie(of_bot, desk, first, second);
    const auto line = [&]() -> DeskLine& { return by_name[{of_bot, desk}]; };
    Statements& statements = tx_.statements_;
    statements.each(R"(SELECT bot, desk, CAST(sum(1 - removed) AS BIGINT), CAST(sum((1 - removed) * on_duty) AS BIGINT)
                       FROM agents WHERE (CAST(? AS TEXT) = '' OR bot = ?) GROUP BY bot, desk)",
                    outs, [&] { line().agents = first, line().on_duty = second; }, bot, bot);
    statements.each(R"(SELECT bot, desk, count(*), min(queued_at_unix_ms) FROM tickets WHERE state = 0 AND
                       (CAST(? AS TEXT) = '' OR bot = ?) GROUP BY bot, desk)",
                    outs, [&] { line().queued = first, line().waits_since.unix_ms = second; }, bot, bot);
    statements.each(R"(SELECT bot, desk, count(*), CAST(0 AS BIGINT) FROM tickets WHERE state = 1 AND
                       (CAST(? AS TEXT) = '' OR bot = ?) GROUP BY bot, desk)",
                    outs, [&] { line().open = first; }, bot, bot);
    std::vector<DeskLine> all;
    for (auto& [name, one] : by_name) {
      one.bot = name.first;
      one.desk = name.second;
      all.push_back(std::move(one));
    }
    return all;
  });
}

Stored<int> SqlHousekeeping::schema() {
  return tx_.operation([&]() -> Stored<int> {
    int version = 0;
    tx_.statements_.one("SELECT max(version) FROM schema_version", std::tie(version));
    return version;
  });
}

Stored<std::vector<Housekeeping::DialogLine>> SqlHousekeeping::dialogs(std::string_view bot, std::size_t limit) {
  return tx_.operation([&]() -> Stored<std::vector<DialogLine>> {
    tx_.write_out();
    std::vector<DialogLine> lines;
    DialogLine line;
    tx_.statements_.each(
        R"(SELECT d.id, d.bot, d.transport, d.chat, d.user_id, d.place, d.changed_at_unix_ms,
           COALESCE(u.record, '') FROM dialogs AS d LEFT JOIN users AS u ON u.id = d.user_row WHERE
           d.state <> '' AND (CAST(? AS TEXT) = '' OR d.bot = ?) ORDER BY d.changed_at_unix_ms DESC, d.id DESC LIMIT ?)",
        std::tie(line.id, line.key.bot, line.key.chat.transport, line.key.chat.chat_id, line.key.user_id, line.place,
                 line.changed_at.unix_ms, line.user),
        [&] { lines.push_back(line); }, bot, bot, at_most(limit));
    return lines;
  });
}

Stored<std::vector<Housekeeping::DialogLine>> SqlHousekeeping::dialog_page(std::string_view bot, const DialogFilter& filter,
                                                                           std::int64_t after_id, std::size_t limit) {
  return tx_.operation([&]() -> Stored<std::vector<DialogLine>> {
    tx_.write_out();
    std::vector<DialogLine> lines;
    DialogLine line;
    const bool whole = filter.place.find('/') != std::string::npos || filter.place == "none";
    const std::string branch = whole ? filter.place : filter.place + "/";
    const auto length = static_cast<std::int64_t>(whole ? INT32_MAX : count_code_points(branch));
    const std::int64_t before = filter.changed_before.unix_ms == 0 ? INT64_MAX : filter.changed_before.unix_ms;
    tx_.statements_.each(
        R"(SELECT d.id, d.bot, d.transport, d.chat, d.user_id, d.place, d.changed_at_unix_ms,
           COALESCE(u.record, '') FROM dialogs AS d LEFT JOIN users AS u ON u.id = d.user_row WHERE
           d.id > ? AND d.bot = ? AND d.transport <> ? AND d.state <> '' AND d.changed_at_unix_ms <= ? AND
           (CAST(? AS TEXT) = '' OR substr(d.place, 1, CAST(? AS INTEGER)) = ?) AND
           (CAST(? AS TEXT) = '' OR (d.transport = ? AND d.user_id = ?)) ORDER BY d.id LIMIT ?)",
        std::tie(line.id, line.key.bot, line.key.chat.transport, line.key.chat.chat_id, line.key.user_id, line.place,
                 line.changed_at.unix_ms, line.user),
        [&] { lines.push_back(line); }, after_id, bot, kScheduleTransport, before, filter.place, length, branch,
        filter.transport, filter.transport, filter.user_id, at_most(limit));
    return lines;
  });
}

/// Of a person's record, as far as it has one: what a system that knows the person may have called them by.
static std::string phone_in(const std::string& record) {
  constexpr std::string_view kPhone = "\"phone\":\"";
  const std::size_t at = record.find(kPhone);
  if (at == record.npos) return {};
  const std::size_t begin = at + kPhone.size();
  return record.substr(begin, record.find('"', begin) - begin);
}

// ---- erasing a person

std::int64_t SqlHousekeeping::erase_rows_of(const std::string& table, const Erasable& who) {
  const std::string query = "DELETE FROM " + quote_name(table) +
                            " WHERE dialog_id IN (SELECT id FROM dialogs WHERE user_id = :user AND transport = "
                            ":transport AND (CAST(:every AS TEXT) = '' OR bot = :bot))";
  soci::statement statement(tx_.sql_);
  const std::string every = who.bot;
  statement.exchange(soci::use(who.user_id));
  statement.exchange(soci::use(who.transport));
  statement.exchange(soci::use(every));
  statement.exchange(soci::use(who.bot));
  statement.alloc();
  statement.prepare(query);
  statement.define_and_bind();
  statement.execute(true);
  return statement.get_affected_rows();
}

/// What another process plays of the person right now would be written behind the erasure.
void SqlHousekeeping::hold(const Erasable& who) {
  if (!tx_.dialect_.shared) return;
  std::vector<std::string> bots;
  std::string bot;
  if (who.bot.empty()) {
    // Somebody who writes for the first time stands in the inbox alone. In one order, or two who erase would wait for
    // each other.
    tx_.statements_.each(
        R"(SELECT bot FROM dialogs WHERE user_id = ? AND transport = ? UNION SELECT bot FROM inbox WHERE transport = ?
           ORDER BY bot)",
        std::tie(bot), [&] { bots.push_back(bot); }, who.user_id, who.transport, who.transport);
  } else {
    bots.push_back(who.bot);
  }
  for (const std::string& one : bots)
    if (auto held = tx_.hold_person(one, who.transport, who.user_id); !held) throw Failure(held.error());
}

Stored<Erased> SqlHousekeeping::erase(const Erasable& who) {
  return tx_.operation([&]() -> Stored<Erased> {
    hold(who);
    // No report begins, and none is stored, until this is done: what they read may hold the person's words.
    if (tx_.dialect_.shared) tx_.statements_.run("LOCK TABLE report_files IN SHARE ROW EXCLUSIVE MODE");
    tx_.write_out();
    Statements& statements = tx_.statements_;
    Erased erased;
    const auto note = [&](std::string what, std::int64_t count) { erased.counts.emplace_back(std::move(what), count); };
    const auto their = [&](const char* sql) { return statements.run(sql, who.user_id, who.transport, who.bot, who.bot); };

    lock_desks_of(who);
    std::set<std::int64_t> dialogs;
    std::int64_t id = 0;
    statements.each(
        R"(SELECT id FROM dialogs WHERE user_id = ? AND transport = ? AND
           (CAST(? AS TEXT) = '' OR bot = ?))",
        std::tie(id), [&] { dialogs.insert(id); }, who.user_id, who.transport, who.bot, who.bot);

    // The dialogs go last: everything else is found by them.
    std::vector<std::string> tables;
    std::string table;
    statements.each("SELECT name FROM scenario_tables ORDER BY name", std::tie(table),
                    [&] { tables.push_back(table); });

    note("seen events",
         their(R"(DELETE FROM seen_events WHERE (event_id, transport, bot) IN (SELECT j.event_id, d.transport,
                  d.bot FROM journal AS j JOIN dialogs AS d ON d.id = j.dialog_id WHERE d.user_id = ? AND
                  d.transport = ? AND (CAST(? AS TEXT) = '' OR d.bot = ?)))"));
    note("journal lines",
         their(R"(DELETE FROM journal WHERE dialog_id IN (SELECT id FROM dialogs WHERE user_id = ? AND
                  transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)))"));
    // What other systems sent without saying to whom stands in dialogs of the events' own.
    std::set<std::string> called{who.user_id};
    std::string record;
    statements.each(R"(SELECT record FROM users WHERE user_id = ? AND transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?))",
                    std::tie(record), [&] { called.insert(phone_in(record)); }, who.user_id, who.transport, who.bot, who.bot);
    std::int64_t lines = 0;
    for (const std::string& name : called) {
      if (name.size() < 5) continue;  // a short number stands in anything
      const std::string digits = "%" + name.substr(name.front() == '+' ? 1 : 0) + "%";
      lines += statements.run(
          R"(DELETE FROM journal WHERE dialog_id IN (SELECT id FROM dialogs WHERE transport = ? AND substr(chat, 1, 6) =
             'event:' AND (CAST(? AS TEXT) = '' OR bot = ?)) AND event LIKE ?)",
          kScheduleTransport, who.bot, who.bot, digits);
    }
    note("calls of other systems", lines);
    note("timers", their(R"(DELETE FROM timers WHERE dialog_id IN (SELECT id FROM dialogs WHERE user_id = ? AND
                            transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)))"));
    note("jobs", their(R"(DELETE FROM jobs WHERE dialog_id IN (SELECT id FROM dialogs WHERE user_id = ? AND
                          transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)))"));
    note("broadcasts to come",
         their(R"(DELETE FROM broadcast_people WHERE dialog IN (SELECT id FROM dialogs WHERE user_id = ? AND
                  transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)))"));
    // What they have sent to others is not theirs alone, but what it says may be about them: one that is over goes.
    note("broadcasts",
         their(R"(DELETE FROM broadcasts WHERE state > 2 AND dialog_id IN (SELECT id FROM dialogs WHERE user_id = ? AND
                  transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)))"));
    note("broadcasts under way",
         statements.run(R"(UPDATE broadcasts SET begun_by = ?, dialog_id = 0 WHERE dialog_id IN (SELECT id FROM dialogs WHERE
                           user_id = ? AND transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)))",
                        kBegunByErased, who.user_id, who.transport, who.bot, who.bot));
    note("counted events",
         their(R"(DELETE FROM track_events WHERE dialog_id IN (SELECT id FROM dialogs WHERE user_id = ? AND
                  transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)))"));

    note("what models answered",
         their("DELETE FROM model_usage WHERE user_id = ? AND transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)"));
    note("links to a CRM",
         their("DELETE FROM crm_links WHERE user_id = ? AND transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)") +
             their("DELETE FROM crm_made WHERE user_id = ? AND transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)"));

    std::set<std::int64_t> said;
    erase_at_desks(who, erased, said);
    // Below 0: what makes the topic that the message will go to, named as the client is.
    const auto is_of_said = [&](std::int64_t message) { return said.contains(message < 0 ? -message : message); };

    // Of messages and notices: those to the person, and those that tell others of them.
    const auto of_chat = [&](const char* by_dialog, const char* by_chat) { return their(by_dialog) + their(by_chat); };
    statements.each(
        R"(SELECT id FROM outbox WHERE (chat = ? AND transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)) OR
           dialog_id IN (SELECT id FROM dialogs WHERE user_id = ? AND transport = ? AND
           (CAST(? AS TEXT) = '' OR bot = ?)))",
        std::tie(id), [&] { erased.outbox_ids.push_back(id); }, who.user_id, who.transport, who.bot, who.bot,
        who.user_id, who.transport, who.bot, who.bot);
    // What a ticket's message is carried by is mostly of the client's dialog; whatever is not is found by the message.
    std::int64_t copies = 0;
    std::int64_t ticket_message = 0;
    statements.each("SELECT id, ticket_message FROM outbox WHERE ticket_message <> 0", std::tie(id, ticket_message), [&] {
      if (is_of_said(ticket_message)) erased.outbox_ids.push_back(id);
    });
    for (const std::int64_t one : said)
      copies += statements.run("DELETE FROM messages_map WHERE ticket_message IN (?, ?) AND ticket_message <> 0", one,
                               -one);
    std::sort(erased.outbox_ids.begin(), erased.outbox_ids.end());
    erased.outbox_ids.erase(std::unique(erased.outbox_ids.begin(), erased.outbox_ids.end()), erased.outbox_ids.end());
    tx_.withdraw(erased.outbox_ids);
    note("messages to be sent", static_cast<std::int64_t>(erased.outbox_ids.size()));
    note("message links",
         copies + of_chat(R"(DELETE FROM messages_map WHERE dialog_id IN (SELECT id FROM dialogs WHERE user_id = ? AND
                    transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)))",
                 "DELETE FROM messages_map WHERE chat = ? AND transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)"));

    const std::vector<std::string> names = erase_in_runs(who, note);
    const auto is_named = [&](std::string_view text) {
      return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return text.find(name) != text.npos; });
    };

    const auto is_theirs = [&](const Sender& sender) {
      return sender.chat.transport == who.transport &&
             (sender.user_id == who.user_id || sender.chat.chat_id == who.user_id);
    };
    std::vector<std::int64_t> ids;
    std::string bot;
    std::string kind;
    std::string subject;
    statements.each("SELECT id, bot, incoming FROM inbox", std::tie(id, bot, subject), [&] {
      if (!who.bot.empty() && bot != who.bot) return;
      const auto sender = sender_of(subject);
      if (sender && is_theirs(*sender)) ids.push_back(id);
    });
    for (const std::int64_t one : ids) statements.run("DELETE FROM inbox WHERE id = ?", one);
    note("events to be played", static_cast<std::int64_t>(ids.size()));

    ids.clear();
    statements.each("SELECT id, bot, kind, subject FROM dead_letters", std::tie(id, bot, kind, subject), [&] {
      if (!who.bot.empty() && bot != who.bot) return;
      bool theirs = false;
      OutboxRow row;
      if (kind == kEvent || kind == kJob) {
        const auto sender = sender_of(subject);
        // What a schedule had to do for many names whom it is about, if anybody.
        theirs = sender && (is_theirs(*sender) || (sender->chat.transport == kScheduleTransport && is_named(subject)));
      } else if (from_json(subject, row)) {
        theirs = dialogs.contains(row.dialog_id) || is_of_said(row.ticket_message) ||
                 (row.chat.transport == who.transport && row.chat.chat_id == who.user_id);
      } else {
        theirs = subject.starts_with(who.transport + ":" + who.user_id + " ");
      }
      if (theirs) ids.push_back(id);
    });
    for (const std::int64_t one : ids) statements.run("DELETE FROM dead_letters WHERE id = ?", one);
    note("dead letters", static_cast<std::int64_t>(ids.size()));

    for (const std::string& one : tables) note("table " + one, erase_rows_of(one, who));
    note("people", their("DELETE FROM users WHERE user_id = ? AND transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)"));
    auto rehearsals = tx_.versions().forget_person(who.bot, who.transport, who.user_id);
    if (!rehearsals) return Error{rehearsals.error()};
    note("rehearsals", *rehearsals);
    // Nobody looks into files that are about many people: each can be made again.
    note("files of reports", dialogs.empty() ? 0 : tx_.reports_->forget(who.bot, Moment{INT64_MAX}, INT64_MAX));
    note("dialogs",
         their("DELETE FROM dialogs WHERE user_id = ? AND transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)"));
    return erased;
  });
}

/// Runs of `schedules` without a person read about many, and nobody knows whom: what they have written down goes, for all
/// it is good for is to be played again. A run under way keeps what it needs until it is over (runtime/schedules.h). What
/// the person is called, as far as it is told apart in a text.
std::vector<std::string> SqlHousekeeping::erase_in_runs(const Erasable& who,
                                                        const std::function<void(std::string, std::int64_t)>& note) {
  Statements& statements = tx_.statements_;
  std::vector<std::string> names;
  const auto add_name = [&](const std::string& name) {
    if (count_code_points(name) >= kTellingName) names.push_back(name);
  };
  add_name(who.user_id);
  std::string record;
  statements.each("SELECT record FROM users WHERE user_id = ? AND transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)",
                  std::tie(record),
                  [&] {
                    Value user;
                    if (!from_json(record, user) || !user.map()) return;
                    add_name(text_of(*user.map(), "username"));
                    const std::string first = text_of(*user.map(), "first_name"), last = text_of(*user.map(), "last_name");
                    if (!first.empty() && !last.empty()) add_name(first + " " + last);
                  },
                  who.user_id, who.transport, who.bot, who.bot);
  struct Run {
    std::int64_t id = 0;
    std::string bot, name;
  };
  std::vector<Run> runs;
  Run run;
  statements.each(
      R"(SELECT id, bot, chat FROM dialogs WHERE transport = ? AND chat = user_id AND bot IN (SELECT bot FROM dialogs WHERE
         user_id = ? AND transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)) ORDER BY bot, chat)",
      std::tie(run.id, run.bot, run.name), [&] { runs.push_back(run); }, kScheduleTransport, who.user_id, who.transport, who.bot,
      who.bot);
  for (const Run& one : runs)
    if (auto held = tx_.hold_person(one.bot, kScheduleTransport, one.name); !held) throw Failure(held.error());
  const std::int64_t lines =
      statements.run(R"(DELETE FROM journal WHERE dialog_id IN (SELECT id FROM dialogs WHERE transport = ? AND chat = user_id AND
                        bot IN (SELECT bot FROM dialogs WHERE user_id = ? AND transport = ? AND (CAST(? AS TEXT) = '' OR
                        bot = ?))))",
                     kScheduleTransport, who.user_id, who.transport, who.bot, who.bot);
  std::int64_t values = 0;
  for (const Run& one : runs) {
    std::string state;
    statements.one("SELECT state FROM dialogs WHERE id = ?", std::tie(state), one.id);  // as it is now that nobody plays it
    if (state.empty()) continue;
    RunRest rest;
    if (read_run_rest(state, rest) && (rest.under_way || rest.pending)) {
      statements.run("UPDATE schedule_times SET forgets = 1 WHERE bot = ? AND name = ?", one.bot, one.name);
      continue;
    }
    values += statements.run("UPDATE dialogs SET state = '', place = '', pinned = '' WHERE id = ?", one.id);
  }
  note("journal lines of schedules", lines);
  note("values of schedules", values);
  return names;
}

/// Another process that works at such a desk would write what it has read back over what is erased here.
void SqlHousekeeping::lock_desks_of(const Erasable& who) {
  std::vector<std::pair<std::string, std::string>> desks;
  std::string bot;
  std::string desk;
  tx_.statements_.each(
      R"(SELECT bot, desk FROM tickets WHERE dialog_id IN (SELECT id FROM dialogs WHERE user_id = ? AND transport = ? AND
         (CAST(? AS TEXT) = '' OR bot = ?)) UNION SELECT bot, desk FROM agents WHERE user_id = ? AND transport = ? AND
         (CAST(? AS TEXT) = '' OR bot = ?))",
      std::tie(bot, desk), [&] { desks.emplace_back(bot, desk); }, who.user_id, who.transport, who.bot, who.bot,
      who.user_id, who.transport, who.bot, who.bot);
  std::sort(desks.begin(), desks.end());  // as everybody takes them; a database may have another order of letters
  for (const auto& [of_bot, name] : desks) tx_.lock_desk(of_bot, name);
}

/// A client's tickets stay as figures without a word of theirs, closed, for nobody is there to be answered. Tickets of
/// an agent wait for another.
void SqlHousekeeping::erase_at_desks(const Erasable& who, Erased& erased, std::set<std::int64_t>& messages) {
  Statements& statements = tx_.statements_;
  const auto note = [&](const char* what, std::int64_t count) { erased.counts.emplace_back(what, count); };
  const auto ids_of = [&](const char* sql) {
    std::vector<std::int64_t> ids;
    std::int64_t id = 0;
    statements.each(sql, std::tie(id), [&] { ids.push_back(id); }, who.user_id, who.transport, who.bot, who.bot);
    return ids;
  };

  const std::vector<std::int64_t> tickets =
      ids_of(R"(SELECT id FROM tickets WHERE dialog_id IN (SELECT id FROM dialogs WHERE user_id = ? AND transport = ? AND
                (CAST(? AS TEXT) = '' OR bot = ?)) ORDER BY id)");
  std::int64_t lines = 0;
  for (const std::int64_t ticket : tickets) {
    std::int64_t id = 0;
    statements.each("SELECT id FROM ticket_messages WHERE ticket_id = ?", std::tie(id), [&] { messages.insert(id); },
                    ticket);
    lines += statements.run("DELETE FROM ticket_messages WHERE ticket_id = ?", ticket);
    statements.each("SELECT id FROM tickets WHERE id = ? AND state = 1", std::tie(id),
                    [&] { erased.changed_tickets.push_back(id); }, ticket);
    statements.run(R"(UPDATE agents SET current_ticket = 0 WHERE current_ticket = ?)", ticket);
    statements.run(
        R"(UPDATE tickets SET outcome = 'client_left', offered_to = 0, closed_at_unix_ms = CASE
             WHEN client_at_unix_ms >= agent_at_unix_ms AND client_at_unix_ms >= opened_at_unix_ms THEN client_at_unix_ms
             WHEN agent_at_unix_ms >= opened_at_unix_ms THEN agent_at_unix_ms ELSE opened_at_unix_ms END
           WHERE id = ? AND state <> 2)",
        ticket);
    statements.run("UPDATE tickets SET state = 2, dialog_id = 0, client_name = '', topic = '' WHERE id = ?", ticket);
  }
  note("tickets", static_cast<std::int64_t>(tickets.size()));
  note("messages of tickets", lines);

  const std::vector<std::int64_t> agents =
      ids_of(R"(SELECT id FROM agents WHERE user_id = ? AND transport = ? AND (CAST(? AS TEXT) = '' OR bot = ?)
                ORDER BY id)");
  std::int64_t signed_by = 0;
  for (const std::int64_t agent : agents) {
    signed_by += statements.run(
        "UPDATE ticket_messages SET author = '', transport = '', chat = '', message_id = '' WHERE agent_id = ?", agent);
    std::int64_t open = 0;
    statements.each("SELECT id FROM tickets WHERE agent_id = ? AND state = 1 ORDER BY opened_at_unix_ms, id",
                    std::tie(open), [&] { erased.changed_tickets.push_back(open); }, agent);
    statements.run("UPDATE tickets SET state = 0, agent_id = 0, assigned_at_unix_ms = 0 WHERE agent_id = ? AND state = 1",
                   agent);
    statements.run("UPDATE tickets SET offered_to = 0 WHERE offered_to = ?", agent);
    statements.run("DELETE FROM agents WHERE id = ?", agent);
  }
  note("agents", static_cast<std::int64_t>(agents.size()));
  note("signatures of agents", signed_by);
  note("wrong tokens",
       statements.run(R"(DELETE FROM token_failures WHERE user_id = ? AND transport = ? AND
                         (CAST(? AS TEXT) = '' OR bot = ?))",
                      who.user_id, who.transport, who.bot, who.bot));
}

// ---- what is kept for a time

Stored<Housekeeping::Bite> SqlHousekeeping::clear(Kept what, Moment before, const Bite& after, std::int64_t rows) {
  return tx_.operation([&]() -> Stored<Bite> {
    if (what == Kept::Messages) return clear_messages(before, after, rows);
    if (what == Kept::Dialogs) return clear_dialogs(before, after, rows);
    if (what == Kept::Tickets) return clear_tickets(before, after, rows);
    if (what == Kept::Files) {
      // A file is many pages, so a few at a time.
      Bite bite;
      bite.removed = tx_.reports_->forget({}, before, std::max<std::int64_t>(1, rows / 100));
      bite.last = bite.removed == 0;
      return bite;
    }
    // Ids grow with time, so the old ones are at the beginning.
    Bite bite;
    switch (what) {
      case Kept::Journal:
        bite.removed = tx_.statements_.run(
            R"(DELETE FROM journal WHERE id IN (SELECT id FROM (SELECT id, at_unix_ms FROM journal ORDER BY id
               LIMIT ?) AS oldest WHERE at_unix_ms < ?))",
            rows, before.unix_ms);
        break;
      case Kept::DeadLetters:
        bite.removed = tx_.statements_.run(
            R"(DELETE FROM dead_letters WHERE id IN (SELECT id FROM (SELECT id, at_unix_ms FROM dead_letters
               ORDER BY id LIMIT ?) AS oldest WHERE at_unix_ms < ?))",
            rows, before.unix_ms);
        bite.removed += tx_.statements_.run(
            R"(DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state = ? AND created_at_unix_ms < ?
               ORDER BY id LIMIT ?))",
            OutboxRow::State::Unknown, before.unix_ms, rows);
        break;
      case Kept::Track:
        bite.removed = tx_.statements_.run(
            R"(DELETE FROM broadcasts WHERE id IN (SELECT id FROM broadcasts WHERE state > 2 AND ended_at_unix_ms < ? ORDER BY
               id LIMIT ?))",
            before.unix_ms, rows);
        [[fallthrough]];
      default:
        bite.removed += tx_.statements_.run(
            R"(DELETE FROM track_events WHERE id IN (SELECT id FROM (SELECT id, at_unix_ms FROM track_events
               ORDER BY id LIMIT ?) AS oldest WHERE at_unix_ms < ?))",
            rows, before.unix_ms);
        bite.removed += tx_.statements_.run(
            R"(DELETE FROM model_usage WHERE (day, bot, transport, user_id, model) IN (SELECT day, bot, transport, user_id,
               model FROM model_usage WHERE day < ? ORDER BY day LIMIT ?))",
            utc_day(before), rows);
        break;
    }
    bite.last = bite.removed == 0;
    return bite;
  });
}

/// What was said in a ticket that is still open is kept, however old. A closed one stays as a figure.
Housekeeping::Bite SqlHousekeeping::clear_tickets(Moment before, const Bite& after, std::int64_t rows) {
  Bite bite;
  bite.from_id = after.from_id;
  if (after.from_id == 0) {
    bite.removed = tx_.statements_.run(
        "DELETE FROM token_failures WHERE user_id <> '' AND last_at_unix_ms < ? AND locked_until_unix_ms < ?",
        before.unix_ms, before.unix_ms);
  }
  // Ids grow with time, and nothing that was said later was closed before.
  std::int64_t looked_at = 0;
  std::int64_t to = 0;
  std::int64_t oldest = 0;
  tx_.statements_.one(
      R"(SELECT COALESCE(max(id), 0), COALESCE(min(at_unix_ms), 0), count(*) FROM (SELECT id, at_unix_ms FROM
         ticket_messages WHERE id > ? ORDER BY id LIMIT ?) AS bite)",
      std::tie(to, oldest, looked_at), after.from_id, rows);
  if (looked_at == 0 || oldest >= before.unix_ms) return bite;
  bite.removed += tx_.statements_.run(
      R"(DELETE FROM ticket_messages WHERE id > ? AND id <= ? AND EXISTS (SELECT 1 FROM tickets AS t WHERE
         t.id = ticket_messages.ticket_id AND t.state = 2 AND t.closed_at_unix_ms < ?))",
      after.from_id, to, before.unix_ms);
  bite.from_id = to;
  bite.last = looked_at < rows;
  return bite;
}

/// There is no index by time, and a turn shall not pay for one: the table is gone through by its key.
Housekeeping::Bite SqlHousekeeping::clear_messages(Moment before, const Bite& after, std::int64_t rows) {
  Bite bite;
  std::int64_t looked_at = 0;
  tx_.statements_.one(
      R"(SELECT COALESCE(max(message_id), ''), count(*) FROM (SELECT message_id FROM messages_map WHERE
         message_id > ? ORDER BY message_id LIMIT ?) AS bite)",
      std::tie(bite.from_text, looked_at), after.from_text, rows);
  if (looked_at == 0) return bite;
  bite.removed = tx_.statements_.run(
      "DELETE FROM messages_map WHERE message_id > ? AND message_id <= ? AND at_unix_ms < ?", after.from_text,
      bite.from_text, before.unix_ms);
  bite.last = looked_at < rows;
  return bite;
}

/// A dialog that waits for a time is not idle, however long. What was said is gone; whose dialog it was stays, because
/// rows of the scenario's tables belong to it, and erasing a person must find them.
Housekeeping::Bite SqlHousekeeping::clear_dialogs(Moment before, const Bite& after, std::int64_t rows) {
  Bite bite;
  std::int64_t looked_at = 0;
  tx_.statements_.one(
      R"(SELECT COALESCE(max(id), 0), count(*) FROM (SELECT id FROM dialogs WHERE id > ? ORDER BY id LIMIT ?) AS
         bite)",
      std::tie(bite.from_id, looked_at), after.from_id, rows);
  if (looked_at == 0) return bite;
  std::vector<DialogKey> people;
  DialogKey key;
  std::vector<std::int64_t> ids;
  std::int64_t id = 0;
  tx_.statements_.each(
      R"(SELECT id, bot, transport, user_id FROM dialogs WHERE id > ? AND id <= ? AND changed_at_unix_ms < ? AND
         state <> '' AND NOT EXISTS (SELECT 1 FROM timers WHERE timers.dialog_id = dialogs.id) AND NOT EXISTS
         (SELECT 1 FROM tickets WHERE tickets.dialog_id = dialogs.id AND tickets.state <> 2))",
      std::tie(id, key.bot, key.chat.transport, key.user_id),
      [&] {
        ids.push_back(id);
        people.push_back(key);
      },
      after.from_id, bite.from_id, before.unix_ms);
  // Whom another process plays at this moment is not idle, and who was played since is not idle any more.
  const std::vector<bool> held = tx_.hold_if_free(people);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!held[i]) continue;
    const std::int64_t cleared = tx_.statements_.run(
        R"(UPDATE dialogs SET state = '', place = '', pinned = '', user_row = 0 WHERE id = ? AND changed_at_unix_ms < ? AND
           state <> '' AND NOT EXISTS (SELECT 1 FROM timers WHERE timers.dialog_id = dialogs.id))",
        ids[i], before.unix_ms);
    bite.removed += cleared;
    if (cleared == 0) continue;
    tx_.statements_.run("UPDATE tickets SET client_name = '' WHERE dialog_id = ?", ids[i]);
    // A person is known as long as one of their dialogs with the bot is.
    tx_.statements_.run(
        R"(DELETE FROM users WHERE user_id = ? AND transport = ? AND bot = ? AND NOT EXISTS (SELECT 1 FROM
           dialogs AS d WHERE d.user_id = users.user_id AND d.transport = users.transport AND d.bot = users.bot AND
           d.state <> ''))",
        people[i].user_id, people[i].chat.transport, people[i].bot);
  }
  bite.last = looked_at < rows;
  return bite;
}

}  // namespace sufler::storage

// A dialog's lines are a chain from the newest backwards (transaction.h), so a report walks the chains of those dialogs
// that changed since its time began, many at once. No index by time is needed, which every turn would pay for.
#include "storage/sql_reports.h"

#include <utility>
#include <vector>

namespace sufler::storage {

Stored<Done> SqlReports::put(std::string_view bot, std::string_view key, std::string_view letter_key, Moment at) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run(
        R"(INSERT INTO report_files (file_key, letter_key, bot, made_at_unix_ms) VALUES (?, ?, ?, ?)
           ON CONFLICT (file_key) DO UPDATE SET made_at_unix_ms = excluded.made_at_unix_ms)",
        key, letter_key, bot, at.unix_ms);
    return Done{};
  });
}

Stored<bool> SqlReports::has(std::string_view key) {
  return tx_.operation([&]() -> Stored<bool> {
    std::string found;
    return tx_.statements_.one(tx_.dialect_.locks_rows ? "SELECT file_key FROM report_files WHERE file_key = ? FOR UPDATE"
                                                       : "SELECT file_key FROM report_files WHERE file_key = ?",
                               std::tie(found), key);
  });
}

Stored<Done> SqlReports::drop(std::string_view key) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run("DELETE FROM report_files WHERE file_key = ?", key);
    return Done{};
  });
}

Stored<std::int64_t> SqlReports::lines(const Span& span, std::int64_t after_id, std::int64_t dialogs,
                                       const std::function<void(const Line&)>& line) {
  return tx_.operation([&]() -> Stored<std::int64_t> {
    if (span.dialog_id != 0) {
      if (after_id >= span.dialog_id) return std::int64_t{0};
      after_id = span.dialog_id - 1;
      dialogs = 1;
    }
    std::int64_t last = 0;
    tx_.statements_.one(
        "SELECT COALESCE(max(id), 0) FROM (SELECT id FROM dialogs WHERE id > ? ORDER BY id LIMIT ?) AS portion", std::tie(last),
        after_id, dialogs);
    if (last == 0 || (span.dialog_id != 0 && last != span.dialog_id)) return std::int64_t{0};
    Line one;
    // A schedule's own dialogs have nobody in them.
    tx_.statements_.each(
        R"(WITH RECURSIVE said (id, previous, at_unix_ms, dialog_id) AS (
             SELECT j.id, j.previous, j.at_unix_ms, j.dialog_id FROM dialogs AS d JOIN journal AS j ON j.id = d.last_line
             WHERE d.id > ? AND d.id <= ? AND d.bot = ? AND d.transport <> ? AND d.changed_at_unix_ms >= ?
             UNION ALL
             SELECT j.id, j.previous, j.at_unix_ms, j.dialog_id FROM said AS s JOIN journal AS j ON j.id = s.previous
             WHERE s.previous < s.id AND s.at_unix_ms >= ?)
           SELECT d.id, d.transport, d.chat, COALESCE(u.record, ''), j.at_unix_ms, j.event, j.turn FROM said AS s
           JOIN journal AS j ON j.id = s.id JOIN dialogs AS d ON d.id = s.dialog_id LEFT JOIN users AS u ON u.id = d.user_row
           WHERE s.at_unix_ms >= ? AND s.at_unix_ms < ? ORDER BY d.id, s.id)",
        std::tie(one.dialog_id, one.chat.transport, one.chat.chat_id, one.user, one.at.unix_ms, one.event, one.turn),
        [&] { line(one); }, after_id, last, span.bot, kScheduleTransport, span.from.unix_ms, span.from.unix_ms, span.from.unix_ms,
        span.to.unix_ms);
    return last;
  });
}

Stored<std::int64_t> SqlReports::tickets(std::string_view bot, Moment from, Moment to) {
  return tx_.operation([&]() -> Stored<std::int64_t> {
    std::int64_t count = 0;
    tx_.statements_.one("SELECT count(*) FROM tickets WHERE bot = ? AND opened_at_unix_ms >= ? AND opened_at_unix_ms < ?",
                        std::tie(count), bot, from.unix_ms, to.unix_ms);
    return count;
  });
}

std::int64_t SqlReports::forget(std::string_view bot, Moment before, std::int64_t limit) {
  std::vector<std::pair<std::string, std::string>> old;
  std::string key, letter_key;
  tx_.statements_.each(
      R"(SELECT file_key, letter_key FROM report_files WHERE made_at_unix_ms < ? AND (CAST(? AS TEXT) = '' OR bot = ?)
         ORDER BY made_at_unix_ms LIMIT ?)",
      std::tie(key, letter_key), [&] { old.emplace_back(key, letter_key); }, before.unix_ms, bot, bot, limit);
  for (const auto& [file, letter] : old) {
    tx_.statements_.run("DELETE FROM scenario_files WHERE hash = ?", file);
    tx_.statements_.run("DELETE FROM scenario_files WHERE hash = ?", letter);
    tx_.statements_.run("DELETE FROM report_files WHERE file_key = ?", file);
  }
  return static_cast<std::int64_t>(old.size());
}

}  // namespace sufler::storage

// One column says when a job may be claimed, whatever it waits for: `ready_at_unix_ms` is the moment of the turn for
// a new job, the end of the lease for one that is worked on, and the end of the wait for one that failed. So one index
// finds all of them, and a lease that has ended needs nobody to end it.
#include "storage/sql_jobs.h"

#include <algorithm>
#include <utility>

namespace sufler::storage {
namespace {

std::int64_t at_most(std::size_t limit) { return static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX)); }

#define SUFLER_READY_JOBS                                                                                     \
  "SELECT id, bot, dialog_id, serial, service, name, request, created_at_unix_ms, attempts, token FROM jobs " \
  "WHERE bot = ? AND service = ? AND ready_at_unix_ms <= ? "
#define SUFLER_FIRST_OF_DIALOG                                                                                                        \
  "AND NOT EXISTS (SELECT 1 FROM jobs AS older WHERE older.dialog_id = jobs.dialog_id AND older.service = jobs.service AND older.id " \
  "< jobs.id) "
#define SUFLER_OLDEST_FIRST "ORDER BY ready_at_unix_ms, id LIMIT ?"
#define SUFLER_OF_NOBODY_ELSE " FOR UPDATE SKIP LOCKED"

const char* ready_jobs(bool in_order, bool locks_rows) {
  if (in_order)
    return locks_rows ? SUFLER_READY_JOBS SUFLER_FIRST_OF_DIALOG SUFLER_OLDEST_FIRST SUFLER_OF_NOBODY_ELSE
                      : SUFLER_READY_JOBS SUFLER_FIRST_OF_DIALOG SUFLER_OLDEST_FIRST;
  return locks_rows ? SUFLER_READY_JOBS SUFLER_OLDEST_FIRST SUFLER_OF_NOBODY_ELSE : SUFLER_READY_JOBS SUFLER_OLDEST_FIRST;
}

}  // namespace

Stored<Done> SqlJobs::put(JobRow& row) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.one(
        R"(INSERT INTO jobs (bot, dialog_id, serial, service, name, request, created_at_unix_ms, ready_at_unix_ms,
           attempts, token, owner) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0) RETURNING id)",
        std::tie(row.id), row.bot, row.dialog_id, row.serial, row.service, row.name, row.request,
        row.created_at.unix_ms, row.created_at.unix_ms);
    return Done{};
  });
}

Stored<Done> SqlJobs::cancel(std::int64_t dialog_id, std::uint64_t serial) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run("DELETE FROM jobs WHERE dialog_id = ? AND serial = ?", dialog_id, serial);
    return Done{};
  });
}

Stored<std::vector<JobRow>> SqlJobs::claim(std::string_view bot, std::string_view service, Moment now,
                                           Moment lease_until, std::int64_t owner, std::size_t limit, bool in_order) {
  return tx_.operation([&]() -> Stored<std::vector<JobRow>> {
    std::vector<JobRow> rows;
    JobRow row;
    tx_.statements_.each(ready_jobs(in_order, tx_.dialect_.locks_rows),
                         std::tie(row.id, row.bot, row.dialog_id, row.serial, row.service, row.name, row.request,
                                  row.created_at.unix_ms, row.attempts, row.token),
                         [&] { rows.push_back(row); }, bot, service, now.unix_ms, at_most(limit));
    for (JobRow& one : rows) {
      tx_.statements_.run(
          "UPDATE jobs SET ready_at_unix_ms = ?, owner = ?, attempts = attempts + 1, token = token + 1 WHERE id = ?",
          lease_until.unix_ms, owner, one.id);
      ++one.attempts;
      ++one.token;
    }
    return rows;
  });
}

Stored<bool> SqlJobs::renew(std::int64_t id, std::int64_t token, Moment lease_until) {
  return tx_.operation([&]() -> Stored<bool> {
    return tx_.statements_.run("UPDATE jobs SET ready_at_unix_ms = ? WHERE id = ? AND token = ? AND owner <> 0",
                               lease_until.unix_ms, id, token) != 0;
  });
}

Stored<std::optional<DialogKey>> SqlJobs::whose(const JobRow& job) {
  return tx_.operation([&]() -> Stored<std::optional<DialogKey>> { return tx_.find_dialog(job.dialog_id); });
}

Stored<std::optional<DialogKey>> SqlJobs::finish(std::int64_t id, std::int64_t token) {
  return tx_.operation([&]() -> Stored<std::optional<DialogKey>> {
    std::int64_t dialog_id = 0;
    if (!tx_.statements_.one("DELETE FROM jobs WHERE id = ? AND token = ? AND owner <> 0 RETURNING dialog_id",
                             std::tie(dialog_id), id, token)) {
      return std::optional<DialogKey>();
    }
    return tx_.find_dialog(dialog_id);
  });
}

Stored<Done> SqlJobs::add_cost(const JobRow& job, const DialogKey& key, const Cost& cost, Moment at) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run(
        R"(INSERT INTO model_usage (day, bot, transport, user_id, model, answers, tokens_in, tokens_out)
           VALUES (?, ?, ?, ?, ?, 1, ?, ?)
           ON CONFLICT (day, bot, transport, user_id, model) DO UPDATE SET answers = model_usage.answers + 1,
             tokens_in = model_usage.tokens_in + excluded.tokens_in,
             tokens_out = model_usage.tokens_out + excluded.tokens_out)",
        utc_day(at), job.bot, key.chat.transport, key.user_id, job.name, cost.tokens_in, cost.tokens_out);
    return Done{};
  });
}

Stored<bool> SqlJobs::put_off(std::int64_t id, std::int64_t token, Moment from) {
  return tx_.operation([&]() -> Stored<bool> {
    return tx_.statements_.run(
               "UPDATE jobs SET ready_at_unix_ms = ?, owner = 0 WHERE id = ? AND token = ? AND owner <> 0",
               from.unix_ms, id, token) != 0;
  });
}

Stored<bool> SqlJobs::rewrite(std::int64_t id, std::int64_t token, std::string_view request) {
  return tx_.operation([&]() -> Stored<bool> {
    return tx_.statements_.run("UPDATE jobs SET request = ? WHERE id = ? AND token = ? AND owner <> 0", request, id, token) != 0;
  });
}

Stored<std::string> SqlJobs::request(std::int64_t id) {
  return tx_.operation([&]() -> Stored<std::string> {
    std::string request;
    tx_.statements_.one("SELECT request FROM jobs WHERE id = ?", std::tie(request), id);
    return request;
  });
}

Stored<bool> SqlJobs::give_back(std::int64_t id, std::int64_t token, Moment now) {
  return tx_.operation([&]() -> Stored<bool> {
    return tx_.statements_.run(
               R"(UPDATE jobs SET ready_at_unix_ms = ?, owner = 0, token = token + 1, attempts = attempts - 1 WHERE
                  id = ? AND token = ? AND owner <> 0)",
               now.unix_ms, id, token) != 0;
  });
}

Stored<std::int64_t> SqlJobs::release_all(Moment now) {
  return tx_.operation([&]() -> Stored<std::int64_t> {
    return tx_.statements_.run("UPDATE jobs SET ready_at_unix_ms = ?, owner = 0 WHERE owner <> 0", now.unix_ms);
  });
}

Stored<std::optional<Moment>> SqlJobs::next_ready(std::string_view bot, std::string_view service, Moment now) {
  return tx_.operation([&]() -> Stored<std::optional<Moment>> {
    Moment next;
    const bool found = tx_.statements_.one(
        "SELECT ready_at_unix_ms FROM jobs WHERE bot = ? AND service = ? AND ready_at_unix_ms > ? ORDER BY ready_at_unix_ms LIMIT 1",
        std::tie(next.unix_ms), bot, service, now.unix_ms);
    return found ? std::optional(next) : std::nullopt;
  });
}

Stored<std::vector<JobStore::Waiting>> SqlJobs::waiting() {
  return tx_.operation([&]() -> Stored<std::vector<Waiting>> {
    std::vector<Waiting> all;
    Waiting one;
    tx_.statements_.each("SELECT service, bot, count(*) FROM jobs GROUP BY service, bot", std::tie(one.service, one.bot, one.count),
                         [&] { all.push_back(one); });
    return all;
  });
}

Stored<std::vector<std::string>> SqlJobs::services_of(std::string_view bot) {
  return tx_.operation([&]() -> Stored<std::vector<std::string>> {
    std::vector<std::string> all;
    std::string service;
    tx_.statements_.each("SELECT DISTINCT service FROM jobs WHERE bot = ? ORDER BY service", std::tie(service),
                         [&] { all.push_back(service); }, bot);
    return all;
  });
}

}  // namespace sufler::storage

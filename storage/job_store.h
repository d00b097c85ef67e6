#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/storage.h"

/// Work that turns ask for and that is done outside of every transaction: programs, models, requests, mail
/// (ARCHITECTURE, invariant 6). `Transaction::jobs` gives it.
namespace sufler {

/// A job. It is one process's for as long as its lease lasts; each claim gets a token that is greater than all
/// before it, and only whoever shows the newest token may say what became of the job.
struct JobRow {
  std::int64_t id = 0;
  std::string bot;
  std::int64_t dialog_id = 0;
  std::uint64_t serial = 0;  ///< of the rest that waits for it
  std::string service;       ///< who does it: `run`
  std::string name;          ///< what of it: the program
  std::string request;       ///< JSON
  Moment created_at;
  std::uint32_t attempts = 0;  ///< claims, without those that were given back
  std::int64_t token = 0;
};

/// The number of the day in UTC, since 1970.
constexpr std::int64_t utc_day(Moment moment) {
  constexpr std::int64_t kDay = 24 * 3600 * 1000;
  return moment.unix_ms >= 0 ? moment.unix_ms / kDay : -((kDay - 1 - moment.unix_ms) / kDay);
}

/// All moments are those of the process that calls; between machines they may differ by less than a lease.
class JobStore {
 public:
  virtual ~JobStore() = default;

  /// Part of the turn that asks for it; sets `row.id`. It may be claimed at once.
  virtual Stored<Done> put(JobRow& row) = 0;
  /// The dialog has gone elsewhere. Whoever works on it finds no job any more.
  virtual Stored<Done> cancel(std::int64_t dialog_id, std::uint64_t serial) = 0;

  /// The oldest jobs of a service that nobody has at `now`, each with its new token and this attempt counted; they
  /// are `owner`'s until `lease_until`. `owner` is not 0. What another process claims at the same time is passed over;
  /// `in_order`: and whatever has an older one of the same dialog before it that is not done.
  virtual Stored<std::vector<JobRow>> claim(std::string_view bot, std::string_view service, Moment now, Moment lease_until,
                                            std::int64_t owner, std::size_t limit, bool in_order = false) = 0;
  /// Whose dialog waits for a job that was claimed; nothing when it is gone.
  virtual Stored<std::optional<DialogKey>> whose(const JobRow& job) = 0;
  /// False when the job is not this token's any more: somebody else has it, or it is gone.
  virtual Stored<bool> renew(std::int64_t id, std::int64_t token, Moment lease_until) = 0;
  /// Takes the job away, for its result is stored in the same transaction. Whose dialog waits for it; nothing when
  /// the token is an old one: the result must be ignored.
  virtual Stored<std::optional<DialogKey>> finish(std::int64_t id, std::int64_t token) = 0;
  /// In the transaction that stores a result: adds what it has cost to the person's day.
  struct Cost {
    std::int64_t tokens_in = 0, tokens_out = 0;  ///< of a model's answer
  };
  virtual Stored<Done> add_cost(const JobRow& job, const DialogKey& key, const Cost& cost, Moment at) = 0;
  /// It failed and is tried again from `from` on, by anybody. False as `renew`.
  virtual Stored<bool> put_off(std::int64_t id, std::int64_t token, Moment from) = 0;
  /// A part of it is done: this is what is left. False as `renew`.
  virtual Stored<bool> rewrite(std::int64_t id, std::int64_t token, std::string_view request) = 0;
  /// What was asked; empty when the job is gone.
  virtual Stored<std::string> request(std::int64_t id) = 0;
  /// It was not finished, for no fault of its own: anybody may have it at once, and the attempt does not count. The
  /// token is spent. False as `renew`.
  virtual Stored<bool> give_back(std::int64_t id, std::int64_t token, Moment now) = 0;
  /// What an earlier process on a database of one process had: it is dead. How many.
  virtual Stored<std::int64_t> release_all(Moment now) = 0;

  /// When the first of those that may not be claimed at `now` may be: a lease ends, or a wait is over.
  virtual Stored<std::optional<Moment>> next_ready(std::string_view bot, std::string_view service, Moment now) = 0;

  /// The jobs of one service of one bot, those that are worked on included. Looks at all jobs.
  struct Waiting {
    std::string service, bot;
    std::int64_t count = 0;
  };
  virtual Stored<std::vector<Waiting>> waiting() = 0;
  /// Services that the bot's jobs wait for.
  virtual Stored<std::vector<std::string>> services_of(std::string_view bot) = 0;
};

}  // namespace sufler

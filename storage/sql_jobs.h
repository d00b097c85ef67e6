#pragma once
#include "storage/job_store.h"
#include "storage/transaction.h"

namespace sufler::storage {

class SqlJobs final : public JobStore {
 public:
  explicit SqlJobs(SqlTransaction& transaction) : tx_(transaction) {}

  Stored<Done> put(JobRow& row) override;
  Stored<Done> cancel(std::int64_t dialog_id, std::uint64_t serial) override;
  Stored<std::vector<JobRow>> claim(std::string_view bot, std::string_view service, Moment now, Moment lease_until,
                                    std::int64_t owner, std::size_t limit, bool in_order) override;
  Stored<std::optional<DialogKey>> whose(const JobRow& job) override;
  Stored<bool> renew(std::int64_t id, std::int64_t token, Moment lease_until) override;
  Stored<std::optional<DialogKey>> finish(std::int64_t id, std::int64_t token) override;
  Stored<Done> add_cost(const JobRow& job, const DialogKey& key, const Cost& cost, Moment at) override;
  Stored<bool> put_off(std::int64_t id, std::int64_t token, Moment from) override;
  Stored<std::string> request(std::int64_t id) override;
  Stored<bool> rewrite(std::int64_t id, std::int64_t token, std::string_view request) override;
  Stored<bool> give_back(std::int64_t id, std::int64_t token, Moment now) override;
  Stored<std::int64_t> release_all(Moment now) override;
  Stored<std::optional<Moment>> next_ready(std::string_view bot, std::string_view service, Moment now) override;
  Stored<std::vector<Waiting>> waiting() override;
  Stored<std::vector<std::string>> services_of(std::string_view bot) override;

 private:
  SqlTransaction& tx_;
};

}  // namespace sufler::storage

#pragma once
#include "storage/report_store.h"
#include "storage/transaction.h"

namespace sufler::storage {

class SqlReports final : public ReportStore {
 public:
  explicit SqlReports(SqlTransaction& transaction) : tx_(transaction) {}

  Stored<Done> put(std::string_view bot, std::string_view key, std::string_view letter_key, Moment at) override;
  Stored<bool> has(std::string_view key) override;
  Stored<Done> drop(std::string_view key) override;
  Stored<std::int64_t> lines(const Span& span, std::int64_t after_id, std::int64_t dialogs,
                             const std::function<void(const Line&)>& line) override;
  Stored<std::int64_t> tickets(std::string_view bot, Moment from, Moment to) override;

  /// Inside of an operation: files made before, `limit` of them at most, of all bots when `bot` is empty. How many.
  std::int64_t forget(std::string_view bot, Moment before, std::int64_t limit);

 private:
  SqlTransaction& tx_;
};

}  // namespace sufler::storage

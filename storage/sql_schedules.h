#pragma once
#include "storage/schedule_store.h"
#include "storage/transaction.h"

namespace sufler::storage {

class SqlSchedules final : public ScheduleStore {
 public:
  explicit SqlSchedules(SqlTransaction& transaction) : tx_(transaction) {}

  Stored<std::vector<ScheduleRow>> all(std::string_view bot) override;
  Stored<Done> put(const ScheduleRow& row) override;
  Stored<Done> drop_others(std::string_view bot, std::int64_t generation, const std::vector<std::string>& names) override;
  Stored<Done> drop(std::string_view bot, std::string_view name) override;
  Stored<std::optional<ScheduleRow>> claim_due(std::string_view bot, Moment now) override;
  Stored<Done> save(const ScheduleRow& row) override;
  Stored<std::optional<Moment>> next(std::string_view bot) override;
  Stored<bool> pause(std::string_view bot, std::string_view name, Moment now) override;
  Stored<bool> resume(std::string_view bot, std::string_view name, Moment now) override;
  Stored<bool> force(std::string_view bot, std::string_view name, Moment now) override;
  Stored<Look> resting(std::string_view bot, std::string_view branch, Moment changed_before, std::int64_t after_id,
                       std::int64_t rows, std::int64_t most) override;
  Stored<Look> people(std::string_view bot, std::int64_t after_id, std::int64_t rows, std::int64_t most) override;
  Stored<Look> people_with(std::string_view bot, std::string_view text, std::int64_t after_id, std::int64_t rows,
                           std::int64_t most) override;
  Stored<std::vector<Listener>> people_called(std::string_view bot, std::string_view user_id) override;
  Stored<std::string> free_dialog(std::string_view bot, std::string_view beginning) override;
  Stored<std::int64_t> next_number(std::string_view bot, std::string_view of_what) override;
  Stored<bool> is_to_begin(std::string_view bot, std::string_view name) override;
  Stored<std::vector<std::string>> forgetful(std::string_view bot) override;
  Stored<Done> forget(std::string_view bot, std::string_view name) override;
  Stored<Moment> changed_at(std::int64_t dialog_id) override;

 private:
  /// The id of the last of `rows` dialogs behind `after_id`; 0 when there is none.
  std::int64_t last_of(std::int64_t after_id, std::int64_t rows);
  static void cut(Look& look, std::int64_t most);

  SqlTransaction& tx_;
};

}  // namespace sufler::storage

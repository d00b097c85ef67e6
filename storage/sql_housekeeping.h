#pragma once
#include "storage/housekeeping.h"
#include "storage/transaction.h"

namespace sufler::storage {

class SqlHousekeeping final : public Housekeeping {
 public:
  explicit SqlHousekeeping(SqlTransaction& transaction) : tx_(transaction) {}

  Stored<std::vector<Letter>> letters(std::string_view bot, std::size_t limit) override;
  Stored<std::optional<Letter>> letter(std::string_view id) override;
  Stored<std::vector<std::string>> letter_ids(std::string_view bot) override;
  Stored<std::optional<OutboxRow>> put_back(const Letter& letter, Moment at) override;
  Stored<Done> drop(const Letter& letter) override;
  Stored<std::vector<Queues>> queues() override;
  Stored<int> schema() override;
  Stored<std::vector<DialogLine>> dialogs(std::string_view bot, std::size_t limit) override;
  Stored<Erased> erase(const Erasable& who) override;
  Stored<Bite> clear(Kept what, Moment before, const Bite& after, std::int64_t rows) override;

 private:
  std::vector<Letter> read_dead(std::string_view bot, std::int64_t only, std::int64_t limit);
  std::vector<Letter> read_unknown(std::string_view bot, std::int64_t only, std::int64_t limit);
  std::int64_t erase_rows_of(const std::string& table, const Erasable& who);
  Bite clear_messages(Moment before, const Bite& after, std::int64_t rows);
  Bite clear_dialogs(Moment before, const Bite& after, std::int64_t rows);

  SqlTransaction& tx_;
};

}  // namespace sufler::storage

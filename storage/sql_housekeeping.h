#pragma once
#include <functional>
#include <set>
#include <string>
#include <vector>

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
  Stored<std::vector<UsageLine>> usage(std::string_view bot, Moment since, UsageBy by, std::size_t limit) override;
  Stored<std::vector<DeskLine>> desks(std::string_view bot) override;
  Stored<int> schema() override;
  Stored<std::vector<DialogLine>> dialogs(std::string_view bot, std::size_t limit) override;
  Stored<std::vector<DialogLine>> dialog_page(std::string_view bot, const DialogFilter& filter, std::int64_t after_id,
                                              std::size_t limit) override;
  Stored<Erased> erase(const Erasable& who) override;
  Stored<Bite> clear(Kept what, Moment before, const Bite& after, std::int64_t rows) override;

 private:
  std::vector<Letter> read_dead(std::string_view bot, std::int64_t only, std::int64_t limit);
  std::vector<Letter> read_unknown(std::string_view bot, std::int64_t only, std::int64_t limit);
  void hold(const Erasable& who);
  std::int64_t erase_rows_of(const std::string& table, const Erasable& who);
  void lock_desks_of(const Erasable& who);
  std::vector<std::string> erase_in_runs(const Erasable& who, const std::function<void(std::string, std::int64_t)>& note);
  /// Of the desks: what the person said as a client, what they are as an agent.
  void erase_at_desks(const Erasable& who, Erased& erased, std::set<std::int64_t>& messages);
  Bite clear_tickets(Moment before, const Bite& after, std::int64_t rows);
  Bite clear_messages(Moment before, const Bite& after, std::int64_t rows);
  Bite clear_dialogs(Moment before, const Bite& after, std::int64_t rows);

  SqlTransaction& tx_;
};

}  // namespace sufler::storage

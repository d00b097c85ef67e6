#pragma once
#include "storage/broadcast_store.h"
#include "storage/transaction.h"

namespace sufler::storage {

class SqlBroadcasts final : public BroadcastStore {
 public:
  explicit SqlBroadcasts(SqlTransaction& transaction) : tx_(transaction) {}

  Stored<bool> begin(BroadcastRow& row) override;
  Stored<std::vector<BroadcastRow>> all(std::string_view bot, std::size_t limit) override;
  Stored<std::optional<BroadcastRow>> find(std::int64_t id) override;
  Stored<std::vector<std::int64_t>> active(std::string_view bot) override;
  Stored<std::optional<BroadcastRow>> claim(std::int64_t id) override;
  Stored<Done> save(const BroadcastRow& row) override;
  Stored<Done> count(std::int64_t id, const Outcomes& outcomes) override;
  Stored<bool> pause(std::int64_t id, Moment now) override;
  Stored<bool> resume(std::int64_t id) override;
  Stored<bool> stop(std::int64_t id) override;
  Stored<Done> drop(std::int64_t id) override;
  Stored<Look> look(std::string_view bot, std::int64_t after_id, std::int64_t rows) override;
  Stored<Done> add_people(std::int64_t id, std::string_view transport, const std::vector<std::int64_t>& dialogs) override;
  Stored<std::vector<std::string>> platforms(std::int64_t id) override;
  Stored<std::vector<Person>> next_people(std::int64_t id, std::string_view transport, std::int64_t most) override;
  Stored<Done> drop_people(std::int64_t id, std::string_view transport, std::int64_t through_dialog) override;
  Stored<Done> drop_all_people(std::int64_t id) override;
  Stored<bool> is_under_way(std::string_view bot, std::int64_t id) override;

 private:
  SqlTransaction& tx_;
};

}  // namespace sufler::storage

#include <soci/soci.h>

#include "storage/database.h"
#include "storage/postgres_connection.h"
#include "storage/postgres_presence.h"
#include "storage/postgres_transaction.h"

namespace sufler::storage {
namespace {

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(PostgresSettings settings) : settings_(std::move(settings)) {}

  const Dialect& dialect() const override { return postgres_dialect(); }
  Stored<std::unique_ptr<soci::session>> connect() override { return open_postgres(settings_); }
  std::unique_ptr<SqlTransaction> transaction_on(soci::session& sql) override {
    return std::make_unique<PostgresTransaction>(sql);
  }
  Stored<std::unique_ptr<Presence>> join(std::vector<std::string> bots,
                                         Storage::PresenceHandlers handlers) override {
    return join_postgres(settings_, std::move(bots), std::move(handlers));
  }
  void send_for(SqlTransaction& transaction, std::int64_t process, const std::vector<std::string>& bots) override {
    static_cast<PostgresTransaction&>(transaction).sender = {process, {bots.begin(), bots.end()}};
  }

 private:
  PostgresSettings settings_;
};

}  // namespace

Stored<std::unique_ptr<Database>> make_postgres(std::string_view url, const Storage::Options& options) {
  auto address = read_postgres_address(url);
  if (!address) return Error{address.error()};
  return std::unique_ptr<Database>(std::make_unique<PostgresDatabase>(
      PostgresSettings{std::move(*address), options.durability, options.busy_timeout, options.migrate}));
}

}  // namespace sufler::storage

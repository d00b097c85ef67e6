#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/dialect.h"
#include "storage/presence.h"
#include "storage/storage.h"
#include "storage/transaction.h"

namespace soci {
class session;
}

namespace sufler::storage {

/// A kind of database behind Storage. A new one is a class, its dialect and a line in `databases`.
class Database {
 public:
  virtual ~Database() = default;
  virtual const Dialect& dialect() const = 0;
  /// Opens, examines and migrates.
  virtual Stored<std::unique_ptr<soci::session>> connect() = 0;
  virtual std::unique_ptr<SqlTransaction> transaction_on(soci::session& sql) = 0;
  /// Whether nothing is left of it when its connection is closed.
  virtual bool lives_in_its_connection() const { return false; }
  /// See Storage::join.
  virtual Stored<std::unique_ptr<Presence>> join(std::vector<std::string> bots,
                                                 Storage::PresenceHandlers handlers) = 0;
  /// Rows of these bots are sent by this process.
  virtual void send_for(SqlTransaction&, std::int64_t process, const std::vector<std::string>& bots) = 0;
};

struct DatabaseKind {
  std::string_view scheme;  ///< how its addresses begin: `sqlite:`
  /// `url` is the whole address.
  Stored<std::unique_ptr<Database>> (*make)(std::string_view url, const Storage::Options& options);
};
Stored<std::unique_ptr<Database>> make_sqlite(std::string_view url, const Storage::Options& options);
Stored<std::unique_ptr<Database>> make_postgres(std::string_view url, const Storage::Options& options);

inline constexpr DatabaseKind kDatabases[] = {
    {"sqlite:", &make_sqlite},
    {"postgresql://", &make_postgres},
    {"postgres://", &make_postgres},
};

}  // namespace sufler::storage

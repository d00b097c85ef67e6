#include <soci/soci.h>

#include <filesystem>

#include "storage/database.h"
#include "storage/sqlite_connection.h"
#include "storage/sqlite_statement.h"

namespace sufler::storage {
namespace {

constexpr std::string_view kScheme = "sqlite:";

StorageError cannot_open(std::string message) {
  return {StorageError::Kind::CannotOpen, std::move(message)};
}

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(SqliteFile file) : file_(std::move(file)) {}

  const Dialect& dialect() const override { return sqlite_dialect(); }
  Stored<std::unique_ptr<soci::session>> connect() override { return open_sqlite(file_); }
  std::unique_ptr<SqlTransaction> transaction_on(soci::session& sql) override {
    return std::make_unique<SqlTransaction>(sql, sqlite_dialect(), [db = handle_of(sql)](const char* text) {
      return prepare_sqlite(db, text);
    });
  }
  bool lives_in_its_connection() const override { return file_.in_memory(); }
  Stored<std::unique_ptr<Presence>> join(std::vector<std::string>, Storage::PresenceHandlers) override {
    return Error{cannot_open("database " + file_.path + " belongs to one process: several need PostgreSQL")};
  }
  void send_for(SqlTransaction&, std::int64_t, const std::vector<std::string>&) override {}

 private:
  SqliteFile file_;
};

}  // namespace

Stored<std::unique_ptr<Database>> make_sqlite(std::string_view url, const Storage::Options& options) {
  const std::string path(url.substr(kScheme.size()));
  if (path.empty()) return Error{cannot_open("`sqlite:` lacks the path of the database's file")};
  if (path.find('\0') != std::string::npos || path.find('"') != std::string::npos) {
    return Error{cannot_open("the path of the database has a quote or a NUL: name another file")};
  }
  SqliteFile file{path, options.durability, options.busy_timeout};
  if (!file.in_memory()) {
    std::error_code failed;
    const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
    if (failed) return Error{cannot_open("database " + path + ": " + failed.message())};
    file.path = absolute.string();
  }
  return std::unique_ptr<Database>(std::make_unique<SqliteDatabase>(std::move(file)));
}

}  // namespace sufler::storage

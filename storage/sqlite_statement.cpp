#include "storage/sqlite_statement.h"

#include "storage/errors.h"

namespace sufler::storage {

namespace {

using sqlite_api::sqlite3;

class SqliteStatement final : public Statement {
 public:
  SqliteStatement(sqlite3* db, const char* sql) : db_(db) {
    const int code =
        sqlite_api::sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
    if (code != SQLITE_OK) fail(code);
  }
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;
  ~SqliteStatement() override { sqlite_api::sqlite3_finalize(statement_); }

  void bind(int at, std::int64_t value) override {
    const int code = sqlite_api::sqlite3_bind_int64(statement_, at, value);
    if (code != SQLITE_OK) fail(code);
  }

  void bind(int at, std::string_view value) override {
    // Without an address the value would be NULL.
    const char* const data = value.data() ? value.data() : "";
    const int code = sqlite_api::sqlite3_bind_text64(statement_, at, data, value.size(),
                                                     SQLITE_STATIC, SQLITE_UTF8);
    if (code != SQLITE_OK) fail(code);
  }

  void bind(int at, double value) override {
    const int code = sqlite_api::sqlite3_bind_double(statement_, at, value);
    if (code != SQLITE_OK) fail(code);
  }

  void bind_null(int at) override {
    const int code = sqlite_api::sqlite3_bind_null(statement_, at);
    if (code != SQLITE_OK) fail(code);
  }

  bool step() override {
    const int code = sqlite_api::sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) fail(code);
    return false;
  }

  void reset() noexcept override { sqlite_api::sqlite3_reset(statement_); }

  bool is_null(int column) const override {
    return sqlite_api::sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }

  std::int64_t integer(int column) const override {
    return sqlite_api::sqlite3_column_int64(statement_, column);
  }

  std::string_view text(int column) const override {
    const unsigned char* const data = sqlite_api::sqlite3_column_text(statement_, column);
    if (!data) return {};
    return {reinterpret_cast<const char*>(data),
            static_cast<std::size_t>(sqlite_api::sqlite3_column_bytes(statement_, column))};
  }

  std::int64_t changes() const override { return sqlite_api::sqlite3_changes64(db_); }

 private:
  [[noreturn]] void fail(int code) const {
    throw Failure(from_sqlite(code, sqlite_api::sqlite3_errmsg(db_)));
  }

  sqlite3* db_;
  sqlite_api::sqlite3_stmt* statement_ = nullptr;
};

}  // namespace

std::unique_ptr<Statement> prepare_sqlite(sqlite3* db, const char* sql) {
  return std::make_unique<SqliteStatement>(db, sql);
}

}  // namespace sufler::storage

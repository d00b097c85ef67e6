#include "storage/statement.h"

#include "storage/errors.h"

namespace sufler::storage {

using sqlite_api::sqlite3;

Statement::Statement(sqlite3* db, const char* sql) : db_(db) {
  const int code =
      sqlite_api::sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
  if (code != SQLITE_OK) fail(code);
}

Statement::~Statement() { sqlite_api::sqlite3_finalize(statement_); }

void Statement::bind(int at, std::int64_t value) {
  const int code = sqlite_api::sqlite3_bind_int64(statement_, at, value);
  if (code != SQLITE_OK) fail(code);
}

void Statement::bind(int at, std::string_view value) {
  // Without an address the value would be NULL.
  const char* const data = value.data() ? value.data() : "";
  const int code = sqlite_api::sqlite3_bind_text64(statement_, at, data, value.size(),
                                                   SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) fail(code);
}

bool Statement::step() {
  const int code = sqlite_api::sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) fail(code);
  return false;
}

void Statement::reset() noexcept { sqlite_api::sqlite3_reset(statement_); }

bool Statement::is_null(int column) const {
  return sqlite_api::sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite_api::sqlite3_column_int64(statement_, column);
}

std::string_view Statement::text(int column) const {
  const unsigned char* const data = sqlite_api::sqlite3_column_text(statement_, column);
  if (!data) return {};
  return {reinterpret_cast<const char*>(data),
          static_cast<std::size_t>(sqlite_api::sqlite3_column_bytes(statement_, column))};
}

void Statement::fail(int code) const {
  throw Failure(from_sqlite(code, sqlite_api::sqlite3_errmsg(db_)));
}

Statement& Statements::prepared(const char* sql) {
  std::unique_ptr<Statement>& statement = statements_[sql];
  if (!statement) statement = std::make_unique<Statement>(db_, sql);
  return *statement;
}

std::int64_t Statements::changes() const { return sqlite_api::sqlite3_changes64(db_); }
std::int64_t Statements::last_id() const { return sqlite_api::sqlite3_last_insert_rowid(db_); }

}  // namespace sufler::storage

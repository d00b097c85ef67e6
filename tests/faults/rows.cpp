#include "faults/rows.h"

#include <libpq-fe.h>
#include <sqlite3.h>

#include <memory>
#include <stdexcept>

namespace sufler::tests {
namespace {

constexpr std::string_view kSqlite = "sqlite:";

std::vector<Row> rows_of_sqlite(const std::string& path, const std::string& query) {
  sqlite3* opened = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(opened, &sqlite3_close);
  if (result != SQLITE_OK) throw std::runtime_error("cannot open " + path);
  sqlite3_busy_timeout(opened, 10'000);
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(opened, query.c_str(), -1, &prepared, nullptr) != SQLITE_OK)
    throw std::runtime_error(query + ": " + sqlite3_errmsg(opened));
  const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(prepared, &sqlite3_finalize);
  std::vector<Row> all;
  int state = SQLITE_ROW;
  while ((state = sqlite3_step(prepared)) == SQLITE_ROW) {
    Row row;
    for (int i = 0; i < sqlite3_column_count(prepared); ++i) {
      const unsigned char* text = sqlite3_column_text(prepared, i);
      row.emplace_back(text == nullptr ? "" : reinterpret_cast<const char*>(text));
    }
    all.push_back(std::move(row));
  }
  if (state != SQLITE_DONE) throw std::runtime_error(query + ": " + sqlite3_errmsg(opened));
  return all;
}

std::vector<Row> rows_of_postgres(const std::string& url, const std::string& query) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(url.c_str()), &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection.get()));
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), query.c_str()), &PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    throw std::runtime_error(query + ": " + PQerrorMessage(connection.get()));
  std::vector<Row> all;
  for (int i = 0; i < PQntuples(result.get()); ++i) {
    Row row;
    for (int j = 0; j < PQnfields(result.get()); ++j) row.emplace_back(PQgetvalue(result.get(), i, j));
    all.push_back(std::move(row));
  }
  return all;
}

}  // namespace

bool is_postgres(const std::string& database) { return database.rfind("postgresql:", 0) == 0; }

std::vector<Row> rows_of(const std::string& database, const std::string& query) {
  if (is_postgres(database)) return rows_of_postgres(database, query);
  return rows_of_sqlite(database.substr(kSqlite.size()), query);
}

std::string joined(const Row& row) {
  std::string out;
  for (const std::string& field : row) out += (out.empty() ? "" : " | ") + field;
  return out;
}

}  // namespace sufler::tests

#include "databases/test_database.h"

#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

namespace sufler {
namespace {

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::abort();
}

std::string ask_postgres(const std::string& url, const std::string& sql) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(url.c_str()), &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) die(PQerrorMessage(connection.get()));
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), sql.c_str()), &PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) die(PQerrorMessage(connection.get()));
  return status == PGRES_TUPLES_OK && PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

std::string ask_sqlite(const std::string& path, const std::string& sql) {
  sqlite3* opened = nullptr;
  if (sqlite3_open(path.c_str(), &opened) != SQLITE_OK) die("cannot open " + path);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(opened, &sqlite3_close);
  sqlite3_busy_timeout(opened, 10'000);
  std::string answer;
  const auto first = [](void* out, int, char** values, char**) {
    auto& text = *static_cast<std::string*>(out);
    if (text.empty() && values[0]) text = values[0];
    return 0;
  };
  char* problem = nullptr;
  if (sqlite3_exec(opened, sql.c_str(), first, &answer, &problem) != SQLITE_OK) die(problem ? problem : "sqlite");
  return answer;
}

}  // namespace

std::string postgres_server() {
  std::ifstream file(SUFLER_POSTGRES_FILE);
  for (std::string line; std::getline(file, line);) {
    constexpr std::string_view kAddress = "address: ";
    if (line.rfind(kAddress, 0) == 0) return line.substr(kAddress.size());
  }
  die(std::string("no PostgreSQL for tests: run tests with ctest, or first `tests/databases/postgres start ") +
      SUFLER_POSTGRES_FILE + "`");
}

TestDatabase::TestDatabase(DatabaseUnderTest kind) : kind_(kind) {
  if (kind == DatabaseUnderTest::Sqlite) {
    std::string pattern = (std::filesystem::temp_directory_path() / "sufler_database_XXXXXX").string();
    if (!::mkdtemp(pattern.data())) die("no folder for a test's database");
    place_ = pattern;
    url_ = "sqlite:" + place_ + "/sufler.db";
    return;
  }
  static std::atomic<int> made{0};
  place_ = "test_" + std::to_string(::getpid()) + "_" + std::to_string(++made);
  const std::string server = postgres_server();
  ask_postgres(server + "postgres", "CREATE DATABASE " + place_ + " TEMPLATE template0");
  url_ = server + place_;
}

TestDatabase::~TestDatabase() {
  if (kind_ == DatabaseUnderTest::Sqlite) {
    std::error_code ignored;
    std::filesystem::remove_all(place_, ignored);
  } else {
    ask_postgres(postgres_server() + "postgres", "DROP DATABASE " + place_ + " WITH (FORCE)");
  }
}

std::string TestDatabase::ask(const std::string& sql) const {
  return kind_ == DatabaseUnderTest::Sqlite ? ask_sqlite(place_ + "/sufler.db", sql) : ask_postgres(url_, sql);
}

}  // namespace sufler

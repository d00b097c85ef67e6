#pragma once
#include <ostream>
#include <string>
#include <string_view>

/// Databases for tests: a file, or one of the PostgreSQL server that ctest starts (tests/databases/postgres).
namespace sufler {

enum class DatabaseUnderTest { Sqlite, Postgres };

/// An empty database, gone with the object.
class TestDatabase {
 public:
  explicit TestDatabase(DatabaseUnderTest kind);
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;
  ~TestDatabase();

  DatabaseUnderTest kind() const { return kind_; }
  /// As the configuration names it.
  const std::string& url() const { return url_; }
  /// Runs SQL from outside, as an administrator would; the first column of the first row, empty when there is none.
  std::string ask(const std::string& sql) const;

 private:
  DatabaseUnderTest kind_;
  std::string url_;
  std::string place_;  // a folder, or the name of the database
};

/// The address of the server for tests, ending before the name of a database. Aborts when ctest did not start it.
std::string postgres_server();

/// For the names of tests that run on both.
inline std::string name_of(DatabaseUnderTest kind) { return kind == DatabaseUnderTest::Sqlite ? "Sqlite" : "Postgres"; }

inline void PrintTo(DatabaseUnderTest kind, std::ostream* out) { *out << name_of(kind); }

}  // namespace sufler

#pragma once
#include <libpq-fe.h>
#include <soci/soci.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/statement.h"
#include "storage/storage.h"

namespace sufler::storage {

/// Where a PostgreSQL database is.
struct PostgresAddress {
  std::string parameters;  ///< of libpq, complete: with a password; never shown
  std::string shown;       ///< `postgresql://user@host:port/name`, for messages
};
/// Reads `postgresql://…`; what the address leaves out comes from libpq's defaults and ours (time-outs).
Stored<PostgresAddress> read_postgres_address(std::string_view url);

struct PostgresSettings {
  PostgresAddress address;
  Durability durability = Durability::Full;
  std::chrono::milliseconds busy_timeout{};
  bool migrate = true;  ///< else tables of an older version are an error that says what to run
};

/// Connects, examines and migrates. Several processes may do so at once.
Stored<std::unique_ptr<soci::session>> open_postgres(const PostgresSettings& settings);

/// Connects for small things beside the work: presence, hints.
Stored<std::unique_ptr<soci::session>> connect_postgres(const PostgresSettings& settings);

/// libpq's own handle of SOCI's connection; the session owns it.
PGconn* connection_of(soci::session& sql);

/// A value of a statement as the wire has it (binary format).
class PostgresValue {
 public:
  explicit PostgresValue(std::int64_t value);
  /// PostgreSQL's texts hold no NUL, and UTF-8 only: a NUL is dropped, a wrong byte becomes U+FFFD.
  explicit PostgresValue(std::string_view text);

  Oid type() const { return type_; }
  const char* data() const { return bytes_.data(); }
  int size() const { return static_cast<int>(bytes_.size()); }

 protected:
  explicit PostgresValue(Oid type) : type_(type) {}
  void put(std::uint32_t number);
  void put(std::int64_t number);
  void put(std::string_view text);
  void overwrite(std::size_t at, std::uint32_t number);

  Oid type_;
  std::string bytes_;
};

/// BIGINT[] and TEXT[]: one statement for many rows.
class PostgresArray : public PostgresValue {
 public:
  enum class Of : std::uint8_t { Bigint, Text };
  explicit PostgresArray(Of element);
  void add(std::int64_t number);
  void add(std::string_view text);
  void add_null();
  std::size_t count() const { return count_; }
  void clear();

 private:
  std::size_t count_ = 0;
};

/// Rows of an answer.
class PostgresRows {
 public:
  explicit PostgresRows(PGresult* result = nullptr) : result_(result, &PQclear) {}
  int count() const { return result_ ? PQntuples(result_.get()) : 0; }
  bool is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
  std::int64_t integer(int row, int column) const;
  std::string_view text(int row, int column) const;
  std::int64_t changes() const;
  PGresult* get() const { return result_.get(); }

 private:
  std::unique_ptr<PGresult, decltype(&PQclear)> result_;
};

/// Statements of one connection, prepared once. Texts must be literals, with `?` or `$1`. Throws Failure.
class PostgresStatements {
 public:
  explicit PostgresStatements(PGconn* connection) : connection_(connection) {}
  PostgresRows run(const char* sql, const std::vector<const PostgresValue*>& values);
  /// Without values, not prepared; any text.
  PostgresRows run(const std::string& sql);
  PGconn* connection() const { return connection_; }

 private:
  PGconn* connection_;
  std::unordered_map<const char*, std::string> names_;
  int made_ = 0;
};

/// A Statement of the common operations.
std::unique_ptr<Statement> prepare_postgres(PostgresStatements& statements, const char* sql);

}  // namespace sufler::storage

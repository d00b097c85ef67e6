#include "storage/postgres_connection.h"

#include <soci/postgresql/soci-postgresql.h>

#include <charconv>
#include <cstring>

#include "interpreter/core/text.h"
#include "storage/dialect.h"
#include "storage/errors.h"
#include "storage/migrations.h"

namespace sufler::storage {
namespace {

// PostgreSQL's numbers of its types are fixed (pg_type.dat).
constexpr Oid kBigint = 20;
constexpr Oid kText = 25;
constexpr Oid kTextArray = 1009;
constexpr Oid kBigintArray = 1016;

// Of the lock that whoever migrates holds, so that processes that start together do it once.
constexpr const char* kLockMigrations = "SELECT pg_advisory_lock(7824, 1)";
constexpr const char* kUnlockMigrations = "SELECT pg_advisory_unlock(7824, 1)";

StorageError cannot_open(std::string message) {
  return {StorageError::Kind::CannotOpen, std::move(message)};
}

std::string quoted(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out += '\'';
}

/// SQL with `?` for values becomes SQL with `$1`.
std::string numbered(const char* sql) {
  std::string out;
  int number = 0;
  bool in_text = false;
  for (const char* c = sql; *c != '\0'; ++c) {
    if (*c == '\'') in_text = !in_text;
    if (*c == '?' && !in_text) {
      out += '$' + std::to_string(++number);
    } else {
      out += *c;
    }
  }
  return out;
}

void check(PGconn* connection, const PostgresRows& rows) {
  switch (rows.get() ? PQresultStatus(rows.get()) : PGRES_FATAL_ERROR) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
      return;
    default:
      throw Failure(from_postgres(connection, rows.get()));
  }
}

/// A COMMIT of a transaction that had failed says ROLLBACK, and calls it success.
void check_commit(const char* sql, const PostgresRows& rows) {
  if (std::strcmp(sql, "COMMIT") == 0 && std::strcmp(PQcmdStatus(rows.get()), "COMMIT") != 0) {
    throw Failure({StorageError::Kind::Other, "the database had given up the transaction"});
  }
}

class PostgresStatement final : public Statement {
 public:
  PostgresStatement(PostgresStatements& statements, const char* sql)
      : statements_(statements), sql_(sql) {}

  void bind(int at, std::int64_t value) override { put(at, PostgresValue(value)); }
  void bind(int at, std::string_view value) override { put(at, PostgresValue(value)); }
  void bind(int, double) override { throw Failure({StorageError::Kind::Other, "no statement binds a double here"}); }
  void bind_null(int) override { throw Failure({StorageError::Kind::Other, "no statement binds NULL here"}); }
  bool step() override {
    if (!ran_) {
      std::vector<const PostgresValue*> values;
      values.reserve(values_.size());
      for (const PostgresValue& value : values_) values.push_back(&value);
      rows_ = statements_.run(sql_, values);
      ran_ = true;
      row_ = -1;
    }
    return ++row_ < rows_.count();
  }
  void reset() noexcept override {
    ran_ = false;
    values_.clear();
    rows_ = PostgresRows();
  }
  bool is_null(int column) const override { return rows_.is_null(row_, column); }
  std::int64_t integer(int column) const override { return rows_.integer(row_, column); }
  std::string_view text(int column) const override { return rows_.text(row_, column); }
  std::int64_t changes() const override { return rows_.changes(); }

 private:
  void put(int at, PostgresValue value) {
    if (static_cast<std::size_t>(at) != values_.size() + 1)
      throw Failure({StorageError::Kind::Other, "values must be bound in order"});
    values_.push_back(std::move(value));
  }

  PostgresStatements& statements_;
  const char* sql_;
  std::vector<PostgresValue> values_;
  PostgresRows rows_;
  bool ran_ = false;
  int row_ = -1;
};

/// Runs SQL on a fresh connection.
void set_up(soci::session& sql, const PostgresSettings& settings) {
  const std::string busy = std::to_string(settings.busy_timeout.count());
  // A process that stands still holds up nobody: its transaction ends, and with it its claims.
  sql << "SET idle_in_transaction_session_timeout = '10s'";
  sql << "SET statement_timeout = '30s'";
  sql << "SET lock_timeout = " + busy;
  sql << "SET client_min_messages = warning";
  sql << (settings.durability == Durability::Full ? "SET synchronous_commit = on"
                                                  : "SET synchronous_commit = off");
  // Each statement is planned once. Tables that are empty today and huge tomorrow must not tempt the
  // planner into reading them whole.
  sql << "SET plan_cache_mode = force_generic_plan";
  sql << "SET enable_seqscan = off";
  sql << "SET enable_hashjoin = off";
  sql << "SET enable_mergejoin = off";
  sql << "SET jit = off";
}

Stored<Done> bring_up_to_date(soci::session& sql, const PostgresSettings& settings) {
  const Dialect& dialect = postgres_dialect();
  Stored<int> version = schema_of(sql, dialect, settings.address.shown);
  if (!version) return Error{version.error()};
  if (*version == newest_schema()) return Done{};
  if (!settings.migrate) {
    return Error{cannot_open("database " + settings.address.shown + " has tables of version " +
                             std::to_string(*version) + ", and this program needs " +
                             std::to_string(newest_schema()) + ": run `sufler db migrate`")};
  }
  return guarded(&sql, [&]() -> Stored<Done> {
    sql << kLockMigrations;
    // Somebody else may have done it meanwhile.
    version = schema_of(sql, dialect, settings.address.shown);
    Stored<Done> done = Done{};
    if (!version) {
      done = Error{version.error()};
    } else {
      done = migrate(sql, dialect, *version);
    }
    sql << kUnlockMigrations;
    return done;
  });
}

StorageError named(StorageError error, const PostgresSettings& settings) {
  if (error.message.find(settings.address.shown) == std::string::npos) {
    error.message = "database " + settings.address.shown + ": " + error.message;
  }
  return error;
}

}  // namespace

Stored<PostgresAddress> read_postgres_address(std::string_view url) {
  char* problem = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(std::string(url).c_str(), &problem), &PQconninfoFree);
  if (!options) {
    // libpq's words repeat the address, and with it the password.
    if (problem) PQfreemem(problem);
    return Error{cannot_open("the address of the database cannot be read: write it as "
                             "`postgresql://user@host:5432/name`")};
  }
  PostgresAddress address;
  std::string user;
  std::string host;
  std::string port;
  std::string name;
  // A machine that is gone without a word is noticed in seconds.
  std::vector<std::pair<std::string, std::string>> parameters = {
      {"connect_timeout", "5"},       {"keepalives_idle", "5"},      {"keepalives_interval", "3"},
      {"keepalives_count", "3"},      {"tcp_user_timeout", "10000"}, {"application_name", "sufler"},
      {"client_encoding", "UTF8"}};
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option) {
    if (!option->val || *option->val == '\0') continue;
    const std::string_view keyword = option->keyword;
    const std::string value = option->val;
    if (keyword == "user") user = value;
    if (keyword == "host" || (keyword == "hostaddr" && host.empty())) host = value;
    if (keyword == "port") port = value;
    if (keyword == "dbname") name = value;
    std::erase_if(parameters, [&](const auto& ours) { return ours.first == keyword; });
    parameters.emplace_back(keyword, value);
  }
  for (const auto& [keyword, value] : parameters) {
    if (!address.parameters.empty()) address.parameters += ' ';
    address.parameters += keyword + "=" + quoted(value);
  }
  address.shown = "postgresql://" + (user.empty() ? user : user + "@") + host +
                  (port.empty() ? port : ":" + port) + "/" + name;
  return address;
}

Stored<std::unique_ptr<soci::session>> connect_postgres(const PostgresSettings& settings) {
  using Opened = Stored<std::unique_ptr<soci::session>>;
  Opened opened = guarded(nullptr, [&]() -> Opened {
    auto sql = std::make_unique<soci::session>(soci::postgresql, settings.address.parameters);
    // What the server says beside its answers would go to the error output, past the log.
    PQsetNoticeProcessor(connection_of(*sql), [](void*, const char*) {}, nullptr);
    set_up(*sql, settings);
    return sql;
  });
  if (!opened) return Error{named(opened.error(), settings)};
  return opened;
}

Stored<std::unique_ptr<soci::session>> open_postgres(const PostgresSettings& settings) {
  auto opened = connect_postgres(settings);
  if (!opened) return opened;
  if (auto ready = bring_up_to_date(**opened, settings); !ready) {
    return Error{named(ready.error(), settings)};
  }
  return opened;
}

PGconn* connection_of(soci::session& sql) {
  return static_cast<soci::postgresql_session_backend*>(sql.get_backend())->conn_;
}

// ---- values

PostgresValue::PostgresValue(std::int64_t value) : type_(kBigint) { put(value); }
PostgresValue::PostgresValue(std::string_view text) : type_(kText) { put(text); }

void PostgresValue::put(std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes_ += static_cast<char>((number >> shift) & 0xff);
}
void PostgresValue::put(std::int64_t number) {
  const auto bits = static_cast<std::uint64_t>(number);
  put(static_cast<std::uint32_t>(bits >> 32));
  put(static_cast<std::uint32_t>(bits & 0xffffffff));
}
void PostgresValue::put(std::string_view text) {
  if (text.find('\0') == std::string_view::npos && is_utf8(text)) {
    bytes_.append(text);
    return;
  }
  while (!text.empty()) {
    std::size_t bad = text.size();
    (void)is_utf8(text, &bad);
    for (const char c : text.substr(0, bad))
      if (c != '\0') bytes_ += c;
    if (bad >= text.size()) return;
    append_utf8(bytes_, U'\uFFFD');
    text.remove_prefix(bad + 1);
  }
}
void PostgresValue::overwrite(std::size_t at, std::uint32_t number) {
  for (std::size_t i = 0; i < 4; ++i)
    bytes_[at + i] = static_cast<char>((number >> (24 - 8 * i)) & 0xff);
}

// The header of an array: dimensions, whether there are nulls, the elements' type, their count, the first index.
PostgresArray::PostgresArray(Of element)
    : PostgresValue(element == Of::Bigint ? kBigintArray : kTextArray) {
  put(std::uint32_t{1});
  put(std::uint32_t{0});
  put(std::uint32_t{element == Of::Bigint ? kBigint : kText});
  put(std::uint32_t{0});
  put(std::uint32_t{1});
}
void PostgresArray::add(std::int64_t number) {
  put(std::uint32_t{8});
  put(number);
  overwrite(12, static_cast<std::uint32_t>(++count_));
}
void PostgresArray::add(std::string_view text) {
  const std::size_t at = bytes_.size();
  put(std::uint32_t{0});
  put(text);
  overwrite(at, static_cast<std::uint32_t>(bytes_.size() - at - 4));
  overwrite(12, static_cast<std::uint32_t>(++count_));
}
void PostgresArray::add_null() {
  overwrite(4, 1);
  put(std::uint32_t{0xffffffff});
  overwrite(12, static_cast<std::uint32_t>(++count_));
}
void PostgresArray::clear() {
  bytes_.resize(20);
  count_ = 0;
  overwrite(4, 0);
  overwrite(12, 0);
}

// ---- rows

std::string_view PostgresRows::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}
std::int64_t PostgresRows::integer(int row, int column) const {
  const std::string_view digits = text(row, column);
  std::int64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}
std::int64_t PostgresRows::changes() const {
  std::int64_t number = 0;
  if (!result_) return number;
  const std::string_view digits = PQcmdTuples(result_.get());
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

// ---- statements

PostgresRows PostgresStatements::run(const char* sql, const std::vector<const PostgresValue*>& values) {
  std::string& name = names_[sql];
  if (name.empty()) {
    std::vector<Oid> types;
    types.reserve(values.size());
    for (const PostgresValue* value : values) types.push_back(value->type());
    const std::string wanted = "sufler_" + std::to_string(++made_);
    check(connection_, PostgresRows(PQprepare(connection_, wanted.c_str(), numbered(sql).c_str(),
                                              static_cast<int>(types.size()), types.data())));
    name = wanted;
  }
  std::vector<const char*> data;
  std::vector<int> sizes;
  std::vector<int> formats(values.size(), 1);
  data.reserve(values.size());
  sizes.reserve(values.size());
  for (const PostgresValue* value : values) {
    data.push_back(value->data());
    sizes.push_back(value->size());
  }
  PostgresRows rows(PQexecPrepared(connection_, name.c_str(), static_cast<int>(values.size()),
                                   data.data(), sizes.data(), formats.data(), 0));
  check(connection_, rows);
  check_commit(sql, rows);
  return rows;
}

PostgresRows PostgresStatements::run(const std::string& sql) {
  PostgresRows rows(PQexec(connection_, sql.c_str()));
  check(connection_, rows);
  return rows;
}

std::unique_ptr<Statement> prepare_postgres(PostgresStatements& statements, const char* sql) {
  return std::make_unique<PostgresStatement>(statements, sql);
}

}  // namespace sufler::storage

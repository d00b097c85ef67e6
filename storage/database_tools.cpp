#include "storage/database_tools.h"

#include <soci/sqlite3/soci-sqlite3.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "storage/connect_only.h"
#include "storage/database.h"
#include "storage/errors.h"
#include "storage/migrations.h"
#include "storage/postgres_connection.h"
#include "storage/scenario_tables.h"
#include "storage/sqlite_connection.h"
#include "storage/transaction.h"

namespace sufler {
namespace {

using nlohmann::json;
using storage::PostgresArray;
using storage::PostgresStatements;
using storage::PostgresValue;
using storage::quote_name;
using storage::connect_only;
using storage::dialect_of;
using storage::is_sqlite;

constexpr std::string_view kSqlite = "sqlite:";
/// Rows that go over in one statement.
constexpr std::size_t kRows = 500;

// Our own tables, whose rows mean the same on every database. `run_state` and what belongs to processes stay where
// they are; of `counters` the numbers of tickets go over. Knowledge is indexed anew by the next start, but for vectors,
// which cost money.
constexpr const char* kTables[] = {
    "users",     "dialogs",     "inbox",         "outbox",        "timers",
    "journal",   "positions",   "seen_events",   "shared_values", "track_events",
    "scenario_versions", "scenario_files", "scenario_deployments", "dead_letters", "messages_map", "agents", "tickets",
    "ticket_messages", "token_failures", "agent_invitations", "jobs", "knowledge_vectors", "model_usage", "schedule_times",
    "broadcasts", "broadcast_people", "report_files", "crm_accounts", "crm_links", "crm_made",
    "scenario_tables", "scenario_table_users"};
// Tables whose ids we number, and where the numbers go on.
constexpr std::pair<const char*, const char*> kNumbered[] = {{"users", "users_ids"},
                                                             {"dialogs", "dialogs_ids"},
                                                             {"inbox", "inbox_ids"},
                                                             {"outbox", "outbox_ids"},
                                                             {"journal", "journal_ids"}};

StorageError cannot_open(std::string message) {
  return {StorageError::Kind::CannotOpen, std::move(message)};
}

/// What an operator may see of it.
std::string shown(std::string_view url) {
  if (is_sqlite(url)) return std::string(url.substr(kSqlite.size()));
  const auto address = storage::read_postgres_address(url);
  return address ? address->shown : std::string();
}

/// A row of the source, each value as text.
using TextRow = std::vector<std::optional<std::string>>;

struct CopiedColumn {
  std::string name;
  std::string type;    // of PostgreSQL
  std::string source;  // the expression that gives its text in SQLite
};

/// Sends rows over, many at a time.
class RowWriter {
 public:
  RowWriter(PostgresStatements& target, const std::string& table, const std::vector<CopiedColumn>& columns)
      : target_(target), arrays_(columns.size(), PostgresArray(PostgresArray::Of::Text)) {
    std::string names;
    std::string values;
    std::string parameters;
    std::string aliases;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string joint = i == 0 ? "" : ", ";
      const std::string alias = "c" + std::to_string(i);
      names += joint + quote_name(columns[i].name);
      values += joint + "CAST(" + alias + " AS " + columns[i].type + ")";
      parameters += joint + "$" + std::to_string(i + 1);
      aliases += joint + alias;
    }
    sql_ = "INSERT INTO " + quote_name(table) + " (" + names + ") SELECT " + values + " FROM unnest(" + parameters +
           ") AS n (" + aliases + ")";
  }

  void add(const TextRow& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (row[i]) {
        arrays_[i].add(*row[i]);
      } else {
        arrays_[i].add_null();
      }
    }
    ++count_;
    if (++waiting_ == kRows) flush();
  }
  std::int64_t finish() {
    flush();
    return count_;
  }

 private:
  void flush() {
    if (waiting_ == 0) return;
    std::vector<const PostgresValue*> values;
    for (const PostgresArray& array : arrays_) values.push_back(&array);
    target_.run(sql_.c_str(), values);
    for (PostgresArray& array : arrays_) array.clear();
    waiting_ = 0;
  }

  PostgresStatements& target_;
  std::vector<PostgresArray> arrays_;
  std::string sql_;  // lives as long as the writer: statements are known by its address
  std::size_t waiting_ = 0;
  std::int64_t count_ = 0;
};

class Copier {
 public:
  Copier(soci::session& source, soci::session& target) : source_(source), session_(target), target_(storage::connection_of(target)) {}

  Stored<std::vector<TableSize>> copy() {
    std::vector<TableSize> copied;
    const std::vector<std::string> scenarios = make_scenario_tables();
    // What making them has registered is what the source has registered.
    target_.run(std::string("DELETE FROM scenario_tables"));
    target_.run(std::string("DELETE FROM scenario_table_users"));
    for (const char* const table : kTables) copied.push_back(copy_table(table, columns_of(table)));
    for (const std::string& table : scenarios) copied.push_back(copy_table(table, columns_of(table)));
    for (const auto& [table, sequence] : kNumbered) go_on(table, sequence);
    for (const char* const table : {"dead_letters", "track_events", "agents", "tickets", "ticket_messages", "jobs", "broadcasts"})
      go_on_identity(table);
    copy_ticket_numbers();
    for (const std::string& table : scenarios) go_on_identity(table);
    return copied;
  }

 private:
  std::vector<std::string> make_scenario_tables() {
    std::vector<std::string> names;
    std::vector<std::string> columns;
    std::string name;
    std::string described;
    soci::statement query = (source_.prepare << "SELECT name, columns FROM scenario_tables ORDER BY name",
                             soci::into(name), soci::into(described));
    query.execute();
    while (query.fetch()) {
      names.push_back(name);
      columns.push_back(described);
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      Program program;
      program.id = "copy";
      program.tables.push_back(storage::described_table(names[i], columns[i]));
      for (const Column& column : program.tables[0].columns)
        if (column.type == ColumnType::Number) numbers_.emplace(names[i] + "\n" + column.name);
      auto made = storage::ScenarioTables(session_, storage::postgres_dialect()).prepare(program);
      if (!made) throw storage::Failure(made.error());
    }
    return names;
  }

  /// Those of the target; what the source has more is of no use to us any more.
  std::vector<CopiedColumn> columns_of(const std::string& table) {
    const PostgresValue name(quote_name(table));
    const storage::PostgresRows rows = target_.run(
        R"(SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a
           WHERE a.attrelid = CAST(CAST(? AS TEXT) AS REGCLASS) AND a.attnum > 0 AND NOT a.attisdropped
           ORDER BY a.attnum)",
        {&name});
    std::vector<CopiedColumn> columns;
    for (int i = 0; i < rows.count(); ++i) {
      CopiedColumn column{std::string(rows.text(i, 0)), std::string(rows.text(i, 1)), {}};
      const std::string quoted = quote_name(column.name);
      column.source = numbers_.contains(table + "\n" + column.name)
                          ? storage::sqlite_dialect().number_text(quoted)
                          : "CAST(" + quoted + " AS TEXT)";
      columns.push_back(std::move(column));
    }
    return columns;
  }

  TableSize copy_table(const std::string& table, const std::vector<CopiedColumn>& columns) {
    std::string sql;
    for (const CopiedColumn& column : columns) sql += (sql.empty() ? "SELECT " : ", ") + column.source;
    sql += " FROM " + quote_name(table);
    std::vector<std::string> texts(columns.size());
    std::vector<soci::indicator> found(columns.size());
    soci::statement query(source_);
    for (std::size_t i = 0; i < columns.size(); ++i) query.exchange(soci::into(texts[i], found[i]));
    query.alloc();
    query.prepare(sql);
    query.define_and_bind();
    query.execute(false);
    writers_.push_back(std::make_unique<RowWriter>(target_, table, columns));
    RowWriter& writer = *writers_.back();
    TextRow row(columns.size());
    while (query.fetch()) {
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (found[i] == soci::i_null) {
          row[i].reset();
        } else {
          row[i] = texts[i];
        }
      }
      writer.add(row);
    }
    return {table, writer.finish()};
  }

  /// Ids that were given out once are not given again.
  void go_on(const std::string& table, const std::string& sequence) {
    std::int64_t next = 1;
    soci::indicator found = soci::i_ok;
    source_ << "SELECT max(id) + 1 FROM " + quote_name(table), soci::into(next, found);
    if (found == soci::i_null) next = 1;
    std::int64_t counted = 0;
    source_ << "SELECT next FROM counters WHERE name = :name", soci::use(table), soci::into(counted);
    if (source_.got_data()) next = std::max(next, counted);
    next = std::max(next, last_identity(table) + 1);
    target_.run("SELECT setval('" + sequence + "', " + std::to_string(next) + ", false)");
  }
  /// The last id that SQLite has given in the table; its row may be gone. 0: none.
  std::int64_t last_identity(const std::string& table) {
    std::int64_t last = 0;
    soci::indicator found = soci::i_ok;
    source_ << "SELECT seq FROM sqlite_sequence WHERE name = :name", soci::use(table), soci::into(last, found);
    return source_.got_data() && found == soci::i_ok ? last : 0;
  }
  void go_on_identity(const std::string& table) {
    const std::int64_t last = last_identity(table);
    if (last == 0) return;
    const PostgresValue name(quote_name(table));
    const PostgresValue next(last + 1);
    target_.run("SELECT setval(pg_get_serial_sequence(?, 'id'), ?, false)", {&name, &next});
  }

  void copy_ticket_numbers() {
    std::string name;
    std::int64_t next = 0;
    const std::string kind(storage::kTicketNumbers);
    soci::statement query =
        (source_.prepare << "SELECT name, next FROM counters WHERE substr(name, 1, length(:kind)) = :kind2",
         soci::use(kind), soci::use(kind), soci::into(name), soci::into(next));
    query.execute();
    while (query.fetch()) {
      const PostgresValue of(name);
      const PostgresValue number(next);
      target_.run("INSERT INTO counters (name, next) VALUES (?, ?)", {&of, &number});
    }
  }

  soci::session& source_;
  soci::session& session_;
  PostgresStatements target_;
  std::set<std::string> numbers_;  // "table\ncolumn" of exact numbers
  std::vector<std::unique_ptr<RowWriter>> writers_;
};

}  // namespace

namespace storage {

bool is_sqlite(std::string_view url) { return url.starts_with(kSqlite); }

Stored<std::unique_ptr<soci::session>> connect_only(std::string_view url) {
  using Opened = Stored<std::unique_ptr<soci::session>>;
  if (!is_sqlite(url)) {
    auto address = read_postgres_address(url);
    if (!address) return Error{address.error()};
    return connect_postgres({std::move(*address), Durability::Full, std::chrono::seconds(10), false});
  }
  const std::string path(url.substr(kSqlite.size()));
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return Error{cannot_open("there is no database " + path)};
  return guarded(nullptr, [&]() -> Opened {
    return std::make_unique<soci::session>(soci::sqlite3, sqlite_connect_string(path));
  });
}

const Dialect& dialect_of(std::string_view url) { return is_sqlite(url) ? sqlite_dialect() : postgres_dialect(); }

}  // namespace storage

Stored<DatabaseState> look_at_database(std::string_view url) {
  auto sql = connect_only(url);
  if (!sql) return Error{sql.error()};
  auto version = storage::schema_of(**sql, dialect_of(url), shown(url));
  if (!version) return Error{version.error()};
  return storage::guarded(sql->get(), [&]() -> Stored<DatabaseState> {
    DatabaseState state{*version, storage::newest_schema(), {}};
    if (state.version == 0) return state;
    for (const char* const table : kTables) {
      TableSize size{table, 0};
      int exists = 0;
      **sql << std::string(dialect_of(url).table_exists), soci::use(size.name), soci::into(exists);
      if (exists == 0) continue;
      **sql << "SELECT count(*) FROM " + quote_name(table), soci::into(size.rows);
      state.tables.push_back(std::move(size));
    }
    return state;
  });
}

Stored<Done> grant_use(std::string_view url, std::string_view role) {
  if (is_sqlite(url)) return Error{cannot_open("only PostgreSQL knows roles")};
  auto sql = connect_only(url);
  if (!sql) return Error{sql.error()};
  return storage::guarded(sql->get(), [&]() -> Stored<Done> {
    PostgresStatements statements(storage::connection_of(**sql));
    const std::string schema = quote_name(statements.run(std::string("SELECT current_schema()")).text(0, 0));
    const std::string to = " TO " + quote_name(role);
    for (const std::string& grant :
         {"GRANT USAGE ON SCHEMA " + schema + to,
          "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + schema + to,
          "GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA " + schema + to}) {
      statements.run(grant);
    }
    return Done{};
  });
}

Stored<std::vector<TableSize>> copy_database(std::string_view from, std::string_view to, bool even_if_running) {
  using Copied = Stored<std::vector<TableSize>>;
  if (!is_sqlite(from) || is_sqlite(to)) {
    return Error{cannot_open("a copy goes from `sqlite:PATH` to `postgresql://USER@HOST/NAME`")};
  }
  const std::string path(from.substr(kSqlite.size()));
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return Error{cannot_open("there is no database " + path)};
  // Both get the tables of this program first.
  auto source = storage::open_sqlite({std::filesystem::absolute(path).string(), Durability::Full, std::chrono::seconds(10)});
  if (!source) return Error{source.error()};
  auto address = storage::read_postgres_address(to);
  if (!address) return Error{address.error()};
  auto target = storage::open_postgres({std::move(*address), Durability::Full, std::chrono::seconds(10), true});
  if (!target) return Error{target.error()};

  Stored<Done> ready = storage::guarded(source->get(), [&]() -> Stored<Done> {
    // Nobody writes into the source meanwhile.
    **source << "BEGIN IMMEDIATE";
    int running = 0;
    **source << "SELECT max(running) FROM run_state", soci::into(running);
    if (running == 0 || even_if_running) return Done{};
    return Error{StorageError{StorageError::Kind::Refused,
                              "database " + path + " is being served, or was left by a crash: stop `sufler run`; when "
                              "none runs, add --even-if-running"}};
  });
  if (!ready) return Error{ready.error()};
  Copied copied = storage::guarded(target->get(), [&]() -> Copied {
    **target << "BEGIN";
    std::int64_t dialogs = 0;
    **target << "SELECT count(*) FROM dialogs", soci::into(dialogs);
    if (dialogs != 0) {
      return Error{StorageError{StorageError::Kind::Refused, "the database to copy to has dialogs already: name an "
                                                             "empty one"}};
    }
    // Reading all and writing all takes longer than a turn may.
    **target << "SET LOCAL statement_timeout = 0";
    Copied done = Copier(**source, **target).copy();
    if (done) **target << "COMMIT";
    return done;
  });
  (void)storage::guarded(source->get(), [&]() -> Stored<Done> {
    **source << "ROLLBACK";
    return Done{};
  });
  return copied;
}

}  // namespace sufler

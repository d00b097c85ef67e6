// Tables that are read from a CSV file: the rows of the database become those of the file by difference. A row is known
// again by its key; whether it has changed is told by a mark that is kept beside it, so that a million rows are compared
// by reading two columns. It all happens in the transaction that prepares the tables: nobody sees a half.
#include <unordered_map>

#include "interpreter/core/fnv.h"
#include "storage/scenario_tables.h"
#include "storage/table_parts.h"

namespace sufler::storage {
namespace {

/// No name of a scenario has a space in it.
constexpr std::string_view kMark = "row mark";
/// Rows that go over in one statement: SQLite looks each value of a statement up among all of its names, a server is waited for.
constexpr std::size_t kRowsAtOnce = 8, kRowsAtOnceToServer = 50;
constexpr std::int64_t kWorthAnalysing = 1000;

/// Columns that come, go or change their type make every row another.
std::int64_t shape_of(const Table& table) {
  Fnv1a shape;
  for (const Column& column : table.columns) shape.bytes(column.name).number('\n').bytes(name_of(column.type)).number('\n');
  return static_cast<std::int64_t>(shape.value());
}

struct Known {
  std::int64_t id = 0;
  std::optional<std::int64_t> mark;
};

/// Collects rows and writes many with one statement.
class Inserter {
 public:
  Inserter(soci::session& sql, const Dialect& dialect, const Table& table) : sql_(sql), dialect_(dialect), table_(table) {
    if (table.key == "id") names_.emplace_back("id");
    for (const Column& column : table.columns)
      if (!is_system(column.name)) names_.push_back(column.name);
    names_.emplace_back(kMark);
  }

  Stored<Done> add(const TableRow& row, std::int64_t mark) {
    std::vector<Bound>& values = rows_.emplace_back();
    if (table_.key == "id") values.emplace_back(row.id.value_or(0));
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      const Column& column = table_.columns[i];
      if (is_system(column.name)) continue;
      Converted bound = to_column(dialect_, table_, {column.name, column.type}, row.values[i]);
      if (!bound) return Error{bound.error()};
      values.push_back(std::move(*bound));
    }
    values.emplace_back(mark);
    if (rows_.size() >= (dialect_.shared ? kRowsAtOnceToServer : kRowsAtOnce)) flush();
    return Done{};
  }

  void flush() {
    if (rows_.empty()) return;
    Query query(sql_);
    query << "INSERT INTO " << quote_name(table_.name) << " (";
    for (std::size_t i = 0; i < names_.size(); ++i) query << (i == 0 ? "" : ", ") << quote_name(names_[i]);
    query << ") VALUES ";
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      query << (r == 0 ? "(" : ", (");
      for (std::size_t i = 0; i < rows_[r].size(); ++i) {
        query << (i == 0 ? "" : ", ");
        query.bind(rows_[r][i]);
      }
      query << ")";
    }
    query.run(true);
    rows_.clear();
  }

 private:
  soci::session& sql_;
  const Dialect& dialect_;
  const Table& table_;
  std::vector<std::string> names_;
  std::vector<std::vector<Bound>> rows_;
};

}  // namespace

bool ScenarioTables::has_marks(const Table& table) {
  const std::string sql_name = quote_name(table.name), mark_column(kMark);
  std::int64_t there = 0;
  if (dialect_.shared) {
    sql_ << "SELECT count(*) FROM pg_attribute WHERE attrelid = CAST(:name AS REGCLASS) AND attname = :mark AND NOT attisdropped",
        soci::use(sql_name), soci::use(mark_column), soci::into(there);
  } else {
    sql_ << "SELECT count(*) FROM pragma_table_info(:name) WHERE name = :mark", soci::use(table.name), soci::use(mark_column), soci::into(there);
  }
  return there != 0;
}

void ScenarioTables::forget_file(const Table& table) {
  std::string taken;
  sql_ << "SELECT mark FROM scenario_table_data WHERE name = :name", soci::use(table.name), soci::into(taken);
  if (!sql_.got_data()) return;
  sql_ << "DELETE FROM scenario_table_data WHERE name = :name", soci::use(table.name);
  if (has_marks(table)) sql_ << "UPDATE " + quote_name(table.name) + " SET " + quote_name(std::string(kMark)) + " = NULL";
}

Stored<Done> ScenarioTables::load_file(const Table& table) {
  const std::string wanted = mark_of(table);
  std::string taken;
  sql_ << "SELECT mark FROM scenario_table_data WHERE name = :name", soci::use(table.name), soci::into(taken);
  const bool known_file = sql_.got_data();
  if (known_file && (taken == wanted || table.data->rehearsed)) return Done{};

  const std::string sql_name = quote_name(table.name);
  const std::string mark_name = quote_name(std::string(kMark));
  // Rows of a file have no moment at which somebody saved them.
  std::int64_t saved = 0;
  sql_ << "SELECT count(*) FROM (SELECT 1 FROM " + sql_name + " WHERE created_at IS NOT NULL LIMIT 1000) AS saved", soci::into(saved);
  if (saved != 0) {
    return Error{refused(table, (saved == 1000 ? std::string("1000 rows or more") : std::to_string(saved) + " rows") +
                                    " were saved into it by steps, and a table that is read from a file has the rows of the "
                                    "file alone: give the new table another name")};
  }
  if (!has_marks(table)) sql_ << "ALTER TABLE " + sql_name + " ADD COLUMN " + mark_name + " BIGINT";

  std::unordered_map<std::string, Known> rows;
  {
    const std::optional<Seen> key = column_of(table, table.key);
    if (!key) return Error{no_column(table, table.key)};
    const std::string name = quote_name(table.key);
    Query query(sql_);
    query << "SELECT id, " << (key->type == ColumnType::Number ? dialect_.number_text(name) : name) << ", " << mark_name << " FROM " << sql_name;
    std::int64_t id = 0;
    std::string text;
    std::int64_t mark = 0;
    soci::indicator has_text = soci::i_ok, has_mark = soci::i_ok;
    query.into(soci::into(id));
    query.into(soci::into(text, has_text));
    query.into(soci::into(mark, has_mark));
    query.run(false);
    while (query.fetch()) {
      Known known{id, {}};
      if (has_mark == soci::i_ok) known.mark = mark;
      // Of two rows with one key, which only another hand can have made, the second goes.
      std::string of = has_text == soci::i_ok ? text : std::string();
      if (!rows.emplace(of, known).second) rows.emplace("\n" + std::to_string(id), known);
    }
  }

  const std::int64_t shape = shape_of(table);
  TableLoad load;
  Inserter inserter(sql_, dialect_, table);
  TableRow row;
  for (TableRows file(table); file.next(row);) {
    const std::int64_t mark = sufler::mark_of(row) ^ shape;
    const auto found = rows.find(row.key);
    if (found == rows.end()) {
      ++load.added;
      if (auto done = inserter.add(row, mark); !done) return done;
      continue;
    }
    const Known known = found->second;
    rows.erase(found);
    if (known.mark == mark) continue;
    ++load.changed;
    Query query(sql_);
    query << "UPDATE " << sql_name << " SET ";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const Column& column = table.columns[i];
      if (is_system(column.name)) continue;
      const Converted bound = to_column(dialect_, table, {column.name, column.type}, row.values[i]);
      if (!bound) return Error{bound.error()};
      query << quote_name(column.name) << " = ";
      query.bind(*bound) << ", ";
    }
    query << mark_name << " = ";
    query.bind(mark) << " WHERE id = ";
    query.bind(known.id).run(true);
  }
  inserter.flush();
  load.removed = static_cast<std::int64_t>(rows.size());
  while (!rows.empty()) {
    Query query(sql_);
    query << "DELETE FROM " << sql_name << " WHERE id IN (";
    for (std::size_t i = 0; i < 200 && !rows.empty(); ++i) {
      query << (i == 0 ? "" : ", ");
      query.bind(rows.begin()->second.id);
      rows.erase(rows.begin());
    }
    query << ")";
    query.run(true);
  }
  sql_ << "INSERT INTO scenario_table_data (name, mark) VALUES (:name, :mark) ON CONFLICT (name) DO UPDATE SET mark = excluded.mark",
      soci::use(table.name), soci::use(wanted);
  // Ids of the file's own move no sequence, and a row that is given one later would get an id that is there.
  if (dialect_.shared && table.key == "id" && load.added > 0)
    sql_ << "SELECT setval(pg_get_serial_sequence(:name, 'id'), greatest(max(id), nextval(pg_get_serial_sequence(:same, 'id')))) FROM " + sql_name,
        soci::use(sql_name), soci::use(sql_name);
  // What the planner knows of a table that was empty a moment ago would lead it astray.
  if (dialect_.shared && load.added + load.changed >= kWorthAnalysing) sql_ << "ANALYZE " + sql_name;
  table.data->loads->put(load);
  return Done{};
}

}  // namespace sufler::storage

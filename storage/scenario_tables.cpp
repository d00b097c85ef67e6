#include "storage/scenario_tables.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "interpreter/core/reserved_tables.h"
#include "interpreter/core/tables/similarity.h"
#include "interpreter/core/text.h"
#include "storage/errors.h"
#include "storage/table_parts.h"

namespace sufler::storage {
namespace {

using nlohmann::json;

constexpr std::string_view kLike = "like";

/// No database folds texts as the language does: what `like` means is looked for in the rows as they are read.
class Likes {
 public:
  explicit Likes(const std::vector<Condition>& conditions) {
    for (const Condition& condition : conditions) {
      if (condition.op != kLike) continue;
      One& one = all_.emplace_back(One{condition.column, {}});
      if (const List* list = condition.value.list()) {
        for (const Value& item : *list)
          if (item.text()) one.folded.push_back(fold(*item.text()));
      } else if (condition.value.text()) {
        one.folded.push_back(fold(*condition.value.text()));
      }
    }
  }
  bool empty() const { return all_.empty(); }
  bool hold(const ValueMap& row) const {
    return std::ranges::all_of(all_, [&](const One& one) {
      const Value* const cell = row.find(one.column);
      return cell && cell->text() && std::ranges::find(one.folded, fold(*cell->text())) != one.folded.end();
    });
  }

 private:
  struct One {
    std::string column;
    std::vector<std::string> folded;
  };
  std::vector<One> all_;
};

Stored<Done> add_conditions(Query& query, const Dialect& dialect, const Table& table,
                            const std::vector<Condition>& conditions) {
  std::string_view joint = " WHERE ";
  for (const Condition& condition : conditions) {
    if (condition.op == kLike) {  // of the rows that are read
      if (!column_of(table, condition.column)) return Error{no_column(table, condition.column)};
      continue;
    }
    query << joint;
    if (auto done = add_condition(query, dialect, table, condition); !done) return done;
    joint = " AND ";
  }
  return Done{};
}

// ---- the register of tables

/// Column → type's name, of the database or of one scenario.
std::string describe(const std::vector<Column>& columns) {
  json described = json::object();
  for (const Column& column : columns) {
    if (!is_system(column.name)) described[column.name] = name_of(column.type);
  }
  return described.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

Table described_table(const std::string& name, const std::string& columns) {
  Table table;
  table.name = name;
  const json described = json::parse(columns, nullptr, false);
  if (!described.is_object()) return table;
  for (const auto& [column_name, type] : described.items()) {
    const auto known = type.is_string() ? type_named(type.get<std::string>()) : std::nullopt;
    if (!known) continue;
    Column column;
    column.name = column_name;
    column.type = *known;
    table.columns.push_back(std::move(column));
  }
  return table;
}

Stored<Done> ScenarioTables::prepare(const Program& program) {
  for (const Table& table : program.tables) {
    if (auto done = prepare_table(program.id, table); !done) return done;
  }
  for (const Table& table : program.tables) {
    if (!table.data) continue;
    if (auto done = load_file(table); !done) return done;
  }
  for (const Step& step : program.steps) {
    const auto* find = std::get_if<Find>(&step.verb);
    if (find && find->similar && find->table) prepare_indexes(program.tables[find->table.value], *find->similar);
  }
  return Done{};
}

Stored<Done> ScenarioTables::prepare_table(const std::string& scenario, const Table& table) {
  if (is_reserved_table_name(table.name)) {
    return Error{refused(table, "Sufler keeps a table of its own under this name: choose another")};
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const std::string& name = table.columns[i].name;
    if (is_system(name) && !(name == "id" && table.key == "id")) {
      return Error{
          refused(table, "every table has a column `" + name + "` already: choose another name")};
    }
    for (std::size_t k = 0; k < i; ++k) {
      if (!same_name(name, table.columns[k].name)) continue;
      return Error{refused(table, "columns `" + table.columns[k].name + "` and `" + name +
                                      "` differ in capital letters only, which SQL does not see")};
    }
  }

  const std::string wanted = describe(table.columns);
  {
    std::string other;
    std::string others_columns;
    soci::statement query =
        (sql_.prepare << "SELECT scenario, columns FROM scenario_table_users WHERE "
                         "lower(name) = lower(:name) AND scenario <> :scenario",
         soci::use(table.name), soci::use(scenario), soci::into(other), soci::into(others_columns));
    query.execute();
    while (query.fetch()) {
      if (others_columns == wanted) continue;
      return Error{refused(
          table, "scenario `" + other +
                     "` has a table of this name with other columns in "
                     "the same database: rename one, or give the bot a database of its own")};
    }
  }

  std::string registered;
  sql_ << "SELECT columns FROM scenario_tables WHERE name = :name", soci::use(table.name),
      soci::into(registered);
  const std::string sql_name = quote_name(table.name);
  json present = json::object();
  if (sql_.got_data()) {
    present = json::parse(registered, nullptr, false);
    if (!present.is_object()) {
      return Error{StorageError{StorageError::Kind::Corrupt,
                                "the register of table `" + table.name + "` is unreadable"}};
    }
  } else {
    int exists = 0;
    sql_ << std::string(dialect_.table_exists), soci::use(table.name), soci::into(exists);
    if (exists != 0) {
      return Error{refused(table,
                           "the database has a table of this name that no scenario made, or one "
                           "that differs in capital letters: choose another name")};
    }
    sql_ << dialect_.expand("CREATE TABLE " + sql_name +
                            " (id {identity}, user_id TEXT, dialog_id BIGINT, created_at BIGINT)");
  }

  for (const Column& column : table.columns) {
    if (is_system(column.name)) continue;
    const std::string sql_column = quote_name(column.name);
    const std::string type = name_of(column.type);
    if (present.contains(column.name)) {
      if (present[column.name] == type) continue;
      std::int64_t filled = 0;
      sql_ << "SELECT count(" + sql_column + ") FROM " + sql_name, soci::into(filled);
      // What a file holds is read from it again.
      const bool of_file = table.data && !table.data->rehearsed;
      if (filled != 0 && !of_file) {
        return Error{refused(table, "column `" + column.name + "` was " +
                                        present[column.name].get<std::string>() + " and is " +
                                        type + " now, and " + std::to_string(filled) +
                                        " rows have a value: give the new column another name")};
      }
      drop_indexes(table);
      sql_ << "ALTER TABLE " + sql_name + " DROP COLUMN " + sql_column;
    } else {
      for (const auto& [name, _] : present.items()) {
        if (!same_name(name, column.name)) continue;
        return Error{refused(table, "the database has a column `" + name +
                                        "`, which differs from `" + column.name +
                                        "` in capital letters only: choose another name")};
      }
    }
    sql_ << "ALTER TABLE " + sql_name + " ADD COLUMN " + sql_column + " " +
                std::string(dialect_.column_type(column.type));
    present[column.name] = type;
    if (column.default_value && !column.default_value->is_null()) {
      const Converted bound =
          to_column(dialect_, table, {column.name, column.type}, *column.default_value);
      if (!bound) return Error{bound.error()};
      Query fill(sql_);
      fill << "UPDATE " << sql_name << " SET " << sql_column << " = ";
      fill.bind(*bound).run(true);
    }
  }

  const std::string columns = present.dump(-1, ' ', false, json::error_handler_t::replace);
  if (columns != registered) {
    sql_ << "INSERT INTO scenario_tables (name, columns) VALUES (:name, :columns) ON CONFLICT "
            "(name) DO "
            "UPDATE SET columns = excluded.columns",
        soci::use(table.name), soci::use(columns);
  }
  sql_ << "INSERT INTO scenario_table_users (name, scenario, columns) VALUES (:name, :scenario, "
          ":columns) "
          "ON CONFLICT (name, scenario) DO UPDATE SET columns = excluded.columns",
      soci::use(table.name), soci::use(scenario), soci::use(wanted);
  // Steps may write into it now, and the file, should it come back, is to be read anew.
  if (!table.data) forget_file(table);
  return Done{};
}

// ---- rows

Stored<ValueMap> ScenarioTables::insert(const Table& table, const ValueMap& values,
                                        const Transaction::Owner& owner, Moment at) {
  for (const auto& [name, _] : values) {
    if (!column_of(table, name)) return Error{no_column(table, name)};
  }
  std::vector<std::pair<std::string, Bound>> row;
  // A table that is read from a file has ids of its own.
  if (const Value* id = table.key == "id" ? values.find("id") : nullptr; id && !id->is_null()) {
    const Converted bound = to_column(dialect_, table, {"id", ColumnType::Integer}, *id);
    if (!bound) return Error{bound.error()};
    row.emplace_back("id", *bound);
  }
  row.emplace_back("user_id", std::string(owner.user_id));
  row.emplace_back("dialog_id", owner.dialog_id);
  row.emplace_back("created_at", at.unix_ms);
  for (const Column& column : table.columns) {
    if (is_system(column.name)) continue;
    const Value* value = values.find(column.name);
    if (!value && column.default_value) value = &*column.default_value;
    if (!value || value->is_null()) continue;
    const Converted bound = to_column(dialect_, table, {column.name, column.type}, *value);
    if (!bound) return Error{bound.error()};
    row.emplace_back(column.name, *bound);
  }

  Query query(sql_, kept_);
  query << "INSERT INTO " << quote_name(table.name) << " (";
  for (std::size_t i = 0; i < row.size(); ++i)
    query << (i == 0 ? "" : ", ") << quote_name(row[i].first);
  query << ") VALUES (";
  for (std::size_t i = 0; i < row.size(); ++i) {
    query << (i == 0 ? "" : ", ");
    query.bind(row[i].second);
  }
  Reader reader(table);
  query << ") RETURNING " << reader.list(dialect_);
  reader.attach(query);
  query.run(true);
  return reader.row();
}

Stored<List> ScenarioTables::find(const Table& table, const FindRows& find) {
  if (std::ranges::any_of(find.conditions, [](const Condition& one) { return one.op == kNearOperator; })) {
    return find_similar(table, find);
  }
  Query query(sql_, kept_);
  Reader reader(table);
  query << "SELECT " << reader.list(dialect_) << " FROM " << quote_name(table.name);
  if (auto done = add_conditions(query, dialect_, table, find.conditions); !done) {
    return Error{done.error()};
  }
  query << " ORDER BY ";
  for (const SortKey& key : find.sort) {
    const std::optional<Seen> column = column_of(table, key.column);
    if (!column) return Error{no_column(table, key.column)};
    const std::string name = quote_name(column->name);
    // Databases disagree about where nulls go: for us they come last either way.
    query << name << " IS NULL, "
          << (column->type == ColumnType::Number ? dialect_.number_order(name) : name)
          << (key.descending ? " DESC, " : ", ");
  }
  query << "id";
  const Likes likes(find.conditions);
  if (find.limit && likes.empty()) {
    query << " LIMIT ";
    query.bind(std::max<std::int64_t>(*find.limit, 0));
  }
  reader.attach(query);
  query.run(false);
  List rows;
  const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(find.limit.value_or(INT64_MAX), 0));
  while (query.fetch()) {
    if (!likes.empty() && rows.size() >= wanted) break;
    Stored<ValueMap> row = reader.row();
    if (!row) return Error{row.error()};
    if (likes.hold(*row)) rows.emplace_back(std::move(*row));
  }
  return rows;
}

Stored<std::int64_t> ScenarioTables::count(const Table& table,
                                           const std::vector<Condition>& conditions) {
  if (!Likes(conditions).empty()) {
    const auto rows = find(table, FindRows{TableId{}, conditions, {}, {}});
    if (!rows) return Error{rows.error()};
    return static_cast<std::int64_t>(rows->size());
  }
  Query query(sql_, kept_);
  query << "SELECT count(*) FROM " << quote_name(table.name);
  if (auto done = add_conditions(query, dialect_, table, conditions); !done)
    return Error{done.error()};
  std::int64_t count = 0;
  query.column(count);
  query.run(true);
  return count;
}

Stored<std::int64_t> ScenarioTables::update(const Table& table, std::int64_t id,
                                            const ValueMap& values) {
  if (values.empty()) {
    return count(table, {Condition{.column = "id", .op = "==", .value = Value(id)}});
  }
  Query query(sql_, kept_);
  query << "UPDATE " << quote_name(table.name) << " SET ";
  std::string_view joint;
  for (const auto& [name, value] : values) {
    const std::optional<Seen> column = column_of(table, name);
    if (!column) return Error{no_column(table, name)};
    if (is_system(name)) {
      return Error{
          StorageError{StorageError::Kind::Constraint,
                       "table `" + table.name + "`: column `" + name + "` is Sufler's own"}};
    }
    const Converted bound = to_column(dialect_, table, *column, value);
    if (!bound) return Error{bound.error()};
    query << joint << quote_name(name) << " = ";
    query.bind(*bound);
    joint = ", ";
  }
  query << " WHERE id = ";
  query.bind(id).run(true);
  return query.affected();
}

Stored<std::int64_t> ScenarioTables::remove(const Table& table, std::int64_t id) {
  Query query(sql_, kept_);
  query << "DELETE FROM " << quote_name(table.name) << " WHERE id = ";
  query.bind(id).run(true);
  return query.affected();
}

}  // namespace sufler::storage

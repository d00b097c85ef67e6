#include "storage/scenario_tables.h"

#include <soci/soci.h>

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "interpreter/core/reserved_tables.h"
#include "storage/errors.h"

namespace sufler::storage {
namespace {

using nlohmann::json;

constexpr std::string_view kSystemColumns[] = {"id", "user_id", "dialog_id", "created_at"};

// ---- columns

struct TypeName {
  ColumnType type;
  std::string_view name;
};
// The names are in databases: they stay.
constexpr TypeName kTypeNames[] = {
    {ColumnType::Text, "text"},         {ColumnType::Number, "number"},
    {ColumnType::Integer, "integer"},   {ColumnType::Boolean, "boolean"},
    {ColumnType::Date, "date"},         {ColumnType::Time, "time"},
    {ColumnType::DateTime, "datetime"}, {ColumnType::File, "file"},
    {ColumnType::Files, "files"},       {ColumnType::List, "list"},
    {ColumnType::Map, "map"},
};

std::string name_of(ColumnType type) {
  for (const TypeName& known : kTypeNames) {
    if (known.type == type) return std::string(known.name);
  }
  return {};
}

StorageError refused(const Table& table, std::string_view why) {
  return {StorageError::Kind::Refused, "table `" + table.name + "`: " + std::string(why)};
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

bool is_system(std::string_view column) {
  return std::ranges::any_of(kSystemColumns,
                             [&](std::string_view name) { return same_name(name, column); });
}

/// A column as the tables see it: one of the scenario's, or one of ours.
struct Seen {
  std::string name;
  ColumnType type = ColumnType::Text;
};
constexpr ColumnType system_type(std::string_view name) {
  if (name == "user_id") return ColumnType::Text;
  return name == "created_at" ? ColumnType::DateTime : ColumnType::Integer;
}
std::optional<Seen> column_of(const Table& table, std::string_view name) {
  for (const std::string_view system : kSystemColumns) {
    if (system == name) return Seen{std::string(name), system_type(name)};
  }
  for (const Column& column : table.columns) {
    if (column.name == name) return Seen{column.name, column.type};
  }
  return std::nullopt;
}
std::vector<Seen> all_columns(const Table& table) {
  std::vector<Seen> columns;
  for (const std::string_view name : kSystemColumns) {
    columns.push_back({std::string(name), system_type(name)});
  }
  for (const Column& column : table.columns) {
    if (!is_system(column.name)) columns.push_back({column.name, column.type});
  }
  return columns;
}

// ---- values

using Converted = Stored<Bound>;

Converted mismatch(const Table& table, const Seen& column, const Value& value) {
  static constexpr std::string_view kTypes[] = {"null",     "a boolean", "a number", "a text",
                                                "a moment", "a date",    "a time",   "a duration",
                                                "a list",   "a map",     "a file"};
  return Error{StorageError{StorageError::Kind::Constraint,
                            "table `" + table.name + "`: column `" + column.name + "` takes " +
                                name_of(column.type) + ", not " +
                                std::string(kTypes[static_cast<std::size_t>(value.type())])}};
}

std::string plain_text(const Value& value) {
  switch (value.type()) {
    case ValueType::Null:
      break;
    case ValueType::Boolean:
      return *value.boolean() ? "true" : "false";
    case ValueType::Number:
      return value.number()->to_string();
    case ValueType::Text:
      return *value.text();
    case ValueType::Moment:
      return Zone().to_local(*value.moment()).to_iso() + "Z";
    case ValueType::Date:
      return value.date()->to_iso();
    case ValueType::Time:
      return value.time()->to_string();
    case ValueType::Duration:
      return value.duration()->to_string();
    case ValueType::List:
    case ValueType::Map:
    case ValueType::File:
      return to_json(value);
  }
  return {};
}

/// Exactly as stored: two digits an hour, so that texts sort as times do.
std::string time_text(TimeOfDay time) {
  std::string text = time.to_string();
  return text.size() == 5 ? text + ":00" : text;
}

/// What goes into the column. A text is read where the column holds something that is written as
/// text.
Converted to_column(const Dialect& dialect, const Table& table, const Seen& column,
                    const Value& value) {
  if (value.is_null()) return Bound();
  const auto text = [&]() -> std::string_view {
    return value.text() ? std::string_view(*value.text()) : std::string_view();
  };
  switch (column.type) {
    case ColumnType::Text:
      return Bound(plain_text(value));
    case ColumnType::Number:
    case ColumnType::Integer: {
      const std::optional<Decimal> number =
          value.number() ? std::optional(*value.number()) : Decimal::parse(text());
      if (!number) break;
      if (column.type == ColumnType::Number) return Bound(dialect.store_number(*number));
      const std::optional<std::int64_t> integer = number->to_int64();
      if (!integer) break;
      return Bound(*integer);
    }
    case ColumnType::Boolean:
      if (!value.boolean()) break;
      return Bound(std::int64_t{*value.boolean() ? 1 : 0});
    case ColumnType::Date: {
      const auto date = value.date() ? std::optional(*value.date()) : Date::parse_iso(text());
      if (!date) break;
      return Bound(date->to_iso());
    }
    case ColumnType::Time: {
      const auto time = value.time() ? std::optional(*value.time()) : TimeOfDay::parse(text());
      if (!time) break;
      return Bound(time_text(*time));
    }
    case ColumnType::DateTime:
      if (!value.moment()) break;
      return Bound(value.moment()->unix_ms);
    case ColumnType::File:
      if (!value.file()) break;
      return Bound(to_json(value));
    case ColumnType::Files:
      if (value.file()) return Bound(to_json(Value(List{value})));
      if (!value.list()) break;
      return Bound(to_json(value));
    case ColumnType::List:
      if (!value.list()) break;
      return Bound(to_json(value));
    case ColumnType::Map:
      if (!value.map()) break;
      return Bound(to_json(value));
  }
  return mismatch(table, column, value);
}

std::optional<Value> from_column(const Seen& column, const std::string& text) {
  const auto number = [&]() -> std::optional<std::int64_t> {
    const auto parsed = Decimal::parse(text);
    return parsed ? parsed->to_int64() : std::nullopt;
  };
  switch (column.type) {
    case ColumnType::Text:
      return Value(text);
    case ColumnType::Number:
    case ColumnType::Integer:
      if (const auto parsed = Decimal::parse(text)) return Value(*parsed);
      return std::nullopt;
    case ColumnType::Boolean:
      return Value(text != "0");
    case ColumnType::Date:
      if (const auto date = Date::parse_iso(text)) return Value(*date);
      return std::nullopt;
    case ColumnType::Time:
      if (const auto time = TimeOfDay::parse(text)) return Value(*time);
      return std::nullopt;
    case ColumnType::DateTime:
      if (const auto ms = number()) return Value(Moment{*ms});
      return std::nullopt;
    case ColumnType::File:
    case ColumnType::Files:
    case ColumnType::List:
    case ColumnType::Map:
      break;
  }
  Value value;
  if (!from_json(text, value)) return std::nullopt;
  return value;
}

// ---- statements

/// A statement whose values are known only now. SOCI binds by reference, so they are kept here.
class Query {
 public:
  explicit Query(soci::session& sql) : statement_(sql) {}

  /// Adds the placeholder for the value to the text.
  Query& bind(const Bound& value) {
    Slot& slot = slots_.emplace_back();
    text_ += ":v" + std::to_string(slots_.size());
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      slot.integer = *integer;
      statement_.exchange(soci::use(slot.integer));
    } else if (const auto* real = std::get_if<double>(&value)) {
      slot.real = *real;
      statement_.exchange(soci::use(slot.real));
    } else {
      if (const auto* text = std::get_if<std::string>(&value)) slot.text = *text;
      slot.indicator = std::holds_alternative<std::monostate>(value) ? soci::i_null : soci::i_ok;
      statement_.exchange(soci::use(slot.text, slot.indicator));
    }
    return *this;
  }
  Query& operator<<(std::string_view text) {
    text_ += text;
    return *this;
  }
  template <class Into>
  void into(Into&& target) {
    statement_.exchange(std::forward<Into>(target));
  }
  void run(bool fetch_first) {
    statement_.alloc();
    statement_.prepare(text_);
    statement_.define_and_bind();
    statement_.execute(fetch_first);
  }
  bool fetch() { return statement_.fetch(); }
  std::int64_t affected() { return statement_.get_affected_rows(); }

 private:
  struct Slot {
    std::int64_t integer = 0;
    double real = 0;
    std::string text;
    soci::indicator indicator = soci::i_ok;
  };
  std::deque<Slot> slots_;
  std::string text_;
  soci::statement statement_;
};

bool known_operator(std::string_view op) {
  return op == "==" || op == "!=" || op == "<" || op == "<=" || op == ">" || op == ">=";
}

/// Whether the language compares such a value with such a column at all: values of different types
/// are unequal and in no order.
bool comparable(ColumnType column, const Value& value) {
  switch (column) {
    case ColumnType::Text:
      return value.text() != nullptr;
    case ColumnType::Number:
    case ColumnType::Integer:
      return value.number() != nullptr;
    case ColumnType::Boolean:
      return value.boolean() != nullptr;
    case ColumnType::Date:
      return value.date() != nullptr;
    case ColumnType::Time:
      return value.time() != nullptr;
    case ColumnType::DateTime:
      return value.moment() != nullptr;
    case ColumnType::File:
      return value.file() != nullptr;
    case ColumnType::Files:
    case ColumnType::List:
      return value.list() != nullptr;
    case ColumnType::Map:
      return value.map() != nullptr;
  }
  return false;
}

bool has_order(ColumnType type) {
  return type != ColumnType::File && type != ColumnType::Files && type != ColumnType::List &&
         type != ColumnType::Map;
}

StorageError no_column(const Table& table, std::string_view name) {
  return {StorageError::Kind::Other,
          "table `" + table.name + "` has no column `" + std::string(name) + "`"};
}

/// One condition, or its outcome where the language knows it without looking at the rows.
Stored<Done> add_condition(Query& query, const Dialect& dialect, const Table& table,
                           const Condition& condition) {
  const std::optional<Seen> column = column_of(table, condition.column);
  if (!column) return Error{no_column(table, condition.column)};
  if (!known_operator(condition.op)) {
    return Error{
        StorageError{StorageError::Kind::Other, "no comparison is written `" + condition.op + "`"}};
  }
  const bool equal = condition.op == "==";
  const bool unequal = condition.op == "!=";
  const std::string name = quote_name(column->name);
  if (condition.value.is_null()) {
    query << (equal ? name + " IS NULL" : unequal ? name + " IS NOT NULL" : "1 = 0");
    return Done{};
  }
  if (!comparable(column->type, condition.value) ||
      (!equal && !unequal && !has_order(column->type))) {
    query << (unequal ? "1 = 1" : "1 = 0");
    return Done{};
  }
  const std::string op = equal ? " = " : unequal ? " IS DISTINCT FROM " : " " + condition.op + " ";
  const Decimal* const number = condition.value.number();
  if (number && (column->type == ColumnType::Number || !number->to_int64())) {
    query << dialect.number_order(name) << op << dialect.number_opens;
    query.bind(dialect.number_order_of(*number)) << dialect.number_closes;
    return Done{};
  }
  const Converted bound = to_column(dialect, table, *column, condition.value);
  if (!bound) return Error{bound.error()};
  query << name << op;
  query.bind(*bound);
  return Done{};
}

Stored<Done> add_conditions(Query& query, const Dialect& dialect, const Table& table,
                            const std::vector<Condition>& conditions) {
  std::string_view joint = " WHERE ";
  for (const Condition& condition : conditions) {
    query << joint;
    if (auto done = add_condition(query, dialect, table, condition); !done) return done;
    joint = " AND ";
  }
  return Done{};
}

/// Rows on their way out of a statement: one text a column.
class Reader {
 public:
  explicit Reader(const Table& table)
      : table_(table),
        columns_(all_columns(table)),
        texts_(columns_.size()),
        found_(columns_.size()) {}

  std::string list(const Dialect& dialect) const {
    std::string out;
    for (const Seen& column : columns_) {
      if (!out.empty()) out += ", ";
      const std::string name = quote_name(column.name);
      out += column.type == ColumnType::Number ? dialect.number_text(name) : name;
    }
    return out;
  }
  void attach(Query& query) {
    for (std::size_t i = 0; i < columns_.size(); ++i) query.into(soci::into(texts_[i], found_[i]));
  }
  Stored<ValueMap> row() const {
    ValueMap row;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (found_[i] == soci::i_null) {
        row.set(columns_[i].name, Value());
        continue;
      }
      std::optional<Value> value = from_column(columns_[i], texts_[i]);
      if (!value) {
        return Error{StorageError{StorageError::Kind::Corrupt,
                                  "table `" + table_.name + "`: column `" + columns_[i].name +
                                      "` holds what is no " + name_of(columns_[i].type)}};
      }
      row.set(columns_[i].name, std::move(*value));
    }
    return row;
  }

 private:
  const Table& table_;
  std::vector<Seen> columns_;
  std::vector<std::string> texts_;
  std::vector<soci::indicator> found_;
};

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
    for (const TypeName& known : kTypeNames) {
      if (type != known.name) continue;
      Column column;
      column.name = column_name;
      column.type = known.type;
      table.columns.push_back(std::move(column));
    }
  }
  return table;
}

Stored<Done> ScenarioTables::prepare(const Program& program) {
  for (const Table& table : program.tables) {
    if (auto done = prepare_table(program.id, table); !done) return done;
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
      if (filled != 0) {
        return Error{refused(table, "column `" + column.name + "` was " +
                                        present[column.name].get<std::string>() + " and is " +
                                        type + " now, and " + std::to_string(filled) +
                                        " rows have a value: give the new column another name")};
      }
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

  Query query(sql_);
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
  Query query(sql_);
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
  if (find.limit) {
    query << " LIMIT ";
    query.bind(std::max<std::int64_t>(*find.limit, 0));
  }
  reader.attach(query);
  query.run(false);
  List rows;
  while (query.fetch()) {
    Stored<ValueMap> row = reader.row();
    if (!row) return Error{row.error()};
    rows.emplace_back(std::move(*row));
  }
  return rows;
}

Stored<std::int64_t> ScenarioTables::count(const Table& table,
                                           const std::vector<Condition>& conditions) {
  Query query(sql_);
  query << "SELECT count(*) FROM " << quote_name(table.name);
  if (auto done = add_conditions(query, dialect_, table, conditions); !done)
    return Error{done.error()};
  std::int64_t count = 0;
  query.into(soci::into(count));
  query.run(true);
  return count;
}

Stored<std::int64_t> ScenarioTables::update(const Table& table, std::int64_t id,
                                            const ValueMap& values) {
  if (values.empty()) {
    return count(table, {Condition{.column = "id", .op = "==", .value = Value(id)}});
  }
  Query query(sql_);
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
  Query query(sql_);
  query << "DELETE FROM " << quote_name(table.name) << " WHERE id = ";
  query.bind(id).run(true);
  return query.affected();
}

}  // namespace sufler::storage

#include "storage/table_parts.h"

#include <algorithm>

namespace sufler::storage {
namespace {

constexpr std::string_view kSystemColumns[] = {"id", "user_id", "dialog_id", "created_at"};

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

constexpr ColumnType system_type(std::string_view name) {
  if (name == "user_id") return ColumnType::Text;
  return name == "created_at" ? ColumnType::DateTime : ColumnType::Integer;
}

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

}  // namespace

std::optional<ColumnType> type_named(std::string_view name) {
  for (const TypeName& known : kTypeNames) {
    if (known.name == name) return known.type;
  }
  return std::nullopt;
}

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

StorageError no_column(const Table& table, std::string_view name) {
  return {StorageError::Kind::Other,
          "table `" + table.name + "` has no column `" + std::string(name) + "`"};
}

Stored<Done> add_condition(Query& query, const Dialect& dialect, const Table& table,
                           const Condition& condition) {
  const std::optional<Seen> column = column_of(table, condition.column);
  if (!column) return Error{no_column(table, condition.column)};
  if (condition.op == "in" && condition.value.list() && !condition.value.list()->empty()) {
    std::string_view joint = "(";
    for (const Value& item : *condition.value.list()) {
      query << joint;
      if (auto done = add_condition(query, dialect, table, {condition.column, "==", item}); !done) return done;
      joint = " OR ";
    }
    query << ")";
    return Done{};
  }
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

}  // namespace sufler::storage

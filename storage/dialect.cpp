#include "storage/dialect.h"

#include <algorithm>
#include <utility>

// SQLite has no exact decimals. A number is stored as an integer where it is one of 64 bits, as a
// real where it has at most 15 digits (a real gives those back exactly), else as text. So the usual
// prices are numbers for everybody who opens the file, and the rare long ones are exact all the
// same. Comparing and sorting goes through sufler_order(column), which gives `sortable`, reading
// through sufler_text(column), which gives the exact digits: both are in sqlite_connection.cpp.
namespace sufler::storage {
namespace {

constexpr std::size_t kWholeDigits = 34;
constexpr std::size_t kFractionDigits = 18;
constexpr std::size_t kDigitsOfReal = 15;

std::string sqlite_column_type(ColumnType type) {
  switch (type) {
    case ColumnType::Number:
      return "BLOB";  // the only type of column that leaves every value as it comes
    case ColumnType::Integer:
    case ColumnType::Boolean:
    case ColumnType::DateTime:
      return "BIGINT";
    case ColumnType::Text:
    case ColumnType::Date:
    case ColumnType::Time:
    case ColumnType::File:
    case ColumnType::Files:
    case ColumnType::List:
    case ColumnType::Map:
      break;
  }
  return "TEXT";
}

Bound sqlite_store_number(const Decimal& number) {
  if (const auto integer = number.to_int64()) return *integer;
  std::string text = number.to_string();
  const std::string_view digits = std::string_view(text).substr(number.is_negative() ? 1 : 0);
  const std::size_t leading = std::min(digits.find_first_not_of("0."), digits.size());
  const auto significant =
      static_cast<std::size_t>(std::count_if(digits.begin() + static_cast<std::ptrdiff_t>(leading),
                                             digits.end(), [](char c) { return c != '.'; }));
  if (significant <= kDigitsOfReal) return number.to_double();
  return text;
}

}  // namespace

const Dialect& sqlite_dialect() {
  static const Dialect dialect = {
      .begin_write = "BEGIN IMMEDIATE",
      .identity = "INTEGER PRIMARY KEY AUTOINCREMENT",
      .key = "INTEGER PRIMARY KEY",
      .clustered = " WITHOUT ROWID",
      .table_exists =
          "SELECT count(*) FROM sqlite_master WHERE type IN ('table', 'view') AND "
          "lower(name) = lower(:name)",
      .count_tables = "SELECT count(*) FROM sqlite_master",
      .id_block = 1024,
      .column_type = &sqlite_column_type,
      .number_order = [](const std::string& column) { return "sufler_order(" + column + ")"; },
      .number_text = [](const std::string& column) { return "sufler_text(" + column + ")"; },
      .number_order_of = [](const Decimal& number) { return Bound(sortable(number)); },
      .store_number = &sqlite_store_number,
  };
  return dialect;
}

std::string Dialect::expand(std::string_view sql) const {
  std::string out(sql);
  const std::pair<std::string_view, std::string_view> words[] = {
      {"{identity}", identity}, {"{key}", key}, {"{clustered}", clustered}};
  for (const auto& [word, replacement] : words) {
    for (std::size_t at = out.find(word); at != std::string::npos; at = out.find(word)) {
      out.replace(at, word.size(), replacement);
    }
  }
  return out;
}

std::string quote_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '\0') continue;
    if (c == '"') out += '"';
    out += c;
  }
  return out += '"';
}

std::string sortable(const Decimal& number) {
  const std::string text = number.to_string();
  std::string_view digits = text;
  if (number.is_negative()) digits.remove_prefix(1);
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const std::string_view fraction =
      point < digits.size() ? digits.substr(point + 1) : std::string_view();
  std::string out(1, number.is_negative() ? '0' : '1');
  out.append(kWholeDigits - point, '0').append(digits.substr(0, point));
  out.append(fraction).append(kFractionDigits - fraction.size(), '0');
  if (number.is_negative()) {  // the further below zero, the earlier
    for (std::size_t i = 1; i < out.size(); ++i) out[i] = static_cast<char>('0' + ('9' - out[i]));
  }
  return out;
}

}  // namespace sufler::storage

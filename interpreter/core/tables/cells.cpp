#include "interpreter/core/tables/cells.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

/// Between digits a separator of thousands has three behind each.
bool grouped(std::string_view whole, char by) {
  std::size_t at = whole.find(by);
  if (at == 0 || at > 3) return false;
  while (at != whole.npos) {
    const std::size_t next = whole.find(by, at + 1);
    if ((next == whole.npos ? whole.size() : next) - at != 4) return false;
    at = next;
  }
  return true;
}

std::optional<unsigned> small_number(std::string_view digits, std::size_t most) {
  if (digits.empty() || digits.size() > most || !std::all_of(digits.begin(), digits.end(), is_ascii_digit)) return std::nullopt;
  unsigned value = 0;
  for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
  return value;
}

}  // namespace

std::optional<Decimal> number_of_cell(std::string_view text) {
  std::string_view rest = trim(text);
  for (const std::string_view mark : {"₽", "руб.", "руб", "р.", "$", "€", "%"}) {
    if (rest.size() > mark.size() && rest.ends_with(mark)) {
      rest = trim(rest.substr(0, rest.size() - mark.size()));
      break;
    }
    if ((mark == "$" || mark == "€") && rest.starts_with(mark)) {
      rest = trim(rest.substr(mark.size()));
      break;
    }
  }
  std::string plain;
  for (std::size_t at = 0; at < rest.size();) {
    const char32_t point = next_code_point(rest, at);
    if (point == U'\u2212') {  // the minus of typographers
      plain += '-';
    } else if (is_space(point) || point == U'\'' || point == U'\u2019') {
      const bool between = !plain.empty() && is_ascii_digit(plain.back()) && at < rest.size() && is_ascii_digit(rest[at]);
      if (!between && !(plain == "-" || plain == "+")) return std::nullopt;
    } else if (point < 0x80) {
      plain += static_cast<char>(point);
    } else {
      return std::nullopt;
    }
  }
  const std::size_t sign = !plain.empty() && (plain[0] == '-' || plain[0] == '+') ? 1 : 0;
  const std::string_view digits = std::string_view(plain).substr(sign);
  const auto commas = std::count(digits.begin(), digits.end(), ','), points = std::count(digits.begin(), digits.end(), '.');
  char decimal = commas == 1 && points == 0 ? ',' : points == 1 && commas == 0 ? '.' : '\0';
  if (commas > 0 && points > 0) {
    decimal = digits.rfind(',') > digits.rfind('.') ? ',' : '.';
    if ((decimal == ',' ? commas : points) != 1) return std::nullopt;
  }
  const std::size_t split = decimal == '\0' ? digits.npos : digits.rfind(decimal);
  const std::string_view whole = digits.substr(0, split);
  for (const char by : {',', '.'})
    if (by != decimal && whole.find(by) != whole.npos && !grouped(whole, by)) return std::nullopt;
  std::string canonical = plain.substr(0, sign);
  for (const char c : whole)
    if (c != ',' && c != '.') canonical += c;
  // `,5` is half, as people leave the nought out.
  if (whole.empty() && split != digits.npos) canonical += '0';
  if (split != digits.npos) canonical += "." + std::string(digits.substr(split + 1));
  return Decimal::parse(canonical);
}

std::optional<Date> date_of_cell(std::string_view text) {
  if (auto iso = Date::parse_iso(text)) return iso;
  const char separator = text.find('/') != text.npos ? '/' : '.';
  std::array<std::string_view, 3> parts;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t end = i == 2 ? text.npos : text.find(separator);
    if (i < 2 && end == text.npos) return std::nullopt;
    parts[i] = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), i == 2 ? text.size() : end + 1));
  }
  const auto day = small_number(parts[0], 2), month = small_number(parts[1], 2), year = small_number(parts[2], 4);
  if (!day || !month || !year || (parts[2].size() != 4 && parts[2].size() != 2)) return std::nullopt;
  return Date::from_ymd(static_cast<int>(parts[2].size() == 2 ? 2000 + *year : *year), *month, *day);
}

std::optional<bool> boolean_of_cell(std::string_view text) {
  const std::string word = to_lower(trim(text));
  for (const std::string_view yes : {"да", "yes", "true", "истина", "1", "+", "есть"})
    if (word == yes) return true;
  for (const std::string_view no : {"нет", "no", "false", "ложь", "0", "-", "−"})
    if (word == no) return false;
  return std::nullopt;
}

std::optional<Value> value_of_cell(const Column& column, const Zone& zone, std::string_view text) {
  switch (column.type) {
    case ColumnType::Text:
      return Value(text);
    case ColumnType::Number:
      if (const auto number = number_of_cell(text)) return Value(*number);
      return std::nullopt;
    case ColumnType::Integer:
      if (const auto number = number_of_cell(text); number && number->to_int64()) return Value(*number);
      return std::nullopt;
    case ColumnType::Boolean:
      if (const auto boolean = boolean_of_cell(text)) return Value(*boolean);
      return std::nullopt;
    case ColumnType::Date:
      if (const auto date = date_of_cell(trim(text))) return Value(*date);
      return std::nullopt;
    case ColumnType::Time:
      if (const auto time = TimeOfDay::parse(trim(text))) return Value(*time);
      return std::nullopt;
    case ColumnType::DateTime: {
      const std::string_view whole = trim(text);
      if (const auto local = LocalTime::parse_iso(whole)) return Value(zone.to_moment(*local));
      const std::size_t space = whole.find(' ');
      const auto date = date_of_cell(whole.substr(0, space));
      const auto time = space == whole.npos ? std::optional(TimeOfDay{}) : TimeOfDay::parse(trim(whole.substr(space)));
      if (date && time) return Value(zone.to_moment({*date, *time}));
      return std::nullopt;
    }
    case ColumnType::List: {
      List list;
      for (std::string_view rest = text; !rest.empty();) {
        const std::size_t end = rest.find_first_of(",;|\n");
        const std::string_view item = trim(rest.substr(0, end));
        if (!item.empty()) list.emplace_back(item);
        rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
      }
      return Value(std::move(list));
    }
    case ColumnType::File:
    case ColumnType::Files:
    case ColumnType::Map:
      break;
  }
  return std::nullopt;
}

}  // namespace sufler

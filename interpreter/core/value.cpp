#include "interpreter/core/value.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "interpreter/core/json_text.h"
#include "interpreter/core/message_json.h"
#include "interpreter/core/value_json.h"

namespace sufler {
namespace {

// ---- how values are shown

std::string display_number(const Decimal& number, Language language) {
  std::string text = number.to_string();
  if (language == Language::Russian) std::replace(text.begin(), text.end(), '.', ',');
  return text;
}

struct UnitWords {
  std::int64_t ms;
  std::array<const char*, 4> russian;  // one, few, many, other
  std::array<const char*, 4> english;
};
constexpr std::array<UnitWords, 4> kUnits = {{
    {86'400'000, {"день", "дня", "дней", "дня"}, {"day", "days", "days", "days"}},
    {3'600'000, {"час", "часа", "часов", "часа"}, {"hour", "hours", "hours", "hours"}},
    {60'000, {"минута", "минуты", "минут", "минуты"}, {"minute", "minutes", "minutes", "minutes"}},
    {1000,
     {"секунда", "секунды", "секунд", "секунды"},
     {"second", "seconds", "seconds", "seconds"}},
}};

std::string display_duration(Duration duration, Language language) {
  std::string out;
  std::int64_t rest = duration.ms;
  if (rest < 0) {
    out = "-";
    rest = rest == INT64_MIN ? INT64_MAX : -rest;
  }
  const std::size_t start = out.size();
  for (const UnitWords& unit : kUnits) {
    const bool last = unit.ms == 1000;
    std::string amount;
    if (last) {
      if (rest == 0 && out.size() > start) break;
      const auto seconds = Decimal::make(rest, 3);
      if (seconds) amount = display_number(*seconds, language);
    } else {
      if (rest < unit.ms) continue;
      amount = std::to_string(rest / unit.ms);
      rest %= unit.ms;
    }
    const auto form = static_cast<std::size_t>(plural_of(language, amount));
    if (out.size() > start) out += ' ';
    out += amount;
    out += ' ';
    out += language == Language::Russian ? unit.russian[form] : unit.english[form];
  }
  return out;
}

void append_display(std::string& out, const Value& value, const Locale& locale, int depth) {
  const bool russian = locale.language == Language::Russian;
  switch (value.type()) {
    case ValueType::Null:
      return;
    case ValueType::Boolean:
      out += *value.boolean() ? (russian ? "да" : "yes") : (russian ? "нет" : "no");
      return;
    case ValueType::Number:
      out += display_number(*value.number(), locale.language);
      return;
    case ValueType::Text:
      out += *value.text();
      return;
    case ValueType::Moment:
      out += format_local(locale.zone.to_local(*value.moment()), locale.language);
      return;
    case ValueType::Date:
      out += format_date(*value.date(), locale.language);
      return;
    case ValueType::Time:
      out += format_time(*value.time());
      return;
    case ValueType::Duration:
      out += display_duration(*value.duration(), locale.language);
      return;
    case ValueType::File: {
      const Attachment& file = *value.file();
      out += !file.name.empty() ? file.name : !file.caption.empty() ? file.caption : file.reference;
      return;
    }
    case ValueType::List:
      if (depth >= kMaxJsonDepth) return;
      for (std::size_t i = 0; i < value.list()->size(); ++i) {
        if (i > 0) out += ", ";
        append_display(out, (*value.list())[i], locale, depth + 1);
      }
      return;
    case ValueType::Map: {
      if (depth >= kMaxJsonDepth) return;
      bool first = true;
      for (const auto& [name, item] : *value.map()) {
        if (!first) out += ", ";
        first = false;
        out += name;
        out += ": ";
        append_display(out, item, locale, depth + 1);
      }
      return;
    }
  }
}

// ---- JSON

void append_tagged(std::string& out, std::string_view tag, std::string_view text) {
  out += "{\"";
  out += tag;
  out += "\":\"";
  out += text;  // digits and punctuation of numbers and dates: nothing to escape
  out += "\"}";
}

void append_tagged(std::string& out, std::string_view tag, std::int64_t number) {
  out += "{\"";
  out += tag;
  out += "\":";
  append_json_number(out, number);
  out += "}";
}

void append_value(std::string& out, const Value& value, int depth) {
  switch (value.type()) {
    case ValueType::Null:
      out += "null";
      return;
    case ValueType::Boolean:
      out += *value.boolean() ? "true" : "false";
      return;
    case ValueType::Number:
      append_tagged(out, "$number", value.number()->to_string());
      return;
    case ValueType::Text:
      append_json_string(out, *value.text());
      return;
    case ValueType::Moment:
      append_tagged(out, "$moment", value.moment()->unix_ms);
      return;
    case ValueType::Date:
      append_tagged(out, "$date", value.date()->to_iso());
      return;
    case ValueType::Time:
      append_tagged(out, "$time", value.time()->to_string());
      return;
    case ValueType::Duration:
      append_tagged(out, "$duration", value.duration()->ms);
      return;
    case ValueType::File:
      out += "{\"$file\":";
      append_json(out, *value.file());
      out += "}";
      return;
    case ValueType::List: {
      if (depth >= kMaxJsonDepth) {
        out += "null";
        return;
      }
      out.push_back('[');
      bool first = true;
      for (const Value& item : *value.list()) {
        if (!first) out.push_back(',');
        first = false;
        append_value(out, item, depth + 1);
      }
      out.push_back(']');
      return;
    }
    case ValueType::Map: {
      if (depth >= kMaxJsonDepth) {
        out += "null";
        return;
      }
      out.push_back('{');
      bool first = true;
      for (const auto& [name, item] : *value.map()) {
        if (!first) out.push_back(',');
        first = false;
        if (!name.empty() && name[0] == '$') {
          append_json_string(out, "$" + name);
        } else {
          append_json_string(out, name);
        }
        out.push_back(':');
        append_value(out, item, depth + 1);
      }
      out.push_back('}');
      return;
    }
  }
}

bool read_value(JsonReader& json, Value& value, int depth);

bool read_tagged(JsonReader& json, std::string_view tag, Value& value) {
  std::string text;
  std::int64_t number = 0;
  if (tag == "$moment" || tag == "$duration") {
    if (!json.read_int(number)) return false;
    value = tag == "$moment" ? Value(Moment{number}) : Value(Duration{number});
    return true;
  }
  if (tag == "$file") {
    Attachment file;
    if (!read_attachment(json, file)) return false;
    value = Value(std::move(file));
    return true;
  }
  if (!json.read_string(text)) return false;
  if (tag == "$number") {
    const auto decimal = Decimal::parse(text);
    if (!decimal) return json.fail();
    value = *decimal;
  } else if (tag == "$date") {
    const auto date = Date::parse_iso(text);
    if (!date) return json.fail();
    value = *date;
  } else if (tag == "$time") {
    const auto time = TimeOfDay::parse(text);
    if (!time) return json.fail();
    value = *time;
  } else {
    return json.fail();
  }
  return true;
}

bool names_differ(const std::vector<ValueMap::Item>& items) {
  constexpr std::size_t kFew = 32;
  if (items.size() <= kFew) {
    for (std::size_t i = 1; i < items.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (items[i].first == items[j].first) return false;
    return true;
  }
  std::vector<std::string_view> names;
  names.reserve(items.size());
  for (const auto& item : items) names.push_back(item.first);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) == names.end();
}

/// The members of a map; or the value that a tag says, and `tagged`.
bool read_items(JsonReader& json, std::vector<ValueMap::Item>& items, Value& value, bool& tagged, int depth) {
  const bool read = json.read_object([&](std::string& name) {
    if (tagged) return false;  // a tag stands alone
    if (name.size() > 1 && name[0] == '$' && name[1] == '$') {
      name.erase(0, 1);
    } else if (!name.empty() && name[0] == '$') {
      if (!items.empty()) return false;
      tagged = true;
      return read_tagged(json, name, value);
    }
    return read_value(json, items.emplace_back(name, Value()).second, depth + 1);
  });
  return read && (tagged || names_differ(items) || json.fail());
}

bool read_map(JsonReader& json, Value& value, int depth) {
  std::vector<ValueMap::Item> items;
  bool tagged = false;
  if (!read_items(json, items, value, tagged, depth)) return false;
  if (!tagged) value = ValueMap(std::move(items));
  return true;
}

bool read_value(JsonReader& json, Value& value, int depth) {
  switch (json.peek()) {
    case 'n':
      value = Value();
      return json.read_null();
    case 't':
    case 'f': {
      bool boolean = false;
      if (!json.read_bool(boolean)) return false;
      value = boolean;
      return true;
    }
    case '"': {
      std::string text;
      if (!json.read_string(text)) return false;
      value = std::move(text);
      return true;
    }
    case '[': {
      if (depth >= kMaxJsonDepth) return json.fail();
      List list;
      const bool read = json.read_array([&] {
        list.emplace_back();
        return read_value(json, list.back(), depth + 1);
      });
      if (!read) return false;
      value = std::move(list);
      return true;
    }
    case '{':
      // The deepest list or map may still hold tagged values.
      if (depth > kMaxJsonDepth) return json.fail();
      return read_map(json, value, depth) && (depth < kMaxJsonDepth || !value.map() || json.fail());
    default:
      return json.fail();
  }
}

}  // namespace

ValueMap::ValueMap(std::vector<Item> items) : items_(std::move(items)) {}

const Value* ValueMap::find(std::string_view name) const {
  for (const Item& item : items_) {
    if (item.first == name) return &item.second;
  }
  return nullptr;
}

Value* ValueMap::find(std::string_view name) {
  for (Item& item : items_) {
    if (item.first == name) return &item.second;
  }
  return nullptr;
}

void ValueMap::set(std::string_view name, Value value) {
  if (Value* known = find(name)) {
    *known = std::move(value);
  } else {
    items_.emplace_back(std::string(name), std::move(value));
  }
}

bool ValueMap::erase(std::string_view name) {
  const auto item = std::find_if(items_.begin(), items_.end(),
                                 [&](const Item& known) { return known.first == name; });
  if (item == items_.end()) return false;
  items_.erase(item);
  return true;
}

void ValueMap::clear() { items_.clear(); }
bool ValueMap::empty() const { return items_.empty(); }
std::size_t ValueMap::size() const { return items_.size(); }
std::vector<ValueMap::Item>::const_iterator ValueMap::begin() const { return items_.begin(); }
std::vector<ValueMap::Item>::const_iterator ValueMap::end() const { return items_.end(); }

bool operator==(const ValueMap& a, const ValueMap& b) {
  // The order of insertion is for display; it makes no difference between maps.
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.items_.size(); ++i) {
    const auto& [name, value] = a.items_[i];
    const Value* other = b.items_[i].first == name ? &b.items_[i].second : b.find(name);
    if (!other || !(*other == value)) return false;
  }
  return true;
}

const List* Value::list() const {
  const auto* held = std::get_if<std::shared_ptr<const List>>(&data_);
  return held ? held->get() : nullptr;
}
const ValueMap* Value::map() const {
  const auto* held = std::get_if<std::shared_ptr<const ValueMap>>(&data_);
  return held ? held->get() : nullptr;
}
const Attachment* Value::file() const {
  const auto* held = std::get_if<std::shared_ptr<const Attachment>>(&data_);
  return held ? held->get() : nullptr;
}

bool Value::truthy() const {
  switch (type()) {
    case ValueType::Null:
      return false;
    case ValueType::Boolean:
      return *boolean();
    case ValueType::Number:
      return !number()->is_zero();
    case ValueType::Text:
      return !text()->empty();
    case ValueType::List:
      return !list()->empty();
    case ValueType::Map:
      return !map()->empty();
    default:
      return true;
  }
}

bool operator==(const Value& a, const Value& b) {
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case ValueType::List:
      return a.list() == b.list() || *a.list() == *b.list();
    case ValueType::Map:
      return a.map() == b.map() || *a.map() == *b.map();
    case ValueType::File:
      return a.file() == b.file() || *a.file() == *b.file();
    default:
      return a.data_ == b.data_;
  }
}

std::partial_ordering compare(const Value& a, const Value& b) {
  if (a.type() != b.type()) return std::partial_ordering::unordered;
  switch (a.type()) {
    case ValueType::Null:
      return std::partial_ordering::equivalent;
    case ValueType::Boolean:
      return *a.boolean() <=> *b.boolean();
    case ValueType::Number:
      return *a.number() <=> *b.number();
    case ValueType::Text:
      return *a.text() <=> *b.text();
    case ValueType::Moment:
      return *a.moment() <=> *b.moment();
    case ValueType::Date:
      return *a.date() <=> *b.date();
    case ValueType::Time:
      return *a.time() <=> *b.time();
    case ValueType::Duration:
      return *a.duration() <=> *b.duration();
    case ValueType::List: {
      const List& x = *a.list();
      const List& y = *b.list();
      for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
        const std::partial_ordering order = compare(x[i], y[i]);
        if (order != std::partial_ordering::equivalent) return order;
      }
      return x.size() <=> y.size();
    }
    case ValueType::Map:
    case ValueType::File:
      return std::partial_ordering::unordered;
  }
  return std::partial_ordering::unordered;
}

std::string to_display(const Value& value, const Locale& locale) {
  if (value.text()) return *value.text();
  std::string out;
  append_display(out, value, locale, 0);
  return out;
}

void append_json(std::string& out, const Value& value) { append_value(out, value, 0); }

std::string to_json(const Value& value) {
  std::string out;
  append_json(out, value);
  return out;
}

bool read_value(JsonReader& json, Value& value) { return read_value(json, value, 0); }

bool read_map(JsonReader& json, ValueMap& map) {
  std::vector<ValueMap::Item> items;
  Value value;
  bool tagged = false;
  if (!read_items(json, items, value, tagged, 0) || tagged) return false;
  map = ValueMap(std::move(items));
  return true;
}

bool from_json(std::string_view json, Value& value) {
  JsonReader reader(json);
  Value read;
  const bool whole = read_value(reader, read, 0) && reader.at_end();
  value = whole ? std::move(read) : Value();
  return whole;
}

}  // namespace sufler

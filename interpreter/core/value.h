#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "interpreter/core/decimal.h"
#include "interpreter/core/message.h"
#include "interpreter/core/moment.h"

namespace sufler {

class Value;
using List = std::vector<Value>;

/// Name → value, in the order of first insertion. Small, so a look-up is a walk.
class ValueMap {
 public:
  using Item = std::pair<std::string, Value>;
  ValueMap() = default;
  /// The names must differ.
  explicit ValueMap(std::vector<Item> items);
  const Value* find(std::string_view name) const;
  Value* find(std::string_view name);
  void set(std::string_view name, Value value);
  bool erase(std::string_view name);
  void clear();
  bool empty() const;
  std::size_t size() const;
  std::vector<Item>::const_iterator begin() const;
  std::vector<Item>::const_iterator end() const;
  friend bool operator==(const ValueMap&, const ValueMap&);

 private:
  std::vector<Item> items_;
};

enum class ValueType : std::uint8_t {
  Null, Boolean, Number, Text, Moment, Date, Time, Duration, List, Map, File
};

/// What an expression gives and a variable holds. Immutable where it is large, so copies are cheap.
class Value {
 public:
  Value() = default;  ///< null
  Value(std::nullptr_t) {}
  Value(bool boolean) : data_(boolean) {}
  Value(Decimal number) : data_(number) {}
  Value(int number) : data_(Decimal(number)) {}
  Value(std::int64_t number) : data_(Decimal(number)) {}
  Value(std::string text) : data_(std::move(text)) {}
  Value(std::string_view text) : data_(std::string(text)) {}
  Value(const char* text) : data_(std::string(text)) {}
  Value(Moment moment) : data_(moment) {}
  Value(Date date) : data_(date) {}
  Value(TimeOfDay time) : data_(time) {}
  Value(Duration duration) : data_(duration) {}
  Value(List list) : data_(std::make_shared<const List>(std::move(list))) {}
  Value(ValueMap map) : data_(std::make_shared<const ValueMap>(std::move(map))) {}
  Value(Attachment file) : data_(std::make_shared<const Attachment>(std::move(file))) {}

  ValueType type() const { return static_cast<ValueType>(data_.index()); }
  bool is_null() const { return type() == ValueType::Null; }
  /// Each gives null when the value is of another type.
  const bool* boolean() const { return std::get_if<bool>(&data_); }
  const Decimal* number() const { return std::get_if<Decimal>(&data_); }
  const std::string* text() const { return std::get_if<std::string>(&data_); }
  const Moment* moment() const { return std::get_if<Moment>(&data_); }
  const Date* date() const { return std::get_if<Date>(&data_); }
  const TimeOfDay* time() const { return std::get_if<TimeOfDay>(&data_); }
  const Duration* duration() const { return std::get_if<Duration>(&data_); }
  const List* list() const;
  const ValueMap* map() const;
  const Attachment* file() const;

  /// False for null, `false`, 0, empty text, list and map; true for the rest.
  bool truthy() const;

  /// Deep equality by meaning: numbers by value. Values of different types are unequal.
  friend bool operator==(const Value& a, const Value& b);

 private:
  // In the order of ValueType.
  std::variant<std::monostate, bool, Decimal, std::string, Moment, Date, TimeOfDay, Duration,
               std::shared_ptr<const List>, std::shared_ptr<const ValueMap>,
               std::shared_ptr<const Attachment>>
      data_;
};

/// Order within one type; unordered between types and for maps and files.
std::partial_ordering compare(const Value& a, const Value& b);

/// How values are shown to people (LANGUAGE 14): `2,5` in Russian, `да`/`нет`, `15 марта 2026`, lists by
/// `, `; null is empty.
struct Locale {
  Language language = Language::Russian;
  Zone zone;
};
std::string to_display(const Value& value, const Locale& locale);

/// Compact JSON that keeps the type: text, booleans, null, lists and maps as such, everything else as
/// {"$number":"1.5"} and the like; a map's own name that begins with `$` is written with one `$` more.
/// `from_json` reads it back exactly; it fails on anything else. Below `kMaxJsonDepth` lists and maps
/// are written as null.
void append_json(std::string& out, const Value& value);
std::string to_json(const Value& value);
/// At most `kMaxJsonDepth` deep; a failure gives false and leaves `value` null.
bool from_json(std::string_view json, Value& value);
inline constexpr int kMaxJsonDepth = 64;

}  // namespace sufler

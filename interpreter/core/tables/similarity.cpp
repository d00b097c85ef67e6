#include "interpreter/core/tables/similarity.h"

#include <cstdlib>
#include <utility>

namespace sufler {
namespace {

Value number(double value) {
  const auto decimal = Decimal::from_double(value);
  return decimal ? Value(*decimal) : Value();
}

double number(const ValueMap& map, std::string_view name, double otherwise) {
  const Value* value = map.find(name);
  return value && value->number() ? value->number()->to_double() : otherwise;
}

}  // namespace

Likeness likeness_of(ColumnType type) {
  switch (type) {
    case ColumnType::Number:
    case ColumnType::Integer:
    case ColumnType::Date:
    case ColumnType::Time:
    case ColumnType::DateTime:
      return Likeness::Distance;
    case ColumnType::Text:
    case ColumnType::Boolean:
      return Likeness::Equality;
    case ColumnType::File:
    case ColumnType::Files:
    case ColumnType::List:
    case ColumnType::Map:
      break;
  }
  return Likeness::None;
}

Condition condition_of(const Nearness& near) {
  ValueMap map;
  map.set("to", near.to);
  map.set("weight", number(near.weight));
  if (near.within) {
    map.set("within", number(near.within->amount));
    map.set("of_wanted", near.within->of_wanted);
  }
  return {near.column, std::string(kNearOperator), Value(std::move(map))};
}

std::optional<Nearness> nearness_of(const Condition& condition) {
  const ValueMap* map = condition.op == kNearOperator ? condition.value.map() : nullptr;
  if (!map) return std::nullopt;
  Nearness near;
  near.column = condition.column;
  if (const Value* to = map->find("to")) near.to = *to;
  near.weight = number(*map, "weight", 1);
  if (const Value* within = map->find("within"); within && within->number()) {
    const Value* part = map->find("of_wanted");
    near.within = Within{within->number()->to_double(), part && part->truthy()};
  }
  return near;
}

std::optional<double> measure_of(ColumnType column, const Value& value) {
  switch (column) {
    case ColumnType::Number:
    case ColumnType::Integer:
      if (value.number()) return value.number()->to_double();
      break;
    case ColumnType::Date:
      if (value.date()) return value.date()->days_since_epoch;
      break;
    case ColumnType::Time:
      if (value.time()) return value.time()->seconds;
      break;
    case ColumnType::DateTime:
      if (value.moment()) return static_cast<double>(value.moment()->unix_ms);
      break;
    default:
      break;
  }
  return std::nullopt;
}

void add_distance(ValueMap& row, std::int64_t units) {
  if (!row.find(kDistanceName))
    if (const auto distance = Decimal::make(units, 9)) row.set(kDistanceName, Value(*distance));
  // Rounded down, so that 100 is said of what is the same.
  const auto whole = static_cast<std::int64_t>(kDistanceUnits);
  if (!row.find(kSimilarityName)) row.set(kSimilarityName, Value((whole - std::min(units, whole)) * 100 / whole));
}

}  // namespace sufler

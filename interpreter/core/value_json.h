#pragma once
#include "interpreter/core/json_text.h"
#include "interpreter/core/value.h"

namespace sufler {

/// The reading side of `append_json(std::string&, const Value&)`, inside a larger text.
bool read_value(JsonReader& json, Value& value);
/// A map, and nothing else.
bool read_map(JsonReader& json, ValueMap& map);

}  // namespace sufler

#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "interpreter/core/json_text.h"

namespace sufler::vk {

/// Where receiving was left, as it is stored: `{"ts":"123","at":1790000000000}`.
struct Position {
  std::string ts = {};  ///< of the long poll; empty: from now on
  std::int64_t at = 0;  ///< unix ms of the newest event; 0: none yet. What VK lost is fetched from there
  bool behind = false;  ///< what was written since `at` is still to be fetched

  std::string to_string() const {
    std::string json = "{\"ts\":";
    append_json_string(json, ts);
    json += ",\"at\":";
    append_json_number(json, at);
    if (behind) json += ",\"behind\":true";
    return json += '}';
  }
  /// What cannot be read is an empty position.
  static Position parse(std::string_view text) {
    Position read;
    JsonReader json(text);
    const bool ok = json.read_object([&](const std::string& name) {
      if (name == "ts") return json.read_string(read.ts);
      if (name == "behind") return json.read_bool(read.behind);
      return name == "at" && json.read_int(read.at);
    });
    return ok && json.at_end() ? read : Position{};
  }
};

}  // namespace sufler::vk

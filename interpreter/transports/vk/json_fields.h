#pragma once
#include <simdjson.h>

#include <charconv>
#include <cstdint>
#include <string_view>

/// Reading of VK's JSON, inside this folder only: simdjson is heavy. VK writes numbers as strings and flags
/// as numbers here and there, so these readers take either; what is absent or of another type reads as
/// nothing.
namespace sufler::vk {

namespace dom = simdjson::dom;
using simdjson::SUCCESS;

inline std::string_view text_at(const dom::object& object, std::string_view key) {
  std::string_view text;
  return object[key].get(text) == SUCCESS ? text : std::string_view();
}

inline bool read_int(const dom::element& value, std::int64_t& number) {
  std::string_view text;
  if (value.get(number) == SUCCESS) return true;
  if (value.get(text) != SUCCESS || text.empty()) return false;
  std::int64_t read = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), read);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return false;
  number = read;
  return true;
}

inline std::int64_t int_at(const dom::object& object, std::string_view key, std::int64_t otherwise = 0) {
  dom::element value;
  std::int64_t number = 0;
  return object[key].get(value) == SUCCESS && read_int(value, number) ? number : otherwise;
}

inline bool object_at(const dom::object& object, std::string_view key, dom::object& found) {
  return object[key].get(found) == SUCCESS;
}

inline bool flag_at(const dom::object& object, std::string_view key) {
  bool flag = false;
  return object[key].get(flag) == SUCCESS ? flag : int_at(object, key) != 0;
}

}  // namespace sufler::vk

#include "interpreter/transports/vk/buttons.h"

#include <charconv>

#include "interpreter/core/json_text.h"
#include "interpreter/core/text.h"

namespace sufler::vk {
namespace {

std::string member(std::string_view name, std::string_view text) {
  std::string json = "{\"";
  json.append(name).append("\":");
  append_json_string(json, text);
  json += '}';
  return json;
}

bool read_id(std::string_view text, std::int64_t& id) {
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, id);
  return read.ec == std::errc() && read.ptr == end;
}

}  // namespace

std::string shown_label(std::string_view label) {
  std::string line;
  line.reserve(label.size());
  for (const char c : trim(label)) line += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  if (line.size() <= kLabelCodePoints || count_code_points(line) <= kLabelCodePoints) return line;
  std::string cut(trim(first_code_points(line, kLabelCodePoints - 1)));
  return cut += "…";
}

std::string press_payload(std::string_view payload) {
  std::string json = member("p", payload);
  return payload.empty() || json.size() > kPayloadBytes ? std::string() : json;
}

std::string label_payload(std::string_view label) {
  if (shown_label(label) == label) return {};
  std::string json = member("t", label);
  for (std::size_t most = kPayloadBytes; json.size() > kPayloadBytes && most > 0; --most) {
    json = member("t", first_code_points(label, most - 1));
  }
  return json;
}

std::string PressPlace::to_string() const {
  return event_id + ":" + std::to_string(user_id) + ":" + std::to_string(peer_id);
}

std::optional<PressPlace> PressPlace::parse(std::string_view press_id) {
  const std::size_t last = press_id.rfind(':');
  if (last == std::string_view::npos || last == 0) return std::nullopt;
  const std::size_t first = press_id.rfind(':', last - 1);
  if (first == std::string_view::npos || first == 0) return std::nullopt;
  PressPlace place;
  place.event_id = press_id.substr(0, first);
  if (!read_id(press_id.substr(first + 1, last - first - 1), place.user_id) ||
      !read_id(press_id.substr(last + 1), place.peer_id)) {
    return std::nullopt;
  }
  return place;
}

}  // namespace sufler::vk

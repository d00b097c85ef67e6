// Servers cut their streams where tokens end, and a token may end inside of a character. What comes then is a JSON text
// that holds half a surrogate pair, or bytes that are no UTF-8. A half becomes a code point of a plane for private use
// (U+10D800 for \uD800, U+10FE00 + byte for a byte), and `mended` joins the halves once they are side by side.
#include "interpreter/services/llm/wire_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "interpreter/core/text.h"

namespace sufler::llm {
namespace {

constexpr char32_t kHalves = 0x10D800;  // … 0x10DFFF
constexpr char32_t kBytes = 0x10FE00;   // … 0x10FEFF

bool is_half(char32_t c) { return c >= kHalves && c <= kHalves + 0x7FF; }
bool is_high(char32_t c) { return c >= kHalves && c <= kHalves + 0x3FF; }
bool is_byte(char32_t c) { return c >= kBytes + 0x80 && c <= kBytes + 0xFF; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The unit of `\uXXXX` at the beginning of a text; -1 when there is none.
int escaped_unit(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return -1;
  int unit = 0;
  for (std::size_t i = 2; i < 6; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

/// With stand-ins for what no parser takes.
std::string mendable(std::string_view json) {
  std::string out;
  out.reserve(json.size() + 16);
  for (std::size_t i = 0; i < json.size();) {
    if (json[i] == '\\') {
      const int unit = escaped_unit(json.substr(i));
      if (unit < 0xD800 || unit > 0xDFFF) {
        out += json.substr(i, 2);
        i += 2;
        continue;
      }
      const int next = escaped_unit(json.substr(std::min(i + 6, json.size())));
      if (unit < 0xDC00 && next >= 0xDC00 && next <= 0xDFFF) {
        out += json.substr(i, 12);
        i += 12;
        continue;
      }
      append_utf8(out, kHalves + static_cast<char32_t>(unit - 0xD800));
      i += 6;
      continue;
    }
    if (static_cast<unsigned char>(json[i]) < 0x80) {
      out += json[i++];
      continue;
    }
    std::size_t length = 1;
    while (length < 4 && i + length < json.size() && (static_cast<unsigned char>(json[i + length]) & 0xC0) == 0x80) ++length;
    while (length > 1 && !is_utf8(json.substr(i, length))) --length;
    if (length > 1) {
      out += json.substr(i, length);
    } else {
      append_utf8(out, kBytes + static_cast<unsigned char>(json[i]));
    }
    i += length;
  }
  return out;
}

Json parse_strictly(std::string_view text) {
  bool too_deep = false;
  const Json::parser_callback_t look = [&](int depth, Json::parse_event_t event, Json&) {
    if (depth > kMostDepth && (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start))
      too_deep = true;
    return !too_deep;
  };
  Json json = Json::parse(text, look, false);
  return too_deep ? Json(Json::value_t::discarded) : json;
}

}  // namespace

Json parse_wire(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Json json = parse_strictly(text);
  if (!json.is_discarded()) return json;
  const std::string again = mendable(text);
  return again == text ? json : parse_strictly(again);
}

std::string mended(std::string_view text) {
  // Planes 16 begin with F4 8F here: hardly any text has them, so most are copied at once.
  if (text.find('\xF4') == std::string_view::npos && text.find('\0') == std::string_view::npos) return std::string(text);
  std::string out;
  std::string bytes;
  const auto flush = [&] {
    for (std::size_t i = 0; i < bytes.size();) append_utf8(out, next_code_point(bytes, i));
    bytes.clear();
  };
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    const char32_t c = next_code_point(text, i);
    if (is_byte(c)) {
      bytes.push_back(static_cast<char>(c - kBytes));
      continue;
    }
    flush();
    if (c == 0) continue;
    if (!is_half(c)) {
      out += text.substr(begin, i - begin);
      continue;
    }
    std::size_t behind = i;
    const char32_t low = is_high(c) && i < text.size() ? next_code_point(text, behind) : 0;
    if (is_half(low) && !is_high(low)) {
      append_utf8(out, 0x10000 + ((c - kHalves) << 10) + (low - kHalves - 0x400));
      i = behind;
    } else {
      append_utf8(out, 0xFFFD);
    }
  }
  flush();
  return out;
}

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }
std::string dumped(const OrderedJson& json) { return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace); }

const Json* member(const Json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_of(const Json& object, std::string_view name) {
  const Json* found = member(object, name);
  return found && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::int64_t> number_of(const Json& object, std::string_view name) {
  const Json* found = member(object, name);
  if (!found || !found->is_number()) return std::nullopt;
  if (found->is_number_unsigned() && found->get<std::uint64_t>() > std::uint64_t{1} << 53) return std::nullopt;
  if (found->is_number_float()) {
    const double number = found->get<double>();
    if (!(std::abs(number) < 1e15)) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  return found->get<std::int64_t>();
}

}  // namespace sufler::llm

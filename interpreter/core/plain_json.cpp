#include "interpreter/core/plain_json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "interpreter/core/json_text.h"

namespace sufler {
namespace {

std::string_view kind_word(AttachmentKind kind) {
  switch (kind) {
    case AttachmentKind::Photo: return "photo";
    case AttachmentKind::Video: return "video";
    case AttachmentKind::Audio: return "audio";
    case AttachmentKind::Voice: return "voice";
    default: return "file";
  }
}

void append_seconds(std::string& out, std::int64_t ms) {
  const auto seconds = divide(Decimal(ms), Decimal(1000));
  out += seconds ? seconds->to_string() : "0";
}

void append(std::string& out, const Value& value, const Zone& zone, int depth) {
  switch (value.type()) {
    case ValueType::Null: out += "null"; return;
    case ValueType::Boolean: out += *value.boolean() ? "true" : "false"; return;
    case ValueType::Number: out += value.number()->to_string(); return;
    case ValueType::Text: append_json_string(out, *value.text()); return;
    case ValueType::Moment: append_json_string(out, zone.to_local(*value.moment()).to_iso()); return;
    case ValueType::Date: append_json_string(out, value.date()->to_iso()); return;
    case ValueType::Time: append_json_string(out, value.time()->to_string()); return;
    case ValueType::Duration: append_seconds(out, value.duration()->ms); return;
    case ValueType::File: {
      const Attachment& file = *value.file();
      ObjectWriter members(out);
      members.text("name", file.name);
      members.text("kind", kind_word(file.kind));
      members.text("type", file.mime);
      if (file.size > 0) members.number("size", file.size);
      members.end();
      return;
    }
    case ValueType::List: {
      if (depth >= kMaxJsonDepth) {
        out += "null";
        return;
      }
      out += '[';
      const char* comma = "";
      for (const Value& item : *value.list()) {
        out += comma;
        comma = ",";
        append(out, item, zone, depth + 1);
      }
      out += ']';
      return;
    }
    case ValueType::Map: {
      if (depth >= kMaxJsonDepth) {
        out += "null";
        return;
      }
      out += '{';
      const char* comma = "";
      for (const auto& [name, item] : *value.map()) {
        out += comma;
        comma = ",";
        append_json_string(out, name);
        out += ':';
        append(out, item, zone, depth + 1);
      }
      out += '}';
      return;
    }
  }
}

/// `-1.25e3` written out. Nothing where it has more digits than a number holds.
std::optional<Decimal> number_of(std::string_view text) {
  const std::size_t at = text.find_first_of("eE");
  if (at == std::string_view::npos) return Decimal::parse(text);
  std::string_view power = text.substr(at + 1);
  if (!power.empty() && power.front() == '+') power.remove_prefix(1);
  int exponent = 0;
  const auto read = std::from_chars(power.data(), power.data() + power.size(), exponent);
  if (read.ec != std::errc() || std::abs(exponent) > 60) return std::nullopt;
  std::string sign;
  std::string digits(text.substr(0, at));
  if (digits.starts_with('-')) sign = "-", digits.erase(0, 1);
  std::size_t point = digits.find('.');
  if (point == std::string::npos) {
    point = digits.size();
  } else {
    digits.erase(point, 1);
  }
  std::ptrdiff_t now_at = static_cast<std::ptrdiff_t>(point) + exponent;
  if (now_at <= 0) {
    digits.insert(0, static_cast<std::size_t>(1 - now_at), '0');
    now_at = 1;
  }
  if (now_at > static_cast<std::ptrdiff_t>(digits.size()))
    digits.append(static_cast<std::size_t>(now_at) - digits.size(), '0');
  digits.insert(static_cast<std::size_t>(now_at), ".");
  if (digits.ends_with('.')) digits += '0';
  while (digits.ends_with('0') && !digits.ends_with(".0")) digits.pop_back();
  return Decimal::parse(sign + digits);
}

/// Of more digits behind the point than we keep.
std::optional<Decimal> rounded(double value) {
  if (!(std::abs(value) < 1e15)) return std::nullopt;
  char digits[64];
  std::snprintf(digits, sizeof digits, "%.18f", value);
  return Decimal::parse(digits);
}

/// What the parser, which recurses nowhere, calls for each piece.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::string reason;
  Value whole;

  bool null() override { return put({}); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(std::int64_t value) override { return put(value); }
  bool number_unsigned(std::uint64_t value) override {
    const auto number = Decimal::parse(std::to_string(value));
    return number ? put(*number) : fail("a number that is too long");
  }
  bool number_float(double value, const std::string& text) override {
    auto number = number_of(text);
    if (!number) number = rounded(value);
    return number ? put(*number) : fail("a number that is too long");
  }
  bool string(std::string& value) override {
    std::erase(value, '\0');
    return put(std::move(value));
  }
  bool binary(nlohmann::json::binary_t&) override { return fail("bytes"); }
  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }
  bool key(std::string& name) override {
    std::erase(name, '\0');
    open_.back().name = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception&) override {
    return fail("no JSON, at byte " + std::to_string(at));
  }

 private:
  struct Open {
    bool is_map = false;
    std::vector<ValueMap::Item> items;
    List list;
    std::string name;
  };

  bool fail(std::string why) {
    if (reason.empty()) reason = std::move(why);
    return false;
  }
  bool open(bool is_map) {
    if (open_.size() >= static_cast<std::size_t>(kMaxJsonDepth)) return fail("lists and maps too deep in each other");
    open_.emplace_back();
    open_.back().is_map = is_map;
    return true;
  }
  bool close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (!done.is_map) return put(Value(std::move(done.list)));
    return put(Value(ValueMap(last_of_each(std::move(done.items)))));
  }
  /// Without comparing each name with each: a stranger's map may be long.
  static std::vector<ValueMap::Item> last_of_each(std::vector<ValueMap::Item> items) {
    std::vector<std::size_t> order(items.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return items[a].first < items[b].first; });
    std::vector<bool> stays(items.size(), true);
    for (std::size_t i = 0; i + 1 < order.size(); ++i)
      if (items[order[i]].first == items[order[i + 1]].first) stays[order[i]] = false;
    std::vector<ValueMap::Item> kept;
    kept.reserve(items.size());
    for (std::size_t i = 0; i < items.size(); ++i)
      if (stays[i]) kept.push_back(std::move(items[i]));
    return kept;
  }
  bool put(Value value) {
    if (open_.empty()) {
      whole = std::move(value);
    } else if (open_.back().is_map) {
      open_.back().items.emplace_back(std::move(open_.back().name), std::move(value));
    } else {
      open_.back().list.push_back(std::move(value));
    }
    return true;
  }

  std::vector<Open> open_;
};

}  // namespace

std::string to_plain_json(const Value& value, const Zone& zone) {
  std::string out;
  append(out, value, zone, 0);
  return out;
}

Result<Value, std::string> from_plain_json(std::string_view json) {
  Builder builder;
  if (nlohmann::json::sax_parse(json.begin(), json.end(), &builder)) return std::move(builder.whole);
  return Error{builder.reason.empty() ? std::string("no JSON") : builder.reason};
}

}  // namespace sufler

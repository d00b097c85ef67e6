#include "interpreter/core/http/order.h"

#include <unicode/ucnv.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>

#include "interpreter/core/json_text.h"
#include "interpreter/core/plain_json.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

constexpr std::array<std::string_view, 5> kMethods = {"GET", "POST", "PUT", "PATCH", "DELETE"};

void add(std::vector<Expression>& all, const HttpText& text) {
  for (const HttpText::Piece& piece : text.pieces)
    if (piece.value) all.push_back(*piece.value);
}
void add(std::vector<Expression>& all, const std::vector<HttpField>& fields) {
  for (const HttpField& field : fields)
    for (const HttpText& value : field.values) add(all, value);
}
void add(std::vector<Expression>& all, const HttpJson& json) {
  add(all, json.text);
  for (const auto& [name, member] : json.members) add(all, member);
}

bool read_number(JsonReader& json, std::uint32_t& out) {
  std::int64_t number = 0;
  if (!json.read_int(number) || number < 0 || number > 1'000'000) return false;
  out = static_cast<std::uint32_t>(number);
  return true;
}

/// `charset` of a Content-Type, without quotes.
std::string charset_of(std::string_view type) {
  const std::string folded = to_lower(type);
  const std::size_t at = folded.find("charset=");
  if (at == folded.npos) return {};
  std::string name = folded.substr(at + 8);
  name.resize(std::min(name.find_first_of("; \t"), name.size()));
  std::erase(name, '"');
  return name.size() > 40 ? std::string() : name;
}

/// With `�` in the place of what is broken.
std::string sound_utf8(std::string_view text) {
  std::string out;
  std::size_t bad = 0;
  while (!is_utf8(text, &bad)) {
    out.append(text.substr(0, bad));
    out += "\xEF\xBF\xBD";
    text.remove_prefix(std::min(bad + 1, text.size()));
  }
  return out.append(text);
}

std::string as_utf8(std::string_view body, std::string_view type) {
  const std::string charset = charset_of(type);
  if (!charset.empty() && charset != "utf-8" && charset != "utf8" && !is_utf8(body)) {
    UErrorCode status = U_ZERO_ERROR;
    UConverter* converter = ucnv_open(charset.c_str(), &status);
    if (U_SUCCESS(status)) {
      const icu::UnicodeString text(body.data(), static_cast<std::int32_t>(body.size()), converter, status);
      ucnv_close(converter);
      std::string out;
      if (U_SUCCESS(status)) return text.toUTF8String(out);
    }
  }
  return sound_utf8(body);
}

}  // namespace

std::string_view name_of(HttpMethod method) { return kMethods[static_cast<std::size_t>(method)]; }

std::vector<Expression> HttpOrder::expressions() const {
  std::vector<Expression> all;
  add(all, target);
  for (const auto* fields : {&query, &form, &headers}) add(all, *fields);
  if (json) add(all, *json);
  return all;
}

std::string to_json(const HttpCall& call) {
  std::string out;
  ObjectWriter members(out);
  members.text("method", name_of(call.method));
  members.text("url", call.url);
  if (!call.headers.empty()) {
    std::string& list = members.name("headers");
    list += '[';
    for (const auto& [name, value] : call.headers) {
      if (list.back() != '[') list += ',';
      list += '[';
      append_json_string(list, name);
      list += ',';
      append_json_string(list, value);
      list += ']';
    }
    list += ']';
  }
  members.text("type", call.type);
  members.text("body", call.body);
  members.number("timeout", call.timeout.ms);
  if (call.retry) members.number("retry", *call.retry);
  members.text("key", call.key);
  if (call.spent > 0) members.number("spent", call.spent);
  if (call.known > 0) members.number("known", call.known);
  members.end();
  return out;
}

bool from_json(std::string_view text, HttpCall& call) {
  call = {};
  JsonReader json(text);
  const bool read = json.read_object([&](const std::string& name) {
    if (name == "method") {
      std::string method;
      if (!json.read_string(method)) return false;
      const auto found = std::find(kMethods.begin(), kMethods.end(), method);
      if (found == kMethods.end()) return false;
      call.method = static_cast<HttpMethod>(found - kMethods.begin());
      return true;
    }
    if (name == "url") return json.read_string(call.url);
    if (name == "headers") return json.read_array([&] {
      auto& [header, value] = call.headers.emplace_back();
      return json.take('[') && json.read_string(header) && json.take(',') && json.read_string(value) && json.take(']');
    });
    if (name == "type") return json.read_string(call.type);
    if (name == "body") return json.read_string(call.body);
    if (name == "timeout") return json.read_int(call.timeout.ms);
    if (name == "retry") return read_number(json, call.retry.emplace());
    if (name == "key") return json.read_string(call.key);
    if (name == "spent") return read_number(json, call.spent);
    if (name == "known") return read_number(json, call.known);
    return pass_over(json);
  });
  return read && json.at_end() && !call.url.empty() && call.timeout.ms > 0;
}

Value http_result(int status, std::string_view body, std::string_view type) {
  std::string text = as_utf8(body, type);
  std::erase(text, '\0');
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  ValueMap result;
  result.set("status", status);
  auto json = from_plain_json(text);
  result.set("json", json ? std::move(*json) : Value());
  result.set("text", std::move(text));
  return Value(std::move(result));
}

Value http_failure(std::string error) {
  ValueMap result;
  result.set("status", 0);
  result.set("json", Value());
  result.set("text", std::string());
  result.set("error", std::move(error));
  return Value(std::move(result));
}

bool is_header_value(std::string_view text) {
  return is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_header_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
  });
}

bool is_own_header(std::string_view name) {
  static constexpr std::array<std::string_view, 11> kOwn = {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "expect",
                                                            "upgrade", "te", "trailer", "accept-encoding", "http2-settings"};
  const std::string folded = to_lower(name);
  return folded.starts_with("proxy-") || std::find(kOwn.begin(), kOwn.end(), folded) != kOwn.end();
}

}  // namespace sufler

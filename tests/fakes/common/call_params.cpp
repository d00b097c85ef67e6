#include "fakes/common/call_params.h"

#include <charconv>

#include "fakes/common/bytes.h"

namespace sufler::fakes {

std::string CallParams::text(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string{} : found->second;
}

std::optional<std::int64_t> CallParams::number_in(const std::string& name) const {
  const std::string value = text(name);
  std::int64_t number = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
  if (value.empty() || parsed.ec != std::errc{}) return std::nullopt;
  return number;
}

Json CallParams::for_log(std::string_view secret) const {
  Json out = Json::object();
  for (const auto& [name, value] : values_)
    if (name != secret) out[name] = value;
  for (const auto& [name, part] : files_) {
    out[name] = {{"file", part.file_name},
                 {"content_type", part.content_type},
                 {"size", part.bytes->size()},
                 {"sha256", sha256_hex(*part.bytes)}};
  }
  return out;
}

const FilePart* CallParams::upload(const std::string& name) const {
  const auto found = files_.find(name);
  return found == files_.end() ? nullptr : &found->second;
}

std::optional<std::int64_t> whole_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

Json query_to_json(const std::string& query) {
  FormData form;
  read_urlencoded(query, form);
  Json out = Json::object();
  for (const auto& [name, value] : form.fields) {
    const Json parsed = Json::parse(value, nullptr, false);
    out[name] = parsed.is_number() || parsed.is_boolean() ? parsed : Json(value);
  }
  return out;
}

}  // namespace sufler::fakes

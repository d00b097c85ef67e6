#include "fakes/telegram/params.h"

#include <charconv>

#include "fakes/telegram/bytes.h"

namespace sufler::fakes {
namespace {

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

using Values = std::map<std::string, std::string>;

void put(Values& values, std::string name, std::string value, bool strict) {
  if (strict && values.contains(name))
    throw bad_request("parameter \"" + name + "\" is given twice");
  if (!is_utf8(value) || !is_utf8(name)) throw bad_request("Strings must be encoded in UTF-8");
  values[std::move(name)] = std::move(value);
}

void read_form(Values& values, std::string_view text, bool strict) {
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equal = pair.find('=');
    const std::string_view value =
        equal == std::string_view::npos ? std::string_view{} : pair.substr(equal + 1);
    put(values, percent_decode(pair.substr(0, equal), true), percent_decode(value, true), strict);
  }
}

void read_json(Values& values, const std::string& body, bool strict) {
  if (body.empty()) return;
  const Json parsed = Json::parse(body, nullptr, false);
  if (!parsed.is_object())
    throw ApiError{400, "Bad Request: can't parse request body as JSON object"};
  for (const auto& [name, value] : parsed.items()) {
    if (value.is_null() && strict) throw bad_request("parameter \"" + name + "\" is null");
    put(values, name, value.is_string() ? value.get<std::string>() : value.dump(), strict);
  }
}

/// `name="value"` inside a Content-Disposition; quotes are escaped as `\"` or `%22`.
bool disposition_field(std::string_view header, std::string_view name, std::string& value) {
  const std::string needle = std::string(name) + "=";
  for (std::size_t i = header.find(needle); i != std::string_view::npos;
       i = header.find(needle, i + 1)) {
    if (i > 0 && header[i - 1] != ' ' && header[i - 1] != ';' && header[i - 1] != '\t') continue;
    std::size_t from = i + needle.size();
    value.clear();
    if (from >= header.size() || header[from] != '"') {
      value = std::string(header.substr(from, header.find(';', from) - from));
      return true;
    }
    for (++from; from < header.size() && header[from] != '"'; ++from) {
      if (header[from] == '\\' && from + 1 < header.size()) ++from;
      if (header.substr(from, 3) == "%22") {
        value += '"';
        from += 2;
      } else {
        value += header[from];
      }
    }
    return true;
  }
  return false;
}

void read_multipart(Values& values, std::map<std::string, FilePart>& files, std::string_view body,
                    const std::string& boundary, bool strict) {
  const auto malformed = [](const char* why) {
    return ApiError{400, std::string("Bad Request: can't parse multipart request: ") + why};
  };
  if (boundary.empty()) throw malformed("boundary is missing");
  const std::string opening = "--" + boundary;
  const std::string delimiter = "\r\n" + opening;
  std::size_t at = body.find(opening);
  if (at == std::string_view::npos) throw malformed("boundary not found");
  at += opening.size();
  for (;;) {
    if (body.substr(at, 2) == "--") return;
    if (body.substr(at, 2) != "\r\n") throw malformed("line break expected after the boundary");
    at += 2;
    const std::size_t head_end = body.find("\r\n\r\n", at);
    const bool no_headers = body.substr(at, 2) == "\r\n";
    if (head_end == std::string_view::npos || no_headers) throw malformed("headers expected");
    const std::string_view head = body.substr(at, head_end - at);
    const std::size_t data = head_end + 4;
    const std::size_t end = body.find(delimiter, data);
    if (end == std::string_view::npos) throw malformed("closing boundary not found");
    std::string name;
    std::string file_name;
    std::string type;
    bool is_file = false;
    bool has_name = false;
    for (std::size_t i = 0; i <= head.size();) {
      std::size_t line_end = head.find("\r\n", i);
      if (line_end == std::string_view::npos) line_end = head.size();
      const std::string_view line = head.substr(i, line_end - i);
      i = line_end + 2;
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos) continue;
      std::string_view value = line.substr(colon + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      const std::string key = lowered(line.substr(0, colon));
      if (key == "content-disposition") {
        has_name = disposition_field(value, "name", name);
        is_file = disposition_field(value, "filename", file_name);
      }
      if (key == "content-type") type = std::string(value);
    }
    if (!has_name) throw malformed("a part without a name");
    const std::string_view bytes = body.substr(data, end - data);
    if (is_file) {
      if (strict && files.contains(name)) throw bad_request("file \"" + name + "\" is given twice");
      files[name] = {file_name, type, std::make_shared<const std::string>(bytes)};
    } else {
      put(values, name, std::string(bytes), strict);
    }
    at = end + delimiter.size();
  }
}

}  // namespace

Params Params::from(const HttpRequest& request, bool strict) {
  Params out;
  out.strict_ = strict;
  read_form(out.values_, request.query, strict);
  const std::string_view type = request.header("content-type");
  const std::string kind = lowered(type.substr(0, type.find(';')));
  if (kind == "application/json") {
    read_json(out.values_, request.body, strict);
  } else if (kind == "application/x-www-form-urlencoded") {
    read_form(out.values_, request.body, strict);
  } else if (kind == "multipart/form-data") {
    std::string boundary;
    disposition_field(type, "boundary", boundary);
    read_multipart(out.values_, out.files_, request.body, boundary, strict);
  } else if (!request.body.empty() && strict) {
    throw bad_request("Unsupported Content-Type \"" + std::string(type) + "\"");
  }
  return out;
}

std::string Params::text(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string{} : found->second;
}

std::int64_t Params::integer(const std::string& name, std::int64_t otherwise) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return otherwise;
  const std::string& text = found->second;
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size() && !text.empty()) {
    return value;
  }
  if (strict_) throw bad_request("parameter \"" + name + "\" must be an integer");
  return otherwise;
}

double Params::number(const std::string& name) const {
  const Json value = Json::parse(text(name), nullptr, false);
  if (!value.is_number()) throw bad_request("parameter \"" + name + "\" must be a number");
  return value.get<double>();
}

bool Params::flag(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return false;
  const std::string value = lowered(found->second);
  if (value == "true" || value == "yes" || value == "1") return true;
  if (strict_ && value != "false" && value != "no" && value != "0" && !value.empty()) {
    throw bad_request("parameter \"" + name + "\" must be a boolean");
  }
  return false;
}

Json Params::json(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end() || found->second.empty()) return nullptr;
  Json value = Json::parse(found->second, nullptr, false);
  if (value.is_discarded()) throw bad_request("Can't parse JSON of parameter \"" + name + "\"");
  return value;
}

const FilePart* Params::file(const std::string& name) const {
  const auto found = files_.find(name);
  if (found == files_.end()) return nullptr;
  used_files_.insert(name);
  return &found->second;
}

std::string Params::unused_file() const {
  for (const auto& [name, part] : files_)
    if (!used_files_.contains(name)) return name;
  return {};
}

}  // namespace sufler::fakes

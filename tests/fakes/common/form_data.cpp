#include "fakes/common/form_data.h"

#include "fakes/common/bytes.h"

namespace sufler::fakes {
namespace {

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

}  // namespace

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string media_type(std::string_view content_type) {
  std::string kind = ascii_lower(content_type.substr(0, content_type.find(';')));
  while (kind.ends_with(' ')) kind.pop_back();
  return kind;
}

void read_urlencoded(std::string_view text, FormData& form) {
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equal = pair.find('=');
    const std::string_view value =
        equal == std::string_view::npos ? std::string_view{} : pair.substr(equal + 1);
    form.fields.emplace_back(percent_decode(pair.substr(0, equal), true),
                             percent_decode(value, true));
  }
}

std::string read_multipart(std::string_view body, std::string_view content_type, FormData& form) {
  std::string boundary;
  disposition_field(content_type, "boundary", boundary);
  if (boundary.empty()) return "boundary is missing";
  const std::string opening = "--" + boundary;
  const std::string delimiter = "\r\n" + opening;
  std::size_t at = body.find(opening);
  if (at == std::string_view::npos) return "boundary not found";
  at += opening.size();
  for (;;) {
    if (body.substr(at, 2) == "--") return {};
    if (body.substr(at, 2) != "\r\n") return "line break expected after the boundary";
    at += 2;
    const std::size_t head_end = body.find("\r\n\r\n", at);
    const bool no_headers = body.substr(at, 2) == "\r\n";
    if (head_end == std::string_view::npos || no_headers) return "headers expected";
    const std::string_view head = body.substr(at, head_end - at);
    const std::size_t data = head_end + 4;
    const std::size_t end = body.find(delimiter, data);
    if (end == std::string_view::npos) return "closing boundary not found";
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
      const std::string key = ascii_lower(line.substr(0, colon));
      if (key == "content-disposition") {
        has_name = disposition_field(value, "name", name);
        is_file = disposition_field(value, "filename", file_name);
      }
      if (key == "content-type") type = std::string(value);
    }
    if (!has_name) return "a part without a name";
    const std::string_view bytes = body.substr(data, end - data);
    if (is_file) {
      form.files.emplace_back(
          name, FilePart{file_name, type, std::make_shared<const std::string>(bytes)});
    } else {
      form.fields.emplace_back(name, std::string(bytes));
    }
    at = end + delimiter.size();
  }
}

}  // namespace sufler::fakes

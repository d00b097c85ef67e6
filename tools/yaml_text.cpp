#include "tools/yaml_text.h"

#include <algorithm>

namespace sufler {

std::string quoted_yaml(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + "\"";
}

std::string yaml_text(std::string_view text, std::size_t indent) {
  const auto is_odd = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7F; };
  const bool lines = text.find('\n') != std::string_view::npos;
  if (!lines || text.front() == ' ' || text.front() == '\n' || text.back() == '\n' ||
      std::any_of(text.begin(), text.end(), is_odd))
    return quoted_yaml(text);
  std::string out = "|";
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    out += '\n';
    if (end > begin) out.append(indent, ' ').append(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

}  // namespace sufler

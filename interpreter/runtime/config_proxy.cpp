#include "interpreter/runtime/config_proxy.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "interpreter/runtime/log.h"

namespace sufler {
namespace {

constexpr const char* kExamples = "socks5h://127.0.0.1:1080, http://user:password@127.0.0.1:3128, direct";

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() && port >= 1 && port <= 65'535;
}

/// `127.0.0.1:1080`, `[::1]:1080`, `proxy.example.com`.
bool is_place(std::string_view text) {
  if (text.ends_with('/')) text.remove_suffix(1);
  const bool bracketed = text.starts_with('[');
  const std::size_t end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == text.npos) return false;
  const std::string_view host = bracketed ? text.substr(1, end - 1) : text.substr(0, end);
  const std::string_view behind = text.substr(bracketed ? end + 1 : end);
  const bool good = !host.empty() && std::all_of(host.begin(), host.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
           (bracketed && c == ':');
  });
  return good && (behind.empty() || (behind.starts_with(':') && is_port(behind.substr(1))));
}

bool is_proxy(std::string_view text) {
  for (const std::string_view scheme : {"socks5h://", "socks5://", "http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    const std::size_t at = text.rfind('@');
    const std::string_view who = at == text.npos ? std::string_view() : text.substr(0, at);
    // What is no character of an address would be cut off, or become a header of its own.
    const bool clean = std::none_of(who.begin(), who.end(), [](char c) {
      return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '/' || c == '?' || c == '#';
    });
    return clean && is_place(at == text.npos ? text : text.substr(at + 1));
  }
  return false;
}

}  // namespace

std::string read_proxy(const Node& node, const SectionReader& reader) {
  std::string text = reader.expand(node);
  if (const std::size_t at = text.rfind('@'); at != text.npos) {
    const std::size_t slashes = text.find("//");
    const std::size_t colon = text.find(':', slashes == text.npos ? 0 : slashes);
    if (colon < at) hide_secret(std::string_view(text).substr(colon + 1, at - colon - 1));
  }
  if (text.empty() || text == "direct" || is_proxy(text)) return text;
  if (!reader.needs_keys) return {};  // perhaps of variables that are not set here
  reader.diagnostics.report(DiagnosticId::ConfigBadValue, node.span, {redact(text), kExamples});
  return {};
}

}  // namespace sufler

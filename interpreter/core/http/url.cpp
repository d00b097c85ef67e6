#include "interpreter/core/http/url.h"

#include <arpa/inet.h>
#include <unicode/bytestream.h>
#include <unicode/idna.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

bool is_digit_char(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit_char(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

void append_encoded(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

/// Of other alphabets; empty when it is no name.
std::string ascii_name(std::string_view host) {
  UErrorCode status = U_ZERO_ERROR;
  static const icu::IDNA* const idna = [] {
    UErrorCode making = U_ZERO_ERROR;
    return icu::IDNA::createUTS46Instance(UIDNA_USE_STD3_RULES | UIDNA_NONTRANSITIONAL_TO_ASCII, making);
  }();
  if (!idna) return {};
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  icu::IDNAInfo info;
  idna->nameToASCII_UTF8(icu::StringPiece(host.data(), static_cast<std::int32_t>(host.size())), sink, info, status);
  return U_FAILURE(status) || info.hasErrors() ? std::string() : out;
}

/// Whether whoever resolves names takes the label for a number: `10`, `0x7f`.
bool is_number_label(std::string_view label) {
  if (label.starts_with("0x")) return std::all_of(label.begin() + 2, label.end(), [](char c) {
    return is_digit_char(c) || (c >= 'a' && c <= 'f');
  });
  return !label.empty() && std::all_of(label.begin(), label.end(), is_digit_char);
}

bool is_dotted_quad(std::string_view host) {
  in_addr address{};
  std::array<char, INET_ADDRSTRLEN> text{};
  const std::string copy(host);
  // inet_pton takes no octal, no hexadecimal and no fewer parts; printed again it must be the same.
  return ::inet_pton(AF_INET, copy.c_str(), &address) == 1 && ::inet_ntop(AF_INET, &address, text.data(), text.size()) && host == text.data();
}

Result<std::string, UrlProblem> read_host(std::string_view text) {
  if (text.empty() || text.size() > 400) return Error{UrlProblem::Host};
  if (text.front() == '[') {
    if (text.back() != ']' || text.size() < 4) return Error{UrlProblem::Host};
    in6_addr address{};
    std::array<char, INET6_ADDRSTRLEN> shortest{};
    const std::string inner(text.substr(1, text.size() - 2));
    if (::inet_pton(AF_INET6, inner.c_str(), &address) != 1 || !::inet_ntop(AF_INET6, &address, shortest.data(), shortest.size()))
      return Error{UrlProblem::Host};
    return "[" + std::string(shortest.data()) + "]";
  }
  std::string host(text);
  if (std::any_of(host.begin(), host.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    if (!is_utf8(host)) return Error{UrlProblem::Character};
    host = ascii_name(host);
  }
  for (char& c : host)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (host.empty() || host.size() > 253 || host.front() == '.' || host.back() == '.' || host.find("..") != host.npos)
    return Error{UrlProblem::Host};
  for (const char c : host)
    if (!is_alnum(c) && c != '-' && c != '.' && c != '_') return Error{UrlProblem::Host};
  const std::size_t dot = host.rfind('.');
  const std::string_view last = std::string_view(host).substr(dot == host.npos ? 0 : dot + 1);
  if (is_number_label(last) && !is_dotted_quad(host)) return Error{UrlProblem::NumericHost};
  return host;
}

/// Nothing when it is none. `where`: behind the host.
std::optional<int> read_port(std::string_view text) {
  int port = 0;
  if (text.empty() || text.size() > 5) return std::nullopt;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || port < 1 || port > 65'535) return std::nullopt;
  return port;
}

struct HostAndPort {
  std::string host;
  std::optional<int> port;
};

Result<HostAndPort, UrlProblem> read_authority(std::string_view text) {
  if (text.find('@') != text.npos) return Error{UrlProblem::User};
  HostAndPort out;
  const bool bracketed = text.starts_with('[');
  const std::size_t from = bracketed ? text.find(']') : 0;
  if (from == text.npos) return Error{UrlProblem::Host};
  const std::size_t colon = text.find(':', from);
  if (colon != text.npos) {
    out.port = read_port(text.substr(colon + 1));
    if (!out.port) return Error{UrlProblem::Port};
  }
  auto host = read_host(text.substr(0, colon));
  if (!host) return Error{host.error()};
  out.host = std::move(*host);
  return out;
}

}  // namespace

std::string HttpUrl::origin() const {
  return (secure ? "https://" : "http://") + host + (usual_port() ? std::string() : ":" + std::to_string(port));
}

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      append_encoded(out, c);
    }
  }
  return out;
}

std::string encode_target(std::string_view text) {
  constexpr std::string_view kStays = "-._~:/?@!$&'()*+,;=%[]|";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_alnum(c) || (kStays.find(c) != kStays.npos && c != '\0')) {
      out += c;
    } else {
      append_encoded(out, c);
    }
  }
  return out;
}

Result<HttpUrl, UrlProblem> parse_http_url(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\'; }))
    return Error{UrlProblem::Character};
  HttpUrl url;
  const std::size_t scheme = text.find("://");
  const std::string name = to_lower(text.substr(0, std::min(scheme, std::size_t{10})));
  if (scheme == text.npos || (name != "http" && name != "https")) return Error{UrlProblem::Scheme};
  url.secure = name == "https";
  std::string_view rest = text.substr(scheme + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  auto authority = read_authority(rest.substr(0, end));
  if (!authority) return Error{authority.error()};
  url.host = std::move(authority->host);
  url.port = authority->port.value_or(url.secure ? 443 : 80);
  rest.remove_prefix(end);
  if (rest.find('#') != rest.npos) return Error{UrlProblem::Fragment};
  if (!is_utf8(rest)) return Error{UrlProblem::Character};
  url.target = encode_target(rest);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

Result<AllowedPlace, UrlProblem> parse_allowed_place(std::string_view text) {
  if (text.find_first_of("/?#\\") != text.npos) return Error{UrlProblem::Host};
  auto authority = read_authority(text);
  if (!authority) return Error{authority.error()};
  return AllowedPlace{std::move(authority->host), authority->port.value_or(0)};
}

std::string shown(const AllowedPlace& place) {
  return place.host + (place.port == 0 ? std::string() : ":" + std::to_string(place.port));
}

bool covers(const AllowedPlace& place, const HttpUrl& url) {
  return place.host == url.host && (place.port == 0 ? url.port == 443 || url.port == 80 : place.port == url.port);
}

bool is_loopback_host(std::string_view host) {
  return host == "localhost" || host == "[::1]" || (host.starts_with("127.") && is_dotted_quad(host));
}

bool is_named_address(std::string_view host) { return is_loopback_host(host) || host.starts_with('[') || is_dotted_quad(host); }

}  // namespace sufler

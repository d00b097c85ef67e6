#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/result.h"

/// Addresses of servers that a scenario calls, written in one way only, so that comparing a host with a list of hosts
/// says what it seems to say.
namespace sufler {

struct HttpUrl {
  bool secure = true;  ///< https
  /// Lower case; other alphabets as Punycode. An IPv4 address as four decimal numbers, IPv6 in brackets and shortest.
  std::string host;
  int port = 443;
  std::string target = "/";  ///< path and query, as they go on the wire

  bool usual_port() const { return port == (secure ? 443 : 80); }
  std::string origin() const;  ///< `https://api.example.com`, with the port where it is not the usual one
  std::string text() const { return origin() + target; }
  auto operator<=>(const HttpUrl&) const = default;
};

enum class UrlProblem : std::uint8_t {
  Scheme,       ///< neither http nor https
  User,         ///< `user:password@` before the host
  Host,         ///< no name of a host
  NumericHost,  ///< a number that programs read as an address: `2130706433`, `0x7f.1`, `127.1`, `010.0.0.1`
  Port,
  Fragment,     ///< `#…`, which never leaves
  Character,    ///< a control character or a broken one
};

/// Characters of the path and the query that may not stand there as they are (spaces, Cyrillic) are encoded.
Result<HttpUrl, UrlProblem> parse_http_url(std::string_view text);

/// A host that may be called, `api.example.com` or `api.example.com:8443`.
struct AllowedPlace {
  std::string host;  ///< as in HttpUrl
  int port = 0;      ///< 0: 443 and 80
  auto operator<=>(const AllowedPlace&) const = default;
};
Result<AllowedPlace, UrlProblem> parse_allowed_place(std::string_view text);
std::string shown(const AllowedPlace& place);
bool covers(const AllowedPlace& place, const HttpUrl& url);
/// A loopback name or any address in numbers: who writes one down means it.
bool is_named_address(std::string_view host);
/// `localhost` and 127.0.0.0/8, `[::1]`: nothing leaves the machine.
bool is_loopback_host(std::string_view host);

/// All but letters, digits and `-._~` as `%XX`: whatever the value is, it cannot leave its place in a path or a query.
std::string percent_encode(std::string_view text);
/// What an address may hold stays, the rest becomes `%XX`; for text that the author wrote.
std::string encode_target(std::string_view text);

}  // namespace sufler

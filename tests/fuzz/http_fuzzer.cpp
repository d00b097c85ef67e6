// What servers send to the step `http`: bodies and redirects; and the addresses and jobs that it is made of. The first line
// is an address or a header, the rest a body.
#include <string>

#include "fuzz/targets.h"
#include "interpreter/core/http/order.h"
#include "interpreter/core/http/url.h"
#include "interpreter/core/text.h"

namespace sufler::fuzz {

void play_http(std::string_view bytes) {
  const std::size_t end = std::min(bytes.find('\n'), bytes.size());
  const std::string_view line = bytes.substr(0, end);
  const std::string_view body = bytes.substr(std::min(end + 1, bytes.size()));

  if (const auto url = parse_http_url(line)) {
    for (const char c : url->text())
      require(static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f, "an address is printable ASCII");
    require(url->host.find_first_of("/?#@\\% ") == url->host.npos && !url->host.empty(), "a host is a host");
    require(url->port >= 1 && url->port <= 65'535, "a port is a port");
    const auto again = parse_http_url(url->text());
    require(again.has_value() && *again == *url, "what was read is written in one way");
    const std::string place = url->host + ":" + std::to_string(url->port);
    const auto allowed = parse_allowed_place(place);
    require(allowed.has_value() && covers(*allowed, *url), "a place covers itself");
  }
  if (const auto place = parse_allowed_place(line)) require(parse_allowed_place(shown(*place)).has_value(), "a place is shown as it is read");

  const Value result = http_result(200, body, line);
  require(result.map() && result.map()->find("text") && is_utf8(*result.map()->find("text")->text()), "a text is a text");
  require(result.map()->find("text")->text()->find('\0') == std::string::npos, "no NUL gets in");
  require(result.map()->find("json") != nullptr, "json is there, be it null");

  HttpCall call;
  if (from_json(body, call)) {
    HttpCall back;
    require(from_json(to_json(call), back) && to_json(back) == to_json(call), "a job comes back");
  }
  const std::string encoded = percent_encode(body);
  require(encoded.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%") == std::string::npos, "nothing leaves its place");
}

}  // namespace sufler::fuzz

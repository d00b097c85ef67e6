#include "fakes/common/http_post.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>

#include "fakes/common/form_data.h"

namespace sufler::fakes {
namespace {

/// False while the last chunk has not come.
bool dechunked(std::string_view body, std::string& whole) {
  for (;;) {
    const std::size_t line_end = body.find("\r\n");
    if (line_end == std::string_view::npos) return false;
    std::size_t size = 0;
    std::from_chars(body.data(), body.data() + line_end, size, 16);
    if (body.size() < line_end + 2 + size + 2) return false;
    whole += body.substr(line_end + 2, size);
    if (size == 0) return true;
    body.remove_prefix(line_end + 2 + size + 2);
  }
}

}  // namespace

std::string PostResult::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers)
    if (name == lower_case_name) return value;
  return {};
}

PostResult http_post(const std::string& url, const Headers& headers, const std::string& body,
                     const std::function<bool()>& stop) {
  using Clock = std::chrono::steady_clock;
  PostResult result;
  const std::string rest = url.substr(url.find("//") + 2);
  const std::size_t slash = rest.find('/');
  const std::string host = rest.substr(0, slash);
  const std::string target = slash == std::string::npos ? "/" : rest.substr(slash);
  int port = 80;
  const std::size_t colon = host.find(':');
  if (colon != std::string::npos) {
    std::from_chars(host.data() + colon + 1, host.data() + host.size(), port);
  }
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  timeval patience{0, 100'000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    return result;
  }
  std::string request = "POST " + target + " HTTP/1.1\r\nHost: " + host +
                        "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size());
  for (const auto& [name, value] : headers) request += "\r\n" + name + ": " + value;
  request += "\r\n\r\n" + body;
  for (std::size_t sent = 0; sent < request.size();) {
    const ssize_t now = send(fd, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (now <= 0) break;
    sent += static_cast<std::size_t>(now);
  }
  std::string answer;
  std::size_t head_end = std::string::npos;
  const auto give_up = Clock::now() + std::chrono::seconds(60);
  while (!stop() && Clock::now() < give_up) {
    char buffer[16 * 1024];
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got > 0) answer.append(buffer, static_cast<std::size_t>(got));
    if (got == 0) break;
    if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) break;
    head_end = answer.find("\r\n\r\n");
    if (head_end == std::string::npos) continue;
    const std::string head = ascii_lower(answer.substr(0, head_end));
    if (head.find("transfer-encoding: chunked") != std::string::npos) {
      std::string whole;
      if (!dechunked(std::string_view(answer).substr(head_end + 4), whole)) continue;
      answer.replace(head_end + 4, std::string::npos, whole);
      break;
    }
    const std::size_t field = head.find("content-length:");
    if (field == std::string::npos) continue;
    const std::size_t length = std::strtoul(answer.c_str() + field + 15, nullptr, 10);
    if (answer.size() >= head_end + 4 + length) break;
  }
  ::close(fd);
  head_end = answer.find("\r\n\r\n");
  if (head_end == std::string::npos || !answer.starts_with("HTTP/1.")) return result;
  result.status = std::atoi(answer.c_str() + 9);
  result.body = answer.substr(head_end + 4);
  for (std::size_t at = answer.find("\r\n"); at < head_end;) {
    const std::size_t from = at + 2;
    at = answer.find("\r\n", from);
    const std::string line = answer.substr(from, at - from);
    const std::size_t separator = line.find(':');
    if (separator == std::string::npos) continue;
    const std::size_t value = line.find_first_not_of(' ', separator + 1);
    result.headers.emplace_back(ascii_lower(line.substr(0, separator)),
                                value == std::string::npos ? "" : line.substr(value));
  }
  return result;
}

}  // namespace sufler::fakes

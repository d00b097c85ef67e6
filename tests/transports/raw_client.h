#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>

namespace sufler {

struct RawAnswer {
  int status = 0;  ///< 0: the connection ended without an answer
  std::string head;
  std::string body;
};

/// A connection that sends whatever bytes it is told.
class RawClient {
 public:
  explicit RawClient(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    const int one = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() {
    if (fd_ >= 0) ::close(fd_);
  }
  RawClient(RawClient&& other) noexcept : fd_(other.fd_), connected_(other.connected_), rest_(other.rest_) {
    other.fd_ = -1;
  }

  bool connected() const { return connected_; }
  /// False when the other end is gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// One answer by its Content-Length; what comes after it stays for the next.
  RawAnswer read(std::chrono::milliseconds time = std::chrono::seconds(10)) {
    const auto until = std::chrono::steady_clock::now() + time;
    RawAnswer answer;
    for (;;) {
      const std::size_t end = rest_.find("\r\n\r\n");
      if (end != std::string::npos) {
        const std::size_t at = rest_.find("Content-Length: ");
        const std::size_t length = at < end ? std::strtoul(rest_.c_str() + at + 16, nullptr, 10) : 0;
        if (rest_.size() >= end + 4 + length) {
          answer.status = std::atoi(rest_.c_str() + 9);
          answer.head = rest_.substr(0, end);
          answer.body = rest_.substr(end + 4, length);
          rest_.erase(0, end + 4 + length);
          return answer;
        }
      }
      if (!receive(until)) return answer;
    }
  }
  /// Whether the other end closes within the time.
  bool closed(std::chrono::milliseconds time = std::chrono::seconds(10)) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (receive(until)) {
    }
    return ended_;
  }
  RawAnswer ask(std::string_view bytes) {
    send(bytes);
    return read();
  }

 private:
  bool receive(std::chrono::steady_clock::time_point until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd waiting{fd_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) return false;
    char buffer[16 * 1024];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) {
      ended_ = true;
      return false;
    }
    rest_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  int fd_;
  bool connected_ = false;
  bool ended_ = false;
  std::string rest_;
};

inline std::string post(std::string_view path, std::string_view body, std::string_view headers = {}) {
  std::string out = "POST ";
  out.append(path).append(" HTTP/1.1\r\nHost: bot\r\n").append(headers);
  out.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  return out;
}
inline std::string get(std::string_view path) {
  std::string out = "GET ";
  return out.append(path).append(" HTTP/1.1\r\nHost: bot\r\n\r\n");
}

}  // namespace sufler

#pragma once
// Raw HTTP for tests of the fakes: bytes as the test wants them, no client library between.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sufler::fakes {

using Json = nlohmann::json;

struct Answer {
  int status = 0;  ///< 0: the connection closed without an answer
  std::string head;
  std::string body;
  Json json() const { return Json::parse(body, nullptr, false); }
};

/// Sends bytes on a new connection and reads until the server closes it.
inline Answer converse(int port, const std::string& bytes) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  Answer answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    return answer;
  }
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t now = send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (now <= 0) break;
    sent += static_cast<std::size_t>(now);
  }
  std::string all;
  char buffer[64 * 1024];
  for (;;) {
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    all.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(fd);
  const std::size_t end = all.find("\r\n\r\n");
  if (end == std::string::npos) return answer;
  answer.status = std::atoi(all.c_str() + 9);
  answer.head = all.substr(0, end);
  answer.body = all.substr(end + 4);
  return answer;
}

inline Answer request(int port, const std::string& method, const std::string& target,
                      const std::string& type = {}, const std::string& body = {}) {
  std::string bytes =
      method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  if (!type.empty()) bytes += "Content-Type: " + type + "\r\n";
  bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  return converse(port, bytes);
}

struct Part {
  std::string name;
  std::string value;
  std::string file_name = {};  ///< empty: a plain field
  std::string type = "application/octet-stream";
};

/// The parts as multipart/form-data with the boundary `line`.
inline std::string multipart_body(const std::vector<Part>& parts) {
  std::string body;
  for (const Part& part : parts) {
    body += "--line\r\nContent-Disposition: form-data; name=\"" + part.name + "\"";
    if (!part.file_name.empty()) {
      body += "; filename=\"" + part.file_name + "\"\r\nContent-Type: " + part.type;
    }
    body += "\r\n\r\n" + part.value + "\r\n";
  }
  return body + "--line--\r\n";
}

}  // namespace sufler::fakes

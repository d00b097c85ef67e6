#include "faults/tcp_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>
#include <stdexcept>

namespace sufler::tests {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::size_t number_at(const std::string& bytes, std::size_t at) {
  std::size_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

/// Follows what a program sends, message by message, and finds the commits: those that it prepared under a name,
/// too.
class CommitFinder {
 public:
  /// Whether the bytes hold the end of a message that commits.
  bool read(std::string_view bytes) {
    waiting_.append(bytes);
    bool commits = false;
    for (;;) {
      const std::size_t head = started_ ? 5 : 4;
      if (waiting_.size() < head) return commits;
      const std::size_t size = number_at(waiting_, head - 4) + head - 4;
      if (waiting_.size() < size) return commits;
      if (started_) {
        commits |= is_commit(waiting_.substr(0, size));
      } else {
        // What asks for encryption comes in front of the true beginning, of protocol 3.
        constexpr std::size_t kProtocol3 = 3 << 16;
        started_ = size >= 8 && number_at(waiting_, 4) == kProtocol3;
      }
      waiting_.erase(0, size);
    }
  }

 private:
  bool is_commit(const std::string& message) {
    const auto text_at = [&](std::size_t& at) {
      const std::size_t end = message.find('\0', at);
      std::string text = message.substr(at, end - at);
      at = end + 1;
      return text;
    };
    std::size_t at = 5;
    if (message[0] == 'Q') return text_at(at) == "COMMIT";
    if (message[0] == 'P') {
      const std::string name = text_at(at);
      if (text_at(at) == "COMMIT") named_.insert(name);
      return false;
    }
    if (message[0] == 'B') {
      text_at(at);  // the portal
      return named_.contains(text_at(at));
    }
    return false;
  }

  std::string waiting_;
  bool started_ = false;
  std::set<std::string> named_;
};

}  // namespace

struct PostgresProxy::Link {
  int program = -1;
  int server = -1;
  std::thread thread;
};

PostgresProxy::PostgresProxy(int server_port) : server_port_(server_port) {
  listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (bind(listening_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listening_, 64) != 0 ||
      getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("the proxy has no port");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { accept_all(); });
}

PostgresProxy::~PostgresProxy() {
  stopping_ = true;
  shutdown(listening_, SHUT_RDWR);
  thread_.join();
  close(listening_);
  for (Link& link : links_) {
    shutdown(link.program, SHUT_RDWR);
    link.thread.join();
    close(link.program);
    close(link.server);
  }
}

void PostgresProxy::set_plan(std::function<Cut()> plan) {
  std::lock_guard lock(mutex_);
  plan_ = std::move(plan);
}

PostgresProxy::Cut PostgresProxy::ask() {
  std::lock_guard lock(mutex_);
  return plan_ ? plan_() : Cut::Never;
}

void PostgresProxy::accept_all() {
  while (!stopping_) {
    const int program = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (program < 0) continue;
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(server_port_);
    if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      close(server);
      close(program);
      continue;
    }
    Link& link = links_.emplace_back();
    link.program = program;
    link.server = server;
    link.thread = std::thread([this, &link] { serve(link); });
  }
}

void PostgresProxy::serve(Link& link) {
  CommitFinder finder;
  char bytes[65536];
  pollfd ends[2] = {{link.program, POLLIN, 0}, {link.server, POLLIN, 0}};
  while (poll(ends, 2, -1) > 0) {
    if (ends[0].revents != 0) {
      const ssize_t got = recv(link.program, bytes, sizeof bytes, 0);
      if (got <= 0) break;
      const std::string_view read(bytes, static_cast<std::size_t>(got));
      const Cut cut = finder.read(read) ? ask() : Cut::Never;
      if (cut != Cut::Never) ++cuts_;
      if (cut == Cut::BeforeCommit || !send_all(link.server, read)) break;
      if (cut == Cut::AfterCommit) (void)!recv(link.server, bytes, sizeof bytes, 0);
      if (cut != Cut::Never) break;
    }
    if (ends[1].revents != 0) {
      const ssize_t got = recv(link.server, bytes, sizeof bytes, 0);
      if (got <= 0 || !send_all(link.program, {bytes, static_cast<std::size_t>(got)})) break;
    }
  }
  shutdown(link.program, SHUT_RDWR);
  shutdown(link.server, SHUT_RDWR);
}

}  // namespace sufler::tests

// One thread owns every connection. Other threads only put closures into `incoming` and knock on
// the eventfd; so there is one lock, held for a moment, and no connection is ever shared.
#include "fakes/common/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace sufler::fakes {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kListenerKey = 0;
constexpr std::uint64_t kWakeKey = 1;
constexpr std::uint64_t kFirstConnection = 2;
constexpr std::size_t kMaxHeadBytes = 64 * 1024;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 409:
      return "Conflict";
    case 413:
      return "Request Entity Too Large";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

struct Connection {
  int fd = -1;
  std::string in;   // bytes not yet taken by a request
  std::string out;  // bytes not yet accepted by the socket
  std::size_t out_sent = 0;
  bool head_done = false;
  bool waiting = false;  // a request was handed over and is not answered yet
  bool close_after_out = false;
  bool want_close = false;
  bool keep_alive = true;
  bool chunked = false;
  bool discarding = false;
  std::size_t body_left = 0;
  std::size_t body_read = 0;
  HttpRequest request;
};

}  // namespace

std::string_view HttpRequest::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers)
    if (name == lower_case_name) return value;
  return {};
}

struct HttpServer::Impl {
  Handlers handlers;
  std::atomic<std::size_t> max_body{64u << 20};
  int listener = -1;
  int epoll = -1;
  int wake = -1;
  int port = 0;
  std::thread thread;
  std::atomic<std::thread::id> own_id{};
  std::atomic<bool> stopping{false};

  std::mutex mutex;  // guards `incoming` alone
  std::vector<std::function<void()>> incoming;

  // From here on only the thread's own.
  std::unordered_map<std::uint64_t, Connection> connections;
  std::multimap<Clock::time_point, std::function<void()>> timers;
  std::uint64_t next_id = kFirstConnection;

  void post(std::function<void()> call) {
    bool first = false;
    {
      std::lock_guard lock(mutex);
      first = incoming.empty();
      incoming.push_back(std::move(call));
    }
    if (!first) return;  // the knock of the first one is not yet heard
    // The thread itself looks into `incoming` before it sleeps.
    if (std::this_thread::get_id() == own_id) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake, &one, sizeof one);
  }

  void run() {
    own_id = std::this_thread::get_id();
    std::array<epoll_event, 256> events{};
    while (!stopping) {
      int wait_ms = -1;
      if (!timers.empty()) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(timers.begin()->first - Clock::now());
        wait_ms = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
      }
      const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), wait_ms);
      for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        if (event.data.u64 == kListenerKey) {
          accept_all();
        } else if (event.data.u64 == kWakeKey) {
          std::uint64_t knocks = 0;
          [[maybe_unused]] const ssize_t got = ::read(wake, &knocks, sizeof knocks);
        } else {
          serve(event.data.u64, event.events);
        }
      }
      run_incoming();
      while (!timers.empty() && timers.begin()->first <= Clock::now()) {
        auto call = std::move(timers.begin()->second);
        timers.erase(timers.begin());
        call();
      }
      run_incoming();
    }
  }

  void run_incoming() {
    for (;;) {
      std::vector<std::function<void()>> calls;
      {
        std::lock_guard lock(mutex);
        calls.swap(incoming);
      }
      if (calls.empty()) return;
      for (auto& call : calls) call();
    }
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int one = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      const std::uint64_t id = next_id++;
      connections[id].fd = fd;
      epoll_event event{};
      event.events = EPOLLIN | EPOLLRDHUP;
      event.data.u64 = id;
      epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
  }

  void close_connection(std::uint64_t id) {
    const auto found = connections.find(id);
    if (found == connections.end()) return;
    ::close(found->second.fd);
    connections.erase(found);
    if (handlers.on_close) handlers.on_close(ConnectionId{id});
  }

  void serve(std::uint64_t id, std::uint32_t events) {
    auto found = connections.find(id);
    if (found == connections.end()) return;
    if (events & EPOLLOUT) flush(id);
    found = connections.find(id);
    if (found == connections.end()) return;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
      std::array<char, 64 * 1024> buffer;
      for (;;) {
        const ssize_t got = ::recv(found->second.fd, buffer.data(), buffer.size(), 0);
        if (got > 0) {
          found->second.in.append(buffer.data(), static_cast<std::size_t>(got));
          continue;
        }
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (got < 0 && errno == EINTR) continue;
        found->second.want_close = true;
        break;
      }
      parse(id);
      found = connections.find(id);
      // A client that has gone is told to the owner of its waiting request at once.
      if (found != connections.end() && found->second.want_close) close_connection(id);
    }
  }

  /// Takes as many requests as the buffer holds, one at a time: the next waits for the answer.
  void parse(std::uint64_t id) {
    for (;;) {
      const auto found = connections.find(id);
      if (found == connections.end()) return;
      Connection& c = found->second;
      if (c.waiting) return;
      if (!c.head_done) {
        const std::size_t end = c.in.find("\r\n\r\n");
        if (end == std::string::npos) {
          if (c.in.size() > kMaxHeadBytes) close_connection(id);
          return;
        }
        const std::string head = c.in.substr(0, end);
        c.in.erase(0, end + 4);
        if (!read_head(id, c, head) || (handlers.on_head && !handlers.on_head(c.request))) {
          close_connection(id);
          return;
        }
        c.head_done = true;
        if (lower(c.request.header("expect")) == "100-continue" && c.in.empty()) {
          c.out += "HTTP/1.1 100 Continue\r\n\r\n";
          flush(id);
          if (!connections.contains(id)) return;
        }
      }
      switch (read_body(c)) {
        case Body::More:
          return;
        case Body::Bad:
          close_connection(id);
          return;
        case Body::Complete:
          break;
      }
      c.waiting = true;
      c.head_done = false;
      HttpRequest request = std::move(c.request);
      c.request = HttpRequest{};
      request.body_too_large = c.discarding;
      if (c.discarding) request.body.clear();
      handlers.on_request(std::move(request));  // may have posted the answer already
      run_incoming();
    }
  }

  bool read_head(std::uint64_t id, Connection& c, std::string_view head) {
    c.request.connection = ConnectionId{id};
    std::size_t line_end = head.find("\r\n");
    const std::string_view line = head.substr(0, line_end);
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || last == first) return false;
    c.request.method = std::string(line.substr(0, first));
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::size_t question = target.find('?');
    c.request.path = std::string(target.substr(0, question));
    if (question != std::string_view::npos) {
      c.request.query = std::string(target.substr(question + 1));
    }
    c.keep_alive = line.substr(last + 1) == "HTTP/1.1";
    while (line_end != std::string_view::npos) {
      const std::size_t begin = line_end + 2;
      line_end = head.find("\r\n", begin);
      const std::string_view field =
          head.substr(begin, line_end == std::string_view::npos ? line_end : line_end - begin);
      const std::size_t colon = field.find(':');
      if (colon == std::string_view::npos) return false;
      c.request.headers.emplace_back(lower(field.substr(0, colon)),
                                     std::string(trimmed(field.substr(colon + 1))));
    }
    if (lower(c.request.header("connection")) == "close") c.keep_alive = false;
    c.chunked = lower(c.request.header("transfer-encoding")) == "chunked";
    c.body_left = 0;
    c.body_read = 0;
    c.discarding = false;
    if (!c.chunked) {
      const std::string_view length = c.request.header("content-length");
      if (!length.empty()) {
        const auto parsed =
            std::from_chars(length.data(), length.data() + length.size(), c.body_left);
        if (parsed.ec != std::errc{} || parsed.ptr != length.data() + length.size()) return false;
      }
    }
    return true;
  }

  enum class Body { More, Complete, Bad };

  void take(Connection& c, std::size_t bytes) {
    c.body_read += bytes;
    if (c.body_read > max_body) c.discarding = true;
    if (!c.discarding) c.request.body.append(c.in, 0, bytes);
    c.in.erase(0, bytes);
  }

  Body read_body(Connection& c) {
    if (!c.chunked) {
      const std::size_t bytes = std::min(c.body_left, c.in.size());
      take(c, bytes);
      c.body_left -= bytes;
      return c.body_left == 0 ? Body::Complete : Body::More;
    }
    for (;;) {
      if (c.body_left > 0) {  // inside a chunk; its closing line break counts too
        if (c.body_left > 2) {
          const std::size_t bytes = std::min(c.body_left - 2, c.in.size());
          take(c, bytes);
          c.body_left -= bytes;
        }
        if (c.body_left > 2) return Body::More;
        if (c.in.size() < c.body_left) return Body::More;
        c.in.erase(0, c.body_left);
        c.body_left = 0;
      }
      const std::size_t end = c.in.find("\r\n");
      if (end == std::string::npos) return Body::More;
      std::size_t size = 0;
      const auto parsed = std::from_chars(c.in.data(), c.in.data() + end, size, 16);
      if (parsed.ec != std::errc{} || size > (std::size_t{1} << 40)) return Body::Bad;
      if (size == 0) {
        const std::size_t trailer = c.in.find("\r\n\r\n", end);
        if (trailer == std::string::npos) return Body::More;
        c.in.erase(0, trailer + 4);
        return Body::Complete;
      }
      c.in.erase(0, end + 2);
      c.body_left = size + 2;
    }
  }

  void answer(std::uint64_t id, HttpReply reply) {
    const auto found = connections.find(id);
    if (found == connections.end() || !found->second.waiting) return;
    if (reply.delay.count() > 0) {
      const auto delay = std::exchange(reply.delay, std::chrono::milliseconds{0});
      timers.emplace(Clock::now() + delay, [this, id, reply = std::move(reply)]() mutable {
        answer(id, std::move(reply));
      });
      return;
    }
    if (reply.ending == Ending::Drop) return close_connection(id);
    Connection& c = found->second;
    std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " ";
    head += reason(reply.status);
    head += "\r\nContent-Type: " + reply.content_type;
    head += "\r\nContent-Length: " + std::to_string(reply.body.size());
    head += c.keep_alive ? "\r\nConnection: keep-alive" : "\r\nConnection: close";
    for (const auto& [name, value] : reply.headers) head += "\r\n" + name + ": " + value;
    head += "\r\n\r\n";
    c.out += head;
    if (reply.ending == Ending::Slow) {
      flush(id);
      return trickle(id, std::move(reply), 0);
    }
    if (reply.ending == Ending::Truncated) {
      c.out.append(reply.body, 0, reply.body.size() / 2);
      c.close_after_out = true;
    } else {
      c.out += reply.body;
    }
    finish(id);
  }

  void trickle(std::uint64_t id, HttpReply reply, std::size_t from) {
    const auto found = connections.find(id);
    if (found == connections.end()) return;
    found->second.out.append(reply.body, from, reply.slow_piece);
    from += reply.slow_piece;
    if (from >= reply.body.size()) return finish(id);
    flush(id);
    const auto step = reply.slow_step;
    timers.emplace(Clock::now() + step, [this, id, from, reply = std::move(reply)]() mutable {
      trickle(id, std::move(reply), from);
    });
  }

  void finish(std::uint64_t id) {
    const auto found = connections.find(id);
    if (found == connections.end()) return;
    found->second.waiting = false;
    if (!found->second.keep_alive) found->second.close_after_out = true;
    flush(id);
    const auto again = connections.find(id);
    if (again == connections.end() || again->second.in.empty()) return;
    post([this, id] { parse(id); });  // a pipelined request; posted, so that calls do not nest
  }

  void flush(std::uint64_t id) {
    const auto found = connections.find(id);
    if (found == connections.end()) return;
    Connection& c = found->second;
    while (c.out_sent < c.out.size()) {
      const ssize_t sent =
          ::send(c.fd, c.out.data() + c.out_sent, c.out.size() - c.out_sent, MSG_NOSIGNAL);
      if (sent > 0) {
        c.out_sent += static_cast<std::size_t>(sent);
        continue;
      }
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return watch(id, c, true);
      return close_connection(id);
    }
    c.out.clear();
    c.out_sent = 0;
    if (c.close_after_out) return close_connection(id);
    watch(id, c, false);
  }

  void watch(std::uint64_t id, const Connection& c, bool writing) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP | (writing ? EPOLLOUT : 0u);
    event.data.u64 = id;
    epoll_ctl(epoll, EPOLL_CTL_MOD, c.fd, &event);
  }
};

HttpServer::HttpServer() : impl_(std::make_unique<Impl>()) {}
HttpServer::~HttpServer() { stop(); }

bool HttpServer::start(int port, std::size_t max_body_bytes, Handlers handlers) {
  Impl& s = *impl_;
  s.handlers = std::move(handlers);
  s.max_body = max_body_bytes;
  s.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(s.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (bind(s.listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(s.listener, 4096) != 0) {
    ::close(s.listener);
    s.listener = -1;
    return false;
  }
  socklen_t size = sizeof address;
  getsockname(s.listener, reinterpret_cast<sockaddr*>(&address), &size);
  s.port = ntohs(address.sin_port);
  s.epoll = epoll_create1(EPOLL_CLOEXEC);
  s.wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kListenerKey;
  epoll_ctl(s.epoll, EPOLL_CTL_ADD, s.listener, &event);
  event.data.u64 = kWakeKey;
  epoll_ctl(s.epoll, EPOLL_CTL_ADD, s.wake, &event);
  s.thread = std::thread([&s] { s.run(); });
  return true;
}

void HttpServer::stop() {
  Impl& s = *impl_;
  if (s.listener < 0) return;
  s.stopping = true;
  s.post([] {});
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(s.wake, &one, sizeof one);
  s.thread.join();
  for (auto& [id, connection] : s.connections) ::close(connection.fd);
  s.connections.clear();
  ::close(s.listener);
  ::close(s.epoll);
  ::close(s.wake);
  s.listener = -1;
}

int HttpServer::port() const { return impl_->port; }

void HttpServer::reply(ConnectionId connection, HttpReply reply) {
  impl_->post([this, connection, reply = std::move(reply)]() mutable {
    impl_->answer(static_cast<std::uint64_t>(connection), std::move(reply));
  });
}

void HttpServer::call_after(std::chrono::milliseconds delay, std::function<void()> call) {
  const auto at = Clock::now() + delay;
  impl_->post(
      [this, at, call = std::move(call)]() mutable { impl_->timers.emplace(at, std::move(call)); });
}

void HttpServer::set_max_body_bytes(std::size_t bytes) { impl_->max_body = bytes; }

void HttpServer::close_all_connections() {
  impl_->post([this] {
    std::vector<std::uint64_t> ids;
    for (const auto& [id, connection] : impl_->connections) ids.push_back(id);
    for (const std::uint64_t id : ids) impl_->close_connection(id);
  });
}

}  // namespace sufler::fakes

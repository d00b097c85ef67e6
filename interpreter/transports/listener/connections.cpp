#include "interpreter/transports/listener/connections.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace sufler::listening {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kAcceptor = 0;
constexpr std::uint64_t kWaker = 1;
constexpr std::uint64_t kFirstConnection = 2;
constexpr std::size_t kReadAtOnce = std::size_t{256} << 10;
constexpr std::size_t kDrained = std::size_t{64} << 20;
constexpr milliseconds kDrainTime{2'000};
constexpr milliseconds kAcceptPause{100};

std::string_view words(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 408: return "Request Timeout";
    case 413: return "Payload Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 431: return "Request Header Fields Too Large";
    default: return "Internal Server Error";
  }
}

std::string bind_error(int error) {
  switch (error) {
    case EADDRINUSE: return "the address is in use by another program";
    case EACCES: return "it is not allowed; a port below 1024 wants the rights of root";
    case EADDRNOTAVAIL: return "this machine has no such address";
    default: return std::strerror(error);
  }
}

}  // namespace

Connections::Connections(const Listener::Settings& settings, Handlers handlers)
    : settings_(settings), handlers_(std::move(handlers)), next_id_(kFirstConnection) {}

void Connections::start() {
  thread_ = std::thread([this] { run(); });
}

bool Connections::stopped() const {
  std::lock_guard lock(mutex_);
  return quiet_;
}

void Connections::counts(Listener::Counts& counts) const {
  std::lock_guard lock(mutex_);
  counts.connections = open_;
  counts.accepted = accepted_;
}

// ---- on any thread

void Connections::post(std::function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(job));
  }
  const std::uint64_t one = 1;
  static_cast<void>(::write(waker_, &one, sizeof one));
}

void Connections::answered(std::uint64_t id, std::string answer, bool close_after) {
  post([this, id, answer = std::move(answer), close_after]() mutable {
    guarded(id, [&](Connection& c) {
      if (answer.empty()) return close(id);
      c.out = std::move(answer);
      c.sent = 0;
      c.close = close_after;
      enter(c, Connection::State::Writing, settings_.request_time);
      write(c);
    });
  });
}

void Connections::begin_stop(Clock::time_point until) {
  post([this, until] { quiesce(until); });
}

void Connections::wait_until_none_left(Clock::time_point until) {
  std::unique_lock lock(mutex_);
  none_left_.wait_until(lock, until, [this] { return quiet_ && open_ == 0; });
}

void Connections::end() {
  // After the answers that were posted.
  post([this] {
    while (!connections_.empty()) close(connections_.begin()->first);
    ended_ = true;
  });
  thread_.join();
  release();
  std::lock_guard lock(mutex_);
  posted_.clear();
}

// ---- on the thread of the connections

void Connections::run() {
  std::array<epoll_event, 64> events{};
  while (!ended_) {
    const int got = epoll_wait(poller_, events.data(), static_cast<int>(events.size()), wait_ms());
    for (int i = 0; i < got; ++i) {
      const std::uint64_t id = events[static_cast<std::size_t>(i)].data.u64;
      if (id == kAcceptor) {
        accept_all();
      } else if (id == kWaker) {
        std::uint64_t ignored = 0;
        static_cast<void>(::read(waker_, &ignored, sizeof ignored));
      } else {
        guarded(id, [this](Connection& c) { on_ready(c); });
      }
    }
    run_posted();
    check_deadlines();
  }
}

int Connections::wait_ms() const {
  if (next_check_ == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(next_check_ - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Connections::run_posted() {
  {
    std::lock_guard lock(mutex_);
    running_.swap(posted_);
  }
  for (auto& job : running_) job();
  running_.clear();
}

void Connections::set_deadline(Connection& c, Clock::time_point at) {
  c.deadline = stopping_ ? std::min(at, stop_at_) : at;
  next_check_ = std::min(next_check_, c.deadline);
}

void Connections::enter(Connection& c, Connection::State state, milliseconds time) {
  c.state = state;
  c.since = Clock::now();
  set_deadline(c, c.since + time);
}

void Connections::check_deadlines() {
  const Clock::time_point now = Clock::now();
  if (now < next_check_) return;
  if (accept_paused_ && now >= accept_again_) {
    accept_paused_ = false;
    watch_acceptor(true);
  }
  next_check_ = accept_paused_ ? accept_again_ : Clock::time_point::max();
  std::vector<std::uint64_t> late;
  for (const auto& [id, c] : connections_) {
    if (c->state == Connection::State::Busy) continue;
    if (c->deadline <= now) {
      late.push_back(id);
    } else {
      next_check_ = std::min(next_check_, c->deadline);
    }
  }
  for (const std::uint64_t id : late) {
    guarded(id, [this, id](Connection& c) {
      if (c.state == Connection::State::Reading && !c.idle() && !stopping_) return refuse(c, 408);
      close(id);
    });
  }
}

// ---- coming and going

void Connections::watch_acceptor(bool on) {
  if (acceptor_ < 0) return;
  epoll_event event{};
  event.events = on ? EPOLLIN : 0U;
  event.data.u64 = kAcceptor;
  epoll_ctl(poller_, EPOLL_CTL_MOD, acceptor_, &event);
}

void Connections::accept_all() {
  while (acceptor_ >= 0) {
    const int fd = ::accept4(acceptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO || errno == EPERM) continue;
      if ((errno == EMFILE || errno == ENFILE) && evict(true)) continue;
      // Nothing to accept with: a pause, since the socket stays ready and would be tried without end.
      accept_paused_ = true;
      accept_again_ = Clock::now() + kAcceptPause;
      next_check_ = std::min(next_check_, accept_again_);
      return watch_acceptor(false);
    }
    if (connections_.size() >= settings_.most_connections && !evict(false)) {
      ::close(fd);
      continue;
    }
    admit(fd);
  }
}

void Connections::admit(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const std::uint64_t id = next_id_++;
  auto c = std::make_unique<Connection>();
  c->id = id;
  c->fd = fd;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.u64 = id;
  if (epoll_ctl(poller_, EPOLL_CTL_ADD, fd, &event) != 0) {
    ::close(fd);
    return;
  }
  enter(*c, Connection::State::Reading, settings_.request_time);
  connections_.emplace(id, std::move(c));
  std::lock_guard lock(mutex_);
  ++accepted_;
  open_ = connections_.size();
}

/// Makes place for a newcomer: the connection that is idle the longest goes, else the one that has been sending
/// the longest. Never one that is being answered.
bool Connections::evict(bool idle_only) {
  const Connection* victim = nullptr;
  for (const auto& [id, c] : connections_) {
    if (c->state == Connection::State::Busy || c->state == Connection::State::Writing) continue;
    if (idle_only && !c->idle()) continue;
    const bool better = victim == nullptr || (c->idle() && !victim->idle()) ||
                        (c->idle() == victim->idle() && c->since < victim->since);
    if (better) victim = c.get();
  }
  if (victim == nullptr) return false;
  close(victim->id);
  return true;
}

void Connections::close(std::uint64_t id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  ::close(found->second->fd);
  buffered_ -= found->second->held;
  connections_.erase(found);
  std::lock_guard lock(mutex_);
  open_ = connections_.size();
  if (connections_.empty()) none_left_.notify_all();
}

/// One event, then silence until the next call: while a pool has the request, a peer that hangs up must not wake
/// us over and over.
void Connections::watch(Connection& c, std::uint32_t what) {
  epoll_event event{};
  event.events = what | EPOLLONESHOT;
  event.data.u64 = c.id;
  epoll_ctl(poller_, EPOLL_CTL_MOD, c.fd, &event);
}

// ---- one request

void Connections::on_ready(Connection& c) {
  switch (c.state) {
    case Connection::State::Reading: return read(c);
    case Connection::State::Busy: return;
    case Connection::State::Writing: return write(c);
    case Connection::State::Draining: return drain(c);
  }
}

void Connections::read(Connection& c) {
  std::array<char, std::size_t{16} << 10> buffer;
  std::size_t taken = 0;
  const std::uint64_t id = c.id;
  while (taken < kReadAtOnce) {
    const ssize_t got = ::recv(c.fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (got <= 0) return close(id);  // half a request from somebody who left
    taken += static_cast<std::size_t>(got);
    if (c.idle()) enter(c, Connection::State::Reading, settings_.request_time);
    c.in.append(buffer.data(), static_cast<std::size_t>(got));
    advance(c);
    if (!connections_.contains(id)) return;
    account(c);
    if (c.state != Connection::State::Reading) return;
  }
  watch(c, EPOLLIN);
  while (buffered_ > settings_.buffer_limit && drop_largest()) {
  }
}

void Connections::account(Connection& c) {
  if (c.in.empty() && c.in.capacity() > kReadAtOnce / 4) c.in = std::string();
  const std::size_t held = c.in.size() + c.body.size();
  buffered_ = buffered_ - c.held + held;
  c.held = held;
}

/// Many halves of requests must not fill the memory.
bool Connections::drop_largest() {
  const Connection* largest = nullptr;
  for (const auto& [id, c] : connections_) {
    if (c->state != Connection::State::Reading || c->held == 0) continue;
    if (largest == nullptr || c->held > largest->held) largest = c.get();
  }
  if (largest == nullptr) return false;
  close(largest->id);
  return true;
}

/// Looks at what came; gives a whole request to a pool.
void Connections::advance(Connection& c) {
  if (!c.head_done) {
    // A line break after the request before is forgiven.
    while (c.in.compare(0, 2, "\r\n") == 0) c.in.erase(0, 2);
    const std::size_t end = c.in.find("\r\n\r\n");
    if (std::min(end, c.in.size()) > settings_.head_limit) return refuse(c, 431);
    if (end == std::string::npos) return;
    c.head = Head();
    if (const int status = read_head(std::string_view(c.in).substr(0, end), c.head); status != 0) {
      return refuse(c, status);
    }
    if (c.head.length > settings_.body_limit) return refuse(c, 413);
    c.in.erase(0, end + 4);
    c.head_done = true;
    if (c.head.wants_continue && c.in.empty() && (c.head.chunked || c.head.length > 0)) {
      constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
      static_cast<void>(::send(c.fd, kGoOn.data(), kGoOn.size(), MSG_NOSIGNAL));
    }
  }
  if (c.head.chunked) {
    switch (c.chunks.read(c.in, c.body, settings_.body_limit)) {
      case Chunks::Now::More: return;
      case Chunks::Now::Bad: return refuse(c, 400);
      case Chunks::Now::TooLarge: return refuse(c, 413);
      case Chunks::Now::Whole: break;
    }
  } else {
    if (c.in.size() < c.head.length) return;
    c.body = c.in.substr(0, c.head.length);
    c.in.erase(0, c.head.length);
  }
  c.state = Connection::State::Busy;
  Request request;
  request.connection = c.id;
  request.close = c.head.close || stopping_ || ++c.requests >= settings_.requests_per_connection;
  request.head = std::move(c.head);
  request.body = std::move(c.body);
  c.head_done = false;
  c.chunks = Chunks();
  c.body.clear();
  handlers_.whole(std::move(request));
}

void Connections::refuse(Connection& c, int status) {
  handlers_.refused(status);
  c.out = "HTTP/1.1 " + std::to_string(status) + " ";
  c.out.append(words(status)).append("\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  c.in = std::string();
  c.body = std::string();
  c.sent = 0;
  c.close = true;
  enter(c, Connection::State::Writing, settings_.request_time);
  write(c);
}

void Connections::write(Connection& c) {
  while (c.sent < c.out.size()) {
    const ssize_t sent = ::send(c.fd, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
    if (sent > 0) {
      c.sent += static_cast<std::size_t>(sent);
      continue;
    }
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return watch(c, EPOLLOUT);
    return close(c.id);
  }
  c.out.clear();
  if (c.close || stopping_) {
    // A close with bytes unread would take the answer away from the peer again.
    ::shutdown(c.fd, SHUT_WR);
    if (stopping_) return close(c.id);
    enter(c, Connection::State::Draining, kDrainTime);
    return drain(c);
  }
  enter(c, Connection::State::Reading, c.in.empty() ? settings_.idle_time : settings_.request_time);
  if (!c.in.empty()) {
    // A pipelined request; posted, so that calls do not nest.
    return post([this, id = c.id] {
      guarded(id, [this, id](Connection& next) {
        advance(next);
        if (!connections_.contains(id)) return;
        account(next);
        if (next.state == Connection::State::Reading) watch(next, EPOLLIN);
      });
    });
  }
  watch(c, EPOLLIN);
}

void Connections::drain(Connection& c) {
  std::array<char, std::size_t{16} << 10> buffer;
  for (std::size_t taken = 0; taken < kReadAtOnce;) {
    const ssize_t got = ::recv(c.fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (got <= 0) return close(c.id);
    taken += static_cast<std::size_t>(got);
    c.drained += static_cast<std::size_t>(got);
    if (c.drained > kDrained) return close(c.id);
  }
  watch(c, EPOLLIN);
}

// ---- the beginning and the end

std::string Connections::open() {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* list = nullptr;
  const std::string service = std::to_string(settings_.port);
  const int failed =
      ::getaddrinfo(settings_.host.empty() ? nullptr : settings_.host.c_str(), service.c_str(), &hints, &list);
  if (failed != 0) return std::string("no such address: ") + ::gai_strerror(failed);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* one = list; one != nullptr && acceptor_ < 0; one = one->ai_next) {
    const int fd = ::socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      error = errno;
      continue;
    }
    // Not SO_REUSEPORT, with which a second process of ours would silently take half of the connections_.
    const int on = 1;
    const int off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (one->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (::bind(fd, one->ai_addr, one->ai_addrlen) == 0 && ::listen(fd, 1024) == 0) {
      acceptor_ = fd;
    } else {
      error = errno;
      ::close(fd);
    }
  }
  ::freeaddrinfo(list);
  if (acceptor_ < 0) return bind_error(error);

  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(acceptor_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = address.ss_family == AF_INET6 ? ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port)
                                       : ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
  poller_ = ::epoll_create1(EPOLL_CLOEXEC);
  waker_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kAcceptor;
  const bool watched = epoll_ctl(poller_, EPOLL_CTL_ADD, acceptor_, &event) == 0;
  event.data.u64 = kWaker;
  if (!watched || epoll_ctl(poller_, EPOLL_CTL_ADD, waker_, &event) != 0) {
    const std::string reason = std::strerror(errno);
    release();
    return reason;
  }
  return {};
}

void Connections::release() {
  for (int* fd : {&acceptor_, &poller_, &waker_}) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
}

void Connections::quiesce(Clock::time_point until) {
  stopping_ = true;
  stop_at_ = until;
  if (acceptor_ >= 0) ::close(std::exchange(acceptor_, -1));
  std::vector<std::uint64_t> idle;
  for (const auto& [id, c] : connections_) {
    if (c->idle() || c->state == Connection::State::Draining) {
      idle.push_back(id);
    } else {
      set_deadline(*c, c->deadline);
    }
  }
  for (const std::uint64_t id : idle) close(id);
  std::lock_guard lock(mutex_);
  quiet_ = true;
  none_left_.notify_all();
}

}  // namespace sufler::listening

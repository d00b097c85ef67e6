#include "interpreter/runtime/control.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "interpreter/core/fd.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr const char* kTooLong = R"({"error":"the request is too long"})";
constexpr const char* kTooMuch = R"({"error":"the answer is too long: ask for less"})";

std::string reason() { return std::strerror(errno); }

/// A socket's address holds 107 bytes; a longer path goes by its folder, which `folder` keeps open.
bool address_of(const std::string& path, sockaddr_un& address, Fd& folder) {
  address = {};
  address.sun_family = AF_UNIX;
  std::string name = path;
  if (name.size() >= sizeof address.sun_path) {
    const std::filesystem::path whole(path);
    folder = Fd(::open(whole.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return false;
    name = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + whole.filename().string();
    if (name.size() >= sizeof address.sun_path) {
      errno = ENAMETOOLONG;
      return false;
    }
  }
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  return true;
}

const sockaddr* plain(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

int ms_until(SteadyTime deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 600'000));
}

/// What handlers may reach when the server is gone already.
struct Mailbox {
  std::mutex mutex;
  std::vector<std::pair<std::uint64_t, std::string>> answers;
  Fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};

  void put(std::uint64_t client, std::string answer) {
    {
      std::lock_guard lock(mutex);
      answers.emplace_back(client, std::move(answer));
    }
    ring();
  }
  void ring() const {
    const std::uint64_t one = 1;
    (void)!::write(wake.get(), &one, sizeof one);
  }
};

struct Client {
  Fd fd;
  std::uint64_t number = 0;
  std::string in, out;
  bool asking = false;  ///< its request is with the handler
  bool last = false;    ///< it goes when `out` is written
  SteadyTime deadline;
};

}  // namespace

struct ControlServer::Impl {
  std::string path;
  Handler handler;
  milliseconds patience{};
  Fd lock, listening;
  std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>();
  std::list<Client> clients;
  std::uint64_t numbers = 0;
  std::atomic<bool> stopping{false};
  std::thread thread;

  Result<Done, ControlError> listen() {
    using Kind = ControlError::Kind;
    lock = Fd(::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return Error{ControlError{Kind::NotTaken, "the socket " + path + " cannot be made: " + reason()}};
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      return Error{ControlError{Kind::Taken, "another process serves already: it listens at " + path +
                                                 "; stop it, or give this one a database and a `socket:` of its own"}};
    }
    sockaddr_un address{};
    Fd folder;
    listening = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    // The mode of an unbound socket becomes that of its file: there is no instant at which others may connect.
    bool ready = listening && ::fchmod(listening.get(), 0600) == 0 && address_of(path, address, folder);
    struct stat status {};
    if (ready && ::lstat(path.c_str(), &status) == 0) {
      if (!S_ISSOCK(status.st_mode))
        return Error{ControlError{Kind::NotTaken, "the socket " + path + " cannot be made: there is a file of this name"}};
      // We have the lock, so whoever made it is dead.
      ::unlink(path.c_str());
    }
    ready = ready && ::bind(listening.get(), plain(address), sizeof address) == 0 && ::listen(listening.get(), 16) == 0;
    if (!ready) return Error{ControlError{Kind::NotTaken, "the socket " + path + " cannot be made: " + reason()}};
    return Done{};
  }

  SteadyTime soon() const { return std::chrono::steady_clock::now() + patience; }

  void run() {
    std::vector<pollfd> watched;
    while (!stopping) {
      watched.clear();
      watched.push_back({mailbox->wake.get(), POLLIN, 0});
      watched.push_back({clients.size() < kMaxClients ? listening.get() : -1, POLLIN, 0});
      SteadyTime first = std::chrono::steady_clock::now() + std::chrono::minutes(10);
      for (const Client& client : clients) {
        const short events = !client.out.empty() ? POLLOUT : client.asking ? 0 : POLLIN;
        watched.push_back({client.fd.get(), events, 0});
        if (!client.asking) first = std::min(first, client.deadline);
      }
      if (::poll(watched.data(), watched.size(), ms_until(first)) < 0 && errno != EINTR) return;
      if (stopping) return;
      std::size_t i = 2;
      for (auto client = clients.begin(); client != clients.end(); ++i) {
        const bool stays = serve(*client, watched[i].revents);
        client = stays ? std::next(client) : clients.erase(client);
      }
      if (watched[1].revents != 0) accept_one();
      deliver_answers();
    }
  }

  void accept_one() {
    Fd fd(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return;
    Client& client = clients.emplace_back();
    client.fd = std::move(fd);
    client.number = ++numbers;
    client.deadline = soon();
  }

  void deliver_answers() {
    std::uint64_t rings = 0;
    (void)!::read(mailbox->wake.get(), &rings, sizeof rings);
    std::vector<std::pair<std::uint64_t, std::string>> answers;
    {
      std::lock_guard guard(mailbox->mutex);
      answers.swap(mailbox->answers);
    }
    for (auto& [number, answer] : answers) {
      const auto client =
          std::find_if(clients.begin(), clients.end(), [n = number](const Client& one) { return one.number == n; });
      if (client == clients.end() || !client->asking) continue;
      client->asking = false;
      say(*client, answer.size() > kMaxAnswerBytes ? kTooMuch : std::move(answer));
    }
  }

  void say(Client& client, std::string answer) const {
    client.out = std::move(answer);
    client.out += '\n';
    client.deadline = soon();
  }

  /// Whether the client stays.
  bool serve(Client& client, short events) {
    if ((events & POLLNVAL) != 0) return false;
    if (client.asking) return (events & (POLLHUP | POLLERR)) == 0;
    if (events == 0) return std::chrono::steady_clock::now() < client.deadline;
    if (!client.out.empty()) return write_some(client);
    return read_some(client);
  }

  static bool passing() { return errno == EAGAIN || errno == EINTR; }

  bool write_some(Client& client) {
    const ssize_t written = ::send(client.fd.get(), client.out.data(), client.out.size(), MSG_NOSIGNAL);
    if (written < 0) return passing();
    client.out.erase(0, static_cast<std::size_t>(written));
    if (!client.out.empty()) return true;
    if (client.last) return false;
    client.deadline = soon();
    take_line(client);
    return true;
  }

  bool read_some(Client& client) {
    char bytes[4096];
    const ssize_t read = ::recv(client.fd.get(), bytes, sizeof bytes, 0);
    if (read < 0) return passing();
    if (read == 0) return false;
    client.in.append(bytes, static_cast<std::size_t>(read));
    take_line(client);
    return true;
  }

  void take_line(Client& client) {
    const std::size_t end = client.in.find('\n');
    if (end == std::string::npos ? client.in.size() > kMaxRequestBytes : end > kMaxRequestBytes) {
      client.last = true;
      return say(client, kTooLong);
    }
    if (end == std::string::npos) return;
    std::string line = client.in.substr(0, end);
    client.in.erase(0, end + 1);
    client.asking = true;
    handler(std::move(line), [to = mailbox, number = client.number](std::string answer) { to->put(number, std::move(answer)); });
  }
};

ControlServer::ControlServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlServer::~ControlServer() { stop(); }

Result<std::unique_ptr<ControlServer>, ControlError> ControlServer::open(const std::string& path, Handler handler,
                                                                         milliseconds patience) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->handler = std::move(handler);
  impl->patience = patience;
  if (auto listening = impl->listen(); !listening) return Error{listening.error()};
  impl->thread = std::thread([own = impl.get()] { own->run(); });
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
}

void ControlServer::stop() {
  if (!impl_->thread.joinable()) return;
  impl_->stopping = true;
  impl_->mailbox->ring();
  impl_->thread.join();
  impl_->clients.clear();
  ::unlink(impl_->path.c_str());
  impl_->listening = Fd();
}

Result<std::string, ControlError> ask_control(const std::string& path, const std::string& request,
                                              milliseconds timeout) {
  using Kind = ControlError::Kind;
  const SteadyTime until = std::chrono::steady_clock::now() + timeout;
  const auto broken = [&](const std::string& why) {
    return Error{ControlError{Kind::Broken, "the process at " + path + " did not answer: " + why}};
  };
  sockaddr_un address{};
  Fd folder;
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return broken(reason());
  // Connecting waits, too, while a server that is stuck takes nobody in.
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(timeout).count();
  const timeval patience{std::max<time_t>(1, whole), 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (!address_of(path, address, folder) || ::connect(fd.get(), plain(address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
      return Error{ControlError{Kind::Nobody, "no process listens at " + path}};
    if (errno == EACCES || errno == EPERM) return broken("no right to reach it; be its user, or the superuser");
    return broken(reason());
  }
  const std::string line = request + "\n";
  for (std::size_t at = 0; at < line.size();) {
    const ssize_t written = ::send(fd.get(), line.data() + at, line.size() - at, MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return broken(reason());
    at += static_cast<std::size_t>(written);
  }
  std::string answer;
  for (;;) {
    pollfd waited{fd.get(), POLLIN, 0};
    const int ready = ::poll(&waited, 1, ms_until(until));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return broken("it is too busy");
    char bytes[65536];
    const ssize_t read = ::recv(fd.get(), bytes, sizeof bytes, 0);
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) return broken("it hung up");
    answer.append(bytes, static_cast<std::size_t>(read));
    if (const std::size_t end = answer.find('\n'); end != std::string::npos) return answer.substr(0, end);
    if (answer.size() > ControlServer::kMaxAnswerBytes + 1) return broken("it says too much");
  }
}

}  // namespace sufler

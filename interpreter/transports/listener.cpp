#include "interpreter/transports/listener.h"

#include <httplib.h>
#include <netdb.h>
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
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

// httplib gives every connection a thread for as long as it is kept, reads bodies of any size when they come in
// chunks or packed, and believes a chunked body beside a Content-Length. So the connections are ours: one thread
// waits for all of them behind epoll and gathers a request, with limits of size and time, until it is whole. Only
// then does a thread of a pool take it, and httplib reads its first line and writes the answer, from memory to
// memory. Webhooks wait for the storage, so they have a pool of their own, and pages never stand behind them.

namespace sufler {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::uint64_t kAcceptor = 0;
constexpr std::uint64_t kWaker = 1;
constexpr std::uint64_t kFirstConnection = 2;
constexpr std::size_t kFirstLine = 8'000;  // httplib's own bound lies above
constexpr std::size_t kHeaders = 100;
constexpr std::size_t kChunkLine = 256;
constexpr std::size_t kReadAtOnce = std::size_t{256} << 10;
constexpr std::size_t kDrained = std::size_t{64} << 20;
constexpr milliseconds kDrainTime{2'000};
constexpr milliseconds kAcceptPause{100};
constexpr milliseconds kGiveUpTime{500};
constexpr std::size_t kKeptThreads = 2;

// ------------------------------------------------------------------- reading

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (lowered(trimmed(list.substr(0, comma))) == word) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

struct Head {
  std::string method;
  std::string line;  // the first one, without its end
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::size_t length = 0;
  bool chunked = false;
  bool close = false;
  bool wants_continue = false;
};

/// 0, or the status of a refusal. Whatever two readers might read in two ways is refused: a proxy before us must not
/// see another request than we do.
int read_head(std::string_view text, Head& head) {
  if (std::any_of(text.begin(), text.end(), [](char c) {
        return c == 0x7F || (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n');
      })) {
    return 400;
  }
  bool first = true;
  int hosts = 0;
  bool has_length = false;
  bool http_1_1 = true;
  int late = 0;  // a refusal that a malformed head goes before
  for (;;) {
    const std::size_t end = std::min(text.find("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.find_first_of("\r\n") != std::string_view::npos) return 400;
    if (first) {
      const std::size_t target = line.find(' ');
      const std::size_t version = line.rfind(' ');
      if (target == std::string_view::npos || target == version || !is_token(line.substr(0, target)) ||
          line[target + 1] != '/' || line.find_first_of(" \t", target + 1) != version) {
        return 400;
      }
      http_1_1 = line.substr(version + 1) == "HTTP/1.1";
      if (!http_1_1 && line.substr(version + 1) != "HTTP/1.0") return 400;
      if (line.size() > kFirstLine) return 414;
      head.method = line.substr(0, target);
      head.line = line;
      first = false;
    } else {
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return 400;
      if (head.headers.size() == kHeaders) return 431;
      head.headers.emplace_back(lowered(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
      const auto& [name, value] = head.headers.back();
      if (name == "content-length") {
        const auto read = std::from_chars(value.data(), value.data() + value.size(), head.length);
        if (has_length || value.empty() || read.ptr != value.data() + value.size()) return 400;
        // More than a number holds is too much, and no mistake of writing.
        if (read.ec != std::errc()) late = 413;
        has_length = true;
      } else if (name == "transfer-encoding") {
        if (head.chunked || lowered(value) != "chunked") return 400;
        head.chunked = true;
      } else if (name == "host") {
        ++hosts;
      } else if (name == "connection") {
        head.close = head.close || has_word(value, "close");
      } else if (name == "expect") {
        head.wants_continue = lowered(value) == "100-continue";
        if (!head.wants_continue) late = 417;
      } else if (name == "content-encoding" && lowered(value) != "identity") {
        late = 415;
      }
    }
    if (end == text.size()) break;
    text.remove_prefix(end + 2);
  }
  if (has_length && head.chunked) return 400;
  if (hosts > 1 || (http_1_1 && hosts == 0) || (!http_1_1 && head.chunked)) return 400;
  head.close = head.close || !http_1_1;
  return late;
}

/// Takes a body out of its chunks as they come.
class Chunks {
 public:
  enum class Now { More, Whole, Bad, TooLarge };

  /// Removes from `in` what it has read.
  Now read(std::string& in, std::string& body, std::size_t limit) {
    std::size_t at = 0;
    const Now now = read(in, at, body, limit);
    in.erase(0, at);
    return now;
  }

 private:
  Now read(std::string_view in, std::size_t& at, std::string& body, std::size_t limit) {
    for (;;) {
      if (left_ > 0) {
        const std::size_t some = std::min(left_, in.size() - at);
        body.append(in, at, some);
        at += some;
        left_ -= some;
        if (left_ > 0) return Now::More;
        ending_ = true;
      }
      const std::size_t end = in.find("\r\n", at);
      if (end == std::string_view::npos) return in.size() - at > kChunkLine ? Now::Bad : Now::More;
      const std::string_view line = in.substr(at, end - at);
      if (line.size() > kChunkLine) return Now::Bad;
      at = end + 2;
      if (ending_) {
        if (!line.empty()) return Now::Bad;
        ending_ = false;
      } else if (trailers_ > 0) {
        if (line.empty()) return Now::Whole;
        if (++trailers_ > 16) return Now::Bad;
      } else {
        const std::string_view size = trimmed(line.substr(0, line.find(';')));
        const auto read = std::from_chars(size.data(), size.data() + size.size(), left_, 16);
        if (size.empty() || read.ptr != size.data() + size.size()) return Now::Bad;
        if (read.ec != std::errc() || left_ > limit - std::min(limit, body.size())) return Now::TooLarge;
        if (left_ == 0) trailers_ = 1;
      }
    }
  }

  std::size_t left_ = 0;   // of the chunk at hand
  bool ending_ = false;    // its line break comes next
  int trailers_ = 0;       // lines after the last chunk, and one
};

// ------------------------------------------------------------------- threads

/// Threads as the work asks for them: a few at rest, up to a bound; beyond it work waits in line.
class Workers {
 public:
  Workers(std::size_t most, milliseconds rest)
      : kept_(std::min(kKeptThreads, most)), most_(std::max<std::size_t>(most, 1)), rest_(rest) {}
  ~Workers() { stop(); }

  void start() {
    std::lock_guard lock(mutex_);
    stopping_ = false;
    while (running_ < kept_) add_thread();
  }
  void enqueue(std::function<void()> job) {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    jobs_.push_back(std::move(job));
    if (jobs_.size() > resting_ && running_ < most_) {
      try {
        add_thread();
      } catch (const std::system_error&) {
        // No more threads are to be had: the kept ones come to it.
      }
    }
    wake_.notify_one();
  }
  /// Work in line is dropped, work under way is waited for.
  void stop() {
    std::list<std::thread> threads;
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      jobs_.clear();
      threads.swap(threads_);
      threads.splice(threads.end(), over_);
    }
    wake_.notify_all();
    for (std::thread& one : threads) one.join();
  }
  std::size_t threads() const {
    std::lock_guard lock(mutex_);
    return running_;
  }

 private:
  void add_thread() {
    for (std::thread& one : over_) one.join();  // they have nothing left to do
    over_.clear();
    threads_.emplace_back();
    const auto place = std::prev(threads_.end());
    try {
      *place = std::thread([this, place] { run(place); });
    } catch (...) {
      threads_.erase(place);
      throw;
    }
    ++running_;
  }

  void run(std::list<std::thread>::iterator place) {
    std::unique_lock lock(mutex_);
    for (;;) {
      ++resting_;
      const bool woken = wake_.wait_for(lock, rest_, [this] { return stopping_ || !jobs_.empty(); });
      --resting_;
      if (stopping_) break;
      if (!woken) {
        if (running_ <= kept_) continue;
        over_.splice(over_.end(), threads_, place);
        break;
      }
      std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      job = nullptr;
      lock.lock();
    }
    --running_;
  }

  const std::size_t kept_;
  const std::size_t most_;
  const milliseconds rest_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::list<std::thread> threads_;
  std::list<std::thread> over_;  // ended, to be joined
  std::size_t running_ = 0;
  std::size_t resting_ = 0;
  bool stopping_ = true;
};

// ------------------------------------------------------------------- answering

/// The answer to one webhook, which a thread waits for.
class Pending {
 public:
  /// The first answer counts.
  void give(WebhookAnswer answer) {
    {
      std::lock_guard lock(mutex_);
      if (answer_) return;
      answer_ = std::move(answer);
    }
    given_.notify_all();
  }
  WebhookAnswer wait(milliseconds time) {
    std::unique_lock lock(mutex_);
    if (!given_.wait_for(lock, time, [this] { return answer_.has_value(); })) answer_ = unavailable();
    return *answer_;
  }
  static WebhookAnswer unavailable() { return {503, {}, std::chrono::seconds(1)}; }

 private:
  std::mutex mutex_;
  std::condition_variable given_;
  std::optional<WebhookAnswer> answer_;
};

/// A path and who answers there.
/// `Sun, 06 Nov 1994 08:49:37 GMT`, whatever the locale; never sooner than `pause`.
std::string http_date_after(std::chrono::seconds pause) {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto at = std::chrono::ceil<std::chrono::seconds>(std::chrono::system_clock::now() + pause);
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                parts.tm_sec);
  return text.data();
}

struct Route {
  Listener::Page page;
  Listener::Webhook webhook;
  RetryAfterForm retry_after = RetryAfterForm::Seconds;

  bool enter() {
    std::lock_guard lock(mutex);
    if (gone) return false;
    ++calls;
    return true;
  }
  void leave() {
    std::lock_guard lock(mutex);
    if (--calls == 0) idle.notify_all();
  }
  /// Lets nobody in and waits for those inside.
  void close() {
    std::unique_lock lock(mutex);
    gone = true;
    idle.wait(lock, [this] { return calls == 0; });
  }

  std::mutex mutex;
  std::condition_variable idle;
  std::size_t calls = 0;
  bool gone = false;
};

class Inside {
 public:
  explicit Inside(Route& route) : route_(route.enter() ? &route : nullptr) {}
  ~Inside() {
    if (route_ != nullptr) route_->leave();
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  explicit operator bool() const { return route_ != nullptr; }

 private:
  Route* route_;
};

/// A whole request, on a thread of a pool.
struct Job {
  std::uint64_t connection = 0;
  Head head;
  std::string body;
  bool close = false;
  bool routed = false;  // httplib understood the first line
  std::string answer;
};

/// The request's first line as httplib reads it, and the answer as it writes it.
class MemoryStream final : public httplib::Stream {
 public:
  MemoryStream(std::string in, std::string& out) : in_(std::move(in)), out_(out) {}
  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    size = std::min(size, in_.size() - at_);
    std::memcpy(to, in_.data() + at_, size);
    at_ += size;
    return static_cast<ssize_t>(size);
  }
  ssize_t write(const char* from, std::size_t size) override {
    out_.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return -1; }

 private:
  std::string in_;
  std::size_t at_ = 0;
  std::string& out_;
};

class Front final : public httplib::Server {
 public:
  using Answer = std::function<void(Job&, const httplib::Request&, httplib::Response&)>;

  explicit Front(Answer answer) {
    // Before httplib looks for a body, which it would read without a limit.
    set_pre_routing_handler([answer = std::move(answer)](const httplib::Request& request,
                                                         httplib::Response& response) {
      answer(*at_hand, request, response);
      return HandlerResponse::Handled;
    });
    set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
      response.headers.erase("Keep-Alive");
      response.headers.erase("Accept-Ranges");
    });
  }
  void run(Job& job) {
    MemoryStream stream(job.head.line + "\r\nHost: x\r\n\r\n", job.answer);
    at_hand = &job;
    bool closed = false;
    process_request(stream, job.close, closed, nullptr);
    at_hand = nullptr;
  }

 private:
  static thread_local Job* at_hand;
};
thread_local Job* Front::at_hand = nullptr;

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

// ------------------------------------------------------------------- connections

struct Connection {
  enum class State {
    Reading,   // a request, or waits for its first byte
    Busy,      // a pool answers it
    Writing,   // the answer
    Draining,  // said goodbye: what still comes is thrown away, lest it break the goodbye
  };

  std::uint64_t id = 0;
  int fd = -1;
  State state = State::Reading;
  std::string in;
  bool head_done = false;
  Head head;
  Chunks chunks;
  std::string body;
  std::string out;
  std::size_t sent = 0;
  bool close = false;
  std::size_t requests = 0;
  std::size_t drained = 0;
  std::size_t held = 0;  // bytes of `in` and `body`, as they are counted
  Clock::time_point since;  // the state's begin
  Clock::time_point deadline;

  bool idle() const { return state == State::Reading && !head_done && in.empty(); }
};

std::string where(const std::string& host, int port) {
  const std::string shown = host.empty() ? "*" : host.find(':') != std::string::npos ? "[" + host + "]" : host;
  return shown + ":" + std::to_string(port);
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

struct Listener::Impl {
  explicit Impl(Settings chosen)
      : settings(std::move(chosen)),
        front([this](Job& job, const httplib::Request& request, httplib::Response& response) {
          route(job, request, response);
        }),
        pages(settings.most_page_threads, settings.thread_rest),
        webhooks(settings.most_webhook_threads, settings.thread_rest) {}

  // ----------------------------------------------------------- on any thread

  void post(std::function<void()> job) {
    {
      std::lock_guard lock(mutex);
      posted.push_back(std::move(job));
    }
    const std::uint64_t one = 1;
    static_cast<void>(::write(waker, &one, sizeof one));
  }

  void count(int status, const std::string* webhook = nullptr) {
    std::lock_guard lock(mutex);
    ++counts.by_status[status];
    if (webhook == nullptr) return;
    if (const auto known = counts.webhooks.find(*webhook); known != counts.webhooks.end()) ++known->second[status];
  }

  void add(std::string path, std::shared_ptr<Route> route) {
    std::shared_ptr<Route> before;
    {
      std::lock_guard lock(mutex);
      counts.webhooks.erase(path);
      if (route && route->webhook) counts.webhooks[path];
      const auto known = routes.find(path);
      if (known != routes.end()) before = std::move(known->second);
      if (route) {
        routes[std::move(path)] = std::move(route);
      } else if (known != routes.end()) {
        routes.erase(known);
      }
    }
    if (before) before->close();
  }

  // ----------------------------------------------------------- on a thread of a pool

  void work(Job job) {
    try {
      front.run(job);
      if (!job.routed) count(400);
    } catch (...) {
      job.answer.clear();
    }
    // Nothing to say means that there was no memory to say it: the connection goes.
    post([this, id = job.connection, answer = std::move(job.answer), close = job.close]() mutable {
      answered(id, std::move(answer), close);
    });
  }

  void route(Job& job, const httplib::Request& request, httplib::Response& response) {
    std::shared_ptr<Route> found;
    {
      std::lock_guard lock(mutex);
      const auto known = routes.find(request.path);
      if (known != routes.end()) found = known->second;
    }
    job.routed = true;
    const bool webhook = found && found->webhook;
    const std::string_view allowed = webhook ? "POST" : "GET, HEAD";
    if (!found) {
      response.status = 404;
    } else if (!has_word(lowered(allowed), lowered(request.method))) {
      response.status = 405;
      response.set_header("Allow", std::string(allowed));
    } else if (webhook) {
      answer_webhook(*found, job, response);
    } else {
      answer_page(*found, response);
    }
    count(response.status, webhook ? &request.path : nullptr);
  }

  static void answer_page(Route& route, httplib::Response& response) {
    PageAnswer answer{404, {}, {}};
    try {
      if (const Inside inside(route); inside) answer = route.page();
    } catch (...) {
      answer = {500, {}, {}};
    }
    response.status = answer.status;
    if (!answer.body.empty()) response.set_content(std::move(answer.body), answer.content_type);
  }

  void answer_webhook(Route& route, Job& job, httplib::Response& response) {
    const auto pending = std::make_shared<Pending>();
    bool give_up = false;
    {
      std::lock_guard lock(mutex);
      give_up = giving_up;
      if (!give_up) waiting.insert(pending);
    }
    if (give_up) pending->give(Pending::unavailable());
    if (const Inside inside(route); inside && !give_up) {
      // Whoever forgets to answer has answered when the last copy of the function is gone.
      struct Asked {
        explicit Asked(std::shared_ptr<Pending> of) : pending(std::move(of)) {}
        ~Asked() { pending->give(Pending::unavailable()); }
        std::shared_ptr<Pending> pending;
      };
      WebhookRequest request;
      request.body = std::move(job.body);
      auto headers = std::make_shared<const std::vector<std::pair<std::string, std::string>>>(
          std::move(job.head.headers));
      request.header = [headers](std::string_view name) {
        const std::string wanted = lowered(name);
        for (const auto& [known, value] : *headers) {
          if (known == wanted) return value;
        }
        return std::string();
      };
      auto asked = std::make_shared<Asked>(pending);
      try {
        route.webhook(std::move(request),
                      [asked](WebhookAnswer answer) { asked->pending->give(std::move(answer)); });
      } catch (...) {
        pending->give({500, {}, {}});
      }
    } else {
      pending->give({404, {}, {}});
    }
    WebhookAnswer answer = pending->wait(settings.answer_time);
    {
      std::lock_guard lock(mutex);
      waiting.erase(pending);
    }
    response.status = answer.status >= 200 && answer.status <= 599 ? answer.status : 500;
    if (answer.retry_after.count() > 0) {
      response.set_header("Retry-After", route.retry_after == RetryAfterForm::Date
                                             ? http_date_after(answer.retry_after)
                                             : std::to_string(answer.retry_after.count()));
    }
    if (!answer.body.empty()) response.set_content(std::move(answer.body), "text/plain; charset=utf-8");
  }

  // ----------------------------------------------------------- on the thread of the connections

  void run() {
    std::array<epoll_event, 64> events{};
    while (!ended) {
      const int got = epoll_wait(poller, events.data(), static_cast<int>(events.size()), wait_ms());
      for (int i = 0; i < got; ++i) {
        const std::uint64_t id = events[static_cast<std::size_t>(i)].data.u64;
        if (id == kAcceptor) {
          accept_all();
        } else if (id == kWaker) {
          std::uint64_t ignored = 0;
          static_cast<void>(::read(waker, &ignored, sizeof ignored));
        } else {
          guarded(id, [this](Connection& c) { on_ready(c); });
        }
      }
      run_posted();
      check_deadlines();
    }
  }

  /// A connection that there is no memory for goes; the others stay.
  template <class What>
  void guarded(std::uint64_t id, What what) {
    const auto found = connections.find(id);
    if (found == connections.end()) return;
    try {
      what(*found->second);
    } catch (...) {
      close(id);
    }
  }

  int wait_ms() const {
    if (next_check == Clock::time_point::max()) return -1;
    const auto left = std::chrono::ceil<milliseconds>(next_check - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  void run_posted() {
    {
      std::lock_guard lock(mutex);
      running.swap(posted);
    }
    for (auto& job : running) job();
    running.clear();
  }

  void set_deadline(Connection& c, Clock::time_point at) {
    c.deadline = stopping ? std::min(at, stop_at) : at;
    next_check = std::min(next_check, c.deadline);
  }

  void enter(Connection& c, Connection::State state, milliseconds time) {
    c.state = state;
    c.since = Clock::now();
    set_deadline(c, c.since + time);
  }

  void check_deadlines() {
    const Clock::time_point now = Clock::now();
    if (now < next_check) return;
    if (accept_paused && now >= accept_again) {
      accept_paused = false;
      watch_acceptor(true);
    }
    next_check = accept_paused ? accept_again : Clock::time_point::max();
    std::vector<std::uint64_t> late;
    for (const auto& [id, c] : connections) {
      if (c->state == Connection::State::Busy) continue;
      if (c->deadline <= now) {
        late.push_back(id);
      } else {
        next_check = std::min(next_check, c->deadline);
      }
    }
    for (const std::uint64_t id : late) {
      guarded(id, [this, id](Connection& c) {
        if (c.state == Connection::State::Reading && !c.idle() && !stopping) return refuse(c, 408);
        close(id);
      });
    }
  }

  // --- coming and going

  void watch_acceptor(bool on) {
    if (acceptor < 0) return;
    epoll_event event{};
    event.events = on ? EPOLLIN : 0U;
    event.data.u64 = kAcceptor;
    epoll_ctl(poller, EPOLL_CTL_MOD, acceptor, &event);
  }

  void accept_all() {
    while (acceptor >= 0) {
      const int fd = ::accept4(acceptor, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) return;
        if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO || errno == EPERM) continue;
        if ((errno == EMFILE || errno == ENFILE) && evict(true)) continue;
        // Nothing to accept with: a pause, since the socket stays ready and would be tried without end.
        accept_paused = true;
        accept_again = Clock::now() + kAcceptPause;
        next_check = std::min(next_check, accept_again);
        return watch_acceptor(false);
      }
      if (connections.size() >= settings.most_connections && !evict(false)) {
        ::close(fd);
        continue;
      }
      admit(fd);
    }
  }

  void admit(int fd) {
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const std::uint64_t id = next_id++;
    auto c = std::make_unique<Connection>();
    c->id = id;
    c->fd = fd;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLONESHOT;
    event.data.u64 = id;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) {
      ::close(fd);
      return;
    }
    enter(*c, Connection::State::Reading, settings.request_time);
    connections.emplace(id, std::move(c));
    std::lock_guard lock(mutex);
    ++counts.accepted;
    counts.connections = connections.size();
  }

  /// Makes place for a newcomer: the connection that is idle the longest goes, else the one that has been sending
  /// the longest. Never one that is being answered.
  bool evict(bool idle_only) {
    const Connection* victim = nullptr;
    for (const auto& [id, c] : connections) {
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

  void close(std::uint64_t id) {
    const auto found = connections.find(id);
    if (found == connections.end()) return;
    ::close(found->second->fd);
    buffered -= found->second->held;
    connections.erase(found);
    std::lock_guard lock(mutex);
    counts.connections = connections.size();
    if (connections.empty()) none_left.notify_all();
  }

  /// One event, then silence until the next call: while a pool has the request, a peer that hangs up must not wake
  /// us over and over.
  void watch(Connection& c, std::uint32_t what) {
    epoll_event event{};
    event.events = what | EPOLLONESHOT;
    event.data.u64 = c.id;
    epoll_ctl(poller, EPOLL_CTL_MOD, c.fd, &event);
  }

  // --- one request

  void on_ready(Connection& c) {
    switch (c.state) {
      case Connection::State::Reading: return read(c);
      case Connection::State::Busy: return;
      case Connection::State::Writing: return write(c);
      case Connection::State::Draining: return drain(c);
    }
  }

  void read(Connection& c) {
    std::array<char, std::size_t{16} << 10> buffer;
    std::size_t taken = 0;
    const std::uint64_t id = c.id;
    while (taken < kReadAtOnce) {
      const ssize_t got = ::recv(c.fd, buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (got <= 0) return close(id);  // half a request from somebody who left
      taken += static_cast<std::size_t>(got);
      if (c.idle()) enter(c, Connection::State::Reading, settings.request_time);
      c.in.append(buffer.data(), static_cast<std::size_t>(got));
      advance(c);
      if (!connections.contains(id)) return;
      account(c);
      if (c.state != Connection::State::Reading) return;
    }
    watch(c, EPOLLIN);
    while (buffered > settings.buffer_limit && drop_largest()) {
    }
  }

  void account(Connection& c) {
    if (c.in.empty() && c.in.capacity() > kReadAtOnce / 4) c.in = std::string();
    const std::size_t held = c.in.size() + c.body.size();
    buffered = buffered - c.held + held;
    c.held = held;
  }

  /// Many halves of requests must not fill the memory.
  bool drop_largest() {
    const Connection* largest = nullptr;
    for (const auto& [id, c] : connections) {
      if (c->state != Connection::State::Reading || c->held == 0) continue;
      if (largest == nullptr || c->held > largest->held) largest = c.get();
    }
    if (largest == nullptr) return false;
    close(largest->id);
    return true;
  }

  /// Looks at what came; gives a whole request to a pool.
  void advance(Connection& c) {
    if (!c.head_done) {
      // A line break after the request before is forgiven.
      while (c.in.compare(0, 2, "\r\n") == 0) c.in.erase(0, 2);
      const std::size_t end = c.in.find("\r\n\r\n");
      if (std::min(end, c.in.size()) > settings.head_limit) return refuse(c, 431);
      if (end == std::string::npos) return;
      c.head = Head();
      if (const int status = read_head(std::string_view(c.in).substr(0, end), c.head); status != 0) {
        return refuse(c, status);
      }
      if (c.head.length > settings.body_limit) return refuse(c, 413);
      c.in.erase(0, end + 4);
      c.head_done = true;
      if (c.head.wants_continue && c.in.empty() && (c.head.chunked || c.head.length > 0)) {
        constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
        static_cast<void>(::send(c.fd, kGoOn.data(), kGoOn.size(), MSG_NOSIGNAL));
      }
    }
    if (c.head.chunked) {
      switch (c.chunks.read(c.in, c.body, settings.body_limit)) {
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
    Job job;
    job.connection = c.id;
    job.close = c.head.close || stopping || ++c.requests >= settings.requests_per_connection;
    const bool page = c.head.method == "GET" || c.head.method == "HEAD";
    job.head = std::move(c.head);
    job.body = std::move(c.body);
    c.head_done = false;
    c.chunks = Chunks();
    c.body.clear();
    (page ? pages : webhooks).enqueue([this, job = std::make_shared<Job>(std::move(job))] {
      work(std::move(*job));
    });
  }

  void answered(std::uint64_t id, std::string answer, bool close_after) {
    guarded(id, [&](Connection& c) {
      if (answer.empty()) return close(id);
      c.out = std::move(answer);
      c.sent = 0;
      c.close = close_after;
      enter(c, Connection::State::Writing, settings.request_time);
      write(c);
    });
  }

  void refuse(Connection& c, int status) {
    count(status);
    c.out = "HTTP/1.1 " + std::to_string(status) + " ";
    c.out.append(words(status)).append("\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    c.in = std::string();
    c.body = std::string();
    c.sent = 0;
    c.close = true;
    enter(c, Connection::State::Writing, settings.request_time);
    write(c);
  }

  void write(Connection& c) {
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
    if (c.close || stopping) {
      // A close with bytes unread would take the answer away from the peer again.
      ::shutdown(c.fd, SHUT_WR);
      if (stopping) return close(c.id);
      enter(c, Connection::State::Draining, kDrainTime);
      return drain(c);
    }
    enter(c, Connection::State::Reading, c.in.empty() ? settings.idle_time : settings.request_time);
    if (!c.in.empty()) {
      // A pipelined request; posted, so that calls do not nest.
      return post([this, id = c.id] {
        guarded(id, [this, id](Connection& next) {
          advance(next);
          if (!connections.contains(id)) return;
          account(next);
          if (next.state == Connection::State::Reading) watch(next, EPOLLIN);
        });
      });
    }
    watch(c, EPOLLIN);
  }

  void drain(Connection& c) {
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

  // --- the beginning and the end

  std::string open() {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* list = nullptr;
    const std::string service = std::to_string(settings.port);
    const int failed =
        ::getaddrinfo(settings.host.empty() ? nullptr : settings.host.c_str(), service.c_str(), &hints, &list);
    if (failed != 0) return std::string("no such address: ") + ::gai_strerror(failed);
    int error = EADDRNOTAVAIL;
    for (const addrinfo* one = list; one != nullptr && acceptor < 0; one = one->ai_next) {
      const int fd = ::socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (fd < 0) {
        error = errno;
        continue;
      }
      // Not SO_REUSEPORT, with which a second process of ours would silently take half of the connections.
      const int on = 1;
      const int off = 0;
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      if (one->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
      if (::bind(fd, one->ai_addr, one->ai_addrlen) == 0 && ::listen(fd, 1024) == 0) {
        acceptor = fd;
      } else {
        error = errno;
        ::close(fd);
      }
    }
    ::freeaddrinfo(list);
    if (acceptor < 0) return bind_error(error);

    sockaddr_storage address{};
    socklen_t size = sizeof address;
    getsockname(acceptor, reinterpret_cast<sockaddr*>(&address), &size);
    port = address.ss_family == AF_INET6 ? ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port)
                                         : ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
    poller = ::epoll_create1(EPOLL_CLOEXEC);
    waker = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kAcceptor;
    const bool watched = epoll_ctl(poller, EPOLL_CTL_ADD, acceptor, &event) == 0;
    event.data.u64 = kWaker;
    if (!watched || epoll_ctl(poller, EPOLL_CTL_ADD, waker, &event) != 0) {
      const std::string reason = std::strerror(errno);
      release();
      return reason;
    }
    return {};
  }

  void release() {
    for (int* fd : {&acceptor, &poller, &waker}) {
      if (*fd >= 0) ::close(*fd);
      *fd = -1;
    }
  }

  void begin_stop(Clock::time_point until) {
    stopping = true;
    stop_at = until;
    if (acceptor >= 0) ::close(std::exchange(acceptor, -1));
    std::vector<std::uint64_t> idle;
    for (const auto& [id, c] : connections) {
      if (c->idle() || c->state == Connection::State::Draining) {
        idle.push_back(id);
      } else {
        set_deadline(*c, c->deadline);
      }
    }
    for (const std::uint64_t id : idle) close(id);
    std::lock_guard lock(mutex);
    quiet = true;
    none_left.notify_all();
  }

  void stop(milliseconds grace) {
    std::lock_guard once(stop_mutex);
    if (!thread.joinable()) return;
    const Clock::time_point until = Clock::now() + grace;
    post([this, until] { begin_stop(until); });
    std::set<std::shared_ptr<Pending>> asked;
    const auto over = [this] { return quiet && counts.connections == 0; };
    {
      std::unique_lock lock(mutex);
      none_left.wait_until(lock, until, over);
      giving_up = true;
      asked = waiting;
    }
    for (const auto& pending : asked) pending->give(Pending::unavailable());
    if (!asked.empty()) {
      std::unique_lock lock(mutex);
      none_left.wait_for(lock, kGiveUpTime, over);
    }
    pages.stop();
    webhooks.stop();
    // After the answers that the pools have posted.
    post([this] {
      while (!connections.empty()) close(connections.begin()->first);
      ended = true;
    });
    thread.join();
    release();
    std::lock_guard lock(mutex);
    posted.clear();
  }

  const Settings settings;
  Front front;
  Workers pages;
  Workers webhooks;
  std::thread thread;
  std::mutex stop_mutex;
  std::atomic<int> port{0};

  // Of the thread of the connections.
  int acceptor = -1;
  int poller = -1;
  int waker = -1;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections;
  std::vector<std::function<void()>> running;
  std::size_t buffered = 0;  // bytes of unfinished requests
  std::uint64_t next_id = kFirstConnection;
  Clock::time_point next_check = Clock::time_point::max();
  Clock::time_point accept_again;
  bool accept_paused = false;
  bool stopping = false;
  bool ended = false;
  Clock::time_point stop_at;

  mutable std::mutex mutex;
  std::condition_variable none_left;
  std::vector<std::function<void()>> posted;
  std::map<std::string, std::shared_ptr<Route>, std::less<>> routes;
  std::set<std::shared_ptr<Pending>> waiting;
  Counts counts;
  bool quiet = false;      // accepts no more
  bool giving_up = false;  // waits for no answers
};

Listener::Listener(Settings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
Listener::~Listener() { stop(milliseconds(0)); }

void Listener::add_page(std::string path, Page page) {
  auto route = std::make_shared<Route>();
  route->page = std::move(page);
  impl_->add(std::move(path), std::move(route));
}

void Listener::add_webhook(std::string path, Webhook webhook, RetryAfterForm form) {
  auto route = std::make_shared<Route>();
  route->webhook = std::move(webhook);
  route->retry_after = form;
  impl_->add(std::move(path), std::move(route));
}

void Listener::add_webhook(std::string path, Transport& transport) {
  add_webhook(std::move(path), [&transport](WebhookRequest request, std::function<void(WebhookAnswer)> answer) {
    transport.take_webhook(std::move(request), std::move(answer));
  }, transport.retry_after_form());
}

void Listener::remove(const std::string& path) { impl_->add(path, nullptr); }

Result<Done, std::string> Listener::start() {
  Impl& impl = *impl_;
  const std::string where_to = where(impl.settings.host, impl.settings.port);
  if (impl.thread.joinable() || impl.quiet) return Error{"cannot listen on " + where_to + ": started before"};
  if (impl.settings.port < 0 || impl.settings.port > 65'535) {
    return Error{"cannot listen on " + where_to + ": a port is a number from 0 to 65535"};
  }
  if (const std::string reason = impl.open(); !reason.empty()) {
    return Error{"cannot listen on " + where_to + ": " + reason};
  }
  try {
    impl.pages.start();
    impl.webhooks.start();
    impl.thread = std::thread([&impl] { impl.run(); });
  } catch (const std::system_error&) {
    impl.pages.stop();
    impl.webhooks.stop();
    impl.release();
    return Error{"cannot listen on " + where_to + ": no threads are to be had"};
  }
  return Done{};
}

int Listener::port() const { return impl_->port; }
void Listener::stop(milliseconds grace) { impl_->stop(grace); }

Listener::Counts Listener::counts() const {
  Counts counts;
  {
    std::lock_guard lock(impl_->mutex);
    counts = impl_->counts;
  }
  counts.threads = impl_->pages.threads() + impl_->webhooks.threads();
  return counts;
}

}  // namespace sufler

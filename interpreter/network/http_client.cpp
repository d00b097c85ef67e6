#include "interpreter/network/http_client.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

// One thread runs libcurl's multi_socket interface over epoll. What differs from the textbook use:
//
// - A kept connection stays registered with epoll while it rests. libcurl asks to unwatch and watch it
//   around every exchange, which would cost two system calls a request; the wish is remembered and acted
//   upon only when an event comes that nobody wants.
// - A POST must not be repeated behind our back. When a kept connection breaks before any answer, libcurl
//   writes the request again on a fresh one; the server may have carried out the first. The pre-request
//   callback sees the second writing and stops it, unless nothing had been written or the request allows it.

namespace sufler {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

void initialise_curl() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(done);
}

/// `https://host:port` of a URL; empty when it is none of ours to call.
std::string_view origin_of(std::string_view url) {
  std::size_t host = 0;
  if (url.substr(0, 8) == "https://") {
    host = 8;
  } else if (url.substr(0, 7) == "http://") {
    host = 7;
  } else {
    return {};
  }
  const std::size_t end = std::min(url.find_first_of("/?#", host), url.size());
  return end == host ? std::string_view() : url.substr(0, end);
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

/// Errors of connecting: not a byte of the request has left.
bool is_connect_error(CURLcode code) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_PROXY: return true;
    default: return false;
  }
}

/// `socks5h://127.0.0.1:1080`, without who logs in there.
std::string shown_proxy(std::string_view proxy) {
  const std::size_t slashes = proxy.find("//"), at = proxy.rfind('@');
  if (slashes == proxy.npos || at == proxy.npos) return std::string(proxy);
  return std::string(proxy.substr(0, slashes + 2)) + std::string(proxy.substr(at + 1));
}

/// Of an answer to a guarded request, all of its lines together.
constexpr std::size_t kMostHeaderBytes = 64 * 1024;

bool is_public_v4(std::uint32_t address) {
  struct Range {
    std::uint32_t network;
    int bits;
  };
  // IANA's register of special-purpose addresses, and what is no single host's.
  static constexpr Range kSpecial[] = {
      {0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},  {0xA9FE0000, 16}, {0xAC100000, 12},
      {0xC0000000, 24}, {0xC0000200, 24}, {0xC0586300, 24}, {0xC0A80000, 16}, {0xC6120000, 15}, {0xC6336400, 24},
      {0xCB007100, 24}, {0xE0000000, 4},  {0xF0000000, 4}};
  return std::none_of(std::begin(kSpecial), std::end(kSpecial), [&](const Range& one) { return (address ^ one.network) >> (32 - one.bits) == 0; });
}

bool is_public_v6(const in6_addr& address) {
  const auto* bytes = address.s6_addr;
  const auto v4_at = [&](int at) {
    return static_cast<std::uint32_t>(bytes[at]) << 24 | static_cast<std::uint32_t>(bytes[at + 1]) << 16 |
           static_cast<std::uint32_t>(bytes[at + 2]) << 8 | bytes[at + 3];
  };
  const std::uint32_t first = v4_at(0);
  const bool zeros = v4_at(0) == 0 && v4_at(4) == 0;
  if (zeros && (v4_at(8) == 0xFFFF || v4_at(8) == 0)) return v4_at(8) == 0xFFFF && is_public_v4(v4_at(12));  // mapped; ::, ::1, compatible
  if (first == 0x0064FF9B && v4_at(4) == 0 && v4_at(8) == 0) return is_public_v4(v4_at(12));                  // NAT64
  if (first >> 16 == 0x2002) return is_public_v4(v4_at(2));                                                  // 6to4
  if (first == 0x20010DB8 || first >> 20 == 0x3FF) return false;                                             // of documentation
  if (first >> 9 == 0x20010000U >> 9) return false;                                                          // 2001::/23: Teredo, ORCHID
  return first >> 29 == 1;  // 2000::/3 is all of the Internet; unique local, link-local, multicast are outside
}

struct Host;

/// An easy handle and the request it carries.
struct Transfer {
  CURL* easy = nullptr;
  std::string url;    // as the handle holds it
  std::string proxy;  // as the handle holds it
  long timeout_ms = -1;
  HttpRequest request;
  HttpClient::Done done;
  HttpClient::RequestId id = 0;
  std::string answer;
  Host* host = nullptr;
  HttpHeaders header_lines;  // what `headers` was made of
  curl_slist* headers = nullptr;
  curl_mime* mime = nullptr;
  Clock::time_point started;
  int writings = 0;
  bool repeated = false;   // a second writing was stopped
  bool held_back = false;  // `may_leave` said no before the first
  bool reconnected = false;  // a connection was opened after a writing had begun
  void* client = nullptr;    // the Impl it belongs to
  bool too_large = false;
  bool stalled = false;
  std::size_t piece_bytes = 0;    // given to `on_piece`
  Clock::time_point last_piece;   // when a piece of the body came
  bool watched = false;           // whether somebody looks if the body stands still
  bool not_public = false;        // an address was passed over
  std::size_t header_bytes = 0;   // of a guarded answer
  bool special = false;    // differs from a POST of a body: the handle is set anew afterwards
  bool active = false;
  std::array<char, CURL_ERROR_SIZE> error{};
};

struct Waiting {
  HttpRequest request;
  HttpClient::Done done;
  HttpClient::RequestId id = 0;
};

struct Host {
  std::string origin;
  std::deque<Waiting> waiting;
  std::vector<Transfer*> idle;
  std::size_t calls = 0;
  double mean_answer_us = 0;
};

struct Watch {
  std::uint32_t registered = 0;  // what epoll watches
  std::uint32_t wanted = 0;      // what libcurl wants
  bool connection = false;       // opened through open_socket, so its closing is seen
};

}  // namespace

struct HttpClient::Impl {
  explicit Impl(Settings given) : settings(std::move(given)) {
    initialise_curl();
    poller = epoll_create1(EPOLL_CLOEXEC);
    waker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = waker;
    epoll_ctl(poller, EPOLL_CTL_ADD, waker, &event);

    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(2 * settings.far_calls));
    json_headers = curl_slist_append(nullptr, "Content-Type: application/json");
    json_headers = curl_slist_append(json_headers, "Expect:");
    json_headers = curl_slist_append(json_headers, "Accept:");
    thread = std::thread([this] { run(); });
    thread_id = thread.get_id();
  }

  ~Impl() {
    for (auto& transfer : transfers) {
      curl_easy_cleanup(transfer->easy);
      curl_slist_free_all(transfer->headers);
      curl_mime_free(transfer->mime);
    }
    curl_multi_cleanup(multi);
    curl_slist_free_all(json_headers);
    close(waker);
    close(poller);
  }

  // ------------------------------------------------------------- from any thread

  void enter(std::function<void()> job) {
    {
      std::lock_guard lock(mutex);
      if (closed) return;
      posted.push_back(std::move(job));
    }
    wake();
  }

  void submit(Waiting waiting) {
    if (std::this_thread::get_id() == thread_id) return accept(std::move(waiting));
    {
      std::unique_lock lock(mutex);
      if (closed) {
        lock.unlock();
        return refuse(waiting, "the process is stopping", true);
      }
      submitted.push_back(std::move(waiting));
    }
    wake();
  }

  void wake() {
    if (std::this_thread::get_id() == thread_id || wake_pending.exchange(true)) return;
    const std::uint64_t one = 1;
    static_cast<void>(::write(waker, &one, sizeof one));
  }

  // ------------------------------------------------------------- libcurl's callbacks

  static std::size_t on_data(char* data, std::size_t size, std::size_t count, void* to) {
    auto* transfer = static_cast<Transfer*>(to);
    const std::size_t bytes = size * count;
    const HttpRequest& request = transfer->request;
    if (transfer->answer.size() + transfer->piece_bytes + bytes > request.max_response_bytes) {
      transfer->too_large = true;
      return 0;
    }
    if (request.stall.count() > 0) static_cast<Impl*>(transfer->client)->watch_body(*transfer);
    if (request.on_piece && has_succeeded(*transfer)) {
      transfer->piece_bytes += bytes;
      return request.on_piece(std::string_view(data, bytes)) ? bytes : 0;
    }
    transfer->answer.append(data, bytes);
    return bytes;
  }

  static bool has_succeeded(const Transfer& transfer) {
    long status = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status < 300;
  }

  static int on_writing(void* to, char*, char*, int, int) {
    auto* transfer = static_cast<Transfer*>(to);
    if (transfer->request.may_leave && !transfer->request.may_leave()) {
      (transfer->writings == 0 ? transfer->held_back : transfer->repeated) = true;
      return CURL_PREREQFUNC_ABORT;
    }
    if (++transfer->writings == 1 || transfer->request.repeatable) return CURL_PREREQFUNC_OK;
    long written = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &written);
    if (written == 0) return CURL_PREREQFUNC_OK;
    transfer->repeated = true;
    return CURL_PREREQFUNC_ABORT;
  }

  static curl_socket_t on_open(void* to, curlsocktype, curl_sockaddr* address) {
    auto* transfer = static_cast<Transfer*>(to);
    auto* self = static_cast<Impl*>(transfer->client);
    if (transfer->request.public_only && transfer->proxy.empty() && !is_public_address(&address->addr)) {
      transfer->not_public = true;
      return CURL_SOCKET_BAD;
    }
    if (transfer->writings > 0) transfer->reconnected = true;
    const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0) self->watch(fd) = Watch{0, 0, true};
    return fd;
  }

  static std::size_t on_header(char*, std::size_t size, std::size_t count, void* to) {
    auto* transfer = static_cast<Transfer*>(to);
    transfer->header_bytes += size * count;
    if (transfer->header_bytes <= kMostHeaderBytes) return size * count;
    transfer->too_large = true;
    return 0;
  }

  /// Of what comes over the wire, packed as it is: it may unpack to nothing and have no end.
  static int on_progress(void* to, curl_off_t, curl_off_t got, curl_off_t, curl_off_t) {
    auto* transfer = static_cast<Transfer*>(to);
    if (got <= static_cast<curl_off_t>(transfer->request.max_response_bytes)) return 0;
    transfer->too_large = true;
    return 1;
  }

  static int on_close(void* to, curl_socket_t fd) {
    static_cast<Impl*>(to)->watch(fd) = Watch{};
    return close(fd);
  }

  static int on_socket(CURL*, curl_socket_t fd, int what, void* to, void*) {
    auto* self = static_cast<Impl*>(to);
    Watch& watch = self->watch(fd);
    if (what == CURL_POLL_REMOVE) {
      watch.wanted = 0;
      if (!watch.connection) self->unwatch(fd, watch);
      return 0;
    }
    watch.wanted = ((what & CURL_POLL_IN) != 0 ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
                   ((what & CURL_POLL_OUT) != 0 ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
    if (watch.registered == watch.wanted) return 0;
    epoll_event event{};
    event.events = watch.wanted;
    event.data.fd = fd;
    const int first = watch.registered != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(self->poller, first, fd, &event) != 0 && (errno == ENOENT || errno == EEXIST)) {
      epoll_ctl(self->poller, errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
    }
    watch.registered = watch.wanted;
    return 0;
  }

  static int on_timer(CURLM*, long ms, void* to) {
    auto* self = static_cast<Impl*>(to);
    self->curl_timer_set = ms >= 0;
    if (ms >= 0) self->curl_timer = Clock::now() + milliseconds(ms);
    self->curl_now = ms == 0;
    return 0;
  }

  // libcurl's own watch over slow answers would begin before the first byte: a server that thinks is not slow.
  void watch_body(Transfer& transfer) {
    transfer.last_piece = Clock::now();
    if (std::exchange(transfer.watched, true)) return;
    look_at_body_after(transfer, transfer.request.stall);
  }

  void look_at_body_after(Transfer& transfer, Clock::duration rest) {
    timers.emplace(Clock::now() + rest, [this, &transfer, id = transfer.id] {
      if (!transfer.active || transfer.id != id) return;
      const Clock::duration left = transfer.last_piece + transfer.request.stall - Clock::now();
      if (left > Clock::duration::zero()) return look_at_body_after(transfer, left);
      transfer.stalled = true;
      complete(transfer, CURLE_OPERATION_TIMEDOUT, false);
    });
  }

  Watch& watch(int fd) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= watches.size()) watches.resize(index + 64);
    return watches[index];
  }

  void unwatch(int fd, Watch& watch) {
    if (watch.registered != 0) epoll_ctl(poller, EPOLL_CTL_DEL, fd, nullptr);
    watch.registered = 0;
  }

  // ------------------------------------------------------------- requests, on the network thread

  void accept(Waiting waiting) {
    if (refusing || (stopping && waiting.request.lane == HttpRequest::Lane::Poll)) {
      return refuse(waiting, "the process is stopping", true);
    }
    const std::string_view origin = origin_of(waiting.request.url);
    if (origin.empty() || has_line_break(waiting.request.url)) {
      return refuse(waiting, "not an http or https address");
    }
    if (waiting.request.headers && waiting.request.headers != sound_headers) {
      for (const std::string& header : *waiting.request.headers) {
        if (has_line_break(header)) return refuse(waiting, "a header holds a line break");
      }
      sound_headers = waiting.request.headers;
    }
    Host& host = host_of(origin);
    if (waiting.request.lane == HttpRequest::Lane::Poll) {
      begin(host, waiting);
    } else {
      host.waiting.push_back(std::move(waiting));
    }
  }

  void refuse(Waiting& waiting, std::string reason, bool cancelled = false) {
    HttpAnswer answer;
    answer.error = std::move(reason);
    answer.cancelled = cancelled;
    finish(waiting.request.lane, std::move(waiting.done), std::move(answer));
  }

  void finish(HttpRequest::Lane lane, Done done, HttpAnswer answer) {
    if (lane == HttpRequest::Lane::Call) --calls;
    if (done) done(std::move(answer));
  }

  Host& host_of(std::string_view origin) {
    if (last_host != nullptr && last_host->origin == origin) return *last_host;
    std::unique_ptr<Host>& host = hosts[std::string(origin)];
    if (!host) {
      host = std::make_unique<Host>();
      host->origin = origin;
    }
    last_host = host.get();
    return *host;
  }

  void pump() {
    for (auto& [origin, host] : hosts) {
      if (host->waiting.empty()) continue;
      const bool far = host->mean_answer_us > static_cast<double>(settings.far_from.count());
      const std::size_t cap = far ? settings.far_calls : settings.near_calls;
      while (!host->waiting.empty() && host->calls < cap) {
        Waiting next = std::move(host->waiting.front());
        host->waiting.pop_front();
        begin(*host, next);
      }
    }
  }

  Transfer* new_transfer() {
    transfers.push_back(std::make_unique<Transfer>());
    Transfer* transfer = transfers.back().get();
    transfer->easy = curl_easy_init();
    transfer->client = this;
    preset(*transfer);
    return transfer;
  }

  /// What every request shares; most of them are a small POST, for which little else is set.
  void preset(Transfer& transfer) {
    CURL* easy = transfer.easy;
    curl_easy_reset(easy);
    transfer.url.clear();
    transfer.proxy = settings.proxy;
    transfer.timeout_ms = -1;
    transfer.header_lines.reset();
    transfer.special = false;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_writing);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error.data());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, json_headers);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect_timeout.count()));
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    // Empty, not absent: libcurl would look into the environment at every request.
    curl_easy_setopt(easy, CURLOPT_PROXY, settings.proxy.c_str());
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    // Servers close resting connections after a minute or so; not to write into one that is closing.
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, 50L);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
  }

  void begin(Host& host, Waiting& waiting) {
    Transfer* transfer = nullptr;
    if (host.idle.empty()) {
      transfer = new_transfer();
    } else {
      transfer = host.idle.back();
      host.idle.pop_back();
    }
    transfer->host = &host;
    transfer->request = std::move(waiting.request);
    transfer->done = std::move(waiting.done);
    transfer->id = waiting.id;
    transfer->answer.clear();
    transfer->writings = 0;
    transfer->held_back = false;
    transfer->repeated = false;
    transfer->reconnected = false;
    transfer->too_large = false;
    transfer->not_public = false;
    transfer->header_bytes = 0;
    transfer->stalled = false;
    transfer->watched = false;
    transfer->piece_bytes = 0;
    transfer->error[0] = '\0';
    transfer->active = true;
    if (transfer->request.lane == HttpRequest::Lane::Call) ++host.calls;

    CURL* easy = transfer->easy;
    const HttpRequest& request = transfer->request;
    if (transfer->url != request.url) {
      transfer->url = request.url;
      curl_easy_setopt(easy, CURLOPT_URL, transfer->url.c_str());
    }
    static const std::string kDirect;
    const std::string& proxy = request.proxy.empty()      ? settings.proxy
                               : request.proxy == "direct" ? kDirect
                                                           : request.proxy;
    if (transfer->proxy != proxy) {
      transfer->proxy = proxy;
      curl_easy_setopt(easy, CURLOPT_PROXY, transfer->proxy.c_str());
    }
    if (const long timeout = static_cast<long>(request.timeout.count()); transfer->timeout_ms != timeout) {
      transfer->timeout_ms = timeout;
      curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout);
    }
    if (request.guarded) {
      set_guarded(*transfer);
    } else if (transfer->header_lines != request.headers) {
      use_headers(*transfer);
    }
    if (request.guarded) {
    } else if (request.method == "GET" || !request.parts.empty()) {
      set_special(*transfer);
    } else {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
      if (request.method != "POST") {
        transfer->special = true;
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
      }
    }
    if (!request.ca_file.empty()) {
      transfer->special = true;
      curl_easy_setopt(easy, CURLOPT_CAINFO, request.ca_file.c_str());
    }
    if (request.connect_timeout.count() > 0) {
      transfer->special = true;
      curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
    }
    transfer->started = Clock::now();
    curl_multi_add_handle(multi, easy);
  }

  void use_headers(Transfer& transfer) {
    curl_slist* const before = std::exchange(transfer.headers, nullptr);
    transfer.header_lines = transfer.request.headers;
    if (transfer.header_lines) {
      bool content_type = false;
      transfer.headers = curl_slist_append(nullptr, "Expect:");
      transfer.headers = curl_slist_append(transfer.headers, "Accept:");
      for (const std::string& header : *transfer.header_lines) {
        transfer.headers = curl_slist_append(transfer.headers, header.c_str());
        content_type = content_type || curl_strnequal(header.c_str(), "content-type:", 13) != 0;
      }
      if (!content_type) transfer.headers = curl_slist_append(transfer.headers, "Content-Type: application/json");
    }
    curl_easy_setopt(transfer.easy, CURLOPT_HTTPHEADER, transfer.headers != nullptr ? transfer.headers : json_headers);
    curl_slist_free_all(before);
  }

  void set_guarded(Transfer& transfer) {
    CURL* easy = transfer.easy;
    const HttpRequest& request = transfer.request;
    transfer.special = true;
    curl_slist* const before = std::exchange(transfer.headers, curl_slist_append(nullptr, "Expect:"));
    bool typed = false;
    for (const std::string& header : request.headers ? *request.headers : std::vector<std::string>()) {
      transfer.headers = curl_slist_append(transfer.headers, header.c_str());
      typed = typed || curl_strnequal(header.c_str(), "content-type:", 13) != 0;
    }
    if (!typed) transfer.headers = curl_slist_append(transfer.headers, "Content-Type:");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
    curl_slist_free_all(before);
    if (request.method == "GET" || (request.method == "DELETE" && request.body.empty())) {
      curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    } else {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.max_response_bytes));
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  }

  void set_special(Transfer& transfer) {
    CURL* easy = transfer.easy;
    const HttpRequest& request = transfer.request;
    transfer.special = true;
    // Its type is not that of a POST's body.
    curl_slist* const before = std::exchange(transfer.headers, curl_slist_append(nullptr, "Expect:"));
    if (request.headers) {
      for (const std::string& header : *request.headers) {
        transfer.headers = curl_slist_append(transfer.headers, header.c_str());
      }
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
    curl_slist_free_all(before);
    if (request.lane == HttpRequest::Lane::Call) {
      curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 256L);
      curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, 30L);
    }
    if (!request.parts.empty()) {
      transfer.mime = curl_mime_init(easy);
      for (const MultipartPart& part : request.parts) {
        curl_mimepart* one = curl_mime_addpart(transfer.mime);
        curl_mime_name(one, part.name.c_str());
        if (part.path.empty()) {
          curl_mime_data(one, part.bytes.data(), part.bytes.size());
        } else {
          curl_mime_filedata(one, part.path.c_str());
        }
        if (!part.filename.empty()) curl_mime_filename(one, part.filename.c_str());
        if (!part.mime.empty()) curl_mime_type(one, part.mime.c_str());
      }
      curl_easy_setopt(easy, CURLOPT_MIMEPOST, transfer.mime);
    } else {
      curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
  }

  HttpAnswer read_answer(Transfer& transfer, CURLcode code) {
    HttpAnswer answer;
    if (code == CURLE_OK) {
      long status = 0;
      curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
      if (status == 407 && !transfer.proxy.empty()) {
        answer.kind = HttpAnswer::Kind::NotSent;
        answer.error = "the proxy " + shown_proxy(transfer.proxy) + " wants another login";
        return answer;
      }
      answer.kind = HttpAnswer::Kind::Answered;
      answer.status = static_cast<int>(status);
      answer.body = std::move(transfer.answer);
      if (const char* type = nullptr; transfer.request.guarded && curl_easy_getinfo(transfer.easy, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != nullptr)
        answer.type = type;
      if (status >= 400) {
        curl_off_t seconds = 0;
        curl_easy_getinfo(transfer.easy, CURLINFO_RETRY_AFTER, &seconds);
        answer.retry_after = std::chrono::seconds(std::clamp<curl_off_t>(seconds, 0, 86'400));
      } else if (status >= 300) {
        const char* location = nullptr;
        curl_easy_getinfo(transfer.easy, CURLINFO_REDIRECT_URL, &location);
        if (location != nullptr) answer.redirect = location;
      }
      return answer;
    }
    answer.kind = HttpAnswer::Kind::Lost;
    answer.timed_out = code == CURLE_OPERATION_TIMEDOUT;
    transfer.too_large = transfer.too_large || code == CURLE_FILESIZE_EXCEEDED;
    answer.too_large = transfer.too_large;
    if (transfer.not_public && transfer.writings == 0) {
      answer.kind = HttpAnswer::Kind::NotSent;
      answer.not_public = true;
      answer.error = "the name leads to no public address";
    } else if (transfer.stalled) {
      answer.error = "the answer stands still";
    } else if (transfer.too_large) {
      answer.timed_out = false;
      answer.error = "the answer is larger than allowed";
    } else if (transfer.held_back) {
      answer.kind = HttpAnswer::Kind::NotSent;
      answer.cancelled = true;
      answer.error = "it was not to leave any more";
    } else if (transfer.repeated) {
      answer.error = "the connection broke before an answer came";
    } else {
      const char* text = transfer.error[0] != '\0' ? transfer.error.data() : curl_easy_strerror(code);
      answer.error = redact_tokens(text);
      // Who else may be at fault.
      if (!transfer.proxy.empty()) answer.error += " (through the proxy " + shown_proxy(transfer.proxy) + ")";
      // A kept connection that broke under the request may have brought it, and libcurl's numbers are of the next
      // connection then, which perhaps never came to be.
      const bool begun_anew = transfer.reconnected || (is_connect_error(code) && transfer.writings > 0);
      if (!begun_anew && (is_connect_error(code) || !was_written(transfer))) answer.kind = HttpAnswer::Kind::NotSent;
    }
    return answer;
  }

  /// Whether the whole request left: a part of one cannot be carried out.
  static bool was_written(Transfer& transfer) {
    long head = 0;
    curl_off_t sent = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_REQUEST_SIZE, &head);
    curl_easy_getinfo(transfer.easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    if (head == 0) return false;
    curl_off_t whole = static_cast<curl_off_t>(transfer.request.body.size());
    if (transfer.mime != nullptr) {
      curl_easy_getinfo(transfer.easy, CURLINFO_CONTENT_LENGTH_UPLOAD_T, &whole);
    }
    return sent >= whole;
  }

  void complete(Transfer& transfer, CURLcode code, bool cancelled) {
    curl_multi_remove_handle(multi, transfer.easy);
    HttpAnswer answer = read_answer(transfer, code);
    answer.cancelled = answer.cancelled || cancelled;
    Host& host = *transfer.host;
    const HttpRequest::Lane lane = transfer.request.lane;
    if (lane == HttpRequest::Lane::Call) {
      --host.calls;
      const std::chrono::duration<double, std::micro> took = Clock::now() - transfer.started;
      host.mean_answer_us += (took.count() - host.mean_answer_us) / 16;
    }
    if (transfer.special) {
      preset(transfer);
      curl_slist_free_all(std::exchange(transfer.headers, nullptr));
      curl_mime_free(std::exchange(transfer.mime, nullptr));
      transfer.request = {};
    }
    transfer.request.on_piece = nullptr;
    transfer.request.may_leave = nullptr;
    transfer.active = false;
    Done done = std::move(transfer.done);
    transfer.done = nullptr;
    host.idle.push_back(&transfer);
    finish(lane, std::move(done), std::move(answer));
  }

  void collect() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      Transfer* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      complete(*transfer, code, false);
    }
  }

  void cancel(RequestId id) {
    for (auto& [origin, host] : hosts) {
      for (auto one = host->waiting.begin(); one != host->waiting.end(); ++one) {
        if (one->id != id) continue;
        Waiting waiting = std::move(*one);
        host->waiting.erase(one);
        return refuse(waiting, "cancelled", true);
      }
    }
    for (std::size_t i = 0; i < transfers.size(); ++i) {
      Transfer& transfer = *transfers[i];
      if (transfer.active && transfer.id == id) {
        return complete(transfer, CURLE_ABORTED_BY_CALLBACK, true);
      }
    }
  }

  void cancel_all(bool polls_only) {
    for (auto& [origin, host] : hosts) {
      while (!polls_only && !host->waiting.empty()) {
        Waiting waiting = std::move(host->waiting.front());
        host->waiting.pop_front();
        refuse(waiting, "the process is stopping", true);
      }
    }
    for (std::size_t i = 0; i < transfers.size(); ++i) {
      Transfer& transfer = *transfers[i];
      if (!transfer.active) continue;
      if (polls_only && transfer.request.lane != HttpRequest::Lane::Poll) continue;
      complete(transfer, CURLE_ABORTED_BY_CALLBACK, true);
    }
  }

  // ------------------------------------------------------------- the loop

  void run_posted() {
    {
      std::lock_guard lock(mutex);
      accepting.swap(submitted);
      running.swap(posted);
    }
    for (Waiting& waiting : accepting) accept(std::move(waiting));
    accepting.clear();
    for (auto& job : running) job();
    running.clear();
  }

  void run_timers() {
    if (timers.empty()) return;
    const Clock::time_point now = Clock::now();
    while (!timers.empty() && timers.begin()->first <= now) {
      std::function<void()> job = std::move(timers.begin()->second);
      timers.erase(timers.begin());
      job();
    }
  }

  int wait_ms() const {
    bool any = false;
    Clock::time_point until{};
    const auto consider = [&](Clock::time_point at) {
      until = any ? std::min(until, at) : at;
      any = true;
    };
    if (curl_timer_set) consider(curl_timer);
    if (!timers.empty()) consider(timers.begin()->first);
    if (stopping) consider(drain_until);
    if (!any) return -1;
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  void run() {
    int running_now = 0;
    std::array<epoll_event, 64> events{};
    for (;;) {
      wake_pending = false;
      run_posted();
      run_timers();
      pump();
      // Starting transfers and finishing them lead to each other, without a wait between.
      while (curl_now) {
        curl_now = false;
        curl_timer_set = false;
        curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running_now);
        collect();
        pump();
      }
      if (stopping && (calls == 0 || Clock::now() >= drain_until)) break;
      {
        std::lock_guard lock(mutex);
        if (!posted.empty() || !submitted.empty()) continue;
      }
      const int count = epoll_wait(poller, events.data(), static_cast<int>(events.size()), wait_ms());
      if (curl_timer_set && Clock::now() >= curl_timer) curl_now = true;
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd == waker) {
          std::uint64_t ignored = 0;
          static_cast<void>(::read(waker, &ignored, sizeof ignored));
          continue;
        }
        Watch& watched = watch(event.data.fd);
        if (watched.wanted == 0) {
          unwatch(event.data.fd, watched);
          continue;
        }
        const int what = ((event.events & EPOLLIN) != 0U ? CURL_CSELECT_IN : 0) |
                         ((event.events & EPOLLOUT) != 0U ? CURL_CSELECT_OUT : 0) |
                         ((event.events & (EPOLLERR | EPOLLHUP)) != 0U ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(multi, event.data.fd, what, &running_now);
      }
      collect();
    }
    refusing = true;
    for (;;) {
      cancel_all(false);
      std::unique_lock lock(mutex);
      if (posted.empty() && submitted.empty()) {
        closed = true;
        break;
      }
      lock.unlock();
      run_posted();
    }
    timers.clear();
  }

  Settings settings;
  int poller = -1;
  int waker = -1;
  CURLM* multi = nullptr;
  curl_slist* json_headers = nullptr;
  std::vector<std::unique_ptr<Transfer>> transfers;
  std::map<std::string, std::unique_ptr<Host>> hosts;
  Host* last_host = nullptr;
  HttpHeaders sound_headers;  // the last that were looked at
  std::vector<Watch> watches;
  std::multimap<Clock::time_point, std::function<void()>> timers;
  std::vector<Waiting> accepting;
  std::vector<std::function<void()>> running;
  Clock::time_point curl_timer;
  bool curl_timer_set = false;
  bool curl_now = false;
  bool stopping = false;
  bool refusing = false;
  Clock::time_point drain_until;

  std::mutex mutex;
  std::vector<Waiting> submitted;
  std::vector<std::function<void()>> posted;
  bool closed = false;
  std::atomic<bool> wake_pending{false};
  std::atomic<std::size_t> calls{0};
  std::atomic<RequestId> next_id{0};
  std::mutex stop_mutex;
  std::thread thread;
  std::thread::id thread_id;
};

HttpClient::HttpClient() : HttpClient(Settings{}) {}
HttpClient::HttpClient(Settings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
HttpClient::~HttpClient() { stop(milliseconds(0)); }

HttpClient::RequestId HttpClient::submit(HttpRequest request, Done done) {
  Impl& impl = *impl_;
  const RequestId id = ++impl.next_id;
  if (request.lane == HttpRequest::Lane::Call) ++impl.calls;
  impl.submit(Waiting{std::move(request), std::move(done), id});
  return id;
}

void HttpClient::cancel(RequestId id) {
  impl_->enter([impl = impl_.get(), id] { impl->cancel(id); });
}

void HttpClient::post(std::function<void()> job) { impl_->enter(std::move(job)); }

void HttpClient::after(milliseconds delay, std::function<void()> job) {
  const Clock::time_point at = Clock::now() + delay;
  if (on_network_thread()) {
    impl_->timers.emplace(at, std::move(job));
    return;
  }
  impl_->enter([impl = impl_.get(), at, job = std::move(job)]() mutable {
    impl->timers.emplace(at, std::move(job));
  });
}

void HttpClient::stop(milliseconds drain) {
  std::lock_guard lock(impl_->stop_mutex);
  if (!impl_->thread.joinable()) return;
  impl_->enter([impl = impl_.get(), drain] {
    impl->drain_until = Clock::now() + drain;
    impl->stopping = true;
    impl->cancel_all(true);
  });
  impl_->thread.join();
}

bool HttpClient::on_network_thread() const { return std::this_thread::get_id() == impl_->thread_id; }
std::size_t HttpClient::calls_in_flight() const { return impl_->calls; }

bool is_public_address(const sockaddr* address) {
  // Through a copy: nothing says that it is aligned for either.
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    return is_public_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (address->sa_family != AF_INET6) return false;
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, sizeof v6);
  return is_public_v6(v6.sin6_addr);
}

std::string redact_tokens(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_secret = [&](char c) {
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
  };
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    // A token is `digits:secret`. After `/bot` anything up to the slash is one, however odd.
    if (text.substr(i, 4) == "/bot" && i + 4 < text.size() && is_digit(text[i + 4])) {
      out += "/bot<token>";
      i = std::min(text.find_first_of("/ \t\n\"'", i + 4), text.size());
      continue;
    }
    const bool begins = is_digit(text[i]) && (i == 0 || !is_secret(text[i - 1]));
    std::size_t end = i;
    while (begins && end < text.size() && is_digit(text[end])) ++end;
    if (begins && end - i >= 3 && end < text.size() && text[end] == ':') {
      std::size_t secret = end + 1;
      while (secret < text.size() && is_secret(text[secret])) ++secret;
      if (secret - end > 20) {
        out += "<token>";
        i = secret;
        continue;
      }
    }
    const std::size_t next = std::max(end, i + 1);
    out += text.substr(i, next - i);
    i = next;
  }
  return out;
}

}  // namespace sufler

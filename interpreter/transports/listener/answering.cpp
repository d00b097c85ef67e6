#include "interpreter/transports/listener/answering.h"

#include <httplib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace sufler::listening {

using std::chrono::milliseconds;

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
  static WebhookAnswer unavailable() { return {503, {}, std::chrono::seconds(1), {}}; }

 private:
  std::mutex mutex_;
  std::condition_variable given_;
  std::optional<WebhookAnswer> answer_;
};

namespace {

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

/// Whoever forgets to answer has answered when the last copy of the function is gone.
struct Asked {
  explicit Asked(std::shared_ptr<Pending> of) : pending(std::move(of)) {}
  ~Asked() { pending->give(Pending::unavailable()); }
  std::shared_ptr<Pending> pending;
};

WebhookRequest webhook_request(Request& whole, std::string path) {
  WebhookRequest request;
  request.method = whole.head.method;
  request.path = std::move(path);
  const std::string_view line = whole.head.line;
  const std::size_t target = line.find(' '), query = line.find('?');
  if (query != std::string_view::npos && target < query)
    request.query = std::string(line.substr(query + 1, line.rfind(' ') - query - 1));
  request.body = std::move(whole.body);
  auto headers = std::make_shared<const std::vector<std::pair<std::string, std::string>>>(
      std::move(whole.head.headers));
  request.header = [headers](std::string_view name) {
    const std::string wanted = lowered(name);
    for (const auto& [known, value] : *headers) {
      if (known == wanted) return value;
    }
    return std::string();
  };
  return request;
}

PageAnswer answer_page(Route& route) {
  try {
    if (const Inside inside(route); inside) return route.page();
  } catch (...) {
    return {500, {}, {}};
  }
  return {404, {}, {}};
}

/// A request on a thread of a pool.
struct Job {
  Request& request;
  std::string answer;
  bool routed = false;  // httplib understood the first line
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

}  // namespace

bool Route::enter() {
  std::lock_guard lock(mutex_);
  if (gone_) return false;
  ++calls_;
  return true;
}

void Route::leave() {
  std::lock_guard lock(mutex_);
  if (--calls_ == 0) idle_.notify_all();
}

void Route::close() {
  std::unique_lock lock(mutex_);
  gone_ = true;
  idle_.wait(lock, [this] { return calls_ == 0; });
}

/// httplib, from memory to memory.
class Answering::Front final : public httplib::Server {
 public:
  explicit Front(Answering& answering) {
    // Before httplib looks for a body, which it would read without a limit.
    set_pre_routing_handler([&answering](const httplib::Request& request, httplib::Response& response) {
      route(answering, *at_hand, request, response);
      return HandlerResponse::Handled;
    });
    set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
      response.headers.erase("Keep-Alive");
      response.headers.erase("Accept-Ranges");
    });
  }
  void run(Job& job) {
    MemoryStream stream(job.request.head.line + "\r\nHost: x\r\n\r\n", job.answer);
    at_hand = &job;
    bool closed = false;
    process_request(stream, job.request.close, closed, nullptr);
    at_hand = nullptr;
  }

 private:
  static void route(Answering& answering, Job& job, const httplib::Request& request,
                    httplib::Response& response) {
    std::shared_ptr<Route> found;
    std::string route = request.path;
    {
      std::lock_guard lock(answering.mutex_);
      found = answering.find_route(request.path, &route);
    }
    job.routed = true;
    const bool webhook = found && found->webhook;
    const std::string_view allowed = webhook && found->service ? "GET, POST, PUT, PATCH, DELETE" : webhook ? "POST" : "GET, HEAD";
    if (!found) {
      response.status = 404;
    } else if (!has_word(lowered(allowed), lowered(request.method))) {
      response.status = 405;
      response.set_header("Allow", std::string(allowed));
    } else if (webhook) {
      WebhookAnswer answer = answering.answer_webhook(*found, job.request, request.path);
      response.status = answer.status >= 200 && answer.status <= 599 ? answer.status : 500;
      if (answer.retry_after.count() > 0) {
        response.set_header("Retry-After", found->retry_after == RetryAfterForm::Date
                                               ? http_date_after(answer.retry_after)
                                               : std::to_string(answer.retry_after.count()));
      }
      if (!answer.body.empty())
        response.set_content(std::move(answer.body), answer.content_type.empty() ? "text/plain; charset=utf-8" : answer.content_type);
    } else {
      PageAnswer answer = answer_page(*found);
      response.status = answer.status;
      if (!answer.body.empty()) response.set_content(std::move(answer.body), answer.content_type);
    }
    answering.count(response.status, webhook ? &route : nullptr);
  }

  static thread_local Job* at_hand;
};
thread_local Job* Answering::Front::at_hand = nullptr;

Answering::Answering(milliseconds answer_time)
    : answer_time_(answer_time), front_(std::make_unique<Front>(*this)) {}
Answering::~Answering() = default;

void Answering::add(std::string path, std::shared_ptr<Route> route) {
  std::shared_ptr<Route> before;
  {
    std::lock_guard lock(mutex_);
    webhooks_.erase(path);
    if (route && route->webhook) webhooks_[path];
    const auto known = routes_.find(path);
    if (known != routes_.end()) before = std::move(known->second);
    if (route) {
      routes_[std::move(path)] = std::move(route);
    } else if (known != routes_.end()) {
      routes_.erase(known);
    }
  }
  if (before) before->close();
}

std::string Answering::answer(Request& request) {
  try {
    Job job{request, {}};
    front_->run(job);
    if (!job.routed) count(400);
    return std::move(job.answer);
  } catch (...) {
    return {};
  }
}

std::shared_ptr<Route> Answering::find_route(std::string_view path, std::string* prefix) const {
  if (const auto known = routes_.find(path); known != routes_.end()) return known->second;
  for (std::size_t slash = path.rfind('/'); slash != std::string_view::npos && slash > 0; slash = path.rfind('/', slash - 1)) {
    const std::string_view before = path.substr(0, slash + 1);
    const auto known = routes_.find(before);
    if (known == routes_.end() || !known->second->service) continue;
    if (prefix) *prefix = std::string(before);
    return known->second;
  }
  return nullptr;
}

bool Answering::is_for_service(const Request& request) const {
  const std::string_view line = request.head.line;
  const std::size_t begin = line.find(' ') + 1;
  const std::string_view target = line.substr(begin, line.find_first_of(" ?", begin) - begin);
  std::lock_guard lock(mutex_);
  const std::shared_ptr<Route> found = find_route(target, nullptr);
  return found && found->service;
}

WebhookAnswer Answering::answer_webhook(Route& route, Request& request, std::string path) {
  const auto pending = std::make_shared<Pending>();
  bool give_up = false;
  {
    std::lock_guard lock(mutex_);
    give_up = giving_up_;
    if (!give_up) waiting_.insert(pending);
  }
  if (give_up) pending->give(Pending::unavailable());
  if (const Inside inside(route); inside && !give_up) {
    auto asked = std::make_shared<Asked>(pending);
    try {
      route.webhook(webhook_request(request, std::move(path)),
                    [asked](WebhookAnswer given) { asked->pending->give(std::move(given)); });
    } catch (...) {
      pending->give({500, {}, {}});
    }
  } else {
    pending->give({404, {}, {}});
  }
  WebhookAnswer answer = pending->wait(answer_time_);
  std::lock_guard lock(mutex_);
  waiting_.erase(pending);
  return answer;
}

void Answering::count(int status, const std::string* webhook) {
  std::lock_guard lock(mutex_);
  ++by_status_[status];
  if (webhook == nullptr) return;
  if (const auto known = webhooks_.find(*webhook); known != webhooks_.end()) ++known->second[status];
}

bool Answering::give_up() {
  std::set<std::shared_ptr<Pending>> asked;
  {
    std::lock_guard lock(mutex_);
    giving_up_ = true;
    asked = waiting_;
  }
  for (const auto& pending : asked) pending->give(Pending::unavailable());
  return !asked.empty();
}

void Answering::counts(Listener::Counts& counts) const {
  std::lock_guard lock(mutex_);
  counts.by_status = by_status_;
  counts.webhooks = webhooks_;
}

}  // namespace sufler::listening

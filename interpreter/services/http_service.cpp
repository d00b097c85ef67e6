// `http`: requests to hosts that the configuration allows. The guard stands at three places: the host of each hop is looked
// up in the list, the address that its name leads to is looked at when it is connected to (so no second answer of the DNS
// can be another one), and what comes back is bounded before and after it is unpacked.
//
// An attempt is a job's: between attempts nothing is held. What is not known to be safe is not repeated. Safe is what
// cannot have reached the server, what it put off itself (429), and what asking twice does not change; anything else only
// where the author wrote `retry`. An attempt whose process died may have reached the server.
#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "interpreter/core/http/order.h"
#include "interpreter/core/text.h"
#include "interpreter/network/http_client.h"
#include "interpreter/services/mail/compose.h"
#include "interpreter/services/registry.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kAtOnce = 32;
/// Deaths of processes count; the author's own number is in the request.
constexpr std::uint32_t kAttempts = 20;
constexpr Duration kBackoff{1'000};
constexpr std::uint32_t kUsualRetries = 2;
/// A server that wants more has its answer handed to the scenario: a person waits.
constexpr std::chrono::seconds kLongestWait{30};
constexpr int kMostHops = 5;
/// What has left when the process stops has so long to be answered; the runner waits a little longer.
constexpr milliseconds kHandOver{2'000};

bool is_busy(int status) { return status == 429 || (status >= 502 && status <= 504); }
bool is_redirect(int status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

/// What may go along to another origin: nothing that could be a key.
bool is_harmless(std::string_view name) {
  static constexpr std::string_view kHarmless[] = {"accept", "accept-language", "user-agent", "idempotency-key"};
  return std::find(std::begin(kHarmless), std::end(kHarmless), to_lower(name)) != std::end(kHarmless);
}

std::string seconds_of(Duration duration) {
  const std::int64_t tenths = (duration.ms + 50) / 100;
  return std::to_string(tenths / 10) + (tenths % 10 == 0 ? std::string() : "." + std::to_string(tenths % 10)) + " s";
}

/// One attempt, over all of its hops. On the network thread once it was begun.
struct Flight {
  Job job;
  HttpCall call;
  JobDoneCall done;
  const HttpHost* host = nullptr;
  HttpUrl url;
  HttpMethod method = HttpMethod::Get;  ///< of this hop
  bool with_body = true;
  bool foreign = false;  ///< another origin than the author's
  int hops = 0;
  Steady::time_point deadline;
  HttpClient::RequestId request = 0;
  std::atomic<bool> left{false};      ///< something may have reached the server
  std::atomic<bool> unwanted{false};
  bool ended = false;
};
using FlightPtr = std::shared_ptr<Flight>;

class HttpService : public Service {
 public:
  explicit HttpService(const ServiceSettings& settings) : hosts_(settings.hosts) {
    if (hosts_.empty()) return;
    HttpClient::Settings http;
    http.proxy = settings.proxy;
    client_ = std::make_unique<HttpClient>(std::move(http));
  }

  ServiceTerms terms() const override {
    ServiceTerms terms{std::string(kHttpService), kAtOnce, kAttempts, kBackoff};
    terms.hands_over = true;
    return terms;
  }

  void begin(const Job& job, JobDoneCall done) override {
    if (!client_) return done(failed("the configuration has no `allow_hosts`"));
    auto flight = std::make_shared<Flight>();
    flight->job = job;
    flight->done = std::move(done);
    {
      std::lock_guard lock(mutex_);
      flights_.insert(flight);
    }
    client_->post([this, flight] { start(flight); });
  }

  void abandon(std::int64_t job_id) override {
    if (!client_) return;
    std::lock_guard lock(mutex_);
    for (const FlightPtr& flight : flights_) {
      if (flight->job.id != job_id || flight->unwanted.exchange(true)) continue;
      const auto cancel = [this, flight] {
        if (!flight->ended && flight->request != 0) client_->cancel(flight->request);
      };
      // What changes the world and has left is worth an answer.
      if (flight->left && flight->call.method != HttpMethod::Get) {
        client_->after(kHandOver, cancel);
      } else {
        client_->post(cancel);
      }
    }
  }

  std::vector<ServiceFigure> figures() const override {
    std::lock_guard lock(mutex_);
    std::vector<ServiceFigure> all;
    for (const auto& [of, count] : figures_)
      all.push_back({"sufler_http_requests_total", "counter", "Requests of the step http by host and by what came of them.",
                     {{"host", of.first}, {"outcome", of.second}}, count});
    return all;
  }

 private:
  // ---- the network thread

  void start(const FlightPtr& flight) {
    HttpCall& call = flight->call;
    if (!from_json(flight->job.request, call)) return end(flight, failed("a request that cannot be read"));
    const auto url = parse_http_url(call.url);
    if (!url) return end(flight, failed("the address cannot be called"));
    flight->url = *url;
    flight->method = call.method;
    flight->deadline = Steady::now() + milliseconds(call.timeout.ms);
    // Attempts of which nothing is known ended with their process, wherever they were.
    const std::uint32_t before = flight->job.attempt - 1;
    const std::uint32_t unknown = before > call.known ? before - call.known : 0;
    call.spent += unknown;
    call.known = before;
    if (unknown > 0 && !may_be_repeated(call)) return end(flight, failed("the process died while the server was asked: perhaps it did it all the same"));
    if (call.spent > retries_of(call)) return end(flight, failed("the process died while the server was asked"));
    if (flight->unwanted) return end(flight, not_tried(*flight));
    ask(flight);
  }

  static std::uint32_t retries_of(const HttpCall& call) { return call.retry.value_or(kUsualRetries); }
  /// Though the server may have done it already.
  static bool may_be_repeated(const HttpCall& call) { return is_idempotent(call.method) || call.retry.value_or(0) > 0; }
  static JobResult failed(std::string error, std::string log = {}) { return {JobResult::Kind::Failed, {}, std::move(error), std::move(log), {}, {}}; }

  /// The process stops, or nobody waits any more: this was no attempt.
  static JobResult not_tried(const Flight& flight) {
    HttpCall call = flight.call;
    call.known = flight.job.attempt;
    return {JobResult::Kind::Again, {}, "stopped before the server was asked", {}, Duration{}, to_json(call)};
  }

  JobResult again(const Flight& flight, std::string error, Duration wait = {}) const {
    HttpCall call = flight.call;
    ++call.spent;
    call.known = flight.job.attempt;
    return {JobResult::Kind::Again, {}, std::move(error), {}, wait, to_json(call)};
  }
  static bool has_tries(const Flight& flight) { return flight.call.spent < retries_of(flight.call); }

  const HttpHost* allowed(const HttpUrl& url) const {
    const HttpHost* found = nullptr;  // one with the port goes before one for all usual ports
    for (const HttpHost& host : hosts_)
      if (covers(host.place, url) && (!found || host.place.port != 0)) found = &host;
    return found;
  }

  void ask(const FlightPtr& flight) {
    flight->host = allowed(flight->url);
    if (!flight->host) {
      count("-", "refused");
      return end(flight, failed("the host " + flight->url.host + " is not allowed",
                                "`" + flight->url.host + "` is not in `allow_hosts`" + (flight->hops > 0 ? ": a redirect led there" : "")));
    }
    const HttpHost& host = *flight->host;
    const bool has_keys = !host.headers.empty() || !host.query.empty() || !host.user.empty();
    if (has_keys && !flight->url.secure && !host.in_private) {
      count(shown(host.place), "refused");
      return end(flight, failed("keys of the host go over https only"));
    }
    const auto left = std::chrono::duration_cast<milliseconds>(flight->deadline - Steady::now());
    HttpRequest request;
    request.url = url_of(*flight);
    request.method = std::string(name_of(flight->method));
    request.headers = http_headers(headers_of(*flight));
    if (flight->with_body && !flight->call.type.empty()) request.body = flight->call.body;
    request.timeout = std::max(left, milliseconds(1));
    request.connect_timeout = std::min(request.timeout, milliseconds(10'000));
    request.max_response_bytes = kMostHttpBytes;
    request.guarded = true;
    request.public_only = !host.in_private;
    request.repeatable = is_idempotent(flight->method);
    request.ca_file = host.ca_file;
    request.proxy = proxy_of(host);
    request.may_leave = [flight] {
      if (flight->unwanted) return false;
      flight->left = true;
      return true;
    };
    flight->request = client_->submit(std::move(request), [this, flight](HttpAnswer answer) { take(flight, std::move(answer)); });
  }

  static std::string url_of(const Flight& flight) {
    std::string url = flight.url.text();
    char before = url.find('?') == url.npos ? '?' : '&';
    for (const auto& [name, value] : flight.host->query) {
      url += before + percent_encode(name) + '=' + percent_encode(value);
      before = '&';
    }
    return url;
  }

  /// A host of this network is reached without the common proxy, from where it could be another one. Names are looked up
  /// by proxies: one that wants addresses would get them from us unchecked.
  static std::string proxy_of(const HttpHost& host) {
    std::string proxy = host.proxy.empty() && host.in_private ? "direct" : host.proxy;
    constexpr std::string_view kByAddress = "socks5://";
    if (proxy.starts_with(kByAddress)) proxy.replace(0, kByAddress.size(), "socks5h://");
    return proxy;
  }

  static std::vector<std::string> headers_of(const Flight& flight) {
    const HttpHost& host = *flight.host;
    std::vector<std::pair<std::string, std::string>> all = host.headers;
    const auto has = [&](std::string_view name) {
      return std::any_of(all.begin(), all.end(), [&](const auto& one) { return to_lower(one.first) == to_lower(name); });
    };
    if (!host.user.empty() && !has("Authorization")) {
      std::string login = base64_lines(host.user + ":" + host.password);
      std::erase_if(login, [](char c) { return c == '\r' || c == '\n'; });
      all.emplace_back("Authorization", "Basic " + login);
    }
    const std::size_t own = all.size();
    for (const auto& [name, value] : flight.call.headers) {
      if (flight.foreign && !is_harmless(name)) continue;
      const bool taken = std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(own),
                                     [&, &header = name](const auto& one) { return to_lower(one.first) == to_lower(header); });
      if (!taken) all.emplace_back(name, value);
    }
    if (flight.with_body && !flight.call.type.empty() && !has("Content-Type")) all.emplace_back("Content-Type", flight.call.type);
    if (flight.method != HttpMethod::Get && !flight.call.key.empty() && !has("Idempotency-Key")) all.emplace_back("Idempotency-Key", flight.call.key);
    if (!has("Accept")) all.emplace_back("Accept", "application/json, */*;q=0.8");
    if (!has("User-Agent")) all.emplace_back("User-Agent", "Sufler");
    std::vector<std::string> lines;
    for (const auto& [name, value] : all) lines.push_back(name + ": " + value);
    return lines;
  }

  void take(const FlightPtr& flight, HttpAnswer answer) {
    const std::string host = shown(flight->host->place);
    if (answer.kind == HttpAnswer::Kind::Answered && is_redirect(answer.status) && !answer.redirect.empty()) return follow(flight, answer);
    if (answer.kind == HttpAnswer::Kind::Answered) {
      count(host, answer.status < 400 ? "answered" : answer.status < 500 ? "refused_by_server" : "failed_at_server");
      return end(flight, answered(*flight, answer));
    }
    count(host, "no_answer");
    if (answer.not_public)
      return end(flight, failed("the host " + flight->url.host + " leads to no public address",
                                "ALARM: `" + flight->url.host + "` leads to an address of a private network and is not called; if it should be: "
                                "allow_hosts: [{host: " + flight->url.host + ", private: true}]"));
    end(flight, unanswered(*flight, answer));
  }

  JobResult answered(const Flight& flight, const HttpAnswer& answer) const {
    const bool put_off = answer.status == 429;
    const bool author_asked = flight.call.retry.value_or(0) > 0;
    const bool safe = put_off || is_idempotent(flight.call.method) || author_asked;
    if (is_busy(answer.status) && safe && has_tries(flight) && answer.retry_after <= kLongestWait && !flight.unwanted)
      return again(flight, "status " + std::to_string(answer.status), Duration{answer.retry_after.count() * 1'000});
    return {JobResult::Kind::Done, http_result(answer.status, answer.body, answer.type), {}, {}, {}, {}};
  }

  JobResult unanswered(const Flight& flight, const HttpAnswer& answer) const {
    std::string why = answer.timed_out ? "no answer within " + seconds_of(flight.call.timeout) : answer.error;
    if (answer.too_large) return failed("the answer is larger than " + std::to_string(kMostHttpBytes / 1024) + " KB");
    const bool sent = answer.kind == HttpAnswer::Kind::Lost || flight.hops > 0;
    if (answer.cancelled && !sent) return not_tried(flight);
    if (sent && !may_be_repeated(flight.call))
      return failed((answer.cancelled ? "the process stopped before the server answered" : why) + ": perhaps it did it all the same");
    if (answer.cancelled) return not_tried(flight);
    return has_tries(flight) ? again(flight, why) : failed(why);
  }

  void follow(const FlightPtr& flight, const HttpAnswer& answer) {
    const auto next = parse_http_url(answer.redirect);
    const bool worse = next && flight->url.secure && !next->secure;
    if (!next || worse || ++flight->hops > kMostHops) {
      count(shown(flight->host->place), "refused");
      return end(flight, failed(!next ? "a redirect leads to no address that could be called" : worse ? "a redirect leads from https to http" : "too many redirects"));
    }
    if (next->origin() != flight->url.origin()) flight->foreign = true;
    // As browsers do: only 307 and 308 keep what was asked.
    const bool keeps = answer.status == 307 || answer.status == 308 || (answer.status != 303 && flight->method != HttpMethod::Post);
    if (!keeps && flight->method != HttpMethod::Get) {
      flight->method = HttpMethod::Get;
      flight->with_body = false;
    }
    flight->url = *next;
    ask(flight);
  }

  void end(const FlightPtr& flight, JobResult result) {
    flight->ended = true;
    {
      std::lock_guard lock(mutex_);
      flights_.erase(flight);
    }
    flight->done(std::move(result));
  }

  void count(const std::string& host, const char* outcome) {
    std::lock_guard lock(mutex_);
    ++figures_[{host, outcome}];
  }

  const std::vector<HttpHost> hosts_;
  mutable std::mutex mutex_;
  std::set<FlightPtr> flights_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> figures_;
  std::unique_ptr<HttpClient> client_;  ///< absent where nothing is allowed; last: its thread uses the rest
};

}  // namespace

std::unique_ptr<Service> make_http_service(const ServiceSettings& settings) { return std::make_unique<HttpService>(settings); }

}  // namespace sufler

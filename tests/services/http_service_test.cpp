// `http` against a server of its own: what goes over the wire, what comes back, what is refused, and what is asked again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <fstream>
#include <future>
#include <iterator>
#include <mutex>

#include "fakes/common/http_server.h"
#include "interpreter/core/http/order.h"
#include "interpreter/core/plain_json.h"
#include "interpreter/services/registry.h"
#include "mail/mail_server.h"

namespace sufler {
namespace {

using fakes::Ending;
using fakes::HttpReply;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Kind = JobResult::Kind;

std::string data_file(const std::string& name) {
  std::ifstream in(std::string(SUFLER_SOURCE_DIR) + "/tests/data/http/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Answers in turn; the last one for ever.
class Server {
 public:
  explicit Server(std::vector<HttpReply> replies = {HttpReply{}}) : replies_(replies.begin(), replies.end()) {
    fakes::HttpServer::Handlers handlers;
    handlers.on_request = [this](fakes::HttpRequest&& request) {
      const fakes::ConnectionId connection = request.connection;
      HttpReply reply;
      {
        std::lock_guard lock(mutex_);
        requests_.push_back(std::move(request));
        reply = replies_.front();
        if (replies_.size() > 1) replies_.pop_front();
      }
      came_.notify_all();
      server_.reply(connection, std::move(reply));
    };
    EXPECT_TRUE(server_.start(0, std::size_t{1} << 20, std::move(handlers)));
  }
  ~Server() { server_.stop(); }

  std::string place(const std::string& host = "127.0.0.1") const { return host + ":" + std::to_string(server_.port()); }
  std::string url(const std::string& target = "/", const std::string& host = "127.0.0.1") const { return "http://" + place(host) + target; }
  std::vector<fakes::HttpRequest> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, seconds(30), [&] { return requests_.size() >= count; });
  }
  fakes::HttpServer& wire() { return server_; }

 private:
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::deque<HttpReply> replies_;
  std::vector<fakes::HttpRequest> requests_;
  fakes::HttpServer server_;
};

HttpReply reply(int status, std::string body = {}, std::vector<std::pair<std::string, std::string>> headers = {}) {
  HttpReply one;
  one.status = status;
  one.body = std::move(body);
  one.headers = std::move(headers);
  return one;
}

class HttpServiceTest : public ::testing::Test {
 protected:
  HttpHost& allow(const std::string& place) {
    HttpHost host;
    const auto read = parse_allowed_place(place);
    EXPECT_TRUE(read) << place;
    if (read) host.place = *read;
    host.in_private = is_named_address(host.place.host);
    return hosts.emplace_back(std::move(host));
  }
  static HttpCall call(HttpMethod method, std::string url) {
    HttpCall one;
    one.method = method;
    one.url = std::move(url);
    one.key = "key-of-the-order";
    one.timeout = Duration{10'000};
    return one;
  }
  Service& service() {
    if (!made) {
      ServiceSettings settings;
      settings.hosts = hosts;
      settings.proxy = proxy;
      made = make_http_service(settings);
    }
    return *made;
  }
  std::future<JobResult> begin(const HttpCall& call, std::uint32_t attempt = 1) { return begin(to_json(call), attempt); }
  std::future<JobResult> begin(std::string request, std::uint32_t attempt) {
    auto promise = std::make_shared<std::promise<JobResult>>();
    auto result = promise->get_future();
    service().begin({++last_id, "shop", "http", "POST …", std::move(request), attempt}, [promise](JobResult came) { promise->set_value(std::move(came)); });
    return result;
  }
  static JobResult take(std::future<JobResult> result) {
    if (result.wait_for(seconds(40)) != std::future_status::ready) return {Kind::Failed, {}, "nothing came", {}, {}, {}};
    return result.get();
  }
  JobResult ask(const HttpCall& call, std::uint32_t attempt = 1) { return take(begin(call, attempt)); }
  /// As the runner does it, without the waits.
  JobResult ask_to_the_end(const HttpCall& call) {
    std::string request = to_json(call);
    for (std::uint32_t attempt = 1;; ++attempt) {
      JobResult result = take(begin(request, attempt));
      if (result.kind != Kind::Again || attempt >= service().terms().attempts) return result;
      waits.push_back(result.wait.ms);
      request = result.rest;
    }
  }
  static std::string shown(const JobResult& result) { return result.kind == Kind::Done ? to_plain_json(result.result, {}) : result.error; }

  std::vector<HttpHost> hosts;
  std::string proxy;
  std::unique_ptr<Service> made;
  std::int64_t last_id = 0;
  std::vector<std::int64_t> waits;
};

TEST_F(HttpServiceTest, SendsWhatTheTurnAskedForAndBringsStatusJsonAndText) {
  Server server({reply(201, R"({"id":17})")});
  HttpHost& host = allow(server.place());
  host.headers = {{"Authorization", "Bearer CANARY-token"}};
  host.query = {{"apikey", "CANARY key"}};
  HttpCall one = call(HttpMethod::Post, server.url("/orders?a=1"));
  one.headers = {{"X-Name", "Анна"}, {"authorization", "Bearer of a scenario"}};
  one.type = "application/json";
  one.body = R"({"a":1})";
  EXPECT_EQ(shown(ask(one)), R"({"status":201,"json":{"id":17},"text":"{\"id\":17}"})");
  ASSERT_EQ(server.requests().size(), 1u);
  const auto request = server.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/orders");
  EXPECT_EQ(request.query, "a=1&apikey=CANARY%20key");
  EXPECT_EQ(request.header("authorization"), "Bearer CANARY-token") << "the configuration's goes before the scenario's";
  EXPECT_EQ(request.header("x-name"), "Анна");
  EXPECT_EQ(request.header("content-type"), "application/json");
  EXPECT_EQ(request.header("idempotency-key"), "key-of-the-order");
  EXPECT_EQ(request.body, R"({"a":1})");
}

TEST_F(HttpServiceTest, EveryMethodLeavesAsItIs) {
  Server server;
  HttpHost& host = allow(server.place());
  host.user = "bot";
  host.password = "CANARY";
  for (const HttpMethod method : {HttpMethod::Get, HttpMethod::Post, HttpMethod::Put, HttpMethod::Patch, HttpMethod::Delete}) {
    HttpCall one = call(method, server.url("/%2E%2e/a"));
    if (method != HttpMethod::Get) one.type = "text/plain", one.body = "x";
    EXPECT_EQ(ask(one).kind, Kind::Done) << name_of(method);
    const auto request = server.requests().back();
    EXPECT_EQ(request.method, name_of(method));
    EXPECT_EQ(request.path, "/%2E%2e/a") << "nobody tidies the address";
    EXPECT_EQ(request.body, one.body);
    EXPECT_EQ(request.header("authorization"), "Basic Ym90OkNBTkFSWQ==");
    EXPECT_EQ(request.header("idempotency-key").empty(), method == HttpMethod::Get);
  }
  EXPECT_EQ(ask(call(HttpMethod::Delete, server.url())).kind, Kind::Done);
  EXPECT_EQ(server.requests().back().body, "");
}

TEST_F(HttpServiceTest, AStatusIsNoFailure) {
  Server server({reply(404, "нет"), reply(500, "{"), reply(204)});
  allow(server.place());
  EXPECT_EQ(shown(ask(call(HttpMethod::Get, server.url()))), R"({"status":404,"json":null,"text":"нет"})");
  EXPECT_EQ(shown(ask(call(HttpMethod::Get, server.url()))), R"({"status":500,"json":null,"text":"{"})");
  EXPECT_EQ(shown(ask(call(HttpMethod::Get, server.url()))), R"({"status":204,"json":null,"text":""})");
}

// ---- the guard

TEST_F(HttpServiceTest, OnlyAllowedHostsAreAsked) {
  Server server, other;
  allow(server.place());
  EXPECT_EQ(ask(call(HttpMethod::Get, other.url())).error, "the host 127.0.0.1 is not allowed") << "another port is another place";
  EXPECT_EQ(ask(call(HttpMethod::Get, server.url("/", "localhost"))).error, "the host localhost is not allowed");
  EXPECT_EQ(ask(call(HttpMethod::Get, "file:///etc/passwd")).error, "the address cannot be called");
  EXPECT_EQ(ask(call(HttpMethod::Get, "http://2130706433:" + server.place().substr(10) + "/")).error, "the address cannot be called");
  EXPECT_THAT(server.requests(), IsEmpty());
  EXPECT_THAT(other.requests(), IsEmpty());
}

TEST_F(HttpServiceTest, ANameThatLeadsIntoAPrivateNetworkIsNotConnectedTo) {
  // `localhost` stands for any name whose DNS says 127.0.0.1, and is not named as an address here.
  Server server;
  allow(server.place("localhost")).in_private = false;
  const JobResult result = ask(call(HttpMethod::Get, server.url("/", "localhost")));
  EXPECT_EQ(result.kind, Kind::Failed);
  EXPECT_EQ(result.error, "the host localhost leads to no public address");
  EXPECT_THAT(result.log, AllOf(HasSubstr("ALARM"), HasSubstr("private: true")));
  for (const char* host : {"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"}) {
    made.reset();
    const std::string place = std::string(host) + server.place().substr(9);
    allow(place).in_private = false;
    EXPECT_THAT(ask(call(HttpMethod::Get, "http://" + place + "/")).error, HasSubstr("leads to no public address")) << host;
  }
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(HttpServiceTest, ANamedPrivateHostIsReached) {
  Server server;
  allow(server.place("localhost"));
  EXPECT_EQ(ask(call(HttpMethod::Get, server.url("/", "localhost"))).kind, Kind::Done);
}

TEST_F(HttpServiceTest, RedirectsStayWithinTheAllowedHosts) {
  Server inner({reply(200, "inner")});
  Server server({reply(302, "", {{"Location", inner.url("/secret")}}), reply(302, "", {{"Location", "file:///etc/passwd"}}),
                 reply(302, "", {{"Location", "http://169.254.169.254/latest"}}), reply(302, "", {{"Location", "/again"}})});
  allow(server.place());
  JobResult result = ask(call(HttpMethod::Get, server.url()));
  EXPECT_EQ(result.error, "the host 127.0.0.1 is not allowed");
  EXPECT_THAT(result.log, HasSubstr("a redirect led there"));
  EXPECT_EQ(ask(call(HttpMethod::Get, server.url())).error, "a redirect leads to no address that could be called");
  EXPECT_EQ(ask(call(HttpMethod::Get, server.url())).error, "the host 169.254.169.254 is not allowed");
  EXPECT_EQ(ask(call(HttpMethod::Get, server.url())).error, "too many redirects");
  EXPECT_EQ(server.requests().size(), 3u + 6u);
  EXPECT_THAT(inner.requests(), IsEmpty());
}

TEST_F(HttpServiceTest, ARedirectToAnotherAllowedHostTakesNoKeyAlong) {
  Server inner({reply(200, "inner")});
  Server server({reply(307, "", {{"Location", inner.url("/moved?x=1")}}), reply(303, "", {{"Location", "/result"}}), reply(200, "result")});
  allow(server.place()).headers = {{"X-Api-Key", "CANARY-of-the-first"}};
  allow(inner.place()).headers = {{"X-Api-Key", "CANARY-of-the-second"}};
  HttpCall one = call(HttpMethod::Post, server.url());
  one.headers = {{"Authorization", "Bearer of a person"}, {"Accept-Language", "ru"}};
  one.type = "text/plain";
  one.body = "x";
  EXPECT_THAT(shown(ask(one)), HasSubstr("inner"));
  ASSERT_EQ(inner.requests().size(), 1u);
  EXPECT_EQ(inner.requests()[0].method, "POST");
  EXPECT_EQ(inner.requests()[0].body, "x");
  EXPECT_EQ(inner.requests()[0].header("authorization"), "");
  EXPECT_EQ(inner.requests()[0].header("x-api-key"), "CANARY-of-the-second");
  EXPECT_EQ(inner.requests()[0].header("accept-language"), "ru");
  EXPECT_THAT(shown(ask(one)), HasSubstr("result"));
  EXPECT_EQ(server.requests().back().method, "GET");
  EXPECT_EQ(server.requests().back().body, "");
  EXPECT_EQ(server.requests().back().header("authorization"), "Bearer of a person") << "it is the same place still";
}

TEST_F(HttpServiceTest, KeysGoOverHttpsOnly) {
  HttpHost& host = allow("api.example.com");
  host.headers = {{"Authorization", "Bearer CANARY"}};
  EXPECT_EQ(ask(call(HttpMethod::Get, "http://api.example.com/")).error, "keys of the host go over https only");
}

TEST_F(HttpServiceTest, WhatIsTooLargeIsNoAnswer) {
  HttpReply plain = reply(200, std::string(300 * 1024, 'x'));
  HttpReply bomb = reply(200, data_file("zeros.gz"), {{"Content-Encoding", "gzip"}});
  ASSERT_LT(bomb.body.size(), 32u * 1024);
  // Blocks that unpack to nothing.
  std::string endless("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
  while (endless.size() < 600 * 1024) endless.append("\0\0\0\xff\xff", 5);
  HttpReply nothing = reply(200, std::move(endless), {{"Content-Encoding", "gzip"}});
  HttpReply heads = reply(200, "x");
  for (int i = 0; i < 100; ++i) heads.headers.emplace_back("X-Long-" + std::to_string(i), std::string(1'000, 'h'));
  Server server({plain, bomb, nothing, heads, reply(200, data_file("hello.json.gz"), {{"Content-Encoding", "gzip"}})});
  allow(server.place());
  for (int i = 0; i < 4; ++i) {
    const JobResult result = ask(call(HttpMethod::Get, server.url()));
    EXPECT_EQ(result.kind, Kind::Failed) << i;
    EXPECT_EQ(result.error, "the answer is larger than 256 KB") << i;
  }
  EXPECT_THAT(shown(ask(call(HttpMethod::Get, server.url()))), HasSubstr(R"("json":{"hello":"привет"})"));
}

TEST_F(HttpServiceTest, ABodyThatDripsEndsWithItsTime) {
  HttpReply slow = reply(200, std::string(10'000, 'x'));
  slow.ending = Ending::Slow;
  slow.slow_piece = 1;
  slow.slow_step = milliseconds(20);
  Server server({slow});
  allow(server.place());
  HttpCall one = call(HttpMethod::Get, server.url());
  one.timeout = Duration{1'000};
  one.retry = 0;
  EXPECT_EQ(ask(one).error, "no answer within 1 s");
}

// ---- proxies

TEST_F(HttpServiceTest, AHostHasAProxyOfItsOwnWhichLooksItsNameUp) {
  for (const char* scheme : {"socks5h", "socks5"}) {
    Server server;
    const tests::SocksProxy socks;
    made.reset();
    allow(server.place("localhost")).proxy = std::string(scheme) + "://127.0.0.1:" + std::to_string(socks.port());
    EXPECT_EQ(ask(call(HttpMethod::Get, server.url("/", "localhost"))).kind, Kind::Done) << scheme;
    EXPECT_THAT(socks.output(), HasSubstr(server.place("localhost"))) << scheme;
  }
}

TEST_F(HttpServiceTest, AHostOfThisNetworkIsReachedWithoutTheCommonProxy) {
  Server server;
  proxy = "socks5h://127.0.0.1:1";
  allow(server.place());
  EXPECT_EQ(ask(call(HttpMethod::Get, server.url())).kind, Kind::Done);
}

// ---- attempts

TEST_F(HttpServiceTest, ABusyServerIsAskedAgainUnderTheSameKey) {
  Server server({reply(503), reply(429, "", {{"Retry-After", "7"}}), reply(200, "ok")});
  allow(server.place());
  HttpCall one = call(HttpMethod::Post, server.url());
  one.retry = 3;
  EXPECT_THAT(shown(ask_to_the_end(one)), HasSubstr("ok"));
  EXPECT_EQ(waits, (std::vector<std::int64_t>{0, 7'000})) << "beyond the runner's own, which grow";
  ASSERT_EQ(server.requests().size(), 3u);
  for (const auto& request : server.requests()) EXPECT_EQ(request.header("idempotency-key"), "key-of-the-order");
}

TEST_F(HttpServiceTest, TheLastAnswerIsTheScenarios) {
  Server server({reply(503, "busy")});
  allow(server.place());
  EXPECT_EQ(shown(ask_to_the_end(call(HttpMethod::Get, server.url()))), R"({"status":503,"json":null,"text":"busy"})");
  EXPECT_EQ(server.requests().size(), 3u);
  HttpCall once = call(HttpMethod::Get, server.url());
  once.retry = 0;
  EXPECT_EQ(ask_to_the_end(once).kind, Kind::Done);
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST_F(HttpServiceTest, AServerThatWantsALongRestIsNotWaitedFor) {
  Server server({reply(429, "later", {{"Retry-After", "3600"}})});
  allow(server.place());
  EXPECT_THAT(shown(ask(call(HttpMethod::Get, server.url()))), HasSubstr("\"status\":429"));
}

TEST_F(HttpServiceTest, ADeedWhoseEndIsNotKnownIsNotRepeatedUnlessTheAuthorAsks) {
  HttpReply dropped;
  dropped.ending = Ending::Drop;
  Server server({dropped});
  allow(server.place());
  const JobResult once = ask_to_the_end(call(HttpMethod::Post, server.url()));
  EXPECT_EQ(once.kind, Kind::Failed);
  EXPECT_THAT(once.error, HasSubstr("perhaps it did it all the same"));
  EXPECT_EQ(server.requests().size(), 1u);
  HttpCall asked = call(HttpMethod::Post, server.url());
  asked.retry = 2;
  EXPECT_EQ(ask_to_the_end(asked).kind, Kind::Failed);
  EXPECT_EQ(server.requests().size(), 4u);
  EXPECT_EQ(ask_to_the_end(call(HttpMethod::Put, server.url())).kind, Kind::Failed);
  EXPECT_EQ(server.requests().size(), 7u);
}

TEST_F(HttpServiceTest, ABusyAnswerToADeedIsTheScenariosButA429WasNone) {
  Server server({reply(503, "busy"), reply(429), reply(200, "ok")});
  allow(server.place());
  EXPECT_THAT(shown(ask_to_the_end(call(HttpMethod::Post, server.url()))), HasSubstr("\"status\":503"));
  EXPECT_THAT(shown(ask_to_the_end(call(HttpMethod::Post, server.url()))), HasSubstr("ok"));
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST_F(HttpServiceTest, WhatCannotHaveReachedTheServerIsTriedAgain) {
  std::string url;
  {
    Server server;
    allow(server.place());
    url = server.url();
  }
  const JobResult result = ask_to_the_end(call(HttpMethod::Post, url));
  EXPECT_EQ(result.kind, Kind::Failed);
  EXPECT_EQ(waits.size(), 2u);
  EXPECT_THAT(result.error, Not(HasSubstr("perhaps")));
}

TEST_F(HttpServiceTest, AProcessThatDiedMayHaveAsked) {
  Server server({reply(200, "ok")});
  allow(server.place());
  // The first attempt left no word.
  EXPECT_THAT(ask(call(HttpMethod::Post, server.url()), 2).error, HasSubstr("perhaps it did it all the same"));
  EXPECT_THAT(server.requests(), IsEmpty());
  HttpCall asked = call(HttpMethod::Post, server.url());
  asked.retry = 1;
  EXPECT_EQ(ask(asked, 2).kind, Kind::Done);
  EXPECT_EQ(server.requests().back().header("idempotency-key"), "key-of-the-order");
  EXPECT_EQ(ask(call(HttpMethod::Get, server.url()), 2).kind, Kind::Done);
  asked.known = 1;  // it ended, and is known to have
  asked.spent = 1;
  EXPECT_EQ(ask(asked, 2).kind, Kind::Done);
  EXPECT_EQ(ask(asked, 3).error, "the process died while the server was asked");
}

TEST_F(HttpServiceTest, AStopWaitsForADeedThatHasLeft) {
  HttpReply late = reply(200, "ok");
  late.delay = milliseconds(300);
  Server server({late});
  allow(server.place());
  auto result = begin(call(HttpMethod::Post, server.url()));
  ASSERT_TRUE(server.wait_for(1));
  service().abandon(last_id);
  EXPECT_THAT(shown(take(std::move(result))), HasSubstr("ok"));
}

TEST_F(HttpServiceTest, AStopLeavesAQuestionAtOnceAndItCostsNoAttempt) {
  HttpReply late = reply(200, "ok");
  late.delay = seconds(30);
  Server server({late});
  allow(server.place());
  HttpCall one = call(HttpMethod::Get, server.url());
  one.timeout = Duration{60'000};
  auto result = begin(one);
  ASSERT_TRUE(server.wait_for(1));
  const auto before = std::chrono::steady_clock::now();
  service().abandon(last_id);
  const JobResult stopped = take(std::move(result));
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(10));
  EXPECT_EQ(stopped.kind, Kind::Again);
  HttpCall rest;
  ASSERT_TRUE(from_json(stopped.rest, rest));
  EXPECT_EQ(rest.spent, 0u);
  EXPECT_EQ(rest.known, 1u);
}

TEST_F(HttpServiceTest, NothingThatIsSaidHoldsAKey) {
  Server server({reply(200)});
  HttpHost& host = allow(server.place());
  host.query = {{"apikey", "CANARY-key"}};
  host.headers = {{"Authorization", "Bearer CANARY-token"}};
  server.wire().stop();
  const JobResult result = ask_to_the_end(call(HttpMethod::Get, server.url("/?q=words")));
  EXPECT_EQ(result.kind, Kind::Failed);
  EXPECT_THAT(result.error + result.log + result.rest, Not(HasSubstr("CANARY")));
  EXPECT_THAT(result.error + result.log, Not(HasSubstr("words")));
  for (const ServiceFigure& figure : service().figures())
    for (const auto& [label, value] : figure.labels) EXPECT_THAT(value, Not(HasSubstr("CANARY")));
}

}  // namespace
}  // namespace sufler

#include "interpreter/network/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "fakes/telegram/fake_telegram.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = HttpAnswer::Kind;

/// A listening socket on a free port of this machine.
int listen_anywhere() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  listen(fd, 8);
  return fd;
}

int port_of(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

/// A port of this machine that nobody listens on.
int closed_port() {
  const int listener = listen_anywhere();
  const int port = port_of(listener);
  close(listener);
  return port;
}

class HttpClientTest : public testing::Test {
 protected:
  HttpRequest call(const std::string& method, std::string body = "{}") const {
    HttpRequest request;
    request.url = fake.url() + "/bot" + fake.token() + "/" + method;
    request.body = std::move(body);
    return request;
  }
  HttpRequest send(const std::string& text) const {
    return call("sendMessage", R"({"chat_id":5,"text":")" + text + "\"}");
  }
  HttpAnswer get(HttpRequest request) {
    std::promise<HttpAnswer> promise;
    client.submit(std::move(request), [&](HttpAnswer answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }
  std::size_t applied_sends() const {
    std::size_t count = 0;
    for (const auto& record : fake.calls("sendMessage")) count += record.applied ? 1 : 0;
    return count;
  }
  void fail(const std::string& kind, milliseconds delay = milliseconds(0)) {
    fakes::Fault fault;
    fault.kind = kind;
    fault.method = "sendMessage";
    fault.delay = delay;
    fake.fail_next(fault);
  }

  HttpClientTest() { fake.add_user({5, "Анна", {}, {}, "ru"}); }
  fakes::FakeTelegram fake;
  HttpClient client;
};

TEST_F(HttpClientTest, BringsStatusAndBody) {
  const HttpAnswer good = get(send("a"));
  EXPECT_EQ(good.kind, Kind::Answered);
  EXPECT_EQ(good.status, 200);
  EXPECT_NE(good.body.find("\"ok\":true"), std::string::npos);
  const HttpAnswer bad = get(call("noSuchMethod"));
  EXPECT_EQ(bad.kind, Kind::Answered);
  EXPECT_EQ(bad.status, 404);
}

TEST_F(HttpClientTest, ManyCallsAtOnceAllComeBack) {
  std::atomic<int> answered{0};
  std::promise<void> all;
  for (int i = 0; i < 500; ++i) {
    client.submit(send(std::to_string(i)), [&](HttpAnswer answer) {
      EXPECT_EQ(answer.status, 200) << answer.error;
      if (++answered == 500) all.set_value();
    });
  }
  all.get_future().wait();
  EXPECT_EQ(applied_sends(), 500U);
  EXPECT_EQ(client.calls_in_flight(), 0U);
}

TEST_F(HttpClientTest, NobodyListensIsNotSent) {
  HttpRequest request = send("a");
  request.url = "http://127.0.0.1:" + std::to_string(closed_port()) + "/bot" + fake.token() + "/sendMessage";
  const HttpAnswer answer = get(request);
  EXPECT_EQ(answer.kind, Kind::NotSent);
  EXPECT_FALSE(answer.error.empty());
  EXPECT_EQ(answer.error.find(fake.token()), std::string::npos);
}

TEST_F(HttpClientTest, WhatMayNotLeaveAtTheLastMomentIsNotSent) {
  bool may = true;
  HttpRequest request = send("a");
  request.may_leave = [&may] { return may; };
  EXPECT_EQ(get(request).kind, Kind::Answered);
  may = false;
  const HttpAnswer held = get(request);
  EXPECT_EQ(held.kind, Kind::NotSent);
  EXPECT_TRUE(held.cancelled);
  EXPECT_EQ(applied_sends(), 1U);
  // The next one of the same handle is asked for itself.
  EXPECT_EQ(get(send("b")).kind, Kind::Answered);
  EXPECT_EQ(applied_sends(), 2U);
}

TEST_F(HttpClientTest, ASendThatMayNotLeaveAnyMoreIsNotWrittenAgainWhenItsConnectionBreaks) {
  EXPECT_EQ(get(send("a")).kind, Kind::Answered);
  fail("lost_answer");
  int asked = 0;
  HttpRequest request = send("b");
  request.repeatable = true;
  request.may_leave = [&asked] { return ++asked == 1; };
  EXPECT_EQ(get(request).kind, Kind::Lost);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(applied_sends(), 2U);
}

TEST_F(HttpClientTest, OnlyHttpIsSpoken) {
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:70/", "", "http://",
                          "http://127.0.0.1/\r\nX: y"}) {
    HttpRequest request;
    request.url = url;
    EXPECT_EQ(get(request).kind, Kind::NotSent) << url;
  }
  HttpRequest request = send("a");
  request.headers = http_headers({"X: a\r\nY: b"});
  EXPECT_EQ(get(request).kind, Kind::NotSent);
}

TEST_F(HttpClientTest, NoAnswerInTimeIsLost) {
  fail("delay", seconds(5));
  HttpRequest request = send("a");
  request.timeout = milliseconds(200);
  EXPECT_EQ(get(request).kind, Kind::Lost);
}

TEST_F(HttpClientTest, NoAnswerInTimeToAnUploadIsLost) {
  fakes::Fault fault;
  fault.kind = "delay";
  fault.method = "sendDocument";
  fault.delay = seconds(5);
  fake.fail_next(fault);
  HttpRequest request = call("sendDocument");
  request.parts = {{"chat_id", {}, {}, "5", {}}, {"document", "a.txt", "text/plain", "hello", {}}};
  request.timeout = milliseconds(300);
  EXPECT_EQ(get(request).kind, Kind::Lost);
}

TEST_F(HttpClientTest, ASendWhoseKeptConnectionBreaksIsNotWrittenTwice) {
  EXPECT_EQ(get(send("first")).status, 200);  // the connection is kept
  fail("lost_answer");
  EXPECT_EQ(get(send("second")).kind, Kind::Lost);
  EXPECT_EQ(applied_sends(), 2U);
  EXPECT_EQ(get(send("third")).status, 200);
  EXPECT_EQ(applied_sends(), 3U);
}

TEST_F(HttpClientTest, ARepeatableRequestIsWrittenAgain) {
  HttpRequest request = send("first");
  request.repeatable = true;
  EXPECT_EQ(get(request).status, 200);
  fail("lost_answer");
  EXPECT_EQ(get(request).status, 200);
}

TEST_F(HttpClientTest, AServerThatDiesOverARequestMayHaveCarriedItOut) {
  for (const bool read_it : {true, false}) {
    const int listener = listen_anywhere();
    HttpRequest request;
    request.url = "http://127.0.0.1:" + std::to_string(port_of(listener)) + "/";
    request.body = "{}";
    std::thread server([&] {
      const int connection = accept(listener, nullptr, nullptr);
      char bytes[4096];
      EXPECT_GT(read(connection, bytes, sizeof bytes), 0);
      const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
      EXPECT_EQ(write(connection, answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
      if (read_it) {
        EXPECT_GT(read(connection, bytes, sizeof bytes), 0);
      }
      close(listener);  // nobody is there when the request would be written anew
      close(connection);
    });
    EXPECT_EQ(get(request).status, 200);
    if (!read_it) server.join();
    const HttpAnswer answer = get(request);
    if (read_it) server.join();
    EXPECT_EQ(answer.kind, read_it ? Kind::Lost : Kind::NotSent) << answer.error;
  }
}

TEST_F(HttpClientTest, AConnectionClosedAtRestIsReplaced) {
  // A server that promises to keep its connections and closes each after one answer.
  const int listener = listen_anywhere();
  HttpRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(port_of(listener)) + "/";
  request.body = "{}";
  for (int i = 0; i < 3; ++i) {
    std::promise<HttpAnswer> promise;
    client.submit(request, [&](HttpAnswer answer) { promise.set_value(std::move(answer)); });
    const int connection = accept(listener, nullptr, nullptr);
    std::string seen;
    char bytes[4096];
    while (seen.find("\r\n\r\n{}") == std::string::npos) {
      const ssize_t count = read(connection, bytes, sizeof bytes);
      ASSERT_GT(count, 0);
      seen.append(bytes, static_cast<std::size_t>(count));
    }
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    ASSERT_EQ(write(connection, answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
    EXPECT_EQ(promise.get_future().get().status, 200);
    close(connection);
  }
  close(listener);
}

TEST_F(HttpClientTest, ATruncatedAnswerIsLost) {
  fail("truncated");
  EXPECT_EQ(get(send("a")).kind, Kind::Lost);
}

TEST_F(HttpClientTest, AnAnswerIsNoLargerThanAllowed) {
  HttpRequest request = send("a");
  request.max_response_bytes = 20;
  const HttpAnswer answer = get(request);
  EXPECT_EQ(answer.kind, Kind::Lost);
  EXPECT_EQ(answer.error, "the answer is larger than allowed");
}

/// Serves one connection: reads a request, then writes as it is told.
class OneAnswer {
 public:
  explicit OneAnswer(std::function<void(int connection)> write)
      : listener_(listen_anywhere()), thread_([this, write = std::move(write)] {
          const int connection = accept(listener_, nullptr, nullptr);
          char bytes[4096];
          if (connection >= 0 && read(connection, bytes, sizeof bytes) > 0) write(connection);
          close(connection);
        }) {}
  ~OneAnswer() {
    thread_.join();
    close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_of(listener_)) + "/"; }

 private:
  int listener_;
  std::thread thread_;
};

bool put(int connection, const std::string& bytes) {
  return ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

TEST_F(HttpClientTest, AnAnswerOfOneByteASecondEndsAtItsTime) {
  std::promise<void> gone;
  OneAnswer server([&](int connection) {
    put(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    // Bytes that never stop coming keep no call alive.
    pollfd left{connection, POLLIN, 0};
    while (poll(&left, 1, 20) == 0 && put(connection, "{")) {
    }
    gone.set_value();
  });
  HttpRequest request;
  request.url = server.url();
  request.timeout = milliseconds(300);
  const auto began = std::chrono::steady_clock::now();
  const HttpAnswer answer = get(request);
  EXPECT_EQ(answer.kind, Kind::Lost);
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(10));
  EXPECT_EQ(gone.get_future().wait_for(seconds(10)), std::future_status::ready) << "the connection is closed";
}

TEST_F(HttpClientTest, AHundredMegabytesAreNotReadToTheirEnd) {
  for (const bool told : {true, false}) {
    std::promise<std::size_t> written;
    OneAnswer server([&](int connection) {
      put(connection, told ? "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n"
                           : "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      const std::string piece(1 << 20, ' ');
      std::size_t megabytes = 0;
      while (megabytes < 100 && (told || put(connection, "100000\r\n")) && put(connection, told ? piece : piece + "\r\n")) {
        ++megabytes;
      }
      written.set_value(megabytes);
    });
    HttpRequest request;
    request.url = server.url();
    const HttpAnswer answer = get(request);
    EXPECT_EQ(answer.kind, Kind::Lost);
    EXPECT_EQ(answer.error, "the answer is larger than allowed");
    EXPECT_TRUE(answer.body.empty());
    EXPECT_LT(written.get_future().get(), 50U) << "four are read, some more lie in between";
  }
}

TEST_F(HttpClientTest, ANameThatIsNotThereIsNotSent) {
  // A label of a name has at most 63 letters, so nobody is asked.
  HttpRequest request = call("sendMessage");
  request.url = "http://" + std::string(64, 'a') + ".test/bot" + fake.token() + "/sendMessage";
  const HttpAnswer answer = get(request);
  EXPECT_EQ(answer.kind, Kind::NotSent);
  EXPECT_FALSE(answer.error.empty());
  EXPECT_EQ(answer.error.find(fake.token()), std::string::npos);
}

TEST_F(HttpClientTest, AServerWithoutTlsBehindHttpsIsNotSent) {
  HttpRequest request = call("sendMessage");
  request.url.replace(0, 4, "https");
  const HttpAnswer answer = get(request);
  EXPECT_EQ(answer.kind, Kind::NotSent) << answer.error;
  EXPECT_EQ(answer.error.find(fake.token()), std::string::npos);
  EXPECT_EQ(fake.calls("sendMessage").size(), 0U);
}

/// An address that swallows connections: a queue that is full, so the kernel answers no further SYN.
class BlackHole {
 public:
  explicit BlackHole(int port) : listener_(socket(AF_INET6, SOCK_STREAM, 0)) {
    const int yes = 1;
    setsockopt(listener_, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    address.sin6_port = htons(static_cast<std::uint16_t>(port));
    const auto* const plain = reinterpret_cast<const sockaddr*>(&address);
    if (bind(listener_, plain, sizeof address) != 0 || listen(listener_, 0) != 0) return;
    for (int i = 0; i < 8 && !swallows; ++i) {
      waiting_.push_back(socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0));
      connect(waiting_.back(), plain, sizeof address);
      pollfd ready{waiting_.back(), POLLOUT, 0};
      swallows = poll(&ready, 1, 200) == 0;
    }
  }
  BlackHole(const BlackHole&) = delete;
  BlackHole& operator=(const BlackHole&) = delete;
  ~BlackHole() {
    for (const int fd : waiting_) close(fd);
    close(listener_);
  }
  bool swallows = false;

 private:
  int listener_;
  std::vector<int> waiting_;
};

TEST_F(HttpClientTest, AnAddressThatSwallowsConnectionsDoesNotHoldUpTheOtherOne) {
  const std::string port = fake.url().substr(fake.url().rfind(':') + 1);
  const BlackHole hole(std::stoi(port));
  if (!hole.swallows) GTEST_SKIP() << "no IPv6 on the loopback of this machine";
  // libcurl knows both addresses of this name, ::1 first.
  HttpRequest request = send("hello");
  request.url.replace(request.url.find("127.0.0.1"), 9, "localhost");
  const auto began = std::chrono::steady_clock::now();
  const HttpAnswer answer = get(request);
  EXPECT_EQ(answer.kind, Kind::Answered) << answer.error;
  EXPECT_EQ(answer.status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(5));
}

TEST_F(HttpClientTest, WithoutDescriptorsACallIsNotSentAndGoesLater) {
  HttpClient fresh;  // it keeps no connection
  const auto ask = [&](HttpRequest request) {
    std::promise<HttpAnswer> promise;
    fresh.submit(std::move(request), [&](HttpAnswer answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  };
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 3;  // all numbers below are taken
  HttpRequest request = send("a");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  const HttpAnswer refused = ask(request);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(refused.kind, Kind::NotSent) << refused.error;
  EXPECT_EQ(ask(send("a")).status, 200);
  EXPECT_EQ(applied_sends(), 1U);
}

TEST_F(HttpClientTest, TellsTheRetryAfterHeader) {
  fakes::Fault fault;
  fault.kind = "rate_limit";
  fault.method = "sendMessage";
  fault.retry_after_s = 7;
  fake.fail_next(fault);
  const HttpAnswer answer = get(send("a"));
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.retry_after, seconds(7));
}

TEST_F(HttpClientTest, ACancelledPollEndsAtOnce) {
  HttpRequest poll = call("getUpdates", R"({"timeout":50})");
  poll.lane = HttpRequest::Lane::Poll;
  poll.timeout = seconds(60);
  std::promise<HttpAnswer> promise;
  const HttpClient::RequestId id =
      client.submit(poll, [&](HttpAnswer answer) { promise.set_value(std::move(answer)); });
  EXPECT_EQ(client.calls_in_flight(), 0U);
  client.cancel(id);
  EXPECT_TRUE(promise.get_future().get().cancelled);
}

TEST_F(HttpClientTest, StoppingLetsCallsFinishAndCancelsPolls) {
  std::vector<std::string> seen;
  std::mutex mutex;
  HttpRequest poll = call("getUpdates", R"({"timeout":50})");
  poll.lane = HttpRequest::Lane::Poll;
  client.submit(poll, [&](HttpAnswer answer) {
    std::lock_guard lock(mutex);
    seen.push_back(answer.cancelled ? "poll cancelled" : "poll answered");
  });
  fail("delay", milliseconds(50));
  client.submit(send("a"), [&](HttpAnswer answer) {
    std::lock_guard lock(mutex);
    seen.push_back(answer.status == 200 ? "sent" : "not sent");
  });
  client.stop(seconds(10));
  EXPECT_EQ(seen, (std::vector<std::string>{"poll cancelled", "sent"}));
  // Nothing is forgotten afterwards either.
  EXPECT_TRUE(get(send("late")).cancelled);
  client.stop(seconds(1));
}

TEST_F(HttpClientTest, StoppingWithoutPatienceTellsEveryCall) {
  fakes::Fault fault;
  fault.kind = "delay";
  fault.method = "sendMessage";
  fault.delay = seconds(30);
  fault.times = -1;
  fake.fail_next(fault);
  int told = 0;
  for (int i = 0; i < 100; ++i) client.submit(send("a"), [&](HttpAnswer) { ++told; });
  client.stop(milliseconds(0));
  EXPECT_EQ(told, 100);
}

TEST_F(HttpClientTest, RunsJobsInTheOrderOfTheirTime) {
  std::vector<int> order;
  std::promise<void> done;
  client.after(milliseconds(30), [&] { order.push_back(3), done.set_value(); });
  client.after(milliseconds(15), [&] { order.push_back(2); });
  client.post([&] {
    EXPECT_TRUE(client.on_network_thread());
    order.push_back(1);
  });
  done.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_FALSE(client.on_network_thread());
}

TEST(RedactTokensTest, HidesTokensOfAnyShape) {
  const std::string token = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11";
  EXPECT_EQ(redact_tokens("https://api.telegram.org/bot" + token + "/getMe failed"),
            "https://api.telegram.org/bot<token>/getMe failed");
  EXPECT_EQ(redact_tokens("/file/bot" + token + "/photos/a.jpg"), "/file/bot<token>/photos/a.jpg");
  EXPECT_EQ(redact_tokens("token " + token + "."), "token <token>.");
  EXPECT_EQ(redact_tokens("at 12:30:45, 127.0.0.1:8080"), "at 12:30:45, 127.0.0.1:8080");
  EXPECT_EQ(redact_tokens("/both/ways"), "/both/ways");
}

}  // namespace
}  // namespace sufler

#include "interpreter/transports/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "transports/raw_client.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

class ListenerTest : public testing::Test {
 protected:
  ListenerTest() {
    settings.port = 0;
  }
  ~ListenerTest() override {
    let_go();
    listener.reset();
  }

  /// Routes: GET /healthz; POST /echo, which answers on another thread what it was told; POST /held, which answers
  /// when the test says so.
  void start() {
    listener = std::make_unique<Listener>(settings);
    listener->add_page("/healthz", [] { return PageAnswer{200, "ok", "text/plain"}; });
    listener->add_webhook("/echo", [](WebhookRequest request, auto answer) {
      std::thread([body = request.header("X-Say") + request.body, answer] { answer({200, body, {}}); }).detach();
    });
    listener->add_webhook("/held", [this](WebhookRequest, auto answer) {
      std::lock_guard lock(mutex);
      held.push_back(std::move(answer));
      changed.notify_all();
    });
    const auto started = listener->start();
    ASSERT_TRUE(started) << started.error();
  }
  RawClient client() { return RawClient(listener->port()); }
  RawAnswer ask(const std::string& bytes) { return client().ask(bytes); }
  bool wait_for_held(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, seconds(20), [&] { return held.size() >= count; });
  }
  void let_go() {
    std::vector<std::function<void(WebhookAnswer)>> all;
    {
      std::lock_guard lock(mutex);
      all.swap(held);
    }
    for (const auto& answer : all) answer({200, "held", {}});
  }
  template <class Condition>
  bool comes_true(Condition condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return false;
  }

  Listener::Settings settings;
  std::unique_ptr<Listener> listener;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::function<void(WebhookAnswer)>> held;
};

// ------------------------------------------------------------------- what is answered

TEST_F(ListenerTest, APageIsAnswered) {
  start();
  const RawAnswer answer = ask(get("/healthz"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "ok");
  EXPECT_THAT(answer.head, HasSubstr("Content-Type: text/plain"));
}

TEST_F(ListenerTest, AQueryIsNoPartOfThePath) {
  start();
  EXPECT_EQ(ask(get("/healthz?from=probe")).status, 200);
}

TEST_F(ListenerTest, APathMayHoldAnyLetters) {
  start();
  listener->add_page("/бот 1", [] { return PageAnswer{200, "да", "text/plain"}; });
  EXPECT_EQ(ask(get("/%D0%B1%D0%BE%D1%82%201")).body, "да");
  EXPECT_EQ(ask(get("/%D0%B1%D0")).status, 404);
}

TEST_F(ListenerTest, HeadHasNoBody) {
  start();
  RawClient one = client();
  one.send("HEAD /healthz HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(one.closed());
  // All that came is a head that ends the answer.
  const RawAnswer answer = one.read(milliseconds(1));
  EXPECT_EQ(answer.status, 0);
}

TEST_F(ListenerTest, AServiceAnswersWhateverStandsBelowItsPath) {
  start();
  listener->add_service("/api/", [](WebhookRequest request, auto answer) {
    answer({201, request.method + " " + request.path + " ?" + request.query + " " + request.body, seconds(0), "application/json"});
  });
  const RawAnswer answer = ask(get("/api/v1/b%20t?limit=1&x=%2F"));
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body, "GET /api/v1/b t ?limit=1&x=%2F ");
  EXPECT_THAT(answer.head, HasSubstr("Content-Type: application/json"));
  EXPECT_EQ(ask(post("/api/x", "{}")).body, "POST /api/x ? {}");
  EXPECT_EQ(ask("DELETE /api/x HTTP/1.1\r\nHost: bot\r\n\r\n").status, 201);
  EXPECT_EQ(ask(get("/api")).status, 404);
  EXPECT_EQ(ask(get("/healthz")).body, "ok") << "a page of its own is no part of it";
  listener->remove("/api/");
  EXPECT_EQ(ask(get("/api/v1")).status, 404);
}

TEST_F(ListenerTest, UnknownPathsAndWrongMethodsGetNoWords) {
  start();
  for (const auto& [request, status] : std::vector<std::pair<std::string, int>>{
           {get("/"), 404},
           {get("/healthz/"), 404},
           {get("/HEALTHZ"), 404},
           {get("/" + std::string(5000, 'a')), 404},
           {post("/nobody", "{}"), 404},
           {post("/healthz", "{}"), 405},
           {get("/echo"), 405},
           {"DELETE /echo HTTP/1.1\r\nHost: bot\r\n\r\n", 405}}) {
    const RawAnswer answer = ask(request);
    EXPECT_EQ(answer.status, status) << request.substr(0, 40);
    EXPECT_EQ(answer.body, "");
    EXPECT_THAT(answer.head, Not(HasSubstr("Server")));
    EXPECT_THAT(answer.head, Not(HasSubstr("httplib")));
  }
  EXPECT_THAT(ask(get("/echo")).head, HasSubstr("Allow: POST"));
}

TEST_F(ListenerTest, AWebhookGetsBodyAndHeadersAndMayAnswerLater) {
  start();
  const RawAnswer answer = ask(post("/echo", "body", "x-SAY: a%41 \r\n"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "a%41body");
}

TEST_F(ListenerTest, ConnectionsAreKeptAndRequestsMayQueueOnThem) {
  start();
  RawClient one = client();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(one.ask(post("/echo", std::to_string(i))).body, std::to_string(i));
  one.send(post("/echo", "a") + get("/healthz") + post("/echo", "b"));
  EXPECT_EQ(one.read().body, "a");
  EXPECT_EQ(one.read().body, "ok");
  EXPECT_EQ(one.read().body, "b");
  EXPECT_EQ(listener->counts().accepted, 1U);
}

TEST_F(ListenerTest, AConnectionEndsWhenTheClientSaysSoOrAfterManyRequests) {
  settings.requests_per_connection = 3;
  start();
  RawClient polite = client();
  EXPECT_THAT(polite.ask("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n").head,
              HasSubstr("Connection: close"));
  EXPECT_TRUE(polite.closed());
  RawClient old = client();
  EXPECT_EQ(old.ask("GET /healthz HTTP/1.0\r\n\r\n").body, "ok");
  EXPECT_TRUE(old.closed());
  RawClient busy = client();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(busy.ask(get("/healthz")).body, "ok");
  EXPECT_TRUE(busy.closed());
}

TEST_F(ListenerTest, ChunksArePutTogetherHoweverTheyAreCut) {
  start();
  const std::string request =
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n1A;ext=1\r\n" + std::string(26, 'd') + "\r\n0\r\nTrailer: x\r\n\r\n";
  const std::string told = "abc" + std::string(26, 'd');
  RawClient one = client();
  EXPECT_EQ(one.ask(request).body, told);
  for (const char byte : request) one.send({&byte, 1});
  EXPECT_EQ(one.read().body, told);
}

TEST_F(ListenerTest, AClientThatAsksWhetherToGoOnIsToldSo) {
  start();
  RawClient one = client();
  one.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(one.read().status, 100);
  EXPECT_EQ(one.ask("hi").body, "hi");
}

// ------------------------------------------------------------------- what is refused

TEST_F(ListenerTest, WhatCanBeReadInTwoWaysIsRefused) {
  start();
  const std::string begin = "POST /echo HTTP/1.1\r\nHost: a\r\n";
  for (const std::string& request : {
           begin + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           begin + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
           begin + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
           begin + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
           begin + "Content-Length: 4, 4\r\n\r\nabcd",
           begin + "Content-Length: -4\r\n\r\nabcd",
           begin + "Content-Length: +4\r\n\r\nabcd",
           begin + "Content-Length: 0x4\r\n\r\nabcd",
           begin + "Content-Length:\r\n\r\n",
           begin + "Content-Length : 4\r\n\r\nabcd",
           begin + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
           begin + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           begin + "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n",
           begin + "Host: b\r\n\r\n",
           begin + "X: a\r\n folded\r\n\r\n",
           begin + "X: a\nY: b\r\n\r\n",
           begin + "X: a\rY: b\r\n\r\n",
           begin + "X: a" + std::string(1, '\0') + "\r\n\r\n",
           begin + "no colon\r\n\r\n",
           begin + ": no name\r\n\r\n",
           std::string("POST /echo HTTP/1.1\r\n\r\n"),
           std::string("POST  /echo HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string("POST /echo HTTP/1.1 \r\nHost: a\r\n\r\n"),
           std::string("POST /e cho HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string("POST http://a/echo HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string("POST /echo HTTP/2.0\r\nHost: a\r\n\r\n"),
           std::string("POST /echo\r\n\r\n"),
           std::string("FROB /echo HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15),
           std::string(" \r\n\r\n"),
           begin + "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
           begin + "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
           begin + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
           begin + "Transfer-Encoding: chunked\r\n\r\n" + std::string(300, '0') + "\r\n\r\n"}) {
    RawClient one = client();
    const RawAnswer answer = one.ask(request);
    EXPECT_EQ(answer.status, 400) << request;
    EXPECT_EQ(answer.body, "") << request;
  }
  EXPECT_EQ(ask(get("/healthz")).status, 200);
}

TEST_F(ListenerTest, BodiesOverTheLimitAreRefusedAndTheRefusalArrives) {
  start();
  const std::string large(10 << 20, 'x');
  RawClient whole = client();
  whole.send(post("/echo", large));
  EXPECT_EQ(whole.read().status, 413);
  RawClient announced = client();
  EXPECT_EQ(announced.ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n").status, 413);
  RawClient endless = client();
  EXPECT_EQ(endless.ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n").status,
            413);
  RawClient chunked = client();
  chunked.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nA00000\r\n" + large);
  EXPECT_EQ(chunked.read().status, 413);
  RawClient many_chunks = client();
  std::string chunks = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20; ++i) chunks += "10000\r\n" + std::string(0x10000, 'y') + "\r\n";
  many_chunks.send(chunks);
  EXPECT_EQ(many_chunks.read().status, 413);
  const std::string most(settings.body_limit, 'z');
  EXPECT_EQ(ask(post("/echo", most)).body.size(), most.size());
}

TEST_F(ListenerTest, OversizedHeadersAreRefused) {
  start();
  const std::string begin = "POST /echo HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(ask(begin + "X: " + std::string(20'000, 'x') + "\r\n\r\n").status, 431);
  EXPECT_EQ(ask(begin + std::string(1 << 20, 'x')).status, 431);  // no end in sight
  std::string many = begin;
  for (int i = 0; i < 200; ++i) many += "X: a\r\n";
  EXPECT_EQ(ask(many + "\r\n").status, 431);
  EXPECT_EQ(ask(get("/" + std::string(10'000, 'a'))).status, 414);
  EXPECT_EQ(ask("GET /healthz HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,1-1\r\n\r\n").status, 200);
}

TEST_F(ListenerTest, PackedBodiesAreNotUnpacked) {
  start();
  EXPECT_EQ(ask(post("/echo", "x", "Content-Encoding: gzip\r\n")).status, 415);
}

TEST_F(ListenerTest, NoBytesBringItDown) {
  start();
  std::mt19937 random(7);
  const std::string good = post("/echo", "{\"a\":1}", "X-Say: a\r\nTransfer-Encoding: chunked\r\n");
  for (int round = 0; round < 500; ++round) {
    std::string bytes = good;
    for (int i = 0; i < 4; ++i) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 3) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes.erase(at, random() % 8); break;
        default: bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 16));
      }
    }
    client().send(bytes);
  }
  EXPECT_EQ(ask(get("/healthz")).status, 200);
}

// ------------------------------------------------------------------- answers that do not come

TEST_F(ListenerTest, AWebhookThatIsNotAnsweredInTimeIsToBeTriedAgain) {
  settings.answer_time = milliseconds(50);
  start();
  RawClient one = client();
  const RawAnswer late = one.ask(post("/held", "a"));
  EXPECT_EQ(late.status, 503);
  EXPECT_THAT(late.head, HasSubstr("Retry-After: 1"));
  let_go();  // the late answer means nothing
  EXPECT_EQ(one.ask(post("/echo", "b")).body, "b");
}

TEST_F(ListenerTest, APlatformThatReadsDatesIsToldADate) {
  settings.answer_time = milliseconds(50);
  start();
  const auto retry_after_of = [&](const std::string& path) {
    const RawAnswer answer = ask(post(path, "a"));
    EXPECT_EQ(answer.status, 503);
    const std::size_t at = answer.head.find("Retry-After: ");
    if (at == std::string::npos) return std::string("none");
    return answer.head.substr(at + 13, answer.head.find("\r\n", at) - at - 13);
  };
  const auto seconds_until = [](const std::string& date) {
    std::tm parts{};
    const char* end = strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    EXPECT_TRUE(end != nullptr && *end == '\0') << date;
    return std::difftime(timegm(&parts), std::time(nullptr));
  };
  const auto busy = [](WebhookRequest, auto answer) { answer({503, {}, seconds(3600)}); };
  listener->add_webhook("/dated", busy, RetryAfterForm::Date);
  listener->add_webhook("/counted", busy);
  listener->add_webhook("/forgets", [](WebhookRequest, auto) {}, RetryAfterForm::Date);
  const double later = seconds_until(retry_after_of("/dated"));
  EXPECT_GE(later, 3590);
  EXPECT_LE(later, 3602);
  EXPECT_EQ(retry_after_of("/counted"), "3600");
  // The listener's own 503 too.
  EXPECT_LE(seconds_until(retry_after_of("/forgets")), 3);
}

TEST_F(ListenerTest, AForgottenAnswerIsNotWaitedFor) {
  settings.answer_time = seconds(3600);
  start();
  listener->add_webhook("/forgets", [](WebhookRequest, auto) {});
  EXPECT_EQ(ask(post("/forgets", "a")).status, 503);
}

TEST_F(ListenerTest, TheFirstOfTwoAnswersCounts) {
  start();
  listener->add_webhook("/twice", [](WebhookRequest, auto answer) {
    answer({200, "first", {}});
    answer({500, "second", {}});
  });
  RawClient one = client();
  EXPECT_EQ(one.ask(post("/twice", "a")).body, "first");
  EXPECT_EQ(one.ask(post("/twice", "a")).body, "first");
}

TEST_F(ListenerTest, ExceptionsBecomeA500WithoutTheirWords) {
  start();
  listener->add_webhook("/throws", [](WebhookRequest, auto) { throw std::runtime_error("canary"); });
  listener->add_page("/odd", []() -> PageAnswer { throw 7; });
  const RawAnswer answer = ask(post("/throws", "a"));
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.head, Not(HasSubstr("canary")));
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(ask(get("/odd")).status, 500);
}

// ------------------------------------------------------------------- crowds

TEST_F(ListenerTest, KeptAndSlowConnectionsDoNotKeepOthersFromBeingServed) {
  start();
  std::vector<RawClient> kept;
  for (int i = 0; i < 100; ++i) {
    kept.push_back(client());
    ASSERT_EQ(kept.back().ask(post("/echo", "a")).status, 200);
  }
  std::vector<RawClient> slow;
  for (int i = 0; i < 64; ++i) {
    slow.push_back(client());
    switch (i % 3) {
      case 0: slow.back().send("POST /echo HTTP/1.1\r\nHo"); break;
      case 1: slow.back().send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nab"); break;
      default: slow.back().send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\na");
    }
  }
  // As many webhooks wait for the storage as there are threads for them, and more.
  std::vector<RawClient> waiting;
  for (std::size_t i = 0; i < settings.most_webhook_threads + 30; ++i) {
    waiting.push_back(client());
    waiting.back().send(post("/held", "a"));
  }
  ASSERT_TRUE(wait_for_held(settings.most_webhook_threads));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(ask(get("/healthz")).status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(1));
  EXPECT_LE(listener->counts().threads, settings.most_webhook_threads + settings.most_page_threads);
  let_go();
  ASSERT_TRUE(wait_for_held(30));
  let_go();
  for (RawClient& one : waiting) EXPECT_EQ(one.read().status, 200);
  for (RawClient& one : kept) EXPECT_EQ(one.ask(post("/echo", "a")).status, 200);
}

TEST_F(ListenerTest, ThreadsThatHaveNothingToDoEnd) {
  settings.thread_rest = milliseconds(20);
  start();
  std::vector<RawClient> waiting;
  for (int i = 0; i < 40; ++i) {
    waiting.push_back(client());
    waiting.back().send(post("/held", "a"));
  }
  ASSERT_TRUE(wait_for_held(40));
  EXPECT_GE(listener->counts().threads, 40U);
  let_go();
  EXPECT_TRUE(comes_true([&] { return listener->counts().threads <= 4; }));
  EXPECT_EQ(ask(post("/echo", "a")).status, 200);
}

TEST_F(ListenerTest, WhoSendsTooSlowlyIsSentAway) {
  settings.request_time = milliseconds(60);
  start();
  RawClient head = client();
  EXPECT_EQ(head.ask("POST /echo HTTP/1.1\r\nHo").status, 408);
  EXPECT_TRUE(head.closed());
  RawClient body = client();
  EXPECT_EQ(body.ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nab").status, 408);
  EXPECT_TRUE(body.closed());
  RawClient silent = client();
  EXPECT_TRUE(silent.closed());
  EXPECT_EQ(silent.read().status, 0);
}

TEST_F(ListenerTest, IdleConnectionsEndWithoutAWord) {
  settings.idle_time = milliseconds(40);
  start();
  RawClient one = client();
  ASSERT_EQ(one.ask(get("/healthz")).status, 200);
  EXPECT_TRUE(one.closed());
  EXPECT_EQ(one.read().status, 0);
  EXPECT_TRUE(comes_true([&] { return listener->counts().connections == 0; }));
}

TEST_F(ListenerTest, BeyondTheMostConnectionsTheIdleOnesMakePlace) {
  settings.most_connections = 10;
  start();
  RawClient busy = client();
  busy.send(post("/held", "a"));
  ASSERT_TRUE(wait_for_held(1));
  RawClient idle = client();
  ASSERT_EQ(idle.ask(get("/healthz")).status, 200);
  std::vector<RawClient> slow;
  for (int i = 0; i < 60; ++i) {
    slow.push_back(client());
    slow.back().send("GET /");
  }
  EXPECT_EQ(ask(get("/healthz")).status, 200);
  EXPECT_TRUE(idle.closed());
  EXPECT_LE(listener->counts().connections, 10U);
  let_go();
  EXPECT_EQ(busy.read().body, "held");
}

TEST_F(ListenerTest, ManyHalvesOfRequestsDoNotFillTheMemory) {
  settings.buffer_limit = std::size_t{4} << 20;
  start();
  std::vector<RawClient> halves;
  const std::string half =
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + std::string(900'000, 'x');
  for (int i = 0; i < 20; ++i) {
    halves.push_back(client());
    halves.back().send(half);
  }
  EXPECT_TRUE(comes_true([&] { return listener->counts().connections <= 5; }));
  EXPECT_EQ(ask(post("/echo", "a")).status, 200);
}

TEST_F(ListenerTest, WithoutDescriptorsItWaitsInsteadOfSpinning) {
  start();
  RawClient slow = client();
  ASSERT_TRUE(slow.send("GET /healthz HTTP/1.1\r\n"));
  ASSERT_TRUE(comes_true([&] { return listener->counts().connections == 1; }));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  std::vector<int> all;
  rlimit low = before;
  low.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) all.push_back(fd);
  ASSERT_FALSE(all.empty());
  ::close(all.back());
  all.pop_back();
  RawClient late(listener->port());  // takes the last descriptor: nothing is left to accept with
  ASSERT_TRUE(late.connected());
  late.send(get("/healthz"));
  rusage began{};
  ::getrusage(RUSAGE_SELF, &began);
  EXPECT_EQ(late.read(milliseconds(300)).status, 0);
  rusage over{};
  ::getrusage(RUSAGE_SELF, &over);
  const auto used = [](const rusage& of) {
    return (of.ru_utime.tv_sec + of.ru_stime.tv_sec) * 1'000'000 + of.ru_utime.tv_usec + of.ru_stime.tv_usec;
  };
  EXPECT_LT(used(over) - used(began), 100'000);
  for (const int fd : all) ::close(fd);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(late.read().status, 200);
}

// ------------------------------------------------------------------- routes, the beginning and the end

TEST_F(ListenerTest, RoutesComeAndGo) {
  start();
  RawClient one = client();
  EXPECT_EQ(one.ask(post("/telegram/shop", "a")).status, 404);
  listener->add_webhook("/telegram/shop", [](WebhookRequest, auto answer) { answer({200, "1", {}}); });
  EXPECT_EQ(one.ask(post("/telegram/shop", "a")).body, "1");
  listener->add_webhook("/telegram/shop", [](WebhookRequest, auto answer) { answer({200, "2", {}}); });
  EXPECT_EQ(one.ask(post("/telegram/shop", "a")).body, "2");
  listener->remove("/telegram/shop");
  listener->remove("/telegram/shop");
  EXPECT_EQ(one.ask(post("/telegram/shop", "a")).status, 404);
}

TEST_F(ListenerTest, ARouteIsRemovedOnlyWhenNobodyIsInside) {
  start();
  std::promise<void> entered;
  std::promise<void> leave;
  listener->add_webhook("/slow", [&](WebhookRequest, auto answer) {
    entered.set_value();
    leave.get_future().wait();
    answer({200, {}, {}});
  });
  RawClient one = client();
  one.send(post("/slow", "a"));
  entered.get_future().wait();
  auto removed = std::async(std::launch::async, [&] { listener->remove("/slow"); });
  EXPECT_EQ(removed.wait_for(milliseconds(50)), std::future_status::timeout);
  leave.set_value();
  removed.get();
  EXPECT_EQ(one.read().status, 200);
}

TEST_F(ListenerTest, TellsWhatItAnswered) {
  start();
  ask(get("/healthz"));
  ask(get("/nothing"));
  ask(post("/echo", "a"));
  ask("nonsense\r\n\r\n");
  const Listener::Counts counts = listener->counts();
  EXPECT_EQ(counts.accepted, 4U);
  EXPECT_EQ(counts.by_status, (std::map<int, std::uint64_t>{{200, 2}, {400, 1}, {404, 1}}));
  EXPECT_EQ(counts.webhooks.at("/echo"), (std::map<int, std::uint64_t>{{200, 1}}));
  EXPECT_TRUE(counts.webhooks.at("/held").empty());
  EXPECT_EQ(counts.webhooks.count("/nothing"), 0U);
}

TEST_F(ListenerTest, SaysInOneLineWhyItCannotListen) {
  start();
  Listener::Settings taken;
  taken.port = listener->port();
  EXPECT_EQ(Listener(taken).start().error(), "cannot listen on 127.0.0.1:" + std::to_string(taken.port) +
                                                 ": the address is in use by another program");
  Listener::Settings elsewhere;
  elsewhere.host = "192.0.2.1";
  EXPECT_EQ(Listener(elsewhere).start().error(), "cannot listen on 192.0.2.1:8080: this machine has no such address");
  Listener::Settings beyond;
  beyond.port = 70'000;
  EXPECT_EQ(Listener(beyond).start().error(), "cannot listen on 127.0.0.1:70000: a port is a number from 0 to 65535");
}

TEST_F(ListenerTest, TheStopLetsRequestsUnderWayEnd) {
  start();
  RawClient idle = client();
  ASSERT_EQ(idle.ask(get("/healthz")).status, 200);
  // What comes in halves is there before what is held: a connection that has said nothing yet would be closed.
  RawClient coming = client();
  coming.send("POST /held HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab");
  ASSERT_TRUE(comes_true([&] { return listener->counts().connections == 2; }));
  RawClient busy = client();
  busy.send(post("/held", "a"));
  ASSERT_TRUE(wait_for_held(1));
  auto stopped = std::async(std::launch::async, [&] { listener->stop(seconds(20)); });
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(RawClient(listener->port()).connected());
  coming.send("c");
  ASSERT_TRUE(wait_for_held(2));
  let_go();
  EXPECT_EQ(busy.read().body, "held");
  EXPECT_EQ(coming.read().body, "held");
  stopped.get();
  listener->stop(seconds(20));
}

TEST_F(ListenerTest, TheStopDoesNotWaitForEver) {
  settings.answer_time = seconds(3600);
  settings.request_time = seconds(3600);
  start();
  RawClient busy = client();
  busy.send(post("/held", "a"));
  ASSERT_TRUE(wait_for_held(1));
  RawClient slow = client();
  slow.send("GET /");
  const auto began = std::chrono::steady_clock::now();
  listener->stop(milliseconds(30));
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(5));
  EXPECT_EQ(busy.read().status, 503);
  EXPECT_TRUE(slow.closed());
}

TEST_F(ListenerTest, AnswersAreNoHarmAfterTheEnd) {
  settings.answer_time = milliseconds(20);
  start();
  ASSERT_EQ(ask(post("/held", "a")).status, 503);
  listener.reset();
  let_go();
}

}  // namespace
}  // namespace sufler

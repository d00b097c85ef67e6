// Requests: the program as a whole between a Telegram and a server of another business.
#include <condition_variable>
#include <mutex>

#include "fakes/common/http_server.h"
#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kScenario = R"yaml(
scenario: http
language: ru
start: welcome
branches:
  welcome:
    - ask: what
    - http: POST PLACE/orders/{{ what }}
      json: {what: "{{ what }}", from: "{{ user.first_name }}"}
      retry: 3
      into: answer
      on_error:
        - say: "Сервер не ответил: {{ answer.error }}"
        - go: welcome
    - say: "Заказ {{ answer.json.id }} ({{ answer.status }})"
    - go: welcome
  once:
    - http: POST PLACE/once
      into: answer
      on_error:
        - say: "Не знаем, дошло ли: {{ answer.error }}"
    - say: Дальше.
questions:
  what: {text: Что?}
commands:
  once: {on: /once, go: once}
)yaml";

class Shop {
 public:
  Shop() {
    fakes::HttpServer::Handlers handlers;
    handlers.on_request = [this](fakes::HttpRequest&& request) {
      const fakes::ConnectionId connection = request.connection;
      bool answers = false;
      std::string body;
      {
        std::lock_guard lock(mutex_);
        requests_.push_back(std::move(request));
        answers = answers_;
        body = "{\"id\":" + std::to_string(requests_.size()) + "}";
      }
      came_.notify_all();
      if (!answers) return;
      fakes::HttpReply reply;
      reply.status = 201;
      reply.body = body;
      server_.reply(connection, std::move(reply));
    };
    EXPECT_TRUE(server_.start(0, std::size_t{1} << 20, std::move(handlers)));
  }
  ~Shop() { server_.stop(); }
  int port() const { return server_.port(); }
  void answers(bool on) {
    std::lock_guard lock(mutex_);
    answers_ = on;
  }
  std::vector<fakes::HttpRequest> requests(std::size_t count) {
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, kPatience, [&] { return requests_.size() >= count; });
    return requests_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  bool answers_ = true;
  std::vector<fakes::HttpRequest> requests_;
  fakes::HttpServer server_;
};

class HttpServeTest : public ServeTest {
 protected:
  HttpServeTest() { environment["SHOP_TOKEN"] = "CANARY-of-the-shop"; }

  void serve(const std::string& hosts) {
    std::string scenario = kScenario;
    const std::string place = "http://127.0.0.1:" + std::to_string(shop.port());
    for (std::size_t at = scenario.find("PLACE"); at != scenario.npos; at = scenario.find("PLACE")) scenario.replace(at, 5, place);
    folder.write("http/scenario.yaml", scenario);
    write_config("http", hosts);
  }
  std::string allowed() const {
    return "allow_hosts: [{host: \"127.0.0.1:" + std::to_string(shop.port()) + "\", headers: {Authorization: \"Bearer ${SHOP_TOKEN}\"}}]\n";
  }

  Shop shop;
};

TEST_F(HttpServeTest, AnOrderGoesToAServerAndItsAnswerIsSaid) {
  serve(allowed());
  start();
  EXPECT_EQ(say(kAnna, "/start", 1).text, "Что?");
  telegram.say(kAnna, "раф/латте");
  EXPECT_EQ(texts(kAnna, 3)[1], "Заказ 1 (201)");
  const auto requests = shop.requests(1);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].path, "/orders/%D1%80%D0%B0%D1%84%2F%D0%BB%D0%B0%D1%82%D1%82%D0%B5");
  EXPECT_EQ(requests[0].header("authorization"), "Bearer CANARY-of-the-shop");
  EXPECT_EQ(json::parse(requests[0].body)["what"], "раф/латте");
  stop();
  EXPECT_THAT(folder.files_that_hold(environment.at("SHOP_TOKEN")), IsEmpty());
}

TEST_F(HttpServeTest, AProcessThatDiesAsksAgainUnderTheSameKey) {
  serve(allowed());
  start();
  say(kAnna, "/start", 1);
  shop.answers(false);
  telegram.say(kAnna, "раф");
  ASSERT_EQ(shop.requests(1).size(), 1u) << sufler->output();
  sufler->kill();
  shop.answers(true);
  start();
  EXPECT_EQ(texts(kAnna, 3)[1], "Заказ 2 (201)");
  const auto requests = shop.requests(2);
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].header("idempotency-key").size(), 32u);
  EXPECT_EQ(requests[0].header("idempotency-key"), requests[1].header("idempotency-key"));
  EXPECT_EQ(requests[0].body, requests[1].body);
  stop();
}

TEST_F(HttpServeTest, ADeedThatNobodyAskedToRepeatIsNotRepeatedByWhoeverComesNext) {
  serve(allowed());
  start();
  say(kAnna, "/start", 1);
  shop.answers(false);
  telegram.say(kAnna, "/once");
  ASSERT_EQ(shop.requests(1).size(), 1u) << sufler->output();
  sufler->kill();
  shop.answers(true);
  start();
  EXPECT_THAT(texts(kAnna, 3)[1], HasSubstr("perhaps it did it all the same"));
  stop();
  EXPECT_EQ(shop.requests(1).size(), 1u);
}

TEST_F(HttpServeTest, AnOrderlyStopWaitsForADeedThatHasLeft) {
  serve(allowed());
  start();
  say(kAnna, "/start", 1);
  shop.answers(false);
  telegram.say(kAnna, "/once");
  ASSERT_EQ(shop.requests(1).size(), 1u) << sufler->output();
  stop();
  start();
  EXPECT_THAT(texts(kAnna, 3)[1], HasSubstr("the process stopped before the server answered"));
  EXPECT_EQ(shop.requests(1).size(), 1u);
  stop();
}

TEST_F(HttpServeTest, AHostThatIsNotAllowedIsToldBeforeAnybodyIsServed) {
  serve("allow_hosts: [api.example.com]\n");
  launch();
  EXPECT_EQ(sufler->wait(kPatience), 1);
  EXPECT_THAT(sufler->output(), HasSubstr("S788"));
  EXPECT_THAT(shop.requests(0), IsEmpty());
}

}  // namespace
}  // namespace sufler::tests

// The example of docs/transports.md works: what a newcomer copies is right.
#include "transports/example_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <future>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

namespace sufler::example {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using namespace std::chrono_literals;

/// The made-up platform itself.
class Platform {
 public:
  Platform() {
    server_.Get("/updates", [this](const httplib::Request& request, httplib::Response& response) {
      std::lock_guard lock(mutex_);
      asked_after_.push_back(request.get_param_value("after"));
      response.set_content(answers_.empty() ? R"({"updates":[]})" : answers_.front(), "application/json");
      if (!answers_.empty()) answers_.pop_front();
      changed_.notify_all();
    });
    server_.Post("/send", [this](const httplib::Request& request, httplib::Response& response) {
      std::lock_guard lock(mutex_);
      sent_.push_back(json::parse(request.body));
      response.status = statuses_.empty() ? 200 : statuses_.front();
      if (!statuses_.empty()) statuses_.pop_front();
      response.set_content(R"({"message":"31"})", "application/json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
  }
  ~Platform() {
    server_.stop();
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  void answer_poll(std::string body) {
    std::lock_guard lock(mutex_);
    answers_.push_back(std::move(body));
  }
  void answer_send(int status) {
    std::lock_guard lock(mutex_);
    statuses_.push_back(status);
  }
  bool wait_until_asked_after(const std::string& position) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return !asked_after_.empty() && asked_after_.back() == position; });
  }
  std::vector<json> sent() {
    std::lock_guard lock(mutex_);
    return sent_;
  }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> answers_;
  std::deque<int> statuses_;
  std::vector<std::string> asked_after_;
  std::vector<json> sent_;
};

class ExampleTransportTest : public testing::Test {
 protected:
  ExampleTransportTest() {
    ExampleSettings settings;
    settings.api = platform.url();
    settings.token = "canary";
    settings.pause = 1ms;
    transport = make_example_transport(client, settings);
  }
  ~ExampleTransportTest() override { client.stop(0ms); }

  void start(std::function<bool(const std::vector<Incoming>&, const std::string&)> store, std::string position = {}) {
    TransportHandlers handlers;
    handlers.updates = [store = std::move(store)](std::vector<Incoming> updates, std::string next,
                                                  std::function<void(bool)> stored) { stored(store(updates, next)); };
    handlers.failed = [](const std::string&) {};
    handlers.health = [](bool, const std::string&) {};
    transport->start(std::move(position), {}, std::move(handlers));
  }
  Outcome deliver(const ApiCall& call) {
    std::promise<Outcome> outcome;
    transport->deliver({"example", "12"}, call, [&](Outcome one) { outcome.set_value(std::move(one)); });
    return outcome.get_future().get();
  }

  Platform platform;
  HttpClient client;
  std::unique_ptr<Transport> transport;
};

TEST_F(ExampleTransportTest, HandsOverWhatPeopleWroteAndConfirmsItOnceItIsStored) {
  const std::string two = R"({"updates":[{"id":7,"chat":"12","name":"Анна","text":"привет"},{"id":8,"chat":[]},{"id":9,"chat":"13"}]})";
  platform.answer_poll("no json");
  platform.answer_poll(R"({"updates":[7,{"id":"six","chat":"12"},{"id":6,"chat":[]}]})");  // nothing that makes sense
  platform.answer_poll(two);
  platform.answer_poll(two);
  std::vector<std::string> seen;
  bool stores = false;
  start([&](const std::vector<Incoming>& updates, const std::string& position) {
    for (const Incoming& one : updates) seen.push_back(one.id + " " + one.person.first_name + " " + std::get<UserMessage>(one.event.what).text);
    if (updates.empty()) return position == "6";
    EXPECT_EQ(position, "9");
    return std::exchange(stores, true);  // the first time storing fails
  }, "5");
  EXPECT_TRUE(platform.wait_until_asked_after("9"));
  EXPECT_THAT(seen, ElementsAre("7 Анна привет", "9  ", "7 Анна привет", "9  "));
}

TEST_F(ExampleTransportTest, ARepeatedCallHasTheSameKey) {
  Message message;
  message.text.text = std::string(1500, 'x');
  message.keyboard.kind = Keyboard::Kind::Reply;
  message.keyboard.rows.resize(1);
  for (const char* label : {"Да", "Нет"}) message.keyboard.rows[0].emplace_back().label = label;
  std::vector<ApiCall> calls = transport->render({"example", "12"}, message);
  ASSERT_EQ(calls.size(), 2U);
  calls[1].repeat_key = 4711;
  platform.answer_send(500);
  EXPECT_EQ(deliver(calls[1]).kind, Outcome::Kind::Retry);
  const Outcome sent = deliver(calls[1]);
  EXPECT_EQ(sent.kind, Outcome::Kind::Sent);
  EXPECT_EQ(sent.message_id, "31");
  const json shown = {{"chat", "12"}, {"text", std::string(500, 'x')}, {"buttons", {"Да", "Нет"}}, {"key", 4711}};
  EXPECT_THAT(platform.sent(), ElementsAre(shown, shown));
}

TEST_F(ExampleTransportTest, ARefusalForGoodIsNoReasonToRepeat) {
  platform.answer_send(403);
  ApiCall call;
  call.body = R"({"chat":"12","text":"привет"})";
  const Outcome refused = deliver(call);
  EXPECT_EQ(refused.kind, Outcome::Kind::Failed);
  EXPECT_EQ(refused.reason.find("canary"), std::string::npos);
  platform.answer_send(429);
  EXPECT_EQ(deliver(call).kind, Outcome::Kind::Retry);
}

// docs/transports.md promises it.
TEST(ExampleTransportFilesTest, AreReadAtOnce) {
  std::ptrdiff_t lines = 0;
  for (const char* name : {"example_transport.h", "example_transport.cpp"}) {
    std::ifstream file(std::string(SUFLER_SOURCE_DIR "/tests/transports/") + name);
    lines += std::count(std::istreambuf_iterator<char>(file), {}, '\n');
  }
  EXPECT_GT(lines, 0);
  EXPECT_LE(lines, 150);
}

}  // namespace
}  // namespace sufler::example

// The smallest platform that stands on the base, which a new fake may begin as a copy of.
#include "fakes/common/platform.h"

#include <gtest/gtest.h>

#include "fakes/common/call_params.h"
#include "fakes/common/raw_client.h"

namespace sufler::fakes {
namespace {

using std::chrono::milliseconds;

/// `POST /<place>` sends its body there; people say something through the control API.
class EchoWorld : public Platform {
 public:
  explicit EchoWorld(HttpServer& server)
      : Platform(server,
                 {.name = "fake echo",
                  .account = "account",
                  .place = "room",
                  .description = "error"},
                 100) {}
  ~EchoWorld() override { stop(); }

 private:
  void serve(HttpRequest&& request) override {
    ApiCall call;
    call.method = "send";
    call.place = whole_integer(request.path.substr(1)).value_or(0);
    HttpReply reply;
    const auto fault = take_fault(0, call.method, call.place, false);
    if (fault) call.fault = fault->kind;
    if (fault && !spoils_only_the_answer(fault->kind)) {
      if (!spoil(reply, *fault)) reply.status = 500;
      log(std::move(call));
      return server_.reply(request.connection, std::move(reply));
    }
    sent_[call.place].push_back(request.body);
    call.ok = call.applied = true;
    log(std::move(call));
    if (fault) spoil(reply, *fault);
    server_.reply(request.connection, std::move(reply));
  }
  std::size_t account_of(const Json& /*params*/) override { return 0; }
  Json act(const std::string& path, const Json& /*params*/) override { refuse("no " + path); }
  std::size_t sent_to(const Json& params) override { return sent_[params["room"]].size(); }
  Json messages_report(const Json& params) override { return sent_[params["room"]]; }
  const std::set<std::string>& own_faults() override {
    static const std::set<std::string> kNone;
    return kNone;
  }
  bool knows_method(const std::string& name) override { return name == "send"; }
  bool only_by_name(const std::string& /*method*/) override { return false; }
  bool drops_at_head(const FaultRule& /*rule*/, const std::string& /*method*/) override {
    return false;
  }
  bool set_option(const std::string& /*name*/, const Json& /*value*/) override { return false; }
  void forget_all() override { sent_.clear(); }

  std::map<std::int64_t, std::vector<std::string>> sent_;
};

class PlatformTest : public ::testing::Test {
 protected:
  PlatformTest() { world_.start(0, 1 << 20); }
  ~PlatformTest() override {
    world_.stop();
    server_.stop();
  }
  int send(const std::string& room, const std::string& text) {
    return request(server_.port(), "POST", "/" + room, "text/plain", text).status;
  }
  Answer control(const std::string& path, const Json& params) {
    return request(server_.port(), "POST", "/control/" + path, "application/json", params.dump());
  }

  HttpServer server_;
  EchoWorld world_{server_};
};

TEST_F(PlatformTest, AWaitIsAnsweredWhenWhatItWaitsForHappens) {
  EXPECT_EQ(send("5", "раз"), 200);
  const Json answer = control("wait", {{"room", 5}, {"count", 1}}).json();
  EXPECT_EQ(answer["satisfied"], true);
  EXPECT_EQ(answer["messages"], Json::array({"раз"}));
  EXPECT_TRUE(world_.wait({{"method", "send"}, {"count", 1}}, milliseconds(5000)));
}

TEST_F(PlatformTest, AWaitThatEndsInVainSaysSo) {
  const Json answer = control("wait", {{"room", 5}, {"timeout_ms", 1}}).json();
  EXPECT_EQ(answer["satisfied"], false);
  EXPECT_EQ(answer["messages"], Json::array());
}

TEST_F(PlatformTest, ARuleOfFaultsIsUsedUpByTheCallsThatItMeans) {
  world_.ask("faults", {{"kind", "server_error"}, {"room", 5}, {"skip", 1}});
  EXPECT_EQ(send("6", "другая комната"), 200);
  EXPECT_EQ(send("5", "пропущена"), 200);
  EXPECT_EQ(send("5", "сбой"), 500);
  EXPECT_EQ(send("5", "снова цела"), 200);
  const Json failed = world_.ask("calls", {{"ok", false}});
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0]["fault"], "server_error");
  EXPECT_EQ(failed[0]["room"], 5);
}

TEST_F(PlatformTest, ALostAnswerIsOfACallThatWasApplied) {
  world_.ask("faults", {{"kind", "lost_answer"}});
  EXPECT_EQ(send("5", "дошло"), 0);
  EXPECT_EQ(world_.ask("calls", {{"ok", true}}).size(), 1u);
}

TEST_F(PlatformTest, WhatATestAsksWronglyIsToldByName) {
  EXPECT_THROW(world_.ask("faults", {{"kind", "earthquake"}}), std::runtime_error);
  EXPECT_THROW(world_.ask("faults", {{"kind", "drop"}, {"method", "receive"}}), std::runtime_error);
  EXPECT_THROW(world_.ask("options", {{"strict", true}}), std::runtime_error);
  const Answer answer = control("faults", {{"kind", "earthquake"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json()["error"], "no such kind of fault: \"earthquake\"");
}

TEST_F(PlatformTest, ResetForgetsMessagesCallsAndFaults) {
  send("5", "раз");
  world_.ask("faults", {{"kind", "drop"}, {"times", -1}});
  world_.ask("reset", Json::object());
  EXPECT_EQ(world_.ask("calls", Json::object()).size(), 0u);
  EXPECT_EQ(send("5", "два"), 200);
  EXPECT_FALSE(world_.wait({{"room", 5}, {"count", 2}}, milliseconds(0)));
}

TEST_F(PlatformTest, TheClockIsMovedByTheTest) {
  const std::int64_t before = world_.ask("clock", Json::object())["now_ms"];
  const std::int64_t after = world_.ask("clock", {{"advance_ms", 3'600'000}})["now_ms"];
  EXPECT_GE(after, before + 3'600'000);
}

}  // namespace
}  // namespace sufler::fakes

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>

#include "fakes/common/bytes.h"
#include "fakes/common/http_server.h"
#include "fakes/vk/test_client.h"

namespace sufler::fakes {
namespace {

class VkLongPollTest : public ::testing::Test {
 protected:
  VkLongPollTest() : fake(options()) { server = long_poll_server(); }
  static FakeVkOptions options() {
    FakeVkOptions out;
    out.communities = {{.group_id = kVkTestGroup, .token = "t", .long_poll = true}};
    return out;
  }
  Json long_poll_server() {
    return call_vk(fake, "groups.getLongPollServer", {{"group_id", kVkTestGroup}})["response"];
  }
  Json poll(const std::string& ts, int wait = 0) {
    const std::string path = server["server"].get<std::string>().substr(fake.url().size());
    return request(fake.port(), "GET",
                   path + "?act=a_check&key=" + server["key"].get<std::string>() + "&ts=" + ts +
                       "&wait=" + std::to_string(wait))
        .json();
  }
  std::string ts() const { return server["ts"]; }
  FakeVk fake;
  Json server;
};

TEST(VkSettingsTest, LongPollIsSwitchedOnFirst) {
  FakeVk fake;
  const auto server = [&] {
    return error_code(call_vk(fake, "groups.getLongPollServer", {{"group_id", kVkTestGroup}}));
  };
  EXPECT_EQ(server(), 100);
  EXPECT_EQ(fake.say(5, "никому").event_id, "");
  const auto set = [&](Json flags) {
    flags["group_id"] = kVkTestGroup;
    return error_code(call_vk(fake, "groups.setLongPollSettings", flags));
  };
  EXPECT_EQ(set({{"enabled", 1}, {"api_version", "5.199"}, {"message_allow", 1}}), 0);
  EXPECT_EQ(server(), 0);
  EXPECT_EQ(fake.say(5, "не включено").event_id, "");
  EXPECT_NE(fake.allow(5).event_id, "");
  EXPECT_EQ(set({{"message_new", 1}}), 0);
  EXPECT_EQ(fake.say(5, "включено").event_id.size(), 40u);
  EXPECT_NE(fake.allow(5).event_id, "") << "flags that are left out keep their value";
  EXPECT_EQ(set({{"message_sung", 1}}), 100);
}

TEST_F(VkLongPollTest, AnEventHasItsEnvelope) {
  const VkEvent said = fake.say(5, "привет");
  const Json answer = poll(ts());
  EXPECT_TRUE(answer["ts"].is_string());
  ASSERT_EQ(answer["updates"].size(), 1u);
  const Json& update = answer["updates"][0];
  EXPECT_EQ(update["type"], "message_new");
  EXPECT_EQ(update["group_id"], kVkTestGroup);
  EXPECT_EQ(update["event_id"], said.event_id);
  EXPECT_EQ(update["v"], "5.199");
  EXPECT_EQ(update["object"]["message"]["text"], "привет");
  EXPECT_EQ(update["object"]["message"]["conversation_message_id"], said.cmid);
  EXPECT_EQ(update["object"]["client_info"]["lang_id"], 0);
}

TEST_F(VkLongPollTest, ResumesFromAnyTsThatIsKept) {
  fake.say(5, "раз");
  const std::string after_one = poll(ts())["ts"];
  const VkEvent second = fake.say(5, "два");
  EXPECT_EQ(poll(ts())["updates"].size(), 2u) << "an older ts gives it again";
  EXPECT_EQ(poll(after_one)["updates"].size(), 1u);
  EXPECT_EQ(fake.pending_events(), 1u);
  const std::string after_two = poll(after_one)["ts"];
  EXPECT_EQ(poll(after_two)["updates"].size(), 0u);
  EXPECT_TRUE(fake.wait_until_confirmed(second.event_id));
  EXPECT_EQ(fake.pending_events(), 0u);
}

TEST_F(VkLongPollTest, HoldsAPollUntilSomethingHappens) {
  auto held = std::async(std::launch::async, [&] { return poll(ts(), 60); });
  ASSERT_TRUE(fake.wait_until_polling());
  fake.say(5, "привет");
  EXPECT_EQ(held.get()["updates"].size(), 1u);
  EXPECT_TRUE(fake.wait_until_polling(false));
}

TEST_F(VkLongPollTest, RefusesAWaitAboveNinety) { EXPECT_EQ(poll(ts(), 91)["failed"], 4); }

TEST_F(VkLongPollTest, Failed1SkipsWhatIsLost) {
  fake.say(5, "потеряно");
  fake.lose_events();
  const Json answer = poll(ts());
  EXPECT_EQ(answer["failed"], 1);
  ASSERT_TRUE(answer["ts"].is_number()) << "a number here, a string elsewhere";
  fake.say(5, "после");
  const Json next = poll(answer["ts"].dump());
  ASSERT_EQ(next["updates"].size(), 1u);
  EXPECT_EQ(next["updates"][0]["object"]["message"]["text"], "после");
  const Json history = call_vk(fake, "messages.getHistory", {{"peer_id", 5}});
  EXPECT_EQ(history["response"]["count"], 2) << "the history has both";
}

TEST_F(VkLongPollTest, Failed1ComesToAPollThatIsHeld) {
  auto held = std::async(std::launch::async, [&] { return poll(ts(), 60); });
  ASSERT_TRUE(fake.wait_until_polling());
  fake.lose_next_events(1);
  fake.say(5, "потеряно");
  EXPECT_EQ(held.get()["failed"], 1);
}

TEST_F(VkLongPollTest, Failed2LosesNothing) {
  fake.say(5, "привет");
  fake.expire_long_poll_key();
  EXPECT_EQ(poll(ts()), Json::parse(R"({"failed":2})"));
  const std::string old_ts = ts();
  server = long_poll_server();
  EXPECT_EQ(poll(old_ts)["updates"].size(), 1u);
}

TEST_F(VkLongPollTest, Failed3StartsOver) {
  for (int i = 0; i < 3; ++i) fake.say(5, "до");
  const std::string old_ts = poll(ts())["ts"];
  fake.lose_long_poll();
  EXPECT_EQ(poll(old_ts)["failed"], 2) << "the key has changed";
  server = long_poll_server();
  EXPECT_EQ(poll(old_ts)["failed"], 3) << "the old ts means nothing any more";
  fake.say(5, "после");
  EXPECT_EQ(poll(ts())["updates"].size(), 1u);
}

TEST_F(VkLongPollTest, TheOwnMessageIsEchoedWithoutAnAdmin) {
  fake.say(5, "привет");
  call_vk(fake, "messages.send", {{"peer_id", 5}, {"random_id", 9}, {"message", "бот"}});
  fake.staff_says(77, 5, "человек");
  const Json updates = poll(ts())["updates"];
  ASSERT_EQ(updates.size(), 3u) << updates;
  EXPECT_EQ(updates[1]["type"], "message_reply");
  EXPECT_EQ(updates[1]["object"]["random_id"], 9);
  EXPECT_EQ(updates[1]["object"]["from_id"], -kVkTestGroup);
  EXPECT_EQ(updates[1]["object"]["out"], 1);
  EXPECT_FALSE(updates[1]["object"].contains("admin_author_id"));
  EXPECT_EQ(updates[2]["object"]["admin_author_id"], 77);
}

TEST_F(VkLongPollTest, ButtonsOfEachKindDoTheirPart) {
  fake.say(5, "привет");
  const Json keyboard = {
      {"one_time", true},
      {"buttons",
       {{{{"action", {{"type", "text"}, {"label", "Да"}, {"payload", R"({"c":1})"}}}},
         {{"action", {{"type", "callback"}, {"label", "Ещё"}, {"payload", R"({"c":2})"}}}}},
        {{{"action", {{"type", "location"}, {"payload", R"({"c":3})"}}}}}}}};
  const Json sent =
      call_vk(fake, "messages.send",
              {{"peer_id", 5}, {"random_id", 0}, {"message", "x"}, {"keyboard", keyboard}});
  ASSERT_EQ(error_code(sent), 0) << sent;
  const std::string before = poll(ts())["ts"];
  fake.press(5, "Да");
  EXPECT_THROW(fake.press(5, "Ещё"), std::runtime_error) << "one_time";
  const Json update = poll(before)["updates"][0];
  EXPECT_EQ(update["object"]["message"]["text"], "Да");
  EXPECT_EQ(update["object"]["message"]["payload"], R"({"c":1})") << "a string";
  const VkEvent forged = fake.press_payload(5, R"({"c":99})");
  const Json event = poll(before)["updates"][1];
  EXPECT_EQ(event["type"], "message_event");
  EXPECT_EQ(event["object"]["payload"], Json::parse(R"({"c":99})")) << "an object";
  EXPECT_EQ(event["object"]["event_id"], forged.callback_id);
  EXPECT_EQ(forged.callback_id.size(), 12u);
  EXPECT_FALSE(event["object"].contains("conversation_message_id"));
}

TEST_F(VkLongPollTest, PeopleSendEverything) {
  fake.start(5);
  fake.come_by_link(6, "здравствуйте", "promo", "ads");
  fake.send_files(5, {{}, {.kind = "doc", .name = "план.pdf"}, {.kind = "audio_message"}}, "вот");
  fake.send_location(5, 55.7, 37.6);
  fake.send_sticker(5);
  fake.send_attachment(5, "hologram", R"({"id":139})");
  fake.push_event("wall_post_new", R"({"id":6})");
  const Json updates = poll(ts())["updates"];
  ASSERT_EQ(updates.size(), 7u);
  const auto message = [&](std::size_t i) -> const Json& {
    return updates[i]["object"]["message"];
  };
  EXPECT_EQ(message(0)["payload"], R"({"command":"start"})");
  EXPECT_EQ(message(1)["ref"], "promo");
  EXPECT_EQ(message(1)["ref_source"], "ads");
  EXPECT_EQ(message(2)["attachments"].size(), 3u);
  EXPECT_EQ(message(3)["geo"]["coordinates"]["latitude"], 55.7);
  EXPECT_TRUE(message(3)["attachments"].empty()) << "a place is no attachment";
  EXPECT_EQ(message(4)["attachments"][0]["type"], "sticker");
  EXPECT_EQ(message(5)["attachments"][0]["hologram"]["id"], 139);
  EXPECT_EQ(updates[6]["type"], "wall_post_new");
}

TEST_F(VkLongPollTest, FilesHaveLinksThatExpire) {
  const std::string bytes = make_png(700, 500);
  fake.send_files(5, {{.bytes = bytes}});
  const Json photo = poll(ts())["updates"][0]["object"]["message"]["attachments"][0]["photo"];
  std::string largest;
  int area = 0;
  for (const Json& size : photo["sizes"]) {
    const int own = size["width"].get<int>() * size["height"].get<int>();
    if (own > area) largest = size["url"];
    area = std::max(area, own);
  }
  EXPECT_EQ(area, 700 * 500);
  EXPECT_NE(photo["sizes"].back()["url"], largest) << "order says nothing";
  const auto get = [&](const std::string& url) {
    return request(fake.port(), "GET", url.substr(fake.url().size()));
  };
  EXPECT_EQ(get(largest).body, bytes);
  std::string forged = largest;
  forged[forged.size() - 6] = forged[forged.size() - 6] == '0' ? '1' : '0';
  EXPECT_EQ(get(forged).status, 404);
  fake.advance_clock(std::chrono::minutes(61));
  EXPECT_EQ(get(largest).status, 404);
}

// ---- faults

TEST_F(VkLongPollTest, MisfortunesByMethodAndPeer) {
  fake.say(5, "привет");
  fake.say(6, "привет");
  const auto raw = [&](std::int64_t peer) {
    Json params = {{"peer_id", peer},
                   {"random_id", 0},
                   {"message", "x"},
                   {"v", "5.199"},
                   {"access_token", fake.token()}};
    return request(fake.port(), "POST", "/method/messages.send",
                   "application/x-www-form-urlencoded", form_of(params));
  };
  fake.fail_next({.kind = "error", .code = 902, .method = "messages.send", .peer = 6});
  EXPECT_EQ(error_code(raw(5).json()), 0) << "another peer";
  EXPECT_EQ(error_code(raw(6).json()), 902);
  EXPECT_EQ(error_code(raw(6).json()), 0) << "once";
  fake.fail_next({.kind = "bad_gateway"});
  const Answer html = raw(5);
  EXPECT_EQ(html.status, 502);
  EXPECT_THAT(html.head, testing::HasSubstr("text/html"));
  const std::size_t before = fake.messages(5).size();
  fake.fail_next({.kind = "drop"});
  EXPECT_EQ(raw(5).status, 0);
  EXPECT_EQ(fake.messages(5).size(), before) << "nothing applied";
  fake.fail_next({.kind = "lost_answer"});
  EXPECT_EQ(raw(5).status, 0);
  EXPECT_EQ(fake.messages(5).size(), before + 1) << "applied";
  fake.fail_next({.kind = "garbage"});
  EXPECT_TRUE(raw(5).json().is_discarded());
  fake.fail_next({.kind = "truncated"});
  EXPECT_TRUE(raw(5).json().is_discarded());
  fake.fail_next({.kind = "captcha"});
  EXPECT_TRUE(raw(5).json()["error"].contains("captcha_sid"));
  fake.fail_next({.kind = "internal"});
  EXPECT_FALSE(raw(5).json()["error"].contains("request_params")) << "as in the fixture";
  EXPECT_THROW(fake.fail_next({.kind = "earthquake"}), std::runtime_error);
}

TEST(VkFaultsTest, AMisfortuneOfOneCommunityLeavesTheOthersAlone) {
  FakeVkOptions options;
  options.communities = {{.group_id = 1, .token = "one"}, {.group_id = 2, .token = "two"}};
  FakeVk fake(options);
  const auto call = [&](std::size_t community) {
    return error_code(call_vk(fake, "groups.getById", Json::object(), community));
  };
  fake.fail_next({.kind = "flood", .community = 1, .times = -1});
  EXPECT_EQ(call(0), 0);
  EXPECT_EQ(call(1), 9);
  fake.clear_faults();
  fake.revoke_token(true, 0);
  EXPECT_EQ(call(0), 5);
  EXPECT_EQ(call(1), 0);
}

TEST_F(VkLongPollTest, CallsAreWrittenDownWithoutTheToken) {
  fake.say(5, "привет");
  call_vk(fake, "messages.send", {{"peer_id", 5}, {"random_id", 9}, {"message", "x"}});
  const auto calls = fake.calls("messages.send");
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_TRUE(calls[0].ok);
  EXPECT_EQ(calls[0].peer, 5);
  EXPECT_EQ(Json::parse(calls[0].params)["random_id"], "9");
  EXPECT_EQ(calls[0].params.find("access_token"), std::string::npos);
}

// ---- Callback API

/// A webhook that answers as the test says, in turn; the last answer goes on.
class Webhook {
 public:
  Webhook() {
    HttpServer::Handlers handlers;
    handlers.on_request = [this](HttpRequest&& request) {
      std::lock_guard lock(mutex_);
      HttpReply reply;
      reply.content_type = "text/plain";
      const Json body = Json::parse(request.body, nullptr, false);
      if (body.value("type", "") == "confirmation") {
        reply.body = confirmation;
      } else {
        reply = answers_.empty() ? reply : answers_.front();
        if (answers_.empty()) reply.body = "ok";
        if (!answers_.empty()) answers_.erase(answers_.begin());
      }
      requests_.push_back(request);
      arrived_.notify_all();
      server_.reply(request.connection, reply);
    };
    server_.start(0, 1u << 20, std::move(handlers));
  }
  ~Webhook() { server_.stop(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()) + "/hook"; }
  void answer(int status, const std::string& body, const std::string& retry_after = {}) {
    std::lock_guard lock(mutex_);
    HttpReply reply;
    reply.status = status;
    reply.content_type = "text/plain";
    reply.body = body;
    if (!retry_after.empty()) reply.headers = {{"Retry-After", retry_after}};
    answers_.push_back(reply);
  }
  /// Requests so far, once there are `count` of them.
  std::vector<HttpRequest> requests(std::size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, std::chrono::seconds(5), [&] { return requests_.size() >= count; });
    return requests_;
  }
  std::string confirmation = "c0nf1rm5";

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<HttpReply> answers_;
  std::vector<HttpRequest> requests_;
  HttpServer server_;
};

class VkCallbackTest : public ::testing::Test {
 protected:
  static FakeVkOptions options() {
    FakeVkOptions out;
    out.callback_time_scale = 0.0001;  // the retry after an hour comes after 360 ms
    return out;
  }
  std::int64_t confirmed_server() {
    const std::int64_t server = fake.add_webhook(webhook.url(), "тайна");
    EXPECT_TRUE(fake.wait_until_webhook_is("ok", server));
    return server;
  }
  Webhook webhook;
  FakeVk fake{options()};
};

TEST_F(VkCallbackTest, AServerIsConfirmedByTheExactString) {
  webhook.confirmation = fake.confirmation() + "\n";
  const Json added = call_vk(fake, "groups.addCallbackServer",
                             {{"group_id", kVkTestGroup},
                              {"url", webhook.url()},
                              {"title", "бот"},
                              {"secret_key", "тайна"}});
  const std::int64_t id = added["response"]["server_id"];
  EXPECT_TRUE(fake.wait_until_webhook_is("failed", id));
  webhook.confirmation = fake.confirmation();
  EXPECT_EQ(error_code(call_vk(fake, "groups.editCallbackServer",
                               {{"group_id", kVkTestGroup},
                                {"server_id", id},
                                {"url", webhook.url()},
                                {"title", "бот"},
                                {"secret_key", "тайна"}})),
            0);
  EXPECT_TRUE(fake.wait_until_webhook_is("ok", id));
  const Json list = call_vk(fake, "groups.getCallbackServers", {{"group_id", kVkTestGroup}});
  EXPECT_EQ(list["response"]["items"][0]["status"], "ok");
}

TEST_F(VkCallbackTest, EventsComeWithTheSecretOnceSwitchedOn) {
  const std::int64_t server = confirmed_server();
  const VkEvent said = fake.say(5, "привет");
  ASSERT_TRUE(fake.wait_for_delivery(said.event_id, 1));
  const Json body = Json::parse(webhook.requests(2)[1].body);
  EXPECT_EQ(body["secret"], "тайна");
  EXPECT_EQ(body["event_id"], said.event_id);
  EXPECT_EQ(body["object"]["message"]["text"], "привет");
  EXPECT_TRUE(webhook.requests(2)[1].header("x-retry-counter").empty());
  call_vk(fake, "groups.setCallbackSettings",
          {{"group_id", kVkTestGroup}, {"server_id", server}, {"message_new", 0}});
  EXPECT_EQ(fake.say(5, "не слышно").event_id, "");
}

TEST_F(VkCallbackTest, RetriesFiveTimesWithACounterAndGivesUp) {
  confirmed_server();
  for (int i = 0; i < 6; ++i) webhook.answer(500, "");
  const VkEvent said = fake.say(5, "привет");
  ASSERT_TRUE(fake.wait_for_delivery(said.event_id, 6));
  const auto requests = webhook.requests(7);
  ASSERT_EQ(requests.size(), 7u);
  EXPECT_TRUE(requests[1].header("x-retry-counter").empty());
  EXPECT_EQ(requests[2].header("x-retry-counter"), "1");
  EXPECT_EQ(requests[6].header("x-retry-counter"), "5");
  EXPECT_EQ(requests[1].body, requests[6].body) << "the same event_id";
  EXPECT_TRUE(fake.deliveries().back().given_up);
}

TEST_F(VkCallbackTest, AnAnswerOtherThanOkIsNoAnswer) {
  confirmed_server();
  webhook.answer(200, "OK");
  const VkEvent said = fake.say(5, "привет");
  ASSERT_TRUE(fake.wait_for_delivery(said.event_id, 2));
  EXPECT_TRUE(fake.deliveries().back().delivered);
}

TEST_F(VkCallbackTest, ARetryAfterIsHonouredAndCountsAsNoFailure) {
  confirmed_server();
  webhook.answer(503, "", "Thu, 01 Jan 1970 00:00:00 GMT");
  const VkEvent said = fake.say(5, "привет");
  ASSERT_TRUE(fake.wait_for_delivery(said.event_id, 2));
  EXPECT_TRUE(webhook.requests(3)[2].header("x-retry-counter").empty());
  EXPECT_TRUE(fake.deliveries().back().delivered);
}

TEST_F(VkCallbackTest, RemoveDeletesTheServer) {
  const std::int64_t server = confirmed_server();
  webhook.answer(200, "remove");
  fake.say(5, "привет");
  EXPECT_TRUE(fake.wait_until_webhook_is("deleted", server));
  EXPECT_EQ(fake.say(5, "никому").event_id, "");
}

TEST_F(VkCallbackTest, ForgesAndReplays) {
  const std::int64_t server = confirmed_server();
  const VkEvent said = fake.say(5, "привет");
  ASSERT_TRUE(fake.wait_for_delivery(said.event_id, 1));
  EXPECT_EQ(fake.replay(said.event_id, server).body, "ok");
  EXPECT_EQ(webhook.requests(3)[1].body, webhook.requests(3)[2].body);
  webhook.answer(403, "");
  EXPECT_EQ(fake.forge(R"({"type":"message_new","secret":"чужая"})", server).status, 403);
}

}  // namespace
}  // namespace sufler::fakes

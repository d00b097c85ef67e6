#include "interpreter/transports/vk/vk.h"
#include "transports/sending.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "fakes/common/http_server.h"
#include "fakes/vk/fake_vk.h"
#include "interpreter/transports/registry.h"

namespace sufler {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = Outcome::Kind;

constexpr std::int64_t kBoris = 6;
constexpr std::int64_t kStaff = 77;

/// A transport against the fake, and what it tells.
class VkTransportTest : public SendingTest {
 protected:
  VkTransportTest() : SendingTest("vk") {
    use(settings, fake);
    settings.group = fake.group_id();
    settings.bot_name = "shop";
    fake.add_user({kAnna, "Анна", "Иванова", {}}, true);
    fake.add_user({kBoris, "Борис", "Петров", {}}, true);
  }
  ~VkTransportTest() override {
    listener.stop();
    end();
  }

  void make() override {
    if (!transport) transport = make_vk_transport(client, settings);
  }
  void start(const std::string& from = {}) {
    make();
    transport->start(from, {}, handlers());
  }
  /// Starts, and waits until what happens from now on will come.
  void start_and_poll(const std::string& from = {}) {
    start(from);
    ASSERT_TRUE(fake.wait_until_polling());
  }

  UserMessage said(std::size_t index) {
    std::lock_guard lock(mutex);
    if (index >= got.size()) return {};
    const auto* what = std::get_if<UserMessage>(&got[index].event.what);
    return what == nullptr ? UserMessage{} : *what;
  }
  std::vector<std::string> texts() {
    std::lock_guard lock(mutex);
    std::vector<std::string> all;
    for (const Incoming& one : got) {
      const auto* what = std::get_if<UserMessage>(&one.event.what);
      all.push_back(what == nullptr ? "?" : what->text);
    }
    return all;
  }

  void fail(const std::string& kind, const std::string& method, int times = 1, int code = 0) {
    fakes::VkFault fault;
    fault.kind = kind;
    fault.method = method;
    fault.times = times;
    fault.code = code;
    fake.fail_next(fault);
  }

  std::pair<std::string, std::string> fetch(const Attachment& attachment, std::size_t limit = 1 << 20) {
    std::promise<std::pair<std::string, std::string>> promise;
    transport->fetch_file(attachment, limit, [&](std::string bytes, std::string reason) {
      promise.set_value({std::move(bytes), std::move(reason)});
    });
    return promise.get_future().get();
  }

  WebhookAnswer post(const std::string& body) {
    std::promise<WebhookAnswer> promise;
    WebhookRequest request;
    request.body = body;
    request.header = [](std::string_view) { return std::string(); };
    transport->take_webhook(std::move(request), [&](WebhookAnswer answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }
  /// A port on which VK reaches the transport.
  std::string listen() {
    listener.start(0, 1 << 20,
                   {nullptr,
                    [this](fakes::HttpRequest&& got_request) {
                      if (down) {
                        fakes::HttpReply reply;
                        reply.status = 502;
                        return listener.reply(got_request.connection, std::move(reply));
                      }
                      WebhookRequest request;
                      request.body = std::move(got_request.body);
                      request.header = [](std::string_view) { return std::string(); };
                      transport->take_webhook(std::move(request),
                                              [this, at = got_request.connection](WebhookAnswer answer) {
                                                fakes::HttpReply reply;
                                                reply.status = answer.status;
                                                reply.body = std::move(answer.body);
                                                reply.content_type = "text/plain";
                                                listener.reply(at, std::move(reply));
                                              });
                    },
                    nullptr});
    return "http://127.0.0.1:" + std::to_string(listener.port()) + "/vk/shop";
  }
  void callback_mode() {
    settings.mode = VkSettings::Mode::Callback;
    settings.secret = "s3cret";
    settings.confirmation = "c0nf";
  }
  /// Starts a new bot whose address somebody wrote into VK, and waits until its place is kept.
  void start_by_hand() {
    start();
    ASSERT_TRUE(wait([&] { return batches == 1; }));
  }
  void set_up_by_itself() {
    callback_mode();
    settings.confirmation.clear();
    settings.webhook_url = listen();
  }
  /// What came from a person, each message once, in its order.
  std::vector<std::string> texts_once(std::int64_t person = kAnna) {
    std::lock_guard lock(mutex);
    std::vector<std::string> all;
    std::set<std::string> ids;
    for (const Incoming& one : got) {
      const auto* what = std::get_if<UserMessage>(&one.event.what);
      if (one.person.id != std::to_string(person) || !ids.insert(one.id).second) continue;
      all.push_back(what == nullptr ? "?" : what->text);
    }
    return all;
  }
  bool wait_for_texts(const std::vector<std::string>& wanted, std::int64_t person = kAnna) {
    for (std::size_t seen = 0; texts_once(person).size() < wanted.size();) {
      if (!wait([&] { return got.size() > seen; })) break;
      std::lock_guard lock(mutex);
      seen = got.size();
    }
    return texts_once(person) == wanted;
  }
  static std::string message(const std::string& text, std::int64_t number, std::int64_t date) {
    return json{{"message",
                 {{"id", number},
                  {"conversation_message_id", number},
                  {"date", date},
                  {"from_id", kAnna},
                  {"peer_id", kAnna},
                  {"out", 0},
                  {"text", text}}}}
        .dump();
  }
  std::string event(const std::string& type, const std::string& object, const std::string& secret = "s3cret") {
    return json{{"type", type},
                {"object", json::parse(object)},
                {"group_id", fake.group_id()},
                {"event_id", "e1"},
                {"v", "5.199"},
                {"secret", secret}}
        .dump();
  }

  static fakes::FakeVkOptions options() {
    fakes::FakeVkOptions chosen;
    return chosen;
  }

  fakes::FakeVk fake{options()};
  fakes::HttpServer listener;
  std::atomic<bool> down{false};  // the listener's transport is gone
  VkSettings settings;
};

// ------------------------------------------------------------------- long poll

TEST_F(VkTransportTest, HearsWhatPeopleSayWithTheirNames) {
  start_and_poll();
  fake.say(kAnna, "привет");
  ASSERT_TRUE(wait_for_updates(1));
  EXPECT_EQ(said(0).text, "привет");
  EXPECT_EQ(got[0].chat, (ChatAddress{"vk", "5"}));
  EXPECT_EQ(got[0].person.id, "5");
  EXPECT_EQ(got[0].person.first_name, "Анна");
  EXPECT_EQ(got[0].person.last_name, "Иванова");
  EXPECT_TRUE(got[0].is_private);
  EXPECT_EQ(health, std::vector<std::string>{"well"});
  // A name is asked for once.
  fake.say(kAnna, "ещё");
  ASSERT_TRUE(wait_for_updates(2));
  EXPECT_EQ(got[1].person.first_name, "Анна");
  EXPECT_EQ(fake.calls("users.get").size(), 1U);
}

TEST_F(VkTransportTest, SwitchesOnTheEventsItUses) {
  start_and_poll();
  const json params = json::parse(fake.calls("groups.setLongPollSettings").at(0).params);
  for (const char* name : {"enabled", "message_new", "message_reply", "message_edit", "message_event", "message_allow",
                           "message_deny"}) {
    EXPECT_EQ(params[name], "1") << name;
  }
  EXPECT_EQ(params["api_version"], "5.199");
}

TEST_F(VkTransportTest, PutsTheTokenIntoNoAddressAndNoBody) {
  start_and_poll();
  ASSERT_EQ(send("привет").kind, Kind::Sent);
  for (const fakes::VkCall& call : fake.calls()) {
    EXPECT_FALSE(json::parse(call.params).contains("access_token")) << call.method;
  }
}

TEST_F(VkTransportTest, ConfirmsOnlyWhatWasStored) {
  start_and_poll();
  {
    std::lock_guard lock(mutex);
    hold = true;
  }
  const fakes::VkEvent event = fake.say(kAnna, "привет");
  ASSERT_TRUE(wait([&] { return held.size() == 1; }));
  EXPECT_EQ(fake.pending_events(), 1U);
  held[0](true);
  EXPECT_TRUE(fake.wait_until_confirmed(event.event_id));
}

TEST_F(VkTransportTest, BringsAgainWhatWasNotStored) {
  start_and_poll();
  {
    std::lock_guard lock(mutex);
    refusals = 2;
  }
  fake.say(kAnna, "привет");
  ASSERT_TRUE(wait_for_updates(3));
  EXPECT_EQ(got[0].id, got[1].id);
  EXPECT_EQ(got[1].id, got[2].id);
}

TEST_F(VkTransportTest, GoesOnFromItsPosition) {
  start_and_poll();
  const fakes::VkEvent first = fake.say(kAnna, "one");
  ASSERT_TRUE(wait_for_updates(1));
  ASSERT_TRUE(fake.wait_until_confirmed(first.event_id));
  const std::string stored = position;
  transport.reset();
  ASSERT_TRUE(fake.wait_until_polling(false));
  const fakes::VkEvent second = fake.say(kAnna, "two");
  start(stored);
  ASSERT_TRUE(wait_for_updates(2));
  EXPECT_EQ(said(1).text, "two");
  EXPECT_TRUE(fake.wait_until_confirmed(second.event_id));
}

TEST_F(VkTransportTest, APollThatWaitsForMessagesUnderWayGoesWithTheLastOfThem) {
  settings.poll_wait = seconds(100);
  settings.requests_a_window = 1000;
  hold = true;
  start();
  ASSERT_TRUE(wait([&] { return held.size() == 1; }));  // the place of a new bot
  held[0](true);
  ASSERT_TRUE(fake.wait_until_polling());
  fake.say(kAnna, "раз");
  ASSERT_TRUE(wait([&] { return held.size() == 2; }));
  fakes::VkFault slow;
  slow.kind = "delay";
  slow.method = "messages.send";
  slow.times = 20;
  slow.delay = milliseconds(200);
  fake.fail_next(slow);
  std::vector<std::future<Outcome>> sent;
  for (int i = 0; i < 20; ++i) sent.push_back(deliver_later(calls_of(text("ответ")).front(), i % 2 == 0 ? kAnna : kBoris));
  held[1](true);
  fake.say(kAnna, "два");
  EXPECT_TRUE(wait([&] { return held.size() == 3; }));
  for (auto& one : sent) EXPECT_EQ(one.get().kind, Kind::Sent);
}

TEST_F(VkTransportTest, ABrokenPositionIsNone) {
  start_and_poll("nonsense");
  fake.say(kAnna, "a");
  EXPECT_TRUE(wait_for_updates(1));
}

TEST_F(VkTransportTest, TakesANewKeyWhenTheOldOneExpires) {
  start_and_poll();
  fake.expire_long_poll_key();
  fake.say(kAnna, "a");
  ASSERT_TRUE(wait_for_updates(1));
  EXPECT_EQ(texts(), std::vector<std::string>{"a"});
  EXPECT_EQ(fake.calls("messages.getHistory").size(), 0U);
}

TEST_F(VkTransportTest, FetchesFromTheHistoryWhatWasLost) {
  start_and_poll();
  const fakes::VkEvent first = fake.say(kAnna, "до");
  ASSERT_TRUE(wait_for_updates(1));
  ASSERT_TRUE(fake.wait_until_confirmed(first.event_id));
  fake.lose_next_events(3);
  fake.say(kAnna, "раз");
  fake.say(kBoris, "два");
  fake.say(kAnna, "три");
  ASSERT_TRUE(wait([&] {
    std::set<std::string> ids;
    for (const Incoming& one : got) ids.insert(one.id);
    return ids.size() == 4;
  }));
  // Each dialog's messages are in their order, with the ids that the events would have had.
  std::vector<std::string> annas;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i].chat.chat_id == "5" && (annas.empty() || annas.back() != got[i].id)) annas.push_back(got[i].id);
  }
  EXPECT_THAT(annas.front(), testing::EndsWith(":5:1"));
  EXPECT_THAT(annas.back(), testing::EndsWith(":5:3"));
  fake.say(kAnna, "после");
  ASSERT_TRUE(wait([&] { return !got.empty() && got.back().id.ends_with(":5:4"); }));
  EXPECT_EQ(got.back().person.first_name, "Анна");
}

TEST_F(VkTransportTest, FetchesLostChangesAndPressesAsFarAsTheHistoryHasThem) {
  start_and_poll();
  Message choice = text("Верно?");
  choice.keyboard.kind = Keyboard::Kind::Reply;
  Button pickup;
  pickup.label = "Заберу сам, но не раньше пятницы и не позже вечера";
  choice.keyboard.rows = {{pickup}};
  ASSERT_EQ(send(choice).kind, Kind::Sent);
  Message question = text("Точно?");
  question.keyboard.kind = Keyboard::Kind::Inline;
  Button yes;
  yes.label = "Да";
  yes.action = ButtonAction::Payload;
  yes.payload = "17:0";
  question.keyboard.rows = {{yes}};
  ASSERT_EQ(send(question).kind, Kind::Sent);
  const fakes::VkEvent first = fake.say(kAnna, "в пять");
  const fakes::VkEvent boris = fake.say(kBoris, "в шесть");
  ASSERT_TRUE(wait_for_updates(2));
  ASSERT_TRUE(fake.wait_until_confirmed(boris.event_id));

  fake.lose_next_events(4);
  fake.edit_message(kBoris, boris.cmid, "в семь");  // nothing new was said in this dialog
  fake.edit_message(kAnna, first.cmid, "в восемь");
  fake.press(kAnna, "Да");                                        // a message_event: no history has it
  fake.press(kAnna, "Заберу сам, но не раньше пятницы и не п…");  // a message
  const auto has = [&](const std::string& words, bool edited) {
    return std::any_of(got.begin(), got.end(), [&](const Incoming& one) {
      const auto* what = std::get_if<UserMessage>(&one.event.what);
      return what != nullptr && what->text == words && what->edited == edited;
    });
  };
  ASSERT_TRUE(wait([&] { return has("в семь", true) && has("в восемь", true) && has(pickup.label, false); }));
  const fakes::VkEvent again = fake.press(kAnna, "Да");
  ASSERT_TRUE(wait([&] { return std::holds_alternative<ButtonPress>(got.back().event.what); }));
  EXPECT_TRUE(fake.wait_until_confirmed(again.event_id));
  std::size_t presses = 0;
  for (const Incoming& one : got) presses += std::holds_alternative<ButtonPress>(one.event.what) ? 1U : 0U;
  EXPECT_EQ(presses, 1U);
}

TEST_F(VkTransportTest, ALossInTheQueueIsToldOnceWithWhatBecameOfIt) {
  start_and_poll();
  const fakes::VkEvent first = fake.say(kAnna, "до");
  ASSERT_TRUE(fake.wait_until_confirmed(first.event_id));
  fake.expire_long_poll_key();  // loses nothing
  fake.say(kAnna, "и это");
  ASSERT_TRUE(wait_for_updates(2));
  EXPECT_TRUE(warnings.empty());
  fake.lose_next_events(1);
  fake.say(kBoris, "раз");
  ASSERT_TRUE(wait([&] { return !warnings.empty() && got.size() == 5; }));  // two of them known
  EXPECT_NE(warnings[0].find("VK lost events of its queue"), std::string::npos) << warnings[0];
  // The histories are read a little further back, for the clocks.
  EXPECT_NE(warnings[0].find("histories since then hold 3"), std::string::npos) << warnings[0];

  fail("error", "messages.getConversations", 8, 15);
  fake.lose_long_poll();
  ASSERT_TRUE(wait([&] { return warnings.size() == 2; }));
  EXPECT_NE(warnings[1].find("histories cannot be had: 15 "), std::string::npos) << warnings[1];
  fake.say(kBoris, "два");
  ASSERT_TRUE(wait([&] {
    const auto* what = std::get_if<UserMessage>(&got.back().event.what);
    return what != nullptr && what->text == "два";
  }));
  EXPECT_EQ(warnings.size(), 2U);
  EXPECT_EQ(health.back(), "well");
}

TEST_F(VkTransportTest, AServerThatLosesEventsAllTheTimeIsAskedInPeace) {
  settings.backoff_first = milliseconds(50);
  settings.backoff_most = milliseconds(200);
  settings.requests_a_window = 10'000;
  fakes::VkFault losing;
  losing.kind = "custom";
  losing.method = "longpoll";
  losing.status = 200;
  losing.body = R"({"failed":1,"ts":1})";
  losing.times = 12;
  fake.fail_next(losing);
  const auto began = std::chrono::steady_clock::now();
  start();
  ASSERT_TRUE(wait([&] { return !health.empty() && health.back() == "well"; }));
  ASSERT_TRUE(wait([&] { return warnings.size() == 12; }));
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds(300));
}

TEST_F(VkTransportTest, AChangeHasOneIdByEventAndByHistory) {
  start_and_poll();
  const fakes::VkEvent first = fake.say(kAnna, "в пять");
  fake.edit_message(kAnna, first.cmid, "в восемь");
  ASSERT_TRUE(wait_for_updates(2));
  const std::string id = got[1].id;
  fake.lose_next_events(1);
  fake.say(kBoris, "я тоже");
  ASSERT_TRUE(wait([&] {
    return std::any_of(got.begin(), got.end(), [](const Incoming& one) { return one.chat.chat_id == "6"; });
  }));
  std::set<std::string> changes;
  for (const Incoming& one : got) {
    const auto* what = std::get_if<UserMessage>(&one.event.what);
    if (what != nullptr && what->edited) changes.insert(one.id);
  }
  EXPECT_EQ(changes, std::set<std::string>{id});
}

TEST_F(VkTransportTest, FetchesFromTheHistoryWhenTheQueueIsGone) {
  start_and_poll();
  const fakes::VkEvent first = fake.say(kAnna, "до");
  ASSERT_TRUE(wait_for_updates(1));
  ASSERT_TRUE(fake.wait_until_confirmed(first.event_id));
  const std::string stored = position;
  transport.reset();
  ASSERT_TRUE(fake.wait_until_polling(false));
  fake.say(kBoris, "я писал ночью");
  fake.staff_says(kStaff, kAnna, "Здравствуйте, это Мария");
  fake.lose_long_poll();
  start(stored);
  ASSERT_TRUE(wait([&] {
    bool boris = false;
    bool staff = false;
    for (const Incoming& one : got) {
      boris = boris || one.chat.chat_id == "6";
      staff = staff || std::holds_alternative<StaffMessage>(one.event.what);
    }
    return boris && staff;
  }));
  fake.say(kAnna, "снова");
  EXPECT_TRUE(wait([&] {
    const auto* last = std::get_if<UserMessage>(&got.back().event.what);
    return last != nullptr && last->text == "снова";
  }));
}

TEST_F(VkTransportTest, OutlivesWhatTheNetworkDoes) {
  for (const char* kind : {"server_error", "bad_gateway", "drop", "lost_answer", "truncated", "garbage"}) {
    fail(kind, "longpoll");
    fail(kind, "groups.getById");
    fail(kind, "groups.getLongPollServer");
    fail(kind, "groups.setLongPollSettings");
  }
  start();
  ASSERT_TRUE(fake.wait_for_calls("groups.getLongPollServer", 1));
  ASSERT_TRUE(fake.wait_until_polling());
  fake.say(kAnna, "a");
  ASSERT_TRUE(wait_for_updates(1));
  EXPECT_TRUE(failure.empty());
  for (const std::string& line : health) EXPECT_EQ(line.find(fake.token()), std::string::npos);
}

fakes::VkFault answer_of(const std::string& method, int status, std::string body, int times = 1) {
  fakes::VkFault fault;
  fault.kind = "custom";
  fault.method = method;
  fault.status = status;
  fault.body = std::move(body);
  fault.times = times;
  return fault;
}

TEST_F(VkTransportTest, SlowAndEndlessAnswersEndAtTheirLimitsAndTheBotGoesOn) {
  settings.call_timeout = milliseconds(300);
  settings.poll_time = seconds(1);
  settings.poll_margin = milliseconds(300);
  start_and_poll();
  for (const char* method : {"longpoll", "messages.send"}) {
    fake.control("faults", json{{"kind", "slow_body"}, {"method", method}, {"delay_ms", 1000}, {"piece", 1}}.dump());
  }
  fake.say(kAnna, "раз");
  const std::vector<ApiCall> calls = calls_of(text("один раз"));
  EXPECT_EQ(deliver(calls[0]).kind, Kind::Retry);
  EXPECT_EQ(deliver(calls[0]).kind, Kind::Sent);
  ASSERT_TRUE(wait_for_updates(1));
  fake.fail_next(answer_of("longpoll", 200, std::string(33 << 20, ' ')));
  fake.fail_next(answer_of("messages.send", 200, std::string(33 << 20, ' ')));
  fake.say(kAnna, "два");
  EXPECT_EQ(deliver(calls_of(text("два"))[0]).kind, Kind::Retry);
  ASSERT_TRUE(wait([&] {
    const auto* what = std::get_if<UserMessage>(&got.back().event.what);
    return what != nullptr && what->text == "два";
  }));
  EXPECT_TRUE(failure.empty());
  EXPECT_EQ(fake.messages(kAnna).size(), 1U);
}

TEST_F(VkTransportTest, AStormOfServerErrorsIsOneLineAndGrowingPauses) {
  settings.backoff_first = milliseconds(20);
  settings.backoff_most = milliseconds(400);
  start_and_poll();
  ASSERT_TRUE(wait_for_health(1));
  fake.fail_next(answer_of("longpoll", 502, "<html>Bad Gateway</html>", 6));
  fake.fail_next(answer_of("groups.getLongPollServer", 500, "<html>oops</html>", 2));
  const auto began = std::chrono::steady_clock::now();
  fake.close_connections();
  ASSERT_TRUE(wait_for_health(3));
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds(200));
  EXPECT_EQ(health.size(), 3U);
  EXPECT_EQ(health[1].rfind("ill: ", 0), 0U);
  EXPECT_EQ(health[2], "well");
  fake.say(kAnna, "a");
  EXPECT_TRUE(wait_for_updates(1));
}

TEST_F(VkTransportTest, ANameThatIsNotThereIsToldOnceAndTriedInPeace) {
  settings.api = "http://" + std::string(64, 'a') + ".test";  // no name has such a label: nobody is asked
  settings.backoff_first = milliseconds(10);
  settings.backoff_most = milliseconds(20);
  start();
  ASSERT_TRUE(wait_for_health(1));
  EXPECT_NE(health[0].find("VK cannot be asked"), std::string::npos) << health[0];
  const Outcome outcome = send("a");
  EXPECT_EQ(outcome.kind, Kind::Retry);
  EXPECT_EQ(send("b").kind, Kind::Retry);
  EXPECT_EQ(health.size(), 1U);
  EXPECT_TRUE(failure.empty());
}

TEST_F(VkTransportTest, ARevokedTokenIsToldAndEndsThePolls) {
  fake.revoke_token();
  start();
  ASSERT_TRUE(wait([&] { return !failure.empty(); }));
  EXPECT_NE(failure.find("token of the bot `shop`"), std::string::npos);
  EXPECT_EQ(failure.find(fake.token()), std::string::npos);
}

TEST_F(VkTransportTest, ATokenOfAnotherCommunityIsToldAtOnce) {
  settings.group = 999;
  start();
  ASSERT_TRUE(wait([&] { return !failure.empty(); }));
  EXPECT_EQ(failure, "the token of the bot `shop` is of the community 123456, not of 999");
}

TEST_F(VkTransportTest, EventsDoNotWaitForNamesThatDoNotCome) {
  settings.names_wait = milliseconds(20);
  fakes::VkFault slow;
  slow.kind = "delay";
  slow.method = "users.get";
  slow.delay = milliseconds(3'000);
  fake.fail_next(slow);
  start_and_poll();
  fake.say(kAnna, "a");
  ASSERT_TRUE(wait_for_updates(1));
  EXPECT_EQ(got[0].person.id, "5");
  EXPECT_EQ(got[0].person.first_name, "");
}

TEST_F(VkTransportTest, EventsGoOnWithoutNamesThatAreRefused) {
  fail("error", "users.get", 1, 15);
  start_and_poll();
  fake.say(kAnna, "a");
  ASSERT_TRUE(wait_for_updates(1));
  EXPECT_EQ(got[0].person.first_name, "");
}

TEST_F(VkTransportTest, KnowsStaffFromItsOwnEchoAndFromMailings) {
  start_and_poll();
  fake.say(kAnna, "привет");
  ASSERT_EQ(send("Здравствуйте").kind, Kind::Sent);
  fake.mailing_says(kAnna, "Скидки!");
  fake.staff_says(kStaff, kAnna, "Это Мария, чем помочь?");
  ASSERT_TRUE(wait_for_updates(2));
  const fakes::VkEvent last = fake.say(kAnna, "конец");
  ASSERT_TRUE(wait_for_updates(3));
  ASSERT_EQ(got.size(), 3U);
  const auto* staff = std::get_if<StaffMessage>(&got[1].event.what);
  ASSERT_NE(staff, nullptr);
  EXPECT_EQ(staff->text, "Это Мария, чем помочь?");
  EXPECT_EQ(staff->staff_id, "77");
  EXPECT_EQ(got[1].chat.chat_id, "5");
  EXPECT_EQ(got[1].person.id, "5");
  EXPECT_EQ(said(2).text, "конец");
}

TEST_F(VkTransportTest, HearsTheStartButtonEditsAndPermissions) {
  start_and_poll();
  fake.start(kAnna);
  ASSERT_TRUE(wait_for_updates(1));
  EXPECT_EQ(said(0).text, "/start");
  const fakes::VkEvent first = fake.say(kAnna, "два");
  fake.edit_message(kAnna, first.cmid, "три");
  fake.deny(kAnna);
  fake.allow(kAnna);
  ASSERT_TRUE(wait_for_updates(5));
  EXPECT_EQ(said(2).text, "три");
  EXPECT_TRUE(said(2).edited);
  EXPECT_FALSE(std::get<Reachability>(got[3].event.what).reachable);
  EXPECT_TRUE(std::get<Reachability>(got[4].event.what).reachable);
}

TEST_F(VkTransportTest, EventsThatMeanNothingAreConfirmed) {
  start_and_poll();
  const fakes::VkEvent odd = fake.push_event("wall_post_new", R"({"id":1})");
  EXPECT_TRUE(fake.wait_until_confirmed(odd.event_id));
  fake.say(kAnna, "a");
  ASSERT_TRUE(wait_for_updates(1));
  EXPECT_EQ(got.size(), 1U);
}

TEST_F(VkTransportTest, ReceivesNoMoreAfterTheStop) {
  start_and_poll();
  transport->stop_receiving();
  transport->stop_receiving();
  EXPECT_TRUE(fake.wait_until_polling(false));
  EXPECT_EQ(send("ещё слышно?").kind, Kind::Sent);
}

// ------------------------------------------------------------------- sending

TEST_F(VkTransportTest, SendsWithTheKeyOfTheStoredCall) {
  const Outcome outcome = send("привет [id1|x]");
  EXPECT_EQ(outcome.kind, Kind::Sent);
  const auto sent = fake.messages(kAnna);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].random_id, 1001);
  EXPECT_EQ(outcome.message_id, std::to_string(sent[0].message_id));
}

TEST_F(VkTransportTest, ALostAnswerIsRepeatedAndSeenOnce) {
  const std::vector<ApiCall> calls = calls_of(text("один раз"));
  fail("lost_answer", "messages.send");
  EXPECT_EQ(deliver(calls[0]).kind, Kind::Retry);
  fail("garbage", "messages.send");
  EXPECT_EQ(deliver(calls[0]).kind, Kind::Retry);
  EXPECT_EQ(deliver(calls[0]).kind, Kind::Sent);
  EXPECT_EQ(fake.messages(kAnna).size(), 1U);
}

TEST_F(VkTransportTest, StopsRepeatingBeforeVkForgetsTheKey) {
  std::int64_t now = 1'790'000'000'000;
  settings.now = [&] { return now; };
  const std::vector<ApiCall> calls = calls_of(text("раз"));
  fail("lost_answer", "messages.send", 3);
  EXPECT_EQ(deliver(calls[0]).kind, Kind::Retry);
  now += 49 * 60'000;
  EXPECT_EQ(deliver(calls[0]).kind, Kind::Retry);
  now += 2 * 60'000;
  EXPECT_EQ(deliver(calls[0]).kind, Kind::Unknown);
}

TEST_F(VkTransportTest, TreatsRefusalsByTheirMeaning) {
  const auto refused = [&](int code) {
    fail("error", "messages.send", 1, code);
    return send("a");
  };
  EXPECT_EQ(refused(10).kind, Kind::Retry);
  EXPECT_GE(refused(9).after.ms, 60'000);
  EXPECT_EQ(refused(914).kind, Kind::Failed);
  EXPECT_EQ(refused(911).kind, Kind::Failed);
  for (const int code : {18, 900, 901, 902, 917}) {
    const Outcome outcome = refused(code);
    EXPECT_EQ(outcome.kind, Kind::Failed) << code;
    EXPECT_TRUE(outcome.unreachable) << code;
  }
}

TEST_F(VkTransportTest, AnUnreachablePersonIsToldAsSuch) {
  fake.refuse_messages(kAnna, 902);
  const Outcome outcome = send("a");
  EXPECT_EQ(outcome.kind, Kind::Failed);
  EXPECT_TRUE(outcome.unreachable);
}

TEST_F(VkTransportTest, ACaptchaWaitsForTheOperatorAndIsTold) {
  start_and_poll();
  fail("captcha", "messages.send");
  const Outcome outcome = send("a");
  EXPECT_EQ(outcome.kind, Kind::Retry);
  EXPECT_GE(outcome.after.ms, 60'000);
  ASSERT_TRUE(wait_for_health(2));
  EXPECT_EQ(health[1].rfind("ill: VK waits for the operator", 0), 0U);
  ASSERT_EQ(send("b").kind, Kind::Sent);
  ASSERT_TRUE(wait_for_health(3));
  EXPECT_EQ(health[2], "well");
}

TEST_F(VkTransportTest, ATokenRevokedWhileSendingEndsTheService) {
  start_and_poll();
  fake.revoke_token();
  const Outcome outcome = send("a");
  EXPECT_EQ(outcome.kind, Kind::Retry);
  ASSERT_TRUE(wait([&] { return !failure.empty(); }));
  EXPECT_EQ(failure.find(fake.token()), std::string::npos);
  EXPECT_EQ(outcome.reason.find(fake.token()), std::string::npos);
}

TEST_F(VkTransportTest, SendsWithoutAKeyboardWhereTheCommunityTakesNone) {
  start_and_poll();
  fail("error", "messages.send", 1, 912);
  Message message = text("Выбирайте");
  message.keyboard.kind = Keyboard::Kind::Reply;
  Button yes;
  yes.label = "Да";
  message.keyboard.rows = {{yes}};
  EXPECT_EQ(send(message).kind, Kind::Sent);
  ASSERT_EQ(fake.messages(kAnna).size(), 1U);
  EXPECT_TRUE(fake.messages(kAnna)[0].keyboard.empty());
  ASSERT_TRUE(wait_for_health(2));
  EXPECT_NE(health[1].find("switch on the bot capabilities"), std::string::npos);
}

TEST_F(VkTransportTest, AKeyboardIsSeenAndPressed) {
  start_and_poll();
  Message message = text("Как доставить?");
  message.keyboard.kind = Keyboard::Kind::Reply;
  Button far;
  far.label = "Доставка до двери курьером в пределах кольцевой дороги";
  Button near;
  near.label = "Сам";
  message.keyboard.rows = {{far}, {near}};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  fake.press(kAnna, "Доставка до двери курьером в пределах к…");
  fake.press(kAnna, "Сам");
  ASSERT_TRUE(wait_for_updates(2));
  EXPECT_EQ(said(0).text, far.label);
  EXPECT_EQ(said(1).text, "Сам");
}

TEST_F(VkTransportTest, APressIsHeardAndAnswered) {
  start_and_poll();
  Message message = text("Верно?");
  message.keyboard.kind = Keyboard::Kind::Inline;
  Button yes;
  yes.label = "Да";
  yes.action = ButtonAction::Payload;
  yes.payload = "17:0";
  message.keyboard.rows = {{yes}};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  const fakes::VkEvent event = fake.press(kAnna, "Да");
  ASSERT_TRUE(wait_for_updates(1));
  const auto* press = std::get_if<ButtonPress>(&got[0].event.what);
  ASSERT_NE(press, nullptr);
  EXPECT_EQ(press->payload, "17:0");
  EXPECT_EQ(deliver(transport->render_press_answer({"vk", "5"}, press->press_id, "Записал")).kind, Kind::Sent);
  EXPECT_EQ(json::parse(fake.callback_answer(event.callback_id)),
            (json{{"type", "show_snackbar"}, {"text", "Записал"}}));
  // A forged press is of no button of ours.
  fake.press_payload(kAnna, R"({"button":"x"})");
  ASSERT_TRUE(wait_for_updates(2));
  EXPECT_EQ(std::get<ButtonPress>(got[1].event.what).payload, R"({"button":"x"})");
}

TEST_F(VkTransportTest, ShowsTyping) {
  Message message = text("думаю");
  message.typing = Duration{3000};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(fake.typing_shown(kAnna), 1U);
}

TEST_F(VkTransportTest, KeepsToTheRateAndPutsWaitingCallsTogether) {
  settings.requests_a_window = 4;
  settings.window = milliseconds(300);
  constexpr int kPeople = 60;
  std::vector<std::future<Outcome>> outcomes;
  for (int i = 0; i < kPeople; ++i) {
    const std::int64_t person = 1000 + i;
    fake.add_user({person, "Кто-то", "", {}}, true);
    outcomes.push_back(deliver_later(calls_of(text("привет " + std::to_string(i)), person)[0], person));
  }
  for (auto& outcome : outcomes) EXPECT_EQ(outcome.get().kind, Kind::Sent);
  for (int i = 0; i < kPeople; ++i) {
    const auto sent = fake.messages(1000 + i);
    ASSERT_EQ(sent.size(), 1U) << i;
    EXPECT_EQ(sent[0].text, "привет " + std::to_string(i));
  }
  const auto executes = fake.calls("execute");
  EXPECT_EQ(executes.size(), 3U);  // 56 calls that had to wait, 25 at a time
}

TEST_F(VkTransportTest, GivesEachCallOfAnExecuteItsOwnOutcome) {
  settings.requests_a_window = 1;
  settings.window = milliseconds(200);
  fake.refuse_messages(2001, 900);
  std::vector<std::future<Outcome>> outcomes;
  for (std::int64_t person = 2000; person < 2004; ++person) {
    fake.add_user({person, "Кто-то", "", {}}, true);
    outcomes.push_back(deliver_later(calls_of(text("a"), person)[0], person));
  }
  EXPECT_EQ(outcomes[0].get().kind, Kind::Sent);
  const Outcome refused = outcomes[1].get();
  EXPECT_EQ(refused.kind, Kind::Failed);
  EXPECT_TRUE(refused.unreachable);
  EXPECT_EQ(outcomes[2].get().message_id, std::to_string(fake.messages(2002).at(0).message_id));
  EXPECT_EQ(outcomes[3].get().kind, Kind::Sent);
  EXPECT_EQ(fake.calls("execute").size(), 1U);
}

TEST_F(VkTransportTest, AnExecuteWithoutAnAnswerIsRepeatedWithoutHarm) {
  settings.requests_a_window = 1;
  settings.window = milliseconds(100);
  fail("lost_answer", "execute");
  std::vector<ApiCall> calls;
  std::vector<std::future<Outcome>> outcomes;
  for (std::int64_t person = 3000; person < 3004; ++person) {
    fake.add_user({person, "Кто-то", "", {}}, true);
    calls.push_back(calls_of(text("раз"), person)[0]);
    outcomes.push_back(deliver_later(calls.back(), person));
  }
  EXPECT_EQ(outcomes[0].get().kind, Kind::Sent);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(outcomes[i].get().kind, Kind::Retry);
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(deliver(calls[i], 3000 + static_cast<std::int64_t>(i)).kind, Kind::Sent);
    EXPECT_EQ(fake.messages(3000 + static_cast<std::int64_t>(i)).size(), 1U);
  }
}

TEST_F(VkTransportTest, CallsOfAnExecuteThatIsRefusedGoAlone) {
  settings.requests_a_window = 1;
  settings.window = milliseconds(50);
  fail("error", "execute", 1, 12);
  std::vector<std::future<Outcome>> outcomes;
  for (std::int64_t person = 4000; person < 4004; ++person) {
    fake.add_user({person, "Кто-то", "", {}}, true);
    outcomes.push_back(deliver_later(calls_of(text("раз"), person)[0], person));
  }
  for (auto& outcome : outcomes) EXPECT_EQ(outcome.get().kind, Kind::Sent);
  for (std::int64_t person = 4000; person < 4004; ++person) EXPECT_EQ(fake.messages(person).size(), 1U);
}

TEST_F(VkTransportTest, TwoMessagesToOneDialogNeverShareAnExecute) {
  settings.requests_a_window = 1;
  settings.window = milliseconds(50);
  std::vector<std::future<Outcome>> outcomes;
  for (int i = 0; i < 4; ++i) outcomes.push_back(deliver_later(calls_of(text(std::to_string(i)))[0]));
  for (auto& outcome : outcomes) EXPECT_EQ(outcome.get().kind, Kind::Sent);
  EXPECT_EQ(fake.calls("execute").size(), 0U);
  EXPECT_EQ(fake.messages(kAnna).size(), 4U);
}

TEST_F(VkTransportTest, AnUnreachablePersonIsToldWhenTheFileIsBrought) {
  Message message;
  message.attachments = {file("a.png", fakes::make_png(8, 8))};
  fail("error", "photos.getMessagesUploadServer", 1, 901);
  const Outcome outcome = send(message);
  EXPECT_EQ(outcome.kind, Kind::Failed);
  EXPECT_TRUE(outcome.unreachable);
}

TEST_F(VkTransportTest, CallsThatWaitAreGivenUpWithTheTransport) {
  settings.requests_a_window = 1;
  settings.window = milliseconds(60'000);
  std::vector<std::future<Outcome>> outcomes;
  for (int i = 0; i < 3; ++i) outcomes.push_back(deliver_later(calls_of(text(std::to_string(i)))[0]));
  EXPECT_EQ(outcomes[0].get().kind, Kind::Sent);
  transport.reset();
  EXPECT_EQ(outcomes[1].get().kind, Kind::Retry);
  EXPECT_EQ(outcomes[2].get().kind, Kind::Retry);
}

TEST_F(VkTransportTest, RestsWhenVkSaysItIsTooFast) {
  fail("rate_limit", "messages.send");
  const std::vector<ApiCall> calls = calls_of(text("a"));
  const Outcome outcome = deliver(calls[0]);
  EXPECT_EQ(outcome.kind, Kind::Retry);
  EXPECT_EQ(outcome.after.ms, 1000);
  EXPECT_FALSE(outcome.whole_bot);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(deliver(calls[0]).kind, Kind::Sent);
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds(900));
}

// ------------------------------------------------------------------- files

TEST_F(VkTransportTest, UploadsAFileOnceAndUsesItAgain) {
  const std::string png = fakes::make_png(20, 10);
  Message message = text("вот");
  message.attachments = {file("a.png", png)};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  ASSERT_EQ(send(message, kBoris).kind, Kind::Sent);
  const auto sent = fake.messages(kAnna);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].text, "вот");
  ASSERT_EQ(sent[0].attachments.size(), 1U);
  EXPECT_EQ(sent[0].attachments[0].kind, "photo");
  EXPECT_EQ(fake.file_bytes(sent[0].attachments[0].id), png);
  EXPECT_EQ(fake.messages(kBoris).at(0).attachments.at(0).id, sent[0].attachments[0].id);
  EXPECT_EQ(fake.calls("photos.saveMessagesPhoto").size(), 1U);
  // Another content is another file.
  message.attachments = {file("a.png", fakes::make_png(30, 30))};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(fake.calls("photos.saveMessagesPhoto").size(), 2U);
}

TEST_F(VkTransportTest, SendsDocumentsWithTheirNames) {
  Message message = text("Смета");
  message.attachments = {file("смета.pdf", "%PDF-1.4 test", AttachmentKind::Document)};
  Attachment history;
  history.kind = AttachmentKind::Document;
  history.origin = "text";
  history.reference = "переписка";
  history.name = "talk.txt";
  message.attachments.push_back(history);
  ASSERT_EQ(send(message).kind, Kind::Sent);
  const auto files = fake.messages(kAnna).at(0).attachments;
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].kind, "doc");
  EXPECT_EQ(files[0].name, "смета.pdf");
  EXPECT_EQ(fake.file_bytes(files[1].id), "переписка");
}

TEST_F(VkTransportTest, ADigestHoldsTenFilesAndGoesOn) {
  Message message = text("Заказ №5");
  for (int i = 0; i < 12; ++i) message.attachments.push_back(file("p" + std::to_string(i) + ".png", fakes::make_png(8 + i, 8)));
  ASSERT_EQ(send(message).kind, Kind::Sent);
  const auto sent = fake.messages(kAnna);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].text, "Заказ №5");
  EXPECT_EQ(sent[0].attachments.size(), 10U);
  EXPECT_EQ(sent[1].attachments.size(), 2U);
  EXPECT_EQ(sent[1].text, "");
}

TEST_F(VkTransportTest, SendsOnWhatAPersonSent) {
  start_and_poll();
  fakes::VkUpload photo;
  fakes::VkUpload document{"doc", "смета", "a.txt"};
  fakes::VkUpload voice{"audio_message", {}, {}};
  fake.send_files(kAnna, {photo, document, voice}, "три файла");
  ASSERT_TRUE(wait_for_updates(1));
  const UserMessage message = said(0);
  ASSERT_EQ(message.attachments.size(), 3U);
  EXPECT_EQ(message.text, "три файла");
  EXPECT_EQ(message.attachments[0].kind, AttachmentKind::Photo);
  EXPECT_EQ(message.attachments[1].kind, AttachmentKind::Document);
  EXPECT_EQ(message.attachments[1].name, "a.txt");
  EXPECT_EQ(message.attachments[2].kind, AttachmentKind::Voice);
  EXPECT_EQ(fetch(message.attachments[1]).first, "смета");
  EXPECT_EQ(fetch(message.attachments[1], 3).second.empty(), false);

  Message digest = text("Заказ");
  digest.attachments = message.attachments;
  ASSERT_EQ(send(digest, kBoris).kind, Kind::Sent);
  const auto sent = fake.messages(kBoris).at(0);
  EXPECT_EQ(sent.attachments.size(), 3U);
  EXPECT_EQ(fake.calls("upload").size(), 0U);
}

TEST_F(VkTransportTest, AnAddressThatExpiredIsAskedForAnewAtItsMessage) {
  start_and_poll();
  fakes::VkUpload document{"doc", "смета", "a.txt"};
  const fakes::VkEvent event = fake.send_files(kAnna, {{}, document, {"audio_message", "OggS", {}}}, "вот");
  ASSERT_TRUE(wait_for_updates(1));
  const std::vector<Attachment> files = said(0).attachments;
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(fetch(files[1]).first, "смета");
  EXPECT_EQ(fake.calls("messages.getByConversationMessageId").size(), 0U);
  fake.advance_clock(std::chrono::hours(48));
  EXPECT_EQ(fetch(files[1]), std::make_pair(std::string("смета"), std::string()));
  EXPECT_EQ(fetch(files[2]).first, "OggS");
  EXPECT_EQ(fake.calls("messages.getByConversationMessageId").size(), 2U);
  for (const int status : {403, 404, 410}) {
    fakes::VkFault gone;
    gone.kind = "custom";
    gone.method = "file";
    gone.status = status;
    gone.body = "no";
    fake.fail_next(gone);
    // The second address, of the same instant, works.
    EXPECT_EQ(fetch(files[1]).first, "смета") << status;
  }
  // Once is enough: a server that refuses goes on refusing.
  fakes::VkFault refusing;
  refusing.kind = "custom";
  refusing.method = "file";
  refusing.status = 403;
  refusing.body = "no";
  refusing.times = 2;
  fake.fail_next(refusing);
  EXPECT_EQ(fetch(files[1]).second, "HTTP 403");
  fake.delete_message(kAnna, event.cmid);
  const auto gone = fetch(files[1]);
  EXPECT_EQ(gone.first, "");
  EXPECT_NE(gone.second.find("expired"), std::string::npos) << gone.second;
  fail("error", "messages.getByConversationMessageId", 1, 15);
  EXPECT_NE(fetch(files[1]).second.find("15 "), std::string::npos);
}

TEST_F(VkTransportTest, BringsFilesOfOtherPlatformsOver) {
  const std::string png = fakes::make_png(8, 8);
  settings.fetch_elsewhere = [&](const Attachment& wanted, std::size_t,
                                 std::function<void(std::string, std::string)> done) {
    if (wanted.reference == "AgAC") return done(png, {});
    done({}, "gone");
  };
  Attachment photo;
  photo.kind = AttachmentKind::Photo;
  photo.origin = "telegram";
  photo.reference = "AgAC";
  Attachment lost = photo;
  lost.reference = "BQAC";
  lost.name = "чек.jpg";
  Message message = text("Заказ");
  message.attachments = {photo, lost, photo};
  // A message is worth more than one of its files.
  ASSERT_EQ(send(message).kind, Kind::Sent);
  const auto sent = fake.messages(kAnna).at(0);
  EXPECT_EQ(sent.attachments.size(), 2U);
  EXPECT_EQ(sent.text, "Заказ\n\n📎 чек.jpg ✗");
  EXPECT_EQ(fake.calls("photos.saveMessagesPhoto").size(), 1U);  // the same bytes
}

TEST_F(VkTransportTest, EveryKindOfFileOfAnotherPlatformGoesOver) {
  settings.fetch_elsewhere = [&](const Attachment& wanted, std::size_t,
                                 std::function<void(std::string, std::string)> done) {
    done((wanted.kind == AttachmentKind::Voice ? "OggS" : "RIFF") + (" bytes of " + wanted.reference), {});
  };
  using K = AttachmentKind;
  for (const auto& [kind, type] : std::vector<std::pair<K, std::string>>{{K::Voice, "audio_message"},
                                                                         {K::Audio, "doc"},
                                                                         {K::Video, "doc"},
                                                                         {K::Document, "doc"},
                                                                         {K::Sticker, "doc"}}) {
    Attachment one;
    one.kind = kind;
    one.origin = "telegram";
    one.reference = "AwAC" + std::to_string(static_cast<int>(kind));
    if (kind == K::Document) one.name = "смета.pdf";
    Message message;
    message.attachments = {one};
    ASSERT_EQ(send(message).kind, Kind::Sent);
    const auto sent = fake.messages(kAnna).back();
    ASSERT_EQ(sent.attachments.size(), 1U) << sent.text;
    EXPECT_EQ(sent.attachments[0].kind, type);
    if (kind == K::Audio) {
      EXPECT_EQ(sent.attachments[0].name, "audio.mpga");  // VK takes no mp3
    }
  }
}

TEST_F(VkTransportTest, AnswersAMessageAndSendsNonethelessWhenItIsGone) {
  start_and_poll();
  const auto event = fake.say(kAnna, "где заказ?");
  ASSERT_TRUE(wait_for_updates(1));
  Message message = text("уже везём");
  message.reply_to = said(0).message_id;
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(fake.messages(kAnna).at(0).reply_to, event.cmid);
  message.reply_to = "c" + std::to_string(event.cmid);
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(fake.messages(kAnna).at(1).reply_to, event.cmid);
  fake.delete_message(kAnna, event.cmid);
  for (const std::string& gone : {said(0).message_id, message.reply_to}) {
    message.reply_to = gone;
    ASSERT_EQ(send(message).kind, Kind::Sent) << gone;
    EXPECT_EQ(fake.messages(kAnna).back().reply_to, 0);
  }
  EXPECT_EQ(fake.messages(kAnna).size(), 4U);
}

TEST_F(VkTransportTest, AFailedUploadIsTriedAgain) {
  Message message;
  message.attachments = {file("a.png", fakes::make_png(8, 8))};
  for (const char* step : {"photos.getMessagesUploadServer", "upload", "photos.saveMessagesPhoto"}) {
    fail("server_error", step);
    message.attachments[0] = file("a.png", fakes::make_png(8, 9) + std::string(step));
    EXPECT_EQ(send(message).kind, Kind::Sent) << step;
  }
  fail("error", "photos.saveMessagesPhoto", 1, 129);
  message.attachments[0] = file("a.png", fakes::make_png(9, 9));
  EXPECT_EQ(send(message).kind, Kind::Sent);
}

TEST_F(VkTransportTest, APictureThatIsNoneGoesAsADocument) {
  Message message = text("стикер");
  message.attachments = {file("a.webp", "RIFF....WEBPVP8 ", AttachmentKind::Sticker)};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(fake.messages(kAnna).at(0).attachments.at(0).kind, "doc");
}

TEST_F(VkTransportTest, SendsAFileOfAStoredVersionByItsContent) {
  stored["h1"] = fakes::make_png(12, 8);
  Message message = text("меню");
  message.attachments = {stored_file("h1", "menu.png")};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(fake.messages(kAnna).at(0).attachments.at(0).kind, "photo");
  message.attachments = {stored_file("h2", "other.png")};
  stored.erase("h2");
  const Outcome gone = send(message);
  EXPECT_EQ(gone.kind, Kind::Failed);
  EXPECT_THAT(gone.reason, testing::AllOf(testing::HasSubstr("other.png"), testing::HasSubstr("not stored any more")));
}

TEST_F(VkTransportTest, SendsNothingFromOutsideTheScenario) {
  std::ofstream(folder / "secret.txt") << "пароль";
  for (const char* reference : {"../secret.txt", "/etc/passwd", "missing.txt", "", "."}) {
    Attachment attachment;
    attachment.origin = "scenario";
    attachment.reference = reference;
    Message message;
    message.attachments = {attachment};
    EXPECT_EQ(send(message).kind, Kind::Failed) << reference;
  }
  EXPECT_TRUE(fake.messages(kAnna).empty());
}

// ------------------------------------------------------------------- calls to our address

const char* const kMessage =
    R"({"message":{"id":1,"conversation_message_id":2,"date":1700000000,"from_id":5,"peer_id":5,"out":0,"text":"привет"}})";

TEST_F(VkTransportTest, AnswersOkOnlyWhenTheEventIsStored) {
  callback_mode();
  start_by_hand();
  hold = true;
  auto answer = std::async(std::launch::async, [&] { return post(event("message_new", kMessage)); });
  ASSERT_TRUE(wait([&] { return held.size() == 1; }));
  EXPECT_EQ(answer.wait_for(milliseconds(20)), std::future_status::timeout);
  held[0](true);
  const WebhookAnswer given = answer.get();
  EXPECT_EQ(given.status, 200);
  EXPECT_EQ(given.body, "ok");
  EXPECT_THAT(got[0].id, testing::EndsWith(":5:2"));
  EXPECT_EQ(got[0].person.first_name, "Анна");
  EXPECT_EQ(health, std::vector<std::string>{"well"});
}

TEST_F(VkTransportTest, AsksToComeAgainWhenStoringFails) {
  callback_mode();
  start_by_hand();
  refusals = 1;
  const WebhookAnswer refused = post(event("message_new", kMessage));
  EXPECT_EQ(refused.status, 503);
  EXPECT_GT(refused.retry_after.count(), 0);
  EXPECT_LT(refused.retry_after, std::chrono::hours(3));  // else VK goes by its own pauses
  EXPECT_EQ(transport->retry_after_form(), RetryAfterForm::Date);
  EXPECT_EQ(post(event("message_new", kMessage)).body, "ok");
}

TEST_F(VkTransportTest, TakesNothingWithoutTheSecret) {
  callback_mode();
  start();
  for (const char* secret : {"", "S3cret", "s3cre", "s3crets", "s3crets3cret"}) {
    EXPECT_EQ(post(event("message_new", kMessage, secret)).status, 403) << secret;
    EXPECT_EQ(post(event("confirmation", "{}", secret)).status, *secret == '\0' ? 200 : 403) << secret;
    EXPECT_EQ(post(event("wall_post_new", "{}", secret)).status, 403) << secret;
  }
  json without = json::parse(event("message_new", kMessage));
  without.erase("secret");
  EXPECT_EQ(post(without.dump()).status, 403);
  for (const std::string& body : {std::string(), std::string("null"), std::string("[1]"), std::string(10'000, '['),
                                  std::string(10'000'000, 'x'), R"({"secret":)" + std::string(10'000, '{')}) {
    EXPECT_EQ(post(body).status, 403);
  }
  json other = json::parse(event("message_new", kMessage));
  other["group_id"] = 7;
  EXPECT_EQ(post(other.dump()).status, 403);
  EXPECT_TRUE(got.empty());
}

TEST_F(VkTransportTest, ConfirmsTheAddressOfItsOwnCommunityOnly) {
  callback_mode();
  start();
  EXPECT_EQ(post(event("confirmation", "{}")).body, "c0nf");
  EXPECT_EQ(post(R"({"type":"confirmation","group_id":123456})").body, "c0nf");
  EXPECT_EQ(post(R"({"type":"confirmation","group_id":123457})").status, 403);
  EXPECT_EQ(post(R"({"type":"confirmation"})").status, 403);
  json other = json::parse(event("confirmation", "{}"));
  other["group_id"] = 7;
  EXPECT_EQ(post(other.dump()).status, 403);
  EXPECT_NE(post(other.dump()).body, "c0nf");
}

TEST_F(VkTransportTest, SaysOkToWhatItDoesNotUse) {
  callback_mode();
  start();
  EXPECT_EQ(post(event("wall_post_new", R"({"id":1})")).body, "ok");
  EXPECT_EQ(post(event("message_new", R"({"message":{}})")).body, "ok");
  EXPECT_TRUE(got.empty());
}

TEST_F(VkTransportTest, AsksToComeAgainBeforeTheStartAndAfterTheStop) {
  callback_mode();
  make();
  EXPECT_EQ(post(event("message_new", kMessage)).status, 503);
  start();
  EXPECT_EQ(post(event("message_new", kMessage)).status, 200);
  transport->stop_receiving();
  EXPECT_EQ(post(event("message_new", kMessage)).status, 503);
}

TEST_F(VkTransportTest, TheLongPollTakesNoCalls) {
  start();
  EXPECT_EQ(post(event("message_new", kMessage)).status, 404);
}

TEST_F(VkTransportTest, SetsItsAddressUpAndTakesItAway) {
  callback_mode();
  settings.confirmation.clear();
  settings.remove_webhook = true;
  settings.webhook_url = listen();
  start();
  ASSERT_TRUE(wait_for_health(1));
  EXPECT_EQ(health[0], "well");
  ASSERT_EQ(fake.calls("groups.addCallbackServer").size(), 1U);
  fake.say(kAnna, "привет");
  ASSERT_TRUE(wait_for_updates(1));
  EXPECT_EQ(said(0).text, "привет");
  EXPECT_TRUE(wait([&] { return !got.empty() && got[0].person.first_name == "Анна"; }));
  transport->stop_receiving();
  EXPECT_TRUE(fake.wait_for_calls("groups.deleteCallbackServer", 1));
}

TEST_F(VkTransportTest, UsesAnAddressThatIsSetUpAlready) {
  callback_mode();
  settings.confirmation.clear();
  settings.webhook_url = listen();
  start();
  ASSERT_TRUE(wait_for_health(1));
  transport.reset();
  health.clear();
  start();
  ASSERT_TRUE(wait_for_health(1));
  EXPECT_EQ(fake.calls("groups.addCallbackServer").size(), 1U);
  EXPECT_EQ(fake.calls("groups.deleteCallbackServer").size(), 0U);
  fake.say(kAnna, "привет");
  EXPECT_TRUE(wait_for_updates(1));
}

TEST_F(VkTransportTest, SetsItsAddressUpAnewWhenVkGotNoConfirmation) {
  callback_mode();
  settings.confirmation.clear();
  settings.webhook_url = "http://127.0.0.1:1/vk/shop";  // nobody is there
  start();
  ASSERT_TRUE(wait_for_health(1));
  EXPECT_NE(health[0].find("may not be reachable"), std::string::npos);
  // It is tried again, with a server in the place of the one that failed.
  EXPECT_TRUE(fake.wait_for_calls("groups.deleteCallbackServer", 1));
  EXPECT_TRUE(fake.wait_for_calls("groups.addCallbackServer", 2));
}

TEST_F(VkTransportTest, GivesAnAddressThatIsThereItsOwnSecret) {
  callback_mode();
  settings.confirmation.clear();
  settings.webhook_url = listen();
  make();
  fake.add_webhook(settings.webhook_url, "old secret");
  start();
  ASSERT_TRUE(wait_for_health(1));
  EXPECT_EQ(fake.calls("groups.addCallbackServer").size(), 0U);
  EXPECT_EQ(fake.calls("groups.editCallbackServer").size(), 1U);
  ASSERT_TRUE(wait([&] { return health.back() == "well"; }));
  fake.say(kAnna, "привет");
  EXPECT_TRUE(wait_for_updates(1));
}

TEST_F(VkTransportTest, AMessageHasOneIdByEitherWay) {
  start_and_poll();
  const fakes::VkEvent event = fake.say(kAnna, "привет");
  ASSERT_TRUE(wait_for_updates(1));
  transport.reset();
  callback_mode();
  settings.confirmation.clear();
  settings.webhook_url = listen();
  const std::string stored = position;
  health.clear();
  start(stored);
  ASSERT_TRUE(wait_for_health(1));
  const json servers = json::parse(fake.calls("groups.addCallbackServer").at(0).result);
  const std::int64_t server = servers.value("server_id", servers.value("response", json::object()).value("server_id", 0));
  fake.replay(event.event_id, server);
  ASSERT_TRUE(wait_for_updates(2));
  EXPECT_EQ(got[0].id, got[1].id);
}

TEST_F(VkTransportTest, WhatVkGaveUpOnIsFetchedFromTheHistories) {
  fake.control("options", R"({"callback_time_scale":0.0001,"suspend_after":0})");  // gives up after 0.6 s
  std::atomic<std::int64_t> hours{0};
  settings.now = [&] {
    return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count() +
           hours * 3'600'000;
  };
  set_up_by_itself();
  start();
  ASSERT_TRUE(wait([&] { return !health.empty(); }));
  fake.say(kAnna, "до");
  ASSERT_TRUE(wait_for_texts({"до"}));
  down = true;
  transport.reset();
  std::vector<std::string> ids;
  for (const auto& [who, what] : std::vector<std::pair<std::int64_t, std::string>>{
           {kAnna, "раз"}, {kBoris, "два"}, {kAnna, "три"}, {kBoris, "четыре"}}) {
    ids.push_back(fake.say(who, what).event_id);
  }
  for (const std::string& id : ids) ASSERT_TRUE(fake.wait_for_delivery(id, 6));
  for (const auto& delivery : fake.deliveries()) {
    if (delivery.event_id != ids[0]) continue;
    EXPECT_TRUE(delivery.given_up);
  }
  hours = 3;
  start(position);
  down = false;
  EXPECT_TRUE(wait_for_texts({"до", "раз", "три"})) << testing::PrintToString(texts_once());
  EXPECT_TRUE(wait_for_texts({"два", "четыре"}, kBoris)) << testing::PrintToString(texts_once(kBoris));
  fake.say(kBoris, "пять");
  EXPECT_TRUE(wait_for_texts({"два", "четыре", "пять"}, kBoris)) << testing::PrintToString(texts_once(kBoris));
  EXPECT_EQ(warnings, std::vector<std::string>());
}

TEST_F(VkTransportTest, AfterAShortPauseVkItselfBringsWhatWasWritten) {
  callback_mode();
  settings.now = [] { return std::int64_t{1'700'000'009'000}; };
  start(R"({"ts":"","at":1700000000000})");
  EXPECT_EQ(post(event("message_new", kMessage)).body, "ok");
  EXPECT_EQ(fake.calls("messages.getConversations").size(), 0U);
}

TEST_F(VkTransportTest, WhatComesWhileTheHistoriesAreReadComesAfterThem) {
  fake.say(kAnna, "раз");
  fake.say(kAnna, "два");
  fakes::VkFault slow;
  slow.kind = "delay";
  slow.method = "messages.getConversations";
  slow.delay = milliseconds(200);
  fake.fail_next(slow);
  callback_mode();
  start(R"({"ts":"","at":1600000000000})");
  EXPECT_EQ(post(event("message_new", message("три", 3, 1'700'000'000))).body, "ok");
  EXPECT_EQ(texts_once(), (std::vector<std::string>{"раз", "два", "три"}));
}

TEST_F(VkTransportTest, HistoriesThatCannotBeHadHoldNobodyUp) {
  fail("server_error", "messages.getConversations", -1);
  callback_mode();
  start(R"({"ts":"","at":1600000000000})");
  EXPECT_EQ(post(event("message_new", kMessage)).body, "ok");
  // The place stays where it was until the histories have been read, or are given up.
  EXPECT_NE(position.find("1600000000000"), std::string::npos) << position;
  ASSERT_TRUE(wait([&] { return !warnings.empty(); }));
  EXPECT_NE(warnings[0].find("left out"), std::string::npos) << warnings[0];
  EXPECT_EQ(post(event("message_new", kMessage)).body, "ok");
  EXPECT_EQ(position.find("1600000000000"), std::string::npos) << position;
}

TEST_F(VkTransportTest, ABotThatBeginsHearsWhatWasWrittenWhileItsAddressWasSetUp) {
  set_up_by_itself();
  // VK has its address, and brings no events yet.
  fail("server_error", "groups.setCallbackSettings", -1);
  start();
  ASSERT_TRUE(fake.wait_until_webhook_is("ok", 1));
  EXPECT_EQ(fake.say(kAnna, "раз").event_id, "");
  fake.clear_faults();
  EXPECT_TRUE(wait_for_texts({"раз"}));
}

TEST_F(VkTransportTest, ABotThatBeginsAnswersNothingOfWhatWasWrittenBefore) {
  fake.advance_clock(-std::chrono::minutes(1));
  fake.say(kAnna, "раз");
  fake.advance_clock(std::chrono::minutes(1));
  set_up_by_itself();
  start();
  ASSERT_TRUE(fake.wait_for_calls("messages.getConversations", 1));
  fake.say(kAnna, "два");
  EXPECT_TRUE(wait_for_texts({"два"}));
}

TEST_F(VkTransportTest, WhatALostProcessLeftUnfetchedTheNextOneFetches) {
  set_up_by_itself();
  fail("server_error", "groups.setCallbackSettings", -1);
  start();
  ASSERT_TRUE(fake.wait_until_webhook_is("ok", 1));
  fake.say(kAnna, "раз");
  down = true;
  transport.reset();
  fake.clear_faults();
  start(position);
  down = false;
  EXPECT_TRUE(wait_for_texts({"раз"}));
}

TEST_F(VkTransportTest, ThePlaceWaitsForEventsThatVkIsToRepeat) {
  constexpr std::int64_t kNow = 1'700'000'000;
  std::atomic<std::int64_t> now{kNow * 1000};
  settings.now = [&now] { return now.load(); };
  callback_mode();
  start(R"({"ts":"","at":1699999999000})");
  const auto at = [&] { return json::parse(position)["at"].get<std::int64_t>(); };
  refusals = 1;
  EXPECT_EQ(post(event("message_new", message("раз", 1, kNow))).status, 503);
  now += 100'000;
  EXPECT_EQ(post(event("message_new", message("два", 2, kNow + 100))).status, 200);
  EXPECT_EQ(at(), 1'699'999'999'000);
  EXPECT_EQ(post(event("message_new", message("раз", 1, kNow))).status, 200);
  EXPECT_EQ(at(), now);
  EXPECT_EQ(fake.calls("messages.getConversations").size(), 0U);
  // One that never comes again is fetched, hours later.
  refusals = 1;
  EXPECT_EQ(post(event("message_new", message("три", 3, kNow + 100))).status, 503);
  now += 3 * 3'600'000;
  EXPECT_EQ(post(event("message_new", message("четыре", 4, kNow + 10'000))).status, 200);
  EXPECT_TRUE(fake.wait_for_calls("messages.getConversations", 1));
}

// ------------------------------------------------------------------- registration

TEST_F(VkTransportTest, GoesAtThePaceOfTheConfiguration) {
  const auto executes_at = [&](const std::string& pace, std::int64_t first) {
    TransportSettings chosen;
    chosen.options = {{"token", fake.token()}, {"group", std::to_string(fake.group_id())}, {"api", fake.url()}};
    if (!pace.empty()) chosen.options["requests_per_second"] = pace;
    auto made = find_transport("vk")->make(client, chosen);
    EXPECT_TRUE(made);
    transport = std::move(*made);
    const std::size_t before = fake.calls("execute").size();
    std::vector<std::future<Outcome>> outcomes;
    for (std::int64_t person = first; person < first + 30; ++person) {
      fake.add_user({person, "Кто-то", "", {}}, true);
      outcomes.push_back(deliver_later(calls_of(text("раз"), person)[0], person));
    }
    for (auto& outcome : outcomes) EXPECT_EQ(outcome.get().kind, Kind::Sent);
    return fake.calls("execute").size() - before;
  };
  // What does not fit into the pace waits, and goes together.
  EXPECT_EQ(executes_at("", 1000), 1U);
  EXPECT_EQ(executes_at("1000", 2000), 0U);
}

TEST(VkRegistryTest, MakesVkFromItsOptions) {
  HttpClient client;
  const TransportKind* kind = find_transport("vk");
  ASSERT_NE(kind, nullptr);
  EXPECT_EQ(kind->capabilities.label_code_points, 40U);
  EXPECT_EQ(kind->capabilities.reply_buttons, 40U);
  EXPECT_EQ(kind->capabilities.inline_buttons, 10U);
  EXPECT_FALSE(kind->capabilities.contact_request);
  TransportSettings settings;
  settings.options = {{"token", "vk1.a.x"}, {"group", "123456"}, {"api", "http://127.0.0.1:1"}};
  auto made = kind->make(client, settings);
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->name(), "vk");
  EXPECT_TRUE((*made)->repeats_events());

  const auto refusal = [&](std::map<std::string, std::string, std::less<>> options, std::string url = {}) {
    TransportSettings wrong;
    wrong.options = std::move(options);
    wrong.webhook_url = std::move(url);
    auto result = kind->make(client, wrong);
    return result ? std::string("made") : result.error();
  };
  EXPECT_NE(refusal({{"token", "x"}}).find("`group`"), std::string::npos);
  EXPECT_NE(refusal({{"token", "x"}, {"group", "club5"}}).find("`group`"), std::string::npos);
  EXPECT_NE(refusal({{"token", "x"}, {"group", "-5"}}).find("`group`"), std::string::npos);
  EXPECT_NE(refusal({{"token", ""}, {"group", "5"}}).find("token"), std::string::npos);
  EXPECT_EQ(refusal({{"token", "s e c"}, {"group", "5"}}).find("s e c"), std::string::npos);
  EXPECT_NE(refusal({{"token", "x"}, {"group", "5"}, {"api", "vk"}}).find("`api`"), std::string::npos);
  for (const char* pace : {"0", "-5", "fast", "2.5"}) {
    EXPECT_NE(refusal({{"token", "x"}, {"group", "5"}, {"requests_per_second", pace}}).find("`requests_per_second`"),
              std::string::npos) << pace;
  }
  EXPECT_NE(refusal({{"token", "x"}, {"group", "5"}, {"mode", "webhook"}}).find("`mode`"), std::string::npos);
  EXPECT_NE(refusal({{"token", "x"}, {"group", "5"}, {"remove_webhook", "yes"}}).find("true or false"),
            std::string::npos);
  EXPECT_NE(refusal({{"token", "x"}, {"group", "5"}, {"mode", "callback"}, {"confirmation", "c"}}).find("`secret`"),
            std::string::npos);
  EXPECT_NE(refusal({{"token", "x"}, {"group", "5"}, {"mode", "callback"}, {"secret", "s"}}).find("`confirmation`"),
            std::string::npos);
  EXPECT_EQ(refusal({{"token", "x"}, {"group", "5"}, {"mode", "callback"}, {"secret", "s"}, {"confirmation", "c"}}), "made");
  EXPECT_EQ(refusal({{"token", "x"}, {"group", "5"}, {"mode", "callback"}, {"secret", "s"}}, "https://a/vk/b"), "made");
}

// Somebody may set another version by hand after the start.
TEST_F(VkTransportTest, ReadsTheShapesOfOldApiVersions) {
  start();
  ASSERT_TRUE(fake.wait_until_polling());
  fake.control("community", R"({"api_version":"5.80"})");
  fake.say(kAnna, "раз");
  ASSERT_TRUE(wait_for_updates(1));
  fake.control("community", R"({"api_version":"5.45"})");
  fake.say(kAnna, "два");
  ASSERT_TRUE(wait_for_updates(2));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(std::get<UserMessage>(got[i].event.what).text, i == 0 ? "раз" : "два");
    EXPECT_EQ(got[i].chat.chat_id, std::to_string(kAnna));
    EXPECT_EQ(got[i].person.id, std::to_string(kAnna));
    EXPECT_TRUE(got[i].is_private);
  }
  EXPECT_NE(got[0].id, got[1].id);
}

}  // namespace
}  // namespace sufler

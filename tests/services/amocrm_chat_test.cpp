// Chats of amoCRM: signatures by the documentation's vectors, webhooks as it has them, bodies as it wants them, and the
// requests of a client against the fake.
#include <gmock/gmock.h>

#include <atomic>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "fakes/amocrm/fake_amocrm.h"
#include "fakes/amocrm/fake_chats.h"
#include "interpreter/core/crm_chat.h"
#include "interpreter/services/amocrm/chat_client.h"
#include "interpreter/services/amocrm/chat_hook.h"
#include "interpreter/services/amocrm/chat_signature.h"

namespace sufler::amocrm {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Sent = ::sufler::Outcome;

std::string fixture(const std::string& name) {
  std::ifstream file(std::string(SUFLER_SOURCE_DIR) + "/tests/data/fixtures/amocrm/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

TEST(AmocrmChat, EveryVectorOfTheDocumentationIsSigned) {
  const json all = json::parse(fixture("chat-signature-vectors.json"));
  ASSERT_THAT(all["requests"], SizeIs(7));
  for (const json& one : all["requests"]) {
    const std::string body = one["body"], sum = md5_hex(body);
    EXPECT_EQ(sum, one["content_md5"].get<std::string>()) << one["name"];
    EXPECT_EQ(chat_signature(one["secret"].get<std::string>(), one["method"].get<std::string>(), sum, one["date"].get<std::string>(), one["path"].get<std::string>()),
              one["x_signature"].get<std::string>())
        << one["name"];
  }
  EXPECT_EQ(md5_hex(""), "d41d8cd98f00b204e9800998ecf8427e");
}

TEST(AmocrmChat, AWebhookIsKnownByItsSignature) {
  const json all = json::parse(fixture("chat-signature-vectors.json"));
  for (const json& one : all["webhooks"]) {
    const std::string secret = one["secret"], body = one["body"];
    std::string signature = one["x_signature"];
    EXPECT_TRUE(is_signed(secret, body, signature));
    EXPECT_TRUE(is_signed(secret, body + "\n", signature));
    EXPECT_FALSE(is_signed(secret, body + " ", signature));
    EXPECT_FALSE(is_signed("", body, hmac_sha1_hex("", body)));
    EXPECT_FALSE(is_signed(secret, body, ""));
    signature[0] = signature[0] == '0' ? '1' : '0';
    EXPECT_FALSE(is_signed(secret, body, signature));
  }
}

TEST(AmocrmChat, DatesAreThoseOfMail) {
  EXPECT_EQ(chat_date(Moment{1'639'609'975'000}), "Wed, 15 Dec 2021 23:12:55 +0000");
  EXPECT_EQ(chat_date(Moment{0}), "Thu, 01 Jan 1970 00:00:00 +0000");
}

// ---- webhooks

TEST(AmocrmChat, AManagersPicture) {
  const auto hook = decode_chat_hook(fixture("chat-webhook-message-v2.json"));
  ASSERT_TRUE(hook);
  EXPECT_EQ(hook->kind, ChatHook::Kind::Message);
  EXPECT_EQ(hook->message, "0371a0ff-b78a-4c7b-8538-a7d547e10692");
  EXPECT_EQ(hook->our_conversation, "my_int-d5a421f7f218");
  EXPECT_EQ(hook->conversation, "8e4d4baa-9e6c-4a88-838a-5f62be227bdc");
  EXPECT_EQ(hook->phone, "79161234567");
  EXPECT_EQ(hook->text, "Текст сообщения Сделка #15926745\n[Принять заказ] [Отменить заказ]");
  EXPECT_EQ(hook->at.unix_ms, 1639572260980);
  ASSERT_THAT(hook->attachments, SizeIs(1));
  EXPECT_EQ(hook->attachments[0].kind, AttachmentKind::Photo);
  EXPECT_EQ(hook->attachments[0].origin, kCrmTransport);
  EXPECT_EQ(hook->attachments[0].reference, "https://amojo.amocrm.ru/attachments/image.jpg");
  EXPECT_EQ(hook->attachments[0].name, "image.jpg");
}

TEST(AmocrmChat, NullIsAsGoodAsNothing) {
  const auto hook = decode_chat_hook(fixture("chat-webhook-message-recorded.json"));
  ASSERT_TRUE(hook);
  EXPECT_EQ(hook->kind, ChatHook::Kind::Message);
  EXPECT_EQ(hook->our_conversation, "");
  EXPECT_EQ(hook->phone, "79001234567");
  EXPECT_EQ(hook->text, "Добрый день! Ваш заказ будет доставлен завтра.");
  EXPECT_THAT(hook->attachments, IsEmpty());
}

TEST(AmocrmChat, AListBecomesWords) {
  const auto hook = decode_chat_hook(fixture("chat-webhook-message-list.json"));
  ASSERT_TRUE(hook);
  EXPECT_EQ(hook->text,
            "Текст сообщения Сделка #15926745\nКакой вид услуги вы хотите получить?\nПожалуйста, выберите один из вариантов ответа в меню по кнопке "
            "ниже.\nС уважением, Тестовая Компания\nДоступные услуги\n• Услуга 1 — Описание услуги 1");
}

TEST(AmocrmChat, OtherHooksAreToldApart) {
  const std::pair<const char*, ChatHook::Kind> all[] = {{"chat-webhook-typing.json", ChatHook::Kind::Typing},
                                                        {"chat-webhook-reaction.json", ChatHook::Kind::Reaction},
                                                        {"chat-webhook-comment.json", ChatHook::Kind::Comment},
                                                        {"chat-webhook-message-picture.json", ChatHook::Kind::Message},
                                                        {"chat-webhook-message-v1-deprecated.json", ChatHook::Kind::OldVersion}};
  for (const auto& [name, kind] : all) {
    const auto hook = decode_chat_hook(fixture(name));
    ASSERT_TRUE(hook) << name;
    EXPECT_EQ(hook->kind, kind) << name;
  }
  EXPECT_FALSE(decode_chat_hook("[]"));
  EXPECT_FALSE(decode_chat_hook("{"));
  EXPECT_EQ(decode_chat_hook("{}")->kind, ChatHook::Kind::Unknown);
  EXPECT_EQ(decode_chat_hook(R"({"message":{"message":7}})")->message, "");
}

// ---- bodies

const Conversation kConversation{"shop", {"telegram", "123"}, "123"};

TEST(AmocrmChat, AConversationNamesItsDialog) {
  for (const Conversation& one : {kConversation, Conversation{"магазин: 100%", {"vk", "2000000001"}, "45"}}) {
    const auto back = read_conversation(to_string(one));
    ASSERT_TRUE(back) << to_string(one);
    EXPECT_EQ(*back, one);
  }
  EXPECT_EQ(to_string(kConversation), "sufler:shop:telegram:123");
  for (const char* bad : {"", "sufler", "sufler:shop:telegram", "sufler:::", "other:shop:telegram:1", "sufler:a:b:c:d:e", "my_int-d5a421f7f217"})
    EXPECT_FALSE(read_conversation(bad)) << bad;
}

TEST(AmocrmChat, BodiesAreLikeTheDocumentations) {
  CrmClient client{"Вася клиент", "+79151112233", "example.client@example.com", "https://example.com/profile/example.client"};
  CrmSaid said;
  said.msgid = "my_int-5f2836a8ca475";
  said.at = Moment{1'639'604'761'694};
  said.text = "Сообщение от клиента";
  json expected = json::parse(fixture("chat-message-incoming.request.json"));
  expected["payload"]["conversation_id"] = "sufler:shop:telegram:123";
  expected["payload"]["sender"]["id"] = "sufler:shop:telegram:123";
  expected["payload"]["sender"].erase("avatar");
  EXPECT_EQ(json::parse(crm_message(kConversation, client, {}, said).body), expected);

  said.by_bot = said.silent = true;
  said.msgid = "my_int-5f2836a8ca477";
  said.at = Moment{1'639'605'194'102};
  said.text = "Сообщение от бота канала f1910c7f-b1e0-4184-bd09-c7def2a9109a";
  expected = json::parse(fixture("chat-message-outgoing-bot.request.json"));
  expected["payload"]["conversation_id"] = "sufler:shop:telegram:123";
  expected["payload"]["receiver"]["id"] = "sufler:shop:telegram:123";
  expected["payload"]["receiver"].erase("avatar");
  expected["payload"]["sender"]["id"] = "sufler:shop";
  EXPECT_EQ(json::parse(crm_message(kConversation, client, {"f1910c7f-b1e0-4184-bd09-c7def2a9109a", "Bot"}, said).body), expected);

  said.edited = true;
  said.by_bot = false;
  said.text = "Отредактированная версия сообщения";
  expected = json::parse(fixture("chat-message-edit.request.json"));
  expected["payload"]["conversation_id"] = "sufler:shop:telegram:123";
  EXPECT_EQ(json::parse(crm_message(kConversation, client, {}, said).body), expected);

  EXPECT_EQ(json::parse(crm_delivery("m", {}, "", 0).body), json::parse(R"({"msgid":"m","delivery_status":1})"));
  EXPECT_EQ(json::parse(crm_delivery("m", {"", "", true}, "gone", 901).body), json::parse(R"({"msgid":"m","status_code":-1,"error_code":901,"error":"gone"})"));
}

TEST(AmocrmChat, OnlyAmocrmsServersAreAskedForFiles) {
  const std::string own = "https://amojo.amocrm.ru";
  for (const char* good : {"https://amojo.amocrm.ru/attachments/image.jpg", "https://drive-b.amocrm.ru/a?b=c", "https://X.KOMMO.com/a"})
    EXPECT_TRUE(is_file_address(good, own)) << good;
  for (const char* bad : {"http://amojo.amocrm.ru/a", "https://example.com/a", "https://amocrm.ru.example.com/a", "https://127.0.0.1/a", "file:///etc/passwd",
                          "https://evil@x.amocrm.ru/", "https://x.amocrm.ru:22/a", "https://example.com\\.amocrm.ru/", "https://x.amocrm.ru\\@10.0.0.5:8443/a", "https://example.com/.amocrm.ru", ""})
    EXPECT_FALSE(is_file_address(bad, own)) << bad;
}

TEST(AmocrmChat, AMarkTravelsWithTheCallAndNotToThePlatform) {
  ApiCall call;
  EXPECT_EQ(crm_mark(call), "");
  mark_for_crm(call, "m-1");
  EXPECT_EQ(crm_mark(call), "m-1");
  EXPECT_THAT(without_crm_mark(call).files, IsEmpty());
}

// ---- the history

TEST(AmocrmChat, OfAHistoryManagersWordsAreRead) {
  auto history = decode_chat_history(fixture("chat-history.response.json"), "chat-1", "bot-1");
  ASSERT_TRUE(history);
  EXPECT_EQ(history->count, 2U);
  EXPECT_EQ(history->oldest, Moment{1'596'470'809'000});
  ASSERT_THAT(history->managers, SizeIs(1));
  const ChatHook& said = history->managers[0];
  EXPECT_EQ(said.message, "3985523d-78b3-45b7-aeaf-142405bbf1dc");
  EXPECT_EQ(said.conversation, "chat-1");
  EXPECT_EQ(said.manager, "Менеджер Василий");
  EXPECT_EQ(said.text, "Да, конечно. Вы можете оплатить наличными и картой курьеру при получении.");
  EXPECT_EQ(said.at, Moment{1'596'470'953'000});
  EXPECT_THAT(said.attachments, IsEmpty());
}

TEST(AmocrmChat, OfAHistoryOurOwnWordsAreLeftOut) {
  const std::string page = R"({"messages": [
    {"timestamp": 30, "sender": {"id": "m", "name": "Ольга"}, "message": {"id": "3", "type": "text", "text": "позже"}},
    {"timestamp": 20, "sender": {"id": "bot-1", "name": "Бот"}, "message": {"id": "2", "type": "text", "text": "бот"}},
    {"timestamp": 15, "sender": {"id": "x", "name": "Бот"}, "message": {"id": "1", "client_id": "sufler-7-1", "type": "text", "text": "тоже бот"}},
    {"timestamp": 10, "msec_timestamp": 10500, "sender": {"id": "m", "name": null}, "message": {"id": "0", "type": "text", "text": "раньше"}}]})";
  const auto history = decode_chat_history(page, "chat-1", "bot-1");
  ASSERT_TRUE(history);
  ASSERT_THAT(history->managers, SizeIs(2));
  EXPECT_EQ(history->managers[0].text, "раньше");
  EXPECT_EQ(history->managers[1].text, "позже");
  EXPECT_EQ(history->count, 4U);
  EXPECT_EQ(history->oldest, Moment{10'500});
  for (const char* none : {"", "[]", "{}", R"({"messages": {}})"}) EXPECT_FALSE(decode_chat_history(none, "chat-1", "")) << none;
  EXPECT_EQ(decode_chat_history(R"({"messages": [1, null, {}]})", "chat-1", "")->count, 3U);
}

// ---- the client

/// A place in the row at once, and nothing remembered.
class NoMemory : public Memory {
 public:
  Known<Duration> next_request(const std::string&, Duration, Duration, const Begun*) override { return Duration{}; }
  Known<Done> pause(const std::string&, Duration) override { return Done{}; }
  Known<TokenPair> tokens(const std::string&) override { return TokenPair{}; }
  Known<bool> begin_refresh(const std::string&, std::int64_t, Duration) override { return false; }
  Known<Done> keep_tokens(const std::string&, TokenPair&) override { return Done{}; }
  Known<Done> end_refresh(const std::string&, std::int64_t) override { return Done{}; }
  Known<Links> links(const std::string&, const Person&) override { return Links{}; }
  Known<Recalled> recall(const std::string&, std::int64_t, const Begun&, const Row&, bool) override { return Recalled{}; }
  Known<Done> made(const std::string&, const std::string&, const std::string&, const Person&, const Mark&, const Links&) override { return Done{}; }
  Known<Done> not_made(const std::string&, const std::string&) override { return Done{}; }
  Known<bool> is_made(const std::string&, const std::string&, std::int64_t) override { return false; }
};

class ChatClientTest : public testing::Test {
 protected:
  ChatClientTest() {
    account_.url = crm_.url();
    account_.token = crm_.options().token;
    account_.chats.emplace();
    account_.chats->url = chats_.url();
    account_.chats->channel = chats_.options().channel;
    account_.chats->secret = chats_.options().secret;
  }
  ~ChatClientTest() override {
    client_.reset();
    http_.stop(std::chrono::milliseconds(0));
  }

  ChatClient& client() {
    if (!client_) {
      auto api = std::make_shared<Connection>(account_, memory_, http_, [] { return 0.5; });
      client_ = std::make_unique<ChatClient>(
          http_, account_, api,
          [] {
            return Moment{std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
          },
          [this](std::string line) {
            const std::lock_guard lock(mutex_);
            warnings_.push_back(std::move(line));
          });
    }
    return *client_;
  }
  Sent deliver(const ApiCall& call) {
    auto promise = std::make_shared<std::promise<Sent>>();
    auto outcome = promise->get_future();
    client().deliver(call, [promise](Sent came) { promise->set_value(std::move(came)); });
    return outcome.get();
  }
  static ApiCall message(const std::string& msgid, const std::string& text) {
    CrmSaid said;
    said.msgid = msgid;
    said.at = Moment{1'700'000'000'123};
    said.text = text;
    return crm_message(kConversation, {"Анна", "+79123456789", "", ""}, {}, said);
  }

  fakes::FakeAmocrm crm_;
  fakes::FakeChats chats_;
  NoMemory memory_;
  HttpClient http_;
  CrmAccount account_;
  std::mutex mutex_;
  std::vector<std::string> warnings_;
  std::unique_ptr<ChatClient> client_;
};

TEST_F(ChatClientTest, ConnectsAndSaysWhatWasSaid) {
  const Sent sent = deliver(message("m-1", "Здравствуйте «с кавычками» и 😀"));
  ASSERT_EQ(sent.kind, Sent::Kind::Sent) << sent.reason;
  EXPECT_NE(sent.message_id, "");
  ASSERT_THAT(chats_.messages(), SizeIs(1));
  EXPECT_EQ(chats_.messages()[0].text, "Здравствуйте «с кавычками» и 😀");
  EXPECT_EQ(chats_.messages()[0].id, sent.message_id);
  EXPECT_THAT(chats_.requests("connect"), SizeIs(1));
  EXPECT_EQ(deliver(message("m-2", "ещё")).kind, Sent::Kind::Sent);
  EXPECT_THAT(chats_.requests("connect"), SizeIs(1));
}

TEST_F(ChatClientTest, AnAnswerThatWasLostMakesNoSecondMessage) {
  ASSERT_EQ(deliver(message("m-0", "один")).kind, Sent::Kind::Sent);
  chats_.fail_next("message", 0, 1, true);
  EXPECT_EQ(deliver(message("m-1", "два")).kind, Sent::Kind::Retry);
  EXPECT_EQ(deliver(message("m-1", "два")).kind, Sent::Kind::Sent);
  EXPECT_THAT(chats_.messages(), SizeIs(2));
  EXPECT_EQ(chats_.repeats(), 1u);
}

TEST_F(ChatClientTest, TheChatIsBoundToTheContact) {
  const std::int64_t contact = crm_.add_contact("Анна", {"+79123456789"});
  const Sent sent = deliver(crm_opening(kConversation, {"Анна", "+79123456789", "", ""}, contact));
  ASSERT_EQ(sent.kind, Sent::Kind::Sent) << sent.reason;
  ASSERT_THAT(chats_.openings(), SizeIs(1));
  EXPECT_EQ(chats_.openings()[0].id, sent.message_id);
  const auto bound = crm_.requests("chats.link");
  ASSERT_THAT(bound, SizeIs(1));
  EXPECT_TRUE(bound[0].ok) << bound[0].error;
  EXPECT_EQ(json::parse(bound[0].body), json::parse(R"([{"contact_id":)" + std::to_string(contact) + R"(,"chat_id":")" + sent.message_id + "\"}]"));
}

TEST_F(ChatClientTest, TroublesOfTheServerPass) {
  for (const int status : {429, 500, 502, 504}) {
    ASSERT_EQ(deliver(message("m-0", "один")).kind, Sent::Kind::Sent);
    chats_.fail_next("message", status);
    EXPECT_EQ(deliver(message("m-1", "два")).kind, Sent::Kind::Retry) << status;
  }
  chats_.fail_next("message", 400);
  EXPECT_EQ(deliver(message("m-1", "два")).kind, Sent::Kind::Failed);
}

TEST_F(ChatClientTest, AWrongSecretIsAnAlarmAndNoSecretIsTold) {
  account_.chats->secret = "another-CANARY-secret";
  const Sent sent = deliver(message("m-1", "раз"));
  EXPECT_EQ(sent.kind, Sent::Kind::Retry);
  EXPECT_THAT(sent.reason, HasSubstr("X-Signature is wrong"));
  EXPECT_THAT(sent.reason, testing::Not(HasSubstr("CANARY")));
  EXPECT_THAT(chats_.messages(), IsEmpty());
}

TEST_F(ChatClientTest, AfterANewInstallationItConnectsAnew) {
  ASSERT_EQ(deliver(message("m-0", "один")).kind, Sent::Kind::Sent);
  chats_.disconnect();
  EXPECT_EQ(deliver(message("m-1", "два")).kind, Sent::Kind::Retry);
  EXPECT_EQ(deliver(message("m-1", "два")).kind, Sent::Kind::Sent);
  EXPECT_THAT(chats_.requests("connect"), SizeIs(2));
}

TEST_F(ChatClientTest, RowsThatFailTogetherAreOneTrouble) {
  ASSERT_EQ(deliver(message("m-0", "один")).kind, Sent::Kind::Sent);
  chats_.fail_next("message", 503, 8);
  std::vector<std::future<Sent>> all;
  for (int i = 1; i <= 8; ++i) {
    auto promise = std::make_shared<std::promise<Sent>>();
    all.push_back(promise->get_future());
    client().deliver(message("m-" + std::to_string(i), "два"), [promise](Sent came) { promise->set_value(std::move(came)); });
  }
  for (auto& one : all) {
    const Sent became = one.get();
    EXPECT_EQ(became.kind, Sent::Kind::Retry);
    EXPECT_LE(became.after.ms, 2'000) << "not doubled for each row";
  }
  // One that fails after the wait is the next trouble.
  std::this_thread::sleep_for(std::chrono::milliseconds(2'050));
  chats_.fail_next("message", 503, 1);
  EXPECT_GE(deliver(message("m-1", "два")).after.ms, 2'000);
}

TEST_F(ChatClientTest, ANewVersionOfWhatWasNeverThereIsInVain) {
  ASSERT_EQ(deliver(message("m-0", "один")).kind, Sent::Kind::Sent);
  CrmSaid said;
  said.msgid = "m-of-before";
  said.at = Moment{1'700'000'000'123};
  said.text = "исправлено";
  said.edited = true;
  const Sent became = deliver(crm_message(kConversation, {"Анна", "+79123456789", "", ""}, {}, said));
  EXPECT_EQ(became.kind, Sent::Kind::Failed);
  EXPECT_THAT(became.reason, HasSubstr("404"));
  EXPECT_EQ(deliver(message("m-1", "два")).kind, Sent::Kind::Sent);
  EXPECT_THAT(chats_.requests("connect"), SizeIs(1)) << "the account is connected as it was";
}

TEST_F(ChatClientTest, WhatIsNotFoundOnAFreshConnectionEitherIsInVain) {
  ASSERT_EQ(deliver(message("m-0", "один")).kind, Sent::Kind::Sent);
  chats_.fail_next("message", 404, 2);
  EXPECT_EQ(deliver(message("m-1", "два")).kind, Sent::Kind::Retry);
  EXPECT_EQ(deliver(message("m-1", "два")).kind, Sent::Kind::Failed);
  EXPECT_EQ(deliver(message("m-2", "три")).kind, Sent::Kind::Sent);
  EXPECT_THAT(chats_.requests("connect"), SizeIs(2));
}

/// Tells how long it would be alone.
class LeaseMemory : public NoMemory {
 public:
  Known<bool> begin_refresh(const std::string&, std::int64_t, Duration lease) override {
    lease_ = lease;
    return Error{std::string("away")};
  }
  Duration lease_{};
};

TEST(AmocrmConnection, WhoFetchesATokenIsAloneUntilItsRequestHasEnded) {
  LeaseMemory memory;
  HttpClient http;
  CrmAccount account;
  account.client_id = "client";
  account.client_secret = "secret";
  account.code = "code";
  account.timeout = Duration{5 * 60'000};
  ASSERT_TRUE(account.by_oauth());
  Connection connection(account, memory, http, [] { return 0.5; });
  EXPECT_EQ(connection.get("/api/v4/account", [] { return false; }).kind, Outcome::Kind::Later);
  EXPECT_GT(memory.lease_.ms, account.timeout.ms + 30'000);
}

TEST_F(ChatClientTest, TellsWhatBecameOfAMessage) {
  EXPECT_EQ(deliver(crm_delivery("079e44fb-fc22-476b-9e8a-421b688ec53b", {}, "", 0)).kind, Sent::Kind::Sent);
  EXPECT_EQ(deliver(crm_delivery("079e44fb-fc22-476b-9e8a-421b688ec53c", {}, "the person blocked the bot", 901)).kind, Sent::Kind::Sent);
  ASSERT_THAT(chats_.statuses(), SizeIs(2));
  EXPECT_EQ(chats_.statuses()[0].status, 1);
  EXPECT_EQ(chats_.statuses()[1].status, -1);
  EXPECT_EQ(chats_.statuses()[1].error, "the person blocked the bot");
}

TEST_F(ChatClientTest, BringsAFileOfAManager) {
  chats_.add_file("a.jpg", "bytes of a picture");
  std::promise<std::string> came;
  client().fetch(chats_.url() + "/attachments/a.jpg", 1000, [&](std::string bytes, std::string reason) { came.set_value(reason + bytes); });
  EXPECT_EQ(came.get_future().get(), "bytes of a picture");
}

}  // namespace
}  // namespace sufler::amocrm

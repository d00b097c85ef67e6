#include "interpreter/transports/telegram/telegram.h"
#include "transports/sending.h"
#include "transports/telegram_calls.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "fakes/telegram/fake_telegram.h"
#include "interpreter/transports/registry.h"

namespace sufler {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = Outcome::Kind;

/// A transport against the fake, and what it tells.
class TelegramTransportTest : public SendingTest {
 protected:
  TelegramTransportTest() : SendingTest("telegram") {
    use(settings, fake);
    settings.poll_margin = seconds(10);
    fake.add_user({kAnna, "Анна", {}, {}, "ru"});
  }
  ~TelegramTransportTest() override { end(); }

  static fakes::FakeTelegramOptions options() {
    fakes::FakeTelegramOptions chosen;
    chosen.repeated_offset_rules = false;
    return chosen;
  }

  void make() override {
    if (!transport) transport = make_telegram_transport(client, settings);
  }
  void start(const std::string& from = {}, std::vector<BotCommandHint> menu = {}) {
    make();
    transport->start(from, std::move(menu), handlers());
  }

  std::string text_of(std::size_t index) {
    std::lock_guard lock(mutex);
    if (index >= got.size()) return "nothing";
    const auto* said = std::get_if<UserMessage>(&got[index].event.what);
    return said == nullptr ? "no message" : said->text;
  }

  Outcome deliver_to(const std::string& chat_id, const ApiCall& call) {
    make();
    std::promise<Outcome> promise;
    transport->deliver({"telegram", chat_id}, call, [&](Outcome outcome) { promise.set_value(std::move(outcome)); });
    return promise.get_future().get();
  }
  /// The outcome of the first call.
  Outcome send_to(const std::string& chat_id, const Message& message) {
    make();
    std::optional<Outcome> first;
    for (const ApiCall& call : transport->render({"telegram", chat_id}, message)) {
      const Outcome outcome = deliver_to(chat_id, call);
      if (!first) first = outcome;
    }
    return first.value_or(Outcome{});
  }
  std::string make_topic(const std::string& group, const std::string& title) {
    make();
    return group + "#" + deliver_to(group, transport->render_topic({"telegram", group}, title)).message_id;
  }

  void fail(const std::string& kind, const std::string& method, int times = 1) {
    fakes::Fault fault;
    fault.kind = kind;
    fault.method = method;
    fault.times = times;
    fake.fail_next(fault);
  }
  void refuse(const std::string& method, int status, const std::string& description) {
    fakes::Fault fault;
    fault.kind = "custom";
    fault.method = method;
    fault.status = status;
    fault.description = description;
    fake.fail_next(fault);
  }

  fakes::FakeTelegram fake{options()};
  TelegramSettings settings;
};

// ------------------------------------------------------------------- receiving

TEST_F(TelegramTransportTest, ConfirmsOnlyWhatWasStored) {
  hold = true;
  const std::int64_t id = fake.say(kAnna, "привет");
  start();
  ASSERT_TRUE(wait_for_updates(1));
  EXPECT_EQ(text_of(0), "привет");
  EXPECT_EQ(got[0].id, std::to_string(id));
  EXPECT_EQ(fake.pending_updates(), 1U);
  EXPECT_EQ(fake.calls("getUpdates").size(), 1U);
  held.at(0)(true);
  EXPECT_TRUE(fake.wait_until_confirmed(id));
}

TEST_F(TelegramTransportTest, BringsAgainWhatWasNotStored) {
  refusals = 2;
  fake.say(kAnna, "привет");
  start();
  ASSERT_TRUE(wait_for_updates(3));
  EXPECT_EQ(got[0].id, got[1].id);
  EXPECT_EQ(got[1].id, got[2].id);
  EXPECT_EQ(health, (std::vector<std::string>{"well", "ill: updates could not be stored", "well", "ill: updates could not be stored", "well"}));
}

TEST_F(TelegramTransportTest, GoesOnFromItsPosition) {
  fake.say(kAnna, "one");
  start();
  ASSERT_TRUE(wait_for_updates(1));
  const std::string stored = position;
  transport.reset();
  const std::int64_t second = fake.say(kAnna, "two");
  start(stored);
  ASSERT_TRUE(wait_for_updates(2));
  EXPECT_EQ(text_of(1), "two");
  EXPECT_TRUE(fake.wait_until_confirmed(second));
}

TEST_F(TelegramTransportTest, AnOldPositionHidesNothing) {
  // After a week the ids begin anew, possibly lower than the offset that was kept.
  const std::int64_t id = fake.say(kAnna, "снова я");
  const auto week_ago = std::chrono::duration_cast<seconds>(
                            std::chrono::system_clock::now().time_since_epoch() - std::chrono::hours(24 * 7)).count();
  start(std::to_string(id + 1000) + " " + std::to_string(week_ago));
  ASSERT_TRUE(wait_for_updates(1));
  EXPECT_EQ(text_of(0), "снова я");
}

TEST_F(TelegramTransportTest, ABrokenPositionIsNone) {
  fake.say(kAnna, "a");
  start("nonsense");
  EXPECT_TRUE(wait_for_updates(1));
}

TEST_F(TelegramTransportTest, AlwaysSaysWhichUpdatesItWants) {
  fake.say(kAnna, "a");
  start();
  ASSERT_TRUE(wait_for_updates(1));
  const json params = params_of(fake.calls("getUpdates").at(0));
  EXPECT_EQ(params["allowed_updates"], (json{"message", "edited_message", "callback_query", "my_chat_member"}));
}

TEST_F(TelegramTransportTest, TheFirstPollIsAnsweredAtOnceAndTellsThatTheBotIsServed) {
  start();
  ASSERT_TRUE(wait([&] { return !health.empty(); }));
  EXPECT_EQ(health, (std::vector<std::string>{"well"}));
  EXPECT_EQ(params_of(fake.calls("getUpdates").at(0))["timeout"], 0);
  ASSERT_TRUE(fake.wait_until_polling(true));
  const std::int64_t id = fake.say(kAnna, "a");
  EXPECT_TRUE(fake.wait_until_confirmed(id));
  EXPECT_EQ(params_of(fake.calls("getUpdates").at(1))["timeout"], 50);
}

TEST_F(TelegramTransportTest, AnotherPollerIsWaitedForAndToldOnce) {
  fail("conflict", "getUpdates", 3);
  start();
  const std::int64_t id = fake.say(kAnna, "a");
  ASSERT_TRUE(wait_for_updates(1));
  EXPECT_TRUE(fake.wait_until_confirmed(id));
  ASSERT_EQ(health.size(), 2U);
  EXPECT_EQ(health[0].substr(0, 60), "ill: another program receives the updates of this bot: Confl");
  EXPECT_EQ(health[1], "well");
  EXPECT_TRUE(failure.empty());
}

TEST_F(TelegramTransportTest, AWebhookLeftActiveIsRemoved) {
  std::promise<void> set;
  HttpRequest request;
  request.url = fake.url() + "/bot" + fake.token() + "/setWebhook";
  request.body = R"({"url":"http://127.0.0.1:1/hook"})";
  client.submit(request, [&](HttpAnswer) { set.set_value(); });
  set.get_future().wait();
  start();
  EXPECT_TRUE(fake.wait_for_calls("deleteWebhook", 1));
  fake.say(kAnna, "a");
  EXPECT_TRUE(wait_for_updates(1));
}

TEST_F(TelegramTransportTest, ARevokedTokenIsToldAndEndsThePolls) {
  fake.revoke_token();
  start();
  ASSERT_TRUE(wait([&] { return !failure.empty(); }));
  EXPECT_NE(failure.find("token"), std::string::npos);
  EXPECT_EQ(failure.find(fake.token()), std::string::npos);
}

TEST_F(TelegramTransportTest, OutlivesWhatTheNetworkDoes) {
  for (const char* kind : {"server_error", "bad_gateway", "drop", "lost_answer", "truncated", "garbage", "rate_limit"}) {
    fakes::Fault fault;
    fault.kind = kind;
    fault.method = "getUpdates";
    fault.retry_after_s = 0;
    fake.fail_next(fault);
  }
  start();
  const std::int64_t id = fake.say(kAnna, "a");
  ASSERT_TRUE(wait_for_updates(1));
  EXPECT_TRUE(fake.wait_until_confirmed(id));
  EXPECT_TRUE(failure.empty());
  for (const std::string& line : health) EXPECT_EQ(line.find(fake.token()), std::string::npos);
}

TEST_F(TelegramTransportTest, SlowAnswersEndAtTheirLimitsAndTheBotGoesOn) {
  settings.call_timeout = milliseconds(300);
  settings.poll_time = seconds(1);
  settings.poll_margin = milliseconds(300);
  start();
  ASSERT_TRUE(fake.wait_until_polling());
  for (const char* method : {"getUpdates", "sendMessage"}) {
    fake.control("faults", json{{"kind", "slow_body"}, {"method", method}, {"delay_ms", 1000}, {"piece", 1}}.dump());
  }
  const std::int64_t id = fake.say(kAnna, "раз");
  EXPECT_EQ(send("a").kind, Kind::Unknown);  // it was there before its answer
  EXPECT_EQ(send("b").kind, Kind::Sent);
  ASSERT_TRUE(wait_for_updates(1));
  EXPECT_TRUE(fake.wait_until_confirmed(id));
}

TEST_F(TelegramTransportTest, ANameThatIsNotThereIsToldOnceAndTriedInPeace) {
  settings.api = "http://" + std::string(64, 'a') + ".test";  // no name has such a label: nobody is asked
  settings.backoff_first = milliseconds(10);
  settings.backoff_most = milliseconds(20);
  start();
  ASSERT_TRUE(wait_for_health(1));
  EXPECT_EQ(health[0].rfind("ill: ", 0), 0U) << health[0];
  EXPECT_EQ(health[0].find(fake.token()), std::string::npos);
  EXPECT_EQ(send("a").kind, Kind::Retry);
  EXPECT_EQ(send("b").kind, Kind::Retry);
  EXPECT_EQ(health.size(), 1U);
}

TEST_F(TelegramTransportTest, AStormOfServerErrorsIsOneLineAndGrowingPauses) {
  settings.backoff_first = milliseconds(20);
  settings.backoff_most = milliseconds(400);
  start();
  ASSERT_TRUE(fake.wait_until_polling());
  ASSERT_TRUE(wait_for_health(1));
  fail("bad_gateway", "getUpdates", 6);
  const auto began = std::chrono::steady_clock::now();
  fake.close_connections();
  ASSERT_TRUE(wait_for_health(3));
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds(200));
  EXPECT_EQ(health[1].rfind("ill: ", 0), 0U);
  EXPECT_EQ(health[2], "well");
}

TEST_F(TelegramTransportTest, UpdatesThatMeanNothingAreConfirmed) {
  const std::int64_t id = fake.push_update(R"({"new_update_kind":{"some_field_idk":1}})");
  start();
  EXPECT_TRUE(fake.wait_until_confirmed(id));
  EXPECT_EQ(batches, 0);
}

TEST_F(TelegramTransportTest, KnowsItsNameBeforeItReadsACommandOfAGroup) {
  fake.add_group(-1001, "Команда");
  fail("server_error", "getMe");  // the name comes late
  fake.say(kAnna, "/menu@other_bot", {-1001});
  fake.say(kAnna, "/menu@sufler_test_bot", {-1001});
  start();
  ASSERT_TRUE(wait_for_updates(1));
  EXPECT_EQ(text_of(0), "/menu");
  EXPECT_FALSE(got[0].is_private);
  EXPECT_EQ(got.size(), 1U);
}

TEST_F(TelegramTransportTest, TellsTheMenuAsFarAsTelegramTakesIt) {
  start({}, {{"menu", "Меню"}, {"меню", "Меню"}, {"Help", "x"}, {"order_2", ""}, {std::string(33, 'a'), "long"}});
  ASSERT_TRUE(fake.wait_for_calls("setMyCommands", 1));
  const json commands = params_of(fake.calls("setMyCommands").at(0))["commands"];
  EXPECT_EQ(commands, (json{{{"command", "menu"}, {"description", "Меню"}},
                            {{"command", "order_2"}, {"description", "order_2"}}}));
}

TEST_F(TelegramTransportTest, TakesAnOldMenuAwayWhenThereIsNone) {
  start({}, {{"меню", "Меню"}});
  EXPECT_TRUE(fake.wait_for_calls("deleteMyCommands", 1));
  EXPECT_TRUE(fake.calls("setMyCommands").empty());
}

TEST_F(TelegramTransportTest, StoppedReceivingStillSends) {
  start();
  ASSERT_TRUE(fake.wait_for_calls("getMe", 1));
  transport->stop_receiving();
  transport->stop_receiving();
  EXPECT_EQ(send("пока").kind, Kind::Sent);
}

TEST_F(TelegramTransportTest, AnAlbumOfAPersonComesAsMessagesOfOneAlbum) {
  fake.send_album(kAnna, {{}, {}});
  start();
  ASSERT_TRUE(wait_for_updates(2));
  const auto& first = std::get<UserMessage>(got[0].event.what);
  const auto& second = std::get<UserMessage>(got[1].event.what);
  EXPECT_FALSE(first.album.empty());
  EXPECT_EQ(first.album, second.album);
  EXPECT_EQ(first.attachments.at(0).kind, AttachmentKind::Photo);
}

TEST_F(TelegramTransportTest, BlockingAndPressingArrive) {
  Message message;
  message.text.text = "Записать?";
  Button yes;
  yes.label = "Да";
  yes.action = ButtonAction::Payload;
  yes.payload = "p1";
  message.keyboard = {Keyboard::Kind::Inline, {{yes}}};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  const std::string press = fake.press(kAnna, "Да");
  fake.block(kAnna);
  start();
  ASSERT_TRUE(wait_for_updates(2));
  EXPECT_EQ(std::get<ButtonPress>(got[0].event.what).payload, "p1");
  EXPECT_FALSE(std::get<Reachability>(got[1].event.what).reachable);
  EXPECT_EQ(deliver(transport->render_press_answer({"telegram", "5"}, press, "")).kind, Kind::Sent);
  EXPECT_TRUE(fake.is_answered(press));
}

// ------------------------------------------------------------------- sending

TEST_F(TelegramTransportTest, TellsTheIdOfTheSentMessage) {
  const Outcome outcome = send("Здравствуйте");
  EXPECT_EQ(outcome.kind, Kind::Sent);
  const auto messages = fake.messages(kAnna);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].text, "Здравствуйте");
  EXPECT_EQ(outcome.message_id, std::to_string(messages[0].message_id));
}

TEST_F(TelegramTransportTest, ALongTextArrivesInParts) {
  std::string text;
  for (int i = 0; i < 900; ++i) text += "строка номер " + std::to_string(i) + "\n";
  EXPECT_EQ(send(text).kind, Kind::Sent);
  EXPECT_GE(fake.messages(kAnna).size(), 3U);
}

TEST_F(TelegramTransportTest, APersonWhoBlockedTheBotIsUnreachable) {
  fake.block(kAnna);
  const Outcome outcome = send("Вы здесь?");
  EXPECT_EQ(outcome.kind, Kind::Failed);
  EXPECT_TRUE(outcome.unreachable);
}

TEST_F(TelegramTransportTest, OneChatIsTooFastForItself) {
  fakes::Fault fault;
  fault.kind = "rate_limit";
  fault.method = "sendMessage";
  fault.retry_after_s = 9;
  fault.times = 3;
  fake.fail_next(fault);
  fake.add_user({6, "Олег", {}, {}, "ru"});
  fake.add_user({7, "Ира", {}, {}, "ru"});
  const Outcome first = send("a");
  EXPECT_EQ(first.kind, Kind::Retry);
  EXPECT_EQ(first.after.ms, 9000);
  EXPECT_FALSE(first.whole_bot);
  EXPECT_FALSE(send("a", 6).whole_bot);
  // Three chats at a time: it is the bot.
  EXPECT_TRUE(send("a", 7).whole_bot);
}

TEST_F(TelegramTransportTest, SaysWhetherASendMayHaveHappened) {
  fail("server_error", "sendMessage");
  EXPECT_EQ(send("a").kind, Kind::Retry);
  fail("bad_gateway", "sendMessage");
  EXPECT_EQ(send("a").kind, Kind::Retry);
  fail("lost_answer", "sendMessage");
  const Outcome lost = send("b");
  EXPECT_EQ(lost.kind, Kind::Unknown);
  EXPECT_GT(lost.after.ms, 0);
  EXPECT_EQ(fake.messages(kAnna).size(), 1U);  // it did happen, once
}

TEST_F(TelegramTransportTest, NobodyAtTheOtherEndIsRetried) {
  settings.api = "http://127.0.0.1:9";
  const Outcome outcome = send("a");
  EXPECT_EQ(outcome.kind, Kind::Retry);
  EXPECT_EQ(outcome.reason.find(fake.token()), std::string::npos);
}

TEST_F(TelegramTransportTest, FollowsAGroupToItsNewId) {
  fake.add_group(-50, "Смена");
  fake.add_group(-1009, "Смена");
  fakes::Fault fault;
  fault.kind = "migrated";
  fault.method = "sendMessage";
  fault.migrate_to = -1009;
  fake.fail_next(fault);
  make();
  Message message;
  message.text.text = "a";
  const ApiCall call = transport->render({"telegram", "-50"}, message).at(0);
  const Outcome moved = deliver(call, -50);
  EXPECT_EQ(moved.moved_to, "-1009");
  // The same call, to the new chat.
  EXPECT_EQ(deliver(call, -1009).kind, Kind::Sent);
  EXPECT_EQ(fake.messages(-1009).size(), 1U);
}

TEST_F(TelegramTransportTest, AnAnswerToAnOldPressIsNoFailure) {
  refuse("answerCallbackQuery", 400,
         "Bad Request: query is too old and response timeout expired or query ID is invalid");
  make();
  EXPECT_EQ(deliver(transport->render_press_answer({"telegram", "5"}, "77", "")).kind, Kind::Sent);
}

// ------------------------------------------------------------------- files

TEST_F(TelegramTransportTest, UploadsAFileOnceAndNamesItAfterwards) {
  const std::string png = fakes::make_png(20, 10);
  Message message;
  message.text.text = "Прайс";
  message.attachments = {file("price.png", png)};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  ASSERT_EQ(send(message).kind, Kind::Sent);
  const auto messages = fake.messages(kAnna);
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].text, "Прайс");
  EXPECT_EQ(fake.file_bytes(messages[0].files.at(0).file_id), png);
  EXPECT_EQ(messages[0].files[0].file_id, messages[1].files.at(0).file_id);
  const auto calls = fake.calls("sendPhoto");
  EXPECT_TRUE(json::parse(calls.at(0).params)["photo"].is_object());
  EXPECT_TRUE(json::parse(calls.at(1).params)["photo"].is_string());
  // A changed file goes up anew.
  message.attachments = {file("price.png", fakes::make_png(30, 30))};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_TRUE(json::parse(fake.calls("sendPhoto").at(2).params)["photo"].is_object());
}

TEST_F(TelegramTransportTest, UploadsAgainWhenTheKeptIdIsStale) {
  Message message;
  message.attachments = {file("price.png", fakes::make_png(20, 10))};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  refuse("sendPhoto", 400, "Bad Request: wrong file identifier/HTTP URL specified");
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(fake.messages(kAnna).size(), 2U);
  EXPECT_TRUE(json::parse(fake.calls("sendPhoto").at(2).params)["photo"].is_object());
}

TEST_F(TelegramTransportTest, SendsAnAlbumWithUploads) {
  Message message;
  message.text.text = "Наши работы";
  message.attachments = {file("a.png", fakes::make_png(20, 10)), file("b.png", fakes::make_png(10, 20))};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  ASSERT_EQ(send(message).kind, Kind::Sent);
  const auto messages = fake.messages(kAnna);
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_FALSE(messages[0].media_group_id.empty());
  EXPECT_EQ(messages[0].media_group_id, messages[1].media_group_id);
  EXPECT_EQ(messages[0].text, "Наши работы");
  EXPECT_NE(messages[0].files.at(0).file_id, messages[1].files.at(0).file_id);
  EXPECT_EQ(messages[1].files[0].file_id, messages[3].files.at(0).file_id);
}

TEST_F(TelegramTransportTest, SendsADocumentUnderItsName) {
  Message message;
  message.attachments = {file("dogovor.txt", "текст договора", AttachmentKind::Document)};
  message.attachments[0].name = "Договор \"А\".txt";
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(fake.messages(kAnna).at(0).files.at(0).kind, "document");
  EXPECT_EQ(fake.file_bytes(fake.messages(kAnna)[0].files[0].file_id), "текст договора");
}

TEST_F(TelegramTransportTest, AFileMadeByTheBotGoesWithItsBytes) {
  Message message;
  message.text.text = "Заявка";
  Attachment history;
  history.origin = "text";
  history.reference = "15 марта 2026\n12:00 Анна: привет\n";
  history.name = "history.txt";
  history.mime = "text/plain";
  message.attachments = {history};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(fake.messages(kAnna).at(0).files.at(0).kind, "document");
  EXPECT_EQ(fake.messages(kAnna)[0].text, "Заявка");
  EXPECT_EQ(fake.file_bytes(fake.messages(kAnna)[0].files[0].file_id), history.reference);
}

TEST_F(TelegramTransportTest, APhotoOverTheLimitGoesAsADocument) {
  settings.photo_bytes = 10;
  Message message;
  message.text.text = "План";
  message.attachments = {file("plan.png", fakes::make_png(20, 10))};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(fake.messages(kAnna).at(0).files.at(0).kind, "document");
  EXPECT_EQ(fake.messages(kAnna)[0].text, "План");
}

TEST_F(TelegramTransportTest, AFileOverTheLimitIsRefusedWithoutAnUpload) {
  settings.upload_bytes = 10;
  Message message;
  message.attachments = {file("big.txt", std::string(100, 'x'), AttachmentKind::Document),
                         file("empty.txt", "", AttachmentKind::Document)};
  EXPECT_EQ(send(message).reason, "the file is larger than Telegram takes: big.txt");
  message.attachments.erase(message.attachments.begin());
  EXPECT_EQ(send(message).reason, "the file is empty: empty.txt");
  EXPECT_TRUE(fake.calls().empty());
}

TEST_F(TelegramTransportTest, APersonsFileGoesOnByItsId) {
  const std::string png = fakes::make_png(20, 10);
  fakes::Upload photo;
  photo.bytes = png;
  fake.send_file(kAnna, photo);
  start();
  ASSERT_TRUE(wait_for_updates(1));
  Message message;
  message.attachments = std::get<UserMessage>(got[0].event.what).attachments;
  message.attachments[0].caption = "от клиента";
  fake.add_user({6, "Мастер", {}, {}, "ru"});
  ASSERT_EQ(send(message, 6).kind, Kind::Sent);
  EXPECT_EQ(fake.messages(6).at(0).text, "от клиента");
  EXPECT_TRUE(json::parse(fake.calls("sendPhoto").at(0).params)["photo"].is_string());
}

TEST_F(TelegramTransportTest, AFileOfAnotherPlatformIsBroughtOver) {
  const std::string png = fakes::make_png(8, 8);
  settings.fetch_elsewhere = [&](const Attachment& file, std::size_t,
                                 std::function<void(std::string, std::string)> done) {
    if (file.reference == "photo1_2") return done(png, {});
    done({}, "gone");
  };
  Attachment photo;
  photo.kind = AttachmentKind::Photo;
  photo.origin = "vk";
  photo.reference = "photo1_2";
  Message message;
  message.attachments = {photo};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(fake.file_bytes(fake.messages(kAnna).at(0).files.at(0).file_id), png);
  message.attachments[0].reference = "photo1_3";
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(fake.messages(kAnna).at(1).text, "📎 photo.jpg ✗");
}

TEST_F(TelegramTransportTest, AMessageGoesWithoutAFileThatCannotBeHadAnyMore) {
  const std::string png = fakes::make_png(8, 8);
  std::map<std::string, int> asked;
  settings.fetch_elsewhere = [&](const Attachment& file, std::size_t,
                                 std::function<void(std::string, std::string)> done) {
    ++asked[file.reference];
    if (file.reference.front() == '+') return done(png, {});
    done({}, "gone");
  };
  const auto photo = [](const std::string& reference) {
    Attachment one;
    one.kind = AttachmentKind::Photo;
    one.origin = "vk";
    one.reference = reference;
    one.name = reference.substr(1) + ".jpg";
    return one;
  };
  Message message;
  message.text = parse_markup("**Заказ №1**\n\nИмя: Анна\n");
  message.attachments = {photo("-a")};
  message.keyboard.kind = Keyboard::Kind::Inline;
  message.keyboard.rows = {{{"Принять", ButtonAction::Payload, "p", {}, {}}}};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(asked["-a"], 2);  // it might have been the network
  message.keyboard = {};
  message.attachments = {photo("-a"), photo("+b"), photo("+c")};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  message.attachments = {photo("+a"), photo("-b")};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  message.attachments = {photo("-a"), photo("-b")};
  ASSERT_EQ(send(message).kind, Kind::Sent);

  const auto sent = fake.messages(kAnna);
  ASSERT_EQ(sent.size(), 5U);
  EXPECT_EQ(sent[0].text, "Заказ №1\n\nИмя: Анна\n\n📎 a.jpg ✗");
  EXPECT_EQ(sent[0].entities, std::vector<fakes::Entity>({{"bold", 0, 8}}));
  EXPECT_EQ(sent[0].inline_keyboard.size(), 1U);
  EXPECT_EQ(sent[1].text, "Заказ №1\n\nИмя: Анна\n\n📎 a.jpg ✗");
  EXPECT_EQ(sent[1].entities, std::vector<fakes::Entity>({{"bold", 0, 8}}));
  EXPECT_EQ(sent[1].files.size() + sent[2].files.size(), 2U);
  EXPECT_EQ(sent[3].method, "sendPhoto");
  EXPECT_EQ(sent[3].text, "Заказ №1\n\nИмя: Анна\n\n📎 b.jpg ✗");
  EXPECT_EQ(sent[4].method, "sendMessage");
  EXPECT_EQ(sent[4].text, "Заказ №1\n\nИмя: Анна\n\n📎 a.jpg ✗\n\n📎 b.jpg ✗");
}

TEST_F(TelegramTransportTest, EveryKindOfFileOfAnotherPlatformGoesAsWhatItIs) {
  settings.fetch_elsewhere = [&](const Attachment& file, std::size_t,
                                 std::function<void(std::string, std::string)> done) {
    if (file.reference == "gone") return done({}, "VK keeps no bytes of it");
    done(file.kind == AttachmentKind::Sticker ? fakes::make_png(8, 8) : "bytes of " + file.reference, {});
  };
  const auto foreign = [](AttachmentKind kind, const std::string& reference, const std::string& mime) {
    Attachment one;
    one.kind = kind;
    one.origin = "vk";
    one.reference = reference;
    one.mime = mime;
    return one;
  };
  using K = AttachmentKind;
  const std::vector<std::pair<Attachment, std::string>> all = {{foreign(K::Voice, "doc1_1", "audio/ogg"), "sendVoice"},
                                                               {foreign(K::Audio, "audio1_1", "audio/mpeg"), "sendAudio"},
                                                               {foreign(K::Video, "video1_1", ""), "sendVideo"},
                                                               {foreign(K::Document, "doc1_2", ""), "sendDocument"},
                                                               {foreign(K::Other, "wall1_2", ""), "sendDocument"},
                                                               {foreign(K::Sticker, "sticker9", "image/png"), "sendPhoto"},
                                                               {foreign(K::Video, "gone", ""), "sendMessage"}};
  for (const auto& [file, method] : all) {
    Message message;
    message.attachments = {file};
    ASSERT_EQ(send(message).kind, Kind::Sent) << file.reference;
    EXPECT_EQ(fake.messages(kAnna).back().method, method);
  }
  EXPECT_EQ(fake.messages(kAnna).back().text, "📎 video.mp4 ✗");
}

TEST_F(TelegramTransportTest, AFileThatIsRefusedAsWhatItIsGoesAsADocument) {
  fake.send_file(kAnna, {.kind = "voice", .bytes = "OggS голос"});
  start();
  ASSERT_TRUE(wait_for_updates(1));
  Message message;
  message.attachments = std::get<UserMessage>(got[0].event.what).attachments;
  refuse("sendVoice", 400, "Bad Request: VOICE_MESSAGES_FORBIDDEN");
  ASSERT_EQ(send(message).kind, Kind::Sent);
  const auto sent = fake.messages(kAnna).at(0);
  EXPECT_EQ(sent.method, "sendDocument");
  EXPECT_EQ(fake.file_bytes(sent.files.at(0).file_id), "OggS голос");
  // Two pixels of paper: no photo has such sides.
  message.attachments = {file("strip.png", fakes::make_png(1000, 2))};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(fake.messages(kAnna).at(1).method, "sendDocument");
  refuse("sendDocument", 400, "Bad Request: wrong file type");
  message.attachments = {file("a.txt", "x", AttachmentKind::Document)};
  EXPECT_EQ(send(message).kind, Kind::Failed);
}

// ------------------------------------------------------------------- answers to messages, topics

TEST_F(TelegramTransportTest, AnswersAMessageAndSendsNonethelessWhenItIsGone) {
  fake.say(kAnna, "где заказ?");
  start();
  ASSERT_TRUE(wait_for_updates(1));
  Message message;
  message.text.text = "уже везём";
  message.reply_to = std::get<UserMessage>(got[0].event.what).message_id;
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(std::to_string(fake.messages(kAnna).at(0).reply_to), message.reply_to);
  message.attachments = {file("a.png", fakes::make_png(8, 8)), file("b.png", fakes::make_png(8, 9))};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(std::to_string(fake.messages(kAnna).at(1).reply_to), message.reply_to);
  message.attachments = {};
  message.reply_to = "100500";
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(fake.messages(kAnna).back().reply_to, 0);
  EXPECT_EQ(fake.messages(kAnna).back().text, "уже везём");
}

TEST_F(TelegramTransportTest, MakesATopicAndTalksInIt) {
  constexpr std::int64_t kGroup = -1001234567890;
  const std::string group = std::to_string(kGroup);
  fake.add_forum(kGroup, "Поддержка");
  settings.topic_groups = {group};
  start();
  const std::string topic = make_topic(group, "№12 Анна");
  const std::int64_t thread = std::stoll(topic.substr(group.size() + 1));
  ASSERT_GT(thread, 0);
  Message message;
  message.text.text = "где заказ?";
  message.typing = Duration{100};
  message.attachments = {file("a.png", fakes::make_png(8, 8)), file("b.png", fakes::make_png(8, 9))};
  ASSERT_EQ(send_to(topic, message).kind, Kind::Sent);
  ASSERT_EQ(fake.messages(kGroup).size(), 2U);
  for (const auto& sent : fake.messages(kGroup)) EXPECT_EQ(sent.topic, thread);

  fake.say(kAnna, "сейчас посмотрю", {.chat = kGroup, .topic = thread});
  fake.say(kAnna, "это мы между собой", {.chat = kGroup});
  fake.say(kAnna, "готово", {.chat = kGroup, .topic = thread});
  ASSERT_TRUE(wait_for_updates(2));
  EXPECT_EQ(text_of(0), "сейчас посмотрю");
  EXPECT_EQ(text_of(1), "готово");
  EXPECT_EQ(got[0].chat.chat_id, group);
  EXPECT_EQ(got[0].topic, std::to_string(thread));
  EXPECT_EQ(std::get<UserMessage>(got[0].event.what).reply_to, "");

  const auto close = transport->render_topic_state({"telegram", topic}, false);
  EXPECT_EQ(deliver_to(topic, close).kind, Kind::Sent);
  EXPECT_EQ(deliver_to(topic, close).kind, Kind::Sent);  // it is as asked
  message = {};
  message.text.text = "открыт снова";
  EXPECT_EQ(send_to(topic, message).kind, Kind::Sent);  // an administrator writes in a closed one too
  EXPECT_EQ(deliver_to(topic, transport->render_topic_state({"telegram", topic}, true)).kind, Kind::Sent);
}

TEST_F(TelegramTransportTest, ADeletedTopicIsToldApartFromEveryOtherRefusal) {
  constexpr std::int64_t kGroup = -1001234567890;
  const std::string group = std::to_string(kGroup);
  fake.add_forum(kGroup, "Поддержка");
  const std::string topic = make_topic(group, "№12 Анна");
  fake.delete_topic(kGroup, std::stoll(topic.substr(group.size() + 1)));
  Message message;
  message.text.text = "есть кто?";
  const Outcome gone = send_to(topic, message);
  EXPECT_EQ(gone.kind, Kind::Failed);
  EXPECT_TRUE(gone.topic_gone);
  EXPECT_FALSE(gone.unreachable);
  EXPECT_EQ(gone.reason, "400 Bad Request: message thread not found");
  message.attachments = {file("a.png", fakes::make_png(8, 8))};
  EXPECT_TRUE(send_to(topic, message).topic_gone);
  EXPECT_NE(make_topic(group, "№12 Анна"), topic);
}

TEST_F(TelegramTransportTest, AGroupThatTookTheBotsRightsSaysSo) {
  const std::string group = "-1001234567890";
  const auto is_now = [&](const std::string& rights) {
    fake.control("groups", R"({"id":-1001234567890,"is_forum":true,)" + rights + "}");
  };
  is_now(R"("manages_topics":false)");
  make();
  const ApiCall topic = transport->render_topic({"telegram", group}, "Анна");
  Outcome outcome = deliver_to(group, topic);
  EXPECT_EQ(outcome.kind, Kind::Failed);
  EXPECT_NE(outcome.reason.find("may manage topics"), std::string::npos) << outcome.reason;
  Message message;
  message.text.text = "x";
  is_now(R"("writes":false)");
  outcome = send_to(group, message);
  EXPECT_EQ(outcome.kind, Kind::Failed);
  EXPECT_NE(outcome.reason.find("let the bot write"), std::string::npos) << outcome.reason;
  is_now(R"("kicked":true)");
  for (const Outcome& kicked : {send_to(group, message), deliver_to(group, topic)}) {
    EXPECT_EQ(kicked.kind, Kind::Failed);
    // Nobody is behind it who could have blocked the bot.
    EXPECT_FALSE(kicked.unreachable);
    EXPECT_FALSE(kicked.topic_gone);
    EXPECT_NE(kicked.reason.find("bot was kicked"), std::string::npos) << kicked.reason;
  }
  // For whoever writes there, a topic of such a group is gone.
  EXPECT_TRUE(send_to(group + "#5", message).topic_gone);
}

TEST_F(TelegramTransportTest, LimitsOfAGroupAreOfAllItsTopics) {
  constexpr std::int64_t kGroup = -1001234567890;
  const std::string group = std::to_string(kGroup);
  fake.add_forum(kGroup, "Поддержка");
  const std::string first = make_topic(group, "Анна");
  const std::string second = make_topic(group, "Борис");
  fake.control("options", R"({"rate_limit":true,"chat_burst":100,"group_messages_per_minute":20})");
  Message message;
  message.text.text = "x";
  for (int i = 0; i < 20; ++i) ASSERT_EQ(send_to(i % 2 == 0 ? first : second, message).kind, Kind::Sent) << i;
  const Outcome waits = send_to(second, message);
  EXPECT_EQ(waits.kind, Kind::Retry);
  EXPECT_GT(waits.after.ms, 1000);
  // Refusals in three topics of one group are no sign that the bot as a whole is too fast.
  static_cast<void>(send_to(first, message));
  EXPECT_FALSE(send_to(group, message).whole_bot);
}

TEST_F(TelegramTransportTest, AGroupThatMovesKeepsItsTopics) {
  fakes::Fault moved;
  moved.kind = "migrated";
  moved.method = "sendMessage";
  moved.migrate_to = -1009;
  fake.fail_next(moved);
  fake.add_forum(-1009, "Поддержка");
  const std::int64_t thread = fake.add_topic(kAnna, -1009, "Анна");
  Message message;
  message.text.text = "x";
  make();
  const std::string old = "-5#" + std::to_string(thread);
  const ApiCall call = transport->render({"telegram", old}, message).at(0);
  const Outcome outcome = deliver_to(old, call);
  EXPECT_EQ(outcome.moved_to, "-1009#" + std::to_string(thread));
  EXPECT_EQ(deliver_to(outcome.moved_to, call).kind, Kind::Sent);
  EXPECT_EQ(fake.messages(-1009).at(0).topic, thread);
}

TEST_F(TelegramTransportTest, SendsAFileOfAStoredVersionByItsContent) {
  stored["h1"] = fakes::make_png(12, 8);
  Message message = text("меню");
  message.attachments = {stored_file("h1", "menu.png")};
  ASSERT_EQ(send(message).kind, Kind::Sent);
  EXPECT_EQ(fake.file_bytes(fake.messages(kAnna).at(0).files.at(0).file_id), stored["h1"]);
  message.attachments = {stored_file("h2", "other.png")};
  stored.erase("h2");
  const Outcome gone = send(message);
  EXPECT_EQ(gone.kind, Kind::Failed);
  EXPECT_EQ(gone.reason, "other.png: this file is not stored any more");
}

TEST_F(TelegramTransportTest, SendsNothingFromOutsideTheScenario) {
  std::ofstream(folder / "secret.txt") << "пароль";
  std::filesystem::create_symlink(folder / "secret.txt", folder / "scenario" / "link.txt");
  for (const char* reference : {"../secret.txt", "/etc/passwd", "link.txt", "missing.txt", "", "."}) {
    Attachment attachment;
    attachment.origin = "scenario";
    attachment.reference = reference;
    Message message;
    message.attachments = {attachment};
    EXPECT_EQ(send(message).kind, Kind::Failed) << reference;
  }
  EXPECT_TRUE(fake.messages(kAnna).empty());
}

TEST_F(TelegramTransportTest, FetchesWhatPeopleSent) {
  const std::string png = fakes::make_png(20, 10);
  fakes::Upload photo;
  photo.bytes = png;
  fake.send_file(kAnna, photo);
  start();
  ASSERT_TRUE(wait_for_updates(1));
  const Attachment sent = std::get<UserMessage>(got[0].event.what).attachments.at(0);
  const auto fetch = [&](const Attachment& file, std::size_t limit) {
    std::promise<std::pair<std::string, std::string>> promise;
    transport->fetch_file(file, limit, [&](std::string bytes, std::string reason) {
      promise.set_value({std::move(bytes), std::move(reason)});
    });
    return promise.get_future().get();
  };
  const auto good = fetch(sent, 1 << 20);
  EXPECT_EQ(good.second, "");
  EXPECT_EQ(good.first, png);
  EXPECT_EQ(fetch(sent, 10).second, "the file is too big");
  Attachment unknown = sent;
  unknown.reference = "no-such-file";
  const auto bad = fetch(unknown, 1 << 20);
  EXPECT_TRUE(bad.first.empty());
  EXPECT_FALSE(bad.second.empty());
  EXPECT_EQ(bad.second.find(fake.token()), std::string::npos);
}

// ------------------------------------------------------------------- registration

TEST(TransportRegistryTest, MakesTelegramFromItsOptions) {
  HttpClient client;
  const TransportKind* kind = find_transport("telegram");
  ASSERT_NE(kind, nullptr);
  EXPECT_EQ(kind->capabilities.message_units, 4096U);
  TransportSettings settings;
  settings.options = {{"token", "123:abc"}, {"api", "http://127.0.0.1:1"}};
  auto made = kind->make(client, settings);
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->name(), "telegram");
  EXPECT_EQ((*made)->retry_after_form(), RetryAfterForm::Seconds);
  for (const char* token : {"", "abc", "123", ":x", "1:a/../b"}) {
    settings.options["token"] = token;
    EXPECT_FALSE(kind->make(client, settings)) << token;
  }
  settings.options = {{"token", "123:abc"}, {"mode", "webhook"}};  // without a secret
  EXPECT_FALSE(kind->make(client, settings));
  EXPECT_EQ(find_transport("pigeon"), nullptr);
}

// ---- how fast it may speak

TEST(TelegramPaceTest, IsWhatTelegramAllowsUnlessTheConfigurationSaysOtherwise) {
  HttpClient client;
  const auto limits_with = [&](std::map<std::string, std::string, std::less<>> more) {
    TransportSettings settings;
    settings.options = {{"token", "123:abc"}};
    settings.options.merge(more);
    auto made = find_transport("telegram")->make(client, settings);
    EXPECT_TRUE(made);
    return (*made)->sending_limits();
  };
  // platforms/telegram.md, 7: one a second to a chat, bursts are tolerated; 20 a minute to a group; 30 a second in all.
  const SendingLimits usual = limits_with({});
  EXPECT_GE(usual.chat_interval.ms, 1'000);
  EXPECT_GT(usual.chat_burst, 1u);
  EXPECT_EQ(usual.group.most, 20u);
  EXPECT_GE(usual.group.period.ms, 60'000);
  EXPECT_EQ(usual.bot.most, 30u);
  EXPECT_GE(usual.bot.period.ms, 1'000);
  EXPECT_TRUE(usual.is_group("-1001234567890"));
  EXPECT_FALSE(usual.is_group("1234567890"));

  const SendingLimits paid = limits_with({{"messages_per_second", "1000"}, {"chat_messages_per_second", "2"}, {"chat_burst", "10"}});
  EXPECT_EQ(paid.bot.most, 1000u);
  EXPECT_EQ(paid.chat_burst, 10u);
  EXPECT_LT(paid.chat_interval.ms, 600);
  EXPECT_FALSE(limits_with({{"messages_per_second", "0"}, {"chat_messages_per_second", "0"}, {"group_messages_per_minute", "0"}}).any());

  TransportSettings wrong;
  wrong.options = {{"token", "123:abc"}, {"group_messages_per_minute", "few"}};
  const auto refused = find_transport("telegram")->make(client, wrong);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("`group_messages_per_minute`"), std::string::npos);
}

}  // namespace
}  // namespace sufler

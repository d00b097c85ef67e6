#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "fakes/telegram/test_client.h"

namespace sufler::fakes {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

FakeTelegramOptions plain() {
  FakeTelegramOptions options;
  options.repeated_offset_rules = false;
  return options;
}

TEST(UpdatesTest, RedeliversUntilAHigherOffsetConfirms) {
  FakeTelegram fake(plain());
  const std::int64_t first = fake.say(5, "раз");
  const std::int64_t second = fake.say(5, "два");
  EXPECT_EQ(second, first + 1);
  EXPECT_EQ(updates(fake, Json::object()).size(), 2u);
  EXPECT_EQ(updates(fake, {{"offset", first}}).size(), 2u);
  const Json rest = updates(fake, {{"offset", first + 1}});
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0]["message"]["text"], "два");
  EXPECT_EQ(updates(fake, {{"offset", first}}).size(), 1u) << "what is confirmed never comes again";
  EXPECT_EQ(fake.pending_updates(), 1u);
  EXPECT_TRUE(fake.wait_until_confirmed(first, milliseconds(0)));
  EXPECT_FALSE(fake.wait_until_confirmed(second, milliseconds(0)));
}

TEST(UpdatesTest, KeepsOnlyTheLastForANegativeOffset) {
  FakeTelegram fake(plain());
  for (const char* text : {"1", "2", "3"}) fake.say(5, text);
  const Json last = updates(fake, {{"offset", -1}});
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0]["message"]["text"], "3");
  EXPECT_EQ(fake.pending_updates(), 1u);
}

TEST(UpdatesTest, HonoursTheLimit) {
  FakeTelegram fake(plain());
  for (int i = 0; i < 150; ++i) fake.say(5, "x");
  EXPECT_EQ(updates(fake, {{"limit", 2}}).size(), 2u);
  EXPECT_EQ(updates(fake, Json::object()).size(), 100u);
  EXPECT_EQ(updates(fake, {{"limit", 1000}}).size(), 100u);
}

TEST(UpdatesTest, WaitsForAnUpdateAndAnswersAtOnce) {
  FakeTelegram fake(plain());
  auto poll = std::async(std::launch::async, [&] { return updates(fake, {{"timeout", 30}}); });
  ASSERT_TRUE(fake.wait_until_polling());
  const auto begin = Clock::now();
  fake.say(5, "привет");
  EXPECT_EQ(poll.get().size(), 1u);
  EXPECT_LT(Clock::now() - begin, milliseconds(5000));
}

TEST(UpdatesTest, AnswersEmptyWhenTheTimeIsOver) {
  FakeTelegram fake(plain());
  const auto begin = Clock::now();
  EXPECT_EQ(updates(fake, {{"timeout", 1}}).size(), 0u);
  EXPECT_GE(Clock::now() - begin, milliseconds(900));
}

TEST(UpdatesTest, EndsTheOlderPollWhenASecondComes) {
  FakeTelegram fake(plain());
  auto older = std::async(std::launch::async, [&] {
    return call(fake, "getUpdates", {{"timeout", 30}});
  });
  ASSERT_TRUE(fake.wait_until_polling());
  auto newer = std::async(std::launch::async, [&] {
    return call(fake, "getUpdates", {{"timeout", 30}});
  });
  const Answer ended = older.get();
  EXPECT_EQ(ended.status, 409);
  EXPECT_EQ(verdict(ended),
            "Conflict: terminated by other getUpdates request; make sure that only one bot "
            "instance is running");
  ASSERT_TRUE(fake.wait_until_polling());
  fake.say(5, "кому?");
  EXPECT_EQ(newer.get().json()["result"].size(), 1u);
}

TEST(UpdatesTest, GivesOneAtATimeToAClientThatRepeatsItsOffset) {
  FakeTelegram fake;
  for (const char* text : {"1", "2", "3"}) fake.say(5, text);
  EXPECT_EQ(updates(fake, Json::object()).size(), 3u);
  EXPECT_EQ(updates(fake, Json::object()).size(), 1u);
}

TEST(UpdatesTest, RemembersTheAllowedKinds) {
  FakeTelegram fake(plain());
  updates(fake, {{"allowed_updates", {"callback_query"}}});
  EXPECT_EQ(fake.say(5, "не придёт"), 0);
  EXPECT_EQ(updates(fake, Json::object()).size(), 0u);
  updates(fake, {{"allowed_updates", Json::array()}});
  EXPECT_NE(fake.say(5, "придёт"), 0);
  EXPECT_NE(verdict(call(fake, "getUpdates", {{"allowed_updates", {"mesage"}}})), "ok");
}

TEST(UpdatesTest, RefusesToPollWhileAWebhookIsSet) {
  FakeTelegram fake(plain());
  auto poll = std::async(std::launch::async, [&] {
    return call(fake, "getUpdates", {{"timeout", 30}});
  });
  ASSERT_TRUE(fake.wait_until_polling());
  const Answer set = call(fake, "setWebhook", {{"url", "http://127.0.0.1:9/hook"}});
  EXPECT_EQ(set.json()["description"], "Webhook was set");
  EXPECT_EQ(verdict(poll.get()), "Conflict: terminated by setWebhook request");
  EXPECT_EQ(verdict(call(fake, "getUpdates")),
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to "
            "delete the webhook first");
  EXPECT_EQ(call(fake, "deleteWebhook").json()["description"], "Webhook was deleted");
  EXPECT_EQ(call(fake, "deleteWebhook").json()["description"], "Webhook is already deleted");
  EXPECT_EQ(verdict(call(fake, "getUpdates")), "ok");
}

TEST(UpdatesTest, KeepsTheUpdatesOfAPollWhoseClientWentAway) {
  FakeTelegram fake(plain());
  {
    // Asks and leaves without reading the answer.
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(fake.port()));
    ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const std::string bytes =
        "GET /bot" + fake.token() + "/getUpdates?timeout=30 HTTP/1.1\r\nHost: x\r\n\r\n";
    ASSERT_EQ(send(fd, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    ASSERT_TRUE(fake.wait_until_polling());
    ::close(fd);
  }
  ASSERT_TRUE(fake.wait_until_polling(false));
  fake.say(5, "здесь");
  EXPECT_EQ(updates(fake, Json::object()).size(), 1u);
}

TEST(UpdatesTest, ServesSeveralBotsApart) {
  FakeTelegramOptions options = plain();
  options.bots = {{"1:a", "first_bot"}, {"2:b", "second_bot"}};
  FakeTelegram fake(options);
  fake.say(5, "второму", {.chat = 0, .bot = 1});
  EXPECT_EQ(updates(fake, Json::object()).size(), 0u);
  const Json other = request(fake.port(), "GET", "/bot2:b/getUpdates").json()["result"];
  EXPECT_EQ(other.size(), 1u);
}

TEST(UpdatesTest, MarksCommandsAndKeepsPrivacyInGroups) {
  FakeTelegram fake(plain());
  fake.add_group(-1001, "Группа");
  fake.say(5, "/start abc");
  EXPECT_EQ(fake.say(5, "болтовня", {.chat = -1001}), 0);
  EXPECT_EQ(fake.say(5, "/go@other_bot", {.chat = -1001}), 0);
  EXPECT_NE(fake.say(5, "/go@Sufler_Test_Bot", {.chat = -1001}), 0);
  const Json got = updates(fake, Json::object());
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0]["message"]["entities"][0]["type"], "bot_command");
  EXPECT_EQ(got[0]["message"]["entities"][0]["length"], 6);
  EXPECT_EQ(got[0]["message"]["chat"]["id"], 5);
  EXPECT_EQ(got[1]["message"]["chat"]["type"], "supergroup");
}

TEST(UpdatesTest, SendsAnAlbumAsSeparateMessagesOfOneGroup) {
  FakeTelegram fake(plain());
  fake.send_album(5, {{.caption = "подпись"}, {}, {.kind = "document", .name = "смета.pdf"}});
  const Json got = updates(fake, Json::object());
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0]["message"]["caption"], "подпись");
  EXPECT_FALSE(got[1]["message"].contains("caption"));
  EXPECT_EQ(got[0]["message"]["media_group_id"], got[2]["message"]["media_group_id"]);
  EXPECT_EQ(got[0]["message"]["photo"].size(), 2u);
  EXPECT_EQ(got[2]["message"]["document"]["file_name"], "смета.pdf");
}

TEST(UpdatesTest, TellsOfABlockAndRefusesToWrite) {
  FakeTelegram fake(plain());
  fake.say(5, "/start");
  fake.block(5);
  const Json got = updates(fake, Json::object());
  EXPECT_EQ(got[1]["my_chat_member"]["new_chat_member"]["status"], "kicked");
  const Answer refused = call(fake, "sendMessage", {{"chat_id", 5}, {"text", "эй"}});
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(verdict(refused), "Forbidden: bot was blocked by the user");
  fake.unblock(5);
  EXPECT_EQ(verdict(call(fake, "sendMessage", {{"chat_id", 5}, {"text", "эй"}})), "ok");
}

TEST(UpdatesTest, DeliversRawUpdatesOfAnyKind) {
  FakeTelegram fake(plain());
  fake.push_update(R"({"new_update_kind":{"some_field_idk":1}})");
  const Json got = updates(fake, Json::object());
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0]["new_update_kind"]["some_field_idk"], 1);
}

}  // namespace
}  // namespace sufler::fakes

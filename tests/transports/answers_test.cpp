#include "interpreter/transports/telegram/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace sufler::telegram {
namespace {

std::string fixture(const std::string& name) {
  std::ifstream file(std::string(SUFLER_SOURCE_DIR) + "/tests/data/fixtures/telegram/" + name + ".json");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

Outcome outcome(int status, const std::string& body) { return outcome_of(read_refusal(status, body), Duration{700}); }
Outcome refused(int code, const std::string& description) {
  return outcome(code, R"({"ok":false,"error_code":)" + std::to_string(code) + R"(,"description":")" + description + "\"}");
}
using Kind = Outcome::Kind;

TEST(TelegramAnswersTest, SeesSuccessWithoutParsing) {
  EXPECT_TRUE(says_ok(fixture("sendmessage_ok")));
  EXPECT_TRUE(says_ok(fixture("forwardmessage_ok")));  // with spaces
  EXPECT_TRUE(says_ok(fixture("deletemessage_true")));
  EXPECT_FALSE(says_ok(fixture("error_400_chat_not_found")));
  EXPECT_FALSE(says_ok("<html>\"ok\"</html>"));
  EXPECT_FALSE(says_ok(""));
  EXPECT_FALSE(says_ok(R"({"ok":false,"description":"\"ok\":true"})"));
}

TEST(TelegramAnswersTest, FindsTheMessagesId) {
  EXPECT_EQ(message_id_in(fixture("sendmessage_ok")), "2746");
  EXPECT_EQ(message_id_in(fixture("forwardmessage_ok")), "7");
  EXPECT_EQ(message_id_in(fixture("sendmediagroup_ok_two_photos")), "510");
  EXPECT_THAT(further_ids_in(fixture("sendmediagroup_ok_two_photos")), testing::ElementsAre("511"));
  EXPECT_THAT(further_ids_in(fixture("sendmessage_ok")), testing::IsEmpty());
  EXPECT_EQ(message_id_in(fixture("deletemessage_true")), "");
  EXPECT_EQ(message_id_in(R"({"ok":true,"result":{"text":"\"message_id\":9","message_id":5}})"), "5");
}

TEST(TelegramAnswersTest, WaitsAsLongAsTelegramSays) {
  const Outcome eight = outcome(429, fixture("error_429_retry_after_8"));
  EXPECT_EQ(eight.kind, Kind::Retry);
  EXPECT_EQ(eight.after.ms, 8000);
  EXPECT_EQ(outcome(429, fixture("error_429_with_unknown_parameter")).after.ms, 2000);
  EXPECT_EQ(outcome(429, "Too Many").kind, Kind::Retry);
  EXPECT_EQ(outcome(200, fixture("error_parameters_retry_after_only")).kind, Kind::Retry);
}

TEST(TelegramAnswersTest, FollowsAChatThatMoved) {
  const Outcome moved = outcome(400, fixture("error_400_group_upgraded_migrate"));
  EXPECT_EQ(moved.kind, Kind::Retry);
  EXPECT_EQ(moved.moved_to, "-100123456789");
  EXPECT_EQ(outcome(400, fixture("error_400_upgraded_nadia")).moved_to, "-1001234567890");
  EXPECT_EQ(outcome(400, fixture("error_400_big_migrate_and_retry")).moved_to, "123456789000");
  EXPECT_EQ(outcome(400, fixture("error_parameters_migrate_only")).moved_to, "123456");
}

TEST(TelegramAnswersTest, KnowsWhoCannotBeReached) {
  for (const char* words :
       {"Forbidden: bot was blocked by the user", "Forbidden: user is deactivated",
        "Forbidden: bot can't initiate conversation with a user", "Forbidden: bot was kicked from the supergroup chat",
        "Forbidden: bot is not a member of the channel chat", "Forbidden: the group chat was deleted"}) {
    const Outcome one = refused(403, words);
    EXPECT_EQ(one.kind, Kind::Failed) << words;
    EXPECT_TRUE(one.unreachable) << words;
  }
  EXPECT_TRUE(outcome(403, fixture("error_403_blocked_without_error_code")).unreachable);
  EXPECT_TRUE(outcome(400, fixture("error_400_chat_not_found")).unreachable);
  EXPECT_TRUE(refused(400, "Bad Request: PEER_ID_INVALID").unreachable);
  EXPECT_FALSE(refused(403, "Forbidden: not enough rights to send text messages to the chat").unreachable);
}

TEST(TelegramAnswersTest, RefusalsForGoodNameTheirReason) {
  const Outcome one = refused(400, "Bad Request: BUTTON_DATA_INVALID");
  EXPECT_EQ(one.kind, Kind::Failed);
  EXPECT_EQ(one.reason, "400 Bad Request: BUTTON_DATA_INVALID");
  EXPECT_FALSE(one.unreachable);
  EXPECT_EQ(outcome(200, fixture("error_unknown_code_111")).kind, Kind::Failed);
  EXPECT_EQ(refused(413, "Request Entity Too Large").kind, Kind::Failed);
  EXPECT_EQ(refused(404, "Not Found: method not found").kind, Kind::Failed);
}

TEST(TelegramAnswersTest, WhatIsAlreadySoIsNoFailure) {
  EXPECT_EQ(refused(400, "Bad Request: message is not modified: specified new message content").kind, Kind::Sent);
  EXPECT_EQ(refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid").kind, Kind::Sent);
}

TEST(TelegramAnswersTest, ServerErrorsAreTriedAgain) {
  EXPECT_EQ(refused(500, "Internal Server Error: restart").kind, Kind::Retry);
  EXPECT_EQ(outcome(502, "<html>Bad Gateway</html>").kind, Kind::Retry);
  EXPECT_EQ(outcome(502, "").after.ms, 700);
  // The gateway gave up; what stands behind it may have sent the message.
  EXPECT_EQ(outcome(504, "<html>").kind, Kind::Unknown);
}

TEST(TelegramAnswersTest, ARevokedTokenStopsTheBotAndLosesNothing) {
  const Outcome one = refused(401, "Unauthorized");
  EXPECT_EQ(one.kind, Kind::Retry);
  EXPECT_TRUE(one.whole_bot);
  EXPECT_TRUE(is_about_token(read_refusal(404, R"({"ok":false,"error_code":404,"description":"Not Found"})")));
  EXPECT_FALSE(is_about_token(read_refusal(404, "<html>nginx</html>")));
}

TEST(TelegramAnswersTest, ReadsTheIdsOfSentFiles) {
  const auto photo = file_ids_in(fixture("sendphoto_2015_no_unique_id"));
  ASSERT_EQ(photo.size(), 1U);
  EXPECT_EQ(photo[0], "AgADBQADq6cxG7Vg2gSIF48DtOpj4-edszIABGGN5AM6XKzcLjwAAgI");
  const auto album = file_ids_in(fixture("sendmediagroup_ok_two_photos"));
  ASSERT_EQ(album.size(), 2U);
  EXPECT_EQ(album[1], "AgACAgIAAx0EUZEOOAACAf9ghA-GeFo0B7v78UyXoOD9drjEGgAC_q8xG0cfEUgpwpFo17XTfWTS5p8uAAMBAAMCAAN5AANaQgACHwQ");
  EXPECT_EQ(file_ids_in(fixture("sendanimation_2019_document"))[0], "BQADBAADhQEAArKi5FCHKeOFAAEsKQkWBA");
  EXPECT_EQ(file_ids_in(fixture("sendmessage_ok")), std::vector<std::string>{""});
  EXPECT_TRUE(file_ids_in("garbage").empty());
}

TEST(TelegramAnswersTest, ReadsTheBotsNameAndAFilesPlace) {
  BotName name;
  ASSERT_TRUE(read_bot_name(fixture("getme_ok"), name));
  EXPECT_EQ(name.username, "el_mon_test_bot");
  EXPECT_EQ(name.id, 1276618370);
  EXPECT_FALSE(read_bot_name("{}", name));
  FilePlace place;
  ASSERT_TRUE(read_file_place(fixture("getfile_ok_with_path"), place));
  EXPECT_EQ(place.path, "photos/file_0.jpg");
  EXPECT_EQ(place.size, 8068);
}

TEST(TelegramAnswersTest, FormFieldsCarryJsonWhereTheyMust) {
  const auto fields = form_fields(R"({"chat_id":-100123456789012,"caption":"a\n\"я\"","media":[{"a":true}]})");
  ASSERT_EQ(fields.size(), 3U);
  EXPECT_EQ(fields[0], (std::pair<std::string, std::string>("chat_id", "-100123456789012")));
  EXPECT_EQ(fields[1].second, "a\n\"я\"");
  EXPECT_EQ(fields[2].second, R"([{"a":true}])");
}

TEST(TelegramAnswersTest, ATopicThatIsGoneIsToldApart) {
  for (const char* words : {"Bad Request: message thread not found", "Bad Request: TOPIC_DELETED", "Bad Request: TOPIC_ID_INVALID"}) {
    const Outcome one = refused(400, words);
    EXPECT_EQ(one.kind, Outcome::Kind::Failed) << words;
    EXPECT_TRUE(one.topic_gone) << words;
    EXPECT_FALSE(one.unreachable) << words;
  }
  EXPECT_FALSE(refused(400, "Bad Request: chat not found").topic_gone);
  // It is as asked.
  EXPECT_EQ(refused(400, "Bad Request: TOPIC_NOT_MODIFIED").kind, Outcome::Kind::Sent);
}

TEST(TelegramAnswersTest, ARefusalOfAGroupSaysWhatToDo) {
  const Outcome rights = refused(400, "Bad Request: not enough rights to create a topic");
  EXPECT_EQ(rights.kind, Outcome::Kind::Failed);
  EXPECT_EQ(rights.reason,
            "400 Bad Request: not enough rights to create a topic: the bot must be an administrator of the group who "
            "may manage topics");
  EXPECT_NE(refused(403, "Forbidden: bot was kicked from the supergroup chat").reason.find("add it again"), std::string::npos);
  EXPECT_NE(refused(400, "Bad Request: the chat is not a forum").reason.find("switch on topics"), std::string::npos);
  EXPECT_NE(refused(400, "Bad Request: TOPIC_CLOSED").reason.find("closed"), std::string::npos);
}

TEST(TelegramAnswersTest, ATopicThatWasMadeIsNamedByItsThread) {
  EXPECT_EQ(message_id_in(R"({"ok":true,"result":{"message_thread_id":45,"name":"Анна","icon_color":7322096}})"), "45");
  EXPECT_EQ(message_id_in(R"({"ok":true,"result":{"message_thread_id":45,"message_id":50}})"), "50");
  EXPECT_EQ(message_id_in(R"({"ok":true,"result":true})"), "");
}

}  // namespace
}  // namespace sufler::telegram

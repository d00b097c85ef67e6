#include "interpreter/transports/vk/answers.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "interpreter/transports/vk/api_client.h"

namespace sufler::vk {
namespace {

using Kind = Outcome::Kind;

std::string fixture(const std::string& name) {
  std::ifstream file(std::filesystem::path(SUFLER_SOURCE_DIR) / "tests/data/fixtures/vk" / (name + ".json"));
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

std::string error(int code) {
  return R"({"error":{"error_code":)" + std::to_string(code) + R"(,"error_msg":"Why",)" +
         R"("request_params":[{"key":"access_token","value":"vk1.a.secret"}]}})";
}
Outcome outcome(int code) { return outcome_of(read_answer(200, error(code)).refusal, Duration{700}); }

TEST(VkAnswersTest, ReadsWhatASentMessageIsCalled) {
  EXPECT_EQ(read_answer(200, fixture("messages_send_single_integer")).message_id, "4457");
  // A conversation's message has no number among the community's, or one that replies to it do not tell.
  for (const char* id : {"0", "7"}) {
    const Answer there = read_answer(200, R"({"response":[{"peer_id":2000000001,"message_id":)" + std::string(id) +
                                              R"(,"conversation_message_id":3}]})");
    EXPECT_TRUE(there.ok);
    EXPECT_EQ(there.message_id, "c3");
  }
  const Answer list = read_answer(200, R"({"response":[{"peer_id":1,"message_id":7,"conversation_message_id":3}]})");
  EXPECT_TRUE(list.ok);
  EXPECT_EQ(list.message_id, "7");
  EXPECT_TRUE(read_answer(200, R"({"response":1})").ok);
}

TEST(VkAnswersTest, FindsAnErrorInsideASuccess) {
  const Answer answer = read_answer(
      200, R"({"response":[{"peer_id":1,"message_id":0,"error":{"code":901,"description":"Can't send"}}]})");
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.refusal.code, 901);
  EXPECT_EQ(answer.refusal.description, "Can't send");
}

TEST(VkAnswersTest, ReadsEveryErrorOfTheFixtures) {
  const std::pair<const char*, int> errors[] = {{"error_103", 103}, {"error_10_no_request_params", 10},
                                                {"error_12", 12},   {"error_125", 125},
                                                {"error_14", 14},   {"error_214", 214},
                                                {"error_260", 260}, {"error_5", 5},
                                                {"error_5_invalid_token_4", 5}, {"error_7", 7}};
  for (const auto& [name, code] : errors) {
    const Answer answer = read_answer(200, fixture(name));
    EXPECT_FALSE(answer.ok) << name;
    EXPECT_EQ(answer.refusal.code, code) << name;
    EXPECT_FALSE(answer.refusal.description.empty()) << name;
  }
  EXPECT_FALSE(read_answer(200, fixture("oauth_error_flat_shape")).ok);
}

TEST(VkAnswersTest, NeverTellsTheParametersOfARequest) {
  const Answer answer = read_answer(200, error(5));
  EXPECT_EQ(answer.refusal.description, "Why");
  EXPECT_EQ(outcome(5).reason, "5 Why");
}

TEST(VkAnswersTest, TreatsEachErrorByItsMeaning) {
  for (const int code : {1, 10, 13, 36}) {
    EXPECT_EQ(outcome(code).kind, Kind::Retry) << code;
    EXPECT_EQ(outcome(code).after.ms, 700) << code;
  }
  EXPECT_EQ(outcome(6).kind, Kind::Retry);
  EXPECT_EQ(outcome(6).after.ms, 1000);
  EXPECT_EQ(outcome(9).kind, Kind::Retry);
  EXPECT_GE(outcome(9).after.ms, 60'000);
  EXPECT_EQ(outcome(29).kind, Kind::Retry);
  EXPECT_GT(outcome(29).after.ms, outcome(9).after.ms);
  for (const int code : {14, 17, 24, 3300, 3610}) EXPECT_EQ(outcome(code).kind, Kind::Retry) << code;
  for (const int code : {5, 27, 28, 1114, 1116, 1117, 1118}) {
    EXPECT_EQ(meaning_of({code, 200, {}}), Meaning::Token) << code;
    EXPECT_EQ(outcome(code).kind, Kind::Retry) << code;  // the message waits for a mended token
    EXPECT_FALSE(outcome(code).whole_bot) << code;       // the bot's other platforms go on
  }
  for (const int code : {18, 900, 901, 902, 917, 922, 925, 927, 932, 936, 945, 946}) {
    EXPECT_EQ(outcome(code).kind, Kind::Failed) << code;
    EXPECT_TRUE(outcome(code).unreachable) << code;
  }
  for (const int code : {7, 8, 15, 100, 909, 910, 911, 913, 914, 943, 950, 2000, 9999, 12345}) {
    EXPECT_EQ(outcome(code).kind, Kind::Failed) << code;
    EXPECT_FALSE(outcome(code).unreachable) << code;
    EXPECT_NE(outcome(code).reason.find("Why"), std::string::npos) << code;
  }
  for (const int code : {22, 105, 118, 121, 129}) EXPECT_EQ(meaning_of({code, 200, {}}), Meaning::Upload) << code;
  EXPECT_EQ(meaning_of({912, 200, {}}), Meaning::BotsOff);
}

TEST(VkAnswersTest, TakesWhatIsNoAnswerForATrouble) {
  for (const char* body : {"", "<html>", "[]", "{}", "null", R"({"error":5})"}) {
    const Answer answer = read_answer(502, body);
    EXPECT_FALSE(answer.ok) << body;
    EXPECT_EQ(meaning_of(answer.refusal), Meaning::Transient) << body;
  }
}

TEST(VkAnswersTest, GivesEachCallOfAnExecuteItsOwnAnswer) {
  const std::vector<std::string_view> methods(4, "messages.send");
  const std::vector<Answer> answers = read_execute(
      R"({"response":[11,false,false,14],"execute_errors":[
      {"method":"messages.send","error_code":901,"error_msg":"No permission"},
      {"method":"messages.send","error_code":911,"error_msg":"Keyboard"}]})",
      methods);
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_EQ(answers[0].message_id, "11");
  EXPECT_EQ(answers[1].refusal.code, 901);
  EXPECT_EQ(answers[2].refusal.code, 911);
  EXPECT_EQ(answers[3].message_id, "14");
}

TEST(VkAnswersTest, TakesAFailureWithoutItsErrorForUnclear) {
  const std::vector<Answer> answers = read_execute(R"({"response":[false,12]})", {"messages.send", "messages.send"});
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_FALSE(answers[0].ok);
  EXPECT_EQ(meaning_of(answers[0].refusal), Meaning::Transient);
  EXPECT_TRUE(read_execute(error(6), {"messages.send"}).empty());
  EXPECT_TRUE(read_execute(R"({"response":[1]})", {"a", "b"}).empty());
}

TEST(VkAnswersTest, WritesAnExecuteThatReturnsWhatEachCallGave) {
  const Fields first = {{"peer_id", "1"}, {"message", "a\"b\n</"}, {"random_id", "7"}};
  const Fields second = {{"peer_id", "2"}, {"message", "5"}, {"keyboard", R"({"buttons":[]})"}};
  EXPECT_EQ(execute_code({{"messages.send", &first}, {"messages.send", &second}}),
            R"(return [API.messages.send({"peer_id":1,"message":"a\"b\n</","random_id":7}),)"
            R"(API.messages.send({"peer_id":2,"message":"5","keyboard":"{\"buttons\":[]}"})];)");
}

TEST(VkAnswersTest, LetsNothingButNumbersIntoTheCode) {
  const Fields fields = {{"peer_id", "1});API.messages.delete({"}};
  EXPECT_EQ(execute_code({{"messages.send", &fields}}),
            R"(return [API.messages.send({"peer_id":"1});API.messages.delete({"})];)");
}

TEST(VkAnswersTest, ReadsWhatIsAskedAtTheStart) {
  PollServer server;
  EXPECT_TRUE(read_poll_server(R"({"response":{"key":"k","server":"https://lp.vk.com/wh1","ts":"12"}})", server));
  EXPECT_EQ(server.ts, "12");
  EXPECT_TRUE(read_poll_server(R"({"response":{"key":"k","server":"https://lp.vk.com/wh1","ts":12}})", server));
  EXPECT_EQ(server.ts, "12");
  EXPECT_FALSE(read_poll_server(R"({"response":{"key":"k","server":"lp.vk.com","ts":12}})", server));
  EXPECT_EQ(read_group_id(R"({"response":{"groups":[{"id":5,"name":"x"}],"profiles":[]}})"), 5);
  EXPECT_EQ(read_group_id(fixture("groups_getbyid_ban_info")), 66464944);  // an older version's list
  EXPECT_EQ(read_group_id(error(5)), 0);
}

TEST(VkAnswersTest, ReadsNames) {
  const auto two = read_names(fixture("users_get_two"));
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two.at("672").first_name, "Кристина");
  EXPECT_EQ(two.at("672").last_name, "Смирнова");
  EXPECT_EQ(read_names(fixture("users_get_one")).size(), 1U);
  EXPECT_EQ(read_names(fixture("users_get_more_fields")).size(), 2U);
  const auto pages = read_names(R"({"response":[{"id":1,"screen_name":"durov"},{"id":2,"screen_name":"id2"}]})");
  EXPECT_EQ(pages.at("1").username, "durov");
  EXPECT_EQ(pages.at("2").username, "");
}

TEST(VkAnswersTest, ReadsTheStepsOfAnUpload) {
  EXPECT_EQ(read_upload_url(fixture("photos_getmessagesuploadserver")).substr(0, 32), "http://cs618026.vk.com/upload.ph");
  EXPECT_EQ(read_upload_url(fixture("docs_getmessagesuploadserver")).substr(0, 18), "https://pu.vk.com/");
  std::string reason;
  const Fields document = read_uploaded(fixture("docs_upload_result"), reason);
  ASSERT_EQ(document.size(), 1U);
  EXPECT_EQ(document[0].first, "file");
  const Fields picture = read_uploaded(R"({"server":626627,"photo":"[{\"markers\":1}]","hash":"581d7a4ffc"})", reason);
  EXPECT_EQ(picture, (Fields{{"server", "626627"}, {"photo", R"([{"markers":1}])"}, {"hash", "581d7a4ffc"}}));
  EXPECT_TRUE(read_uploaded(R"({"server":1,"photo":"[]","hash":"x"})", reason).empty());
  EXPECT_TRUE(read_uploaded(R"({"error":"no_file"})", reason).empty());
  EXPECT_EQ(reason, "VK does not take the file: no_file");
  EXPECT_TRUE(read_uploaded("<html>", reason).empty());
  EXPECT_EQ(read_saved(fixture("docs_save_with_preview")), "doc509001243_486338532");
  EXPECT_EQ(read_saved(R"({"response":[{"id":4,"owner_id":-5,"access_key":"ab"}]})"), "photo-5_4_ab");
  EXPECT_EQ(read_saved(R"({"response":{"type":"audio_message","audio_message":{"id":4,"owner_id":5,"access_key":"k"}}})"),
            "doc5_4_k");
  EXPECT_EQ(read_saved(R"({"response":[]})"), "");
}

TEST(VkAnswersTest, WritesAForm) {
  const Fields fields = form_fields(R"({"peer_id":42,"message":"а б&в=1","keyboard":{"buttons":[]},"flag":true})");
  ASSERT_EQ(fields.size(), 4U);
  EXPECT_EQ(fields[2].second, R"({"buttons":[]})");
  EXPECT_EQ(form_body({{"a", "б c&d"}, {"e", ""}}), "a=%D0%B1+c%26d&e=");
  EXPECT_TRUE(form_fields("[1]").empty());
}

TEST(VkAnswersTest, WritesEveryByteOfAFormSoThatItCanBeReadAgain) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  const std::string form = form_body({{"a", all}});
  std::string read;
  for (std::size_t i = 2; i < form.size(); ++i) {
    if (form[i] == '%') {
      read += static_cast<char>(std::stoi(form.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      read += form[i] == '+' ? ' ' : form[i];
      EXPECT_TRUE(form[i] == '+' || std::isalnum(static_cast<unsigned char>(form[i])) != 0 ||
                  std::string("-._~").find(form[i]) != std::string::npos)
          << form[i];
    }
  }
  EXPECT_EQ(read, all);
}

TEST(VkAnswersTest, ReadsTheFieldsOfACallAsTheyAreWritten) {
  const Fields fields = form_fields(
      R"({ "peer_id" : -42 , "message":"a\n\"b\" {,}: \u044f", "keyboard":{"buttons":[[{"label":"a]}\\"}]]},"empty":"","no":null })");
  const Fields expected = {{"peer_id", "-42"},
                           {"message", "a\n\"b\" {,}: я"},
                           {"keyboard", R"({"buttons":[[{"label":"a]}\\"}]]})"},
                           {"empty", ""},
                           {"no", "null"}};
  EXPECT_EQ(fields, expected);
  for (const char* broken : {"", "{", "{}", R"({"a"})", R"({"a":})", R"({"a":1)", R"({"a":"b)", R"({"a":"b\)", R"({"a":[1})",
                             R"({"a":1,})", R"({"a":1}x)", R"({"a":"b"c"})", R"({"a":1 "b":2})", R"({,})"}) {
    EXPECT_TRUE(form_fields(broken).empty()) << broken;
  }
}

TEST(VkPacerTest, LetsABurstGoAndThenKeepsTheWindow) {
  Pacer pacer(3, std::chrono::milliseconds(1000));
  const auto begin = Pacer::Clock::now();
  const auto at = [&](int ms) { return begin + std::chrono::milliseconds(ms); };
  for (const int ms : {0, 10, 20}) {
    EXPECT_EQ(pacer.wait(at(ms)).count(), 0);
    pacer.note(at(ms));
  }
  EXPECT_EQ(pacer.wait(at(30)).count(), 970);
  EXPECT_EQ(pacer.wait(at(1000)).count(), 0);
  pacer.note(at(1000));
  EXPECT_EQ(pacer.wait(at(1001)).count(), 9);
  EXPECT_EQ(pacer.wait(at(1011), 2).count(), 989);  // one of three, the others are spared
  pacer.rest(at(1001), std::chrono::milliseconds(5000));
  EXPECT_EQ(pacer.wait(at(1500)).count(), 4501);
}

}  // namespace
}  // namespace sufler::vk

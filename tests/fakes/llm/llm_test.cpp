#include "fakes/llm/fake_llm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/common/raw_client.h"

namespace sufler::fakes {
namespace {

using ::testing::HasSubstr;

class FakeLlmTest : public ::testing::Test {
 protected:
  static Answer post(const FakeLlm& fake, const std::string& path, const Json& body, const std::string& key = {}) {
    const std::string text = body.dump();
    return converse(fake.port(), "POST " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nOpenAI-Project: b1g\r\nAuthorization: Bearer " +
                                     (key.empty() ? fake.key() : key) + "\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text);
  }
  Answer chat(const Json& more = Json::object(), const Json& messages = {{{"role", "user"}, {"content", "привет"}}}) const {
    Json body = {{"model", "fake-model"}, {"messages", messages}};
    body.update(more);
    return post(fake, "/v1/chat/completions", body);
  }
  static std::string message_of(const Answer& answer) { return answer.json()["error"].value("message", ""); }
  FakeLlm fake;
};

TEST_F(FakeLlmTest, EchoesWhatNobodyHasScripted) {
  const Json answer = chat().json();
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "echo: привет");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "stop");
  EXPECT_GT(answer["usage"]["total_tokens"], 0);
}

TEST_F(FakeLlmTest, AnswersAsItIsTold) {
  fake.answer({.text = "о цене", .when = "цена"});
  fake.answer({.calls = {{"", "find", R"({"n":1})"}}});
  EXPECT_EQ(chat().json()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], R"({"n":1})");
  EXPECT_EQ(chat(Json::object(), {{{"role", "user"}, {"content", "какая цена"}}}).json()["choices"][0]["message"]["content"], "о цене");
}

TEST_F(FakeLlmTest, RefusesWhatACarefulClientDoesNotSend) {
  EXPECT_THAT(message_of(chat({{"bogus", 1}})), HasSubstr("bogus"));
  EXPECT_THAT(message_of(chat({{"max_tokens", 5}})), HasSubstr("max_completion_tokens"));
  EXPECT_THAT(message_of(chat({{"tool_choice", "auto"}})), HasSubstr("only allowed when 'tools'"));
  EXPECT_THAT(message_of(chat({{"stream_options", {{"include_usage", true}}}})), HasSubstr("only allowed when 'stream'"));
  EXPECT_EQ(chat(Json::object(), Json::array()).status, 400);
  EXPECT_EQ(chat({{"model", "other"}}).status, 404);
  EXPECT_EQ(post(fake, "/v1/chat/completions", Json::object(), "wrong-key").status, 401);
  EXPECT_EQ(post(fake, "/v2/chat", Json::object()).status, 404);
}

TEST_F(FakeLlmTest, CallsAndResultsComeInPairs) {
  const Json call = {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", {{{"id", "a"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", "{}"}}}}}}};
  const Json result = {{"role", "tool"}, {"tool_call_id", "a"}, {"content", "1"}};
  const Json user = {{"role", "user"}, {"content", "x"}};
  EXPECT_EQ(chat(Json::object(), {user, call, result}).status, 200);
  EXPECT_THAT(message_of(chat(Json::object(), {user, call, user})), HasSubstr("did not have response messages: a"));
  EXPECT_THAT(message_of(chat(Json::object(), {user, call})), HasSubstr("must be followed by tool messages"));
  EXPECT_THAT(message_of(chat(Json::object(), {user, result})), HasSubstr("must be a response to a preceeding message"));
  EXPECT_EQ(chat(Json::object(), {user, call, result, result}).status, 400);
}

TEST_F(FakeLlmTest, AStreamEndsWithUsageAndDone) {
  fake.answer({.text = "Здравствуйте, Анна", .crlf = true});
  const Answer answer = chat({{"stream", true}, {"stream_options", {{"include_usage", true}}}});
  EXPECT_THAT(answer.head, HasSubstr("text/event-stream"));
  EXPECT_THAT(answer.body, HasSubstr("\r\n\r\n"));
  EXPECT_THAT(answer.body, HasSubstr("\"usage\":{"));
  EXPECT_TRUE(answer.body.ends_with("data: [DONE]\r\n\r\n"));
}

TEST_F(FakeLlmTest, ASchemaIsAnsweredByTheLeastThatFitsIt) {
  const Json schema = {{"type", "object"}, {"properties", {{"intent", {{"enum", {"да", "нет"}}}}, {"n", {{"type", "integer"}}}}}, {"required", {"intent", "n"}}, {"additionalProperties", false}};
  const Json format = {{"type", "json_schema"}, {"json_schema", {{"name", "answer"}, {"schema", schema}, {"strict", true}}}};
  EXPECT_EQ(Json::parse(chat({{"response_format", format}}).json()["choices"][0]["message"]["content"].get<std::string>()), (Json{{"intent", "да"}, {"n", 0}}));
  Json loose = format;
  loose["json_schema"]["schema"].erase("additionalProperties");
  EXPECT_THAT(message_of(chat({{"response_format", loose}})), HasSubstr("additionalProperties"));
  loose = format;
  loose["json_schema"].erase("name");
  EXPECT_EQ(chat({{"response_format", loose}}).status, 400);
}

TEST_F(FakeLlmTest, BothKindsOf429) {
  fake.fail_next({.kind = "rate_limit", .retry_after_s = 7});
  const Answer rate = chat();
  EXPECT_EQ(rate.status, 429);
  EXPECT_THAT(rate.head, HasSubstr("Retry-After: 7"));
  fake.fail_next({.kind = "rate_limit", .retry_after_s = 7, .as_date = true});
  EXPECT_THAT(chat().head, HasSubstr("GMT"));
  fake.fail_next({.kind = "quota"});
  EXPECT_EQ(chat().json()["error"]["code"], "insufficient_quota");
  EXPECT_EQ(chat().status, 200);
}

TEST_F(FakeLlmTest, MoreThanTheContextIsRefused) {
  fake.control("options", R"({"context_tokens": 50})");
  EXPECT_EQ(chat().status, 200);
  const Answer answer = chat(Json::object(), {{{"role", "user"}, {"content", std::string(1'000, 'x')}}});
  EXPECT_EQ(answer.json()["error"]["code"], "context_length_exceeded");
}

TEST(FakeGigaChatTest, ATokenIsNeededAndEnds) {
  const FakeLlm fake(FakeLlmOptions{.kind = "gigachat", .key = "CANARY-of-the-fake-gigachat"});
  const auto ask = [&](const std::string& token) {
    const std::string body = R"({"model":"fake-model","messages":[{"role":"user","content":"привет"}]})";
    return converse(fake.port(), "POST /api/v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nAuthorization: Bearer " + token +
                                     "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  };
  const auto oauth = [&](const std::string& id) {
    return converse(fake.port(), "POST /api/v2/oauth HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nAuthorization: Basic " + fake.key() +
                                     "\r\nRqUID: " + id + "\r\nContent-Length: 24\r\n\r\nscope=GIGACHAT_API_PERS\n");
  };
  EXPECT_EQ(ask("nothing").status, 401);
  EXPECT_EQ(ask("nothing").json()["status"], 401);
  EXPECT_EQ(oauth("1").status, 400);
}

}  // namespace
}  // namespace sufler::fakes

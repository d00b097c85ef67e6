#include "interpreter/services/llm/encode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "interpreter/services/llm/breaker.h"
#include "interpreter/services/llm/embeddings.h"
#include "interpreter/services/llm/gigachat.h"
#include "services/llm_fixtures.h"

namespace sufler::llm {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::ordered_json;

ModelConnection connection(ModelKind kind, const std::string& model = "m") {
  ModelConnection one;
  one.name = "default";
  one.kind = kind;
  one.url = "http://127.0.0.1/v1";
  one.model = model;
  set_usual(one);
  return one;
}

constexpr const char* kTool = R"({"type":"object","properties":{"number":{"type":"string"},"a":{"type":"integer"}},"required":["number"]})";

/// A talk in which a tool was called.
ChatRequest talk() {
  ChatRequest request;
  request.messages = {{Role::System, "Ты консультант."},
                      {Role::User, "Где заказ 15?"},
                      {Role::Assistant, "", {{"call_a", "find_order", R"({"number":"15"})"}, {"call_b", "get time", "{}"}}},
                      {Role::Tool, R"({"status":"paid"})", {}, "call_a"},
                      {Role::Tool, "12:00", {}, "call_b"},
                      {Role::Assistant, "Оплачен."},
                      {Role::User, "Спасибо"}};
  request.tools = {{"find_order", "Finds an order", kTool}};
  request.reply = 800;
  return request;
}
Json body(const ChatRequest& request, const ModelConnection& connection) { return Json::parse(chat_body(request, connection)); }

TEST(EncodeTest, ARequestOfAJobIsRead) {
  const auto request = read_request(R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"},
    {"role":"assistant","content":null,"calls":[{"id":"a","name":"f","arguments":"{}"}]},{"role":"tool","content":"r","call":"a"}],
    "tools":[{"name":"f","about":"does","parameters":{"type":"object","properties":{"z":{},"a":{}}}}],"schema":{"type":"object"},"reply":800,
    "knowledge":{"assistant":"consultant","version":"v","question":"цена?","pieces":5}})");
  ASSERT_TRUE(request) << request.error();
  EXPECT_EQ(request->messages.size(), 4U);
  EXPECT_EQ(request->messages[2].calls.at(0), (ToolCall{"a", "f", "{}"}));
  EXPECT_EQ(request->messages[3].call, "a");
  EXPECT_EQ(request->tools.at(0).parameters, R"({"type":"object","properties":{"z":{},"a":{}}})");
  EXPECT_EQ(request->schema, R"({"type":"object"})");
  EXPECT_EQ(request->reply, 800);
  EXPECT_EQ(request->knowledge->question, "цена?");
  EXPECT_EQ(request->knowledge->pieces, 5U);
  for (const char* wrong : {"", "[]", "{}", R"({"messages":[]})", R"({"messages":[{"role":"boss","content":"x"}]})", R"({"messages":[1]})",
                            R"({"messages":[{"role":"user","content":"x"}],"tools":[{}]})"})
    EXPECT_FALSE(read_request(wrong)) << wrong;
}

TEST(EncodeTest, OpenAi) {
  const Json json = body(talk(), connection(ModelKind::OpenAi, "gpt-4o-mini"));
  EXPECT_EQ(json["model"], "gpt-4o-mini");
  EXPECT_EQ(json["max_completion_tokens"], 800);
  EXPECT_FALSE(json.contains("max_tokens"));
  EXPECT_EQ(json["tool_choice"], "auto");
  EXPECT_FALSE(json.contains("stream"));
  EXPECT_FALSE(json.contains("temperature"));
  const Json& messages = json["messages"];
  ASSERT_EQ(messages.size(), 7U);
  EXPECT_EQ(messages[0], Json::parse(R"({"role":"system","content":"Ты консультант."})"));
  EXPECT_TRUE(messages[2]["content"].is_null());
  EXPECT_EQ(messages[2]["tool_calls"][0], Json::parse(R"({"id":"call_a","type":"function","function":{"name":"find_order","arguments":"{\"number\":\"15\"}"}})"));
  EXPECT_EQ(messages[2]["tool_calls"][1]["function"]["name"], "get_time");
  EXPECT_EQ(messages[3], Json::parse(R"({"role":"tool","tool_call_id":"call_a","content":"{\"status\":\"paid\"}"})"));
  EXPECT_EQ(json["tools"][0]["function"]["parameters"].dump(), Json::parse(kTool).dump());
  EXPECT_FALSE(json["tools"][0]["function"].contains("strict"));
}

TEST(EncodeTest, EachKindOfServerGetsWhatItKnows) {
  for (const ModelKind kind : {ModelKind::Compatible, ModelKind::Vllm, ModelKind::LlamaCpp, ModelKind::Ollama, ModelKind::LmStudio, ModelKind::Yandex}) {
    const Json json = body(talk(), connection(kind));
    EXPECT_EQ(json["max_tokens"], 800) << name_of(kind);
    const bool choice = kind == ModelKind::Vllm || kind == ModelKind::LlamaCpp || kind == ModelKind::LmStudio;
    EXPECT_EQ(json.contains("tool_choice"), choice) << name_of(kind);
  }
}

TEST(EncodeTest, ASchemaIsWrittenAsTheServerWantsIt) {
  ChatRequest request;
  request.messages = {{Role::System, "s"}, {Role::User, "u"}};
  request.schema = R"({"type":"object","properties":{"z":{"type":"string"},"a":{"type":"string"}},"required":["z","a"],"additionalProperties":false})";
  const Json schema = Json::parse(request.schema);
  const Json openai = body(request, connection(ModelKind::OpenAi))["response_format"];
  EXPECT_EQ(openai["type"], "json_schema");
  EXPECT_EQ(openai["json_schema"]["name"], "answer");
  EXPECT_EQ(openai["json_schema"]["strict"], true);
  EXPECT_EQ(openai["json_schema"]["schema"].dump(), schema.dump());  // in the author's order
  EXPECT_EQ(body(request, connection(ModelKind::Yandex))["response_format"], (Json{{"type", "json_schema"}, {"json_schema", schema}}));
  EXPECT_EQ(body(request, connection(ModelKind::GigaChat))["response_format"], (Json{{"type", "json_schema"}, {"schema", schema}, {"strict", true}}));
  ModelConnection one = connection(ModelKind::LlamaCpp);
  one.flags.json_schema = SchemaStyle::JsonObject;
  EXPECT_EQ(body(request, one)["response_format"], (Json{{"type", "json_object"}, {"schema", schema}}));
  one.flags.json_schema = SchemaStyle::None;
  const Json words = body(request, one);
  EXPECT_FALSE(words.contains("response_format"));
  EXPECT_THAT(words["messages"][0]["content"].get<std::string>(), HasSubstr(request.schema));
}

TEST(EncodeTest, StrictIsSaidOnlyOfSchemasThatAreSo) {
  EXPECT_TRUE(is_strict_schema(R"({"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false})"));
  EXPECT_FALSE(is_strict_schema(R"({"type":"object","properties":{"a":{"type":"string"}},"required":["a"]})"));
  EXPECT_FALSE(is_strict_schema(R"({"type":"object","properties":{"a":{},"b":{}},"required":["a"],"additionalProperties":false})"));
  EXPECT_FALSE(is_strict_schema(R"({"type":"object","properties":{"a":{"type":"object","properties":{"x":{}}}},"required":["a"],"additionalProperties":false})"));
  EXPECT_TRUE(is_strict_schema(R"({"type":"array","items":{"type":"string"}})"));
  EXPECT_FALSE(is_strict_schema("nonsense"));
}

TEST(EncodeTest, FlagsAndParametersOfTheConfiguration) {
  ModelConnection one = connection(ModelKind::Vllm);
  one.flags.system_role = "developer";
  one.flags.parallel_calls = false;
  one.flags.max_tokens_field.clear();
  one.temperature = "0.2";
  one.stream = true;
  one.parameters = {{"top_p", "0.9"}, {"reasoning_effort", "\"low\""}};
  const Json json = body(talk(), one);
  EXPECT_EQ(json["messages"][0]["role"], "developer");
  EXPECT_EQ(json["parallel_tool_calls"], false);
  EXPECT_FALSE(json.contains("max_tokens"));
  EXPECT_EQ(json["temperature"], 0.2);
  EXPECT_EQ(json["stream"], true);
  EXPECT_EQ(json["stream_options"], (Json{{"include_usage", true}}));
  EXPECT_EQ(json["top_p"], 0.9);
  EXPECT_EQ(json["reasoning_effort"], "low");
  one.flags.tools = ToolStyle::None;
  EXPECT_FALSE(body(talk(), one).contains("tools"));
}

TEST(EncodeTest, CallsAndResultsAreInPairsWhateverTheTalkHolds) {
  ChatRequest request;
  request.messages = {{Role::Tool, "of nothing", {}, "x"},
                      {Role::User, "u"},
                      {Role::Assistant, "", {{"", "f", "{}"}, {"b", "g", "{}"}, {"b", "h", "{}"}}},
                      {Role::Tool, "of another", {}, "zz"},
                      {Role::Tool, "of b", {}, "b"},
                      {Role::User, "дальше"},
                      {Role::Tool, "late", {}, "b"}};
  const Json messages = body(request, connection(ModelKind::OpenAi))["messages"];
  ASSERT_EQ(messages.size(), 6U) << messages.dump(1);
  std::vector<std::string> called, answered;
  for (const Json& call : messages[1]["tool_calls"]) called.push_back(call["id"]);
  for (std::size_t i = 2; i < 5; ++i) answered.push_back(messages[i]["tool_call_id"]);
  EXPECT_EQ(called, answered);
  EXPECT_NE(called[1], called[2]);
  EXPECT_EQ(messages[3]["content"], "of b");
  EXPECT_EQ(messages[5]["content"], "дальше");
}

TEST(EncodeTest, NamesOfFunctionsAreSuchAsServersTake) {
  EXPECT_EQ(function_name("find_order-1"), "find_order-1");
  EXPECT_EQ(function_name("a b"), "a_b");
  EXPECT_EQ(function_name(""), "unknown");
  EXPECT_EQ(function_name(std::string(100, 'a')).size(), 64U);
  EXPECT_THAT(function_name("заказ"), Not(HasSubstr("з")));
}

TEST(EncodeTest, GigaChatHasFunctionsAndOneCallATurn) {
  ChatRequest request = talk();
  request.messages[2].calls[0].id = request.messages[3].call = "77d3fb14-457a-46ba-937e-8d856156d003";
  const Json json = body(request, connection(ModelKind::GigaChat, "GigaChat"));
  EXPECT_FALSE(json.contains("tools"));
  EXPECT_EQ(json["function_call"], "auto");
  EXPECT_EQ(json["functions"][0]["name"], "find_order");
  EXPECT_EQ(json["max_tokens"], 800);
  const Json& messages = json["messages"];
  ASSERT_EQ(messages.size(), 8U) << messages.dump(1);
  EXPECT_EQ(messages[2]["function_call"], Json::parse(R"({"name":"find_order","arguments":{"number":"15"}})"));
  EXPECT_EQ(messages[2]["functions_state_id"], "77d3fb14-457a-46ba-937e-8d856156d003");
  EXPECT_EQ(messages[3], Json::parse(R"({"role":"function","name":"find_order","content":"{\"status\":\"paid\"}"})"));
  EXPECT_FALSE(messages[4].contains("functions_state_id"));
  EXPECT_EQ(messages[5]["content"], R"({"result":"12:00"})");
  // The shape of its own examples.
  const Json own = Json::parse(fixture("gigachat-function.request.json"));
  for (const auto& [name, value] : own["functions"][0].items())
    if (name != "return_parameters") {
      EXPECT_TRUE(json["functions"][0].contains(name)) << name;
    }
}

TEST(EncodeTest, GigaChatsTokenIsAskedForAsItWants) {
  ModelConnection one = connection(ModelKind::GigaChat);
  one.key = "a2V5";
  const OauthRequest oauth = oauth_request(one, uuid4(0x0123456789abcdefULL, 0xfedcba9876543210ULL));
  EXPECT_EQ(oauth.body, "scope=GIGACHAT_API_PERS");
  EXPECT_THAT(oauth.headers, Contains("Authorization: Basic a2V5"));
  EXPECT_THAT(oauth.headers, Contains("RqUID: 01234567-89ab-4def-bedc-ba9876543210"));
  EXPECT_THAT(request_headers(one, "token-1"), Contains("Authorization: Bearer token-1"));
  EXPECT_THAT(request_headers(one, "token-1"), Not(Contains(HasSubstr("a2V5"))));
}

TEST(EncodeTest, YandexWantsAFolder) {
  ModelConnection one = connection(ModelKind::Yandex, "yandexgpt");
  one.key = "AQVN";
  one.headers = {{"OpenAI-Project", "b1g"}};
  one.embeddings_model = "text-search-doc";
  one.embeddings_query_model = "text-search-query";
  EXPECT_EQ(body(talk(), one)["model"], "gpt://b1g/yandexgpt/latest");
  EXPECT_THAT(request_headers(one), Contains("OpenAI-Project: b1g"));
  EXPECT_EQ(Json::parse(embeddings_body({"цена"}, one, EmbeddingOf::Query)),
            Json::parse(R"({"model":"emb://b1g/text-search-query/latest","input":"цена","encoding_format":"float"})"));
  EXPECT_EQ(embedding_model(one, EmbeddingOf::Document), "emb://b1g/text-search-doc/latest");
  one.model = "gpt://b1g/yandexgpt/rc";
  EXPECT_EQ(body(talk(), one)["model"], "gpt://b1g/yandexgpt/rc");
  one.model = "yandexgpt/rc";
  EXPECT_EQ(body(talk(), one)["model"], "gpt://b1g/yandexgpt/rc");
}

TEST(EncodeTest, TheKeyStandsInTheHeaderOfTheConfiguration) {
  ModelConnection one = connection(ModelKind::Compatible);
  EXPECT_THAT(request_headers(one), ElementsAre("Content-Type: application/json"));
  one.key = "k";
  EXPECT_THAT(request_headers(one), Contains("Authorization: Bearer k"));
  one.header = "X-API-Key";
  one.prefix.clear();
  EXPECT_THAT(request_headers(one), Contains("X-API-Key: k"));
}

TEST(EncodeTest, KindsAreGuessedFromTheAddress) {
  const auto guess = [](const char* url) { return std::string(name_of(guess_model_kind(url))); };
  EXPECT_EQ(guess("https://api.openai.com/v1"), "openai");
  EXPECT_EQ(guess("https://ai.api.cloud.yandex.net/v1"), "yandex");
  EXPECT_EQ(guess("https://llm.api.cloud.yandex.net/v1"), "yandex");
  EXPECT_EQ(guess("https://gigachat.devices.sberbank.ru/api/v1"), "gigachat");
  EXPECT_EQ(guess("http://localhost:11434/v1"), "ollama");
  EXPECT_EQ(guess("http://10.0.0.5:8000/v1"), "vllm");
  EXPECT_EQ(guess("http://10.0.0.5:8080/v1"), "llamacpp");
  EXPECT_EQ(guess("http://127.0.0.1:1234/v1"), "lmstudio");
  EXPECT_EQ(guess("https://example.com/v1"), "compatible");
  EXPECT_EQ(guess("https://notopenai.com/v1"), "compatible");
}

// ---- what is too long

std::vector<std::string> contents(const ChatRequest& request) {
  std::vector<std::string> all;
  for (const ChatMessage& message : request.messages) all.push_back(message.content.empty() ? "(calls)" : message.content);
  return all;
}

TEST(TrimTest, TheOlderHalfGoesAndNoCallLosesItsResult) {
  ChatRequest request = talk();
  const auto shorter = trimmed(request);
  ASSERT_TRUE(shorter);
  EXPECT_EQ(contents(*shorter).front(), "Ты консультант.");
  EXPECT_EQ(contents(*shorter).back(), "Спасибо");
  EXPECT_LT(shorter->messages.size(), request.messages.size());
  for (std::size_t i = 0; i < shorter->messages.size(); ++i)
    if (shorter->messages[i].role == Role::Tool) {
      EXPECT_NE(i, 1U);
    }
  EXPECT_EQ(shorter->messages[1].role, Role::User);
}

TEST(TrimTest, TheLastQuestionWithItsCallsStays) {
  ChatRequest request;
  request.messages = {{Role::System, "s"}, {Role::User, "старое"}, {Role::Assistant, "ответ"}, {Role::User, "новое"},
                      {Role::Assistant, "", {{"a", "f", "{}"}}}, {Role::Tool, "итог", {}, "a"}};
  auto shorter = trimmed(request);
  ASSERT_TRUE(shorter);
  while (auto more = trimmed(*shorter)) shorter = more;
  EXPECT_THAT(contents(*shorter), ElementsAre("s", "новое", "(calls)", "итог"));
  EXPECT_FALSE(trimmed(*shorter));
  request.messages = {{Role::System, "s"}, {Role::User, "u"}};
  EXPECT_FALSE(trimmed(request));
}

TEST(TrimTest, TokensAreCountedByCodePoints) {
  EXPECT_EQ(estimated_tokens("цена"), 2);
  ChatRequest request;
  request.messages = {{Role::User, "цена"}};
  EXPECT_EQ(estimated_tokens(request), 6);
}

// ---- the breaker

TEST(BreakerTest, OpensAfterFailuresInARowAndLetsOneTry) {
  using std::chrono::seconds;
  const Breaker::Time start{};
  Breaker breaker(3, seconds(30));
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(breaker.allows(start));
    breaker.failed(start);
  }
  breaker.succeeded();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(breaker.allows(start));
    breaker.failed(start);
  }
  EXPECT_TRUE(breaker.open(start));
  EXPECT_FALSE(breaker.allows(start + seconds(29)));
  EXPECT_TRUE(breaker.allows(start + seconds(30)));
  EXPECT_FALSE(breaker.allows(start + seconds(30)));  // one at a time
  breaker.failed(start + seconds(31));
  EXPECT_FALSE(breaker.allows(start + seconds(60)));
  EXPECT_TRUE(breaker.allows(start + seconds(61)));
  breaker.gave_back();
  EXPECT_TRUE(breaker.allows(start + seconds(61)));
  breaker.succeeded();
  EXPECT_TRUE(breaker.allows(start + seconds(61)));
  EXPECT_TRUE(breaker.allows(start + seconds(61)));
}

}  // namespace
}  // namespace sufler::llm

#include "interpreter/services/llm/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "interpreter/services/llm/embeddings.h"
#include "interpreter/services/llm/errors.h"
#include "interpreter/services/llm/gigachat.h"
#include "services/llm_fixtures.h"

namespace sufler::llm {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// A choice with this message.
Result<ChatAnswer, Failure> answer(const std::string& message, const std::string& finish = "stop") {
  return read_answer(R"({"choices":[{"index":0,"message":)" + message + R"(,"finish_reason":")" + finish + "\"}]}");
}
std::string text(const std::string& content) {
  return text_of_answer(answer(nlohmann::json{{"role", "assistant"}, {"content", content}}.dump()));
}

// ---- fixtures

TEST(DecodeTest, TheAnswerOfOpenAi) {
  const auto read = read_answer(fixture("openai-chat.response.json"));
  ASSERT_TRUE(read) << text_of_answer(read);
  EXPECT_EQ(read->text, "Hello! How can I assist you today?");
  EXPECT_EQ(read->finish, Finish::Stop);
  EXPECT_EQ(read->usage, (Usage{19, 10}));
  EXPECT_TRUE(read->calls.empty());
}

TEST(DecodeTest, TheCallOfATool) {
  const auto read = read_answer(fixture("openai-tools.response.json"));
  ASSERT_TRUE(read) << text_of_answer(read);
  EXPECT_EQ(read->text, std::nullopt);
  EXPECT_EQ(read->finish, Finish::Tools);
  EXPECT_THAT(read->calls, ElementsAre(ToolCall{"call_abc123", "get_current_weather", "{\n\"location\": \"Boston, MA\"\n}"}));
  EXPECT_EQ(read->usage, (Usage{82, 17}));
}

TEST(DecodeTest, TheAnswerOfGigaChat) {
  const auto read = read_answer(fixture("gigachat-chat.response.json"));
  ASSERT_TRUE(read) << text_of_answer(read);
  EXPECT_THAT(*read->text, StartsWith("Конечно, у человечества"));
  EXPECT_THAT(*read->text, Not(HasSubstr("reasoning")));
  EXPECT_EQ(read->usage, (Usage{18, 68}));
}

TEST(DecodeTest, TheFunctionOfGigaChatHasAnObjectForArguments) {
  const auto read = read_answer(fixture("gigachat-function.response.json"));
  ASSERT_TRUE(read) << text_of_answer(read);
  ASSERT_EQ(read->calls.size(), 1U);
  EXPECT_EQ(read->calls[0].name, "fc");
  EXPECT_EQ(nlohmann::json::parse(read->calls[0].arguments), (nlohmann::json{{"location", "Москва"}, {"num_days", 0}}));
  EXPECT_FALSE(read->calls[0].id.empty());
  EXPECT_EQ(read->finish, Finish::Tools);
  EXPECT_EQ(read->text, std::nullopt);
}

TEST(DecodeTest, TheSecondContractOfGigaChat) {
  const auto traffic = nlohmann::json::parse(fixture("gigachat-v2-tool-roundtrip.json"));
  const auto token = read_access_token(traffic[0]["response"].dump());
  ASSERT_TRUE(token);
  EXPECT_EQ(token->expires.unix_ms, 4102444800000);
  const auto call = read_answer(traffic[1]["response"].dump());
  ASSERT_TRUE(call) << text_of_answer(call);
  EXPECT_THAT(call->calls, ElementsAre(ToolCall{"019e8373-dc9a-7883-af60-ebb20b79e1e1", "get_order_status", R"({"order_id":"A-1024"})"}));
  EXPECT_EQ(call->usage, (Usage{88, 25}));
  const auto words = read_answer(traffic[3]["response"].dump());
  ASSERT_TRUE(words) << text_of_answer(words);
  EXPECT_EQ(words->text, "Order A-1024 is currently packed and scheduled for delivery tomorrow.");
  EXPECT_EQ(words->finish, Finish::Stop);
}

TEST(DecodeTest, TheTokenOfGigaChat) {
  const auto token = read_access_token(fixture("gigachat-token.response.json"));
  ASSERT_TRUE(token);
  EXPECT_EQ(token->token, "eyJ…");
  EXPECT_EQ(token->expires.unix_ms, 1706026848841);
  EXPECT_FALSE(read_access_token(R"({"access_token":"a\nb","expires_at":1706026848841})"));
  EXPECT_FALSE(read_access_token(R"({"access_token":"","expires_at":1706026848841})"));
  EXPECT_FALSE(read_access_token(R"({"access_token":"a"})"));
  EXPECT_FALSE(read_access_token("<html>"));
}

TEST(DecodeTest, TheErrorsOfTheServers) {
  const std::vector<std::tuple<std::string, int, Fault, bool>> cases = {
      {"openai-error-400-context.json", 400, Fault::TooLong, false},
      {"openai-error-401.json", 401, Fault::Denied, false},
      {"openai-error-403-country.json", 403, Fault::Denied, false},
      {"openai-error-429-quota.json", 429, Fault::Billing, false},
      {"openai-error-429-rate.json", 429, Fault::Busy, true},
      {"vllm-error-400.json", 400, Fault::TooLong, false},
      {"llamacpp-error-503-loading.json", 503, Fault::Unavailable, true},
      {"gigachat-error-404.json", 404, Fault::Rejected, false},
  };
  for (const auto& [name, status, fault, again] : cases) {
    const Failure failure = failure_of(status, fixture(name));
    EXPECT_EQ(word_of(failure.fault), word_of(fault)) << name;
    EXPECT_EQ(failure.again, again) << name;
    EXPECT_THAT(failure.about, StartsWith("HTTP " + std::to_string(status))) << name;
    // The same with 200 before it, as in the middle of a stream.
    const auto inside = read_answer(fixture(name));
    EXPECT_FALSE(inside) << name;
    if (inside) continue;
    EXPECT_EQ(word_of(inside.error().fault), word_of(fault)) << name;
  }
  EXPECT_THAT(failure_of(403, fixture("openai-error-403-country.json")).about, HasSubstr("proxy"));
  EXPECT_THAT(failure_of(404, fixture("gigachat-error-404.json")).about, HasSubstr("No such model"));
}

TEST(DecodeTest, VectorsOfGigaChat) {
  const auto read = read_embeddings(fixture("gigachat-embeddings.response.json"), 1);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->vectors.at(0).size(), 4U);
  EXPECT_FLOAT_EQ(read->vectors[0][0], 0.34410548F);
  EXPECT_EQ(read->tokens, 11);
}

TEST(DecodeTest, EveryFixtureIsReadWithoutHarm) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(SUFLER_SOURCE_DIR) + "/tests/data/fixtures/llm")) {
    const std::string body = fixture(entry.path().filename());
    (void)read_answer(body);
    (void)read_embeddings(body, 1);
    for (const int status : {400, 429, 500}) (void)failure_of(status, body);
    ++files;
  }
  EXPECT_GE(files, 21U);
}

// ---- what servers do besides

TEST(DecodeTest, UnknownMembersAndMissingUsageAreNoTrouble) {
  const auto read = read_answer(R"({"timings":{"x":1e300},"choices":[{"message":{"content":"да","reasoning_content":"…","annotations":[]},"finish_reason":"stop"}]})");
  ASSERT_TRUE(read) << text_of_answer(read);
  EXPECT_EQ(read->text, "да");
  EXPECT_EQ(read->usage, std::nullopt);
}

TEST(DecodeTest, CallsCountWhateverTheReasonOfTheEnd) {
  const auto read = answer(R"({"content":"Смотрю.","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]})", "stop");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->finish, Finish::Tools);
  EXPECT_EQ(read->text, "Смотрю.");
  EXPECT_EQ(read->calls.size(), 1U);
}

TEST(DecodeTest, SeveralCallsHaveIdsOfTheirOwn) {
  const auto read = answer(R"({"content":null,"tool_calls":[{"id":"a","function":{"name":"f","arguments":""}},
    {"id":"a","function":{"name":"g","arguments":{"n":1}}},{"id":null,"function":{"name":"h","arguments":null}},{"function":{"name":"i"}}]})");
  ASSERT_TRUE(read) << text_of_answer(read);
  ASSERT_EQ(read->calls.size(), 4U);
  std::set<std::string> ids;
  for (const ToolCall& call : read->calls) ids.insert(call.id);
  EXPECT_EQ(ids.size(), 4U);
  EXPECT_FALSE(ids.contains(""));
  EXPECT_EQ(read->calls[0].arguments, "{}");
  EXPECT_EQ(read->calls[1].arguments, R"({"n":1})");
  EXPECT_EQ(read->calls[2].arguments, "{}");
}

TEST(DecodeTest, WhatTheModelWroteForArgumentsStaysAsItIs) {
  const auto read = answer(R"({"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"a\": oops"}}]})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->calls[0].arguments, R"({"a": oops)");
}

TEST(DecodeTest, ContentInParts) {
  const auto read = answer(R"({"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"раз "},{"type":"text","text":"два"}]})");
  EXPECT_EQ(text_of_answer(read), "раз два");
}

TEST(DecodeTest, ThoughtsAreNotToldToPeople) {
  EXPECT_EQ(text("<think>Он спрашивает о цене.</think>\n\nЦена 5."), "Цена 5.");
  EXPECT_EQ(text("<think>\n</think>Да"), "Да");
  EXPECT_EQ(text("Он спрашивает.\n</think>\nДа"), "Да");
  EXPECT_EQ(text("Раз <think>два</think> три"), "Раз  три");
  EXPECT_EQ(text("<thinking>a</thinking>b<think>c</think>d"), "bd");
  EXPECT_EQ(text("x < y и <b>"), "x < y и <b>");
  EXPECT_EQ(fault_of(answer(R"({"content":"<think>и тут он"})", "length")), "bad_answer");
}

TEST(DecodeTest, NothingAtAllIsABadAnswer) {
  EXPECT_EQ(fault_of(answer(R"({"content":null})")), "bad_answer");
  EXPECT_EQ(fault_of(answer(R"({"content":" \n"})")), "bad_answer");
  EXPECT_EQ(fault_of(answer(R"({})")), "bad_answer");
  for (const char* body : {"", " ", "null", "[]", "{}", "42", R"({"choices":[]})", R"({"choices":null})", R"({"choices":[null]})",
                           "<html><body><h1>502 Bad Gateway</h1></body></html>", R"({"choices":[{"message":{"content":"да")"})
    EXPECT_EQ(fault_of(read_answer(body)), "bad_answer") << body;
}

TEST(DecodeTest, ARefusalAndAFilterAreSaid) {
  EXPECT_EQ(fault_of(answer(R"({"content":null,"refusal":"I cannot"})")), "filtered");
  EXPECT_EQ(fault_of(answer(R"({"content":""})", "content_filter")), "filtered");
  const auto cut = answer(R"({"content":"Не люблю менять тему"})", "blacklist");
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->finish, Finish::Filtered);
}

TEST(DecodeTest, AnAnswerThatWasCutSaysSo) {
  const auto read = answer(R"({"content":"Это очень дли"})", "length");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->finish, Finish::Length);
  EXPECT_EQ(fault_of(answer(R"({"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"a\":"}}]})", "length")), "bad_answer");
}

TEST(DecodeTest, BytesThatAreNoUtf8AndHalvesOfPairsBecomeSigns) {
  EXPECT_EQ(text_of_answer(read_answer("{\"choices\":[{\"message\":{\"content\":\"a\xD0 b\"}}]}")), "a\uFFFD b");
  EXPECT_EQ(text_of_answer(read_answer(R"({"choices":[{"message":{"content":"a\ud83d b"}}]})")), "a\uFFFD b");
  EXPECT_EQ(text_of_answer(read_answer(R"({"choices":[{"message":{"content":"a\ud83d\ude00 \\ud83d b\u0000"}}]})")), "a😀 \\ud83d b");
}

TEST(DecodeTest, DeepNestsAreNoJson) {
  const std::string deep = std::string(10'000, '[');
  EXPECT_EQ(fault_of(read_answer(R"({"choices":[{"message":{"content":"да","x":)" + deep + std::string(10'000, ']') + "}}]}")), "bad_answer");
}

TEST(DecodeTest, JsonIsFoundInItsFence) {
  const auto kept = [](const std::string& given, Finish finish = Finish::Stop) {
    ChatAnswer one;
    one.text = given;
    one.finish = finish;
    return keep_json(one) ? *one.text : "none";
  };
  EXPECT_EQ(kept(R"({"a":1})"), R"({"a":1})");
  EXPECT_EQ(kept("```json\n{\"a\":1}\n```"), R"({"a":1})");
  EXPECT_EQ(kept("Вот: {\"a\":1}. Готово"), R"({"a":1})");
  EXPECT_EQ(kept("\"назад\""), "\"назад\"");
  EXPECT_EQ(kept("назад"), "none");
  EXPECT_EQ(kept(R"({"a":1)"), "none");
  EXPECT_EQ(kept(R"({"a":1})", Finish::Length), "none");
}

// ---- errors

TEST(ModelErrorsTest, TheStatusDecidesWhereTheBodyTellsNothing) {
  const std::vector<std::tuple<int, Fault, bool>> cases = {
      {400, Fault::Rejected, false}, {401, Fault::Denied, false},     {402, Fault::Billing, false},
      {403, Fault::Denied, false},   {404, Fault::Rejected, false},   {408, Fault::Unavailable, true},
      {409, Fault::Unavailable, true}, {413, Fault::Rejected, false}, {418, Fault::Rejected, false},
      {422, Fault::Rejected, false}, {429, Fault::Busy, true},        {500, Fault::Unavailable, true},
      {502, Fault::Unavailable, true}, {503, Fault::Unavailable, true}, {504, Fault::Unavailable, true},
      {301, Fault::Rejected, false}};
  for (const auto& [status, fault, again] : cases)
    for (const char* body : {"", "<html><head><title>x</title></head></html>", "{}", "null", "{\"error\":", "[]", "\xFF\xFE"}) {
      const Failure failure = failure_of(status, body);
      EXPECT_EQ(word_of(failure.fault), word_of(fault)) << status << body;
      EXPECT_EQ(failure.again, again) << status;
    }
}

TEST(ModelErrorsTest, EveryKindOfNoMoneyIsBilling) {
  for (const char* word : {"insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
                           "project_spend_limit_exceeded", "organization_usage_limit_exceeded"}) {
    for (const char* place : {"code", "type"}) {
      const Failure failure = failure_of(429, std::string(R"({"error":{"message":"no","param":null,")") + place + "\":\"" + word + "\"}}");
      EXPECT_EQ(failure.fault, Fault::Billing) << word;
      EXPECT_FALSE(failure.again);
    }
  }
}

TEST(ModelErrorsTest, TheEnvelopesAreKnown) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"error":"model not found"})", "model not found"},
      {R"({"object":"error","message":"bad","type":"BadRequestError","code":400})", "bad"},
      {R"({"detail":"Not Found"})", "Not Found"},
      {R"({"detail":[{"msg":"field required"}]})", "field required"},
      {R"({"code":3,"message":"Неверная папка","details":[]})", "Неверная папка"},
      {R"([{"error":{"code":400,"message":"in a list"}}])", "in a list"},
      {R"({"status":422,"message":"Invalid params"})", "Invalid params"}};
  for (const auto& [body, words] : cases) EXPECT_THAT(failure_of(422, body).about, HasSubstr(words)) << body;
}

TEST(ModelErrorsTest, WhatIsTooLongIsSaidInManyWords) {
  for (const char* words : {"This model's maximum context length is 4096 tokens. However, you requested 5000", "the request exceeds the available context size",
                            "prompt is too long: 9000 tokens", "Number of input tokens must be no more than 8192, got 9000"})
    EXPECT_EQ(failure_of(400, nlohmann::json{{"error", {{"message", words}, {"code", 400}}}}.dump()).fault, Fault::TooLong) << words;
  EXPECT_EQ(failure_of(400, R"({"error":{"code":400,"message":"x","type":"exceed_context_size_error","n_ctx":4096}})").fault, Fault::TooLong);
  EXPECT_EQ(failure_of(413, R"({"status":413,"message":"too many tokens in the request"})").fault, Fault::TooLong);
}

TEST(ModelErrorsTest, ALineOfTheLogIsShortAndHoldsNoTags) {
  const Failure failure = failure_of(502, "<html>\r\n<head><title>502</title></head><body>" + std::string(5'000, 'x') + "\x1b[31m</body></html>");
  EXPECT_LT(failure.about.size(), 1'000U);
  EXPECT_THAT(failure.about, Not(HasSubstr("<")));
  EXPECT_THAT(failure.about, Not(HasSubstr("\x1b")));
  EXPECT_THAT(failure.about, Not(HasSubstr("\n")));
}

TEST(ModelErrorsTest, TheKeyIsInNoLineNotEvenAPartOfIt) {
  const std::string key = "sk-proj-SECRET0123456789abcdef";
  const auto shown = [&](const std::string& text) { return without_secrets(text, {key}); };
  EXPECT_EQ(shown("Incorrect API key provided: " + key + "."), "Incorrect API key provided: ***.");
  EXPECT_THAT(shown("wrong key sk-proj-****cdef, see"), Not(HasSubstr("sk-proj")));
  EXPECT_THAT(shown("it ends in \"****abcdef\""), Not(HasSubstr("abcdef")));
  EXPECT_EQ(shown("no key here"), "no key here");
  EXPECT_EQ(without_secrets("abc", {""}), "abc");
}

// ---- vectors

TEST(EmbeddingsTest, AreSortedByTheirIndexAndAllOfOneLength) {
  const auto read = read_embeddings(R"({"object":"list","model":"m","usage":{"prompt_tokens":3,"total_tokens":3},
    "data":[{"index":1,"embedding":[3,4]},{"index":0,"embedding":[1,2]}]})", 2);
  ASSERT_TRUE(read);
  EXPECT_THAT(read->vectors, ElementsAre(ElementsAre(1.0F, 2.0F), ElementsAre(3.0F, 4.0F)));
  EXPECT_EQ(read->tokens, 3);
  for (const char* wrong : {R"({"data":[{"index":0,"embedding":[1,2]}]})", R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})",
                            R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]})", R"({"data":[{"index":0,"embedding":[]},{"index":1,"embedding":[1]}]})",
                            R"({"data":[{"index":0,"embedding":["a"]},{"index":1,"embedding":[1]}]})", R"({"data":[{"index":5,"embedding":[1]},{"index":1,"embedding":[1]}]})",
                            R"({"data":[{"index":0,"embedding":"AAAA"},{"index":1,"embedding":[1]}]})", "[]", "", R"({"error":{"message":"no"}})"})
    EXPECT_FALSE(read_embeddings(wrong, 2)) << wrong;
}

}  // namespace
}  // namespace sufler::llm

#include "interpreter/services/llm/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "services/llm_fixtures.h"

namespace sufler::llm {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::vector<std::pair<std::string, std::string>> events_of(const std::string& bytes, std::size_t piece) {
  std::vector<std::pair<std::string, std::string>> events;
  SseParser parser([&](std::string_view name, std::string_view data) { events.emplace_back(name, data); });
  for (std::size_t i = 0; i < bytes.size(); i += piece) parser.feed(std::string_view(bytes).substr(i, piece));
  parser.end();
  return events;
}

Result<ChatAnswer, Failure> decoded(const std::string& bytes, std::size_t piece = 1'000'000, bool broken = false) {
  StreamDecoder decoder;
  for (std::size_t i = 0; i < bytes.size(); i += piece)
    if (!decoder.feed(std::string_view(bytes).substr(i, piece))) break;
  return decoder.finish(broken);
}

std::string delta(const nlohmann::json& delta, const char* finish = nullptr) {
  nlohmann::json chunk = {{"object", "chat.completion.chunk"}, {"choices", {{{"index", 0}, {"delta", delta}, {"finish_reason", nullptr}}}}};
  if (finish) chunk["choices"][0]["finish_reason"] = finish;
  return "data: " + chunk.dump() + "\n\n";
}
const std::string kDone = "data: [DONE]\n\n";

TEST(SseTest, LinesEndInAnyWayAndEventsAreCutAnywhere) {
  const std::string bytes = "\xEF\xBB\xBF: ping\r\n\r\ndata: a\r\ndata:b\r\rid: 7\rdata:  c\nretry: 5\n\nevent: error\ndata\n\ndata: d";
  for (const std::size_t piece : {1U, 2U, 3U, 5U, 1'000U})
    EXPECT_THAT(events_of(bytes, piece), ElementsAre(Pair("", "a\nb"), Pair("", " c"), Pair("error", ""), Pair("", "d"))) << piece;
}

TEST(SseTest, CommentsAloneAreNoEvents) { EXPECT_TRUE(events_of(": keep-alive\n\n: keep-alive\n\n\n\nevent: x\n\n", 1).empty()); }

TEST(StreamTest, TheFixturesHoweverTheyAreCut) {
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U, 1'000'000U}) {
    const auto hello = decoded(fixture("openai-stream.sse.txt"), piece);
    EXPECT_EQ(text_of_answer(hello), "Hello");
    ASSERT_TRUE(hello);
    EXPECT_EQ(hello->finish, Finish::Stop);
    EXPECT_EQ(hello->usage, std::nullopt);

    const auto giga = decoded(fixture("gigachat-stream.sse.txt"), piece);
    ASSERT_TRUE(giga) << text_of_answer(giga);
    EXPECT_TRUE(giga->text->starts_with("Конечно, у человечества"));
    EXPECT_TRUE(giga->text->ends_with("с умом."));

    const auto tools = decoded(fixture("openai-stream-tools.sse.txt"), piece);
    ASSERT_TRUE(tools) << text_of_answer(tools);
    EXPECT_THAT(tools->calls, ElementsAre(ToolCall{"call_a", "find_order", R"({"number":"15"})"}, ToolCall{"call_b", "get_time", "{}"}));
    EXPECT_EQ(tools->finish, Finish::Tools);
    EXPECT_EQ(tools->usage, (Usage{50, 20}));
    EXPECT_EQ(tools->text, std::nullopt);
  }
}

TEST(StreamTest, AMissingDoneIsNoTroubleBehindTheLastPiece) {
  EXPECT_EQ(text_of_answer(decoded(delta({{"content", "да"}}) + delta(nlohmann::json::object(), "stop"))), "да");
  EXPECT_EQ(text_of_answer(decoded(delta({{"content", "да"}}) + delta(nlohmann::json::object(), "stop"), 3, true)), "да");
  // And the other way round.
  EXPECT_EQ(text_of_answer(decoded(delta({{"content", "да"}}) + kDone)), "да");
}

TEST(StreamTest, WhatBrokeOffMayBeAskedAgain) {
  for (const bool broken : {false, true}) {
    const auto read = decoded(delta({{"content", "Цена "}}), 5, broken);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().fault, Fault::Unavailable);
    EXPECT_TRUE(read.error().again);
  }
}

TEST(StreamTest, AnErrorInTheMiddleEndsIt) {
  const auto rate = decoded(delta({{"content", "а"}}) + "data: {\"error\":{\"message\":\"slow down\",\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}\n\n" + kDone);
  EXPECT_EQ(fault_of(rate), "busy");
  EXPECT_EQ(fault_of(decoded("data: {\"error\":{\"message\":\"oops\",\"type\":\"server_error\",\"code\":null}}\n\n")), "unavailable");
  EXPECT_EQ(fault_of(decoded("data: {\"error\":{\"message\":\"oops\",\"code\":400}}\n\n")), "rejected");
  EXPECT_EQ(fault_of(decoded("event: error\ndata: {\"error\":{\"message\":\"q\",\"code\":\"insufficient_quota\"}}\n\n")), "billing");
  EXPECT_EQ(fault_of(decoded("event: error\ndata: overloaded\n\n")), "unavailable");
}

TEST(StreamTest, AServerThatIgnoresTheWishForAStream) {
  for (const std::size_t piece : {1U, 10U, 1'000'000U}) {
    EXPECT_EQ(text_of_answer(decoded(fixture("openai-chat.response.json"), piece)), "Hello! How can I assist you today?");
    EXPECT_EQ(text_of_answer(decoded("\n  " + fixture("gigachat-function.response.json"), piece)), "(none)");
  }
  EXPECT_EQ(fault_of(decoded("<html>busy</html>")), "bad_answer");
  EXPECT_EQ(fault_of(decoded("")), "bad_answer");
  EXPECT_EQ(fault_of(decoded(fixture("openai-error-429-quota.json"))), "billing");
  const auto half = decoded(fixture("openai-chat.response.json").substr(0, 200), 50, true);
  EXPECT_EQ(fault_of(half), "unavailable");
}

TEST(StreamTest, CharactersThatAServerCutInTwoAreJoined) {
  const std::string half = R"({"choices":[{"index":0,"delta":{"content":)";
  const std::string bytes = "data: " + half + "\"a\\ud83d\"}}]}\n\ndata: " + half + "\"\\ude00b\"}}]}\n\n" +
                            "data: " + half + "\"\xD0\"}}]}\n\ndata: " + half + "\"\x96\"}}]}\n\n" + kDone;
  EXPECT_EQ(text_of_answer(decoded(bytes)), "a😀bЖ");
  StreamDecoder decoder;
  decoder.feed("data: " + half + "\"a\\ud83d\"}}]}\n\n");
  EXPECT_EQ(decoder.text(), "a");
  decoder.feed("data: " + half + "\"\\ude00b\"}}]}\n\n");
  EXPECT_EQ(decoder.text(), "a😀b");
}

TEST(StreamTest, TheWordsSoFarHoldNoThoughts) {
  StreamDecoder decoder;
  std::string seen;
  for (const char* piece : {"<th", "ink>ду", "маю</thi", "nk>\nЦе", "на <", "b> 5"}) {
    decoder.feed(delta({{"content", piece}}));
    seen += "|" + decoder.text();
  }
  EXPECT_EQ(seen, "||||Це|Цена|Цена <b> 5");
}

TEST(StreamTest, CallsWithoutAnIndexOrAllWithTheSame) {
  const auto call = [](const char* id, const char* name, const char* arguments) {
    return nlohmann::json{{"id", id}, {"function", {{"name", name}, {"arguments", arguments}}}};
  };
  nlohmann::json first = call("a", "f", "{\"x\""), second = call("b", "g", "{}");
  const nlohmann::json rest = {{"function", {{"arguments", ":1}"}}}};
  const std::string none = delta({{"tool_calls", {first}}}) + delta({{"tool_calls", {rest}}}) + delta({{"tool_calls", {second}}}) + kDone;
  const auto read = decoded(none);
  ASSERT_TRUE(read) << text_of_answer(read);
  EXPECT_THAT(read->calls, ElementsAre(ToolCall{"a", "f", "{\"x\":1}"}, ToolCall{"b", "g", "{}"}));
  first = call("a", "f", "{}");
  first["index"] = 0;
  second["index"] = 0;
  const auto same = decoded(delta({{"tool_calls", {first}}}) + delta({{"tool_calls", {second}}}) + kDone);
  ASSERT_TRUE(same);
  EXPECT_THAT(same->calls, ElementsAre(ToolCall{"a", "f", "{}"}, ToolCall{"b", "g", "{}"}));
}

TEST(StreamTest, CallsAreToldApartByTheirIndexWhateverTheOrder) {
  const auto piece = [](int index, const char* arguments) {
    return nlohmann::json{{"index", index}, {"function", {{"arguments", arguments}}}};
  };
  const auto named = [](int index, const char* id, const char* name) {
    return nlohmann::json{{"index", index}, {"id", id}, {"type", "function"}, {"function", {{"name", name}, {"arguments", ""}}}};
  };
  const auto read = decoded(delta({{"tool_calls", {named(1, "b", "g"), named(0, "a", "f")}}}) + delta({{"tool_calls", {piece(0, "{\"n\""), piece(1, "{")}}}) +
                            delta({{"tool_calls", {piece(1, "}"), piece(0, ":2}")}}}) + delta(nlohmann::json::object(), "tool_calls"));
  ASSERT_TRUE(read) << text_of_answer(read);
  EXPECT_THAT(read->calls, ElementsAre(ToolCall{"a", "f", "{\"n\":2}"}, ToolCall{"b", "g", "{}"}));
}

TEST(StreamTest, TheFunctionOfGigaChatInAStream) {
  const auto read = decoded(delta({{"content", ""}, {"functions_state_id", "state-1"}, {"function_call", {{"name", "f"}, {"arguments", {{"a", 1}}}}}}, "function_call") + kDone);
  ASSERT_TRUE(read) << text_of_answer(read);
  EXPECT_THAT(read->calls, ElementsAre(ToolCall{"state-1", "f", "{\"a\":1}"}));
}

TEST(StreamTest, OddPiecesAreNoTrouble) {
  EXPECT_EQ(text_of_answer(decoded("data:\n\ndata: keep-alive\n\ndata: {}\n\ndata: {\"choices\":null}\n\ndata: {\"choices\":[{\"delta\":null}]}\n\n"
                                   "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"другой\"}}]}\n\n" + delta({{"content", "да"}}) + kDone)), "да");
  // Without the empty lines between.
  EXPECT_EQ(text_of_answer(decoded("data: {\"choices\":[{\"delta\":{\"content\":\"д\"}}]}\ndata: {\"choices\":[{\"delta\":{\"content\":\"а\"}}]}\ndata: [DONE]\n")), "да");
  EXPECT_EQ(fault_of(decoded("data: {\"choices\":[{\"delta\":{\"content\":\"д\n\n" + kDone)), "bad_answer");
}

TEST(StreamTest, MoreThanAllowedEndsIt) {
  StreamDecoder decoder(1'000);
  const std::string piece = delta({{"content", std::string(100, 'x')}});
  int fed = 0;
  while (fed < 100 && decoder.feed(piece)) ++fed;
  EXPECT_LT(fed, 12);
  EXPECT_TRUE(decoder.failed());
  EXPECT_EQ(fault_of(decoder.finish()), "bad_answer");
  StreamDecoder line(1'000);
  EXPECT_FALSE(line.feed("data: " + std::string(2'000, 'x')));
}

}  // namespace
}  // namespace sufler::llm

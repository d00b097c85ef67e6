// The step `http`: what a turn makes of it. What servers answer is tests/scenarios/http; what is sent over the wire is
// tests/services/http_service_test.cpp.
#include "interpreter/core/http/order.h"
#include "play/scenario.h"

namespace sufler::testing {
namespace {

HttpCall call_of(const StartJob& job) {
  HttpCall call;
  EXPECT_EQ(job.service, kHttpService);
  EXPECT_TRUE(from_json(job.request, call)) << job.request;
  return call;
}

std::string scenario(const std::string& step) {
  return "start: welcome\non_error: sorry\nbranches:\n  welcome:\n    - ask: [x, y]\n    - http: " + step +
         "\n      into: answer\n      on_error:\n        - say: \"Нет: {{ answer.error }}\"\n        - go: rest\n    - say: \"Есть {{ answer.status }}\"\n"
         "    - go: rest\n  rest:\n    - ask: z\n    - say: \"{{ z }}\"\n  other:\n    - ask: w\n    - say: \"{{ w }}\"\n  sorry:\n    - say: Неполадка.\n"
         "questions:\n  x: {text: X?}\n  y: {text: Y?, type: number}\n  z: {text: Z?}\n  w: {text: W?}\n"
         "commands:\n  other: {on: /other, go: other}\n  back: {on: назад, back: true}\n";
}

class HttpStepTest : public ::testing::Test {
 protected:
  Dialog talk_of(const std::string& step, const std::string& x = "раф", const std::string& y = "2,5") {
    Dialog talk{load(scenario(step))};
    talk.says("/start");
    talk.says(x);
    talk.says(y);
    return talk;
  }
  HttpCall call(const std::string& step, const std::string& x = "раф", const std::string& y = "2,5") {
    Dialog talk = talk_of(step, x, y);
    EXPECT_EQ(talk.started.size(), 1u);
    return talk.started.empty() ? HttpCall() : call_of(talk.started[0]);
  }
};

TEST_F(HttpStepTest, ValuesFillPathAndQueryAndCannotLeaveTheirPlace) {
  EXPECT_EQ(call("GET https://api.example.com/a b/{{ x }}/c?n={{ y }}&q={{ x }}", "../к?a=1&b#c").url,
            "https://api.example.com/a%20b/..%2F%D0%BA%3Fa%3D1%26b%23c/c?n=2.5&q=..%2F%D0%BA%3Fa%3D1%26b%23c");
  EXPECT_EQ(call("GET https://API.example.com:443?q={{ x }}", "a@evil.example:80/").url, "https://api.example.com/?q=a%40evil.example%3A80%2F");
  EXPECT_EQ(call("GET https://пример.рф/{{ x }}", "a").url, "https://xn--e1afmkfd.xn--p1ai/a");
}

TEST_F(HttpStepTest, WhatAValueMayNotMakeOfAnAddress) {
  for (const char* value : {".", "..", " "}) {
    Dialog talk{load(scenario("DELETE https://api.example.com/{{ x | trim }}/items"))};
    talk.says("/start");
    talk.says(value);
    if (talk.at() == "welcome/x") continue;  // no answer at all
    EXPECT_THAT(talk.says("1"), ::testing::Contains(::testing::HasSubstr("Нет: ")));
    EXPECT_TRUE(talk.started.empty());
  }
  // Beside other text dots are a name like any other.
  EXPECT_EQ(call("GET https://api.example.com/a{{ x }}", "..").url, "https://api.example.com/a..");
}

TEST_F(HttpStepTest, QueryLeavesOutWhatIsNothingAndRepeatsLists) {
  EXPECT_EQ(call("GET https://api.example.com/s\n      query: {a: \"{{ y }}\", b: \"{{ null }}\", c: \"{{ [1, 'два'] }}\", d: \"{{ y }},{{ y }}\", \"e f\": [x, \"{{ x }}\"]}").url,
            "https://api.example.com/s?a=2.5&c=1&c=%D0%B4%D0%B2%D0%B0&d=2.5%2C2.5&e%20f=x&e%20f=%D1%80%D0%B0%D1%84");
  EXPECT_EQ(call("GET https://api.example.com/s?k=1\n      query: {a: b}").url, "https://api.example.com/s?k=1&a=b");
}

TEST_F(HttpStepTest, JsonKeepsTypesAndCannotBeBrokenOutOf) {
  const HttpCall made = call("POST https://api.example.com/o\n      json: {a: \"{{ y }}\", b: \"{{ x }}\", c: \"№ {{ y }} {{ x }}\", d: [1, \"1\", true, null, {e: \"{{ now() | date('yyyy') | number > 2000 }}\"}]}",
                             "\", \"admin\": true, \"");
  EXPECT_EQ(made.body, R"({"a":2.5,"b":"\", \"admin\": true, \"","c":"№ 2,5 \", \"admin\": true, \"","d":[1,"1",true,null,{"e":true}]})");
  EXPECT_EQ(made.type, "application/json");
  EXPECT_EQ(made.key.size(), 32u);
  EXPECT_EQ(call("POST https://api.example.com/o\n      json: \"{{ [x, y] }}\"").body, R"(["раф",2.5])");
}

TEST_F(HttpStepTest, AFormIsEncoded) {
  const HttpCall made = call("POST https://api.example.com/o\n      form: {a: \"{{ x }}\", b: \"{{ y }} м\"}", "1&b=2 +");
  EXPECT_EQ(made.body, "a=1%26b%3D2%20%2B&b=2%2C5%20%D0%BC");
  EXPECT_EQ(made.type, "application/x-www-form-urlencoded");
}

TEST_F(HttpStepTest, AHeaderTakesNoLineBreakFromAValue) {
  const HttpCall made = call("GET https://api.example.com/\n      headers: {X-Name: \"{{ x }}\", X-None: \"{{ null }}\", Content-Type: text/plain}", "Анна");
  EXPECT_EQ(made.headers, (std::vector<std::pair<std::string, std::string>>{{"X-Name", "Анна"}}));
  Dialog talk = talk_of("GET https://api.example.com/\n      headers: {X-Name: \"{{ x }}\"}", "a\r\nX-Admin: 1");
  EXPECT_TRUE(talk.started.empty());
  EXPECT_EQ(talk.at(), "rest/z");
}

TEST_F(HttpStepTest, WhatIsNeitherTextNorNumberIsNoPartOfAnAddress) {
  Dialog talk = talk_of("GET https://api.example.com/\n      query: {a: \"{{ {b: 1} }}\"}");
  EXPECT_TRUE(talk.started.empty());
  EXPECT_EQ(talk.at(), "rest/z");
}

TEST_F(HttpStepTest, EachRequestHasAKeyOfItsOwn) {
  const std::string first = call("POST https://api.example.com/o").key;
  EXPECT_EQ(first, call("POST https://api.example.com/o").key) << "the same turn asks for the same";
  Dialog talk = talk_of("POST https://api.example.com/o");
  ASSERT_EQ(talk.started.size(), 1u);
  talk.done(http_result(200, "{}", ""));
  talk.says("z");
  talk.says("/start");
  talk.says("раф");
  talk.says("2,5");
  ASSERT_EQ(talk.started.size(), 2u);
  EXPECT_NE(call_of(talk.started[0]).key, call_of(talk.started[1]).key);
}

TEST_F(HttpStepTest, ACommandThatLeadsElsewhereTakesAQuestionBackAndLeavesADeedOnItsWay) {
  Dialog asks = talk_of("GET https://api.example.com/");
  asks.says("/other");
  EXPECT_EQ(asks.cancelled.size(), 1u);
  Dialog does = talk_of("POST https://api.example.com/");
  does.says("/other");
  EXPECT_TRUE(does.cancelled.empty());
  EXPECT_THAT(does.done(http_result(200, "", "")), IsEmpty()) << "it comes too late to be heard of";
  EXPECT_EQ(does.at(), "other/w");
}

TEST_F(HttpStepTest, OnlyADeedIsABorderForBack) {
  Dialog asks = talk_of("GET https://api.example.com/");
  asks.done(http_result(200, "", ""));
  asks.says("назад");
  EXPECT_EQ(asks.at(), "welcome/y");
  Dialog does = talk_of("PATCH https://api.example.com/");
  does.done(http_result(200, "", ""));
  does.says("назад");
  EXPECT_EQ(does.at(), "rest/z");
}

TEST(HttpResultTest, ATextIsReadByItsCharsetAndHoldsNothingBroken) {
  const auto text = [](std::string_view body, std::string_view type) { return *http_result(200, body, type).map()->find("text")->text(); };
  EXPECT_EQ(text("\xCF\xF0\xE8\xE2\xE5\xF2", "text/html; charset=windows-1251"), "Привет");
  EXPECT_EQ(text("\xCF\xF0", "text/plain; charset=\"no-such\""), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(text(std::string_view("a\0b", 3), ""), "ab");
  EXPECT_TRUE(http_result(200, "{\"a\":", "application/json").map()->find("json")->is_null());
  EXPECT_EQ(*http_result(200, "\xEF\xBB\xBF[1]", "").map()->find("json"), Value(List{Value(1)}));
}

}  // namespace
}  // namespace sufler::testing

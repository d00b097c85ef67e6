// `sufler test --coverage`: steps, branches, options and outcomes, and what no talk visits.
#include <nlohmann/json.hpp>

#include "tools/tool_run.h"

namespace sufler {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kScenario = R"(scenario: shop
language: en
start: home
branches:
  home:
    - choose: What would you like?
      options:
        - {label: Order, go: order}
        - {label: Prices, go: prices}
        - {label: Our site, url: "https://example.com"}
      otherwise: [{say: Please choose.}]
      timeout: {after: 2h, go: late}
      remind: {after: 1h, text: Still here?}
  order:
    - ask: [size, email, note]
    - if: size == "L"
      then: [{say: Large.}]
    - match: size
      cases:
        S: [{say: Small.}]
        L: [{say: Big.}]
      else: [{say: Other.}]
    - say: Rate us
      buttons: [Good, Bad]
  prices:
    - say: Ten.
  late:
    - say: Bye.
questions:
  size:
    text: Size?
    type: choice
    options: [S, M, L]
    confirm: "{{ value }}, right?"
  email:
    text: Mail?
    type: email
    optional: true
    invalid: No mail.
    attempts: 2
    otherwise: late
  note:
    text: Note?
    ask_when: size != "S"
    timeout: {after: 5m, go: late}
commands:
  help: {on: [/help], go: prices}
)";

class CoverageTest : public ToolTest {
 protected:
  CoverageTest() {
    setenv("LC_ALL", "C", 1);
    write("scenario.yaml", kScenario);
  }
  ToolRun run(const std::string& talks, const std::string& format, const std::string& language = "en") {
    write("shop.test.yaml", talks);
    TestOptions options;
    options.paths = {folder()};
    options.coverage = true;
    options.format = format;
    options.language = language;
    return run_tool([&] { return run_test(options); });
  }
  static std::vector<std::string> unvisited(const Json& all) {
    std::vector<std::string> lines;
    for (const Json& one : all["coverage"]["unvisited"])
      lines.push_back(std::to_string(one["line"].get<int>()) + " " + one["kind"].get<std::string>() + " " +
                      one["what"].get<std::string>());
    return lines;
  }
};

constexpr const char* kOneTalk = R"(tests:
  - name: a small order
    talk:
      - user: /start
      - bot: ...
      - press: Order
      - bot: Size?
      - press: S
      - bot: ...
      - press: Yes
      - bot: Mail?
      - user: Skip
      - bot: Small.
      - bot: Rate us
)";

TEST_F(CoverageTest, NamesTheWaysThatNoTalkGoes) {
  const ToolRun done = run(kOneTalk, "json");
  ASSERT_EQ(done.code, kExitClean) << done.out << done.err;
  const Json all = Json::parse(done.out);
  EXPECT_EQ(unvisited(all),
            (std::vector<std::string>{
                "6 outcome `What would you like?`: otherwise",
                "6 outcome `What would you like?`: reminder 1",
                "6 outcome `What would you like?`: the timeout",
                "9 option `What would you like?`: the button “Prices”",
                "11 step otherwise: [{say: Please choose.}]",
                "16 outcome if: size == \"L\": the condition is never true",
                "17 step then: [{say: Large.}]",
                "18 outcome match: size: the case `L`",
                "18 outcome match: size: otherwise",
                "21 step L: [{say: Big.}]",
                "22 step else: [{say: Other.}]",
                "24 option say: Rate us: the button “Good”",
                "24 option say: Rate us: the button “Bad”",
                "26 step say: Ten.",
                "28 step say: Bye.",
                "30 outcome the question `size`: nobody declines to confirm",
                "33 option the question `size`: the button “M”",
                "33 option the question `size`: the button “L”",
                "35 outcome the question `email`: no answer",
                "35 outcome the question `email`: no wrong answer",
                "35 outcome the question `email`: otherwise",
                "42 outcome the question `note`: no answer",
                "42 outcome the question `note`: the timeout",
                "47 outcome the command `help`",
            }));
  EXPECT_EQ(all["coverage"]["branches"]["total"], 4);
  EXPECT_EQ(all["coverage"]["branches"]["hit"], 2);
  // Order, Prices; S, M, L; Good, Bad. A link is pressed without the bot hearing of it.
  EXPECT_EQ(all["coverage"]["options"]["total"], 7);
  EXPECT_EQ(all["coverage"]["options"]["hit"], 2);
}

TEST_F(CoverageTest, IsWholeWhenTalksGoEveryWay) {
  const ToolRun done = run(std::string(kOneTalk) + R"(
      - press: Good
      - bot: ...
      - user: /help
      - bot: Ten.
  - name: a large order
    talk:
      - user: /start
      - bot: ...
      - user: what
      - bot: Please choose.
      - bot: ...
      - after: 61m
      - bot: Still here?
      - press: Order
      - bot: ...
      - press: L
      - bot: ...
      - press: No
      - bot: Size?
      - press: L
      - bot: ...
      - press: Yes
      - bot: Mail?
      - user: anna@example.com
      - bot: Note?
      - user: quickly
      - bot: Large.
      - bot: Big.
      - bot: Rate us
      - press: Bad
      - bot: ...
  - name: too late
    talk:
      - user: /start
      - bot: ...
      - after: 3h
      - bot: ...
      - bot: Bye.
      - user: /start
      - bot: ...
      - press: Prices
      - bot: Ten.
      - user: /start
      - bot: ...
      - press: Order
      - bot: Size?
      - press: M
      - bot: ...
      - press: Yes
      - bot: Mail?
      - user: x
      - bot: No mail.
      - user: y
      - bot: Bye.
      - user: /start
      - bot: ...
      - press: Order
      - bot: Size?
      - press: M
      - bot: ...
      - press: Yes
      - bot: Mail?
      - user: a@example.com
      - bot: Note?
      - after: 6m
      - bot: Bye.
      - user: /start
      - bot: ...
      - press: Order
      - bot: Size?
      - press: M
      - bot: ...
      - press: Yes
      - bot: Mail?
      - user: a@example.com
      - bot: Note?
      - user: none
      - bot: Other.
      - bot: ...
)",
                         "text");
  EXPECT_EQ(done.code, kExitClean) << done.out;
  EXPECT_THAT(done.out, HasSubstr("options: 7/7 (100 %)"));
  EXPECT_THAT(done.out, HasSubstr("outcomes: "));
  EXPECT_THAT(done.out, Not(HasSubstr("never visited")));
}

TEST_F(CoverageTest, SpeaksRussian) {
  const ToolRun done = run(kOneTalk, "text", "ru");
  EXPECT_THAT(done.out, HasSubstr("кнопки: 2/7 (28 %)"));
  EXPECT_THAT(done.out, HasSubstr("не проверено: вопрос `email`: ни одного неверного ответа"));
}

TEST_F(CoverageTest, AProgramHasAResultAndAFailureAndAWhenIsFalseOnce) {
  write("scenario.yaml", R"(scenario: shop
language: en
start: home
branches:
  home:
    - ask: area
    - run: estimate
      into: price
      on_error: [{say: Sorry.}]
    - say: Cheap.
      when: area < 10
questions:
  area: {text: Area?, type: number}
)");
  const ToolRun done = run(R"(tests:
  - name: a result
    mock: {run: {estimate: 5}}
    talk:
      - user: /start
      - bot: Area?
      - user: "5"
      - bot: Cheap.
)", "json");
  ASSERT_EQ(done.code, kExitClean) << done.out << done.err;
  EXPECT_EQ(unvisited(Json::parse(done.out)),
            (std::vector<std::string>{"7 outcome run: estimate: no failure", "9 step on_error: [{say: Sorry.}]",
                                      "10 outcome say: Cheap.: `when` is never false"}));
}

}  // namespace
}  // namespace sufler

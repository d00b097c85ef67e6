// `sufler graph`: the map of a scenario, and who waits where.
#include <nlohmann/json.hpp>

#include "schema/loader.h"
#include "tools/branch_map.h"
#include "tools/recorded_bot.h"

namespace sufler {
namespace {

using testing::HasSubstr;
using testing::Not;

std::shared_ptr<const Program> load(const std::string& text) {
  Loaded loaded = load_scenario_text({{"scenario.yaml", text}});
  EXPECT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
  return loaded.program;
}

constexpr const char* kScenario = R"(scenario: shop
language: en
start: home
branches:
  home:
    - choose: What would you like?
      options:
        - {label: "Order \"now\"", go: order}
        - label: Prices
          steps:
            - say: Here they are.
            - go: prices
      timeout: {after: 2h, go: late}
  order:
    - set: {total: 150}
    - call: contacts
    - if: total > 100
      then: {go: late}
    - end
  contacts:
    - ask: [phone]
  prices:
    - wait: 3d
  late:
    - say: Bye.
questions:
  phone: {text: Phone?, type: phone, timeout: {after: 5m, go: late}}
commands:
  menu: {on: [/menu], go: home}
)";

TEST(GraphTest, ShowsBranchesWithWhatTheyWaitForAndWhatLeadsOn) {
  const BranchMap map = map_of(*load(kScenario), Language::English);
  EXPECT_EQ(mermaid(map, Language::English, Moment{}), R"(flowchart TD
  outside(("●"))
  b0["<b>home</b><br/>▢ What would you like?"]
  b1["<b>order</b>"]
  b2["<b>contacts</b><br/>? phone"]
  b3["<b>prices</b><br/>⏳ 3 d"]
  b4["<b>late</b>"]
  finish((("end")))
  outside -->|"start<br/>/menu"| b0
  b0 -->|"Order #34;now#34;"| b1
  b0 -->|"no answer for 2 h"| b4
  b0 -->|"Prices"| b3
  b1 -.-> b2
  b1 -->|"if total #62; 100"| b4
  b1 --> finish
  b2 -->|"no answer for 5 min"| b4
)");
}

TEST(GraphTest, WritesDotWithItsQuotesEscaped) {
  const std::string dot = graphviz(map_of(*load(kScenario), Language::Russian), Language::Russian, Moment{});
  EXPECT_THAT(dot, HasSubstr(R"(b0 -> b1 [label="Order \"now\""];)"));
  EXPECT_THAT(dot, HasSubstr("b1 -> b2 [style=dotted, dir=both];"));
  EXPECT_THAT(dot, HasSubstr(R"(b2 [label="contacts\n? phone\l"];)"));
  EXPECT_THAT(dot, HasSubstr(R"(label="нет ответа 5 мин")"));
}

TEST(GraphTest, LabelsMeanNothingToTheirLanguages) {
  const BranchMap map = map_of(*load(R"(scenario: odd
language: en
branches:
  home:
    - choose: "1. [a](b) <b>`c`</b> \\ \"d\" | {e} # end"
      options:
        - label: '\"];x-->y'
          go: other
  other: [{say: x}]
)"),
                               Language::English);
  const std::string lines = mermaid(map, Language::English, Moment{});
  EXPECT_THAT(lines, HasSubstr("b0 -->|\"#92;#34;#93;#59;x#45;#45;#62;y\"| b1"));
  EXPECT_THAT(lines, HasSubstr("1#46; "));
  EXPECT_THAT(lines, Not(HasSubstr("`")));
  const std::string dot = graphviz(map, Language::English, Moment{});
  EXPECT_THAT(dot, HasSubstr(R"(b0 -> b1 [label="\\\"];x-->y"];)"));
}

TEST(GraphTest, ShowsWhoWaitsWhere) {
  BranchMap map = map_of(*load(kScenario), Language::English);
  const Moment now{100LL * 24 * 3600 * 1000};
  const LivePlaces left = put_people(map, {{"contacts/phone", {12, Moment{now.unix_ms - 2LL * 24 * 3600 * 1000}}},
                                           {"gone/place", {3, now}},
                                           {"none", {70, now}}});
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left.begin()->first, "gone/place");
  const std::string lines = mermaid(map, Language::English, now);
  EXPECT_THAT(lines, HasSubstr("<b>contacts  👥 12</b><br/>? phone  👥 12, the longest 2 d"));
  EXPECT_THAT(lines, HasSubstr("class b2 live"));
}

TEST(GraphTest, KeepsOneBranchWithItsNeighbours) {
  const auto program = load(kScenario);
  BranchMap map = map_of(*program, Language::English);
  keep_around(map, program->find_branch("contacts").value);
  const std::string lines = mermaid(map, Language::English, Moment{});
  EXPECT_THAT(lines, HasSubstr("<b>order</b>"));
  EXPECT_THAT(lines, HasSubstr("<b>late</b>"));
  EXPECT_THAT(lines, Not(HasSubstr("<b>prices</b>")));
  EXPECT_THAT(lines, Not(HasSubstr("outside")));
}

class GraphToolTest : public ToolTest {
 protected:
  GraphToolTest() { setenv("LC_ALL", "C", 1); }
};

TEST_F(GraphToolTest, DrawsLargeScenariosSoon) {
  std::string text = "scenario: large\nlanguage: en\nbranches:\n";
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = "b" + std::to_string(i);
    text += "  " + name + ":\n    - choose: Where?\n      options: {On: b" + std::to_string((i + 1) % 20'000) + ", Back: b0}\n";
  }
  write("scenario.yaml", text);
  GraphOptions options;
  options.path = path("scenario.yaml");
  const ToolRun run = run_tool([&] { return run_graph(options); });
  EXPECT_EQ(run.code, kExitClean);
  EXPECT_THAT(run.out, HasSubstr("b19998 -->|\"On\"| b19999"));
  options.format = "svg";
  const ToolRun drawn = run_tool([&] { return run_graph(options); });
  EXPECT_EQ(drawn.code, kExitErrors);
  EXPECT_THAT(drawn.err, HasSubstr("--branch"));
}

TEST_F(GraphToolTest, SaysWhatIsMissing) {
  write("scenario.yaml", kScenario);
  GraphOptions options;
  options.path = path("scenario.yaml");
  options.branch = "nowhere";
  EXPECT_EQ(run_tool([&] { return run_graph(options); }).code, kExitMisuse);
  options.branch.clear();
  options.format = "svg";
  const std::string before = getenv("PATH");
  setenv("PATH", folder().c_str(), 1);
  const ToolRun run = run_tool([&] { return run_graph(options); });
  setenv("PATH", before.c_str(), 1);
  EXPECT_EQ(run.code, kExitErrors);
  EXPECT_THAT(run.err, HasSubstr("graphviz"));
}

class GraphOfLifeTest : public RecordedBotTest {};

TEST_F(GraphOfLifeTest, CountsThePeopleOfADatabase) {
  serve(kScenario);
  say("/start");
  say("/start", "222");
  say("Order \"now\"", "222");
  stop();
  GraphOptions options;
  options.path = path("bot");
  options.live = path("sufler.yaml");
  options.language = "en";
  const ToolRun run = run_tool([&] { return run_graph(options); });
  ASSERT_EQ(run.code, kExitClean) << run.err;
  EXPECT_THAT(run.out, HasSubstr("<b>home  👥 1</b><br/>▢ What would you like?  👥 1, the longest "));
  EXPECT_THAT(run.out, HasSubstr("<b>contacts  👥 1</b><br/>? phone  👥 1, the longest "));
}

}  // namespace
}  // namespace sufler

// `sufler funnel`: how many talks came to each question, and how many left there.
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tools/commands.h"
#include "tools/recorded_bot.h"

namespace sufler {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kShop = R"(
scenario: shop
language: en
start: welcome
branches:
  welcome:
    - choose: What can we do for you?
      options: {Order: order, Help: help}
  order:
    - ask: [size, phone]
    - track: order_sent
    - say: Thank you!
    - ask: rating
  help:
    - say: Ask us anything.
questions:
  size: {text: Which size?, type: choice, options: [S, M, L]}
  phone: {text: Your phone?, type: phone}
  rating: {text: How was it?, timeout: {after: 2h, go: help}}
commands:
  help: {on: [/help], go: help}
)";

class FunnelTest : public RecordedBotTest {
 protected:
  FunnelTest() { serve(kShop); }

  void come(const std::string& person, const std::vector<std::string>& words) {
    say("/start", person);
    for (const std::string& word : words) say(word, person);
  }
  ToolRun run(const std::string& branch = "order", const std::string& format = "json", const std::string& idle = "1d") {
    FunnelOptions options;
    options.bot = "shop";
    options.branch = branch;
    options.config = path("sufler.yaml");
    options.format = format;
    options.idle = idle;
    options.now = now_;
    return run_tool([&] { return run_funnel(options); });
  }
  json order(const std::string& idle = "1d") { return json::parse(run("order", "json", idle).out)["branches"][0]; }
  static json at(const json& branch, const std::string& place) {
    for (const json& one : branch["questions"])
      if (one["place"] == place) return one;
    return {};
  }
};

TEST_F(FunnelTest, CountsWhoCameToEachQuestionAndWhoLeftThere) {
  come("1", {"Order", "M", "+7 912 345-67-89", "good"});
  come("2", {"Order", "M", "+7 912 345-67-90"});
  come("3", {"Order", "huge", "L"});
  come("4", {"Order", "/help"});
  come("5", {"Order"});
  come("6", {"Help"});
  pass(Duration{90 * 60'000});
  const json branch = order("1h");
  EXPECT_EQ(branch["came"], 5);
  EXPECT_EQ(branch["went_through"], 1);
  const json size = at(branch, "order/size"), phone = at(branch, "order/phone"), rating = at(branch, "order/rating");
  EXPECT_EQ(size["came"], 5);
  EXPECT_EQ(size["went_on"], 3);
  EXPECT_EQ(size["by_command"], 1);
  EXPECT_EQ(size["silent"], 1);
  EXPECT_EQ(size["left"], 2);
  EXPECT_EQ(size["asked_again"], 1);
  EXPECT_EQ(phone["came"], 3);
  EXPECT_EQ(phone["went_on"], 2);
  EXPECT_EQ(phone["silent"], 1);
  EXPECT_EQ(rating["came"], 2);
  EXPECT_EQ(rating["went_on"], 1);
  EXPECT_EQ(branch["events"], json::parse(R"([{"event": "order_sent", "talks": 2, "times": 2}])"));
}

TEST_F(FunnelTest, WhoHasJustBeenAskedIsStillThere) {
  come("1", {"Order"});
  EXPECT_EQ(at(order(), "order/size")["there"], 1);
  EXPECT_EQ(at(order(), "order/size")["left"], 0);
  pass(Duration{25 * 3'600'000});
  EXPECT_EQ(at(order(), "order/size")["there"], 0);
  EXPECT_EQ(at(order(), "order/size")["silent"], 1);
}

TEST_F(FunnelTest, WhomTheScenarioGaveUpOnLeftWithoutAWord) {
  come("1", {"Order", "M", "+7 912 345-67-89"});
  pass(Duration{3 * 3'600'000});
  EXPECT_EQ(at(order(), "order/rating")["silent"], 1);
  EXPECT_EQ(order()["went_through"], 0);
}

TEST_F(FunnelTest, WhatTheClockBeginsIsNoAnswer) {
  serve(R"(
scenario: shop
language: en
start: order
branches:
  order:
    - ask: size
    - say: Thank you!
  given_up:
    - say: Come again!
    - end
questions:
  size: {text: Which size?}
schedules:
  given_up: {every: 10m, branch: given_up, for: dialogs in order idle 1h}
)");
  come("1", {});
  schedule("given_up", "given_up", "1");
  EXPECT_EQ(at(order(), "order/size")["silent"], 1);
  EXPECT_EQ(order()["went_through"], 0);
}

TEST_F(FunnelTest, AnAnswerInPartsIsUnderstood) {
  serve(R"(
scenario: shop
language: en
start: order
branches:
  order:
    - ask: story
    - wait: 1h
    - ask: photos
    - say: Thank you!
questions:
  story: {text: What happened?, gather: 10s}
  photos: {text: Photos?, type: text}
)");
  come("1", {"It broke", "and then", "it fell"});
  pass(Duration{61 * 60'000});
  say("nothing more", "1");
  const json branch = json::parse(run("order").out)["branches"][0];
  EXPECT_EQ(branch["questions"].size(), 2u) << "nobody is asked in a wait";
  EXPECT_EQ(at(branch, "order/story")["went_on"], 1);
  EXPECT_EQ(at(branch, "order/story")["asked_again"], 0);
  EXPECT_EQ(at(branch, "order/photos")["went_on"], 1);
}

TEST_F(FunnelTest, OfATalkThatComesAgainTheLastTimeCounts) {
  come("1", {"Order", "/help"});
  come("1", {"Order", "M"});
  const json branch = order();
  EXPECT_EQ(branch["came"], 1);
  EXPECT_EQ(at(branch, "order/size")["came"], 1);
  EXPECT_EQ(at(branch, "order/size")["went_on"], 1);
  EXPECT_EQ(at(branch, "order/size")["by_command"], 0);
}

TEST_F(FunnelTest, WhatWasLongAgoIsNotCounted) {
  come("1", {"Order", "M"});
  pass(Duration{std::int64_t{31} * 86'400'000});
  come("2", {"Order"});
  EXPECT_EQ(order()["came"], 1);
}

TEST_F(FunnelTest, ReadsAsAPersonWouldReadIt) {
  come("1", {"Order", "M", "+7 912 345-67-89", "good"});
  come("2", {"Order", "M"});
  come("3", {"Order", "huge"});
  const ToolRun told = run("order", "text");
  EXPECT_EQ(told.code, kExitClean);
  EXPECT_THAT(told.out, HasSubstr("order: 3 talks came, 1 went through (33 %)\n"));
  EXPECT_THAT(told.out, HasSubstr("order/size    ████████████████████████ 3 came, 0 left (0 %): 1 there now, 1 answer not understood\n"));
  EXPECT_THAT(told.out, HasSubstr("order/phone   ████████████████········ 2 came, 0 left (0 %): 1 there now\n"));
  EXPECT_THAT(told.out, HasSubstr("event order_sent: 1 talk (33 %), 1 time\n"));
}

TEST_F(FunnelTest, WithoutABranchAllAreShown) {
  come("1", {"Order"});
  const json all = json::parse(run("").out);
  ASSERT_EQ(all["branches"].size(), 2u) << "`help` asks nothing";
  EXPECT_EQ(all["branches"][0]["branch"], "welcome");
  EXPECT_EQ(all["branches"][0]["went_through"], 1);
}

TEST_F(FunnelTest, SaysWhatItDoesNotKnow) {
  const ToolRun nowhere = run("ordr");
  EXPECT_EQ(nowhere.code, kExitErrors);
  EXPECT_THAT(nowhere.err, HasSubstr("the bot `shop` has no branch `ordr`"));
  EXPECT_THAT(run("help").err, HasSubstr("the branch `help` asks nothing"));
  EXPECT_EQ(run("order", "text", "soon").code, kExitMisuse);
}

}  // namespace
}  // namespace sufler

// `sufler replay`, `record` and `explain` on talks that a bot had.
#include "interpreter/runtime/replay.h"

#include <nlohmann/json.hpp>

#include "interpreter/core/json_text.h"
#include "interpreter/runtime/deploying.h"
#include "interpreter/runtime/turn_player.h"
#include "tools/recorded_bot.h"
#include "tools/stage.h"

namespace sufler {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kScenario = R"(scenario: shop
language: en
start: home
branches:
  home:
    - say: "Hello, {{ user.first_name }}!"
    - choose: What would you like?
      options: {Order: order, Prices: prices}
  order:
    - ask: [name, phone, pin]
    - set: {total: 150}
    - if: total > 100
      then: [{say: Delivery is free.}]
    - save: orders
      into: order
    - notify: admins
      text: "Order {{ order.id }}: {{ name }}, {{ phone }}"
    - say: "Thank you, {{ name }}! Order {{ order.id }}, lucky {{ random(1, 1000000) }}."
  prices:
    - find: orders
      into: all
    - set: {shared.asked: shared.asked + 1 if shared.asked else 1}
    - say: "{{ all | length }} orders, asked {{ shared.asked }}."
questions:
  name: {text: Your name?}
  phone: {text: Phone?, type: phone, remind: {after: 1h, text: Still here?}}
  pin: {text: PIN?, type: number, secret: true}
tables:
  orders: {name: text, phone: phone, pin: number}
)";

class ReplayTest : public RecordedBotTest {
 protected:
  void talk(const std::string& person = "111") {
    say("/start", person);
    say("Order", person);
    say("Николай", person);
    pass(Duration{2LL * 3600 * 1000});
    say("+7 (903) 123-45-67", person);
    say("4711", person);
    say("/start", person);
    say("Prices", person);
  }
  std::string changed(std::string from, const std::string& to) const {
    std::string text = kScenario;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }
  ToolRun replay_with(const std::string& scenario, const std::string& format = "text", const std::string& language = "en") {
    stop();
    std::filesystem::create_directories(path("next"));
    write("next/scenario.yaml", scenario);
    ReplayToolOptions options;
    options.path = path("next");
    options.config = path("sufler.yaml");
    options.since.clear();
    options.format = format;
    options.language = language;
    return run_tool([&] { return run_replay(options); });
  }
};

// ARCHITECTURE, invariant 10.
TEST_F(ReplayTest, TheSameVersionSaysTheSame) {
  serve(kScenario);
  talk();
  talk("222");
  const auto program = load_scenario(path("bot")).program;
  for (const RecordedDialog& dialog : recorded()) {
    const Replayed replayed = replay(dialog, {program, false, false, {}});
    EXPECT_EQ(replayed.end, Replayed::End::Same) << words_of(replayed.why, Language::English);
    for (const ReplayedTurn& turn : replayed.turns) EXPECT_TRUE(turn.same);
  }
  const ToolRun run = replay_with(kScenario);
  EXPECT_EQ(run.code, kExitClean) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("the same: 2, different: 0"));
}

TEST_F(ReplayTest, GroupsTalksThatChangeAtTheSamePlace) {
  serve(kScenario);
  talk();
  talk("222");
  const std::string asks_more = changed("ask: [name, phone, pin]", "ask: [name, mail, phone, pin]");
  const std::string next = asks_more + "";
  const ToolRun run = replay_with(
      std::string(next).replace(next.find("questions:\n"), 11, "questions:\n  mail: {text: Mail?, type: email}\n"));
  EXPECT_EQ(run.code, kExitErrors) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("branch `order`\n  order/name, dialogs: 2: the talk comes to `order/mail`, not to `order/phone`"));
  EXPECT_THAT(run.out, HasSubstr("      - bot: Phone?\n      + bot: Mail?\n"));
}

TEST_F(ReplayTest, OtherWordsDoNotEndTheComparison) {
  serve(kScenario);
  talk();
  std::string next = changed("Phone?", "Your phone?");
  next.replace(next.find("Thank you"), 9, "Thanks");
  const ToolRun run = replay_with(next, "json");
  EXPECT_EQ(run.code, kExitErrors) << run.out << run.err;
  const Json all = Json::parse(run.out);
  EXPECT_EQ(all["differ"], 1);
  ASSERT_EQ(all["differences"].size(), 2U);
  EXPECT_EQ(all["differences"][0]["place"], "order/name");
  EXPECT_EQ(all["differences"][0]["kind"], "reworded");
  EXPECT_EQ(all["differences"][1]["place"], "order/pin");
  EXPECT_EQ(all["differences"][1]["ids"], Json::array({1}));
  EXPECT_EQ(all["differences"][1]["example"]["talk"].back()["now"][2]["text"].get<std::string>().substr(0, 6), "Thanks");
}

TEST_F(ReplayTest, TimersThatOnlyTheNewVersionHasComeDue) {
  serve(kScenario);
  talk();
  const ToolRun run = replay_with(changed("remind: {after: 1h, text: Still here?}", "remind: {after: 1h, text: Still here?}, timeout: {after: 90m, go: prices}"), "text", "ru");
  EXPECT_EQ(run.code, kExitErrors) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("ветка `order`\n  order/phone, диалогов: 1: наступает срок `timeout`, которого раньше не было"));
}

TEST_F(ReplayTest, AMissingButtonPartsTheTalk) {
  serve(kScenario);
  talk();
  const ToolRun run = replay_with(changed("{Order: order, Prices: prices}", "{Buy: order, Prices: prices}"));
  EXPECT_EQ(run.code, kExitErrors);
  EXPECT_THAT(run.out, HasSubstr("other words"));
  EXPECT_THAT(run.out, HasSubstr("the talk comes to `home/what_would_you`, not to `order/name`"));
}

TEST_F(ReplayTest, LinesOfAnOlderProgramAreReplayedAsFarAsTheyGo) {
  serve(kScenario);
  talk();
  RecordedDialog dialog = recorded().at(0);
  for (JournalRow& row : dialog.rows) row.turn = without_given(row.turn);
  const auto program = load_scenario(path("bot")).program;
  const Replayed replayed = replay(dialog, {program, false, false, {}});
  EXPECT_EQ(replayed.end, Replayed::End::NoResults);
  EXPECT_EQ(replayed.why.name, "save orders");
  EXPECT_GT(replayed.old_lines, 4U);
  EXPECT_EQ(replayed.turns.size(), 6U);
}

TEST_F(ReplayTest, ATalkWhoseBeginningIsGoneStartsFromTheNextStateOfTheJournal) {
  serve(kScenario);
  talk();
  RecordedDialog dialog = recorded().at(0);
  const auto program = load_scenario(path("bot")).program;
  dialog.rows.erase(dialog.rows.begin(), dialog.rows.begin() + 3);
  const Replayed replayed = replay(dialog, {program, false, false, {}});
  EXPECT_EQ(replayed.end, Replayed::End::Same) << words_of(replayed.why, Language::English);
  EXPECT_EQ(replayed.skipped, 3U);  // up to the second /start, which begins at `none`
  EXPECT_EQ(replayed.turns.size(), 2U);
  dialog.rows.pop_back();
  dialog.rows.pop_back();
  EXPECT_EQ(replay(dialog, {program, false, false, {}}).end, Replayed::End::NoBeginning);
}

TEST_F(ReplayTest, TheJournalHasNoSecret) {
  serve(kScenario);
  talk();
  for (const JournalRow& row : recorded().at(0).rows) {
    EXPECT_THAT(row.event, Not(HasSubstr("4711")));
    EXPECT_THAT(row.turn, Not(HasSubstr("4711")));
  }
}

TEST_F(ReplayTest, ChangesNothing) {
  serve(kScenario);
  talk();
  const std::size_t lines = recorded().at(0).rows.size();
  (void)replay_with(changed("Phone?", "Your phone?"));
  serve(kScenario);
  EXPECT_EQ(recorded().size(), 1U);
  EXPECT_EQ(recorded().at(0).rows.size(), lines);
}

TEST_F(ReplayTest, MisuseIsTold) {
  serve(kScenario);
  stop();
  EXPECT_EQ(replay_with("scenario: x\nbranches: {a: [{sey: x}]}\n").code, kExitMisuse);
  ReplayToolOptions options;
  options.path = path("bot");
  options.config = path("sufler.yaml");
  options.since = "soon";
  EXPECT_EQ(run_tool([&] { return run_replay(options); }).code, kExitMisuse);
}

// ---- versions

// A talk through two versions: each says again what it said itself, whatever the other one did.
TEST_F(ReplayTest, ATalkThatCameToAnotherVersionIsTakenUpAgainThere) {
  serve(kScenario);
  say("/start");
  say("Order");
  std::string next = changed("{Order: order, Prices: prices}", "{Buy: order, Prices: prices}");
  next.replace(next.find("total: 150"), 10, "total: 90 ");
  serve(next);
  say("Николай");  // it moves with this turn
  say("+7 (903) 123-45-67");
  say("4711");
  const RecordedDialog dialog = recorded().at(0);
  const Replayed by_next = replay(dialog, {load_scenario(path("bot")).program, false, false, {}});
  EXPECT_EQ(by_next.end, Replayed::End::Differs);
  ASSERT_EQ(by_next.reworded, std::vector<std::size_t>{0});  // the button
  ASSERT_EQ(by_next.partings.size(), 1U);
  EXPECT_EQ(by_next.partings[0].turn, 1U);  // which this version does not have
  ASSERT_EQ(by_next.turns.size(), 5U);
  for (std::size_t i = 2; i < 5; ++i) EXPECT_TRUE(by_next.turns[i].same) << i;

  write("first.yaml", kScenario);
  const Replayed by_first = replay(dialog, {load_scenario(path("first.yaml")).program, false, false, {}});
  ASSERT_EQ(by_first.partings.size(), 0U) << words_of(by_first.why, Language::English);
  EXPECT_EQ(by_first.reworded, std::vector<std::size_t>{4});  // delivery is free there

  const ToolRun run = replay_with(next, "json");
  const Json all = Json::parse(run.out);
  ASSERT_EQ(all["differences"].size(), 2U);
  EXPECT_EQ(all["differences"][0]["older_version"], dialog.rows.front().version);
}

TEST_F(ReplayTest, AMoveThatSaidNothingLeavesAStateForTheNextTurn) {
  serve(kScenario);
  say("/start");
  say("Order");
  serve(changed("total: 150", "total: 90 "));
  Played played;
  ASSERT_TRUE(storage_->transact([&](Transaction& tx) -> Stored<Done> {
    TurnPlayer turns(*storage_, player_->setup());
    auto moved = turns.move_dialog(tx, {"shop", {"telegram", "111"}, "111"}, now_, now_, played);
    if (!moved) return Error{moved.error()};
    EXPECT_FALSE(*moved);
    return Done{};
  }));
  say("Николай");
  say("+7 (903) 123-45-67");
  const RecordedDialog dialog = recorded().at(0);
  ASSERT_EQ(dialog.rows.size(), 4U);
  EXPECT_FALSE(read_given(dialog.rows[2].turn).state.empty());
  EXPECT_TRUE(read_given(dialog.rows[3].turn).state.empty());
  EXPECT_EQ(replay(dialog, {load_scenario(path("bot")).program, false, false, {}}).end, Replayed::End::Same);
}

TEST(TurnRecordTest, WhatTablesAnsweredIsReadAsItStandsAndFromTheTextOfOlderLines) {
  const std::string event = R"({"at":5,"seed":7,"table":{"count":1,"rows":[{"given":true,"name":"a \"b\""}]}})";
  std::string as_text;
  append_json_string(as_text, event);
  for (const std::string& stored : {event, as_text}) {
    const std::string turn = R"([{"say":{"text":"{\"given\": no"}},{"given":{"place":"home","results":[{"of":"find orders","event":)" + stored + "}]}}]";
    const TurnGiven given = read_given(turn);
    ASSERT_TRUE(given.known) << turn;
    EXPECT_EQ(given.place, "home");
    ASSERT_EQ(given.results.size(), 1U) << turn;
    EXPECT_EQ(given.results[0].of, "find orders");
    EXPECT_EQ(to_json(given.results[0].event), event);
    EXPECT_EQ(without_given(turn), R"([{"say":{"text":"{\"given\": no"}}])");
  }
}

constexpr const char* kBank = R"(scenario: bank
language: en
start: home
branches:
  home:
    - ask: [pin, amount, wallet]
    - say: "{{ amount }} to {{ wallet }}."
questions:
  pin: {text: PIN?, type: number, secret: true}
  amount: {text: How much?, type: number, confirm: "{{ value }}?"}
  wallet: {text: Where to?, type: choice, options: [Card, Cash]}
)";

// A dialog that holds a secret comes to a version with other buttons, and another check before them.
class SecretMoveTest : public ReplayTest {
 protected:
  void begin() {
    serve(kBank);
    for (const char* text : {"/start", "4711", "50", "Yes"}) say(text);
  }
  static std::string next() {
    std::string text = kBank;
    text.replace(text.find("[Card, Cash]"), 12, "[Bank card, Purse]");
    text.replace(text.find("secret: true"), 12, "secret: true, min: 1000");
    return text;
  }
  void expect_the_same() {
    say("Purse");
    const RecordedDialog dialog = recorded().at(0);
    for (const JournalRow& row : dialog.rows) {
      EXPECT_THAT(row.event, Not(HasSubstr("4711")));
      EXPECT_THAT(row.turn, Not(HasSubstr("4711")));
    }
    const auto program = load_scenario(path("bot")).program;
    const Replayed replayed = replay(dialog, {program, false, false, {}});
    for (const std::size_t turn : replayed.reworded) EXPECT_NE(replayed.turns[turn].version, program->version) << turn;
    for (const Replayed::Parting& parting : replayed.partings)
      EXPECT_NE(replayed.turns[parting.turn].version, program->version) << words_of(parting.why, Language::English);
    ASSERT_FALSE(replayed.turns.empty());
    EXPECT_EQ(replayed.turns.back().place_after, "none");
    ASSERT_FALSE(replayed.turns.back().now.empty());
    EXPECT_EQ(replayed.turns.back().now[0].text, "50 to Purse.");
  }
};

TEST_F(SecretMoveTest, WithItsNextMessageShowsNoFalseDifference) {
  begin();
  serve(next());
  say("what?");
  expect_the_same();
}

TEST_F(SecretMoveTest, WithoutAMessageShowsNoFalseDifference) {
  begin();
  serve(next());
  Played played;
  ASSERT_TRUE(storage_->transact([&](Transaction& tx) -> Stored<Done> {
    TurnPlayer turns(*storage_, player_->setup());
    auto moved = turns.move_dialog(tx, {"shop", {"telegram", "111"}, "111"}, now_, now_, played);
    if (!moved) return Error{moved.error()};
    EXPECT_TRUE(*moved);
    return Done{};
  }));
  expect_the_same();
}

TEST_F(SecretMoveTest, WhatWasSecretInTheVersionBeforeIsNotInTheJournal) {
  std::string confirmed = kBank;
  confirmed.replace(confirmed.find("secret: true"), 12, "secret: true, confirm: \"Sure?\"");
  serve(confirmed);
  say("/start");
  say("4711");  // not confirmed yet
  std::string open = confirmed;
  open.replace(open.find(", secret: true"), 14, "");
  open.replace(open.find("Sure?"), 5, "Really sure?");
  serve(open);
  say("Yes");
  say("50");
  const RecordedDialog dialog = recorded().at(0);
  for (const JournalRow& row : dialog.rows) {
    EXPECT_THAT(row.event, Not(HasSubstr("4711")));
    EXPECT_THAT(row.turn, Not(HasSubstr("4711")));
  }
}

TEST(RecordedMoves, AreReadAsTheyAreWritten) {
  const RecordedMove move{Moment{1773565200000}, 77, "abc"};
  const auto read = read_move(to_json(move));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->at, move.at);
  EXPECT_EQ(read->seed, 77U);
  EXPECT_EQ(read->version, "abc");
  const auto old = read_move(R"({"at":5,"version":"v"})");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->seed, 0U);
  UserMessage message;
  message.text = R"({"version":"x"})";
  EXPECT_FALSE(read_move(to_json(Event{Moment{5}, 1, message})));
}

// ---- programs

constexpr const char* kPrices = R"(scenario: prices
language: en
start: home
branches:
  home:
    - ask: area
    - run: estimate
      with: {area: area}
      into: price
    - say: "It costs {{ price }}."
questions:
  area: {text: Area?, type: number}
)";

Replayed replay_after_a_run(const std::string& next) {
  StageOptions options;
  options.now = Moment{1773565200000};
  options.jobs = [](const Job&) -> Result<JobResult, std::string> {
    return JobResult{JobResult::Kind::Done, Value(Decimal(500)), {}, {}, {}};
  };
  auto stage = Stage::open(load_scenario_text({{"prices.yaml", kPrices}}).program, std::move(options));
  EXPECT_TRUE(stage);
  for (const char* text : {"/start", "54"}) {
    UserMessage message;
    message.text = text;
    EXPECT_TRUE((*stage)->say("user", std::move(message)));
  }
  const auto recorded = (*stage)->recorded();
  EXPECT_TRUE(recorded);
  return replay(recorded->at(0), {load_scenario_text({{"prices.yaml", next}}).program, false, false, {}});
}

TEST(ReplayOfPrograms, WhatAProgramGaveThenItGivesNow) {
  const Replayed replayed = replay_after_a_run(kPrices);
  EXPECT_EQ(replayed.end, Replayed::End::Same) << words_of(replayed.why, Language::English);
  ASSERT_EQ(replayed.turns.size(), 3U);
  EXPECT_EQ(replayed.turns[2].heard.by, HeardLine::By::Program);
  EXPECT_EQ(replayed.turns[2].heard.text, "run estimate");
  EXPECT_EQ(replayed.turns[2].now.at(0).text, "It costs 500.");
}

TEST(ReplayOfPrograms, WhatItGaveToOtherValuesTellsNothing) {
  std::string next = kPrices;
  next.replace(next.find("{area: area}"), 12, "{area: area + 1}");
  const Replayed replayed = replay_after_a_run(next);
  EXPECT_EQ(replayed.end, Replayed::End::Differs);
  EXPECT_EQ(words_of(replayed.why, Language::English),
            "`run estimate` is given other values, so what it gave then tells nothing");
}

TEST(ReplayOfPrograms, AProgramThatIsNotAskedAnyMorePartsTheTalk) {
  std::string next = kPrices;
  next.replace(next.find("    - run"), next.find("    - say") - next.find("    - run"), "    - set: {price: 1}\n");
  EXPECT_EQ(replay_after_a_run(next).end, Replayed::End::Differs);
}

// ---- record

TEST_F(ReplayTest, ARecordedTalkIsATestThatPasses) {
  serve(kScenario);
  talk();
  say("my order 57 is late, call Николай at +7 903 123 45 67 or gogol@mail.ru");
  stop();
  RecordOptions options;
  options.dialog = "telegram:111";
  options.config = path("sufler.yaml");
  options.language = "en";
  const ToolRun run = run_tool([&] { return run_record(options); });
  ASSERT_EQ(run.code, kExitClean) << run.err;
  EXPECT_THAT(run.out, AllOf(Not(HasSubstr("Николай")), Not(HasSubstr("Гоголь")), Not(HasSubstr("123-45-67")),
                             Not(HasSubstr("123 45 67")), Not(HasSubstr("gogol")), Not(HasSubstr("4711"))));
  EXPECT_THAT(run.out, HasSubstr("- user: \"my order 57 is late, call Anna at +7 912 000 00 01 or person1@example.com\""));
  EXPECT_THAT(run.out, HasSubstr("- user: \"+7 (912) 000-00-01\""));
  EXPECT_THAT(run.out, HasSubstr("      - after: 7204s"));
  EXPECT_THAT(run.out, HasSubstr("- \"admins\": \"Order 1: Anna, +79120000001\""));
  write("bot/talk.test.yaml", run.out);
  TestOptions test;
  test.paths = {path("bot/talk.test.yaml")};
  const ToolRun tested = run_tool([&] { return run_test(test); });
  EXPECT_EQ(tested.code, kExitClean) << tested.out << tested.err << run.out;
}

TEST_F(ReplayTest, ARecordedTalkBringsTheVersionsThatItWentThrough) {
  const auto serve_stored = [&](const std::string& scenario) {
    serve(scenario);
    const ReadVersion version = read_version(path("bot"), {}, Language::English);
    ASSERT_TRUE(store_version([&](const auto& job) { return job(*storage_); }, "shop", version, "", now_, FileCache(path("cache"))));
  };
  const auto record = [&](bool versions) {
    RecordOptions options;
    options.dialog = "telegram:111";
    options.config = path("sufler.yaml");
    options.language = "en";
    options.versions = versions;
    return run_tool([&] { return run_record(options); });
  };
  // Longer than what a database keeps in one piece.
  std::string padding = "\n";
  for (int i = 0; i < 550; ++i) padding += "# " + std::string(1000, 'x') + std::to_string(i) + "\n";
  serve_stored(kScenario + padding);
  say("/start");
  say("Order");
  std::string next = changed("total: 150", "total: 90 ");
  next.replace(next.find("Thank you"), 9, "Thanks");
  serve_stored(next);
  say("Николай");
  say("+7 (903) 123-45-67");
  say("4711");
  stop();
  write("bot/scenario.yaml", changed("Hello", "Good day"));  // what a third one says is in no talk yet
  const ToolRun run = record(true);
  ASSERT_EQ(run.code, kExitClean) << run.err;
  const std::size_t first = run.out.find("- reload:"), second = run.out.find("- reload:", first + 1);
  ASSERT_NE(second, std::string::npos) << run.out;
  EXPECT_NE(run.out.find("x549"), std::string::npos);
  EXPECT_LT(first, run.out.find("- user: \"/start\""));
  EXPECT_THAT(run.out, HasSubstr("Hello, Anna!"));
  EXPECT_GT(run.out.find("Thanks, Anna!"), second);
  EXPECT_THAT(run.out, Not(HasSubstr("Delivery is free.\"\n      - bot")));
  write("bot/talk.test.yaml", run.out);
  TestOptions test;
  test.paths = {path("bot/talk.test.yaml")};
  const ToolRun tested = run_tool([&] { return run_test(test); });
  EXPECT_EQ(tested.code, kExitClean) << tested.out << tested.err;

  EXPECT_THAT(record(false).out, AllOf(HasSubstr("Good day, Anna!"), Not(HasSubstr("- reload:"))));
}

// ---- explain

TEST_F(ReplayTest, ExplainTellsTheWayWithEachConditionAndItsValues) {
  serve(kScenario);
  talk();
  stop();
  ExplainOptions options;
  options.dialog = "1";
  options.config = path("sufler.yaml");
  options.language = "en";
  const ToolRun run = run_tool([&] { return run_explain(options); });
  ASSERT_EQ(run.code, kExitClean) << run.err;
  EXPECT_THAT(run.out, HasSubstr("the person wrote: /start"));
  EXPECT_THAT(run.out, HasSubstr("   12  → then  (total > 100: total = 150)"));
  EXPECT_THAT(run.out, HasSubstr("nobody answered in 1 hour: reminder 1"));
  EXPECT_THAT(run.out, HasSubstr("the question `pin`: answered: •••"));
  EXPECT_THAT(run.out, HasSubstr("waits at order/phone"));
  EXPECT_THAT(run.out, Not(HasSubstr("4711")));
  EXPECT_THAT(run.out, Not(HasSubstr("otherwise:")));
  options.format = "json";
  options.language = "ru";
  const Json all = Json::parse(run_tool([&] { return run_explain(options); }).out);
  const Json& turn = all["turns"][5];
  EXPECT_EQ(turn["as_recorded"], true);
  bool found = false;
  for (const Json& entry : turn["path"])
    if (entry["what"] == "then") {
      found = true;
      EXPECT_EQ(entry["branch"], "order");
      EXPECT_EQ(entry["line"], 12);
      EXPECT_EQ(entry["condition"]["source"], "total > 100");
      EXPECT_EQ(entry["condition"]["values"]["total"], "150");
    }
  EXPECT_TRUE(found) << turn.dump(1);
}

}  // namespace
}  // namespace sufler

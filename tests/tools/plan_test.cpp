// `sufler plan`, `sufler diff` and `sufler check --live`.
#include <nlohmann/json.hpp>

#include <cstdlib>

#include "interpreter/core/step.h"
#include "schema/loader.h"
#include "storage/storage.h"
#include "storage/version_store.h"
#include "tools/tool_run.h"

namespace sufler {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kOld = R"(
scenario: shop
language: en
start: welcome
branches:
  welcome:
    - choose: What can we do for you?
      options: {Order: order}
  order:
    - ask: [size, count, phone]
    - save: orders
questions:
  size: {text: Which size?, type: choice, options: [S, M, L]}
  count: {text: How many?}
  phone: {text: Your phone?}
tables:
  orders: {size: text, count: text, phone: text}
commands:
  shop: {on: [/shop, shop], go: welcome}
)";

class PlanTest : public ToolTest {
 protected:
  PlanTest() {
    setenv("LC_ALL", "C", 1);
    write("old.yaml", kOld);
    write("sufler.yaml", "bots: {shop: {scenario: old.yaml, telegram: {token: \"${NO_SUCH}\"}}}\ndatabase: sqlite:data.db\n");
    loaded_ = load_scenario(path("old.yaml"));
    people({{"1", {"/start"}},
            {"2", {"/start", "Order"}},
            {"3", {"/start", "Order", "L"}},
            {"4", {"/start", "Order", "L", "many"}},
            {"5", {"/start", "Order", "M", "5"}},
            {"6", {"/start", "Order", "M", "7"}}});
  }

  /// Each person has said these words to the old version.
  void people(const std::vector<std::pair<std::string, std::vector<std::string>>>& all) {
    auto storage = Storage::open("sqlite:" + path("data.db"), Durability::Normal);
    ASSERT_TRUE(storage);
    ASSERT_TRUE(storage->prepare_tables(*loaded_.program));
    auto done = storage->transact([&](Transaction& tx) -> Stored<Done> {
      for (const auto& [id, words] : all) {
        State state;
        Surroundings around;
        const ValueMap none;
        around.shared = &none;
        UserRecord user;
        user.id = id;
        for (const std::string& word : words) {
          UserMessage message;
          message.text = word;
          Turn turn = step(*loaded_.program, std::move(state), user, around, Event{Moment{1'000}, 1, message});
          state = std::move(turn.next);
        }
        DialogRow row;
        row.state = to_json(state, *loaded_.program);
        row.place = place_of(state, *loaded_.program);
        row.user = "{}";
        if (auto saved = tx.save_dialog({"shop", {"telegram", id}, id}, row, true, Moment{1'000}); !saved) return saved;
      }
      return Done{};
    });
    ASSERT_TRUE(done) << done.error().message;
  }

  void new_version(std::vector<std::pair<std::string, std::string>> changes) {
    std::string text = kOld;
    for (const auto& [from, to] : changes) {
      const std::size_t at = text.find(from);
      ASSERT_NE(at, std::string::npos) << from;
      text.replace(at, from.size(), to);
    }
    write("new.yaml", text);
  }

  ToolRun plan(const std::string& format = "json", const std::string& language = "en") {
    PlanOptions options;
    options.path = path("new.yaml");
    options.config = path("sufler.yaml");
    options.from = path("old.yaml");
    options.format = format;
    options.language = language;
    return run_tool([&] { return run_plan(options); });
  }
  json planned() { return json::parse(plan().out); }
  static json place(const json& plan, const std::string& name) {
    for (const json& one : plan["places"])
      if (one["place"] == name) return one;
    return {};
  }

  Loaded loaded_;
};

TEST_F(PlanTest, ACorrectedTextMovesNobody) {
  new_version({{"How many?", "How many shall we bring?"}});
  const ToolRun run = plan();
  EXPECT_EQ(run.code, kExitClean) << run.err;
  const json plan = json::parse(run.out);
  EXPECT_EQ(plan["waiting"], 6);
  EXPECT_EQ(plan["falling_back"], 0);
  for (const json& one : plan["places"]) EXPECT_EQ(one["fate"], "stays") << one;
  ASSERT_EQ(plan["changes"].size(), 1u);
  EXPECT_EQ(plan["changes"][0]["change"], "text_changed");
}

TEST_F(PlanTest, PlacesThatAreGoneAreCountedAndMovedIsOfferedReadyToPaste) {
  new_version({{"[size, count, phone]", "[size, amount, phone]"}, {"count: {text", "amount: {text"}});
  const ToolRun run = plan("text");
  EXPECT_EQ(run.code, kExitFallBack);
  EXPECT_THAT(run.out, AllOf(HasSubstr("shop: 6 dialogs wait"), HasSubstr("order/count  1 dialog, the oldest "),
                             HasSubstr("→ welcome"), HasSubstr("moved:\n  order/count: order/amount\n")));
  const json plan = planned();
  EXPECT_EQ(place(plan, "order/count")["fate"], "fall_back");
  EXPECT_EQ(plan["falling_back"], 1);
  new_version({{"[size, count, phone]", "[size, amount, phone]"},
               {"count: {text", "amount: {text"},
               {"commands:", "moved: {order/count: order/amount}\ncommands:"}});
  const ToolRun mended = this->plan();
  EXPECT_EQ(mended.code, kExitClean);
  EXPECT_EQ(place(json::parse(mended.out), "order/count")["to"], "order/amount");
}

TEST_F(PlanTest, StricterQuestionsTellHowManyAnswersFailAndHowManyAreAskedAgain) {
  new_version({{"options: [S, M, L]", "options: [S, M]"}, {"count: {text: How many?}", "count: {text: How many?, type: number}"}});
  const json plan = planned();
  ASSERT_EQ(plan["stricter"].size(), 2u);
  EXPECT_EQ(plan["stricter"][0], (json{{"question", "count"}, {"answers", 3}, {"fail", 1}, {"asked_again", 1}}));
  EXPECT_EQ(plan["stricter"][1], (json{{"question", "size"}, {"answers", 4}, {"fail", 2}, {"asked_again", 2}}));
  EXPECT_EQ(place(plan, "order/size")["fate"], "changed");
}

TEST_F(PlanTest, ACommandThatVanishesAndATableThatWouldLoseData) {
  {
    auto storage = Storage::open("sqlite:" + path("data.db"), Durability::Normal);
    ASSERT_TRUE(storage);
    auto done = storage->transact([&](Transaction& tx) -> Stored<Done> {
      ValueMap row;
      row.set("count", "5");
      auto inserted = tx.insert_row(loaded_.program->tables[0], row, {"1", 1}, Moment{1});
      if (!inserted) return Error{inserted.error()};
      return Done{};
    });
    ASSERT_TRUE(done);
  }
  new_version({{"count: text", "count: number"}, {"on: [/shop, shop]", "on: /shop"}});
  const ToolRun run = plan("text");
  EXPECT_THAT(run.out, AllOf(HasSubstr("Refused: orders.count, 1 row has a value"),
                             HasSubstr("command `shop` does not hear `shop` any more")));
  const ToolRun russian = plan("text", "ru");
  EXPECT_THAT(russian.out, AllOf(HasSubstr("Нельзя: orders.count, 1 строка со значением"),
                                 HasSubstr("команда `shop` больше не отзывается на `shop`")));
}

TEST_F(PlanTest, WhatServesIsKnownFromTheDatabase) {
  new_version({{"How many?", "How many shall we bring?"}});
  PlanOptions options;
  options.path = path("new.yaml");
  options.config = path("sufler.yaml");
  options.format = "json";
  ToolRun run = run_tool([&] { return run_plan(options); });
  EXPECT_EQ(run.code, kExitClean);
  json plan = json::parse(run.out);
  EXPECT_EQ(plan["compared"], false);
  EXPECT_EQ(plan["waiting"], 6);
  {
    auto storage = Storage::open("sqlite:" + path("data.db"), Durability::Normal);
    ASSERT_TRUE(storage);
    auto done = storage->transact([&](Transaction& tx) -> Stored<Done> {
      VersionRow row;
      row.bot = "shop";
      row.version = "v1";
      row.path = "old.yaml";
      row.files = {{"old.yaml", "hash", static_cast<std::int64_t>(std::string_view(kOld).size()), true}};
      if (auto put = tx.versions().put_content("hash", 0, kOld); !put) return put;
      if (auto saved = tx.versions().save(row); !saved) return saved;
      auto live = tx.versions().lock_deployment("shop");
      if (!live) return Error{live.error()};
      live->version = "v1";
      return tx.versions().deploy(*live);
    });
    ASSERT_TRUE(done) << done.error().message;
  }
  std::filesystem::remove(path("old.yaml"));
  run = run_tool([&] { return run_plan(options); });
  plan = json::parse(run.out);
  EXPECT_EQ(plan["compared"], true) << run.err;
  EXPECT_EQ(plan["live_version"], "v1");
  ASSERT_EQ(plan["changes"].size(), 1u);
}

TEST_F(PlanTest, AVersionWithErrorsIsOneAndMisuseIsTwo) {
  write("new.yaml", "scenario: shop\nbranches:\n  main:\n    - go: nowhere\n");
  EXPECT_EQ(plan().code, kExitErrors);
  new_version({});
  PlanOptions options;
  options.path = path("new.yaml");
  options.config = path("sufler.yaml");
  options.bot = "school";
  EXPECT_EQ(run_tool([&] { return run_plan(options); }).code, kExitMisuse);
  options.bot.clear();
  options.path = path("no_such.yaml");
  EXPECT_EQ(run_tool([&] { return run_plan(options); }).code, kExitMisuse);
  std::filesystem::remove(path("data.db"));
  options.path = path("new.yaml");
  const ToolRun none = run_tool([&] { return run_plan(options); });
  EXPECT_EQ(none.code, kExitMisuse);
  EXPECT_THAT(none.err, HasSubstr("there is no database"));
}

TEST_F(PlanTest, DiffTellsInWordsAndByItsCode) {
  new_version({{"count: {text: How many?}", "count: {text: How many?, buttons: [One, Two]}"}});
  DiffOptions options{path("old.yaml"), path("new.yaml"), "text", "en"};
  ToolRun run = run_tool([&] { return run_diff(options); });
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.out, "question `count` now has buttons: `One`, `Two`\n");
  options.language = "ru";
  EXPECT_EQ(run_tool([&] { return run_diff(options); }).out, "у вопроса `count` теперь есть кнопки: `One`, `Two`\n");
  options.format = "json";
  const json all = json::parse(run_tool([&] { return run_diff(options); }).out);
  EXPECT_EQ(all["changes"][0]["change"], "buttons_added");
  EXPECT_EQ(all["changes"][0]["names"], (json{"One", "Two"}));
  options.after = path("old.yaml");
  options.format = "text";
  EXPECT_EQ(run_tool([&] { return run_diff(options); }).code, 0);
  options.after = path("no_such.yaml");
  EXPECT_EQ(run_tool([&] { return run_diff(options); }).code, 2);
}

TEST_F(PlanTest, CheckTellsWhoWaitsAtThePlaceOfARemark) {
  CheckOptions options;
  options.paths = {path("old.yaml")};
  options.language = "en";
  options.live = path("sufler.yaml");
  write("old.yaml", [] {
    std::string text = kOld;
    // Too long for a button of VK.
    const std::string from = "phone: {text: Your phone?}";
    text.replace(text.find(from), from.size(),
                 "phone: {text: Your phone?, buttons: [I would rather not tell my number to anybody at all]}");
    return text;
  }());
  const ToolRun run = run_tool([&] { return run_check(options); });
  EXPECT_THAT(run.out, HasSubstr("3 dialogs wait here")) << run.err;
  options.live.clear();
  EXPECT_THAT(run_tool([&] { return run_check(options); }).out, Not(HasSubstr("wait")));
}

}  // namespace
}  // namespace sufler

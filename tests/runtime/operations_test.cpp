// What operators do, against an engine that the test drives and whose clock it owns.
#include "interpreter/runtime/operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "interpreter/runtime/engine.h"
#include "schema/loader.h"
#include "storage/housekeeping.h"

namespace sufler {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kDay = 24 * 3600 * 1000;

constexpr const char* kScenario = R"(
scenario: echo
language: en
start: hello
branches:
  hello:
    - ask: word
    - say: "once {{ word }}"
    - save: words
    - go: hello
questions:
  word: {text: "Word?"}
tables:
  words: {word: text}
)";

class TestClock final : public Clock {
 public:
  Moment now() const override { return {wall}; }
  milliseconds monotonic() const override { return milliseconds(wall - jumped); }
  std::int64_t wall = 1'700'000'000'000;
  std::int64_t jumped = 0;  ///< what the monotonic clock knows nothing of
};

class TestRenderer final : public Renderer {
 public:
  std::vector<ApiCall> render(const ChatAddress&, const Message& message) const override {
    if (!poison.empty() && message.text.text.find(poison) != std::string::npos) throw std::runtime_error("boom");
    ApiCall call;
    call.method = "message";
    call.body = message.text.text;
    call.files.push_back({"photo", Attachment{}});
    call.files.back().file.reference = "photo-id";
    return {call};
  }
  ApiCall render_press_answer(const ChatAddress&, const std::string&, const std::string&) const override { return {}; }
  std::string poison;
};

/// Answers as the test says, at once.
class TestCourier final : public Courier {
 public:
  void deliver(std::string_view, const ChatAddress& chat, const ApiCall& call,
               std::function<void(Outcome)> done) override {
    sent.push_back(chat.chat_id + ":" + call.body);
    calls.push_back(call);
    if (hold) return held.push_back(std::move(done));
    Outcome outcome;
    outcome.kind = kind;
    outcome.reason = "the reason";
    done(outcome);
  }
  void later(Duration, std::function<void()> job) override { postponed.push_back(std::move(job)); }

  void pass_time() {
    while (!postponed.empty()) {
      const auto jobs = std::exchange(postponed, {});
      for (const auto& job : jobs) job();
    }
  }

  Outcome::Kind kind = Outcome::Kind::Sent;
  bool hold = false;
  std::vector<std::function<void(Outcome)>> held;
  std::vector<std::function<void()>> postponed;
  std::vector<std::string> sent;
  std::vector<ApiCall> calls;
};

class OperationsTest : public ::testing::Test {
 protected:
  OperationsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "sufler-operations-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    Loaded loaded = load_scenario_text({{"scenario.yaml", kScenario}});
    EXPECT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
    program_ = loaded.program;
    start();
  }
  ~OperationsTest() override {
    engine_.reset();
    std::filesystem::remove_all(folder_);
  }

  void start(const std::optional<Retention>& retention = std::nullopt) {
    engine_.reset();
    auto storage = Storage::open("sqlite:" + file(), Durability::Normal);
    ASSERT_TRUE(storage) << storage.error().message;
    ASSERT_TRUE(storage->prepare_tables(*program_));
    BotSetup setup;
    setup.name = "shop";
    setup.program = program_;
    setup.renderers["telegram"] = &renderer_;
    std::vector<BotSetup> bots;
    bots.push_back(std::move(setup));
    engine_ = std::make_unique<Engine>(std::move(*storage), std::move(bots), courier_, clock_);
    if (retention) engine_->keep(*retention);
    ASSERT_TRUE(engine_->start({}, Engine::Drive::Caller));
  }

  void say(const std::string& person, const std::string& text) {
    Incoming update;
    update.id = "update-" + std::to_string(++updates_);
    update.chat = {"telegram", person};
    update.person.id = person;
    update.person.first_name = "Name of " + person;
    UserMessage message;
    message.text = text;
    update.event = Event{clock_.now(), 0, message};
    engine_->take("shop", "telegram", {update}, std::to_string(updates_), true, [](bool stored) { EXPECT_TRUE(stored); });
    engine_->round();
  }

  /// Messages of which nobody knows whether they arrived, after every attempt.
  void lose_answers_to(const std::string& person, const std::string& text) {
    courier_.kind = Outcome::Kind::Unknown;
    say(person, text);
    courier_.pass_time();
    courier_.kind = Outcome::Kind::Sent;
    settle();
  }

  /// Lets what became of sends be recorded.
  void settle() {
    clock_.wall += 1000;
    engine_->round();
  }

  json operate(const json& request) {
    json answer;
    engine_->ask([&](Storage& storage) {
      Operated operated = sufler::operate(storage, request.dump(), clock_.now());
      answer = json::parse(operated.answer);
      if (!operated.forgotten.empty()) engine_->forget(operated.forgotten);
      if (operated.inbox_filled) engine_->play_inbox();
      engine_->send(std::move(operated.to_send));
    });
    engine_->round();
    return answer;
  }
  std::vector<std::string> letters() {
    std::vector<std::string> ids;
    const json answer = operate({{"op", "letters"}});
    for (const json& one : answer["letters"])
      ids.push_back(one["id"].get<std::string>() + " " + one["kind"].get<std::string>());
    return ids;
  }

  /// The number that a query gives, read beside the engine.
  std::int64_t number(const std::string& query) {
    sqlite3* db = nullptr;
    sqlite3_stmt* statement = nullptr;
    std::int64_t value = -1;
    EXPECT_EQ(sqlite3_open_v2(file().c_str(), &db, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
    sqlite3_busy_timeout(db, 10'000);  // the engine writes, too
    EXPECT_EQ(sqlite3_prepare_v2(db, query.c_str(), -1, &statement, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    if (sqlite3_step(statement) == SQLITE_ROW) value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
  }
  std::int64_t count(const std::string& table) { return number("SELECT count(*) FROM " + table); }
  void execute(const std::string& statement) { number(statement); }

  std::string file() const { return folder_ + "/data.db"; }

  std::string folder_;
  TestClock clock_;
  TestRenderer renderer_;
  TestCourier courier_;
  std::shared_ptr<const Program> program_;
  std::unique_ptr<Engine> engine_;
  int updates_ = 0;
};

// ---- dead letters

TEST_F(OperationsTest, AMessageThatWasRefusedGoesOutAgainWithAllItHad) {
  courier_.kind = Outcome::Kind::Failed;
  say("7", "hello");
  const std::string first = courier_.sent.at(0);
  const ApiCall call = courier_.calls.at(0);
  courier_.kind = Outcome::Kind::Sent;
  ASSERT_THAT(letters(), ElementsAre("1 outbox"));

  const json shown = operate({{"op", "letter"}, {"id", "1"}})["letter"];
  EXPECT_EQ(shown["reason"], "the reason");
  EXPECT_EQ(shown["chat"], "telegram:7");
  EXPECT_EQ(shown["body"], "Word?");
  EXPECT_EQ(shown["method"], "message");
  EXPECT_THAT(shown["files"], SizeIs(1));

  courier_.sent.clear();
  EXPECT_EQ(operate({{"op", "retry"}, {"ids", {"1"}}})["done"], json({"1"}));
  EXPECT_THAT(courier_.sent, ElementsAre(first));
  EXPECT_EQ(courier_.calls.back().repeat_key, call.repeat_key) << "VK tells repeats by it";
  ASSERT_THAT(courier_.calls.back().files, SizeIs(1));
  EXPECT_EQ(courier_.calls.back().files[0].file.reference, "photo-id");
  settle();
  EXPECT_THAT(letters(), IsEmpty());
  EXPECT_EQ(count("outbox"), 0);
}

TEST_F(OperationsTest, ARetriedMessageComesBehindWhatItsDialogHasWaiting) {
  courier_.kind = Outcome::Kind::Failed;
  say("7", "hello");
  settle();
  courier_.hold = true;
  say("7", "one");  // "once one" is under way, "Word?" waits
  courier_.sent.clear();
  operate({{"op", "retry"}, {"ids", {"1"}}});
  EXPECT_THAT(courier_.sent, IsEmpty());
  for (std::size_t i = 0; i < courier_.held.size(); ++i) {
    const auto done = courier_.held[i];
    done(Outcome{});
  }
  EXPECT_THAT(courier_.sent, ElementsAre("7:Word?", "7:Word?"));
  EXPECT_GT(courier_.calls.size(), 2U);
}

TEST_F(OperationsTest, AnEventIsPlayedAnewAndItsAttemptsAreForgotten) {
  say("7", "hello");
  renderer_.poison = "once";
  say("7", "tulip");
  ASSERT_THAT(letters(), ElementsAre("1 event"));
  const json shown = operate({{"op", "letter"}, {"id", "1"}})["letter"];
  EXPECT_THAT(shown["event"].dump(), HasSubstr("tulip"));
  EXPECT_THAT(shown["reason"].dump(), HasSubstr("boom"));
  EXPECT_EQ(count("words"), 0);

  operate({{"op", "retry"}, {"ids", {"1"}}});
  EXPECT_THAT(letters(), ElementsAre("2 event")) << "the cause is still there";
  renderer_.poison.clear();
  operate({{"op", "retry"}, {"ids", {"2"}}});
  EXPECT_THAT(letters(), IsEmpty());
  EXPECT_EQ(count("inbox"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM words WHERE word = 'tulip'"), 1);
}

TEST_F(OperationsTest, AMessageOfUnknownArrivalIsShownRetriedAndDropped) {
  lose_answers_to("7", "hello");
  lose_answers_to("8", "hello");
  const auto found = letters();
  ASSERT_THAT(found, SizeIs(2));
  ASSERT_THAT(found[0], HasSubstr(" unknown"));
  const auto id_of = [](const std::string& line) { return line.substr(0, line.find(' ')); };
  EXPECT_EQ(operate({{"op", "letter"}, {"id", id_of(found[0])}})["letter"]["body"], "Word?");
  EXPECT_EQ(operate({{"op", "status"}})["queues"][0]["unknown"], 2);
  EXPECT_EQ(operate({{"op", "status"}})["queues"][0]["dead_letters"], 2);

  const std::int32_t key = courier_.calls.at(0).repeat_key;
  courier_.sent.clear();
  operate({{"op", "retry"}, {"ids", {id_of(found[0])}}});
  EXPECT_THAT(courier_.sent, ElementsAre("7:Word?"));
  EXPECT_EQ(courier_.calls.back().repeat_key, key);
  settle();
  EXPECT_THAT(letters(), ElementsAre(found[1]));
  operate({{"op", "drop"}, {"ids", {id_of(found[1])}}});
  EXPECT_THAT(letters(), IsEmpty());
  EXPECT_EQ(count("outbox"), 0);
}

TEST_F(OperationsTest, ALetterOfTheFirstVersionsCanOnlyBeDropped) {
  execute("INSERT INTO dead_letters (bot, kind, at_unix_ms, reason, subject) VALUES ('shop', 'outbox', 1, 'blocked', "
          "'telegram:7 sendMessage {\"text\":\"Hi\"}')");
  const json shown = operate({{"op", "letters"}})["letters"][0];
  EXPECT_EQ(shown["chat"], "telegram:7");
  EXPECT_EQ(shown["retryable"], false);
  const json refused = operate({{"op", "retry"}, {"ids", {"1"}}});
  EXPECT_THAT(refused["failed"][0]["reason"].dump(), HasSubstr("only be dropped"));
  EXPECT_EQ(operate({{"op", "drop"}, {"ids", {"1"}}})["done"], json({"1"}));
  EXPECT_EQ(count("dead_letters"), 0);
}

TEST_F(OperationsTest, WhatIsAskedWronglyIsSaid) {
  for (const json& request :
       {json{{"op", "nothing"}}, json{{"op", "retry"}}, json{{"op", "letter"}, {"id", "99"}}, json{{"op", "letter"}, {"id", "x"}},
        json{{"op", "erase"}, {"user", "7"}}, json::array(), json{{"op", "retry"}, {"ids", json::array({json::object()})}}}) {
    const json answer = operate(request);
    EXPECT_TRUE(answer.contains("error") || !answer["failed"].empty()) << request << answer;
  }
}

// ---- erasing

TEST_F(OperationsTest, ErasingSaysFirstWhatWouldGoAndRemovesJustThat) {
  say("7", "hello");
  say("7", "daffodil");
  say("8", "hello");
  say("8", "marigold");
  const json counted = operate({{"op", "erase"}, {"user", "telegram:7"}});
  EXPECT_EQ(count("words"), 2) << "counting removes nothing";
  EXPECT_EQ(counted["counts"]["table words"], 1);
  EXPECT_EQ(counted["counts"]["dialogs"], 1);
  EXPECT_EQ(counted["counts"]["people"], 1);
  EXPECT_EQ(counted["counts"]["journal lines"], 2);
  EXPECT_EQ(counted["counts"]["seen events"], 2);

  const json erased = operate({{"op", "erase"}, {"user", "telegram:7"}, {"really", true}});
  EXPECT_EQ(erased["counts"], counted["counts"]);
  EXPECT_FALSE(erased.contains("left")) << erased;
  for (const char* table : {"words", "dialogs", "users"}) EXPECT_EQ(count(table), 1) << table;
  EXPECT_EQ(count("journal"), 2);
  EXPECT_EQ(operate({{"op", "erase"}, {"user", "telegram:7"}})["total"], 0);

  say("7", "again");
  EXPECT_EQ(courier_.sent.back(), "7:Word?") << "they begin anew";
}

TEST_F(OperationsTest, WhatWaitsForAnErasedPersonIsNotSentAndLeavesNoLetter) {
  say("7", "hello");
  courier_.hold = true;
  say("7", "daffodil");  // "once daffodil" is under way, "Word?" waits
  courier_.sent.clear();
  const json erased = operate({{"op", "erase"}, {"user", "telegram:7"}, {"really", true}});
  EXPECT_EQ(erased["counts"]["messages to be sent"], 2);
  Outcome refused;
  refused.kind = Outcome::Kind::Failed;
  refused.reason = "blocked";
  courier_.held.at(0)(refused);
  settle();
  EXPECT_THAT(courier_.sent, IsEmpty());
  EXPECT_THAT(letters(), IsEmpty());
  EXPECT_EQ(engine_->sending(), 0U);
}

TEST_F(OperationsTest, ErasingTakesTheirDeadLetters) {
  renderer_.poison = "once";
  courier_.kind = Outcome::Kind::Failed;
  for (const char* person : {"7", "8"}) {
    say(person, "hello");
    say(person, "daffodil");
  }
  settle();
  const std::size_t before = letters().size();
  ASSERT_GE(before, 4U);
  operate({{"op", "erase"}, {"user", "telegram:7"}, {"really", true}});
  EXPECT_EQ(letters().size(), before / 2);
  EXPECT_EQ(number("SELECT count(*) FROM dead_letters WHERE subject LIKE '%\"7\"%'"), 0);
}

TEST_F(OperationsTest, ThePersonOfTheSameNumberOnAnotherPlatformStays) {
  say("7", "daffodil");
  EXPECT_EQ(operate({{"op", "erase"}, {"user", "vk:7"}, {"really", true}})["total"], 0);
  EXPECT_EQ(operate({{"op", "erase"}, {"user", "telegram:7"}, {"bot", "school"}, {"really", true}})["total"], 0);
  EXPECT_EQ(count("dialogs"), 1);
}

// ---- retention

class RetentionTest : public OperationsTest {
 protected:
  /// Some time of the engine's life: a whole sweep begins and ends in it.
  void sweep() {
    const std::int64_t until = clock_.wall + 150 * 60'000;
    while (clock_.wall < until) {
      const auto rest = engine_->round();
      clock_.wall += std::clamp<std::int64_t>(rest ? rest->count() : until, 1, until);
    }
  }
  static Retention only(std::optional<Duration> Retention::*kind, Duration term) {
    Retention none{std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt};
    none.*kind = term;
    return none;
  }
};

TEST_F(RetentionTest, OldLinesOfTheJournalGoAndTheNewOnesAreStillRead) {
  say("7", "hello");
  say("7", "old");
  clock_.wall += 10 * kDay;
  say("7", "new");
  start(only(&Retention::journal, Retention::days(5)));
  EXPECT_EQ(count("journal"), 3);
  sweep();
  EXPECT_EQ(count("journal"), 1);
  say("7", "newer");
  EXPECT_EQ(count("journal"), 2);
  clock_.wall += 6 * kDay;
  sweep();
  EXPECT_EQ(count("journal"), 0);
  EXPECT_EQ(count("words"), 3) << "what the scenario stored is its own";
}

TEST_F(RetentionTest, ManyLinesGoInBites) {
  say("7", "hello");
  execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO journal (id, "
          "dialog_id, previous, at_unix_ms, event_id, version, event, turn) SELECT 100000 + i, 1, 0, 5, '', '', '{}', '{}' FROM n");
  clock_.wall += 10 * kDay;
  start(only(&Retention::journal, Retention::days(5)));
  engine_->round();
  EXPECT_GT(count("journal"), 2000) << "a round takes one bite, so that no turn waits for long";
  sweep();
  EXPECT_EQ(count("journal"), 0);
}

TEST_F(RetentionTest, DeadLettersAndMessagesOfUnknownArrivalGo) {
  lose_answers_to("7", "hello");
  courier_.kind = Outcome::Kind::Failed;
  say("8", "hello");
  courier_.kind = Outcome::Kind::Sent;
  settle();
  ASSERT_THAT(letters(), SizeIs(2));
  start(only(&Retention::dead_letters, Retention::days(5)));
  clock_.wall += 4 * kDay;
  sweep();
  EXPECT_THAT(letters(), SizeIs(2));
  clock_.wall += 2 * kDay;
  sweep();
  EXPECT_THAT(letters(), IsEmpty());
}

TEST_F(RetentionTest, LinksOfMessagesGoWhereverTheyStand) {
  for (int i = 0; i < 1200; ++i) {
    execute("INSERT INTO messages_map (message_id, chat, transport, bot, dialog_id, at_unix_ms) VALUES ('" +
            std::to_string(i) + "', '9', 'telegram', 'shop', 1, " +
            std::to_string(i % 3 == 0 ? clock_.wall : clock_.wall - 40 * kDay) + ")");
  }
  start(Retention{});
  sweep();
  EXPECT_EQ(count("messages_map"), 400);
}

TEST_F(RetentionTest, AnIdleDialogGoesUnlessItWaitsForATime) {
  say("7", "hello");
  say("8", "hello");
  execute("INSERT INTO timers (dialog_id, name, bot, due_at_unix_ms, serial) SELECT id, 'remind', 'shop', 99999999999999, "
          "1 FROM dialogs WHERE user_id = '8'");
  start(only(&Retention::dialogs, Retention::days(100)));
  clock_.wall += 99 * kDay;
  sweep();
  EXPECT_EQ(count("dialogs WHERE state <> ''"), 2);
  clock_.wall += 2 * kDay;
  sweep();
  EXPECT_EQ(count("dialogs WHERE state <> ''"), 1);
  EXPECT_THAT(operate({{"op", "dialogs"}})["dialogs"], SizeIs(1));
  EXPECT_EQ(number("SELECT count(*) FROM users WHERE user_id = '8'"), 1);
  EXPECT_EQ(count("users"), 1);
  say("7", "I am back");
  EXPECT_EQ(courier_.sent.back(), "7:Word?");
}

TEST_F(RetentionTest, WhatThePersonOfAnIdleDialogStoredIsStillFoundWhenTheyAreErased) {
  say("7", "hello");
  say("7", "daffodil");
  start(only(&Retention::dialogs, Retention::days(100)));
  clock_.wall += 101 * kDay;
  sweep();
  EXPECT_EQ(count("words"), 1);
  const json erased = operate({{"op", "erase"}, {"user", "telegram:7"}, {"really", true}});
  EXPECT_EQ(erased["counts"]["table words"], 1);
  EXPECT_EQ(count("words"), 0);
}

TEST_F(RetentionTest, AClockThatJumpedIsNotBelievedForADay) {
  say("7", "hello");
  start(only(&Retention::journal, Retention::days(5)));
  sweep();
  clock_.wall += 10'000 * kDay;
  clock_.jumped = 10'000 * kDay;
  sweep();
  EXPECT_EQ(count("journal"), 1) << "a wrong year";
  clock_.wall -= 10'000 * kDay;
  clock_.jumped = 0;
  sweep();
  clock_.wall += 2 * kDay;
  sweep();
  EXPECT_EQ(count("journal"), 1) << "it is young all the same";
  clock_.wall += 4 * kDay;
  sweep();
  EXPECT_EQ(count("journal"), 0);
}

TEST_F(RetentionTest, NothingGoesUnlessItIsToldToBeKeptForATime) {
  say("7", "hello");
  clock_.wall += 10'000 * kDay;
  start(Retention{std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt});
  sweep();
  EXPECT_EQ(count("journal"), 1);
}

}  // namespace
}  // namespace sufler

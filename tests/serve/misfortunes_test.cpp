// A Telegram that refuses, fails, lies and repeats itself.
#include <algorithm>
#include <filesystem>

#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class MisfortunesTest : public ServeTest {
 protected:
  /// Anna says `раз` and `два`, and the first answer meets a fault.
  void say_two_words_under(const std::string& fault) {
    telegram.fail_next({.kind = fault, .method = "sendMessage", .chat = kAnna});
    telegram.say(kAnna, "раз");
    telegram.say(kAnna, "два");
  }
  MisfortunesTest() {
    serve_echo();
    for (const std::int64_t person : {kAnna, kBoris}) {
      telegram.say(person, "/start");
      messages(person, 2);
    }
  }

  std::vector<fakes::CallRecord> sends_to(std::int64_t chat) const {
    std::vector<fakes::CallRecord> found;
    for (auto& call : telegram.calls("sendMessage"))
      if (call.chat == chat) found.push_back(call);
    return found;
  }

  /// Everything of the kind that the two people heard, without the greeting.
  std::vector<std::string> heard(std::int64_t person, std::size_t count) {
    auto all = texts(person, count + 2);
    all.erase(all.begin(), all.begin() + 2);
    return all;
  }

  static std::size_t lines_with(const std::string& text, const std::string& part) {
    std::size_t lines = 0;
    for (std::size_t at = text.find(part); at != std::string::npos;
         at = text.find(part, std::min(text.size(), text.find('\n', at))))
      ++lines;
    return lines;
  }

  /// Boris says a word; the poll behind it brings these updates, whatever was asked for.
  void bring_after_a_message(const json& updates) {
    ASSERT_TRUE(telegram.wait_until_polling(true, kPatience));
    telegram.control("faults", json{{"kind", "custom"},
                                    {"method", "getUpdates"},
                                    {"status", 200},
                                    {"body", json{{"ok", true}, {"result", updates}}.dump()}}
                                   .dump());
    const std::int64_t id = telegram.say(kBoris, "проснись");
    ASSERT_TRUE(telegram.wait_until_confirmed(id, kPatience));
    EXPECT_EQ(telegram.control("faults"), "0") << "the odd answer was given";
  }
};

// ---- sending

TEST_F(MisfortunesTest, ALimitOfOneChatDelaysOnlyThatChat) {
  telegram.fail_next(
      {.kind = "rate_limit", .method = "sendMessage", .chat = kAnna, .retry_after_s = 5});
  telegram.say(kAnna, "раз");
  telegram.say(kAnna, "два");
  telegram.say(kBoris, "три");
  EXPECT_THAT(heard(kBoris, 1), ElementsAre("Вы сказали: три"));
  EXPECT_THAT(heard(kAnna, 2), ElementsAre("Вы сказали: раз", "Вы сказали: два"));

  const auto anna = sends_to(kAnna);
  ASSERT_EQ(anna.size(), 5u) << "two of the greeting, the refused one, two more";
  EXPECT_EQ(anna[2].error_code, 429);
  EXPECT_GE(anna[3].at_unix_ms - anna[2].at_unix_ms, 5000);
  EXPECT_LT(sends_to(kBoris).back().at_unix_ms, anna[3].at_unix_ms);
}

TEST_F(MisfortunesTest, FailuresOfTheServerAreTriedAgainUntilTheMessageIsThere) {
  telegram.fail_next({.kind = "server_error", .method = "sendMessage", .times = 2});
  telegram.fail_next({.kind = "bad_gateway", .method = "sendMessage"});
  telegram.say(kAnna, "раз");
  telegram.say(kAnna, "два");
  EXPECT_THAT(heard(kAnna, 2), ElementsAre("Вы сказали: раз", "Вы сказали: два"));
}

TEST_F(MisfortunesTest, AConnectionThatBreaksBeforeTheMessageIsThereLosesNothing) {
  say_two_words_under("drop");
  EXPECT_THAT(heard(kAnna, 2), ElementsAre("Вы сказали: раз", "Вы сказали: два"));
}

TEST_F(MisfortunesTest, AnAnswerThatIsLostRepeatsTheMessageAndKeepsTheOrder) {
  say_two_words_under("lost_answer");
  EXPECT_THAT(heard(kAnna, 3),
              ElementsAre("Вы сказали: раз", "Вы сказали: раз", "Вы сказали: два"));
}

TEST_F(MisfortunesTest, AnAnswerThatIsCutRepeatsTheMessageAndTheChatGoesOn) {
  say_two_words_under("truncated");
  EXPECT_THAT(heard(kAnna, 3),
              ElementsAre("Вы сказали: раз", "Вы сказали: раз", "Вы сказали: два"));
}

TEST_F(MisfortunesTest, AnAnswerThatIsBrokenBehindItsOkCountsAsSent) {
  say_two_words_under("garbage");
  EXPECT_THAT(heard(kAnna, 2), ElementsAre("Вы сказали: раз", "Вы сказали: два"));
}

TEST_F(MisfortunesTest, WhoBlockedTheBotIsNotTriedAgainAndIsBackWithTheNextMessage) {
  telegram.fail_next({.kind = "blocked", .method = "sendMessage", .chat = kAnna});
  telegram.say(kAnna, "раз");
  telegram.say(kBoris, "раз");
  EXPECT_THAT(heard(kBoris, 1), ElementsAre("Вы сказали: раз"));
  telegram.say(kAnna, "два");
  EXPECT_THAT(heard(kAnna, 1), ElementsAre("Вы сказали: два"));
  EXPECT_EQ(sends_to(kAnna).size(), 4u) << "the greeting, the refused one, the last one";
}

TEST_F(MisfortunesTest, BlockingAndComingBackLeavesTheDialogWhereItWas) {
  telegram.say(kAnna, "раз");
  heard(kAnna, 1);
  telegram.block(kAnna);
  telegram.unblock(kAnna);
  telegram.say(kAnna, "два");
  EXPECT_THAT(heard(kAnna, 2), ElementsAre("Вы сказали: раз", "Вы сказали: два"));
}

TEST_F(MisfortunesTest, AMessageThatIsRefusedForGoodIsKeptForTheOperatorAndTheChatGoesOn) {
  telegram.fail_next({.kind = "custom",
                      .method = "sendMessage",
                      .chat = kAnna,
                      .status = 400,
                      .description = "Bad Request: wrong something"});
  telegram.say(kAnna, "раз");
  telegram.say(kAnna, "два");
  EXPECT_THAT(heard(kAnna, 1), ElementsAre("Вы сказали: два"));
  EXPECT_THAT(sufler->output(), HasSubstr("wrong something"));
}

// ---- receiving

TEST_F(MisfortunesTest, PollsThatFailAreTriedAgain) {
  std::vector<std::string> expected;
  for (const std::string kind :
       {"drop", "server_error", "garbage", "truncated", "bad_gateway", "rate_limit"}) {
    telegram.fail_next({.kind = kind, .method = "getUpdates"});
    telegram.close_connections();
    telegram.say(kAnna, kind);
    expected.push_back("Вы сказали: " + kind);
    EXPECT_THAT(heard(kAnna, expected.size()), testing::ElementsAreArray(expected));
  }
}

TEST_F(MisfortunesTest, AnotherProgramThatPollsIsToldOnceAndOutlived) {
  telegram.fail_next({.kind = "conflict", .method = "getUpdates", .times = 2});
  telegram.close_connections();
  telegram.say(kAnna, "раз");
  EXPECT_THAT(heard(kAnna, 1), ElementsAre("Вы сказали: раз"));
  EXPECT_EQ(lines_with(sufler->output(), "another program receives"), 1u) << sufler->output();
}

TEST_F(MisfortunesTest, UpdatesOfEveryOddKindAreConfirmedAndPassedOver) {
  std::vector<std::int64_t> pushed;
  namespace fs = std::filesystem;
  for (const auto& file :
       fs::directory_iterator(std::string(SUFLER_SOURCE_DIR) + "/tests/data/fixtures/telegram")) {
    const std::string name = file.path().filename().string();
    if (!name.starts_with("update_") && !name.starts_with("message_")) continue;
    json update = json::parse(read_file(file.path().string()), nullptr, false);
    ASSERT_TRUE(update.is_object()) << name;
    if (name.starts_with("message_")) update = json{{"message", std::move(update)}};
    update.erase("update_id");
    pushed.push_back(telegram.push_update(update.dump()));
  }
  ASSERT_GE(pushed.size(), 20u);
  std::string deep = "0";
  for (int i = 0; i < 500; ++i) deep = "[" + deep + "]";
  for (const std::string& odd :
       {std::string(R"({})"), std::string(R"({"something_new":{"id":1}})"),
        std::string(R"({"message":null})"), std::string(R"({"message":"text"})"),
        std::string(R"({"message":[]})"), std::string(R"({"message":{}})"),
        std::string(R"({"message":{"chat":{"id":"5"},"from":5,"text":7}})"),
        std::string(
            R"({"message":{"message_id":1,"date":1,"chat":{"id":1e300,"type":"private"}}})"),
        std::string(R"({"message":{"message_id":-1,"date":-1,"chat":{"id":0,"type":"private"},
            "from":{"id":0,"is_bot":false,"first_name":""},"text":""}})"),
        std::string(R"({"callback_query":{"id":"1"}})"),
        std::string(R"({"callback_query":{"id":7,"from":{"id":501},"data":null}})"),
        std::string(R"({"edited_message":{"message_id":1}})"),
        std::string(R"({"my_chat_member":{"chat":{"id":1}}})"),
        R"({"something_deep":)" + deep + "}"}) {
    pushed.push_back(telegram.push_update(odd));
  }
  telegram.say(kAnna, "раз");
  EXPECT_THAT(heard(kAnna, 1), ElementsAre("Вы сказали: раз"));
  for (const std::int64_t id : pushed) EXPECT_TRUE(telegram.wait_until_confirmed(id, kPatience));
  EXPECT_EQ(sufler->wait(milliseconds(0)), std::nullopt) << "it still serves";
  stop();
}

TEST_F(MisfortunesTest, AnUpdateThatCouldNotBeConfirmedIsNotPlayedAgainAfterARestart) {
  ASSERT_TRUE(telegram.wait_until_polling(true, kPatience));
  telegram.fail_next({.kind = "drop", .method = "getUpdates", .times = -1});
  telegram.say(kAnna, "раз");
  EXPECT_THAT(heard(kAnna, 1), ElementsAre("Вы сказали: раз"));
  EXPECT_EQ(telegram.pending_updates(), 1u) << "the poll that is open brought it, none came after";
  stop();
  telegram.clear_faults();
  start();
  telegram.say(kAnna, "два");
  EXPECT_THAT(heard(kAnna, 2), ElementsAre("Вы сказали: раз", "Вы сказали: два"));
  stop();
  EXPECT_EQ(telegram.messages(kAnna).size(), 4u);
}

TEST_F(MisfortunesTest, AnUpdateThatComesAgainChangesNothing) {
  const std::int64_t id = telegram.say(kAnna, "раз");
  ASSERT_TRUE(telegram.wait_until_confirmed(id, kPatience));
  json again;
  for (const json& update : json::parse(telegram.control("updates", R"({"bodies":true})")))
    if (update["update_id"] == id) again = update["update"];
  ASSERT_TRUE(again.is_object());

  bring_after_a_message(json::array({again}));
  const std::int64_t last = telegram.say(kAnna, "два");
  ASSERT_TRUE(telegram.wait_until_confirmed(last, kPatience));
  EXPECT_THAT(heard(kAnna, 2), ElementsAre("Вы сказали: раз", "Вы сказали: два"));
  EXPECT_THAT(heard(kBoris, 1), ElementsAre("Вы сказали: проснись"));
  stop();
  EXPECT_EQ(telegram.messages(kAnna).size(), 4u);
  EXPECT_EQ(telegram.messages(kBoris).size(), 3u);
}

TEST_F(MisfortunesTest, AnAnswerWithLowerIdsDoesNotBringThePollBack) {
  const std::int64_t id = telegram.say(kAnna, "раз");
  ASSERT_TRUE(telegram.wait_until_confirmed(id, kPatience));
  bring_after_a_message(json::array({{{"update_id", id - 50}, {"something_new", json::object()}}}));
  const std::int64_t last = telegram.say(kAnna, "два");
  ASSERT_TRUE(telegram.wait_until_confirmed(last, kPatience));
  stop();
  EXPECT_THAT(heard(kAnna, 2), ElementsAre("Вы сказали: раз", "Вы сказали: два"));
  EXPECT_THAT(heard(kBoris, 1), ElementsAre("Вы сказали: проснись"));
  std::int64_t before = 0;
  for (const json& call : json::parse(telegram.control("calls", R"({"method":"getUpdates"})"))) {
    const json offset = call["params"].value("offset", json("0"));
    const std::int64_t asked =
        offset.is_string() ? std::stoll(offset.get<std::string>()) : offset.get<std::int64_t>();
    EXPECT_GE(asked, before) << "the offset went back";
    before = std::max(before, asked);
  }
}

TEST_F(MisfortunesTest, ATokenThatIsRevokedMeanwhileEndsTheProgramWithOneClearLine) {
  telegram.revoke_token();
  telegram.close_connections();
  const auto ended = sufler->wait(kPatience);
  ASSERT_TRUE(ended);
  EXPECT_NE(*ended, 0);
  EXPECT_EQ(lines_with(sufler->output(), "cannot be served"), 1u) << sufler->output();
}

}  // namespace
}  // namespace sufler::tests

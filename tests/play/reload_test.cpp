// A dialog is taken over by another version of its scenario (LANGUAGE 10, 11). What talks can say is in
// tests/scenarios/live_changes; here is what they cannot: a take-over by the event of a person, lines of the log,
// timers, the journal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interpreter/core/comparison.h"
#include "play/scenario.h"
#include "step/dialog.h"

namespace sufler {
namespace {

using testing::Dialog;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::shared_ptr<const Program> version(const std::string& yaml, std::string name) {
  auto program = std::make_shared<Program>(*testing::load(yaml));
  program->version = std::move(name);
  return program;
}

/// An order whose questions are given.
std::string order(const std::string& questions, const std::string& more = "") {
  return "branches:\n  main:\n    - ask: [size, count, phone]\n    - say: \"{{ size }} {{ count }} {{ phone }}\"\n" + more +
         "questions:\n" + questions;
}
const std::string kSize = "  size: {text: \"Размер?\", type: choice, options: [S, M, L]}\n";
const std::string kSizeWithoutL = "  size: {text: \"Размер?\", type: choice, options: [S, M]}\n";
const std::string kSizeInside = "  size: {text: \"Размер?\", type: choice, inline: true, options: [S, M, L]}\n";
const std::string kSizeInsideWithoutL = "  size: {text: \"Размер?\", type: choice, inline: true, options: [S, M]}\n";
const std::string kCount = "  count: {text: \"Сколько?\"}\n";
const std::string kNumber = "  count: {text: \"Сколько, числом?\", type: number}\n";
const std::string kDigits = "  count: {text: \"Сколько?\", pattern: \"[0-9]+\"}\n";
const std::string kPhone = "  phone: {text: \"Телефон?\"}\n";

TEST(TakeOver, WhoAnswersAnUnchangedQuestionHearsNothingOfIt) {
  Dialog dialog(version(order(kSize + kCount + kPhone), "1"));
  dialog.says("/start");
  ASSERT_TRUE(dialog.reload_quietly(version("branches:\n  other:\n    - say: новое\n" + order(kSize + kCount + kPhone).substr(10) + "start: main\n", "2")));
  EXPECT_THAT(dialog.says("M"), ElementsAre("Сколько?\n[-]"));
  EXPECT_THAT(dialog.moves, IsEmpty());
}

TEST(TakeOver, AnAnswerThatIsNoneAnyMoreGetsTheQuestionAsItIsNowAndCountsAsNoAttempt) {
  Dialog dialog(version(order(kSize + kCount + kPhone), "1"));
  dialog.says("/start");
  ASSERT_TRUE(dialog.reload_quietly(version(order(kSizeWithoutL + kCount + kPhone), "2")));
  EXPECT_THAT(dialog.says("L"), ElementsAre("Размер?\n[S] [M]"));
  EXPECT_EQ(dialog.state.waiting.attempts, 0u);
  EXPECT_THAT(dialog.says("S"), ElementsAre("Сколько?\n[-]"));
}

TEST(TakeOver, AnAnswerThatStillFitsIsTakenAtOnce) {
  Dialog dialog(version(order(kSize + kCount + kPhone), "1"));
  dialog.says("/start");
  ASSERT_TRUE(dialog.reload_quietly(version(order(kSizeWithoutL + kCount + kPhone), "2")));
  EXPECT_THAT(dialog.says("M"), ElementsAre("Сколько?\n[-]"));
}

TEST(TakeOver, APressOfAButtonThatIsGoneIsAnsweredAndTheQuestionShown) {
  Dialog dialog(version(order(kSizeInside + kCount + kPhone), "1"));
  dialog.says("/start");
  ASSERT_TRUE(dialog.reload_quietly(version(order(kSizeInsideWithoutL + kCount + kPhone), "2")));
  EXPECT_THAT(dialog.press("L"), ElementsAre("Размер?\n[S] [M]"));
  EXPECT_FALSE(dialog.press_answers.back().empty());
  EXPECT_THAT(dialog.press("M"), ElementsAre("Сколько?"));
}

TEST(TakeOver, ACommandIsHeardBeforeTheQuestionIsShownAgain) {
  const std::string help = "  help:\n    - say: помощь\n";
  const std::string command = "commands:\n  help: {on: /help, call: help}\n";
  Dialog dialog(version(order(kSize + kCount + kPhone, help) + command, "1"));
  dialog.says("/start");
  ASSERT_TRUE(dialog.reload_quietly(version(order(kSizeWithoutL + kCount + kPhone, help) + command, "2")));
  EXPECT_THAT(dialog.says("/help"), ElementsAre(HasSubstr("помощь"), "Размер?\n[S] [M]"));
}

TEST(TakeOver, WordsForALaterQuestionAreNoAnswerToTheOneThatIsAskedAgain) {
  Dialog dialog(version(order(kSize + kCount + kPhone), "1"));
  dialog.says("/start");
  dialog.says("L");
  dialog.says("5");
  ASSERT_TRUE(dialog.reload_quietly(version(order(kSizeWithoutL + kCount + kPhone), "2")));
  EXPECT_THAT(dialog.says("123"), ElementsAre("Размер?\n[S] [M]"));
  EXPECT_THAT(dialog.moves, ElementsAre(AllOf(HasSubstr("`size`"), HasSubstr("asked again"))));
  EXPECT_THAT(dialog.says("S"), ElementsAre(HasSubstr("Телефон?")));
  EXPECT_THAT(dialog.says("123"), ElementsAre("S 5 123"));
}

TEST(TakeOver, EveryAnswerThatFailsIsAskedAgainAndTheOthersStand) {
  Dialog dialog(version(order(kSize + kCount + kPhone), "1"));
  dialog.says("/start");
  dialog.says("L");
  dialog.says("много");
  ASSERT_TRUE(dialog.reload(version(order(kSizeWithoutL + kDigits + kPhone), "2")));
  EXPECT_THAT(dialog.reshown, ElementsAre("Размер?\n[S] [M]"));
  EXPECT_THAT(dialog.says("S"), ElementsAre(HasSubstr("Сколько?")));
  EXPECT_THAT(dialog.says("7"), ElementsAre("Телефон?"));
  EXPECT_THAT(dialog.says("123"), ElementsAre("S 7 123"));
}

TEST(TakeOver, AnswersBecomeOfTheNewTypeWhereTheyReadWell) {
  Dialog dialog(version(order(kSize + kCount + kPhone), "1"));
  dialog.says("/start");
  dialog.says("M");
  dialog.says("пять");
  ASSERT_TRUE(dialog.reload(version(order(kSize + kNumber + kPhone), "2")));
  EXPECT_THAT(dialog.reshown, IsEmpty());
  EXPECT_EQ(dialog.var("count"), Value(5));
  EXPECT_THAT(dialog.moves, ElementsAre(HasSubstr("`count`")));
}

TEST(TakeOver, ATypeThatChangedUnderAnAnswerIsShownOnce) {
  Dialog dialog(version(order(kSize + kCount + kPhone), "1"));
  dialog.says("/start");
  dialog.says("M");
  ASSERT_TRUE(dialog.reload(version(order(kSize + kNumber + kPhone), "2")));
  EXPECT_THAT(dialog.reshown, ElementsAre("Сколько, числом?"));
  ASSERT_TRUE(dialog.reload(version(order(kSize + kNumber + kPhone), "3")));
  EXPECT_THAT(dialog.reshown, IsEmpty());
  EXPECT_THAT(dialog.says("5"), ElementsAre("Телефон?"));
}

TEST(TakeOver, SkipThatIsGoneIsShownToBeGone) {
  const std::string optional = "  count: {text: \"Сколько?\", optional: true}\n";
  Dialog dialog(version(order(kSize + optional + kPhone), "1"));
  dialog.says("/start");
  dialog.says("M");
  ASSERT_TRUE(dialog.reload(version(order(kSize + kCount + kPhone), "2")));
  EXPECT_THAT(dialog.reshown, ElementsAre(HasSubstr("Сколько?")));
}

TEST(TakeOver, ChosenOnesAreKeptByTheirLabels) {
  const auto toppings = [](const std::string& options) {
    return "branches:\n  main:\n    - ask: extra\n    - say: \"{{ extra }}\"\nquestions:\n  extra: {text: \"Что добавить?\", type: choices, options: " +
           options + "}\n";
  };
  Dialog dialog(version(toppings("[Сыр, Лук, Мёд]"), "1"));
  dialog.says("/start");
  dialog.says("Лук");
  dialog.says("Мёд");
  ASSERT_TRUE(dialog.reload(version(toppings("[Мёд, Соль, Лук, Сыр]"), "2")));
  EXPECT_THAT(dialog.reshown, IsEmpty());
  EXPECT_THAT(dialog.says("Готово"), ElementsAre(AllOf(HasSubstr("Лук"), HasSubstr("Мёд"))));

  Dialog fewer(version(toppings("[Сыр, Лук, Мёд]"), "1"));
  fewer.says("/start");
  fewer.says("Лук");
  fewer.says("Мёд");
  ASSERT_TRUE(fewer.reload(version(toppings("[Мёд, Сыр]"), "2")));
  EXPECT_THAT(fewer.reshown, ElementsAre(HasSubstr("Что добавить?")));
  EXPECT_THAT(fewer.moves, ElementsAre(HasSubstr("1 of 2")));
  EXPECT_THAT(fewer.says("Готово"), ElementsAre(HasSubstr("Мёд")));
}

TEST(TakeOver, ButtonsThatNobodyWaitsAtWorkAsLongAsTheyAreSeen) {
  const auto menu = [](const std::string& before, const std::string& inside) {
    return "branches:\n  main:\n" + before + "    - say: Меню\n      inline: " + inside +
           "\n      buttons: {Цены: prices}\n  prices:\n    - say: Дорого.\n";
  };
  for (const char* const inside : {"false", "true"}) {
    Dialog dialog(version(menu("", inside), "1"));
    dialog.says("/start");
    ASSERT_TRUE(dialog.reload(version(menu("    - say: Новое начало.\n    - log: раз\n", inside), "2")));
    EXPECT_THAT(dialog.press("Цены"), ElementsAre(HasSubstr("Дорого."))) << inside;

    Dialog gone(version(menu("", inside), "1"));
    gone.says("/start");
    ASSERT_TRUE(gone.reload(version("branches:\n  main:\n    - say: Другое\n", "2")));
    EXPECT_THAT(gone.press("Цены"), ::testing::Not(Contains(HasSubstr("Дорого."))));
  }
}

TEST(TakeOver, TimersOfAPlaceThatIsGoneAreCancelled) {
  const std::string timed = "  count: {text: \"Сколько?\", timeout: {after: 1h, go: main}}\n";
  Dialog dialog(version(order(kSize + timed + kPhone), "1"));
  dialog.says("/start");
  dialog.says("M");
  EXPECT_EQ(dialog.timers.size(), 1u);
  ASSERT_TRUE(dialog.reload(version("branches:\n  main:\n    - ask: size\nquestions:\n" + kSize, "2")));
  EXPECT_THAT(dialog.timers, IsEmpty());
  EXPECT_THAT(dialog.moves, ElementsAre(HasSubstr("`main/count` is gone")));
}

TEST(TakeOver, ATimerThatIsDueWhenTheTimeBecameLongerWaitsOn) {
  const auto timed = [](const std::string& after) {
    return order(kSize + "  count: {text: \"Сколько?\", timeout: {after: " + after + ", go: late}}\n" + kPhone, "  late:\n    - say: поздно\n");
  };
  Dialog dialog(version(timed("1h"), "1"));
  dialog.says("/start");
  dialog.says("M");
  ASSERT_TRUE(dialog.reload_quietly(version(timed("2h"), "2")));
  EXPECT_THAT(dialog.after("1h"), IsEmpty());
  EXPECT_THAT(dialog.after("1h"), ElementsAre("поздно"));
}

TEST(TakeOver, ASecretThatWasAskedForStaysOutOfTheJournal) {
  const std::string secret = "  count: {text: \"Пароль?\", secret: true}\n";
  Dialog dialog(version(order(kSize + secret + kPhone), "1"));
  dialog.says("/start");
  dialog.says("M");
  ASSERT_TRUE(dialog.reload_quietly(version("branches:\n  main:\n    - ask: size\nquestions:\n" + kSize, "2")));
  dialog.says("hunter2");
  for (const std::string& line : dialog.journal) EXPECT_THAT(line, ::testing::Not(HasSubstr("hunter2")));
}

TEST(TakeOver, AQuestionThatCannotBeShownLeavesTheDialogWhereItIs) {
  Dialog dialog(version(order(kSize + kCount + kPhone, "") + "settings: {nothing: 0}\n", "1"));
  dialog.says("/start");
  dialog.says("M");
  ASSERT_TRUE(dialog.reload(version(order(kSize + "  count: {text: \"Сколько? {{ 1 / settings.nothing }}\", type: number}\n" + kPhone) + "settings: {nothing: 0}\n", "2")));
  EXPECT_THAT(dialog.reshown, IsEmpty());
  EXPECT_THAT(dialog.faults, ElementsAre(HasSubstr("division by zero")));
  EXPECT_EQ(dialog.at(), "main/count");
  EXPECT_THAT(dialog.says("5"), ElementsAre("Телефон?"));
}

/// People were called by a rule of this name; when they are gone a row is stored and a question asked.
std::string called(const std::string& rule) {
  return "branches:\n  main:\n    - handoff: " + rule +
         "\n      id: call\n      outcomes:\n        closed:\n          - save: calls\n            values: {wish: \"'closed'\"}\n"
         "          - say: Я снова с вами.\n          - ask: count\n          - say: \"{{ count }} шт.\"\n"
         "  help:\n    - say: помощь\n"
         "questions:\n" + kCount + "commands:\n  help: {on: /help, call: help}\ntables:\n  calls: {wish: text}\n"
         "handoff:\n  " + rule + ": {to: admins, mode: silent}\n";
}

/// A command that asks interrupts the question `count` of `order`.
std::string interrupted(const std::string& order_branch, const std::string& more, const std::string& order = "order") {
  return "start: menu\nbranches:\n  menu:\n    - ask: size\n    - go: " + order + "\n" + order_branch +
         "  help:\n    - ask: topic\n    - say: \"помощь: {{ topic }}\"\n" + more +
         "commands:\n  help: {on: /help, call: help}\n";
}
const std::string kInterruptedQuestions = "questions:\n" + kSize + kCount + "  topic: {text: \"О чём?\"}\n";

TEST(TakeOver, AnInterruptedPlaceThatIsGoneLeadsToTheStartBehindWhatInterruptedIt) {
  const std::string before = interrupted("  order:\n    - ask: count\n", kInterruptedQuestions);
  const std::string after = interrupted("  order:\n    - say: Заказов нет.\n", "questions:\n" + kSize + "  topic: {text: \"О чём?\"}\n");
  for (const int reloads : {1, 2}) {
    Dialog dialog(version(before, "1"));
    dialog.says("/start");
    dialog.says("M");
    dialog.says("/help");
    for (int i = 0; i < reloads; ++i) ASSERT_TRUE(dialog.reload(version(after, std::to_string(2 + i))));
    EXPECT_THAT(dialog.reshown, IsEmpty());
    EXPECT_THAT(dialog.moves, ElementsAre(AllOf(HasSubstr("`order/count`"), HasSubstr("interrupted"), HasSubstr("`menu`"))));
    EXPECT_THAT(dialog.says("цены"), ElementsAre("помощь: цены", HasSubstr("Размер?")));
    EXPECT_EQ(dialog.at(), "menu/size");
    EXPECT_EQ(dialog.var("size"), Value("M"));
  }
}

TEST(TakeOver, AnInterruptedPlaceThatIsGoneLeadsWhereMovedSays) {
  Dialog dialog(version(interrupted("  order:\n    - ask: count\n", kInterruptedQuestions), "1"));
  dialog.says("/start");
  dialog.says("M");
  dialog.says("/help");
  ASSERT_TRUE(dialog.reload(version(interrupted("  sorry:\n    - say: Заказов больше нет.\n",
                                                "questions:\n" + kSize + "  topic: {text: \"О чём?\"}\nmoved: {order: sorry}\n", "sorry"),
                                    "2")));
  EXPECT_THAT(dialog.says("цены"), ElementsAre("помощь: цены", "Заказов больше нет."));
}

TEST(TakeOver, ABranchWhoseCallersAreGoneLeadsToTheStart) {
  const auto shop = [](const std::string& steps) {
    return "start: menu\nbranches:\n  menu:\n    - ask: size\n    - go: order\n  order:\n" + steps +
           "  contacts:\n    - ask: phone\n    - return: phone\nquestions:\n" + kSize + kPhone +
           "commands:\n  contacts: {on: /contacts, call: contacts}\n";
  };
  Dialog dialog(version(shop("    - call: contacts\n    - say: Спасибо.\n"), "1"));
  dialog.says("/start");
  dialog.says("M");
  ASSERT_TRUE(dialog.reload(version(shop("    - say: Спасибо.\n"), "2")));
  EXPECT_THAT(dialog.moves, ElementsAre(AllOf(HasSubstr("come back to is gone"), HasSubstr("`menu`"))));
  EXPECT_THAT(dialog.says("123"), ElementsAre(HasSubstr("Размер?")));
}

TEST(TakeOver, AMessageIsHeardBehindAMoveThatAsksTheDatabase) {
  Dialog dialog(version(called("manager"), "1"));
  dialog.says("/start");
  ASSERT_TRUE(dialog.state.silence);
  ASSERT_TRUE(dialog.reload_quietly(version(called("keeper"), "2")));
  EXPECT_THAT(dialog.says("/help"), ElementsAre("Я снова с вами.", "Сколько?", "помощь", "Сколько?"));
  EXPECT_EQ(dialog.rows["calls"].size(), 1u);
  EXPECT_THAT(dialog.says("5"), ElementsAre("5 шт."));
}

TEST(TakeOver, APressBehindAMoveThatAsksTheDatabaseIsAnswered) {
  Dialog dialog(version(called("manager"), "1"));
  dialog.says("/start");
  ASSERT_TRUE(dialog.reload_quietly(version(called("keeper"), "2")));
  EXPECT_THAT(dialog.press_payload("c7"), ElementsAre("Я снова с вами.", "Сколько?"));
  EXPECT_EQ(dialog.press_answers.size(), 1u);
}

TEST(TakeOver, AStateOfThisVersionMovesNothing) {
  const auto program = version(order(kSize + kCount + kPhone), "1");
  Dialog dialog(program);
  dialog.says("/start");
  const Turn turn = move_to_version(*program, dialog.state, dialog.user, dialog.around, dialog.now);
  EXPECT_THAT(turn.effects, IsEmpty());
  EXPECT_EQ(to_json(turn.next, *program), to_json(dialog.state, *program));
}

TEST(TakeOver, StoredAnswersAreReadWithoutTheirProgram) {
  const auto program = version(order(kSize + kCount + kPhone), "1");
  Dialog dialog(program);
  dialog.says("/start");
  dialog.says("M");
  StoredAnswers answers;
  ASSERT_TRUE(read_answers(to_json(dialog.state, *program), answers));
  EXPECT_EQ(answers.version, "1");
  EXPECT_EQ(*answers.variables.find("size"), Value("M"));
  EXPECT_NE(answers.expected, 0u);
  EXPECT_FALSE(read_answers("{\"v\":", answers));
}

}  // namespace
}  // namespace sufler

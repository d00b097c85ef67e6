#include "interpreter/core/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/change_text.h"
#include "play/scenario.h"

namespace sufler {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> told(const std::string& before, const std::string& after, Language language = Language::English) {
  std::vector<std::string> lines;
  for (const Change& change : compare_programs(*testing::load(before), *testing::load(after)))
    lines.push_back(change_text(change, language));
  return lines;
}

std::string question(const std::string& fields) {
  return "branches:\n  main:\n    - ask: size\nquestions:\n  size: {" + fields + "}\n";
}

TEST(Comparison, OrderCommentsAndTheFormOfTheYamlAreNoChange) {
  EXPECT_THAT(told("branches:\n  a:\n    - say: Раз.\n    - go: b\n  b:\n    - say: Два.\nstart: a\n",
                   "start: a  # здесь\nbranches:\n  b: [{say: \"Два.\"}]\n  a:\n    - {say: \"Раз.\"}\n    - {go: b}\n"),
              IsEmpty());
}

TEST(Comparison, BranchesThatComeAndGoAndAreRenamed) {
  EXPECT_THAT(told("branches:\n  main:\n    - go: old\n  old:\n    - say: раз\n  named:\n    - say: два\nstart: main\n",
                   "branches:\n  main:\n    - go: fresh\n  fresh:\n    - say: раз\n  called:\n    - say: два\nstart: main\nmoved: {named: called}\n"),
              ElementsAre("branch `old` removed", "branch `named` is now `called`", "branch `fresh` added",
                          "branch `main` does something else now", "`moved` tells about `named`"));
}

TEST(Comparison, QuestionsTellWhatAPersonWouldNotice) {
  EXPECT_THAT(told(question("text: Размер?"), question("text: \"Размер?\", buttons: [S, M]")),
              ElementsAre("question `size` now has buttons: `S`, `M`"));
  EXPECT_THAT(told(question("text: Размер?"), question("text: Какой размер?")),
              ElementsAre("question `size` has another text"));
  EXPECT_THAT(told(question("text: Размер?"), question("text: Размер?, type: number, min: 1")),
              ElementsAre("question `size`: type `text` became `number`", "question `size` is stricter: `min`"));
  EXPECT_THAT(told(question("text: Размер?, type: choice, options: [S, M, L]"), question("text: Размер?, type: choice, options: [S, M, XL]")),
              ElementsAre("question `size`: buttons `L` removed", "question `size`: new buttons `XL`"));
  EXPECT_THAT(told(question("text: Размер?, type: number, min: 1, max: 9"), question("text: Размер?, type: number, min: 2, max: 10, optional: true")),
              ElementsAre("question `size` is stricter: `min`", "question `size` is less strict: `max`, `optional`"));
  EXPECT_THAT(told(question("text: Размер?, check: value != 'x'"), question("text: Размер?, check: value != 'y'")),
              ElementsAre("question `size` takes other answers: `check`"));
  EXPECT_THAT(told(question("text: Размер?"), question("text: Размер?, remind: {after: 30m, text: Эй}")),
              ElementsAre("question `size`: its times changed"));
}

TEST(Comparison, RussianLinesUseTheRussianWords) {
  EXPECT_THAT(told(question("text: Размер?"), question("text: Размер?, type: number, min: 1"), Language::Russian),
              ElementsAre("у вопроса `size` был тип `текст`, стал `число`", "вопрос `size` стал строже: `мин`"));
}

TEST(Comparison, CommandsTablesAndRoles) {
  const std::string main = "branches:\n  main:\n    - say: раз\n";
  EXPECT_THAT(told(main + "commands:\n  menu: {on: [/menu, меню], go: main}\n  help: {on: /help, go: main}\n",
                   main + "commands:\n  menu: {on: /menu, go: main}\n"),
              ElementsAre("command `menu` does not hear `меню` any more", "command `help` removed"));
  EXPECT_THAT(told(main + "tables:\n  orders: {name: text, count: text}\n",
                   main + "tables:\n  orders: {count: number, phone: phone}\n"),
              ElementsAre("table `orders`: column `count` was `text` and is `number`; refused while rows have a value",
                          "table `orders`: new columns `phone`",
                          "table `orders`: columns `name` are not used any more; their values stay"));
  EXPECT_THAT(told(main, "branches:\n  main:\n    - say: раз\n    - notify: admins\n      text: два\n"),
              ElementsAre("branch `main` does something else now", "role `admins` is needed now"));
}

TEST(Comparison, WhatIsKeptAndHowItIsSaid) {
  EXPECT_THAT(told(question("text: Размер?"), question("text: Размер?, pii: true, commands: off")),
              ElementsAre("question `size`: changed `pii`, `commands`"));
  const std::string main = "branches:\n  main:\n    - say: раз\n";
  EXPECT_THAT(told(main, "branches:\n  main:\n    - say: раз\n      typing: 2s\n"),
              ElementsAre("branch `main` does something else now"));
  EXPECT_THAT(told(main + "commands:\n  menu: {on: /menu, about: Меню, go: main}\n",
                   main + "commands:\n  menu: {on: /menu, about: Начало, go: main}\n"),
              ElementsAre("command `menu` does something else now"));
  EXPECT_THAT(told(main + "tables:\n  orders: {state: {type: text, default: new}}\n",
                   main + "tables:\n  orders: {state: {type: text, default: open}}\n"),
              ElementsAre("table `orders`: other defaults of `state`"));
}

TEST(Comparison, FilesWithOtherContents) {
  std::vector<Change> changes;
  compare_files({{"price.pdf", "1"}, {"faq.md", "2"}, {"old.md", "3"}}, {{"price.pdf", "1"}, {"faq.md", "4"}, {"new.md", "5"}}, changes);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(change_text(changes[0], Language::English), "other contents of `faq.md`");
}

TEST(Comparison, EveryKindHasACodeOfItsOwn) {
  std::set<std::string_view> codes;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(kLastChange); ++i)
    EXPECT_TRUE(codes.insert(change_code(static_cast<Change::What>(i))).second);
}

std::vector<std::string> guessed(const std::string& before, const std::string& after) {
  std::vector<std::string> lines;
  for (const MovedGuess& guess : guess_moved(*testing::load(before), *testing::load(after)))
    lines.push_back(guess.from + ": " + guess.to);
  return lines;
}

TEST(MovedGuesses, ARenamedBranchWithTheSameQuestions) {
  const std::string questions = "questions:\n  size: {text: \"Размер?\"}\n  phone: {text: \"Телефон?\"}\n";
  EXPECT_THAT(guessed("branches:\n  main:\n    - go: order\n  order:\n    - ask: [size, phone]\nstart: main\n" + questions,
                      "branches:\n  main:\n    - go: checkout\n  checkout:\n    - ask: [size, phone]\nstart: main\n" + questions),
              ElementsAre("order: checkout"));
}

TEST(MovedGuesses, AQuestionThatWentToAnotherBranch) {
  const std::string questions = "questions:\n  size: {text: \"Размер?\"}\n  phone: {text: \"Телефон?\"}\n";
  EXPECT_THAT(guessed("branches:\n  order:\n    - ask: [size, phone]\nstart: order\n" + questions,
                      "branches:\n  order:\n    - ask: size\n    - go: contacts\n  contacts:\n    - ask: phone\nstart: order\n" + questions),
              ElementsAre("order/phone: contacts/phone"));
}

TEST(MovedGuesses, AQuestionThatWasRenamedInItsBranch) {
  EXPECT_THAT(guessed("branches:\n  order:\n    - ask: telefon\nquestions:\n  telefon: {text: \"Телефон?\", type: phone}\n",
                      "branches:\n  order:\n    - ask: telephone\nquestions:\n  telephone: {text: \"Телефон?\", type: phone}\n"),
              ElementsAre("order/telefon: order/telephone"));
}

TEST(MovedGuesses, NothingIsGuessedWhereNothingIsLike) {
  EXPECT_THAT(guessed("branches:\n  order:\n    - ask: phone\n      text: Телефон?\n      type: phone\n  main:\n    - go: order\nstart: main\n",
                      "branches:\n  main:\n    - say: Закрыто.\n  weather:\n    - say: Дождь.\nstart: main\n"),
              IsEmpty());
}

}  // namespace
}  // namespace sufler

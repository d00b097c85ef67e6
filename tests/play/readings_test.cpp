// Unclear answers, whose readings are offered, and commands by what messages mean: LANGUAGE 5, 6, 14.
#include "play/scenario.h"

namespace sufler::testing {
namespace {

std::shared_ptr<const Program> asking(const std::string& fields, const std::string& more = "") {
  return load("branches:\n  main:\n    - ask: q\n    - say: \"= {{ q }}\"\n" + more +
              "questions:\n  q: {text: \"Вопрос?\", " + fields + "}\n");
}

TEST(Readings, OneIsConfirmed) {
  Dialog dialog(asking("type: number"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("тринадцать двести"), ElementsAre("Верно ли: 13\u00A0200?\n[Да] [Нет]"));
  EXPECT_EQ(dialog.var("q"), Value());
  EXPECT_THAT(dialog.press("Да"), ElementsAre("= 13200\n[-]"));
}

TEST(Readings, OfMoneyTheyAreSums) {
  Dialog dialog(asking("type: money"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("два ляма"), ElementsAre("Верно ли: 2\u00A0000\u00A0000\u00A0₽?\n[Да] [Нет]"));
  EXPECT_THAT(dialog.says("угу"), ElementsAre("= 2000000\n[-]"));
}

TEST(Readings, ANoAsksAgain) {
  Dialog dialog(asking("type: number"));
  dialog.says("/start");
  dialog.says("тринадцать двести");
  EXPECT_THAT(dialog.says("нет"), ElementsAre("Вопрос?\n[-]"));
  EXPECT_EQ(dialog.var("q"), Value());
  EXPECT_THAT(dialog.says("13200"), ElementsAre("= 13200"));
}

TEST(Readings, SeveralAreButtons) {
  Dialog dialog(asking("type: number"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("1,250"),
              ElementsAre("Какой ответ верный? Выберите или напишите иначе, пожалуйста.\n[1\u00A0250]\n[1,25]"));
  EXPECT_THAT(dialog.press("1,25"), ElementsAre("= 1,25\n[-]"));
}

TEST(Readings, DatesSayTheirWeekday) {
  Dialog dialog(asking("type: date"));  // the fake's now is a Sunday: 15 March 2026
  dialog.says("/start");
  EXPECT_THAT(dialog.says("завтра или послезавтра"),
              ElementsAre(HasSubstr("[16 марта 2026, понедельник]\n[17 марта 2026, вторник]")));
  EXPECT_THAT(dialog.press("17 марта 2026, вторник"), ElementsAre("= 17 марта 2026\n[-]"));
}

TEST(Readings, WhatTheQuestionForbidsIsNotOffered) {
  Dialog dialog(asking("type: number, min: 100"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("1,250"), ElementsAre("Верно ли: 1\u00A0250?\n[Да] [Нет]"));
  Dialog checked(asking("type: number, check: value < 2"));
  checked.says("/start");
  EXPECT_THAT(checked.says("1,250"), ElementsAre("Верно ли: 1,25?\n[Да] [Нет]"));
}

TEST(Readings, AnotherAnswerIsHeardInsteadOfYesAndNo) {
  Dialog dialog(asking("type: number"));
  dialog.says("/start");
  dialog.says("тринадцать двести");
  EXPECT_THAT(dialog.says("13 тысяч"), ElementsAre("= 13000\n[-]"));
  Dialog unclear(asking("type: number"));
  unclear.says("/start");
  unclear.says("1,250");
  EXPECT_THAT(unclear.says("девять двести"), ElementsAre("Верно ли: 9\u00A0200?\n[Да] [Нет]"));
}

TEST(Readings, CountAsWrongAnswers) {
  Dialog dialog(asking("type: number, attempts: 2, otherwise: human", "  human:\n    - say: Зову человека.\n"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("тринадцать двести"), ElementsAre(HasSubstr("Верно ли")));
  EXPECT_THAT(dialog.says("нет"), ElementsAre(HasSubstr("Вопрос?")));
  EXPECT_THAT(dialog.says("тринадцать двести"), ElementsAre(HasSubstr("Зову человека.")));
}

TEST(Readings, HaveTheAuthorsOwnConfirmation) {
  Dialog dialog(asking("type: number, confirm: \"Точно {{ value }}?\""));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("тринадцать двести"), ElementsAre("Точно 13200?\n[Да] [Нет]"));
  EXPECT_THAT(dialog.says("да"), ElementsAre("= 13200\n[-]"));
  Dialog several(asking("type: number, confirm: \"Точно {{ value }}?\""));
  several.says("/start");
  several.says("1,250");
  EXPECT_THAT(several.press("1,25"), ElementsAre("Точно 1,25?\n[Да] [Нет]"));
}

TEST(Readings, OfASecretAreNotShown) {
  Dialog dialog(asking("type: number, secret: true"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("тринадцать двести"), ElementsAre(HasSubstr("Не похоже на число")));
}

TEST(Readings, PhrasesAreTheAuthors) {
  Dialog dialog(asking("type: number", "phrases:\n  confirm_reading: \"{{ value }}, да?\"\n"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("тринадцать двести"), ElementsAre(HasSubstr("13\u00A0200, да?")));
}

TEST(Readings, OfTwoPhonesOneIsChosen) {
  Dialog dialog(asking("type: phone"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("+7 912 345-67-89 или 8 912 345 67 80"),
              ElementsAre(HasSubstr("[+7 912 345-67-89]\n[+7 912 345-67-80]")));
  EXPECT_THAT(dialog.press("+7 912 345-67-80"), ElementsAre("= +79123456780\n[-]"));
}

TEST(Readings, AConsentIsNeverOffered) {
  Dialog dialog(asking("type: yes_no"));
  dialog.says("/start");
  for (const char* text : {"наверное да", "да, но позже", "ладно", "да?", "Да?"})
    EXPECT_THAT(dialog.says(text), ElementsAre(HasSubstr("Ответьте, пожалуйста, «да» или «нет».")));
}

std::shared_ptr<const Program> form(const std::string& commands) {
  return load(R"yaml(
branches:
  main:
    - ask: [name, area, city, agree]
    - say: "{{ name }}, {{ area }}, {{ city }}, {{ agree }}"
  people:
    - say: Зову человека.
  bye:
    - say: До встречи!
questions:
  name: {text: "Имя?", type: name}
  area: {text: "Площадь?", type: number}
  city: {text: "Куда везти?"}
  agree: {text: "Верно?", type: yes_no}
commands:
)yaml" + commands);
}

const char* const kAll =
    "  back: {on: [/back, {means: back}], back: true}\n"
    "  again: {on: {means: restart}, restart: true}\n"
    "  stop: {on: {means: stop}, go: bye}\n"
    "  people: {on: {means: operator}, call: people}\n";

TEST(Meanings, AreCommandsAtEveryStep) {
  Dialog dialog(form(kAll));
  dialog.says("/start");
  dialog.says("Анна");
  dialog.says("50");
  EXPECT_THAT(dialog.says("вернись, пожалуйста, назад"), ElementsAre(HasSubstr("Площадь?")));
  EXPECT_THAT(dialog.says("🔙"), ElementsAre(HasSubstr("Имя?")));
  EXPECT_THAT(dialog.says("позовите оператора"), ElementsAre("Зову человека.", HasSubstr("Имя?")));
  dialog.says("Анна");
  EXPECT_THAT(dialog.says("давай сначала"), ElementsAre(HasSubstr("Имя?")));
  EXPECT_THAT(dialog.says("стоп"), ElementsAre("До встречи!"));
}

TEST(Meanings, AreShortMessagesOnly) {
  Dialog dialog(form(kAll));
  dialog.says("/start");
  dialog.says("Анна");
  dialog.says("50");
  EXPECT_THAT(dialog.says("кнопка назад не работает, везите на Лесную 5"), ElementsAre(HasSubstr("Верно?")));
}

TEST(Meanings, LeaveALoneWordToAQuestionThatTakesAnyText) {
  Dialog dialog(form(kAll));
  dialog.says("/start");
  dialog.says("Анна");
  dialog.says("50");
  EXPECT_THAT(dialog.says("домой"), ElementsAre(HasSubstr("Верно?")));
  EXPECT_EQ(dialog.var("city"), Value("домой"));
  EXPECT_THAT(dialog.says("домой"), ElementsAre(HasSubstr("Имя?")));  // of a yes or no: from the beginning
}

TEST(Meanings, LeaveAQuestionsOwnButtonsToIt) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: q
    - say: "= {{ q }}"
  bye:
    - say: До встречи!
questions:
  q: {text: "Что делаем?", type: choice, options: [Отмена, Дальше]}
commands:
  stop: {on: {means: stop}, go: bye}
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("отмена!"), ElementsAre(HasSubstr("= Отмена")));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("хватит"), ElementsAre(HasSubstr("До встречи!")));
}

TEST(Meanings, AreOffWhereCommandsAre) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: q
    - say: "= {{ q }}"
questions:
  q: {text: "Профессия?", commands: off}
commands:
  people: {on: {means: operator}, restart: true}
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("оператор"), ElementsAre("= оператор"));
}

TEST(Meanings, GiveWayToWordsOfOtherCommands) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: q
  list:
    - say: Латте 200.
questions:
  q: {text: "Имя?", type: name}
commands:
  list: {on: меню, call: list}
  again: {on: {means: restart}, restart: true}
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("меню"), ElementsAre("Латте 200.", "Имя?"));
}

TEST(Meanings, HaveRussianWords) {
  Dialog dialog(load(R"yaml(
ветки:
  главная:
    - спросить: [имя, город]
вопросы:
  имя: {текст: "Имя?", тип: имя}
  город: {текст: "Город?"}
команды:
  назад: {на: {значит: назад}, назад: да}
  люди: {на: {значит: [оператор, стоп]}, заново: да}
)yaml"));
  dialog.says("/start");
  dialog.says("Анна");
  EXPECT_THAT(dialog.says("вернуться"), ElementsAre(HasSubstr("Имя?")));
  dialog.says("Анна");
  EXPECT_THAT(dialog.says("отмена"), ElementsAre(HasSubstr("Имя?")));
}

}  // namespace
}  // namespace sufler::testing

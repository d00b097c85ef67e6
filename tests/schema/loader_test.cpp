#include "schema/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sufler {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// LANGUAGE, section 1, as it stands there.
constexpr const char* kFirstScenario = R"(scenario: coffee
language: ru
start: welcome

branches:
  welcome:
    - say: "Здравствуйте, {{ user.first_name }}!"
    - choose: Что вас интересует?
      options:
        Заказать: order
        Адрес: address

  address:
    - say: Невский, 1. Ждём с 9 до 21.
    - go: welcome

  order:
    - ask: [drink, name, phone]
    - save: orders
      into: order
    - notify: admins
      text: "Заказ №{{ order.id }}: {{ drink }}, {{ name }}, {{ phone }}"
    - say: "Спасибо, {{ name }}! Номер заказа: {{ order.id }}."

questions:
  drink:
    text: Что приготовить?
    type: choice
    options: [Латте, Раф, Фильтр]
  name:
    text: Как вас зовут?
  phone:
    text: Ваш телефон?
    type: phone
    invalid: "Не похоже на телефон. Пример: +7 912 345-67-89"

commands:
  menu: {on: [/menu, меню], go: welcome, about: Главное меню}
)";

constexpr const char* kFirstScenarioInRussian = R"(сценарий: coffee
язык: ru
начало: welcome

ветки:
  welcome:
    - сказать: "Здравствуйте, {{ user.first_name }}!"
    - выбрать: Что вас интересует?
      варианты:
        Заказать: order
        Адрес: address

  address:
    - сказать: Невский, 1. Ждём с 9 до 21.
    - перейти: welcome

  order:
    - спросить: [drink, name, phone]
    - сохранить: orders
      в_переменную: order
    - сообщить: admins
      текст: "Заказ №{{ order.id }}: {{ drink }}, {{ name }}, {{ phone }}"
    - сказать: "Спасибо, {{ name }}! Номер заказа: {{ order.id }}."

вопросы:
  drink:
    текст: Что приготовить?
    тип: выбор
    варианты: [Латте, Раф, Фильтр]
  name:
    текст: Как вас зовут?
  phone:
    текст: Ваш телефон?
    тип: телефон
    неверно: "Не похоже на телефон. Пример: +7 912 345-67-89"

команды:
  menu: {на: [/menu, меню], перейти: welcome, описание: Главное меню}
)";

Loaded load(const std::string& text) { return load_scenario_text({{"scenario.yaml", text}}); }

std::vector<std::string> problems(Loaded& loaded) {
  std::vector<std::string> result;
  for (const Diagnostic& one : loaded.diagnostics.sorted()) {
    result.push_back(std::string(code_of(one.id)) + " " + message_of(one, Language::English));
  }
  return result;
}

/// Everything of a program that the words of the file must not change, as text.
std::string shape(const Program& program) {
  std::string out = program.id + "|" + program.branch(program.start).name + "\n";
  for (const Branch& branch : program.branches) {
    out += branch.name + ":\n";
    for (const StepId id : program.block(branch.block).steps) {
      const Step& step = program.step(id);
      out += "  " + std::to_string(step.verb.index()) + " " + step.place;
      if (const auto* choose = std::get_if<Choose>(&step.verb)) {
        out += choose->text.any_of.at(0).source();
        for (const Option& option : choose->buttons.options) {
          out += ", " + option.label.any_of.at(0).source() + ">" + std::to_string(option.target.go.value);
        }
      }
      if (const auto* say = std::get_if<Say>(&step.verb)) out += say->text.any_of.at(0).source();
      if (const auto* go = std::get_if<Go>(&step.verb)) out += std::to_string(go->branch.value);
      if (const auto* ask = std::get_if<Ask>(&step.verb)) {
        for (const QuestionId q : ask->questions) out += " " + std::to_string(q.value);
      }
      if (const auto* save = std::get_if<Save>(&step.verb)) out += save->into;
      if (const auto* notify = std::get_if<Notify>(&step.verb)) {
        out += notify->role + notify->text.any_of.at(0).source();
      }
      out += '\n';
    }
  }
  for (const Question& question : program.questions) {
    out += question.name + std::to_string(static_cast<int>(question.type)) +
           question.text.any_of.at(0).source() + std::to_string(question.buttons.options.size()) + "\n";
  }
  for (const Command& command : program.commands) {
    out += command.name + std::to_string(command.target.go.value);
    for (const std::string& word : command.folded) out += " " + word;
    out += '\n';
  }
  for (const Table& table : program.tables) {
    out += table.name;
    for (const Column& column : table.columns) {
      out += " " + column.name + std::to_string(static_cast<int>(column.type));
    }
    out += '\n';
  }
  return out;
}

TEST(LoaderTest, FirstScenarioLoadsClean) {
  Loaded loaded = load(kFirstScenario);
  EXPECT_THAT(problems(loaded), IsEmpty());
  ASSERT_TRUE(loaded.program);
  const Program& program = *loaded.program;
  EXPECT_EQ(program.id, "coffee");
  EXPECT_EQ(program.branch(program.start).name, "welcome");
  EXPECT_EQ(program.zone.name(), "Europe/Moscow");
  EXPECT_TRUE(program.places.count("welcome/что_вас_интересует"));
  EXPECT_TRUE(program.places.count("order/phone"));
  EXPECT_EQ(program.places.at("order/phone").question, 2u);
  EXPECT_THAT(program.commands.at(0).folded, ElementsAre("/menu", "меню"));
  // Nobody described the table, so it holds the answers.
  ASSERT_EQ(program.tables.size(), 1u);
  std::vector<std::string> columns;
  for (const Column& column : program.tables[0].columns) columns.push_back(column.name);
  EXPECT_THAT(columns, ElementsAre("drink", "name", "phone"));
}

TEST(LoaderTest, RussianWordsGiveTheSameProgram) {
  Loaded english = load(kFirstScenario);
  Loaded russian = load(kFirstScenarioInRussian);
  EXPECT_THAT(problems(russian), IsEmpty());
  ASSERT_TRUE(english.program && russian.program);
  EXPECT_EQ(shape(*english.program), shape(*russian.program));
}

}  // namespace
}  // namespace sufler

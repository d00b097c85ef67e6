#include "schema/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "interpreter/core/mail/html_template.h"
#include "interpreter/core/mail/order.h"

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

TEST(LoaderTest, NamesOfExpressionsHaveRussianForms) {
  Loaded loaded = load(R"(сценарий: shop
настройки:
  цена: 100
ветки:
  привет:
    - спросить: сколько
      текст: "{{ человек.имя }}, сколько штук? По {{ настройки.цена }}"
      тип: число
      проверка: значение > 0 и значение < 10
    - запомнить: {человек.постоянный: истина}
    - сказать: "{{ сколько * настройки.цена }}"
)");
  EXPECT_THAT(problems(loaded), IsEmpty());
  ASSERT_TRUE(loaded.program);
  const Question& question = loaded.program->questions.at(0);
  EXPECT_EQ(question.text.any_of.at(0).source(),
            "{{ user.first_name }}, сколько штук? По {{ settings.цена }}");
  EXPECT_EQ(question.check->source(), "value > 0 и value < 10");
}

TEST(LoaderTest, FieldsOfThePersonHaveRussianForms) {
  Loaded loaded = load_scenario_text({{"bot.yaml", R"(scenario: bot
branches:
  start:
    - set: {user.имя: "'Анна'", человек.скидка: 5}
    - say: "{{ user.имя }} {{ человек.first_name }} {{ человек.фамилия }} {{ user.скидка }} {{ message.текст }}"
      when: user.телефон == null
)"}});
  EXPECT_THAT(loaded.diagnostics.sorted(), IsEmpty());
  ASSERT_TRUE(loaded.program);
  for (const Step& step : loaded.program->steps) {
    if (const auto* say = std::get_if<Say>(&step.verb)) {
      EXPECT_EQ(say->text.any_of.at(0).source(),
                "{{ user.first_name }} {{ user.first_name }} {{ user.last_name }} {{ user.скидка }} {{ message.text }}");
      EXPECT_EQ(step.when->source(), "user.phone == null");
    }
  }
}

TEST(LoaderTest, FilesAreJoinedAndOneNameTwiceShowsBothPlaces) {
  Loaded joined = load_scenario_text({
      {"shop/scenario.yaml", "scenario: shop\nbranches:\n  start:\n    - go: prices\n"},
      {"shop/more.yaml", "branches:\n  prices:\n    - say: Сто рублей\n"},
  });
  EXPECT_THAT(problems(joined), IsEmpty());
  Loaded twice = load_scenario_text({
      {"shop/scenario.yaml", "scenario: shop\nbranches:\n  start:\n    - say: Раз\n"},
      {"shop/more.yaml", "branches:\n  start:\n    - say: Два\n"},
  });
  ASSERT_THAT(problems(twice), ElementsAre("S118 `start` is defined twice"));
  const Diagnostic& problem = twice.diagnostics.sorted()[0];
  EXPECT_EQ(problem.span.file, 1u);
  ASSERT_EQ(problem.related.size(), 1u);
  EXPECT_EQ(problem.related[0].span.file, 0u);
  EXPECT_FALSE(twice.program);
}

TEST(LoaderTest, PlacesAreNumberedWhenTheyMeet) {
  Loaded loaded = load(R"(scenario: shop
branches:
  start:
    - ask: phone
    - choose: "**Всё верно**, {{ user.first_name }}, или нет?"
      options: [Да]
      otherwise:
        - ask: phone
    - wait: 10m
    - ask: phone
      id: again
questions:
  phone: {text: Ваш телефон?, type: phone}
)");
  EXPECT_THAT(problems(loaded), IsEmpty());
  ASSERT_TRUE(loaded.program);
  for (const char* place : {"start/phone", "start/phone_2", "start/всё_верно_или", "start/wait", "start/again"}) {
    EXPECT_TRUE(loaded.program->places.count(place)) << place;
  }
}

TEST(LoaderTest, NumbersWithoutQuotesAreNumbersAndTheRestIsText) {
  Loaded loaded = load(R"(scenario: shop
settings: {price: 99.5, code: 007, phone: "123", plus: +5, word: да}
branches:
  start:
    - say: Здравствуйте!
)");
  ASSERT_TRUE(loaded.program);
  const ValueMap& settings = loaded.program->settings;
  EXPECT_EQ(*settings.find("price"), Value(*Decimal::parse("99.5")));
  EXPECT_EQ(*settings.find("code"), Value("007"));
  EXPECT_EQ(*settings.find("phone"), Value("123"));
  EXPECT_EQ(*settings.find("plus"), Value("+5"));
  EXPECT_EQ(*settings.find("word"), Value("да"));
}

TEST(LoaderTest, RolesAreCheckedWhenTheConfigurationIsKnown) {
  const char* text = "scenario: shop\nbranches:\n  start:\n    - notify: admin\n      text: Новый заказ\n";
  LoadOptions options;
  options.roles = {"admins"};
  Loaded known = load_scenario_text({{"scenario.yaml", text}}, options);
  EXPECT_THAT(problems(known), ElementsAre("S206 the configuration has no role `admin`"));
  Loaded unknown = load(text);
  EXPECT_THAT(problems(unknown), IsEmpty());
}

TEST(LoaderTest, ProgramsAreCheckedWhenTheConfigurationIsKnown) {
  const char* text = "scenario: shop\nbranches:\n  start:\n    - run: estimat\n      into: price\n    - say: \"{{ price }}\"\n";
  LoadOptions options;
  options.programs = {"estimate", "rate"};
  Loaded known = load_scenario_text({{"scenario.yaml", text}}, options);
  EXPECT_THAT(problems(known), ElementsAre("S240 the configuration has no program `estimat`"));
  EXPECT_THAT(known.diagnostics.sorted()[0].hint_en, testing::HasSubstr("estimate"));
  options.programs.emplace();
  Loaded none = load_scenario_text({{"scenario.yaml", text}}, options);
  EXPECT_THAT(problems(none), ElementsAre("S240 the configuration has no program `estimat`"));
  Loaded unknown = load(text);
  EXPECT_THAT(problems(unknown), IsEmpty());
}

// Each of these took from seconds to a minute: something was looked up in a list, once for each line.
TEST(LoaderTest, ManyLinesOfOneKindTakeNoLongerThanTheirNumber) {
  const auto lines = [](int count, const auto& line) {
    std::string text;
    for (int i = 0; i < count; ++i) text += line(std::to_string(i));
    return text;
  };
  const std::string head = "scenario: x\nbranches: {start: [say: hi]}\n";
  const std::pair<const char*, std::string> cases[] = {
      {"settings", head + "settings:\n" + lines(20'000, [](const auto& n) { return "  s" + n + ": no\n"; })},
      {"a setting's values",
       head + "settings:\n  a:\n" + lines(20'000, [](const auto& n) { return "    s" + n + ": no\n"; })},
      {"a command's words",
       head + "commands:\n  a:\n    go: start\n    on:\n" +
           lines(20'000, [](const auto& n) { return "      - w" + n + "\n"; })},
      {"branches without indentation",
       "scenario: x\nbranches:\n" + lines(8'000, [](const auto& n) { return "b" + n + ":\n  - say: hi\n"; })},
  };
  for (const auto& [name, text] : cases) {
    const std::clock_t begin = std::clock();
    load_scenario_text({{"scenario.yaml", text}});
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    EXPECT_LT(seconds, 3) << name;  // a tenth of it when optimized
  }
}

class LoaderFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("sufler_loader_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_ / "parts");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }

  std::filesystem::path folder_;
};

TEST_F(LoaderFolderTest, ReadsAFolderWithoutHiddenFilesAndTalks) {
  write("scenario.yaml", "scenario: shop\nbranches:\n  start:\n    - go: prices\n");
  write("parts/prices.yaml", "branches:\n  prices:\n    - say: Наши цены\n      attach: [parts/list.pdf]\n");
  write("parts/list.pdf", "%PDF");
  write("parts/_draft.yaml", "nonsense");
  write("parts/shop.test.yaml", "tests: []");
  write("parts/old.yml", "branches: {}");
  Loaded loaded = load_scenario(folder_.string());
  ASSERT_EQ(loaded.diagnostics.errors(), 0u) << problems(loaded)[0];
  ASSERT_EQ(problems(loaded).size(), 1u);  // the .yml
  EXPECT_EQ(code_of(loaded.diagnostics.sorted()[0].id), "S137");
  ASSERT_TRUE(loaded.program);
  EXPECT_EQ(loaded.program->files.size(), 2u);
  EXPECT_THAT(find_talks(folder_.string()),
              ElementsAre((folder_ / "parts/shop.test.yaml").generic_string()));
}

TEST_F(LoaderFolderTest, RefusesFilesThatAreMissingOrOutside) {
  write("scenario.yaml",
        "scenario: shop\nbranches:\n  start:\n    - say: Цены\n"
        "      attach: [parts/prices.pdf, ../secret.pdf, parts/link.pdf]\n");
  write("parts/price.pdf", "%PDF");
  std::filesystem::create_symlink("/etc/hostname", folder_ / "parts/link.pdf");
  Loaded loaded = load_scenario(folder_.string());
  EXPECT_THAT(problems(loaded),
              ElementsAre("S210 there is no file `parts/prices.pdf` in the scenario's folder",
                          "S211 `../secret.pdf` leaves the scenario's folder",
                          "S211 `parts/link.pdf` leaves the scenario's folder"));
  EXPECT_EQ(loaded.diagnostics.sorted()[0].hint_en, "did you mean `parts/price.pdf`?");
}

TEST_F(LoaderFolderTest, PicturesOfALetterAreFilesBesideItOrOfTheFolder) {
  for (const char* inside : {"mail", "img"}) std::filesystem::create_directories(folder_ / inside);
  write("scenario.yaml",
        "scenario: shop\nbranches:\n  start:\n    - ask: name\n    - mail: shop@example.com\n      subject: Order\n      template: mail/order.html\n"
        "questions: {name: Your name?}\n");
  write("mail/order.html",
        "<p><img src=\"logo.png\"><img alt='{{ name }}' src='../img/far.jpg'><img src=root.gif><img src=logo.png>\n"
        "<!-- <img src=\"commented_out.png\"> --><img src=\"https://example.com/a.png\"><b data-src=\"b.png\">{{ name }}</b></p>\n");
  for (const char* file : {"mail/logo.png", "img/far.jpg", "root.gif"}) write(file, "bytes");
  Loaded loaded = load_scenario(folder_.string());
  ASSERT_THAT(problems(loaded), IsEmpty());
  std::vector<std::string> pictures;
  std::string literals;
  for (const Step& step : loaded.program->steps) {
    const auto* mail = std::get_if<Mail>(&step.verb);
    if (!mail) continue;
    for (const Attachment& one : mail->html->pictures()) pictures.push_back(one.reference + " " + one.mime);
    for (const HtmlTemplate::Part& part : mail->html->parts()) literals += part.text;
  }
  EXPECT_THAT(pictures, ElementsAre("mail/logo.png image/png", "img/far.jpg image/jpeg", "root.gif image/gif"));
  Attachment logo;
  logo.reference = "mail/logo.png";
  EXPECT_THAT(literals, testing::AllOf(testing::HasSubstr("<img src=\"cid:" + content_id(logo) + "\">"), testing::HasSubstr("<img src=cid:" + content_id(logo) + ">"),
                                       testing::HasSubstr("src=\"https://example.com/a.png\""), testing::HasSubstr("data-src=\"b.png\"")));

  write("mail/order.html", "<img src=\"logo.png\"><img src=\"lego.png\"><img src=\"../../etc/x.png\">{{ name }}");
  Loaded broken = load_scenario(folder_.string());
  EXPECT_THAT(problems(broken), ElementsAre("S210 there is no file `mail/lego.png` in the scenario's folder", "S211 `../etc/x.png` leaves the scenario's folder"));
  EXPECT_EQ(broken.diagnostics.sorted()[0].hint_en, "did you mean `mail/logo.png`?");
}

TEST_F(LoaderFolderTest, AFolderWithoutScenarioYamlNamesTheScenariosInIt) {
  write("coffee.yaml", "scenario: coffee\nbranches: {start: [say: hi]}\n");
  write("coffee.test.yaml", "tests: []");
  Loaded loaded = load_scenario(folder_.string());
  ASSERT_EQ(problems(loaded).size(), 1u);
  const Diagnostic& problem = loaded.diagnostics.sorted()[0];
  EXPECT_EQ(code_of(problem.id), "S001");
  EXPECT_EQ(problem.hint_en,
            "a scenario that is a folder begins with its `scenario.yaml`; a scenario of one file is named itself: `" +
                (folder_ / "coffee.yaml").generic_string() + "`");
}

TEST_F(LoaderFolderTest, AFileOfAFolderIsCheckedWithItsFolder) {
  write("scenario.yaml", "scenario: shop\nbranches: {start: [ask: name]}\n");
  write("parts/questions.yaml", "questions: {name: Your name?}\n");
  const std::string part = (folder_ / "parts/questions.yaml").generic_string();
  Loaded loaded = load_scenario(part);
  EXPECT_THAT(problems(loaded), ElementsAre("S147 `" + part + "` is a part of the scenario in the folder `" +
                                            folder_.generic_string() + "`"));
  EXPECT_EQ(loaded.diagnostics.sorted()[0].hint_en,
            "check it whole: `sufler check " + folder_.generic_string() + "`");
  EXPECT_TRUE(load_scenario(folder_.string()).program);
  // A scenario of its own that lies there is none.
  write("parts/other.yaml", "scenario: other\nbranches: {start: [say: hi]}\n");
  EXPECT_TRUE(load_scenario((folder_ / "parts/other.yaml").generic_string()).program);
}

}  // namespace
}  // namespace sufler

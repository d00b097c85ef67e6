// `sufler ask`: what an assistant's knowledge has on a question, what a model would be sent, and what one answers.
#include <nlohmann/json.hpp>

#include "fakes/llm/fake_llm.h"
#include "tools/tool_run.h"

namespace sufler {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class AskTest : public ToolTest {
 protected:
  AskTest() {
    std::filesystem::create_directories(path("shop/knowledge"));
    write("shop/scenario.yaml",
          "scenario: shop\nlanguage: ru\nbranches:\n  start:\n    - assistant: consultant\n  call:\n    - say: Записал.\n"
          "  silent:\n    - assistant: {name: writer, do: write, prompt: \"Напиши\", into: letter}\n    - say: \"{{ letter }}\"\n"
          "assistants:\n"
          "  consultant:\n    instructions: Ты консультант. Клиента зовут {{ user.first_name }}.\n    knowledge: [knowledge/*]\n"
          "    tools: {call_back: {branch: call, about: Просит перезвонить}}\n"
          "  writer: {}\n"
          "commands:\n  silent: {on: /silent, call: silent}\n");
    write("shop/knowledge/carts.md",
          "# Тачки\n\n## Двухколёсная\n\nДвухколёсная тачка стоит 4990 рублей.\n\n## Одноколёсная\n\nПроходит в узкую калитку.\n");
    write("shop/knowledge/delivery.txt", "Доставка по Москве стоит 500 рублей, привезём на следующий день.\n");
    options_.scenario = path("shop");
    options_.assistant = "consultant";
    options_.question = "Сколько стоит доставка?";
    options_.language = "ru";
    options_.config = path("sufler.yaml");
  }

  ToolRun ask() {
    return run_tool([&] { return run_ask(options_); });
  }
  json asked() {
    options_.format = "json";
    const ToolRun run = ask();
    EXPECT_EQ(run.code, kExitClean) << run.err;
    return json::parse(run.out, nullptr, false);
  }
  void connect(const fakes::FakeLlm& fake) {
    write("sufler.yaml", "bots:\n  shop: {scenario: shop}\nmodels:\n  default: {url: \"" + fake.url() + "\", key: \"" + fake.key() +
                             "\", model: fake-model, kind: openai}\n");
  }

  AskOptions options_;
};

TEST_F(AskTest, ShowsTheBestPieceFirstWithItsFileAndLine) {
  const ToolRun run = ask();
  EXPECT_EQ(run.code, kExitClean) << run.err;
  EXPECT_THAT(run.out, HasSubstr("1. knowledge/delivery.txt:1"));
  options_.question = "сколько стоит двухколёсная тачка";
  EXPECT_THAT(ask().out, AllOf(HasSubstr("1. knowledge/carts.md:"), HasSubstr("Двухколёсная")));
}

TEST_F(AskTest, ShowsWhatAModelWouldBeSentWithValuesAndTools) {
  EXPECT_THAT(ask().out, AllOf(HasSubstr("Модели `default` было бы отправлено"), HasSubstr("Клиента зовут Анна."),
                               HasSubstr("[инструмент] call_back: Просит перезвонить")));
}

TEST_F(AskTest, AsJsonItIsForPrograms) {
  const json answer = asked();
  EXPECT_EQ(answer["assistant"], "consultant");
  EXPECT_EQ(answer["found"][0]["source"], "knowledge/delivery.txt");
  EXPECT_EQ(answer["found"][0]["line"], 1);
  EXPECT_EQ(answer["model"], "default");
  EXPECT_EQ(answer["request"]["messages"][1]["content"], "Сколько стоит доставка?");
  EXPECT_EQ(answer["request"]["knowledge"]["question"], "Сколько стоит доставка?");
  EXPECT_FALSE(answer.contains("answer"));
}

TEST_F(AskTest, AQuestionThatNothingAnswersFindsNothing) {
  options_.question = "Qwertyuiop?";
  const ToolRun run = ask();
  EXPECT_EQ(run.code, kExitClean);
  EXPECT_THAT(run.out, HasSubstr("Ничего не найдено."));
}

TEST_F(AskTest, AnAssistantWithoutKnowledgeIsSaidToHaveNone) {
  options_.assistant = "writer";
  EXPECT_THAT(ask().out, HasSubstr("У ассистента нет `знания`."));
}

TEST_F(AskTest, NamesThatAreNoneAreMisuse) {
  options_.assistant = "consultent";
  ToolRun run = ask();
  EXPECT_EQ(run.code, kExitMisuse);
  EXPECT_THAT(run.err, HasSubstr("в нём есть: consultant, writer"));
  options_.scenario = path("nothing");
  run = ask();
  EXPECT_EQ(run.code, kExitMisuse);
}

TEST_F(AskTest, SentTheQuestionGoesToTheModelWithWhatWasFound) {
  fakes::FakeLlm fake;
  connect(fake);
  fake.say("Доставка — 500 рублей.");
  options_.send = true;
  const ToolRun run = ask();
  EXPECT_EQ(run.code, kExitClean) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("Модели `default` отправлено"), HasSubstr("Ответ:\n  Доставка — 500 рублей."), HasSubstr("Токены: ")));
  const auto requests = fake.requests("chat");
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_THAT(requests[0].body, AllOf(HasSubstr("на следующий день"), HasSubstr("knowledge/delivery.txt")));
  EXPECT_THAT(run.out + run.err, Not(HasSubstr(fake.key())));
}

TEST_F(AskTest, SentAsJsonTheAnswerHasItsCalls) {
  fakes::FakeLlm fake;
  connect(fake);
  fake.answer({.calls = {{"", "call_back", "{}"}}});
  options_.send = true;
  const json answer = asked();
  EXPECT_EQ(answer["answer"]["calls"][0]["name"], "call_back");
}

TEST_F(AskTest, AModelThatDoesNotAnswerIsSaidAndFails) {
  fakes::FakeLlm fake;
  connect(fake);
  fake.fail_next({.kind = "unauthorized", .times = -1});
  options_.send = true;
  const ToolRun run = ask();
  EXPECT_EQ(run.code, kExitErrors);
  EXPECT_THAT(run.err, AllOf(HasSubstr("модель не ответила: denied"), Not(HasSubstr(fake.key()))));
}

TEST_F(AskTest, SentWithoutAConfigurationIsAnError) {
  options_.send = true;
  EXPECT_EQ(ask().code, kExitMisuse);
}

}  // namespace
}  // namespace sufler

// Assistants: the program as a whole between a Telegram and a server of language models.
#include <algorithm>

#include "databases/test_database.h"
#include "fakes/llm/fake_llm.h"
#include "fakes/vk/fake_vk.h"
#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kScenario = R"(
scenario: consultant
language: ru
start: welcome
branches:
  welcome:
    - say: Спрашивайте о тачках.
    - assistant: consultant
  no_answer:
    - say: Сейчас не могу ответить.
    - assistant: consultant
  contacts:
    - ask: phone
      when: phone == null
    - say: "Записал: {{ phone }}"
    - return: "'записано'"
  about:
    - say: О нас.
questions:
  phone: {text: Ваш телефон?, type: phone, pii: true}
assistants:
  consultant:
    instructions: prompts/consultant.md
    knowledge: [knowledge/*.md]
    gather: off
    tools:
      leave_contacts: {branch: contacts, about: Просит перезвонить, with: [phone]}
    otherwise: no_answer
commands:
  about: {on: /about, call: about}
)";

class AssistantsServeTest : public ServeTest {
 protected:
  explicit AssistantsServeTest(fakes::FakeLlmOptions options = {}) : llm(std::move(options)) {
    environment["LLM_KEY"] = llm.key();
    folder.write("shop/scenario.yaml", kScenario);
    folder.write("shop/prompts/consultant.md", "Ты консультант магазина «Огород».");
    folder.write("shop/knowledge/carts.md",
                 "# Тачки\n\n## Двухколёсная\n\nДвухколёсная тачка стоит 4990 рублей.\n\n## Доставка\n\nПо Москве — 500 рублей.\n");
  }
  void TearDown() override {
    ServeTest::TearDown();
    EXPECT_THAT(folder.files_that_hold(llm.key()), testing::IsEmpty());
  }

  /// `more`: further fields of the connection.
  void serve(const std::string& more = {}, const std::string& further = {}) {
    write_config("shop", "models:\n  default: {url: \"" + llm.url() + "\", key: \"${LLM_KEY}\", model: fake-model, kind: openai" + more +
                             "}\n" + further);
    start();
  }
  void begin(std::int64_t person = kAnna) { EXPECT_EQ(say(person, "/start", 1).text, "Спрашивайте о тачках."); }
  /// What the model was asked the `number`-th time.
  json asked(std::size_t number = 0) {
    EXPECT_TRUE(llm.wait_for_requests(number + 1, kPatience)) << sufler->output();
    return json::parse(llm.requests("chat").at(number).body);
  }

  fakes::FakeLlm llm;
};

TEST_F(AssistantsServeTest, AQuestionIsAnsweredByTheModelWithWhatTheKnowledgeHas) {
  llm.say("Двухколёсная — 4990 рублей.");
  serve();
  begin();
  EXPECT_EQ(say(kAnna, "Сколько стоит двухколёсная тачка?", 2).text, "Двухколёсная — 4990 рублей.");
  const std::string body = asked().dump();
  EXPECT_THAT(asked()["messages"][0]["content"].get<std::string>(), HasSubstr("Ты консультант магазина «Огород»."));
  EXPECT_THAT(body, AllOf(HasSubstr("knowledge/carts.md"), HasSubstr("тачка стоит 4990 рублей")));
  // What it rests on is named.
  llm.say("Двухколёсная стоит 4990 рублей [1].");
  EXPECT_EQ(say(kAnna, "Сколько стоит двухколёсная тачка?", 3).text,
            "Двухколёсная стоит 4990 рублей.\n\nИсточник: Тачки › Двухколёсная");
  // The talk goes on, and the model is told what was said.
  llm.say("500 рублей.");
  EXPECT_EQ(say(kAnna, "А доставка?", 4).text, "500 рублей.");
  EXPECT_THAT(asked(2).dump(), AllOf(HasSubstr("Сколько стоит двухколёсная тачка?"), HasSubstr("Двухколёсная — 4990 рублей.")));
}

TEST_F(AssistantsServeTest, WhatTheModelTookIsCounted) {
  serve();
  begin();
  llm.say("Четыре слова, не больше.");
  say(kAnna, "Вопрос", 2);
  begin(kBoris);
  llm.say("Да.");
  say(kBoris, "Вопрос", 2);
  std::int64_t in = 0, out = 0;
  const json by_person = command_json({"usage", "--by", "person"})["usage"];
  ASSERT_EQ(by_person.size(), 2u);
  for (const json& line : by_person) {
    EXPECT_EQ(line["answers"], 1);
    in += line["tokens_in"].get<std::int64_t>();
    out += line["tokens_out"].get<std::int64_t>();
  }
  EXPECT_GT(out, 0);
  EXPECT_GT(in, out);
  const json by_day = command_json({"usage", "shop"})["usage"];
  ASSERT_EQ(by_day.size(), 1u);
  EXPECT_EQ(by_day[0]["tokens_in"], in);
  EXPECT_EQ(by_day[0]["tokens_out"], out);
  stop();
  EXPECT_THAT(command({"usage", "shop", "--by", "model"}).output,
              AllOf(HasSubstr("shop\n  default: 2 answers, tokens " + std::to_string(in) + " in, " + std::to_string(out) + " out")));
  EXPECT_EQ(command({"usage", "nobody"}).code, 1);
}

TEST_F(AssistantsServeTest, AToolAsksThePersonAndTheModelGoesOn) {
  llm.answer({.calls = {{"", "leave_contacts", "{}"}}});
  llm.say("Перезвоним.");
  serve();
  begin();
  EXPECT_EQ(say(kAnna, "Перезвоните мне", 2).text, "Ваш телефон?");
  telegram.say(kAnna, "8 903 555-66-77");
  EXPECT_THAT(texts(kAnna, 4), ElementsAre("Спрашивайте о тачках.", "Ваш телефон?", HasSubstr("Записал: "), "Перезвоним."));
  // A phone number is personal: no server sees it.
  for (const auto& request : llm.requests("chat")) EXPECT_THAT(request.body, Not(HasSubstr("555")));
}

TEST_F(AssistantsServeTest, WhileTheModelThinksACommandIsAnsweredAndOthersAreServed) {
  llm.answer({.text = "Долго думал.", .delay = seconds(3)});
  serve();
  begin();
  telegram.say(kAnna, "Вопрос");
  ASSERT_TRUE(llm.wait_for_requests(1, kPatience));
  EXPECT_EQ(say(kAnna, "/about", 2).text, "О нас.");
  begin(kBoris);
  EXPECT_THAT(texts(kAnna, 3), ElementsAre("Спрашивайте о тачках.", "О нас.", "Долго думал."));
}

TEST_F(AssistantsServeTest, AServerThatIsDownOrRefusesLeadsToOtherwise) {
  serve(", repeats: 1");
  begin();
  std::size_t count = 1;
  for (const char* fault : {"server_error", "rate_limit", "unauthorized", "garbage", "empty"}) {
    llm.clear_faults();
    llm.fail_next({.kind = fault, .times = -1});
    EXPECT_EQ(say(kAnna, "Вопрос", ++count).text, "Сейчас не могу ответить.") << fault;
  }
  stop();
  EXPECT_THAT(sufler->output(), AllOf(HasSubstr("the job failed: unavailable"), HasSubstr("the job failed: busy"), HasSubstr("ALARM: ")));
}

TEST_F(AssistantsServeTest, AServerThatRecoversIsAskedAgainAndNobodyNotices) {
  llm.fail_next({.kind = "server_error", .times = 2});
  llm.say("Всё хорошо.");
  serve();
  begin();
  EXPECT_EQ(say(kAnna, "Вопрос", 2).text, "Всё хорошо.");
  EXPECT_EQ(llm.requests("chat").size(), 3U);
}

TEST_F(AssistantsServeTest, AStopWhileTheModelThinksIsInTimeAndTheNextStartGivesOneAnswer) {
  llm.answer({.text = "Поздно.", .delay = seconds(60)});
  serve();
  begin();
  telegram.say(kAnna, "Вопрос");
  ASSERT_TRUE(llm.wait_for_requests(1, kPatience));
  sufler->signal(SIGTERM);
  EXPECT_EQ(sufler->wait(seconds(10)), 0) << sufler->output();
  llm.say("Ответ.");
  start();
  EXPECT_THAT(texts(kAnna, 2), ElementsAre("Спрашивайте о тачках.", "Ответ."));
  stop();
  EXPECT_EQ(telegram.messages(kAnna).size(), 2U);
}

TEST_F(AssistantsServeTest, AKilledProcessAsksAgainAndThereIsOneAnswer) {
  llm.answer({.text = "Поздно.", .delay = seconds(60)});
  serve();
  begin();
  telegram.say(kAnna, "Вопрос");
  ASSERT_TRUE(llm.wait_for_requests(1, kPatience));
  sufler->kill();
  llm.say("Ответ.");
  start();
  EXPECT_THAT(texts(kAnna, 2), ElementsAre("Спрашивайте о тачках.", "Ответ."));
  EXPECT_EQ(llm.requests("chat").size(), 2U);
  stop();
  EXPECT_EQ(telegram.messages(kAnna).size(), 2U);
}

TEST_F(AssistantsServeTest, OfTwoProcessesTheOneThatIsLeftAnswersEverybodyOnce) {
  const TestDatabase database(DatabaseUnderTest::Postgres);
  write_config("shop", "models:\n  default: {url: \"" + llm.url() + "\", key: \"${LLM_KEY}\", model: fake-model, kind: openai}\n");
  std::string config = read_file(folder.path() + "/sufler.yaml");
  config.replace(config.find("sqlite:data.db"), std::string("sqlite:data.db").size(), database.url());
  folder.write("sufler.yaml", config);
  start();
  SuflerOptions options;
  options.arguments = {"run", "sufler.yaml"};
  options.environment = environment;
  options.folder = folder.path();
  options.output = folder.path() + "/second.log";
  SuflerProcess second(options);
  const std::vector<std::int64_t> people = {101, 102, 103, 104, 105, 106, 107, 108};
  for (const std::int64_t person : people) begin(person);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (database.ask("SELECT count(*) FROM processes") != "2" && std::chrono::steady_clock::now() < until)
    ASSERT_FALSE(second.wait(milliseconds(20))) << second.output();
  llm.answer({.text = "Ответ.", .times = -1, .delay = seconds(2)});
  for (const std::int64_t person : people) telegram.say(person, "Вопрос");
  ASSERT_TRUE(llm.wait_for_requests(people.size(), kPatience));
  sufler->kill();
  for (const std::int64_t person : people) EXPECT_THAT(texts(person, 2), ElementsAre("Спрашивайте о тачках.", "Ответ.")) << second.output();
  second.signal(SIGTERM);
  EXPECT_EQ(second.wait(kPatience), 0) << second.output();
  for (const std::int64_t person : people) EXPECT_EQ(telegram.messages(person).size(), 2U);
  EXPECT_EQ(database.ask("SELECT count(*) FROM jobs"), "0");
}

TEST_F(AssistantsServeTest, KnowledgeIsReloadedWithTheScenarioAndRolledBackWithIt) {
  serve();
  begin();
  llm.say("раз");
  say(kAnna, "Сколько стоит доставка по Москве?", 2);
  EXPECT_THAT(asked(0).dump(), HasSubstr("500 рублей"));

  folder.write("shop/knowledge/carts.md", "# Доставка\n\nПо Москве доставка бесплатная.\n");
  EXPECT_EQ(command({"reload"}).code, 0);
  llm.say("два");
  say(kAnna, "Сколько стоит доставка по Москве?", 3);
  EXPECT_THAT(asked(1).dump(), HasSubstr("доставка бесплатная"));

  EXPECT_EQ(command({"rollback", "shop"}).code, 0);
  llm.say("три");
  say(kAnna, "Сколько стоит доставка по Москве?", 4);
  EXPECT_THAT(asked(2).dump(), AllOf(HasSubstr("По Москве — 500 рублей"), HasSubstr("Ты консультант магазина «Огород».")));
}

TEST_F(AssistantsServeTest, WhatWasFoundForABotIsShownByAsk) {
  serve();
  const Ran ran = command({"ask", "shop", "consultant", "Сколько стоит доставка?", "--lang", "ru"});
  EXPECT_EQ(ran.code, 0) << ran.output;
  EXPECT_THAT(ran.output, AllOf(HasSubstr("1. knowledge/carts.md:"), HasSubstr("Ты консультант магазина «Огород».")));
}

TEST_F(AssistantsServeTest, AScenarioWhoseModelIsNotConnectedDoesNotStart) {
  write_config("shop");
  launch();
  EXPECT_EQ(sufler->wait(kPatience), 1);
  EXPECT_THAT(sufler->output(), HasSubstr("S242"));
}

TEST_F(AssistantsServeTest, WhoWaitsForAModelSeesTyping) {
  llm.answer({.text = "Ответ.", .delay = seconds(3)});
  serve();
  begin();
  telegram.say(kAnna, "Вопрос");
  EXPECT_TRUE(telegram.wait_for_calls("sendChatAction", 1, kPatience));
  EXPECT_EQ(texts(kAnna, 2)[1], "Ответ.");
}

/// An edited message is marked in VK: there the answer comes whole.
TEST_F(AssistantsServeTest, InVkWhoWaitsSeesTypingAndTheWholeAnswer) {
  fakes::FakeVk vk;
  vk.add_user({kAnna, "Анна", "Петрова"});
  environment["VK_TOKEN"] = vk.token();
  folder.write("sufler.yaml", "database: \"sqlite:data.db\"\nmodels:\n  default: {url: \"" + llm.url() +
                                  "\", key: \"${LLM_KEY}\", model: fake-model, kind: openai, stream: true}\nbots:\n  shop:\n    scenario: shop\n"
                                  "    vk: {group: " + std::to_string(vk.group_id()) + ", token: \"${VK_TOKEN}\", api: \"" + vk.url() + "\"}\n");
  launch();
  ASSERT_TRUE(vk.wait_until_polling(true, kPatience)) << sufler->output();
  vk.say(kAnna, "/start");
  ASSERT_EQ(vk.wait_for_messages(kAnna, 1, kPatience).size(), 1U) << sufler->output();
  llm.say("Есть две тачки. Первая стоит 2990 рублей. Вторая — 4990 рублей. Какая вам нужна?");
  llm.fail_next({.kind = "slow_body", .delay = milliseconds(15)});
  vk.say(kAnna, "Какие есть тачки?");
  const auto sent = vk.wait_for_messages(kAnna, 2, kPatience);
  ASSERT_EQ(sent.size(), 2U) << sufler->output();
  EXPECT_THAT(sent[1].text, testing::EndsWith("Какая вам нужна?"));
  EXPECT_GE(vk.calls("messages.setActivity").size(), 1U);
  EXPECT_TRUE(vk.calls("messages.edit").empty());
}

TEST_F(AssistantsServeTest, AnAnswerThatComesAsAStreamGrowsInOneMessage) {
  llm.say("Есть две тачки. Первая стоит 2990 рублей. Вторая — 4990 рублей. Какая вам нужна?");
  llm.fail_next({.kind = "slow_body", .delay = milliseconds(20)});
  serve(", stream: true");
  begin();
  telegram.say(kAnna, "Какие есть тачки?");
  ASSERT_TRUE(telegram.wait_for_calls("editMessageText", 1, kPatience)) << sufler->output();
  const std::string whole = "Есть две тачки. Первая стоит 2990 рублей. Вторая — 4990 рублей. Какая вам нужна?";
  std::vector<fakes::SentMessage> sent;
  // Time limits nothing here but a failure.
  for (int i = 0; i < 3'000 && (sent = telegram.messages(kAnna), sent.back().text != whole); ++i) sufler->wait(milliseconds(10));
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[1].text, whole);
  EXPECT_GE(sent[1].edits, 1);
  stop();
  EXPECT_EQ(telegram.messages(kAnna).size(), 2U);
}

TEST_F(AssistantsServeTest, AStopAmidAGrowingAnswerLeavesNoHalfOfIt) {
  llm.say("Есть две тачки. Первая стоит 2990 рублей. Вторая — 4990 рублей. Какая вам нужна?");
  llm.fail_next({.kind = "slow_body", .delay = milliseconds(200)});
  serve(", stream: true");
  begin();
  telegram.say(kAnna, "Какие есть тачки?");
  ASSERT_EQ(messages(kAnna, 2).size(), 2U);
  EXPECT_THAT(telegram.messages(kAnna)[1].text, AllOf(HasSubstr("Есть две тачки."), testing::EndsWith(" …")));
  sufler->signal(SIGTERM);
  EXPECT_EQ(sufler->wait(seconds(10)), 0) << sufler->output();
  EXPECT_TRUE(telegram.messages(kAnna)[1].deleted);
  llm.say("Две тачки.");
  start();
  EXPECT_EQ(messages(kAnna, 3).back().text, "Две тачки.");
}

TEST_F(AssistantsServeTest, VectorsAreMadeInTheBackgroundAndFindWhatNoWordFinds) {
  serve(", embeddings: fake-model");
  ASSERT_TRUE(llm.wait_for_calls("embeddings", 1, kPatience)) << sufler->output();
  begin();
  llm.say("ответ");
  say(kAnna, "Qwertyuiop?", 2);
  EXPECT_GE(llm.requests("embeddings").size(), 2U);  // of the pieces, and of the question
}

}  // namespace
}  // namespace sufler::tests

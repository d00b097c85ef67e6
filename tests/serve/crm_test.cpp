// amoCRM: the program as a whole between a Telegram and an amoCRM that loses answers, and dies in between.
#include "fakes/amocrm/fake_amocrm.h"
#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* kScenario = R"(
scenario: crm
language: ru
start: order
branches:
  order:
    - ask: phone
    - crm: lead
      values: {name: "'Заявка'", pipeline: "'Оценка'", stage: "'Переговоры'", phone: phone}
      into: lead
      on_error:
        - say: "Не вышло: {{ lead.error }}"
        - end
    - say: "Сделка {{ lead.id }}"
    - crm: note
      history: true
    - crm: task
      text: Перезвонить
      in: 1d
    - say: Записали.
questions:
  phone: {text: Телефон?, type: phone}
)";

class CrmServeTest : public ServeTest {
 protected:
  CrmServeTest() {
    folder.write("crm/scenario.yaml", kScenario);
    environment["AMO_TOKEN"] = fake.options().token;
  }
  void serve() {
    write_config("crm", "crm: {amocrm: {url: \"" + fake.url() + "\", token: \"${AMO_TOKEN}\", timeout: 5s}}\n");
    start();
  }
  void expect_one_of_each() const {
    for (const char* kind : {"leads", "contacts", "notes", "tasks"}) EXPECT_THAT(fake.ids(kind), SizeIs(1)) << kind;
  }
  fakes::FakeAmocrm fake;
};

TEST_F(CrmServeTest, ALeadItsContactANoteWithTheTalkAndATask) {
  serve();
  say(kAnna, "/start", 1);
  telegram.say(kAnna, "8 912 345-67-89");
  const std::string lead = texts(kAnna, 3)[1];
  ASSERT_TRUE(fake.wait_for_requests("tasks.add", 1, kPatience)) << sufler->output();
  stop();  // whatever is under way is done by then
  expect_one_of_each();
  EXPECT_EQ(lead, "Сделка " + std::to_string(fake.ids("leads")[0]));
  const json note = json::parse(fake.entity("notes", fake.ids("notes")[0]));
  EXPECT_EQ(note["entity_id"], fake.ids("leads")[0]);
  EXPECT_THAT(note["params"]["text"].get<std::string>(), HasSubstr("8 912 345-67-89"));
  EXPECT_THAT(fake.requests("leads.complex"), SizeIs(1));
}

TEST_F(CrmServeTest, AProcessThatDiesWhileAmoCrmWorksMakesOneContactAndOneLead) {
  serve();
  say(kAnna, "/start", 1);
  // The lead is made, and its answer is still on its way when the process dies.
  fake.fail_next({.kind = "delay", .method = "leads.complex", .delay = std::chrono::seconds(30)});
  telegram.say(kAnna, "8 912 345-67-89");
  ASSERT_TRUE(fake.wait_for_requests("leads.complex", 1, kPatience)) << sufler->output();
  sufler->kill();
  start();
  const std::vector<std::string> said = texts(kAnna, 3);
  ASSERT_TRUE(fake.wait_for_requests("tasks.add", 1, kPatience)) << sufler->output();
  stop();
  EXPECT_EQ(said[1], "Сделка " + std::to_string(fake.ids("leads").at(0)));
  expect_one_of_each();
}

TEST_F(CrmServeTest, ALostAnswerMakesOneContactAndOneLead) {
  fake.fail_next({.kind = "lost_answer", .method = "leads.complex"});
  fake.fail_next({.kind = "rate_limit", .method = "notes.add"});
  serve();
  say(kAnna, "/start", 1);
  telegram.say(kAnna, "8 912 345-67-89");
  EXPECT_THAT(texts(kAnna, 3)[1], HasSubstr("Сделка "));
  ASSERT_TRUE(fake.wait_for_requests("tasks.add", 1, kPatience)) << sufler->output();
  stop();
  expect_one_of_each();
}

TEST_F(CrmServeTest, ARefusalIsHeardIsAnAlarmAndADeadLetterThatCanBeTriedAgain) {
  fake.fail_next({.kind = "unpaid", .method = "contacts.find"});
  serve();
  say(kAnna, "/start", 1);
  telegram.say(kAnna, "8 912 345-67-89");
  EXPECT_EQ(texts(kAnna, 2)[1], "Не вышло: amoCRM answers 402: Payment Required");
  EXPECT_THAT(sufler->output(), HasSubstr("ALARM: the account of amoCRM is not paid"));
  EXPECT_THAT(sufler->output(), Not(HasSubstr("CANARY")));
  const Ran letters = command({"dead-letters", "list"});
  EXPECT_THAT(letters.output, HasSubstr("402"));
  stop();
}

TEST_F(CrmServeTest, WithoutAmoCrmTheScenarioGoesOnAtOnceAndNothingIsADeadLetter) {
  std::string scenario = kScenario;
  const std::string end = "        - end\n";
  scenario.erase(scenario.find(end), end.size());
  folder.write("crm/scenario.yaml", scenario);
  write_config("crm", "crm: off\n");
  EXPECT_EQ(command({"check", "--config", "sufler.yaml", "crm"}).code, 0);
  start();
  say(kAnna, "/start", 1);
  telegram.say(kAnna, "8 912 345-67-89");
  const std::vector<std::string> said = texts(kAnna, 4);
  EXPECT_EQ(said[1], "Не вышло: amoCRM is off");
  EXPECT_EQ(said[3], "Записали.");
  const Ran letters = command({"dead-letters", "list"});
  EXPECT_THAT(letters.output, Not(HasSubstr("amoCRM")));
  const Ran shown = command({"crm"});
  EXPECT_EQ(shown.code, 1);
  EXPECT_THAT(shown.output, HasSubstr("off"));
  EXPECT_THAT(fake.requests("leads.complex"), IsEmpty());
  stop();
}

TEST_F(CrmServeTest, ErasingAPersonForgetsWhoseLeadItIs) {
  serve();
  say(kAnna, "/start", 1);
  telegram.say(kAnna, "8 912 345-67-89");
  texts(kAnna, 3);
  ASSERT_TRUE(fake.wait_for_requests("tasks.add", 1, kPatience)) << sufler->output();
  stop();
  const Ran erased = command({"erase", "telegram:" + std::to_string(kAnna), "--yes"});
  EXPECT_THAT(erased.output, HasSubstr("CRM")) << erased.output;
}

TEST_F(CrmServeTest, TheAccountShowsWhatItHas) {
  write_config("crm", "crm: {amocrm: {url: \"" + fake.url() + "\", token: \"file:token\"}}\n");
  folder.write("token", fake.options().token);
  const Ran shown = command({"crm"});
  EXPECT_EQ(shown.code, 0) << shown.output;
  for (const char* part : {"Воронка", "Принимают решение", "Ольга Иванова", "Встреча", "Вид объекта (select): `Офис`, `Склад`, `Квартира`", "Дата сделки (date)", "Должность (text)"})
    EXPECT_THAT(shown.output, HasSubstr(part));
  const json all = command_json({"crm", "shop"});
  EXPECT_EQ(all["accounts"][0]["pipelines"][1]["stages"][2]["name"], "Переговоры");
  EXPECT_EQ(all["accounts"][0]["lead_fields"].size(), 9u);
  folder.write("token", "eyJ-wrong");
  const Ran refused = command({"crm"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.output, HasSubstr("401"));
  std::filesystem::remove(folder.path() + "/token");
}

}  // namespace
}  // namespace sufler::tests

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "crm/crm_job.h"

namespace sufler::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

std::int64_t now_unix_s() { return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

class CrmServiceTest : public testing::Test {
 protected:
  CrmServiceTest() : CrmServiceTest(fakes::FakeAmocrmOptions{}) {}
  explicit CrmServiceTest(const fakes::FakeAmocrmOptions& options) : fake(options) {
    account.url = fake.url();
    account.token = fake.options().token;
  }
  std::string database() const { return "sqlite:" + folder.path() + "/crm.db"; }
  CrmProcess& process() {
    if (!process_) process_ = std::make_unique<CrmProcess>(account, database());
    return *process_;
  }
  /// The process dies; what it has stored stays.
  void die() { process_.reset(); }

  JobResult perform(const Job& job) { return process().perform(job); }
  json done(const Job& job) {
    const JobResult result = perform(job);
    EXPECT_EQ(result.kind, JobResult::Kind::Done) << result.error;
    return json::parse(to_json(result.result));
  }
  static std::int64_t number(const json& value) { return std::stoll(value["$number"].get<std::string>()); }
  json entity(const std::string& kind, std::int64_t id) const { return json::parse(fake.entity(kind, id)); }
  json only(const std::string& kind) const {
    const auto ids = fake.ids(kind);
    EXPECT_THAT(ids, SizeIs(1)) << kind;
    return ids.empty() ? json() : entity(kind, ids.front());
  }
  static json field(const json& entity, const std::string& name) {
    for (const json& one : entity["custom_fields_values"].is_array() ? entity["custom_fields_values"] : json::array())
      if (one["field_name"] == name) return one["values"];
    return nullptr;
  }
  /// What was begun, was begun so long ago that amoCRM is done with it.
  void let_it_settle(const std::string& what, const std::string& mark = "mark-1") {
    die();  // who saw the answer get lost goes by that
    const amocrm::Begun begun{mark, what, {"shop", "telegram", "501"}, now_unix_s() - 60};
    ASSERT_TRUE(process().memory->next_request(account.key(), Duration{0}, Duration{60'000}, &begun));
  }

  fakes::FakeAmocrm fake;
  int count_ = 0;
  OwnFolder folder;
  CrmAccount account;

 private:
  std::unique_ptr<CrmProcess> process_;
};

const ValueMap kAnna = values({{"name", "Анна"}, {"phone", "8 (912) 345-67-89"}});

ValueMap order() {
  return values({{"name", "Заявка"}, {"price", Decimal(120'000)}, {"pipeline", "оценка"}, {"stage", "Переговоры"}, {"responsible", "Иван Петров"},
                 {"tags", List{Value("бот")}}, {"contact", kAnna},
                 {"fields", values({{"Площадь", *Decimal::parse("45.5")}, {"Вид объекта", "офис"}, {"Удобства", List{Value("Лифт"), Value("Охрана")}},
                                    {"Согласие", true}, {"Дата осмотра", Moment{kTurn * 1000}}, {"DEAL_DATE", *Date::from_ymd(2026, 3, 20)},
                                    {"294471", "Телеграм"}})}});
}

TEST_F(CrmServiceTest, WhatIsOffFailsAtOnceAndIsNothingToTryAgain) {
  account = CrmAccount();
  account.off = true;
  for (const char* what : {"contact", "lead", "note", "task", "stage"}) {
    const JobResult result = perform(crm_job(what, kAnna));
    EXPECT_EQ(result.kind, JobResult::Kind::Failed) << what;
    EXPECT_EQ(result.error, "amoCRM is off") << what;
    EXPECT_TRUE(result.meant) << what;
  }
}

TEST_F(CrmServiceTest, MakesAContactAndFindsItAgainByItsPhoneHoweverThatIsWritten) {
  const json made = done(crm_job("contact", kAnna));
  EXPECT_EQ(made["made"], true);
  EXPECT_THAT(made["url"].get<std::string>(), StartsWith(fake.url() + "/contacts/detail/"));
  json contact = only("contacts");
  EXPECT_EQ(contact["name"], "Анна");
  EXPECT_EQ(contact["created_at"], kTurn);
  EXPECT_EQ(field(contact, "Телефон")[0]["value"], "+79123456789");

  // Another person of the bot with the same phone: the contact is theirs, too.
  Job other = crm_job("contact", values({{"phone", "+7 912 345 67 89"}, {"email", "anna@example.ru"}}), "mark-2");
  other.request.replace(other.request.find("\"501\""), 5, "\"777\"");
  EXPECT_EQ(number(done(other)["id"]), number(made["id"]));
  contact = only("contacts");
  EXPECT_EQ(contact["name"], "Анна") << "what the platform calls somebody is no reason to rename a contact";
  EXPECT_EQ(field(contact, "Email")[0]["value"], "anna@example.ru");
}

TEST_F(CrmServiceTest, AHitOfTheSearchIsNoContactUntilItsPhoneIsTheSame) {
  fake.add_contact("Заметка 79123456789", {"+74950000000"});
  fake.add_contact("Борис", {"+791234567890"});  // one digit more
  const std::int64_t right = fake.add_contact("Анна", {"8 912 345-67-89"});
  EXPECT_EQ(number(done(crm_job("contact", kAnna))["id"]), right);
  EXPECT_THAT(fake.ids("contacts"), SizeIs(3));
}

TEST_F(CrmServiceTest, PhonesOfAContactAreNotLost) {
  const std::int64_t id = fake.add_contact("Анна", {"+74950000001", "+74950000002"}, "anna@example.ru");
  EXPECT_EQ(number(done(crm_job("contact", values({{"phone", "+79123456789"}, {"email", "Anna@Example.ru"}, {"tags", List{Value("бот")}}})))["id"]), id);
  const json contact = only("contacts");
  EXPECT_THAT(field(contact, "Телефон"), SizeIs(3));
  EXPECT_EQ(field(contact, "Телефон")[2]["value"], "+79123456789");
  EXPECT_THAT(field(contact, "Email"), SizeIs(1)) << "found by it, whatever its case";
  EXPECT_EQ(contact["_embedded"]["tags"][0]["name"], "бот");
  // Nothing to change: nothing is written.
  done(crm_job("contact", values({{"phone", "+74950000001"}, {"tags", List{Value("бот")}}}), "mark-2"));
  EXPECT_THAT(fake.requests("contacts.update"), SizeIs(1));
}

TEST_F(CrmServiceTest, ALeadComesWithItsContactAtOnceAndEverythingByName) {
  const json made = done(crm_job("lead", order()));
  const json lead = only("leads"), contact = only("contacts");
  EXPECT_EQ(number(made["id"]), lead["id"]);
  EXPECT_EQ(number(made["contact_id"]), contact["id"]);
  EXPECT_EQ(made["merged"], false);
  EXPECT_EQ(lead["_embedded"]["contacts"][0]["id"], contact["id"]);
  EXPECT_EQ(lead["name"], "Заявка");
  EXPECT_EQ(lead["price"], 120'000);
  EXPECT_EQ(lead["pipeline_id"], 3177800);
  EXPECT_EQ(lead["status_id"], 41000003);
  EXPECT_EQ(lead["responsible_user_id"], 504142);
  EXPECT_EQ(lead["_embedded"]["tags"][0]["name"], "бот");
  EXPECT_EQ(field(lead, "Площадь")[0]["value"], "45.5");
  EXPECT_EQ(field(lead, "Вид объекта")[0]["enum_id"], 2957741);
  EXPECT_THAT(field(lead, "Удобства"), SizeIs(2));
  EXPECT_EQ(field(lead, "Согласие")[0]["value"], true);
  EXPECT_EQ(field(lead, "Дата осмотра")[0]["value"], kTurn);
  EXPECT_EQ(field(lead, "Дата сделки")[0]["value"], 1'773'997'200);  // 20 March, noon in Moscow
  EXPECT_EQ(field(lead, "Источник")[0]["value"], "Телеграм");
  EXPECT_THAT(fake.requests("leads.complex"), SizeIs(1));
}

TEST_F(CrmServiceTest, AContactThatIsThereGetsTheLead) {
  const std::int64_t id = fake.add_contact("Анна", {"+7 912 345-67-89"});
  EXPECT_EQ(number(done(crm_job("lead", order()))["contact_id"]), id);
  EXPECT_EQ(only("leads")["_embedded"]["contacts"][0]["id"], id);
  EXPECT_THAT(fake.requests("leads.complex"), IsEmpty());
}

TEST_F(CrmServiceTest, TheSameOrderAgainMakesNothing) {
  const json made = done(crm_job("lead", order()));
  die();
  EXPECT_EQ(done(crm_job("lead", order()))["id"], made["id"]);
  EXPECT_THAT(fake.ids("leads"), SizeIs(1));
  // Another order of the same person is another lead, with the same contact.
  EXPECT_EQ(done(crm_job("lead", order(), "mark-2"))["contact_id"], made["contact_id"]);
  EXPECT_THAT(fake.ids("leads"), SizeIs(2));
  EXPECT_THAT(fake.ids("contacts"), SizeIs(1));
}

class LostAnswerTest : public CrmServiceTest, public testing::WithParamInterface<const char*> {};

TEST_P(LostAnswerTest, WhatWasMadeAndNotToldIsFound) {
  for (const auto& [what, method, text] : {std::tuple("lead", "leads.complex", ""), std::tuple("note", "notes.add", "Привет"), std::tuple("task", "tasks.add", "Перезвонить")}) {
    const std::string mark = std::string("mark-") + what;
    fake.fail_next({.kind = GetParam(), .method = method});
    const ValueMap given = std::string(what) == "lead" ? order() : ValueMap();
    const JobResult lost = perform(crm_job(what, given, mark, text));
    EXPECT_EQ(lost.kind, JobResult::Kind::Again) << what;
    EXPECT_GE(lost.wait.ms, 5'000) << "amoCRM may still be at it";
    // Somebody is too early.
    EXPECT_EQ(perform(crm_job(what, given, mark, text)).kind, JobResult::Kind::Again);
    die();
    let_it_settle(what, mark);
    done(crm_job(what, given, mark, text));
    EXPECT_THAT(fake.requests(method), SizeIs(1)) << what;
  }
  for (const char* kind : {"leads", "contacts", "notes", "tasks"}) EXPECT_THAT(fake.ids(kind), SizeIs(1)) << kind;
}
INSTANTIATE_TEST_SUITE_P(Ways, LostAnswerTest, testing::Values("lost_answer", "truncated", "garbage", "works_504"));

TEST_F(CrmServiceTest, AContactWithoutAPhoneIsFoundByItsTimeAndName) {
  fake.add_contact("Анна", {});  // of another time
  fake.fail_next({.kind = "lost_answer", .method = "contacts.add"});
  EXPECT_EQ(perform(crm_job("contact", {})).kind, JobResult::Kind::Again);
  let_it_settle("contact");
  done(crm_job("contact", {}));
  EXPECT_THAT(fake.ids("contacts"), SizeIs(2));
  EXPECT_THAT(fake.requests("contacts.add"), SizeIs(1));
}

TEST_F(CrmServiceTest, ANameLongerThanAmoCrmTakesIsFoundAgain) {
  std::string name;
  while (name.size() < 600) name += name.size() == 498 ? "  " : "я";  // cut at a space
  ValueMap given = order();
  given.set("name", name);
  given.set("contact", values({{"name", name}}));
  fake.fail_next({.kind = "lost_answer", .method = "leads.complex"});
  EXPECT_EQ(perform(crm_job("lead", given)).kind, JobResult::Kind::Again);
  die();
  let_it_settle("lead");
  done(crm_job("lead", given));
  EXPECT_THAT(fake.ids("leads"), SizeIs(1));
  EXPECT_THAT(fake.ids("contacts"), SizeIs(1));
}

TEST_F(CrmServiceTest, AnotherProcessWaitsAsLongAsTheFirstOnesRequestMayLive) {
  fake.fail_next({.kind = "lost_answer", .method = "leads.complex"});
  EXPECT_EQ(perform(crm_job("lead", order())).kind, JobResult::Kind::Again);
  // Who saw the connection end waits until amoCRM is done with it.
  const JobResult own = perform(crm_job("lead", order()));
  EXPECT_EQ(own.kind, JobResult::Kind::Again);
  EXPECT_LE(own.wait.ms, 5'000);
  // Who did not does not know whether it has ended.
  die();
  const JobResult other = perform(crm_job("lead", order()));
  EXPECT_EQ(other.kind, JobResult::Kind::Again);
  EXPECT_GT(other.wait.ms, account.timeout.ms - 5'000);
  EXPECT_THAT(fake.requests("leads.complex"), SizeIs(1));
}

TEST_F(CrmServiceTest, WhatWaitsInTheRowIsBegunWhenItLeaves) {
  amocrm::Memory& memory = *process().memory;
  const std::int64_t now = now_unix_s();
  ASSERT_TRUE(memory.next_request(account.key(), Duration{10'000}, Duration{60'000}));
  const amocrm::Begun begun{"mark-1", "lead", {"shop", "telegram", "501"}, now};
  ASSERT_TRUE(memory.next_request(account.key(), Duration{0}, Duration{60'000}, &begun));
  const auto recalled = memory.recall(account.key(), 1, begun, {Duration{0}, Duration{0}}, true);
  ASSERT_TRUE(recalled && recalled->mark);
  EXPECT_GE(recalled->mark->begun_unix_s, now + 8);
  EXPECT_FALSE(recalled->begun);  // it was before
}

TEST_F(CrmServiceTest, WhatIsRefusedBeforeItsRequestWasNotBegun) {
  EXPECT_THAT(perform(crm_job("note", {}, "mark-1", "Привет")).error, HasSubstr("no lead"));
  EXPECT_THAT(perform(crm_job("task", {}, "mark-2", "Позвонить")).error, HasSubstr("no lead"));
  amocrm::Memory& memory = *process().memory;
  for (const auto& [mark, what] : {std::pair("mark-1", "note"), std::pair("mark-2", "task")}) {
    const amocrm::Begun order{mark, what, {"shop", "telegram", "501"}, now_unix_s()};
    const auto recalled = memory.recall(account.key(), 1, order, {Duration{0}, Duration{3'000}}, true);
    ASSERT_TRUE(recalled && recalled->place) << what;
    EXPECT_FALSE(recalled->mark) << what;
    EXPECT_TRUE(recalled->begun) << what;
  }
}

TEST_F(CrmServiceTest, AnAccountWithoutFiltersIsSearchedByNameAndTime) {
  const char* const no_filters = R"({"title":"Bad Request","status":400,"detail":"Filters are not available"})";
  fake.add_contact("Анна", {});  // of another time
  fake.fail_next({.kind = "lost_answer", .method = "contacts.add"});
  EXPECT_EQ(perform(crm_job("contact", {})).kind, JobResult::Kind::Again);
  let_it_settle("contact");
  die();
  fake.fail_next({.kind = "custom", .method = "contacts.find", .status = 400, .body = no_filters});
  const json contact = done(crm_job("contact", {}));
  EXPECT_THAT(fake.ids("contacts"), SizeIs(2));
  EXPECT_EQ(number(contact["id"]), fake.ids("contacts").back());

  fake.fail_next({.kind = "lost_answer", .method = "tasks.add"});
  EXPECT_EQ(perform(crm_job("task", {}, "mark-2", "Перезвонить")).kind, JobResult::Kind::Again);
  let_it_settle("task", "mark-2");
  die();
  fake.fail_next({.kind = "custom", .method = "tasks.find", .status = 400, .body = no_filters});
  done(crm_job("task", {}, "mark-2", "Перезвонить"));
  EXPECT_THAT(fake.ids("tasks"), SizeIs(1));
}

// A webhook is sent once: what cannot be read now is read when somebody has paid.
TEST_F(CrmServiceTest, NewsOutliveATokenThatEnded) {
  ServiceSettings settings;
  settings.crm["shop"] = account;
  settings.memory = process().memory.get();
  settings.seed = 1;
  const auto news = make_crm_news_service(settings);
  Job job;
  job.id = 1;
  job.bot = "shop";
  job.service = "crm_news";
  job.request = to_json(Value(values({{"what", "talk"}, {"id", "5"}})));
  for (const char* kind : {"unpaid", "unauthorized", "forbidden"}) {
    fake.fail_next({.kind = kind});
    const auto promise = std::make_shared<std::promise<JobResult>>();
    auto result = promise->get_future();
    news->begin(job, [promise](JobResult came) { promise->set_value(std::move(came)); });
    const JobResult came = result.get();
    EXPECT_EQ(came.kind, JobResult::Kind::Again) << kind;
    EXPECT_GE(came.wait.ms * news->terms().attempts, 8 * 3'600'000) << kind;
    EXPECT_THAT(came.log, StartsWith("ALARM")) << kind;
  }
}

TEST_F(CrmServiceTest, WhatWasNotMadeIsMadeOnce) {
  fake.fail_next({.kind = "gateway_timeout", .method = "leads.complex"});  // 504, and nothing was done
  EXPECT_EQ(perform(crm_job("lead", order())).kind, JobResult::Kind::Again);
  let_it_settle("lead");
  done(crm_job("lead", order()));
  EXPECT_THAT(fake.ids("leads"), SizeIs(1));
}

TEST_F(CrmServiceTest, TwoPeopleOfOneSecondDoNotGetEachOthersLead) {
  fake.fail_next({.kind = "lost_answer", .method = "leads.complex"});
  EXPECT_EQ(perform(crm_job("lead", order())).kind, JobResult::Kind::Again);
  Job other = crm_job("lead", order(), "mark-2");
  other.request.replace(other.request.find("\"501\""), 5, "\"777\"");
  other.request.replace(other.request.find("8 (912) 345-67-89"), 17, "8 (912) 345-67-00");
  const json theirs = done(other);
  let_it_settle("lead");
  const json own = done(crm_job("lead", order()));
  EXPECT_NE(own["id"], theirs["id"]);
  EXPECT_THAT(fake.ids("leads"), SizeIs(2));
}

TEST_F(CrmServiceTest, NotesTasksAndStagesBelongToTheLeadOfThePerson) {
  EXPECT_THAT(perform(crm_job("note", {}, "mark-0", "Привет")).error, HasSubstr("no lead"));
  const std::int64_t lead = number(done(crm_job("lead", order()))["id"]);
  Job note = crm_job("note", {}, "mark-2", "Позвонить");
  note.request.insert(note.request.size() - 1, R"(,"talk":"15 марта 2026\n12:00 Анна: Добрый день")");
  done(note);
  EXPECT_EQ(only("notes")["params"]["text"], "Позвонить\n\n15 марта 2026\n12:00 Анна: Добрый день");
  EXPECT_EQ(only("notes")["entity_id"], lead);

  Job task = crm_job("task", values({{"type", "встреча"}, {"responsible", "ольга иванова"}}), "mark-3", "Осмотр");
  ValueMap request;
  Value read;
  ASSERT_TRUE(from_json(task.request, read));
  request = *read.map();
  request.set("due", Moment{(kTurn + 3'600) * 1000});
  task.request = to_json(Value(request));
  done(task);
  const json made = only("tasks");
  EXPECT_EQ(made["complete_till"], kTurn + 3'600);
  EXPECT_EQ(made["task_type_id"], 2);
  EXPECT_EQ(made["responsible_user_id"], 504141);
  EXPECT_EQ(made["entity_id"], lead);

  // Both pipelines have such a stage: the lead's own is meant.
  done(crm_job("stage", {}, "mark-4", "Осмотр"));
  EXPECT_EQ(only("leads")["status_id"], 41000004);
  done(crm_job("stage", values({{"pipeline", "Воронка"}}), "mark-5", "переговоры"));
  EXPECT_EQ(only("leads")["pipeline_id"], 3177727);
  EXPECT_EQ(only("leads")["status_id"], 32392162);
  done(crm_job("stage", {}, "mark-6", "Успешно реализовано"));
  EXPECT_EQ(only("leads")["status_id"], 142);
}

TEST_F(CrmServiceTest, ALeadThatIsNamedIsChanged) {
  const json made = done(crm_job("lead", order()));
  ValueMap change = values({{"id", made["id"]["$number"].get<std::string>()}, {"price", Decimal(5)}, {"stage", "Осмотр"}});
  EXPECT_EQ(done(crm_job("lead", change, "mark-2"))["id"], made["id"]);
  EXPECT_EQ(only("leads")["price"], 5);
  EXPECT_EQ(only("leads")["status_id"], 41000004);
  EXPECT_EQ(only("leads")["name"], "Заявка");
}

TEST_F(CrmServiceTest, WhatAmoCrmDoesNotKnowIsNamedWithWhatItHas) {
  const auto error = [&](ValueMap given) {
    const JobResult result = perform(crm_job("lead", std::move(given), "mark-" + std::to_string(++count_)));
    EXPECT_EQ(result.kind, JobResult::Kind::Failed);
    return result.error;
  };
  EXPECT_EQ(error(values({{"pipeline", "Продажи"}})), "amoCRM has no pipeline `Продажи`; it has `Воронка`, `Оценка`");
  EXPECT_THAT(error(values({{"pipeline", "Оценка"}, {"stage", "Старт"}})), HasSubstr("no stage `Старт` in `Оценка`; it has `Неразобранное`, `Новая заявка`"));
  EXPECT_THAT(error(values({{"responsible", "Пётр"}})), HasSubstr("no user `Пётр`; it has `Ольга Иванова`, `Иван Петров`"));
  EXPECT_THAT(error(values({{"fields", values({{"Этажность", "5"}})}})), HasSubstr("no field `Этажность` of leads; it has `Источник`"));
  EXPECT_THAT(error(values({{"fields", values({{"Вид объекта", "Дача"}})}})), HasSubstr("the field `Вид объекта` of amoCRM has no choice `Дача`; it has `Офис`, `Склад`, `Квартира`"));
  EXPECT_THAT(error(values({{"fields", values({{"Площадь", "много"}})}})), HasSubstr("takes a number"));
  EXPECT_THAT(fake.ids("leads"), IsEmpty());
}

TEST_F(CrmServiceTest, AStageThatWasAddedAMomentAgoIsAskedFor) {
  done(crm_job("lead", order()));
  fake.control("pipeline", R"({"id":3177800,"status":{"id":41000099,"name":"Договор"}})");
  // What is kept is too young to be asked again; another process asks.
  die();
  done(crm_job("stage", {}, "mark-2", "Договор"));
  EXPECT_EQ(only("leads")["status_id"], 41000099);
}

TEST_F(CrmServiceTest, ARefusalNamesTheFieldAndIsNotRepeated) {
  fake.fail_next({.kind = "custom", .method = "leads.complex", .status = 400,
                  .body = R"({"validation-errors":[{"request_id":"0","errors":[{"code":"NotSupportedChoice","path":"custom_fields_values.0.field_id","detail":"The value you selected is not a valid choice."}]}],"title":"Bad Request","status":400,"detail":"Request validation failed"})"});
  const JobResult refused = perform(crm_job("lead", order()));
  EXPECT_EQ(refused.kind, JobResult::Kind::Failed);
  EXPECT_EQ(refused.error, "amoCRM answers 400: `custom_fields_values.0.field_id`: The value you selected is not a valid choice");
  // Whoever tries it again later begins anew.
  done(crm_job("lead", order()));
  EXPECT_THAT(fake.ids("leads"), SizeIs(1));
}

TEST_F(CrmServiceTest, NoRightAndNoMoneyAreAlarmsAndNeverALoop) {
  for (const char* kind : {"unpaid", "unauthorized", "forbidden"}) {
    const std::size_t before = fake.requests().size();
    fake.fail_next({.kind = kind});
    const JobResult result = perform(crm_job("contact", kAnna));
    EXPECT_EQ(result.kind, JobResult::Kind::Failed) << kind;
    EXPECT_THAT(result.log, StartsWith("ALARM")) << kind;
    EXPECT_THAT(result.log + result.error, testing::Not(HasSubstr("CANARY")));
    EXPECT_EQ(fake.requests().size(), before + 1) << kind;
  }
  // After a 403 nobody asks for a while.
  const JobResult paused = perform(crm_job("contact", kAnna));
  EXPECT_EQ(paused.kind, JobResult::Kind::Again);
  EXPECT_GT(paused.wait.ms, 30'000);
}

TEST_F(CrmServiceTest, TooManyRequestsMakeEverybodyWaitAsLongAsAmoCrmSays) {
  fake.fail_next({.kind = "rate_limit", .retry_after_s = 40});
  const JobResult result = perform(crm_job("contact", kAnna));
  EXPECT_EQ(result.kind, JobResult::Kind::Again);
  EXPECT_GE(result.wait.ms, 40'000);
  CrmProcess other(account, database());
  const std::size_t before = fake.requests().size();
  EXPECT_GT(other.perform(crm_job("contact", kAnna)).wait.ms, 30'000);
  EXPECT_EQ(fake.requests().size(), before);
}

TEST_F(CrmServiceTest, WaitsGrowWhileAmoCrmIsAway) {
  fake.fail_next({.kind = "server_error", .times = -1});
  std::int64_t before = 0;
  for (int i = 0; i < 2; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(before));
    const JobResult result = perform(crm_job("contact", kAnna));
    EXPECT_EQ(result.kind, JobResult::Kind::Again);
    EXPECT_GT(result.wait.ms, before);
    before = result.wait.ms;
  }
  fake.clear_faults();
  done(crm_job("contact", kAnna));
}

TEST_F(CrmServiceTest, JobsThatFailTogetherAreOneTrouble) {
  fake.fail_next({.kind = "server_error", .times = -1});
  std::vector<std::future<JobResult>> all;
  for (int i = 0; i < 8; ++i) {
    Job job = crm_job("contact", kAnna, "together-" + std::to_string(i));
    job.id = i + 1;
    const auto promise = std::make_shared<std::promise<JobResult>>();
    all.push_back(promise->get_future());
    process().service->begin(job, [promise](JobResult came) { promise->set_value(std::move(came)); });
  }
  for (auto& one : all) {
    const JobResult result = one.get();
    EXPECT_EQ(result.kind, JobResult::Kind::Again) << result.error;
    EXPECT_LT(result.wait.ms, 6'000) << "not doubled for each job";
  }
}

TEST_F(CrmServiceTest, WhatAmoCrmAsksForIsNotCut) {
  fake.fail_next({.kind = "rate_limit", .retry_after_s = 1'200});
  EXPECT_GE(perform(crm_job("contact", kAnna)).wait.ms, 1'200'000);
}

TEST_F(CrmServiceTest, TwoProcessesTogetherStayBelowSevenRequestsASecond) {
  CrmProcess other(account, database());
  const auto work = [](CrmProcess& process, const std::string& prefix) {
    for (int i = 0; i < 4; ++i) {
      const JobResult result = process.perform(crm_job("contact", values({{"name", "Анна"}, {"email", prefix + std::to_string(i) + "@example.ru"}}), prefix + std::to_string(i)));
      EXPECT_EQ(result.kind, JobResult::Kind::Done) << result.error;
    }
  };
  CrmProcess& own = process();
  std::thread first([&] { work(own, "a"); });
  std::thread second([&] { work(other, "b"); });
  first.join();
  second.join();
  EXPECT_LE(fake.most_per_second(), 7U);
  for (const auto& request : fake.requests()) EXPECT_LT(request.status, 400) << request.path;
}

// ---- OAuth

class CrmOAuthTest : public CrmServiceTest {
 protected:
  CrmOAuthTest() : CrmServiceTest(fakes::FakeAmocrmOptions{.token = ""}) {
    account.token.clear();
    account.client_id = fake.options().client_id;
    account.client_secret = fake.options().client_secret;
    account.redirect_uri = fake.options().redirect_uri;
    account.code = fake.options().code;
  }
};

TEST_F(CrmOAuthTest, TheCodeIsSpentOnceAndThePairOutlivesTheProcess) {
  done(crm_job("contact", kAnna));
  EXPECT_THAT(fake.requests("oauth"), SizeIs(1));
  die();
  done(crm_job("contact", kAnna, "mark-2"));
  EXPECT_THAT(fake.requests("oauth"), SizeIs(1));
}

TEST_F(CrmOAuthTest, ATokenThatWasRevokedIsFetchedAnewOnceAndTheCallRepeated) {
  done(crm_job("contact", kAnna));
  fake.revoke_tokens();
  done(crm_job("contact", kAnna, "mark-2"));
  EXPECT_THAT(fake.requests("oauth"), SizeIs(2));
  // Where a fresh token does not help, either, it is not tried a third time.
  fake.fail_next({.kind = "unauthorized", .method = "contacts.get", .times = -1});
  const JobResult refused = perform(crm_job("contact", kAnna, "mark-3"));
  EXPECT_EQ(refused.kind, JobResult::Kind::Failed);
  EXPECT_THAT(fake.requests("oauth"), SizeIs(3));
}

TEST_F(CrmOAuthTest, ManyWhoseTokenEndedRefreshItOnce) {
  done(crm_job("contact", kAnna));
  CrmProcess other(account, database());
  fake.revoke_tokens();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      CrmProcess& one = i % 2 ? other : process();
      const JobResult result = one.perform(crm_job("contact", kAnna, "many-" + std::to_string(i)));
      EXPECT_EQ(result.kind, JobResult::Kind::Done) << result.error;
    });
  for (std::thread& one : threads) one.join();
  EXPECT_THAT(fake.requests("oauth"), SizeIs(2));
  for (const auto& request : fake.requests("oauth")) EXPECT_EQ(request.status, 200);
}

TEST_F(CrmOAuthTest, ASpentCodeIsAnAlarm) {
  account.code = "CANARY-spent";
  const JobResult result = perform(crm_job("contact", kAnna));
  EXPECT_EQ(result.kind, JobResult::Kind::Failed);
  EXPECT_THAT(result.error, HasSubstr("no token of amoCRM"));
  EXPECT_THAT(result.log, StartsWith("ALARM"));
  EXPECT_THAT(result.error + result.log, testing::Not(HasSubstr("CANARY")));
}

}  // namespace
}  // namespace sufler::tests

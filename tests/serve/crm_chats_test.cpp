// People in Telegram and managers in amoCRM: the program as a whole between both, killed in the middle.
#include <sqlite3.h>

#include <set>

#include "fakes/amocrm/fake_amocrm.h"
#include "fakes/amocrm/fake_chats.h"
#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kScenario = R"(
scenario: managers
language: ru
start: welcome
branches:
  welcome:
    - ask: name
    - say: "Рады, {{ name }}."
  people:
    - say: Зову менеджера.
    - handoff: manager
  watched:
    - crm: chat
    - say: Минуту.
    - wait: 1s
    - handoff: manager
  again:
    - say: Снова я.
  moved:
    - say: "Этап: {{ event.stage }}, {{ event.pipeline }}."
questions:
  name: {text: Как вас зовут?}
handoff:
  manager:
    to: crm
    mode: silent
    on_staff_message: true
    resume: {by_staff: [/bot_on], stage: Принимают решение, closed: true, go: again}
events:
  moved: {crm: lead_stage_changed, stage: Осмотр, branch: moved}
commands:
  people: {on: /people, go: people}
  watched: {on: /watched, go: watched}
)";

constexpr const char* kHooks = "CANARYofthehooks0123456789";
const std::string kConversation = "sufler:shop:telegram:" + std::to_string(kAnna);

class CrmChatsServeTest : public ServeTest {
 protected:
  CrmChatsServeTest() {
    folder.write("managers.yaml", kScenario);
    environment["AMO_TOKEN"] = crm.options().token;
    environment["AMO_CHATS"] = chats.options().secret;
    environment["AMO_HOOKS"] = kHooks;
    telegram.add_user({kAnna, "Анна", {}, {}, "ru"});
    write_config("managers.yaml", "http: {listen: \"127.0.0.1:" + std::to_string(port_) + "\"}\ncrm:\n  amocrm:\n    url: \"" + crm.url() +
                                      "\"\n    token: \"${AMO_TOKEN}\"\n    hooks: \"${AMO_HOOKS}\"\n    chats: {url: \"" + chats.url() + "\", channel: \"" +
                                      chats.options().channel + "\", secret: \"${AMO_CHATS}\", bot_id: bot-1, bot_name: Бот}\n");
  }

  std::string address(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  int write(const std::string& id, const std::string& text) {
    fakes::FakeChats::ManagerMessage message;
    message.id = id;
    message.conversation = kConversation;
    message.text = text;
    return chats.write(address("/amocrm/chats/" + chats.scope()), message);
  }
  std::vector<std::string> shown() const {
    std::vector<std::string> all;
    for (const auto& one : chats.messages()) all.push_back((one.by_bot ? "bot: " : "client: ") + one.text);
    return all;
  }
  bool wait_shown(const std::string& text) {
    return chats.wait([&] {
      const auto all = shown();
      return std::find(all.begin(), all.end(), text) != all.end();
    }, kPatience);
  }
  bool wait_status(const std::string& id, int status) {
    return chats.wait([&] {
      for (const auto& one : chats.statuses())
        if (one.msgid == id && one.status == status) return true;
      return false;
    }, kPatience);
  }
  /// As if the bot had made the lead.
  void link(std::int64_t contact, std::int64_t lead) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((folder.path() + "/data.db").c_str(), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10'000);
    const std::string sql = "INSERT INTO crm_links (user_id, transport, bot, account, contact_id, lead_id, changed_at_unix_ms) VALUES ('" + std::to_string(kAnna) +
                            "', 'telegram', 'shop', '" + crm.url() + "', " + std::to_string(contact) + ", " + std::to_string(lead) + ", 1)";
    char* why = nullptr;
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &why), SQLITE_OK) << (why ? why : "");
    sqlite3_close(db);
  }
  /// A manager moves the lead, and amoCRM tells of it; the status of its webhook.
  int move(std::int64_t lead, std::int64_t pipeline, std::int64_t stage, std::int64_t user = 504142, const std::string& secret = kHooks) {
    const std::string at = crm.control("move", "{\"id\":" + std::to_string(lead) + ",\"pipeline_id\":" + std::to_string(pipeline) + ",\"status_id\":" + std::to_string(stage) +
                                                   ",\"user\":" + std::to_string(user) + "}");
    hook_ = "leads[status][0][id]=" + std::to_string(lead) + "&leads[status][0][status_id]=" + std::to_string(stage) + "&leads[status][0][pipeline_id]=" + std::to_string(pipeline) +
            "&leads[status][0][modified_user_id]=" + std::to_string(user) + "&leads[status][0][last_modified]=" + at + "&account[subdomain]=example";
    return fakes::send_crm_hook(address("/amocrm/hooks/" + secret), hook_);
  }

  const int port_ = free_port();
  fakes::FakeAmocrm crm;
  fakes::FakeChats chats;
  std::string hook_;
};

TEST_F(CrmChatsServeTest, AManagerAnswersAndTheBotIsSilentUntilCalledBack) {
  start();
  EXPECT_EQ(say(kAnna, "/start", 1).text, "Как вас зовут?");
  EXPECT_EQ(say(kAnna, "Анна", 2).text, "Рады, Анна.");
  EXPECT_EQ(say(kAnna, "/people", 3).text, "Зову менеджера.");
  // The talk so far comes silently, and the client's last words call a manager.
  ASSERT_TRUE(wait_shown("client: /people")) << sufler->output();
  EXPECT_THAT(shown(), ElementsAre("client: /start", "bot: Как вас зовут?", "client: Анна", "bot: Рады, Анна.", "bot: Зову менеджера.", "client: /people"));
  for (const auto& one : chats.messages()) EXPECT_EQ(one.silent, one.text != "/people") << one.text;
  ASSERT_EQ(chats.openings().size(), 1u);
  EXPECT_EQ(chats.openings()[0].conversation, kConversation);

  EXPECT_EQ(write("m-1", "Здравствуйте, я Ольга"), 200);
  EXPECT_EQ(messages(kAnna, 4).back().text, "Здравствуйте, я Ольга");
  EXPECT_TRUE(wait_status("m-1", 1)) << sufler->output();
  // The webhook comes again, as nobody promised that it would not.
  EXPECT_EQ(write("m-1", "Здравствуйте, я Ольга"), 200);

  telegram.say(kAnna, "Сколько стоит?");
  EXPECT_TRUE(wait_shown("client: Сколько стоит?"));
  EXPECT_EQ(write("m-2", "500 рублей"), 200);
  EXPECT_EQ(messages(kAnna, 5).back().text, "500 рублей");
  EXPECT_EQ(write("m-3", "/bot_on"), 200);
  EXPECT_EQ(messages(kAnna, 6).back().text, "Снова я.");
  EXPECT_TRUE(wait_shown("bot: Снова я."));
  EXPECT_TRUE(wait_status("m-3", 1));
  EXPECT_THAT(shown(), Not(Contains(HasSubstr("500 рублей")))) << "a manager's words are there already";
  stop();
}

TEST_F(CrmChatsServeTest, AManagerIsCalledIntoAChatThatIsOpenAlready) {
  start();
  say(kAnna, "/start", 1);
  EXPECT_EQ(say(kAnna, "/watched", 2).text, "Минуту.");
  // A timer hands over: the person has said nothing that would call a manager.
  ASSERT_TRUE(wait_shown("client: Клиент просит оператора")) << sufler->output();
  for (const auto& one : chats.messages()) EXPECT_EQ(one.silent, one.text != "Клиент просит оператора") << one.text;
  EXPECT_EQ(write("m-1", "/bot_on"), 200);
  EXPECT_EQ(messages(kAnna, 3).back().text, "Снова я.");
  // Here the person has, and is heard once.
  telegram.say(kAnna, "/people");
  ASSERT_TRUE(wait_shown("client: /people")) << sufler->output();
  telegram.say(kAnna, "Алло?");
  ASSERT_TRUE(wait_shown("client: Алло?")) << sufler->output();
  const std::vector<std::string> all = shown();
  EXPECT_EQ(std::count(all.begin(), all.end(), "client: Клиент просит оператора"), 1);
  stop();
}

TEST_F(CrmChatsServeTest, AForgedWebhookChangesNothing) {
  start();
  say(kAnna, "/start", 1);
  EXPECT_EQ(chats.send_hook(address("/amocrm/chats/x"), R"({"message":{"message":{"id":"1","text":"x"}}})", "another secret"), 403);
  EXPECT_EQ(fakes::send_crm_hook(address("/amocrm/hooks/wrong"), "leads[status][0][id]=1"), 404);
  EXPECT_EQ(fakes::send_crm_hook(address("/amocrm/hooks/"), "leads[status][0][id]=1"), 404);
  EXPECT_EQ(fakes::send_crm_hook(address(std::string("/amocrm/hooks/") + kHooks), "leads[status][0][id]=1"), 200);
  std::string deep = "a";
  for (int i = 0; i < 50; ++i) deep += "[b]";
  EXPECT_EQ(fakes::send_crm_hook(address(std::string("/amocrm/hooks/") + kHooks), deep + "=1"), 400);
  EXPECT_EQ(say(kAnna, "Анна", 2).text, "Рады, Анна.");
  stop();
}

// amoCRM sends it once, whatever the answer.
TEST_F(CrmChatsServeTest, WhatAManagerWritesWhileTheDatabaseIsAwayIsKept) {
  start();
  say(kAnna, "/start", 1);
  say(kAnna, "/people", 2);
  ASSERT_TRUE(wait_shown("client: /people"));
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((folder.path() + "/data.db").c_str(), &db), SQLITE_OK);
  sqlite3_busy_timeout(db, 10'000);
  ASSERT_EQ(sqlite3_exec(db, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  // SQLite waits for its file longer than whoever calls, so these may be told 503.
  write("m-1", "раз");
  write("m-2", "два");
  EXPECT_TRUE(chats.wait([&] { return sufler->output().find("it is kept until it can be") != std::string::npos; }, kPatience)) << sufler->output();
  ASSERT_EQ(sqlite3_exec(db, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  EXPECT_TRUE(wait_status("m-2", 1)) << sufler->output();
  const auto all = messages(kAnna, 4);
  EXPECT_EQ(all[all.size() - 2].text, "раз");
  EXPECT_EQ(all.back().text, "два");
  stop();
}

TEST_F(CrmChatsServeTest, WhatAManagerWritesWhileNobodyListensComesAtTheNextStart) {
  start();
  say(kAnna, "/start", 1);
  say(kAnna, "/people", 2);
  ASSERT_TRUE(wait_shown("client: /people"));
  EXPECT_EQ(write("m-1", "раз"), 200);
  ASSERT_TRUE(wait_status("m-1", 1));
  sufler->signal(SIGKILL);
  ASSERT_TRUE(sufler->wait(kPatience));
  // More than a page of the history.
  for (int i = 2; i <= 60; ++i) {
    fakes::FakeChats::ManagerMessage message;
    message.id = "m-" + std::to_string(i);
    message.conversation = kConversation;
    message.text = "слово " + std::to_string(i);
    chats.write_unheard(message);
  }
  start();
  ASSERT_TRUE(wait_status("m-60", 1)) << sufler->output();
  EXPECT_THAT(sufler->output(), HasSubstr("came while nobody listened are here now: 59"));
  const auto words = [&] {
    std::vector<std::string> all;
    for (const auto& one : telegram.messages(kAnna))
      if (one.text == "раз" || one.text.starts_with("слово ")) all.push_back(one.text);
    return all;
  };
  std::vector<std::string> expected = {"раз"};
  for (int i = 2; i <= 60; ++i) expected.push_back("слово " + std::to_string(i));
  EXPECT_EQ(words(), expected);
  // Nothing of it comes again.
  const std::size_t asked = chats.requests("history").size();
  sufler->signal(SIGKILL);
  ASSERT_TRUE(sufler->wait(kPatience));
  start();
  ASSERT_TRUE(chats.wait([&] { return chats.requests("history").size() >= asked + 2; }, kPatience)) << sufler->output();
  EXPECT_EQ(write("m-61", "последнее"), 200);
  ASSERT_TRUE(wait_status("m-61", 1));
  EXPECT_EQ(words(), expected);
  stop();
}

TEST_F(CrmChatsServeTest, AManagerWhoWritesToNobodyIsTold) {
  start();
  say(kAnna, "/start", 1);
  ASSERT_TRUE(chats.wait([&] { return !chats.scope().empty(); }, kPatience)) << sufler->output();
  fakes::FakeChats::ManagerMessage message;
  message.id = "m-9";
  message.text = "Есть кто?";
  EXPECT_EQ(chats.write(address("/amocrm/chats/" + chats.scope()), message), 200);
  EXPECT_TRUE(wait_status("m-9", -1)) << sufler->output();
  EXPECT_EQ(chats.statuses()[0].error_code, 904);
  stop();
}

TEST_F(CrmChatsServeTest, WhoCannotBeReachedIsTold) {
  start();
  say(kAnna, "/start", 1);
  say(kAnna, "/people", 2);
  ASSERT_TRUE(wait_shown("client: /people"));
  telegram.block(kAnna);
  EXPECT_EQ(write("m-1", "Вы тут?"), 200);
  EXPECT_TRUE(wait_status("m-1", -1)) << sufler->output();
  EXPECT_EQ(chats.statuses()[0].error_code, 901);
  stop();
}

TEST_F(CrmChatsServeTest, AMovedLeadReachesItsPersonOnce) {
  start();
  say(kAnna, "/start", 1);
  say(kAnna, "Анна", 2);
  const std::int64_t contact = crm.add_contact("Анна", {"+79123456789"});
  const std::int64_t lead = crm.add_lead("Заявка", contact);
  link(contact, lead);
  EXPECT_EQ(move(lead, 3177800, 41000004), 200);
  EXPECT_EQ(messages(kAnna, 3).back().text, "Этап: Осмотр, Оценка.") << sufler->output();
  // The same once more, and a change of the bot's own.
  EXPECT_EQ(fakes::send_crm_hook(address(std::string("/amocrm/hooks/") + kHooks), hook_), 200);
  EXPECT_EQ(move(lead, 3177800, 41000004, 504141), 200);
  EXPECT_EQ(say(kAnna, "/people", 4).text, "Зову менеджера.");
  ASSERT_TRUE(wait_shown("client: /people"));
  EXPECT_EQ(crm.requests("chats.link").size(), 1u) << "the chat is the contact's";
  EXPECT_EQ(move(lead, 3177727, 32392165), 200);
  EXPECT_EQ(messages(kAnna, 5).back().text, "Снова я.");
  stop();
}

TEST_F(CrmChatsServeTest, NothingIsLostOrDoubledWhenTheProcessIsKilled) {
  start();
  say(kAnna, "/start", 1);
  say(kAnna, "/people", 2);
  ASSERT_TRUE(wait_shown("client: /people"));
  // Answers are lost while both write; then the process dies with rows that are under way.
  chats.fail_next("message", 0, 3, true);
  for (int i = 0; i < 5; ++i) telegram.say(kAnna, "вопрос " + std::to_string(i));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(write("k-" + std::to_string(i), "ответ " + std::to_string(i)), 200);
  sufler->signal(SIGKILL);
  ASSERT_TRUE(sufler->wait(kPatience));
  start();
  for (int i = 5; i < 8; ++i) telegram.say(kAnna, "вопрос " + std::to_string(i));
  ASSERT_TRUE(wait_shown("client: вопрос 7")) << sufler->output();
  ASSERT_TRUE(wait_status("k-4", 1)) << sufler->output();
  std::vector<std::string> questions;
  for (const std::string& one : shown())
    if (one.starts_with("client: вопрос")) questions.push_back(one);
  EXPECT_THAT(questions, ElementsAre("client: вопрос 0", "client: вопрос 1", "client: вопрос 2", "client: вопрос 3", "client: вопрос 4", "client: вопрос 5", "client: вопрос 6",
                                     "client: вопрос 7"));
  // Telegram knows no repeats: what left when the process died may come once more, and nothing is lost.
  std::set<std::string> answers;
  std::vector<std::string> first;
  for (const auto& one : telegram.wait_for_messages(kAnna, 7, kPatience))
    if (one.text.starts_with("ответ") && answers.insert(one.text).second) first.push_back(one.text);
  EXPECT_THAT(first, ElementsAre("ответ 0", "ответ 1", "ответ 2", "ответ 3", "ответ 4"));
  stop();
}

}  // namespace
}  // namespace sufler::tests

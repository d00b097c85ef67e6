#include "interpreter/runtime/staff_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interpreter/runtime/player.h"
#include "runtime/plain_renderer.h"
#include "schema/loader.h"

namespace sufler {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kScenario = R"(
scenario: shop
language: ru
start: welcome
branches:
  welcome:
    - ask: name
    - save: orders
      into: order
    - notify: admins
      text: "Заказ {{ order.id }}"
    - handoff: people
  again:
    - say: Я снова здесь.
questions:
  name: {text: "Как вас зовут?"}
tables:
  orders: {name: text}
handoff:
  people: {to: admins, mode: silent, resume: {words: [/bot], by_staff: [/bot_on, бот вернись], go: again}}
)";

/// A shop on two platforms; the admin reads notices in Telegram.
class StaffCallTest : public testing::Test {
 protected:
  StaffCallTest() : storage(open()), player(storage, setup()) {}

  static Storage open() {
    auto opened = Storage::open("sqlite::memory:", Durability::Normal);
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }
  BotSetup setup() {
    Loaded loaded = load_scenario_text({{"scenario.yaml", kScenario}});
    EXPECT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
    EXPECT_TRUE(storage.prepare_tables(*loaded.program));
    BotSetup setup;
    setup.name = "shop";
    setup.program = loaded.program;
    setup.roles["admins"] = {{"telegram", "900"}, {"telegram", "-100500"}};
    setup.renderers["telegram"] = &renderer;
    setup.renderers["vk"] = &renderer;
    return setup;
  }

  std::vector<std::string> says(const ChatAddress& chat, const std::string& text, const std::string& reply_to = {},
                                const std::string& person = {}) {
    Incoming update;
    update.id = std::to_string(++events);
    update.chat = chat;
    update.person.id = person.empty() ? chat.chat_id : person;
    update.is_private = !chat.chat_id.starts_with('-');
    if (chat.chat_id == "11") update.person.first_name = "Анна";
    UserMessage message;
    message.text = text;
    message.reply_to = reply_to;
    update.event = Event{Moment{1'000 * events}, 0, message};
    auto played = player.play({update}, chat.transport, "");
    EXPECT_TRUE(played) << played.error().message;
    std::vector<std::string> out;
    std::vector<Settled> sent;
    for (const OutboxRow& row : played->outbox) {
      out.push_back(row.chat.transport + ":" + row.chat.chat_id + " " + row.call.body);
      Settled one{row.id, true, OutboxRow::State::New, 1, {}, {}};
      if (row.notice) one.notice = SentNotice{row.chat, "m" + std::to_string(row.id), row.dialog_id, Moment{1}};
      if (row.chat == admin && row.notice) last_notice = "m" + std::to_string(row.id);
      if (row.chat == group && row.notice) last_notice_in_group = "m" + std::to_string(row.id);
      sent.push_back(std::move(one));
    }
    EXPECT_TRUE(player.settle(sent));
    return out;
  }
  /// Orders, and is handed over to people.
  void order(const ChatAddress& client, const std::string& name) {
    says(client, "/start");
    says(client, name);
    EXPECT_THAT(says(client, "эй"), IsEmpty());
  }

  const ChatAddress admin{"telegram", "900"};
  const ChatAddress group{"telegram", "-100500"};
  const ChatAddress anna{"vk", "11"};
  const ChatAddress boris{"telegram", "12"};
  PlainRenderer renderer;
  Storage storage;
  Player player;
  std::int64_t events = 0;
  std::string last_notice;
  std::string last_notice_in_group;
};

TEST_F(StaffCallTest, TheNumberOfAnOrderWakesTheBotInItsDialog) {
  order(anna, "Анна");
  order(boris, "Борис");
  EXPECT_THAT(says(admin, "/bot_on 1"), ElementsAre("telegram:900 Бот снова отвечает: Анна.", "vk:11 Я снова здесь."));
  EXPECT_THAT(says(boris, "эй"), IsEmpty());
  EXPECT_THAT(says(admin, "/bot_on@shop_bot №2"), ElementsAre("telegram:900 Бот снова отвечает.", "telegram:12 Я снова здесь."));
  EXPECT_THAT(says(admin, "/bot_on 2"), ElementsAre("telegram:900 В этом диалоге бот и так отвечает."));
}

TEST_F(StaffCallTest, AReplyToTheNoticeMeansItsDialog) {
  order(anna, "Анна");
  const std::string notice = last_notice;
  order(boris, "Борис");
  EXPECT_THAT(says(admin, "Бот вернись", notice), ElementsAre("telegram:900 Бот снова отвечает: Анна.", "vk:11 Я снова здесь."));
}

TEST_F(StaffCallTest, SaysWhatIsMissing) {
  order(anna, "Анна");
  EXPECT_THAT(says(admin, "/bot_on"), ElementsAre("telegram:900 О ком речь? Напишите номер, например /bot_on 15, или "
                                                  "ответьте этим словом на сообщение о заказе."));
  const auto nobody = ElementsAre(
      "telegram:900 Не нахожу, о ком речь. Проверьте номер или ответьте словом /bot_on на сообщение о заказе.");
  EXPECT_THAT(says(admin, "/bot_on 7"), nobody);
  EXPECT_THAT(says(admin, "/bot_on завтра"), nobody);
  EXPECT_THAT(says(admin, "/bot_on", "unknown"), nobody);
  EXPECT_THAT(says(anna, "эй"), IsEmpty());
}

TEST_F(StaffCallTest, OnlyPeopleOfTheRoleAreObeyed) {
  order(anna, "Анна");
  says(boris, "/start");
  says(boris, "/bot_on 1");
  EXPECT_THAT(says(anna, "эй"), IsEmpty());
  EXPECT_THAT(says({"vk", "900"}, "/bot_on 1"), testing::Not(testing::Contains("vk:11 Я снова здесь.")));
  EXPECT_THAT(says(anna, "эй"), IsEmpty());
}

TEST_F(StaffCallTest, AGroupThatTheRoleNamesMayCallToo) {
  order(anna, "Анна");
  EXPECT_THAT(says({"telegram", "-100500"}, "/bot_on 1", {}, "77"),
              ElementsAre("telegram:-100500 Бот снова отвечает: Анна.", "vk:11 Я снова здесь."));
}

TEST_F(StaffCallTest, WhatStaffSayOtherwiseIsTheirOwnTalk) {
  order(anna, "Анна");
  EXPECT_THAT(says(admin, "/start"), ElementsAre("telegram:900 Как вас зовут?"));
  EXPECT_THAT(says(anna, "эй"), IsEmpty());
}

TEST_F(StaffCallTest, WithoutANumberTheOwnDialogOfTheStaffIsMeantWhenItIsSilent) {
  says(admin, "/start");
  says(admin, "Ольга");
  EXPECT_THAT(says(admin, "эй"), IsEmpty());
  EXPECT_THAT(says(admin, "/bot_on"), ElementsAre("telegram:900 Бот снова отвечает.", "telegram:900 Я снова здесь."));
}

TEST_F(StaffCallTest, TalkOfAGroupUnderANoticeBeginsNothing) {
  order(anna, "Анна");
  ASSERT_FALSE(last_notice_in_group.empty());
  EXPECT_THAT(says(group, "беру", last_notice_in_group, "777"), IsEmpty());
  EXPECT_THAT(says(anna, "эй"), IsEmpty()) << "the dialog is not woken either";
  // What is no notice is an answer to the bot, as ever.
  EXPECT_THAT(says(group, "привет", "m9999", "777"), ElementsAre("telegram:-100500 Как вас зовут?"));
  EXPECT_THAT(says(group, "/bot_on", last_notice_in_group, "777"),
              ElementsAre("telegram:-100500 Бот снова отвечает: Анна.", "vk:11 Я снова здесь."));
}

/// What another process has put into the inbox of a person who was erased before it was played.
TEST_F(StaffCallTest, WhatWasMeantForAnErasedPersonBeginsNoDialog) {
  for (const Event& event : {Event{Moment{1'000}, 0, StaffCall{StaffCall::Meant::Dialog, "/bot_on", "900", {"telegram", "900"}}},
                             Event{Moment{2'000}, 0, TicketNews{TicketNews::What::Closed, 7, "Olga"}},
                             Event{Moment{3'000}, 0, TimerDue{"reminder", 3}}}) {
    Incoming update;
    update.id = "passed:" + std::to_string(event.at.unix_ms);
    update.chat = {"vk", "11"};
    update.person.id = "11";
    update.event = event;
    auto played = player.play({update}, "vk", "");
    ASSERT_TRUE(played) << played.error().message;
    EXPECT_THAT(played->outbox, IsEmpty());
    ASSERT_EQ(played->notes.size(), 1U);
    EXPECT_THAT(played->notes[0].text, testing::HasSubstr("the dialog is gone"));
  }
  ASSERT_TRUE(storage.transact([](Transaction& tx) -> Stored<Done> {
    auto row = tx.load_dialog({"shop", {"vk", "11"}, "11"});
    if (!row) return Error{row.error()};
    EXPECT_EQ(row->id, 0);
    return Done{};
  }));
}

}  // namespace
}  // namespace sufler

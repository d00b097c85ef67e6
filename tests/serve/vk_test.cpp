// The order bot in VK, alone and beside Telegram, as people play it.
#include <set>

#include "fakes/vk/fake_vk.h"
#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kOperator = 700'001;  // a person of the community

class VkServeTest : public ServeTest {
 protected:
  VkServeTest() {
    environment["VK_TOKEN"] = vk.token();
    vk.add_user({kAnna, "Анна", "Петрова"});
    vk.add_user({kAdmin, "Ольга", "Иванова"}, true);
  }
  void TearDown() override {
    ServeTest::TearDown();
    EXPECT_THAT(folder.files_that_hold(vk.token()), IsEmpty());
  }

  std::string vk_part(const std::string& more = {}) const {
    return "    vk: {group: " + std::to_string(vk.group_id()) + ", token: \"${VK_TOKEN}\", api: \"" + vk.url() + "\"" +
           more + "}\n";
  }
  void start_vk(const std::string& scenario, const std::string& admins = "vk:" + std::to_string(kAdmin),
                bool with_telegram = false) {
    std::string bot = "bots:\n  shop:\n    scenario: " + scenario + "\n" + vk_part();
    if (with_telegram) bot += "    telegram: {token: \"${TELEGRAM_TOKEN}\", api: \"" + telegram.url() + "\", " + fakes::kNoLimits + "}\n";
    folder.write("sufler.yaml", "database: \"sqlite:data.db\"\n" + bot + "    roles: {admins: [\"" + admins + "\"]}\n");
    launch();
    ASSERT_TRUE(vk.wait_until_polling(true, kPatience)) << sufler->output();
  }
  void stop_vk() {
    sufler->signal(SIGTERM);
    EXPECT_EQ(sufler->wait(kPatience), 0) << sufler->output();
    EXPECT_TRUE(vk.wait_until_polling(false, kPatience));
  }

  /// The next `more` messages of the bot to a person, once they came.
  std::vector<fakes::VkSentMessage> next(std::int64_t peer, std::size_t more) {
    std::size_t& seen = seen_[peer];
    seen += more;
    auto all = vk.wait_for_messages(peer, seen, kPatience);
    EXPECT_GE(all.size(), seen) << "to " << peer << "\n" << sufler->output();
    all.resize(std::max(all.size(), seen));
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(seen);
    return {end - static_cast<std::ptrdiff_t>(more), end};
  }
  std::string next_text(std::int64_t peer = kAnna) { return next(peer, 1).front().text; }

  void fill_in_until_documents() {
    vk.start(kAnna);
    next(kAnna, 2);
    vk.press(kAnna, "Сделать заказ");
    EXPECT_THAT(next(kAnna, 2)[1].text, HasSubstr("Как к вам обращаться?"));
    vk.say(kAnna, "Анна Петрова");
    EXPECT_THAT(next_text(), HasSubstr("По какому телефону"));
    vk.say(kAnna, "8 999 123-45-67");
    EXPECT_THAT(next_text(), HasSubstr("Что нужно сделать?"));
    vk.press(kAnna, "Часть работы");
    EXPECT_THAT(next_text(), HasSubstr("К какому дню"));
    vk.say(kAnna, "завтра");
    EXPECT_THAT(next_text(), HasSubstr("Опишите задачу"));
    vk.say(kAnna, "Нужно починить");
    EXPECT_THAT(next_text(), HasSubstr("Пришлите фотографии"));
  }
  void order() {
    fill_in_until_documents();
    vk.press(kAnna, "Пропустить");
    EXPECT_THAT(next_text(), HasSubstr("Хотите что-нибудь добавить"));
    vk.press(kAnna, "Пропустить");
    EXPECT_THAT(next_text(), HasSubstr("Нужно починить"));
    vk.press(kAnna, "Всё верно");
    EXPECT_THAT(next_text(), HasSubstr("Заказ №1 записан"));
  }

  fakes::FakeVk vk;
  std::map<std::int64_t, std::size_t> seen_;
};

TEST_F(VkServeTest, AnOrderReachesTheAdminInOneDigestWithItsFiles) {
  start_vk(orders_scenario());
  fill_in_until_documents();
  vk.send_files(kAnna, {{.kind = "photo", .bytes = fakes::make_png(40, 30)},
                        {.kind = "photo", .bytes = fakes::make_png(50, 30)},
                        {.kind = "doc", .bytes = "%PDF-1.4 plan", .name = "план.pdf"}});
  EXPECT_THAT(next_text(), HasSubstr("Принято: 3"));
  vk.press(kAnna, "Готово");
  EXPECT_THAT(next_text(), HasSubstr("Хотите что-нибудь добавить"));
  vk.say(kAnna, "Жду [id1|звонка] & *ответа*");
  const auto check = next(kAnna, 1).front();
  EXPECT_THAT(check.text, AllOf(HasSubstr("Анна Петрова"), HasSubstr("Файлов: 3"), HasSubstr("*ответа*")));
  EXPECT_THAT(check.inline_keyboard, testing::Not(IsEmpty()));
  const auto pressed = vk.press(kAnna, "Всё верно");
  EXPECT_THAT(next_text(), HasSubstr("Заказ №1 записан"));
  EXPECT_TRUE(vk.wait_until_answered(pressed.callback_id, kPatience)) << "the spinner goes on";

  const auto digest = next(kAdmin, 1).front();
  EXPECT_THAT(digest.text, AllOf(HasSubstr("Заказ №1"), HasSubstr("Имя: Анна Петрова"), HasSubstr("Нужно починить")));
  std::multiset<std::string> bytes;
  for (const auto& file : digest.attachments) bytes.insert(vk.file_bytes(file.id));
  EXPECT_THAT(bytes, testing::UnorderedElementsAre(fakes::make_png(40, 30), fakes::make_png(50, 30), "%PDF-1.4 plan"));
  stop_vk();
}

TEST_F(VkServeTest, TheFileWithPricesArrivesWhole) {
  start_vk(orders_scenario());
  vk.start(kAnna);
  next(kAnna, 2);
  vk.press(kAnna, "Узнать цены");
  const auto prices = next(kAnna, 2).front();
  ASSERT_THAT(prices.attachments, SizeIs(1));
  EXPECT_EQ(vk.file_bytes(prices.attachments[0].id), read_file(orders_scenario() + "/files/price.txt"));
  stop_vk();
}

TEST_F(VkServeTest, SilenceWhileAPersonOfTheCommunityTalksAndTheWordsThatEndIt) {
  start_vk(orders_scenario());
  order();
  vk.say(kAnna, "А когда?");
  vk.staff_says(kOperator, kAnna, "Завтра в десять");
  vk.mailing_says(kAnna, "Скидки!");
  vk.say(kAnna, "Хорошо");
  const auto back = vk.staff_says(kOperator, kAnna, "/bot_on");
  EXPECT_THAT(next(kAnna, 2)[1].text, HasSubstr("Выберите"));
  EXPECT_THAT(vk.messages(kAnna), SizeIs(seen_[kAnna])) << "the bot spoke while it was silent";
  EXPECT_TRUE(vk.wait_until_confirmed(back.event_id, kPatience));
  stop_vk();
}

TEST_F(VkServeTest, StaffOfAConversationTalkUnderTheNoticeAndWakeTheBotByAReplyToIt) {
  constexpr std::int64_t kStaffRoom = 2'000'000'001;
  vk.add_chat(kStaffRoom, "Приёмщики");
  start_vk(orders_scenario(), "vk:" + std::to_string(kStaffRoom));
  order();
  const auto notice = next(kStaffRoom, 1).front();
  EXPECT_THAT(notice.text, HasSubstr("Заказ №1"));
  EXPECT_EQ(notice.message_id, 0) << "a conversation's messages have no number of the community";

  const auto answer_notice = [&](const std::string& text) {
    const json act = {{"user", kOperator}, {"peer", kStaffRoom}, {"text", text}, {"reply_to", notice.cmid}};
    return json::parse(vk.control("say", act.dump())).value("event_id", "");
  };
  vk.say(kOperator, "кто возьмёт?", {kStaffRoom});
  answer_notice("беру");
  const auto last = vk.staff_says(kOperator, kStaffRoom, "/bot_on");  // in the community's name: nobody's
  EXPECT_TRUE(last.event_id.empty() || vk.wait_until_confirmed(last.event_id, kPatience));
  vk.say(kAnna, "Когда?");
  EXPECT_THAT(vk.messages(kStaffRoom), SizeIs(1)) << "the bot joined the talk of staff";
  answer_notice("/bot_on");
  EXPECT_THAT(next(kAnna, 2)[1].text, HasSubstr("Выберите"));
  EXPECT_THAT(next_text(kStaffRoom), HasSubstr("Бот снова отвечает"));
  stop_vk();
}

TEST_F(VkServeTest, WhatWasWrittenWhileTheBotWasDownIsPlayedOnce) {
  folder.write("echo.yaml", kEcho);
  start_vk("echo.yaml");
  vk.say(kAnna, "начать");
  next(kAnna, 2);
  stop_vk();
  vk.say(kAnna, "раз");
  vk.say(kAnna, "два");
  start_vk("echo.yaml");
  EXPECT_EQ(next_text(), "Вы сказали: раз");
  EXPECT_EQ(next_text(), "Вы сказали: два");
  vk.lose_next_events(1);  // and what VK itself lost
  vk.say(kAnna, "три");
  EXPECT_EQ(next_text(), "Вы сказали: три");
  vk.lose_long_poll();
  vk.say(kAnna, "четыре");
  EXPECT_EQ(next_text(), "Вы сказали: четыре");
  vk.expire_long_poll_key();
  vk.say(kAnna, "пять");
  EXPECT_EQ(next_text(), "Вы сказали: пять");
  stop_vk();
}

TEST_F(VkServeTest, WhatWasWrittenToANewBotWhileItWasDownIsPlayed) {
  folder.write("echo.yaml", kEcho);
  start_vk("echo.yaml");
  stop_vk();  // nobody has written yet
  vk.say(kAnna, "начать");
  start_vk("echo.yaml");
  EXPECT_EQ(next(kAnna, 2)[0].text, "Привет");
  stop_vk();
}

TEST_F(VkServeTest, ALostAnswerMakesNoSecondMessage) {
  folder.write("echo.yaml", kEcho);
  start_vk("echo.yaml");
  vk.say(kAnna, "начать");
  next(kAnna, 2);
  vk.fail_next({.kind = "lost_answer", .method = "messages.send"});
  vk.say(kAnna, "раз");
  EXPECT_EQ(next_text(), "Вы сказали: раз");
  vk.say(kAnna, "два");
  EXPECT_EQ(next_text(), "Вы сказали: два");
  stop_vk();
}

TEST_F(VkServeTest, OneBotOnBothPlatformsKeepsTwoAccountsApart) {
  telegram.add_user({kAnna, "Анна", {}, {}, "ru"});
  start_vk(orders_scenario(), "telegram:" + std::to_string(kAdmin), true);
  telegram.say(kAnna, "/start");
  messages(kAnna, 2);
  fill_in_until_documents();
  vk.send_files(kAnna, {{.kind = "photo", .bytes = fakes::make_png(40, 30)}});
  EXPECT_THAT(next_text(), HasSubstr("Принято: 1"));
  vk.press(kAnna, "Готово");
  next(kAnna, 1);
  vk.press(kAnna, "Пропустить");
  next(kAnna, 1);
  vk.press(kAnna, "Всё верно");
  EXPECT_THAT(next_text(), HasSubstr("Заказ №1 записан"));
  // The digest goes to Telegram, and the photo with it.
  std::string text, bytes;
  for (const auto& message : telegram.wait_for_messages(kAdmin, 1, kPatience)) {
    text += message.text;
    for (const auto& file : message.files) bytes += telegram.file_bytes(file.file_id);
  }
  EXPECT_THAT(text, HasSubstr("Анна Петрова"));
  EXPECT_EQ(bytes, fakes::make_png(40, 30));
  // In Telegram the same person is somebody else, at another place.
  telegram.say(kAnna, "/help");
  EXPECT_THAT(messages(kAnna, 4)[3].text, HasSubstr("Выберите"));
  // The admin wakes the bot from Telegram.
  telegram.say(kAdmin, "/bot_on 1");
  EXPECT_THAT(next(kAnna, 2)[1].text, HasSubstr("Выберите"));
  stop_vk();
}

TEST_F(VkServeTest, ARevokedTokenStopsOnlyVk) {
  telegram.add_user({kAnna, "Анна", {}, {}, "ru"});
  folder.write("echo.yaml", kEcho);
  start_vk("echo.yaml", "telegram:" + std::to_string(kAdmin), true);
  vk.revoke_token();
  vk.close_connections();
  EXPECT_EQ(say(kAnna, "/start", 2).text, "Вы сказали: ничего");
  stop();
}

TEST_F(VkServeTest, AServerThatVkHadSuspendedHearsWhatWasWrittenMeanwhile) {
  vk.control("options", R"({"callback_time_scale":0.01,"suspend_after":2,"suspension_s":60})");
  folder.write("echo.yaml", kEcho);
  const std::string address = "127.0.0.1:" + std::to_string(free_port());
  folder.write("sufler.yaml", "database: \"sqlite:data.db\"\nhttp: {listen: \"" + address + "\", public_url: \"http://" +
                                  address + "\"}\nbots:\n  shop:\n    scenario: echo.yaml\n" +
                                  vk_part(", mode: callback, secret: a-secret-of-the-shop"));
  launch();
  ASSERT_TRUE(vk.wait_until_webhook_is("ok", 1, kPatience)) << sufler->output();
  vk.say(kAnna, "начать");
  next(kAnna, 2);
  sufler->signal(SIGTERM);
  EXPECT_EQ(sufler->wait(kPatience), 0) << sufler->output();
  for (const char* text : {"раз", "два"}) vk.say(kAnna, text);
  ASSERT_TRUE(vk.wait_until_webhook_is("suspended", 1, kPatience));
  launch();
  const auto heard = next(kAnna, 2);
  EXPECT_THAT((std::set<std::string>{heard[0].text, heard[1].text}), testing::SizeIs(2));
  sufler->signal(SIGTERM);
  EXPECT_EQ(sufler->wait(kPatience), 0) << sufler->output();
}

TEST_F(VkServeTest, WhatVkGaveUpOnWhileTheProgramWasDownIsAnsweredOnceAndInOrder) {
  vk.control("options", R"({"callback_time_scale":0.0001,"suspend_after":0})");  // gives up after 0.6 s
  folder.write("echo.yaml", kEcho);
  const std::string address = "127.0.0.1:" + std::to_string(free_port());
  const auto serve_by_calls = [&] {
    folder.write("sufler.yaml", "database: \"sqlite:data.db\"\nhttp: {listen: \"" + address + "\", public_url: \"http://" +
                                    address + "\"}\nbots:\n  shop:\n    scenario: echo.yaml\n" +
                                    vk_part(", mode: callback, secret: a-secret-of-the-shop"));
    launch();
  };
  const auto stop_calls = [&] {
    sufler->signal(SIGTERM);
    EXPECT_EQ(sufler->wait(kPatience), 0) << sufler->output();
  };
  serve_by_calls();
  ASSERT_TRUE(vk.wait_for_calls("groups.setCallbackSettings", 1, kPatience)) << sufler->output();
  ASSERT_TRUE(vk.wait_until_webhook_is("ok", 1, kPatience)) << sufler->output();
  stop_calls();
  // By long poll for a while; what VK calls meanwhile nobody takes.
  start_vk("echo.yaml");
  vk.say(kAnna, "начать");
  next(kAnna, 2);
  stop_vk();
  std::string last;
  for (const char* text : {"раз", "два", "три"}) last = vk.say(kAnna, text).event_id;
  ASSERT_TRUE(vk.wait_for_delivery(last, 6, kPatience));
  serve_by_calls();
  const auto heard = next(kAnna, 3);
  EXPECT_THAT(heard[0].text, HasSubstr("раз"));
  EXPECT_THAT(heard[1].text, HasSubstr("два"));
  EXPECT_THAT(heard[2].text, HasSubstr("три"));
  vk.say(kAnna, "четыре");
  EXPECT_THAT(next_text(), HasSubstr("четыре"));
  stop_calls();
  EXPECT_THAT(vk.messages(kAnna), SizeIs(seen_[kAnna]));
}

}  // namespace
}  // namespace sufler::tests

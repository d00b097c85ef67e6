// The order bot that comes with the project, played as people play it.
#include <set>

#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class OrdersTest : public ServeTest {
 protected:
  OrdersTest() {
    telegram.add_user({kAnna, "Анна", {}, {}, "ru"});
    write_config(orders_scenario());
    start();
  }

  /// The newest messages of the bot to Anna, once `more` new ones came.
  std::vector<fakes::SentMessage> next(std::size_t more) {
    seen_ += more;
    const auto all = messages(kAnna, seen_);
    return {all.end() - static_cast<std::ptrdiff_t>(more), all.end()};
  }
  std::string next_text() { return next(1).front().text; }

  /// A talk up to the question about documents.
  void fill_in_until_documents() {
    telegram.say(kAnna, "/start");
    next(2);
    order_until_documents();
  }
  /// The same once the greeting has been heard.
  void order_until_documents() {
    telegram.tap(kAnna, "Сделать заказ");
    const auto begun = next(2);
    EXPECT_THAT(begun[0].text, HasSubstr("Начинаем заказ"));
    EXPECT_THAT(begun[1].text, HasSubstr("Как к вам обращаться?"));
    telegram.say(kAnna, "Анна Петрова");
    EXPECT_THAT(next_text(), HasSubstr("По какому телефону"));
    telegram.send_contact(kAnna, "79991234567");
    EXPECT_THAT(next_text(), HasSubstr("Что нужно сделать?"));
    telegram.tap(kAnna, "Часть работы");
    EXPECT_THAT(next_text(), HasSubstr("К какому дню"));
    telegram.say(kAnna, "завтра");
    EXPECT_THAT(next_text(), HasSubstr("Опишите задачу"));
    telegram.say(kAnna, "Нужно починить");
    telegram.say(kAnna, "старый шкаф");
    EXPECT_THAT(next_text(), HasSubstr("Пришлите фотографии"));
  }

  std::size_t seen_ = 0;
};

std::vector<std::string> labels(const std::vector<std::vector<fakes::Button>>& keyboard) {
  std::vector<std::string> all;
  for (const auto& row : keyboard)
    for (const auto& button : row) all.push_back(button.label);
  return all;
}

TEST_F(OrdersTest, AnOrderReachesTheAdminWithEveryAnswerAndEveryFile) {
  telegram.say(kAnna, "/start");
  auto sent = next(2);
  EXPECT_THAT(sent[0].text, HasSubstr("Здравствуйте, Анна! Я бот"));
  EXPECT_THAT(labels(sent[1].reply_keyboard),
              ElementsAre("Сделать заказ", "Узнать цены", "Как это работает", "Позвать человека"));
  EXPECT_EQ(sent[1].reply_keyboard.size(), 2u) << "two columns";

  order_until_documents();

  telegram.send_album(kAnna, {{.kind = "photo", .bytes = fakes::make_png(40, 30)},
                              {.kind = "photo", .bytes = fakes::make_png(50, 30)}});
  telegram.send_file(kAnna, {.kind = "document", .bytes = "%PDF-1.4 plan", .name = "план.pdf"});
  EXPECT_THAT(next_text(), HasSubstr("Принято: 3"));
  telegram.tap(kAnna, "Готово");
  EXPECT_THAT(next_text(), HasSubstr("Хотите что-нибудь добавить"));
  telegram.say(kAnna, "Жду <звонка> & *ответа*");
  const auto check = next(1).front();
  EXPECT_THAT(check.text,
              AllOf(HasSubstr("Анна Петрова"), HasSubstr("Часть работы"), HasSubstr("старый шкаф"),
                    HasSubstr("Файлов: 3"), HasSubstr("Жду <звонка> & *ответа*")));
  EXPECT_THAT(labels(check.inline_keyboard),
              ElementsAre("Всё верно", "Заполнить заново", "Отменить заказ"));

  const std::string press = telegram.press(kAnna, "Всё верно");
  EXPECT_THAT(next_text(), AllOf(HasSubstr("Заказ №1 записан"), HasSubstr("/bot")));

  // One digest: its text comes once, and with it all files that Anna sent, whole.
  std::vector<fakes::SentMessage> digest = telegram.wait_for_messages(kAdmin, 4, kPatience);
  std::string text;
  std::multiset<std::string> bytes;
  for (const auto& message : digest) {
    EXPECT_TRUE(text.empty() || message.text.empty()) << "a second text: " << message.text;
    text += message.text;
    for (const auto& file : message.files) bytes.insert(telegram.file_bytes(file.file_id));
  }
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("Заказ №1"), HasSubstr("Имя: Анна Петрова"), HasSubstr("+7 999 123-45-67"),
            HasSubstr("Часть работы"), HasSubstr("Нужно починить\nстарый шкаф"),
            HasSubstr("<звонка> & *ответа*"), HasSubstr("Файлов: 3"), HasSubstr("telegram 501")));
  EXPECT_THAT(bytes, testing::UnorderedElementsAre(fakes::make_png(40, 30), fakes::make_png(50, 30),
                                                   "%PDF-1.4 plan"));

  // Silence, and the word that ends it.
  telegram.say(kAnna, "А когда ответят?");
  const std::int64_t last = telegram.say(kAnna, "Ау!");
  EXPECT_TRUE(telegram.wait_until_confirmed(last, kPatience));
  telegram.say(kAnna, "/bot");
  sent = next(2);
  EXPECT_THAT(sent[0].text, HasSubstr("Здравствуйте, Анна"));
  EXPECT_THAT(sent[1].text, HasSubstr("Выберите, что сделать"));

  // It goes beside the messages.
  EXPECT_TRUE(telegram.wait_for_calls("answerCallbackQuery", 1, kPatience));
  EXPECT_TRUE(telegram.is_answered(press));
  EXPECT_EQ(telegram.calls("answerCallbackQuery").size(), 1u);
  for (const auto& call : telegram.calls()) EXPECT_TRUE(call.ok) << call.method << call.description;
}

TEST_F(OrdersTest, ThePriceListIsUploadedOnceAndThenSentByItsId) {
  telegram.say(kAnna, "/start");
  next(2);
  telegram.tap(kAnna, "Узнать цены");
  const auto first = next(2).front();
  ASSERT_EQ(first.files.size(), 1u);
  EXPECT_EQ(first.method, "sendDocument");
  EXPECT_EQ(first.files[0].name, "price.txt");
  EXPECT_EQ(telegram.file_bytes(first.files[0].file_id),
            read_file(orders_scenario() + "/files/price.txt"));
  EXPECT_THAT(first.text, HasSubstr("файл с ценами"));

  telegram.tap(kAnna, "Узнать цены");
  const auto second = next(2).front();
  ASSERT_EQ(second.files.size(), 1u);
  EXPECT_EQ(second.files[0].file_id, first.files[0].file_id);
}

TEST_F(OrdersTest, AButtonOfAnOldMessageIsAnsweredAndChangesNothing) {
  fill_in_until_documents();
  telegram.tap(kAnna, "Пропустить");
  next(1);
  telegram.tap(kAnna, "Пропустить");
  next(1);
  const std::string sent = telegram.press(kAnna, "Всё верно");
  EXPECT_THAT(next_text(), HasSubstr("Заказ №1 записан"));
  const std::string again = telegram.press(kAnna, "Всё верно");
  EXPECT_TRUE(telegram.wait_for_calls("answerCallbackQuery", 2, kPatience));
  EXPECT_TRUE(telegram.is_answered(sent));
  EXPECT_TRUE(telegram.is_answered(again));
  EXPECT_EQ(messages(kAdmin, 1).size(), 1u) << "no second order";
}

TEST_F(OrdersTest, TheMenuOfCommandsIsTold) {
  EXPECT_TRUE(telegram.wait_for_calls("setMyCommands", 1, kPatience));
  const auto commands = json::parse(telegram.control("commands"));
  ASSERT_EQ(commands.size(), 1u);
  std::vector<std::string> words;
  for (const auto& command : *commands.begin()) words.push_back(command["command"]);
  EXPECT_THAT(words, ElementsAre("menu", "help", "back", "cancel", "person"));
}

TEST_F(OrdersTest, AQuestionnaireGoesOnAtTheSameQuestionAfterARestart) {
  telegram.say(kAnna, "/start");
  next(2);
  telegram.tap(kAnna, "Сделать заказ");
  next(2);
  telegram.say(kAnna, "Анна Петрова");
  EXPECT_THAT(next_text(), HasSubstr("По какому телефону"));

  stop();
  telegram.say(kAnna, "8 912 345-67-89");
  start();
  EXPECT_THAT(next_text(), HasSubstr("Что нужно сделать?"));

  stop();
  start();
  telegram.tap(kAnna, "Только совет");
  EXPECT_THAT(next_text(), HasSubstr("К какому дню"));
  telegram.say(kAnna, "назад");
  EXPECT_THAT(next_text(), AllOf(HasSubstr("Что нужно сделать?"), HasSubstr("Только совет")));
}

TEST_F(OrdersTest, AMessageThatIsStillGatheredSurvivesAKill) {
  telegram.say(kAnna, "/start");
  next(2);
  telegram.tap(kAnna, "Сделать заказ");
  next(2);
  telegram.say(kAnna, "Анна");
  next(1);
  telegram.say(kAnna, "89123456789");
  next(1);
  telegram.tap(kAnna, "Только совет");
  next(1);
  telegram.say(kAnna, "завтра");
  next(1);
  const auto part = telegram.say(kAnna, "Нужно починить стол");
  ASSERT_TRUE(telegram.wait_until_confirmed(part, kPatience));
  sufler->kill();
  start();
  // What was sent just before a kill may be seen twice; then the next question comes.
  std::vector<fakes::SentMessage> sent;
  do {
    sent = next(1);
  } while (sent[0].text.find("Опишите задачу") != std::string::npos);
  EXPECT_THAT(sent[0].text, HasSubstr("Пришлите фотографии"));
}

}  // namespace
}  // namespace sufler::tests

// What a model says, and what of it people see.
#include "interpreter/core/assistants/answer.h"

#include <gmock/gmock.h>

#include "interpreter/core/assistants/masks.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

std::string shown(std::string_view text, const std::vector<std::string>& hosts = {}, bool cut = false) {
  return shown_answer(text, hosts, "[ссылка]", cut);
}

// ---- results of jobs

TEST(ModelAnswerTest, AResultIsReadAndTheFirstCallCounts) {
  ValueMap first, second, usage, result;
  first.set("id", "a");
  first.set("name", "x");
  first.set("arguments", "{}");
  second.set("name", "y");
  usage.set("in", 82);
  usage.set("out", 17);
  result.set("text", Value());
  result.set("calls", List{Value(first), Value(second)});
  result.set("finish", "tools");
  result.set("usage", usage);
  const auto answer = read_model_answer(Value(result));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->call, (ModelCall{"a", "x", "{}"}));
  EXPECT_EQ(answer->tokens_in, 82u);
  EXPECT_EQ(answer->tokens_out, 17u);
}

TEST(ModelAnswerTest, WhatIsNoResultGivesNoAnswer) {
  EXPECT_FALSE(read_model_answer(Value("text")));
  ValueMap map;
  map.set("calls", List{Value("x")});
  EXPECT_FALSE(read_model_answer(Value(map)));
}

TEST(ModelAnswerTest, AnObjectIsFoundInAFenceAndAmongWords) {
  EXPECT_EQ(*object_in("```json\n{\"a\": 1}\n```")->find("a"), Value(1));
  EXPECT_EQ(*object_in("Вот: {\"a\": {\"b\": 2}} готово")->find("a")->map()->find("b"), Value(2));
  EXPECT_FALSE(object_in("{\"a\": "));
  EXPECT_FALSE(object_in("} {"));
  EXPECT_FALSE(object_in("нет"));
}

// ---- what is shown

TEST(ShownAnswerTest, MarksOfMarkdownAreLeftOut) {
  EXPECT_EQ(shown("# Цены\n\n**Тачка** — `4990` ₽\n* раз\n* два\n```\nкод\n```"), "Цены\n\nТачка — 4990 ₽\n- раз\n- два\nкод");
  EXPECT_EQ(shown("2 * 3 = 6, snake_case"), "2 * 3 = 6, snake_case");
}

TEST(ShownAnswerTest, LinksGoWhereTheAuthorAllowedThem) {
  const std::vector<std::string> hosts = {"example.com"};
  EXPECT_EQ(shown("см. https://example.com/a и https://shop.example.com.", hosts), "см. https://example.com/a и https://shop.example.com.");
  EXPECT_EQ(shown("см. https://evil.net/x.", hosts), "см. [ссылка].");
  EXPECT_EQ(shown("см. https://example.com.evil.net/x", hosts), "см. [ссылка]");
  EXPECT_EQ(shown("см. https://example.com@evil.net/x", hosts), "см. [ссылка]");
  EXPECT_EQ(shown("см. https://notexample.com", hosts), "см. [ссылка]");
  EXPECT_EQ(shown("[цены](https://evil.net) и [наши](https://example.com/p)", hosts), "цены ([ссылка]) и наши (https://example.com/p)");
}

TEST(ShownAnswerTest, ALinkInAnyDressIsALink) {
  for (const char* text : {"evil.net", "www.evil.com/x", "HTTP://EVIL.NET", "tg://user?id=1", "javascript:alert(1)", "ftp://a.b", "t.me/evil",
                           "evil.ai/pay", "bit.do/x", "evil.eu", "сбер.рф", "Сбер.РФ/вход", "скидки.онлайн",
                           "https://пример.рф/x"})
    EXPECT_EQ(shown(text), "[ссылка]") << text;
  EXPECT_EQ(shown("сайт:evil.com"), "сайт:[ссылка]");
}

TEST(ShownAnswerTest, WhatIsNoLinkStays) {
  for (const char* text : {"и т.д. и т.п.", "2.5 кг", "Конец.Начало", "file.txt", "e.g. this", "a.m", "кв.м", "ул.Ленина", "в 12:30", "почта@example.com"})
    EXPECT_EQ(shown(text), text) << text;
}

TEST(ShownAnswerTest, AFloodIsCutAtASentence) {
  std::string flood;
  for (int i = 0; i < 20'000; ++i) flood += "Слово. ";
  const std::string text = shown(flood);
  EXPECT_LE(count_code_points(text), kMostShown + 2);
  EXPECT_THAT(text, ::testing::EndsWith("Слово. …"));
}

TEST(ShownAnswerTest, ACutAnswerDoesNotEndInHalfASentence) {
  EXPECT_EQ(shown("Одно целое предложение. Второе обор", {}, true), "Одно целое предложение. …");
  EXPECT_EQ(shown("Ни одного целого предложен", {}, true), "Ни одного целого предложен…");
}

TEST(ShownAnswerTest, ControlCharactersDoNotReachThePerson) { EXPECT_EQ(shown("a\x1b[2Jб\u202eв"), "a[2Jбв"); }

// ---- RELIABILITY, abuse 18

TEST(ClaimsPeopleTest, ATextThatSaysThatPeopleWereCalledIsFound) {
  for (const char* text :
       {"Оператор уже в пути!", "Я позвал менеджера, подождите.", "Соединяю вас со специалистом", "Сейчас подключится наш сотрудник.",
        "Передал ваш вопрос коллегам.", "An operator is on the way.", "I've notified our support team.", "Connecting you to a human agent",
        "A manager will contact you shortly."})
    EXPECT_TRUE(claims_people(text)) << text;
}

TEST(ClaimsPeopleTest, ATextThatOnlySpeaksOfPeopleIsNot) {
  for (const char* text : {"Хотите поговорить с оператором?", "Наши менеджеры работают с 9 до 18.", "Чтобы позвать человека, напишите «оператор».",
                           "Тачка в пути. Оператор нужен?", "Do you want to talk to an operator?", "Our agents work from 9 to 5."})
    EXPECT_FALSE(claims_people(text)) << text;
}

TEST(HostsInTest, HostsThatAnAuthorNamedAreKnown) {
  EXPECT_THAT(hosts_in("См. https://www.Example.com/a, shop.ru и почту a@b.com"), ::testing::ElementsAre("example.com", "shop.ru"));
}

// ---- personal data

TEST(MasksTest, AValueIsHiddenAndComesBack) {
  Masks masks;
  masks.add("phone", "+79123456789", true);
  const std::string hidden = masks.hide("звоните +79123456789 или 8 (912) 345-67-89, заказ 12345");
  EXPECT_EQ(hidden, "звоните ⟦phone⟧ или ⟦phone⟧, заказ 12345");
  EXPECT_EQ(masks.show("Позвоним на ⟦phone⟧."), "Позвоним на +79123456789.");
}

TEST(MasksTest, ASecretStaysHidden) {
  Masks masks;
  masks.add("code", "крокодил", false);
  EXPECT_EQ(masks.hide("код крокодил"), "код ⟦code⟧");
  EXPECT_EQ(masks.show("код ⟦code⟧"), "код ⟦code⟧");
}

TEST(MasksTest, TheLongerValueIsHiddenFirst) {
  Masks masks;
  masks.add("name", "Анна", true);
  masks.add("full", "Анна Петрова", true);
  EXPECT_EQ(masks.hide("Анна Петрова и Анна"), "⟦full⟧ и ⟦name⟧");
}

TEST(MasksTest, OtherNumbersStay) {
  Masks masks;
  masks.add("phone", "+79123456789", true);
  EXPECT_EQ(masks.hide("79123456780 и 345-67-89"), "79123456780 и 345-67-89");
}

// ---- marks of what was found

TEST(MarksTest, AreTakenOutAndNameTheirPiecesOnce) {
  std::string text = "Доставка стоит 500 рублей [2]. Привезём завтра [1] [2].";
  EXPECT_EQ(take_marks(text, {"Сроки", "Доставка › По Москве"}), (std::vector<std::string>{"Доставка › По Москве", "Сроки"}));
  EXPECT_EQ(text, "Доставка стоит 500 рублей. Привезём завтра.");
}

TEST(MarksTest, NumbersOfNothingStayAsTheyAre) {
  std::string text = "См. [3], [0], [], [12а] и [";
  EXPECT_TRUE(take_marks(text, {"Сроки"}).empty());
  EXPECT_EQ(text, "См. [3], [0], [], [12а] и [");
  text = "[1]";
  EXPECT_TRUE(take_marks(text, {}).empty());
  EXPECT_EQ(text, "[1]");
}

// ---- answers that still grow

std::string growing(std::string_view text) { return growing_answer(text, {"shop.example.com"}, "[ссылка]"); }

TEST(GrowingAnswerTest, OnlyWholeSentencesAreShown) {
  EXPECT_EQ(growing(""), "");
  EXPECT_EQ(growing("Есть две"), "");
  EXPECT_EQ(growing("Есть две тачки."), "") << "the next letter may make it 2.5";
  EXPECT_EQ(growing("Есть две тачки. Первая сто"), "Есть две тачки.");
  EXPECT_EQ(growing("Цены:\n— 2990"), "Цены:");
  EXPECT_EQ(growing("Смотрите shop.exa"), "");
}

TEST(GrowingAnswerTest, WhatIsShownBeginsTheWholeAnswer) {
  const std::string whole = "**Есть** две тачки. Подробнее: https://evil.example.org/a и https://shop.example.com. Какая нужна? Скажите!";
  const std::string shown = shown_answer(whole, {"shop.example.com"}, "[ссылка]", false);
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    const std::string part = growing(std::string_view(whole).substr(0, length));
    EXPECT_EQ(shown.substr(0, part.size()), part);
  }
}

TEST(GrowingAnswerTest, WhatOnlyTheWholeAnswersCheckLetsThroughIsNotShown) {
  EXPECT_EQ(growing("Хорошо. Ваш номер ⟦phone⟧ записан. Спасибо. "), "Хорошо.");
  EXPECT_EQ(growing("Хорошо. Я позвал оператора. Он "), "");
}

}  // namespace
}  // namespace sufler

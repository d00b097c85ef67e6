#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "expressions/test_scope.h"

namespace sufler {
namespace {

struct Case {
  std::string source;
  std::string shown;
};

class EvaluationTest : public ::testing::Test {
 protected:
  EvaluationTest() {
    ValueMap user;
    user.set("first_name", "Анна");
    user.set("vip", true);
    user.set("last_name", "");
    scope.values["user"] = Value(std::move(user));
    scope.values["price"] = Value(*Decimal::parse("2.5"));
    scope.values["count"] = 3;
    scope.values["имя"] = "Пётр";
    scope.values["city"] = "Санкт-Петербург";
    scope.values["cart"] = Value(List{"чай", "кофе", "чай"});
    List orders;
    for (const auto& [id, status, sum] :
         {std::tuple{2, "paid", 300}, std::tuple{1, "new", 150}, std::tuple{3, "new", 50}}) {
      ValueMap order;
      order.set("id", id);
      order.set("status", status);
      order.set("sum", sum);
      orders.emplace_back(std::move(order));
    }
    scope.values["orders"] = Value(std::move(orders));
    scope.values["birthday"] = Value(*Date::parse_iso("2026-03-15"));
    scope.values["due"] = Value(*TimeOfDay::parse("09:30"));
    Attachment photo;
    photo.kind = AttachmentKind::Photo;
    photo.name = "дом.jpg";
    photo.size = 1024;
    photo.caption = "фасад";
    photo.mime = "image/jpeg";
    scope.values["photo"] = Value(photo);
  }

  void expect(const std::vector<Case>& cases) const {
    for (const Case& one : cases) EXPECT_EQ(shown(one.source, scope), one.shown) << one.source;
  }

  TestScope scope;
};

TEST_F(EvaluationTest, ReadsLiterals) {
  expect({{"12", "12"},
          {"2.50", "2,5"},
          {"-3", "-3"},
          {"'текст'", "текст"},
          {"\"text\"", "text"},
          {R"('It\'s')", "It's"},
          {R"("a\"b")", "a\"b"},
          {R"('a\nb\\c')", "a\nb\\c"},
          {"true", "да"},
          {"false", "нет"},
          {"null", ""},
          {"истина", "да"},
          {"ложь", "нет"},
          {"пусто", ""},
          {"[1, 'б', true]", "1, б, да"},
          {"[]", ""},
          {"{a: 1, 'b c': 2}['b c']", "2"},
          {"{имя: 'Анна'}.имя", "Анна"},
          {"  \n 1 ", "1"}});
}

TEST_F(EvaluationTest, KeepsThePrecedenceOfOperators) {
  expect({{"2 + 3 * 4", "14"},
          {"(2 + 3) * 4", "20"},
          {"10 - 4 - 3", "3"},
          {"12 / 3 / 2", "2"},
          {"-2 * 3", "-6"},
          {"2 - -3", "5"},
          {"2 * -3", "-6"},
          {"7 % 3 + 1", "2"},
          {"1 + 2 == 3", "да"},
          {"not 1 == 2", "да"},
          {"not false and false", "нет"},
          {"true or false and false", "да"},
          {"(true or false) and false", "нет"},
          {"1 < 2 and 2 < 3", "да"},
          {"not 1 in [2]", "да"},
          {"1 not in [2]", "да"},
          {"1 + 1 if false else 2 + 2", "4"},
          {"1 if true else 2 if true else 3", "1"},
          {"1 if false else 2 if false else 3", "3"},
          {"true or true if false else false", "нет"},
          {"-2.5 | round", "-3"},
          {"-(2.5 | round)", "-3"},
          {"1 + 2.5 | round", "4"},
          {"'a' + 'b' | upper", "aB"},
          {"('a' + 'b') | upper", "AB"},
          {"2 * 3 | text | length", "2"},
          {"'a' == 'A' | lower", "да"},
          {"cart | first | upper", "ЧАЙ"},
          {"(orders | first).id", "2"},
          {"orders | map('id') | last", "3"}});
}

TEST_F(EvaluationTest, UnderstandsRussianWords) {
  expect({{"истина и не ложь", "да"},
          {"ложь или истина", "да"},
          {"2 в [1, 2]", "да"},
          {"2 не в [1, 2]", "нет"},
          {"'да' если истина иначе 'нет'", "да"},
          {"имя | заглавными", "ПЁТР"},
          {"имя | строчными", "пётр"},
          {"'анна' | с_заглавной", "Анна"},
          {"' а ' | обрезать", "а"},
          {"cart | длина", "3"},
          {"cart | первый", "чай"},
          {"cart | последний", "чай"},
          {"cart | соединить('; ')", "чай; кофе; чай"},
          {"нет_такого | по_умолчанию('—')", "—"},
          {"2.345 | округлить(2)", "2,35"},
          {"'2,5' | число", "2,5"},
          {"'2,5' | целое", "2"},
          {"12500 | деньги", "12\u00A0500\u00A0₽"},
          {"5 | множественное('заказ', 'заказа', 'заказов')", "заказов"},
          {"orders | где('status', 'new') | поле('id') | упорядочить", "1, 3"},
          {"cart | без_повторов", "чай, кофе"},
          {"сегодня() + (1 | дней)", "16 марта 2026"},
          {"дата('2026-05-09')", "9 мая 2026"},
          {"длительность('2ч') | минут", "120"},
          {"день_недели(сегодня())", "7"},
          {"'Привет!' похоже 'привет'", "да"},
          {"birthday.год", "2026"},
          {"photo.имя", "дом.jpg"}});
}

TEST_F(EvaluationTest, CountsExactly) {
  expect({{"0.1 + 0.2", "0,3"},
          {"0.1 + 0.2 == 0.3", "да"},
          {"price * count", "7,5"},
          {"10 / 4", "2,5"},
          {"1 / 3", "0,333333333333"},
          {"2 / 3", "0,666666666667"},
          {"7 % 3", "1"},
          {"-1 % 7", "6"},
          {"1000000", "1000000"},
          {"2.5 | round", "3"},
          {"-2.5 | round", "-3"},
          {"3.14159 | round(2)", "3,14"},
          {"1250 | round(-2)", "1300"},
          {"1 / 0", "!DivisionByZero"},
          {"1 % 0", "!DivisionByZero"}});
}

TEST_F(EvaluationTest, NullComparesFalseAndDoesNotCount) {
  expect({{"unknown", ""},
          {"unknown == null", "да"},
          {"unknown != null", "нет"},
          {"null == null", "да"},
          {"null < 1", "нет"},
          {"null >= 1", "нет"},
          {"unknown > unknown", "нет"},
          {"unknown == 0", "нет"},
          {"unknown != 0", "да"},
          {"unknown in [1]", "нет"},
          {"1 in unknown", "нет"},
          {"unknown like 'a'", "нет"},
          {"unknown + 1", "!NullArithmetic"},
          {"1 - unknown", "!NullArithmetic"},
          {"-unknown", "!NullArithmetic"},
          {"unknown + 'a'", "!NullArithmetic"},
          {"unknown.member.of", ""},
          {"unknown[0]", ""},
          {"user.nothing", ""},
          {"unknown | upper", ""},
          {"unknown | length", "0"},
          {"unknown | tokens", "0"},
          {"'привет, мир' | tokens", "6"},
          {"[{q: 'да', a: 'нет'}, 'ещё'] | tokens", "9"},
          {"unknown | sum", "0"},
          {"not unknown", "да"},
          {"'да' if unknown else 'нет'", "нет"}});
}

TEST_F(EvaluationTest, ComparesTextsIgnoringNothing) {
  expect({{"'Ёж' == 'еж'", "нет"},
          {"'а' < 'б'", "да"},
          {"city == 'Санкт-Петербург'", "да"},
          {"'Ёжик!' like 'ежик'", "да"},
          {"'Ёжик!' not like 'ежик'", "нет"},
          {"city like ['москва', 'санкт-петербург']", "да"},
          {"'Петер' in city", "да"},
          {"'питер' in city", "нет"},
          {"'чай' in cart", "да"},
          {"'a' in {a: 1}", "да"},
          {"count == '3'", "нет"},
          {"count < 'a'", "!WrongType"},
          {"cart == ['чай', 'кофе', 'чай']", "да"}});
}

TEST_F(EvaluationTest, ComparesTimesAndDatesWithTextsThatReadAsOne) {
  scope.values["noon"] = *TimeOfDay::parse("12:00");
  scope.values["day"] = *Date::parse_iso("2026-03-15");
  scope.values["text"] = Value("когда-нибудь");
  expect({{"noon >= '09:00' and noon <= '21:00'", "да"},
          {"'13:00' > noon", "да"},
          {"noon < '9:00'", "нет"},
          {"noon == '12:00'", "да"},
          {"noon != '12:00:30'", "да"},
          {"noon in ['11:00', '12:00']", "да"},
          {"noon in ['11:00', 'полдень']", "нет"},
          {"noon not in ['полдень']", "да"},
          {"day > '2026-03-14'", "да"},
          {"day == '2026-03-15'", "да"},
          {"'2026-03-16' <= day", "нет"},
          {"day < '2026-03-15 00:01'", "да"},
          {"now() == '2026-03-15 12:00'", "да"},
          {"now() > '2026-03-15'", "да"},
          {"'2026-03-16' > now()", "да"},
          {"noon == null", "нет"},
          // What does not read as one is a mistake and not merely different.
          {"noon < text", "!BadArgument"},
          {"noon == text", "!BadArgument"},
          {"day != text", "!BadArgument"},
          {"text > now()", "!BadArgument"},
          {"now() > '12:00'", "?"},
          {"today() == 'завтра'", "?"}});
}

TEST_F(EvaluationTest, JoinsTextsAndListsOnly) {
  expect({{"'№' + (count | text)", "№3"},
          {"cart + ['сок']", "чай, кофе, чай, сок"},
          {"[1] + []", "1"},
          {"city + count", "!WrongType"},
          {"cart + 'сок'", "!WrongType"},
          {"['чай'] + 'сок'", "?"},
          {"cart - cart", "!WrongType"},
          {"count + cart", "!WrongType"}});
}

TEST_F(EvaluationTest, AndOrGiveTheValueThatDecided) {
  expect({{"user.last_name or 'без фамилии'", "без фамилии"},
          {"имя or 'гость'", "Пётр"},
          {"0 or null or 5", "5"},
          {"count and имя", "Пётр"},
          {"false and unknown + 1", "нет"},
          {"true or unknown + 1", "да"}});
}

TEST_F(EvaluationTest, ReachesMembersAndItems) {
  expect({{"user.first_name", "Анна"},
          {"user['first_name']", "Анна"},
          {"cart[0]", "чай"},
          {"cart[-1]", "чай"},
          {"cart[9]", ""},
          {"orders[1].status", "new"},
          {"имя[0]", "П"},
          {"photo.name", "дом.jpg"},
          {"photo.size / 1024", "1"},
          {"photo.kind", "photo"},
          {"photo.caption", "фасад"},
          {"photo.mime", "image/jpeg"},
          {"birthday.year", "2026"},
          {"birthday.month", "3"},
          {"birthday.day", "15"},
          {"due.hour", "9"},
          {"due.minute", "30"},
          {"now().hour", "12"},
          {"now().day", "15"},
          {"count.size", "!WrongType"},
          {"cart['a']", "!WrongType"},
          {"cart[0.5]", "!BadArgument"}});
}

TEST_F(EvaluationTest, FiltersTexts) {
  expect({{"'Ёлка' | upper", "ЁЛКА"},
          {"'ЁЛКА' | lower", "ёлка"},
          {"'анна Мария' | capitalize", "Анна Мария"},
          {"'\u00A0 x ' | trim", "x"},
          {"'привет' | length", "6"},
          {"'привет' | first", "п"},
          {"'привет' | last", "т"},
          {"'' | first", ""},
          {"'<b> & \"x\" \\'y\\'' | escape", "&lt;b&gt; &amp; &quot;x&quot; &#39;y&#39;"},
          {"'+79123456789' | phone", "+7 912 345-67-89"},
          {"'+79123456789' | mask", "+79******789"},
          {"'Анна' | mask", "А**а"},
          {"'abc' | mask", "***"},
          {"5 | text + '!'", "5!"},
          {"cart | text", "чай, кофе, чай"},
          {"'' | default('x')", "x"},
          {"unknown | default(null)", ""},
          {"0 | default(5)", "0"},
          {"false | default(true)", "нет"}});
}

TEST_F(EvaluationTest, FiltersNumbers) {
  expect({{"'2 500,50' | number", "2500,5"},
          {"'-3.7' | int", "-3"},
          {"3.7 | int", "3"},
          {"'много' | number", ""},
          {"'много' | number | default(0)", "0"},
          {"12500 | money", "12\u00A0500\u00A0₽"},
          {"12500.5 | money", "12\u00A0500,50\u00A0₽"},
          {"1234567.999 | money", "1\u00A0234\u00A0568\u00A0₽"},
          {"(-999) | money", "-999\u00A0₽"},
          {"0 | money('USD')", "0\u00A0$"},
          {"100 | money('eur')", "100\u00A0€"},
          {"1000 | money('XAU')", "1\u00A0000\u00A0XAU"},
          {"10.5 | money('JPY')", "11\u00A0¥"},
          {"city | money", "!WrongType"}});
  scope.speak(Language::English);
  expect({{"12500.5 | money", "$12,500.50"},
          {"(-5) | money('GBP')", "-£5"},
          {"2.5", "2.5"},
          {"true", "yes"}});
}

TEST_F(EvaluationTest, ChoosesThePluralForm) {
  const std::string forms = " | plural('заказ', 'заказа', 'заказов')";
  for (const auto& [number, word] :
       std::vector<std::pair<std::string, std::string>>{{"1", "заказ"},
                                                        {"2", "заказа"},
                                                        {"4", "заказа"},
                                                        {"5", "заказов"},
                                                        {"0", "заказов"},
                                                        {"11", "заказов"},
                                                        {"12", "заказов"},
                                                        {"21", "заказ"},
                                                        {"22", "заказа"},
                                                        {"111", "заказов"},
                                                        {"101", "заказ"},
                                                        {"2.5", "заказа"},
                                                        {"1000000", "заказов"}}) {
    EXPECT_EQ(shown(number + forms, scope), word) << number;
  }
  expect({{"1.5 | plural('a', 'b', 'c', 'd')", "d"}});
  scope.speak(Language::English);
  expect({{"1 | plural('order', 'orders')", "order"},
          {"0 | plural('order', 'orders')", "orders"},
          {"21 | plural('order', 'orders')", "orders"},
          {"22 | plural('заказ', 'заказа', 'заказов')", "заказа"}});
}

TEST_F(EvaluationTest, FiltersListsAndMaps) {
  expect({{"cart | length", "3"},
          {"cart | join(' + ')", "чай + кофе + чай"},
          {"cart | join", "чай, кофе, чай"},
          {"cart | sort", "кофе, чай, чай"},
          {"cart | unique", "чай, кофе"},
          {"'метро белорусская' | among(['Динамо', 'Белорусская'])", "Белорусская"},
          {"'Динама' | among(['Динамо', 'Белорусская'])", "Динамо"},
          {"3 | among(['Первый', 'Второй', 'Выше второго'])", "Выше второго"},
          {"'Арбат' | among(['Динамо', 'Белорусская']) | default('нет такой')", "нет такой"},
          {"'чай' | among([])", ""},
          {"[3, 1, 2] | min", "1"},
          {"[3, 1, 2] | max", "3"},
          {"[] | max", ""},
          {"[1, 2.5, null] | sum", "3,5"},
          {"[3, 1, null, 2] | sort", "1, 2, 3, "},
          {"[1, 'a'] | sort", "!WrongType"},
          {"[1, 'a'] | max", "!WrongType"},
          {"['a'] | sum", "!WrongType"},
          {"[1, 1.0, '1'] | unique | length", "2"},
          {"[{a: 1, b: 2}, {b: 2, a: 1}] | unique | length", "1"},
          {"{a: 1, b: 2} | keys", "a, b"},
          {"{a: 1, b: 2} | values | sum", "3"},
          {"orders | map('sum') | sum", "500"},
          {"orders | where('status', 'new') | length", "2"},
          {"orders | where('status', null) | length", "0"},
          {"orders | sort('id') | map('id')", "1, 2, 3"},
          {"orders | sort('-sum') | map('sum')", "300, 150, 50"},
          {"orders | map('nothing') | length", "3"}});
}

TEST_F(EvaluationTest, CountsDatesAndTimes) {
  expect({{"today()", "15 марта 2026"},
          {"now()", "15 марта 2026, 12:00"},
          {"today() + duration('1w')", "22 марта 2026"},
          {"today() - (15 | days)", "28 февраля 2026"},
          {"(date('2026-03-20') - today()) | days", "5"},
          {"date('2026-03-20') - today() == duration('5d')", "да"},
          {"now() + duration('90m')", "15 марта 2026, 13:30"},
          {"now() - duration('1d') < now()", "да"},
          {"(now() - today()) | hours", "12"},
          {"today() + due", "15 марта 2026, 09:30"},
          {"today() + duration('90m')", "15 марта 2026, 01:30"},
          {"due + duration('1h')", "10:30"},
          {"due - duration('10h')", "23:30"},
          {"birthday == today()", "да"},
          {"birthday < date('2026-03-16')", "да"},
          {"now() >= today()", "да"},
          {"3 | hours == duration('3h')", "да"},
          {"duration('1h') * 2 == duration('2h')", "да"},
          {"90m < 2h and 90м == 1h30m", "да"},
          {"duration('3h') / 2 | minutes", "90"},
          {"(duration('3h') / 2) | minutes", "90"},
          {"duration('3h') / duration('2h')", "1,5"},
          {"weekday(today())", "7"},
          {"weekday(date('2026-03-16'))", "1"},
          {"date(now()) == today()", "да"},
          {"date('2026-03-15 12:00') == now()", "да"},
          {"today() | date", "15 марта 2026"},
          {"now() | date", "15 марта 2026"},
          {"today() | date('short')", "15.03.2026"},
          {"today() | date('d MMMM')", "15 марта"},
          {"now() | date('HH:mm')", "12:00"},
          {"date(имя)", "!BadArgument"},
          {"duration(имя)", "!BadArgument"},
          {"today() + 1", "?"},
          {"birthday + 1", "!WrongType"},
          {"date('9999-12-31') + duration('1d')", "!Overflow"}});
}

TEST_F(EvaluationTest, TakesChanceAndHoursFromTheScope) {
  scope.chance = 4;
  scope.open_rule = "support";
  expect({{"random(1, 6)", "5"},
          {"random(3, 3)", "3"},
          {"random(-2, 2)", "2"},
          {"random(6, 1)", "!BadArgument"},
          {"random(0.5, 1)", "!BadArgument"},
          {"is_working_time('support')", "да"},
          {"is_working_time()", "нет"},
          {"рабочее_время()", "нет"}});
}

TEST_F(EvaluationTest, NamesOfWordsThatAreNotReservedStayFree) {
  scope.values["like"] = "лайк";
  scope.values["date"] = "дата";
  scope.values["сегодня"] = "понедельник";
  expect({{"like", "лайк"},
          {"like like 'ЛАЙК'", "да"},
          {"date | upper", "ДАТА"},
          {"сегодня", "понедельник"}});
}

TEST_F(EvaluationTest, NamesAreComposedBeforeTheyAreLookedUp) {
  scope.values["й"] = 1;
  expect({{"\u0438\u0306", "1"}, {"cart | первы\u0438\u0306", "чай"}});
}

TEST_F(EvaluationTest, GivesNamedTextsPlain) {
  scope.text("hello", "**Здравствуйте**, {{ user.first_name }}!");
  expect({{"texts.hello", "Здравствуйте, Анна!"},
          {"тексты.hello | upper", "ЗДРАВСТВУЙТЕ, АННА!"},
          {"texts['hello']", "Здравствуйте, Анна!"},
          {"texts.nothing", ""}});
}

TEST_F(EvaluationTest, ExplainsAFailureToTheOperator) {
  const auto expression = Expression::parse("1 + price * unknown");
  ASSERT_TRUE(expression);
  const auto value = expression->evaluate(scope);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().detail, "number * null in `price * unknown`");
}

TEST_F(EvaluationTest, RefusesResultsThatAreTooLarge) {
  scope.values["long"] = std::string(200 * 1024, 'x');
  List many(9'000, Value(1));
  scope.values["many"] = Value(std::move(many));
  expect({{"(long + 'y') | length", "204801"},
          {"long + long", "!TooLarge"},
          {"[long, long] | join", "!TooLarge"},
          {"(long + '<<') | escape | length", "204808"},
          {"(many + [1]) | length", "9001"},
          {"many + many", "!TooLarge"}});
  std::string wide = "[";
  for (int i = 0; i < 10'001; ++i) wide += "1,";
  EXPECT_EQ(shown(wide + "1]", scope), "!TooLarge");
}

TEST_F(EvaluationTest, ListsThatHoldEachOtherStopGrowing) {
  scope.values["a"] = Value(List{1});
  const auto grow = Expression::parse("[a, a]");
  ASSERT_TRUE(grow);
  int rounds = 0;
  for (; rounds < 200; ++rounds) {
    const auto value = grow->evaluate(scope);
    if (!value) {
      EXPECT_EQ(value.error().problem, EvaluationProblem::TooLarge);
      break;
    }
    scope.values["a"] = *value;
  }
  EXPECT_LT(rounds, 20);
}

TEST_F(EvaluationTest, LongChainsNeedNoDepth) {
  std::string sum = "0";
  std::string all = "true";
  std::string path = "unknown";
  std::string filtered = "'x'";
  for (int i = 0; i < 8'000; ++i) {
    sum += "+1";
    all += " and 1";
    path += ".a";
    filtered += "|trim";
  }
  expect({{sum, "8000"}, {all, "1"}, {path, ""}, {filtered, "x"}});
  std::string choice;
  for (int i = 0; i < 90; ++i) choice += "1 if count == " + std::to_string(i + 10) + " else ";
  expect({{choice + "2", "2"}});
}

}  // namespace
}  // namespace sufler

#include "interpreter/core/value.h"

#include <gtest/gtest.h>

namespace sufler {
namespace {

ValueMap map_of(std::initializer_list<std::pair<const char*, Value>> items) {
  ValueMap map;
  for (const auto& [name, value] : items) map.set(name, value);
  return map;
}

Attachment photo() {
  return {AttachmentKind::Photo, "telegram", "AgAC\"x", "кот.jpg", "image/jpeg", 12345, "Мой кот"};
}

TEST(ValueTest, KeepsTheOrderOfFirstInsertion) {
  ValueMap map = map_of({{"b", 1}, {"a", 2}});
  map.set("b", 3);
  EXPECT_EQ(map.begin()->first, "b");
  EXPECT_EQ(*map.find("b"), Value(3));
  EXPECT_TRUE(map.erase("b"));
  EXPECT_FALSE(map.erase("b"));
  EXPECT_EQ(map.size(), 1u);
}

TEST(ValueTest, EqualsByMeaning) {
  EXPECT_EQ(Value(*Decimal::parse("1.50")), Value(*Decimal::parse("1.5")));
  EXPECT_FALSE(Value(1) == Value("1"));
  EXPECT_EQ(Value(List{1, "a"}), Value(List{1, "a"}));
  EXPECT_EQ(Value(map_of({{"a", 1}, {"b", 2}})), Value(map_of({{"b", 2}, {"a", 1}})));
  EXPECT_EQ(Value(photo()), Value(photo()));
}

TEST(ValueTest, HoldsNullFalseZeroAndTheEmptyForUntrue) {
  for (const Value& value :
       {Value(), Value(false), Value(0), Value(""), Value(List{}), Value(ValueMap{})}) {
    EXPECT_FALSE(value.truthy()) << to_json(value);
  }
  for (const Value& value :
       {Value(true), Value(-1), Value("0"), Value(List{Value()}), Value(Date{}), Value(TimeOfDay{}),
        Value(Duration{}), Value(photo())}) {
    EXPECT_TRUE(value.truthy()) << to_json(value);
  }
}

TEST(ValueTest, OrdersWithinATypeOnly) {
  EXPECT_TRUE(compare(Value(1), Value(2)) < 0);
  EXPECT_TRUE(compare(Value("а"), Value("б")) < 0);
  EXPECT_TRUE(compare(Value(List{1, 2}), Value(List{1, 3})) < 0);
  EXPECT_EQ(compare(Value(1), Value("1")), std::partial_ordering::unordered);
  EXPECT_EQ(compare(Value(ValueMap{}), Value(ValueMap{})), std::partial_ordering::unordered);
}

TEST(ValueTest, ShowsItselfToPeople) {
  const Locale russian{Language::Russian, *Zone::find("Europe/Moscow")};
  const Locale english{Language::English, Zone()};
  EXPECT_EQ(to_display(Value(), russian), "");
  EXPECT_EQ(to_display(Value(true), russian), "да");
  EXPECT_EQ(to_display(Value(false), english), "no");
  EXPECT_EQ(to_display(Value(*Decimal::parse("2.50")), russian), "2,5");
  EXPECT_EQ(to_display(Value(*Decimal::parse("1234567.5")), english), "1234567.5");
  EXPECT_EQ(to_display(Value(List{"Латте", 2, true}), russian), "Латте, 2, да");
  EXPECT_EQ(to_display(Value(Moment{1773565200000}), russian), "15 марта 2026, 12:00");
  EXPECT_EQ(to_display(Value(*Date::from_ymd(2026, 3, 15)), english), "March 15, 2026");
  EXPECT_EQ(to_display(Value(*TimeOfDay::parse("9:05")), russian), "09:05");
  EXPECT_EQ(to_display(Value(Duration{5'400'000}), russian), "1 час 30 минут");
  EXPECT_EQ(to_display(Value(Duration{1500}), russian), "1,5 секунды");
  EXPECT_EQ(to_display(Value(Duration{172'800'000}), english), "2 days");
  EXPECT_EQ(to_display(Value(map_of({{"a", 1}, {"b", "x"}})), russian), "a: 1, b: x");
  EXPECT_EQ(to_display(Value(photo()), russian), "кот.jpg");
}

TEST(ValueJsonTest, KeepsEveryType) {
  const List all = {
      Value(),
      true,
      false,
      Value(*Decimal::parse("-1.5")),
      "текст \"\\\n\t\x01 👍",
      Moment{-5},
      *Date::from_ymd(2026, 3, 15),
      *TimeOfDay::parse("09:00:30"),
      Duration{90'000},
      List{},
      ValueMap{},
      photo(),
      map_of({{"$number", "1.5"}, {"$$", 1}, {"", "пусто"}, {"вложено", List{1, List{2}}}})};
  const std::string json = to_json(Value(all));
  Value back;
  ASSERT_TRUE(from_json(json, back)) << json;
  EXPECT_EQ(back, Value(all)) << json;
  EXPECT_EQ(to_json(back), json);
}

TEST(ValueJsonTest, WritesWhatItPromises) {
  EXPECT_EQ(to_json(Value(*Decimal::parse("1.5"))), R"({"$number":"1.5"})");
  EXPECT_EQ(to_json(Value("a\"b")), R"("a\"b")");
  EXPECT_EQ(to_json(Value(map_of({{"a", Value()}}))), R"({"a":null})");
  EXPECT_EQ(to_json(Value("a\xFF")), "\"a\uFFFD\"");
}

TEST(ValueJsonTest, RefusesEverythingElse) {
  for (const char* json :
       {"", "1", "1.5", "nul", "[", "[null,]", "{\"a\"}", "{\"a\":null,\"a\":null}", "\"a",
        "null null", R"({"$number":"x"})", R"({"$unknown":"1"})", R"({"$number":"1","a":null})",
        R"({"a":null,"$number":"1"})", R"({"$date":"2026-02-30"})", "\"\xFF\"", "\"\n\"",
        R"("\ud800\u0041")", R"({"$file":{"kind":"tree"}})"}) {
    Value value = 1;
    EXPECT_FALSE(from_json(json, value)) << json;
    EXPECT_TRUE(value.is_null()) << json;
  }
}

TEST(ValueJsonTest, StopsAtItsDepth) {
  Value deep = 1;
  for (int i = 0; i < kMaxJsonDepth; ++i) deep = List{deep};
  Value back;
  EXPECT_TRUE(from_json(to_json(deep), back));
  EXPECT_EQ(back, deep);
  EXPECT_FALSE(from_json(std::string(100000, '['), back));
  for (int i = 0; i < 1000; ++i) deep = List{deep};
  EXPECT_TRUE(from_json(to_json(deep), back));  // cut, and still sound
}

TEST(MessageJsonTest, ReadsBackExactly) {
  Message message;
  message.text = parse_markup("**Привет**, [сайт](https://a.example/?q=1)");
  message.attachments = {photo(),
                         {AttachmentKind::Document, "scenario", "price.pdf", "", "", -1, ""}};
  message.keyboard.kind = Keyboard::Kind::Inline;
  message.keyboard.rows = {
      {{"Да", ButtonAction::Payload, "p:1", "", ButtonColor::Green}},
      {{"Сайт", ButtonAction::Url, "", "https://a.example", ButtonColor::Default},
       {"Телефон", ButtonAction::Contact, "", "", ButtonColor::Default}}};
  message.typing = Duration{2000};
  Message back;
  ASSERT_TRUE(from_json(to_json(message), back)) << to_json(message);
  EXPECT_EQ(back, message);
}

TEST(MessageJsonTest, IsShortForAPlainText) {
  Message message;
  message.text.text = "Привет";
  EXPECT_EQ(to_json(message), R"({"text":"Привет"})");
  Message back;
  EXPECT_TRUE(from_json("{}", back));
  EXPECT_EQ(back, Message());
  EXPECT_FALSE(from_json(R"({"text":1})", back));
  EXPECT_FALSE(from_json(R"({"unknown":"1"})", back));
}

}  // namespace
}  // namespace sufler

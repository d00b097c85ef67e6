#include "interpreter/core/plain_json.h"

#include <gtest/gtest.h>

namespace sufler {
namespace {

std::string back(const std::string& json) {
  const auto value = from_plain_json(json);
  return value ? to_plain_json(*value, Zone()) : "error: " + value.error();
}

TEST(PlainJsonTest, WhatIsReadIsWrittenAlike) {
  for (const char* json : {"null", "true", "0", "-12.5", R"("да")", "[]", "{}", R"({"a":[1,{"b":"в"}],"c":null})",
                           "12345678901234567890.5", R"("\"\\\n")"})
    EXPECT_EQ(back(json), json);
}

TEST(PlainJsonTest, NumbersAreExact) {
  EXPECT_EQ(back("0.1"), "0.1");
  EXPECT_EQ(back("1e3"), "1000");
  EXPECT_EQ(back("-1.25E-3"), "-0.00125");
  EXPECT_EQ(back("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(back("1.0"), "1");
  EXPECT_EQ(back("0.00012345678901234567"), "0.000123456789012346") << "as many digits as we keep";
}

TEST(PlainJsonTest, WhatIsNoJsonIsRefused) {
  for (const char* json : {"", " ", "x", "{", "[1,]", "1 2", "NaN", "\"\xff\xfe\"", "{\"a\":1}}", "1e999999"})
    EXPECT_TRUE(back(json).starts_with("error: ")) << json;
  EXPECT_TRUE(back(std::string(100'000, '[')).starts_with("error: "));
}

TEST(PlainJsonTest, OfANameThatComesTwiceTheLastOneCounts) { EXPECT_EQ(back(R"({"a":1,"b":2,"a":3})"), R"({"b":2,"a":3})"); }

TEST(PlainJsonTest, ATextHasNoNulCharacter) { EXPECT_EQ(back(R"("a\u0000b")"), R"("ab")"); }

TEST(PlainJsonTest, WhatLooksLikeAStoredValueIsAMap) {
  const auto value = from_plain_json(R"({"$file":{"reference":"/etc/passwd"}})");
  ASSERT_TRUE(value);
  EXPECT_TRUE(value->map());
  Value stored;
  ASSERT_TRUE(from_json(to_json(*value), stored));
  EXPECT_EQ(stored, *value);
}

TEST(PlainJsonTest, OurOwnTypesAreWrittenForOthers) {
  ValueMap map;
  map.set("at", Moment{1773565200000});
  map.set("day", *Date::parse_iso("2026-03-15"));
  map.set("time", *TimeOfDay::parse("9:30"));
  map.set("long", Duration{90'500});
  Attachment file;
  file.name = "a.jpg";
  file.kind = AttachmentKind::Photo;
  file.reference = "secret handle";
  map.set("file", file);
  EXPECT_EQ(to_plain_json(map, *Zone::find("Europe/Moscow")),
            R"({"at":"2026-03-15T12:00","day":"2026-03-15","time":"09:30","long":90.5,"file":{"name":"a.jpg","kind":"photo"}})");
}

}  // namespace
}  // namespace sufler

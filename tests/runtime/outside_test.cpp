// What other systems send: what proves it, and what of its body is read. Whom it is about is told by talks.
#include "interpreter/runtime/outside.h"

#include <gtest/gtest.h>

#include "interpreter/core/hmac.h"
#include "interpreter/runtime/incoming_json.h"
#include "schema/loader.h"
#include "storage/storage.h"

namespace sufler {
namespace {

constexpr const char* kSecret = "CANARY-secret-of-an-event";

std::string read(std::string_view body, bool form) {
  const auto value = read_event_body(body, form);
  if (!value) return "refused: " + value.error();
  std::string all;
  for (const auto& [name, one] : *value->map())
    all += (all.empty() ? "" : ", ") + std::string(name) + "=" + (one.text() ? *one.text() : one.number() ? one.number()->to_string() : "?");
  return all;
}

TEST(EventBodyTest, JsonAndFormsAreRead) {
  EXPECT_EQ(read(R"({"a": "x", "sum": 1500.50})", false), "a=x, sum=1500.5");
  EXPECT_EQ(read("name=%D0%90%D0%BD%D0%BD%D0%B0+B&sum=10.5&empty=&flag", true), "name=Анна B, sum=10.5, empty=, flag=");
  EXPECT_EQ(read("a=1&a=2&&=x", true), "a=2");
}

TEST(EventBodyTest, WhatIsTooMuchOrBrokenIsRefused) {
  EXPECT_FALSE(read_event_body("{", false));
  EXPECT_FALSE(read_event_body("", false));
  EXPECT_FALSE(read_event_body("{} {}", false));
  EXPECT_FALSE(read_event_body(std::string(33, '[') + std::string(33, ']'), false));
  EXPECT_TRUE(read_event_body(std::string(32, '[') + std::string(32, ']'), false));
  EXPECT_TRUE(read_event_body("\"" + std::string(100, '[') + "\"", false)) << "brackets in a text are none";
  EXPECT_FALSE(read_event_body("\"" + std::string(kMaxEventBytes, 'x') + "\"", false));
  EXPECT_FALSE(read_event_body("a=%F", true));
  EXPECT_FALSE(read_event_body("a=%FF", true)) << "no UTF-8";
  std::string many;
  for (int i = 0; i < 201; ++i) many += "f" + std::to_string(i) + "=1&";
  EXPECT_FALSE(read_event_body(many, true));
}

TEST(EventProofTest, ASecretIsComparedWhole) {
  Happening event;
  EXPECT_TRUE(is_proven(event, kSecret, kSecret, "any"));
  EXPECT_TRUE(is_proven(event, kSecret, std::string("Bearer ") + kSecret, "any"));
  EXPECT_FALSE(is_proven(event, kSecret, "CANARY-secret-of-an-even", "any"));
  EXPECT_FALSE(is_proven(event, kSecret, "", "any"));
  EXPECT_FALSE(is_proven(event, "", "", "any")) << "a secret that is not set is nobody's";
}

TEST(EventProofTest, ASignatureIsOfTheseBytes) {
  Happening event;
  event.proof = Happening::Proof::HmacSha256;
  const std::string body = R"({"sum": 1})";
  const std::string hex = hmac_sha256_hex(kSecret, body);
  EXPECT_TRUE(is_proven(event, kSecret, hex, body));
  EXPECT_TRUE(is_proven(event, kSecret, "sha256=" + hex, body));
  std::string upper = hex;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_TRUE(is_proven(event, kSecret, upper, body));
  EXPECT_FALSE(is_proven(event, kSecret, hex, body + " "));
  EXPECT_FALSE(is_proven(event, kSecret, hex.substr(0, 62), body));
  EXPECT_FALSE(is_proven(event, kSecret, kSecret, body)) << "the secret itself is no signature";
  EXPECT_FALSE(is_proven(event, "", hmac_sha256_hex("", body), body));
  // By `openssl dgst -sha256 -hmac … -binary | base64`.
  EXPECT_TRUE(is_proven(event, kSecret, "XMyIkQUoQgTcjea5lFmO75Eo2ftg8TiKX4G8a1+haLM=", body));
  EXPECT_FALSE(is_proven(event, kSecret, std::string(43, 'A') + "=", body));
}

Loaded shop(const std::string& find_user) {
  return load_scenario_text({{"shop.yaml", "scenario: shop\nlanguage: en\nbranches:\n  start:\n    - set: {user.order: \"'15'\"}\n  paid:\n    - log: paid\nevents:\n"
                                           "  paid: {webhook: pay, secret: \"${PAY_SECRET}\", " + find_user + "branch: paid}\n"}});
}

TEST(EventIntakeTest, AnotherVersionInMidSearchBeginsItAnew) {
  auto opened = Storage::open("sqlite::memory:", Durability::Normal);
  ASSERT_TRUE(opened);
  Storage storage = std::move(*opened);
  const Loaded before = shop("find_user: user.order == event.json.order, "), after = shop("");
  ASSERT_TRUE(before.program && after.program);
  ValueMap json;
  json.set("order", "15");
  EventIntake intake({.bot = "shop", .webhook = "pay", .json = Value(json), .key = {}});
  const auto looking = intake.go_on(storage, *before.program, Moment{1'000});
  ASSERT_TRUE(looking);
  ASSERT_FALSE(*looking) << "people are looked at in portions";
  const auto done = intake.go_on(storage, *after.program, Moment{1'000});
  ASSERT_TRUE(done && *done);
  EXPECT_EQ((*done)->what, EventIntake::Outcome::What::Stored) << "there is nobody to look for any more";
}

/// Whom a call finds: `found` with the user's id, or how it ended.
class FindUserTest : public ::testing::Test {
 protected:
  FindUserTest() {
    auto opened = Storage::open("sqlite::memory:", Durability::Normal);
    EXPECT_TRUE(opened);
    storage_.emplace(std::move(*opened));
    add("1", "+12025550114", "Paris");
    add("2", "+12025550115", "Paris");
    add("3", "", "Oslo");
  }
  void add(const std::string& id, const std::string& phone, const std::string& city) {
    UserRecord user;
    user.id = id;
    user.platform = "telegram";
    user.phone = phone;
    user.values.set("order", city);
    DialogRow row;
    row.state = "{}";
    row.user = to_json(user);
    const auto done = storage_->transact([&](Transaction& tx) -> Stored<Done> {
      return tx.save_dialog(DialogKey{"shop", {"telegram", id}, id}, row, true, Moment{1});
    });
    EXPECT_TRUE(done);
  }
  std::string ask(const std::string& condition, std::initializer_list<std::pair<const char*, Value>> json) {
    const Loaded loaded = shop("find_user: " + condition + ", ");
    EXPECT_TRUE(loaded.program);
    if (!loaded.program) return "not loaded";
    ValueMap map;
    for (const auto& [name, value] : json) map.set(name, value);
    EventIntake intake({.bot = "shop", .webhook = "pay", .json = Value(map), .key = {}});
    for (int portion = 0; portion < 20; ++portion) {
      const auto done = intake.go_on(*storage_, *loaded.program, Moment{1'000});
      EXPECT_TRUE(done);
      if (!done) return "error";
      if (!*done) continue;
      if ((*done)->what == EventIntake::Outcome::What::Nobody) return "nobody";
      if ((*done)->what == EventIntake::Outcome::What::Several) return "several";
      return (*done)->what == EventIntake::Outcome::What::Stored ? "one" : "another";
    }
    return "never";
  }

  std::optional<Storage> storage_;
};

TEST_F(FindUserTest, EachPartOfAConditionIsReadByTheSameRules) {
  const std::string both = "user.order == event.json.city and user.phone == event.json.phone";
  EXPECT_EQ(ask(both, {{"city", "Paris"}, {"phone", "+1 202 555-01-14"}}), "one") << "phones are written in many ways";
  EXPECT_EQ(ask(both, {{"city", "Oslo"}, {"phone", "+1 202 555-01-14"}}), "nobody");
  EXPECT_EQ(ask(both, {{"city", "Oslo"}}), "nobody") << "a call without a phone is not about whoever has none";
  EXPECT_EQ(ask("user.phone == event.json.phone and user.order == event.json.city", {{"phone", "12025550115"}}), "nobody");
  EXPECT_EQ(ask("user.order == event.json.city", {{"city", "Paris"}}), "several");
  EXPECT_EQ(ask("user.order == event.json.city and user.id == event.json.id", {{"city", "Paris"}, {"id", "2"}}), "one");
  EXPECT_EQ(ask("user.order == event.json.city and user.id == event.json.id", {{"city", "Oslo"}, {"id", "2"}}), "nobody");
}

}  // namespace
}  // namespace sufler

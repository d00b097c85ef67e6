#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "fakes/amocrm/fake_amocrm.h"
#include "fakes/common/raw_client.h"

namespace sufler::fakes {
namespace {

using ::testing::HasSubstr;

class FakeAmocrmTest : public ::testing::Test {
 protected:
  Answer call(const std::string& method, const std::string& target, const Json& body = nullptr, const std::string& token = {}) const {
    const std::string text = body.is_null() ? "" : body.dump();
    return converse(fake.port(), method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + (text.empty() ? "" : "Content-Type: application/json\r\n") +
                                     "Authorization: Bearer " + (token.empty() ? fake.options().token : token) + "\r\nContent-Length: " + std::to_string(text.size()) +
                                     "\r\n\r\n" + text);
  }
  FakeAmocrm fake{{.requests_per_second = 1'000}};
};

TEST_F(FakeAmocrmTest, NothingFoundIs204WithoutABody) {
  for (const char* target : {"/api/v4/contacts?query=79123456789", "/api/v4/contacts/5", "/api/v4/leads"}) {
    const Answer answer = call("GET", target);
    EXPECT_EQ(answer.status, 204) << target;
    EXPECT_EQ(answer.body, "");
  }
}

TEST_F(FakeAmocrmTest, FindsAPhoneHoweverItIsWritten) {
  const std::int64_t id = fake.add_contact("Анна", {"+7 (912) 345-67-89"});
  const Json answer = call("GET", "/api/v4/contacts?query=79123456789&with=leads").json();
  EXPECT_EQ(answer["_embedded"]["contacts"][0]["id"], id);
}

TEST_F(FakeAmocrmTest, TakesWhatTheDocumentationShows) {
  EXPECT_EQ(call("POST", "/api/v4/contacts", Json::parse(R"([{"first_name":"Петр","last_name":"Смирнов","custom_fields_values":[{"field_id":271316,"values":[{"value":"Директор"}]}]}])")).status, 200);
  const Json made = call("POST", "/api/v4/leads/complex", Json::parse(R"([{"name":"Заявка","price":3422,"pipeline_id":3177800,"status_id":41000003,
    "_embedded":{"contacts":[{"first_name":"Евгений","custom_fields_values":[{"field_code":"PHONE","values":[{"enum_code":"WORK","value":"+79129876543"}]}]}]},"request_id":"a"}])")).json();
  ASSERT_TRUE(made.is_array());
  EXPECT_EQ(made[0]["request_id"], Json::array({"a"}));
  const Json contact = Json::parse(fake.entity("contacts", made[0]["contact_id"]));
  EXPECT_EQ(contact["name"], "Евгений");
  EXPECT_EQ(contact["_embedded"]["leads"][0]["id"], made[0]["id"]);
}

TEST_F(FakeAmocrmTest, RefusesWhatItDoesNotAllow) {
  const auto said = [&](const Json& lead) { return call("POST", "/api/v4/leads", Json::array({lead})).body; };
  EXPECT_THAT(said({{"nmae", "x"}}), HasSubstr("nmae"));
  EXPECT_THAT(said({{"price", "5"}}), HasSubstr("\"path\":\"price\""));
  EXPECT_THAT(said({{"pipeline_id", 3177800}, {"status_id", 32392162}}), HasSubstr("status_id"));  // of the other pipeline
  EXPECT_THAT(said({{"responsible_user_id", 1}}), HasSubstr("NotSupportedChoice"));
  EXPECT_THAT(said({{"custom_fields_values", {{{"field_id", 1286575}, {"values", {{{"value", "Дача"}}}}}}}}), HasSubstr("NotSupportedChoice"));
  EXPECT_EQ(call("POST", "/api/v4/leads", Json::object()).status, 400);
  EXPECT_EQ(call("GET", "/api/v4/leads", nullptr, "wrong").status, 401);
  EXPECT_EQ(call("GET", "/api/v4/bogus").status, 404);
  EXPECT_EQ(call("GET", "/api/v4/leads?bogus=1").status, 400);
  EXPECT_TRUE(fake.ids("leads").empty());
}

TEST_F(FakeAmocrmTest, APhoneThatIsWrittenReplacesTheOthers) {
  const std::int64_t id = fake.add_contact("Анна", {"+79120000001"});
  EXPECT_EQ(call("PATCH", "/api/v4/contacts/" + std::to_string(id), Json::parse(R"({"custom_fields_values":[{"field_code":"PHONE","values":[{"value":"+79120000002","enum_code":"MOB"}]}]})")).status, 200);
  const Json contact = Json::parse(fake.entity("contacts", id));
  EXPECT_EQ(contact["custom_fields_values"][0]["values"].size(), 1U);
  EXPECT_EQ(contact["custom_fields_values"][0]["values"][0]["value"], "+79120000002");
}

TEST(FakeAmocrmLimitTest, TheEighthRequestOfASecondIsTooMany) {
  const FakeAmocrm fake;
  std::vector<int> statuses;
  for (int i = 0; i < 19; ++i) statuses.push_back(request(fake.port(), "GET", "/api/v4/account").status);
  EXPECT_EQ(std::count(statuses.begin(), statuses.begin() + 7, 401), 7);
  EXPECT_EQ(std::count(statuses.begin(), statuses.end(), 429), 11);
  EXPECT_EQ(statuses.back(), 403);
}

}  // namespace
}  // namespace sufler::fakes

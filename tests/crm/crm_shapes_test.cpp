// The payloads of the documentation: what is asked can be said by our encoder, what is answered is understood.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "interpreter/core/plain_json.h"
#include "interpreter/services/amocrm/connection.h"
#include "interpreter/services/amocrm/directory.h"
#include "interpreter/services/amocrm/encode.h"

namespace sufler::amocrm {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Kind = Outcome::Kind;

const std::string kFolder = std::string(SUFLER_SOURCE_DIR) + "/tests/data/fixtures/amocrm/";

std::string bytes(const std::string& name) {
  std::ifstream file(kFolder + name);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}
json sent(const Value& body) { return json::parse(to_plain_json(body, Zone())); }
Value parsed(const std::string& text) {
  auto value = from_plain_json(text);
  EXPECT_TRUE(value);
  return value ? *value : Value();
}
Value own(const std::string& json_text) { return parsed(json_text); }

TEST(CrmShapesTest, EveryAnswerOfTheDocumentationIsUnderstood) {
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".response.json")) continue;
    ++seen;
    const bool error = name.starts_with("error-400");
    const Outcome outcome = read_answer(error ? 400 : 200, bytes(name));
    EXPECT_EQ(outcome.kind, error ? Kind::Refused : Kind::Good) << name;
  }
  EXPECT_GT(seen, 20U);
}

TEST(CrmShapesTest, AnswersGiveTheirIds) {
  const auto first = [](const std::string& name, const std::string& what) {
    const List& all = embedded(read_answer(200, bytes(name)).value, what);
    return all.empty() ? 0 : id_in(all.front(), "id");
  };
  EXPECT_EQ(first("contacts-create.response.json", "contacts"), 40401635);
  EXPECT_EQ(first("contact-patch.response.json", "contacts"), 3);
  EXPECT_EQ(first("leads-create.response.json", "leads"), 10185151);
  EXPECT_EQ(first("leads-patch.response.json", "leads"), 54886);
  EXPECT_EQ(first("notes-create.response.json", "notes"), 76787983);
  EXPECT_EQ(first("notes-list.response.json", "notes"), 42709325);
  EXPECT_EQ(first("tasks-create.response.json", "tasks"), 4745251);
  EXPECT_EQ(first("contacts-list.response.json", "contacts"), 7143599);
  EXPECT_EQ(first("leads-list.response.json", "leads"), 19619);
  EXPECT_EQ(first("contacts-chats-link.response.json", "chats"), 26219);
  const Outcome complex = read_answer(200, bytes("leads-complex.response.json"));
  ASSERT_TRUE(complex.value.list());
  EXPECT_EQ(id_in(complex.value.list()->front(), "contact_id"), 19663157);
  const Value contact = read_answer(200, bytes("contact-get.response.json")).value;
  EXPECT_EQ(values_of(contact, "PHONE"), std::vector<std::string>{"+79123"});
  EXPECT_EQ(id_in(embedded(contact, "leads").back(), "id"), 3916883);
  EXPECT_EQ(id_in(embedded(read_answer(200, bytes("lead-get.response.json")).value, "contacts").front(), "id"), 10971465);
  EXPECT_EQ(text_in(read_answer(200, bytes("oauth-token.response.json")).value, "refresh_token"), "xxxxx");
}

TEST(CrmShapesTest, PipelinesAndTypesOfTasksByName) {
  const std::vector<Pipeline> all = read_pipelines(read_answer(200, bytes("pipelines-list.response.json")).value);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].is_main);
  EXPECT_EQ(find_named(all[0].stages, Value(" первичный контакт"))->id, 32392159);
  EXPECT_EQ(find_named(all[0].stages, Value("143"))->name, "Закрыто и не реализовано");
  EXPECT_EQ(find_named(all[0].stages, Value("Контакт")), nullptr);
  EXPECT_EQ(find_named(read_task_types(read_answer(200, bytes("account.response.json")).value), Value("Встреча"))->id, 2);
}

TEST(CrmShapesTest, ErrorsAreReadable) {
  EXPECT_EQ(read_answer(400, bytes("error-400-validation.response.json")).error,
            "amoCRM answers 400: `custom_fields_values.0.field_id`: The value you selected is not a valid choice");
  EXPECT_EQ(read_answer(403, R"({"title":"Forbidden","detail":"Account blocked","status":403})").error, "amoCRM answers 403: Account blocked");
  EXPECT_EQ(read_answer(422, "<html>").error, "amoCRM answers 422");
  EXPECT_EQ(read_answer(400, "{\"detail\":\"two\\nlines\"}").error, "amoCRM answers 400: two lines");
  for (const auto& [status, kind] : {std::pair(204, Kind::Nothing), std::pair(404, Kind::Nothing), std::pair(401, Kind::Refused), std::pair(402, Kind::Refused),
                                     std::pair(403, Kind::Refused), std::pair(429, Kind::Later), std::pair(500, Kind::Unsure), std::pair(504, Kind::Unsure), std::pair(302, Kind::Refused)})
    EXPECT_EQ(read_answer(status, "").kind, kind) << status;
  EXPECT_EQ(read_answer(200, "").kind, Kind::Nothing);
  EXPECT_EQ(read_answer(200, "<html></html>").kind, Kind::Unsure);
}

/// What is asked in the documentation, each by our encoder.
TEST(CrmShapesTest, RequestsOfTheDocumentationAreWhatWeSay) {
  {
    Entity first, second;
    first.first_name = "Петр";
    first.last_name = "Смирнов";
    first.fields = {*encode_field({{271316, "Должность"}, "POSITION", "text", {}}, Value("Директор"), Zone())};
    second.name = "Владимир Смирнов";
    second.created_by = 47272;
    second.tags = {"Тег контакта"};
    EXPECT_EQ(json::array({sent(encode(first)), sent(encode(second))}), json::parse(bytes("contacts-create.request.json")));
  }
  {
    Entity lead, contact;
    lead.name = "Название сделки";
    lead.price = 3422;
    lead.status_id = 33929749;
    lead.pipeline_id = 3383152;
    lead.request_id = "uns_qweasd";
    contact.first_name = "Евгений";
    contact.fields = {multitext("EMAIL", {"unsorted_example@example.com"}), multitext("PHONE", {"+79129876543"})};
    lead.contacts = {contact};
    json expected = json::parse(bytes("leads-complex.request.json"))[1];
    expected["_embedded"].erase("metadata");  // of a form on a site
    EXPECT_EQ(sent(encode(lead)), expected);
  }
  {
    Entity lead, contact;
    lead.name = "Название сделки";
    lead.price = 3422;
    lead.created_at = contact.created_at = 1608905348;
    lead.responsible_user_id = contact.responsible_user_id = 2004184;
    lead.status_id = 33929752;
    lead.pipeline_id = 3383152;
    lead.request_id = "qweasd";
    contact.updated_by = 0;
    contact.first_name = "Екатерина";
    contact.fields = {own(R"({"field_id":66186,"values":[{"enum_id":193200,"value":"example@example.com"}]})"), own(R"({"field_id":66192,"values":[{"enum_id":193226,"value":"+79123456789"}]})")};
    lead.contacts = {contact};
    lead.companies.emplace_back().name = "ООО Рога и Копыта";
    const Field choices{{1286575, "Удобства"}, "", "multiselect", {{2957741, "Лифт"}, {2957743, "Охрана"}}};
    lead.fields = {*encode_field({{1286573, "Поле"}, "", "text", {}}, Value("Поле текст"), Zone()),
                   *encode_field(choices, Value(List{Value("Лифт"), Value("охрана")}), Zone())};
    EXPECT_EQ(sent(encode(lead)), json::parse(bytes("leads-complex.request.json"))[0]);
  }
  {
    Entity lead;
    lead.name = "Сделка для примера 1";
    lead.created_by = 0;
    lead.price = 20000;
    lead.fields = {*encode_field({{294471, "Поле"}, "", "text", {}}, Value("Наш первый клиент"), Zone())};
    lead.tags = {"Первый тег"};
    json expected = json::parse(bytes("leads-create.request.json"))[0];
    expected["tags_to_add"].erase(1);  // we name tags
    EXPECT_EQ(sent(encode(lead)), expected);
  }
  {
    Entity lead;
    lead.id = 54886;
    lead.pipeline_id = 47521;
    lead.status_id = 143;
    lead.closed_at = 1589297221;
    lead.loss_reason_id = 7323;
    lead.updated_by = 0;
    lead.tags = {"Второй тег"};
    lead.tags_to_delete = {"Первый тег"};
    EXPECT_EQ(sent(encode(lead)), json::parse(bytes("leads-patch.request.json"))[0]);
  }
  {
    const json expected = json::parse(bytes("tasks-create.request.json"));
    EXPECT_EQ(sent(encode_task("leads", 9785993, "Встретиться с клиентом Иван Иванов", 1588885140, 1, 0, "example")), expected);
  }
  {
    const json note = sent(encode_note(167353, "Обычное примечание", ""))[0];
    EXPECT_EQ(note, json::parse(R"({"entity_id":167353,"note_type":"common","params":{"text":"Обычное примечание"}})"));
    for (const auto& [name, value] : note.items()) EXPECT_TRUE(json::parse(bytes("notes-create.request.json"))[0].contains(name)) << name;
  }
}

TEST(CrmShapesTest, PhonesThatAreThereStay) {
  const Value contact = read_answer(200, bytes("contact-get.response.json")).value;
  EXPECT_EQ(sent(*merged(contact, "PHONE", {"+79123456789"})),
            json::parse(R"({"field_id":3,"values":[{"value":"+79123","enum_id":1},{"value":"+79123456789","enum_code":"WORK"}]})"));
  EXPECT_FALSE(merged(contact, "PHONE", {"79123"}));
  EXPECT_EQ(sent(*merged(contact, "EMAIL", {"a@example.ru"})), json::parse(R"({"field_code":"EMAIL","values":[{"value":"a@example.ru","enum_code":"WORK"}]})"));
}

TEST(CrmShapesTest, PhonesOfManyHandsAreOne) {
  for (const char* text : {"+79123456789", "8 (912) 345-67-89", "79123456789", "8-912-345-67-89"}) EXPECT_EQ(plain_phone(text), "+79123456789") << text;
  EXPECT_NE(plain_phone("+791234567890"), "+79123456789");
  EXPECT_EQ(plain_phone("нет"), "");
}

}  // namespace
}  // namespace sufler::amocrm

#include "fakes/amocrm/checks.h"

#include <algorithm>
#include <map>
#include <set>

namespace sufler::fakes {
namespace {

Json field(std::int64_t id, const char* name, const char* type, const char* code = nullptr, Json enums = nullptr) {
  return {{"id", id}, {"name", name}, {"type", type}, {"code", code ? Json(code) : Json()}, {"sort", id}, {"is_api_only", false}, {"enums", std::move(enums)}};
}
Json enums(std::int64_t first, const std::vector<const char*>& values) {
  Json all = Json::array();
  for (const char* value : values) all.push_back({{"id", first++}, {"value", value}, {"sort", first}});
  return all;
}
Json status(std::int64_t pipeline, std::int64_t id, const char* name, int sort, int type = 0) {
  return {{"id", id}, {"name", name}, {"sort", sort}, {"is_editable", id != 142 && id != 143 && type == 0}, {"pipeline_id", pipeline}, {"color", "#99ccff"}, {"type", type}, {"account_id", 1231414}};
}
Json pipeline(const std::string& root, std::int64_t id, const char* name, bool main, std::vector<std::pair<std::int64_t, const char*>> own) {
  Json statuses = Json::array();
  int sort = 10;
  for (const auto& [status_id, status_name] : own) {
    statuses.push_back(status(id, status_id, status_name, sort, sort == 10 ? 1 : 0));
    sort += 10;
  }
  statuses.push_back(status(id, 142, "Успешно реализовано", 10000));
  statuses.push_back(status(id, 143, "Закрыто и не реализовано", 11000));
  return {{"id", id}, {"name", name}, {"sort", main ? 1 : 2}, {"is_main", main}, {"is_unsorted_on", true}, {"is_archive", false}, {"account_id", 1231414},
          {"_links", {{"self", {{"href", root + "/api/v4/leads/pipelines/" + std::to_string(id)}}}}}, {"_embedded", {{"statuses", statuses}}}};
}

bool is_id(const Json& json) { return json.is_number_integer() && json.get<std::int64_t>() > 0; }

const Json* find_id(const Json& list, const Json& id) {
  for (const Json& one : list)
    if (one["id"] == id) return &one;
  return nullptr;
}

void check_members(const Json& entity, const std::map<std::string, Json::value_t>& known, Complaints& complaints, const std::string& path) {
  for (const auto& [name, value] : entity.items()) {
    const auto found = known.find(name);
    if (found == known.end()) {
      complaints.add(path + name, "NotSupported", "This field is not supported.");
      continue;
    }
    const bool number = found->second == Json::value_t::number_integer;
    if (value.is_null() && name != "name") continue;
    if (number ? !value.is_number_integer() : value.type() != found->second)
      complaints.add(path + name, "InvalidType", std::string("This value should be of type ") + (number ? "int." : found->second == Json::value_t::string ? "string." : "array."));
  }
}

void check_value(const Json& field, const Json& value, Complaints& complaints, const std::string& path) {
  const std::string type = field["type"];
  if (!value.is_object()) return complaints.add(path, "InvalidType", "This value should be of type array.");
  for (const auto& [name, part] : value.items())
    if (name != "value" && name != "enum_id" && name != "enum_code") complaints.add(path + "." + name, "NotSupported", "This field is not supported.");
  const bool by_enum = value.contains("enum_id") || value.contains("enum_code");
  const auto knows = [&] {
    for (const Json& one : field["enums"].is_array() ? field["enums"] : Json::array())
      if ((value.contains("enum_id") && one["id"] == value["enum_id"]) || (value.contains("enum_code") && one["value"] == value["enum_code"])) return true;
    return false;
  };
  if (by_enum && !knows()) return complaints.add(path + ".enum_id", "NotSupportedChoice", "The value you selected is not a valid choice.");
  if (type == "select" || type == "multiselect" || type == "radiobutton") {
    if (by_enum) return;
    for (const Json& one : field["enums"])
      if (value.contains("value") && one["value"] == value["value"]) return;
    return complaints.add(path + ".value", "NotSupportedChoice", "The value you selected is not a valid choice.");
  }
  if (!value.contains("value")) return complaints.add(path + ".value", "FieldMissing", "This field is missing.");
  const Json& given = value["value"];
  if (type == "checkbox") {
    if (!given.is_boolean()) complaints.add(path + ".value", "InvalidType", "This value should be of type bool.");
  } else if (type == "date" || type == "date_time" || type == "birthday") {
    const bool rfc = given.is_string() && given.get<std::string>().size() >= 20 && given.get<std::string>()[10] == 'T';
    if (!given.is_number_integer() && !rfc) complaints.add(path + ".value", "InvalidType", "This value should be of type int.");
  } else if (type == "numeric" || type == "monetary") {
    bool good = given.is_number();
    if (given.is_string()) {
      const std::string text = given;
      good = !text.empty() && text.find_first_not_of("0123456789.-") == std::string::npos;
    }
    if (!good) complaints.add(path + ".value", "InvalidType", "This value should be of type numeric.");
  } else if (!given.is_string()) {
    complaints.add(path + ".value", "InvalidType", "This value should be of type string.");
  } else if (given.get<std::string>().empty()) {
    complaints.add(path + ".value", "IsBlank", "This value should not be blank.");
  } else if (type == "url" && given.get<std::string>().find("://") == std::string::npos) {
    complaints.add(path + ".value", "InvalidUrl", "This value is not a valid URL.");
  } else if (type == "text" && given.get<std::string>().size() > 512) {
    complaints.add(path + ".value", "TooLong", "This value is too long. It should have 256 characters or less.");
  }
}

void check_fields(const Json& fields, const Json& values, Complaints& complaints, const std::string& path) {
  if (!values.is_array()) return;
  if (values.size() > 40) complaints.add(path, "TooMany", "This collection should contain 40 elements or less.");
  std::set<std::int64_t> seen;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Json& one = values[i];
    const std::string at = path + "." + std::to_string(i);
    if (!one.is_object()) {
      complaints.add(at, "InvalidType", "This value should be of type array.");
      continue;
    }
    const Json* field = nullptr;
    for (const Json& known : fields)
      if ((one.contains("field_id") && known["id"] == one["field_id"]) || (one.contains("field_code") && known["code"] == one["field_code"])) field = &known;
    if (!field) {
      complaints.add(at + ".field_id", "NotSupportedChoice", "The value you selected is not a valid choice.");
      continue;
    }
    if (!seen.insert((*field)["id"].get<std::int64_t>()).second) complaints.add(at + ".field_id", "NotUnique", "This field comes twice.");
    for (const auto& [name, part] : one.items())
      if (name != "field_id" && name != "field_code" && name != "field_name" && name != "values") complaints.add(at + "." + name, "NotSupported", "This field is not supported.");
    const Json list = one.value("values", Json());
    if (list.is_null() && one.contains("values")) continue;
    if (!list.is_array() || list.empty()) {
      complaints.add(at + ".values", "IsBlank", "This value should not be blank.");
      continue;
    }
    const std::string type = (*field)["type"];
    if (list.size() > 1 && type != "multitext" && type != "multiselect") complaints.add(at + ".values", "TooMany", "This field takes one value.");
    for (std::size_t n = 0; n < list.size(); ++n) check_value(*field, list[n], complaints, at + ".values." + std::to_string(n));
  }
}

void check_tags(const Json& tags, Complaints& complaints, const std::string& path) {
  if (!tags.is_array()) return;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const Json& tag = tags[i];
    const bool good = tag.is_object() && tag.size() == 1 && ((tag.contains("name") && tag["name"].is_string() && !tag["name"].get<std::string>().empty()) || (tag.contains("id") && is_id(tag["id"])));
    if (!good) complaints.add(path + "." + std::to_string(i), "InvalidTag", "A tag has a name or an id.");
  }
}

}  // namespace

AmocrmAccount usual_account(const std::string& root) {
  AmocrmAccount account;
  account.pipelines.push_back(pipeline(root, 3177727, "Воронка", true, {{32392156, "Неразобранное"}, {32392159, "Первичный контакт"}, {32392162, "Переговоры"}, {32392165, "Принимают решение"}}));
  account.pipelines.push_back(pipeline(root, 3177800, "Оценка", false, {{41000001, "Неразобранное"}, {41000002, "Новая заявка"}, {41000003, "Переговоры"}, {41000004, "Осмотр"}}));
  for (const auto& [id, name, mail] : {std::tuple(504141, "Ольга Иванова", "olga@example.com"), std::tuple(504142, "Иван Петров", "ivan@example.com")})
    account.users.push_back({{"id", id}, {"name", name}, {"email", mail}, {"lang", "ru"}, {"rights", {{"is_admin", id == 504141}, {"is_active", true}}}});
  account.task_types = {{{"id", 1}, {"name", "Связаться"}, {"color", nullptr}, {"icon_id", nullptr}, {"code", "FOLLOW_UP"}},
                        {{"id", 2}, {"name", "Встреча"}, {"color", nullptr}, {"icon_id", nullptr}, {"code", "MEETING"}}};
  account.fields_of_leads = {field(294471, "Источник", "text"),
                             field(1286575, "Вид объекта", "select", nullptr, enums(2957741, {"Офис", "Склад", "Квартира"})),
                             field(1286577, "Площадь", "numeric"),
                             field(1286579, "Дата осмотра", "date_time"),
                             field(1286581, "Согласие", "checkbox"),
                             field(1286583, "Ссылка", "url"),
                             field(1286585, "Удобства", "multiselect", nullptr, enums(2957751, {"Парковка", "Лифт", "Охрана"})),
                             field(1286587, "Описание", "textarea"),
                             field(1286589, "Дата сделки", "date", "DEAL_DATE")};
  account.fields_of_contacts = {field(271316, "Должность", "text", "POSITION"),
                                field(66192, "Телефон", "multitext", "PHONE", enums(193226, {"WORK", "WORKDD", "MOB", "FAX", "HOME", "OTHER"})),
                                field(66186, "Email", "multitext", "EMAIL", enums(193200, {"WORK", "PRIV", "OTHER"})),
                                field(271320, "Город", "select", nullptr, enums(600001, {"Москва", "Казань"}))};
  account.fields_of_companies = {field(66194, "Телефон", "multitext", "PHONE", enums(193226, {"WORK", "WORKDD", "MOB", "FAX", "HOME", "OTHER"}))};
  return account;
}

const Json& fields_of(const AmocrmAccount& account, const std::string& kind) {
  return kind == "leads" ? account.fields_of_leads : kind == "contacts" ? account.fields_of_contacts : account.fields_of_companies;
}

void check_entity(const AmocrmAccount& account, const std::string& kind, const Json& entity, bool update, Complaints& complaints, const std::string& path) {
  using Type = Json::value_t;
  if (!entity.is_object()) return complaints.add(path, "InvalidType", "This value should be of type array.");
  std::map<std::string, Type> known = {{"id", Type::number_integer},          {"name", Type::string},           {"responsible_user_id", Type::number_integer},
                                       {"created_by", Type::number_integer},  {"updated_by", Type::number_integer}, {"created_at", Type::number_integer},
                                       {"updated_at", Type::number_integer},  {"custom_fields_values", Type::array}, {"tags_to_add", Type::array},
                                       {"_embedded", Type::object},           {"request_id", Type::string}};
  if (update) known.emplace("tags_to_delete", Type::array);
  if (kind == "leads") known.insert({{"price", Type::number_integer}, {"status_id", Type::number_integer}, {"pipeline_id", Type::number_integer}, {"closed_at", Type::number_integer}, {"loss_reason_id", Type::number_integer}});
  if (kind == "contacts") known.insert({{"first_name", Type::string}, {"last_name", Type::string}});
  check_members(entity, known, complaints, path);
  if (entity.contains("name") && entity["name"].is_string() && entity["name"].get<std::string>().size() > 1024) complaints.add(path + "name", "TooLong", "This value is too long. It should have 256 characters or less.");
  if (entity.contains("responsible_user_id") && !find_id(account.users, entity["responsible_user_id"])) complaints.add(path + "responsible_user_id", "NotSupportedChoice", "The value you selected is not a valid choice.");
  if (entity.contains("price") && entity["price"].is_number_integer() && entity["price"].get<std::int64_t>() < 0) complaints.add(path + "price", "TooSmall", "This value should be greater than or equal to 0.");
  if (entity.contains("created_at") && entity["created_at"].is_number_integer() && entity["created_at"].get<std::int64_t>() < 1) complaints.add(path + "created_at", "TooSmall", "This value should be positive.");
  const Json* pipeline = entity.contains("pipeline_id") ? find_id(account.pipelines, entity["pipeline_id"]) : nullptr;
  if (entity.contains("pipeline_id") && !pipeline) complaints.add(path + "pipeline_id", "NotSupportedChoice", "The value you selected is not a valid choice.");
  if (entity.contains("status_id")) {
    bool good = false;
    for (const Json& one : account.pipelines)
      if (!pipeline || one["id"] == (*pipeline)["id"]) good = good || find_id(one["_embedded"]["statuses"], entity["status_id"]);
    if (!good) complaints.add(path + "status_id", "NotSupportedChoice", "The value you selected is not a valid choice.");
  }
  if (entity.contains("custom_fields_values")) check_fields(fields_of(account, kind), entity["custom_fields_values"], complaints, path + "custom_fields_values");
  for (const char* tags : {"tags_to_add", "tags_to_delete"})
    if (entity.contains(tags)) check_tags(entity[tags], complaints, path + tags);
  const Json parts = entity.value("_embedded", Json::object());
  if (!parts.is_object()) return;
  for (const auto& [name, value] : parts.items()) {
    const bool good = name == "tags" || (kind == "leads" && (name == "contacts" || name == "companies" || name == "metadata" || name == "source"));
    if (!good) complaints.add(path + "_embedded." + name, "NotSupported", "This field is not supported.");
    if (name == "tags") check_tags(value, complaints, path + "_embedded.tags");
  }
}

void check_note(const Json& note, bool names_entity, Complaints& complaints) {
  using Type = Json::value_t;
  if (!note.is_object()) return complaints.add("", "InvalidType", "This value should be of type array.");
  check_members(note, {{"entity_id", Type::number_integer}, {"created_by", Type::number_integer}, {"responsible_user_id", Type::number_integer}, {"note_type", Type::string}, {"params", Type::object}, {"request_id", Type::string}, {"is_need_to_trigger_digital_pipeline", Type::boolean}, {"created_at", Type::number_integer}},
                complaints, "");
  if (names_entity && !note.contains("entity_id")) complaints.add("entity_id", "FieldMissing", "This field is missing.");
  const std::string type = note.value("note_type", "");
  const std::map<std::string, std::set<std::string>> needed = {{"common", {"text"}}, {"call_in", {"duration", "source", "phone"}}, {"call_out", {"duration", "source", "phone"}}, {"service_message", {"service", "text"}}, {"extended_service_message", {"service", "text"}}, {"message_cashier", {"status", "text"}}, {"geolocation", {"text", "address", "longitude", "latitude"}}, {"sms_in", {"text", "phone"}}, {"sms_out", {"text", "phone"}}, {"attachment", {"file_uuid", "file_name"}}};
  const auto found = needed.find(type);
  if (found == needed.end()) return complaints.add("note_type", "NotSupportedChoice", "The value you selected is not a valid choice.");
  const Json params = note.value("params", Json::object());
  for (const std::string& name : found->second)
    if (!params.contains(name)) complaints.add("params." + name, "FieldMissing", "This field is missing.");
  if (params.contains("text") && params["text"].is_string() && params["text"].get<std::string>().size() > 20'000 * 2) complaints.add("params.text", "TooLong", "This value is too long.");
}

void check_task(const AmocrmAccount& account, const Json& task, Complaints& complaints) {
  using Type = Json::value_t;
  if (!task.is_object()) return complaints.add("", "InvalidType", "This value should be of type array.");
  check_members(task, {{"responsible_user_id", Type::number_integer}, {"entity_id", Type::number_integer}, {"entity_type", Type::string}, {"is_completed", Type::boolean}, {"task_type_id", Type::number_integer}, {"text", Type::string}, {"duration", Type::number_integer}, {"complete_till", Type::number_integer}, {"result", Type::object}, {"created_by", Type::number_integer}, {"updated_by", Type::number_integer}, {"created_at", Type::number_integer}, {"updated_at", Type::number_integer}, {"request_id", Type::string}},
                complaints, "");
  for (const char* name : {"text", "complete_till"})
    if (!task.contains(name)) complaints.add(name, "FieldMissing", "This field is missing.");
  if (task.contains("text") && task["text"].is_string() && task["text"].get<std::string>().empty()) complaints.add("text", "IsBlank", "This value should not be blank.");
  const std::set<std::string> types = {"leads", "contacts", "companies", "customers"};
  if (task.contains("entity_type") && !types.contains(task.value("entity_type", ""))) complaints.add("entity_type", "NotSupportedChoice", "The value you selected is not a valid choice.");
  if (task.contains("task_type_id") && !find_id(account.task_types, task["task_type_id"])) complaints.add("task_type_id", "NotSupportedChoice", "The value you selected is not a valid choice.");
  if (task.contains("responsible_user_id") && !find_id(account.users, task["responsible_user_id"])) complaints.add("responsible_user_id", "NotSupportedChoice", "The value you selected is not a valid choice.");
}

Json shown_fields(const Json& fields, const Json& values) {
  if (!values.is_array() || values.empty()) return nullptr;
  Json all = Json::array();
  for (const Json& one : values) {
    for (const Json& known : fields) {
      if (!((one.contains("field_id") && known["id"] == one["field_id"]) || (one.contains("field_code") && known["code"] == one["field_code"]))) continue;
      if (one.value("values", Json()).is_null()) continue;
      Json shown = {{"field_id", known["id"]}, {"field_name", known["name"]}, {"field_code", known["code"]}, {"field_type", known["type"]}, {"values", Json::array()}};
      for (const Json& value : one["values"]) {
        Json part = {{"value", value.value("value", Json())}};
        for (const Json& choice : known["enums"].is_array() ? known["enums"] : Json::array()) {
          const bool same = (value.contains("enum_id") && choice["id"] == value["enum_id"]) || (value.contains("enum_code") && choice["value"] == value["enum_code"]) ||
                            (known["type"] != "multitext" && value.contains("value") && choice["value"] == value["value"]);
          if (!same) continue;
          part["enum_id"] = choice["id"];
          if (known["type"] == "multitext") {
            part["enum_code"] = choice["value"];
          } else {
            part["value"] = choice["value"];
          }
        }
        shown["values"].push_back(part);
      }
      all.push_back(shown);
    }
  }
  return all;
}

}  // namespace sufler::fakes

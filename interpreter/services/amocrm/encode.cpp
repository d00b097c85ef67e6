#include "interpreter/services/amocrm/encode.h"

#include <algorithm>

#include "interpreter/core/crm/order.h"
#include "interpreter/core/reading/phone.h"
#include "interpreter/core/text.h"

namespace sufler::amocrm {
namespace {

constexpr std::size_t kMostText = 250;       ///< characters of a text of one line
constexpr std::size_t kMostTextArea = 20'000;

Value list_of(Value one) { return Value(List{std::move(one)}); }

Value tags(const std::vector<std::string>& names) {
  List all;
  for (const std::string& name : names) {
    ValueMap tag;
    tag.set("name", name);
    all.emplace_back(std::move(tag));
  }
  return Value(std::move(all));
}

/// As people would write it.
std::string shown(const Value& value, const Zone& zone) { return to_display(value, {Language::Russian, zone}); }

std::optional<Value> one_value(const Field& field, const Value& value, const Zone& zone, std::string& wrong) {
  ValueMap out;
  const std::string& type = field.type;
  if (type == "select" || type == "multiselect" || type == "radiobutton") {
    const Named* choice = find_named(field.choices, value.text() || value.number() ? value : Value(shown(value, zone)));
    if (!choice) {
      wrong = "has no choice `" + shown(value, zone) + "`; it has " + names_of(field.choices);
      return std::nullopt;
    }
    out.set("enum_id", choice->id);
    return Value(std::move(out));
  }
  if (type == "checkbox") {
    if (!value.boolean()) {
      wrong = "takes yes or no";
      return std::nullopt;
    }
    out.set("value", *value.boolean());
  } else if (type == "date" || type == "date_time" || type == "birthday") {
    std::optional<Moment> moment;
    // Noon: whatever the account's zone is, it is the same day.
    const auto at_noon = [&](Date date) { return zone.to_moment({date, TimeOfDay{12 * 3600}}); };
    if (value.moment()) {
      moment = *value.moment();
    } else if (value.date()) {
      moment = at_noon(*value.date());
    } else if (value.text()) {
      if (const auto local = LocalTime::parse_iso(*value.text())) moment = zone.to_moment(*local);
      else if (const auto date = Date::parse_iso(*value.text())) moment = at_noon(*date);
    }
    if (!moment) {
      wrong = "takes a date";
      return std::nullopt;
    }
    out.set("value", moment->unix_ms / 1000);
  } else if (type == "numeric" || type == "monetary") {
    std::optional<Decimal> number = value.number() ? std::optional(*value.number()) : std::nullopt;
    if (!number && value.text()) {
      std::string plain(trim(*value.text()));
      std::replace(plain.begin(), plain.end(), ',', '.');
      number = Decimal::parse(plain);
    }
    if (!number) {
      wrong = "takes a number";
      return std::nullopt;
    }
    // As a text it keeps all its digits.
    out.set("value", number->to_string());
  } else {
    const std::string text = value.text() ? *value.text() : shown(value, zone);
    if (trim(text).empty()) return Value();
    out.set("value", std::string(first_code_points(text, type == "textarea" ? kMostTextArea : kMostText)));
    if (type == "multitext") out.set("enum_code", "WORK");
  }
  return Value(std::move(out));
}

}  // namespace

std::string plain_phone(std::string_view text) {
  if (const auto phone = read_phone(text)) return *phone;
  std::string digits;
  for (const char c : text)
    if (c >= '0' && c <= '9') digits.push_back(c);
  if (digits.size() == 11 && digits[0] == '8') digits[0] = '7';
  return digits.empty() ? std::string() : "+" + digits;
}

Result<Value, std::string> encode_field(const Field& field, const Value& value, const Zone& zone) {
  std::string wrong;
  List values;
  const List none{value};
  const List* given = value.list();
  // A list for a field of one value is said in words.
  const bool several = field.type == "multiselect" || field.type == "multitext";
  const Value joined = given && !several ? Value(shown(value, zone)) : Value();
  const List& all = given && several ? *given : none;
  for (const Value& one : all) {
    if (one.is_null()) continue;
    auto encoded = one_value(field, joined.is_null() ? one : joined, zone, wrong);
    if (!encoded) return Error{"the field `" + field.name + "` of amoCRM " + wrong};
    if (!encoded->is_null()) values.push_back(std::move(*encoded));
  }
  if (values.empty()) return Value();
  ValueMap entry;
  entry.set("field_id", field.id);
  entry.set("values", std::move(values));
  return Value(std::move(entry));
}

std::string plain_name(std::string_view text) { return std::string(trim(first_code_points(trim(text), kMostText))); }

Value encode(const Entity& entity) {
  ValueMap out;
  const auto text = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out.set(name, std::string(first_code_points(value, kMostText)));
  };
  const auto id = [&](std::string_view name, std::int64_t value) {
    if (value != 0) out.set(name, value);
  };
  id("id", entity.id);
  text("name", entity.name);
  text("first_name", entity.first_name);
  text("last_name", entity.last_name);
  if (entity.price) out.set("price", *entity.price);
  id("status_id", entity.status_id);
  id("pipeline_id", entity.pipeline_id);
  id("loss_reason_id", entity.loss_reason_id);
  id("closed_at", entity.closed_at);
  id("responsible_user_id", entity.responsible_user_id);
  if (entity.created_by) out.set("created_by", *entity.created_by);
  if (entity.updated_by) out.set("updated_by", *entity.updated_by);
  id("created_at", entity.created_at);
  if (!entity.fields.empty()) out.set("custom_fields_values", entity.fields);
  if (!entity.tags.empty()) out.set("tags_to_add", tags(entity.tags));
  if (!entity.tags_to_delete.empty()) out.set("tags_to_delete", tags(entity.tags_to_delete));
  ValueMap parts;
  for (const auto& [name, all] : {std::pair("contacts", &entity.contacts), std::pair("companies", &entity.companies)}) {
    if (all->empty()) continue;
    List list;
    for (const Entity& one : *all) list.push_back(encode(one));
    parts.set(name, std::move(list));
  }
  if (!parts.empty()) out.set("_embedded", std::move(parts));
  if (!entity.request_id.empty()) out.set("request_id", entity.request_id);
  return Value(std::move(out));
}

Value encode_note(std::int64_t entity_id, const std::string& text, const std::string& request_id) {
  ValueMap params, note;
  params.set("text", text);
  note.set("entity_id", entity_id);
  note.set("note_type", "common");
  note.set("params", std::move(params));
  if (!request_id.empty()) note.set("request_id", request_id);
  return list_of(Value(std::move(note)));
}

Value encode_task(const std::string& entity_type, std::int64_t entity_id, const std::string& text, std::int64_t complete_till,
                  std::int64_t type_id, std::int64_t responsible_id, const std::string& request_id) {
  ValueMap task;
  if (type_id != 0) task.set("task_type_id", type_id);
  task.set("text", text);
  task.set("complete_till", complete_till);
  if (entity_id != 0) {
    task.set("entity_id", entity_id);
    task.set("entity_type", entity_type);
  }
  if (responsible_id != 0) task.set("responsible_user_id", responsible_id);
  if (!request_id.empty()) task.set("request_id", request_id);
  return list_of(Value(std::move(task)));
}

Value multitext(std::string_view code, const std::vector<std::string>& values) {
  List all;
  for (const std::string& one : values) {
    ValueMap value;
    value.set("value", one);
    value.set("enum_code", "WORK");
    all.emplace_back(std::move(value));
  }
  ValueMap entry;
  entry.set("field_code", std::string(code));
  entry.set("values", std::move(all));
  return Value(std::move(entry));
}

namespace {

const Value* field_of(const Value& contact, std::string_view code) {
  const List* fields = field(contact, "custom_fields_values").list();
  if (!fields) return nullptr;
  for (const Value& one : *fields)
    if (text_in(one, "field_code") == code) return &one;
  return nullptr;
}

}  // namespace

std::vector<std::string> values_of(const Value& contact, std::string_view code) {
  std::vector<std::string> all;
  const Value* own = field_of(contact, code);
  const List* values = own ? field(*own, "values").list() : nullptr;
  if (!values) return all;
  for (const Value& one : *values)
    if (std::string text = text_in(one, "value"); !text.empty()) all.push_back(std::move(text));
  return all;
}

std::optional<Value> merged(const Value& contact, std::string_view code, const std::vector<std::string>& added) {
  const bool phones = code == "PHONE";
  const auto plain = [&](const std::string& text) { return phones ? plain_phone(text) : to_lower(trim(text)); };
  std::vector<std::string> known;
  for (const std::string& one : values_of(contact, code)) known.push_back(plain(one));
  List all;
  bool more = false;
  const Value* own = field_of(contact, code);
  const List* before = own ? field(*own, "values").list() : nullptr;
  for (const Value& one : before ? *before : List()) {
    ValueMap kept;
    kept.set("value", field(one, "value"));
    if (const std::int64_t id = id_in(one, "enum_id")) kept.set("enum_id", id);
    else if (std::string kind = text_in(one, "enum_code"); !kind.empty()) kept.set("enum_code", std::move(kind));
    all.emplace_back(std::move(kept));
  }
  for (const std::string& one : added) {
    if (one.empty() || std::find(known.begin(), known.end(), plain(one)) != known.end()) continue;
    known.push_back(plain(one));
    ValueMap fresh;
    fresh.set("value", one);
    fresh.set("enum_code", "WORK");
    all.emplace_back(std::move(fresh));
    more = true;
  }
  if (!more) return std::nullopt;
  ValueMap entry;
  const std::int64_t id = own ? id_in(*own, "field_id") : 0;
  if (id != 0) {
    entry.set("field_id", id);
  } else {
    entry.set("field_code", std::string(code));
  }
  entry.set("values", std::move(all));
  return Value(std::move(entry));
}

std::string note_text(std::string_view text, std::string_view talk) {
  std::string out(first_code_points(text, kMostNote));
  if (!out.empty() && !talk.empty()) out += "\n\n";
  return out.append(talk);
}

}  // namespace sufler::amocrm

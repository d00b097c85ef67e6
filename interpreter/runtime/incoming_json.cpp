#include "interpreter/runtime/incoming_json.h"

#include "interpreter/core/value.h"

namespace sufler {
namespace {

std::string text_of(const ValueMap& map, std::string_view name) {
  const Value* value = map.find(name);
  return value && value->text() ? *value->text() : std::string();
}

void set_text(ValueMap& map, std::string_view name, const std::string& text) {
  if (!text.empty()) map.set(name, Value(text));
}

}  // namespace

std::string to_json(const Incoming& incoming) {
  ValueMap map;
  map.set("id", Value(incoming.id));
  map.set("transport", Value(incoming.chat.transport));
  map.set("chat", Value(incoming.chat.chat_id));
  set_text(map, "topic", incoming.topic);
  map.set("private", Value(incoming.is_private));
  map.set("user", Value(incoming.person.id));
  set_text(map, "first_name", incoming.person.first_name);
  set_text(map, "last_name", incoming.person.last_name);
  set_text(map, "username", incoming.person.username);
  set_text(map, "language", incoming.person.language);
  map.set("event", Value(to_json(incoming.event)));
  return to_json(Value(std::move(map)));
}

bool from_json(std::string_view json, Incoming& incoming) {
  Value value;
  if (!from_json(json, value) || !value.map()) return false;
  const ValueMap& map = *value.map();
  incoming.id = text_of(map, "id");
  incoming.chat = {text_of(map, "transport"), text_of(map, "chat")};
  incoming.topic = text_of(map, "topic");
  const Value* is_private = map.find("private");
  incoming.is_private = is_private && is_private->boolean() && *is_private->boolean();
  incoming.person = {text_of(map, "user"), text_of(map, "first_name"), text_of(map, "last_name"),
                     text_of(map, "username"), text_of(map, "language"), false};
  return from_json(text_of(map, "event"), incoming.event);
}

std::string to_json(const UserRecord& user) {
  ValueMap map;
  map.set("id", Value(user.id));
  set_text(map, "first_name", user.first_name);
  set_text(map, "last_name", user.last_name);
  set_text(map, "username", user.username);
  set_text(map, "language", user.language);
  set_text(map, "phone", user.phone);
  map.set("platform", Value(user.platform));
  map.set("created_at", Value(user.created_at));
  if (!user.values.empty()) map.set("values", Value(user.values));
  return to_json(Value(std::move(map)));
}

bool from_json(std::string_view json, UserRecord& user) {
  Value value;
  if (!from_json(json, value) || !value.map()) return false;
  const ValueMap& map = *value.map();
  user.id = text_of(map, "id");
  user.first_name = text_of(map, "first_name");
  user.last_name = text_of(map, "last_name");
  user.username = text_of(map, "username");
  user.language = text_of(map, "language");
  user.phone = text_of(map, "phone");
  user.platform = text_of(map, "platform");
  if (const Value* at = map.find("created_at"); at && at->moment()) user.created_at = *at->moment();
  if (const Value* values = map.find("values"); values && values->map()) user.values = *values->map();
  return true;
}

}  // namespace sufler

#include "storage/outbox_json.h"

#include "storage/transaction.h"

namespace sufler {
namespace {

const std::string* text_of(const ValueMap& map, std::string_view name) {
  const Value* const value = map.find(name);
  return value ? value->text() : nullptr;
}

std::int64_t integer_of(const ValueMap& map, std::string_view name, std::int64_t otherwise) {
  const Value* const value = map.find(name);
  if (!value || !value->number()) return otherwise;
  return value->number()->to_int64().value_or(otherwise);
}

bool flag_of(const ValueMap& map, std::string_view name) {
  const Value* const value = map.find(name);
  return value && value->boolean() && *value->boolean();
}

}  // namespace

std::string to_json(const OutboxRow& row) {
  ValueMap map;
  map.set("bot", Value(row.bot));
  map.set("transport", Value(row.chat.transport));
  map.set("chat", Value(row.chat.chat_id));
  map.set("dialog", Value(row.dialog_id));
  map.set("resend", Value(static_cast<std::int64_t>(row.resend)));
  map.set("notice", Value(row.notice));
  map.set("ticket_message", Value(row.ticket_message));
  if (row.broadcast != 0) map.set("broadcast", Value(row.broadcast));
  map.set("ordered", Value(row.call.ordered));
  map.set("expendable", Value(row.call.expendable));
  map.set("hold_ms", Value(row.call.hold.ms));
  map.set("repeat_key", Value(std::int64_t{row.call.repeat_key}));
  map.set("method", Value(row.call.method));
  map.set("body", Value(row.call.body));
  map.set("files", Value(storage::files_to_text(row.call.files)));
  return to_json(Value(std::move(map)));
}

bool from_json(std::string_view json, OutboxRow& row) {
  Value value;
  if (!from_json(json, value) || !value.map()) return false;
  const ValueMap& map = *value.map();
  const std::string* const bot = text_of(map, "bot");
  const std::string* const transport = text_of(map, "transport");
  const std::string* const chat = text_of(map, "chat");
  const std::string* const method = text_of(map, "method");
  const std::string* const body = text_of(map, "body");
  const std::string* const files = text_of(map, "files");
  if (!bot || !transport || !chat || !method || !body || !files) return false;
  const std::int64_t resend = integer_of(map, "resend", -1);
  if (resend != static_cast<std::int64_t>(ResendPolicy::Repeat) &&
      resend != static_cast<std::int64_t>(ResendPolicy::Never)) {
    return false;
  }
  OutboxRow read;
  read.bot = *bot;
  read.chat = {*transport, *chat};
  read.dialog_id = integer_of(map, "dialog", 0);
  read.resend = static_cast<ResendPolicy>(resend);
  read.notice = flag_of(map, "notice");
  read.ticket_message = integer_of(map, "ticket_message", 0);
  read.call.ordered = flag_of(map, "ordered");
  read.call.expendable = flag_of(map, "expendable");
  read.call.hold.ms = integer_of(map, "hold_ms", 0);
  read.call.repeat_key = static_cast<std::int32_t>(integer_of(map, "repeat_key", 0));
  read.call.method = *method;
  read.call.body = *body;
  if (!storage::files_from_text(*files, read.call.files)) return false;
  row = std::move(read);
  return true;
}

}  // namespace sufler

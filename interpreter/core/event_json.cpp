// Events for the inbox: {"at":…,"seed":…,"KIND":{…}}. Fields at their default are left out.
#include "interpreter/core/event_json.h"

#include "interpreter/core/message_json.h"
#include "interpreter/core/value_json.h"

namespace sufler {
namespace {

void append_files(ObjectWriter& members, std::string& out, const std::vector<Attachment>& files) {
  if (files.empty()) return;
  members.name("files") += '[';
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i > 0) out += ',';
    append_json(out, files[i]);
  }
  out += ']';
}

void append(std::string& out, const UserMessage& message) {
  ObjectWriter members(out);
  members.text("id", message.message_id);
  members.text("text", message.text);
  append_files(members, out, message.attachments);
  if (message.contact) {
    ObjectWriter contact(members.name("contact"));
    contact.text("phone", message.contact->phone);
    contact.text("first_name", message.contact->first_name);
    contact.text("last_name", message.contact->last_name);
    contact.flag("own", message.contact->own);
    contact.end();
  }
  if (message.location) {
    ObjectWriter location(members.name("location"));
    location.text("latitude", message.location->latitude.to_string());
    location.text("longitude", message.location->longitude.to_string());
    location.end();
  }
  members.text("album", message.album);
  members.flag("edited", message.edited);
  members.text("reply_to", message.reply_to);
  members.end();
}
void append(std::string& out, const ButtonPress& press) {
  ObjectWriter members(out);
  members.text("press", press.press_id);
  members.text("id", press.message_id);
  members.text("payload", press.payload);
  members.end();
}
void append(std::string& out, const TimerDue& timer) {
  ObjectWriter members(out);
  members.text("name", timer.name);
  members.number("serial", static_cast<std::int64_t>(timer.serial));
  members.end();
}
void append(std::string& out, const StaffMessage& message) {
  ObjectWriter members(out);
  members.text("text", message.text);
  members.text("staff", message.staff_id);
  members.text("name", message.name);
  append_files(members, out, message.attachments);
  members.end();
}
void append(std::string& out, const Reachability& reachability) {
  out += reachability.reachable ? "true" : "false";
}
void append(std::string& out, const TableAnswer& answer) {
  ObjectWriter members(out);
  members.number("count", answer.count);
  if (!answer.rows.empty()) append_json(members.name("rows"), Value(answer.rows));
  members.text("error", answer.error);
  members.end();
}
void append(std::string& out, const TurnFailed& failed) {
  if (failed.rest == 0) return append_json_string(out, failed.reason);
  ObjectWriter members(out);
  members.text("reason", failed.reason);
  members.number("rest", static_cast<std::int64_t>(failed.rest));
  members.end();
}

void append(std::string& out, const StaffCall& call) {
  ObjectWriter members(out);
  if (call.meant != StaffCall::Meant::Dialog) members.number("meant", static_cast<std::int64_t>(call.meant));
  members.text("word", call.word);
  members.text("staff", call.staff_id);
  members.text("transport", call.from.transport);
  members.text("chat", call.from.chat_id);
  members.end();
}

void append(std::string& out, const TooMany&) { out += "true"; }

void append(std::string& out, const DeskAnswer& answer) {
  ObjectWriter members(out);
  members.number("kind", static_cast<std::int64_t>(answer.kind));
  members.number("ticket", answer.ticket);
  members.number("number", answer.number);
  members.text("agent", answer.agent);
  members.number("position", answer.position);
  if (answer.wait) members.number("wait", answer.wait->ms);
  members.number("unanswered_at", answer.unanswered_at.unix_ms);
  members.number("last_at", answer.last_at.unix_ms);
  members.end();
}

void append(std::string& out, const TicketNews& news) {
  ObjectWriter members(out);
  members.number("what", static_cast<std::int64_t>(news.what));
  members.number("ticket", news.ticket);
  members.text("agent", news.agent);
  if (!news.said.empty()) {
    members.name("said") += '[';
    for (std::size_t i = 0; i < news.said.size(); ++i) {
      if (i > 0) out += ',';
      ObjectWriter line(out);
      line.flag("agent", news.said[i].by_agent);
      line.text("text", news.said[i].text);
      line.end();
    }
    out += ']';
  }
  members.end();
}

void append(std::string& out, const Delivery& delivery) {
  ObjectWriter members(out);
  members.number("line", delivery.ticket_message);
  members.text("transport", delivery.chat.transport);
  members.text("chat", delivery.chat.chat_id);
  members.text("topic", delivery.topic);
  members.flag("unreachable", delivery.unreachable);
  members.flag("topic_gone", delivery.topic_gone);
  members.text("reason", delivery.reason);
  members.end();
}

void append(std::string& out, const DeskChange& change) {
  ObjectWriter members(out);
  members.number("what", static_cast<std::int64_t>(change.what));
  members.number("id", change.id);
  members.end();
}

void append(std::string& out, const JobDone& done) {
  ObjectWriter members(out);
  members.number("serial", static_cast<std::int64_t>(done.serial));
  if (!done.result.is_null()) append_json(members.name("result"), done.result);
  members.text("error", done.error);
  members.end();
}

void append(std::string& out, const HearKept&) { out += "true"; }

void append(std::string& out, const ScheduleDue& due) {
  ObjectWriter members(out);
  members.text("name", due.schedule);
  members.text("branch", due.branch);
  members.flag("alone", due.alone);
  members.text("in", due.resting_in);
  if (due.unchanged_since.unix_ms != 0) members.number("since", due.unchanged_since.unix_ms);
  if (due.due.unix_ms != 0) members.number("due", due.due.unix_ms);
  members.end();
}

void append(std::string& out, const BroadcastDue& due) {
  ObjectWriter members(out);
  members.number("id", due.id);
  members.text("name", due.name);
  members.text("branch", due.branch);
  if (!due.with.empty()) append_json(members.name("with"), Value(due.with));
  members.text("text", due.text);
  if (!due.values.empty()) append_json(members.name("values"), Value(due.values));
  append_files(members, out, due.files);
  members.end();
}

void append(std::string& out, const BroadcastEnded& ended) {
  ObjectWriter members(out);
  members.text("name", ended.name);
  members.number("people", ended.people);
  members.number("sent", ended.sent);
  members.number("failed", ended.failed);
  members.number("left_out", ended.left_out);
  members.flag("stopped", ended.stopped);
  members.end();
}

void append(std::string& out, const Happened& happened) {
  ObjectWriter members(out);
  members.text("name", happened.event);
  members.text("branch", happened.branch);
  append_json(members.name("data"), happened.data);
  members.flag("alone", happened.alone);
  members.end();
}

void append(std::string& out, const CrmNews& news) {
  ObjectWriter members(out);
  members.number("what", static_cast<std::int64_t>(news.what));
  members.text("id", news.id);
  members.text("text", news.text);
  append_files(members, out, news.attachments);
  members.text("manager", news.manager);
  members.text("stage", news.stage);
  members.text("pipeline", news.pipeline);
  members.end();
}

constexpr std::string_view kNames[] = {"message", "press", "timer", "staff",
                                       "reachable", "table", "failed", "staff_call", "too_many",
                                       "desk", "ticket", "delivery", "desk_change", "job",
                                       "kept", "schedule", "broadcast", "broadcast_ended", "happened", "crm"};

bool read_uint64(JsonReader& json, std::uint64_t& out) {
  std::int64_t number = 0;
  if (!json.read_int(number)) return false;
  out = static_cast<std::uint64_t>(number);
  return true;
}

bool read_decimal(JsonReader& json, Decimal& out) {
  std::string text;
  if (!json.read_string(text)) return false;
  const auto decimal = Decimal::parse(text);
  if (!decimal) return json.fail();
  out = *decimal;
  return true;
}

bool read_files(JsonReader& json, std::vector<Attachment>& files) {
  return json.read_array([&] { return read_attachment(json, files.emplace_back()); });
}

bool read(JsonReader& json, UserMessage& message) {
  return json.read_object([&](const std::string& name) {
    if (name == "id") return json.read_string(message.message_id);
    if (name == "text") return json.read_string(message.text);
    if (name == "album") return json.read_string(message.album);
    if (name == "edited") return json.read_bool(message.edited);
    if (name == "reply_to") return json.read_string(message.reply_to);
    if (name == "files") return read_files(json, message.attachments);
    if (name == "contact") {
      Contact& contact = message.contact.emplace();
      return json.read_object([&](const std::string& field) {
        if (field == "phone") return json.read_string(contact.phone);
        if (field == "first_name") return json.read_string(contact.first_name);
        if (field == "last_name") return json.read_string(contact.last_name);
        if (field == "own") return json.read_bool(contact.own);
        return false;
      });
    }
    if (name == "location") {
      Location& location = message.location.emplace();
      return json.read_object([&](const std::string& field) {
        if (field == "latitude") return read_decimal(json, location.latitude);
        if (field == "longitude") return read_decimal(json, location.longitude);
        return false;
      });
    }
    return false;
  });
}
bool read(JsonReader& json, ButtonPress& press) {
  return json.read_object([&](const std::string& name) {
    if (name == "press") return json.read_string(press.press_id);
    if (name == "id") return json.read_string(press.message_id);
    if (name == "payload") return json.read_string(press.payload);
    return false;
  });
}
bool read(JsonReader& json, TimerDue& timer) {
  return json.read_object([&](const std::string& name) {
    if (name == "name") return json.read_string(timer.name);
    if (name == "serial") return read_uint64(json, timer.serial);
    return false;
  });
}
bool read(JsonReader& json, StaffMessage& message) {
  return json.read_object([&](const std::string& name) {
    if (name == "text") return json.read_string(message.text);
    if (name == "staff") return json.read_string(message.staff_id);
    if (name == "name") return json.read_string(message.name);
    if (name == "files") return read_files(json, message.attachments);
    return false;
  });
}
bool read(JsonReader& json, Reachability& reachability) { return json.read_bool(reachability.reachable); }
bool read(JsonReader& json, TableAnswer& answer) {
  return json.read_object([&](const std::string& name) {
    if (name == "count") return json.read_int(answer.count);
    if (name == "error") return json.read_string(answer.error);
    if (name == "rows") {
      Value rows;
      if (!read_value(json, rows) || !rows.list()) return false;
      answer.rows = *rows.list();
      return true;
    }
    return false;
  });
}
bool read(JsonReader& json, TurnFailed& failed) {
  if (json.peek() != '{') return json.read_string(failed.reason);
  return json.read_object([&](const std::string& name) {
    if (name == "reason") return json.read_string(failed.reason);
    if (name == "rest") return read_uint64(json, failed.rest);
    return false;
  });
}
bool read(JsonReader& json, StaffCall& call) {
  return json.read_object([&](const std::string& name) {
    if (name == "meant") {
      std::int64_t number = 0;
      if (!json.read_int(number) || number < 0 || number > 3) return false;
      call.meant = static_cast<StaffCall::Meant>(number);
      return true;
    }
    if (name == "word") return json.read_string(call.word);
    if (name == "staff") return json.read_string(call.staff_id);
    if (name == "transport") return json.read_string(call.from.transport);
    if (name == "chat") return json.read_string(call.from.chat_id);
    return false;
  });
}

bool read(JsonReader& json, TooMany&) {
  bool any = false;
  return json.read_bool(any);
}

template <class Kind>
bool read_kind_number(JsonReader& json, Kind last, Kind& kind) {
  std::int64_t number = 0;
  if (!json.read_int(number) || number < 0 || number > static_cast<std::int64_t>(last)) return json.fail();
  kind = static_cast<Kind>(number);
  return true;
}

bool read(JsonReader& json, DeskAnswer& answer) {
  return json.read_object([&](const std::string& name) {
    if (name == "kind") return read_kind_number(json, DeskAnswer::Kind::Closed, answer.kind);
    if (name == "ticket") return json.read_int(answer.ticket);
    if (name == "number") return json.read_int(answer.number);
    if (name == "agent") return json.read_string(answer.agent);
    if (name == "position") return json.read_int(answer.position);
    if (name == "wait") return json.read_int(answer.wait.emplace().ms);
    if (name == "unanswered_at") return json.read_int(answer.unanswered_at.unix_ms);
    if (name == "last_at") return json.read_int(answer.last_at.unix_ms);
    return false;
  });
}

bool read(JsonReader& json, TicketNews& news) {
  return json.read_object([&](const std::string& name) {
    if (name == "what") return read_kind_number(json, TicketNews::What::Rejected, news.what);
    if (name == "ticket") return json.read_int(news.ticket);
    if (name == "agent") return json.read_string(news.agent);
    if (name == "said") {
      return json.read_array([&] {
        TicketNews::Said& said = news.said.emplace_back();
        return json.read_object([&](const std::string& field) {
          if (field == "agent") return json.read_bool(said.by_agent);
          if (field == "text") return json.read_string(said.text);
          return false;
        });
      });
    }
    return false;
  });
}

bool read(JsonReader& json, Delivery& delivery) {
  return json.read_object([&](const std::string& name) {
    if (name == "line") return json.read_int(delivery.ticket_message);
    if (name == "transport") return json.read_string(delivery.chat.transport);
    if (name == "chat") return json.read_string(delivery.chat.chat_id);
    if (name == "topic") return json.read_string(delivery.topic);
    if (name == "unreachable") return json.read_bool(delivery.unreachable);
    if (name == "topic_gone") return json.read_bool(delivery.topic_gone);
    if (name == "reason") return json.read_string(delivery.reason);
    return false;
  });
}

bool read(JsonReader& json, DeskChange& change) {
  return json.read_object([&](const std::string& name) {
    if (name == "what") return read_kind_number(json, DeskChange::What::TicketWaits, change.what);
    if (name == "id") return json.read_int(change.id);
    return false;
  });
}

bool read(JsonReader& json, JobDone& done) {
  return json.read_object([&](const std::string& name) {
    if (name == "serial") return read_uint64(json, done.serial);
    if (name == "result") return read_value(json, done.result);
    if (name == "error") return json.read_string(done.error);
    return false;
  });
}

bool read(JsonReader& json, HearKept&) {
  bool any = false;
  return json.read_bool(any);
}

bool read(JsonReader& json, ScheduleDue& due) {
  return json.read_object([&](const std::string& name) {
    if (name == "name") return json.read_string(due.schedule);
    if (name == "branch") return json.read_string(due.branch);
    if (name == "alone") return json.read_bool(due.alone);
    if (name == "in") return json.read_string(due.resting_in);
    if (name == "since") return json.read_int(due.unchanged_since.unix_ms);
    if (name == "due") return json.read_int(due.due.unix_ms);
    return false;
  });
}

bool read(JsonReader& json, BroadcastDue& due) {
  return json.read_object([&](const std::string& name) {
    if (name == "id") return json.read_int(due.id);
    if (name == "name") return json.read_string(due.name);
    if (name == "branch") return json.read_string(due.branch);
    if (name == "with") return read_map(json, due.with);
    if (name == "text") return json.read_string(due.text);
    if (name == "values") return read_map(json, due.values);
    if (name == "files") return json.read_array([&] { return read_attachment(json, due.files.emplace_back()); });
    return false;
  });
}

bool read(JsonReader& json, BroadcastEnded& ended) {
  return json.read_object([&](const std::string& name) {
    if (name == "name") return json.read_string(ended.name);
    if (name == "people") return json.read_int(ended.people);
    if (name == "sent") return json.read_int(ended.sent);
    if (name == "failed") return json.read_int(ended.failed);
    if (name == "left_out") return json.read_int(ended.left_out);
    if (name == "stopped") return json.read_bool(ended.stopped);
    return false;
  });
}

bool read(JsonReader& json, Happened& happened) {
  return json.read_object([&](const std::string& name) {
    if (name == "name") return json.read_string(happened.event);
    if (name == "branch") return json.read_string(happened.branch);
    if (name == "data") return read_value(json, happened.data);
    if (name == "alone") return json.read_bool(happened.alone);
    return false;
  });
}

bool read(JsonReader& json, CrmNews& news) {
  return json.read_object([&](const std::string& name) {
    if (name == "what") {
      std::int64_t what = 0;
      if (!json.read_int(what) || what < 0 || what > static_cast<std::int64_t>(CrmNews::What::Closed)) return false;
      news.what = static_cast<CrmNews::What>(what);
      return true;
    }
    if (name == "id") return json.read_string(news.id);
    if (name == "text") return json.read_string(news.text);
    if (name == "files") return json.read_array([&] { return read_attachment(json, news.attachments.emplace_back()); });
    if (name == "manager") return json.read_string(news.manager);
    if (name == "stage") return json.read_string(news.stage);
    if (name == "pipeline") return json.read_string(news.pipeline);
    return false;
  });
}

template <std::size_t I = 0>
bool read_kind(JsonReader& json, std::string_view name, Event& event) {
  if constexpr (I == std::size(kNames)) {
    return false;
  } else {
    if (name == kNames[I]) return read(json, event.what.emplace<I>());
    return read_kind<I + 1>(json, name, event);
  }
}

}  // namespace

std::string_view kind_of(const Event& event) {
  static_assert(std::size(kNames) == std::variant_size_v<decltype(Event::what)>);
  return kNames[event.what.index()];
}

void append_json(std::string& out, const Event& event) {
  ObjectWriter members(out);
  members.number("at", event.at.unix_ms);
  if (event.seed != 0) members.number("seed", static_cast<std::int64_t>(event.seed));
  members.name(kind_of(event));
  std::visit([&out](const auto& what) { append(out, what); }, event.what);
  members.end();
}

std::string to_json(const Event& event) {
  std::string out;
  append_json(out, event);
  return out;
}

bool from_json(std::string_view json, Event& event) {
  event = Event{};
  JsonReader reader(json);
  bool known = false;
  const bool read = reader.read_object([&](const std::string& name) {
    if (name == "at") return reader.read_int(event.at.unix_ms);
    if (name == "seed") return read_uint64(reader, event.seed);
    known = true;
    return read_kind(reader, name, event);
  });
  return read && known && reader.at_end();
}

}  // namespace sufler

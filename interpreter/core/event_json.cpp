// Events for the inbox: {"at":…,"seed":…,"KIND":{…}}. Fields at their default are left out.
#include "interpreter/core/event_json.h"

#include "interpreter/core/message_json.h"
#include "interpreter/core/value_json.h"

namespace sufler {
namespace {

/// Members of an object, with commas between.
class Members {
 public:
  explicit Members(std::string& out) : out_(out) { out_.push_back('{'); }
  void end() { out_.push_back('}'); }
  std::string& name(std::string_view name) {
    if (!first_) out_.push_back(',');
    first_ = false;
    out_.push_back('"');
    out_ += name;
    out_ += "\":";
    return out_;
  }
  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) append_json_string(name(key), value);
  }
  void flag(std::string_view key, bool value) {
    if (value) name(key) += "true";
  }
  void number(std::string_view key, std::int64_t value) { append_json_number(name(key), value); }

 private:
  std::string& out_;
  bool first_ = true;
};

void append(std::string& out, const UserMessage& message) {
  Members members(out);
  members.text("id", message.message_id);
  members.text("text", message.text);
  if (!message.attachments.empty()) {
    members.name("files") += '[';
    for (std::size_t i = 0; i < message.attachments.size(); ++i) {
      if (i > 0) out += ',';
      append_json(out, message.attachments[i]);
    }
    out += ']';
  }
  if (message.contact) {
    Members contact(members.name("contact"));
    contact.text("phone", message.contact->phone);
    contact.text("first_name", message.contact->first_name);
    contact.text("last_name", message.contact->last_name);
    contact.flag("own", message.contact->own);
    contact.end();
  }
  if (message.location) {
    Members location(members.name("location"));
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
  Members members(out);
  members.text("press", press.press_id);
  members.text("id", press.message_id);
  members.text("payload", press.payload);
  members.end();
}
void append(std::string& out, const TimerDue& timer) {
  Members members(out);
  members.text("name", timer.name);
  members.number("serial", static_cast<std::int64_t>(timer.serial));
  members.end();
}
void append(std::string& out, const StaffMessage& message) {
  Members members(out);
  members.text("text", message.text);
  members.text("staff", message.staff_id);
  members.end();
}
void append(std::string& out, const Reachability& reachability) {
  out += reachability.reachable ? "true" : "false";
}
void append(std::string& out, const TableAnswer& answer) {
  Members members(out);
  members.number("count", answer.count);
  if (!answer.rows.empty()) append_json(members.name("rows"), Value(answer.rows));
  members.text("error", answer.error);
  members.end();
}
void append(std::string& out, const TurnFailed& failed) { append_json_string(out, failed.reason); }

void append(std::string& out, const StaffCall& call) {
  Members members(out);
  if (call.meant != StaffCall::Meant::Dialog) members.number("meant", static_cast<std::int64_t>(call.meant));
  members.text("word", call.word);
  members.text("staff", call.staff_id);
  members.text("transport", call.from.transport);
  members.text("chat", call.from.chat_id);
  members.end();
}

void append(std::string& out, const TooMany&) { out += "true"; }

constexpr std::string_view kNames[] = {"message", "press", "timer", "staff",
                                       "reachable", "table", "failed", "staff_call", "too_many"};

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

bool read(JsonReader& json, UserMessage& message) {
  return json.read_object([&](const std::string& name) {
    if (name == "id") return json.read_string(message.message_id);
    if (name == "text") return json.read_string(message.text);
    if (name == "album") return json.read_string(message.album);
    if (name == "edited") return json.read_bool(message.edited);
    if (name == "reply_to") return json.read_string(message.reply_to);
    if (name == "files") {
      return json.read_array([&] {
        message.attachments.emplace_back();
        return read_attachment(json, message.attachments.back());
      });
    }
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
bool read(JsonReader& json, TurnFailed& failed) { return json.read_string(failed.reason); }
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

void append_json(std::string& out, const Event& event) {
  static_assert(std::size(kNames) == std::variant_size_v<decltype(Event::what)>);
  Members members(out);
  members.number("at", event.at.unix_ms);
  if (event.seed != 0) members.number("seed", static_cast<std::int64_t>(event.seed));
  members.name(kNames[event.what.index()]);
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

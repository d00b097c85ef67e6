#include "interpreter/core/broadcast.h"

#include "interpreter/core/json_text.h"
#include "interpreter/core/message_json.h"
#include "interpreter/core/recurrence.h"
#include "interpreter/core/value_json.h"

namespace sufler {

std::string to_json(const BroadcastOrder& order) {
  std::string out;
  ObjectWriter members(out);
  members.text("name", order.name);
  if (!order.texts.empty()) {
    members.name("texts") += '[';
    for (std::size_t i = 0; i < order.texts.size(); ++i) {
      if (i > 0) out += ',';
      append_json_string(out, order.texts[i]);
    }
    out += ']';
  }
  members.text("branch", order.branch);
  if (!order.with.empty()) append_json(members.name("with"), Value(order.with));
  if (!order.files.empty()) {
    members.name("files") += '[';
    for (std::size_t i = 0; i < order.files.size(); ++i) {
      if (i > 0) out += ',';
      append_json(out, order.files[i]);
    }
    out += ']';
  }
  members.text("where", order.where);
  if (!order.values.empty()) append_json(members.name("values"), Value(order.values));
  if (order.rate > 0) members.number("rate", order.rate);
  if (order.has_quiet_hours()) {
    members.number("quiet_from", order.quiet_from);
    members.number("quiet_to", order.quiet_to);
  }
  members.end();
  return out;
}

bool from_json(std::string_view text, BroadcastOrder& order) {
  order = {};
  JsonReader json(text);
  const auto read_map = [&](ValueMap& map) {
    Value value;
    if (!read_value(json, value) || !value.map()) return false;
    map = *value.map();
    return true;
  };
  const auto read_number = [&](auto& number) {
    std::int64_t read = 0;
    if (!json.read_int(read)) return false;
    number = static_cast<std::remove_reference_t<decltype(number)>>(read);
    return true;
  };
  const bool read = json.read_object([&](const std::string& name) {
    if (name == "name") return json.read_string(order.name);
    if (name == "texts") return json.read_array([&] { return json.read_string(order.texts.emplace_back()); });
    if (name == "branch") return json.read_string(order.branch);
    if (name == "with") return read_map(order.with);
    if (name == "files") return json.read_array([&] { return read_attachment(json, order.files.emplace_back()); });
    if (name == "where") return json.read_string(order.where);
    if (name == "values") return read_map(order.values);
    if (name == "rate") return read_number(order.rate);
    if (name == "quiet_from") return read_number(order.quiet_from);
    if (name == "quiet_to") return read_number(order.quiet_to);
    return pass_over(json);
  });
  return read && json.at_end();
}

bool is_quiet(const BroadcastOrder& order, const Zone& zone, Moment now) {
  if (!order.has_quiet_hours()) return false;
  const std::int32_t at = zone.to_local(now).time.seconds;
  if (order.quiet_from < order.quiet_to) return at >= order.quiet_from && at < order.quiet_to;
  return at >= order.quiet_from || at < order.quiet_to;
}

Moment end_of_quiet(const BroadcastOrder& order, const Zone& zone, Moment now) {
  Recurrence daily;
  daily.kind = Recurrence::Kind::Days;
  daily.times.push_back(TimeOfDay{order.quiet_to});
  return next_time(daily, zone, now).value_or(now);
}

}  // namespace sufler

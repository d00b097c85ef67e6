#include "interpreter/core/mail/order.h"

#include <algorithm>
#include <cstdio>

#include "interpreter/core/json_text.h"
#include "interpreter/core/message_json.h"
#include "interpreter/core/report/order.h"
#include "interpreter/core/sha256.h"

namespace sufler {
namespace {

template <class Items, class Append>
void append_list(std::string& out, const Items& items, Append append) {
  out += '[';
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    append(item);
  }
  out += ']';
}

void append_saying(std::string& out, const Saying& saying) {
  constexpr std::string_view kWho[] = {"bot", "client", "staff"};
  ObjectWriter members(out);
  members.text("who", kWho[static_cast<std::size_t>(saying.who)]);
  members.text("name", saying.name);
  members.text("day", saying.day);
  members.text("time", saying.time);
  members.text("text", saying.text);
  members.end();
}

bool read_saying(JsonReader& json, Saying& saying) {
  return json.read_object([&](const std::string& name) {
    std::string value;
    if (!json.read_string(value)) return false;
    if (name == "who") {
      saying.who = value == "client" ? Saying::Who::Client : value == "staff" ? Saying::Who::Staff : Saying::Who::Bot;
    } else if (name == "name") {
      saying.name = std::move(value);
    } else if (name == "day") {
      saying.day = std::move(value);
    } else if (name == "time") {
      saying.time = std::move(value);
    } else if (name == "text") {
      saying.text = std::move(value);
    }
    return true;
  });
}

/// Two texts: `[address, name]`, `[address, why]`.
void append_pair(std::string& out, std::string_view first, std::string_view second) {
  out += '[';
  append_json_string(out, first);
  out += ',';
  append_json_string(out, second);
  out += ']';
}
bool read_pair(JsonReader& json, std::string& first, std::string& second) {
  std::size_t at = 0;
  return json.read_array([&] {
    std::string value;
    if (!json.read_string(value)) return false;
    (at == 0 ? first : second) = std::move(value);
    return ++at <= 2;
  });
}

}  // namespace

std::string content_id(const Attachment& picture) { return sha256_hex(picture.reference).substr(0, 24) + "@picture"; }

std::string to_json(const MailOrder& order) {
  std::string out;
  ObjectWriter members(out);
  members.text("id", order.id);
  members.text("date", order.date);
  members.text("language", order.language == Language::Russian ? "ru" : "en");
  append_list(members.name("to"), order.to, [&](const Mailbox& one) { append_pair(out, one.address, one.name); });
  append_list(members.name("left"), order.left, [&](const std::string& one) { append_json_string(out, one); });
  if (!order.refused.empty())
    append_list(members.name("refused"), order.refused, [&](const auto& one) { append_pair(out, one.first, one.second); });
  if (!order.unsure.empty())
    append_list(members.name("unsure"), order.unsure, [&](const std::string& one) { append_json_string(out, one); });
  if (order.file_tries != 0) members.number("file_tries", order.file_tries);
  members.text("subject", order.subject);
  if (!order.text.empty()) {
    Message text;
    text.text = order.text;
    members.name("text") += to_json(text);
  }
  members.text("html", order.html);
  if (order.report) append_json(members.name("report"), *order.report);
  if (!order.pictures.empty())
    append_list(members.name("pictures"), order.pictures, [&](const Attachment& file) { append_json(out, file); });
  if (!order.files.empty())
    append_list(members.name("files"), order.files, [&](const Attachment& file) { append_json(out, file); });
  members.flag("with_history", order.with_history);
  if (!order.history.empty())
    append_list(members.name("history"), order.history, [&](const Saying& one) { append_saying(out, one); });
  members.end();
  return out;
}

bool from_json(std::string_view text, MailOrder& order) {
  order = {};
  JsonReader json(text);
  const bool read = json.read_object([&](const std::string& name) {
    if (name == "id") return json.read_string(order.id);
    if (name == "date") return json.read_string(order.date);
    if (name == "subject") return json.read_string(order.subject);
    if (name == "html") return json.read_string(order.html);
    if (name == "with_history") return json.read_bool(order.with_history);
    if (name == "language") {
      std::string language;
      if (!json.read_string(language)) return false;
      order.language = language == "ru" ? Language::Russian : Language::English;
      return true;
    }
    if (name == "to") return json.read_array([&] {
      Mailbox& one = order.to.emplace_back();
      return read_pair(json, one.address, one.name);
    });
    if (name == "left") return json.read_array([&] { return json.read_string(order.left.emplace_back()); });
    if (name == "unsure") return json.read_array([&] { return json.read_string(order.unsure.emplace_back()); });
    if (name == "file_tries") {
      std::int64_t tries = 0;
      if (!json.read_int(tries)) return false;
      order.file_tries = static_cast<std::uint32_t>(tries);
      return true;
    }
    if (name == "refused") return json.read_array([&] {
      auto& [address, why] = order.refused.emplace_back();
      return read_pair(json, address, why);
    });
    if (name == "text") {
      Message message;
      if (!read_message(json, message)) return false;
      order.text = std::move(message.text);
      return true;
    }
    if (name == "report") return read_attachment(json, order.report.emplace());
    if (name == "pictures") return json.read_array([&] { return read_attachment(json, order.pictures.emplace_back()); });
    if (name == "files") return json.read_array([&] { return read_attachment(json, order.files.emplace_back()); });
    if (name == "history") return json.read_array([&] { return read_saying(json, order.history.emplace_back()); });
    return pass_over(json);
  });
  return read && json.at_end() && !order.to.empty() && !order.id.empty();
}

void add_history(std::string& order, const std::vector<Saying>& history) {
  if (!order.ends_with('}') || history.empty()) return;
  order.pop_back();
  order += ",\"history\":";
  append_list(order, history, [&](const Saying& one) { append_saying(order, one); });
  order += '}';
}

void put_report(MailOrder& order, std::string letter) {
  if (!order.report) return;
  const bool cut = letter.find(kReportCut) != letter.npos;
  const bool attached = std::find(order.files.begin(), order.files.end(), *order.report) != order.files.end();
  if (cut && !attached) order.files.push_back(*order.report);
  order.html = std::move(letter);
  order.report.reset();
}

std::string mail_date(Moment at, const Zone& zone) {
  constexpr const char* kDays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const LocalTime local = zone.to_local(at);
  const std::int64_t utc_seconds = at.unix_ms >= 0 ? at.unix_ms / 1000 : -((-at.unix_ms + 999) / 1000);
  const std::int64_t local_seconds = std::int64_t{local.date.days_since_epoch} * 86'400 + local.time.seconds;
  const std::int64_t minutes = (local_seconds - utc_seconds) / 60;
  int year = 0;
  unsigned month = 1, day = 1;
  local.date.to_ymd(year, month, day);
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d %c%02d%02d", kDays[local.date.weekday() - 1], day, kMonths[month - 1],
                year, local.time.seconds / 3600, local.time.seconds / 60 % 60, local.time.seconds % 60, minutes < 0 ? '-' : '+',
                static_cast<int>((minutes < 0 ? -minutes : minutes) / 60), static_cast<int>((minutes < 0 ? -minutes : minutes) % 60));
  return text;
}

}  // namespace sufler

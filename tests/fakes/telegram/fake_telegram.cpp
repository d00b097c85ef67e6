#include "fakes/telegram/fake_telegram.h"

#include <stdexcept>

#include "fakes/common/bytes.h"
#include "fakes/telegram/world.h"

namespace sufler::fakes {
namespace {

std::vector<std::vector<Button>> buttons(const Json& markup, const char* field) {
  std::vector<std::vector<Button>> rows;
  if (!markup.is_object() || !markup.contains(field)) return rows;
  for (const Json& row : markup[field]) {
    rows.emplace_back();
    for (const Json& json : row) {
      Button button;
      button.label = json.value("text", "");
      button.data = json.value("callback_data", "");
      button.url = json.value("url", "");
      button.asks_contact = json.value("request_contact", false);
      button.asks_location = json.value("request_location", false);
      rows.back().push_back(std::move(button));
    }
  }
  return rows;
}

SentMessage sent_message(const Json& report) {
  SentMessage out;
  out.chat = report["chat"];
  out.message_id = report["message_id"];
  out.method = report["method"];
  out.text = report["text"];
  for (const Json& entity : report["entities"]) {
    out.entities.push_back({entity["type"], entity["offset"], entity["length"],
                            entity.value("url", ""), entity.value("language", "")});
  }
  const Json& markup = report["reply_markup"];
  out.inline_keyboard = buttons(markup, "inline_keyboard");
  out.reply_keyboard = buttons(markup, "keyboard");
  out.removes_keyboard = markup.is_object() && markup.value("remove_keyboard", false);
  for (const Json& file : report["files"]) {
    out.files.push_back({file["kind"], file["file_id"], file["name"], file["mime_type"],
                         file["url"], file["sha256"], file["size"]});
  }
  out.media_group_id = report["media_group_id"];
  out.reply_to = report["reply_to"];
  out.topic = report["topic"];
  out.silent = report["silent"];
  out.deleted = report["deleted"];
  out.edits = report["edits"];
  out.json = report["message"].dump();
  return out;
}

Json acting(std::int64_t user, const Place& place) {
  Json json = {{"user", user}, {"bot", place.bot}};
  if (place.chat != 0) json["chat"] = place.chat;
  if (place.topic != 0) json["topic"] = place.topic;
  return json;
}

Json upload_json(const Upload& upload) {
  Json json = {{"type", upload.kind}};
  if (!upload.bytes.empty()) json["base64"] = base64_encode(upload.bytes);
  if (!upload.name.empty()) json["name"] = upload.name;
  if (!upload.mime_type.empty()) json["mime_type"] = upload.mime_type;
  if (!upload.caption.empty()) json["caption"] = upload.caption;
  return json;
}

}  // namespace

struct FakeTelegram::Impl {
  explicit Impl(FakeTelegramOptions options) : world(std::move(options), server) {}
  ~Impl() {
    world.stop();
    server.stop();
  }

  HttpServer server;
  World world;
};

FakeTelegram::FakeTelegram(FakeTelegramOptions options) : impl_(std::make_unique<Impl>(options)) {
  // Room for an album's other parts beside one file at its limit.
  impl_->world.start(options.port, options.upload_limit_bytes + (1u << 20));
}

FakeTelegram::~FakeTelegram() = default;

std::string FakeTelegram::url() const { return "http://127.0.0.1:" + std::to_string(port()); }
int FakeTelegram::port() const { return impl_->server.port(); }
std::string FakeTelegram::token(std::size_t bot) const { return impl_->world.token(bot); }

void FakeTelegram::add_user(const User& user, bool started, std::size_t bot) {
  impl_->world.ask("users", {{"id", user.id},
                             {"first_name", user.first_name},
                             {"last_name", user.last_name},
                             {"username", user.username},
                             {"language_code", user.language_code},
                             {"started", started},
                             {"bot", bot}});
}

void FakeTelegram::add_group(std::int64_t id, const std::string& title, std::size_t bot) {
  impl_->world.ask("groups", {{"id", id}, {"title", title}, {"bot", bot}});
}

void FakeTelegram::add_forum(std::int64_t id, const std::string& title, std::size_t bot) {
  impl_->world.ask("groups", {{"id", id}, {"title", title}, {"is_forum", true}, {"bot", bot}});
}

std::int64_t FakeTelegram::add_topic(std::int64_t user, std::int64_t group, const std::string& name,
                                     std::size_t bot) {
  return impl_->world.ask("topics", {{"user", user}, {"chat", group}, {"name", name}, {"bot", bot}})["topic"];
}

void FakeTelegram::delete_topic(std::int64_t group, std::int64_t topic, std::size_t bot) {
  impl_->world.ask("topics", {{"chat", group}, {"topic", topic}, {"deleted", true}, {"bot", bot}});
}

std::int64_t FakeTelegram::say(std::int64_t user, const std::string& text, Place place) {
  Json params = acting(user, place);
  params["text"] = text;
  return impl_->world.ask("say", params)["update_id"];
}

std::string FakeTelegram::press(std::int64_t user, const std::string& label, Place place) {
  Json params = acting(user, place);
  params["label"] = label;
  return impl_->world.ask("press", params).value("callback_query_id", "");
}

std::string FakeTelegram::press_data(std::int64_t user, std::int64_t message_id,
                                     const std::string& data, Place place) {
  Json params = acting(user, place);
  params["message_id"] = message_id;
  params["data"] = data;
  return impl_->world.ask("press", params).value("callback_query_id", "");
}

std::int64_t FakeTelegram::tap(std::int64_t user, const std::string& label, Place place) {
  Json params = acting(user, place);
  params["label"] = label;
  return impl_->world.ask("tap", params)["update_id"];
}

std::int64_t FakeTelegram::send_file(std::int64_t user, const Upload& upload, Place place) {
  Json params = acting(user, place);
  params.update(upload_json(upload));
  return impl_->world.ask(upload.kind, params)["update_id"];
}

std::int64_t FakeTelegram::send_album(std::int64_t user, const std::vector<Upload>& items,
                                      Place place) {
  Json params = acting(user, place);
  params["items"] = Json::array();
  for (const Upload& item : items) params["items"].push_back(upload_json(item));
  return impl_->world.ask("album", params)["update_id"];
}

std::int64_t FakeTelegram::send_contact(std::int64_t user, const std::string& phone, bool own,
                                        Place place) {
  Json params = acting(user, place);
  params["phone"] = phone;
  params["own"] = own;
  return impl_->world.ask("contact", params)["update_id"];
}

std::int64_t FakeTelegram::send_location(std::int64_t user, double latitude, double longitude,
                                         Place place) {
  Json params = acting(user, place);
  params["latitude"] = latitude;
  params["longitude"] = longitude;
  return impl_->world.ask("location", params)["update_id"];
}

std::int64_t FakeTelegram::edit_message(std::int64_t user, std::int64_t message_id,
                                        const std::string& text, Place place) {
  Json params = acting(user, place);
  params["message_id"] = message_id;
  params["text"] = text;
  return impl_->world.ask("edit", params)["update_id"];
}

void FakeTelegram::block(std::int64_t user, std::size_t bot) {
  impl_->world.ask("block", {{"user", user}, {"bot", bot}});
}
void FakeTelegram::unblock(std::int64_t user, std::size_t bot) {
  impl_->world.ask("unblock", {{"user", user}, {"bot", bot}});
}

std::int64_t FakeTelegram::push_update(const std::string& json, std::size_t bot) {
  const Json update = Json::parse(json, nullptr, false);
  if (!update.is_object()) throw std::runtime_error("fake telegram: an update is a JSON object");
  return impl_->world.ask("update", {{"update", update}, {"bot", bot}})["update_id"];
}

std::vector<SentMessage> FakeTelegram::messages(std::int64_t chat, std::size_t bot) const {
  std::vector<SentMessage> out;
  for (const Json& report : impl_->world.ask("messages", {{"chat", chat}, {"bot", bot}})) {
    out.push_back(sent_message(report));
  }
  return out;
}

std::vector<SentMessage> FakeTelegram::wait_for_messages(std::int64_t chat, std::size_t count,
                                                         std::chrono::milliseconds timeout,
                                                         std::size_t bot) const {
  impl_->world.wait({{"chat", chat}, {"count", count}, {"bot", bot}}, timeout);
  return messages(chat, bot);
}

std::vector<CallRecord> FakeTelegram::calls(const std::string& method) const {
  std::vector<CallRecord> out;
  for (const Json& json : impl_->world.ask("calls", {{"method", method}})) {
    CallRecord call;
    call.number = json["number"];
    call.at_unix_ms = json["at_ms"];
    call.method = json["method"];
    call.chat = json["chat"];
    call.ok = json["ok"];
    call.applied = json["applied"];
    call.error_code = json["error_code"];
    call.description = json["description"];
    call.params = json["params"].dump();
    call.result = json["result"].dump();
    out.push_back(std::move(call));
  }
  return out;
}

bool FakeTelegram::wait_for_calls(const std::string& method, std::size_t count,
                                  std::chrono::milliseconds timeout) const {
  return impl_->world.wait({{"method", method}, {"count", count}}, timeout);
}

bool FakeTelegram::wait_until_confirmed(std::int64_t update_id, std::chrono::milliseconds timeout,
                                        std::size_t bot) const {
  return impl_->world.wait({{"confirmed", update_id}, {"bot", bot}}, timeout);
}

bool FakeTelegram::wait_until_polling(bool polling, std::chrono::milliseconds timeout,
                                      std::size_t bot) const {
  return impl_->world.wait({{"polling", polling}, {"bot", bot}}, timeout);
}

std::size_t FakeTelegram::pending_updates(std::size_t bot) const {
  return impl_->world.ask("updates", {{"pending", true}, {"bot", bot}}).size();
}

bool FakeTelegram::is_answered(const std::string& callback_id) const {
  for (const Json& answer : impl_->world.ask("answers", Json::object())) {
    if (answer["callback_query_id"] == callback_id) return answer["answered"];
  }
  return false;
}

std::string FakeTelegram::file_bytes(const std::string& file_id, std::size_t bot) const {
  return impl_->world.file_bytes({{"bot", bot}, {"file_id", file_id}});
}

void FakeTelegram::fail_next(const Fault& fault) {
  Json params = {{"kind", fault.kind},
                 {"times", fault.times},
                 {"skip", fault.skip},
                 {"retry_after", fault.retry_after_s}};
  if (!fault.method.empty()) params["method"] = fault.method;
  if (fault.chat != 0) params["chat"] = fault.chat;
  if (fault.delay.count() > 0) params["delay_ms"] = fault.delay.count();
  if (fault.migrate_to != 0) params["migrate_to"] = fault.migrate_to;
  if (fault.status != 0) params["status"] = fault.status;
  if (!fault.description.empty()) params["description"] = fault.description;
  impl_->world.ask("faults", params);
}

void FakeTelegram::clear_faults() { impl_->world.ask("faults/clear", Json::object()); }
void FakeTelegram::revoke_token(bool revoked, std::size_t bot) {
  impl_->world.ask("token", {{"revoked", revoked}, {"bot", bot}});
}
void FakeTelegram::close_connections() { impl_->world.ask("connections/close", Json::object()); }
void FakeTelegram::advance_clock(std::chrono::milliseconds by) {
  impl_->world.ask("clock", {{"advance_ms", by.count()}});
}
void FakeTelegram::reset() { impl_->world.ask("reset", Json::object()); }

std::string FakeTelegram::control(const std::string& path, const std::string& json) const {
  return impl_->world.ask_text(path, json);
}

}  // namespace sufler::fakes

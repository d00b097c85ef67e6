#include "fakes/vk/fake_vk.h"

#include <stdexcept>

#include "fakes/common/bytes.h"
#include "fakes/vk/world.h"

namespace sufler::fakes {
namespace {

using vk::Json;

std::vector<std::vector<VkButton>> buttons(const Json& keyboard) {
  std::vector<std::vector<VkButton>> rows;
  for (const Json& row : keyboard["buttons"]) {
    rows.emplace_back();
    for (const Json& button : row) {
      const Json& action = button["action"];
      rows.back().push_back({action["type"], action.value("label", ""), action.value("payload", ""),
                             action.value("link", ""), button.value("color", "")});
    }
  }
  return rows;
}

VkSentMessage sent_message(const Json& report) {
  VkSentMessage out;
  out.peer = report["peer"];
  out.message_id = report["message_id"];
  out.cmid = report["cmid"];
  out.random_id = report["random_id"];
  out.text = report["text"];
  for (const Json& span : report["spans"]) {
    out.spans.push_back({span["type"], span["offset"], span["length"], span.value("url", "")});
  }
  if (const Json& keyboard = report["keyboard"]; keyboard.is_object()) {
    const bool is_inline = keyboard["inline"];
    (is_inline ? out.inline_keyboard : out.keyboard) = buttons(keyboard);
    out.one_time = keyboard["one_time"];
    out.removes_keyboard = !is_inline && keyboard["buttons"].empty();
  }
  for (const Json& attachment : report["attachments"]) {
    out.attachments.push_back({attachment["kind"], attachment["id"], attachment["name"],
                               attachment["sha256"], attachment["size"]});
  }
  out.reply_to = report["reply_to"];
  for (const Json& cmid : report["forwarded"]) out.forwarded.push_back(cmid);
  out.deleted = report["deleted"];
  out.edits = report["edits"];
  out.json = report["message"].dump();
  return out;
}

VkEvent happened(const Json& json) {
  VkEvent out;
  out.event_id = json.value("event_id", "");
  out.cmid = json.value("cmid", std::int64_t{0});
  out.date = json.value("date", std::int64_t{0});
  out.message_id = json.value("message_id", std::int64_t{0});
  out.callback_id = json.value("callback_id", "");
  out.link = json.value("link", "");
  return out;
}

Json acting(std::int64_t user, const VkPlace& place) {
  Json json = {{"user", user}, {"community", place.community}};
  if (place.peer != 0) json["peer"] = place.peer;
  return json;
}

Json parsed(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw std::runtime_error("fake vk: not JSON: " + text);
  return json;
}

}  // namespace

struct FakeVk::Impl {
  explicit Impl(FakeVkOptions options) : world(std::move(options), server) {}
  ~Impl() {
    world.stop();
    server.stop();
  }

  VkEvent act(const std::string& path, const Json& params) {
    return happened(world.ask(path, params));
  }
  VkPosted post(std::size_t community, std::int64_t to, const std::string& body,
                const std::string& event_id) {
    const PostResult result = world.post_to_server(community, to, body, event_id);
    return {result.status, result.body};
  }

  HttpServer server;
  vk::World world;
};

FakeVk::FakeVk(FakeVkOptions options) : impl_(std::make_unique<Impl>(options)) {
  // Room for a form around one file at its limit.
  impl_->world.start(options.port, options.doc_limit_bytes + (1u << 20));
}

FakeVk::~FakeVk() = default;

std::string FakeVk::url() const { return "http://127.0.0.1:" + std::to_string(port()); }
int FakeVk::port() const { return impl_->server.port(); }

std::string FakeVk::token(std::size_t community) const {
  return impl_->world.ask("community", {{"community", community}})["token"];
}
std::int64_t FakeVk::group_id(std::size_t community) const {
  return impl_->world.ask("community", {{"community", community}})["group_id"];
}
std::string FakeVk::confirmation(std::size_t community) const {
  return impl_->world.ask("community", {{"community", community}})["confirmation"];
}

void FakeVk::add_user(const VkUser& user, bool allowed, std::size_t community) {
  impl_->world.ask("users", {{"id", user.id},
                             {"first_name", user.first_name},
                             {"last_name", user.last_name},
                             {"deactivated", user.deactivated},
                             {"allowed", allowed},
                             {"community", community}});
}

void FakeVk::add_chat(std::int64_t peer, const std::string& title, std::size_t community) {
  impl_->world.ask("chats", {{"peer", peer}, {"title", title}, {"community", community}});
}

void FakeVk::refuse_messages(std::int64_t user, int error_code, std::size_t community) {
  impl_->world.ask("refuse", {{"user", user}, {"code", error_code}, {"community", community}});
}

VkEvent FakeVk::say(std::int64_t user, const std::string& text, VkPlace place) {
  Json params = acting(user, place);
  params["text"] = text;
  return impl_->act("say", params);
}

VkEvent FakeVk::start(std::int64_t user, VkPlace place) {
  return impl_->act("start", acting(user, place));
}

VkEvent FakeVk::come_by_link(std::int64_t user, const std::string& text, const std::string& ref,
                             const std::string& ref_source, VkPlace place) {
  Json params = acting(user, place);
  params["text"] = text;
  params["ref"] = ref;
  params["ref_source"] = ref_source;
  return impl_->act("say", params);
}

VkEvent FakeVk::press(std::int64_t user, const std::string& label, VkPlace place) {
  Json params = acting(user, place);
  params["label"] = label;
  return impl_->act("press", params);
}

VkEvent FakeVk::press_payload(std::int64_t user, const std::string& payload, std::int64_t cmid,
                              VkPlace place) {
  Json params = acting(user, place);
  params["payload"] = payload;
  params["cmid"] = cmid;
  return impl_->act("press", params);
}

VkEvent FakeVk::say_payload(std::int64_t user, const std::string& text, const std::string& payload,
                            VkPlace place) {
  Json params = acting(user, place);
  params["text"] = text;
  params["payload"] = payload;
  return impl_->act("say", params);
}

VkEvent FakeVk::send_files(std::int64_t user, const std::vector<VkUpload>& files,
                           const std::string& text, VkPlace place) {
  Json params = acting(user, place);
  params["text"] = text;
  params["items"] = Json::array();
  for (const VkUpload& file : files) {
    Json item = {{"type", file.kind}};
    if (!file.bytes.empty()) item["base64"] = base64_encode(file.bytes);
    if (!file.name.empty()) item["name"] = file.name;
    params["items"].push_back(std::move(item));
  }
  return impl_->act("files", params);
}

VkEvent FakeVk::send_location(std::int64_t user, double latitude, double longitude, VkPlace place) {
  Json params = acting(user, place);
  params["latitude"] = latitude;
  params["longitude"] = longitude;
  return impl_->act("location", params);
}

VkEvent FakeVk::send_sticker(std::int64_t user, VkPlace place) {
  return impl_->act("sticker", acting(user, place));
}

VkEvent FakeVk::send_attachment(std::int64_t user, const std::string& type, const std::string& json,
                                VkPlace place) {
  Json params = acting(user, place);
  params["type"] = type;
  params["content"] = parsed(json);
  return impl_->act("attachment", params);
}

VkEvent FakeVk::edit_message(std::int64_t user, std::int64_t cmid, const std::string& text,
                             VkPlace place) {
  Json params = acting(user, place);
  params["cmid"] = cmid;
  params["text"] = text;
  return impl_->act("edit", params);
}

void FakeVk::delete_message(std::int64_t user, std::int64_t cmid, VkPlace place) {
  Json params = acting(user, place);
  params["cmid"] = cmid;
  impl_->world.ask("delete", params);
}

VkEvent FakeVk::allow(std::int64_t user, const std::string& key, std::size_t community) {
  return impl_->act("allow", {{"user", user}, {"key", key}, {"community", community}});
}
VkEvent FakeVk::deny(std::int64_t user, std::size_t community) {
  return impl_->act("deny", {{"user", user}, {"community", community}});
}
VkEvent FakeVk::type(std::int64_t user, VkPlace place) {
  return impl_->act("type", acting(user, place));
}
VkEvent FakeVk::read(std::int64_t user, VkPlace place) {
  return impl_->act("read", acting(user, place));
}

VkEvent FakeVk::staff_says(std::int64_t admin, std::int64_t peer, const std::string& text,
                           std::size_t community) {
  return impl_->act("staff",
                    {{"admin", admin}, {"peer", peer}, {"text", text}, {"community", community}});
}
VkEvent FakeVk::mailing_says(std::int64_t peer, const std::string& text, std::size_t community) {
  return impl_->act("mailing", {{"peer", peer}, {"text", text}, {"community", community}});
}

VkEvent FakeVk::push_event(const std::string& type, const std::string& object,
                           std::size_t community) {
  return impl_->act("event",
                    {{"type", type}, {"object", parsed(object)}, {"community", community}});
}

std::vector<VkSentMessage> FakeVk::messages(std::int64_t peer, std::size_t community) const {
  std::vector<VkSentMessage> out;
  for (const Json& report :
       impl_->world.ask("messages", {{"peer", peer}, {"community", community}})) {
    out.push_back(sent_message(report));
  }
  return out;
}

std::vector<VkSentMessage> FakeVk::wait_for_messages(std::int64_t peer, std::size_t count,
                                                     std::chrono::milliseconds timeout,
                                                     std::size_t community) const {
  impl_->world.wait({{"peer", peer}, {"count", count}, {"community", community}}, timeout);
  return messages(peer, community);
}

std::vector<VkCall> FakeVk::calls(const std::string& method) const {
  std::vector<VkCall> out;
  for (const Json& json : impl_->world.ask("calls", {{"method", method}})) {
    VkCall call;
    call.number = json["number"];
    call.at_unix_ms = json["at_ms"];
    call.community = json["community"];
    call.method = json["method"];
    call.peer = json["peer"];
    call.ok = json["ok"];
    call.applied = json["applied"];
    call.executed = json["executed"];
    call.error_code = json["error_code"];
    call.error = json["error"];
    call.params = json["params"].dump();
    call.result = json["result"].dump();
    out.push_back(std::move(call));
  }
  return out;
}

bool FakeVk::wait_for_calls(const std::string& method, std::size_t count,
                            std::chrono::milliseconds timeout) const {
  return impl_->world.wait({{"method", method}, {"count", count}}, timeout);
}

bool FakeVk::wait_until_confirmed(const std::string& event_id, std::chrono::milliseconds timeout,
                                  std::size_t community) const {
  return impl_->world.wait({{"confirmed", event_id}, {"community", community}}, timeout);
}

bool FakeVk::wait_until_polling(bool polling, std::chrono::milliseconds timeout,
                                std::size_t community) const {
  return impl_->world.wait({{"polling", polling}, {"community", community}}, timeout);
}

bool FakeVk::wait_until_answered(const std::string& callback_id,
                                 std::chrono::milliseconds timeout) const {
  return impl_->world.wait({{"answered", callback_id}}, timeout);
}

std::size_t FakeVk::pending_events(std::size_t community) const {
  return impl_->world.ask("events", {{"pending", true}, {"community", community}}).size();
}

std::string FakeVk::callback_answer(const std::string& callback_id) const {
  for (const Json& answer : impl_->world.ask("answers", Json::object())) {
    if (answer["callback_id"] == callback_id) return answer["answer"].dump();
  }
  return "null";
}

bool FakeVk::is_answered(const std::string& callback_id) const {
  for (const Json& answer : impl_->world.ask("answers", Json::object())) {
    if (answer["callback_id"] == callback_id) return answer["answered"];
  }
  return false;
}

std::size_t FakeVk::typing_shown(std::int64_t peer, std::size_t community) const {
  return impl_->world.ask("typing", {{"peer", peer}, {"community", community}});
}

std::string FakeVk::file_bytes(const std::string& attachment_id, std::size_t community) const {
  return impl_->world.file_bytes({{"community", community}, {"attachment", attachment_id}});
}

void FakeVk::fail_next(const VkFault& fault) {
  Json params = {{"kind", fault.kind}, {"times", fault.times}, {"skip", fault.skip}};
  if (fault.code != 0) params["code"] = fault.code;
  if (!fault.method.empty()) params["method"] = fault.method;
  if (fault.peer != 0) params["peer"] = fault.peer;
  if (fault.community >= 0) params["community"] = fault.community;
  if (fault.delay.count() > 0) params["delay_ms"] = fault.delay.count();
  if (fault.status != 0) params["status"] = fault.status;
  if (!fault.body.empty()) params["body"] = fault.body;
  impl_->world.ask("faults", params);
}

void FakeVk::clear_faults() { impl_->world.ask("faults/clear", Json::object()); }
void FakeVk::revoke_token(bool revoked, std::size_t community) {
  impl_->world.ask("community", {{"revoked", revoked}, {"community", community}});
}
void FakeVk::close_connections() { impl_->world.ask("connections/close", Json::object()); }
void FakeVk::advance_clock(std::chrono::milliseconds by) {
  impl_->world.ask("clock", {{"advance_ms", by.count()}});
}
void FakeVk::lose_events(std::size_t community) {
  impl_->world.ask("longpoll/lose", {{"community", community}});
}
void FakeVk::lose_next_events(int count, std::size_t community) {
  impl_->world.ask("longpoll/lose", {{"next", count}, {"community", community}});
}
void FakeVk::expire_long_poll_key(std::size_t community) {
  impl_->world.ask("longpoll/expire", {{"community", community}});
}
void FakeVk::lose_long_poll(std::size_t community) {
  impl_->world.ask("longpoll/reset", {{"community", community}});
}
void FakeVk::reset() { impl_->world.ask("reset", Json::object()); }

std::int64_t FakeVk::add_webhook(const std::string& url, const std::string& secret,
                                 std::size_t community) {
  return impl_->world.ask("webhook",
                          {{"url", url}, {"secret", secret}, {"community", community}})["server"];
}

bool FakeVk::wait_until_webhook_is(const std::string& status, std::int64_t server,
                                   std::chrono::milliseconds timeout, std::size_t community) const {
  return impl_->world.wait({{"server", server}, {"status", status}, {"community", community}},
                           timeout);
}

std::vector<VkDelivery> FakeVk::deliveries(std::size_t community) const {
  std::vector<VkDelivery> out;
  for (const Json& json : impl_->world.ask("deliveries", {{"community", community}})) {
    out.push_back({json["event_id"], json["type"], json["attempts"], json["delivered"],
                   json["given_up"], json["last_status"]});
  }
  return out;
}

bool FakeVk::wait_for_delivery(const std::string& event_id, int attempts,
                               std::chrono::milliseconds timeout, std::size_t community) const {
  return impl_->world.wait(
      {{"delivery", event_id}, {"attempts", attempts}, {"community", community}}, timeout);
}

std::string FakeVk::webhook_body(const std::string& event_id, std::int64_t server,
                                 std::size_t community) const {
  return impl_->world.ask(
      "webhook/body",
      {{"event_id", event_id}, {"server", server}, {"community", community}})["body"];
}

VkPosted FakeVk::forge(const std::string& body, std::int64_t server, std::size_t community) const {
  return impl_->post(community, server, body, {});
}

VkPosted FakeVk::replay(const std::string& event_id, std::int64_t server,
                        std::size_t community) const {
  return impl_->post(community, server, {}, event_id);
}

std::string FakeVk::control(const std::string& path, const std::string& json) const {
  return impl_->world.ask_text(path, json);
}

}  // namespace sufler::fakes

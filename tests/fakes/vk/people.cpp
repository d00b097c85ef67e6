// The control API: people who write, the community's staff, faults, options and reports.
#include <algorithm>

#include "fakes/common/bytes.h"
#include "fakes/vk/keyboard.h"
#include "fakes/vk/world.h"

namespace sufler::fakes::vk {
namespace {

constexpr std::size_t kFilesInMessage = 10;

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\n')
      out += "<br>";
    else
      out += c;
  }
  return out;
}

Json client_info() {
  return {{"button_actions",
           {"text", "vkpay", "open_app", "location", "open_link", "open_photo", "callback",
            "intent_subscribe", "intent_unsubscribe"}},
          {"keyboard", true},
          {"inline_keyboard", true},
          {"carousel", true},
          {"lang_id", 0}};
}

const Json* button_with(const Json& keyboard, const std::string& label) {
  if (!keyboard.is_object()) return nullptr;
  for (const Json& row : keyboard["buttons"]) {
    for (const Json& button : row) {
      const Json& action = button["action"];
      if (action.value("label", action["type"].get<std::string>()) == label) return &button;
    }
  }
  return nullptr;
}

void add_labels(const Json& keyboard, std::string& labels) {
  if (!keyboard.is_object()) return;
  for (const Json& row : keyboard["buttons"]) {
    for (const Json& button : row) {
      const Json& action = button["action"];
      labels += " [" + action.value("label", action["type"].get<std::string>()) + "]";
    }
  }
}

}  // namespace

Community& World::community_of(const Json& params) {
  const auto index = params.value("community", std::size_t{0});
  if (index >= communities_.size()) refuse("no such community");
  return communities_[index];
}

/// The dialog where the person acts; they and it exist from now on.
Dialog& World::place_of(Community& community, const Json& params) {
  const std::int64_t user = params.at("user");
  if (user <= 0 || user >= kFirstChat) refuse("the id of a user is positive");
  if (!users_.contains(user)) users_[user] = VkUser{user};
  std::int64_t peer = params.value("peer", std::int64_t{0});
  if (peer == 0) peer = user;
  if (peer != user && !community.dialogs.contains(peer)) refuse("no such chat: add it first");
  Dialog& dialog = community.dialogs[peer];
  dialog.peer = peer;
  return dialog;
}

Message& World::incoming(Community& community, Dialog& dialog, const Json& params) {
  Message message;
  message.cmid = dialog.next_cmid++;
  message.id = dialog.peer < kFirstChat ? community.next_message_id++ : 0;
  message.peer = dialog.peer;
  message.from = params.at("user");
  message.at_ms = params.contains("date") ? params["date"].get<std::int64_t>() * 1000 : now_ms();
  message.text = params.value("text", "");
  if (options_.escape_incoming) message.text = escaped(message.text);
  if (params.contains("payload")) {
    message.payload = params["payload"].is_string() ? params["payload"].get<std::string>()
                                                    : params["payload"].dump();
  }
  message.ref = params.value("ref", "");
  message.ref_source = params.value("ref_source", "");
  message.reply_to = params.value("reply_to", std::int64_t{0});
  for (const Json& cmid : params.value("forwarded", Json::array())) {
    const auto found = dialog.messages.find(cmid.get<std::int64_t>());
    if (found == dialog.messages.end()) refuse("no such message to forward");
    message.forwarded.push_back(cmid);
    message.copies.push_back(message_json(community, dialog, found->second, true));
  }
  return dialog.messages[message.cmid] = std::move(message);
}

Json World::tell(Community& community, Dialog& dialog, Message& message) {
  // Writing is a permission to be answered, even after a denial.
  dialog.wrote = true;
  dialog.denied = false;
  const std::string event = community.messages_on
                                ? push_event(community, "message_new",
                                             {{"message", message_json(community, dialog, message)},
                                              {"client_info", client_info()}},
                                             dialog.peer)
                                : std::string();
  return {{"event_id", event},
          {"cmid", message.cmid},
          {"message_id", message.id},
          {"date", message.at_ms / 1000}};
}

Json World::press_payload(Community& community, Dialog& dialog, std::int64_t user,
                          const Json& payload, std::int64_t cmid) {
  Callback callback;
  callback.id = random_hex(12);
  callback.community = community.index;
  callback.user = user;
  callback.peer = dialog.peer;
  callback.at_ms = now_ms();
  const std::string id = callback.id;
  callbacks_[id] = std::move(callback);
  Json object = {{"user_id", user}, {"peer_id", dialog.peer}, {"event_id", id}};
  if (!payload.is_null()) object["payload"] = payload;
  if (cmid != 0) object["conversation_message_id"] = cmid;
  const std::string event = push_event(community, "message_event", object, dialog.peer);
  return {{"event_id", event}, {"callback_id", id}, {"cmid", cmid}};
}

Json World::press(Community& community, const Json& params) {
  Dialog& dialog = place_of(community, params);
  const std::string label = params.at("label");
  const std::int64_t user = params.at("user");
  const Json* button = nullptr;
  std::int64_t cmid = 0;
  for (auto it = dialog.messages.rbegin(); it != dialog.messages.rend() && !button; ++it) {
    const Message& message = it->second;
    if (message.deleted || !message.keyboard.is_object()) continue;
    if (!message.keyboard["inline"].get<bool>()) continue;
    if (params.contains("cmid") && params["cmid"] != it->first) continue;
    button = button_with(message.keyboard, label);
    if (button != nullptr) cmid = it->first;
  }
  if (button == nullptr && !params.contains("cmid")) button = button_with(dialog.keyboard, label);
  if (button == nullptr) {
    std::string labels;
    for (const auto& [number, message] : dialog.messages)
      if (!message.deleted && message.keyboard.is_object() &&
          message.keyboard["inline"].get<bool>()) {
        add_labels(message.keyboard, labels);
      }
    add_labels(dialog.keyboard, labels);
    refuse("no button \"" + label + "\"; there are:" + (labels.empty() ? " none" : labels));
  }
  const Json action = (*button)["action"];
  const std::string type = action["type"];
  const std::string payload = action.value("payload", "");
  if (cmid == 0 && dialog.keyboard["one_time"].get<bool>()) dialog.keyboard = nullptr;
  if (type == "open_link") return {{"event_id", ""}, {"cmid", 0}, {"link", action["link"]}};
  if (type == "callback") {
    // It arrives parsed, though the schema says that it is a string.
    const Json parsed = payload.empty() ? Json() : Json::parse(payload, nullptr, false);
    return press_payload(community, dialog, user, parsed, cmid);
  }
  Json act = {{"user", user}, {"text", action.value("label", "")}};
  if (!payload.empty()) act["payload"] = payload;
  Message& message = incoming(community, dialog, act);
  if (type == "location") {
    message.geo = {{"type", "point"},
                   {"coordinates",
                    {{"latitude", params.value("latitude", 55.751244)},
                     {"longitude", params.value("longitude", 37.618423)}}}};
  }
  return tell(community, dialog, message);
}

File& World::people_file(Community& community, const Json& params, std::int64_t user) {
  File file;
  file.kind = params.value("type", "photo");
  if (file.kind != "photo" && file.kind != "doc" && file.kind != "audio_message") {
    refuse("a file is a photo, a doc or an audio_message");
  }
  file.owner = user;
  std::string bytes;
  if (params.contains("base64")) {
    const auto decoded = base64_decode(params["base64"].get<std::string>());
    if (!decoded) refuse("base64 is broken");
    bytes = *decoded;
  } else if (params.contains("text_bytes")) {
    bytes = params["text_bytes"];
  } else if (file.kind == "photo") {
    bytes = make_png(params.value("width", 90), params.value("height", 60));
  } else if (file.kind == "doc") {
    bytes = params.contains("size") ? std::string(params["size"].get<std::size_t>(), 'x')
                                    : "%PDF-1.4\n%%EOF\n";
  } else {
    bytes = std::string("OggS\0\2", 6) + std::string(200, '\0');
  }
  if (const auto size = image_size(bytes)) {
    file.width = size->width;
    file.height = size->height;
  } else if (file.kind == "photo") {
    refuse("a photo is an image");
  }
  file.bytes = std::make_shared<const std::string>(std::move(bytes));
  file.name = params.value("name", file.kind == "doc" ? "файл.pdf" : "");
  const std::size_t dot = file.name.rfind('.');
  file.ext = file.kind == "photo"           ? "jpg"
             : file.kind == "audio_message" ? "ogg"
             : dot == std::string::npos     ? "bin"
                                            : file.name.substr(dot + 1);
  return add_file(community, std::move(file));
}

/// A message of the community that its bot did not send.
Json World::outgoing(Community& community, const Json& params, std::int64_t admin) {
  const std::int64_t peer = params.at("peer");
  const auto found = community.dialogs.find(peer);
  if (found == community.dialogs.end()) refuse("there is no dialog with this peer");
  Dialog& dialog = found->second;
  Message message;
  message.cmid = dialog.next_cmid++;
  message.id = peer < kFirstChat ? community.next_message_id++ : 0;
  message.peer = peer;
  message.from = -community.group_id;
  message.at_ms = now_ms();
  message.text = params.value("text", "");
  message.out = true;
  message.admin = admin;
  // VK's own clients set it too, so it says nothing about who wrote.
  message.random_id = params.value("random_id", static_cast<std::int64_t>(459'382'534 + serial_++));
  const std::int64_t cmid = message.cmid;
  Message& stored = dialog.messages[cmid] = std::move(message);
  const std::string event =
      push_event(community, "message_reply", message_json(community, dialog, stored), peer);
  return {{"event_id", event},
          {"cmid", cmid},
          {"message_id", stored.id},
          {"date", stored.at_ms / 1000}};
}

// ---- reports

Json World::message_report(Community& community, const Dialog& dialog, const Message& message) {
  Json report = {
      {"peer", message.peer},         {"message_id", message.id},
      {"cmid", message.cmid},         {"from", message.from},
      {"by_bot", message.by_bot},     {"random_id", message.random_id},
      {"text", message.text},         {"spans", message.spans},
      {"keyboard", message.keyboard}, {"template", message.carousel},
      {"payload", message.payload},   {"attachments", Json::array()},
      {"reply_to", message.reply_to}, {"forwarded", message.forwarded},
      {"deleted", message.deleted},   {"edits", message.edits},
      {"at_ms", message.at_ms},       {"message", message_json(community, dialog, message)}};
  for (const Attachment& attachment : message.attachments) {
    if (attachment.file.empty()) {
      report["attachments"].push_back({{"kind", attachment.raw["type"]},
                                       {"id", ""},
                                       {"name", ""},
                                       {"sha256", ""},
                                       {"size", 0}});
      continue;
    }
    const File& file = community.files.at(attachment.file);
    report["attachments"].push_back({{"kind", file.kind},
                                     {"id", file.key()},
                                     {"name", file.name},
                                     {"sha256", file.sha256},
                                     {"size", file.bytes->size()}});
  }
  return report;
}

Json World::messages_report(const Json& params) {
  Community& community = community_of(params);
  Json out = Json::array();
  for (const auto& [peer, dialog] : community.dialogs) {
    if (params.contains("peer") && params["peer"] != peer) continue;
    if (params.value("all", false)) {
      for (const auto& [cmid, message] : dialog.messages)
        out.push_back(message_report(community, dialog, message));
    } else {
      for (const std::int64_t cmid : dialog.sent)
        out.push_back(message_report(community, dialog, dialog.messages.at(cmid)));
    }
  }
  return out;
}

Json World::events_report(Community& community, const Json& params) {
  Json out = Json::array();
  for (const auto& event : community.log) {
    if (params.contains("pending") && params["pending"].get<bool>() == event->confirmed) continue;
    out.push_back({{"event_id", event->id},
                   {"type", event->type},
                   {"peer", event->peer},
                   {"ts", event->number},
                   {"at_ms", event->at_ms},
                   {"confirmed", event->confirmed},
                   {"deliveries", event->deliveries}});
    if (params.value("bodies", false)) out.back()["event"] = event->envelope;
  }
  return out;
}

Json World::deliveries_report(Community& community) {
  Json out = Json::array();
  for (const Delivery& delivery : community.deliveries) {
    out.push_back({{"event_id", delivery.event ? delivery.event->id : ""},
                   {"type", delivery.event ? delivery.event->type : "confirmation"},
                   {"server", delivery.server},
                   {"attempts", delivery.attempts},
                   {"delivered", delivery.delivered},
                   {"given_up", delivery.given_up},
                   {"last_status", delivery.last_status}});
  }
  return out;
}

// ---- settings of the fake

const std::set<std::string>& World::own_faults() {
  static const std::set<std::string> kKinds = {"error", "rate_limit", "flood", "captcha",
                                               "internal"};
  return kKinds;
}

std::string World::wrong_with_fault(const Json& params) {
  const bool without_code = params["kind"] == "error" && params.value("code", 0) == 0;
  return without_code ? "an error has a code" : "";
}

bool World::knows_method(const std::string& name) {
  return only_by_name(name) || methods().contains(name);
}

bool World::only_by_name(const std::string& method) {
  return method == words_.polls || method == "upload" || method == "file";
}

/// The token is in the body more often than not, so a community needs it, and a peer does.
bool World::drops_at_head(const FaultRule& rule, const std::string& method) {
  return !rule.place && !rule.account && !only_by_name(method);
}

bool World::set_option(const std::string& name, const Json& value) {
  if (name == "strict") {
    options_.strict = value;
  } else if (name == "echo") {
    static const std::map<std::string, VkEcho> kEchoes = {{"mixed", VkEcho::Mixed},
                                                          {"before", VkEcho::BeforeAnswer},
                                                          {"after", VkEcho::AfterAnswer},
                                                          {"never", VkEcho::Never}};
    const auto echo = kEchoes.find(value.get<std::string>());
    if (echo == kEchoes.end()) refuse("echo is mixed, before, after or never");
    options_.echo = echo->second;
  } else if (name == "rate_limit") {
    options_.rate_limit = value;
  } else if (name == "calls_per_second") {
    options_.calls_per_second = value;
  } else if (name == "calls_slack") {
    options_.calls_slack = value;
  } else if (name == "event_answer_lifetime_s") {
    options_.event_answer_lifetime = std::chrono::seconds(value.get<std::int64_t>());
  } else if (name == "random_id_lifetime_s") {
    options_.random_id_lifetime = std::chrono::seconds(value.get<std::int64_t>());
  } else if (name == "file_link_lifetime_s") {
    options_.file_link_lifetime = std::chrono::seconds(value.get<std::int64_t>());
  } else if (name == "edit_lifetime_s") {
    options_.edit_lifetime = std::chrono::seconds(value.get<std::int64_t>());
  } else if (name == "photo_limit_bytes") {
    options_.photo_limit_bytes = value;
  } else if (name == "doc_limit_bytes") {
    options_.doc_limit_bytes = value;
  } else if (name == "suspend_after") {
    options_.suspend_after = value;
  } else if (name == "suspension_s") {
    options_.suspension = std::chrono::seconds(value.get<std::int64_t>());
  } else if (name == "callback_time_scale") {
    options_.callback_time_scale = value;
  } else if (name == "kept_events") {
    options_.kept_events = value;
  } else if (name == "secret_in_confirmation") {
    options_.secret_in_confirmation = value;
  } else if (name == "fold_random_ids") {
    options_.fold_random_ids = value;
  } else if (name == "escape_incoming") {
    options_.escape_incoming = value;
  } else {
    return false;
  }
  return true;
}

void World::forget_all() {
  for (Community& community : communities_) {
    community.dialogs.clear();
    community.files.clear();
    community.tickets.clear();
    community.uploads.clear();
    community.queue.clear();
    community.log.clear();
    community.by_id.clear();
    community.call_times_ms.clear();
    community.revoked = false;
    community.bot_features = true;
    community.lose_next = 0;
    // A bot that polls goes on from where it is; so do the growing ids.
    std::erase_if(community.deliveries, [](const Delivery& d) { return !d.in_work; });
    for (Delivery& delivery : community.deliveries) delivery.given_up = true;
  }
  users_.clear();
  callbacks_.clear();
}

// ---- entry

Json World::act(const std::string& path, const Json& params) {
  if (path == "communities") {
    VkCommunity given;
    given.group_id = params.at("group_id");
    given.token = params.at("token");
    given.name = params.value("name", given.name);
    given.screen_name = params.value("screen_name", given.screen_name);
    given.confirmation = params.value("confirmation", given.confirmation);
    given.permissions = params.value("permissions", given.permissions);
    given.bot_features = params.value("bot_features", true);
    given.long_poll = params.value("long_poll", false);
    if (by_token(given.token) != nullptr) refuse("the community is there already");
    add_community(given);
    return {{"community", communities_.size() - 1}};
  }
  if (path == "answers") {
    Json out = Json::array();
    for (const auto& [id, callback] : callbacks_) {
      out.push_back({{"callback_id", id},
                     {"user", callback.user},
                     {"peer", callback.peer},
                     {"answered", callback.answered},
                     {"answer", callback.answer}});
    }
    return out;
  }

  Community& community = community_of(params);
  if (path == "community") {
    if (params.contains("bot_features")) community.bot_features = params["bot_features"];
    if (params.contains("revoked")) community.revoked = params["revoked"];
    if (params.contains("api_version")) community.long_poll_version = params["api_version"];
    if (params.contains("permissions")) {
      community.permissions = params["permissions"].get<std::set<std::string>>();
    }
    if (params.contains("long_poll")) {
      community.long_poll = params["long_poll"];
      if (community.long_poll) all_on(community.events);
    }
    return {{"group_id", community.group_id},
            {"token", community.token},
            {"confirmation", community.confirmation},
            {"long_poll", community.long_poll}};
  }
  if (path == "users") {
    const std::int64_t id = params.at("id");
    VkUser user{id};
    user.first_name = params.value("first_name", user.first_name);
    user.last_name = params.value("last_name", user.last_name);
    user.deactivated = params.value("deactivated", "");
    users_[id] = std::move(user);
    if (params.value("allowed", false)) place_of(community, {{"user", id}}).allowed = true;
    return true;
  }
  if (path == "chats") {
    const std::int64_t peer = params.at("peer");
    if (peer <= kFirstChat) refuse("the id of a chat is above 2000000000");
    Dialog& chat = community.dialogs[peer];
    chat.peer = peer;
    chat.title = params.value("title", "Беседа");
    return true;
  }
  if (path == "refuse") {
    place_of(community, params).refusal = params.value("code", 0);
    return true;
  }
  if (path == "say" || path == "start") {
    Json act = params;
    if (path == "start") {
      if (!community.start_button) refuse("the Start button is switched off");
      act["text"] = params.value("text", "Начать");
      act["payload"] = R"({"command":"start"})";
    }
    Dialog& dialog = place_of(community, act);
    return tell(community, dialog, incoming(community, dialog, act));
  }
  if (path == "press") {
    if (!params.contains("payload")) return press(community, params);
    Dialog& dialog = place_of(community, params);
    const Json& given = params["payload"];
    const Json payload =
        given.is_string() ? Json::parse(given.get<std::string>(), nullptr, false) : given;
    if (payload.is_discarded()) refuse("the payload of a callback button is JSON");
    return press_payload(community, dialog, params.at("user"), payload,
                         params.value("cmid", std::int64_t{0}));
  }
  if (path == "files") {
    Dialog& dialog = place_of(community, params);
    const Json& items = params.at("items");
    if (items.empty() || items.size() > kFilesInMessage) refuse("a message has 1 to 10 files");
    Message& message = incoming(community, dialog, params);
    for (const Json& item : items) {
      message.attachments.push_back({people_file(community, item, params["user"]).key(), nullptr});
    }
    Json out = tell(community, dialog, message);
    for (const Attachment& a : message.attachments) out["attachments"].push_back(a.file);
    return out;
  }
  if (path == "location") {
    Dialog& dialog = place_of(community, params);
    Message& message = incoming(community, dialog, params);
    message.geo = {{"type", "point"},
                   {"coordinates",
                    {{"latitude", params.value("latitude", 55.751244)},
                     {"longitude", params.value("longitude", 37.618423)}}},
                   {"place", {{"country", "Россия"}, {"city", "Москва"}, {"title", "Москва"}}}};
    return tell(community, dialog, message);
  }
  if (path == "attachment" || path == "sticker") {
    Dialog& dialog = place_of(community, params);
    Message& message = incoming(community, dialog, params);
    const std::string type = path == "sticker" ? "sticker" : params.at("type");
    const Json content =
        path == "sticker"
            ? Json{{"inner_type", "base_sticker_new"},
                   {"sticker_id", 9019},
                   {"product_id", 279},
                   {"images",
                    {{{"url", root() + "/files/sticker"}, {"width", 64}, {"height", 64}}}},
                   {"is_allowed", true}}
            : params.at("content");
    message.attachments.push_back({"", {{"type", type}, {type, content}}});
    return tell(community, dialog, message);
  }
  if (path == "edit") {
    Dialog& dialog = place_of(community, params);
    const auto found = dialog.messages.find(params.at("cmid").get<std::int64_t>());
    if (found == dialog.messages.end() || found->second.from != params["user"]) {
      refuse("no such message of this user");
    }
    Message& message = found->second;
    message.text = params.at("text");
    message.updated_ms = now_ms();
    ++message.edits;
    const std::string event = push_event(community, "message_edit",
                                         message_json(community, dialog, message), dialog.peer);
    return {{"event_id", event},
            {"cmid", message.cmid},
            {"message_id", message.id},
            {"date", message.at_ms / 1000}};
  }
  if (path == "delete") {
    Dialog& dialog = place_of(community, params);
    const auto found = dialog.messages.find(params.at("cmid").get<std::int64_t>());
    if (found == dialog.messages.end()) refuse("no such message");
    found->second.deleted = true;
    return true;
  }
  if (path == "allow" || path == "deny") {
    Dialog& dialog = place_of(community, params);
    const bool allowed = path == "allow";
    dialog.allowed = allowed;
    dialog.denied = !allowed;
    Json object = {{"user_id", params["user"]}};
    if (allowed) object["key"] = params.value("key", "");
    return {{"event_id", push_event(community, allowed ? "message_allow" : "message_deny", object,
                                    dialog.peer)}};
  }
  if (path == "type") {
    Dialog& dialog = place_of(community, params);
    return {{"event_id",
             push_event(
                 community, "message_typing_state",
                 {{"state", "typing"}, {"from_id", params["user"]}, {"to_id", -community.group_id}},
                 dialog.peer)}};
  }
  if (path == "read") {
    Dialog& dialog = place_of(community, params);
    dialog.out_read = dialog.next_cmid - 1;
    const auto last = dialog.messages.find(dialog.out_read);
    return {{"event_id",
             push_event(community, "message_read",
                        {{"from_id", params["user"]},
                         {"peer_id", dialog.peer},
                         {"read_message_id", last == dialog.messages.end() ? 0 : last->second.id},
                         {"conversation_message_id", dialog.out_read}},
                        dialog.peer)}};
  }
  if (path == "staff") {
    const std::int64_t admin = params.at("admin");
    if (!users_.contains(admin)) users_[admin] = VkUser{admin};
    return outgoing(community, params, admin);
  }
  if (path == "mailing") return outgoing(community, params, 0);
  if (path == "event") {
    return {{"event_id", push_event(community, params.at("type"), params.at("object"),
                                    params.value("peer", std::int64_t{0}), true)}};
  }
  if (path == "messages") return messages_report(params);
  if (path == "events") return events_report(community, params);
  if (path == "deliveries") return deliveries_report(community);
  if (path == "keyboard") return place_of(community, params).keyboard;
  if (path == "typing") {
    const auto found = community.dialogs.find(params.at("peer").get<std::int64_t>());
    return found == community.dialogs.end() ? 0 : found->second.typing;
  }
  if (path == "longpoll/lose") {
    const int next = params.value("next", 0);
    if (next > 0) {
      community.lose_next += next;
    } else {
      lose(community);
    }
    return true;
  }
  if (path == "longpoll/release") {
    for (const Poll& poll : std::exchange(community.polls, {})) answer_poll(community, poll, true);
    return true;
  }
  if (path == "longpoll/expire") {
    new_key(community);
    for (const Poll& poll : std::exchange(community.polls, {})) {
      HttpReply reply;
      reply.body = R"({"failed":2})";
      server_.reply(poll.connection, std::move(reply));
    }
    return true;
  }
  if (path == "longpoll/reset") {
    new_key(community);
    community.queue.clear();
    // Far from the old numbers: one of those must not pass for a new one later on.
    community.ts += 1'000'000;
    community.lost = community.first = community.ts;
    community.fetched = 0;
    for (const Poll& poll : std::exchange(community.polls, {})) {
      HttpReply reply;
      reply.body = R"({"failed":3})";
      server_.reply(poll.connection, std::move(reply));
    }
    return true;
  }
  if (path == "webhook") {
    Server server;
    server.id = community.next_server++;
    server.url = params.at("url");
    server.title = params.value("title", "webhook");
    server.secret = params.value("secret", "");
    server.api_version = params.value("api_version", "5.199");
    server.status = "wait";
    all_on(server.events);
    const std::int64_t id = server.id;
    community.servers[id] = std::move(server);
    enqueue(community, community.servers[id], nullptr);
    return {{"server", id}};
  }
  if (path == "webhook/body") {
    const auto server = community.servers.find(params.at("server").get<std::int64_t>());
    const auto event = community.by_id.find(params.at("event_id").get<std::string>());
    if (server == community.servers.end()) refuse("no such server");
    if (event == community.by_id.end()) refuse("no such event");
    return {{"body", body_for(community, server->second, event->second.get())}};
  }
  throw ApiError{404, "no such control path: " + path};
}

bool World::act_later(const std::string& path, const Json& params, ConnectionId connection) {
  if (path != "forge") return false;
  const Community& community = community_of(params);
  const auto server = community.servers.find(params.at("server").get<std::int64_t>());
  if (server == community.servers.end()) refuse("no such server");
  std::string body = params.value("body", "");
  if (params.contains("event_id")) {
    const auto event = community.by_id.find(params["event_id"].get<std::string>());
    if (event == community.by_id.end()) refuse("no such event");
    body = body_for(community, server->second, event->second.get());
  }
  // The webhook may call this very server before it answers, so another thread posts.
  forged_.push_back({connection, server->second.url, std::move(body)});
  wake_deliveries();
  return true;
}

}  // namespace sufler::fakes::vk

// The methods of VK's API.
#include <algorithm>
#include <limits>

#include "fakes/common/bytes.h"
#include "fakes/vk/keyboard.h"
#include "fakes/vk/script.h"
#include "fakes/vk/world.h"

namespace sufler::fakes::vk {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kTextCharacters = 4096;
constexpr std::size_t kAttachments = 10;
constexpr std::size_t kPeers = 100;
constexpr std::size_t kForwarded = 100;
constexpr std::size_t kUsers = 1000;
constexpr std::size_t kCallsInExecute = 25;
constexpr std::size_t kServers = 10;
constexpr std::size_t kRemembered = 100;  ///< messages that a random_id is compared with

std::set<std::string> with(std::set<std::string> names, const std::set<std::string>& more) {
  names.insert(more.begin(), more.end());
  return names;
}

bool is_user(std::int64_t peer) { return peer > 0 && peer < kFirstChat; }

void check_name(const std::string& text, std::size_t limit, const char* name) {
  if (code_points(text) > limit) throw invalid(std::string(name) + " is too long");
}

}  // namespace

const std::map<std::string, World::MethodInfo>& World::methods() {
  static const std::set<std::string> kMessageParams = {
      "message", "attachment", "keyboard",         "template",
      "lat",     "long",       "dont_parse_links", "disable_mentions"};
  static const std::set<std::string> kGroup = {"group_id"};
  static const std::map<std::string, MethodInfo> kMethods = {
      {"groups.getById", {&World::groups_get_by_id, {"group_id", "group_ids", "fields"}, ""}},
      {"groups.getTokenPermissions", {&World::groups_get_token_permissions, {}, ""}},
      {"groups.setLongPollSettings",
       {&World::groups_set_long_poll, with({"group_id", "enabled", "api_version"}, event_types()),
        "manage"}},
      {"groups.getLongPollSettings", {&World::groups_get_long_poll, kGroup, "manage"}},
      {"groups.getLongPollServer", {&World::groups_long_poll_server, kGroup, "manage"}},
      {"groups.addCallbackServer",
       {&World::groups_add_server, {"group_id", "url", "title", "secret_key"}, "manage"}},
      {"groups.editCallbackServer",
       {&World::groups_edit_server,
        {"group_id", "server_id", "url", "title", "secret_key"},
        "manage"}},
      {"groups.deleteCallbackServer",
       {&World::groups_delete_server, {"group_id", "server_id"}, "manage"}},
      {"groups.getCallbackServers",
       {&World::groups_get_servers, {"group_id", "server_ids"}, "manage"}},
      {"groups.setCallbackSettings",
       {&World::groups_set_callback, with({"group_id", "server_id", "api_version"}, event_types()),
        "manage"}},
      {"groups.getCallbackSettings",
       {&World::groups_get_callback, {"group_id", "server_id"}, "manage"}},
      {"groups.getCallbackConfirmationCode", {&World::groups_confirmation, kGroup, "manage"}},
      {"groups.setSettings",
       {&World::groups_set_settings,
        {"group_id", "messages", "bots_capabilities", "bots_start_button", "bots_add_to_chat"},
        "manage"}},
      {"messages.send",
       {&World::messages_send,
        with({"user_id", "random_id", "peer_id", "peer_ids", "domain", "chat_id", "reply_to",
              "forward_messages", "forward", "sticker_id", "group_id", "payload", "content_source",
              "format_data", "intent", "subscribe_id"},
             kMessageParams),
        "messages"}},
      {"messages.edit",
       {&World::messages_edit,
        with({"peer_id", "cmid", "conversation_message_id", "message_id", "group_id", "format_data",
              "keep_forward_messages", "keep_snippets"},
             kMessageParams),
        "messages"}},
      {"messages.delete",
       {&World::messages_delete,
        {"peer_id", "cmids", "conversation_message_ids", "message_ids", "delete_for_all", "spam",
         "group_id", "reason"},
        "messages"}},
      {"messages.setActivity",
       {&World::messages_set_activity, {"peer_id", "user_id", "type", "group_id"}, "messages"}},
      {"messages.sendMessageEventAnswer",
       {&World::messages_event_answer,
        {"event_id", "user_id", "peer_id", "event_data"},
        "messages"}},
      {"messages.markAsRead",
       {&World::messages_mark_as_read,
        {"peer_id", "message_ids", "start_message_id", "up_to_cmid", "group_id",
         "mark_conversation_as_read"},
        "messages"}},
      {"messages.markAsAnsweredConversation",
       {&World::messages_mark_answered, {"peer_id", "answered", "group_id"}, "messages"}},
      {"messages.getHistory",
       {&World::messages_history,
        {"peer_id", "user_id", "offset", "count", "start_message_id", "start_cmid", "rev",
         "extended", "fields", "group_id"},
        "messages"}},
      {"messages.getConversations",
       {&World::messages_conversations,
        {"offset", "count", "filter", "extended", "start_message_id", "fields", "group_id"},
        "messages"}},
      {"messages.getByConversationMessageId",
       {&World::messages_by_cmid,
        {"peer_id", "conversation_message_ids", "extended", "fields", "group_id"},
        "messages"}},
      {"messages.isMessagesFromGroupAllowed",
       {&World::messages_is_allowed, {"group_id", "user_id"}, "messages"}},
      {"users.get", {&World::users_get, {"user_ids", "fields", "name_case"}, ""}},
      {"photos.getMessagesUploadServer", {&World::photos_upload_server, {"peer_id"}, "photos"}},
      {"photos.saveMessagesPhoto", {&World::photos_save, {"photo", "server", "hash"}, "photos"}},
      {"docs.getMessagesUploadServer", {&World::docs_upload_server, {"type", "peer_id"}, "docs"}},
      {"docs.save", {&World::docs_save, {"file", "title", "tags", "return_tags"}, "docs"}},
      {"execute", {&World::execute, {"code", "func_v"}, ""}},
  };
  return kMethods;
}

// ---- groups

void World::check_group(CallContext& call) {
  if (!call.params.has("group_id")) throw invalid("group_id is undefined");
  const std::int64_t id = call.params.integer("group_id");
  if (id == call.community.group_id) return;
  for (const Community& other : communities_) {
    if (other.group_id == id) throw api_error(15, "the token is of another community");
  }
  throw api_error(125);
}

Json World::groups_get_by_id(CallContext& call) {
  std::vector<std::int64_t> ids = call.params.integers("group_ids");
  if (call.params.has("group_id")) ids.push_back(call.params.integer("group_id"));
  if (ids.empty()) ids.push_back(call.community.group_id);
  Json groups = Json::array();
  for (const Community& community : communities_) {
    if (std::find(ids.begin(), ids.end(), community.group_id) == ids.end()) continue;
    groups.push_back({{"id", community.group_id},
                      {"name", community.name},
                      {"screen_name", community.screen_name},
                      {"is_closed", 0},
                      {"type", "group"}});
  }
  if (groups.empty()) throw api_error(125);
  return {{"groups", groups}, {"profiles", Json::array()}};
}

Json World::groups_get_token_permissions(CallContext& call) {
  static const std::map<std::string, std::int64_t> kBits = {
      {"photos", 4}, {"messages", 4096}, {"docs", 131072}, {"manage", 262144}};
  Json permissions = Json::array();
  std::int64_t mask = 0;
  for (const std::string& name : call.community.permissions) {
    const auto bit = kBits.find(name);
    const std::int64_t setting = bit == kBits.end() ? 0 : bit->second;
    mask |= setting;
    permissions.push_back({{"name", name}, {"setting", setting}});
  }
  return {{"mask", mask}, {"permissions", permissions}};
}

namespace {

/// Flags that are left out keep their value.
void set_events(std::set<std::string>& events, const Params& params) {
  for (const std::string& type : event_types()) {
    if (!params.has(type)) continue;
    if (params.flag(type)) {
      events.insert(type);
    } else {
      events.erase(type);
    }
  }
}

Json events_json(const std::set<std::string>& events) {
  Json out = Json::object();
  for (const std::string& type : event_types()) out[type] = events.contains(type) ? 1 : 0;
  return out;
}

void set_version(std::string& version, const Params& params) {
  if (!params.has("api_version")) return;
  const std::string wanted = params.text("api_version");
  if (wanted < std::string("5.103") || wanted > std::string("5.199")) {
    throw invalid("api_version: a bot asks for 5.103 to 5.199");
  }
  version = wanted;
}

}  // namespace

Json World::groups_set_long_poll(CallContext& call) {
  check_group(call);
  Community& community = call.community;
  set_version(community.long_poll_version, call.params);
  community.long_poll = call.params.flag("enabled", community.long_poll);
  set_events(community.events, call.params);
  if (!community.long_poll) answer_polls(community);
  return 1;
}

Json World::groups_get_long_poll(CallContext& call) {
  check_group(call);
  return {{"is_enabled", call.community.long_poll},
          {"api_version", call.community.long_poll_version},
          {"events", events_json(call.community.events)}};
}

Json World::groups_long_poll_server(CallContext& call) {
  check_group(call);
  if (!call.community.long_poll) throw invalid("longpoll for this group is not enabled");
  return {{"key", call.community.key},
          {"server", root() + "/longpoll/" + std::to_string(call.community.group_id)},
          {"ts", std::to_string(call.community.ts)}};
}

namespace {
void read_server(Server& server, const Params& params) {
  const std::string url = params.text("url");
  if (!url.starts_with("http://127.0.0.1") && !url.starts_with("http://localhost")) {
    throw invalid("url: the fake calls only this machine");
  }
  server.url = url;
  server.title = params.text("title");
  if (server.title.empty()) throw invalid("title is undefined");
  check_name(server.title, 14, "title");
  server.secret = params.text("secret_key");
  check_name(server.secret, 50, "secret_key");
}
}  // namespace

Json World::groups_add_server(CallContext& call) {
  check_group(call);
  Community& community = call.community;
  if (community.servers.size() >= kServers) throw api_error(2000);
  Server server;
  read_server(server, call.params);
  server.id = community.next_server++;
  server.status = "wait";
  const std::int64_t id = server.id;
  community.servers[id] = std::move(server);
  enqueue(community, community.servers[id], nullptr);
  return {{"server_id", id}};
}

Server& World::server_of(CallContext& call) {
  check_group(call);
  const auto found = call.community.servers.find(call.params.integer("server_id"));
  if (found == call.community.servers.end()) throw invalid("server_id");
  return found->second;
}

Json World::groups_edit_server(CallContext& call) {
  Server& server = server_of(call);
  Server changed_server = server;
  read_server(changed_server, call.params);
  // The confirmation string changes with the servers; it must be asked for anew.
  if (changed_server.url != server.url) call.community.confirmation = random_hex(8);
  changed_server.status = changed_server.url == server.url ? server.status : "wait";
  server = std::move(changed_server);
  if (server.status != "ok") {
    server.status = "wait";
    enqueue(call.community, server, nullptr);
  }
  return 1;
}

Json World::groups_delete_server(CallContext& call) {
  const std::int64_t id = server_of(call).id;
  call.community.servers.erase(id);
  return 1;
}

Json World::groups_get_servers(CallContext& call) {
  check_group(call);
  const std::vector<std::int64_t> wanted = call.params.integers("server_ids");
  Json items = Json::array();
  for (const auto& [id, server] : call.community.servers) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), id) == wanted.end()) continue;
    items.push_back({{"id", id},
                     {"title", server.title},
                     {"creator_id", 100},
                     {"url", server.url},
                     {"secret_key", server.secret},
                     {"status", server.status}});
  }
  return {{"count", items.size()}, {"items", items}};
}

Json World::groups_set_callback(CallContext& call) {
  Server& server = server_of(call);
  set_version(server.api_version, call.params);
  set_events(server.events, call.params);
  return 1;
}

Json World::groups_get_callback(CallContext& call) {
  const Server& server = server_of(call);
  return {{"api_version", server.api_version}, {"events", events_json(server.events)}};
}

Json World::groups_confirmation(CallContext& call) {
  check_group(call);
  return {{"code", call.community.confirmation}};
}

Json World::groups_set_settings(CallContext& call) {
  check_group(call);
  Community& community = call.community;
  community.messages_on = call.params.flag("messages", community.messages_on);
  community.bot_features = call.params.flag("bots_capabilities", community.bot_features);
  community.start_button = call.params.flag("bots_start_button", community.start_button);
  return 1;
}

// ---- messages

/// The dialog, if the community may write there.
Dialog& World::writable(Community& community, std::int64_t peer) {
  const auto found = community.dialogs.find(peer);
  if (peer >= kFirstChat) {
    if (found == community.dialogs.end()) throw api_error(917);
    return found->second;
  }
  if (peer < 0) throw api_error(932);
  if (peer == 0) throw invalid("peer_id is undefined");
  const auto user = users_.find(peer);
  if (user == users_.end()) throw api_error(901);
  if (!user->second.deactivated.empty()) throw api_error(18);
  if (found == community.dialogs.end()) throw api_error(901);
  const Dialog& dialog = found->second;
  if (dialog.refusal != 0) throw api_error(dialog.refusal);
  if (dialog.denied || !(dialog.wrote || dialog.allowed)) throw api_error(901);
  return found->second;
}

Attachment World::find_attachment(Community& community, const std::string& text) {
  const auto wrong = [&](const std::string& why) {
    return invalid("attachment " + text + ": " + why);
  };
  const std::size_t underscore = text.find('_');
  if (underscore == std::string::npos) throw wrong("no such form");
  const std::size_t second = text.find('_', underscore + 1);
  std::string key = text.substr(0, second);
  const std::string access = second == std::string::npos ? "" : text.substr(second + 1);
  // A voice message is a doc in `attachment`, though some write its own name.
  if (key.starts_with("audio_message") && !options_.strict) key = "doc" + key.substr(13);
  const auto found = community.files.find(key);
  if (found == community.files.end()) throw wrong("there is no such object");
  const File& file = found->second;
  const bool own = file.owner == -community.group_id;
  if (access.empty() ? !own : access != file.access_key) throw wrong("access_key");
  return {file.key(), nullptr};
}

/// What messages.send and messages.edit have in common: everything but the peer.
Message World::draft(CallContext& call) {
  const Params& params = call.params;
  Community& community = call.community;
  Message message;
  message.text = params.text("message");
  if (code_points(message.text) > kTextCharacters) throw api_error(914);
  const std::vector<std::string> attachments = params.list("attachment");
  if (attachments.size() > kAttachments) throw invalid("attachment: more than 10");
  for (const std::string& text : attachments) {
    message.attachments.push_back(find_attachment(community, text));
  }
  if (const std::string keyboard = params.text("keyboard"); !keyboard.empty()) {
    if (!community.bot_features) throw api_error(912);
    message.keyboard = read_keyboard(keyboard, options_.strict);
  }
  if (params.has("format_data")) {
    message.spans = read_format_data(params.json("format_data"), message.text);
  }
  if (params.has("template")) {
    if (!community.bot_features) throw api_error(912);
    message.carousel = params.json("template");
    check_template(message.carousel, options_.strict);
    if (message.text.empty()) throw invalid("message is needed beside a template");
  }
  if (params.has("lat") != params.has("long")) throw invalid("lat and long go together");
  if (params.has("lat")) {
    message.geo = {{"type", "point"},
                   {"coordinates",
                    {{"latitude", std::strtod(params.text("lat").c_str(), nullptr)},
                     {"longitude", std::strtod(params.text("long").c_str(), nullptr)}}}};
  }
  if (params.has("sticker_id")) {
    message.attachments.push_back(
        {"", {{"type", "sticker"}, {"sticker", {{"sticker_id", params.integer("sticker_id")}}}}});
  }
  for (const char* name : {"dont_parse_links", "disable_mentions", "keep_snippets"}) {
    params.flag(name);
  }
  message.out = true;
  message.by_bot = true;
  message.from = -community.group_id;
  return message;
}

SentOnce World::send_to(CallContext& call, std::int64_t peer, const Message& draft) {
  Community& community = call.community;
  Dialog& dialog = writable(community, peer);
  const std::int64_t now = now_ms();
  if (draft.random_id != 0) {
    const std::int64_t lifetime = milliseconds(options_.random_id_lifetime).count();
    for (const SentOnce& sent : dialog.sent_once) {
      if (sent.random_id == draft.random_id && sent.at_ms > now - lifetime) return sent;
    }
  }
  Message message = draft;
  message.peer = peer;
  const Params& params = call.params;
  if (params.has("reply_to")) {
    const std::int64_t id = params.integer("reply_to");
    for (const auto& [cmid, other] : dialog.messages)
      if (other.id == id && id != 0 && !other.deleted) message.reply_to = cmid;
    if (message.reply_to == 0) throw invalid("reply_to");
  }
  if (params.has("forward")) {
    const Json forward = params.json("forward");
    if (!forward.is_object()) throw invalid("forward");
    const auto list = [&](const char* name) {
      const Json given = forward.value(name, Json::array());
      return given.is_array() ? given : Json::array({given});  // one id may stand alone
    };
    const Json cmids = list("conversation_message_ids");
    const Json ids = list("message_ids");
    if (cmids.size() + ids.size() > kForwarded) throw api_error(913);
    Dialog& source = forward.contains("peer_id")
                         ? writable(community, forward["peer_id"].get<std::int64_t>())
                         : dialog;
    std::vector<std::int64_t> found;
    for (const Json& cmid : cmids) {
      if (source.messages.contains(cmid.get<std::int64_t>())) found.push_back(cmid);
    }
    for (const Json& id : ids) {
      for (const auto& [cmid, other] : source.messages)
        if (other.id == id.get<std::int64_t>()) found.push_back(cmid);
    }
    if (found.empty() || found.size() != cmids.size() + ids.size()) throw api_error(921);
    const Json is_reply = forward.value("is_reply", Json(false));
    if (is_reply == true || is_reply == 1) {
      if (found.size() != 1) throw invalid("forward: a reply is to one message");
      if (&source != &dialog) throw invalid("forward: a reply stays in its dialog");
      message.reply_to = found.front();
    } else {
      for (const std::int64_t cmid : found) {
        // A copy: the source may be another dialog.
        Json copy = message_json(community, source, source.messages.at(cmid), true);
        message.forwarded.push_back(cmid);
        message.copies.push_back(std::move(copy));
      }
    }
  }
  message.at_ms = now;
  message.cmid = dialog.next_cmid++;
  message.id = is_user(peer) ? community.next_message_id++ : 0;
  if (message.keyboard.is_object() && !message.keyboard["inline"].get<bool>()) {
    dialog.keyboard = message.keyboard["buttons"].empty() ? Json() : message.keyboard;
  }
  SentOnce sent{message.random_id, now, message.id, message.cmid};
  dialog.sent_once.push_back(sent);
  if (dialog.sent_once.size() > kRemembered) dialog.sent_once.pop_front();
  dialog.sent.push_back(message.cmid);
  const std::int64_t cmid = message.cmid;
  dialog.messages[cmid] = std::move(message);
  const bool after =
      options_.echo == VkEcho::AfterAnswer || (options_.echo == VkEcho::Mixed && cmid % 2 == 0);
  const auto echo = [this, index = community.index, peer, cmid] {
    Community& owner = communities_[index];
    Dialog& place = owner.dialogs.at(peer);
    push_event(owner, "message_reply", message_json(owner, place, place.messages.at(cmid)), peer);
  };
  if (options_.echo == VkEcho::Never) {
  } else if (after) {
    after_reply_.emplace_back(echo);
  } else {
    echo();
  }
  return sent;
}

Json World::messages_send(CallContext& call) {
  const Params& params = call.params;
  int targets = 0;
  for (const char* name : {"peer_id", "peer_ids", "user_id", "domain", "chat_id"}) {
    targets += params.has(name) ? 1 : 0;
  }
  if (targets == 0) throw invalid("peer_id is undefined");
  if (targets > 1 && options_.strict) throw invalid("one of peer_id, peer_ids, user_id …");
  if (params.has("group_id")) check_group(call);
  if (!params.has("random_id")) throw invalid("random_id is a required parameter");
  std::int64_t random_id = params.integer("random_id");
  if (options_.fold_random_ids) random_id = static_cast<std::int32_t>(random_id);
  if (random_id < std::numeric_limits<std::int32_t>::min() ||
      random_id > std::numeric_limits<std::int32_t>::max()) {
    throw invalid("random_id is int32");
  }
  if (params.text("payload").size() > 1000) throw invalid("payload is longer than 1000");
  Message message = draft(call);
  message.random_id = random_id;
  if (params.has("payload")) message.payload = params.text("payload");
  const bool blank = message.text.find_first_not_of(" \t\r\n") == std::string::npos;
  if (blank && message.attachments.empty() && message.geo.is_null() && !params.has("forward") &&
      !params.has("forward_messages")) {
    throw invalid("message is empty or invalid");
  }
  if (params.has("forward_messages")) throw invalid("forward_messages: use forward");
  if (params.has("peer_ids")) {
    const std::vector<std::int64_t> peers = params.integers("peer_ids");
    if (peers.empty() || peers.size() > kPeers) throw invalid("peer_ids: 1 to 100");
    Json out = Json::array();
    for (const std::int64_t peer : peers) {
      Json item = {{"peer_id", peer}, {"message_id", 0}, {"conversation_message_id", 0}};
      try {
        const SentOnce sent = send_to(call, peer, message);
        item["message_id"] = sent.message_id;
        item["conversation_message_id"] = sent.cmid;
      } catch (const ApiError& error) {
        item["error"] = {{"code", error.code}, {"description", error.message}};
      }
      out.push_back(std::move(item));
    }
    return out;
  }
  std::int64_t peer = params.integer("peer_id");
  if (params.has("user_id")) {
    peer = params.integer("user_id");
    if (!is_user(peer)) throw api_error(113);
  }
  if (params.has("chat_id")) peer = kFirstChat + params.integer("chat_id");
  if (params.has("domain")) {
    const std::string domain = params.text("domain");
    if (!domain.starts_with("id")) throw api_error(113);
    peer = std::strtoll(domain.c_str() + 2, nullptr, 10);
  }
  return send_to(call, peer, message).message_id;
}

Dialog& World::dialog_of(CallContext& call) {
  if (call.params.has("group_id")) check_group(call);
  const std::int64_t peer =
      call.params.has("user_id") ? call.params.integer("user_id") : call.params.integer("peer_id");
  if (peer == 0) throw invalid("peer_id is undefined");
  const auto found = call.community.dialogs.find(peer);
  if (found != call.community.dialogs.end()) return found->second;
  if (peer >= kFirstChat) throw api_error(917);
  if (peer < 0) throw api_error(932);
  throw api_error(901);
}

Message& World::message_of(CallContext& call, Dialog& dialog) {
  std::int64_t cmid = call.params.integer("cmid");
  if (cmid == 0) cmid = call.params.integer("conversation_message_id");
  if (cmid == 0) {
    const std::int64_t id = call.params.integer("message_id");
    for (const auto& [number, message] : dialog.messages)
      if (id != 0 && message.id == id) cmid = number;
  }
  const auto found = dialog.messages.find(cmid);
  if (found == dialog.messages.end() || found->second.deleted) throw invalid("message_id");
  return found->second;
}

Json World::messages_edit(CallContext& call) {
  Dialog& dialog = dialog_of(call);
  Message& message = message_of(call, dialog);
  if (!message.by_bot) throw api_error(920);
  if (message.at_ms < now_ms() - milliseconds(options_.edit_lifetime).count()) throw api_error(909);
  const Message fresh = draft(call);
  if (fresh.text.empty() && fresh.attachments.empty()) throw invalid("message is empty or invalid");
  writable(call.community, dialog.peer);
  // What is left out is dropped.
  message.text = fresh.text;
  message.attachments = fresh.attachments;
  message.keyboard = fresh.keyboard;
  message.carousel = fresh.carousel;
  message.spans = fresh.spans;
  message.geo = fresh.geo;
  if (!call.params.flag("keep_forward_messages")) {
    message.forwarded.clear();
    message.copies = Json::array();
  }
  message.updated_ms = now_ms();
  ++message.edits;
  push_event(call.community, "message_edit", message_json(call.community, dialog, message),
             dialog.peer);
  return 1;
}

Json World::messages_delete(CallContext& call) {
  const Params& params = call.params;
  const std::vector<std::int64_t> ids = params.integers("message_ids");
  std::vector<std::int64_t> cmids = params.integers("cmids");
  if (cmids.empty()) cmids = params.integers("conversation_message_ids");
  if (ids.empty() == cmids.empty()) throw invalid("message_ids or cmids");
  const auto remove = [&](Message& message) {
    if (message.deleted) return 0;
    // In a private dialog the community takes back its own messages alone, for a day.
    const bool for_all = params.flag("delete_for_all");
    const std::int64_t oldest = now_ms() - milliseconds(options_.edit_lifetime).count();
    if (for_all && (!message.out || message.at_ms < oldest)) throw api_error(924);
    message.deleted = true;
    return 1;
  };
  if (!ids.empty()) {
    Json out = Json::object();
    for (const std::int64_t id : ids) {
      out[std::to_string(id)] = 0;
      for (auto& [peer, dialog] : call.community.dialogs) {
        for (auto& [cmid, message] : dialog.messages)
          if (message.id == id) out[std::to_string(id)] = remove(message);
      }
    }
    return out;
  }
  Dialog& dialog = dialog_of(call);
  Json out = Json::array();
  for (const std::int64_t cmid : cmids) {
    const auto found = dialog.messages.find(cmid);
    out.push_back({{"peer_id", dialog.peer},
                   {"conversation_message_id", cmid},
                   {"response", found == dialog.messages.end() ? 0 : remove(found->second)}});
  }
  return out;
}

Json World::messages_set_activity(CallContext& call) {
  const Dialog& asked = dialog_of(call);
  static const std::set<std::string> kTypes = {"typing", "audiomessage", "photo", "video", "file"};
  if (!kTypes.contains(call.params.text("type"))) throw invalid("type");
  ++writable(call.community, asked.peer).typing;
  return 1;
}

Json World::messages_event_answer(CallContext& call) {
  const Params& params = call.params;
  const auto found = callbacks_.find(params.text("event_id"));
  if (found == callbacks_.end() || found->second.community != call.community.index) {
    throw invalid("event_id");
  }
  Callback& callback = found->second;
  if (params.integer("user_id") != callback.user) throw invalid("user_id");
  if (params.integer("peer_id") != callback.peer) throw invalid("peer_id");
  if (callback.answered) throw invalid("event_id is answered already");
  if (callback.at_ms < now_ms() - milliseconds(options_.event_answer_lifetime).count()) {
    throw invalid("event_id is too old");
  }
  Json data;
  if (params.has("event_data")) {
    if (params.text("event_data").size() > 1000) throw invalid("event_data is longer than 1000");
    data = params.json("event_data");
    if (!data.is_object()) throw invalid("event_data");
    const std::string type = data.value("type", "");
    std::set<std::string> fields;
    if (type == "show_snackbar") {
      fields = {"text"};
      const std::size_t length = code_points(data.value("text", ""));
      if (length < 1 || length > 90) throw invalid("event_data: text is 1 to 90 characters");
    } else if (type == "open_link") {
      fields = {"link"};
      if (!data.value("link", "").starts_with("http")) throw invalid("event_data: link");
    } else if (type == "open_app") {
      fields = {"app_id", "owner_id", "hash"};
      if (!data.contains("app_id")) throw invalid("event_data: app_id");
    } else {
      throw invalid("event_data: no such type");
    }
    for (const auto& [name, value] : data.items()) {
      if (name != "type" && !fields.contains(name) && options_.strict) {
        throw invalid("event_data: " + name + " is not of " + type);
      }
    }
  }
  callback.answered = true;
  callback.answer = data;
  return 1;
}

Json World::messages_mark_as_read(CallContext& call) {
  Dialog& dialog = dialog_of(call);
  dialog.in_read = dialog.next_cmid - 1;
  return 1;
}

Json World::messages_mark_answered(CallContext& call) {
  dialog_of(call);
  call.params.flag("answered", true);
  return 1;
}

Json World::profiles(const std::set<std::int64_t>& users) const {
  Json out = Json::array();
  for (const std::int64_t id : users)
    if (users_.contains(id)) out.push_back(user_json(id, {}));
  return out;
}

Json World::conversation_json(const Dialog& dialog) {
  const bool chat = dialog.peer >= kFirstChat;
  std::int64_t last_id = 0;
  std::int64_t unread = 0;
  for (const auto& [cmid, message] : dialog.messages) {
    if (message.deleted) continue;
    last_id = message.id;
    unread += !message.out && cmid > dialog.in_read ? 1 : 0;
  }
  Json out = {{"peer",
               {{"id", dialog.peer},
                {"type", chat ? "chat" : "user"},
                {"local_id", chat ? dialog.peer - kFirstChat : dialog.peer}}},
              {"in_read_cmid", dialog.in_read},
              {"out_read_cmid", dialog.out_read},
              {"last_message_id", last_id},
              {"last_conversation_message_id", dialog.next_cmid - 1},
              {"can_write", {{"allowed", !dialog.denied && dialog.refusal == 0}}}};
  if (unread > 0) out["unread_count"] = unread;
  if (chat) out["chat_settings"] = {{"title", dialog.title}, {"state", "in"}};
  return out;
}

Json World::messages_history(CallContext& call) {
  const Dialog& dialog = dialog_of(call);
  const Params& params = call.params;
  const std::int64_t count = params.integer("count", 20);
  const std::int64_t offset = params.integer("offset");
  if (count < 0 || count > 200) throw invalid("count is 0 to 200");
  const bool oldest_first = params.flag("rev");
  std::int64_t start = params.integer("start_cmid");
  std::vector<const Message*> all;
  for (const auto& [cmid, message] : dialog.messages) {
    if (message.deleted) continue;
    if (params.has("start_message_id") && message.id == params.integer("start_message_id")) {
      start = cmid;
    }
    all.push_back(&message);
  }
  if (!oldest_first) std::reverse(all.begin(), all.end());
  std::size_t from = 0;
  if (start > 0) {
    while (from < all.size() &&
           (oldest_first ? all[from]->cmid < start : all[from]->cmid > start)) {
      ++from;
    }
  }
  const std::int64_t shifted = static_cast<std::int64_t>(from) + offset;
  from = static_cast<std::size_t>(std::max<std::int64_t>(0, shifted));
  Json items = Json::array();
  std::set<std::int64_t> users;
  for (std::size_t i = from; i < all.size() && items.size() < static_cast<std::size_t>(count);
       ++i) {
    items.push_back(message_json(call.community, dialog, *all[i]));
    users.insert(all[i]->from);
  }
  Json out = {{"count", all.size()}, {"items", items}};
  if (params.flag("extended")) {
    out["profiles"] = profiles(users);
    out["conversations"] = Json::array({conversation_json(dialog)});
  }
  return out;
}

Json World::messages_conversations(CallContext& call) {
  const Params& params = call.params;
  if (params.has("group_id")) check_group(call);
  const std::int64_t count = params.integer("count", 20);
  const std::int64_t offset = params.integer("offset");
  if (count < 0 || count > 200 || offset < 0) throw invalid("count is 0 to 200");
  const std::string filter = params.has("filter") ? params.text("filter") : "all";
  static const std::set<std::string> kFilters = {"all", "unread", "important", "unanswered"};
  if (!kFilters.contains(filter)) throw invalid("filter");
  struct Row {
    const Dialog* dialog;
    const Message* last;
  };
  std::vector<Row> rows;
  for (const auto& [peer, dialog] : call.community.dialogs) {
    const Message* last = nullptr;
    bool unread = false;
    for (const auto& [cmid, message] : dialog.messages) {
      if (message.deleted) continue;
      last = &message;
      unread = unread || (!message.out && cmid > dialog.in_read);
    }
    if (last == nullptr || filter == "important") continue;
    if (filter == "unread" && !unread) continue;
    if (filter == "unanswered" && last->out) continue;
    rows.push_back({&dialog, last});
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.last->at_ms > b.last->at_ms; });
  Json items = Json::array();
  std::set<std::int64_t> users;
  for (std::size_t i = static_cast<std::size_t>(offset);
       i < rows.size() && items.size() < static_cast<std::size_t>(count); ++i) {
    items.push_back(
        {{"conversation", conversation_json(*rows[i].dialog)},
         {"last_message", message_json(call.community, *rows[i].dialog, *rows[i].last)}});
    users.insert(rows[i].dialog->peer);
  }
  Json out = {{"count", rows.size()}, {"items", items}};
  if (params.flag("extended")) out["profiles"] = profiles(users);
  return out;
}

Json World::messages_by_cmid(CallContext& call) {
  const Dialog& dialog = dialog_of(call);
  const std::vector<std::int64_t> cmids = call.params.integers("conversation_message_ids");
  if (cmids.empty() || cmids.size() > 100) throw invalid("conversation_message_ids: 1 to 100");
  Json items = Json::array();
  std::set<std::int64_t> users;
  for (const std::int64_t cmid : cmids) {
    const auto found = dialog.messages.find(cmid);
    if (found == dialog.messages.end() || found->second.deleted) continue;
    items.push_back(message_json(call.community, dialog, found->second));
    users.insert(found->second.from);
  }
  Json out = {{"count", items.size()}, {"items", items}};
  if (call.params.flag("extended")) out["profiles"] = profiles(users);
  return out;
}

Json World::messages_is_allowed(CallContext& call) {
  check_group(call);
  if (!call.params.has("user_id")) throw invalid("user_id is undefined");
  try {
    writable(call.community, call.params.integer("user_id"));
    return {{"is_allowed", 1}};
  } catch (const ApiError&) {
    return {{"is_allowed", 0}};
  }
}

// ---- users

Json World::user_json(std::int64_t id, const std::vector<std::string>& fields) const {
  const VkUser& user = users_.at(id);
  Json out = {{"id", id}, {"first_name", user.first_name}, {"last_name", user.last_name}};
  if (!user.deactivated.empty()) {
    out["deactivated"] = user.deactivated;
  } else {
    out["is_closed"] = false;
    out["can_access_closed"] = true;
  }
  for (const std::string& field : fields) {
    if (field == "screen_name" || field == "domain") out[field] = "id" + std::to_string(id);
    if (field == "sex") out[field] = 0;
  }
  return out;
}

Json World::users_get(CallContext& call) {
  const std::vector<std::int64_t> ids = call.params.integers("user_ids");
  if (ids.empty()) {
    // A community has no user of its own.
    if (options_.strict) throw invalid("user_ids is undefined");
    return Json::array();
  }
  if (ids.size() > kUsers) throw invalid("user_ids: at most 1000");
  static const std::set<std::string> kCases = {"", "nom", "gen", "dat", "acc", "ins", "abl"};
  if (!kCases.contains(call.params.text("name_case"))) throw invalid("name_case");
  const std::vector<std::string> fields = call.params.list("fields");
  Json out = Json::array();
  std::set<std::int64_t> seen;
  for (const std::int64_t id : ids) {
    if (users_.contains(id) && seen.insert(id).second) out.push_back(user_json(id, fields));
  }
  return out;
}

// ---- uploads

Json World::photos_upload_server(CallContext& call) {
  const std::int64_t peer = call.params.integer("peer_id");
  if (peer != 0) writable(call.community, peer);
  const std::string ticket = random_hex(32);
  call.community.tickets[ticket] = {"photo", false};
  return {{"upload_url", root() + "/upload/" + ticket + "?act=do_add&mid=0&aid=-64"},
          {"album_id", -64},
          {"user_id", 0},
          {"group_id", call.community.group_id}};
}

Json World::photos_save(CallContext& call) {
  const Params& params = call.params;
  const std::string photo = params.text("photo");
  const auto found = call.community.uploads.find(photo);
  if (photo.empty() || photo == "[]" || found == call.community.uploads.end()) throw api_error(129);
  Uploaded& uploaded = found->second;
  if (uploaded.kind != "photo" || uploaded.saved) throw api_error(129);
  if (params.text("hash") != uploaded.hash) throw api_error(121);
  if (params.integer("server") != uploaded.server) throw api_error(118);
  uploaded.saved = true;
  const auto size = image_size(*uploaded.bytes);
  File file;
  file.kind = "photo";
  file.owner = -call.community.group_id;
  file.name = uploaded.name;
  file.ext = "jpg";
  file.bytes = uploaded.bytes;
  file.width = size->width;
  file.height = size->height;
  const File& stored = add_file(call.community, std::move(file));
  return Json::array({file_json(call.community, stored)});
}

Json World::docs_upload_server(CallContext& call) {
  const std::string type = call.params.has("type") ? call.params.text("type") : "doc";
  if (type != "doc" && type != "audio_message" && type != "graffiti") throw invalid("type");
  const std::int64_t peer = call.params.integer("peer_id");
  if (peer != 0) writable(call.community, peer);
  const std::string ticket = random_hex(32);
  call.community.tickets[ticket] = {type, false};
  return {{"upload_url", root() + "/upload/" + ticket + "?act=add_doc_new&mid=0&type=" + type}};
}

Json World::docs_save(CallContext& call) {
  const std::string text = call.params.text("file");
  const auto found = call.community.uploads.find(text);
  if (text.empty() || found == call.community.uploads.end() || found->second.kind == "photo" ||
      found->second.saved) {
    throw api_error(105);
  }
  Uploaded& uploaded = found->second;
  uploaded.saved = true;
  File file;
  file.kind = uploaded.kind == "audio_message" ? "audio_message" : "doc";
  file.owner = -call.community.group_id;
  file.name = call.params.has("title") ? call.params.text("title") : uploaded.name;
  const std::size_t dot = uploaded.name.rfind('.');
  file.ext = dot == std::string::npos ? "" : ascii_lower(uploaded.name.substr(dot + 1));
  if (file.kind == "audio_message") file.ext = "ogg";
  file.bytes = uploaded.bytes;
  if (const auto size = image_size(*uploaded.bytes)) file.width = size->width;
  const File& stored = add_file(call.community, std::move(file));
  return {{"type", stored.kind}, {stored.kind, file_json(call.community, stored)}};
}

// ---- execute

Json World::execute(CallContext& call) {
  const std::string code = call.params.text("code");
  if (code.empty()) throw invalid("code is undefined");
  bool list = false;
  const std::vector<ScriptCall> calls = read_script(code, list);
  if (calls.size() > kCallsInExecute) throw api_error(13, "Too many API calls");
  Json results = Json::array();
  Json errors = Json::array();
  for (const ScriptCall& inner : calls) {
    const Params params = Params::from_json(inner.params, options_.strict);
    ApiCall record;
    record.community = call.community.index;
    record.method = inner.method;
    record.executed = true;
    for (const auto& [name, value] : params.values()) record.params[name] = value;
    for (const char* name : {"peer_id", "user_id", "peer_ids"}) {
      if (record.peer == 0) record.peer = std::strtoll(params.text(name).c_str(), nullptr, 10);
    }
    try {
      if (inner.method == "execute") throw api_error(13, "execute in execute");
      const auto fault = take_fault(call.community, inner.method, record.peer, false);
      if (fault) {
        HttpReply reply;
        apply_manner(reply, *fault, Json::array());
        const Json body = Json::parse(reply.body, nullptr, false);
        const bool known = body.is_object() && body.contains("error");
        ApiError error =
            known ? ApiError{body["error"]["error_code"], body["error"]["error_msg"], nullptr}
                  : api_error(10);
        record.fault = fault->kind;
        record.error_code = error.code;
        record.error = error.message;
        log(std::move(record));
        throw error;
      }
      results.push_back(run(call.community, inner.method, params, std::move(record)));
    } catch (const ApiError& error) {
      results.push_back(false);
      errors.push_back(
          {{"method", inner.method}, {"error_code", error.code}, {"error_msg", error.message}});
    }
  }
  Json response = list ? results : results.empty() ? Json() : results[0];
  return {{"response", response}, {"errors", errors}};
}

}  // namespace sufler::fakes::vk

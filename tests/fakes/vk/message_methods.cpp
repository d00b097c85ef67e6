// Methods about messages and dialogs.
#include <algorithm>
#include <limits>

#include "fakes/common/bytes.h"
#include "fakes/vk/keyboard.h"
#include "fakes/vk/world.h"

namespace sufler::fakes::vk {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kTextCharacters = 4096;
constexpr std::size_t kAttachments = 10;
constexpr std::size_t kPeers = 100;
constexpr std::size_t kForwarded = 100;
constexpr std::size_t kRemembered = 100;  ///< messages that a random_id is compared with

bool is_user(std::int64_t peer) { return peer > 0 && peer < kFirstChat; }

}  // namespace

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
      const auto known = source.messages.find(cmid.get<std::int64_t>());
      if (known != source.messages.end() && !known->second.deleted) found.push_back(cmid);
    }
    for (const Json& id : ids) {
      for (const auto& [cmid, other] : source.messages)
        if (other.id == id.get<std::int64_t>() && !other.deleted) found.push_back(cmid);
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
        item["error"] = {{"code", error.code}, {"description", error.description}};
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

}  // namespace sufler::fakes::vk

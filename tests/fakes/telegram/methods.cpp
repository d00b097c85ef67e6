// The Bot API's methods, each checked before anything changes: a refused call leaves no trace.
#include <algorithm>
#include <array>

#include "fakes/common/bytes.h"
#include "fakes/telegram/world.h"

namespace sufler::fakes {
namespace {

constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kMaxCaption = 1024;

ApiError forbidden(std::string text) { return {403, "Forbidden: " + std::move(text), nullptr}; }

std::string chat_kind_words(const Chat& chat) {
  const std::string type = chat.json["type"];
  return type + " chat";
}

}  // namespace

Chat& World::chat_of(CallContext& call, const char* name) {
  const std::string given = call.params.text(name);
  if (given.empty()) {
    if (std::string_view(name) == "chat_id") throw bad_request("chat_id is empty");
    throw bad_request("parameter \"" + std::string(name) + "\" is required");
  }
  if (given[0] == '@') {
    for (auto& [id, chat] : call.bot.chats) {
      // The name of a person is not an address for a bot.
      if (!chat.is_private() && chat.json.value("username", "") == given.substr(1)) return chat;
    }
    throw bad_request("chat not found");
  }
  const std::int64_t id = call.params.integer(name, 0);
  const auto found = call.bot.chats.find(id);
  if (found != call.bot.chats.end()) return found->second;
  if (!options_.any_chat_exists || id <= 0) throw bad_request("chat not found");
  person(call.bot, id);
  Chat& chat = person_chat(call.bot, Json{{"user", id}});
  chat.started = true;
  return chat;
}

Chat& World::writable_chat(CallContext& call) {
  Chat& chat = chat_of(call);
  if (chat.migrated_to != 0) {
    throw ApiError{400, "Bad Request: group chat was upgraded to a supergroup chat",
                   Json{{"migrate_to_chat_id", chat.migrated_to}}};
  }
  if (chat.deactivated) throw forbidden("user is deactivated");
  if (chat.blocked) throw forbidden("bot was blocked by the user");
  if (chat.kicked) throw forbidden("bot was kicked from the " + chat_kind_words(chat));
  if (chat.is_private() && !chat.started) {
    throw forbidden("bot can't initiate conversation with a user");
  }
  if (!chat.writes && call.method.starts_with("send")) {
    throw bad_request("not enough rights to send text messages to the chat");
  }
  return chat;
}

FormattedText World::text_of(const CallContext& call, const char* text, const char* entities) {
  FormattedText out = format_text(call.params.text(text), call.params.text("parse_mode"),
                                  call.params.json(entities), options_.strict);
  if (out.text.empty()) throw bad_request("message text is empty");
  // The server counts code points; the units are the stricter count (see the platform's page).
  const std::size_t length = options_.strict ? utf16_units(out.text) : code_points(out.text);
  if (length > kMaxText) {
    throw bad_request(call.method == "editMessageText" ? "MESSAGE_TOO_LONG"
                                                       : "message is too long");
  }
  return out;
}

FormattedText World::caption_of(const CallContext&, const std::string& text,
                                const std::string& mode, const Json& entities, bool edit) {
  FormattedText out = format_text(text, mode, entities, options_.strict);
  const std::size_t length = options_.strict ? utf16_units(out.text) : code_points(out.text);
  if (length > kMaxCaption) {
    throw bad_request(edit ? "MESSAGE_TOO_LONG" : "message caption is too long");
  }
  return out;
}

ReplyMarkup World::markup_of(const CallContext& call, const Chat& chat, bool inline_only) {
  ReplyMarkup markup =
      check_reply_markup(call.params.json("reply_markup"), chat.is_private(), options_.strict);
  if (inline_only && markup.kind != MarkupKind::None && markup.kind != MarkupKind::Inline) {
    throw bad_request("Inline keyboard expected");
  }
  return markup;
}

void World::check_link_preview(const Json& options) {
  if (options.is_null()) return;
  static const std::set<std::string> kKnown = {"is_disabled", "url", "prefer_small_media",
                                               "prefer_large_media", "show_above_text"};
  if (!options.is_object()) throw bad_request("Can't parse link preview options");
  for (const auto& [key, value] : options.items()) {
    if (options_.strict && !kKnown.contains(key)) {
      throw bad_request("Can't parse link preview options: unknown field \"" + key + "\"");
    }
  }
}

/// Checks reply_parameters and puts reply_to_message into the new message.
std::string World::reply_target(const CallContext& call, Chat& chat, Json& message) {
  std::int64_t id = call.params.integer("reply_to_message_id", 0);
  bool may_be_missing = call.params.flag("allow_sending_without_reply");
  const Json reply = call.params.json("reply_parameters");
  if (!reply.is_null()) {
    static const std::set<std::string> kKnown = {
        "message_id",     "chat_id",           "allow_sending_without_reply",
        "quote",          "quote_parse_mode",  "quote_entities",
        "quote_position", "checklist_task_id", "poll_option_id"};
    if (!reply.is_object()) throw bad_request("Can't parse reply parameters");
    for (const auto& [key, value] : reply.items()) {
      if (options_.strict && !kKnown.contains(key)) {
        throw bad_request("Can't parse reply parameters: unknown field \"" + key + "\"");
      }
    }
    if (!reply.contains("message_id") || !reply["message_id"].is_number_integer()) {
      throw bad_request("Can't parse reply parameters: Can't find field \"message_id\"");
    }
    id = reply["message_id"];
    may_be_missing = reply.value("allow_sending_without_reply", false);
  }
  if (id == 0) return {};
  const auto found = chat.messages.find(id);
  if (found == chat.messages.end() || found->second.deleted) {
    if (may_be_missing) return {};
    throw bad_request("message to be replied not found");
  }
  Json target = found->second.message;
  target.erase("reply_to_message");
  message["reply_to_message"] = std::move(target);
  return {};
}

StoredMessage World::draft(CallContext& call, Chat& chat) {
  StoredMessage stored;
  stored.from_bot = true;
  stored.method = call.method;
  stored.at_ms = now_ms();
  stored.silent = call.params.flag("disable_notification");
  stored.is_protected = call.params.flag("protect_content");
  Json from = call.bot.user;
  for (const char* own :
       {"can_join_groups", "can_read_all_group_messages", "supports_inline_queries"}) {
    from.erase(own);
  }
  stored.message = {{"from", from}, {"chat", chat.json}, {"date", now_s()}};
  if (stored.is_protected) stored.message["has_protected_content"] = true;
  if (call.params.has("message_thread_id")) {
    const std::int64_t thread = call.params.integer("message_thread_id", 0);
    const auto topic = chat.topics.find(thread);
    if (!chat.is_forum() || topic == chat.topics.end() || topic->second.deleted) {
      throw bad_request("message thread not found");
    }
    if (topic->second.closed && !chat.manages_topics) throw bad_request("TOPIC_CLOSED");
    stored.message["message_thread_id"] = thread;
    stored.message["is_topic_message"] = true;
  }
  reply_target(call, chat, stored.message);
  return stored;
}

Json World::commit(CallContext& call, Chat& chat, StoredMessage stored, ReplyMarkup markup) {
  const std::string unused = call.params.unused_file();
  if (options_.strict && !unused.empty()) {
    throw bad_request("file \"" + unused + "\" is not used by the request");
  }
  const std::int64_t id = chat.is_private() ? call.bot.next_message_id++ : chat.next_message_id++;
  stored.message["message_id"] = id;
  if (markup.kind == MarkupKind::Inline) stored.message["reply_markup"] = markup.json;
  if (markup.kind == MarkupKind::Reply || markup.kind == MarkupKind::ForceReply) {
    chat.keyboard = markup;
  }
  if (markup.kind == MarkupKind::Remove) chat.keyboard = {};
  stored.markup = std::move(markup);
  Json result = stored.message;
  chat.messages[id] = std::move(stored);
  chat.sent.push_back(id);
  return result;
}

Json World::get_me(CallContext& call) { return call.bot.user; }

Json World::send_message(CallContext& call) {
  Chat& chat = writable_chat(call);
  FormattedText text = text_of(call, "text", "entities");
  check_link_preview(call.params.json("link_preview_options"));
  ReplyMarkup markup = markup_of(call, chat, false);
  StoredMessage stored = draft(call, chat);
  stored.message["text"] = text.text;
  if (!text.entities.empty()) stored.message["entities"] = text.entities;
  return commit(call, chat, std::move(stored), std::move(markup));
}

Json World::send_location(CallContext& call) {
  Chat& chat = writable_chat(call);
  const double latitude = call.params.number("latitude");
  const double longitude = call.params.number("longitude");
  if (latitude < -90 || latitude > 90 || longitude < -180 || longitude > 180) {
    throw bad_request("wrong latitude or longitude specified");
  }
  ReplyMarkup markup = markup_of(call, chat, false);
  StoredMessage stored = draft(call, chat);
  stored.message["location"] = {{"latitude", latitude}, {"longitude", longitude}};
  return commit(call, chat, std::move(stored), std::move(markup));
}

Json World::send_venue(CallContext& call) {
  Chat& chat = writable_chat(call);
  const Json location = {{"latitude", call.params.number("latitude")},
                         {"longitude", call.params.number("longitude")}};
  for (const char* name : {"title", "address"}) {
    if (call.params.text(name).empty()) {
      throw bad_request("parameter \"" + std::string(name) + "\" is required");
    }
  }
  ReplyMarkup markup = markup_of(call, chat, false);
  StoredMessage stored = draft(call, chat);
  stored.message["venue"] = {{"location", location},
                             {"title", call.params.text("title")},
                             {"address", call.params.text("address")}};
  stored.message["location"] = location;
  return commit(call, chat, std::move(stored), std::move(markup));
}

Json World::send_contact(CallContext& call) {
  Chat& chat = writable_chat(call);
  Json contact;
  for (const char* name : {"phone_number", "first_name"}) {
    if (call.params.text(name).empty()) {
      throw bad_request("parameter \"" + std::string(name) + "\" is required");
    }
    contact[name] = call.params.text(name);
  }
  for (const char* name : {"last_name", "vcard"}) {
    if (call.params.has(name)) contact[name] = call.params.text(name);
  }
  ReplyMarkup markup = markup_of(call, chat, false);
  StoredMessage stored = draft(call, chat);
  stored.message["contact"] = std::move(contact);
  return commit(call, chat, std::move(stored), std::move(markup));
}

StoredMessage& World::source_message(CallContext& call, std::int64_t id, const char* missing) {
  Chat& from = chat_of(call, "from_chat_id");
  const auto found = from.messages.find(id);
  if (found == from.messages.end() || found->second.deleted) throw bad_request(missing);
  return found->second;
}

Json World::copy_content(Bot&, const StoredMessage& source, StoredMessage& target) {
  for (const char* field :
       {"text", "entities", "caption", "caption_entities", "photo", "document", "voice", "video",
        "audio", "animation", "video_note", "sticker", "contact", "location", "venue"}) {
    if (source.message.contains(field)) target.message[field] = source.message[field];
  }
  target.files = source.files;
  return nullptr;
}

Json World::copy_message(CallContext& call) {
  Chat& chat = writable_chat(call);
  const StoredMessage source =
      source_message(call, call.params.integer("message_id", 0), "message to copy not found");
  if (source.service || source.is_protected) throw bad_request("message can't be copied");
  ReplyMarkup markup = markup_of(call, chat, false);
  StoredMessage stored = draft(call, chat);
  copy_content(call.bot, source, stored);
  if (call.params.has("caption") && !stored.message.contains("text")) {
    FormattedText caption =
        caption_of(call, call.params.text("caption"), call.params.text("parse_mode"),
                   call.params.json("caption_entities"), false);
    set_caption(stored.message, caption);
  }
  const Json sent = commit(call, chat, std::move(stored), std::move(markup));
  return {{"message_id", sent["message_id"]}};
}

Json World::copy_messages(CallContext& call) {
  Chat& chat = writable_chat(call);
  const Json ids = call.params.json("message_ids");
  if (!ids.is_array() || ids.empty() || ids.size() > 100) {
    throw bad_request("message identifiers must be an array of 1-100 numbers");
  }
  if (!std::is_sorted(ids.begin(), ids.end())) {
    throw bad_request("message identifiers must be in a strictly increasing order");
  }
  std::map<std::string, std::string> groups;
  Json result = Json::array();
  for (const Json& id : ids) {
    Chat& from = chat_of(call, "from_chat_id");
    const auto found = from.messages.find(id.get<std::int64_t>());
    if (found == from.messages.end() || found->second.deleted || found->second.service) continue;
    const StoredMessage source = found->second;
    StoredMessage stored = draft(call, chat);
    copy_content(call.bot, source, stored);
    if (source.message.contains("media_group_id")) {
      std::string& group = groups[source.message["media_group_id"].get<std::string>()];
      if (group.empty()) group = std::to_string(13'000'000'000'000'000 + serial_++);
      stored.message["media_group_id"] = group;
    }
    const Json sent = commit(call, chat, std::move(stored), {});
    result.push_back({{"message_id", sent["message_id"]}});
  }
  if (result.empty()) throw bad_request("there are no messages to copy");
  return result;
}

Json World::forward_message(CallContext& call) {
  Chat& chat = writable_chat(call);
  const StoredMessage source =
      source_message(call, call.params.integer("message_id", 0), "message to forward not found");
  if (source.service || source.is_protected) throw bad_request("message can't be forwarded");
  StoredMessage stored = draft(call, chat);
  copy_content(call.bot, source, stored);
  stored.message["forward_origin"] = {
      {"type", "user"}, {"sender_user", source.message["from"]}, {"date", source.message["date"]}};
  return commit(call, chat, std::move(stored), {});
}

Json World::answer_callback(CallContext& call) {
  const std::string id = call.params.text("callback_query_id");
  const auto found = call.bot.callbacks.find(id);
  const bool late = found != call.bot.callbacks.end() &&
                    now_ms() - found->second.at_ms >
                        std::chrono::milliseconds(options_.callback_lifetime).count();
  if (found == call.bot.callbacks.end() || found->second.answered || late) {
    throw bad_request("query is too old and response timeout expired or query ID is invalid");
  }
  const std::string text = call.params.text("text");
  if (code_points(text) > 200) throw bad_request("MESSAGE_TOO_LONG");
  const std::string url = call.params.text("url");
  if (!url.empty() && !url.starts_with("https://t.me/") && !url.starts_with("t.me/") &&
      !url.starts_with("tg://")) {
    throw bad_request("URL_INVALID");
  }
  found->second.answered = true;
  found->second.answer = {{"text", text},
                          {"show_alert", call.params.flag("show_alert")},
                          {"url", url},
                          {"cache_time", call.params.integer("cache_time", 0)}};
  return true;
}

Json World::send_chat_action(CallContext& call) {
  static const std::set<std::string> kActions = {
      "typing",        "upload_photo",      "record_video",     "upload_video",
      "record_voice",  "upload_voice",      "upload_document",  "choose_sticker",
      "find_location", "record_video_note", "upload_video_note"};
  const Chat& chat = writable_chat(call);
  if (call.params.has("message_thread_id")) {
    const auto topic = chat.topics.find(call.params.integer("message_thread_id", 0));
    if (topic == chat.topics.end() || topic->second.deleted) throw bad_request("message thread not found");
  }
  if (!kActions.contains(call.params.text("action"))) {
    throw bad_request("wrong parameter action in request");
  }
  return true;
}

/// getUpdates never comes here: it may wait, so it is served apart.
Json World::polls_elsewhere(CallContext&) { return nullptr; }

const std::map<std::string, World::MethodInfo>& World::methods() {
  using Names = std::set<std::string>;
  static const Names kSend = {"business_connection_id",
                              "chat_id",
                              "message_thread_id",
                              "direct_messages_topic_id",
                              "disable_notification",
                              "protect_content",
                              "allow_paid_broadcast",
                              "message_effect_id",
                              "suggested_post_parameters",
                              "reply_parameters",
                              "reply_markup",
                              "reply_to_message_id",
                              "allow_sending_without_reply"};
  static const Names kCaption = {"caption", "parse_mode", "caption_entities",
                                 "show_caption_above_media"};
  static const Names kEdit = {"business_connection_id", "chat_id", "message_id",
                              "inline_message_id", "reply_markup"};
  const auto join = [](Names a, const Names& b, const Names& c = {}) {
    a.insert(b.begin(), b.end());
    a.insert(c.begin(), c.end());
    return a;
  };
  Names album = join(kSend, {"media"});
  album.erase("reply_markup");
  const std::vector<MethodInfo> list = {
      {"getMe", &World::get_me, {}, false},
      {"getUpdates",
       &World::polls_elsewhere,
       {"offset", "limit", "timeout", "allowed_updates"},
       false},
      {"setWebhook",
       &World::set_webhook,
       {"url", "certificate", "ip_address", "max_connections", "allowed_updates",
        "drop_pending_updates", "secret_token"},
       false},
      {"deleteWebhook", &World::delete_webhook, {"drop_pending_updates"}, false},
      {"getWebhookInfo", &World::get_webhook_info, {}, false},
      {"sendMessage", &World::send_message,
       join(kSend,
            {"text", "parse_mode", "entities", "link_preview_options", "disable_web_page_preview"}),
       true},
      {"sendPhoto", &World::send_photo, join(kSend, kCaption, {"photo", "has_spoiler"}), true},
      {"sendDocument", &World::send_document,
       join(kSend, kCaption, {"document", "thumbnail", "disable_content_type_detection"}), true},
      {"sendVoice", &World::send_voice, join(kSend, kCaption, {"voice", "duration"}), true},
      {"sendVideo", &World::send_video,
       join(kSend, kCaption,
            {"video", "duration", "width", "height", "thumbnail", "cover", "start_timestamp",
             "has_spoiler", "supports_streaming"}),
       true},
      {"sendAudio", &World::send_audio,
       join(kSend, kCaption, {"audio", "duration", "performer", "title", "thumbnail"}), true},
      {"sendAnimation", &World::send_animation,
       join(kSend, kCaption,
            {"animation", "duration", "width", "height", "thumbnail", "has_spoiler"}),
       true},
      {"sendVideoNote", &World::send_video_note,
       join(kSend, {"video_note", "duration", "length", "thumbnail"}), true},
      {"sendSticker", &World::send_sticker, join(kSend, {"sticker", "emoji"}), true},
      {"sendMediaGroup", &World::send_media_group, album, true},
      {"sendLocation", &World::send_location,
       join(kSend, {"latitude", "longitude", "horizontal_accuracy", "live_period", "heading",
                    "proximity_alert_radius"}),
       true},
      {"sendVenue", &World::send_venue,
       join(kSend, {"latitude", "longitude", "title", "address", "foursquare_id", "foursquare_type",
                    "google_place_id", "google_place_type"}),
       true},
      {"sendContact", &World::send_contact,
       join(kSend, {"phone_number", "first_name", "last_name", "vcard"}), true},
      {"copyMessage", &World::copy_message,
       join(kSend, kCaption, {"from_chat_id", "message_id", "video_start_timestamp"}), true},
      {"copyMessages",
       &World::copy_messages,
       {"chat_id", "message_thread_id", "direct_messages_topic_id", "from_chat_id", "message_ids",
        "disable_notification", "protect_content", "remove_caption"},
       true},
      {"forwardMessage",
       &World::forward_message,
       {"chat_id", "message_thread_id", "direct_messages_topic_id", "from_chat_id", "message_id",
        "disable_notification", "protect_content", "video_start_timestamp",
        "suggested_post_parameters", "message_effect_id"},
       true},
      {"editMessageText", &World::edit_text,
       join(kEdit,
            {"text", "parse_mode", "entities", "link_preview_options", "disable_web_page_preview"}),
       true},
      {"editMessageCaption", &World::edit_caption, join(kEdit, kCaption), true},
      {"editMessageMedia", &World::edit_media, join(kEdit, {"media"}), true},
      {"editMessageReplyMarkup", &World::edit_markup, kEdit, true},
      {"deleteMessage", &World::delete_message, {"chat_id", "message_id"}, false},
      {"deleteMessages", &World::delete_messages, {"chat_id", "message_ids"}, false},
      {"answerCallbackQuery",
       &World::answer_callback,
       {"callback_query_id", "text", "show_alert", "url", "cache_time"},
       false},
      {"sendChatAction",
       &World::send_chat_action,
       {"business_connection_id", "chat_id", "message_thread_id", "action"},
       false},
      {"setMyCommands", &World::set_commands, {"commands", "scope", "language_code"}, false},
      {"getMyCommands", &World::get_commands, {"scope", "language_code"}, false},
      {"deleteMyCommands", &World::delete_commands, {"scope", "language_code"}, false},
      {"getFile", &World::get_file, {"file_id"}, false},
      {"createForumTopic",
       &World::create_topic,
       {"chat_id", "name", "icon_color", "icon_custom_emoji_id"},
       true},
      {"closeForumTopic", &World::close_topic, {"chat_id", "message_thread_id"}, false},
      {"reopenForumTopic", &World::reopen_topic, {"chat_id", "message_thread_id"}, false},
      {"getChat", &World::get_chat, {"chat_id"}, false},
      {"getChatMember", &World::get_chat_member, {"chat_id", "user_id"}, false},
      {"leaveChat", &World::leave_chat, {"chat_id"}, false},
  };
  static const std::map<std::string, MethodInfo> table = [&list] {
    std::map<std::string, MethodInfo> by_name;
    for (const MethodInfo& info : list) {
      std::string name = info.name;
      for (char& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      by_name.emplace(name, info);
    }
    return by_name;
  }();
  return table;
}

}  // namespace sufler::fakes

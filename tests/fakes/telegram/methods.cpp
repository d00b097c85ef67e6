// The Bot API's methods, each checked before anything changes: a refused call leaves no trace.
#include <algorithm>
#include <array>

#include "fakes/common/bytes.h"
#include "fakes/telegram/world.h"

namespace sufler::fakes {
namespace {

constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kMaxCaption = 1024;
constexpr std::int64_t kTwoDaysMs = 48ll * 3600 * 1000;

ApiError forbidden(std::string text) { return {403, "Forbidden: " + std::move(text), nullptr}; }

std::string chat_kind_words(const Chat& chat) {
  const std::string type = chat.json["type"];
  return type + " chat";
}

bool is_http_url(std::string_view text) {
  return (text.starts_with("http://") || text.starts_with("https://")) && is_button_url(text);
}

std::string field_of(const std::string& kind) { return kind; }

std::string folder_of(const std::string& kind) {
  if (kind == "photo") return "photos";
  if (kind == "voice") return "voice";
  if (kind == "video") return "videos";
  if (kind == "audio") return "music";
  if (kind == "sticker") return "stickers";
  if (kind == "animation") return "animations";
  if (kind == "video_note") return "video_notes";
  return "documents";
}

std::string extension_of(const StoredFile& file) {
  if (file.kind == "photo") return ".jpg";
  if (file.kind == "voice") return ".oga";
  if (file.kind == "video" || file.kind == "video_note" || file.kind == "animation") return ".mp4";
  if (file.kind == "sticker") return ".webp";
  const std::size_t dot = file.name.rfind('.');
  return dot == std::string::npos ? "" : file.name.substr(dot);
}

std::string prefix_of(const std::string& kind) {
  if (kind == "photo") return "AgACAgIAAx";
  if (kind == "voice") return "AwACAgIAAx";
  if (kind == "video") return "BAACAgIAAx";
  if (kind == "audio") return "CQACAgIAAx";
  if (kind == "sticker") return "CAACAgIAAx";
  return "BQACAgIAAx";
}

std::string mime_of(const std::string& kind) {
  if (kind == "voice") return "audio/ogg";
  if (kind == "video" || kind == "animation" || kind == "video_note") return "video/mp4";
  if (kind == "audio") return "audio/mpeg";
  return "application/octet-stream";
}

std::string kind_name(std::string kind) {
  kind[0] = static_cast<char>(kind[0] - 'a' + 'A');
  if (kind == "Voice") return "VoiceNote";
  if (kind == "Video_note") return "VideoNote";
  return kind;
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
    if (!chat.json.value("is_forum", false)) throw bad_request("message thread not found");
    stored.message["message_thread_id"] = call.params.integer("message_thread_id", 0);
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

StoredFile& World::add_file(Bot& bot, StoredFile file) {
  const std::string number = std::to_string(serial_++);
  if (file.bytes == nullptr) file.bytes = std::make_shared<const std::string>();
  if (file.sha256.empty()) file.sha256 = sha256_hex(*file.bytes);
  const std::string salt = sha256_hex(bot.token + number).substr(0, 24);
  file.id = prefix_of(file.kind) + salt + "-" + number;
  file.unique_id = "AQAD" + file.sha256.substr(0, 12);
  const std::string id = file.id;
  return bot.files[id] = std::move(file);
}

/// Finds or takes in the file that a parameter names in one of its three forms.
StoredFile& World::resolve_file(CallContext& call, const std::string& kind,
                                const std::string& param, const std::string& value,
                                bool photo_rules) {
  const FilePart* part = nullptr;
  if (value.starts_with("attach://")) {
    part = call.params.file(value.substr(9));
    if (part == nullptr) throw bad_request("wrong file identifier/HTTP URL specified");
  } else if (value.empty()) {
    part = call.params.file(param);
  }
  if (part == nullptr && value.empty()) {
    throw bad_request("there is no " + param + " in the request");
  }
  if (part != nullptr) {
    const std::string& bytes = *part->bytes;
    if (bytes.empty()) throw bad_request("file must be non-empty");
    if (part->file_name.empty() && options_.strict) throw bad_request("file name is empty");
    StoredFile file;
    file.kind = kind;
    file.name = part->file_name;
    file.mime_type = part->content_type.empty() || part->content_type == "application/octet-stream"
                         ? mime_of(kind)
                         : part->content_type;
    file.bytes = part->bytes;
    if (photo_rules) {
      if (bytes.size() > options_.photo_limit_bytes) {
        throw bad_request("file of size " + std::to_string(bytes.size()) +
                          " bytes is too big for a photo; the maximum size is " +
                          std::to_string(options_.photo_limit_bytes) + " bytes");
      }
      const auto size = image_size(bytes);
      if (!size && options_.check_images) throw bad_request("IMAGE_PROCESS_FAILED");
      file.width = size ? size->width : 100;
      file.height = size ? size->height : 100;
      const int longer = std::max(file.width, file.height);
      const int shorter = std::min(file.width, file.height);
      if (shorter <= 0 || file.width + file.height > 10'000 || longer > 20 * shorter) {
        throw bad_request("PHOTO_INVALID_DIMENSIONS");
      }
    } else if (bytes.size() > options_.upload_limit_bytes) {
      throw ApiError{413, "Request Entity Too Large", nullptr};
    }
    if (kind == "photo") {
      StoredFile small;
      small.kind = "photo";
      small.width = 1;
      small.height = 1;
      small.bytes = std::make_shared<const std::string>(make_png(1, 1));
      file.thumbnail_id = add_file(call.bot, small).id;
    }
    return add_file(call.bot, std::move(file));
  }
  if (value.starts_with("http://") || value.starts_with("https://")) {
    if (!is_http_url(value)) throw bad_request("wrong HTTP URL specified");
    StoredFile file;
    file.kind = kind;
    file.url = value;
    file.name = value.substr(value.rfind('/') + 1);
    file.mime_type = mime_of(kind);
    if (kind == "document") {
      const std::string lower_name = file.name.substr(0, file.name.find('?'));
      const bool allowed = lower_name.ends_with(".pdf") || lower_name.ends_with(".zip") ||
                           lower_name.ends_with(".gif");
      if (!allowed) throw bad_request("wrong type of the web page content");
    }
    file.width = file.height = 100;
    file.sha256 = sha256_hex(value);
    return add_file(call.bot, std::move(file));
  }
  const auto found = call.bot.files.find(value);
  if (found == call.bot.files.end()) throw bad_request("wrong file identifier/HTTP URL specified");
  if (found->second.kind != kind) {
    throw bad_request("can't use file of type " + kind_name(found->second.kind) + " as " +
                      kind_name(kind));
  }
  return found->second;
}

Json World::media_json(Bot& bot, const StoredFile& file) {
  Json json = {
      {"file_id", file.id}, {"file_unique_id", file.unique_id}, {"file_size", file.bytes->size()}};
  const auto sized = [&](Json of) {
    of["width"] = file.width;
    of["height"] = file.height;
    return of;
  };
  if (file.kind == "photo") {
    Json sizes = Json::array();
    const auto small = bot.files.find(file.thumbnail_id);
    if (small != bot.files.end()) sizes.push_back(media_json(bot, small->second)[0]);
    sizes.push_back(sized(json));
    return sizes;
  }
  if (file.kind == "sticker") {
    json = sized(json);
    json["type"] = "regular";
    json["is_animated"] = false;
    json["is_video"] = false;
    return json;
  }
  if (file.kind != "document") json["duration"] = file.duration;
  if (file.kind == "video" || file.kind == "animation") json = sized(json);
  if (file.kind == "video_note") {
    json["length"] = file.width;
    return json;
  }
  json["mime_type"] = file.mime_type;
  if (!file.name.empty() && file.kind != "voice") json["file_name"] = file.name;
  return json;
}

void World::attach(Bot& bot, StoredMessage& stored, const StoredFile& file) {
  for (const char* kind : {"photo", "document", "voice", "video", "audio", "animation"}) {
    stored.message.erase(kind);
  }
  stored.message[field_of(file.kind)] = media_json(bot, file);
  if (file.kind == "animation") {
    Json document = stored.message["animation"];
    for (const char* own : {"duration", "width", "height"}) document.erase(own);
    stored.message["document"] = std::move(document);
  }
  stored.files = {file.id};
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

Json World::send_media(CallContext& call, const std::string& kind) {
  Chat& chat = writable_chat(call);
  FormattedText caption =
      caption_of(call, call.params.text("caption"), call.params.text("parse_mode"),
                 call.params.json("caption_entities"), false);
  ReplyMarkup markup = markup_of(call, chat, false);
  StoredMessage stored = draft(call, chat);
  StoredFile& file = resolve_file(call, kind, kind, call.params.text(kind), kind == "photo");
  if (call.params.has("duration")) {
    file.duration = static_cast<int>(call.params.integer("duration", 0));
  }
  if (call.params.has("thumbnail")) {
    const std::string value = call.params.text("thumbnail");
    call.params.file(value.starts_with("attach://") ? value.substr(9) : "thumbnail");
  }
  call.params.file("thumbnail");
  attach(call.bot, stored, file);
  if (!caption.text.empty()) {
    stored.message["caption"] = caption.text;
    if (!caption.entities.empty()) stored.message["caption_entities"] = caption.entities;
  }
  return commit(call, chat, std::move(stored), std::move(markup));
}

Json World::send_media_group(CallContext& call) {
  static const std::set<std::string> kKnown = {"type",
                                               "media",
                                               "caption",
                                               "parse_mode",
                                               "caption_entities",
                                               "show_caption_above_media",
                                               "has_spoiler",
                                               "thumbnail",
                                               "cover",
                                               "start_timestamp",
                                               "width",
                                               "height",
                                               "duration",
                                               "supports_streaming",
                                               "performer",
                                               "title",
                                               "disable_content_type_detection"};
  Chat& chat = writable_chat(call);
  const Json media = call.params.json("media");
  if (!media.is_array()) throw bad_request("Can't parse media JSON object");
  if (media.empty()) throw bad_request("There are no messages to send");
  if (media.size() > 10) throw bad_request("Too many messages to send as an album");
  // The server itself lets one pass; the documentation says 2-10.
  if (options_.strict && media.size() < 2) throw bad_request("An album must have 2-10 items");
  std::set<std::string> types;
  for (const Json& item : media) {
    if (!item.is_object() || !item.contains("type") || !item["type"].is_string()) {
      throw bad_request("Can't parse InputMedia: Can't find field \"type\"");
    }
    const std::string type = item["type"];
    if (type != "photo" && type != "video" && type != "document" && type != "audio") {
      throw bad_request("Can't parse InputMedia: wrong type");
    }
    types.insert(type);
    if (!item.contains("media") || !item["media"].is_string() ||
        item["media"].get_ref<const std::string&>().empty()) {
      throw bad_request("Can't parse InputMedia: Can't find field \"media\"");
    }
    for (const auto& [key, value] : item.items()) {
      if (options_.strict && !kKnown.contains(key)) {
        throw bad_request("Can't parse InputMedia: unknown field \"" + key + "\"");
      }
    }
  }
  for (const char* alone : {"document", "audio"}) {
    if (types.contains(alone) && types.size() > 1) {
      throw bad_request(kind_name(alone) + " can't be mixed with other media types");
    }
  }
  const std::string group = std::to_string(13'000'000'000'000'000 + serial_++);
  std::vector<StoredMessage> ready;
  for (const Json& item : media) {
    StoredMessage stored = draft(call, chat);
    FormattedText caption =
        caption_of(call, item.value("caption", ""), item.value("parse_mode", ""),
                   item.contains("caption_entities") ? item["caption_entities"] : Json(), false);
    const std::string type = item["type"];
    StoredFile& file = resolve_file(call, type, "media", item["media"], type == "photo");
    if (item.contains("thumbnail")) {
      const std::string value = item["thumbnail"];
      if (value.starts_with("attach://")) call.params.file(value.substr(9));
    }
    attach(call.bot, stored, file);
    stored.message["media_group_id"] = group;
    if (!caption.text.empty()) {
      stored.message["caption"] = caption.text;
      if (!caption.entities.empty()) stored.message["caption_entities"] = caption.entities;
    }
    ready.push_back(std::move(stored));
  }
  Json result = Json::array();
  for (StoredMessage& stored : ready) {
    result.push_back(commit(call, chat, std::move(stored), {}));
  }
  return result;
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
    stored.message.erase("caption");
    stored.message.erase("caption_entities");
    if (!caption.text.empty()) stored.message["caption"] = caption.text;
    if (!caption.entities.empty()) stored.message["caption_entities"] = caption.entities;
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

StoredMessage& World::own_message(CallContext& call, Chat& chat, const char* missing) {
  if (!call.params.has("message_id")) throw bad_request("message identifier is not specified");
  const auto found = chat.messages.find(call.params.integer("message_id", 0));
  if (found == chat.messages.end() || found->second.deleted) throw bad_request(missing);
  StoredMessage& stored = found->second;
  // Only the bot's own, and only those without a keyboard or with an inline one.
  const bool editable = stored.from_bot && (stored.markup.kind == MarkupKind::None ||
                                            stored.markup.kind == MarkupKind::Inline);
  if (!editable) throw bad_request("message can't be edited");
  return stored;
}

Json World::finish_edit(StoredMessage& stored, const Json& before, const ReplyMarkup& markup,
                        const Json& markup_before) {
  const auto content = [](Json message) {
    for (const char* own : {"reply_markup", "edit_date", "date"}) message.erase(own);
    return message;
  };
  const Json markup_now = markup.kind == MarkupKind::Inline ? markup.json : Json();
  if (content(stored.message) == content(before) && markup_now == markup_before) {
    stored.message = before;
    throw bad_request(
        "message is not modified: specified new message content and reply markup are exactly the "
        "same as a current content and reply markup of the message");
  }
  stored.markup = markup;
  if (markup.kind == MarkupKind::Inline) {
    stored.message["reply_markup"] = markup.json;
  } else {
    stored.message.erase("reply_markup");
  }
  stored.message["edit_date"] = now_s();
  ++stored.edits;
  return stored.message;
}

Json World::edit_text(CallContext& call) {
  Chat& chat = writable_chat(call);
  StoredMessage& stored = own_message(call, chat, "message to edit not found");
  if (!stored.message.contains("text")) {
    throw bad_request("there is no text in the message to edit");
  }
  FormattedText text = text_of(call, "text", "entities");
  check_link_preview(call.params.json("link_preview_options"));
  const ReplyMarkup markup = markup_of(call, chat, true);
  const Json before = stored.message;
  const Json markup_before = stored.markup.json;
  stored.message["text"] = text.text;
  stored.message.erase("entities");
  if (!text.entities.empty()) stored.message["entities"] = text.entities;
  return finish_edit(stored, before, markup, markup_before);
}

Json World::edit_caption(CallContext& call) {
  Chat& chat = writable_chat(call);
  StoredMessage& stored = own_message(call, chat, "message to edit not found");
  if (stored.files.empty()) throw bad_request("there is no caption in the message to edit");
  FormattedText caption =
      caption_of(call, call.params.text("caption"), call.params.text("parse_mode"),
                 call.params.json("caption_entities"), true);
  const ReplyMarkup markup = markup_of(call, chat, true);
  const Json before = stored.message;
  const Json markup_before = stored.markup.json;
  stored.message.erase("caption");
  stored.message.erase("caption_entities");
  if (!caption.text.empty()) stored.message["caption"] = caption.text;
  if (!caption.entities.empty()) stored.message["caption_entities"] = caption.entities;
  return finish_edit(stored, before, markup, markup_before);
}

Json World::edit_media(CallContext& call) {
  Chat& chat = writable_chat(call);
  StoredMessage& stored = own_message(call, chat, "message to edit not found");
  if (stored.files.empty()) throw bad_request("there is no media in the message to edit");
  const Json media = call.params.json("media");
  if (!media.is_object() || !media.contains("type") || !media.contains("media")) {
    throw bad_request("Can't parse InputMedia: Can't find field \"media\"");
  }
  const std::string type = media["type"];
  FormattedText caption =
      caption_of(call, media.value("caption", ""), media.value("parse_mode", ""),
                 media.contains("caption_entities") ? media["caption_entities"] : Json(), true);
  const ReplyMarkup markup = markup_of(call, chat, true);
  StoredFile& file = resolve_file(call, type, "media", media["media"], type == "photo");
  const Json before = stored.message;
  const Json markup_before = stored.markup.json;
  attach(call.bot, stored, file);
  stored.message.erase("caption");
  stored.message.erase("caption_entities");
  if (!caption.text.empty()) stored.message["caption"] = caption.text;
  if (!caption.entities.empty()) stored.message["caption_entities"] = caption.entities;
  return finish_edit(stored, before, markup, markup_before);
}

Json World::edit_markup(CallContext& call) {
  Chat& chat = writable_chat(call);
  StoredMessage& stored = own_message(call, chat, "message to edit not found");
  const ReplyMarkup markup = markup_of(call, chat, true);
  return finish_edit(stored, stored.message, markup, stored.markup.json);
}

Json World::delete_message(CallContext& call) {
  Chat& chat = writable_chat(call);
  const auto found = chat.messages.find(call.params.integer("message_id", 0));
  if (found == chat.messages.end() || found->second.deleted) {
    throw bad_request("message to delete not found");
  }
  const bool foreign = !found->second.from_bot && !chat.is_private();
  if (foreign || now_ms() - found->second.at_ms > kTwoDaysMs) {
    throw bad_request("message can't be deleted");
  }
  found->second.deleted = true;
  return true;
}

Json World::delete_messages(CallContext& call) {
  Chat& chat = writable_chat(call);
  const Json ids = call.params.json("message_ids");
  if (!ids.is_array() || ids.empty() || ids.size() > 100) {
    throw bad_request("message identifiers must be an array of 1-100 numbers");
  }
  for (const Json& id : ids) {  // those not found are skipped
    const auto found = chat.messages.find(id.get<std::int64_t>());
    if (found != chat.messages.end()) found->second.deleted = true;
  }
  return true;
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
  writable_chat(call);
  if (!kActions.contains(call.params.text("action"))) {
    throw bad_request("wrong parameter action in request");
  }
  return true;
}

std::string World::commands_key(const CallContext& call) {
  static const std::set<std::string> kScopes = {
      "default", "all_private_chats",   "all_group_chats", "all_chat_administrators",
      "chat",    "chat_administrators", "chat_member"};
  Json scope = call.params.json("scope");
  if (scope.is_null()) scope = {{"type", "default"}};
  if (!scope.is_object() || !scope.contains("type") ||
      !kScopes.contains(scope["type"].get<std::string>())) {
    throw bad_request("Can't parse BotCommandScope: Unsupported type specified");
  }
  const std::string language = call.params.text("language_code");
  if (!language.empty() && language.size() != 2) throw bad_request("LANGUAGE_CODE_INVALID");
  return scope.dump() + "/" + language;
}

Json World::set_commands(CallContext& call) {
  const std::string key = commands_key(call);
  const Json commands = call.params.json("commands");
  if (!commands.is_array()) throw bad_request("Expected an Array of BotCommand");
  if (commands.size() > 100) throw bad_request("BOT_COMMANDS_TOO_MUCH");
  for (const Json& command : commands) {
    if (!command.is_object() || !command.contains("command") || !command.contains("description")) {
      throw bad_request("Can't parse BotCommand: expected command and description");
    }
    if (options_.strict && command.size() != 2) {
      throw bad_request("Can't parse BotCommand: unknown field");
    }
    const std::string name = command["command"];
    const bool letters = std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (name.empty() || name.size() > 32 || !letters) throw bad_request("BOT_COMMAND_INVALID");
    const std::string description = command["description"];
    const std::size_t length = code_points(description);
    if (length < 1 || length > 256) throw bad_request("BOT_COMMAND_DESCRIPTION_INVALID");
  }
  call.bot.commands[key] = commands;
  return true;
}

Json World::get_commands(CallContext& call) {
  const auto found = call.bot.commands.find(commands_key(call));
  return found == call.bot.commands.end() ? Json::array() : found->second;
}

Json World::delete_commands(CallContext& call) {
  call.bot.commands.erase(commands_key(call));
  return true;
}

Json World::get_file(CallContext& call) {
  const std::string id = call.params.text("file_id");
  if (id.empty()) throw bad_request("file_id is not specified");
  const auto found = call.bot.files.find(id);
  if (found == call.bot.files.end()) throw bad_request("invalid file_id");
  StoredFile& file = found->second;
  if (file.bytes->size() > options_.download_limit_bytes) throw bad_request("file is too big");
  if (file.path.empty()) {
    file.path = folder_of(file.kind) + "/file_" + std::to_string(call.bot.paths.size()) +
                extension_of(file);
    call.bot.paths[file.path] = id;
  }
  file.path_at_ms = now_ms();
  return {{"file_id", id},
          {"file_unique_id", file.unique_id},
          {"file_size", file.bytes->size()},
          {"file_path", file.path}};
}

Json World::get_chat(CallContext& call) {
  Json chat = chat_of(call).json;
  chat["accent_color_id"] = 0;
  chat["max_reaction_count"] = 11;
  chat["accepted_gift_types"] = Json::object();
  return chat;
}

Json World::get_chat_member(CallContext& call) {
  Chat& chat = chat_of(call);
  const std::int64_t user = call.params.integer("user_id", 0);
  if (user == call.bot.user["id"].get<std::int64_t>()) {
    return {{"status", chat.kicked ? "kicked" : "administrator"}, {"user", call.bot.user}};
  }
  const auto found = call.bot.people.find(user);
  if (found == call.bot.people.end()) throw bad_request("user not found");
  return {{"status", "member"}, {"user", found->second}};
}

Json World::leave_chat(CallContext& call) {
  Chat& chat = chat_of(call);
  if (chat.is_private()) throw bad_request("chat member status can't be changed in private chats");
  chat.kicked = true;
  return true;
}

Json World::set_webhook(CallContext& call) {
  const std::string url = call.params.text("url");
  if (url.empty()) return delete_webhook(call);
  if (!url.starts_with("http://127.0.0.1:") && !url.starts_with("http://localhost:")) {
    throw bad_request("bad webhook: the fake delivers to http:// loopback addresses only");
  }
  const std::string secret = call.params.text("secret_token");
  const bool good_secret = std::all_of(secret.begin(), secret.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  if (secret.size() > 256 || !good_secret)
    throw bad_request("secret token contains unallowed characters");
  const std::int64_t connections = call.params.integer("max_connections", 40);
  if (connections < 1 || connections > 100) throw bad_request("bad webhook: wrong max_connections");
  if (call.bot.webhook_set_ms != 0 && now_ms() - call.bot.webhook_set_ms < 1000) {
    throw ApiError{429, "Too Many Requests: retry after 1", Json{{"retry_after", 1}}};
  }
  set_allowed(call.bot, call.params);
  if (call.params.flag("drop_pending_updates")) {
    confirm_below(call.bot, call.bot.next_update_id);
  }
  if (call.bot.poll) {
    const Poll poll = *call.bot.poll;
    call.bot.poll.reset();
    conflict(call.bot, poll.connection, "Conflict: terminated by setWebhook request");
  }
  const Json webhook = {{"url", url}, {"secret_token", secret}, {"max_connections", connections}};
  call.description = call.bot.webhook == webhook ? "Webhook is already set" : "Webhook was set";
  call.bot.webhook = webhook;
  call.bot.webhook_set_ms = now_ms();
  call.bot.webhook_blocked_until_ms.clear();
  webhook_wake_.notify_all();
  return true;
}

Json World::delete_webhook(CallContext& call) {
  if (call.params.flag("drop_pending_updates")) {
    confirm_below(call.bot, call.bot.next_update_id);
  }
  call.description =
      call.bot.webhook.is_null() ? "Webhook is already deleted" : "Webhook was deleted";
  call.bot.webhook = nullptr;
  return true;
}

Json World::get_webhook_info(CallContext& call) {
  const Bot& bot = call.bot;
  std::size_t pending = 0;
  for (std::size_t i = bot.head; i < bot.updates.size(); ++i) {
    pending += bot.updates[i].confirmed_ms == 0 ? 1u : 0u;
  }
  Json info = {{"url", bot.webhook.is_null() ? "" : bot.webhook["url"].get<std::string>()},
               {"has_custom_certificate", false},
               {"pending_update_count", pending}};
  if (!bot.webhook.is_null()) {
    info["max_connections"] = bot.webhook["max_connections"];
    info["ip_address"] = "127.0.0.1";
  }
  if (bot.webhook_error_ms != 0) {
    info["last_error_date"] = bot.webhook_error_ms / 1000;
    info["last_error_message"] = bot.webhook_error;
  }
  if (bot.allowed) {
    info["allowed_updates"] = Json::array();
    for (const std::string& kind : *bot.allowed) info["allowed_updates"].push_back(kind);
  }
  return info;
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

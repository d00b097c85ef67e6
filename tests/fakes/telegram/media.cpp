// Files that a bot sends: taken in, found again, downloaded.
#include "fakes/common/bytes.h"
#include "fakes/telegram/world.h"

namespace sufler::fakes {
namespace {

bool is_http_url(std::string_view text) {
  return (text.starts_with("http://") || text.starts_with("https://")) && is_button_url(text);
}

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
  stored.message[file.kind] = media_json(bot, file);
  if (file.kind == "animation") {
    Json document = stored.message["animation"];
    for (const char* own : {"duration", "width", "height"}) document.erase(own);
    stored.message["document"] = std::move(document);
  }
  stored.files = {file.id};
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
  set_caption(stored.message, caption);
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
    set_caption(stored.message, caption);
    ready.push_back(std::move(stored));
  }
  Json result = Json::array();
  for (StoredMessage& stored : ready) {
    result.push_back(commit(call, chat, std::move(stored), {}));
  }
  return result;
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

}  // namespace sufler::fakes

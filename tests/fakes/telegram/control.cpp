// The control API: what people do to the bot, and what a test may ask about the bot.
#include <algorithm>

#include "fakes/common/bytes.h"
#include "fakes/telegram/world.h"

namespace sufler::fakes {
namespace {

const Json* find_button(const ReplyMarkup& markup, const char* field, const char* rows,
                        const std::string& value) {
  if (!markup.json.is_object() || !markup.json.contains(rows)) return nullptr;
  for (const Json& row : markup.json[rows])
    for (const Json& button : row)
      if (button.contains(field) && button[field] == value) return &button;
  return nullptr;
}

std::string labels(const ReplyMarkup& markup, const char* rows) {
  std::string out;
  if (!markup.json.is_object() || !markup.json.contains(rows)) return out;
  for (const Json& row : markup.json[rows])
    for (const Json& button : row) out += " [" + button["text"].get<std::string>() + "]";
  return out;
}

Json profile_of(const Json& params, std::int64_t id) {
  Json user = {{"id", id},
               {"is_bot", false},
               {"first_name", params.value("first_name", "Иван")},
               {"language_code", params.value("language_code", "ru")}};
  for (const char* name : {"last_name", "username"}) {
    if (!params.value(name, "").empty()) user[name] = params[name];
  }
  return user;
}

Json private_chat_json(const Json& user) {
  Json chat = {{"id", user["id"]}, {"type", "private"}, {"first_name", user["first_name"]}};
  for (const char* name : {"last_name", "username"}) {
    if (user.contains(name)) chat[name] = user[name];
  }
  return chat;
}

}  // namespace

Bot& World::bot_of(const Json& params) {
  if (!params.contains("bot")) return bots_.front();
  const Json& which = params["bot"];
  if (which.is_number_unsigned() || which.is_number_integer()) {
    const auto index = which.get<std::size_t>();
    if (index < bots_.size()) return bots_[index];
  }
  for (Bot& bot : bots_)
    if (which.is_string() && bot.user["username"] == which) return bot;
  refuse("no such bot: " + which.dump());
}

Json& World::person(Bot& bot, std::int64_t id) {
  Json& user = bot.people[id];
  if (user.is_null()) user = profile_of(Json::object(), id);
  return user;
}

Chat& World::person_chat(Bot& bot, const Json& params) {
  if (!params.contains("user")) refuse("\"user\" is missing");
  const std::int64_t id = params["user"];
  const Json& user = person(bot, id);
  if (params.value("chat", id) != id && params.value("chat", std::int64_t{0}) != 0) {
    const auto group = bot.chats.find(params["chat"].get<std::int64_t>());
    if (group == bot.chats.end()) refuse("no such chat; add it by /control/groups");
    return group->second;
  }
  Chat& chat = bot.chats[id];
  if (chat.json.is_null()) chat.json = private_chat_json(user);
  return chat;
}

/// Stores a message from a person; `content` holds what makes it a text, a photo and so on.
StoredMessage& World::incoming(Bot& bot, Chat& chat, const Json& params, Json content) {
  if (chat.is_private()) {
    if (chat.blocked) refuse("the user has blocked the bot; unblock first");
    chat.started = true;
  }
  StoredMessage stored;
  stored.at_ms = now_ms();
  stored.message = std::move(content);
  const std::int64_t id = chat.is_private() ? bot.next_message_id++ : chat.next_message_id++;
  stored.message["message_id"] = id;
  stored.message["from"] = person(bot, params["user"]);
  stored.message["chat"] = chat.json;
  stored.message["date"] = params.value("date", now_s());
  if (params.contains("topic")) {
    const std::int64_t thread = params["topic"];
    const auto topic = chat.topics.find(thread);
    if (topic == chat.topics.end() || topic->second.deleted) refuse("no such topic; add it by /control/topics");
    stored.message["message_thread_id"] = thread;
    stored.message["is_topic_message"] = true;
    // Whatever answers nothing else in a topic answers its first message.
    Json first = chat.messages[thread].message;
    stored.message["reply_to_message"] = std::move(first);
  }
  if (params.contains("reply_to")) {
    const auto target = chat.messages.find(params["reply_to"].get<std::int64_t>());
    if (target == chat.messages.end()) refuse("no such message to reply to");
    Json reply = target->second.message;
    reply.erase("reply_to_message");
    stored.message["reply_to_message"] = std::move(reply);
  }
  if (params.contains("caption") && !params["caption"].get<std::string>().empty()) {
    stored.message["caption"] = params["caption"];
    const Json entities = find_entities(params["caption"].get<std::string>());
    if (!entities.empty()) stored.message["caption_entities"] = entities;
  }
  return chat.messages[id] = std::move(stored);
}

/// Privacy mode: commands for this bot, replies to it, and what it is mentioned in.
bool World::group_message_visible(const Bot& bot, const Chat& chat, const Json& message) const {
  if (chat.is_private() || bot.reads_all) return true;
  const std::string name = bot.user["username"];
  // Whoever manages topics is an administrator, and those see everything.
  if (chat.is_forum() && chat.manages_topics) return true;
  if (message.contains("reply_to_message") &&
      message["reply_to_message"]["from"]["id"] == bot.user["id"]) {
    return true;
  }
  if (!message.contains("text")) return false;
  const std::string text = message["text"];
  if (text.starts_with("/")) {
    const std::string word = text.substr(0, text.find_first_of(" \n"));
    const std::size_t at = word.find('@');
    if (at == std::string::npos) return true;
    std::string addressed = word.substr(at + 1);
    std::string own = name;
    for (std::string* s : {&addressed, &own})
      std::transform(s->begin(), s->end(), s->begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return addressed == own;
  }
  return text.find("@" + name) != std::string::npos;
}

Json World::deliver(Bot& bot, Chat& chat, StoredMessage& stored, const Json& params) {
  const std::int64_t id = stored.message["message_id"];
  std::int64_t update = 0;
  if (params.value("silent", false) == false && group_message_visible(bot, chat, stored.message)) {
    update = push_update(bot, "message", stored.message, chat.id());
  }
  return {{"update_id", update}, {"message_id", id}};
}

Json World::say(Bot& bot, const Json& params) {
  Chat& chat = person_chat(bot, params);
  const std::string text = params.at("text");
  if (text.empty()) refuse("a message has a text");
  Json content = {{"text", text}};
  const Json entities = params.contains("entities") ? params["entities"] : find_entities(text);
  if (!entities.empty()) content["entities"] = entities;
  return deliver(bot, chat, incoming(bot, chat, params, std::move(content)), params);
}

Json World::press(Bot& bot, const Json& params) {
  Chat& chat = person_chat(bot, params);
  const bool by_label = params.contains("label");
  const std::string value = by_label ? params["label"] : params.at("data");
  const StoredMessage* target = nullptr;
  const Json* button = nullptr;
  std::string seen;
  if (params.contains("message_id")) {
    const auto found = chat.messages.find(params["message_id"].get<std::int64_t>());
    if (found == chat.messages.end()) refuse("no such message");
    target = &found->second;
    button =
        find_button(target->markup, by_label ? "text" : "callback_data", "inline_keyboard", value);
    if (by_label && button == nullptr) {
      refuse("no button \"" + value + "\"; there are:" + labels(target->markup, "inline_keyboard"));
    }
  } else {
    for (auto id = chat.sent.rbegin(); id != chat.sent.rend() && button == nullptr; ++id) {
      const StoredMessage& stored = chat.messages[*id];
      if (stored.deleted || stored.markup.kind != MarkupKind::Inline) continue;
      target = &stored;
      button =
          find_button(stored.markup, by_label ? "text" : "callback_data", "inline_keyboard", value);
      seen += labels(stored.markup, "inline_keyboard");
    }
    if (button == nullptr) refuse("no inline button \"" + value + "\"; there are:" + seen);
  }
  if (button != nullptr && !button->contains("callback_data")) {
    return {{"url", button->value("url", "")}, {"update_id", 0}};
  }
  const std::string id =
      std::to_string(4'000'000'000'000'000'000 + static_cast<std::int64_t>(serial_++));
  Json query = {{"id", id},
                {"from", person(bot, params["user"])},
                {"chat_instance", std::to_string(-9'000'000'000 - chat.id())},
                {"data", button != nullptr ? (*button)["callback_data"] : Json(value)}};
  if (params.value("inaccessible", false)) {
    query["message"] = {
        {"chat", chat.json}, {"message_id", target->message["message_id"]}, {"date", 0}};
  } else {
    query["message"] = target->message;
  }
  Callback callback;
  callback.user = params["user"];
  callback.chat = chat.id();
  callback.at_ms = now_ms();
  bot.callbacks[id] = std::move(callback);
  const std::int64_t update = push_update(bot, "callback_query", std::move(query), chat.id());
  return {{"update_id", update}, {"callback_query_id", id}};
}

Json World::tap(Bot& bot, const Json& params) {
  Chat& chat = person_chat(bot, params);
  const std::string label = params.at("label");
  const Json* button = find_button(chat.keyboard, "text", "keyboard", label);
  if (button == nullptr) {
    refuse("no button \"" + label +
           "\" in the keyboard; there are:" + labels(chat.keyboard, "keyboard"));
  }
  Json inner = params;
  const Json content = *button;
  if (chat.keyboard.json.value("one_time_keyboard", false)) chat.keyboard = {};
  if (content.value("request_contact", false)) {
    inner["own"] = true;
    return act("contact", inner);
  }
  if (content.value("request_location", false)) return act("location", inner);
  inner["text"] = label;
  return say(bot, inner);
}

StoredFile& World::incoming_file(Bot& bot, const std::string& kind, const Json& params) {
  StoredFile file;
  file.kind = kind;
  file.width = params.value("width", 320);
  file.height = params.value("height", 240);
  file.duration = params.value("duration", 3);
  std::string bytes;
  if (params.contains("base64")) {
    const auto decoded = base64_decode(params["base64"].get<std::string>());
    if (!decoded) refuse("\"base64\" does not decode");
    bytes = *decoded;
  } else if (params.contains("text_bytes")) {
    bytes = params["text_bytes"];
  } else if (params.contains("size")) {
    bytes.resize(params["size"].get<std::size_t>());
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 % 251);
  } else if (kind == "photo" || kind == "sticker") {
    bytes = make_png(file.width, file.height);
  } else {
    bytes = kind + " of " + params["user"].dump() + "\n";
  }
  if (const auto size = image_size(bytes)) {
    file.width = size->width;
    file.height = size->height;
  }
  file.bytes = std::make_shared<const std::string>(std::move(bytes));
  const bool document = kind == "document";
  file.name = params.value("name", document ? "document.txt" : "");
  file.mime_type = params.value("mime_type", document          ? "text/plain"
                                             : kind == "voice" ? "audio/ogg"
                                             : kind == "video" ? "video/mp4"
                                                               : "audio/mpeg");
  if (kind == "photo") {
    StoredFile small;
    small.kind = kind;
    small.width = small.height = 1;
    small.bytes = std::make_shared<const std::string>(make_png(1, 1));
    file.thumbnail_id = add_file(bot, std::move(small)).id;
  }
  return add_file(bot, std::move(file));
}

Json World::send_file(Bot& bot, const std::string& kind, const Json& params) {
  Chat& chat = person_chat(bot, params);
  const StoredFile& file = incoming_file(bot, kind, params);
  Json content = {{kind, media_json(bot, file)}};
  StoredMessage& stored = incoming(bot, chat, params, std::move(content));
  stored.files = {file.id};
  Json report = deliver(bot, chat, stored, params);
  report["file_id"] = file.id;
  return report;
}

Json World::album(Bot& bot, const Json& params) {
  Chat& chat = person_chat(bot, params);
  const std::string group = std::to_string(13'000'000'000'000'000 + serial_++);
  Json report = {{"media_group_id", group},
                 {"update_ids", Json::array()},
                 {"file_ids", Json::array()},
                 {"update_id", 0}};
  for (Json item : params.at("items")) {
    item["user"] = params["user"];
    if (params.contains("topic")) item["topic"] = params["topic"];
    const std::string kind = item.value("type", "photo");
    const StoredFile& file = incoming_file(bot, kind, item);
    StoredMessage& stored =
        incoming(bot, chat, item, Json{{kind, media_json(bot, file)}, {"media_group_id", group}});
    stored.files = {file.id};
    const Json one = deliver(bot, chat, stored, params);
    report["update_id"] = one["update_id"];
    report["update_ids"].push_back(one["update_id"]);
    report["file_ids"].push_back(file.id);
  }
  return report;
}

Json World::edit_by_user(Bot& bot, const Json& params) {
  Chat& chat = person_chat(bot, params);
  const auto found = chat.messages.find(params.at("message_id").get<std::int64_t>());
  if (found == chat.messages.end() || found->second.from_bot) refuse("no such message of a person");
  Json& message = found->second.message;
  message["text"] = params.at("text");
  const Json entities = find_entities(message["text"].get<std::string>());
  message.erase("entities");
  if (!entities.empty()) message["entities"] = entities;
  message["edit_date"] = now_s();
  return {{"update_id", push_update(bot, "edited_message", message, chat.id())},
          {"message_id", params["message_id"]}};
}

Json World::membership(Bot& bot, const Json& params, bool blocked) {
  Chat& chat = person_chat(bot, params);
  chat.blocked = blocked;
  if (!blocked) chat.started = true;
  Json user = bot.user;
  const auto member = [&](bool out) {
    Json json = {{"user",
                  {{"id", user["id"]},
                   {"is_bot", true},
                   {"first_name", user["first_name"]},
                   {"username", user["username"]}}},
                 {"status", out ? "kicked" : "member"}};
    if (out) json["until_date"] = 0;
    return json;
  };
  const Json change = {{"chat", chat.json},
                       {"from", person(bot, params["user"])},
                       {"date", now_s()},
                       {"old_chat_member", member(!blocked)},
                       {"new_chat_member", member(blocked)}};
  return {{"update_id", push_update(bot, "my_chat_member", change, chat.id())}};
}

// ---- reports

Json World::message_report(const Bot& bot, const Chat& chat, const StoredMessage& stored) const {
  const Json& message = stored.message;
  const bool captioned = message.contains("caption");
  Json report = {
      {"chat", chat.id()},
      {"message_id", message["message_id"]},
      {"from_bot", stored.from_bot},
      {"method", stored.method},
      {"text", message.value(captioned ? "caption" : "text", "")},
      {"entities", message.value(captioned ? "caption_entities" : "entities", Json::array())},
      {"reply_markup", stored.markup.json},
      {"media_group_id", message.value("media_group_id", "")},
      {"reply_to", 0},
      {"topic", message.value("message_thread_id", std::int64_t{0})},
      {"silent", stored.silent},
      {"deleted", stored.deleted},
      {"edits", stored.edits},
      {"at_ms", stored.at_ms},
      {"files", Json::array()},
      {"message", message}};
  if (message.contains("reply_to_message")) {
    report["reply_to"] = message["reply_to_message"]["message_id"];
  }
  for (const std::string& id : stored.files) {
    const auto found = bot.files.find(id);
    if (found == bot.files.end()) continue;
    const StoredFile& file = found->second;
    report["files"].push_back({{"kind", file.kind},
                               {"file_id", file.id},
                               {"name", file.name},
                               {"mime_type", file.mime_type},
                               {"url", file.url},
                               {"size", file.bytes->size()},
                               {"sha256", file.sha256}});
  }
  return report;
}

Json World::messages_report(const Json& params) {
  const Bot& bot = bot_of(params);
  Json out = Json::array();
  const bool all = params.value("all", false);  // people's messages too
  for (const auto& [id, chat] : bot.chats) {
    if (params.contains("chat") && params["chat"] != id) continue;
    if (all) {
      for (const auto& [message_id, stored] : chat.messages)
        out.push_back(message_report(bot, chat, stored));
    } else {
      for (const std::int64_t message_id : chat.sent)
        out.push_back(message_report(bot, chat, chat.messages.at(message_id)));
    }
  }
  return out;
}

Json World::updates_report(Bot& bot, const Json& params) {
  Json out = Json::array();
  for (const Update& update : bot.updates) {
    if (params.contains("pending") && params["pending"].get<bool>() != (update.confirmed_ms == 0)) {
      continue;
    }
    out.push_back({{"update_id", update.id},
                   {"kind", update.kind},
                   {"chat", update.chat},
                   {"pushed_ms", update.pushed_ms},
                   {"confirmed_ms", update.confirmed_ms},
                   {"deliveries", update.deliveries}});
    if (params.value("bodies", false)) out.back()["update"] = Json::parse(update.json);
  }
  return out;
}

Json World::answers_report(Bot& bot) {
  Json out = Json::array();
  for (const auto& [id, callback] : bot.callbacks) {
    out.push_back({{"callback_query_id", id},
                   {"user", callback.user},
                   {"chat", callback.chat},
                   {"answered", callback.answered},
                   {"answer", callback.answer}});
  }
  return out;
}

// ---- faults and options

const std::set<std::string>& World::own_faults() {
  static const std::set<std::string> kKinds = {"rate_limit",   "blocked",        "deactivated",
                                               "unauthorized", "chat_not_found", "migrated",
                                               "conflict"};
  return kKinds;
}

bool World::knows_method(const std::string& name) {
  return name == "file" || methods().contains(ascii_lower(name));
}

bool World::only_by_name(const std::string& method) {
  return method == "getupdates" || method == "file";
}

/// The token is in the path, so only a chat needs the body.
bool World::drops_at_head(const FaultRule& rule, const std::string& method) {
  return !rule.place && method != "file";
}

bool World::set_option(const std::string& name, const Json& value) {
  if (name == "strict")
    options_.strict = value;
  else if (name == "check_images")
    options_.check_images = value;
  else if (name == "any_chat_exists")
    options_.any_chat_exists = value;
  else if (name == "repeated_offset_rules")
    options_.repeated_offset_rules = value;
  else if (name == "conflict_delay_ms")
    options_.conflict_delay = std::chrono::milliseconds(value.get<std::int64_t>());
  else if (name == "photo_limit_bytes")
    options_.photo_limit_bytes = value;
  else if (name == "upload_limit_bytes") {
    options_.upload_limit_bytes = value;
    server_.set_max_body_bytes(options_.upload_limit_bytes + (1u << 20));
  } else if (name == "download_limit_bytes")
    options_.download_limit_bytes = value;
  else if (name == "callback_lifetime_s")
    options_.callback_lifetime = std::chrono::seconds(value.get<std::int64_t>());
  else if (name == "file_link_lifetime_s")
    options_.file_link_lifetime = std::chrono::seconds(value.get<std::int64_t>());
  else if (name == "rate_limit")
    options_.rate_limit = value;
  else if (name == "chat_messages_per_second")
    options_.chat_messages_per_second = value;
  else if (name == "chat_burst")
    options_.chat_burst = value;
  else if (name == "bot_burst")
    options_.bot_burst = value;
  else if (name == "messages_per_second")
    options_.messages_per_second = value;
  else if (name == "group_messages_per_minute")
    options_.group_messages_per_minute = value;
  else if (name == "webhook_time_scale")
    options_.webhook_time_scale = value;
  else
    return false;
  return true;
}

void World::forget_all() {
  for (Bot& bot : bots_) {
    Bot fresh;
    fresh.token = bot.token;
    fresh.index = bot.index;
    fresh.user = bot.user;
    fresh.reads_all = bot.reads_all;
    fresh.next_update_id = bot.next_update_id;  // ids go on growing for a bot that keeps polling
    fresh.next_message_id = bot.next_message_id;
    fresh.poll = std::move(bot.poll);
    fresh.last_offset = bot.last_offset;
    fresh.last_poll_at = bot.last_poll_at;
    fresh.allowed = bot.allowed;
    fresh.webhook = bot.webhook;
    bot = std::move(fresh);
  }
}

// ---- entry

Json World::act(const std::string& path, const Json& params) {
  if (path == "bots") {
    BotAccount account;
    account.token = params.at("token");
    account.username = params.value("username", account.username);
    account.first_name = params.value("first_name", account.first_name);
    account.reads_all_group_messages = params.value("reads_all_group_messages", false);
    if (bot_by_token(account.token) != nullptr) refuse("the bot is there already");
    add_bot(account);
    return {{"bot", bots_.size() - 1}};
  }
  Bot& bot = bot_of(params);
  if (path == "users") {
    const std::int64_t id = params.at("id");
    bot.people[id] = profile_of(params, id);
    Chat& chat = person_chat(bot, Json{{"user", id}});
    chat.json = private_chat_json(bot.people[id]);
    chat.started = chat.started || params.value("started", true);
    chat.deactivated = params.value("deactivated", false);
    return true;
  }
  if (path == "groups") {
    const std::int64_t id = params.at("id");
    if (id >= 0) refuse("the id of a group is negative");
    Chat& chat = bot.chats[id];
    chat.json = {{"id", id},
                 {"type", params.value("type", "supergroup")},
                 {"title", params.value("title", "Группа")}};
    for (const char* name : {"username", "is_forum"}) {
      if (params.contains(name)) chat.json[name] = params[name];
    }
    chat.started = true;
    chat.migrated_to = params.value("migrated_to", std::int64_t{0});
    chat.kicked = params.value("kicked", false);
    chat.manages_topics = params.value("manages_topics", true);
    chat.writes = params.value("writes", true);
    return true;
  }
  if (path == "topics") {
    const auto group = bot.chats.find(params.at("chat").get<std::int64_t>());
    if (group == bot.chats.end() || !group->second.is_forum()) refuse("no such group with topics");
    Chat& chat = group->second;
    if (params.contains("user")) {
      const Topic topic{params.value("name", "Тема")};
      return {{"topic", add_topic(chat, person(bot, params["user"].get<std::int64_t>()), topic)}};
    }
    if (params.contains("topic")) {
      const auto topic = chat.topics.find(params["topic"].get<std::int64_t>());
      if (topic == chat.topics.end()) refuse("no such topic");
      topic->second.deleted = params.value("deleted", topic->second.deleted);
      topic->second.closed = params.value("closed", topic->second.closed);
      if (topic->second.deleted) {
        for (auto& [id, stored] : chat.messages) {
          if (stored.message.value("message_thread_id", std::int64_t{0}) == topic->first) stored.deleted = true;
        }
      }
    }
    Json out = Json::array();
    for (const auto& [id, topic] : chat.topics) {
      out.push_back({{"topic", id}, {"name", topic.name}, {"by_bot", topic.by_bot}, {"closed", topic.closed},
                     {"deleted", topic.deleted}});
    }
    return out;
  }
  if (path == "token") {
    bot.revoked = params.value("revoked", false);
    return {{"token", bot.token}};
  }
  if (path == "say") return say(bot, params);
  if (path == "press") return press(bot, params);
  if (path == "tap") return tap(bot, params);
  for (const char* kind : {"photo", "document", "voice", "video", "audio", "sticker"}) {
    if (path == kind) return send_file(bot, kind, params);
  }
  if (path == "album") return album(bot, params);
  if (path == "contact") {
    Chat& chat = person_chat(bot, params);
    Json contact = {
        {"phone_number", params.value("phone", "79991234567")},
        {"first_name",
         params.value("first_name", person(bot, params["user"])["first_name"].get<std::string>())}};
    if (params.value("own", true)) contact["user_id"] = params["user"];
    return deliver(bot, chat, incoming(bot, chat, params, Json{{"contact", contact}}), params);
  }
  if (path == "location") {
    Chat& chat = person_chat(bot, params);
    const Json location = {{"latitude", params.value("latitude", 55.751244)},
                           {"longitude", params.value("longitude", 37.618423)}};
    return deliver(bot, chat, incoming(bot, chat, params, Json{{"location", location}}), params);
  }
  if (path == "message") {
    Chat& chat = person_chat(bot, params);
    return deliver(bot, chat, incoming(bot, chat, params, params.at("content")), params);
  }
  if (path == "edit") return edit_by_user(bot, params);
  if (path == "block") return membership(bot, params, true);
  if (path == "unblock") return membership(bot, params, false);
  if (path == "update") {
    const Json& update = params.at("update");
    if (!update.is_object()) refuse("an update is an object");
    std::string kind;
    for (const auto& [key, value] : update.items())
      if (key != "update_id") kind = key;
    std::int64_t chat = 0;
    if (!kind.empty() && update[kind].is_object()) {
      const Json& content = update[kind];
      const Json& holder = content.contains("message") && content["message"].is_object()
                               ? content["message"]
                               : content;
      if (holder.contains("chat") && holder["chat"].is_object() && holder["chat"].contains("id") &&
          holder["chat"]["id"].is_number_integer()) {
        chat = holder["chat"]["id"];
      }
      if (kind == "callback_query" && content.contains("id") && content["id"].is_string()) {
        Callback callback;
        callback.chat = chat;
        callback.at_ms = now_ms();
        bot.callbacks[content["id"].get<std::string>()] = callback;
      }
    }
    return {{"update_id", push_raw(bot, update, kind, chat)}};
  }
  if (path == "messages") return messages_report(params);
  if (path == "updates") return updates_report(bot, params);
  if (path == "answers") return answers_report(bot);
  if (path == "keyboard") return person_chat(bot, params).keyboard.json;
  if (path == "commands") {
    Json out = Json::object();
    for (const auto& [key, commands] : bot.commands) out[key] = commands;
    return out;
  }
  throw ApiError{404, "no such control path: " + path};
}

}  // namespace sufler::fakes

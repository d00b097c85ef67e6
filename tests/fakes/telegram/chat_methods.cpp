// Methods about chats, commands and webhooks, which send nothing.
#include "fakes/common/bytes.h"
#include "fakes/telegram/world.h"

namespace sufler::fakes {

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

/// The service message that begins a topic gives it its id.
std::int64_t World::add_topic(Chat& chat, const Json& author, Topic topic) {
  const std::int64_t id = chat.next_message_id++;
  StoredMessage stored;
  stored.service = true;
  stored.at_ms = now_ms();
  stored.message = {{"message_id", id},
                    {"from", author},
                    {"chat", chat.json},
                    {"date", now_s()},
                    {"message_thread_id", id},
                    {"is_topic_message", true},
                    {"forum_topic_created", {{"name", topic.name}, {"icon_color", 7322096}}}};
  chat.messages[id] = std::move(stored);
  chat.topics[id] = std::move(topic);
  return id;
}

Json World::create_topic(CallContext& call) {
  Chat& chat = writable_chat(call);
  const std::string name = call.params.text("name");
  if (!chat.is_forum()) throw bad_request("the chat is not a forum");
  if (!chat.manages_topics) throw bad_request("not enough rights to create a topic");
  if (name.empty() || code_points(name) > 128) throw bad_request("TOPIC_TITLE_EMPTY");
  const std::int64_t id = add_topic(chat, call.bot.user, Topic{name, true});
  return {{"message_thread_id", id}, {"name", name}, {"icon_color", 7322096}};
}

Json World::set_topic_closed(CallContext& call, bool closed) {
  Chat& chat = writable_chat(call);
  const auto topic = chat.topics.find(call.params.integer("message_thread_id", 0));
  if (!chat.is_forum() || topic == chat.topics.end() || topic->second.deleted) throw bad_request("TOPIC_ID_INVALID");
  if (!chat.manages_topics && !topic->second.by_bot) throw bad_request("not enough rights to manage topics");
  if (topic->second.closed == closed) throw bad_request("TOPIC_NOT_MODIFIED");
  topic->second.closed = closed;
  return true;
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
  wake_deliveries();
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

}  // namespace sufler::fakes

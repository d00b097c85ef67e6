// What happens around a method call: who may call, faults and limits, updates and their offsets,
// the log, and the deliveries of a webhook.
#include "fakes/telegram/world.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "fakes/common/bytes.h"
#include "fakes/common/http_post.h"

namespace sufler::fakes {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMaxAnswerBytes = 4u << 20;
constexpr std::int64_t kMaxTimeoutSeconds = 50;

const std::set<std::string>& update_kinds() {
  static const std::set<std::string> kKinds = {"message",
                                               "edited_message",
                                               "channel_post",
                                               "edited_channel_post",
                                               "callback_query",
                                               "my_chat_member",
                                               "chat_member",
                                               "chat_join_request",
                                               "message_reaction",
                                               "message_reaction_count",
                                               "inline_query",
                                               "chosen_inline_result",
                                               "shipping_query",
                                               "pre_checkout_query",
                                               "poll",
                                               "poll_answer",
                                               "business_connection",
                                               "business_message",
                                               "edited_business_message",
                                               "deleted_business_messages",
                                               "chat_boost",
                                               "removed_chat_boost",
                                               "purchased_paid_media",
                                               "guest_message",
                                               "managed_bot",
                                               "subscription"};
  return kKinds;
}

bool in_default_set(const std::string& kind) {
  return kind != "chat_member" && kind != "message_reaction" && kind != "message_reaction_count";
}

/// Splits /bot<token>/<rest> or /file/bot<token>/<rest>.
bool split_path(const std::string& path, std::string_view prefix, std::string& token,
                std::string& rest) {
  if (!path.starts_with(prefix)) return false;
  const std::size_t slash = path.find('/', prefix.size());
  if (slash == std::string::npos) return false;
  token = path.substr(prefix.size(), slash - prefix.size());
  rest = path.substr(slash + 1);
  return true;
}

std::int64_t steady_ms() {
  return std::chrono::duration_cast<milliseconds>(SteadyClock::now().time_since_epoch()).count();
}

Json params_for_log(const Params& params) {
  Json out = Json::object();
  for (const auto& [name, value] : params.values()) out[name] = value;
  for (const auto& [name, part] : params.files()) {
    out[name] = {{"file", part.file_name},
                 {"content_type", part.content_type},
                 {"size", part.bytes->size()},
                 {"sha256", sha256_hex(*part.bytes)}};
  }
  return out;
}

std::optional<std::int64_t> chat_in(const Params& params) {
  const std::string text = params.text("chat_id");
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc{}) return std::nullopt;
  return value;
}

/// Lets tokens flow in at `rate` a second up to `burst`. Returns the seconds until there is one.
double refill(Bucket& bucket, double rate, double burst, std::int64_t now_ms) {
  if (bucket.tokens < 0) bucket.tokens = burst;
  const double passed = static_cast<double>(now_ms - bucket.at_ms) / 1000.0;
  if (bucket.at_ms != 0) bucket.tokens = std::min(burst, bucket.tokens + passed * rate);
  bucket.at_ms = now_ms;
  return bucket.tokens >= 1 ? 0 : (1 - bucket.tokens) / rate;
}

ApiError too_many(std::int64_t seconds) {
  return {429, "Too Many Requests: retry after " + std::to_string(seconds),
          Json{{"retry_after", seconds}}};
}

}  // namespace

World::World(FakeTelegramOptions options, HttpServer& server)
    : options_(std::move(options)), server_(server) {
  if (options_.bots.empty()) options_.bots = {BotAccount{std::string(kTestToken)}};
  for (const BotAccount& account : options_.bots) add_bot(account);
  webhook_thread_ = std::thread([this] { webhook_loop(); });
}

World::~World() { stop(); }

void World::stop() {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  changed_.notify_all();
  webhook_wake_.notify_all();
  webhook_thread_.join();
}

std::int64_t World::now_ms() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch() + clock_advance_;
  return std::chrono::duration_cast<milliseconds>(now).count();
}

void World::add_bot(const BotAccount& account) {
  Bot bot;
  bot.token = account.token;
  bot.index = bots_.size();
  bot.reads_all = account.reads_all_group_messages;
  bot.next_update_id = options_.first_update_id;
  bot.user = {{"id", std::strtoll(account.token.c_str(), nullptr, 10)},
              {"is_bot", true},
              {"first_name", account.first_name},
              {"username", account.username},
              {"can_join_groups", true},
              {"can_read_all_group_messages", account.reads_all_group_messages},
              {"supports_inline_queries", false}};
  bots_.push_back(std::move(bot));
}

Bot* World::bot_by_token(std::string_view token) {
  for (Bot& bot : bots_)
    if (bot.token == token) return &bot;
  return nullptr;
}

std::string World::token(std::size_t bot) {
  std::lock_guard lock(mutex_);
  return bots_.at(bot).token;
}

std::string World::file_bytes(std::size_t bot, const std::string& file_id) {
  std::lock_guard lock(mutex_);
  const auto& files = bots_.at(bot).files;
  const auto found = files.find(file_id);
  return found == files.end() ? std::string{} : *found->second.bytes;
}

HttpReply World::ok_reply(const Json& result, const std::string& description) {
  HttpReply reply;
  reply.body = R"({"ok":true,"result":)" + result.dump();
  if (!description.empty()) reply.body += R"(,"description":)" + Json(description).dump();
  reply.body += "}";
  return reply;
}

HttpReply World::error_reply(const ApiError& error) {
  Json body = {{"ok", false}, {"error_code", error.code}, {"description", error.description}};
  HttpReply reply;
  if (!error.parameters.is_null()) {
    body["parameters"] = error.parameters;
    if (error.parameters.contains("retry_after")) {
      reply.headers.emplace_back("Retry-After", error.parameters["retry_after"].dump());
    }
  }
  reply.status = error.code;
  reply.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return reply;
}

bool World::on_head(const HttpRequest& request) {
  std::string token;
  std::string method;
  if (!split_path(percent_decode(request.path, false), "/bot", token, method)) return true;
  std::lock_guard lock(mutex_);
  Bot* bot = bot_by_token(token);
  if (bot == nullptr) return true;
  const auto fault = take_fault(*bot, ascii_lower(method), std::nullopt, true);
  if (!fault) return true;
  ApiCall call;
  call.bot = bot->index;
  call.method = method;
  call.fault = fault->kind;
  log(std::move(call));
  return false;
}

void World::on_request(HttpRequest&& request) {
  const ConnectionId connection = request.connection;
  std::unique_lock lock(mutex_);
  const std::string path = percent_decode(request.path, false);
  if (path.starts_with("/bot")) return serve_api(std::move(request));
  if (path.starts_with("/file/bot")) return serve_file(request);
  if (path.starts_with("/control/")) return serve_control(std::move(request));
  server_.reply(connection, error_reply({404, "Not Found", nullptr}));
}

void World::on_close(ConnectionId connection) {
  std::lock_guard lock(mutex_);
  for (Bot& bot : bots_)
    if (bot.poll && bot.poll->connection == connection) bot.poll.reset();
  std::erase_if(waiters_, [&](const Waiter& w) { return w.connection == connection; });
  changed();
}

void World::serve_file(const HttpRequest& request) {
  std::string token;
  std::string path;
  HttpReply reply = error_reply({404, "Not Found", nullptr});
  if (split_path(percent_decode(request.path, false), "/file/bot", token, path)) {
    Bot* bot = bot_by_token(token);
    const auto found =
        bot == nullptr ? std::map<std::string, std::string>::iterator{} : bot->paths.find(path);
    if (bot != nullptr && found != bot->paths.end()) {
      const StoredFile& file = bot->files[found->second];
      const std::int64_t age_ms = now_ms() - file.path_at_ms;
      if (age_ms <= std::chrono::milliseconds(options_.file_link_lifetime).count()) {
        reply = HttpReply{};
        reply.content_type = "application/octet-stream";
        reply.body = *file.bytes;
      }
    }
    if (bot != nullptr) {
      const auto fault = take_fault(*bot, "file", std::nullopt, false);
      if (fault) apply_manner(reply, *fault);
      ApiCall call;
      call.bot = bot->index;
      call.method = "file";
      call.params = {{"path", path}};
      call.ok = call.applied = reply.status == 200;
      call.error_code = call.ok ? 0 : reply.status;
      if (fault) call.fault = fault->kind;
      log(std::move(call));
    }
  }
  server_.reply(request.connection, std::move(reply));
}

std::optional<FaultRule> World::take_fault(Bot& bot, const std::string& method,
                                           std::optional<std::int64_t> chat, bool head_only) {
  for (auto rule = faults_.begin(); rule != faults_.end(); ++rule) {
    if (rule->method.empty() ? method == "getupdates" || method == "file"
                             : rule->method != method) {
      continue;
    }
    if (rule->bot && *rule->bot != bot.index) continue;
    if (rule->chat && rule->chat != chat) continue;
    const bool at_head = rule->kind == "drop" && !rule->chat && method != "file";
    if (at_head != head_only) continue;
    if (rule->skip > 0) {
      --rule->skip;
      continue;
    }
    FaultRule taken = *rule;
    if (rule->times > 0 && --rule->times == 0) faults_.erase(rule);
    return taken;
  }
  return std::nullopt;
}

/// Turns an answer into what the fault makes of it.
void World::apply_manner(HttpReply& reply, const FaultRule& fault) {
  const auto number = [&](const char* name, std::int64_t otherwise) {
    return fault.json.value(name, otherwise);
  };
  const std::string& kind = fault.kind;
  const auto error = [&](int code, std::string text, Json parameters = nullptr) {
    reply = error_reply({code, std::move(text), std::move(parameters)});
  };
  if (kind == "rate_limit") {
    const ApiError limit = too_many(number("retry_after", 1));
    reply = error_reply(limit);
  } else if (kind == "server_error") {
    error(500, "Internal Server Error: restart");
  } else if (kind == "bad_gateway") {
    reply = HttpReply{};
    reply.status = static_cast<int>(number("status", 502));
    reply.content_type = "text/html";
    reply.body =
        "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad "
        "Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
  } else if (kind == "blocked") {
    error(403, "Forbidden: bot was blocked by the user");
  } else if (kind == "deactivated") {
    error(403, "Forbidden: user is deactivated");
  } else if (kind == "unauthorized") {
    error(401, "Unauthorized");
  } else if (kind == "chat_not_found") {
    error(400, "Bad Request: chat not found");
  } else if (kind == "migrated") {
    error(400, "Bad Request: group chat was upgraded to a supergroup chat",
          Json{{"migrate_to_chat_id", number("migrate_to", -1'001'000'000'001)}});
  } else if (kind == "conflict") {
    error(409,
          "Conflict: terminated by other getUpdates request; make sure that only one bot instance "
          "is running");
  } else if (kind == "custom") {
    const int status = static_cast<int>(number("status", 400));
    if (fault.json.contains("body")) {
      reply = HttpReply{};
      reply.status = status;
      reply.body = fault.json["body"].is_string() ? fault.json["body"].get<std::string>()
                                                  : fault.json["body"].dump();
      reply.content_type = fault.json.value("content_type", "application/json");
    } else {
      error(status, fault.json.value("description", "Bad Request: custom fault"),
            fault.json.contains("parameters") ? fault.json["parameters"] : Json());
    }
  } else if (kind == "drop" || kind == "lost_answer") {
    reply.ending = Ending::Drop;
  } else if (kind == "delay") {
    reply.delay = milliseconds(number("delay_ms", 1000));
  } else if (kind == "slow_body") {
    reply.ending = Ending::Slow;
    reply.slow_step = milliseconds(number("delay_ms", 50));
    reply.slow_piece = static_cast<std::size_t>(std::max<std::int64_t>(1, number("piece", 16)));
  } else if (kind == "truncated") {
    reply.ending = Ending::Truncated;
  } else if (kind == "garbage") {
    reply.body = R"({"ok":true,"result":{"message_id":)";
  }
}

namespace {
/// Faults that let the method work and spoil only its answer.
bool comes_after(const std::string& kind) {
  return kind == "lost_answer" || kind == "delay" || kind == "slow_body" || kind == "truncated" ||
         kind == "garbage";
}
}  // namespace

void World::rate_limit(Bot& bot, const Params& params) {
  const std::int64_t now = now_ms();
  const double all = options_.messages_per_second;
  double wait = refill(bot.bucket, all, all, now);
  const auto id = chat_in(params);
  const auto found = id ? bot.chats.find(*id) : bot.chats.end();
  Chat* chat = found == bot.chats.end() ? nullptr : &found->second;
  if (chat != nullptr) {
    wait = std::max(
        wait, refill(chat->bucket, options_.chat_messages_per_second, options_.chat_burst, now));
    auto& sent = chat->minute_ms;
    while (!sent.empty() && sent.front() <= now - 60'000) sent.pop_front();
    if (!chat->is_private() &&
        static_cast<int>(sent.size()) >= options_.group_messages_per_minute) {
      wait = std::max(wait, static_cast<double>(sent.front() + 60'000 - now) / 1000.0);
    }
  }
  if (wait > 0) throw too_many(std::max<std::int64_t>(1, std::llround(std::ceil(wait))));
  bot.bucket.tokens -= 1;
  if (chat == nullptr) return;
  chat->bucket.tokens -= 1;
  if (!chat->is_private()) chat->minute_ms.push_back(now);
}

void World::log(ApiCall call) {
  call.number = next_call_++;
  call.at_ms = now_ms();
  if (call.ok && call.applied) ++applied_[ascii_lower(call.method)];
  calls_.push_back(std::move(call));
  while (calls_.size() > options_.kept_calls) calls_.pop_front();
  changed();
}

void World::changed() {
  changed_.notify_all();
  serve_waiters();
}

void World::serve_api(HttpRequest&& request) {
  const ConnectionId connection = request.connection;
  std::string token;
  std::string method;
  if (!split_path(percent_decode(request.path, false), "/bot", token, method)) {
    return server_.reply(connection, error_reply({404, "Not Found", nullptr}));
  }
  Bot* bot = bot_by_token(token);
  if (bot == nullptr || bot->revoked) {
    return server_.reply(connection, error_reply({401, "Unauthorized", nullptr}));
  }
  const auto info = methods().find(ascii_lower(method));
  if (info == methods().end()) {
    return server_.reply(connection, error_reply({404, "Not Found: method not found", nullptr}));
  }
  ApiCall call;
  call.bot = bot->index;
  call.method = info->second.name;
  Params params;
  try {
    if (request.body_too_large) throw ApiError{413, "Request Entity Too Large", nullptr};
    if (request.method != "GET" && request.method != "POST")
      throw ApiError{404, "Not Found", nullptr};
    params = Params::from(request, options_.strict);
    call.params = params_for_log(params);
    call.chat = chat_in(params).value_or(0);
    if (options_.strict) {
      for (const auto& [name, value] : params.values()) {
        if (!info->second.params.contains(name)) {
          throw bad_request("unknown parameter \"" + name + "\" of " + info->second.name);
        }
      }
    }
  } catch (const ApiError& error) {
    call.error_code = error.code;
    call.description = error.description;
    log(std::move(call));
    return server_.reply(connection, error_reply(error));
  }
  if (info->first == "getupdates") {
    HttpReply manner;
    const auto fault = take_fault(*bot, info->first, std::nullopt, false);
    if (fault) {
      apply_manner(manner, *fault);
      if (!comes_after(fault->kind)) {
        call.fault = fault->kind;
        log(std::move(call));
        return server_.reply(connection, std::move(manner));
      }
    }
    try {
      get_updates(*bot, params, connection, std::move(manner));
    } catch (const ApiError& error) {
      call.error_code = error.code;
      call.description = error.description;
      log(std::move(call));
      server_.reply(connection, error_reply(error));
    }
    return;
  }
  server_.reply(connection, run_method(*bot, info->second, params, std::move(call)));
}

HttpReply World::run_method(Bot& bot, const MethodInfo& info, const Params& params, ApiCall call) {
  const auto fault = take_fault(bot, ascii_lower(info.name), chat_in(params), false);
  HttpReply reply;
  if (fault) call.fault = fault->kind;
  if (fault && !comes_after(fault->kind)) {
    apply_manner(reply, *fault);
    call.error_code = reply.status;
    log(std::move(call));
    return reply;
  }
  CallContext context{bot, params, info.name, {}};
  try {
    if (options_.rate_limit && info.sends) rate_limit(bot, params);
    Json result = (this->*info.call)(context);
    reply = ok_reply(result, context.description);
    call.ok = call.applied = true;
    call.result = std::move(result);
    call.description = context.description;
  } catch (const ApiError& error) {
    reply = error_reply(error);
    call.error_code = error.code;
    call.description = error.description;
  } catch (const Json::exception& error) {
    // A field of a wrong type inside a JSON parameter.
    const ApiError wrong =
        bad_request(std::string("Can't parse JSON of a parameter: ") + error.what());
    reply = error_reply(wrong);
    call.error_code = wrong.code;
    call.description = wrong.description;
  }
  log(std::move(call));
  if (fault) apply_manner(reply, *fault);
  return reply;
}

// ---- updates

void World::set_allowed(Bot& bot, const Params& params) {
  if (!params.has("allowed_updates")) return;
  const Json list = params.json("allowed_updates");
  if (list.is_null()) return;
  if (!list.is_array()) throw bad_request("Can't parse allowed_updates: expected an Array");
  std::set<std::string> kinds;
  for (const Json& kind : list) {
    if (!kind.is_string()) throw bad_request("Can't parse allowed_updates: expected a String");
    if (options_.strict && !update_kinds().contains(kind.get<std::string>())) {
      throw bad_request("Can't parse allowed_updates: unknown type \"" + kind.get<std::string>() +
                        "\"");
    }
    kinds.insert(kind.get<std::string>());
  }
  if (kinds.empty()) {
    bot.allowed.reset();
  } else {
    bot.allowed = std::move(kinds);
  }
}

std::int64_t World::push_update(Bot& bot, const std::string& kind, Json content,
                                std::int64_t chat) {
  const bool wanted = bot.allowed ? bot.allowed->contains(kind) : in_default_set(kind);
  if (!wanted) return 0;
  return push_raw(bot, Json{{kind, std::move(content)}}, kind, chat);
}

std::int64_t World::push_raw(Bot& bot, Json update, const std::string& kind, std::int64_t chat) {
  if (update.contains("update_id")) {
    bot.next_update_id = std::max(bot.next_update_id, update["update_id"].get<std::int64_t>());
  }
  update["update_id"] = bot.next_update_id;
  Update stored;
  stored.id = bot.next_update_id++;
  stored.kind = kind;
  stored.chat = chat;
  stored.json = update.dump();
  stored.pushed_ms = now_ms();
  bot.updates.push_back(std::move(stored));
  const std::int64_t id = bot.updates.back().id;
  if (bot.poll && answer_poll(bot, *bot.poll, false)) bot.poll.reset();
  webhook_wake_.notify_all();
  return id;
}

void World::confirm_below(Bot& bot, std::int64_t offset) {
  const std::int64_t now = now_ms();
  while (bot.head < bot.updates.size() &&
         (bot.updates[bot.head].id < offset || bot.updates[bot.head].confirmed_ms != 0)) {
    Update& update = bot.updates[bot.head++];
    if (update.confirmed_ms == 0) update.confirmed_ms = now;
  }
}

void World::conflict(Bot& bot, ConnectionId connection, const std::string& text) {
  HttpReply reply = error_reply({409, text, nullptr});
  const auto now = SteadyClock::now();
  if (now < bot.last_conflict_at + std::chrono::seconds(3)) {
    reply.delay = options_.conflict_delay;
  } else {
    bot.last_conflict_at = now;
  }
  ApiCall call;
  call.bot = bot.index;
  call.method = "getUpdates";
  call.error_code = 409;
  call.description = text;
  log(std::move(call));
  server_.reply(connection, std::move(reply));
}

void World::get_updates(Bot& bot, const Params& params, ConnectionId connection, HttpReply manner) {
  if (!bot.webhook.is_null()) {
    return conflict(bot, connection,
                    "Conflict: can't use getUpdates method while webhook is active; use "
                    "deleteWebhook to delete the webhook first");
  }
  const std::int64_t offset = params.integer("offset", 0);
  std::int64_t limit = std::clamp<std::int64_t>(params.integer("limit", 100), 1, 100);
  std::int64_t timeout =
      std::clamp<std::int64_t>(params.integer("timeout", 0), 0, kMaxTimeoutSeconds);
  set_allowed(bot, params);
  if (bot.poll) {
    const Poll older = *bot.poll;
    bot.poll.reset();
    conflict(bot, older.connection,
             "Conflict: terminated by other getUpdates request; make sure that only one bot "
             "instance is running");
  }
  const auto now = SteadyClock::now();
  if (options_.repeated_offset_rules && offset == bot.last_offset) {
    if (timeout < 3 && now < bot.last_poll_at + std::chrono::seconds(3)) timeout = 3;
    if (now < bot.last_poll_at + milliseconds(500)) limit = 1;
  }
  bot.last_offset = offset;
  bot.last_poll_at = now;
  if (offset > 0) confirm_below(bot, offset);
  if (offset < 0) confirm_below(bot, std::max<std::int64_t>(bot.next_update_id + offset, 0));
  changed();  // somebody may wait for the confirmation

  Poll poll;
  poll.connection = connection;
  poll.offset = offset;
  poll.limit = static_cast<std::size_t>(limit);
  poll.serial = serial_++;
  poll.manner = std::move(manner);
  poll.params = params_for_log(params);
  if (answer_poll(bot, poll, timeout == 0)) return;
  const std::uint64_t serial = poll.serial;
  bot.poll = std::move(poll);
  changed();  // somebody may wait for the bot to poll
  server_.call_after(std::chrono::seconds(timeout), [this, index = bot.index, serial] {
    std::lock_guard lock(mutex_);
    Bot& waiting = bots_[index];
    if (!waiting.poll || waiting.poll->serial != serial) return;
    answer_poll(waiting, *waiting.poll, true);
    waiting.poll.reset();
  });
}

bool World::answer_poll(Bot& bot, const Poll& poll, bool even_empty) {
  HttpReply reply = poll.manner;
  std::string body = R"({"ok":true,"result":[)";
  Json delivered = Json::array();
  for (std::size_t i = bot.head; i < bot.updates.size() && delivered.size() < poll.limit; ++i) {
    Update& update = bot.updates[i];
    if (update.confirmed_ms != 0) continue;
    if (!delivered.empty() && body.size() + update.json.size() > kMaxAnswerBytes) break;
    if (!delivered.empty()) body += ',';
    body += update.json;
    ++update.deliveries;
    delivered.push_back(update.id);
  }
  if (delivered.empty() && !even_empty) return false;
  body += "]}";
  if (reply.body.empty()) reply.body = std::move(body);  // a fault may have brought its own
  ApiCall call;
  call.bot = bot.index;
  call.method = "getUpdates";
  call.params = poll.params;
  call.ok = call.applied = true;
  call.result = std::move(delivered);
  log(std::move(call));
  server_.reply(poll.connection, std::move(reply));
  return true;
}

// ---- waiting

bool World::satisfied(const Json& params) {
  const Bot& bot = bot_of(params);
  if (params.contains("method")) {
    const auto found = applied_.find(ascii_lower(params["method"].get<std::string>()));
    if ((found == applied_.end() ? 0 : found->second) < params.value("count", 1)) return false;
  } else if (params.contains("chat")) {
    const auto found = bot.chats.find(params["chat"].get<std::int64_t>());
    const std::size_t sent = found == bot.chats.end() ? 0 : found->second.sent.size();
    if (sent < params.value("count", std::size_t{1})) return false;
  }
  if (params.contains("confirmed")) {
    const std::int64_t id = params["confirmed"];
    for (std::size_t i = bot.head; i < bot.updates.size(); ++i) {
      if (bot.updates[i].id == id && bot.updates[i].confirmed_ms == 0) return false;
    }
    if (id >= bot.next_update_id) return false;
  }
  if (params.contains("polling") && params["polling"].get<bool>() != bot.poll.has_value()) {
    return false;
  }
  if (params.contains("answered")) {
    const auto found = bot.callbacks.find(params["answered"].get<std::string>());
    if (found == bot.callbacks.end() || !found->second.answered) return false;
  }
  return true;
}

void World::serve_waiters() {
  for (std::size_t i = 0; i < waiters_.size();) {
    if (!satisfied(waiters_[i].params)) {
      ++i;
      continue;
    }
    HttpReply reply;
    Json body = {{"satisfied", true}};
    if (waiters_[i].params.contains("chat")) {
      body["messages"] = messages_report(bot_of(waiters_[i].params), waiters_[i].params);
    }
    reply.body = body.dump();
    server_.reply(waiters_[i].connection, std::move(reply));
    waiters_[i] = std::move(waiters_.back());
    waiters_.pop_back();
  }
}

bool World::wait(const Json& params, milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [&] { return stopping_ || satisfied(params); }) &&
         satisfied(params);
}

// ---- webhook

void World::webhook_loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (deliver_one(lock)) continue;
    // Back-off is short in tests, so looking again soon costs nothing.
    const bool any = std::any_of(bots_.begin(), bots_.end(), [](const Bot& bot) {
      return !bot.webhook.is_null() && bot.head < bot.updates.size();
    });
    if (any) {
      webhook_wake_.wait_for(lock, milliseconds(5));
    } else {
      webhook_wake_.wait(lock);
    }
  }
}

/// Delivers the first update whose chat is not waiting after a failure. Updates of one chat stay in
/// order; a failing one holds up its chat and no other.
bool World::deliver_one(std::unique_lock<std::mutex>& lock) {
  for (Bot& bot : bots_) {
    if (bot.webhook.is_null()) continue;
    confirm_below(bot, 0);  // moves the head over what is delivered
    std::set<std::int64_t> held;
    for (std::size_t i = bot.head; i < bot.updates.size(); ++i) {
      const Update& update = bot.updates[i];
      if (update.confirmed_ms != 0 || held.contains(update.chat)) continue;
      held.insert(update.chat);
      const auto until = bot.webhook_blocked_until_ms.find(update.chat);
      if (until != bot.webhook_blocked_until_ms.end() && until->second > steady_ms()) continue;
      const std::string url = bot.webhook["url"];
      const std::string secret = bot.webhook["secret_token"];
      const std::string body = update.json;
      const std::int64_t id = update.id;
      lock.unlock();
      Headers headers = {{"Content-Type", "application/json"}};
      if (!secret.empty()) headers.emplace_back("X-Telegram-Bot-Api-Secret-Token", secret);
      const PostResult result = http_post(url, headers, body, [this] {
        std::lock_guard guard(mutex_);
        return stopping_;
      });
      lock.lock();
      if (stopping_ || i >= bot.updates.size() || bot.updates[i].id != id) return true;
      Update& sent = bot.updates[i];
      ++sent.deliveries;
      if (result.status >= 200 && result.status < 300) {
        sent.confirmed_ms = now_ms();
        bot.webhook_blocked_until_ms.erase(sent.chat);
        changed();
        HttpRequest inner;
        inner.method = "POST";
        inner.headers = {{"content-type", result.header("content-type")}};
        inner.body = result.body;
        Json call = Json::parse(result.body, nullptr, false);
        if (call.is_object() && call.contains("method") && call["method"].is_string()) {
          const std::string method = ascii_lower(call["method"].get<std::string>());
          call.erase("method");
          inner.headers = {{"content-type", "application/json"}};
          inner.body = call.dump();
          const auto info = methods().find(method);
          const bool refused = method.starts_with("get") || method.ends_with("webhook");
          if (info != methods().end() && !refused) {
            try {
              const Params params = Params::from(inner, options_.strict);
              ApiCall record;
              record.bot = bot.index;
              record.method = info->second.name;
              record.params = params_for_log(params);
              record.chat = chat_in(params).value_or(0);
              run_method(bot, info->second, params, std::move(record));
            } catch (const ApiError&) {
              // Nobody is told, as on the real server.
            }
          }
        }
        return true;
      }
      // The first retry comes at once, then after 2, 4, 8 ... seconds, a minute at most.
      const int failures = sent.failures++;
      double seconds = failures == 0 ? 0 : std::min(60.0, std::pow(2.0, failures));
      const std::string retry_after = result.header("retry-after");
      if (!retry_after.empty()) {
        seconds = std::min(3600.0, std::strtod(retry_after.c_str(), nullptr));
      }
      bot.webhook_blocked_until_ms[sent.chat] =
          steady_ms() + std::llround(seconds * 1000 * options_.webhook_time_scale);
      bot.webhook_error_ms = now_ms();
      bot.webhook_error = result.status == 0
                              ? "Connection refused"
                              : "Wrong response from the webhook: " + std::to_string(result.status);
      return true;
    }
  }
  return false;
}

}  // namespace sufler::fakes

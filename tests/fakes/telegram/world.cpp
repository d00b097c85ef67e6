// What happens around a method call: who may call, faults and limits, downloads.
#include "fakes/telegram/world.h"

#include <algorithm>
#include <cmath>

#include "fakes/common/bytes.h"

namespace sufler::fakes {
namespace {

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
    : Platform(server,
               {.name = "fake telegram",
                .account = "bot",
                .place = "chat",
                .description = "description",
                .polls = "getUpdates",
                .file = "file_id",
                .garbage = R"({"ok":true,"result":{"message_id":)"},
               options.kept_calls),
      options_(std::move(options)) {
  if (options_.bots.empty()) options_.bots = {BotAccount{std::string(kTestToken)}};
  for (const BotAccount& account : options_.bots) add_bot(account);
  start_deliveries();
}

World::~World() { stop(); }

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

const std::string* World::stored_file(const Json& params) {
  const auto& files = bot_of(params).files;
  const auto found = files.find(params.at(words_.file).get<std::string>());
  return found == files.end() ? nullptr : found->second.bytes.get();
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
  if (!error.more.is_null()) {
    body["parameters"] = error.more;
    if (error.more.contains("retry_after")) {
      reply.headers.emplace_back("Retry-After", error.more["retry_after"].dump());
    }
  }
  reply.status = error.code;
  reply.body = wire_text(body);
  return reply;
}

bool World::admit(const HttpRequest& request) {
  std::string token;
  std::string method;
  if (!split_path(percent_decode(request.path, false), "/bot", token, method)) return true;
  Bot* bot = bot_by_token(token);
  if (bot == nullptr) return true;
  const auto fault = take_fault(bot->index, method, std::nullopt, true);
  if (!fault) return true;
  ApiCall call;
  call.account = bot->index;
  call.method = method;
  log_fault(std::move(call), *fault);
  return false;
}

void World::serve(HttpRequest&& request) {
  const std::string path = percent_decode(request.path, false);
  if (path.starts_with("/bot")) return serve_api(request);
  if (path.starts_with("/file/bot")) return serve_file(request);
  server_.reply(request.connection, error_reply({404, "Not Found"}));
}

void World::forget(ConnectionId connection) {
  for (Bot& bot : bots_)
    if (bot.poll && bot.poll->connection == connection) bot.poll.reset();
}

void World::serve_file(const HttpRequest& request) {
  std::string token;
  std::string path;
  HttpReply reply = error_reply({404, "Not Found"});
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
      const auto fault = take_fault(bot->index, "file", std::nullopt, false);
      if (fault) apply_manner(reply, *fault);
      ApiCall call;
      call.account = bot->index;
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

/// Turns an answer into what the fault makes of it.
void World::apply_manner(HttpReply& reply, const FaultRule& fault) {
  const std::string& kind = fault.kind;
  const auto error = [&](int code, std::string text, Json parameters = nullptr) {
    reply = error_reply({code, std::move(text), std::move(parameters)});
  };
  if (spoil(reply, fault)) return;
  if (kind == "rate_limit") {
    reply = error_reply(too_many(fault.number("retry_after", 1)));
  } else if (kind == "server_error") {
    error(500, "Internal Server Error: restart");
  } else if (kind == "bad_gateway") {
    reply = HttpReply{};
    reply.status = static_cast<int>(fault.number("status", 502));
    reply.content_type = "text/html";
    reply.body = error_page("502 Bad Gateway", "nginx");
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
          Json{{"migrate_to_chat_id", fault.number("migrate_to", -1'001'000'000'001)}});
  } else if (kind == "conflict") {
    error(409,
          "Conflict: terminated by other getUpdates request; make sure that only one bot instance "
          "is running");
  } else if (kind == "custom" && fault.json.contains("body")) {
    reply = custom_reply(fault, 400);
  } else if (kind == "custom") {
    error(static_cast<int>(fault.number("status", 400)),
          fault.json.value("description", "Bad Request: custom fault"),
          fault.json.value("parameters", Json()));
  }
}

void World::rate_limit(Bot& bot, const Params& params) {
  const std::int64_t now = now_ms();
  const double all = options_.messages_per_second;
  double wait = refill(bot.bucket, all, std::max(all, options_.bot_burst), now);
  const auto id = params.chat();
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

void World::serve_api(const HttpRequest& request) {
  const ConnectionId connection = request.connection;
  std::string token;
  std::string method;
  if (!split_path(percent_decode(request.path, false), "/bot", token, method)) {
    return server_.reply(connection, error_reply({404, "Not Found"}));
  }
  Bot* bot = bot_by_token(token);
  if (bot == nullptr || bot->revoked) {
    return server_.reply(connection, error_reply({401, "Unauthorized"}));
  }
  const auto info = methods().find(ascii_lower(method));
  if (info == methods().end()) {
    return server_.reply(connection, error_reply({404, "Not Found: method not found"}));
  }
  ApiCall call;
  call.account = bot->index;
  call.method = info->second.name;
  Params params;
  try {
    if (request.body_too_large) throw ApiError{413, "Request Entity Too Large"};
    if (request.method != "GET" && request.method != "POST") throw ApiError{404, "Not Found"};
    params = Params::from(request, options_.strict);
    call.params = params.for_log();
    call.place = params.chat().value_or(0);
    if (options_.strict) {
      for (const auto& [name, value] : params.values()) {
        if (!info->second.params.contains(name)) {
          throw bad_request("unknown parameter \"" + name + "\" of " + info->second.name);
        }
      }
    }
  } catch (const ApiError& error) {
    log(std::move(call), error);
    return server_.reply(connection, error_reply(error));
  }
  if (info->first == "getupdates") {
    HttpReply manner;
    const auto fault = take_fault(bot->index, info->first, std::nullopt, false);
    if (fault) {
      apply_manner(manner, *fault);
      if (!spoils_only_the_answer(fault->kind)) {
        log_fault(std::move(call), *fault);
        return server_.reply(connection, std::move(manner));
      }
    }
    try {
      get_updates(*bot, params, connection, std::move(manner));
    } catch (const ApiError& error) {
      log(std::move(call), error);
      server_.reply(connection, error_reply(error));
    }
    return;
  }
  server_.reply(connection, run_method(*bot, info->second, params, std::move(call)));
}

HttpReply World::run_method(Bot& bot, const MethodInfo& info, const Params& params, ApiCall call) {
  const auto fault = take_fault(bot.index, info.name, params.chat(), false);
  HttpReply reply;
  if (fault) call.fault = fault->kind;
  if (fault && !spoils_only_the_answer(fault->kind)) {
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

// ---- waiting

std::size_t World::sent_to(const Json& params) {
  const auto& chats = bot_of(params).chats;
  const auto found = chats.find(params[words_.place].get<std::int64_t>());
  return found == chats.end() ? 0 : found->second.sent.size();
}

bool World::holds(const Json& params) {
  const Bot& bot = bot_of(params);
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

}  // namespace sufler::fakes

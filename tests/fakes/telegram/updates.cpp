// How updates reach a bot: getUpdates with its offsets, and the deliveries of a webhook.
#include <algorithm>
#include <cmath>

#include "fakes/telegram/world.h"

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

std::int64_t steady_ms() {
  return std::chrono::duration_cast<milliseconds>(SteadyClock::now().time_since_epoch()).count();
}

}  // namespace

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
  wake_deliveries();
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
  const ApiError conflict{409, text};
  HttpReply reply = error_reply(conflict);
  const auto now = SteadyClock::now();
  if (now < bot.last_conflict_at + std::chrono::seconds(3)) {
    reply.delay = options_.conflict_delay;
  } else {
    bot.last_conflict_at = now;
  }
  ApiCall call;
  call.account = bot.index;
  call.method = words_.polls;
  log(std::move(call), conflict);
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
  poll.params = params.for_log();
  if (answer_poll(bot, poll, timeout == 0)) return;
  const std::uint64_t serial = poll.serial;
  bot.poll = std::move(poll);
  changed();  // somebody may wait for the bot to poll
  later(std::chrono::seconds(timeout), [this, index = bot.index, serial] {
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
  call.account = bot.index;
  call.method = words_.polls;
  call.params = poll.params;
  call.ok = call.applied = true;
  call.result = std::move(delivered);
  log(std::move(call));
  server_.reply(poll.connection, std::move(reply));
  return true;
}

// ---- webhook

bool World::any_to_deliver() {
  return std::any_of(bots_.begin(), bots_.end(), [](const Bot& bot) {
    return !bot.webhook.is_null() && bot.head < bot.updates.size();
  });
}

/// A webhook may answer with a call of a method, whose result it does not hear.
void World::call_in_answer(Bot& bot, const PostResult& result) {
  Json call = Json::parse(result.body, nullptr, false);
  if (!call.is_object() || !call.contains("method") || !call["method"].is_string()) return;
  const std::string method = ascii_lower(call["method"].get<std::string>());
  const auto info = methods().find(method);
  const bool refused = method.starts_with("get") || method.ends_with("webhook");
  if (info == methods().end() || refused) return;
  call.erase("method");
  HttpRequest inner;
  inner.method = "POST";
  inner.headers = {{"content-type", "application/json"}};
  inner.body = call.dump();
  try {
    const Params params = Params::from(inner, options_.strict);
    ApiCall record;
    record.account = bot.index;
    record.method = info->second.name;
    record.params = params.for_log();
    record.place = params.chat().value_or(0);
    run_method(bot, info->second, params, std::move(record));
  } catch (const ApiError&) {
    // Nobody is told, as on the real server.
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
      Headers headers = {{"Content-Type", "application/json"}};
      if (!secret.empty()) headers.emplace_back("X-Telegram-Bot-Api-Secret-Token", secret);
      const PostResult result = post_unlocked(lock, url, headers, body);
      if (stopping_ || i >= bot.updates.size() || bot.updates[i].id != id) return true;
      Update& sent = bot.updates[i];
      ++sent.deliveries;
      if (result.status >= 200 && result.status < 300) {
        sent.confirmed_ms = now_ms();
        bot.webhook_blocked_until_ms.erase(sent.chat);
        changed();
        call_in_answer(bot, result);
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

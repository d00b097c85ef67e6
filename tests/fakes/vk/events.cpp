// How events reach a bot: Bots Long Poll and the Callback API.
#include <algorithm>
#include <cmath>
#include <ctime>
#include <stdexcept>

#include "fakes/common/bytes.h"
#include "fakes/vk/world.h"

namespace sufler::fakes::vk {

using std::chrono::milliseconds;

namespace {

constexpr std::int64_t kMaxWaitSeconds = 90;
constexpr std::size_t kEventsInAnswer = 1000;
/// When an event that was not taken is sent again.
constexpr std::int64_t kRetryAfterMs[] = {10'000, 180'000, 600'000, 1'800'000, 3'600'000};
constexpr int kRetries = static_cast<int>(std::size(kRetryAfterMs));

/// Milliseconds until the moment of a Retry-After header, which is an HTTP date; nothing for
/// others.
std::optional<std::int64_t> until(const std::string& http_date, std::int64_t now_ms) {
  std::tm parts{};
  const char* end = strptime(http_date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return static_cast<std::int64_t>(timegm(&parts)) * 1000 - now_ms;
}

/// The minor part: 103 of `5.103`.
int minor_of(const std::string& version) {
  const std::size_t dot = version.find('.');
  return dot == std::string::npos ? 199 : std::atoi(version.c_str() + dot + 1);
}

/// An event as an API version tells it: a message stood by itself before 5.103, with `user_id` and
/// `body` before 5.80.
Json told_in(const std::string& version, Json envelope) {
  const int minor = minor_of(version);
  envelope["v"] = version;
  const std::string type = envelope["type"];
  if (type != "message_new" && type != "message_reply" && type != "message_edit") return envelope;
  Json& object = envelope["object"];
  if (minor < 103 && object.contains("message")) object = Json(object["message"]);
  if (minor < 80 && object.contains("text")) {
    object["user_id"] =
        object["from_id"].get<std::int64_t>() > 0 ? object["from_id"] : object["peer_id"];
    object["body"] = object["text"];
    for (const char* later : {"from_id", "peer_id", "text", "conversation_message_id"})
      object.erase(later);
  }
  return envelope;
}

}  // namespace

const std::set<std::string>& message_event_types() {
  static const std::set<std::string> kTypes = {
      "message_new",   "message_reply",        "message_edit", "message_event",
      "message_allow", "message_typing_state", "message_deny", "message_read"};
  return kTypes;
}

const std::set<std::string>& event_types() {
  static const std::set<std::string> kTypes = [] {
    std::set<std::string> types = message_event_types();
    for (const char* type : {"message_reaction_event",
                             "photo_new",
                             "audio_new",
                             "video_new",
                             "wall_reply_new",
                             "wall_reply_edit",
                             "wall_reply_delete",
                             "wall_reply_restore",
                             "wall_post_new",
                             "wall_repost",
                             "wall_schedule_post_new",
                             "wall_schedule_post_delete",
                             "board_post_new",
                             "board_post_edit",
                             "board_post_restore",
                             "board_post_delete",
                             "photo_comment_new",
                             "photo_comment_edit",
                             "photo_comment_delete",
                             "photo_comment_restore",
                             "video_comment_new",
                             "video_comment_edit",
                             "video_comment_delete",
                             "video_comment_restore",
                             "market_comment_new",
                             "market_comment_edit",
                             "market_comment_delete",
                             "market_comment_restore",
                             "market_order_new",
                             "market_order_edit",
                             "poll_vote_new",
                             "group_join",
                             "group_leave",
                             "group_change_settings",
                             "group_change_photo",
                             "group_officers_edit",
                             "user_block",
                             "user_unblock",
                             "lead_forms_new",
                             "like_add",
                             "like_remove",
                             "vkpay_transaction",
                             "app_payload",
                             "donut_subscription_create",
                             "donut_subscription_prolonged",
                             "donut_subscription_cancelled",
                             "donut_subscription_price_changed",
                             "donut_subscription_expired",
                             "donut_money_withdraw",
                             "donut_money_withdraw_error"}) {
      types.insert(type);
    }
    return types;
  }();
  return kTypes;
}

void World::all_on(std::set<std::string>& events) { events = message_event_types(); }

void World::new_key(Community& community) { community.key = random_hex(40); }

/// Tells everybody who asked for such events. Returns the event's id, empty when nobody did.
std::string World::push_event(Community& community, const std::string& type, Json object,
                              std::int64_t peer, bool even_unwanted) {
  const bool polled = community.long_poll && (even_unwanted || community.events.contains(type));
  const auto wanted = [&](const Server& server) {
    return server.status == "ok" && (even_unwanted || server.events.contains(type));
  };
  const bool posted = std::any_of(community.servers.begin(), community.servers.end(),
                                  [&](const auto& entry) { return wanted(entry.second); });
  if (!polled && !posted) return {};
  auto event = std::make_shared<Event>();
  event->id = random_hex(40);
  event->type = type;
  event->peer = peer;
  event->at_ms = now_ms();
  event->envelope = {{"type", type},
                     {"object", std::move(object)},
                     {"group_id", community.group_id},
                     {"event_id", event->id},
                     {"v", community.long_poll_version}};
  community.log.push_back(event);
  community.by_id[event->id] = event;
  if (community.log.size() > options_.kept_events) {
    community.by_id.erase(community.log.front()->id);
    community.log.pop_front();
  }
  for (const auto& [id, server] : community.servers) {
    if (wanted(server)) enqueue(community, server, event);
  }
  if (polled) {
    event->number = ++community.ts;
    event->text = wire_text(told_in(community.long_poll_version, event->envelope));
    if (community.lose_next > 0) {
      --community.lose_next;
      lose(community);
    } else {
      community.queue.push_back(event);
      if (community.queue.size() > options_.kept_events) {
        community.lost = community.queue.front()->number;
        community.queue.pop_front();
      }
      answer_polls(community);
    }
  }
  return event->id;
}

// ---- long poll

void World::lose(Community& community) {
  community.queue.clear();
  community.lost = community.ts;
  answer_polls(community);
}

void World::answer_polls(Community& community) {
  std::erase_if(community.polls,
                [&](const Poll& poll) { return answer_poll(community, poll, false); });
  changed();
}

/// Whoever asks for what comes after `ts` has everything up to it.
void World::confirm(Community& community, std::int64_t ts) {
  if (ts <= community.fetched) return;
  const std::int64_t before = std::exchange(community.fetched, ts);
  if (!community.queue.empty()) {
    const std::int64_t first = community.queue.front()->number;
    for (std::int64_t n = std::max(first, before + 1); n <= std::min(ts, community.ts); ++n) {
      community.queue[static_cast<std::size_t>(n - first)]->confirmed = true;
    }
  }
  changed();
}

bool World::answer_poll(Community& community, const Poll& poll, bool even_empty) {
  HttpReply reply = poll.manner;
  std::string body;
  Json delivered = Json::array();
  if (poll.ts > community.ts || poll.ts < community.first) {
    body = R"({"failed":3})";
  } else if (poll.ts < community.lost) {
    body = R"({"failed":1,"ts":)" + std::to_string(community.lost) + "}";
  } else {
    std::int64_t ts = poll.ts;
    std::string list;
    // Numbers are without gaps here, so the first wanted one is found by counting.
    std::size_t at = 0;
    if (!community.queue.empty()) {
      at = static_cast<std::size_t>(
          std::max<std::int64_t>(0, poll.ts + 1 - community.queue.front()->number));
    }
    for (; at < community.queue.size() && delivered.size() < kEventsInAnswer; ++at) {
      Event& event = *community.queue[at];
      if (!list.empty()) list += ',';
      list += event.text;
      ++event.deliveries;
      ts = event.number;
      delivered.push_back(event.id);
    }
    if (delivered.empty() && !even_empty) return false;
    if (delivered.empty()) ts = community.ts;
    body = R"({"ts":")" + std::to_string(ts) + R"(","updates":[)" + list + "]}";
  }
  if (reply.body.empty()) reply.body = std::move(body);  // a fault may have brought its own
  ApiCall call;
  call.account = community.index;
  call.method = words_.polls;
  call.params = {{"ts", poll.ts}};
  call.ok = call.applied = true;
  call.result = std::move(delivered);
  log(std::move(call));
  server_.reply(poll.connection, std::move(reply));
  return true;
}

void World::serve_long_poll(const HttpRequest& request) {
  const ConnectionId connection = request.connection;
  const auto answer = [&](const std::string& body, int status = 200) {
    HttpReply reply;
    reply.status = status;
    reply.body = body;
    server_.reply(connection, std::move(reply));
  };
  const std::string group = request.path.substr(10);
  Community* community = nullptr;
  for (Community& candidate : communities_) {
    if (std::to_string(candidate.group_id) == group) community = &candidate;
  }
  if (community == nullptr) return answer("", 404);
  HttpReply manner;
  ApiCall call;
  call.account = community->index;
  call.method = words_.polls;
  if (const auto fault = take_fault(community->index, words_.polls, std::nullopt, false)) {
    apply_manner(manner, *fault, Json::array());
    call.fault = fault->kind;
    if (!spoils_only_the_answer(fault->kind)) {
      log(std::move(call));
      return server_.reply(connection, std::move(manner));
    }
  }
  try {
    const Params params = Params::from(request, options_.strict);
    if (options_.strict) {
      static const std::set<std::string> kKnown = {"act", "key", "ts", "wait", "mode", "version"};
      for (const auto& [name, value] : params.values()) {
        if (!kKnown.contains(name)) throw invalid("unknown parameter " + name);
      }
    }
    if (params.text("act") != "a_check") throw invalid("act");
    if (!community->long_poll || params.text("key") != community->key) {
      return answer(R"({"failed":2})");
    }
    const std::int64_t wait = params.integer("wait", 25);
    if (wait < 0 || (wait > kMaxWaitSeconds && options_.strict)) throw invalid("wait is 0 to 90");
    Poll poll;
    poll.connection = connection;
    poll.ts = params.integer("ts", -1);
    if (!params.has("ts") || poll.ts < 0) throw invalid("ts");
    poll.serial = serial_++;
    poll.manner = std::move(manner);
    confirm(*community, poll.ts);
    if (answer_poll(*community, poll, wait == 0)) return;
    const std::uint64_t serial = poll.serial;
    community->polls.push_back(std::move(poll));
    changed();  // somebody may wait for the bot to poll
    later(std::chrono::seconds(std::min(wait, kMaxWaitSeconds)),
          [this, index = community->index, serial] {
            Community& waiting = communities_[index];
            std::erase_if(waiting.polls, [&](const Poll& held) {
              return held.serial == serial && answer_poll(waiting, held, true);
            });
          });
  } catch (const ApiError& error) {
    log(std::move(call), error);
    answer(Json{{"failed", 4}, {"error", error.description}}.dump(), 400);
  }
}

// ---- Callback API

void World::enqueue(Community& community, const Server& server,
                    const std::shared_ptr<Event>& event) {
  Delivery delivery;
  delivery.event = event;
  delivery.server = server.id;
  delivery.due_ms = now_ms();
  community.deliveries.push_back(std::move(delivery));
  while (community.deliveries.size() > options_.kept_events &&
         !community.deliveries.front().in_work) {
    community.deliveries.pop_front();
  }
  wake_deliveries();
}

std::string World::body_for(const Community& community, const Server& server, const Event* event) {
  if (event == nullptr) {
    Json confirmation = {{"type", "confirmation"}, {"group_id", community.group_id}};
    if (options_.secret_in_confirmation && !server.secret.empty()) {
      confirmation["secret"] = server.secret;
    }
    return wire_text(confirmation);
  }
  Json body = told_in(server.api_version, event->envelope);
  if (!server.secret.empty()) body["secret"] = server.secret;
  return wire_text(body);
}

bool World::any_to_deliver() {
  return std::any_of(communities_.begin(), communities_.end(), [](const Community& c) {
    return std::any_of(c.deliveries.begin(), c.deliveries.end(),
                       [](const Delivery& d) { return !d.delivered && !d.given_up; });
  });
}

/// Sends the first delivery that is due; one that failed holds up nobody.
bool World::deliver_one(std::unique_lock<std::mutex>& lock) {
  if (!forged_.empty()) {
    const Forged forged = std::move(forged_.front());
    forged_.pop_front();
    const PostResult result =
        post_unlocked(lock, forged.url, {{"Content-Type", "application/json"}}, forged.body);
    HttpReply reply;
    reply.body = wire_text({{"status", result.status}, {"body", result.body}});
    server_.reply(forged.connection, std::move(reply));
    return true;
  }
  for (Community& community : communities_) {
    for (Delivery& delivery : community.deliveries) {
      if (delivery.delivered || delivery.given_up || delivery.due_ms > now_ms()) continue;
      const auto server = community.servers.find(delivery.server);
      if (server == community.servers.end()) {
        delivery.given_up = true;
        continue;
      }
      if (delivery.event && server->second.suspended_until_ms > now_ms()) continue;
      const std::string body = body_for(community, server->second, delivery.event.get());
      const std::string url = server->second.url;
      Headers headers = {{"Content-Type", "application/json"}, {"User-Agent", "vkCallback"}};
      if (delivery.failures > 0) {
        headers.emplace_back("X-Retry-Counter", std::to_string(delivery.failures));
      }
      delivery.in_work = true;  // and so stays in the list
      const PostResult result = post_unlocked(lock, url, headers, body);
      delivery.in_work = false;
      if (stopping_) return true;
      delivered(community, delivery, result.status, result.body, result.header("retry-after"));
      changed();
      return true;
    }
  }
  return false;
}

void World::delivered(Community& community, Delivery& delivery, int status, const std::string& body,
                      const std::string& retry_after) {
  ++delivery.attempts;
  delivery.last_status = status;
  const auto found = community.servers.find(delivery.server);
  if (found == community.servers.end()) return;
  Server& server = found->second;
  if (!delivery.event) {
    server.status = status == 200 && body == community.confirmation ? "ok" : "failed";
    delivery.delivered = server.status == "ok";
    delivery.given_up = !delivery.delivered;
    return;
  }
  if (status == 200 && body == "ok") {
    delivery.delivered = true;
    delivery.event->confirmed = true;
    server.refusals = 0;
    return;
  }
  if (status == 200 && body == "remove") {
    delivery.given_up = true;
    community.servers.erase(found);
    return;
  }
  if (status == 410 || status == 429 || status == 503) {
    const auto later = until(retry_after, now_ms());
    if (later && *later < 3 * 3'600'000) {
      delivery.due_ms =
          now_ms() + std::llround(static_cast<double>(std::max<std::int64_t>(0, *later)) *
                                  options_.callback_time_scale);
      return;
    }
  }
  if (options_.suspend_after > 0 && ++server.refusals == options_.suspend_after) {
    server.refusals = 0;
    const auto pause = static_cast<double>(milliseconds(options_.suspension).count());
    server.suspended_until_ms = now_ms() + std::llround(pause * options_.callback_time_scale);
  }
  if (delivery.failures == kRetries) {
    delivery.given_up = true;
    return;
  }
  delivery.due_ms = now_ms() + std::llround(static_cast<double>(kRetryAfterMs[delivery.failures]) *
                                            options_.callback_time_scale);
  ++delivery.failures;
}

PostResult World::post_to_server(std::size_t community, std::int64_t server,
                                 const std::string& body, const std::string& event_id) {
  std::string url;
  std::string sent = body;
  {
    std::lock_guard lock(mutex_);
    Community& owner = communities_.at(community);
    const auto found = owner.servers.find(server);
    if (found == owner.servers.end()) throw std::runtime_error(words_.name + ": no such server");
    url = found->second.url;
    if (!event_id.empty()) {
      const auto event = owner.by_id.find(event_id);
      if (event == owner.by_id.end()) throw std::runtime_error(words_.name + ": no such event");
      sent = body_for(owner, found->second, event->second.get());
    }
  }
  return http_post(url, {{"Content-Type", "application/json"}}, sent, [] { return false; });
}

}  // namespace sufler::fakes::vk

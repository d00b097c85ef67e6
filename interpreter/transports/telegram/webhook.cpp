#include "interpreter/transports/telegram/webhook.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "interpreter/core/json_text.h"
#include "interpreter/core/text.h"
#include "interpreter/core/secret.h"
#include "interpreter/transports/telegram/answers.h"

// A request is judged and decoded on the listener's thread that brought it; what it holds is handed over on the
// network thread, as polls do. Requests that come while others are being handed over go together in one batch, since
// a batch is stored in one transaction.

namespace sufler::telegram {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kSecretHeader = "X-Telegram-Bot-Api-Secret-Token";
/// Telegram gives up to 100 updates at a time; more wait for a name only when somebody floods groups.
constexpr std::size_t kMostWaiting = 200;
constexpr std::size_t kErrorCodePoints = 300;

WebhookAnswer unavailable() { return {503, {}, std::chrono::seconds(1)}; }

std::string in_quotes(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace

/// Answers once; a reply that is forgotten says that the update is wanted again.
class Webhook::Reply {
 public:
  explicit Reply(std::function<void(WebhookAnswer)> answer) : answer_(std::move(answer)) {}
  ~Reply() { give(unavailable()); }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  void give(WebhookAnswer answer) {
    if (!given_.exchange(true)) answer_(std::move(answer));
  }

 private:
  std::function<void(WebhookAnswer)> answer_;
  std::atomic<bool> given_{false};
};

bool is_webhook_secret(std::string_view secret) {
  return !secret.empty() && secret.size() <= 256 && std::all_of(secret.begin(), secret.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Webhook::Webhook(HttpClient& client, WebhookSettings settings)
    : client_(client),
      settings_(std::move(settings)),
      backoff_(settings_.backoff_first, settings_.backoff_most, settings_.random) {}

// ------------------------------------------------------------------- the address

void Webhook::start(TransportHandlers handlers) {
  if (stopped_) return;
  handlers_ = std::move(handlers);
  begun_ = true;
  {
    std::lock_guard lock(mutex_);
    open_ = true;
  }
  set();
}

void Webhook::stop() {
  if (stopped_.exchange(true)) return;
  client_.post([self = shared_from_this()] {
    std::vector<Waiting> waiting;
    {
      std::lock_guard lock(self->mutex_);
      waiting.swap(self->waiting_);
    }
    // A setWebhook under way might come after the removal: then its answer is waited for.
    if (self->begun_ && !self->setting_) self->remove();
  });
}

void Webhook::tell_health(bool well, const std::string& reason) {
  if (well == well_) return;
  well_ = well;
  if (handlers_.health) handlers_.health(well, settings_.hidden(reason));
}

void Webhook::set() {
  if (stopped_ || refused_ || setting_) return;
  std::string body = "{\"url\":" + in_quotes(settings_.url);
  body += ",\"secret_token\":" + in_quotes(settings_.secret);
  body += ",\"allowed_updates\":" + settings_.allowed_updates;
  body += ",\"max_connections\":" + std::to_string(settings_.max_connections) + "}";
  HttpRequest request = settings_.request("setWebhook", std::move(body));
  request.repeatable = true;
  setting_ = true;
  client_.submit(std::move(request), [self = shared_from_this()](HttpAnswer answer) {
    self->setting_ = false;
    if (self->stopped_) return self->remove();
    if (!answer.cancelled) self->on_set(answer);
  });
}

void Webhook::set_after(milliseconds pause, const std::string& reason) {
  tell_health(false, reason);
  client_.after(pause, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->set();
  });
}

void Webhook::on_set(const HttpAnswer& answer) {
  if (answer.kind != HttpAnswer::Kind::Answered) {
    return set_after(backoff_.next(), "Telegram cannot be reached: " + answer.error);
  }
  if (answer.status == 200 && says_ok(answer.body)) {
    backoff_.reset();
    // What failed while we were away is known to nobody better than to us.
    if (error_at_ == 0) error_at_ = settings_.now() / 1000;
    tell_health(true, {});
    return check_later();
  }
  const Refusal refusal = read_refusal(answer.status, answer.body);
  if (is_about_token(refusal)) {
    const std::string reason = "Telegram does not accept the token of the bot" +
                               (settings_.bot_name.empty() ? "" : " `" + settings_.bot_name + "`") + ": " +
                               refusal.description;
    refused_ = true;
    tell_health(false, reason);
    if (handlers_.failed) handlers_.failed(settings_.hidden(reason));
    return;
  }
  milliseconds pause = backoff_.next();
  // An address that Telegram does not like today may be in order tomorrow: a name in the DNS, a certificate.
  if (refusal.code == 400) pause = std::max(pause, settings_.backoff_most);
  if (refusal.retry_after > 0) pause = std::chrono::seconds(refusal.retry_after);
  if (answer.retry_after.count() > 0) pause = std::max<milliseconds>(pause, answer.retry_after);
  set_after(pause, "Telegram does not take the webhook: " + std::to_string(refusal.code) + " " +
                       refusal.description);
}

void Webhook::check_later() {
  client_.after(settings_.check_every, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->check();
  });
}

/// Another program that polls with this token takes the webhook away, and so does Telegram after a day of 410.
void Webhook::check() {
  if (stopped_ || refused_) return;
  HttpRequest request = settings_.request("getWebhookInfo", "{}");
  request.repeatable = true;
  client_.submit(std::move(request), [self = shared_from_this()](HttpAnswer answer) {
    if (self->stopped_ || answer.cancelled) return;
    const auto info = nlohmann::json::parse(answer.body, nullptr, false);
    const bool read = answer.kind == HttpAnswer::Kind::Answered && answer.status == 200 && info.is_object() &&
                      info.contains("result") && info["result"].is_object();
    const auto url = read ? info["result"].find("url") : info.end();
    // What cannot be read now is looked at the next time; a token that was revoked shows when it is set again.
    const bool stands = read ? url != info["result"].end() && *url == self->settings_.url
                             : answer.kind != HttpAnswer::Kind::Answered || answer.status != 401;
    if (read && stands) {
      const auto& result = info["result"];
      const auto number = [&result](const char* key) {
        const auto found = result.find(key);
        return found != result.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
      };
      const auto text = result.find("last_error_message");
      self->look_at_errors(number("last_error_date"),
                           text != result.end() && text->is_string() ? text->get<std::string>() : std::string(),
                           number("pending_update_count"));
    }
    if (stands) return self->check_later();
    self->tell_health(false, "the webhook was removed or changed by another program");
    self->set();
  });
}

/// Telegram could not hand an update over: a proxy in front of us, a certificate, our own 503. It tries again by
/// itself, so serving goes on; only here can the operator learn of it.
void Webhook::look_at_errors(std::int64_t at, std::string text, std::int64_t waiting) {
  if (at <= error_at_) {
    if (waiting == 0) error_.clear();  // over: what waits is yet to be tried again
    return;
  }
  error_at_ = at;
  text = std::string(first_code_points(text, kErrorCodePoints));
  if (text.empty()) text = "no reason given";
  if (text == error_) return;
  error_ = text;
  if (!handlers_.warning) return;
  handlers_.warning(settings_.hidden("Telegram cannot deliver updates: " + text + " (" + std::to_string(waiting) +
                                     " waiting)"));
}

void Webhook::remove() {
  if (!settings_.remove_at_stop || refused_) return;
  // What Telegram still has it keeps for the next start.
  HttpRequest request = settings_.request("deleteWebhook", "{\"drop_pending_updates\":false}");
  request.repeatable = true;
  client_.submit(std::move(request), [self = shared_from_this()](const HttpAnswer&) {});
}

// ------------------------------------------------------------------- what comes

void Webhook::take(WebhookRequest request, std::function<void(WebhookAnswer)> answer) {
  if (!same_secret(settings_.secret, request.header ? request.header(kSecretHeader) : std::string())) {
    return answer({401, {}, {}});
  }
  const auto reply = std::make_shared<Reply>(std::move(answer));
  {
    std::lock_guard lock(mutex_);
    if (stopped_ || !open_) return reply->give(unavailable());
  }
  decode(std::move(request.body), reply);
}

void Webhook::decode(std::string body, const std::shared_ptr<Reply>& reply) {
  thread_local UpdateDecoder decoder;
  BotIdentity bot;
  bool settled = false;
  {
    std::lock_guard lock(mutex_);
    bot = bot_;
    settled = settled_;
  }
  DecodedUpdate update = decoder.read_update(body, bot, settings_.now());
  if (update.needs_username && !settled) {
    std::unique_lock lock(mutex_);
    if (settled_) {  // meanwhile
      lock.unlock();
      return decode(std::move(body), reply);
    }
    if (waiting_.size() < kMostWaiting && !stopped_) waiting_.push_back({std::move(body), reply});
    return;
  }
  // What is of no use, or cannot be read, would come again and hold up its chat: it is taken.
  if (!update.incoming) return reply->give({200, {}, {}});
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    first = taken_.empty();
    const auto same = std::find_if(taken_.begin(), taken_.end(), [&](const Taken& one) {
      return one.incoming.id == update.incoming->id;
    });
    if (same != taken_.end()) {
      same->replies.push_back(reply);
      return;
    }
    taken_.push_back({std::move(*update.incoming), {reply}});
  }
  if (first) client_.post([self = shared_from_this()] { self->hand_over(); });
}

void Webhook::know(const BotIdentity& bot, bool settled) {
  std::vector<Waiting> waiting;
  {
    std::lock_guard lock(mutex_);
    bot_ = bot;
    settled_ = settled;
    if (settled) waiting.swap(waiting_);
  }
  for (Waiting& one : waiting) decode(std::move(one.body), one.reply);
}

void Webhook::hand_over() {
  std::vector<Taken> taken;
  {
    std::lock_guard lock(mutex_);
    taken.swap(taken_);
  }
  // Replies that go unanswered here say 503 by themselves.
  if (stopped_ || !handlers_.updates || taken.empty()) return;
  std::vector<Incoming> updates;
  std::vector<std::shared_ptr<Reply>> replies;
  updates.reserve(taken.size());
  for (Taken& one : taken) {
    updates.push_back(std::move(one.incoming));
    replies.insert(replies.end(), one.replies.begin(), one.replies.end());
  }
  taken.clear();
  handlers_.updates(std::move(updates), {},
                    [self = shared_from_this(), replies = std::move(replies)](bool stored) {
                      for (const auto& reply : replies) {
                        reply->give(stored ? WebhookAnswer{200, {}, {}} : unavailable());
                      }
                      if (self->storing_well_.exchange(stored) == stored) return;
                      self->client_.post([self, stored] { self->on_stored(stored); });
                    });
}

void Webhook::on_stored(bool stored) {
  if (stopped_ || refused_) return;
  if (!stored) return tell_health(false, "updates could not be stored");
  tell_health(true, {});
}

}  // namespace sufler::telegram

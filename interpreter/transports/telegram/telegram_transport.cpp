#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "interpreter/core/json_text.h"
#include "interpreter/core/text.h"
#include "interpreter/network/backoff.h"
#include "interpreter/transports/files.h"
#include "interpreter/transports/system.h"
#include "interpreter/transports/telegram/answers.h"
#include "interpreter/transports/telegram/left_out.h"
#include "interpreter/transports/telegram/renderer.h"
#include "interpreter/transports/telegram/telegram.h"
#include "interpreter/transports/telegram/update_decoder.h"
#include "interpreter/transports/telegram/webhook.h"
#include "interpreter/transports/url.h"

// Receiving is a little state machine on the network thread: a poll brings updates, the handlers store
// them, and only then does the next poll confirm them. Sending is independent of it. What lives here is held
// by every callback that is under way, so the transport itself may go first.

namespace sufler {
namespace {

namespace api = telegram;
using std::chrono::milliseconds;

/// After a week without updates their ids begin anew, possibly lower: an old offset would hide them.
constexpr std::int64_t kOffsetLivesSeconds = std::int64_t{6} * 24 * 3600;
constexpr std::size_t kDownloadBytes = std::size_t{20} << 20;
constexpr std::size_t kUpdatesBytes = std::size_t{32} << 20;
/// So many chats refused at a time mean that the bot as a whole sends too fast.
constexpr std::size_t kChatsThatMeanAll = 3;
/// Of one answer to `getUpdates`: as many as Telegram gives.
constexpr std::size_t kMostUpdates = 100;
constexpr int kMenuAttempts = 5;
constexpr std::array<std::string_view, 4> kAllowedUpdates = {"message", "edited_message", "callback_query",
                                                             "my_chat_member"};

/// Where an update queue was left: `OFFSET UNIX_SECONDS`, the second of the last update.
struct Position {
  std::int64_t offset = 0;
  std::int64_t updated_at = 0;

  std::string to_string() const { return std::to_string(offset) + " " + std::to_string(updated_at); }
  static std::optional<Position> parse(std::string_view text) {
    Position position;
    const char* end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, position.offset);
    if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return std::nullopt;
    const auto second = std::from_chars(first.ptr + 1, end, position.updated_at);
    if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
    return position;
  }
};

void replace_first(std::string& text, std::string_view what, std::string_view with) {
  if (const std::size_t at = text.find(what); at != std::string::npos) text.replace(at, what.size(), with);
}

std::string in_quotes(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

/// A file on its way to the platform.
struct Source {
  std::string file_id;  // the platform has it
  std::string path;     // or it lies on disk
  std::string bytes;    // or in memory
  std::string cache_key;
  std::int64_t size = -1;
};

struct Upload {
  ChatAddress chat;
  ApiCall call;
  std::function<void(Outcome)> done;
  std::vector<Source> sources;
  bool anew = false;  // no file ids: the platform did not know one of them
  bool fetched_again = false;  // the file at hand
  bool as_document = false;    // it was refused as what it is
};

class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(HttpClient& client, TelegramSettings settings)
      : client_(client),
        settings_(std::move(settings)),
        poll_backoff_(settings_.backoff_first, settings_.backoff_most, random_source()),
        conflict_backoff_(settings_.backoff_first * 6, settings_.backoff_first * 20, random_source()),
        send_backoff_(settings_.backoff_first, settings_.backoff_most, random_source()) {
    if (!settings_.now) settings_.now = [] { return system_now().unix_ms; };
    while (!settings_.api.empty() && settings_.api.back() == '/') settings_.api.pop_back();
    base_ = settings_.api + "/bot" + settings_.token + "/";
    bot_.username = settings_.username;
    bot_.topic_groups = settings_.topic_groups;
    const std::string& token = settings_.token;
    std::from_chars(token.data(), token.data() + token.size(), bot_.id);
    allowed_updates_ = "[";
    for (const std::string_view kind : kAllowedUpdates) {
      if (allowed_updates_.size() > 1) allowed_updates_ += ',';
      allowed_updates_ += in_quotes(kind);
    }
    allowed_updates_ += ']';
    if (!settings_.webhook_url.empty()) make_webhook();
  }

  // ------------------------------------------------------------- receiving

  void start(std::string position, std::vector<BotCommandHint> menu, TransportHandlers handlers) {
    stopped_ = false;
    client_.post([self = shared_from_this(), position = std::move(position), menu = std::move(menu),
                  handlers = std::move(handlers)]() mutable {
      if (self->stopped_) return;
      self->handlers_ = std::move(handlers);
      if (self->webhook_) {
        self->webhook_->know(self->bot_, !self->bot_.username.empty());
        self->webhook_->start(self->handlers_);
      } else {
        self->position_ = Position::parse(position);
        self->in_touch_ = false;
        self->well_.reset();
        self->poll();
      }
      if (self->bot_.username.empty()) self->ask_name();
      self->told_menu_ = menu;
      self->tell_menu(menu, 0);
    });
  }

  void scenario_changed(std::vector<BotCommandHint> menu, std::vector<std::string> topic_groups) {
    client_.post([self = shared_from_this(), menu = std::move(menu), topic_groups = std::move(topic_groups)]() mutable {
      self->bot_.topic_groups = std::move(topic_groups);
      if (self->webhook_) self->webhook_->know(self->bot_, !self->bot_.username.empty() || self->name_given_up_);
      if (self->stopped_ || !self->told_menu_ || *self->told_menu_ == menu) return;
      self->told_menu_ = menu;
      self->tell_menu(menu, 0);
    });
  }

  void stop_receiving() {
    if (stopped_.exchange(true)) return;
    if (webhook_) webhook_->stop();
    client_.post([self = shared_from_this()] {
      ++self->poll_turn_;  // what still comes of this one finds another
      if (self->poll_request_ != 0) self->client_.cancel(std::exchange(self->poll_request_, 0));
      self->waiting_answer_.reset();
    });
  }

  bool by_webhook() const { return webhook_ != nullptr; }
  void take_webhook(WebhookRequest request, std::function<void(WebhookAnswer)> answer) {
    if (webhook_) return webhook_->take(std::move(request), std::move(answer));
    answer({404, {}, {}});
  }

  // ------------------------------------------------------------- sending

  void send_only_while(std::function<bool()> may_send) { may_send_ = std::move(may_send); }

  void deliver(const ChatAddress& chat, const ApiCall& call, std::function<void(Outcome)> done) {
    ++in_flight_;
    if (call.files.empty()) {
      HttpRequest request;
      request.url.reserve(base_.size() + call.method.size());
      request.url.append(base_).append(call.method);
      request.body = addressed(call.body, chat);
      request.proxy = settings_.proxy;
      request.timeout = settings_.call_timeout;
      request.may_leave = may_send_;
      client_.submit(std::move(request),
                     [self = shared_from_this(), chat_id = chat.chat_id, done = std::move(done)](
                         HttpAnswer answer) mutable { self->finish(chat_id, answer, done); });
      return;
    }
    auto upload = std::make_shared<Upload>();
    upload->chat = chat;
    upload->call = call;
    upload->call.body = addressed(call.body, chat);
    upload->done = std::move(done);
    prepare(upload);
  }

  void fetch_file(const Attachment& file, std::size_t limit,
                  std::function<void(std::string, std::string)> done) {
    limit = std::min(limit, kDownloadBytes);
    if (file.size > 0 && static_cast<std::uint64_t>(file.size) > limit) {
      client_.post([done = std::move(done)] { done({}, "the file is too big"); });
      return;
    }
    HttpRequest request = call_request("getFile", "{\"file_id\":" + in_quotes(file.reference) + "}");
    request.repeatable = true;
    client_.submit(std::move(request), [self = shared_from_this(), limit,
                                        done = std::move(done)](HttpAnswer answer) {
      if (answer.kind != HttpAnswer::Kind::Answered) return done({}, self->hidden(answer.error));
      api::FilePlace place;
      if (!api::says_ok(answer.body) || !api::read_file_place(answer.body, place)) {
        return done({}, self->hidden(api::read_refusal(answer.status, answer.body).description));
      }
      if (place.size > 0 && static_cast<std::uint64_t>(place.size) > limit) {
        return done({}, "the file is too big");
      }
      self->download(place, limit, done);
    });
  }

 private:
  std::function<double()> random_source() const {
    return settings_.random ? settings_.random : system_random;
  }
  std::int64_t now_ms() const { return settings_.now(); }

  static std::string without(std::string text, std::string_view what, std::string_view instead) {
    for (std::size_t at = 0; !what.empty() && (at = text.find(what, at)) != std::string::npos; at += instead.size()) {
      text.replace(at, what.size(), instead);
    }
    return text;
  }
  std::string hidden(std::string text) const {
    return redact_tokens(without(std::move(text), settings_.token, "<token>"));
  }

  HttpRequest call_request(std::string_view method, std::string body) const {
    HttpRequest request;
    request.url.append(base_).append(method);
    request.body = std::move(body);
    request.proxy = settings_.proxy;
    request.timeout = settings_.call_timeout;
    return request;
  }

  // --- the webhook

  void make_webhook() {
    api::WebhookSettings webhook;
    webhook.url = settings_.webhook_url;
    webhook.secret = settings_.webhook_secret;
    webhook.max_connections = settings_.webhook_connections;
    webhook.remove_at_stop = settings_.remove_webhook;
    webhook.allowed_updates = allowed_updates_;
    webhook.bot_name = settings_.bot_name;
    webhook.check_every = settings_.webhook_check;
    webhook.backoff_first = settings_.backoff_first;
    webhook.backoff_most = settings_.backoff_most;
    webhook.random = random_source();
    webhook.now = settings_.now;
    webhook.request = [base = base_, proxy = settings_.proxy, timeout = settings_.call_timeout](
                          std::string_view method, std::string body) {
      HttpRequest request;
      request.url.append(base).append(method);
      request.body = std::move(body);
      request.proxy = proxy;
      request.timeout = timeout;
      return request;
    };
    webhook.hidden = [token = settings_.token, secret = settings_.webhook_secret](std::string text) {
      return redact_tokens(without(without(std::move(text), token, "<token>"), secret, "<secret>"));
    };
    webhook_ = std::make_shared<api::Webhook>(client_, std::move(webhook));
  }

  // --- polls

  void poll() {
    if (stopped_) return;
    awaiting_drain_ = false;
    ++poll_turn_;
    // A stale offset is forgotten: whatever was confirmed does not come again anyway.
    if (position_ && now_ms() / 1000 - position_->updated_at > kOffsetLivesSeconds) position_.reset();
    std::string body = "{";
    if (position_) {
      body += "\"offset\":";
      append_json_number(body, position_->offset);
      body += ',';
    }
    body += "\"timeout\":";
    // The first poll, and the first after an outage, is answered at once: it tells that the bot is served.
    append_json_number(body, std::exchange(in_touch_, true) ? settings_.poll_time.count() : 0);
    body += ",\"limit\":" + std::to_string(kMostUpdates) + ",\"allowed_updates\":";
    body += allowed_updates_;
    body += '}';
    HttpRequest request = call_request("getUpdates", std::move(body));
    request.lane = HttpRequest::Lane::Poll;
    request.repeatable = true;
    request.timeout = std::chrono::duration_cast<milliseconds>(settings_.poll_time) + settings_.poll_margin;
    request.max_response_bytes = kUpdatesBytes;
    const auto began = std::chrono::steady_clock::now();
    poll_request_ = client_.submit(
        std::move(request), [self = shared_from_this(), began, turn = poll_turn_](HttpAnswer answer) {
          if (self->poll_turn_ != turn) return;
          self->poll_request_ = 0;
          if (self->stopped_) return;
          self->on_poll(std::move(answer), std::chrono::steady_clock::now() - began);
        });
  }

  void poll_after(milliseconds pause) {
    client_.after(pause, [self = shared_from_this(), turn = poll_turn_] {
      if (self->poll_turn_ == turn) self->poll();
    });
  }

  void tell_health(bool well, const std::string& reason) {
    if (well == well_) return;
    well_ = well;
    if (handlers_.health) handlers_.health(well, hidden(reason));
  }

  void trouble(const std::string& reason, milliseconds pause) {
    tell_health(false, reason);
    poll_after(pause);
  }

  void on_poll(HttpAnswer answer, std::chrono::steady_clock::duration took) {
    if (answer.kind != HttpAnswer::Kind::Answered) {
      if (answer.cancelled) return;
      in_touch_ = false;
      return trouble("Telegram cannot be reached: " + answer.error, poll_backoff_.next());
    }
    if (answer.status != 200 || !api::says_ok(answer.body)) return on_poll_refused(answer);
    api::DecodedUpdates updates = decoder_.read_answer(answer.body, bot_, now_ms());
    if (!updates.ok) {
      in_touch_ = false;
      return trouble("an answer of Telegram makes no sense", poll_backoff_.next());
    }
    poll_backoff_.reset();
    conflict_backoff_.reset();
    tell_health(true, {});
    if (updates.count == 0) {
      // A server that does not hold polls must not be asked without a pause.
      quick_empties_ = took < milliseconds(100) ? std::min(quick_empties_ + 1, 50) : 0;
      if (quick_empties_ > 1) return poll_after(milliseconds(10) * quick_empties_);
      return poll();
    }
    quick_empties_ = 0;
    if (updates.needs_username && bot_.username.empty() && !name_given_up_) {
      waiting_answer_ = std::move(answer.body);
      return;
    }
    take(std::move(updates));
  }

  /// The name of the bot is known, or will not be: an answer that waited for it goes on.
  void resume_waiting() {
    if (webhook_) return webhook_->know(bot_, true);
    if (!waiting_answer_ || stopped_) return;
    std::string body = std::move(*waiting_answer_);
    waiting_answer_.reset();
    take(decoder_.read_answer(body, bot_, now_ms()));
  }

  void take(api::DecodedUpdates updates) {
    Position next{updates.last_update_id + 1, now_ms() / 1000};
    full_answer_ = updates.count >= kMostUpdates;
    if (position_) {
      // What lies below the offset was stored. A server that brings it again is not to be believed, and the
      // offset never goes back; ids that began anew come when the old offset was forgotten (see `poll`).
      std::erase_if(updates.incoming, [this](const Incoming& one) {
        std::int64_t id = 0;
        std::from_chars(one.id.data(), one.id.data() + one.id.size(), id);
        return id < position_->offset;
      });
      if (next.offset <= position_->offset) return poll_after(poll_backoff_.next());
    }
    if (updates.incoming.empty() || !handlers_.updates) {
      position_ = next;
      return poll();
    }
    const std::uint64_t turn = poll_turn_;
    handlers_.updates(std::move(updates.incoming), next.to_string(),
                      [self = shared_from_this(), next, turn](bool stored) {
                        self->client_.post([self, next, turn, stored] {
                          if (self->poll_turn_ == turn) self->on_stored(next, stored);
                        });
                      });
  }

  void on_stored(const Position& next, bool stored) {
    if (stopped_) return;
    if (!stored) {
      // The platform keeps what was not confirmed, and brings it again.
      return trouble("updates could not be stored", poll_backoff_.next());
    }
    position_ = next;
    // More waits behind a full answer, and one that led to few calls (somebody floods) is not worth waiting for.
    const std::size_t below = full_answer_ ? std::max(settings_.poll_below, kMostUpdates / 2) : settings_.poll_below;
    if (in_flight_ <= below || settings_.poll_wait.count() == 0) {
      drained_ = true;
      return poll();
    }
    // On a slow network no wait sees the sends end, and would only delay the next batch.
    patience_ = drained_ ? settings_.poll_wait : std::max(patience_ / 2, milliseconds(1));
    drained_ = false;
    awaiting_drain_ = true;
    poll_after(patience_);
  }

  void on_poll_refused(const HttpAnswer& answer) {
    const api::Refusal refusal = api::read_refusal(answer.status, answer.body);
    if (api::is_about_token(refusal)) {
      const std::string reason = "Telegram does not accept the token of the bot" +
                                 (settings_.bot_name.empty() ? "" : " `" + settings_.bot_name + "`") + ": " +
                                 refusal.description;
      tell_health(false, reason);
      stopped_ = true;
      if (handlers_.failed) handlers_.failed(hidden(reason));
      return;
    }
    if (refusal.code == 409) {
      if (refusal.says("webhook is active")) return drop_webhook();
      return trouble("another program receives the updates of this bot: " + refusal.description,
                     conflict_backoff_.next());
    }
    in_touch_ = false;
    milliseconds pause = poll_backoff_.next();
    if (refusal.retry_after > 0) pause = std::chrono::seconds(refusal.retry_after);
    if (answer.retry_after.count() > 0) pause = std::max<milliseconds>(pause, answer.retry_after);
    trouble("Telegram answered " + std::to_string(refusal.code) + ": " + refusal.description, pause);
  }

  void drop_webhook() {
    client_.submit(call_request("deleteWebhook", "{\"drop_pending_updates\":false}"),
                   [self = shared_from_this()](HttpAnswer answer) {
                     if (self->stopped_ || answer.cancelled) return;
                     if (answer.kind == HttpAnswer::Kind::Answered && api::says_ok(answer.body) &&
                         self->conflict_backoff_.fresh()) {
                       static_cast<void>(self->conflict_backoff_.next());  // a second time waits
                       return self->poll();
                     }
                     self->trouble("a webhook of this bot is active", self->conflict_backoff_.next());
                   });
  }

  // --- what is told and asked at the start

  void ask_name() {
    HttpRequest request = call_request("getMe", "{}");
    request.repeatable = true;
    client_.submit(std::move(request), [self = shared_from_this()](HttpAnswer answer) {
      if (self->stopped_ || answer.cancelled) return;
      api::BotName name;
      if (answer.kind == HttpAnswer::Kind::Answered && api::read_bot_name(answer.body, name)) {
        self->bot_.username = name.username;
        if (name.id != 0) self->bot_.id = name.id;
        return self->resume_waiting();
      }
      // Without a name `/command@name` is taken for ours, which beats taking nothing.
      if (++self->name_attempts_ >= 3) {
        self->name_given_up_ = true;
        self->resume_waiting();
      }
      if (self->name_attempts_ < 20) {
        self->client_.after(self->settings_.backoff_first * (1 << std::min(self->name_attempts_, 6)),
                            [self] {
                              if (!self->stopped_) self->ask_name();
                            });
      }
    });
  }

  void tell_menu(const std::vector<BotCommandHint>& menu, int attempt) {
    std::string body = "{\"commands\":[";
    int count = 0;
    for (const BotCommandHint& hint : menu) {
      const bool allowed =
          !hint.command.empty() && hint.command.size() <= 32 &&
          hint.command.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
      const std::string_view description = trim(hint.description);
      if (!allowed || count == 100) continue;
      if (count++ != 0) body += ',';
      body += "{\"command\":" + in_quotes(hint.command) + ",\"description\":";
      append_json_string(body, description.empty() ? std::string_view(hint.command)
                                                   : first_code_points(description, 256));
      body += '}';
    }
    body += "]}";
    // Without commands the menu of an earlier scenario goes.
    HttpRequest request = count == 0 ? call_request("deleteMyCommands", "{}")
                                     : call_request("setMyCommands", std::move(body));
    request.repeatable = true;
    client_.submit(std::move(request), [self = shared_from_this(), menu, attempt](HttpAnswer answer) {
      if (self->stopped_ || answer.cancelled || attempt + 1 >= kMenuAttempts) return;
      const bool answered = answer.kind == HttpAnswer::Kind::Answered;
      if (answered && answer.status < 500 && answer.status != 429) return;
      self->client_.after(std::max<milliseconds>(answer.retry_after, self->settings_.backoff_first * 4),
                          [self, menu, attempt] {
                            if (!self->stopped_ && self->told_menu_ == menu) self->tell_menu(menu, attempt + 1);
                          });
    });
  }

  // --- calls

  /// The body as it was rendered, or with the group's new id.
  static std::string addressed(const std::string& body, const ChatAddress& chat) {
    const std::string_view chat_id = group_of(chat.chat_id);
    constexpr std::string_view kBegin = "{\"chat_id\":";
    if (body.compare(0, kBegin.size(), kBegin) != 0) return body;
    const std::size_t end = body.find_first_of(",}", kBegin.size());
    if (end == std::string::npos || body[kBegin.size()] == '"') return body;
    if (body.compare(kBegin.size(), end - kBegin.size(), chat_id) == 0) return body;
    std::string moved(kBegin);
    api::append_chat_id(moved, chat_id);
    return moved.append(body, end, std::string::npos);
  }

  void finish(const std::string& chat_id, const HttpAnswer& answer, const std::function<void(Outcome)>& done) {
    report(outcome(chat_id, answer), done);
  }

  void report(Outcome outcome, const std::function<void(Outcome)>& done) {
    --in_flight_;
    done(std::move(outcome));
    if (awaiting_drain_ && in_flight_ <= settings_.poll_below) {
      drained_ = true;
      poll();
    }
  }

  Outcome outcome(const std::string& chat_id, const HttpAnswer& answer) {
    if (answer.kind == HttpAnswer::Kind::Answered && answer.status == 200 && api::says_ok(answer.body)) {
      send_backoff_.reset();
      Outcome sent;
      sent.message_id = api::message_id_in(answer.body);
      sent.further_ids = api::further_ids_in(answer.body);
      return sent;
    }
    Outcome outcome;
    if (answer.kind != HttpAnswer::Kind::Answered) {
      const bool lost = answer.kind == HttpAnswer::Kind::Lost;
      outcome.kind = lost ? Outcome::Kind::Unknown : Outcome::Kind::Retry;
      outcome.reason = hidden(answer.error);
      outcome.after = answer.cancelled ? Duration{0} : Duration{send_backoff_.next().count()};
      return outcome;
    }
    const api::Refusal refusal = api::read_refusal(answer.status, answer.body);
    if (!refusal.readable && answer.status < 400) {
      outcome.kind = Outcome::Kind::Unknown;
      outcome.reason = refusal.description;
      outcome.after = Duration{send_backoff_.next().count()};
      return outcome;
    }
    outcome = api::outcome_of(refusal, Duration{refusal.code >= 500 || refusal.code == 429
                                                    ? send_backoff_.next().count()
                                                    : 0});
    outcome.reason = hidden(outcome.reason);
    // Only a person can block the bot; of a group the reason tells.
    if (chat_id.starts_with('-') || chat_id.starts_with('@')) outcome.unreachable = false;
    if (const std::string_view topic = topic_of(chat_id); !topic.empty()) {
      outcome.topic_gone |= outcome.kind == Outcome::Kind::Failed && api::is_about_group(refusal);
      if (!outcome.moved_to.empty()) outcome.moved_to.append("#").append(topic);
    }
    if (refusal.code == 429) {
      outcome.after = std::max(outcome.after, Duration{answer.retry_after.count() * 1000});
      outcome.whole_bot = too_fast_everywhere(std::string(group_of(chat_id)), outcome.after);
    }
    return outcome;
  }

  /// Limits are per chat, and for the bot as a whole; an answer does not tell which was met. Several chats
  /// at a time tell.
  bool too_fast_everywhere(const std::string& chat_id, Duration rest) {
    const std::int64_t now = now_ms();
    std::erase_if(resting_, [&](const auto& one) { return one.second <= now || one.first == chat_id; });
    resting_.emplace_back(chat_id, now + rest.ms);
    return resting_.size() >= kChatsThatMeanAll;
  }

  // --- files

  void fail(const std::shared_ptr<Upload>& upload, std::string reason) {
    Outcome outcome;
    outcome.kind = Outcome::Kind::Failed;
    outcome.reason = hidden(std::move(reason));
    client_.post([self = shared_from_this(), upload, outcome] { self->report(outcome, upload->done); });
  }

  /// Finds each file of the call, one after another, then sends.
  void prepare(const std::shared_ptr<Upload>& upload) {
    while (upload->sources.size() < upload->call.files.size()) {
      const FilePart& part = upload->call.files[upload->sources.size()];
      const Attachment& file = part.file;
      if (file.origin == "stored" && settings_.find_file) {
        return settings_.find_file(file, [self = shared_from_this(), upload](FoundFile found) {
          self->take_scenario_file(upload, std::move(found));
        });
      }
      if (file.origin == "scenario") {
        Source source;
        if (!find_in_folder(*upload, file, source)) {
          return fail(upload, "no such file in the scenario: " + file.reference);
        }
        upload->sources.push_back(std::move(source));
        continue;
      }
      if (file.origin == "text") {
        Source source;
        source.bytes = file.reference;
        source.size = static_cast<std::int64_t>(source.bytes.size());
        upload->sources.push_back(std::move(source));
        continue;
      }
      if (file.origin == "telegram" && !upload->anew) {
        Source source;
        source.file_id = file.reference;
        upload->sources.push_back(std::move(source));
        continue;
      }
      const auto fetched = [self = shared_from_this(), upload](std::string bytes, std::string reason) {
        if (reason.empty() && bytes.empty()) reason = "it is empty";
        if (!reason.empty()) return self->do_without(upload, reason);
        upload->fetched_again = false;
        Source source;
        source.size = static_cast<std::int64_t>(bytes.size());
        source.bytes = std::move(bytes);
        upload->sources.push_back(std::move(source));
        self->prepare(upload);
      };
      if (file.origin == "telegram") return fetch_file(file, kDownloadBytes, fetched);
      if (settings_.fetch_elsewhere) return settings_.fetch_elsewhere(file, kDownloadBytes, fetched);
      return fail(upload, "no way to bring a file of " + file.origin);
    }
    send_files(upload);
  }

  /// What a person sent cannot be had any more, and the message goes without it. A file of the scenario is the
  /// author's to mend.
  void do_without(const std::shared_ptr<Upload>& upload, const std::string& reason) {
    // It may have been the network: once more, after a while.
    if (!std::exchange(upload->fetched_again, true)) {
      client_.after(settings_.backoff_first * 4, [self = shared_from_this(), upload] { self->prepare(upload); });
      return;
    }
    upload->fetched_again = false;
    const std::size_t index = upload->sources.size();
    const Attachment& file = upload->call.files[index].file;
    if (!api::leave_out(upload->call, index, name_for(file, clean_file_name(file.name)))) {
      return fail(upload, "a file could not be fetched: " + reason);
    }
    prepare(upload);
  }

  void take_scenario_file(const std::shared_ptr<Upload>& upload, FoundFile found) {
    const Attachment& file = upload->call.files[upload->sources.size()].file;
    if (!found.reason.empty()) return fail(upload, file.name + ": " + found.reason);
    Source source;
    source.path = std::move(found.path);
    source.bytes = std::move(found.bytes);
    source.size = file.size;
    source.cache_key = file.reference + '\n' + std::to_string(static_cast<int>(file.kind));
    use_known_id(*upload, source);
    upload->sources.push_back(std::move(source));
    prepare(upload);
  }

  bool find_in_folder(const Upload& upload, const Attachment& file, Source& source) {
    source.path = scenario_file(settings_.scenario_folder ? settings_.scenario_folder() : std::string(),
                                file.reference);
    struct stat status {};
    if (source.path.empty() || ::stat(source.path.c_str(), &status) != 0) return false;
    source.size = status.st_size;
    source.cache_key = source.path + '\n' + std::to_string(status.st_size) + '\n' +
                       std::to_string(status.st_mtim.tv_sec) + '.' + std::to_string(status.st_mtim.tv_nsec) +
                       '\n' + std::to_string(static_cast<int>(file.kind));
    use_known_id(upload, source);
    return true;
  }

  void use_known_id(const Upload& upload, Source& source) {
    std::lock_guard lock(cache_mutex_);
    const auto known = file_ids_.find(source.cache_key);
    if (known == file_ids_.end()) return;
    if (upload.anew) {
      file_ids_.erase(known);
    } else {
      source.file_id = known->second;
    }
  }

  void send_files(const std::shared_ptr<Upload>& upload) {
    std::string body = upload->call.body;
    std::string method = upload->call.method;
    std::vector<MultipartPart> uploads;
    for (std::size_t i = 0; i < upload->sources.size(); ++i) {
      const Source& source = upload->sources[i];
      FilePart part = upload->call.files[i];
      const std::string& known_as = part.file.origin == "scenario" ? part.file.reference : part.file.name;
      if (!source.file_id.empty()) {
        replace_first(body, in_quotes("attach://" + part.field), in_quotes(source.file_id));
        continue;
      }
      if (source.size > settings_.upload_bytes) {
        return fail(upload, "the file is larger than Telegram takes: " + known_as);
      }
      if (source.size == 0) return fail(upload, "the file is empty: " + known_as);
      if (method == "sendPhoto" && source.size > settings_.photo_bytes) {
        method = "sendDocument";
        part.field = "document";
        replace_first(body, "\"photo\":\"attach://photo\"", "\"document\":\"attach://document\"");
      }
      MultipartPart one;
      one.name = part.field;
      one.filename = clean_file_name(part.file.name.empty() ? part.file.reference : part.file.name);
      const bool of_author = part.file.origin == "scenario" || part.file.origin == "stored";
      if (one.filename.empty() || !of_author) one.filename = name_for(part.file, one.filename);
      one.mime = part.file.mime;
      one.path = source.path;
      one.bytes = source.bytes;
      uploads.push_back(std::move(one));
    }
    HttpRequest request = call_request(method, uploads.empty() ? body : std::string());
    request.may_leave = may_send_;
    if (!uploads.empty()) {
      request.timeout = settings_.upload_timeout;
      for (auto& [name, value] : api::form_fields(body)) {
        // A part that bears the parameter's own name stands for it.
        if (value == "attach://" + name) continue;
        MultipartPart field;
        field.name = name;
        field.bytes = std::move(value);
        request.parts.push_back(std::move(field));
      }
      for (MultipartPart& one : uploads) request.parts.push_back(std::move(one));
    }
    client_.submit(std::move(request), [self = shared_from_this(), upload](HttpAnswer answer) {
      self->on_files_sent(upload, answer);
    });
  }

  /// A file without a name gets one that tells its kind: the platform goes by the ending.
  static std::string name_for(const Attachment& file, const std::string& name) {
    if (!name.empty() && name.find('.') != std::string::npos) return name;
    switch (file.kind) {
      case AttachmentKind::Photo: return "photo.jpg";
      case AttachmentKind::Voice: return "voice.ogg";
      case AttachmentKind::Audio: return "audio.mp3";
      case AttachmentKind::Video: return "video.mp4";
      case AttachmentKind::Sticker: return "sticker.webp";
      default: return name.empty() || !file.name.size() ? "file" : name;
    }
  }

  void on_files_sent(const std::shared_ptr<Upload>& upload, const HttpAnswer& answer) {
    const bool answered = answer.kind == HttpAnswer::Kind::Answered;
    if (answered && answer.status == 200 && api::says_ok(answer.body)) {
      if (!upload->as_document) remember_files(*upload, answer.body);
    } else if (answered && can_go_otherwise(*upload, api::read_refusal(answer.status, answer.body))) {
      upload->sources.clear();
      return prepare(upload);
    }
    finish(upload->chat.chat_id, answer, upload->done);
  }

  /// A file was refused before anything was sent: the call is changed to what may be taken instead.
  static bool can_go_otherwise(Upload& upload, const api::Refusal& refusal) {
    if (!upload.anew && api::is_about_file(refusal)) return upload.anew = true;  // with the bytes themselves
    const std::string& method = upload.call.method;
    const bool alone = upload.sources.size() == 1 && method != "sendMediaGroup";
    if (!alone || upload.as_document || method == "sendDocument" || !api::is_about_kind(refusal)) return false;
    // Any file may go as a document.
    FilePart& part = upload.call.files.front();
    replace_first(upload.call.body, in_quotes(part.field) + ':' + in_quotes("attach://" + part.field),
                  R"("document":"attach://document")");
    part.field = "document";
    upload.call.method = "sendDocument";
    upload.as_document = upload.anew = true;
    return true;
  }

  void remember_files(const Upload& upload, std::string_view body) {
    const auto fresh = [](const Source& source) { return !source.cache_key.empty() && source.file_id.empty(); };
    if (std::none_of(upload.sources.begin(), upload.sources.end(), fresh)) return;
    const std::vector<std::string> ids = api::file_ids_in(body);
    if (ids.size() != upload.sources.size()) return;
    std::lock_guard lock(cache_mutex_);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (fresh(upload.sources[i]) && !ids[i].empty()) file_ids_[upload.sources[i].cache_key] = ids[i];
    }
  }

  void download(const api::FilePlace& place, std::size_t limit,
                const std::function<void(std::string, std::string)>& done) {
    HttpRequest request;
    request.url = settings_.api + "/file/bot" + settings_.token + "/" + percent_encoded(place.path, "/");
    request.method = "GET";
    request.proxy = settings_.proxy;
    request.timeout = settings_.upload_timeout;
    request.max_response_bytes = limit;
    request.repeatable = true;
    client_.submit(std::move(request), [self = shared_from_this(), done](HttpAnswer answer) {
      if (answer.kind != HttpAnswer::Kind::Answered) return done({}, self->hidden(answer.error));
      if (answer.status != 200) return done({}, "HTTP " + std::to_string(answer.status));
      done(std::move(answer.body), {});
    });
  }

  HttpClient& client_;
  TelegramSettings settings_;
  std::string base_;  // holds the token: never shown
  std::string allowed_updates_;
  std::shared_ptr<api::Webhook> webhook_;  // instead of polls
  std::atomic<bool> stopped_{false};
  std::atomic<std::size_t> in_flight_{0};
  std::function<bool()> may_send_;  // empty: always
  bool drained_ = true;       // the last wait before a poll ended because the sends had
  milliseconds patience_{0};  // how long the next such wait may take

  // On the network thread only.
  api::BotIdentity bot_;
  std::optional<std::vector<BotCommandHint>> told_menu_;  // once it receives
  api::UpdateDecoder decoder_;
  TransportHandlers handlers_;
  std::optional<Position> position_;
  Backoff poll_backoff_;
  Backoff conflict_backoff_;
  Backoff send_backoff_;
  HttpClient::RequestId poll_request_ = 0;
  std::uint64_t poll_turn_ = 0;
  bool awaiting_drain_ = false;
  bool full_answer_ = false;  // of the last poll
  bool in_touch_ = false;
  std::optional<bool> well_;  // what was told
  int quick_empties_ = 0;
  int name_attempts_ = 0;
  bool name_given_up_ = false;
  std::optional<std::string> waiting_answer_;
  std::vector<std::pair<std::string, std::int64_t>> resting_;  // chat, until unix ms

  std::mutex cache_mutex_;
  std::unordered_map<std::string, std::string> file_ids_;
};

class TelegramTransport final : public Transport {
 public:
  TelegramTransport(HttpClient& client, TelegramSettings settings)
      : limits_(settings.limits), core_(std::make_shared<Core>(client, std::move(settings))) {}
  ~TelegramTransport() override { core_->stop_receiving(); }

  std::string_view name() const override { return "telegram"; }
  Capabilities capabilities() const override { return telegram_capabilities(); }
  SendingLimits sending_limits() const override { return limits_; }

  std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const override {
    return telegram::render(chat.chat_id, message);
  }
  ApiCall render_press_answer(const ChatAddress&, const std::string& press_id,
                              const std::string& text) const override {
    return telegram::render_press_answer(press_id, text);
  }
  ApiCall render_topic(const ChatAddress& group, const std::string& title) const override {
    return telegram::render_topic(group.chat_id, title);
  }
  ApiCall render_topic_state(const ChatAddress& topic, bool open) const override {
    return telegram::render_topic_state(topic.chat_id, open);
  }
  ApiCall render_typing(const ChatAddress& chat) const override { return telegram::render_typing(chat.chat_id); }
  ApiCall render_growing(const ChatAddress& chat, const std::string& text, const std::string& message_id) const override {
    return telegram::render_growing(chat.chat_id, text, message_id);
  }
  ApiCall render_grown(const ApiCall& call, const std::string& text, const std::string& message_id) const override {
    return telegram::render_grown(call, text, message_id);
  }
  ApiCall render_removal(const ChatAddress& chat, const std::string& message_id) const override {
    return telegram::render_removal(chat.chat_id, message_id);
  }

  void start(std::string position, std::vector<BotCommandHint> menu, TransportHandlers handlers) override {
    core_->start(std::move(position), std::move(menu), std::move(handlers));
  }
  void scenario_changed(std::vector<BotCommandHint> menu, std::vector<std::string> topic_groups) override {
    core_->scenario_changed(std::move(menu), std::move(topic_groups));
  }
  void stop_receiving() override { core_->stop_receiving(); }
  void take_webhook(WebhookRequest request, std::function<void(WebhookAnswer)> answer) override {
    core_->take_webhook(std::move(request), std::move(answer));
  }
  bool receives_alone() const override { return !core_->by_webhook(); }
  // Telegram sends again what was not answered in time, and does not wait for the first attempt's end.
  bool repeats_events() const override { return core_->by_webhook(); }
  void send_only_while(std::function<bool()> may_send) override { core_->send_only_while(std::move(may_send)); }
  void deliver(const ChatAddress& chat, const ApiCall& call, std::function<void(Outcome)> done) override {
    core_->deliver(chat, call, std::move(done));
  }
  void fetch_file(const Attachment& file, std::size_t limit,
                  std::function<void(std::string, std::string)> done) override {
    core_->fetch_file(file, limit, std::move(done));
  }

 private:
  const SendingLimits limits_;
  std::shared_ptr<Core> core_;
};

}  // namespace

SendingLimits TelegramPace::limits() const {
  // Calls do not arrive as evenly as they leave, so each time is a little longer than Telegram's.
  constexpr std::int64_t kSecond = 1'050, kMinute = 61'000;
  SendingLimits limits;
  if (chat_messages_per_second > 0) {
    limits.chat_burst = std::max<std::uint32_t>(chat_burst, 1);
    limits.chat_interval = Duration{(kSecond + chat_messages_per_second - 1) / chat_messages_per_second};
  }
  limits.group = {group_messages_per_minute, Duration{kMinute}};
  limits.bot = {messages_per_second, Duration{kSecond}};
  // Numbers of groups and channels are negative.
  limits.is_group = [](std::string_view chat_id) { return chat_id.starts_with('-'); };
  return limits;
}

Capabilities telegram_capabilities() {
  Capabilities can;
  can.message_units = telegram::kTextUnits;
  can.caption_units = telegram::kCaptionUnits;
  can.topics = true;
  return can;
}

std::unique_ptr<Transport> make_telegram_transport(HttpClient& client, TelegramSettings settings) {
  return std::make_unique<TelegramTransport>(client, std::move(settings));
}

}  // namespace sufler

#include <algorithm>
#include <atomic>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "interpreter/core/text.h"
#include "interpreter/network/backoff.h"
#include "interpreter/transports/system.h"
#include "interpreter/transports/vk/buttons.h"
#include "interpreter/transports/vk/callback.h"
#include "interpreter/transports/vk/long_poll.h"
#include "interpreter/transports/vk/renderer.h"
#include "interpreter/transports/vk/uploads.h"
#include "interpreter/transports/vk/vk.h"

// Receiving is LongPoll's or Callback's; here is what becomes of a call. A message has the same `random_id` at
// every attempt, so VK itself sees to it that it is not sent twice, for about an hour. What lives here is
// held by every callback that is under way, so the transport itself may go first.

namespace sufler {
namespace {

using std::chrono::milliseconds;
using namespace vk;

/// VK knows a `random_id` for an hour or a hundred messages: repeats end well before.
constexpr std::int64_t kRepeatsForMs = std::int64_t{50} * 60'000;
constexpr std::size_t kUnclearMost = 10'000;

std::shared_ptr<const VkSettings> complete(VkSettings settings) {
  if (!settings.now) settings.now = [] { return system_now().unix_ms; };
  if (!settings.random) settings.random = system_random;
  return std::make_shared<const VkSettings>(std::move(settings));
}

std::string* field_of(Fields& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const auto& one) { return one.first == name; });
  return found == fields.end() ? nullptr : &found->second;
}

/// A call on its way.
struct Sending {
  ChatAddress chat;
  ApiCall call;
  Fields fields;
  std::function<void(Outcome)> done;
  bool anew = false;    // files were uploaded again
  bool bare = false;    // without its keyboard
  bool alone = false;   // not an answer to an earlier message any more
};

struct CloseLater {
  explicit CloseLater(std::shared_ptr<ApiClient> closed) : api(std::move(closed)) {}
  CloseLater(const CloseLater&) = delete;
  CloseLater& operator=(const CloseLater&) = delete;
  ~CloseLater() { api->close(); }
  std::shared_ptr<ApiClient> api;
};

class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(HttpClient& client, VkSettings settings)
      : client_(client),
        settings_(complete(std::move(settings))),
        api_(std::make_shared<ApiClient>(client, *settings_)),
        uploads_(std::make_shared<Uploads>(client, settings_, api_, settings_->random)),
        health_(std::make_shared<Health>()),
        sent_(std::make_shared<SentKeys>()),
        in_flight_(std::make_shared<std::atomic<std::size_t>>(0)),
        backoff_(settings_->backoff_first, settings_->backoff_most, settings_->random) {
    if (settings_->mode == VkSettings::Mode::Callback) {
      callback_ = std::make_shared<Callback>(receiver_parts());
    } else {
      long_poll_ = std::make_shared<LongPoll>(receiver_parts());
    }
  }

  bool by_callback() const { return callback_ != nullptr; }

  void start(std::string position, TransportHandlers handlers) {
    const bool again = stopped_.exchange(false);
    client_.post([self = shared_from_this(), again, position = std::move(position),
                  handlers = std::move(handlers)]() mutable {
      if (self->stopped_) return;
      // A poll that was stopped knows nothing of what came since.
      if (again && self->long_poll_) self->long_poll_ = std::make_shared<LongPoll>(self->receiver_parts());
      self->health_->use(std::move(handlers));
      if (self->callback_) self->callback_->start(position);
      if (self->long_poll_) self->long_poll_->start(position);
    });
  }

  void stop_receiving() {
    if (stopped_.exchange(true)) return;
    client_.post([self = shared_from_this()] {
      if (self->callback_) self->callback_->stop();
      if (self->long_poll_) self->long_poll_->stop();
    });
  }

  void close() {
    stop_receiving();
    // After the last words of `stop_receiving`, which are on their way to the network thread; at once when that
    // is gone and drops the function.
    client_.post([last = std::make_shared<CloseLater>(api_)] {});
  }

  void take_webhook(WebhookRequest request, std::function<void(WebhookAnswer)> answer) {
    if (!callback_) return answer({404, {}, {}});
    callback_->take(std::move(request), std::move(answer));
  }

  void deliver(const ChatAddress& chat, const ApiCall& call, std::function<void(Outcome)> done) {
    ++*in_flight_;
    auto sending = std::make_shared<Sending>();
    sending->chat = chat;
    sending->call.method = call.method;
    sending->call.files = call.files;
    sending->call.repeat_key = call.repeat_key;
    sending->done = std::move(done);
    sending->fields = form_fields(call.body);
    if (sending->fields.empty()) {
      Outcome outcome;
      outcome.kind = Outcome::Kind::Failed;
      outcome.reason = "a call without a body";
      client_.post([self = shared_from_this(), sending, outcome] { self->report(sending, outcome); });
      return;
    }
    if (call.method == "messages.send") {
      if (call.repeat_key > 0) sent_->add(call.repeat_key);
      sending->fields.emplace_back("random_id", std::to_string(std::max(call.repeat_key, 0)));
    }
    if (call.files.empty()) return send(sending);
    bring_files(sending);
  }

  void fetch_file(const Attachment& file, std::size_t limit, std::function<void(std::string, std::string)> done) {
    uploads_->fetch(file, limit, std::move(done));
  }

 private:
  ReceiverParts receiver_parts() const {
    return {client_,
            settings_,
            api_,
            std::make_shared<Names>(client_, api_, settings_->names_wait),
            health_,
            Community{settings_->group, sent_},
            settings_->random,
            [count = in_flight_] { return count->load(); }};
  }

  // --- files

  void bring_files(const std::shared_ptr<Sending>& sending) {
    uploads_->bring(sending->call.files, sending->chat.chat_id, sending->anew,
                    [self = shared_from_this(), sending](const NamedFiles& files) {
                      if (files.failed) {
                        if (files.failure.reason.rfind("token: ", 0) == 0) self->tell_token(files.failure.reason);
                        return self->report(sending, files.failure);
                      }
                      self->attach(*sending, files);
                      self->send(sending);
                    });
  }

  static void attach(Sending& sending, const NamedFiles& files) {
    std::erase_if(sending.fields, [](const auto& one) { return one.first == "attachment"; });
    std::string names;
    for (const std::string& name : files.names) {
      if (!names.empty()) names += ',';
      names += name;
    }
    if (!names.empty()) sending.fields.emplace_back("attachment", std::move(names));
    if (files.left_out.empty() || sending.anew) return;
    std::string lines;
    for (const std::string& name : files.left_out) lines += (lines.empty() ? "📎 " : "\n📎 ") + name + " ✗";
    std::string* text = field_of(sending.fields, "message");
    if (text == nullptr) {
      sending.fields.emplace_back("message", std::move(lines));
    } else if (count_utf16_units(*text) + count_utf16_units(lines) + 2 <= kTextUnits) {
      text->append("\n\n").append(lines);
    }
  }

  // --- calls

  void send(const std::shared_ptr<Sending>& sending) {
    // What was refused once for its own sake is not put together with others again.
    const bool alone = sending->anew || sending->bare || sending->alone;
    // Nothing changes the fields while the call is under way.
    api_->call(sending->call.method, SharedFields(sending, &sending->fields), alone ? std::string() : sending->chat.chat_id,
               [self = shared_from_this(), sending](const CallResult& result) { self->on_result(sending, result); });
  }

  void on_result(const std::shared_ptr<Sending>& sending, const CallResult& result) {
    if (result.kind != HttpAnswer::Kind::Answered) {
      Outcome outcome = unclear(*sending, result.kind == HttpAnswer::Kind::Lost);
      outcome.reason = result.error;
      if (result.cancelled) outcome.after = Duration{0};
      return report(sending, std::move(outcome));
    }
    if (result.answer.ok) {
      clear_up(sending->call.repeat_key);
      {
        std::lock_guard lock(mutex_);
        backoff_.reset();
      }
      // A message without its keyboard shows no progress in what keyboards need.
      if (keyboards_off_ && sending->call.method == "messages.send" && !sending->bare &&
          field_of(sending->fields, "keyboard")) {
        keyboards_off_ = false;
      }
      if (!keyboards_off_) health_->sending(true);
      Outcome sent;
      if (sending->call.method == "messages.send") sent.message_id = result.answer.message_id;
      return report(sending, std::move(sent));
    }
    refuse(sending, result);
  }

  void refuse(const std::shared_ptr<Sending>& sending, const CallResult& result) {
    const Refusal& refusal = result.answer.refusal;
    const Meaning meaning = meaning_of(refusal);
    switch (meaning) {
      case Meaning::TooFast: api_->rest(std::chrono::seconds(1)); break;
      case Meaning::Token: tell_token(result.reason()); break;
      case Meaning::Operator:
        health_->sending(false, "VK waits for the operator" + of_bot(*settings_) + ": " + result.reason());
        break;
      case Meaning::BotsOff:
        keyboards_off_ = true;
        health_->sending(false, "VK takes no keyboards, switch on the bot capabilities of the community: " +
                                    result.reason());
        if (field_of(sending->fields, "keyboard") == nullptr || sending->bare) break;
        // The text can be answered without buttons.
        sending->bare = true;
        std::erase_if(sending->fields, [](const auto& one) { return one.first == "keyboard"; });
        return send(sending);
      default: break;
    }
    // The message that is answered may be gone; what answers it is still to be read.
    const bool about_reply = refusal.code == 100 || refusal.code == 921 || refusal.code == 969;
    if (about_reply && !sending->alone && (field_of(sending->fields, "reply_to") || field_of(sending->fields, "forward"))) {
      sending->alone = true;
      std::erase_if(sending->fields, [](const auto& one) { return one.first == "reply_to" || one.first == "forward"; });
      return send(sending);
    }
    const bool about_files = meaning == Meaning::Upload || refusal.code == 100;
    if (about_files && !sending->call.files.empty() && !sending->anew) {
      sending->anew = true;
      return bring_files(sending);
    }
    Outcome outcome;
    if (meaning == Meaning::Transient) {
      outcome = unclear(*sending, true);
      outcome.reason = result.reason();
    } else {
      clear_up(sending->call.repeat_key);
      outcome = outcome_of(refusal, Duration{});
      // Only a person can forbid messages; of a conversation the reason tells.
      if (is_conversation(sending->chat.chat_id)) outcome.unreachable = false;
    }
    report(sending, std::move(outcome));
  }

  void tell_token(const std::string& reason) {
    health_->failed("VK does not accept the token" + of_bot(*settings_) + ": " + reason);
  }

  /// Nobody knows whether the call was carried out. A message is repeated with its `random_id` while VK
  /// remembers that.
  Outcome unclear(const Sending& sending, bool perhaps_done) {
    Outcome outcome;
    std::lock_guard lock(mutex_);
    outcome.after = Duration{backoff_.next().count()};
    outcome.kind = Outcome::Kind::Retry;
    if (!perhaps_done) return outcome;
    const std::int32_t key = sending.call.repeat_key;
    if (sending.call.method != "messages.send" || key <= 0) {
      outcome.kind = Outcome::Kind::Unknown;
      return outcome;
    }
    if (unclear_since_.size() >= kUnclearMost) unclear_since_.clear();
    const std::int64_t now = settings_->now();
    const std::int64_t since = unclear_since_.try_emplace(key, now).first->second;
    if (now - since > kRepeatsForMs) {
      outcome.kind = Outcome::Kind::Unknown;
      unclear_since_.erase(key);
    }
    return outcome;
  }

  void clear_up(std::int32_t key) {
    std::lock_guard lock(mutex_);
    unclear_since_.erase(key);
  }

  void report(const std::shared_ptr<Sending>& sending, Outcome outcome) {
    --*in_flight_;
    outcome.reason = api_->hidden(outcome.reason);
    sending->done(std::move(outcome));
    if (long_poll_ && client_.on_network_thread()) long_poll_->call_is_over();
  }

  HttpClient& client_;
  std::shared_ptr<const VkSettings> settings_;
  std::shared_ptr<ApiClient> api_;
  std::shared_ptr<Uploads> uploads_;
  std::shared_ptr<Health> health_;
  std::shared_ptr<SentKeys> sent_;
  std::shared_ptr<std::atomic<std::size_t>> in_flight_;
  std::shared_ptr<LongPoll> long_poll_;
  std::shared_ptr<Callback> callback_;
  std::atomic<bool> stopped_{false};
  bool keyboards_off_ = false;  // on the network thread only

  std::mutex mutex_;
  Backoff backoff_;
  std::unordered_map<std::int32_t, std::int64_t> unclear_since_;  // repeat key, unix ms
};

class VkTransport final : public Transport {
 public:
  VkTransport(HttpClient& client, VkSettings settings) : core_(std::make_shared<Core>(client, std::move(settings))) {}
  ~VkTransport() override { core_->close(); }

  std::string_view name() const override { return "vk"; }
  Capabilities capabilities() const override { return vk_capabilities(); }
  // VK counts requests, of which one may hold 25 calls, so ApiClient keeps the pace. Limits of one dialog it does
  // not tell; errors 9 and 29 say that they were met.

  std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const override {
    return vk::render(chat.chat_id, message);
  }
  ApiCall render_press_answer(const ChatAddress&, const std::string& press_id, const std::string& text) const override {
    return vk::render_press_answer(press_id, text);
  }
  // A message that was edited is marked so in VK: none grows there.
  /// By `random_id`, for about an hour.
  bool tells_repeats() const override { return true; }
  ApiCall render_typing(const ChatAddress& chat) const override { return vk::render_typing(chat.chat_id); }

  /// VK has no menu of commands to tell.
  void start(std::string position, std::vector<BotCommandHint>, TransportHandlers handlers) override {
    core_->start(std::move(position), std::move(handlers));
  }
  void stop_receiving() override { core_->stop_receiving(); }
  void take_webhook(WebhookRequest request, std::function<void(WebhookAnswer)> answer) override {
    core_->take_webhook(std::move(request), std::move(answer));
  }
  RetryAfterForm retry_after_form() const override { return RetryAfterForm::Date; }
  bool receives_alone() const override { return !core_->by_callback(); }
  bool repeats_events() const override { return true; }
  void deliver(const ChatAddress& chat, const ApiCall& call, std::function<void(Outcome)> done) override {
    core_->deliver(chat, call, std::move(done));
  }
  void fetch_file(const Attachment& file, std::size_t limit,
                  std::function<void(std::string, std::string)> done) override {
    core_->fetch_file(file, limit, std::move(done));
  }

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace

Capabilities vk_capabilities() {
  Capabilities can;
  can.message_units = vk::kTextUnits;
  can.caption_units = vk::kTextUnits;  // a text beside files has no limit of its own
  can.label_code_points = vk::kLabelCodePoints;
  can.reply_buttons = vk::kReplyButtons;
  can.inline_buttons = vk::kInlineButtons;
  can.contact_request = false;
  can.monospace = false;
  can.command_menu = false;
  return can;
}

std::unique_ptr<Transport> make_vk_transport(HttpClient& client, VkSettings settings) {
  return std::make_unique<VkTransport>(client, std::move(settings));
}

}  // namespace sufler

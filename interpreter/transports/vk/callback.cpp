#include "interpreter/transports/vk/callback.h"

#include <algorithm>

#include "interpreter/transports/secret.h"

namespace sufler::vk {
namespace {

constexpr std::chrono::seconds kComeAgain{10};
constexpr int kConfirmationChecks = 20;
constexpr std::string_view kTitle = "Sufler";  // at most 14 characters

WebhookAnswer later() { return {503, {}, kComeAgain}; }

}  // namespace

Callback::Callback(ReceiverParts parts)
    : parts_(std::move(parts)),
      backoff_(parts_.settings->backoff_first, parts_.settings->backoff_most, parts_.random),
      confirmation_(parts_.settings->confirmation) {}

void Callback::start(const std::string& position) {
  started_ = true;
  position_ = Position::parse(position);
  // The queue of the long poll is left; its place in time stays good.
  position_.ts.clear();
  if (!parts_.settings->confirmation.empty()) return parts_.health->receiving(true);
  set_up();
}

void Callback::stop() {
  if (std::exchange(stopped_, true)) return;
  for (Waiting& one : waiting_) one.answer(later());
  waiting_.clear();
  if (parts_.settings->remove_webhook && server_id_ != 0) {
    parts_.api->ask("groups.deleteCallbackServer",
                    {{"group_id", std::to_string(parts_.community.id)}, {"server_id", std::to_string(server_id_)}},
                    [](const CallResult&) {});
  }
}

// ------------------------------------------------------------------- calls to our address

void Callback::take(WebhookRequest request, std::function<void(WebhookAnswer)> answer) {
  WebhookEvent event;
  {
    std::lock_guard lock(decoder_mutex_);
    event = decoder_.read_webhook(request.body, parts_.community, parts_.settings->now());
  }
  // VK may ask for the confirmation before it uses the secret. The string serves nobody but the administrators of
  // the community, so that request alone may come without one, never with a wrong one.
  const bool asks = event.type == "confirmation";
  const bool trusted = same_secret(parts_.settings->secret, event.secret) || (asks && event.secret.empty());
  // What cannot be read shows no secret.
  if (!event.readable || !trusted || event.group_id != parts_.community.id) return answer({403, {}, {}});
  if (asks) {
    return parts_.client.post([self = shared_from_this(), answer = std::move(answer)] { self->confirm(answer); });
  }
  if (!event.update.incoming) return answer({200, "ok", {}});
  parts_.client.post([self = shared_from_this(), incoming = std::move(*event.update.incoming),
                      answer = std::move(answer)]() mutable {
    if (!self->started_ || self->stopped_) return answer(later());
    self->waiting_.push_back({std::move(incoming), std::move(answer)});
    self->hand_over();
  });
}

/// One batch at a time: what comes meanwhile makes the next one, in the order in which it came.
void Callback::hand_over() {
  if (handing_over_ || waiting_.empty() || stopped_) return;
  handing_over_ = true;
  std::vector<Incoming> events;
  auto answers = std::make_shared<std::vector<std::function<void(WebhookAnswer)>>>();
  for (Waiting& one : waiting_) {
    events.push_back(std::move(one.event));
    answers->push_back(std::move(one.answer));
  }
  waiting_.clear();
  Position next = position_;
  for (const Incoming& one : events) next.at = std::max(next.at, one.event.at.unix_ms);
  const auto finish = [self = shared_from_this(), answers, next](bool stored) {
    for (const auto& answer : *answers) answer(stored ? WebhookAnswer{200, "ok", {}} : later());
    self->parts_.client.post([self, next, stored] {
      if (stored) self->position_ = next;
      self->parts_.health->receiving(stored, stored ? std::string() : "events could not be stored");
      self->handing_over_ = false;
      self->hand_over();
    });
  };
  parts_.names->fill(std::move(events), [self = shared_from_this(), next, finish](std::vector<Incoming> named) {
    const TransportHandlers& handlers = self->parts_.health->handlers();
    if (self->stopped_ || !handlers.updates) return finish(false);
    handlers.updates(std::move(named), next.to_string(), finish);
  });
}

void Callback::confirm(std::function<void(WebhookAnswer)> answer) {
  if (!confirmation_.empty()) return answer({200, confirmation_, {}});
  ask_code([self = shared_from_this(), answer = std::move(answer)](const CallResult&) {
    if (self->confirmation_.empty()) return answer(later());
    answer({200, self->confirmation_, {}});
  });
}

// ------------------------------------------------------------------- setting up

void Callback::ask_code(std::function<void(CallResult)> then) {
  parts_.api->ask("groups.getCallbackConfirmationCode", {{"group_id", std::to_string(parts_.community.id)}},
                  [self = shared_from_this(), then = std::move(then)](CallResult result) {
                    if (result.ok()) {
                      if (std::string code = read_confirmation_code(result.body); !code.empty()) {
                        self->confirmation_ = std::move(code);
                      }
                    }
                    then(std::move(result));
                  });
}

void Callback::retry_set_up(const CallResult& result, const std::string& what) {
  if (stopped_ || result.cancelled) return;
  if (fail_for_token(parts_, result)) return;
  parts_.health->receiving(false, what + ": " + (result.ok() ? "VK's answer makes no sense" : result.reason()));
  parts_.client.after(may_pass(result) ? backoff_.next() : parts_.settings->backoff_most, [self = shared_from_this()] {
    if (!self->stopped_) self->set_up();
  });
}

void Callback::set_up() {
  // The code first: VK asks for it while the server is being added.
  ask_code([self = shared_from_this()](const CallResult& result) {
    if (self->confirmation_.empty() || !result.ok()) {
      return self->retry_set_up(result, "VK gives no confirmation code");
    }
    self->find_server();
  });
}

void Callback::find_server() {
  parts_.api->ask("groups.getCallbackServers", {{"group_id", std::to_string(parts_.community.id)}},
                  [self = shared_from_this()](const CallResult& result) {
                    std::vector<CallbackServer> servers;
                    if (!result.ok() || !read_callback_servers(result.body, servers)) {
                      return self->retry_set_up(result, "VK does not list its callback servers");
                    }
                    for (const CallbackServer& server : servers) {
                      if (server.url != self->parts_.settings->webhook_url) continue;
                      self->server_id_ = server.id;
                      if (server.secret == self->parts_.settings->secret) return self->choose_events();
                      return self->mend_server();
                    }
                    self->add_server();
                  });
}

void Callback::add_server() {
  parts_.api->ask("groups.addCallbackServer",
                  {{"group_id", std::to_string(parts_.community.id)},
                   {"url", parts_.settings->webhook_url},
                   {"title", std::string(kTitle)},
                   {"secret_key", parts_.settings->secret}},
                  [self = shared_from_this()](const CallResult& result) {
                    const std::int64_t id = result.ok() ? read_server_id(result.body) : 0;
                    if (id == 0) return self->retry_set_up(result, "VK does not take our address");
                    self->server_id_ = id;
                    self->choose_events();
                  });
}

void Callback::mend_server() {
  parts_.api->ask("groups.editCallbackServer",
                  {{"group_id", std::to_string(parts_.community.id)},
                   {"server_id", std::to_string(server_id_)},
                   {"url", parts_.settings->webhook_url},
                   {"title", std::string(kTitle)},
                   {"secret_key", parts_.settings->secret}},
                  [self = shared_from_this()](const CallResult& result) {
                    if (!result.ok()) return self->retry_set_up(result, "VK does not take our address");
                    self->choose_events();
                  });
}

void Callback::choose_events() {
  Fields fields = {{"group_id", std::to_string(parts_.community.id)}, {"server_id", std::to_string(server_id_)}};
  add_event_flags(fields);
  parts_.api->ask("groups.setCallbackSettings", std::move(fields), [self = shared_from_this()](const CallResult& result) {
    if (!result.ok()) return self->retry_set_up(result, "VK's events cannot be chosen");
    self->confirmation_checks_ = 0;
    self->await_confirmation();
  });
}

/// VK asks for the confirmation when it likes; before that it brings nothing.
void Callback::await_confirmation() {
  parts_.api->ask("groups.getCallbackServers", {{"group_id", std::to_string(parts_.community.id)}},
                  [self = shared_from_this()](const CallResult& result) {
                    if (self->stopped_ || result.cancelled) return;
                    std::vector<CallbackServer> servers;
                    if (!result.ok() || !read_callback_servers(result.body, servers)) {
                      return self->retry_set_up(result, "VK does not list its callback servers");
                    }
                    const auto own = std::find_if(servers.begin(), servers.end(), [&](const CallbackServer& one) {
                      return one.id == self->server_id_;
                    });
                    const std::string status = own == servers.end() ? "gone" : own->status;
                    if (status == "ok" || status.empty()) {
                      self->backoff_.reset();
                      self->parts_.health->receiving(true);
                      // Every change of the servers gives a new code.
                      return self->ask_code([](const CallResult&) {});
                    }
                    const bool waits = status == "wait" && ++self->confirmation_checks_ < kConfirmationChecks;
                    if (!waits) {
                      self->parts_.health->receiving(false, "VK got no confirmation from our address, it may not be "
                                                            "reachable from outside");
                    }
                    self->parts_.client.after(waits ? self->backoff_.next() : self->parts_.settings->backoff_most,
                                              [self, waits] {
                                                if (self->stopped_) return;
                                                if (waits) return self->await_confirmation();
                                                self->begin_anew();
                                              });
                  });
}

/// VK asks a server that failed no more: another one takes its place.
void Callback::begin_anew() {
  const std::int64_t failed = std::exchange(server_id_, 0);
  parts_.api->ask("groups.deleteCallbackServer",
                  {{"group_id", std::to_string(parts_.community.id)}, {"server_id", std::to_string(failed)}},
                  [self = shared_from_this()](const CallResult& result) {
                    if (!self->stopped_ && !result.cancelled) self->set_up();
                  });
}

}  // namespace sufler::vk

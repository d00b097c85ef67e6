#include "interpreter/transports/vk/callback.h"

#include <algorithm>

#include "interpreter/core/secret.h"
#include "interpreter/transports/vk/missed_events.h"

namespace sufler::vk {
namespace {

constexpr std::chrono::seconds kComeAgain{10};
constexpr int kConfirmationChecks = 20;
constexpr std::string_view kTitle = "Sufler";  // at most 14 characters
/// VK repeats an event that was not taken after 10 s, 3 min, 10 min, 30 min and 1 h.
constexpr std::int64_t kRepeatsSoonMs = 10'000;
constexpr std::int64_t kGivesUpMs = std::int64_t{2} * 3'600'000;
constexpr std::size_t kRefusedMost = 10'000;

WebhookAnswer later() { return {503, {}, kComeAgain}; }

}  // namespace

Callback::Callback(ReceiverParts parts)
    : parts_(std::move(parts)),
      backoff_(parts_.settings->backoff_first, parts_.settings->backoff_most, parts_.random),
      confirmation_(parts_.settings->confirmation) {}

void Callback::start(const std::string& position) {
  started_ = true;
  position_ = Position::parse(position);
  const std::int64_t now = parts_.settings->now();
  const bool by_hand = !parts_.settings->confirmation.empty();
  fresh_ = position_.at == 0;
  if (fresh_) {
    // Otherwise what comes before the first stored event would be lost with this process.
    place_to_keep_ = true;
    position_.at = now;
    position_.behind = !by_hand;
  } else if (!position_.ts.empty() || now - position_.at > kRepeatsSoonMs) {
    position_.behind = true;
  }
  // The queue of the long poll is left; its place in time stays good.
  position_.ts.clear();
  newest_ = position_.at;
  held_ = position_.behind;
  hand_over();
  if (!by_hand) return set_up();
  parts_.health->receiving(true);
  if (position_.behind) catch_up();
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
  if (handing_over_ || stopped_) return;
  const bool fetched = fetched_.has_value();
  const bool calls = !held_ && !waiting_.empty();
  if (!fetched && !calls && !place_to_keep_) return;
  handing_over_ = true;
  std::vector<Incoming> events;
  auto answers = std::make_shared<std::vector<std::function<void(WebhookAnswer)>>>();
  if (fetched) {
    events = std::move(*fetched_);
    fetched_.reset();
  } else if (calls) {
    for (Waiting& one : waiting_) {
      events.push_back(std::move(one.event));
      answers->push_back(std::move(one.answer));
    }
    waiting_.clear();
  }
  std::vector<std::string> ids;
  ids.reserve(events.size());
  std::int64_t newest = newest_;
  for (const Incoming& one : events) {
    ids.push_back(one.id);
    newest = std::max(newest, one.event.at.unix_ms);
  }
  Position next = position_;
  if (fetched) next.behind = false;
  if (!next.behind && (fetched || !waits_for_repeats_without(ids))) next.at = newest;
  const auto finish = [self = shared_from_this(), answers, ids = std::move(ids), next, newest, fetched](bool stored) {
    const std::int64_t at = self->parts_.settings->now();  // from here on VK may bring them again
    for (const auto& answer : *answers) answer(stored ? WebhookAnswer{200, "ok", {}} : later());
    self->parts_.client.post([self, ids, next, newest, fetched, stored, at] {
      self->handing_over_ = false;
      if (self->stopped_) return;
      // That the place can be kept says nothing of whether VK reaches us.
      if (fetched || !ids.empty()) {
        self->parts_.health->receiving(stored, stored ? std::string() : "events could not be stored");
      }
      if (stored) {
        self->newest_ = newest;
        self->on_stored(ids, next, fetched);
      } else {
        self->on_refused(ids, fetched, at);
      }
      self->hand_over();
    });
  };
  parts_.names->fill(std::move(events), [self = shared_from_this(), next, finish](std::vector<Incoming> named) {
    const TransportHandlers& handlers = self->parts_.health->handlers();
    if (self->stopped_ || !handlers.updates) return finish(false);
    handlers.updates(std::move(named), next.to_string(), finish);
  });
}

bool Callback::waits_for_repeats_without(const std::vector<std::string>& ids) const {
  if (refused_.empty()) return false;
  std::size_t come = 0;
  for (const std::string& id : std::set<std::string>(ids.begin(), ids.end())) come += refused_.count(id);
  return come < refused_.size();
}

void Callback::on_stored(const std::vector<std::string>& ids, const Position& next, bool fetched) {
  place_to_keep_ = false;
  // A loss that was found while this was being stored is not made good by it.
  if (fetched || !position_.behind) position_ = next;
  if (fetched) {
    fresh_ = false;
    refused_.clear();
    return let_go();
  }
  for (const std::string& id : ids) refused_.erase(id);
  if (refused_.empty() || position_.behind) return;
  // VK does not bring them any more.
  if (parts_.settings->now() - refused_since_ < kGivesUpMs && refused_.size() < kRefusedMost) return;
  position_.behind = true;
  catch_up();
}

void Callback::on_refused(const std::vector<std::string>& ids, bool fetched, std::int64_t at) {
  if (fetched) return catch_up_again("events could not be stored");
  if (ids.empty()) {
    // Only the place was to be kept. It goes with the next events, or after a while by itself.
    place_to_keep_ = false;
    parts_.client.after(backoff_.next(), [self = shared_from_this()] {
      self->place_to_keep_ = true;
      self->hand_over();
    });
    return;
  }
  if (refused_.empty()) refused_since_ = at;
  for (const std::string& id : ids) {
    if (refused_.size() < kRefusedMost) refused_.insert(id);
  }
}

// ------------------------------------------------------------------- what VK brings no more

void Callback::catch_up() {
  held_ = true;
  // The clocks of VK and of this machine may differ. What was written before a bot began is nobody's order to it.
  const std::int64_t since = position_.at / 1000 - (fresh_ ? 0 : kClocksDifferSeconds);
  const auto missed =
      std::make_shared<MissedEvents>(parts_.api, parts_.community, parts_.settings->now, MissedEvents::Bounds{});
  missed->fetch(since, [self = shared_from_this()](Result<std::vector<Incoming>, std::string> found) {
    if (self->stopped_) return;
    if (!found) return self->catch_up_again("missed messages cannot be fetched: " + found.error());
    self->fetch_attempts_ = 0;
    self->fetched_ = std::move(*found);
    self->hand_over();
  });
}

void Callback::catch_up_again(const std::string& reason) {
  if (++fetch_attempts_ >= kMissedAttempts) {
    fetch_attempts_ = 0;
    position_.behind = false;
    const TransportHandlers& handlers = parts_.health->handlers();
    const std::int64_t age = std::max<std::int64_t>(0, parts_.settings->now() - position_.at) / 1000;
    if (handlers.warning) {
      handlers.warning(parts_.api->hidden("what VK did not bring in the last " + std::to_string(age) +
                                          " s is left out; " + reason));
    }
    parts_.health->receiving(true);
  } else {
    parts_.health->receiving(false, parts_.api->hidden(reason));
    parts_.client.after(backoff_.next(), [self = shared_from_this()] {
      if (!self->stopped_) self->catch_up();
    });
  }
  let_go();
}

void Callback::let_go() {
  held_ = false;
  hand_over();
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
  // Whom VK calls all the same is not kept waiting.
  let_go();
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
                      // With another secret or without an answer nothing came that could be taken.
                      const bool served = server.secret == self->parts_.settings->secret;
                      const bool called = server.status == "ok" || server.status.empty();
                      if (!served || !called) self->position_.behind = true;
                      if (served) return self->choose_events();
                      return self->mend_server();
                    }
                    self->position_.behind = true;
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
                      self->ask_code([](const CallResult&) {});
                      return self->position_.behind ? self->catch_up() : self->let_go();
                    }
                    const bool waits = status == "wait" && ++self->confirmation_checks_ < kConfirmationChecks;
                    if (!waits) {
                      self->let_go();
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

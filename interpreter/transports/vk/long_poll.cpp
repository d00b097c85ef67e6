#include "interpreter/transports/vk/long_poll.h"

#include <algorithm>
#include <utility>

#include "interpreter/transports/vk/missed_events.h"

namespace sufler::vk {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kUpdatesBytes = std::size_t{32} << 20;
/// So many failed polls in a row, and the server is asked for anew: it may have moved.
constexpr int kFailuresOfServer = 3;

}  // namespace

LongPoll::LongPoll(ReceiverParts parts)
    : parts_(std::move(parts)),
      backoff_(parts_.settings->backoff_first, parts_.settings->backoff_most, parts_.random) {}

void LongPoll::start(const std::string& position) {
  position_ = Position::parse(position);
  // A place without its `ts` is left by the other way of receiving: what came since is in the histories.
  lost_ = position_.ts.empty() && position_.at > 0;
  new_ = position_.ts.empty() && position_.at == 0;
  if (position_.at == 0) position_.at = parts_.settings->now();
  check_group();
}

void LongPoll::stop() {
  stopped_ = true;
  if (request_ != 0) parts_.client.cancel(request_);
}

void LongPoll::trouble(const std::string& reason) { parts_.health->receiving(false, parts_.api->hidden(reason)); }

void LongPoll::tell_loss(const std::string& outcome) {
  if (std::exchange(loss_told_, true)) return;
  const TransportHandlers& handlers = parts_.health->handlers();
  const std::int64_t since = std::max<std::int64_t>(0, parts_.settings->now() - position_.at) / 1000;
  if (handlers.warning) {
    handlers.warning(parts_.api->hidden("VK lost events of its queue, the last known one is " + std::to_string(since) +
                                        " s old; " + outcome));
  }
}

void LongPoll::again(void (LongPoll::*step)(), milliseconds pause) {
  parts_.client.after(pause, [self = shared_from_this(), step, turn = ++turn_] {
    if (!self->stopped_ && self->turn_ == turn) (self.get()->*step)();
  });
}

// ------------------------------------------------------------------- the start

void LongPoll::check_group() {
  parts_.api->ask("groups.getById", {}, [self = shared_from_this()](CallResult result) {
    if (self->stopped_ || result.cancelled) return;
    if (!result.ok()) {
      if (fail_for_token(self->parts_, result)) return;
      self->trouble("VK cannot be asked about the community: " + result.reason());
      return self->again(&LongPoll::check_group, self->backoff_.next());
    }
    const std::int64_t id = read_group_id(result.body);
    if (id != 0 && id != self->parts_.community.id) {
      return self->parts_.health->failed("the token" + of_bot(*self->parts_.settings) + " is of the community " +
                                         std::to_string(id) + ", not of " +
                                         std::to_string(self->parts_.community.id));
    }
    self->choose_events();
  });
}

void LongPoll::choose_events() {
  Fields fields = {{"group_id", std::to_string(parts_.community.id)}, {"enabled", "1"}};
  add_event_flags(fields);
  parts_.api->ask("groups.setLongPollSettings", std::move(fields), [self = shared_from_this()](CallResult result) {
    if (self->stopped_ || result.cancelled) return;
    if (!result.ok() && fail_for_token(self->parts_, result)) return;
    if (!result.ok() && may_pass(result)) {
      self->trouble("VK's long poll cannot be set up: " + result.reason());
      return self->again(&LongPoll::choose_events, self->backoff_.next());
    }
    // A token without the right to change settings may still receive, when somebody set them by hand.
    self->ask_server(self->position_.ts.empty() ? Ts::Renew : Ts::Keep);
  });
}

void LongPoll::ask_server(Ts ts) {
  if (ts == Ts::Renew) server_asked_ = true;
  parts_.api->ask("groups.getLongPollServer", {{"group_id", std::to_string(parts_.community.id)}},
                  [self = shared_from_this(), ts](CallResult result) {
                    if (self->stopped_ || result.cancelled) return;
                    PollServer server;
                    if (result.ok() && read_poll_server(result.body, server)) {
                      self->server_ = server.url;
                      self->key_ = server.key;
                      if (self->server_asked_ || self->position_.ts.empty()) self->position_.ts = server.ts;
                      self->server_asked_ = false;
                      self->failures_ = 0;
                      if (!self->polled_) self->parts_.health->receiving(true);
                      return self->go_on();
                    }
                    if (!result.ok() && fail_for_token(self->parts_, result)) return;
                    self->trouble("VK gives no long poll server: " +
                                  (result.ok() ? "its answer makes no sense" : result.reason()));
                    self->parts_.client.after(
                        may_pass(result) ? self->backoff_.next() : self->parts_.settings->backoff_most,
                        [self, ts] {
                          if (!self->stopped_) self->ask_server(ts);
                        });
                  });
}

/// Where a new bot begins. Otherwise what comes before the first stored event would be lost with this process.
void LongPoll::keep_place() {
  if (stopped_) return;
  hand_over({}, position_, [this](bool stored) {
    if (!stored) {
      trouble("the place in VK's events could not be stored");
      return again(&LongPoll::keep_place, backoff_.next());
    }
    new_ = false;
    go_on();
  });
}

void LongPoll::go_on() {
  if (stopped_) return;
  if (new_) return keep_place();
  if (lost_) return bring_missed();
  poll();
}

// ------------------------------------------------------------------- polls

std::string LongPoll::poll_url() const {
  // The first poll, and the first after an outage, is short: it tells that the bot is served.
  const auto wait = in_touch_ ? std::max<std::int64_t>(parts_.settings->poll_time.count(), 1) : 1;
  return server_ + (server_.find('?') == std::string::npos ? "?" : "&") +
         form_body({{"act", "a_check"}, {"key", key_}, {"ts", position_.ts}, {"wait", std::to_string(wait)}});
}

void LongPoll::poll() {
  if (stopped_) return;
  ++turn_;
  awaiting_drain_ = false;
  HttpRequest request;
  request.url = poll_url();
  request.method = "GET";
  request.proxy = parts_.settings->proxy;
  request.lane = HttpRequest::Lane::Poll;
  request.repeatable = true;
  request.timeout = std::chrono::duration_cast<milliseconds>(parts_.settings->poll_time) + parts_.settings->poll_margin;
  request.max_response_bytes = kUpdatesBytes;
  const auto began = std::chrono::steady_clock::now();
  polled_ = true;
  request_ = parts_.client.submit(std::move(request), [self = shared_from_this(), began](HttpAnswer answer) {
    self->request_ = 0;
    if (!self->stopped_) self->on_poll(std::move(answer), std::chrono::steady_clock::now() - began);
  });
}

void LongPoll::on_poll(HttpAnswer answer, std::chrono::steady_clock::duration took) {
  PollAnswer events;
  std::string reason;
  if (answer.kind != HttpAnswer::Kind::Answered) {
    if (answer.cancelled) return;
    reason = "VK's long poll cannot be reached: " + answer.error;
  } else if (answer.status != 200) {
    reason = "VK's long poll answered HTTP " + std::to_string(answer.status);
  } else {
    events = decoder_.read_poll(answer.body, parts_.community, parts_.settings->now());
    if (events.kind == PollAnswer::Kind::Broken) reason = "an answer of VK's long poll makes no sense";
  }
  if (!reason.empty()) {
    in_touch_ = false;
    trouble(reason);
    const milliseconds pause = std::max<milliseconds>(backoff_.next(), answer.retry_after);
    if (++failures_ < kFailuresOfServer) return again(&LongPoll::poll, pause);
    failures_ = 0;
    parts_.client.after(pause, [self = shared_from_this(), turn = ++turn_] {
      if (!self->stopped_ && self->turn_ == turn) self->ask_server(Ts::Keep);
    });
    return;
  }
  failures_ = 0;
  switch (events.kind) {
    case PollAnswer::Kind::Broken: return;
    case PollAnswer::Kind::SomeLost:
      position_.ts = events.ts;
      lost_ = true;
      loss_told_ = false;
      // A server that does nothing but lose events must not be asked without a pause.
      if (++quick_empties_ > 3) return again(&LongPoll::go_on, backoff_.next());
      return go_on();
    case PollAnswer::Kind::KeyExpired:
    case PollAnswer::Kind::AllLost: {
      const bool all = events.kind == PollAnswer::Kind::AllLost;
      lost_ = lost_ || all;
      if (all) loss_told_ = false;
      // Nor one that does nothing but expire keys.
      if (++quick_empties_ > 3) {
        const Ts ts = all ? Ts::Renew : Ts::Keep;
        parts_.client.after(backoff_.next(), [self = shared_from_this(), turn = ++turn_, ts] {
          if (!self->stopped_ && self->turn_ == turn) self->ask_server(ts);
        });
        return;
      }
      return ask_server(all ? Ts::Renew : Ts::Keep);
    }
    case PollAnswer::Kind::Updates: break;
  }
  in_touch_ = true;
  backoff_.reset();
  parts_.health->receiving(true);
  if (events.count == 0) {
    position_.ts = events.ts;
    // Nor a server that does not hold polls.
    quick_empties_ = took < milliseconds(100) ? std::min(quick_empties_ + 1, 50) : 0;
    if (quick_empties_ > 1) return again(&LongPoll::poll, milliseconds(10) * quick_empties_);
    return poll();
  }
  quick_empties_ = 0;
  take(std::move(events));
}

void LongPoll::take(PollAnswer answer) {
  Position next{answer.ts, position_.at};
  for (const Incoming& one : answer.incoming) next.at = std::max(next.at, one.event.at.unix_ms);
  if (answer.incoming.empty()) {
    position_ = next;
    return poll_soon();
  }
  hand_over(std::move(answer.incoming), next,
            [this, next](bool stored) { on_stored(next, stored); });
}

void LongPoll::hand_over(std::vector<Incoming> events, const Position& next, std::function<void(bool)> stored) {
  parts_.names->fill(std::move(events), [self = shared_from_this(), next, stored = std::move(stored)](
                                            std::vector<Incoming> named) mutable {
    if (self->stopped_) return;
    const TransportHandlers& handlers = self->parts_.health->handlers();
    if (!handlers.updates) return stored(true);
    handlers.updates(std::move(named), next.to_string(),
                     [self, turn = ++self->turn_, stored = std::move(stored)](bool well) mutable {
                       self->parts_.client.post([self, turn, well, stored = std::move(stored)] {
                         if (!self->stopped_ && self->turn_ == turn) stored(well);
                       });
                     });
  });
}

void LongPoll::on_stored(const Position& next, bool stored) {
  if (!stored) {
    // VK keeps what lies behind the old `ts`, and brings it again.
    trouble("events could not be stored");
    return again(&LongPoll::poll, backoff_.next());
  }
  position_ = next;
  poll_soon();
}

/// Under load a little later: what comes meanwhile, echoes of our own messages above all, comes together.
void LongPoll::poll_soon() {
  const milliseconds most = parts_.settings->poll_wait;
  if (parts_.in_flight() <= parts_.settings->poll_below || most.count() == 0) {
    drained_ = true;
    return poll();
  }
  // On a slow network, or at VK's own pace, no wait sees the sends end, and would only delay the next batch.
  patience_ = drained_ ? most : std::max(patience_ / 2, milliseconds(1));
  drained_ = false;
  awaiting_drain_ = true;
  again(&LongPoll::poll, patience_);
}

void LongPoll::call_is_over() {
  if (stopped_ || !awaiting_drain_ || parts_.in_flight() > parts_.settings->poll_below) return;
  drained_ = true;
  poll();
}

// ------------------------------------------------------------------- what VK lost

void LongPoll::bring_missed() {
  if (stopped_) return;
  auto missed = std::make_shared<MissedEvents>(parts_.api, parts_.community, parts_.settings->now, MissedEvents::Bounds{});
  missed->fetch(position_.at / 1000 - kClocksDifferSeconds, [self = shared_from_this()](Result<std::vector<Incoming>, std::string> found) {
    if (self->stopped_) return;
    if (!found) {
      self->trouble("missed messages cannot be fetched: " + found.error());
      if (++self->missed_attempts_ < kMissedAttempts) {
        return self->again(&LongPoll::bring_missed, self->backoff_.next());
      }
      // Better to serve those who write now.
      self->tell_loss("the dialogs' histories cannot be had: " + found.error());
      self->missed_attempts_ = 0;
      self->lost_ = false;
      return self->poll();
    }
    self->missed_attempts_ = 0;
    self->tell_loss("the dialogs' histories since then hold " + std::to_string(found->size()));
    if (found->empty()) {
      self->lost_ = false;
      return self->poll();
    }
    Position next = self->position_;
    for (const Incoming& one : *found) next.at = std::max(next.at, one.event.at.unix_ms);
    LongPoll* const raw = self.get();
    self->hand_over(std::move(*found), next, [raw, next](bool stored) {
      if (!stored) {
        raw->trouble("events could not be stored");
        return raw->again(&LongPoll::bring_missed, raw->backoff_.next());
      }
      raw->position_ = next;
      raw->lost_ = false;
      raw->poll();
    });
  });
}

}  // namespace sufler::vk

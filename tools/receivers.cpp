#include "tools/receivers.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "interpreter/runtime/log.h"

namespace sufler {
namespace {

TransportHandlers handlers_of(ServedTransport& one, Engine& engine,
                              const std::vector<std::unique_ptr<ServedTransport>>& served) {
  using Health = ServedTransport::Health;
  TransportHandlers handlers;
  handlers.updates = [&engine, &one](std::vector<Incoming> updates, std::string position,
                                     std::function<void(bool)> stored) {
    engine.take(one.bot, one.transport->name(), std::move(updates), std::move(position),
                one.transport->repeats_events(), std::move(stored));
  };
  handlers.failed = [&one, &served](std::string reason) {
    one.health = Health::Failed;
    write_log(LogLevel::Error, "the bot cannot be served: " + reason,
              {{"bot", one.bot}, {"transport", one.transport->name()}});
    // With no bot left there is nothing to serve.
    if (nobody_is_served(served)) kill(getpid(), SIGTERM);
  };
  handlers.health = [&one](bool well, std::string reason) {
    // On the transport's thread: the lead may have been lost meanwhile, and a standby has no health.
    Health before = one.health;
    do {
      if (before == Health::Standby) return;
    } while (before != Health::Failed &&
             !one.health.compare_exchange_weak(before, well ? Health::Well : Health::Troubled));
    write_log(well ? LogLevel::Info : LogLevel::Warning, well ? "serving" : reason,
              {{"bot", one.bot}, {"transport", one.transport->name()}});
  };
  handlers.warning = [&one](std::string line) {
    ++one.warnings;
    write_log(LogLevel::Warning, line, {{"bot", one.bot}, {"transport", one.transport->name()}});
  };
  return handlers;
}

}  // namespace

bool nobody_is_served(const std::vector<std::unique_ptr<ServedTransport>>& served) {
  using Health = ServedTransport::Health;
  return std::all_of(served.begin(), served.end(),
                     [](const auto& one) { return one->health == Health::Failed || one->health == Health::LeftOut; });
}

void Receivers::awake(const std::string& bot) {
  for (const auto& one : served_) {
    if (one->bot != bot || one->health != ServedTransport::Health::LeftOut) continue;
    one->health = ServedTransport::Health::Standby;
    if (!one->transport->receives_alone()) begin(*one);
  }
}

void Receivers::lead(const std::string& bot, bool leads) {
  for (const auto& one : served_) {
    if (one->bot != bot || !one->transport->receives_alone()) continue;
    waiting_.erase(one.get());
    if (leads) {
      begin(*one);
    } else if (one->health != ServedTransport::Health::Failed) {
      one->transport->stop_receiving();
      one->health = ServedTransport::Health::Standby;
    }
  }
}

void Receivers::begin(ServedTransport& one) {
  if (one.health == ServedTransport::Health::Failed) return;
  auto position = engine_.position(one.bot, one.transport->name());
  if (!position) {
    write_log(LogLevel::Error, position.error().message, {{"bot", one.bot}});
    waiting_.insert(&one);
    client_.after(kAskAgain, [this, &one] {
      engine_.ask([this, &one](Storage&) {
        // Another process may lead the bot by now, or we anew.
        if (waiting_.erase(&one) != 0) begin(one);
      });
    });
    return;
  }
  one.health = ServedTransport::Health::Starting;
  one.transport->start(*position, one.menu, handlers_of(one, engine_, served_));
}

}  // namespace sufler

#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "interpreter/transports/transport.h"

namespace sufler {

/// Stands behind a transport in its tests, in the place of the runtime: keeps what arrives, and stores it or not.
struct Receiving {
  /// Bound to this object, which must outlive the transport.
  TransportHandlers handlers() {
    TransportHandlers bound;
    bound.updates = [this](std::vector<Incoming> updates, std::string at, std::function<void(bool)> done) {
      std::unique_lock lock(mutex);
      for (Incoming& one : updates) got.push_back(std::move(one));
      position = std::move(at);
      ++batches;
      changed.notify_all();
      if (hold) {
        held.push_back(std::move(done));
        return;
      }
      const bool stored = refusals-- <= 0;
      lock.unlock();
      done(stored);
    };
    bound.failed = [this](std::string reason) {
      std::lock_guard lock(mutex);
      failure = std::move(reason);
      changed.notify_all();
    };
    bound.health = [this](bool well, std::string reason) {
      std::lock_guard lock(mutex);
      health.push_back(well ? "well" : "ill: " + reason);
      changed.notify_all();
    };
    bound.warning = [this](std::string line) {
      std::lock_guard lock(mutex);
      warnings.push_back(std::move(line));
      changed.notify_all();
    };
    return bound;
  }

  template <class Done>
  bool wait(Done done) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), done);
  }
  bool wait_for_updates(std::size_t count) {
    return wait([&] { return got.size() >= count; });
  }
  bool wait_for_health(std::size_t count) {
    return wait([&] { return health.size() >= count; });
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Incoming> got;
  std::string position;
  int batches = 0;
  int refusals = 0;   ///< so many batches are not stored
  bool hold = false;  ///< nothing is stored before a test calls `held`
  std::vector<std::function<void(bool)>> held;
  std::string failure;
  std::vector<std::string> health;
  std::vector<std::string> warnings;
};

}  // namespace sufler

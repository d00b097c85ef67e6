#pragma once
#include <atomic>
#include <functional>

#include "storage/storage.h"

namespace sufler {

class Engine;

/// Does jobs on the storage of a running engine, between two of its turns, for threads that may wait: an `OnStorage`.
class BetweenTurns {
 public:
  /// The engine must not have stopped while this is asked.
  explicit BetweenTurns(Engine& engine) : engine_(engine) {}
  BetweenTurns(const BetweenTurns&) = delete;
  BetweenTurns& operator=(const BetweenTurns&) = delete;

  /// Waits for its end. Not done at all once this was stopped.
  Stored<Done> operator()(const std::function<Stored<Done>(Storage&)>& job);
  /// Thread-safe; whoever waits for a job that has not begun is sent away.
  void stop() { stopping_ = true; }

 private:
  Engine& engine_;
  std::atomic<bool> stopping_{false};
};

}  // namespace sufler

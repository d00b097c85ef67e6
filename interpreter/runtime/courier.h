#pragma once
#include <functional>
#include <string_view>

#include "interpreter/core/api_call.h"

namespace sufler {

/// Whoever carries calls to a platform; the transports stand behind it, and the runtime knows none.
class Courier {
 public:
  virtual ~Courier() = default;
  /// Thread-safe; `done` comes exactly once, on another thread or at once.
  virtual void deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call,
                       std::function<void(Outcome)> done) = 0;
  /// Runs `job` after `delay`, on a thread of its own choice.
  virtual void later(Duration delay, std::function<void()> job) = 0;
};

}  // namespace sufler

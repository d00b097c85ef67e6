#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/happenings.h"
#include "interpreter/runtime/clock.h"
#include "interpreter/runtime/engine.h"
#include "interpreter/runtime/metrics.h"
#include "interpreter/transports/transport.h"

namespace sufler {

/// `{"error": {"code", "message", "way_out"}}`, as hooks and the API say what went wrong.
WebhookAnswer json_error(int status, std::string_view code, std::string_view message, std::string_view way_out = {},
                         std::chrono::seconds retry_after = std::chrono::seconds(0));

/// So many in each span of time, which begins with the first.
class CallGate {
 public:
  /// Nothing: it may pass; otherwise how long to wait.
  std::optional<std::chrono::seconds> pass(std::uint32_t limit, Duration period, std::chrono::milliseconds monotonic);

 private:
  std::chrono::milliseconds since_{0};
  std::uint32_t count_ = 0;
  bool begun_ = false;
};

/// The addresses that other systems call: `POST /hooks/BOT/NAME` for the `webhook` events of the bots (LANGUAGE 14). Says 200
/// when what came is stored. The engine must outlive it, and it the engine's last job.
class Hooks {
 public:
  static constexpr std::string_view kPrefix = "/hooks/";
  /// Calls whose storing is waited for; more are sent away for a second.
  static constexpr std::size_t kMostWaiting = 200;

  Hooks(Engine& engine, const Clock& clock) : engine_(engine), clock_(clock) {}

  /// Another version of the bot is served. Thread-safe, as `take` is.
  void serve(const std::string& bot, const Program& program);
  void take(WebhookRequest request, std::function<void(WebhookAnswer)> answer);
  void add_metrics(MetricsText& text) const;

 private:
  struct Terms {
    std::shared_ptr<const Happenings> events;
    std::map<std::string, std::string> secrets;  ///< by variable
  };
  struct Calling;
  void store(std::shared_ptr<Calling> calling);
  void count(const std::string& bot, const std::string& event, const char* outcome);
  WebhookAnswer forged(const std::string& bot, const std::string& event);

  Engine& engine_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Terms, std::less<>> bots_;
  std::map<std::string, CallGate> gates_;  ///< by bot and event
  struct Figure {
    std::string bot, event, outcome;
    auto operator<=>(const Figure&) const = default;
  };
  std::map<Figure, std::uint64_t> figures_;
  std::atomic<std::size_t> waiting_{0};
};

}  // namespace sufler

#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/runtime/config.h"
#include "interpreter/runtime/engine.h"
#include "interpreter/runtime/metrics.h"
#include "interpreter/transports/transport.h"
#include "tools/hooks.h"

namespace sufler {

/// What other services may ask of the bots: `/api/v1/…`, as docs/openapi.json describes it. Whatever it changes goes through
/// the inbox, like what people write. The engine must outlive it, and it the engine's last job.
class Api {
 public:
  static constexpr std::string_view kPrefix = "/api/v1/";
  /// Wrong tokens in a minute; whoever sends more is told to wait, and only the right ones are heard.
  static constexpr std::uint32_t kWrongTokens = 10;

  Api(const ApiConfig& config, std::vector<std::string> bots, Engine& engine, const Clock& clock)
      : config_(config), bots_(std::move(bots)), engine_(engine), clock_(clock) {}

  /// Thread-safe.
  void take(WebhookRequest request, std::function<void(WebhookAnswer)> answer);
  void add_metrics(MetricsText& text) const;

  struct Asked;

 private:
  const ApiToken* known(std::string_view authorization) const;
  bool take_pair(Asked& asked);
  WebhookAnswer wrong_token();
  void on_storage(Asked asked, std::function<WebhookAnswer(Transaction&, const Program&, const Asked&, Stored<Done>&)> work);

  const ApiConfig& config_;
  const std::vector<std::string> bots_;
  Engine& engine_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, CallGate> gates_;  ///< by the token's name
  CallGate wrong_;
  std::uint64_t wrong_tokens_ = 0;
  std::map<int, std::uint64_t> by_status_;
};

/// The description of the API, OpenAPI 3 as JSON.
std::string_view openapi_json();

}  // namespace sufler

#pragma once
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "interpreter/runtime/engine.h"
#include "tools/serving.h"

namespace sufler {

/// Whether nothing can be received, for good.
bool nobody_is_served(const std::vector<std::unique_ptr<ServedTransport>>& served);

/// Receiving for the bots that this process leads.
class Receivers {
 public:
  /// When no transport can be served any more, the process ends. All must outlive it.
  Receivers(Engine& engine, const std::vector<std::unique_ptr<ServedTransport>>& served, HttpClient& client)
      : engine_(engine), served_(served), client_(client) {}

  /// On the engine's thread.
  void lead(const std::string& bot, bool leads);
  /// On the engine's thread, or before it has begun.
  void begin(ServedTransport& one);
  /// A bot that was left out is served from now on. On the engine's thread.
  void awake(const std::string& bot);

  static constexpr std::chrono::milliseconds kAskAgain{500};

 private:
  Engine& engine_;
  const std::vector<std::unique_ptr<ServedTransport>>& served_;
  HttpClient& client_;
  std::set<const ServedTransport*> waiting_;  // whose position could not be read yet
};

}  // namespace sufler

#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/runtime/player.h"

namespace sufler {

/// What an engine lacks of its bots' versions, told to whoever reads them, and again from time to time until it is
/// there. On the engine's thread.
class VersionNeeds {
 public:
  using Clock = std::chrono::milliseconds;  ///< monotonic
  static constexpr Clock kAgain{1'000};

  std::function<void(std::string_view bot)> stale;
  std::function<void(std::string_view bot, const std::string& version)> wanted;

  void tell_stale(const std::vector<std::unique_ptr<Player>>& players, Clock now) {
    if (!stale || now < next_stale_) return;
    for (const auto& player : players) {
      if (!player->outdated()) continue;
      next_stale_ = now + kAgain;
      stale(player->setup().name);
    }
  }

  void tell_wanted(const std::vector<std::unique_ptr<Player>>& players, Clock now) {
    for (const auto& player : players) {
      for (const std::string& version : player->wanted()) {
        const auto told = told_.try_emplace({player->setup().name, version}, now).first;
        if (told->second > now) continue;
        told->second = now + kAgain;
        if (wanted) wanted(player->setup().name, version);
      }
    }
  }
  void came(const std::string& bot, const std::string& version) { told_.erase({bot, version}); }
  /// When to tell again at the latest.
  std::optional<Clock> rest() const { return told_.empty() ? std::nullopt : std::optional(kAgain); }

 private:
  Clock next_stale_{0};
  std::map<std::pair<std::string, std::string>, Clock> told_;  ///< bot and version → when it is told again
};

}  // namespace sufler

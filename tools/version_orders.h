#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "interpreter/runtime/config.h"
#include "interpreter/runtime/deploying.h"

namespace sufler {

/// What operators' words do to the versions of a bot, in the process that serves or beside it.
class VersionOrders {
 public:
  /// Called in the job that has stored a switch, with what the bot is to be played with from now on.
  using Adopt = std::function<void(const BotConfig& bot, Serving serving, const Deployment& deployment)>;

  struct Outcome {
    std::string bot;
    bool done = false;
    bool changed = false;      ///< false: it was so already
    std::string before, version;
    std::string error;         ///< one line
    std::string problems;      ///< diagnostics of a scenario that was refused, as for a person
    std::vector<std::string> errors;  ///< the same, one line each
    std::vector<std::string> lines = {};  ///< what differs from the version before, for people
    std::shared_ptr<const Program> program = nullptr;  ///< that is live now, when it changed
  };

  /// `config` must outlive it. `wait` rests for a while and is false when there is no more time.
  VersionOrders(OnStorage on_storage, const Config& config, Adopt adopt,
                std::function<bool(std::chrono::milliseconds)> wait);

  /// Takes what is on disk. `before`: the version that is live, where it is at hand.
  Outcome reload(const BotConfig& bot, const std::string& note, std::shared_ptr<const Program> before);
  /// Goes back to a stored version; to the one before when `version` is empty.
  Outcome roll_back(const BotConfig& bot, const std::string& version);
  /// One person's dialogs run the scenario at `path`; everybody's the live one again when it is empty.
  Outcome rehearse(const BotConfig& bot, const std::string& path, const std::string& transport, const std::string& user_id);
  /// Takes over what another process has deployed, when it is newer than `generation`.
  Outcome catch_up(const BotConfig& bot, const std::string& playing, std::int64_t generation);
  /// A stored version; null with `outcome.error`. `gone`: asking again will not help.
  std::shared_ptr<const Program> stored(const BotConfig& bot, const std::string& version, Outcome& outcome,
                                        bool* gone = nullptr);

 private:
  ReadVersion read(const std::string& path, const BotConfig& bot);
  /// The deployment as it stands; nothing with `outcome.error`.
  std::optional<Deployment> deployment_of(const BotConfig& bot, Outcome& outcome);
  using Switch = std::function<Stored<Deployment>(Storage&)>;
  void deploy(const BotConfig& bot, Deployment expected, std::shared_ptr<const Program> program, const Switch& change,
              Outcome& outcome);

  OnStorage on_storage_;
  const Config& config_;
  FileCache cache_;
  Adopt adopt_;
  std::function<bool(std::chrono::milliseconds)> wait_;
};

/// What the scenario of a bot is held against.
LoadOptions load_options_of(const BotConfig& bot, const Config& config);
/// A path as a person in the working folder would write it, where that is shorter.
std::string shown_path(const std::string& path);
/// Where files of stored versions are put, so that they can be sent.
std::string version_cache(const Config& config);

}  // namespace sufler

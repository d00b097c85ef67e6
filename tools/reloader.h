#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "interpreter/runtime/config.h"
#include "interpreter/runtime/deploying.h"
#include "interpreter/runtime/engine.h"
#include "tools/serving.h"

namespace sufler {

/// Takes new versions of scenarios into the running process: reads and checks them on a thread of its own, so that no
/// turn waits, and hands them to the engine between two turns. A broken one is refused while the old one serves on.
class Reloader {
 public:
  /// Called on the engine's thread before a bot is served with another version.
  using Adopted = std::function<void(const std::string& bot, const Program& program, bool was_left_out)>;
  /// All must outlive `stop`.
  Reloader(const Config& config, Engine& engine, Bots& bots, Adopted adopted = {});
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;
  ~Reloader();

  /// Takes what is on disk, of one bot or of all when `bot` is empty. `because`: for the log.
  void reload(const std::string& bot, const std::string& note, const std::string& because);
  /// An operator's command: `reload`, `rollback`, `rehearse` as operations.h has them. `answer` takes JSON, once.
  void command(const std::string& request, std::function<void(std::string)> answer);
  /// Another process has deployed something newer.
  void catch_up(const std::string& bot);
  /// Dialogs wait for this version: reads it and hands it to the engine.
  void fetch(const std::string& bot, const std::string& version);
  /// The versions that are live here, by bot.
  std::map<std::string, std::string> versions() const;
  /// Before the engine stops.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whether an operator's command is one of these.
bool is_for_reloader(std::string_view op);

}  // namespace sufler

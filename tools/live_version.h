#pragma once
#include <memory>
#include <optional>
#include <string>

#include "interpreter/core/program.h"
#include "interpreter/runtime/config.h"
#include "storage/live_dialogs.h"

namespace sufler {

/// What a bot is served with, as far as it can be known without asking the process.
struct LiveVersion {
  std::shared_ptr<const Program> program;  ///< null: not known
  std::string version;
};
/// `from`: named by the operator, on disk; empty: found out. Nothing after a complaint.
std::optional<LiveVersion> live_version(LiveDialogs& dialogs, const BotConfig& bot, const std::string& from,
                                        Language language);

}  // namespace sufler

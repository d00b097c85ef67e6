#include "tools/live_version.h"

#include <iostream>

#include "schema/loader.h"
#include "tools/operator_link.h"

namespace sufler {

std::optional<LiveVersion> live_version(LiveDialogs& dialogs, const BotConfig& bot, const std::string& from,
                                        Language language) {
  LoadOptions load;
  for (const auto& [role, _] : bot.roles) load.roles.push_back(role);
  if (!from.empty()) {
    Loaded loaded = load_scenario(from, load);
    if (loaded.program) return LiveVersion{loaded.program, loaded.program->version};
    std::cerr << render_text(loaded.diagnostics.sorted(), loaded.sources, language);
    return std::nullopt;
  }
  const auto trouble = [](const StorageError& error) -> std::optional<LiveVersion> {
    complain(error.message);
    return std::nullopt;
  };
  auto row = dialogs.live_version(bot.name);
  if (!row) return trouble(row.error());
  if (!*row) return LiveVersion{};
  LiveVersion live{nullptr, (*row)->version};
  std::vector<std::pair<std::string, std::string>> texts;
  for (const VersionFile& file : (*row)->files) {
    if (!file.yaml) continue;
    auto text = dialogs.content(file);
    if (!text) return trouble(text.error());
    if (!*text) return live;  // not stored whole
    texts.emplace_back(file.path, std::move(**text));
  }
  if (texts.empty()) return live;
  LoadOptions stored;
  stored.version = live.version;
  for (const VersionFile& file : (*row)->files)
    if (!file.yaml) stored.other_files.push_back(file.path);
  std::optional<StorageError> failed;
  stored.read = [&](const std::string& reference) -> std::optional<std::string> {
    for (const VersionFile& file : (*row)->files) {
      if (file.yaml || file.path != reference) continue;
      auto bytes = dialogs.content(file);
      if (bytes) return std::move(*bytes);
      failed = bytes.error();
    }
    return std::nullopt;
  };
  live.program = load_scenario_text(texts, stored).program;
  if (failed) return trouble(*failed);
  return live;
}

}  // namespace sufler

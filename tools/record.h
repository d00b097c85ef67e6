#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "interpreter/runtime/replay.h"

namespace sufler {

/// Files of a version of the scenario, path and text; empty when they are not known.
using VersionTexts = std::function<std::vector<std::pair<std::string, std::string>>(const std::string& version)>;

/// A dialog of the journal as a talk that passes when it is played with `program`: people's data is masked, and what
/// the bot says is what it says to that. Nothing after a complaint on standard error.
/// `versions`: the talk begins with the version that it had then, and changes it where the dialog came to another one;
/// without it the whole talk is played with `program`.
std::optional<std::string> record_talk(const RecordedDialog& dialog, std::shared_ptr<const Program> program,
                                       Language language, const VersionTexts& versions = {});

}  // namespace sufler

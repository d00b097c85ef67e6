#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "interpreter/core/value.h"

namespace sufler {

/// A stored state, of whatever version, with `•••` in the place of answers to secret questions; all else is as it was,
/// so that another version finds its places in it. `all_rests`: what was gathered counts as secret even where the
/// question was not. Nothing when it cannot be read. `locale`: as values are shown, to find them in texts.
std::optional<std::string> blot_state(std::string_view json, const Locale& locale, bool all_rests);

}  // namespace sufler

#pragma once
// Inside of the fake; tests include fake_vk.h.
#include <string>

#include "fakes/vk/params.h"

namespace sufler::fakes::vk {

/// Checks a keyboard; throws 911, or 100 for what is no JSON. Returns it with every field present.
Json read_keyboard(const std::string& text, bool strict);
/// Checks format_data against the text; returns its items.
Json read_format_data(const Json& data, const std::string& text);
/// Checks a carousel; throws 100.
void check_template(const Json& carousel, bool strict);

}  // namespace sufler::fakes::vk

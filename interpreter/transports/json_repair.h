#pragma once
#include <string>
#include <string_view>

namespace sufler {

/// Replaces what simdjson refuses but a sloppy server may write inside strings: bytes that are not UTF-8,
/// and halves of surrogate pairs. One update with such a text must not stop the bot for good.
std::string repaired_json(std::string_view json);

}  // namespace sufler

#pragma once
#include <string>
#include <string_view>

namespace sufler::storage {

/// Any bytes as a text that both databases take: a photo has NULs, and a part may end amid a character.
std::string to_base64(std::string_view bytes);
/// Reads until the first character that is none of Base64.
std::string from_base64(std::string_view text);

}  // namespace sufler::storage

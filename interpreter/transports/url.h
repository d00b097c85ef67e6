#pragma once
#include <string>
#include <string_view>

namespace sufler {

/// RFC 3986: everything but letters, digits, `-._~` and the characters of `kept` becomes `%XX`.
std::string percent_encoded(std::string_view text, std::string_view kept = {});

}  // namespace sufler

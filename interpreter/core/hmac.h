#pragma once
#include <string>
#include <string_view>

namespace sufler {

/// HMAC-SHA256 (RFC 2104) in 64 lower-case hexadecimal digits.
std::string hmac_sha256_hex(std::string_view key, std::string_view message);

}  // namespace sufler

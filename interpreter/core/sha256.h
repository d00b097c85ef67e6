#pragma once
#include <string>
#include <string_view>

namespace sufler {

/// SHA-256 (FIPS 180-4) in 64 lower-case hexadecimal digits: what is kept of a secret that need not be known again.
/// For secrets that cannot be guessed; passwords of people want a slow hash.
std::string sha256_hex(std::string_view bytes);

}  // namespace sufler

#pragma once
#include <cstddef>
#include <string_view>

namespace sufler {

/// Compares a secret with what a stranger sent: `at(i)` gives byte `i` of it, `size` its length. The work depends
/// on the secret alone: a guess that begins well takes as long as one that does not, and so does one of another
/// length. No secret equals an empty one.
template <class At>
bool same_secret(std::string_view secret, std::size_t size, At at) {
  // Volatile, or a compiler may see that the first difference decides.
  volatile unsigned different = size == secret.size() && !secret.empty() ? 0U : 1U;
  for (std::size_t i = 0; i < secret.size(); ++i) {
    const auto guess = static_cast<unsigned char>(at(i < size ? i : 0));
    different = different | static_cast<unsigned>(static_cast<unsigned char>(secret[i]) ^ guess);
  }
  return different == 0U;
}

inline bool same_secret(std::string_view secret, std::string_view given) {
  // Byte 0 of nothing is read too.
  const std::string_view readable = given.empty() ? std::string_view("\0", 1) : given;
  return same_secret(secret, given.size(), [readable](std::size_t i) { return readable[i]; });
}

}  // namespace sufler

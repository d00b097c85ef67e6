#include "interpreter/core/hmac.h"

#include "interpreter/core/sha256.h"

namespace sufler {
namespace {

constexpr std::size_t kBlock = 64;

std::string bytes_of(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  return bytes;
}

}  // namespace

std::string hmac_sha256_hex(std::string_view key, std::string_view message) {
  std::string block = key.size() > kBlock ? bytes_of(sha256_hex(key)) : std::string(key);
  block.resize(kBlock, '\0');
  const auto padded = [&](char with) {
    std::string out = block;
    for (char& c : out) c = static_cast<char>(c ^ with);
    return out;
  };
  const std::string inner = sha256_hex(padded(0x36).append(message));
  return sha256_hex(padded(0x5c).append(bytes_of(inner)));
}

}  // namespace sufler

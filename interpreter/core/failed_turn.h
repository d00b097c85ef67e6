#pragma once
#include <cstdint>

namespace sufler {

/// As TurnFailed::rest: what failed is the oldest of the messages that a person wrote while a job was done, and it is
/// not heard again. No rest has this serial.
inline constexpr std::uint64_t kKeptMessage = UINT64_MAX;

}  // namespace sufler

#pragma once
#include <cstddef>

namespace sufler {

/// Added to `Stand::past`: what the turn does stands beside the place and not on the way from it, so that a fault puts
/// the dialog back there whatever has been done.
inline constexpr std::size_t kStandsBeside = std::size_t{1} << (sizeof(std::size_t) * 8 - 1);

}  // namespace sufler

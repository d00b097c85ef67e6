#pragma once
#include <compare>
#include <cstdint>

namespace sufler {

/// A piece of scenario text: `length` bytes from `offset` in one file.
/// Bytes, because they are what yaml-cpp's `Mark::pos` gives and what slicing needs. Lines and
/// columns are worked out by `SourceMap::locate`, and only when somebody reads the message.
struct SourceSpan {
  std::uint32_t file = 0;    ///< index in SourceMap
  std::uint32_t offset = 0;  ///< first byte, 0-based, after any byte-order mark
  std::uint32_t length = 0;  ///< bytes to underline; 0 marks a point
  auto operator<=>(const SourceSpan&) const = default;
};

/// A value together with the place where the author wrote it.
template <class T>
struct Located {
  T value{};
  SourceSpan span;
};

}  // namespace sufler

#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sufler::fakes {

std::string sha256_hex(std::string_view bytes);
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);
/// `+` stays `+` unless `form` is set, as in application/x-www-form-urlencoded.
std::string percent_decode(std::string_view text, bool form);

bool is_utf8(std::string_view bytes);
std::size_t code_points(std::string_view utf8);
std::size_t utf16_units(std::string_view utf8);
/// Byte offset of the UTF-16 offset; nothing when it lies outside or inside a surrogate pair.
std::optional<std::size_t> byte_at_utf16(std::string_view utf8, std::int64_t utf16_offset);
void append_utf8(std::string& out, std::uint32_t code_point);

struct ImageSize {
  int width = 0;
  int height = 0;
};
/// Reads the size from the header of a PNG, JPEG, GIF, BMP or WebP; nothing for other bytes.
std::optional<ImageSize> image_size(std::string_view bytes);

/// A valid grey PNG without compression, for tests that need a photo.
std::string make_png(int width, int height);

}  // namespace sufler::fakes

#include "fakes/common/bytes.h"

#include <array>
#include <bit>

namespace sufler::fakes {
namespace {

std::uint8_t at(std::string_view bytes, std::size_t index) {
  return static_cast<std::uint8_t>(bytes[index]);
}
int big16(std::string_view bytes, std::size_t index) {
  return at(bytes, index) << 8 | at(bytes, index + 1);
}
int little16(std::string_view bytes, std::size_t index) {
  return at(bytes, index) | at(bytes, index + 1) << 8;
}
void append_big32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
}
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// FIPS 180-4, 4.2.2.
constexpr std::array<std::uint32_t, 64> kSha256 = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  std::array<std::uint32_t, 8> h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::string tail(bytes.substr(bytes.size() / 64 * 64));
  tail += '\x80';
  while (tail.size() % 64 != 56) tail += '\0';
  const std::uint64_t bits = std::uint64_t{bytes.size()} * 8;
  append_big32(tail, static_cast<std::uint32_t>(bits >> 32));
  append_big32(tail, static_cast<std::uint32_t>(bits));
  const auto block = [&h](std::string_view b) {
    std::array<std::uint32_t, 64> w{};
    for (std::size_t i = 0; i < 16; ++i) {
      w[i] = std::uint32_t{at(b, 4 * i)} << 24 | std::uint32_t{at(b, 4 * i + 1)} << 16 |
             std::uint32_t{at(b, 4 * i + 2)} << 8 | at(b, 4 * i + 3);
    }
    for (std::size_t i = 16; i < 64; ++i) {
      const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
      const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    auto v = h;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint32_t s1 = std::rotr(v[4], 6) ^ std::rotr(v[4], 11) ^ std::rotr(v[4], 25);
      const std::uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + kSha256[i] + w[i];
      const std::uint32_t s0 = std::rotr(v[0], 2) ^ std::rotr(v[0], 13) ^ std::rotr(v[0], 22);
      const std::uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
      v = {t1 + t2, v[0], v[1], v[2], v[3] + t1, v[4], v[5], v[6]};
    }
    for (std::size_t i = 0; i < 8; ++i) h[i] += v[i];
  };
  for (std::size_t i = 0; i + 64 <= bytes.size(); i += 64) block(bytes.substr(i, 64));
  for (std::size_t i = 0; i < tail.size(); i += 64) block(std::string_view(tail).substr(i, 64));
  std::string out;
  for (const std::uint32_t word : h)
    for (int shift = 28; shift >= 0; shift -= 4) out += "0123456789abcdef"[word >> shift & 15];
  return out;
}

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64_encode(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = std::uint32_t{at(bytes, i)} << 16;
    if (i + 1 < bytes.size()) three |= std::uint32_t{at(bytes, i + 1)} << 8;
    if (i + 2 < bytes.size()) three |= at(bytes, i + 2);
    out += kBase64[three >> 18 & 63];
    out += kBase64[three >> 12 & 63];
    out += i + 1 < bytes.size() ? kBase64[three >> 6 & 63] : '=';
    out += i + 2 < bytes.size() ? kBase64[three & 63] : '=';
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=' || c == '\n' || c == '\r') continue;
    const std::size_t value = kBase64.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFF);
  }
  return out;
}

std::string percent_decode(std::string_view text, bool form) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() + 0 && hex_digit(text[i + 1]) >= 0 &&
        hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += form && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

bool is_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const std::uint8_t c = at(bytes, i);
    std::size_t length = c < 0x80                ? 1
                         : c >= 0xC2 && c < 0xE0 ? 2
                         : (c & 0xF0) == 0xE0    ? 3
                         : c >= 0xF0 && c < 0xF5 ? 4
                                                 : 0;
    if (length == 0 || i + length > bytes.size()) return false;
    for (std::size_t k = 1; k < length; ++k)
      if ((at(bytes, i + k) & 0xC0) != 0x80) return false;
    if (c == 0xE0 && at(bytes, i + 1) < 0xA0) return false;   // overlong
    if (c == 0xED && at(bytes, i + 1) >= 0xA0) return false;  // surrogates
    if (c == 0xF0 && at(bytes, i + 1) < 0x90) return false;
    if (c == 0xF4 && at(bytes, i + 1) >= 0x90) return false;
    i += length;
  }
  return true;
}

std::size_t code_points(std::string_view utf8) {
  std::size_t count = 0;
  for (const char c : utf8) count += (static_cast<std::uint8_t>(c) & 0xC0) != 0x80;
  return count;
}

std::size_t utf16_units(std::string_view utf8) {
  std::size_t count = 0;
  for (const char c : utf8) {
    const auto byte = static_cast<std::uint8_t>(c);
    if ((byte & 0xC0) != 0x80) count += byte >= 0xF0 ? 2 : 1;
  }
  return count;
}

std::optional<std::size_t> byte_at_utf16(std::string_view utf8, std::int64_t utf16_offset) {
  std::int64_t units = 0;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = at(utf8, i);
    if ((byte & 0xC0) == 0x80) continue;
    if (units == utf16_offset) return i;
    if (units > utf16_offset) return std::nullopt;
    units += byte >= 0xF0 ? 2 : 1;
  }
  if (units == utf16_offset) return utf8.size();
  return std::nullopt;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 63));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 63));
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  }
}

std::optional<ImageSize> image_size(std::string_view b) {
  using namespace std::string_view_literals;
  if (b.starts_with("\x89PNG\r\n\x1a\n") && b.size() >= 24) {
    return ImageSize{big16(b, 18) | big16(b, 16) << 16, big16(b, 22) | big16(b, 20) << 16};
  }
  if ((b.starts_with("GIF87a") || b.starts_with("GIF89a")) && b.size() >= 10) {
    return ImageSize{little16(b, 6), little16(b, 8)};
  }
  if (b.starts_with("BM") && b.size() >= 26) return ImageSize{little16(b, 18), little16(b, 22)};
  if (b.starts_with("RIFF") && b.size() >= 30 && b.substr(8, 4) == "WEBP") {
    if (b.substr(12, 4) == "VP8 ") {
      return ImageSize{little16(b, 26) & 0x3FFF, little16(b, 28) & 0x3FFF};
    }
    if (b.substr(12, 4) == "VP8X") {
      return ImageSize{(little16(b, 24) | at(b, 26) << 16) + 1,
                       (little16(b, 27) | at(b, 29) << 16) + 1};
    }
    const int bits = little16(b, 21) | little16(b, 23) << 16;
    return ImageSize{(bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1};
  }
  if (b.starts_with("\xFF\xD8\xFF")) {
    std::size_t i = 2;
    while (i + 9 < b.size() && at(b, i) == 0xFF) {
      const int marker = at(b, i + 1);
      const bool frame =
          marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
      if (frame) return ImageSize{big16(b, i + 7), big16(b, i + 5)};
      i += 2 + static_cast<std::size_t>(big16(b, i + 2));
    }
  }
  return std::nullopt;
}

std::string make_png(int width, int height) {
  const auto checksum = [](std::string_view bytes) {
    std::uint32_t crc = 0xFFFFFFFF;
    for (const char c : bytes) {
      crc ^= static_cast<std::uint8_t>(c);
      for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0u);
    }
    return ~crc;
  };
  const auto chunk = [&](std::string_view type, std::string_view data) {
    std::string body(type);
    body += data;
    std::string out;
    append_big32(out, static_cast<std::uint32_t>(data.size()));
    out += body;
    append_big32(out, checksum(body));
    return out;
  };
  std::string header;
  append_big32(header, static_cast<std::uint32_t>(width));
  append_big32(header, static_cast<std::uint32_t>(height));
  header.append("\x08\x00\x00\x00\x00", 5);  // eight bits of grey
  std::string rows;
  for (int y = 0; y < height; ++y)
    rows += '\0' + std::string(static_cast<std::size_t>(width), '\x7f');
  std::string data("\x78\x01", 2);  // zlib, stored blocks
  for (std::size_t i = 0; i < rows.size(); i += 65535) {
    const std::string_view part = std::string_view(rows).substr(i, 65535);
    const auto size = static_cast<std::uint32_t>(part.size());
    data += i + 65535 >= rows.size() ? '\x01' : '\x00';
    data += static_cast<char>(size & 0xFF);
    data += static_cast<char>(size >> 8);
    data += static_cast<char>(~size & 0xFF);
    data += static_cast<char>(~size >> 8 & 0xFF);
    data += part;
  }
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  for (const char c : rows) {
    a = (a + static_cast<std::uint8_t>(c)) % 65521;
    b = (b + a) % 65521;
  }
  append_big32(data, b << 16 | a);
  return std::string("\x89PNG\r\n\x1a\n", 8) + chunk("IHDR", header) + chunk("IDAT", data) +
         chunk("IEND", "");
}

}  // namespace sufler::fakes

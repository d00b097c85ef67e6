#include "interpreter/transports/json_repair.h"

#include "interpreter/core/text.h"

namespace sufler {

std::string repaired_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size();) {
    const std::size_t begin = i;
    const char32_t c = next_code_point(json, i);
    if (c != U'\\') {
      append_utf8(out, c);
      continue;
    }
    const auto unit_at = [&](std::size_t at) -> int {
      if (at + 6 > json.size() || json[at] != '\\' || json[at + 1] != 'u') return -1;
      int unit = 0;
      for (std::size_t k = at + 2; k < at + 6; ++k) {
        const char h = json[k];
        const int digit = h >= '0' && h <= '9'   ? h - '0'
                          : h >= 'a' && h <= 'f' ? h - 'a' + 10
                          : h >= 'A' && h <= 'F' ? h - 'A' + 10
                                                 : -1;
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
      }
      return unit;
    };
    const int unit = unit_at(begin);
    if (unit >= 0xD800 && unit <= 0xDBFF) {
      const int low = unit_at(begin + 6);
      if (low >= 0xDC00 && low <= 0xDFFF) {
        out += json.substr(begin, 12);
        i = begin + 12;
        continue;
      }
    }
    if (unit >= 0xD800 && unit <= 0xDFFF) {
      out += "\\ufffd";
      i = begin + 6;
      continue;
    }
    // An escape of two characters: the second may be a backslash too.
    out += '\\';
    if (i < json.size() && static_cast<unsigned char>(json[i]) < 0x80) out += json[i++];
  }
  return out;
}

}  // namespace sufler

#include "interpreter/core/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>

#include "interpreter/core/text.h"

namespace sufler {

namespace {

/// Eight bytes at once: whether one of them ends a piece that is copied as it stands.
bool has_special(const char* bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  const auto has_zero = [](std::uint64_t of) { return (of - kOnes) & ~of & kHigh; };
  const std::uint64_t below_space = (word - kOnes * 0x20) & ~word & kHigh;
  return (below_space | has_zero(word ^ kOnes * '"') | has_zero(word ^ kOnes * '\\') | has_zero(word ^ kOnes * 0x7F)) != 0;
}

/// The first byte from `at` on that JSON writes in another way (0x7F: we do), or the end.
std::size_t find_special(std::string_view text, std::size_t at) {
  for (;;) {
    while (at + 8 <= text.size() && !has_special(text.data() + at)) at += 8;
    const std::size_t end = std::min(at + 8, text.size());
    for (; at < end; ++at) {
      const unsigned char c = static_cast<unsigned char>(text[at]);
      if (c < 0x20 || c == '"' || c == '\\' || c == 0x7F) return at;
    }
    if (at == text.size()) return at;
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  if (!is_utf8(text)) {
    std::string mended;
    for (std::size_t i = 0; i < text.size();) append_utf8(mended, next_code_point(text, i));
    append_json_string(out, mended);
    return;
  }
  out.push_back('"');
  std::size_t copied = 0;
  for (std::size_t i = find_special(text, 0); i < text.size(); i = find_special(text, i + 1)) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    out.append(text, copied, i - copied);
    copied = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out.push_back("0123456789abcdef"[c >> 4]);
        out.push_back("0123456789abcdef"[c & 15]);
    }
  }
  out.append(text, copied, text.size() - copied);
  out.push_back('"');
}

void append_json_number(std::string& out, std::int64_t number) {
  std::array<char, 24> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  out.append(buffer.data(), end.ptr);
}

char JsonReader::peek() {
  while (!rest_.empty() &&
         (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\r' || rest_[0] == '\t')) {
    rest_.remove_prefix(1);
  }
  return ok_ && !rest_.empty() ? rest_[0] : '\0';
}

bool JsonReader::take(char mark) {
  if (peek() != mark || rest_.empty()) return false;
  rest_.remove_prefix(1);
  return true;
}

bool JsonReader::take_word(std::string_view word) {
  peek();
  if (!ok_ || rest_.substr(0, word.size()) != word) return false;
  rest_.remove_prefix(word.size());
  return true;
}

bool JsonReader::read_hex4(char32_t& out) {
  if (rest_.size() < 4) return fail();
  unsigned value = 0;
  const auto end = std::from_chars(rest_.data(), rest_.data() + 4, value, 16);
  if (end.ec != std::errc() || end.ptr != rest_.data() + 4) return fail();
  rest_.remove_prefix(4);
  out = value;
  return true;
}

bool JsonReader::read_escape(std::string& out) {
  if (rest_.empty()) return fail();
  const char kind = rest_[0];
  rest_.remove_prefix(1);
  switch (kind) {
    case '"':
    case '\\':
    case '/':
      out.push_back(kind);
      return true;
    case 'b':
      out.push_back('\b');
      return true;
    case 'f':
      out.push_back('\f');
      return true;
    case 'n':
      out.push_back('\n');
      return true;
    case 'r':
      out.push_back('\r');
      return true;
    case 't':
      out.push_back('\t');
      return true;
    case 'u':
      break;
    default:
      return fail();
  }
  char32_t code = 0;
  if (!read_hex4(code)) return false;
  if (code >= 0xD800 && code <= 0xDBFF && rest_.substr(0, 2) == "\\u") {
    rest_.remove_prefix(2);
    char32_t low = 0;
    if (!read_hex4(low)) return false;
    if (low < 0xDC00 || low > 0xDFFF) return fail();
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  append_utf8(out, code);
  return true;
}

bool JsonReader::read_string(std::string& out) {
  out.clear();
  if (!take('"')) return fail();
  while (true) {
    std::size_t i = find_special(rest_, 0);
    while (i < rest_.size() && rest_[i] == 0x7F) i = find_special(rest_, i + 1);
    if (i == rest_.size()) return fail();
    const std::string_view piece = rest_.substr(0, i);
    if (!is_utf8(piece)) return fail();
    out += piece;
    const char stop = rest_[i];
    rest_.remove_prefix(i + 1);
    if (stop == '"') return true;
    if (stop != '\\' || !read_escape(out)) return fail();
  }
}

bool JsonReader::read_int(std::int64_t& out) {
  peek();
  if (!ok_) return false;
  const auto end = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out);
  if (end.ec != std::errc()) return fail();
  rest_.remove_prefix(static_cast<std::size_t>(end.ptr - rest_.data()));
  return true;
}

bool JsonReader::read_bool(bool& out) {
  if (take_word("true")) {
    out = true;
    return true;
  }
  out = false;
  return take_word("false") || fail();
}

bool JsonReader::read_null() { return take_word("null") || fail(); }

bool JsonReader::at_end() {
  peek();
  return ok_ && rest_.empty();
}

bool pass_over(JsonReader& json, int depth) {
  constexpr int kDeepest = 128;  // nothing of ours is
  std::string text;
  std::int64_t number = 0;
  bool boolean = false;
  if (depth > kDeepest) return json.fail();
  switch (json.peek()) {
    case '{': return json.read_object([&](const std::string&) { return pass_over(json, depth + 1); });
    case '[': return json.read_array([&] { return pass_over(json, depth + 1); });
    case '"': return json.read_string(text);
    case 'n': return json.read_null();
    case 't':
    case 'f': return json.read_bool(boolean);
    default: return json.read_int(number);
  }
}

}  // namespace sufler

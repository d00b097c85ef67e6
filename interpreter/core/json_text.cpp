#include "interpreter/core/json_text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>

#include "interpreter/core/text.h"

namespace sufler {

namespace {

/// The beginning of a text that JSON has as it stands, up to a quote, a backslash or a control character.
struct Run {
  std::size_t length = 0;
  bool ascii = true;
};

bool ends_run(unsigned char c, bool at_delete) { return c < 0x20 || c == '"' || c == '\\' || (at_delete && c == 0x7F); }

/// Many bytes at once. `at_delete`: 0x7F ends it, too.
Run run_of(std::string_view text, bool at_delete) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  const auto zeros = [](std::uint64_t of) { return (of - kOnes) & ~of & kHigh; };
  const std::uint64_t also = at_delete ? kOnes * 0x7F : kOnes * '"';
  std::size_t at = 0;
  std::uint64_t high = 0;
#ifdef __SSE2__
  const auto all = [](int c) { return _mm_set1_epi8(static_cast<char>(c)); };
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(bytes, all('"')), _mm_cmpeq_epi8(bytes, all('\\')));
    const __m128i others = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(bytes, all(0x1F)), bytes), _mm_cmpeq_epi8(bytes, all(at_delete ? 0x7F : '"')));
    const auto ends = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(marks, others))), above = static_cast<unsigned>(_mm_movemask_epi8(bytes));
    if (ends != 0) {
      const int length = std::countr_zero(ends);
      high |= above & ((1U << length) - 1);
      return {at + static_cast<std::size_t>(length), high == 0};
    }
    high |= above;
  }
#endif
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    // Of each of these only the lowest bit surely marks a byte.
    const std::uint64_t found = ((word - kOnes * 0x20) & ~word & kHigh) | zeros(word ^ kOnes * '"') | zeros(word ^ kOnes * '\\') | zeros(word ^ also);
    if (found != 0) {
      if constexpr (std::endian::native != std::endian::little) break;
      const int bits = std::countr_zero(found) - 7;
      high |= bits == 0 ? 0 : word << (64 - bits) & kHigh;
      return {at + static_cast<std::size_t>(bits) / 8, high == 0};
    }
    high |= word & kHigh;
  }
  for (; at < text.size() && !ends_run(static_cast<unsigned char>(text[at]), at_delete); ++at) high |= static_cast<unsigned char>(text[at]) & 0x80u;
  return {at, high == 0};
}

bool is_utf8(std::string_view text, const Run& run) { return run.ascii || sufler::is_utf8(text.substr(0, run.length)); }

void append_escaped(std::string& out, unsigned char c) {
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

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  const std::size_t begin = out.size();
  out.push_back('"');
  for (std::string_view rest = text;;) {
    const Run run = run_of(rest, true);
    if (!is_utf8(rest, run)) break;
    out.append(rest, 0, run.length);
    if (run.length == rest.size()) {
      out.push_back('"');
      return;
    }
    append_escaped(out, static_cast<unsigned char>(rest[run.length]));
    rest.remove_prefix(run.length + 1);
  }
  out.resize(begin);
  std::string mended;
  for (std::size_t i = 0; i < text.size();) append_utf8(mended, next_code_point(text, i));
  append_json_string(out, mended);
}

void append_json_number(std::string& out, std::int64_t number) {
  std::array<char, 24> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  out.append(buffer.data(), end.ptr);
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
  if (!take('"')) return fail();
  out.clear();
  while (true) {
    const Run run = run_of(rest_, false);
    if (run.length == rest_.size() || !is_utf8(rest_, run)) return fail();
    const char stop = rest_[run.length];
    out.append(rest_, 0, run.length);
    rest_.remove_prefix(run.length + 1);
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

#include "interpreter/core/text.h"

#include <unicode/bytestream.h>
#include <unicode/casemap.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

// Almost every text that passes here is ASCII and Cyrillic, so each function has a path for these
// two that asks ICU nothing; ICU takes over at the first character that is neither.
namespace sufler {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<signed char>(c) >= 0; });
}

bool is_ascii_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_ascii_digit(char32_t c) { return c >= '0' && c <= '9'; }
/// Russian and its neighbours, without the historic letters and combining marks that follow.
bool is_basic_cyrillic(char32_t c) { return c >= 0x400 && c <= 0x45F; }
bool is_cyrillic_letter(char32_t c) {
  return is_basic_cyrillic(c) || (c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x52F);
}
bool is_latin_letter(char32_t c) {
  return is_ascii_letter(c) || (c >= 0xC0 && c <= 0x24F && c != 0xD7 && c != 0xF7);
}

char32_t lower_basic(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  if (c >= 0x410 && c <= 0x42F) return c + 0x20;
  if (c >= 0x400 && c <= 0x40F) return c + 0x50;
  return c;
}

char32_t upper_basic(char32_t c) {
  if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
  if (c >= 0x430 && c <= 0x44F) return c - 0x20;
  if (c >= 0x450 && c <= 0x45F) return c - 0x50;
  return c;
}

/// Whether a character can take no part in composition and maps case one to one within the two
/// alphabets. General punctuation is in, but for U+2000 and U+2001, which NFC replaces.
bool is_plain(char32_t c) {
  if (c < 0x80) return true;
  if (c < 0xC0) return c != 0xB5;  // the micro sign folds to a Greek letter
  return is_basic_cyrillic(c) || (c >= 0x2002 && c <= 0x206F) || c == 0x2116 || c == 0x20BD ||
         (c >= 0x1F300 && c <= 0x1FAFF) || c == 0xFE0F;
}

bool is_plain(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    if (static_cast<signed char>(text[i]) >= 0) {
      ++i;
    } else if (!is_plain(next_code_point(text, i))) {
      return false;
    }
  }
  return true;
}

std::string replace_broken(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  for (std::size_t i = 0; i < text.size();) append_utf8(out, next_code_point(text, i));
  return out;
}

std::int32_t icu_size(std::string_view text) {
  return static_cast<std::int32_t>(std::min<std::size_t>(text.size(), 0x3FFFFFFF));
}

enum class Case { Lower, Upper, Fold };

std::string icu_case(std::string_view text, Case kind) {
  // ICU hands broken bytes on.
  if (!is_utf8(text)) return icu_case(replace_broken(text), kind);
  std::string out;
  icu::StringByteSink<std::string> sink(&out, icu_size(text));
  UErrorCode status = U_ZERO_ERROR;
  const icu::StringPiece piece(text.data(), icu_size(text));
  switch (kind) {
    case Case::Lower:
      icu::CaseMap::utf8ToLower("", 0, piece, sink, nullptr, status);
      break;
    case Case::Upper:
      icu::CaseMap::utf8ToUpper("", 0, piece, sink, nullptr, status);
      break;
    case Case::Fold:
      icu::CaseMap::utf8Fold(0, piece, sink, nullptr, status);
      break;
  }
  return U_SUCCESS(status) ? out : replace_broken(text);
}

std::string map_case(std::string_view text, Case kind) {
  if (!is_plain(text)) return icu_case(text, kind);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const char32_t c = next_code_point(text, i);
    append_utf8(out, kind == Case::Upper ? upper_basic(c) : lower_basic(c));
  }
  return out;
}

/// Marks that show nothing by themselves: soft hyphen, zero-width characters and directions,
/// variation selectors.
bool is_invisible(char32_t c) {
  return c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x2064) || c == 0xFEFF || c == 0xFE0E || c == 0xFE0F;
}
bool is_skin_tone(char32_t c) { return c >= 0x1F3FB && c <= 0x1F3FF; }

bool is_dash(char32_t c) { return (c >= 0x2010 && c <= 0x2015) || c == 0x2212; }
bool is_quote(char32_t c) {
  return c == 0xAB || c == 0xBB || c == 0x201C || c == 0x201D || c == 0x201E || c == 0x201F;
}

/// Letters, digits and the marks that belong to them.
bool is_word(char32_t c) {
  if (c < 0x80) return is_ascii_letter(c) || is_ascii_digit(c);
  if (is_basic_cyrillic(c)) return true;
  if (!u_isdefined(static_cast<UChar32>(c))) return true;  // kept, lest two texts become one
  const auto mask = U_GET_GC_MASK(static_cast<UChar32>(c));
  return (mask & (U_GC_P_MASK | U_GC_S_MASK | U_GC_Z_MASK | U_GC_C_MASK)) == 0;
}

/// NFC, case folded, stress marks gone; what `fold` and `normalise` share.
std::string fold_case(std::string_view text) {
  if (is_plain(text)) return map_case(text, Case::Fold);
  return to_nfc(icu_case(to_nfc(text), Case::Fold));
}

// The keys of the Russian layout beside the letters of the Latin one.
struct KeyPair {
  char32_t latin;
  char32_t cyrillic;
};
constexpr std::array<KeyPair, 33> kKeys = {{
    {'q', U'й'}, {'w', U'ц'},  {'e', U'у'}, {'r', U'к'}, {'t', U'е'}, {'y', U'н'}, {'u', U'г'},
    {'i', U'ш'}, {'o', U'щ'},  {'p', U'з'}, {'[', U'х'}, {']', U'ъ'}, {'a', U'ф'}, {'s', U'ы'},
    {'d', U'в'}, {'f', U'а'},  {'g', U'п'}, {'h', U'р'}, {'j', U'о'}, {'k', U'л'}, {'l', U'д'},
    {';', U'ж'}, {'\'', U'э'}, {'z', U'я'}, {'x', U'ч'}, {'c', U'с'}, {'v', U'м'}, {'b', U'и'},
    {'n', U'т'}, {'m', U'ь'},  {',', U'б'}, {'.', U'ю'}, {'`', U'ё'},
}};

// Letters that look the same in print. Lower and upper case differ in what looks alike.
constexpr std::array<KeyPair, 24> kLookalikes = {{
    {'a', U'а'}, {'c', U'с'}, {'e', U'е'}, {'o', U'о'}, {'p', U'р'}, {'x', U'х'},
    {'y', U'у'}, {'k', U'к'}, {'m', U'м'}, {'t', U'т'}, {'b', U'в'}, {'h', U'н'},
    {'A', U'А'}, {'B', U'В'}, {'C', U'С'}, {'E', U'Е'}, {'H', U'Н'}, {'K', U'К'},
    {'M', U'М'}, {'O', U'О'}, {'P', U'Р'}, {'T', U'Т'}, {'X', U'Х'}, {'Y', U'У'},
}};

/// More Cyrillic letters than Latin ones; equal counts go with the first letter.
bool mostly_cyrillic(std::string_view text) {
  std::size_t latin = 0;
  std::size_t cyrillic = 0;
  bool cyrillic_first = false;
  for (std::size_t i = 0; i < text.size();) {
    const char32_t c = next_code_point(text, i);
    const bool is_cyrillic = is_cyrillic_letter(c);
    if (!is_cyrillic && !is_latin_letter(c)) continue;
    if (latin + cyrillic == 0) cyrillic_first = is_cyrillic;
    ++(is_cyrillic ? cyrillic : latin);
  }
  return cyrillic > latin || (cyrillic == latin && cyrillic_first);
}

std::u32string decode(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) out.push_back(next_code_point(text, i));
  return out;
}

}  // namespace

char32_t next_code_point(std::string_view text, std::size_t& offset) {
  if (offset >= text.size()) {
    ++offset;
    return kReplacement;
  }
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(offset++);
  if (lead < 0x80) return lead;
  if (lead >= 0xC2 && lead <= 0xDF) {  // most letters of Russian texts
    if (offset >= text.size() || (byte(offset) & 0xC0u) != 0x80) return kReplacement;
    return (lead & 0x1Fu) << 6 | (byte(offset++) & 0x3Fu);
  }
  int follow = 0;
  char32_t code = 0;
  unsigned char low = 0x80;  // bounds of the second byte: no overlong forms, no surrogates
  unsigned char high = 0xBF;
  if (lead >= 0xE0 && lead <= 0xEF) {
    follow = 2;
    code = lead & 0x0Fu;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    follow = 3;
    code = lead & 0x07u;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return kReplacement;
  }
  for (; follow > 0; --follow) {
    if (offset >= text.size() || byte(offset) < low || byte(offset) > high) return kReplacement;
    code = (code << 6) | (byte(offset++) & 0x3Fu);
    low = 0x80;
    high = 0xBF;
  }
  return code;
}

void append_utf8(std::string& out, char32_t code) {
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) code = kReplacement;
  const auto push = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    const char both[] = {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
    out.append(both, 2);
  } else if (code < 0x10000) {
    push(0xE0 | (code >> 12));
    push(0x80 | ((code >> 6) & 0x3F));
    push(0x80 | (code & 0x3F));
  } else {
    push(0xF0 | (code >> 18));
    push(0x80 | ((code >> 12) & 0x3F));
    push(0x80 | ((code >> 6) & 0x3F));
    push(0x80 | (code & 0x3F));
  }
}

/// A letter of two bytes, as those of Russian are.
static bool is_pair(std::string_view text, std::size_t i) {
  if (i + 1 >= text.size()) return false;
  const auto lead = static_cast<unsigned char>(text[i]), second = static_cast<unsigned char>(text[i + 1]);
  return lead >= 0xC2 && lead <= 0xDF && (second & 0xC0u) == 0x80;
}

/// How far from `i`, where a character begins, the text has characters of one and two bytes only, looked at by eight bytes;
/// perhaps a little less.
static std::size_t plain_until(std::string_view text, std::size_t i) {
  constexpr std::uint64_t kHigh = 0x8080808080808080, kBits = 0x1E1E1E1E1E1E1E1E, kCarry = 0x7E7E7E7E7E7E7E7E;
  if constexpr (std::endian::native != std::endian::little) return i;
  std::uint64_t open = 0;  // at the low end: the bytes before end with a lead
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, sizeof word);
    const std::uint64_t high = word & kHigh, second = word << 1 & kHigh, third = word << 2 & kHigh;
    const std::uint64_t leads = high & second, follows = high & ~second;
    // A lead of more bytes; what follows no lead, or does not follow it; C0 and C1, which lead nothing.
    if (((leads & third) | (follows ^ (leads << 8 | open)) | (leads & ~((word & kBits) + kCarry))) != 0) break;
    open = leads >> 63 << 7;
  }
  return open != 0 ? i - 1 : i;
}

bool is_utf8(std::string_view text, std::size_t* bad_offset) {
  for (std::size_t i = plain_until(text, 0); i < text.size();) {
    if (static_cast<signed char>(text[i]) >= 0) {
      ++i;
      continue;
    }
    if (is_pair(text, i)) {
      i += 2;
      continue;
    }
    const std::size_t begin = i;
    // A well-formed U+FFFD is three bytes that begin with EF BF BD.
    if (next_code_point(text, i) == kReplacement &&
        text.substr(begin, i - begin) != "\xEF\xBF\xBD") {
      if (bad_offset) *bad_offset = begin;
      return false;
    }
    i = plain_until(text, i);
  }
  return true;
}

std::size_t count_code_points(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++count) {
    if (static_cast<signed char>(text[i]) >= 0) {
      ++i;
    } else if (is_pair(text, i)) {
      i += 2;
    } else {
      next_code_point(text, i);
    }
  }
  return count;
}

std::size_t count_utf16_units(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size();) count += next_code_point(text, i) > 0xFFFF ? 2 : 1;
  return count;
}

std::string_view first_code_points(std::string_view text, std::size_t count) {
  std::size_t i = 0;
  for (; count > 0 && i < text.size(); --count) next_code_point(text, i);
  return text.substr(0, i);
}

std::string to_nfc(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  // Everything below U+0300 and the Cyrillic letters are in NFC already.
  bool composed = true;
  bool broken = false;
  for (std::size_t i = 0; i < text.size();) {
    const char32_t c = next_code_point(text, i);
    if (c == kReplacement) broken = true;
    if (c >= 0x300 && !is_cyrillic_letter(c) && !is_plain(c)) composed = false;
  }
  if (composed && !broken) return std::string(text);
  std::string whole = broken ? replace_broken(text) : std::string(text);
  if (composed) return whole;
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
  if (U_FAILURE(status)) return whole;
  const icu::StringPiece piece(whole.data(), icu_size(whole));
  if (nfc->isNormalizedUTF8(piece, status) && U_SUCCESS(status)) return whole;
  std::string out;
  icu::StringByteSink<std::string> sink(&out, icu_size(whole));
  status = U_ZERO_ERROR;
  nfc->normalizeUTF8(0, piece, sink, nullptr, status);
  return U_SUCCESS(status) ? out : whole;
}

std::string to_upper(std::string_view text) { return map_case(text, Case::Upper); }
std::string to_lower(std::string_view text) { return map_case(text, Case::Lower); }

std::string capitalize(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    const char32_t c = next_code_point(text, i);
    if (is_letter(c)) {
      std::string out(text.substr(0, begin));
      out += to_upper(text.substr(begin, i - begin));
      out += text.substr(i);
      return out;
    }
    if (is_digit(c)) break;  // "2 кофе" has nothing to raise
  }
  return std::string(text);
}

std::string_view trim(std::string_view text) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t next = begin;
    if (!is_space(next_code_point(text, next))) break;
    begin = next;
  }
  std::size_t end = text.size();
  while (end > begin) {
    std::size_t start = end - 1;
    while (start > begin && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    std::size_t next = start;
    if (!is_space(next_code_point(text, next)) || next != end) break;
    end = start;
  }
  return text.substr(begin, end - begin);
}

bool is_letter(char32_t c) {
  if (c < 0x80) return is_ascii_letter(c);
  if (is_basic_cyrillic(c)) return true;
  return u_isalpha(static_cast<UChar32>(c)) != 0;
}

bool is_digit(char32_t c) {
  if (c < 0x80) return is_ascii_digit(c);
  return u_isdigit(static_cast<UChar32>(c)) != 0;
}

bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200B) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x2060 || c == 0x3000 || c == 0xFEFF;
}

bool is_emoji(char32_t c) {
  if (c < 0xA9 || is_basic_cyrillic(c)) return false;
  if (c == 0x200D || c == 0x20E3 || c == 0xFE0F || is_skin_tone(c)) return true;
  if (c >= 0x1F1E6 && c <= 0x1F1FF) return true;  // letters of flags
  if (c >= 0xE0020 && c <= 0xE007F) return true;  // tags of flags
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_EXTENDED_PICTOGRAPHIC) != 0;
}

std::string fold(std::string_view text) {
  const std::string folded = fold_case(text);
  std::string out;
  out.reserve(folded.size());
  std::string symbols;  // the whole text without spaces at its ends, in case there is no word in it
  bool gap = false;
  bool symbol_gap = false;
  bool cyrillic_before = false;
  for (std::size_t i = 0; i < folded.size();) {
    const std::size_t begin = i;
    char32_t c = next_code_point(folded, i);
    if (c == 0x301 && cyrillic_before) continue;
    cyrillic_before = is_cyrillic_letter(c);
    if (is_invisible(c)) continue;
    if (is_word(c)) {
      if (c == U'ё') c = U'е';
      if (gap && !out.empty() && out != "/") out.push_back(' ');
      gap = false;
      append_utf8(out, c);
    } else if (c == '/' && out.empty() && symbols.empty()) {
      out.push_back('/');
    } else if (c == '_' && !gap && !out.empty() && i < folded.size()) {
      std::size_t next = i;
      if (is_word(next_code_point(folded, next))) {
        out.push_back('_');
      } else {
        gap = true;
      }
    } else {
      gap = true;
    }
    if (is_space(c)) {
      symbol_gap = true;
    } else if (!is_skin_tone(c)) {
      if (symbol_gap && !symbols.empty()) symbols.push_back(' ');
      symbol_gap = false;
      symbols.append(folded, begin, i - begin);
    }
  }
  return out.empty() || out == "/" ? symbols : out;
}

std::string normalise(std::string_view text) {
  const std::string folded = fold_case(text);
  std::string out;
  out.reserve(folded.size());
  bool gap = false;
  bool cyrillic_before = false;
  for (std::size_t i = 0; i < folded.size();) {
    const char32_t c = next_code_point(folded, i);
    if (c == 0x301 && cyrillic_before) continue;
    cyrillic_before = is_cyrillic_letter(c);
    if (is_invisible(c)) continue;
    if (is_space(c)) {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out.push_back(' ');
    gap = false;
    if (c == U'ё') {
      append_utf8(out, U'е');
    } else if (is_dash(c)) {
      out.push_back('-');
    } else if (is_quote(c)) {
      out.push_back('"');
    } else if (c == 0x2018 || c == 0x2019 || c == 0x2BC) {
      out.push_back('\'');
    } else if (c == 0x2026) {
      out += "...";
    } else {
      append_utf8(out, c);
    }
  }
  return out;
}

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  const std::u32string x = decode(a);
  const std::u32string y = decode(b);
  if ((x.size() > y.size() ? x.size() - y.size() : y.size() - x.size()) > limit) return limit + 1;
  // Three rows are enough to see a transposition.
  std::vector<std::size_t> before(y.size() + 1);
  std::vector<std::size_t> previous(y.size() + 1);
  std::vector<std::size_t> row(y.size() + 1);
  for (std::size_t j = 0; j <= y.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= x.size(); ++i) {
    row[0] = i;
    std::size_t least = row[0];
    for (std::size_t j = 1; j <= y.size(); ++j) {
      const std::size_t cost = x[i - 1] == y[j - 1] ? 0 : 1;
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + cost});
      if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
      least = std::min(least, row[j]);
    }
    if (least > limit) return limit + 1;
    std::swap(before, previous);
    std::swap(previous, row);
  }
  return std::min(previous[y.size()], limit + 1);
}

std::string swap_keyboard_layout(std::string_view text) {
  const bool to_latin = mostly_cyrillic(text);
  std::string out;
  out.reserve(text.size() * 2);
  for (std::size_t i = 0; i < text.size();) {
    char32_t c = next_code_point(text, i);
    const char32_t lower = lower_basic(c);
    const bool upper = lower != c;
    for (const KeyPair& key : kKeys) {
      if (lower != (to_latin ? key.cyrillic : key.latin)) continue;
      c = to_latin ? key.latin : key.cyrillic;
      if (upper) c = upper_basic(c);
      break;
    }
    append_utf8(out, c);
  }
  return out;
}

std::string unify_lookalikes(std::string_view text) {
  const bool to_cyrillic = mostly_cyrillic(text);
  std::string out;
  out.reserve(text.size() * 2);
  for (std::size_t i = 0; i < text.size();) {
    char32_t c = next_code_point(text, i);
    for (const KeyPair& pair : kLookalikes) {
      if (c != (to_cyrillic ? pair.latin : pair.cyrillic)) continue;
      c = to_cyrillic ? pair.cyrillic : pair.latin;
      break;
    }
    append_utf8(out, c);
  }
  return out;
}

std::size_t find_mixed_alphabet(std::string_view word) {
  // `vk_ссылка` is two words; `сity` is one that mixes.
  std::size_t begin = 0;
  while (begin < word.size()) {
    std::size_t end = begin;
    std::size_t first_latin = std::string_view::npos;
    std::size_t first_cyrillic = std::string_view::npos;
    while (end < word.size()) {
      std::size_t next = end;
      const char32_t c = next_code_point(word, next);
      if (!is_letter(c)) break;
      if (is_latin_letter(c) && first_latin == std::string_view::npos) first_latin = end;
      if (is_cyrillic_letter(c) && first_cyrillic == std::string_view::npos) first_cyrillic = end;
      end = next;
    }
    if (first_latin != std::string_view::npos && first_cyrillic != std::string_view::npos) {
      return mostly_cyrillic(word.substr(begin, end - begin)) ? first_latin : first_cyrillic;
    }
    if (end == begin) next_code_point(word, end);
    begin = end;
  }
  return std::string_view::npos;
}

namespace {

/// Every letter that looks like a Latin one as that letter.
std::string with_latin_lookalikes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    char32_t c = next_code_point(text, i);
    for (const KeyPair& pair : kLookalikes) {
      if (c != pair.cyrillic) continue;
      c = pair.latin;
      break;
    }
    append_utf8(out, c);
  }
  return out;
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  const std::string folded = normalise(word);
  const std::string swapped = normalise(swap_keyboard_layout(word));
  const std::string latin = normalise(with_latin_lookalikes(word));
  // Which alphabet was meant cannot be told of a word that mixes them, so it may also have a typo.
  const bool mixed = find_mixed_alphabet(word) != std::string_view::npos;
  const std::size_t length = count_code_points(folded);
  const std::size_t limit = length < 3 ? 0 : length < 6 ? 1 : length < 10 ? 2 : 3;
  const std::string* best = nullptr;
  std::size_t best_distance = limit + 1;
  for (const std::string& candidate : known) {
    if (candidate == word) continue;
    const std::string other = normalise(candidate);
    std::size_t distance = edit_distance(folded, other, limit);
    const std::string other_latin = normalise(with_latin_lookalikes(candidate));
    if (latin == other_latin) {
      distance = 0;
    } else if (mixed && length > 2) {
      distance = std::min(distance, edit_distance(latin, other_latin, 1));
    }
    if (length > 1) {
      const std::size_t layout = edit_distance(swapped, other, length < 6 ? 0 : 1);
      if (layout <= (length < 6 ? 0u : 1u)) distance = std::min(distance, layout);
    }
    if (distance < best_distance) {
      best_distance = distance;
      best = &candidate;
    }
  }
  return best ? *best : std::string();
}

Plural plural_of(Language language, std::string_view number) {
  // CLDR 41: only the last two digits of the integer matter, and whether digits follow the point.
  int last = 0;
  int last_two = 0;
  bool integer_is_one = true;
  bool fraction = false;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < number.size();) {
    const char32_t c = next_code_point(number, i);
    if (is_ascii_digit(c)) {
      if (fraction) continue;
      const int digit = static_cast<int>(c - '0');
      last_two = last * 10 + digit;
      last = digit;
      if (digits == 0 || last_two == digit) integer_is_one = digit == 1 && digits == 0;
      if (digits > 0 && last_two != digit) integer_is_one = false;
      ++digits;
    } else if (c == '.' || c == ',') {
      fraction = true;
    } else if (!is_space(c) && c != '-' && c != '+' && c != 0x2212) {
      return Plural::Other;
    }
  }
  if (digits == 0 || fraction) return Plural::Other;
  if (language == Language::English) return integer_is_one ? Plural::One : Plural::Other;
  if (last == 1 && last_two != 11) return Plural::One;
  if (last >= 2 && last <= 4 && (last_two < 12 || last_two > 14)) return Plural::Few;
  return Plural::Many;
}

}  // namespace sufler

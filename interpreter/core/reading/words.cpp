#include "interpreter/core/reading/words.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "interpreter/core/reading/numbers.h"
#include "interpreter/core/text.h"

namespace sufler::reading {
namespace {

bool is_invisible(char32_t c) {
  return c == 0xAD || c == 0x301 || (c >= 0x200B && c <= 0x200F) || (c >= 0x2060 && c <= 0x2064) ||
         c == 0xFEFF || c == 0xFE0E || c == 0xFE0F;
}

/// A Cyrillic word with some Latin letters that look like its own (`oдин`), made Cyrillic; nothing for any other.
std::optional<std::string> without_lookalikes(std::string_view word) {
  bool latin = false;
  bool cyrillic = false;
  for (const char c : word) (static_cast<unsigned char>(c) < 0x80 ? latin : cyrillic) = true;
  if (!latin || !cyrillic) return std::nullopt;
  std::string out;
  std::size_t changed = 0;
  std::size_t kept = 0;
  static constexpr std::string_view kLatin = "aceopxykmth";
  static constexpr std::string_view kCyrillic = "асеорхукмтн";
  for (std::size_t i = 0; i < word.size();) {
    const std::size_t begin = i;
    const char32_t c = next_code_point(word, i);
    if (c < 0x80) {
      const std::size_t at = kLatin.find(static_cast<char>(c));
      if (at == std::string_view::npos) return std::nullopt;
      out += kCyrillic.substr(at * 2, 2);
      ++changed;
    } else {
      if (c < 0x400 || c > 0x4FF) return std::nullopt;
      out += word.substr(begin, i - begin);
      ++kept;
    }
  }
  return changed <= kept ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

std::vector<Token> split_tokens(std::string_view text) {
  // A cut character at the end reads as a mark and does no harm.
  const std::string composed = to_nfc(text.substr(0, kMaxReading));
  std::vector<Token> tokens;
  bool space = true;
  for (std::size_t i = 0; i < composed.size();) {
    const std::size_t begin = i;
    const char32_t c = next_code_point(composed, i);
    if (is_invisible(c)) continue;
    if (is_space(c)) {
      space = true;
      continue;
    }
    Token token;
    token.begin = begin;
    token.space_before = space;
    space = false;
    if (is_digit(c)) {
      token.kind = Token::Kind::Digits;
      for (i = begin; i < composed.size();) {
        std::size_t next = i;
        const char32_t digit = next_code_point(composed, next);
        if (!is_digit(digit)) break;
        const int value = digit < 0x80 ? static_cast<int>(digit - '0')
                                       : u_charDigitValue(static_cast<UChar32>(digit));
        token.text.push_back(static_cast<char>('0' + value));
        i = next;
      }
    } else if (is_letter(c)) {
      token.kind = Token::Kind::Word;
      for (i = begin; i < composed.size();) {
        std::size_t next = i;
        const char32_t letter = next_code_point(composed, next);
        if (!is_letter(letter) && !is_invisible(letter)) break;
        i = next;
      }
      const std::string_view word = std::string_view(composed).substr(begin, i - begin);
      token.text = normalise(word);
      if (const auto plain = without_lookalikes(token.text)) token.text = *plain;
      token.upper = to_lower(first_code_points(word, 1)) != first_code_points(word, 1);
      if (token.text.empty()) continue;
    } else {
      token.text = normalise(std::string_view(composed).substr(begin, i - begin));
      if (token.text.empty()) continue;
    }
    token.end = i;
    tokens.push_back(std::move(token));
  }
  return tokens;
}

bool one_of(std::string_view word, const WordList& list) {
  if (word.empty() || !list.may_have(word)) return false;
  const std::string_view text = list.text();
  const char* const end = text.data() + text.size();
  for (const char* begin = text.data(); begin < end;) {
    const void* const space = std::memchr(begin, ' ', static_cast<std::size_t>(end - begin));
    const char* const stop = space ? static_cast<const char*>(space) : end;
    if (static_cast<std::size_t>(stop - begin) == word.size() && std::memcmp(begin, word.data(), word.size()) == 0)
      return true;
    begin = stop + 1;
  }
  return false;
}

std::string sound_of(std::string_view word) {
  std::string out;
  char32_t last = 0;
  for (std::size_t i = 0; i < word.size();) {
    char32_t c = next_code_point(word, i);
    switch (c) {
      case U'о':
        c = U'а';
        break;
      case U'е':
      case U'э':
      case U'я':
      case U'ы':
        c = U'и';
        break;
      case U'б':
        c = U'п';
        break;
      case U'в':
        c = U'ф';
        break;
      case U'г':
        c = U'к';
        break;
      case U'д':
        c = U'т';
        break;
      case U'ж':
        c = U'ш';
        break;
      case U'з':
        c = U'с';
        break;
      case U'ь':
      case U'ъ':
        continue;
      default:
        break;
    }
    if (c != last) append_utf8(out, c);
    last = c;
  }
  return out;
}

HeardList::HeardList(const WordList& list, std::size_t shortest) {
  std::string_view rest = list.text();
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    if (word.empty() || count_code_points(word) < shortest) continue;
    words_.push_back(word);
    sounds_.push_back(sound_of(word));
  }
  std::sort(sounds_.begin(), sounds_.end());
}

bool HeardList::sounds_like(const std::string& sound) const { return std::binary_search(sounds_.begin(), sounds_.end(), sound); }

bool one_slip_apart(std::string_view a, std::string_view b) {
  const auto is_inside = [](std::string_view word, std::size_t at) {
    return at < word.size() && (static_cast<unsigned char>(word[at]) & 0xC0) == 0x80;
  };
  std::size_t same = 0;
  while (same < a.size() && same < b.size() && a[same] == b[same]) ++same;
  while (same > 0 && (is_inside(a, same) || is_inside(b, same))) --same;
  a.remove_prefix(same);
  b.remove_prefix(same);
  std::size_t tail = 0;
  while (tail < a.size() && tail < b.size() && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
  while (tail > 0 && is_inside(a, a.size() - tail)) --tail;
  a.remove_suffix(tail);
  b.remove_suffix(tail);
  const std::size_t left = count_code_points(a);
  const std::size_t right = count_code_points(b);
  if (left <= 1 && right <= 1) return true;
  if (left != 2 || right != 2) return false;
  std::size_t i = 0;
  std::size_t j = 0;
  const char32_t first = next_code_point(a, i);
  const char32_t second = next_code_point(a, i);
  return first != second && next_code_point(b, j) == second && next_code_point(b, j) == first;
}

}  // namespace sufler::reading

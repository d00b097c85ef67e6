#include "interpreter/core/tables/csv.h"

#include <algorithm>
#include <array>
#include <utility>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

/// 0x80 … 0xBF of Windows-1251; 0 is undefined. What follows are the letters from А to я.
constexpr std::array<char16_t, 64> kWindows1251 = {
    0x0402, 0x0403, 0x201A, 0x0453, 0x201E, 0x2026, 0x2020, 0x2021, 0x20AC, 0x2030, 0x0409, 0x2039, 0x040A, 0x040C, 0x040B, 0x040F,
    0x0452, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0,      0x2122, 0x0459, 0x203A, 0x045A, 0x045C, 0x045B, 0x045F,
    0x00A0, 0x040E, 0x045E, 0x0408, 0x00A4, 0x0490, 0x00A6, 0x00A7, 0x0401, 0x00A9, 0x0404, 0x00AB, 0x00AC, 0x00AD, 0x00AE, 0x0407,
    0x00B0, 0x00B1, 0x0406, 0x0456, 0x0491, 0x00B5, 0x00B6, 0x00B7, 0x0451, 0x2116, 0x0454, 0x00BB, 0x0458, 0x0405, 0x0455, 0x0457};

Error<CsvProblem> fault(CsvFault what, std::size_t at) { return Error{CsvProblem{what, static_cast<std::uint32_t>(at)}}; }

Result<std::string, CsvProblem> from_utf16(std::string_view bytes, bool little) {
  std::string out;
  const auto unit = [&](std::size_t at) {
    const auto first = static_cast<unsigned char>(bytes[at]), second = static_cast<unsigned char>(bytes[at + 1]);
    return static_cast<char32_t>(little ? first | (second << 8) : (first << 8) | second);
  };
  for (std::size_t at = 2; at < bytes.size(); at += 2) {
    if (at + 1 >= bytes.size()) return fault(CsvFault::Encoding, at);
    char32_t point = unit(at);
    if (point >= 0xD800 && point < 0xDC00 && at + 3 < bytes.size()) {
      const char32_t low = unit(at + 2);
      if (low < 0xDC00 || low > 0xDFFF) return fault(CsvFault::Encoding, at);
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
      at += 2;
    }
    if (point == 0 || (point >= 0xD800 && point <= 0xDFFF)) return fault(CsvFault::Encoding, at);
    append_utf8(out, point);
  }
  return out;
}

/// Cyrillic letters of UTF-8: a file that has many and a few bytes besides is damaged, and was never Windows-1251.
bool has_utf8_letters(std::string_view bytes) {
  std::size_t pairs = 0, others = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte < 0x80) continue;
    const bool pair = (byte == 0xD0 || byte == 0xD1) && i + 1 < bytes.size() && (static_cast<unsigned char>(bytes[i + 1]) & 0xC0) == 0x80;
    if (pair) ++i;
    ++(pair ? pairs : others);
  }
  return pairs > others;
}

}  // namespace

Result<std::string, CsvProblem> decode_csv(std::string_view bytes) {
  // A ZIP, in which workbooks of today are, and the older format of Excel.
  if (bytes.starts_with("PK\x03\x04") || bytes.starts_with("\xD0\xCF\x11\xE0")) return fault(CsvFault::Workbook, 0);
  if (bytes.starts_with("\xFF\xFE")) return from_utf16(bytes, true);
  if (bytes.starts_with("\xFE\xFF")) return from_utf16(bytes, false);
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (const std::size_t nul = bytes.find('\0'); nul != bytes.npos) return fault(CsvFault::Binary, nul);
  std::size_t bad = 0;
  if (is_utf8(bytes, &bad)) return std::string(bytes);
  if (has_utf8_letters(bytes)) return fault(CsvFault::Encoding, bad);
  std::string out;
  out.reserve(bytes.size() * 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    const char32_t point = byte < 0x80 ? byte : byte < 0xC0 ? kWindows1251[byte - 0x80] : 0x0410u + (byte - 0xC0u);
    if (byte >= 0x80 && point == 0) return fault(CsvFault::Encoding, i);
    append_utf8(out, point);
  }
  return out;
}

bool CsvReader::next(std::vector<CsvCell>& row) {
  while (!problem_ && !at_end()) {
    row.clear();
    bool any = false;
    for (bool more = true; more;) {
      CsvCell& cell = row.emplace_back();
      if (!this->cell(cell)) return false;
      any = any || !cell.text.empty();
      more = !at_end() && text_[at_] == separator_;
      if (!at_end()) {
        // A line may end in \n, in \r\n or, on an old Macintosh, in \r.
        const bool pair = text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n';
        at_ += pair ? 2 : 1;
      }
    }
    if (any) return true;
  }
  return false;
}

bool CsvReader::cell(CsvCell& cell) {
  const std::uint32_t begin = at_;
  std::uint32_t quote = at_;
  while (quote < text_.size() && text_[quote] == ' ') ++quote;
  if (quote < text_.size() && text_[quote] == '"') {
    for (at_ = quote + 1;; ++at_) {
      if (at_end()) {
        problem_ = CsvProblem{CsvFault::UnclosedQuote, quote};
        return false;
      }
      if (text_[at_] == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
        ++at_;
      }
      cell.text += text_[at_];
    }
    ++at_;
    cell.offset = quote;
    cell.length = at_ - quote;
    while (!at_end() && text_[at_] == ' ') ++at_;
    if (!at_end() && text_[at_] != separator_ && !at_line_end()) {
      problem_ = CsvProblem{CsvFault::TextBehindQuote, at_};
      return false;
    }
    return true;
  }
  while (!at_end() && text_[at_] != separator_ && !at_line_end()) ++at_;
  const std::string_view written = text_.substr(begin, at_ - begin);
  const std::string_view text = trim(written);
  cell.text = std::string(text);
  cell.offset = text.empty() ? begin : begin + static_cast<std::uint32_t>(text.data() - written.data());
  cell.length = static_cast<std::uint32_t>(text.size());
  return true;
}

std::string csv_separators(std::string_view text, std::uint32_t& begin) {
  begin = 0;
  constexpr std::string_view kKnown = ";,\t|";
  if (text.size() > 4 && text.starts_with("sep=") && kKnown.find(text[4]) != kKnown.npos) {
    const std::size_t end = text.find('\n');
    begin = static_cast<std::uint32_t>(end == text.npos ? text.size() : end + 1);
    return std::string(1, text[4]);
  }
  // With equal counts in the order above.
  std::vector<std::pair<std::size_t, char>> counts;
  for (const char c : kKnown) counts.emplace_back(0, c);
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if ((c == '\n' || c == '\r') && !quoted) break;
    if (quoted) continue;
    for (auto& [count, separator] : counts) count += c == separator ? 1 : 0;
  }
  std::stable_sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string order;
  for (const auto& [count, separator] : counts)
    if (count > 0) order += separator;
  // A table of one column has none.
  return order.empty() ? std::string(1, ';') : order;
}

}  // namespace sufler

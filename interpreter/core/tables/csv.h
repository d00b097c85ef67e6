#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/result.h"

/// CSV as office programs write it: RFC 4180, with semicolons or tabs for commas, in UTF-8, UTF-16 or Windows-1251.
/// Knows nothing of what the cells mean.
namespace sufler {

enum class CsvFault : std::uint8_t {
  Workbook,       ///< a spreadsheet of Excel or LibreOffice under the name of a CSV
  Binary,         ///< bytes that no text has
  Encoding,       ///< neither UTF-8 nor Windows-1251, or both in one file
  UnclosedQuote,
  TextBehindQuote,  ///< `"Лесная" 5`
};
struct CsvProblem {
  CsvFault fault = CsvFault::Binary;
  std::uint32_t offset = 0;  ///< bytes of the decoded text; of the file as it is for the first three
};

/// A file's text in UTF-8, without its byte-order mark. What is no UTF-8 is read as Windows-1251, in which Excel saves
/// CSV on Russian Windows; a file that is mostly UTF-8 is not, for then it is damaged.
Result<std::string, CsvProblem> decode_csv(std::string_view bytes);

struct CsvCell {
  std::string text;          ///< without quotes; white space around what is not quoted is gone
  std::uint32_t offset = 0;  ///< of what was written, quotes too, in the decoded text
  std::uint32_t length = 0;
};

class CsvReader {
 public:
  /// Begins at `offset`, which is the beginning of a line.
  CsvReader(std::string_view text, char separator, std::uint32_t offset = 0) : text_(text), separator_(separator), at_(offset) {}

  /// The next row that has any text in a cell; false at the end, or where `problem` is.
  bool next(std::vector<CsvCell>& row);
  const std::optional<CsvProblem>& problem() const { return problem_; }
  std::uint32_t offset() const { return at_; }

 private:
  bool cell(CsvCell& cell);
  bool at_end() const { return at_ >= text_.size(); }
  bool at_line_end() const { return text_[at_] == '\n' || text_[at_] == '\r'; }

  std::string_view text_;
  char separator_;
  std::uint32_t at_;
  std::optional<CsvProblem> problem_;
};

/// Separators to be tried, the likeliest first: by how many of them the first line has outside of quotes. Where the file
/// says it by `sep=;`, that one alone, and `begin` is behind that line.
std::string csv_separators(std::string_view text, std::uint32_t& begin);

}  // namespace sufler

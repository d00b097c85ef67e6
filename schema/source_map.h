#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/source_span.h"

namespace sufler {

/// The files of a scenario and their text. Spans are turned into lines and columns here.
class SourceMap {
 public:
  /// Keeps the text without its byte-order mark; gives the file's index. `path` as people see it,
  /// relative to the working folder.
  std::uint32_t add(std::string path, std::string text);

  struct Place {
    std::uint32_t line = 1;    ///< from 1
    std::uint32_t column = 1;  ///< from 1, in code points
  };
  Place locate(std::uint32_t file, std::uint32_t offset) const;
  std::string_view line_text(std::uint32_t file, std::uint32_t line) const;  ///< without the line end
  std::string_view slice(const SourceSpan& span) const;
  const std::string& path(std::uint32_t file) const;
  const std::string& text(std::uint32_t file) const;
  std::size_t size() const;

 private:
  struct File {
    std::string path, text;
    mutable std::vector<std::uint32_t> line_starts;  ///< made when first asked for
  };
  std::vector<File> files_;
};

}  // namespace sufler

#include "schema/source_map.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "interpreter/core/text.h"

namespace sufler {

std::uint32_t SourceMap::add(std::string path, std::string text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  if (path.starts_with("./")) path.erase(0, 2);
  files_.push_back({std::move(path), std::move(text), {}});
  return static_cast<std::uint32_t>(files_.size() - 1);
}

namespace {
std::vector<std::uint32_t> find_line_starts(const std::string& text) {
  std::vector<std::uint32_t> starts{0};
  const char* begin = text.data();
  const char* end = begin + text.size();
  for (const char* at = begin; at < end;) {
    const void* found = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
    if (!found) break;
    at = static_cast<const char*>(found) + 1;
    starts.push_back(static_cast<std::uint32_t>(at - begin));
  }
  return starts;
}
}  // namespace

SourceMap::Place SourceMap::locate(std::uint32_t file, std::uint32_t offset) const {
  const File& source = files_[file];
  if (source.line_starts.empty()) source.line_starts = find_line_starts(source.text);
  offset = std::min(offset, static_cast<std::uint32_t>(source.text.size()));
  const auto after = std::upper_bound(source.line_starts.begin(), source.line_starts.end(), offset);
  const std::uint32_t start = *(after - 1);
  const auto before = std::string_view(source.text).substr(start, offset - start);
  return {static_cast<std::uint32_t>(after - source.line_starts.begin()),
          static_cast<std::uint32_t>(count_code_points(before)) + 1};
}

std::string_view SourceMap::line_text(std::uint32_t file, std::uint32_t line) const {
  const File& source = files_[file];
  if (source.line_starts.empty()) source.line_starts = find_line_starts(source.text);
  if (line == 0 || line > source.line_starts.size()) return {};
  const std::size_t start = source.line_starts[line - 1];
  const std::size_t end =
      line < source.line_starts.size() ? source.line_starts[line] - 1 : source.text.size();
  std::string_view text = std::string_view(source.text).substr(start, end - start);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

std::string_view SourceMap::slice(const SourceSpan& span) const {
  const std::string& whole = files_[span.file].text;
  const std::size_t start = std::min<std::size_t>(span.offset, whole.size());
  return std::string_view(whole).substr(start, span.length);
}

const std::string& SourceMap::path(std::uint32_t file) const { return files_[file].path; }
const std::string& SourceMap::text(std::uint32_t file) const { return files_[file].text; }
std::size_t SourceMap::size() const { return files_.size(); }

}  // namespace sufler

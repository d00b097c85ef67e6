// The form of STYLE.md, for people at a terminal:
//
//   booking.yaml:7:9: error[S201]: `go` names no branch of this scenario: `farewel`
//     |
//   7 |     go: farewel
//     |         ^~~~~~~ did you mean `farewell`, booking.yaml:12:3?
#include <unicode/uchar.h>

#include <algorithm>

#include "schema/render_common.h"

namespace sufler {
namespace {

// A line of a megabyte must not flood the terminal: this much is shown around the place.
constexpr std::size_t kShownBefore = 60;
constexpr std::size_t kShownAfter = 120;

std::size_t cells(char32_t c) {
  const auto point = static_cast<UChar32>(c);
  switch (u_charType(point)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_FORMAT_CHAR:
      return 0;
    default:
      break;
  }
  const int width = u_getIntPropertyValue(point, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

std::size_t cells(std::string_view text) {
  std::size_t sum = 0;
  for (std::size_t at = 0; at < text.size();) sum += cells(next_code_point(text, at));
  return sum;
}

std::string_view severity_word(Severity severity, Language language) {
  if (language == Language::English) return severity_name(severity);
  switch (severity) {
    case Severity::Error:
      return "ошибка";
    case Severity::Warning:
      return "предупреждение";
    case Severity::Note:
      return "замечание";
  }
  return "ошибка";
}

struct Excerpt {
  std::string line;
  std::size_t indent = 0;  ///< cells before the underline
  std::size_t width = 1;   ///< cells of the underline
};

Excerpt excerpt_of(std::string_view line, std::size_t column, std::size_t end_column) {
  const std::string_view before = first_code_points(line, column - 1);
  std::string_view marked = line.substr(before.size());
  marked = first_code_points(marked, end_column - column);
  const std::string_view after = line.substr(before.size() + marked.size());

  Excerpt out;
  std::string_view shown_before = before;
  const std::size_t length = count_code_points(before);
  if (length > kShownBefore + 1) {
    shown_before = before.substr(first_code_points(before, length - kShownBefore).size());
    out.line = "…";
  }
  out.line += printable(shown_before, kShownBefore + 1);
  out.indent = cells(out.line);
  const std::string middle = printable(marked, kShownAfter);
  out.width = std::max<std::size_t>(cells(middle), 1);
  out.line += middle;
  const std::size_t used = count_code_points(middle);
  if (used < kShownAfter) out.line += printable(after, kShownAfter - used);
  while (out.line.ends_with(' ')) out.line.pop_back();
  return out;
}

void render(const Diagnostic& one, const SourceMap& sources, Language language, std::string& out) {
  out += place_name(one.span, sources);
  out += ": ";
  out += severity_word(one.severity, language);
  out += '[';
  out += code_of(one.id);
  out += "]: ";
  out += message_of(one, language);
  out += '\n';

  const Region region = region_of(one.span, sources);
  const std::string_view line = sources.line_text(one.span.file, region.begin.line);
  // What spans several lines is underlined to the end of the first.
  const std::size_t end =
      region.end.line == region.begin.line
          ? region.end.column
          : std::max<std::size_t>(count_code_points(line) + 1, region.begin.column);
  const Excerpt excerpt = excerpt_of(line, region.begin.column, end);
  const std::string number = std::to_string(region.begin.line);
  const std::string gutter(number.size() + 1, ' ');
  out += gutter + "|\n" + number + " |";
  if (!excerpt.line.empty()) out += ' ' + excerpt.line;
  out += '\n' + gutter + "| " + std::string(excerpt.indent, ' ') + '^' +
         std::string(excerpt.width - 1, '~');
  const std::string hint = hint_of(one, sources, language);
  if (!hint.empty()) out += ' ' + hint;
  out += '\n';
}

}  // namespace

std::string render_text(const std::vector<Diagnostic>& all, const SourceMap& sources,
                        Language language) {
  std::string out;
  for (const Diagnostic& one : all) render(one, sources, language, out);
  return out;
}

std::string render_github(const std::vector<Diagnostic>& all, const SourceMap& sources,
                          Language language) {
  // https://docs.github.com/actions/reference/workflow-commands-for-github-actions
  const auto escape = [](std::string_view text, bool property) {
    std::string out;
    for (char c : text) {
      if (c == '%')
        out += "%25";
      else if (c == '\r')
        out += "%0D";
      else if (c == '\n')
        out += "%0A";
      else if (property && c == ':')
        out += "%3A";
      else if (property && c == ',')
        out += "%2C";
      else
        out += c;
    }
    return out;
  };
  std::string out;
  for (const Diagnostic& one : all) {
    const Region region = region_of(one.span, sources);
    const std::string hint = hint_of(one, sources, language);
    out += "::";
    out += one.severity == Severity::Note ? "notice" : severity_name(one.severity);
    out += " file=" + escape(sources.path(one.span.file), true);
    out += ",line=" + std::to_string(region.begin.line);
    // GitHub takes columns only for a place within one line.
    if (region.end.line == region.begin.line) {
      out += ",col=" + std::to_string(region.begin.column);
      if (region.end.column > region.begin.column)
        out += ",endColumn=" + std::to_string(region.end.column - 1);
    } else {
      out += ",endLine=" + std::to_string(region.end.line);
    }
    out += ",title=" + std::string(code_of(one.id)) + "::";
    out += escape(message_of(one, language) + (hint.empty() ? "" : " (" + hint + ")"), false);
    out += '\n';
  }
  return out;
}

}  // namespace sufler

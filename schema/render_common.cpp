#include "schema/render_common.h"

namespace sufler {

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    if (count == limit) return out + "…";
    const char32_t c = next_code_point(text, at);
    // C0, C1, line separators, and the marks that turn the direction of a line.
    const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x2028 && c <= 0x202E) ||
                         (c >= 0x2066 && c <= 0x2069);
    append_utf8(out, control ? U' ' : c);
  }
  return out;
}

std::string place_name(const SourceSpan& span, const SourceMap& sources) {
  const SourceMap::Place place = sources.locate(span.file, span.offset);
  return printable(sources.path(span.file), 500) + ":" + std::to_string(place.line) + ":" +
         std::to_string(place.column);
}

std::string hint_of(const Diagnostic& diagnostic, const SourceMap& sources, Language language) {
  const std::string& hint = language == Language::Russian ? diagnostic.hint_ru : diagnostic.hint_en;
  std::string out;
  std::vector<bool> mentioned(diagnostic.related.size(), false);
  for (std::size_t i = 0; i < hint.size(); ++i) {
    const bool reference = hint[i] == '{' && i + 2 < hint.size() && hint[i + 2] == '}' &&
                           hint[i + 1] >= '0' && hint[i + 1] <= '9';
    const auto index = reference ? static_cast<std::size_t>(hint[i + 1] - '0') : 0;
    if (reference && index < mentioned.size()) {
      out += place_name(diagnostic.related[index].span, sources);
      mentioned[index] = true;
      i += 2;
    } else {
      out += hint[i];
    }
  }
  for (std::size_t i = 0; i < mentioned.size(); ++i) {
    if (mentioned[i]) continue;
    if (!out.empty()) out += "; ";
    const Located<std::string>& place = diagnostic.related[i];
    out += place.value.empty() ? (language == Language::Russian ? "см. " : "see ")
                               : place.value + ", ";
    out += place_name(place.span, sources);
  }
  return printable(out, 400);
}

Region region_of(const SourceSpan& span, const SourceMap& sources) {
  return {sources.locate(span.file, span.offset),
          sources.locate(span.file, span.offset + span.length)};
}

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::Error:
      return "error";
    case Severity::Warning:
      return "warning";
    case Severity::Note:
      return "note";
  }
  return "error";
}

}  // namespace sufler

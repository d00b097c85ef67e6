#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sufler {

enum class Markup : std::uint8_t { Bold, Italic, Code, Link };

/// A marked part of a text: bytes [begin, end).
struct MarkupSpan {
  Markup markup = Markup::Bold;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::string url;  ///< of a Link
  friend bool operator==(const MarkupSpan&, const MarkupSpan&) = default;
};

/// Text with light markup already read, so that nothing a person typed can be taken for markup.
struct RichText {
  std::string text;
  std::vector<MarkupSpan> spans;  ///< ordered by begin; they nest, never cross

  bool empty() const { return text.empty(); }
  void append(std::string_view plain) { text += plain; }
  void append(const RichText& other);
  friend bool operator==(const RichText&, const RichText&) = default;
};

/// Reads `**bold**`, `_italic_`, `` `code` `` and `[label](https://…)` of an author's text. A mark that
/// is not closed, or stands inside a word (`snake_case`), is plain text.
RichText parse_markup(std::string_view author_text);
/// Writes the marks back: how talks and the terminal show a message.
std::string to_markup(const RichText& text);

/// Cuts a text into parts of at most `limit` units as `count_utf16_units` counts them, at a paragraph,
/// else a line, else a word, else anywhere between code points; marks are carried over the cut.
std::vector<RichText> split(const RichText& text, std::size_t limit);

}  // namespace sufler

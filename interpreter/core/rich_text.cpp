#include "interpreter/core/rich_text.h"

#include <algorithm>
#include <array>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

constexpr int kMaxNesting = 8;
constexpr std::size_t kMaxUrl = 2048;

bool is_word_char(char32_t c) { return is_letter(c) || is_digit(c); }

bool word_before(std::string_view text, std::size_t at) {
  if (at == 0) return false;
  std::size_t start = at - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
  return is_word_char(next_code_point(text, start));
}

bool word_after(std::string_view text, std::size_t at) {
  return at < text.size() && is_word_char(next_code_point(text, at));
}

bool is_gap(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

bool is_link_target(std::string_view url) {
  for (const std::string_view scheme : {"https://", "http://", "tg://", "mailto:", "tel:"}) {
    if (url.size() > scheme.size() && url.substr(0, scheme.size()) == scheme) {
      return url.find_first_of(" \t\r\n") == std::string_view::npos;
    }
  }
  return false;
}

// A mark opens before a character that is not white space and closes behind one, neither of them
// inside a word. What a pair encloses is read again for further pairs, so spans nest by themselves.
// A search that found no closing mark is not repeated within the same stretch: reading stays
// linear.
class MarkupParser {
 public:
  explicit MarkupParser(std::string_view source) : source_(source) {
    out_.text.reserve(source.size());
  }

  RichText parse() {
    read(0, source_.size(), 0);
    std::stable_sort(out_.spans.begin(), out_.spans.end(),
                     [](const MarkupSpan& a, const MarkupSpan& b) {
                       return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
                     });
    return std::move(out_);
  }

 private:
  /// Where the stretch ends that was searched in vain for a closing mark of each kind.
  struct Searched {
    std::size_t bold = 0;
    std::size_t italic = 0;
    std::size_t code = 0;
    std::size_t link = 0;
  };

  void read(std::size_t begin, std::size_t end, int depth) {
    Searched searched;
    for (std::size_t i = begin; i < end;) {
      std::size_t next = 0;
      switch (source_[i]) {
        case '`':
          next = i < searched.code ? 0 : code(i, end, searched.code);
          break;
        case '*':
          if (i + 1 < end && source_[i + 1] == '*' && i >= searched.bold) {
            next = pair(i, end, "**", Markup::Bold, depth, searched.bold);
          }
          break;
        case '_':
          next =
              i < searched.italic ? 0 : pair(i, end, "_", Markup::Italic, depth, searched.italic);
          break;
        case '[':
          next = i < searched.link ? 0 : link(i, end, depth, searched.link);
          break;
        default:
          break;
      }
      if (next != 0) {
        i = next;
      } else {
        out_.text.push_back(source_[i++]);
      }
    }
  }

  bool opens(std::size_t at, std::size_t length, std::size_t end) const {
    return at + length < end && !is_gap(source_[at + length]) && !word_before(source_, at);
  }
  bool closes(std::size_t at, std::size_t length) const {
    return !is_gap(source_[at - 1]) && !word_after(source_, at + length);
  }
  /// `__init__` is a name, not a slanted `_init_`.
  bool is_doubled(std::size_t at) const {
    return (at > 0 && source_[at - 1] == '_') ||
           (at + 1 < source_.size() && source_[at + 1] == '_');
  }

  std::size_t code(std::size_t at, std::size_t end, std::size_t& searched) {
    if (!opens(at, 1, end)) return 0;
    std::size_t i = at + 2;
    for (; i < end && source_[i] != '\n'; ++i) {
      if (source_[i] != '`' || !closes(i, 1)) continue;
      add(Markup::Code, out_.text.size(), i - at - 1, {});
      out_.text += source_.substr(at + 1, i - at - 1);
      return i + 1;
    }
    searched = i;
    return 0;
  }

  std::size_t pair(std::size_t at, std::size_t end, std::string_view mark, Markup markup, int depth,
                   std::size_t& searched) {
    if (depth >= kMaxNesting || !opens(at, mark.size(), end)) return 0;
    if (mark == "_" && is_doubled(at)) return 0;
    std::size_t i = at + mark.size() + 1;
    for (; i + mark.size() <= end; ++i) {
      // A mark pairs within its paragraph only.
      if (source_[i] == '\n' && source_[i - 1] == '\n') break;
      if (source_.compare(i, mark.size(), mark) != 0 || !closes(i, mark.size())) continue;
      if (mark == "_" && is_doubled(i)) continue;
      // `***x***`: the outer pair takes the last two stars.
      while (mark.size() == 2 && i + 2 < end && source_[i + 2] == '*') ++i;
      const std::size_t index = out_.spans.size();
      add(markup, out_.text.size(), 0, {});
      read(at + mark.size(), i, depth + 1);
      out_.spans[index].end = static_cast<std::uint32_t>(out_.text.size());
      return i + mark.size();
    }
    searched = i;
    return 0;
  }

  std::size_t link(std::size_t at, std::size_t end, int depth, std::size_t& searched) {
    if (depth >= kMaxNesting) return 0;
    std::size_t middle = at + 1;
    while (middle < end && source_[middle] != ']' && source_[middle] != '[' &&
           source_[middle] != '\n')
      ++middle;
    if (middle >= end || source_[middle] != ']' || middle == at + 1) {
      searched = middle;
      return 0;
    }
    if (middle + 1 >= end || source_[middle + 1] != '(') return 0;
    int open = 1;
    std::size_t close = middle + 2;
    const std::size_t limit = std::min(end, close + kMaxUrl);
    for (; close < limit && !is_gap(source_[close]); ++close) {
      if (source_[close] == '(') ++open;
      if (source_[close] == ')' && --open == 0) break;
    }
    if (close >= limit || open != 0) return 0;
    const std::string_view url = source_.substr(middle + 2, close - middle - 2);
    if (!is_link_target(url)) return 0;
    const std::size_t index = out_.spans.size();
    add(Markup::Link, out_.text.size(), 0, url);
    read(at + 1, middle, kMaxNesting - 1);  // a label may be marked, and holds no further links
    out_.spans[index].end = static_cast<std::uint32_t>(out_.text.size());
    return close + 1;
  }

  void add(Markup markup, std::size_t begin, std::size_t length, std::string_view url) {
    out_.spans.push_back({markup, static_cast<std::uint32_t>(begin),
                          static_cast<std::uint32_t>(begin + length), std::string(url)});
  }

  std::string_view source_;
  RichText out_;
};

std::string_view opening_mark(Markup markup) {
  switch (markup) {
    case Markup::Bold:
      return "**";
    case Markup::Italic:
      return "_";
    case Markup::Code:
      return "`";
    case Markup::Link:
      return "[";
  }
  return {};
}

/// The part [begin, end) of a text, with what is left of its marks.
RichText cut(const RichText& text, std::size_t begin, std::size_t end) {
  RichText part;
  part.text = text.text.substr(begin, end - begin);
  for (const MarkupSpan& span : text.spans) {
    if (span.end <= begin || span.begin >= end) continue;
    MarkupSpan kept = span;
    kept.begin = static_cast<std::uint32_t>(std::max<std::size_t>(span.begin, begin) - begin);
    kept.end = static_cast<std::uint32_t>(std::min<std::size_t>(span.end, end) - begin);
    part.spans.push_back(std::move(kept));
  }
  return part;
}

/// Joins the character before it: an accent, a variation selector, a skin tone, a joiner.
bool clings(char32_t c) {
  return c == 0x200D || c == 0xFE0F || c == 0x20E3 || (c >= 0x300 && c <= 0x36F) ||
         (c >= 0x1F3FB && c <= 0x1F3FF);
}

}  // namespace

void RichText::append(const RichText& other) {
  const auto shift = static_cast<std::uint32_t>(text.size());
  text += other.text;
  for (MarkupSpan span : other.spans) {
    span.begin += shift;
    span.end += shift;
    spans.push_back(std::move(span));
  }
}

RichText parse_markup(std::string_view author_text) {
  if (author_text.find_first_of("*_`[") == std::string_view::npos)
    return {std::string(author_text), {}};
  return MarkupParser(author_text).parse();
}

std::string to_markup(const RichText& text) {
  if (text.spans.empty()) return text.text;
  std::string out;
  std::vector<const MarkupSpan*> open;
  std::size_t next = 0;
  for (std::size_t at = 0; at <= text.text.size(); ++at) {
    while (!open.empty() && open.back()->end <= at) {
      if (open.back()->markup == Markup::Link) {
        out.append("](").append(open.back()->url).append(")");
      } else {
        out += opening_mark(open.back()->markup);
      }
      open.pop_back();
    }
    for (; next < text.spans.size() && text.spans[next].begin <= at; ++next) {
      if (text.spans[next].end <= text.spans[next].begin) continue;
      out += opening_mark(text.spans[next].markup);
      open.push_back(&text.spans[next]);
    }
    if (at < text.text.size()) out.push_back(text.text[at]);
  }
  return out;
}

std::vector<RichText> split(const RichText& text, std::size_t limit) {
  std::vector<RichText> parts;
  const std::string& whole = text.text;
  std::size_t begin = 0;
  while (true) {
    std::size_t units = 0;
    std::size_t end = begin;
    std::size_t paragraph = 0;
    std::size_t line = 0;
    std::size_t word = 0;
    std::size_t loose = begin;  // the last place between two code points that do not cling together
    bool fits = true;
    bool joined = false;
    while (end < whole.size()) {
      std::size_t next = end;
      const char32_t c = next_code_point(whole, next);
      if (end > begin) {
        if (c == '\n') {
          line = end;
          if (next < whole.size() && whole[next] == '\n') paragraph = end;
        } else if (is_space(c) && c != 0xA0 && c != 0x202F) {
          word = end;
        }
        if (!clings(c) && !joined) loose = end;
      }
      joined = c == 0x200D;
      units += c > 0xFFFF ? 2 : 1;
      if (units > limit && end > begin) {
        fits = false;
        break;
      }
      end = next;
    }
    if (fits) {
      parts.push_back(begin == 0 ? text : cut(text, begin, whole.size()));
      return parts;
    }
    const std::size_t at = paragraph > begin ? paragraph
                           : line > begin    ? line
                           : word > begin    ? word
                           : loose > begin   ? loose
                                             : end;
    const std::string_view kept = trim(std::string_view(whole).substr(begin, at - begin));
    // Only the white space at the cut goes; an indented first line stays indented.
    const std::size_t kept_end =
        kept.empty() ? begin : static_cast<std::size_t>(kept.data() - whole.data()) + kept.size();
    if (kept_end > begin) parts.push_back(cut(text, begin, kept_end));
    begin = at;
    if (at != loose || at == word || at == line) {
      while (begin < whole.size()) {
        std::size_t next = begin;
        const char32_t c = next_code_point(whole, next);
        if (!is_space(c)) break;
        begin = next;
      }
    }
    if (begin >= whole.size()) {
      if (parts.empty()) parts.push_back(text);
      return parts;
    }
  }
}

}  // namespace sufler

#include "interpreter/core/rich_text.h"

#include <algorithm>
#include <array>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

constexpr int kMaxNesting = 8;

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
// inside a word. What a pair encloses is read again for further pairs, so spans nest by themselves. A
// search that found no closing mark is not repeated within the same stretch: reading stays linear.
class MarkupParser {
 public:
  explicit MarkupParser(std::string_view source) : source_(source) { out_.text.reserve(source.size()); }

  RichText parse() {
    read(0, source_.size(), 0);
    std::stable_sort(out_.spans.begin(), out_.spans.end(), [](const MarkupSpan& a, const MarkupSpan& b) {
      return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
    });
    return std::move(out_);
  }

 private:
  struct Absent {
    bool bold = false;
    bool italic = false;
    bool code = false;
    bool link = false;
  };

  void read(std::size_t begin, std::size_t end, int depth) {
    Absent absent;
    for (std::size_t i = begin; i < end;) {
      std::size_t next = 0;
      switch (source_[i]) {
        case '`': next = absent.code ? 0 : code(i, end, absent.code); break;
        case '*':
          if (i + 1 < end && source_[i + 1] == '*' && !absent.bold) {
            next = pair(i, end, "**", Markup::Bold, depth, absent.bold);
          }
          break;
        case '_': next = absent.italic ? 0 : pair(i, end, "_", Markup::Italic, depth, absent.italic); break;
        case '[': next = absent.link ? 0 : link(i, end, depth, absent.link); break;
        default: break;
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
  /// A mark pairs within its paragraph only.
  std::size_t paragraph_end(std::size_t begin, std::size_t end) const {
    return std::min(source_.find("\n\n", begin), end);
  }

  std::size_t code(std::size_t at, std::size_t end, bool& absent) {
    if (!opens(at, 1, end)) return 0;
    const std::size_t limit = std::min(source_.find('\n', at), end);
    for (std::size_t i = at + 2; i < limit; ++i) {
      if (source_[i] != '`' || !closes(i, 1)) continue;
      add(Markup::Code, out_.text.size(), i - at - 1, {});
      out_.text += source_.substr(at + 1, i - at - 1);
      return i + 1;
    }
    absent = limit == end;
    return 0;
  }

  std::size_t pair(std::size_t at, std::size_t end, std::string_view mark, Markup markup, int depth,
                   bool& absent) {
    if (depth >= kMaxNesting || !opens(at, mark.size(), end)) return 0;
    const std::size_t limit = paragraph_end(at, end);
    std::size_t i = at + mark.size() + 1;
    while (i + mark.size() <= limit) {
      if (source_.compare(i, mark.size(), mark) == 0 && closes(i, mark.size())) {
        // `***x***`: the outer pair takes the last two stars.
        while (mark.size() == 2 && i + 2 < limit && source_[i + 2] == '*') ++i;
        const std::size_t index = out_.spans.size();
        const std::size_t from = out_.text.size();
        add(markup, from, 0, {});
        read(at + mark.size(), i, depth + 1);
        out_.spans[index].end = static_cast<std::uint32_t>(out_.text.size());
        return i + mark.size();
      }
      ++i;
    }
    absent = limit == end;
    return 0;
  }

  std::size_t link(std::size_t at, std::size_t end, int depth, bool& absent) {
    if (depth >= kMaxNesting) return 0;
    const std::size_t middle = source_.find("](", at + 1);
    if (middle == std::string_view::npos || middle >= end) {
      absent = true;
      return 0;
    }
    if (middle == at + 1 || source_.substr(at + 1, middle - at - 1).find_first_of("[\n") != std::string_view::npos) {
      return 0;
    }
    int open = 1;
    std::size_t close = middle + 2;
    for (; close < end && !is_gap(source_[close]); ++close) {
      if (source_[close] == '(') ++open;
      if (source_[close] == ')' && --open == 0) break;
    }
    if (close >= end || open != 0) return 0;
    const std::string_view url = source_.substr(middle + 2, close - middle - 2);
    if (!is_link_target(url)) return 0;
    const std::size_t index = out_.spans.size();
    const std::size_t from = out_.text.size();
    add(Markup::Link, from, 0, url);
    read(at + 1, middle, kMaxNesting - 1);  // a label may hold code, and no further links
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
    case Markup::Bold: return "**";
    case Markup::Italic: return "_";
    case Markup::Code: return "`";
    case Markup::Link: return "[";
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
  if (author_text.find_first_of("*_`[") == std::string_view::npos) return {std::string(author_text), {}};
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

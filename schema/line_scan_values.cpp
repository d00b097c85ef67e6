// Values: texts with and without quotes, block texts, lists and maps in brackets. A value that YAML
// cannot read as written is kept as the author wrote it (a substitute) and reported with the quotes
// it wants.
#include <algorithm>
#include <cstring>

#include "interpreter/core/text.h"
#include "schema/line_scan.h"
#include "schema/vocabulary.h"

namespace sufler {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// As YAML reads a text over several lines: a line end is a space, an empty line a line end.
std::string join_lines(std::string_view raw) {
  std::string out;
  for (std::size_t at = 0; at < raw.size();) {
    const std::size_t line = raw.find('\n', at);
    if (line == std::string_view::npos) {
      out += raw.substr(at);
      break;
    }
    std::size_t end = line;
    while (end > at && is_blank(raw[end - 1])) --end;
    out += raw.substr(at, end - at);
    std::size_t line_ends = 0;
    for (at = line; at < raw.size() && is_blank(raw[at]); ++at) line_ends += raw[at] == '\n';
    if (line_ends == 1)
      out += ' ';
    else
      out.append(line_ends - 1, '\n');
  }
  return out;
}

bool is_one_word(std::string_view text) {
  return text.find_first_of(" \t,;.!?") == std::string_view::npos;
}

/// What a branch may be called.
bool is_name(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const bool first = at == 0;
    const char32_t c = next_code_point(text, at);
    if (!is_letter(c) && (first || (!is_digit(c) && c != U'_'))) return false;
  }
  return !text.empty();
}

// `#тег`, `#1`; not `# note`, `##`, `#---`.
bool is_hashtag(std::string_view text, std::size_t at) {
  if (at + 1 >= text.size()) return false;
  const char next = text[at + 1];
  return (next & 0x80) || next == '_' || std::isalnum(static_cast<unsigned char>(next)) ||
         next == '{';
}

std::size_t closing_bracket(std::string_view text, std::size_t open, std::size_t end) {
  std::size_t depth = 0;
  bool unpaired[2] = {false, false};
  for (std::size_t at = open; at < end; ++at) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      // A quote inside a word is an apostrophe.
      if (!std::strchr(" \t,:[{", text[at - 1])) continue;
      const bool is_double = c == '"';
      if (unpaired[is_double]) continue;
      std::size_t close = at + 1;
      while (close < end && text[close] != c) close += is_double && text[close] == '\\' ? 2 : 1;
      if (close >= end)
        unpaired[is_double] = true;
      else
        at = close;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      if (--depth == 0) return at;
    }
  }
  return std::string_view::npos;
}

// The length of a valid escape of a double-quoted text at its backslash; 0 when it is none.
std::size_t escape_length(std::string_view text, std::size_t at) {
  if (at + 1 >= text.size()) return 0;
  const char kind = text[at + 1];
  const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  if (digits) {
    for (std::size_t i = 0; i < digits; ++i) {
      if (at + 2 + i >= text.size() || !std::isxdigit(static_cast<unsigned char>(text[at + 2 + i])))
        return 0;
    }
    return 2 + digits;
  }
  return kind == '\n' || kind == '\r' || std::strchr("0abt\tnvfre \"'/\\N_LP", kind) ? 2 : 0;
}

}  // namespace

std::string quote_yaml(std::string_view text) {
  if (text.find_first_of("\"\\") == std::string_view::npos) return '"' + std::string(text) + '"';
  std::string out = "'";
  for (const char c : text) {
    out += c;
    if (c == '\'') out += c;
  }
  return out + '\'';
}

void LineScan::quote_region(const Trouble& trouble, std::size_t begin, std::size_t end,
                            const Slot& slot) {
  const std::string_view raw = slice(begin, end);
  const std::size_t from = trouble.begin == kNone ? begin : trouble.begin;
  const std::size_t first_line = std::min(text_.substr(0, end).find('\n', from), end);
  Diagnostic& problem = report(trouble.id, from, trimmed_end(from, first_line), {trouble.argument});
  std::string quoted = quote_yaml(raw);
  const std::string shown = printable_hint(quote_yaml(join_lines(raw)));
  const bool nested = trouble.id == DiagnosticId::ColonInText && slot.lines;
  if (trouble.id == DiagnosticId::ListOnSameLine) {
    problem.hint_en = "move it to the next line";
    problem.hint_ru = "перенесите его на следующую строку";
  } else if (nested) {
    problem.hint_en =
        "put `" + printable_hint(raw) + "` on the next line; if it is a text, in quotes";
    problem.hint_ru = "перенесите `" + printable_hint(raw) +
                      "` на следующую строку; если это текст, возьмите его в кавычки";
  } else if (trouble.id == DiagnosticId::HashInText && !trouble.safe) {
    problem.hint_en =
        "if it is a note, put a space after `#`; if it is text, write `" + shown + "`";
    problem.hint_ru =
        "если это пометка, поставьте пробел после `#`; если текст, напишите `" + shown + "`";
    fix(problem, "make it a comment", {{span(from + 1, from + 1), " "}}, false);
  } else {
    problem.hint_en = "write `" + shown + "`";
    problem.hint_ru = "напишите `" + shown + "`";
  }
  if (trouble.id != DiagnosticId::ListOnSameLine)
    fix(problem, "put it in quotes", {{span(begin, end), std::move(quoted)}},
        trouble.safe && !nested);
  substitute(begin, end, join_lines(raw));
}

std::string LineScan::printable_hint(std::string_view text) {
  std::string_view first = text.substr(0, text.find_first_of("\r\n"));
  const std::string_view head = first_code_points(first, 60);
  return head.size() == text.size() ? std::string(head) : std::string(head) + "…";
}

void LineScan::scan_value(std::size_t begin, const Slot& slot) {
  while (const std::size_t odd = odd_space(begin)) {
    mend_odd_space(begin, odd, "");
    begin = skip_blanks(begin + odd);
  }
  if (ends_line(begin)) {
    at_ = line_end(begin) + 1;
    expect_value(slot);
    return;
  }
  const char c = text_[begin];
  if (starts_comment(begin)) {
    bool comment = !is_hashtag(text_, begin) || (slot.known && !slot.text);
    if (!comment) {
      // A value on the next lines leaves this to be a comment written without its space.
      int column = 0;
      const std::size_t next = next_content(line_end(begin) + 1, &column);
      comment = next != kNone && column > slot.parent &&
                (is_structure(next, line_end(next)) || text_.substr(next, 2) == "- ");
    }
    if (comment) {
      at_ = line_end(begin) + 1;
      expect_value(slot);
      return;
    }
    const std::size_t end = trimmed_end(begin, line_end(begin));
    scan_plain(begin, slot,
               Trouble{DiagnosticId::HashInText, std::string(slice(begin, end)), true, kNone});
    return;
  }
  if (c == '"' || c == '\'') {
    scan_quoted_value(begin, slot);
  } else if ((c == '|' || c == '>') && scan_block_text(begin, slot)) {
    return;
  } else if (!scan_special(begin, slot)) {
    if (c == '[' || c == '{')
      scan_flow(begin, slot);
    else
      scan_plain(begin, slot);
  }
}

bool LineScan::scan_special(std::size_t begin, const Slot& slot) {
  const char c = text_[begin];
  const std::size_t end = line_end(begin);
  if ((c == '&' || c == '!') && !slot.text) {
    // A real anchor or tag: a Latin word, then a value or nothing.
    std::size_t stop = begin + 1;
    while (stop < end && (std::isalnum(static_cast<unsigned char>(text_[stop])) ||
                          (text_[stop] && std::strchr("!:/._-<>", text_[stop]))))
      ++stop;
    const bool word = stop > begin + 1 && (ends_line(stop) || text_[stop] == ' ');
    if (word) {
      Diagnostic& problem = report(c == '&' ? DiagnosticId::Anchor : DiagnosticId::Tag, begin, stop,
                                   {std::string(slice(begin, stop))});
      problem.hint_en = "delete it; if it is part of a text, put the text in quotes";
      problem.hint_ru = "сотрите; если это часть текста, возьмите текст в кавычки";
      if (c == '&') anchors_.emplace(slice(begin + 1, stop));
      replace(begin, stop, "");
      scan_value(skip_blanks(stop), slot);
      return true;
    }
  }
  if (c == '*') {
    const std::size_t stop = trimmed_end(begin, end);
    const std::string_view name = slice(begin + 1, stop);
    if (anchors_.contains(name)) {
      Diagnostic& problem =
          report(DiagnosticId::Alias, begin, stop, {std::string(slice(begin, stop))});
      problem.hint_en = "write the value here again";
      problem.hint_ru = "напишите значение здесь ещё раз";
      substitute(begin, stop, std::string(slice(begin, stop)));
      at_ = end + 1;
      after_ = After::Whole;
      return true;
    }
  }
  const auto trouble = special_start(begin, slot, false);
  if (!trouble) return false;
  scan_plain(begin, slot, trouble);
  return true;
}

std::optional<LineScan::Trouble> LineScan::special_start(std::size_t begin, const Slot& slot,
                                                         bool in_flow) {
  const char c = text_[begin];
  const char next = begin + 1 < text_.size() ? text_[begin + 1] : '\n';
  const std::string shown = c == '`' ? "\"`\"" : std::string("`") + c + "`";
  if (c == '{' && next == '{') return Trouble{DiagnosticId::UnquotedTemplate, "{{", true, kNone};
  if (std::strchr("*&!@`%|>", c)) return Trouble{DiagnosticId::SpecialStart, shown, true, kNone};
  if (!in_flow && std::strchr(",]}", c))
    return Trouble{DiagnosticId::SpecialStart, shown, true, kNone};
  if (std::strchr("-?:", c) && is_blank(next)) {
    if (c == '-' && slot.known && !slot.text && !is_blank(next)) return {};
    if (c == '-' && next == ' ' && slot.known && !slot.text && !slot.formula)
      return Trouble{DiagnosticId::ListOnSameLine, std::string(slot.key), false, kNone};
    if (c == '?' && in_flow) return {};
    return Trouble{DiagnosticId::SpecialStart, shown, true, kNone};
  }
  return {};
}

void LineScan::scan_plain(std::size_t begin, const Slot& slot, std::optional<Trouble> trouble) {
  std::size_t end = begin;
  std::size_t line = begin;
  bool strange_indentation = false;
  std::size_t next_line = begin;
  for (;;) {
    const std::size_t stop = line_end(line);
    std::size_t text_end = stop;
    bool comment = false;
    for (std::size_t at = line; at < stop; ++at) {
      const char c = text_[at];
      if (c == ':') {
        if (trouble || !(ends_line(at + 1) || text_[at + 1] == ' ' || text_[at + 1] == '\t'))
          continue;
        trouble = Trouble{DiagnosticId::ColonInText, "", true, kNone};
      } else if (c == '#' && at > begin && is_blank(text_[at - 1])) {
        if (!is_hashtag(text_, at) || (slot.known && !slot.text) || slot.formula) {
          text_end = at;
          comment = true;
          break;
        }
        if (trouble) continue;
        // One word before it may well be a name with a note behind: the author decides.
        const std::string_view before = slice(begin, trimmed_end(begin, at));
        trouble = Trouble{DiagnosticId::HashInText, std::string(slice(at, trimmed_end(at, stop))),
                          slot.text || !is_one_word(before), at};
      }
    }
    end = trimmed_end(begin, text_end);
    next_line = stop + 1;
    if (comment) break;
    int column = 0;
    const std::size_t next = next_content(next_line, &column);
    if (next == kNone || column <= slot.parent || text_[next] == '#') break;
    if (column == bad_column_ || is_structure(next, line_end(next))) break;
    if (column == 0 && (text_.substr(next, 3) == "---" || text_.substr(next, 3) == "...")) break;
    for (std::size_t at = next; at > 0 && text_[at - 1] != '\n'; --at)
      strange_indentation |= text_[at - 1] != ' ';
    line = next;
  }
  at_ = next_line;
  after_ = After::Whole;
  if (trouble) {
    quote_region(*trouble, begin, end, slot);
    return;
  }
  check_typographic(begin, end, slot);
  // A text that goes on under a tab means what it seems to mean.
  if (strange_indentation) substitute(begin, end, join_lines(slice(begin, end)), true);
}

void LineScan::check_typographic(std::size_t begin, std::size_t end, const Slot& slot) {
  const std::string_view raw = slice(begin, end);
  if (raw.size() < 4 || !(raw[0] & 0x80)) return;
  constexpr std::string_view kPairs[][2] = {
      {"“", "”"}, {"„", "“"}, {"„", "”"}, {"”", "”"}, {"«", "»"}};
  for (const auto& [open, close] : kPairs) {
    if (!raw.starts_with(open) || !raw.ends_with(close)) continue;
    const std::string_view inner = raw.substr(open.size(), raw.size() - open.size() - close.size());
    if (inner.find(open) != kNone || inner.find(close) != kNone) return;
    // A text may well be a title in «»; a branch's name or a type may not.
    if (open == "«" && (slot.text || !slot.known)) return;
    Diagnostic& problem = report(DiagnosticId::TypographicQuotes, begin, end);
    std::string quoted = quote_yaml(inner);
    problem.hint_en = "if they only hold the text together, write `" + printable_hint(quoted) + "`";
    problem.hint_ru = "если они только обрамляют текст, напишите `" + printable_hint(quoted) + "`";
    fix(problem, "use straight quotes", {{span(begin, end), std::move(quoted)}}, false);
    return;
  }
}

std::size_t LineScan::scan_quoted(std::size_t begin, int parent) {
  const char quote = text_[begin];
  std::vector<std::size_t> bad_escapes;
  std::size_t at = begin + 1;
  for (; at < text_.size(); ++at) {
    const char c = text_[at];
    if (c == quote) {
      if (quote == '"' || at + 1 >= text_.size() || text_[at + 1] != '\'') break;
      ++at;
    } else if (c == '\\' && quote == '"') {
      const std::size_t length = escape_length(text_, at);
      if (length) {
        at += length - 1;
        if (text_[at] == '\n') --at;
      } else if (bad_escapes.size() < kMostMistakes) {
        bad_escapes.push_back(at);
      }
    } else if (c == '\n') {
      int column = 0;
      const std::size_t next = next_content(at + 1, &column);
      if (next == kNone || column <= parent || next - at > lookahead_budget_) return kNone;
      lookahead_budget_ -= std::min(lookahead_budget_, next - at + line_end(next) - next);
      if (lookahead_budget_ == 0) return kNone;
      at = next - 1;
    }
  }
  if (at >= text_.size()) return kNone;
  if (!bad_escapes.empty()) {
    const std::size_t first = bad_escapes.front();
    std::size_t after = first + 1;
    next_code_point(text_, after);
    Diagnostic& problem =
        report(DiagnosticId::UnknownEscape, first, after, {std::string(slice(first, after))});
    problem.hint_en = "write `\\" + std::string(slice(first, after)) + "`";
    problem.hint_ru = "напишите `\\" + std::string(slice(first, after)) + "`";
    std::vector<FixEdit> edits;
    for (const std::size_t escape : bad_escapes) {
      edits.push_back({span(escape, escape), "\\"});
      replace(escape, escape, "\\");
    }
    fix(problem, "write the backslash twice", std::move(edits), true);
  }
  return at + 1;
}

void LineScan::scan_quoted_value(std::size_t begin, const Slot& slot) {
  const std::size_t mends = mends_.size();
  const std::size_t close = scan_quoted(begin, slot.parent);
  if (close == kNone) {
    unclosed_quote(begin);
    return;
  }
  after_ = After::Whole;
  std::size_t rest = skip_blanks(close);
  while (const std::size_t odd = odd_space(rest)) {
    mend_odd_space(rest, odd, "");
    rest = skip_blanks(rest + odd);
  }
  at_ = line_end(rest) + 1;
  if (ends_line(rest) || (text_[rest] == '#' && rest > close)) return;
  // More text behind the quotes. Either they belong to a part of the text, or they hold all of it
  // and others stand inside: the first closing one then sits like an opening one or an apostrophe.
  mends_.resize(mends);
  const char quote = text_[begin];
  const std::size_t end = trimmed_end(rest, line_end(rest));
  const std::string_view raw = slice(begin, end);
  const char before = text_[close - 2];
  const char after = text_[close];
  const bool inner =
      raw.ends_with(quote) && end > close &&
      (is_blank(before) || (after & 0x80) || std::isalnum(static_cast<unsigned char>(after)));
  const std::string_view meant = inner ? raw.substr(1, raw.size() - 2) : raw;
  Diagnostic& problem = report(DiagnosticId::TextAfterQuote, close - 1, end);
  std::string quoted = quote_yaml(meant);
  problem.hint_en = "for the whole text write `" + printable_hint(quoted) + "`";
  problem.hint_ru = "для всего текста напишите `" + printable_hint(quoted) + "`";
  const bool escapes = raw.find('\\') != kNone || raw.find('\n') != kNone;
  fix(problem, "put the whole text in quotes", {{span(begin, end), std::move(quoted)}}, !escapes);
  substitute(begin, end, join_lines(meant));
}

void LineScan::unclosed_quote(std::size_t begin) {
  const std::size_t stop = line_end(begin);
  const std::size_t end = trimmed_end(begin, stop);
  Diagnostic& problem = report(DiagnosticId::UnclosedQuote, begin, end);
  const char quote = text_[begin];
  std::size_t inner_end = end;
  for (const std::string_view typographic : {"”", "“", "»", "’", "″"}) {
    if (!slice(begin + 1, end).ends_with(typographic)) continue;
    inner_end = end - typographic.size();
    problem.hint_en = "it ends with `" + std::string(typographic) + "`: write `" + quote + "`";
    problem.hint_ru = "в конце стоит `" + std::string(typographic) + "`: поставьте `" + quote + "`";
  }
  if (inner_end == end) {
    problem.hint_en = std::string("is `") + quote + "` missing at the end of the line?";
    problem.hint_ru = std::string("может быть, в конце строки не хватает `") + quote + "`?";
  }
  // A lone apostrophe may be part of the text.
  fix(problem, "close the quote", {{span(inner_end, end), std::string(1, quote)}},
      quote == '"' && end > begin + 1);
  substitute(begin, end, std::string(slice(begin + 1, std::max(inner_end, begin + 1))));
  at_ = stop + 1;
  after_ = After::Whole;
}

bool LineScan::scan_block_text(std::size_t begin, const Slot& slot) {
  std::size_t head = begin + 1;
  int explicit_indent = 0;
  for (int i = 0; i < 2 && head < text_.size(); ++i) {
    if (text_[head] == '+' || text_[head] == '-') {
      ++head;
    } else if (text_[head] >= '1' && text_[head] <= '9') {
      explicit_indent = text_[head] - '0';
      ++head;
    }
  }
  std::size_t rest = skip_blanks(head);
  const bool comment = rest > head && text_.substr(rest, 1) == "#";
  if (!ends_line(rest) && !comment) return false;
  const int least = std::max(slot.parent, 0) + (slot.parent < 0 ? 0 : 1);
  int indent = explicit_indent ? std::max(slot.parent, 0) + explicit_indent : -1;
  std::size_t line = line_end(rest) + 1;
  while (line < text_.size()) {
    const std::size_t stop = line_end(line);
    std::size_t at = line;
    while (at < stop && text_[at] == ' ') ++at;
    int column = static_cast<int>(at - line);
    const std::size_t spaces_end = at;
    if (indent < 0 || column < indent) {
      while (at < stop && (text_[at] == '\t' || odd_space(at)))
        at += std::max<std::size_t>(odd_space(at), 1);
      while (at < stop && text_[at] == ' ') ++at;
    }
    if (ends_line(at)) {
      line = stop + 1;
      continue;
    }
    if (at != spaces_end) {
      // A tab or a no-break space takes part in the indentation.
      line_start_ = line;
      shift_ = 0;
      const int wanted = indent < 0 ? least + 1 : indent;
      const bool deeper = text_[spaces_end] == '\t' || column >= least;
      if (!deeper && column + static_cast<int>(at - spaces_end) < least) break;
      const std::string spaces(static_cast<std::size_t>(wanted), ' ');
      Repeated& seen = text_[spaces_end] == '\t' ? tabs_ : odd_spaces_;
      if (seen.begin == kNone) {
        seen.begin = spaces_end;
        seen.end = spaces_end + std::max<std::size_t>(odd_space(spaces_end), 1);
        if (&seen == &odd_spaces_) odd_space_name_ = name_of(spaces_end);
      }
      ++seen.lines;
      seen.edits.push_back({span(line, at), spaces});
      replace(line, at, spaces);
      indent = wanted;
      line = stop + 1;
      continue;
    }
    // Right under its key stands a line that is no `word: value`: the text was meant to be deeper.
    const bool slipped =
        column < least && column == slot.parent && text_[at] != '#' && !begins_entry(at);
    if (column < least && !slipped) break;
    if (indent < 0 && !slipped) {
      indent = column;
    } else if (column < indent || slipped) {
      if (is_structure(at, stop) || text_[at] == '#') break;
      if (indent < 0) indent = least + 1;
      Diagnostic& problem = report(DiagnosticId::BlockTextIndentation, at, trimmed_end(at, stop));
      const std::string spaces(static_cast<std::size_t>(indent - column), ' ');
      problem.hint_en = "indent it by " + std::to_string(indent);
      problem.hint_ru = "сделайте отступ " + std::to_string(indent);
      fix(problem, "indent it", {{span(at, at), spaces}}, true);
      replace(at, at, spaces);
    }
    line = stop + 1;
  }
  at_ = line;
  after_ = After::Whole;
  return true;
}

// ---- lists and maps in brackets

/// One open bracket, and what has been read of the entry in hand.
struct LineScan::Bracket {
  Bracket(std::size_t opened, bool is_map) : open(opened), map(is_map) {}
  std::size_t open;
  bool map;
  std::size_t key_begin = kNone, key_end = kNone;
  bool key_plain = false;
  bool text_key = false;  ///< of the entry before: its value is a text that people read
  bool colon = false;
  bool has_value = false;
  /// The last plain value, which a comma may have cut in two.
  std::size_t value_begin = kNone, value_end = kNone;
  std::optional<Trouble> trouble;
  bool quietly = false;  ///< readable to a person, not to the parser: `[Как дела?]`
};

struct LineScan::Flow {
  std::vector<Bracket> stack;
  std::size_t at;
  const Slot& slot;
};

std::string_view LineScan::look_ahead(std::size_t at) {
  // Far enough for any bracket that a person closes on its line; hostile lines stay linear.
  constexpr std::size_t kFar = 1000;
  const std::string_view here = text_.substr(at, std::min(kFar, lookahead_budget_));
  lookahead_budget_ -= here.size();
  return here.substr(0, here.find('\n'));
}

bool LineScan::text_after_bracket(std::size_t begin, const Slot& slot) {
  const std::size_t end = line_end(begin);
  const std::size_t close = closing_bracket(text_, begin, end);
  if (close == kNone) return false;
  const std::size_t rest = skip_blanks(close + 1);
  if (ends_line(rest) || text_[rest] == '#' || odd_space(rest)) return false;
  if (std::strchr("]},", text_[rest])) return false;
  scan_plain(begin, slot,
             Trouble{DiagnosticId::TextAfterBracket, std::string(1, text_[close]), true, kNone});
  return true;
}

void LineScan::scan_flow(std::size_t begin, const Slot& slot) {
  if (text_after_bracket(begin, slot)) return;
  constexpr std::size_t kDeepest = 100;
  // yaml-cpp keeps the tokens of one line's bracket until it is closed.
  constexpr std::size_t kMostEntries = 200'000;
  std::size_t entries = 0;
  Flow flow{{}, begin + 1, slot};
  flow.stack.emplace_back(begin, text_[begin] == '{');
  std::size_t content_end = begin + 1;
  std::size_t& at = flow.at;
  while (!flow.stack.empty()) {
    if (flow.stack.size() > kDeepest) {
      report(DiagnosticId::TooDeep, flow.stack.back().open, flow.stack.back().open + 1,
             {std::to_string(kDeepest)});
      hopeless_ = true;
    } else if (++entries > kMostEntries) {
      report(DiagnosticId::TooManyValues, begin, begin + 1, {std::to_string(kMostEntries)});
      hopeless_ = true;
    }
    if (hopeless_) return;
    if (at >= text_.size()) {
      close_brackets(flow, content_end);
      break;
    }
    const char c = text_[at];
    if (c == ' ' || c == '\t' || c == '\r') {
      ++at;
      continue;
    }
    if (c == '\n') {
      int column = 0;
      const std::size_t next = next_content(at + 1, &column);
      const bool closes = next != kNone && (text_[next] == ']' || text_[next] == '}');
      const bool leaves = next == kNone ||
                          (column <= slot.parent && !closes && begins_entry(next)) ||
                          (text_.substr(next, 2) == "- " && is_structure(next, line_end(next)));
      if (leaves) {
        close_brackets(flow, content_end);
        at_ = at + 1;
        after_ = After::Whole;
        return;
      }
      at = next;
      continue;
    }
    if (const std::size_t odd = odd_space(at)) {
      mend_odd_space(at, odd, "");
      at += odd;
      continue;
    }
    Bracket& top = flow.stack.back();
    if (c == '#' && is_blank(text_[at - 1]) && (!is_hashtag(text_, at) || first_of_line(at))) {
      at = line_end(at);
      continue;
    }
    if (c == ',') {
      end_flow_entry(flow);
      ++at;
    } else if (c == ']' || c == '}') {
      end_flow_entry(flow);
      settle(flow.stack.back(), slot);
      const bool matches = (c == '}') == flow.stack.back().map;
      if (!matches) {
        const char right = flow.stack.back().map ? '}' : ']';
        Diagnostic& problem = report(DiagnosticId::StrayBracket, at, at + 1, {std::string(1, c)});
        problem.hint_en = std::string("`") + right + "` is expected here";
        problem.hint_ru = std::string("здесь ожидается `") + right + "`";
        replace(at, at + 1, std::string(1, right));
      }
      flow.stack.pop_back();
      ++at;
      if (!flow.stack.empty()) flow.stack.back().has_value = true;
    } else if (c == '"' || c == '\'') {
      scan_flow_quoted(flow);
    } else if ((c == '[' || c == '{') && text_.substr(at, 2) != "{{") {
      if (top.colon) settle(top, slot);
      flow.stack.emplace_back(at, c == '{');
      ++at;
    } else if (c == ':' && (top.key_begin != kNone || top.has_value) && !top.colon) {
      settle(top, slot);
      top.colon = true;
      if (top.key_begin != kNone) top.text_key = slot_for(slice(top.key_begin, top.key_end), 0).text;
      ++at;
    } else {
      scan_flow_plain(flow);
    }
    content_end = at;
  }
  at = std::min(at, text_.size());
  after_ = After::Whole;
  std::size_t rest = skip_blanks(at);
  while (const std::size_t odd = odd_space(rest)) {
    mend_odd_space(rest, odd, "");
    rest = skip_blanks(rest + odd);
  }
  at_ = line_end(rest) + 1;
  if (ends_line(rest) || text_[rest] == '#') return;
  const std::size_t end = trimmed_end(rest, line_end(rest));
  const char c = text_[rest];
  if (c == ']' || c == '}') {
    report(DiagnosticId::StrayBracket, rest, rest + 1, {std::string(1, c)});
  } else {
    report(DiagnosticId::TextAfterBracket, rest, end, {std::string(1, text_[at - 1])});
  }
  replace(rest, end, "");
}

bool LineScan::first_of_line(std::size_t at) const {
  while (at > 0 && (text_[at - 1] == ' ' || text_[at - 1] == '\t')) --at;
  return at == 0 || text_[at - 1] == '\n';
}

void LineScan::scan_flow_quoted(Flow& flow) {
  const std::size_t begin = flow.at;
  Bracket& top = flow.stack.back();
  if (top.colon) settle(top, flow.slot);
  std::size_t close = scan_quoted(begin, flow.slot.parent);
  if (close == kNone) {
    // As far as the quote can have been meant to reach.
    const std::size_t end =
        trimmed_end(begin, std::min(text_.find_first_of(",]}\n", begin + 1), text_.size()));
    const char quote = text_[begin];
    Diagnostic& problem = report(DiagnosticId::UnclosedQuote, begin, end);
    problem.hint_en = std::string("write `") + quote + "` where the text ends";
    problem.hint_ru = std::string("поставьте `") + quote + "` в конце текста";
    fix(problem, "close the quote", {{span(end, end), std::string(1, quote)}}, false);
    substitute(begin, end, std::string(slice(begin + 1, end)));
    close = end;
  } else {
    const std::size_t rest = skip_blanks(close);
    const bool fine =
        ends_line(rest) || std::strchr(",]}:", text_[rest]) || (text_[rest] == '#' && rest > close);
    if (!fine) {
      const std::size_t end =
          trimmed_end(begin, std::min(text_.find_first_of(",]}\n", rest), text_.size()));
      quote_region(
          {DiagnosticId::TextAfterQuote, "", slice(begin, end).find('\\') == kNone, close - 1},
          begin, end, flow.slot);
      close = end;
    }
  }
  if (top.map && !top.colon) {
    top.key_begin = begin;
    top.key_end = close;
    top.key_plain = false;
  } else {
    top.has_value = true;
  }
  flow.at = close;
}

void LineScan::scan_flow_plain(Flow& flow) {
  Bracket& top = flow.stack.back();
  const std::size_t begin = flow.at;
  const bool key_side = top.map && !top.colon;
  const Slot none{flow.slot.parent, {}, false, false, false, false};
  std::optional<Trouble> trouble = special_start(begin, none, true);
  if (text_[begin] == '#') trouble = Trouble{DiagnosticId::HashInText, "#", true, kNone};
  bool quietly = false;
  std::size_t at = begin;
  for (; at < text_.size(); ++at) {
    const char c = text_[at];
    if (c == ',' || c == ']' || c == '}') break;
    if (c == '{' && text_.substr(at, 2) == "{{") {
      const std::size_t close = look_ahead(at).find("}}");
      if (!trouble) trouble = Trouble{DiagnosticId::UnquotedTemplate, "{{", true, kNone};
      if (at > begin && trouble->id == DiagnosticId::UnquotedTemplate)
        trouble = Trouble{DiagnosticId::BracketInBraces, "", true, kNone};
      at += close == kNone ? 1 : close + 1;
    } else if (c == '[' || c == '{') {
      if (!trouble) trouble = Trouble{DiagnosticId::BracketInBraces, "", true, kNone};
      const std::string_view rest = look_ahead(at - 1);
      const std::size_t close = closing_bracket(rest, 1, rest.size());
      if (close != kNone) at += close - 1;
    } else if (c == ':' && (at + 1 >= text_.size() || is_blank(text_[at + 1]) ||
                            std::strchr(",]}", text_[at + 1]))) {
      if (!top.colon) break;
      if (!trouble) trouble = Trouble{DiagnosticId::ColonInText, "", true, kNone};
    } else if (c == '#' && at > begin && is_blank(text_[at - 1])) {
      if (!is_hashtag(text_, at)) break;
      if (!trouble) {
        const std::size_t end = std::min(text_.find_first_of(",]}\r\n", at), text_.size());
        trouble = Trouble{DiagnosticId::HashInText, std::string(slice(at, end)), true, kNone};
      }
    } else if (c == '?') {
      quietly = true;
    } else if (c == '\n') {
      int column = 0;
      const std::size_t next = next_content(at + 1, &column);
      if (next == kNone || (column <= flow.slot.parent && begins_entry(next)) ||
          std::strchr(",]}#", text_[next]) || is_structure(next, line_end(next)))
        break;
      at = next - 1;
    }
  }
  const std::size_t end = std::max(trimmed_end(begin, at), begin + (at == begin ? 1 : 0));
  flow.at = std::max(at, begin + 1);
  const std::string_view raw = slice(begin, end);
  const bool at_colon = at < text_.size() && text_[at] == ':';
  if (key_side && !at_colon && !trouble) {
    // `{go:welcome}`, `{Да: a, Нет:b}`. Behind a text, `{say: Вот, время:пять}` is a comma's fault.
    const std::size_t colon = raw.find(':');
    const bool inside = colon != kNone && colon > 0 && colon + 1 < raw.size();
    const std::string_view word = raw.substr(0, inside ? colon : 0);
    const std::string_view behind = inside ? raw.substr(colon + 1) : std::string_view();
    const bool known = find_word(word, in::Verb | in::OptionKey | in::StepKey | in::QuestionKey |
                                           in::CommandKey) != Word::None;
    const bool tail = top.value_begin != kNone && top.text_key;
    const bool label = !tail && (is_name(behind) || behind.starts_with('"') || behind.starts_with('\''));
    if (inside && !behind.starts_with("//") && (known || label)) {
      const std::size_t after = begin + colon + 1;
      Diagnostic& problem = report(DiagnosticId::NoSpaceAfterColon, begin, after,
                                   {std::string(raw.substr(0, colon + 1))});
      fix(problem, "put a space after `:`", {{span(after, after), " "}}, true);
      replace(after, after, " ");
      settle(top, flow.slot);
      top.key_begin = begin;
      top.key_end = after - 1;
      top.key_plain = true;
      top.text_key = slot_for(word, 0).text;
      top.colon = true;
      flow.at = after;
      return;
    }
  }
  if (trouble && trouble->id == DiagnosticId::HashInText && trouble->argument == "#")
    trouble->argument = std::string(raw);
  if (key_side) {
    top.key_begin = begin;
    top.key_end = end;
    top.key_plain = true;
    // A key is only known for one once its colon is seen; without it, it may be the tail of a text.
    if (at_colon) {
      if (trouble)
        quote_region(*trouble, begin, end, none);
      else if (quietly)
        substitute(begin, end, join_lines(raw), true);
    }
    return;
  }
  if (!top.map && at_colon) {
    if (quietly) substitute(begin, end, join_lines(raw), true);
    top.has_value = true;
    return;
  }
  if (!trouble) check_typographic(begin, end, none);
  settle(top, flow.slot);
  top.has_value = true;
  top.value_begin = begin;
  top.value_end = end;
  top.trouble = std::move(trouble);
  top.quietly = quietly;
  if (!top.map) settle(top, flow.slot);
}

void LineScan::end_flow_entry(Flow& flow) {
  Bracket& top = flow.stack.back();
  const bool tail = top.map && !top.colon && top.key_begin != kNone && top.key_plain &&
                    top.value_begin != kNone &&
                    find_word(slice(top.key_begin, top.key_end), ~Contexts{}) == Word::None;
  if (tail) {
    top.value_end = top.key_end;
    top.trouble = Trouble{DiagnosticId::CommaInBraces, "", true, kNone};
  } else if (top.key_begin != kNone && !top.colon) {
    settle(top, flow.slot);
    if (slice(top.key_begin, top.key_end).find('?') != kNone && top.key_plain)
      substitute(top.key_begin, top.key_end, join_lines(slice(top.key_begin, top.key_end)), true);
  }
  top.key_begin = top.key_end = kNone;
  top.colon = top.has_value = false;
}

void LineScan::settle(Bracket& bracket, const Slot& slot) {
  if (bracket.value_begin == kNone) return;
  const std::size_t begin = bracket.value_begin, end = bracket.value_end;
  bracket.value_begin = kNone;
  const Slot inside{slot.parent, {}, false, true, false, false};
  // A text over several lines may be the rest of the file behind a bracket that is never closed:
  // quoting that round after round would double its quotes.
  if (bracket.trouble && slice(begin, end).find('\n') != kNone) bracket.trouble->safe = false;
  if (bracket.trouble)
    quote_region(*bracket.trouble, begin, end, inside);
  else if (bracket.quietly)
    substitute(begin, end, join_lines(slice(begin, end)), true);
  bracket.trouble.reset();
}

void LineScan::close_brackets(Flow& flow, std::size_t end) {
  std::string closing;
  const std::size_t innermost = flow.stack.back().open;
  while (!flow.stack.empty()) {
    end_flow_entry(flow);
    settle(flow.stack.back(), flow.slot);
    closing += flow.stack.back().map ? '}' : ']';
    flow.stack.pop_back();
  }
  end = trimmed_end(innermost, std::max(end, innermost + 1));
  Diagnostic& problem = report(DiagnosticId::UnclosedBracket, innermost, innermost + 1,
                               {std::string(1, text_[innermost])});
  problem.hint_en = "is `" + closing + "` missing at the end of the line?";
  problem.hint_ru = "может быть, в конце строки не хватает `" + closing + "`?";
  const bool one_line = slice(innermost, end).find('\n') == kNone;
  fix(problem, "close it", {{span(end, end), closing}}, one_line);
  replace(end, end, closing);
}

}  // namespace sufler

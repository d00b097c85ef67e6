// Block structure: what each line's indentation, dash and key mean, read the way the author meant
// them. Three things decide about a line: the open levels (columns of the lists and maps it may
// belong to), what the line before waits for, and what the line itself looks like. Where they
// disagree the line is moved, in memory, to the nearest level of its kind, so that one slip gives
// one message.
#include "schema/line_scan.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "schema/vocabulary.h"

namespace sufler {
namespace {

// Words of these places are values; no line begins with them and a colon.
constexpr Contexts kValues = in::QuestionType | in::HandoffMode | in::AssignWord |
                             in::AssistantJob | in::EveryWord | in::ScheduleWord | in::ColumnType | in::SystemName |
                             in::Reserved | in::BooleanWord | in::ColorName | in::Weekday |
                             in::KeyboardWord | in::LanguageName | in::ReportFormat |
                             in::CrmAction | in::PlaceWord | in::During | in::AssignName |
                             in::HandoffField;
constexpr Contexts kKeys = ~kValues;
constexpr Contexts kStepStarts = in::Verb | in::TalkStep;

bool holds_text(Word word) {
  switch (word) {
    case Word::Say:
    case Word::Choose:
    case Word::TextWord:
    case Word::Title:
    case Word::About:
    case Word::Invalid:
    case Word::Confirm:
    case Word::Subject:
    case Word::Broadcast:
    case Word::Log:
    case Word::Label:
    case Word::Queue:
    case Word::ClosedText:
    case Word::Greeting:
    case Word::Contains:
    case Word::Bot:
    case Word::User:
    case Word::Staff:
    case Word::Press:
      return true;
    default:
      return false;
  }
}

bool holds_formula(Word word) {
  switch (word) {
    case Word::If:
    case Word::Match:
    case Word::When:
    case Word::Set:
    case Word::Where:
    case Word::Check:
    case Word::Until:
    case Word::AskWhen:
    case Word::In:
    case Word::Return:
    case Word::With:
    case Word::Values:
      return true;
    default:
      return false;
  }
}

// What phones and office editors make of a hyphen, and the bullets of other markups.
std::size_t dash_length(std::string_view text) {
  for (const std::string_view dash : {"—", "–", "−", "‐", "‑", "•", "·", "*"})
    if (text.starts_with(dash)) return dash.size();
  return 0;
}

}  // namespace

LineScan::LineScan(std::uint32_t file, std::string_view text, Diagnostics& diagnostics)
    : file_(file),
      text_(text),
      diagnostics_(diagnostics),
      lookahead_budget_(4 * text.size() + 1024) {}

MendedText LineScan::run() {
  // Beyond this depth the reader refuses the file anyway.
  constexpr std::size_t kDeepest = 200;
  while (at_ < text_.size() && !stopped_ && !hopeless_ && levels_.size() < kDeepest) scan_line();
  flush(tabs_, DiagnosticId::TabIndentation, {});
  flush(odd_spaces_, DiagnosticId::OddSpace, {odd_space_name_});
  if (!seen_content_ && !hopeless_) diagnostics_.report(DiagnosticId::EmptyFile, {file_, 0, 0});
  return build();
}

void LineScan::scan_line() {
  line_start_ = at_;
  shift_ = 0;
  std::size_t content = at_;
  bool tab = false, odd = false;
  for (;;) {
    if (content < text_.size() && text_[content] == ' ') {
      ++content;
    } else if (content < text_.size() && text_[content] == '\t') {
      tab = true;
      ++content;
    } else if (const std::size_t length = odd_space(content)) {
      odd = true;
      content += length;
    } else {
      break;
    }
  }
  if (ends_line(content) || text_[content] == '#') {
    // Blank to a person; YAML would take a no-break space for a text.
    if (odd) {
      for (std::size_t at = line_start_; at < content;) {
        const std::size_t length = odd_space(at);
        if (length) mend_odd_space(at, length, "");
        at += std::max<std::size_t>(length, 1);
      }
    }
    at_ = line_end(content) + 1;
    return;
  }
  if (content == line_start_ && skip_document_mark()) return;
  seen_content_ = true;
  if (tab || odd) mend_indentation(content);
  if (moved_column_ >= 0) {
    const int column = column_of(content);
    if (column > moved_column_)
      indent_line(content, column + moved_by_);
    else
      moved_column_ = -1;
  }
  fit_level(content);
  int parent = after_ == After::Expected ? after_parent_
               : levels_.empty()         ? -1
                                         : levels_.back().column;
  bool item = false;
  for (;;) {
    const int column = column_of(content);
    if (!scan_marker(content, !item)) break;
    item = true;
    parent = column;
    after_text_ = after_formula_ = after_lines_ = false;
    if (ends_line(content) || starts_comment(content)) {
      after_ = After::Expected;
      after_parent_ = parent;
      at_ = line_end(content) + 1;
      return;
    }
  }
  scan_entry(content, parent, item);
}

bool LineScan::skip_document_mark() {
  const std::string_view rest = text_.substr(line_start_);
  const std::size_t end = line_end(line_start_);
  if (rest.starts_with("%YAML") || rest.starts_with("%TAG")) {
    if (seen_content_) return false;
    const std::size_t stop = trimmed_end(line_start_, end);
    Diagnostic& problem =
        report(DiagnosticId::Directive, line_start_, stop, {std::string(slice(line_start_, stop))});
    problem.hint_en = "delete the line";
    problem.hint_ru = "сотрите эту строку";
    replace(line_start_, end, "");
    at_ = end + 1;
    return true;
  }
  if (!rest.starts_with("---") && !rest.starts_with("...")) return false;
  if (!ends_line(line_start_ + 3) && text_[line_start_ + 3] != ' ') return false;
  const bool opens = rest[0] == '-';
  if (!seen_content_ && opens && !seen_mark_) {
    seen_mark_ = true;
    replace(line_start_, line_start_ + 3, "");
    const std::size_t content = skip_blanks(line_start_ + 3);
    if (!ends_line(content) && !starts_comment(content)) return true;  // `--- text`: rare enough
    at_ = end + 1;
    return true;
  }
  int column = 0;
  const std::size_t next = next_content(end + 1, &column);
  const bool more = next != kNone && !slice(next, text_.size()).starts_with("...");
  if (more) {
    Diagnostic& problem = report(DiagnosticId::SeveralDocuments, line_start_, line_start_ + 3);
    problem.hint_en = "put what follows into a file of its own, or delete this line";
    problem.hint_ru = "вынесите то, что ниже, в отдельный файл или сотрите эту строку";
  }
  replace(line_start_, text_.size(), "");
  stopped_ = true;
  return true;
}

void LineScan::mend_indentation(std::size_t content) {
  // How wide the author's tab is cannot be known; the width that fits an open level is right.
  const auto width_with = [&](int tab) {
    int width = 0;
    for (std::size_t at = line_start_; at < content;) {
      const std::size_t odd = odd_space(at);
      width += text_[at] == '\t' ? tab : 1;
      at += std::max<std::size_t>(odd, 1);
    }
    return width;
  };
  const bool dash = text_[content] == '-';
  const auto fits = [&](int width) {
    if (after_ == After::Expected && width > after_parent_) return true;
    return std::ranges::any_of(
        levels_, [&](const Level& one) { return one.column == width && one.list == dash; });
  };
  int width = width_with(2);
  for (const int tab : {2, 4, 8, 1, 3}) {
    if (!fits(width_with(tab))) continue;
    width = width_with(tab);
    break;
  }
  const bool tab = slice(line_start_, content).find('\t') != kNone;
  Repeated& seen = tab ? tabs_ : odd_spaces_;
  const std::string spaces(static_cast<std::size_t>(width), ' ');
  if (seen.begin == kNone) {
    seen.begin = line_start_;
    seen.end = content;
    if (!tab) {
      std::size_t at = line_start_;
      while (!odd_space(at)) ++at;
      seen.begin = at;
      seen.end = at + odd_space(at);
      odd_space_name_ = odd_space(at) ? name_of(at) : "";
    }
  }
  ++seen.lines;
  seen.edits.push_back({span(line_start_, content), spaces});
  indent_line(content, width);
}

void LineScan::indent_line(std::size_t content, int column) {
  // A tab may have been mended here a moment ago.
  while (!mends_.empty() && mends_.back().begin >= line_start_) mends_.pop_back();
  replace(line_start_, content, std::string(static_cast<std::size_t>(column), ' '));
  shift_ = column - static_cast<int>(content - line_start_);
}

bool LineScan::expects_item(int column) const {
  if (!levels_.empty() && levels_.back().list && levels_.back().column == column) return true;
  return after_ == After::Expected && !after_text_ && column >= after_parent_;
}

bool LineScan::looks_like_item(std::size_t content, int column) const {
  const std::string_view rest = text_.substr(content);
  const bool list_here = std::ranges::any_of(
      levels_, [&](const Level& one) { return one.list && one.column == column; });
  std::size_t length = 1;
  if (rest[0] != '-') {
    length = dash_length(rest);
    if (!length || !(list_here || expects_item(column))) return false;
  }
  const std::size_t after = content + length;
  if (ends_line(after) || text_[after] == ' ' || text_[after] == '\t' || odd_space(after))
    return true;
  return rest[0] == '-' && rest[1] != '-' && list_here;
}

void LineScan::fit_level(std::size_t content) {
  const int column = column_of(content);
  const bool item = looks_like_item(content, column);
  if (after_ == After::Expected) {
    if (column > after_parent_) return;
    const bool under_key = !levels_.empty() && !levels_.back().list;
    if (column == after_parent_ && under_key && item) return;
  }
  after_ = After::Whole;
  after_text_ = after_formula_ = after_lines_ = false;
  std::size_t depth = levels_.size();
  while (depth > 0 && levels_[depth - 1].column > column) --depth;
  if (depth > 0 && levels_[depth - 1].column == column) {
    const bool list = levels_[depth - 1].list;
    if (list && !item && depth > 1 && levels_[depth - 2].column == column) --depth;
    if (levels_[depth - 1].list == item) {
      levels_.resize(depth);
      bad_column_ = -1;
      return;
    }
    if (list && !item) {
      // A line among dashes without one: a step of its own if its word is a verb.
      const std::size_t end = line_end(content);
      const std::size_t colon = std::min(text_.find_first_of(": \r\n", content), end);
      const bool step = find_word(slice(content, colon), kStepStarts) != Word::None;
      const bool has_sibling = depth < levels_.size() && !levels_[depth].list;
      Diagnostic& problem = report(DiagnosticId::NoDash, content, trimmed_end(content, end));
      if (step || !has_sibling) {
        problem.hint_en = "write `- ` before it";
        problem.hint_ru = "поставьте перед ней `- `";
        fix(problem, "put `- ` before it", {{span(content, content), "- "}}, false);
        levels_.resize(depth);
        replace(content, content, "- ");
        // The rest of the line is read as if the dash had been there.
        shift_ += 2;
        after_ = After::Whole;
      } else {
        const auto spaces = static_cast<std::size_t>(levels_[depth].column);
        problem.hint_en =
            "to belong to the item above, it begins at column " + std::to_string(spaces + 1);
        problem.hint_ru = "чтобы относиться к пункту выше, она должна начинаться с колонки " +
                          std::to_string(spaces + 1);
        std::vector<FixEdit> edits = {{span(line_start_, content), std::string(spaces, ' ')}};
        // What is deeper below goes along.
        const auto more = spaces - static_cast<std::size_t>(column);
        int below = 0;
        for (std::size_t at = next_content(end + 1, &below); at != kNone && below > column && edits.size() < 200;
             at = next_content(line_end(at) + 1, &below))
          edits.push_back({span(at, at), std::string(more, ' ')});
        fix(problem, "indent it", std::move(edits), false);
        moved_column_ = column;
        moved_by_ = levels_[depth].column - column;
        indent_line(content, levels_[depth].column);
        levels_.resize(depth + 1);
      }
      return;
    }
  }
  // The column of no level of its kind: the nearest one is meant.
  std::size_t nearest = levels_.size();
  for (std::size_t i = levels_.size(); i-- > 0;) {
    if (levels_[i].list != item) continue;
    if (nearest == levels_.size() ||
        std::abs(levels_[i].column - column) < std::abs(levels_[nearest].column - column))
      nearest = i;
  }
  if (nearest == levels_.size()) {
    levels_.resize(depth);
    return;
  }
  const int wanted = levels_[nearest].column;
  if (bad_column_ != column) {
    Diagnostic& problem = report(DiagnosticId::BadIndentation, content,
                                 trimmed_end(content, line_end(content)), {std::to_string(column)});
    problem.hint_en = "the nearest that fits is " + std::to_string(wanted);
    problem.hint_ru = "ближайший подходящий — " + std::to_string(wanted);
    const std::string indent(static_cast<std::size_t>(wanted), ' ');
    fix(problem, "indent by " + std::to_string(wanted), {{span(line_start_, content), indent}},
        false);
  }
  bad_column_ = column;
  indent_line(content, wanted);
  levels_.resize(nearest + 1);
}

bool LineScan::scan_marker(std::size_t& content, bool first) {
  const std::string_view rest = text_.substr(content);
  const int column = column_of(content);
  if (rest.empty()) return false;
  std::size_t after = content + 1;
  if (rest[0] != '-') {
    const std::size_t length = first ? dash_length(rest) : 0;
    if (!length || !looks_like_item(content, column) || !expects_item(column)) return false;
    after = content + length;
    Diagnostic& problem =
        report(DiagnosticId::DashMarker, content, after, {std::string(rest.substr(0, length))});
    problem.hint_en = "write `-`";
    problem.hint_ru = "поставьте `-`";
    fix(problem, "write `-`", {{span(content, after), "-"}}, true);
    replace(content, after, "-");
    shift_ -= static_cast<int>(length) - 1;
  } else if (!ends_line(after) && text_[after] != ' ' && text_[after] != '\t' &&
             !odd_space(after)) {
    const char next = text_[after];
    const bool wordlike = (next & 0x80) || std::isalpha(static_cast<unsigned char>(next)) ||
                          std::strchr("\"'{[", next);
    const bool digit = next >= '0' && next <= '9';
    const bool sibling = !levels_.empty() && levels_.back().list && levels_.back().column == column;
    if (!first || !expects_item(column) || !(wordlike || (digit && sibling))) return false;
    Diagnostic& problem = report(DiagnosticId::NoSpaceAfterDash, content, after);
    fix(problem, "put a space after `-`", {{span(after, after), " "}}, true);
    replace(after, after, " ");
    open_level(true, column);
    shift_ += 1;
    content = after;
    return true;
  }
  open_level(true, column);
  std::size_t end = after;
  bool strange = false;
  while (end < text_.size()) {
    if (text_[end] == ' ') {
      ++end;
    } else if (text_[end] == '\t') {
      strange = true;
      ++end;
    } else if (const std::size_t length = odd_space(end)) {
      if (!strange) report_odd_space(end, length, end == after ? " " : "");
      strange = true;
      end += length;
    } else {
      break;
    }
  }
  if (strange && !ends_line(end)) {
    replace(after, end, " ");
    shift_ -= static_cast<int>(end - after) - 1;
  }
  content = end;
  return true;
}

bool LineScan::is_structure(std::size_t content, std::size_t end) const {
  while (content + 1 < end && text_[content] == '-' && text_[content + 1] == ' ')
    content = skip_blanks(content + 1);
  const std::size_t colon = text_.substr(0, end).find_first_of(": \t", content);
  if (colon >= end || text_[colon] != ':') return false;
  if (!ends_line(colon + 1) && text_[colon + 1] != ' ') return false;
  return find_word(slice(content, colon), kKeys) != Word::None;
}

LineScan::Slot LineScan::slot_for(std::string_view key, int column) const {
  const Word word = find_word(key, kKeys);
  const bool inside_formulas = !levels_.empty() && levels_.back().expressions;
  const bool lines =
      word != Word::None && !holds_text(word) &&
      (!holds_formula(word) || word == Word::Set || word == Word::With || word == Word::Values);
  return {column, key, word != Word::None, holds_text(word), inside_formulas || holds_formula(word),
          lines};
}

void LineScan::scan_entry(std::size_t content, int parent, bool item) {
  const std::size_t end = line_end(content);
  const int column = column_of(content);
  const bool among_keys = !item && after_ != After::Expected && !levels_.empty() &&
                          !levels_.back().list && levels_.back().column == column;
  Slot alone{parent,
             {},
             false,
             after_text_ && after_ == After::Expected,
             after_formula_ && after_ == After::Expected,
             false};
  const char c = text_[content];
  if (c == '"' || c == '\'') {
    // A key in quotes ends on its line.
    std::size_t close = content + 1;
    while (close < end && text_[close] != c) close += c == '"' && text_[close] == '\\' ? 2 : 1;
    if (close < end) {
      const std::size_t colon = skip_blanks(close + 1);
      if (colon < end && text_[colon] == ':') {
        const bool spaced =
            ends_line(colon + 1) || text_[colon + 1] == ' ' || text_[colon + 1] == '\t';
        if (!spaced) {
          Diagnostic& problem = report(DiagnosticId::NoSpaceAfterColon, content, colon + 1,
                                       {std::string(slice(content, colon + 1))});
          fix(problem, "put a space after `:`", {{span(colon + 1, colon + 1), " "}}, true);
          replace(colon + 1, colon + 1, " ");
        }
        scan_quoted(content, parent);
        scan_key(content, close + 1, colon);
        return;
      }
    }
    if (among_keys)
      no_colon(content);
    else
      scan_value(content, alone);
    return;
  }
  if (c == '[' || c == '{' || c == '|' || c == '>') {
    if (among_keys)
      no_colon(content);
    else
      scan_value(content, alone);
    return;
  }
  if (c == '?' && (ends_line(content + 1) || text_[content + 1] == ' ') && !item) {
    Diagnostic& problem = report(DiagnosticId::ComplexKey, content, trimmed_end(content, end));
    problem.hint_en = "a text that begins with `?` stands in quotes";
    problem.hint_ru = "текст, который начинается с `?`, берут в кавычки";
    hopeless_ = true;
    return;
  }
  // The colon that ends a key, as YAML sees it.
  std::size_t colon = content;
  for (; colon < end; ++colon) {
    if (text_[colon] == '#' && colon > content && text_[colon - 1] == ' ') colon = end;
    if (colon >= end) break;
    if (text_[colon] != ':') continue;
    if (ends_line(colon + 1) || text_[colon + 1] == ' ' || text_[colon + 1] == '\t') break;
  }
  const std::size_t limit = std::min(colon, end);
  if (mend_colon(content, limit, item)) return;
  if (colon < end) {
    scan_key(content, trimmed_end(content, colon), colon);
  } else if (among_keys || (!item && first_key_lacks_colon(content))) {
    no_colon(content);
  } else {
    scan_value(content, alone);
  }
}

// Below a key stands a line without a colon, but the next, just as deep, has one.
bool LineScan::first_key_lacks_colon(std::size_t content) const {
  if (after_ != After::Expected || after_text_) return false;
  int column = 0;
  const std::size_t next = next_content(line_end(content) + 1, &column);
  return next != kNone && column == column_of(content) && begins_entry(next);
}

bool LineScan::begins_entry(std::size_t content) const {
  if (text_[content] == '-' && (ends_line(content + 1) || text_[content + 1] == ' ')) return true;
  const std::size_t colon = text_.find_first_of(":,[]{}#\n", content);
  return colon != kNone && text_[colon] == ':' && colon > content &&
         (ends_line(colon + 1) || text_[colon + 1] == ' ');
}

bool LineScan::mend_colon(std::size_t content, std::size_t limit, bool item) {
  const std::size_t found = text_.substr(0, limit).find_first_of(":\xEF \"'{[", content);
  if (found == kNone) return false;
  const bool among_keys = !item && after_ != After::Expected && !levels_.empty() &&
                          !levels_.back().list && levels_.back().column == column_of(content);
  const bool wide = text_.substr(found).starts_with("：");
  if (text_[found] != ':' && !wide) return false;
  const std::string_view key = slice(content, found);
  const Word word = find_word(key, item ? kStepStarts | in::OptionKey : kKeys);
  const bool numeric = key.find_first_not_of("0123456789") == kNone;
  // The first of the lines below `options:`: `Да:order`.
  const std::string_view behind = slice(found, trimmed_end(found, line_end(found)));
  const bool first_label = !item && after_ == After::Expected && after_lines_ && behind.size() > 1 &&
                           behind.find_first_of(" /", 1) == kNone;
  if (word == Word::None && (!(among_keys || first_label) || numeric)) return false;
  std::size_t after = found + (wide ? 3 : 1);
  const std::size_t odd = odd_space(after);
  if (wide) {
    const bool spaced = ends_line(after) || text_[after] == ' ' || odd;
    Diagnostic& problem = report(DiagnosticId::WideColon, found, after, {"："});
    const std::string right = spaced ? ":" : ": ";
    fix(problem, "write `:`", {{span(found, after), right}}, true);
    replace(found, after, right);
  } else if (odd) {
    report_odd_space(after, odd, " ");
    replace(after, after + odd, " ");
    after += odd;
  } else {
    if (text_.substr(after).starts_with("//")) return false;
    Diagnostic& problem =
        report(DiagnosticId::NoSpaceAfterColon, content, after, {std::string(key) + ":"});
    fix(problem, "put a space after `:`", {{span(after, after), " "}}, true);
    replace(after, after, " ");
  }
  const int column = column_of(content);
  open_level(false, column);
  scan_value(skip_blanks(after), slot_for(key, column));
  return true;
}

void LineScan::scan_key(std::size_t begin, std::size_t end, std::size_t colon) {
  const int column = column_of(begin);
  if (begin == end) {
    report(DiagnosticId::ComplexKey, colon, colon + 1);
    hopeless_ = true;
    return;
  }
  open_level(false, column);
  const char c = text_[begin];
  const bool in_quotes = c == '"' || c == '\'';
  std::string_view key = slice(begin, end);
  std::size_t value = skip_blanks(colon + 1);
  if (in_quotes) {
    key = key.substr(1, key.size() - 2);
  } else {
    while (end > begin) {
      // A no-break space before the colon would belong to the word.
      std::size_t at = end - 1;
      while (at > begin && (text_[at] & 0xC0) == 0x80) --at;
      if (!odd_space(at)) break;
      mend_odd_space(at, end - at, "");
      end = trimmed_end(begin, at);
    }
    key = slice(begin, end);
    if (key == "<<") {
      Diagnostic& problem = report(DiagnosticId::MergeKey, begin, end);
      problem.hint_en = "write the lines that you wanted to share here again";
      problem.hint_ru = "напишите общие строки здесь ещё раз";
      const std::size_t stop = trimmed_end(value, line_end(value));
      if (value < stop) substitute(value, stop, std::string(slice(value, stop)));
      at_ = line_end(value) + 1;
      after_ = After::Whole;
      return;
    }
    const Slot here{column, {}, false, true, false, false};
    check_typographic(begin, end, here);
    if (const auto trouble = special_start(begin, here, false))
      quote_region(*trouble, begin, end, here);
  }
  scan_value(value, slot_for(key, column));
}

void LineScan::no_colon(std::size_t content) {
  const std::size_t end = trimmed_end(content, line_end(content));
  Diagnostic& problem = report(DiagnosticId::NoColon, content, end);
  int column = 0;
  const std::size_t next = next_content(line_end(content) + 1, &column);
  at_ = line_end(content) + 1;
  const bool opens = next != kNone && column > column_of(content);
  if (opens) {
    problem.hint_en = "is `:` missing at its end?";
    problem.hint_ru = "может быть, в конце не хватает `:`?";
    fix(problem, "put `:` at its end", {{span(end, end), ":"}}, false);
    replace(end, end, ":");
    expect_value(slot_for(slice(content, end), column_of(content)));
  } else {
    problem.hint_en = "is a colon missing? a text that goes on is indented deeper than its word";
    problem.hint_ru = "может быть, пропущено двоеточие? продолжение текста пишут правее его слова";
    replace(content, end, "");
  }
}

void LineScan::open_level(bool list, int column) {
  while (!levels_.empty() && levels_.back().column > column) levels_.pop_back();
  if (!levels_.empty() && levels_.back().column == column) {
    if (levels_.back().list == list) return;
    if (levels_.back().list) levels_.pop_back();
    if (!levels_.empty() && levels_.back().column == column && levels_.back().list == list) return;
  }
  levels_.push_back({list, column, after_ == After::Expected && after_formula_});
  after_ = After::Whole;
}

int LineScan::column_of(std::size_t at) const {
  return static_cast<int>(at - line_start_) + shift_;
}

void LineScan::expect_value(const Slot& slot) {
  after_ = After::Expected;
  after_parent_ = slot.parent;
  after_text_ = slot.text;
  after_formula_ = slot.formula;
  after_lines_ = slot.lines;
}

std::size_t LineScan::line_end(std::size_t from) const {
  if (from >= text_.size()) return text_.size();
  const void* found = std::memchr(text_.data() + from, '\n', text_.size() - from);
  return found ? static_cast<std::size_t>(static_cast<const char*>(found) - text_.data())
               : text_.size();
}

std::size_t LineScan::trimmed_end(std::size_t begin, std::size_t end) const {
  while (end > begin && std::strchr(" \t\r\n", text_[end - 1])) --end;
  return end;
}

std::size_t LineScan::next_content(std::size_t from, int* column) const {
  while (from < text_.size()) {
    *column = 0;
    std::size_t at = from;
    while (at < text_.size()) {
      const std::size_t odd = odd_space(at);
      if (text_[at] == '\t')
        *column += 2;
      else if (text_[at] == ' ' || odd)
        ++*column;
      else
        break;
      at += std::max<std::size_t>(odd, 1);
    }
    if (!ends_line(at)) return at;
    from = line_end(at) + 1;
  }
  return kNone;
}

std::size_t LineScan::skip_blanks(std::size_t from) const {
  while (from < text_.size() && (text_[from] == ' ' || text_[from] == '\t')) ++from;
  return from;
}

bool LineScan::ends_line(std::size_t at) const {
  return at >= text_.size() || text_[at] == '\n' ||
         (text_[at] == '\r' && at + 1 < text_.size() && text_[at + 1] == '\n') ||
         (text_[at] == '\r' && at + 1 == text_.size());
}

bool LineScan::starts_comment(std::size_t at) const {
  return at < text_.size() && text_[at] == '#' &&
         (at == 0 || std::strchr(" \t\r\n", text_[at - 1]));
}

std::size_t LineScan::odd_space(std::size_t at) const {
  if (at + 1 >= text_.size() || !(text_[at] & 0x80)) return 0;
  // No-break, figure, narrow, thin and wide spaces, zero-width characters, the soft hyphen and a
  // byte-order mark in mid-file.
  const std::string_view here = text_.substr(at, 3);
  if (here.starts_with("\u00A0") || here.starts_with("\u00AD")) return 2;
  if (here.size() < 3) return 0;
  if (here == "\u202F" || here == "\u2060" || here == "\u3000" || here == "\uFEFF") return 3;
  const auto last = static_cast<unsigned char>(here[2]);
  return here.starts_with("\xE2\x80") && last >= 0x80 && last <= 0x8D ? 3 : 0;
}

std::string LineScan::name_of(std::size_t at) const {
  const char32_t c = next_code_point(text_, at);
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out = "U+";
  for (int bits = 12; bits >= 0; bits -= 4) out += kHex[(c >> bits) & 15];
  return out;
}

SourceSpan LineScan::span(std::size_t begin, std::size_t end) const {
  return {file_, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin)};
}

Diagnostic& LineScan::report(DiagnosticId id, std::size_t begin, std::size_t end,
                             std::vector<std::string> arguments) {
  // Nobody reads more, and a file made of mistakes must not take long.
  if (++reported_ >= kMostMistakes) hopeless_ = true;
  return diagnostics_.report(id, span(begin, end), std::move(arguments));
}

void LineScan::fix(Diagnostic& problem, std::string title, std::vector<FixEdit> edits, bool safe) {
  problem.fixes.push_back({std::move(title), std::move(edits), safe});
}

void LineScan::replace(std::size_t begin, std::size_t end, std::string text) {
  if (mends_.size() >= kMostMends)
    give_up();
  else
    mends_.push_back({begin, end, std::move(text), false, false, {}});
}

void LineScan::substitute(std::size_t begin, std::size_t end, std::string value, bool plain) {
  if (mends_.size() >= kMostMends)
    give_up();
  else
    mends_.push_back({begin, end, "z", true, plain, std::move(value)});
}

void LineScan::give_up() {
  if (!hopeless_)
    diagnostics_.report(DiagnosticId::TooManyValues, {file_, 0, 0}, {std::to_string(kMostMends)});
  hopeless_ = true;
}

void LineScan::report_odd_space(std::size_t at, std::size_t length, std::string with) {
  Diagnostic& problem = report(DiagnosticId::OddSpace, at, at + length, {name_of(at)});
  problem.hint_en = "it comes with copied text; type a plain space";
  problem.hint_ru = "он попадает при копировании; наберите обычный пробел";
  fix(problem, with.empty() ? "delete it" : "put a space there",
      {{span(at, at + length), std::move(with)}}, true);
}

void LineScan::mend_odd_space(std::size_t at, std::size_t length, std::string with) {
  report_odd_space(at, length, with);
  replace(at, at + length, std::move(with));
}

void LineScan::flush(Repeated& repeated, DiagnosticId id, std::vector<std::string> arguments) {
  if (repeated.begin == kNone) return;
  Diagnostic& problem = report(id, repeated.begin, repeated.end, std::move(arguments));
  if (repeated.lines > 1) {
    const std::string more = std::to_string(repeated.lines - 1);
    problem.hint_en = "the same on " + more + (repeated.lines == 2 ? " more line" : " more lines");
    problem.hint_ru = "то же в других строках, всего ещё " + more;
  }
  if (repeated.lines == 1 && id == DiagnosticId::OddSpace) {
    problem.hint_en = "it comes with copied text; type a plain space";
    problem.hint_ru = "он попадает при копировании; наберите обычный пробел";
  }
  fix(problem, "indent with spaces", std::move(repeated.edits), true);
}

MendedText LineScan::build() {
  MendedText out;
  out.hopeless = hopeless_;
  out.changed = !mends_.empty();
  if (!out.changed || hopeless_) return out;
  std::ranges::stable_sort(mends_, {}, &Mend::begin);
  out.text.reserve(text_.size() + 64);
  std::size_t at = 0;
  const auto mended = [&] { return static_cast<std::uint32_t>(out.text.size()); };
  const auto original = [](std::size_t offset) { return static_cast<std::uint32_t>(offset); };
  for (Mend& mend : mends_) {
    if (mend.begin < at) continue;
    out.text.append(text_.substr(at, mend.begin - at));
    if (!mend.text.empty()) out.shifts.push_back({mended(), original(mend.begin), true});
    if (mend.substitute) {
      out.substitutes.push_back({mended(), original(mend.begin), original(mend.end - mend.begin),
                                 std::move(mend.value), mend.plain});
    }
    out.text += mend.text;
    at = mend.end;
    out.shifts.push_back({mended(), original(at), false});
  }
  out.text.append(text_.substr(at));
  return out;
}

}  // namespace sufler

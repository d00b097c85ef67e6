#include <algorithm>

#include "interpreter/core/knowledge/packing.h"

// Line by line, as people write Markdown rather than as its standard has it: what is no heading, list, table or code is
// a paragraph. Marks within a line stay: models read them.
namespace sufler::knowledge {
namespace {

std::string_view trim_left(std::string_view line) {
  const std::size_t at = line.find_first_not_of(" \t");
  return at == line.npos ? std::string_view() : line.substr(at);
}
std::size_t indent_of(std::string_view line) {
  std::size_t columns = 0;
  for (const char c : line) {
    if (c != ' ' && c != '\t') break;
    columns += c == '\t' ? 4 : 1;
  }
  return columns;
}

/// 1 to 6, 0 when it is none. `#tag` is none.
std::size_t heading_level(std::string_view line) {
  const std::size_t level = std::min(line.find_first_not_of('#'), line.size());
  if (level == 0 || level > 6) return 0;
  return level == line.size() || line[level] == ' ' || line[level] == '\t' ? level : 0;
}

/// What of a heading people read: `## **Доставка** {#delivery} ##` → `Доставка`.
std::string heading_text(std::string_view text) {
  text = trim(text);
  const std::size_t closing = text.find_last_not_of('#');
  if (closing == text.npos) return {};
  if (closing + 1 < text.size() && (text[closing] == ' ' || text[closing] == '\t')) text = trim(text.substr(0, closing));
  if (text.ends_with('}')) {
    const std::size_t anchor = text.rfind("{#");
    if (anchor != text.npos) text = trim(text.substr(0, anchor));
  }
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '*' || c == '`') continue;
    if (c == '[') {  // the label of a link alone
      const std::size_t end = text.find("](", i);
      const std::size_t close = end == text.npos ? text.npos : text.find(')', end);
      if (close != text.npos) {
        out += text.substr(i + 1, end - i - 1);
        i = close;
        continue;
      }
    }
    out += c;
  }
  return std::string(trim(out));
}

bool is_list_item(std::string_view line) {
  line = trim_left(line);
  if (line.size() < 2) return false;
  if ((line[0] == '-' || line[0] == '*' || line[0] == '+') && (line[1] == ' ' || line[1] == '\t')) return true;
  if (line.starts_with("•") || line.starts_with("— ") || line.starts_with("– ")) return true;
  std::size_t digits = 0;
  while (digits < line.size() && line[digits] >= '0' && line[digits] <= '9') ++digits;
  return digits > 0 && digits < 4 && digits + 1 < line.size() && (line[digits] == '.' || line[digits] == ')') &&
         line[digits + 1] == ' ';
}

/// `| --- | :-: |`
bool is_table_rule(std::string_view line) {
  line = trim(line);
  return line.find('-') != line.npos && line.find('|') != line.npos && line.find_first_not_of("|-: \t") == line.npos;
}

/// `---`, `***`, `___`
bool is_rule(std::string_view line) {
  line = trim(line);
  if (line.size() < 3 || (line[0] != '-' && line[0] != '*' && line[0] != '_')) return false;
  return std::all_of(line.begin(), line.end(), [&](char c) { return c == line[0] || c == ' '; }) &&
         std::count(line.begin(), line.end(), line[0]) >= 3;
}

class Reader {
 public:
  Reader(std::string_view path, std::string_view text) : headings_(title_of_file(path)) {
    while (!text.empty()) {
      const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size()));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      lines_.push_back(line);
    }
  }

  std::vector<Section> read() {
    section_.title = headings_.path();
    skip_front_matter();
    while (at_ < lines_.size()) read_block();
    end_section();
    return std::move(sections_);
  }

 private:
  std::string_view line() const { return lines_[at_]; }
  std::string_view next() const { return at_ + 1 < lines_.size() ? lines_[at_ + 1] : std::string_view(); }
  std::uint32_t number() const { return static_cast<std::uint32_t>(at_ + 1); }

  /// What site generators put before the text.
  void skip_front_matter() {
    if (lines_.empty() || trim(lines_[0]) != "---") return;
    for (std::size_t i = 1; i < lines_.size(); ++i) {
      if (trim(lines_[i]).empty()) return;  // a rule, then
      if (trim(lines_[i]) == "---") {
        at_ = i + 1;
        return;
      }
    }
  }

  void end_section() {
    if (!section_.blocks.empty()) sections_.push_back(std::move(section_));
    section_ = Section{headings_.path(), {}, false};
  }
  void heading(std::size_t level, std::string_view text) {
    // Its words are in the title of what follows; the section before ends.
    headings_.put(level, heading_text(text));
    end_section();
  }

  void read_block() {
    const std::string_view text = trim(line());
    if (text.empty()) {
      ++at_;
    } else if (text.starts_with("<!--")) {
      skip_comment();
    } else if (const std::size_t level = heading_level(text); level > 0 && indent_of(line()) < 4) {
      heading(level, text.substr(level));
      ++at_;
    } else if (text.starts_with("```") || text.starts_with("~~~")) {
      read_code(text.substr(0, 3));
    } else if (text.find('|') != text.npos && is_table_rule(next())) {
      read_table();
    } else if (is_rule(text)) {
      ++at_;
    } else if (is_list_item(line())) {
      read_list();
    } else {
      read_paragraph();
    }
  }

  void skip_comment() {
    while (at_ < lines_.size() && line().find("-->") == std::string_view::npos) ++at_;
    ++at_;
  }

  void read_code(std::string_view fence) {
    Block block{Block::Kind::Whole, {}, number(), {}};
    for (++at_; at_ < lines_.size() && !trim(line()).starts_with(fence); ++at_) {
      block.text += line();
      block.text += '\n';
    }
    if (at_ < lines_.size()) ++at_;
    section_.blocks.push_back(std::move(block));
  }

  void read_table() {
    Block block{Block::Kind::Whole, {}, number(), {}};
    block.head = std::string(trim(line())) + "\n" + std::string(trim(next())) + "\n";
    for (at_ += 2; at_ < lines_.size() && line().find('|') != std::string_view::npos; ++at_) {
      block.text += trim(line());
      block.text += '\n';
    }
    if (block.text.empty()) block.text.swap(block.head);
    section_.blocks.push_back(std::move(block));
  }

  /// Until a line that stands at the margin behind an empty one and is no item.
  void read_list() {
    Block block{Block::Kind::Whole, {}, number(), {}};
    bool after_empty = false;
    for (; at_ < lines_.size(); ++at_) {
      const std::string_view text = trim(line());
      if (text.empty()) {
        after_empty = true;
        continue;
      }
      if (indent_of(line()) < 2) {
        if (heading_level(text) > 0 || text.starts_with("```") || (is_rule(text) && !is_list_item(line()))) break;
        if (after_empty && !is_list_item(line())) break;
      }
      after_empty = false;
      block.text += line();
      block.text += '\n';
    }
    // What the list is about stands in the paragraph before it.
    if (!section_.blocks.empty() && section_.blocks.back().kind == Block::Kind::Running &&
        section_.blocks.back().text.ends_with(':')) {
      block.text.insert(0, section_.blocks.back().text + "\n");
      block.line = section_.blocks.back().line;
      section_.blocks.pop_back();
    }
    section_.blocks.push_back(std::move(block));
  }

  void read_paragraph() {
    Block block{Block::Kind::Running, {}, number(), {}};
    for (; at_ < lines_.size(); ++at_) {
      const std::string_view text = trim(line());
      if (text.empty() || heading_level(text) > 0 || text.starts_with("```") || text.starts_with("~~~")) break;
      if (!block.text.empty()) {
        const char rule = text[0];
        if ((rule == '=' || rule == '-') && text.find_first_not_of(rule) == text.npos && text.size() > 1) {
          heading(rule == '=' ? 1 : 2, block.text);
          ++at_;
          return;
        }
        if (is_list_item(line()) || (text.find('|') != text.npos && is_table_rule(next()))) break;
        block.text += '\n';
      }
      block.text += text;
    }
    section_.blocks.push_back(std::move(block));
  }

  std::vector<std::string_view> lines_;
  std::size_t at_ = 0;
  Headings headings_;
  Section section_;
  std::vector<Section> sections_;
};

}  // namespace

std::vector<Section> read_markdown(std::string_view path, std::string_view text) { return Reader(path, text).read(); }

}  // namespace sufler::knowledge

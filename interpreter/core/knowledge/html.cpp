#include <libxml/HTMLparser.h>

#include <algorithm>

#include "interpreter/core/knowledge/packing.h"

// libxml2 reads whatever browsers do and tells element by element, so nothing of ours recurses with the depth of a page.
// Scripts, styles, forms and menus are no knowledge.
namespace sufler::knowledge {
namespace {

bool one_of(std::string_view name, std::initializer_list<std::string_view> all) {
  return std::find(all.begin(), all.end(), name) != all.end();
}

class Reader {
 public:
  explicit Reader(std::string_view path) : file_(title_of_file(path)), headings_(file_) {}

  void line_is(std::uint32_t line) { now_ = line; }

  void start(std::string_view name) {
    if (name == "title") in_title_ = true;
    if (hidden_ > 0 || is_hidden(name)) {
      // An element without an end of its own hides nothing.
      if (is_hidden(name) && name != "input") ++hidden_;
      return;
    }
    if (const std::size_t level = heading_of(name)) {
      end_block();
      heading_ = level;
    } else if (name == "table") {
      end_block();
      ++tables_;
      if (tables_ == 1) table_ = Block{Block::Kind::Whole, {}, now_, {}};
    } else if (name == "tr") {
      if (tables_ == 1) {
        row_.clear();
        row_is_head_ = true;
      }
    } else if (one_of(name, {"td", "th"})) {
      if (tables_ == 1) {
        words_.clear();
        if (name == "td") row_is_head_ = false;
      }
    } else if (one_of(name, {"ul", "ol", "dl"})) {
      if (lists_ == 0 && tables_ == 0) {
        end_block();
        list_ = Block{Block::Kind::Whole, {}, now_, {}};
      }
      end_item();
      ++lists_;
    } else if (one_of(name, {"li", "dt", "dd"})) {
      end_item();
    } else if (name == "br") {
      if (tables_ == 0) words_ += '\n';
      else add(" ");
    } else if (is_block(name)) {
      end_block();
    }
  }

  void end(std::string_view name) {
    if (name == "title") {
      in_title_ = false;
      title_ = tidy(title_);
      // The name of the page stands for headings that it has not.
      if (!title_.empty() && sections_.empty() && section_.blocks.empty()) {
        headings_ = Headings(title_);
        section_.title = title_;
      }
    }
    if (is_hidden(name)) {
      if (hidden_ > 0 && name != "input") --hidden_;
      return;
    }
    if (hidden_ > 0) return;
    if (heading_of(name) > 0 && heading_ > 0) {
      const std::string text = tidy(words_);
      words_.clear();
      headings_.put(heading_, one_line(text));
      heading_ = 0;
      end_section();
    } else if (one_of(name, {"td", "th"})) {
      if (tables_ == 1) {
        row_.push_back(one_line(tidy(words_)));
        words_.clear();
      }
    } else if (name == "tr") {
      if (tables_ == 1) end_row();
    } else if (name == "table") {
      if (tables_ == 0) return;
      if (--tables_ == 0) end_table();
    } else if (one_of(name, {"ul", "ol", "dl"})) {
      if (lists_ == 0) return;
      end_item();
      if (--lists_ == 0 && tables_ == 0 && !list_.text.empty()) section_.blocks.push_back(std::move(list_));
      if (lists_ == 0) list_ = Block{};
    } else if (one_of(name, {"li", "dt", "dd"})) {
      end_item();
    } else if (is_block(name)) {
      end_block();
    }
  }

  void add(std::string_view text) {
    if (in_title_) title_ += text;
    if (hidden_ > 0) return;
    if (words_.empty()) block_line_ = now_;
    // A line of the file ends nothing on the page.
    for (const char c : text) words_ += c == '\n' || c == '\t' || c == '\r' ? ' ' : c;
  }

  std::vector<Section> finish() {
    if (tables_ > 0) end_table();
    end_item();
    end_block();
    if (!list_.text.empty()) section_.blocks.push_back(std::move(list_));
    end_section();
    return std::move(sections_);
  }

 private:
  static bool is_hidden(std::string_view name) {
    return one_of(name, {"script", "style", "noscript", "template", "head", "nav", "svg", "iframe", "object", "select",
                         "button", "textarea", "canvas", "audio", "video", "map"});
  }
  static bool is_block(std::string_view name) {
    return one_of(name, {"p", "div", "section", "article", "main", "aside", "header", "footer", "blockquote", "pre",
                         "form", "fieldset", "figure", "figcaption", "address", "details", "summary", "body", "hr",
                         "center", "caption"});
  }
  static std::size_t heading_of(std::string_view name) {
    return name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6' ? static_cast<std::size_t>(name[1] - '0') : 0;
  }
  static std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }

  /// Runs of white space, no-break spaces among it, are one space.
  static std::string tidy(std::string_view text) {
    std::string out;
    bool space = false, line = false;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t from = at;
      const char32_t c = next_code_point(text, at);
      if (c == U'\n' || c == U'\u2028') {
        line = true;
      } else if (c == U'\u00AD' || c == U'\u200B' || c == U'\uFEFF' || (c < 0x20 && c != U'\t')) {
        continue;
      } else if (is_space(c)) {
        space = true;
      } else {
        if (!out.empty() && (space || line)) out += line ? '\n' : ' ';
        space = line = false;
        out += text.substr(from, at - from);
      }
    }
    return out;
  }

  void end_block() {
    if (tables_ > 0) {
      words_ += ' ';
      return;
    }
    if (lists_ > 0) {
      end_item();
      return;
    }
    std::string text = tidy(words_);
    words_.clear();
    if (!text.empty()) section_.blocks.push_back({Block::Kind::Running, std::move(text), block_line_, {}});
  }

  void end_item() {
    if (tables_ > 0 || lists_ == 0) {
      if (tables_ > 0) words_ += ' ';
      return;
    }
    const std::string text = tidy(words_);
    words_.clear();
    if (text.empty()) return;
    constexpr std::size_t kDeepest = 8;  // further ones look like it
    list_.text += std::string(2 * std::min(lists_ - 1, kDeepest), ' ') + "- " + text + "\n";
  }

  void end_row() {
    if (std::all_of(row_.begin(), row_.end(), [](const std::string& cell) { return cell.empty(); })) return;
    std::string line = "|";
    for (const std::string& cell : row_) line += " " + cell + " |";
    line += '\n';
    if (row_is_head_ && table_.text.empty() && table_.head.empty()) {
      table_.head = std::move(line) + "|";
      for (std::size_t i = 0; i < row_.size(); ++i) table_.head += " --- |";
      table_.head += '\n';
    } else {
      table_.text += line;
    }
    row_.clear();
  }

  void end_table() {
    if (!row_.empty()) end_row();
    tables_ = 0;
    if (table_.text.empty()) table_.text.swap(table_.head);
    if (lists_ > 0) {
      list_.text += table_.head + table_.text;
    } else if (!table_.text.empty()) {
      section_.blocks.push_back(std::move(table_));
    }
    table_ = Block{};
    words_.clear();
  }

  void end_section() {
    if (!section_.blocks.empty()) sections_.push_back(std::move(section_));
    section_ = Section{headings_.path(), {}, false};
  }

  std::string file_, title_;
  Headings headings_;
  std::vector<Section> sections_;
  Section section_{file_, {}, false};
  Block table_, list_;
  std::vector<std::string> row_;
  std::string words_;
  bool in_title_ = false, row_is_head_ = false;
  std::size_t hidden_ = 0, tables_ = 0, lists_ = 0, heading_ = 0;
  std::uint32_t now_ = 1, block_line_ = 1;
};

struct Parse {
  Reader reader;
  htmlParserCtxtPtr context = nullptr;
};

std::string name_of(const xmlChar* name) { return to_lower(reinterpret_cast<const char*>(name)); }

void note_line(Parse& parse) {
  if (parse.context && parse.context->input) parse.reader.line_is(static_cast<std::uint32_t>(std::max(1, parse.context->input->line)));
}

void on_start(void* user, const xmlChar* name, const xmlChar**) {
  Parse& parse = *static_cast<Parse*>(user);
  note_line(parse);
  parse.reader.start(name_of(name));
}
void on_end(void* user, const xmlChar* name) { static_cast<Parse*>(user)->reader.end(name_of(name)); }
void on_text(void* user, const xmlChar* text, int length) {
  Parse& parse = *static_cast<Parse*>(user);
  note_line(parse);
  parse.reader.add({reinterpret_cast<const char*>(text), static_cast<std::size_t>(length)});
}

}  // namespace

std::vector<Section> read_html(std::string_view path, std::string_view text) {
  Parse parse{Reader(path), nullptr};
  htmlSAXHandler handler{};
  handler.startElement = &on_start;
  handler.endElement = &on_end;
  handler.characters = &on_text;
  handler.ignorableWhitespace = &on_text;
  // In pieces, for a parser of the whole would look through the rest again and again.
  constexpr std::size_t kPart = 64 * 1024;
  parse.context = htmlCreatePushParserCtxt(&handler, &parse, nullptr, 0, nullptr, XML_CHAR_ENCODING_UTF8);
  if (!parse.context) return {};
  htmlCtxtUseOptions(parse.context, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET);
  while (!text.empty()) {
    const std::string_view part = text.substr(0, kPart);
    htmlParseChunk(parse.context, part.data(), static_cast<int>(part.size()), 0);
    text.remove_prefix(part.size());
  }
  htmlParseChunk(parse.context, nullptr, 0, 1);
  htmlFreeParserCtxt(parse.context);
  return parse.reader.finish();
}

}  // namespace sufler::knowledge

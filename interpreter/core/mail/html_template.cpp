// The scanner follows a file as a browser's tokenizer would, as far as it takes to know where a `{{ }}` stands. It is
// stricter than a browser: what it does not understand is literal, and a value there is refused.
#include "interpreter/core/mail/html_template.h"

#include <algorithm>
#include <array>
#include <utility>

#include "interpreter/core/dialog_scope.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

/// Of one letter: parts played and names looked up. Lists may be long and stand in one another.
constexpr std::size_t kMostSteps = 200'000;

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_white(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool begins_with(std::string_view text, std::size_t at, std::string_view word) {
  return at <= text.size() && lower(text.substr(at, word.size())) == word;
}

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr std::array<std::string_view, 8> kForbidden = {"script", "iframe", "object", "embed", "applet", "base", "link", "frameset"};
constexpr std::array<std::string_view, 7> kAddresses = {"href", "src", "background", "cite", "longdesc", "action", "poster"};
/// Behind other schemes a value could be code, or a page of its own.
constexpr std::array<std::string_view, 5> kSchemes = {"http", "https", "mailto", "tel", "cid"};
/// Several addresses, or code: no escaping is right for them.
constexpr std::array<std::string_view, 4> kUnsafe = {"srcset", "srcdoc", "formaction", "ping"};

class Scanner {
 public:
  explicit Scanner(std::string_view source) : source_(source) {}

  HtmlScan scan() {
    while (at_ < source_.size()) data();
    literal(at_);
    for (const Open& open : open_) problem(HtmlProblem::What::Unpaired, open.begin, open.end);
    return std::move(scan_);
  }

 private:
  using Problem = HtmlProblem::What;
  using What = HtmlToken::What;

  void problem(Problem what, std::size_t begin, std::size_t end, std::string found = {}) {
    scan_.problems.push_back({what, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(std::min(end, source_.size())), std::move(found)});
  }

  /// What was passed since the last token.
  void literal(std::size_t end) {
    if (end > from_) {
      HtmlToken token;
      token.begin = static_cast<std::uint32_t>(from_);
      token.end = static_cast<std::uint32_t>(end);
      scan_.tokens.push_back(token);
    }
    from_ = end;
  }

  bool at_hole() const { return source_.substr(at_, 2) == "{{"; }

  /// Behind the `}}` of the hole at `at_`; quotes inside may hold braces.
  std::size_t end_of_hole() const {
    char quote = 0;
    for (std::size_t i = at_ + 2; i + 1 < source_.size(); ++i) {
      const char c = source_[i];
      if (quote != 0) {
        if (c == '\\') ++i;
        else if (c == quote) quote = 0;
      } else if (c == '\'' || c == '"') {
        quote = c;
      } else if (c == '}' && source_[i + 1] == '}') {
        return i + 2;
      }
    }
    const std::size_t plain = source_.find("}}", at_ + 2);
    return plain == source_.npos ? source_.npos : plain + 2;
  }

  /// A hole where none may be.
  void refuse_hole(Problem what, std::string found = {}) {
    const std::size_t end = end_of_hole();
    if (end == source_.npos) {
      problem(Problem::Unclosed, at_, at_ + 2);
      at_ += 2;
      return;
    }
    problem(what, at_, end, std::move(found));
    at_ = end;
  }

  /// `word` and white space begin the text; moves it behind them.
  static bool take_word(std::string_view& text, std::string_view word) {
    if (!text.starts_with(word)) return false;
    if (text.size() > word.size() && !is_white(text[word.size()])) return false;
    text = trim(text.substr(word.size()));
    return true;
  }

  std::uint32_t place(std::string_view part) const { return static_cast<std::uint32_t>(part.data() - source_.data()); }

  void hole(HtmlContext context, bool directives_fit) {
    const std::size_t end = end_of_hole();
    if (end == source_.npos) {
      problem(Problem::Unclosed, at_, at_ + 2);
      at_ += 2;
      return;
    }
    literal(at_);
    const std::size_t begin = at_;
    std::string_view inner = trim(source_.substr(at_ + 2, end - at_ - 4));
    at_ = from_ = end;
    HtmlToken token;
    token.context = context;
    if (take_word(inner, "for") || take_word(inner, "для")) {
      token.what = What::For;
      if (!read_for(inner, token)) {
        ++broken_loops_;
        return problem(Problem::BadFor, begin, end);
      }
    } else if (take_word(inner, "if") || take_word(inner, "если")) {
      token.what = What::If;
    } else if (inner == "else" || inner == "иначе") {
      token.what = What::Else;
      inner = {};
    } else if (inner == "end" || inner == "конец") {
      token.what = What::End;
      inner = {};
    }
    const bool directive = token.what != What::Literal;
    if (!directive) token.what = What::Value;
    if (directive && !directives_fit) return problem(Problem::InTag, begin, end);
    if (token.what != What::For) {
      token.begin = inner.data() ? place(inner) : static_cast<std::uint32_t>(begin);
      token.end = inner.data() ? token.begin + static_cast<std::uint32_t>(inner.size()) : static_cast<std::uint32_t>(end);
    }
    pair(token, begin, end);
    scan_.tokens.push_back(token);
  }

  bool read_for(std::string_view inner, HtmlToken& token) {
    const std::size_t name_end = inner.find_first_of(" \t\r\n");
    if (name_end == inner.npos) return false;
    const std::string_view name = inner.substr(0, name_end);
    std::string_view rest = trim(inner.substr(name_end));
    if (!take_word(rest, "in") && !take_word(rest, "в")) return false;
    if (rest.empty()) return false;
    token.name_begin = place(name);
    token.name_end = token.name_begin + static_cast<std::uint32_t>(name.size());
    token.begin = place(rest);
    token.end = token.begin + static_cast<std::uint32_t>(rest.size());
    return true;
  }

  void pair(const HtmlToken& token, std::size_t begin, std::size_t end) {
    if (token.what == What::For || token.what == What::If) {
      open_.push_back({begin, end, token.what == What::If});
    } else if (token.what == What::Else) {
      if (open_.empty() || !open_.back().may_have_else) return problem(Problem::Unpaired, begin, end);
      open_.back().may_have_else = false;
    } else if (token.what == What::End) {
      if (!open_.empty()) return open_.pop_back();
      // The loop that it ends was complained of.
      if (broken_loops_ > 0) return void(--broken_loops_);
      problem(Problem::Unpaired, begin, end);
    }
  }

  // ---- states

  void data() {
    if (at_hole()) return hole(title_ ? HtmlContext::Title : HtmlContext::Text, true);
    const char c = source_[at_];
    // A control character is nothing a letter needs, and the mark of the history is made of them.
    if (static_cast<unsigned char>(c) < 0x20 && !is_white(c)) {
      literal(at_);
      from_ = ++at_;
      return;
    }
    if (c != '<') {
      ++at_;
      return;
    }
    if (source_.substr(at_, 4) == "<!--") return comment();
    const char next = at_ + 1 < source_.size() ? source_[at_ + 1] : '\0';
    if (next == '!' || next == '?') return until('>', Problem::InTag);
    const std::size_t name = next == '/' ? at_ + 2 : at_ + 1;
    if (name >= source_.size() || !is_ascii_letter(source_[name])) {
      ++at_;
      return;
    }
    tag(name, next == '/');
  }

  void until(char mark, Problem what) {
    while (at_ < source_.size() && source_[at_] != mark) {
      if (at_hole()) {
        refuse_hole(what);
      } else {
        ++at_;
      }
    }
    if (at_ < source_.size()) ++at_;
  }

  void comment() {
    // What Outlook alone reads is a part of many templates, and stays.
    const bool for_outlook = begins_with(source_, at_, "<!--[if") || begins_with(source_, at_, "<!--<![endif]");
    std::size_t end = source_.find("-->", at_ + 4);
    end = end == source_.npos ? source_.size() : end + 3;
    if (!for_outlook) {
      literal(at_);
      at_ = from_ = end;
      return;
    }
    while (at_ < end) at_hole() ? refuse_hole(Problem::InComment) : void(++at_);
  }

  void tag(std::size_t name, bool closes) {
    const std::size_t begin = at_;
    at_ = name;
    while (at_ < source_.size() && !is_white(source_[at_]) && source_[at_] != '>' && source_[at_] != '/' && !at_hole()) ++at_;
    const std::string tag_name = lower(source_.substr(name, at_ - name));
    if (is_one_of(tag_name, kForbidden) && !closes) problem(Problem::ForbiddenTag, begin, at_, tag_name);
    while (at_ < source_.size() && source_[at_] != '>') {
      if (at_hole()) {
        refuse_hole(Problem::InTag);
      } else if (is_white(source_[at_]) || source_[at_] == '/') {
        ++at_;
      } else {
        attribute(tag_name);
      }
    }
    if (at_ < source_.size()) ++at_;
    if (tag_name == "title") title_ = !closes;
    if (closes) return;
    if (tag_name == "script") return raw("</script", Problem::InScript);
    if (tag_name != "style") return;
    if (!scan_.style) scan_.style = static_cast<std::uint32_t>(begin);
    raw("</style", Problem::InStyle);
  }

  void attribute(std::string_view tag_name) {
    const std::size_t begin = at_;
    // The first character belongs to the name whatever it is, so that something is always read.
    ++at_;
    while (at_ < source_.size() && !is_white(source_[at_]) && source_[at_] != '=' && source_[at_] != '>' && source_[at_] != '/' && !at_hole()) ++at_;
    const std::string name = attribute_name(lower(source_.substr(begin, at_ - begin)), tag_name);
    if (at_ < source_.size() && at_hole()) return;
    std::size_t value = at_;
    while (value < source_.size() && is_white(source_[value])) ++value;
    if (value >= source_.size() || source_[value] != '=') return;
    at_ = value + 1;
    while (at_ < source_.size() && is_white(source_[at_])) ++at_;
    if (at_ >= source_.size()) return;
    const char quote = source_[at_];
    if (quote == '"' || quote == '\'') {
      ++at_;
      quoted(name, quote);
    } else {
      while (at_ < source_.size() && !is_white(source_[at_]) && source_[at_] != '>') at_hole() ? refuse_hole(Problem::Unquoted, name) : void(++at_);
    }
  }

  /// As which it is to be taken: `xlink:href` leads where `href` does, and a `content` of `meta` may hold an address.
  static std::string attribute_name(std::string name, std::string_view tag_name) {
    if (tag_name == "meta" && name == "content") return "srcdoc";
    if (const std::size_t colon = name.rfind(':'); colon != name.npos && is_one_of(std::string_view(name).substr(colon + 1), kAddresses))
      return name.substr(colon + 1);
    return name;
  }

  /// What an address begins with: `https`; empty where there is no scheme.
  static std::string scheme_of(std::string_view address) {
    const std::size_t end = address.find_first_of(":/?#");
    return end == address.npos || address[end] != ':' ? std::string() : lower(trim(address.substr(0, end)));
  }

  void quoted(const std::string& name, char quote) {
    const std::size_t begin = at_;
    bool led = false;  // something stands before
    while (at_ < source_.size() && source_[at_] != quote) {
      if (!at_hole()) {
        led = led || !is_white(source_[at_]);
        ++at_;
        continue;
      }
      if (name.starts_with("on") || is_one_of(name, kUnsafe)) {
        refuse_hole(Problem::InScript, name);
      } else if (name == "style") {
        refuse_hole(Problem::InStyle);
      } else if (is_one_of(name, kAddresses)) {
        const std::string before = lower(trim(source_.substr(begin, at_ - begin))), scheme = scheme_of(before.substr(0, before.find("{{")));
        if (!scheme.empty() && !is_one_of(scheme, kSchemes)) {  // `javascript:` decodes what was encoded
          refuse_hole(Problem::InScript, name);
          continue;
        }
        hole(before == "tel:"      ? HtmlContext::Phone
             : before == "mailto:" ? HtmlContext::Mailbox
             : led                 ? HtmlContext::UrlPart
                                   : HtmlContext::Url,
             false);
      } else {
        hole(HtmlContext::Attribute, false);
      }
      led = true;
    }
    if (at_ < source_.size()) {
      ++at_;
    } else {
      problem(Problem::InTag, begin > 0 ? begin - 1 : begin, begin);  // the quote is not closed
    }
  }

  void raw(std::string_view closing, Problem what) {
    while (at_ < source_.size() && !begins_with(source_, at_, closing)) at_hole() ? refuse_hole(what) : void(++at_);
  }

  const std::string_view source_;
  std::size_t at_ = 0, from_ = 0;
  bool title_ = false;
  /// A `for` or an `if` that waits for its `end`.
  struct Open {
    std::size_t begin, end;
    bool may_have_else;
  };
  std::vector<Open> open_;
  int broken_loops_ = 0;
  HtmlScan scan_;
};

/// Appends what escaping makes of a code point; control characters vanish.
void append_escaped(std::string& out, char32_t c) {
  switch (c) {
    case '&': out += "&amp;"; return;
    case '<': out += "&lt;"; return;
    case '>': out += "&gt;"; return;
    case '"': out += "&quot;"; return;
    case '\'': out += "&#39;"; return;
    default: break;
  }
  if ((c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c <= 0x9F)) return;
  append_utf8(out, c);
}

/// `safe`: what stays beside letters and digits.
void append_percent(std::string& out, std::string_view text, std::string_view safe) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_ascii_letter(c) || (c >= '0' && c <= '9') || safe.find(c) != safe.npos) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
}

/// Led by data: only where a click does no harm.
bool is_good_address(std::string_view url) {
  if (url.size() > 2048) return false;
  const std::string begin = lower(url.substr(0, 8));
  const bool scheme = begin.starts_with("https://") || begin.starts_with("http://") || begin.starts_with("mailto:") || begin.starts_with("tel:");
  return scheme && std::none_of(url.begin(), url.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; });
}

void append_value(std::string& out, HtmlContext context, std::string_view text) {
  switch (context) {
    case HtmlContext::Text: out += escape_html_text(text); return;
    case HtmlContext::Title:
    case HtmlContext::Attribute: out += escape_html(text); return;
    case HtmlContext::Url: out += is_good_address(trim(text)) ? escape_html(trim(text)) : "#"; return;
    case HtmlContext::UrlPart: append_percent(out, text, "-._~"); return;
    case HtmlContext::Mailbox: append_percent(out, text, "-._~@+"); return;
    case HtmlContext::Phone:
      for (const char c : text)
        if ((c >= '0' && c <= '9') || c == '+') out.push_back(c);
      return;
  }
}

std::string reason_of(const Expression& expression, const EvaluationError& error) {
  return "`" + expression.source() + "` in the template: " + (error.detail.empty() ? "it cannot be worked out" : error.detail);
}

}  // namespace

HtmlScan scan_html(std::string_view source) { return Scanner(source).scan(); }

std::string escape_html(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) append_escaped(out, next_code_point(text, i));
  return out;
}

std::string escape_html_text(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const char32_t c = next_code_point(text, i);
    if (c == '\n' || c == 0x2028 || c == 0x2029) {
      out += "<br>\n";
    } else {
      append_escaped(out, c);
    }
  }
  return out;
}

std::vector<HtmlPicture> pictures_of_html(std::string_view source) {
  std::vector<HtmlPicture> all;
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; };
  for (std::size_t at = source.find('<'); at != source.npos; at = source.find('<', at)) {
    const bool image = to_lower(source.substr(at + 1, 3)) == "img";
    std::size_t i = at + 4;
    ++at;
    if (!image || i >= source.size() || !(is_space(source[i]) || source[i] == '/')) continue;
    // Attribute by attribute, so that neither a value nor `data-src` is taken for it.
    while (i < source.size() && source[i] != '>') {
      if (source.substr(i, 2) == "{{") {
        const std::size_t end = source.find("}}", i);
        if (end == source.npos) return all;
        i = end + 2;
        continue;
      }
      if (is_space(source[i]) || source[i] == '/' || source[i] == '=' || source[i] == '"' || source[i] == '\'') {
        ++i;
        continue;
      }
      const std::size_t name = i;
      while (i < source.size() && !is_space(source[i]) && std::string_view("=>/\"'{").find(source[i]) == std::string_view::npos) ++i;
      if (i == name) {
        ++i;
        continue;
      }
      const bool is_source = to_lower(source.substr(name, i - name)) == "src";
      while (i < source.size() && is_space(source[i])) ++i;
      if (i >= source.size() || source[i] != '=') continue;
      ++i;
      while (i < source.size() && is_space(source[i])) ++i;
      if (i >= source.size()) break;
      const char quote = source[i] == '"' || source[i] == '\'' ? source[i] : '\0';
      const std::size_t begin = quote ? i + 1 : i;
      std::size_t end = begin;
      while (end < source.size() && (quote ? source[end] != quote : !is_space(source[end]) && source[end] != '>')) {
        const std::size_t value = source.substr(end, 2) == "{{" ? source.find("}}", end) : source.npos;
        end = value == source.npos ? end + 1 : value + 2;
      }
      end = std::min(end, source.size());
      const std::string_view written = source.substr(begin, end - begin);
      if (is_source && written.find("{{") == written.npos)
        all.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
      i = quote ? end + 1 : end;
    }
    at = std::min(i, source.size());
  }
  return all;
}

HtmlTemplate::HtmlTemplate(std::vector<Part> parts, std::vector<Attachment> pictures)
    : parts_(std::move(parts)), pictures_(std::move(pictures)) {
  using What = HtmlToken::What;
  std::vector<std::uint32_t> open;
  for (std::uint32_t i = 0; i < parts_.size(); ++i) {
    Part& part = parts_[i];
    if (part.what == What::For) locals_.push_back(part.text);
    if (part.what == What::For || part.what == What::If) {
      open.push_back(i);
    } else if (part.what == What::Else && !open.empty()) {
      parts_[open.back()].to = i + 1;
      open.back() = i;
    } else if (part.what == What::End && !open.empty()) {
      part.loops = parts_[open.back()].what == What::For;
      if (part.loops) part.to = open.back();
      parts_[open.back()].to = i;
      open.pop_back();
    }
  }
}

std::string HtmlTemplate::source() const {
  std::string all;
  for (const Part& part : parts_) {
    all += static_cast<char>('0' + static_cast<int>(part.what));
    all += part.text;
    if (part.what != HtmlToken::What::Literal) all += part.expression.source();
    all += '\x1f';
  }
  return all;
}

Result<std::string, std::string> HtmlTemplate::render(DialogScope& scope) const {
  using What = HtmlToken::What;
  struct Loop {
    std::uint32_t begin = 0;
    List items;
    std::size_t next = 0;
    std::optional<Value> hidden;  ///< what the name was before
  };
  std::vector<Loop> loops;
  ValueMap names;
  if (scope.extra()) names = *scope.extra();
  const ExtraNames extra(scope, names);
  const auto leave = [&](Loop& loop) {
    const std::string& name = parts_[loop.begin].text;
    loop.hidden ? names.set(name, std::move(*loop.hidden)) : void(names.erase(name));
  };
  std::string out;
  std::size_t steps = 0;
  for (std::uint32_t at = 0; at < parts_.size();) {
    if (++steps > kMostSteps) return Error{std::string("the lists of the template are too long")};
    if (out.size() > kMostHtmlBytes) return Error{"the letter is larger than " + std::to_string(kMostHtmlBytes) + " bytes"};
    const Part& part = parts_[at];
    Value value;
    if ((part.what == What::Value && !part.history) || part.what == What::For || part.what == What::If) {
      auto made = part.expression.evaluate(scope);
      if (!made) return Error{reason_of(part.expression, made.error())};
      value = std::move(*made);
    }
    switch (part.what) {
      case What::Literal: out += part.text; break;
      case What::Value:
        if (part.history) {
          out += kHistoryMark;
        } else {
          append_value(out, part.context, to_display(value, scope.locale()));
        }
        break;
      case What::If:
        if (!value.truthy()) {
          at = part.to;
          continue;
        }
        break;
      case What::Else: at = part.to; continue;
      case What::For: {
        Loop loop;
        loop.begin = at;
        if (const List* list = value.list()) loop.items = *list;
        if (!value.is_null() && !value.list()) return Error{"`" + part.expression.source() + "` in the template is no list"};
        if (loop.items.empty()) {
          at = part.to + 1;
          continue;
        }
        if (const Value* before = names.find(part.text)) loop.hidden = *before;
        names.set(part.text, loop.items[loop.next++]);
        loops.push_back(std::move(loop));
        break;
      }
      case What::End:
        if (part.loops && !loops.empty()) {
          Loop& loop = loops.back();
          if (loop.next < loop.items.size()) {
            names.set(parts_[loop.begin].text, loop.items[loop.next++]);
            at = loop.begin + 1;
            continue;
          }
          leave(loop);
          loops.pop_back();
        }
        break;
    }
    ++at;
  }
  if (out.size() > kMostHtmlBytes) return Error{"the letter is larger than " + std::to_string(kMostHtmlBytes) + " bytes"};
  return out;
}

// ---- text

namespace {

constexpr std::array<std::string_view, 22> kBlocks = {"p", "div", "table", "tr", "ul", "ol", "li", "h1", "h2", "h3", "h4",
                                                      "h5", "h6", "blockquote", "section", "article", "header", "footer",
                                                      "hr", "body", "html", "pre"};
/// A line stays free before and behind these.
constexpr std::array<std::string_view, 9> kApart = {"p", "h1", "h2", "h3", "h4", "ul", "ol", "blockquote", "table"};
constexpr std::array<std::string_view, 5> kUnread = {"head", "style", "script", "title", "template"};
/// They have no end.
constexpr std::array<std::string_view, 8> kVoid = {"br", "img", "hr", "meta", "input", "wbr", "col", "source"};

/// The value of an attribute of a tag's inside.
std::string attribute_of(std::string_view tag, std::string_view name) {
  const std::string folded = lower(tag);
  for (std::size_t at = folded.find(name); at != folded.npos; at = folded.find(name, at + 1)) {
    std::size_t i = at + name.size();
    if (at == 0 || !is_white(folded[at - 1])) continue;
    while (i < tag.size() && is_white(tag[i])) ++i;
    if (i >= tag.size() || tag[i] != '=') continue;
    ++i;
    while (i < tag.size() && is_white(tag[i])) ++i;
    if (i >= tag.size()) return {};
    if (tag[i] == '"' || tag[i] == '\'') {
      const std::size_t end = tag.find(tag[i], i + 1);
      return std::string(tag.substr(i + 1, (end == tag.npos ? tag.size() : end) - i - 1));
    }
    return std::string(tag.substr(i, tag.find_first_of(" \t\r\n", i) - i));
  }
  return {};
}

/// What an entity stands for; moves `at`, which is at its `&`, behind it. An unknown one is itself.
void append_entity(std::string& out, std::string_view html, std::size_t& at) {
  static constexpr std::pair<std::string_view, std::string_view> kNamed[] = {
      {"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}, {"nbsp", " "}, {"shy", ""},
      {"ndash", "–"}, {"mdash", "—"}, {"laquo", "«"}, {"raquo", "»"}, {"hellip", "…"}, {"bull", "•"},
      {"middot", "·"}, {"times", "×"}, {"copy", "©"}, {"zwnj", ""}, {"zwj", ""}, {"rarr", "→"}};
  const std::size_t end = html.find(';', at);
  if (end != html.npos && end - at <= 10) {
    const std::string_view name = html.substr(at + 1, end - at - 1);
    for (const auto& [known, text] : kNamed) {
      if (name != known) continue;
      out += text;
      at = end + 1;
      return;
    }
    if (name.size() > 1 && name[0] == '#') {
      const bool hex = name[1] == 'x' || name[1] == 'X';
      char32_t code = 0;
      bool good = name.size() > (hex ? 2u : 1u);
      for (const char c : name.substr(hex ? 2 : 1)) {
        const int digit = c >= '0' && c <= '9' ? c - '0' : hex && c >= 'a' && c <= 'f' ? c - 'a' + 10 : hex && c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        good = good && digit >= 0 && code < 0x110000;
        code = code * (hex ? 16 : 10) + static_cast<char32_t>(std::max(digit, 0));
      }
      good = good && code >= 0x20 && code < 0x110000 && !(code >= 0xD800 && code < 0xE000);
      if (good) {
        append_utf8(out, code);
        at = end + 1;
        return;
      }
    }
  }
  out.push_back('&');
  ++at;
}

class TextMaker {
 public:
  std::string make(std::string_view html) {
    for (std::size_t at = 0; at < html.size();) {
      if (html[at] == '<' && at + 1 < html.size() && (is_ascii_letter(html[at + 1]) || html[at + 1] == '/' || html[at + 1] == '!')) {
        if (html.substr(at, 4) == "<!--") {
          const std::size_t end = html.find("-->", at);
          at = end == html.npos ? html.size() : end + 3;
          continue;
        }
        at = tag(html, at);
      } else if (html[at] == '&') {
        std::string one;
        append_entity(one, html, at);
        put(one);
      } else {
        const std::size_t end = std::min(html.find_first_of("<&", at + 1), html.size());
        put(html.substr(at, end - at));
        at = end;
      }
    }
    while (!out_.empty() && (out_.back() == '\n' || out_.back() == ' ')) out_.pop_back();
    return std::move(out_);
  }

 private:
  /// Of white space one space is left, and none at the beginning of a line.
  void put(std::string_view text) {
    if (!skipped_.empty()) return;
    for (const char c : text) {
      if (is_white(c)) {
        space_ = true;
        continue;
      }
      flush();
      out_.push_back(c);
    }
  }
  void flush() {
    if (breaks_ > 0 && !out_.empty()) out_.append(static_cast<std::size_t>(std::min(breaks_, 2)), '\n');
    else if (space_ && !out_.empty() && out_.back() != '\n') out_.push_back(' ');
    breaks_ = 0;
    space_ = false;
  }
  void line(int breaks) {
    breaks_ = std::max(breaks_, breaks);
    space_ = false;
  }

  std::size_t tag(std::string_view html, std::size_t at) {
    char quote = 0;
    std::size_t end = at + 1;
    for (; end < html.size(); ++end) {
      const char c = html[end];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        break;
      }
    }
    std::string_view inside = html.substr(at + 1, end - at - 1);
    const bool closes = inside.starts_with('/');
    if (closes) inside.remove_prefix(1);
    const std::string name = lower(inside.substr(0, inside.find_first_of(" \t\r\n/>")));
    element(name, closes, inside);
    return std::min(end + 1, html.size());
  }

  void element(const std::string& name, bool closes, std::string_view inside) {
    if (!skipped_.empty()) {
      if (name != skipped_) return;
      depth_ += closes ? -1 : 1;
      if (depth_ == 0) skipped_.clear();
      return;
    }
    const bool is_void = is_one_of(name, kVoid);
    if (!closes && !is_void && (is_one_of(name, kUnread) || hidden(inside))) {
      skipped_ = name;
      depth_ = 1;
      return;
    }
    if (name == "br") return br();
    if (name == "a") return link(closes, inside);
    if (name == "img" && !closes) {
      const std::string alt = attribute_of(inside, "alt");
      if (!alt.empty()) make_part(alt);
      return;
    }
    if ((name == "td" || name == "th") && !closes) {
      // Cells of a row stand in one line.
      if (breaks_ == 0 && !out_.empty() && out_.back() != '\n') out_ += "  ";
      space_ = false;
      return;
    }
    if (!is_one_of(name, kBlocks)) return;
    line(is_one_of(name, kApart) ? 2 : 1);
    if (name == "li" && !closes) {
      flush();
      out_ += "• ";
    }
    if (name == "hr") {
      flush();
      out_ += "———";
      line(1);
    }
  }

  void br() {
    flush();
    if (!out_.empty()) out_.push_back('\n');
    space_ = false;
  }

  static bool hidden(std::string_view inside) {
    std::string style = lower(attribute_of(inside, "style"));
    style.erase(std::remove_if(style.begin(), style.end(), is_white), style.end());
    return style.find("display:none") != style.npos;
  }

  void make_part(std::string_view attribute) {
    std::string text;
    for (std::size_t i = 0; i < attribute.size();) {
      if (attribute[i] == '&') {
        append_entity(text, attribute, i);
      } else {
        text.push_back(attribute[i++]);
      }
    }
    put(text);
  }

  void link(bool closes, std::string_view inside) {
    if (!closes) {
      address_.clear();
      const std::string written = attribute_of(inside, "href");
      for (std::size_t i = 0; i < written.size();) {
        if (written[i] == '&') {
          append_entity(address_, written, i);
        } else {
          address_.push_back(written[i++]);
        }
      }
      label_ = out_.size();
      return;
    }
    if (label_ <= out_.size() && (address_.starts_with("http") || address_.starts_with("mailto:"))) {
      const std::string label(trim(std::string_view(out_).substr(label_)));
      const std::string plain = address_.starts_with("mailto:") ? address_.substr(7) : address_;
      if (label != plain && !label.empty()) out_ += " (" + plain + ")";
    }
    address_.clear();
  }

  std::string out_;
  bool space_ = false;
  int breaks_ = 0;
  std::string skipped_;  ///< an element that nobody reads
  int depth_ = 0;
  std::string address_;
  std::size_t label_ = 0;
};

}  // namespace

std::string html_to_text(std::string_view html) { return TextMaker().make(html); }

}  // namespace sufler

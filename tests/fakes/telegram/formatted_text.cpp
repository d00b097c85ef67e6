// Markup is read as TDLib reads it: one pass over bytes that keeps a stack of open entities and the
// UTF-16 length of what has been put out so far.
#include "fakes/telegram/formatted_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <vector>

#include "fakes/common/bytes.h"

namespace sufler::fakes {
namespace {

[[noreturn]] void parse_failure(const std::string& why) {
  throw ApiError{400, "Bad Request: can't parse entities: " + why, nullptr};
}
std::string at_byte(std::size_t offset) { return " at byte offset " + std::to_string(offset); }

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

struct Open {
  std::string type;
  std::string argument;    // url, language, tag of HTML
  std::string attribute;   // HTML: what the tag carried
  std::size_t offset = 0;  // UTF-16 units of output before it
  std::size_t byte = 0;    // where it began in the input
  std::size_t begin = 0;   // where it began in the output
};

bool looks_like_link(std::string_view url) {
  if (url.empty() || url.find(' ') != std::string_view::npos) return false;
  const std::size_t scheme = url.find("://");
  const std::string_view host = scheme == std::string_view::npos ? url : url.substr(scheme + 3);
  return url.starts_with("tg://") || url.starts_with("mailto:") || url.starts_with("tel:") ||
         (host.find('.') != std::string_view::npos && !host.starts_with('.')) ||
         host.starts_with("localhost");
}

class Output {
 public:
  void put(char c) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) length_ += byte >= 0xF0 ? 2 : 1;
    text_ += c;
  }
  void put(std::string_view bytes) {
    for (const char c : bytes) put(c);
  }
  std::size_t length() const { return length_; }
  const std::string& text() const { return text_; }
  void entity(const Open& open, std::string type, const char* key = nullptr,
              const std::string& value = {}) {
    if (length_ == open.offset) return;  // nothing inside: dropped, as the server does
    Json entity = {
        {"type", std::move(type)}, {"offset", open.offset}, {"length", length_ - open.offset}};
    if (key != nullptr) entity[key] = value;
    entities_.push_back(std::move(entity));
  }
  /// Outer entities first, as the server lists them.
  FormattedText finish() {
    std::stable_sort(entities_.begin(), entities_.end(), [](const Json& a, const Json& b) {
      if (a["offset"] != b["offset"]) return a["offset"] < b["offset"];
      return a["length"] > b["length"];
    });
    FormattedText out;
    out.text = std::move(text_);
    for (auto& entity : entities_) out.entities.push_back(std::move(entity));
    return out;
  }

 private:
  std::string text_;
  std::size_t length_ = 0;
  std::vector<Json> entities_;
};

void close_link(Output& out, const Open& open, const std::string& url) {
  if (url.starts_with("tg://user?id=")) {
    Open as_mention = open;
    if (out.length() == open.offset) return;
    out.entity(as_mention, "text_link", "url", url);
    return;
  }
  if (looks_like_link(url)) out.entity(open, "text_link", "url", url);
}

FormattedText parse_markdown_v2(std::string_view text) {
  Output out;
  std::vector<Open> stack;
  const auto next = [&](std::size_t i) { return i < text.size() ? text[i] : '\0'; };
  bool quote = false;       // inside a run of lines that begin with '>'
  bool expandable = false;  // the quotation ended by "||"
  Open quote_open;
  const auto escaped = [&](std::size_t i) {
    return text[i] == '\\' && next(i + 1) > 0 && next(i + 1) <= 126;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (escaped(i)) {
      out.put(text[++i]);
      continue;
    }
    const bool in_code =
        !stack.empty() && (stack.back().type == "code" || stack.back().type == "pre");
    const std::string_view reserved = in_code ? "`" : "_*[]()~`>#+-=|{}.!\n";
    if (reserved.find(c) == std::string_view::npos) {
      out.put(c);
      continue;
    }
    if (c == '\n') {
      if (quote && next(i + 1) != '>') {
        out.entity(quote_open, expandable ? "expandable_blockquote" : "blockquote");
        quote = false;
        expandable = false;
      }
      out.put(c);
      if (quote) ++i;  // the '>' of the next line
      continue;
    }
    if (quote && stack.empty() && c == '|' && next(i + 1) == '|' &&
        (i + 2 == text.size() || (text[i + 2] == '\n' && next(i + 3) != '>'))) {
      expandable = true;
      ++i;
      continue;
    }
    bool ends = false;
    if (!stack.empty()) {
      const std::string& type = stack.back().type;
      if (type == "bold") ends = c == '*';
      if (type == "italic") ends = c == '_' && next(i + 1) != '_';
      if (type == "underline") ends = c == '_' && next(i + 1) == '_';
      if (type == "code") ends = c == '`';
      if (type == "pre") ends = c == '`' && next(i + 1) == '`' && next(i + 2) == '`';
      if (type == "strikethrough") ends = c == '~';
      if (type == "spoiler") ends = c == '|' && next(i + 1) == '|';
      if (type == "text_link" || type == "custom_emoji") ends = c == ']';
    }
    if (in_code && !ends) {
      if (stack.back().type == "pre") {
        out.put(c);  // one or two back-quotes inside a block
        continue;
      }
    }
    if (!ends) {
      Open open;
      open.byte = i;
      switch (c) {
        case '_':
          open.type = next(i + 1) == '_' ? "underline" : "italic";
          if (open.type == "underline") ++i;
          break;
        case '*':
          open.type = "bold";
          break;
        case '~':
          open.type = "strikethrough";
          break;
        case '[':
          open.type = "text_link";
          break;
        case '|':
          if (next(i + 1) == '|') {
            open.type = "spoiler";
            ++i;
          }
          break;
        case '!':
          if (next(i + 1) == '[') {
            open.type = "custom_emoji";
            ++i;
          }
          break;
        case '`':
          if (next(i + 1) == '`' && next(i + 2) == '`') {
            open.type = "pre";
            i += 3;
            std::size_t end = i;
            while (end < text.size() && !is_space(text[end]) && text[end] != '`') ++end;
            if (end != i && end < text.size() && text[end] != '`') {
              open.argument = std::string(text.substr(i, end - i));
              i = end;
            }
            if (next(i) == '\n' || next(i) == '\r') {
              const char other = next(i + 1);
              i += (other == '\n' || other == '\r') && other != next(i) ? 2 : 1;
            }
            --i;
          } else {
            open.type = "code";
          }
          break;
        case '>':
          if (!quote && (out.text().empty() || out.text().back() == '\n')) {
            quote = true;
            quote_open.offset = out.length();
            quote_open.byte = i;
            continue;
          }
          break;
        default:
          break;
      }
      if (open.type.empty()) {
        parse_failure(std::string("Character '") + c +
                      "' is reserved and must be escaped with the preceding '\\'");
      }
      open.offset = out.length();
      open.begin = out.text().size();
      stack.push_back(std::move(open));
      continue;
    }
    const Open open = stack.back();
    stack.pop_back();
    if (open.type == "underline" || open.type == "spoiler") ++i;
    if (open.type == "pre") {
      i += 2;
      if (open.argument.empty()) {
        out.entity(open, "pre");
      } else {
        out.entity(open, "pre", "language", open.argument);
      }
      continue;
    }
    if (open.type == "text_link" || open.type == "custom_emoji") {
      std::string url;
      if (next(i + 1) != '(') {
        if (open.type == "custom_emoji")
          parse_failure("Custom emoji entity must contain a tg://emoji URL");
        url = out.text().substr(open.begin);
      } else {
        i += 2;
        const std::size_t url_begin = i;
        while (i < text.size() && text[i] != ')') {
          if (escaped(i)) ++i;
          url += text[i++];
        }
        if (i >= text.size()) {
          parse_failure("Can't find end of a URL" + at_byte(url_begin));
        }
      }
      if (open.type == "custom_emoji") {
        const std::string prefix = "tg://emoji?id=";
        if (!url.starts_with(prefix))
          parse_failure("Custom emoji URL must have an emoji identifier");
        out.entity(open, "custom_emoji", "custom_emoji_id", url.substr(prefix.size()));
      } else {
        close_link(out, open, url);
      }
      continue;
    }
    out.entity(open, open.type);
  }
  if (!stack.empty()) {
    parse_failure("Can't find end of the entity starting" + at_byte(stack.back().byte));
  }
  if (quote) out.entity(quote_open, expandable ? "expandable_blockquote" : "blockquote");
  return out.finish();
}

/// The old mode: no nesting, and an escape only of `_ * ` [`.
FormattedText parse_markdown(std::string_view text) {
  Output out;
  const auto next = [&](std::size_t i) { return i < text.size() ? text[i] : '\0'; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && std::string_view("_*`[").find(next(i + 1)) != std::string_view::npos &&
        next(i + 1) != '\0') {
      out.put(text[++i]);
      continue;
    }
    if (c != '_' && c != '*' && c != '`' && c != '[') {
      out.put(c);
      continue;
    }
    Open open;
    open.byte = i;
    open.offset = out.length();
    const bool pre = c == '`' && next(i + 1) == '`' && next(i + 2) == '`';
    const std::string_view closing = c == '[' ? "]" : pre ? "```" : text.substr(i, 1);
    const std::size_t from = i + (pre ? 3 : 1);
    const std::size_t end = text.find(closing, from);
    if (end == std::string_view::npos) {
      parse_failure("Can't find end of the entity starting" + at_byte(i));
    }
    const std::string_view inside = text.substr(from, end - from);
    out.put(inside);
    i = end + closing.size() - 1;
    if (c == '[') {
      std::string url(inside);
      if (next(i + 1) == '(') {
        const std::size_t close = text.find(')', i + 2);
        const std::size_t stop = close == std::string_view::npos ? text.size() : close;
        url = std::string(text.substr(i + 2, stop - i - 2));
        i = stop;
      }
      close_link(out, open, url);
    } else {
      out.entity(open, pre ? "pre" : c == '_' ? "italic" : c == '*' ? "bold" : "code");
    }
  }
  return out.finish();
}

/// Reads `&...;` at `i`; moves `i` behind it. Zero: it is not an entity of Telegram.
std::uint32_t html_entity(std::string_view text, std::size_t& i) {
  const std::size_t end = text.find(';', i);
  if (end == std::string_view::npos || end - i > 12) return 0;
  const std::string_view name = text.substr(i + 1, end - i - 1);
  std::uint32_t code = 0;
  if (name == "lt") code = '<';
  if (name == "gt") code = '>';
  if (name == "amp") code = '&';
  if (name == "quot") code = '"';
  if (name.starts_with('#') && name.size() > 1) {
    const bool hex = name[1] == 'x' || name[1] == 'X';
    for (const char c : name.substr(hex ? 2 : 1)) {
      const int digit = std::isdigit(static_cast<unsigned char>(c)) ? c - '0'
                        : hex && std::isxdigit(static_cast<unsigned char>(c))
                            ? (c | 0x20) - 'a' + 10
                            : -1;
      if (digit < 0) return 0;
      code = code * (hex ? 16 : 10) + static_cast<std::uint32_t>(digit);
      if (code > 0x10FFFF) return 0;
    }
    if (code >= 0xD800 && code < 0xE000) return 0;
  }
  if (code != 0) i = end + 1;
  return code;
}

const char* html_type(const std::string& tag) {
  static constexpr std::array<std::pair<const char*, const char*>, 17> kTags = {
      {{"b", "bold"},
       {"strong", "bold"},
       {"i", "italic"},
       {"em", "italic"},
       {"u", "underline"},
       {"ins", "underline"},
       {"s", "strikethrough"},
       {"strike", "strikethrough"},
       {"del", "strikethrough"},
       {"tg-spoiler", "spoiler"},
       {"span", "spoiler"},
       {"a", "text_link"},
       {"code", "code"},
       {"pre", "pre"},
       {"blockquote", "blockquote"},
       {"tg-emoji", "custom_emoji"},
       {"tg-time", "date_time"}}};
  for (const auto& [name, type] : kTags)
    if (tag == name) return type;
  return nullptr;
}

FormattedText parse_html(std::string_view text, bool strict) {
  Output out;
  std::vector<Open> stack;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '&') {
      const std::size_t begin = i;
      const std::uint32_t code = html_entity(text, i);
      if (code != 0) {
        std::string bytes;
        append_utf8(bytes, code);
        out.put(bytes);
        continue;
      }
      // The server lets an unknown entity stand as it is; an escape forgotten by us shows here.
      if (strict) parse_failure("Character '&' must be escaped as '&amp;'" + at_byte(begin));
    }
    if (c == '>' && strict) parse_failure("Character '>' must be escaped as '&gt;'" + at_byte(i));
    if (c != '<') {
      out.put(c);
      ++i;
      continue;
    }
    const std::size_t begin = i++;
    if (i < text.size() && text[i] == '/') {
      const std::size_t name_begin = ++i;
      while (i < text.size() && !is_space(text[i]) && text[i] != '>') ++i;
      const std::string name = lowered(text.substr(name_begin, i - name_begin));
      while (i < text.size() && is_space(text[i])) ++i;
      if (i >= text.size() || text[i] != '>') parse_failure("Unclosed end tag" + at_byte(begin));
      ++i;
      if (stack.empty()) parse_failure("Unexpected end tag" + at_byte(begin));
      const Open open = stack.back();
      stack.pop_back();
      if (!name.empty() && name != open.argument) {
        parse_failure("Unmatched end tag" + at_byte(begin) + ", expected \"</" + open.argument +
                      ">\", found \"</" + name + ">\"");
      }
      if (open.type == "text_link") {
        const std::string url =
            open.attribute.empty() ? out.text().substr(open.begin) : open.attribute;
        close_link(out, open, url);
      } else if (open.type == "custom_emoji") {
        out.entity(open, open.type, "custom_emoji_id", open.attribute);
      } else if (open.type == "code" && !open.attribute.empty()) {
        // <pre><code class="language-x">: the language belongs to the block around.
        if (!stack.empty() && stack.back().type == "pre" && stack.back().offset == open.offset) {
          stack.back().attribute = open.attribute;
        } else {
          out.entity(open, "code");
        }
      } else if (open.type == "pre" && !open.attribute.empty()) {
        out.entity(open, "pre", "language", open.attribute);
      } else if (open.type == "blockquote" && open.attribute == "expandable") {
        out.entity(open, "expandable_blockquote");
      } else {
        out.entity(open, open.type);
      }
      continue;
    }
    const std::size_t name_begin = i;
    while (i < text.size() && !is_space(text[i]) && text[i] != '>') ++i;
    if (i >= text.size()) parse_failure("Unclosed start tag" + at_byte(begin));
    const std::string tag = lowered(text.substr(name_begin, i - name_begin));
    const char* type = html_type(tag);
    if (type == nullptr) parse_failure("Unsupported start tag \"" + tag + "\"" + at_byte(begin));
    Open open;
    open.type = type;
    open.argument = tag;
    open.byte = begin;
    open.offset = out.length();
    open.begin = out.text().size();
    for (;;) {
      while (i < text.size() && is_space(text[i])) ++i;
      if (i >= text.size()) parse_failure("Unclosed start tag" + at_byte(begin));
      if (text[i] == '>') break;
      const std::size_t key_begin = i;
      while (i < text.size() && !is_space(text[i]) && text[i] != '=' && text[i] != '>') ++i;
      const std::string key = lowered(text.substr(key_begin, i - key_begin));
      if (key.empty()) {
        parse_failure("Empty attribute name in the tag \"" + tag + "\"" + at_byte(begin));
      }
      while (i < text.size() && is_space(text[i])) ++i;
      std::string value;
      if (i < text.size() && text[i] == '=') {
        ++i;
        while (i < text.size() && is_space(text[i])) ++i;
        if (i >= text.size()) parse_failure("Unclosed start tag" + at_byte(begin));
        if (text[i] == '"' || text[i] == '\'') {
          const char quote = text[i++];
          while (i < text.size() && text[i] != quote) {
            const std::uint32_t code = text[i] == '&' ? html_entity(text, i) : 0;
            if (code != 0) {
              append_utf8(value, code);
            } else {
              value += text[i++];
            }
          }
          if (i >= text.size()) parse_failure("Unclosed start tag" + at_byte(begin));
          ++i;
        } else {
          while (i < text.size() && !is_space(text[i]) && text[i] != '>') value += text[i++];
        }
      } else if (key != "expandable") {
        parse_failure("Expected equal sign in declaration of an attribute of the tag \"" + tag +
                      "\"" + at_byte(begin));
      }
      if (tag == "a" && key == "href") open.attribute = value;
      if (tag == "code" && key == "class" && value.starts_with("language-")) {
        open.attribute = value.substr(9);
      }
      if (tag == "span" && key == "class") open.attribute = value;
      if (tag == "tg-emoji" && key == "emoji-id") open.attribute = value;
      if (tag == "blockquote" && key == "expandable") open.attribute = "expandable";
    }
    ++i;
    if (tag == "span" && open.attribute != "tg-spoiler") {
      parse_failure("Tag \"span\" must have class \"tg-spoiler\"" + at_byte(begin));
    }
    stack.push_back(std::move(open));
  }
  if (!stack.empty()) {
    parse_failure("Can't find end tag corresponding to start tag \"" + stack.back().argument +
                  "\"");
  }
  return out.finish();
}

const std::set<std::string>& entity_types() {
  static const std::set<std::string> kTypes = {"mention",       "hashtag",
                                               "cashtag",       "bot_command",
                                               "url",           "email",
                                               "phone_number",  "bold",
                                               "italic",        "underline",
                                               "strikethrough", "spoiler",
                                               "blockquote",    "expandable_blockquote",
                                               "code",          "pre",
                                               "text_link",     "text_mention",
                                               "custom_emoji",  "date_time"};
  return kTypes;
}

FormattedText check_entities(std::string_view text, const Json& entities, bool strict) {
  if (!entities.is_array())
    throw bad_request("Can't parse entities: Expected an Array of MessageEntity");
  if (entities.size() > 100 && strict) throw bad_request("Entities too long");
  const auto units = static_cast<std::int64_t>(utf16_units(text));
  struct Range {
    std::int64_t begin;
    std::int64_t end;
    std::string type;
  };
  std::vector<Range> ranges;
  for (const Json& entity : entities) {
    const auto refuse = [](const std::string& why) {
      throw bad_request("Can't parse MessageEntity: " + why);
    };
    if (!entity.is_object()) refuse("Expected an Object");
    if (!entity.contains("type") || !entity["type"].is_string())
      refuse("Can't find field \"type\"");
    const std::string type = entity["type"];
    for (const char* field : {"offset", "length"}) {
      if (!entity.contains(field)) refuse("Can't find field \"" + std::string(field) + "\"");
      if (!entity[field].is_number_integer()) {
        refuse("Field \"" + std::string(field) + "\" must be of type Number");
      }
    }
    if (strict) {
      static const std::set<std::string> kKnown = {
          "type",      "offset",          "length", "url", "user", "language", "custom_emoji_id",
          "unix_time", "date_time_format"};
      for (const auto& [key, value] : entity.items())
        if (!kKnown.contains(key)) refuse("Unknown field \"" + key + "\"");
      if (!entity_types().contains(type)) refuse("Unsupported type specified");
      if (entity.contains("url") != (type == "text_link"))
        refuse("Field \"url\" belongs to text_link");
      if (type == "text_link" && !looks_like_link(entity["url"].get<std::string>())) {
        refuse("Wrong url");
      }
    }
    const std::int64_t offset = entity["offset"];
    const std::int64_t length = entity["length"];
    if (offset < 0 || length <= 0 || length > 1'000'000) {
      throw bad_request("Entity has wrong offset " + std::to_string(offset) + " or length " +
                        std::to_string(length));
    }
    if (offset + length > units) {
      throw bad_request("Entity beginning at UTF-16 offset " + std::to_string(offset) +
                        " ends after the end of the text at UTF-16 offset " +
                        std::to_string(offset + length));
    }
    if (!byte_at_utf16(text, offset)) {
      throw bad_request("Entity begins in a middle of a UTF-16 symbol at UTF-16 offset " +
                        std::to_string(offset));
    }
    if (!byte_at_utf16(text, offset + length)) {
      throw bad_request("Entity beginning at UTF-16 offset " + std::to_string(offset) +
                        " ends in a middle of a UTF-16 symbol at UTF-16 offset " +
                        std::to_string(offset + length));
    }
    if (strict) {
      for (const Range& other : ranges) {
        const bool apart = offset >= other.end || offset + length <= other.begin;
        const bool inside = offset >= other.begin && offset + length <= other.end;
        const bool outside = offset <= other.begin && offset + length >= other.end;
        if (!apart && !inside && !outside) {
          throw bad_request("Entities cross at UTF-16 offset " + std::to_string(offset));
        }
        const auto verbatim = [](const std::string& t) { return t == "code" || t == "pre"; };
        if (!apart && (verbatim(type) || verbatim(other.type))) {
          throw bad_request(
              "Entities of type code and pre can't contain or be part of another at UTF-16 "
              "offset " +
              std::to_string(offset));
        }
        if (!apart && type == other.type) {
          throw bad_request("Two entities of type " + type + " overlap at UTF-16 offset " +
                            std::to_string(offset));
        }
      }
    }
    ranges.push_back({offset, offset + length, type});
  }
  FormattedText out;
  out.text = std::string(text);
  out.entities = entities;
  return out;
}

/// Spaces at both ends go; entities move with the text, and those that are left empty go too.
void trim(FormattedText& formatted) {
  std::string& text = formatted.text;
  std::size_t begin = 0;
  while (begin < text.size() && is_space(text[begin])) ++begin;
  std::size_t end = text.size();
  while (end > begin && is_space(text[end - 1])) --end;
  if (begin == 0 && end == text.size()) return;
  text = text.substr(begin, end - begin);
  const auto units = static_cast<std::int64_t>(utf16_units(text));
  Json moved = Json::array();
  for (Json entity : formatted.entities) {
    const std::int64_t from =
        entity["offset"].get<std::int64_t>() - static_cast<std::int64_t>(begin);
    const std::int64_t first = std::max<std::int64_t>(from, 0);
    const std::int64_t last = std::min(from + entity["length"].get<std::int64_t>(), units);
    if (last <= first) continue;
    entity["offset"] = first;
    entity["length"] = last - first;
    moved.push_back(std::move(entity));
  }
  formatted.entities = std::move(moved);
}

}  // namespace

ApiError bad_request(std::string message) {
  const bool keep =
      message.size() > 1 && ((message[1] >= 'A' && message[1] <= 'Z') || message[1] == '_');
  if (!keep && !message.empty() && message[0] >= 'A' && message[0] <= 'Z') {
    message[0] = static_cast<char>(message[0] - 'A' + 'a');
  }
  return ApiError{400, "Bad Request: " + message, nullptr};
}

FormattedText format_text(std::string_view text, std::string_view parse_mode, const Json& entities,
                          bool strict) {
  const std::string mode = lowered(parse_mode);
  FormattedText out;
  if (mode.empty()) {
    if (entities.is_null()) {
      out.text = std::string(text);
    } else {
      out = check_entities(text, entities, strict);
    }
  } else {
    if (strict && !entities.is_null()) {
      throw bad_request("parse_mode and entities can't be combined");
    }
    if (mode == "html") {
      out = parse_html(text, strict);
    } else if (mode == "markdownv2") {
      out = parse_markdown_v2(text);
    } else if (mode == "markdown") {
      out = parse_markdown(text);
    } else {
      throw bad_request("Unsupported parse_mode");
    }
  }
  trim(out);
  return out;
}

void set_caption(Json& message, const FormattedText& caption) {
  message.erase("caption");
  message.erase("caption_entities");
  if (caption.text.empty()) return;
  message["caption"] = caption.text;
  if (!caption.entities.empty()) message["caption_entities"] = caption.entities;
}

Json find_entities(std::string_view text) {
  Json out = Json::array();
  const auto word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' ||
           (static_cast<unsigned char>(c) & 0x80) != 0;
  };
  const auto ascii_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  const auto add = [&](const char* type, std::size_t begin, std::size_t end) {
    out.push_back({{"type", type},
                   {"offset", utf16_units(text.substr(0, begin))},
                   {"length", utf16_units(text.substr(begin, end - begin))}});
  };
  for (std::size_t i = 0; i < text.size();) {
    const bool at_word_start = i == 0 || !(word(text[i - 1]) || text[i - 1] == '/');
    if (!at_word_start) {
      ++i;
      continue;
    }
    const std::string_view rest = text.substr(i);
    std::size_t end = i + 1;
    if (rest.starts_with("http://") || rest.starts_with("https://")) {
      end = i + rest.find("//") + 2;
      const std::size_t host = end;
      while (end < text.size() && !is_space(text[end])) ++end;
      while (end > host &&
             std::string_view(".,;:!?)").find(text[end - 1]) != std::string_view::npos) {
        --end;
      }
      if (end > host) add("url", i, end);
      i = end;
      continue;
    }
    if (rest[0] == '/') {
      while (end < text.size() && ascii_word(text[end])) ++end;
      const std::size_t name = end - i - 1;
      if (end < text.size() && text[end] == '@') {
        std::size_t bot = end + 1;
        while (bot < text.size() && ascii_word(text[bot])) ++bot;
        if (bot - end - 1 >= 3) end = bot;
      }
      const bool ended = end == text.size() || !(word(text[end]) || text[end] == '/');
      if (name >= 1 && name <= 64 && ended) add("bot_command", i, end);
      i = end;
      continue;
    }
    if (rest[0] == '@') {
      while (end < text.size() && ascii_word(text[end])) ++end;
      if (end - i - 1 >= 3) add("mention", i, end);
      i = end;
      continue;
    }
    if (rest[0] == '#') {
      while (end < text.size() && word(text[end])) ++end;
      if (end - i > 1) add("hashtag", i, end);
      i = end;
      continue;
    }
    if (std::isalnum(static_cast<unsigned char>(rest[0])) != 0) {
      while (end < text.size() && (ascii_word(text[end]) || text[end] == '.' || text[end] == '-'))
        ++end;
      if (end < text.size() && text[end] == '@') {
        std::size_t host = end + 1;
        while (host < text.size() &&
               (ascii_word(text[host]) || text[host] == '.' || text[host] == '-')) {
          ++host;
        }
        while (host > end && (text[host - 1] == '.' || text[host - 1] == '-')) --host;
        if (text.substr(end, host - end).find('.') != std::string_view::npos) {
          add("email", i, host);
          i = host;
          continue;
        }
      }
      i = end;
      continue;
    }
    ++i;
  }
  return out;
}

}  // namespace sufler::fakes

#include "interpreter/transports/console/console.h"

#include <optional>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

/// Control characters of a message must not steer the terminal.
void append_visible(std::string& out, std::string_view text, std::string_view line_start) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    const char32_t c = next_code_point(text, i);
    if (c == U'\n') {
      out += '\n';
      out += line_start;
    } else if (c == U'\t' || (c >= 0x20 && c != 0x7F && !(c >= 0x80 && c < 0xA0))) {
      out += text.substr(begin, i - begin);
    }
  }
}

}  // namespace

std::string console_lines(std::string_view who, const Message& message) {
  std::string out(who);
  out += ':';
  std::string_view text;
  const std::string marked = to_markup(message.text);
  text = marked;
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (!text.empty()) {
    out += ' ';
    append_visible(out, text, "  ");
  }
  out += '\n';
  for (const Attachment& file : message.attachments) {
    out += "  @";
    append_visible(out, file.name.empty() ? file.reference : file.name, " ");
    out += '\n';
  }
  for (const auto& row : message.keyboard.rows) {
    if (row.empty()) continue;
    out += ' ';
    for (const Button& button : row) {
      out += " [";
      append_visible(out, button.label, " ");
      out += ']';
    }
    out += '\n';
  }
  return out;
}

ConsoleInput parse_console_line(std::string_view line) {
  ConsoleInput input;
  const std::string_view typed = trim(line);
  if (typed.size() > 2 && typed.front() == '[' && typed.back() == ']') {
    input.kind = ConsoleInput::Kind::Press;
    input.text = trim(typed.substr(1, typed.size() - 2));
    return input;
  }
  if (typed.size() > 1 && typed.front() == '@' && typed[1] != ' ') {
    input.kind = ConsoleInput::Kind::File;
    input.text = typed.substr(1);
    return input;
  }
  if (typed.size() > 1 && typed.front() == '+') {
    if (const std::optional<Duration> by = Duration::parse(typed.substr(1))) {
      input.kind = ConsoleInput::Kind::Clock;
      input.clock = *by;
      return input;
    }
  }
  input.text = line;
  return input;
}

}  // namespace sufler

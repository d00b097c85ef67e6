#include "interpreter/transports/console/console.h"

#include "interpreter/core/rich_text.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

void append_clean(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\n  ";
    } else if (c == '\t' || (byte >= 0x20 && byte != 0x7f)) {
      out += c;
    }
  }
}

}  // namespace

std::string console_lines(std::string_view speaker, const Message& message) {
  std::string out(speaker);
  out += ": ";
  append_clean(out, to_markup(message.text));
  while (out.ends_with(' ') || out.ends_with('\n')) out.pop_back();
  out += '\n';
  for (const Attachment& file : message.attachments) {
    out += "  @";
    append_clean(out, file.name.empty() ? file.reference : file.name);
    out += '\n';
  }
  for (const auto& row : message.keyboard.rows) {
    out += " ";
    for (const Button& button : row) {
      out += " [";
      append_clean(out, button.label);
      out += "]";
    }
    out += '\n';
  }
  return out;
}

ConsoleInput parse_console_line(std::string_view line) {
  const std::string_view text = trim(line);
  ConsoleInput input;
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    input.kind = ConsoleInput::Kind::Press;
    input.text = std::string(trim(text.substr(1, text.size() - 2)));
  } else if (text.size() > 1 && text.front() == '@' && text.find(' ') == std::string_view::npos) {
    input.kind = ConsoleInput::Kind::File;
    input.text = std::string(text.substr(1));
  } else if (text.size() > 2 && text.front() == '+') {
    if (auto clock = Duration::parse(text.substr(1))) {
      input.kind = ConsoleInput::Kind::Clock;
      input.clock = *clock;
    }
  }
  if (input.kind == ConsoleInput::Kind::Text) input.text = std::string(text);
  return input;
}

}  // namespace sufler

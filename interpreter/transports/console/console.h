#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "interpreter/core/message.h"
#include "interpreter/core/moment.h"

/// The terminal as a platform: how a message reads there, and what a typed line means (ARCHITECTURE, `chat`).
namespace sufler {

/// `bot: TEXT`; further lines indented by two spaces, a row of buttons as `  [A] [B]`, a file as `  @name`.
/// Ends with a line end. Control characters are dropped, so that no text can drive the terminal.
std::string console_lines(std::string_view speaker, const Message& message);

struct ConsoleInput {
  enum class Kind : std::uint8_t { Text, Press, File, Clock } kind = Kind::Text;
  std::string text;    ///< the text, the button's label or the file's name
  Duration clock;      ///< `+24h`
};
/// `[Label]` presses a button, `@file` sends a file, `+24h` moves the clock; anything else is said.
ConsoleInput parse_console_line(std::string_view line);

}  // namespace sufler

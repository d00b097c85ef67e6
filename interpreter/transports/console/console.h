#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "interpreter/core/message.h"
#include "interpreter/core/moment.h"

/// The terminal as a platform: how `sufler chat` writes what the bot says and reads what a person types.
namespace sufler {

/// A message as lines, each ended by a line feed:
///
///     bot: TEXT
///       its further lines
///       @price.pdf
///       [Yes] [No]
std::string console_lines(std::string_view who, const Message& message);

struct ConsoleInput {
  enum class Kind : std::uint8_t {
    Text,
    Press,  ///< `[Label]`: `text` is the label
    File,   ///< `@photo.jpg`: `text` is the path
    Clock,  ///< `+24h`: the time moves on by `clock`
  };
  Kind kind = Kind::Text;
  std::string text;
  Duration clock;
};

/// A line without its line feed. What is none of the other kinds is text, as it stands.
ConsoleInput parse_console_line(std::string_view line);

}  // namespace sufler

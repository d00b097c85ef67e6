#pragma once
#include <string>
#include <vector>

#include "interpreter/core/program.h"

/// A dialog as people read it: what `history: true` attaches (LANGUAGE 4).
namespace sufler {

/// One turn, as the journal keeps it: secrets are blotted out by then.
struct JournalLine {
  Moment at;
  std::string event;  ///< of `journal_event_json`
  std::string turn;   ///< of `journal_turn_json`
};

/// One message of a talk, in the words of the scenario's language.
struct Saying {
  enum class Who : std::uint8_t { Bot, Client, Staff } who = Who::Bot;
  std::string name;  ///< what people call them
  std::string day;   ///< `15 марта 2026`
  std::string time;  ///< `12:01`
  std::string text;
  Moment at = {};    ///< not in a letter's order
};
/// The talk message by message, as `transcript` has it; of a long one the last `most`.
std::vector<Saying> sayings(const Program& program, const std::vector<JournalLine>& lines, std::string_view person,
                            std::size_t most = 1000);

/// One line a message, under its day.
std::string as_text(const std::vector<Saying>& said);

/// As much of the end as has room: whole messages, one under another, each day named once. `most` in characters.
std::string last_lines(const std::vector<Saying>& said, std::size_t most, Language language);

/// One line a message, under the day it was written on, in the scenario's language and time zone. `person` is
/// what the person is called; empty: a client. Of a dialog longer than `max_bytes` the end is kept. Lines that
/// cannot be read are passed over.
std::string transcript(const Program& program, const std::vector<JournalLine>& lines, std::string_view person,
                       std::size_t max_bytes = 1024 * 1024);

}  // namespace sufler

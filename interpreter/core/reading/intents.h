#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

/// What a short message wants, when the bot has just asked a yes/no question. Both languages are
/// read at once. Total, as numbers.h.
namespace sufler {

enum class Intent : std::uint8_t {
  Yes,
  No,
  Back,
  Restart,
  Stop,
  Operator,
  Unclear,  ///< hesitation, a condition, a counter-question: ask again
  Other,    ///< no answer to the question at all
};

Intent read_intent(std::string_view text);

/// Back, Restart, Stop or Operator, when that is all that a short message wants. `any_text_answers`: the message may
/// as well be the answer to `Where to?` or `Your profession?`, so a lone `домой` or `директор` is none of them.
/// `asked_yes_no`: `нет, стоп` is then a no, and the stop of whatever other question.
std::optional<Intent> read_control(std::string_view text, bool any_text_answers = false, bool asked_yes_no = true);

/// A firm yes or no; nothing for whatever else, for a consent must not be guessed.
std::optional<bool> read_yes_no(std::string_view text);

}  // namespace sufler

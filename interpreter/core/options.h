#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "interpreter/core/play.h"

/// Buttons: made when they are shown, known again when they are pressed or typed.
namespace sufler {

/// Buttons of the bot's own, behind the author's.
struct OwnButton {
  Phrase label;
  char code;  ///< behind the serial in a payload: letters, where options have digits
  ButtonAction action = ButtonAction::Text;
};

/// The text and files of what is asked; `was` (null: none) is what the person chose before and stands below the text.
/// False after a fault.
bool render_asked(Play& play, const Text& text, const Attach& attach, const RichText* was, Message& message);
/// Labels as shown, and for each what it stands for: the index of an option, or [value] of one made
/// of data. False after a fault.
bool make_options(Play& play, const Buttons& buttons, List& shown, List& values);
/// The keyboard for options made before; `serial` marks the payloads.
Keyboard make_keyboard(Play& play, const Buttons& buttons, const List& shown, const List& values,
                       std::uint64_t serial, const std::vector<OwnButton>& own = {});

std::string label_at(const List& shown, std::size_t position);
/// The option a list of `values` means at `position`; null for one made of data.
const Option* option_at(const Buttons& buttons, const List& values, std::size_t position);
/// Its value: `value:`, the item's value, or the label.
Value value_at(const Buttons& buttons, const List& shown, const List& values, std::size_t position);

/// The label that a text means (LANGUAGE 6): itself, folded, by number, with one typo.
std::optional<std::size_t> find_label(std::string_view text, const List& shown);
/// Only the label itself, folded: for places where other texts are welcome too.
std::optional<std::size_t> find_same_label(std::string_view text, const List& shown);

/// `17:2` or `17:d`.
struct Payload {
  std::uint64_t serial = 0;
  std::optional<std::size_t> position;
  char code = 0;
};
std::optional<Payload> read_payload(std::string_view payload);

/// Buttons in a message that nobody waits at: those of a `notify` go to dialogs that never saw the step, and those
/// of a `say` stay while the dialog goes on. So the payload names the step and its buttons: `@step:option:mark`.
Keyboard make_said_keyboard(Play& play, StepId step, const Buttons& buttons, const List& shown,
                            const List& values);
struct SaidButton {
  StepId step;         ///< a `say` or a `notify` with buttons
  std::size_t option;  ///< behind the step's options: an item of its `from`
};
/// Nothing when no step of this version has these buttons.
std::optional<SaidButton> read_said_payload(const Program& program, std::string_view payload);
/// The buttons of a `say` or a `notify`; null when it has none, or is another step.
const Buttons* said_buttons(const Step& step);

/// For the trace: the way through the option at `position` of a step.
Way way_of_option(StepId step, const Buttons& buttons, const List& values, std::size_t position);

/// Plays what an option leads to, after its `set`.
bool take_option(Play& play, const Option& option);

}  // namespace sufler

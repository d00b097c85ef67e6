#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/event.h"
#include "interpreter/core/program.h"
#include "interpreter/core/value.h"

/// What is remembered of a dialog between two events.
namespace sufler {

/// A person, durable, one for each bot and platform: what `user` is in templates.
struct UserRecord {
  std::string id;
  std::string first_name, last_name, username, language, phone;
  std::string platform;
  Moment created_at;
  ValueMap values;  ///< what the scenario set: `user.vip`
};

/// A list of steps being played.
struct Frame {
  enum class Kind : std::uint8_t { Branch, Steps, Call, Loop, Command };
  Kind kind = Kind::Branch;
  BlockId block;
  std::uint32_t next = 0;   ///< index of the step to play next
  std::uint32_t row = 0;    ///< when that step is an `ask`: position of the question to go on with
  ValueMap locals;          ///< `with` arguments; the loop's variable
  std::string into;         ///< Call: variable that takes what `return` gives
  List items;               ///< Loop
  std::uint32_t item = 0;   ///< Loop: index of the item being played
  bool repeats_wait = false; ///< when it ends, the pending question below is shown again
  bool border = false;       ///< with `repeats_wait`: something was done inside that `back` does not cross
};

/// What the dialog rests at.
struct Waiting {
  enum class For : std::uint8_t { Nothing, Choice, Answer, Confirmation, Pause, Table, People };
  For what = For::Nothing;
  std::uint64_t serial = 0;      ///< carried by buttons and timers of this rest
  StepId step;
  std::uint32_t question = 0;    ///< position in the step's `ask` row
  std::uint32_t attempts = 0;    ///< wrong answers so far
  std::uint32_t reminded = 0;    ///< reminders already shown
  Moment since;                  ///< when it was shown, or last spoken to
  List shown;                    ///< labels as shown, for matching what the person types
  List values;                   ///< the options' values, and their indices for `choose`
  List collected;                ///< files, choices, fragments gathered so far
  Value candidate;               ///< the answer that waits for confirmation
  bool remade = false;           ///< `shown` is of another version: options are looked up by label
};

struct Undo {
  std::string name;
  std::optional<Value> old_value;  ///< nothing: the variable was unset
};
/// A question that `back` can return to.
struct PastQuestion {
  std::vector<Frame> frames;
  StepId step;
  std::uint32_t question = 0;
  std::string label;       ///< of the option taken, when the step is a `choose`
  std::vector<Undo> undo;  ///< what was set since it was asked
};

/// Buttons of a `say`, which nobody waits at: they work for as long as they are seen.
struct Offer {
  StepId step;
  List shown, values;  ///< as in Waiting
};
struct Timer {
  Moment due;
  std::uint64_t serial = 0;  ///< of the rest it belongs to
  friend bool operator==(const Timer&, const Timer&) = default;
};

/// What the person said or pressed, as `message` shows it.
struct Heard {
  std::string text;
  std::vector<Attachment> attachments;
  std::optional<Contact> contact;
  std::optional<Location> location;
  std::string payload, command;
  std::vector<std::string> args;
};
/// Where a dialog stood before a turn moved it: a fault puts it back there.
struct Stand {
  std::vector<Frame> frames;
  Waiting waiting;
  std::vector<Waiting> interrupted;
  std::size_t past = 0;
};
/// What a turn wants done so far (turn.h).
struct HeldEffects;
/// What a turn that waits for a table hands to its next part. Lives only inside the transaction.
struct Midway {
  Heard heard;
  std::uint32_t steps = 0, messages = 0, faults = 0;
  std::uint64_t draws = 0;  ///< of chance
  bool border = false;      ///< something was done that cannot be taken back
  ValueMap shared;          ///< `shared.x` set so far
  std::optional<Stand> stand;
  std::shared_ptr<const HeldEffects> held;
};

struct Silence {
  HandoffId rule;
  Moment since;
  Moment last_message;
};

struct State {
  std::string version;          ///< of the Program that the indices below belong to
  std::uint64_t serial = 0;     ///< of the last rest
  ValueMap variables;
  std::vector<Frame> frames;    ///< outermost first
  Waiting waiting;
  /// Rests that a called command or a fallback interrupted, outermost first.
  std::vector<Waiting> interrupted;
  std::vector<PastQuestion> past;
  std::optional<Silence> silence;
  std::map<std::string, Timer> timers;  ///< set and not yet due, by name
  std::optional<Offer> offer;         ///< of the keyboard under the input line
  std::optional<Offer> inner_offer;   ///< the newest inside a message: its labels can be typed, too
  std::vector<std::string> secrets;  ///< variables that hold answers to secret questions
  std::string album;                 ///< the last album that was dealt with: its further parts are not heard
  bool keyboard_shown = false;       ///< a reply keyboard stands under the person's input line
  bool unreachable = false;
  BranchId resume_at;                ///< its place is gone: the next message starts this branch
  std::optional<Midway> midway;      ///< set while `waiting` is at Table; not stored
};

/// Compact JSON. Places are written by name and index both, so that a state can be read with another
/// version of the scenario: `from_json` resolves it (LANGUAGE 11) and says so in `relocated`.
std::string to_json(const State& state, const Program& program);
struct Relocation {
  bool moved = false;
  std::string from, to;
};
bool from_json(std::string_view json, const Program& program, State& state, Relocation* relocated);

/// `branch/question` where the dialog rests; `none` when it rests nowhere (LANGUAGE 11, 12).
std::string place_of(const State& state, const Program& program);

}  // namespace sufler

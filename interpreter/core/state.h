#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/assistants/memory.h"
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
  /// Of the `ask` being played: up to here questions that have an answer keep it; a new version asks others again.
  std::uint32_t answered = 0;
};

/// What the dialog rests at.
struct Waiting {
  enum class For : std::uint8_t { Nothing, Choice, Answer, Confirmation, Pause, Table, People, Desk, Job,
    Talk,  ///< the next message goes to an assistant
  };
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
  Value candidate;               ///< the answer that waits for confirmation; of a job that a command put aside, its outcome
  bool remade = false;           ///< `shown` is of another version: options are looked up by label
  /// What a new version made of the question since the person last saw it; settled within the turn that finds it.
  enum class News : std::uint8_t {
    None,
    Changed,  ///< what stands before the person does not fit it any more
    Other,    ///< it is another question than the one before the person
  } news = News::None;
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
/// Timers of `schedule`: this and the name.
inline constexpr std::string_view kScheduleTimer = "schedule:";
inline bool is_schedule_timer(std::string_view name) { return name.starts_with(kScheduleTimer); }

struct Timer {
  Moment due;
  std::uint64_t serial = 0;  ///< of the rest it belongs to
  friend bool operator==(const Timer&, const Timer&) = default;
};

/// What the person said or pressed, as `message` shows it.
struct Heard {
  bool unclaimed = false;  ///< neither a command nor an answer: nobody has dealt with it
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
/// What reading the state of another version found; the turn that follows acts on it (takeover.cpp).
struct Takeover {
  std::string from, to;    ///< the place is gone: where the dialog goes instead; both empty when it is still there
  std::uint64_t expected = 0;  ///< what the place accepted (expects.h); 0: not known
  std::uint64_t row = 0;       ///< the same of the questions before it in its row
  struct Below {
    std::uint64_t expected = 0, row = 0;
  };
  std::vector<Below> interrupted;      ///< the same by interrupted rest
  std::map<std::string, Timer> timers; ///< as they were
  std::string silence, relay;          ///< the rule that is gone while people talk by it
  std::size_t lost_callers = 0;        ///< branches on the stack that are gone
  std::string goes_on_at;              ///< all are: the branch that begins instead
  struct LostRest {
    std::string place, to;
  };
  std::vector<LostRest> lost_rests;    ///< interrupted places that are gone, and the branch that begins instead
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

/// People talk with the person through the bot (`mode: relay`); the rest is at Waiting::For::Desk.
struct Relay {
  HandoffId rule;
  std::int64_t ticket = 0;   ///< id; 0: the client's name is asked for, or the desk's answer is awaited
  std::int64_t number = 0;
  std::string agent;         ///< name; empty: in the queue
  std::int64_t position = 0; ///< in the queue when it was joined
  std::optional<Duration> wait;  ///< estimated then
  std::uint64_t serial = 0;      ///< of the rest: its timers carry it
  Moment since;
  bool greeted = false;          ///< the client knows that somebody is there
  Moment reminded, reassigned;   ///< the unanswered message because of which the agent was
  std::vector<UserMessage> said; ///< before there was a ticket
};
/// The ticket that ended last: its rating may still come.
struct PastTicket {
  std::int64_t ticket = 0;
  std::int64_t number = 0;
  std::string agent;
  HandoffOutcome outcome = HandoffOutcome::Closed;
  bool may_rate = false;    ///< by the buttons
  bool may_type = false;    ///< the next message may be the rating
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
  std::optional<Relay> relay;
  std::optional<PastTicket> past_ticket;
  std::map<std::string, Timer> timers;  ///< set and not yet due, by name
  /// Branches that begin later (`schedule`), by name; the timer `schedule:NAME` says when. They live on whatever the
  /// dialog does.
  std::map<std::string, std::string> scheduled;
  /// In a schedule's own dialog: the time that its run is for, and what it has waited since; 0: there is no run.
  Moment run_of;
  /// Of jobs that ended while nobody wrote, pressed and no clock struck: a circle of them is stopped (jobs.cpp).
  std::uint32_t jobs_in_a_row = 0;
  /// What the person wrote while a job was under way: heard behind it, oldest first.
  std::vector<UserMessage> kept;
  Assisted assisted;            ///< what assistants remember
  std::optional<Offer> offer;         ///< of the keyboard under the input line
  std::optional<Offer> inner_offer;   ///< the newest inside a message: its labels can be typed, too
  std::vector<std::string> secrets;  ///< variables that hold answers to secret questions
  std::string album;                 ///< the last album that was dealt with: its further parts are not heard
  bool keyboard_shown = false;       ///< a reply keyboard stands under the person's input line
  bool unreachable = false;
  /// It came to another version, and the journal has no line of that: the next line tells the state, so that the
  /// talk can be played again (interpreter/runtime/turn_record.h).
  bool moved_silently = false;
  BranchId resume_at;                ///< its place is gone: the next message starts this branch
  std::optional<Midway> midway;      ///< set while `waiting` is at Table; not stored
  std::optional<Takeover> takeover;    ///< read from another version and not yet acted on; not stored
};

/// Compact JSON. Places are written by name and index both, so that a state can be read with another
/// version of the scenario: `from_json` resolves it (LANGUAGE 11), says so in `relocated`, and leaves what there is
/// to do about it in `state.takeover`: the next `step()` does it, or `move_to_version` (step.h) without an event.
std::string to_json(const State& state, const Program& program);
struct Relocation {
  bool other_version = false;  ///< the state was of another version
  bool moved = false;          ///< and its place is gone
  std::string from, to;
};
bool from_json(std::string_view json, const Program& program, State& state, Relocation* relocated);

/// What a look at many stored states needs: no Program, and the rest is passed over.
struct StoredAnswers {
  std::string version;
  ValueMap variables;
  std::uint64_t expected = 0;  ///< what its place accepted (expects.h); 0: not known
};
bool read_answers(std::string_view json, StoredAnswers& answers);

/// The same: whether a person can be written to.
struct Standing {
  bool unreachable = false;
  bool at_desk = false;
  std::string silent_by;  ///< the rule that people have the dialog by; empty: none
  Moment last_message;    ///< in that silence
};
bool read_standing(std::string_view json, Standing& standing);
/// Whether people have the dialog at this moment: silence that has lapsed is over.
bool with_people(const Standing& standing, const Program& program, Moment now);

/// The rule's silence lasts until somebody writes long enough behind the last message; until then it is over in fact.
bool is_silence_on(const HandoffRule& rule, Moment last_message, Moment now);

/// What comes by itself is waited for, and not what somebody may do.
constexpr bool comes_by_itself(Waiting::For what) { return what == Waiting::For::Job || what == Waiting::For::Pause; }

/// The same of a dialog that has nobody in it: what its run waits for.
struct RunRest {
  bool under_way = false;     ///< it goes on by itself
  std::optional<Moment> due;  ///< then, unless something else comes first
  bool pending = false;       ///< a branch is scheduled in it
};
bool read_run_rest(std::string_view json, RunRest& rest);

/// `branch/question` where the dialog rests; `none` when it rests nowhere (LANGUAGE 11, 12).
std::string place_of(const State& state, const Program& program);

}  // namespace sufler

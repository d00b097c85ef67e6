#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "interpreter/core/event.h"
#include "interpreter/core/program.h"
#include "interpreter/core/state.h"
#include "interpreter/core/trace.h"

/// What a turn gives: what to remember and what to do.
namespace sufler {

/// What becomes of a send whose answer was lost (ARCHITECTURE, invariant 4).
enum class ResendPolicy : std::uint8_t { Repeat, Never };

struct SendMessage {
  Message message;
  ResendPolicy resend = ResendPolicy::Repeat;
};
/// To every member of a role, or to one person of this bot by id on the dialog's platform, or to one chat.
struct NotifyPeople {
  std::string role;
  std::string user_id;
  ChatAddress address = {};  ///< when its `chat_id` is set, neither role nor person is looked at
  Message message;
  bool history = false;  ///< adds the transcript as a file
};
/// Every press wants an answer, or the person sees a spinner.
struct AnswerPress {
  std::string press_id;
  std::string text;  ///< shown as a short notice; may be empty
};
struct SetTimer {
  std::string name;
  Moment due;
  std::uint64_t serial = 0;
};
struct CancelTimer {
  std::string name;
};
struct WriteLog {
  std::string text;
};
struct TrackEvent {
  std::string name;
};
/// The scenario asked for something impossible (a null in arithmetic, too many steps …).
struct ReportFault {
  std::string reason;  ///< English, for the log
  SourceSpan span;
};
/// The line for the log when something of a dialog did not simply stay in the new version (LANGUAGE 11).
struct Relocated {
  std::string from, to;   ///< places; the same when it is still there
  std::string line = {};  ///< what happened, English; no values of answers
};
/// What a client's turn wants of the desk.
struct DeskOrder {
  enum class What : std::uint8_t {
    Relay,     ///< `message` goes to the agent, now or when there is one
    Close,     ///< with `outcome`
    Assign,    ///< the desk has opened, or another try is due
    Remind,    ///< the agent is asked to answer
    Reassign,  ///< the agent does not answer: somebody else gets it
    Rate,      ///< with `rating`, once
  } what = What::Relay;
  std::int64_t ticket = 0;
  HandoffOutcome outcome = HandoffOutcome::Closed;
  std::int64_t rating = 0;
  UserMessage message = {};
};
/// Work outside of every transaction (invariant 6). Its result comes as a JobDone with this serial.
struct StartJob {
  std::string service;  ///< who does it: `run`
  std::string name;     ///< what of it: the program
  std::string request;  ///< JSON, an object
  std::uint64_t serial = 0;  ///< 0: nobody waits for what comes of it
  /// The talk so far is added to the request when it is stored: message by message, or as a text of its last lines.
  enum class Talk : std::uint8_t { None, Sayings, Lines } talk = Talk::None;
  std::size_t talk_room = 0;  ///< of Lines: so many characters
};
/// The dialog has gone elsewhere: nobody waits for the result.
struct CancelJob {
  std::uint64_t serial = 0;
};
/// The order becomes a row of its own with this turn (core/broadcast.h).
struct BeginBroadcast {
  std::string name;   ///< one of this name that is under way already goes on, and this one does not begin; may be empty
  std::string order;  ///< JSON of BroadcastOrder
};
using Effect = std::variant<SendMessage, NotifyPeople, AnswerPress, SetTimer, CancelTimer, WriteLog,
                            TrackEvent, ReportFault, Relocated, DeskOrder, StartJob, CancelJob, BeginBroadcast>;

/// Effects of a turn that waits for a table, kept back until it ends: a later message may change how the buttons
/// of an earlier one are shown.
struct HeldEffects {
  std::vector<Effect> effects;
  std::optional<std::size_t> said_keyboard;  ///< position of the message that a `say` put a keyboard under
  bool keyboard_below = false;               ///< another keyboard was there before it
};

// ---- table operations: the shell does them inside the turn's transaction and goes on with a TableAnswer

struct Condition {
  std::string column;
  std::string op;  ///< == != < <= > >=, `in` with a list, `like` with a text or a list of them for a column of texts
  Value value;
};
struct InsertRow {
  TableId table;
  ValueMap values;
};
struct FindRows {
  TableId table;
  std::vector<Condition> conditions;  ///< all must hold
  std::vector<SortKey> sort;
  std::optional<std::int64_t> limit;
};
struct CountRows {
  TableId table;
  std::vector<Condition> conditions;
};
struct UpdateRows {
  TableId table;
  std::vector<std::pair<std::int64_t, ValueMap>> rows;  ///< id → new values of some columns
};
struct DeleteRows {
  TableId table;
  std::vector<std::int64_t> ids;
};
using TableRequest = std::variant<InsertRow, FindRows, CountRows, UpdateRows, DeleteRows>;

// ---- what is asked of the desk, in the same way; a DeskAnswer comes back

struct OpenTicket {
  HandoffId rule;
  std::string client_name;
  bool assign = true;             ///< false: outside the hours, so it only waits
  std::vector<UserMessage> said;  ///< what the client wrote before, and nobody answered
};
struct LookAtTicket {
  std::int64_t ticket = 0;
};
using DeskRequest = std::variant<OpenTicket, LookAtTicket>;

struct Turn {
  State next;
  UserRecord user;             ///< as it is now
  bool user_changed = false;
  ValueMap shared_changes;     ///< `shared.x` that were set; null removes
  std::vector<Effect> effects; ///< in order
  /// Set when the turn cannot go on without the database: do it and call step() with a TableAnswer.
  std::optional<TableRequest> asks;
  /// The same of the desk, with a DeskAnswer. At most one of the two is set.
  std::optional<DeskRequest> asks_desk;
  /// The job is done and messages were kept: call step() with HearKept, as a turn of its own, before any other event
  /// of the dialog.
  bool hears_kept = false;
  /// The dialog arrived in this version, and the move itself asks something: the event was not heard. Let the Turn end
  /// without it, then call step() with it again, as a turn of its own.
  bool unheard = false;
  /// What was visited, in order. Only filled when the caller wants it (Surroundings::trace).
  Trace trace;
  bool read_shared = false;  ///< the turn looked at `shared`: it is the same only with the same
  bool read_now = false;     ///< the same of `Surroundings::now`
  /// Answers to secret questions as texts, the longest first: what the journal and the log must not show.
  std::vector<std::string> secrets;
};

/// The journal's lines: compact JSON. Answers to secret questions and arguments of secret commands are
/// blotted out; `before` is the state the event met.
std::string journal_event_json(const Event& event, const State& before, const Program& program);
std::string journal_turn_json(const Turn& turn);

}  // namespace sufler

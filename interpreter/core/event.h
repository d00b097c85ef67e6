#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "interpreter/core/message.h"
#include "interpreter/core/moment.h"
#include "interpreter/core/value.h"

/// What happens to a dialog, in no platform's words.
namespace sufler {

/// A chat on a platform. In a private chat `chat_id` is the person's own id; a topic of a group is written
/// `GROUP#TOPIC`.
struct ChatAddress {
  std::string transport;  ///< `telegram`, `vk`, `console`
  std::string chat_id;
  friend bool operator==(const ChatAddress&, const ChatAddress&) = default;
  auto operator<=>(const ChatAddress&) const = default;
};

/// Of a `chat_id`: the group that a topic is in, or the chat itself.
inline std::string_view group_of(std::string_view chat_id) { return chat_id.substr(0, chat_id.find('#')); }
/// Of a `chat_id`: the topic, empty when it names none.
inline std::string_view topic_of(std::string_view chat_id) {
  const std::size_t sign = chat_id.find('#');
  return sign == std::string_view::npos ? std::string_view() : chat_id.substr(sign + 1);
}

/// A person as the platform tells about them.
struct Person {
  std::string id;
  std::string first_name, last_name, username;
  std::string language;  ///< IETF tag, may be empty
  bool is_bot = false;
};

struct Contact {
  std::string phone;
  std::string first_name, last_name;
  bool own = false;  ///< the sender's own number
};
struct Location {
  Decimal latitude, longitude;
};

/// A person wrote. Any part may be absent.
struct UserMessage {
  std::string message_id;
  std::string text;
  std::vector<Attachment> attachments;
  std::optional<Contact> contact;
  std::optional<Location> location;
  std::string album;    ///< platform's id of the album this is a part of; empty when alone
  bool edited = false;  ///< a new version of an earlier message
  std::string reply_to = {};  ///< id of the message it answers, as `Outcome::message_id` names it; may be empty
};
/// A person pressed an inline button.
struct ButtonPress {
  std::string press_id;    ///< for the answer to the press
  std::string message_id;  ///< of the message with the button; may be empty
  std::string payload;
};
/// A timer of the dialog came due. Stale ones (other `serial`) change nothing.
struct TimerDue {
  std::string name;
  std::uint64_t serial = 0;
};
/// A person of the community wrote in the dialog.
struct StaffMessage {
  std::string text;
  std::string staff_id;
  std::string name = {};  ///< as the journal shows them; may be empty
  std::vector<Attachment> attachments = {};
};
/// A person of a role wrote the word that wakes the bot from their own chat: `/bot_on 15`, or as a reply to a
/// notice. Played in the dialog that was meant; when none could be told, in the person's own.
struct StaffCall {
  enum class Meant : std::uint8_t { Dialog, Nobody, Several, Unnamed } meant = Meant::Dialog;
  std::string word;   ///< folded, of the rule
  std::string staff_id;
  ChatAddress from;   ///< where the person reads the answer
};
/// What the desk answers to a turn that asked it (turn.h).
struct DeskAnswer {
  enum class Kind : std::uint8_t {
    Assigned,  ///< an agent has the ticket
    Queued,    ///< it waits, or is offered to agents
    NoAgents,  ///< nobody is registered; there is no ticket
    Closed,    ///< it has ended meanwhile
  } kind = Kind::Queued;
  std::int64_t ticket = 0;    ///< id
  std::int64_t number = 0;    ///< as people know it
  std::string agent;          ///< name; empty while nobody has it
  std::int64_t position = 0;  ///< in the queue, from 1
  std::optional<Duration> wait;  ///< estimated; none when nothing is known yet
  Moment unanswered_at;  ///< the client's first message behind the last answer; 0: all are answered
  Moment last_at;        ///< anyone wrote last
};
/// Something became of the client's ticket that the client did not do.
struct TicketNews {
  enum class What : std::uint8_t { Assigned, Queued, Closed, Rejected } what = What::Closed;
  std::int64_t ticket = 0;
  std::string agent;  ///< who has it now
  struct Said {
    bool by_agent = false;
    std::string text;
  };
  std::vector<Said> said = {};  ///< Closed, Rejected: the last of the talk, for assistants that go on with it
};
/// What became of a message that carried a line of a ticket: for the desk, and for no dialog.
struct Delivery {
  std::int64_t ticket_message = 0;
  ChatAddress chat;          ///< where it was to go
  std::string topic;         ///< it made a topic: the topic's id; empty otherwise
  bool unreachable = false;  ///< not delivered: the person there blocked the bot
  bool topic_gone = false;   ///< not delivered: the topic is no more
  std::string reason;        ///< not delivered: why
};
/// An operator's command changed a desk, and the rest is the desk's to do; for no dialog.
struct DeskChange {
  enum class What : std::uint8_t {
    AgentRemoved,  ///< `id` is the agent's: others get their tickets
    TicketWaits,   ///< `id` is the ticket's: its agent was erased
  } what = What::AgentRemoved;
  std::int64_t id = 0;
};
/// The person can, or can no longer, be written to.
struct Reachability {
  bool reachable = true;
};
/// What a table operation gave: rows for Find; one row for Save (with its system columns);
/// a number for Count, Update and Delete.
struct TableAnswer {
  List rows;                ///< of maps
  std::int64_t count = 0;
  std::string error;        ///< not empty: the operation failed, in English for the log
};
/// The person wrote more than one may at once: they are told, and what they write is passed over for a while.
struct TooMany {};
/// The turn before failed for good: the person gets `on_error`, the dialog lives on (invariant 5).
struct TurnFailed {
  std::string reason;
  std::uint64_t rest = 0;  ///< serial of the rest that it was to end (a wait, a job): nothing else ends it now
};
/// What came of a job that the dialog waits for (invariant 6). One that no rest waits for any more changes nothing.
struct JobDone {
  std::uint64_t serial = 0;  ///< of the rest
  Value result;
  std::string error = {};    ///< not empty: there is no result, in English
};
/// The oldest message of those that a job kept waiting is heard now (turn.h, `hears_kept`).
struct HearKept {};
/// The scenario's `schedules` begin a branch here.
struct ScheduleDue {
  std::string schedule;
  std::string branch;          ///< by name: it may be played by another version than the one that wrote it
  bool alone = false;          ///< the dialog is the schedule's own, there is no person
  std::string resting_in = {}; ///< only while the dialog rests in this branch; empty: wherever it is
  Moment unchanged_since = {}; ///< only when nothing has happened in it since then; 0: whatever has
  Moment due = {};             ///< the schedule's own time, which may be long past; 0: not known
};
/// A broadcast has come to this dialog.
struct BroadcastDue {
  std::int64_t id = 0;
  std::string name;
  std::string branch;  ///< is played, by name; empty: `text` is said
  ValueMap with = {};
  std::string text;    ///< a template, which sees `values` before all else
  ValueMap values = {};
  std::vector<Attachment> files = {};
};
/// The one that a turn of this dialog began is over.
struct BroadcastEnded {
  std::string name;
  std::int64_t people = 0, sent = 0, failed = 0, left_out = 0;
  bool stopped = false;  ///< by an operator
};
/// Something happened outside that the scenario's `events` name, and a branch begins here.
struct Happened {
  std::string event;   ///< its name in the scenario
  std::string branch;  ///< by name, as in ScheduleDue
  Value data;          ///< `event.json`
  bool alone = false;  ///< the dialog is the event's own, there is no person
};
/// What amoCRM tells of the dialog's lead or chat.
struct CrmNews {
  enum class What : std::uint8_t {
    Wrote,   ///< a manager, in the chat
    Staged,  ///< the lead came to a stage
    Closed,  ///< the talk was closed
  } what = What::Wrote;
  std::string id;        ///< of the message, as amoCRM names it
  std::string text;
  std::vector<Attachment> attachments = {};
  std::string manager;   ///< name; may be empty
  std::string stage, pipeline;  ///< names; Staged
};
/// The platform of dialogs that are a schedule's own: no transport has this name.
inline constexpr std::string_view kScheduleTransport = "schedule";

struct Event {
  Moment at;               ///< when it happened; the only clock of step()
  std::uint64_t seed = 0;  ///< the only chance of step()
  std::variant<UserMessage, ButtonPress, TimerDue, StaffMessage, Reachability, TableAnswer, TurnFailed, StaffCall,
               TooMany, DeskAnswer, TicketNews, Delivery, DeskChange, JobDone, HearKept, ScheduleDue, BroadcastDue, BroadcastEnded,
               Happened, CrmNews>
      what;
};

std::string to_json(const Event& event);
bool from_json(std::string_view json, Event& event);

}  // namespace sufler

#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "interpreter/core/message.h"
#include "interpreter/core/moment.h"
#include "interpreter/core/value.h"

/// What happens to a dialog, in no platform's words.
namespace sufler {

/// A chat on a platform. In a private chat `chat_id` is the person's own id.
struct ChatAddress {
  std::string transport;  ///< `telegram`, `vk`, `console`
  std::string chat_id;
  friend bool operator==(const ChatAddress&, const ChatAddress&) = default;
  auto operator<=>(const ChatAddress&) const = default;
};

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
};
/// A person of a role wrote the word that wakes the bot from their own chat: `/bot_on 15`, or as a reply to a
/// notice. Played in the dialog that was meant; when none could be told, in the person's own.
struct StaffCall {
  enum class Meant : std::uint8_t { Dialog, Nobody, Several, Unnamed } meant = Meant::Dialog;
  std::string word;   ///< folded, of the rule
  std::string staff_id;
  ChatAddress from;   ///< where the person reads the answer
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
};

struct Event {
  Moment at;               ///< when it happened; the only clock of step()
  std::uint64_t seed = 0;  ///< the only chance of step()
  std::variant<UserMessage, ButtonPress, TimerDue, StaffMessage, Reachability, TableAnswer, TurnFailed, StaffCall,
               TooMany>
      what;
};

std::string to_json(const Event& event);
bool from_json(std::string_view json, Event& event);

}  // namespace sufler

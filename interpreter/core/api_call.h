#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "interpreter/core/event.h"
#include "interpreter/core/message.h"

/// What passes between the runtime and the transports: neither may include the other.
namespace sufler {

/// One update of a platform, understood.
struct Incoming {
  std::string id;        ///< unique by bot and transport; a repeated one changes nothing
  ChatAddress chat;      ///< of what was said in a topic, the group
  std::string topic = {};  ///< `chat.chat_id#topic` is where it was said; empty outside topics
  Person person;
  bool is_private = true;
  Event event;           ///< `at` is filled by the transport, `seed` by the runtime
};

/// A file that goes with a call, under a field of its body.
struct FilePart {
  std::string field;
  Attachment file;
};

/// One request to a platform, ready to be made: what an outbox row holds. A message already in the outbox
/// goes out as it was written, whatever becomes of the scenario.
struct ApiCall {
  std::string method;
  std::string body;              ///< JSON of the parameters
  std::vector<FilePart> files;   ///< to upload, or to name by id when the platform already has them
  bool ordered = true;           ///< waits for earlier calls to the same chat
  bool expendable = false;       ///< failing is no loss: an answer to a press, "typing"
  Duration hold;                 ///< the chat rests so long after this call ("typing: 2s")
  /// The same for every attempt, unlike any other call's: what a platform tells repeats by (VK's `random_id`).
  /// Positive; 0 until the call is stored.
  std::int32_t repeat_key = 0;
};

/// What became of a call.
struct Outcome {
  enum class Kind : std::uint8_t {
    Sent,
    Retry,    ///< certainly not done: try again after `after`
    Unknown,  ///< perhaps done: the answer was lost
    Failed,   ///< refused for good
  };
  Kind kind = Kind::Sent;
  std::string message_id;        ///< of what was sent; may be empty
  Duration after;                ///< Retry: not before
  bool whole_bot = false;        ///< Retry: every chat of the bot on the platform waits
  bool unreachable = false;      ///< Failed: the person blocked the bot, or is gone
  bool topic_gone = false;       ///< Failed: the topic of the group was deleted
  std::string moved_to;          ///< Retry: the chat's new id
  std::string reason;            ///< never holds a token
  std::vector<std::string> further_ids = {};  ///< of the other messages that one call sent: an album
};

}  // namespace sufler

#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/message.h"
#include "interpreter/core/moment.h"

namespace sufler::amocrm {

/// What the chats of amoCRM tell us (version 2): a manager wrote, or something that needs nothing done.
struct ChatHook {
  enum class Kind : std::uint8_t {
    Message,
    Comment,     ///< an answer below a post, not in a chat
    Typing,
    Reaction,
    OldVersion,  ///< of hooks: the channel was connected with version 1
    Unknown,
  } kind = Kind::Unknown;
  std::string account;           ///< amojo id
  std::string message;           ///< id, theirs
  std::string conversation;      ///< id, theirs
  std::string our_conversation;  ///< id, ours; empty when the manager writes first
  std::string client, phone;     ///< theirs; may be empty
  std::string sender, manager;   ///< id and name; the name may be empty
  std::string text;              ///< with what its buttons say
  std::vector<Attachment> attachments;  ///< of the origin kCrmTransport, by their addresses
  Moment at;                     ///< 0: not told
};
/// Nothing when it is no JSON object.
std::optional<ChatHook> decode_chat_hook(std::string_view body);

/// A page of a chat's history.
struct ChatHistory {
  std::vector<ChatHook> managers;  ///< what managers wrote, oldest first
  std::size_t count = 0;           ///< of all messages, ours too
  Moment oldest;                   ///< of all; 0: the page is empty
};
/// `conversation`: whose it is, by its id there; `bot_id`: of the channel's bot, may be empty. Nothing when it is none.
std::optional<ChatHistory> decode_chat_history(std::string_view body, const std::string& conversation, std::string_view bot_id);

}  // namespace sufler::amocrm

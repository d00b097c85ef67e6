#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/api_call.h"

/// Messages as calls of the Bot API. Pure: it runs inside the turn's transaction.
namespace sufler::telegram {

inline constexpr std::size_t kTextUnits = 4096;
inline constexpr std::size_t kCaptionUnits = 1024;
inline constexpr std::size_t kAlbumFiles = 10;
inline constexpr std::size_t kPayloadBytes = 64;

/// The calls that send `message` to a chat, in order.
///
/// Text goes as plain text with `entities`, never with a `parse_mode`: nothing that a person typed can turn
/// into markup or an error. A file is named in the body as `attach://FIELD` and described by the FilePart of
/// that field; whether it travels as bytes or as a file id is settled when the call is made.
///
/// `chat_id` may name a topic (`GROUP#TOPIC`). What the message answers goes with the first part of it, and a message
/// that is gone by then is not waited for.
std::vector<ApiCall> render(std::string_view chat_id, const Message& message);

ApiCall render_press_answer(std::string_view press_id, std::string_view text);

/// Makes a topic in a group; a title has 128 characters at most.
ApiCall render_topic(std::string_view chat_id, std::string_view title);
/// Closes or reopens the topic that `chat_id` names; without a method when it names none.
ApiCall render_topic_state(std::string_view chat_id, bool open);

/// "typing", which Telegram shows for 5 s.
ApiCall render_typing(std::string_view chat_id);
/// A text that grows: as a new message, or in the place of what `message_id` said.
ApiCall render_growing(std::string_view chat_id, std::string_view text, std::string_view message_id);
/// What `call` would send, as the last form of a message that said `text`. Without a method when an edit cannot say it: it
/// begins otherwise, answers a message, or has a keyboard that stands below the chat.
ApiCall render_grown(const ApiCall& call, std::string_view text, std::string_view message_id);
ApiCall render_removal(std::string_view chat_id, std::string_view message_id);

/// Appends a chat id as the API takes it: a number, or a `"@name"`.
void append_chat_id(std::string& out, std::string_view chat_id);

}  // namespace sufler::telegram

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
std::vector<ApiCall> render(std::string_view chat_id, const Message& message);

ApiCall render_press_answer(std::string_view press_id, std::string_view text);

/// Appends a chat id as the API takes it: a number, or a `"@name"`.
void append_chat_id(std::string& out, std::string_view chat_id);

}  // namespace sufler::telegram

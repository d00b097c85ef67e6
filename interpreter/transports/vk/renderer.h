#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/api_call.h"

/// Messages as calls of VK's API. Pure: it runs inside the turn's transaction.
namespace sufler::vk {

/// VK counts characters; UTF-16 units are never fewer, so a part of this size fits in either reading.
inline constexpr std::size_t kTextUnits = 4096;
inline constexpr std::size_t kMessageFiles = 10;
inline constexpr std::size_t kColumns = 5;
inline constexpr std::size_t kReplyRows = 10;
inline constexpr std::size_t kReplyButtons = 40;
inline constexpr std::size_t kInlineRows = 6;
inline constexpr std::size_t kInlineButtons = 10;

/// The calls that send `message` to a dialog, in order. The body of a call is a JSON object of the
/// method's parameters, nested ones as they are; files go in `files` and are named in the body only when
/// the call is made.
///
/// What VK lacks:
/// - Code is plain text; bold, italic and links travel as `format_data`, which old clients do not show.
/// - Nothing in a text becomes a mention: `[id1|Anna]` gets a zero-width joiner after its bracket, and
///   mentions are switched off besides.
/// - Files have no captions: they stand below the text, one a paragraph. Beyond ten files a further message
///   follows.
/// - A request for the contact has no button, the person types the number. A link that is not of the web
///   is a line of the text.
/// - The message that is answered goes as `reply_to`, or as a `forward` where only its number in the dialog is known;
///   with the first message when there are several.
/// - A label beyond 40 code points is shown cut; the whole one goes in the payload.
/// - A keyboard is laid out anew where it is wider than 5 or higher than 10 rows (6 inside a message). Of
///   more than 40 ordinary buttons the middle ones are lines of the text, to be typed. More than 10 buttons
///   inside a message go on in further messages.
std::vector<ApiCall> render(std::string_view peer_id, const Message& message);

/// "typing", which VK shows for some seconds.
ApiCall render_typing(std::string_view peer_id);

ApiCall render_press_answer(std::string_view press_id, std::string_view text);

}  // namespace sufler::vk

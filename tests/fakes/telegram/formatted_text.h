#pragma once
#include <string>
#include <string_view>

#include "fakes/common/api_error.h"

namespace sufler::fakes {

/// `Bad Request: ` and the message with its first letter lowered as the real server does it:
/// not when the second character is an upper-case letter or `_`.
[[nodiscard]] ApiError bad_request(std::string message);

struct FormattedText {
  std::string text;  ///< after parsing and trimming
  Json entities = Json::array();
};

/// Parses `text` by `parse_mode`, or checks `entities` (an array or null) against it, then trims.
/// In strict mode also refuses what the server would silently repair: crossing entities, a bare
/// `&`. Throws ApiError.
FormattedText format_text(std::string_view text, std::string_view parse_mode, const Json& entities,
                          bool strict);

/// Makes it the caption of a message, or takes the caption away when it is empty.
void set_caption(Json& message, const FormattedText& caption);

/// Finds what a client marks by itself in a user's text: commands, mentions, hashtags, links, mail.
Json find_entities(std::string_view text);

}  // namespace sufler::fakes

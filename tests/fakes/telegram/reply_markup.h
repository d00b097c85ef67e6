#pragma once
#include "fakes/telegram/formatted_text.h"

namespace sufler::fakes {

enum class MarkupKind { None, Inline, Reply, Remove, ForceReply };

struct ReplyMarkup {
  MarkupKind kind = MarkupKind::None;
  /// The markup with every button as an object; null for None.
  Json json = nullptr;
};

/// Checks a `reply_markup` value (null when the parameter was absent). Throws ApiError.
ReplyMarkup check_reply_markup(const Json& markup, bool private_chat, bool strict);

/// http, https, tg and the rest that a button or a link may hold.
bool is_button_url(std::string_view url);

}  // namespace sufler::fakes

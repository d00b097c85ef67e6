#include "fakes/telegram/reply_markup.h"

#include <set>

#include "fakes/common/bytes.h"

namespace sufler::fakes {
namespace {

using Names = std::set<std::string>;

void known_fields(const Json& object, const Names& names, const char* what) {
  for (const auto& [key, value] : object.items()) {
    if (!names.contains(key)) {
      throw bad_request(std::string("Can't parse ") + what + ": unknown field \"" + key + "\"");
    }
  }
}

const Json& rows_of(const Json& markup, const char* field) {
  const Json& rows = markup[field];
  if (!rows.is_array()) {
    throw bad_request("Field \"" + std::string(field) + "\" must be of type Array");
  }
  for (const Json& row : rows) {
    if (!row.is_array()) {
      throw bad_request("Field \"" + std::string(field) + "\" must be an Array of Arrays");
    }
  }
  return rows;
}

void check_label(const Json& button, const char* what) {
  if (!button.contains("text") || !button["text"].is_string()) {
    throw bad_request(std::string("Can't parse ") + what + ": Can't find field \"text\"");
  }
  const std::string text = button["text"];
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    throw bad_request(std::string("Can't parse ") + what + ": Button text must be non-empty");
  }
}

void check_style(const Json& button, const char* what) {
  static const Names kStyles = {"danger", "success", "primary"};
  if (button.contains("style") && !kStyles.contains(button["style"].get<std::string>())) {
    throw bad_request(std::string("Can't parse ") + what + ": wrong style");
  }
}

Json inline_keyboard(const Json& markup, bool strict) {
  constexpr const char* kWhat = "inline keyboard button";
  static const Names kActions = {"callback_data",
                                 "url",
                                 "copy_text",
                                 "web_app",
                                 "login_url",
                                 "switch_inline_query",
                                 "switch_inline_query_current_chat",
                                 "switch_inline_query_chosen_chat",
                                 "pay",
                                 "callback_game"};
  Names known = kActions;
  known.insert({"text", "style", "icon_custom_emoji_id"});
  Json rows = Json::array();
  std::size_t count = 0;
  for (const Json& row : rows_of(markup, "inline_keyboard")) {
    if (row.empty()) continue;
    // The sizes that clients show; beyond them the server answers so (see the platform's page).
    if (strict && row.size() > 8) throw bad_request("Reply markup is too long");
    count += row.size();
    if (strict && count > 100) throw bad_request("Reply markup is too long");
    for (const Json& button : row) {
      if (!button.is_object()) {
        throw bad_request(
            "Can't parse inline keyboard button: InlineKeyboardButton must be an Object");
      }
      if (strict) known_fields(button, known, kWhat);
      check_label(button, kWhat);
      check_style(button, kWhat);
      int actions = 0;
      for (const auto& [key, value] : button.items()) actions += kActions.contains(key) ? 1 : 0;
      if (actions == 0) {
        throw bad_request(
            "Can't parse inline keyboard button: Text buttons are unallowed in the inline "
            "keyboard");
      }
      if (actions > 1 && strict) {
        throw bad_request(
            "Can't parse inline keyboard button: exactly one action field is allowed");
      }
      if (button.contains("callback_data")) {
        const Json& data = button["callback_data"];
        if (!data.is_string() || data.get_ref<const std::string&>().empty() ||
            data.get_ref<const std::string&>().size() > 64) {
          throw bad_request("BUTTON_DATA_INVALID");
        }
      }
      if (button.contains("url")) {
        const Json& url = button["url"];
        if (!url.is_string() || !is_button_url(url.get_ref<const std::string&>())) {
          throw bad_request("BUTTON_URL_INVALID");
        }
      }
    }
    rows.push_back(row);
  }
  return rows;
}

Json reply_keyboard(const Json& markup, bool private_chat, bool strict) {
  constexpr const char* kWhat = "keyboard button";
  static const Names kActions = {"request_contact", "request_location", "request_poll",
                                 "request_users",   "request_chat",     "web_app"};
  Names known = kActions;
  known.insert({"text", "style", "icon_custom_emoji_id"});
  Json rows = Json::array();
  std::size_t count = 0;
  for (const Json& row : rows_of(markup, "keyboard")) {
    Json checked = Json::array();
    if (strict && row.size() > 12) throw bad_request("Reply markup is too long");
    for (const Json& given : row) {
      if (strict && ++count > 300) throw bad_request("Reply markup is too long");
      const Json button = given.is_string() ? Json{{"text", given}} : given;
      if (!button.is_object()) {
        throw bad_request("Can't parse keyboard button: KeyboardButton must be an Object");
      }
      if (strict) known_fields(button, known, kWhat);
      check_label(button, kWhat);
      check_style(button, kWhat);
      int actions = 0;
      for (const auto& [key, value] : button.items()) {
        if (!kActions.contains(key)) continue;
        if (value.is_boolean() && !value.get<bool>()) continue;
        ++actions;
        if (key == "request_contact" && !private_chat) {
          throw bad_request("Phone number can be requested in private chats only");
        }
        if (key == "request_location" && !private_chat) {
          throw bad_request("Location can be requested in private chats only");
        }
        if (strict && key.starts_with("request_") && !value.is_boolean() && !value.is_object()) {
          throw bad_request("Can't parse keyboard button: Field \"" + key +
                            "\" must be of type Boolean");
        }
      }
      if (actions > 1 && strict) {
        throw bad_request("Can't parse keyboard button: at most one action field is allowed");
      }
      checked.push_back(button);
    }
    if (!checked.empty()) rows.push_back(std::move(checked));
  }
  return rows;
}

void check_placeholder(const Json& markup) {
  if (!markup.contains("input_field_placeholder")) return;
  const Json& text = markup["input_field_placeholder"];
  if (!text.is_string() || code_points(text.get_ref<const std::string&>()) > 64) {
    throw bad_request(
        "Field \"input_field_placeholder\" must be a String of at most 64 characters");
  }
}

void check_flags(const Json& markup, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (markup.contains(name) && !markup[name].is_boolean()) {
      throw bad_request("Field \"" + std::string(name) + "\" must be of type Boolean");
    }
  }
}

}  // namespace

bool is_button_url(std::string_view url) {
  if (url.starts_with("tg://") || url.starts_with("ton://") || url.starts_with("tonsite://")) {
    return url.size() > 6;
  }
  const bool http = url.starts_with("http://") || url.starts_with("https://");
  const std::string_view rest = http ? url.substr(url.find("//") + 2) : url;
  if (!http && url.find("://") != std::string_view::npos) return false;
  const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  if (host.empty() || host.find_first_of(" \t\r\n\"<>") != std::string_view::npos) return false;
  if (rest.find_first_of(" \t\r\n") != std::string_view::npos) return false;
  const std::size_t dot = host.find('.');
  return dot != std::string_view::npos && dot > 0 && dot + 1 < host.size();
}

ReplyMarkup check_reply_markup(const Json& markup, bool private_chat, bool strict) {
  if (markup.is_null()) return {};
  if (!markup.is_object()) throw bad_request("Object expected as reply markup");
  if (markup.empty()) return {};
  if (markup.dump().size() > 10'000) throw bad_request("Reply markup is too long");
  const bool has_keyboard = markup.contains("keyboard");
  const bool has_inline = markup.contains("inline_keyboard");
  const bool has_remove = markup.contains("remove_keyboard");
  const bool has_force = markup.contains("force_reply");
  if (strict) {
    if (has_keyboard + has_inline + has_remove + has_force != 1) {
      throw bad_request("Reply markup must be of exactly one kind");
    }
    if (has_inline) known_fields(markup, {"inline_keyboard"}, "inline keyboard");
    if (has_remove)
      known_fields(markup, {"remove_keyboard", "selective"}, "reply keyboard removal");
    if (has_keyboard) {
      known_fields(markup,
                   {"keyboard", "resize_keyboard", "one_time_keyboard", "is_persistent",
                    "input_field_placeholder", "selective"},
                   "reply keyboard");
    }
    if (has_force) {
      known_fields(markup, {"force_reply", "input_field_placeholder", "selective"}, "force reply");
    }
    check_flags(markup, {"resize_keyboard", "one_time_keyboard", "is_persistent", "selective",
                         "remove_keyboard", "force_reply"});
    check_placeholder(markup);
  }
  // The server takes the first that is not empty, in this order.
  if (has_keyboard) {
    Json rows = reply_keyboard(markup, private_chat, strict);
    if (!rows.empty()) {
      ReplyMarkup out{MarkupKind::Reply, markup};
      out.json["keyboard"] = std::move(rows);
      return out;
    }
    if (strict) throw bad_request("Reply keyboard has no buttons");
  }
  if (has_inline) {
    Json rows = inline_keyboard(markup, strict);
    if (!rows.empty()) return {MarkupKind::Inline, Json{{"inline_keyboard", std::move(rows)}}};
  }
  const auto is_set = [&markup](const char* name) {
    return markup.contains(name) && markup[name].is_boolean() && markup[name].get<bool>();
  };
  if (is_set("remove_keyboard")) return {MarkupKind::Remove, markup};
  if (is_set("force_reply")) return {MarkupKind::ForceReply, markup};
  return {};
}

}  // namespace sufler::fakes

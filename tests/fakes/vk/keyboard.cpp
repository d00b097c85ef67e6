#include "fakes/vk/keyboard.h"

#include <set>

#include "fakes/common/bytes.h"

namespace sufler::fakes::vk {
namespace {

constexpr std::size_t kColumns = 5;
constexpr std::size_t kRows = 10;
constexpr std::size_t kButtons = 40;
constexpr std::size_t kInlineRows = 6;
constexpr std::size_t kInlineButtons = 10;
constexpr std::size_t kLabelCharacters = 40;
constexpr std::size_t kPayloadCharacters = 255;

ApiError bad(const std::string& why) { return api_error(911, why); }

struct ActionKind {
  std::set<std::string> required;
  std::set<std::string> optional;
  bool coloured = false;
  bool full_row = false;
};

const std::map<std::string, ActionKind>& actions() {
  static const std::map<std::string, ActionKind> kActions = {
      {"text", {{"label"}, {"payload"}, true, false}},
      {"callback", {{"label"}, {"payload"}, true, false}},
      {"open_link", {{"label", "link"}, {"payload"}, false, false}},
      {"location", {{}, {"payload"}, false, true}},
      {"vkpay", {{"hash"}, {"payload"}, false, true}},
      {"open_app", {{"label", "app_id"}, {"owner_id", "hash", "payload"}, false, true}},
  };
  return kActions;
}

void check_payload(const Json& payload) {
  if (!payload.is_string()) throw bad("payload is a string with JSON in it");
  const std::string text = payload;
  if (code_points(text) > kPayloadCharacters) throw bad("payload is longer than 255 characters");
  const Json parsed = Json::parse(text, nullptr, false);
  if (!parsed.is_object()) throw bad("payload should be a JSON object");
}

void check_button(const Json& button, std::size_t row_length, bool strict) {
  if (!button.is_object() || !button.contains("action") || !button["action"].is_object()) {
    throw bad("a button is an object with an action");
  }
  const Json& action = button["action"];
  if (!action.contains("type") || !action["type"].is_string()) throw bad("action has no type");
  const std::string type = action["type"];
  const auto known = actions().find(type);
  if (known == actions().end()) throw bad("no such action: " + type);
  const ActionKind& kind = known->second;
  for (const std::string& name : kind.required) {
    if (!action.contains(name)) throw bad("action " + type + " needs " + name);
  }
  if (strict) {
    for (const auto& [name, value] : action.items()) {
      if (name != "type" && !kind.required.contains(name) && !kind.optional.contains(name)) {
        throw bad("action " + type + " has no field " + name);
      }
    }
    for (const auto& [name, value] : button.items()) {
      if (name != "action" && name != "color") throw bad("a button has no field " + name);
    }
  }
  if (kind.required.contains("label")) {
    if (!action["label"].is_string()) throw bad("label is a string");
    const std::size_t length = code_points(action["label"].get<std::string>());
    if (length < 1 || length > kLabelCharacters) throw bad("label is 1 to 40 characters");
  }
  if (action.contains("payload")) check_payload(action["payload"]);
  if (type == "open_link") {
    const std::string link = action["link"].is_string() ? action["link"].get<std::string>() : "";
    if (!link.starts_with("http://") && !link.starts_with("https://")) throw bad("link is no URL");
  }
  if (button.contains("color")) {
    static const std::set<std::string> kColors = {"primary", "secondary", "negative", "positive"};
    if (!button["color"].is_string() || !kColors.contains(button["color"].get<std::string>())) {
      throw bad("no such color");
    }
    if (!kind.coloured && strict) throw bad("color is only for text and callback buttons");
  }
  if (kind.full_row && row_length > 1) throw bad("button " + type + " takes the whole row");
}

bool boolean(const Json& keyboard, const char* name) {
  if (!keyboard.contains(name)) return false;
  if (!keyboard[name].is_boolean()) throw bad(std::string(name) + " is a boolean");
  return keyboard[name];
}

}  // namespace

Json read_keyboard(const std::string& text, bool strict) {
  Json keyboard = Json::parse(text, nullptr, false);
  if (!keyboard.is_object()) throw bad("it is not a JSON object");
  if (strict) {
    for (const auto& [name, value] : keyboard.items()) {
      if (name != "one_time" && name != "inline" && name != "buttons") {
        throw bad("a keyboard has no field " + name);
      }
    }
  }
  const bool is_inline = boolean(keyboard, "inline");
  const bool one_time = boolean(keyboard, "one_time");
  if (is_inline && keyboard.contains("one_time") && one_time) {
    throw bad("an inline keyboard cannot be one_time");
  }
  if (!keyboard.contains("buttons") || !keyboard["buttons"].is_array()) throw bad("no buttons");
  const Json& rows = keyboard["buttons"];
  if (is_inline && rows.empty()) throw bad("an inline keyboard without buttons");
  if (rows.size() > (is_inline ? kInlineRows : kRows)) throw bad("too many rows");
  std::size_t count = 0;
  for (const Json& row : rows) {
    if (!row.is_array() || row.empty()) throw bad("a row is a list of buttons");
    if (row.size() > kColumns) throw bad("too many buttons in a row");
    count += row.size();
    for (const Json& button : row) check_button(button, row.size(), strict);
  }
  if (count > (is_inline ? kInlineButtons : kButtons)) throw bad("too many buttons");
  keyboard["inline"] = is_inline;
  keyboard["one_time"] = one_time;
  for (Json& row : keyboard["buttons"]) {
    for (Json& button : row) {
      const std::string type = button["action"]["type"];
      if (actions().at(type).coloured && !button.contains("color")) button["color"] = "secondary";
    }
  }
  return keyboard;
}

Json read_format_data(const Json& data, const std::string& text) {
  if (!data.is_object() || !data.contains("items") || !data["items"].is_array()) {
    throw invalid("format_data should be an object with items");
  }
  const Json version = data.value("version", Json());
  if (version != 1 && version != "1") throw invalid("format_data: no such version");
  static const std::set<std::string> kTypes = {"bold", "italic", "underline", "url"};
  for (const Json& item : data["items"]) {
    if (!item.is_object() || !item.contains("type") || !item["type"].is_string() ||
        !kTypes.contains(item["type"].get<std::string>())) {
      throw invalid("format_data: no such type of an item");
    }
    if (!item.contains("offset") || !item["offset"].is_number_integer() ||
        !item.contains("length") || !item["length"].is_number_integer()) {
      throw invalid("format_data: offset and length are integers");
    }
    const std::int64_t offset = item["offset"];
    const std::int64_t length = item["length"];
    if (offset < 0 || length < 1) throw invalid("format_data: offset or length is out of range");
    if (!byte_at_utf16(text, offset) || !byte_at_utf16(text, offset + length)) {
      throw invalid("format_data: an item lies outside of the text, in UTF-16 units");
    }
    const bool has_url = item.contains("url") && item["url"].is_string();
    if ((item["type"] == "url") != has_url) throw invalid("format_data: url is for links alone");
  }
  return data["items"];
}

void check_template(const Json& carousel, bool strict) {
  const auto wrong = [](const std::string& why) { return invalid("template: " + why); };
  if (!carousel.is_object() || carousel.value("type", Json()) != "carousel") {
    throw wrong("only a carousel is known");
  }
  if (!carousel.contains("elements") || !carousel["elements"].is_array()) {
    throw wrong("no elements");
  }
  const Json& elements = carousel["elements"];
  if (elements.empty() || elements.size() > 10) throw wrong("1 to 10 elements");
  std::set<std::string> fields;
  for (const Json& element : elements) {
    if (!element.is_object()) throw wrong("an element is an object");
    std::set<std::string> own;
    for (const auto& [name, value] : element.items()) own.insert(name);
    if (&element != &elements[0] && own != fields) throw wrong("elements must be alike");
    fields = own;
    for (const char* name : {"title", "description"}) {
      if (element.contains(name) && code_points(element[name].get<std::string>()) > 80) {
        throw wrong(std::string(name) + " is longer than 80 characters");
      }
    }
    if (!own.contains("title") && !own.contains("photo_id")) throw wrong("a title or a photo");
    if (own.contains("title") && !own.contains("description")) throw wrong("no description");
    if (!own.contains("buttons") || element["buttons"].empty() || element["buttons"].size() > 3) {
      throw wrong("1 to 3 buttons");
    }
    for (const Json& button : element["buttons"]) check_button(button, 1, strict);
  }
}

}  // namespace sufler::fakes::vk

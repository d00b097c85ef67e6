#include "interpreter/core/message.h"

#include <array>
#include <iterator>
#include <string_view>

#include "interpreter/core/message_json.h"

// Fields that hold their default are left out: most messages are a text and nothing else. An
// unknown field is a failure, because the text is our own and "reads back exactly" is the promise.
namespace sufler {
namespace {

constexpr std::array<std::string_view, 7> kAttachmentKinds = {"photo", "document", "voice", "audio",
                                                              "video", "sticker",  "other"};
constexpr std::array<std::string_view, 5> kColors = {"default", "blue", "white", "red", "green"};
constexpr std::array<std::string_view, 5> kActions = {"text", "payload", "url", "contact",
                                                      "location"};
constexpr std::array<std::string_view, 4> kKeyboards = {"none", "reply", "inline", "remove"};
constexpr std::array<std::string_view, 4> kMarkups = {"bold", "italic", "code", "link"};

template <class Names, class Enum>
std::string_view name_of(const Names& names, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < names.size() ? names[index] : names[0];
}

template <class Names, class Enum>
bool read_enum(JsonReader& json, const Names& names, Enum& value) {
  std::string name;
  if (!json.read_string(name)) return false;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != name) continue;
    value = static_cast<Enum>(i);
    return true;
  }
  return json.fail();
}

template <class Items, class Write>
void append_array(std::string& out, const Items& items, Write write) {
  out.push_back('[');
  bool first = true;
  for (const auto& item : items) {
    if (!first) out.push_back(',');
    first = false;
    write(item);
  }
  out.push_back(']');
}

void append_button(std::string& out, const Button& button) {
  ObjectWriter object(out);
  object.text("label", button.label);
  if (button.action != ButtonAction::Text) object.text("action", name_of(kActions, button.action));
  object.text("payload", button.payload);
  object.text("url", button.url);
  if (button.color != ButtonColor::Default) object.text("color", name_of(kColors, button.color));
  object.end();
}

bool read_button(JsonReader& json, Button& button) {
  return json.read_object([&](const std::string& name) {
    if (name == "label") return json.read_string(button.label);
    if (name == "action") return read_enum(json, kActions, button.action);
    if (name == "payload") return json.read_string(button.payload);
    if (name == "url") return json.read_string(button.url);
    if (name == "color") return read_enum(json, kColors, button.color);
    return false;
  });
}

bool read_span(JsonReader& json, MarkupSpan& span) {
  const auto offset = [&](std::uint32_t& out) {
    std::int64_t number = 0;
    if (!json.read_int(number) || number < 0 || number > UINT32_MAX) return false;
    out = static_cast<std::uint32_t>(number);
    return true;
  };
  return json.read_object([&](const std::string& name) {
    if (name == "markup") return read_enum(json, kMarkups, span.markup);
    if (name == "begin") return offset(span.begin);
    if (name == "end") return offset(span.end);
    if (name == "url") return json.read_string(span.url);
    return false;
  });
}

bool read_keyboard(JsonReader& json, Keyboard& keyboard) {
  return json.read_object([&](const std::string& name) {
    if (name == "kind") return read_enum(json, kKeyboards, keyboard.kind);
    if (name != "rows") return false;
    return json.read_array([&] {
      keyboard.rows.emplace_back();
      return json.read_array([&] {
        keyboard.rows.back().emplace_back();
        return read_button(json, keyboard.rows.back().back());
      });
    });
  });
}

}  // namespace

void append_json(std::string& out, const Attachment& file) {
  ObjectWriter object(out);
  object.text("kind", name_of(kAttachmentKinds, file.kind));
  object.text("origin", file.origin);
  object.text("reference", file.reference);
  object.text("name", file.name);
  object.text("mime", file.mime);
  if (file.size != -1) object.number("size", file.size);
  object.text("caption", file.caption);
  object.end();
}

bool read_attachment(JsonReader& json, Attachment& file) {
  return json.read_object([&](const std::string& name) {
    if (name == "kind") return read_enum(json, kAttachmentKinds, file.kind);
    if (name == "origin") return json.read_string(file.origin);
    if (name == "reference") return json.read_string(file.reference);
    if (name == "name") return json.read_string(file.name);
    if (name == "mime") return json.read_string(file.mime);
    if (name == "size") return json.read_int(file.size);
    if (name == "caption") return json.read_string(file.caption);
    return false;
  });
}

std::string to_json(const Message& message) {
  std::string out;
  ObjectWriter object(out);
  object.text("text", message.text.text);
  if (!message.text.spans.empty()) {
    append_array(object.name("spans"), message.text.spans, [&](const MarkupSpan& span) {
      ObjectWriter inner(out);
      inner.text("markup", name_of(kMarkups, span.markup));
      inner.number("begin", span.begin);
      inner.number("end", span.end);
      inner.text("url", span.url);
      inner.end();
    });
  }
  if (!message.attachments.empty()) {
    append_array(object.name("attachments"), message.attachments,
                 [&](const Attachment& file) { append_json(out, file); });
  }
  if (message.keyboard != Keyboard{}) {
    ObjectWriter keyboard(object.name("keyboard"));
    keyboard.text("kind", name_of(kKeyboards, message.keyboard.kind));
    if (!message.keyboard.rows.empty()) {
      append_array(
          keyboard.name("rows"), message.keyboard.rows, [&](const std::vector<Button>& row) {
            append_array(out, row, [&](const Button& button) { append_button(out, button); });
          });
    }
    keyboard.end();
  }
  if (message.typing.ms != 0) object.number("typing_ms", message.typing.ms);
  if (!message.reply_to.empty()) object.text("reply_to", message.reply_to);
  object.end();
  return out;
}

bool read_message(JsonReader& json, Message& message) {
  return json.read_object([&](const std::string& name) {
    if (name == "text") return json.read_string(message.text.text);
    if (name == "spans") {
      return json.read_array([&] {
        message.text.spans.emplace_back();
        return read_span(json, message.text.spans.back());
      });
    }
    if (name == "attachments") {
      return json.read_array([&] {
        message.attachments.emplace_back();
        return read_attachment(json, message.attachments.back());
      });
    }
    if (name == "keyboard") return read_keyboard(json, message.keyboard);
    if (name == "typing_ms") return json.read_int(message.typing.ms);
    if (name == "reply_to") return json.read_string(message.reply_to);
    return false;
  });
}

bool from_json(std::string_view text, Message& message) {
  JsonReader json(text);
  Message read;
  const bool good = read_message(json, read) && json.at_end();
  message = good ? std::move(read) : Message();
  return good;
}

}  // namespace sufler

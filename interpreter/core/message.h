#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "interpreter/core/moment.h"
#include "interpreter/core/rich_text.h"

/// What goes over a platform in either direction, in no platform's words.
namespace sufler {

enum class AttachmentKind : std::uint8_t { Photo, Document, Voice, Audio, Video, Sticker, Other };

/// A file: one that a person sent, or one of the scenario's folder.
struct Attachment {
  AttachmentKind kind = AttachmentKind::Document;
  std::string origin;     ///< the bot's transport that holds it (`telegram`, `vk`, `console`);
                          ///< `scenario`: of the scenario's folder; `stored`: of a version; `text`: made by us
  std::string reference;  ///< file id on that platform; the path relative to the scenario's folder; its SHA-256;
                          ///< for `text` what the file holds
  std::string name;       ///< the file's name as people know it, cleaned of paths; may be empty
  std::string mime;       ///< may be empty
  std::int64_t size = -1; ///< bytes; -1 when the platform does not tell
  std::string caption;    ///< the text that came with it
  friend bool operator==(const Attachment&, const Attachment&) = default;
};

enum class ButtonColor : std::uint8_t { Default, Blue, White, Red, Green };
enum class ButtonAction : std::uint8_t {
  Text,      ///< a press sends the label (reply keyboard)
  Payload,   ///< a press sends `payload` (inline keyboard)
  Url,       ///< opens `url`
  Contact,   ///< sends the person's contact
  Location,  ///< sends the person's location
};

struct Button {
  std::string label;
  ButtonAction action = ButtonAction::Text;
  std::string payload;  ///< at most 64 bytes; ours, never the author's
  std::string url;
  ButtonColor color = ButtonColor::Default;
  friend bool operator==(const Button&, const Button&) = default;
};

struct Keyboard {
  enum class Kind : std::uint8_t { None, Reply, Inline, Remove };
  Kind kind = Kind::None;
  std::vector<std::vector<Button>> rows;
  friend bool operator==(const Keyboard&, const Keyboard&) = default;
};

/// One message of the bot, as the scenario means it: a transport splits and renders it.
struct Message {
  RichText text;
  std::vector<Attachment> attachments;
  Keyboard keyboard;
  Duration typing;  ///< shows "typing" this long before the message
  std::string reply_to = {};  ///< id of the message in the same chat that it answers; may be empty
  friend bool operator==(const Message&, const Message&) = default;
};

/// Compact JSON for the outbox and the journal; reads back exactly.
std::string to_json(const Message& message);
bool from_json(std::string_view json, Message& message);
void append_json(std::string& out, const Attachment& file);

}  // namespace sufler

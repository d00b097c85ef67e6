#include "interpreter/transports/telegram/renderer.h"

#include <algorithm>

#include "interpreter/core/json_text.h"
#include "interpreter/core/text.h"

// The JSON is written by hand: this runs once or twice for every message of every person.

namespace sufler::telegram {
namespace {

constexpr std::int64_t kActionShownMs = 4500;  // Telegram shows an action for 5 s
constexpr std::size_t kPressAnswerCodePoints = 200;
constexpr std::size_t kTopicTitleCodePoints = 128;

bool is_integer(std::string_view id) {
  if (!id.empty() && id.front() == '-') id.remove_prefix(1);
  return !id.empty() && id.size() <= 18 &&
         std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Whether `text` has at most `limit` UTF-16 units. A unit takes at least one byte, so most texts need no
/// count.
bool fits(std::string_view text, std::size_t limit) {
  return text.size() <= limit || count_utf16_units(text) <= limit;
}

bool is_blank(std::string_view text) { return trim(text).empty(); }

bool is_positive(std::string_view id) { return is_integer(id) && id.front() != '-' && id.front() != '0'; }

std::string begin_body(std::string_view chat_id, std::size_t reserve) {
  std::string body;
  body.reserve(reserve + 96);
  body += "{\"chat_id\":";
  append_chat_id(body, group_of(chat_id));
  if (const std::string_view topic = topic_of(chat_id); is_positive(topic)) {
    body += ",\"message_thread_id\":";
    body += topic;
  }
  return body;
}

std::string_view entity_type(Markup markup) {
  switch (markup) {
    case Markup::Bold: return "bold";
    case Markup::Italic: return "italic";
    case Markup::Code: return "code";
    case Markup::Link: return "text_link";
  }
  return "bold";
}

/// `,"text":"…","entities":[…]`
void append_text(std::string& body, std::string_view name, const RichText& text) {
  body += ",\"";
  body += name;
  body += "\":";
  append_json_string(body, text.text);
  if (text.spans.empty()) return;
  body += name == "text" ? ",\"entities\":[" : ",\"caption_entities\":[";
  std::size_t counted_bytes = 0;
  std::size_t counted_units = 0;
  bool first = true;
  for (const MarkupSpan& span : text.spans) {
    const std::size_t begin = std::min<std::size_t>(span.begin, text.text.size());
    const std::size_t end = std::min<std::size_t>(span.end, text.text.size());
    if (end <= begin) continue;
    // The spans are ordered by their begin, so the units before one are counted on from the last.
    if (begin < counted_bytes) counted_bytes = counted_units = 0;
    const std::string_view whole = text.text;
    counted_units += count_utf16_units(whole.substr(counted_bytes, begin - counted_bytes));
    counted_bytes = begin;
    if (!first) body += ',';
    first = false;
    body += "{\"type\":\"";
    body += entity_type(span.markup);
    body += "\",\"offset\":";
    append_json_number(body, static_cast<std::int64_t>(counted_units));
    body += ",\"length\":";
    append_json_number(body, static_cast<std::int64_t>(count_utf16_units(whole.substr(begin, end - begin))));
    if (span.markup == Markup::Link) {
      body += ",\"url\":";
      append_json_string(body, span.url);
    }
    body += '}';
  }
  body += ']';
}

// ------------------------------------------------------------------- keyboards

/// One button of a reply keyboard.
bool append_reply_button(std::string& out, const Button& button, bool in_group) {
  if (is_blank(button.label)) return false;
  out += "{\"text\":";
  append_json_string(out, button.label);
  // Only a private chat may be asked for these.
  if (!in_group && button.action == ButtonAction::Contact) out += ",\"request_contact\":true";
  if (!in_group && button.action == ButtonAction::Location) out += ",\"request_location\":true";
  out += '}';
  return true;
}

/// One button of an inline keyboard. It must have exactly one action that the platform knows, or the whole
/// message is refused: a button without one is left out.
bool append_inline_button(std::string& out, const Button& button) {
  if (is_blank(button.label)) return false;
  std::string_view name;
  std::string value;
  switch (button.action) {
    case ButtonAction::Payload: name = "callback_data", value = button.payload; break;
    case ButtonAction::Text: name = "callback_data", value = button.label; break;
    case ButtonAction::Url:
      name = "url", value = button.url;
      if (!value.empty() && value.find(':') == std::string::npos) value.insert(0, "https://");
      break;
    default: return false;
  }
  if (value.empty() || (name == "callback_data" && value.size() > kPayloadBytes)) return false;
  out += "{\"text\":";
  append_json_string(out, button.label);
  out += ",\"";
  out += name;
  out += "\":";
  append_json_string(out, value);
  switch (button.color) {
    case ButtonColor::Blue: out += ",\"style\":\"primary\""; break;
    case ButtonColor::Red: out += ",\"style\":\"danger\""; break;
    case ButtonColor::Green: out += ",\"style\":\"success\""; break;
    default: break;
  }
  out += '}';
  return true;
}

template <class AppendButton>
bool append_rows(std::string& out, const Keyboard& keyboard, AppendButton append_button) {
  bool any_row = false;
  for (const std::vector<Button>& row : keyboard.rows) {
    const std::size_t before = out.size();
    out += any_row ? ",[" : "[";
    bool any = false;
    for (const Button& button : row) {
      const std::size_t here = out.size();
      if (any) out += ',';
      if (append_button(out, button)) {
        any = true;
      } else {
        out.resize(here);
      }
    }
    if (any) {
      out += ']';
      any_row = true;
    } else {
      out.resize(before);
    }
  }
  return any_row;
}

/// `,"reply_markup":{…}` or nothing.
std::string markup_of(const Keyboard& keyboard, bool in_group) {
  std::string out;
  switch (keyboard.kind) {
    case Keyboard::Kind::None: break;
    case Keyboard::Kind::Remove: out = ",\"reply_markup\":{\"remove_keyboard\":true}"; break;
    case Keyboard::Kind::Reply:
      out = ",\"reply_markup\":{\"keyboard\":[";
      if (!append_rows(out, keyboard, [&](std::string& to, const Button& button) {
            return append_reply_button(to, button, in_group);
          })) {
        return {};
      }
      out += "],\"resize_keyboard\":true}";
      break;
    case Keyboard::Kind::Inline:
      out = ",\"reply_markup\":{\"inline_keyboard\":[";
      if (!append_rows(out, keyboard, append_inline_button)) return {};
      out += "]}";
      break;
  }
  return out;
}

// ------------------------------------------------------------------- files

struct KindOfFile {
  std::string_view method;
  std::string_view field;
  bool caption = true;
};

/// A picture that is a sticker elsewhere is none here.
bool is_foreign_picture(const Attachment& file) {
  return file.kind == AttachmentKind::Sticker && file.origin != "telegram" && file.mime != "image/webp" &&
         file.mime.starts_with("image/");
}

KindOfFile kind_of(const Attachment& file) {
  if (is_foreign_picture(file)) return {"sendPhoto", "photo"};
  switch (file.kind) {
    case AttachmentKind::Photo: return {"sendPhoto", "photo"};
    case AttachmentKind::Voice: return {"sendVoice", "voice"};
    case AttachmentKind::Audio: return {"sendAudio", "audio"};
    case AttachmentKind::Video: return {"sendVideo", "video"};
    case AttachmentKind::Sticker: return {"sendSticker", "sticker", false};
    case AttachmentKind::Document:
    case AttachmentKind::Other: break;
  }
  return {"sendDocument", "document"};
}

/// Files of one class may share an album: photos with videos, documents and audios with their own kind.
/// 0 goes alone.
int album_class(const Attachment& file) {
  switch (file.kind) {
    case AttachmentKind::Photo:
    case AttachmentKind::Video: return 1;
    case AttachmentKind::Document:
    case AttachmentKind::Other: return 2;
    case AttachmentKind::Audio: return 3;
    default: return 0;
  }
}

struct Group {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t size() const { return end - begin; }
};

/// Neighbours of one class, in albums of nearly equal size: eleven photos are six and five, so that none is
/// left over alone.
std::vector<Group> group_files(const std::vector<Attachment>& files) {
  std::vector<Group> groups;
  for (std::size_t begin = 0; begin < files.size();) {
    const int of = album_class(files[begin]);
    std::size_t end = begin + 1;
    while (of != 0 && end < files.size() && album_class(files[end]) == of) ++end;
    const std::size_t albums = (end - begin + kAlbumFiles - 1) / kAlbumFiles;
    for (std::size_t i = 0; i < albums; ++i) {
      groups.push_back({begin + (end - begin) * i / albums, begin + (end - begin) * (i + 1) / albums});
    }
    begin = end;
  }
  return groups;
}

class Renderer {
 public:
  Renderer(std::string_view chat_id, const Message& message)
      : chat_id_(chat_id), message_(message), in_group_(!chat_id.empty() && chat_id.front() == '-') {
    // The message that is answered may be gone; what answers it is still to be read.
    if (is_positive(message.reply_to)) {
      reply_ = ",\"reply_parameters\":{\"message_id\":" + message.reply_to + ",\"allow_sending_without_reply\":true}";
    }
  }

  std::vector<ApiCall> render() {
    add_typing();
    const std::string markup = markup_of(message_.keyboard, in_group_);
    if (message_.attachments.empty()) {
      add_text(message_.text, markup);
    } else {
      add_files(markup);
    }
    return std::move(calls_);
  }

 private:
  ApiCall& add(std::string_view method, std::string body) {
    ApiCall& call = calls_.emplace_back();
    call.method = method;
    call.body = std::move(body);
    return call;
  }

  /// Ends the body of a call that sends. The first of them is the answer to `reply_to`.
  void end_body(std::string& body, std::string_view markup) {
    body += reply_;
    reply_.clear();
    body += markup;
    body += '}';
  }

  /// An action fades after 5 s: a longer one is renewed.
  void add_typing() {
    for (std::int64_t left = message_.typing.ms; left > 0; left -= kActionShownMs) {
      ApiCall& call = add("sendChatAction", begin_body(chat_id_, 32) + ",\"action\":\"typing\"}");
      call.expendable = true;
      call.hold = Duration{std::min(left, kActionShownMs)};
    }
  }

  void add_text(const RichText& text, std::string_view markup) {
    if (is_blank(text.text)) {
      // A keyboard cannot come or go without a text.
      if (!markup.empty()) add_part(RichText{"…", {}}, markup);
      return;
    }
    if (fits(text.text, kTextUnits)) return add_part(text, markup);
    std::vector<RichText> parts = split(text, kTextUnits);
    std::erase_if(parts, [](const RichText& part) { return is_blank(part.text); });
    for (std::size_t i = 0; i < parts.size(); ++i) {
      add_part(parts[i], i + 1 == parts.size() ? markup : std::string_view());
    }
  }

  void add_part(const RichText& text, std::string_view markup) {
    std::string body = begin_body(chat_id_, text.text.size() + markup.size() + 72 * text.spans.size());
    append_text(body, "text", text);
    end_body(body, markup);
    add("sendMessage", std::move(body));
  }

  void add_files(const std::string& markup) {
    const std::vector<Attachment>& files = message_.attachments;
    const std::vector<Group> groups = group_files(files);
    const bool one_call = groups.size() == 1;
    const bool alone = one_call && groups[0].size() == 1;
    const bool blank = is_blank(message_.text.text);
    const bool own_captions =
        std::any_of(files.begin(), files.end(), [](const Attachment& file) { return !file.caption.empty(); });

    // The text becomes the caption when one call can carry all there is to say; an album takes no buttons.
    const bool takes_caption = kind_of(files.back()).caption;
    const bool as_caption = one_call && !blank && !own_captions && takes_caption &&
                            (alone || markup.empty()) && fits(message_.text.text, kCaptionUnits);
    const bool text_follows = !blank && !as_caption;
    const bool last_alone = groups.back().size() == 1;
    const bool markup_on_file = !text_follows && last_alone;

    for (std::size_t i = 0; i < groups.size(); ++i) {
      const bool last = i + 1 == groups.size();
      const RichText* caption = as_caption ? &message_.text : nullptr;
      if (groups[i].size() == 1) {
        add_file(files[groups[i].begin], caption, last && markup_on_file ? markup : std::string());
      } else {
        add_album(groups[i], caption);
      }
    }
    if (text_follows || (!markup.empty() && !markup_on_file)) add_text(message_.text, markup);
  }

  /// What fits of a file's own caption; the rest follows as a text of its own.
  std::string_view own_caption(const Attachment& file, std::vector<RichText>& rest, RichText& kept) {
    if (is_blank(file.caption)) return {};
    kept.text = file.caption;
    if (fits(file.caption, kCaptionUnits)) return kept.text;
    std::vector<RichText> parts = split(kept, kCaptionUnits);
    kept = std::move(parts.front());
    RichText more;
    for (std::size_t i = 1; i < parts.size(); ++i) more.append(parts[i]);
    rest.push_back(std::move(more));
    return kept.text;
  }

  void add_file(const Attachment& file, const RichText* caption, const std::string& markup) {
    const KindOfFile kind = kind_of(file);
    std::string body = begin_body(chat_id_, 64 + markup.size() + file.caption.size());
    body += ",\"";
    body += kind.field;
    body += "\":\"attach://";
    body += kind.field;
    body += '"';
    std::vector<RichText> rest;
    RichText own;
    if (caption != nullptr) {
      append_text(body, "caption", *caption);
    } else if (kind.caption && !own_caption(file, rest, own).empty()) {
      append_text(body, "caption", own);
    }
    end_body(body, markup);
    add(kind.method, std::move(body)).files.push_back({std::string(kind.field), file});
    for (const RichText& more : rest) add_text(more, {});
  }

  void add_album(const Group& group, const RichText* caption) {
    const std::vector<Attachment>& files = message_.attachments;
    std::string body = begin_body(chat_id_, 96 * group.size());
    body += ",\"media\":[";
    std::vector<FilePart> parts;
    std::vector<RichText> rest;
    // One caption in an album of photos stands under the whole album; documents each show their own, so
    // the text goes below the last.
    const bool below = album_class(files[group.begin]) != 1;
    const std::size_t captioned = below ? group.end - 1 : group.begin;
    for (std::size_t i = group.begin; i < group.end; ++i) {
      const std::string field = "file" + std::to_string(i - group.begin);
      body += i == group.begin ? "{\"type\":\"" : ",{\"type\":\"";
      body += kind_of(files[i]).field;
      body += "\",\"media\":\"attach://";
      body += field;
      body += '"';
      RichText own;
      if (caption != nullptr && i == captioned) {
        append_text(body, "caption", *caption);
      } else if (!own_caption(files[i], rest, own).empty()) {
        append_text(body, "caption", own);
      }
      body += '}';
      parts.push_back({field, files[i]});
    }
    body += ']';
    end_body(body, {});
    add("sendMediaGroup", std::move(body)).files = std::move(parts);
    for (const RichText& more : rest) add_text(more, {});
  }

  std::string_view chat_id_;
  const Message& message_;
  bool in_group_;
  std::string reply_;  // until it is used
  std::vector<ApiCall> calls_;
};

}  // namespace

void append_chat_id(std::string& out, std::string_view chat_id) {
  if (is_integer(chat_id)) {
    out += chat_id;
  } else {
    append_json_string(out, chat_id);
  }
}

std::vector<ApiCall> render(std::string_view chat_id, const Message& message) {
  return Renderer(chat_id, message).render();
}

ApiCall render_press_answer(std::string_view press_id, std::string_view text) {
  ApiCall call;
  call.method = "answerCallbackQuery";
  call.body = "{\"callback_query_id\":";
  append_json_string(call.body, press_id);
  if (!text.empty()) {
    call.body += ",\"text\":";
    append_json_string(call.body, first_code_points(text, kPressAnswerCodePoints));
  }
  call.body += '}';
  call.ordered = false;
  call.expendable = true;
  return call;
}

ApiCall render_topic(std::string_view chat_id, std::string_view title) {
  ApiCall call;
  call.method = "createForumTopic";
  call.body = begin_body(group_of(chat_id), title.size() + 16);
  call.body += ",\"name\":";
  const std::string_view name = first_code_points(trim(title), kTopicTitleCodePoints);
  append_json_string(call.body, name.empty() ? std::string_view("…") : name);
  call.body += '}';
  return call;
}

ApiCall render_topic_state(std::string_view chat_id, bool open) {
  ApiCall call;
  if (topic_of(chat_id).empty()) return call;
  call.method = open ? "reopenForumTopic" : "closeForumTopic";
  call.body = begin_body(chat_id, 0) + '}';
  call.expendable = true;
  return call;
}

ApiCall render_typing(std::string_view chat_id) {
  ApiCall call;
  call.method = "sendChatAction";
  call.body = begin_body(chat_id, 32) + ",\"action\":\"typing\"}";
  call.ordered = false;
  call.expendable = true;
  return call;
}

ApiCall render_growing(std::string_view chat_id, std::string_view text, std::string_view message_id) {
  ApiCall call;
  if (!fits(text, kTextUnits)) return call;
  call.method = message_id.empty() ? "sendMessage" : "editMessageText";
  call.body = begin_body(chat_id, text.size() + 32);
  if (!message_id.empty()) call.body.append(",\"message_id\":").append(message_id);
  append_text(call.body, "text", RichText{std::string(text), {}});
  call.body += '}';
  call.expendable = true;
  return call;
}

ApiCall render_grown(const ApiCall& call, std::string_view text, std::string_view message_id) {
  ApiCall edit;
  if (call.method != "sendMessage" || !call.files.empty()) return edit;
  // A quote within a text is escaped, so what stands in quotes here is a member's name.
  const std::string_view body = call.body;
  std::string begins = ",\"text\":";
  append_json_string(begins, text);
  begins.pop_back();  // it goes on
  const std::size_t at = body.find(",\"text\":");
  if (at == std::string_view::npos || !body.substr(at).starts_with(begins)) return edit;
  if (body.find(",\"reply_parameters\":") != std::string_view::npos) return edit;
  const std::string_view markup = ",\"reply_markup\":";
  const std::size_t keyboard = body.find(markup);
  if (keyboard != std::string_view::npos && !body.substr(keyboard + markup.size()).starts_with("{\"inline_keyboard\":")) return edit;
  edit = call;
  edit.method = "editMessageText";
  edit.body.insert(at, ",\"message_id\":" + std::string(message_id));
  return edit;
}

ApiCall render_removal(std::string_view chat_id, std::string_view message_id) {
  ApiCall call;
  call.method = "deleteMessage";
  call.body = begin_body(chat_id, 32);
  call.body.append(",\"message_id\":").append(message_id).append("}");
  call.ordered = false;
  call.expendable = true;
  return call;
}

}  // namespace sufler::telegram

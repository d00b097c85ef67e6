#include "interpreter/transports/telegram/update_decoder.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "interpreter/core/text.h"
#include "interpreter/transports/files.h"
#include "interpreter/transports/json_repair.h"

// simdjson's DOM: an answer of a hundred updates is parsed in some 30 µs, a tenth of what nlohmann takes.
// Only its error codes are used, nothing here throws but for lack of memory. A `null` reads as an absent
// field, since some producers write absent strings so.

namespace sufler::telegram {
namespace {

namespace dom = simdjson::dom;
using simdjson::SUCCESS;

std::string_view text_at(const dom::object& object, std::string_view key) {
  std::string_view text;
  return object[key].get(text) == SUCCESS ? text : std::string_view();
}

std::int64_t int_at(const dom::object& object, std::string_view key, std::int64_t otherwise = 0) {
  std::int64_t number = 0;
  return object[key].get(number) == SUCCESS ? number : otherwise;
}

bool flag_at(const dom::object& object, std::string_view key) {
  bool flag = false;
  return object[key].get(flag) == SUCCESS && flag;
}

/// Keeps `to` as it is when the value is of another type.
template <class T>
void read_into(T& to, const dom::element& value) {
  T read{};
  if (value.get(read) == SUCCESS) to = read;
}

bool object_at(const dom::object& object, std::string_view key, dom::object& found) {
  return object[key].get(found) == SUCCESS;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

bool is_command_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// `/menu@shop_bot rest` in its parts.
struct Command {
  std::string_view command;  // `/menu`; empty when the text begins with none
  std::string_view name;     // `shop_bot`
  std::string_view rest;     // ` rest`
};

Command read_command(std::string_view text) {
  if (text.empty() || text.front() != '/') return {};
  std::size_t end = 1;
  while (end < text.size() && is_command_char(text[end])) ++end;
  if (end == 1 || end > 33) return {};
  Command found;
  found.command = text.substr(0, end);
  std::size_t rest = end;
  if (end < text.size() && text[end] == '@') {
    rest = end + 1;
    while (rest < text.size() && is_command_char(text[rest])) ++rest;
    found.name = text.substr(end + 1, rest - end - 1);
    if (found.name.empty()) rest = end;
  }
  found.rest = text.substr(rest);
  if (!found.rest.empty() && found.rest.front() != ' ' && found.rest.front() != '\n') {
    found = {};
  }
  return found;
}

Person read_person(const dom::object& user) {
  Person person;
  for (const auto [key, value] : user) {
    std::string_view text;
    if (key == "id") {
      std::int64_t id = 0;
      if (value.get(id) == SUCCESS) person.id = std::to_string(id);
    } else if (key == "is_bot") {
      bool is_bot = false;
      if (value.get(is_bot) == SUCCESS) person.is_bot = is_bot;
    } else if (value.get(text) == SUCCESS) {
      if (key == "first_name") {
        person.first_name = text;
      } else if (key == "last_name") {
        person.last_name = text;
      } else if (key == "username") {
        person.username = text;
      } else if (key == "language_code") {
        person.language = text;
      }
    }
  }
  return person;
}

struct Chat {
  std::int64_t id = 0;
  bool known = false;
  bool is_private = false;
};

Chat read_chat(const dom::object& chat) {
  Chat read;
  std::int64_t id = 0;
  read.known = chat["id"].get(id) == SUCCESS;
  read.id = id;
  const std::string_view type = text_at(chat, "type");
  read.is_private = type.empty() ? id > 0 : type == "private";
  return read;
}

Attachment read_file(const dom::object& file, AttachmentKind kind) {
  Attachment read;
  read.kind = kind;
  read.origin = "telegram";
  read.reference = text_at(file, "file_id");
  read.name = clean_file_name(text_at(file, "file_name"));
  read.mime = text_at(file, "mime_type");
  read.size = int_at(file, "file_size", -1);
  return read;
}

std::optional<Attachment> read_photo(const dom::element& sizes) {
  dom::array array;
  if (sizes.get(array) != SUCCESS) return std::nullopt;
  std::optional<dom::object> largest;
  std::int64_t most = -1;
  for (const dom::element one : array) {
    dom::object size;
    if (one.get(size) != SUCCESS || text_at(size, "file_id").empty()) continue;
    // Sides come from outside: not to overflow.
    const std::int64_t width = std::clamp<std::int64_t>(int_at(size, "width"), 0, 1 << 20);
    const std::int64_t area = width * std::clamp<std::int64_t>(int_at(size, "height"), 0, 1 << 20);
    if (area > most) {
      most = area;
      largest = size;
    }
  }
  if (!largest) return std::nullopt;
  Attachment photo = read_file(*largest, AttachmentKind::Photo);
  photo.mime = "image/jpeg";
  return photo;
}

bool read_location(const dom::object& from, std::optional<Location>& location) {
  double latitude = 0;
  double longitude = 0;
  if (from["latitude"].get(latitude) != SUCCESS || from["longitude"].get(longitude) != SUCCESS) return false;
  const std::optional<Decimal> north = Decimal::from_double(latitude);
  const std::optional<Decimal> east = Decimal::from_double(longitude);
  if (!north || !east) return false;
  location = Location{*north, *east};
  return true;
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

/// When it happened. Telegram tells whole seconds, rounded down; a fresh message happened now.
Moment moment_of(std::int64_t unix_seconds, std::int64_t now_unix_ms) {
  if (unix_seconds <= 0 || unix_seconds > now_unix_ms / 1000) return Moment{now_unix_ms};
  return Moment{std::min(now_unix_ms, unix_seconds * 1000 + 999)};
}

class UpdateReader {
 public:
  UpdateReader(const BotIdentity& bot, std::int64_t now_unix_ms, DecodedUpdate& out)
      : bot_(bot), now_(now_unix_ms), out_(out) {}

  void read(const dom::object& update) {
    out_.skipped = "an update of an unknown kind";
    for (const auto [key, value] : update) {
      dom::object object;
      if (value.get(object) != SUCCESS) continue;
      if (key == "message") return read_message(object, false);
      if (key == "callback_query") return read_press(object);
      if (key == "edited_message") return read_message(object, true);
      if (key == "my_chat_member") return read_member(object);
      out_.skipped = "an update of the kind `";
      out_.skipped += first_code_points(key, 40);
      out_.skipped += '`';
    }
  }

 private:
  void skip(std::string_view reason) { out_.skipped = reason; }

  void give(Incoming incoming) {
    incoming.id = std::to_string(out_.update_id);
    out_.incoming = std::move(incoming);
    out_.skipped.clear();
  }

  void read_message(const dom::object& message, bool edited) {
    Incoming incoming;
    UserMessage said;
    said.edited = edited;
    Chat chat;
    bool has_person = false;
    std::int64_t sender_chat = 0;  // who writes in the name of a chat
    bool on_behalf_of_chat = false;
    std::string group_title, signature;
    bool reply_to_us = false;
    std::int64_t thread = 0;
    std::int64_t replied_to = 0;
    bool in_topic = false;
    bool content = false;
    bool animation = false;
    std::int64_t date = 0;
    std::string_view caption;
    std::optional<Attachment> file;
    dom::object contact;
    bool has_contact = false;

    for (const auto [key, value] : message) {
      if (value.is_null()) continue;
      dom::object object;
      if (key == "text") {
        std::string_view text;
        if (value.get(text) == SUCCESS) said.text = text, content = true;
      } else if (key == "message_id") {
        std::int64_t id = 0;
        if (value.get(id) == SUCCESS) said.message_id = std::to_string(id);
      } else if (key == "from") {
        if (value.get(object) == SUCCESS) incoming.person = read_person(object), has_person = true;
      } else if (key == "chat") {
        if (value.get(object) == SUCCESS) chat = read_chat(object), group_title = text_at(object, "title");
      } else if (key == "date") {
        if (!edited || date == 0) read_into(date, value);
      } else if (key == "edit_date") {
        if (edited) read_into(date, value);
      } else if (key == "sender_chat") {
        on_behalf_of_chat = true;
        if (value.get(object) == SUCCESS) sender_chat = int_at(object, "id");
      } else if (key == "author_signature") {
        std::string_view title;
        if (value.get(title) == SUCCESS) signature = title;
      } else if (key == "reply_to_message") {
        dom::object author;
        if (value.get(object) != SUCCESS) continue;
        replied_to = int_at(object, "message_id");
        reply_to_us = bot_.id != 0 && object_at(object, "from", author) && int_at(author, "id") == bot_.id;
      } else if (key == "message_thread_id") {
        read_into(thread, value);
      } else if (key == "is_topic_message") {
        read_into(in_topic, value);
      } else if (key == "caption") {
        read_into(caption, value);
      } else if (key == "media_group_id") {
        std::string_view album;
        if (value.get(album) == SUCCESS) said.album = album;
      } else if (key == "photo") {
        if (auto photo = read_photo(value)) file = std::move(photo);
      } else if (key == "document") {
        if (value.get(object) == SUCCESS) file = read_file(object, AttachmentKind::Document);
      } else if (key == "animation") {
        // Comes with `document`, of which it says no more; alone only from odd producers.
        if (value.get(object) == SUCCESS && !file) file = read_file(object, AttachmentKind::Document);
        animation = true;
      } else if (key == "voice") {
        if (value.get(object) == SUCCESS) file = read_file(object, AttachmentKind::Voice);
      } else if (key == "audio") {
        if (value.get(object) == SUCCESS) file = read_file(object, AttachmentKind::Audio);
      } else if (key == "video" || key == "video_note") {
        if (value.get(object) == SUCCESS) file = read_file(object, AttachmentKind::Video);
      } else if (key == "sticker") {
        if (value.get(object) == SUCCESS) file = read_sticker(object);
      } else if (key == "contact") {
        has_contact = value.get(contact) == SUCCESS;
      } else if (key == "location") {
        if (value.get(object) == SUCCESS && read_location(object, said.location)) content = true;
      } else if (key == "venue") {
        if (value.get(object) == SUCCESS && !said.location && object_at(object, "location", object) &&
            read_location(object, said.location)) {
          content = true;
        }
      } else if (key == "dice" || key == "poll" || key == "story" || key == "game" || key == "checklist" ||
                 key == "paid_media" || key == "giveaway" || key == "invoice") {
        // A person's doing that has no part of its own: the scenario sees a message without any.
        content = true;
      }
    }

    if (!chat.known) return skip("a message without a chat");
    if (on_behalf_of_chat) {
      // Only its administrators can write as the group: in a desk's topics they are heard, as the group. Any other
      // chat is whoever's (RELIABILITY 4, 15).
      const bool of_desk = in_topic && contains(bot_.topic_groups, std::to_string(chat.id));
      if (sender_chat != chat.id || !of_desk) return skip("a message in the name of a chat");
      incoming.person = Person{std::to_string(chat.id), signature.empty() ? group_title : signature, {}, {}, {}, false};
      has_person = true;
    }
    if (!has_person || incoming.person.id.empty()) return skip("a message without a sender");
    if (incoming.person.is_bot) return skip("a message of a bot");
    if (file && !file->reference.empty()) {
      file->caption = caption;
      said.text = caption;  // what the person said, wherever they typed it
      if (animation && file->mime.empty()) file->mime = "video/mp4";
      said.attachments.push_back(std::move(*file));
      content = true;
    }
    if (has_contact) {
      said.contact = Contact{std::string(text_at(contact, "phone_number")),
                             std::string(text_at(contact, "first_name")),
                             std::string(text_at(contact, "last_name")),
                             std::to_string(int_at(contact, "user_id")) == incoming.person.id};
      content = true;
    }
    if (!content) return skip("a service message");
    // Replies outside forums make threads too; only a topic can be written to.
    in_topic = in_topic && thread > 0 && !chat.is_private;
    // In a topic whatever answers nothing else answers the service message that began it, which the bot itself sent
    // when it made the topic.
    if (in_topic && replied_to == thread) replied_to = 0, reply_to_us = false;
    if (replied_to != 0) said.reply_to = std::to_string(replied_to);

    const Command command = read_command(said.text);
    if (!command.name.empty()) {
      if (bot_.username.empty() && !chat.is_private) {
        out_.needs_username = true;
      } else if (!bot_.username.empty() && !equals_ignoring_case(command.name, bot_.username)) {
        return skip("a command for another bot");
      }
      said.text = std::string(command.command).append(command.rest);
    }
    incoming.chat = {"telegram", std::to_string(chat.id)};
    if (in_topic) incoming.topic = std::to_string(thread);
    const bool heard = in_topic && contains(bot_.topic_groups, incoming.chat.chat_id);
    if (!chat.is_private && command.command.empty() && !reply_to_us && !heard) return skip("talk of a group");

    incoming.is_private = chat.is_private;
    incoming.event.at = moment_of(date, now_);
    incoming.event.what = std::move(said);
    give(std::move(incoming));
  }

  static Attachment read_sticker(const dom::object& sticker) {
    Attachment file = read_file(sticker, AttachmentKind::Sticker);
    file.mime = flag_at(sticker, "is_animated") ? "application/x-tgsticker"
                : flag_at(sticker, "is_video")  ? "video/webm"
                                                : "image/webp";
    return file;
  }

  void read_press(const dom::object& query) {
    Incoming incoming;
    ButtonPress press;
    dom::object from;
    if (!object_at(query, "from", from)) return skip("a press without a sender");
    incoming.person = read_person(from);
    if (incoming.person.id.empty()) return skip("a press without a sender");
    if (incoming.person.is_bot) return skip("a press of a bot");
    std::string_view data;
    if (query["data"].get(data) != SUCCESS) return skip("a press without data");
    press.press_id = text_at(query, "id");
    press.payload = data;

    // A press on a message sent through inline mode tells no chat: the person's own is meant.
    Chat chat{0, false, true};
    dom::object message;
    if (object_at(query, "message", message)) {
      dom::object of;
      if (object_at(message, "chat", of)) chat = read_chat(of);
      if (const std::int64_t id = int_at(message, "message_id"); id != 0) press.message_id = std::to_string(id);
      if (const std::int64_t thread = int_at(message, "message_thread_id");
          thread > 0 && !chat.is_private && flag_at(message, "is_topic_message")) {
        incoming.topic = std::to_string(thread);
      }
    }
    incoming.chat = {"telegram", chat.known ? std::to_string(chat.id) : incoming.person.id};
    incoming.is_private = chat.is_private;
    incoming.event.at = Moment{now_};
    incoming.event.what = std::move(press);
    give(std::move(incoming));
  }

  void read_member(const dom::object& change) {
    Incoming incoming;
    dom::object of;
    if (!object_at(change, "chat", of)) return skip("a change of membership without a chat");
    const Chat chat = read_chat(of);
    if (!chat.known || !chat.is_private) return skip("a change of membership in a group");
    dom::object from;
    if (!object_at(change, "from", from)) return skip("a change of membership without a person");
    incoming.person = read_person(from);
    if (incoming.person.id.empty()) return skip("a change of membership without a person");
    dom::object member;
    const std::string_view status =
        object_at(change, "new_chat_member", member) ? text_at(member, "status") : std::string_view();
    if (status != "kicked" && status != "member") return skip("a change of membership");
    incoming.chat = {"telegram", std::to_string(chat.id)};
    incoming.is_private = true;
    incoming.event.at = moment_of(int_at(change, "date"), now_);
    incoming.event.what = Reachability{status == "member"};
    give(std::move(incoming));
  }

  const BotIdentity& bot_;
  std::int64_t now_;
  DecodedUpdate& out_;
};

}  // namespace

struct UpdateDecoder::Impl {
  dom::parser parser{std::size_t{64} << 20};

  bool parse(std::string& body, dom::element& root) {
    body.reserve(body.size() + simdjson::SIMDJSON_PADDING);  // spares simdjson a copy
    if (parser.parse(body).get(root) == SUCCESS) return true;
    std::string again = repaired_json(body);
    if (again == body) return false;
    body = std::move(again);
    return parser.parse(body).get(root) == SUCCESS;
  }

  static DecodedUpdate read_one(const dom::element& element, const BotIdentity& bot, std::int64_t now,
                                bool& has_id) {
    DecodedUpdate out;
    dom::object update;
    has_id = element.get(update) == SUCCESS && update["update_id"].get(out.update_id) == SUCCESS;
    if (!has_id) {
      out.skipped = "an update without an id";
      return out;
    }
    UpdateReader(bot, now, out).read(update);
    return out;
  }
};

UpdateDecoder::UpdateDecoder() : impl_(std::make_unique<Impl>()) {}
UpdateDecoder::~UpdateDecoder() = default;
UpdateDecoder::UpdateDecoder(UpdateDecoder&&) noexcept = default;

DecodedUpdates UpdateDecoder::read_answer(std::string& body, const BotIdentity& bot,
                                          std::int64_t now_unix_ms) {
  DecodedUpdates out;
  dom::element root;
  dom::object answer;
  dom::array updates;
  if (!impl_->parse(body, root) || root.get(answer) != SUCCESS || !flag_at(answer, "ok") ||
      answer["result"].get(updates) != SUCCESS) {
    return out;
  }
  out.incoming.reserve(updates.size());
  bool any_id = false;
  for (const dom::element element : updates) {
    bool has_id = false;
    DecodedUpdate one = Impl::read_one(element, bot, now_unix_ms, has_id);
    ++out.count;
    if (has_id) {
      out.last_update_id = any_id ? std::max(out.last_update_id, one.update_id) : one.update_id;
      any_id = true;
    }
    out.needs_username = out.needs_username || one.needs_username;
    if (one.incoming) {
      out.incoming.push_back(std::move(*one.incoming));
    } else {
      out.skipped.push_back(std::move(one.skipped));
    }
  }
  // Updates without a single id cannot be confirmed: that is no answer of this platform.
  out.ok = out.count == 0 || any_id;
  return out;
}

DecodedUpdate UpdateDecoder::read_update(std::string& body, const BotIdentity& bot,
                                         std::int64_t now_unix_ms) {
  dom::element root;
  if (!impl_->parse(body, root)) {
    DecodedUpdate out;
    out.skipped = "not JSON";
    return out;
  }
  bool has_id = false;
  return Impl::read_one(root, bot, now_unix_ms, has_id);
}

}  // namespace sufler::telegram

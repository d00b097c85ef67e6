#include "interpreter/transports/vk/update_decoder.h"

#include <algorithm>
#include <utility>

#include "interpreter/core/text.h"
#include "interpreter/transports/files.h"
#include "interpreter/transports/json_repair.h"
#include "interpreter/transports/vk/buttons.h"
#include "interpreter/transports/vk/file_reference.h"
#include "interpreter/transports/vk/json_fields.h"

// The shapes of every API version that still reaches bots are read, told apart by their members rather than
// by the version: `object.message` or the message itself, `text` or `body`, `from_id` or `user_id`.

namespace sufler::vk {
namespace {

constexpr std::size_t kMostAttachments = 100;
constexpr int kForwardDepth = 3;
constexpr std::size_t kReferenceCodePoints = 200;  // of a `ref`
constexpr std::size_t kForeignPayloadBytes = 1000;

/// When it happened. VK tells whole seconds, rounded down; a fresh event happened now.
Moment moment_of(std::int64_t unix_seconds, std::int64_t now_unix_ms) {
  if (unix_seconds <= 0 || unix_seconds > now_unix_ms / 1000) return Moment{now_unix_ms};
  return Moment{std::min(now_unix_ms, unix_seconds * 1000 + 999)};
}

std::string_view language_of(std::int64_t lang_id) {
  switch (lang_id) {
    case 0: return "ru";
    case 1: return "uk";
    case 2: return "be";
    case 3: return "en";
    default: return {};
  }
}

bool is_blank(std::string_view text) { return trim(text).empty(); }

// ------------------------------------------------------------------- attachments

/// `photo1_2_key`; empty when it has no id.
std::string name_of(std::string_view type, const dom::object& file) {
  const std::int64_t id = int_at(file, "id");
  std::int64_t owner = int_at(file, "owner_id");
  if (owner == 0) owner = int_at(file, "to_id", int_at(file, "from_id"));
  if (id == 0 || owner == 0) return {};
  std::string name(type);
  name.append(std::to_string(owner)).append("_").append(std::to_string(id));
  const std::string_view key = text_at(file, "access_key");
  const bool plain = std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
  });
  if (!key.empty() && plain) name.append("_").append(key);
  return name;
}

/// The address of the largest picture of a list.
std::string_view largest_of(const dom::object& of, std::string_view key) {
  dom::array sizes;
  std::string_view best;
  std::int64_t most = -1;
  if (of[key].get(sizes) != SUCCESS) return best;
  for (const dom::element one : sizes) {
    dom::object size;
    if (one.get(size) != SUCCESS) continue;
    const std::string_view url = text_at(size, "url");
    if (url.empty()) continue;
    // Sides come from outside: not to overflow.
    const std::int64_t width = std::clamp<std::int64_t>(int_at(size, "width"), 0, 1 << 20);
    const std::int64_t area = width * std::clamp<std::int64_t>(int_at(size, "height"), 0, 1 << 20);
    if (area > most) most = area, best = url;
  }
  return best;
}

bool is_web(std::string_view url) {
  return (url.rfind("https://", 0) == 0 || url.rfind("http://", 0) == 0) &&
         url.find_first_of(" \t\r\n") == std::string_view::npos;
}

/// The message that brings a file, from where its address can be had again.
struct Bringing {
  std::int64_t peer = 0;
  std::int64_t number = 0;
};

Attachment read_attachment(std::string_view type, const dom::object& file, Bringing by) {
  Attachment read;
  read.origin = "vk";
  FileReference reference;
  reference.peer = by.peer;
  reference.number = by.number;
  std::string_view url;
  if (type == "photo") {
    read.kind = AttachmentKind::Photo;
    read.mime = "image/jpeg";
    url = largest_of(file, "sizes");
    dom::object original;
    if (url.empty() && object_at(file, "orig_photo", original)) url = text_at(original, "url");
    // The members of API versions before 5.77.
    for (const char* key : {"photo_2560", "photo_1280", "photo_807", "photo_604", "photo_130", "photo_75"}) {
      if (url.empty()) url = text_at(file, key);
    }
    reference.name = name_of("photo", file);
  } else if (type == "doc") {
    read.kind = AttachmentKind::Document;
    read.size = int_at(file, "size", -1);
    std::string name = clean_file_name(plain_text(text_at(file, "title")));
    const std::string ending = clean_file_name(text_at(file, "ext"));
    const bool has_ending = name.size() > ending.size() && name[name.size() - ending.size() - 1] == '.' &&
                            to_lower(name.substr(name.size() - ending.size())) == to_lower(ending);
    if (!ending.empty() && !has_ending) name.append(name.empty() ? "file." : ".").append(ending);
    read.name = clean_file_name(name);
    url = text_at(file, "url");
    reference.name = name_of("doc", file);
  } else if (type == "audio_message") {
    read.kind = AttachmentKind::Voice;
    read.mime = "audio/ogg";
    url = text_at(file, "link_ogg");
    if (url.empty()) url = text_at(file, "link_mp3"), read.mime = "audio/mpeg";
    reference.name = name_of("doc", file);
  } else if (type == "sticker") {
    read.kind = AttachmentKind::Sticker;
    read.mime = "image/png";
    url = largest_of(file, "images");
    if (url.empty()) url = largest_of(file, "images_with_background");
    const std::int64_t id = int_at(file, "sticker_id", int_at(file, "id"));
    if (id > 0) reference.name = "sticker" + std::to_string(id);
  } else if (type == "video") {
    read.kind = AttachmentKind::Video;
    read.name = clean_file_name(plain_text(text_at(file, "title")));
    reference.name = name_of("video", file);
  } else if (type == "audio") {
    read.kind = AttachmentKind::Audio;
    read.mime = "audio/mpeg";
    read.name = clean_file_name(plain_text(text_at(file, "title")));
    url = text_at(file, "url");
    reference.name = name_of("audio", file);
  } else {
    read.kind = AttachmentKind::Other;
    read.name = clean_file_name(type);
    url = text_at(file, "url");
    if (url.empty()) url = largest_of(file, "sizes");
    reference.name = name_of(read.name, file);
    if (reference.name.find_first_of(" ,") != std::string::npos) reference.name.clear();
  }
  if (is_web(url)) reference.url = url;
  read.reference = reference.to_string();
  return read;
}

void read_attachments(const dom::object& message, Bringing by, std::vector<Attachment>& to) {
  dom::array attachments;
  if (message["attachments"].get(attachments) != SUCCESS) return;
  for (const dom::element one : attachments) {
    dom::object attachment;
    dom::object file;
    if (to.size() >= kMostAttachments || one.get(attachment) != SUCCESS) continue;
    const std::string_view type = text_at(attachment, "type");
    if (type.empty() || !object_at(attachment, type, file)) continue;
    to.push_back(read_attachment(type, file, by));
  }
}

bool read_place(double latitude, double longitude, std::optional<Location>& location) {
  if (!(latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180)) return false;
  const std::optional<Decimal> north = Decimal::from_double(latitude);
  const std::optional<Decimal> east = Decimal::from_double(longitude);
  if (!north || !east) return false;
  location = Location{*north, *east};
  return true;
}

/// `{"coordinates":{"latitude":…,"longitude":…}}`, or of old `{"coordinates":"LATITUDE LONGITUDE"}`.
void read_geo(const dom::object& geo, std::optional<Location>& location) {
  dom::object coordinates;
  std::string_view text;
  if (object_at(geo, "coordinates", coordinates)) {
    double latitude = 0;
    double longitude = 0;
    if (coordinates["latitude"].get(latitude) == SUCCESS && coordinates["longitude"].get(longitude) == SUCCESS) {
      read_place(latitude, longitude, location);
    }
  } else if (geo["coordinates"].get(text) == SUCCESS) {
    double sides[2] = {0, 0};
    const char* at = text.data();
    const char* const end = at + text.size();
    for (double& side : sides) {
      while (at != end && *at == ' ') ++at;
      const auto read = std::from_chars(at, end, side);
      if (read.ec != std::errc()) return;
      at = read.ptr;
    }
    if (at == end) read_place(sides[0], sides[1], location);
  }
}

// ------------------------------------------------------------------- messages

std::string_view raw_text(const dom::object& message) {
  std::string_view text;
  return message["text"].get(text) == SUCCESS ? text : text_at(message, "body");
}

/// What a person sent on: the texts and files of forwarded messages, which are the answer when the message
/// itself says nothing.
void read_forwarded(const dom::object& message, int depth, Bringing by, std::string& text,
                    std::vector<Attachment>& files, std::size_t& left) {
  dom::array forwarded;
  if (depth > kForwardDepth || message["fwd_messages"].get(forwarded) != SUCCESS) return;
  for (const dom::element one : forwarded) {
    dom::object inner;
    if (left == 0 || one.get(inner) != SUCCESS) return;
    --left;
    const std::string said = plain_text(raw_text(inner));
    if (!is_blank(said)) {
      if (!text.empty()) text += '\n';
      text += said;
    }
    read_attachments(inner, by, files);
    read_forwarded(inner, depth + 1, by, text, files, left);
  }
}

/// `[club1|@shop] да` in its parts.
bool take_mention(std::string& text, std::int64_t group_id) {
  for (const std::string_view kind : {"[club", "[public", "[event"}) {
    const std::string mention = std::string(kind) + std::to_string(group_id) + "|";
    if (text.compare(0, mention.size(), mention) != 0) continue;
    const std::size_t end = text.find(']');
    if (end == std::string::npos) return false;
    std::string_view rest = std::string_view(text).substr(end + 1);
    if (!rest.empty() && (rest.front() == ',' || rest.front() == ':')) rest.remove_prefix(1);
    text = std::string(trim(rest));
    return true;
  }
  return false;
}

/// What VK's own button for the first message of a dialog says.
bool is_beginning(std::string_view text) {
  const std::string word = fold(text);
  return word == "начать" || word == "start" || word == "/start";
}

/// Which of the members that few messages have are there, found in one walk: to look for each takes a walk as well.
class Rare {
 public:
  enum Name : unsigned { Action, Payload, Ref, Attachments, Geo, Reply, Forwarded };

  explicit Rare(const dom::object& message) {
    constexpr std::string_view kNames[] = {"action", "payload", "ref", "attachments", "geo", "reply_message", "fwd_messages"};
    for (const auto [key, value] : message) {
      for (unsigned i = 0; i < std::size(kNames); ++i) {
        if (key == kNames[i]) there_ |= 1U << i;
      }
    }
  }
  bool has(Name name) const { return (there_ >> name & 1U) != 0; }

 private:
  unsigned there_ = 0;
};

class EventReader {
 public:
  EventReader(dom::parser& payloads, const Community& community, std::int64_t now_unix_ms, DecodedUpdate& out)
      : payloads_(payloads), community_(community), now_(now_unix_ms), out_(out) {}

  /// `{"type":…,"object":{…},"event_id":…}`
  void read(const dom::object& update) {
    const std::string_view type = text_at(update, "type");
    dom::object object;
    if (type.empty()) return skip("an event without a type");
    const bool has_object = object_at(update, "object", object);
    // Half of all events are these: nothing else of them is looked at.
    if (has_object && type == "message_reply" && is_ours(object)) return skip(kEcho);
    event_id_ = text_at(update, "event_id").substr(0, 100);
    const bool wanted = type == "message_new" || type == "message_reply" || type == "message_edit" ||
                        type == "message_event" || type == "message_allow" || type == "message_deny";
    if (!wanted) {
      out_.skipped = "an event of the type `";
      out_.skipped += first_code_points(type, 40);
      out_.skipped += '`';
      return;
    }
    if (!has_object) return skip("an event without an object");
    if (type == "message_event") return read_press(object);
    if (type == "message_allow" || type == "message_deny") return read_permission(object, type == "message_allow");
    dom::object message;
    dom::object client;
    if (object_at(object, "client_info", client)) language_ = language_of(int_at(client, "lang_id", -1));
    if (!object_at(object, "message", message)) message = object;
    read_message(message, type == "message_edit");
  }

  /// A message by itself, of a new event or of a dialog's history; `out` tells whose it is.
  void read_message(const dom::object& message, bool edited) {
    const std::int64_t from = int_at(message, "from_id", int_at(message, "user_id"));
    const std::int64_t peer = int_at(message, "peer_id", int_at(message, "user_id", from));
    if (peer == 0) return skip("a message without a dialog");
    const bool ours = flag_at(message, "out");
    if (ours || from == -community_.id) return read_reply(message, peer, edited);
    const Rare rare(message);
    if (from < 0 || peer < 0) return skip("a message of another community");
    if (from == 0) return skip("a message without a sender");
    dom::object action;
    if (rare.has(Rare::Action) && object_at(message, "action", action)) return skip("a service message");
    const bool is_private = peer < kFirstConversation;

    UserMessage said;
    said.edited = edited;
    said.text = plain_text(raw_text(message));
    const Pressed pressed = rare.has(Rare::Payload) ? read_text_payload(message) : Pressed{};
    bool addressed = false;
    if (!is_private) addressed = take_mention(said.text, community_.id);
    // What a link to the dialog carries comes as the argument of a deep link does. Its first message has no
    // payload where the community has no Start button.
    std::string reference;
    if (rare.has(Rare::Ref)) reference = plain_text(first_code_points(text_at(message, "ref"), kReferenceCodePoints));
    const bool begins = !is_blank(reference) && is_beginning(said.text);
    if (pressed.start || begins) {
      said.text = "/start";
      if (!is_blank(reference)) said.text.append(" ").append(trim(reference));
    } else if (!pressed.label.empty() && shown_label(pressed.label) == said.text) {
      said.text = pressed.label;
      addressed = true;
    }
    const Bringing by{peer, int_at(message, "conversation_message_id")};
    if (rare.has(Rare::Attachments)) read_attachments(message, by, said.attachments);
    dom::object geo;
    if (rare.has(Rare::Geo) && object_at(message, "geo", geo)) read_geo(geo, said.location);
    dom::object replied;
    const bool is_reply = rare.has(Rare::Reply) && object_at(message, "reply_message", replied);
    if (is_reply) said.reply_to = message_name(peer, int_at(replied, "id"), int_at(replied, "conversation_message_id"));
    if (rare.has(Rare::Forwarded) && is_blank(said.text)) {
      std::size_t left = kMostAttachments;
      std::string forwarded;
      read_forwarded(message, 1, by, forwarded, said.attachments, left);
      if (!forwarded.empty()) said.text = std::move(forwarded);
    }
    if (!said.attachments.empty()) said.attachments.front().caption = said.text;

    if (!is_private && !addressed && !pressed.start) {
      const bool to_us = is_reply && community_.id != 0 && int_at(replied, "from_id") == -community_.id;
      const bool command = said.text.size() > 1 && said.text.front() == '/';
      if (!to_us && !command) return skip("talk of a conversation");
    }

    Incoming incoming;
    incoming.person.id = std::to_string(from);
    incoming.person.language = language_;
    incoming.is_private = is_private;
    const std::int64_t date = int_at(message, "date");
    incoming.event.at = moment_of(edited ? int_at(message, "update_time", date) : date, now_);
    if (!identify_message(message, peer, edited, incoming.id)) return;
    said.message_id = message_name(peer, int_at(message, "id"), int_at(message, "conversation_message_id"));
    incoming.event.what = std::move(said);
    give(peer, std::move(incoming));
  }

 private:
  static constexpr std::string_view kEcho = "our own echo";  // short: no memory is taken for it

  void skip(std::string_view reason) { out_.skipped = reason; }

  bool is_ours(const dom::object& message) const {
    return community_.sent != nullptr && community_.sent->has(int_at(message, "random_id"));
  }

  void give(std::int64_t peer, Incoming incoming) {
    incoming.chat = {"vk", std::to_string(peer)};
    out_.incoming = std::move(incoming);
    out_.skipped.clear();
  }

  /// An edited message is another event than the message; the time of the change tells its versions apart, in an
  /// event as in the history. Without that time only the event's own id does.
  bool identify_message(const dom::object& message, std::int64_t peer, bool edited, std::string& id) {
    const std::int64_t number = int_at(message, "conversation_message_id");
    const std::int64_t global = int_at(message, "id");
    const std::int64_t changed = int_at(message, "update_time");
    const bool timeless = edited && changed <= 0 && !event_id_.empty();
    if (number > 0 && !timeless) {
      // The date first: ids that are remembered one after the other lie together in the database.
      id = "m" + std::to_string(int_at(message, "date")) + ":" + std::to_string(peer) + ":" + std::to_string(number);
    } else if (!event_id_.empty()) {
      id = event_id_;
      return true;
    } else if (global > 0) {
      id = "i" + std::to_string(peer) + ":" + std::to_string(global);
    } else {
      skip("a message without a number");
      return false;
    }
    if (edited) id += "e" + std::to_string(changed > 0 ? changed : int_at(message, "date"));
    return true;
  }

  /// An outgoing message: of a person of the community, our own, or of another program.
  void read_reply(const dom::object& message, std::int64_t peer, bool edited) {
    if (edited) return skip("an edited message of the community");
    if (is_ours(message)) return skip(kEcho);
    const std::int64_t author = int_at(message, "admin_author_id");
    if (author <= 0) return skip("a message that a program sent");
    // Nobody's dialog is there: what staff say among themselves, in whichever name, silences no bot.
    if (peer < 0 || peer >= kFirstConversation) return skip("a staff message in a conversation");
    Incoming incoming;
    incoming.person.id = std::to_string(peer);
    incoming.event.at = moment_of(int_at(message, "date"), now_);
    if (!identify_message(message, peer, false, incoming.id)) return;
    StaffMessage said{plain_text(raw_text(message)), std::to_string(author)};
    read_attachments(message, {peer, int_at(message, "conversation_message_id")}, said.attachments);
    incoming.event.what = std::move(said);
    give(peer, std::move(incoming));
  }

  struct Pressed {
    bool start = false;
    std::string label;
  };
  /// Parses a payload, which is JSON in a string or the JSON itself.
  bool payload_object(const dom::object& of, dom::object& payload) {
    std::string_view text;
    if (object_at(of, "payload", payload)) return true;
    if (of["payload"].get(text) != SUCCESS || text.empty() || text.size() > 4 * kForeignPayloadBytes) return false;
    return payloads_.parse(text.data(), text.size()).get(payload) == SUCCESS;
  }

  Pressed read_text_payload(const dom::object& message) {
    Pressed pressed;
    dom::object payload;
    if (!payload_object(message, payload)) return pressed;
    pressed.start = text_at(payload, "command") == "start";
    pressed.label = text_at(payload, "t");
    return pressed;
  }

  void read_press(const dom::object& event) {
    PressPlace place;
    place.event_id = text_at(event, "event_id").substr(0, 100);
    place.user_id = int_at(event, "user_id");
    place.peer_id = int_at(event, "peer_id", place.user_id);
    if (place.user_id <= 0) return skip("a press without a sender");
    if (place.peer_id <= 0) return skip("a press without a dialog");
    if (place.event_id.empty()) return skip("a press without an id");
    ButtonPress press;
    press.press_id = place.to_string();
    dom::object payload;
    if (payload_object(event, payload)) {
      std::string_view ours;
      if (payload["p"].get(ours) == SUCCESS) {
        press.payload = ours;
      } else {
        // Of another program's button: it begins with a brace, as none of ours does, so it is an old one.
        std::string foreign = simdjson::minify(payload);
        if (foreign.size() <= kForeignPayloadBytes) press.payload = std::move(foreign);
      }
    }
    if (const std::int64_t number = int_at(event, "conversation_message_id"); number > 0) {
      press.message_id = message_name(place.peer_id, 0, number);
    }
    Incoming incoming;
    incoming.id = event_id_.empty() ? "p" + place.event_id : event_id_;
    incoming.person.id = std::to_string(place.user_id);
    incoming.is_private = place.peer_id < kFirstConversation;
    incoming.event.at = Moment{now_};
    incoming.event.what = std::move(press);
    give(place.peer_id, std::move(incoming));
  }

  void read_permission(const dom::object& event, bool allowed) {
    const std::int64_t user = int_at(event, "user_id");
    if (user <= 0) return skip("a permission without a person");
    Incoming incoming;
    // Without an id each is taken as new: to hear the same twice changes nothing.
    incoming.id = !event_id_.empty() ? event_id_
                                     : (allowed ? "allow" : "deny") + std::to_string(user) + ":" +
                                           std::to_string(now_);
    incoming.person.id = std::to_string(user);
    incoming.event.at = Moment{now_};
    incoming.event.what = Reachability{allowed};
    give(user, std::move(incoming));
  }

  dom::parser& payloads_;
  const Community& community_;
  std::int64_t now_;
  DecodedUpdate& out_;
  std::string event_id_;
  std::string_view language_;
};

}  // namespace

struct UpdateDecoder::Impl {
  dom::parser parser{std::size_t{64} << 20};
  dom::parser payloads{std::size_t{1} << 20};

  bool parse(std::string& body, dom::element& root) {
    body.reserve(body.size() + simdjson::SIMDJSON_PADDING);  // spares simdjson a copy
    if (parser.parse(body).get(root) == SUCCESS) return true;
    std::string again = repaired_json(body);
    if (again == body) return false;
    body = std::move(again);
    return parser.parse(body).get(root) == SUCCESS;
  }

  /// The `response` of a method.
  bool parse_response(std::string& body, dom::object& response) {
    dom::element root;
    dom::object answer;
    return parse(body, root) && root.get(answer) == SUCCESS && object_at(answer, "response", response);
  }
};

UpdateDecoder::UpdateDecoder() : impl_(std::make_unique<Impl>()) {}
UpdateDecoder::~UpdateDecoder() = default;
UpdateDecoder::UpdateDecoder(UpdateDecoder&&) noexcept = default;

PollAnswer UpdateDecoder::read_poll(std::string& body, const Community& community, std::int64_t now_unix_ms) {
  PollAnswer out;
  dom::element root;
  dom::object answer;
  if (!impl_->parse(body, root) || root.get(answer) != SUCCESS) return out;
  std::int64_t number = 0;
  dom::element ts;
  if (answer["ts"].get(ts) == SUCCESS) {
    std::string_view text;
    if (ts.get(text) == SUCCESS) {
      out.ts = text.substr(0, 100);
    } else if (ts.get(number) == SUCCESS) {
      out.ts = std::to_string(number);
    }
  }
  using Kind = PollAnswer::Kind;
  dom::element failed;
  if (answer["failed"].get(failed) == SUCCESS) {
    switch (int_at(answer, "failed")) {
      case 1: out.kind = out.ts.empty() ? Kind::AllLost : Kind::SomeLost; break;
      case 2: out.kind = Kind::KeyExpired; break;
      default: out.kind = Kind::AllLost; break;  // 3, and what is not known: begin anew
    }
    return out;
  }
  dom::array updates;
  if (out.ts.empty() || answer["updates"].get(updates) != SUCCESS) return out;
  out.kind = Kind::Updates;
  out.incoming.reserve(updates.size());
  for (const dom::element element : updates) {
    ++out.count;
    dom::object update;
    DecodedUpdate one;
    if (element.get(update) == SUCCESS) {
      EventReader(impl_->payloads, community, now_unix_ms, one).read(update);
    } else {
      one.skipped = "an event that is no object";
    }
    if (one.incoming) {
      out.incoming.push_back(std::move(*one.incoming));
    } else {
      out.skipped.push_back(std::move(one.skipped));
    }
  }
  return out;
}

WebhookEvent UpdateDecoder::read_webhook(std::string& body, const Community& community,
                                         std::int64_t now_unix_ms) {
  WebhookEvent out;
  dom::element root;
  dom::object update;
  if (!impl_->parse(body, root) || root.get(update) != SUCCESS) {
    out.update.skipped = "not a JSON object";
    return out;
  }
  out.readable = true;
  out.type = text_at(update, "type");
  out.secret = text_at(update, "secret");
  out.group_id = int_at(update, "group_id");
  EventReader(impl_->payloads, community, now_unix_ms, out.update).read(update);
  return out;
}

Conversations UpdateDecoder::read_conversations(std::string& body) {
  Conversations out;
  dom::object response;
  dom::array items;
  if (!impl_->parse_response(body, response) || response["items"].get(items) != SUCCESS) return out;
  out.ok = true;
  for (const dom::element element : items) {
    dom::object item;
    dom::object conversation;
    dom::object peer;
    dom::object last;
    if (element.get(item) != SUCCESS || !object_at(item, "last_message", last)) continue;
    Conversations::One one;
    one.last_at = std::max(int_at(last, "date"), int_at(last, "update_time"));
    one.peer_id = int_at(last, "peer_id");
    if (object_at(item, "conversation", conversation) && object_at(conversation, "peer", peer)) {
      one.peer_id = int_at(peer, "id", one.peer_id);
    }
    if (one.peer_id != 0) out.all.push_back(one);
  }
  return out;
}

History UpdateDecoder::read_history(std::string& body, const Community& community, std::int64_t since,
                                    std::int64_t now_unix_ms) {
  History out;
  dom::object response;
  dom::array items;
  if (!impl_->parse_response(body, response) || response["items"].get(items) != SUCCESS) return out;
  out.ok = true;
  for (const dom::element element : items) {
    dom::object message;
    if (element.get(message) != SUCCESS) continue;
    const std::int64_t date = int_at(message, "date");
    out.oldest = out.count++ == 0 ? date : std::min(out.oldest, date);
    const bool edited = int_at(message, "update_time") >= since && int_at(message, "update_time") > 0;
    // The event of a message that was changed since may have come before the loss: its change is one of its own.
    for (const bool change : {false, true}) {
      if (change ? !edited : date < since) continue;
      DecodedUpdate one;
      EventReader(impl_->payloads, community, now_unix_ms, one).read_message(message, change);
      if (one.incoming) out.incoming.push_back(std::move(*one.incoming));
    }
  }
  return out;
}

std::vector<Attachment> UpdateDecoder::read_files(std::string& body) {
  std::vector<Attachment> files;
  dom::object response;
  dom::array items;
  if (!impl_->parse_response(body, response) || response["items"].get(items) != SUCCESS) return files;
  for (const dom::element element : items) {
    dom::object message;
    if (element.get(message) != SUCCESS) continue;
    const Bringing by{int_at(message, "peer_id"), int_at(message, "conversation_message_id")};
    read_attachments(message, by, files);
    std::string text;
    std::size_t left = kMostAttachments;
    read_forwarded(message, 1, by, text, files, left);
  }
  return files;
}

std::string plain_text(std::string_view text) {
  struct Sign {
    std::string_view written;
    char meant;
  };
  static constexpr Sign kSigns[] = {{"&lt;", '<'},   {"&gt;", '>'},   {"&amp;", '&'},  {"&quot;", '"'},
                                    {"&#39;", '\''}, {"&apos;", '\''}, {"<br>", '\n'}, {"<br/>", '\n'},
                                    {"<br />", '\n'}};
  if (text.find_first_of("&<") == std::string_view::npos) return std::string(text);
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Sign* found = nullptr;
    if (text.front() == '&' || text.front() == '<') {
      for (const Sign& sign : kSigns) {
        if (text.compare(0, sign.written.size(), sign.written) == 0) found = &sign;
      }
    }
    out += found != nullptr ? found->meant : text.front();
    text.remove_prefix(found != nullptr ? found->written.size() : 1);
  }
  return out;
}

}  // namespace sufler::vk

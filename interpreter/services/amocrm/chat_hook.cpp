#include "interpreter/services/amocrm/chat_hook.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "interpreter/core/crm_chat.h"
#include "interpreter/services/llm/wire_json.h"

namespace sufler::amocrm {
namespace {

using llm::Json;

/// What is read of a text; whoever sends more is cut.
constexpr std::size_t kMostText = 64 * 1024;

/// A text, or a number as one; empty when it is absent, null or anything else.
std::string text_at(const Json& object, std::string_view name) {
  const Json* const value = llm::member(object, name);
  if (!value) return {};
  if (value->is_string()) return llm::mended(value->get_ref<const std::string&>());
  if (value->is_number_integer()) return std::to_string(value->get<std::int64_t>());
  return {};
}

std::int64_t number_at(const Json& object, std::string_view name) {
  const Json* const value = llm::member(object, name);
  return value && value->is_number_integer() ? value->get<std::int64_t>() : 0;
}

const Json& object_at(const Json& object, std::string_view name) {
  static const Json kNone = Json::object();
  const Json* const value = llm::member(object, name);
  return value && value->is_object() ? *value : kNone;
}

AttachmentKind kind_of(std::string_view type) {
  if (type == "picture") return AttachmentKind::Photo;
  if (type == "video") return AttachmentKind::Video;
  if (type == "voice") return AttachmentKind::Voice;
  if (type == "audio") return AttachmentKind::Audio;
  if (type == "sticker") return AttachmentKind::Sticker;
  return AttachmentKind::Document;
}

/// `https://host/a/b.pdf?x` → `b.pdf`
std::string name_in(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const std::size_t scheme = url.find("://");
  const std::size_t slash = url.rfind('/');
  if (slash == url.npos || (scheme != url.npos && slash < scheme + 3)) return {};
  return std::string(url.substr(slash + 1));
}

void add_line(std::string& text, const std::string& line, std::string_view between) {
  if (line.empty()) return;
  if (!text.empty()) text += between;
  text += line;
}

/// Buttons and lists become words: the client's answer is a text anyhow.
void add_markup(const Json& message, std::string& text) {
  const Json& markup = object_at(message, "markup");
  if (const Json* rows = llm::member(markup, "buttons"); rows && rows->is_array()) {
    std::string shown;
    for (const Json& row : *rows) {
      std::string line;
      if (row.is_array())
        for (const Json& button : row)
          if (const std::string label = text_at(button, "text"); !label.empty()) add_line(line, "[" + label + "]", " ");
      add_line(shown, line, "\n");
    }
    add_line(text, shown, "\n");
  }
  const Json& list = object_at(markup, "list_message");
  for (const char* part : {"header", "body", "footer"}) add_line(text, text_at(list, part), "\n");
  if (const Json* sections = llm::member(list, "sections"); sections && sections->is_array())
    for (const Json& section : *sections) {
      add_line(text, text_at(section, "title"), "\n");
      if (const Json* rows = llm::member(section, "rows"); rows && rows->is_array())
        for (const Json& row : *rows) {
          std::string line = text_at(row, "title");
          if (const std::string about = text_at(row, "description"); !about.empty()) line += " — " + about;
          add_line(text, line.empty() ? line : "• " + line, "\n");
        }
    }
}

void read_message(const Json& root, ChatHook& hook) {
  const Json& envelope = object_at(root, "message");
  const Json& message = object_at(envelope, "message");
  const Json& conversation = object_at(envelope, "conversation");
  const Json& receiver = object_at(envelope, "receiver");
  const Json& sender = object_at(envelope, "sender");
  hook.kind = llm::member(message, "post") ? ChatHook::Kind::Comment : ChatHook::Kind::Message;
  hook.message = text_at(message, "id");
  hook.conversation = text_at(conversation, "id");
  hook.our_conversation = text_at(conversation, "client_id");
  hook.client = text_at(receiver, "client_id");
  hook.phone = text_at(receiver, "phone");
  hook.sender = text_at(sender, "id");
  hook.manager = text_at(sender, "name");
  hook.at.unix_ms = number_at(envelope, "msec_timestamp");
  if (hook.at.unix_ms <= 0) hook.at.unix_ms = number_at(envelope, "timestamp") * 1000;
  hook.text = text_at(message, "text");
  add_markup(message, hook.text);
  const Json& place = object_at(message, "location");
  if (const Json *lat = llm::member(place, "lat"), *lon = llm::member(place, "lon"); lat && lon)
    add_line(hook.text, llm::dumped(*lat) + ", " + llm::dumped(*lon), "\n");
  const Json& contact = object_at(message, "contact");
  add_line(hook.text, text_at(contact, "name"), "\n");
  add_line(hook.text, text_at(contact, "phone"), " ");
  if (hook.text.size() > kMostText) hook.text.resize(kMostText);
  const std::string media = text_at(message, "media");
  if (media.empty()) return;
  Attachment file;
  file.kind = kind_of(text_at(message, "type"));
  file.origin = kCrmTransport;
  file.reference = media;
  file.name = text_at(message, "file_name");
  if (file.name.empty()) file.name = name_in(media);
  if (const std::int64_t size = number_at(message, "file_size"); size > 0) file.size = size;
  hook.attachments.push_back(std::move(file));
}

}  // namespace

std::optional<ChatHook> decode_chat_hook(std::string_view body) {
  const Json root = llm::parse_wire(body);
  if (root.is_discarded() || !root.is_object()) return std::nullopt;
  ChatHook hook;
  hook.account = text_at(root, "account_id");
  if (llm::member(root, "message") && llm::member(object_at(root, "message"), "message")) {
    read_message(root, hook);
  } else if (const Json& action = object_at(root, "action"); llm::member(action, "typing")) {
    hook.kind = ChatHook::Kind::Typing;
  } else if (llm::member(action, "reaction")) {
    hook.kind = ChatHook::Kind::Reaction;
  } else if (llm::member(root, "conversation_id") && llm::member(root, "receiver")) {
    hook.kind = ChatHook::Kind::OldVersion;
  }
  return hook;
}

std::optional<ChatHistory> decode_chat_history(std::string_view body, const std::string& conversation, std::string_view bot_id) {
  const Json root = llm::parse_wire(body);
  const Json* const messages = root.is_object() ? llm::member(root, "messages") : nullptr;
  if (!messages || !messages->is_array()) return std::nullopt;
  ChatHistory history;
  for (const Json& one : *messages) {
    ++history.count;
    ChatHook hook;
    read_message(Json{{"message", one}}, hook);
    if (hook.at.unix_ms > 0 && (history.oldest.unix_ms == 0 || hook.at < history.oldest)) history.oldest = hook.at;
    // People of ours have a `client_id`, the bot its own id, and what we sent a name of ours.
    const Json& sender = object_at(one, "sender");
    const bool ours = !text_at(sender, "client_id").empty() || (!bot_id.empty() && hook.sender == bot_id) ||
                      text_at(object_at(one, "message"), "client_id").starts_with(kOurMessages);
    if (ours || hook.message.empty() || hook.kind != ChatHook::Kind::Message) continue;
    hook.conversation = conversation;
    history.managers.push_back(std::move(hook));
  }
  // The newest comes first; of one second the order is the page's.
  std::reverse(history.managers.begin(), history.managers.end());
  std::stable_sort(history.managers.begin(), history.managers.end(), [](const ChatHook& a, const ChatHook& b) { return a.at < b.at; });
  return history;
}

}  // namespace sufler::amocrm

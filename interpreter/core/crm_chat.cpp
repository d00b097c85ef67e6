#include "interpreter/core/crm_chat.h"

#include <algorithm>
#include <vector>

#include "interpreter/core/crm_handoff.h"
#include "interpreter/core/json_text.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

constexpr std::string_view kPrefix = "sufler";
constexpr const char* kMark = "crm";

/// `:` and `%` stand for themselves no more.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':') {
      out += "%3A";
    } else if (c == '%') {
      out += "%25";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view code = text.substr(i, 3);
    if (code == "%3A" || code == "%25") {
      out.push_back(code == "%25" ? '%' : ':');
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::string person_of(const Conversation& conversation) {
  return std::string(kPrefix) + ":" + escaped(conversation.bot) + ":" + escaped(conversation.chat.transport) + ":" + escaped(conversation.user_id);
}

void append_client(std::string& out, const Conversation& conversation, const CrmClient& client) {
  ObjectWriter person(out);
  person.text("id", person_of(conversation));
  person.text("name", client.name.empty() ? conversation.user_id : client.name);
  if (!client.phone.empty() || !client.email.empty()) {
    ObjectWriter profile(person.name("profile"));
    profile.text("phone", client.phone);
    profile.text("email", client.email);
    profile.end();
  }
  person.text("profile_link", client.link);
  person.end();
}

void append_bot(std::string& out, const Conversation& conversation, const CrmChatSettings& settings) {
  ObjectWriter bot(out);
  bot.text("id", std::string(kPrefix) + ":" + escaped(conversation.bot));
  bot.text("name", settings.bot_name.empty() ? conversation.bot : settings.bot_name);
  bot.text("ref_id", settings.bot_id);
  bot.end();
}

}  // namespace

bool is_stage_of(const std::vector<std::string>& stages, const std::string& stage, const std::string& pipeline) {
  const std::string name = fold(stage), whole = fold(pipeline + "/" + stage);
  for (const std::string& one : stages) {
    const std::string wanted = fold(one);
    if (wanted == name || wanted == whole) return true;
  }
  return false;
}

std::string to_string(const Conversation& conversation) {
  std::string text(kPrefix);
  for (const std::string& part : {conversation.bot, conversation.chat.transport, conversation.chat.chat_id}) text += ":" + escaped(part);
  if (conversation.user_id != conversation.chat.chat_id) text += ":" + escaped(conversation.user_id);
  return text;
}

std::optional<Conversation> read_conversation(std::string_view text) {
  std::vector<std::string> parts;
  while (parts.size() <= 5) {
    const std::size_t end = std::min(text.find(':'), text.size());
    parts.push_back(unescaped(text.substr(0, end)));
    if (end == text.size()) break;
    text.remove_prefix(end + 1);
  }
  if ((parts.size() != 4 && parts.size() != 5) || parts[0] != kPrefix) return std::nullopt;
  for (const std::string& part : parts)
    if (part.empty()) return std::nullopt;
  return Conversation{parts[1], {parts[2], parts[3]}, parts.back()};
}

ApiCall crm_message(const Conversation& conversation, const CrmClient& client, const CrmChatSettings& settings, const CrmSaid& said) {
  ApiCall call;
  call.method = "message";
  ObjectWriter whole(call.body);
  whole.text("event_type", said.edited ? "edit_message" : "new_message");
  ObjectWriter payload(whole.name("payload"));
  payload.number("timestamp", said.at.unix_ms / 1000);
  payload.number("msec_timestamp", said.at.unix_ms);
  payload.text("msgid", said.msgid);
  payload.text("conversation_id", to_string(conversation));
  if (!said.edited) {
    if (said.by_bot) {
      append_bot(payload.name("sender"), conversation, settings);
      append_client(payload.name("receiver"), conversation, client);
    } else {
      append_client(payload.name("sender"), conversation, client);
    }
  }
  ObjectWriter message(payload.name("message"));
  message.text("type", said.media.empty() ? "text" : said.type);
  append_json_string(message.name("text"), said.text);
  message.text("media", said.media);
  message.text("file_name", said.media.empty() ? std::string() : said.file_name);
  if (!said.media.empty() && said.file_size > 0) message.number("file_size", said.file_size);
  message.end();
  if (!said.edited) payload.name("silent") += said.silent ? "true" : "false";
  payload.end();
  whole.end();
  return call;
}

ApiCall crm_opening(const Conversation& conversation, const CrmClient& client, std::int64_t contact_id) {
  ApiCall call;
  call.method = "open";
  ObjectWriter whole(call.body);
  ObjectWriter chat(whole.name("chat"));
  chat.text("conversation_id", to_string(conversation));
  append_client(chat.name("user"), conversation, client);
  chat.end();
  if (contact_id != 0) whole.number("contact_id", contact_id);
  whole.end();
  return call;
}

ApiCall crm_delivery(const std::string& msgid, const CrmChatSettings& settings, const std::string& trouble, int error_code) {
  ApiCall call;
  call.method = "delivery";
  ObjectWriter whole(call.body);
  whole.text("msgid", msgid);
  whole.number(settings.by_status_code ? "status_code" : "delivery_status", trouble.empty() ? 1 : -1);
  if (!trouble.empty()) {
    whole.number("error_code", error_code);
    whole.text("error", trouble);
  }
  whole.end();
  return call;
}

void mark_for_crm(ApiCall& call, const std::string& msgid) {
  FilePart mark;
  mark.field = kMark;
  mark.file.origin = kCrmTransport;
  mark.file.reference = msgid;
  call.files.push_back(std::move(mark));
}

std::string crm_mark(const ApiCall& call) {
  return call.files.empty() || call.files.back().field != kMark ? std::string() : call.files.back().file.reference;
}

ApiCall without_crm_mark(ApiCall call) {
  if (!crm_mark(call).empty()) call.files.pop_back();
  return call;
}

std::string public_address(const Attachment& file) {
  if (file.origin != "vk") return {};
  const std::size_t begin = file.reference.find("https://");
  if (begin == std::string::npos) return {};
  return file.reference.substr(begin, file.reference.find(' ', begin) - begin);
}

std::string crm_type(AttachmentKind kind) {
  switch (kind) {
    case AttachmentKind::Photo: return "picture";
    case AttachmentKind::Voice: return "voice";
    case AttachmentKind::Audio: return "audio";
    case AttachmentKind::Video: return "video";
    case AttachmentKind::Sticker: return "sticker";
    default: return "file";
  }
}

}  // namespace sufler

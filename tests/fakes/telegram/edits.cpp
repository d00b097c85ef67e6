// What a bot does to messages that it sent before.
#include "fakes/common/bytes.h"
#include "fakes/telegram/world.h"

namespace sufler::fakes {
namespace {
constexpr std::int64_t kTwoDaysMs = 48ll * 3600 * 1000;
}  // namespace

StoredMessage& World::own_message(CallContext& call, Chat& chat, const char* missing) {
  if (!call.params.has("message_id")) throw bad_request("message identifier is not specified");
  const auto found = chat.messages.find(call.params.integer("message_id", 0));
  if (found == chat.messages.end() || found->second.deleted) throw bad_request(missing);
  StoredMessage& stored = found->second;
  // Only the bot's own, and only those without a keyboard or with an inline one.
  const bool editable = stored.from_bot && (stored.markup.kind == MarkupKind::None ||
                                            stored.markup.kind == MarkupKind::Inline);
  if (!editable) throw bad_request("message can't be edited");
  return stored;
}

Json World::finish_edit(StoredMessage& stored, const Json& before, const ReplyMarkup& markup,
                        const Json& markup_before) {
  const auto content = [](Json message) {
    for (const char* own : {"reply_markup", "edit_date", "date"}) message.erase(own);
    return message;
  };
  const Json markup_now = markup.kind == MarkupKind::Inline ? markup.json : Json();
  if (content(stored.message) == content(before) && markup_now == markup_before) {
    stored.message = before;
    throw bad_request(
        "message is not modified: specified new message content and reply markup are exactly the "
        "same as a current content and reply markup of the message");
  }
  stored.markup = markup;
  if (markup.kind == MarkupKind::Inline) {
    stored.message["reply_markup"] = markup.json;
  } else {
    stored.message.erase("reply_markup");
  }
  stored.message["edit_date"] = now_s();
  ++stored.edits;
  return stored.message;
}

Json World::edit_text(CallContext& call) {
  Chat& chat = writable_chat(call);
  StoredMessage& stored = own_message(call, chat, "message to edit not found");
  if (!stored.message.contains("text")) {
    throw bad_request("there is no text in the message to edit");
  }
  FormattedText text = text_of(call, "text", "entities");
  check_link_preview(call.params.json("link_preview_options"));
  const ReplyMarkup markup = markup_of(call, chat, true);
  const Json before = stored.message;
  const Json markup_before = stored.markup.json;
  stored.message["text"] = text.text;
  stored.message.erase("entities");
  if (!text.entities.empty()) stored.message["entities"] = text.entities;
  return finish_edit(stored, before, markup, markup_before);
}

Json World::edit_caption(CallContext& call) {
  Chat& chat = writable_chat(call);
  StoredMessage& stored = own_message(call, chat, "message to edit not found");
  if (stored.files.empty()) throw bad_request("there is no caption in the message to edit");
  FormattedText caption =
      caption_of(call, call.params.text("caption"), call.params.text("parse_mode"),
                 call.params.json("caption_entities"), true);
  const ReplyMarkup markup = markup_of(call, chat, true);
  const Json before = stored.message;
  const Json markup_before = stored.markup.json;
  set_caption(stored.message, caption);
  return finish_edit(stored, before, markup, markup_before);
}

Json World::edit_media(CallContext& call) {
  Chat& chat = writable_chat(call);
  StoredMessage& stored = own_message(call, chat, "message to edit not found");
  if (stored.files.empty()) throw bad_request("there is no media in the message to edit");
  const Json media = call.params.json("media");
  if (!media.is_object() || !media.contains("type") || !media.contains("media")) {
    throw bad_request("Can't parse InputMedia: Can't find field \"media\"");
  }
  const std::string type = media["type"];
  FormattedText caption =
      caption_of(call, media.value("caption", ""), media.value("parse_mode", ""),
                 media.contains("caption_entities") ? media["caption_entities"] : Json(), true);
  const ReplyMarkup markup = markup_of(call, chat, true);
  StoredFile& file = resolve_file(call, type, "media", media["media"], type == "photo");
  const Json before = stored.message;
  const Json markup_before = stored.markup.json;
  attach(call.bot, stored, file);
  set_caption(stored.message, caption);
  return finish_edit(stored, before, markup, markup_before);
}

Json World::edit_markup(CallContext& call) {
  Chat& chat = writable_chat(call);
  StoredMessage& stored = own_message(call, chat, "message to edit not found");
  const ReplyMarkup markup = markup_of(call, chat, true);
  return finish_edit(stored, stored.message, markup, stored.markup.json);
}

Json World::delete_message(CallContext& call) {
  Chat& chat = writable_chat(call);
  const auto found = chat.messages.find(call.params.integer("message_id", 0));
  if (found == chat.messages.end() || found->second.deleted) {
    throw bad_request("message to delete not found");
  }
  const bool foreign = !found->second.from_bot && !chat.is_private();
  if (foreign || now_ms() - found->second.at_ms > kTwoDaysMs) {
    throw bad_request("message can't be deleted");
  }
  found->second.deleted = true;
  return true;
}

Json World::delete_messages(CallContext& call) {
  Chat& chat = writable_chat(call);
  const Json ids = call.params.json("message_ids");
  if (!ids.is_array() || ids.empty() || ids.size() > 100) {
    throw bad_request("message identifiers must be an array of 1-100 numbers");
  }
  for (const Json& id : ids) {  // those not found are skipped
    const auto found = chat.messages.find(id.get<std::int64_t>());
    if (found != chat.messages.end()) found->second.deleted = true;
  }
  return true;
}

}  // namespace sufler::fakes

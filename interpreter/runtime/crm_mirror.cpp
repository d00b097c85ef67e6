// The dialog in the CRM's chat, where it was opened: what the person and the bot say goes there, too, as rows of the outbox
// to the conversation. They are written with the turn, so none is lost or doubled, and leave in order.
//
// That the chat is open is kept in the map of messages, as one that is about the dialog: it goes with the dialog.
#include <algorithm>

#include "interpreter/core/crm_chat.h"
#include "interpreter/core/json_text.h"
#include "interpreter/core/play.h"
#include "interpreter/runtime/turn_player.h"
#include "storage/crm_store.h"

namespace sufler {
namespace {

constexpr const char* kOpen = "open";
/// A turn's button press is shown by its label, which an earlier message has.
constexpr std::size_t kRowsForLabels = 20;

/// From memory of the chats' documentation: the person deleted the talk; anything else, with a text.
constexpr int kGone = 901, kOther = 905;

ChatAddress place_of_chat(std::int64_t dialog_id) { return {std::string(kCrmTransport), "dialog:" + std::to_string(dialog_id)}; }

CrmClient client_of(const UserRecord& user) {
  CrmClient client;
  client.name = user.first_name;
  if (!user.last_name.empty()) client.name += (client.name.empty() ? "" : " ") + user.last_name;
  if (const Value* name = user.values.find("name"); client.name.empty() && name && name->text()) client.name = *name->text();
  client.phone = user.phone;
  if (const Value* email = user.values.find("email"); email && email->text()) client.email = *email->text();
  if (user.platform == "vk") client.link = "https://vk.com/id" + user.id;
  if (user.platform == "telegram" && !user.username.empty()) client.link = "https://t.me/" + user.username;
  return client;
}

Conversation conversation_of(const std::string& bot, const DialogKey& key) { return {bot, key.chat, key.user_id}; }

}  // namespace

std::string TurnPlayer::new_msgid(std::int64_t dialog_id) {
  return std::string(kOurMessages) + std::to_string(dialog_id) + "-" + std::to_string(mix(~setup_.seed + ++call_counter_) >> 8);
}

Stored<std::int64_t> TurnPlayer::crm_contact_of(Transaction& tx, const DialogKey& key) const {
  auto links = CrmStore(tx).links(setup_.crm_account, {key.bot, key.chat.transport, key.user_id});
  if (!links) return Error{links.error()};
  return links->contact_id;
}

Stored<bool> TurnPlayer::is_shown_in_crm(Transaction& tx, std::int64_t dialog_id) const {
  if (!setup_.crm_chat || dialog_id == 0) return false;
  auto found = tx.dialog_of_message(setup_.name, place_of_chat(dialog_id), kOpen);
  if (!found) return Error{found.error()};
  return found->has_value();
}

Stored<Done> TurnPlayer::tell_crm(Transaction& tx, const DialogKey& key, ApiCall call, std::int64_t dialog_id, Moment at,
                                  Played& played, bool notice) {
  std::vector<ApiCall> calls;
  calls.push_back(std::move(call));
  return enqueue(tx, {std::string(kCrmTransport), to_string(conversation_of(setup_.name, key))}, std::move(calls),
                 ResendPolicy::Repeat, dialog_id, at, played, notice);
}

Stored<Done> TurnPlayer::show_in_crm(Transaction& tx, const DialogKey& key, const Turn& turn, const std::string& event,
                                     std::int64_t dialog_id, Moment at, std::size_t until, const std::string& request,
                                     bool& shown, Played& played) {
  if (!setup_.crm_chat || key.chat.transport == kScheduleTransport) {
    played.notes.push_back({TurnNote::Kind::Log, key.chat,
                            setup_.crm_chat ? "a dialog without a person has no chat in the CRM"
                                            : "the configuration has no `crm: {amocrm: {chats: …}}`: no chat was opened there",
                            {}});
    return Done{};
  }
  std::int64_t history = 0;
  bool call = false;
  JsonReader json(request);
  json.read_object([&](const std::string& name) {
    if (name == "history") return json.read_int(history);
    if (name == "call") return json.read_bool(call);
    return pass_over(json);
  });
  const CrmClient client = client_of(turn.user);
  const auto called = [&](Moment when, std::string text) {
    CrmSaid one;
    one.msgid = new_msgid(dialog_id);
    one.at = when;
    one.text = !text.empty()                               ? std::move(text)
               : program().language == Language::Russian ? "Клиент просит оператора"
                                                         : "The client asks for a person";
    return tell_crm(tx, key, crm_message(conversation_of(setup_.name, key), client, *setup_.crm_chat, one), dialog_id, at, played);
  };
  if (shown) {
    // Managers are called by what is not silent: by the person's words of this turn, else (a timer, a job's result) by ours.
    if (!call || std::exchange(called_crm_, true)) return Done{};
    return called(at, {});
  }
  called_crm_ = call;
  auto contact = crm_contact_of(tx, key);
  if (!contact) return Error{contact.error()};
  auto mapped = tx.map_message(setup_.name, place_of_chat(dialog_id), kOpen, dialog_id, kCrmForEver);
  if (!mapped) return mapped;
  shown = true;
  const Conversation conversation = conversation_of(setup_.name, key);
  // A notice: what becomes of it, the chat's id there, is remembered as being about the dialog.
  if (auto opened = tell_crm(tx, key, crm_opening(conversation, client, *contact), dialog_id, at, played, true); !opened) return opened;

  auto said = said_before(tx, dialog_id, at, event, turn, until);
  if (!said) return Error{said.error()};
  // The person's last words come last, and not silently: that is what managers are called by.
  std::optional<Saying> last;
  for (std::size_t i = said->size(); call && i-- > 0;)
    if ((*said)[i].who == Saying::Who::Client) {
      last = std::move((*said)[i]);
      said->erase(said->begin() + static_cast<std::ptrdiff_t>(i));
      break;
    }
  const std::size_t skipped = said->size() - std::min(said->size(), static_cast<std::size_t>(std::max<std::int64_t>(0, history)));
  for (std::size_t i = skipped; i < said->size(); ++i) {
    CrmSaid one;
    one.msgid = new_msgid(dialog_id);
    one.at = (*said)[i].at;
    one.by_bot = (*said)[i].who != Saying::Who::Client;
    one.silent = true;
    one.text = (*said)[i].text;
    if (one.text.empty()) continue;
    if (auto told = tell_crm(tx, key, crm_message(conversation, client, *setup_.crm_chat, one), dialog_id, at, played); !told) return told;
  }
  if (!call) return Done{};
  return last ? called(last->at, std::move(last->text)) : called(at, {});
}

Stored<Done> TurnPlayer::mirror_client(Transaction& tx, const DialogKey& key, const Turn& turn, const std::string& event,
                                       std::int64_t dialog_id, Moment at, Played& played) {
  // As the journal has it: answers to secret questions are blotted out.
  Event heard;
  if (!from_json(event, heard)) return Done{};
  UserMessage* const message = std::get_if<UserMessage>(&heard.what);
  if (!message && !std::holds_alternative<ButtonPress>(heard.what)) return Done{};
  std::vector<Attachment> open;  // those that the CRM can fetch
  std::string said_as = event;
  if (message) {
    std::vector<Attachment> closed;
    for (const Attachment& file : message->attachments) (public_address(file).empty() ? closed : open).push_back(file);
    Event rest = heard;
    std::get<UserMessage>(rest.what).attachments = closed;
    said_as = to_json(rest);
  }
  std::vector<JournalLine> lines;
  if (!message) {
    auto rows = tx.journal(dialog_id, kRowsForLabels);
    if (!rows) return Error{rows.error()};
    for (JournalRow& row : *rows) lines.push_back({row.at, std::move(row.event), std::move(row.turn)});
  }
  lines.push_back({at, std::move(said_as), "[]"});
  const std::vector<Saying> said = sayings(program(), lines, {}, 1);
  const Conversation conversation = conversation_of(setup_.name, key);
  const CrmClient client = client_of(turn.user);
  CrmSaid one;
  // What the platform numbers has the same name for ever: a new version of it finds the old one.
  one.msgid = message && !message->message_id.empty() ? std::string(kOurMessages) + std::to_string(dialog_id) + "-m" + message->message_id : new_msgid(dialog_id);
  one.edited = message && message->edited;
  one.at = at;
  one.silent = !turn.next.silence;
  one.text = said.empty() ? std::string() : said.back().text;
  if (!one.text.empty()) {
    if (auto told = tell_crm(tx, key, crm_message(conversation, client, *setup_.crm_chat, one), dialog_id, at, played); !told) return told;
  }
  // Of a new version nobody is notified.
  if (one.edited) return Done{};
  called_crm_ = !one.silent && (!one.text.empty() || !open.empty());
  for (std::size_t i = 0; i < open.size(); ++i) {
    CrmSaid file;
    file.msgid = one.msgid + "-" + std::to_string(i + 1);
    file.at = at;
    file.silent = one.silent;
    file.text = open[i].caption == one.text ? std::string() : open[i].caption;
    file.type = crm_type(open[i].kind);
    file.media = public_address(open[i]);
    file.file_name = open[i].name;
    file.file_size = open[i].size;
    if (auto told = tell_crm(tx, key, crm_message(conversation, client, *setup_.crm_chat, file), dialog_id, at, played); !told) return told;
  }
  return Done{};
}

Stored<Done> TurnPlayer::mirror_bot(Transaction& tx, const DialogKey& key, const Turn& turn, const Message& message,
                                    std::int64_t dialog_id, Moment at, Played& played) {
  Turn spoken;
  spoken.secrets = turn.secrets;
  spoken.effects.emplace_back(SendMessage{message});
  // The event of a line that only says is none that was heard.
  const std::vector<Saying> said = sayings(program(), {{at, "{}", journal_turn_json(spoken)}}, {}, 1);
  if (said.empty() || said.back().text.empty()) return Done{};
  CrmSaid one;
  one.msgid = new_msgid(dialog_id);
  one.at = at;
  one.by_bot = true;
  one.silent = true;
  one.text = said.back().text;
  return tell_crm(tx, key, crm_message(conversation_of(setup_.name, key), client_of(turn.user), *setup_.crm_chat, one), dialog_id, at, played);
}

Stored<Done> TurnPlayer::tell_crm_delivery(Transaction& tx, const DialogKey& key, const Delivery& delivery, Moment at,
                                           Played& played) {
  if (!setup_.crm_chat || delivery.topic.empty()) return Done{};
  auto row = tx.load_dialog(key);
  if (!row) return Error{row.error()};
  return tell_crm(tx, key,
                  crm_delivery(delivery.topic, *setup_.crm_chat, delivery.reason, delivery.unreachable ? kGone : kOther),
                  row->id, at, played);
}

}  // namespace sufler

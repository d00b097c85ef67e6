#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "interpreter/core/api_call.h"

/// The dialog's chat in the CRM: what goes there is an outbox row of the transport kCrmTransport, whose chat is the
/// conversation. So it is stored with the turn, sent in order, and tried until it has arrived.
namespace sufler {

inline constexpr std::string_view kCrmTransport = "amocrm";
/// The job of the service kCrmService with this name is none: whoever carries a turn out writes the outbox rows that open the chat.
inline constexpr const char* kCrmChatJob = "chat";
/// Reads again what a webhook tells of: `{"what": "lead" | "talk", "id": "…", …}` gives `{what: staged | closed, id, stage,
/// pipeline, event}`, or nothing where nothing has happened. Nobody waits for it; it becomes a CrmNews.
inline constexpr const char* kCrmNewsService = "crm_news";

/// Chats of the CRM, by their ids there, are kept in the map of messages under this place, whose ids they have; as long as
/// the dialog: what is kept of messages is cleared away in time, and this is not.
inline ChatAddress crm_chats() { return {std::string(kCrmTransport), "chats"}; }
inline constexpr Moment kCrmForEver{253'402'300'799'000};  // the end of the year 9999

/// The name of a conversation tells whose dialog it is.
struct Conversation {
  std::string bot;
  ChatAddress chat;
  std::string user_id;
  friend bool operator==(const Conversation&, const Conversation&) = default;
};
std::string to_string(const Conversation& conversation);
std::optional<Conversation> read_conversation(std::string_view text);

/// How the CRM knows the bot.
struct CrmChatSettings {
  std::string bot_id;    ///< of the channel's bot; empty: the bot's words are shown as a text of an unnamed one
  std::string bot_name;
  bool by_status_code = false;  ///< delivery is told as `status_code`, not as `delivery_status`
};

/// The person whose dialog it is.
struct CrmClient {
  std::string name, phone, email, link;
};

/// What the names of our messages there begin with.
inline constexpr std::string_view kOurMessages = "sufler-";

struct CrmSaid {
  std::string msgid;    ///< ours: the same message has the same for ever
  Moment at;
  bool by_bot = false;
  bool silent = false;  ///< nobody is notified of it
  bool edited = false;  ///< a new version of what had this msgid
  std::string text;
  std::string type = "text";  ///< `picture`, `file`, … with `media`
  std::string media;    ///< a public address; empty: none
  std::string file_name;
  std::int64_t file_size = 0;
};
/// `new_message` or `edit_message`.
ApiCall crm_message(const Conversation& conversation, const CrmClient& client, const CrmChatSettings& settings, const CrmSaid& said);
/// Makes the chat and binds it to the contact, where there is one (not 0).
ApiCall crm_opening(const Conversation& conversation, const CrmClient& client, std::int64_t contact_id);
/// What became of a manager's message: delivered, or why not.
ApiCall crm_delivery(const std::string& msgid, const CrmChatSettings& settings, const std::string& trouble, int error_code);

/// A call that carries a manager's message to the person tells the CRM what became of it: the mark goes with the call
/// into the outbox, as a part that no platform gets.
void mark_for_crm(ApiCall& call, const std::string& msgid);
std::string crm_mark(const ApiCall& call);  ///< empty: there is none
/// The call as the platform gets it.
ApiCall without_crm_mark(ApiCall call);

/// Where the platform lets everybody fetch the file; empty: nowhere (of Telegram's the address holds the bot's token).
std::string public_address(const Attachment& file);
/// How the CRM calls such a file.
std::string crm_type(AttachmentKind kind);

}  // namespace sufler

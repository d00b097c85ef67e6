#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/api_call.h"

/// What VK answers to a call.
namespace sufler::vk {

/// Dialogs from here on are conversations of many.
inline constexpr std::int64_t kFirstConversation = 2'000'000'000;

struct Refusal {
  int code = 0;             ///< `error_code`; 0 when the answer is not readable
  int status = 0;           ///< of HTTP
  std::string description;  ///< cut to a line; nothing of `request_params`, which hold the token
};

/// What a refusal means: one word for each thing to be done.
enum class Meaning : std::uint8_t {
  Transient,   ///< again soon
  TooFast,     ///< 6: the token made too many requests in this second
  Flood,       ///< 9: the same too often, minutes of rest
  LongRest,    ///< 29 and the like: many minutes of rest
  Token,       ///< nothing works until the operator has mended the token
  Operator,    ///< captcha, a check of the account: nothing is wrong with the call
  BotsOff,     ///< 912: keyboards are switched off in the community
  Unreachable, ///< the person forbade it, or is gone
  Upload,      ///< the file must be uploaded again
  Uncallable,  ///< 12: `execute` does not take the code
  Refused,     ///< for good
};
Meaning meaning_of(const Refusal& refusal);

/// Whether several people read there.
bool is_conversation(std::string_view peer_id);

/// What a message is known by: its number among all of the community's; in a conversation, whose messages have none
/// for us, and where no other is told, its number in the dialog: `c17`.
std::string message_name(std::int64_t peer_id, std::int64_t message_id, std::int64_t number);

struct Answer {
  bool ok = false;
  std::string message_id;  ///< `message_name` of what `messages.send` made; of other calls it means nothing
  Refusal refusal;         ///< when not ok
};

/// The answer to one method. An error of a single recipient inside a success is an error.
Answer read_answer(int status, std::string_view body);

/// The answers to the calls of one `execute`, in their order. Empty when it failed as a whole: then
/// `read_answer` tells why.
std::vector<Answer> read_execute(std::string_view body, const std::vector<std::string_view>& methods);

/// What a refusal means for the call. `pause`: for what is transient.
Outcome outcome_of(const Refusal& refusal, Duration pause);

// ------------------------------------------------------- what is asked at the start

struct PollServer {
  std::string url, key, ts;
};
bool read_poll_server(std::string_view body, PollServer& server);

/// The community that the token belongs to; 0 when the answer does not tell.
std::int64_t read_group_id(std::string_view body);

struct PersonName {
  std::string first_name, last_name;
  std::string username;  ///< the short name of the page; empty for `id1`
};
/// Of `users.get`; empty when the answer is none.
std::map<std::string, PersonName> read_names(std::string_view body);

struct CallbackServer {
  std::int64_t id = 0;
  std::string url, secret;
  std::string status;  ///< `ok`, `wait` until VK has asked for the confirmation, `failed`
};
bool read_callback_servers(std::string_view body, std::vector<CallbackServer>& servers);
std::string read_confirmation_code(std::string_view body);
std::int64_t read_server_id(std::string_view body);

// ------------------------------------------------------- uploads

/// The `upload_url`; empty when there is none.
std::string read_upload_url(std::string_view body);

/// What an upload server gave, as the fields of the method that saves it; empty when the file was refused,
/// and then `reason` says why.
std::vector<std::pair<std::string, std::string>> read_uploaded(std::string_view body, std::string& reason);

/// `photo1_2_key` or `doc1_2_key` of a saved file; empty when there is none.
std::string read_saved(std::string_view body);

// ------------------------------------------------------- requests

/// The members of a JSON object as form fields: text as it is, the rest as JSON.
std::vector<std::pair<std::string, std::string>> form_fields(std::string_view json);
/// `a=1&b=%D0%B4`
std::string form_body(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace sufler::vk

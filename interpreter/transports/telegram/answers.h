#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/api_call.h"

/// What the Bot API answers to a call.
namespace sufler::telegram {

/// A quick look without parsing: whether the call succeeded.
bool says_ok(std::string_view body);
/// The first `message_id` of a result, or the `message_thread_id` of a topic; empty when there is neither.
std::string message_id_in(std::string_view body);
/// Of an album that was sent: the ids of its messages behind the first.
std::vector<std::string> further_ids_in(std::string_view body);

struct Refusal {
  int code = 0;               ///< `error_code`, or the HTTP status
  std::string description;    ///< cut to a line
  bool readable = false;      ///< a JSON answer with `ok: false`
  std::int64_t retry_after = 0;  ///< seconds; 0 when not told
  std::int64_t migrate_to = 0;   ///< a chat's new id; 0 when not told

  /// Case does not matter: the server words the same cause in two ways.
  bool says(std::string_view lower_case) const;
};

Refusal read_refusal(int status, std::string_view body);

/// Whether the file was refused, rather than the message: a kept file id may be stale.
bool is_about_file(const Refusal& refusal);
/// Whether the file was refused as the kind of file it was sent as.
bool is_about_kind(const Refusal& refusal);
/// Whether the token is at fault: 401, and 404 for the whole path.
bool is_about_token(const Refusal& refusal);
/// Whether the bot may write nothing in the group: it was removed, or has no right to.
bool is_about_group(const Refusal& refusal);

/// What a refusal means for the call. `pause` is for refusals that name none.
Outcome outcome_of(const Refusal& refusal, Duration pause);

/// The ids under which the platform keeps the files of the sent messages, in their order; empty where a
/// message has none.
std::vector<std::string> file_ids_in(std::string_view body);

struct BotName {
  std::int64_t id = 0;
  std::string username;
};
bool read_bot_name(std::string_view body, BotName& name);

struct FilePlace {
  std::string path;
  std::int64_t size = -1;
};
bool read_file_place(std::string_view body, FilePlace& place);

/// The members of a JSON object as form fields: text as it is, the rest as JSON.
std::vector<std::pair<std::string, std::string>> form_fields(std::string_view json);

}  // namespace sufler::telegram

#include "interpreter/transports/telegram/answers.h"

#include <simdjson.h>

#include <algorithm>

#include "interpreter/core/text.h"
#include "interpreter/network/http_client.h"

namespace sufler::telegram {
namespace {

namespace dom = simdjson::dom;
using simdjson::SUCCESS;

constexpr std::size_t kDescriptionCodePoints = 300;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// The offset of the value of the first member called `name`; npos when there is none. In a string the
/// quotes would be escaped, so a person's text cannot pose as a member.
std::size_t value_of(std::string_view body, std::string_view quoted_name) {
  std::size_t at = body.find(quoted_name);
  if (at == std::string_view::npos) return at;
  at += quoted_name.size();
  while (at < body.size() && (is_space(body[at]) || body[at] == ':')) ++at;
  return at;
}

/// Keeps `to` as it is when the field is absent or of another type.
template <class T>
void read_into(T& to, const dom::object& object, std::string_view key) {
  T read{};
  if (object[key].get(read) == SUCCESS) to = read;
}

std::string_view file_id_of(const dom::object& message) {
  std::string_view id;
  dom::array sizes;
  if (message["photo"].get(sizes) == SUCCESS) {
    std::int64_t most = -1;
    for (const dom::element one : sizes) {
      dom::object size;
      std::int64_t width = 0;
      if (one.get(size) != SUCCESS) continue;
      read_into(width, size, "width");
      if (width > most && size["file_id"].get(id) == SUCCESS) most = width;
    }
    return id;
  }
  for (const char* kind : {"document", "video", "audio", "voice", "animation", "sticker"}) {
    dom::object file;
    if (message[kind].get(file) == SUCCESS && file["file_id"].get(id) == SUCCESS) return id;
  }
  return {};
}

}  // namespace

bool says_ok(std::string_view body) {
  const std::size_t at = value_of(body, "\"ok\"");
  return at != std::string_view::npos && body.substr(at, 4) == "true";
}

std::string message_id_in(std::string_view body) {
  std::size_t at = value_of(body, "\"message_id\"");
  // A topic that was made has no message of its own.
  if (at == std::string_view::npos) at = value_of(body, "\"message_thread_id\"");
  std::string id;
  while (at < body.size() && body[at] >= '0' && body[at] <= '9') id += body[at++];
  return id;
}

bool Refusal::says(std::string_view lower_case) const {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::search(description.begin(), description.end(), lower_case.begin(), lower_case.end(),
                     [&](char a, char b) { return lower(a) == b; }) != description.end();
}

std::vector<std::string> further_ids_in(std::string_view body) {
  std::vector<std::string> ids;
  // Few answers are of albums: all others are not parsed.
  const std::size_t result = value_of(body, "\"result\"");
  if (result >= body.size() || body[result] != '[') return ids;
  dom::parser parser;
  dom::array messages;
  if (parser.parse(simdjson::padded_string(body))["result"].get(messages) != SUCCESS) return ids;
  for (const dom::element one : messages) {
    std::int64_t id = 0;
    if (one["message_id"].get(id) == SUCCESS) ids.push_back(std::to_string(id));
  }
  if (!ids.empty()) ids.erase(ids.begin());
  return ids;
}

Refusal read_refusal(int status, std::string_view body) {
  Refusal refusal;
  refusal.code = status;
  dom::parser parser;
  dom::object answer;
  bool ok = true;
  if (parser.parse(body.data(), body.size()).get(answer) != SUCCESS || answer["ok"].get(ok) != SUCCESS || ok) {
    refusal.description = "HTTP " + std::to_string(status) + " without a readable answer";
    return refusal;
  }
  refusal.readable = true;
  std::int64_t code = 0;
  if (answer["error_code"].get(code) == SUCCESS && code > 0 && code < 1000) {
    refusal.code = static_cast<int>(code);
  }
  std::string_view description;
  if (answer["description"].get(description) == SUCCESS) {
    refusal.description = redact_tokens(first_code_points(description, kDescriptionCodePoints));
    std::replace_if(
        refusal.description.begin(), refusal.description.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  }
  dom::object parameters;
  if (answer["parameters"].get(parameters) == SUCCESS) {
    read_into(refusal.retry_after, parameters, "retry_after");
    read_into(refusal.migrate_to, parameters, "migrate_to_chat_id");
  }
  refusal.retry_after = std::clamp<std::int64_t>(refusal.retry_after, 0, 86'400);
  return refusal;
}

bool is_about_file(const Refusal& refusal) {
  if (refusal.code != 400) return false;
  for (const std::string_view sign :
       {"wrong file identifier", "wrong remote file", "file_reference", "can't use file of type",
        "type of file mismatch", "invalid file id", "wrong file_id", "wrong type of the file"}) {
    if (refusal.says(sign)) return true;
  }
  return false;
}

bool is_about_kind(const Refusal& refusal) {
  if (refusal.code != 400) return false;
  for (const std::string_view sign :
       {"image_process_failed", "photo_invalid_dimensions", "photo_ext_invalid", "too big for a photo",
        "voice_messages_forbidden", "receiving of voice messages", "video_content_type_invalid",
        "sticker_png_dimensions", "wrong file type"}) {
    if (refusal.says(sign)) return true;
  }
  return false;
}

bool is_about_token(const Refusal& refusal) {
  if (!refusal.readable) return false;
  return refusal.code == 401 || (refusal.code == 404 && !refusal.says("method"));
}

bool is_about_group(const Refusal& refusal) {
  for (const std::string_view sign :
       {"bot was kicked", "bot is not a member", "group chat was deleted", "not enough rights to send",
        "have no write access", "have no rights to send", "chat_write_forbidden", "topic_closed"}) {
    if (refusal.says(sign)) return true;
  }
  return false;
}

namespace {

/// What the operator can do about a refusal; empty when the answer says all.
std::string_view advice_on(const Refusal& refusal) {
  struct Advice {
    std::string_view sign;
    std::string_view advice;
  };
  static constexpr Advice kAdvice[] = {
      {"bot was kicked", "the bot was removed from the group: add it again"},
      {"bot is not a member", "the bot is not in the group: add it"},
      {"to create a topic", "the bot must be an administrator of the group who may manage topics"},
      {"to manage topic", "the bot must be an administrator of the group who may manage topics"},
      {"chat is not a forum", "switch on topics in the settings of the group"},
      {"topic_closed", "the topic is closed, and only administrators write there"},
      {"not enough rights to send", "let the bot write in the group"},
      {"have no write access", "let the bot write in the group"},
      {"have no rights to send", "let the bot write in the group"},
      {"chat_write_forbidden", "let the bot write in the group"},
      {"chat_admin_required", "make the bot an administrator of the group"},
  };
  for (const Advice& one : kAdvice)
    if (refusal.says(one.sign)) return one.advice;
  return {};
}

}  // namespace

Outcome outcome_of(const Refusal& refusal, Duration pause) {
  Outcome outcome;
  outcome.kind = Outcome::Kind::Failed;
  outcome.reason = std::to_string(refusal.code) + " " + refusal.description;
  const auto retry = [&](Duration after) {
    outcome.kind = Outcome::Kind::Retry;
    outcome.after = after;
  };
  if (refusal.migrate_to != 0) {
    retry(Duration{0});
    outcome.moved_to = std::to_string(refusal.migrate_to);
    return outcome;
  }
  if (refusal.code == 429 || refusal.retry_after > 0) {
    retry(refusal.retry_after > 0 ? Duration{refusal.retry_after * 1000} : pause);
    return outcome;
  }
  if (refusal.code == 504) {
    // A gateway gave up waiting; the server behind it may have done its work.
    outcome.kind = Outcome::Kind::Unknown;
    outcome.after = pause;
    return outcome;
  }
  if (refusal.code >= 500) {
    retry(pause);
    return outcome;
  }
  if (is_about_token(refusal)) {
    // Nothing is wrong with the message: it waits until the operator has mended the token.
    retry(Duration{60'000});
    outcome.whole_bot = true;
    return outcome;
  }
  // The chat is as asked, or nobody waits for this any more.
  if (refusal.says("message is not modified") || refusal.says("topic_not_modified") ||
      refusal.says("query is too old")) {
    return Outcome{};
  }
  if (refusal.code == 400) {
    for (const std::string_view sign :
         {"message thread not found", "topic_deleted", "topic_id_invalid", "invalid message thread"}) {
      if (refusal.says(sign)) outcome.topic_gone = true;
    }
  }
  if (const std::string_view advice = advice_on(refusal); !advice.empty()) outcome.reason.append(": ").append(advice);
  if (refusal.code == 403 || refusal.readable) {
    for (const std::string_view sign :
         {"bot was blocked", "user is deactivated", "can't initiate conversation", "bot was kicked",
          "bot is not a member", "group chat was deleted", "chat not found", "user not found", "peer_id_invalid",
          "can't send messages to"}) {
      if (refusal.says(sign)) outcome.unreachable = true;
    }
  }
  return outcome;
}

std::vector<std::string> file_ids_in(std::string_view body) {
  std::vector<std::string> ids;
  dom::parser parser;
  dom::object answer;
  if (parser.parse(body.data(), body.size()).get(answer) != SUCCESS) return ids;
  dom::array messages;
  dom::object message;
  if (answer["result"].get(messages) == SUCCESS) {
    for (const dom::element one : messages) {
      ids.emplace_back(one.get(message) == SUCCESS ? file_id_of(message) : std::string_view());
    }
  } else if (answer["result"].get(message) == SUCCESS) {
    ids.emplace_back(file_id_of(message));
  }
  return ids;
}

bool read_bot_name(std::string_view body, BotName& name) {
  dom::parser parser;
  dom::object result;
  std::string_view username;
  if (parser.parse(body.data(), body.size())["result"].get(result) != SUCCESS ||
      result["username"].get(username) != SUCCESS) {
    return false;
  }
  read_into(name.id, result, "id");
  name.username = username;
  return true;
}

bool read_file_place(std::string_view body, FilePlace& place) {
  dom::parser parser;
  dom::object result;
  std::string_view path;
  if (parser.parse(body.data(), body.size())["result"].get(result) != SUCCESS ||
      result["file_path"].get(path) != SUCCESS || path.empty()) {
    return false;
  }
  place.path = path;
  read_into(place.size, result, "file_size");
  return true;
}

std::vector<std::pair<std::string, std::string>> form_fields(std::string_view json) {
  std::vector<std::pair<std::string, std::string>> fields;
  dom::parser parser;
  dom::object object;
  if (parser.parse(json.data(), json.size()).get(object) != SUCCESS) return fields;
  for (const auto [key, value] : object) {
    std::string_view text;
    if (value.get(text) == SUCCESS) {
      fields.emplace_back(key, text);
    } else {
      fields.emplace_back(key, simdjson::minify(value));
    }
  }
  return fields;
}

}  // namespace sufler::telegram

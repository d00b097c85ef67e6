#include "interpreter/transports/vk/answers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "interpreter/core/json_text.h"
#include "interpreter/core/text.h"
#include "interpreter/network/http_client.h"
#include "interpreter/transports/vk/json_fields.h"

namespace sufler::vk {
namespace {

constexpr std::size_t kDescriptionCodePoints = 300;
constexpr std::int64_t kMinute = 60'000;

/// One parser a thread keeps its buffers; answers are small and many.
dom::parser& parser() {
  thread_local dom::parser one{std::size_t{16} << 20};
  return one;
}

bool parse(std::string_view body, dom::object& answer) {
  return parser().parse(body.data(), body.size()).get(answer) == SUCCESS;
}

std::string line_of(std::string_view text) {
  std::string line = redact_tokens(first_code_points(text, kDescriptionCodePoints));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return line;
}

Refusal read_error(const dom::object& error) {
  Refusal refusal;
  const std::int64_t code = int_at(error, "error_code", int_at(error, "code"));
  if (code > 0 && code < 100'000) refusal.code = static_cast<int>(code);
  std::string_view text = text_at(error, "error_msg");
  if (text.empty()) text = text_at(error, "description");
  refusal.description = line_of(text);
  return refusal;
}

}  // namespace

bool is_conversation(std::string_view peer_id) {
  std::int64_t peer = 0;
  const auto read = std::from_chars(peer_id.data(), peer_id.data() + peer_id.size(), peer);
  return read.ec == std::errc() && peer >= kFirstConversation;
}

std::string message_name(std::int64_t peer_id, std::int64_t message_id, std::int64_t number) {
  const bool by_number = peer_id >= kFirstConversation || message_id <= 0;
  if (by_number && number > 0) return "c" + std::to_string(number);
  return message_id > 0 ? std::to_string(message_id) : std::string();
}

namespace {

/// One result of a method: a number, a list with what became of each recipient, or anything else.
Answer read_result(const dom::element& result) {
  Answer answer;
  answer.ok = true;
  std::int64_t id = 0;
  dom::array recipients;
  if (result.get(id) == SUCCESS) {
    if (id > 0) answer.message_id = std::to_string(id);
  } else if (result.get(recipients) == SUCCESS && recipients.size() == 1) {
    dom::object one;
    dom::object error;
    if (recipients.at(0).get(one) != SUCCESS) return answer;
    if (object_at(one, "error", error)) {
      answer.ok = false;
      answer.refusal = read_error(error);
    } else {
      answer.message_id = message_name(int_at(one, "peer_id"), int_at(one, "message_id"),
                                       int_at(one, "conversation_message_id"));
    }
  }
  return answer;
}

bool response_object(std::string_view body, dom::object& response) {
  dom::object answer;
  return parse(body, answer) && object_at(answer, "response", response);
}

bool response_array(std::string_view body, dom::array& response) {
  dom::object answer;
  return parse(body, answer) && answer["response"].get(response) == SUCCESS;
}

}  // namespace

Meaning meaning_of(const Refusal& refusal) {
  switch (refusal.code) {
    case 0:
    case 1:
    case 10:
    case 13:
    case 36: return Meaning::Transient;
    case 6: return Meaning::TooFast;
    case 9: return Meaning::Flood;
    case 29:
    case 984: return Meaning::LongRest;
    case 5:
    case 27:
    case 28:
    case 1114:
    case 1115:
    case 1116:
    case 1117:
    case 1118: return Meaning::Token;
    case 14:
    case 17:
    case 24:
    case 3300:
    case 3301:
    case 3302:
    case 3303:
    case 3304:
    case 3305:
    case 3609:
    case 3610: return Meaning::Operator;
    case 12: return Meaning::Uncallable;
    case 912: return Meaning::BotsOff;
    case 18:
    case 113:
    case 900:
    case 901:
    case 902:
    case 917:
    case 922:
    case 925:
    case 927:
    case 932:
    case 936:
    case 945:
    case 946:
    case 985:
    case 1012:
    case 1021: return Meaning::Unreachable;
    case 22:
    case 105:
    case 118:
    case 121:
    case 129: return Meaning::Upload;
    default: return Meaning::Refused;
  }
}

Answer read_answer(int status, std::string_view body) {
  Answer answer;
  answer.refusal.status = status;
  dom::object root;
  dom::object error;
  dom::element result;
  if (!parse(body, root)) {
    answer.refusal.description = "HTTP " + std::to_string(status) + " without a readable answer";
  } else if (object_at(root, "error", error)) {
    answer.refusal = read_error(error);
    answer.refusal.status = status;
  } else if (root["response"].get(result) == SUCCESS) {
    answer = read_result(result);
    answer.refusal.status = status;
  } else {
    answer.refusal.description = "an answer without a response";
  }
  return answer;
}

std::vector<Answer> read_execute(std::string_view body, const std::vector<std::string_view>& methods) {
  std::vector<Answer> answers;
  dom::object root;
  dom::array results;
  if (!parse(body, root) || root["response"].get(results) != SUCCESS || results.size() != methods.size()) {
    return answers;
  }
  std::vector<std::pair<std::string_view, Refusal>> errors;
  dom::array listed;
  if (root["execute_errors"].get(listed) == SUCCESS) {
    for (const dom::element one : listed) {
      dom::object error;
      if (one.get(error) == SUCCESS) errors.emplace_back(text_at(error, "method"), read_error(error));
    }
  }
  std::size_t next = 0;
  for (const dom::element result : results) {
    bool flag = true;
    const bool failed = result.is_null() || (result.get(flag) == SUCCESS && !flag);
    if (!failed) {
      answers.push_back(read_result(result));
      continue;
    }
    // The errors come in the order of the calls. One without its error is taken as unclear.
    Answer answer;
    answer.refusal.description = "a call of an execute failed without a reason";
    const std::string_view method = methods[answers.size()];
    if (next < errors.size() && (errors[next].first.empty() || errors[next].first == method)) {
      answer.refusal = std::move(errors[next++].second);
    }
    answers.push_back(std::move(answer));
  }
  return answers;
}

Outcome outcome_of(const Refusal& refusal, Duration pause) {
  Outcome outcome;
  outcome.kind = Outcome::Kind::Failed;
  outcome.reason = (refusal.code != 0 ? std::to_string(refusal.code) + " " : std::string()) + refusal.description;
  const auto retry = [&](std::int64_t ms) {
    outcome.kind = Outcome::Kind::Retry;
    outcome.after = Duration{ms};
  };
  switch (meaning_of(refusal)) {
    case Meaning::Transient: retry(pause.ms); break;
    case Meaning::TooFast: retry(1000); break;
    case Meaning::Flood: retry(2 * kMinute); break;
    case Meaning::LongRest: retry(10 * kMinute); break;
    case Meaning::Token: retry(kMinute); break;
    case Meaning::Operator: retry(5 * kMinute); break;
    case Meaning::Unreachable: outcome.unreachable = true; break;
    case Meaning::BotsOff:
    case Meaning::Upload:
    case Meaning::Uncallable:
    case Meaning::Refused: break;
  }
  return outcome;
}

bool read_poll_server(std::string_view body, PollServer& server) {
  dom::object response;
  if (!response_object(body, response)) return false;
  server.url = text_at(response, "server");
  server.key = text_at(response, "key");
  server.ts = text_at(response, "ts");
  if (server.ts.empty() && int_at(response, "ts", -1) >= 0) server.ts = std::to_string(int_at(response, "ts"));
  return (server.url.rfind("http://", 0) == 0 || server.url.rfind("https://", 0) == 0) && !server.key.empty() &&
         !server.ts.empty();
}

std::int64_t read_group_id(std::string_view body) {
  dom::object answer;
  dom::object response;
  dom::array groups;
  dom::object group;
  if (!parse(body, answer)) return 0;
  // Before 5.199 the list stood by itself.
  const bool listed = answer["response"].get(groups) == SUCCESS ||
                      (object_at(answer, "response", response) && response["groups"].get(groups) == SUCCESS);
  return listed && groups.at(0).get(group) == SUCCESS ? int_at(group, "id") : 0;
}

std::map<std::string, PersonName> read_names(std::string_view body) {
  std::map<std::string, PersonName> names;
  dom::array people;
  if (!response_array(body, people)) return names;
  for (const dom::element one : people) {
    dom::object person;
    if (one.get(person) != SUCCESS) continue;
    const std::string id = std::to_string(int_at(person, "id"));
    PersonName name;
    name.first_name = text_at(person, "first_name");
    name.last_name = text_at(person, "last_name");
    const std::string_view page = text_at(person, "screen_name");
    if (page != "id" + id) name.username = page;
    names.emplace(id, std::move(name));
  }
  return names;
}

bool read_callback_servers(std::string_view body, std::vector<CallbackServer>& servers) {
  dom::object response;
  dom::array items;
  if (!response_object(body, response) || response["items"].get(items) != SUCCESS) return false;
  for (const dom::element one : items) {
    dom::object item;
    if (one.get(item) != SUCCESS) continue;
    servers.push_back({int_at(item, "id"), std::string(text_at(item, "url")),
                       std::string(text_at(item, "secret_key")), std::string(text_at(item, "status"))});
  }
  return true;
}

std::string read_confirmation_code(std::string_view body) {
  dom::object response;
  return response_object(body, response) ? std::string(text_at(response, "code")) : std::string();
}

std::int64_t read_server_id(std::string_view body) {
  dom::object response;
  return response_object(body, response) ? int_at(response, "server_id") : 0;
}

std::string read_upload_url(std::string_view body) {
  dom::object response;
  if (!response_object(body, response)) return {};
  const std::string_view url = text_at(response, "upload_url");
  return url.rfind("http://", 0) == 0 || url.rfind("https://", 0) == 0 ? std::string(url) : std::string();
}

std::vector<std::pair<std::string, std::string>> read_uploaded(std::string_view body, std::string& reason) {
  std::vector<std::pair<std::string, std::string>> fields;
  dom::object answer;
  if (!parse(body, answer)) {
    reason = "the upload server gave no readable answer";
    return fields;
  }
  const std::string_view error = text_at(answer, "error");
  if (const std::string_view file = text_at(answer, "file"); error.empty() && !file.empty()) {
    fields = {{"file", std::string(file)}};
    return fields;
  }
  const std::string_view photo = text_at(answer, "photo");
  dom::element server;
  if (error.empty() && !photo.empty() && photo != "[]" && answer["server"].get(server) == SUCCESS) {
    fields = {{"server", std::to_string(int_at(answer, "server"))},
              {"photo", std::string(photo)},
              {"hash", std::string(text_at(answer, "hash"))}};
    return fields;
  }
  const std::string_view description = text_at(answer, "error_descr");
  reason = error.empty() ? "VK does not take the file"
                         : "VK does not take the file: " + line_of(description.empty() ? error : description);
  return fields;
}

std::string read_saved(std::string_view body) {
  dom::object answer;
  dom::array list;
  dom::object file;
  std::string_view type = "photo";
  if (!parse(body, answer)) return {};
  if (answer["response"].get(list) == SUCCESS) {
    if (list.at(0).get(file) != SUCCESS) return {};
  } else {
    dom::object response;
    if (!object_at(answer, "response", response)) return {};
    const std::string_view kind = text_at(response, "type");
    if (kind.empty() || !object_at(response, kind, file)) return {};
    type = "doc";  // a voice message is sent as one too
  }
  const std::int64_t id = int_at(file, "id");
  const std::int64_t owner = int_at(file, "owner_id");
  if (id == 0 || owner == 0) return {};
  std::string name = std::string(type) + std::to_string(owner) + "_" + std::to_string(id);
  if (const std::string_view key = text_at(file, "access_key"); !key.empty()) name.append("_").append(key);
  return name;
}

namespace {

void skip_space(std::string_view& rest) {
  while (!rest.empty() && (rest[0] == ' ' || rest[0] == '\n' || rest[0] == '\r' || rest[0] == '\t')) rest.remove_prefix(1);
}

bool take(std::string_view& rest, char mark) {
  skip_space(rest);
  if (rest.empty() || rest[0] != mark) return false;
  rest.remove_prefix(1);
  return true;
}

/// The next value as it is written; empty when there is none. Brackets and strings are matched, nothing else is
/// looked at: the calls are our own.
std::string_view take_value(std::string_view& rest) {
  skip_space(rest);
  std::size_t depth = 0;
  std::size_t end = 0;
  for (; end < rest.size(); ++end) {
    const char c = rest[end];
    if (c == '"') {
      for (++end; end < rest.size() && rest[end] != '"'; ++end) end += rest[end] == '\\' ? 1 : 0;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (depth == 0 && (c == ',' || c == ':' || c == '}' || c == ']')) {
      break;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  if (depth != 0 || end >= rest.size()) return {};
  std::string_view value = rest.substr(0, end);
  rest.remove_prefix(end);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\n' || value.back() == '\r' || value.back() == '\t')) {
    value.remove_suffix(1);
  }
  return value;
}

/// A string's text; anything else as it is written.
bool read_plain(std::string_view value, std::string& out) {
  if (value.empty()) return false;
  if (value.front() != '"') {
    out = value;
    return true;
  }
  if (value.size() >= 2 && value.find('\\') == std::string_view::npos && value.find('"', 1) == value.size() - 1) {
    out = value.substr(1, value.size() - 2);
    return true;
  }
  JsonReader reader(value);
  return reader.read_string(out) && reader.at_end();
}

}  // namespace

std::vector<std::pair<std::string, std::string>> form_fields(std::string_view json) {
  std::vector<std::pair<std::string, std::string>> fields;
  if (!take(json, '{')) return fields;
  fields.reserve(8);  // `random_id` and `attachment` come later
  bool sound = true;
  do {
    auto& [name, value] = fields.emplace_back();
    sound = read_plain(take_value(json), name) && take(json, ':') && read_plain(take_value(json), value);
  } while (sound && take(json, ','));
  skip_space(json);
  if (!sound || json != "}") fields.clear();
  return fields;
}

namespace {

/// What each byte becomes in a form, and how many bytes of it count.
struct FormBytes {
  std::array<std::array<char, 4>, 256> bytes{};
  std::array<std::uint8_t, 256> sizes{};

  constexpr FormBytes() {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    for (std::size_t i = 0; i < 256; ++i) {
      const char c = static_cast<char>(i);
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                         c == '.' || c == '_' || c == '~';
      if (plain || c == ' ') {
        bytes[i][0] = plain ? c : '+';
        sizes[i] = 1;
      } else {
        bytes[i] = {'%', kHex[i >> 4], kHex[i & 15], '\0'};
        sizes[i] = 3;
      }
    }
  }
};
constexpr FormBytes kFormBytes;

}  // namespace

std::string form_body(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::size_t most = 4;  // a byte is written as four, of which the next one takes back what does not count
  for (const auto& [name, value] : fields) most += 3 * (name.size() + value.size()) + 2;
  std::string out(most, '\0');
  char* at = out.data();
  // By a table: most of the bytes of a Russian message are encoded, and this is done for each message.
  const auto append = [&at](std::string_view text) {
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      std::memcpy(at, kFormBytes.bytes[byte].data(), 4);
      at += kFormBytes.sizes[byte];
    }
  };
  for (const auto& [name, value] : fields) {
    if (at != out.data()) *at++ = '&';
    append(name);
    *at++ = '=';
    append(value);
  }
  out.resize(static_cast<std::size_t>(at - out.data()));
  return out;
}

}  // namespace sufler::vk

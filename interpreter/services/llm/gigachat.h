#pragma once
#include <nlohmann/json_fwd.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "interpreter/core/model_connection.h"
#include "interpreter/core/moment.h"
#include "interpreter/services/llm/chat.h"

/// What GigaChat has of its own: tokens that live half an hour, functions in the place of tools, schemas at another place.
namespace sufler::llm {

/// Its form of `chat_body`. One call a turn: several become several turns. A call's id is the server's
/// `functions_state_id`, which goes back with it.
std::string gigachat_body(const ChatRequest& request, const ModelConnection& connection);

/// How the ids of calls begin that no server gave: they are not sent.
inline constexpr std::string_view kOwnId = "call";

struct OauthRequest {
  std::string body;
  std::vector<std::string> headers;
};
/// `request_id`: a fresh UUID.
OauthRequest oauth_request(const ModelConnection& connection, const std::string& request_id);
/// A UUID of version 4 out of two numbers of chance.
std::string uuid4(std::uint64_t high, std::uint64_t low);

struct AccessToken {
  std::string token;
  Moment expires;
};
/// `{"access_token","expires_at"}` in milliseconds or `{"tok","exp"}` in seconds.
std::optional<AccessToken> read_access_token(std::string_view body);

/// Everything that bounds and shapes an answer in both forms: temperature, tokens, parameters of the configuration.
void add_bounds(nlohmann::ordered_json& body, const ChatRequest& request, const ModelConnection& connection);

}  // namespace sufler::llm

#include "interpreter/services/llm/gigachat.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "interpreter/services/llm/encode.h"
#include "interpreter/services/llm/wire_json.h"

namespace sufler::llm {
namespace {

/// Arguments and results are JSON objects here.
OrderedJson object_of(const std::string& text, const char* otherwise) {
  OrderedJson json = OrderedJson::parse(text, nullptr, false);
  if (json.is_object()) return json;
  if (json.is_discarded()) json = text;
  return OrderedJson{{otherwise, std::move(json)}};
}

OrderedJson call_json(const ChatMessage& message, const ToolCall& call, bool first) {
  OrderedJson json = {{"role", "assistant"}, {"content", first ? message.content : std::string()}};
  json["function_call"] = {{"name", function_name(call.name)},
                           {"arguments", call.arguments.empty() ? OrderedJson::object() : object_of(call.arguments, "arguments")}};
  if (!call.id.empty() && !call.id.starts_with(kOwnId)) json["functions_state_id"] = call.id;
  return json;
}

OrderedJson result_json(const ChatMessage& result, const ToolCall& call) {
  return {{"role", "function"}, {"name", function_name(call.name)}, {"content", dumped(object_of(result.content, "result"))}};
}

OrderedJson messages_json(std::vector<ChatMessage> messages) {
  pair_calls(messages);
  OrderedJson out = OrderedJson::array();
  // Only the first message may be of the system.
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const ChatMessage& message = messages[i];
    if (message.role == Role::System && !out.empty() && out.back()["role"] == "system") {
      out.back()["content"] = out.back()["content"].get<std::string>() + "\n\n" + message.content;
    } else if (message.role == Role::System && !out.empty()) {
      out.push_back({{"role", "user"}, {"content", message.content}});
    } else if (message.calls.empty()) {
      const char* role = message.role == Role::System ? "system" : message.role == Role::User ? "user" : "assistant";
      out.push_back({{"role", role}, {"content", message.content}});
    } else {
      // pair_calls has put a result behind each.
      for (std::size_t call = 0; call < message.calls.size(); ++call) {
        out.push_back(call_json(message, message.calls[call], call == 0));
        out.push_back(result_json(messages[i + 1 + call], message.calls[call]));
      }
      i += message.calls.size();
    }
  }
  return out;
}

}  // namespace

std::string gigachat_body(const ChatRequest& request, const ModelConnection& connection) {
  const ModelFlags& flags = connection.flags;
  const bool in_words = !request.schema.empty() && flags.json_schema == SchemaStyle::None;
  OrderedJson body = {{"model", connection.model},
                      {"messages", messages_json(in_words ? with_schema_in_words(request) : request.messages)}};
  if (!request.tools.empty() && flags.tools != ToolStyle::None) {
    OrderedJson& functions = body["functions"] = OrderedJson::array();
    for (const ToolSpec& tool : request.tools) {
      OrderedJson function = {{"name", function_name(tool.name)}};
      if (!tool.about.empty()) function["description"] = tool.about;
      OrderedJson parameters = OrderedJson::parse(tool.parameters, nullptr, false);
      function["parameters"] = parameters.is_object() ? std::move(parameters) : OrderedJson::object();
      functions.push_back(std::move(function));
    }
    body["function_call"] = "auto";
  }
  if (!request.schema.empty() && !in_words) {
    OrderedJson schema = OrderedJson::parse(request.schema, nullptr, false);
    body["response_format"] = {{"type", "json_schema"}, {"schema", std::move(schema)}, {"strict", is_strict_schema(request.schema)}};
  }
  add_bounds(body, request, connection);
  if (connection.stream) body["stream"] = true;
  return dumped(body);
}

OauthRequest oauth_request(const ModelConnection& connection, const std::string& request_id) {
  OauthRequest request;
  request.body = "scope=" + connection.scope;
  request.headers = {"Authorization: Basic " + connection.key, "RqUID: " + request_id,
                     "Content-Type: application/x-www-form-urlencoded", "Accept: application/json"};
  return request;
}

std::string uuid4(std::uint64_t high, std::uint64_t low) {
  char text[96];
  const auto part = [](std::uint64_t bits, int shift, std::uint64_t mask) { return static_cast<unsigned long long>((bits >> shift) & mask); };
  std::snprintf(text, sizeof text, "%08llx-%04llx-4%03llx-%04llx-%012llx", part(high, 32, 0xFFFFFFFF), part(high, 16, 0xFFFF),
                part(high, 0, 0xFFF), 0x8000ULL | part(low, 48, 0x3FFF), part(low, 0, 0xFFFFFFFFFFFFULL));
  return text;
}

std::optional<AccessToken> read_access_token(std::string_view body) {
  const Json json = parse_wire(body);
  if (!json.is_object()) return std::nullopt;
  std::string token = text_of(json, "access_token");
  auto expires = number_of(json, "expires_at");
  if (token.empty()) {
    token = text_of(json, "tok");
    expires = number_of(json, "exp");
  }
  // A line break would end a header.
  if (token.empty() || token.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos || !expires || *expires <= 0) return std::nullopt;
  // Seconds or milliseconds: by the names, and by a size that only one of them can have.
  constexpr std::int64_t kFirstMilliseconds = 100'000'000'000;
  return AccessToken{std::move(token), Moment{*expires < kFirstMilliseconds ? *expires * 1000 : *expires}};
}

}  // namespace sufler::llm

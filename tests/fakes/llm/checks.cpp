// What OpenAI's server refuses, by its openapi.yaml and its words where they are known; and for other servers what their
// pages say they do not take. Strictness is the point: a client that passes here passes at all of them.
#include "fakes/llm/checks.h"

#include <algorithm>
#include <regex>
#include <set>

namespace sufler::fakes {
namespace {

using Names = std::set<std::string>;

const Names& known_fields(const std::string& kind) {
  static const Names common = {"model", "messages", "tools", "tool_choice", "parallel_tool_calls", "response_format", "temperature",
                               "top_p", "stream", "stream_options", "stop", "seed", "frequency_penalty", "presence_penalty", "n",
                               "user", "logprobs", "top_logprobs", "reasoning_effort", "metadata", "store", "max_completion_tokens", "max_tokens"};
  static const Names yandex = {"model", "messages", "tools", "tool_choice", "response_format", "temperature", "max_tokens", "stream"};
  static const Names gigachat = {"model", "messages", "functions", "function_call", "response_format", "temperature", "top_p", "max_tokens",
                                 "stream", "repetition_penalty", "update_interval", "profanity_check", "flags"};
  return kind == "yandex" ? yandex : kind == "gigachat" ? gigachat : common;
}

void check_names(const Json& object, const Names& known, const std::string& where) {
  for (const auto& [name, value] : object.items()) {
    if (!known.contains(name)) refuse_request(400, "Unrecognized request argument supplied: " + where + name, where + name, "unknown_parameter");
    static const Names echoed = {"content", "refusal", "parsed", "parsed_arguments"};  // of the answer, by the official client
    if (value.is_null() && !echoed.contains(name)) refuse_request(400, "null is no value of " + where + name, where + name);
  }
}

bool is_function_name(const Json& name) {
  static const std::regex pattern("^[a-zA-Z0-9_-]{1,64}$");
  return name.is_string() && std::regex_match(name.get<std::string>(), pattern);
}

bool is_json_text(const Json& text) { return text.is_string() && !Json::parse(text.get<std::string>(), nullptr, false).is_discarded(); }

void check_content(const Json& message, const std::string& where, bool may_be_null) {
  if (!message.contains("content")) {
    if (may_be_null) return;
    refuse_request(400, "Missing required parameter: '" + where + ".content'.", where + ".content", "missing_required_parameter");
  }
  const Json& content = message["content"];
  if (content.is_null() ? may_be_null : content.is_string()) return;
  if (!content.is_array() || content.empty())
    refuse_request(400, "Invalid value for 'content': expected a string, got null.", where + ".content");
  for (const Json& part : content)
    if (!part.is_object() || !part.contains("type") || (part["type"] == "text" && !part.contains("text")))
      refuse_request(400, "Invalid part of the content.", where + ".content");
}

void check_calls(const Json& calls, const std::string& where, Names& open) {
  if (!calls.is_array() || calls.empty()) refuse_request(400, "Invalid '" + where + ".tool_calls': empty array.", where + ".tool_calls", "empty_array");
  for (const Json& call : calls) {
    check_names(call, {"id", "type", "function", "index"}, where + ".tool_calls.");
    if (call.value("type", "") != "function" || !call.value("id", Json()).is_string() || call["id"].get<std::string>().empty())
      refuse_request(400, "A call has an `id` and the type `function`.", where + ".tool_calls");
    const Json& function = call.value("function", Json::object());
    check_names(function, {"name", "arguments", "parsed_arguments"}, where + ".tool_calls.function.");
    if (!is_function_name(function.value("name", Json())))
      refuse_request(400, "Invalid 'function.name': string does not match pattern '^[a-zA-Z0-9_-]+$'.", where + ".tool_calls", "invalid_value");
    if (!function.value("arguments", Json()).is_string()) refuse_request(400, "`arguments` is a string.", where + ".tool_calls");
    if (!open.insert(call["id"]).second) refuse_request(400, "Duplicate value for 'tool_call_id' of " + call["id"].get<std::string>(), where);
  }
}

[[noreturn]] void unanswered(const Names& open) {
  std::string ids;
  for (const std::string& id : open) ids += (ids.empty() ? "" : ", ") + id;
  refuse_request(400, "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following "
                      "tool_call_ids did not have response messages: " + ids, "messages");
}

void check_messages(const Json& messages, const std::string& kind) {
  Names open, used;
  std::size_t number = 0;
  for (const Json& message : messages) {
    const std::string where = "messages[" + std::to_string(number++) + "]";
    if (!message.is_object()) refuse_request(400, "Invalid type for '" + where + "'.", where);
    check_names(message, {"role", "content", "name", "tool_calls", "tool_call_id", "refusal", "annotations", "parsed"}, where + ".");
    const std::string role = message.value("role", "");
    if (role == "tool") {
      const std::string id = message.value("tool_call_id", "");
      if (open.erase(id) == 0)
        refuse_request(400, "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.", where + ".role");
      check_content(message, where, false);
      continue;
    }
    if (!open.empty()) unanswered(open);
    if (role != "system" && role != "developer" && role != "user" && role != "assistant")
      refuse_request(400, "Invalid value: '" + role + "'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.", where + ".role", "invalid_value");
    if (role == "developer" && kind != "openai") refuse_request(400, "Unexpected message role.", where + ".role");
    if (message.contains("tool_call_id") || (role != "assistant" && message.contains("tool_calls")))
      refuse_request(400, "Calls belong to the assistant.", where);
    if (message.contains("tool_calls")) {
      check_calls(message["tool_calls"], where, open);
      for (const std::string& id : open)
        if (!used.insert(id).second) refuse_request(400, "Duplicate value for 'tool_call_id' of '" + id + "'", where);
    }
    check_content(message, where, role == "assistant" && message.contains("tool_calls"));
  }
  if (!open.empty()) unanswered(open);
}

void check_strict(const Json& schema, const std::string& where) {
  if (!schema.is_object()) return;
  if (schema.value("type", Json()) == "object") {
    if (schema.value("additionalProperties", Json()) != false)
      refuse_request(400, "Invalid schema for " + where + ": In context=(), 'additionalProperties' is required to be supplied and to be false.", where, "invalid_json_schema");
    const Json required = schema.value("required", Json::array());
    const Json properties = schema.value("properties", Json::object());
    for (const auto& [name, property] : properties.items()) {
      if (std::find(required.begin(), required.end(), Json(name)) == required.end())
        refuse_request(400, "Invalid schema for " + where + ": 'required' is required to be supplied and to be an array including every key in properties. Missing '" + name + "'.", where, "invalid_json_schema");
      check_strict(property, where);
    }
  }
  if (schema.contains("items")) check_strict(schema["items"], where);
}

void check_parameters(const Json& parameters, const std::string& where) {
  if (!parameters.is_object() || parameters.value("type", Json()) != "object" || !parameters.value("properties", Json::object()).is_object())
    refuse_request(400, "Invalid schema for function: schema must be a JSON Schema of 'type: \"object\"'.", where, "invalid_function_parameters");
}

void check_tools(const Json& body, const std::string& kind) {
  if (!body.contains("tools")) {
    for (const char* name : {"tool_choice", "parallel_tool_calls"})
      if (body.contains(name)) refuse_request(400, std::string("Invalid value for '") + name + "': '" + name + "' is only allowed when 'tools' are specified.", name);
    return;
  }
  const Json& tools = body["tools"];
  if (!tools.is_array() || tools.empty()) refuse_request(400, "Invalid 'tools': empty array. Expected an array with minimum length 1.", "tools", "empty_array");
  if (tools.size() > 128) refuse_request(400, "Invalid 'tools': array too long.", "tools", "array_above_max_length");
  Names names;
  for (const Json& tool : tools) {
    check_names(tool, {"type", "function"}, "tools.");
    if (tool.value("type", "") != "function") refuse_request(400, "Invalid value for 'tools[0].type'.", "tools");
    const Json& function = tool.value("function", Json::object());
    check_names(function, {"name", "description", "parameters", "strict"}, "tools.function.");
    if (!is_function_name(function.value("name", Json()))) refuse_request(400, "Invalid 'tools[0].function.name'.", "tools", "invalid_value");
    if (!names.insert(function["name"]).second) refuse_request(400, "Tool names must be unique.", "tools");
    if (function.contains("parameters")) check_parameters(function["parameters"], "tools");
    if (function.value("strict", false)) check_strict(function.value("parameters", Json::object()), "tools");
  }
  const Json choice = body.value("tool_choice", Json("auto"));
  const bool word = choice == "auto" || choice == "none" || (choice == "required" && kind != "yandex");
  const bool named = choice.is_object() && kind != "yandex" && choice.value("type", "") == "function" && names.contains(choice["function"].value("name", ""));
  if (!word && !named) refuse_request(400, "Invalid value for 'tool_choice'.", "tool_choice");
}

void check_format(const Json& body, const std::string& kind) {
  if (!body.contains("response_format")) return;
  const Json& format = body["response_format"];
  const std::string type = format.is_object() ? format.value("type", "") : "";
  if (type == "text") return;
  if (type == "json_object") {
    if (kind == "llamacpp") return;
    check_names(format, {"type"}, "response_format.");
    if (body["messages"].dump().find("JSON") == std::string::npos && body["messages"].dump().find("json") == std::string::npos)
      refuse_request(400, "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.", "messages");
    return;
  }
  if (type != "json_schema") refuse_request(400, "Invalid value for 'response_format.type'.", "response_format.type", "invalid_value");
  if (kind == "gigachat") {
    check_names(format, {"type", "schema", "strict"}, "response_format.");
    if (!format.value("schema", Json()).is_object()) refuse_request(400, "response_format.schema is required");
    return;
  }
  check_names(format, {"type", "json_schema"}, "response_format.");
  const Json& schema = format.value("json_schema", Json());
  if (!schema.is_object()) refuse_request(400, "Missing required parameter: 'response_format.json_schema'.", "response_format.json_schema", "missing_required_parameter");
  if (kind == "yandex") {
    if (schema.contains("schema") || schema.contains("name")) refuse_request(400, "json_schema is the schema itself");
    return;
  }
  check_names(schema, {"name", "description", "schema", "strict"}, "response_format.json_schema.");
  if (!is_function_name(schema.value("name", Json())))
    refuse_request(400, "Missing required parameter: 'response_format.json_schema.name'.", "response_format.json_schema.name", "missing_required_parameter");
  if (!schema.value("schema", Json()).is_object()) refuse_request(400, "Invalid schema for response_format.", "response_format");
  if (schema.value("strict", false)) check_strict(schema["schema"], "response_format");
}

void check_bounds(const Json& body, const std::string& kind) {
  const Json temperature = body.value("temperature", Json(1));
  if (!temperature.is_number() || temperature < 0 || temperature > 2) refuse_request(400, "Invalid 'temperature'.", "temperature");
  if (kind == "openai" && body.contains("max_tokens"))
    refuse_request(400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "max_tokens", "unsupported_parameter");
  if (kind != "openai" && body.contains("max_completion_tokens")) refuse_request(400, "Unrecognized request argument supplied: max_completion_tokens", "max_completion_tokens");
  for (const char* name : {"max_tokens", "max_completion_tokens"})
    if (body.contains(name) && (!body[name].is_number_integer() || body[name] < 1)) refuse_request(400, std::string("Invalid '") + name + "'.", name);
  if (body.contains("stream") && !body["stream"].is_boolean()) refuse_request(400, "Invalid type for 'stream'.", "stream");
  if (body.contains("stream_options")) {
    if (!body.value("stream", false)) refuse_request(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options");
    check_names(body["stream_options"], {"include_usage", "include_obfuscation"}, "stream_options.");
  }
}

/// Functions instead of tools; one call a turn, its result right behind it.
void check_gigachat_messages(const Json& messages) {
  std::string called;
  std::size_t number = 0;
  for (const Json& message : messages) {
    check_names(message, {"role", "content", "function_call", "functions_state_id", "name", "attachments"}, "messages.");
    const std::string role = message.value("role", "");
    if (role == "system" && number > 0) refuse_request(422, "Invalid params: system message must be the first message");
    ++number;
    if (role == "function") {
      if (called.empty() || message.value("name", "") != called) refuse_request(422, "Invalid params: function result without a call");
      if (!is_json_text(message.value("content", Json())) || !Json::parse(message["content"].get<std::string>()).is_object())
        refuse_request(422, "Invalid params: function result must be a JSON object in a string");
      called.clear();
      continue;
    }
    if (!called.empty()) refuse_request(422, "Invalid params: a call has no result");
    if (role != "system" && role != "user" && role != "assistant") refuse_request(422, "Invalid params: role");
    if (!message.value("content", Json()).is_string()) refuse_request(422, "Invalid params: content");
    if (!message.contains("function_call")) continue;
    const Json& call = message["function_call"];
    if (role != "assistant" || !is_function_name(call.value("name", Json())) || !call.value("arguments", Json()).is_object())
      refuse_request(422, "Invalid params: function_call");
    called = call["name"];
  }
  if (!called.empty()) refuse_request(422, "Invalid params: a call has no result");
}

void check_gigachat_functions(const Json& body) {
  if (!body.contains("functions")) {
    if (body.contains("function_call")) refuse_request(422, "Invalid params: function_call without functions");
    return;
  }
  if (!body["functions"].is_array() || body["functions"].empty()) refuse_request(422, "Invalid params: functions");
  for (const Json& function : body["functions"]) {
    check_names(function, {"name", "description", "parameters", "few_shot_examples", "return_parameters"}, "functions.");
    if (!is_function_name(function.value("name", Json()))) refuse_request(422, "Invalid params: functions.name");
    check_parameters(function.value("parameters", Json()), "functions");
  }
  const Json choice = body.value("function_call", Json("auto"));
  if (choice != "auto" && choice != "none" && !choice.is_object()) refuse_request(422, "Invalid params: function_call");
}

}  // namespace

void refuse_request(int status, const std::string& message, const std::string& param, const std::string& code) {
  throw ApiError{status, message, {{"param", param.empty() ? Json() : Json(param)}, {"code", code.empty() ? Json() : Json(code)}}};
}

void check_chat(const Json& body, const std::string& kind) {
  check_names(body, known_fields(kind), "");
  if (!body.value("model", Json()).is_string()) refuse_request(400, "you must provide a model parameter");
  const Json messages = body.value("messages", Json());
  if (!messages.is_array()) refuse_request(400, "Missing required parameter: 'messages'.", "messages", "missing_required_parameter");
  if (messages.empty()) refuse_request(400, "Invalid 'messages': empty array. Expected an array with minimum length 1.", "messages", "empty_array");
  if (kind == "gigachat") {
    check_gigachat_messages(messages);
    check_gigachat_functions(body);
  } else {
    check_messages(messages, kind);
    check_tools(body, kind);
  }
  check_format(body, kind);
  check_bounds(body, kind);
}

void check_embeddings(const Json& body, const std::string& kind) {
  check_names(body, {"model", "input", "encoding_format", "dimensions", "user"}, "");
  if (!body.value("model", Json()).is_string()) refuse_request(400, "you must provide a model parameter");
  const Json& input = body.value("input", Json());
  const auto good = [](const Json& text) { return text.is_string() && !text.get<std::string>().empty(); };
  if (input.is_array() && kind == "yandex") refuse_request(400, "one text a call");
  const bool list = input.is_array() && !input.empty() && input.size() <= 2048 && std::all_of(input.begin(), input.end(), good);
  if (!list && !good(input)) refuse_request(400, "'$.input' is invalid.", "input");
}

std::int64_t tokens_of(const Json& body) {
  std::int64_t tokens = 0;
  for (const Json& message : body.value("messages", Json::array())) tokens += 4 + static_cast<std::int64_t>(message.dump().size()) / 4;
  return tokens + static_cast<std::int64_t>(body.value("tools", Json::array()).dump().size()) / 4;
}

}  // namespace sufler::fakes

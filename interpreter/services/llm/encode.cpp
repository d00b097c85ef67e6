#include "interpreter/services/llm/encode.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "interpreter/core/text.h"
#include "interpreter/services/llm/gigachat.h"
#include "interpreter/services/llm/wire_json.h"

namespace sufler::llm {
namespace {

OrderedJson parsed(const std::string& text) {
  OrderedJson json = OrderedJson::parse(text, nullptr, false);
  return json.is_discarded() ? OrderedJson::object() : json;
}

const char* role_word(Role role, const ModelFlags& flags) {
  switch (role) {
    case Role::System: return flags.system_role.c_str();
    case Role::User: return "user";
    case Role::Assistant: return "assistant";
    case Role::Tool: return "tool";
  }
  return "user";
}

/// Ids may be lacking or come twice, since models and servers make them: those of one request differ.
class Ids {
 public:
  std::string name(const std::string& given) {
    std::string id = given.empty() ? "call00000" : given;
    // Nine letters and digits, which are all that some models' templates take.
    for (int i = 1; std::find(used_.begin(), used_.end(), id) != used_.end(); ++i) {
      const std::string number = std::to_string(100'000 + i);
      id = "call" + number.substr(1);
    }
    used_.push_back(id);
    return id;
  }

 private:
  std::vector<std::string> used_;
};

OrderedJson messages_json(std::vector<ChatMessage> messages, const ModelFlags& flags) {
  pair_calls(messages);
  OrderedJson out = OrderedJson::array();
  Ids ids;
  std::vector<std::string> open;  // of the calls whose results come next
  std::size_t next = 0;
  for (const ChatMessage& message : messages) {
    OrderedJson json = {{"role", role_word(message.role, flags)}};
    if (message.role == Role::Tool) {
      json["tool_call_id"] = next < open.size() ? open[next++] : message.call;
      json["content"] = message.content;
    } else if (message.calls.empty()) {
      json["content"] = message.content;
    } else {
      json["content"] = message.content.empty() ? OrderedJson() : OrderedJson(message.content);
      open.clear();
      next = 0;
      for (const ToolCall& call : message.calls) {
        open.push_back(ids.name(call.id));
        json["tool_calls"].push_back({{"id", open.back()},
                                      {"type", "function"},
                                      {"function", {{"name", function_name(call.name)}, {"arguments", call.arguments}}}});
      }
    }
    out.push_back(std::move(json));
  }
  return out;
}

void add_tools(OrderedJson& body, const ChatRequest& request, const ModelFlags& flags) {
  if (request.tools.empty() || flags.tools != ToolStyle::Tools) return;
  OrderedJson& tools = body["tools"] = OrderedJson::array();
  for (const ToolSpec& tool : request.tools) {
    OrderedJson function = {{"name", function_name(tool.name)}};
    if (!tool.about.empty()) function["description"] = tool.about;
    function["parameters"] = parsed(tool.parameters);
    if (flags.strict && is_strict_schema(tool.parameters)) function["strict"] = true;
    tools.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  if (flags.tool_choice) body["tool_choice"] = "auto";
  if (flags.parallel_calls) body["parallel_tool_calls"] = *flags.parallel_calls;
}

void add_schema(OrderedJson& body, const ChatRequest& request, const ModelFlags& flags) {
  if (request.schema.empty()) return;
  OrderedJson schema = parsed(request.schema);
  OrderedJson& format = body["response_format"];
  switch (flags.json_schema) {
    case SchemaStyle::OpenAi:
      format = {{"type", "json_schema"}, {"json_schema", {{"name", "answer"}, {"schema", std::move(schema)}}}};
      if (flags.strict && is_strict_schema(request.schema)) format["json_schema"]["strict"] = true;
      return;
    case SchemaStyle::Bare: format = {{"type", "json_schema"}, {"json_schema", std::move(schema)}}; return;
    case SchemaStyle::JsonObject: format = {{"type", "json_object"}, {"schema", std::move(schema)}}; return;
    case SchemaStyle::TopLevel:
      format = {{"type", "json_schema"}, {"schema", std::move(schema)}, {"strict", is_strict_schema(request.schema)}};
      return;
    case SchemaStyle::None: body.erase("response_format"); return;
  }
}

bool is_strict(const OrderedJson& schema, int depth) {
  if (depth > kMostDepth) return false;
  if (schema.is_array()) return std::all_of(schema.begin(), schema.end(), [&](const OrderedJson& one) { return is_strict(one, depth + 1); });
  if (!schema.is_object()) return true;
  if (const auto properties = schema.find("properties"); properties != schema.end() && properties->is_object()) {
    const auto more = schema.find("additionalProperties");
    if (more == schema.end() || *more != false) return false;
    const auto required = schema.find("required");
    if (required == schema.end() || !required->is_array()) return false;
    for (const auto& [name, property] : properties->items()) {
      if (std::find(required->begin(), required->end(), OrderedJson(name)) == required->end()) return false;
      if (!is_strict(property, depth + 1)) return false;
    }
  } else if (const auto type = schema.find("type"); type != schema.end() && *type == "object") {
    const auto more = schema.find("additionalProperties");
    if (more == schema.end() || *more != false) return false;
  }
  for (const char* name : {"items", "anyOf", "$defs"})
    if (const auto found = schema.find(name); found != schema.end()) {
      if (std::string_view(name) == "$defs") {
        for (const auto& [key, one] : found->items())
          if (!is_strict(one, depth + 1)) return false;
      } else if (!is_strict(*found, depth + 1)) {
        return false;
      }
    }
  return true;
}

}  // namespace

std::string chat_body(const ChatRequest& request, const ModelConnection& connection) {
  if (connection.kind == ModelKind::GigaChat || connection.flags.tools == ToolStyle::Functions) return gigachat_body(request, connection);
  const ModelFlags& flags = connection.flags;
  OrderedJson body = {{"model", wire_model(connection, connection.model)}};
  const bool in_words = !request.schema.empty() && flags.json_schema == SchemaStyle::None;
  body["messages"] = messages_json(in_words ? with_schema_in_words(request) : request.messages, flags);
  add_tools(body, request, flags);
  add_schema(body, request, flags);
  add_bounds(body, request, connection);
  if (connection.stream) {
    body["stream"] = true;
    if (flags.stream_usage) body["stream_options"] = {{"include_usage", true}};
  }
  return dumped(body);
}

void add_bounds(OrderedJson& body, const ChatRequest& request, const ModelConnection& connection) {
  if (connection.temperature) body["temperature"] = parsed(*connection.temperature);
  if (request.reply && !connection.flags.max_tokens_field.empty()) body[connection.flags.max_tokens_field] = *request.reply;
  for (const auto& [name, value] : connection.parameters) body[name] = parsed(value);
}

std::vector<ChatMessage> with_schema_in_words(const ChatRequest& request) {
  std::vector<ChatMessage> messages = request.messages;
  const std::string words = "Answer with one JSON value that fits this JSON schema, and with nothing else:\n" + request.schema;
  if (!messages.empty() && messages.front().role == Role::System) {
    messages.front().content += "\n\n" + words;
  } else {
    messages.insert(messages.begin(), ChatMessage{Role::System, words});
  }
  return messages;
}

std::string function_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (out.size() == 64) break;
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    out += good ? c : '_';
  }
  return out.empty() ? "unknown" : out;
}

bool is_strict_schema(std::string_view schema) {
  const OrderedJson json = OrderedJson::parse(schema, nullptr, false);
  return json.is_object() && is_strict(json, 0);
}

std::vector<std::string> request_headers(const ModelConnection& connection, const std::string& token) {
  std::vector<std::string> lines = {"Content-Type: application/json"};
  const std::string& key = connection.kind == ModelKind::GigaChat ? token : connection.key;
  const std::string prefix = connection.prefix.empty() ? "" : connection.prefix + " ";
  if (!key.empty()) lines.push_back(connection.header + ": " + prefix + key);
  for (const auto& [name, value] : connection.headers) lines.push_back(name + ": " + value);
  return lines;
}

std::string wire_model(const ModelConnection& connection, const std::string& model, std::string_view scheme) {
  if (connection.kind != ModelKind::Yandex || model.find("://") != std::string::npos) return model;
  for (const auto& [name, value] : connection.headers) {
    if (name != "OpenAI-Project") continue;
    const bool version = model.find('/') != std::string::npos;
    return std::string(scheme) + "://" + value + "/" + model + (version ? "" : "/latest");
  }
  return model;
}

}  // namespace sufler::llm

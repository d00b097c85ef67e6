#include "fakes/llm/answers.h"

#include <set>

namespace sufler::fakes {
namespace {

Json usage_of(const Script& script, const Said& said) {
  std::int64_t out = static_cast<std::int64_t>(script.text.size()) / 4 + 1;
  for (const Script::Call& call : script.calls) out += static_cast<std::int64_t>(call.arguments.size()) / 4 + 3;
  Json usage = {{"prompt_tokens", said.prompt_tokens}, {"completion_tokens", out}, {"total_tokens", said.prompt_tokens + out}};
  if (said.kind == "openai") {
    usage["prompt_tokens_details"] = {{"cached_tokens", 0}, {"audio_tokens", 0}};
    usage["completion_tokens_details"] = {{"reasoning_tokens", 0}};
  }
  if (said.kind == "gigachat") usage["precached_prompt_tokens"] = 0;
  return usage;
}

bool is_gigachat(const Said& said) { return said.kind == "gigachat"; }

std::string finish_of(const Script& script, const Said& said) {
  if (!script.finish.empty()) return script.finish;
  if (script.calls.empty()) return "stop";
  return is_gigachat(said) ? "function_call" : "tool_calls";
}

std::string id_of(const Script::Call& call, const Said& said, std::size_t index) {
  return call.id.empty() ? "call_" + said.id + "_" + std::to_string(index) : call.id;
}

Json function_call(const Script::Call& call) {
  Json arguments = Json::parse(call.arguments, nullptr, false);
  return {{"name", call.name}, {"arguments", arguments.is_object() ? arguments : Json::object()}};
}

Json message_of(const Script& script, const Said& said) {
  Json message = {{"role", "assistant"}};
  if (is_gigachat(said)) {
    message["content"] = script.text;
    if (!script.calls.empty()) {
      message["function_call"] = function_call(script.calls.front());
      message["functions_state_id"] = id_of(script.calls.front(), said, 0);
    }
    return message;
  }
  message["content"] = script.text.empty() && !script.calls.empty() ? Json() : Json(script.text);
  if (said.kind == "openai") message["refusal"] = nullptr;
  for (std::size_t i = 0; i < script.calls.size(); ++i) {
    const Script::Call& call = script.calls[i];
    message["tool_calls"].push_back({{"id", id_of(call, said, i)}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  }
  return message;
}

/// Cut where a careless server may cut: never inside of a character, but inside of words and marks.
std::vector<std::string> pieces_of(const std::string& text, std::size_t characters) {
  std::vector<std::string> pieces;
  std::size_t count = characters;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (begins && count++ == characters) {
      pieces.emplace_back();
      count = 1;
    }
    pieces.back() += text[i];
  }
  return pieces;
}

}  // namespace

Script Script::parse(const Json& params) {
  Script script;
  static const std::set<std::string> known = {"text", "calls", "finish", "when", "times", "delay_ms", "usage", "piece", "crlf"};
  for (const auto& [name, value] : params.items())
    if (!known.contains(name)) refuse("no such part of an answer: " + name);
  script.text = params.value("text", "");
  for (const Json& call : params.value("calls", Json::array())) {
    const Json arguments = call.value("arguments", Json("{}"));
    script.calls.push_back({call.value("id", ""), call.at("name"), arguments.is_string() ? arguments.get<std::string>() : arguments.dump()});
  }
  script.finish = params.value("finish", "");
  script.when = params.value("when", "");
  script.times = params.value("times", std::int64_t{1});
  script.delay_ms = params.value("delay_ms", std::int64_t{0});
  script.usage = params.value("usage", true);
  script.piece = params.value("piece", std::size_t{0});
  script.crlf = params.value("crlf", false);
  return script;
}

Json whole_answer(const Script& script, const Said& said) {
  Json choice = {{"index", 0}, {"message", message_of(script, said)}, {"finish_reason", finish_of(script, said)}};
  if (!is_gigachat(said)) choice["logprobs"] = nullptr;
  Json answer = {{"object", "chat.completion"}, {"created", said.created}, {"model", said.model}, {"choices", {choice}}};
  if (!is_gigachat(said)) answer["id"] = "chatcmpl-" + said.id;
  if (script.usage) answer["usage"] = usage_of(script, said);
  return answer;
}

std::string stream_of(const Script& script, const Said& said, bool usage, StreamFault fault) {
  const std::string end = script.crlf ? "\r\n" : "\n";
  std::string out;
  std::size_t number = 0;
  const auto put = [&](const Json& json) { out += "data: " + wire_text(json) + end + end; };
  const auto envelope = [&] {
    Json chunk = {{"object", is_gigachat(said) ? "chat.completion" : "chat.completion.chunk"}, {"created", said.created}, {"model", said.model}};
    if (!is_gigachat(said)) chunk["id"] = "chatcmpl-" + said.id;
    if (said.kind == "openai") chunk["obfuscation"] = std::string(1 + number % 7, 'x');
    return chunk;
  };
  bool ended = false;
  const auto chunk = [&](const Json& delta, const Json& finish = nullptr) {
    if (ended) return;
    Json json = envelope();
    json["choices"] = {{{"index", 0}, {"delta", delta}, {"finish_reason", finish}}};
    put(json);
    if (++number == 2 && fault == StreamFault::Error) {
      put({{"error", {{"message", "The server had an error while processing your request."}, {"type", "server_error"}, {"param", nullptr}, {"code", nullptr}}}});
      ended = true;
    }
    if (number == 2 && fault == StreamFault::Cut) ended = true;
    if (number % 3 == 0) out += ": keep-alive" + end + end;
  };
  out += ": begins" + end + end;
  chunk({{"role", "assistant"}, {"content", ""}});
  for (const std::string& piece : pieces_of(script.text, 3)) chunk({{"content", piece}});
  for (std::size_t i = 0; i < script.calls.size(); ++i) {
    const Script::Call& call = script.calls[i];
    if (is_gigachat(said)) {
      chunk({{"content", ""}, {"function_call", function_call(call)}, {"functions_state_id", id_of(call, said, i)}});
      break;
    }
    chunk({{"tool_calls", {{{"index", i}, {"id", id_of(call, said, i)}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", ""}}}}}}});
    for (const std::string& piece : pieces_of(call.arguments, 3)) chunk({{"tool_calls", {{{"index", i}, {"function", {{"arguments", piece}}}}}}});
  }
  if (fault == StreamFault::Cut || fault == StreamFault::Error) ended = true;
  chunk(Json::object(), finish_of(script, said));
  if (ended) return out;
  if (usage && script.usage) {
    Json json = envelope();
    json["choices"] = Json::array();
    json["usage"] = usage_of(script, said);
    put(json);
  }
  if (fault != StreamFault::NoDone) out += "data: [DONE]" + end + end;
  return out;
}

std::string last_words(const Json& body) {
  const Json messages = body.value("messages", Json::array());
  for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
    if (message->value("role", "") != "user") continue;
    const Json& content = (*message)["content"];
    if (content.is_string()) return content;
    std::string text;
    for (const Json& part : content) text += part.value("text", "");
    return text;
  }
  return {};
}

Json least_of(const Json& schema, int depth) {
  if (!schema.is_object() || depth > 20) return nullptr;
  if (schema.contains("const")) return schema["const"];
  if (schema.contains("enum") && !schema["enum"].empty()) return schema["enum"][0];
  if (schema.contains("anyOf") && !schema["anyOf"].empty()) return least_of(schema["anyOf"][0], depth + 1);
  Json type = schema.value("type", Json("object"));
  if (type.is_array()) type = type.empty() ? Json("null") : type[0];
  if (type == "string") return "";
  if (type == "integer" || type == "number") return schema.value("minimum", Json(0));
  if (type == "boolean") return false;
  if (type == "array") return Json::array();
  if (type == "null") return nullptr;
  Json object = Json::object();
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, property] : properties.items()) object[name] = least_of(property, depth + 1);
  return object;
}

}  // namespace sufler::fakes

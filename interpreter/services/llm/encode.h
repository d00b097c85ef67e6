#pragma once
#include <string>
#include <vector>

#include "interpreter/core/model_connection.h"
#include "interpreter/services/llm/chat.h"

/// Requests as they go on the wire. Pure.
namespace sufler::llm {

/// The body of `POST {url}/chat/completions` for the connection's kind of server; GigaChat's has another form. Calls
/// and results are in pairs in it whatever the talk holds, and names of functions are such as servers take.
std::string chat_body(const ChatRequest& request, const ModelConnection& connection);

/// The messages, and among them the schema in words: for servers that cannot hold a model to one.
std::vector<ChatMessage> with_schema_in_words(const ChatRequest& request);

/// `[A-Za-z0-9_-]{1,64}`.
std::string function_name(std::string_view name);

/// Whether a schema is such as `strict` demands: every object names all its properties as required and allows no others.
bool is_strict_schema(std::string_view schema);

/// The header lines of every request: the key, the project, those of the configuration. `token`: GigaChat's, in place of
/// the key.
std::vector<std::string> request_headers(const ModelConnection& connection, const std::string& token = {});

/// `model:` as the server wants it: YandexGPT's short names get their folder.
std::string wire_model(const ModelConnection& connection, const std::string& model, std::string_view scheme = "gpt");

}  // namespace sufler::llm

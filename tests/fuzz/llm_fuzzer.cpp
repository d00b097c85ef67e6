// What servers of language models send: whole answers, streams, errors, tokens and vectors; and what is made of the
// answers for the next request. The first byte says how the bytes are cut.
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "fuzz/targets.h"
#include "interpreter/core/text.h"
#include "interpreter/services/llm/decode.h"
#include "interpreter/services/llm/embeddings.h"
#include "interpreter/services/llm/encode.h"
#include "interpreter/services/llm/errors.h"
#include "interpreter/services/llm/gigachat.h"
#include "interpreter/services/llm/stream.h"

namespace sufler::fuzz {
namespace {

using namespace llm;

void check_line(const std::string& about) {
  require(is_utf8(about) && about.size() < 4'096, "a line of the log is a short text");
  for (const char c : about) require(static_cast<unsigned char>(c) >= 0x20, "a line of the log is one line");
}

/// What came goes back with the next request, which no server may refuse for its order.
void check_next_request(const ChatAnswer& answer) {
  ChatRequest request;
  request.messages = {{Role::System, "s"}, {Role::User, "u"}, {Role::Assistant, answer.text.value_or(""), answer.calls}};
  if (answer.calls.size() > 1) request.messages.push_back({Role::Tool, "r", {}, answer.calls[1].id});
  request.messages.push_back({Role::User, "v"});
  for (const ModelKind kind : {ModelKind::OpenAi, ModelKind::GigaChat}) {
    ModelConnection connection;
    connection.kind = kind;
    connection.model = "m";
    set_usual(connection);
    const auto body = nlohmann::json::parse(chat_body(request, connection), nullptr, false);
    require(body.is_object(), "a request is JSON");
    if (kind == ModelKind::GigaChat) continue;
    std::multiset<std::string> called, answered;
    for (const auto& message : body["messages"]) {
      if (message.contains("tool_calls")) for (const auto& call : message["tool_calls"]) called.insert(call["id"].get<std::string>());
      if (message["role"] == "tool") answered.insert(message["tool_call_id"].get<std::string>());
    }
    require(called == answered, "every call is answered once");
  }
  (void)trimmed(request);
}

void check(const Result<ChatAnswer, Failure>& read) {
  if (!read) {
    check_line(read.error().about);
    require(read.error().wait.ms >= 0, "nobody waits for the past");
    return;
  }
  require(read->text || !read->calls.empty(), "an answer says something");
  if (read->text) require(is_utf8(*read->text) && !read->text->empty(), "an answer is a text");
  std::set<std::string> ids;
  for (const ToolCall& call : read->calls) {
    require(is_utf8(call.name) && is_utf8(call.arguments) && !call.arguments.empty(), "a call is a text");
    require(!call.id.empty() && ids.insert(call.id).second, "every call has an id of its own");
  }
  require(read->calls.empty() || read->finish == Finish::Tools, "calls are called");
  check_next_request(*read);
  ChatAnswer answer = *read;
  if (keep_json(answer)) require(!nlohmann::json::parse(*answer.text, nullptr, false).is_discarded() || !answer.calls.empty(), "JSON is JSON");
}

std::string shown(const Result<ChatAnswer, Failure>& read) {
  if (!read) return std::string(word_of(read.error().fault)) + read.error().about;
  std::string out = read->text.value_or("-") + std::string(word_of(read->finish));
  for (const ToolCall& call : read->calls) out += "|" + call.id + "|" + call.name + "|" + call.arguments;
  return out + std::to_string(read->usage ? read->usage->in : -1);
}

Result<ChatAnswer, Failure> decoded(std::string_view bytes, std::size_t piece, bool broken) {
  StreamDecoder decoder;
  for (std::size_t i = 0; i < bytes.size(); i += piece) {
    const bool more = decoder.feed(bytes.substr(i, piece));
    require(is_utf8(decoder.text()), "what is shown meanwhile is a text");
    if (!more) break;
  }
  return decoder.finish(broken);
}

}  // namespace

void play_llm(std::string_view bytes) {
  const std::size_t piece = bytes.empty() ? 1 : 1 + static_cast<unsigned char>(bytes.front()) % 16;
  if (!bytes.empty()) bytes.remove_prefix(1);
  check(read_answer(bytes));
  for (const bool broken : {false, true}) {
    const auto whole = decoded(bytes, bytes.size() + 1, broken);
    check(whole);
    require(shown(whole) == shown(decoded(bytes, piece, broken)), "a stream means the same however it is cut");
  }
  for (const int status : {302, 400, 401, 413, 429, 500}) check_line(failure_of(status, bytes).about);
  const auto vectors = read_embeddings(bytes, 2);
  if (vectors) require(vectors->vectors.size() == 2 && vectors->vectors[0].size() == vectors->vectors[1].size(), "vectors are of one length");
  const auto token = read_access_token(bytes);
  if (token) require(token->token.find('\n') == std::string::npos, "a token is a line");
  const auto request = read_request(bytes);
  if (request) (void)trimmed(*request);
  require(without_secrets(std::string(bytes), {"SECRET-word-0123"}).find("SECRET-word-0123") == std::string::npos, "a secret is hidden");
}

}  // namespace sufler::fuzz

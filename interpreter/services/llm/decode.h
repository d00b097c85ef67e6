#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/services/llm/chat.h"

/// Answers as they come off the wire. Pure; any bytes give an answer or a failure.
namespace sufler::llm {

/// The body of a 2xx that was not asked for as a stream: of Chat Completions, of GigaChat, and of GigaChat's second contract.
Result<ChatAnswer, Failure> read_answer(std::string_view body);

/// What has been gathered of an answer, from one body or from the pieces of a stream.
struct Draft {
  std::string text;  ///< may hold stand-ins of `parse_wire`
  std::vector<ToolCall> calls;
  std::string refusal;
  std::string finish;  ///< the server's word
  std::optional<Usage> usage;
};
/// What of it counts: without what the model only thought, with calls that have ids. Nothing at all is a failure.
Result<ChatAnswer, Failure> finished(Draft draft);

/// Reads `message` or `delta` into the draft, but for the calls of tools: those of a stream come in pieces.
void read_message(const nlohmann::json& message, Draft& draft);
void read_usage(const nlohmann::json& body, Draft& draft);
/// Arguments as text, whatever form they came in; a piece of them when they come in pieces.
std::string arguments_text(const nlohmann::json& function);

/// Without `<think>…</think>`. `whole`: nothing more will come; otherwise what may become such a mark is held back.
std::string without_thoughts(std::string_view text, bool whole);

/// An answer that has to be JSON: its text becomes that JSON alone, without the fence or the words around it. False: there
/// is none, or it was cut.
bool keep_json(ChatAnswer& answer);

}  // namespace sufler::llm

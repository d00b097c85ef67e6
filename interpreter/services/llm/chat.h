#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/moment.h"
#include "interpreter/core/result.h"
#include "interpreter/services/knowledge_search.h"

/// A talk with a model, whatever server it runs on.
namespace sufler::llm {

enum class Role : std::uint8_t { System, User, Assistant, Tool };

/// The model asks for a tool. What it wrote is data: neither the name nor the arguments are checked here.
struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  ///< JSON text as the model wrote it, which may be none; `{}` where it wrote nothing
  bool operator==(const ToolCall&) const = default;
};

struct ChatMessage {
  Role role = Role::User;
  std::string content;
  std::vector<ToolCall> calls = {};  ///< Assistant
  std::string call = {};             ///< Tool: the id of the call that this answers
};

struct ToolSpec {
  std::string name;
  std::string about;
  std::string parameters;  ///< JSON schema of an object, as text
};

struct ChatRequest {
  std::vector<ChatMessage> messages;
  std::vector<ToolSpec> tools;
  std::string schema;                      ///< JSON schema of the whole answer, as text; empty: free text
  std::optional<std::int64_t> reply;       ///< most tokens of the answer
  std::optional<KnowledgeQuery> knowledge;
  bool awaited = false;  ///< a person waits for the answer
  /// The answer may be shown while it grows: hosts of links that it may have, and what stands in place of others.
  struct Shown {
    std::vector<std::string> links;
    std::string removed;
  };
  std::optional<Shown> shown;
};

/// Reads the request of a job. Else the reason, which names no content.
Result<ChatRequest, std::string> read_request(std::string_view json);

/// The same talk so that no server can refuse its order: every call is answered right behind its message, once, and
/// nothing is answered that was not called.
void pair_calls(std::vector<ChatMessage>& messages);

/// The same talk without its older half, or nothing when there is no more to leave out: instructions at the beginning
/// and the last message of the person, with what follows it, stay, and no call loses its result.
std::optional<ChatRequest> trimmed(const ChatRequest& request);

/// About so many tokens: half the code points, and some for each message.
std::int64_t estimated_tokens(const ChatRequest& request);
std::int64_t estimated_tokens(std::string_view text);

enum class Finish : std::uint8_t { Stop, Length, Tools, Filtered };
std::string_view word_of(Finish finish);

struct Usage {
  std::int64_t in = 0;
  std::int64_t out = 0;
  bool operator==(const Usage&) const = default;
};

struct ChatAnswer {
  std::optional<std::string> text;
  std::vector<ToolCall> calls;
  Finish finish = Finish::Stop;
  std::optional<Usage> usage;  ///< absent: the server did not count
};

/// Why there is no answer, in the words that a job's error has.
enum class Fault : std::uint8_t {
  Unavailable,  ///< no way there, or 5xx
  Timeout,
  Busy,      ///< asked too often, or the circuit breaker is open
  Billing,   ///< no money
  Denied,    ///< the key is not good, or the place is not served
  Rejected,  ///< the request is wrong, or there is no such model
  TooLong,   ///< more than the model takes in
  Filtered,  ///< the server does not want to answer that
  BadAnswer,  ///< no JSON, nothing, or too much
};
std::string_view word_of(Fault fault);

struct Failure {
  Fault fault = Fault::Unavailable;
  std::string about = {};     ///< for the operator, short; may hold what the server said, so it is to be redacted
  bool again = false;         ///< another attempt may succeed
  Duration wait = {};         ///< before that, at least
  bool token_is_old = false;  ///< 401: with a fresh token it may succeed
};

}  // namespace sufler::llm

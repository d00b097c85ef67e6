#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/assistants/memory.h"
#include "interpreter/core/program.h"

/// What a model is asked, as the JSON that the service `assistant` takes.
namespace sufler {

struct RequestMessage {
  enum class Role : std::uint8_t { System, User, Assistant, Tool } role = Role::User;
  std::string content;
  std::optional<ModelCall> call;  ///< Assistant
  std::string answers;            ///< Tool: the id of the call
};
struct RequestTool {
  std::string function, about;
  std::string parameters;  ///< JSON schema of an object
};
struct ModelRequest {
  std::string assistant;  ///< its name, for logs, figures and mocks
  std::vector<RequestMessage> messages;
  std::vector<RequestTool> tools;
  std::string schema;       ///< JSON schema of the whole answer; empty: free text
  std::uint32_t reply = 0;  ///< most tokens of the answer; 0: none said
  std::string version;      ///< of the scenario, for the search
  std::string question;     ///< what knowledge is searched for; empty: none is
  bool awaited = false;     ///< a person waits for the answer
  /// The answer may be shown while it grows: hosts of links that it may have, and what stands in place of others.
  struct Shown {
    std::vector<std::string> links;
    std::string removed;
  };
  std::optional<Shown> shown;
};

/// What every model is told behind the author's instructions (platforms/llm.md, section 10).
std::string_view house_rules(Language language);

std::string to_json(const ModelRequest& request);
/// Code points of all that a server counts.
std::uint64_t points_of(const ModelRequest& request);

/// A block of data among the messages: named, closed, and no instruction.
std::string data_block(std::string_view name, std::string_view text, std::size_t most);

/// JSON schema of an object with a member for each question, named like it. What is not known may be null.
std::string schema_of(const Program& program, const std::vector<QuestionId>& questions);
/// `{"answer": one of these}`.
std::string schema_of_choice(const std::vector<std::string>& choices);
/// Whether a model can give an answer to such a question: not a file.
bool can_be_told(QuestionType type);

/// Durable facts as lines that a model reads: a text, a map or a list of either. Whole items, as many as fit.
struct FactLines {
  std::string text;
  std::size_t left_out = 0;  ///< items
};
FactLines fact_lines(const Value& facts, const Locale& locale, std::int64_t tokens, std::uint32_t rate);

}  // namespace sufler

#pragma once
// Inside of the fake.
#include <string>
#include <vector>

#include "fakes/common/api_error.h"

namespace sufler::fakes {

/// What the model says, as the control API takes it: README.md. Throws ApiError for what a test asks wrongly.
struct Script {
  std::string text;
  struct Call {
    std::string id, name, arguments;
  };
  std::vector<Call> calls;
  std::string finish;
  std::string when;
  std::int64_t times = 1;
  std::int64_t delay_ms = 0;
  bool usage = true;
  std::size_t piece = 0;
  bool crlf = false;

  static Script parse(const Json& params);
};

struct Said {
  std::string kind;   ///< of the server
  std::string id;     ///< of the answer
  std::string model;
  std::int64_t created = 0;
  std::int64_t prompt_tokens = 0;
};

/// A whole answer.
Json whole_answer(const Script& script, const Said& said);

/// How a stream goes wrong.
enum class StreamFault : unsigned char { None, Error, Cut, NoDone };
/// The same as events: comments, padding and pieces of characters among them. `usage`: as `stream_options` asks.
std::string stream_of(const Script& script, const Said& said, bool usage, StreamFault fault);

/// The last words of the person in a request.
std::string last_words(const Json& body);
/// The least JSON that fits a schema: empty texts, zeros, the first of several values.
Json least_of(const Json& schema, int depth = 0);

}  // namespace sufler::fakes

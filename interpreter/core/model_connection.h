#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/moment.h"

/// A connection to a server of language models: `models:` of the configuration. Servers agree upon Chat Completions and
/// differ in the rest; what they differ in is a flag here, with a usual value for each kind of server.
namespace sufler {

enum class ModelKind : std::uint8_t {
  Compatible,  ///< any server of Chat Completions of which no more is known
  OpenAi,
  Vllm,
  LlamaCpp,
  Ollama,
  LmStudio,
  Yandex,
  GigaChat,  ///< not compatible: its own token, functions instead of tools
};

/// How an answer that must be JSON of a given schema is asked for.
enum class SchemaStyle : std::uint8_t {
  OpenAi,      ///< `{"type":"json_schema","json_schema":{"name","schema","strict"}}`
  Bare,        ///< `{"type":"json_schema","json_schema":<the schema>}`
  JsonObject,  ///< `{"type":"json_object","schema":<the schema>}`
  TopLevel,    ///< `{"type":"json_schema","schema":<the schema>,"strict":true}`
  None,        ///< in words, behind the instructions
};

enum class ToolStyle : std::uint8_t {
  Tools,      ///< `tools` and `tool_calls`
  Functions,  ///< `functions` and `function_call`: one call a turn
  None,
};

struct ModelFlags {
  std::string max_tokens_field = "max_tokens";  ///< empty: the bound of the answer is not sent
  std::string system_role = "system";
  bool tool_choice = false;             ///< whether the server knows `tool_choice`
  std::optional<bool> parallel_calls;   ///< sent as it is; absent: not sent
  bool strict = false;                  ///< whether the server knows `strict` of schemas
  bool stream_usage = false;            ///< whether a stream may be asked to count its tokens
  SchemaStyle json_schema = SchemaStyle::OpenAi;
  ToolStyle tools = ToolStyle::Tools;
  std::size_t embeddings_batch = 16;    ///< texts of one request
};

struct ModelConnection {
  std::string name;
  bool off = false;  ///< there is no server, and that is meant: whoever asks goes on as when it fails
  ModelKind kind = ModelKind::Compatible;
  std::string url;    ///< up to `/v1`, without a slash at the end
  std::string model;  ///< as the server calls it
  std::string embeddings_model;        ///< of documents; empty: this connection makes no vectors
  std::string embeddings_query_model;  ///< of questions; empty: the same

  std::string key;  ///< empty: none is sent. GigaChat: the authorization key, in Base64 as it is given out
  std::string header = "Authorization";
  std::string prefix = "Bearer";  ///< before the key, with a space between; may be empty
  std::vector<std::pair<std::string, std::string>> headers;  ///< further ones

  std::string oauth_url;  ///< GigaChat: where tokens are given out
  std::string scope;      ///< GigaChat

  std::string ca_file;  ///< absolute; empty: the authorities of the machine
  std::string proxy;    ///< empty: that of the whole configuration; `direct`: none

  Duration connect_timeout{10'000};
  Duration timeout{60'000};  ///< of one exchange
  Duration stall{30'000};    ///< how long an answer that has begun may stand still
  Duration budget{120'000};  ///< of a job with its waiting for others and all its attempts
  std::size_t most_answer_bytes = std::size_t{2} << 20;
  std::size_t at_once = 32;  ///< exchanges at a time; others wait for their turn
  std::uint32_t repeats = 2;  ///< after the first attempt
  Duration first_repeat{500};  ///< about the pause before the first of them; it doubles
  std::uint32_t breaker_failures = 5;  ///< in a row: then nobody asks for
  Duration breaker_rest{30'000};
  bool stream = false;
  std::optional<std::string> temperature;  ///< a number as it is written
  /// Further fields of the request, each with its value as JSON.
  std::vector<std::pair<std::string, std::string>> parameters;
  ModelFlags flags;
};

struct ModelKindInfo {
  ModelKind kind;
  std::string_view name;  ///< as `kind:` says it
};
const std::vector<ModelKindInfo>& model_kinds();
std::string_view name_of(ModelKind kind);
std::optional<ModelKind> model_kind_of(std::string_view name);

/// By the host and the port that servers of a kind have unless they are told otherwise.
ModelKind guess_model_kind(std::string_view url);
/// What servers of the kind know, how many requests they take at a time, and where GigaChat gives out its tokens.
void set_usual(ModelConnection& connection);

}  // namespace sufler

#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/expression.h"
#include "interpreter/core/value.h"

/// The step `http` as the scenario has it, and the request that a turn makes of it for the service `http`.
namespace sufler {

/// As jobs call the service.
inline constexpr std::string_view kHttpService = "http";
/// Of a request with all that is in it, and of what comes back, unpacked.
inline constexpr std::size_t kMostHttpBytes = 256 * 1024;

/// A text with values in it.
struct HttpText {
  struct Piece {
    std::string literal;               ///< when there is no value
    std::optional<Expression> value;
  };
  std::vector<Piece> pieces;
  /// One `{{ … }}` and nothing else: the value keeps its type.
  const Expression* single() const { return pieces.size() == 1 && pieces[0].value ? &*pieces[0].value : nullptr; }
};

/// JSON of any depth whose texts have values in them.
struct HttpJson {
  enum class Kind : std::uint8_t { Constant, Text, List, Map } kind = Kind::Constant;
  Value constant;
  HttpText text;
  std::vector<std::pair<std::string, HttpJson>> members;  ///< List: without names
};

/// `name: text`, or a list of texts: the name several times.
struct HttpField {
  std::string name;
  std::vector<HttpText> values;
};

enum class HttpMethod : std::uint8_t { Get, Post, Put, Patch, Delete };
std::string_view name_of(HttpMethod method);
/// Whether asking twice does no more than asking once (RFC 9110, 9.2.2).
inline bool is_idempotent(HttpMethod method) { return method != HttpMethod::Post && method != HttpMethod::Patch; }

struct HttpOrder {
  std::string name;    ///< `POST https://api.example.com/orders/{{ id }}`, as the author wrote it
  HttpMethod method = HttpMethod::Get;
  std::string origin;  ///< `https://api.example.com`
  /// Path and query behind it; literals are encoded already. The first `path_pieces` come before the `?`, which begins one.
  HttpText target;
  std::size_t path_pieces = 0;
  std::vector<HttpField> query, form, headers;
  std::optional<HttpJson> json;
  Duration timeout{10'000};             ///< of one attempt
  std::optional<std::uint32_t> retry;   ///< further attempts; none: the usual ones
  std::string meaning;                  ///< all of it, to be compared with another version's

  /// All that it reads.
  std::vector<Expression> expressions() const;
};

/// What a turn asks for, as the JSON of its job.
struct HttpCall {
  HttpMethod method = HttpMethod::Get;
  std::string url;   ///< whole; no key of the configuration is in it
  std::vector<std::pair<std::string, std::string>> headers;  ///< without control characters
  std::string type;  ///< of the body; empty: there is none
  std::string body;
  Duration timeout{10'000};
  std::optional<std::uint32_t> retry;
  /// `Idempotency-Key`: made with the order, so that each attempt has the same, whoever dies.
  std::string key;
  // How far it is. An attempt that is not in `known` ended with its process, and nobody knows how.
  std::uint32_t spent = 0;  ///< attempts that reached for the server
  std::uint32_t known = 0;  ///< attempts of the job whose end is known
};
std::string to_json(const HttpCall& call);
bool from_json(std::string_view json, HttpCall& call);

/// What a scenario gets: `status`, `json` (null if it is none), `text`. The body is data: broken characters become `�`,
/// NUL vanishes. `type`: `Content-Type`, of which the charset counts.
Value http_result(int status, std::string_view body, std::string_view type);
/// The same where no answer came: `status` 0 and `error`.
Value http_failure(std::string error);

/// May stand in a header: no control characters. UTF-8 may.
bool is_header_value(std::string_view text);
/// A token of RFC 9110 that is not the connection's own business (`Host`, `Content-Length`, …).
bool is_header_name(std::string_view name);
bool is_own_header(std::string_view name);

}  // namespace sufler

#pragma once
#include <nlohmann/json_fwd.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "interpreter/services/llm/decode.h"
#include "interpreter/services/llm/sse.h"

namespace sufler::llm {

/// An answer that comes as a stream, put together while it comes. A server that ignores `stream` and answers with one JSON
/// is understood, too.
class StreamDecoder {
 public:
  explicit StreamDecoder(std::size_t most_bytes = std::size_t{2} << 20);
  StreamDecoder(const StreamDecoder&) = delete;  // the parser calls it back
  StreamDecoder& operator=(const StreamDecoder&) = delete;

  /// Bytes as they come, cut anywhere. False: what follows changes nothing any more.
  bool feed(std::string_view bytes);
  /// What came is no answer, and more of it would not make it one.
  bool failed() const { return failure_.has_value(); }
  /// Nothing more comes. `broken`: the connection ended in the middle of the body. An answer whose last piece has come
  /// counts all the same; one that broke off before is a failure that another attempt may mend.
  Result<ChatAnswer, Failure> finish(bool broken = false);

  /// The words so far, without thoughts and without what may still change its meaning: to be shown while it grows.
  std::string text() const;

 private:
  void take_event(std::string_view name, std::string_view data);
  bool take_chunk(std::string_view data);
  void read_delta(const nlohmann::json& delta);
  void take_call_piece(const nlohmann::json& piece);

  const std::size_t most_bytes_;
  SseParser parser_;
  enum class Form : unsigned char { Unknown, Events, Whole } form_ = Form::Unknown;
  std::string whole_;  ///< of a body that is no stream
  Draft draft_;
  std::map<std::int64_t, ToolCall> calls_;  ///< by index
  std::optional<std::int64_t> last_call_;
  std::optional<Failure> failure_;
  std::size_t bytes_ = 0;
  std::size_t argument_bytes_ = 0;
  bool done_ = false;  ///< `[DONE]`
};

}  // namespace sufler::llm

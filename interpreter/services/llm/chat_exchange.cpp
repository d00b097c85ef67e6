#include "interpreter/services/llm/chat_exchange.h"

#include <utility>

#include "interpreter/core/text.h"
#include "interpreter/services/llm/decode.h"
#include "interpreter/services/llm/encode.h"

namespace sufler::llm {
namespace {

constexpr std::chrono::milliseconds kBetweenTellings{300};

std::int64_t estimated_tokens_of(const ChatAnswer& answer) {
  std::int64_t tokens = answer.text ? estimated_tokens(*answer.text) : 0;
  for (const ToolCall& call : answer.calls) tokens += estimated_tokens(call.name) + estimated_tokens(call.arguments);
  return tokens;
}

}  // namespace

ChatExchange::ChatExchange(ChatRequest request, Connection& connection, Done done, Grew grew)
    : request_(std::move(request)), connection_(connection), done_(std::move(done)), grew_(std::move(grew)) {}

std::string ChatExchange::body() const { return chat_body(request_, connection_.settings()); }

std::function<bool(std::string_view)> ChatExchange::pieces() {
  stream_.reset();
  if (!connection_.settings().stream) return {};
  stream_ = std::make_unique<StreamDecoder>(connection_.settings().most_answer_bytes);
  return [this, stream = stream_.get()](std::string_view bytes) {
    stream->feed(bytes);
    if (grew_ && !stream->failed()) tell_growth();
    return !stream->failed();
  };
}

void ChatExchange::tell_growth() {
  const auto now = std::chrono::steady_clock::now();
  if (now - told_at_ < kBetweenTellings) return;
  told_at_ = now;
  grew_(stream_->text());
}

std::optional<Failure> ChatExchange::take(const std::string& body) {
  if (stream_) return accept(stream_->finish());
  if (!trim(body).starts_with("data:")) return accept(read_answer(body));
  StreamDecoder unasked(connection_.settings().most_answer_bytes);  // a server that streams whatever it is asked
  unasked.feed(body);
  return accept(unasked.finish());
}

std::optional<Failure> ChatExchange::take_broken() { return accept(stream_->finish(true)); }

std::optional<Failure> ChatExchange::accept(Result<ChatAnswer, Failure> answer) {
  if (!answer) return std::move(answer.error());
  const Usage usage = answer->usage ? *answer->usage : Usage{estimated_tokens(request_), estimated_tokens_of(*answer)};
  // It was paid for, whatever comes of it.
  connection_.count(usage);
  if (!request_.schema.empty() && answer->calls.empty() && !keep_json(*answer)) {
    return Failure{Fault::BadAnswer,
                   answer->finish == Finish::Length ? "the JSON was cut: `reply` is too small" : "the answer is no JSON",
                   false, {}, false};
  }
  done_({std::move(*answer), std::nullopt, usage, shortened_});
  return std::nullopt;
}

bool ChatExchange::shorten() {
  auto shorter = trimmed(request_);
  if (!shorter) return false;
  request_ = std::move(*shorter);
  shortened_ = true;
  return true;
}

void ChatExchange::fail(const Failure& failure) { done_({std::nullopt, failure, {}, shortened_}); }

EmbeddingsExchange::EmbeddingsExchange(std::vector<std::string> texts, EmbeddingOf what, Connection& connection, Done done)
    : texts_(std::move(texts)), what_(what), connection_(connection), done_(std::move(done)) {}

std::string EmbeddingsExchange::body() const { return embeddings_body(texts_, connection_.settings(), what_); }

std::optional<Failure> EmbeddingsExchange::take(const std::string& body) {
  auto read = read_embeddings(body, texts_.size());
  if (!read) return std::move(read.error());
  connection_.count({read->tokens, 0});
  done_(std::move(read));
  return std::nullopt;
}

void EmbeddingsExchange::fail(const Failure& failure) { done_(Error{failure}); }

}  // namespace sufler::llm

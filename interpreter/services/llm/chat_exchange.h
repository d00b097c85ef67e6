#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "interpreter/services/llm/connection.h"
#include "interpreter/services/llm/embeddings.h"
#include "interpreter/services/llm/stream.h"

namespace sufler::llm {

/// The next words of a talk.
class ChatExchange : public Exchange {
 public:
  struct Outcome {
    std::optional<ChatAnswer> answer;
    std::optional<Failure> failure;  ///< when there is no answer
    Usage usage = {};                ///< estimated where the server did not count
    bool shortened = false;          ///< the older half of the talk was left out
  };
  using Done = std::function<void(Outcome)>;
  /// Of an answer that comes as a stream: the words so far, a few times a second at most.
  using Grew = std::function<void(const std::string& text)>;

  /// `connection` outlives it. `grew` may be empty.
  ChatExchange(ChatRequest request, Connection& connection, Done done, Grew grew = {});
  std::string path() const override { return "/chat/completions"; }
  std::string body() const override;
  std::function<bool(std::string_view)> pieces() override;
  std::optional<Failure> take(const std::string& body) override;
  std::optional<Failure> take_broken() override;
  bool shorten() override;
  void fail(const Failure& failure) override;

 private:
  std::optional<Failure> accept(Result<ChatAnswer, Failure> answer);

  ChatRequest request_;
  Connection& connection_;
  void tell_growth();

  Done done_;
  const Grew grew_;
  std::unique_ptr<StreamDecoder> stream_;  ///< of the present attempt
  std::chrono::steady_clock::time_point told_at_{};
  bool shortened_ = false;
};

/// Vectors of some texts, at most `flags.embeddings_batch` of them.
class EmbeddingsExchange : public Exchange {
 public:
  using Done = std::function<void(Result<Embeddings, Failure>)>;
  EmbeddingsExchange(std::vector<std::string> texts, EmbeddingOf what, Connection& connection, Done done);
  std::string path() const override { return "/embeddings"; }
  std::string body() const override;
  std::optional<Failure> take(const std::string& body) override;
  void fail(const Failure& failure) override;

 private:
  std::vector<std::string> texts_;
  EmbeddingOf what_;
  Connection& connection_;
  Done done_;
};

}  // namespace sufler::llm

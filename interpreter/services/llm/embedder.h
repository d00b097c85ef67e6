#pragma once
#include <memory>
#include <string>
#include <vector>

#include "interpreter/core/model_connection.h"
#include "interpreter/services/llm/embeddings.h"

namespace sufler::llm {

/// Vectors for whoever can wait for them: an index that is built, a search on a thread of its own. Attempts, time-outs and
/// tokens are those of every connection.
class Embedder {
 public:
  /// `proxy`: where the connection names none.
  explicit Embedder(ModelConnection connection, const std::string& proxy = {}, std::uint64_t seed = 0);
  ~Embedder();
  Embedder(const Embedder&) = delete;
  Embedder& operator=(const Embedder&) = delete;

  /// Whether the connection has a model for it.
  bool able() const;
  /// In as many requests as the server wants, several of them at a time; in the order of the texts, none of which is
  /// empty. Waits; thread-safe. One failure is that of all.
  Result<Embeddings, Failure> embed(const std::vector<std::string>& texts, EmbeddingOf what);
  /// Whoever waits, or comes later, gets a failure at once. Thread-safe.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler::llm

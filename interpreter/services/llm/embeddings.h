#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/model_connection.h"
#include "interpreter/services/llm/chat.h"

/// Vectors of texts: `POST {url}/embeddings`. Pure.
namespace sufler::llm {

/// Documents and questions have different models at some servers.
enum class EmbeddingOf : std::uint8_t { Document, Query };

/// What to store beside each vector: vectors of different models, or of different lengths, are never compared.
std::string embedding_model(const ModelConnection& connection, EmbeddingOf what);

/// One request for at most `flags.embeddings_batch` texts, none of them empty. A server that takes one text a call gets a
/// text instead of a list.
std::string embeddings_body(const std::vector<std::string>& texts, const ModelConnection& connection, EmbeddingOf what);

struct Embeddings {
  std::vector<std::vector<float>> vectors;  ///< in the order of the texts, all of one length
  std::int64_t tokens = 0;
};
/// `texts`: how many were asked for. As many vectors must come.
Result<Embeddings, Failure> read_embeddings(std::string_view body, std::size_t texts);

}  // namespace sufler::llm

#include "interpreter/services/llm/embeddings.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "interpreter/services/llm/encode.h"
#include "interpreter/services/llm/errors.h"
#include "interpreter/services/llm/wire_json.h"

namespace sufler::llm {
namespace {

/// More than any model has.
constexpr std::size_t kMostNumbers = 16'384;

Failure bad_answer(std::string about) { return {Fault::BadAnswer, std::move(about), false, {}, false}; }

bool read_vector(const Json& json, std::vector<float>& vector) {
  if (!json.is_array() || json.empty() || json.size() > kMostNumbers) return false;
  vector.reserve(json.size());
  for (const Json& number : json) {
    if (!number.is_number()) return false;
    vector.push_back(number.get<float>());
    if (!std::isfinite(vector.back())) return false;
  }
  return true;
}

}  // namespace

std::string embedding_model(const ModelConnection& connection, EmbeddingOf what) {
  const bool query = what == EmbeddingOf::Query && !connection.embeddings_query_model.empty();
  return wire_model(connection, query ? connection.embeddings_query_model : connection.embeddings_model, "emb");
}

std::string embeddings_body(const std::vector<std::string>& texts, const ModelConnection& connection, EmbeddingOf what) {
  OrderedJson body = {{"model", embedding_model(connection, what)}};
  if (connection.flags.embeddings_batch <= 1 && texts.size() == 1) {
    body["input"] = texts.front();
  } else {
    body["input"] = texts;
  }
  if (connection.kind != ModelKind::GigaChat) body["encoding_format"] = "float";
  return dumped(body);
}

Result<Embeddings, Failure> read_embeddings(std::string_view body, std::size_t texts) {
  const Json json = parse_wire(body);
  if (!json.is_object()) return Error{bad_answer("no JSON: " + brief(body.substr(0, std::min<std::size_t>(body.size(), 2000))))};
  if (auto failure = failure_inside(json)) return Error{std::move(*failure)};
  const Json* data = member(json, "data");
  if (!data || !data->is_array() || data->size() != texts) return Error{bad_answer("not as many vectors as texts")};
  Embeddings out;
  out.vectors.resize(texts);
  std::size_t place = 0;
  for (const Json& one : *data) {
    const std::int64_t index = number_of(one, "index").value_or(static_cast<std::int64_t>(place++));
    if (index < 0 || index >= static_cast<std::int64_t>(texts)) return Error{bad_answer("a vector of no text")};
    std::vector<float>& vector = out.vectors[static_cast<std::size_t>(index)];
    const Json* numbers = member(one, "embedding");
    if (!vector.empty() || !numbers || !read_vector(*numbers, vector)) return Error{bad_answer("a broken vector")};
    if (const Json* usage = member(one, "usage")) out.tokens += number_of(*usage, "prompt_tokens").value_or(0);
  }
  for (const auto& vector : out.vectors)
    if (vector.size() != out.vectors.front().size()) return Error{bad_answer("vectors of different lengths")};
  if (const Json* usage = member(json, "usage")) out.tokens = number_of(*usage, "prompt_tokens").value_or(0);
  return out;
}

}  // namespace sufler::llm

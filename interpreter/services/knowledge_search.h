#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace sufler {

/// What is to be searched for before a model is asked.
struct KnowledgeQuery {
  std::string assistant;
  std::string version;  ///< of the scenario
  std::string question;
  std::size_t pieces = 5;
};

/// A piece of the knowledge of an assistant.
struct KnowledgePiece {
  std::string source;  ///< the file, as the scenario names it
  std::string title;   ///< perhaps empty
  std::string text;
};

/// Called on threads of its own, some at a time; the best pieces come first.
using KnowledgeSearch = std::function<std::vector<KnowledgePiece>(const std::string& bot, const KnowledgeQuery& query)>;

}  // namespace sufler

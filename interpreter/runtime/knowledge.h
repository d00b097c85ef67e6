#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/runtime/deploying.h"
#include "storage/knowledge_store.h"
#include "storage/storage.h"

/// What assistants know: files of a version go into the index beside the work, and questions are answered on connections
/// of their own, so that no turn waits for either.
namespace sufler {

/// The files that an assistant of a version knows, relative to the scenario's folder.
struct AssistantKnowledge {
  std::string assistant;
  std::vector<std::string> files;
};
/// By the program.
std::vector<AssistantKnowledge> knowledge_of(const Program& program);

/// A file's bytes; nothing when it cannot be read.
using ReadKnowledge = std::function<std::optional<std::string>(const std::string& path)>;

struct KnowledgeReport {
  std::size_t files = 0;   ///< that the version knows
  std::size_t kept = 0;    ///< of them those that had been indexed before
  std::size_t pieces = 0;  ///< of the others
  struct Unread {
    std::string path;
    std::optional<KnowledgeProblem> problem;  ///< none: the file is not there
  };
  std::vector<Unread> unread;  ///< left out
};
/// Indexes what is not indexed yet; nothing is found of it before all is there. Each job on the storage is short enough
/// to stand between two turns. The version's row must have been stored (`store_version`), or what is indexed is
/// forgotten with the next version.
Stored<KnowledgeReport> index_knowledge(const OnStorage& on_storage, const std::string& bot, const std::string& version,
                                        const std::vector<AssistantKnowledge>& assistants, const ReadKnowledge& read,
                                        Moment now);

/// Vectors of texts, in their order; an error is one line for the operator. Called on the thread of whoever asks.
using MakeVectors = std::function<Result<std::vector<std::vector<float>>, std::string>(const std::vector<std::string>& texts)>;
struct VectorMaker {
  /// Of the model and all that its vectors depend on; empty: there are no vectors.
  std::string model;
  MakeVectors documents, questions;
  std::size_t at_once = 16;  ///< texts of a call
};
/// Makes vectors for the pieces that have none, some at a time. How many were made; `trouble` says why some were not.
Stored<std::size_t> make_vectors(const OnStorage& on_storage, const std::string& bot, const std::string& version,
                                 const std::vector<std::string>& assistants, const VectorMaker& maker, std::string& trouble);

/// What is asked of knowledge.
struct KnowledgeQuestion {
  std::string bot, version, assistant;
  std::string question;
  std::size_t pieces = 5;
};
struct FoundPiece {
  StoredPiece piece;
  double rank = 0;       ///< by words; 0: found by its vector alone
  double likeness = 0;   ///< of vectors, from -1 to 1; 0 where there are none
};

/// Vectors of an assistant's pieces, in memory.
class VectorTable {
 public:
  void add(std::int64_t piece, const std::vector<float>& vector);
  bool empty() const { return ids_.empty(); }
  /// The most alike first.
  std::vector<std::pair<std::int64_t, double>> nearest(const std::vector<float>& to, std::size_t count) const;

 private:
  std::size_t length_ = 0;
  std::vector<std::int64_t> ids_;
  std::vector<float> all_;
};

/// The best first. `vectors` may be null; else `vector` is the question's.
Stored<std::vector<FoundPiece>> search_knowledge(Transaction& tx, const KnowledgeQuestion& question,
                                                 const VectorTable* vectors, const std::vector<float>& vector);

/// Searches of a process that serves, on connections of their own. Thread-safe.
class KnowledgeSearcher {
 public:
  struct Settings {
    std::string database;          ///< its address; not `sqlite::memory:`, which is another one for each connection
    std::size_t connections = 2;   ///< at most; further searches wait
    VectorMaker vectors = {};
  };
  explicit KnowledgeSearcher(Settings settings);
  KnowledgeSearcher(const KnowledgeSearcher&) = delete;
  KnowledgeSearcher& operator=(const KnowledgeSearcher&) = delete;
  ~KnowledgeSearcher();

  /// What the pieces' vectors cannot answer is answered by words alone.
  Stored<std::vector<FoundPiece>> search(const KnowledgeQuestion& question);
  /// Vectors have come or gone: they are read anew.
  void vectors_changed();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler

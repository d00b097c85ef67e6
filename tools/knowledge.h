#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "interpreter/runtime/config.h"
#include "interpreter/runtime/knowledge.h"
#include "interpreter/services/knowledge_search.h"

namespace sufler {

class Engine;

/// What a model is given of what was found.
std::vector<KnowledgePiece> as_knowledge_pieces(const std::vector<FoundPiece>& found);

/// What the assistants of a scenario on disk know, indexed in memory: for commands that have no database.
class FolderKnowledge {
 public:
  /// `assistant`: only what this one knows; empty: all of them.
  static Stored<std::unique_ptr<FolderKnowledge>> open(const Program& program, const std::string& assistant = {});
  /// Files that nothing is found in.
  const std::vector<KnowledgeReport::Unread>& unread() const { return unread_; }
  /// Thread-safe. Whatever bot and version the question names, it is this scenario's.
  Stored<std::vector<FoundPiece>> search(KnowledgeQuestion question);

 private:
  FolderKnowledge(Storage storage, std::string version) : storage_(std::move(storage)), version_(std::move(version)) {}

  Storage storage_;
  const std::string version_;
  std::vector<KnowledgeReport::Unread> unread_;
  std::mutex mutex_;
};

/// What the assistants of a process that serves know: searched on connections of its own. Where a connection to models
/// makes vectors, pieces get theirs in the background, from whichever process leads the bot.
class ServedKnowledge {
 public:
  explicit ServedKnowledge(const Config& config);
  ServedKnowledge(const ServedKnowledge&) = delete;
  ServedKnowledge& operator=(const ServedKnowledge&) = delete;
  ~ServedKnowledge();

  /// Thread-safe, must not outlive this. What fails is told to the log, and nothing was found.
  KnowledgeSearch search();

  /// Vectors are made from now on; `engine` must outlive `stop`.
  void start(Engine& engine);
  /// The bot's live version has been indexed. Thread-safe, as the next.
  void serve(const std::string& bot, const Program& program);
  void lead(const std::string& bot, bool leads);
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler

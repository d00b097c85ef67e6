#pragma once
#include "storage/knowledge_store.h"
#include "storage/transaction.h"

namespace sufler::storage {

class SqlKnowledge final : public KnowledgeStore {
 public:
  explicit SqlKnowledge(SqlTransaction& transaction) : tx_(transaction) {}

  Stored<std::optional<KnowledgeFile>> file(std::string_view bot, std::string_view path, std::string_view hash) override;
  Stored<std::int64_t> begin_file(std::string_view bot, std::string_view path, std::string_view hash, Moment at) override;
  Stored<std::vector<IndexedWord>> put_pieces(std::int64_t file, std::size_t first,
                                              const std::vector<KnowledgeCut>& pieces) override;
  Stored<Done> put_words(std::string_view bot, const std::vector<IndexedWord>& words) override;
  Stored<Done> finish(std::string_view bot, std::string_view version, const std::vector<KnowledgeSet>& sets) override;
  Stored<bool> has_version(std::string_view bot, std::string_view version) override;
  Stored<bool> forget_unused(std::string_view bot, Moment unfinished, std::size_t limit) override;
  Stored<KnowledgeScope> scope(std::string_view bot, std::string_view version, std::string_view assistant) override;
  Stored<std::vector<std::vector<IndexedWord>>> words_beginning(std::string_view bot,
                                                                const std::vector<std::string>& beginnings) override;
  Stored<std::vector<Candidate>> candidates(const KnowledgeScope& scope, const std::vector<SearchWord>& words,
                                            std::size_t limit) override;
  Stored<std::vector<StoredPiece>> pieces(const std::vector<std::int64_t>& ids) override;
  Stored<std::vector<StoredPiece>> without_vector(const KnowledgeScope& scope, std::string_view model, std::int64_t after,
                                                  std::size_t limit) override;
  Stored<Done> put_vectors(std::string_view model, const std::vector<PieceVector>& vectors) override;
  Stored<std::vector<PieceVector>> vectors(const KnowledgeScope& scope, std::string_view model, std::size_t length,
                                           std::int64_t after, std::size_t limit) override;

 private:
  bool is_postgres() const;
  void insert_pieces(std::int64_t first_id, const std::vector<KnowledgeCut>& pieces, const std::vector<std::string>& titles,
                     const std::vector<std::string>& bodies);
  /// Pieces of a bot's file are gone, the last first; how many there were. `counted`: their words are in the counts.
  std::size_t forget_pieces(std::string_view bot, std::int64_t file, bool counted, std::size_t limit);
  /// Calls `each(word, piece, in_title)`; what is found of a word before that of the next.
  template <class Each>
  void each_with(const std::vector<const SearchWord*>& words, Each&& each);

  SqlTransaction& tx_;
};

}  // namespace sufler::storage

#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/knowledge/piece.h"
#include "interpreter/core/knowledge/ranking.h"
#include "interpreter/core/knowledge/words.h"
#include "storage/storage.h"

/// What assistants know (LANGUAGE 8), in the full text index of the database: FTS5 of SQLite, `tsvector` with GIN of
/// PostgreSQL. `Transaction::knowledge` gives it.
///
/// A file of a bot is indexed once for each content; a set says which files an assistant of a version knows. So a new
/// version costs what changed in it, and a version that was left finds what it found.
namespace sufler {

/// A file of which all pieces are there.
struct KnowledgeFile {
  std::int64_t id = 0;
  std::string path, hash;
  std::int64_t pieces = 0;
};
/// An assistant's files.
struct KnowledgeSet {
  std::string assistant;
  std::vector<std::int64_t> files;
};
/// What a search is limited to.
struct KnowledgeScope {
  std::string bot;
  std::vector<std::int64_t> files;  ///< sorted; empty: nothing is known
  KnowledgeSize size;               ///< of all that the bot's assistants know
};
/// A piece as it was cut.
struct StoredPiece {
  std::int64_t id = 0;
  std::string path;  ///< of its file
  KnowledgeCut cut;
};
/// A vector of a piece, made by some model.
struct PieceVector {
  std::int64_t id = 0;   ///< of the piece
  std::string cut;       ///< KnowledgeCut::id: equal pieces have one vector
  std::vector<float> vector;
};

class KnowledgeStore {
 public:
  /// Pieces of a file are numbered; its id and the number are the piece's id.
  static constexpr std::int64_t kPiecesOfFile = std::int64_t{1} << 16;
  static std::int64_t file_of(std::int64_t piece) { return piece / kPiecesOfFile; }

  virtual ~KnowledgeStore() = default;

  // ---- Indexing: `begin_file`, its pieces a few at a time, their words, then `finish` for all files of a version.

  /// The file with this content, when all of it is there.
  virtual Stored<std::optional<KnowledgeFile>> file(std::string_view bot, std::string_view path, std::string_view hash) = 0;
  /// Nobody finds the file before `finish`. Its id.
  virtual Stored<std::int64_t> begin_file(std::string_view bot, std::string_view path, std::string_view hash, Moment at) = 0;
  /// `first`: the number of the first of them, from 0. Gives the words that they have, for `put_words`.
  virtual Stored<std::vector<IndexedWord>> put_pieces(std::int64_t file, std::size_t first,
                                                      const std::vector<KnowledgeCut>& pieces) = 0;
  /// Counts of pieces, added to what is known. They rank what is found and may be off a little after a crash.
  virtual Stored<Done> put_words(std::string_view bot, const std::vector<IndexedWord>& words) = 0;
  /// From now on the version's assistants know these files, in place of what they knew. Busy when one of the files was
  /// forgotten meanwhile: begin again.
  virtual Stored<Done> finish(std::string_view bot, std::string_view version, const std::vector<KnowledgeSet>& sets) = 0;
  /// Whether `finish` was called for the version.
  virtual Stored<bool> has_version(std::string_view bot, std::string_view version) = 0;

  /// Forgets what no stored version of the bot's scenario knows (`VersionStore`), and what was begun before `unfinished`
  /// and never finished: `limit` pieces at most. Whether some is left.
  virtual Stored<bool> forget_unused(std::string_view bot, Moment unfinished, std::size_t limit) = 0;

  // ---- Searching.

  virtual Stored<KnowledgeScope> scope(std::string_view bot, std::string_view version, std::string_view assistant) = 0;
  /// For each beginning, letters and digits, words of the bot's knowledge that begin so; the first 2,000 of them.
  virtual Stored<std::vector<std::vector<IndexedWord>>> words_beginning(std::string_view bot,
                                                                        const std::vector<std::string>& beginnings) = 0;
  /// Pieces with the words that tell most, about the best first: at most `limit`, for `rank_by_words`.
  virtual Stored<std::vector<Candidate>> candidates(const KnowledgeScope& scope, const std::vector<SearchWord>& words,
                                                    std::size_t limit) = 0;
  /// In the order of `ids`; those that are gone are left out.
  virtual Stored<std::vector<StoredPiece>> pieces(const std::vector<std::int64_t>& ids) = 0;

  // ---- Vectors. `model` names the model and what else its vectors depend on; those of different models never meet.

  /// Pieces that the model has made no vector for, behind `after` in the order of ids.
  virtual Stored<std::vector<StoredPiece>> without_vector(const KnowledgeScope& scope, std::string_view model,
                                                          std::int64_t after, std::size_t limit) = 0;
  /// `id` is not looked at.
  virtual Stored<Done> put_vectors(std::string_view model, const std::vector<PieceVector>& vectors) = 0;
  /// Behind `after` in the order of ids, of one length: what is of another is left out.
  virtual Stored<std::vector<PieceVector>> vectors(const KnowledgeScope& scope, std::string_view model, std::size_t length,
                                                   std::int64_t after, std::size_t limit) = 0;
};

}  // namespace sufler

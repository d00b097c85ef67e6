#include "interpreter/runtime/knowledge.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "interpreter/core/knowledge/ranking.h"
#include "interpreter/core/knowledge/words.h"
#include "interpreter/core/sha256.h"

namespace sufler {
namespace {

/// Of one job on the storage: some milliseconds.
constexpr std::size_t kPiecesAtOnce = 40;
constexpr std::size_t kWordsAtOnce = 2'000;
constexpr std::size_t kForgottenAtOnce = 40;
/// Another process may be indexing; one that was killed is not.
constexpr Duration kUnfinished{3'600'000};
/// A change of how files are cut or words are stemmed makes all files new ones.
constexpr std::string_view kCutting = "cut 1\n";
constexpr std::size_t kCandidates = 100;
/// So many are merged of each order, when there are vectors.
constexpr std::size_t kMerged = 50;
constexpr std::size_t kTablesKept = 8;
/// How long one is good while pieces have no vectors yet.
constexpr std::chrono::seconds kHalfATable{30};

Stored<Done> in_transaction(const OnStorage& on_storage, const std::function<Stored<Done>(KnowledgeStore&)>& body) {
  return on_storage([&](Storage& storage) {
    return storage.transact([&](Transaction& tx) -> Stored<Done> { return body(tx.knowledge()); });
  });
}

/// The parts of one indexing that files have in common.
class Indexer {
 public:
  Indexer(const OnStorage& on_storage, const std::string& bot, const ReadKnowledge& read, Moment now)
      : on_storage_(on_storage), bot_(bot), read_(read), now_(now) {}

  KnowledgeReport report;

  /// The file's id; nothing when it cannot be read. The same path is looked at once.
  Stored<std::optional<std::int64_t>> file(const std::string& path) {
    if (const auto known = ids_.find(path); known != ids_.end()) return known->second;
    auto id = index(path);
    if (id) ids_[path] = *id;
    return id;
  }

  Stored<Done> write_words() {
    std::vector<IndexedWord> some;
    for (auto it = words_.begin(); it != words_.end();) {
      some.push_back({it->first, it->second});
      if (++it != words_.end() && some.size() < kWordsAtOnce) continue;
      auto done = in_transaction(on_storage_, [&](KnowledgeStore& store) { return store.put_words(bot_, some); });
      if (!done) return done;
      some.clear();
    }
    return Done{};
  }

 private:
  Stored<std::optional<std::int64_t>> index(const std::string& path) {
    const std::optional<std::string> bytes = read_(path);
    if (!bytes) {
      report.unread.push_back({path, std::nullopt});
      return std::optional<std::int64_t>();
    }
    const std::string hash = sha256_hex(std::string(kCutting) + *bytes);
    std::optional<KnowledgeFile> known;
    auto looked = in_transaction(on_storage_, [&](KnowledgeStore& store) -> Stored<Done> {
      auto found = store.file(bot_, path, hash);
      if (!found) return Error{found.error()};
      known = std::move(*found);
      return Done{};
    });
    if (!looked) return Error{looked.error()};
    if (known) {
      ++report.files;
      ++report.kept;
      return std::optional(known->id);
    }
    const auto pieces = cut_knowledge(path, *bytes);
    if (!pieces) {
      report.unread.push_back({path, pieces.error()});
      return std::optional<std::int64_t>();
    }
    return put(path, hash, *pieces);
  }

  Stored<std::optional<std::int64_t>> put(const std::string& path, const std::string& hash,
                                          const std::vector<KnowledgeCut>& pieces) {
    std::int64_t id = 0;
    for (std::size_t from = 0; from < pieces.size(); from += kPiecesAtOnce) {
      const std::size_t end = std::min(pieces.size(), from + kPiecesAtOnce);
      const std::vector<KnowledgeCut> some(pieces.begin() + static_cast<std::ptrdiff_t>(from),
                                           pieces.begin() + static_cast<std::ptrdiff_t>(end));
      std::vector<IndexedWord> words;
      std::int64_t begun = id;
      auto done = in_transaction(on_storage_, [&](KnowledgeStore& store) -> Stored<Done> {
        begun = id;  // a transaction may run again
        if (begun == 0) {
          auto made = store.begin_file(bot_, path, hash, now_);
          if (!made) return Error{made.error()};
          begun = *made;
        }
        auto put = store.put_pieces(begun, from, some);
        if (!put) return Error{put.error()};
        words = std::move(*put);
        return Done{};
      });
      if (!done) return Error{done.error()};
      id = begun;
      for (IndexedWord& word : words) words_[std::move(word.stem)] += word.pieces;
    }
    ++report.files;
    report.pieces += pieces.size();
    return std::optional(id);
  }

  const OnStorage& on_storage_;
  const std::string& bot_;
  const ReadKnowledge& read_;
  Moment now_;
  std::map<std::string, std::optional<std::int64_t>> ids_;
  std::map<std::string, std::int64_t> words_;
};

Stored<KnowledgeReport> index_once(const OnStorage& on_storage, const std::string& bot, const std::string& version,
                                   const std::vector<AssistantKnowledge>& assistants, const ReadKnowledge& read, Moment now) {
  Indexer indexer(on_storage, bot, read, now);
  std::vector<KnowledgeSet> sets;
  for (const AssistantKnowledge& assistant : assistants) {
    KnowledgeSet set{assistant.assistant, {}};
    for (const std::string& path : assistant.files) {
      auto id = indexer.file(path);
      if (!id) return Error{id.error()};
      if (*id) set.files.push_back(**id);
    }
    std::sort(set.files.begin(), set.files.end());
    set.files.erase(std::unique(set.files.begin(), set.files.end()), set.files.end());
    sets.push_back(std::move(set));
  }
  if (auto done = indexer.write_words(); !done) return Error{done.error()};
  auto finished = in_transaction(on_storage, [&](KnowledgeStore& store) { return store.finish(bot, version, sets); });
  if (!finished) return Error{finished.error()};
  return std::move(indexer.report);
}

}  // namespace

std::vector<AssistantKnowledge> knowledge_of(const Program& program) {
  std::vector<AssistantKnowledge> all;
  for (const Assistant& assistant : program.assistants)
    if (!assistant.knowledge.empty()) all.push_back({assistant.name, assistant.knowledge});
  return all;
}

Stored<KnowledgeReport> index_knowledge(const OnStorage& on_storage, const std::string& bot, const std::string& version,
                                        const std::vector<AssistantKnowledge>& assistants, const ReadKnowledge& read,
                                        Moment now) {
  auto report = index_once(on_storage, bot, version, assistants, read, now);
  // A file was forgotten meanwhile by another process: it is put in again.
  if (!report && report.error().kind == StorageError::Kind::Busy)
    report = index_once(on_storage, bot, version, assistants, read, now);
  if (!report) return report;
  for (bool more = true; more;) {
    auto done = in_transaction(on_storage, [&](KnowledgeStore& store) -> Stored<Done> {
      auto left = store.forget_unused(bot, Moment{now.unix_ms - kUnfinished.ms}, kForgottenAtOnce);
      if (!left) return Error{left.error()};
      more = *left;
      return Done{};
    });
    if (!done) return Error{done.error()};
  }
  return report;
}

// ---- vectors

Stored<std::size_t> make_vectors(const OnStorage& on_storage, const std::string& bot, const std::string& version,
                                 const std::vector<std::string>& assistants, const VectorMaker& maker, std::string& trouble) {
  std::size_t made = 0;
  if (maker.model.empty() || !maker.documents) return made;
  for (const std::string& assistant : assistants) {
    std::int64_t after = 0;
    for (;;) {
      std::vector<StoredPiece> pieces;
      auto looked = in_transaction(on_storage, [&](KnowledgeStore& store) -> Stored<Done> {
        auto scope = store.scope(bot, version, assistant);
        if (!scope) return Error{scope.error()};
        auto found = store.without_vector(*scope, maker.model, after, std::max<std::size_t>(1, maker.at_once));
        if (!found) return Error{found.error()};
        pieces = std::move(*found);
        return Done{};
      });
      if (!looked) return Error{looked.error()};
      if (pieces.empty()) break;
      after = pieces.back().id;
      std::vector<std::string> texts;
      for (const StoredPiece& piece : pieces) texts.push_back(piece.cut.title + "\n" + piece.cut.text);
      const auto vectors = maker.documents(texts);
      if (!vectors || vectors->size() != pieces.size()) {
        trouble = vectors ? "the model gave " + std::to_string(vectors->size()) + " vectors for " +
                                std::to_string(pieces.size()) + " texts"
                          : vectors.error();
        return made;
      }
      std::vector<PieceVector> rows;
      for (std::size_t i = 0; i < pieces.size(); ++i) rows.push_back({pieces[i].id, pieces[i].cut.id, (*vectors)[i]});
      auto put = in_transaction(on_storage, [&](KnowledgeStore& store) { return store.put_vectors(maker.model, rows); });
      if (!put) return Error{put.error()};
      made += rows.size();
    }
  }
  return made;
}

void VectorTable::add(std::int64_t piece, const std::vector<float>& vector) {
  if (vector.empty()) return;
  if (length_ == 0) length_ = vector.size();
  if (vector.size() != length_) return;  // of another model
  ids_.push_back(piece);
  all_.insert(all_.end(), vector.begin(), vector.end());
}

std::vector<std::pair<std::int64_t, double>> VectorTable::nearest(const std::vector<float>& to, std::size_t count) const {
  std::vector<std::pair<std::int64_t, double>> all;
  if (to.size() != length_) return all;
  all.reserve(ids_.size());
  for (std::size_t i = 0; i < ids_.size(); ++i) all.emplace_back(ids_[i], cosine(to.data(), &all_[i * length_], length_));
  const std::size_t kept = std::min(count, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  all.resize(kept);
  return all;
}

// ---- searching

Stored<std::vector<FoundPiece>> search_knowledge(Transaction& tx, const KnowledgeQuestion& question,
                                                 const VectorTable* vectors, const std::vector<float>& vector) {
  std::vector<FoundPiece> all;
  KnowledgeStore& store = tx.knowledge();
  auto scope = store.scope(question.bot, question.version, question.assistant);
  if (!scope) return Error{scope.error()};
  if (scope->files.empty() || question.pieces == 0) return all;

  StorageError failed;
  bool has_failed = false;
  const std::vector<SearchWord> words = search_words(words_of_question(question.question), [&](const auto& beginnings) {
    auto found = store.words_beginning(question.bot, beginnings);
    if (found) return std::move(*found);
    if (!std::exchange(has_failed, true)) failed = found.error();
    return std::vector<std::vector<IndexedWord>>();
  });
  if (has_failed) return Error{failed};
  auto candidates = store.candidates(*scope, words, std::max(kCandidates, question.pieces));
  if (!candidates) return Error{candidates.error()};
  rank_by_words(*candidates, words, scope->size);

  std::unordered_map<std::int64_t, double> ranks, likenesses;
  std::vector<std::int64_t> by_words, by_vectors;
  for (const Candidate& one : *candidates) {
    ranks[one.id] = one.rank;
    by_words.push_back(one.id);
  }
  if (vectors && !vectors->empty() && !vector.empty()) {
    if (by_words.size() > kMerged) by_words.resize(kMerged);
    for (const auto& [id, likeness] : vectors->nearest(vector, std::max(kMerged, question.pieces))) {
      likenesses[id] = likeness;
      by_vectors.push_back(id);
    }
  }
  std::vector<std::int64_t> order = by_vectors.empty() ? by_words : merge_orders(by_words, by_vectors);
  if (order.size() > question.pieces) order.resize(question.pieces);
  auto pieces = store.pieces(order);
  if (!pieces) return Error{pieces.error()};
  for (StoredPiece& piece : *pieces) {
    const std::int64_t id = piece.id;
    all.push_back({std::move(piece), ranks[id], likenesses[id]});
  }
  return all;
}

struct KnowledgeSearcher::Impl {
  Settings settings;
  std::mutex mutex;
  std::condition_variable given_back;
  std::vector<std::unique_ptr<Storage>> idle;
  std::size_t opened = 0;

  /// Of the assistants asked last.
  struct Table {
    std::string bot, version, assistant;
    std::shared_ptr<const VectorTable> vectors;
    std::chrono::steady_clock::time_point good_until;
  };
  std::list<Table> tables;
  std::uint64_t changes = 0;  // of vectors

  Stored<std::unique_ptr<Storage>> take() {
    std::unique_lock lock(mutex);
    given_back.wait(lock, [&] { return !idle.empty() || opened < std::max<std::size_t>(1, settings.connections); });
    if (!idle.empty()) {
      auto storage = std::move(idle.back());
      idle.pop_back();
      return storage;
    }
    ++opened;
    lock.unlock();
    Storage::Options options;
    options.migrate = false;
    auto storage = Storage::open(settings.database, options);
    if (storage) return std::make_unique<Storage>(std::move(*storage));
    lock.lock();
    --opened;
    given_back.notify_one();
    return Error{storage.error()};
  }
  void give_back(std::unique_ptr<Storage> storage) {
    {
      const std::lock_guard lock(mutex);
      idle.push_back(std::move(storage));
    }
    given_back.notify_one();
  }

  Stored<std::shared_ptr<const VectorTable>> table_of(Storage& storage, const KnowledgeQuestion& question, std::size_t length) {
    std::uint64_t seen = 0;
    {
      const std::lock_guard lock(mutex);
      seen = changes;
      for (auto it = tables.begin(); it != tables.end(); ++it) {
        if (it->bot != question.bot || it->version != question.version || it->assistant != question.assistant) continue;
        if (it->good_until <= std::chrono::steady_clock::now()) {
          tables.erase(it);
          break;
        }
        tables.splice(tables.begin(), tables, it);
        return tables.front().vectors;
      }
    }
    auto table = std::make_shared<VectorTable>();
    bool whole = false;
    const auto read = storage.look([&](Transaction& tx) -> Stored<Done> {
      *table = VectorTable();
      auto scope = tx.knowledge().scope(question.bot, question.version, question.assistant);
      if (!scope) return Error{scope.error()};
      for (std::int64_t after = 0;;) {
        auto some = tx.knowledge().vectors(*scope, settings.vectors.model, length, after, 500);
        if (!some) return Error{some.error()};
        if (some->empty()) {
          auto missing = tx.knowledge().without_vector(*scope, settings.vectors.model, 0, 1);
          if (!missing) return Error{missing.error()};
          whole = missing->empty();
          return Done{};
        }
        after = some->back().id;
        for (const PieceVector& one : *some) table->add(one.id, one.vector);
      }
    });
    if (!read) return Error{read.error()};
    const std::lock_guard lock(mutex);
    if (changes == seen) {
      // What is missing may be made by another process.
      const auto now = std::chrono::steady_clock::now();
      tables.push_front({question.bot, question.version, question.assistant, table,
                         whole ? std::chrono::steady_clock::time_point::max() : now + kHalfATable});
      if (tables.size() > kTablesKept) tables.pop_back();
    }
    return std::shared_ptr<const VectorTable>(std::move(table));
  }
};

KnowledgeSearcher::KnowledgeSearcher(Settings settings) : impl_(std::make_unique<Impl>()) {
  impl_->settings = std::move(settings);
}
KnowledgeSearcher::~KnowledgeSearcher() = default;

Stored<std::vector<FoundPiece>> KnowledgeSearcher::search(const KnowledgeQuestion& question) {
  // Before a connection is taken: the model may take its time.
  std::vector<float> vector;
  const VectorMaker& maker = impl_->settings.vectors;
  if (!maker.model.empty() && maker.questions) {
    auto made = maker.questions({question.question});
    if (made && made->size() == 1) vector = std::move(made->front());
  }
  auto storage = impl_->take();
  if (!storage) return Error{storage.error()};
  Stored<std::vector<FoundPiece>> found = std::vector<FoundPiece>();
  std::shared_ptr<const VectorTable> table;
  if (!vector.empty()) {
    auto read = impl_->table_of(**storage, question, vector.size());
    if (read) table = std::move(*read);
  }
  const auto done = (*storage)->look([&](Transaction& tx) -> Stored<Done> {
    found = search_knowledge(tx, question, table.get(), vector);
    if (!found) return Error{found.error()};
    return Done{};
  });
  impl_->give_back(std::move(*storage));
  if (!done) return Error{done.error()};
  return found;
}

void KnowledgeSearcher::vectors_changed() {
  const std::lock_guard lock(impl_->mutex);
  ++impl_->changes;
  impl_->tables.clear();
}

}  // namespace sufler

// The databases find pieces that have a word; how much a piece is worth is worked out in the core, so that both give the
// same answers. Words are stemmed before they come here: the tables of SQLite's FTS5 and of PostgreSQL hold stems, and no
// text configuration of a server has a say in it.
#include "storage/sql_knowledge.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>
#include <utility>

#include "storage/base64.h"

namespace sufler::storage {
namespace {

using nlohmann::json;

static_assert(KnowledgeStore::kPiecesOfFile == 65536);  // as the SQL below has it

/// Statements of PostgreSQL take many rows as one text.
constexpr std::size_t kRowsAtOnce = 500;
constexpr std::int64_t kMostWords = 2'000;
/// A word in more than this part of the pieces tells too little to be looked up: those that were found by others are
/// ranked by it all the same.
constexpr double kCommon = 0.1;
constexpr std::int64_t kFew = 200;

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

/// As PostgreSQL writes such vectors: `'достав' '^достав' 'казан'`; with `^`, what stands in the title. Stems are letters and
/// digits. Without places and weights the index alone tells which pieces have a word.
std::string text_vector(const std::vector<std::string>& title, const std::vector<std::string>& body) {
  std::set<std::string> words(body.begin(), body.end());
  for (const std::string& word : title) {
    words.insert(word);
    words.insert("^" + word);
  }
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "'" : " '") + word + "'";
  return out;
}

std::string bytes_of(const std::vector<float>& vector) {
  std::string bytes(vector.size() * sizeof(float), '\0');
  if (!vector.empty()) std::memcpy(bytes.data(), vector.data(), bytes.size());
  return bytes;
}
std::vector<float> floats_of(std::string_view bytes) {
  std::vector<float> vector(bytes.size() / sizeof(float));
  if (!vector.empty()) std::memcpy(vector.data(), bytes.data(), vector.size() * sizeof(float));
  return vector;
}

bool knows(const KnowledgeScope& scope, std::int64_t piece) {
  return std::binary_search(scope.files.begin(), scope.files.end(), KnowledgeStore::file_of(piece));
}

/// The first text behind all that begin so, byte by byte.
std::string end_of(std::string_view beginning) { return std::string(beginning) + "\xF4\x8F\xBF\xBF"; }
std::string ends_of(const std::vector<std::string>& beginnings) {
  std::vector<std::string> ends;
  for (const std::string& one : beginnings) ends.push_back(end_of(one));
  return joined(ends);
}

std::string numbers(const std::vector<std::int64_t>& all) {
  std::string out;
  for (const std::int64_t one : all) out += (out.empty() ? "" : " ") + std::to_string(one);
  return out;
}

}  // namespace

bool SqlKnowledge::is_postgres() const { return &tx_.dialect_ == &postgres_dialect(); }

// ---- indexing

Stored<std::optional<KnowledgeFile>> SqlKnowledge::file(std::string_view bot, std::string_view path, std::string_view hash) {
  return tx_.operation([&]() -> Stored<std::optional<KnowledgeFile>> {
    KnowledgeFile file{0, std::string(path), std::string(hash), 0};
    const bool found = tx_.statements_.one(
        "SELECT id, pieces FROM knowledge_files WHERE bot = ? AND path = ? AND hash = ? AND finished = 1 ORDER BY id LIMIT 1",
        std::tie(file.id, file.pieces), bot, path, hash);
    return found ? std::optional(std::move(file)) : std::nullopt;
  });
}

Stored<std::int64_t> SqlKnowledge::begin_file(std::string_view bot, std::string_view path, std::string_view hash, Moment at) {
  return tx_.operation([&]() -> Stored<std::int64_t> {
    std::int64_t id = 0;
    tx_.statements_.one(
        R"(INSERT INTO knowledge_files (bot, path, hash, pieces, words, finished, begun_at_unix_ms)
           VALUES (?, ?, ?, 0, 0, 0, ?) RETURNING id)",
        std::tie(id), bot, path, hash, at.unix_ms);
    return id;
  });
}

void SqlKnowledge::insert_pieces(std::int64_t first_id, const std::vector<KnowledgeCut>& pieces,
                                 const std::vector<std::string>& titles, const std::vector<std::string>& bodies) {
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::int64_t id = first_id + static_cast<std::int64_t>(i);
    const KnowledgeCut& piece = pieces[i];
    tx_.statements_.run("INSERT INTO knowledge_pieces (id, hash, title, text, line) VALUES (?, ?, ?, ?, ?)", id, piece.id,
                        piece.title, piece.text, piece.line);
    tx_.statements_.run("INSERT INTO knowledge_stems (rowid, title, body) VALUES (?, ?, ?)", id, titles[i], bodies[i]);
  }
}

Stored<std::vector<IndexedWord>> SqlKnowledge::put_pieces(std::int64_t file, std::size_t first,
                                                          const std::vector<KnowledgeCut>& pieces) {
  return tx_.operation([&]() -> Stored<std::vector<IndexedWord>> {
    const std::int64_t first_id = file * kPiecesOfFile + static_cast<std::int64_t>(first);
    std::unordered_map<std::string, std::int64_t> counts;
    std::vector<std::string> titles, bodies;
    json rows = json::array();
    std::int64_t words = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const std::vector<std::string> title = stems_of(pieces[i].title), body = stems_of(pieces[i].text);
      words += static_cast<std::int64_t>(title.size() + body.size());
      std::vector<std::string> distinct = title;
      distinct.insert(distinct.end(), body.begin(), body.end());
      std::sort(distinct.begin(), distinct.end());
      distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
      for (std::string& word : distinct) ++counts[std::move(word)];
      titles.push_back(joined(title));
      bodies.push_back(joined(body));
      if (is_postgres())
        rows.push_back({{"id", first_id + static_cast<std::int64_t>(i)}, {"hash", pieces[i].id}, {"title", pieces[i].title},
                        {"text", pieces[i].text}, {"line", pieces[i].line}, {"titles", titles.back()},
                        {"bodies", bodies.back()}, {"words", text_vector(title, body)}});
    }
    if (is_postgres()) {
      const std::string text = rows.dump(-1, ' ', false, json::error_handler_t::replace);
      tx_.statements_.run(R"(INSERT INTO knowledge_pieces (id, hash, title, text, line)
          SELECT id, hash, title, text, line FROM json_to_recordset(CAST(CAST(? AS TEXT) AS JSON))
            AS r (id BIGINT, hash TEXT, title TEXT, text TEXT, line BIGINT))", text);
      tx_.statements_.run(R"(INSERT INTO knowledge_stems (id, title, body, words)
          SELECT id, titles, bodies, CAST(words AS TSVECTOR) FROM json_to_recordset(CAST(CAST(? AS TEXT) AS JSON))
            AS r (id BIGINT, titles TEXT, bodies TEXT, words TEXT))", text);
    } else {
      insert_pieces(first_id, pieces, titles, bodies);
    }
    tx_.statements_.run("UPDATE knowledge_files SET pieces = pieces + ?, words = words + ? WHERE id = ?",
                        static_cast<std::int64_t>(pieces.size()), words, file);
    std::vector<IndexedWord> all;
    all.reserve(counts.size());
    for (auto& [word, count] : counts) all.push_back({word, count});
    return all;
  });
}

Stored<Done> SqlKnowledge::put_words(std::string_view bot, const std::vector<IndexedWord>& words) {
  return tx_.operation([&]() -> Stored<Done> {
    if (!is_postgres()) {
      for (const IndexedWord& word : words)
        tx_.statements_.run(R"(INSERT INTO knowledge_words (bot, word, pieces) VALUES (?, ?, ?)
            ON CONFLICT (bot, word) DO UPDATE SET pieces = knowledge_words.pieces + excluded.pieces)",
                            bot, word.stem, word.pieces);
      return Done{};
    }
    // In one order for all processes, for each locks what it changes.
    std::vector<IndexedWord> sorted = words;
    std::sort(sorted.begin(), sorted.end(), [](const IndexedWord& a, const IndexedWord& b) { return a.stem < b.stem; });
    for (std::size_t from = 0; from < sorted.size(); from += kRowsAtOnce) {
      std::string stems, counts;
      for (std::size_t i = from; i < std::min(sorted.size(), from + kRowsAtOnce); ++i) {
        stems += (i == from ? "" : " ") + sorted[i].stem;
        counts += (i == from ? "" : " ") + std::to_string(sorted[i].pieces);
      }
      tx_.statements_.run(R"(INSERT INTO knowledge_words (bot, word, pieces)
          SELECT ?, w, CAST(n AS BIGINT) FROM unnest(string_to_array(?, ' '), string_to_array(?, ' ')) AS r (w, n)
          ON CONFLICT (bot, word) DO UPDATE SET pieces = knowledge_words.pieces + excluded.pieces)",
                          bot, stems, counts);
    }
    return Done{};
  });
}

Stored<Done> SqlKnowledge::finish(std::string_view bot, std::string_view version, const std::vector<KnowledgeSet>& sets) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run("DELETE FROM knowledge_sets WHERE bot = ? AND version = ?", bot, version);
    // A row without a file: the version has been indexed, whatever its assistants know.
    tx_.statements_.run("INSERT INTO knowledge_sets (bot, version, assistant, file) VALUES (?, ?, '', 0)", bot, version);
    for (const KnowledgeSet& set : sets) {
      for (const std::int64_t file : set.files) {
        // A file that is being forgotten was begun at 0.
        if (tx_.statements_.run("UPDATE knowledge_files SET finished = 1 WHERE id = ? AND bot = ? AND begun_at_unix_ms > 0",
                                file, bot) == 0)
          return Error{StorageError{StorageError::Kind::Busy, "a file of knowledge was forgotten while it was looked at"}};
        tx_.statements_.run("INSERT INTO knowledge_sets (bot, version, assistant, file) VALUES (?, ?, ?, ?)", bot, version,
                            set.assistant, file);
      }
    }
    return Done{};
  });
}

Stored<bool> SqlKnowledge::has_version(std::string_view bot, std::string_view version) {
  return tx_.operation([&]() -> Stored<bool> {
    std::int64_t rows = 0;
    tx_.statements_.one("SELECT count(*) FROM knowledge_sets WHERE bot = ? AND version = ? AND assistant = '' AND file = 0",
                        std::tie(rows), bot, version);
    return rows > 0;
  });
}

// ---- forgetting

std::size_t SqlKnowledge::forget_pieces(std::string_view bot, std::int64_t file, bool counted, std::size_t limit) {
  std::vector<std::int64_t> ids;
  std::vector<std::string> hashes;
  std::unordered_map<std::string, std::int64_t> counts;
  std::int64_t id = 0;
  std::string hash, title, body;
  tx_.statements_.each(R"(SELECT id, hash FROM knowledge_pieces WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT ?)",
                       std::tie(id, hash),
                       [&] {
                         ids.push_back(id);
                         hashes.push_back(hash);
                       },
                       file * kPiecesOfFile, (file + 1) * kPiecesOfFile, static_cast<std::int64_t>(limit));
  for (const std::int64_t one : ids) {
    const char* const read = is_postgres() ? "SELECT title, body FROM knowledge_stems WHERE id = ?"
                                           : "SELECT title, body FROM knowledge_stems WHERE rowid = ?";
    if (counted && tx_.statements_.one(read, std::tie(title, body), one)) {
      std::vector<std::string> words;
      const std::string both = title + ' ' + body;
      for (std::size_t at = 0; at < both.size();) {
        const std::size_t end = std::min(both.find(' ', at), both.size());
        if (end > at) words.push_back(both.substr(at, end - at));
        at = end + 1;
      }
      std::sort(words.begin(), words.end());
      words.erase(std::unique(words.begin(), words.end()), words.end());
      for (std::string& word : words) ++counts[std::move(word)];
    }
    tx_.statements_.run(is_postgres() ? "DELETE FROM knowledge_stems WHERE id = ?" : "DELETE FROM knowledge_stems WHERE rowid = ?", one);
    tx_.statements_.run("DELETE FROM knowledge_pieces WHERE id = ?", one);
  }
  for (const std::string& one : hashes)
    tx_.statements_.run("DELETE FROM knowledge_vectors WHERE hash = ? AND NOT EXISTS (SELECT 1 FROM knowledge_pieces WHERE hash = ?)", one, one);
  std::map<std::string, std::int64_t> sorted(counts.begin(), counts.end());
  for (const auto& [word, count] : sorted)
    tx_.statements_.run("UPDATE knowledge_words SET pieces = pieces - ? WHERE bot = ? AND word = ?", count, bot, word);
  for (const auto& [word, count] : sorted)
    tx_.statements_.run("DELETE FROM knowledge_words WHERE bot = ? AND word = ? AND pieces <= 0", bot, word);
  return ids.size();
}

Stored<bool> SqlKnowledge::forget_unused(std::string_view bot, Moment unfinished, std::size_t limit) {
  return tx_.operation([&]() -> Stored<bool> {
    tx_.statements_.run(R"(DELETE FROM knowledge_sets WHERE bot = ? AND NOT EXISTS (SELECT 1 FROM scenario_versions AS v
        WHERE v.bot = knowledge_sets.bot AND v.version = knowledge_sets.version))", bot);
    std::size_t room = limit;
    for (;;) {
      std::int64_t file = 0, state = 0;
      const bool found = tx_.statements_.one(
          R"(SELECT id, finished FROM knowledge_files AS f WHERE bot = ? AND (finished = 2 OR
               (finished = 1 AND NOT EXISTS (SELECT 1 FROM knowledge_sets AS s WHERE s.bot = f.bot AND s.file = f.id))
               OR (finished = 0 AND begun_at_unix_ms < ?)) ORDER BY id LIMIT 1)",
          std::tie(file, state), bot, unfinished.unix_ms);
      if (!found) break;
      if (room == 0) return true;
      // The words of what was never finished may not have been counted: rather too many than too few.
      const bool counted = state != 0;
      tx_.statements_.run("UPDATE knowledge_files SET finished = ?, begun_at_unix_ms = 0 WHERE id = ?", counted ? 2 : 0, file);
      const std::size_t gone = forget_pieces(bot, file, counted, room);
      if (gone == room) return true;
      room -= gone;
      tx_.statements_.run("DELETE FROM knowledge_files WHERE id = ?", file);
    }
    std::int64_t files = 0;
    tx_.statements_.one("SELECT count(*) FROM knowledge_files WHERE bot = ?", std::tie(files), bot);
    if (files == 0) tx_.statements_.run("DELETE FROM knowledge_words WHERE bot = ?", bot);
    return false;
  });
}

// ---- searching

Stored<KnowledgeScope> SqlKnowledge::scope(std::string_view bot, std::string_view version, std::string_view assistant) {
  return tx_.operation([&]() -> Stored<KnowledgeScope> {
    KnowledgeScope scope;
    scope.bot = bot;
    std::int64_t file = 0;
    tx_.statements_.each(
        "SELECT file FROM knowledge_sets WHERE bot = ? AND version = ? AND assistant = ? AND file <> 0 ORDER BY file",
        std::tie(file), [&] { scope.files.push_back(file); }, bot, version, assistant);
    tx_.statements_.one("SELECT CAST(coalesce(sum(pieces), 0) AS BIGINT), CAST(coalesce(sum(words), 0) AS BIGINT) FROM "
                        "knowledge_files WHERE bot = ? AND finished = 1",
                        std::tie(scope.size.pieces, scope.size.words), bot);
    return scope;
  });
}

Stored<std::vector<std::vector<IndexedWord>>> SqlKnowledge::words_beginning(std::string_view bot,
                                                                            const std::vector<std::string>& beginnings) {
  return tx_.operation([&]() -> Stored<std::vector<std::vector<IndexedWord>>> {
    std::vector<std::vector<IndexedWord>> words(beginnings.size());
    IndexedWord word;
    if (is_postgres()) {
      // One question for all: each is a way there and back.
      std::size_t at = 0;
      tx_.statements_.each(R"(SELECT CAST(b.n AS BIGINT), w.word, w.pieces
          FROM unnest(string_to_array(?, ' '), string_to_array(?, ' ')) WITH ORDINALITY AS b (first, behind, n)
          CROSS JOIN LATERAL (SELECT word, pieces FROM knowledge_words
            WHERE bot = ? AND word >= b.first AND word < b.behind ORDER BY word LIMIT ?) AS w)",
                           std::tie(at, word.stem, word.pieces),
                           [&] {
                             if (at >= 1 && at <= words.size()) words[at - 1].push_back(word);
                           },
                           joined(beginnings), ends_of(beginnings), bot, kMostWords);
      return words;
    }
    for (std::size_t i = 0; i < beginnings.size(); ++i)
      tx_.statements_.each("SELECT word, pieces FROM knowledge_words WHERE bot = ? AND word >= ? AND word < ? ORDER BY word LIMIT ?",
                           std::tie(word.stem, word.pieces), [&] { words[i].push_back(word); }, bot, beginnings[i],
                           end_of(beginnings[i]), kMostWords);
    return words;
  });
}

template <class Each>
void SqlKnowledge::each_with(const std::vector<const SearchWord*>& words, Each&& each) {
  if (is_postgres()) {
    std::size_t at = 0, in_title = 0;
    std::string all, ids;
    for (const SearchWord* word : words) all += (all.empty() ? "" : " ") + word->stem;
    // A word's pieces come as one text: a row for each would cost more than finding them.
    tx_.statements_.each(R"(SELECT CAST(q.n AS BIGINT), CAST(q.title AS BIGINT), s.ids FROM (
          SELECT n, 0 AS title, CAST(quote_literal(w) AS TSQUERY) AS query
            FROM unnest(string_to_array(?, ' ')) WITH ORDINALITY AS a (w, n)
          UNION ALL SELECT n, 1, CAST(quote_literal('^' || w) AS TSQUERY)
            FROM unnest(string_to_array(?, ' ')) WITH ORDINALITY AS b (w, n)) AS q
        CROSS JOIN LATERAL (SELECT string_agg(CAST(id AS TEXT), ' ') AS ids FROM knowledge_stems
          WHERE words @@ q.query) AS s WHERE s.ids IS NOT NULL ORDER BY q.n)",
                         std::tie(at, in_title, ids),
                         [&] {
                           if (at < 1 || at > words.size()) return;
                           const char* from = ids.data();
                           const char* const end = from + ids.size();
                           for (std::int64_t id = 0; from < end; ++from) {
                             from = std::from_chars(from, end, id).ptr;
                             each(*words[at - 1], id, in_title != 0);
                           }
                         },
                         all, all);
    return;
  }
  std::int64_t id = 0;
  for (const SearchWord* word : words) {
    const std::string anywhere = "\"" + word->stem + "\"", in_title = "title : " + anywhere;
    tx_.statements_.each("SELECT rowid FROM knowledge_stems WHERE knowledge_stems MATCH ?", std::tie(id),
                         [&] { each(*word, id, false); }, anywhere);
    tx_.statements_.each("SELECT rowid FROM knowledge_stems WHERE knowledge_stems MATCH ?", std::tie(id),
                         [&] { each(*word, id, true); }, in_title);
  }
}

Stored<std::vector<Candidate>> SqlKnowledge::candidates(const KnowledgeScope& scope, const std::vector<SearchWord>& words,
                                                        std::size_t limit) {
  return tx_.operation([&]() -> Stored<std::vector<Candidate>> {
    std::vector<const SearchWord*> order;
    for (const SearchWord& word : words) order.push_back(&word);
    std::sort(order.begin(), order.end(), [&](const SearchWord* a, const SearchWord* b) {
      return worth_of(*a, scope.size) > worth_of(*b, scope.size);
    });
    const std::int64_t most = std::max(kFew, static_cast<std::int64_t>(kCommon * static_cast<double>(scope.size.pieces)));
    // By piece: what the words that it has tell, of those for one word of the question the most.
    struct Found {
      double worth = 0;
      std::uint64_t groups = 0, titles = 0;  // seen already, as bits
    };
    std::unordered_map<std::int64_t, Found> found;
    std::vector<const SearchWord*> looked;
    for (const SearchWord* word : order)
      if (word->pieces <= most || looked.empty()) looked.push_back(word);
    if (scope.files.empty()) looked.clear();
    if (!looked.empty())
      each_with(looked, [&](const SearchWord& word, std::int64_t piece, bool in_title) {
        if (!knows(scope, piece)) return;
        Found& one = found[piece];
        const std::uint64_t bit = std::uint64_t{1} << (word.group & 63);
        std::uint64_t& seen = in_title ? one.titles : one.groups;
        if (seen & bit) return;  // the best came first
        seen |= bit;
        one.worth += worth_of(word, scope.size);
      });
    std::vector<std::pair<double, std::int64_t>> best;
    best.reserve(found.size());
    for (const auto& [piece, one] : found) best.emplace_back(-one.worth, piece);
    const std::size_t count = std::min(limit, best.size());
    std::partial_sort(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(count), best.end());
    best.resize(count);

    std::vector<Candidate> candidates;
    Candidate one;
    if (is_postgres()) {
      std::vector<std::int64_t> ids;
      for (const auto& [worth, piece] : best) ids.push_back(piece);
      tx_.statements_.each("SELECT id, title, body FROM knowledge_stems WHERE id = ANY(CAST(string_to_array(?, ' ') AS BIGINT[]))",
                           std::tie(one.id, one.title, one.body), [&] { candidates.push_back(one); }, numbers(ids));
    } else {
      for (const auto& [worth, piece] : best)
        if (tx_.statements_.one("SELECT rowid, title, body FROM knowledge_stems WHERE rowid = ?",
                                std::tie(one.id, one.title, one.body), piece))
          candidates.push_back(one);
    }
    return candidates;
  });
}

Stored<std::vector<StoredPiece>> SqlKnowledge::pieces(const std::vector<std::int64_t>& ids) {
  return tx_.operation([&]() -> Stored<std::vector<StoredPiece>> {
    std::unordered_map<std::int64_t, StoredPiece> found;
    StoredPiece piece;
    const auto keep = [&] { found[piece.id] = piece; };
    if (is_postgres()) {
      tx_.statements_.each(R"(SELECT p.id, p.hash, p.title, p.text, p.line, f.path FROM knowledge_pieces AS p JOIN
          knowledge_files AS f ON f.id = p.id / 65536 WHERE p.id = ANY(CAST(string_to_array(?, ' ') AS BIGINT[])))",
                           std::tie(piece.id, piece.cut.id, piece.cut.title, piece.cut.text, piece.cut.line, piece.path),
                           keep, numbers(ids));
    } else {
      for (const std::int64_t id : ids)
        tx_.statements_.each(R"(SELECT p.id, p.hash, p.title, p.text, p.line, f.path FROM knowledge_pieces AS p JOIN
            knowledge_files AS f ON f.id = p.id / 65536 WHERE p.id = ?)",
                             std::tie(piece.id, piece.cut.id, piece.cut.title, piece.cut.text, piece.cut.line, piece.path),
                             keep, id);
    }
    std::vector<StoredPiece> pieces;
    for (const std::int64_t id : ids)
      if (const auto one = found.find(id); one != found.end()) pieces.push_back(std::move(one->second));
    return pieces;
  });
}

// ---- vectors

Stored<std::vector<StoredPiece>> SqlKnowledge::without_vector(const KnowledgeScope& scope, std::string_view model,
                                                              std::int64_t after, std::size_t limit) {
  std::vector<std::int64_t> ids;
  const auto found = tx_.operation([&]() -> Stored<Done> {
    std::int64_t id = 0;
    for (const std::int64_t file : scope.files) {
      if (ids.size() >= limit) break;
      if (after >= (file + 1) * kPiecesOfFile) continue;
      tx_.statements_.each(
          R"(SELECT id FROM knowledge_pieces AS p WHERE id > ? AND id >= ? AND id < ? AND NOT EXISTS
             (SELECT 1 FROM knowledge_vectors AS v WHERE v.hash = p.hash AND v.model = ?) ORDER BY id LIMIT ?)",
          std::tie(id), [&] { ids.push_back(id); }, after, file * kPiecesOfFile, (file + 1) * kPiecesOfFile, model,
          static_cast<std::int64_t>(limit - ids.size()));
    }
    return Done{};
  });
  if (!found) return Error{found.error()};
  return pieces(ids);
}

Stored<Done> SqlKnowledge::put_vectors(std::string_view model, const std::vector<PieceVector>& vectors) {
  return tx_.operation([&]() -> Stored<Done> {
    for (const PieceVector& one : vectors)
      tx_.statements_.run(R"(INSERT INTO knowledge_vectors (hash, model, length, vector) VALUES (?, ?, ?, ?)
          ON CONFLICT (hash, model) DO UPDATE SET length = excluded.length, vector = excluded.vector)",
                          one.cut, model, static_cast<std::int64_t>(one.vector.size()), to_base64(bytes_of(one.vector)));
    return Done{};
  });
}

Stored<std::vector<PieceVector>> SqlKnowledge::vectors(const KnowledgeScope& scope, std::string_view model, std::size_t length,
                                                       std::int64_t after, std::size_t limit) {
  return tx_.operation([&]() -> Stored<std::vector<PieceVector>> {
    std::vector<PieceVector> all;
    PieceVector one;
    std::string text;
    for (const std::int64_t file : scope.files) {
      if (all.size() >= limit) break;
      if (after >= (file + 1) * kPiecesOfFile) continue;
      tx_.statements_.each(
          R"(SELECT p.id, p.hash, v.vector FROM knowledge_pieces AS p JOIN knowledge_vectors AS v ON v.hash = p.hash
             WHERE p.id > ? AND p.id >= ? AND p.id < ? AND v.model = ? AND v.length = ? ORDER BY p.id LIMIT ?)",
          std::tie(one.id, one.cut, text),
          [&] {
            one.vector = floats_of(from_base64(text));
            if (one.vector.size() == length) all.push_back(one);
          },
          after, file * kPiecesOfFile, (file + 1) * kPiecesOfFile, model, static_cast<std::int64_t>(length),
          static_cast<std::int64_t>(limit - all.size()));
    }
    return all;
  });
}

}  // namespace sufler::storage

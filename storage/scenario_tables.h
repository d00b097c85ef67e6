#pragma once
#include "interpreter/core/tables/similarity.h"
#include "interpreter/core/tables/table_data.h"
#include "storage/dialect.h"
#include "storage/storage.h"

namespace soci {
class session;
}

namespace sufler::storage {

class KeptStatements;

/// A table as the register of a database describes it.
Table described_table(const std::string& name, const std::string& columns);

/// The tables that a scenario declares (LANGUAGE 10). Names come from the checked Program and are
/// quoted; values are always bound. Throws what SOCI throws.
class ScenarioTables {
 public:
  /// `kept`: for rows, unless null; not on PostgreSQL, where other processes may change what a prepared statement returns.
  ScenarioTables(soci::session& sql, const Dialect& dialect, KeptStatements* kept = nullptr) : sql_(sql), dialect_(dialect), kept_(kept) {}

  /// Creates and widens; runs inside a transaction of the caller's.
  Stored<Done> prepare(const Program& program);

  Stored<ValueMap> insert(const Table& table, const ValueMap& values,
                          const Transaction::Owner& owner, Moment at);
  Stored<List> find(const Table& table, const FindRows& find);
  Stored<std::int64_t> count(const Table& table, const std::vector<Condition>& conditions);
  Stored<std::int64_t> update(const Table& table, std::int64_t id, const ValueMap& values);
  Stored<std::int64_t> remove(const Table& table, std::int64_t id);

 private:
  Stored<Done> prepare_table(const std::string& scenario, const Table& table);
  /// Makes the rows those of the table's file (table_files.cpp): what differs is written, and nothing when the file and its
  /// columns are those that were taken over last.
  Stored<Done> load_file(const Table& table);
  /// The table is no file's any more.
  void forget_file(const Table& table);
  bool has_marks(const Table& table);
  /// What `similar` looks into (similar_rows.cpp).
  void prepare_indexes(const Table& table, const Similarity& similarity);
  /// SQLite drops no column that an index has.
  void drop_indexes(const Table& table);
  Stored<List> find_similar(const Table& table, const FindRows& find);

  soci::session& sql_;
  const Dialect& dialect_;
  KeptStatements* const kept_;
};

}  // namespace sufler::storage

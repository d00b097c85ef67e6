#pragma once
#include <cstdint>
#include <string>

#include "storage/dialect.h"
#include "storage/statement.h"

namespace sufler::storage {

/// Ids of a table, growing and never given twice, even when the table was emptied in between. They
/// are taken in blocks, so most rows cost nothing; a stop leaves a gap.
class Ids {
 public:
  /// `table` must be a literal.
  Ids(const char* table, const Dialect& dialect)
      : table_(table),
        block_(dialect.id_block),
        next_block_(dialect.sequences ? "SELECT nextval(CAST(CAST(? AS TEXT) AS REGCLASS))" : nullptr),
        sequence_(table_ + "_ids") {}

  std::int64_t take(Statements& statements) {
    if (next_ == end_) {
      if (next_block_) {
        statements.one(next_block_, std::tie(next_), sequence_);
        end_ = next_ + block_;
      } else {
        statements.run("UPDATE counters SET next = next + ? WHERE name = ?", block_, table_);
        statements.one("SELECT next FROM counters WHERE name = ?", std::tie(end_), table_);
        next_ = end_ - block_;
      }
    }
    return next_++;
  }
  /// Where others take ids too: those taken by now could be lower than theirs later.
  void drop_rest() {
    if (next_block_) next_ = end_ = 0;
  }
  /// The block may have been taken in the transaction that is gone.
  void roll_back() { next_ = end_ = 0; }

 private:
  std::string table_;
  std::int64_t block_;
  const char* next_block_;
  std::string sequence_;
  std::int64_t next_ = 0;
  std::int64_t end_ = 0;
};

}  // namespace sufler::storage

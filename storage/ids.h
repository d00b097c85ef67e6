#pragma once
#include <cstdint>
#include <string>

#include "storage/statement.h"

namespace sufler::storage {

/// Ids of a table, growing and never given twice, even when the table was emptied in between. They
/// are taken from `counters` in blocks, so most rows cost nothing; a stop leaves a gap.
class Ids {
 public:
  Ids(std::string table, std::int64_t block) : table_(std::move(table)), block_(block) {}

  std::int64_t take(Statements& statements) {
    if (next_ == end_) {
      statements.run("UPDATE counters SET next = next + ? WHERE name = ?", block_, table_);
      statements.one("SELECT next FROM counters WHERE name = ?", std::tie(end_), table_);
      next_ = end_ - block_;
    }
    return next_++;
  }
  /// The block may have been taken in the transaction that is gone.
  void roll_back() { next_ = end_ = 0; }

 private:
  std::string table_;
  std::int64_t block_;
  std::int64_t next_ = 0;
  std::int64_t end_ = 0;
};

}  // namespace sufler::storage

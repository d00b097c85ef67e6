#pragma once
#include <soci/soci.h>

#include <cstdint>
#include <string>

namespace sufler::storage {

/// Ids of a table, growing and never given twice, even when the table was emptied in between. They
/// are taken from `counters` in blocks, so most rows cost nothing; a stop leaves a gap.
class Ids {
 public:
  Ids(std::string table, std::int64_t block) : table_(std::move(table)), block_(block) {}

  /// Throws what SOCI throws.
  std::int64_t take(soci::session& sql) {
    if (next_ == end_) {
      sql << "UPDATE counters SET next = next + :block WHERE name = :name", soci::use(block_),
          soci::use(table_);
      sql << "SELECT next FROM counters WHERE name = :name", soci::use(table_), soci::into(end_);
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

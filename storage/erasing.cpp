#include "storage/erasing.h"

#include <soci/soci.h>

#include "storage/errors.h"

namespace sufler::storage {
namespace {

bool is_sqlite(soci::session& sql) { return sql.get_backend_name() == "sqlite3"; }

/// Runs a pragma that answers with a row, or does not.
void pragma(soci::session& sql, const std::string& text) {
  soci::row ignored;
  sql << text, soci::into(ignored);
}

}  // namespace

void overwrite_deletions(soci::session& sql, bool wanted) {
  if (!is_sqlite(sql)) return;
  (void)guarded(&sql, [&]() -> Stored<Done> {
    pragma(sql, wanted ? "PRAGMA secure_delete = ON" : "PRAGMA secure_delete = OFF");
    return Done{};
  });
}

std::string write_anew(soci::session& sql) {
  if (!is_sqlite(sql)) {
    // PostgreSQL's autovacuum reuses the space of deleted rows; it has no way to overwrite them at once.
    return {};
  }
  int busy = 0;
  const Stored<Done> done = guarded(&sql, [&]() -> Stored<Done> {
    // A copy of the whole database is made on the way: on the disk, not in memory.
    sql << "PRAGMA temp_store = FILE";
    sql << "VACUUM";
    sql << "PRAGMA wal_checkpoint(TRUNCATE)", soci::into(busy);
    return Done{};
  });
  (void)guarded(&sql, [&]() -> Stored<Done> {
    sql << "PRAGMA temp_store = MEMORY";
    return Done{};
  });
  if (!done) return done.error().message;
  if (busy != 0) return "another program reads the database, so its log could not be emptied";
  return {};
}

}  // namespace sufler::storage

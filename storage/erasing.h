#pragma once
#include <string>

namespace soci {
class session;
}

namespace sufler::storage {

/// Whether SQLite overwrites what is deleted from now on. Another database has no such switch: nothing happens.
void overwrite_deletions(soci::session& sql, bool wanted);

/// Writes the database's file anew, without what was deleted from it, and empties its log. Outside a
/// transaction. Gives why not, for the operator; empty when all went well.
std::string write_anew(soci::session& sql);

}  // namespace sufler::storage

#pragma once
#include <string_view>

#include "storage/dialect.h"
#include "storage/storage.h"

namespace soci {
class session;
}

namespace sufler::storage {

/// The newest version of the tables that this program knows.
int newest_schema();

/// The version of the database: 0 for an empty one. A database that others made, or a newer Sufler,
/// is an error; nothing is written. `where` names the database in messages.
Stored<int> schema_of(soci::session& sql, const Dialect& dialect, std::string_view where);

/// Brings the tables from `version` to the newest, each step in a transaction of its own.
Stored<Done> migrate(soci::session& sql, const Dialect& dialect, int version);

}  // namespace sufler::storage

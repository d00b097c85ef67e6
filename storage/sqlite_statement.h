#pragma once
#include <soci/sqlite3/soci-sqlite3.h>

#include <memory>

#include "storage/statement.h"

namespace sufler::storage {

std::unique_ptr<Statement> prepare_sqlite(sqlite_api::sqlite3* db, const char* sql);

}  // namespace sufler::storage

#pragma once
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <chrono>
#include <memory>
#include <string>

#include "storage/storage.h"

namespace sufler::storage {

struct SqliteFile {
  std::string path;  ///< absolute, or `:memory:`
  Durability durability = Durability::Full;
  std::chrono::milliseconds busy_timeout{};
  bool in_memory() const { return path == ":memory:"; }
};

/// Opens, examines and migrates. A file that is refused is left as it was, byte for byte.
Stored<std::unique_ptr<soci::session>> open_sqlite(const SqliteFile& file);

/// How SOCI is told of a file: a path may hold what else would be an option.
std::string sqlite_connect_string(const std::string& path);

/// SQLite's own handle of SOCI's connection; the session owns it.
sqlite_api::sqlite3* handle_of(soci::session& sql);

}  // namespace sufler::storage

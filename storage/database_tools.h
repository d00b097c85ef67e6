#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/storage.h"

/// What administrators do to a whole database: `sufler db`.
namespace sufler {

struct TableSize {
  std::string name;
  std::int64_t rows = 0;
};
struct DatabaseState {
  int version = 0;  ///< of its tables; 0: empty
  int needed = 0;   ///< what this program writes
  std::vector<TableSize> tables;
};
/// Changes nothing; a database that does not exist is an error.
Stored<DatabaseState> look_at_database(std::string_view url);

/// Lets a role of PostgreSQL do what `sufler run` does: read and write rows, make and change no tables. After each
/// migration anew.
Stored<Done> grant_use(std::string_view url, std::string_view role);

/// Copies everything from SQLite to PostgreSQL, whose database must hold no dialogs yet; one transaction there. A
/// source that a process serves is an error, unless `even_if_running`: it is marked so after a crash too.
Stored<std::vector<TableSize>> copy_database(std::string_view from, std::string_view to, bool even_if_running);

}  // namespace sufler

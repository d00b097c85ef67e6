#pragma once
#include <soci/soci.h>

#include <memory>
#include <string>
#include <string_view>

#include "storage/dialect.h"
#include "storage/storage.h"

namespace sufler::storage {

/// A connection that examines nothing and changes nothing. A SQLite file that does not exist is an error.
Stored<std::unique_ptr<soci::session>> connect_only(std::string_view url);
const Dialect& dialect_of(std::string_view url);
bool is_sqlite(std::string_view url);

}  // namespace sufler::storage

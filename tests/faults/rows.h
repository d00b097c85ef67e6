#pragma once
#include <string>
#include <vector>

namespace sufler::tests {

/// A row of a database as texts; null is empty.
using Row = std::vector<std::string>;

/// What a query gives. `database` is written as in the configuration: `sqlite:` and an absolute path, or
/// `postgresql://…`. Throws std::runtime_error.
std::vector<Row> rows_of(const std::string& database, const std::string& query);
bool is_postgres(const std::string& database);
std::string joined(const Row& row);

}  // namespace sufler::tests

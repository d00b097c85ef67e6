#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "faults/shopfront.h"

namespace sufler::tests {

/// What the auditor may know of a run.
struct Evidence {
  Shopfront& shop;
  std::string database;  ///< as rows_of wants it; no process works on it any more
  std::int64_t admin = 0;
  std::map<std::int64_t, int> orders;        ///< confirmed ones by customer
  std::vector<std::int64_t> killed_unix_ms;  ///< when the process was killed, in order
};

/// Everything that is wrong, a line each (RELIABILITY, I1–I5, and what an order is).
std::vector<std::string> audit(const Evidence& evidence);

/// Messages that came more than once, for the report.
std::size_t repeated_messages(const Evidence& evidence);

}  // namespace sufler::tests

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
  /// When what was under way could be lost: the moment of a kill, or as long as a database was away. In order, of
  /// Unix time in milliseconds.
  struct Death {
    std::int64_t from = 0, to = 0;
  };
  std::vector<Death> deaths;
  /// When the process that sends stood still (SIGSTOP, SIGCONT). Its one network thread may have stood between asking
  /// whether it still leads and writing: what lies between the two no program can close, so one message each time
  /// may come late.
  std::vector<Death> standstills;
};

/// Everything that is wrong, a line each (RELIABILITY, I1–I5, and what an order is).
std::vector<std::string> audit(const Evidence& evidence);

/// A third death over one message makes it poison (RELIABILITY, row 28). Kills are to hit at random: before one that would
/// be the third, what has met so many deaths is let through, which only a very slow machine makes anybody wait for.
void let_through_what_met_deaths(const std::string& database, int deaths);

/// Messages that came more than once, for the report.
std::size_t repeated_messages(const Evidence& evidence);

}  // namespace sufler::tests

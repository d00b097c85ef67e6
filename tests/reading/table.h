#pragma once
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

/// The tables of tests/data: tab-separated, one head line, `\t`, `\n` and `\\` escaped.
namespace sufler {

using TableRow = std::vector<std::string>;

inline std::vector<TableRow> read_table(const std::string& name) {
  std::ifstream file(std::string(SUFLER_SOURCE_DIR) + "/tests/data/" + name);
  std::vector<TableRow> rows;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    TableRow row(1);
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\t') {
        row.emplace_back();
      } else if (line[i] == '\\' && i + 1 < line.size()) {
        ++i;
        row.back().push_back(line[i] == 't' ? '\t' : line[i] == 'n' ? '\n' : line[i]);
      } else {
        row.back().push_back(line[i]);
      }
    }
    row.resize(8);
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Counts rows that were read right and lists the rest.
class Score {
 public:
  void count(bool right, const std::string& miss) {
    ++all_;
    if (right) {
      ++right_;
    } else {
      misses_ << "  " << miss << "\n";
    }
  }
  double percent() const { return all_ == 0 ? 0 : 100.0 * right_ / all_; }
  std::string report() const {
    std::ostringstream out;
    out << right_ << " of " << all_ << " (" << percent() << " %)\n" << misses_.str();
    return out.str();
  }

 private:
  int all_ = 0;
  int right_ = 0;
  std::ostringstream misses_;
};

}  // namespace sufler

// The table of live changes: each cell is proven by a talk (issue of the rules: LANGUAGE 11).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Row = std::vector<std::string>;

const std::array<std::string, 3> kWhere = {"before", "at", "past"};

/// What talks call the change that a row of the English page is about.
const std::map<std::string, std::vector<std::string>> kEdits = {
    {"the text of a question", {"text"}},
    {"buttons are added to a question", {"buttons added"}},
    {"an option is added", {"option added"}},
    {"an option is removed", {"option removed"}},
    {"options change their order", {"options turned"}},
    {"the type of a question", {"type"}},
    {"a stricter check (`min`, `pattern`, `check` …)", {"stricter"}},
    {"a milder check", {"looser"}},
    {"`confirm` is added or removed", {"confirm added", "confirm removed"}},
    {"a question is added", {"question added"}},
    {"a question is removed, or renamed without `moved`", {"question removed", "question renamed without a word"}},
    {"a question is renamed with `moved`", {"question renamed with moved"}},
    {"a branch is renamed with `moved`", {"branch renamed with moved"}},
    {"a branch is removed", {"branch removed"}},
    {"steps are added to a branch", {"steps added"}},
    {"the steps of a branch with `pin: true`", {"pinned branch"}},
    {"`remind` and `timeout`", {"times added"}},
    {"the length of a `wait`", {"pause longer"}},
    {"a command is added or removed", {"command added", "command removed"}},
    {"the rules of a handoff", {"handoff changed"}},
    {"a handoff is removed", {"handoff removed"}},
    {"a column is added", {"column added"}},
    {"the type of a column", {"column of another type"}},
};

std::string trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(' '));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

/// Rows of the page's table with four columns, without its head.
std::vector<Row> table_of(const std::string& language) {
  std::ifstream in(fs::path(SUFLER_SOURCE_DIR) / "docs" / language / "live-changes.md");
  std::vector<Row> rows;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| ")) continue;
    Row row;
    std::size_t begin = 1;
    for (std::size_t end = line.find('|', begin); end != std::string::npos; end = line.find('|', begin)) {
      row.push_back(trimmed(line.substr(begin, end - begin)));
      begin = end + 1;
    }
    if (row.size() == 4 && !row[0].starts_with("---")) rows.push_back(std::move(row));
  }
  if (!rows.empty()) rows.erase(rows.begin());
  return rows;
}

/// `EDIT / WHERE: what is seen`, each name up to its colon or comma.
std::set<std::string> cells_of_talks() {
  static const std::regex name(R"(^  - name: "?(.+) / (before|at|past)[:, ].*)");
  std::set<std::string> cells;
  for (const auto& entry : fs::directory_iterator(fs::path(SUFLER_SOURCE_DIR) / "tests/scenarios/live_changes")) {
    if (!entry.path().string().ends_with(".test.yaml")) continue;
    std::ifstream in(entry.path());
    std::smatch found;
    for (std::string line; std::getline(in, line);)
      if (std::regex_match(line, found, name)) cells.insert(found[1].str() + " / " + found[2].str());
  }
  return cells;
}

TEST(LiveChangesTable, EachCellHasATalk) {
  const std::set<std::string> talks = cells_of_talks();
  std::set<std::string> seen;
  for (const Row& row : table_of("en")) {
    const auto edits = kEdits.find(row[0]);
    ASSERT_NE(edits, kEdits.end()) << "no talk is known for the row: " << row[0];
    seen.insert(row[0]);
    for (const std::string& edit : edits->second)
      for (const std::string& where : kWhere)
        EXPECT_TRUE(talks.contains(edit + " / " + where)) << row[0] << ": no talk `" << edit << " / " << where << ": …`";
  }
  EXPECT_EQ(seen.size(), kEdits.size()) << "a row of the table is gone";
}

TEST(LiveChangesTable, BothPagesHaveTheSameRowsAndNoEmptyCell) {
  const auto english = table_of("en"), russian = table_of("ru");
  EXPECT_EQ(english.size(), kEdits.size());
  EXPECT_EQ(russian.size(), english.size());
  for (const auto& table : {english, russian})
    for (const Row& row : table) EXPECT_THAT(row, testing::Not(testing::Contains(std::string()))) << row[0];
}

}  // namespace

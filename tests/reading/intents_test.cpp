#include "interpreter/core/reading/intents.h"

#include <gtest/gtest.h>

#include <iostream>

#include "reading/table.h"

namespace sufler {
namespace {

std::string name_of(Intent intent) {
  static const char* const kNames[] = {"yes",  "no",       "back",    "restart",
                                       "stop", "operator", "unclear", "other"};
  return kNames[static_cast<int>(intent)];
}

bool accepts(const TableRow& cells, const std::string& label) {
  return label == cells[1] || ("," + cells[3] + ",").find("," + label + ",") != std::string::npos;
}

Score score_of(const std::string& level, const char* table = "russian-intents.tsv") {
  Score score;
  for (const TableRow& cells : read_table(table)) {
    if (cells[4] != level) continue;
    const std::string label = name_of(read_intent(cells[2]));
    score.count(accepts(cells, label),
                cells[0] + " «" + cells[2] + "»: " + label + ", not " + cells[1]);
  }
  return score;
}

TEST(IntentsTableTest, ReadsTheCoreRows) {
  const Score score = score_of("core");
  EXPECT_GE(score.percent(), 95.0) << score.report();
  std::cout << "intents, core: " << score.report();
}

// Rows of our own, from the rules and vocabularies of russian.md, and fewer of English by the same ones.
TEST(IntentsTableTest, ReadsFurtherRows) {
  for (const char* table : {"russian-more-intents.tsv", "english-intents.tsv"}) {
    const Score score = score_of("core", table);
    EXPECT_GE(score.percent(), 99.0) << score.report();
    std::cout << table << ": " << score.report();
  }
}

TEST(IntentsTableTest, ReportsTheOptionalRows) {
  std::cout << "intents, optional: " << score_of("optional").report();
}

TEST(IntentsTableTest, NeverTurnsAnAnswerIntoItsOpposite) {
  std::vector<TableRow> rows = read_table("russian-intents.tsv");
  for (const char* table : {"russian-more-intents.tsv", "english-intents.tsv"})
    for (TableRow& row : read_table(table)) rows.push_back(std::move(row));
  for (const TableRow& cells : rows) {
    const std::string label = name_of(read_intent(cells[2]));
    if (cells[1] == "yes") {
      EXPECT_NE(label, "no") << cells[2];
      EXPECT_NE(label, "back") << cells[2];
    } else if (label == "yes") {
      EXPECT_TRUE(accepts(cells, "yes")) << cells[2] << " was taken for a yes";
    }
  }
}

}  // namespace
}  // namespace sufler

#include "interpreter/core/reading/numbers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <iostream>

#include "reading/table.h"

namespace sufler {
namespace {

/// `[1, 2.5, null]` and lists of such lists, as flat words for comparison.
std::vector<std::vector<std::string>> lists_of(const std::string& json) {
  std::vector<std::vector<std::string>> lists;
  std::string word;
  const auto close_word = [&] {
    if (!word.empty() && !lists.empty()) lists.back().push_back(word);
    word.clear();
  };
  for (const char c : json) {
    if (c == '[') {
      lists.emplace_back();
    } else if (c == ']' || c == ',') {
      close_word();
    } else if (c != ' ' && c != '"') {
      word.push_back(c);
    }
  }
  if (lists.size() > 1) lists.erase(lists.begin());  // the outer bracket
  return lists;
}

bool same(const std::string& expected, const Decimal& value) {
  return expected != "null" && std::fabs(std::stod(expected) - value.to_double()) < 1e-9;
}

bool same(const std::vector<std::string>& expected, const std::vector<FoundNumber>& found) {
  if (expected.size() != found.size()) return false;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!same(expected[i], found[i].value)) return false;
  }
  return true;
}

std::string shown(const std::vector<FoundNumber>& found) {
  std::string out;
  for (const FoundNumber& number : found) {
    out += " " + number.value.to_string();
    if (number.alternative) out += "|" + number.alternative->to_string();
  }
  return "[" + out + " ]";
}

struct Row {
  std::string id, mode, text, expected, level, note;
};

bool reads(const Row& row, std::string& got, Language language) {
  const auto found = find_numbers(row.text, language);
  got = shown(found);
  const auto lists = lists_of(row.expected);
  if (row.mode == "whole") {
    const auto number = read_number(row.text, language);
    return number && lists[0].size() == 1 && same(lists[0][0], number->value);
  }
  if (row.mode == "find" || row.mode == "none") return same(lists[0], found);
  if (row.mode == "ordinal") {
    const auto ordinal = read_ordinal(row.text, language);
    return ordinal && same(lists[0][0], *ordinal);
  }
  if (row.mode == "money") {
    const auto money = read_money(row.text, language);
    if (money) got = money->amount.to_string() + " " + money->currency;
    const bool currency = row.note.size() < 3 || row.note[0] < 'A' || row.note[0] > 'Z' ||
                          (money && money->currency == row.note.substr(0, 3));
    return money && currency && same(lists[0][0], money->amount);
  }
  if (row.mode == "range") {
    const auto range = read_range(row.text, language);
    if (!range || lists[0].size() != 2) return false;
    const auto end = [](const std::string& expected, const std::optional<Decimal>& value) {
      return expected == "null" ? !value : value && same(expected, *value);
    };
    return end(lists[0][0], range->low) && end(lists[0][1], range->high);
  }
  if (row.mode == "digits") {
    got = read_digits(row.text, language);
    return "\"" + got + "\"" == row.expected;
  }
  if (row.mode == "ambiguous") {
    const auto whole = read_number(row.text, language);
    for (const auto& accepted : lists) {
      if (same(accepted, found)) return !whole || accepted.size() == 1;
    }
    return false;
  }
  return false;
}

Score score_of(const std::string& level, const char* table = "russian-numbers.tsv",
               Language language = Language::Russian) {
  Score score;
  for (const TableRow& cells : read_table(table)) {
    const Row row{cells[0], cells[1], cells[2], cells[3], cells[4], cells[6]};
    if (row.level != level) continue;
    std::string got;
    const bool right = reads(row, got, language);
    score.count(right,
                row.id + " " + row.mode + " «" + row.text + "»: " + got + ", not " + row.expected);
  }
  return score;
}

TEST(NumbersTableTest, ReadsTheCoreRows) {
  const Score score = score_of("core");
  EXPECT_GE(score.percent(), 98.0) << score.report();
  std::cout << "numbers, core: " << score.report();
}

// Rows of our own, from the rules of russian.md, and fewer of English by the same ones.
TEST(NumbersTableTest, ReadsFurtherRows) {
  const Score score = score_of("core", "russian-more-numbers.tsv");
  EXPECT_GE(score.percent(), 99.0) << score.report();
  std::cout << "further numbers: " << score.report();
  const Score english = score_of("core", "english-numbers.tsv", Language::English);
  EXPECT_GE(english.percent(), 99.0) << english.report();
  std::cout << "English numbers: " << english.report();
}

TEST(NumbersTableTest, ReportsTheOptionalRows) {
  const Score score = score_of("optional");
  std::cout << "numbers, optional: " << score.report();
}

TEST(NumbersTableTest, AsksBackInsteadOfGuessing) {
  std::vector<TableRow> rows = read_table("russian-numbers.tsv");
  for (TableRow& row : read_table("russian-more-numbers.tsv")) rows.push_back(std::move(row));
  for (const TableRow& cells : rows) {
    if (cells[1] != "ambiguous" && cells[1] != "none") continue;
    const auto whole = read_number(cells[2], Language::Russian);
    if (!whole) continue;
    bool accepted = false;
    for (const auto& list : lists_of(cells[3]))
      accepted |= list.size() == 1 && same(list[0], whole->value);
    EXPECT_TRUE(accepted) << cells[0] << " " << cells[2];
  }
  EXPECT_EQ(read_number("1,250", Language::Russian).error(), NumberProblem::Ambiguous);
  EXPECT_EQ(read_number("тринадцать двести", Language::Russian).error(), NumberProblem::Several);
}

}  // namespace
}  // namespace sufler

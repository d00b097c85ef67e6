#include "interpreter/core/tables/csv.h"

#include <gtest/gtest.h>

#include "interpreter/core/tables/cells.h"

namespace sufler {
namespace {

std::string shown(std::string_view text, char separator = ';') {
  std::string out;
  CsvReader reader(text, separator);
  for (std::vector<CsvCell> row; reader.next(row);) {
    for (const CsvCell& cell : row) out += "[" + cell.text + "]";
    out += "\n";
  }
  return out;
}

std::string decoded(std::string_view bytes) {
  const auto text = decode_csv(bytes);
  return text ? *text : "fault " + std::to_string(static_cast<int>(text.error().fault)) + " at " + std::to_string(text.error().offset);
}

TEST(CsvTest, ReadsCellsAsOfficeProgramsWriteThem) {
  EXPECT_EQ(shown("a;b\r\n1; два ;\r\n"), "[a][b]\n[1][два][]\n");
  EXPECT_EQ(shown("\"a;b\";\"c \"\"d\"\" e\"\n"), "[a;b][c \"d\" e]\n");
  EXPECT_EQ(shown("\"two\nlines\";5\" pipe\n"), "[two\nlines][5\" pipe]\n");
  EXPECT_EQ(shown("a;b\r1;2\r"), "[a][b]\n[1][2]\n");
  EXPECT_EQ(shown("\n;;\n  \nlast"), "[last]\n");
}

TEST(CsvTest, SaysWhereItIsBroken) {
  std::vector<CsvCell> row;
  CsvReader unclosed("a;\"b\nc;d\n", ';');
  EXPECT_FALSE(unclosed.next(row));
  ASSERT_TRUE(unclosed.problem());
  EXPECT_EQ(unclosed.problem()->fault, CsvFault::UnclosedQuote);
  EXPECT_EQ(unclosed.problem()->offset, 2u);
  CsvReader behind("\"ООО\" Ромашка;5\n", ';');
  EXPECT_FALSE(behind.next(row));
  ASSERT_TRUE(behind.problem());
  EXPECT_EQ(behind.problem()->fault, CsvFault::TextBehindQuote);
}

TEST(CsvTest, CellsKnowTheirPlaces) {
  const std::string text = "id; имя \n1;\"Анна\"\n";
  CsvReader reader(text, ';');
  std::vector<CsvCell> row;
  ASSERT_TRUE(reader.next(row));
  EXPECT_EQ(text.substr(row[1].offset, row[1].length), "имя");
  ASSERT_TRUE(reader.next(row));
  EXPECT_EQ(text.substr(row[1].offset, row[1].length), "\"Анна\"");
}

TEST(CsvTest, KnowsEncodingsByTheirBytes) {
  EXPECT_EQ(decoded("\xEF\xBB\xBFид"), "ид");
  EXPECT_EQ(decoded("\xD6\xE5\xED\xE0 \xB9\x35 \xB8\xA8"), "Цена №5 ёЁ");  // Windows-1251
  EXPECT_EQ(decoded(std::string_view("\xFF\xFEi\0\x34\x04", 6)), "iд");
  EXPECT_EQ(decoded(std::string_view("\xFE\xFF\0i\x04\x34", 6)), "iд");
  EXPECT_EQ(decoded("PK\x03\x04..."), "fault 0 at 0");
  EXPECT_EQ(decoded(std::string_view("a\0b", 3)), "fault 1 at 1");
  EXPECT_EQ(decoded("Невский\xFF"), "fault 2 at 14") << "a damaged UTF-8, and no Windows-1251";
}

TEST(CsvTest, TriesTheLikeliestSeparatorFirst) {
  std::uint32_t begin = 0;
  EXPECT_EQ(csv_separators("id;\"a,b,c\";d\n", begin), ";");
  EXPECT_EQ(csv_separators("a,b;c,d\n1", begin), ",;");
  EXPECT_EQ(csv_separators("only\n", begin), ";");
  EXPECT_EQ(csv_separators("sep=,\r\na;b;c\n", begin), ",");
  EXPECT_EQ(begin, 7u);
}

TEST(CellsTest, ReadsNumbersAsPeopleTypeThem) {
  const std::pair<const char*, const char*> kRead[] = {{"1 200 000,50", "1200000.5"}, {"1\u00A0200", "1200"},       {"1,200,000.50", "1200000.5"},
                                                       {"1.200.000,5", "1200000.5"},  {"1.200.000", "1200000"},     {"42,5", "42.5"},
                                                       {"42.5", "42.5"},              {"1,200", "1.2"},             {"−5", "-5"},
                                                       {"- 5", "-5"},                 {"12 ₽", "12"},               {"12 500 руб.", "12500"},
                                                       {"$5", "5"},                   {"15%", "15"},                {",5", "0.5"}};
  for (const auto& [written, number] : kRead) {
    const auto read = number_of_cell(written);
    ASSERT_TRUE(read) << written;
    EXPECT_EQ(read->to_string(), number) << written;
  }
  for (const char* written : {"", "-", "договорная", "40 м", "1.2.3", "1,20,000.5", "1E+06", "12-15", "1 200 руб за м", "₽", "1,5,"})
    EXPECT_FALSE(number_of_cell(written)) << written;
}

TEST(CellsTest, ReadsDatesAndBooleans) {
  for (const char* written : {"2026-03-05", "05.03.2026", "5.3.26", "05/03/2026"}) {
    const auto date = date_of_cell(written);
    ASSERT_TRUE(date) << written;
    EXPECT_EQ(date->to_iso(), "2026-03-05");
  }
  for (const char* written : {"31.02.2026", "5.3", "5.3.202", "весной", "05.03.2026 г.", ""}) EXPECT_FALSE(date_of_cell(written)) << written;
  EXPECT_EQ(boolean_of_cell("Да"), true);
  EXPECT_EQ(boolean_of_cell("нет"), false);
  EXPECT_EQ(boolean_of_cell("может быть"), std::nullopt);
}

TEST(CellsTest, AMomentIsInTheScenariosZone) {
  Column column;
  column.type = ColumnType::DateTime;
  const Zone moscow = *Zone::find("Europe/Moscow");
  const auto value = value_of_cell(column, moscow, "15.03.2026 12:30");
  ASSERT_TRUE(value && value->moment());
  EXPECT_EQ(moscow.to_local(*value->moment()).to_iso(), "2026-03-15T12:30");
}

}  // namespace
}  // namespace sufler

// Tables whose rows are those of a CSV file, on each database.
#include "interpreter/core/sha256.h"
#include "interpreter/core/tables/table_data.h"
#include "storage_fixture.h"

namespace sufler {
namespace {

/// `id` and then the columns of the table, in this order.
Table with_file(Table table, const std::string& rows) {
  auto data = std::make_shared<TableData>();
  data->text = std::make_shared<const std::string>(rows);
  data->content = sha256_hex(rows);
  if (table.key == "id") data->columns.push_back(TableData::kId);
  for (std::uint32_t i = 0; i < table.columns.size(); ++i) data->columns.push_back(i);
  table.data_file = "data/estates.csv";
  table.data = std::move(data);
  return table;
}

class TableFilesTest : public OnEveryDatabase {
 protected:
  TableFilesTest() {
    estates_.name = "estates";
    estates_.key = "id";
    for (const auto& [name, type] : std::initializer_list<std::pair<const char*, ColumnType>>{
             {"address", ColumnType::Text}, {"price", ColumnType::Number}, {"sold", ColumnType::Boolean}, {"built", ColumnType::Date}}) {
      Column column;
      column.name = name;
      column.type = type;
      estates_.columns.push_back(column);
    }
  }

  static Program program_of(const Table& table) {
    Program program;
    program.id = "shop";
    program.tables.push_back(table);
    return program;
  }
  /// What was done, as `new/changed/removed`; `-` when nothing was looked at.
  std::string take(const Table& table) {
    const Stored<Done> done = storage_.prepare_tables(program_of(table));
    EXPECT_TRUE(done) << done.error().message;
    const auto load = table.data->loads->take();
    if (!load) return "-";
    return std::to_string(load->added) + "/" + std::to_string(load->changed) + "/" + std::to_string(load->removed);
  }
  /// `id: address price sold built`, by id.
  std::vector<std::string> rows(const Table& table) {
    std::vector<std::string> all;
    must(storage_, [&](Transaction& tx) {
      FindRows find;
      find.sort = {{"id", false}};
      for (const Value& row : unwrap(tx.find_rows(table, find))) {
        std::string line;
        for (const auto& [name, value] : *row.map()) {
          if (name == "user_id" || name == "dialog_id" || name == "created_at") {
            EXPECT_TRUE(value.is_null() || name == "dialog_id") << name;
            continue;
          }
          line += (line.empty() ? "" : " ") + to_display(value, {Language::English, Zone()});
        }
        all.push_back(line);
      }
    });
    return all;
  }

  Table estates_;
};
SUFLER_ON_EVERY_DATABASE(TableFilesTest);

TEST_P(TableFilesTest, OnlyWhatDiffersIsWritten) {
  const Table first = with_file(estates_, "1;Nevsky, 1;1 000 000,50;no;2010-03-15\n2;Lesnaya, 5;200;yes;\n7;;;;\n");
  EXPECT_EQ(take(first), "3/0/0");
  EXPECT_EQ(rows(first), (std::vector<std::string>{"1 Nevsky, 1 1000000.5 no March 15, 2010", "2 Lesnaya, 5 200 yes ", "7    "}));
  EXPECT_EQ(take(first), "-");
  const Table second = with_file(estates_, "2;Lesnaya, 5;200;yes;\n1;Nevsky, 1;999;no;2010-03-15\n8;Sadovaya;5;;\n");
  EXPECT_EQ(take(second), "1/1/1");
  EXPECT_EQ(rows(second), (std::vector<std::string>{"1 Nevsky, 1 999 no March 15, 2010", "2 Lesnaya, 5 200 yes ", "8 Sadovaya 5  "}));
  EXPECT_EQ(take(first), "1/1/1");
}

TEST_P(TableFilesTest, AnotherProcessKnowsWhoseRowsAreThere) {
  const Table file = with_file(estates_, "1;Nevsky;5;;\n");
  EXPECT_EQ(take(file), "1/0/0");
  reopen();
  EXPECT_EQ(take(file), "-");
  // Rows are known again by their values, whatever the file is like otherwise.
  EXPECT_EQ(take(with_file(estates_, "1;\"Nevsky\";5,00;;\n")), "0/0/0");
}

TEST_P(TableFilesTest, AKeyMayBeATextOrANumber) {
  estates_.key = "address";
  const Table by_text = with_file(estates_, "A-1;5;;\nЯ-2;6;;\n");
  EXPECT_EQ(take(by_text), "2/0/0");
  const std::vector<std::string> before = rows(by_text);
  EXPECT_EQ(take(with_file(estates_, "Я-2;7;;\nA-1;5;;\n")), "0/1/0");
  EXPECT_EQ(rows(by_text)[0], before[0]) << "a row keeps its id";
  estates_.key = "price";
  EXPECT_EQ(take(with_file(estates_, "A-1;5,0;;\nЯ-2;7;yes;\n")), "0/1/0");
}

TEST_P(TableFilesTest, RowsThatWereSavedAreNotLost) {
  ASSERT_TRUE(storage_.prepare_tables(program_of(estates_)));
  must(storage_, [&](Transaction& tx) {
    ValueMap values;
    values.set("address", "saved");
    unwrap(tx.insert_row(estates_, values, {"7", 3}, Moment{1234}));
  });
  const Stored<Done> done = storage_.prepare_tables(program_of(with_file(estates_, "1;Nevsky;5;;\n")));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, StorageError::Kind::Refused);
  must(storage_, [&](Transaction& tx) { EXPECT_EQ(unwrap(tx.count_rows(estates_, {})), 1); });
}

TEST_P(TableFilesTest, ARehearsalLeavesTheRowsThatPeopleAreServed) {
  const Table live = with_file(estates_, "1;Nevsky;5;;\n");
  EXPECT_EQ(take(live), "1/0/0");
  const Table next = with_file(estates_, "1;Nevsky;6;;\n");
  auto data = std::make_shared<TableData>(*next.data);
  data->rehearsed = true;
  Table rehearsed = next;
  rehearsed.data = data;
  EXPECT_EQ(take(rehearsed), "-");
  EXPECT_EQ(take(next), "0/1/0");
  // A table that nobody has yet has its rows at once.
  rehearsed.name = "others";
  EXPECT_EQ(take(rehearsed), "1/0/0");
}

TEST_P(TableFilesTest, AColumnOfAnotherTypeIsReadAgain) {
  const Table numbers = with_file(estates_, "1;5;7;;\n2;6;8;;\n");
  EXPECT_EQ(take(numbers), "2/0/0");
  estates_.columns[0].type = ColumnType::Number;
  estates_.columns[1].type = ColumnType::Integer;
  const Table others = with_file(estates_, "1;5;7;;\n2;6;8;;\n");
  EXPECT_EQ(take(others), "0/2/0");
  EXPECT_EQ(rows(others), (std::vector<std::string>{"1 5 7  ", "2 6 8  "}));
}

TEST_P(TableFilesTest, AFileThatComesBackIsReadAnew) {
  const Table file = with_file(estates_, "1;Nevsky;5;;\n2;Lesnaya;6;;\n");
  EXPECT_EQ(take(file), "2/0/0");
  // A version without `data`: its steps may write.
  ASSERT_TRUE(storage_.prepare_tables(program_of(estates_)));
  must(storage_, [&](Transaction& tx) {
    ValueMap values;
    values.set("price", Value(Decimal(777)));
    EXPECT_EQ(unwrap(tx.update_row(estates_, 1, values)), 1);
  });
  EXPECT_EQ(take(file), "0/2/0");
  EXPECT_EQ(rows(file), (std::vector<std::string>{"1 Nevsky 5  ", "2 Lesnaya 6  "}));
  EXPECT_EQ(take(file), "-");
}

TEST_P(TableFilesTest, IdsOfTheFilesOwnAreNotGivenAgain) {
  EXPECT_EQ(take(with_file(estates_, "1;Nevsky;5;;\n2;Lesnaya;6;;\n3;Sadovaya;7;;\n")), "3/0/0");
  estates_.key = "address";
  const Table by_text = with_file(estates_, "Nevsky;5;;\nLesnaya;6;;\nSadovaya;7;;\nMorskaya;8;;\n");
  EXPECT_EQ(take(by_text), "1/0/0");
  EXPECT_EQ(rows(by_text), (std::vector<std::string>{"1 Nevsky 5  ", "2 Lesnaya 6  ", "3 Sadovaya 7  ", "4 Morskaya 8  "}));
}

TEST_P(TableFilesTest, ManyRowsGoOverInPortions) {
  std::string text;
  for (int i = 1; i <= 1234; ++i) text += std::to_string(i) + ";house " + std::to_string(i) + ";" + std::to_string(i * 1000) + ";;\n";
  EXPECT_EQ(take(with_file(estates_, text)), "1234/0/0");
  EXPECT_EQ(take(with_file(estates_, "5;house 5;5000;;\n")), "0/0/1233");
}

}  // namespace
}  // namespace sufler

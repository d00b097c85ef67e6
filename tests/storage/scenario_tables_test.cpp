#include <algorithm>
#include <sstream>
#include <vector>

#include "interpreter/core/reserved_tables.h"
#include "storage_fixture.h"

namespace sufler {
namespace {

Value number(const std::string& text) { return Value(*Decimal::parse(text)); }

Column column(const std::string& name, ColumnType type) {
  Column made;
  made.name = name;
  made.type = type;
  return made;
}

Program program_with(const Table& table, const std::string& id = "shop") {
  Program program;
  program.id = id;
  program.tables.push_back(table);
  return program;
}

class ScenarioTablesTest : public OnEveryDatabase {
 protected:
  ScenarioTablesTest() {
    orders_.name = "orders";
    orders_.columns = {column("name", ColumnType::Text),       column("price", ColumnType::Number),
                       column("count", ColumnType::Integer),   column("paid", ColumnType::Boolean),
                       column("day", ColumnType::Date),        column("at", ColumnType::Time),
                       column("moment", ColumnType::DateTime), column("photo", ColumnType::File),
                       column("files", ColumnType::Files),     column("list", ColumnType::List),
                       column("map", ColumnType::Map)};
  }

  void prepare() {
    const Stored<Done> done = storage_.prepare_tables(program_with(orders_));
    ASSERT_TRUE(done) << done.error().message;
  }
  StorageError refusal(const Program& program) {
    const Stored<Done> done = storage_.prepare_tables(program);
    EXPECT_FALSE(done);
    return done ? StorageError{} : done.error();
  }
  std::int64_t insert(Transaction& tx, const ValueMap& values) {
    const ValueMap row = unwrap(tx.insert_row(orders_, values, {"7", 3}, Moment{1234}));
    const Value* const id = row.find("id");
    return id && id->number() ? id->number()->to_int64().value_or(0) : 0;
  }
  void insert_price(Transaction& tx, const std::string& price) {
    ValueMap values;
    values.set("price", number(price));
    insert(tx, values);
  }
  std::vector<Value> found(Transaction& tx, const std::string& name, const FindRows& find) {
    std::vector<Value> values;
    for (const Value& row : unwrap(tx.find_rows(orders_, find))) {
      values.push_back(*row.map()->find(name));
    }
    return values;
  }
  std::vector<Value> found(Transaction& tx, const std::string& name, const Condition& condition) {
    FindRows find;
    find.conditions.push_back(condition);
    return found(tx, name, find);
  }
  /// As an owner of the database would look into it.
  std::string ask(const std::string& query) { return database_.ask(query); }

  Table orders_;
};
SUFLER_ON_EVERY_DATABASE(ScenarioTablesTest);

TEST_P(ScenarioTablesTest, ARowComesBackWithEveryTypeAndItsSystemColumns) {
  prepare();
  ValueMap map;
  map.set("глубина", number("1.5"));
  Attachment photo;
  photo.kind = AttachmentKind::Photo;
  photo.origin = "telegram";
  photo.reference = "AgAC";
  photo.name = "дом.jpg";
  ValueMap values;
  values.set("name", "Ольга 'О\" 😀");
  values.set("price", number("2500.50"));
  values.set("count", 3);
  values.set("paid", true);
  values.set("day", *Date::parse_iso("2026-03-15"));
  values.set("at", *TimeOfDay::parse("9:00"));
  values.set("moment", Moment{1773576000123});
  values.set("photo", photo);
  values.set("files", List{Value(photo), Value(photo)});
  values.set("list", List{Value("a"), number("0.1"), Value()});
  values.set("map", map);
  ValueMap returned;
  must(storage_, [&](Transaction& tx) {
    returned = unwrap(tx.insert_row(orders_, values, {"7", 3}, Moment{1234}));
  });
  reopen();
  must(storage_, [&](Transaction& tx) {
    const List rows = unwrap(tx.find_rows(orders_, {}));
    ASSERT_EQ(rows.size(), 1U);
    const ValueMap& row = *rows[0].map();
    EXPECT_EQ(row, returned);
    EXPECT_EQ(row.size(), values.size() + 4);
    for (const auto& [name, value] : values) {
      ASSERT_TRUE(row.find(name)) << name;
      EXPECT_EQ(*row.find(name), value) << name << ": " << to_json(*row.find(name));
    }
    EXPECT_EQ(*row.find("id"), Value(1));
    EXPECT_EQ(*row.find("user_id"), Value("7"));
    EXPECT_EQ(*row.find("dialog_id"), Value(3));
    EXPECT_EQ(*row.find("created_at"), Value(Moment{1234}));
  });
}

TEST_P(ScenarioTablesTest, WhatIsNotGivenIsNullOrTheDefault) {
  orders_.columns[0].default_value = Value("new");
  prepare();
  must(storage_, [&](Transaction& tx) {
    ValueMap values;
    insert(tx, values);
    values.set("name", Value());
    insert(tx, values);
    FindRows all;
    EXPECT_EQ(found(tx, "name", all), (std::vector<Value>{Value("new"), Value()}));
    EXPECT_EQ(found(tx, "price", all), (std::vector<Value>{Value(), Value()}));
  });
}

TEST_P(ScenarioTablesTest, ChoicesAmongValuesAndTextsAsPeopleWriteThem) {
  prepare();
  must(storage_, [&](Transaction& tx) {
    for (const char* name : {"Ёлка", "елка!", "Сосна", "ель"}) {
      ValueMap values;
      values.set("name", Value(name));
      insert(tx, values);
    }
    insert_price(tx, "2.5");  // its name is null
    const auto names = [&](const std::string& op, Value value, std::optional<std::int64_t> limit = {}) {
      FindRows find;
      find.conditions = {Condition{"name", op, std::move(value)}};
      find.sort = {{"name", true}};
      find.limit = limit;
      std::string out;
      for (const Value& name : found(tx, "name", find)) out += (out.empty() ? "" : " ") + (name.text() ? *name.text() : "null");
      return out;
    };
    EXPECT_EQ(names("like", "ЕЛКА"), "елка! Ёлка");
    EXPECT_EQ(names("like", "ЕЛКА", 1), "елка!");
    EXPECT_EQ(names("like", "ЕЛКА", 0), "");
    EXPECT_EQ(names("like", List{Value("сосна"), Value("ель.")}), "ель Сосна");
    EXPECT_EQ(names("like", "клён"), "");
    EXPECT_EQ(names("in", List{Value("ель"), Value("Сосна"), Value("елка")}), "ель Сосна");
    EXPECT_EQ(unwrap(tx.count_rows(orders_, {Condition{"name", "like", "елка"}})), 2);
    EXPECT_EQ(unwrap(tx.count_rows(orders_, {Condition{"price", "in", List{number("2.50"), number("7")}}})), 1);
    EXPECT_EQ(unwrap(tx.count_rows(orders_, {Condition{"name", "in", List{Value("ель")}}, Condition{"name", "like", "Ель"}})), 1);
  });
  EXPECT_FALSE(storage_.transact([&](Transaction& tx) -> Stored<Done> {
    auto rows = tx.find_rows(orders_, FindRows{{}, {Condition{"name\" OR 1=1 --", "like", "x"}}, {}, {}});
    if (!rows) return Error{rows.error()};
    return Done{};
  }));
}

TEST_P(ScenarioTablesTest, DecimalsAreExact) {
  prepare();
  const std::vector<std::string> exact = {"0.1",
                                          "-0.000001",
                                          "12345678901234567.89",
                                          "0",
                                          "9223372036854775807",
                                          "9223372036854775808",
                                          "-9223372036854775809",
                                          "0.000000000000000001",
                                          "1234567890.12345",
                                          "99999999999999.9",
                                          "0.30000000000000004",
                                          "9007199254740993",
                                          "9007199254740993.5",
                                          "-9999999999999999999999999999999999",
                                          "2.675"};
  must(storage_, [&](Transaction& tx) {
    for (const std::string& text : exact) insert_price(tx, text);
    const std::vector<Value> prices = found(tx, "price", FindRows());
    ASSERT_EQ(prices.size(), exact.size());
    for (std::size_t i = 0; i < exact.size(); ++i) {
      EXPECT_EQ(prices[i].number()->to_string(), exact[i]);
      EXPECT_EQ(found(tx, "price", Condition{"price", "==", number(exact[i])}).size(), 1U)
          << exact[i];
    }
  });
}

TEST_P(ScenarioTablesTest, DecimalsSortAndCompareAsNumbers) {
  prepare();
  const std::vector<std::string> sorted = {"-9223372036854775809",
                                           "-10",
                                           "-9.5",
                                           "-0.000001",
                                           "0",
                                           "0.000001",
                                           "0.1",
                                           "2",
                                           "10",
                                           "9007199254740992",
                                           "9007199254740992.5",
                                           "9007199254740993",
                                           "12345678901234567.89",
                                           "12345678901234567.9",
                                           "9223372036854775808"};
  std::vector<std::string> shuffled = sorted;
  for (std::size_t i = 0; i < shuffled.size(); ++i) std::swap(shuffled[i], shuffled[i * 7 % 15]);
  must(storage_, [&](Transaction& tx) {
    for (const std::string& text : shuffled) insert_price(tx, text);
    insert(tx, {});  // a null is neither less nor greater
    const auto texts = [&](const FindRows& find) {
      std::vector<std::string> out;
      for (const Value& value : found(tx, "price", find)) {
        out.push_back(value.is_null() ? "null" : value.number()->to_string());
      }
      return out;
    };
    FindRows up;
    up.sort = {{"price", false}};
    std::vector<std::string> expected = sorted;
    expected.emplace_back("null");
    EXPECT_EQ(texts(up), expected);
    FindRows down;
    down.sort = {{"price", true}};
    expected.assign(sorted.rbegin(), sorted.rend());
    expected.emplace_back("null");
    EXPECT_EQ(texts(down), expected);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      const Value middle = number(sorted[i]);
      const auto count = [&](const std::string& op) {
        return unwrap(tx.count_rows(orders_, {Condition{"price", op, middle}}));
      };
      const auto below = static_cast<std::int64_t>(i);
      const auto all = static_cast<std::int64_t>(sorted.size());
      EXPECT_EQ(count("<"), below) << sorted[i];
      EXPECT_EQ(count("<="), below + 1) << sorted[i];
      EXPECT_EQ(count(">"), all - below - 1) << sorted[i];
      EXPECT_EQ(count(">="), all - below) << sorted[i];
      EXPECT_EQ(count("=="), 1) << sorted[i];
      EXPECT_EQ(count("!="), all) << sorted[i];  // the null is unequal as well
    }
  });
}

TEST_P(ScenarioTablesTest, UsualPricesAreNumbersForWhoeverOpensTheFile) {
  prepare();
  must(storage_, [&](Transaction& tx) {
    for (const char* price : {"0.1", "2500.50", "7"}) insert_price(tx, price);
  });
  EXPECT_EQ(ask(GetParam() == DatabaseUnderTest::Sqlite ? "SELECT group_concat(typeof(price)) FROM orders"
                                                        : "SELECT min(pg_typeof(price)::text) FROM orders"),
            GetParam() == DatabaseUnderTest::Sqlite ? "real,real,integer" : "numeric");
  EXPECT_EQ(ask("SELECT count(*) FROM orders WHERE price > 5"), "2");
}

TEST_P(ScenarioTablesTest, ConditionsOfEveryTypeAreBound) {
  prepare();
  must(storage_, [&](Transaction& tx) {
    for (int i = 1; i <= 4; ++i) {
      ValueMap values;
      values.set("name", std::string(1, static_cast<char>('a' + i)));
      values.set("count", i);
      values.set("paid", i % 2 == 0);
      values.set("day", *Date::from_ymd(2026, 3, static_cast<unsigned>(i)));
      values.set("at", TimeOfDay{i * 3600 * 5});
      values.set("moment", Moment{i * 1000});
      values.set("list", List{Value(i)});
      insert(tx, values);
    }
    const auto ids = [&](const std::string& name, const std::string& op, const Value& value) {
      std::string out;
      for (const Value& id : found(tx, "id", Condition{name, op, value}))
        out += id.number()->to_string();
      return out;
    };
    EXPECT_EQ(ids("name", "==", "c"), "2");
    EXPECT_EQ(ids("name", ">", "c"), "34");
    EXPECT_EQ(ids("name", "==", "c' OR 1=1 --"), "");
    EXPECT_EQ(ids("count", ">=", 3), "34");
    EXPECT_EQ(ids("count", ">", number("2.5")), "34");
    EXPECT_EQ(ids("count", "==", number("2.5")), "");
    EXPECT_EQ(ids("paid", "==", true), "24");
    EXPECT_EQ(ids("day", "<=", *Date::parse_iso("2026-03-02")), "12");
    EXPECT_EQ(ids("at", "<", *TimeOfDay::parse("10:00")), "1");
    EXPECT_EQ(ids("moment", "!=", Moment{2000}), "134");
    EXPECT_EQ(ids("list", "==", List{Value(3)}), "3");
    EXPECT_EQ(ids("id", "==", 4), "4");
    EXPECT_EQ(ids("user_id", "==", "7"), "1234");
    EXPECT_EQ(ids("dialog_id", "!=", 3), "");
    EXPECT_EQ(ids("created_at", "<=", Moment{1234}), "1234");
    // Values of another type are unequal, and in no order.
    EXPECT_EQ(ids("count", "==", "3"), "");
    EXPECT_EQ(ids("count", "!=", "3"), "1234");
    EXPECT_EQ(ids("count", "<", "3"), "");
    EXPECT_EQ(ids("list", "<", List{}), "");
    EXPECT_EQ(ids("price", "==", Value()), "1234");
    EXPECT_EQ(ids("name", "!=", Value()), "1234");
    EXPECT_EQ(ids("name", "<", Value()), "");
    EXPECT_EQ(
        unwrap(tx.count_rows(orders_, {Condition{"paid", "==", true}, Condition{"count", ">", 2}})),
        1);
  });
}

TEST_P(ScenarioTablesTest, RowsAreSortedByWhatIsAskedThenById) {
  prepare();
  must(storage_, [&](Transaction& tx) {
    for (const auto& [name, count] :
         {std::pair{"b", 1}, std::pair{"a", 2}, std::pair{"b", 3}, std::pair{"a", 4}}) {
      ValueMap values;
      values.set("name", name);
      values.set("count", count);
      insert(tx, values);
    }
    FindRows find;
    find.sort = {{"name", false}, {"count", true}};
    EXPECT_EQ(found(tx, "id", find), (std::vector<Value>{4, 2, 3, 1}));
    find.sort = {{"name", true}};
    EXPECT_EQ(found(tx, "id", find), (std::vector<Value>{1, 3, 2, 4}));
    find.limit = 2;
    EXPECT_EQ(found(tx, "id", find), (std::vector<Value>{1, 3}));
    find.limit = 0;
    EXPECT_TRUE(found(tx, "id", find).empty());
    find.limit = -5;
    EXPECT_TRUE(found(tx, "id", find).empty());
  });
}

TEST_P(ScenarioTablesTest, RowsAreChangedAndDeletedById) {
  prepare();
  must(storage_, [&](Transaction& tx) {
    ValueMap values;
    values.set("name", "one");
    values.set("count", 1);
    insert(tx, values);
    insert(tx, values);
    ValueMap changed;
    changed.set("name", Value());
    changed.set("price", number("9.99"));
    EXPECT_EQ(unwrap(tx.update_row(orders_, 2, changed)), 1);
    EXPECT_EQ(unwrap(tx.update_row(orders_, 99, changed)), 0);
    EXPECT_EQ(unwrap(tx.update_row(orders_, 2, {})), 1);
    FindRows all;
    EXPECT_EQ(found(tx, "name", all), (std::vector<Value>{Value("one"), Value()}));
    EXPECT_EQ(found(tx, "price", all), (std::vector<Value>{Value(), number("9.99")}));
    EXPECT_EQ(found(tx, "count", all), (std::vector<Value>{1, 1}));
    EXPECT_EQ(unwrap(tx.delete_row(orders_, 2)), 1);
    EXPECT_EQ(unwrap(tx.delete_row(orders_, 2)), 0);
    EXPECT_EQ(insert(tx, {}), 3);  // an id is never given twice
  });
}

TEST_P(ScenarioTablesTest, OrderNumbersHaveNoGapAfterARollBack) {
  if (GetParam() == DatabaseUnderTest::Postgres) GTEST_SKIP() << "sequences leave gaps; docs/en/scaling.md says so";
  prepare();
  must(storage_, [&](Transaction& tx) { EXPECT_EQ(insert(tx, {}), 1); });
  (void)storage_.transact([&](Transaction& tx) -> Stored<Done> {
    insert(tx, {});
    return Error{StorageError{}};
  });
  must(storage_, [&](Transaction& tx) { EXPECT_EQ(insert(tx, {}), 2); });
}

TEST_P(ScenarioTablesTest, AValueOfTheWrongTypeIsRefusedWithItsColumn) {
  prepare();
  const auto refused = [&](const std::string& name, const Value& value) {
    ValueMap values;
    values.set(name, value);
    const Stored<Done> lost = storage_.transact([&](Transaction& tx) -> Stored<Done> {
      EXPECT_FALSE(tx.insert_row(orders_, values, {"7", 3}, Moment{1}));
      return Done{};
    });
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().kind, StorageError::Kind::Constraint);
    EXPECT_NE(lost.error().message.find("`" + name + "`"), std::string::npos)
        << lost.error().message;
  };
  refused("price", Value("дорого"));
  refused("count", number("1.5"));
  refused("count", number("9223372036854775808"));
  refused("paid", Value("да"));
  refused("day", Value("завтра"));
  refused("at", Value("25:00"));
  refused("moment", Value("2026"));
  refused("photo", Value("x"));
  refused("list", Value("x"));
  refused("map", Value(List{}));
}

TEST_P(ScenarioTablesTest, TextsAreReadWhereTheColumnIsWrittenAsText) {
  prepare();
  must(storage_, [&](Transaction& tx) {
    ValueMap values;
    values.set("name", number("2.50"));
    values.set("price", "2.50");
    values.set("count", "3");
    values.set("day", "2026-03-15");
    values.set("at", "9:05");
    insert(tx, values);
    const ValueMap row = *unwrap(tx.find_rows(orders_, {}))[0].map();
    EXPECT_EQ(*row.find("name"), Value("2.5"));
    EXPECT_EQ(*row.find("price"), number("2.5"));
    EXPECT_EQ(*row.find("count"), Value(3));
    EXPECT_EQ(*row.find("day"), Value(*Date::parse_iso("2026-03-15")));
    EXPECT_EQ(*row.find("at"), Value(*TimeOfDay::parse("09:05")));
  });
}

TEST_P(ScenarioTablesTest, AnUnknownColumnIsAnErrorAndNeverSql) {
  prepare();
  const std::string evil = "x\" = 1; DROP TABLE orders; --";
  const auto fails = [&](const std::function<bool(Transaction&)>& succeeds) {
    const Stored<Done> lost = storage_.transact([&](Transaction& tx) -> Stored<Done> {
      EXPECT_FALSE(succeeds(tx));
      return Done{};
    });
    EXPECT_FALSE(lost);
  };
  ValueMap values;
  values.set(evil, 1);
  FindRows sorted;
  sorted.sort = {{evil, false}};
  fails([&](Transaction& tx) {
    return tx.insert_row(orders_, values, {"7", 3}, Moment{1}).has_value();
  });
  fails([&](Transaction& tx) { return tx.update_row(orders_, 1, values).has_value(); });
  fails([&](Transaction& tx) { return tx.find_rows(orders_, sorted).has_value(); });
  fails([&](Transaction& tx) {
    return tx.count_rows(orders_, {Condition{evil, "==", 1}}).has_value();
  });
  fails([&](Transaction& tx) {
    return tx.count_rows(orders_, {Condition{"name", "= 1 OR", "x"}}).has_value();
  });
  must(storage_, [&](Transaction& tx) { EXPECT_EQ(unwrap(tx.count_rows(orders_, {})), 0); });
}

TEST_P(ScenarioTablesTest, NamesOfAnyAlphabetWork) {
  Table table;
  table.name = "Заявки \"и; --'прочее:x";
  table.columns = {column("Имя :клиента", ColumnType::Text), column("select", ColumnType::Number),
                   column("a\"b", ColumnType::Text)};
  const Stored<Done> done = storage_.prepare_tables(program_with(table));
  ASSERT_TRUE(done) << done.error().message;
  must(storage_, [&](Transaction& tx) {
    ValueMap values;
    values.set("Имя :клиента", "Ольга");
    values.set("select", number("0.5"));
    values.set("a\"b", "c");
    const ValueMap row = unwrap(tx.insert_row(table, values, {"7", 3}, Moment{1}));
    EXPECT_EQ(*row.find("Имя :клиента"), Value("Ольга"));
    EXPECT_EQ(
        unwrap(tx.count_rows(table, {Condition{"select", "<", 1}, Condition{"a\"b", "==", "c"}})),
        1);
  });
}

TEST_P(ScenarioTablesTest, ANewColumnIsAddedAndOldRowsTakeItsDefault) {
  prepare();
  must(storage_, [&](Transaction& tx) { insert_price(tx, "5"); });
  orders_.columns.push_back(column("status", ColumnType::Text));
  orders_.columns.back().default_value = Value("new");
  orders_.columns.push_back(column("note", ColumnType::Text));
  prepare();
  prepare();
  must(storage_, [&](Transaction& tx) {
    FindRows all;
    EXPECT_EQ(found(tx, "price", all), (std::vector<Value>{5}));
    EXPECT_EQ(found(tx, "status", all), (std::vector<Value>{"new"}));
    EXPECT_EQ(found(tx, "note", all), (std::vector<Value>{Value()}));
  });
}

TEST_P(ScenarioTablesTest, AColumnThatIsGoneKeepsItsDataAndMayReturn) {
  prepare();
  must(storage_, [&](Transaction& tx) { insert_price(tx, "5"); });
  const Table before = orders_;
  orders_.columns.erase(orders_.columns.begin() + 1);
  prepare();
  must(storage_, [&](Transaction& tx) {
    insert(tx, {});
    EXPECT_FALSE(unwrap(tx.find_rows(orders_, {}))[0].map()->find("price"));
  });
  EXPECT_EQ(ask("SELECT price FROM orders WHERE id = 1"), "5");
  orders_ = before;
  prepare();
  must(storage_, [&](Transaction& tx) {
    EXPECT_EQ(found(tx, "price", FindRows()), (std::vector<Value>{5, Value()}));
  });
}

TEST_P(ScenarioTablesTest, AChangeOfTypeThatWouldLoseDataIsRefused) {
  prepare();
  must(storage_, [&](Transaction& tx) { insert_price(tx, "5"); });
  orders_.columns[1].type = ColumnType::Date;
  const StorageError error = refusal(program_with(orders_));
  EXPECT_EQ(error.kind, StorageError::Kind::Refused);
  EXPECT_EQ(error.message,
            "table `orders`: column `price` was number and is date now, and 1 rows have a value: "
            "give the "
            "new column another name");
  orders_.columns[1].type = ColumnType::Number;
  prepare();
  must(storage_, [&](Transaction& tx) {
    EXPECT_EQ(found(tx, "price", FindRows()), (std::vector<Value>{5}));
  });
}

TEST_P(ScenarioTablesTest, AnEmptyColumnMayChangeItsType) {
  prepare();
  must(storage_, [&](Transaction& tx) { insert(tx, {}); });
  orders_.columns[1].type = ColumnType::Date;
  prepare();
  must(storage_, [&](Transaction& tx) {
    ValueMap values;
    values.set("price", *Date::parse_iso("2026-03-15"));
    insert(tx, values);
    EXPECT_EQ(found(tx, "price", FindRows()),
              (std::vector<Value>{Value(), Value(*Date::parse_iso("2026-03-15"))}));
  });
}

TEST_P(ScenarioTablesTest, OurOwnTablesAreNotForScenarios) {
  for (const char* name :
       {"dialogs", "Outbox", "USERS", "schema_version", "sqlite_x", "counters"}) {
    orders_.name = name;
    EXPECT_EQ(refusal(program_with(orders_)).kind, StorageError::Kind::Refused) << name;
  }
  EXPECT_TRUE(is_reserved_table_name("Tickets"));
  EXPECT_FALSE(is_reserved_table_name("orders"));
  EXPECT_FALSE(is_reserved_table_name("dialog"));
}

TEST_P(ScenarioTablesTest, EveryTableOfOursIsReserved) {
  const bool sqlite = GetParam() == DatabaseUnderTest::Sqlite;
  std::istringstream names(ask(sqlite ? "SELECT group_concat(name, ' ') FROM sqlite_master WHERE type = 'table'"
                                      : "SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind = 'r' AND "
                                        "relnamespace = 'public'::regnamespace"));
  int count = 0;
  for (std::string name; names >> name; ++count) EXPECT_TRUE(is_reserved_table_name(name)) << name;
  EXPECT_GT(count, 10);
}

TEST_P(ScenarioTablesTest, AnotherBotsTableOfTheSameNameMustBeTheSame) {
  prepare();
  ASSERT_TRUE(storage_.prepare_tables(program_with(orders_, "school")));
  orders_.columns.push_back(column("grade", ColumnType::Text));
  const StorageError error = refusal(program_with(orders_, "school"));
  EXPECT_EQ(error.kind, StorageError::Kind::Refused);
  EXPECT_NE(error.message.find("scenario `shop`"), std::string::npos) << error.message;
}

TEST_P(ScenarioTablesTest, NamesThatSqlCannotTellApartAreRefused) {
  prepare();
  Table capital = orders_;
  capital.name = "ORDERS";
  EXPECT_EQ(refusal(program_with(capital)).kind, StorageError::Kind::Refused);
  orders_.columns.push_back(column("NAME", ColumnType::Text));
  EXPECT_EQ(refusal(program_with(orders_)).kind, StorageError::Kind::Refused);
  orders_.columns.back() = column("User_Id", ColumnType::Text);
  EXPECT_EQ(refusal(program_with(orders_)).kind, StorageError::Kind::Refused);
}

TEST_P(ScenarioTablesTest, ARefusalChangesNothing) {
  Program program = program_with(orders_);
  Table bad = orders_;
  bad.name = "dialogs";
  program.tables.push_back(bad);
  EXPECT_EQ(refusal(program).kind, StorageError::Kind::Refused);
  EXPECT_EQ(ask(GetParam() == DatabaseUnderTest::Sqlite
                    ? "SELECT count(*) FROM sqlite_master WHERE name = 'orders'"
                    : "SELECT count(*) FROM pg_class WHERE relname = 'orders'"),
            "0");
}

TEST_P(ScenarioTablesTest, ATableReadFromAFileHasTheFilesIds) {
  Table estates;
  estates.name = "estates";
  estates.key = "id";
  estates.columns = {column("id", ColumnType::Integer), column("area", ColumnType::Number)};
  ASSERT_TRUE(storage_.prepare_tables(program_with(estates)));
  must(storage_, [&](Transaction& tx) {
    ValueMap values;
    values.set("id", 77);
    values.set("area", number("45.5"));
    const ValueMap row = unwrap(tx.insert_row(estates, values, {"", 0}, Moment{1}));
    EXPECT_EQ(*row.find("id"), Value(77));
    EXPECT_EQ(unwrap(tx.count_rows(estates, {Condition{"id", "==", 77}})), 1);
  });
}

}  // namespace
}  // namespace sufler

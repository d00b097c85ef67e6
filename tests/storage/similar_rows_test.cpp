// `find … similar` gives what a look at each row would give: the same rows, in the same order, at the same distances.
#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <sstream>

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include "interpreter/core/tables/similarity.h"
#include "storage_fixture.h"

namespace sufler {
namespace {

class SimilarRowsTest : public OnEveryDatabase {
 protected:
  SimilarRowsTest() {
    table_.name = "estates";
    for (const auto& [name, type] : std::initializer_list<std::pair<const char*, ColumnType>>{{"area", ColumnType::Number},
                                                                                             {"floor", ColumnType::Integer},
                                                                                             {"built", ColumnType::Date},
                                                                                             {"opens", ColumnType::Time},
                                                                                             {"seen", ColumnType::DateTime},
                                                                                             {"district", ColumnType::Text},
                                                                                             {"balcony", ColumnType::Boolean},
                                                                                             {"price", ColumnType::Number}}) {
      Column column;
      column.name = name;
      column.type = type;
      if (column.name == "district") column.options = {"Центр", "Север", "Юг"};
      table_.columns.push_back(column);
    }
  }

  Value any_value(ColumnType type) {
    switch (type) {
      case ColumnType::Number: return Value(*Decimal::make(pick(0, 20'000), pick(0, 2)));
      case ColumnType::Integer: return Value(pick(1, 25));
      case ColumnType::Date: return Value(Date{pick(10'000, 21'000)});
      case ColumnType::Time: return Value(TimeOfDay{pick(0, 1440) * 60 % 86400});
      case ColumnType::DateTime: return Value(Moment{std::int64_t{pick(0, 1'000'000)} * 1'000'000});
      case ColumnType::Boolean: return Value(pick(0, 1) == 1);
      default: return Value(std::vector<const char*>{"Центр", "Север", "Юг"}[static_cast<std::size_t>(pick(0, 2))]);
    }
  }
  int pick(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }

  /// With the indexes that a scenario with these columns in its `similar` would have.
  void prepare(const std::vector<std::string>& index, const std::string& within = {}) {
    Program program;
    program.id = "shop";
    program.tables.push_back(table_);
    auto similarity = std::make_shared<Similarity>();
    similarity->index = index;
    if (!within.empty()) similarity->near.emplace_back().column = within, similarity->near.back().within = Within{0.1, true};
    Find find;
    find.table = TableId{0};
    find.similar = similarity;
    Step step;
    step.verb = std::move(find);
    program.steps.push_back(std::move(step));
    const Stored<Done> done = storage_.prepare_tables(program);
    ASSERT_TRUE(done) << done.error().message;
  }
  void fill(int rows) {
    must(storage_, [&](Transaction& tx) {
      for (int i = 0; i < rows; ++i) {
        ValueMap values;
        for (const Column& column : table_.columns)
          if (pick(0, 19) != 0) values.set(column.name, any_value(column.type));
        rows_.push_back(unwrap(tx.insert_row(table_, values, {"7", 3}, Moment{1234})));
      }
    });
  }

  static double measure(const Value& value) {
    if (value.number()) return value.number()->to_double();
    if (value.date()) return value.date()->days_since_epoch;
    if (value.time()) return value.time()->seconds;
    return static_cast<double>(value.moment()->unix_ms);
  }

  /// `id distance` of the nearest, by looking at each row.
  std::vector<std::string> by_hand(const std::vector<Nearness>& near, const std::vector<Condition>& conditions, bool by_price, std::size_t limit) {
    struct Scored {
      std::int64_t units, id;
      std::optional<Decimal> price;
    };
    std::vector<Scored> scored;
    double weights = 0;
    for (const Nearness& one : near) weights += one.weight;
    std::map<std::string, double> spans;
    for (const Nearness& one : near) {
      if (one.to.text() || one.to.boolean()) continue;
      double least = INFINITY, most = -INFINITY;
      for (const ValueMap& row : rows_)
        if (const Value& value = *row.find(one.column); !value.is_null()) least = std::min(least, measure(value)), most = std::max(most, measure(value));
      spans[one.column] = most - least;
    }
    for (const ValueMap& row : rows_) {
      double sum = 0;
      bool in = true;
      for (const Nearness& one : near) {
        const Value& value = *row.find(one.column);
        if (!one.to.text() && !one.to.boolean()) {
          double span = 0;
          const double wanted = measure(one.to);
          if (one.within) {
            span = one.within->of_wanted ? std::fabs(wanted) * one.within->amount : one.within->amount;
            in = in && !value.is_null() && std::fabs(measure(value) - wanted) <= span;
          } else {
            span = spans.at(one.column);
          }
          sum += one.weight * (value.is_null() ? 1.0 : std::min(1.0, std::fabs(measure(value) - wanted) / span));
        } else {
          sum += one.weight * (value == one.to ? 0.0 : 1.0);
        }
      }
      for (const Condition& one : conditions) {
        const Value& value = *row.find(one.column);
        const auto order = compare(value, one.value);
        in = in && (one.op == "==" ? value == one.value : order == std::partial_ordering::less);
      }
      if (!in) continue;
      const Value& price = *row.find("price");
      scored.push_back({static_cast<std::int64_t>(std::floor(sum / weights * 1e9 + 0.5)), row.find("id")->number()->to_int64().value(),
                        price.number() ? std::optional(*price.number()) : std::nullopt});
    }
    std::sort(scored.begin(), scored.end(), [&](const Scored& a, const Scored& b) {
      if (a.units != b.units) return a.units < b.units;
      if (by_price && a.price != b.price) return a.price && b.price ? *a.price > *b.price : a.price.has_value();
      return a.id < b.id;
    });
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < std::min(limit, scored.size()); ++i)
      lines.push_back(std::to_string(scored[i].id) + " " + Decimal::make(scored[i].units, 9).value().to_string());
    return lines;
  }
  std::vector<std::string> found(const std::vector<Nearness>& near, const std::vector<Condition>& conditions, bool by_price, std::size_t limit) {
    std::vector<std::string> lines;
    must(storage_, [&](Transaction& tx) {
      FindRows find;
      for (const Nearness& one : near) find.conditions.push_back(condition_of(one));
      find.conditions.insert(find.conditions.end(), conditions.begin(), conditions.end());
      if (by_price) find.sort = {{"price", true}};
      if (limit != SIZE_MAX) find.limit = static_cast<std::int64_t>(limit);
      for (const Value& row : unwrap(tx.find_rows(table_, find)))
        lines.push_back(row.map()->find("id")->number()->to_string() + " " + row.map()->find("distance")->number()->to_string());
    });
    return lines;
  }

  std::mt19937 random_{4711};
  Table table_;
  std::vector<ValueMap> rows_;
};
SUFLER_ON_EVERY_DATABASE(SimilarRowsTest);

TEST_P(SimilarRowsTest, GivesWhatALookAtEachRowGives) {
  prepare({"district", "area", "floor"});
  fill(800);
  for (int round = 0; round < 150; ++round) {
    std::vector<Nearness> near;
    std::ostringstream asked;
    for (const Column& column : table_.columns) {
      if (column.name == "price" || pick(0, 2) != 0) continue;
      Nearness one{column.name, any_value(column.type), std::vector<double>{1, 1, 2, 0.5}[static_cast<std::size_t>(pick(0, 3))], {}};
      if (column.type == ColumnType::Number && pick(0, 3) == 0) one.within = Within{0.25, true};
      if (column.type == ColumnType::Date && pick(0, 3) == 0) one.within = Within{2000, false};
      asked << one.column << " ~ " << to_json(one.to) << " × " << one.weight << (one.within ? " within" : "") << "; ";
      near.push_back(std::move(one));
    }
    if (near.empty()) continue;
    std::vector<Condition> conditions;
    if (pick(0, 3) == 0) conditions.push_back({"balcony", "==", true});
    if (pick(0, 3) == 0) conditions.push_back({"price", "<", any_value(ColumnType::Number)});
    const bool by_price = pick(0, 1) == 1;
    const std::size_t limit = std::vector<std::size_t>{1, 3, 10, 100, SIZE_MAX}[static_cast<std::size_t>(pick(0, 4))];
    EXPECT_EQ(found(near, conditions, by_price, limit), by_hand(near, conditions, by_price, limit)) << asked.str() << conditions.size() << " " << limit;
  }
}

TEST_P(SimilarRowsTest, NumbersOfManyDigitsAreAsNearAsTheyAre) {
  prepare({"area", "floor"});
  must(storage_, [&](Transaction& tx) {
    for (const char* digits : {"55.1", "55.123456789012345678", "55.2", "12345678901234567890.5"}) {
      ValueMap values;
      values.set("area", *Decimal::parse(digits));
      rows_.push_back(unwrap(tx.insert_row(table_, values, {"7", 3}, Moment{1})));
    }
  });
  const std::vector<Nearness> near = {{"area", Value(*Decimal::parse("55.12")), 1, Within{1, false}}};
  const std::vector<std::string> nearest = found(near, {}, false, 2);
  ASSERT_EQ(nearest.size(), 2u);
  EXPECT_TRUE(nearest[0].starts_with("2 ")) << nearest[0];
  EXPECT_TRUE(nearest[1].starts_with("1 ")) << nearest[1];
}

TEST_P(SimilarRowsTest, TextsAreTheSameAsLikeHasThem) {
  Column street;
  street.name = "street";
  street.type = ColumnType::Text;
  table_.columns.push_back(street);
  prepare({"street", "area"});
  must(storage_, [&](Transaction& tx) {
    for (const char* name : {"Тверская", "динамо", "Семёновская", "Динамо", "ДИНАМО.", "Китай-город", "Динамовская"}) {
      ValueMap values;
      values.set("street", Value(name));
      values.set("area", Value(50));
      rows_.push_back(unwrap(tx.insert_row(table_, values, {"7", 3}, Moment{1234})));
    }
  });
  const auto nearest = [&](const char* wanted) {
    Nearness near;
    near.column = "street";
    near.to = Value(wanted);
    FindRows find;
    find.conditions.push_back(condition_of(near));
    find.limit = 7;
    std::vector<std::string> same;
    must(storage_, [&](Transaction& tx) {
      for (const Value& row : unwrap(tx.find_rows(table_, find)))
        if (*row.map()->find(kSimilarityName)->number() == Decimal(100)) same.push_back(*row.map()->find("street")->text());
    });
    return same;
  };
  EXPECT_EQ(nearest("Динамо"), (std::vector<std::string>{"динамо", "Динамо", "ДИНАМО."}));
  EXPECT_EQ(nearest("динамо"), (std::vector<std::string>{"динамо", "Динамо", "ДИНАМО."}));
  EXPECT_EQ(nearest("семеновская"), std::vector<std::string>{"Семёновская"});
  EXPECT_EQ(nearest("китай город"), std::vector<std::string>{"Китай-город"});
  EXPECT_EQ(nearest("Динам"), std::vector<std::string>());
}

TEST_P(SimilarRowsTest, ATableWithoutRowsOrWithoutASpanHasAnAnswer) {
  prepare({"area"});
  const std::vector<Nearness> near = {{"area", Value(5), 1, {}}};
  EXPECT_TRUE(found(near, {}, false, 3).empty());
  must(storage_, [&](Transaction& tx) {
    for (const int area : {7, 7}) {
      ValueMap values;
      values.set("area", area);
      unwrap(tx.insert_row(table_, values, {"7", 3}, Moment{1}));
    }
  });
  EXPECT_EQ(found(near, {}, false, 3), (std::vector<std::string>{"1 1", "2 1"}));
  EXPECT_EQ(found({{"area", Value(7), 1, {}}}, {}, false, 1), (std::vector<std::string>{"1 0"}));
  EXPECT_TRUE(found(near, {}, false, 0).empty());
}

TEST_P(SimilarRowsTest, AShareOfNothingIsNothing) {
  prepare({"area", "floor"});
  must(storage_, [&](Transaction& tx) {
    for (const int floor : {0, 1, 0, 7}) {
      ValueMap values;
      values.set("floor", floor);
      unwrap(tx.insert_row(table_, values, {"7", 3}, Moment{1}));
    }
  });
  EXPECT_EQ(found({{"floor", Value(0), 1, Within{0.2, true}}}, {}, false, 5), (std::vector<std::string>{"1 0", "3 0"}));
  EXPECT_EQ(found({{"floor", Value(7), 1, Within{0, false}}}, {}, false, 5), (std::vector<std::string>{"4 0"}));
}

TEST_P(SimilarRowsTest, AnIndexBeginsWithWhatLeavesTheFewestRows) {
  Program program;
  program.id = "shop";
  program.tables.push_back(table_);
  ASSERT_TRUE(storage_.prepare_tables(program));
  must(storage_, [&](Transaction& tx) {
    for (int i = 0; i < 100; ++i) {
      ValueMap values;
      values.set("area", Value(i == 0 ? 5'000 : 40 + i % 10));  // one castle among flats
      values.set("floor", Value(1 + i % 25));
      values.set("built", Value(Date{10'000 + 100 * i}));
      values.set("price", Value(1'000'000 + 100'000 * (i % 50)));
      values.set("seen", Value(Moment{std::int64_t{86'400'000} * (i < 50 ? i % 10 : 1'000 - i % 10)}));  // at two ends
      values.set("district", "Центр");
      unwrap(tx.insert_row(table_, values, {"7", 3}, Moment{1}));
    }
  });
  prepare({"district", "floor", "area", "built", "price", "seen"}, "price");
  soci::session sql = GetParam() == DatabaseUnderTest::Sqlite ? soci::session(*soci::factory_sqlite3(), database_.url().substr(7))
                                                              : soci::session(*soci::factory_postgresql(), database_.url() + "?application_name=test");
  std::string made;
  sql << (GetParam() == DatabaseUnderTest::Sqlite ? "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%district%area%'"
                                                  : "SELECT indexdef FROM pg_indexes WHERE tablename = 'estates' AND indexdef LIKE '%district%area%'"),
      soci::into(made);
  std::erase_if(made, [](char c) { return c == '"'; });
  EXPECT_NE(made.find("(district, floor, price, seen, built, area)"), std::string::npos) << made;
}

TEST_P(SimilarRowsTest, AnIndexedColumnThatHasNoValuesMayStillBecomeOfAnotherType) {
  prepare({"area", "floor"});
  table_.columns[0].type = ColumnType::Text;
  prepare({"floor"});
  must(storage_, [&](Transaction& tx) {
    ValueMap values;
    values.set("area", "large");
    EXPECT_EQ(*unwrap(tx.insert_row(table_, values, {"7", 3}, Moment{1})).find("area"), Value("large"));
  });
}

}  // namespace
}  // namespace sufler

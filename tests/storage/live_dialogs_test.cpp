#include "storage/live_dialogs.h"

#include <gmock/gmock.h>

#include "storage_fixture.h"

namespace sufler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LiveDialogsTest : public OnEveryDatabase {
 protected:
  LiveDialogs open() {
    auto opened = LiveDialogs::open(database_.url());
    if (!opened) {
      ADD_FAILURE() << opened.error().message;
      std::abort();
    }
    return std::move(*opened);
  }
  void rest(Transaction& tx, const std::string& user, const std::string& place, Moment at, const std::string& bot = "shop") {
    DialogKey key = key_of(user);
    key.bot = bot;
    DialogRow row;
    row.state = "{\"v\":\"1\",\"vars\":{\"name\":\"" + user + "\"}}";
    row.user = "{}";
    row.place = place;
    unwrap(tx.save_dialog(key, row, true, at));
    unwrap(tx.set_timer(row.id, SetTimer{"timeout", Moment{99'000}, 1}));
  }
};
SUFLER_ON_EVERY_DATABASE(LiveDialogsTest);

TEST_P(LiveDialogsTest, PlacesAreCountedWhileAnotherConnectionServes) {
  must(storage_, [&](Transaction& tx) {
    rest(tx, "1", "order/phone", Moment{5000});
    rest(tx, "2", "order/phone", Moment{3000});
    rest(tx, "3", "order/size", Moment{4000});
    rest(tx, "4", "none", Moment{1000});
    rest(tx, "5", "order/phone", Moment{1000}, "school");
  });
  LiveDialogs dialogs = open();
  const auto places = unwrap(dialogs.places("shop"));
  ASSERT_EQ(places.size(), 3u);
  EXPECT_EQ(places[0].place, "none");
  EXPECT_EQ(places[1].place, "order/phone");
  EXPECT_EQ(places[1].dialogs, 2);
  EXPECT_EQ(places[1].oldest, Moment{3000});
  EXPECT_EQ(places[1].timers, 2);
  EXPECT_EQ(places[2].dialogs, 1);
  EXPECT_THAT(unwrap(dialogs.bots()), ElementsAre("school", "shop"));
  // The serving one goes on writing.
  must(storage_, [&](Transaction& tx) { rest(tx, "6", "order/size", Moment{6000}); });
  EXPECT_EQ(unwrap(dialogs.places("shop"))[2].dialogs, 2);
}

TEST_P(LiveDialogsTest, TurnsOfABotAreReadInTheirOrderHoweverManyThereAre) {
  constexpr int kTurns = 4'100;  // more than are read at a time, and not a multiple of that
  must(storage_, [&](Transaction& tx) {
    rest(tx, "1", "order/phone", Moment{5000});
    rest(tx, "2", "order/phone", Moment{5000}, "school");
    DialogRow alone;
    alone.state = alone.user = "{}";
    DialogKey schedule{"shop", {std::string(kScheduleTransport), "daily"}, "daily"};
    unwrap(tx.save_dialog(schedule, alone, true, Moment{5000}));
    const std::int64_t ours = unwrap(tx.load_dialog(key_of("1"))).id;
    DialogKey school = key_of("2");
    school.bot = "school";
    const std::int64_t theirs = unwrap(tx.load_dialog(school)).id;
    for (int i = 0; i < kTurns; ++i) {
      const std::string turn = "[" + std::to_string(i) + "]";
      unwrap(tx.append_journal({ours, Moment{1000 + i}, "", "{}", turn, "1"}));
      if (i % 100 != 0) continue;
      unwrap(tx.append_journal({theirs, Moment{1000 + i}, "", "{}", turn, "1"}));
      unwrap(tx.append_journal({alone.id, Moment{1000 + i}, "", "{}", turn, "1"}));
    }
  });
  LiveDialogs dialogs = open();
  std::vector<std::string> turns;
  unwrap(dialogs.each_passage("shop", Moment{1001}, [&](const LiveDialogs::Passage& one) { turns.push_back(one.turn); }));
  ASSERT_EQ(turns.size(), static_cast<std::size_t>(kTurns - 1)) << "the first was before that moment";
  for (int i = 1; i < kTurns; ++i) ASSERT_EQ(turns[static_cast<std::size_t>(i - 1)], "[" + std::to_string(i) + "]");
}

TEST_P(LiveDialogsTest, WhatWasTrackedIsCountedByTimesAndDialogs) {
  must(storage_, [&](Transaction& tx) {
    unwrap(tx.count_track("shop", 1, "sent", Moment{900}));
    unwrap(tx.count_track("shop", 1, "sent", Moment{1000}));
    unwrap(tx.count_track("shop", 1, "sent", Moment{2000}));
    unwrap(tx.count_track("shop", 2, "sent", Moment{2000}));
    unwrap(tx.count_track("shop", 2, "asked", Moment{2000}));
    unwrap(tx.count_track("school", 3, "sent", Moment{2000}));
  });
  LiveDialogs dialogs = open();
  const auto tracked = unwrap(dialogs.tracked("shop", Moment{1000}));
  ASSERT_EQ(tracked.size(), 2u);
  EXPECT_EQ(tracked[0].name, "asked");
  EXPECT_EQ(tracked[1].name, "sent");
  EXPECT_EQ(tracked[1].times, 3);
  EXPECT_EQ(tracked[1].dialogs, 2);
}

TEST_P(LiveDialogsTest, WhatIsScheduledIsCountedByNameAndBelongsToNoPlace) {
  must(storage_, [&](Transaction& tx) {
    for (const char* user : {"1", "2"}) {
      rest(tx, user, "order/phone", Moment{5000});
      const DialogRow row = unwrap(tx.load_dialog(key_of(user)));
      unwrap(tx.set_timer(row.id, SetTimer{"schedule:reminder", Moment{9'000}, 2}));
    }
    unwrap(tx.set_timer(unwrap(tx.load_dialog(key_of("1"))).id, SetTimer{"schedule:отзыв", Moment{9'000}, 3}));
    rest(tx, "5", "order/phone", Moment{1000}, "school");
  });
  LiveDialogs dialogs = open();
  EXPECT_EQ(unwrap(dialogs.places("shop")).at(0).timers, 2);
  const auto scheduled = unwrap(dialogs.scheduled("shop"));
  ASSERT_EQ(scheduled.size(), 2u);
  EXPECT_EQ(scheduled[0].name, "reminder");
  EXPECT_EQ(scheduled[0].dialogs, 2);
  EXPECT_EQ(scheduled[1].name, "отзыв");
  EXPECT_TRUE(unwrap(dialogs.scheduled("school")).empty());
}

TEST_P(LiveDialogsTest, StatesComeInTheOrderOfIdsAndOnlyOfThePlacesThatAreAskedFor) {
  must(storage_, [&](Transaction& tx) {
    for (int i = 1; i <= 4500; ++i) {
      rest(tx, std::to_string(i), i % 2 ? "order/phone" : "order/size", Moment{1000});
    }
    rest(tx, "x", "none", Moment{1000});
  });
  LiveDialogs dialogs = open();
  std::vector<std::string> seen;
  unwrap(dialogs.each_state("shop", {}, [&](const std::string&, const std::string& state) { seen.push_back(state); }));
  ASSERT_EQ(seen.size(), 4500u);
  EXPECT_THAT(seen.front(), HasSubstr("\"1\"}"));
  EXPECT_THAT(seen.back(), HasSubstr("\"4500\"}"));
  std::size_t sizes = 0;
  unwrap(dialogs.each_state("shop", {"order/size"}, [&](const std::string& place, const std::string&) {
    EXPECT_EQ(place, "order/size");
    ++sizes;
  }));
  EXPECT_EQ(sizes, 2250u);
}

TEST_P(LiveDialogsTest, RowsWithAValueInAColumnAreCounted) {
  Program program;
  program.id = "shop";
  Table orders;
  orders.name = "orders";
  orders.columns = {{"name", ColumnType::Text, {}, {}}, {"count", ColumnType::Number, {}, {}}};
  program.tables.push_back(orders);
  ASSERT_TRUE(storage_.prepare_tables(program));
  must(storage_, [&](Transaction& tx) {
    ValueMap one, two;
    one.set("name", "Анна");
    two.set("name", "Олег");
    two.set("count", 5);
    unwrap(tx.insert_row(orders, one, {"7", 1}, Moment{1}));
    unwrap(tx.insert_row(orders, two, {"7", 1}, Moment{1}));
  });
  LiveDialogs dialogs = open();
  EXPECT_EQ(unwrap(dialogs.filled("orders", "name")), 2);
  EXPECT_EQ(unwrap(dialogs.filled("orders", "count")), 1);
  EXPECT_EQ(unwrap(dialogs.filled("orders", "colour")), 0);
  EXPECT_EQ(unwrap(dialogs.filled("visits", "name")), 0);
}

TEST(LiveDialogsFileTest, ADatabaseThatIsNotThereIsAnErrorAndIsNotMade) {
  Folder folder;
  const auto opened = LiveDialogs::open("sqlite:" + folder.file());
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("there is no database"));
  EXPECT_FALSE(std::filesystem::exists(folder.file()));
}

}  // namespace
}  // namespace sufler

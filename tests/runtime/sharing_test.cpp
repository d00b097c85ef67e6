// What several processes on one database do together.
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>

#include "databases/test_database.h"
#include "interpreter/runtime/engine.h"
#include "interpreter/runtime/shared_work.h"
#include "runtime/sharing.h"
#include "schema/loader.h"

namespace sufler {
namespace {

using sharing::kPatience;
using sharing::Member;
using sharing::Platform;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kScenario = R"(
scenario: counting
language: en
start: welcome
branches:
  welcome:
    - set: {said: 1}
    - say: "1"
    - go: count
  count:
    - ask: word
    - if: word == 'shared'
      then:
        - set: {shared.total: shared.total + 1 if shared.total else 1}
    - if: word == 'seat'
      then:
        - count: seats
          into: taken
        - if: taken < 5
          then:
            - save: seats
              into: seat
    - set: {said: said + 1}
    - say: "{{ said }}"
    - go: count
questions:
  word: {text: "?"}
tables:
  seats: {word: text}
)";

class SharingTest : public ::testing::Test {
 protected:
  SharingTest() {
    Loaded loaded = load_scenario_text({{"scenario.yaml", kScenario}});
    EXPECT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
    program_ = loaded.program;
  }
  std::unique_ptr<Member> join(std::string poison = "\n") {
    return std::make_unique<Member>(database_.url(), program_, platform_, std::move(poison));
  }
  static Incoming says(const std::string& chat, int number, const std::string& text) {
    Incoming update;
    update.id = chat + ":" + std::to_string(number);
    update.chat = {"telegram", chat};
    update.person.id = chat;
    UserMessage message;
    message.text = text;
    update.event = Event{Moment{1'700'000'000'000 + number}, 0, message};
    return update;
  }
  template <class Enough>
  static bool until(Enough enough) {
    for (const auto end = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < end;) {
      if (enough()) return true;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return enough();
  }
  static bool all_have(const std::map<std::string, std::vector<std::string>>& seen, std::size_t chats,
                       std::size_t messages) {
    return seen.size() == chats && std::all_of(seen.begin(), seen.end(), [&](const auto& chat) {
             return chat.second.size() >= messages;
           });
  }
  /// "1", "?", "2", "?", "3"…: each event played once, in order, and each answer sent once, in order.
  void expect_counted(int events) {
    for (const auto& [chat, texts] : platform_.seen()) {
      std::vector<std::string> expected;
      for (int i = 1; i <= events; ++i) {
        expected.push_back(std::to_string(i));
        expected.push_back("?");
      }
      EXPECT_EQ(texts, expected) << "chat " << chat;
    }
  }

  TestDatabase database_{DatabaseUnderTest::Postgres};
  std::shared_ptr<const Program> program_;
  Platform platform_;
};

TEST_F(SharingTest, EachEventIsPlayedOnceAndInOrderWhicheverProcessGotIt) {
  constexpr int kChats = 30;
  constexpr int kEvents = 12;
  const auto one = join();
  const auto two = join();
  for (int number = 0; number < kEvents; ++number) {
    for (int chat = 0; chat < kChats; ++chat) {
      Member& member = (chat + number) % 2 == 0 ? *one : *two;
      const std::vector<Incoming> update = {says(std::to_string(chat), number, number == 0 ? "/start" : "word")};
      member.insist(update);
      if (chat % 5 == 0) (chat % 2 == 0 ? *two : *one).insist(update);  // the platform repeats itself
    }
  }
  ASSERT_TRUE(platform_.wait([&](const auto& seen) { return all_have(seen, kChats, 2 * kEvents); }));
  expect_counted(kEvents);
  EXPECT_NE(one->leads(), two->leads());
  EXPECT_EQ((one->leads() ? *two : *one).carried(), 0);
}

TEST_F(SharingTest, WhatSeveralProcessesLetThroughOfAFloodIsLimitedOnceMore) {
  constexpr int kLetThrough = 90;
  {
    // As three processes store it, each within its own limit, while nobody has time to play.
    auto storage = Storage::open(database_.url(), Durability::Normal);
    ASSERT_TRUE(storage && storage->prepare_tables(*program_));
    BotSetup setup;
    setup.name = "bot";
    setup.program = program_;
    const Player player(*storage, std::move(setup));
    std::vector<InboxRow> rows;
    for (int i = 1; i <= kLetThrough; ++i) rows.push_back(player.inbox_row(says("flooder", i, "word")));
    for (int i = 1; i <= 20; ++i) rows.push_back(player.inbox_row(says("other", i, "word")));
    ASSERT_TRUE(storage->transact([&](Transaction& tx) { return tx.put_inbox(rows, true, Moment{1}); }));
  }
  const Member member(database_.url(), program_, platform_, "\n", {30, Duration{10'000}});
  ASSERT_TRUE(platform_.wait([](const auto& seen) {
    const auto flooder = seen.find("flooder"), other = seen.find("other");
    return flooder != seen.end() && flooder->second.size() >= 61 && other != seen.end() && other->second.size() >= 40;
  }));
  auto texts = platform_.seen();
  EXPECT_EQ(texts["flooder"].size(), 61u);
  EXPECT_EQ(texts["flooder"][58], "30");
  EXPECT_NE(texts["flooder"][60].find("Too many messages"), std::string::npos) << texts["flooder"][60];
  EXPECT_EQ(texts["other"][38], "20");
  EXPECT_EQ(member.figures().passed_over, static_cast<std::uint64_t>(kLetThrough) - 31);
}

TEST_F(SharingTest, NobodyFillsATransactionThatOthersWaitFor) {
  auto storage = Storage::open(database_.url(), Durability::Normal);
  ASSERT_TRUE(storage && storage->prepare_tables(*program_));
  BotSetup setup;
  setup.name = "bot";
  setup.program = program_;
  const Player player(*storage, std::move(setup));
  std::vector<InboxRow> rows;
  for (int i = 1; i <= 2'000; ++i) rows.push_back(player.inbox_row(says("flooder", i, "word")));
  for (int person = 0; person < 30; ++person)
    rows.push_back(player.inbox_row(says("p" + std::to_string(person), 1, "word")));
  ASSERT_TRUE(storage->transact([&](Transaction& tx) { return tx.put_inbox(rows, true, Moment{1}); }));
  ASSERT_TRUE(storage->transact([&](Transaction& tx) -> Stored<Done> {
    auto claimed = tx.claim_inbox({"bot"}, SharedWork::kPeople, SharedWork::kEventsOfOne, SharedWork::kEvents);
    if (!claimed) return Error{claimed.error()};
    EXPECT_EQ(claimed->size(), SharedWork::kEventsOfOne + 30);
    EXPECT_TRUE(std::is_sorted(claimed->begin(), claimed->end(), [](const auto& a, const auto& b) { return a.id < b.id; }));
    return Done{};
  }));
}

TEST_F(SharingTest, AnotherTakesOverWhatTheLeaderLeaves) {
  auto first = join();
  ASSERT_TRUE(first->wait_for_lead());
  const auto second = join();
  first->insist({says("7", 0, "/start")});
  ASSERT_TRUE(platform_.wait([](const auto& seen) { return all_have(seen, 1, 2); }));
  first.reset();
  ASSERT_TRUE(second->wait_for_lead());
  second->insist({says("7", 1, "word")});
  ASSERT_TRUE(platform_.wait([](const auto& seen) { return all_have(seen, 1, 4); }));
  expect_counted(2);
}

TEST_F(SharingTest, SharedValuesLoseNoChange) {
  const auto one = join();
  const auto two = join();
  constexpr int kChats = 20;
  for (int chat = 0; chat < kChats; ++chat) one->insist({says(std::to_string(chat), 0, "/start")});
  for (int number = 1; number <= 5; ++number)
    for (int chat = 0; chat < kChats; ++chat)
      (chat % 2 == 0 ? *one : *two).insist({says(std::to_string(chat), number, "shared")});
  ASSERT_TRUE(platform_.wait([&](const auto& seen) { return all_have(seen, kChats, 12); }));
  EXPECT_EQ(database_.ask("SELECT value FROM shared_values WHERE name = 'total'"), R"({"$number":"100"})");
}

TEST_F(SharingTest, ATableThatIsCountedBeforeItIsWrittenIsNotOverbooked) {
  const auto one = join();
  const auto two = join();
  constexpr int kChats = 24;
  for (int chat = 0; chat < kChats; ++chat) one->insist({says(std::to_string(chat), 0, "/start")});
  ASSERT_TRUE(platform_.wait([&](const auto& seen) { return all_have(seen, kChats, 2); }));
  for (int chat = 0; chat < kChats; ++chat)
    (chat % 2 == 0 ? *one : *two).take({says(std::to_string(chat), 1, "seat")});
  ASSERT_TRUE(platform_.wait([&](const auto& seen) { return all_have(seen, kChats, 4); }));
  EXPECT_EQ(database_.ask("SELECT count(*) FROM seats"), "5");
}

TEST_F(SharingTest, AnEventThatFailsIsBuriedAndHoldsUpNobody) {
  const auto one = join("3");
  const auto two = join("3");
  for (int chat = 0; chat < 8; ++chat) {
    std::vector<Incoming> updates;
    for (int number = 0; number < 4; ++number)
      updates.push_back(says(std::to_string(chat), number, number == 0 ? "/start" : "word"));
    // Its third answer is the one that cannot be rendered.
    if (chat != 5) updates.resize(2);
    (chat % 2 == 0 ? *one : *two).insist(updates);
  }
  ASSERT_TRUE(platform_.wait([&](const auto& seen) { return all_have(seen, 8, 4); }));
  for (const auto until = std::chrono::steady_clock::now() + kPatience;
       database_.ask("SELECT count(*) FROM inbox") != "0" && std::chrono::steady_clock::now() < until;) {
    std::this_thread::yield();
  }
  EXPECT_EQ(database_.ask("SELECT count(*) FROM inbox"), "0");
  // The third word, and the fourth, which is the third to count.
  EXPECT_EQ(database_.ask("SELECT count(*) FROM dead_letters WHERE kind = 'event'"), "2");
  EXPECT_EQ(database_.ask("SELECT count(DISTINCT subject) FROM dead_letters"), "2");
}

TEST_F(SharingTest, WhomOneProcessErasesTheLeaderSendsNothingMore) {
  const auto one = join();
  const auto two = join();
  const auto has_lead = [&] { return one->leads() || two->leads(); };
  ASSERT_TRUE(until(has_lead));
  Member& leader = one->leads() ? *one : *two;
  Member& other = one->leads() ? *two : *one;
  leader.refuse(true);
  other.insist({says("7", 0, "/start")});
  ASSERT_TRUE(until([&] { return leader.carried() > 0; }));
  const std::string answer = other.operator_asks(R"({"op":"erase","user":"telegram:7","really":true})");
  EXPECT_NE(answer.find(R"("messages to be sent":2)"), std::string::npos) << answer;
  EXPECT_EQ(database_.ask("SELECT count(*) FROM outbox WHERE body <> '' OR chat <> ''"), "0");
  EXPECT_TRUE(until([&] { return leader.engine().sending() == 0; }));
  EXPECT_TRUE(until([&] { return database_.ask("SELECT count(*) FROM outbox") == "0"; }));
  leader.refuse(false);
  other.insist({says("8", 0, "/start")});
  ASSERT_TRUE(platform_.wait([](const auto& seen) { return all_have(seen, 1, 2); }));
  EXPECT_FALSE(platform_.seen().contains("7"));
  EXPECT_EQ(database_.ask("SELECT count(*) FROM dead_letters"), "0");
}

/// Time that passes when the test says so.
class SteppedClock : public Clock {
 public:
  Moment now() const override { return Moment{1'700'000'000'000 + passed.count()}; }
  milliseconds monotonic() const override { return passed; }
  milliseconds passed{1};
};

TEST_F(SharingTest, ADatabaseThatOnlySaysItIsBusyIsATroubleInTheEnd) {
  Storage::Options options;
  options.busy_timeout = milliseconds(50);
  auto storage = Storage::open(database_.url(), options);
  ASSERT_TRUE(storage);
  ASSERT_TRUE(storage->prepare_tables(*program_));
  sharing::PlainRenderer renderer;
  sharing::PlatformCourier courier(platform_);
  SteppedClock clock;
  BotSetup setup;
  setup.name = "bot";
  setup.program = program_;
  setup.renderers["telegram"] = &renderer;
  Engine engine(std::move(*storage), {setup}, courier, clock);
  ASSERT_TRUE(engine.start({}, Engine::Drive::Caller));
  const auto pass = [&](milliseconds time) {
    clock.passed += time;
    engine.round();
  };
  // An administrator's lock: events are stored, and none can be played.
  const std::unique_ptr<PGconn, decltype(&PQfinish)> other(PQconnectdb(database_.url().c_str()), &PQfinish);
  PQclear(PQexec(other.get(), "BEGIN"));
  PQclear(PQexec(other.get(), "LOCK TABLE dialogs IN ACCESS EXCLUSIVE MODE"));
  engine.take("bot", "telegram", {says("7", 0, "/start")}, {}, true, [](bool) {});
  pass(milliseconds(1'000));
  pass(milliseconds(1'000));
  EXPECT_TRUE(engine.storage_well()) << "others may have their turn";
  pass(milliseconds(5'000));
  EXPECT_FALSE(engine.storage_well());
  engine.take("bot", "telegram", {says("7", 1, "word")}, {}, true, [](bool) {});
  pass(milliseconds(10));
  EXPECT_FALSE(engine.storage_well()) << "storing alone helps nobody";
  PQclear(PQexec(other.get(), "ROLLBACK"));
  pass(milliseconds(1'000));
  EXPECT_TRUE(engine.storage_well());
  EXPECT_EQ(database_.ask("SELECT count(*) FROM inbox"), "0");
  engine.stop(Duration{0});
}

// Until the end of a bite of the take-over nobody else can play the people whose dialogs are moved in it: who had
// something for them has passed them over, and waits for no hint.
TEST_F(SharingTest, WhoWasPassedOverForATakeOverIsPlayedRightBehindIt) {
  sharing::PlainRenderer renderer;
  BotSetup setup;
  setup.name = "bot";
  setup.program = program_;
  setup.renderers["telegram"] = &renderer;
  setup.serving.generation = 1;
  const auto open = [&] {
    auto storage = Storage::open(database_.url(), Durability::Normal);
    EXPECT_TRUE(storage && storage->prepare_tables(*program_));
    return std::move(*storage);
  };
  Storage theirs = open();
  std::vector<std::unique_ptr<Player>> players;
  players.push_back(std::make_unique<Player>(theirs, setup));
  SharedWork other(theirs, players);
  const auto store = [&](const std::vector<Incoming>& updates) { ASSERT_TRUE(other.store({{0, "telegram", &updates, {}}}, {{}})); };
  store({says("7", 0, "/start")});
  ASSERT_TRUE(other.play());

  std::string text = kScenario;
  text.replace(text.find("{{ said }}"), 10, "{{ said }} now");
  setup.program = load_scenario_text({{"scenario.yaml", text}}).program;
  setup.serving.generation = 2;
  setup.serving.swept = 1;
  sharing::PlatformCourier courier(platform_);
  SteppedClock clock;
  Engine engine(open(), {setup}, courier, clock);
  ASSERT_TRUE(engine.start({}, Engine::Drive::Caller));
  const std::string moved = "SELECT count(*) FROM dialogs WHERE state LIKE '%" + setup.program->version + "%'";
  ASSERT_TRUE(until([&] {
    clock.passed += milliseconds(500);
    engine.round();
    return database_.ask(moved) == "1";
  }));
  store({says("7", 1, "word")});
  engine.round();
  EXPECT_EQ(database_.ask("SELECT count(*) FROM inbox"), "0");
  EXPECT_TRUE(platform_.wait([](const auto& seen) { return seen.contains("7") && seen.at("7").back() == "?"; }));
  engine.stop(Duration{0});
}

TEST_F(SharingTest, ConnectionsThatAreCutLoseNothingAndRepeatNothing) {
  constexpr int kChats = 20;
  constexpr int kEvents = 15;
  const auto one = join();
  const auto two = join();
  std::atomic<bool> done{false};
  std::thread saboteur([&] {
    std::mt19937 chance(7);
    while (!done) {
      std::this_thread::sleep_for(milliseconds(std::uniform_int_distribution<int>(5, 120)(chance)));
      database_.ask(
          "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE datname = "
          "current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1) AS victim");
    }
  });
  std::vector<std::thread> people;
  for (int part = 0; part < 4; ++part) {
    people.emplace_back([&, part] {
      for (int number = 0; number < kEvents; ++number)
        for (int chat = part; chat < kChats; chat += 4)
          ((chat + number) % 2 == 0 ? *one : *two)
              .insist({says(std::to_string(chat), number, number == 0 ? "/start" : "word")});
    });
  }
  for (std::thread& person : people) person.join();
  done = true;
  saboteur.join();
  ASSERT_TRUE(platform_.wait([&](const auto& seen) {
    return all_have(seen, kChats, 2 * kEvents) && std::all_of(seen.begin(), seen.end(), [&](const auto& chat) {
             return std::count(chat.second.begin(), chat.second.end(), std::to_string(kEvents)) > 0;
           });
  })) << "events " << database_.ask("SELECT count(*) FROM inbox") << ", to be sent "
      << database_.ask("SELECT string_agg(concat(sender, ':', id, ' '), ' ') FROM outbox") << ", processes "
      << database_.ask("SELECT string_agg(concat(id, ' ', playing), ', ') FROM processes") << ", leads "
      << one->leads() << two->leads() << " " << one->engine().sending() << " " << two->engine().sending();
  // What was under way when a lead changed hands may be seen twice; nothing may be lost, or overtake.
  for (const auto& [chat, texts] : platform_.seen()) {
    std::vector<std::string> once;
    for (const std::string& text : texts)
      if (text != "?" && (once.empty() || once.back() != text)) once.push_back(text);
    std::vector<std::string> expected;
    for (int i = 1; i <= kEvents; ++i) expected.push_back(std::to_string(i));
    EXPECT_EQ(once, expected) << "chat " << chat;
  }
  EXPECT_EQ(database_.ask("SELECT count(*) FROM journal"), std::to_string(kChats * kEvents));
  EXPECT_EQ(database_.ask("SELECT count(*) FROM dead_letters"), "0");
}

}  // namespace
}  // namespace sufler

// Two processes that serve one desk on one database: what one of them has to do with a desk holds up the other as little
// as may be, and nothing of it is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <iostream>
#include <mutex>

#include "databases/test_database.h"
#include "interpreter/runtime/shared_work.h"
#include "runtime/plain_renderer.h"
#include "schema/loader.h"
#include "storage/desk_store.h"

namespace sufler {
namespace {

using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;

constexpr const char* kScenario = R"(
scenario: desk
language: en
start: home
branches:
  home:
    - ask: word
    - if: word == 'help'
      then:
        - handoff: support
    - say: "heard {{ word }}"
    - go: home
questions:
  word: {text: "?"}
handoff:
  support: {mode: relay, desk: support, assign: [available], queue: Wait.}
desks:
  support: {register: {command: /join, token: "${DESK_TOKEN}"}, capacity: 100}
)";

/// Waits at a text until it is let go.
class GatedRenderer : public PlainRenderer {
 public:
  explicit GatedRenderer(std::string text = "\n") : text_(std::move(text)) {}
  std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const override {
    if (message.text.text.find(text_) != std::string::npos) {
      std::unique_lock lock(mutex_);
      reached_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_; });
    }
    return PlainRenderer::render(chat, message);
  }
  void wait_until_reached() {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, seconds(60), [this] { return reached_; }));
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  const std::string text_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable bool reached_ = false;
  bool open_ = false;
};

/// What a process does with the database, driven by the test.
struct Process {
  Process(const std::string& url, const std::shared_ptr<const Program>& program, const Renderer& renderer)
      : storage(open(url, *program)) {
    BotSetup setup;
    setup.name = "bot";
    setup.program = program;
    setup.renderers["telegram"] = &renderer;
    setup.secrets["DESK_TOKEN"] = "right";
    players.push_back(std::make_unique<Player>(storage, std::move(setup)));
  }
  static Storage open(const std::string& url, const Program& program) {
    auto opened = Storage::open(url, Durability::Normal);
    EXPECT_TRUE(opened && opened->prepare_tables(program));
    return std::move(*opened);
  }
  void store(const std::vector<Incoming>& updates) { ASSERT_TRUE(work.store({{0, "telegram", &updates, {}}}, {{}})); }
  SharedWork::Round play() {
    auto round = work.play();
    EXPECT_TRUE(round) << round.error().message;
    if (!round) return {};
    EXPECT_FALSE(round->trouble) << round->trouble->message;
    return std::move(*round);
  }
  void play_all() {
    while (play().more) continue;
  }

  Storage storage;
  std::vector<std::unique_ptr<Player>> players;
  SharedWork work{storage, players};
};

std::vector<std::string> texts(const SharedWork::Round& round) {
  std::vector<std::string> all;
  for (const Played& played : round.played)
    for (const OutboxRow& row : played.outbox) all.push_back(row.call.body);
  return all;
}

class DeskSharingTest : public testing::Test {
 protected:
  DeskSharingTest() {
    Loaded loaded = load_scenario_text({{"scenario.yaml", kScenario}});
    EXPECT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
    program_ = loaded.program;
  }
  Incoming says(const std::string& who, const std::string& text) {
    Incoming update;
    update.id = std::to_string(++updates_);
    update.chat = {"telegram", who};
    update.person = {who, who, "", "", "", false};
    UserMessage message;
    message.message_id = update.id;
    message.text = text;
    update.event = Event{Moment{1'773'662'400'000 + 1000 * updates_}, 0, std::move(message)};
    return update;
  }
  /// Both processes know who works at the desk: Olga, who has a ticket of each client.
  void open_desk(Process& process, int clients) {
    process.store({says("olga", "/join right")});
    process.play_all();
    for (const char* word : {"hello", "help"}) {
      std::vector<Incoming> all;
      for (int i = 0; i < clients; ++i) all.push_back(says("client" + std::to_string(i), word));
      process.store(all);
      process.play_all();
    }
  }

  TestDatabase database_{DatabaseUnderTest::Postgres};
  std::shared_ptr<const Program> program_;
  std::int64_t updates_ = 0;
};

TEST_F(DeskSharingTest, ADeskIsNotHeldWhileOtherDialogsArePlayed) {
  GatedRenderer gate("heard slow");
  const PlainRenderer plain;
  Process one(database_.url(), program_, gate), two(database_.url(), program_, plain);
  open_desk(one, 1);
  one.store({says("bob", "hello")});
  one.play_all();
  one.store({says("client0", "To Olga"), says("bob", "slow")});
  auto round = std::async(std::launch::async, [&] { return one.play(); });
  gate.wait_until_reached();
  // The first process is amid Bob's turn. Whoever needs the desk meanwhile gets it.
  two.store({says("olga", "/stats")});
  auto other = std::async(std::launch::async, [&] { return two.play(); });
  EXPECT_EQ(other.wait_for(seconds(60)), std::future_status::ready) << "the desk was held for a dialog that does not need it";
  gate.open();
  EXPECT_THAT(texts(other.get()), Contains(HasSubstr("Today")));
  const std::vector<std::string> said = texts(round.get());
  EXPECT_THAT(said, Contains("heard slow"));
  EXPECT_THAT(said, Contains(HasSubstr("To Olga")));
}

TEST_F(DeskSharingTest, WhoWaitsForADeskNeedNotWaitForAllThatAnotherHasToDoThere) {
  constexpr int kClients = 100;
  GatedRenderer gate("Line of client0");
  const PlainRenderer plain;
  Process one(database_.url(), program_, gate), two(database_.url(), program_, plain);
  open_desk(one, kClients);
  std::vector<Incoming> lines;
  for (int i = 0; i < kClients; ++i) lines.push_back(says("client" + std::to_string(i), "Line of client" + std::to_string(i) + "."));
  one.store(lines);
  auto round = std::async(std::launch::async, [&] { return one.play(); });
  gate.wait_until_reached();  // it holds the desk
  two.store({says("olga", "/stats")});
  auto other = std::async(std::launch::async, [&] { return two.play(); });
  while (database_.ask("SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid WHERE l.locktype = 'advisory' "
                       "AND l.classid = 7829 AND NOT l.granted AND a.datname = current_database()") == "0")
    std::this_thread::yield();
  gate.open();
  SharedWork::Round first = round.get();
  EXPECT_TRUE(first.more);
  std::vector<std::string> all = texts(first);
  EXPECT_LT(all.size(), 20u) << "of " << kClients;
  EXPECT_THAT(texts(other.get()), Contains(HasSubstr("Today")));
  // Nothing is lost: the rest comes with the next rounds.
  for (bool more = true; more;) {
    SharedWork::Round next = one.play();
    more = next.more;
    for (std::string& text : texts(next)) all.push_back(std::move(text));
  }
  for (int i = 0; i < kClients; ++i)
    EXPECT_EQ(std::count_if(all.begin(), all.end(), [&](const std::string& text) { return text.ends_with("Line of client" + std::to_string(i) + "."); }), 1)
        << i;
}

TEST_F(DeskSharingTest, WithNobodyWaitingATransactionTakesAllThatADeskHasToDo) {
  constexpr int kClients = 100;
  const PlainRenderer plain;
  Process one(database_.url(), program_, plain);
  open_desk(one, kClients);
  std::vector<Incoming> lines;
  for (int i = 0; i < kClients; ++i) lines.push_back(says("client" + std::to_string(i), "Line " + std::to_string(i)));
  one.store(lines);
  EXPECT_EQ(texts(one.play()).size(), static_cast<std::size_t>(kClients));
}

// Whoever moves a ticket needs two desks, and takes them in the same order as somebody who moves one the other way.
TEST_F(DeskSharingTest, AMoveTakesTheDesksInTheOrderOfTheirNames) {
  std::string text = kScenario;
  text += "  archive: {register: {command: /keep, token: \"${DESK_TOKEN}\"}}\n";
  const auto program = load_scenario_text({{"scenario.yaml", text}}).program;
  ASSERT_TRUE(program);
  const PlainRenderer plain;
  Process one(database_.url(), program, plain);
  open_desk(one, 1);
  one.store({says("olga", "/transfer archive")});
  Storage other = Process::open(database_.url(), *program), third = Process::open(database_.url(), *program);
  std::future<SharedWork::Round> round;
  ASSERT_TRUE(other.transact([&](Transaction& theirs) -> Stored<Done> {
    EXPECT_TRUE(theirs.desk().lock("bot", "archive"));
    round = std::async(std::launch::async, [&] { return one.play(); });
    while (database_.ask("SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid WHERE l.locktype = 'advisory' "
                         "AND l.classid = 7829 AND NOT l.granted AND a.datname = current_database()") == "0")
      std::this_thread::yield();
    // It waits for the first of both, and has not taken her own desk yet.
    EXPECT_TRUE(third.transact([](Transaction& tx) { return tx.desk().lock("bot", "support"); }));
    return Done{};
  }));
  EXPECT_THAT(texts(round.get()), Contains(HasSubstr("archive")));
}

// Not a promise but a figure: how long a relay waits in one process for what the other has to do beside it.
TEST_F(DeskSharingTest, WhatARelayWaitsForBesideManyDialogsIsTold) {
  constexpr int kPeople = 200;
  const PlainRenderer plain;
  Process one(database_.url(), program_, plain), two(database_.url(), program_, plain);
  open_desk(one, 1);
  std::vector<Incoming> hello;
  for (int i = 0; i < kPeople; ++i) hello.push_back(says("p" + std::to_string(i), "hello"));
  one.store(hello);
  one.play_all();
  std::vector<double> waits;
  for (int round = 0; round < 10; ++round) {
    std::vector<Incoming> batch = {says("client0", "To Olga")};
    for (int i = 0; i < kPeople; ++i) batch.push_back(says("p" + std::to_string(i), "word"));
    one.store(batch);
    auto first = std::async(std::launch::async, [&] { return one.play(); });
    while (database_.ask("SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid WHERE l.locktype = 'advisory' "
                         "AND a.datname = current_database()") == "0" &&
           first.wait_for(seconds(0)) != std::future_status::ready)
      continue;
    two.store({says("olga", "/stats")});
    const auto began = std::chrono::steady_clock::now();
    two.play();
    waits.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count());
    first.get();
    one.play_all();
  }
  std::sort(waits.begin(), waits.end());
  std::cout << "figure: a word to the desk beside " << kPeople << " dialogs in another process: p50 " << waits[waits.size() / 2]
            << " ms, most " << waits.back() << " ms\n";
}

}  // namespace
}  // namespace sufler

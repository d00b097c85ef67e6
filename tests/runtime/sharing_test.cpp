// Several engines on one database, as several processes would be: each has its own connections, its own courier
// and its own thread.
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
#include "schema/loader.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPatience{20};

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

class PlainRenderer : public Renderer {
 public:
  std::vector<ApiCall> render(const ChatAddress&, const Message& message) const override {
    if (message.text.text.find(poison) != std::string::npos) throw std::runtime_error("boom");
    ApiCall call;
    call.method = "say";
    call.body = message.text.text;
    return {call};
  }
  ApiCall render_press_answer(const ChatAddress&, const std::string&, const std::string&) const override { return {}; }
  std::string poison = "\n";
};

/// What people got to see, whichever process sent it.
class Platform {
 public:
  void show(const std::string& chat, const std::string& text) {
    std::lock_guard lock(mutex_);
    seen_[chat].push_back(text);
    changed_.notify_all();
  }
  template <class Enough>
  bool wait(Enough enough) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return enough(seen_); });
  }
  std::map<std::string, std::vector<std::string>> seen() {
    std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::vector<std::string>> seen_;
};

class PlatformCourier : public Courier {
 public:
  explicit PlatformCourier(Platform& platform) : platform_(platform), thread_([this] { run(); }) {}
  PlatformCourier(const PlatformCourier&) = delete;
  PlatformCourier& operator=(const PlatformCourier&) = delete;
  ~PlatformCourier() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      wake_.notify_all();
    }
    thread_.join();
  }
  void deliver(std::string_view, const ChatAddress& chat, const ApiCall& call,
               std::function<void(Outcome)> done) override {
    ++carried;
    later(Duration{0}, [this, chat = chat.chat_id, text = call.body, done = std::move(done)] {
      platform_.show(chat, text);
      done(Outcome{});
    });
  }
  void later(Duration delay, std::function<void()> job) override {
    std::lock_guard lock(mutex_);
    jobs_.emplace(std::chrono::steady_clock::now() + milliseconds(delay.ms), std::move(job));
    wake_.notify_all();
  }
  std::atomic<int> carried{0};

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (jobs_.empty()) {
        wake_.wait(lock);
      } else if (const auto due = jobs_.begin()->first; due > std::chrono::steady_clock::now()) {
        wake_.wait_until(lock, due);
      } else {
        const auto job = std::move(jobs_.begin()->second);
        jobs_.erase(jobs_.begin());
        lock.unlock();
        job();
        lock.lock();
      }
    }
  }
  Platform& platform_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

/// One process.
class Member {
 public:
  Member(const std::string& url, std::shared_ptr<const Program> program, Platform& platform, std::string poison = "\n")
      : courier_(platform) {
    renderer_.poison = std::move(poison);
    auto storage = Storage::open(url, Durability::Normal);
    EXPECT_TRUE(storage) << storage.error().message;
    EXPECT_TRUE(storage->prepare_tables(*program));
    BotSetup setup;
    setup.name = "bot";
    setup.program = std::move(program);
    setup.renderers["telegram"] = &renderer_;
    setup.seed = std::random_device{}();
    std::vector<BotSetup> bots;
    bots.push_back(std::move(setup));
    engine_.emplace(std::move(*storage), std::move(bots), courier_);
    auto started = engine_->start([this](std::string_view, bool leads) {
      std::lock_guard lock(mutex_);
      leads_ = leads;
      changed_.notify_all();
    });
    EXPECT_TRUE(started) << started.error().message;
  }
  ~Member() { engine_->stop(Duration{5000}); }

  bool wait_for_lead(bool leads = true) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return leads_ == leads; });
  }
  bool leads() {
    std::lock_guard lock(mutex_);
    return leads_;
  }
  void take(std::vector<Incoming> updates, std::function<void(bool)> stored = [](bool) {}) {
    engine_->take("bot", "telegram", std::move(updates), {}, true, std::move(stored));
  }
  /// Again until it is stored, as a platform does.
  void insist(const std::vector<Incoming>& updates) {
    for (;;) {
      const auto stored = std::make_shared<std::promise<bool>>();
      take(updates, [stored](bool done) { stored->set_value(done); });
      if (stored->get_future().get()) return;
      std::this_thread::sleep_for(milliseconds(20));
    }
  }
  Engine& engine() { return *engine_; }
  int carried() const { return courier_.carried; }

 private:
  PlainRenderer renderer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool leads_ = false;
  PlatformCourier courier_;
  std::optional<Engine> engine_;
};

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

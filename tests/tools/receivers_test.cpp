#include "tools/receivers.h"

#include <gtest/gtest.h>

#include <future>

namespace sufler {
namespace {

constexpr std::chrono::seconds kPatience{20};

class CountingTransport : public Transport {
 public:
  std::string_view name() const override { return "telegram"; }
  Capabilities capabilities() const override { return {}; }
  std::vector<ApiCall> render(const ChatAddress&, const Message&) const override { return {}; }
  void start(std::string, std::vector<BotCommandHint>, TransportHandlers given) override {
    handlers = std::move(given);
    ++starts;
  }
  void stop_receiving() override { ++stops; }
  void deliver(const ChatAddress&, const ApiCall&, std::function<void(Outcome)> done) override { done(Outcome{}); }
  std::atomic<int> starts{0}, stops{0};
  TransportHandlers handlers;  ///< of the last start
};

class NoCourier : public Courier {
 public:
  void deliver(std::string_view, const ChatAddress&, const ApiCall&, std::function<void(Outcome)> done) override {
    done(Outcome{});
  }
  void later(Duration, std::function<void()>) override {}
};

class ReceiversTest : public ::testing::Test {
 protected:
  ReceiversTest() {
    auto storage = Storage::open("sqlite::memory:", Durability::Normal);
    EXPECT_TRUE(storage);
    storage->fail_by([this](Storage::Place place) -> std::optional<StorageError> {
      if (place != Storage::Place::Begin || !troubled) return std::nullopt;
      return StorageError{StorageError::Kind::Busy, "busy"};
    });
    BotSetup setup;
    setup.name = "shop";
    auto program = std::make_shared<Program>();
    setup.program = program;
    engine.emplace(std::move(*storage), std::vector<BotSetup>{setup}, courier);
    served.push_back(std::make_unique<ServedTransport>());
    served[0]->bot = "shop";
    auto one = std::make_unique<CountingTransport>();
    transport = one.get();
    served[0]->transport = std::move(one);
    receivers.emplace(*engine, served, client);
    EXPECT_TRUE(engine->start());
  }
  ~ReceiversTest() override {
    engine->stop(Duration{0});
    client.stop(std::chrono::milliseconds(0));
  }
  /// Runs it on the engine's thread.
  void on_engine(const std::function<void()>& job) {
    std::promise<void> done;
    engine->ask([&](Storage&) {
      job();
      done.set_value();
    });
    ASSERT_EQ(done.get_future().wait_for(kPatience), std::future_status::ready);
  }
  void lead(bool leads) {
    on_engine([&] { receivers->lead("shop", leads); });
  }
  /// Until whatever asks again after a failed start has asked: a later job on the same clock.
  void wait_for_the_next_try() {
    std::promise<void> passed;
    client.after(Receivers::kAskAgain, [&] { passed.set_value(); });
    ASSERT_EQ(passed.get_future().wait_for(kPatience), std::future_status::ready);
    on_engine([] {});
  }

  std::atomic<bool> troubled{false};
  NoCourier courier;
  HttpClient client;
  std::vector<std::unique_ptr<ServedTransport>> served;
  CountingTransport* transport = nullptr;
  std::optional<Engine> engine;
  std::optional<Receivers> receivers;
};

TEST_F(ReceiversTest, ReceivingBeginsWhenThePositionCanBeRead) {
  troubled = true;
  lead(true);
  EXPECT_EQ(transport->starts, 0);
  troubled = false;
  wait_for_the_next_try();
  EXPECT_EQ(transport->starts, 1);
}

TEST_F(ReceiversTest, ABotThatIsLedNoMoreIsNotReceivedForLater) {
  troubled = true;
  lead(true);
  lead(false);
  troubled = false;
  wait_for_the_next_try();
  EXPECT_EQ(transport->starts, 0);
}

TEST_F(ReceiversTest, ATroubleThatComesAfterTheLeadIsLostLeavesItReady) {
  lead(true);
  transport->handlers.health(true, {});
  EXPECT_EQ(served[0]->health, ServedTransport::Health::Well);
  lead(false);
  transport->handlers.health(false, "updates could not be stored");
  EXPECT_EQ(served[0]->health, ServedTransport::Health::Standby);
}

TEST_F(ReceiversTest, ALeadThatCameBackBeginsOnce) {
  troubled = true;
  lead(true);
  lead(false);
  troubled = false;
  lead(true);
  wait_for_the_next_try();
  EXPECT_EQ(transport->starts, 1);
}

}  // namespace
}  // namespace sufler

#pragma once
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "interpreter/runtime/engine.h"
#include "interpreter/runtime/operations.h"

/// Several engines on one database, as several processes would be: each has its own connections, its own courier
/// and its own thread.
namespace sufler::sharing {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPatience{60};  // of a starved machine

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
    if (refuses) {
      later(Duration{0}, [done = std::move(done)] {
        Outcome wait;
        wait.kind = Outcome::Kind::Retry;
        wait.after = Duration{20};
        done(wait);
      });
      return;
    }
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
  std::atomic<bool> refuses{false};  // the platform asks everybody to wait

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
  Member(const std::string& url, std::shared_ptr<const Program> program, Platform& platform, std::string poison = "\n",
         FloodSettings flood = {0, {}})
      : courier_(platform) {
    renderer_.poison = std::move(poison);
    auto storage = Storage::open(url, Durability::Normal);
    EXPECT_TRUE(storage) << storage.error().message;
    EXPECT_TRUE(storage->prepare_tables(*program));
    BotSetup setup;
    setup.name = "bot";
    setup.program = std::move(program);
    setup.renderers["telegram"] = &renderer_;
    setup.secrets["DESK_TOKEN"] = "right";
    setup.seed = std::random_device{}();
    std::vector<BotSetup> bots;
    bots.push_back(std::move(setup));
    engine_.emplace(std::move(*storage), std::move(bots), courier_);
    engine_->limit_floods(flood);
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
  Engine::Figures figures() const { return engine_->figures()[0]; }
  int carried() const { return courier_.carried; }
  void refuse(bool refuses) { courier_.refuses = refuses; }
  /// What an operator asks of this process.
  std::string operator_asks(const std::string& request) {
    std::promise<std::string> answer;
    engine_->ask([&](Storage& storage) {
      Operated operated = operate(storage, request, Moment{1'700'000'000'000});
      engine_->forget(operated.forgotten);
      answer.set_value(operated.answer);
    });
    return answer.get_future().get();
  }

 private:
  PlainRenderer renderer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool leads_ = false;
  PlatformCourier courier_;
  std::optional<Engine> engine_;
};

}  // namespace sufler::sharing

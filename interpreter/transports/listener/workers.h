#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace sufler::listening {

/// Threads as the work asks for them: a few at rest, up to a bound; beyond it work waits in line.
class Workers {
 public:
  /// After `rest` without work a thread ends, but for a few.
  Workers(std::size_t most, std::chrono::milliseconds rest);
  ~Workers() { stop(); }

  void start();  ///< throws std::system_error
  void enqueue(std::function<void()> job);
  /// Work in line is dropped, work under way is waited for.
  void stop();
  std::size_t threads() const;

 private:
  void add_thread();
  void run(std::list<std::thread>::iterator place);

  const std::size_t kept_;
  const std::size_t most_;
  const std::chrono::milliseconds rest_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::list<std::thread> threads_;
  std::list<std::thread> over_;  // ended, to be joined
  std::size_t running_ = 0;
  std::size_t resting_ = 0;
  bool stopping_ = true;
};

}  // namespace sufler::listening

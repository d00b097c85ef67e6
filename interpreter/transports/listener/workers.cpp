#include "interpreter/transports/listener/workers.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace sufler::listening {
namespace {

constexpr std::size_t kKeptThreads = 2;

}  // namespace

Workers::Workers(std::size_t most, std::chrono::milliseconds rest)
    : kept_(std::min(kKeptThreads, most)), most_(std::max<std::size_t>(most, 1)), rest_(rest) {}

void Workers::start() {
  std::lock_guard lock(mutex_);
  stopping_ = false;
  while (running_ < kept_) add_thread();
}

void Workers::enqueue(std::function<void()> job) {
  std::lock_guard lock(mutex_);
  if (stopping_) return;
  jobs_.push_back(std::move(job));
  if (jobs_.size() > resting_ && running_ < most_) {
    try {
      add_thread();
    } catch (const std::system_error&) {
      // No more threads are to be had: the kept ones come to it.
    }
  }
  wake_.notify_one();
}

void Workers::stop() {
  std::list<std::thread> threads;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
    threads.swap(threads_);
    threads.splice(threads.end(), over_);
  }
  wake_.notify_all();
  for (std::thread& one : threads) one.join();
}

std::size_t Workers::threads() const {
  std::lock_guard lock(mutex_);
  return running_;
}

void Workers::add_thread() {
  for (std::thread& one : over_) one.join();  // they have nothing left to do
  over_.clear();
  threads_.emplace_back();
  const auto place = std::prev(threads_.end());
  try {
    *place = std::thread([this, place] { run(place); });
  } catch (...) {
    threads_.erase(place);
    throw;
  }
  ++running_;
}

void Workers::run(std::list<std::thread>::iterator place) {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++resting_;
    const bool woken = wake_.wait_for(lock, rest_, [this] { return stopping_ || !jobs_.empty(); });
    --resting_;
    if (stopping_) break;
    if (!woken) {
      if (running_ <= kept_) continue;
      over_.splice(over_.end(), threads_, place);
      break;
    }
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
  --running_;
}

}  // namespace sufler::listening

#include "interpreter/services/pool.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

namespace sufler {

Abandonment::~Abandonment() {
  if (fd_ >= 0) ::close(fd_);
}
void Abandonment::ask() {
  std::lock_guard lock(mutex_);
  asked_ = true;
  tell();
}
int Abandonment::fd() const {
  std::lock_guard lock(mutex_);
  if (fd_ < 0) {
    fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (asked_) tell();
  }
  return fd_;
}
void Abandonment::tell() const {
  const std::uint64_t one = 1;
  if (fd_ >= 0) [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof one);
}

struct Pool::Impl {
  struct Entry {
    Job job;
    JobDoneCall done;
    std::shared_ptr<Abandonment> abandonment = std::make_shared<Abandonment>();
  };
  /// One that has nothing to do. Who came to rest last is called first: what it needs is still in the caches.
  struct Resting {
    std::condition_variable called;
    bool is_called = false;
  };

  std::size_t most;
  Work work;
  std::mutex mutex;
  std::deque<Entry> waiting;
  std::list<std::pair<std::int64_t, std::shared_ptr<Abandonment>>> under_way;
  std::vector<Resting*> resting;
  bool stopping = false;
  std::vector<std::thread> threads;

  /// With the mutex held; whoever it is has to be notified.
  Resting& call_one() {
    Resting& called = *resting.back();
    resting.pop_back();
    called.is_called = true;
    return called;
  }

  void serve() {
    Resting rest;
    std::unique_lock lock(mutex);
    for (;;) {
      while (!stopping && waiting.empty()) {
        rest.is_called = false;
        resting.push_back(&rest);
        rest.called.wait(lock, [&] { return rest.is_called; });
      }
      if (stopping) return;
      Entry entry = std::move(waiting.front());
      waiting.pop_front();
      const auto place = under_way.emplace(under_way.end(), entry.job.id, entry.abandonment);
      lock.unlock();
      JobResult result;
      try {
        result = work(entry.job, *entry.abandonment);
      } catch (const std::exception& error) {
        result = {JobResult::Kind::Again, {}, "the service failed", error.what(), {}};
      }
      entry.done(std::move(result));
      lock.lock();
      under_way.erase(place);
    }
  }
};

Pool::Pool(std::size_t threads, Work work) : impl_(std::make_unique<Impl>()) {
  impl_->most = threads;
  impl_->work = std::move(work);
}

Pool::~Pool() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->waiting.clear();
    for (const auto& [id, abandonment] : impl_->under_way) abandonment->ask();
    while (!impl_->resting.empty()) impl_->call_one().called.notify_one();
  }
  for (std::thread& thread : impl_->threads) thread.join();
}

void Pool::begin(const Job& job, JobDoneCall done) {
  std::unique_lock lock(impl_->mutex);
  if (impl_->stopping) return;
  impl_->waiting.push_back({job, std::move(done)});
  if (!impl_->resting.empty()) {
    Impl::Resting& called = impl_->call_one();
    lock.unlock();  // or it would wake up only to wait for the mutex
    called.called.notify_one();
  } else if (impl_->threads.size() < impl_->most) {
    impl_->threads.emplace_back([impl = impl_.get()] { impl->serve(); });
  }
}

void Pool::abandon(std::int64_t job_id) {
  std::lock_guard lock(impl_->mutex);
  std::erase_if(impl_->waiting, [&](const Impl::Entry& entry) { return entry.job.id == job_id; });
  for (const auto& [id, abandonment] : impl_->under_way)
    if (id == job_id) abandonment->ask();
}

}  // namespace sufler

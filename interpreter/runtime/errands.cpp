#include "interpreter/runtime/errands.h"

#include <utility>

namespace sufler {
namespace {

StorageError nobody() { return {StorageError::Kind::Lost, "the process stops"}; }

}  // namespace

Stored<Done> Errands::run(const Body& body) {
  const auto one = std::make_shared<One>();  // whoever tells may still hold it when the told has gone
  one->body = &body;
  std::future<Stored<Done>> became = one->became.get_future();
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (!served_) return Error{nobody()};
    first = waiting_.empty();  // else somebody called for those that wait, and they are not taken yet
    waiting_.push_back(one);
  }
  if (first) {
    const std::lock_guard lock(waking_);
    if (wake_) wake_();
  }
  return became.get();
}

bool Errands::is_served() const {
  const std::lock_guard lock(mutex_);
  return served_;
}

void Errands::serve(std::function<void()> wake) {
  {
    const std::lock_guard lock(waking_);
    wake_ = std::move(wake);
  }
  const std::lock_guard lock(mutex_);
  served_ = true;
}

void Errands::close() {
  {
    const std::lock_guard lock(waking_);
    wake_ = nullptr;
  }
  {
    const std::lock_guard lock(mutex_);
    served_ = false;
  }
  Batch left = take();
  tell(left, Error{nobody()});
}

bool Errands::are_waiting() const {
  const std::lock_guard lock(mutex_);
  return !waiting_.empty();
}

Stored<Done> Errands::Batch::perform(Transaction& tx) const {
  for (const auto& one : all_)
    if (auto became = (*one->body)(tx); !became) return became;
  return Done{};
}

Errands::Batch Errands::take() {
  Batch batch;
  const std::lock_guard lock(mutex_);
  batch.all_.swap(waiting_);
  return batch;
}

void Errands::tell(Batch& batch, const Stored<Done>& became) {
  for (const auto& one : std::exchange(batch.all_, {})) one->became.set_value(became);
}

}  // namespace sufler

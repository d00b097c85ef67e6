#include "tools/between_turns.h"

#include <chrono>
#include <future>
#include <memory>
#include <mutex>

#include "interpreter/runtime/engine.h"

namespace sufler {

Stored<Done> BetweenTurns::operator()(const std::function<Stored<Done>(Storage&)>& job) {
  struct Shared {
    std::mutex mutex;
    bool given_up = false;
    std::promise<Stored<Done>> promise;
  };
  auto shared = std::make_shared<Shared>();
  std::future<Stored<Done>> done = shared->promise.get_future();
  engine_.ask([shared, &job](Storage& storage) {
    std::lock_guard lock(shared->mutex);
    if (!shared->given_up) shared->promise.set_value(job(storage));
  });
  while (done.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) {
    if (!stopping_) continue;
    std::unique_lock lock(shared->mutex, std::try_to_lock);
    if (!lock.owns_lock()) continue;  // it is being done
    if (done.wait_for(std::chrono::milliseconds(0)) == std::future_status::ready) break;
    shared->given_up = true;
    return Error{StorageError{StorageError::Kind::Other, "the process is stopping"}};
  }
  return done.get();
}

}  // namespace sufler

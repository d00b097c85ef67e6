#pragma once
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <vector>

#include "storage/storage.h"

namespace sufler {

/// What those who do jobs want of the database while they work. Whoever owns the storage carries out all that waits in a
/// transaction of its own work: a connection of each worker's own would commit alone, and each would wait for all others.
class Errands {
 public:
  using Body = std::function<Stored<Done>(Transaction&)>;

  /// Returns when it is committed, or with what went wrong; then nothing of it is stored. `body` may be called more than
  /// once. Thread-safe; never on the thread that carries out.
  Stored<Done> run(const Body& body);
  /// Else whoever has an errand does it alone.
  bool is_served() const;

  /// `wake` is called on any thread when something waits, until `close` has returned.
  void serve(std::function<void()> wake);
  /// Whoever waits is told that it was not done.
  void close();
  bool are_waiting() const;

 private:
  struct One {
    const Body* body = nullptr;
    /// Of each its own: others that wait stay asleep. A semaphore of the library would try for a while before it sleeps.
    std::promise<Stored<Done>> became;
  };

 public:
  /// Those that waited. Nobody leaves before he is told.
  class Batch {
   public:
    bool empty() const { return all_.empty(); }
    Stored<Done> perform(Transaction& tx) const;

   private:
    friend class Errands;
    std::vector<std::shared_ptr<One>> all_;
  };
  Batch take();
  /// Once for each batch that is not empty.
  void tell(Batch& batch, const Stored<Done>& became);

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<One>> waiting_;
  bool served_ = false;
  std::mutex waking_;  ///< never taken with the other one held
  std::function<void()> wake_;
};

}  // namespace sufler

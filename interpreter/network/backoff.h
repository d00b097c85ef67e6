#pragma once
#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

namespace sufler {

/// Pauses between attempts: each drawn between `first` and a bound that doubles up to `most`, so that many
/// clients of a server that comes back do not come all at once.
class Backoff {
 public:
  using Milliseconds = std::chrono::milliseconds;
  /// `random` gives a number in [0, 1).
  Backoff(Milliseconds first, Milliseconds most, std::function<double()> random)
      : first_(first), most_(std::max(first, most)), random_(std::move(random)) {}

  Milliseconds next() {
    bound_ = std::min(most_, bound_.count() == 0 ? first_ * 2 : bound_ * 2);
    const double spread = static_cast<double>((bound_ - first_).count()) * random_();
    return first_ + Milliseconds(static_cast<Milliseconds::rep>(spread));
  }
  void reset() { bound_ = Milliseconds(0); }
  bool fresh() const { return bound_.count() == 0; }

 private:
  Milliseconds first_;
  Milliseconds most_;
  Milliseconds bound_{0};
  std::function<double()> random_;
};

}  // namespace sufler

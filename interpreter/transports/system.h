#pragma once
#include <chrono>
#include <random>

#include "interpreter/core/moment.h"

/// The clock and the chance of this machine. The core has neither: transports stamp events and spread pauses.
namespace sufler {

inline Moment system_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

/// A number in [0, 1). Thread-safe.
inline double system_random() {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
}

}  // namespace sufler

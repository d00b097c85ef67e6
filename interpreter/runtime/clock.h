#pragma once
#include <chrono>

#include "interpreter/core/value.h"

namespace sufler {

/// Time as an input: the runtime reads no other clock, so a simulation owns it.
class Clock {
 public:
  virtual ~Clock() = default;
  /// What people call the time; it may jump either way.
  virtual Moment now() const = 0;
  /// Never goes back; its zero means nothing. For deadlines of our own.
  virtual std::chrono::milliseconds monotonic() const = 0;
};

const Clock& system_clock();

}  // namespace sufler

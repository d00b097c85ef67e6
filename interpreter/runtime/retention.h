#pragma once
#include <chrono>
#include <optional>

#include "interpreter/core/moment.h"
#include "interpreter/runtime/clock.h"
#include "storage/housekeeping.h"

namespace sufler {

/// How long what is kept for people is kept (`retention:` of the configuration); nothing: for ever.
struct Retention {
  static constexpr Duration days(std::int64_t count) { return {count * 24 * 3600 * 1000}; }

  std::optional<Duration> journal = days(90);  ///< also of what was said in closed tickets
  std::optional<Duration> dead_letters = days(90);
  std::optional<Duration> messages = days(30);   ///< which message is about which dialog
  std::optional<Duration> track = days(365);     ///< counted events
  std::optional<Duration> files = days(30);      ///< that steps have made: reports
  std::optional<Duration> dialogs = days(3 * 365);  ///< in which nothing happened and nothing is awaited
};

/// Clears away what is older, a bite at a time, so that no turn waits for it.
class Sweeper {
 public:
  explicit Sweeper(const Retention& retention) : retention_(retention) {}

  /// One bite, when it is time for one. When to come again.
  std::chrono::milliseconds round(Storage& storage, const Clock& clock);

 private:
  using Kept = Housekeeping::Kept;
  static constexpr Kept kAll[] = {Kept::Journal,  Kept::Tickets, Kept::DeadLetters,
                                  Kept::Messages, Kept::Track,   Kept::Files,   Kept::Dialogs};

  const std::optional<Duration>& term(Kept what) const;

  /// Whether the wall clock goes as the monotonic one does. After a jump it is not believed for a day: a wrong year
  /// must not clear away everything.
  bool believes(const Clock& clock);

  Retention retention_;
  std::optional<std::int64_t> offset_ms_;  ///< between the two clocks
  std::chrono::milliseconds next_{0};  ///< by the monotonic clock
  std::size_t at_ = 0;                 ///< place in kAll
  Housekeeping::Bite bite_;
};

}  // namespace sufler

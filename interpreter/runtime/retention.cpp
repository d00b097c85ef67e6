#include "interpreter/runtime/retention.h"

#include <algorithm>
#include <iterator>

#include "interpreter/runtime/log.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kRowsAtOnce = 500;
/// Between bites the turns of people have the database to themselves.
constexpr milliseconds kBetweenBites{50};
constexpr milliseconds kBetweenSweeps{3'600'000};
constexpr milliseconds kAfterTrouble{60'000};
constexpr std::int64_t kJumpMs = 3'600'000;
constexpr milliseconds kAfterJump{24 * 3'600'000};

}  // namespace

const std::optional<Duration>& Sweeper::term(Kept what) const {
  switch (what) {
    case Kept::Journal:
    case Kept::Tickets:
      return retention_.journal;
    case Kept::DeadLetters:
      return retention_.dead_letters;
    case Kept::Messages:
      return retention_.messages;
    case Kept::Track:
      return retention_.track;
    case Kept::Files:
      return retention_.files;
    case Kept::Dialogs:
      break;
  }
  return retention_.dialogs;
}

bool Sweeper::believes(const Clock& clock) {
  const std::int64_t offset = clock.now().unix_ms - clock.monotonic().count();
  const bool jumped = offset_ms_ && (offset - *offset_ms_ > kJumpMs || *offset_ms_ - offset > kJumpMs);
  offset_ms_ = offset;
  return !jumped;
}

milliseconds Sweeper::round(Storage& storage, const Clock& clock) {
  const milliseconds now = clock.monotonic();
  if (!believes(clock)) {
    write_log(LogLevel::Warning, "the clock has jumped: nothing is cleared away for a day");
    next_ = now + kAfterJump;
  }
  if (now < next_) return next_ - now;
  while (at_ < std::size(kAll) && !term(kAll[at_])) ++at_;
  if (at_ == std::size(kAll)) {
    at_ = 0;
    next_ = now + kBetweenSweeps;
    return kBetweenSweeps;
  }
  const Kept what = kAll[at_];
  const Moment before{clock.now().unix_ms - term(what)->ms};
  Housekeeping::Bite bite;
  const auto done = storage.transact([&](Transaction& tx) -> Stored<Done> {
    auto cleared = tx.housekeeping().clear(what, before, bite_, kRowsAtOnce);
    if (!cleared) return Error{cleared.error()};
    bite = std::move(*cleared);
    return Done{};
  });
  if (!done) {
    // Nobody waits for this: the trouble is told once a minute, and by every turn that meets it.
    write_log(LogLevel::Warning, "what is old could not be cleared away: " + done.error().message);
    next_ = now + kAfterTrouble;
    return kAfterTrouble;
  }
  if (bite.last) {
    ++at_;
    bite = Housekeeping::Bite{};
  }
  bite_ = std::move(bite);
  next_ = now + kBetweenBites;
  return kBetweenBites;
}

}  // namespace sufler

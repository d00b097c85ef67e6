// schedule, cancel: a branch of this dialog begins later. The timer is a row like any other; it outlives whatever the
// dialog does meanwhile (LANGUAGE 14, Dialogs).
#include "interpreter/core/steps/steps.h"

namespace sufler {
namespace {

/// Pending at once in one dialog: more is a loop.
constexpr std::size_t kMostScheduled = 100;

}  // namespace

Flow play_verb(Play& play, StepId, const Step&, const ScheduleStep& schedule) {
  std::optional<Moment> due;
  if (schedule.at) {
    if (!moment_of(play, *schedule.at, due, PassedTime::Tomorrow)) return Flow::Next;
    if (!due) {
      play.fail("`" + schedule.at->source() + "` gives no moment to schedule `" + schedule.name + "` for");
      return Flow::Next;
    }
  } else {
    std::optional<Duration> in = schedule.in;
    if (schedule.in_expression && !duration_of(play, *schedule.in_expression, in)) return Flow::Next;
    if (!in) {
      play.fail("`" + (schedule.in_expression ? schedule.in_expression->source() : schedule.name) +
                "` gives no length of time after which `" + schedule.name + "` is scheduled");
      return Flow::Next;
    }
    due = later(play.event.at, *in);
  }
  State& state = play.state;
  if (!state.scheduled.contains(schedule.name) && state.scheduled.size() >= kMostScheduled) {
    play.fail("more than " + std::to_string(kMostScheduled) + " branches scheduled in one dialog");
    return Flow::Next;
  }
  // What is late already begins as soon as this turn is over; what lies ten years ahead is a slip of the pen.
  const Moment at = later(play.event.at, Duration{due->unix_ms - play.event.at.unix_ms});
  state.scheduled[schedule.name] = play.program.branch(schedule.branch).name;
  state.timers[std::string(kScheduleTimer) + schedule.name] = {at, play.next_serial()};
  play.mark_border();
  return Flow::Next;
}

Flow play_verb(Play& play, StepId, const Step&, const CancelStep& cancel) {
  if (play.state.scheduled.erase(cancel.name) == 0) return Flow::Next;
  play.state.timers.erase(std::string(kScheduleTimer) + cancel.name);
  play.mark_border();
  return Flow::Next;
}

}  // namespace sufler

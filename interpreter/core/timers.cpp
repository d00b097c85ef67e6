// Timers of a rest: `remind`, `timeout`, `pause`, `gather`, `files`. Rests that a command interrupted keep
// theirs beside the present ones, so a name ends in the depth of its rest.
#include <algorithm>

#include "interpreter/core/play.h"
#include "interpreter/core/questions/questions.h"

namespace sufler {
namespace {

/// Ten years: what lies beyond is a slip of the pen, and must not overflow.
constexpr std::int64_t kLongest = 10LL * 366 * 24 * 3600 * 1000;

struct Deadlines {
  const std::vector<Reminder>* reminders = nullptr;
  const std::optional<Timeout>* timeout = nullptr;
};

Deadlines deadlines_of(const Program& program, const Waiting& waiting) {
  if (const Question* question = question_of(program, waiting))
    return {&question->reminders, &question->timeout};
  if (waiting.what == Waiting::For::Choice) {
    if (const Choose* choose = std::get_if<Choose>(&program.step(waiting.step).verb))
      return {&choose->reminders, &choose->timeout};
  }
  return {};
}

/// Reminders in the order of time, whatever their order in the file.
const Reminder* reminder_at(const std::vector<Reminder>& reminders, std::size_t position) {
  std::vector<const Reminder*> sorted;
  for (const Reminder& reminder : reminders) sorted.push_back(&reminder);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Reminder* a, const Reminder* b) { return a->after < b->after; });
  return position < sorted.size() ? sorted[position] : nullptr;
}

}  // namespace

Duration clamp_duration(Duration duration) {
  return Duration{std::clamp<std::int64_t>(duration.ms, 0, kLongest)};
}

Moment later(Moment moment, Duration duration) {
  return Moment{moment.unix_ms + clamp_duration(duration).ms};
}

std::string Play::timer_name(std::string_view base, std::size_t depth) const {
  std::string name(base);
  if (depth > 0) name += "." + std::to_string(depth);
  return name;
}

void Play::set_timer(std::string_view base, Moment due) {
  state.timers[timer_name(base, state.interrupted.size())] = {due, state.waiting.serial};
}

void Play::drop_timers() {
  if (state.timers.empty()) return;
  for (std::string_view base : {"remind", "timeout", "pause", "gather", "files"})
    state.timers.erase(timer_name(base, state.interrupted.size()));
}

void Play::arm_timers() {
  const Deadlines deadlines = deadlines_of(program, state.waiting);
  if (deadlines.reminders && !deadlines.reminders->empty()) {
    if (const Reminder* reminder = reminder_at(*deadlines.reminders, state.waiting.reminded))
      set_timer("remind", later(state.waiting.since, reminder->after));
  }
  if (deadlines.timeout && *deadlines.timeout)
    set_timer("timeout", later(state.waiting.since, (*deadlines.timeout)->after));
}

void Play::restart_timers() {
  if (state.timers.empty() && state.waiting.reminded == 0) return;
  const auto restart_timeout = [&](const Waiting& waiting, std::size_t depth) {
    const Deadlines deadlines = deadlines_of(program, waiting);
    if (!deadlines.timeout || !*deadlines.timeout) return;
    const auto timer = state.timers.find(timer_name("timeout", depth));
    if (timer != state.timers.end())
      timer->second.due = std::max(timer->second.due, later(event.at, (*deadlines.timeout)->after));
  };
  for (std::size_t depth = 0; depth < state.interrupted.size(); ++depth)
    restart_timeout(state.interrupted[depth], depth);
  const Deadlines deadlines = deadlines_of(program, state.waiting);
  if (!deadlines.reminders) return;
  state.waiting.since = event.at;
  state.waiting.reminded = 0;
  arm_timers();
}

void Play::timer_due(const TimerDue& due) {
  const auto timer = state.timers.find(due.name);
  // Another serial, or set anew since it was queued: nothing it belongs to is there any more.
  if (timer == state.timers.end() || timer->second.serial != due.serial || timer->second.due > event.at) return;
  state.timers.erase(timer);

  const std::size_t dot = due.name.find('.');
  const std::string_view base = std::string_view(due.name).substr(0, dot);
  std::size_t depth = 0;
  if (dot != std::string::npos) {
    for (const char digit : due.name.substr(dot + 1)) {
      if (digit < '0' || digit > '9' || depth > 10'000) return;
      depth = depth * 10 + static_cast<std::size_t>(digit - '0');
    }
  }
  if (depth > state.interrupted.size()) return;

  if (depth < state.interrupted.size()) {
    Waiting& waiting = state.interrupted[depth];
    if (waiting.serial != due.serial) return;
    if (base == "pause") {
      waiting.candidate = Value(true);  // goes on as soon as the command is done
      return;
    }
    if (base != "timeout") return;
    // What interrupted the question is given up together with it.
    std::size_t seen = 0;
    for (std::size_t i = 0; i < state.frames.size(); ++i) {
      if (!state.frames[i].repeats_wait || seen++ != depth) continue;
      leave_rest();
      for (std::size_t above = depth + 1; above < state.interrupted.size(); ++above)
        for (std::string_view name : {"timeout", "pause"}) state.timers.erase(timer_name(name, above));
      state.frames.resize(i);
      state.waiting = std::move(state.interrupted[depth]);
      state.interrupted.resize(depth);
      break;
    }
  }
  if (state.waiting.serial != due.serial) return;

  if (base == "pause" && state.waiting.what == Waiting::For::Pause) {
    leave_rest();
    run();
  } else if (base == "timeout") {
    const Deadlines deadlines = deadlines_of(program, state.waiting);
    if (!deadlines.timeout || !*deadlines.timeout) return;
    const Target& target = (*deadlines.timeout)->target;
    if (question_of(program, state.waiting)) {
      leave_question(*this, target);
    } else {
      leave_rest();
      enter(target);
    }
    run();
  } else if (base == "remind") {
    const Deadlines deadlines = deadlines_of(program, state.waiting);
    const Reminder* reminder =
        deadlines.reminders ? reminder_at(*deadlines.reminders, state.waiting.reminded) : nullptr;
    if (!reminder) return;
    ++state.waiting.reminded;
    if (const Reminder* next = reminder_at(*deadlines.reminders, state.waiting.reminded))
      set_timer("remind", later(state.waiting.since, next->after));
    Message message;
    if (render(reminder->text, message.text)) {
      message.keyboard = keyboard_of_rest(*this);
      if (!fault) send(std::move(message));
    }
    if (fault) run();
  } else if (base == "gather" || base == "files") {
    collected_enough(*this, base == "files");
    if (state.waiting.what == Waiting::For::Nothing || fault) run();
  }
}

}  // namespace sufler

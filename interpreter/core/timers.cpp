// Timers of a rest: `remind`, `timeout`, `pause`, `gather`, `files`, `job`. Rests that a command interrupted keep
// theirs beside the present ones, so a name ends in the depth of its rest.
#include <algorithm>

#include "interpreter/core/assistants/asking.h"
#include "interpreter/core/jobs.h"
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

Moment Play::now() {
  turn.read_now = true;
  return std::max(event.at, around.now);
}

void Play::drop_timers() {
  if (state.timers.empty()) return;
  for (std::string_view base : {"remind", "timeout", "pause", "gather", "files", "job"})
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
  const auto restart_timeout = [&](Waiting& waiting, std::size_t depth) {
    const Deadlines deadlines = deadlines_of(program, waiting);
    if (!deadlines.timeout || !*deadlines.timeout) return;
    const auto timer = state.timers.find(timer_name("timeout", depth));
    if (timer == state.timers.end()) return;
    timer->second.due = std::max(timer->second.due, later(event.at, (*deadlines.timeout)->after));
    waiting.since = event.at;
  };
  for (std::size_t depth = 0; depth < state.interrupted.size(); ++depth)
    restart_timeout(state.interrupted[depth], depth);
  const Deadlines deadlines = deadlines_of(program, state.waiting);
  if (!deadlines.reminders) return;
  state.waiting.since = event.at;
  state.waiting.reminded = 0;
  arm_timers();
}

void Play::reaim_timers() {
  const auto reaim_timeout = [&](const Waiting& waiting, std::size_t depth) {
    const std::string name = timer_name("timeout", depth);
    const Deadlines deadlines = deadlines_of(program, waiting);
    if (!deadlines.timeout || !*deadlines.timeout) {
      state.timers.erase(name);
    } else if (waiting.since.unix_ms != 0) {
      state.timers[name] = {later(waiting.since, (*deadlines.timeout)->after), waiting.serial};
    }
    const std::string pause = timer_name("pause", depth);
    const auto running = state.timers.find(pause);
    if (waiting.what != Waiting::For::Pause || running == state.timers.end() || waiting.since.unix_ms == 0) return;
    // What an expression gave stays as it was.
    const Wait* wait = std::get_if<Wait>(&program.step(waiting.step).verb);
    if (wait && wait->duration) running->second.due = later(waiting.since, *wait->duration);
  };
  for (std::size_t depth = 0; depth < state.interrupted.size(); ++depth)
    reaim_timeout(state.interrupted[depth], depth);
  Waiting& waiting = state.waiting;
  reaim_timeout(waiting, state.interrupted.size());

  const std::string name = timer_name("remind", state.interrupted.size());
  const Deadlines deadlines = deadlines_of(program, waiting);
  if (!deadlines.reminders || waiting.since.unix_ms == 0) {
    state.timers.erase(name);
    return;
  }
  const auto due_of = [&](std::size_t position) -> std::optional<Moment> {
    const Reminder* reminder = reminder_at(*deadlines.reminders, position);
    if (!reminder) return std::nullopt;
    return later(waiting.since, reminder->after);
  };
  const auto running = state.timers.find(name);
  auto due = due_of(waiting.reminded);
  if (running != state.timers.end() && due && running->second.due == *due) return;
  // Nobody wants to be reminded late: what would have been said by now is passed over.
  waiting.reminded = 0;
  while ((due = due_of(waiting.reminded)) && *due <= event.at) ++waiting.reminded;
  if (due) {
    state.timers[name] = {*due, waiting.serial};
  } else {
    state.timers.erase(name);
  }
}

void Play::give_up_interruptions(std::size_t depth) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < state.frames.size(); ++i) {
    if (!state.frames[i].repeats_wait || seen++ != depth) continue;
    leave_rest();
    for (std::size_t above = depth + 1; above < state.interrupted.size(); ++above)
      for (std::string_view name : {"timeout", "pause", "job"}) state.timers.erase(timer_name(name, above));
    state.frames.resize(i);
    state.waiting = std::move(state.interrupted[depth]);
    state.interrupted.resize(depth);
    break;
  }
}

void Play::clear_timers() {
  std::erase_if(state.timers, [](const auto& timer) { return !is_schedule_timer(timer.first); });
}

void Play::timer_due(const TimerDue& due) {
  const auto timer = state.timers.find(due.name);
  // Another serial, or set anew since it was queued: nothing it belongs to is there any more.
  if (timer == state.timers.end() || timer->second.serial != due.serial || timer->second.due > event.at) return;
  state.timers.erase(timer);
  if (hear_schedule_timer(*this, due) || hear_desk_timer(*this, due)) return;

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
    if (base == "job") {
      put_job_aside(waiting, kLateJob);
      return;
    }
    if (base != "timeout") return;
    give_up_interruptions(depth);
  }
  if (state.waiting.serial != due.serial) return;

  if (base == "job" && state.waiting.what == Waiting::For::Job) {
    if (give_up_job(*this, std::string(kLateJob)) == Flow::Next || fault) run();
  } else if (base == "pause" && state.waiting.what == Waiting::For::Pause) {
    if (traces()) note(way_of_rest(Way::What::Resumed));
    leave_rest();
    run();
  } else if (base == "timeout") {
    const Deadlines deadlines = deadlines_of(program, state.waiting);
    if (!deadlines.timeout || !*deadlines.timeout) return;
    if (traces()) note(way_of_rest(Way::What::Timeout), Value((*deadlines.timeout)->after));
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
    if (traces()) {
      const auto index = static_cast<std::uint32_t>(reminder - deadlines.reminders->data());
      note(way_of_rest(Way::What::Reminder, index), Value(reminder->after));
    }
    ++state.waiting.reminded;
    if (const Reminder* next = reminder_at(*deadlines.reminders, state.waiting.reminded))
      set_timer("remind", later(state.waiting.since, next->after));
    Message message;
    if (render(reminder->text, message.text)) {
      message.keyboard = keyboard_of_rest(*this);
      if (!fault) send(std::move(message));
    }
    if (fault) run();
  } else if (base == "gather" && state.waiting.what == Waiting::For::Talk) {
    if (end_gathering(*this) == Flow::Next || fault) run();
  } else if (base == "gather" || base == "files") {
    collected_enough(*this, base == "files");
    if (state.waiting.what == Waiting::For::Nothing || fault) run();
  }
}

}  // namespace sufler

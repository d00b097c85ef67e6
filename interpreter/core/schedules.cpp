// What the clock begins in a dialog: `schedule`d branches, and the scenario's `schedules` (LANGUAGE 9, 14).
#include "interpreter/core/play.h"
#include "interpreter/core/stand.h"

namespace sufler {
bool people_talk(const Play& play) {
  const State& state = play.state;
  if (state.relay) return true;
  if (!state.silence) return false;
  const std::size_t rule = state.silence->rule.value;
  if (rule >= play.program.handoffs.size()) return false;
  return is_silence_on(play.program.handoffs[rule], state.silence->last_message, play.event.at);
}

BranchId branch_by_name(const Program& program, const std::string& name) {
  if (const BranchId branch = program.find_branch(name)) return branch;
  const auto moved = program.moved.find(name);
  if (moved == program.moved.end()) return {};
  if (const BranchId branch = program.find_branch(moved->second)) return branch;
  return program.find_branch(std::string_view(moved->second).substr(0, moved->second.find('/')));
}

void begin_beside(Play& play, BranchId branch, ValueMap locals) {
  if (play.state.silence) {  // over by now: see people_talk
    play.state.silence.reset();
    play.state.waiting = Waiting{};
  }
  const std::string place = place_of(play.state, play.program);
  const bool waits_in_it = play.state.interrupted.empty() && place.substr(0, place.find('/')) == play.program.branch(branch).name;
  if (play.state.waiting.what == Waiting::For::Nothing || waits_in_it) {
    play.jump(branch);
  } else {
    // The person's question is not lost by what goes wrong in here.
    const State& state = play.state;
    play.stand = Stand{state.frames, state.waiting, state.interrupted, state.past.size() + kStandsBeside};
    play.interrupt(play.program.branch(branch).block, Frame::Kind::Command);
  }
  if (!locals.empty() && !play.state.frames.empty()) play.state.frames.back().locals = std::move(locals);
  play.run();
}

bool hear_schedule_timer(Play& play, const TimerDue& timer) {
  if (!is_schedule_timer(timer.name)) return false;
  State& state = play.state;
  const auto scheduled = state.scheduled.find(timer.name.substr(kScheduleTimer.size()));
  if (scheduled == state.scheduled.end()) return true;
  const std::string name = scheduled->first, branch_name = scheduled->second;
  state.scheduled.erase(scheduled);
  if (state.run_of.unix_ms != 0) state.run_of = play.event.at;  // its run is over: this is something of its own
  const BranchId branch = branch_by_name(play.program, branch_name);
  if (!branch) {
    play.effect(WriteLog{"the branch `" + branch_name + "` that was scheduled as `" + name + "` is gone: it is dropped"});
  } else if (people_talk(play)) {
    play.effect(WriteLog{"`" + name + "` came due while people have the dialog: it is dropped"});
  } else {
    begin_beside(play, branch);
  }
  return true;
}

void hear_schedule(Play& play, const ScheduleDue& due) {
  State& state = play.state;
  const BranchId branch = branch_by_name(play.program, due.branch);
  if (!branch) {
    play.effect(WriteLog{"the branch `" + due.branch + "` of the schedule `" + due.schedule + "` is gone: it is dropped"});
    return;
  }
  if (due.alone) {
    // For words, in a dialog without a person, nothing ever comes.
    if (comes_by_itself(state.waiting.what)) {
      play.effect(WriteLog{"the schedule `" + due.schedule + "` came due while its run before is under way: it is dropped"});
      return;
    }
    if (state.waiting.what != Waiting::For::Nothing || state.relay || state.silence) {
      play.effect(WriteLog{"the run before of the schedule `" + due.schedule + "` waits at `" + place_of(state, play.program) +
                           "` for an answer that nobody can give: it is ended"});
      state.silence.reset();
    }
    // Each run begins with nothing remembered.
    play.forget_answers();
    state.run_of = due.due.unix_ms != 0 ? due.due : play.event.at;
    play.jump(branch);
    play.run();
    return;
  }
  if (state.unreachable) return;
  if (!due.resting_in.empty()) {
    const BranchId in = branch_by_name(play.program, due.resting_in);
    const std::string place = place_of(state, play.program);
    if (!in || place.substr(0, place.find('/')) != play.program.branch(in).name) return;
    // Only who was asked something can have stopped answering.
    using For = Waiting::For;
    const For what = state.waiting.what;
    if (what != For::Answer && what != For::Choice && what != For::Confirmation && what != For::Talk) return;
  }
  if (people_talk(play)) {
    play.effect(WriteLog{"the schedule `" + due.schedule + "` came due while people have the dialog: it is dropped"});
    return;
  }
  begin_beside(play, branch);
}

void take_over_schedules(Play& play) {
  State& state = play.state;
  for (auto one = state.scheduled.begin(); one != state.scheduled.end();) {
    const BranchId branch = branch_by_name(play.program, one->second);
    if (branch) {
      one->second = play.program.branch(branch).name;
      ++one;
      continue;
    }
    const std::string place = place_of(state, play.program);
    play.effect(Relocated{place, place,
                          "the branch `" + one->second + "` that was scheduled as `" + one->first +
                              "` is gone: it will not begin"});
    state.timers.erase(std::string(kScheduleTimer) + one->first);
    one = state.scheduled.erase(one);
  }
}

}  // namespace sufler

#include "interpreter/core/step.h"

#include "interpreter/core/failed_turn.h"
#include "interpreter/core/jobs.h"
#include "interpreter/core/play.h"
#include "interpreter/core/relocation.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {
namespace {

void hear_reachability(Play& play, const Reachability& reachability) {
  play.state.unreachable = !reachability.reachable;
  if (play.state.unreachable && play.state.relay) leave_relay(play, false, {});
}

void hear_too_many(Play& play) {
  if (!play.state.silence) play.say_phrase(Phrase::TooFast);
}

/// Nothing will end this rest: nobody must wait for that.
void lose_rest(Play& play, std::uint64_t serial) {
  lose_job(play, serial);
  State& state = play.state;
  const auto pauses = [&](const Waiting& waiting) {
    return waiting.what == Waiting::For::Pause && waiting.serial == serial;
  };
  if (pauses(state.waiting)) play.leave_rest();
  for (Waiting& waiting : state.interrupted)
    if (pauses(waiting)) waiting.candidate = Value(true);  // goes on as soon as the command is done
  std::erase_if(state.timers, [&](const auto& timer) {
    if (timer.second.serial != serial) return false;
    if (is_schedule_timer(timer.first)) state.scheduled.erase(timer.first.substr(kScheduleTimer.size()));
    return true;
  });
}

/// The shell gave the event up: the person hears of it, and the dialog lives on.
void hear_failure(Play& play, const TurnFailed& failed) {
  const bool kept = failed.rest == kKeptMessage;
  if (kept && !play.state.kept.empty()) play.state.kept.erase(play.state.kept.begin());
  if (play.state.silence) {
    play.effect(ReportFault{failed.reason, {}});
    return;
  }
  if (failed.rest != 0 && !kept) lose_rest(play, failed.rest);
  play.fail(failed.reason);
  play.run();
}

/// Whether the event came from outside: all but what a job, a table or a fault of the dialog's own gives it.
bool is_news(const Event& event) {
  if (const auto* timer = std::get_if<TimerDue>(&event.what)) return !timer->name.starts_with("job");
  return !std::holds_alternative<JobDone>(event.what) && !std::holds_alternative<TableAnswer>(event.what) &&
         !std::holds_alternative<DeskAnswer>(event.what) && !std::holds_alternative<TurnFailed>(event.what);
}

void dispatch(Play& play, const Event& event) {
  if (is_news(event)) play.state.jobs_in_a_row = 0;
  if (const auto* message = std::get_if<UserMessage>(&event.what)) {
    hear_message(play, *message);
  } else if (const auto* press = std::get_if<ButtonPress>(&event.what)) {
    hear_press(play, *press);
  } else if (const auto* timer = std::get_if<TimerDue>(&event.what)) {
    // In silence only what was scheduled is looked at, to say that it is dropped.
    if (!play.state.silence || is_schedule_timer(timer->name)) play.timer_due(*timer);
  } else if (const auto* staff = std::get_if<StaffMessage>(&event.what)) {
    hear_staff(play, *staff);
  } else if (const auto* reachability = std::get_if<Reachability>(&event.what)) {
    hear_reachability(play, *reachability);
  } else if (const auto* answer = std::get_if<TableAnswer>(&event.what)) {
    resume_table(play, *answer);
  } else if (const auto* failed = std::get_if<TurnFailed>(&event.what)) {
    hear_failure(play, *failed);
  } else if (const auto* call = std::get_if<StaffCall>(&event.what)) {
    hear_staff_call(play, *call);
  } else if (const auto* desk = std::get_if<DeskAnswer>(&event.what)) {
    resume_desk(play, *desk);
  } else if (const auto* news = std::get_if<TicketNews>(&event.what)) {
    hear_ticket_news(play, *news);
  } else if (const auto* done = std::get_if<JobDone>(&event.what)) {
    hear_job_done(play, *done);
  } else if (std::holds_alternative<HearKept>(event.what)) {
    hear_kept(play);
  } else if (const auto* schedule = std::get_if<ScheduleDue>(&event.what)) {
    hear_schedule(play, *schedule);
  } else if (const auto* broadcast = std::get_if<BroadcastDue>(&event.what)) {
    hear_broadcast(play, *broadcast);
  } else if (const auto* ended = std::get_if<BroadcastEnded>(&event.what)) {
    hear_broadcast_ended(play, *ended);
  } else if (const auto* happened = std::get_if<Happened>(&event.what)) {
    hear_happening(play, *happened);
  } else if (const auto* crm = std::get_if<CrmNews>(&event.what)) {
    hear_crm(play, *crm);
  } else if (std::holds_alternative<TooMany>(event.what)) {
    hear_too_many(play);
  }
  if (play.fault) play.run();
}

}  // namespace

Turn step(const Program& program, State state, UserRecord user, const Surroundings& surroundings,
          const Event& event) {
  Play play(program, std::move(state), std::move(user), surroundings, event);
  take_over_dialog(play);
  // What the move began may wait for the database: the event comes again when that is over.
  play.turn.unheard = play.turn.asks || play.turn.asks_desk;
  if (!play.turn.unheard) dispatch(play, event);
  if (!play.turn.asks && !play.turn.asks_desk) show_news(play);
  play.finish();
  return std::move(play.turn);
}

Turn move_to_version(const Program& program, State state, UserRecord user, const Surroundings& surroundings, Moment at,
                     std::uint64_t seed) {
  const Event event{at, seed, TimerDue{}};
  Play play(program, std::move(state), std::move(user), surroundings, event);
  take_over_dialog(play);
  play.finish();
  return std::move(play.turn);
}

Result<RichText, std::string> render_for(const Program& program, State state, UserRecord user,
                                         const Surroundings& surroundings, Moment at, const Text& text) {
  const Event event{at, 0, TimerDue{}};
  Play play(program, std::move(state), std::move(user), surroundings, event);
  RichText said;
  if (!play.render(text, said)) return Error{play.fault ? play.fault->reason : std::string("a text cannot be made")};
  return said;
}

Result<bool, std::string> holds_for(const Program& program, UserRecord user, const Surroundings& surroundings, Moment at,
                                    const Expression& condition, const ValueMap* values) {
  const Event event{at, 0, TimerDue{}};
  Play play(program, State{}, std::move(user), surroundings, event);
  static const ValueMap kNone;
  const ExtraNames names(play.scope, values ? *values : kNone);
  Value value;
  if (!play.evaluate(condition, value)) return Error{play.fault ? play.fault->reason : std::string("it cannot be told")};
  return value.truthy();
}

BranchId Program::find_branch(std::string_view name) const {
  if (!branch_names.empty()) {
    const auto found = branch_names.find(std::string(name));
    return found == branch_names.end() ? BranchId{} : found->second;
  }
  for (std::size_t i = 0; i < branches.size(); ++i) {
    if (branches[i].name == name) return BranchId{static_cast<std::uint32_t>(i)};
  }
  return {};
}

}  // namespace sufler

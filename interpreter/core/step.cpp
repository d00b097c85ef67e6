#include "interpreter/core/step.h"

#include "interpreter/core/play.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {
namespace {

void hear_reachability(Play& play, const Reachability& reachability) {
  play.state.unreachable = !reachability.reachable;
}

void hear_too_many(Play& play) {
  if (!play.state.silence) play.say_phrase(Phrase::TooFast);
}

/// The shell gave the event up: the person hears of it, and the dialog lives on.
void hear_failure(Play& play, const TurnFailed& failed) {
  if (play.state.silence) {
    play.effect(ReportFault{failed.reason, {}});
    return;
  }
  play.fail(failed.reason);
  play.run();
}

void dispatch(Play& play, const Event& event) {
  if (const auto* message = std::get_if<UserMessage>(&event.what)) {
    hear_message(play, *message);
  } else if (const auto* press = std::get_if<ButtonPress>(&event.what)) {
    hear_press(play, *press);
  } else if (const auto* timer = std::get_if<TimerDue>(&event.what)) {
    if (!play.state.silence) play.timer_due(*timer);
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
  } else if (std::holds_alternative<TooMany>(event.what)) {
    hear_too_many(play);
  }
  if (play.fault) play.run();
}

}  // namespace

Turn step(const Program& program, State state, UserRecord user, const Surroundings& surroundings,
          const Event& event) {
  Play play(program, std::move(state), std::move(user), surroundings, event);
  dispatch(play, event);
  play.finish();
  return std::move(play.turn);
}

BranchId Program::find_branch(std::string_view name) const {
  for (std::size_t i = 0; i < branches.size(); ++i) {
    if (branches[i].name == name) return BranchId{static_cast<std::uint32_t>(i)};
  }
  return {};
}

}  // namespace sufler

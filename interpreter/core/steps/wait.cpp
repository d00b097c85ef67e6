#include "interpreter/core/steps/steps.h"

namespace sufler {

bool moment_of(Play& play, const Expression& expression, std::optional<Moment>& due, PassedTime passed) {
  Value value;
  if (!play.evaluate(expression, value)) return false;
  const Zone& zone = play.program.zone;
  const LocalTime now = zone.to_local(play.event.at);
  const auto at_time = [&](TimeOfDay time) {
    const Moment today = zone.to_moment({now.date, time});
    if (passed == PassedTime::Today || play.event.at < today) return today;
    return zone.to_moment({Date{now.date.days_since_epoch + 1}, time});
  };
  if (value.is_null()) {
    due.reset();
  } else if (const Moment* moment = value.moment()) {
    due = *moment;
  } else if (const Date* date = value.date()) {
    due = zone.to_moment({*date, {}});
  } else if (const TimeOfDay* time = value.time()) {
    due = at_time(*time);
  } else if (const std::string* text = value.text()) {
    if (const auto time_of_day = TimeOfDay::parse(*text)) {
      due = at_time(*time_of_day);
    } else if (const auto local = LocalTime::parse_iso(*text)) {
      due = zone.to_moment(*local);
    } else if (const auto day = Date::parse_iso(*text)) {
      due = zone.to_moment({*day, {}});
    } else {
      return play.fail("`" + *text + "` is no moment to wait for");
    }
  } else {
    return play.fail("`" + expression.source() + "` gives no moment to wait for");
  }
  return true;
}

bool duration_of(Play& play, const Expression& expression, std::optional<Duration>& duration) {
  Value value;
  duration.reset();
  if (!play.evaluate(expression, value)) return false;
  if (const Duration* given = value.duration()) {
    duration = *given;
  } else if (const std::string* text = value.text()) {
    const auto parsed = Duration::parse(*text);
    if (!parsed) return play.fail("`" + *text + "` is no length of time");
    duration = parsed;
  } else if (!value.is_null()) {
    return play.fail("`" + expression.source() + "` gives no length of time");
  }
  return true;
}

Flow play_verb(Play& play, StepId id, const Step&, const Wait& wait) {
  Moment due = play.event.at;
  if (wait.until) {
    std::optional<Moment> until;
    if (!moment_of(play, *wait.until, until)) return Flow::Next;
    due = until.value_or(play.event.at);
  } else {
    std::optional<Duration> duration = wait.duration;
    if (wait.duration_expression && !duration_of(play, *wait.duration_expression, duration)) return Flow::Next;
    due = later(play.event.at, duration.value_or(Duration{}));
  }
  if (due <= play.event.at) return Flow::Next;
  due = later(play.event.at, Duration{due.unix_ms - play.event.at.unix_ms});
  Waiting waiting;
  waiting.what = Waiting::For::Pause;
  waiting.step = id;
  waiting.serial = play.next_serial();
  Moment& run = play.state.run_of;
  if (run.unix_ms != 0) run = wait.until ? due : later(run, Duration{due.unix_ms - play.event.at.unix_ms});
  play.rest(std::move(waiting));
  play.set_timer("pause", due);
  return Flow::Rest;
}

}  // namespace sufler

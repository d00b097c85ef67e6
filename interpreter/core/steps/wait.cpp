#include "interpreter/core/steps/steps.h"

namespace sufler {
namespace {

/// A moment, a day (its beginning), a time of today, or either as text.
bool moment_of(Play& play, const Expression& expression, Moment& due) {
  Value value;
  if (!play.evaluate(expression, value)) return false;
  const Zone& zone = play.program.zone;
  const LocalTime now = zone.to_local(play.event.at);
  if (value.is_null()) {
    due = play.event.at;
  } else if (const Moment* moment = value.moment()) {
    due = *moment;
  } else if (const Date* date = value.date()) {
    due = zone.to_moment({*date, {}});
  } else if (const TimeOfDay* time = value.time()) {
    due = zone.to_moment({now.date, *time});
  } else if (const std::string* text = value.text()) {
    if (const auto time_of_day = TimeOfDay::parse(*text)) {
      due = zone.to_moment({now.date, *time_of_day});
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

bool duration_of(Play& play, const Expression& expression, Duration& duration) {
  Value value;
  if (!play.evaluate(expression, value)) return false;
  if (const Duration* given = value.duration()) {
    duration = *given;
  } else if (const std::string* text = value.text()) {
    const auto parsed = Duration::parse(*text);
    if (!parsed) return play.fail("`" + *text + "` is no length of time");
    duration = *parsed;
  } else if (!value.is_null()) {
    return play.fail("`" + expression.source() + "` gives no length of time");
  }
  return true;
}

}  // namespace

Flow play_verb(Play& play, StepId id, const Step&, const Wait& wait) {
  Moment due = play.event.at;
  if (wait.until) {
    if (!moment_of(play, *wait.until, due)) return Flow::Next;
  } else {
    Duration duration = wait.duration.value_or(Duration{});
    if (wait.duration_expression && !duration_of(play, *wait.duration_expression, duration)) return Flow::Next;
    due = later(play.event.at, duration);
  }
  if (due <= play.event.at) return Flow::Next;
  due = later(play.event.at, Duration{due.unix_ms - play.event.at.unix_ms});
  Waiting waiting;
  waiting.what = Waiting::For::Pause;
  waiting.step = id;
  waiting.serial = play.next_serial();
  play.rest(std::move(waiting));
  play.set_timer("pause", due);
  return Flow::Rest;
}

}  // namespace sufler

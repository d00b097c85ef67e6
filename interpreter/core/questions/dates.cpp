#include "interpreter/core/questions/kinds.h"
#include "interpreter/core/reading/dates.h"

namespace sufler {
namespace {

/// A question whose latest day has passed asks about the past: a birthday.
Direction direction_of(const Question& question, const LocalTime& now) {
  return question.latest && *question.latest <= now.date ? Direction::Past : Direction::Future;
}

std::optional<Reading> refuse_out_of_range(const Question& question, Date date) {
  if (!(question.earliest && date < *question.earliest) && !(question.latest && date > *question.latest))
    return std::nullopt;
  ValueMap bounds;
  bounds.set("min", question.earliest ? Value(*question.earliest) : Value());
  bounds.set("max", question.latest ? Value(*question.latest) : Value());
  return Reading::refuse(Phrase::InvalidRange, std::move(bounds));
}

}  // namespace

Reading read_date_answer(Play& play, const Question& question) {
  const LocalTime now = local_now(play);
  const auto date = read_date(play.heard.text, now, play.program.language, direction_of(question, now));
  if (!date) return Reading::refuse(Phrase::InvalidDate);
  if (auto refusal = refuse_out_of_range(question, *date)) return *refusal;
  return Reading::of(*date);
}

Reading read_time_answer(Play& play, const Question&) {
  const auto time = read_time(play.heard.text, local_now(play), play.program.language);
  if (!time) return Reading::refuse(Phrase::InvalidTime);
  return Reading::of(*time);
}

Reading read_datetime_answer(Play& play, const Question& question) {
  const LocalTime now = local_now(play);
  const auto when = read_datetime(play.heard.text, now, play.program.language, direction_of(question, now));
  if (!when) return Reading::refuse(Phrase::InvalidDateTime);
  if (auto refusal = refuse_out_of_range(question, when->date)) return *refusal;
  return Reading::of(play.program.zone.to_moment(*when));
}

}  // namespace sufler

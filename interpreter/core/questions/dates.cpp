#include <type_traits>

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

/// The different readings of an unclear answer, as far as the question allows them.
template <class Moments, class ToValue, class Label>
Reading offer_moments(const Question& question, Phrase why, const Moments& readings, ToValue to_value, Label label) {
  Reading offer = Reading::refuse(why);
  std::optional<Reading> refusal;
  for (const auto& one : readings) {
    if constexpr (!std::is_same_v<std::decay_t<decltype(one)>, TimeOfDay>) {
      Date date;
      if constexpr (std::is_same_v<std::decay_t<decltype(one)>, Date>) {
        date = one;
      } else {
        date = one.date;
      }
      if (auto refused = refuse_out_of_range(question, date)) {
        refusal = std::move(refused);
        continue;
      }
    }
    offer.offered.push_back({to_value(one), label(one)});
  }
  // All of them too early, or too late: that is what the person should know.
  return offer.offered.empty() && refusal ? *refusal : offer;
}

std::string shown_date(Date date, Language language) {
  return format_date(date, language, language == Language::Russian ? "d MMMM y, EEEE" : "EEEE, MMMM d, y");
}

std::string shown_datetime(const LocalTime& local, Language language) {
  return shown_date(local.date, language) + ", " + format_time(local.time);
}

}  // namespace

Reading read_date_answer(Play& play, const Question& question) {
  const LocalTime now = local_now(play);
  const auto date = read_date(play.heard.text, now, play.program.language, direction_of(question, now));
  if (!date) {
    return offer_moments(
        question, Phrase::InvalidDate,
        date_readings(play.heard.text, now, play.program.language, direction_of(question, now)),
        [](Date one) { return Value(one); }, [&](Date one) { return shown_date(one, play.program.language); });
  }
  if (auto refusal = refuse_out_of_range(question, *date)) return *refusal;
  return Reading::of(*date);
}

Reading read_time_answer(Play& play, const Question& question) {
  const auto time = read_time(play.heard.text, local_now(play), play.program.language);
  if (!time) {
    return offer_moments(
        question, Phrase::InvalidTime, time_readings(play.heard.text, local_now(play), play.program.language),
        [](TimeOfDay one) { return Value(one); }, [](TimeOfDay one) { return format_time(one); });
  }
  return Reading::of(*time);
}

Reading read_datetime_answer(Play& play, const Question& question) {
  const LocalTime now = local_now(play);
  const auto when = read_datetime(play.heard.text, now, play.program.language, direction_of(question, now));
  if (!when) {
    return offer_moments(
        question, Phrase::InvalidDateTime,
        datetime_readings(play.heard.text, now, play.program.language, direction_of(question, now)),
        [&](const LocalTime& one) { return Value(play.program.zone.to_moment(one)); },
        [&](const LocalTime& one) { return shown_datetime(one, play.program.language); });
  }
  if (auto refusal = refuse_out_of_range(question, when->date)) return *refusal;
  return Reading::of(play.program.zone.to_moment(*when));
}

}  // namespace sufler

#include "interpreter/core/questions/kinds.h"
#include "interpreter/core/money.h"
#include "interpreter/core/reading/numbers.h"

namespace sufler {
namespace {

/// A number that was read as the answer, or why it is none.
Reading take_number(const Question& question, const Decimal& number) {
  if (question.integer && !number.is_integer()) return Reading::refuse(Phrase::InvalidInteger);
  if (auto refusal = refuse_out_of_range(question, number)) return *refusal;
  return Reading::of(number);
}

/// What an unclear answer may mean, as far as the question allows it; of one impossible reading the reason is told.
template <class Label>
Reading offer_numbers(const Question& question, Phrase why, const NumberReadings& readings, Label label) {
  Reading offer = Reading::refuse(why);
  offer.of_many = readings.of_many;
  for (const Decimal& value : readings.values) {
    const Reading taken = take_number(question, value);
    if (taken.taken) offer.offered.push_back({taken.value, label(value)});
    if (!taken.taken && readings.values.size() == 1) return taken;
  }
  return offer;
}

}  // namespace

std::optional<Reading> refuse_out_of_range(const Question& question, const Decimal& number, Phrase why) {
  const bool within = !(question.min && number < *question.min) && !(question.max && number > *question.max);
  if (within) return std::nullopt;
  ValueMap bounds;
  bounds.set("min", question.min ? Value(*question.min) : Value());
  bounds.set("max", question.max ? Value(*question.max) : Value());
  return Reading::refuse(why, std::move(bounds));
}

Reading read_number_answer(Play& play, const Question& question) {
  const auto found = read_number(play.heard.text, play.program.language);
  if (found) return take_number(question, found->value);
  return offer_numbers(question, Phrase::InvalidNumber, number_readings(play.heard.text, play.program.language),
                       [&](const Decimal& value) { return format_grouped(value, play.program.language); });
}

Reading read_money_answer(Play& play, const Question& question) {
  const auto money = read_money(play.heard.text, play.program.language);
  if (money) return take_number(question, money->amount);
  const NumberReadings readings = money_readings(play.heard.text, play.program.language);
  const std::string currency =
      readings.currency.empty() ? std::string(play.scope.default_currency()) : readings.currency;
  return offer_numbers(question, Phrase::InvalidMoney, readings, [&](const Decimal& value) {
    return format_money(value, currency, play.program.language);
  });
}

std::string show_money(Play& play, const Value& answer) {
  const Decimal* amount = answer.number();
  return amount ? format_money(*amount, play.scope.default_currency(), play.program.language) : to_display(answer, play.scope.locale());
}

Reading read_rating(Play& play, const Question& question) {
  const auto found = read_number(play.heard.text, play.program.language);
  const Decimal lowest = question.min.value_or(Decimal(1));
  const Decimal highest = question.max.value_or(Decimal(5));
  if (!found || !found->value.is_integer() || found->value < lowest || found->value > highest)
    return Reading::refuse(Phrase::InvalidRating);
  return Reading::of(found->value);
}

}  // namespace sufler

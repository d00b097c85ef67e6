#include "interpreter/core/questions/kinds.h"
#include "interpreter/core/reading/numbers.h"

namespace sufler {

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
  if (!found) return Reading::refuse(Phrase::InvalidNumber);
  if (question.integer && !found->value.is_integer()) return Reading::refuse(Phrase::InvalidInteger);
  if (auto refusal = refuse_out_of_range(question, found->value)) return *refusal;
  return Reading::of(found->value);
}

Reading read_money_answer(Play& play, const Question& question) {
  const auto money = read_money(play.heard.text, play.program.language);
  if (!money) return Reading::refuse(Phrase::InvalidMoney);
  if (question.integer && !money->amount.is_integer()) return Reading::refuse(Phrase::InvalidInteger);
  if (auto refusal = refuse_out_of_range(question, money->amount)) return *refusal;
  return Reading::of(money->amount);
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

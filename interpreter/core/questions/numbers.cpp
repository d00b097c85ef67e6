#include "interpreter/core/questions/kinds.h"
#include "interpreter/core/reading/numbers.h"

namespace sufler {

bool in_range(const Question& question, const Decimal& number) {
  return !(question.min && number < *question.min) && !(question.max && number > *question.max);
}

Reading read_number_answer(Play& play, const Question& question) {
  const auto found = read_number(play.heard.text, play.program.language);
  if (!found) return Reading::refuse(Phrase::InvalidNumber);
  if (question.integer && !found->value.is_integer()) return Reading::refuse(Phrase::InvalidInteger);
  if (!in_range(question, found->value)) return Reading::refuse(Phrase::InvalidRange);
  return Reading::of(found->value);
}

Reading read_money_answer(Play& play, const Question& question) {
  const auto money = read_money(play.heard.text, play.program.language);
  if (!money) return Reading::refuse(Phrase::InvalidMoney);
  if (!in_range(question, money->amount)) return Reading::refuse(Phrase::InvalidRange);
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

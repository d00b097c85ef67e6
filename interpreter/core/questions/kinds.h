#pragma once
#include "interpreter/core/questions/questions.h"

/// The readers behind `kind_of_type`; each reads `play.heard`.
namespace sufler {

Reading read_text(Play& play, const Question& question);
Reading read_name_answer(Play& play, const Question& question);
Reading read_number_answer(Play& play, const Question& question);
Reading read_money_answer(Play& play, const Question& question);
Reading read_rating(Play& play, const Question& question);
Reading read_phone_answer(Play& play, const Question& question);
Reading read_contact(Play& play, const Question& question);
Reading read_email_answer(Play& play, const Question& question);
Reading read_url_answer(Play& play, const Question& question);
Reading read_date_answer(Play& play, const Question& question);
Reading read_time_answer(Play& play, const Question& question);
Reading read_datetime_answer(Play& play, const Question& question);
Reading read_yes_no_answer(Play& play, const Question& question);
Reading read_choice(Play& play, const Question& question);
Reading read_location(Play& play, const Question& question);
Reading read_photo(Play& play, const Question& question);
Reading read_file(Play& play, const Question& question);
Reading read_any(Play& play, const Question& question);

std::string show_money(Play& play, const Value& answer);
std::string show_phone(Play& play, const Value& answer);

Flow collect_choices(Play& play, const Question& question, const Input& input);
Flow collect_files(Play& play, const Question& question, const Input& input);

std::vector<OwnButton> yes_no_buttons(const Question& question);
std::vector<OwnButton> done_button(const Question& question);
std::vector<OwnButton> contact_button(const Question& question);
std::vector<OwnButton> location_button(const Question& question);

}  // namespace sufler

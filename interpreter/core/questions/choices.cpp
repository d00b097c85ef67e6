// One of several options, or several of them. A reply keyboard shows no marks, so after every toggle the person
// is told what is chosen by now: in the notice of a pressed button, in a short message after a typed label.
#include <algorithm>

#include "interpreter/core/questions/kinds.h"
#include "interpreter/core/reading/choice.h"

namespace sufler {
namespace {

List chosen_values(const Question& question, const Waiting& waiting) {
  List values;
  for (std::size_t i = 0; i < waiting.shown.size(); ++i) {
    if (std::find(waiting.collected.begin(), waiting.collected.end(), Value(static_cast<std::int64_t>(i))) !=
        waiting.collected.end())
      values.push_back(value_at(question.buttons, waiting.shown, waiting.values, i));
  }
  return values;
}

std::string chosen_labels(const Waiting& waiting) {
  std::string labels;
  for (std::size_t i = 0; i < waiting.shown.size(); ++i) {
    if (std::find(waiting.collected.begin(), waiting.collected.end(), Value(static_cast<std::int64_t>(i))) ==
        waiting.collected.end())
      continue;
    if (!labels.empty()) labels += ", ";
    if (waiting.shown[i].text()) labels += *waiting.shown[i].text();
  }
  return labels;
}

void toggle(Waiting& waiting, std::size_t position) {
  const Value index(static_cast<std::int64_t>(position));
  const auto known = std::find(waiting.collected.begin(), waiting.collected.end(), index);
  if (known != waiting.collected.end()) {
    waiting.collected.erase(known);
  } else {
    waiting.collected.push_back(index);
  }
}

RichText told_choices(Play& play, const Question& question) {
  std::string labels = chosen_labels(play.state.waiting);
  if (question.secret && !labels.empty()) play.hide(labels);
  ValueMap names;
  names.set("chosen", std::move(labels));
  return play.phrase(Phrase::Chosen, &names);
}

Flow finish_choices(Play& play, const Question& question) {
  List values = chosen_values(question, play.state.waiting);
  const Decimal count(static_cast<std::int64_t>(values.size()));
  if (values.empty() && !question.optional && !question.min)
    return refuse(play, question, Reading::refuse(Phrase::InvalidChoices));
  if (auto refusal = refuse_out_of_range(question, count, Phrase::InvalidChosen)) {
    refusal->details.set("count", count);
    return refuse(play, question, *refusal);
  }
  if (play.traces()) {
    const Waiting& waiting = play.state.waiting;
    for (const Value& chosen : waiting.collected) {
      const auto position = chosen.number() ? chosen.number()->to_int64() : std::nullopt;
      if (!position || *position < 0) continue;
      Way way = way_of_option(waiting.step, question.buttons, waiting.values, static_cast<std::size_t>(*position));
      way.question = play.way_of_rest(way.what).question;
      play.note(way, question.secret ? Value("•••")
                                     : Value(label_at(waiting.shown, static_cast<std::size_t>(*position))));
    }
  }
  return take_value(play, question, std::move(values));
}

}  // namespace

Reading read_choice(Play&, const Question& question) {
  return Reading::refuse(question.type == QuestionType::Choices ? Phrase::InvalidChoices
                                                                : Phrase::InvalidChoice);
}

std::vector<OwnButton> done_button(const Question&) { return {{Phrase::Done, 'd'}}; }

Flow collect_choices(Play& play, const Question& question, const Input& input) {
  Waiting& waiting = play.state.waiting;
  const std::string_view text = trim(play.heard.text);
  const bool done = input.code == 'd' ||
                    (!input.pressed() && !text.empty() && fold(text) == fold(play.phrase_text(Phrase::Done)));
  if (done) return finish_choices(play, question);
  if (input.position) {
    if (*input.position < waiting.shown.size()) toggle(waiting, *input.position);
    play.answer_press(told_choices(play, question).text);
    return Flow::Rest;
  }
  if (const auto position = find_label(text, waiting.shown)) {
    toggle(waiting, *position);
    tell(play, told_choices(play, question));
    return Flow::Rest;
  }
  std::vector<std::string> labels;
  for (const Value& label : waiting.shown) labels.push_back(label.text() ? *label.text() : std::string());
  const auto several = match_choices(text, labels);
  if (!several || several->empty()) return refuse(play, question, Reading::refuse(Phrase::InvalidChoices));
  waiting.collected.clear();
  for (const std::size_t position : *several) waiting.collected.emplace_back(static_cast<std::int64_t>(position));
  return finish_choices(play, question);
}

}  // namespace sufler

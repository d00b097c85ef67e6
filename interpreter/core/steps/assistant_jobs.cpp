// assistant, with `do`: one job of a model. It classifies, extracts or writes, and what it gives is checked as an answer.
#include <algorithm>
#include <utility>

#include "interpreter/core/assistants/asking.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {
namespace {

using Task = AssistantStep::Task;

std::string rules_of(const Play& play, const AssistantStep& step) {
  std::string rules;
  switch (step.task) {
    case Task::Classify: {
      rules = in_words(play, "Say which of these the text means. Answer with JSON {\"answer\": …}, exactly one of: ",
                       "Определи, что из этого значит текст. Ответь в JSON {\"answer\": …}, ровно одно из: ");
      for (std::size_t i = 0; i < step.of.size(); ++i) rules += (i ? ", " : "") + std::string("\"") + step.of[i] + "\"";
      break;
    }
    case Task::Extract:
      rules = in_words(play, "Take the fields out of the text and answer with JSON. What the text does not say is null: do not guess.",
                       "Достань из текста поля и ответь в JSON. Чего в тексте нет, то null: не придумывай.");
      break;
    default: break;
  }
  return rules;
}

/// What is read: the step's text, or the message.
bool text_of(Play& play, const AssistantStep& step, std::string& text) {
  if (step.text) return render_raw(play, *step.text, text);
  text = play.heard.text;
  return true;
}

Flow leave(Play& play, StepId id, const AssistantStep& step, std::string_view why) {
  if (!step.into.empty() && !play.set_variable(step.into, Value())) return Flow::Next;
  for (const QuestionId field : step.fields)
    if (!play.set_variable(play.program.question(field).name, Value())) return Flow::Next;
  give_up(play, id, play.program.assistant(step.assistant), step.otherwise, why);
  return Flow::Next;
}

std::optional<std::string> chosen(const AssistantStep& step, const std::string& answer) {
  std::string told(trim(answer));
  if (const auto object = object_in(told)) {
    const Value* inner = object->find("answer");
    if (!inner || !inner->text()) return std::nullopt;
    told = *inner->text();
  }
  const std::string folded = fold(told);
  for (const std::string& one : step.of)
    if (one == told || fold(one) == folded) return one;
  return std::nullopt;
}

Flow take_fields(Play& play, StepId id, const AssistantStep& step, const std::string& text) {
  const auto object = object_in(text);
  if (!object) return leave(play, id, step, "bad_answer: no JSON object");
  for (const QuestionId field : step.fields) {
    const Question& question = play.program.question(field);
    const Value* told = object->find(question.name);
    auto value = told ? read_told(play, question, *told) : std::nullopt;
    if (question.secret && value) play.hide(*value);
    if (!play.set_variable(question.name, value ? std::move(*value) : Value())) return Flow::Next;
  }
  return Flow::Next;
}

}  // namespace

Flow begin_assistant_job(Play& play, StepId id, const AssistantStep& step) {
  const Assistant& assistant = play.program.assistant(step.assistant);
  if (!count_message(play, assistant)) return leave(play, id, step, "the person has used up `per_user`");
  ModelRequest request;
  if (!begin_request(play, assistant, rules_of(play, step), request)) return leave(play, id, step, "the instructions cannot be made");
  std::string text;
  if (step.task == Task::Write) {
    if (step.prompt && !render_raw(play, *step.prompt, text)) return leave(play, id, step, "`prompt` cannot be made");
    request.messages.push_back({RequestMessage::Role::User, cleaned(text, kMostHeard * 4), {}, {}});
  } else {
    if (!text_of(play, step, text)) return leave(play, id, step, "`text` cannot be made");
    if (trim(text).empty()) return leave(play, id, step, "there is no text to read");
    request.messages.push_back({RequestMessage::Role::User, data_block(in_words(play, "text", "текст"), text, kMostHeard), {}, {}});
    request.schema = step.task == Task::Classify ? schema_of_choice(step.of) : schema_of(play.program, step.fields);
  }
  Waiting waiting;
  waiting.step = id;
  return send_request(play, std::move(waiting), assistant, std::move(request));
}

Flow take_assistant_job(Play& play, StepId id, const AssistantStep& step, const Value& result, const std::string& error) {
  const Assistant& assistant = play.program.assistant(step.assistant);
  std::string why;
  const auto answer = take_answer(play, assistant, result, error, why);
  if (!answer) return leave(play, id, step, why);
  if (answer->text.empty()) return leave(play, id, step, "bad_answer: a call where a text was wanted");
  if (answer->cut && step.task != Task::Write) return leave(play, id, step, "bad_answer: it is cut");
  switch (step.task) {
    case Task::Classify: {
      const auto one = chosen(step, answer->text);
      if (!one) return leave(play, id, step, "bad_answer: none of `of`");
      if (!step.into.empty()) play.set_variable(step.into, Value(*one));
      return Flow::Next;
    }
    case Task::Extract: return take_fields(play, id, step, answer->text);
    default: {
      const std::string text = shown_answer(answer->text, assistant.links, play.phrase_text(Phrase::LinkRemoved), answer->cut);
      if (text.empty()) return leave(play, id, step, "bad_answer: nothing of it can be shown");
      if (!step.into.empty()) play.set_variable(step.into, Value(text));
      return Flow::Next;
    }
  }
}

}  // namespace sufler

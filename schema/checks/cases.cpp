// Cases of `match` that no answer of the matched question can be.
#include <algorithm>

#include "schema/loading.h"

namespace sufler {
namespace {

/// What an answer may be, when that is certain.
struct Answers {
  const Question* question = nullptr;
  bool open = false;  ///< something else may set the name, so nothing is certain
};

bool can_be(const Question& question, const Value& value, const Locale& locale) {
  switch (question.type) {
    case QuestionType::YesNo:
      return is_case_of(value, true, locale) || is_case_of(value, false, locale);
    case QuestionType::Number:
    case QuestionType::Money:
    case QuestionType::Rating: {
      if (!value.text()) return value.number() != nullptr;
      std::string digits = *value.text();
      std::replace(digits.begin(), digits.end(), ',', '.');
      const auto number = Decimal::parse(digits);
      return number && is_case_of(value, *number, locale);
    }
    case QuestionType::Choice: {
      if (question.buttons.from) return true;
      return std::any_of(question.buttons.options.begin(), question.buttons.options.end(),
                         [&](const Option& option) {
                           if (option.value) return is_case_of(value, *option.value, locale);
                           const auto& texts = option.label.any_of;
                           return texts.size() != 1 || !texts[0].is_constant() ||
                                  is_case_of(value, texts[0].source(), locale);
                         });
    }
    default:
      return true;
  }
}

}  // namespace

bool is_option(const Question& question, const Value& value) {
  if (question.buttons.from) return true;
  return std::any_of(question.buttons.options.begin(), question.buttons.options.end(),
                     [&value](const Option& option) {
                       if (option.value) return *option.value == value;
                       const auto& texts = option.label.any_of;
                       return texts.size() != 1 || !texts[0].is_constant() ||
                              Value(texts[0].source()) == value;
                     });
}

std::vector<std::string> option_values(const Question& question) {
  std::vector<std::string> known;
  for (const Option& option : question.buttons.options) {
    if (option.value && option.value->text()) known.push_back(*option.value->text());
    if (!option.value && option.label.any_of.size() == 1) known.push_back(option.label.any_of[0].source());
  }
  return known;
}

void check_cases(Loading& loading) {
  if (loading.cases.empty()) return;
  const Program& program = loading.program;
  std::unordered_map<std::string_view, Answers> answers;
  for (const Question& question : program.questions) {
    Answers& known = answers[question.name];
    known.open = known.question != nullptr;  // described twice: either may be meant
    known.question = &question;
  }
  const auto opened = [&](const std::vector<Assignment>& assignments) {
    for (const Assignment& one : assignments) {
      const auto found = answers.find(one.path[0]);
      if (one.path.size() == 1 && found != answers.end()) found->second.open = true;
    }
  };
  const auto opened_name = [&](const std::string& name) {
    const auto found = answers.find(name);
    if (found != answers.end()) found->second.open = true;
  };
  for (const Step& step : program.steps) {
    if (const auto* set = std::get_if<Set>(&step.verb)) opened(set->assignments);
    if (const auto* call = std::get_if<Call>(&step.verb)) opened(call->with), opened_name(call->into);
    if (const auto* find = std::get_if<Find>(&step.verb)) opened_name(find->into);
    if (const auto* count = std::get_if<Count>(&step.verb)) opened_name(count->into);
    if (const auto* save = std::get_if<Save>(&step.verb)) opened_name(save->into);
    if (const ServiceStep* service = service_of(step)) opened_name(service->into);
    if (const auto* assistant = std::get_if<AssistantStep>(&step.verb)) {
      opened_name(assistant->into);
      for (const QuestionId field : assistant->fields)
        if (field) opened_name(loading.program.question(field).name);
    }
    if (const auto* loop = std::get_if<For>(&step.verb)) opened_name(loop->name);
    if (const auto* choose = std::get_if<Choose>(&step.verb)) {
      opened_name(choose->into);
      for (const Option& option : choose->buttons.options) opened(option.set);
    }
  }
  for (const Command& command : program.commands) {
    for (const std::string& name : command.args) opened_name(name);
  }
  for (const auto& [step, node] : loading.cases) {
    const auto* match = std::get_if<Match>(&program.step(step).verb);
    if (!match || match->cases.size() != node->entries.size()) continue;
    const auto found = answers.find(trim(match->subject.source()));
    if (found == answers.end() || found->second.open || !found->second.question) continue;
    const Question& question = *found->second.question;
    for (std::size_t i = 0; i < match->cases.size(); ++i) {
      if (can_be(question, match->cases[i].value, {program.language, program.zone})) continue;
      const Node& key = node->entries[i].key;
      Diagnostic& problem = loading.report(DiagnosticId::CaseNeverMatches, key.span,
                                           {question.name, std::string(key.scalar)});
      if (question.type == QuestionType::YesNo) {
        hint(loading, problem, "the answer is true or false: write `%if%: " + question.name + "`",
             "ответ бывает только «да» или «нет»: напишите `%if%: " + question.name + "`");
        continue;
      }
      offer(loading, problem, key.scalar, option_values(question), false);
    }
  }
}

}  // namespace sufler

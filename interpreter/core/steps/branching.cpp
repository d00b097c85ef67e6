// if, match, for, set: the steps that only move the run on.
#include "interpreter/core/steps/steps.h"

namespace sufler {

Flow play_verb(Play& play, StepId id, const Step&, const If& condition) {
  Value value;
  if (!play.evaluate(condition.condition, value)) return Flow::Next;
  if (play.traces())
    play.note({value.truthy() ? Way::What::Then : Way::What::Else, id, {}, 0}, condition.condition, value);
  play.enter(value.truthy() ? condition.then_target : condition.else_target);
  return Flow::Next;
}

bool is_case_of(const Value& of_case, const Value& subject, const Locale& locale) {
  if (of_case == subject) return true;
  if (of_case.type() == subject.type() || of_case.is_null() || subject.is_null()) return false;
  if (subject.boolean() && of_case.text()) {
    // People write either word, in either language, as a boolean or as it is shown.
    const std::string word = fold(*of_case.text());
    return *subject.boolean() ? word == "да" || word == "yes" || word == "true" || word == "истина"
                              : word == "нет" || word == "no" || word == "false" || word == "ложь";
  }
  const auto is_one = [](const Value& value) { return !value.list() && !value.map() && !value.file(); };
  return is_one(subject) && to_display(of_case, locale) == to_display(subject, locale);
}

Flow play_verb(Play& play, StepId id, const Step&, const Match& match) {
  Value subject;
  if (!play.evaluate(match.subject, subject)) return Flow::Next;
  for (const Match::Case& one : match.cases) {
    if (!is_case_of(one.value, subject, play.scope.locale())) continue;
    if (play.traces()) {
      const auto index = static_cast<std::uint32_t>(&one - match.cases.data());
      play.note({Way::What::Case, id, {}, index}, match.subject, subject);
    }
    play.enter(one.target);
    return Flow::Next;
  }
  if (play.traces()) play.note({Way::What::Otherwise, id, {}, 0}, match.subject, subject);
  play.enter(match.otherwise);
  return Flow::Next;
}

Flow play_verb(Play& play, StepId, const Step&, const For& loop) {
  Value items;
  if (!play.evaluate(loop.in, items)) return Flow::Next;
  if (items.is_null()) return Flow::Next;
  if (!items.list()) {
    play.fail("`" + loop.in.source() + "` gives no list to go through");
    return Flow::Next;
  }
  if (items.list()->empty() || play.program.block(loop.body).steps.empty()) return Flow::Next;
  if (stored_size(items) > play.program.limits.state_bytes / 4) {
    play.fail("the list to go through is too large");
    return Flow::Next;
  }
  Frame frame;
  frame.kind = Frame::Kind::Loop;
  frame.block = loop.body;
  frame.items = *items.list();
  frame.into = loop.name;
  frame.locals.set(loop.name, frame.items.front());
  play.state.frames.push_back(std::move(frame));
  return Flow::Next;
}

Flow play_verb(Play& play, StepId, const Step&, const Set& set) {
  for (const Assignment& assignment : set.assignments) {
    if (!play.assign(assignment)) break;
  }
  return Flow::Next;
}

}  // namespace sufler

#include "interpreter/core/trace.h"

#include <type_traits>

#include "interpreter/core/crm/order.h"

namespace sufler {
namespace {

using What = Way::What;

class Collector {
 public:
  explicit Collector(const Program& program) : program_(program), asked_(program.questions.size(), false) {}

  std::vector<Way> collect() {
    ways_.reserve(program_.steps.size() * 2);
    for (std::uint32_t i = 0; i < program_.steps.size(); ++i) {
      const StepId step{i};
      add({What::Step, step, {}, 0});
      if (program_.steps[i].when) add({What::PassedOver, step, {}, 0});
      std::visit([&](const auto& verb) { add_ways(step, verb); }, program_.steps[i].verb);
    }
    for (std::uint32_t i = 0; i < program_.commands.size(); ++i) add({What::Command, {}, {}, i});
    return std::move(ways_);
  }

 private:
  void add(const Way& way) { ways_.push_back(way); }

  void add_buttons(StepId step, QuestionId question, const Buttons& buttons) {
    for (std::uint32_t i = 0; i < buttons.options.size(); ++i) {
      const Option& option = buttons.options[i];
      // Nobody hears of a press of a link, and a shared contact or place is an answer like others.
      if (option.url || option.action == ButtonAction::Contact || option.action == ButtonAction::Location) continue;
      add({What::Option, step, question, i});
    }
    if (buttons.from) add({What::DataOption, step, question, 0});
  }

  void add_waits(StepId step, QuestionId question, const std::vector<Reminder>& reminders,
                 const std::optional<Timeout>& timeout) {
    for (std::uint32_t i = 0; i < reminders.size(); ++i) add({What::Reminder, step, question, i});
    if (timeout) add({What::Timeout, step, question, 0});
  }

  void add_question(QuestionId id) {
    if (asked_[id.value]) return;
    asked_[id.value] = true;
    const Question& question = program_.question(id);
    add({What::Answered, {}, id, 0});
    add_buttons({}, id, question.buttons);
    // Where the author wrote nothing about wrong answers there is nothing of theirs to try.
    if (question.invalid || question.check || !question.pattern.empty() || question.otherwise)
      add({What::Wrong, {}, id, 0});
    if (question.otherwise) add({What::Otherwise, {}, id, 0});
    if (question.optional) add({What::Skipped, {}, id, 0});
    if (question.ask_when) add({What::PassedOver, {}, id, 0});
    if (question.confirm) add({What::Declined, {}, id, 0});
    add_waits({}, id, question.reminders, question.timeout);
  }

  template <class Verb>
  void add_ways(StepId step, const Verb& verb) {
    if constexpr (std::is_same_v<Verb, Ask>) {
      for (const QuestionId question : verb.questions) add_question(question);
    } else if constexpr (std::is_same_v<Verb, Choose>) {
      add_buttons(step, {}, verb.buttons);
      if (verb.otherwise) add({What::Otherwise, step, {}, 0});
      add_waits(step, {}, verb.reminders, verb.timeout);
    } else if constexpr (std::is_same_v<Verb, Say> || std::is_same_v<Verb, Notify>) {
      if (verb.buttons) add_buttons(step, {}, *verb.buttons);
    } else if constexpr (std::is_same_v<Verb, If>) {
      add({What::Then, step, {}, 0});
      add({What::Else, step, {}, 0});  // also where the author wrote none: the condition is never false
    } else if constexpr (std::is_same_v<Verb, Match>) {
      for (std::uint32_t i = 0; i < verb.cases.size(); ++i) add({What::Case, step, {}, i});
      if (verb.otherwise) add({What::Otherwise, step, {}, 0});
    } else if constexpr (std::is_same_v<Verb, AssistantStep>) {
      const bool otherwise = verb.otherwise || program_.assistant(verb.assistant).otherwise;
      if (otherwise && verb.task != AssistantStep::Task::Forget) add({What::Otherwise, step, {}, 0});
    } else if constexpr (std::is_same_v<Verb, HandoffStep>) {
      for (std::uint32_t i = 0; i < kHandoffOutcomes; ++i)
        if (verb.outcomes[i]) add({What::Outcome, step, {}, i});
    } else if constexpr (std::is_base_of_v<ServiceStep, Verb>) {
      if constexpr (std::is_same_v<Verb, CrmStep>)
        if (!waits(verb)) return;
      add({What::Done, step, {}, 0});
      if (verb.on_error) add({What::Failed, step, {}, 0});
    } else if constexpr (std::is_same_v<Verb, Mail>) {
      if (verb.on_error) add({What::Done, step, {}, 0}), add({What::Failed, step, {}, 0});
    }
  }

  const Program& program_;
  std::vector<bool> asked_;
  std::vector<Way> ways_;
};

}  // namespace

Way key_of(Way way) {
  if (way.question) way.step = StepId{};
  if (way.what == What::DataOption) way.index = 0;
  return way;
}

std::vector<Way> ways_of(const Program& program) { return Collector(program).collect(); }

WayKind kind_of(const Way& way) {
  switch (way.what) {
    case What::Step: return WayKind::Step;
    case What::Option:
    case What::DataOption: return WayKind::Option;
    default: return WayKind::Outcome;
  }
}

}  // namespace sufler

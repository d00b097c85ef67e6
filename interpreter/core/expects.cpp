#include "interpreter/core/expects.h"

#include <unordered_map>

#include "interpreter/core/fnv.h"
#include "interpreter/core/options.h"

namespace sufler {
namespace {

// Behind the numbers of QuestionType, which begin at 1 here.
enum Kind : std::uint8_t { kChoose = 64, kWait, kHandoff, kTalk };

void add(Fnv1a& hash, const std::string& text) { hash.number(text.size()).bytes(text); }
void add(Fnv1a& hash, const std::optional<Expression>& expression) {
  hash.number(expression ? 1 : 0);
  if (expression) add(hash, expression->source());
}
void add(Fnv1a& hash, const Text& text) {
  hash.number(text.any_of.size());
  for (const Template& one : text.any_of) add(hash, one.source());
}
void add(Fnv1a& hash, const Program& program, const Target& target) {
  hash.number(target.go ? 1 : target.call ? 2 : target.steps ? 3 : 0);
  if (target.go) add(hash, program.branch(target.go).name);
  if (target.call) add(hash, program.branch(target.call).name);
}
void add(Fnv1a& hash, const Program& program, const Buttons& buttons) {
  hash.number(buttons.options.size()).number(buttons.is_inline ? 1 : 0);
  for (const Option& option : buttons.options) {
    add(hash, option.label);
    add(hash, program, option.target);
    add(hash, option.when);
    hash.number(option.value ? 1 : 0);
    if (option.value) add(hash, to_json(*option.value));
    hash.number(option.url ? 1 : 0).number(static_cast<std::uint64_t>(option.action));
  }
  hash.number(buttons.from ? 1 : 0);
  if (!buttons.from) return;
  add(hash, buttons.from->from.source());
  add(hash, buttons.from->label);
  add(hash, buttons.from->value);
}
void add(Fnv1a& hash, const std::optional<Decimal>& number) { add(hash, number ? number->to_string() : std::string()); }
void add(Fnv1a& hash, const std::optional<Date>& date) { add(hash, date ? to_json(Value(*date)) : std::string()); }

Expects of_question(const Program& program, const Question& question) {
  Fnv1a hash;
  add(hash, question.min);
  add(hash, question.max);
  add(hash, question.earliest);
  add(hash, question.latest);
  hash.number(question.integer ? 1 : 0);
  add(hash, question.pattern);
  hash.number(question.formats.size());
  for (const std::string& format : question.formats) add(hash, format);
  hash.number(static_cast<std::uint64_t>(question.max_bytes.value_or(-1)));
  add(hash, program, question.buttons);
  add(hash, question.default_value);
  add(hash, question.check);
  hash.number(question.confirm ? 1 : 0).number(question.gather ? 1 : 0);
  return {static_cast<std::uint8_t>(static_cast<unsigned>(question.type) + 1), question.optional, question.secret,
          hash.value()};
}

/// Marks of buttons under a `say` or a `notify`.
class SaidMarks {
 public:
  explicit SaidMarks(const Program& program) : program_(program) {}

  std::uint64_t of(const Step& step, const Buttons& buttons) {
    Fnv1a hash;
    const BranchId branch = step.block ? program_.block(step.block).branch : BranchId{};
    add(hash, branch ? program_.branch(branch).name : std::string());
    add(hash, program_, buttons);
    for (const Option& option : buttons.options)
      for (const Assignment& one : option.set) add(hash, one.value.source());
    // The same buttons twice in a branch are told apart by their order.
    const std::uint32_t before = seen_[hash.value()]++;
    return hash.number(before).value() >> 1 | 1;
  }

 private:
  const Program& program_;
  std::unordered_map<std::uint64_t, std::uint32_t> seen_;
};

Expects of_step(const Program& program, const Step& step) {
  Fnv1a hash;
  if (const auto* choose = std::get_if<Choose>(&step.verb)) {
    add(hash, program, choose->buttons);
    return {kChoose, false, false, hash.value()};
  }
  if (std::holds_alternative<Wait>(step.verb)) return {kWait, false, false, hash.value()};
  if (std::holds_alternative<HandoffStep>(step.verb)) return {kHandoff, false, false, hash.value()};
  if (std::holds_alternative<AssistantStep>(step.verb)) return {kTalk, false, false, hash.value()};
  return {};
}

}  // namespace

Expects expects_of(const Program& program, StepId id, std::uint32_t question) {
  if (id.value >= program.steps.size()) return {};
  const Step& step = program.step(id);
  const Ask* ask = std::get_if<Ask>(&step.verb);
  if (!ask) return Expects(step.expects);
  return question < ask->expects.size() ? Expects(ask->expects[question]) : Expects{};
}

std::uint64_t expects_of_row(const Program& program, StepId id, std::uint32_t question) {
  if (id.value >= program.steps.size() || question == 0) return 0;
  const Ask* ask = std::get_if<Ask>(&program.step(id).verb);
  if (!ask || question > ask->expects.size()) return 0;
  Fnv1a hash;
  for (std::uint32_t before = 0; before < question; ++before) {
    add(hash, program.question(ask->questions[before]).name);
    hash.number(ask->expects[before]);
  }
  return hash.value() >> 1;
}

StepId find_said(const Program& program, std::uint64_t mark, StepId hint) {
  if (mark == 0) return {};
  const auto is_it = [&](StepId id) { return program.step(id).expects == mark && said_buttons(program.step(id)); };
  if (hint.value < program.steps.size() && is_it(hint)) return hint;
  for (std::uint32_t i = 0; i < program.steps.size(); ++i)
    if (is_it(StepId{i})) return StepId{i};
  return {};
}

void index_names(Program& program) {
  SaidMarks said(program);
  for (Step& step : program.steps) {
    if (auto* ask = std::get_if<Ask>(&step.verb)) {
      ask->expects.clear();
      for (const QuestionId id : ask->questions)
        ask->expects.push_back(id ? of_question(program, program.question(id)).number() : 0);
    } else if (const Buttons* buttons = said_buttons(step)) {
      step.expects = said.of(step, *buttons);
    } else {
      step.expects = of_step(program, step).number();
    }
  }
  for (std::uint32_t i = 0; i < program.questions.size(); ++i)
    program.question_names.emplace(program.questions[i].name, QuestionId{i});
  for (std::uint32_t i = 0; i < program.branches.size(); ++i)
    program.branch_names.emplace(program.branches[i].name, BranchId{i});
}

}  // namespace sufler

// What is scheduled: names that `cancel` knows, and steps that a run without a person cannot do (LANGUAGE 9).
#include <algorithm>
#include <set>

#include "schema/loading.h"

namespace sufler {
namespace {

bool speaks(const Step& step) {
  if (const auto* assistant = std::get_if<AssistantStep>(&step.verb)) return assistant->task == AssistantStep::Task::Talk;
  return std::holds_alternative<Say>(step.verb) || std::holds_alternative<Choose>(step.verb) ||
         std::holds_alternative<Ask>(step.verb) || std::holds_alternative<HandoffStep>(step.verb);
}

void check_cancels(Loading& loading) {
  std::set<std::string> names;
  for (const Step& step : loading.program.steps)
    if (const auto* schedule = std::get_if<ScheduleStep>(&step.verb)) names.insert(schedule->name);
  for (const auto& [name, node] : loading.cancels) {
    if (names.contains(name)) continue;
    Diagnostic& problem = loading.report(DiagnosticId::UnknownScheduled, node->span, {name});
    offer(loading, problem, name, {names.begin(), names.end()}, false);
    if (names.empty()) {
      hint(loading, problem, "`%schedule%: branch` with `%as%: " + name + "` schedules it",
           "это планирует шаг `%schedule%: ветка` с `%as%: " + name + "`");
    }
  }
}

void check_runs_without_people(Loading& loading) {
  const Program& program = loading.program;
  if (std::none_of(program.schedules.begin(), program.schedules.end(),
                   [](const Schedule& one) { return one.whom == Schedule::For::Nobody; }))
    return;
  std::vector<std::vector<std::uint32_t>> next(program.branches.size());
  for (const BranchUse& use : loading.branch_uses)
    if (use.from && !use.elsewhere) next[use.from.value].push_back(use.to.value);
  std::vector<std::vector<const Step*>> speaking(program.branches.size());
  for (const Step& step : program.steps) {
    if (!speaks(step) || !step.block) continue;
    if (const BranchId branch = program.block(step.block).branch) speaking[branch.value].push_back(&step);
  }
  std::set<const Step*> told;
  for (const Schedule& schedule : program.schedules) {
    if (schedule.whom != Schedule::For::Nobody || !schedule.branch) continue;
    std::vector<std::uint8_t> seen(program.branches.size());
    std::vector<std::uint32_t> open{schedule.branch.value};
    seen[schedule.branch.value] = 1;
    while (!open.empty()) {
      const std::uint32_t branch = open.back();
      open.pop_back();
      for (const Step* step : speaking[branch]) {
        if (!told.insert(step).second) continue;
        Diagnostic& problem = loading.report(DiagnosticId::SpeaksToNobody, step->span,
                                             {std::string(loading.sources.slice(step->span)), schedule.name});
        problem.related.push_back({"", schedule.span});
        hint(loading, problem,
             "tell people of a role with `%notify%`, or say for whom the schedule is: `%for%: %users%`",
             "сообщите людям с ролью шагом `%notify%` или скажите, для кого расписание: `%for%: %users%`");
      }
      for (const std::uint32_t to : next[branch])
        if (!std::exchange(seen[to], std::uint8_t{1})) open.push_back(to);
    }
  }
}

}  // namespace

void check_schedules(Loading& loading) {
  if (!loading.flow_is_known) return;
  check_cancels(loading);
  check_runs_without_people(loading);
}

}  // namespace sufler

// What is scheduled: names that `cancel` knows, and steps that a run without a person cannot do (LANGUAGE 9).
#include <algorithm>
#include <set>

#include "schema/loading.h"

namespace sufler {
namespace {

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
  std::vector<Lonely> lonely;
  for (const Schedule& schedule : loading.program.schedules)
    if (schedule.whom == Schedule::For::Nobody) lonely.push_back({schedule.branch, schedule.name, schedule.span});
  check_lonely_branches(loading, lonely, DiagnosticId::SpeaksToNobody,
                        "tell people of a role with `%notify%`, or say for whom the schedule is: `%for%: %users%`",
                        "сообщите людям с ролью шагом `%notify%` или скажите, для кого расписание: `%for%: %users%`");
}

}  // namespace

void check_schedules(Loading& loading) {
  if (!loading.flow_is_known) return;
  check_cancels(loading);
  check_runs_without_people(loading);
}

}  // namespace sufler

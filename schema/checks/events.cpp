// Branches that begin where there is nobody to speak to: by the clock, or by a call of another system.
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

}  // namespace

void check_lonely_branches(Loading& loading, const std::vector<Lonely>& begin, DiagnosticId id, const char* way_out_en,
                           const char* way_out_ru) {
  if (begin.empty()) return;
  const Program& program = loading.program;
  std::vector<std::vector<std::uint32_t>> next(program.branches.size());
  for (const BranchUse& use : loading.branch_uses)
    if (use.from && !use.elsewhere) next[use.from.value].push_back(use.to.value);
  std::vector<std::vector<const Step*>> speaking(program.branches.size());
  for (const Step& step : program.steps) {
    if (!speaks(step) || !step.block) continue;
    if (const BranchId branch = program.block(step.block).branch) speaking[branch.value].push_back(&step);
  }
  std::set<const Step*> told;
  for (const Lonely& one : begin) {
    if (!one.branch) continue;
    std::vector<std::uint8_t> seen(program.branches.size());
    std::vector<std::uint32_t> open{one.branch.value};
    seen[one.branch.value] = 1;
    while (!open.empty()) {
      const std::uint32_t branch = open.back();
      open.pop_back();
      for (const Step* step : speaking[branch]) {
        if (!told.insert(step).second) continue;
        Diagnostic& problem =
            loading.report(id, step->span, {std::string(loading.sources.slice(step->span)), one.name});
        problem.related.push_back({"", one.span});
        hint(loading, problem, way_out_en, way_out_ru);
      }
      for (const std::uint32_t to : next[branch])
        if (!std::exchange(seen[to], std::uint8_t{1})) open.push_back(to);
    }
  }
}

void check_events(Loading& loading) {
  if (!loading.flow_is_known) return;
  std::vector<Lonely> lonely;
  for (const Happening& event : loading.happenings.all)
    if (event.kind == Happening::Kind::Webhook && !event.find_user) lonely.push_back({event.branch, event.name, event.span});
  check_lonely_branches(loading, lonely, DiagnosticId::EventSpeaksToNobody,
                        "tell people of a role with `%notify%`, or say whom the event is about: `%find_user%: user.phone == "
                        "event.json.phone`",
                        "сообщите людям с ролью шагом `%notify%` или скажите, о ком событие: `%find_user%: человек.телефон == "
                        "событие.json.phone`");
}

}  // namespace sufler

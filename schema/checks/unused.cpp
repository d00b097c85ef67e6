// What was written and never comes to pass.
#include "interpreter/core/crm_handoff.h"
#include "schema/loading.h"

namespace sufler {

namespace {

/// Clients come to a desk by a rule, or by a transfer from a desk that has one; people of a desk may also just be
/// told of things.
void check_desks(Loading& loading) {
  if (!loading.desks_are_known) return;
  const Program& program = loading.program;
  std::vector<std::uint8_t> reached(program.desks.size());
  bool transfers = false;
  for (const HandoffRule& rule : program.handoffs) {
    if (!rule.desk) continue;
    reached[rule.desk.value] = 1;
    const Desk& desk = program.desks[rule.desk.value];
    transfers = transfers || !desk.commands[static_cast<std::size_t>(Desk::Command::Transfer)].empty();
  }
  for (std::size_t i = 0; i < reached.size(); ++i) {
    if (reached[i] || transfers || loading.desk_is_used[i]) continue;
    const Desk& desk = program.desks[i];
    hint(loading, loading.report(DiagnosticId::UnusedDesk, desk.span, {desk.name}),
         "name it in a rule of `%handoff%`: `%desk%: " + desk.name + "`, or leave it out",
         "назовите её в правиле раздела `%handoff%`: `%desk%: " + desk.name + "` — или уберите");
  }
}

}  // namespace

void check_unused(Loading& loading) {
  // A step that was not understood, or that misspelt the name, may be the one that asks.
  if (!loading.questions_are_known || !loading.flow_is_known) return;
  for (const auto& [name, declared] : loading.questions) {
    if (loading.question_is_asked[declared.index]) continue;
    hint(loading, loading.report(DiagnosticId::UnusedQuestion, declared.key->span, {std::string(name)}),
         "ask it with `%ask%: " + std::string(name) + "`, or leave it out",
         "задайте его шагом `%ask%: " + std::string(name) + "` или уберите");
  }
  const Program& program = loading.program;
  std::vector<std::uint8_t> handed(program.handoffs.size()), used(program.tables.size());
  const auto use = [&used](TableId table) {
    if (table) used[table.value] = 1;
  };
  for (const Step& step : program.steps) {
    if (const auto* handoff = std::get_if<HandoffStep>(&step.verb)) {
      if (handoff->rule) handed[handoff->rule.value] = 1;
    }
    if (const auto* save = std::get_if<Save>(&step.verb)) use(save->table);
    if (const auto* find = std::get_if<Find>(&step.verb)) use(find->table);
    if (const auto* report = std::get_if<ReportStep>(&step.verb)) use(report->table);
    if (const auto* count = std::get_if<Count>(&step.verb)) use(count->table);
    if (const auto* update = std::get_if<Update>(&step.verb)) use(update->table);
    if (const auto* erase = std::get_if<Delete>(&step.verb)) use(erase->table);
  }
  for (std::size_t i = 0; loading.handoffs_are_known && i < handed.size(); ++i) {
    const HandoffRule& rule = program.handoffs[i];
    // It also works by itself when staff write, and its hours are asked for by expressions.
    if (handed[i] || rule.on_staff_message || rule.hours || (rule.crm && !rule.crm->silent_at.empty())) continue;
    hint(loading, loading.report(DiagnosticId::UnusedHandoff, rule.span, {rule.name}),
         "call people with `%handoff%: " + rule.name + "`, or leave it out",
         "позовите людей шагом `%handoff%: " + rule.name + "` или уберите его");
  }
  check_desks(loading);
  loading.assistant_is_used.resize(program.assistants.size());
  for (std::size_t i = 0; loading.assistants_are_known && i < program.assistants.size(); ++i) {
    if (loading.assistant_is_used[i]) continue;
    const Assistant& assistant = program.assistants[i];
    hint(loading, loading.report(DiagnosticId::UnusedAssistant, assistant.span, {assistant.name}),
         "let it talk with `%assistant%: " + assistant.name + "`, or leave it out",
         "дайте ему слово шагом `%assistant%: " + assistant.name + "` или уберите его");
  }
  for (std::size_t i = 0; loading.tables_are_known && i < used.size(); ++i) {
    const Table& table = program.tables[i];
    if (used[i]) continue;
    if (!table.data_file.empty()) {
      hint(loading, loading.report(DiagnosticId::UnusedTable, table.span, {table.name}),
           "look into it with `%find%: " + table.name + "`, or leave it out", "найдите в ней строки шагом `%find%: " + table.name + "` или уберите её");
      continue;
    }
    hint(loading, loading.report(DiagnosticId::UnusedTable, table.span, {table.name}),
         "write into it with `%save%: " + table.name + "`, or leave it out",
         "запишите в неё шагом `%save%: " + table.name + "` или уберите её");
  }
}

}  // namespace sufler

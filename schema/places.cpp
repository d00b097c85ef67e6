// Names of the places where a dialog rests (LANGUAGE 11).
#include "interpreter/core/crm/order.h"
#include "interpreter/core/expects.h"
#include "schema/loading.h"

namespace sufler {
namespace {

/// The first three words of a text, lower case, joined with `_`; markup and `{{ }}` do not count.
std::string first_words(const Text& text) {
  if (text.empty()) return {};
  const std::string& source = text.any_of[0].source();
  std::string result;
  int words = 0;
  bool inside_word = false;
  std::size_t offset = 0;
  while (offset < source.size()) {
    if (source.compare(offset, 2, "{{") == 0) {
      const std::size_t end = source.find("}}", offset);
      if (end == std::string::npos) break;
      offset = end + 2;
      inside_word = false;
      continue;
    }
    const std::size_t begin = offset;
    const char32_t c = next_code_point(source, offset);
    if (is_letter(c) || is_digit(c)) {
      if (!inside_word) {
        if (words == 3) break;
        if (words++) result += '_';
        inside_word = true;
      }
      result.append(source, begin, offset - begin);
    } else {
      inside_word = false;
    }
  }
  return to_lower(result);
}

}  // namespace

void name_places(Loading& loading) {
  Program& program = loading.program;
  // The same name twice in a branch gets a number, in the order of the steps.
  std::unordered_map<std::string, std::uint32_t> taken;
  auto name = [&](StepId id, std::uint32_t question, std::string place) {
    std::uint32_t& count = taken[place];
    if (++count > 1) place += "_" + std::to_string(count);
    program.places.emplace(place, Program::Place{id, question});
    return place;
  };
  for (std::uint32_t i = 0; i < program.steps.size(); ++i) {
    Step& step = program.steps[i];
    const StepId id{i};
    const BranchId branch = program.block(step.block).branch;
    std::string prefix = branch ? program.branch(branch).name : std::string("-");
    prefix += '/';
    if (auto* ask = std::get_if<Ask>(&step.verb)) {
      for (std::uint32_t q = 0; q < ask->questions.size(); ++q) {
        if (!ask->questions[q]) continue;
        const bool by_id = !step.id.empty() && ask->questions.size() == 1;
        ask->places.push_back(
            name(id, q, prefix + (by_id ? step.id : program.question(ask->questions[q]).name)));
      }
      if (!ask->places.empty()) step.place = ask->places[0];
      continue;
    }
    std::string own = step.id;
    if (const auto* choose = std::get_if<Choose>(&step.verb)) {
      if (own.empty()) own = first_words(choose->text);
      if (own.empty()) own = "choose";
    } else if (std::holds_alternative<Wait>(step.verb)) {
      if (own.empty()) own = "wait";
    } else if (const auto* run = std::get_if<Run>(&step.verb)) {
      if (own.empty()) own = run->program.empty() ? "run" : run->program;
    } else if (const auto* report = std::get_if<ReportStep>(&step.verb)) {
      if (own.empty()) own = report->name.empty() ? "report" : report->name;
    } else if (std::holds_alternative<HttpStep>(step.verb)) {
      if (own.empty()) own = "http";
    } else if (const auto* crm = std::get_if<CrmStep>(&step.verb)) {
      if (!waits(*crm)) continue;
      if (own.empty()) own = crm_word(crm->order->what);
    } else if (const auto* mail = std::get_if<Mail>(&step.verb)) {
      if (!mail->on_error) continue;  // nobody waits
      if (own.empty()) own = "mail";
    } else if (const auto* assistant = std::get_if<AssistantStep>(&step.verb)) {
      if (assistant->task == AssistantStep::Task::Forget) continue;
      if (own.empty()) own = program.assistant(assistant->assistant).name;
    } else if (const auto* handoff = std::get_if<HandoffStep>(&step.verb)) {
      if (own.empty() && handoff->rule) own = program.handoffs[handoff->rule.value].name;
    } else {
      continue;
    }
    step.place = name(id, 0, prefix + own);
  }
  index_names(program);
}

}  // namespace sufler

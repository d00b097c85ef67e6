// What was written and never comes to pass.
#include "schema/loading.h"

namespace sufler {

void check_unused(Loading& loading) {
  // A step that was not understood, or that misspelt the name, may be the one that asks.
  if (!loading.questions_are_known || !loading.flow_is_known) return;
  for (const auto& [name, declared] : loading.questions) {
    if (loading.question_is_asked[declared.index]) continue;
    hint(loading, loading.report(DiagnosticId::UnusedQuestion, declared.key->span, {std::string(name)}),
         "ask it with `%ask%: " + std::string(name) + "`, or leave it out",
         "задайте его шагом `%ask%: " + std::string(name) + "` или уберите");
  }
}

}  // namespace sufler

// Answers to secret questions in tables that reports show: the reports hide them, and the author should know.
#include <set>

#include "interpreter/core/secret_columns.h"
#include "schema/loading.h"

namespace sufler {

void check_secret_columns(Loading& loading) {
  if (loading.diagnostics.has_errors()) return;
  const Program& program = loading.program;
  std::set<std::uint32_t> reported;
  for (const Step& step : program.steps)
    if (const auto* report = std::get_if<ReportStep>(&step.verb); report && report->table) reported.insert(report->table.value);
  for (const std::uint32_t table : reported) {
    for (const auto& [column, secret] : secret_columns(program, TableId{table})) {
      if (!secret.step) continue;  // of the question's own name: nobody expects to read it
      hint(loading,
           loading.report(DiagnosticId::SecretInReport, program.step(secret.step).span, {column, program.tables[table].name, secret.question}),
           "call the column `" + secret.question + "` to say that this is meant, or take `%secret%` away from the question if others may read it",
           "назовите столбец `" + secret.question + "`, если так и задумано, или уберите у вопроса `%secret%`, если ответ можно читать другим");
    }
  }
}

}  // namespace sufler

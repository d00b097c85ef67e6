#include "schema/yaml_errors.h"

namespace sufler {

void explain_yaml_error(const std::string& message, std::uint32_t mended_offset,
                        std::uint32_t file, const SourceMap& sources, const MendedText& mended,
                        Diagnostics& diagnostics) {
  const auto size = static_cast<std::uint32_t>(sources.text(file).size());
  std::uint32_t offset = mended.changed ? mended.original_offset(mended_offset) : mended_offset;
  if (offset > size) offset = size;
  Diagnostic& problem = diagnostics.report(DiagnosticId::YamlSyntax, {file, offset, 1});
  problem.hint_en = problem.hint_ru = message;
}

}  // namespace sufler

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "schema/loader.h"
#include "tools/commands.h"

namespace sufler {
namespace {

std::string render(const std::string& format, const std::vector<Diagnostic>& all, const SourceMap& sources,
                   Language language) {
  if (format == "json") return render_json(all, sources, language);
  if (format == "sarif") return render_sarif(all, sources, language);
  if (format == "github") return render_github(all, sources, language);
  return render_text(all, sources, language);
}

/// Writes beside the file and renames, so that a crash leaves the old text or the new one.
bool write_file(const std::string& path, const std::string& text) {
  const std::string beside = path + ".sufler-fix";
  {
    std::ofstream out(beside, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) return false;
  }
  std::error_code error;
  std::filesystem::permissions(beside, std::filesystem::status(path, error).permissions(), error);
  std::filesystem::rename(beside, path, error);
  return !error;
}

/// Applies safe fixes, at most a few rounds: mending one mistake may bring the next one to light.
std::size_t fix_scenario(const std::string& path) {
  std::size_t fixed = 0;
  for (int round = 0; round < 8; ++round) {
    Loaded loaded = load_scenario(path);
    const std::vector<Diagnostic>& all = loaded.diagnostics.sorted();
    std::size_t applied = 0;
    for (std::uint32_t file = 0; file < loaded.sources.size(); ++file) {
      std::size_t here = 0;
      const std::string text = apply_fixes(all, loaded.sources, file, &here);
      if (here == 0) continue;
      if (!write_file(loaded.sources.path(file), text)) {
        std::cerr << "sufler: cannot write " << loaded.sources.path(file) << "\n";
        return fixed;
      }
      applied += here;
    }
    fixed += applied;
    if (applied == 0) break;
  }
  return fixed;
}

}  // namespace

int run_check(const CheckOptions& options) {
  const Language language = tool_language(options.language);
  std::size_t errors = 0, warnings = 0, fixed = 0;
  // One scenario after another; each is rendered by itself, so that places never mix.
  std::vector<Loaded> loaded;
  for (const std::string& path : options.paths) {
    if (options.fix) fixed += fix_scenario(path);
    loaded.push_back(load_scenario(path));
    errors += loaded.back().diagnostics.errors();
    warnings += loaded.back().diagnostics.warnings();
  }
  for (Loaded& one : loaded) {
    const std::string text = render(options.format, one.diagnostics.sorted(), one.sources, language);
    std::cout << text;
    if (!text.empty() && text.back() != '\n') std::cout << "\n";
  }
  if (fixed > 0)
    std::cerr << (language == Language::Russian ? "исправлено: " : "fixed: ") << fixed << "\n";
  if (options.format == "text") {
    if (language == Language::Russian) {
      std::cerr << (errors + warnings == 0 ? "всё в порядке" : "ошибок: " + std::to_string(errors) + ", замечаний: " + std::to_string(warnings)) << "\n";
    } else {
      std::cerr << (errors + warnings == 0 ? "no problems" : std::to_string(errors) + " errors, " + std::to_string(warnings) + " warnings") << "\n";
    }
  }
  return errors > 0 || (options.strict && warnings > 0) ? kExitErrors : kExitClean;
}

}  // namespace sufler

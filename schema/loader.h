#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/capabilities.h"
#include "interpreter/core/program.h"
#include "schema/diagnostic.h"
#include "schema/source_map.h"

namespace sufler {

struct LoadOptions {
  /// `${NAME}` that is unset is a note for `check` and `test`, an error for `run` (LANGUAGE 14, Files).
  bool environment_must_be_set = false;
  /// Roles that the configuration defines; empty: unknown, so none is checked.
  std::vector<std::string> roles;
  /// Whose limits the scenario is held against; empty: none.
  std::vector<Platform> platforms;
  /// The author asked for these platforms by name: what they lack altogether is noted too.
  bool platforms_are_chosen = false;
};

/// Everything that came of reading a scenario.
struct Loaded {
  SourceMap sources;
  Diagnostics diagnostics;
  std::shared_ptr<const Program> program;  ///< null when there is any error: a broken scenario never starts
};

/// Loads a scenario: a `.yaml` file, or a folder with `scenario.yaml` (LANGUAGE 2). `*.test.yaml` aside.
Loaded load_scenario(const std::string& path, const LoadOptions& options = {});
/// The same from memory, for tests, fuzzing and the docs' examples: path → text.
Loaded load_scenario_text(const std::vector<std::pair<std::string, std::string>>& files,
                          const LoadOptions& options = {});
/// Talk files of a scenario: every `*.test.yaml` beside it, sorted.
std::vector<std::string> find_talks(const std::string& path);

}  // namespace sufler

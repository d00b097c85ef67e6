#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/capabilities.h"
#include "interpreter/core/http/url.h"
#include "interpreter/core/program.h"
#include "schema/diagnostic.h"
#include "schema/source_map.h"

namespace sufler {

struct LoadOptions {
  /// `${NAME}` that is unset is a note for `check` and `test`, an error for `run` (LANGUAGE 14, Files).
  bool environment_must_be_set = false;
  /// Roles that the configuration defines; empty: unknown, so none is checked.
  std::vector<std::string> roles;
  /// Programs that the configuration defines (`run`); none: unknown, so none is checked.
  std::optional<std::vector<std::string>> programs;
  /// Connections to language models that the configuration defines; none: unknown, so none is checked.
  std::optional<std::vector<std::string>> models;
  /// Whether the configuration has a mail server; none: unknown, so it is not asked for.
  std::optional<bool> mail;
  /// Hosts that the configuration lets `http` reach; none: unknown, so none is checked.
  std::optional<std::vector<AllowedPlace>> hosts;
  /// The same of a CRM.
  std::optional<bool> crm;
  /// Whose limits the scenario is held against; empty: none.
  std::vector<Platform> platforms;
  /// The author asked for these platforms by name: what they lack altogether is noted too.
  bool platforms_are_chosen = false;
  /// The files that the scenario sends belong to its version, too: they are read, and told in `Loaded::files`.
  bool count_files = false;
  /// Of a scenario that is not read from its folder: the version that it is known by, the names of its other files, and
  /// what is in one of them. Without `read` the texts that stand in files of their own are unknown.
  std::string version;
  std::vector<std::string> other_files;
  std::function<std::optional<std::string>(const std::string& reference)> read;
};

/// A file that a scenario sends, as it was when it was read.
struct ScenarioFile {
  std::string reference;  ///< relative to the scenario's folder
  std::string hash;       ///< SHA-256
  std::int64_t size = 0;
};

/// Everything that came of reading a scenario.
struct Loaded {
  SourceMap sources;
  Diagnostics diagnostics;
  std::vector<ScenarioFile> files;         ///< with `count_files`, sorted
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

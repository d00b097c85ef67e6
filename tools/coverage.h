#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "interpreter/core/trace.h"
#include "schema/source_map.h"

/// How much of a scenario its talks visit.
namespace sufler {

struct Unvisited {
  std::string file;
  std::uint32_t line = 1;
  WayKind kind = WayKind::Step;
  std::string what;  ///< for people
};

struct Coverage {
  struct Share {
    std::size_t hit = 0, total = 0;
  };
  Share steps, branches;
  Share options;   ///< buttons that lead on, set or answer something
  Share outcomes;  ///< the other ways on: cases, timeouts, reminders, answers and their like; commands
  /// In the order of the files. What belongs to a step that is not visited is not named beside it.
  std::vector<Unvisited> unvisited;
};

/// The line of the scenario as its author wrote it, shortened.
std::string first_words_at(const SourceMap& sources, const SourceSpan& span);

/// Adds what `visits` have of a program.
void measure(const Program& program, const SourceMap& sources, const Visits& visits, Language language,
             Coverage& coverage);

/// The lines of `--coverage`.
std::string shown(const Coverage& coverage, Language language);
/// `{"steps": {"hit", "total"}, "branches", "options", "outcomes", "unvisited": [{"file", "line", "kind", "what"}]}`
std::string json_of(const Coverage& coverage);

}  // namespace sufler

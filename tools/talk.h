#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "interpreter/core/program.h"
#include "interpreter/core/trace.h"
#include "schema/diagnostic.h"
#include "schema/node.h"
#include "schema/source_map.h"
#include "tools/audience.h"

namespace sufler {

/// One test of a `*.test.yaml` file, read but not played: a talk (LANGUAGE, sections 12 and 14).
struct Talk {
  std::string name;
  SourceSpan span;
  const Node* node = nullptr;  ///< the test's map; lives as long as the TalkFile
  /// `given: {env: …}`: the scenario is loaded with these variables of the environment.
  std::map<std::string, std::string> environment;
  /// `reload:` and `refused:` lines: the version of the scenario that each brings, by its value.
  std::map<const Node*, std::shared_ptr<const Program>> versions;
  bool broken = false;  ///< a problem was reported in it, so that it cannot be played
  std::uint32_t begin = 0, end = 0;  ///< its bytes in the file
};
struct TalkFile {
  std::string path;
  std::uint32_t source = 0;
  Document document;
  std::vector<Talk> talks;
};

inline bool is_talk_path(std::string_view path) { return path.ends_with(".test.yaml"); }
/// The scenario that a talk file belongs to: a folder with `scenario.yaml`, its own or one above, or the file that
/// it is named after (`shop.test.yaml` and `shop_order.test.yaml` after `shop.yaml`). It need not exist.
std::string scenario_of_talk(const std::string& path);

/// Reads a talk file and checks every word of it; problems go to `diagnostics`. Implemented in talk_file.cpp.
TalkFile read_talk_file(const std::string& path, SourceMap& sources, Diagnostics& diagnostics,
                        const Program& program);

struct TalkResult {
  std::string name, file;
  std::uint32_t line = 1;
  bool passed = false;
  std::string failure;   ///< place, what was expected and what came; empty when passed
  /// What `--update` would write: the texts of `bot:` lines that came out differently.
  std::vector<FixEdit> updates;
};

class Stage;

/// Plays one talk from its beginning on a fresh stage. `update` goes on behind a `bot:` line whose text
/// differs, and notes the new text. `audience`: before whom; empty for the plain one. `at_end` sees the stage after the
/// last line.
TalkResult play_talk(const TalkFile& file, const Talk& talk, const SourceMap& sources,
                     std::shared_ptr<const Program> program, Language language, bool update,
                     Visits& visits, const AudienceFactory& audience = {},
                     const std::function<void(Stage&)>& at_end = {});

}  // namespace sufler

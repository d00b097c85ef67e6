#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "interpreter/runtime/replay.h"
#include "schema/loader.h"
#include "tools/operator_link.h"

/// Dialogs of the database with their journals, for `replay`, `record` and `explain`.
namespace sufler {

struct DialogSummary {
  std::int64_t id = 0;
  std::string bot;
  Moment changed_at;
};

/// Those that changed last, the latest first. Nothing after a trouble, which is told on standard error.
std::optional<std::vector<DialogSummary>> recent_dialogs(OperatorLink& link, const std::string& bot, std::size_t limit);

/// Calls `each` for every dialog that is still there, a few of them in memory at a time. False after a trouble, which
/// is told on standard error.
bool read_dialogs(OperatorLink& link, const std::vector<std::int64_t>& ids,
                  const std::function<void(const RecordedDialog&)>& each);

/// One dialog: its number, or its person `telegram:123`, of whom it is the one that changed last. Nothing after a
/// trouble, which is told.
std::optional<RecordedDialog> read_dialog(OperatorLink& link, const std::string& dialog, const std::string& bot);

/// The scenario that the configuration has for a bot, ready to be played; told when it has none.
std::shared_ptr<const Program> program_of(const OperatorLink& link, const std::string& bot, Language language,
                                          SourceMap& sources);
/// The scenario of a path; its problems are told.
std::shared_ptr<const Program> program_at(const std::string& path, Language language, SourceMap& sources);

/// A label, a text or a command of somebody, in one line.
std::string one_line(std::string_view text, std::size_t most = 200);

}  // namespace sufler

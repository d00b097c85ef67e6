#pragma once
#include <functional>
#include <optional>
#include <string>

#include "interpreter/core/job.h"
#include "interpreter/runtime/deploying.h"

/// Reports, made beside the work: read in portions on a connection of their own, stored as files between two turns.
namespace sufler {

/// What a report is made with. `look` reads, on a connection that no turn waits for; `write` changes something, shortly.
struct ReportTools {
  OnStorage look, write;
  std::function<bool()> stop;  ///< whether nobody wants it any more; may be empty
};

/// A job of the service `report`. Done: `{file: …}`, a stored file in the words of Attachment. The same request on the
/// same data gives the same file, so a job that is done once more changes nothing.
JobResult make_report(const ReportTools& tools, const Job& job);

/// A stored file as a whole; nothing when it is gone.
Stored<std::optional<std::string>> read_stored_file(Transaction& tx, const std::string& key);

}  // namespace sufler

#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/program.h"
#include "interpreter/runtime/file_cache.h"
#include "interpreter/runtime/versions.h"
#include "schema/diagnostic.h"
#include "schema/loader.h"
#include "storage/version_store.h"

/// How a version of a scenario comes from its folder into the database, becomes what a bot is played with, and is
/// loaded again without the folder. Nothing here has a thread: reading is for one that nobody waits for, and each step
/// on the storage is short enough to stand between two turns.
namespace sufler {

/// Versions of a bot that are kept, beside those that are live, rehearsed or pinned.
inline constexpr std::size_t kVersionsKept = 20;

/// A version as it was read, with all that must be stored of it.
struct ReadVersion {
  std::shared_ptr<const Program> program;  ///< null when there is any error
  VersionRow row;                          ///< without bot and times
  std::vector<std::string> yaml;           ///< contents, as `row.files` begins
  std::string folder;                      ///< of the other files
  std::string problems;                    ///< every diagnostic, as for a person; warnings stand there, too
  std::vector<std::string> errors;         ///< one line each, without place
  bool settled = true;  ///< false: some file changed while it was read, or a moment before
};
/// `path` as people name it. `language`: of the diagnostics.
ReadVersion read_version(const std::string& path, LoadOptions options, Language language);

/// Does a job on the storage: at once, or between two turns of the engine whose storage it is. Waits for it.
using OnStorage = std::function<Stored<Done>(const std::function<Stored<Done>(Storage&)>&)>;

/// Stores what is not stored yet of a version: its row, and its files part by part. Nothing is played with it by that.
/// What it sends is put into `cache`, too: so it can be sent even when the database has forgotten the version.
Stored<Done> store_version(const OnStorage& on_storage, const std::string& bot, const ReadVersion& version,
                           const std::string& note, Moment now, const FileCache& cache);

/// Prepares the scenario's tables; refuses what would lose data. Then the version is what the bot is played with.
Stored<Deployment> make_live(Storage& storage, const std::string& bot, const Program& program, Moment now);
/// The same for a stored version that an operator goes back to.
Stored<Deployment> roll_back(Storage& storage, const std::string& bot, const Program& program, Moment now);
/// One person's dialogs run the version from now on; empty: none any more.
Stored<Deployment> rehearse(Storage& storage, const std::string& bot, const Program* program, const std::string& transport,
                            const std::string& user_id, Moment now);

/// The version that `sufler rollback` means when it names none: the one that was live before.
std::optional<std::string> version_before(const std::vector<VersionRow>& newest_first, const std::string& live);
/// By its beginning, as people type it; nothing when there is none or when there are several.
const VersionRow* find_version(const std::vector<VersionRow>& versions, std::string_view beginning);

/// Loads a stored version; the files that it sends stay where they are until they are sent. Null when the version is
/// gone, when not all of it is there, or when this program cannot read it; `why` tells.
Stored<std::shared_ptr<const Program>> load_stored(const OnStorage& on_storage, const std::string& bot,
                                                   const std::string& version, std::string& why);

/// What a bot is to be played with by a deployment; `live` is its program. Versions that dialogs are pinned to, and
/// those of rehearsals, are loaded.
Stored<Serving> serving_by(const OnStorage& on_storage, const Deployment& deployment, std::shared_ptr<const Program> live);

}  // namespace sufler

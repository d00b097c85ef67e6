#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/storage.h"

/// Versions of scenarios with their files, and which of them a bot is played with (LANGUAGE 11);
/// `Transaction::versions` gives it.
namespace sufler {

/// A file of a version; its content is stored once, by its hash.
struct VersionFile {
  std::string path;       ///< YAML as messages name it; others relative to the scenario's folder
  std::string hash;       ///< SHA-256
  std::int64_t size = 0;  ///< bytes
  bool yaml = true;       ///< false: a file that the scenario sends or reads
};
struct VersionRow {
  std::string bot, version;
  std::string path;  ///< where it was read from
  std::string note;  ///< of whoever brought it
  Moment at;         ///< last read from disk
  Moment live_at;    ///< last made live from disk; 0: never
  std::vector<VersionFile> files;  ///< YAML in the order in which it is read, the others behind
};

/// One person's dialogs run another version than everybody's (`sufler rehearse`).
struct Rehearsal {
  std::string transport, user_id, version;
  Moment since;
};
/// What a bot is played with. Each change has a higher generation than any before, of any bot: who knows a lower one
/// has to look.
struct Deployment {
  std::string bot;
  std::int64_t generation = 0;  ///< 0: nothing was ever deployed
  std::string version;
  bool rolled_back = false;  ///< by `sufler rollback`: what is on disk waits for a `reload`
  Moment at;                 ///< when this version became live
  std::int64_t swept = 0;    ///< up to this generation no dialog is left behind
  std::vector<Rehearsal> rehearsals;
};

class VersionStore {
 public:
  static constexpr std::int64_t kPartBytes = 512 * 1024;

  virtual ~VersionStore() = default;

  /// Inserts, or replaces what is known of the same version.
  virtual Stored<Done> save(const VersionRow& row) = 0;
  /// The newest first; of all bots when `bot` is empty.
  virtual Stored<std::vector<VersionRow>> versions(std::string_view bot) = 0;
  virtual Stored<std::optional<VersionRow>> version(std::string_view bot, std::string_view version) = 0;

  /// Whether the whole content is there: parts are written in order.
  virtual Stored<bool> has_content(const VersionFile& file) = 0;
  /// Part `part` (from 0) of at most kPartBytes; any bytes.
  virtual Stored<Done> put_content(std::string_view hash, std::int64_t part, std::string_view bytes) = 0;
  /// Nothing when there is no such part.
  virtual Stored<std::optional<std::string>> content(std::string_view hash, std::int64_t part) = 0;

  virtual Stored<std::vector<Deployment>> deployments() = 0;
  virtual Stored<Deployment> deployment(std::string_view bot) = 0;  ///< generation 0 when there is none
  /// The same, and nobody else changes it until the transaction ends.
  virtual Stored<Deployment> lock_deployment(std::string_view bot) = 0;
  /// With the row locked. Gives it the next generation.
  virtual Stored<Done> deploy(Deployment& deployment) = 0;
  /// Up to this generation no dialog is left behind. Changes nothing for those who play.
  virtual Stored<Done> set_swept(std::string_view bot, std::int64_t generation) = 0;
  /// Asked in every transaction of a shared database: generations grow over all bots.
  virtual Stored<std::int64_t> newest_generation() = 0;
  struct Generation {
    std::string bot;
    std::int64_t generation = 0;
  };
  virtual Stored<std::vector<Generation>> generations() = 0;

  /// A dialog that was stored under an older generation.
  struct Behind {
    std::int64_t id = 0;
    DialogKey key;
    std::string version;  ///< of its state
    std::string pinned;
    Moment changed_at;
  };
  /// Looks at `rows` dialogs behind `after_id` at most, in the order of ids; `last_id` is the last it looked at,
  /// 0 when there was none.
  struct Look {
    std::vector<Behind> behind;
    std::int64_t last_id = 0;
  };
  virtual Stored<Look> behind(std::string_view bot, std::int64_t generation, std::int64_t after_id,
                              std::int64_t rows) = 0;
  /// Of each of these people, whether nobody else plays them now; nobody will until the transaction ends. Nobody is
  /// waited for.
  virtual Stored<std::vector<bool>> hold_if_free(const std::vector<DialogKey>& people) = 0;

  /// Dialogs that finish a branch on the version with which they entered it.
  struct Pinned {
    std::string bot, version;
    std::int64_t dialogs = 0;
    Moment since;  ///< the oldest
  };
  virtual Stored<std::vector<Pinned>> pinned() = 0;

  /// Nothing tells of the person any more. How many rehearsals there were.
  virtual Stored<std::int64_t> forget_person(std::string_view bot, std::string_view transport,
                                             std::string_view user_id) = 0;

  /// Versions beyond the newest `keep` that are neither live nor rehearsed nor pinned are gone, with their files.
  /// How many.
  virtual Stored<std::int64_t> forget_old(std::string_view bot, std::size_t keep) = 0;

  /// Whether another process serves on this database now. This one must not have joined it yet.
  virtual Stored<bool> others_serve() = 0;
};

}  // namespace sufler

#pragma once
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "interpreter/core/program.h"
#include "storage/storage.h"

namespace sufler {

/// What a bot is played with: changes between two turns, on the thread of its player.
struct Serving {
  std::shared_ptr<const Program> program;  ///< never null: of all who are not named below
  std::int64_t generation = 0;  ///< of the deployment (storage/version_store.h); 0: versions are not stored
  std::int64_t swept = 0;       ///< up to this generation no dialog is left behind
  /// One person's dialogs run another version.
  struct Rehearsing {
    std::string transport, user_id;
    std::shared_ptr<const Program> program;
  };
  std::vector<Rehearsing> rehearsals = {};
  std::vector<std::shared_ptr<const Program>> older = {};  ///< that dialogs are pinned to, loaded already
  /// Values of the environment variables that the desks name for their tokens; none: as before.
  std::optional<std::map<std::string, std::string>> secrets = {};
};

/// Which version of its scenario a dialog runs (LANGUAGE 11): the live one, the one of a rehearsal, or the one with
/// which it entered a branch that is pinned.
class Versions {
 public:
  /// So many older versions are kept in memory; others are read again when they are needed.
  static constexpr std::size_t kKept = 8;

  explicit Versions(Serving serving);

  const std::shared_ptr<const Program>& live() const { return serving_.program; }
  std::int64_t generation() const { return serving_.generation; }
  std::int64_t swept() const { return serving_.swept; }

  /// Gives what was served before, to be freed by whoever has time.
  Serving serve(Serving serving);

  /// The version that a person rehearses; null when they rehearse none.
  const std::shared_ptr<const Program>* rehearsed_by(const DialogKey& key) const;
  /// Null when the dialog is pinned to a version that is not at hand: no turn waits for the reading, so the dialog does,
  /// until `keep` brings it. `lost` is set when that version is gone: the dialog follows the live one then.
  std::shared_ptr<const Program> of(const DialogKey& key, const DialogRow& row, bool& lost);
  /// Versions that dialogs wait for.
  const std::set<std::string>& wanted() const { return wanted_; }
  /// Brings a version that was wanted; null when it is not there any more, or cannot be read.
  void keep(const std::string& version, std::shared_ptr<const Program> program);
  /// Whether a dialog that was stored with this version needs to be moved.
  bool has_moved_on(const DialogKey& key, const std::string& version, const std::string& pinned) const;

 private:
  void keep(std::shared_ptr<const Program> program);

  Serving serving_;
  std::list<std::shared_ptr<const Program>> older_;  ///< the last used first
  std::set<std::string> wanted_, gone_;
};

/// Whether a state stands inside a branch that is finished on the version with which it was entered.
struct State;
bool is_pinned(const Program& program, const State& state);

}  // namespace sufler

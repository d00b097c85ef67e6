#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/storage.h"
#include "storage/version_store.h"

/// What `sufler plan`, `sufler check --live`, `sufler graph --live` and `sufler funnel` ask of a database. Reads only, on a connection of its own, so a
/// process may serve meanwhile; what is read is as of some moment in between.
namespace sufler {

class LiveDialogs {
 public:
  /// A database that does not exist, or has no tables yet, is an error.
  static Stored<LiveDialogs> open(std::string_view url);
  LiveDialogs(LiveDialogs&&) noexcept;
  LiveDialogs& operator=(LiveDialogs&&) noexcept;
  ~LiveDialogs();

  struct AtPlace {
    std::string place;         ///< `branch/question`, or `none`
    std::int64_t dialogs = 0;
    Moment oldest;             ///< of them the one that was changed longest ago
    std::int64_t timers = 0;   ///< that are set in them, without what is scheduled: that belongs to no place
  };
  /// Of one bot, sorted by place; dialogs that are pinned to a version are left out. Counted by the database, so that a hundred thousand dialogs take no second.
  Stored<std::vector<AtPlace>> places(std::string_view bot);
  /// What `schedule` steps have pending, by its name: in how many dialogs.
  struct Scheduled {
    std::string name;
    std::int64_t dialogs = 0;
  };
  Stored<std::vector<Scheduled>> scheduled(std::string_view bot);
  /// Calls with the stored state of each dialog that rests somewhere: `place`, state (JSON), in the order of ids. An
  /// empty list of places: all.
  Stored<Done> each_state(std::string_view bot, const std::vector<std::string>& places,
                          const std::function<void(const std::string& place, const std::string& state)>& call);
  /// A turn as the journal has it.
  struct Passage {
    std::int64_t dialog_id = 0;
    Moment at;
    std::string event, turn;  ///< JSON, as in JournalRow
  };
  /// Those of all talks with people since that moment, in the order in which they were stored.
  Stored<Done> each_passage(std::string_view bot, Moment since, const std::function<void(const Passage&)>& call);
  /// What `track` steps have counted since that moment, by name.
  struct Tracked {
    std::string name;
    std::int64_t times = 0, dialogs = 0;
  };
  Stored<std::vector<Tracked>> tracked(std::string_view bot, Moment since);
  /// The version that the bot is served with; nothing when none was deployed yet.
  Stored<std::optional<VersionRow>> live_version(std::string_view bot);
  /// One of its versions; nothing when it is not known any more.
  Stored<std::optional<VersionRow>> version(std::string_view bot, std::string_view version);
  /// A file of a version; nothing when it is not there whole.
  Stored<std::optional<std::string>> content(const VersionFile& file);
  /// Dialogs that finish a branch on an older version, by version.
  Stored<std::vector<VersionStore::Pinned>> pinned(std::string_view bot);
  /// Bots that have dialogs.
  Stored<std::vector<std::string>> bots();
  /// How many rows of a table of a scenario have a value in the column; 0 when there is no such table or column.
  Stored<std::int64_t> filled(std::string_view table, std::string_view column);

 private:
  struct Impl;
  explicit LiveDialogs(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler

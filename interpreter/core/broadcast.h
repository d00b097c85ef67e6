#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/message.h"
#include "interpreter/core/moment.h"
#include "interpreter/core/value.h"

/// What a `broadcast` says and to whom, as it was when it began: a new version of the scenario changes nothing of it
/// (LANGUAGE 4).
namespace sufler {

struct UserRecord;

struct BroadcastOrder {
  std::string name;                ///< `as`; may be empty
  std::vector<std::string> texts;  ///< templates, of which chance picks one for each; empty: `branch` is played
  std::string branch;              ///< by name: the person's dialog may run another version
  ValueMap with;                   ///< of the branch
  std::vector<Attachment> files;
  std::string where;               ///< an expression; empty: everybody
  /// What `texts` and `where` read beside `user`, `chat`, `shared`, `settings` and `texts`: values of the dialog that
  /// began it.
  ValueMap values;
  std::uint32_t rate = 0;          ///< people a second; 0: as many as the platform takes
  /// Quiet from `quiet_from` to `quiet_to`, over midnight when that is the earlier; by the scenario's clock.
  std::int32_t quiet_from = -1;    ///< seconds since midnight; -1: never
  std::int32_t quiet_to = -1;

  bool has_quiet_hours() const { return quiet_from >= 0 && quiet_to >= 0 && quiet_from != quiet_to; }
};

std::string to_json(const BroadcastOrder& order);
/// False when it cannot be read.
bool from_json(std::string_view json, BroadcastOrder& order);

/// Whether nobody is written to at this moment.
bool is_quiet(const BroadcastOrder& order, const Zone& zone, Moment now);
/// When the quiet hours that `now` lies in are over.
Moment end_of_quiet(const BroadcastOrder& order, const Zone& zone, Moment now);

/// `user.unsubscribed`: set by the person's own word, or by the scenario. No broadcasts for them.
inline constexpr std::string_view kUnsubscribed = "unsubscribed";
bool is_unsubscribed(const UserRecord& user);

}  // namespace sufler

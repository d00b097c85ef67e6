#pragma once
#include <string>
#include <vector>

#include "interpreter/core/turn.h"

namespace sufler {

/// What a turn may look at beyond its own dialog. Read-only.
struct Surroundings {
  ChatAddress chat;
  const ValueMap* shared = nullptr;  ///< never null
  std::vector<std::string> roles;    ///< that the person has: `admins`
  bool trace = false;                ///< fill Turn::visited
};

/// Plays one turn: what was remembered and what happened give what to remember and what to do.
/// Pure: no clock (`event.at`), no chance (`event.seed`), no input or output; equal arguments give an
/// equal Turn, so a bug report is a test. Does not throw; a scenario that exceeds `program.limits`
/// ends its turn with `ReportFault`. While the Turn `asks`, call again with its `next`, its `user` and a
/// TableAnswer; effects of the parts add up.
[[nodiscard]] Turn step(const Program& program, State state, UserRecord user,
                        const Surroundings& surroundings, const Event& event);

}  // namespace sufler

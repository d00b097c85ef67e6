#pragma once
#include <string>
#include <vector>

#include "interpreter/core/result.h"
#include "interpreter/core/turn.h"

namespace sufler {

/// What a turn may look at beyond its own dialog. Read-only.
struct Surroundings {
  ChatAddress chat;
  const ValueMap* shared = nullptr;  ///< never null
  std::vector<std::string> roles;    ///< that the person has: `admins`
  bool is_agent = false;             ///< of some desk: what they write begins no talk of a client's
  bool trace = false;                ///< fill Turn::trace
  /// When the turn is played, which may be long after its event: what others are asked to do has its time from then.
  /// Zero: when the event happened.
  Moment now = {};
};

/// Plays one turn: what was remembered and what happened give what to remember and what to do.
/// Pure: no clock (`event.at`), no chance (`event.seed`), no input or output; equal arguments give an
/// equal Turn, so a bug report is a test. Does not throw; a scenario that exceeds `program.limits`
/// ends its turn with `ReportFault`. While the Turn `asks`, call again with its `next`, its `user` and a
/// TableAnswer; effects of the parts add up. An event that is `unheard` is given again behind that.
[[nodiscard]] Turn step(const Program& program, State state, UserRecord user,
                        const Surroundings& surroundings, const Event& event);

/// Takes a dialog over to this version without an event (LANGUAGE 11), for a sweep over dialogs that say nothing.
/// `state` is what `from_json` read with this Program. The Turn is like any other: what is shown again, timers that
/// are re-aimed or cancelled, a Relocated for each thing that did not simply stay; it may `ask` like a step. A state
/// that is of this version already gives a Turn without effects. `step()` does the same first by itself, so that a
/// dialog loaded for an event needs no call of this.
[[nodiscard]] Turn move_to_version(const Program& program, State state, UserRecord user,
                                   const Surroundings& surroundings, Moment at, std::uint64_t seed = 0);

/// A text as it would be said in the dialog now. Fails with the reason, in English for the log.
Result<RichText, std::string> render_for(const Program& program, State state, UserRecord user,
                                         const Surroundings& surroundings, Moment at, const Text& text);

/// Whether a condition about a person holds: it sees `user`, `shared`, `settings`, before them `values`, and no answers. Fails with the
/// reason, in English for the log.
Result<bool, std::string> holds_for(const Program& program, UserRecord user, const Surroundings& surroundings, Moment at,
                                    const Expression& condition, const ValueMap* values = nullptr);

}  // namespace sufler

#pragma once
#include <string>
#include <vector>

#include "interpreter/core/state.h"

/// Finding a dialog's places again in another version of its scenario (LANGUAGE 11).
namespace sufler {

struct StoredFrame {
  Frame frame;
  std::string branch;  ///< of a frame that a branch was entered with; empty for inner lists
  operator const Frame&() const { return frame; }
};
struct StoredWaiting {
  Waiting waiting;
  std::string place;
  std::uint64_t expected = 0, row = 0;  ///< as in Takeover
};
struct StoredRests {
  std::vector<StoredFrame> frames;
  std::vector<StoredWaiting> interrupted;
};

/// Sets frames, rests and what depends on them; variables stay as they are. What takes more than names is left to
/// `take_over_dialog`, in `state.takeover`.
void relocate(const Program& program, StoredRests& stored, StoredWaiting waiting, State& state,
              Relocation* relocated);

struct Play;
/// Acts on `state.takeover` (takeover.cpp): answers that the new version does not take, questions that must be shown
/// again, timers, handoffs whose rule is gone. Every line for the log is a Relocated.
void take_over_dialog(Play& play);
/// At the end of a turn: a question that changed, and that nothing in the turn has shown, is shown.
void show_news(Play& play);

/// Whether the indices of a rest lead to a step of its kind.
bool fits_program(const Program& program, const Waiting& waiting);
/// Whether the rest is part of a list being played: all but pauses at their end and silence.
bool needs_frame(const Waiting& waiting);
std::string place_of_rest(const Program& program, const Waiting& waiting);

}  // namespace sufler
